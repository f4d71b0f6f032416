"""Tables compared and joined by name."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlc2lp.dlc.joining import count_labels, join_sessions, same_values
from dlc2lp.errors import DecisionNeeded
from dlc2lp.model import FrameRef, LabelTable

NAN = math.nan
Point = tuple[float, float] | None


def make_labels(
    session: str, rows: Mapping[str, Mapping[str, Point]], keypoints: tuple[str, ...], *, scorer: str = "Jane"
) -> LabelTable:
    """A single-animal table from {image: {keypoint: point}}."""
    xy = np.full((len(rows), 1, len(keypoints), 2), NAN)
    for row, points in enumerate(rows.values()):
        for name, point in points.items():
            xy[row, 0, keypoints.index(name)] = (NAN, NAN) if point is None else point
    frames = tuple(FrameRef(session, name, None) for name in rows)
    return LabelTable(scorer, ("",), keypoints, frames, xy, np.ones((1, len(keypoints)), dtype=bool))


def make_animals(session: str, individuals: tuple[str, ...], present: list[list[bool]]) -> LabelTable:
    """Keypoints a and b of several individuals, in one frame, each point at (individual, keypoint)."""
    header = np.array(present)
    i, k = np.indices(header.shape)
    xy = np.where(header[..., None], np.stack([i, k], axis=-1), NAN)[None]
    return LabelTable("J", individuals, ("a", "b"), (FrameRef(session, "img0.png", 0),), xy.astype(float), header)


def value(table: LabelTable, file_name: str, keypoint: str) -> list[float]:
    row = [frame.file_name for frame in table.frames].index(file_name)
    return list(table.xy_px[row, 0, table.keypoint_names.index(keypoint)])


# --------------------------------------------------------------------------------------------------------------
# compare


def test_equal_tables_in_any_order() -> None:
    first = make_labels("v", {"a.png": {"s": (1, 2), "t": None}, "b.png": {"s": (3, 4)}}, ("s", "t"))
    second = make_labels("v", {"b.png": {"s": (3, 4)}, "a.png": {"s": (1, 2)}}, ("t", "s"), scorer="Bob")
    difference = same_values(first, second)
    assert not difference
    assert difference.n_cells == 0
    assert difference.first == ()
    assert difference.largest_px == 0.0


def test_the_order_of_equal_tables_makes_no_difference() -> None:
    """Tables in the same order are known as equal at once."""
    first = make_labels("v", {"a.png": {"s": (1, 2), "t": None}, "b.png": {"s": (3, 4)}}, ("s", "t"))
    second = make_labels("v", {"b.png": {"s": (3, 4)}, "a.png": {"s": (1, 2)}}, ("t", "s"))
    assert same_values(first, first) == same_values(first, second)


def test_differing_cells_are_counted_and_shown() -> None:
    rows = {f"{i}.png": {"s": (float(i), 0.0)} for i in range(8)}
    moved = {name: {"s": (float(i), 0.1 + 0.2)} for i, name in enumerate(rows)}
    difference = same_values(make_labels("v", rows, ("s",)), make_labels("v", moved, ("s",)))
    assert difference
    assert difference.n_cells == 8
    assert len(difference.first) == 5
    assert difference.first[1] == "1.png s: (1.0, 0.0) and (1.0, 0.3)"
    assert difference.largest_px == 0.1 + 0.2
    assert difference.summary() == "largest distance 0.3 px"


def test_a_rounding_is_no_difference_and_counted() -> None:
    rows: dict[str, dict[str, Point]] = {f"{i}.png": {"s": (i + 1 / 3, 2 / 3), "t": (0.1 + 0.2, 1.0)} for i in range(4)}
    first = make_labels("v", rows, ("s", "t"))
    saved = {name: {"s": (round(i + 1 / 3, 4), 0.6667), "t": (0.3, 1.0)} for i, name in enumerate(rows)}
    rounded = same_values(first, make_labels("v", saved, ("s", "t")))
    assert not rounded
    assert (rounded.n_cells, rounded.n_rounded, rounded.first) == (0, 8, ())
    assert rounded.largest_rounding_px == pytest.approx(1 / 3e4, rel=1e-3)
    saved["2.png"]["s"] = (2.3344, 0.6667)  # a thousandth of a pixel away
    moved = same_values(first, make_labels("v", saved, ("s", "t")))
    assert (moved.n_cells, moved.n_rounded) == (1, 7)
    assert moved.first == ("2.png s: (2.333, 0.667) and (2.334, 0.667)",)
    assert moved.largest_px == pytest.approx(0.00097, abs=2e-4)
    assert moved.largest_rounding_px < 1e-3


def test_what_only_one_has_labelled() -> None:
    first = make_labels("v", {"a.png": {"s": (1, 2), "t": (3, 4)}, "b.png": {}, "c.png": {"s": (1, 2)}}, ("s", "t"))
    second = make_labels("v", {"a.png": {"s": (1, 2)}, "b.png": {"t": (5, 6)}, "d.png": {"s": (7, 8)}}, ("s", "t"))
    difference = same_values(first, second)
    assert (difference.n_only_first, difference.n_only_second, difference.n_cells) == (2, 2, 4)
    assert difference.frames_labelled_only_first == ("c.png",)
    assert difference.frames_labelled_only_second == ("b.png", "d.png")
    assert (difference.frames_only_first, difference.frames_only_second) == (("c.png",), ("d.png",))


def test_rows_and_columns_that_only_one_has() -> None:
    first = make_labels("v", {"a.png": {"s": (1, 2)}, "b.png": {"s": (3, 4)}, "c.png": {}}, ("s", "old"))
    second = make_labels("v", {"a.png": {"s": (1, 2), "new": (5, 6)}, "d.png": {}}, ("s", "new"))
    difference = same_values(first, second)
    assert difference.n_cells == 2
    assert difference.first == ("a.png new: no column and (5.0, 6.0)", "b.png s: (3.0, 4.0) and no row")
    assert difference.frames_only_first == ("b.png", "c.png")
    assert difference.frames_only_second == ("d.png",)
    assert difference.keypoints_only_first == ("old",)
    assert difference.keypoints_only_second == ("new",)
    assert difference.summary() == (
        "2 rows only in the first: b.png, c.png; 1 row only in the second: d.png; "
        "1 keypoint only in the first: old; 1 keypoint only in the second: new"
    )


def test_labelled_against_empty() -> None:
    first = make_labels("v", {"a.png": {"s": (1, 2)}}, ("s",))
    difference = same_values(first, make_labels("v", {"a.png": {"s": None}}, ("s",)))
    assert difference.first == ("a.png s: (1.0, 2.0) and empty",)
    assert difference.summary() == "points labelled in one and empty in the other"


def test_individuals_are_compared_by_name() -> None:
    first = make_animals("v", ("m1", "m2"), [[True, True], [True, False]])
    second = make_animals("v", ("m2", "m1"), [[True, True], [True, False]])
    difference = same_values(first, second)
    assert difference.keypoints_only_first == ("m1 b",)
    assert difference.keypoints_only_second == ("m2 b",)
    assert difference.n_cells == 4


# -----------------------------------------------------------------------------------------------------------------
# join


def test_keypoints_are_joined_by_name_in_the_configs_order() -> None:
    one = make_labels("v", {"a.png": {"tail": (1, 2), "snout": (3, 4), "extra": (5, 6)}}, ("tail", "extra", "snout"))
    two = make_labels("w", {"a.png": {"snout": (7, 8)}}, ("snout", "ear"), scorer="Bob")
    joined = join_sessions([one, two], ("snout", "never", "tail", "snout"), ("",))
    assert joined.scorer == "Jane"
    assert joined.individuals == ("",)
    assert joined.keypoint_names == ("snout", "tail", "extra", "ear")
    assert [(frame.session, frame.file_name) for frame in joined.frames] == [("v", "a.png"), ("w", "a.png")]
    np.testing.assert_array_equal(joined.xy_px[0, 0], [[3, 4], [1, 2], [5, 6], [NAN, NAN]])
    np.testing.assert_array_equal(joined.xy_px[1, 0], [[7, 8], [NAN, NAN], [NAN, NAN], [NAN, NAN]])
    assert joined.in_header.all()


def test_scorer_of_the_result() -> None:
    table = make_labels("v", {"a.png": {"s": (1, 2)}}, ("s",))
    assert join_sessions([table], (), (), scorer="Config").scorer == "Config"


def test_individuals_are_joined_by_name() -> None:
    one = make_animals("v", ("single", "m2"), [[True, False], [False, True]])
    two = make_animals("w", ("m1",), [[True, True]])
    joined = join_sessions([one, two], ("b", "a"), ("m1", "m2", "m3"))
    assert joined.individuals == ("m1", "m2", "single")
    assert joined.keypoint_names == ("b", "a")
    np.testing.assert_array_equal(joined.in_header, [[True, True], [True, False], [False, True]])
    np.testing.assert_array_equal(joined.xy_px[0, 1], [[1, 1], [NAN, NAN]])
    np.testing.assert_array_equal(joined.xy_px[0, 2], [[NAN, NAN], [0, 0]])
    np.testing.assert_array_equal(joined.xy_px[1, 0], [[0, 1], [0, 0]])
    assert count_labels(joined) == 4


def test_two_tables_of_one_session_complete_each_other() -> None:
    first = make_labels("v", {"a.png": {"s": (1, 2)}, "b.png": {}}, ("s",))
    second = make_labels("v", {"b.png": {"s": (3, 4), "t": (5, 6)}, "a.png": {"s": (1, 2)}}, ("s", "t"))
    joined = join_sessions([first, second], ())
    assert [frame.file_name for frame in joined.frames] == ["a.png", "b.png"]
    assert value(joined, "a.png", "s") == [1, 2]
    assert value(joined, "b.png", "s") == [3, 4]
    assert value(joined, "b.png", "t") == [5, 6]


@pytest.mark.parametrize("other", [(1.0, 3.0), None], ids=["moved", "emptied"])
def test_two_tables_that_contradict_each_other(other: Point) -> None:
    first = make_labels("v", {"a.png": {"s": (1, 2), "t": (5, 6)}, "b.png": {"s": (0, 0)}}, ("s", "t"))
    second = make_labels("v", {"a.png": {"s": other, "t": (5, 6)}}, ("s", "t"))
    with pytest.raises(DecisionNeeded) as caught:
        join_sessions([first, second], ())
    (finding,) = caught.value.findings
    assert (finding.code, finding.subject, finding.where) == ("conflicting-labels", "v", "a.png")
    assert "s (1.0, 2.0) and " + ("empty" if other is None else "(1.0, 3.0)") in finding.message


def test_every_image_of_which_two_tables_differ_is_told() -> None:
    """Were only the last one looked at, labels of the second table would be lost without a word."""
    rows: dict[str, dict[str, Point]] = {f"{name}.png": {"s": (1, 2)} for name in "abcd"}
    moved: dict[str, dict[str, Point]] = rows | {"a.png": {"s": (1, 3)}, "c.png": {"s": (1, 4)}}
    with pytest.raises(DecisionNeeded) as caught:
        join_sessions([make_labels("v", rows, ("s",)), make_labels("v", moved, ("s",))], ())
    assert [finding.where for finding in caught.value.findings] == ["a.png", "c.png"]
    assert caught.value.findings[0].hint == "choose one with --scorer NAME"


@st.composite
def session_tables(draw: st.DrawFn) -> list[LabelTable]:
    tables = []
    for session in range(draw(st.integers(1, 3))):
        keypoints = tuple(draw(st.permutations(["a", "b", "c", "d"])))[: draw(st.integers(1, 4))]
        frames = draw(st.lists(st.integers(0, 9), max_size=3, unique=True))
        point = st.none() | st.tuples(st.floats(0, 900), st.floats(0, 900))
        rows = {f"img{frame}.png": {name: draw(point) for name in keypoints} for frame in frames}
        tables.append(make_labels(f"v{session}", rows, keypoints))
    return tables


@given(tables=session_tables(), order=st.permutations(["a", "b", "c", "x"]))
def test_joining_moves_and_loses_nothing(tables: list[LabelTable], order: list[str]) -> None:
    joined = join_sessions(tables, order)
    assert count_labels(joined) == sum(map(count_labels, tables))
    known = [name for name in joined.keypoint_names if name in order]
    assert known == sorted(known, key=order.index)
    at = {(frame.session, frame.file_name): row for row, frame in enumerate(joined.frames)}
    for table in tables:
        for row, frame in enumerate(table.frames):
            for k, name in enumerate(table.keypoint_names):
                there = joined.xy_px[at[frame.session, frame.file_name], 0, joined.keypoint_names.index(name)]
                np.testing.assert_array_equal(there, table.xy_px[row, 0, k])
