"""pandas' two layouts of a data frame in HDF5 (``pandas/io/pytables.py``), taken apart into names and blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from numpy.typing import NDArray

from dlc2lp.dlc.hdf_file import shown
from dlc2lp.dlc.hdf_source import H5Source, Node
from dlc2lp.wording import counted

_MAX_LEVELS: Final = 16


@dataclass(frozen=True)
class StoredFrame:
    """A data frame as it is stored."""

    level_names: tuple[str, ...]  #: Name of each column level, empty where it has none.
    columns: list[tuple[str, ...]]  #: C tuples of text, one cell per level, in the order of the frame.
    rows: list[tuple[str, ...]]  #: R tuples of text.
    #: Columns of one type each: their names, and their values of shape (R, number of names).
    blocks: list[tuple[list[tuple[str, ...]], NDArray[Any]]]


def table_frame(source: H5Source, group: Node) -> StoredFrame:
    """Layout ``table``: records of a row's name and one field per block; the column order is an attribute."""
    node = source.node(group, "table")
    records = source.array(node)
    fields = records.dtype.names or ()
    if records.ndim != 1:
        raise source.error("h5-unreadable", "found no records, expected a table", node.path)
    level_names, columns, blocks_columns = table_columns(source, group, node, fields)
    values = (records[field] for field in blocks_columns)
    blocks = [
        (block, each if each.ndim > 1 else each[:, None])
        for block, each in zip(blocks_columns.values(), values, strict=True)
    ]
    rows = source.names(records["index"], node.path)
    return StoredFrame(level_names, columns, rows, blocks)


def table_columns(
    source: H5Source, group: Node, node: Node, fields: Sequence[str]
) -> tuple[tuple[str, ...], list[tuple[str, ...]], dict[str, list[tuple[str, ...]]]]:
    """Return the names of a table's column levels, its columns in order, and those of each field of its records."""
    if "index" not in fields:
        raise source.error("h5-unreadable", "found no records with an index, expected a table", node.path)
    blocks = {}
    for field in fields:
        if field != "index":
            where = node.attribute(f"{field}_kind")
            blocks[field] = source.names(source.attribute(node, f"{field}_kind"), where)
    axes, where = source.attribute(group, "non_index_axes"), group.attribute("non_index_axes")
    match axes:
        case [(1, [*labels])]:
            columns = source.names(labels, where)
        case _:
            raise source.error("h5-unreadable", f"found {shown(axes)}, expected the columns", where)
    return _names_in_info(source, group, columns), columns, blocks


def _names_in_info(source: H5Source, group: Node, columns: list[tuple[str, ...]]) -> tuple[str, ...]:
    """Names of the column levels: ``{1: {"names": ["scorer", ...], "type": "MultiIndex"}, "index": {}}``."""
    info = source.attribute(group, "info")
    axis = info.get(1) if isinstance(info, dict) else None
    names = axis.get("names") if isinstance(axis, dict) else None
    if not isinstance(names, list):
        return ("",) * (len(columns[0]) if columns else 0)
    return tuple(source.name(name, group.attribute("info")) for name in names)


def fixed_frame(source: H5Source, group: Node) -> StoredFrame:
    """Layout ``fixed``: two axes, and for each block its columns and an array."""
    level_names, columns = _fixed_axis(source, group, "axis0")
    _, rows = _fixed_axis(source, group, "axis1")
    blocks = []
    for block_columns, node, is_transposed in _fixed_blocks(source, group, len(columns)):
        values = source.array(node)
        if values.ndim == 1 and len(block_columns) == 1:  # text columns of pandas 3
            values = values[:, None]
        elif is_transposed:
            values = values.T  # so are empty ones; all others were turned to rows × columns
        blocks.append((block_columns, values))
    return StoredFrame(level_names, columns, rows, blocks)


def fixed_columns(
    source: H5Source, group: Node
) -> tuple[tuple[str, ...], list[tuple[str, ...]], Node, list[tuple[list[tuple[str, ...]], Node, bool]]]:
    """Return the names of the column levels, the columns, the array of plain row names, and the blocks.

    Of each block there are its columns, its array, and whether the rows of that are columns.
    """
    level_names, columns = _fixed_axis(source, group, "axis0")
    blocks = list(_fixed_blocks(source, group, len(columns), in_slices=True))
    return level_names, columns, source.node(group, "axis1", in_slices=True), blocks


def _fixed_blocks(
    source: H5Source, group: Node, n_columns: int, *, in_slices: bool = False
) -> Iterator[tuple[list[tuple[str, ...]], Node, bool]]:
    for block in range(source.count_attribute(group, "nblocks", at_most=n_columns)):
        _, columns = _fixed_axis(source, group, f"block{block}_items")
        node = source.node(group, f"block{block}_values", in_slices=in_slices)
        yield columns, node, not source.attribute(node, "transposed")


def _fixed_axis(source: H5Source, group: Node, axis: str) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Level names and cells of an axis: plain (``regular``), or codes into the values of each level (``multi``)."""
    variety = source.text_attribute(group, f"{axis}_variety")
    if variety == "regular":
        node = source.node(group, axis)
        cells = source.names(source.array(node), node.path)
        return _level_name(source, node, axis) * (len(cells[0]) if cells else 1), cells
    if variety != "multi":
        where = group.attribute(f"{axis}_variety")
        raise source.error("h5-unreadable", f"found {shown(variety)}, expected 'multi' or 'regular'", where)
    names: tuple[str, ...] = ()
    levels: list[list[tuple[str, ...]]] = []
    for level in range(source.count_attribute(group, f"{axis}_nlevels", _MAX_LEVELS)):
        node = source.node(group, f"{axis}_level{level}")
        names += _level_name(source, node, axis)
        values = source.names(source.array(node), node.path)
        levels.append(_by_code(source, values, source.node(group, f"{axis}_label{level}")))
    if len({len(cells) for cells in levels}) > 1:
        raise source.error("h5-unreadable", "found levels of different length, expected one", group.below(axis))
    return names, [sum(cells, ()) for cells in zip(*levels, strict=True)]


def _level_name(source: H5Source, node: Node, axis: str) -> tuple[str]:
    """Name of a column level; those of rows and blocks are not needed, so they are not read."""
    where = node.attribute("name")
    return (source.name(source.attribute(node, "name"), where) if axis == "axis0" else "",)


def _by_code(source: H5Source, values: list[tuple[str, ...]], node: Node) -> list[tuple[str, ...]]:
    codes = source.array(node)
    source.check_names(codes.size, node.path)
    if codes.size == 0:
        return []
    if codes.ndim != 1 or codes.dtype.kind not in "iu" or codes.min() < -1 or codes.max() >= len(values):
        message = f"found a code for none of the level's {counted(len(values), 'name')}, expected one of them"
        raise source.error("h5-unreadable", message, node.path)
    return [values[code] if code >= 0 else ("",) for code in codes.tolist()]  # -1 is a missing name
