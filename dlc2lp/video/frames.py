"""Frames of a video by their index, as they are or as small grey pictures."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dlc2lp.model import VideoInfo
from dlc2lp.video.colors import Colors, as_opencv_reads
from dlc2lp.video.encoding import Crop
from dlc2lp.video.likeness import to_gray
from dlc2lp.video.luma import Grays
from dlc2lp.video.pictures import shrink
from dlc2lp.video.pyav import OpenedVideo, Pixels, Undecodable, VideoFrame
from dlc2lp.video.seeking import Frames, frames_by_time, packet_times, unreadable_frame

#: Frames with their indices, in rising order: arrays of shape (H, W), or (H, W, 3) in RGB.
Pictures = Iterator[tuple[int, NDArray[np.uint8]]]

_MADE_UP = "its data is damaged; a decoder makes up what is missing"

#: Width of the small grey images by which frames are compared.
COMPARED_WIDTH_PX = 64


def read_frames(
    path: Path,
    info: VideoInfo,
    indices: Iterable[int],
    *,
    crop: Crop | None = None,
    turn_deg: int | None = 0,
    colors: Colors | None = None,
    stop: threading.Event | None = None,
) -> Pictures:
    """Read frames by their position in the order of display; as DeepLabCut cuts them out, turned and of that a part.

    Indices are 0-based and in any order; each is read once. Yielded in rising order, with RGB pictures, uint8 of shape
    (h, w, 3): turned clockwise by ``turn_deg`` from what is stored (None: as players do), and of that the ``crop``, by
    default all; in ``colors``, by default as OpenCV 4 reads them. Seeks by the packets' own times where those can be
    trusted, else decodes from the beginning and counts.

    Raises
    ------
    IndexError
        An index is not in the video.
    VideoFailed
        ``video-frame-unreadable``: a frame cannot be decoded, or was made up in part.
    Interrupted
        ``stop`` was set.
    """
    turn_deg = info.rotation_deg if turn_deg is None else turn_deg
    frames = frames_of(path, info, indices, stop)
    for index, (picture,) in colored(path, info, frames, (colors,), crop, turn_deg):
        yield index, picture


def colored(
    path: Path,
    info: VideoInfo,
    frames: Frames,
    readings: Sequence[Colors | None],
    crop: Crop | None,
    turn_deg: int,
) -> Iterator[tuple[int, list[NDArray[np.uint8]]]]:
    """The pictures of frames as :func:`read_frames` gives them, each in several readings of its colours."""
    converters = [Pixels(path, "rgb24", info.width_px, info.height_px, colors) for colors in readings]
    for index, frame in frames:
        yield index, [_picture(path, index, pixels, frame, crop, turn_deg) for pixels in converters]


def small_gray_frames(
    path: Path,
    info: VideoInfo,
    indices: Iterable[int] | None,
    *,
    crop: Crop | None = None,
    turn_deg: int = 0,
    colors: Colors | None = None,
    width_px: int = COMPARED_WIDTH_PX,
    past_damage: bool = False,
    stop: threading.Event | None = None,
) -> Pictures:
    """Small grey pictures of some frames, or of every frame, decoded from the beginning, where ``indices`` is None.

    As :func:`read_frames`, but uint8 of shape (h, width_px): averaged over areas; narrower parts keep their size.
    ``past_damage``: frames that can't be decoded are left out, and those that were made up in part taken as they are.
    """
    frames = frames_of(path, info, indices, stop, past_damage=past_damage)
    return small_grays(path, info, frames, crop, turn_deg, colors, width_px)


def small_grays(
    path: Path,
    info: VideoInfo,
    frames: Frames,
    crop: Crop | None = None,
    turn_deg: int = 0,
    colors: Colors | None = None,
    width_px: int = COMPARED_WIDTH_PX,
) -> Pictures:
    """The small grey pictures of frames, as :func:`small_gray_frames` gives them."""
    # What PyAV makes gray by another reading than the usual one differs from version to version; colours do not.
    is_usual = colors in (None, as_opencv_reads(info.pixel_format))
    size = info.width_px, info.height_px
    pixels = Grays(path, *size) if is_usual else Pixels(path, "rgb24", *size, colors)
    for index, frame in frames:
        picture = _picture(path, index, pixels, frame, crop, turn_deg)
        yield index, shrink(picture if is_usual else to_gray(picture), width_px)


def _picture(
    path: Path, index: int, pixels: Pixels | Grays, frame: VideoFrame, crop: Crop | None, turn_deg: int
) -> NDArray[np.uint8]:
    """The part of a frame that is asked for."""
    try:
        picture = np.rot90(pixels.of(frame), -turn_deg // 90)
    except Undecodable as problem:
        raise unreadable_frame(path, index, problem.reason) from problem
    if crop is not None:
        picture = picture[crop.y_px : crop.y_px + crop.height_px, crop.x_px : crop.x_px + crop.width_px]
    return np.ascontiguousarray(picture)


def decoded_frames(path: Path, info: VideoInfo, stop: threading.Event | None) -> Frames:
    """Every frame in the order of display; those that are held are the picture before them.

    Raises ``VideoFailed`` (``video-frame-unreadable``), ``Interrupted``.
    """
    return frames_of(path, info, None, stop)


def frames_of(
    path: Path,
    info: VideoInfo,
    indices: Iterable[int] | None,
    stop: threading.Event | None,
    *,
    past_damage: bool = False,
) -> Frames:
    """Decode some frames, or all for None, in rising order.

    One that was made up in part is unreadable, unless damage is to be passed: then it is taken as it is, and what does
    not come out is left out. Raises as :func:`read_frames` does.
    """
    if info.held:
        yield from _held_frames(path, info, indices, stop)
        return
    frames = (
        _frames_in_order(path, info, stop, past_damage=past_damage)
        if indices is None
        else _frames_at(path, info, indices, stop, past_damage=past_damage)
    )
    for index, frame in frames:
        if frame.is_corrupt and not past_damage:
            raise unreadable_frame(path, index, _MADE_UP)
        yield index, frame


def _held_frames(path: Path, info: VideoInfo, indices: Iterable[int] | None, stop: threading.Event | None) -> Frames:
    """Decode some frames, or all for None, of a video of which some are held by the picture before (or behind) them."""
    held = frozenset(info.held)
    whole = [index for index in range(info.n_frames) if index not in held]
    wanted: dict[int, list[int]] = {}
    for index in sorted(range(info.n_frames) if indices is None else set(indices)):
        wanted.setdefault(whole[max(0, bisect_right(whole, index) - 1)], []).append(index)
    read: Callable[..., Frames] = _frames_in_order if indices is None else partial(_frames_at, indices=list(wanted))
    for index, frame in read(path, info, stop=stop, past_damage=True):
        for each in wanted.pop(index, ()):
            yield each, frame
    if wanted:
        raise unreadable_frame(path, min(wanted), "it did not come out")


def _frames_in_order(path: Path, info: VideoInfo, stop: threading.Event | None, *, past_damage: bool) -> Frames:
    """Decode from the beginning; the index counts what comes out.

    Where damage is passed it follows from the display time: untimed videos are passed only where a frame comes out.
    """
    index = -1
    times = packet_times(path, info, stop) if past_damage and info.all_packets_timed else None
    try:
        with OpenedVideo(path, stop) as video:
            for packet in video.packets():
                try:
                    frames = video.decode(packet)
                except Undecodable:
                    if times is None:
                        raise
                    continue
                for frame in frames:
                    index = index + 1 if times is None else int(np.searchsorted(times, frame.pts or 0))
                    yield index, frame
    except Undecodable as problem:
        raise unreadable_frame(path, index + 1, problem.reason) from problem


def _frames_at(
    path: Path, info: VideoInfo, indices: Iterable[int], stop: threading.Event | None, *, past_damage: bool
) -> Frames:
    """Decode the frames at some positions, in rising order."""
    wanted = sorted(set(indices))
    if wanted and not 0 <= wanted[0] <= wanted[-1] < info.n_frames:
        raise IndexError(f"frames {wanted[0]} to {wanted[-1]} of {info.n_frames}")
    if info.all_packets_timed:
        yield from frames_by_time(path, info, wanted, stop, past_damage=past_damage)
        return
    left = set(wanted)
    for index, frame in _frames_in_order(path, info, stop, past_damage=past_damage) if left else ():
        if index in left:
            yield index, frame
            left.remove(index)
            if not left:
                return
    if left:
        raise unreadable_frame(path, min(left), "the video ends before it")
