"""A video file as it is: its packets counted, its clock measured, its first frames decoded."""

from __future__ import annotations

import threading
from array import array
from dataclasses import dataclass, replace
from pathlib import Path

from dlc2lp.disks import disks_asked
from dlc2lp.errors import VideoFailed, raise_disk_trouble
from dlc2lp.files import NotRegular, look_at
from dlc2lp.limits import MEMORY_VARIABLE, PIXELS
from dlc2lp.model import Finding, VideoInfo
from dlc2lp.placeholders import placeholder_of
from dlc2lp.video.clock import Clock, clock_of_decoded, declared_rate
from dlc2lp.video.ends import COPY_AGAIN, cut_short, refuse_empty, remark, remarks_on_cuts, remarks_on_ends, unreadable
from dlc2lp.video.extent import extent_of
from dlc2lp.video.gpu_reader import against_size
from dlc2lp.video.packets import HeadFrame, Packets, loses_first_frames, read_packets
from dlc2lp.video.pyav import Header, OpenedVideo, Undecodable, explained
from dlc2lp.video.riff import n_listed_chunks

#: Containers that hold a display matrix, which OpenCV reads there and nowhere else.
_TURNING_CONTAINERS = {"mov", "matroska"}


def probe(path: Path, *, keep_damaged: bool = False, stop: threading.Event | None = None) -> VideoInfo:
    """Measure a video, whatever its suffix, in one pass over its packets, decoding only its first frames.

    ``n_frames`` is counted: packets of the first video stream that hold a frame a player shows and can
    decode. ``stop`` ends the pass, which takes minutes for a recording of a day.

    Raises
    ------
    VideoFailed
        ``video-missing``, ``video-empty`` (zero bytes), ``video-unreadable`` (no video format, no index, no decoder),
        ``video-no-stream`` (sound only), ``video-truncated`` (the file ends before its container does),
        ``video-no-frames``.
    DiskTrouble
        Its disk failed, so that nothing can be said of it.
    Interrupted
        ``stop`` was set.
    """
    size_bytes = _size_of(path)
    with disks_asked(path, stop=stop):
        try:
            with OpenedVideo(path, stop) as video:
                return _measure(video, size_bytes, stop, keep_damaged=keep_damaged)
        except Undecodable as problem:
            raise unreadable(path, problem) from problem


def _size_of(path: Path) -> int:
    try:
        size_bytes = look_at(path).st_size
    except NotRegular as problem:
        raise VideoFailed.of("video-missing", str(path), problem.strerror, advice=problem.advice) from problem
    except OSError as problem:
        raise_disk_trouble(path, problem)
        advice = "the link leads to what is not there; restore it" if path.is_symlink() else ""
        message = f"found no such file ({problem.strerror})"
        raise VideoFailed.of("video-missing", str(path), message, advice=advice) from problem
    if size_bytes == 0:
        raise VideoFailed.of("video-empty", str(path), "found 0 bytes, expected a video", advice=COPY_AGAIN)
    if placeholder := placeholder_of(path):
        message = f"found {placeholder.found}, not the file itself"
        raise VideoFailed.of("not-downloaded", str(path), message, advice=placeholder.advice)
    return size_bytes


def _measure(video: OpenedVideo, size_bytes: int, stop: threading.Event | None, *, keep_damaged: bool) -> VideoInfo:
    """All of :class:`VideoInfo` from an opened video."""
    path = video.path
    _refuse_what_is_no_video(video)
    packets = read_packets(video)
    if video.format_name.endswith("_pipe") and packets.n_all < 2:
        raise _of_another_kind(video)
    header = video.header()
    cut, at_end = _end(video, packets, header)
    if cut is not None and not keep_damaged:
        raise VideoFailed(cut)
    if not (packets.head or header.width_px):
        # Sizes beyond the limit are gone once libavformat has tried to decode a picture.
        message = f"found pictures that can't be decoded; of more than {PIXELS.at_most} pixels none is"
        advice = f"check that it plays; if its pictures are so large, set {MEMORY_VARIABLE} to more gigabytes than 1"
        raise VideoFailed.of("video-unreadable", str(path), message, advice=advice)
    refuse_empty(path, packets)
    first, is_turn_ignored = packets.head[0], False
    if (first.rotation_deg or first.is_mirrored) and not _TURNING_CONTAINERS & set(video.format_name.split(",")):
        first, is_turn_ignored = replace(first, rotation_deg=0, is_mirrored=False), True
        packets.head[0] = first
    timing = _timing(video, packets, header, stop)
    clock = timing.clock
    return VideoInfo(
        path=path,
        container=video.format_name,
        codec=video.codec,
        pixel_format=header.pixel_format or first.pixel_format,
        color_range=header.color_range,
        width_px=header.width_px,
        height_px=header.height_px,
        frame_rate=clock.rate(header, video.format_name) if timing.ordered else declared_rate(header),
        n_frames=clock.n_frames,
        n_frames_declared=header.n_frames,
        constant_rate=clock.constant and timing.ordered,
        rotation_deg=first.rotation_deg,
        square_pixels=header.square_pixels,
        keyframe_interval_frames=packets.keyframe_interval,
        has_audio="audio" in video.kinds,
        n_video_streams=video.n_video_streams,
        n_hidden_packets=packets.n_hidden,
        all_packets_timed=timing.usable,
        starts_with_keyframe=packets.starts_with_keyframe and (not timing.n_lost or timing.joined),
        size_bytes=size_bytes,
        color_matrix=header.color_matrix,
        profile=header.profile,
        level=header.level,
        is_mirrored=first.is_mirrored,
        is_turn_ignored=is_turn_ignored,
        is_cut=cut is not None,
        changes_at=packets.changes_at,
        n_corrupt_packets=packets.n_corrupt,
        n_lost_packets=timing.n_lost,
        remarks=(*at_end, *_remarks(path, packets, header, timing)),
    )


def _end(video: OpenedVideo, packets: Packets, header: Header) -> tuple[Finding | None, tuple[Finding, ...]]:
    """The error about a file that was cut, if it was, and what a person should know of its end."""
    path, is_avi = video.path, video.format_name == "avi"
    with explained(path):
        extent = extent_of(path)
        if is_avi and packets.n_all < (header.n_frames or 0):
            packets.n_all = max(packets.n_all, extent.n_in_indexed_parts or n_listed_chunks(path))
    cut = cut_short(path, packets, header.n_frames, extent)
    if cut is not None:
        return cut, (remark(path, cut.code, f"{cut.message}; those that are there are kept", COPY_AGAIN),)
    return None, remarks_on_ends(path, packets.n_all, header.n_frames, extent, is_avi=is_avi)


def _remarks(path: Path, packets: Packets, header: Header, timing: _Timing) -> tuple[Finding, ...]:
    """What else a person should know of a video."""
    may_miss = timing.usable and packets.reorders and header.n_frames is None
    n_missing = timing.clock.n_missing_at_end() if may_miss else 0
    first = packets.head[0]
    told = (against_size(header.width_px, header.height_px), _mirror(first) if first.is_mirrored else None)
    return (
        *remarks_on_cuts(path, timing.n_lost, n_missing, at_beginning=not timing.joined),
        *(remark(path, *each) for each in told if each is not None),
    )


def _mirror(first: HeadFrame) -> tuple[str, str, str]:
    """Code, message and advice about a mirrored picture."""
    instead = f"turns it by {first.rotation_deg} degrees instead" if first.rotation_deg else "shows it as stored"
    message = (
        f"its display matrix mirrors the picture for players; OpenCV, with which DeepLabCut reads, {instead}, and so "
        "does what is written"
    )
    return "video-mirrored", message, ""


@dataclass(frozen=True)
class _Timing:
    """When the frames are shown, and how much of that can be used."""

    clock: Clock
    ordered: bool  # whether the times are in the order of display
    usable: bool  # whether frames can be found by them
    n_lost: int  # packets that need what is not in the file
    joined: bool = False  # whether those can be anywhere, since this was put together from several files


def _timing(video: OpenedVideo, packets: Packets, header: Header, stop: threading.Event | None) -> _Timing:
    clock = Clock(packets.pts, packets.n_shown, header.time_base)
    # AVI has no display times. Where the codec reorders frames, those that libavformat makes up are in the order of the
    # file (h264 with B-frames: frame 2 at the time of frame 4), and sorting by them shuffles the video.
    made_up = packets.reorders and (video.format_name == "avi" or not packets.head_rises)
    ordered = not (made_up or packets.goes_back or clock.shuffled)
    joined = packets.reorders and not made_up and clock.is_joined_at(packets.leading.joints)
    counted = clock_of_decoded(video.path, header.time_base, stop) if joined else None
    if counted is not None and counted.n_frames == packets.n_shown:
        counted = None  # nothing is lost where they meet
    if ordered and clock.complete and packets.are_frames and video.has_times and counted is None:
        first_pts = packets.head[0].pts
        if packets.first_is_key and first_pts is not None and packets.pts[0] < first_pts:
            first_pts = None  # the key frame is there, and damaged: its index stays its own
        decodable = array("q", (pts for pts in packets.pts if first_pts is None or pts >= first_pts))
        n_lost = packets.n_shown - len(decodable)
        return _Timing(Clock(decodable, len(decodable), header.time_base), True, True, n_lost)
    # Where times do not tell which packets come before the first frame, only decoding does.
    is_clear = packets.are_frames and packets.pts and packets.first_is_key and (ordered or made_up) and counted is None
    if is_clear and not (packets.reorders and loses_first_frames(video.path, stop)):
        return _Timing(clock, ordered, False, 0)
    clock = counted or clock_of_decoded(video.path, header.time_base, stop)
    n_lost = max(0, packets.n_shown - clock.n_frames) if packets.are_frames else 0
    return _Timing(clock, ordered, False, n_lost, joined or packets.goes_back)


def _refuse_what_is_no_video(video: OpenedVideo) -> None:
    path = str(video.path)
    if not video.n_video_streams:
        kinds = ", ".join(sorted(set(video.kinds))) or "nothing"
        raise VideoFailed.of("video-no-stream", path, f"found no video stream, only: {kinds}")
    if not video.codec:
        raise VideoFailed.of("video-unreadable", path, "found a codec that PyAV cannot decode")


def _of_another_kind(video: OpenedVideo) -> VideoFailed:
    """A picture is none, but a webcam's JPEG pictures one behind the other are: what ffmpeg calls ``jpeg_pipe``."""
    message = f"found a file of the kind {video.format_name!r}, expected a video"
    return VideoFailed.of("video-unreadable", str(video.path), message)
