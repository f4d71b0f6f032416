"""The log of runs in ``.dlc2lp/run.log``: the only file of a target that holds a clock.

Opened when the first step begins, so that a run that finds everything done leaves the file as it is.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path

from dlc2lp.planning.plan import Plan
from dlc2lp.planning.steps import Step
from dlc2lp.run.execute import Observer


class RunLog:
    """An observer that writes a line per step and passes everything on.

    Parameters
    ----------
    path
        The log file; lines are appended.
    then
        The observer that hears of everything afterwards.
    """

    def __init__(self, path: Path, then: Observer) -> None:
        self._path = path
        self._then = then
        self._lock = threading.Lock()
        self._began: dict[str, float] = {}

    def compared(self, n_sessions: int, n_all: int, n_frames: int) -> None:
        """Pass it on."""
        self._then.compared(n_sessions, n_all, n_frames)

    def decided(self, plan: Plan) -> None:
        """Pass it on."""
        self._then.decided(plan)

    def planned(self, steps: Sequence[Step]) -> None:
        """Pass it on."""
        self._then.planned(steps)

    def started(self, step: Step) -> None:
        """Note the time."""
        self._began[step.id] = time.monotonic()
        self._line("start", step)
        self._then.started(step)

    def advanced(self, step: Step, n_frames: int) -> None:
        """Pass it on."""
        self._then.advanced(step, n_frames)

    def finished(self, step: Step, state: str) -> None:
        """Write how a step ended and how long it took."""
        if step.id in self._began:
            self._line(f"{state} after {time.monotonic() - self._began[step.id]:.1f} s", step)
        self._then.finished(step, state)

    def _line(self, event: str, step: Step) -> None:
        now = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        with self._lock, self._path.open("a", encoding="utf-8") as file:
            file.write(f"{now} {step.id} {step.kind} {step.targets[0]}: {event}\n")
