"""How a command is watched: the comparison of images with videos, steps, pieces of a shard, projects, targets.

Bar and lines tell frames, frames per second and the time left. The time left goes by weights: copying a video takes a
thousandth of the time that encoding it takes, though it has as many frames.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

from dlc2lp.cli import output
from dlc2lp.cli.display import Display
from dlc2lp.cli.signals import STOP
from dlc2lp.events import Event, Watch
from dlc2lp.wording import counted, shown


@contextlib.contextmanager
def watching() -> Iterator[Watch]:
    """Show how far a command is while it runs, and have signals stop it."""
    progress = Progress(quiet=output.wants_quiet())
    try:
        with Watch(progress, STOP) as watch:
            yield watch
    finally:
        progress.close()


class Tally:
    """Adds up how much of what was planned is behind; what ended before is no part of it."""

    def __init__(self, planned: Event) -> None:
        self.planned = planned
        self.n = self.n_failed = 0  #: How many of the planned things ended, and failed.
        self.n_frames = self.weight = 0  #: What they, and the steps that they consist of, have behind them.
        self._parts: dict[tuple[str, str], tuple[int, int]] = {}

    def add(self, event: Event) -> None:
        """Take in what became of one of them."""
        is_own = event.thing == self.planned.thing
        if not is_own and (event.thing, self.planned.thing) != ("step", "piece"):
            return
        before = self._parts.pop((event.within, event.subject), (0, 0))
        n_frames, weight = event.n_frames, 0
        if event.what == "ended":
            n_frames, weight = event.n_frames_all or before[0], event.weight
            self.n += is_own
            self.n_failed += is_own and event.state == "failed"
        else:
            if event.n_frames_all:
                weight = event.weight * min(n_frames, event.n_frames_all) // event.n_frames_all
            self._parts[event.within, event.subject] = (n_frames, weight)
        self.n_frames += n_frames - before[0]
        self.weight += weight - before[1]


class Progress:
    """Hears of events, from several threads, and shows how far the whole is; nothing when quiet."""

    def __init__(self, *, quiet: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._display = Display(quiet=quiet, clock=clock)
        self._lock = threading.Lock()
        self._began = clock()
        self._tally = Tally(Event("planned", "step", weight=0))
        self._told: set[tuple[str, str]] = set()

    def close(self) -> None:
        """Leave the terminal as it was."""
        with self._lock:
            self._display.close()

    def __call__(self, event: Event) -> None:
        """Show what it changes."""
        with self._lock:
            if event.what == "decided":
                self._show_views(event)
                return
            if event.what == "planned":
                self._display.close()
                self._began, self._tally = self._clock(), Tally(event)
            else:
                self._tally.add(event)
                if event.thing == "piece" and event.state == "failed":
                    self._say_failed(event)
            self._show()

    def _show_views(self, event: Event) -> None:
        """Show how several cameras' recordings were found to belong together, before anything is written."""
        from dlc2lp.report.text import view_table

        self._display.close()
        if event.views and not self._display.quiet:
            output.say(f"{view_table(event)}\n", err=True)

    def _say_failed(self, event: Event) -> None:
        """Tell it at once, for the log of a task that may run for hours."""
        why = shown("; ".join(f"{finding.subject}: {finding.message}" for finding in event.findings[:1]))
        if (event.subject, why) not in self._told:  # each piece of a target finds what is wrong with all of it
            self._told.add((event.subject, why))
            self._display.say(f"failed: {shown(event.subject)}: {why}")

    def _show(self) -> None:
        tally, planned = self._tally, self._tally.planned
        if not planned.weight:
            return
        if planned.thing == "session":
            read = counted(tally.n_frames, "frame")
            self._display.bar(f"comparing images with videos, {read} read", tally.weight, planned.weight)
            sessions = f"{tally.n} of {counted(planned.n, 'session')}"
            frames = counted(tally.n_frames, "video frame")
            self._display.line(f"compared the images of {sessions} with {frames}")
        elif planned.thing == "step":
            elapsed_s = self._clock() - self._began
            per_second = tally.n_frames / elapsed_s if elapsed_s > 0 else 0.0
            frames = f"{tally.n_frames} of {counted(planned.n_frames_all, 'frame')}, {per_second:.0f} per second"
            doing = "exporting" if planned.kind == "export" else "converting"
            self._display.bar(frames if planned.n_frames_all else doing, tally.weight, planned.weight)
            if planned.n_frames_all:
                self._display.line(frames + self._left())
        else:
            text = self._counts()
            self._display.bar(text, tally.weight, planned.weight)
            self._display.line(f"{text}, {tally.weight / planned.weight:.0%}{self._left()}")

    def _counts(self) -> str:
        """Say how much of an archive is seen to."""
        n, n_failed, planned = self._tally.n, self._tally.n_failed, self._tally.planned
        if planned.thing == "piece":
            failed = f", {n_failed} failed" if n_failed else ""
            return f"{n} of {counted(planned.n, 'piece')} of shard {planned.subject}{failed}"
        return f"{'planned' if planned.thing == 'project' else 'verified'} {n} of {counted(planned.n, planned.thing)}"

    def _left(self) -> str:
        from dlc2lp.report.text import duration_text

        elapsed_s, weight = self._clock() - self._began, self._tally.weight
        if not weight:
            return ""
        return f", about {duration_text(elapsed_s * (self._tally.planned.weight - weight) / weight)} left"
