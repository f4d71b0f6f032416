"""How far an archive is, from the plan and from what its workers said; no target is opened."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from dlc2lp.batch.index import Index, IndexEntry
from dlc2lp.batch.shards import Shard
from dlc2lp.batch.worklog import Story, Worker, read_story
from dlc2lp.model import Finding, by_severity
from dlc2lp.wording import counted, one_line

#: A worker's rate tells nothing before it has worked for a while.
_MIN_RATE_S = 10.0

TargetState = Literal["done", "running", "failed", "interrupted", "waiting"]


@dataclass(frozen=True)
class TargetStatus:
    """How far one target is, where that is neither done nor untouched."""

    #: As in the plan.
    target: str
    project: str
    #: ``running``: a worker has steps of it in hand; ``failed``: some step failed and nobody is at it; ``interrupted``:
    #: it was begun and nobody is at it or will be.
    state: TargetState
    #: Steps in all, those that are carried out, and those that failed.
    n_steps: int
    n_done: int
    n_failed: int
    seconds: float  #: Time spent on it.
    findings: tuple[Finding, ...]  #: Why steps failed.


@dataclass(frozen=True)
class Status:
    """How far an archive is.

    Attributes
    ----------
    out
        Folder of the targets.
    n_targets
        Targets by state: ``done``, ``running``, ``failed``, ``interrupted``, ``waiting``.
    n_not_planned
        Projects that are not planned by the reason: ``needs-decision``, ``refused``, ``skipped``.
    n_steps, n_steps_done, n_steps_failed
        Steps of all targets.
    cost, cost_done
        What all steps cost, and those that are carried out, in bytes copied in the same time.
    targets
        Those that are at work, failed or interrupted, in the order of the plan.
    workers
        The workers that are at work, the earliest first.
    left_s
        How long the rest takes if these workers go on as they did; None if that can't be told.
    unread
        What of the workers' logs could not be read.
    """

    out: Path
    n_targets: Mapping[TargetState, int]
    n_not_planned: Mapping[str, int]
    n_steps: int
    n_steps_done: int
    n_steps_failed: int
    cost: int
    cost_done: int
    targets: tuple[TargetStatus, ...]
    workers: tuple[Worker, ...]
    left_s: float | None
    unread: tuple[Finding, ...] = ()

    def __repr__(self) -> str:
        targets = (f"{n} {state}" for state, n in self.n_targets.items() if n)
        return one_line(self, self.out.name, f"{self.n_steps_done} of {counted(self.n_steps, 'step')} done", *targets)

    @property
    def is_done(self) -> bool:
        """Whether every step of the plan is carried out."""
        return self.n_steps == self.n_steps_done

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Why steps failed, each with its target, and what could not be read."""
        of_targets = (finding.within(each.target) for each in self.targets for finding in each.findings)
        return tuple(by_severity([*of_targets, *self.unread]))


def archive_status(out: str | Path) -> Status:
    """Say how far an archive is."""
    index = Index.read(Path(out))
    story = read_story(index.out)
    now_s = time.time()
    workers = tuple(worker for worker in story.workers if worker.is_alive(now_s))
    at_work = {target for worker in workers for target in worker.targets}
    shards = {worker.shard for worker in workers}
    largest = 0  # what the heaviest step that is left costs
    states, not_planned, sums = Counter[TargetState](), Counter[str](), Counter[str]()
    targets: list[TargetStatus] = []
    for entry in index.entries():
        if entry.state != "planned":
            not_planned[entry.state] += 1
            continue
        done = story.done(entry.target)
        target = _target_status(entry, done, story, at_work, shards)
        states[target.state] += 1
        cost_done = sum(step.cost for step in entry.steps if step.id in done)
        largest = max([largest, *(step.cost for step in entry.steps if step.id not in done)])
        sums.update(n_done=target.n_done, n_failed=target.n_failed, cost_done=cost_done)
        if target.state not in {"done", "waiting"}:
            targets.append(target)
    cost, cost_done = index.totals.cost, sums["cost_done"]
    return Status(
        index.out,
        {state: states[state] for state in get_args(TargetState)},
        dict(sorted(not_planned.items())),
        index.totals.n_steps,
        sums["n_done"],
        sums["n_failed"],
        cost,
        cost_done,
        tuple(targets),
        workers,
        _left_s(workers, cost - cost_done, largest, now_s),
        tuple(story.unread),
    )


def _target_status(
    entry: IndexEntry, done: set[str], story: Story, at_work: set[str], shards: set[str]
) -> TargetStatus:
    target, planned = entry.target, {step.id for step in entry.steps}
    failed, findings = story.failed(target)
    n_steps, n_done, n_failed = len(planned), len(done & planned), len(failed & planned)
    # Whoever sees to all of the archive, or to the shard of its last worker, will come back to it.
    expected = not shards.isdisjoint({str(Shard()), story.begun.get(target)})
    stopped = (target in story.begun or n_done > 0) and not expected
    state = _state(n_steps, n_done, n_failed, stopped=stopped, running=target in at_work)
    seconds, told = story.seconds.get(target, 0.0), tuple(findings) if n_failed else ()
    return TargetStatus(target, entry.project, state, n_steps, n_done, n_failed, seconds, told)


def _state(n_steps: int, n_done: int, n_failed: int, *, stopped: bool, running: bool) -> TargetState:
    if n_done == n_steps:
        return "done"
    if running:
        return "running"
    if n_failed:
        return "failed"
    return "interrupted" if stopped else "waiting"


def _left_s(workers: tuple[Worker, ...], cost_left: int, largest: int, now_s: float) -> float | None:
    """Return the time left at the rate of the workers that are at work; None where it can't be told.

    Workers tell of steps that ended, so what they have in hand, which may be one of the ``largest`` on each CPU, is not
    counted: they must have done as much, or the rest would seem to take more than twice the time that it takes.
    """
    if cost_left <= 0:
        return 0.0
    if not all(now_s - each.began_s >= _MIN_RATE_S and each.cost >= each.n_cpus * largest for each in workers):
        return None
    rate = sum(worker.cost / (now_s - worker.began_s) for worker in workers)
    return cost_left / rate if rate else None
