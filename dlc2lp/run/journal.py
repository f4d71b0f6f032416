"""Records of finished steps.

They hold no clock and no host, so that a disturbed and an undisturbed run end with the same bytes.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from dlc2lp.codec import Malformed, read, to_pieces
from dlc2lp.files import STATE_FOLDER, NotRegular, TooLarge, WrittenFile, read_bytes, write_whole
from dlc2lp.renaming import remove
from dlc2lp.run.scratch import STEPS

_SUFFIX = ".json"


@dataclass(frozen=True)
class Record:
    """A step that was carried out."""

    written_first: ClassVar[tuple[str, ...]] = ("schema",)
    schema: ClassVar[str] = "dlc2lp/record/1"

    step: str  #: Its id.
    kind: str  #: Its kind.
    files: tuple[WrittenFile, ...]  #: What it wrote.
    done: bool  #: False between the moment when all files were ready and the moment when all stood in their places.
    detail: dict[str, Any]  #: What was measured on the way, such as the frames counted in a video.
    #: ``convert``, ``config`` where a person remade the file with ``dlc2lp config``, or ``labels`` where it holds what
    #: people labelled in the target.
    by: str = "convert"


class Recorded(NamedTuple):
    """What stands in the records of a target."""

    records: dict[str, Record]  #: By step id.
    #: Ids of steps whose record is there and tells nothing: cut off, not of its form, of another step, no file at all.
    damaged: frozenset[str]


class Journal:
    """The records of one target, which need not exist."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.folder = target / STATE_FOLDER / STEPS

    def read(self) -> dict[str, Record]:
        """All records by step id. One that is damaged counts as none; OSError where one can't be read."""
        return self.read_all().records

    def read_all(self) -> Recorded:
        """All records, and which are damaged; OSError where the system does not let us read one."""
        records: dict[str, Record] = {}
        damaged: set[str] = set()
        for step in self._steps():
            try:
                record = read(Record, read_bytes(self.folder / f"{step}{_SUFFIX}"))
            except FileNotFoundError:
                continue
            except (NotRegular, TooLarge, Malformed):
                damaged.add(step)
                continue
            # By its name it is found, and removed: one that claims another would have another file removed.
            if record.step == step:
                records[step] = record
            else:
                damaged.add(step)
        return Recorded(records, frozenset(damaged))

    def recorded(self) -> set[str]:
        """Ids of the steps that have a record, read from the names alone."""
        return set(self._steps())

    def _steps(self) -> list[str]:
        try:
            names = os.listdir(self.folder)  # noqa: PTH208  (names are all that is wanted)
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX) and name[0] != ".")

    def write(self, record: Record) -> None:
        """Write one record whole."""
        self.folder.mkdir(parents=True, exist_ok=True)
        content = (piece.encode() for piece in to_pieces(record))
        write_whole(self.folder / f"{record.step}{_SUFFIX}", content)

    def remove(self, step: str) -> None:
        """Forget a step of an earlier plan."""
        remove(self.folder / f"{step}{_SUFFIX}")
