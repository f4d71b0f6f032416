"""What a video needs, and the command that does it: decided from fields, no file involved."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlc2lp.model import VideoInfo
from dlc2lp.video.colors import Colors
from dlc2lp.video.encoding import (
    PRESETS,
    PROFILES,
    Crop,
    EncodeSettings,
    Pipe,
    choose,
    demux_argv,
    encode_argv,
    encode_settings,
    encoded_size,
    track_timescale,
)
from dlc2lp.video.formats import FORMATS
from dlc2lp.video.gpu_reader import against_size

#: Before each input that is a file.
ONLY_VIDEOS = ("-format_whitelist", FORMATS, "-protocol_whitelist", "file")

CONFORMING = VideoInfo(
    path=Path("mouse.mp4"),
    container="mov,mp4,m4a,3gp,3g2,mj2",
    codec="h264",
    pixel_format="yuv420p",
    color_range="tv",
    width_px=640,
    height_px=480,
    frame_rate=Fraction(30),
    n_frames=100,
    n_frames_declared=100,
    constant_rate=True,
    rotation_deg=0,
    square_pixels=True,
    keyframe_interval_frames=12,
    has_audio=False,
    n_video_streams=1,
    n_hidden_packets=0,
    all_packets_timed=True,
    starts_with_keyframe=True,
    size_bytes=10_000,
)
AVI = {"path": Path("mouse.avi"), "container": "avi"}


def _chosen(**changes: Any) -> tuple[str, list[str]]:
    treatment = choose(replace(CONFORMING, **changes))
    return treatment.action, [reason.code for reason in treatment.reasons]


@pytest.mark.parametrize(
    ("changes", "action", "reasons"),
    [
        ({}, "place", []),
        ({"path": Path("MOUSE.MP4")}, "place", []),
        ({"has_audio": True}, "place", ["has-audio"]),
        ({"color_range": "unknown"}, "place", []),
        ({"keyframe_interval_frames": 250}, "place", []),
        ({"path": Path("mouse.mov")}, "remux", ["not-named-mp4"]),
        ({"path": Path("mouse.m4v")}, "remux", ["not-named-mp4"]),
        ({"path": Path("mouse")}, "remux", ["not-named-mp4"]),
        (AVI, "remux", ["not-mp4"]),
        ({"path": Path("mouse.mp4"), "container": "avi"}, "remux", ["not-mp4"]),
        ({"n_video_streams": 2}, "remux", ["several-video-streams"]),
        ({"n_frames_declared": None}, "remux", ["count-not-declared"]),
        ({"n_frames_declared": 101}, "remux", ["wrong-count-declared"]),
        ({"constant_rate": False}, "rewrite", ["variable-rate"]),
        ({"constant_rate": False, "container": "matroska,webm"}, "rewrite", ["not-mp4", "variable-rate"]),
        ({"constant_rate": False, "all_packets_timed": False}, "encode", ["untimed-packets"]),
        ({"all_packets_timed": False, **AVI}, "encode", ["not-mp4", "untimed-packets"]),
        ({"codec": "mpeg4"}, "encode", ["not-h264"]),
        ({"codec": "hevc", **AVI}, "encode", ["not-h264", "not-mp4"]),
        ({"pixel_format": "yuv444p"}, "encode", ["not-yuv420p"]),
        ({"profile": "High", "level": 62}, "place", []),
        ({"profile": "Constrained Baseline"}, "place", []),
        ({"profile": "High 4:4:4 Predictive"}, "encode", ["not-for-gpus"]),
        ({"profile": "High 4:4:4 Predictive", "pixel_format": "yuv444p"}, "encode", ["not-yuv420p"]),
        ({"profile": "High 10", **AVI}, "encode", ["not-for-gpus", "not-mp4"]),
        ({"profile": "Extended"}, "encode", ["not-for-gpus"]),
        ({"profile": "Simple Profile", "codec": "mpeg4"}, "encode", ["not-h264"]),
        # A text search for "yuv420p" takes these two for conforming.
        ({"pixel_format": "yuv420p10le"}, "encode", ["not-yuv420p"]),
        ({"pixel_format": "yuvj420p", "color_range": "pc"}, "encode", ["not-yuv420p"]),
        ({"color_range": "pc"}, "encode", ["full-range"]),
        ({"rotation_deg": 180}, "encode", ["rotated"]),
        ({"square_pixels": False}, "encode", ["stretched-pixels"]),
        ({"width_px": 641}, "encode", ["odd-size"]),
        ({"height_px": 481}, "encode", ["odd-size"]),
        ({"n_hidden_packets": 3, "n_frames_declared": 103}, "encode", ["hidden-frames"]),
        ({"starts_with_keyframe": False}, "encode", ["starts-between-keyframes"]),
    ],
)
def test_the_cheapest_way_and_why(changes: dict[str, Any], action: str, reasons: list[str]) -> None:
    assert _chosen(**changes) == (action, reasons)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "codec": st.sampled_from(["h264", "mjpeg"]),
            "pixel_format": st.sampled_from(["yuv420p", "gray"]),
            "container": st.sampled_from(["mov,mp4,m4a,3gp,3g2,mj2", "avi", "flv"]),
            "constant_rate": st.booleans(),
            "all_packets_timed": st.booleans(),
            "rotation_deg": st.sampled_from([0, 90, 180, 270]),
            "n_hidden_packets": st.integers(0, 2),
            "n_frames_declared": st.sampled_from([None, 99, 100]),
            "n_video_streams": st.integers(1, 2),
            "has_audio": st.booleans(),
            "width_px": st.integers(1, 9),
        },
    )
)
def test_anything_else_than_placing_has_a_reason(changes: dict[str, Any]) -> None:
    action, reasons = _chosen(**changes)
    assert reasons or action == "place"
    if action == "place":
        assert set(reasons) <= {"has-audio"}
    if action in {"remux", "rewrite"}:  # what a copy cannot do must not be left to it
        info = replace(CONFORMING, **changes)
        assert info.all_packets_timed and not info.n_hidden_packets and not info.rotation_deg
        assert (info.codec, info.pixel_format) == ("h264", "yuv420p")


@pytest.mark.parametrize(
    ("framing", "reasons"),
    [
        ({"turn_deg": 0}, []),
        ({"turn_deg": 90}, ["turned"]),
        ({"crop": Crop(0, 0, 100, 100)}, ["cropped"]),
        ({"crop": Crop(0, 0, 100, 100), "turn_deg": 270}, ["turned", "cropped"]),
    ],
)
def test_what_labeled_images_show_otherwise_needs_an_encode(framing: dict[str, Any], reasons: list[str]) -> None:
    treatment = choose(CONFORMING, **framing)
    assert [reason.code for reason in treatment.reasons] == reasons
    assert treatment.action == ("encode" if reasons else "place")


def test_reasons_name_what_was_found() -> None:
    strange = replace(CONFORMING, codec="vp9", n_hidden_packets=1, n_video_streams=3, n_frames_declared=None, **AVI)
    assert [reason.message for reason in choose(strange).reasons] == [
        "the codec is vp9, not h264",
        "an edit list hides a part of it",
        "the container is avi, not mp4",
        "it has 3 video streams; the first is used",
        "the header does not say how many frames there are",
    ]


def test_the_whole_encode_command() -> None:
    argv = encode_argv(
        "/usr/bin/ffmpeg",
        Path("/data/a b;c.avi"),
        Path("/out/.1.part"),
        Fraction(30000, 1001),
        EncodeSettings("balanced", preset="veryfast", crf=20, gop=12, threads=2, tuning="bframes=0:weightp=0"),
        colors=Colors("bt601", "tv"),
    )
    filters = (
        "setparams=range=tv:colorspace=smpte170m,pad=ceil(iw/2)*2:ceil(ih/2)*2:0:0,setsar=1,scale=out_range=tv,format=yuv420p,"
        "settb=1001/30000,setpts=N,fps=30000/1001"
    )
    assert argv == [
        "/usr/bin/ffmpeg", "-nostdin", "-hide_banner", "-v", "level+warning", "-y", "-progress", "pipe:1", "-nostats",
        "-filter_threads", "2", "-threads", "2", *ONLY_VIDEOS, "-i", "file:/data/a b;c.avi",
        "-map", "0:V:0", "-map_metadata", "-1", "-map_chapters", "-1", "-an", "-sn", "-dn",
        "-vf", filters, "-fps_mode", "passthrough",
        "-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-g", "12", "-threads", "2",
        "-pix_fmt", "yuv420p", "-x264-params", "bframes=0:weightp=0:sync-lookahead=0",
        "-color_range", "tv", "-colorspace", "smpte170m",
        "-movflags", "+faststart", "-video_track_timescale", "30000", "-f", "mp4", "file:/out/.1.part",
    ]  # fmt: skip


def test_the_tuning_of_a_profile_is_that_of_its_preset() -> None:
    usual = encode_settings("balanced")
    assert usual.tuning
    assert encode_settings("balanced", preset=usual.preset, crf=23, gop=60).tuning == usual.tuning
    assert not encode_settings("balanced", preset="medium").tuning


@pytest.mark.parametrize(
    ("threads", "tuning", "written"),
    [
        (1, "", None),
        (2, "", "sync-lookahead=0"),
        (1, "bframes=0:mbtree=1", "bframes=0:mbtree=1"),
        (2, "bframes=0:mbtree=1", "bframes=0:mbtree=1:sync-lookahead=0"),
    ],
)
def test_what_x264_is_told_besides(threads: int, tuning: str, written: str | None) -> None:
    settings = EncodeSettings("balanced", "superfast", 20, 30, threads, tuning)
    argv = encode_argv("ffmpeg", Path("/a.avi"), Path("/b.mp4"), Fraction(30), settings)
    assert (argv[argv.index("-x264-params") + 1] if "-x264-params" in argv else None) == written


@pytest.mark.parametrize(
    ("colors", "first", "scale"),
    [
        (
            Colors("bt709", "tv"),
            "setparams=range=tv:colorspace=bt709",
            "scale=in_color_matrix=bt709:in_range=tv:flags=bicubic+accurate_rnd",
        ),
        (Colors("bt601", "pc"), "setparams=range=pc:colorspace=smpte170m", "scale=out_range=tv"),
        (None, "pad=ceil(iw/2)*2:ceil(ih/2)*2:0:0", "scale=out_color_matrix=bt601:flags=bicubic"),
    ],
)
def test_colors_are_read_as_told_and_written_alike(colors: Colors | None, first: str, scale: str) -> None:
    argv = encode_argv("ffmpeg", Path("a"), Path("b"), Fraction(25), PROFILES["balanced"], colors=colors)
    filters = argv[argv.index("-vf") + 1].split(",")
    assert filters[0] == first
    assert next(each for each in filters if each.startswith("scale")).startswith(scale)
    assert argv[argv.index("-colorspace") + 1] == "smpte170m"


def test_frames_of_a_pipe_are_told_by_size_and_format() -> None:
    argv = encode_argv("ffmpeg", Pipe("yuvj422p", 33, 20), Path("b"), Fraction(1, 1800), PROFILES["small"])
    told = "-f rawvideo -pixel_format yuvj422p -video_size 33x20 -framerate 1/1800 -i pipe:0"
    assert told in " ".join(argv)


def test_a_crop_comes_after_turning_and_before_padding() -> None:
    argv = encode_argv(
        "ffmpeg", Path("a"), Path("b"), Fraction(25), PROFILES["balanced"], crop=Crop(3, 5, 101, 77), turn_back_deg=90
    )
    assert argv[argv.index("-vf") + 1].startswith("transpose=cclock,crop=101:77:3:5:exact=1,pad=ceil(iw/2)*2")
    assert argv[argv.index("-video_track_timescale") + 1] == "25000"


def test_the_whole_command_that_only_reads() -> None:
    assert demux_argv("ffmpeg", Path("a.avi")) == [
        "ffmpeg", "-nostdin", "-hide_banner", "-v", "level+warning", "-progress", "pipe:1", "-nostats",
        *ONLY_VIDEOS, "-i", "file:a.avi", "-map", "0:V:0", "-an", "-sn", "-dn", "-c", "copy", "-f", "null", "-",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "crop", "turn_deg", "size"),
    [
        ({}, None, None, (640, 480)),
        ({"width_px": 641, "height_px": 481}, None, None, (642, 482)),
        ({"width_px": 641, "rotation_deg": 90}, None, None, (480, 642)),
        ({"width_px": 641, "rotation_deg": 270}, None, 0, (642, 480)),
        ({"rotation_deg": 180}, None, 90, (480, 640)),
        ({"rotation_deg": 270}, None, None, (480, 640)),
        ({"rotation_deg": 90}, Crop(1, 2, 99, 100), None, (100, 100)),
    ],
)
def test_the_size_that_comes_out(
    changes: dict[str, Any], crop: Crop | None, turn_deg: int | None, size: tuple[int, int]
) -> None:
    assert encoded_size(replace(CONFORMING, **changes), crop=crop, turn_deg=turn_deg) == size


@given(st.fractions(min_value=Fraction(1, 100), max_value=2000, max_denominator=1001))
def test_a_tick_is_a_whole_part_of_a_frame(rate: Fraction) -> None:
    assert (track_timescale(rate) / rate).denominator == 1
    assert track_timescale(rate) >= 1000


def test_profiles_are_what_their_names_say() -> None:
    assert all(name == settings.profile for name, settings in PROFILES.items())
    assert all(settings.preset in PRESETS for settings in PROFILES.values())
    assert PROFILES["intra"].gop == 1
    assert PROFILES["small"].gop > PROFILES["balanced"].gop


@pytest.mark.parametrize(
    ("size", "code", "width_px"),
    [
        ((640, 480), "", 0),
        ((48, 16), "", 0),
        ((47, 15), "", 0),  # made even on the way
        ((4096, 4096), "", 0),
        ((4095, 2160), "", 0),
        ((4098, 2160), "video-too-large-for-gpus", 4096),
        ((5120, 2880), "video-too-large-for-gpus", 4096),
        ((3000, 6000), "video-too-large-for-gpus", 2048),
        ((46, 64), "video-too-small-for-gpus", 48),
        ((64, 14), "video-too-small-for-gpus", 74),
        ((2, 2), "video-too-small-for-gpus", 48),
    ],
)
def test_a_size_that_graphics_cards_do_not_decode_is_told_with_a_way_out(
    size: tuple[int, int], code: str, width_px: int
) -> None:
    told = against_size(*size)
    assert (told[0] if told else "") == code
    if told:
        assert f"scale={width_px}:-2 " in told[2]
        height_px = 2 * round(size[1] * width_px / size[0] / 2)  # ffmpeg's -2
        assert against_size(width_px, height_px) is None


@pytest.mark.parametrize("rate", [Fraction(1, 86400), Fraction(999, 86_399_913), Fraction(1), Fraction(1_000_000)])
def test_ticks_of_any_rate_fit_into_32_bits(rate: Fraction) -> None:
    timescale = track_timescale(rate)
    step = timescale / rate
    assert step.denominator == 1
    assert timescale < 2**31
    assert 16 * step < 2**31
