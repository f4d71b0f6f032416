"""Label files in HDF5 as they are written: what pandas and PyTables make of the same table, node by node."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlc2lp.dlc.hdf import read_hdf
from dlc2lp.dlc.hdf_writing import render_hdf
from dlc2lp.dlc.label_writing import render_csv
from dlc2lp.dlc.table import RawTable

LEVELS = ("scorer", "individuals", "bodyparts", "coords")


def table(n_rows: int = 4, parts: tuple[str, ...] = ("nose", "tail é"), individuals: tuple[str, ...] = ()) -> RawTable:
    levels = LEVELS if individuals else (LEVELS[0], *LEVELS[2:])
    names = [(name,) for name in individuals] or [()]
    columns = tuple(("Änne", *name, part, axis) for name in names for part in parts for axis in "xy")
    rows = tuple(("labeled-data", "m 1", f"img{n:05d}.png") for n in range(n_rows))
    values = np.random.default_rng(7).normal(size=(n_rows, len(columns))) * 100
    values[::2, :2] = np.nan
    return RawTable(levels, columns, rows, values)


def frame(raw: RawTable) -> pd.DataFrame:
    index = pd.MultiIndex.from_tuples(raw.rows)
    return pd.DataFrame(raw.values, columns=pd.MultiIndex.from_tuples(raw.columns, names=raw.levels), index=index)


def nodes(path: Path) -> dict[str, Any]:
    """Every group and array: type, shape, values, how it is stored; every attribute with its type and its bytes."""
    found: dict[str, Any] = {}

    def look(name: str, node: Any) -> None:
        held: dict[str, Any] = {"is_group": isinstance(node, h5py.Group)}
        if not held["is_group"]:
            held |= {"dtype": node.dtype, "shape": node.shape, "maxshape": node.maxshape, "chunks": node.chunks}
            held |= {"bytes": node[()].tobytes(), "layout": node.id.get_create_plist().get_layout()}
        for key in node.attrs:
            attribute = node.attrs.get_id(key)
            kind = attribute.get_type()
            told = (kind.get_class(), kind.get_size(), attribute.get_space().get_simple_extent_type(), attribute.shape)
            text = (kind.get_cset(), kind.get_strpad()) if isinstance(kind, h5py.h5t.TypeStringID) else ()
            value = node.attrs[key]
            held[f"@{key}"] = (*told, *text, None if isinstance(value, h5py.Empty) else np.asarray(value).tobytes())
        found[name] = held

    with h5py.File(path, "r") as file:
        look("/", file)
        file.visititems(look)
    return found


@pytest.mark.parametrize(
    "raw",
    [
        table(),
        table(individuals=("mouse1", "single")),
        table(n_rows=1, parts=("nose",)),
        table(n_rows=126),
        table(n_rows=127),
        table(n_rows=128),
        table(n_rows=40_000, parts=("nose",)),
        table(parts=tuple(f"part{n}" for n in range(300))),
    ],
    ids=["plain", "individuals", "one-point", "126", "127", "128", "many-rows", "many-parts"],
)
def test_the_file_is_what_pandas_writes(tmp_path: Path, raw: RawTable) -> None:
    theirs, ours = tmp_path / "theirs.h5", tmp_path / "ours.h5"
    frame(raw).to_hdf(theirs, key="df_with_missing", mode="w", format="fixed")
    ours.write_bytes(render_hdf(raw))
    assert nodes(ours) == nodes(theirs)
    pd.testing.assert_frame_equal(pd.read_hdf(ours), pd.read_hdf(theirs), check_exact=True)
    found = read_hdf(ours)
    assert (found.key, found.findings) == ("df_with_missing", ())
    assert (found.table.levels, found.table.columns, found.table.rows) == (raw.levels, raw.columns, raw.rows)
    assert found.table.values.tobytes() == raw.values.tobytes()
    frame(raw).to_csv(tmp_path / "theirs.csv", lineterminator="\n")
    assert render_csv(raw) == (tmp_path / "theirs.csv").read_text(encoding="utf-8")


def test_the_same_table_gives_the_same_bytes() -> None:
    assert render_hdf(table()) == render_hdf(table())


NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12).filter(
    lambda text: text.strip()
)


@given(names=st.lists(NAMES, min_size=1, max_size=4, unique=True), images=st.lists(NAMES, max_size=4, unique=True))
def test_any_name_comes_back(tmp_path: Path, names: list[str], images: list[str]) -> None:
    columns = tuple(("S", name, axis) for name in names for axis in "xy")
    rows = tuple(("labeled-data", "m1", image) for image in ["a", *images])
    raw = RawTable(("scorer", "bodyparts", "coords"), columns, rows, np.ones((len(rows), len(columns))))
    path = tmp_path / "labels.h5"
    path.write_bytes(render_hdf(raw))
    found = read_hdf(path).table
    assert (found.columns, found.rows) == (columns, rows)
    read = pd.read_hdf(path)
    assert (tuple(read.columns), tuple(read.index)) == (columns, rows)
