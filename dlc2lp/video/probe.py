"""A video file as it is: its packets counted, its clock measured, its first frames decoded."""

from __future__ import annotations

import itertools
import threading
from array import array
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dlc2lp.errors import VideoFailed
from dlc2lp.model import Finding, Severity, VideoInfo
from dlc2lp.placeholders import placeholder_of
from dlc2lp.video.extent import lacks_index, missing_bytes
from dlc2lp.video.pyav import Header, OpenedVideo, Packet, Undecodable, explained, is_end, is_mirrored
from dlc2lp.wording import counted

#: Things that ffmpeg's libraries open as if they were videos: text with colours, lists of other files, pictures.
_NOT_VIDEO_CONTAINERS = {"tty", "concat", "hls", "dash", "sdp", "image2", "lrc", "imf", "webvtt"}

#: Rates outside are a header's nonsense (mpeg4's 90000 fps) and not a camera's.
_SLOWEST_FPS, _FASTEST_FPS = Fraction(1, 1000), Fraction(100_000)
_FALLBACK_FPS = Fraction(30)

#: How many packets may come before the first frame: some decoders hold back, frames of an edit list are not shown.
_PATIENCE_PACKETS = 400
_HEAD_FRAMES = 12

#: MPEG-4 packets up to this size (libavcodec's MAX_NVOP_SIZE) may be "not coded": marks after a packed B-frame, or a
#: frame that the recorder skipped. Decoders give no frame for them.
_EMPTY_VOP_BYTES = 19

_COPY_AGAIN = "copy the file again from its origin"


def probe(path: Path, *, stop: threading.Event | None = None) -> VideoInfo:
    """Measure a video, whatever its suffix, in one pass over its packets, decoding only its first frames.

    ``n_frames`` is counted: packets of the first video stream that hold a frame a player shows. ``stop`` ends the pass,
    which takes minutes for a recording of a day.

    Raises
    ------
    VideoFailed
        ``video-missing``, ``video-empty`` (zero bytes), ``video-unreadable`` (no video format, no index, no decoder),
        ``video-no-stream`` (sound only), ``video-truncated`` (the file ends before its container does),
        ``video-starts-broken`` (its first frames need a key frame that is not in the file), ``video-no-frames``.
    Interrupted
        ``stop`` was set.
    """
    size_bytes = _size_of(path)
    try:
        with OpenedVideo(path, stop) as video:
            return _measure(video, size_bytes, stop)
    except Undecodable as problem:
        raise _unreadable(path, problem) from problem


def _size_of(path: Path) -> int:
    try:
        size_bytes = path.stat().st_size
        is_file = path.is_file()
    except OSError as problem:
        advice = "the link points to nothing; restore its target" if path.is_symlink() else ""
        message = f"found no such file ({problem.strerror})"
        raise VideoFailed.of("video-missing", str(path), message, advice=advice) from problem
    if not is_file:
        raise VideoFailed.of("video-missing", str(path), "found a folder or a device, expected a video file")
    if size_bytes == 0:
        raise VideoFailed.of("video-empty", str(path), "found 0 bytes, expected a video", advice=_COPY_AGAIN)
    if placeholder := placeholder_of(path):
        message = f"found {placeholder.found}, not the file itself"
        raise VideoFailed.of("not-downloaded", str(path), message, advice=placeholder.advice)
    return size_bytes


def _unreadable(path: Path, problem: Undecodable) -> VideoFailed:
    """What PyAV cannot read, told by the container's own arithmetic where that knows more."""
    try:
        without_index, n_missing = lacks_index(path), missing_bytes(path)
    except OSError:
        return problem
    if without_index:
        return VideoFailed.of(
            "video-unreadable",
            str(path),
            "found recorded data but no index (no moov box): the recording was not finished",
            advice="recover it with a tool such as untrunc and a good video of the same camera",
        )
    if n_missing:
        message = f"the file lacks {counted(n_missing, 'byte')} that its container promises"
        return VideoFailed.of("video-truncated", str(path), message, advice=_COPY_AGAIN)
    return problem


def _measure(video: OpenedVideo, size_bytes: int, stop: threading.Event | None) -> VideoInfo:
    """All of :class:`VideoInfo` from an opened video."""
    path = video.path
    _refuse_what_is_no_video(video)
    packets = _read_packets(video)
    header = video.header()
    _refuse_damage(path, packets, header.n_frames)
    clock = _Clock(packets.pts, packets.n_shown, header.time_base)
    if not packets.are_frames:
        clock = _clock_of_decoded(path, header.time_base, stop)
    # AVI has no display times. Where the codec reorders frames, those that libavformat makes up are in the order of the
    # file (h264 with B-frames: frame 2 at the time of frame 4), and sorting by them shuffles the video.
    made_up = packets.reorders and (video.format_name == "avi" or not _increasing(packets.head))
    return VideoInfo(
        path=path,
        container=video.format_name,
        codec=video.codec,
        pixel_format=header.pixel_format or packets.head[0].pixel_format,
        color_range=header.color_range,
        width_px=header.width_px,
        height_px=header.height_px,
        frame_rate=_declared_rate(header) if made_up else clock.rate(header),
        n_frames=clock.n_frames,
        n_frames_declared=header.n_frames,
        constant_rate=clock.constant and not made_up,
        rotation_deg=packets.head[0].rotation_deg,
        square_pixels=header.square_pixels,
        keyframe_interval_frames=packets.keyframe_interval,
        has_audio="audio" in video.kinds,
        n_video_streams=video.n_video_streams,
        n_hidden_packets=packets.n_hidden,
        all_packets_timed=clock.complete and packets.are_frames and not made_up,
        starts_with_keyframe=packets.starts_with_keyframe,
        size_bytes=size_bytes,
        color_matrix=header.color_matrix,
        profile=header.profile,
        level=header.level,
        is_mirrored=packets.head[0].is_mirrored,
        remarks=_remarks(path, packets),
    )


def _remarks(path: Path, packets: _Packets) -> tuple[Finding, ...]:
    """What a person should know of a video that can be read."""
    first, found = packets.head[0], []
    if first.is_mirrored:
        instead = f"turns it by {first.rotation_deg} degrees instead" if first.rotation_deg else "shows it as stored"
        message = (
            f"its display matrix mirrors the picture for players; OpenCV, with which DeepLabCut reads, {instead}, and "
            "so does what is written"
        )
        found.append(Finding(Severity.WARNING, "video-mirrored", str(path), message))
    return tuple(found)


def _refuse_what_is_no_video(video: OpenedVideo) -> None:
    path, name = str(video.path), video.format_name
    if name in _NOT_VIDEO_CONTAINERS or name.endswith("_pipe"):
        raise VideoFailed.of("video-unreadable", path, f"found a file of the kind {name!r}, expected a video")
    if not video.n_video_streams:
        kinds = ", ".join(sorted(set(video.kinds))) or "nothing"
        raise VideoFailed.of("video-no-stream", path, f"found no video stream, only: {kinds}")
    if not video.codec:
        raise VideoFailed.of("video-unreadable", path, "found a codec that PyAV cannot decode")


@dataclass(frozen=True)
class _HeadFrame:
    pts: int | None
    rotation_deg: int
    pixel_format: str
    interlaced: bool
    is_mirrored: bool


@dataclass
class _Packets:
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
    head: list[_HeadFrame] = field(default_factory=list)

    @property
    def starts_with_keyframe(self) -> bool:
        # A key frame that is first in the file but not on the screen has leading frames that lean on an earlier one.
        return self.first_is_key and (len(self.pts) != self.n_shown or self.pts[0] == min(self.pts))


def _read_packets(video: OpenedVideo) -> _Packets:
    found = _Packets(reorders=video.reorders)
    last_key = n_decoded = 0
    for packet in video.packets():
        at_end = is_end(packet)
        # An AVI recorder's empty mark is no end, but a decoder would take it for one.
        if (packet.size > 0 or at_end) and n_decoded < _PATIENCE_PACKETS and _wants_more(found):
            n_decoded += 1
            found.head += _decode(video, packet)
        if at_end:
            continue
        found.n_all += 1
        found.n_corrupt += packet.is_corrupt
        if not video.holds_frame(packet):
            continue
        if found.n_shown + found.n_hidden == 0:
            found.first_is_key = packet.is_keyframe and not packet.is_discard
        if packet.is_discard:
            found.n_hidden += 1
            continue
        if packet.is_keyframe:
            found.keyframe_interval = max(found.keyframe_interval, found.n_shown - last_key)
            last_key = found.n_shown
        found.n_shown += 1
        if packet.pts is not None:
            found.pts.append(packet.pts)
        if video.codec == "mpeg4" and packet.size <= _EMPTY_VOP_BYTES:
            found.are_frames = False
    found.keyframe_interval = max(found.keyframe_interval, found.n_shown - last_key)
    if found.head and found.head[0].interlaced and n_decoded >= 1.5 * len(found.head) + 2:
        found.are_frames = False  # AVCHD cameras may write the two fields of a frame into packets of their own
    return found


def _wants_more(packets: _Packets) -> bool:
    """One frame tells the rotation; where the codec reorders, some more tell whether the times can be believed."""
    head = packets.head
    return not head or (len(head) < _HEAD_FRAMES and (packets.reorders or head[0].interlaced))


def _decode(video: OpenedVideo, packet: Packet) -> list[_HeadFrame]:
    try:
        frames = video.decode(packet)
    except Undecodable:  # a damaged packet: what it swallows is seen when the frames are compared with the clock
        return []
    return [
        _HeadFrame(
            frame.pts,
            _clockwise(frame.rotation),
            frame.format.name,
            bool(frame.interlaced_frame),
            is_mirrored(frame),
        )
        for frame in frames
    ]


def _clockwise(rotation_deg: int) -> int:
    """PyAV's counter-clockwise angle as the quarter turns that cameras write; nonsense (a matrix of zeros) is none."""
    return round(-rotation_deg / 90) * 90 % 360 if abs(rotation_deg) <= 360 else 0


def _refuse_damage(path: Path, packets: _Packets, declared: int | None) -> None:
    """Tell a cut file and a missing beginning by the container's own arithmetic."""
    with explained(path):
        n_missing_bytes = missing_bytes(path)
    if n_missing_bytes and (declared is None or packets.n_all < declared or packets.n_corrupt):
        expected = "" if declared is None else f" of the {declared} that its header promises"
        lacks = f"the file lacks {counted(n_missing_bytes, 'byte')} at its end"
        message = f"found {counted(packets.n_all, 'frame')}{expected}; {lacks}"
        raise VideoFailed.of("video-truncated", str(path), message, advice=_COPY_AGAIN)
    if packets.n_shown == 0:
        raise VideoFailed.of("video-no-frames", str(path), "found a video stream without any frame")
    if not packets.head:
        raise VideoFailed.of(
            "video-unreadable",
            str(path),
            f"found {counted(packets.n_shown, 'packet')}, none of the first can be decoded",
            advice="check that the file plays, and copy it again from its origin",
        )
    first_pts = packets.head[0].pts
    if packets.first_is_key or packets.n_hidden or first_pts is None or len(packets.pts) != packets.n_shown:
        return
    n_lost = sum(1 for pts in packets.pts if pts < first_pts)
    if n_lost:
        raise VideoFailed.of(
            "video-starts-broken",
            str(path),
            f"found {counted(packets.n_shown, 'frame')}, but the first {counted(n_lost, 'needs', 'need')} a key frame "
            f"that is not in the file; frame {n_lost} would become frame 0",
            advice="use the original recording instead of the cut copy",
        )


def _increasing(head: list[_HeadFrame]) -> bool:
    """Whether decoded frames come with rising times, as they must in the order of display."""
    times = [frame.pts for frame in head]
    return all(a is not None and b is not None and a < b for a, b in itertools.pairwise(times))


class _Clock:
    """The display times of frames in ticks, in any order; fewer than frames where some have none."""

    def __init__(self, pts: array[int], n_frames: int, time_base: Fraction) -> None:
        self.n_frames = n_frames
        self._time_base = time_base
        self._pts: NDArray[np.int64] = np.sort(np.array(pts, dtype=np.int64))
        steps = np.diff(self._pts)
        self.complete = len(self._pts) == n_frames and bool((steps > 0).all())
        self.constant = self.complete and bool((steps == steps[:1]).all())

    def rate(self, header: Header) -> Fraction:
        """Frames per second: measured where the times tell, else declared, else 30."""
        span = int(self._pts[-1] - self._pts[0]) if self.complete and self.n_frames > 1 else 0
        if not span:
            return _declared_rate(header)
        measured = (self.n_frames - 1) / (span * self._time_base)
        if not self.constant:
            for declared in (header.average_rate, header.guessed_rate):
                if declared and self._keeps(declared):
                    return declared
            measured = measured.limit_denominator(1001)
        return measured if _plausible(measured) else _FALLBACK_FPS

    def _keeps(self, rate: Fraction) -> bool:
        """Whether every frame stands where this rate puts it, within one tick of a coarse clock (Matroska: 1 ms)."""
        expected = np.arange(self.n_frames) / float(rate * self._time_base)
        return bool(np.abs(self._pts - self._pts[0] - expected).max() <= 1.01)


def _clock_of_decoded(path: Path, time_base: Fraction, stop: threading.Event | None) -> _Clock:
    """Count by decoding everything: slow, and the only way where packets are not frames."""
    pts, n_frames = array("q"), 0
    with OpenedVideo(path, stop) as video:
        for frame in video.frames():
            n_frames += 1
            if frame.pts is not None:
                pts.append(frame.pts)
    return _Clock(pts, n_frames, time_base)


def _declared_rate(header: Header) -> Fraction:
    # A raw stream's average is a default of the demuxer (25); the guess comes from the codec's own header.
    rates = (rate.limit_denominator(1001) for rate in (header.guessed_rate, header.average_rate) if rate)
    return next(filter(_plausible, rates), _FALLBACK_FPS)


def _plausible(rate: Fraction) -> bool:
    return _SLOWEST_FPS <= rate <= _FASTEST_FPS
