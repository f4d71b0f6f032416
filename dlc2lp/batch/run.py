"""Carries out one shard of an archive's plan. Needs nothing but the plan and the files.

Workers do not know of each other. Each takes its units, asks the target's records what is left of them, and does it;
two that happen to work on one step make the same bytes, and a rename decides.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from dlc2lp.batch.commands import in_archive
from dlc2lp.batch.index import Index, plan_digest
from dlc2lp.batch.shards import Shard, Unit, shard_units, split_among
from dlc2lp.batch.worklog import Story, WorkLog, read_story
from dlc2lp.errors import EXIT_FAILED, EXIT_OK, Dlc2LpError, Interrupted, TargetRefused, ToolMissing
from dlc2lp.events import Ending, Event, Watch, by_kind
from dlc2lp.files import read_bytes
from dlc2lp.model import Finding, Setting
from dlc2lp.options import RunOptions
from dlc2lp.planning.plan import PLAN_FILE, Plan, unreadable
from dlc2lp.planning.steps import EncodeVideo, PlaceVideo, RemuxVideo
from dlc2lp.run.assess import assess
from dlc2lp.run.at_work import at_work
from dlc2lp.run.disk_space import check_space
from dlc2lp.run.execute import Run, execute
from dlc2lp.run.findings import disk_fault
from dlc2lp.run.labeling import settle_labels
from dlc2lp.run.scratch import sweep
from dlc2lp.threads import work_off
from dlc2lp.video.cpus import allowed_cpus
from dlc2lp.video.ffmpeg import find_ffmpeg
from dlc2lp.wording import counted, one_line

_VIDEO_KINDS = frozenset({PlaceVideo.kind, RemuxVideo.kind, EncodeVideo.kind})


def in_batch(finding: Finding, out: Path) -> Finding:
    """Return a finding with the command of an archive where it has that of a single project."""
    return replace(finding, remedies=tuple(in_archive(remedy, out) for remedy in finding.remedies))


@dataclass
class ShardRun:
    """What came of a shard.

    Attributes
    ----------
    shard
        Which one.
    n_done, n_skipped
        Steps that were carried out, and that were done before.
    failed
        By target: what went wrong there.
    told
        What is to be known of all of it.
    """

    shard: Shard
    n_done: int = 0
    n_skipped: int = 0
    failed: dict[str, list[Finding]] = field(default_factory=dict)
    told: tuple[Finding, ...] = ()

    def __repr__(self) -> str:
        steps = f"{counted(self.n_done, 'step')} done", f"{self.n_skipped} done before"
        failed = f"{counted(len(self.failed), 'target')} failed"
        return one_line(self, str(self.shard), *steps, failed, f"exit {self.exit_code}")

    @property
    def exit_code(self) -> int:
        """0, or 1 where some step failed."""
        return EXIT_FAILED if self.failed else EXIT_OK

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What went wrong; each finding says in which target."""
        of_targets = (finding.within(target) for target in sorted(self.failed) for finding in self.failed[target])
        # What is wrong with a target as a whole, each of its units has found.
        return tuple(dict.fromkeys([*of_targets, *self.told]))


def run_shard(
    out: Path, shard: Shard | None = None, run_options: RunOptions | None = None, *, watch: Watch | None = None
) -> ShardRun:
    """Carry out one shard, or without one the whole plan; run again, it goes on where it was stopped.

    The watch hears of every step, and of every piece of the shard. Interrupted, finished steps stay finished and
    nothing half-made is left.
    """
    shard = shard or Shard()
    run_options = run_options or RunOptions()
    index = Index.read(out)
    jobs = run_options.jobs or allowed_cpus()
    with index.reader() as read_entry:
        work = split_among(shard_units(index.weights(), read_entry, index.totals.cost, shard), jobs)
    story = read_story(out, shard)
    _check_needs(out, work, story)
    if run_options.tmp_dir is not None:
        sweep([run_options.tmp_dir])
    with WorkLog(out, shard, jobs) as log:
        return _Shard(out, shard, run_options, watch or Watch(), log, story).carry_out(work, jobs)


def _check_needs(out: Path, work: Sequence[Unit], story: Story) -> None:
    """Refuse before the first byte what can't end well."""
    try:
        _check_left(out, work, story)
    except (TargetRefused, ToolMissing):
        _check_left(out, work, read_story(out))  # others may have done it, when the plan was cut in another way


def _check_left(out: Path, work: Sequence[Unit], story: Story) -> None:
    left = [step for unit in work for done in (story.done(unit.target),) for step in unit.steps if step.id not in done]
    advice = "free some space, choose another disk for OUT, or leave out videos: batch plan ... {}"
    check_space(out, sum(step.space_bytes for step in left), advice, Setting("videos", ("none",)))
    if any(step.kind == EncodeVideo.kind for step in left):
        find_ffmpeg()


class _Shard:
    """One worker at its shard."""

    def __init__(
        self, out: Path, shard: Shard, run_options: RunOptions, watch: Watch, log: WorkLog, story: Story
    ) -> None:
        self._out, self._run_options, self._watch = out, run_options, watch
        self._log, self._story, self._result = log, story, ShardRun(shard, told=log.told)
        # A few at a time are kept: the units of a heavy project follow each other.
        self._plan_of = lru_cache(run_options.jobs or allowed_cpus())(_plan_of)

    def carry_out(self, work: Sequence[Unit], jobs: int) -> ShardRun:
        """Keep the CPUs busy, the heaviest unit first, until no unit is left or the work is to stop."""
        shard, cost = str(self._result.shard), sum(unit.cost for unit in work)
        costs = by_kind([(step.kind, step.cost) for step in unit.steps] for unit in work)
        self._watch.tell(Event("planned", "piece", shard, n=len(work), weight=cost, by_kind=costs))
        try:
            work_off(work, self._carry_out_unit, self._settle, jobs, self._watch.stop, lambda unit: unit.n_threads)
        except KeyboardInterrupt:
            self._stopped(work)
            raise
        self._stopped(work)
        return self._result

    def _stopped(self, work: Sequence[Unit]) -> None:
        """Where the work is to stop, raise Interrupted with how much of it is done."""
        if self._watch.stop.is_set():
            self._watch.check(str(self._out), f"; {_in_place(work, read_story(self._out, self._result.shard))}")

    def _carry_out_unit(self, unit: Unit, jobs: int) -> Run:
        """Do one unit; whatever goes wrong in it is a finding, and the next unit is not troubled."""
        self._log.began(unit.target, len(unit.steps))
        try:
            return self._run(unit, jobs)
        except Interrupted:
            raise
        except Dlc2LpError as error:
            return self._left(unit, "failed", error.findings)
        except OSError as error:
            finding = disk_fault("target-unusable", unit.target, "could not be worked on", error)
            return self._left(unit, "failed", [finding])
        finally:
            self._log.ended(unit.target)

    def _run(self, unit: Unit, jobs: int) -> Run:
        with at_work(self._out / unit.target, alone=False, watch=self._watch):
            return self._run_beside_others(unit, jobs)

    def _run_beside_others(self, unit: Unit, jobs: int) -> Run:
        target = self._out / unit.target
        plan = self._plan_of(target, unit.plan)
        if plan is None:  # planned anew by `dlc2lp convert`, and so its business; `finish` looks at what came of it
            return self._left(unit, "skipped")
        by_id = {step.id: step for step in plan.steps}
        if not by_id.keys() >= {step.id for step in unit.steps}:
            why = "the plan of the archive has steps of this target that its own plan does not have"
            advice = "plan again with the same `dlc2lp batch plan` command"
            raise TargetRefused.of("plan-unreadable", unit.target, why, advice=advice)
        steps = [by_id[step.id] for step in unit.steps]
        assessment = assess(plan, steps, quick=True)
        if self._run_options.edited == "settle" and settle_labels(plan, assessment.labels):
            assessment = assess(plan, steps, quick=True)
        options = replace(self._run_options, jobs=jobs, twins=tuple(self._out / twin for twin in unit.twins))
        watch = self._watch.heard_by(_Recorder(self._log, self._watch, unit))
        return execute(plan, assessment, options, watch, steps)

    def _left(self, unit: Unit, state: Ending, findings: Sequence[Finding] = ()) -> Run:
        """Leave a unit as it is: it is of no concern any more, or can't be carried out."""
        event = Event("ended", "step", within=unit.target, state=state, findings=tuple(findings))
        for step in unit.steps:
            self._watch.tell(replace(event, subject=step.id, kind=step.kind, weight=step.cost))
        steps = [step.id for step in unit.steps]
        return Run(skipped=steps) if state == "skipped" else Run(failed=steps, findings=list(findings))

    def _settle(self, unit: Unit, future: Future[Run]) -> None:
        try:
            run = future.result()
        except Interrupted:
            return
        run.findings[:] = [in_batch(finding, self._out) for finding in run.findings]
        known = self._story.done(unit.target)
        self._log.found_done(unit.target, [step for step in run.skipped if step not in known])
        if run.failed:
            self._log.failed(unit.target, run.failed, run.findings)
            self._result.failed.setdefault(unit.target, []).extend(run.findings)
        self._result.n_done += len(run.done)
        self._result.n_skipped += len(run.skipped)
        state: Ending = "failed" if run.failed else "done" if run.done else "skipped"
        self._watch.tell(Event("ended", "piece", unit.target, weight=0, state=state, findings=tuple(run.findings)))


def _in_place(work: Sequence[Unit], story: Story) -> str:
    """Return for example ``3 of 23 targets are done, and 12 of 40 videos are in place``, of a shard's work."""
    left: dict[str, int] = {}
    n_videos = n_made = 0
    for unit in work:
        done = story.done(unit.target)
        left[unit.target] = left.get(unit.target, 0) + sum(step.id not in done for step in unit.steps)
        videos = [step.id for step in unit.steps if step.kind in _VIDEO_KINDS]
        n_videos, n_made = n_videos + len(videos), n_made + sum(step in done for step in videos)
    said = f"{sum(not n for n in left.values())} of {counted(len(left), 'target')} are done"
    return said + (f", and {n_made} of {counted(n_videos, 'video')} are in place" if n_videos else "")


def _plan_of(target: Path, digest: str) -> Plan | None:
    """Return a target's plan; None where it is no longer the one of the index."""
    path = target / PLAN_FILE
    try:
        text = read_bytes(path).decode(errors="replace")  # whose digest is another one
    except (FileNotFoundError, NotADirectoryError) as error:
        why = f"found no {PLAN_FILE}, which `batch plan` had written"
        advice = "plan again with the same `dlc2lp batch plan` command"
        raise TargetRefused.of("not-a-target", str(target), why, advice=advice) from error
    except OSError as error:
        raise unreadable(path, error) from error
    if plan_digest(text) != digest:
        return None
    # The archive may be mounted elsewhere on this machine; all paths of a plan are relative but for its own.
    return replace(Plan.from_text(text, path), target=str(target))


class _Recorder:
    """Hears of a unit's steps, writes down how long each took, and passes them on as steps of the archive."""

    def __init__(self, log: WorkLog, watch: Watch, unit: Unit) -> None:
        self._log, self._watch, self._target = log, watch, unit.target
        self._costs = {step.id: step.cost for step in unit.steps}
        self._began: dict[str, float] = {}

    def __call__(self, event: Event) -> None:
        """Hear of an event."""
        if event.what == "planned":
            return  # the shard has told of all
        cost = self._costs[event.subject]
        if event.what == "began":
            self._began[event.subject] = time.monotonic()
        elif event.state == "done":
            self._log.done(self._target, event.subject, cost, time.monotonic() - self._began[event.subject])
        self._watch.tell(replace(event, within=self._target, weight=cost))
