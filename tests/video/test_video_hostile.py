"""Files that libavformat would follow elsewhere, or for which it would take all memory, are refused before that."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import pytest
from clips import Workshop

from dlc2lp.errors import VideoFailed
from dlc2lp.video.encoding import demux_argv
from dlc2lp.video.ffmpeg import find_ffmpeg, run
from dlc2lp.video.probe import probe

LISTS = {
    "m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{}\n#EXT-X-ENDLIST\n",
    "m3u8 with a mark": "\ufeff#EXTM3U\n#EXTINF:10,\n{}\n",
    "concat": "ffconcat version 1.0\nfile '{}'\n",
    "sdp": "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=video 5004 RTP/AVP 96\r\n",
    "mpd": '<?xml version="1.0"?>\n<MPD><Period><BaseURL>{}</BaseURL></Period></MPD>\n',
    "rtsp": "rtsp://127.0.0.1:1/camera\n",
    "pls": "[playlist]\nFile1={}\n",
}


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("suffix", [".mp4", ".m3u8", ".avi"])
def test_a_list_of_other_files_is_not_followed(name: str, suffix: str, shop: Workshop, tmp_path: Path) -> None:
    other = shop.clip("h264")  # which could be read
    path = tmp_path / f"a{suffix}"
    path.write_text(LISTS[name].format(other), encoding="utf-8")
    with pytest.raises(VideoFailed) as refused:
        probe(path)
    (finding,) = refused.value.findings
    assert finding.code == "video-unreadable"
    assert "which only names other files" in finding.message
    assert finding.hint
    if name in {"m3u8", "concat"}:  # the program, which reads the same file, does not follow it either
        assert run(demux_argv(str(find_ffmpeg()), path)).returncode != 0


@pytest.mark.parametrize("content", [b"A list that nobody knows\n" * 90, b"1\n00:00:01,000 --> 00:00:02,000\nHello\n"])
def test_a_text_is_no_video(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(content)
    with pytest.raises(VideoFailed) as refused:
        probe(tmp_path / "a.mp4")
    assert refused.value.findings[0].code == "video-unreadable"
    assert refused.value.findings[0].hint


def chunk(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def avi_of_png(width_px: int, height_px: int) -> bytes:
    """An AVI of three PNG pictures of a size, whose pixels are zeros."""

    def part(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(9)
    pixels = b"".join(packer.compress(bytes(1 + 3 * width_px)) for _ in range(height_px)) + packer.flush()
    head = struct.pack(">IIBBBBB", width_px, height_px, 8, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", pixels) + part(b"IEND", b"")
    avih = struct.pack("<14I", 33333, 0, 0, 16, 3, 0, 1, len(png), width_px, height_px, 0, 0, 0, 0)
    strh = b"vidsMPNG" + struct.pack("<IHHIIIIIIIIhhhh", 0, 0, 0, 0, 1, 30, 0, 3, len(png), 0, 0, 0, 0, 100, 100)
    strf = struct.pack("<IiiHH4sIiiII", 40, width_px, height_px, 1, 24, b"MPNG", 0, 0, 0, 0, 0)
    stream = chunk(b"LIST", b"strl" + chunk(b"strh", strh) + chunk(b"strf", strf))
    body = b"AVI " + chunk(b"LIST", b"hdrl" + chunk(b"avih", avih) + stream)
    body += chunk(b"LIST", b"movi" + chunk(b"00dc", png) * 3)
    at, index = 4, b""
    for _ in range(3):
        index += b"00dc" + struct.pack("<III", 16, at, len(png))
        at += 8 + len(png) + len(png) % 2
    return b"RIFF" + struct.pack("<I", len(body + chunk(b"idx1", index))) + body + chunk(b"idx1", index)


def test_pictures_that_are_too_large_are_not_decoded(
    shop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.avi"
    path.write_bytes(avi_of_png(2000, 1000))
    assert probe(path).n_frames == 3
    monkeypatch.setenv("DLC2LP_MEMORY_GB", "0.01")
    with pytest.raises(VideoFailed) as refused:
        probe(path)
    assert "of more than 1280000 pixels none is" in refused.value.findings[0].message
    assert "DLC2LP_MEMORY_GB" in refused.value.findings[0].hint


@pytest.mark.parametrize("name", ["h264", "mjpeg", "vp9"])
def test_the_size_that_a_header_says_is_compared_with_the_limit(
    name: str, shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = shop.clip(name)
    info = probe(path)
    monkeypatch.setenv("DLC2LP_MEMORY_GB", f"{(info.width_px * info.height_px - 1) / 128e6}")
    with pytest.raises(VideoFailed, match="pixels"):
        probe(path)


def test_pictures_that_grow_on_the_way_are_not_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The header says 64x64; the pictures themselves say more."""
    data = bytearray(avi_of_png(2000, 1000))
    at = data.index(b"strf") + 8
    data[at + 4 : at + 12] = struct.pack("<ii", 64, 64)
    path = tmp_path / "a.avi"
    path.write_bytes(data)
    monkeypatch.setenv("DLC2LP_MEMORY_GB", "0.01")
    with pytest.raises(VideoFailed):
        probe(path)


def test_an_index_that_cannot_be_true_is_not_believed(shop: Workshop, tmp_path: Path) -> None:
    data = bytearray(shop.clip("h264").read_bytes())
    n = 200_000_000
    for name, numbers in ((b"stsz", (1, n)), (b"stts", (1, n, 512)), (b"stsc", (1, 1, n, 1))):
        at = data.index(name) + 8
        data[at : at + 4 * len(numbers)] = struct.pack(f">{len(numbers)}I", *numbers)
    path = tmp_path / "a.mp4"
    path.write_bytes(data)
    with pytest.raises(VideoFailed, match="200000000 frames"):
        probe(path)


@pytest.mark.skipif(os.name != "posix", reason="only POSIX has pipes among files")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.mp4")
    with pytest.raises(VideoFailed, match="is a named pipe, expected a file"):
        probe(tmp_path / "a.mp4")
