"""Damaged videos that a person wants to keep: which of their frames are held by the picture before them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

from dlc2lp.errors import VideoFailed
from dlc2lp.model import Finding, Severity, VideoInfo
from dlc2lp.video.checks import damage_between
from dlc2lp.video.clock import LONGEST_DELAY, gaps
from dlc2lp.video.damage import Damage, find_damage, in_ranges
from dlc2lp.video.h264_units import Units
from dlc2lp.video.probe import probe
from dlc2lp.video.pyav import OpenedVideo
from dlc2lp.video.seeking import packet_times
from dlc2lp.wording import counted

Damaged = Literal["refuse", "keep"]

#: A longer step between two frames so near to a damaged one is a frame that is missing.
_BESIDE_FRAMES = 4


def measure_video(
    path: Path,
    damaged: Damaged,
    *,
    on_frames: Callable[[int], None] | None = None,
    stop: threading.Event | None = None,
) -> VideoInfo:
    """Measure a video; of one that may be damaged (``keep``) find out besides which frames can't be decoded.

    For that every frame is decoded. Those that can't be, or that a decoder would make up in part, are the ``held`` ones
    of the result, and named in its remarks. Raises as ``probe`` does, and ``VideoFailed`` (``video-frames-lost``) where
    nothing tells which frames are missing, or none is whole.
    """
    if damaged == "refuse":
        return probe(path, stop=stop)
    info = probe(path, keep_damaged=True, stop=stop)
    damage = find_damage(path, info, on_frames=on_frames, stop=stop)
    broken = damage_between(path, info, stop)
    if damage.is_none and broken is None and not info.is_cut:
        return info
    if not _is_known(info, damage) or _may_lack_frames(info, broken, damage, stop):
        message = (
            f"found {counted(damage.n_frames, 'frame')} that can be decoded, and nothing tells how many are missing "
            "between them, so the indices of those behind can't be kept"
        )
        lost = Finding(
            Severity.ERROR, "video-frames-lost", str(path), message, "", "look for another copy of the video"
        )
        raise VideoFailed(*([lost, broken] if broken else [lost]))
    frames = tuple(sorted({*_with_those_that_lean(info, damage.frames, stop), *_behind_a_gap(info, stop)}))
    if not frames:
        return info
    if len(frames) == info.n_frames:
        message = f"none of its {counted(info.n_frames, 'frame')} can be decoded, or all lean on one that can't be"
        raise VideoFailed.of("video-no-frames", str(path), message, advice="look for another copy of the video")
    are = "is" if len(frames) == 1 else "are"
    leaning = "" if set(frames) == set(damage.frames) else " or lean on one that can't be"
    message = (
        f"{counted(len(frames), 'frame')} of {info.n_frames} can't be decoded{leaning} and {are} held by the picture "
        f"before: {', '.join(in_ranges(frames))}"
    )
    advice = "leave these frames out of what you analyse"
    held = Finding(Severity.WARNING, "frames-held", str(path), message, advice=advice)
    return replace(info, held=frames, remarks=(*info.remarks, held))


def _is_known(info: VideoInfo, damage: Damage) -> bool:
    """Whether it is known of every frame whether it is whole, and one is."""
    complete = info.all_packets_timed or damage.n_frames == info.n_frames
    return complete and len(damage.frames) < info.n_frames


def _may_lack_frames(info: VideoInfo, broken: Finding | None, damage: Damage, stop: threading.Event | None) -> bool:
    """Whether frames may be missing between those that are there, not only behind the last of a file that was cut."""
    if info.is_cut:
        return False
    if info.container == "avi":  # it has no times: what is missing shows only in the count
        return (info.n_frames_declared or 0) > info.n_frames
    if info.constant_rate:
        return False
    return broken is not None or (info.all_packets_timed and _has_gap_beside(info, damage, stop))


def _with_those_that_lean(info: VideoInfo, damaged: tuple[int, ...], stop: threading.Event | None) -> set[int]:
    """Damaged frames, and those that are decoded after them up to the next key frame: made from what was made up.

    A picture on which no other leans, as h264 marks it (``nal_ref_idc``; ITU-T H.264, 7.4.1), spoils none but itself.
    """
    if not damaged or info.keyframe_interval_frames == 1:
        return set(damaged)
    with OpenedVideo(info.path, stop) as video:
        units = Units(video.extradata) if info.codec == "h264" else None
        packets = [
            (packet.pts or 0, bool(packet.is_keyframe), units is None or units.is_leaned_on(bytes(packet)))
            for packet in video.shown_packets()
        ]
    if not info.all_packets_timed:
        packets = [(number, is_key, is_leaned_on) for number, (_, is_key, is_leaned_on) in enumerate(packets)]
    times = sorted(time for time, _, _ in packets)[info.n_lost_packets :]
    index_of = {time: index for index, time in enumerate(times)}
    found, first, is_spoiled, last_key = set(damaged), frozenset(damaged), False, -1
    for time, is_key, is_leaned_on in packets:
        index = index_of.get(time, -1)
        if is_key:
            # Frames that are shown before it may lean on what was spoiled.
            is_spoiled, last_key = False, time if is_spoiled else -1
        is_spoiled = is_spoiled or (index in first and is_leaned_on)
        if index >= 0 and (is_spoiled or time < last_key):
            found.add(index)
    return found


def _behind_a_gap(info: VideoInfo, stop: threading.Event | None) -> range:
    """The last frames of a file that was cut between a frame and those that are shown before it.

    Coded pictures do not come in the order of display; what the gap swallowed stands at the indices of these.
    """
    if not info.is_cut or not info.all_packets_timed or info.constant_rate:
        return range(0)
    near = [at for at in gaps(packet_times(info.path, info, stop)).tolist() if at >= info.n_frames - 1 - LONGEST_DELAY]
    return range(near[0] + 1, info.n_frames) if near else range(0)


def _has_gap_beside(info: VideoInfo, damage: Damage, stop: threading.Event | None) -> bool:
    """Whether the clock jumps where a frame is damaged: the same damage may have swallowed others whole."""
    behind = gaps(packet_times(info.path, info, stop)).tolist()
    return any(-_BESIDE_FRAMES <= at - index < _BESIDE_FRAMES for at in behind for index in damage.frames)
