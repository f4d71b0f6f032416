"""How a run is watched: a bar on a terminal, a plain line now and then elsewhere, nothing when quiet."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence
from typing import Any, Self

import click

from dlc2lp.migrate.plan import EncodeVideo, PlaceVideo, RemuxVideo, Step

#: Seconds between two lines where nobody watches a terminal: often enough for a log, rare enough to read it.
_LINE_EVERY_S = 30.0


def _n_frames(step: Step) -> int:
    return step.n_frames if isinstance(step, EncodeVideo | RemuxVideo | PlaceVideo) else 0


class Progress:
    """Counts video frames over all steps of a run.

    Parameters
    ----------
    quiet
        Show nothing.
    """

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._lock = threading.Lock()
        self._frames_of: dict[str, int] = {}
        self._bar: Any = None
        self._total = 0
        self._began = self._last_line = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def compared(self, n_sessions: int, n_all: int, n_frames: int) -> None:
        """Tell how far the comparison of images with videos is."""
        now = time.monotonic()
        with self._lock:
            if self._quiet or now - self._last_line < _LINE_EVERY_S:
                return
            self._last_line = now
        click.echo(f"compared the images of {n_sessions} of {n_all} sessions with {n_frames} video frames", err=True)

    def planned(self, steps: Sequence[Step]) -> None:
        """Learn what there is to do."""
        self._total = sum(_n_frames(step) for step in steps)

    def started(self, step: Step) -> None:
        """Show the bar when the first step begins."""
        with self._lock:
            if self._bar is None and not self._quiet and self._total and sys.stderr.isatty():
                from tqdm import tqdm

                self._bar = tqdm(total=self._total, unit="frame", file=sys.stderr, dynamic_ncols=True)

    def advanced(self, step: Step, n_frames: int) -> None:
        """Move the bar to the frames written so far."""
        with self._lock:
            self._frames_of[step.id] = n_frames
            self._show()

    def finished(self, step: Step, state: str) -> None:
        """Count a step as a whole; what was done before was never counted as work."""
        with self._lock:
            if state == "skipped":
                return
            self._frames_of[step.id] = _n_frames(step)
            self._show()

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self._bar is not None:
            self._bar.close()

    def _show(self) -> None:
        done = sum(self._frames_of.values())
        if self._bar is not None:
            self._bar.update(done - self._bar.n)
            return
        now = time.monotonic()
        if self._quiet or not self._total or now - self._last_line < _LINE_EVERY_S:
            return
        self._last_line = now
        rate = done / (now - self._began)
        left = f", about {(self._total - done) / rate:.0f} s left" if rate else ""
        stamp = time.strftime("%Y-%m-%d %H:%M:%S")
        click.echo(f"{stamp} {done} of {self._total} frames, {rate:.0f} per second{left}", err=True)
