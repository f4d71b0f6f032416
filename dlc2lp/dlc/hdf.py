"""DeepLabCut's label files in HDF5, read without running anything that they hold.

The layout is that of ``pandas.DataFrame.to_hdf`` (``pandas/io/pytables.py``): a group with the attribute
``pandas_type``, either ``frame_table`` (one table of records; DeepLabCut's first labeling GUI) or ``frame``
(arrays for both axes and for each block of columns; all else). What h5py gives is checked by
:mod:`dlc2lp.dlc.hdf_source`, since ``pandas.read_hdf`` would run code from the file.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dlc2lp.dlc.hdf_file import opened, shown
from dlc2lp.dlc.hdf_frames import StoredFrame, fixed_frame, table_frame
from dlc2lp.dlc.hdf_source import H5Source, Node
from dlc2lp.dlc.table import COLUMN_LEVELS, RawTable
from dlc2lp.errors import UnreadableFile
from dlc2lp.limits import COLUMNS, H5_BYTES
from dlc2lp.model import Finding, Severity
from dlc2lp.wording import counted

#: DeepLabCut's own key, then that of napari-deeplabcut until 2023 (DeepLabCut issue #2572).
PREFERRED_KEYS: Final = ("df_with_missing", "keypoints")

#: Names of unnamed column levels, by their number.
_USUAL_LEVELS: Final = {
    2: ("bodyparts", "coords"),
    3: ("scorer", "bodyparts", "coords"),
    4: ("scorer", "individuals", "bodyparts", "coords"),
}
_COORDS: Final = {"x", "y", "likelihood"}
_MAX_OTHERS: Final = 8  # data frames that are read beside the first


@dataclass(frozen=True)
class HdfLabels:
    """What one label file holds."""

    table: RawTable  #: Rows and columns, values of shape (R, C).
    key: str  #: The data frame that was read.
    keys: tuple[str, ...]  #: All data frames in the file, ``key`` among them.
    #: Several keys, unnamed levels, names that are not UTF-8, attributes in which code hides.
    findings: tuple[Finding, ...]
    others: tuple[tuple[str, RawTable], ...] = ()  #: The other data frames that can be read, each under its key.


def read_hdf(path: Path) -> HdfLabels:
    """Read a ``CollectedData*.h5`` or ``machinelabels*.h5`` of any DeepLabCut, those of Python 2 included.

    Of several data frames ``df_with_missing`` goes first, else ``keypoints``, else the first by name; the others come
    along as far as they can be read. What is given for a key is what ``pandas.read_hdf`` gives, with names as text and
    values as float64. No lock is taken, so the file may lie on a read-only share.

    Raises
    ------
    UnreadableFile
        ``h5-unreadable``: no such file, no HDF5, truncated, damaged. ``h5-aborted``: something was never written.
        ``h5-no-labels``: no data frame, or one without bodyparts and coords. ``h5-not-numbers``: a value is no
        number. ``h5-unsafe``: code in a needed pickle, or data that lie in another file. ``h5-compression``: a
        filter that HDF5 itself does not have. ``h5-too-large``: larger than labels can be.
    """
    source = H5Source(str(path))
    with opened(path) as file:
        root = Node(file, "/")
        frames = source.frames(root)
        key = next((key for key in PREFERRED_KEYS if key in frames), min(frames))
        table = _read_frame(source, frames[key])
        source.report_hidden_code(root, frames[key][0])
        others, unread = _read_others(source, root, {name: frames[name] for name in sorted(frames) if name != key})
    if len(frames) > 1:
        # convert2_maDLC adds its key to the file of napari-deeplabcut (DeepLabCut issue #2377)
        found = ", ".join(repr(name) for name in sorted(frames))
        message = f"found the data frames {found}, expected one; {key!r} goes first"
        source.note(Severity.NOTE, "h5-several-keys", message)
    return HdfLabels(table, key, tuple(sorted(frames)), (*source.findings, *unread), others)


def _read_frame(source: H5Source, place: tuple[Node, str]) -> RawTable:
    """Read the data frame of a group, stored as its ``pandas_type`` says."""
    group, pandas_type = place
    frame = table_frame(source, group) if pandas_type == "frame_table" else fixed_frame(source, group)
    return _raw_table(source, frame, group.path)


def _read_others(
    source: H5Source, root: Node, frames: Mapping[str, tuple[Node, str]]
) -> tuple[tuple[tuple[str, RawTable], ...], list[Finding]]:
    """Read the data frames beside the first; one that can't be read is told, and the file is none the worse for it."""
    read: dict[str, RawTable] = {}
    unread: list[Finding] = []
    for key, place in frames.items():
        # Hundreds of frames that share one array would claim its size each.
        if len(read) >= _MAX_OTHERS or sum(table.values.nbytes for table in read.values()) > H5_BYTES.at_most:
            left = counted(len(frames) - len(read), "more data frame")
            unread += source.error("h5-too-large", f"found {left}, expected one in all; not read", key).findings
            break
        try:
            read[key] = _read_frame(source, place)
            source.report_hidden_code(root, place[0])
        except UnreadableFile as error:
            unread += error.findings
    return tuple(read.items()), [replace(finding, severity=Severity.WARNING) for finding in unread]


def _raw_table(source: H5Source, frame: StoredFrame, where: str) -> RawTable:
    """Columns in their order with levels by name, and every value as a float."""
    source.check_size(COLUMNS, len(frame.columns), where)
    levels = column_levels(source, frame, where)
    order = [levels.index(name) for name in COLUMN_LEVELS if name in levels]
    columns = tuple(tuple(column[level] for level in order) for column in frame.columns)
    values = _placed(source, frame, where)
    return RawTable(tuple(levels[level] for level in order), columns, tuple(frame.rows), values)


def column_levels(source: H5Source, frame: StoredFrame, where: str) -> tuple[str, ...]:
    """What each column level is: by its name, else by the number of levels if the last one holds x and y."""
    given = tuple(name.strip().lower() for name in frame.level_names)
    usual = _USUAL_LEVELS.get(len(given), ())
    if any(len(column) != len(given) for column in frame.columns):
        message = f"found columns without {counted(len(given), 'name')}, expected such"
        raise source.error("h5-unreadable", message, where)
    if len(set(given)) == len(given) and {"bodyparts", "coords"} <= set(given) <= set(COLUMN_LEVELS):
        return given
    contradicts = any(name in COLUMN_LEVELS and name != want for name, want in zip(given, usual, strict=False))
    found = ", ".join(shown(name) or "unnamed" for name in frame.level_names)
    if not usual or contradicts or not {column[-1] for column in frame.columns} <= _COORDS:
        message = f"found the column levels ({found}), expected {', '.join(COLUMN_LEVELS)}"
        raise source.error("h5-no-labels", message, where)
    message = f"found the column levels ({found}), which are taken for {', '.join(usual)}"
    source.note(Severity.WARNING, "h5-level-names", message, where)
    return usual


def _placed(source: H5Source, frame: StoredFrame, where: str) -> NDArray[np.float64]:
    """All blocks in one float64 array of shape (R, C), each column where its name stands."""
    n_rows, n_columns = len(frame.rows), len(frame.columns)
    source.check_size(H5_BYTES, 8 * n_rows * n_columns, where)
    places = _positions(frame.columns)
    values = np.full((n_rows, n_columns), np.nan)
    for names, block in frame.blocks:
        if block.shape != (n_rows, len(names)):
            message = f"found values of shape {block.shape}, expected {(n_rows, len(names))}"
            raise source.error("h5-unreadable", message, where)
        numbers = _numbers(source, block, frame, names)
        for name, origins in _positions(names).items():
            # a name that repeats takes its places in the order in which they come, all from one block
            targets = places.pop(name, [])
            if len(targets) != len(origins):
                message = f"found values of {shown('/'.join(name))} beside those of the frame's columns"
                raise source.error("h5-unreadable", f"{message}, expected one each", where)
            values[:, targets] = numbers[:, origins]
    if places:
        first = shown("/".join(next(iter(places))))
        message = f"found no values for {counted(len(places), 'column')}, such as {first}; expected some"
        raise source.error("h5-aborted", message, where)
    return values


def _positions(names: list[tuple[str, ...]]) -> dict[tuple[str, ...], list[int]]:
    found: dict[tuple[str, ...], list[int]] = {}
    for position, name in enumerate(names):
        found.setdefault(name, []).append(position)
    return found


def _numbers(
    source: H5Source, block: NDArray[Any], frame: StoredFrame, names: list[tuple[str, ...]]
) -> NDArray[np.float64]:
    """Values of one block as float64; of objects and text each must be a number or empty."""
    if block.dtype.kind in "iufb":
        return block.astype(np.float64)
    numbers = np.full(block.shape, np.nan)
    for (row, column), value in np.ndenumerate(block):
        try:
            numbers[row, column] = _number(value)
        except (TypeError, ValueError):
            place = f"row {'/'.join(frame.rows[row])}, column {'/'.join(names[column])}"
            message = f"found {shown(value)!r}, expected a number or nothing"
            raise source.error("h5-not-numbers", message, shown(place)) from None
    return numbers


def _number(value: object) -> float:
    """A float. Raises TypeError or ValueError for what is none."""
    if isinstance(value, bytes):
        value = value.decode("utf-8")
    if value is None or (isinstance(value, str) and not value.strip()):
        return math.nan
    if not isinstance(value, str | int | float | np.integer | np.floating | np.bool_):
        raise TypeError("neither text nor a real number")
    return float(value)
