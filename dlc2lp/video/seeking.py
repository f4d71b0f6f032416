"""Finds single frames of a video by their display times, and decodes no more than it must on the way.

Seeks lead to a key frame at or before a time, or somewhere near it: the frame is the one that has the time.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from dlc2lp.errors import VideoFailed
from dlc2lp.model import VideoInfo
from dlc2lp.video.clock import LONGEST_DELAY, gaps, usual_step
from dlc2lp.video.h264_units import Units
from dlc2lp.video.key_frames import KeyTimes
from dlc2lp.video.pyav import OpenedVideo, Undecodable, VideoFrame

#: Frames with their indices, in rising order, as they come out of the decoder.
Frames = Iterator[tuple[int, VideoFrame]]

#: A frame this near is decoded up to, without a look whether a key frame stands nearer.
_NEAR_FRAMES = 5

#: A header that counts so many frames more or less than there are has only rounded.
_TOLD_FRAMES = 1.6


def unreadable_frame(path: Path, index: int, reason: str) -> VideoFailed:
    """The error about a frame that does not come out, or not whole."""
    return VideoFailed.of(
        "video-frame-unreadable",
        str(path),
        f"found no frame {index} that can be decoded ({reason})",
        where=f"frame {index}",
        advice="check that the file plays there, and copy it again from its origin",
    )


def frames_by_time(
    path: Path, info: VideoInfo, wanted: list[int], stop: threading.Event | None, *, past_damage: bool
) -> Frames:
    """Frames found by their display times: what a damaged place swallows does not shift the frames behind it."""
    gop = info.keyframe_interval_frames
    index = position = -max(gop, _NEAR_FRAMES) - 1  # position: the frame decoded last
    try:
        with Decoding(path, stop) as decoding:
            time_of = _display_times(path, info, decoding)
            decoding.wanted = frozenset(map(time_of, wanted))
            for index in wanted:
                is_near = index - position <= max(gop, _NEAR_FRAMES)
                if is_near and index - position > _NEAR_FRAMES:
                    # Not on through frames that nobody wants, where the way from a key frame is shorter.
                    key_time = decoding.video.key_time(time_of(index))
                    is_near = key_time is None or key_time < time_of(position + _NEAR_FRAMES)
                frame = _frame_by_time(decoding, index, time_of, gop, is_near=is_near)
                if frame is None and not past_damage:
                    raise unreadable_frame(path, index, "no frame has its display time")
                position = index
                if frame is not None:
                    yield index, frame
    except Undecodable as problem:
        raise unreadable_frame(path, max(index, 0), problem.reason) from problem


def _frame_by_time(
    decoding: Decoding, index: int, time_of: Callable[[int], int], gop: int, *, is_near: bool
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


class Decoding:
    """An opened video and where decoding stands in it."""

    #: The display times of all frames that are wanted: what none of them can lean on need not be decoded.
    wanted: frozenset[int] | None = None

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
        self.frames = self.video.frames(past_damage=True)  # all: who begins here has missed some of them elsewhere
        self.after_keyframe = True  # where a file begins there is nothing to lean on; its key frame may be hidden

    def restart(self, time: int | None) -> None:
        """Decode from the key frame before a display time, or from the very beginning."""
        if time is None:
            self.video.close()
            self._open()
        else:
            self.video.seek(time)
            self.frames = self._needed_frames()
            self.after_keyframe = False

    def _needed_frames(self) -> Iterator[VideoFrame]:
        """As all frames from here on, but for those of h264 that are not wanted and that no other leans on."""
        units = Units(self.video.extradata) if self.video.codec == "h264" and self.wanted is not None else None
        for packet in self.video.packets():
            is_idle = units is not None and packet.size and packet.pts not in (self.wanted or ())
            if is_idle and units is not None and not units.is_leaned_on(bytes(packet)):
                continue
            try:
                frames = self.video.decode(packet)
            except Undecodable:
                continue
            yield from frames

    def frame_at(self, time: int) -> VideoFrame | None:
        """The next frame of this display time; None if it is passed, or no key frame came before it.

        Behind a lost key frame h264's decoder gives some frames too late.
        """
        n_later = 0
        for frame in self.frames:
            self.after_keyframe = self.after_keyframe or bool(frame.key_frame)
            if frame.pts == time:
                return frame if self.after_keyframe else None
            n_later += frame.pts is None or frame.pts > time
            if n_later > LONGEST_DELAY:
                return None
        return None


def _display_times(path: Path, info: VideoInfo, decoding: Decoding) -> Callable[[int], int]:
    """A function from a frame's index to its display time in ticks of the stream; then decoding has to be restarted."""
    if info.constant_rate:
        first = _first_time(path, info, decoding)
        step = 1 / (info.frame_rate * decoding.video.header().time_base)
        # Of whole numbers: with fractions this takes as long as decoding a small frame.
        ticks, per = step.as_integer_ratio()
        return lambda index: _towards_zero(first * per + index * ticks, per)

    times = packet_times(path, info, decoding.stop)
    return lambda index: int(times[index])


def _towards_zero(number: int, by: int) -> int:
    return number // by if number >= 0 else -(-number // by)


def _first_time(path: Path, info: VideoInfo, decoding: Decoding) -> int:
    """The display time of the frame of index 0, which may be damaged itself."""
    if info.n_lost_packets:  # then it is the first that can be decoded
        frame = next(decoding.frames, None)
        times = [] if frame is None else [frame.pts]
    else:
        times = [packet.pts for packet in islice(decoding.video.shown_packets(), LONGEST_DELAY + 1)]
    known = [time for time in times if time is not None]
    if not known:
        raise unreadable_frame(path, 0, "it is not there or has no display time")
    return min(known)


def behind_key_frames(
    path: Path, info: VideoInfo, indices: Sequence[int], n_behind: int, stop: threading.Event | None
) -> list[int]:
    """Frames that are reached with less decoding than those at some rising indices, and stand for them.

    Each becomes the frame ``n_behind`` the key frame before it, which may be the same for several. Where that can't be
    told they stay.
    """
    keys = key_frames_before(path, info, indices, stop)
    return sorted({min(key + n_behind, index) for key, index in zip(keys, indices, strict=True)})


def key_frames_before(
    path: Path, info: VideoInfo, indices: Sequence[int], stop: threading.Event | None
) -> tuple[int, ...]:
    """The frame with which decoding begins for each of some indices; itself where that can't be told."""
    if not info.all_packets_timed or info.n_lost_packets or info.held:
        return tuple(indices)
    with Decoding(path, stop) as decoding, KeyTimes(path, stop) as key_times:
        time_of = _display_times(path, info, decoding)
        keys = [key_times.before(time_of(index)) for index in indices]
        return tuple(
            index if key is None else min(index, bisect_left(range(index), key, key=time_of))
            for key, index in zip(keys, indices, strict=True)
        )


def packet_times(path: Path, info: VideoInfo, stop: threading.Event | None) -> NDArray[np.int64]:
    """The display times of all frames in ticks of the stream, rising."""
    with OpenedVideo(path, stop) as video:
        known = (packet.pts for packet in video.shown_packets() if packet.pts is not None)
        # Those before the first frame that can be decoded are as good as not there.
        times = np.sort(np.fromiter(known, dtype=np.int64))[info.n_lost_packets :]
    if len(times) < info.n_frames:
        raise unreadable_frame(path, len(times), "the video ends before it")
    return times


def lasts_as_told(path: Path, info: VideoInfo, stop: threading.Event | None) -> bool:
    """Whether frames with display times follow each other without a gap, for as long as the container's header says."""
    times = packet_times(path, info, stop)
    with OpenedVideo(path, stop) as video:
        step_s = usual_step(times) * float(video.header().time_base)
        n_told = video.duration_s / step_s if step_s else 0.0
    return n_told > 0 and not len(gaps(times)) and abs(n_told - info.n_frames) < _TOLD_FRAMES
