"""What an AVI promises: where it ends, how many frames it has, and whether a recorder finished it.

An AVI is a RIFF list of chunks (Microsoft "Multimedia Programming Interface and Data Specifications 1.0"; the headers
``avih`` and ``strh`` and the index ``idx1`` in "AVI RIFF File Reference"). Above 1 GB it is a row of such lists
("OpenDML AVI File Format Extensions", 1.02, 3.0: ``RIFF AVI``, then ``RIFF AVIX``; 5.0: the count of all frames in
``dmlh``; 4.0: the super index ``indx``, which says where the index of each part lies and how many frames that has).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from dlc2lp.files import open_regular

#: Headers are a few hundred bytes, with room for a super index some thousands; the rest of a nonsensical length is not.
_LARGEST_HEADER_BYTES = 1_000_000

#: An entry of ``idx1`` is four numbers of four bytes, one entry for each chunk of the recorded data.
_INDEX_ENTRY_BYTES = 16
_INDEX_PIECE_BYTES = 65_536 * _INDEX_ENTRY_BYTES


@dataclass(frozen=True)
class AviExtent:
    """What an AVI promises and what there is of it."""

    missing_bytes: int = 0  #: How far it promises to go beyond the end of the file.
    #: Whether it was not finished, though every chunk is whole: the recorder died before it wrote index and lengths.
    lacks_only_index: bool = False
    #: Frames that the super index knows of, and those of its parts that are in the file; 0 where there is none.
    n_indexed: int = 0
    n_in_indexed_parts: int = 0
    #: Frames that ``dmlh`` counts.
    n_in_all_parts: int = 0


@dataclass(frozen=True)
class _Header:
    """What stands in ``hdrl``."""

    number: int = 0  # of the first video stream
    parts: tuple[tuple[int, int], ...] = ()  # where the index of each ends and its frames, as its super index says
    n_in_all_parts: int = 0


@dataclass(frozen=True)
class _Recorded:
    """The chunks of a ``movi`` list, as far as they follow each other."""

    n_chunks: int
    end: int  # of the last one, may lie beyond the end of the file
    has_index: bool  # whether the index comes next
    listed_end: int | None  # where its list says that it ends; None where that was never filled in


def avi_extent(file: BinaryIO, size_bytes: int) -> AviExtent:
    """Read the lengths of an AVI: a few seeks, but one for each chunk where nobody finished the file."""
    parts = list(_parts(file, size_bytes))
    header = _header(file, size_bytes)
    last_start, last_length = parts[-1]
    lacking = max(0, last_start + 8 + last_length - size_bytes)
    only_index = False
    if lacking or not last_length:
        recorded = _recorded(file, last_start, size_bytes)
        if recorded is not None:
            if not recorded.has_index:
                lacking = max(lacking, recorded.end - size_bytes)
            only_index = _lacks_only_index(recorded, lacking, size_bytes, in_parts=bool(header.parts))
    beyond = max(0, max((end for end, _ in header.parts), default=0) - size_bytes)
    return AviExtent(
        missing_bytes=max(lacking, beyond),
        lacks_only_index=only_index and not beyond,
        n_indexed=sum(n_frames for _, n_frames in header.parts),
        n_in_indexed_parts=sum(n_frames for end, n_frames in header.parts if end <= size_bytes),
        n_in_all_parts=header.n_in_all_parts,
    )


def _parts(file: BinaryIO, size_bytes: int) -> Iterator[tuple[int, int]]:
    """The start and the length of each RIFF list; 0 for one whose length was never filled in, which is the last."""
    start = 0
    while start + 8 <= size_bytes:
        file.seek(start)
        kind, length = struct.unpack("<4sI", file.read(8))
        if kind != b"RIFF":
            return
        if length in (0, 0xFFFFFFFF):
            yield start, 0
            return
        yield start, length
        start += 8 + length + (length & 1)


def _lacks_only_index(recorded: _Recorded, lacking: int, size_bytes: int, *, in_parts: bool) -> bool:
    """Whether all that is not there can be the index, so that no frame is lost."""
    if recorded.has_index:  # it has begun, so all before it was written
        return True
    index_bytes = 8 + _INDEX_ENTRY_BYTES * recorded.n_chunks
    part_index_bytes = 32 + 8 * recorded.n_chunks if in_parts else 0  # of OpenDML, inside the list of chunks
    # The list of chunks itself must not promise more of them; but a recorder may have counted an index as a part of it.
    in_list = 0 if recorded.listed_end is None else max(0, recorded.listed_end - size_bytes)
    is_whole = recorded.end in (size_bytes, size_bytes + 1)
    return is_whole and lacking <= index_bytes + part_index_bytes and in_list in (0, index_bytes, part_index_bytes)


def _recorded(file: BinaryIO, part_start: int, size_bytes: int) -> _Recorded | None:
    """Walk through the recorded data of one RIFF list; None if it has none."""
    for kind, start, length in _chunks(file, part_start + 12, size_bytes):
        if kind != b"LIST":
            continue
        file.seek(start + 8)
        if file.read(4) == b"movi":
            unknown = length in (0, 0xFFFFFFFF)
            listed_end = None if unknown else start + 8 + length
            return _walk(file, start + 12, listed_end, size_bytes)
    return None


def _walk(file: BinaryIO, start: int, listed_end: int | None, size_bytes: int) -> _Recorded:
    n_chunks, end, has_index = 0, start, False
    for kind, at, length in _chunks(file, start, size_bytes, inside=(b"rec ",)):
        if kind == b"idx1":
            has_index = True
            break
        if not _holds_data(kind):
            if kind == bytes(4):  # room that the recorder had reserved
                end = size_bytes
            break
        n_chunks += 1
        end = at + 8 + length
        end += end & 1
    if not has_index and 0 < size_bytes - end < 8:  # the head of a chunk was being written
        file.seek(end)
        if any(file.read(8)):
            end += 8
    return _Recorded(n_chunks, end, has_index, listed_end)


def _holds_data(kind: bytes) -> bool:
    """Whether a chunk is one of a stream's (``00dc``, ``01wb``), a part's index, a group of them or room to spare."""
    return kind[:2].isdigit() or kind[:2] == b"ix" or kind in (b"JUNK", b"LIST")


def _chunks(
    file: BinaryIO, start: int, end: int, *, inside: tuple[bytes, ...] = ()
) -> Iterator[tuple[bytes, int, int]]:
    """Chunks that follow each other, as (kind, start, length), and those ``inside`` lists of these types.

    The last one may reach beyond the end.
    """
    while start + 8 <= end:
        file.seek(start)
        head = file.read(12)
        kind, length = struct.unpack("<4sI", head[:8])
        yield kind, start, length
        start += 12 if kind == b"LIST" and head[8:] in inside else 8 + length + (length & 1)


def n_listed_chunks(path: Path) -> int:
    """How many chunks of the first video stream ``idx1`` lists, with the empty ones, which ffmpeg passes over."""
    size_bytes = path.stat().st_size
    with open_regular(path) as file:
        video = b"%02d" % _header(file, size_bytes).number
        for kind, start, length in _chunks(file, 12, size_bytes):
            if kind == b"idx1":
                file.seek(start + 8)
                names = _names_in_index(file, min(length, size_bytes - start - 8))
                return sum(name[:2] == video and name[2:] != b"wb" for name in names)
    return 0


def _names_in_index(file: BinaryIO, n_bytes: int) -> Iterator[bytes]:
    """The names of the chunks that an index lists, which is read in pieces: it may claim to be the whole file."""
    for at in range(0, n_bytes, _INDEX_PIECE_BYTES):
        piece = file.read(min(_INDEX_PIECE_BYTES, n_bytes - at))
        yield from (piece[at : at + 4] for at in range(0, len(piece) - 15, _INDEX_ENTRY_BYTES))


def _header(file: BinaryIO, size_bytes: int) -> _Header:
    """What the headers say of the first video stream, and the count of frames in all parts."""
    number, n_streams, n_in_all_parts = -1, 0, 0
    parts: tuple[tuple[int, int], ...] = ()
    for kind, start, length in _chunks(file, 12, size_bytes, inside=(b"hdrl", b"strl", b"odml")):
        file.seek(start + 8)
        if kind == b"LIST" and file.read(4) == b"movi":
            break
        if kind == b"LIST" or length > _LARGEST_HEADER_BYTES:
            continue
        data = file.read(length)
        if kind == b"strh":
            number = n_streams if number < 0 and data[:4] == b"vids" else number
            n_streams += 1
        elif kind == b"dmlh":
            n_in_all_parts = int.from_bytes(data[:4], "little")
        elif kind == b"indx" and number == n_streams - 1:
            parts = _super_index(data)
    return _Header(max(0, number), parts, n_in_all_parts)


def _super_index(data: bytes) -> tuple[tuple[int, int], ...]:
    """Where in the file the index of each part ends, and how many frames the part has."""
    if len(data) < 24 or data[3] != 0:  # another kind than an index of indexes
        return ()
    (n_entries,) = struct.unpack_from("<I", data, 4)
    places = range(24, min(len(data) - 15, 24 + 16 * n_entries), 16)
    entries = (struct.unpack_from("<QII", data, at) for at in places)
    return tuple((offset + n_bytes, duration) for offset, n_bytes, duration in entries if offset and n_bytes)
