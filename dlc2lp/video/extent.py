"""Does a file reach as far as its container says? A copy that stopped half-way does not.

Headers of damaged files still promise every frame, and decoders play what is left without complaint, so the
only proof of a cut is the container's own arithmetic. Three containers state their length: RIFF chunk sizes
(AVI; Microsoft "Multimedia Programming Interface and Data Specifications 1.0" and the OpenDML extensions), ISO
base media boxes (MP4, MOV; ISO/IEC 14496-12, 4.2) and the Matroska segment (RFC 9559, 4.5; RFC 8794, 4).
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

_EBML_MAGIC = b"\x1a\x45\xdf\xa3"
_SEGMENT_ID = b"\x18\x53\x80\x67"
#: Boxes that a MP4 or MOV file can begin with.
_FIRST_BOXES = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"moof", b"uuid"}


def missing_bytes(path: Path) -> int:
    """How many bytes the container promises beyond the end of the file; 0 also where it does not say how long it is."""
    size_bytes = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
            end = _riff_end(file, size_bytes)
        elif head[:4] == _EBML_MAGIC:
            end = _segment_end(file)
        elif head[4:8] in _FIRST_BOXES:
            end = max((start + length for _, start, length in _boxes(file, size_bytes)), default=0)
        else:
            end = 0
    return max(0, end - size_bytes)


def lacks_index(path: Path) -> bool:
    """Whether this is an MP4 or MOV file without ``moov``: the recorder was stopped before it wrote the index."""
    with path.open("rb") as file:
        if file.read(8)[4:8] not in _FIRST_BOXES:
            return False
        kinds = {kind for kind, _, _ in _boxes(file, path.stat().st_size)}
    return b"mdat" in kinds and b"moov" not in kinds


def _boxes(file: BinaryIO, size_bytes: int) -> list[tuple[bytes, int, int]]:
    """Top-level boxes as (kind, start, length); the last one may reach beyond the end of the file."""
    boxes = []
    start = 0
    while start + 8 <= size_bytes:
        file.seek(start)
        length, kind = struct.unpack(">I4s", file.read(8))
        if length == 1:  # a 64-bit length follows
            large = file.read(8)
            length = struct.unpack(">Q", large)[0] if len(large) == 8 else 0
        elif length == 0:  # up to the end of the file, whatever that is
            length = size_bytes - start
        if length < 8 or not all(0x20 <= byte < 0x7F or byte == 0xA9 for byte in kind):
            break  # no box: something was appended to the file
        boxes.append((kind, start, length))
        start += length
    return boxes


def _riff_end(file: BinaryIO, size_bytes: int) -> int:
    """End of the last RIFF chunk; AVI files above 1 GB are a row of them."""
    end = start = 0
    while start + 8 <= size_bytes:
        file.seek(start)
        kind, length = struct.unpack("<4sI", file.read(8))
        if kind != b"RIFF" or length in (0, 0xFFFFFFFF):  # zeroed by a recorder that died: it says nothing
            break
        end = start + 8 + length
        start = end + (end & 1)
    return end


def _segment_end(file: BinaryIO) -> int:
    """End of the Matroska segment; 0 if the file was written as a stream of unknown length."""
    file.seek(4)
    header_length = _vint(file)
    if header_length is None:
        return 0
    file.seek(header_length, 1)
    if file.read(4) != _SEGMENT_ID:
        return 0
    length = _vint(file)
    return 0 if length is None else file.tell() + length


def _vint(file: BinaryIO) -> int | None:
    """An EBML length; None for the reserved "unknown" and at the end of the file."""
    first = file.read(1)
    if not first or first[0] == 0:
        return None
    n_more = 8 - first[0].bit_length()
    rest = file.read(n_more)
    if len(rest) != n_more:
        return None
    value = int.from_bytes(bytes([first[0] & ((1 << (7 - n_more)) - 1)]) + rest, "big")
    return None if value == (1 << (7 * (n_more + 1))) - 1 else value
