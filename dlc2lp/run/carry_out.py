"""A whole plan, from its writing to the target's manifest, by one process that is alone in the target meanwhile."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dlc2lp.errors import Dlc2LpError, begun
from dlc2lp.events import Event, Watch
from dlc2lp.files import PLAN_FILE, write_if_new
from dlc2lp.model import Finding
from dlc2lp.options import RunOptions
from dlc2lp.planning.plan import Plan
from dlc2lp.run.assess import Assessment, assess
from dlc2lp.run.at_work import at_work, gone_from, replaced
from dlc2lp.run.closing import Closed, close_target
from dlc2lp.run.execute import Run, execute
from dlc2lp.run.label_findings import brought
from dlc2lp.run.labeling import keep_labels, settle_labels
from dlc2lp.run.last_run import LastRun
from dlc2lp.run.log import LOG_FILE, RunLog
from dlc2lp.run.scratch import sweep_target
from dlc2lp.run.verify import SourceLabels


@dataclass(frozen=True)
class CarriedOut:
    """What came of a plan."""

    run: Run
    told: Iterable[Finding]  #: What is told of this run alone.
    closed: Closed  #: What closing the target came to, which the next run would tell, too.


@dataclass(frozen=True)
class Held:
    """What a target held when it was looked at."""

    stored: Plan | None  #: The plan that it was last written by.
    state: tuple[int, ...]  #: That of the plan's file, from before it was read.
    assessment: Assessment


def state_of_plan(target: Path) -> tuple[int, ...]:
    """Return what changes with each plan that is written into a target."""
    try:
        found = (target / PLAN_FILE).stat()
    except OSError:
        return ()
    return found.st_size, found.st_mtime_ns, found.st_ino


def carry_out_whole(
    plan: Plan,
    held: Held,
    labels: SourceLabels,
    run_options: RunOptions,
    watch: Watch,
    last: LastRun | None,
) -> CarriedOut:
    """Write a plan into its target, carry it out and close the target.

    ``last`` is told when all steps are done. Raises TargetBusy where another is at work in the target, DiskTrouble
    where its disk fails, TargetRefused where its plan can't be written and TargetFailed where its other files can't,
    Interrupted where the work is to stop.
    """
    folder, assessment = Path(plan.target), held.assessment
    # Where there is nothing to write, not even a sign of it is.
    is_idle = not (assessment.is_any_left(plan) or assessment.stale) and plan.is_written_as(held.stored)
    with contextlib.nullcontext() if is_idle else at_work(folder, watch=watch):
        if state_of_plan(folder) != held.state:
            raise replaced(folder)
        return _Work(plan, labels, run_options, watch, last).from_beginning_to_end(assessment)


@dataclass(frozen=True)
class _Work:
    """What is to be done to one target, where nobody is in the way any more."""

    plan: Plan
    labels: SourceLabels
    run_options: RunOptions
    watch: Watch
    last: LastRun | None

    def from_beginning_to_end(self, assessment: Assessment) -> CarriedOut:
        """Write the plan, carry it out and close the target."""
        plan, folder = self.plan, Path(self.plan.target)
        keep_labels(plan)
        if self.run_options.edited == "settle" and settle_labels(plan, assessment.labels):
            assessment = assess(plan)
        write_if_new(folder / PLAN_FILE, plan.to_pieces)
        with begun(folder):
            try:
                return self._steps_and_end(assessment)
            finally:
                _stay_known(plan)

    def _steps_and_end(self, assessment: Assessment) -> CarriedOut:
        """Carry out the steps of the plan, which is written, and close the target."""
        plan, folder, options = self.plan, Path(self.plan.target), self.run_options
        sweep_target(folder, gone_from(folder))
        run = execute(plan, assessment, options, self.watch.heard_by(RunLog(folder / LOG_FILE, self.watch)))
        if self.last is not None:
            self.last.steps_done()
        self.watch.tell(Event("began", "stage", plan.target, "check"))
        closed = close_target(
            plan, run.failed, run.findings, assessment, options.verify, self.labels, just_written=True
        )
        told: Iterable[Finding] = ()
        if assessment.labels and not run.failed and options.edited != "replace":
            told = brought(assessment.labels)
        return CarriedOut(run, told, closed)


def _stay_known(plan: Plan) -> None:
    """Give a target its plan back whose folder somebody removed meanwhile.

    What was made there since would be a stranger's to the next run, which would refuse it (``target-not-empty``).
    """
    folder = Path(plan.target)
    with contextlib.suppress(OSError, Dlc2LpError):  # of a disk that failed, others have told
        if folder.is_dir() and not (folder / PLAN_FILE).exists():
            write_if_new(folder / PLAN_FILE, plan.to_pieces)
