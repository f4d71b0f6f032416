"""The cells of a CSV label file, made numbers; those that are none are all told, not only the first."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from dlc2lp.dlc.csv_header import FROM_BACKUP, CsvHeader, CsvRecord
from dlc2lp.dlc.table import has_no_name
from dlc2lp.errors import UnreadableFile
from dlc2lp.folding import Kept
from dlc2lp.model import Finding, Severity
from dlc2lp.wording import counted

#: Cells that mean "empty", in lower case: what pandas, R and spreadsheets write (``#NV`` is ``#N/A`` in
#: German, ``#N/D`` in Spanish and Italian). A spreadsheet's other errors, such as ``#REF!``, stand where a
#: number was.
_EMPTY = frozenset(
    {"", "nan", "-nan", "na", "n/a", "<na>", "nat", "none", "null", "#n/a", "#n/a n/a", "#na", "#nv", "#n/d"}
)

#: ``1 234,5`` and ``1'234.5``: a blank or an apostrophe between groups of three can only be a sign for thousands.
_BLANKS = " \u00a0\u2009\u202f"
_GROUPED = re.compile(rf"[+-]?\d{{1,3}}(?:(?:[{_BLANKS}]\d{{3}})+|(?:['\u2019]\d{{3}})+)(?:[.,]\d+)?")
_GROUP_SIGNS = str.maketrans("", "", f"{_BLANKS}'\u2019")

#: ``1,234.5`` and ``1.234,5``: both signs in one number tell which is the one for thousands.
_COMMA_GROUPED = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+\.\d+")
_POINT_GROUPED = re.compile(r"[+-]?\d{1,3}(?:\.\d{3})+,\d+")

#: ``1,234``: as well 1234 with a sign for thousands as 1.234 with three decimals.
_LIKE_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+")

#: Spreadsheets show, and some write, the minus of typography.
_MINUS = str.maketrans("\u2212", "-")

_N_NAMED = 5  # faulty cells that are named one by one; the others are counted


class Cells:
    """Turns cells into numbers, and remembers those that are none instead of stopping at the first."""

    def __init__(self, header: CsvHeader, path: Path, delimiter: str, body: Sequence[CsvRecord]) -> None:
        self._header, self._path, self._delimiter = header, path, delimiter
        cells = [record.cell(i).strip() for record in body for i in header.value_positions]
        self._some_point = any("." in cell and "," not in cell for cell in cells)
        self._some_comma = any("," in cell and "." not in cell for cell in cells)
        # A comma-separated file has quoted its decimal commas; beside points they may be signs for thousands as well.
        self._comma_is_decimal = delimiter != "," or not self._some_point
        with_commas = [cell for cell in cells if "," in cell]
        self._like_thousands = all(map(_LIKE_THOUSANDS.fullmatch, with_commas)) and delimiter != ";"
        # Decimal sign -> the first cell that has it, and where that is.
        self._first_with: dict[str, tuple[str, str]] = {}
        self._bad, self._shifted = _Faults(), _Faults()
        self._left_out = Kept()

    def values(self, record: CsvRecord) -> list[float]:
        """Return the values of one row, NaN where a cell is empty."""
        return [self._value(record, position) for position in self._header.value_positions]

    def _value(self, record: CsvRecord, position: int) -> float:
        cell = record.cell(position)
        number = self._number(cell)
        if number is None:
            doubt = ", whose comma may be a decimal sign or one for thousands" if "," in cell else ""
            message = f"found {cell!r}{doubt}, expected a number or an empty cell"
            advice = f"correct the cell in {self._path.name}; empty it if the point is not labelled"
            self._bad.add(self._finding("csv-bad-cell", message, self._place(record, position), advice))
            return float("nan")
        if self._comma_is_decimal and ("," in cell or "." in cell):
            sign = max(",.", key=cell.rfind)  # of "1,234.5" the point
            self._first_with.setdefault(sign, (cell, self._place(record, position)))
        return number

    def _finding(
        self, code: str, message: str, where: str, advice: str = "", severity: Severity = Severity.ERROR
    ) -> Finding:
        return Finding(severity, code, str(self._path), message, where, advice)

    def _place(self, record: CsvRecord, position: int) -> str:
        return f"line {record.line}, {self._header.column_name(position)}"

    def check_other_columns(self, body: Sequence[CsvRecord]) -> None:
        """Look at the columns that hold no coordinates: nobody may lose labels in them without being told."""
        width = max(len(record.cells) for record in (*self._header.rows, *body))
        used = {*self._header.index_positions, *self._header.value_positions}
        others = sorted(set(range(width)) - used)
        filled = _filled_in(others, body)
        for position in others:
            self._check_other_column(position, filled.get(position, []))
        if self._delimiter == ",":
            for fault in self._shifted_unseen(body):
                self._shifted.add(fault)

    def _shifted_unseen(self, body: Sequence[CsvRecord]) -> list[Finding]:
        """Return findings for rows that decimal commas made longer, where only empty cells came behind the header.

        ``img0.png,21,5,265,4,,`` below ``coords,x,y,x,y``: the second point is not labelled, and would be it.
        """
        width = max(len(row.cells) for row in self._header.rows)
        extra = [len(record.cells) - width for record in body]
        if set(extra) == {1}:
            return []  # each line ends in a comma
        longer = [record for record, n in zip(body, extra, strict=True) if n > 0]
        found = []
        for record in longer:
            numbers = [record.cell(i) for i in self._header.value_positions if record.cell(i).strip()]
            rest = "".join(record.cells[width:]).strip()
            if len(numbers) > 1 and not rest and not any("." in number for number in numbers):
                cells = counted(len(record.cells), "cell")
                message = f"found {cells}, expected {width}, and no decimals: the row may be shifted"
                advice = "look for decimal commas in that line"
                found.append(self._finding("csv-extra-cells", message, f"line {record.line}", advice))
        return found

    def _check_other_column(self, position: int, filled: list[CsvRecord]) -> None:
        """Look at a column; ``filled`` are the rows in which it holds something."""
        texts = [text.strip() for text in self._header.texts(position) if text.strip()]
        numbers = [record for record in filled if self._number(record.cell(position)) is not None]
        if not texts:
            # "21,5" in a file that is separated by commas makes two cells and shifts all that follow.
            for record in numbers:
                self._shifted.add(self._shift(record, position))
            filled = [record for record in filled if self._number(record.cell(position)) is None]
            if not filled:
                return
        named = not all(map(has_no_name, texts))
        # A keypoint's name over numbers, and only "x" or "y" is missing: these are labels.
        lost = named and numbers and has_no_name(self._header.texts(position)[-1])
        content = f"{counted(len(filled), 'cell')}, such as {filled[0].cell(position)!r}" if filled else "nothing"
        code = "foreign-columns" if named else "unnamed-columns"
        message = f"found a column that is none of x, y and likelihood and holds {content}; it is left out"
        where = f"column {position + 1} ({' '.join(texts) or 'no header'})"
        advice = "name it in the header rows if it holds labels" if lost else ""
        severity = Severity.ERROR if lost else Severity.WARNING if filled else Severity.NOTE
        self._left_out.add(self._finding(code, message, where, advice, severity))

    def _shift(self, record: CsvRecord, position: int) -> Finding:
        message = f"found the number {record.cell(position)!r} in a column without a header: the row is shifted"
        where = f"line {record.line}, column {position + 1}"
        return self._finding("csv-extra-cells", message, where, "look for decimal commas in that line")

    def _number(self, cell: str) -> float | None:
        """The cell's value, NaN if it is empty, None if it is no number."""
        text = cell.strip().translate(_MINUS)
        if text.lower() in _EMPTY:
            return float("nan")
        if _GROUPED.fullmatch(text):
            text = text.translate(_GROUP_SIGNS)
        if _COMMA_GROUPED.fullmatch(text) and not self._some_comma:
            text = text.replace(",", "")
        elif _POINT_GROUPED.fullmatch(text) and not self._some_point:
            text = text.replace(".", "").replace(",", ".")
        elif self._comma_is_decimal and text.count(",") == 1:
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

        Raises UnreadableFile where some are no numbers, or may mean two different ones.
        """
        faults = [*self._shifted.told(), *self._bad.told()]
        if len(self._first_with) == 2:
            (comma, comma_where), (point, point_where) = self._first_with[","], self._first_with["."]
            expected = "expected one decimal sign in all cells: a spreadsheet has read some numbers wrongly"
            message = f"found {comma!r} and {point!r}, {expected}"
            faults.append(self._finding("csv-mixed-decimals", message, f"{comma_where}; {point_where}", FROM_BACKUP))
        elif "," in self._first_with and self._like_thousands:
            cell, where = self._first_with[","]
            both = "the comma may be a decimal sign or one for thousands"
            message = f"found {cell!r}, and three digits after every comma of the file: {both}"
            advice = "show the numbers in the spreadsheet without a sign for thousands, and save them as 'CSV UTF-8'"
            faults.append(self._finding("csv-thousands", message, where, advice))
        if faults:
            raise UnreadableFile(*faults)
        if "," in self._first_with:
            message = "found decimal commas: a spreadsheet saved this file, perhaps with fewer digits"
            where = self._first_with[","][1]
            self._left_out.add(self._finding("csv-decimal-comma", message, where, severity=Severity.NOTE))
        return self._left_out.findings


def _filled_in(positions: Sequence[int], body: Sequence[CsvRecord]) -> dict[int, list[CsvRecord]]:
    """Return for columns, in rising order, the rows in which they hold something; no cell is looked at twice."""
    filled: dict[int, list[CsvRecord]] = {}
    for record in body:
        for position in positions[: bisect_left(positions, len(record.cells))]:
            if record.cells[position].strip().lower() not in _EMPTY:
                filled.setdefault(position, []).append(record)
    return filled


class _Faults:
    """Alike findings, of which the first few are kept and the others counted: each of a million cells may be one."""

    def __init__(self) -> None:
        self._named: list[Finding] = []
        self._last: Finding | None = None
        self._n = 0

    def add(self, fault: Finding) -> None:
        self._n += 1
        self._last = fault
        if self._n <= _N_NAMED:
            self._named.append(fault)

    def told(self) -> list[Finding]:
        """The first few, and the number of the others."""
        n_more = self._n - len(self._named)
        if not n_more or self._last is None:
            return self._named
        message = f"the same in {counted(n_more, 'more cell')}, {self._n} in all"
        rest = replace(self._last, message=message, where=f"up to {self._last.where}", n_alike=n_more)
        return [*self._named, rest]
