"""Frames of a video by their index, as they are or as small grey pictures."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from dlc2lp.errors import VideoFailed
from dlc2lp.model import VideoInfo
from dlc2lp.video.colors import Colors, as_opencv_reads
from dlc2lp.video.encoding import Crop
from dlc2lp.video.likeness import to_gray
from dlc2lp.video.pictures import shrink
from dlc2lp.video.pyav import OpenedVideo, Pixels, Undecodable, VideoFrame

#: Frames with their indices, in rising order: arrays of shape (H, W), or (H, W, 3) in RGB.
Pictures = Iterator[tuple[int, NDArray[np.uint8]]]
_Frames = Iterator[tuple[int, VideoFrame]]

#: A frame this near is decoded up to, where a seek would land behind the place already reached.
_NEAR_FRAMES = 5

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
        ``video-frame-unreadable``: a frame cannot be decoded.
    Interrupted
        ``stop`` was set.
    """
    for index, (picture,) in read_colors(path, info, indices, (colors,), crop=crop, turn_deg=turn_deg, stop=stop):
        yield index, picture


def read_colors(
    path: Path,
    info: VideoInfo,
    indices: Iterable[int],
    readings: Sequence[Colors | None],
    *,
    crop: Crop | None = None,
    turn_deg: int | None = 0,
    stop: threading.Event | None = None,
) -> Iterator[tuple[int, list[NDArray[np.uint8]]]]:
    """As :func:`read_frames`, each frame in several readings of its colours."""
    turn_deg = info.rotation_deg if turn_deg is None else turn_deg
    converters = [Pixels(path, "rgb24", info.width_px, info.height_px, colors) for colors in readings]
    for index, frame in _frames_at(path, info, indices, stop):
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
    stop: threading.Event | None = None,
) -> Pictures:
    """Small grey pictures of some frames, or of every frame, decoded from the beginning, where ``indices`` is None.

    As :func:`read_frames`, but uint8 of shape (h, width_px): averaged over areas; narrower parts keep their size.
    """
    # What PyAV makes gray by another reading than the usual one differs from version to version; colours do not.
    is_usual = colors in (None, as_opencv_reads(info.pixel_format))
    pixels = Pixels(path, "gray" if is_usual else "rgb24", info.width_px, info.height_px, colors)
    frames = decoded_frames(path, stop) if indices is None else _frames_at(path, info, indices, stop)
    for index, frame in frames:
        picture = _picture(path, index, pixels, frame, crop, turn_deg)
        yield index, shrink(picture if is_usual else to_gray(picture), width_px)


def _picture(
    path: Path, index: int, pixels: Pixels, frame: VideoFrame, crop: Crop | None, turn_deg: int
) -> NDArray[np.uint8]:
    """The part of a frame that is asked for."""
    try:
        picture = np.rot90(pixels.of(frame), -turn_deg // 90)
    except Undecodable as problem:
        raise _unreadable_frame(path, index, problem.reason) from problem
    if crop is not None:
        picture = picture[crop.y_px : crop.y_px + crop.height_px, crop.x_px : crop.x_px + crop.width_px]
    return np.ascontiguousarray(picture)


def decoded_frames(path: Path, stop: threading.Event | None) -> _Frames:
    """Every frame, decoded from the beginning; the index counts what comes out.

    Raises ``VideoFailed`` (``video-frame-unreadable``), ``Interrupted``.
    """
    index = -1
    try:
        with OpenedVideo(path, stop) as video:
            for index, frame in enumerate(video.frames()):
                yield index, frame
    except Undecodable as problem:
        raise _unreadable_frame(path, index + 1, problem.reason) from problem


def _unreadable_frame(path: Path, index: int, reason: str) -> VideoFailed:
    return VideoFailed.of(
        "video-frame-unreadable",
        str(path),
        f"found no frame {index} that can be decoded ({reason})",
        where=f"frame {index}",
        advice="check that the file plays there, and copy it again from its origin",
    )


def _frames_at(path: Path, info: VideoInfo, indices: Iterable[int], stop: threading.Event | None) -> _Frames:
    """Decode the frames at some positions, in rising order."""
    wanted = sorted(set(indices))
    if wanted and not 0 <= wanted[0] <= wanted[-1] < info.n_frames:
        raise IndexError(f"frames {wanted[0]} to {wanted[-1]} of {info.n_frames}")
    if info.all_packets_timed:
        yield from _frames_by_time(path, info, wanted, stop)
        return
    left = set(wanted)
    for index, frame in decoded_frames(path, stop) if left else ():
        if index in left:
            yield index, frame
            left.remove(index)
            if not left:
                return
    if left:
        raise _unreadable_frame(path, min(left), "the video ends before it")


def _frames_by_time(path: Path, info: VideoInfo, wanted: list[int], stop: threading.Event | None) -> _Frames:
    """Frames found by their display times: what a damaged place swallows does not shift the frames behind it."""
    gop = info.keyframe_interval_frames
    index = position = -gop - 1  # position: the frame decoded last
    try:
        with _Decoding(path, stop) as decoding:
            time_of = _display_times(path, info, decoding)
            for index in wanted:
                frame = None
                if 0 < index - position <= max(gop, _NEAR_FRAMES):
                    frame = decoding.frame_at(time_of(index))
                # An index may lead to a key frame whose leading frames lean on the one before it, so the second try
                # starts earlier. Transport streams have no index; seeking there can end anywhere.
                for start in (index, max(0, index - 2 * gop), None):
                    if frame is None:
                        decoding.restart(None if start is None else time_of(start))
                        frame = decoding.frame_at(time_of(index))
                if frame is None:
                    raise _unreadable_frame(path, index, "no frame has its display time")
                position = index
                yield index, frame
    except Undecodable as problem:
        raise _unreadable_frame(path, max(index, 0), problem.reason) from problem


class _Decoding:
    """An opened video and where decoding stands in it."""

    def __init__(self, path: Path, stop: threading.Event | None) -> None:
        self.path = path
        self.stop = stop
        self._open()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.video.close()

    def _open(self) -> None:
        self.video = OpenedVideo(self.path, self.stop)
        self.frames = self.video.frames()
        self.after_keyframe = True  # where a file begins there is nothing to lean on; its key frame may be hidden

    def restart(self, time: int | None) -> None:
        """Decode from the key frame before a display time, or from the very beginning."""
        if time is None:
            self.video.close()
            self._open()
        else:
            self.video.seek(time)
            self.frames = self.video.frames()
            self.after_keyframe = False

    def frame_at(self, time: int) -> VideoFrame | None:
        """The next frame of this display time; None if it is passed, or no key frame came before it."""
        for frame in self.frames:
            self.after_keyframe = self.after_keyframe or bool(frame.key_frame)
            if frame.pts is None or frame.pts > time:
                return None
            if frame.pts == time:
                return frame if self.after_keyframe else None
        return None


def _display_times(path: Path, info: VideoInfo, decoding: _Decoding) -> Callable[[int], int]:
    """A function from a frame's index to its display time in ticks of the stream."""
    if info.constant_rate:
        frame = next(decoding.frames, None)
        if frame is None or frame.pts is None:
            raise _unreadable_frame(path, 0, "it is not there or has no display time")
        first = frame.pts
        step = 1 / (info.frame_rate * decoding.video.header().time_base)
        return lambda index: int(first + index * step)

    with OpenedVideo(path, decoding.stop) as video:
        known = (packet.pts for packet in video.shown_packets() if packet.pts is not None)
        # Those before the first frame that can be decoded are as good as not there.
        times = np.sort(np.fromiter(known, dtype=np.int64))[info.n_lost_packets :]
    if len(times) < info.n_frames:
        raise _unreadable_frame(path, len(times), "the video ends before it")
    return lambda index: int(times[index])
