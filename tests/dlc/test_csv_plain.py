"""The ordinary CSV is read all at once, and any other by the reader of cells: never do the two say different things."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builder import Session, build_project
from csv_labels import read
from hypothesis import example, given
from hypothesis import strategies as st
from variants import VARIANTS

from dlc2lp.dlc import csv_plain, csvfile
from dlc2lp.errors import UnreadableFile

HEADER = "scorer,Jane,Jane,Jane,Jane\nbodyparts,a,a,b,b\ncoords,x,y,x,y\n"
THREE = "scorer,,,Jane,Jane,Jane,Jane\nbodyparts,,,a,a,b,b\ncoords,,,x,y,x,y\n"

#: What cells hold that are numbers, or nearly.
cells = st.one_of(
    st.just(""),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.text("0123456789.+-eE", max_size=12),
    st.decimals(-2000, 2000, allow_nan=False).map(str),
    st.sampled_from(["nan", "NaN", "1_0", " 1", "1 ", "−1", "1,5", '"1,5"', "inf", "1e999", "#REF!", "\t", "0x1", "١"]),
)
names = st.sampled_from(
    ["img0.png", "labeled-data/m/img1.png", "", " ", ",", "a b.png", "ü.png", '"i.png"', "x\x0b.png"]
)
ends = st.sampled_from(["\n", "\r\n", "\r", ""])
rows = st.tuples(names, st.lists(cells, min_size=3, max_size=5), ends).map(
    lambda row: ",".join([row[0], *row[1]]) + row[2]
)
above = st.sampled_from(["", "\n", "sep=,\n", "a title\n", ",\n", "\ufeff"])


def said(path: Path) -> Any:
    """What reading a file comes to, comparable: a table with its findings, or the reasons against it."""
    try:
        found = csvfile.read_csv_labels(path)
    except UnreadableFile as error:
        return error.findings
    table = dataclasses.replace(found.table, values=found.table.values.tobytes())  # every bit of them
    return table, found.findings, found.is_text_certain


def both(path: Path) -> tuple[Any, Any, bool]:
    """What the two ways to read a file say of it, and whether the first is taken at all."""
    taken = []

    def watched(*arguments: Any) -> Any:
        taken.append(plain(*arguments))
        return taken[-1]

    plain = csvfile._read_plain
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csvfile, "_read_plain", watched)
        first = said(path)
        patch.setattr(csvfile, "_read_plain", lambda *_: None)
        second = said(path)
    return first, second, bool(taken and taken[-1] is not None)


@given(st.sampled_from([HEADER, THREE]), above, st.lists(rows, max_size=5))
@example(HEADER, "", ["img0.png,1.5,,,2\n", "img1.png,,,,\n"])
@example(HEADER, "", ["img0.png,21,5,265,4\n"])
@example(HEADER, "\n" * 40, ["img0.png,1,2,3,4\n"])
@example(f",{HEADER}".replace("\n", "\n,").removesuffix(","), "", ["img0.png,1,2,3,4\n"])
@example(HEADER, "", ["coords,x,y,x,y\n"])
@example(HEADER, "", ['"i.png",1,2,3,4\n'])
@example(HEADER, "", ["img0.png,1,2,3,4\r", "img1.png,1,2,3,4\r"])
@example(HEADER, "", ["img0.png,1,2,3\n", "img1.png,1,2,3,4\n"])
@example(HEADER, "", [",1,2,3,4\n", " ,,,,\n"])
@example(HEADER, "", ["img0.png,1_0,2,3,4\n"])
def test_both_say_the_same_of_any_rows(tmp_path_factory: Any, header: str, first: str, body: list[str]) -> None:
    path = tmp_path_factory.mktemp("csv") / "CollectedData_Jane.csv"
    path.write_bytes((first + header + "".join(body)).encode())
    plain, careful, _ = both(path)
    assert plain == careful


FILES = [
    pytest.param(variant, case, id=name)
    for variant in VARIANTS
    for case, name in zip(variant.cases, variant.ids(), strict=True)
]


@pytest.mark.parametrize(("variant", "case"), FILES)
def test_both_say_the_same_of_every_variant(tmp_path: Path, variant: Any, case: str) -> None:
    root = variant.build(tmp_path / "dlc", case).project.root
    for path in sorted(path for path in root.rglob("*") if path.suffix.lower() == ".csv" and path.is_file()):
        plain, careful, _ = both(path)
        assert plain == careful, path


@pytest.mark.parametrize("layout", ["flat", "three", "name", "windows", "absolute"])
@pytest.mark.parametrize("individuals", [(), ("m1", "m2")])
def test_what_pandas_writes_is_ordinary(tmp_path: Path, layout: Any, individuals: tuple[str, ...]) -> None:
    """Were it not, nobody would see it but by a watch."""
    more = {"individuals": individuals} if individuals else {}
    root = build_project(tmp_path / "dlc", sessions=(Session("m", video="none"),), layout=layout, **more).root
    (path,) = root.glob("labeled-data/*/*.csv")
    plain, careful, is_plain = both(path)
    assert is_plain
    assert plain == careful


def test_no_cell_of_an_ordinary_file_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csvfile, "Cells", None)
    table = read(tmp_path, THREE + "labeled-data,m,img0.png,1.5,2.25,,\nlabeled-data,m,img1.png,0.1,3,-4,5e-1\n").table
    np.testing.assert_array_equal(table.values, [[1.5, 2.25, np.nan, np.nan], [0.1, 3, -4, 0.5]])
    assert table.rows == (("labeled-data", "m", "img0.png"), ("labeled-data", "m", "img1.png"))


@given(st.lists(st.text("0123456789.+-eE", max_size=25), min_size=1, max_size=30))
def test_pandas_takes_for_a_number_what_float_does(texts: list[str]) -> None:
    """The parser that is used for whole rows has the rule of single cells, to the last bit."""
    expected = []
    for text in texts:
        try:
            expected.append(float(text) if text else np.nan)
        except ValueError:
            with pytest.raises(ValueError):
                csv_plain._numbers([f"{text},0"], 2)
    good = [text for text in texts if not _is_refused(text)]
    found = csv_plain._numbers([f"{text},0" for text in good], 2)[:, 0]
    assert found.tobytes() == np.array(expected).tobytes()


def _is_refused(text: str) -> bool:
    try:
        float(text or "nan")
    except ValueError:
        return True
    return False


def test_decimals_between_two_floats_are_read_exactly() -> None:
    """Halfway between two floats the last digit of fifty decides, and where pandas once was wrong in the last bit."""
    rng = np.random.default_rng(1)
    numbers = rng.uniform(0, 2000, 5000)
    texts = [f"{number:.{digits}f}" for number, digits in zip(numbers, itertools.cycle(range(1, 40)))]
    texts += [_halfway(number) for number in numbers[:1000].tolist()]
    np.testing.assert_array_equal(csv_plain._numbers(texts, 1)[:, 0], [float(text) for text in texts])


def _halfway(number: float) -> str:
    from decimal import Decimal

    return str((Decimal(number) + Decimal(float(np.nextafter(number, np.inf)))) / 2)
