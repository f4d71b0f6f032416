"""Carries out the steps of a plan: the only writer of targets.

Every file is made under a temporary name inside the target, checked, recorded as about to appear, renamed into
its place and recorded as done. Whatever kills the process, what stands under a final name is whole; the next
run finds by the records what is left.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from dlc2lp.errors import DiskTrouble, Dlc2LpError, Interrupted, TargetRefused
from dlc2lp.events import Event, Watch
from dlc2lp.files import FileRecord, digest
from dlc2lp.model import Finding
from dlc2lp.options import RunOptions
from dlc2lp.planning.plan import Plan
from dlc2lp.planning.steps import ExtractFrames, Step, VideoStep, WriteText
from dlc2lp.renaming import rename
from dlc2lp.run.assess import Assessment, State, is_peoples
from dlc2lp.run.findings import edited, held, unmergeable, unwritten
from dlc2lp.run.journal import Journal, Record
from dlc2lp.run.label_findings import changed_meanwhile
from dlc2lp.run.label_work import LabelWork, read_text
from dlc2lp.run.links import check_own_folders, leads_out, outward_links
from dlc2lp.run.make_files import Made, Maker, make_text
from dlc2lp.run.scratch import SCRATCH, leave_scratch, make_folder
from dlc2lp.run.sources import changed_texts
from dlc2lp.temporaries import own_tag
from dlc2lp.threads import work_off
from dlc2lp.video.cpus import allowed_cpus
from dlc2lp.wording import counted


@dataclass
class Run:
    """What came of a run."""

    #: Ids of the steps that were carried out, that were done already, and that failed.
    done: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)  #: What failed and what was kept.


def execute(
    plan: Plan, found: Assessment, run_options: RunOptions, watch: Watch, steps: Sequence[Step] | None = None
) -> Run:
    """Carry out all steps that are not done; one that fails does not stop the others.

    ``found`` is what the target holds already. Seen to are ``steps``, where others see to the rest, perhaps at the same
    time; None: all. ``watch`` hears of those that need nothing first, then how many are planned, then how each goes on.

    Raises Interrupted where the work was to stop; finished steps stay finished, nothing half-made is left.
    """
    target = Path(plan.target)
    _make_folders(target, plan.folders)
    runner = _Runner(plan, target, Maker(run_options, watch), watch, found)
    adopt(target, found, plan.steps if steps is None else steps)
    work = [step for step in in_order(plan.steps if steps is None else steps) if not runner.leaves(step)]
    events = list(map(event_of, work))
    n_frames, weight = sum(event.n_frames_all for event in events), sum(event.weight for event in events)
    watch.tell(Event("planned", "step", n=len(work), n_frames_all=n_frames, weight=weight))
    try:
        work_off(work, runner.carry_out, runner.settle, run_options.jobs or allowed_cpus(), watch.stop)
    finally:
        leave_scratch(target)
    watch.check(plan.target, f" with {counted(len(runner.run.done), 'step')} done")
    return runner.run


def _make_folders(target: Path, folders: Iterable[str]) -> None:
    """Make folders of a target; raise what says in words that it is not possible."""
    for folder in folders:
        path = target / folder
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise TargetRefused.not_writable(path, error) from error


@dataclass(frozen=True)
class _Runner:
    """Sees to single steps, carrying them out in several threads."""

    plan: Plan
    target: Path
    maker: Maker
    watch: Watch
    found: Assessment
    run: Run = field(default_factory=Run)

    @property
    def replaces(self) -> bool:
        """Whether what people changed is written anew."""
        return self.maker.run_options.edited == "replace"

    def leaves(self, step: Step) -> bool:
        """Whether nothing is to be done for a step: it is done, or would overwrite what a person changed."""
        state = self.found.states[step.id]
        if state in {State.EDITED, State.HELD} and not self.replaces:
            told = [self._edited(path) for path in self.found.edited.get(step.id, ())]
            self._failed(step, [*self.found.unmerged, *(told if state is State.EDITED else [held(step)])])
            return True
        if state in {State.DONE, State.KEPT} or (state is State.LABELED and not self.replaces):
            self.run.skipped.append(step.id)
            self.watch.tell(replace(event_of(step), what="ended", state="skipped"))
            return True
        if isinstance(step, WriteText) and self.changed_texts:
            self._failed(step, self.changed_texts)
            return True
        return False

    @cached_property
    def changed_texts(self) -> tuple[Finding, ...]:
        """Why none of the texts holds any more, asked once, and only where some text is to be written."""
        return changed_texts(self.plan)

    def _edited(self, path: str) -> Finding:
        return unmergeable(path, self.plan.target) if path in self.plan.labeling_texts else edited(path)

    def carry_out(self, step: Step, _: int) -> Record:
        """Do one step and record it."""
        event = event_of(step)
        self.watch.check(event.target)
        self.watch.tell(event)

        def tell(n_frames: int) -> None:
            self.watch.tell(replace(event, what="advanced", n_frames=n_frames))

        labels = self.found.labels
        if labels is not None and self.found.states[step.id] is State.MERGE and not self.replaces:
            return put_labels(self.target, dict.fromkeys(step.targets, step.id), labels)[0]
        if isinstance(step, WriteText) and not self.replaces and self._is_saved_meanwhile(step):
            raise Dlc2LpError(changed_meanwhile(step.target))
        keeps = self.found.states[step.id] is State.UNSURE and not self.replaces
        return _put(self.target, step, lambda scratch: self.maker.make(step, scratch, tell), keeps=keeps)

    def _is_saved_meanwhile(self, step: WriteText) -> bool:
        """Whether somebody labeled in the app since all was looked at, which may be hours ago."""
        if step.target not in self.plan.labeling_texts:
            return False
        labels = self.found.labels
        if labels is None:
            return is_peoples(self.target, step.target)
        # Whoever else works on this step writes the same text.
        return read_text(self.target, step.target) not in {None, labels.found.get(step.target), step.text}

    def settle(self, step: Step, future: Future[Record]) -> None:
        """Note what came of a step."""
        error = future.exception()
        if error is None:
            self.run.done.append(step.id)
            event = event_of(step)
            self.watch.tell(replace(event, what="ended", state="done", n_frames=event.n_frames_all))
        elif isinstance(error, OSError):
            self._failed(step, [unwritten(step, error)])
        elif isinstance(error, DiskTrouble) and self.target / SCRATCH in error.path.parents:
            self._failed(step, error.told_of(step.targets[0]).findings)
        elif isinstance(error, Dlc2LpError):
            if not isinstance(error, Interrupted):
                self._failed(step, error.findings)
        else:
            raise error

    def _failed(self, step: Step, findings: Sequence[Finding]) -> None:
        self.run.failed.append(step.id)
        self.run.findings += findings
        self.watch.tell(replace(event_of(step), what="ended", state="failed", findings=tuple(findings)))


def adopt(target: Path, found: Assessment, steps: Iterable[Step]) -> None:
    """Record steps under the ids that they have now that plans know what their sources hold."""
    journal = Journal(target)
    known = journal.recorded() if found.adopted else set()
    for step in steps:
        if step.id in found.adopted.keys() - known and found.states[step.id] is State.DONE:
            journal.write(found.adopted[step.id])


def in_order(steps: Iterable[Step]) -> list[Step]:
    """Return steps in the order in which they are begun, the heaviest first."""
    return sorted(steps, key=lambda step: (-step.weight, step.id))


def event_of(step: Step) -> Event:
    """Return the event that a step begins."""
    weight, n_frames = max(1, step.weight), step.n_frames if isinstance(step, VideoStep) else 0
    if isinstance(step, ExtractFrames):
        n_frames = len(step.frames)
    return Event("began", "step", step.id, step.kind, step.targets[0], n_frames_all=n_frames, weight=weight)


def write_text(target: Path, step: WriteText, *, by: str, detail: dict[str, Any]) -> None:
    """Write one text file of a target outside a run, recorded like any other step; TargetRefused if it can't be."""
    try:
        _put(target, step, lambda scratch: replace(make_text(step, scratch), detail=detail), by)
    except OSError as error:
        raise TargetRefused.not_writable(target / step.target, error) from error
    finally:
        leave_scratch(target)


def put_labels(target: Path, step_ids: Mapping[str, str], labels: LabelWork) -> list[Record]:
    """Write label files and queues as they should be, all or, as far as the system allows, none.

    ``step_ids`` has for each file's name the id that its record gets. Dlc2LpError (``labels-changed-meanwhile``) where
    one of them is not what it was when that was decided, OSError where one can't be written.
    """
    # Several threads may each write a file at this moment.
    journal, scratch = Journal(target), target / SCRATCH / f"{next(iter(step_ids.values()))}-{own_tag()}"
    check_own_folders(target)
    try:
        make_folder(scratch)
        made: list[tuple[Path, Record]] = []
        for number, (name, step_id) in enumerate(step_ids.items()):
            folder = scratch / str(number)
            make_folder(folder)
            ((_, temporary),) = make_text(WriteText(name, labels.texts[name]), folder).files
            files = (replace(digest(temporary), path=name),)
            made.append((temporary, Record(step_id, WriteText.kind, files, False, {}, "labels")))
        for name in step_ids:
            if read_text(target, name) != labels.found.get(name):
                raise Dlc2LpError(changed_meanwhile(name))
        for temporary, record in made:
            journal.write(record)
            rename(temporary, target / record.files[0].path)
        records = [replace(record, done=True) for _, record in made]
        for record in records:
            journal.write(record)
        return records
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _put(target: Path, step: Step, make: Callable[[Path], Made], by: str = "convert", *, keeps: bool = False) -> Record:
    """Have the files of a step made, bring them to their places and record it.

    Dlc2LpError where a folder of theirs is a link that leads out of the target; nothing is written through it. With
    ``keeps`` also where a file is there that is not the one that was made: it may be a person's.
    """
    journal = Journal(target)
    scratch = target / SCRATCH / f"{step.id}-{own_tag()}"
    check_own_folders(target)
    if links := outward_links(target, step.targets):
        raise Dlc2LpError(*(leads_out(target, link) for link in links))
    try:
        make_folder(scratch)
        made = make(scratch)
        digests = made.digests or tuple(digest(temporary) for _, temporary in made.files)
        files = tuple(
            FileRecord(path, each.size_bytes, each.digest) for (path, _), each in zip(made.files, digests, strict=True)
        )
        if keeps and (others := _other_files(target, files)):
            raise Dlc2LpError(*map(edited, others))
        record = Record(step.id, step.kind, files, False, made.detail, by)
        # Recorded first: if the power fails between the rename and the second record, the next run knows the file as
        # its own and does not take it for a person's.
        journal.write(record)
        _make_folders(target, dict.fromkeys(path.rpartition("/")[0] for path, _ in made.files))
        for path, temporary in made.files:
            rename(temporary, f"{target}{os.sep}{path}")
        record = replace(record, done=True)
        journal.write(record)
        return record
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _other_files(target: Path, files: Sequence[FileRecord]) -> list[str]:
    """Return the files that are in the places of some others, and are not the same."""
    others = []
    for file in files:
        with contextlib.suppress(FileNotFoundError):
            if replace(digest(target / file.path), path=file.path) != file:
                others.append(file.path)
    return others
