"""Whether the index of an MP4 or MOV can be true (ISO/IEC 14496-12, 8.7.3): frames of one size are told by two numbers.

libavformat makes an entry of each of them, 24 bytes long, before it looks for the first frame: a file of some kilobytes
that says "four thousand million frames of one byte" takes all memory.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO

#: Boxes that an MP4 or MOV file can begin with.
FIRST_BOXES = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"moof", b"uuid"}

#: Boxes that hold others, down to the sizes of a track's frames.
_HOLDERS = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl"})
_MOST_BOXES = 10_000
#: Fewer frames take no memory that matters: a file may be cut, or its header wrong.
_FEW_FRAMES = 5_000_000


def untrue_count(file: BinaryIO, size_bytes: int) -> int:
    """Return how many frames of one size a track claims for which the file has no room; 0 where none does."""
    is_video = False
    for kind, start, end in islice(_boxes(file, 0, size_bytes), _MOST_BOXES):
        file.seek(start)
        if kind == b"hdlr":
            is_video = file.read(12)[8:] == b"vide"
        elif kind == b"stsz" and is_video and end - start >= 12:
            sample_bytes, n_samples = struct.unpack(">4xII", file.read(12).ljust(12, b"\0"))
            if n_samples > _FEW_FRAMES and sample_bytes * n_samples > size_bytes:
                return int(n_samples)
    return 0


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Boxes as (kind, start and end of the content), those inside the holders too, which come after what holds them."""
    while start + 8 <= end:
        file.seek(start)
        head = file.read(16).ljust(16, b"\0")
        length, kind = struct.unpack(">I4s", head[:8])
        n_head = 8
        if length == 1:
            length, n_head = struct.unpack(">Q", head[8:])[0], 16
        elif length == 0:
            length = end - start
        if length < n_head:
            return
        yield kind, start + n_head, min(end, start + length)
        if kind in _HOLDERS:
            yield from _boxes(file, start + n_head, min(end, start + length))
        start += length
