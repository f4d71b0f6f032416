"""How a batch is watched: planning, converting and verifying, one after the other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Self

from dlc2lp.batch.shards import Shard, Unit
from dlc2lp.cli.display import Display
from dlc2lp.report.text import duration_text
from dlc2lp.run.execute import Run
from dlc2lp.wording import counted


class BatchProgress:
    """Watches planning, running and finishing. Called from several threads.

    Parameters
    ----------
    quiet
        Show nothing.
    clock
        Seconds; another one in tests.
    """

    def __init__(self, *, quiet: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._display = Display(quiet=quiet, clock=clock)
        self._lock = threading.Lock()
        self._what = ""
        self._began = clock()
        self._shard = Shard()
        self._n_units = self._n_settled = self._n_failed = 0
        self._cost = 0
        self._told: set[tuple[str, str]] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._display.close()

    def planned(self, n_planned: int, n_all: int) -> None:
        """Show how far planning is."""
        with self._lock:
            self._show("planning", f"planned {n_planned} of {counted(n_all, 'project')}", n_planned, n_all)

    def closed(self, n_closed: int, n_all: int) -> None:
        """Show how far verifying is."""
        with self._lock:
            self._show("verifying", f"verified {n_closed} of {counted(n_all, 'target')}", n_closed, n_all)

    def begun(self, shard: Shard, n_units: int, cost: int) -> None:
        """Learn what there is to do."""
        with self._lock:
            self._shard, self._n_units, self._cost = shard, n_units, cost
            self._begin("converting")

    def advanced(self, cost: int) -> None:
        """Show how far the shard is."""
        with self._lock:
            text = f"{self._n_settled} of {counted(self._n_units, 'piece')} of shard {self._shard}"
            if self._n_failed:
                text += f", {self._n_failed} failed"
            self._show("converting", text, cost, self._cost)

    def settled(self, unit: Unit, run: Run) -> None:
        """Count a unit; one that failed is told at once, for the log of a task that may run for hours."""
        with self._lock:
            self._n_settled += 1
            if not run.failed:
                return
            self._n_failed += 1
            why = "; ".join(f"{finding.subject}: {finding.message}" for finding in run.findings[:1])
            if (unit.target, why) not in self._told:  # each unit of a target finds what is wrong with all of it
                self._told.add((unit.target, why))
                self._display.say(f"failed: {unit.target}: {why}")

    def _begin(self, what: str) -> None:
        self._display.close()
        self._what = what
        self._began = self._clock()

    def _show(self, what: str, text: str, done: int, total: int) -> None:
        if what != self._what:
            self._begin(what)
        if not total:
            return
        self._display.bar(text, done, total)
        left_s = (self._clock() - self._began) * (total - done) / done if done else None
        left = f", about {duration_text(left_s)} left" if left_s is not None else ""
        self._display.line(f"{text}, {done / total:.0%}{left}")
