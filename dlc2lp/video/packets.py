"""One pass over the packets of a video: counted, their times kept, the first frames decoded."""

from __future__ import annotations

import itertools
import struct
import threading
from array import array
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dlc2lp.video.h264_units import SequenceWatch
from dlc2lp.video.pyav import OpenedVideo, Packet, Undecodable, VideoFrame, is_end

#: How many packets may come before the first frame: some decoders hold back, frames of an edit list are not shown. They
#: count from the first key frame, which in a cut recording of a phone may be thousands of packets away.
_PATIENCE_PACKETS = 400
_PATIENCE_FOR_KEY_PACKETS = 4000
_HEAD_FRAMES = 12
_TRIED_PACKETS = 24

#: MPEG-4 packets up to this size (libavcodec's MAX_NVOP_SIZE) may be "not coded": marks after a packed B-frame, or a
#: frame that the recorder skipped. Decoders give no frame for them.
_EMPTY_VOP_BYTES = 19


@dataclass(frozen=True)
class HeadFrame:
    """One of the first frames, as it was decoded; ``rotation_deg`` clockwise."""

    pts: int | None
    rotation_deg: int
    pixel_format: str
    interlaced: bool
    is_mirrored: bool


@dataclass
class _Leading:
    """Where frames are shown before a key frame that stands before them in the file, as in an "open" group.

    They lean on frames before the key frame, too. If those are of another recording, to which this one was joined
    without an encoder, decoders pass over them, or make something up.
    """

    #: For each such key frame: the latest time before it, and the first of the frames that it leads.
    joints: list[tuple[int, int]] = field(default_factory=list)
    _latest: int | None = None
    _key: tuple[int, int] | None = None  # the latest time before the last key frame, and its own
    _first: int | None = None

    def see(self, pts: int, *, is_key: bool) -> None:
        """Take the next packet's display time."""
        if self._key is not None:
            before, key = self._key
            if pts < key:
                self._first = pts if self._first is None else min(pts, self._first)
            elif self._first is not None:
                self.joints.append((before, self._first))
                self._key = self._first = None
        if is_key:
            self._key = None if self._latest is None else (self._latest, pts)
            self._first = None
        self._latest = pts if self._latest is None else max(pts, self._latest)


@dataclass
class Packets:
    """What one pass over a stream's packets finds; P of them are shown."""

    pts: array[int] = field(default_factory=lambda: array("q"))  # P display times, fewer where some are missing
    n_shown: int = 0
    n_hidden: int = 0
    n_all: int = 0  # with the empty and the hidden ones: what a header counts
    n_corrupt: int = 0
    keyframe_interval: int = 0
    first_is_key: bool = False
    reorders: bool = False
    are_frames: bool = True  # whether the decoder gives one frame for each
    goes_back: bool = False  # whether a decode time is earlier than one before: a clock that restarts
    changes_at: int | None = None  # the first packet, of those shown, with other parameters of h264 pictures
    head: list[HeadFrame] = field(default_factory=list)
    leading: _Leading = field(default_factory=_Leading)

    @property
    def all_timed(self) -> bool:
        """Whether each has a display time."""
        return len(self.pts) == self.n_shown

    @property
    def starts_with_keyframe(self) -> bool:
        """Whether the first frame on the screen is one."""
        # A key frame that is first in the file but not on the screen has leading frames that lean on an earlier one.
        return self.first_is_key and (not self.all_timed or self.pts[0] == min(self.pts))

    @property
    def head_rises(self) -> bool:
        """Whether the first decoded frames come with rising times, as they must in the order of display."""
        times = [frame.pts for frame in self.head]
        return all(a is not None and b is not None and a < b for a, b in itertools.pairwise(times))


def read_packets(video: OpenedVideo) -> Packets:
    """Go through the file once."""
    found = Packets(reorders=video.reorders)
    last_key = n_decoded = n_since_key = 0
    last_dts: int | None = None
    sequences = SequenceWatch(video.extradata) if video.codec == "h264" else None
    for packet in video.packets():
        at_end = is_end(packet)
        # An AVI recorder's empty mark is no end, but a decoder would take it for one.
        if (packet.size > 0 or at_end) and _is_patient(n_decoded, n_since_key) and _wants_more(found):
            n_decoded += 1
            n_since_key += bool(n_since_key or packet.is_keyframe)
            found.head += _decode(video, packet)
        if at_end:
            continue
        found.n_all += 1
        found.n_corrupt += packet.is_corrupt
        if packet.dts is not None:
            found.goes_back = found.goes_back or (last_dts is not None and packet.dts < last_dts)
            last_dts = packet.dts
        if not video.holds_frame(packet):
            continue
        if found.n_shown + found.n_hidden == 0:
            found.first_is_key = packet.is_keyframe and not packet.is_discard
        if packet.is_discard:
            found.n_hidden += 1
            continue
        if packet.is_keyframe:
            # Some containers hand out the header with the first packet.
            if sequences is not None and _changes(sequences, packet) and found.n_shown:
                found.changes_at, sequences = found.n_shown, None
            found.keyframe_interval = max(found.keyframe_interval, found.n_shown - last_key)
            last_key = found.n_shown
        found.n_shown += 1
        if packet.pts is not None:
            found.pts.append(packet.pts)
            found.leading.see(packet.pts, is_key=bool(packet.is_keyframe))
        if video.codec == "mpeg4" and packet.size <= _EMPTY_VOP_BYTES:
            found.are_frames = False
    found.keyframe_interval = max(found.keyframe_interval, found.n_shown - last_key)
    if found.head and found.head[0].interlaced and n_decoded >= 1.5 * len(found.head) + 2:
        found.are_frames = False  # AVCHD cameras may write the two fields of a frame into packets of their own
    return found


def _changes(sequences: SequenceWatch, packet: Packet) -> bool:
    """Whether other parameters come with a key frame, in it or as a second description of an mp4's samples."""
    return sequences.changes_with(bytes(packet)) or packet.has_sidedata("new_extradata")


def loses_first_frames(path: Path, stop: threading.Event | None) -> bool:
    """Whether the first packets give fewer frames than they are, though they begin with a key frame.

    Frames that are shown before that key frame lean on an earlier one, which a cut without an encoder leaves behind.
    """
    n_packets = n_frames = 0
    with OpenedVideo(path, stop) as video:
        for packet in video.packets():
            if packet.size == 0:
                continue
            n_packets += 1
            n_frames += len(_decode(video, packet))
            if n_packets == _TRIED_PACKETS:
                break
        return n_frames + len(video.held_back()) < n_packets


def _is_patient(n_decoded: int, n_since_key: int) -> bool:
    return n_since_key < _PATIENCE_PACKETS and n_decoded < _PATIENCE_FOR_KEY_PACKETS


def _wants_more(packets: Packets) -> bool:
    """One frame tells the rotation; where the codec reorders, some more tell whether the times can be believed."""
    head = packets.head
    return not head or (len(head) < _HEAD_FRAMES and (packets.reorders or head[0].interlaced))


def _decode(video: OpenedVideo, packet: Packet) -> list[HeadFrame]:
    try:
        frames = video.decode(packet)
    except Undecodable:  # a damaged packet: what it swallows is seen when the frames are compared with the clock
        return []
    return [
        HeadFrame(
            frame.pts,
            _clockwise(frame.rotation),
            frame.format.name,
            bool(frame.interlaced_frame),
            _is_mirrored(frame),
        )
        for frame in frames
    ]


def _is_mirrored(frame: VideoFrame) -> bool:
    """Whether the display matrix of a frame (ISO/IEC 14496-12, 8.3.2, in the machine's byte order) turns it over."""
    try:
        items: Any = list(frame.side_data)  # PyAV's hints call it a mapping
    except ValueError:  # of a kind that this PyAV has no name for, such as a camera's EXIF
        return False
    for data in items:
        if data.type.name == "DISPLAYMATRIX":
            a, b, _, c, d = struct.unpack_from("=5i", bytes(data))
            return bool(a * d - b * c < 0)
    return False


def _clockwise(rotation_deg: int) -> int:
    """PyAV's counter-clockwise angle as the quarter turns that cameras write; nonsense (a matrix of zeros) is none."""
    return round(-rotation_deg / 90) * 90 % 360 if abs(rotation_deg) <= 360 else 0
