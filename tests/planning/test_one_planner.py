"""Whatever one camera is told, several are told: there is one planner, and a single camera is its usual case."""

import cv2
import numpy as np
import pytest
from builder import Shuffle, build_project
from command import dlc2lp
from targets import read_labels

#: Names of folders that Lightning Pose refuses, a camera's behind them.
ODD_SESSIONS = {"one": ("m.1",), "several": ("m.1_top", "m.1_side")}
OPTIONS = {"one": (), "several": ("--view-pattern", "{session}_{view}")}


@pytest.fixture(params=["one", "several"])
def cameras(request):
    return request.param


def convert(project, target, cameras, *options):
    return dlc2lp("convert", project.root, target, *OPTIONS[cameras], "--json", *options)


def test_sixteen_bits_new_names_and_the_column_are_told(tmp_path, cameras):
    sessions = ODD_SESSIONS[cameras]
    project = build_project(
        tmp_path / "dlc",
        sessions=(*sessions, *(name.replace("m.1", "m2") for name in sessions)),
        frames=(2, 5),
        image_mode="gray16",
        labels=lambda key, xy: None if (key[0] == sessions[0] and "tail" in key) else xy,
        video="none",
    )
    result = convert(project, tmp_path / "lp", cameras)
    assert result.exit_code == 0, result.stderr
    assert {"images-16-bit", "session-renamed", "visible-column"} <= set(result.codes)
    assert "'m.1' -> m-1" in result.finding("session-renamed")["message"]
    assert "are divided by 256" in result.finding("images-16-bit")["message"]
    assert "(tail)" in result.finding("visible-column")["message"]
    for path in (tmp_path / "lp/labeled-data").rglob("*.png"):
        assert cv2.imread(str(path), cv2.IMREAD_UNCHANGED).dtype == np.uint8


def test_values_of_twelve_bits_stay_bright(tmp_path, cameras):
    """Shifted by eight bits, the images of a 12-bit camera would be almost black."""
    project = build_project(
        tmp_path / "dlc", sessions=ODD_SESSIONS[cameras], frames=(2, 5), image_mode="gray16", video="none"
    )
    for path in (project.root / "labeled-data").rglob("img*.png"):
        deep = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        cv2.imwrite(str(path), deep >> 4)
    result = convert(project, tmp_path / "lp", cameras)
    assert result.exit_code == 0, result.stderr
    assert "are divided by 16" in result.finding("images-16-bit")["message"]
    for image in (each for session in result.document["sessions"] for each in session["images"]):
        shown = cv2.imread(str(tmp_path / "lp" / image["target"]), cv2.IMREAD_UNCHANGED)
        (source,) = (project.root / "labeled-data").rglob(image["source"]) if cameras == "one" else (None,)
        assert shown.max() > 100
        if source is not None:
            assert np.array_equal(shown, cv2.imread(str(source), cv2.IMREAD_UNCHANGED) >> 4)


def test_a_split_that_holds_out_everything_is_told_by_its_name(tmp_path, cameras):
    sessions = {"one": ("m1",), "several": ("m1_top", "m1_side")}[cameras]
    rows = range(2 * len(sessions))
    project = build_project(
        tmp_path / "dlc",
        sessions=sessions,
        frames=(2, 5),
        video="none",
        shuffles=(Shuffle(fraction=0.5, train=rows[::2], test=rows[1::2]),),
    )
    for session in sessions:  # what would be trained on is lost; the test frames are there
        (project.root / "labeled-data" / session / "img02.png").unlink()
    result = convert(project, tmp_path / "lp", cameras, "--split", "1")
    assert (result.exit_code, result.codes[0]) == (3, "nothing-to-train")


def test_the_note_says_which_frames_only_other_views_have_labelled(tmp_path):
    top = build_project(tmp_path / "top", sessions=("m1",), frames=(2, 5, 9))
    side = build_project(tmp_path / "side", sessions=("m1",), frames=(2, 5))
    views = ("--view", f"top={top.root}", "--view", f"side={side.root}")
    result = dlc2lp("convert", *views, tmp_path / "lp", "--json")
    assert result.exit_code == 0, result.stderr
    note = result.finding("visible-column")
    assert "1 frame has labels in other views only" in note["message"]
    assert note["subject"] == "CollectedData_top.csv, CollectedData_side.csv"
    assert len({image for image, _ in read_labels(tmp_path / "lp", "CollectedData_side.csv")}) == 3
