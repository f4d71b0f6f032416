"""Frames of a video by their index, as they are or as small grey pictures."""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from dlc2lp.errors import VideoFailed
from dlc2lp.model import VideoInfo
from dlc2lp.video.clock import LONGEST_DELAY, gaps, usual_step
from dlc2lp.video.colors import Colors, as_opencv_reads
from dlc2lp.video.encoding import Crop
from dlc2lp.video.key_frames import KeyTimes
from dlc2lp.video.likeness import to_gray
from dlc2lp.video.pictures import shrink
from dlc2lp.video.pyav import OpenedVideo, Pixels, Undecodable, VideoFrame

#: Frames with their indices, in rising order: arrays of shape (H, W), or (H, W, 3) in RGB.
Pictures = Iterator[tuple[int, NDArray[np.uint8]]]
_Frames = Iterator[tuple[int, VideoFrame]]

#: A frame this near is decoded up to, without a look whether a key frame stands nearer.
_NEAR_FRAMES = 5

#: A header that counts so many frames more or less than there are has only rounded.
_TOLD_FRAMES = 1.6

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
    for index, frame in _frames_of(path, info, indices, stop):
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
    # What PyAV makes gray by another reading than the usual one differs from version to version; colours do not.
    is_usual = colors in (None, as_opencv_reads(info.pixel_format))
    pixels = Pixels(path, "gray" if is_usual else "rgb24", info.width_px, info.height_px, colors)
    frames = _frames_of(path, info, indices, stop, past_damage=past_damage)
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


def decoded_frames(path: Path, info: VideoInfo, stop: threading.Event | None) -> _Frames:
    """Every frame in the order of display; those that are held are the picture before them.

    Raises ``VideoFailed`` (``video-frame-unreadable``), ``Interrupted``.
    """
    return _frames_of(path, info, None, stop)


def _frames_of(
    path: Path,
    info: VideoInfo,
    indices: Iterable[int] | None,
    stop: threading.Event | None,
    *,
    past_damage: bool = False,
) -> _Frames:
    """Decode some frames, or all for None; one that was made up in part is unreadable, unless it is taken as it is."""
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
            raise _unreadable_frame(path, index, _MADE_UP)
        yield index, frame


def _held_frames(path: Path, info: VideoInfo, indices: Iterable[int] | None, stop: threading.Event | None) -> _Frames:
    """Decode some frames, or all for None, of a video of which some are held by the picture before (or behind) them."""
    held = frozenset(info.held)
    whole = [index for index in range(info.n_frames) if index not in held]
    wanted: dict[int, list[int]] = {}
    for index in sorted(range(info.n_frames) if indices is None else set(indices)):
        wanted.setdefault(whole[max(0, bisect_right(whole, index) - 1)], []).append(index)
    read: Callable[..., _Frames] = _frames_in_order if indices is None else partial(_frames_at, indices=list(wanted))
    for index, frame in read(path, info, stop=stop, past_damage=True):
        for each in wanted.pop(index, ()):
            yield each, frame
    if wanted:
        raise _unreadable_frame(path, min(wanted), "it did not come out")


def _frames_in_order(path: Path, info: VideoInfo, stop: threading.Event | None, *, past_damage: bool) -> _Frames:
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
        raise _unreadable_frame(path, index + 1, problem.reason) from problem


def _unreadable_frame(path: Path, index: int, reason: str) -> VideoFailed:
    return VideoFailed.of(
        "video-frame-unreadable",
        str(path),
        f"found no frame {index} that can be decoded ({reason})",
        where=f"frame {index}",
        advice="check that the file plays there, and copy it again from its origin",
    )


def _frames_at(
    path: Path, info: VideoInfo, indices: Iterable[int], stop: threading.Event | None, *, past_damage: bool
) -> _Frames:
    """Decode the frames at some positions, in rising order."""
    wanted = sorted(set(indices))
    if wanted and not 0 <= wanted[0] <= wanted[-1] < info.n_frames:
        raise IndexError(f"frames {wanted[0]} to {wanted[-1]} of {info.n_frames}")
    if info.all_packets_timed:
        yield from _frames_by_time(path, info, wanted, stop, past_damage=past_damage)
        return
    left = set(wanted)
    for index, frame in _frames_in_order(path, info, stop, past_damage=past_damage) if left else ():
        if index in left:
            yield index, frame
            left.remove(index)
            if not left:
                return
    if left:
        raise _unreadable_frame(path, min(left), "the video ends before it")


def _frames_by_time(
    path: Path, info: VideoInfo, wanted: list[int], stop: threading.Event | None, *, past_damage: bool
) -> _Frames:
    """Frames found by their display times: what a damaged place swallows does not shift the frames behind it."""
    gop = info.keyframe_interval_frames
    index = position = -max(gop, _NEAR_FRAMES) - 1  # position: the frame decoded last
    try:
        with _Decoding(path, stop) as decoding, KeyTimes(path, stop) as key_times:
            time_of = _display_times(path, info, decoding)
            for index in wanted:
                is_near = index - position <= max(gop, _NEAR_FRAMES)
                if is_near and index - position > _NEAR_FRAMES:
                    key = key_times.before(time_of(index))
                    is_near = key is None or key <= time_of(position)
                frame = _frame_by_time(decoding, index, time_of, gop, is_near=is_near)
                if frame is None and not past_damage:
                    raise _unreadable_frame(path, index, "no frame has its display time")
                position = index
                if frame is not None:
                    yield index, frame
    except Undecodable as problem:
        raise _unreadable_frame(path, max(index, 0), problem.reason) from problem


def _frame_by_time(
    decoding: _Decoding, index: int, time_of: Callable[[int], int], gop: int, *, is_near: bool
) -> VideoFrame | None:
    """The frame of an index, decoded on to from where decoding stands if that ``is_near``; None if none comes out."""
    frame = decoding.frame_at(time_of(index)) if is_near else None
    # An index may lead to a key frame whose leading frames lean on the one before it, so the second try starts earlier.
    # Transport streams have no index; seeking there can end anywhere.
    for start in (index, max(0, index - 2 * gop), None):
        # Made up it may be only for want of what comes before the key frame; not where decoding began still earlier.
        if frame is not None and (not frame.is_corrupt or start is None):
            break
        decoding.restart(None if start is None else time_of(start))
        frame = decoding.frame_at(time_of(index)) or frame
    return frame


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
        self.frames = self.video.frames(past_damage=True)
        self.after_keyframe = True  # where a file begins there is nothing to lean on; its key frame may be hidden
        self.leaves_out = False  # the last try: a decoder that misses some frames may give others late, or not at all

    def restart(self, time: int | None) -> None:
        """Decode from the key frame before a display time, or from the very beginning."""
        if time is None:
            self.video.close()
            self._open()
        else:
            self.video.seek(time)
            self.frames = self.video.frames(past_damage=True)
            self.after_keyframe, self.leaves_out = False, True

    def frame_at(self, time: int) -> VideoFrame | None:
        """The next frame of this display time; None if it is passed, or no key frame came before it.

        Behind a lost key frame h264's decoder gives some frames too late.
        """
        n_later = 0
        self.video.wanted_from = time if self.leaves_out else None
        for frame in self.frames:
            self.after_keyframe = self.after_keyframe or bool(frame.key_frame)
            if frame.pts == time:
                return frame if self.after_keyframe else None
            n_later += frame.pts is None or frame.pts > time
            if n_later > LONGEST_DELAY:
                return None
        return None


def _display_times(path: Path, info: VideoInfo, decoding: _Decoding) -> Callable[[int], int]:
    """A function from a frame's index to its display time in ticks of the stream; then decoding has to be restarted."""
    if info.constant_rate:
        first = _first_time(path, info, decoding)
        step = 1 / (info.frame_rate * decoding.video.header().time_base)
        return lambda index: int(first + index * step)

    times = packet_times(path, info, decoding.stop)
    return lambda index: int(times[index])


def _first_time(path: Path, info: VideoInfo, decoding: _Decoding) -> int:
    """The display time of the frame of index 0, which may be damaged itself."""
    if info.n_lost_packets:  # then it is the first that can be decoded
        frame = next(decoding.frames, None)
        times = [] if frame is None else [frame.pts]
    else:
        times = [packet.pts for packet in islice(decoding.video.shown_packets(), LONGEST_DELAY + 1)]
    known = [time for time in times if time is not None]
    if not known:
        raise _unreadable_frame(path, 0, "it is not there or has no display time")
    return min(known)


def behind_key_frames(
    path: Path, info: VideoInfo, indices: Sequence[int], n_behind: int, stop: threading.Event | None
) -> list[int]:
    """Frames that are reached with less decoding than those at some rising indices, and stand for them.

    Each becomes the frame ``n_behind`` the key frame before it, which may be the same for several. Where that can't be
    told they stay.
    """
    if not info.all_packets_timed or info.n_lost_packets or info.held:
        return list(indices)
    chosen = set()
    with _Decoding(path, stop) as decoding, KeyTimes(path, stop) as key_times:
        time_of = _display_times(path, info, decoding)
        for index in indices:
            key = key_times.before(time_of(index))
            nearer = index if key is None else bisect_left(range(index), key, key=time_of) + n_behind
            chosen.add(min(nearer, index))
    return sorted(chosen)


def packet_times(path: Path, info: VideoInfo, stop: threading.Event | None) -> NDArray[np.int64]:
    """The display times of all frames in ticks of the stream, rising."""
    with OpenedVideo(path, stop) as video:
        known = (packet.pts for packet in video.shown_packets() if packet.pts is not None)
        # Those before the first frame that can be decoded are as good as not there.
        times = np.sort(np.fromiter(known, dtype=np.int64))[info.n_lost_packets :]
    if len(times) < info.n_frames:
        raise _unreadable_frame(path, len(times), "the video ends before it")
    return times


def lasts_as_told(path: Path, info: VideoInfo, stop: threading.Event | None) -> bool:
    """Whether frames with display times follow each other without a gap, for as long as the container's header says."""
    times = packet_times(path, info, stop)
    with OpenedVideo(path, stop) as video:
        step_s = usual_step(times) * float(video.header().time_base)
        n_told = video.duration_s / step_s if step_s else 0.0
    return n_told > 0 and not len(gaps(times)) and abs(n_told - info.n_frames) < _TOLD_FRAMES
