"""Which frames of a video are damaged: every frame is decoded once, and what the decoder had to make up is named.

A decoder's complaint is no damage (a camera's broken EXIF field spoils no picture), and its silence is no proof: most
conceal a damaged picture and go on. What each gives away was measured with 400 random bytes in 30 codecs:

=====================================  ==============================================================================
h264, mpeg1/2/4, wmv, flv1, prores     a flag of the frame; h264 with one thread only, and of no single field
mjpeg, ljpeg, jpegls                   nothing, but a strict decoder refuses the packet
ffv1, h264                             see :mod:`dlc2lp.video.packet_faults`
hevc, vp8, vp9, av1, png, rawvideo     no frame comes out; a damaged part of a picture of hevc or vp9 shows nowhere
others                                 little: there a complaint is the only sign
=====================================  ==============================================================================
"""

from __future__ import annotations

import contextlib
import itertools
import threading
from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from dlc2lp.disks import ask_to_read
from dlc2lp.model import VideoInfo
from dlc2lp.video.packet_faults import faults_of
from dlc2lp.video.pyav import OpenedVideo, Packet, Undecodable, VideoFrame, is_end
from dlc2lp.wording import counted, some

#: Codecs, as ffmpeg names them, of which a frame that is not whole shows in one of the ways above.
_TELLING = {
    "h264", "mpeg1video", "mpeg2video", "mpeg4", "msmpeg4v1", "msmpeg4v2", "msmpeg4v3", "wmv1", "wmv2", "flv1", "h263",
    "prores", "rawvideo", "mjpeg", "ljpeg", "jpegls", "ffv1", "hevc", "vp8", "vp9", "av1", "png",
}  # fmt: skip

_REPORTED_FRAMES = 64
_SHOWN_PLACES = 8


@dataclass(frozen=True)
class Damage:
    """What decoding a whole video brought up."""

    n_frames: int  #: Frames that came out, whole or not.
    n_expected: int  #: Frames that the video has.
    #: Indices from 0, rising, in the order of display, of frames that can't be decoded or were made up in part. In a
    #: video without display times an index counts the frames that came out before.
    frames: tuple[int, ...]
    #: Whether all others are whole for sure: False where the decoder may conceal damage without a sign.
    is_sure: bool

    @property
    def is_none(self) -> bool:
        """Whether no damage was found."""
        return not self.frames and self.n_frames == self.n_expected

    @property
    def told(self) -> str:
        """What was found, in words."""
        if self.frames:
            return f"{counted(len(self.frames), 'damaged frame')}: {some(in_ranges(self.frames), _SHOWN_PLACES)}"
        return f"{counted(self.n_frames, 'frame')} that can be decoded, expected {self.n_expected}"


def in_ranges(numbers: Iterable[int]) -> list[str]:
    """Return rising numbers in words, those without a gap together."""
    runs = [
        [number for _, number in run]
        for _, run in itertools.groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0])
    ]
    return [str(run[0]) if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs]


def find_damage(
    path: Path,
    info: VideoInfo,
    *,
    on_frames: Callable[[int], None] | None = None,
    stop: threading.Event | None = None,
) -> Damage:
    """Decode every frame of a video once, and find those that are not what was recorded.

    Only where the damage begins: frames that lean on a damaged one, up to the next key frame, are decoded from what was
    made up, and not named. ``on_frames`` is called now and then with the number of frames decoded so far.

    Raises
    ------
    VideoFailed
        ``video-unreadable``: the file can't be read to its end.
    DiskTrouble
        Its disk failed, so that nothing can be said of it.
    Interrupted
        ``stop`` was set.
    """
    seen = _Seen(info.all_packets_timed, info.n_lost_packets)
    with (
        OpenedVideo(path, stop, strictly=True) as video,
        OpenedVideo(path) if video.is_strict else contextlib.nullcontext(video) as lenient,
    ):
        faults = faults_of(video.codec, video.extradata)
        for packet in video.packets():
            if faults and packet.size and faults.is_faulty(bytes(packet)):
                seen.doubted.append(packet.pts)
                seen.n_before.append(seen.n_frames)
            seen.take(video, lenient, packet)
            if on_frames is not None and seen.n_frames // _REPORTED_FRAMES > seen.n_reported:
                seen.n_reported = seen.n_frames // _REPORTED_FRAMES
                on_frames(seen.n_frames)
    doubts_hold = faults is not None and faults.is_sure
    conceals = info.codec not in _TELLING or (info.codec == "h264" and seen.interlaced)
    is_sure = not conceals and (faults is None or faults.is_sure)
    return _asked(path, Damage(seen.n_frames, info.n_frames, seen.damaged(doubts_hold=doubts_hold), is_sure), stop)


def _asked(path: Path, damage: Damage, stop: threading.Event | None) -> Damage:
    """What was found, unless the disk is to blame: DiskTrouble then."""
    if not damage.is_none:
        ask_to_read(path, stop=stop)
    return damage


def find_faulty_packets(path: Path, info: VideoInfo, *, stop: threading.Event | None = None) -> Damage:
    """Find those damaged frames that their packets tell of without being decoded, as :func:`find_damage` names them.

    Without display times none is found.
    """
    seen = _Seen(info.all_packets_timed, info.n_lost_packets)
    with OpenedVideo(path, stop) as video:
        faults = faults_of(video.codec, video.extradata)
        if faults is None or not info.all_packets_timed:
            return Damage(info.n_frames, info.n_frames, (), is_sure=False)
        for packet in video.packets():
            if packet.size and faults.is_faulty(bytes(packet)):
                seen.doubted.append(packet.pts)
            seen.count(video, packet)
    seen.whole = seen.shown
    damaged = seen.damaged(doubts_hold=faults.is_sure)
    return _asked(path, Damage(info.n_frames, info.n_frames, damaged, is_sure=False), stop)


@dataclass
class _Seen:
    """What came out of a video so far. Times are those of display, in ticks."""

    timed: bool
    n_lost: int  # packets that give no frame, since what they need is not in the file, and are not counted as damaged
    n_frames: int = 0
    n_reported: int = 0
    interlaced: bool = False
    shown: array[int] = field(default_factory=lambda: array("q"))  # times of the packets that a player shows
    whole: array[int] = field(default_factory=lambda: array("q"))  # times of whole frames
    refused: set[int | None] = field(default_factory=set)  # times of packets that came out only leniently
    places: list[int] = field(default_factory=list)  # of damage, where nothing is timed
    doubted: list[int | None] = field(default_factory=list)  # times of packets that look faulty themselves
    n_before: list[int] = field(default_factory=list)  # how many frames came out before each of them

    def count(self, video: OpenedVideo, packet: Packet) -> None:
        """Note when the frame of a packet is shown."""
        if is_end(packet) or packet.is_discard or packet.pts is None or not video.holds_frame(packet):
            return
        self.shown.append(packet.pts)

    def take(self, video: OpenedVideo, lenient: OpenedVideo, packet: Packet) -> None:
        """Decode a packet and note what comes out."""
        self.count(video, packet)
        try:
            frames = video.decode(packet)
        except Undecodable:
            frames = self._despite(video, lenient, packet)
            if not frames and not self.n_lost:
                self.places.append(self.n_frames)
        for frame in frames:
            self._note(frame)

    def _despite(self, video: OpenedVideo, lenient: OpenedVideo, packet: Packet) -> list[VideoFrame]:
        """Decode a packet that a strict decoder refuses, as everybody else does."""
        if not video.is_strict:
            return []
        self.refused.add(packet.pts)
        try:
            return lenient.decode(packet)
        except Undecodable:
            return []

    def _note(self, frame: VideoFrame) -> None:
        self.interlaced = self.interlaced or bool(frame.interlaced_frame)
        is_damaged = frame.is_corrupt or frame.pts in self.refused
        self.refused.discard(frame.pts)
        if is_damaged:
            self.places.append(self.n_frames)
        elif frame.pts is not None:
            self.whole.append(frame.pts)
        self.n_frames += 1

    def damaged(self, *, doubts_hold: bool) -> tuple[int, ...]:
        """Return the indices of damaged frames; whether those count whose packets looked faulty."""
        if not self.timed:
            return tuple(sorted({*self.places, *(self.n_before if doubts_hold else ())}))
        times = np.sort(np.array(self.shown, dtype=np.int64))[self.n_lost :]
        is_whole = np.isin(times, np.array(self.whole, dtype=np.int64))
        if doubts_hold:
            is_whole &= ~np.isin(times, np.array([time for time in self.doubted if time is not None], dtype=np.int64))
        return tuple(np.flatnonzero(~is_whole).tolist())
