"""Several cameras that are each as they should be, and together are not: told with counts, or asked about."""

from fractions import Fraction

import pytest
import rig
from builder import Session, Shuffle, Video, build_project
from command import dlc2lp

CAMERAS = ("top", "side")


def convert(tmp_path, top, side, *options, views=CAMERAS):
    projects = dict(zip(views, (top, side), strict=True))
    arguments = [part for name, project in projects.items() for part in ("--view", f"{name}={project.root}")]
    return dlc2lp("convert", *arguments, tmp_path / "lp", "--json", *options)


def build(tmp_path, view, **options):
    return build_project(tmp_path / view, **{"sessions": ("m1",), "frames": (2, 5, 9), **options})


def build_both(tmp_path, **side):
    return build(tmp_path, "top"), build(tmp_path, "side", **side)


def test_one_project_for_two_cameras_is_refused(tmp_path):
    top = build(tmp_path, "top")
    for other in (top.root, top.root / "config.yaml", tmp_path / "top/../top"):
        result = dlc2lp("inspect", "--view", f"top={top.root}", "--view", f"side={other}", "--json")
        assert (result.exit_code, result.codes) == (2, ["same-project-twice"])
        assert result.document["schema"] == "dlc2lp/inspect/1"
    shared = build_project(tmp_path / "dlc", sessions=("m1_top", "m1_side"), frames=(2, 5))
    hinted = ("--view-pattern", "{session}_{view}")
    assert dlc2lp("inspect", shared.root, *hinted).exit_code == 0


def test_recordings_of_other_names_are_joined_aloud(tmp_path):
    top = build(tmp_path, "top", sessions=("mouse1-day1",))
    side = build(tmp_path, "side", sessions=("mouse7-day9",))
    result = convert(tmp_path, top, side)
    assert result.exit_code == 0
    message = result.finding("recordings-of-other-names")["message"]
    assert "mouse1-day1 (top) and mouse7-day9 (side)" in message


def test_a_pattern_that_joins_recordings_is_proposed(tmp_path):
    sessions = ("2021-08-30", "2021-09-01")
    top = build(tmp_path, "top", sessions=tuple(f"cam1_{day}" for day in sessions))
    side = build(tmp_path, "side", sessions=tuple(f"cam2_{day}" for day in sessions))
    result = convert(tmp_path, top, side)
    assert result.exit_code == 3
    assert "{view}_{session}" in result.finding("no-common-session")["hint"]
    result = convert(tmp_path, top, side, "--view-pattern", "{view}_{session}")
    assert result.exit_code == 0
    assert "recordings-of-other-names" not in result.codes


@pytest.mark.parametrize(
    ("names", "spellings"),
    [(("m1_Top", "m1_side", "m2_top", "m2_side"), "Top and top"), (("M1_top", "m1_side"), "M1 and m1")],
)
def test_names_that_differ_only_in_case_are_asked_about(tmp_path, names, spellings):
    project = build_project(tmp_path / "dlc", sessions=names, frames=(2, 5), video="none")
    result = dlc2lp("inspect", project.root, "--view-pattern", "{session}_{view}", "--json")
    assert result.exit_code == 3
    assert result.finding("spelled-in-two-ways")["subject"] == spellings


def test_a_pattern_with_the_view_in_the_middle_is_proposed_with_the_cameras(tmp_path):
    names = tuple(f"mouse_a_{view}_day_{day}" for view in CAMERAS for day in (1, 2))
    project = build_project(tmp_path / "dlc", sessions=names, frames=(2, 5), video="none")
    result = dlc2lp("inspect", project.root, "--view-pattern", "{session}_{view}_{session}", "--json")
    assert (result.exit_code, result.codes[0]) == (3, "view-pattern-ambiguous")
    assert "one-view-only" not in result.codes
    assert "{session}_{view:side|top}_{session}" in result.finding("view-pattern-ambiguous")["hint"]


def test_an_empty_pattern_is_no_pattern_that_is_left_out(tmp_path):
    project = build(tmp_path, "top", video="none")
    result = dlc2lp("inspect", project.root, "--view-pattern", "", "--json")
    assert (result.exit_code, result.codes) == (2, ["bad-view-pattern"])


def test_a_3d_project_with_a_shared_project_takes_a_pattern(tmp_path):
    names = tuple(f"{camera}XX{session}" for session in ("m1", "m2") for camera in ("camera-1", "camera-2"))
    project = build_project(tmp_path / "dlc", sessions=names, frames=(2, 5), size_px=rig.SIZE)
    folder = tmp_path / "dlc-3d"
    folder.mkdir()
    cameras = ("camera-1", "camera-2")
    text = rig.config_text_3d(cameras, dict.fromkeys(cameras, str(project.config)), str(folder))
    (folder / "config.yaml").write_text(text)
    rig.write_calibration(folder, rig.calibrated())
    options = ("--square-size", "2.5", "--view-pattern", "{view}XX{session}")
    result = dlc2lp("convert", folder, tmp_path / "lp", *options, "--json")
    assert result.exit_code == 0, result.stderr
    assert [frames["session"] for frames in result.document["view_frames"]] == ["m1", "m2"]


def test_rows_that_rest_on_numbers_alone_are_counted(tmp_path):
    top, side = build_both(tmp_path, video="none", video_sets="empty")
    result = convert(tmp_path, top, side)
    assert result.exit_code == 0
    warning = result.finding("views-matched-by-number")
    assert warning["subject"] == "m1"
    assert "3 of 3 labeled frames" in warning["message"] and "images of side are" in warning["message"]


def test_proven_rows_are_not_doubted(tmp_path):
    result = convert(tmp_path, *build_both(tmp_path))
    assert (result.exit_code, result.codes) == (0, [])


def test_cameras_of_different_rates_are_told(tmp_path):
    result = convert(tmp_path, *build_both(tmp_path, video=Video(rate=Fraction(60))))
    assert result.exit_code == 0
    assert "25 fps (top), 60 fps (side)" in result.finding("view-rates-differ")["message"]


@pytest.mark.parametrize(
    ("bodyparts", "code"),
    [
        (("nose", "ear_left", "ear_right", "Tail"), "keypoint-names-alike"),
        (("snout", "ear_l", "ear_r", "hip"), "views-share-no-keypoint"),
    ],
)
def test_keypoints_that_cameras_call_differently_are_told(tmp_path, bodyparts, code):
    result = convert(tmp_path, *build_both(tmp_path, bodyparts=bodyparts, skeleton=()))
    assert result.exit_code == 0
    assert result.finding(code)["severity"] == "warning"


def test_a_camera_without_one_label_is_told(tmp_path):
    result = convert(tmp_path, *build_both(tmp_path, labels=lambda key, point: None))
    assert result.exit_code == 0, result.stderr
    assert result.finding("view-without-labels")["subject"] == "side"


def test_unlabeled_images_of_one_camera_alone_are_counted(tmp_path):
    top = build(tmp_path, "top", unlabeled=(7, 12))
    side = build(tmp_path, "side", video="none", video_sets="empty")
    result = convert(tmp_path, top, side)
    assert ": 2 of the images" in result.finding("unlabeled-not-in-all-views")["message"]
    assert "unlabeled-not-in-all-views" not in convert(tmp_path, top, side, "--empty-frames", "drop").codes


def test_frame_names_can_not_be_kept(tmp_path):
    result = convert(tmp_path, *build_both(tmp_path), "--frame-names", "keep")
    assert result.finding("option-unused")["subject"] == "--frame-names keep"


def with_test_rows(tmp_path, view, test):
    rows = range(10)
    shuffle = Shuffle(fraction=1 - len(test) / 10, train=[row for row in rows if row not in test], test=test)
    return build(tmp_path, view, frames=tuple(range(10)), shuffles=(shuffle,))


def test_splits_that_contradict_each_other_are_told(tmp_path):
    top, side = with_test_rows(tmp_path, "top", [8, 9]), with_test_rows(tmp_path, "side", [7, 8])
    views = ("--view", f"top={top.root}", "--view", f"side={side.root}")
    listed = dlc2lp("inspect", *views, "--split", "list", "--json")
    assert (listed.exit_code, listed.document["splits"]) == (0, list(top.splits))
    result = convert(tmp_path, top, side, "--split", "1")
    assert result.exit_code == 0, result.stderr
    assert result.finding("splits-differ")["message"].count(": 2 of the labeled frames") == 1
    held_out = (tmp_path / "lp/CollectedData_top_test.csv").read_text().splitlines()[3:]
    assert [row.split(",")[0][-6:-4] for row in held_out] == ["07", "08", "09"]


def test_splits_that_leave_nothing_to_train_on_are_refused(tmp_path):
    top, side = with_test_rows(tmp_path, "top", list(range(5))), with_test_rows(tmp_path, "side", list(range(5, 10)))
    result = convert(tmp_path, top, side, "--split", "1")
    assert (result.exit_code, result.codes[0]) == (3, "nothing-to-train")
    assert not (tmp_path / "lp").exists()


def test_questions_say_which_camera_they_concern(tmp_path):
    top = build(tmp_path, "top", video="none")
    side = build(tmp_path, "side", video="none", individuals=("i1", "i2"))
    result = convert(tmp_path, top, side)
    assert result.exit_code == 3
    question = result.finding("several-individuals")
    assert question["subject"] == "side: individuals"
    assert "split" not in question["hint"]


def test_inspect_says_which_camera_is_which(tmp_path):
    top, side = build_both(tmp_path)
    shown = dlc2lp("inspect", "--view", f"top={top.root}", "--view", f"side={side.root}").stdout
    assert f"top: DeepLabCut project reach, scorer Anna, Aug30\n{top.root}" in shown
    assert "side: m1.mp4" in shown


def test_what_videos_none_costs_is_said(tmp_path):
    top, side = build_both(tmp_path, sessions=(Session("m1", frames=(2, 5, 11)),))
    result = convert(tmp_path, top, side, "--videos", "none")
    assert result.exit_code == 1
    assert "--videos none" in result.finding("frames-not-in-all-views")["hint"]
