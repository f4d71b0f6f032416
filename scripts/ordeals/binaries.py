"""Mutations of bytes that know where lengths, sizes and checksums stand: PNG, JPEG, MP4, RIFF, pickles."""

from __future__ import annotations

import pickle
import pickletools
import struct
import zlib
from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from ordeals.values import mutated

_WORDS = (
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\x80\0\0\0",
    b"\0\0\0\1",
    b"\1\0\0\0",
    b"\0\1\x86\xa0",
    b"\0\0\xff\xff",
)
_MAGICS = (
    b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"BM", b"GIF89a", b"II*\0", b"RIFF\xff\xff\xff\xffAVI ",
    b"\0\0\0\x18ftypmp42",
    b"\x1aE\xdf\xa3", b"\x89HDF\r\n\x1a\n", b"%PDF-1.4", b"#EXTM3U\n", b"ffconcat version 1.0\nfile {precious}\n",
    b"\x80\x04", b"\x1f\x8b", b"PK\3\4",
)  # fmt: skip


def mutated_bytes(randomly: Random, content: bytes) -> bytes:
    """Return bytes with some of them flipped, gone, doubled or replaced by what lengths break on."""
    if not content:
        return randomly.choice((b"\0", b"\xff\xfe", b"\n"))
    place, size = randomly.randrange(len(content)), randomly.choice((1, 4, 64, 1000))
    match randomly.randrange(9):
        case 0 | 1:
            flipped = bytearray(content)
            for _ in range(randomly.choice((1, 1, 3, 30))):
                flipped[randomly.randrange(len(flipped))] ^= 1 << randomly.randrange(8)
            return bytes(flipped)
        case 2:
            return content[:place]
        case 3:
            return content[:place] + content[place + size :]
        case 4:
            return content[:place] + content[place : place + size] * randomly.choice((2, 20)) + content[place + size :]
        case 5 | 6:
            word = randomly.choice(_WORDS)
            return content[:place] + word + content[place + len(word) :]
        case 7:
            return content[:place] + randomly.randbytes(size) + content[place + size :]
    magic = randomly.choice(_MAGICS)
    return randomly.choice((b"", magic, magic + content, magic + content[len(magic) :], content + content))


class Box(NamedTuple):
    """A piece of a file that says how long it is: where it begins, where its content does, and where it ends."""

    begin: int
    content: int
    end: int


_HOLDING_BOXES = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"udta", b"dinf"}


def _mp4_boxes(content: bytes, begin: int, end: int) -> Iterator[Box]:
    while begin + 8 <= end:
        length, kind = int.from_bytes(content[begin : begin + 4], "big"), content[begin + 4 : begin + 8]
        if length < 8 or begin + length > end:
            return
        yield Box(begin, begin + 8, begin + length)
        if kind in _HOLDING_BOXES:
            yield from _mp4_boxes(content, begin + 8, begin + length)
        begin += length


def _riff_boxes(content: bytes, begin: int, end: int) -> Iterator[Box]:
    while begin + 8 <= end:
        length, kind = int.from_bytes(content[begin + 4 : begin + 8], "little"), content[begin : begin + 4]
        yield Box(begin, begin + 8, min(end, begin + 8 + length))
        if kind in {b"RIFF", b"LIST"}:
            yield from _riff_boxes(content, begin + 12, min(end, begin + 8 + length))
        begin += 8 + length + length % 2


def _png_boxes(content: bytes) -> Iterator[Box]:
    begin = 8
    while begin + 12 <= len(content):
        length = int.from_bytes(content[begin : begin + 4], "big")
        if begin + 12 + length > len(content):
            return
        yield Box(begin, begin + 8, begin + 12 + length)
        begin += 12 + length


def _jpeg_boxes(content: bytes) -> Iterator[Box]:
    begin = 2
    while begin + 4 <= len(content) and content[begin] == 0xFF and content[begin + 1] != 0xDA:
        length = int.from_bytes(content[begin + 2 : begin + 4], "big")
        yield Box(begin, begin + 4, begin + 2 + length)
        begin += 2 + length


def _boxes(content: bytes) -> list[Box]:
    if content[:4] == b"\x89PNG":
        return list(_png_boxes(content))
    if content[:4] == b"RIFF":
        return list(_riff_boxes(content, 0, len(content)))
    if content[:2] == b"\xff\xd8":
        return list(_jpeg_boxes(content))
    return list(_mp4_boxes(content, 0, len(content))) if content[4:8] == b"ftyp" else []


def mutated_media(randomly: Random, content: bytes) -> bytes:
    """Return an image or a video with one of its pieces changed inside, in its length or kind, gone or doubled."""
    boxes = _boxes(content)
    if not boxes or randomly.random() < 0.2:
        return mutated_bytes(randomly, content)
    # The first pieces say how large it all is.
    box = randomly.choice(boxes[:1] if randomly.random() < 0.2 else boxes)
    inner = content[box.content : box.end]
    match randomly.randrange(8):
        case 0:
            made = content[: box.begin] + content[box.end :]
        case 1:
            made = content[: box.end] + content[box.begin : box.end] * randomly.choice((1, 50)) + content[box.end :]
        case 2:
            word = randomly.choice(_WORDS)
            made = content[: box.begin] + word + content[box.begin + 4 :]
        case 3:
            made = (
                content[: box.begin + 4]
                + randomly.choice((*_WORDS, b"free", b"junk", b"tEXt"))
                + content[box.begin + 8 :]
            )
        case 4 | 5:
            place, word = randomly.randrange(max(1, len(inner) // 4)) * 4, randomly.choice(_WORDS)
            made = content[: box.content + place] + word + content[box.content + place + 4 :]
        case _:
            made = (
                content[: box.content]
                + mutated_bytes(randomly, inner)[: len(inner)].ljust(len(inner), b"\0")
                + content[box.end :]
            )
    # Most readers refuse a wrong checksum before they look at anything else.
    return _with_checksums(made) if content[:4] == b"\x89PNG" and randomly.random() < 0.7 else made


def _with_checksums(png: bytes) -> bytes:
    made = bytearray(png)
    for box in _png_boxes(png):
        made[box.end - 4 : box.end] = zlib.crc32(png[box.begin + 4 : box.end - 4]).to_bytes(4, "big")
    return bytes(made)


_OPS = (
    b"cposix\nsystem\n(S'touch {precious}'\ntR", b"\x8c\x05posix\x8c\x06system\x93\x8c\x10touch {precious}\x85R",
    b"N", b"]", b"}", b")", b"0", b"1", b"2", b"(",
    b"a", b"e", b"s", b"u", b"t", b"l", b"d", b"b", b"R", b"\x81", b"\x85", b"\x86", b"\x87", b"\x94", b"h\xff",
    b"j\xff\xff\xff\xff", b"g99\n", b"Q", b"\x82\1",
    b"\x8a\xff", b"\x8b\xff\xff\xff\x7f", b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7f",
    b"\x8d\xff\xff\xff\xff\xff\xff\xff\x7f", b"B\xff\xff\xff\x7f", b"X\xff\xff\xff\xff",
    b"\x95\xff\xff\xff\xff\xff\xff\xff\x7f", b"I" + b"9" * 5000 + b"\n", b"L" + b"9" * 5000 + b"L\n", b"Fnan\n",
    b"Fx\n", b"I01\n", b"K\xff", b"M\xff\xff", b"\x97", b"\x98",
    b"cnumpy.core.multiarray\n_reconstruct\n", b"cnumpy\ndtype\n", b"cbuiltins\neval\n", b"c__builtin__\nset\n",
    b"(" * 2000, b"]\x94h\0a", b".",
)  # fmt: skip


def mutated_pickle(randomly: Random, content: bytes) -> bytes:
    """Return a pickle with one of its instructions changed, of another content, or with bytes changed.

    It is one that was made here, so that loading it to change its content runs nothing.
    """
    try:
        if randomly.random() < 0.4:
            return pickle.dumps(
                mutated(randomly, pickle.loads(content), only_json=False), protocol=randomly.randrange(6)
            )
        places = [place for _, _, place in pickletools.genops(content)]
    except Exception:  # whatever an earlier mutation of it made of it
        return mutated_bytes(randomly, content)
    if not places or randomly.random() < 0.2:
        return mutated_bytes(randomly, content)
    number = randomly.randrange(len(places))
    place, end = places[number], [*places, len(content)][number + 1]
    match randomly.randrange(4):
        case 0:
            return content[:place] + content[end:]
        case 1:
            return content[:end] + content[place:end] * randomly.choice((1, 3)) + content[end:]
        case 2:
            return content[:place] + randomly.choice(_OPS) + content[end:]
    return content[:place] + randomly.choice(_OPS) + content[place:]


def big_png(width_px: int, height_px: int) -> bytes:
    """Return a PNG whose head promises pixels that it does not hold."""
    head = struct.pack(">IIBBBBB", width_px, height_px, 8, 2, 0, 0, 0)
    pieces = ((b"IHDR", head), (b"IDAT", zlib.compress(bytes(3 * 1000))), (b"IEND", b""))
    made = b"\x89PNG\r\n\x1a\n"
    for kind, inner in pieces:
        made += len(inner).to_bytes(4, "big") + kind + inner + zlib.crc32(kind + inner).to_bytes(4, "big")
    return made
