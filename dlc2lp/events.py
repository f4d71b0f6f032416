"""What happens while something long is done, as values, and who hears of it.

Each thing that is seen to, a session, a step, a project, ends once. How far the whole is follows from adding up:
``planned`` says what there is, ``advanced`` and ``ended`` how much of it is behind.
"""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Self

from dlc2lp.errors import Interrupted
from dlc2lp.model import Finding

What = Literal["planned", "began", "advanced", "ended", "decided"]
Thing = Literal["session", "step", "piece", "project", "target", "stage"]
Ending = Literal["done", "skipped", "failed"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.

    Attributes
    ----------
    what
        ``planned``: so many things are to be seen to from now on; what ended before is no part of them. ``began``,
        ``advanced``, ``ended``: one of them did. ``decided``: the plan of a target is made, and nothing is written yet.
    thing
        ``session``: its images are compared with its video. ``step``: it makes files of a target. Of an archive: a
        ``project`` is planned, a ``piece`` of a shard (some steps of one target) is carried out, a ``target`` is
        verified. A ``stage`` began, of the kind ``plan``, ``check`` or ``page``, of which nobody counts how far it is.
    subject
        Which one: a session's, project's or target's name, a step's id. Of pieces that are planned: their shard.
    kind, target
        Of a step: its kind, and the first file that it makes. An export's steps are its files, of the kind ``export``.
    within
        Of a step in an archive: its target.
    n
        How many are planned.
    n_frames, n_frames_all
        Frames behind, of how many; 0 of 0 where there are none, or nobody knows.
    weight
        What the thing costs, or all that are planned, to tell how much time is left.
    state
        How it ended: ``done``, ``skipped`` as there was nothing to do, or ``failed``.
    findings
        Why it failed.
    views, view_frames
        Of a plan for several cameras; see :class:`~dlc2lp.planning.plan.Plan`.
    by_kind
        Of steps, and of pieces, that are planned: what the steps of each kind cost; see :func:`by_kind`.
    plan
        What was decided.
    """

    what: What
    thing: Thing
    subject: str = ""
    kind: str = ""
    target: str = ""
    within: str = ""
    n: int = 0
    n_frames: int = 0
    n_frames_all: int = 0
    weight: int = 1
    state: Ending | None = None
    findings: tuple[Finding, ...] = ()
    views: tuple[str, ...] = ()
    view_frames: tuple[Any, ...] = ()
    by_kind: tuple[tuple[str, int, int], ...] = ()
    plan: Any = None


def by_kind(parcels: Iterable[Iterable[tuple[str, int]]]) -> tuple[tuple[str, int, int], ...]:
    """Return what the steps of each kind cost, in all and in the parcel that has most of it.

    A parcel is what is done one after the other, with the kind and the cost of each step: a single step, mostly.
    """
    sums, largest = Counter[str](), dict[str, int]()
    for parcel in parcels:
        costs = Counter[str]()
        for kind, cost in parcel:
            costs[kind] += cost
        sums += costs
        largest |= {kind: max(cost, largest.get(kind, 0)) for kind, cost in costs.items()}
    return tuple((kind, sums[kind], largest[kind]) for kind in sorted(sums))


OnEvent = Callable[[Event], None]


class Watch:
    """Who hears of events, and what stops the work. Handed down to all that takes long.

    ``on_event`` is called from several threads, at times many times in a second; the work waits for it. Whatever goes
    wrong with it can't be taken for a fault of what is done. An OSError is passed over: a terminal that has gone must
    not end the work that it showed. Any other exception stops the work as ``stop`` does, and is raised where the block
    ends that was opened with this value.

    Set ``stop`` from another thread or a signal handler to stop cleanly. It is also set where an exception ends the
    work, so that its threads end soon.
    """

    def __init__(self, on_event: OnEvent | None = None, stop: threading.Event | None = None) -> None:
        self._on_event = on_event
        self._faults: list[Exception] = []
        self.stop = stop or threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._faults and (error is None or isinstance(error, Interrupted)):
            raise self._faults[0]

    def tell(self, event: Event) -> None:
        """Have it heard."""
        if self._on_event is not None and not self._faults:
            try:
                with contextlib.suppress(OSError):
                    self._on_event(event)
            except Exception as error:  # noqa: BLE001  raised at the end
                self._faults.append(error)
                self.stop.set()

    def heard_by(self, on_event: OnEvent) -> Watch:
        """Return a watch of a part of the same work; ``on_event`` passes on to this one what it likes."""
        part = Watch(on_event, self.stop)
        part._faults = self._faults
        return part

    def check(self, subject: str, so_far: str = "") -> None:
        """Go on unless the work is to stop: then raise Interrupted."""
        if self.stop.is_set():
            message, advice = f"stopped by a signal{so_far}", "run the same command again to go on"
            raise Interrupted.of("interrupted", subject, message, advice=advice)
