"""Is a converted label file equal to its source: ``compare_labels.py CollectedData.csv CollectedData_X.h5...``.

Reads both with pandas and shares no code with dlc2lp. Only for HDF5 files that are trusted: pandas unpickles what it
finds in them. Rows are matched by folder and frame number (``img0007.png`` becomes ``img00000007.png``), columns by
keypoint; values must be the same float64, empty cells empty.
"""

from __future__ import annotations

import re
import sys
from pathlib import PurePosixPath

import numpy as np
import pandas as pd


def frame_key(row: object) -> tuple[str, int]:
    """Folder and frame number of an index entry, which is one path or its three parts."""
    path = PurePosixPath(*(str(part).replace("\\", "/") for part in (row if isinstance(row, tuple) else (row,))))
    digits = re.search(r"(\d+)$", path.stem)
    if digits is None:
        sys.exit(f"no frame number in {path}")
    return path.parent.name, int(digits[1])


def by_frame(table: pd.DataFrame) -> pd.DataFrame:
    """Rows keyed by frame, columns by keypoint and coordinate, without the scorer."""
    table = table.droplevel("scorer", axis=1)
    table.index = pd.MultiIndex.from_tuples([frame_key(row) for row in table.index])
    if not table.index.is_unique:
        sys.exit(f"a frame has more than one row: {table.index[table.index.duplicated()][0]}")
    return table


def main() -> None:
    """Compare the files that the command line names."""
    csv, *sources = sys.argv[1:]
    converted = by_frame(pd.read_csv(csv, header=[0, 1, 2], index_col=0, float_precision="round_trip"))
    source = by_frame(pd.concat([pd.read_hdf(file) for file in sources]))
    missing, extra = source.index.difference(converted.index), converted.index.difference(source.index)
    if len(missing) or len(extra):
        sys.exit(f"{len(missing)} rows are missing, {len(extra)} are not of the source")
    if set(converted.columns) != set(source.columns):
        sys.exit(f"columns {list(converted.columns)} differ from the source's {list(source.columns)}")
    converted = converted.loc[source.index, list(source.columns)]
    ours, theirs = converted.to_numpy(np.float64), source.to_numpy(np.float64)
    n_different = int((~((ours == theirs) | (np.isnan(ours) & np.isnan(theirs)))).sum())
    if n_different:
        sys.exit(f"{n_different} of {theirs.size} cells differ")
    print(f"{len(source)} rows, {theirs.size} cells, all equal")


if __name__ == "__main__":
    main()
