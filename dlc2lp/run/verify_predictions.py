"""Whether each file of predictions has a row for each frame of its video, with the numbers that DeepLabCut wrote.

The target is read by pandas, as Lightning Pose reads it, and so is a CSV of the source; which row is which frame is
worked out for all frames at once, not row by row as they were written. Large files are read in pieces.
"""

from __future__ import annotations

import contextlib
import io
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from dlc2lp.dlc.hdf_rows import HdfRows
from dlc2lp.errors import UnreadableFile
from dlc2lp.files import open_regular
from dlc2lp.model import Finding, Severity
from dlc2lp.options import VerifyLevel
from dlc2lp.planning.plan import Plan, PlannedPredictions
from dlc2lp.planning.steps import WritePredictions
from dlc2lp.run.findings import not_as_planned
from dlc2lp.wording import counted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Flags: TypeAlias = NDArray[np.bool_]
    Rows: TypeAlias = NDArray[np.int64]

#: Rows that are compared at a time, and files that are where not all are.
_N_ROWS = 10_000
_N_FILES = 8


def check_predictions(plan: Plan, n_frames_of: Mapping[str, int], level: VerifyLevel) -> tuple[list[Finding], int]:
    """Compare files of predictions with their sources, and their rows with the frames of the target's videos.

    ``n_frames_of`` are the frames that the videos of the target were counted to have, by their paths. ``full`` compares
    every number, ``sample`` those of some files. A source that is gone or was changed is no fault of the target.
    Returns what is wrong, and how many rows there are.
    """
    target = Path(plan.target)
    steps = {step.target: step for step in plan.steps if isinstance(step, WritePredictions)}
    files = [each for model in plan.models for each in model.predictions if (target / each.target).is_file()]
    compared = files if level == "full" else files[:: -(-len(files) // _N_FILES)] if files else []
    findings: list[Finding] = []
    n_rows = 0
    for each in files:
        try:
            n_found = _count_rows(target / each.target)
        except (OSError, ValueError) as error:
            findings.append(Finding(Severity.ERROR, "predictions-differ", each.target, f"can't be read: {error}"))
            continue
        n_rows += n_found
        expected = n_frames_of.get(each.video, each.n_frames)
        if n_found != expected:
            message = f"found {counted(n_found, 'row')}, expected {expected}, the frames of {each.video}"
            findings.append(not_as_planned("predictions-differ", each.target, message))
        elif each in compared:
            findings += _compared(each, steps[each.target], target)
    return findings, n_rows


def _count_rows(path: Path) -> int:
    with open_regular(path) as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b"")) - 3


def _compared(each: PlannedPredictions, step: WritePredictions, target: Path) -> list[Finding]:
    path = Path(step.source)
    if not path.is_file() or path.stat().st_size != step.size_bytes:
        return []
    try:
        first = _first_difference(target / each.target, path, step)
    except (UnreadableFile, OSError):
        return []  # it could be read when it was written, so it was changed since
    except ValueError as error:
        return [not_as_planned("predictions-differ", each.target, f"can't be read: {error}")]
    if first is None:
        return []
    return [not_as_planned("predictions-differ", each.target, f"frame {first} differs from {step.source}")]


def _first_difference(path: Path, source: Path, step: WritePredictions) -> int | None:
    """Return the first frame whose numbers are not those of the source, moved as the target shows the picture."""
    import numpy as np
    import pandas as pd

    columns = [column for keypoint in step.keypoints for column in keypoint.columns]
    places = [3 * n + axis for n, keypoint in enumerate(step.keypoints) for axis in range(len(keypoint.columns))]
    add_px = [add for keypoint in step.keypoints for add, _ in zip((*step.add_px, 0), keypoint.columns, strict=False)]
    origin = _HdfSource(source, step.key) if step.key else _CsvSource(source)
    has_row, row_of = _frames_with_row(origin, step)
    target = pd.read_csv(path, skiprows=3, header=None, index_col=0, chunksize=_N_ROWS, dtype=np.float64)
    with contextlib.closing(origin), target as chunks:
        for chunk in chunks:
            first, found = int(chunk.index[0]), chunk.to_numpy()
            here = slice(first, first + len(found))
            rows = row_of[here][has_row[here]]
            expected = np.full(found.shape, np.nan)
            if len(rows):
                values = origin.read(int(rows[0]), int(rows[-1]) + 1, columns) + np.array(add_px)
                expected[np.ix_(np.flatnonzero(has_row[here]), np.array(places))] = values
            expected[np.isnan(expected).all(axis=1), 2::3] = 0  # nothing was predicted in these frames
            # The last digits may differ: by pandas' usual parser, and where the source has numbers of 32 bits.
            wrong = ~np.isclose(found, expected, rtol=1e-6, atol=1e-6, equal_nan=True).all(axis=1)
            if wrong.any():
                return first + int(np.argmax(wrong))
    return None


def _frames_with_row(source: _HdfSource | _CsvSource, step: WritePredictions) -> tuple[Flags, Rows]:
    """Return which frames of the target have a row in the source, and which row each of these has."""
    import numpy as np

    frames = np.arange(step.n_frames)
    if not step.by_number:
        has_row = ~np.isin(frames, step.empty)
        return has_row, step.first_row + np.cumsum(has_row) - 1
    numbers = source.numbers()
    has_row = np.isin(frames, numbers)
    return has_row, np.searchsorted(numbers, frames)


class _HdfSource:
    """Rows of an HDF5."""

    def __init__(self, path: Path, key: str) -> None:
        self._path, self._key = path, key

    def close(self) -> None:
        """Let go of the file, which is open only while it is read."""

    def numbers(self) -> Rows:
        """Return the number of each row."""
        import numpy as np

        with HdfRows(self._path, self._key) as rows:
            return np.array(rows.frames(0, rows.n_rows))

    def read(self, start: int, stop: int, columns: Sequence[int]) -> NDArray[np.float64]:
        """Return some columns of the rows from one to before another."""
        import numpy as np

        with HdfRows(self._path, self._key) as rows:
            return rows.values(start, stop, columns).astype(np.float64)


class _CsvSource:
    """Rows of a CSV, which is read once from its start to its end."""

    def __init__(self, path: Path) -> None:
        with io.TextIOWrapper(open_regular(path), encoding="utf-8-sig") as file:
            lines = itertools.takewhile(lambda line: not line.lstrip('"').startswith("coords"), file)
            n_above = sum(1 for _ in lines) + 1
        with io.TextIOWrapper(open_regular(path), encoding="utf-8-sig") as file:
            coords = next(itertools.islice(file, n_above - 1, None)).replace('"', "")
        self._path, self._n_above, self._separator = path, n_above, coords[len("coords")]
        cells = coords.rstrip().split(self._separator)
        self._places = [n for n, cell in enumerate(cells) if cell.strip().lower() in {"x", "y", "likelihood"}]
        self._chunks, self._at = self._opened(iterator=True), 0

    def close(self) -> None:
        """Let go of the file."""
        self._chunks.close()

    def _opened(self, **options: Any) -> Any:
        import pandas as pd

        given = {"sep": self._separator, "skiprows": self._n_above, "header": None, "encoding": "utf-8-sig"}
        return pd.read_csv(self._path, **given, **options)

    def numbers(self) -> Rows:
        """Return the number of each row."""
        import numpy as np

        return np.asarray(self._opened(usecols=[0])[0])

    def read(self, start: int, stop: int, columns: Sequence[int]) -> NDArray[np.float64]:
        """Return some columns of the rows from one to before another; asked for in rising order."""
        import numpy as np

        if start > self._at:
            self._chunks.get_chunk(start - self._at)
        self._at = stop
        found = self._chunks.get_chunk(stop - start)
        return np.asarray(found.iloc[:, [self._places[column] for column in columns]], dtype=np.float64)
