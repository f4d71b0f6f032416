"""Comparing a session with its video decodes each frame and each image once, and nothing that nobody needs."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from clips import CLIPS, INTACT, Workshop
from hypothesis import given
from hypothesis import strategies as st
from scene import draw_frame, read_clip

from dlc2lp.video import decoded_once
from dlc2lp.video.find_frames import find_frames
from dlc2lp.video.frames import small_gray_frames
from dlc2lp.video.likeness import errors, to_gray
from dlc2lp.video.luma import Grays
from dlc2lp.video.pictures import differences, read_image, sums
from dlc2lp.video.probe import probe
from dlc2lp.video.pyav import OpenedVideo, Pixels
from dlc2lp.video.synthetic import write_clip
from dlc2lp.video.ties import StillImage

N_LONG = 150
NUMBERS = (5, 24, 61, 100, 140)


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> Counter[int]:
    """How often each packet went into a decoder, by its display time."""
    counts: Counter[int] = Counter()
    decode = OpenedVideo.decode

    def counted(video: OpenedVideo, packet: Any) -> Any:
        if packet.size:
            counts[packet.pts] += 1
        return decode(video, packet)

    monkeypatch.setattr(OpenedVideo, "decode", counted)
    return counts


@pytest.fixture
def images_read(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    counts: Counter[str] = Counter()

    def counted(path: Path) -> Any:
        counts[path.name] += 1
        return read_image(path)

    monkeypatch.setattr(decoded_once, "read_image", counted)
    return counts


def _clip(path: Path, n_frames: int = N_LONG, *, gop: int = 250, still: range = range(0)) -> Path:
    """A drifting texture; the frames of ``still`` show what the first of them shows."""
    shown = (still.start if at in still else at for at in range(n_frames))
    drawn = (draw_frame("m1", at, width_px=128, height_px=96) for at in shown)
    codec = {"codec": "mjpeg", "pixel_format": "yuvj420p"} if path.suffix == ".avi" else {}
    options = {} if path.suffix == ".avi" else {"g": str(gop), "crf": "18"}
    write_clip(path, drawn, Fraction(30), options=options, **codec)
    return path


def _cut(video: Path, folder: Path, numbers: Iterable[int]) -> list[StillImage]:
    folder.mkdir(exist_ok=True)
    stills = []
    numbers = list(numbers)
    for number, frame in zip(numbers, read_clip(video, numbers), strict=True):
        path = folder / f"img{number:04d}.png"
        cv2.imwrite(str(path), np.ascontiguousarray(frame[..., ::-1]))
        stills.append(StillImage(path.name, path, number))
    return stills


def _around(numbers: Iterable[int], n_frames: int = N_LONG, window: int = 8) -> set[int]:
    return {at for number in numbers for at in range(max(0, number - window), min(n_frames, number + window + 1))}


def _twice(counts: Counter[Any]) -> dict[Any, int]:
    return {key: n for key, n in counts.items() if n > 1}


# --------------------------------------------------------------------------------------------------- a session, counted


@pytest.mark.parametrize("name", ["a.mp4", "a.avi", "a.mkv"])
def test_each_frame_and_each_image_is_decoded_once(
    name: str, tmp_path: Path, decoded: Counter[int], images_read: Counter[str]
) -> None:
    video = _clip(tmp_path / name)
    info, stills = probe(video), _cut(video, tmp_path / "images", NUMBERS)
    decoded.clear()
    (tie,) = find_frames(video, info, stills)
    assert (tie.kind, tie.evidence.n_proven, tie.gain is None) == ("exact", len(NUMBERS), False)
    assert _twice(decoded) == {}
    assert images_read == Counter(still.name for still in stills)


def test_frames_that_are_looked_at_again_are_not_decoded_again(tmp_path: Path, decoded: Counter[int]) -> None:
    """Where nothing moves, an image is judged by the others, in a second look at the frame where it must be."""
    video = _clip(tmp_path / "a.mp4", still=range(90, 120))
    info, stills = probe(video), _cut(video, tmp_path / "images", (*NUMBERS, 105))
    decoded.clear()
    (tie,) = find_frames(video, info, stills)
    assert {image.name: image.outcome for image in tie.images}["img0105.png"] == "agrees"
    assert _twice(decoded) == {}


def test_images_of_two_sizes_share_what_is_decoded(tmp_path: Path, decoded: Counter[int]) -> None:
    """A square video: turned images have its size too, others are its whole picture at another size."""
    video = _clip(tmp_path / "a.mp4")
    info, stills = probe(video), _cut(video, tmp_path / "images", NUMBERS)
    for still in _cut(video, tmp_path / "turned", (30, 70, 110)):
        cv2.imwrite(str(still.path), np.rot90(cv2.imread(str(still.path))))
        stills.append(StillImage(f"turned {still.name}", still.path, still.frame_index))
    decoded.clear()
    upright, turned = find_frames(video, info, stills)
    assert (upright.evidence.n_proven, turned.evidence.n_proven, turned.rotation_deg) == (5, 3, 270)
    assert _twice(decoded) == {}


@pytest.mark.parametrize("kept_bytes", [0, 40_000])
def test_what_there_is_no_room_for_is_decoded_again_and_the_answer_is_the_same(
    kept_bytes: int, tmp_path: Path, decoded: Counter[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    video = _clip(tmp_path / "a.mp4", still=range(90, 120))
    info, stills = probe(video), _cut(video, tmp_path / "images", (*NUMBERS, 105))
    expected = find_frames(video, info, stills)
    monkeypatch.setattr(decoded_once, "_KEPT_BYTES", kept_bytes)
    monkeypatch.setattr(decoded_once, "_KEPT_SMALL", kept_bytes // 10_000)
    decoded.clear()
    assert find_frames(video, info, stills) == expected
    assert _twice(decoded)


def test_no_more_is_kept_than_there_is_room_for(tmp_path: Path) -> None:
    kept: decoded_once.Kept[int, str] = decoded_once.Kept({1: False, 2: True, 3: False, 4: True})
    room = decoded_once._KEPT_BYTES
    for key, n_bytes in ((9, 1), (1, room // 2 + 1), (2, room // 2 + 1), (3, 1), (4, room // 2)):
        kept.add(key, str(key), n_bytes)
    # 9 is nothing that is asked for again; 1 would take what is for likelier ones; after 2 there is no room for more.
    assert kept.values == {2: "2"}


# ----------------------------------------------------------------------------------------------------- grey levels


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p", "yuv444p", "nv12", "yuvj420p", "gray", "yuv420p10le"])
@pytest.mark.parametrize("size", [(640, 480), (66, 50)])
def test_stored_brightness_gives_the_grey_levels_of_the_converter(pixel_format: str, size: tuple[int, int]) -> None:
    import av

    frame = av.VideoFrame(*size, pixel_format)
    rng = np.random.default_rng(3)
    for plane in frame.planes:
        plane.update(rng.integers(0, 3 if "10" in pixel_format else 256, plane.buffer_size, dtype=np.uint8).tobytes())
    expected = Pixels(Path("a.mp4"), "gray", *size).of(frame)
    assert np.array_equal(Grays(Path("a.mp4"), *size).of(frame), expected)
    # A frame of another size than the video is brought to it.
    wider = Grays(Path("a.mp4"), size[0] * 2, size[1] * 2).of(frame)
    assert np.array_equal(wider, Pixels(Path("a.mp4"), "gray", size[0] * 2, size[1] * 2).of(frame))


def test_brightness_is_looked_up_where_that_is_all_there_is_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame of video range goes through ffmpeg's converter no more."""
    import av

    shapes: list[tuple[int, int]] = []
    convert = Pixels.of
    monkeypatch.setattr(Pixels, "of", lambda self, it: shapes.append((it.width, it.height)) or convert(self, it))
    grays = Grays(Path("a.mp4"), 64, 48)
    for _ in range(3):
        grays.of(av.VideoFrame(64, 48, "yuv420p"))
    assert shapes == [(256, 16)]


# --------------------------------------------------------------------------------- frames that nobody needs


H264 = sorted(name for name in INTACT if "h264" in name or "GOP" in name or name in {"burst", "full range", "10 bit"})


@pytest.mark.parametrize("name", H264)
def test_frames_are_the_same_whatever_is_left_out_between_them(name: str, shop: Workshop) -> None:
    path = shop.clip(name)
    info = probe(path)
    n_frames = len(CLIPS[name].truth)
    every = dict(small_gray_frames(path, info, None, width_px=info.width_px))
    for first, step in itertools.product((0, 3), (2, 5, 9, 14)):
        some = dict(small_gray_frames(path, info, range(first, n_frames, step), width_px=info.width_px))
        assert list(some) == list(range(first, n_frames, step))
        assert [at for at, gray in some.items() if not np.array_equal(gray, every[at])] == []


def test_frames_on_which_no_other_leans_are_left_out(tmp_path: Path, decoded: Counter[int]) -> None:
    video = _clip(tmp_path / "a.mp4", gop=250)
    info = probe(video)
    assert info.keyframe_interval_frames == N_LONG
    decoded.clear()
    list(small_gray_frames(video, info, _around(NUMBERS[1::2])))
    n_upto = 109
    assert len(decoded) < 0.8 * n_upto
    decoded.clear()
    list(small_gray_frames(video, info, range(n_upto)))
    assert len(decoded) >= n_upto


def test_what_lies_before_a_nearer_key_frame_is_left_out(tmp_path: Path, decoded: Counter[int]) -> None:
    """From one window to the next the decoder does not go on to the end of the group."""
    video = tmp_path / "a.mp4"
    drawn = (draw_frame("m1", at, width_px=128, height_px=96) for at in range(N_LONG))
    write_clip(video, drawn, Fraction(30), options={"g": "60", "bf": "0", "sc_threshold": "0"})
    info = probe(video)
    assert info.keyframe_interval_frames == 60
    decoded.clear()
    wanted = [*range(10, 15), *range(62, 66)]
    every = dict(small_gray_frames(video, info, wanted))
    ticks = sorted(decoded)
    step = ticks[1] - ticks[0]
    positions = {tick // step for tick in ticks}
    # From the first key frame to 14, from the second, 60, to 65: not what is between. A decoder gives a frame when it
    # has seen some more.
    assert not positions & set(range(20, 60))
    assert [at for at, _ in every.items()] == wanted


# ---------------------------------------------------------------------------------------------------- exact numbers


@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(1, 70), st.sampled_from([1, 50, 1024, 1025, 3072, 5000]))
def test_errors_are_those_of_whole_numbers(seed: int, n_images: int, n_frames: int, n_pixels: int) -> None:
    rng = np.random.default_rng(seed)
    levels = np.array([0, 255], np.uint8) if seed % 2 else np.arange(256, dtype=np.uint8)
    images, frames = rng.choice(levels, (n_images, n_pixels)), rng.choice(levels, (n_frames, n_pixels))
    still, shown = images.astype(np.int64), frames.astype(np.int64)
    sums_of = (still.sum(axis=1), shown.sum(axis=1))
    variances = [
        (n_pixels * (each**2).sum(axis=1) - total**2) / n_pixels**2
        for each, total in zip((still, shown), sums_of, strict=True)
    ]
    shared = (n_pixels * (still @ shown.T) - np.outer(*sums_of)) / n_pixels**2
    gains = (shared / np.where(variances[1] > 0, variances[1], 1.0)).clip(0.25, 4.0)
    expected = (variances[0][:, None] - 2 * gains * shared + gains**2 * variances[1]).clip(0.0)
    assert np.array_equal(errors(images, frames), expected)


def test_every_color_has_the_gray_level_that_its_shares_say() -> None:
    red, green = np.meshgrid(np.arange(256, dtype=np.uint8), np.arange(256, dtype=np.uint8))
    for blue in range(256):
        image = np.dstack([red, green, np.full_like(red, blue)])
        parts = image.astype(np.int64) * (4899, 9617, 1868)
        assert np.array_equal(to_gray(image), (parts.sum(axis=2) + 8192) >> 14), blue


@pytest.mark.parametrize("shape", [(3, 2), (480, 640, 3), (2160, 3840, 3)])
def test_sums_are_exact_where_they_are_largest(shape: tuple[int, ...]) -> None:
    black, white = np.zeros(shape, np.uint8), np.full(shape, 255, np.uint8)
    assert differences(black, white) == (255 * black.size, 255**2 * black.size)
    assert sums(white) == (255 * white.size, 255**2 * white.size)
    noise = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    wide = noise.astype(np.int64)
    assert sums(noise) == (wide.sum(), (wide**2).sum())
    away = 255 - wide - wide
    assert differences(noise, 255 - noise) == (np.abs(away).sum(), (away**2).sum())
