"""How the migration of one project is watched.

Bar and lines tell frames, frames per second and the time left. The time left goes by the steps' weights: copying a
video takes a thousandth of the time that encoding it takes, though it has as many frames.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Self

import click

from dlc2lp.cli.display import Display
from dlc2lp.planning.plan import Plan
from dlc2lp.planning.steps import ExtractFrames, Step, VideoStep
from dlc2lp.report.text import duration_text, view_table
from dlc2lp.wording import counted


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
        self._clock = clock
        self._display = Display(quiet=quiet, clock=clock)
        self._lock = threading.Lock()
        self._began = clock()
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
            self._display.bar(f"comparing images with videos, {counted(n_frames, 'frame')} read", n_sessions, n_all)
            sessions = f"{n_sessions} of {counted(n_all, 'session')}"
            self._display.line(f"compared the images of {sessions} with {counted(n_frames, 'video frame')}")

    def decided(self, plan: Plan) -> None:
        """Show how several cameras' recordings were found to belong together, before anything is written."""
        with self._lock:
            self._display.close()
            if plan.views and not self._display.quiet:
                click.echo(f"{view_table(plan)}\n", err=True)

    def planned(self, steps: Sequence[Step]) -> None:
        """Learn what there is to do."""
        with self._lock:
            self._display.close()
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
            self._display.close()

    def _show(self) -> None:
        n_done, weight = sum(self._frames_of.values()), sum(self._weight_of.values())
        elapsed_s = self._clock() - self._began
        per_second = n_done / elapsed_s if elapsed_s > 0 else 0.0
        frames = f"{n_done} of {counted(self._n_frames, 'frame')}, {per_second:.0f} per second"
        self._display.bar(frames if self._n_frames else "converting", weight, self._weight)
        if self._n_frames:
            left_s = elapsed_s * (self._weight - weight) / weight if weight else None
            self._display.line(frames + (f", about {duration_text(left_s)} left" if left_s is not None else ""))
