"""A video file as it is: its packets counted, its clock measured, its first frames decoded."""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlc2lp.errors import Interrupted, VideoFailed
from dlc2lp.model import VideoInfo
from dlc2lp.video.extent import lacks_index, missing_bytes
from dlc2lp.wording import counted

if TYPE_CHECKING:
    import threading

    import av
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

#: MPEG-4 packets up to this size (libavcodec's MAX_NVOP_SIZE) may be "not coded": marks after a packed B-frame, or a
#: frame that the recorder skipped. Decoders give no frame for them.
_EMPTY_VOP_BYTES = 19


def probe(path: Path, *, stop: threading.Event | None = None) -> VideoInfo:
    """Measure a video in one pass over its packets, decoding only its first frames.

    Parameters
    ----------
    path
        The file. Its suffix does not matter.
    stop
        When set, reading ends: a pass over a recording of a day takes minutes.

    Returns
    -------
    VideoInfo
        With ``n_frames`` counted: packets of the first video stream that hold a frame a player shows.

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
    import av

    try:
        with open_video(path) as container:
            return _measure(path, size_bytes, container, stop)
    except (av.FFmpegError, OSError) as problem:
        raise _unreadable(path, problem) from problem


def open_video(path: Path) -> Any:
    """Open a file with PyAV for reading."""
    import av

    # "file:": a ":" in the name is no protocol. Titles in old AVI files are Latin-1, which is no reason to refuse them.
    return av.open(f"file:{path}", metadata_errors="replace")


def _size_of(path: Path) -> int:
    try:
        size_bytes = path.stat().st_size
        is_file = path.is_file()
    except OSError as problem:
        advice = "the link points to nothing; restore its target" if path.is_symlink() else ""
        raise VideoFailed.of(
            "video-missing", str(path), f"found no such file ({problem.strerror})", advice=advice
        ) from problem
    if not is_file:
        raise VideoFailed.of("video-missing", str(path), "found a folder or a device, expected a video file")
    if size_bytes == 0:
        raise VideoFailed.of(
            "video-empty", str(path), "found 0 bytes, expected a video", advice="copy the file again from its origin"
        )
    return size_bytes


def _unreadable(path: Path, problem: av.FFmpegError | OSError) -> VideoFailed:
    try:
        without_index, n_missing = lacks_index(path), missing_bytes(path)
    except OSError:
        without_index, n_missing = False, 0
    if without_index:
        message = "found recorded data but no index (no moov box): the recording was not finished"
        advice = "recover it with a tool such as untrunc and a good video of the same camera"
    elif n_missing:
        return _truncated(path, f"the file lacks {counted(n_missing, 'byte')} that its container promises")
    else:
        message = f"found nothing that can be read as a video ({problem.strerror or problem})"
        advice = "check that the file is a video and was copied whole"
    return VideoFailed.of("video-unreadable", str(path), message, advice=advice)


def _truncated(path: Path, message: str) -> VideoFailed:
    return VideoFailed.of("video-truncated", str(path), message, advice="copy the file again from its origin")


def _measure(path: Path, size_bytes: int, container: Any, stop: threading.Event | None) -> VideoInfo:
    """All of :class:`VideoInfo` from an opened container."""
    stream = first_video_stream(container)
    if stream is None or _is_no_video(container.format.name):
        raise _no_video(path, container)
    context = stream.codec_context
    if context is None:
        raise VideoFailed.of("video-unreadable", str(path), "found a codec that PyAV cannot decode")
    packets = _read_packets(container, stream, stop)
    declared = int(stream.frames) or None
    _refuse_damage(path, packets, declared)
    clock = _Clock(packets.pts, packets.n_shown, stream.time_base)
    if not packets.are_frames:
        clock = _clock_of_decoded(path, stream, stop)
    # AVI has no display times. Where the codec reorders frames, those that libavformat makes up are in the order of the
    # file (h264 with B-frames: frame 2 at the time of frame 4), and sorting by them shuffles the video.
    made_up = packets.reorders and (container.format.name == "avi" or not _increasing(packets.head))
    aspect = stream.sample_aspect_ratio or context.sample_aspect_ratio
    return VideoInfo(
        path=path,
        container=container.format.name,
        codec=context.codec.canonical_name,
        pixel_format=context.pix_fmt or packets.head[0].pixel_format,
        color_range={1: "tv", 2: "pc"}.get(int(context.color_range), "unknown"),
        width_px=context.width,
        height_px=context.height,
        frame_rate=_declared_rate(stream) if made_up else clock.rate(stream),
        n_frames=clock.n_frames,
        n_frames_declared=declared,
        constant_rate=clock.constant and not made_up,
        rotation_deg=packets.head[0].rotation_deg,
        square_pixels=aspect in (None, 0, 1),
        keyframe_interval_frames=packets.keyframe_interval,
        has_audio=bool(container.streams.audio),
        n_video_streams=len(_video_streams(container)),
        n_hidden_packets=packets.n_hidden,
        all_packets_timed=clock.complete and packets.are_frames and not made_up,
        starts_with_keyframe=packets.starts_with_keyframe,
        size_bytes=size_bytes,
    )


def first_video_stream(container: Any) -> Any:
    """The video of an opened container: its first video stream that is no cover picture; None if it has none."""
    return next(iter(_video_streams(container)), None)


def _video_streams(container: Any) -> list[Any]:
    from av.stream import Disposition

    return [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]


def shown_packets(container: Any, stream: Any, stop: threading.Event | None = None) -> Iterator[Any]:
    """The packets of a stream that hold a frame which a player shows, in the order of the file."""
    codec = stream.codec_context.codec.canonical_name
    packets = _until(stop, container.demux(stream), container)
    return (packet for packet in packets if not packet.is_discard and _holds_frame(packet, codec))


def _until(stop: threading.Event | None, items: Iterable[Any], container: Any) -> Iterator[Any]:
    """Packets or frames as long as nobody asks to stop."""
    for item in items:
        if stop is not None and stop.is_set():
            raise Interrupted.of("interrupted", container.name.removeprefix("file:"), "stopped while it was read")
        yield item


def decoded_frames(container: Any, stream: Any, stop: threading.Event | None = None) -> Iterator[av.VideoFrame]:
    """The frames of a stream from where its container stands."""
    return _until(stop, container.decode(stream), container)


def _holds_frame(packet: Any, codec: str) -> bool:
    """Whether a packet holds a frame: not the end mark, a recorder's empty mark or a VP8 reference that is never shown.

    libvpx writes "alternate reference" frames into packets of their own; ``show_frame`` is bit 4 of the first byte
    (RFC 6386, 9.1).
    """
    if packet.size == 0:
        return False
    return codec != "vp8" or bool(memoryview(packet)[0] & 0x10)


def _is_no_video(format_name: str) -> bool:
    return format_name in _NOT_VIDEO_CONTAINERS or format_name.endswith("_pipe")


def _no_video(path: Path, container: Any) -> VideoFailed:
    name = container.format.name
    if _is_no_video(name):
        return VideoFailed.of("video-unreadable", str(path), f"found a file of the kind {name!r}, expected a video")
    kinds = ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
    return VideoFailed.of("video-no-stream", str(path), f"found no video stream, only: {kinds}")


@dataclass(frozen=True)
class _HeadFrame:
    pts: int | None
    rotation_deg: int
    pixel_format: str
    interlaced: bool


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


def _read_packets(container: Any, stream: Any, stop: threading.Event | None) -> _Packets:
    codec = stream.codec_context.codec.canonical_name
    found = _Packets(reorders=bool(stream.codec_context.has_b_frames))
    last_key = n_decoded = 0
    for packet in _until(stop, container.demux(stream), container):
        is_end = packet.size == 0 and packet.dts is None
        # An AVI recorder's empty mark is no end, but a decoder would take it for one.
        if (packet.size > 0 or is_end) and n_decoded < _PATIENCE_PACKETS and _wants_more(found):
            n_decoded += 1
            found.head += _decode(packet)
        if is_end:
            continue
        found.n_all += 1
        found.n_corrupt += packet.is_corrupt
        if not _holds_frame(packet, codec):
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
        if codec == "mpeg4" and packet.size <= _EMPTY_VOP_BYTES:
            found.are_frames = False
    found.keyframe_interval = max(found.keyframe_interval, found.n_shown - last_key)
    if found.head and found.head[0].interlaced and n_decoded >= 1.5 * len(found.head) + 2:
        found.are_frames = False  # AVCHD cameras may write the two fields of a frame into packets of their own
    return found


def _wants_more(packets: _Packets) -> bool:
    """One frame tells the rotation; where the codec reorders, some more tell whether the times can be believed."""
    if not packets.head:
        return True
    return len(packets.head) < _HEAD_FRAMES and (packets.reorders or packets.head[0].interlaced)


def _decode(packet: Any) -> list[_HeadFrame]:
    import av

    try:
        frames = packet.decode()
    except av.FFmpegError:  # a damaged packet: what it swallows is seen when the frames are compared with the clock
        return []
    # PyAV gives the turn counter-clockwise; quarter turns are all that cameras write.
    return [
        _HeadFrame(frame.pts, round(-frame.rotation / 90) * 90 % 360, frame.format.name, bool(frame.interlaced_frame))
        for frame in frames
    ]


def _refuse_damage(path: Path, packets: _Packets, declared: int | None) -> None:
    """Tell a cut file and a missing beginning by the container's own arithmetic."""
    n_missing_bytes = missing_bytes(path)
    if n_missing_bytes and (declared is None or packets.n_all < declared or packets.n_corrupt):
        expected = "" if declared is None else f" of the {declared} that its header promises"
        found = f"found {counted(packets.n_all, 'frame')}{expected}"
        raise _truncated(path, f"{found}; the file lacks {counted(n_missing_bytes, 'byte')} at its end")
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
    """The display times of a stream's frames.

    Parameters
    ----------
    pts
        Times in ticks, in any order; fewer than frames where some have none.
    n_frames
        How many frames there are.
    time_base
        Seconds per tick.
    """

    def __init__(self, pts: array[int], n_frames: int, time_base: Fraction) -> None:
        import numpy as np

        self.n_frames = n_frames
        self._time_base = Fraction(time_base)
        self._pts: NDArray[np.int64] = np.sort(np.array(pts, dtype=np.int64))
        steps = np.diff(self._pts)
        self.complete = len(self._pts) == n_frames and bool((steps > 0).all())
        self.constant = self.complete and bool((steps == steps[:1]).all())

    def rate(self, stream: Any) -> Fraction:
        """Frames per second: measured where the times tell, else declared, else 30."""
        span = int(self._pts[-1] - self._pts[0]) if self.complete and self.n_frames > 1 else 0
        if not span:
            return _declared_rate(stream)
        measured = (self.n_frames - 1) / (span * self._time_base)
        if not self.constant:
            for declared in (stream.average_rate, stream.guessed_rate):
                if declared and self._keeps(Fraction(declared)):
                    return Fraction(declared)
            measured = measured.limit_denominator(1001)
        return measured if _plausible(measured) else _FALLBACK_FPS

    def _keeps(self, rate: Fraction) -> bool:
        """Whether every frame stands where this rate puts it, within one tick of a coarse clock (Matroska: 1 ms)."""
        import numpy as np

        expected = np.arange(self.n_frames) / float(rate * self._time_base)
        return bool(np.abs(self._pts - self._pts[0] - expected).max() <= 1.01)


def _clock_of_decoded(path: Path, stream: Any, stop: threading.Event | None) -> _Clock:
    """Count by decoding everything: slow, and the only way where packets are not frames."""
    pts, n_frames = array("q"), 0
    with open_video(path) as container:
        for frame in decoded_frames(container, container.streams[stream.index], stop):
            n_frames += 1
            if frame.pts is not None:
                pts.append(frame.pts)
    return _Clock(pts, n_frames, stream.time_base)


def _declared_rate(stream: Any) -> Fraction:
    # A raw stream's average is a default of the demuxer (25); the guess comes from the codec's own header.
    rates = (Fraction(rate).limit_denominator(1001) for rate in (stream.guessed_rate, stream.average_rate) if rate)
    return next(filter(_plausible, rates), _FALLBACK_FPS)


def _plausible(rate: Fraction) -> bool:
    return _SLOWEST_FPS <= rate <= _FASTEST_FPS
