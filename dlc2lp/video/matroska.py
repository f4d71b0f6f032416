"""Where a Matroska or WebM file promises to end (RFC 9559, Matroska; RFC 8794, EBML)."""

from __future__ import annotations

from typing import BinaryIO

EBML_MAGIC = b"\x1a\x45\xdf\xa3"

_SEGMENT, _CLUSTER = b"\x18\x53\x80\x67", b"\x1f\x43\xb6\x75"

#: The children of a Segment and of a Cluster (RFC 9559, 5.1); any other ID is no element but damage or padding.
_ELEMENTS = {
    EBML_MAGIC, _SEGMENT, _CLUSTER, b"\x11\x4d\x9b\x74", b"\x15\x49\xa9\x66", b"\x16\x54\xae\x6b", b"\x1c\x53\xbb\x6b",
    b"\x19\x41\xa4\x69", b"\x10\x43\xa7\x70", b"\x12\x54\xc3\x67", b"\xe7", b"\x58\x54", b"\xa7", b"\xab", b"\xa3",
    b"\xa0", b"\xaf", b"\xec", b"\xbf",
}  # fmt: skip


def matroska_end(file: BinaryIO, size_bytes: int) -> int:
    """Where the last element ends, which lies beyond the end of the file where that was cut.

    A live stream and a recording that was not finished have a Segment of unknown length, and Clusters whose length may
    be unknown too (RFC 8794, 6.2): they end where something begins that is no child of theirs, so their children are
    walked through. All others are jumped over: one seek for each Cluster, or for each block where Clusters tell no
    length, and none where the Segment does.
    """
    start = 0
    while start < size_bytes:
        file.seek(start)
        head = file.read(12)
        n_name = _width(head, 4)
        name = head[:n_name]
        n_more = _width(head[n_name:], 8)
        if n_name > len(head) or (name in _ELEMENTS and len(head) < n_name + max(1, n_more)):
            return start + n_name + max(1, n_more)  # cut in the element's head
        if name not in _ELEMENTS or not n_more:
            return start
        content = start + len(name) + n_more
        length = _number(head[len(name) : len(name) + n_more])
        if length is not None:
            start = content + length
        elif name in (_SEGMENT, _CLUSTER):
            start = content
        else:
            return content
    return start


def _width(data: bytes, largest: int) -> int:
    """How many bytes a number takes that begins here: one more than there are leading zeros; 0 where there is none."""
    width = 9 - data[0].bit_length() if data and data[0] else 0
    return width if width <= largest else 0


def _number(data: bytes) -> int | None:
    """A length (RFC 8794, 4.4); None where all its bits are set, which means that it is unknown."""
    n_bits = 7 * len(data)
    value = int.from_bytes(data, "big") & ((1 << n_bits) - 1)
    return None if value == (1 << n_bits) - 1 else value
