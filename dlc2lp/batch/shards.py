"""Cuts the plan of an archive into shards of equal weight. Pure, but for the scheduler's variables.

A shard is found from the index alone, mostly from what its targets weigh, and is the same on every machine. Small
projects stay whole, so that a worker opens few plans; a project too heavy for that is cut, at the steps if it must be.
What comes first is what weighs most.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

from dlc2lp.batch.index import IndexedStep, IndexEntry, Weight
from dlc2lp.errors import UsageError
from dlc2lp.model import Setting
from dlc2lp.wording import counted

#: No unit of more than one step weighs more than this part of a shard; so no shard weighs an eighth more than another
#: unless a single step does.
_PARTS_OF_SHARD = 8

#: Schedulers that tell a task's number and also the first and the last one of its array, and the distance between two.
_COUNTED = (
    ("SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_MAX", "SLURM_ARRAY_TASK_STEP"),
    ("SGE_TASK_ID", "SGE_TASK_FIRST", "SGE_TASK_LAST", "SGE_TASK_STEPSIZE"),
)
_UNCOUNTED = ("PBS_ARRAY_INDEX", "PBS_ARRAYID", "JOB_COMPLETION_INDEX")

_SHARD = Setting("shard", ("I/N",))


@dataclass(frozen=True)
class Shard:
    """Part ``number`` of ``of``, counted from 1."""

    number: int = 1
    of: int = 1

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @classmethod
    def from_text(cls, text: str) -> Shard:
        """Read ``I/N``, or raise ``shard-invalid``."""
        found = re.fullmatch(r"0*([0-9]{1,9})/0*([0-9]{1,9})", text.strip())
        if not found or not 1 <= int(found[1]) <= int(found[2]):
            raise UsageError.of("shard-invalid", "--shard", f"found {text!r}, expected I/N with I from 1 to N")
        return cls(int(found[1]), int(found[2]))


def shard_from_environment(environment: Mapping[str, str], n_shards: int | None = None) -> Shard | None:
    """Return the shard that a scheduler's variables name; None outside of an array.

    The numbers of an array may start anywhere: N consecutive ones, each taken modulo N, are the shards 1 to N. How many
    there are must be given where the scheduler does not tell (PBS, Kubernetes), and only in an array; else it is
    ``shard-unknown``.
    """
    for names in _COUNTED:
        value = _number(names[0], environment)
        if value is None:
            continue
        first, last, step = (_number(name, environment) for name in names[1:])
        if first is not None and last is not None and not first <= value <= last:
            raise _unknown(names[0], f"found {value}, which is none of the array's numbers {first} to {last}")
        if n_shards is None:
            # --array=3,7 has the numbers between them neither; then two tasks are not two shards of two.
            n_shards = 0 if first is None or last is None or step not in {None, 1} else last - first + 1
            if not n_shards or (_number("SLURM_ARRAY_TASK_COUNT", environment) or n_shards) != n_shards:
                raise _uncounted(names[0], value)
        return Shard(value % n_shards + 1, n_shards)
    for name in _UNCOUNTED:
        value = _number(name, environment)
        if value is not None:
            if n_shards is None:
                raise _uncounted(name, value)
            return Shard(value % n_shards + 1, n_shards)
    if n_shards is not None:
        why = f"found {counted(n_shards, 'shard')}, and no scheduler's variable that tells which one this is"
        raise _unknown("--shards", why, "name it: {}; for all of them leave out {}", (_SHARD, Setting("shards")))
    return None


def _number(name: str, environment: Mapping[str, str]) -> int | None:
    """Return a variable's number; None where a scheduler has not set it."""
    value = environment.get(name, "")
    if value in {"", "undefined"}:  # which SGE says outside of arrays
        return None
    if not re.fullmatch("[0-9]{1,18}", value):
        raise _unknown(name, f"found {value!r}, expected a number")
    return int(value)


def _uncounted(name: str, value: int) -> UsageError:
    why = f"found {value}, so this is one task of an array, and can't tell how many shards there are"
    return _unknown(name, why, "say it: {}, or name the shard: {}", (Setting("shards", ("N",)), _SHARD))


def _unknown(
    name: str, why: str, advice: str = "name the shard: {}", remedies: tuple[Setting, ...] = (_SHARD,)
) -> UsageError:
    return UsageError.of("shard-unknown", name, why, advice=advice, remedies=remedies)


@dataclass(frozen=True)
class Unit:
    """Steps of one target that one worker carries out in one go; all is as in the index."""

    target: str
    plan: str
    steps: tuple[IndexedStep, ...]
    twins: tuple[str, ...] = ()

    @classmethod
    def of(cls, entry: IndexEntry) -> Self:
        """Return a whole target."""
        return cls(entry.target, entry.plan, entry.steps, entry.twins)

    @property
    def cost(self) -> int:
        """What all its steps cost."""
        return sum(step.cost for step in self.steps)

    @property
    def n_threads(self) -> int:
        """How many CPUs it keeps busy at most."""
        return max(step.n_threads for step in self.steps)

    @property
    def order(self) -> tuple[int, str, str]:
        """The heaviest first, and one order for all machines."""
        return -self.cost, self.target, self.steps[0].id


def divide(unit: Unit, limit: int) -> Iterator[Unit]:
    """Cut a unit so that no part is heavier than a limit unless it is a single step."""
    if unit.cost <= limit or len(unit.steps) == 1:
        yield unit
        return
    bundle: list[IndexedStep] = []
    cost = 0
    for step in sorted(unit.steps, key=lambda step: (-step.cost, step.id)):
        if bundle and cost + step.cost > limit:
            yield replace(unit, steps=tuple(bundle))
            bundle, cost = [], 0
        bundle.append(step)
        cost += step.cost
    yield replace(unit, steps=tuple(bundle))


def shard_units(
    weights: Sequence[Weight], read_entry: Callable[[Weight], IndexEntry], total_cost: int, shard: Shard
) -> list[Unit]:
    """Return the units of one shard, the heaviest first.

    Each unit, in the order of weight, goes to the shard that has the least so far (LPT); the heaviest shard then weighs
    at most one unit more than the average. The weights, whose sum is the total cost, may be in any order; entries are
    read of this shard's targets, and of those too heavy for one shard.
    """
    limit = _limit(total_cost, shard.of)
    if shard.of == 1:
        mine = [unit for weight in weights for unit in divide(Unit.of(read_entry(weight)), limit)]
        return sorted(mine, key=lambda unit: unit.order)
    pieces = _pieces(weights, read_entry, limit)
    assigned = [piece for piece, number in _assign(pieces, shard.of) if number == shard.number]
    return sorted((piece.unit(read_entry) for piece in assigned), key=lambda unit: unit.order)


def shards_with(
    weights: Sequence[Weight],
    read_entry: Callable[[Weight], IndexEntry],
    total_cost: int,
    n_shards: int,
    is_left: Callable[[Unit], bool],
) -> list[int]:
    """Return the numbers of the shards that have a unit with something left to do; see :func:`shard_units`."""
    pieces = _pieces(weights, read_entry, _limit(total_cost, n_shards))
    return sorted({number for piece, number in _assign(pieces, n_shards) if is_left(piece.unit(read_entry))})


@dataclass(frozen=True)
class _Piece:
    """A unit of which only the weight is known, or that had to be read to be cut."""

    weight: Weight
    part: Unit | None = None

    @property
    def order(self) -> tuple[int, str, str]:
        return self.part.order if self.part else (-self.weight.cost, self.weight.target, "")

    def unit(self, read_entry: Callable[[Weight], IndexEntry]) -> Unit:
        return self.part or Unit.of(read_entry(self.weight))


def _pieces(weights: Iterable[Weight], read_entry: Callable[[Weight], IndexEntry], limit: int) -> Iterator[_Piece]:
    """Cut what is too heavy."""
    for weight in weights:
        if weight.cost <= limit:
            yield _Piece(weight)
        else:
            yield from (_Piece(weight, part) for part in divide(Unit.of(read_entry(weight)), limit))


def _limit(total_cost: int, n_shards: int) -> int:
    """Return what a unit may weigh that is more than one step."""
    return max(1, total_cost // (n_shards * _PARTS_OF_SHARD))


def _assign(pieces: Iterable[_Piece], n_shards: int) -> Iterator[tuple[_Piece, int]]:
    """Yield each piece with the number of its shard, the heaviest first."""
    loads = [(0, number) for number in range(1, n_shards + 1)]
    for piece in sorted(pieces, key=lambda piece: piece.order):
        load, number = loads[0]
        heapq.heapreplace(loads, (load - piece.order[0], number))  # the order holds costs below zero
        yield piece, number


def split_among(work: Sequence[Unit], n_workers: int) -> list[Unit]:
    """Cut the units of a shard finer, so that the threads of one machine end at about the same time."""
    limit = sum(unit.cost for unit in work) // (n_workers * _PARTS_OF_SHARD)
    cut = (part for unit in work for part in divide(unit, max(1, limit)))
    return sorted(cut, key=lambda unit: unit.order)
