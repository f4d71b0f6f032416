"""A label file as it stands on disk, before anybody decides what its names mean.

CSV and HDF5 both become a :class:`RawTable`, and only then :mod:`dlc2lp.dlc.labels` gives it meaning, so there
is one set of rules for both.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
