"""A 3D project's cameras: their 2D projects, wherever they were recorded."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from rig import calibrated, config_text_3d, write_calibration

from dlc2lp.dlc.config import read_config
from dlc2lp.dlc.project3d import Dlc3dProject, read_3d_project

NAMES = ("camera-1", "camera-2")


def make_2d(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("Task: reach\nscorer: Anna\nbodyparts: [nose]\nvideo_sets: {}\n")
    return folder / "config.yaml"


def read(
    root: Path,
    configs: dict[str, str],
    project_path: str = "/home/jane/reach-3d",
    names: tuple[str, ...] = NAMES,
    search: tuple[Path, ...] = (),
) -> Dlc3dProject:
    write_calibration(root, calibrated())
    (root / "config.yaml").write_text(config_text_3d(names, configs, project_path))
    return read_3d_project(root, read_config(root / "config.yaml"), search)


def paths(project: Dlc3dProject) -> list[Path | None]:
    return [camera.config_path for camera in project.cameras]


@pytest.mark.parametrize("as_folder", [False, True])
def test_recorded_on_this_machine(tmp_path: Path, as_folder: bool) -> None:
    left, right = make_2d(tmp_path / "elsewhere" / "left"), make_2d(tmp_path / "right")
    recorded = [str(path.parent if as_folder else path) for path in (left, right)]
    project = read(tmp_path / "3d", dict(zip(NAMES, recorded, strict=True)))
    assert paths(project) == [left, right]
    assert project.findings == ()
    assert not project.is_shared
    assert [camera.name for camera in project.calibration.cameras] == list(NAMES)


def test_before_calibrating_the_keys_have_numbers(tmp_path: Path) -> None:
    left, right = make_2d(tmp_path / "left"), make_2d(tmp_path / "right")
    configs = {"camera-1": str(left), "camera-2": str(right)}
    assert paths(read(tmp_path / "3d", configs, names=("top", "side"))) == [left, right]


def test_recorded_on_a_windows_machine_and_copied_beside(tmp_path: Path) -> None:
    left, right = make_2d(tmp_path / "left-Jane-2021-08-30"), make_2d(tmp_path / "right-Jane-2021-08-30")
    configs = {
        name: f"C:\\Users\\Jane Doe\\dlc\\{path.parent.name}\\config.yaml"
        for name, path in zip(NAMES, (left, right), strict=True)
    }
    project = read(tmp_path / "reach-3d", configs, "C:\\Users\\Jane Doe\\dlc\\reach-3d")
    assert paths(project) == [left, right]


def test_the_same_way_from_the_3d_project_as_there(tmp_path: Path) -> None:
    left, right = make_2d(tmp_path / "2d" / "a" / "left"), make_2d(tmp_path / "2d" / "b" / "left")
    make_2d(tmp_path / "exp" / "right")  # beside the 3D project, and not meant
    configs = {"camera-1": "d:\\Data\\2d\\a\\left\\config.yaml", "camera-2": "D:\\data\\2d\\b\\left\\config.yaml"}
    assert paths(read(tmp_path / "exp" / "3d", configs, "D:\\data\\exp\\3d")) == [left, right]


def test_inside_the_3d_project_and_in_a_given_folder(tmp_path: Path) -> None:
    left, right = make_2d(tmp_path / "3d" / "left"), make_2d(tmp_path / "archive" / "right")
    configs = {"camera-1": "/mnt/lab/left/config.yaml", "camera-2": "/mnt/lab/right/config.yaml"}
    project = read(tmp_path / "3d", configs, search=(tmp_path / "archive",))
    assert paths(project) == [left, right]
    assert paths(read(tmp_path / "3d", configs, search=(right.parent,))) == [left, right]


def test_several_could_be_meant(tmp_path: Path) -> None:
    one, two = make_2d(tmp_path / "left"), make_2d(tmp_path / "archive" / "left")
    right = make_2d(tmp_path / "right")
    configs = {"camera-1": "/mnt/lab/left/config.yaml", "camera-2": str(right)}
    project = read(tmp_path / "3d", configs, search=(tmp_path / "archive",))
    assert paths(project) == [None, right]
    assert project.cameras[0].candidates == (one, two)
    (finding,) = project.findings
    assert (finding.code, finding.where) == ("camera-project-missing", "config_file_camera-1")
    assert str(one) in finding.hint
    assert str(two) in finding.hint
    # a link to the same project is no second candidate
    if os.name == "posix":
        (tmp_path / "archive" / "left" / "config.yaml").unlink()
        (tmp_path / "archive" / "left").rmdir()
        (tmp_path / "archive" / "left").symlink_to(one.parent, target_is_directory=True)
        assert paths(read(tmp_path / "3d", configs, search=(tmp_path / "archive",))) == [one, right]


def test_the_recorded_place_goes_before_others(tmp_path: Path) -> None:
    left = make_2d(tmp_path / "elsewhere" / "left")
    make_2d(tmp_path / "left")
    assert paths(read(tmp_path / "3d", {"camera-1": str(left), "camera-2": str(left)})) == [left, left]


def test_one_project_for_all_cameras(tmp_path: Path) -> None:
    both = make_2d(tmp_path / "both")
    project = read(tmp_path / "3d", dict.fromkeys(NAMES, str(both)))
    assert project.is_shared


@pytest.mark.parametrize(
    "recorded",
    [
        *("/mnt/lab/left/config.yaml", "C:\\x\\left\\config.yaml", "left/config.yaml", "/", "C:\\", "nul\\con"),
        *("\\\\server\\share\\left", "/" + "x" * 5000),
    ],
)
def test_nowhere_to_be_found(tmp_path: Path, recorded: str) -> None:
    project = read(tmp_path / "3d", {"camera-1": recorded, "camera-2": recorded})
    assert paths(project) == [None, None]
    assert not project.is_shared
    assert {finding.code for finding in project.findings} == {"camera-project-missing"}
    assert "--view camera-1=SOURCE" in project.findings[0].hint


def test_never_filled_in(tmp_path: Path) -> None:
    template = "/home/mackenzie/DEEPLABCUT/DeepLabCut/2DprojectCam1-Mackenzie-2019-06-05/config.yaml"
    project = read(tmp_path / "3d", {"camera-1": template})
    assert [finding.message for finding in project.findings] == [
        f"found no 2D project of the camera {name}: its path was never filled in" for name in NAMES
    ]


def test_one_camera_is_too_few(tmp_path: Path) -> None:
    left = make_2d(tmp_path / "left")
    project = read(tmp_path / "3d", {"camera-1": str(left)}, names=("camera-1",))
    assert "too-few-cameras" in {finding.code for finding in project.findings}
