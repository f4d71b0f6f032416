"""What is measured of a video, and how files that are none are refused."""

from __future__ import annotations

import os
import struct
import threading
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from clips import (
    CLIPS,
    HEIGHT,
    INTACT,
    MADE_UP,
    MATERIAL,
    N_FRAMES,
    WIDTH,
    Workshop,
    index_in,
    indices_by_opencv,
)

from dlc2lp.codec import encode
from dlc2lp.errors import Interrupted, VideoFailed
from dlc2lp.model import VideoInfo
from dlc2lp.video.convert import check_video, convert_video
from dlc2lp.video.encoding import PRESETS
from dlc2lp.video.extent import lacks_index, missing_bytes
from dlc2lp.video.frames import read_frames
from dlc2lp.video.probe import probe


@pytest.mark.parametrize("name", sorted(INTACT))
def test_frames_are_counted_and_not_believed(name: str, shop: Workshop) -> None:
    info = probe(shop.clip(name))
    assert info.n_frames == len(CLIPS[name].truth)
    assert info.size_bytes == info.path.stat().st_size
    if CLIPS[name].rate is not None:
        assert info.frame_rate == CLIPS[name].rate


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("h264", {"codec": "h264", "pixel_format": "yuv420p", "keyframe_interval_frames": 12, "constant_rate": True}),
        ("all key frames", {"keyframe_interval_frames": 1}),
        ("mjpeg", {"codec": "mjpeg", "container": "avi", "color_range": "pc", "keyframe_interval_frames": 1}),
        ("av1", {"codec": "av1"}),  # and not "libdav1d", the decoder
        ("full range", {"pixel_format": "yuvj420p", "color_range": "pc"}),
        ("10 bit", {"pixel_format": "yuv420p10le"}),
        ("turned 90", {"rotation_deg": 90, "width_px": HEIGHT, "height_px": WIDTH}),
        ("turned 180", {"rotation_deg": 180}),
        ("turned 270", {"rotation_deg": 270}),
        ("turned mpeg4", {"rotation_deg": 90}),
        ("stretched pixels", {"square_pixels": False}),
        ("aac sound", {"has_audio": True, "n_video_streams": 1}),
        ("cover picture", {"has_audio": False, "n_video_streams": 1}),
        ("two video streams", {"n_video_streams": 2}),
        ("edit list", {"n_hidden_packets": 11, "n_frames_declared": 48, "starts_with_keyframe": False}),
        ("fragmented mp4", {"n_frames_declared": None}),
        ("h264 mkv", {"constant_rate": False, "all_packets_timed": True, "frame_rate": Fraction(30)}),
        ("29.97 fps mkv", {"constant_rate": False, "frame_rate": Fraction(30000, 1001)}),
        ("h264 ts", {"constant_rate": True, "all_packets_timed": True, "n_frames_declared": None}),
        ("h264 null chunks", {"constant_rate": False, "n_frames_declared": 51}),
        # What libavformat makes up for AVI is in the order of the file, not of display.
        ("h264 avi", {"all_packets_timed": True}),
        ("h264 avi B", {"all_packets_timed": False, "constant_rate": False, "frame_rate": Fraction(30)}),
        ("raw h264", {"all_packets_timed": False, "n_frames_declared": None}),
        ("2000 fps in ms", {"all_packets_timed": False}),
        ("no durations", {"all_packets_timed": False}),
        ("fields mp4", {"n_frames_declared": 48, "all_packets_timed": False, "frame_rate": Fraction(25)}),
        ("packed B", {"n_frames": 48, "all_packets_timed": False}),
        ("skipped frames", {"n_frames_declared": 48, "all_packets_timed": False}),
        ("latin-1 title", {"codec": "mpeg4"}),
    ],
)
def test_facts(name: str, facts: dict[str, Any], shop: Workshop) -> None:
    info = probe(shop.clip(name))
    assert {field: getattr(info, field) for field in facts} == facts


def test_every_field_is_plain_json(shop: Workshop) -> None:
    fields = encode(probe(shop.clip("29.97 fps avi")))
    assert fields["frame_rate"] == "30000/1001"
    assert set(fields) == set(VideoInfo.__dataclass_fields__)
    assert fields.pop("remarks") == fields.pop("held") == []
    assert all(isinstance(value, str | int | bool | None) for value in fields.values())


@pytest.mark.parametrize("name", ["h264", "fields ts"])
def test_a_long_pass_can_be_stopped(name: str, shop: Workshop) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Interrupted):
        probe(shop.clip(name), stop=stop)


def test_hidden_reference_frames_are_packets_but_no_frames(shop: Workshop) -> None:
    import av

    path = shop.clip("vp8 hidden")
    with av.open(str(path)) as container:
        n_packets = sum(packet.size > 0 for packet in container.demux(video=0))
    assert n_packets > probe(path).n_frames == 48


CUT_OR_JOINED = sorted(
    {*MADE_UP, *(name for name in INTACT if " cut " in name or "joined" in name), "theora", "first key frame lost"}
)


@pytest.mark.parametrize("name", CUT_OR_JOINED)
def test_a_frame_has_the_number_that_opencv_counts(name: str, shop: Workshop) -> None:
    path = shop.clip(name)
    read = indices_by_opencv(path)
    if CLIPS[name].truth:
        assert tuple(read) == CLIPS[name].truth
    info = probe(path)
    assert info.n_frames == len(read)
    assert tuple(remark.code for remark in info.remarks) == CLIPS[name].remarks
    assert bool(info.n_lost_packets) == ("video-starts-broken" in CLIPS[name].remarks)
    wanted = {0, 1, 7, len(read) // 2, len(read) - 2, len(read) - 1}
    found = {index: index_in(rgb[:, :, 1]) for index, rgb in read_frames(path, info, wanted)}
    assert found == {index: read[index] for index in wanted}


def _code(path: Path) -> str:
    with pytest.raises(VideoFailed) as refused:
        probe(path)
    (finding,) = refused.value.findings
    assert finding.subject == str(path)
    return finding.code


def test_no_file(tmp_path: Path) -> None:
    assert _code(tmp_path / "none.mp4") == "video-missing"
    assert _code(tmp_path) == "video-missing"


@pytest.mark.skipif(os.name != "posix", reason="links need rights on Windows")
def test_a_link_to_nothing(tmp_path: Path) -> None:
    link = tmp_path / "link.mp4"
    link.symlink_to("/mnt/old-server/mouse.mp4")
    with pytest.raises(VideoFailed) as refused:
        probe(link)
    assert refused.value.findings[0].code == "video-missing"
    assert "link" in refused.value.findings[0].hint


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("cut mp4", "of the 48 frames that its header promises"),
        ("cut mkv", "lacks"),
        ("no moov", "recording was not finished"),
        ("sound only", "only: audio"),
        ("text", "nothing that can be read as a video"),
        ("still picture", "png_pipe"),
    ],
)
def test_a_refusal_says_what_was_found(name: str, says: str, shop: Workshop) -> None:
    with pytest.raises(VideoFailed, match=says):
        probe(shop.clip(name))


@pytest.mark.parametrize("n_bytes", [5, 30, 200, 900])
@pytest.mark.parametrize("name", ["h264", "mjpeg", "h264 mkv", "h264 ts", "h264 flv", "mpeg1", "prores", "vp9"])
def test_the_first_bytes_of_a_video_are_never_a_crash(name: str, n_bytes: int, shop: Workshop, tmp_path: Path) -> None:
    stub = tmp_path / "stub"
    stub.write_bytes(shop.clip(name).read_bytes()[:n_bytes])
    try:
        assert probe(stub).n_frames < N_FRAMES  # streams without a length can end anywhere
    except VideoFailed as refused:
        assert refused.findings[0].code.startswith("video-")


# ------------------------------------------------------------------------------------------- where a container ends


@pytest.mark.parametrize("name", sorted(name for name in INTACT | MATERIAL if not CLIPS[name].remarks))
def test_whole_files_lack_nothing(name: str, shop: Workshop) -> None:
    assert missing_bytes(shop.clip(name)) == 0
    assert not lacks_index(shop.clip(name))


@pytest.mark.parametrize("name", ["fast start", "mjpeg", "h264 mkv", "vp9"])
@pytest.mark.parametrize("n_cut", [1, 100, 1500])
def test_a_cut_is_known_to_the_byte(name: str, n_cut: int, shop: Workshop, tmp_path: Path) -> None:
    data = shop.clip(name).read_bytes()
    cut = tmp_path / "cut"
    cut.write_bytes(data[:-n_cut])
    assert missing_bytes(cut) == n_cut


@pytest.mark.parametrize("name", ["h264", "prores"])
@pytest.mark.parametrize("n_cut", [100, 1500])
def test_a_file_whose_index_comes_last_loses_it(name: str, n_cut: int, shop: Workshop, tmp_path: Path) -> None:
    cut = _file(tmp_path / "cut", shop.clip(name).read_bytes()[:-n_cut])
    assert missing_bytes(cut) or lacks_index(cut)
    assert _code(cut) in {"video-truncated", "video-unreadable"}


def _file(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def _riff(kind: bytes, payload: bytes, length: int | None = None) -> bytes:
    return b"RIFF" + struct.pack("<I", 4 + len(payload) if length is None else length) + kind + payload


@pytest.mark.parametrize(
    ("content", "n_missing"),
    [
        (_riff(b"AVI ", bytes(40)), 0),
        (_riff(b"AVI ", bytes(40)) + _riff(b"AVIX", bytes(20)), 0),  # above 1 GB a second RIFF follows
        (_riff(b"AVI ", bytes(40)) + _riff(b"AVIX", bytes(20))[:-7], 7),
        (_riff(b"AVI ", bytes(41)) + b"\0" + _riff(b"AVIX", bytes(20)), 0),  # chunks begin at even places
        (_riff(b"AVI ", bytes(40), length=0), 0),  # the recorder died before it filled this in
        (_riff(b"AVI ", bytes(40)) + b"camera notes", 0),
        (_riff(b"WAVE", bytes(4), length=99), 0),
        (struct.pack(">I4s", 16, b"ftyp") + bytes(8) + struct.pack(">I4s", 0, b"mdat") + bytes(9), 0),  # to the end
        (struct.pack(">I4s", 16, b"ftyp") + bytes(8) + struct.pack(">I4sQ", 1, b"mdat", 116) + bytes(40), 60),
        (struct.pack(">I4s", 16, b"ftyp") + bytes(8) + struct.pack(">I4s", 3, b"mdat") + bytes(40), 0),  # nonsense
        (b"\x1a\x45\xdf\xa3\x81\0" + b"\x18\x53\x80\x67\x8a" + bytes(4), 6),
        (b"\x1a\x45\xdf\xa3\x81\0" + b"\x18\x53\x80\x67\x01" + b"\xff" * 7 + bytes(4), 0),  # a live stream
        (b"\x1a\x45\xdf\xa3", 1),  # at least the length is missing
        (b"", 0),
    ],
)
def test_container_arithmetic(content: bytes, n_missing: int, tmp_path: Path) -> None:
    assert missing_bytes(_file(tmp_path / "file", content)) == n_missing


def test_an_index_is_missed_only_in_mp4(tmp_path: Path) -> None:
    boxes = struct.pack(">I4s", 16, b"ftyp") + bytes(8) + struct.pack(">I4s", 20, b"mdat") + bytes(12)
    assert lacks_index(_file(tmp_path / "a", boxes))
    assert not lacks_index(_file(tmp_path / "b", boxes + struct.pack(">I4s", 8, b"moov")))
    assert not lacks_index(_file(tmp_path / "c", _riff(b"AVI ", bytes(40))))


@pytest.mark.parametrize(
    ("size", "code"),
    [("32x32", "video-too-small-for-gpus"), ("48x16", ""), ("4096x16", ""), ("4112x16", "video-too-large-for-gpus")],
)
def test_a_size_for_no_graphics_card_is_told_and_placed(size: str, code: str, shop: Workshop, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    shop.ff("-f", "lavfi", "-i", f"testsrc=duration=0.2:size={size}:rate=30", "-pix_fmt", "yuv420p", "-g", "3", path)
    verdict = check_video(path)
    assert verdict.treatment.action == "place"
    assert [remark.code for remark in verdict.info.remarks] == [code] * bool(code)


@pytest.mark.parametrize(
    ("options", "size"),
    [
        *(({"preset": preset, "crf": 1}, "64x48") for preset in PRESETS),
        ({"crf": 1, "gop": 1}, "64x48"),
        ({"crf": 1}, "2x2"),
        ({"crf": 1}, "16x16"),
        ({"profile": "intra"}, "63x47"),
    ],
)
def test_whatever_is_encoded_conforms(options: dict[str, Any], size: str, shop: Workshop, tmp_path: Path) -> None:
    source, target = tmp_path / "a.mkv", tmp_path / "a.mp4"
    shop.ff("-f", "lavfi", "-i", f"testsrc=duration=0.3:size={size}:rate=30", "-c:v", "ffv1", source)
    convert_video(source, target, threads=1, **options)
    assert check_video(target).treatment.action == "place"
