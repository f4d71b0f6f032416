"""Records of finished steps.

They hold no clock and no host, so that a disturbed and an undisturbed run end with the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from dlc2lp.codec import Malformed, read, to_pieces
from dlc2lp.files import STATE_FOLDER, FileRecord, write_whole
from dlc2lp.run.scratch import STEPS


@dataclass(frozen=True)
class Record:
    """A step that was carried out."""

    written_first: ClassVar[tuple[str, ...]] = ("schema",)
    schema: ClassVar[str] = "dlc2lp/record/1"

    step: str  #: Its id.
    kind: str  #: Its kind.
    files: tuple[FileRecord, ...]  #: What it wrote.
    done: bool  #: False between the moment when all files were ready and the moment when all stood in their places.
    detail: dict[str, Any]  #: What was measured on the way, such as the frames counted in a video.
    #: ``convert``, ``config`` where a person remade the file with ``dlc2lp config``, or ``labels`` where it holds what
    #: people labelled in the target.
    by: str = "convert"


class Journal:
    """The records of one target, which need not exist."""

    def __init__(self, target: Path) -> None:
        self.folder = target / STATE_FOLDER / STEPS

    def read(self) -> dict[str, Record]:
        """All records by step id. A record that was cut off by a crash counts as none."""
        found = (_read_record(path) for path in sorted(self.folder.glob("*.json")))
        return {record.step: record for record in found if record is not None}

    def recorded(self) -> set[str]:
        """Ids of the steps that have a record, read from the names alone."""
        return {path.stem for path in self.folder.glob("*.json")}

    def write(self, record: Record) -> None:
        """Write one record whole."""
        self.folder.mkdir(parents=True, exist_ok=True)
        content = (piece.encode() for piece in to_pieces(record))
        write_whole(self.folder / f"{record.step}.json", content)

    def remove(self, step: str) -> None:
        """Forget a step of an earlier plan."""
        (self.folder / f"{step}.json").unlink(missing_ok=True)


def _read_record(path: Path) -> Record | None:
    try:
        return read(Record, path.read_bytes())
    except (FileNotFoundError, Malformed):
        return None
