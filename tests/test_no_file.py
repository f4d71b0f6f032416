"""What is no file but is called like one: told by every command that meets it, never waited for and never read.

Each command runs as a process of its own with a time limit: whoever opens a named pipe waits for its other end.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from builder import build_project
from command import Result, dlc2lp, start

pytestmark = pytest.mark.skipif(os.name != "posix", reason="only POSIX has pipes, sockets and devices among files")

SECONDS = 60


def in_time(*arguments: object) -> Result:
    """Run a command, which must end by itself."""
    process = start(*arguments)
    try:
        stdout, stderr = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        pytest.fail(f"dlc2lp {' '.join(map(str, arguments))} waits")
    assert "Traceback" not in stderr, stderr
    assert "internal-error" not in stderr, stderr
    return Result(process.returncode, stdout, stderr)


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def a_folder(path: Path) -> None:
    path.mkdir()


def a_socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # the name of a socket may have about 100 bytes
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    finally:
        os.chdir(here)


KINDS: dict[str, Callable[[Path], None]] = {
    "a named pipe": a_pipe,
    "a device": a_device,
    "a folder": a_folder,
    "a socket": a_socket,
}


def told(result: Result, kind: str) -> list[dict[str, Any]]:
    """The findings that say what it is, in the one wording of the door, each with something to do."""
    found = [each for each in result.document["findings"] if f"is {kind}, expected a file" in each["message"]]
    assert all(each["hint"] for each in found), found
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "name", ["img0099.png", "labelled", "CollectedData_Anna.csv", "CollectedData_Anna.h5", "config.yaml"]
)
def test_in_a_project(tmp_path: Path, kind: str, name: str) -> None:
    project = build_project(tmp_path / "dlc", sessions=("m1",), frames=(2, 5), video="none")
    place = project.config if name == "config.yaml" else project.folder("m1") / name
    if name == "labelled":
        place = project.image("m1", project.rows["m1"][0])
    place.unlink(missing_ok=True)
    KINDS[kind](place)
    for command in ("inspect",) if kind in {"a device", "a socket"} else ("inspect", "convert"):
        result = in_time(command, project.root, *([tmp_path / "lp"] if command == "convert" else []), "--json")
        assert place.name in "".join(each["subject"] for each in told(result, kind)), result.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_as_the_source(tmp_path: Path, kind: str) -> None:
    if kind == "a folder":
        return
    KINDS[kind](tmp_path / "config.yaml")
    result = in_time("convert", tmp_path / "config.yaml", tmp_path / "lp", "--json")
    assert result.exit_code == 3
    assert told(result, kind)


@pytest.mark.parametrize("kind", ["a named pipe", "a device"])
def test_as_a_video(tmp_path: Path, kind: str) -> None:
    project = build_project(tmp_path / "dlc", sessions=("m1",), frames=(2, 5))
    video = project.videos["m1"]
    video.unlink()
    KINDS[kind](video)
    for arguments in (
        ("video", "check", video),
        ("video", "check", video.parent),
        ("video", "convert", video, tmp_path / "a.mp4"),
        ("convert", project.root, tmp_path / "lp"),
    ):
        assert told(in_time(*arguments, "--json"), kind), arguments


@pytest.mark.parametrize("kind", ["a named pipe", "a device"])
@pytest.mark.parametrize("name", ["calibration.toml", "calibrations/m1.toml"])
def test_as_a_calibration(tmp_path: Path, kind: str, name: str) -> None:
    sides = [build_project(tmp_path / view, sessions=("m1",), frames=(2, 5)) for view in ("top", "side")]
    place = tmp_path / "given" / name
    place.parent.mkdir(parents=True)
    KINDS[kind](place)
    views = [f"--view={project.root.name}={project.root}" for project in sides]
    result = in_time("convert", *views, tmp_path / "lp", "--calibration", tmp_path / "given", "--json")
    assert told(result, kind), result.stderr


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project ``dlc`` and its target ``lp``."""
    folder = tmp_path_factory.mktemp("finished")
    project = build_project(folder / "dlc", sessions=("m1",), frames=(2, 5))
    assert dlc2lp("convert", project.root, folder / "lp").exit_code == 0
    return folder


@pytest.mark.parametrize("kind", ["a named pipe", "a folder"])
@pytest.mark.parametrize(
    "name",
    [
        "CollectedData.csv",
        "project.yaml",
        "configs/default.yaml",
        "labeled-data/m1/img00000002.png",
        "videos/m1.mp4",
    ],
)
def test_in_a_target(tmp_path: Path, finished: Path, kind: str, name: str) -> None:
    target = tmp_path / "lp"
    shutil.copytree(finished / "lp", target)
    (target / name).unlink()
    KINDS[kind](target / name)
    commands: list[tuple[object, ...]] = [("verify", target), ("labels", target), ("export", target, tmp_path / "back")]
    for arguments in (*commands, ("config", target, "--train-batch-size", 4)):
        result = in_time(*arguments, "--json")
        json.loads(result.stdout)
        if arguments[0] == "verify":
            assert result.exit_code in {1, 3}
            subjects = " ".join(each["subject"] + each["message"] for each in result.document["findings"])
            assert name in subjects


def test_links_that_lead_round_and_round(tmp_path: Path) -> None:
    project = build_project(tmp_path / "dlc", sessions=("m1",), frames=(2, 5))
    (project.root / "videos" / "again").symlink_to(project.root, target_is_directory=True)
    (project.folder("m1") / "again").symlink_to(project.folder("m1"), target_is_directory=True)
    (project.folder("m1") / "img0098.png").symlink_to("img0098.png")
    (project.root / "videos" / "m9.mp4").symlink_to("m9.mp4")
    (project.root / "all").symlink_to("/dev", target_is_directory=True)
    result = in_time("convert", project.root, tmp_path / "lp", "--json")
    assert "m1" in {each["source"].rpartition("/")[2] for each in result.document["sessions"]}
