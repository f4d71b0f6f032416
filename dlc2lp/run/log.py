"""The log of runs in ``.dlc2lp/run.log``: the only file of a target that holds a clock.

Opened when the first step begins, so that a run that finds everything done leaves the file as it is.
"""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path

from dlc2lp.events import Event, Watch
from dlc2lp.files import STATE_FOLDER, open_in_place
from dlc2lp.wording import shown

LOG_FILE = f"{STATE_FOLDER}/run.log"


class RunLog:
    """Hears of steps, appends to the log file when each began and ended, and passes everything on to ``watch``."""

    def __init__(self, path: Path, watch: Watch) -> None:
        self._path = path
        self._watch = watch
        self._lock = threading.Lock()
        self._began: dict[str, float] = {}

    def __call__(self, event: Event) -> None:
        """Hear of an event."""
        if event.what == "began":
            self._began[event.subject] = time.monotonic()
            self._line("start", event)
        elif event.what == "ended" and event.subject in self._began:
            self._line(f"{event.state} after {time.monotonic() - self._began[event.subject]:.1f} s", event)
        self._watch.tell(event)

    def _line(self, text: str, event: Event) -> None:
        now = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        line = shown(f"{now} {event.subject} {event.kind} {event.target}: {text}")
        # What the disk does not take of the log, it is told by the step itself.
        with contextlib.suppress(OSError), self._lock, open_in_place(self._path, append=True) as file:
            file.write(f"{line}\n".encode())
