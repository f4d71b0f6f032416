"""Where files promise to end that were made to be sent: FLV, Ogg, and ASF (WMV).

* Adobe Flash Video File Format Specification 10.1, E.3: tags, and behind each the length of the one before.
* RFC 3533, 6: pages, which say how long their segments are.
* Advanced Systems Format specification 01.20.03, 3.2: the File Properties Object holds the size of the file, unless the
  flag says that it was broadcast.
"""

from __future__ import annotations

import struct
from typing import BinaryIO

FLV_MAGIC, OGG_MAGIC = b"FLV\x01", b"OggS\0"
ASF_MAGIC = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")

_FLV_TAG_HEAD, _FLV_LENGTH = 11, 4
_FLV_TAGS = {8, 9, 18}  # sound, video, data; bit 5 is set where they are encrypted

_LARGEST_PAGE_BYTES = 27 + 255 + 255 * 255
_LARGEST_ASF_HEADER_BYTES = 1_000_000


def flv_end(file: BinaryIO, size_bytes: int) -> int:
    """Where the last tag ends. Two seeks tell that a file is whole; only one that is not is walked through."""
    if size_bytes > 4:
        file.seek(size_bytes - _FLV_LENGTH)
        (length,) = struct.unpack(">I", file.read(_FLV_LENGTH))
        start = size_bytes - _FLV_LENGTH - length
        if length >= _FLV_TAG_HEAD and start > 0:
            file.seek(start)
            kind, n_bytes = _flv_tag(file.read(4))
            if kind in _FLV_TAGS and n_bytes == length - _FLV_TAG_HEAD:
                return size_bytes
    file.seek(5)
    start = int.from_bytes(file.read(4), "big") + _FLV_LENGTH
    while start < size_bytes:
        file.seek(start)
        head = file.read(4)
        kind, n_bytes = _flv_tag(head)
        if kind not in _FLV_TAGS:
            return start
        end = start + _FLV_TAG_HEAD + n_bytes
        if end >= size_bytes:
            return end
        start = end + _FLV_LENGTH
    return size_bytes


def _flv_tag(head: bytes) -> tuple[int, int]:
    """The kind of a tag and how many bytes follow its head; kind 0 where there is none."""
    return (head[0] & 0x1F, int.from_bytes(head[1:4], "big")) if head else (0, 0)


def ogg_end(file: BinaryIO, size_bytes: int) -> int:
    """Where the last page ends."""
    start = max(0, size_bytes - _LARGEST_PAGE_BYTES)
    file.seek(start)
    tail = file.read(_LARGEST_PAGE_BYTES)
    at = tail.rfind(OGG_MAGIC)
    if at < 0:
        return size_bytes
    n_segments = tail[at + 26] if at + 26 < len(tail) else 0
    return start + at + 27 + n_segments + sum(tail[at + 27 : at + 27 + n_segments])


def asf_end(file: BinaryIO, size_bytes: int) -> int:
    """The size that the header says; 0 where the file was sent before that was known."""
    file.seek(0)
    head = file.read(min(size_bytes, _LARGEST_ASF_HEADER_BYTES))
    at = head.find(_ASF_PROPERTIES)
    if at < 0 or at + 92 > len(head):
        return 0
    (length,) = struct.unpack_from("<Q", head, at + 40)
    (flags,) = struct.unpack_from("<I", head, at + 88)
    return 0 if flags & 1 else int(length)
