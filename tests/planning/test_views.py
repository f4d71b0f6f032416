"""Several cameras: which name is which session and view, what views are called, and which frames are one moment."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlc2lp.errors import UsageError
from dlc2lp.lp.names import check_views, unique_sessions
from dlc2lp.model import Severity
from dlc2lp.planning.align import ViewFrame, align, explain_alignment, union_keypoints
from dlc2lp.planning.frame_names import NamedFrame
from dlc2lp.planning.frames import ViewImages, _position
from dlc2lp.planning.moments import name_moments
from dlc2lp.planning.view_names import safe_views
from dlc2lp.survey.view_pattern import ViewTable, apply_pattern, natural_key, parse_view_pattern, split_by_camera


def table(pattern: str, *names: str) -> ViewTable:
    return apply_pattern(parse_view_pattern(pattern), names)


def sessions_of(found: ViewTable) -> tuple[str, ...]:
    return tuple(dict.fromkeys(place.session for place in found.placed))


def cells(found: ViewTable) -> dict[tuple[str, str], str]:
    return {(place.session, place.view): place.name for place in found.placed}


def holes(found: ViewTable) -> list[tuple[str, str]]:
    return [(s, v) for s in sessions_of(found) for v in found.views if (s, v) not in cells(found)]


def codes(found: ViewTable) -> list[str]:
    return [decision.code for decision in found.questions]


# --- patterns -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "names", "sessions", "views"),
    [
        ("{session}_{view}", ("m1_top", "m1_side"), ("m1",), ("side", "top")),
        ("{session}_{view}", ("m1_d1_top", "m1_d1_side", "m1_d2_top", "m1_d2_side"), ("m1_d1", "m1_d2"), None),
        ("{view}-{session}", ("top-m1", "side-m1", "top-m2", "side-m2"), ("m1", "m2"), None),
        ("{view}_{session}", ("top_m1_d1", "side_m1_d1"), ("m1_d1",), None),
        ("{session}.cam{view}", ("m.1.cam2", "m.1.cam10"), ("m.1",), ("2", "10")),
        ("rec {session} ({view})", ("rec 7 (top)", "rec 7 (side)", "rec 10 (top)", "rec 10 (side)"), ("7", "10"), None),
        ("{session}_{view}_{session}", ("m1_top_0001", "m1_side_0001"), ("m1_0001",), None),
        ("{{{session}}}_{view}", ("{m1}_top", "{m1}_side"), ("m1",), None),
        ("{{session}}{session}_{view}", ("{session}m1_top", "{session}m1_side"), ("m1",), None),
        ("{session}-{view:top|side}", ("m-1-top", "m-1-side", "m-2-top", "m-2-side"), ("m-1", "m-2"), ("top", "side")),
        ("{session}_{view:cam_1|cam_2}", ("m1_cam_1", "m1_cam_2"), ("m1",), ("cam_1", "cam_2")),
        ("{session}_{view}", ("a+b_[1]", "a+b_(2)"), ("a+b",), None),
        ("{session}_{view}", ("souris é_haut", "souris é_côté"), ("souris é",), None),
    ],
)
def test_names_are_read(
    pattern: str, names: tuple[str, ...], sessions: tuple[str, ...], views: tuple[str, ...] | None
) -> None:
    found = table(pattern, *names)
    assert found.questions == ()
    assert holes(found) == []
    assert sessions_of(found) == sessions
    assert found.views == (views or found.views)
    assert sorted(cells(found).values()) == sorted(names)


@pytest.mark.parametrize(
    "text",
    [
        *("", "session_view", "{session}", "{view}", "{session}{view}", "{view}{session}", "{view}_{view}_{session}"),
        *("{session}_{camera}", "{session}_{view", "session}_{view}", "{session}_{view:top}", "{session}_{view:|}"),
        *("{session}{session}_{view}", "{Session}_{view}", "{session:a|b}_{view}", "{session}_{view}}"),
    ],
)
def test_what_is_no_pattern_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_view_pattern(text)
    (finding,) = caught.value.findings
    assert (finding.code, finding.where) == ("bad-view-pattern", "--view-pattern")
    assert "{session}_{view}" in finding.hint


def test_a_dash_does_not_decide_and_the_candidates_do() -> None:
    names = ("m1-d1-top", "m1-d1-side", "m1-d2-top", "m1-d2-side")
    found = table("{session}-{view}", *names)
    assert codes(found) == ["view-pattern-ambiguous"]
    (question,) = found.questions
    assert "2 sessions with the views side, top" in question.message
    assert question.candidates[0] == "{session}-{view:side|top}"
    assert question.candidates[1] == "{session}-{view:d1-side|d1-top|d2-side|d2-top}"
    assert sessions_of(table(question.candidates[0], *names)) == ("m1-d1", "m1-d2")
    assert sessions_of(table(question.candidates[1], *names)) == ("m1",)
    # the same grouping under other names is no question: nothing depends on it but what is shown
    assert not table("{session}-{view}", "m1-d1-top", "m1-d1-side").questions


def test_an_underscore_alone_does_not_part_a_camera_s_name() -> None:
    """cam_1, cam_2 and top: after the last underscore, the sessions would be m1_cam and m1."""
    names = [f"{session}_{view}" for session in ("m1", "m2") for view in ("cam_1", "cam_2", "top")]
    found = table("{session}_{view}", *names)
    assert codes(found) == ["view-pattern-ambiguous"]
    assert found.questions[0].candidates[-1] == "{session}_{view:cam_1|cam_2|top}"
    settled = table(found.questions[0].candidates[-1], *names)
    assert (sessions_of(settled), settled.views, settled.questions) == (("m1", "m2"), ("cam_1", "cam_2", "top"), ())


def test_listed_views_can_be_ambiguous_too() -> None:
    found = table("{session}_{view:1|cam_1}", "m_cam_1", "m_2_1")
    assert "m_cam_1 can be read as session m_cam, view 1 or session m, view cam_1" in found.questions[0].message


def test_holes_and_strangers_are_named() -> None:
    found = table("{session}_{view}", "m1_top", "m1_side", "m2_top", "calibration")
    assert holes(found) == [("m2", "side")]
    assert [place.name for place in found.placed] == ["m1_side", "m1_top", "m2_top"]
    assert found.questions == ()


def test_a_pattern_that_fits_nothing_names_one_that_does() -> None:
    found = table("{session}+{view}", "top-m1", "side-m1", "top-m2", "side-m2")
    (question,) = found.questions
    assert question.code == "view-pattern-fits-nothing"
    assert "top-m1, side-m1" in question.message
    assert "{view}-{session}" in question.candidates
    assert "{session}_{view}" not in question.candidates


def test_one_view_is_no_multi_view_project() -> None:
    assert codes(table("{session}_{view}", "m1_top", "m2_top")) == ["one-view-only"]


def test_two_names_for_one_place() -> None:
    assert "view-pattern-ambiguous" in codes(
        table("{session}_{view:top|side}_{session}", "a_b_top_c", "a_top_b_c", "a_b_side_c", "x_side_y")
    )


_word = st.text("abcXYZ019é ", min_size=1, max_size=4).filter(lambda text: text.strip() == text)


@given(
    st.lists(st.lists(_word, min_size=1, max_size=3).map("_".join), min_size=1, max_size=4, unique=True),
    st.lists(_word, min_size=2, max_size=4, unique=True),
    st.booleans(),
)
def test_a_full_table_is_read_back(sessions: list[str], views: list[str], view_first: bool) -> None:
    """Whatever the sessions are called: where views have no underscore, the underscore at their side parts them."""
    names = {(s, v): f"{v}_{s}" if view_first else f"{s}_{v}" for s in sessions for v in views}
    found = table("{view}_{session}" if view_first else "{session}_{view}", *names.values())
    assert found.questions == ()
    assert cells(found) == names
    assert found.views == tuple(sorted(views, key=natural_key))


@given(
    st.lists(st.text("ab_-1", min_size=1, max_size=8), max_size=8),
    st.sampled_from(["{session}_{view}", "{view}-{session}"]),
)
def test_no_name_is_lost_or_changed(names: list[str], pattern: str) -> None:
    found = table(pattern, *names)
    separator = "-" if "-" in pattern else "_"
    assert sorted(place.name for place in found.placed) == sorted({name for name in names if separator in name[1:-1]})
    for place in found.placed:
        assert pattern.format(session=place.session, view=place.view) == place.name


# --- cameras of a 3D project ----------------------------------------------------------------------------------------


def test_names_are_read_as_deeplabcut_3d_does() -> None:
    names = ("mouse-camera-1-day2", "mouse-camera-2-day2", "camera-1_m3", "camera-2_m3", "m4.camera-1", "m4.camera-2")
    found = split_by_camera(names, ("camera-2", "camera-1"))
    assert found.views == ("camera-2", "camera-1")
    assert sessions_of(found) == ("m3", "m4", "mouse-day2")
    assert cells(found)["mouse-day2", "camera-1"] == "mouse-camera-1-day2"
    assert (holes(found), found.questions) == ([], ())
    assert {place.name for place in found.placed} == set(names)


def test_cameras_within_each_other_and_twice() -> None:
    found = split_by_camera(("m_cam1", "m_cam10"), ("cam1", "cam10"))
    assert cells(found) == {("m", "cam1"): "m_cam1", ("m", "cam10"): "m_cam10"}
    twice = split_by_camera(("cam1_cam2_m", "m_cam1", "cam2", "x"), ("cam1", "cam2"))
    assert "view-pattern-ambiguous" in codes(twice)
    assert [place.name for place in twice.placed] == ["m_cam1"]
    assert split_by_camera(("x",), ("cam1", "cam2")).placed == ()


# --- names of views -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("views", "sessions", "safe"),
    [
        (("top", "side"), ("m1",), ("top", "side")),
        (("cam_1", "cam_2"), ("m3",), ("cam-1", "cam-2")),
        (("cam1", "cam10"), ("m3",), ("cam01", "cam10")),
        (("cam1", "cam2", "cam10"), (), ("cam01", "cam2", "cam10")),
        (("top", "topleft"), (), ("view-top", "topleft")),
        (("top", "side"), ("desktop_1",), ("view-top", "side")),
        (("1", "2"), ("m1", "m2"), ("view-1", "view-2")),
        (("Top", "top"), (), ("Top", "view-top")),
        (("test", "x"), ("m1",), ("view-test", "x")),
        (("haut", "côté"), (), ("haut", "cote")),
    ],
)
def test_views_get_safe_names(views: tuple[str, ...], sessions: tuple[str, ...], safe: tuple[str, ...]) -> None:
    chosen, findings = safe_views(views, sessions)
    assert tuple(chosen.values()) == safe
    assert tuple(chosen) == views
    renamed = [(old, new) for old, new in chosen.items() if old != new]
    assert [finding.subject for finding in findings] == [old for old, _ in renamed]
    for finding, (_, new) in zip(findings, renamed, strict=True):
        assert (finding.code, finding.severity) == ("view-renamed", Severity.NOTE)
        assert f"called {new}" in finding.message


_odd_names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)
_near_names = st.text("ab1_-0", min_size=1, max_size=4)


@given(
    st.lists(st.one_of(_odd_names, _near_names), min_size=2, max_size=6, unique=True),
    st.lists(st.one_of(_odd_names, _near_names, st.just("view-a")), max_size=4),
    st.randoms(),
)
def test_safe_names_are_safe_whatever_was_there(views: list[str], sessions: list[str], random: object) -> None:
    folders = tuple(unique_sessions(sessions).values())
    chosen, _ = safe_views(views, folders)
    assert check_views(list(chosen.values()), folders) == []
    assert safe_views(list(chosen.values()), folders) == ({name: name for name in chosen.values()}, [])
    shuffled = list(views)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert safe_views(shuffled, folders)[0] == chosen


# --- moments --------------------------------------------------------------------------------------------------------


def frames(session: str, *indexes: int, labeled: bool = True) -> list[ViewFrame]:
    return [ViewFrame(session, f"img{index:04d}.png", index, labeled, True) for index in indexes]


def test_shared_filled_and_left_out() -> None:
    views = {"top": frames("a", 1, 2, 5) + frames("b", 7), "side": frames("a", 2, 3, 9) + frames("b", 8)}
    found = align(views, {("a", "side"): 5, ("a", "top"): 10})
    assert [(moment.frame_index, moment.images) for moment in found.moments] == [
        (1, ("img0001.png", None)),
        (2, ("img0002.png", "img0002.png")),
        (3, (None, "img0003.png")),
        (9, (None, "img0009.png")),
    ]
    # the video of side ends before 5, and b has no video that is proven to be its own
    assert [(out.view, out.frame.session, out.frame.frame_index, out.lacking) for out in found.left_out] == [
        ("top", "a", 5, ("side",)),
        ("top", "b", 7, ("side",)),
        ("side", "b", 8, ("top",)),
    ]
    a, b = found.sessions
    assert (a.session, a.n_frames, a.n_shared, a.n_filled, a.n_left_out) == ("a", (3, 3), 1, 3, 1)
    assert (b.session, b.n_frames, b.n_shared, b.n_filled, b.n_left_out) == ("b", (1, 1), 0, 0, 2)
    filled, in_a, in_b = explain_alignment(found)
    assert (filled.code, filled.severity) == ("views-filled", Severity.NOTE)
    assert "1 in side, 2 in top" in filled.message
    assert (in_a.code, in_a.severity, in_a.subject) == ("frames-not-in-all-views", Severity.ERROR, "a")
    assert "3 (top), 3 (side) labeled frames, of which the views share 4; left out: 1 (1 not in side)" in in_a.message
    assert "share 0; left out: 2 (1 not in side, 1 not in top)" in in_b.message


def test_an_image_without_label_serves_a_moment() -> None:
    views = {"top": frames("a", 1), "side": frames("a", 1, 2, labeled=False)}
    one, two = align(views, {("a", "top"): 3}).moments
    assert (one.images, one.is_labeled) == (("img0001.png", "img0001.png"), True)
    assert (two.images, two.is_labeled) == ((None, "img0002.png"), False)  # for the app's queue
    assert explain_alignment(align(views, {("a", "top"): 3})) == []
    assert explain_alignment(align(views, {})) == []  # nobody's label is lost


def test_images_without_a_number_meet_by_name_and_are_never_cut() -> None:
    views = {
        "top": [ViewFrame("a", "still.png", None), ViewFrame("a", "odd.png", None)],
        "side": [ViewFrame("a", "still.jpg", None)],
    }
    found = align(views, {("a", "side"): 100})
    assert [moment.images for moment in found.moments] == [("still.png", "still.jpg")]
    assert [out.frame.image for out in found.left_out] == ["odd.png"]


def test_one_number_twice() -> None:
    """img7.png and img0007.png: the second would be cut as the same frame again, without its labels."""
    twice = [ViewFrame("a", "img7.png", 7), ViewFrame("a", "img0007.png", 7)]
    found = align({"top": twice, "side": frames("a", 7)}, {("a", "side"): 100})
    assert [moment.images for moment in found.moments] == [("img7.png", "img0007.png")]
    assert [out.frame.image for out in found.left_out] == ["img0007.png"]
    both = align({"top": twice, "side": twice}, {})
    assert [moment.images for moment in both.moments] == [("img7.png", "img7.png"), ("img0007.png", "img0007.png")]


def test_the_first_frame_comes_first_and_can_be_cut() -> None:
    views = {"top": frames("a", 3, 0), "side": frames("a", 3)}
    found = align(views, {("a", "side"): 4})
    assert [(moment.frame_index, moment.images) for moment in found.moments] == [
        (0, ("img0000.png", None)),
        (3, ("img0003.png", "img0003.png")),
    ]


def test_a_frame_of_which_the_video_shows_another_picture_is_not_cut() -> None:
    views = {"top": frames("a", 1, 2), "side": frames("a", 1)}
    found = align(views, {("a", "side"): 9}, held={("a", "side"): {2}})
    assert [moment.frame_index for moment in found.moments] == [1]
    assert [out.frame.frame_index for out in found.left_out] == [2]


def test_two_images_of_one_frame_in_all_views_get_names_of_their_own() -> None:
    """Under one name the second would be written over the first, and its labels be another image's."""
    image = SimpleNamespace(info=SimpleNamespace(kind="png"), is_withheld=False, row=0)
    names = ("img7.png", "img07.png", "img0007.png")
    view: Any = SimpleNamespace(images={"a": dict.fromkeys(names, image)}, is_held_out=lambda _: False)
    twice = [ViewFrame("a", name, 7) for name in names]
    named = list(name_moments(align({"top": twice, "side": twice}, {}), [view, view], "queue"))
    assert [each.file_name for each in named] == ["img00000007.png", "img-b00000007.png", "img-c00000007.png"]


def test_frames_are_cut_only_from_what_is_proven() -> None:
    tie = SimpleNamespace(is_proven=False, size_px=(4, 4), rotation_deg=0, scaled=False)
    of_one_picture = SimpleNamespace(pictures=[None], parts=[tie])
    videos: Any = {"a": SimpleNamespace(tie=of_one_picture)}
    nothing: Any = None
    view = ViewImages(nothing, "top", nothing, (), {}, videos)
    assert view.cut_part("a") is None
    tie.is_proven = True
    assert view.cut_part("a") == 0
    of_one_picture.parts.insert(0, SimpleNamespace(is_proven=False, size_px=(4, 4), rotation_deg=0, scaled=False))
    assert view.cut_part("a") == 1


def test_a_number_that_the_video_contradicts_is_no_position() -> None:
    frame = NamedFrame("a", "img5.png", "dlc00000005.png", 5)
    contradicted: Any = SimpleNamespace(number_holds=lambda name: False)
    assert _position(frame, contradicted) is None
    assert _position(frame, None) == 5
    assert _position(replace(frame, video_frame_index=6), contradicted) == 6


_sessions = st.sampled_from(["a", "b", "c"])
_frames = st.lists(
    st.builds(
        lambda session, index, labeled, number: ViewFrame(session, f"{number}/{index}.png", index, labeled),
        _sessions,
        st.one_of(st.integers(0, 6), st.none()),
        st.booleans(),
        st.integers(0, 10**6),
    ),
    max_size=12,
    unique_by=lambda frame: (frame.session, frame.image),
)
_views = st.dictionaries(st.sampled_from(["top", "side", "back"]), _frames, min_size=2)
_videos = st.dictionaries(st.tuples(_sessions, st.sampled_from(["top", "side", "back"])), st.integers(0, 8))


@given(_views, _videos)
def test_every_image_is_accounted_for(views: dict[str, list[ViewFrame]], videos: dict[tuple[str, str], int]) -> None:
    found = align(views, videos)
    given_images = Counter((view, frame.session, frame.image) for view, images in views.items() for frame in images)
    placed = Counter(
        (view, moment.session, image)
        for moment in found.moments
        for view, image in zip(found.views, moment.images, strict=True)
        if image is not None
    )
    left_out = Counter((out.view, out.frame.session, out.frame.image) for out in found.left_out)
    assert placed + left_out == given_images
    by_image = {(view, frame.session, frame.image): frame for view, images in views.items() for frame in images}
    for moment in found.moments:
        assert any(moment.images)
        for view, image in zip(found.views, moment.images, strict=True):
            if image is not None:
                assert by_image[view, moment.session, image].frame_index == moment.frame_index
            else:
                assert moment.frame_index is not None
                assert moment.frame_index < videos[moment.session, view]
    for out in found.left_out:
        assert out.lacking
        assert out.view not in out.lacking
    for row in found.sessions:
        for view, number in zip(found.views, row.n_frames, strict=True):
            assert number == sum(frame.is_labeled and frame.session == row.session for frame in views[view])
    n_labeled = sum(frame.is_labeled for images in views.values() for frame in images)
    n_kept = sum(
        by_image[view, moment.session, image].is_labeled
        for moment in found.moments
        for view, image in zip(found.views, moment.images, strict=True)
        if image is not None
    )
    assert n_kept + sum(row.n_left_out for row in found.sessions) == n_labeled
    keys = [(moment.session, moment.frame_index is None, moment.frame_index or 0) for moment in found.moments]
    assert keys == sorted(keys)


@given(_views)
def test_with_every_video_nothing_numbered_is_left_out(views: dict[str, list[ViewFrame]]) -> None:
    once = {
        view: list({(frame.session, frame.frame_index): frame for frame in images}.values())
        for view, images in views.items()
    }
    videos = {(session, view): 100 for session in "abc" for view in views}
    assert all(out.frame.frame_index is None for out in align(once, videos).left_out)


def test_the_order_of_sessions_can_be_given() -> None:
    views = {"top": frames("a", 1) + frames("b", 1), "side": frames("a", 1) + frames("b", 1)}
    assert [moment.session for moment in align(views, {}, ("b", "a")).moments] == ["b", "a"]


# --- keypoints ------------------------------------------------------------------------------------------------------


def test_keypoints_join_where_they_belong() -> None:
    assert union_keypoints([("nose", "tail"), ("nose", "ear", "tail", "tip")]) == ("nose", "ear", "tail", "tip")
    assert union_keypoints([("a", "b"), ("b", "a")]) == ("a", "b")
    assert union_keypoints([(), ("a",)]) == ("a",)


@given(st.lists(st.lists(st.sampled_from("abcdefg"), unique=True), max_size=4))
def test_the_union_has_every_keypoint_once(views: list[list[str]]) -> None:
    joined = union_keypoints(views)
    assert sorted(joined) == sorted(set().union(*views))
    if views:
        assert [name for name in joined if name in views[0]] == views[0]


@given(st.permutations("abcdefg"), st.lists(st.sets(st.sampled_from("abcdefg")), max_size=4))
def test_views_that_agree_keep_their_order(order: list[str], kept: list[set[str]]) -> None:
    views = [[name for name in order if name in names] for names in kept]
    joined = union_keypoints(views)
    for names in views:
        assert [name for name in joined if name in names] == names
