"""Whatever bytes a file holds, the answer is a finding about it: never a traceback, never another error.

The clips lie in ``fixtures/clips``, so that their bytes do not depend on the ffmpeg of a machine.
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from golden import TINY_CLIPS

from dlc2lp.errors import DiskTrouble, Dlc2LpError, VideoFailed
from dlc2lp.model import VideoInfo
from dlc2lp.video import probe as measuring
from dlc2lp.video.convert import convert_video
from dlc2lp.video.encoding import Crop
from dlc2lp.video.frames import read_frames, small_gray_frames
from dlc2lp.video.probe import probe
from dlc2lp.video.pyav import OpenedVideo, Pixels, Undecodable
from dlc2lp.video.remux import rewrite_packets

NAMES = sorted(path.name for path in TINY_CLIPS.iterdir())


def damaged(name: str, seed: int) -> bytes:
    """A clip with some bytes changed: anywhere, in its head, in one place, or bit by bit and cut."""
    rng = np.random.default_rng([seed, *name.encode()])
    data = bytearray((TINY_CLIPS / name).read_bytes())
    match seed % 4:
        case 0:
            for at in rng.integers(0, len(data), 12):
                data[at] = rng.integers(0, 256)
        case 1:
            for at in rng.integers(0, 600, 4):
                data[at] = rng.integers(0, 256)
        case 2:
            at = int(rng.integers(0, len(data)))
            data[at : at + 100] = rng.bytes(int(rng.integers(1, 200)))
        case 3:
            for at in rng.integers(0, len(data), len(data) // 100):
                data[at] ^= 1 << int(rng.integers(0, 8))
            del data[int(rng.integers(len(data) // 2, 2 * len(data))) :]
    return bytes(data)


def readings(path: Path, info: VideoInfo) -> list[Callable[[], object]]:
    """Everything that the wing does with a video that it could measure."""
    last = info.n_frames - 1
    return [
        lambda: list(small_gray_frames(path, info, None)),
        lambda: list(small_gray_frames(path, info, range(0, last, 3), crop=Crop(3, 5, 20, 10))),
        lambda: list(read_frames(path, info, {0, last // 2, last})),
        lambda: rewrite_packets(path, path.with_name("copy"), info),
    ]


@pytest.mark.parametrize("name", NAMES)
def test_damage_is_told_by_whoever_reads(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    refusals = []
    for seed in range(40):
        path.write_bytes(damaged(name, seed))
        try:
            info = probe(path)
        except VideoFailed as refused:
            refusals.append(refused)
            continue
        for read in readings(path, info):
            try:
                read()
            except VideoFailed as refused:
                refusals.append(refused)
    assert refusals
    for refused in refusals:
        assert all(finding.message and finding.subject == str(path) for finding in refused.findings)


@pytest.mark.parametrize("name", ["h264.mp4", "h264.mkv", "mjpeg.avi", "h264.ts", "packed-b.avi"])
def test_every_failure_is_one_that_is_explained(name: str, tmp_path: Path) -> None:
    source, target = tmp_path / "fuzzed", tmp_path / "out.mp4"
    for seed in range(4):
        source.write_bytes(damaged(name, seed))
        try:
            made = convert_video(source, target, overwrite=True, threads=1)
        except Dlc2LpError as refused:
            assert refused.findings and all(finding.code for finding in refused.findings)
        else:
            assert made.target.n_frames == made.source.n_frames
    assert {path.name for path in tmp_path.iterdir()} <= {"fuzzed", "out.mp4"}


def test_a_stream_that_appears_while_a_file_is_read(tmp_path: Path) -> None:
    """Two damaged bytes of a transport stream; PyAV looks for the new stream behind the end of its list."""
    data = bytearray((TINY_CLIPS / "h264.ts").read_bytes())
    data[3 * 188 + 50], data[26 * 188 + 1] = 0x40, 0x49
    path = tmp_path / "a.ts"
    path.write_bytes(data)
    info = probe(path)
    assert info.n_frames == 23
    for read in readings(path, info):
        read()


def test_a_display_matrix_of_zeros_turns_nothing(tmp_path: Path) -> None:
    data = bytearray((TINY_CLIPS / "h264.mp4").read_bytes())
    start = data.index(b"tkhd") + 4 + 40
    data[start : start + 24] = struct.pack(">6I", *[0] * 6)
    path = tmp_path / "a.mp4"
    path.write_bytes(data)
    assert probe(path).rotation_deg == 0


def test_a_frame_of_another_size_is_brought_to_the_videos() -> None:
    path = TINY_CLIPS / "h264.mp4"
    with OpenedVideo(path) as video:
        frame = next(video.frames())
    assert Pixels(path, "gray", 32, 20).of(frame).shape == (20, 32)


def test_a_file_that_got_shorter_since_it_was_measured(tmp_path: Path) -> None:
    """The copy of a recording that is still going on, or was begun anew."""
    path = tmp_path / "a.ts"
    whole = (TINY_CLIPS / "h264.ts").read_bytes()
    path.write_bytes(whole)
    info = probe(path)
    path.write_bytes(whole[: len(whole) // 2 // 188 * 188])
    for read in readings(path, info)[1:]:
        with pytest.raises(VideoFailed):
            read()


@pytest.mark.parametrize("slip", [IndexError("list index out of range"), OverflowError("too large"), SystemError()])
def test_any_error_of_pyav_is_the_files(slip: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    import av

    def fail(*_: object, **__: object) -> None:
        raise slip

    monkeypatch.setattr(av, "open", fail)
    with pytest.raises(Undecodable, match=type(slip).__name__):
        OpenedVideo(TINY_CLIPS / "h264.mp4")


@pytest.mark.parametrize("number", [errno.EIO, errno.ENODEV, errno.ETIMEDOUT, errno.ENXIO])
def test_what_libav_calls_trouble_of_a_disk_is_the_files_if_its_disk_gives_it_up(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    import av

    def fail(*_: object, **__: object) -> None:
        raise av.error.OSError(number, os.strerror(number), "h264.mp4")

    monkeypatch.setattr(av, "open", fail)
    with pytest.raises(VideoFailed, match=os.strerror(number)) as caught:
        probe(TINY_CLIPS / "h264.mp4")
    assert caught.value.findings[0].code == "video-unreadable"


def test_trouble_of_the_disk_keeps_its_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Undecodable, match="No such file or directory"):
        OpenedVideo(tmp_path / "a.mp4")

    def fail(path: Path) -> int:
        raise OSError(errno.EIO, "Input/output error", str(path))

    monkeypatch.setattr(measuring, "extent_of", fail)
    with pytest.raises(DiskTrouble, match="Input/output error"):
        probe(TINY_CLIPS / "h264.mp4")
