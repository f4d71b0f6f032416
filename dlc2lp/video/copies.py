"""Whether a copy holds what its source holds, all of it, though next to nothing is decoded.

A copy changes no picture, so its pictures need not be looked at: a file is compared byte for byte, and coded pictures
in a new container packet for packet (bytes, key flags, order of display, parameters for the decoder). That both can be
decoded is then seen of a few stretches, each from a key frame on.
"""

from __future__ import annotations

import contextlib
import threading
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, zip_longest
from pathlib import Path

import numpy as np

from dlc2lp.disks import raise_trouble_of_either
from dlc2lp.errors import Interrupted, VideoFailed
from dlc2lp.files import open_regular
from dlc2lp.model import VideoInfo
from dlc2lp.video.clock import LONGEST_DELAY
from dlc2lp.video.compare import sampled_indices
from dlc2lp.video.frames import small_gray_frames
from dlc2lp.video.h264_units import PICTURE, SEQUENCE, Units, kind_of
from dlc2lp.video.key_frames import key_marks
from dlc2lp.video.pyav import OpenedVideo, Packet, Undecodable
from dlc2lp.wording import counted

_CHUNK_BYTES = 2**18  # both fit into a CPU's cache, where comparing them costs nothing

#: How much of a video is decoded from each of some key frames on, which are decoded whatever their size: a short video
#: whole, of a large one the key frame.
_STRETCH_BYTES = 2**17
_STRETCH_PX = 2**20


@dataclass(frozen=True)
class Difference:
    """The first thing in which a copy is not its source."""

    message: str
    where: str = ""  #: The byte, the packet (from 0, in the order of the file) or the frame; empty for the whole.


def unlike_bytes(source: Path, copy: Path, stop: threading.Event | None) -> Difference | None:
    """Compare two files byte for byte; None where they are the same.

    ``VideoFailed`` (``video-unreadable``) where one can't be read, ``DiskTrouble`` where that is its disk's fault,
    ``Interrupted``.
    """
    n_same = 0
    try:
        with open_regular(source) as one, open_regular(copy) as other:
            while True:
                if stop is not None and stop.is_set():
                    raise Interrupted.of("interrupted", str(copy), "stopped while the copy was compared")
                theirs, ours = one.read(_CHUNK_BYTES), other.read(_CHUNK_BYTES)
                if theirs != ours:
                    pairs = enumerate(zip(theirs, ours, strict=False))
                    at = n_same + next((at for at, (a, b) in pairs if a != b), min(len(theirs), len(ours)))
                    return Difference(f"byte {at} of the copy is not its source's", f"byte {at}")
                if not theirs:
                    return None
                n_same += len(theirs)
    except OSError as problem:
        raise_trouble_of_either(problem, source, copy, stop=stop)
        message = f"can't be read again: {problem.strerror}"
        raise VideoFailed.of("video-unreadable", str(problem.filename or copy), message) from problem


def unlike_packets(source: Path, info: VideoInfo, copy: Path, stop: threading.Event | None) -> Difference | None:
    """Compare the coded pictures of an h264 video with those of a copy in an mp4; None where they are the same.

    They are the same pictures if there are as many packets, each with the same bytes (or, where one container separates
    units by start codes and the other by their length, with the same units), the same key flag and the same place in
    the order of display, and the parameters in the header are the same. Of a video that is trimmed the first packets
    are compared. Whether the copy's clock is even is not looked at. ``Undecodable``, ``Interrupted``.
    """
    theirs, ours = array("q"), array("q")
    with OpenedVideo(source, stop) as original, OpenedVideo(copy, stop) as made:
        pair = _Pair(Units(original.extradata), Units(made.extradata))
        if original.extradata != made.extradata and not pair.has_same_parameters():
            return Difference("the copy's header gives decoders other parameters than its source's")
        marks = key_marks(made)
        packets = zip_longest(islice(original.shown_packets(), info.n_wanted), made.shown_packets())
        for index, (one, other) in enumerate(packets):
            if one is None or other is None:
                return Difference(f"the copy has {'fewer' if other is None else 'more'} packets than its source")
            what = pair.difference(one, other)
            if not what and index < len(marks) and marks[index] != one.is_keyframe:
                what = f"the index marks it as {_marked(marks[index])}, expected {_marked(one.is_keyframe)}"
            if what:
                return Difference(f"packet {index} of the copy is not its source's: {what}", f"packet {index}")
            theirs.append(one.pts or 0)
            ours.append(other.pts or 0)
    shown, expected = (np.argsort(np.frombuffer(times, dtype=np.int64), kind="stable") for times in (ours, theirs))
    wrong = np.flatnonzero(shown != expected)
    if len(wrong):
        at = int(wrong[0])
        message = f"the copy shows packet {shown[at]} as frame {at}, its source packet {expected[at]}"
        return Difference(message, f"frame {at}")
    return None


@dataclass(frozen=True)
class _Pair:
    """How the packets of two videos are taken apart."""

    theirs: Units
    ours: Units

    def has_same_parameters(self) -> bool:
        """Whether both headers hold the same, one of which was made from the other's start codes."""
        if self.theirs.length_bytes:
            return False  # such a header travels as it is
        # Without a header the parameters stand in the packets, which are compared.
        expected = _parameters(self.theirs)
        return not expected or expected == _parameters(self.ours)

    def difference(self, one: Packet, other: Packet) -> str:
        """What is unlike in two packets; empty where nothing is."""
        if one.pts is None or other.pts is None:
            return "it has no display time"
        if one.is_keyframe != other.is_keyframe:
            return f"found {_marked(other.is_keyframe)}, expected {_marked(one.is_keyframe)}"
        theirs, ours = bytes(one), bytes(other)
        if theirs == ours:
            return ""
        is_rewrapped = self.theirs.length_bytes != self.ours.length_bytes
        if is_rewrapped and _without_padding(self.theirs.of(theirs)) == _without_padding(self.ours.of(ours)):
            return ""
        if len(theirs) == len(ours) or is_rewrapped:
            return "found other bytes in it"
        return f"found {counted(len(ours), 'byte')}, expected {len(theirs)}"


def _marked(is_key: bool) -> str:
    return "a key frame" if is_key else "no key frame"


def _without_padding(units: Iterable[bytes]) -> list[bytes]:
    """Units without the zeros behind them, which belong to the start code that follows (ITU-T H.264, B.1)."""
    return [stripped for unit in units if (stripped := unit.rstrip(b"\0"))]


def _parameters(units: Units) -> set[bytes]:
    return {unit for unit in _without_padding(units.header) if kind_of(unit) in {SEQUENCE, PICTURE}}


def refuse_undecodable(path: Path, info: VideoInfo, stop: threading.Event | None) -> None:
    """Decode some stretches of a video with an even clock: the first frames, the last key frame, and some between.

    Each frame of a stretch must come out, and none made up in part. One that does not is looked at once more, with all
    that stands before it in the file.

    Raises
    ------
    VideoFailed
        ``video-frame-unreadable``: a frame cannot be decoded, or was made up in part.
    Interrupted
        ``stop`` was set.
    """
    doubted: set[int] = set()
    with OpenedVideo(path, stop) as video:
        step = 1 / (info.frame_rate * video.header().time_base)
        heads = islice(video.shown_packets(), LONGEST_DELAY + 1)
        first = min((packet.pts for packet in heads if packet.pts is not None), default=0)
        last_key = None
        for index in sampled_indices(info.n_frames):
            video.seek(int(first + index * step))
            stretch = _stretch(video, info.width_px * info.height_px)
            if stretch and stretch[0].pts != last_key:
                last_key = stretch[0].pts
                doubted |= {_index_of(time, first, step, info.n_frames) for time in _missing(video, stretch)}
    for _ in small_gray_frames(path, info, doubted, stop=stop) if doubted else ():
        pass


def _index_of(time: int, first: int, step: Fraction, n_frames: int) -> int:
    return min(max(0, round((time - first) / step)), n_frames - 1)


def _stretch(video: OpenedVideo, frame_px: int) -> list[Packet]:
    """The packets from where the video stands, which is a key frame: that one, and what else is within the limits."""
    packets: list[Packet] = []
    n_bytes = 0
    for packet in video.shown_packets():
        n_bytes += packet.size
        if packets and (n_bytes > _STRETCH_BYTES or len(packets) * frame_px >= _STRETCH_PX):
            break
        packets.append(packet)
    return packets


def _missing(video: OpenedVideo, stretch: Sequence[Packet]) -> list[int]:
    """Decode some packets from a key frame on; return the times of frames that did not come out whole."""
    key = stretch[0].pts or 0
    # Frames that are shown before the key frame may lean on others before it.
    wanted = [packet.pts for packet in stretch if packet.pts is not None and packet.pts >= key]
    whole: set[int | None] = set()
    with contextlib.suppress(Undecodable):  # what did not come out is told
        for packet in stretch:
            whole |= {frame.pts for frame in video.decode(packet) if not frame.is_corrupt}
        whole |= {frame.pts for frame in video.held_back() if not frame.is_corrupt}
    return [time for time in wanted if time not in whole]
