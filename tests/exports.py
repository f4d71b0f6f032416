"""What an exported DeepLabCut project holds, read by pandas and the csv module and nothing of dlc2lp."""

from __future__ import annotations

import csv
import math
import struct
from pathlib import Path

import pandas as pd

Point = tuple[float, float]
#: (folder, image, individual, bodypart) -> (x, y) of every labelled point; the individual is empty for a single animal.
Cells = dict[tuple[str, str, str, str], Point]


def bits(number: float) -> bytes:
    """What a number is in a file, so that no two that differ count as one."""
    return struct.pack("<d", number)


def exported_cells(root: Path) -> Cells:
    """Every labelled point of all label files; CSV and H5 must agree, and each row's image must be there."""
    found: Cells = {}
    paths = sorted(root.glob("labeled-data/*/CollectedData_*.h5"))
    assert [path.with_suffix(".csv") for path in paths] == sorted(root.glob("labeled-data/*/CollectedData_*.csv"))
    for path in paths:
        from_csv = csv_rows(path.with_suffix(".csv"))
        assert hdf_rows(path) == from_csv
        images = [index[2] for index in from_csv]
        assert images == sorted(images)
        for (top, folder, image), points in from_csv.items():
            assert (top, folder) == ("labeled-data", path.parent.name)
            assert (path.parent / image).is_file()
            for (_, individual, bodypart), point in points.items():
                if not math.isnan(point[0]):
                    found[folder, image, individual, bodypart] = point
    return found


Rows = dict[tuple[str, ...], dict[tuple[str, str, str], tuple[float, float]]]


class _Nan(float):
    """A NaN that equals another, so that tables can be compared."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, float) and math.isnan(other)

    def __hash__(self) -> int:
        return 0


def _number(value: float) -> float:
    return _Nan("nan") if math.isnan(value) else value


def hdf_rows(path: Path) -> Rows:
    """A label file as DeepLabCut reads it: (scorer, individual, bodypart) -> (x, y) by row."""
    table = pd.read_hdf(path)
    assert (table.index.nlevels, list(table.index.names)) == (3, [None] * 3)
    levels = ["scorer", *(["individuals"] if table.columns.nlevels == 4 else []), "bodyparts", "coords"]
    assert list(table.columns.names) == levels
    return _rows(list(table.columns), [*zip(table.index, table.to_numpy().tolist(), strict=True)])


def csv_rows(path: Path) -> Rows:
    """The same of a CSV, by Python's own reader of numbers."""
    with path.open(encoding="utf-8", newline="") as file:
        lines = list(csv.reader(file))
    n_levels = [line[0] for line in lines].index("coords") + 1
    assert all(line[1:3] == ["", ""] for line in lines[:n_levels])
    columns = list(zip(*(line[3:] for line in lines[:n_levels]), strict=True))
    rows = [(tuple(line[:3]), [float(cell or "nan") for cell in line[3:]]) for line in lines[n_levels:]]
    return _rows(columns, rows)


def _rows(columns: list[tuple[str, ...]], rows: list[tuple[tuple[str, ...], list[float]]]) -> Rows:
    assert [column[-1] for column in columns] == ["x", "y"] * (len(columns) // 2)
    names = [(column[0], column[1] if len(column) == 4 else "", column[-2]) for column in columns[::2]]
    made: Rows = {}
    for index, values in rows:
        numbers = [_number(value) for value in values]
        made[index] = dict(zip(names, zip(numbers[::2], numbers[1::2], strict=True), strict=True))
    assert len(made) == len(rows)
    return made
