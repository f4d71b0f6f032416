"""How a run is watched: a bar on a terminal, a plain line now and then elsewhere, nothing when quiet.

Both tell frames, frames per second and the time left. The time left goes by the steps' weights: copying a video takes
a thousandth of the time that encoding it takes, though it has as many frames.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Self

import click

from dlc2lp.migrate.plan import ExtractFrames, Plan, Step, VideoStep
from dlc2lp.report.text import duration_text, view_table

#: Seconds between two lines where nobody watches a terminal: often enough for a log, rare enough to read it.
LINE_EVERY_S = 30.0

_BAR = "{percentage:3.0f}% |{bar}| {desc} [{elapsed}<{remaining}]"


def _n_frames(step: Step) -> int:
    if isinstance(step, ExtractFrames):
        return len(step.frames)
    return step.n_frames if isinstance(step, VideoStep) else 0


class Progress:
    """Watches one command: first the comparison of images with videos, then the steps.

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
        self._began = self._last_line = clock()
        self._frames_of: dict[str, int] = {}
        self._weight_of: dict[str, float] = {}
        self._n_frames = 0
        self._weight = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def compared(self, n_sessions: int, n_all: int, n_frames: int) -> None:
        """Show how far the comparison of images with videos is."""
        with self._lock:
            self._show_bar(f"comparing images with videos, {n_frames} frames read", n_all, n_sessions)
            self._line(f"compared the images of {n_sessions} of {n_all} sessions with {n_frames} video frames")

    def decided(self, plan: Plan) -> None:
        """Show how several cameras' recordings were found to belong together, before anything is written."""
        with self._lock:
            self._close_bar()
            if plan.views and not self._quiet:
                click.echo(f"{view_table(plan)}\n", err=True)

    def planned(self, steps: Sequence[Step]) -> None:
        """Learn what there is to do."""
        with self._lock:
            self._close_bar()
            self._began = self._clock()
            self._n_frames = sum(map(_n_frames, steps))
            self._weight = sum(max(1, step.weight) for step in steps)

    def started(self, step: Step) -> None:
        """Show the bar when the first step begins."""
        with self._lock:
            self._show()

    def advanced(self, step: Step, n_frames: int) -> None:
        """Move on to the frames written so far."""
        with self._lock:
            self._frames_of[step.id] = n_frames
            self._weight_of[step.id] = max(1, step.weight) * n_frames / max(1, _n_frames(step))
            self._show()

    def finished(self, step: Step, state: str) -> None:
        """Count a step as a whole; what was done before was never counted as work."""
        with self._lock:
            if state == "skipped":
                return
            self._frames_of[step.id] = _n_frames(step)
            self._weight_of[step.id] = max(1, step.weight)
            self._show()

    def close(self) -> None:
        """Leave the terminal as it was."""
        with self._lock:
            self._close_bar()

    def _show(self) -> None:
        n_done, weight = sum(self._frames_of.values()), sum(self._weight_of.values())
        elapsed_s = self._clock() - self._began
        per_second = n_done / elapsed_s if elapsed_s > 0 else 0.0
        frames = f"{n_done} of {self._n_frames} frames, {per_second:.0f} per second"
        self._show_bar(frames if self._n_frames else "converting", self._weight, weight)
        if self._n_frames:
            left_s = elapsed_s * (self._weight - weight) / weight if weight else None
            self._line(frames + (f", about {duration_text(left_s)} left" if left_s is not None else ""))

    def _show_bar(self, what: str, total: int, done: float) -> None:
        if self._quiet or not total or not sys.stderr.isatty():
            return
        if self._bar is None:
            from tqdm import tqdm

            self._bar = tqdm(total=total, desc=what, bar_format=_BAR, file=sys.stderr, dynamic_ncols=True, leave=False)
        self._bar.set_description_str(what, refresh=False)
        self._bar.update(done - self._bar.n)

    def _close_bar(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _line(self, text: str) -> None:
        now = self._clock()
        if self._quiet or self._bar is not None or now - self._last_line < LINE_EVERY_S:
            return
        self._last_line = now
        click.echo(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}", err=True)
