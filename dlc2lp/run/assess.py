"""What a target holds of a plan already, by its records and by its files. Only looks.

"The file exists" never means "done": a step is done when its record is there and every file still has the digest that
the record names.
"""

from __future__ import annotations

import enum
import errno
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from dlc2lp.errors import DiskTrouble, Dlc2LpError
from dlc2lp.files import FileRecord, NotRegular, digest, look_at, mark_of
from dlc2lp.model import Finding
from dlc2lp.planning.plan import Plan
from dlc2lp.planning.steps import PlaceImages, PlaceVideo, Step, WriteText
from dlc2lp.planning.texts import CONFIG_FILE, PROJECT_FILE
from dlc2lp.run.findings import unreadable_file
from dlc2lp.run.journal import Journal, Record
from dlc2lp.run.label_work import LabelWork, find_label_work
from dlc2lp.wording import name_key


class State(enum.StrEnum):
    """What a step finds in the target."""

    DONE = "done"  # recorded, and the files are as recorded
    TO_DO = "to-do"  # files missing, or left by an interrupted run, or of an earlier plan
    EDITED = "edited"  # a file is there that dlc2lp did not leave so: a person's work
    HELD = "held"  # of an earlier plan, and belongs together with a file that a person changed
    KEPT = "kept"  # remade by `dlc2lp config`: a person's choice, valid
    LABELED = "labeled"  # a label file or queue that people went on with, and to which nothing is to be brought
    UNSURE = "unrecorded"  # no record tells whose its files are, as one was lost or damaged: made again, to compare
    MERGE = "to-merge"  # one to which labels of DeepLabCut are to be brought, or in which cells are to be mended


#: The states of steps whose files are made.
WRITTEN = frozenset([State.TO_DO, State.UNSURE])


@dataclass(frozen=True)
class Assessment:
    """What a target holds of a plan."""

    states: dict[str, State]  #: State by step id.
    edited: dict[str, tuple[str, ...]]  #: By step id: the files that a person changed.
    stale: tuple[str, ...]  #: Files that earlier plans wrote and this one does not have, still as they were written.
    #: Files that earlier plans wrote and this one does not have, and that a person changed since.
    orphans: tuple[str, ...] = ()
    labels: LabelWork | None = None  #: What people did to the labels; None where nobody did, or they can't be merged.
    unmerged: tuple[Finding, ...] = ()  #: Why what people did to the labels can't be merged.
    #: By step id: the record under the id that a step had when plans did not know what their sources hold.
    adopted: Mapping[str, Record] = field(default_factory=dict)

    def is_left(self, step: Step) -> bool:
        """Whether work of the plan is left: labels to be brought are some, cells to mend in people's files are none."""
        if self.states[step.id] not in {*WRITTEN, State.MERGE}:
            return False
        if self.labels is None or any(path not in self.labels.found for path in step.targets):
            return True
        return self.labels.is_pending

    def is_any_left(self, plan: Plan) -> bool:
        """Whether a run would write anything."""
        return any(self.states[step.id] in {*WRITTEN, State.MERGE} for step in plan.steps)


def assess(
    plan: Plan, steps: Sequence[Step] | None = None, *, quick: bool = False, just_written: bool = False
) -> Assessment:
    """Compare a whole plan with what lies in its target.

    Looked at are ``steps``, where others see to the rest, perhaps at this moment; None: all. ``quick`` believes in
    images and videos that have the recorded size and were not touched since they were recorded, without reading them.
    ``just_written`` does too, of a target that is where it was when they were recorded: whoever puts the time of a
    change back leaves another one then. Texts, which people edit, are always read.
    """
    look = _Look(Path(plan.target), quick=quick or just_written, in_place=just_written)
    states: dict[str, State] = {}
    edited: dict[str, tuple[str, ...]] = {}
    for step in plan.steps if steps is None else steps:
        states[step.id], changed = look.at(step)
        if changed:
            # Whoever else works on this step records a file before it appears: that record may be newer than ours.
            look.again(changed)
            states[step.id], changed = look.at(step)
        if changed:
            edited[step.id] = changed
    labels: LabelWork | None = None
    unmerged: tuple[Finding, ...] = ()
    try:
        labels = find_label_work(plan, look.is_peoples)
    except DiskTrouble:
        raise
    except Dlc2LpError as error:
        unmerged = error.findings
        _hold_labels(plan, look, states, edited)
    if labels is not None:
        _with_labels(plan, look, labels, states, edited)
    planned = {path for step in plan.steps for path in step.targets}
    planned |= labels.texts.keys() | labels.images if labels else set()
    left_over = [path for path in look.beside(planned) if look.is_there(path)]
    emptied = labels.found if labels else {}  # of label files and queues those that hold nothing more
    stale = tuple(path for path in left_over if path in emptied or not look.is_peoples(path))
    orphans = tuple(path for path in left_over if path not in stale)
    return Assessment(states, edited, stale, orphans, labels, unmerged, look.adopted)


def is_peoples(target: Path, path: str) -> bool:
    """Whether a file of a target holds people's labels at this moment."""
    look = _Look(target, quick=False)
    if look.is_peoples(path):
        look.again([path])  # it may be recorded since, by whoever else works on it
    return look.is_peoples(path)


def _with_labels(
    plan: Plan, look: _Look, labels: LabelWork, states: dict[str, State], edited: dict[str, tuple[str, ...]]
) -> None:
    """Say of the label files and queues what is to become of them, now that what people did to them is known."""
    for step in plan.steps:
        if step.id not in states or not isinstance(step, WriteText) or step.target not in labels.texts:
            continue
        edited.pop(step.id, None)
        is_plain = labels.texts[step.target] == step.text
        if not labels.is_whole(step.target) or look.is_half_recorded(step):
            states[step.id] = State.TO_DO if is_plain else State.MERGE
        elif not is_plain:
            states[step.id] = State.LABELED
        elif look.at(step)[0] is not State.DONE:
            states[step.id] = State.TO_DO


def _hold_labels(plan: Plan, look: _Look, states: dict[str, State], edited: dict[str, tuple[str, ...]]) -> None:
    """Keep people's label files and queues, which can't be merged, and hold back label files that belong with them."""
    steps = [step for step in plan.steps if isinstance(step, WriteText) and step.target in plan.labeling_texts]
    for step in steps:
        if states.get(step.id) is State.TO_DO and look.is_peoples(step.target):
            states[step.id], edited[step.id] = State.EDITED, (step.target,)
    to_do = [step for step in steps if step.target in plan.label_files and states.get(step.id) is State.TO_DO]
    if any(look.is_peoples(step.target) for step in steps if step.target in plan.label_files):
        # The keypoints that the app and the config are told of are those of the label files.
        with_them = [
            step
            for step in plan.steps
            if step.targets[0] in {PROJECT_FILE, CONFIG_FILE} and states.get(step.id) is State.TO_DO
        ]
        states.update({step.id: State.HELD for step in (*to_do, *with_them) if look.file(step.targets[0]) is not None})


class _Look:
    """A target's records, and its files, each read once."""

    def __init__(self, target: Path, *, quick: bool, in_place: bool = False) -> None:
        self._target = target
        self._in_place = in_place
        self._journal = Journal(target)
        self.adopted: dict[str, Record] = {}
        self._read_records()
        self._files: dict[str, FileRecord | None] = dict(self._untouched()) if quick else {}

    def _read_records(self) -> None:
        self._records = self._journal.read()
        #: By path, every content that dlc2lp ever left there, and which command did.
        self.known: dict[str, dict[tuple[int, str], str]] = {}
        for record in self._records.values():
            for file in record.files:
                known = self.known.setdefault(file.path, {})
                # Labels that are as DeepLabCut has them are no people's, whoever wrote them.
                if record.by != "labels" or _key(file) not in known:
                    known[_key(file)] = record.by

    def _untouched(self) -> Iterator[tuple[str, FileRecord]]:
        """Yield the images and videos that are as recorded, judged by their size and the order of their times.

        A file is made before the second record of its step is written; what was changed afterwards is newer than
        the record, and is read.
        """
        for record in self._records.values():
            if not record.done or record.kind == WriteText.kind:
                continue
            try:
                recorded_ns = (self._journal.folder / f"{record.step}.json").stat().st_mtime_ns
                for file in record.files:
                    status = os.stat(f"{self._target}{os.sep}{file.path}")  # noqa: PTH116  (for each of very many)
                    changed_ns = status.st_mtime_ns
                    if self._in_place and status.st_nlink < 2:  # a hard link that is made of a file changes this too
                        changed_ns = max(changed_ns, status.st_ctime_ns)
                    if status.st_size == file.size_bytes and changed_ns <= recorded_ns:
                        yield file.path, file
            except OSError:  # told, if it is more than that a file is gone, by whoever looks for the file
                continue

    def beside(self, planned: Collection[str]) -> list[str]:
        """Return the recorded files that are none of the planned ones, also where neither case nor accents count."""
        others = sorted(self.known.keys() - planned)
        if not others:
            return []
        keys = set(map(name_key, planned))
        return [path for path in others if name_key(path) not in keys]

    def is_there(self, path: str) -> bool:
        """Whether there is a file of the target; what a record names and is none, was never written so."""
        return self._is_file(path) and self.file(path) is not None

    def _is_file(self, path: str) -> bool:
        try:
            look_at(self._target / path)
        except (FileNotFoundError, NotADirectoryError, NotRegular):
            return False
        except OSError:
            pass  # told by whoever reads it
        return True

    def again(self, paths: Sequence[str]) -> None:
        """Read the records and some files anew."""
        self._read_records()
        for path in paths:
            self._files.pop(path, None)

    def file(self, path: str) -> FileRecord | None:
        """Return what a file holds; None where there is none."""
        if path not in self._files:
            try:
                self._files[path] = digest(self._target / path)
            except (FileNotFoundError, NotADirectoryError):
                self._files[path] = None
            except OSError as error:
                if error.errno != errno.ENAMETOOLONG:
                    raise unreadable_file(self._target, path, error) from error
                self._files[path] = None
        return self._files[path]

    def is_peoples(self, path: str) -> bool:
        """Whether a file is there that holds people's labels."""
        now = self.file(path)
        return now is not None and self.known.get(path, {}).get(_key(now), "labels") == "labels"

    def is_half_recorded(self, step: Step) -> bool:
        """Whether a run was cut short between the two records of a step."""
        record = self._records.get(step.id)
        return record is not None and not record.done

    def _record_of(self, step: Step) -> Record | None:
        """Return the record of a step, perhaps under its former id, if that is known to be of the same source."""
        if step.id in self._records or not self._records:
            return self._records.get(step.id)
        record = self._records.get(step.without_digests().id)
        if record is None or not record.done or not _fits(record, step):
            return None
        self.adopted[step.id] = replace(record, step=step.id)
        return record

    def at(self, step: Step) -> tuple[State, tuple[str, ...]]:
        """Return what a step finds, and which of its files a person changed."""
        record = self._record_of(step)
        expected = {file.path: _key(file) for file in record.files} if record else {}
        now = {path: self.file(path) for path in step.targets}
        planned = _planned_marks(step)
        # What is linked to a source changes with it: then it is what is planned now, and nobody's work.
        changed = tuple(
            path
            for path, file in now.items()
            if file is not None
            and _key(file) not in self.known.get(path, {})
            and mark_of(file.digest) != planned.get(path)
        )
        if changed and record is None and self.known.keys().isdisjoint(changed):
            return State.UNSURE, ()
        if changed:
            return State.EDITED, changed
        if record and record.done and all(file and _key(file) == expected.get(path) for path, file in now.items()):
            return State.DONE, ()
        if all(file and self.known.get(path, {}).get(_key(file)) == "config" for path, file in now.items()):
            return State.KEPT, ()
        return State.TO_DO, ()


def _fits(record: Record, step: Step) -> bool:
    """Whether the files of a record hold what the sources of its step do now, as far as that can be told."""
    planned = _planned_marks(step)
    return all(mark_of(file.digest) == planned.get(file.path, mark_of(file.digest)) for file in record.files)


def _planned_marks(step: Step) -> dict[str, str]:
    """Return the digests of those files of a step that are known before they are made: what travels as it is."""
    if isinstance(step, PlaceImages):
        return {image.target: image.digest for image in step.images if image.is_as_it_is and image.digest}
    return {step.target: step.digest} if isinstance(step, PlaceVideo) and step.digest else {}


def _key(file: FileRecord) -> tuple[int, str]:
    return file.size_bytes, file.digest
