"""Copies coded pictures into an mp4 with an even clock: no pixel changes, no frame is lost."""

from __future__ import annotations

import threading
from array import array
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dlc2lp.errors import VideoFailed
from dlc2lp.model import VideoInfo
from dlc2lp.video.clock import LONGEST_DELAY
from dlc2lp.video.encoding import track_timescale
from dlc2lp.video.pyav import OpenedVideo, PacketCopy, Undecodable
from dlc2lp.wording import counted

_REPORTED_PACKETS = 256  # between two reports of progress


def rewrite_packets(
    source: Path,
    target: Path,
    info: VideoInfo,
    *,
    on_frames: Callable[[int], None] | None = None,
    stop: threading.Event | None = None,
) -> None:
    """Copy the packets of the video stream into an mp4, the frames timed 0, 1, 2, ... in the order of display.

    Two passes: the first reads the display times (8 bytes of memory per frame), the second copies packet by packet, so
    that a long video needs hardly more memory than a short one. Of a video that is trimmed the first frames are copied.
    ``on_frames`` is called now and then with the number of packets copied; after ``stop`` the target, an mp4 whatever
    its suffix, is left incomplete.

    Raises
    ------
    NotCopied
        ``remux-impossible``: a packet has no display time or is hidden, the container refuses the stream, or frames
        that are wanted need one that is not.
    VideoFailed
        ``source-changed``: the file is not what was measured.
    DiskTrouble
        One of the disks failed or is full.
    Interrupted
        ``stop`` was set.
    """
    if not info.all_packets_timed or info.n_hidden_packets:
        raise _impossible(source, "found packets without a display time of their own")
    rate = info.frame_rate
    options = {"movflags": "faststart", "video_track_timescale": str(track_timescale(rate))}
    try:
        ranks, delay = _display_order(source, stop)
        if len(ranks) != info.n_frames:
            raise _changed(source, len(ranks), info)
        ranks = ranks[: info.n_wanted]
        if len(ranks) and int(ranks.max()) >= info.n_wanted:
            raise _impossible(source, f"frames before {info.n_wanted} need one that is displayed after them")
        n_copied = 0
        with OpenedVideo(source, stop) as original, PacketCopy(target, original, rate, options) as copy:
            for rank, packet in zip(ranks.tolist(), original.shown_packets(), strict=False):
                if on_frames is not None and n_copied % _REPORTED_PACKETS == 0:
                    on_frames(n_copied)
                copy.add(packet, rank, n_copied - delay)
                n_copied += 1
        if n_copied < len(ranks):
            raise _changed(source, n_copied, info)
    except Undecodable as problem:
        raise _impossible(source, f"its packets can't be copied into an mp4 ({problem.reason})") from problem
    if on_frames is not None:
        on_frames(len(ranks))


class NotCopied(VideoFailed):
    """The frames of this very stream can't be copied, or what was copied is not them. An encode may do."""


def _impossible(source: Path, message: str) -> NotCopied:
    return NotCopied.of("remux-impossible", str(source), message)


def _changed(source: Path, n_found: int, info: VideoInfo) -> VideoFailed:
    message = f"found {counted(n_found, 'packet')}, expected {info.n_frames} as when it was measured"
    advice = "run the same command once more, when nobody writes to it"
    return VideoFailed.of("source-changed", str(source), message, advice=advice)


def _display_order(source: Path, stop: threading.Event | None) -> tuple[NDArray[np.int64], int]:
    """For each packet in the order of the file, the index of its frame in the order of display; and the delay.

    The delay is by how many frames decoding runs ahead of display. The frames in the file may need less than the
    stream's header promises (an encoder that planned for two levels of B-frames and used one), but the times must keep
    what is promised: with less, OpenCV 4.11 seeks to the neighbouring frame.
    """
    times = array("q")
    decode_times: list[int | None] = []  # of the first packets; Matroska's are unknown until display begins
    with OpenedVideo(source, stop) as video:
        for packet in video.shown_packets():
            if packet.pts is None:
                continue
            times.append(packet.pts)
            if len(decode_times) <= LONGEST_DELAY:
                decode_times.append(packet.dts)
    pts = np.frombuffer(times, dtype=np.int64)
    order = np.arange(len(pts))
    ranks = np.empty_like(order)
    ranks[np.argsort(pts, kind="stable")] = order
    needed = int((order - ranks).max())
    first = int(pts.min())
    promised = next((index for index, time in enumerate(decode_times) if time is not None and time >= first), 0)
    return ranks, max(needed, promised)
