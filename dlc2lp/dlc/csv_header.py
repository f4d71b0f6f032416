"""The header of a CSV label file, which alone tells the file's layout."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from dlc2lp.dlc.framenames import has_image_suffix, parse_row
from dlc2lp.dlc.table import COLUMN_LEVELS, UNNAMED, has_no_name
from dlc2lp.errors import UnreadableFile
from dlc2lp.model import Finding, Severity

RESTORE = "open the session in DeepLabCut and save its labels again, or restore the file from a backup"

#: CsvHeader rows that occur, top down. Files without ``scorer`` come from other tools and from people.
_HEADERS = (
    ("scorer", "bodyparts", "coords"),
    ("scorer", "individuals", "bodyparts", "coords"),
    ("bodyparts", "coords"),
    ("individuals", "bodyparts", "coords"),
)

_COORDS = frozenset({"x", "y", "likelihood"})

#: The first header row tells what separates the cells. Counting characters does not: ``a;b;c`` may be a scorer.
_DELIMITER = re.compile(r'^[ "]*(?:scorer|individuals|bodyparts)[ "]*([,;\t])', re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class CsvRecord:
    """One row of the file; ``line`` is the line it ends on, counted from 1 as editors do."""

    line: int
    cells: tuple[str, ...]

    def cell(self, position: int) -> str:
        """The cell, empty where a short row has none."""
        return self.cells[position] if position < len(self.cells) else ""


@dataclass(frozen=True)
class CsvHeader:
    """The header: names of the levels, their rows, and which positions hold the index and the values."""

    levels: tuple[str, ...]
    rows: tuple[CsvRecord, ...]
    index_positions: tuple[int, ...]
    value_positions: tuple[int, ...]

    def texts(self, position: int) -> tuple[str, ...]:
        """What the header says about a column, one text per level."""
        return tuple(row.cell(position) for row in self.rows)

    def column_name(self, position: int) -> str:
        """The column as people call it: ``snout x``."""
        levels = zip(self.levels, self.texts(position), strict=True)
        return " ".join(text for level, text in levels if level != "scorer")


def refused(code: str, path: Path, message: str, where: str = "", advice: str = RESTORE) -> UnreadableFile:
    """Return the error for a CSV file."""
    return UnreadableFile.of(code, str(path), message, where=where, advice=advice)


def read_records(text: str, path: Path) -> tuple[str, list[CsvRecord]]:
    """Return what separates the cells (comma, semicolon or TAB), and all rows that have any content."""
    found = _DELIMITER.search(text)
    if found is None:
        first = next((line for line in text.splitlines() if line.strip(" ,;\t")), "")
        message = f"found {first[:60]!r} at the top, expected a line that begins with 'scorer,' or 'bodyparts,'"
        raise refused("csv-no-header", path, message)
    # strict: else a quotation mark that is opened and never closed swallows the rest of the file without a word.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=found[1], strict=True)
    try:
        rows = [CsvRecord(reader.line_num, tuple(cells)) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        advice = 'look for a quotation mark (") that is opened and never closed'
        message = f"found no valid CSV: {error}"
        raise refused("csv-unreadable", path, message, f"line {reader.line_num}", advice) from error
    return found[1], rows


def split_header(records: Sequence[CsvRecord], path: Path) -> tuple[CsvHeader, list[CsvRecord]]:
    """Take the header off the rows."""
    rows = tuple(takewhile(lambda record: record.cell(0).strip().lower() in COLUMN_LEVELS, records))
    levels = tuple(row.cell(0).strip().lower() for row in rows)
    if levels not in _HEADERS:
        found = f"found the header rows {', '.join(levels) or 'none'}"
        expected = "expected scorer, (individuals,) bodyparts and coords at the top of the file"
        raise refused("csv-no-header", path, f"{found}, {expected}")
    coords = rows[-1]
    values = tuple(i for i, cell in enumerate(coords.cells) if cell.strip().lower() in _COORDS)
    # The header tells how wide the index is. Rows don't: in a file with one labeled frame every width fits.
    index = tuple(range(values[0])) if values else ()
    if len(index) not in {1, 3}:
        # A table that was read with too few index columns and saved again: they got names and came back as data.
        index = tuple(i for i in index if not any(UNNAMED.fullmatch(row.cell(i).strip()) for row in rows))
    if len(index) not in {1, 3} or not all(has_no_name(row.cell(i)) for row in rows for i in index[1:]):
        expected = "expected 'coords' and then 'x', 'y' and so on, from the second column on or from the fourth"
        message = f"found {', '.join(map(repr, coords.cells[:6]))}, {expected}"
        raise refused("csv-bad-header", path, message, f"line {coords.line}")
    return CsvHeader(levels, rows, index, values), list(records[len(rows) :])


def names_index_levels(record: CsvRecord, header: CsvHeader, folder: Path) -> bool:
    """Whether a row is ``image,,,,``, which pandas writes where the levels of the row index have names.

    An unlabeled first frame looks the same but names an image.
    """
    if any(record.cell(position).strip() for position in header.value_positions):
        return False
    cells = [record.cell(position) for position in header.index_positions]
    if any(has_image_suffix(cell) for cell in cells):
        return False
    try:
        return parse_row(cells).file_name not in {path.name for path in folder.iterdir()}
    except OSError:
        return True


def column_names(header: CsvHeader, path: Path) -> tuple[tuple[tuple[str, ...], ...], list[Finding]]:
    """Return the names of the value columns, and a note if they had to be restored.

    A file that was read with one header row and saved again has ``Jane,Jane.1,Jane.2`` in its first row,
    since pandas makes the names of a single header row unique. In any other file every name stands at least
    twice, for x and for y; so where no two cells are equal, and only there, the numbers are taken off again.
    """
    findings = []
    by_level = [[row.cell(position) for position in header.value_positions] for row in header.rows]
    first = by_level[0]
    restored = [_without_number(name, first) for name in first]
    if len(set(first)) == len(first) and restored != first:
        by_level[0] = restored
        then = "the file was read with one header row and saved again; the numbers were taken off"
        message = f"found {', '.join(map(repr, first[:3]))}: {then}"
        where = f"line {header.rows[0].line}"
        findings.append(Finding(Severity.NOTE, "csv-numbered-header", str(path), message, where))
    return tuple(zip(*by_level, strict=True)), findings


def _without_number(name: str, names: Sequence[str]) -> str:
    base, _, number = name.rpartition(".")
    return base if number.isdecimal() and base in names else name
