"""How a batch is watched: one bar after the other on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Self

import click

from dlc2lp.batch.shards import Shard, Unit
from dlc2lp.cli.progress import LINE_EVERY_S
from dlc2lp.migrate.execute import Run
from dlc2lp.report.text import duration_text

_BAR = "{percentage:3.0f}% |{bar}| {desc} [{elapsed}<{remaining}]"


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
        self._quiet = quiet
        self._clock = clock
        self._lock = threading.Lock()
        self._bar: Any = None
        self._what = ""
        self._began = self._last_line = clock()
        self._shard = Shard()
        self._n_units = self._n_settled = self._n_failed = 0
        self._cost = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._close_bar()

    def planned(self, n_planned: int, n_all: int) -> None:
        """Show how far planning is."""
        with self._lock:
            self._show("planning", f"planned {n_planned} of {n_all} projects", n_planned, n_all)

    def closed(self, n_closed: int, n_all: int) -> None:
        """Show how far verifying is."""
        with self._lock:
            self._show("verifying", f"verified {n_closed} of {n_all} targets", n_closed, n_all)

    def begun(self, shard: Shard, n_units: int, cost: int) -> None:
        """Learn what there is to do."""
        with self._lock:
            self._shard, self._n_units, self._cost = shard, n_units, cost
            self._begin("converting")

    def advanced(self, cost: int) -> None:
        """Show how far the shard is."""
        with self._lock:
            text = f"{self._n_settled} of {self._n_units} pieces of shard {self._shard}"
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
            if not self._quiet:
                why = "; ".join(f"{finding.subject}: {finding.message}" for finding in run.findings[:1])
                self._say(f"failed: {unit.target}: {why}")

    def _begin(self, what: str) -> None:
        self._close_bar()
        self._what = what
        self._began = self._clock()

    def _show(self, what: str, text: str, done: int, total: int) -> None:
        if what != self._what:
            self._begin(what)
        if self._quiet or not total:
            return
        if sys.stderr.isatty():
            if self._bar is None:
                from tqdm import tqdm

                self._bar = tqdm(total=total, bar_format=_BAR, file=sys.stderr, dynamic_ncols=True, leave=False)
            self._bar.set_description_str(text, refresh=False)
            self._bar.update(done - self._bar.n)
            return
        now = self._clock()
        if now - self._last_line >= LINE_EVERY_S:
            self._last_line = now
            left = f", about {duration_text((now - self._began) * (total - done) / done)} left" if done else ""
            self._say(f"{text}, {done / total:.0%}{left}")

    def _say(self, text: str) -> None:
        if self._bar is not None:
            self._bar.clear()
        click.echo(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}", err=True)

    def _close_bar(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
