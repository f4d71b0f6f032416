"""Every kind of clip through the one-file command: its frames, exactly and in order, or a finding and no file."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import pytest
from clips import (
    CLIPS,
    DAMAGED,
    FFMPEGS,
    HOSTILE_NAMES,
    INTACT,
    MADE_UP,
    Workshop,
    index_in,
    indices_by_opencv,
    indices_by_pyav,
)

from dlc2lp.errors import VideoFailed
from dlc2lp.video.convert import check_video, convert_video
from dlc2lp.video.ffmpeg import OVERRIDE_VARIABLE
from dlc2lp.video.probe import probe

#: OpenCV 5.0.0 gives black or stale frames for interlaced h264 (its scaler refuses to make it progressive).
OPENCV_FAULTS = {"interlaced h264"}

#: One of each way, and those on which ffmpeg 5 and 9 are known to differ.
SUBSET = (
    "h264 mkv", "raw h264", "edit list", "turned 90", "turned mpeg4", "stretched pixels", "yuv444p", "10 bit",
    "full range", "mjpeg", "mjpeg null chunks", "packed B", "skipped frames", "fields ts", "vp8 hidden", "wmv2",
    "mpeg2 interlaced", "subtitles and chapters", "odd size", "uneven mpeg4", "2000 fps in ms", "avi without index",
    "joined, larger", "joined, 10 bit", "camera's EXIF", "camera's EXIF, turned",
    "camera's EXIF, upside down",
    "mirrored", "mirrored down", "clean aperture", "two samplings", "ycgco", "ycgco mpeg2",
    "avi index not written", "two parts", "live mkv clusters", "first key frame lost",
    "raw mjpeg named avi", "theora", "hevc cut mkv", "hevc cut raw", "mpeg2 cut ts", "mpeg4 cut avi", "joined mpeg2",
    "h264 cut mkv", "h264 cut ts", "h264 cut raw", "mpeg2 cut between ts",
    "joined, clock restarts", "joined, half a frame early", "joined, overlapping", "joined, second earlier",
    "mjpeg mkv per day", "mjpeg avi million", "mpeg4 avi per half hour",
)  # fmt: skip


def _names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _sought_by_opencv(path: Path, indices: Iterable[int]) -> list[int | None]:
    """The frames that OpenCV finds when it seeks, as DeepLabCut and Lightning Pose's app do."""
    import cv2

    capture = cv2.VideoCapture(str(path))
    found = []
    for index in indices:
        capture.set(cv2.CAP_PROP_POS_FRAMES, index)
        ok, image = capture.read()
        found.append(index_in(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)) if ok else None)
    return found


def _assert_exact(name: str, target: Path) -> None:
    """The file holds the clip's frames in order, is what Lightning Pose needs, and seeks right."""
    clip = CLIPS[name]
    assert tuple(indices_by_pyav(target)) == clip.truth
    if name not in OPENCV_FAULTS:
        assert tuple(indices_by_opencv(target)) == clip.truth
        backwards = range(len(clip.truth) - 1, -1, -1)
        assert _sought_by_opencv(target, backwards) == [clip.truth[index] for index in backwards]
    made = probe(target)
    assert made.n_frames == made.n_frames_declared == len(clip.truth)
    assert (made.codec, made.pixel_format, made.constant_rate, made.rotation_deg) == ("h264", "yuv420p", True, 0)
    assert (made.width_px, made.height_px) == clip.size
    if clip.rate is not None:
        assert made.frame_rate == clip.rate
    assert check_video(target).treatment.action == "place"


@pytest.mark.parametrize("name", sorted(INTACT))
def test_intact_clip_keeps_its_frames(name: str, shop: Workshop, tmp_path: Path) -> None:
    source, target = shop.clip(name), tmp_path / "out.mp4"
    before = source.read_bytes()
    verdict = check_video(source)
    counts: list[int] = []
    made = convert_video(source, target, threads=1, on_frames=counts.append)
    _assert_exact(name, target)
    assert verdict.info.n_frames == len(CLIPS[name].truth)
    assert tuple(remark.code for remark in verdict.info.remarks) == CLIPS[name].remarks
    # What check says is what convert does, and it is the cheapest way.
    assert (verdict.treatment.action, verdict.treatment.reasons) == (made.action, made.reasons)
    assert made.action == CLIPS[name].check
    assert counts == sorted(counts) and counts[-1] == len(CLIPS[name].truth)
    assert source.read_bytes() == before
    assert _names_in(tmp_path) == ["out.mp4"]
    if made.action == "place":
        assert target.read_bytes() == before


@pytest.mark.skipif(len(FFMPEGS) < 2, reason="only one ffmpeg here, which the other tests use")
@pytest.mark.parametrize("name", SUBSET)
def test_the_other_ffmpeg_is_exact(name: str, shop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(OVERRIDE_VARIABLE, str(FFMPEGS["imageio"]))
    convert_video(shop.clip(name), tmp_path / "out.mp4", threads=1)
    _assert_exact(name, tmp_path / "out.mp4")


@pytest.mark.parametrize("name", sorted(MADE_UP))
def test_what_decoders_make_up_is_taken_as_opencv_reads_it(
    name: str, shop: Workshop, tmp_path: Path, each_ffmpeg: str
) -> None:
    convert_video(shop.clip(name), tmp_path / "out.mp4", threads=1)
    assert indices_by_opencv(tmp_path / "out.mp4") == indices_by_opencv(shop.clip(name))


@pytest.mark.parametrize("name", sorted(DAMAGED))
def test_damaged_clip_leaves_nothing(name: str, shop: Workshop, tmp_path: Path, each_ffmpeg: str) -> None:
    clip = CLIPS[name]
    source = shop.clip(name)
    with pytest.raises(VideoFailed) as refused:
        convert_video(source, tmp_path / "out.mp4", threads=1)
    finding = refused.value.findings[0]
    assert finding.code == (clip.convert or clip.check)
    assert finding.subject == str(source)
    assert finding.message
    assert _names_in(tmp_path) == []
    if clip.convert:  # only decoding shows it
        assert check_video(source).treatment.action == clip.check
    else:
        with pytest.raises(VideoFailed) as found:
            check_video(source)
        assert found.value.findings == refused.value.findings


def test_damage_that_only_decoding_shows_is_found_by_full_verification(
    shop: Workshop, tmp_path: Path, each_ffmpeg: str
) -> None:
    data = bytearray(shop.clip("h264").read_bytes())
    middle = data.index(b"mdat") + (len(data) - data.index(b"mdat")) // 2
    data[middle : middle + 60] = bytes(range(60))
    source = tmp_path / "garbled.mp4"
    source.write_bytes(data)
    assert check_video(source).treatment.action == "place"
    with pytest.raises(VideoFailed) as refused:
        convert_video(source, tmp_path / "out.mp4", verify="full")
    assert refused.value.findings[0].code in {"video-decode-errors", "video-frames-lost"}
    assert _names_in(tmp_path) == ["garbled.mp4"]


def test_the_average_rate_keeps_the_length(shop: Workshop, tmp_path: Path) -> None:
    made = convert_video(shop.clip("uneven h264"), tmp_path / "out.mp4")
    # 47 steps take 47 + 5 thirtieths of a second, give or take the wobble of the first and the last frame.
    assert abs(made.target.frame_rate - Fraction(30 * 47, 52)) < Fraction(1, 2)


@pytest.mark.parametrize("clip", ["h264", "h264 avi", "mpeg4"])
@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_hostile_names_are_names(
    name: str, clip: str, shop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if sys.platform == "win32" and any(sign in name for sign in '"*:\n\\'):
        pytest.skip("Windows has no such names")
    monkeypatch.chdir(tmp_path)
    source, target = Path(name), Path(f"{name}.mp4")
    source.write_bytes(shop.clip(clip).read_bytes())
    convert_video(source, target, verify="none")
    assert _names_in(tmp_path) == sorted([name, f"{name}.mp4"])
    assert tuple(indices_by_pyav(target)) == CLIPS[clip].truth


@pytest.mark.skipif(sys.platform != "linux", reason="macOS and Windows have only Unicode names")
def test_a_name_that_is_no_text(shop: Workshop, tmp_path: Path) -> None:
    source = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.avi"))
    source.write_bytes(shop.clip("mpeg4").read_bytes())
    convert_video(source, tmp_path / "out.mp4")
    assert tuple(indices_by_pyav(tmp_path / "out.mp4")) == CLIPS["mpeg4"].truth
