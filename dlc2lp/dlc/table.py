"""A label file as it stands on disk, before anybody decides what its names mean.

CSV and HDF5 both become a :class:`RawTable`, and only then :mod:`dlc2lp.dlc.labels` gives it meaning, so there
is one set of rules for both.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dlc2lp.dlc.framenames import RowName, parse_row
from dlc2lp.wording import spelled

#: Names of the column levels in the order DeepLabCut writes them; ``individuals`` only in multi-animal files.
COLUMN_LEVELS = ("scorer", "individuals", "bodyparts", "coords")

#: What pandas calls a column that has no name; it stays where a table was read wrongly and saved
#: (napari-deeplabcut issue #188).
UNNAMED = re.compile(r"Unnamed: \d+(_level_\d+)?")


def has_no_name(header_cell: str) -> bool:
    """Whether a cell of the header says nothing."""
    return not header_cell.strip() or UNNAMED.fullmatch(header_cell.strip()) is not None


@dataclass(frozen=True)
class RawTable:
    """Rows and columns of one label file.

    Dimensions: R rows, C value columns, N index cells per row (1 in DeepLabCut up to 2.2.0.3, 3 afterwards).
    """

    levels: tuple[str, ...]  #: Names of the column levels present, a subset of :data:`COLUMN_LEVELS` in that order.
    #: C tuples of text, one entry per level. Numbers that a YAML or Excel made of names are text again.
    columns: tuple[tuple[str, ...], ...]
    #: R tuples of N cells of text: ``("labeled-data", "m4s1", "img0000.png")`` or one path.
    rows: tuple[tuple[str, ...], ...]
    values: NDArray[np.float64]  #: float64 of shape (R, C); NaN = empty.

    @cached_property
    def row_names(self) -> tuple[RowName, ...]:
        """What each row names."""
        return tuple(map(parse_row, self.rows))


def in_one_spelling(table: RawTable) -> tuple[RawTable, tuple[str, ...]]:
    """Return the table with its names as they are spelled everywhere, and those that were spelled otherwise.

    A Mac stores ``é`` in two characters, a hand leaves a blank behind ``snout``: one name in two spellings. Where two
    columns of one table would become one, they are two names, and all stay as they are.
    """
    columns = tuple(tuple(map(spelled, column)) for column in table.columns)
    if columns == table.columns or len(set(columns)) < len(set(table.columns)):
        return table, ()
    written = dict.fromkeys(name for column in table.columns for name in column)
    return replace(table, columns=columns), tuple(spelled(name) for name in written if spelled(name) != name)


def hold_the_same(first: RawTable | None, second: RawTable | None) -> bool:
    """Whether two files hold the same labels, cell by cell; one that can't be read holds none."""
    if first is None or second is None or first is second:
        return first is second
    alike = (first.levels, first.columns, first.rows) == (second.levels, second.columns, second.rows)
    return alike and bool(np.array_equal(first.values, second.values, equal_nan=True))
