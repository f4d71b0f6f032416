"""Rows of a large data frame in HDF5, read in slices: an analysed video has as many rows as frames."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dlc2lp.dlc.hdf import PREFERRED_KEYS, column_levels
from dlc2lp.dlc.hdf_file import opened, reading
from dlc2lp.dlc.hdf_frames import StoredFrame, fixed_columns, table_columns
from dlc2lp.dlc.hdf_source import H5Source, Node

#: DeepLabCut's own keys: of all predictions, and of those of tracked animals (``stitch_tracklets``).
_KEYS: Final = (*PREFERRED_KEYS, "tracks")


class _Block(NamedTuple):
    """Columns of one type."""

    node: Node  #: Array that holds them.
    field: str  #: Field of the array's records; empty if it is an array of numbers.
    is_transposed: bool  #: Whether rows of the array are columns of the frame.

    def read(self, rows: slice) -> NDArray[Any]:
        """Return some rows, shape (rows, columns)."""
        if self.field:
            found = np.asarray(self.node.item[rows][self.field])
            return found if found.ndim > 1 else found[:, None]
        return np.asarray(self.node.item[:, rows].T if self.is_transposed else self.node.item[rows])


class HdfRows(AbstractContextManager["HdfRows"]):
    """The rows of one data frame of a file, which stays open meanwhile.

    Attributes
    ----------
    key
        The data frame: the one that is asked for, else DeepLabCut's own, else the first by name.
    levels, columns
        Names of the column levels, and the columns in order: one text per level.
    n_rows
        How many rows there are.

    Raises UnreadableFile as :func:`~dlc2lp.dlc.hdf.read_hdf` does, on opening and on reading.
    """

    def __init__(self, path: Path, key: str = "") -> None:
        self._source = H5Source(str(path))
        self._file = opened(path)
        try:
            frames = self._source.frames(Node(self._file, "/"))
            usual = next((name for name in _KEYS if name in frames), min(frames))
            self.key = key if key in frames else usual
            group, pandas_type = frames[self.key]
            frame = self._table(group) if pandas_type == "frame_table" else self._fixed(group)
            self.levels = column_levels(self._source, frame, group.path)
            self.columns = tuple(frame.columns)
            self._places = self._placed(frame, group.path)
        except BaseException:
            self._file.close()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self._file.close()

    def frames(self, start: int, stop: int) -> list[int]:
        """Return the frame numbers by which rows are called; UnreadableFile where they are called otherwise."""
        with reading(self._source.subject, self._index.node.path):
            found = self._index.read(slice(start, stop)).ravel()
        if found.dtype.kind not in "iu":
            message = f"found rows called otherwise ({found[0]!r:.60}), expected numbers of frames"
            raise self._source.error("h5-unreadable", message, self._index.node.path)
        return [int(number) for number in found.tolist()]

    def values(self, start: int, stop: int, columns: Sequence[int]) -> NDArray[Any]:
        """Return some columns of some rows, as they are stored where all are of one type, else as float64."""
        places = [self._places[column] for column in columns]
        blocks = {number: self._read(self._blocks[number], start, stop) for number, _ in places}
        if len(blocks) == 1:
            (block,) = blocks.values()
            found = block[:, [at for _, at in places]]
            return found if block.dtype.kind == "f" else found.astype(np.float64)
        return np.column_stack([blocks[number][:, at].astype(np.float64) for number, at in places])

    def _read(self, block: _Block, start: int, stop: int) -> NDArray[Any]:
        with reading(self._source.subject, block.node.path):
            found = block.read(slice(start, stop))
        if found.dtype.kind not in "iuf":
            raise self._source.error(
                "h5-not-numbers", "found values of another kind, expected numbers", block.node.path
            )
        return found

    def _table(self, group: Node) -> StoredFrame:
        node = self._source.node(group, "table", in_slices=True)
        with reading(self._source.subject, node.path):
            fields, (self.n_rows,) = node.item.dtype.names or (), node.item.shape
        level_names, columns, of_blocks = table_columns(self._source, group, node, fields)
        self._index = _Block(node, "index", is_transposed=False)
        self._blocks = [_Block(node, field, is_transposed=False) for field in of_blocks]
        self._block_columns = list(of_blocks.values())
        return StoredFrame(level_names, columns, [], [])

    def _fixed(self, group: Node) -> StoredFrame:
        level_names, columns, index, of_blocks = fixed_columns(self._source, group)
        with reading(self._source.subject, index.path):
            (self.n_rows,) = index.item.shape
        self._index = _Block(index, "", is_transposed=False)
        self._blocks = [_Block(node, "", is_transposed) for _, node, is_transposed in of_blocks]
        self._block_columns = [names for names, _, _ in of_blocks]
        return StoredFrame(level_names, columns, [], [])

    def _placed(self, frame: StoredFrame, where: str) -> list[tuple[int, int]]:
        """Return for each column its block and its place there."""
        at = {name: (number, n) for number, names in enumerate(self._block_columns) for n, name in enumerate(names)}
        if len(set(frame.columns)) < len(frame.columns) or not set(frame.columns) <= at.keys():
            message = "found columns that stand twice, or without values; expected each once"
            raise self._source.error("h5-unreadable", message, where)
        return [at[name] for name in frame.columns]
