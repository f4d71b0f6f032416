"""The ordinary CSV label file, which needs no look at each cell: all its rows at once.

Ordinary is what pandas writes: commas, no quotation mark, rows as wide as the header, and cells that are empty or hold
nothing but the characters of a number. Any other file is one for :mod:`dlc2lp.dlc.csv_cells`, which has the rules; of
these only two are needed here: an empty cell is NaN, and any other is what ``float`` makes of it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dlc2lp.dlc.csv_header import CsvHeader

#: A cell of other characters may be a number all the same, by rules that are not these.
_OF_NUMBERS = b"0123456789.,+-eE\n"


@dataclass(frozen=True)
class PlainRows:
    """The rows of a file."""

    index: tuple[tuple[str, ...], ...]  #: Their index cells, N each.
    values: NDArray[np.float64]  #: float64 of shape (R, C); NaN = empty.


def plain_lines(text: str) -> list[str] | None:
    """Return the lines of a file whose rows are lines and begin in the first column; None where that is not sure."""
    if '"' in text:
        return None
    if "\r" in text:
        text = text.replace("\r\n", "\n")
        if "\r" in text:
            return None
    lines = text.removesuffix("\n").split("\n")
    begins = bool(lines[0].partition(",")[0].strip())
    return lines if begins and max(map(len, lines)) < csv.field_size_limit() else None


def plain_rows(lines: Sequence[str], header: CsvHeader) -> PlainRows | None:
    """Return what stands in the lines below a header; None where a line is not ordinary."""
    n_index, width = len(header.index_positions), len(header.index_positions) + len(header.value_positions)
    used = (*header.index_positions, *header.value_positions)
    if used != tuple(range(width)) or any(len(row.cells) > width for row in header.rows):
        return None
    index: list[tuple[str, ...]] = []
    rows: list[str] = []
    once: dict[str, str] = {}  # folders, which each row names
    for line in lines:
        *names, cells = line.split(",", n_index)
        if line.count(",") != width - 1 or not (names[-1].strip() or any(map(str.strip, names))):
            return None
        folders = [once.setdefault(name, name) for name in names[:-1]]
        index.append((*folders, names[-1]))
        rows.append(cells)
    try:
        return PlainRows(tuple(index), _numbers(rows, width - n_index))
    except ValueError:
        return None


def _numbers(rows: Sequence[str], n_columns: int) -> NDArray[np.float64]:
    """Return the numbers of rows of cells between commas, shape (R, C); ValueError where some cell may be none.

    pandas' parser takes a third of the time of ``float`` and gives the same bits: by default since pandas 3.1, before
    that where ``round_trip`` is asked for. In cells of these characters it takes for a number what ``float`` does.
    """
    import pandas as pd

    content = "\n".join(rows).encode("utf-8", "surrogatepass")
    if content.translate(None, _OF_NUMBERS):
        raise ValueError("a cell with other characters than those of numbers")
    if not rows:
        return np.empty((0, n_columns))
    is_exact = tuple(map(int, pd.__version__.split(".")[:2])) >= (3, 1)
    table = pd.read_csv(
        io.BytesIO(content),
        header=None,
        dtype=np.float64,
        float_precision=None if is_exact else "round_trip",
        keep_default_na=False,
        na_values=[""],
        skip_blank_lines=False,
    )
    return np.ascontiguousarray(table.to_numpy())
