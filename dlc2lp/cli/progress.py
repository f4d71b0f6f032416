"""How a command is watched: the comparison of images with videos, steps, pieces of a shard, projects, targets.

Bars and lines tell frames, frames per second, the time left where it can be told, and what is being worked on. How far
the whole is goes by weights: copying a video takes a thousandth of the time that encoding it takes, though it has as
many frames.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

from dlc2lp.cli import output
from dlc2lp.cli.display import Display
from dlc2lp.cli.pace import Pace
from dlc2lp.cli.signals import STOP
from dlc2lp.errors import Interrupted
from dlc2lp.events import Event, Watch
from dlc2lp.wording import counted, shown

#: What is being done, by the kind of a step.
_DOING = {
    "place-images": "copying",
    "place-video": "copying",
    "remux-video": "remuxing",
    "encode-video": "encoding",
    "extract-frames": "cutting",
    "write-text": "writing",
    "write-predictions": "writing",
    "export": "writing",
}

#: What is being done at a stage of which nobody counts how far it is.
_AT_STAGE = {"plan": "deciding what becomes of", "check": "checking", "page": "making the page of"}


def _at_stage(event: Event) -> str:
    return f"{_AT_STAGE[event.kind]} {event.subject}"


@contextlib.contextmanager
def watching(first: str = "") -> Iterator[Watch]:
    """Show how far a command is while it runs, and have signals stop it; ``first`` is what it begins with."""
    progress = Progress(quiet=output.wants_quiet())
    progress.begin(first)
    try:
        with Watch(progress, STOP) as watch:
            yield watch
    except (Interrupted, KeyboardInterrupt) as error:
        if so_far := progress.so_far():
            raise Interrupted.of("interrupted", "dlc2lp", f"stopped by a signal; {so_far}") from error
        raise
    finally:
        progress.close()


class Tally:
    """Adds up how much of what was planned is behind; what ended before is no part of it."""

    def __init__(self, planned: Event) -> None:
        self.planned = planned
        self.n = self.n_failed = 0  #: How many of the planned things ended, and failed.
        self.n_frames = self.weight = 0  #: What they, and the steps that they consist of, have behind them.
        self.at = ""  #: What is being worked on: what was heard of last.
        self._parts: dict[tuple[str, str], tuple[int, int]] = {}

    def add(self, event: Event) -> None:
        """Take in what became of one of them."""
        is_own = event.thing == self.planned.thing
        if not is_own and (event.thing, self.planned.thing) != ("step", "piece"):
            return
        if event.what != "ended" or event.state != "skipped":
            self.at = self._name(event) or self.at
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

    @staticmethod
    def _name(event: Event) -> str:
        """Say what is worked on: the file, and of an archive in which target it is."""
        if event.thing != "step":
            done = {"project": "the last one: ", "target": "the last one: "}.get(event.thing, "")
            return "" if event.thing == "piece" else f"{done}{event.subject}"
        file = "/".join(filter(None, (event.within, event.target)))
        return f"{_DOING.get(event.kind, 'making')} {file}" if event.target else ""


class Progress:
    """Hears of events, from several threads, and shows how far the whole is; nothing when quiet."""

    def __init__(self, *, quiet: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._display = Display(quiet=quiet, clock=clock)
        self._lock = threading.Lock()
        self._plan(Event("planned", "step", weight=0))
        self._told: set[tuple[str, str]] = set()
        self._began_s: dict[tuple[str, str], float] = {}

    def begin(self, what: str) -> None:
        """Say what a command begins with, before anything is known of it."""
        if what:
            with self._lock:
                output.detail(what)
                self._display.now(what)

    def close(self) -> None:
        """Leave the terminal as it was."""
        with self._lock:
            self._display.close()

    def so_far(self) -> str:
        """Say how far it was where only this knows it; what carries out steps says itself what is in place."""
        return self._counts() if self._tally.planned.thing in {"project", "target"} else ""

    def __call__(self, event: Event) -> None:
        """Show what it changes."""
        with self._lock:
            self._detail(event)
            if event.what == "decided":
                self._show_views(event)
                return
            if event.thing == "stage":
                what = _at_stage(event)
                self._display.now(what)
                self._display.line(shown(what))
                return
            if event.what == "planned":
                self._plan(event)
            else:
                self._tally.add(event)
                self._pace.hear(event, self._clock())
                if event.thing == "piece" and event.state == "failed":
                    self._say_failed(event)
            self._show()

    def _plan(self, event: Event) -> None:
        self._display.close()
        self._began = self._clock()
        self._tally, self._pace = Tally(event), Pace(event, self._began)

    def _detail(self, event: Event) -> None:
        """Tell what ``-v`` asks for: each step of the plan with its reason, and how long each thing took."""
        if not output.wants_details():
            return
        key = (event.within, event.subject)
        if event.what == "decided" and event.plan is not None:
            from dlc2lp.report.steps_text import plan_lines

            for line in plan_lines(event.plan):
                output.detail(line)
        elif event.thing == "stage":
            output.detail(_at_stage(event))
        elif event.what == "began":
            self._began_s[key] = self._clock()
        elif event.what == "ended" and event.thing != "piece":
            took = f" after {self._clock() - self._began_s.pop(key):.1f} s" if key in self._began_s else ""
            name = "/".join(filter(None, (event.within, event.target))) or f"{event.thing} {event.subject}"
            output.detail(f"{name}: {'nothing to do' if event.state == 'skipped' else event.state}{took}")

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
            self._display.bar(f"comparing images with videos, {read} read", tally.at, tally.weight, planned.weight)
            sessions = f"{tally.n} of {counted(planned.n, 'session')}"
            frames = counted(tally.n_frames, "video frame")
            self._display.line(f"compared the images of {sessions} with {frames}")
            return
        if planned.thing == "step":
            text = f"{tally.n} of {counted(planned.n, 'step')}"
            if planned.n_frames_all:
                elapsed_s = self._clock() - self._began
                per_second = tally.n_frames / elapsed_s if elapsed_s > 0 else 0.0
                text = f"{tally.n_frames} of {counted(planned.n_frames_all, 'frame')}, {per_second:.0f} per second"
        else:
            text = self._counts()
        text += self._left()
        self._display.bar(text, tally.at, tally.weight, planned.weight)
        share = "" if planned.thing == "step" else f", {tally.weight / planned.weight:.0%} of the work"
        self._display.line(", ".join(filter(None, (f"{text}{share}", shown(tally.at)))))

    def _counts(self) -> str:
        """Say how much of an archive is seen to."""
        n, n_failed, planned = self._tally.n, self._tally.n_failed, self._tally.planned
        if planned.thing == "piece":
            failed = f", {n_failed} failed" if n_failed else ""
            part = "" if planned.subject == "1/1" else f"shard {planned.subject}: "
            return f"{part}{n} of {counted(planned.n, 'part')} done{failed}"
        return f"{'planned' if planned.thing == 'project' else 'checked'} {n} of {counted(planned.n, planned.thing)}"

    def _left(self) -> str:
        from dlc2lp.report.text import duration_text

        left_s = self._pace.left_s(self._clock())
        return "" if left_s is None else f", about {duration_text(left_s)} left"
