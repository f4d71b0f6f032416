"""Trouble of a disk is never taken for trouble of a file: nothing is decided by it; the next run ends as any other."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from builder import Video, build_project
from command import dlc2lp
from real_disks import failing_disk, fill, small_disk
from targets import tree

import dlc2lp as library
from dlc2lp import migration
from dlc2lp.errors import DiskTrouble
from dlc2lp.options import RunOptions
from dlc2lp.planning.steps import EncodeVideo, RemuxVideo
from dlc2lp.run import make_files
from dlc2lp.video.convert import convert_video
from dlc2lp.video.ffmpeg import find_ffmpeg
from dlc2lp.video.probe import probe


def noise(path: Path, seconds: int, *how: str) -> Path:
    """A video that no encoder makes much smaller."""
    argv = [str(find_ffmpeg()), "-v", "error", "-y", "-f", "lavfi", "-i"]
    argv += [f"testsrc2=s=320x240:r=30:d={seconds},noise=alls=60:allf=t", "-pix_fmt", "yuv420p", *how, str(path)]
    subprocess.run(argv, check=True)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("videos")


@pytest.fixture(scope="module")
def h264(folder: Path) -> Path:
    """A video that is remuxed."""
    return noise(folder / "in.mkv", 3, "-c:v", "libx264", "-preset", "ultrafast", "-crf", "8")


@pytest.fixture(scope="module")
def mjpeg(folder: Path) -> Path:
    """A video that is encoded."""
    return noise(folder / "in.avi", 3, "-c:v", "mjpeg", "-q:v", "3")


@pytest.fixture(scope="module")
def fitting(folder: Path, h264: Path) -> Path:
    """A video that is placed as it is."""
    convert_video(h264, folder / "in.mp4")
    return folder / "in.mp4"


@pytest.mark.parametrize("name", ["h264", "mjpeg", "fitting"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.97])
def test_a_disk_that_fills_is_no_verdict_about_the_video(
    name: str, share: float, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    source: Path = request.getfixturevalue(name)
    whole = convert_video(source, tmp_path / "roomy.mp4", crf=10, threads=1)
    with small_disk(tmp_path / "disk", int(whole.target.size_bytes * share)) as disk:
        with pytest.raises(DiskTrouble) as caught:
            convert_video(source, disk / "out.mp4", crf=10, threads=1)
        (finding,) = caught.value.findings
        assert (finding.code, finding.subject, caught.value.exit_code) == ("no-space", str(disk / "out.mp4"), 1)
        assert not list(disk.iterdir())
        assert subprocess.run(["mount", "-o", "remount,size=40m", str(disk)], check=False).returncode == 0
        again = convert_video(source, disk / "out.mp4", crf=10, threads=1)
        assert again.action == whole.action
        assert (disk / "out.mp4").read_bytes() == (tmp_path / "roomy.mp4").read_bytes()


@pytest.mark.parametrize("name", ["h264", "mjpeg", "fitting"])
def test_the_command_says_that_the_disk_is_full(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    with small_disk(tmp_path / "disk", 200_000) as disk:
        result = dlc2lp("video", "convert", request.getfixturevalue(name), disk / "out.mp4", "--json")
        assert (result.exit_code, result.codes) == (1, ["no-space"])
        assert "free some space" in result.finding("no-space")["hint"]


@pytest.mark.parametrize("name", ["h264", "mjpeg", "fitting"])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_disk_that_fails_is_no_damaged_video(
    name: str, share: float, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    source: Path = request.getfixturevalue(name)
    (tmp_path / "in").mkdir()
    shutil.copyfile(source, tmp_path / "in" / source.name)
    with failing_disk(tmp_path / "disk", tmp_path / "in", source.name, share) as place:
        path = place / source.name
        for command in (["check", path], ["check", path, "--verify", "full"], ["convert", path, tmp_path / "out.mp4"]):
            result = dlc2lp("video", *command, "--json")
            assert (result.exit_code, result.codes) == (1, ["disk-failed"]), command
            assert result.finding("disk-failed")["subject"] == str(path)
        assert not list(tmp_path.glob("*.mp4"))
        with pytest.raises(DiskTrouble):
            convert_video(path, tmp_path / "out.mp4", damaged="keep")


@pytest.mark.parametrize("suffix", ["ts", "nut", "mov", "mkv", "avi", "flv", "h264"])
def test_no_reader_takes_a_disk_that_fails_for_the_end_of_the_file(suffix: str, tmp_path: Path, h264: Path) -> None:
    """Where a version of libavformat does so one day, a video would be cut there without a word."""
    (tmp_path / "in").mkdir()
    copied = tmp_path / "in" / f"in.{suffix}"
    annexb = ["-bsf:v", "h264_mp4toannexb"] if suffix in {"ts", "avi", "h264"} else []
    argv = [str(find_ffmpeg()), "-v", "error", "-i", str(h264), "-c", "copy", *annexb, str(copied)]
    subprocess.run(argv, check=True)
    assert probe(copied).n_frames == 90
    with failing_disk(tmp_path / "disk", tmp_path / "in", copied.name, 0.6) as place, pytest.raises(DiskTrouble):
        probe(place / copied.name)


REMUXED = Video(codec="h264", container="matroska")


def converted_while_full(source: Path, target: Path, disk: Path, left_bytes: int, **options: object) -> library.Outcome:
    """Convert a project onto a disk that somebody fills after it was planned."""

    def on_event(event: library.Event) -> None:
        if event.what == "decided":
            fill(disk, left_bytes)

    return library.convert(source, target, on_event=on_event, jobs=1, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("left_bytes", [2**20 + 30_000, 2**20 + 300_000])
def test_a_disk_that_fills_in_a_conversion_changes_nothing_of_its_end(left_bytes: int, tmp_path: Path) -> None:
    """Whatever was left: the same steps are carried out the next time, and the target is that of an undisturbed run."""
    project = build_project(tmp_path / "dlc", sessions=("m1", "m2"), video=REMUXED, size_px=(320, 240), n_frames=60)
    with small_disk(tmp_path / "disk", 100 * 2**20) as disk:
        target = disk / "lp"
        assert library.convert(project.root, target, jobs=1).exit_code == 0
        undisturbed = tree(target)
        shutil.rmtree(target)
        try:
            came = converted_while_full(project.root, target, disk, left_bytes)
        except DiskTrouble as trouble:
            assert trouble.findings[0].code == "no-space"
        else:
            assert came.exit_code == 1
            codes = {finding.code for finding in came.findings if finding.severity == "error"}
            assert codes <= {"no-space", "target-incomplete", "target-image-missing"}
            assert "no-space" in codes
        (disk / "somebody-elses").unlink()
        assert library.convert(project.root, target, jobs=1).exit_code == 0
        assert tree(target) == undisturbed


@pytest.mark.parametrize("codec", ["h264", "mjpeg"])
def test_a_full_scratch_disk_is_told_by_its_name(codec: str, tmp_path: Path) -> None:
    video = REMUXED if codec == "h264" else Video(codec="mjpeg", container="avi", pixel_format="yuvj420p")
    project = build_project(tmp_path / "dlc", sessions=("m1",), video=video, size_px=(320, 240), n_frames=60)
    target = tmp_path / "lp"
    assert library.convert(project.root, target, jobs=1).exit_code == 0
    undisturbed = tree(target)
    shutil.rmtree(target)
    with small_disk(tmp_path / "fast", 100 * 2**20) as disk:
        unchanged = make_files._as_planned

        def filled_then_unchanged(step: object) -> object:
            # It has room when that is asked, and hardly any when the video is written.
            if isinstance(step, RemuxVideo | EncodeVideo):
                fill(disk, 0)
            return unchanged(step)  # type: ignore[arg-type]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(make_files, "_as_planned", filled_then_unchanged)
            came = migration.convert(project.root, target, run_options=RunOptions(jobs=1, tmp_dir=disk))
        told = [finding for finding in came.findings if finding.code == "no-space"]
        assert [finding.subject for finding in told] == [str(disk)]
        assert came.exit_code == 1
        assert not [path for path in disk.iterdir() if path.name != "somebody-elses"]
        assert library.convert(project.root, target, jobs=1).exit_code == 0
        assert tree(target) == undisturbed


@pytest.mark.parametrize(
    "failing", ["labeled-data/m1/img005.png", "labeled-data/m1/CollectedData_Anna.h5", "videos/m1.avi", "config.yaml"]
)
def test_a_source_on_a_disk_that_fails_is_refused_as_that(failing: str, tmp_path: Path) -> None:
    """An image, a label file or a video that can't be read now says nothing of what the target should hold."""
    project = build_project(tmp_path / "dlc", sessions=("m1",), size_px=(640, 480), image_mode="rgb")
    names = {path.relative_to(project.root).as_posix() for path in project.root.rglob("*")}
    if failing not in names:
        failing = next(
            name
            for name in sorted(names)
            if Path(name).suffix == Path(failing).suffix
            or (failing.startswith("videos/") and name.startswith("videos/"))
        )
    with failing_disk(tmp_path / "disk", project.root, failing, 0.0) as source:
        result = dlc2lp("convert", source, tmp_path / "lp", "--json")
        assert (result.exit_code, result.codes) == (1, ["disk-failed"]), result.stderr
        assert result.finding("disk-failed")["subject"] == str(source / failing)
        assert not (tmp_path / "lp").exists()
        assert dlc2lp("inspect", source, "--json").exit_code == 1
    assert dlc2lp("convert", project.root, tmp_path / "lp").exit_code == 0


def test_a_video_of_the_target_that_can_not_be_read_is_no_damaged_one(tmp_path: Path) -> None:
    project = build_project(tmp_path / "dlc", sessions=("m1",), size_px=(320, 240), n_frames=60)
    assert dlc2lp("convert", project.root, tmp_path / "lp").exit_code == 0
    with failing_disk(tmp_path / "disk", tmp_path / "lp", "videos/m1.mp4", 0.5) as target:
        result = dlc2lp("verify", target, "--json")
        assert result.exit_code == 1
        assert "disk-failed" in result.codes
        assert not {"video-unreadable", "video-truncated", "video-frames-lost", "video-decode-errors"} & {*result.codes}


def test_trouble_is_known_by_its_number_and_nothing_else(
    tmp_path: Path, h264: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """EDQUOT, EROFS, ENOTCONN: no disk here says so; said at the sync, which tells what a server has kept back."""
    for number in (errno.EDQUOT, errno.EROFS, errno.ENOTCONN, errno.ESTALE):

        def refused(descriptor: int, number: int = number) -> None:
            raise OSError(number, os.strerror(number))

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", refused)
            with pytest.raises(DiskTrouble) as caught:
                convert_video(h264, tmp_path / "out.mp4")
        assert caught.value.findings[0].code == ("no-space" if number == errno.EDQUOT else "disk-failed")
        assert not list(tmp_path.iterdir())
    assert convert_video(h264, tmp_path / "out.mp4").action in {"remux", "rewrite"}


def test_a_terabyte_that_was_never_written_is_not_read(tmp_path: Path) -> None:
    """An empty recording of a terabyte, as a camera or a download that was cut short leaves it, took an hour."""
    from dlc2lp.disks import ask_to_read

    path = tmp_path / "m1.mp4"
    try:
        with path.open("wb") as file:
            file.write(b"begin")
            file.truncate(2**40)
    except OSError:
        pytest.skip("the file system has no file of a terabyte")
    if not hasattr(os, "SEEK_DATA") or path.stat().st_blocks > 2**20:
        pytest.skip("the file system knows of no holes")
    began = time.monotonic()
    ask_to_read(path)
    ask_to_read(path, start=2**39)
    assert time.monotonic() - began < 10
    result = dlc2lp("video", "check", path, "--json")
    assert result.exit_code == 1
    assert time.monotonic() - began < 60
