"""Shows how far a long run is: a bar on a terminal, a plain line now and then elsewhere, nothing when quiet."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable
from typing import Any

from dlc2lp.cli import output
from dlc2lp.cli.terminal import can_redraw, columns_of
from dlc2lp.report.looks import shortened
from dlc2lp.wording import shown

#: Seconds between two lines where nobody watches a terminal: often enough for a log, rare enough to read it.
LINE_EVERY_S = 30.0

_BAR_CHARS = 16
_BAR = f"{{percentage:3.0f}}% |{{bar:{_BAR_CHARS}}}| {{desc}}"
_AROUND_CHARS = _BAR_CHARS + len("100% || ") + 1  # the last column stays free, or some terminals begin a new line


class Display:
    """One bar at a time, and lines with the time; nothing when quiet. Whoever uses it from several threads locks."""

    def __init__(self, *, quiet: bool, clock: Callable[[], float]) -> None:
        self.quiet = quiet
        self._clock = clock
        self._bar: Any = None
        self._n_now = 0  # characters of the line that stands there for now
        self._last_line = clock()

    def now(self, text: str) -> None:
        """Say what is being done, on a terminal, until something else is said."""
        if self.quiet or not can_redraw(sys.stderr):
            return
        self.close()
        line = shortened(shown(text), columns_of(sys.stderr) - 1)
        self._n_now = len(line)
        output.say_for_now(line)
        output.before_saying(self.clear)

    def bar(self, what: str, thing: str, done: float, total: float) -> None:
        """Move the bar on, where there is a terminal; ``thing`` is what is worked on, and cut where it is too long."""
        if self.quiet or not total or not can_redraw(sys.stderr):
            return
        from tqdm import tqdm

        self._clear_now()
        is_new = self._bar is None
        if is_new:
            # Delayed, or it would be drawn before it has any words.
            more: dict[str, Any] = {"file": sys.stderr, "dynamic_ncols": True, "leave": False, "delay": 1e-3}
            self._bar = tqdm(total=total, bar_format=_BAR, **more)
            output.before_saying(self.clear)
        room = columns_of(sys.stderr) - _AROUND_CHARS - len(what) - 2
        text = f"{what}, {shortened(shown(thing), room)}" if thing and room > 3 else what
        self._bar.set_description_str(shown(text), refresh=is_new)
        self._bar.update(done - self._bar.n)

    def line(self, text: str) -> None:
        """Say something where there is no bar, if nothing was said for a while."""
        now = self._clock()
        if self.quiet or self._bar is not None or self._n_now or now - self._last_line < LINE_EVERY_S:
            return
        self._last_line = now
        self.say(text)

    def say(self, text: str) -> None:
        """Say something at once."""
        if not self.quiet:
            output.say(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}", err=True)

    def clear(self) -> None:
        """Make room for what is said; a bar comes back when it moves."""
        self._clear_now()
        if self._bar is not None:
            with contextlib.suppress(OSError):
                self._bar.clear()

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._clear_now()
        if self._bar is not None:
            with contextlib.suppress(OSError):  # a terminal that has gone
                self._bar.close()
            self._bar = None
        output.before_saying(None)

    def _clear_now(self) -> None:
        if self._n_now:
            output.say_for_now(" " * self._n_now)
            output.say_for_now("")
            self._n_now = 0
