"""A moving scene whose every frame can be told from all others, drawn, encoded and read back.

Each frame carries its index as a barcode of black and white cells along its top edge. Cells of 8 px survive any
codec that a lab would use, and four check bits make a damaged barcode an error instead of a wrong number.
"""

from __future__ import annotations

import functools
import math
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

CELL_PX = 8
_INDEX_BITS = 12
_CHECK_BITS = 4
#: Inside the limited range of video, so that no conversion clips them.
_BLACK, _WHITE = 16, 235
_COLORS = ((230, 60, 60), (60, 200, 60), (70, 90, 240), (230, 210, 50), (210, 70, 220), (60, 210, 210))

Point = tuple[float, float]
Image = NDArray[np.uint8] | NDArray[np.uint16]


@dataclass(frozen=True)
class Video:
    """How a clip is stored. ``container`` names ffmpeg's muxer where the suffix should lie."""

    suffix: str = ".mp4"
    codec: str = "libx264"
    pixel_format: str = "yuv420p"
    rate: Fraction = Fraction(25)
    container: str | None = None
    gop: int = 12
    options: Mapping[str, str] = field(default_factory=dict)


# --- drawing ------------------------------------------------------------------------------------------------


def mark_position(session: str, mark: int, frame_index: int, width_px: int, height_px: int) -> Point:
    """Where mark number ``mark`` is in a frame, in pixels with all the digits that a float has."""
    phase = (_seed(session) % 97) / 97 + mark * 0.37
    x = width_px * (0.5 + 0.38 * math.sin(2 * math.pi * (phase + frame_index / 37)))
    y = height_px * (0.55 + 0.28 * math.cos(2 * math.pi * (1.7 * phase + frame_index / 23)))
    return x, y


def draw_frame(
    session: str, frame_index: int, *, width_px: int = 128, height_px: int = 96, n_marks: int = 4
) -> NDArray[np.uint8]:
    """One frame, uint8 of shape (height, width, 3) in RGB: a drifting texture, the marks, the barcode."""
    texture = _texture(_seed(session), width_px, height_px)
    frame = np.roll(texture, (frame_index, 2 * frame_index), axis=(0, 1)).copy()
    for mark in range(n_marks):
        x, y = mark_position(session, mark, frame_index, width_px, height_px)
        cv2.circle(frame, (round(x), round(y)), 3, _COLORS[mark % len(_COLORS)], thickness=-1)
    _draw_barcode(frame, frame_index)
    return frame


def _seed(session: str) -> int:
    return zlib.crc32(session.encode())


@functools.lru_cache(maxsize=64)
def _texture(seed: int, width_px: int, height_px: int) -> NDArray[np.uint8]:
    coarse = np.random.default_rng(seed).integers(50, 190, (height_px // 8 + 1, width_px // 8 + 1, 3))
    return cv2.resize(coarse.astype(np.uint8), (width_px, height_px), interpolation=cv2.INTER_LINEAR)


# --- barcode ------------------------------------------------------------------------------------------------


def barcode(image: Image) -> int:
    """The frame index that an image carries, whatever its depth, its channels and the codec it went through.

    Raises
    ------
    ValueError
        There is no intact barcode in the top-left corner.
    """
    gray = np.asarray(image, dtype=float)
    if gray.ndim == 3:
        gray = gray[..., :3].mean(axis=2)
    inset = CELL_PX // 4
    means = np.array(
        [
            gray[y + inset : y + CELL_PX - inset, x + inset : x + CELL_PX - inset].mean()
            for x, y in _cells(gray.shape[1])
        ]
    )
    bits = means > (means.min() + means.max()) / 2
    value = sum(int(bit) << position for position, bit in enumerate(bits))
    index = value & ((1 << _INDEX_BITS) - 1)
    if value >> _INDEX_BITS != _check_bits(index):
        raise ValueError(f"no intact barcode: index {index} does not agree with its check bits")
    return index


def _draw_barcode(frame: NDArray[np.uint8], index: int) -> None:
    if not 0 <= index < 1 << _INDEX_BITS:
        raise ValueError(f"the barcode holds indices up to {(1 << _INDEX_BITS) - 1}, not {index}")
    value = index | _check_bits(index) << _INDEX_BITS
    for position, (x, y) in enumerate(_cells(frame.shape[1])):
        frame[y : y + CELL_PX, x : x + CELL_PX] = _WHITE if value >> position & 1 else _BLACK


def _cells(width_px: int) -> list[tuple[int, int]]:
    per_row = width_px // CELL_PX
    n_cells = _INDEX_BITS + _CHECK_BITS
    return [(cell % per_row * CELL_PX, cell // per_row * CELL_PX) for cell in range(n_cells)]


def _check_bits(index: int) -> int:
    # +5: neither an all-black nor an all-white barcode is valid.
    return ((index & 15) + (index >> 4 & 15) * 3 + (index >> 8) * 7 + 5) % 16


# --- clips --------------------------------------------------------------------------------------------------


def write_clip(path: Path, frames: Iterable[NDArray[np.uint8]], video: Video) -> None:
    """Encode RGB frames at a constant rate, one thread, so that the same frames give the same bytes."""
    with av.open(f"file:{path}", "w", format=video.container) as container:
        stream = None
        for frame in frames:
            if stream is None:
                options = {"g": str(video.gop), **video.options}
                if video.codec in {"libx264", "libx264rgb"}:
                    options = {"preset": "veryfast", "crf": "18"} | options
                stream = container.add_stream(video.codec, rate=video.rate, options=options)
                stream.height, stream.width = frame.shape[:2]
                stream.pix_fmt = video.pixel_format
                stream.codec_context.thread_count = 1
                stream.time_base = 1 / video.rate
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        if stream is not None:
            container.mux(stream.encode(None))


def read_clip(path: Path, indices: Sequence[int] | None = None) -> list[NDArray[np.uint8]]:
    """Decoded frames in RGB, all of them or those at the given positions."""
    with av.open(f"file:{path}") as container:
        wanted = None if indices is None else set(indices)
        frames = {
            position: frame.to_ndarray(format="rgb24")
            for position, frame in enumerate(container.decode(video=0))
            if wanted is None or position in wanted
        }
    return list(frames.values()) if indices is None else [frames[index] for index in indices]
