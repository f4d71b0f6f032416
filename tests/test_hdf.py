"""The HDF5 reader: equal to pandas on what pandas wrote, and deaf to everything that a file asks to be done."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import struct
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dlc2lp.dlc.hdf import HdfLabels, read_hdf
from dlc2lp.dlc.table import COLUMN_LEVELS
from dlc2lp.errors import UnreadableFile
from dlc2lp.model import Severity

KEY = "df_with_missing"
FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "hdf"
USUAL_LEVELS = {2: COLUMN_LEVELS[2:], 3: ("scorer", "bodyparts", "coords"), 4: COLUMN_LEVELS}

# ---- what labs have ------------------------------------------------------------------------------------------

LEVELS = ["scorer", "bodyparts", "coords"]
MULTI_LEVELS = ["scorer", "individuals", "bodyparts", "coords"]
PATHS = [f"labeled-data/m4s1/img{k:04d}.png" for k in (0, 7, 744, 12)]


def single(*bodyparts: object, scorer: object = "Anna", names: list[Any] = LEVELS) -> pd.MultiIndex:
    return pd.MultiIndex.from_product([[scorer], list(bodyparts), ["x", "y"]], names=names)


def multi(*individuals: str) -> pd.MultiIndex:
    parts = [
        ("Anna", who, part, coord)
        for who in individuals
        for part in (["corner"] if who == "single" else ["snout", "tail"])
        for coord in ("x", "y")
    ]
    return pd.MultiIndex.from_tuples(parts, names=MULTI_LEVELS)


COLUMNS = {
    "single-animal": single("snout", "leftear", "tail"),
    "multi-animal": multi("mus1", "mus2"),
    "single last": multi("mus1", "mus2", "single"),
    "single first": multi("single", "mus1"),
    "integer bodyparts": single(1, 2, 10),
    "mixed bodyparts": single("1", 2, 3.5),
    "odd names": single("Schnauze ü", "tail base", "left.ear", "鼻", "🐭", "a, b", '"q"', "nan", "."),
    "dotted scorer": single("snout", scorer="A. B."),
    "integer scorer": single("snout", scorer=7),
    "machine labels": pd.MultiIndex.from_product(
        [["DLC_resnet50"], ["a", "b"], ["x", "y", "likelihood"]], names=LEVELS
    ),
    "two scorers": single("snout").append(single("snout", scorer="Bob")),
    "unsorted": single("tail", "snout", "ear")[[5, 0, 3, 1, 4, 2]],
    "no scorer": pd.MultiIndex.from_product([["snout", "tail"], ["x", "y"]], names=LEVELS[1:]),
    "levels in another order": pd.MultiIndex.from_product([["x", "y"], ["snout"], ["Anna"]], names=LEVELS[::-1]),
    "unnamed levels": single("snout", "tail", names=[None, None, None]),
    "unnamed, 4 levels": multi("mus1", "mus2").set_names([None] * 4),
    "unnamed, 2 levels": pd.MultiIndex.from_product([["snout", "tail"], ["x", "y"]]),
    "500 bodyparts": single(*(f"a rather long name of a bodypart number {k}" for k in range(500))),
}
THREE = pd.MultiIndex.from_tuples([tuple(path.split("/")) for path in PATHS])
ROWS = {
    "flat": pd.Index(PATHS),
    "three levels": THREE,
    "named three levels": THREE.set_names(["a", "b", "c"]),
    "Windows": pd.Index([path.replace("/", "\\") for path in PATHS]),
    "bare names": pd.Index([path.split("/")[-1] for path in PATHS]),
    "integers": pd.Index([0, 7, 744, 12]),
    "numeric folder": pd.MultiIndex.from_tuples([("labeled-data", 7, f"img{k}.png") for k in range(4)]),
    "named": pd.Index(PATHS, name="image"),
    "repeated": pd.Index([PATHS[0], PATHS[1], PATHS[0], PATHS[0]]),
    "repeated, three levels": THREE[[0, 1, 0, 0]],
    "odd names": pd.Index(["labeled-data/été 1/img0.png", "a,b.png", "鼻/🐭.png", "-x.png"]),
}


def values_of(kind: str, shape: tuple[int, int]) -> pd.DataFrame:
    """Values with an empty point here and there, of one type or several."""
    numbers = np.random.default_rng(shape[1]).uniform(-5, 900, shape)
    numbers[0, :2] = np.nan
    numbers[-1, :] = np.nan
    frame = pd.DataFrame(numbers)
    if kind == "float32":
        return frame.astype(np.float32)
    if kind == "empty":
        return frame * np.nan
    if kind == "integers":
        return frame.fillna(3).astype(np.int64)
    if kind == "mixed":
        frame[1] = np.arange(shape[0])
        frame[2] = frame[2].astype(np.float32)
        frame[3] = np.arange(shape[0], dtype=np.int16)
        return frame
    if kind == "objects":
        return frame.astype(object)
    if kind == "objects with None":
        return frame.astype(object).where(frame.notna(), None)
    if kind == "one object column":
        return frame.astype({0: object})
    return frame


VALUES = ["float64", "float32", "empty", "integers", "mixed", "objects", "objects with None", "one object column"]


def labels(rows: pd.Index, columns: pd.MultiIndex, kind: str = "float64") -> pd.DataFrame:
    frame = values_of(kind, (len(rows), len(columns)))
    frame.columns, frame.index = columns, rows
    return frame


def write(path: Path, frame: pd.DataFrame, layout: str = "fixed", key: str = KEY, **options: Any) -> Path:
    """Write as DeepLabCut does; pandas tells about odd column names and objects, which is what they are here for."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame.to_hdf(path, key=key, format=layout, mode=options.pop("mode", "w"), **options)
    return path


def as_text(cell: object) -> str:
    return "" if cell is None or cell != cell else str(cell)  # NaN is not itself


def assert_as_pandas(read: HdfLabels, frame: pd.DataFrame) -> None:
    """Every column name, level, row name and value, the values bit for bit."""
    given = [as_text(name) for name in frame.columns.names]
    given = given if any(given) else list(USUAL_LEVELS[frame.columns.nlevels])
    order = [given.index(name) for name in COLUMN_LEVELS if name in given]
    table = read.table
    assert table.levels == tuple(given[k] for k in order)
    assert table.columns == tuple(tuple(as_text(column[k]) for k in order) for column in frame.columns)
    rows = [row if isinstance(row, tuple) else (row,) for row in frame.index]
    assert table.rows == tuple(tuple(as_text(cell) for cell in row) for row in rows)
    expected = frame.to_numpy(dtype=np.float64, na_value=np.nan)
    assert table.values.dtype == np.float64
    assert table.values.shape == expected.shape
    assert np.array_equal(np.isnan(table.values), np.isnan(expected))
    full = ~np.isnan(expected)
    assert np.array_equal(table.values[full].view(np.int64), expected[full].view(np.int64))


SOME_COLUMNS, SOME_ROWS = ("single-animal", "single last", "odd names"), ("flat", "three levels")
#: All rows with some columns, all columns with some rows; pandas can't write rows of three levels as a table.
LAYOUTS = [
    (layout, rows, columns)
    for layout in ("fixed", "table")
    for rows in ROWS
    for columns in COLUMNS
    if (rows in SOME_ROWS or columns in SOME_COLUMNS) and (layout == "fixed" or ROWS[rows].nlevels == 1)
]


@pytest.mark.parametrize(("layout", "rows", "columns"), LAYOUTS)
def test_rows_and_columns(tmp_path: Path, layout: str, rows: str, columns: str) -> None:
    path = write(tmp_path / "a.h5", labels(ROWS[rows], COLUMNS[columns]), layout)
    assert_as_pandas(read_hdf(path), pd.read_hdf(path))


@pytest.mark.parametrize(
    ("layout", "kind"),
    [(layout, kind) for layout in ("fixed", "table") for kind in VALUES if layout == "fixed" or "object" not in kind],
)
@pytest.mark.parametrize("columns", ["single last", "500 bodyparts"])
@pytest.mark.parametrize("options", [{}, {"complevel": 9, "complib": "zlib"}], ids=["unpacked", "zlib"])
def test_values(tmp_path: Path, layout: str, columns: str, options: dict[str, Any], kind: str) -> None:
    path = write(tmp_path / "a.h5", labels(ROWS["flat"], COLUMNS[columns], kind), layout, **options)
    assert_as_pandas(read_hdf(path), pd.read_hdf(path))


@pytest.mark.parametrize("rows", ["flat", "three levels"])
@pytest.mark.parametrize("kind", ["float64", "mixed", "objects"])
@pytest.mark.parametrize("part", ["no rows", "one row", "no columns", "nothing"])
def test_empty_and_small(tmp_path: Path, rows: str, kind: str, part: str) -> None:
    frame = labels(ROWS[rows], COLUMNS["single-animal"], kind)
    frame = {
        "no rows": frame[:0],
        "one row": frame[:1],
        "no columns": frame.iloc[:, :0],
        "nothing": frame.iloc[:0, :0],
    }[part]
    path = write(tmp_path / "a.h5", frame)
    assert_as_pandas(read_hdf(path), pd.read_hdf(path))


def test_square_values_are_not_turned(tmp_path: Path) -> None:
    """4 rows and 4 columns: only the attribute ``transposed`` tells which is which."""
    path = write(tmp_path / "a.h5", labels(ROWS["flat"], single("a", "b")))
    assert_as_pandas(read_hdf(path), pd.read_hdf(path))
    frame = labels(ROWS["flat"], single("a", "b"))
    with h5py.File(path, "r+") as file:
        node = file[KEY]["block0_values"]
        node[...] = frame.to_numpy().T
        node.attrs["transposed"] = np.uint8(0)
    assert_as_pandas(read_hdf(path), frame)


def test_numbers_in_text_and_missing_names(tmp_path: Path) -> None:
    frame = labels(ROWS["flat"], single("a", "b")).astype(object)
    frame.iloc[1, 0] = " 12.25 "
    frame.iloc[1, 1] = ""
    frame.index = pd.Index(["a.png", None, "c.png", 4], dtype=object)
    read = read_hdf(write(tmp_path / "a.h5", frame)).table
    assert read.values[1, 0] == 12.25
    assert np.isnan(read.values[1, 1])
    assert read.rows == (("a.png",), ("",), ("c.png",), ("4",))


def test_missing_cells_of_names(tmp_path: Path) -> None:
    columns = pd.MultiIndex.from_tuples([("Anna", "a", "x"), ("Anna", None, "y")], names=LEVELS)
    rows = pd.MultiIndex.from_tuples([("labeled-data", np.nan, "a.png")])
    read = read_hdf(write(tmp_path / "a.h5", pd.DataFrame([[1.0, 2.0]], rows, columns))).table
    assert read.columns == (("Anna", "a", "x"), ("Anna", "", "y"))
    assert read.rows == (("labeled-data", "", "a.png"),)


def test_repeated_column_of_a_table_keeps_its_order(tmp_path: Path) -> None:
    columns = single("a", "b", "a")
    frame = labels(ROWS["flat"], columns)
    path = write(tmp_path / "a.h5", frame, "table")
    assert_as_pandas(read_hdf(path), frame)


@settings(max_examples=30)
@given(
    values=hnp.arrays(np.float64, st.tuples(st.integers(1, 4), st.just(4)), elements=st.floats(width=64)),
    layout=st.sampled_from(["fixed", "table"]),
)
def test_every_float_keeps_its_bits(tmp_path_factory: pytest.TempPathFactory, values: np.ndarray, layout: str) -> None:
    frame = pd.DataFrame(values, PATHS[: len(values)], single("a", "b"))
    path = write(tmp_path_factory.mktemp("bits") / "a.h5", frame, layout)
    assert_as_pandas(read_hdf(path), frame)


NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12)


@settings(max_examples=30)
@given(
    scorer=NAMES,
    parts=st.lists(NAMES, min_size=1, max_size=4, unique=True),
    rows=st.lists(NAMES, min_size=1, max_size=4),
    layout=st.sampled_from(["fixed", "table"]),
)
def test_every_name_arrives(
    tmp_path_factory: pytest.TempPathFactory, scorer: str, parts: list[str], rows: list[str], layout: str
) -> None:
    frame = labels(pd.Index(rows), single(*parts, scorer=scorer))
    path = write(tmp_path_factory.mktemp("names") / "a.h5", frame, layout)
    assert_as_pandas(read_hdf(path), frame)


# ---- keys, Python 2, the real file ---------------------------------------------------------------------------


def test_two_keys_are_told(tmp_path: Path) -> None:
    """convert2_maDLC adds ``df_with_missing`` to the ``keypoints`` of napari-deeplabcut."""
    old, new = (
        labels(ROWS["three levels"], COLUMNS["single-animal"]),
        labels(ROWS["three levels"], COLUMNS["multi-animal"]),
    )
    path = write(tmp_path / "a.h5", old, key="keypoints")
    write(path, new, mode="a")
    read = read_hdf(path)
    assert (read.key, read.keys) == (KEY, (KEY, "keypoints"))
    assert_as_pandas(read, new)
    (finding,) = read.findings
    assert (finding.severity, finding.code) == (Severity.NOTE, "h5-several-keys")
    assert "'keypoints'" in finding.message
    ((key, other),) = read.others
    assert key == "keypoints"
    assert_as_pandas(HdfLabels(other, key, read.keys, ()), old)


def test_a_second_key_that_can_not_be_read_is_told_and_costs_nothing(tmp_path: Path) -> None:
    frame = labels(ROWS["three levels"], COLUMNS["single-animal"])
    path = write(tmp_path / "a.h5", frame)
    write(path, frame, key="other", mode="a")
    pd.DataFrame({"a": [1.0]}).to_hdf(path, key="numbers", mode="a")
    read = read_hdf(path)
    assert_as_pandas(read, frame)
    assert [key for key, _ in read.others] == ["other"]
    assert read.keys == (KEY, "numbers", "other")
    assert [(each.severity, each.code) for each in read.findings] == [
        (Severity.NOTE, "h5-several-keys"),
        (Severity.WARNING, "h5-no-labels"),
    ]
    assert "numbers" in read.findings[1].where


def test_more_keys_than_anybody_writes_are_told_and_left(tmp_path: Path) -> None:
    frame = labels(ROWS["flat"], COLUMNS["single-animal"])
    path = write(tmp_path / "a.h5", frame)
    for n in range(11):
        write(path, frame, key=f"copy{n:02d}", mode="a")
    read = read_hdf(path)
    assert [key for key, _ in read.others] == [f"copy{n:02d}" for n in range(8)]
    (finding,) = [each for each in read.findings if each.code == "h5-too-large"]
    assert finding.severity is Severity.WARNING
    assert "3 more data frames" in finding.message


@pytest.mark.parametrize("keys", [("keypoints", "zzz"), ("keypoints", "a"), ("tracks",), ("b", "c"), ("a/b",)])
def test_other_keys(tmp_path: Path, keys: tuple[str, ...]) -> None:
    path = tmp_path / "a.h5"
    for key in keys[::-1]:
        write(path, labels(ROWS["flat"], COLUMNS["single-animal"]), key=key, mode="a")
    read = read_hdf(path)
    assert read.key == keys[0]
    assert_as_pandas(read, pd.read_hdf(path, key=keys[0]))


@pytest.mark.parametrize("name", json.loads((FIXTURES / "py2_expected.json").read_text(encoding="utf-8")))
def test_python_2(name: str) -> None:
    """Files of real Python 2.7, pandas 0.24.2 and PyTables 3.5.2; see scripts/make_py2_fixtures."""
    expected = json.loads((FIXTURES / "py2_expected.json").read_text(encoding="utf-8"))[name]
    read = read_hdf(FIXTURES / f"{name}.h5")
    assert read.findings == ()
    assert list(read.table.levels) == expected["levels"]
    assert [list(column) for column in read.table.columns] == expected["columns"]
    assert [list(row) for row in read.table.rows] == expected["rows"]
    assert np.array_equal(read.table.values, np.array(expected["values"], np.float64), equal_nan=True)
    assert {type(cell) for column in read.table.columns for cell in column} == {str}


def test_openfield(openfield: Path) -> None:
    path = openfield / "labeled-data" / "m4s1" / "CollectedData_Pranav.h5"
    read = read_hdf(path)
    assert_as_pandas(read, pd.read_hdf(path))
    assert read.table.values.shape == (116, 8)
    assert read.findings == ()


def test_names_that_are_not_utf8_are_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5", labels(pd.Index(["aé.png", "b.png"]), single("a")))
    with h5py.File(path, "r+") as file:
        file[KEY]["axis1"][0] = b"a\xe9.png"
    read = read_hdf(path)
    assert read.table.rows[0] == ("aé.png",)
    assert [finding.code for finding in read.findings] == ["h5-not-utf8"]


def test_unnamed_levels_are_told(tmp_path: Path) -> None:
    read = read_hdf(write(tmp_path / "a.h5", labels(ROWS["flat"], COLUMNS["unnamed levels"])))
    assert [finding.code for finding in read.findings] == ["h5-level-names"]


@pytest.mark.parametrize(
    "columns",
    [
        pd.Index(["x", "y"]),
        pd.MultiIndex.from_product([["Anna"], ["snout"], ["left", "right"]]),
        single("snout", names=["bodyparts", "scorer", None]),
        pd.MultiIndex.from_product([["a"], ["b"], ["c"], ["d"], ["x", "y"]]),
        single("snout", names=["scorer", "scorer", "coords"]),
    ],
    ids=["one level", "no coordinates", "contradiction", "five levels", "named twice"],
)
def test_what_is_no_label_table_is_refused(tmp_path: Path, columns: pd.Index) -> None:
    frame = pd.DataFrame([[1.0, 2.0]], ["a.png"], columns)
    assert refusal(write(tmp_path / "a.h5", frame)).code == "h5-no-labels"


def test_a_value_that_is_no_number_is_named(tmp_path: Path) -> None:
    frame = labels(ROWS["flat"], single("a")).astype(object)
    frame.iloc[2, 1] = "left"
    finding = refusal(write(tmp_path / "a.h5", frame))
    assert finding.code == "h5-not-numbers"
    assert "img0744.png" in finding.where
    assert "Anna/a/y" in finding.where
    assert "'left'" in finding.message


# ---- what can't be read --------------------------------------------------------------------------------------


def refusal(path: Path) -> Any:
    """The finding with which a file is refused; anything but UnreadableFile fails the test."""
    with pytest.raises(UnreadableFile) as caught:
        read_hdf(path)
    (finding,) = caught.value.findings
    assert finding.severity is Severity.ERROR
    assert finding.subject == str(path)
    assert finding.message.startswith(("found ", "is a "))
    return finding


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return write(tmp_path / "good.h5", labels(ROWS["three levels"], COLUMNS["single-animal"]))


def test_no_hdf5(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    assert (refusal(path).code, "no such file" in refusal(path).message) == ("h5-unreadable", True)
    path.write_bytes(b"")
    assert "empty" in refusal(path).message
    path.write_text("scorer,Anna\n")
    assert "another kind" in refusal(path).message
    assert refusal(tmp_path).code == "h5-unreadable"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes in folders")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.h5")
    assert refusal(tmp_path / "a.h5").code == "h5-unreadable"


@pytest.mark.parametrize("share", [0.02, 0.2, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("layout", ["fixed", "table"])
def test_truncated(tmp_path: Path, layout: str, share: float) -> None:
    path = write(tmp_path / "a.h5", labels(ROWS["flat"], COLUMNS["single-animal"]), layout)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert refusal(path).code == "h5-unreadable"
    assert "csv" in refusal(path).hint


def test_aborted_write(tmp_path: Path) -> None:
    """pandas refuses to write 3-level rows as a table, and leaves the group without it."""
    path = tmp_path / "a.h5"
    with pytest.raises(ValueError, match="multi-index"):
        write(path, labels(ROWS["three levels"], COLUMNS["single-animal"]), "table")
    assert refusal(path).code == "h5-aborted"


@pytest.mark.parametrize("name", ["axis0_level1", "axis1_label2", "block0_values", "block0_items_level0"])
def test_missing_array(good: Path, name: str) -> None:
    with h5py.File(good, "r+") as file:
        del file[KEY][name]
    assert refusal(good).code == "h5-aborted"


def test_missing_block(good: Path) -> None:
    with h5py.File(good, "r+") as file:
        file[KEY].attrs["nblocks"] = 0
    assert refusal(good).code == "h5-aborted"


def test_missing_attributes(good: Path) -> None:
    with h5py.File(good, "r+") as file:
        del file[KEY].attrs["axis0_variety"]
    assert refusal(good).code == "h5-unreadable"
    with h5py.File(good, "r+") as file:
        del file[KEY].attrs["pandas_type"]
    assert refusal(good).code == "h5-no-labels"


def test_foreign_compression(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5", labels(ROWS["flat"], single("a")), "table", complevel=5, complib="blosc")
    finding = refusal(path)
    assert finding.code == "h5-compression"
    assert "blosc" in finding.message
    assert "ptrepack" in finding.hint


def replace_array(path: Path, name: str, make: Callable[[h5py.Group], Any]) -> Path:
    with h5py.File(path, "r+") as file:
        attributes = dict(file[KEY][name].attrs)
        del file[KEY][name]
        make(file[KEY])
        with suppress(KeyError):
            for key, value in attributes.items():
                file[KEY][name].attrs[key] = value
    return path


@pytest.mark.parametrize(
    ("shape", "options", "code"),
    [
        ((10**12, 6), {"chunks": (1000, 6)}, "h5-too-large"),
        ((10**9, 6), {"chunks": (1000, 6), "compression": "gzip"}, "h5-too-large"),
        ((2**40,), {}, "h5-too-large"),
        ((4, 6), {"chunks": (2**26, 6), "maxshape": (None, 6)}, "h5-too-large"),
        ((4, 6), {"chunks": (2, 6)}, "h5-aborted"),
        ((4, 6), {}, "h5-aborted"),
        (None, {}, "h5-aborted"),
        ((40_000, 6), {"chunks": (1000, 6)}, "h5-aborted"),
    ],
    ids=[
        "huge",
        "huge and packed",
        "huge, in one piece",
        "huge chunk",
        "gaps",
        "never written",
        "no shape",
        "no chunk",
    ],
)
def test_claims_without_data(good: Path, shape: Any, options: dict[str, Any], code: str) -> None:
    """HDF5 would allocate what is claimed, and fill it with zeros: labels in the corner of every image."""
    data = h5py.Empty("f8") if shape is None else None
    replace_array(good, "block0_values", lambda group: group.create_dataset(
        "block0_values", data=data, shape=shape, dtype="f8", **options
    ))  # fmt: skip
    assert refusal(good).code == code


def test_many_rows_of_many_columns(good: Path) -> None:
    """Codes pack well: a small file that names 20 000 rows and as many columns."""
    for axis in ("axis0", "axis1"):
        for level in range(3):
            name = f"{axis}_label{level}"
            replace_array(good, name, lambda group, name=name: group.create_dataset(
                name, data=np.zeros(20_000, np.int8), compression="gzip"
            ))  # fmt: skip
    assert good.stat().st_size < 10**5
    assert refusal(good).code == "h5-too-large"


@pytest.mark.parametrize(("axis", "code"), [("axis0", 3), ("axis0", 100), ("axis1", 1), ("axis1", -2)])
def test_codes_that_lead_nowhere(good: Path, axis: str, code: int) -> None:
    with h5py.File(good, "r+") as file:
        file[KEY][f"{axis}_label1"][0] = code
    assert refusal(good).code == "h5-unreadable"


def test_block_of_other_columns(good: Path) -> None:
    with h5py.File(good, "r+") as file:
        file[KEY]["block0_items_label1"][0] = 2
    assert refusal(good).code == "h5-unreadable"


@pytest.mark.parametrize(
    "name", ["axis0_label0", "axis0_level0", "axis1_level0", "block0_values", "block0_items_label0"]
)
def test_arrays_of_other_types(good: Path, name: str) -> None:
    opaque = h5py.h5t.create(h5py.h5t.OPAQUE, 8)
    # h5py takes such bytes for the addresses of Python objects
    opaque.set_tag(b"NUMPY:|O")

    def make_opaque(group: h5py.Group) -> None:
        h5py.h5d.create(group.id, name.encode(), opaque, h5py.h5s.create_simple((6,)))

    makers: list[Callable[[h5py.Group], Any]] = [
        make_opaque,
        lambda group: group.create_dataset(name, data=["text"] * 6, dtype=h5py.string_dtype()),
        lambda group: group.create_dataset(name, (1,), dtype=h5py.vlen_dtype(np.float64)),
        lambda group: group.create_dataset(name, data=np.zeros((2, 2, 2))),
        lambda group: group.create_dataset(name, data=np.zeros(6, [("a", "f8")])),
        lambda group: group.create_group(name),
    ]
    content = good.read_bytes()
    for make in makers:
        good.write_bytes(content)
        assert refusal(replace_array(good, name, make)).code in {"h5-unreadable", "h5-aborted"}


# ---- what a file asks to be done -----------------------------------------------------------------------------


class Payload:
    """Harmless code for pandas' unpickler: it makes a folder that the test looks for."""

    def __init__(self, marker: Path, by_exec: bool) -> None:
        self.marker, self.by_exec = str(marker), by_exec

    def __reduce__(self) -> tuple[Any, ...]:
        if self.by_exec:
            return exec, (f"import os; os.mkdir({self.marker!r})",)
        return os.mkdir, (self.marker,)


#: Where a payload is put: layout, node, attribute, and whether labels need the attribute.
PLACES = [
    ("fixed", "", "pandas_type", True),
    ("fixed", "", "axis0_variety", True),
    ("fixed", "", "axis0_nlevels", True),
    ("fixed", "", "nblocks", True),
    ("fixed", "axis0_level0", "name", True),
    ("fixed", "block0_values", "transposed", True),
    ("table", "", "pandas_type", True),
    ("table", "", "info", True),
    ("table", "", "non_index_axes", True),
    ("table", "table", "values_block_0_kind", True),
    ("fixed", "/", "TITLE", False),
    ("fixed", "/", "unheard-of", False),
    ("fixed", "", "TITLE", False),
    ("fixed", "", "encoding", False),
    ("fixed", "", "errors", False),
    ("fixed", "", "ndim", False),
    ("fixed", "", "unheard-of", False),
    ("fixed", "axis0_level0", "kind", False),
    ("fixed", "axis0_level0", "nan_rep", False),
    ("fixed", "axis1_level0", "name", False),
    ("fixed", "axis1_label0", "TITLE", False),
    ("fixed", "block0_values", "TITLE", False),
    ("table", "/", "TITLE", False),
    ("table", "", "TITLE", False),
    ("table", "", "index_cols", False),
    ("table", "", "values_cols", False),
    ("table", "", "data_columns", False),
    ("table", "", "metadata", False),
    ("table", "", "encoding", False),
    ("table", "", "nan_rep", False),
    ("table", "", "levels", False),
    ("table", "table", "TITLE", False),
    ("table", "table", "index_kind", False),
    ("table", "table", "values_block_0_dtype", False),
    ("table", "table", "values_block_0_meta", False),
    ("table", "table", "FIELD_0_FILL", False),
]
PLACE_IDS = [f"{layout} {node or 'group'} {attribute}" for layout, node, attribute, _ in PLACES]


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    return tmp_path / "code-was-run"


def poisoned(path: Path, layout: str, node: str, attribute: str, payload: bytes) -> tuple[Path, pd.DataFrame]:
    rows = ROWS["three levels" if layout == "fixed" else "flat"]
    frame = labels(rows, COLUMNS["single-animal"])
    write(path, frame, layout)
    with h5py.File(path, "r+") as file:
        target = file if node == "/" else file[KEY][node] if node else file[KEY]
        target.attrs[attribute] = np.bytes_(payload)
    return path, frame


@pytest.fixture(params=[(0, False), (5, True)], ids=["mkdir, protocol 0", "exec, protocol 5"])
def payload(request: pytest.FixtureRequest, marker: Path) -> bytes:
    protocol, by_exec = request.param
    return pickle.dumps(Payload(marker, by_exec), protocol)


@pytest.mark.parametrize(("layout", "node", "attribute", "needed"), PLACES, ids=PLACE_IDS)
def test_no_attribute_runs_code(
    tmp_path: Path, marker: Path, payload: bytes, layout: str, node: str, attribute: str, needed: bool
) -> None:
    path, frame = poisoned(tmp_path / "a.h5", layout, node, attribute, payload)
    if needed:
        finding = refusal(path)
        assert finding.code == "h5-unsafe"
    else:
        read = read_hdf(path)
        assert_as_pandas(read, frame)
        (finding,) = read.findings
        assert (finding.severity, finding.code) == (Severity.WARNING, "h5-hidden-code")
    assert finding.where.endswith(f"attribute {attribute}")
    assert "mkdir" in finding.message or "exec" in finding.message
    assert "nothing in it was run" in finding.message
    assert not marker.exists()


@pytest.mark.parametrize(("layout", "node", "attribute", "_needed"), PLACES, ids=PLACE_IDS)
def test_control_pandas_runs_that_code(
    tmp_path: Path, marker: Path, layout: str, node: str, attribute: str, _needed: bool
) -> None:
    """The same files through ``pandas.read_hdf``: were the payloads no good, the test above would prove nothing."""
    path, _ = poisoned(tmp_path / "a.h5", layout, node, attribute, pickle.dumps(Payload(marker, by_exec=False), 0))
    with suppress(Exception):
        pd.read_hdf(path)
    assert marker.is_dir()


@pytest.mark.parametrize("name", ["block0_values", "axis0_level1", "axis1_level1", "block0_items_level1"])
def test_no_object_array_runs_code(tmp_path: Path, marker: Path, payload: bytes, name: str) -> None:
    """PyTables keeps an array of objects as one row of bytes, a pickle."""
    rows = pd.MultiIndex.from_tuples([("labeled-data", 7, "a.png"), ("labeled-data", "m4s1", "b.png")])
    path = write(tmp_path / "a.h5", labels(rows, COLUMNS["mixed bodyparts"], "objects"))
    with h5py.File(path, "r+") as file:
        file[KEY][name][0] = np.frombuffer(payload, np.uint8)
    finding = refusal(path)
    assert (finding.code, finding.where) == ("h5-unsafe", f"/{KEY}/{name}")
    assert not marker.exists()
    with suppress(Exception):
        pd.read_hdf(path)  # the control
    assert marker.exists()


@pytest.mark.parametrize("name", ["block0_values", "axis1_label0"])
def test_no_empty_array_runs_code(tmp_path: Path, marker: Path, payload: bytes, name: str) -> None:
    path = write(tmp_path / "a.h5", labels(ROWS["three levels"], COLUMNS["single-animal"])[:0])
    with h5py.File(path, "r+") as file:
        file[KEY][name].attrs["shape"] = np.bytes_(payload)
    assert refusal(path).code == "h5-unsafe"
    assert not marker.exists()
    with suppress(Exception):
        pd.read_hdf(path)  # the control
    assert marker.exists()


@pytest.mark.parametrize("shape", [(3, 4), (2**40, 6), (0, 2**62), (-1, 0), "text", (0,) * 70, 5])
def test_shapes_that_are_not_empty(tmp_path: Path, shape: object) -> None:
    path = write(tmp_path / "a.h5", labels(ROWS["three levels"], COLUMNS["single-animal"])[:0])
    with h5py.File(path, "r+") as file:
        file[KEY]["block0_values"].attrs["shape"] = np.bytes_(pickle.dumps(shape, 0))
    assert refusal(path).code == "h5-unreadable"


def test_text_that_ends_in_a_dot_is_text(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5", labels(ROWS["flat"], single("snout", names=["A. B.", None, "coords."])))
    assert read_hdf(path).table.levels == ("scorer", "bodyparts", "coords")


# ---- other files ---------------------------------------------------------------------------------------------


def secret_file(folder: Path) -> Path:
    """Another file with a data set of the same name, which nobody asked to read."""
    return write(folder / "secret.h5", labels(ROWS["three levels"], single("secret")))


@pytest.mark.parametrize(
    "link",
    [h5py.SoftLink(f"/other/{KEY}"), h5py.ExternalLink("secret.h5", f"/{KEY}"), h5py.ExternalLink("secret.h5", "/")],
    ids=["soft", "external", "external root"],
)
def test_no_link_is_followed_to_a_frame(tmp_path: Path, good: Path, link: Any) -> None:
    secret_file(tmp_path)
    with h5py.File(good, "r+") as file:
        del file[KEY]
        file[KEY] = link
    assert refusal(good).code == "h5-unsafe"


@pytest.mark.parametrize("name", ["block0_values", "axis0_level1", "axis1_label0"])
@pytest.mark.parametrize("kind", ["soft", "external"])
def test_no_link_is_followed_to_an_array(tmp_path: Path, good: Path, name: str, kind: str) -> None:
    secret_file(tmp_path)
    place = f"/{KEY}/{name}"
    with h5py.File(good, "r+") as file:
        file.move(place, "/elsewhere")
        file[place] = h5py.SoftLink("/elsewhere") if kind == "soft" else h5py.ExternalLink("secret.h5", place)
    finding = refusal(good)
    assert (finding.code, finding.where) == ("h5-unsafe", place)


def test_no_external_storage_is_read(tmp_path: Path, good: Path) -> None:
    secret = tmp_path / "secret.bin"
    secret.write_bytes(struct.pack("24d", *range(24)))
    replace_array(good, "block0_values", lambda group: group.create_dataset(
        "block0_values", (4, 6), "f8", external=[(str(secret), 0, h5py.h5f.UNLIMITED)]
    ))  # fmt: skip
    assert np.isfinite(pd.read_hdf(good).to_numpy()).all()  # the control: pandas reads the other file
    assert refusal(good).code == "h5-unsafe"


def test_no_virtual_array_is_read(tmp_path: Path, good: Path) -> None:
    secret = secret_file(tmp_path)
    layout = h5py.VirtualLayout((4, 2), "f8")
    layout[...] = h5py.VirtualSource(str(secret), f"/{KEY}/block0_values", (4, 2))
    replace_array(good, "block0_values", lambda group: group.create_virtual_dataset("block0_values", layout))
    assert refusal(good).code == "h5-unsafe"


def test_groups_that_hold_themselves(good: Path) -> None:
    with h5py.File(good, "r+") as file:
        file["loop"] = file["/"]
        deep = file.create_group("a/b/c")
        deep["back"] = file["a"]
    assert read_hdf(good).keys == (KEY,)


def test_too_many_groups(good: Path) -> None:
    with h5py.File(good, "r+") as file:
        for number in range(1100):
            file.create_group(f"g{number}")
    assert refusal(good).code == "h5-too-large"


@pytest.mark.parametrize("value", [np.zeros(4), np.array([b"a", b"b"]), "text", b"(lp0\n.", np.float64(3)], ids=repr)
@pytest.mark.parametrize("attribute", ["pandas_type", "nblocks", "axis0_nlevels", "axis0_variety"])
def test_attributes_of_other_types(good: Path, attribute: str, value: object) -> None:
    with h5py.File(good, "r+") as file:
        file[KEY].attrs[attribute] = np.bytes_(value) if isinstance(value, bytes) else value
    assert refusal(good).code in {"h5-unreadable", "h5-no-labels"}


# ---- damage at random ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[bytes]]:
    folder = tmp_path_factory.mktemp("originals")
    frame = labels(ROWS["flat"], COLUMNS["single-animal"], "one object column")
    paths = [
        write(folder / "a.h5", labels(ROWS["flat"], COLUMNS["single-animal"]), "table"),
        FIXTURES / "py2_fixed_unicode.h5",
    ]
    yield [path.read_bytes() for path in [*paths, write(folder / "b.h5", frame, complevel=9)]]
    shutil.rmtree(folder)


@given(
    which=st.integers(0, 2),
    damage=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=8)), max_size=20),
)
def test_damage_is_a_finding_and_no_traceback(
    tmp_path_factory: pytest.TempPathFactory, originals: list[bytes], which: int, damage: list[tuple[float, bytes]]
) -> None:
    content = bytearray(originals[which])
    for place, patch in damage:
        begin = int(place * len(content))
        content[begin : begin + len(patch)] = patch
    path = tmp_path_factory.mktemp("damage") / "a.h5"
    path.write_bytes(content)
    with suppress(UnreadableFile):
        read_hdf(path)


@settings(max_examples=30)
@given(layout=st.sampled_from(["fixed", "table"]), number=st.integers(0, 30), content=st.binary(max_size=60))
def test_attributes_of_any_bytes(
    tmp_path_factory: pytest.TempPathFactory, layout: str, number: int, content: bytes
) -> None:
    places = [(node, attribute) for kind, node, attribute, needed in PLACES if kind == layout and needed]
    node, attribute = places[number % len(places)]
    path, _ = poisoned(tmp_path_factory.mktemp("bytes") / "a.h5", layout, node, attribute, content + b".")
    with suppress(UnreadableFile):
        read_hdf(path)
