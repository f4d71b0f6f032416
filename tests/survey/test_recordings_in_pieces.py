"""A recording that the camera wrote in pieces is told as such, and stays what it is: a session for each piece."""

from dataclasses import replace

import pytest
from builder import Session, build_project
from command import dlc2lp
from scene import Video, draw_frame, write_clip
from targets import expect_labels

from dlc2lp.survey.measure_videos import SurveyedVideo
from dlc2lp.survey.recordings_in_pieces import recordings_in_pieces
from dlc2lp.video.probe import probe


@pytest.fixture(scope="module")
def info(tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    write_clip(path, (draw_frame("m1", at) for at in range(5)), Video())
    return probe(path)


def told(info, pieces, *, width_px=128):
    """Subjects and messages for videos of names and numbers of frames; None for a session without a video."""
    videos = []
    for number, (name, n_frames) in enumerate(pieces.items()):
        if n_frames is not None:
            width = width_px if number else 128
            own = replace(info, n_frames=n_frames, size_bytes=1000 + 100 * number * number, width_px=width)
            videos.append(SurveyedVideo(info.path, name, own, None, session=name))
    findings = recordings_in_pieces(videos, pieces)
    assert {(finding.severity, finding.code) for finding in findings} <= {("note", "recording-in-pieces")}
    return [finding.message.split(" are called")[0] for finding in findings]


@pytest.mark.parametrize(
    ("pieces", "names"),
    [
        ({"run-0000": 90, "run-0001": 90, "run-0002": 41}, "run-0000, run-0001, run-0002"),
        ({"run_0000": 90, "run_0001": 41}, "run_0000, run_0001"),
        ({"2021-05-03-0000": 90, "2021-05-03-0001": 90}, "2021-05-03-0000, 2021-05-03-0001"),
        ({"run-0000": None, "run-0001": None, "other": 3}, "run-0000, run-0001"),
        ({"run-0000": 90, "run-0001": 91, "run-0003": 300}, "run-0000, run-0001"),
        ({"run-0001": 90, "run-0002": 91, "run-0003": 41}, "run-0001, run-0002, run-0003"),
        ({"run.000": 90, "run.001": 91, "run.002": 41}, "run.000, run.001, run.002"),
        ({"GX010123": 90, "GX020123": 41, "GX010124": 90}, "GX010123, GX020123"),
        ({"GOPR0123": None, "GP010123": None, "GP020123": None}, "GOPR0123, GP010123, GP020123"),
    ],
)
def test_pieces_of_one_recording(info, pieces, names):
    assert told(info, pieces) == [names]


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param({"mouse_1": 90, "mouse_2": 90, "mouse_3": 41}, id="animals"),
        pytest.param({"day-01": 90, "day-02": 90, "day-03": 41}, id="days"),
        pytest.param({"trial-001": 90, "trial-002": 90, "trial-003": 90}, id="trials, all alike"),
        pytest.param({"trial-0001": 90, "trial-0002": 70, "trial-0003": 60}, id="trials, no two alike"),
        pytest.param({"trial-0001": 90, "trial-0002": 41}, id="two trials"),
        pytest.param({"trial-0001": None, "trial-0002": None, "trial-0003": None}, id="trials without videos"),
        pytest.param({"run-0000": 90, "run-0001": 200}, id="the last is longer"),
        pytest.param({"run-0000": 90, "run-0001": 40, "run-0002": 90}, id="one between is shorter"),
        pytest.param({"run-0000": 90, "run-001": 90}, id="other digits"),
        pytest.param({"run-0000": 90, "walk-0001": 90}, id="other names"),
        pytest.param({"run-0900": 90, "run-0901": 41}, id="times"),
        pytest.param({"run-0000": 90, "run-0002": 41}, id="not in a row"),
        pytest.param({"GX010123": 90, "GX010124": 90}, id="two recordings of a GoPro"),
        pytest.param({"run-0000": 90}, id="one"),
    ],
)
def test_names_that_people_give(info, pieces):
    assert told(info, pieces) == []


def test_pieces_have_pictures_of_one_size(info):
    assert told(info, {"run-0000": 90, "run-0001": 90}, width_px=256) == []


def test_each_piece_stays_a_session_of_its_own(tmp_path):
    names = ("run-0000", "run-0001")
    project = build_project(tmp_path / "dlc", sessions=[Session(name) for name in names])
    target = tmp_path / "lp"
    result = dlc2lp("convert", project.root, target, "--json")
    assert result.exit_code == 0, result.stderr
    finding = result.finding("recording-in-pieces")
    assert (finding["severity"], finding["subject"]) == ("note", "run-0000")
    assert "each stays a session of its own" in finding["message"]
    assert [video["target"] for video in result.document["videos"]] == [f"videos/{name}.mp4" for name in names]
    expect_labels(project, target)
    assert "recording-in-pieces" in dlc2lp("inspect", project.root).stdout
