"""Still images: what their headers say, whether they are whole, and which files of a folder are frames.

With the standard library alone, and far below the time that decoding takes: an archive holds a hundred
thousand frames, and each is checked before anything is written.
"""

from __future__ import annotations

import os
import re
import struct
import threading
import zlib
from collections.abc import Callable, Collection
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from dlc2lp.dlc.framenames import has_image_suffix, is_preview, natural_order, parse_frame_name
from dlc2lp.errors import UnreadableFile, raise_disk_trouble
from dlc2lp.files import digest_opened, open_regular
from dlc2lp.limits import IMAGE_BYTES, PIXELS
from dlc2lp.model import ImageInfo
from dlc2lp.placeholders import check_is_here
from dlc2lp.searching import is_folder
from dlc2lp.wording import counted

_RESTORE = "restore the image from a backup, or extract the frame again from its video"

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_DEPTHS = frozenset({1, 2, 4, 8, 16})
_PNG_PALETTE = 3

# JPEG markers: all of C0..CF begin a frame but DHT, JPG and DAC.
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_END = 0xD9
_JPEG_SCAN = 0xDA
#: The next marker in compressed data, where FF 00 is a byte, FF D0 to D7 restarts the coder, further FFs fill up.
_JPEG_NEXT = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")

_TIFF_WIDTH, _TIFF_HEIGHT, _TIFF_BITS = 256, 257, 258
#: Tags of the offsets and byte counts of an image's data, in strips or in tiles.
_TIFF_DATA = ((273, 279), (324, 325))
_TIFF_TYPES = {1: "B", 3: "H", 4: "I", 16: "Q"}

#: More entries than these are in no directory, nor more strips or tiles in an image.
_TIFF_MOST_TAGS, _TIFF_MOST_PARTS = 4096, 1 << 20

_BMP_UNCOMPRESSED = frozenset({0, 3})

#: Images are read in threads. What is larger waits for its turn, so that no two large ones take memory together.
_SMALL_BYTES = 8_000_000
_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True)
class FolderListing:
    """The files of a ``labeled-data`` folder by what they are, each group in natural order."""

    frames: tuple[str, ...]  #: Frames: images that DeepLabCut extracted or that a label file names.
    previews: tuple[str, ...]  #: Images that DeepLabCut drew labels on (``img0001labeled.png``).
    crops: tuple[str, ...]  #: Random sub-crops of other frames (``img0044c1.png``, DeepLabCut 2.1.10 to 2.2rc).
    others: tuple[str, ...]  #: Everything else: labels, hidden files, what people put there.


class _DamagedError(Exception):
    """What is wrong with an image, in words; becomes ``image-corrupt``."""


def list_frames(folder: Path, labelled: Collection[str] = ()) -> FolderListing:
    """Sort the files of a folder of ``labeled-data`` into frames and the rest.

    Subfolders are passed over, unless they are called like images; dangling links count as files. Images that label
    files name (``labelled``) are frames or random crops, whatever else they look like. Raises UnreadableFile for
    ``folder-unreadable``.
    """
    try:
        with os.scandir(folder) as entries:
            listed = (entry.name for entry in entries if has_image_suffix(entry.name) or not is_folder(entry))
            names = sorted(listed, key=natural_order)
    except OSError as error:
        raise_disk_trouble(folder, error)
        message = f"can't be listed: {error.strerror or error}"
        raise UnreadableFile.of("folder-unreadable", str(folder), message) from error
    wanted = set(labelled)
    groups: dict[str, list[str]] = {"frames": [], "previews": [], "crops": [], "others": []}
    for name in names:
        groups[_group(name, wanted)].append(name)
    return FolderListing(**{group: tuple(found) for group, found in groups.items()})


def _group(name: str, labelled: Collection[str]) -> str:
    if name not in labelled and (name.startswith(".") or not has_image_suffix(name)):
        return "others"
    if parse_frame_name(name).crop is not None:
        return "crops"
    return "previews" if name not in labelled and is_preview(name) else "frames"


def read_image_info(path: Path) -> ImageInfo:
    """Read an image's header and check that the file is whole.

    The content decides what it is, not the suffix. PNG: every chunk is there and has its checksum. JPEG: the
    data runs to the end marker. TIFF: the first page's data lies within the file. BMP: as many bytes as its
    size needs. Raises NotHere, and UnreadableFile for ``image-unreadable`` (it can't be opened), ``image-empty``,
    ``image-unknown`` (it is none of the four formats), ``image-corrupt`` (it is damaged or cut off) and
    ``image-too-large`` (it has more pixels than memory has room for).
    """
    try:
        with open_regular(path) as file:
            size_bytes = os.fstat(file.fileno()).st_size
            if size_bytes == 0:
                raise _refused("image-empty", path, "found an empty file (0 bytes), expected an image")
            # First of all: whatever is changed from here on, this is not its digest.
            content = digest_opened(file, size_bytes).digest
            file.seek(0)
            kind, read = _kind_and_reader(file.read(16), path)
            file.seek(0)
            with _ONE_AT_A_TIME if size_bytes > _SMALL_BYTES else nullcontext():
                width_px, height_px, bits = read(file, size_bytes)
    except OSError as error:
        raise_disk_trouble(path, error)
        check_is_here(path)
        advice = getattr(error, "advice", _RESTORE)
        raise _refused("image-unreadable", path, f"can't be opened: {error.strerror or error}", advice) from error
    except _DamagedError as error:
        raise _refused("image-corrupt", path, str(error)) from error
    except (struct.error, IndexError) as error:
        found = f"found a header that is cut off after {counted(size_bytes, 'byte')}"
        raise _refused("image-corrupt", path, found) from error
    if beyond := PIXELS.beyond(width_px * height_px * max(1, bits // 8)):
        message = beyond.message + (f" ({bits} bits each count {bits // 8} times)" if bits > 8 else "")
        raise _refused("image-too-large", path, message, beyond.advice)
    return ImageInfo(path.parent, path.name, kind, width_px, height_px, bits, size_bytes, content)


def _refused(code: str, path: Path, message: str, advice: str = _RESTORE) -> UnreadableFile:
    return UnreadableFile.of(code, str(path), message, advice=advice)


_Reader = Callable[[BinaryIO, int], tuple[int, int, int]]


def _kind_and_reader(head: bytes, path: Path) -> tuple[str, _Reader]:
    if head.startswith(_PNG):
        return "png", _read_png
    if head.startswith(b"\xff\xd8\xff"):
        return "jpg", _read_jpeg
    if head[:4] in {b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"}:
        return "tiff", _read_tiff
    if head.startswith(b"BM"):
        return "bmp", _read_bmp
    if not head.strip(b"\0"):
        raise _DamagedError("found zeros, as a crash leaves them, expected an image")
    check_is_here(path)
    raise _refused("image-unknown", path, f"found a file that begins with {head!r}")


def _read_png(file: BinaryIO, size_bytes: int) -> tuple[int, int, int]:
    """Width, height and bits per channel of a PNG, all of whose chunks were checked (PNG specification, part 5)."""
    data = memoryview(_all_of(file, size_bytes))
    first, width_px, height_px, depth, color = struct.unpack(">4sIIBB", data[12:26])
    if first != b"IHDR" or not width_px or not height_px or depth not in _PNG_DEPTHS:
        raise _DamagedError("found a PNG without a valid header")
    position = len(_PNG)
    has_pixels = False
    while True:
        if position + 12 > size_bytes:
            raise _DamagedError(f"found a PNG that is cut off after {counted(size_bytes, 'byte')}")
        length, kind = struct.unpack(">I4s", data[position : position + 8])
        end = position + 12 + length
        _check_end("PNG", end, size_bytes)
        if zlib.crc32(data[position + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
            raise _DamagedError(f"found a PNG whose chunk at byte {position} does not match its checksum")
        has_pixels |= kind == b"IDAT"
        if kind == b"IEND":
            break
        position = end
    if not has_pixels:
        raise _DamagedError("found a PNG without pixels")
    return width_px, height_px, 8 if color == _PNG_PALETTE else depth


def _read_jpeg(file: BinaryIO, size_bytes: int) -> tuple[int, int, int]:
    """Width, height and bits per channel of a JPEG that runs to its end marker (ITU T.81, annex B).

    A search for the end marker would find that of the thumbnail in the Exif segment, so all segments are walked.
    """
    data = _all_of(file, size_bytes)
    frame: tuple[int, int, int] | None = None
    has_scan = False
    position = 2
    while position + 1 < size_bytes:
        if data[position] != 0xFF:
            raise _DamagedError(f"found a JPEG with no marker at byte {position}, where one must be")
        marker = data[position + 1]
        if marker == 0xFF:  # fills up
            position += 1
            continue
        if marker == _JPEG_END:
            if frame is None or not has_scan or 0 in frame:
                raise _DamagedError("found a JPEG without pixels")
            return frame
        position += 2
        (length,) = struct.unpack_from(">H", data, position)
        if marker in _JPEG_FRAMES and frame is None:
            bits, height_px, width_px = struct.unpack_from(">BHH", data, position + 2)
            frame = (width_px, height_px, bits)
        position += length
        if marker == _JPEG_SCAN:
            has_scan = True
            found = _JPEG_NEXT.search(data, position)
            position = found.start() if found else size_bytes
    raise _DamagedError(f"found a JPEG that is cut off after {counted(size_bytes, 'byte')}: its end marker is missing")


def _all_of(file: BinaryIO, size_bytes: int) -> bytes:
    IMAGE_BYTES.check_size(size_bytes)
    return file.read()


def _read_tiff(file: BinaryIO, size_bytes: int) -> tuple[int, int, int]:
    """Width, height and bits per channel of a TIFF's first page, whose data lies within the file (TIFF 6.0)."""
    tags = _tiff_tags(file, size_bytes)
    width_px, height_px = (tags.get(tag, (0,))[0] for tag in (_TIFF_WIDTH, _TIFF_HEIGHT))
    ends = [
        offset + n_bytes
        for offsets, counts in _TIFF_DATA
        for offset, n_bytes in zip(tags.get(offsets, ()), tags.get(counts, ()), strict=False)
    ]
    if not width_px or not height_px or not ends:
        raise _DamagedError("found a TIFF without a size or without pixels")
    _check_end("TIFF", max(ends), size_bytes)
    return width_px, height_px, max(tags.get(_TIFF_BITS, (1,)))


def _tiff_tags(file: BinaryIO, size_bytes: int) -> dict[int, tuple[int, ...]]:
    """Return the whole numbers in the first directory of a TIFF or BigTIFF."""
    head = _read_at(file, 0, 16)
    order = "<" if head.startswith(b"II") else ">"
    big = b"+" in head[2:4]
    count_format, entry_format, offset_format = ("Q", "HHQ8s", "Q") if big else ("H", "HHI4s", "I")
    (start,) = struct.unpack_from(order + offset_format, head, 8 if big else 4)
    count_bytes, entry_bytes = struct.calcsize(order + count_format), struct.calcsize(order + entry_format)
    (n_entries,) = struct.unpack(order + count_format, _read_at(file, start, count_bytes))
    entries = _read_at(file, start + count_bytes, min(n_entries, _TIFF_MOST_TAGS) * entry_bytes)
    tags: dict[int, tuple[int, ...]] = {}
    for tag, kind, count, inline in struct.iter_unpack(order + entry_format, entries):
        code = _TIFF_TYPES.get(kind)
        if code is None or not 0 < count <= min(size_bytes, _TIFF_MOST_PARTS):
            continue
        values = f"{order}{count}{code}"
        n_bytes = struct.calcsize(values)
        (offset,) = struct.unpack(order + offset_format, inline)
        tags[tag] = struct.unpack_from(values, inline if n_bytes <= len(inline) else _read_at(file, offset, n_bytes))
    return tags


def _read_bmp(file: BinaryIO, size_bytes: int) -> tuple[int, int, int]:
    """Width, height and bits per channel of a BMP that has as many bytes as its header asks for."""
    head = _read_at(file, 0, 34)
    start, info_bytes = struct.unpack_from("<II", head, 10)
    layout = "<HHHH" if info_bytes == 12 else "<iiHHI"  # 12: OS/2 1.x, which does not compress
    width_px, height_px, _, bits_per_pixel, *rest = struct.unpack_from(layout, head, 18)
    height_px = abs(height_px)  # negative: stored from the top
    if width_px <= 0 or not height_px or not bits_per_pixel:
        raise _DamagedError("found a BMP without a size")
    end = start + (width_px * bits_per_pixel + 31) // 32 * 4 * height_px
    if _BMP_UNCOMPRESSED.issuperset(rest):
        _check_end("BMP", end, size_bytes)
    return width_px, height_px, 8


def _check_end(kind: str, end: int, size_bytes: int) -> None:
    if end > size_bytes:
        raise _DamagedError(f"found a {kind} that is cut off: {counted(size_bytes, 'byte')}, expected at least {end}")


def _read_at(file: BinaryIO, offset: int, n_bytes: int) -> bytes:
    if offset + n_bytes > file.seek(0, os.SEEK_END):
        raise _DamagedError("found a header that points outside the file")
    file.seek(offset)
    return file.read(n_bytes)
