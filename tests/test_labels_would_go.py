"""A source that can't be read as it could be takes nothing out of a target: perhaps that holds the only good copy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from builder import Video, build_project
from command import dlc2lp
from targets import tree

JPEG = Video(codec="mjpeg", container="avi", pixel_format="yuvj420p", suffix=".avi")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


def into_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def emptied(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [cut, into_a_folder, emptied])
@pytest.mark.parametrize("n_sessions", [1, 2])
def test_labels_stay_where_they_are(tmp_path: Path, damage, n_sessions: int) -> None:
    sessions = ("m1", "m2")[:n_sessions]
    project, target = build_project(tmp_path / "dlc", sessions=sessions, video="none"), tmp_path / "lp"
    assert dlc2lp("convert", project.root, target).exit_code == 0
    shutil.copytree(project.root, tmp_path / "before")
    held = tree(target)
    for path in (project.root / "labeled-data" / sessions[-1]).glob("CollectedData*"):
        damage(path)
    for words in (("convert", project.root, target), ("convert", project.root, target, "--dry-run")):
        result = dlc2lp(*words, "--json")
        assert result.exit_code == 3, words
        # of a project in which no label at all can be read nothing is planned
        assert n_sessions == 1 or "labels-would-go" in result.codes
        assert len([each for each in result.document["findings"] if each["severity"] == "error"]) > 1
        assert tree(target) == held
    fresh = dlc2lp("convert", project.root, tmp_path / "fresh", "--json")
    assert fresh.exit_code == (3 if n_sessions == 1 else 1), "what can be read is converted, and the rest told"
    shutil.rmtree(project.root)
    shutil.copytree(tmp_path / "before", project.root)
    assert dlc2lp("convert", project.root, target).exit_code == 0
    assert tree(target) == held


def test_what_is_told_says_how_much_and_what_to_do(tmp_path: Path) -> None:
    project, target = build_project(tmp_path / "dlc", sessions=("m1", "m2"), video="none"), tmp_path / "lp"
    assert dlc2lp("convert", project.root, target).exit_code == 0
    for path in (project.root / "labeled-data/m2").glob("CollectedData*"):
        cut(path)
    finding = dlc2lp("convert", project.root, target, "--json").finding("labels-would-go")
    assert "5 labeled frames and 20 labeled points more than the source gives now" in finding["message"]
    assert finding["where"] == str(project.root)
    assert "empty folder" in finding["hint"]


def test_what_people_take_out_of_a_source_goes_from_the_target_too(tmp_path: Path) -> None:
    project, target = build_project(tmp_path / "dlc", sessions=("m1", "m2"), video="none"), tmp_path / "lp"
    assert dlc2lp("convert", project.root, target).exit_code == 0
    shutil.rmtree(project.root / "labeled-data/m2")
    result = dlc2lp("convert", project.root, target, "--json")
    assert (result.exit_code, "stale-removed" in result.codes) == (0, True)
    assert not (target / "labeled-data/m2").exists()


def test_an_error_that_was_there_all_along_forbids_nothing(tmp_path: Path) -> None:
    project, target = build_project(tmp_path / "dlc", sessions=("m1", "m2", "m3"), video="none"), tmp_path / "lp"
    for path in (project.root / "labeled-data/m3").glob("CollectedData*"):
        cut(path)
    assert dlc2lp("convert", project.root, target).exit_code == 1
    shutil.rmtree(project.root / "labeled-data/m2")
    result = dlc2lp("convert", project.root, target, "--json")
    assert (result.exit_code, "stale-removed" in result.codes) == (1, True)


def test_an_archive_keeps_them_too(tmp_path: Path) -> None:
    build_project(tmp_path / "root/a", sessions=("m1", "m2"), video="none")
    build_project(tmp_path / "root/b", sessions=("m1",), video="none", task="other")
    assert dlc2lp("batch", "convert", tmp_path / "root", tmp_path / "out").exit_code == 0
    held = tree(tmp_path / "out/a")
    for path in (tmp_path / "root/a/labeled-data/m2").glob("CollectedData*"):
        cut(path)
    result = dlc2lp("batch", "convert", tmp_path / "root", tmp_path / "out", "--json")
    assert result.exit_code in {1, 3}
    assert "labels-would-go" in result.codes
    assert tree(tmp_path / "out/a") == held
    assert dlc2lp("verify", tmp_path / "out/b").exit_code == 0


def test_of_a_plan_that_was_never_carried_out_nothing_is_held(tmp_path: Path) -> None:
    build_project(tmp_path / "root/a", sessions=("m1", "m2"), video=JPEG, n_frames=20)
    assert dlc2lp("batch", "plan", tmp_path / "root", tmp_path / "out").exit_code == 0
    for path in (tmp_path / "root/a/labeled-data/m2").glob("CollectedData*"):
        cut(path)
    (tmp_path / "root/a/videos/m1.avi").unlink()
    result = dlc2lp("batch", "convert", tmp_path / "root", tmp_path / "out", "--json")
    assert result.exit_code == 1
    assert not {"labels-would-go", "videos-would-go"} & {*result.codes}
    assert not (tmp_path / "out/a/labeled-data/m2").exists()


def gone(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("damage", [gone, cut, into_a_folder])
def test_videos_stay_where_they_are(tmp_path: Path, damage) -> None:
    project, target = build_project(tmp_path / "dlc", sessions=("m1", "m2"), video=JPEG, n_frames=20), tmp_path / "lp"
    assert dlc2lp("convert", project.root, target).exit_code == 0
    held, video = tree(target), project.videos["m2"].read_bytes()
    assert {"videos/m1.mp4", "videos/m2.mp4"} <= held.keys()
    damage(project.videos["m2"])
    for words in (("convert", project.root, target), ("convert", project.root, target, "--dry-run")):
        result = dlc2lp(*words, "--json")
        assert (result.exit_code, "videos-would-go" in result.codes) == (3, True), words
        assert tree(target) == held
    finding = result.finding("videos-would-go")
    assert (
        f"1 video that the source does not give any more: videos/m2.mp4 of {project.videos['m2']}" in finding["message"]
    )
    assert "--video-root DIR" in finding["hint"] and "--videos none" in finding["hint"]
    assert dlc2lp("convert", project.root, tmp_path / "fresh").exit_code in {0, 1}, "to a new target all is as ever"
    if project.videos["m2"].is_dir():
        project.videos["m2"].rmdir()
    project.videos["m2"].write_bytes(video)
    assert dlc2lp("convert", project.root, target).exit_code == 0
    assert tree(target) == held


def test_the_ways_out_that_are_told_lead_out(tmp_path: Path) -> None:
    project, target = build_project(tmp_path / "dlc", sessions=("m1", "m2"), video=JPEG, n_frames=20), tmp_path / "lp"
    assert dlc2lp("convert", project.root, target).exit_code == 0
    held = tree(target)
    project.videos["m2"].unlink()
    (tmp_path / "kept").mkdir()
    shutil.copy(target / "videos/m2.mp4", tmp_path / "kept/m2.mp4")
    result = dlc2lp("convert", project.root, target, "--video-root", tmp_path / "kept", "--json")
    assert result.exit_code == 0
    assert tree(target)["videos/m2.mp4"] == held["videos/m2.mp4"]
    assert {name for name in tree(target) if name.startswith("labeled-data")} == {
        name for name in held if name.startswith("labeled-data")
    }
    with_copy = tree(target)
    assert dlc2lp("convert", project.root, target).exit_code == 3, "the option was forgotten"
    (tmp_path / "kept/m2.mp4").unlink()
    assert dlc2lp("convert", project.root, target, "--video-root", tmp_path / "kept").exit_code == 3
    assert tree(target) == with_copy
    assert dlc2lp("convert", project.root, target, "--videos", "none").exit_code == 0
    assert not list((target / "videos").glob("*"))


def test_a_session_that_people_took_out_takes_its_video_along(tmp_path: Path) -> None:
    project, target = build_project(tmp_path / "dlc", sessions=("m1", "m2"), video=JPEG, n_frames=20), tmp_path / "lp"
    assert dlc2lp("convert", project.root, target).exit_code == 0
    shutil.rmtree(project.root / "labeled-data/m2")
    project.videos["m2"].unlink()
    assert dlc2lp("convert", project.root, target).exit_code == 0
    assert not (target / "videos/m2.mp4").exists()
