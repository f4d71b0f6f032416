"""Label files as DeepLabCut writes them since 2.2.0.4, as text and bytes. Writes nothing.

``pandas.DataFrame.to_csv``: a header row for each column level, which begins with the level's name and has an empty
cell for each further index column; three index columns; an empty cell where there is no label.
"""

from __future__ import annotations

import csv
import io
import math

from dlc2lp.dlc.table import RawTable


def label_file_stem(scorer: str) -> str:
    """Return the name of a scorer's label files, without a suffix."""
    return f"CollectedData_{scorer}"


def render_csv(table: RawTable) -> str:
    """Return the text of a label file; each number reads back bit for bit."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    n_index = max(map(len, table.rows), default=1)
    for level, name in enumerate(table.levels):
        writer.writerow([name, *[""] * (n_index - 1), *(column[level] for column in table.columns)])
    for cells, values in zip(table.rows, table.values.tolist(), strict=True):
        writer.writerow([*cells, *("" if math.isnan(value) else repr(value) for value in values)])
    return out.getvalue()
