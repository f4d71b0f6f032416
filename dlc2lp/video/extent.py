"""Does a file reach as far as its container says? A copy that stopped half-way does not.

Headers of damaged files still promise every frame, and decoders play what is left without complaint, so the
only proof of a cut is the container's own arithmetic. These state their length: RIFF chunks (AVI), ISO base media boxes
(MP4, MOV; ISO/IEC 14496-12, 4.2), EBML elements (Matroska, WebM), FLV tags, Ogg pages and ASF headers (WMV).
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

from dlc2lp.files import open_regular
from dlc2lp.video.matroska import EBML_MAGIC, matroska_end
from dlc2lp.video.riff import AviExtent, avi_extent
from dlc2lp.video.sample_tables import FIRST_BOXES
from dlc2lp.video.stream_ends import ASF_MAGIC, FLV_MAGIC, OGG_MAGIC, asf_end, flv_end, ogg_end


def missing_bytes(path: Path) -> int:
    """How many bytes the container promises beyond the end of the file; 0 also where it does not say how long it is."""
    return extent_of(path).missing_bytes


def extent_of(path: Path) -> AviExtent:
    """What the container promises; for other containers than AVI only the missing bytes."""
    size_bytes = path.stat().st_size
    # Unbuffered: a buffer would read some thousands of bytes at each of many seeks.
    with open_regular(path, buffering=0) as file:
        head = file.read(16)
        if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
            return avi_extent(file, size_bytes)
        if head[:4] == EBML_MAGIC:
            end = matroska_end(file, size_bytes)
        elif head[:4] == FLV_MAGIC:
            end = flv_end(file, size_bytes)
        elif head[:5] == OGG_MAGIC:
            end = ogg_end(file, size_bytes)
        elif head == ASF_MAGIC:
            end = asf_end(file, size_bytes)
        elif head[4:8] in FIRST_BOXES:
            end = _boxes_end(file, size_bytes)
        else:
            end = 0
    return AviExtent(max(0, end - size_bytes))


def lacks_index(path: Path) -> bool:
    """Whether this is an MP4 or MOV file without ``moov``: the recorder was stopped before it wrote the index."""
    with open_regular(path) as file:
        if file.read(8)[4:8] not in FIRST_BOXES:
            return False
        kinds = {kind for kind, _, _ in _boxes(file, path.stat().st_size)}
    return b"mdat" in kinds and b"moov" not in kinds


def _boxes_end(file: BinaryIO, size_bytes: int) -> int:
    """Where the last box ends; behind the head of a fragment its data must follow (ISO/IEC 14496-12, 8.8.4)."""
    boxes = _boxes(file, size_bytes)
    end = max((start + length for _, start, length in boxes), default=0)
    return end + 8 if boxes and boxes[-1][0] == b"moof" else end


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
