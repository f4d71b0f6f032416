"""Carries out one shard of an archive's plan. Needs nothing but the plan and the files.

Workers do not know of each other. Each takes its units, asks the target's records what is left of them, and does it;
two that happen to work on one step make the same bytes, and a rename decides.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import shlex
import threading
import time
import traceback
from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from dlc2lp.batch.index import Index
from dlc2lp.batch.shards import Shard, Unit, shard_units, split_among
from dlc2lp.batch.worklog import Story, WorkLog, read_story
from dlc2lp.errors import EXIT_FAILED, EXIT_OK, Dlc2LpError, Interrupted, TargetRefused, ToolMissing
from dlc2lp.model import Finding, Severity
from dlc2lp.options import RunOptions
from dlc2lp.planning.plan import PLAN_FILE, Plan
from dlc2lp.planning.steps import EncodeVideo, Step
from dlc2lp.run.execute import SCRATCH, Run, execute
from dlc2lp.run.execute import Nobody as Unobserved
from dlc2lp.run.journal import Journal
from dlc2lp.run.room import check_space
from dlc2lp.run.scratch import sweep
from dlc2lp.video.cpus import allowed_cpus
from dlc2lp.video.ffmpeg import find_ffmpeg
from dlc2lp.wording import counted

_DIGEST_CHARS = 16


def plan_digest(text: str) -> str:
    """Return what tells one plan of a target from another."""
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_CHARS]


def fault(subject: str, error: Exception) -> Finding:
    """Return the finding for an error that nobody foresaw."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    return Finding(
        Severity.ERROR,
        "internal-error",
        subject,
        f"{type(error).__name__}: {error} ({place.name}, line {place.lineno}); this is a fault of dlc2lp",
        advice="please report it with the output of `dlc2lp inspect` on this project",
    )


def in_batch(finding: Finding, out: Path) -> Finding:
    """Return a finding with the command of an archive where it has that of a single project."""
    command = f"dlc2lp batch run {shlex.quote(str(out))}"
    if finding.code == "target-incomplete":
        return replace(finding, advice=f"{command}, then dlc2lp batch finish {shlex.quote(str(out))}")
    return replace(finding, advice=_REPLACING.sub(lambda _: f"{command} --edited replace", finding.hint))


#: How findings about a single project name the option that writes anew what a person changed.
_REPLACING = re.compile(r"(run convert (again )?with )?--edited replace")


class Watcher(Protocol):
    """Who wants to know how a shard goes on. Called from several threads."""

    def begun(self, shard: Shard, n_units: int, cost: int) -> None:
        """So much is to be looked at."""

    def advanced(self, cost: int) -> None:
        """So much of the cost was seen to, steps that were done before included."""

    def settled(self, unit: Unit, run: Run) -> None:
        """A unit ended."""


class Nobody:
    """A watcher that does not look."""

    def begun(self, shard: Shard, n_units: int, cost: int) -> None:
        """Do nothing."""

    def advanced(self, cost: int) -> None:
        """Do nothing."""

    def settled(self, unit: Unit, run: Run) -> None:
        """Do nothing."""


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
    """

    shard: Shard
    n_done: int = 0
    n_skipped: int = 0
    failed: dict[str, list[Finding]] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """0, or 1 where some step failed."""
        return EXIT_FAILED if self.failed else EXIT_OK

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What went wrong; each finding says in which target."""
        told = (finding.within(target) for target in sorted(self.failed) for finding in self.failed[target])
        # What is wrong with a target as a whole, each of its units has found.
        return tuple(dict.fromkeys(told))


def run_shard(
    out: Path,
    shard: Shard | None = None,
    run_options: RunOptions | None = None,
    *,
    watcher: Watcher | None = None,
    stop: threading.Event | None = None,
) -> ShardRun:
    """Carry out one shard; run again, it goes on where it was stopped.

    Parameters
    ----------
    out
        The folder that was planned for.
    shard
        Which part of the plan; None: all of it.
    run_options
        How it is carried out.
    watcher
        Hears how it goes on.
    stop
        Set it to stop cleanly.

    Raises
    ------
    TargetRefused
        ``not-planned``, ``no-space``, ``target-not-writable``.
    ToolMissing
        A video must be encoded and there is no ffmpeg.
    Interrupted
        ``stop`` was set; finished steps stay finished, nothing half-made is left.
    """
    shard = shard or Shard()
    run_options = run_options or RunOptions()
    watcher = watcher or Nobody()
    index = Index.read(out)
    jobs = run_options.jobs or allowed_cpus()
    with index.reader() as read_entry:
        work = split_among(shard_units(index.weights(), read_entry, index.totals.cost, shard), jobs)
    story = read_story(out, shard)
    _check_needs(out, work, story)
    if run_options.tmp_dir is not None:
        sweep([run_options.tmp_dir])
    watcher.begun(shard, len(work), sum(unit.cost for unit in work))
    with WorkLog(out, shard, jobs) as log:
        return _Shard(out, shard, run_options, watcher, log, story, stop or threading.Event()).carry_out(work, jobs)


def _check_needs(out: Path, work: Sequence[Unit], story: Story) -> None:
    """Refuse before the first byte what can't end well."""
    try:
        _check_left(out, work, story)
    except (TargetRefused, ToolMissing):
        _check_left(out, work, read_story(out))  # others may have done it, when the plan was cut in another way


def _check_left(out: Path, work: Sequence[Unit], story: Story) -> None:
    left = [step for unit in work for done in (story.done(unit.target),) for step in unit.steps if step.id not in done]
    advice = "free some space, choose another disk for OUT, or leave out videos: batch plan ... --videos none"
    check_space(out, sum(step.space_bytes for step in left), advice)
    if any(step.kind == EncodeVideo.kind for step in left):
        find_ffmpeg()


class _Shard:
    """One worker at its shard."""

    def __init__(
        self,
        out: Path,
        shard: Shard,
        run_options: RunOptions,
        watcher: Watcher,
        log: WorkLog,
        story: Story,
        stop: threading.Event,
    ) -> None:
        self._out = out
        self._run_options = run_options
        self._watcher = watcher
        self._log = log
        self._story = story
        self._stop = stop
        self._result = ShardRun(shard)
        self._plans = _Plans(run_options.jobs or allowed_cpus())
        self._meter = _Meter(watcher)

    def carry_out(self, work: Sequence[Unit], jobs: int) -> ShardRun:
        """Keep the CPUs busy, the heaviest unit first, until no unit is left or ``stop`` is set."""
        waiting = deque(work)
        running: dict[Future[Run], tuple[Unit, int]] = {}
        free = jobs
        with ThreadPoolExecutor(jobs) as pool, self._stopping_all():
            while waiting or running:
                # In order, also where a later unit would fit into what is free: or an encode that wants all CPUs
                # would wait for the end of the shard.
                while waiting and not self._stop.is_set() and (n := min(jobs, waiting[0].n_threads)) <= free:
                    unit = waiting.popleft()
                    running[pool.submit(self._carry_out_unit, unit, n)] = (unit, n)
                    free -= n
                if not running:
                    break
                finished, _ = wait(running, timeout=0.2, return_when=FIRST_COMPLETED)
                for future in finished:
                    unit, n = running.pop(future)
                    free += n
                    self._settle(unit, future)
        if self._stop.is_set():
            raise Interrupted.of(
                "interrupted",
                str(self._out),
                f"stopped by a signal with {counted(self._result.n_done, 'step')} done",
                advice="run the same command again to go on",
            )
        return self._result

    @contextlib.contextmanager
    def _stopping_all(self) -> Iterator[None]:
        """Have the threads end soon where this one is interrupted."""
        try:
            yield
        except BaseException:
            self._stop.set()
            raise

    def _carry_out_unit(self, unit: Unit, jobs: int) -> Run:
        """Do one unit; whatever goes wrong in it is a finding, and the next unit is not troubled."""
        self._log.began(unit.target, len(unit.steps))
        try:
            return self._run(unit, jobs)
        except Interrupted:
            raise
        except Dlc2LpError as error:
            return Run(failed=[step.id for step in unit.steps], findings=list(error.findings))
        except OSError as error:
            finding = Finding(
                Severity.ERROR,
                "target-unusable",
                unit.target,
                f"could not be worked on: {error.strerror or error}"
                + (f" ({error.filename})" if error.filename else ""),
                advice="check the disk and the permissions, then run the same command again",
            )
            return Run(failed=[step.id for step in unit.steps], findings=[finding])
        finally:
            self._log.ended(unit.target)

    def _run(self, unit: Unit, jobs: int) -> Run:
        target = self._out / unit.target
        sweep([target / SCRATCH])
        plan = self._plans.of(target, unit)
        if plan is None:  # planned anew by `dlc2lp convert`, and so its business; `finish` looks at what came of it
            return Run(skipped=[step.id for step in unit.steps])
        by_id = {step.id: step for step in plan.steps}
        steps = [by_id[step.id] for step in unit.steps]
        assessment = Journal(target).assess(plan, steps, quick=True)
        twins = tuple(self._out / twin for twin in unit.twins)
        recorder = _Recorder(self._log, self._meter, unit)
        options = replace(self._run_options, jobs=jobs, twins=twins)
        return execute(plan, assessment.states, assessment.edited, options, recorder, self._stop, steps)

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
        self._meter.settle(unit)
        self._watcher.settled(unit, run)


class _Plans:
    """The targets' plans, of which a few at a time are kept: the units of a heavy project follow each other."""

    def __init__(self, n_kept: int) -> None:
        self._n_kept = n_kept
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Plan | None] = OrderedDict()

    def of(self, target: Path, unit: Unit) -> Plan | None:
        """Return a target's plan; None where it is no longer the one of the index.

        Raises
        ------
        TargetRefused
            ``not-a-target``: it is gone.
        UsageError
            It can't be read.
        """
        with self._lock:
            if unit.target in self._kept:
                self._kept.move_to_end(unit.target)
                return self._kept[unit.target]
        plan = self._read(target, unit)
        with self._lock:
            self._kept[unit.target] = plan
            while len(self._kept) > self._n_kept:
                self._kept.popitem(last=False)
        return plan

    @staticmethod
    def _read(target: Path, unit: Unit) -> Plan | None:
        path = target / PLAN_FILE
        try:
            text = path.read_text(encoding="utf-8", errors="replace")  # whose digest is another one
        except (FileNotFoundError, NotADirectoryError) as error:
            raise TargetRefused.of(
                "not-a-target",
                str(target),
                f"found no {PLAN_FILE}, which `batch plan` had written",
                advice="plan again with the same `dlc2lp batch plan` command",
            ) from error
        if plan_digest(text) != unit.plan:
            return None
        # The archive may be mounted elsewhere on this machine; all paths of a plan are relative but for its own.
        return replace(Plan.from_text(text, path), target=str(target))


class _Meter:
    """Adds up what was seen to, over the threads of a worker."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._lock = threading.Lock()
        self._settled = 0
        self._going: dict[tuple[str, str], int] = {}

    def advance(self, target: str, step: str, cost: int) -> None:
        """Note how much of a step is done."""
        with self._lock:
            self._going[target, step] = cost
            self._watcher.advanced(self._settled + sum(self._going.values()))

    def settle(self, unit: Unit) -> None:
        """Count a unit as a whole."""
        with self._lock:
            self._settled += unit.cost
            for step in unit.steps:
                self._going.pop((unit.target, step.id), None)
            self._watcher.advanced(self._settled + sum(self._going.values()))


class _Recorder(Unobserved):
    """An observer of steps that writes down how long each took."""

    def __init__(self, log: WorkLog, meter: _Meter, unit: Unit) -> None:
        self._log = log
        self._meter = meter
        self._target = unit.target
        self._costs = {step.id: step.cost for step in unit.steps}
        self._began: dict[str, float] = {}

    def started(self, step: Step) -> None:
        """Note the time."""
        self._began[step.id] = time.monotonic()

    def advanced(self, step: Step, n_frames: int) -> None:
        """Tell how far a video is."""
        total = getattr(step, "n_frames", 0)
        if total:
            self._meter.advance(self._target, step.id, self._costs[step.id] * min(n_frames, total) // total)

    def finished(self, step: Step, state: str) -> None:
        """Write down that a step is done."""
        if state == "done":
            cost = self._costs[step.id]
            self._log.done(self._target, step.id, cost, time.monotonic() - self._began[step.id])
            self._meter.advance(self._target, step.id, cost)
