"""Bad input: each has a named test; message, exit code and the untouched source are asserted."""

import os
import shutil
import subprocess
import sys

import pytest
from builder import Video, build_project, snapshot
from command import Result, dlc2lp, start

from dlc2lp.video import ffmpeg


def convert(project_root, target, *options):
    before = snapshot(project_root) if project_root.is_dir() else None
    result = dlc2lp("convert", project_root, target, "--json", *options)
    if before is not None:
        assert snapshot(project_root) == before
    return result


def refused(result, code, *words):
    assert result.exit_code == 3, result.stderr
    finding = result.finding(code)
    assert finding["severity"] == "error"
    assert finding["hint"]
    for word in words:
        assert word in finding["message"] + finding["subject"] + finding["hint"], (word, finding)
    assert code in result.stderr


def test_no_such_folder(tmp_path):
    result = convert(tmp_path / "nowhere", tmp_path / "lp")
    refused(result, "source-missing", "nowhere")
    assert not (tmp_path / "lp").exists()


def test_not_a_dlc_project(tmp_path):
    (tmp_path / "holiday").mkdir()
    (tmp_path / "holiday/beach.png").write_bytes(b"sand")
    result = convert(tmp_path / "holiday", tmp_path / "lp")
    refused(result, "not-a-dlc-project", "config.yaml", "labeled-data")
    assert not (tmp_path / "lp").exists()


def test_the_folder_above_the_projects(tmp_path):
    build_project(tmp_path / "archive/reach", sessions=("m1",), video="none")
    refused(convert(tmp_path / "archive", tmp_path / "lp"), "not-a-dlc-project", "reach")


def test_empty_labeled_data(tmp_path):
    project = build_project(tmp_path / "dlc", sessions=("m1",), video="none")
    shutil.rmtree(project.folder("m1"))
    refused(convert(project.root, tmp_path / "lp"), "no-labels", "labeled-data")
    assert not (tmp_path / "lp").exists()


def test_frames_without_any_label(tmp_path):
    project = build_project(tmp_path / "dlc", sessions=("m1",), labels=lambda key, point: None, video="none")
    refused(convert(project.root, tmp_path / "lp"), "no-labels", "5 frames")


def test_labels_without_images(tmp_path):
    project = build_project(tmp_path / "dlc", sessions=("m1",), images=False, video="none")
    refused(convert(project.root, tmp_path / "lp"), "no-images", "20 labelled points")
    assert not (tmp_path / "lp").exists()


def test_a_missing_image(tmp_path):
    project = build_project(tmp_path / "dlc", sessions=("m1",), video="none")
    project.image("m1", "img05.png").unlink()
    result = convert(project.root, tmp_path / "lp")
    assert result.exit_code == 1
    finding = result.finding("missing-image")
    assert finding["subject"] == "m1/img05.png"
    assert "4 labelled points" in finding["message"]
    assert result.document["counts"] == {
        "labeled_frames": {"source": 5, "written": 4, "left_out": 1},
        "labeled_cells": {"source": 20, "written": 16, "left_out": 4},
    }
    assert "img00000005" not in (tmp_path / "lp/CollectedData.csv").read_text()


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "flipped"])
def test_a_corrupt_png(tmp_path, damage):
    project = build_project(tmp_path / "dlc", sessions=("m1",), video="none")
    path = project.image("m1", "img05.png")
    content = path.read_bytes()
    flipped = bytearray(content)
    flipped[len(content) // 2] ^= 255
    path.write_bytes({"cut": content[:-500], "empty": b"", "text": b"no image", "flipped": bytes(flipped)}[damage])
    result = convert(project.root, tmp_path / "lp")
    assert result.exit_code == 1
    errors = [finding for finding in result.document["findings"] if finding["severity"] == "error"]
    assert [error["code"].split("-")[0] for error in errors] == ["image"]
    assert "img05.png" in errors[0]["subject"]
    assert result.document["counts"]["labeled_frames"] == {"source": 5, "written": 4, "left_out": 1}


@pytest.mark.parametrize(
    ("content", "code"), [(b"", "video-empty"), (b"these are not moving pictures\n" * 50, "video-unreadable")]
)
def test_a_file_that_is_no_video(tmp_path, content, code):
    project = build_project(tmp_path / "dlc", sessions=("m1", "m2"))
    project.videos["m1"].write_bytes(content)
    result = convert(project.root, tmp_path / "lp")
    assert result.exit_code == 1
    finding = result.finding(code)
    assert finding["severity"] == "error"
    assert "m1.mp4" in finding["subject"]
    assert not (tmp_path / "lp/videos/m1.mp4").exists()
    assert (tmp_path / "lp/videos/m2.mp4").exists()
    assert result.document["counts"]["labeled_frames"]["left_out"] == 0


def test_a_video_cut_in_the_middle(tmp_path):
    project = build_project(
        tmp_path / "dlc",
        sessions=("m1",),
        n_frames=60,
        video=Video(codec="mjpeg", container="avi", pixel_format="yuvj420p"),
    )
    video = project.videos["m1"]
    video.write_bytes(video.read_bytes()[: int(video.stat().st_size * 0.6)])
    result = convert(project.root, tmp_path / "lp")
    assert result.exit_code == 1
    assert any(code.startswith("video-") for code in result.codes)
    assert not (tmp_path / "lp/videos/m1.mp4").exists()


def test_a_dangling_link_in_videos(tmp_path):
    project = build_project(tmp_path / "dlc", sessions=("m1",), place_videos="dangling")
    result = convert(project.root, tmp_path / "lp")
    assert result.exit_code == 0
    assert result.finding("video-links-dead")["severity"] == "warning"
    assert not list((tmp_path / "lp/videos").iterdir())


def test_two_projects_labels_mixed(tmp_path):
    project = build_project(tmp_path / "dlc", sessions=("m1",), scorer="Anna", video="none", other_scorers=())
    other = build_project(tmp_path / "other", sessions=("m1",), scorer="Bob", video="none")
    for kind in ("csv", "h5"):
        path = other.label_file("m1", kind)
        shutil.copy(path, project.folder("m1") / path.name)
    config = project.config.read_text()
    project.config.write_text(config.replace("scorer: Anna", "scorer: Clara"))
    result = convert(project.root, tmp_path / "lp")
    refused(result, "several-label-files", "Anna", "Bob", "--scorer")
    assert not (tmp_path / "lp").exists()
    assert convert(project.root, tmp_path / "lp", "--scorer", "Bob").exit_code == 0


def test_several_animals(tmp_path):
    project = build_project(tmp_path / "dlc", sessions=("m1",), individuals=("mus1", "mus2"), video="none")
    result = convert(project.root, tmp_path / "lp")
    assert result.exit_code == 3
    assert "mus1" in result.stderr
    assert "mus2" in result.stderr
    assert not (tmp_path / "lp").exists()


def test_a_config_that_is_no_yaml(tmp_path):
    project = build_project(tmp_path / "dlc", sessions=("m1",), config="Task: [reach\n\tscorer: x: y\n", video="none")
    result = convert(project.root, tmp_path / "lp")
    assert result.exit_code in {1, 3}
    assert "config.yaml" in result.stderr
    assert not (tmp_path / "lp").exists()


@pytest.mark.parametrize("inside", ["lp", "videos/lp", "."])
def test_target_inside_the_source(tmp_path, inside):
    project = build_project(tmp_path / "dlc", sessions=("m1",))
    refused(convert(project.root, project.root / inside), "target-inside-source", "never writes")


def test_target_around_the_source(tmp_path):
    project = build_project(tmp_path / "dlc", sessions=("m1",), video="none")
    refused(convert(project.root, tmp_path), "target-around-source")


def test_a_foreign_target(tmp_path):
    project = build_project(tmp_path / "dlc", sessions=("m1",), video="none")
    (tmp_path / "lp").mkdir()
    (tmp_path / "lp/thesis.docx").write_bytes(b"ten years")
    refused(convert(project.root, tmp_path / "lp"), "target-not-empty", "thesis.docx")
    assert [path.name for path in (tmp_path / "lp").iterdir()] == ["thesis.docx"]


def test_the_target_of_another_project(tmp_path):
    one = build_project(tmp_path / "one", task="reach", sessions=("m1",), video="none")
    other = build_project(tmp_path / "other", task="grasp", sessions=("m1",), video="none")
    assert convert(one.root, tmp_path / "lp").exit_code == 0
    before = snapshot(tmp_path / "lp")
    refused(convert(other.root, tmp_path / "lp"), "target-of-another-source", str(one.root))
    assert snapshot(tmp_path / "lp") == before


def test_the_target_is_a_file(tmp_path):
    project = build_project(tmp_path / "dlc", sessions=("m1",), video="none")
    (tmp_path / "lp").write_text("a file")
    refused(convert(project.root, tmp_path / "lp"), "target-not-a-folder")


#: root may write anywhere. Without its capabilities (capset(2), version 3) it may what a file's owner may; becoming
#: another user would not do where temporary files lie in a folder that only root may enter.
WITHOUT_ROOTS_RIGHTS = """
import ctypes, os, sys
if os.geteuid() == 0:
    assert ctypes.CDLL(None).capset((ctypes.c_uint32 * 2)(0x20080522), (ctypes.c_uint32 * 6)()) == 0
from dlc2lp.cli.main import main
main(sys.argv[1:])
"""


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or (os.geteuid() == 0 and sys.platform != "linux"),
    reason="root keeps its rights here",
)
def test_no_write_permission(tmp_path):
    project = build_project(tmp_path / "dlc", sessions=("m1",), video="none")
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    arguments = ("convert", str(project.root), str(locked / "lp"), "--json")
    process = subprocess.run(
        [sys.executable, "-c", WITHOUT_ROOTS_RIGHTS, *arguments], capture_output=True, text=True, check=False
    )
    refused(Result(process.returncode, process.stdout, process.stderr), "target-not-writable", "permission")
    assert not list(locked.iterdir())


def test_no_space_left_is_seen_before_the_first_byte(tmp_path, monkeypatch):
    project = build_project(
        tmp_path / "dlc", sessions=("m1",), video=Video(codec="mjpeg", container="avi", pixel_format="yuvj420p")
    )
    usage = shutil.disk_usage(tmp_path)._replace(free=1_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    refused(convert(project.root, tmp_path / "lp"), "no-space", "0.00 GB free")
    assert not (tmp_path / "lp").exists()


def test_a_disk_that_fills_up_on_the_way(tmp_path):
    """A real small disk: the check before the first byte is an estimate, and other programs write too."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root on Linux")
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], check=False).returncode:
        pytest.skip("can't mount a small disk here")
    try:
        project = build_project(tmp_path / "dlc", sessions=("m1",), size_px=(640, 480), frames=range(0, 20))
        code = (
            "import shutil, sys; usage = shutil.disk_usage('/');"
            "shutil.disk_usage = lambda path: usage;"
            "from dlc2lp.cli.main import main; main(sys.argv[1:])"
        )
        process = subprocess.run(
            [sys.executable, "-c", code, "convert", str(project.root), str(disk / "lp")],
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in process.stderr
        assert process.returncode in {1, 3}
        assert "no-space" in process.stderr + process.stdout or "target-not-writable" in process.stderr
        assert not list(disk.glob("lp/**/*.tmp"))
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_ffmpeg_missing(tmp_path):
    project = build_project(
        tmp_path / "dlc", sessions=("m1",), video=Video(codec="mjpeg", container="avi", pixel_format="yuvj420p")
    )
    before = snapshot(project.root)
    process = start(
        "convert",
        project.root,
        tmp_path / "lp",
        "--json",
        env={ffmpeg.OVERRIDE_VARIABLE: str(tmp_path / "no-ffmpeg-here")},
    )
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 4, stderr
    assert "ffmpeg-missing" in stdout
    assert "Traceback" not in stderr
    assert not (tmp_path / "lp").exists()
    assert snapshot(project.root) == before


def test_ffmpeg_is_not_needed_where_nothing_is_encoded(tmp_path):
    project = build_project(tmp_path / "dlc", sessions=("m1",))
    process = start(
        "convert", project.root, tmp_path / "lp", env={ffmpeg.OVERRIDE_VARIABLE: str(tmp_path / "no-ffmpeg-here")}
    )
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 0, stderr


def test_verify_of_a_folder_that_dlc2lp_did_not_write(tmp_path):
    result = dlc2lp("verify", tmp_path, "--json")
    refused(result, "not-a-target", "plan.json")


@pytest.mark.parametrize(
    "arguments",
    [
        ("convert",),
        ("convert", "a", "b", "--labels", "xml"),
        ("convert", "a", "b", "--resize", "big"),
        ("nonsense",),
        ("video", "check"),
    ],
)
def test_wrong_usage_ends_with_2(arguments):
    assert dlc2lp(*arguments).exit_code == 2


@pytest.mark.parametrize(
    "options", [("--resize", "100x100"), ("--train-batch-size", "0"), ("--losses", "magic"), ("--data-dir", "here")]
)
def test_impossible_choices_end_with_2_and_write_nothing(tmp_path, options):
    project = build_project(tmp_path / "dlc", sessions=("m1",), video="none")
    result = convert(project.root, tmp_path / "lp", *options)
    assert result.exit_code == 2
    assert not (tmp_path / "lp").exists()
