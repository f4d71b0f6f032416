"""Results of a task that is done for every project, by one process or by many: one line each, nobody waits for anybody.

Each process appends to a file of its own, and whoever comes next does only what has no line yet. So the task can be
interrupted, and be done by many machines at once, by the same means. When all is there, the lines become one document
and the folder goes.
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO

from dlc2lp.migrate.scratch import own_tag


class Ledger:
    """The lines of one task.

    Parameters
    ----------
    folder
        Where they lie.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _offsets(self) -> dict[int, tuple[Path, int]]:
        """Return where the line of each project stands."""
        found: dict[int, tuple[Path, int]] = {}
        for path in sorted(self.folder.glob("*.jsonl")):
            offset = 0
            with path.open("rb") as file:
                for line in file:
                    if line.endswith(b"\n"):  # else a crash cut it off
                        found[int(line[1 : line.index(b",")])] = (path, offset)
                    offset += len(line)
        return found

    def numbers(self) -> set[int]:
        """Return the numbers of the projects that have a result."""
        return set(self._offsets())

    def read(self, n_projects: int) -> Iterator[list[str]]:
        """Read the results of all projects in their order, one at a time."""
        offsets = self._offsets()
        files: dict[Path, IO[bytes]] = {}
        try:
            for number in range(n_projects):
                path, offset = offsets[number]
                if path not in files:
                    files[path] = path.open("rb")
                files[path].seek(offset)
                yield json.loads(files[path].readline())[1]
        finally:
            for file in files.values():
                file.close()

    def write(self, results: Iterable[tuple[int, Sequence[str]]]) -> Iterator[int]:
        """Write down each result as soon as it is there; yield its number."""
        # A file that a crash cut off is never appended to.
        with (self.folder / f"{own_tag()}-{secrets.token_hex(4)}.jsonl").open("x", encoding="ascii") as file:
            for number, lines in results:
                # One line for each project, so that a line that was cut off makes it a project without one.
                file.write(json.dumps([number, list(lines)]) + "\n")
                file.flush()
                yield number

    def remove(self) -> None:
        """Remove all of it."""
        shutil.rmtree(self.folder, ignore_errors=True)
