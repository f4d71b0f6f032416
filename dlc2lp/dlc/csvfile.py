"""A CSV label file as a :class:`~dlc2lp.dlc.table.RawTable`: what stands in it, cell by cell.

``pandas.read_csv`` can't be asked: it takes an unlabeled first frame for a row of index names and drops it,
and makes 7 of a folder called ``007``. Here the header alone tells the layout::

    scorer,Jane,Jane,...                    scorer,,,Jane,Jane,...
    bodyparts,snout,snout,...               bodyparts,,,snout,snout,...
    coords,x,y,...                          coords,,,x,y,...
    labeled-data/m4s1/img00.png,21.5,...    labeled-data,m4s1,img00.png,21.5,...

on the left DeepLabCut up to 2.2.0.3, on the right since 2.2.0.4 (PR #1584); multi-animal files have a row
``individuals`` after ``scorer``.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dlc2lp.dlc.framenames import has_image_suffix, parse_row
from dlc2lp.dlc.table import COLUMN_LEVELS, RawTable
from dlc2lp.errors import UnreadableFile
from dlc2lp.model import Finding, Severity
from dlc2lp.wording import counted

#: Header rows that occur, top down. Files without ``scorer`` come from other tools and from people.
_HEADERS = (
    ("scorer", "bodyparts", "coords"),
    ("scorer", "individuals", "bodyparts", "coords"),
    ("bodyparts", "coords"),
    ("individuals", "bodyparts", "coords"),
)
_COORDS = frozenset({"x", "y", "likelihood"})

#: Cells that mean "empty", in lower case: what pandas, R and spreadsheets write (``#NV`` is ``#N/A`` in
#: German, ``#N/D`` in Spanish and Italian). A spreadsheet's other errors, such as ``#REF!``, stand where a
#: number was.
_EMPTY = frozenset(
    {"", "nan", "-nan", "na", "n/a", "<na>", "nat", "none", "null", "#n/a", "#n/a n/a", "#na", "#nv", "#n/d"}
)

#: The first header row tells what separates the cells. Counting characters does not: ``a;b;c`` may be a
#: scorer.
_DELIMITER = re.compile(r'^[ "]*(?:scorer|individuals|bodyparts)[ "]*([,;\t])', re.IGNORECASE | re.MULTILINE)

#: What pandas calls a column that has no name.
_UNNAMED = re.compile(r"Unnamed: \d+(_level_\d+)?")

_N_NAMED = 5  # faulty cells that are named one by one; the others are counted
_RESTORE = "open the session in DeepLabCut and save its labels again, or restore the file from a backup"


@dataclass(frozen=True)
class CsvLabels:
    """A CSV label file and what was odd about it.

    Attributes
    ----------
    table
        Its rows and columns.
    findings
        What a person should know; whatever prevents reading is raised instead.
    """

    table: RawTable
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class _Record:
    """One row of the file; ``line`` is the line it ends on, counted from 1 as editors do."""

    line: int
    cells: tuple[str, ...]

    def cell(self, position: int) -> str:
        """The cell, empty where a short row has none."""
        return self.cells[position] if position < len(self.cells) else ""


@dataclass(frozen=True)
class _Header:
    """The header: names of the levels, their rows, and which positions hold the index and the values."""

    levels: tuple[str, ...]
    rows: tuple[_Record, ...]
    index_positions: tuple[int, ...]
    value_positions: tuple[int, ...]

    def texts(self, position: int) -> tuple[str, ...]:
        """What the header says about a column, one text per level."""
        return tuple(row.cell(position) for row in self.rows)

    def column_name(self, position: int) -> str:
        """The column as people call it: ``snout x``."""
        levels = zip(self.levels, self.texts(position), strict=True)
        return " ".join(text for level, text in levels if level != "scorer")


def read_csv_labels(path: Path) -> CsvLabels:
    """Read a label file in CSV, whoever wrote it: DeepLabCut of any era, pandas, napari, a spreadsheet.

    Numbers become the float64 that ``float`` makes of their digits, which is the one that pandas wrote down.
    Text stays as it stands.

    Parameters
    ----------
    path
        The file. What lies beside it matters only where an unlabeled first frame without a suffix looks like
        a row of index names.

    Raises
    ------
    UnreadableFile
        ``csv-unreadable``: it can't be opened, is no text, or its quotation marks don't match.
        ``csv-no-header``, ``csv-bad-header``: it has no header of DeepLabCut's, or a damaged one.
        ``csv-bad-cell``, ``csv-extra-cells``, ``csv-mixed-decimals``: cells that are not what the header
        announces; the error tells of all of them.
    """
    findings: list[Finding] = []
    text = _read_text(path, findings)
    delimiter = _delimiter(text, path)
    header, body = _split_header(_records(text, delimiter, path), path)
    if body and _names_index_levels(body[0], header, path.parent):
        body = body[1:]
    cells = _Cells(header, path, comma_is_decimal=delimiter == ";")
    cells.check_other_columns(body)
    rows = [cells.values(record) for record in body]
    findings += cells.findings()
    findings += _short_rows(header, body, text, path)

    import numpy as np

    table = RawTable(
        levels=header.levels,
        columns=_column_names(header, path, findings),
        rows=tuple(tuple(record.cell(position) for position in header.index_positions) for record in body),
        values=np.array(rows, dtype=np.float64).reshape(len(body), len(header.value_positions)),
    )
    return CsvLabels(table, tuple(findings))


def _read_text(path: Path, findings: list[Finding]) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise UnreadableFile.of("csv-unreadable", str(path), f"can't be opened: {reason}") from error
    if not data.strip(b"\0"):
        found = f"{counted(len(data), 'byte')} of zeros, as a crash leaves them" if data else "an empty file (0 bytes)"
        raise UnreadableFile.of("csv-unreadable", str(path), f"found {found}, expected labels", advice=_RESTORE)
    # pandas writes UTF-8, Excel on Windows its code page or, as "Unicode text", UTF-16 with a byte order
    # mark.
    encodings = ["utf-16"] if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        if encoding != "utf-8-sig":
            message = f"found text that is not UTF-8; it was read as {encoding}"
            advice = "check that names with accents or other special letters arrived"
            findings.append(Finding(Severity.NOTE, "csv-encoding", str(path), message, advice=advice))
        return text
    raise UnreadableFile.of(
        "csv-unreadable", str(path), "found bytes that are no text, expected a CSV file", advice=_RESTORE
    )


def _delimiter(text: str, path: Path) -> str:
    found = _DELIMITER.search(text)
    if found is not None:
        return found[1]
    first = next((line for line in text.splitlines() if line.strip(" ,;\t")), "")
    raise UnreadableFile.of(
        "csv-no-header",
        str(path),
        f"found {first[:60]!r} at the top, expected a line that begins with 'scorer,' or 'bodyparts,'",
        advice=_RESTORE,
    )


def _records(text: str, delimiter: str, path: Path) -> list[_Record]:
    """Return all rows that have any content."""
    # strict: else a quotation mark that is opened and never closed swallows the rest of the file without a
    # word.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    records = []
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                records.append(_Record(reader.line_num, tuple(cells)))
    except csv.Error as error:
        raise UnreadableFile.of(
            "csv-unreadable",
            str(path),
            f"found no valid CSV: {error}",
            where=f"line {reader.line_num}",
            advice='look for a quotation mark (") that is opened and never closed',
        ) from error
    return records


def _split_header(records: Sequence[_Record], path: Path) -> tuple[_Header, list[_Record]]:
    n_header = 0
    while n_header < len(records) and records[n_header].cell(0).strip().lower() in COLUMN_LEVELS:
        n_header += 1
    rows = tuple(records[:n_header])
    levels = tuple(row.cell(0).strip().lower() for row in rows)
    if levels not in _HEADERS:
        raise UnreadableFile.of(
            "csv-no-header",
            str(path),
            f"found the header rows {', '.join(levels) or 'none'}, "
            "expected scorer, (individuals,) bodyparts and coords at the top of the file",
            advice=_RESTORE,
        )
    coords = rows[-1]
    values = tuple(i for i, cell in enumerate(coords.cells) if cell.strip().lower() in _COORDS)
    # The header tells how wide the index is. Rows don't: in a file with one labeled frame every width fits.
    index = tuple(range(values[0])) if values else ()
    if len(index) not in {1, 3}:
        # A table that was read with too few index columns and saved again: they got names and came back as
        # data.
        index = tuple(i for i in index if not any(_UNNAMED.fullmatch(row.cell(i).strip()) for row in rows))
    if len(index) not in {1, 3} or any(_says_something(row.cell(i)) for row in rows for i in index[1:]):
        raise UnreadableFile.of(
            "csv-bad-header",
            str(path),
            f"found {', '.join(map(repr, coords.cells[:6]))}, expected 'coords' and then 'x', 'y' and so on, "
            "from the second column on or from the fourth",
            where=f"line {coords.line}",
            advice=_RESTORE,
        )
    return _Header(levels, rows, index, values), list(records[n_header:])


def _says_something(header_cell: str) -> bool:
    return bool(header_cell.strip()) and _UNNAMED.fullmatch(header_cell.strip()) is None


def _names_index_levels(record: _Record, header: _Header, folder: Path) -> bool:
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


class _Cells:
    """Turns cells into numbers, and remembers those that are none instead of stopping at the first."""

    def __init__(self, header: _Header, path: Path, *, comma_is_decimal: bool) -> None:
        self._header = header
        self._path = path
        # Only beside ";" is a comma surely a decimal sign, and not one for thousands or the end of a cell.
        self._comma_is_decimal = comma_is_decimal
        # Decimal sign -> the first cell that has it, and where that is.
        self._first_with: dict[str, tuple[str, str]] = {}
        self._bad: list[Finding] = []
        self._shifted: list[Finding] = []
        self._left_out: list[Finding] = []

    def values(self, record: _Record) -> list[float]:
        """Return the values of one row, NaN where a cell is empty."""
        return [self._value(record, position) for position in self._header.value_positions]

    def _value(self, record: _Record, position: int) -> float:
        cell = record.cell(position)
        number = self._number(cell)
        if number is None:
            where = self._place(record, position)
            message = f"found {cell!r}, expected a number or an empty cell"
            advice = f"correct the cell in {self._path.name}; empty it if the point is not labelled"
            self._bad.append(Finding(Severity.ERROR, "csv-bad-cell", str(self._path), message, where, advice))
            return float("nan")
        if self._comma_is_decimal and ("," in cell or "." in cell):
            sign = "," if "," in cell else "."
            if sign not in self._first_with:
                self._first_with[sign] = cell, self._place(record, position)
        return number

    def _place(self, record: _Record, position: int) -> str:
        return f"line {record.line}, {self._header.column_name(position)}"

    def check_other_columns(self, body: Sequence[_Record]) -> None:
        """Look at the columns that hold no coordinates: nobody may lose labels in them without being told."""
        width = max(len(record.cells) for record in (*self._header.rows, *body))
        used = {*self._header.index_positions, *self._header.value_positions}
        for position in range(width):
            if position not in used:
                self._check_other_column(position, body)

    def _check_other_column(self, position: int, body: Sequence[_Record]) -> None:
        texts = [text.strip() for text in self._header.texts(position) if text.strip()]
        filled = [record for record in body if record.cell(position).strip().lower() not in _EMPTY]
        numbers = [record for record in filled if self._number(record.cell(position)) is not None]
        if not texts:
            # "21,5" in a file that is separated by commas makes two cells and shifts all that follow.
            self._shifted += (self._shift(record, position) for record in numbers)
            filled = [record for record in filled if record not in numbers]
            if not filled:
                return
        named = any(_says_something(text) for text in texts)
        # A keypoint's name over numbers, and only "x" or "y" is missing: these are labels.
        lost = named and numbers and not _says_something(self._header.texts(position)[-1])
        content = f"{counted(len(filled), 'cell')}, such as {filled[0].cell(position)!r}" if filled else "nothing"
        self._left_out.append(
            Finding(
                Severity.ERROR if lost else Severity.WARNING if filled else Severity.NOTE,
                "foreign-columns" if named else "unnamed-columns",
                str(self._path),
                f"found a column that is none of x, y and likelihood and holds {content}; it is left out",
                f"column {position + 1} ({' '.join(texts) or 'no header'})",
                "name it in the header rows if it holds labels" if lost else "",
            )
        )

    def _shift(self, record: _Record, position: int) -> Finding:
        return Finding(
            Severity.ERROR,
            "csv-extra-cells",
            str(self._path),
            f"found the number {record.cell(position)!r} in a column without a header: the row is shifted",
            f"line {record.line}, column {position + 1}",
            "look for decimal commas in that line",
        )

    def _number(self, cell: str) -> float | None:
        """The cell's value, NaN if it is empty, None if it is no number."""
        text = cell.strip()
        if text.lower() in _EMPTY:
            return float("nan")
        if self._comma_is_decimal and "." not in text:
            text = text.replace(",", ".")
        # float() also takes 1_000 and the digits of all scripts, which nobody writes who means a pixel.
        if not text.isascii() or "_" in text:
            return None
        try:
            return float(text)
        except ValueError:
            return None

    def findings(self) -> list[Finding]:
        """Return what is worth knowing about the cells that were read.

        Raises
        ------
        UnreadableFile
            Some are no numbers, or may mean two different ones.
        """
        faults = _first_and_count(self._shifted) + _first_and_count(self._bad)
        if len(self._first_with) == 2:
            (comma, comma_where), (point, point_where) = self._first_with[","], self._first_with["."]
            faults.append(
                Finding(
                    Severity.ERROR,
                    "csv-mixed-decimals",
                    str(self._path),
                    f"found {comma!r} and {point!r}, expected one decimal sign in all cells: a spreadsheet "
                    "has read some numbers wrongly",
                    f"{comma_where}; {point_where}",
                    _RESTORE,
                )
            )
        if faults:
            raise UnreadableFile(*faults)
        if "," in self._first_with:
            message = "found decimal commas: a spreadsheet saved this file, perhaps with fewer digits"
            where = self._first_with[","][1]
            self._left_out.append(Finding(Severity.NOTE, "csv-decimal-comma", str(self._path), message, where))
        return self._left_out


def _first_and_count(faults: Sequence[Finding]) -> list[Finding]:
    """The first few of many alike findings, and the number of the others."""
    named = list(faults[:_N_NAMED])
    n_more = len(faults) - _N_NAMED
    if n_more > 0:
        last = faults[-1]
        message = f"the same in {counted(n_more, 'more cell')}, {len(faults)} in all"
        named.append(Finding(last.severity, last.code, last.subject, message, f"up to {last.where}", last.hint))
    return named


def _short_rows(header: _Header, body: Sequence[_Record], text: str, path: Path) -> list[Finding]:
    width = header.value_positions[-1] + 1
    short = [record for record in body if len(record.cells) < width]
    if not short:
        return []
    where = f"line {short[0].line}" + (f" to {short[-1].line}" if len(short) > 1 else "")
    message = f"found {counted(len(short), 'row')} with fewer than {width} cells; what is missing is taken as empty"
    findings = [Finding(Severity.NOTE, "csv-short-rows", str(path), message, where)]
    # An aborted copy ends in the middle of a row, perhaps in the middle of a number.
    if short[-1] is body[-1] and not text.endswith(("\n", "\r")):
        last = body[-1]
        message = (
            f"found {counted(len(last.cells), 'cell')} without a line end, expected {width}: the file seems cut off, "
            f"perhaps within its last cell {last.cells[-1]!r}"
        )
        advice = "compare the file with its original"
        findings.append(Finding(Severity.WARNING, "csv-cut-off", str(path), message, f"line {last.line}", advice))
    return findings


def _column_names(header: _Header, path: Path, findings: list[Finding]) -> tuple[tuple[str, ...], ...]:
    """Return the names of the value columns.

    A file that was read with one header row and saved again has ``Jane,Jane.1,Jane.2`` in its first row,
    since pandas makes the names of a single header row unique. In any other file every name stands at least
    twice, for x and for y; so where no two cells are equal, and only there, the numbers are taken off again.
    """
    by_level = [[row.cell(position) for position in header.value_positions] for row in header.rows]
    first = by_level[0]
    restored = [_without_number(name, first) for name in first]
    if len(set(first)) == len(first) and restored != first:
        by_level[0] = restored
        message = (
            f"found {', '.join(map(repr, first[:3]))}: the file was read with one header row and saved "
            "again; the numbers were taken off"
        )
        where = f"line {header.rows[0].line}"
        findings.append(Finding(Severity.NOTE, "csv-numbered-header", str(path), message, where))
    return tuple(zip(*by_level, strict=True))


def _without_number(name: str, names: Sequence[str]) -> str:
    base, _, number = name.rpartition(".")
    return base if number.isdecimal() and base in names else name
