"""How much time is left, told only where it can be told: right within a factor of two, by all that was seen so far.

A video that is encoded takes another time for each unit of weight than images that are copied, and by how much depends
on the machine. So each kind of work has a pace of its own, measured here; as long as much is to come of a kind that
nothing was seen of, and as long as the estimates still move, nothing is told.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from dataclasses import dataclass

from dlc2lp.events import Event

#: Before that nothing is told: what is begun takes its time, and little is known.
MIN_S = 10.0

#: So large a part of what is left may be of kinds that nothing is known of.
_MOST_UNKNOWN = 0.1

#: The end may be later by this factor where the longest step is begun last; where it may be later still, who can tell?
_MOST_WAITED = 2.5

#: The estimates of so many seconds, of which one was made so often, may be apart by this factor.
_WINDOW_S, _EVERY_S, _MOST_APART = 8.0, 0.5, 1.3


@dataclass
class _Running:
    """A step that is at work."""

    kind: str
    weight: int
    seen_s: float  #: Until when its time is counted.
    done: int = 0  #: What of its weight is behind.


class Pace:
    """Hears of steps, and tells how much time is left."""

    def __init__(self, planned: Event, now_s: float) -> None:
        self._planned = {kind: weight for kind, weight, _ in planned.by_kind}
        self._largest = {kind: largest for kind, _, largest in planned.by_kind}
        self._thing, self._n, self._n_ended = planned.thing, planned.n, 0
        self._began_s = now_s
        self._running: dict[tuple[str, str], _Running] = {}
        #: By kind: the weight that is behind, the weight whose time is known, and that time, of all threads together.
        self._behind, self._timed, self._busy_s = Counter[str](), Counter[str](), Counter[str]()
        self._ends_s: deque[tuple[float, float]] = deque()  # when an estimate was made, and which end it gave

    def hear(self, event: Event, now_s: float) -> None:
        """Take in what became of a step."""
        self._n_ended += event.what == "ended" and event.thing == self._thing
        if event.thing != "step":
            return
        key = (event.within, event.subject)
        if event.what == "began":
            self._running[key] = _Running(event.kind, event.weight, now_s)
        elif event.what == "advanced" and event.n_frames_all and key in self._running:
            share = min(event.n_frames, event.n_frames_all) / event.n_frames_all
            self._advance(self._running[key], int(event.weight * share), now_s)
        elif event.what == "ended":
            self._end(self._running.pop(key, None), event, now_s)
        self._note(now_s)

    def _advance(self, step: _Running, done: int, now_s: float) -> None:
        self._behind[step.kind] += done - step.done
        self._timed[step.kind] += done - step.done
        self._busy_s[step.kind] += now_s - step.seen_s  # type: ignore[assignment]  # a Counter may hold fractions
        step.done, step.seen_s = done, now_s

    def _end(self, step: _Running | None, event: Event, now_s: float) -> None:
        if step is not None and event.state == "done":
            self._advance(step, step.weight, now_s)
        else:  # what was done before, or failed, tells nothing of how long the rest takes
            self._behind[event.kind] += event.weight - (step.done if step else 0)

    def _left_s(self, now_s: float) -> float | None:
        """Return what would be told if estimates were always right; None where too little is known."""
        left = {kind: max(0, weight - self._behind[kind]) for kind, weight in self._planned.items()}
        pace = {kind: self._busy_s[kind] / weight for kind, weight in self._timed.items() if weight > 0}
        n_left = sum(left.values())
        unknown = sum(weight for kind, weight in left.items() if kind not in pace)
        elapsed_s, busy_s = now_s - self._began_s, sum(self._busy_s.values())
        if not n_left or elapsed_s <= 0 or busy_s <= 0 or unknown > _MOST_UNKNOWN * n_left:
            return None
        at_a_time = max(1.0, busy_s / elapsed_s)
        by_all = sum(weight * pace[kind] for kind, weight in left.items() if kind in pace) / at_a_time
        begun = Counter[str]()
        for each in self._running.values():
            begun[each.kind] += each.weight - each.done
        # At the end a single long one is waited for: one that is at work, and perhaps one that is begun last of all.
        by_one = [(each.weight - each.done) * pace.get(each.kind, 0.0) for each in self._running.values()]
        to_begin = {kind: (left[kind] - begun[kind]) * each for kind, each in pace.items()}
        largest = max(min(seconds, self._largest[kind] * pace[kind]) for kind, seconds in to_begin.items())
        # Of what waits, the longest takes at least as long as they take on the average.
        least = max(by_all, *by_one, sum(to_begin.values()) / max(1, self._n_waiting), 0.0)
        most = least + (1 - 1 / at_a_time) * max(largest, 0.0)
        return math.sqrt(least * most) if most <= _MOST_WAITED * least else None

    @property
    def _n_waiting(self) -> int:
        """How many of the planned things, steps or pieces of some steps each, are neither behind nor at work."""
        at_work = {key[0] if self._thing == "piece" else key for key in self._running}
        return self._n - self._n_ended - len(at_work)

    def _note(self, now_s: float) -> None:
        if self._ends_s and now_s - self._ends_s[-1][0] < _EVERY_S:
            return
        left_s = self._left_s(now_s)
        if left_s is None:
            self._ends_s.clear()
            return
        self._ends_s.append((now_s, now_s + left_s - self._began_s))
        while now_s - self._ends_s[0][0] > _WINDOW_S:
            self._ends_s.popleft()

    def left_s(self, now_s: float) -> float | None:
        """Return the seconds that are left; None where that can't be told yet."""
        left_s = self._left_s(now_s)
        if left_s is None or now_s - self._began_s < MIN_S or len(self._ends_s) < 2:
            return None
        ends = [end_s for _, end_s in self._ends_s]
        return left_s if max(ends) <= _MOST_APART * min(ends) else None
