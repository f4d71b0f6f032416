"""The header of a CSV label file, which alone tells the file's layout."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from dlc2lp.dlc.framenames import has_image_suffix, parse_row
from dlc2lp.dlc.table import COLUMN_LEVELS, UNNAMED, has_no_name
from dlc2lp.errors import UnreadableFile
from dlc2lp.limits import COLUMNS, CSV_CELLS
from dlc2lp.model import Finding, Severity

#: Saving the session in DeepLabCut is no way: it would write what it has over the labels that are wanted.
FROM_BACKUP = "restore the file from a backup"

#: CsvHeader rows that occur, top down. Files without ``scorer`` come from other tools and from people.
_HEADERS = (
    ("scorer", "bodyparts", "coords"),
    ("scorer", "individuals", "bodyparts", "coords"),
    ("bodyparts", "coords"),
    ("individuals", "bodyparts", "coords"),
)

COORDS = ("x", "y", "likelihood")

#: Rows among which the one of coordinates is looked for: a spreadsheet's titles and notes stand above it.
N_TOP = 30

#: What spreadsheets separate cells with; counting characters does not tell it: ``a;b;c`` may be a scorer.
_DELIMITERS = (",", ";", "\t", "|")

#: A first line that tells Excel the separator.
_SEP_LINE = re.compile(r'\s*"?sep=(.)"?[ ,;\t|]*', re.IGNORECASE)

#: The first header row, where there is no row of coordinates: it still tells what separates the cells.
_FIRST_ROW = re.compile(r'^[ "]*(?:scorer|individuals|bodyparts)[ "]*([,;\t|])', re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class CsvRecord:
    """One row of the file; ``line`` is the line it ends on, counted from 1 as editors do."""

    line: int
    cells: tuple[str, ...]

    def cell(self, position: int) -> str:
        """The cell, empty where a short row has none."""
        return self.cells[position] if position < len(self.cells) else ""

    @property
    def has_content(self) -> bool:
        """Whether any cell says something; a row without is none."""
        return any(cell.strip() for cell in self.cells)

    @property
    def word(self) -> str:
        """The first cell as the name of a level is compared."""
        return self.cell(0).strip().lower()


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

    def names(self, *levels: str) -> set[str]:
        """What stands in the rows of some levels, over the values."""
        rows = [row for level, row in zip(self.levels, self.rows, strict=True) if level in levels]
        return {row.cell(position) for row in rows for position in self.value_positions}


def refused(code: str, path: Path, message: str, where: str = "", advice: str = FROM_BACKUP) -> UnreadableFile:
    """Return the error for a CSV file."""
    return UnreadableFile.of(code, str(path), message, where=where, advice=advice)


def check_columns(n_columns: int, path: Path) -> None:
    """Refuse a table of more columns than anybody labels (``csv-too-large``)."""
    if beyond := COLUMNS.beyond(n_columns):
        raise refused("csv-too-large", path, beyond.message, advice=beyond.advice)


def _check_cells(text: str, path: Path) -> None:
    """Refuse a text that makes more cells than memory has room for (``csv-too-large``), whatever separates them."""
    declared = _SEP_LINE.match(text)
    n_cells = max(map(text.count, {*_DELIMITERS, *([declared[1]] if declared else [])})) + text.count("\n")
    if beyond := CSV_CELLS.beyond(n_cells):
        raise refused("csv-too-large", path, beyond.message, advice=beyond.advice)


def read_records(text: str, path: Path) -> tuple[str, list[CsvRecord]]:
    """Return what separates the cells (comma, semicolon, TAB, or what ``sep=`` says), and all rows with content."""
    _check_cells(text, path)
    delimiter = _delimiter(text)
    if delimiter is None:
        first = next((line for line in text.splitlines() if line.strip(" ,;\t")), "")
        message = f"found {first[:60]!r} at the top, expected a line that begins with 'scorer,' or 'bodyparts,'"
        raise refused("csv-no-header", path, message)
    # strict: else a quotation mark that is opened and never closed swallows the rest of the file without a word.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        rows = [CsvRecord(reader.line_num, tuple(cells)) for cells in reader if any(map(str.strip, cells))]
    except csv.Error as error:
        advice = 'look for a quotation mark (") that is opened and never closed'
        message = f"found no valid CSV: {error}"
        raise refused("csv-unreadable", path, message, f"line {reader.line_num}", advice) from error
    check_columns(max((len(row.cells) for row in rows), default=0), path)
    return delimiter, _without_margin(rows)


def _without_margin(records: Sequence[CsvRecord]) -> list[CsvRecord]:
    """Take off the empty columns left of a table that does not begin in the spreadsheet's first one."""
    margins = [next(i for i, cell in enumerate(record.cells) if cell.strip()) for record in records]
    n_empty = min(margins, default=0)
    if not n_empty:
        return list(records)
    moved = [replace(record, cells=record.cells[n_empty:]) for record in records]
    return moved if any(record.word == "coords" for record in moved) else list(records)


def _delimiter(text: str) -> str | None:
    """Return that separator under which there is a row of coordinates; what begins like a header without one."""
    declared = _SEP_LINE.match(text)
    for delimiter in dict.fromkeys((*([declared[1]] if declared else []), *_DELIMITERS)):
        if delimiter not in '"\r\n ' and any(map(_is_coords, _without_margin(list(_top(text, delimiter))))):
            return delimiter
    found = _FIRST_ROW.search(text)
    return found[1] if found else None


def _top(text: str, delimiter: str) -> Iterator[CsvRecord]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        rows = (CsvRecord(reader.line_num, tuple(cells)) for cells in islice(reader, N_TOP))
        yield from (row for row in rows if row.has_content)
    except csv.Error:
        return  # the reading proper tells it, if this is the separator


def _is_coords(record: CsvRecord) -> bool:
    """Whether a row is the one of coordinates, whatever stands in its first cell."""
    at = [i for i, cell in enumerate(record.cells) if cell.strip().lower() in COORDS]
    if record.word == "coords":
        return len(record.cells) > 1
    return (
        len(at) > 1
        and at[0] in {1, 3}
        and all(has_no_name(cell) for cell in record.cells[1 : at[0]])
        and all(has_no_name(record.cell(i)) for i in set(range(at[0], len(record.cells))) - set(at))
    )


def _place_of_coords(records: Sequence[CsvRecord]) -> int | None:
    """Return which row is the one of coordinates, below those of names; None where there is none.

    Names may be coordinates too, as of keypoints called X and Y: then several rows look so, and the one that says what
    it is counts, else the last of them.
    """
    alike = [at for at, record in enumerate(records[:N_TOP]) if _is_coords(record)]
    together = [at for at in alike if at < alike[0] + len(COLUMN_LEVELS)]
    named = (at for at in together if records[at].word == "coords")
    return next(named, together[-1] if together else None)


def split_header(
    records: Sequence[CsvRecord], path: Path, names: frozenset[str]
) -> tuple[CsvHeader, list[CsvRecord], list[Finding]]:
    """Take the header off the rows, and what stands above it.

    ``names`` are known names: they tell a scorer from a title.
    """
    at = _place_of_coords(records)
    coords = CsvRecord(0, ()) if at is None else records[at]
    coord_at = {i: cell.strip().lower() for i, cell in enumerate(coords.cells) if cell.strip().lower() in COORDS}
    values = tuple(coord_at)
    above = records[:at] if at is not None else [each for each in records[:N_TOP] if each.word in COLUMN_LEVELS]
    found, titles = _levels_above(above, coord_at, names)
    if at is not None:
        found.append(("coords", coords))
    levels, rows = tuple(level for level, _ in found), tuple(row for _, row in found)
    if levels not in _HEADERS:
        message = f"found the header rows {', '.join(levels) or 'none'}"
        expected = "expected scorer, (individuals,) bodyparts and coords at the top of the file"
        raise refused("csv-no-header", path, f"{message}, {expected}")
    # The header tells how wide the index is. Rows don't: in a file with one labeled frame every width fits.
    index = tuple(range(values[0])) if values else ()
    if len(index) not in {1, 3}:
        # A table that was read with too few index columns and saved again: they got names and came back as data.
        index = tuple(i for i in index if not any(UNNAMED.fullmatch(row.cell(i).strip()) for row in rows))
    if len(index) not in {1, 3} or not all(map(has_no_name, _over_the_index(found, index, values))):
        expected = "expected 'coords' and then 'x', 'y' and so on, from the second column on or from the fourth"
        message = f"found {', '.join(map(repr, coords.cells[:6]))}, {expected}"
        raise refused("csv-bad-header", path, message, f"line {coords.line}")
    header = CsvHeader(levels, rows, index, values)
    return header, list(records[(at or 0) + 1 :]), [_left_out(title, path) for title in titles]


def _over_the_index(
    found: Sequence[tuple[str, CsvRecord]], index: Sequence[int], values: Sequence[int]
) -> Iterator[str]:
    """Yield what stands over the index but in its first column; a scorer that was drawn over it says nothing there."""
    for level, row in found:
        scorer = row.cell(values[0]) if level == "scorer" and values else ""
        yield from (row.cell(i) for i in index[1:] if not scorer or row.cell(i) != scorer)


def _left_out(title: CsvRecord, path: Path) -> Finding:
    text = " ".join(cell.strip() for cell in title.cells if cell.strip())
    message = f"found {text[:60]!r} above the header; it is left out"
    return Finding(Severity.NOTE, "csv-title-line", str(path), message, f"line {title.line}")


def _levels_above(
    records: Sequence[CsvRecord], values: Mapping[int, str], names: frozenset[str]
) -> tuple[list[tuple[str, CsvRecord]], list[CsvRecord]]:
    """Return the levels in rows above the one of coordinates, top down, and the rows that are titles.

    ``values`` are the positions of the coordinates, and which one each is.
    """
    found: list[tuple[str, CsvRecord]] = []
    titles: list[CsvRecord] = []
    for at in reversed(range(len(records))):
        record, taken = records[at], {level for level, _ in found}
        level = record.word if record.word in COLUMN_LEVELS else _by_place(records[: at + 1], values, taken, names)
        if level:
            found.insert(0, (level, record))
        elif not (_SEP_LINE.fullmatch(record.cell(0)) or record.cell(0).strip().lower() == "sep="):
            titles.insert(0, record)
    return found, titles


def _by_place(records: Sequence[CsvRecord], values: Mapping[int, str], taken: set[str], names: frozenset[str]) -> str:
    """Return which level the last of the rows is although its first cell does not say so; empty if it is a title.

    pandas writes no name for a level that has none, and people write over the first cell. Directly above the
    coordinates stand the bodyparts, then the individuals, and the scorer on top.
    """
    record = records[-1]
    cells = [record.cell(i) for i in values]
    named = [cell for cell in cells if not has_no_name(cell)]
    if "scorer" in taken or not named or has_no_name(cells[0]):
        return ""
    is_full = len(named) == len(cells)
    if "bodyparts" not in taken:
        are_merged = all((coord == "x") != has_no_name(record.cell(i)) for i, coord in values.items())
        return "bodyparts" if is_full or are_merged else ""
    is_one = _is_one_name(cells)
    has_scorer_above = any(
        each.word == "scorer" or _is_one_name([each.cell(i) for i in values]) for each in records[:-1]
    )
    if "individuals" not in taken and is_full and (has_scorer_above or not is_one):
        return "individuals"
    if is_one or (len(named) == 1 and (named[0].strip() in names or record.cell(0).strip() == named[0].strip())):
        return "scorer"
    return ""


def _is_one_name(cells: Sequence[str]) -> bool:
    """Whether all cells hold the same name, or what pandas makes of it in a single header row."""
    return len({_without_number(cell, cells) for cell in cells}) == 1 and not has_no_name(cells[0])


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
