"""A video file as it is: its packets counted, its clock measured, its first frames decoded."""

from __future__ import annotations

import itertools
from array import array
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlc2lp.errors import VideoFailed
from dlc2lp.model import VideoInfo
from dlc2lp.video.extent import lacks_index, missing_bytes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Things that ffmpeg's libraries open as if they were videos: text with colours, lists of other files, pictures.
_NOT_VIDEO_CONTAINERS = {"tty", "concat", "hls", "dash", "sdp", "image2", "lrc", "imf", "webvtt"}

#: Rates outside are a header's nonsense (mpeg4's 90000 fps) and not a camera's.
_SLOWEST_FPS, _FASTEST_FPS = Fraction(1, 1000), Fraction(100_000)
_FALLBACK_FPS = Fraction(30)

#: How many packets may come before the first frame: some decoders hold back, frames of an edit list are not shown.
_PATIENCE_PACKETS = 400
_HEAD_FRAMES = 12


def probe(path: Path) -> VideoInfo:
    """Measure a video in one pass over its packets, decoding only its first frames.

    Parameters
    ----------
    path
        The file. Its suffix does not matter.

    Returns
    -------
    VideoInfo
        With ``n_frames`` counted: packets of the first video stream that hold a frame a player shows.

    Raises
    ------
    VideoFailed
        ``video-missing``, ``video-empty`` (zero bytes), ``video-unreadable`` (no video format, no index, no decoder),
        ``video-no-stream`` (sound only), ``video-truncated`` (the file ends before its container does),
        ``video-starts-broken`` (its first frames need a key frame that is not in the file).
    """
    size_bytes = _size_of(path)
    import av

    try:
        with av.open(f"file:{path}") as container:
            info = _measure(path, size_bytes, container)
    except (av.FFmpegError, UnicodeError) as problem:  # UnicodeError: a header's tags that are no text at all
        raise _unreadable(path, problem) from problem
    return info


def _size_of(path: Path) -> int:
    try:
        size_bytes = path.stat().st_size
        is_file = path.is_file()
    except OSError as problem:
        hint = "the link points to nothing; restore its target" if path.is_symlink() else ""
        raise VideoFailed.of(
            "video-missing", str(path), f"found no such file ({problem.strerror})", hint=hint
        ) from problem
    if not is_file:
        raise VideoFailed.of("video-missing", str(path), "found a folder or a device, expected a video file")
    if size_bytes == 0:
        raise VideoFailed.of(
            "video-empty", str(path), "found 0 bytes, expected a video", hint="copy the file again from its origin"
        )
    return size_bytes


def _unreadable(path: Path, problem: Exception) -> VideoFailed:
    try:
        without_index, n_missing = lacks_index(path), missing_bytes(path)
    except OSError:
        without_index, n_missing = False, 0
    if without_index:
        message = "found recorded data but no index (no moov box): the recording was not finished"
        hint = "recover it with a tool such as untrunc and a good video of the same camera"
    elif n_missing:
        return _truncated(path, f"the file lacks {n_missing} bytes that its container promises")
    else:
        message = f"found nothing that can be read as a video ({problem})"
        hint = "check that the file is a video and was copied whole"
    return VideoFailed.of("video-unreadable", str(path), message, hint=hint)


def _truncated(path: Path, message: str) -> VideoFailed:
    return VideoFailed.of("video-truncated", str(path), message, hint="copy the file again from its origin")


def _measure(path: Path, size_bytes: int, container: Any) -> VideoInfo:
    """All of :class:`VideoInfo` from an opened container."""
    streams = _video_streams(path, container)
    stream = streams[0]
    context = stream.codec_context
    if context is None:
        raise VideoFailed.of("video-unreadable", str(path), "found a codec that PyAV cannot decode")
    packets = _read_packets(container, stream)
    declared = int(stream.frames) or None
    _refuse_damage(path, packets, declared)
    times = _Times.of(packets, stream, container.format.name)
    n_frames = packets.n_shown
    if packets.holds_fields:
        # An interlaced camera (AVCHD) may store the two fields of a frame apart: only decoding counts frames then.
        n_frames = _count_by_decoding(path, stream.index)
    aspect = stream.sample_aspect_ratio or context.sample_aspect_ratio
    head = packets.head[0]
    return VideoInfo(
        path=path,
        container=container.format.name,
        codec=context.codec.canonical_name,
        pixel_format=context.pix_fmt or head.pixel_format,
        color_range={1: "tv", 2: "pc"}.get(int(context.color_range), "unknown"),
        width_px=context.width,
        height_px=context.height,
        frame_rate=times.rate,
        n_frames=n_frames,
        n_frames_declared=declared,
        constant_rate=times.constant,
        rotation_deg=head.rotation_deg,
        square_pixels=aspect in (None, 0, 1),
        keyframe_interval_frames=packets.keyframe_interval,
        has_audio=bool(container.streams.audio),
        n_video_streams=len(streams),
        n_hidden_packets=packets.n_hidden,
        all_packets_timed=times.reliable,
        starts_with_keyframe=packets.starts_with_keyframe,
        size_bytes=size_bytes,
    )


def _video_streams(path: Path, container: Any) -> list[Any]:
    """Video streams without cover pictures; the first is the video."""
    from av.stream import Disposition

    name = container.format.name
    if name in _NOT_VIDEO_CONTAINERS or name.endswith("_pipe"):
        raise VideoFailed.of(
            "video-unreadable", str(path), f"found a file of the kind {name!r}, expected a video", hint=""
        )
    streams = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if not streams:
        kinds = sorted({stream.type for stream in container.streams})
        raise VideoFailed.of(
            "video-no-stream", str(path), f"found no video stream, only: {', '.join(kinds) or 'nothing'}"
        )
    return streams


@dataclass(frozen=True)
class _HeadFrame:
    pts: int | None
    rotation_deg: int
    pixel_format: str
    interlaced: bool


@dataclass
class _Packets:
    """What one pass over a stream's packets finds; P packets are shown."""

    pts: array[int] = field(default_factory=lambda: array("q"))  # P display times, fewer where some are missing
    n_shown: int = 0
    n_hidden: int = 0
    n_all: int = 0  # with the empty and the hidden ones: what a header counts
    n_corrupt: int = 0
    keyframe_interval: int = 0
    first_is_key: bool = False
    head: list[_HeadFrame] = field(default_factory=list)
    holds_fields: bool = False
    reorders: bool = False

    @property
    def starts_with_keyframe(self) -> bool:
        # A key frame that comes first in the file but not on the screen has leading frames that lean on an earlier one.
        return self.first_is_key and (len(self.pts) != self.n_shown or self.pts[0] == min(self.pts))


def _read_packets(container: Any, stream: Any) -> _Packets:
    import av

    found = _Packets(reorders=bool(stream.codec_context.has_b_frames))
    last_key = 0
    n_decoded_packets = 0
    for packet in container.demux(stream):
        flushing = packet.size == 0 and packet.dts is None
        # An empty packet is an AVI recorder's mark for a frame it dropped; to a decoder it means the end.
        is_decodable = packet.size > 0 or flushing
        if is_decodable and _wants_more(found) and n_decoded_packets < _PATIENCE_PACKETS:
            n_decoded_packets += 1
            try:
                found.head += [_head_frame(frame) for frame in packet.decode()]
            except av.FFmpegError:  # a damaged packet; the frames that come are compared with the clock below
                pass
        if flushing:
            continue
        found.n_all += 1
        found.n_corrupt += packet.is_corrupt
        if packet.size == 0:
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
    found.keyframe_interval = max(found.keyframe_interval, found.n_shown - last_key)
    if found.head and found.head[0].interlaced:
        found.holds_fields = n_decoded_packets >= 1.5 * len(found.head) + 2
    return found


def _wants_more(packets: _Packets) -> bool:
    """One frame tells the rotation; where the codec reorders, some more tell whether the times can be believed."""
    if not packets.head:
        return True
    return len(packets.head) < _HEAD_FRAMES and (packets.reorders or packets.head[0].interlaced)


def _head_frame(frame: Any) -> _HeadFrame:
    # PyAV gives the turn counter-clockwise; a quarter turn is all that a camera writes.
    turn = round(-frame.rotation / 90) * 90 % 360
    return _HeadFrame(frame.pts, turn, frame.format.name, bool(frame.interlaced_frame))


def _refuse_damage(path: Path, packets: _Packets, declared: int | None) -> None:
    """Tell a cut file and a missing beginning by the container's own arithmetic."""
    n_missing_bytes = missing_bytes(path)
    if n_missing_bytes and (declared is None or packets.n_all < declared or packets.n_corrupt):
        expected = "" if declared is None else f" of the {declared} that its header promises"
        raise _truncated(
            path, f"found {packets.n_all} frames{expected}; the file lacks {n_missing_bytes} bytes at its end"
        )
    if packets.n_shown == 0:
        raise VideoFailed.of("video-no-frames", str(path), "found a video stream without any frame")
    if not packets.head:
        raise VideoFailed.of(
            "video-unreadable",
            str(path),
            f"found {packets.n_shown} packets, none of the first can be decoded",
            hint="check that the file plays, and copy it again from its origin",
        )
    first_pts = packets.head[0].pts
    if packets.first_is_key or packets.n_hidden or first_pts is None or len(packets.pts) != packets.n_shown:
        return
    n_lost = sum(1 for pts in packets.pts if pts < first_pts)
    if n_lost:
        raise VideoFailed.of(
            "video-starts-broken",
            str(path),
            f"found {packets.n_shown} frames, but the first {n_lost} need a key frame that is not in the file; "
            f"frame {n_lost} would become frame 0",
            hint="use the original recording instead of the cut copy",
        )


@dataclass(frozen=True)
class _Times:
    """The clock of a stream."""

    reliable: bool
    constant: bool
    rate: Fraction

    @classmethod
    def of(cls, packets: _Packets, stream: Any, container: str) -> _Times:
        import numpy as np

        pts = np.sort(np.frombuffer(packets.pts, dtype=np.int64)) if packets.pts else np.empty(0, np.int64)
        steps = np.diff(pts)
        reliable = len(pts) == packets.n_shown and not packets.holds_fields and bool((steps > 0).all())
        # AVI has no display times. Where the codec reorders frames, those that libavformat makes up are in the order of
        # the file (h264 with B-frames: frame 2 shown at the time of frame 4), and sorting by them shuffles the video.
        if packets.reorders and (container == "avi" or not _increasing(packets.head)):
            reliable = False
        constant = reliable and bool((steps == steps[0]).all()) if len(steps) else reliable
        return cls(reliable, constant, _rate(pts, stream, reliable, constant))


def _increasing(head: list[_HeadFrame]) -> bool:
    """Whether decoded frames come with rising times, as they must in the order of display."""
    times = [frame.pts for frame in head]
    return all(a is not None and b is not None and a < b for a, b in itertools.pairwise(times))


def _rate(pts: NDArray[np.int64], stream: Any, reliable: bool, constant: bool) -> Fraction:
    """Frames per second: measured where the packets tell, else declared, else 30."""
    span = int(pts[-1] - pts[0]) if reliable and len(pts) > 1 else 0
    if not span:
        # A raw stream's average is a default of the demuxer (25); the guess comes from the codec's own header.
        declared = [stream.guessed_rate, stream.average_rate]
        return next((_tidy(Fraction(rate)) for rate in declared if rate and _plausible(rate)), _FALLBACK_FPS)
    measured = (len(pts) - 1) / (span * Fraction(stream.time_base))
    if constant:
        return measured if _plausible(measured) else _FALLBACK_FPS
    for declared_rate in (stream.average_rate, stream.guessed_rate):
        if declared_rate and _keeps_time(pts, Fraction(declared_rate) * Fraction(stream.time_base)):
            return Fraction(declared_rate)
    return _tidy(measured) if _plausible(measured) else _FALLBACK_FPS


def _keeps_time(pts: NDArray[np.int64], frames_per_tick: Fraction) -> bool:
    """Whether every frame stands where this rate puts it, within one tick of a coarse clock (Matroska: 1 ms)."""
    import numpy as np

    expected = np.arange(len(pts)) / float(frames_per_tick)
    return bool(np.abs(pts - pts[0] - expected).max() <= 1.01)


def _tidy(rate: Fraction) -> Fraction:
    return rate.limit_denominator(1001)


def _plausible(rate: Fraction) -> bool:
    return _SLOWEST_FPS <= rate <= _FASTEST_FPS


def _count_by_decoding(path: Path, stream_index: int) -> int:
    import av

    with av.open(f"file:{path}") as container:
        return sum(1 for _ in container.decode(container.streams[stream_index]))
