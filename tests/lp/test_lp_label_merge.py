"""The merge of labels as a function: any three sides, however they came about."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlc2lp.errors import Dlc2LpError
from dlc2lp.lp.label_cells import PointCells
from dlc2lp.lp.label_merge import Merged, merge_labels
from dlc2lp.lp.label_sides import Moment, Row, Side, changes, image_of, is_same
from dlc2lp.lp.labels import HIDDEN
from dlc2lp.lp.queue_merge import merge_queues

NAMES = ("nose", "tail")
MOMENTS = [("labeled-data/m1", f"img{n:08d}.png") for n in range(4)]
POINTS = [PointCells("", "", "0"), PointCells("", "", "1"), *(PointCells(f"{n}.5", "7.25", "2") for n in range(3))]

#: What a side has of each moment in each view: None, or the points. A moment is in all views or in none.
Content = dict[Moment, tuple[tuple[PointCells, ...], ...]]


def contents(n_views: int) -> st.SearchStrategy[Content]:
    row = st.tuples(*[st.sampled_from(POINTS)] * len(NAMES))
    return st.dictionaries(st.sampled_from(MOMENTS), st.tuples(*[row] * n_views))


def side(content: Content, views: tuple[str, ...], *, has_visible: bool = True) -> Side:
    rows = {
        view: {moment: Row(image_of(moment, view), "", content[moment][n]) for moment in content}
        for n, view in enumerate(views)
    }
    if not has_visible:
        for of_view in rows.values():
            for moment, row in of_view.items():
                of_view[moment] = replace(row, points=tuple(PointCells(each.x, each.y) for each in row.points))
    return Side("Ann", NAMES, has_visible, rows)


def merge(base: Side, here: Side, there: Side) -> Merged:
    return merge_labels(base, here, there, HIDDEN, lambda image: True)


def labels(of: Side) -> dict[tuple[str, str], tuple[str, str]]:
    """The label of each point that has one, by image and keypoint."""
    return {
        (row.image, name): (point.x, point.y)
        for rows in of.rows.values()
        for row in rows.values()
        for name, point in zip(of.keypoint_names, row.points, strict=True)
        if point.is_labelled
    }


def _of(found: dict[tuple[str, str], tuple[str, str]], moment: Moment, view: str) -> dict[str, tuple[str, str]]:
    return {name: point for (image, name), point in found.items() if image == image_of(moment, view)}


def places(of: Merged) -> set[tuple[str, str]]:
    return {(each.image, each.keypoint) for each in of.conflicts}


def expect_flags(base: Side, here: Side, there: Side, merged: Side) -> None:
    """Of a point that nobody labelled, `visible` is what people made of it, else what DeepLabCut's labels say now."""
    for view, rows in merged.rows.items():
        for moment, row in rows.items():
            sides = [each.rows[view].get(moment) for each in (base, here, there)]
            if not all(sides):
                continue
            for was, mine, its, point in zip(*(each.points for each in sides if each), row.points, strict=True):
                if not any(each.is_labelled for each in (was, mine, its)):
                    assert point.visible == (mine if mine.visible != was.visible else its).visible


@pytest.mark.parametrize("views", [("",), ("top", "side")])
@pytest.mark.parametrize("has_visible", [True, False])
@settings(deadline=None)
@given(data=st.data())
def test_a_merge(views: tuple[str, ...], has_visible: bool, data: st.DataObject) -> None:
    base, here, there = (side(data.draw(contents(len(views))), views, has_visible=has_visible) for _ in range(3))
    old, ours, theirs = labels(base), labels(here), labels(there)
    merged = merge(base, here, there)
    found = labels(merged.side)
    lost = places(merged)
    # A row that DeepLabCut deleted and people changed stays whole.
    kept = {
        image_of(moment, view)
        for moment in MOMENTS
        if moment in base.rows[views[0]] and moment not in there.rows[views[0]]
        if any(_of(old, moment, each) != _of(ours, moment, each) for each in views)
        for view in views
    }
    rows = set(merged.side.rows[views[0]])
    in_base, in_here, in_there = (set(each.rows[views[0]]) for each in (base, here, there))
    stay = {moment for moment in in_base - in_there if {image_of(moment, view) for view in views} <= kept}
    assert rows == (in_here & in_there) | (in_here - in_base) | (in_there - in_base) | (in_here & stay)
    # What only one side changed is taken, whatever kind of change it was.
    for place in {*old, *ours, *theirs}:
        was, mine, its = (each.get(place) for each in (old, ours, theirs))
        if mine == its or was == its or place[0] in kept:
            assert found.get(place) == mine, place
        elif was == mine and place not in lost:
            assert found.get(place) == its, place
        else:
            assert place in lost
            assert found.get(place) == mine, place
    assert not found.keys() - {*ours, *theirs}
    # Rows are the same moments in all views, and no cell is misread.
    assert len({tuple(rows) for rows in merged.side.rows.values()}) == 1
    for rows in merged.side.rows.values():
        for row in rows.values():
            for point in row.points:
                wanted = ("2",) if point.is_labelled else ("0", "1")
                assert point.visible in (wanted if has_visible else ("",))
    if has_visible:
        expect_flags(base, here, there, merged.side)
    # Merged again, nothing changes: neither from the old base nor from the new one.
    for again in (merge(base, merged.side, there), merge(merged.base, merged.side, there)):
        assert again.side == merged.side
        assert places(again) == lost
    # Settled, there is no conflict and the same labels.
    settled = merge(merged.settled, here, there)
    assert not settled.conflicts
    assert {place: labels(settled.side).get(place) for place in found} == found
    # One side alone.
    assert labels(merge(base, here, base).side) == ours
    assert not list(changes(merge(base, base, there).side, there))


@settings(deadline=None)
@given(st.lists(st.sets(st.sampled_from(MOMENTS)), min_size=4, max_size=4))
def test_queues_are_merged(drawn: list[set[Moment]]) -> None:
    views = ("top", "side")

    def texts(of: set[Moment]) -> dict[str, str]:
        return {
            f"CollectedData_{view}.unlabeled.jsonl": "".join(
                f'{{"frame_path": "{image_of(moment, view)}", "predictions": null}}\n' for moment in sorted(of)
            )
            for view in views
        }

    base, here, there, labeled = drawn
    made = merge_queues(views, texts(base), texts(here), texts(there), labeled, {})
    expected = {each for each in MOMENTS if (each in here if (each in here) != (each in base) else each in there)}
    for view in views:
        lines = made[f"CollectedData_{view}.unlabeled.jsonl"].splitlines()
        assert len(lines) == len(expected - labeled)
        assert {image_of(moment, view) in "".join(lines) for moment in expected - labeled} <= {True}
    assert merge_queues(views, texts(base), made, texts(there), labeled, {}) == made


def test_a_frame_that_left_the_queue_of_one_view_leaves_all() -> None:
    entry = '{"frame_path": "%s", "predictions": null}\n'
    views = ("top", "side")
    texts = {f"CollectedData_{view}.unlabeled.jsonl": entry % image_of(MOMENTS[0], view) for view in views}
    left = texts | {"CollectedData_top.unlabeled.jsonl": "\n"}
    assert not "".join(merge_queues(views, texts, left, texts, (), {}).values()).strip()


def test_a_label_is_not_the_same_as_none_nor_as_half_of_it() -> None:
    point = PointCells("1.5", "7.25", "2")
    assert point.has_same_point(PointCells("1.5", "7.25"))
    for other in (PointCells("", ""), PointCells("1.5", ""), PointCells("", "7.25"), PointCells("1.5", "8.25")):
        assert not point.has_same_point(other)
        assert not other.has_same_point(point)
    assert PointCells("", "").has_same_point(PointCells("", ""))


def test_labels_of_a_keypoint_that_deeplabcut_has_no_more_are_not_dropped() -> None:
    base = side({MOMENTS[0]: ((POINTS[2], POINTS[3]),)}, ("",))
    there = base.with_names(("nose",))
    assert merge(base, base, there).side.keypoint_names == ("nose",)  # nobody touched them here
    here = side({MOMENTS[0]: ((POINTS[2], POINTS[4]),)}, ("",))
    with pytest.raises(Dlc2LpError) as caught:
        merge(base, here, there)
    (finding,) = caught.value.findings
    assert (finding.code, finding.where) == ("labels-keypoint-gone", "tail")


def test_a_last_digit_that_the_app_lost_is_no_change() -> None:
    one, other = PointCells("250.05599999999998", "1"), PointCells("250.056", "1.0")
    assert is_same(one, other)
    assert not is_same(one, PointCells("250.05601", "1.0"))


@pytest.mark.parametrize("cells", [("7.5", ""), ("left", "7.5")])
def test_a_cell_that_is_no_point_is_left_as_it_is(cells: tuple[str, str]) -> None:
    moment = MOMENTS[0]
    base = side({moment: ((POINTS[2], POINTS[2]),)}, ("",))
    here = side({moment: ((PointCells(*cells, "2"), POINTS[2]),)}, ("",))
    merged = merge(base, here, base)
    point = merged.side.rows[""][moment].points[0]
    assert (point.x, point.y) == cells
    changed = side({moment: ((POINTS[3], POINTS[3]),)}, ("",))
    assert places(merge(base, here, changed)) == {(image_of(moment, ""), "nose")}
