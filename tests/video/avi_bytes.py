"""AVI files that no tool writes, made from the bytes of others: unfinished, miscounted, in two parts.

See :mod:`dlc2lp.video.riff` for the layout and its sources.
"""

from __future__ import annotations

import struct
from collections.abc import Callable


def before_index(data: bytearray) -> bytearray:
    """An AVI whose recorder died: no index, and zeros where lengths and counts are filled in at the end."""
    data = data[: data.index(b"idx1")]
    struct.pack_into("<I", data, 4, 0)  # RIFF
    struct.pack_into("<I", data, data.index(b"avih") + 8 + 16, 0)  # dwTotalFrames
    struct.pack_into("<I", data, data.index(b"strh") + 8 + 32, 0)  # dwLength
    struct.pack_into("<I", data, data.index(b"movi") - 4, 0)
    return data


def index_not_written(data: bytearray) -> bytearray:
    """An AVI whose recorder died and had reserved the index: lengths promise it, counts are zero."""
    end = len(data)
    data = before_index(data)
    struct.pack_into("<I", data, 4, end - 8)
    struct.pack_into("<I", data, data.index(b"movi") - 4, len(data) - data.index(b"movi"))
    return data


def with_count(n_frames: int, *places: str) -> Callable[[bytearray], None]:
    """An AVI whose headers promise this many frames."""

    def patch(data: bytearray) -> None:
        for place, offset in (("avih", 8 + 16), ("strh", 8 + 32)):
            if place in places:
                struct.pack_into("<I", data, data.index(place.encode()) + offset, n_frames)

    return patch


def with_rate(rate: int) -> Callable[[bytearray], None]:
    """An AVI of another rate; ffmpeg writes none above 600."""
    return lambda data: struct.pack_into("<II", data, data.index(b"strh") + 8 + 20, 1, rate)


def two_parts(n_in_first: int, *, whole: bool, index: bool = True) -> Callable[[bytearray], bytearray]:
    """An AVI as OpenDML lays out those above 1 GB: a second RIFF list, which may be missing."""

    def chunk(kind: bytes, payload: bytes) -> bytes:
        return kind + struct.pack("<I", len(payload)) + payload + b"\0" * (len(payload) & 1)

    def leaf(places: list[tuple[int, int]]) -> bytes:
        entries = b"".join(struct.pack("<II", start + 8, length) for start, length in places)
        return chunk(b"ix00", struct.pack("<HBBI4sQI", 2, 0, 1, len(places), b"00dc", 0, 0) + entries)

    def part(kind: bytes, head: bytes, frames: list[bytes], at: int) -> tuple[bytes, int, int]:
        start, places, content = at + 12 + len(head) + 12, [], b"movi"
        for frame in frames:
            places.append((start, len(frame)))
            content += chunk(b"00dc", frame)
            start += 8 + len(frame) + (len(frame) & 1)
        its_index = leaf(places)
        return chunk(b"RIFF", kind + head + chunk(b"LIST", content + its_index)), start, len(its_index)

    def patch(data: bytearray) -> bytearray:
        frames, start = [], data.index(b"movi") + 4
        while data[start : start + 4] != b"idx1":
            (length,) = struct.unpack_from("<I", data, start + 4)
            frames.append(bytes(data[start + 8 : start + 8 + length]))
            start += 8 + length + (length & 1)
        avih, strh, strf = (
            chunk(kind, bytes(data[data.index(kind) + 8 :][: struct.unpack_from("<I", data, data.index(kind) + 4)[0]]))
            for kind in (b"avih", b"strh", b"strf")
        )
        avih = avih[: 8 + 16] + struct.pack("<I", n_in_first) + avih[8 + 20 :]
        dmlh = chunk(b"LIST", b"odml" + chunk(b"dmlh", struct.pack("<I", len(frames)) + bytes(244)))
        entries = [(0, 0, 0)] * 2
        for _ in range(2):  # the index is as long as in the end, and then filled with what came of it
            known = b"".join(struct.pack("<QII", *entry) for entry in entries)
            indx = chunk(b"indx", struct.pack("<HBBI4s12x", 4, 0, 0, 2, b"00dc") + known) if index else b""
            head = chunk(b"LIST", b"hdrl" + avih + chunk(b"LIST", b"strl" + strh + strf + indx) + dmlh)
            first, at, size = part(b"AVI ", head, frames[:n_in_first], 0)
            second, at_second, size_second = part(b"AVIX", b"", frames[n_in_first:], len(first))
            entries = [(at, size, n_in_first), (at_second, size_second, len(frames) - n_in_first)]
        return bytearray(first + second if whole else first)

    return patch


def last_chunk_cut(patch: Callable[[bytearray], bytearray]) -> Callable[[bytearray], bytearray]:
    return lambda data: patch(data)[:-20]
