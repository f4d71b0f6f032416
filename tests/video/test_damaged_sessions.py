"""Projects whose videos are damaged: tied all the same, and told of by whoever looks at every frame."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import pytest
from builder import BuiltProject, Video, build_project
from command import dlc2lp
from handmade import change_packets, emptied, garbled, with_segment, with_unit
from scene import draw_frame, read_clip, write_clip

from dlc2lp.video import copies, ffmpeg
from dlc2lp.video.find_frames import find_frames
from dlc2lp.video.probe import probe
from dlc2lp.video.pyav import OpenedVideo
from dlc2lp.video.ties import StillImage, Tie

N_FRAMES = 120


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damaged")


@pytest.fixture(scope="module")
def h264(folder: Path) -> Path:
    path = folder / "m1.mp4"
    write_clip(path, (draw_frame("m1", at) for at in range(N_FRAMES)), Video(gop=24))
    return path


@pytest.fixture(scope="module")
def mjpeg(folder: Path, h264: Path) -> Path:
    path = folder / "m1.avi"
    argv = [str(ffmpeg.find_ffmpeg()), "-v", "error", "-i", str(h264), "-c:v", "mjpeg", "-q:v", "3", str(path)]
    subprocess.run(argv, check=True)
    return path


def _images(video: Path, indices: Sequence[int], folder: Path, *, off_by: int = 0) -> list[StillImage]:
    stills = []
    for index, frame in zip(indices, read_clip(video, indices), strict=True):
        path = folder / f"img{index + off_by:04d}.png"
        cv2.imwrite(str(path), frame[..., ::-1])
        stills.append(StillImage(path.name, path, index + off_by))
    return stills


def _tie(video: Path, stills: Sequence[StillImage]) -> Tie:
    (tie,) = find_frames(video, probe(video), stills)
    return tie


@pytest.mark.parametrize("off_by", [0, 40])  # near its number, and anywhere in the video
@pytest.mark.parametrize("spoil", [garbled, emptied])
def test_damage_elsewhere_in_its_video_unties_no_session(
    spoil: Callable[..., Callable[[int, bytes], bytes]], off_by: int, mjpeg: Path, tmp_path: Path
) -> None:
    video, indices = tmp_path / "m1.avi", range(2, 80, 6)
    change_packets(mjpeg, video, spoil(4, 45, 46, 91))
    tie = _tie(video, _images(mjpeg, indices, tmp_path, off_by=off_by))
    assert [image.frame_index for image in tie.images] == list(indices)
    assert {image.outcome for image in tie.images} == {"proven"}


@pytest.mark.parametrize("off_by", [0, 40])
def test_the_image_of_a_frame_that_is_gone_is_no_other_frames(off_by: int, mjpeg: Path, tmp_path: Path) -> None:
    video, indices = tmp_path / "m1.avi", range(2, 80, 6)
    change_packets(mjpeg, video, emptied(20, 21, 44))
    tie = _tie(video, _images(mjpeg, indices, tmp_path, off_by=off_by))
    found = {index: image.frame_index for index, image in zip(indices, tie.images, strict=True)}
    assert {index: at for index, at in found.items() if at not in (index, None)} == {}
    assert found[20] is None and found[44] is None


@pytest.mark.parametrize("off_by", [0, 40])
def test_frames_of_h264_that_lean_on_damaged_ones(off_by: int, h264: Path, tmp_path: Path) -> None:
    video, indices = tmp_path / "m1.mp4", range(2, 80, 6)
    change_packets(h264, video, garbled(96, 100))
    tie = _tie(video, _images(h264, indices, tmp_path, off_by=off_by))
    assert [image.frame_index for image in tie.images] == list(indices)


def _project(root: Path, spoil: Callable[[int, bytes], bytes | None], **options: object) -> BuiltProject:
    project = build_project(root, sessions=("m1",), n_frames=90, frames=(2, 5, 9, 14, 19), **options)  # type: ignore[arg-type]
    (video,) = project.videos.values()
    whole = video.rename(root / f"whole{video.suffix}")
    change_packets(whole, video, spoil)
    whole.unlink()
    return project


MJPEG = Video(suffix=".avi", codec="mjpeg", pixel_format="yuvj420p")


def test_a_complaint_is_a_note_of_the_project_in_each_run(tmp_path: Path, each_ffmpeg: str) -> None:
    project = _project(tmp_path / "dlc", with_segment(b"\xff\xe0\xff\xf0JFIF"), video=MJPEG)
    for _ in range(2):
        result = dlc2lp("convert", project.root, tmp_path / "lp", "--json")
        assert result.exit_code == 0, result.stderr
        note = result.finding("video-complaints")
        assert (note["severity"], note["subject"]) == ("note", "videos/m1.mp4")
        assert "every one of its 90 frames is whole" in note["message"]
    assert dlc2lp("verify", tmp_path / "lp", "--verify", "full").exit_code == 0


def _index_of(video: Path, packet: int) -> int:
    with OpenedVideo(video) as opened:
        times = [each.pts for each in opened.shown_packets()]
    return sorted(times).index(times[packet])


def test_damage_that_no_sample_meets_is_found_by_who_looks_at_every_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "_STRETCH_BYTES", 0)  # as of a large video, of which key frames are decoded
    project = _project(tmp_path / "dlc", garbled(54))
    video = project.videos["m1"]
    told = f"found 1 damaged frame: {_index_of(video, 54)}"
    assert dlc2lp("convert", project.root, tmp_path / "lp", "--json").exit_code == 0
    assert dlc2lp("verify", tmp_path / "lp", "--json").exit_code == 0
    result = dlc2lp("verify", tmp_path / "lp", "--verify", "full", "--json")
    assert result.exit_code == 1
    found = result.finding("video-decode-errors")
    assert (found["subject"], found["message"]) == ("videos/m1.mp4", told)
    assert dlc2lp("video", "check", video).exit_code == 0
    result = dlc2lp("video", "check", video, "--verify", "full", "--json")
    assert result.exit_code == 1
    assert result.finding("video-decode-errors")["message"] == told
    assert [each["conforming"] for each in result.document["videos"]] == [False]
    assert "damaged" in dlc2lp("video", "check", video, "--verify", "full").stdout
    result = dlc2lp("convert", project.root, tmp_path / "other", "--verify", "full", "--json")
    assert result.exit_code == 1
    assert result.finding("video-decode-errors")["message"] == told
    assert not (tmp_path / "other/videos/m1.mp4").exists()


def test_a_broken_remark_of_a_copied_video_is_no_damage(tmp_path: Path) -> None:
    project = _project(tmp_path / "dlc", with_unit(b"\x06\x01\x7f\x80"))
    assert dlc2lp("convert", project.root, tmp_path / "lp", "--verify", "full", "--json").exit_code == 0
    assert dlc2lp("video", "check", project.root / "videos", "--verify", "full").exit_code == 0


def test_context_frames_of_a_made_up_frame_are_not_taken_silently(tmp_path: Path) -> None:
    project = _project(tmp_path / "dlc", garbled(12))
    index = _index_of(project.videos["m1"], 12)
    (tmp_path / "lp").mkdir()
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--json")
    near = {at + by for at in (2, 5, 9, 14, 19) for by in (-2, -1, 1, 2)}
    assert index in near
    assert result.exit_code == 1
    assert result.finding("video-frame-unreadable")["where"] == f"frame {index}"
