"""Images as OpenCV and other programs write them, whole and damaged."""

from __future__ import annotations

import os
import struct
import time
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlc2lp.dlc.images import FolderListing, list_frames, read_image_info
from dlc2lp.errors import UnreadableFile
from dlc2lp.model import ImageInfo

WIDTH, HEIGHT = 37, 23


def pixels(channels: int = 3, dtype: type = np.uint8) -> np.ndarray:
    shape = (HEIGHT, WIDTH) if channels == 1 else (HEIGHT, WIDTH, channels)
    return np.random.default_rng(7).integers(0, np.iinfo(dtype).max, shape).astype(dtype)


def encoded(suffix: str, image: np.ndarray, *parameters: int) -> bytes:
    done, data = cv2.imencode(suffix, image, list(parameters))
    assert done
    return data.tobytes()


def info(folder: Path, data: bytes, name: str = "img0.png") -> ImageInfo:
    path = folder / name
    path.write_bytes(data)
    return read_image_info(path)


def fault(folder: Path, data: bytes, name: str = "img0.png") -> str:
    with pytest.raises(UnreadableFile) as caught:
        info(folder, data, name)
    (finding,) = caught.value.findings
    assert finding.subject == str(folder / name)
    assert finding.hint
    return finding.code


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def palette_png() -> bytes:
    """OpenCV writes no palettes."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 2, 2, 3, 0, 0, 0))
    rows = zlib.compress(b"\0\x1b" * 2)
    palette = png_chunk(b"PLTE", bytes(range(12)))
    return b"\x89PNG\r\n\x1a\n" + header + palette + png_chunk(b"IDAT", rows) + png_chunk(b"IEND", b"")


def tiff(order: str, *, big: bool = False, tiled: bool = False, bits: int = 16) -> bytes:
    """One strip or tile behind the directory, in either byte order, as a classic or a BigTIFF."""
    mark = b"II" if order == "<" else b"MM"
    word = "Q" if big else "I"
    head = mark + (struct.pack(order + "HHHQ", 43, 8, 0, 16) if big else struct.pack(order + "HI", 42, 8))
    n_bytes = 5 * 3 * bits // 8
    entries = [(256, 5), (257, 3), (258, bits), (259, 1), (277, 1)]
    entries += [(324, 0), (325, n_bytes)] if tiled else [(273, 0), (279, n_bytes)]
    start = len(head) + struct.calcsize(order + ("Q" if big else "H")) + len(entries) * (20 if big else 12)
    start += struct.calcsize(order + word)
    body = struct.pack(order + ("Q" if big else "H"), len(entries))
    for tag, value in entries:
        body += struct.pack(order + "HH" + word + word, tag, 16 if big else 4, 1, start if tag in {273, 324} else value)
    return head + body + struct.pack(order + word, 0) + bytes(n_bytes)


# -----------------------------------------------------------------------------------------------------------
# whole ones


@pytest.mark.parametrize(
    ("suffix", "kind", "channels", "dtype", "bits"),
    [
        (".png", "png", 3, np.uint8, 8),
        (".png", "png", 1, np.uint8, 8),
        (".png", "png", 4, np.uint8, 8),
        (".png", "png", 1, np.uint16, 16),
        (".png", "png", 3, np.uint16, 16),
        (".jpg", "jpg", 3, np.uint8, 8),
        (".jpg", "jpg", 1, np.uint8, 8),
        (".tif", "tiff", 3, np.uint8, 8),
        (".tif", "tiff", 1, np.uint16, 16),
        (".tiff", "tiff", 3, np.uint16, 16),
        (".bmp", "bmp", 3, np.uint8, 8),
        (".bmp", "bmp", 1, np.uint8, 8),
        (".bmp", "bmp", 4, np.uint8, 8),
    ],
)
def test_what_opencv_writes(tmp_path: Path, suffix: str, kind: str, channels: int, dtype: type, bits: int) -> None:
    data = encoded(suffix, pixels(channels, dtype))
    path = tmp_path / f"img0{suffix}"
    assert info(tmp_path, data, path.name) == ImageInfo(tmp_path, path.name, kind, WIDTH, HEIGHT, bits, len(data))


def test_the_content_counts_not_the_suffix(tmp_path: Path) -> None:
    assert info(tmp_path, encoded(".jpg", pixels()), "img0.png").kind == "jpg"


def test_other_forms(tmp_path: Path) -> None:
    progressive = encoded(".jpg", pixels(), cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_RST_INTERVAL, 1)
    assert info(tmp_path, progressive).width_px == WIDTH
    bilevel = encoded(".png", pixels(1), cv2.IMWRITE_PNG_BILEVEL, 1)
    assert info(tmp_path, bilevel).bits_per_channel == 1
    found = info(tmp_path, palette_png())
    assert (found.width_px, found.height_px, found.bits_per_channel) == (4, 2, 8)
    assert cv2.imread(str(tmp_path / "img0.png")).shape == (2, 4, 3)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("tiled", [False, True])
def test_every_tiff(tmp_path: Path, order: str, big: bool, tiled: bool) -> None:
    data = tiff(order, big=big, tiled=tiled)
    found = info(tmp_path, data)
    assert (found.kind, found.width_px, found.height_px, found.bits_per_channel) == ("tiff", 5, 3, 16)
    assert fault(tmp_path, data[:-1]) == "image-corrupt"


def test_bmp_from_the_top_and_of_os2(tmp_path: Path) -> None:
    data = bytearray(encoded(".bmp", pixels()))
    data[22:26] = struct.pack("<i", -HEIGHT)
    assert info(tmp_path, bytes(data)).height_px == HEIGHT
    os2 = b"BM" + struct.pack("<IHHIIHHHH", 26 + 8 * 2, 0, 0, 26, 12, 2, 2, 1, 24) + bytes(16)
    found = info(tmp_path, os2)
    assert (found.width_px, found.height_px) == (2, 2)


def test_jpeg_with_a_thumbnail_and_a_tail(tmp_path: Path) -> None:
    """The thumbnail in the Exif segment has an end marker of its own, and phones append things."""
    data = encoded(".jpg", pixels())
    thumbnail = encoded(".jpg", pixels()[:8, :8])
    exif = b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 8) + b"Exif\0\0" + thumbnail
    whole = data[:2] + exif + data[2:]
    assert info(tmp_path, whole + b"\0" * 50).width_px == WIDTH
    assert fault(tmp_path, whole[:-2]) == "image-corrupt"
    assert fault(tmp_path, whole[: len(exif) + 40]) == "image-corrupt"


def test_jpeg_with_fill_bytes(tmp_path: Path) -> None:
    data = encoded(".jpg", pixels())
    assert info(tmp_path, data[:2] + b"\xff\xff" + data[2:]).width_px == WIDTH
    assert fault(tmp_path, data[:2] + b"\0" + data[2:]) == "image-unknown"
    assert fault(tmp_path, data[:20] + b"\0" + data[20:]) == "image-corrupt"


def test_png_with_a_tail(tmp_path: Path) -> None:
    assert info(tmp_path, encoded(".png", pixels()) + b"\0" * 50).width_px == WIDTH


# ----------------------------------------------------------------------------------------------------------
# damaged ones

WHOLE = {
    "png": encoded(".png", pixels(1)),
    "jpg": encoded(".jpg", pixels(1)),
    "progressive": encoded(".jpg", pixels(), cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    "tiff": encoded(".tif", pixels(1)),
    "bmp": encoded(".bmp", pixels(1)),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_every_cut_is_found(tmp_path: Path, kind: str) -> None:
    data = WHOLE[kind]
    assert info(tmp_path, data)
    # OpenCV's TIFF ends with four bytes that say "no further page": without them no pixel is lost.
    for n_bytes in range(1, len(data) - 4 * (kind == "tiff"), 1 if len(data) < 1500 else 7):
        expected = {"image-corrupt"} | ({"image-unknown"} if n_bytes < 8 else set())
        assert fault(tmp_path, data[:n_bytes]) in expected, n_bytes


def test_every_flipped_bit_of_a_png_is_found(tmp_path: Path) -> None:
    data = encoded(".png", pixels(1)[:5, :5])
    for place in range(len(data)):
        for bit in range(8):
            damaged = bytearray(data)
            damaged[place] ^= 1 << bit
            assert fault(tmp_path, bytes(damaged)) in {"image-corrupt", "image-unknown"}, (place, bit)


@given(kind=st.sampled_from(sorted(WHOLE)), place=st.integers(0, 400), noise=st.binary(min_size=1, max_size=12))
def test_any_damage_ends_in_a_header_or_a_finding(tmp_path: Path, kind: str, place: int, noise: bytes) -> None:
    data = WHOLE[kind]
    damaged = data[:place] + noise + data[place + len(noise) :]
    try:
        found = info(tmp_path, damaged)
    except UnreadableFile as error:
        assert error.findings[0].code in {"image-corrupt", "image-unknown"}
    else:
        assert found.width_px > 0
        assert found.height_px > 0


@given(
    data=st.binary(max_size=100),
    head=st.sampled_from([b"", b"II*\0", b"MM\0+", b"BM", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"]),
)
def test_any_bytes_end_in_a_finding(tmp_path: Path, data: bytes, head: bytes) -> None:
    assert fault(tmp_path, head + data) in {"image-corrupt", "image-unknown", "image-empty", "not-downloaded"}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "image-empty"),
        (b"\0" * 5000, "image-corrupt"),
        (b"GIF89a" + b"x" * 100, "image-unknown"),
        (b"hello", "image-unknown"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "not-downloaded"),
        (b"\x89PNG\r\n\x1a\n" + png_chunk(b"IEND", b""), "image-corrupt"),
        (palette_png().replace(palette_png()[8:33], png_chunk(b"IHDR", bytes(13))), "image-corrupt"),
        (palette_png()[:33] + png_chunk(b"IEND", b""), "image-corrupt"),
        (b"\xff\xd8\xff\xd9", "image-corrupt"),
        (b"II*\0\xff\xff\xff\xff", "image-corrupt"),
        (b"BM" + bytes(60), "image-corrupt"),
    ],
    ids=[
        *("empty", "zeros", "gif", "text", "git-lfs", "png-no-header", "png-no-size", "png-no-pixels"),
        *("jpeg-nothing", "tiff-nowhere", "bmp-no-size"),
    ],
)
def test_what_is_no_image(tmp_path: Path, data: bytes, code: str) -> None:
    assert fault(tmp_path, data) == code


def test_messages_name_what_was_found(tmp_path: Path) -> None:
    path = tmp_path / "img0.png"
    for data, words in (
        (b"GIF89a", "b'GIF89a'"),
        (b"version https://git-lfs", "Git LFS"),
        (WHOLE["png"][:-20], f"cut off: {len(WHOLE['png']) - 20} bytes, expected at least"),
        (WHOLE["jpg"][:-2], "its end marker is missing"),
    ):
        path.write_bytes(data)
        with pytest.raises(UnreadableFile, match=words):
            read_image_info(path)


def test_missing_and_dangling(tmp_path: Path) -> None:
    path = tmp_path / "img0.png"
    with pytest.raises(UnreadableFile) as caught:
        read_image_info(path)
    assert caught.value.findings[0].code == "image-unreadable"
    with pytest.raises(UnreadableFile) as caught:
        read_image_info(tmp_path)
    assert caught.value.findings[0].code == "image-unreadable"


def test_fast_enough_for_an_archive(tmp_path: Path) -> None:
    data = encoded(".png", np.random.default_rng(1).integers(0, 255, (240, 320, 3)).astype(np.uint8))
    assert 225_000 < len(data) < 240_000
    path = tmp_path / "img0.png"
    path.write_bytes(data)
    times = []
    for _ in range(20):
        start = time.perf_counter()
        read_image_info(path)
        times.append(time.perf_counter() - start)
    assert min(times) < 2e-3


def test_real_frames(openfield: Path) -> None:
    folder = openfield / "labeled-data" / "m4s1"
    names = list_frames(folder).frames
    assert len(names) == 116
    found = read_image_info(folder / names[7])
    assert (found.kind, found.width_px, found.height_px, found.bits_per_channel) == ("png", 640, 480, 8)
    assert cv2.imread(str(folder / names[7])).shape == (480, 640, 3)


# --------------------------------------------------------------------------------------------------------------
# folders


def test_frames_and_the_rest(tmp_path: Path) -> None:
    names = [
        *("img744.png", "img0777.png", "img7.png", "07a-img310.png", "frame_001.jpg", "mouse.TIFF", "10.bmp"),
        *("img0007labeled.png", "img0044c0.png", "img0044c1.png", "unlabeled.png"),
        *(".img0001.png", "._img0001.png", "CollectedData_Jane.h5", "CollectedData_Jane.csv", "Thumbs.db", "a.mp4"),
    ]
    for name in names:
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "img0900.png").mkdir()  # which reading it tells
    (tmp_path / "again").mkdir()
    names.append("img0900.png")
    listing = list_frames(tmp_path)
    assert listing.frames == (
        *("img7.png", "10.bmp", "img744.png", "img0777.png", "img0900.png", "mouse.TIFF", "unlabeled.png"),
        *("07a-img310.png", "frame_001.jpg"),
    )
    assert listing.previews == ("img0007labeled.png",)
    assert listing.crops == ("img0044c0.png", "img0044c1.png")
    assert set(listing.others) == {
        name for name in names if name.startswith(".") or name[-3:] in {"csv", ".h5", ".db", "mp4"}
    }
    assert sorted(sum((listing.frames, listing.previews, listing.crops, listing.others), ())) == sorted(names)


def test_labelled_images_are_frames_whatever_they_are_called(tmp_path: Path) -> None:
    for name in ("img1labeled.png", "frame7", ".hidden.png", "img2labeled.png", "img0044c0.png"):
        (tmp_path / name).write_bytes(b"")
    listing = list_frames(tmp_path, {"img1labeled.png", "frame7", ".hidden.png", "img0044c0.png", "gone.png", ""})
    assert set(listing.frames) == {"img1labeled.png", "frame7", ".hidden.png"}
    assert listing.previews == ("img2labeled.png",)
    assert listing.crops == ("img0044c0.png",)


def test_no_folder(tmp_path: Path) -> None:
    assert list_frames(tmp_path) == FolderListing((), (), (), ())
    with pytest.raises(UnreadableFile) as caught:
        list_frames(tmp_path / "gone")
    assert caught.value.findings[0].code == "folder-unreadable"


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_dangling_links_are_listed(tmp_path: Path) -> None:
    (tmp_path / "img0.png").symlink_to(tmp_path / "gone.png")
    assert list_frames(tmp_path).frames == ("img0.png",)
    with pytest.raises(UnreadableFile, match="can't be opened"):
        read_image_info(tmp_path / "img0.png")


def test_order_does_not_depend_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (3, 20, 100, 1):
        (tmp_path / f"img{number}.png").write_bytes(b"")
    expected = ("img1.png", "img3.png", "img20.png", "img100.png")
    scandir = os.scandir
    for reverse in (False, True):

        class Scan:
            def __enter__(self, reverse: bool = reverse) -> list[os.DirEntry[str]]:
                return sorted(scandir(tmp_path), key=lambda entry: entry.name, reverse=reverse)

            def __exit__(self, *_: object) -> None: ...

        monkeypatch.setattr(os, "scandir", lambda _: Scan())
        assert list_frames(tmp_path).frames == expected
