"""Shows how far a long run is: a bar on a terminal, a plain line now and then elsewhere, nothing when quiet."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable
from typing import Any

from dlc2lp.cli import output
from dlc2lp.wording import shown

#: Seconds between two lines where nobody watches a terminal: often enough for a log, rare enough to read it.
LINE_EVERY_S = 30.0

_BAR = "{percentage:3.0f}% |{bar}| {desc} [{elapsed}<{remaining}]"


class Display:
    """One bar at a time, and lines with the time; nothing when quiet. Whoever uses it from several threads locks."""

    def __init__(self, *, quiet: bool, clock: Callable[[], float]) -> None:
        self.quiet = quiet
        self._clock = clock
        self._bar: Any = None
        self._last_line = clock()

    def bar(self, what: str, done: float, total: float) -> None:
        """Move the bar on, where there is a terminal."""
        if self.quiet or not total or not sys.stderr.isatty():
            return
        from tqdm import tqdm

        if self._bar is None:
            self._bar = tqdm(total=total, desc=what, bar_format=_BAR, file=sys.stderr, dynamic_ncols=True, leave=False)
        self._bar.set_description_str(shown(what), refresh=False)
        self._bar.update(done - self._bar.n)

    def line(self, text: str) -> None:
        """Say something where there is no bar, if nothing was said for a while."""
        now = self._clock()
        if self.quiet or self._bar is not None or now - self._last_line < LINE_EVERY_S:
            return
        self._last_line = now
        self.say(text)

    def say(self, text: str) -> None:
        """Say something at once."""
        if self.quiet:
            return
        if self._bar is not None:
            self._bar.clear()
        output.say(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}", err=True)

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self._bar is not None:
            with contextlib.suppress(OSError):  # a terminal that has gone
                self._bar.close()
            self._bar = None
