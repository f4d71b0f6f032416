"""PNG and JPEG read from their own bytes, judged against OpenCV, which writes and reads the good ones."""

from __future__ import annotations

import random
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from lp_targets import png_bytes

from dlc2lp.lp.stills import BadImage, Still, read_still


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def picture(width: int, height: int, channels: int, dtype: type = np.uint8) -> np.ndarray:
    numbers = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (height, width, channels), dtype=dtype)
    return numbers[:, :, 0] if channels == 1 else numbers


@pytest.mark.parametrize(("width", "height"), [(1, 1), (7, 5), (64, 48)])
@pytest.mark.parametrize(
    ("suffix", "channels", "dtype", "options", "bits"),
    [
        (".png", 1, np.uint8, [], 8),
        (".png", 3, np.uint8, [], 8),
        (".png", 4, np.uint8, [], 8),
        (".png", 1, np.uint16, [], 16),
        (".png", 3, np.uint16, [], 16),
        (".png", 1, np.uint8, [cv2.IMWRITE_PNG_BILEVEL, 1], 1),
        (".jpg", 1, np.uint8, [], 8),
        (".jpg", 3, np.uint8, [], 8),
        (".jpg", 3, np.uint8, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_RST_INTERVAL, 2], 8),
    ],
)
def test_what_opencv_writes(
    tmp_path: Path, suffix: str, channels: int, dtype: type, options: list[int], bits: int, width: int, height: int
) -> None:
    ok, data = cv2.imencode(suffix, picture(width, height, channels, dtype), options)
    assert ok
    path = write(tmp_path / "image", data.tobytes())
    expected = Still(suffix[1:], width, height, bits)
    assert read_still(path, whole=True) == read_still(path, whole=False) == expected


def interlaced(width: int, height: int) -> bytes:
    """Return an 8-bit gray PNG in the seven passes of Adam7, all black."""
    passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    rows = b""
    for x, y, x_step, y_step in passes:
        columns = len(range(x, width, x_step))
        rows += b"".join(b"\0" * (1 + columns) for _ in range(y, height, y_step) if columns)
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 1)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


@pytest.mark.parametrize(("width", "height"), [(1, 1), (3, 9), (16, 16), (5, 3)])
def test_interlaced_png(tmp_path: Path, width: int, height: int) -> None:
    path = write(tmp_path / "i.png", interlaced(width, height))
    assert cv2.imread(str(path)).shape[:2] == (height, width)
    assert read_still(path, whole=True) == Still("png", width, height, 8)


@pytest.mark.parametrize("color", [0, 2, 3, 4, 6])
def test_kinds_of_png(tmp_path: Path, color: int) -> None:
    assert read_still(write(tmp_path / "k.png", png_bytes(9, 5, color=color)), whole=True) == Still("png", 9, 5, 8)


def test_every_cut_and_every_changed_byte_of_a_png_is_seen(tmp_path: Path) -> None:
    good = png_bytes(8, 4)
    for length in range(len(good)):
        with pytest.raises(BadImage):
            read_still(write(tmp_path / "cut.png", good[:length]), whole=True)
    for position in range(len(good)):
        bad = bytearray(good)
        bad[position] ^= 0x55
        with pytest.raises(BadImage):
            read_still(write(tmp_path / "bad.png", bytes(bad)), whole=True)


def test_a_cut_jpeg_is_seen_and_padding_is_none(tmp_path: Path) -> None:
    good = cv2.imencode(".jpg", picture(64, 48, 3))[1].tobytes()
    assert read_still(write(tmp_path / "p.jpg", good + b"\0" * 99 + b"camera"), whole=True).width_px == 64
    for length in range(0, len(good) - 1, 7):
        with pytest.raises(BadImage):
            read_still(write(tmp_path / "cut.jpg", good[:length]), whole=True)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"GIF89a", "neither"),
        (b"II*\0", "neither"),
        (b"\xff\xd8\x00", "marker"),
        (b"\xff\xd8\xff\xda\x00\x02", "no JPEG frame header"),
        (b"\xff\xd8\xff\xe0\x00\x01", "cut off"),
        (b"\xff\xd8\xff\xc0\x00\x08\x08\x00\x00\x00\x00\x03", "no sense"),
        (png_bytes(3, 3)[:8] + b"\0\0\0\1IDATx" + struct.pack(">I", zlib.crc32(b"IDATx")), "no PNG header"),
    ],
)
def test_what_is_no_image(tmp_path: Path, content: bytes, says: str) -> None:
    with pytest.raises(BadImage, match=says):
        read_still(write(tmp_path / "x.png", content), whole=False)


def test_a_small_file_that_unpacks_to_gigabytes_takes_no_memory(tmp_path: Path) -> None:
    header = struct.pack(">IIBBBBB", 10, 10, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(50_000_000))), (b"IEND", b""))
    content = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    assert read_still(write(tmp_path / "bomb.png", content), whole=True).width_px == 10


def test_noise_is_refused_and_never_crashes(tmp_path: Path) -> None:
    noise = random.Random(0)
    for start in (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"):
        for _ in range(200):
            with pytest.raises(BadImage):
                read_still(write(tmp_path / "n", start + noise.randbytes(60)), whole=True)
