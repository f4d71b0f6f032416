"""The one-file command: options, refusals, stopping, and what it does when a check fails."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from clips import ALL, CLIPS, N_FRAMES, RATE, Workshop, index_in, indices_by_pyav, picture

from dlc2lp.errors import DiskTrouble, Interrupted, TargetRefused, ToolMissing, UsageError, VideoFailed
from dlc2lp.video import convert, ffmpeg
from dlc2lp.video.checks import VideoOrder
from dlc2lp.video.convert import check_video, convert_video, make_video
from dlc2lp.video.encoding import PROFILES, Crop, encode_settings
from dlc2lp.video.frames import read_frames, small_gray_frames
from dlc2lp.video.probe import probe
from dlc2lp.video.remux import rewrite_packets
from dlc2lp.video.synthetic import write_clip

BALANCED = replace(PROFILES["balanced"], threads=1)


def _names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# ------------------------------------------------------------------------------------------------------------- copying


@pytest.mark.parametrize("name", ["h264 mkv", "uneven h264", "h264 ts", "open GOP", "h264 flv", "h264 null chunks"])
def test_rewritten_packets_hold_the_same_pixels(name: str, shop: Workshop, tmp_path: Path) -> None:
    source, target = shop.clip(name), tmp_path / "copy"
    info = probe(source)
    rewrite_packets(source, target, info)
    made = probe(target)
    assert (made.constant_rate, made.frame_rate, made.n_frames) == (True, info.frame_rate, N_FRAMES)
    for (_, before), (_, after) in zip(read_frames(source, info, ALL), read_frames(target, made, ALL), strict=True):
        assert np.array_equal(before, after)


@pytest.mark.parametrize("name", ["raw h264", "h264 avi B", "edit list", "no durations"])
def test_packets_that_do_not_tell_their_time_are_not_copied(name: str, shop: Workshop, tmp_path: Path) -> None:
    with pytest.raises(VideoFailed) as refused:
        rewrite_packets(shop.clip(name), tmp_path / "copy", probe(shop.clip(name)))
    assert refused.value.findings[0].code == "remux-impossible"


def test_a_copy_that_fails_its_check_becomes_an_encode(
    shop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Copy a frozen picture instead of the video: the look at the packets must notice and encode instead."""
    frozen = tmp_path / "frozen.mp4"
    write_clip(frozen, (picture(0) for _ in ALL), RATE)

    def copy_another(source: Path, target: Path, info: object, **_: object) -> None:
        target.write_bytes(frozen.read_bytes())

    monkeypatch.setattr(convert, "rewrite_packets", copy_another)
    made = convert_video(shop.clip("h264 mkv"), tmp_path / "out.mp4")
    assert made.action == "encode"
    assert made.reasons[0].code == "rewrite-failed"
    assert "other parameters than its source's" in made.reasons[0].message
    assert tuple(indices_by_pyav(tmp_path / "out.mp4")) == ALL
    assert _names_in(tmp_path) == ["frozen.mp4", "out.mp4"]


# ------------------------------------------------------------------------------------------------------------ encoding


def test_the_same_command_gives_the_same_bytes(shop: Workshop, tmp_path: Path, each_ffmpeg: str) -> None:
    for name in ("a.mp4", "b.mp4"):
        convert_video(shop.clip("mjpeg"), tmp_path / name, threads=2)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


@pytest.mark.parametrize(
    ("options", "interval"), [({"profile": "intra"}, 1), ({"gop": 5}, 5), ({"profile": "small"}, N_FRAMES)]
)
def test_the_distance_of_key_frames(options: dict[str, object], interval: int, shop: Workshop, tmp_path: Path) -> None:
    made = convert_video(shop.clip("mjpeg"), tmp_path / "out.mp4", verify="full", **options)  # type: ignore[arg-type]
    assert made.target.keyframe_interval_frames == interval


def test_a_higher_crf_is_a_smaller_file(shop: Workshop, tmp_path: Path) -> None:
    sizes = [
        convert_video(shop.clip("mjpeg"), tmp_path / f"{crf}.mp4", crf=crf, preset="ultrafast").target.size_bytes
        for crf in (15, 40)
    ]
    assert sizes[0] > 2 * sizes[1]


@pytest.mark.parametrize("name", ["h264", "turned 90", "turned mpeg4", "odd size"])
@pytest.mark.parametrize("turn_deg", [None, 0, 90, 180, 270])
def test_a_crop_keeps_exactly_its_pixels(
    name: str, turn_deg: int | None, shop: Workshop, tmp_path: Path, each_ffmpeg: str
) -> None:
    """Odd offsets too: yuv420p halves its color planes, and ffmpeg would round to even places."""
    source, target = shop.clip(name), tmp_path / "crop"
    info = probe(source)
    crop = Crop(3, 1, 101, 77)
    made = make_video(
        source, target, info, "encode", replace(BALANCED, crf=1), verify="full", crop=crop, turn_deg=turn_deg
    )
    assert (made.width_px, made.height_px, made.rotation_deg) == (102, 78, 0)
    wanted = [20, 26, 42]  # their codes have edges in both directions
    stored = small_gray_frames(source, info, wanted, width_px=info.width_px)  # of color, half the edges are blurred
    written = small_gray_frames(target, made, wanted, width_px=made.width_px)
    for (_, whole), (_, part) in zip(stored, written, strict=True):
        shown = np.rot90(whole, -(info.rotation_deg if turn_deg is None else turn_deg) // 90).astype(int)
        # The place where the part fits best is the place that was asked for, not its neighbor.
        errors = {
            (x, y): float(np.abs(shown[y : y + 77, x : x + 101] - part[:77, :101]).mean())
            for x in (2, 3, 4)
            for y in (0, 1, 2)
        }
        assert min(errors, key=errors.__getitem__) == (3, 1)


def test_not_turned_means_as_stored(shop: Workshop, tmp_path: Path, each_ffmpeg: str) -> None:
    source, target = shop.clip("turned 180"), tmp_path / "out"
    info = probe(source)
    made = make_video(source, target, info, "encode", BALANCED, turn_deg=0)
    ((_, image),) = read_frames(target, made, [9])
    assert index_in(image.mean(axis=2)) is None
    assert index_in(image[::-1, ::-1].mean(axis=2)) == 9


def test_an_order_says_what_must_come_out(shop: Workshop) -> None:
    info = replace(probe(shop.clip("odd size")), frame_rate=Fraction(25))
    order = VideoOrder.of(info, "encode", BALANCED)
    assert (order.rate, order.n_frames, order.width_px, order.height_px) == (Fraction(25), N_FRAMES, 160, 128)
    with pytest.raises(ValueError, match="settings"):
        VideoOrder.of(info, "encode", None)
    with pytest.raises(ValueError, match="settings"):
        VideoOrder.of(info, "remux", BALANCED)
    with pytest.raises(ValueError, match="pixel"):
        VideoOrder.of(info, "rewrite", None, crop=Crop(0, 0, 10, 10))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"n_frames": N_FRAMES + 1}, "video-frames-lost"),
        ({"n_frames": N_FRAMES - 1}, "video-frames-lost"),
    ],
)
def test_a_count_that_does_not_hold_is_a_finding(
    changes: dict[str, int], code: str, shop: Workshop, tmp_path: Path
) -> None:
    source = shop.clip("mjpeg")
    with pytest.raises(VideoFailed) as refused:
        make_video(source, tmp_path / "part", replace(probe(source), **changes), "encode", BALANCED)
    assert code in {finding.code for finding in refused.value.findings}
    assert _names_in(tmp_path) == []


def test_an_output_of_another_kind_is_refused(shop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    argv = convert.encoding.encode_argv

    def other_argv(*args: object, **options: object) -> list[str]:
        return [{"yuv420p": "yuv444p"}.get(word, word.replace("format=yuv420p", "format=yuv444p")) for word in
                argv(*args, **options)]  # type: ignore[arg-type]  # fmt: skip

    monkeypatch.setattr(convert.encoding, "encode_argv", other_argv)
    with pytest.raises(VideoFailed, match="pixel format: written yuv444p, expected yuv420p"):
        convert_video(shop.clip("mjpeg"), tmp_path / "out.mp4")
    assert _names_in(tmp_path) == []


def test_frames_in_another_order_are_refused(shop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    argv = convert.encoding.encode_argv

    def reversing_argv(*args: object, **options: object) -> list[str]:
        return [word.replace("pad=", "reverse,pad=") for word in argv(*args, **options)]  # type: ignore[arg-type]

    monkeypatch.setattr(convert.encoding, "encode_argv", reversing_argv)
    with pytest.raises(VideoFailed) as refused:
        convert_video(shop.clip("mjpeg"), tmp_path / "out.mp4")
    assert refused.value.findings[0].code == "video-frames-differ"
    assert refused.value.findings[0].where == "frame 0"
    assert _names_in(tmp_path) == []


def test_without_ffmpeg_what_needs_none_is_done(
    shop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ffmpeg.OVERRIDE_VARIABLE, "/no/such/ffmpeg")
    convert_video(shop.clip("h264 mkv"), tmp_path / "copied.mp4")
    with pytest.raises(ToolMissing):
        convert_video(shop.clip("mjpeg"), tmp_path / "encoded.mp4")
    assert _names_in(tmp_path) == ["copied.mp4"]


# ------------------------------------------------------------------------------------------------------------ stopping


def test_stopping_in_the_middle_of_an_encode(tmp_path: Path, each_ffmpeg: str) -> None:
    source = tmp_path / "long.avi"
    frames = [picture(index) for index in range(40)]
    write_clip(source, (frames[index % 40] for index in range(1200)), RATE, codec="mjpeg", pixel_format="yuvj420p")
    stop = threading.Event()
    seen: list[int] = []

    def stop_soon(n_frames: int) -> None:
        seen.append(n_frames)
        stop.set()

    begun = time.monotonic()
    with pytest.raises(Interrupted):
        convert_video(source, tmp_path / "out.mp4", preset="veryslow", threads=1, on_frames=stop_soon, stop=stop)
    assert time.monotonic() - begun < 10
    assert seen and seen[-1] < 1200
    assert _names_in(tmp_path) == ["long.avi"]


@pytest.mark.parametrize("name", ["h264", "h264 mkv", "mjpeg"])
def test_stopped_before_it_began(name: str, shop: Workshop, tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Interrupted):
        convert_video(shop.clip(name), tmp_path / "out.mp4", stop=stop)
    assert _names_in(tmp_path) == []


# ------------------------------------------------------------------------------------------------------------- targets


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is a POSIX one, and macOS lets mapped files pass")
@pytest.mark.parametrize("name", ["h264", "h264 mkv", "mjpeg"])
def test_a_full_disk_leaves_nothing(name: str, shop: Workshop, tmp_path: Path, each_ffmpeg: str) -> None:
    import resource

    source = shop.clip(name)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
    try:
        with pytest.raises(DiskTrouble) as refused:
            convert_video(source, tmp_path / "out.mp4")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert refused.value.findings[0].code == "no-space"
    assert _names_in(tmp_path) == []


def test_an_existing_target_is_replaced_only_when_asked(shop: Workshop, tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    target.write_bytes(b"precious")
    with pytest.raises(TargetRefused) as refused:
        convert_video(shop.clip("h264"), target)
    assert (refused.value.findings[0].code, refused.value.exit_code) == ("target-exists", 3)
    assert target.read_bytes() == b"precious"
    convert_video(shop.clip("h264"), target, overwrite=True)
    assert target.read_bytes() == shop.clip("h264").read_bytes()


def test_a_failed_conversion_keeps_the_old_target(shop: Workshop, tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    target.write_bytes(b"precious")
    with pytest.raises(VideoFailed):
        convert_video(shop.clip("garbled"), target, overwrite=True)
    assert target.read_bytes() == b"precious"
    assert _names_in(tmp_path) == ["out.mp4"]


@pytest.mark.parametrize("overwrite", [True, False])
def test_the_source_is_never_the_target(overwrite: bool, shop: Workshop, tmp_path: Path) -> None:
    source = tmp_path / "a.mp4"
    source.write_bytes(shop.clip("yuv444p").read_bytes())
    before = source.read_bytes()
    other_name = tmp_path / "b.mp4"
    other_name.hardlink_to(source)
    for target in (source, tmp_path / "." / "a.mp4", other_name):
        with pytest.raises(TargetRefused) as refused:
            convert_video(source, target, overwrite=overwrite)
        assert refused.value.findings[0].code == "target-is-source"
    assert source.read_bytes() == before


def test_a_folder_that_is_not_there(shop: Workshop, tmp_path: Path) -> None:
    with pytest.raises(TargetRefused) as refused:
        convert_video(shop.clip("h264"), tmp_path / "none" / "out.mp4")
    assert refused.value.findings[0].code == "target-not-writable"
    with pytest.raises(TargetRefused):
        (tmp_path / "folder.mp4").mkdir()
        convert_video(shop.clip("h264"), tmp_path / "folder.mp4", overwrite=True)


@pytest.mark.parametrize("name", ["out.avi", "OUT.MP4", "out"])
def test_a_name_that_lightning_pose_does_not_take(name: str, shop: Workshop, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        convert_video(shop.clip("h264"), tmp_path / name)
    assert (refused.value.findings[0].code, refused.value.exit_code) == ("target-not-mp4", 2)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"profile": "best"}, "unknown-profile"),
        ({"preset": "warp"}, "unknown-preset"),
        ({"crf": 0}, "out-of-range"),  # lossless x264 is a profile that graphics cards do not decode
        ({"crf": 52}, "out-of-range"),
        ({"gop": 0}, "out-of-range"),
        ({"threads": 0}, "out-of-range"),
    ],
)
def test_options_without_sense(options: dict[str, object], code: str, shop: Workshop, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        convert_video(shop.clip("mjpeg"), tmp_path / "out.mp4", **options)  # type: ignore[arg-type]
    assert refused.value.findings[0].code == code
    assert _names_in(tmp_path) == []


def test_options_change_their_part_of_the_profile() -> None:
    assert encode_settings("balanced", threads=3) == replace(PROFILES["balanced"], threads=3)
    changed = encode_settings("small", crf=30, preset="slow", gop=7, threads=2)
    assert changed == replace(PROFILES["small"], crf=30, preset="slow", gop=7, threads=2)
    assert encode_settings("intra").threads == 1
    least, most = ({"crf": 1, "gop": 1, "threads": 1}, {"crf": 51, "gop": 100_000, "threads": 128})
    assert [encode_settings("small", **limits).crf for limits in (least, most)] == [1, 51]


@pytest.mark.shared
def test_the_real_openfield_video_needs_an_encode(openfield: Path) -> None:
    verdict = check_video(next(openfield.glob("videos/*.mp4")))
    assert (verdict.treatment.action, verdict.info.n_frames) == ("encode", 2330)
    assert [reason.code for reason in verdict.treatment.reasons] == ["not-yuv420p"]
    assert verdict.info.frame_rate == Fraction(1000000, 33333)


@pytest.mark.parametrize("name", ["h264", "mjpeg", "uneven h264", "mirrored down"])
@pytest.mark.parametrize("n_wanted", [1, 29, 47])
def test_the_first_frames_of_a_video(
    name: str, n_wanted: int, shop: Workshop, tmp_path: Path, each_ffmpeg: str
) -> None:
    source, target = shop.clip(name), tmp_path / "part"
    info = replace(probe(source), trimmed_to=n_wanted)
    made = make_video(source, target, info, "encode", BALANCED, verify="full")
    assert made.n_frames == n_wanted
    assert indices_by_pyav(target) == list(CLIPS[name].truth[:n_wanted])


@pytest.mark.parametrize("n_wanted", range(1, 48, 3))
def test_packets_are_copied_only_where_the_first_frames_need_no_later_one(
    n_wanted: int, shop: Workshop, tmp_path: Path
) -> None:
    source, target = shop.clip("h264 mkv"), tmp_path / "part.mp4"  # with B-frames
    info = replace(probe(source), trimmed_to=n_wanted)
    try:
        made = make_video(source, target, info, "rewrite", None, verify="full")
    except VideoFailed as failure:
        assert failure.findings[0].code == "remux-impossible"
        assert not target.exists()
    else:
        assert made.n_frames == n_wanted
        assert indices_by_pyav(target) == list(range(n_wanted))
