"""Results of a task that is done for every project, by one process or by many: one line each, nobody waits for anybody.

Each process appends to a file of its own, and whoever comes next does only what has no line yet. So the task can be
interrupted, and be done by many machines at once, by the same means. When all is there, the lines become one document
and the folder goes.
"""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Generic, TypeVar

from dlc2lp.codec import Malformed, encode, read
from dlc2lp.errors import Overtaken, TargetRefused, UsageError
from dlc2lp.events import Event
from dlc2lp.files import NotRegular, TooLarge, lines_of, open_regular
from dlc2lp.temporaries import own_tag

#: A whole line, and the number of its project.
_LINE = re.compile(rb"\[([0-9]{1,18}), \[.*\]\]\n", re.DOTALL)

T = TypeVar("T")


def _damaged(path: str | Path, why: str) -> UsageError:
    advice = "remove this file, then run the same command again"
    return UsageError.of("plan-unreadable", str(path), why, advice=advice)


class Ledger(Generic[T]):
    """The lines of one task in a folder; each result is of one ``kind``."""

    def __init__(self, folder: Path, kind: type[T]) -> None:
        self.folder, self._kind = folder, kind

    def _offsets(self) -> dict[int, tuple[Path, int]]:
        """Return where the line of each project stands."""
        found: dict[int, tuple[Path, int]] = {}
        for path in sorted(self.folder.glob("*.jsonl")):
            offset = 0
            with self._overtaken(), open_regular(path) as file:
                for line in lines_of(file):
                    if number := _LINE.match(line):  # else a crash cut it off
                        found[int(number[1])] = (path, offset)
                    offset += len(line)
        return found

    @contextlib.contextmanager
    def _overtaken(self) -> Iterator[None]:
        """Turn what vanishes under our hands into the error that says who took it.

        It is ``overtaken`` where somebody else who did the same task was ready first, and has removed the lines.
        """
        try:
            yield
        except FileNotFoundError as error:
            why = "another call of the same command was faster, and has put everything together or begun anew"
            advice = "see whether it ended well; if not, run the same command again"
            raise Overtaken.of("overtaken", str(self.folder), why, advice=advice) from error
        except (NotRegular, TooLarge) as error:
            raise _damaged(error.filename or self.folder, str(error.strerror)) from error
        except OSError as error:
            raise TargetRefused.not_writable(self.folder, error) from error

    def numbers(self) -> set[int]:
        """Return the numbers of the projects that have a result."""
        return set(self._offsets())

    def damaged(self, error: Malformed) -> UsageError:
        """Return the error for results that are of their type, and hold what can't be read."""
        why = f"holds a result that can't be read ({error})"
        advice = "remove this folder, then run the same command again"
        return UsageError.of("plan-unreadable", str(self.folder), why, advice=advice)

    def read(self, n_projects: int) -> Iterator[T]:
        """Read the results of all projects in their order, one at a time; a damaged one is ``plan-unreadable``."""
        offsets = self._offsets()
        files: dict[Path, BinaryIO] = {}
        try:
            for number in range(n_projects):
                with self._overtaken():
                    if number not in offsets:
                        raise FileNotFoundError
                    path, offset = offsets[number]
                    if path not in files:
                        files[path] = open_regular(path)
                    files[path].seek(offset)
                    line = next(lines_of(files[path]), b"")
                try:
                    yield read(tuple[int, self._kind], line)[1]  # type: ignore[name-defined]
                except Malformed as error:
                    raise _damaged(path, f"holds a result that can't be read ({error})") from error
        finally:
            for file in files.values():
                file.close()

    def write(self, results: Iterable[tuple[int, T, Event]]) -> Iterator[Event]:
        """Write down each result as soon as it is there; yield the event that came with it."""
        # A file that a crash cut off is never appended to.
        path = self.folder / f"{own_tag()}-{secrets.token_hex(4)}.jsonl"
        with self._overtaken():
            file = path.open("x", encoding="ascii")
        with file:
            for number, result, event in results:
                # One line for each project, so that a line that was cut off makes it a project without one.
                with self._overtaken():
                    file.write(json.dumps([number, encode(result, self._kind)]) + "\n")
                    file.flush()
                yield event

    def remove(self) -> None:
        """Remove all of it."""
        shutil.rmtree(self.folder, ignore_errors=True)
