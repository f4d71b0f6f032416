"""Wall and CPU time of some work, ratios that a busy machine does not spoil, and Markdown tables."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from statistics import median
from typing import NamedTuple


class Cost(NamedTuple):
    """Seconds by the clock, and of CPUs in this process and in the processes that it waited for."""

    wall_s: float
    cpu_s: float


class Gain(NamedTuple):
    """How many times faster a candidate is than its baseline, by the clock and by CPU time; and its own cost."""

    wall: float
    cpu: float
    cost: Cost


def cost_of(work: Callable[[], object]) -> Cost:
    """Do some work once and say what it took."""
    before, began = os.times(), time.perf_counter()
    work()
    wall_s, after = time.perf_counter() - began, os.times()
    return Cost(wall_s, sum(after[:4]) - sum(before[:4]))  # user, system, and both of the children


def gain(baseline: Callable[[], object], candidate: Callable[[], object], repeats: int) -> Gain:
    """Compare two ways: medians over pairs, in each of which the baseline runs directly before the candidate."""
    pairs = [(cost_of(baseline), cost_of(candidate)) for _ in range(repeats)]
    return Gain(
        median(before.wall_s / after.wall_s for before, after in pairs),
        median(before.cpu_s / max(after.cpu_s, 0.01) for before, after in pairs),  # os.times counts in 10 ms
        Cost(median(after.wall_s for _, after in pairs), median(after.cpu_s for _, after in pairs)),
    )


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first hold figures."""
    lines = ["| " + " | ".join(heads) + " |", "|---" + "|---:" * (len(heads) - 1) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def say(what: str) -> None:
    """Tell who waits what is going on."""
    print(what, file=sys.stderr, flush=True)
