"""Merged cells of a spreadsheet's header: a CSV has their text in the first cell, and nothing in the others.

The name is carried to the right only where that is certain. A blank that may be a name that was lost stays blank, and
is then told as a column without a name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from dlc2lp.dlc.csv_header import COORDS, CsvHeader, CsvRecord
from dlc2lp.dlc.table import has_no_name
from dlc2lp.model import Finding, Severity


def fill_merged(header: CsvHeader, path: Path) -> tuple[CsvHeader, list[Finding]]:
    """Return the header with a name in each cell that was merged with others, and a note if there are any."""
    coords = [header.rows[-1].cell(i).strip().lower() for i in header.value_positions]
    rows, filled = [], []
    for level, row in zip(header.levels, header.rows, strict=True):
        names = [row.cell(i) for i in header.value_positions]
        carried = _carried(level, names, coords)
        if carried != names:
            filled.append(level)
        rows.append(_with(row, header.value_positions, carried) if carried != names else row)
    full = replace(header, rows=tuple(rows))
    if not filled or _repeats(full):
        return header, []
    message = f"found merged cells in the header ({', '.join(filled)}); each name was taken for all columns below it"
    return full, [Finding(Severity.NOTE, "csv-merged-header", str(path), message)]


def _carried(level: str, names: Sequence[str], coords: Sequence[str]) -> list[str]:
    """Return the names of a row, each carried to the blanks right of it if the row is one of merged cells."""
    blank = [has_no_name(name) for name in names]
    # Names side by side that are the same are not merged, so that a blank among them is a name that was lost.
    is_merged = not blank[0] and any(blank) and not any(a == b for a, b in pairwise(names) if not has_no_name(a))
    if level in {"scorer", "individuals"}:
        at_points = (coord == "x" for empty, coord in zip(blank, coords, strict=True) if not empty)
        is_merged = is_merged and all(at_points)
    else:
        # One point is x, y and perhaps likelihood: a blank at an x would begin a point without a name.
        steps = zip(blank[1:], coords, coords[1:], strict=False)
        follows = (COORDS.index(right) == COORDS.index(left) + 1 for empty, left, right in steps if empty)
        is_merged = is_merged and level == "bodyparts" and all(follows)
    carried = list(names)
    for i in range(1, len(names)):
        if is_merged and blank[i]:
            carried[i] = carried[i - 1]
    return carried


def _with(row: CsvRecord, positions: Sequence[int], names: Sequence[str]) -> CsvRecord:
    cells = list(row.cells) + [""] * (positions[-1] + 1 - len(row.cells))
    for position, name in zip(positions, names, strict=True):
        cells[position] = name
    return replace(row, cells=tuple(cells))


def _repeats(header: CsvHeader) -> bool:
    """Whether two columns have the same names now: then an individual's name was lost, and not merged."""
    columns = Counter(header.texts(position) for position in header.value_positions)
    return max(columns.values()) > 1
