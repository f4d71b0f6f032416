"""DeepLabCut's analysis of a video: one row of x, y and likelihood per keypoint for each frame, in HDF5 or CSV.

They are the largest tables of a project. So only what stands at their head is read until they are asked for, and then
some thousand rows at a time, as text: the numbers of an HDF5 so that they read back bit for bit, those of a CSV as they
stand there.
"""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dlc2lp.dlc.csv_header import CsvHeader, CsvRecord, read_records, refused, split_header
from dlc2lp.dlc.hdf_rows import HdfRows
from dlc2lp.dlc.table import has_no_name
from dlc2lp.errors import UnreadableFile, raise_disk_trouble
from dlc2lp.files import open_regular
from dlc2lp.limits import CSV_LINE_BYTES
from dlc2lp.placeholders import check_is_here
from dlc2lp.wording import counted, spelled

#: (individual, keypoint); the individual is empty in a single-animal project.
Point = tuple[str, str]
#: Positions of a point's x, y and likelihood among the columns.
Places = tuple[int, int, int]
#: Frame numbers and, for each, the texts of the cells that were asked for.
Rows = Iterator[tuple[int, list[str]]]

_COORDS = ("x", "y", "likelihood")
_N_ROWS = 4096  # read at a time
_HEAD_LINES = 5  # four of the header, and the first row
_BLOCK_BYTES = 1 << 16
_EMPTY = frozenset({"", "nan"})


@dataclass(frozen=True)
class AnalysisHead:
    """What a file of predictions holds, told without reading it all."""

    path: Path
    modified_s: int  #: When it was written, in seconds since 1970.
    size_bytes: int
    sample: str  #: Hash of its start, middle and end: a network that was trained anew gives a file of the same size.
    key: str  #: The data frame in HDF5; empty for CSV.
    scorer: str  #: Network, task, shuffle and snapshot as DeepLabCut calls them together.
    points: Mapping[Point, Places]  #: Where each predicted point stands.
    n_rows: int
    first_frame: int  #: Numbers of the frames in the first and last row.
    last_frame: int

    @property
    def is_whole(self) -> bool:
        """Whether there is a row for each frame from the first on, as far as the ends tell."""
        return self.first_frame == 0 and self.last_frame == self.n_rows - 1


def read_analysis_head(path: Path) -> AnalysisHead:
    """Read what tells the frames and points of a file of predictions, ``.h5`` or ``.csv``.

    Raises UnreadableFile where it can't be read, is cut off or still being written, has no rows, or no point with a
    likelihood; NotHere where only a stand-in is here.
    """
    try:
        return _csv_head(path) if path.suffix == ".csv" else _hdf_head(path)
    except UnreadableFile:
        check_is_here(path)  # asked last, so that a file that is here is opened once
        raise


def read_analysis_rows(head: AnalysisHead, columns: Sequence[int], add_px: Sequence[float]) -> Rows:
    """Yield the frame number of each row, and the texts of some of its cells; an empty text where there is no number.

    ``add_px`` is added to each of the columns; where that is 0 a number stays as it is. Raises UnreadableFile as
    reading the head does, or where a cell is no number.
    """
    if head.path.suffix == ".csv":
        yield from _csv_rows(head.path, columns, add_px)
        return
    added = np.array(add_px)
    with HdfRows(head.path, head.key) as rows:
        for start in range(0, rows.n_rows, _N_ROWS):
            stop = min(start + _N_ROWS, rows.n_rows)
            values = rows.values(start, stop, columns)
            texts = _texts(values)
            if added.any():
                moved = zip(texts, _texts(values + added), strict=True)
                texts = ([b if add else a for add, a, b in zip(add_px, *pair, strict=True)] for pair in moved)
            yield from zip(rows.frames(start, stop), texts, strict=True)


def _texts(values: NDArray[np.floating]) -> Iterator[list[str]]:
    """Yield the shortest texts that read back as the same numbers, row by row."""
    if values.dtype != np.float64:  # Python has no number of that size, and would show the digits of a larger one
        for row in values.astype(str).tolist():
            yield ["" if text == "nan" else text for text in row]
        return
    for row in values.tolist():
        yield ["" if math.isnan(value) else repr(value) for value in row]


def _hdf_head(path: Path) -> AnalysisHead:
    with HdfRows(path) as rows:
        if not rows.n_rows:
            raise _unreadable(path, "found no rows, expected one for each frame")
        first, last = rows.frames(0, 1)[0], rows.frames(rows.n_rows - 1, rows.n_rows)[0]
        scorer, points = _points(rows.levels, rows.columns, path)
        return AnalysisHead(path, *_sampled(path), rows.key, scorer, points, rows.n_rows, first, last)


def _points(levels: Sequence[str], columns: Sequence[Sequence[str]], path: Path) -> tuple[str, dict[Point, Places]]:
    """Return the scorer, and where each point that has all three columns stands."""
    scorer = ""
    places: dict[Point, dict[str, int]] = {}
    for position, column in enumerate(columns):
        cells = dict(zip(levels, map(spelled, column), strict=True))
        scorer = scorer or cells.get("scorer", "")
        keypoint = cells.get("bodyparts", "")
        if not has_no_name(keypoint):
            at = places.setdefault((cells.get("individuals", ""), keypoint), {})
            if cells.get("coords", "").lower() in at:
                raise _unreadable(path, f"found the column {' '.join(column)!r} twice, expected it once")
            at[cells.get("coords", "").lower()] = position
    whole = {point: (at["x"], at["y"], at["likelihood"]) for point, at in places.items() if at.keys() >= set(_COORDS)}
    if not whole:
        raise _unreadable(path, "found no keypoint with x, y and likelihood, expected at least one")
    return scorer, whole


def _unreadable(path: Path, message: str, where: str = "") -> UnreadableFile:
    return UnreadableFile.of("predictions-unreadable", str(path), message, where=where)


def _sampled(path: Path) -> tuple[int, int, str]:
    """Return when a file was written, its size, and a hash of some of it."""
    hasher = hashlib.sha256()
    status = path.stat()
    size = status.st_size
    with open_regular(path) as file:
        for place in (0, size // 2, max(0, size - _BLOCK_BYTES)):
            file.seek(place)
            hasher.update(file.read(_BLOCK_BYTES))
    return int(status.st_mtime), size, hasher.hexdigest()[:16]


# --- CSV ------------------------------------------------------------------------------------------------------------


def _csv_head(path: Path) -> AnalysisHead:
    try:
        with open_regular(path) as file:
            lines = list(itertools.islice(CSV_LINE_BYTES.lines(file), _HEAD_LINES))
            file.seek(max(0, path.stat().st_size - _BLOCK_BYTES))
            end = file.read()
            file.seek(0)
            n_lines = sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
    except OSError as error:
        raise_disk_trouble(path, error)
        raise refused("csv-unreadable", path, f"can't be opened: {error.strerror or error}", advice="") from error
    delimiter, header, body = _split(b"".join(lines), path)
    if not body:
        raise _unreadable(path, "found no rows, expected one for each frame")
    *_, tail = end.rstrip(b"\r\n").rpartition(b"\n")
    last = next(csv.reader(io.StringIO(_decoded(tail, path)), delimiter=delimiter), [])
    if not end.endswith(b"\n") or len(last) != len(body[0].cells):
        found = f"found a last line of {counted(len(last), 'cell')}, expected {len(body[0].cells)} and a line end"
        raise _unreadable(path, f"{found}: the file is cut off or still being written")
    columns = [header.texts(position) for position in header.value_positions]
    scorer, points = _points(header.levels, columns, path)
    first_frame, last_frame = _frame(body[0].cells[0], path), _frame(last[0], path)
    n_rows = n_lines - len(header.rows)
    return AnalysisHead(path, *_sampled(path), "", scorer, points, n_rows, first_frame, last_frame)


def _split(data: bytes, path: Path) -> tuple[str, CsvHeader, list[CsvRecord]]:
    """Return what separates the cells, the header, and what follows it."""
    delimiter, records = read_records(_decoded(data, path), path)
    header, body, _ = split_header(records, path, frozenset())
    if len(header.index_positions) != 1:
        raise _unreadable(path, "found several columns before the first keypoint, expected the frames' numbers alone")
    return delimiter, header, body


def _decoded(data: bytes, path: Path) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unreadable(path, "found text that is not UTF-8, expected a file as DeepLabCut writes it") from error


def _frame(cell: str, path: Path) -> int:
    if not (cell.isascii() and cell.isdigit()):
        raise _unreadable(path, f"found a row called {cell!r:.60}, expected the number of a frame")
    return int(cell)


def _csv_rows(path: Path, columns: Sequence[int], add_px: Sequence[float]) -> Rows:
    with open_regular(path) as file:
        delimiter, header, _ = _split(b"".join(itertools.islice(CSV_LINE_BYTES.lines(file), _HEAD_LINES)), path)
    positions = [header.value_positions[column] for column in columns]
    wanted = list(zip(positions, add_px, strict=True))
    n_above = header.rows[-1].line
    with io.TextIOWrapper(open_regular(path), encoding="utf-8-sig", newline="") as text:
        reader = csv.reader(CSV_LINE_BYTES.lines(text), delimiter=delimiter)
        for cells in reader:
            if reader.line_num > n_above and cells:
                where = f"line {reader.line_num}"
                try:
                    yield _frame(cells[0], path), [_cell(cells[position], add) for position, add in wanted]
                except (IndexError, ValueError) as error:
                    found = f"found {', '.join(cells)!r:.60}, expected a number in each column"
                    raise _unreadable(path, found, where) from error


def _cell(text: str, add_px: float) -> str:
    text = text.strip()
    if text.lower() in _EMPTY:
        return ""
    value = float(text)
    return repr(value + add_px) if add_px else text
