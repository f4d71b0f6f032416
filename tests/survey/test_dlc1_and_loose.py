"""Data sets of DeepLabCut 1 and loose label sets are converted like any project, alone and in an archive."""

import json

import pytest
from builder import build_project
from command import dlc2lp
from dlc1 import build_dlc1, build_loose
from targets import read_labels


def arrived(target):
    return {(image.split("/")[1], keypoint, point) for (image, keypoint), point in read_labels(target).items()}


def expected(truth):
    return {(folder, keypoint, point) for (folder, _, keypoint), point in truth.items()}


@pytest.mark.parametrize("place", [".", "Generating_a_Training_Set", "Generating_a_Training_Set/data-reach"])
@pytest.mark.parametrize("files", [("csv", "h5"), ("csv",), ("h5",)])
def test_a_data_set_of_deeplabcut_1_arrives(tmp_path, place, files) -> None:
    truth = build_dlc1(tmp_path / "dlc", files=files)
    told = dlc2lp("convert", tmp_path / "dlc" / place, tmp_path / "lp", "--json")
    assert told.exit_code == 0, told.stderr
    assert arrived(tmp_path / "lp") == expected(truth)
    assert told.document["counts"]["labeled_cells"] == {"source": 12, "written": 12, "left_out": 0}
    assert "dlc1-data-set" in told.codes
    assert not {"config-missing", "session-not-listed", "scorer-differs"} & set(told.codes)
    assert dlc2lp("verify", tmp_path / "lp").exit_code == 0
    again = dlc2lp("convert", tmp_path / "dlc" / place, tmp_path / "lp", "--json")
    assert again.document["steps"]["done"] == []


def test_scorers_of_deeplabcut_1_are_asked_about(tmp_path) -> None:
    truth = build_dlc1(tmp_path / "dlc", scorers=("Ana", "Bob"))
    told = dlc2lp("convert", tmp_path / "dlc", tmp_path / "lp", "--json")
    assert told.exit_code == 3
    assert {"Ana", "Bob"} <= set(told.document["findings"][0]["hint"].replace(",", "").split())
    assert dlc2lp("convert", tmp_path / "dlc", tmp_path / "lp", "--scorer", "Bob").exit_code == 0
    assert arrived(tmp_path / "lp") == expected(truth)


def test_an_image_folder_that_is_gone_is_counted(tmp_path) -> None:
    build_dlc1(tmp_path / "dlc")
    folder = tmp_path / "dlc" / "Generating_a_Training_Set" / "data-reach" / "video_1"
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    told = dlc2lp("convert", tmp_path / "dlc", tmp_path / "lp", "--json")
    assert told.exit_code == 1
    assert told.document["counts"]["labeled_cells"] == {"source": 12, "written": 6, "left_out": 6}


@pytest.mark.parametrize("row_folder", [None, "", "somewhere/else"])
def test_a_loose_label_set_arrives(tmp_path, row_folder) -> None:
    truth = build_loose(tmp_path / "mouse", row_folder=row_folder)
    told = dlc2lp("convert", tmp_path / "mouse", tmp_path / "lp", "--json")
    assert told.exit_code == 0, told.stderr
    assert arrived(tmp_path / "lp") == expected(truth)
    assert "config-missing" not in told.codes


def test_an_archive_converts_all_kinds_and_names_what_belongs_to_no_project(tmp_path) -> None:
    root, out = tmp_path / "archive", tmp_path / "out"
    build_project(root / "usual", video="none", sessions=("m1",))
    build_dlc1(root / "old")
    build_loose(root / "loose" / "mouse")
    build_loose(root / "lost" / "m9", images=False)
    told = dlc2lp("batch", "convert", root, out, "--json")
    report = json.loads((out / "report.json").read_text())
    states = {project["project"]: project["state"] for project in report["projects"]}
    assert states == {"usual": "done", "old": "done", "loose/mouse": "done"}
    assert "lost/m9" in told.finding("labels-outside-projects")["subject"]
    assert "lost/m9" in (out / "index.html").read_text()
    assert "lost/m9" in told.stderr
