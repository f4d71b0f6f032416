"""DeepLabCut's label files in HDF5, laid out as ``pandas.DataFrame.to_hdf`` lays them out, as bytes. Writes nothing.

The layout is pandas' ``fixed``, which DeepLabCut writes since 2.2.0.4, as rows of three levels fit no other. PyTables
keeps texts as byte strings of a fixed length and the missing name of a row level as a pickle of None, which is always
the same two bytes; nothing is pickled here.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

import h5py
import numpy as np
from h5py import h5a, h5s, h5t
from numpy.typing import NDArray

from dlc2lp.dlc.hdf import PREFERRED_KEYS
from dlc2lp.dlc.table import RawTable

#: PyTables' text of None: its pickle in protocol 0.
_NONE: Final = b"N."
_GROUP: Final = {"CLASS": b"GROUP", "TITLE": b"", "VERSION": b"1.0"}
_ARRAY: Final = {"CLASS": b"ARRAY", "FLAVOR": b"numpy", "TITLE": b"", "VERSION": b"2.4"}

#: Integers in which pandas keeps codes, and the number of values from which on it takes the next.
_CODES: Final = ((np.int8, 2**7 - 1), (np.int16, 2**15 - 1), (np.int32, 2**31 - 1))


def render_hdf(table: RawTable) -> bytes:
    """Return the bytes of a label file, which are the same for the same table.

    ``pandas.read_hdf`` and :func:`dlc2lp.dlc.hdf.read_hdf` give the table back, each value bit for bit.
    """
    content = io.BytesIO()
    with h5py.File(content, "w", libver="earliest") as file:
        _write_attributes(file, {**_GROUP, "PYTABLES_FORMAT_VERSION": b"2.1"})
        group = file.create_group(PREFERRED_KEYS[0])
        facts: dict[str, bytes | int] = {
            "encoding": b"UTF-8",
            "errors": b"strict",
            "pandas_type": b"frame",
            "ndim": 2,
            "nblocks": 1,
        }
        _write_attributes(group, {**_GROUP, **facts})
        names = [name.encode() for name in table.levels]
        _write_axis(group, "axis0", table.columns, names)
        _write_axis(group, "axis1", table.rows, [_NONE] * max(map(len, table.rows), default=1))
        _write_axis(group, "block0_items", table.columns, names)
        _write_array(group, "block0_values", np.ascontiguousarray(table.values, dtype="<f8"))
    return content.getvalue()


def _write_axis(group: Any, axis: str, names: Sequence[tuple[str, ...]], level_names: Sequence[bytes]) -> None:
    """Write the names of rows or columns: for each level its values, sorted, and which of them each name has."""
    _write_attributes(group, {f"{axis}_variety": b"multi", f"{axis}_nlevels": len(level_names)})
    for level, level_name in enumerate(level_names):
        values = sorted({name[level] for name in names})
        position = {value: number for number, value in enumerate(values)}
        texts = [value.encode() for value in values]
        length = max(map(len, texts), default=1) or 1
        suffix = "None" if level_name == _NONE else level_name.decode()
        named = {"kind": b"string", "name": level_name, "nan_rep": b"", f"{axis}_name{suffix}": level_name}
        _write_array(group, f"{axis}_level{level}", np.array(texts, dtype=f"S{length}"), named)
        codes = next(kind for kind, n_values in _CODES if len(values) < n_values)
        _write_array(group, f"{axis}_label{level}", np.array([position[name[level]] for name in names], dtype=codes))


def _write_array(
    group: Any, name: str, values: NDArray[Any], attributes: Mapping[str, bytes | int] | None = None
) -> None:
    array = group.create_dataset(name, data=values, track_times=False)
    _write_attributes(array, {**_ARRAY, **(attributes or {})})
    # numpy.bool_ as PyTables stores it, which no attribute of h5py's own can be.
    space = h5s.create(h5s.SCALAR)
    h5a.create(array.id, b"transposed", h5t.STD_B8LE, space).write(np.array(1, dtype=np.uint8), mtype=h5t.STD_B8LE)


def _write_attributes(node: Any, attributes: Mapping[str, bytes | int]) -> None:
    """Write attributes as PyTables does: texts of a fixed length, an empty one as HDF5's null."""
    for name, value in sorted(attributes.items()):
        if isinstance(value, int):
            node.attrs.create(name, value, dtype="<i8")
            continue
        kind = h5t.C_S1.copy()
        kind.set_size(max(1, len(value)))
        # Pickles are plain bytes to PyTables, and texts UTF-8.
        kind.set_cset(h5t.CSET_ASCII if value == _NONE else h5t.CSET_UTF8)
        space = h5s.create(h5s.SCALAR if value else h5s.NULL)
        attribute = h5a.create(node.id, name.encode(), kind, space)
        if value:
            attribute.write(np.array(value, dtype=f"S{len(value)}"), mtype=kind)
