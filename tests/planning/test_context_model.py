"""A model that looks at the neighbors of labeled frames: whether they are there is known before anything is written."""

import json
from pathlib import Path

import pytest
from builder import Session, build_project
from command import dlc2lp

from dlc2lp.lp.yamlfile import load_yaml
from dlc2lp.planning.context import RowFrame, lacks_neighbors
from dlc2lp.planning.plan import PLAN_FILE

FRAMES = (1, 4, 8, 12, 15, 23)  # the last one is the last of its video


def project(root: Path, **options):
    return build_project(root, **({"sessions": ("m1",), "frames": FRAMES, "n_frames": 24} | options)).root


def without_context(target: Path) -> int:
    return json.loads((target / PLAN_FILE).read_text(encoding="utf-8"))["config_facts"]["n_frames_without_context"]


def model_of(target: Path) -> str:
    return load_yaml((target / "configs/default.yaml").read_text(encoding="utf-8"))["model"]["model_type"]


def test_frames_that_are_cut_count_and_the_end_of_the_video_is_no_lack(tmp_path):
    made = dlc2lp("convert", project(tmp_path / "dlc"), tmp_path / "lp", "--model", "heatmap_mhcrnn", "--json")
    assert made.exit_code == 0, made.stderr
    assert "context-frames-missing" not in made.codes
    assert without_context(tmp_path / "lp") == 0
    assert model_of(tmp_path / "lp") == "heatmap_mhcrnn"


def test_a_session_without_its_video_lacks_them(tmp_path):
    root = project(tmp_path / "dlc", sessions=("m1", Session("m2", video="none")))
    made = dlc2lp("convert", root, tmp_path / "lp", "--model", "heatmap_mhcrnn", "--json")
    assert made.exit_code == 0, made.stderr
    finding = made.finding("context-frames-missing")
    assert finding["severity"] == "warning"
    assert f"{len(FRAMES)} of {2 * len(FRAMES)} labeled frames" in finding["message"]
    assert without_context(tmp_path / "lp") == len(FRAMES)


def test_the_last_frame_of_a_video_is_a_neighbor_and_none_comes_behind_it():
    row = RowFrame("labeled-data/m1/img0007.png", 7, 0)
    there = {f"labeled-data/m1/img000{index}.png" for index in (5, 6, 7, 8)}
    assert lacks_neighbors(row.target, row, 10, there)
    assert not lacks_neighbors(row.target, row, 9, there)
    assert lacks_neighbors(row.target, None, 9, there)  # nobody knows which frame it is


@pytest.mark.parametrize("options", [("--no-context-frames",), ("--videos", "none", "--no-context-frames")])
def test_without_any_the_model_is_refused_and_nothing_is_written(tmp_path, options):
    root = project(tmp_path / "dlc")
    made = dlc2lp("convert", root, tmp_path / "lp", "--model", "heatmap_mhcrnn", *options, "--json")
    assert made.exit_code == 2
    assert made.codes == ["context-frames-missing"]
    assert not (tmp_path / "lp").exists()


def test_config_refuses_it_too_where_the_target_has_none(tmp_path):
    target = tmp_path / "lp"
    assert dlc2lp("convert", project(tmp_path / "dlc"), target, "--no-context-frames").exit_code == 0
    assert without_context(target) == len(FRAMES)
    before = (target / "configs/default.yaml").read_bytes()
    made = dlc2lp("config", target, "--model", "heatmap_mhcrnn")
    assert made.exit_code == 2
    assert "found heatmap_mhcrnn and no labeled frame with its neighbors" in " ".join(made.stderr.split())
    assert (target / "configs/default.yaml").read_bytes() == before


def test_config_takes_another_model_and_keeps_the_choice(tmp_path):
    target = tmp_path / "lp"
    assert dlc2lp("convert", project(tmp_path / "dlc"), target).exit_code == 0
    assert dlc2lp("config", target, "--model", "heatmap_mhcrnn").exit_code == 0
    assert dlc2lp("config", target, "--gpu-memory", "24").exit_code == 0
    assert model_of(target) == "heatmap_mhcrnn"
    assert dlc2lp("verify", target).exit_code == 0


def test_several_views_count_moments(tmp_path):
    for view, video in (("top", None), ("side", "none")):
        project(tmp_path / view, sessions=(Session(f"m1_{view}", video=video),))
    views = [part for view in ("top", "side") for part in ("--view", f"{view}={tmp_path / view}")]
    target = tmp_path / "lp"
    assert dlc2lp("convert", *views, target, "--json").exit_code == 0
    assert without_context(target) == len(FRAMES)
