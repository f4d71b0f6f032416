"""Whether a PNG or JPEG file can be read, from its own bytes: sizes, depth, checksums, end.

OpenCV and PIL are no help to a check: they read damaged files in part and say nothing, and OpenCV belongs to the
video wing. Formats: PNG specification (W3C REC-PNG-3), JPEG (ITU-T T.81).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from dlc2lp.files import open_regular
from dlc2lp.wording import counted

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_JPEG_START = b"\xff\xd8"
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_DEPTHS = {0: {1, 2, 4, 8, 16}, 2: {8, 16}, 3: {1, 2, 4, 8}, 4: {8, 16}, 6: {8, 16}}
#: (first column, first row, column step, row step) of the seven passes of an interlaced PNG.
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_BLOCK_BYTES = 1 << 20


class BadImage(Exception):
    """The file is no readable PNG or JPEG; the message says why."""


@dataclass(frozen=True)
class Still:
    """An image as its header declares it."""

    kind: str  #: ``png`` or ``jpg``.
    #: Its size.
    width_px: int
    height_px: int
    bits: int  #: Bits per channel.


def read_still(path: Path, *, whole: bool) -> Still:
    """Read an image's header, and if ``whole`` all of its bytes.

    BadImage says that it is neither PNG nor JPEG, or damaged as far as was read; OSError that it can't be opened.
    """
    with open_regular(path) as stream:
        start = stream.read(len(_PNG_SIGNATURE))
        if start == _PNG_SIGNATURE:
            return _read_png(stream, whole=whole)
        if start.startswith(_JPEG_START):
            stream.seek(len(_JPEG_START))
            return _read_jpeg(stream, whole=whole)
    raise BadImage("is empty" if not start else "is neither PNG nor JPEG")


def _read_png(stream: BinaryIO, *, whole: bool) -> Still:
    chunks = _png_chunks(stream)
    kind, data = next(chunks)
    if kind != b"IHDR" or len(data) != 13:
        raise BadImage("has no PNG header")
    width, height, bits, color, _, _, interlace = struct.unpack(">IIBBBBB", data)
    if not width or not height or bits not in _DEPTHS.get(color, ()):
        raise BadImage("has a PNG header that makes no sense")
    if whole:
        _check_png_pixels(chunks, _png_bytes(width, height, bits * _CHANNELS[color], interlaced=bool(interlace)))
    return Still("png", width, height, bits)


def _png_chunks(stream: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Yield (type, data) up to and including IEND; long data in blocks, the last one when the checksum is right."""
    kind = b""
    while kind != b"IEND":
        left, kind = struct.unpack(">I4s", _exactly(stream, 8))
        checksum = zlib.crc32(kind)
        while left > _BLOCK_BYTES:
            data = _exactly(stream, _BLOCK_BYTES)
            checksum = zlib.crc32(data, checksum)
            left -= len(data)
            yield kind, data
        data = _exactly(stream, left)
        if zlib.crc32(data, checksum) != int.from_bytes(_exactly(stream, 4)):
            raise BadImage(f"is damaged (checksum of {kind!r})")
        yield kind, data


def _png_bytes(width: int, height: int, bits_per_pixel: int, *, interlaced: bool) -> int:
    """Return how many bytes the pixel data have when unpacked: a filter byte and the pixels for each row."""
    passes = _ADAM7 if interlaced else ((0, 0, 1, 1),)
    n_bytes = 0
    for x, y, x_step, y_step in passes:
        columns, rows = -(-(width - x) // x_step), -(-(height - y) // y_step)
        if columns > 0 and rows > 0:
            n_bytes += rows * (1 + (columns * bits_per_pixel + 7) // 8)
    return n_bytes


def _check_png_pixels(chunks: Iterator[tuple[bytes, bytes]], expected: int) -> None:
    unpacker = zlib.decompressobj()
    found = 0
    try:
        for kind, data in chunks:
            # Unpacked in blocks: a file of a megabyte can hold a thousand times that.
            rest = data if kind == b"IDAT" else b""
            while rest and found <= expected:
                found += len(unpacker.decompress(rest, _BLOCK_BYTES))
                rest = unpacker.unconsumed_tail
        found += len(unpacker.flush())
    except zlib.error as error:
        raise BadImage(f"is damaged ({error})") from None
    if found < expected:
        raise BadImage(f"is damaged (pixels: found {counted(found, 'byte')}, expected {expected})")


def _read_jpeg(stream: BinaryIO, *, whole: bool) -> Still:
    """Walk the segments to the frame header; a whole file also ends with its end marker."""
    still = None
    while still is None:
        marker = _jpeg_marker(stream)
        length = int.from_bytes(_exactly(stream, 2))
        body = _exactly(stream, length - 2)
        # C4, C8 and CC of this range are no frame headers but tables and a reserved code
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            bits, height, width = struct.unpack(">BHH", body[:5].ljust(5, b"\0"))
            still = Still("jpg", width, height, bits)
        elif marker == 0xDA:
            raise BadImage("has no JPEG frame header")
    if not still.width_px or not still.height_px:
        raise BadImage("has a JPEG header that makes no sense")
    # Anywhere, since cameras pad their files; inside the pixel data every ff is followed by 00.
    if whole and not _has_end_marker(stream):
        raise BadImage("is cut off")
    return still


def _has_end_marker(stream: BinaryIO) -> bool:
    last = b""
    while data := stream.read(_BLOCK_BYTES):
        if b"\xff\xd9" in last + data:
            return True
        last = data[-1:]
    return False


def _jpeg_marker(stream: BinaryIO) -> int:
    if _exactly(stream, 1) != b"\xff":
        raise BadImage("is damaged (no JPEG marker where one must be)")
    code = b"\xff"
    while code == b"\xff":  # fill bytes
        code = _exactly(stream, 1)
    return code[0]


def _exactly(stream: BinaryIO, n_bytes: int) -> bytes:
    data = stream.read(max(0, n_bytes))
    if n_bytes < 0 or len(data) < n_bytes:
        raise BadImage("is cut off")
    return data
