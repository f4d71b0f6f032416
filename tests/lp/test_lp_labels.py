"""The label file and the queue: every number leaves as it came, and nothing is written that would be misread."""

from __future__ import annotations

import csv
import io
import json
import math
import struct

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lp_targets import NAN, LabelRow, label_rows, together

from dlc2lp.lp.labels import QueueEntry, render_labels, render_queue

finite = st.floats(allow_nan=False, allow_infinity=False)
pixels = st.floats(-100, 5000)
points = st.one_of(st.just((NAN, NAN)), st.tuples(finite, finite))
names = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1).filter(str.strip)


def bits(number: float) -> bytes:
    return struct.pack(">d", number)


def same(one: float, other: float) -> bool:
    return (math.isnan(one) and math.isnan(other)) or bits(one) == bits(other)


@given(st.lists(st.lists(points, min_size=3, max_size=3), max_size=5))
def test_numbers_read_back_bit_for_bit(rows: list[list[tuple[float, float]]]) -> None:
    table = [LabelRow(f"labeled-data/s/img{n:08d}.png", tuple(xy)) for n, xy in enumerate(rows)]
    text = render_labels("S", ("a", "b", "c"), together(table, 3))
    cells = [line[1:] for line in csv.reader(io.StringIO(text, newline=""))][3:]
    for expected, found in zip(rows, cells, strict=True):
        flat = [number for point in expected for number in point]
        assert all(same(number, float(cell or "nan")) for number, cell in zip(flat, found, strict=True))


@given(st.lists(st.tuples(pixels, pixels), min_size=1, max_size=4))
def test_pandas_reads_the_same_numbers(xy: list[tuple[float, float]]) -> None:
    """To the last digits: before pandas 3.1 its default parser is not exact, and Lightning Pose uses that one."""
    rows = together([LabelRow("labeled-data/s/img1.png", tuple(xy))], len(xy))
    text = render_labels("S", [f"k{n}" for n in range(len(xy))], rows)
    table = pd.read_csv(io.StringIO(text), header=[0, 1, 2], index_col=0)
    assert table.index.name is None
    assert list(table.to_numpy(dtype=float)[0]) == pytest.approx([n for point in xy for n in point], rel=1e-15)


@given(st.lists(names, min_size=1, max_size=5, unique=True), names)
def test_any_name_survives_the_header(keypoints: list[str], scorer: str) -> None:
    row = LabelRow("labeled-data/s/img1.png", ((1.0, 2.0),) * len(keypoints))
    text = render_labels(scorer, keypoints, together([row], len(keypoints)))
    lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert lines[0] == ["scorer", *[scorer] * 2 * len(keypoints)]
    assert lines[1] == ["bodyparts", *(name for name in keypoints for _ in "xy")]
    assert lines[2] == ["coords", *["x", "y"] * len(keypoints)]
    assert len(lines) == 4


def test_the_text_as_a_whole() -> None:
    rows = [
        LabelRow("labeled-data/s/img00000000.png", ((NAN, NAN), (NAN, NAN))),
        LabelRow("labeled-data/s/img00000007.png", ((250.05599999999998, 0.1), (NAN, NAN))),
        LabelRow("labeled-data/s/img00000009.png", ((3, -0.0), (1e-300, 1e22))),
    ]
    assert render_labels("Ann", ("a", "b, c"), together(rows, 2)) == (
        "scorer,Ann,Ann,Ann,Ann\n"
        'bodyparts,a,a,"b, c","b, c"\n'
        "coords,x,y,x,y\n"
        "labeled-data/s/img00000000.png,,,,\n"
        "labeled-data/s/img00000007.png,250.05599999999998,0.1,,\n"
        "labeled-data/s/img00000009.png,3.0,-0.0,1e-300,1e+22\n"
    )


def test_visible_column() -> None:
    rows = [LabelRow("labeled-data/s/img1.png", ((1.5, 2.5), (NAN, NAN), (NAN, NAN)), (2, 1, 0))]
    assert render_labels("S", "abc", together(rows, 3)).splitlines()[2:] == [
        "coords,x,y,visible,x,y,visible,x,y,visible",
        "labeled-data/s/img1.png,1.5,2.5,2,,,1,,,0",
    ]


ONE = ((1.0, 2.0),)


@pytest.mark.parametrize(
    ("scorer", "keypoints", "rows", "says"),
    [
        (" ", "a", [], "scorer"),
        ("S", "", [], "no keypoint"),
        ("S", ["a", " "], [], "blank"),
        ("S", "aa", [], "twice"),
        ("S", "a", [LabelRow("i", ((1.0, NAN),))], "one coordinate"),
        ("S", "a", [LabelRow("i", ((NAN, 1.0),))], "one coordinate"),
        ("S", "a", [LabelRow("i", ((math.inf, 1.0),))], "infinite"),
        ("S", "ab", [LabelRow("i", ONE)], "1 point for 2"),
        ("S", "a", [LabelRow("i", ONE, (1,))], "hide a label"),
        ("S", "a", [LabelRow("i", ((NAN, NAN),), (2,))], "invent one"),
        ("S", "a", [LabelRow("i", ((NAN, NAN),), (3,))], "invent one"),
        ("S", "a", [LabelRow("i", ((NAN, NAN),), (-1,))], "invent one"),
    ],
)
def test_what_would_be_misread_is_not_written(
    scorer: str, keypoints: list[str], rows: list[LabelRow], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        render_labels(scorer, keypoints, together(rows, len(keypoints)))


def test_many_rows_are_fast_enough() -> None:
    rows = together(label_rows("s", 2000, 20), 20)
    assert render_labels("S", [f"k{n}" for n in range(20)], rows).count("\n") == 2003


def test_queue_lines() -> None:
    entries = [
        QueueEntry("labeled-data/s/img00000001.png"),
        QueueEntry("labeled-data/s/img00000002.png", "DLC", 1700000000000, (("näse\u2028", 1.5, 2),)),
        QueueEntry("labeled-data/s/img00000003.png", "DLC", 1700000000000),
    ]
    text = render_queue(entries)
    assert text.isascii()
    lines = text.splitlines()
    assert lines[0] == '{"frame_path":"labeled-data/s/img00000001.png","predictions":null}'
    assert json.loads(lines[1]) == {
        "frame_path": "labeled-data/s/img00000002.png",
        "predictions": {
            "model_name": "DLC",
            "date_time": 1700000000000,
            "predictions": [{"keypoint_name": "näse\u2028", "x": 1.5, "y": 2.0}],
        },
    }
    assert json.loads(lines[2])["predictions"]["predictions"] == []
    assert render_queue([]) == ""


@pytest.mark.parametrize(
    "entry", [QueueEntry("i", "", 0, (("a", 1.0, 2.0),)), QueueEntry("i", "DLC", 0, (("a", NAN, 2.0),))]
)
def test_queue_refuses_what_the_app_would(entry: QueueEntry) -> None:
    with pytest.raises(ValueError, match="suggested point"):
        render_queue([entry])
