"""Views whose videos differ in length: trimmed, kept as what does not work, or refused; no label is lost."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from builder import BuiltProject, Video, build_project, snapshot
from command import Result, dlc2lp

from dlc2lp.video.compare import compare_frames
from dlc2lp.video.probe import probe

CAMERAS = ("top", "side")


def cameras(folder: Path, **top: Any) -> dict[str, BuiltProject]:
    """Two cameras, of which the top one ran for 20 frames and the side one for 18."""
    each = {"top": {"n_frames": 20} | top, "side": {"n_frames": 18}}
    common = {"sessions": ("m1",), "frames": (2, 5)}
    return {view: build_project(folder / view, **(common | each[view])) for view in CAMERAS}


def convert(target: Path, projects: dict[str, BuiltProject], *options: str) -> Result:
    views = [part for name, project in projects.items() for part in ("--view", f"{name}={project.root}")]
    before = {name: snapshot(project.root) for name, project in projects.items()}
    result = dlc2lp("convert", *views, target, "--json", *options)
    assert {name: snapshot(project.root) for name, project in projects.items()} == before
    return result


def n_written(target: Path) -> dict[str, int]:
    return {view: probe(target / f"videos/m1_{view}.mp4").n_frames for view in CAMERAS}


@pytest.mark.parametrize(
    ("video", "actions"),
    [(Video(), {"remux", "rewrite"}), (Video(".avi", "mjpeg", "yuvj420p"), {"encode"})],
    ids=["h264", "mjpeg"],
)
def test_the_longer_of_two_videos_is_trimmed(tmp_path: Path, video: Video, actions: set[str]) -> None:
    projects, target = cameras(tmp_path, video=video), tmp_path / "lp"
    result = convert(target, projects)
    assert result.exit_code == 0, result.stderr
    told = result.finding("view-videos-differ")
    assert told["severity"] == "warning"
    assert "20 (top), 18 (side)" in told["message"]
    assert "left out at the end are 2 (top)" in told["message"]
    assert n_written(target) == {"top": 18, "side": 18}
    (top,) = [each for each in result.document["videos"] if each["view"] == "top"]
    assert (top["n_frames"], top["trimmed_to"]) == (20, 18)
    assert top["action"] in actions
    source, made = probe(Path(top["source"])), probe(target / top["target"])
    alike = compare_frames(source.path, source, made.path, made, how="full")
    assert alike.agrees
    assert alike.n_compared == 18
    config = yaml.safe_load((target / "configs/default.yaml").read_text(encoding="utf-8"))
    assert config["eval"]["predict_vids_after_training"] is True
    verified = dlc2lp("verify", target, "--json")
    assert verified.exit_code == 0, verified.stderr
    assert convert(target, projects).document["steps"]["done"] == []


def test_labels_beyond_the_end_of_a_trimmed_video_stay(tmp_path: Path) -> None:
    projects, target = cameras(tmp_path, frames=(2, 5, 19)), tmp_path / "lp"
    side = build_project(tmp_path / "late", sessions=("m1",), frames=(2, 5, 19), n_frames=20)
    shutil.copy(projects["side"].videos["m1"], side.videos["m1"])  # it ends before the image of frame 19
    result = convert(target, {"top": projects["top"], "side": side})
    assert result.exit_code == 0, result.stderr  # the neighbors of frame 19 are no frames of the trimmed video
    assert dlc2lp("verify", target, "--verify", "full").exit_code == 0
    assert "1 labeled frame beyond keeps its image and labels" in result.finding("view-videos-differ")["message"]
    for view in CAMERAS:
        rows = (target / f"CollectedData_{view}.csv").read_text(encoding="utf-8").splitlines()[3:]
        assert [row.split(",")[0] for row in rows] == [f"labeled-data/m1_{view}/img{k:08d}.png" for k in (2, 5, 19)]
    assert n_written(target) == {"top": 18, "side": 18}


def test_labels_that_a_camera_did_not_record_are_told_so(tmp_path: Path) -> None:
    result = convert(tmp_path / "lp", cameras(tmp_path, frames=(2, 5, 19)))
    assert result.exit_code == 1
    told = result.finding("frames-not-in-all-views")
    assert "left out: 1 (1 not in side), since these videos end before: side" in told["message"]
    assert "--video-root" not in told["hint"]


def test_what_is_kept_uneven_is_no_success(tmp_path: Path) -> None:
    projects, target = cameras(tmp_path), tmp_path / "lp"
    result = convert(target, projects, "--uneven", "keep")
    assert result.exit_code == 1
    told = result.finding("view-videos-differ")
    assert told["severity"] == "error"
    assert "--uneven trim" in told["hint"]
    assert result.codes.count("view-videos-differ") == 1
    assert n_written(target) == {"top": 20, "side": 18}
    verified = dlc2lp("verify", target, "--json")
    assert verified.exit_code == 1
    assert verified.finding("view-videos-differ")["subject"] == "m1"
    assert convert(target, projects).exit_code == 0
    assert n_written(target) == {"top": 18, "side": 18}


def test_uneven_videos_can_be_refused(tmp_path: Path) -> None:
    result = convert(tmp_path / "lp", cameras(tmp_path), "--uneven", "refuse")
    assert result.exit_code == 3
    assert result.finding("view-videos-differ")["severity"] == "error"
    assert not (tmp_path / "lp").exists()


def test_losses_that_learn_from_all_views_need_even_videos(tmp_path: Path) -> None:
    projects = cameras(tmp_path)
    assert convert(tmp_path / "kept", projects, "--uneven", "keep", "--losses", "temporal").exit_code == 2
    assert convert(tmp_path / "trimmed", projects, "--losses", "temporal").exit_code == 0
