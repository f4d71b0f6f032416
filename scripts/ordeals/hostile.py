"""A list of hostile files and names, and what each must come to: told in words, nothing run and nothing touched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ordeals import hostile_contents, hostile_names
from ordeals.children import run
from ordeals.rooms import Rooms, wrong
from ordeals.trees import stamps, touched
from ordeals.working import Result, each

#: All of them; their numbers are their places, whatever the seed.
CASES = (*hostile_contents.cases(), *hostile_names.cases())


class Hostile:
    """The cases of one worker."""

    def __init__(self, folder: Path) -> None:
        self._rooms = Rooms(folder / "work")

    def result(self, number: int) -> Result:
        """Meet one hostile thing."""
        case, rooms = CASES[number], self._rooms
        case.change(rooms)
        before = {name: stamps(rooms / name) for name in case.sources}
        ended = [run(*rooms.words(command, case.odd), "--json", limit_s=case.limit_s) for command in case.commands]
        failure = wrong(case, rooms, ended)
        for name, then in before.items():
            if not failure and (paths := touched(then, stamps(rooms / name))):
                failure = f"touched: {paths[:3]}"
        rooms.put_back()
        return Result(number, case.name, failure)


def trial(folder: Path, seed: int, numbers: Sequence[int]) -> Iterator[Result]:
    """Try the cases of one worker."""
    return each(numbers, Hostile(folder).result)
