"""Copies coded pictures into an mp4 with an even clock: no pixel changes, no frame is lost."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from dlc2lp.errors import VideoFailed
from dlc2lp.model import VideoInfo
from dlc2lp.video.encoding import target_rate, track_timescale
from dlc2lp.video.probe import first_video_stream, open_video, shown_packets

if TYPE_CHECKING:
    import threading

    import numpy as np
    from numpy.typing import NDArray

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
    that a long video needs hardly more memory than a short one.

    Parameters
    ----------
    source
        A video for which :func:`dlc2lp.video.encoding.choose` says ``remux`` or ``rewrite``.
    target
        The file to write, an mp4 whatever its suffix.
    info
        What the source holds.
    on_frames
        Called now and then with the number of packets copied.
    stop
        When set, copying ends and ``target`` is left incomplete.

    Raises
    ------
    VideoFailed
        ``remux-impossible``: a packet has no display time or is hidden, or the container refuses the stream.
    Interrupted
        ``stop`` was set.
    """
    import av

    if not info.all_packets_timed or info.n_hidden_packets:
        raise VideoFailed.of("remux-impossible", str(source), "found packets without a display time of their own")
    rate = target_rate(info)
    try:
        ranks = _display_ranks(source, stop)
        delay = _delay(ranks)
        options = {"movflags": "faststart", "video_track_timescale": str(track_timescale(rate))}
        with (
            open_video(source) as original,
            av.open(f"file:{target}", "w", format="mp4", options=options) as copy,
        ):
            stream = first_video_stream(original)
            track = copy.add_stream_from_template(stream)
            track.time_base = 1 / rate
            for index, packet in enumerate(shown_packets(original, stream, stop)):
                if on_frames is not None and index % _REPORTED_PACKETS == 0:
                    on_frames(index)
                packet.time_base = 1 / rate
                packet.pts, packet.dts, packet.duration = int(ranks[index]), index - delay, 1
                packet.stream = track
                copy.mux(packet)
    except av.FFmpegError as problem:
        raise VideoFailed.of(
            "remux-impossible", str(source), f"its packets can't be copied into an mp4 ({problem.strerror or problem})"
        ) from problem
    if on_frames is not None:
        on_frames(len(ranks))


def _display_ranks(source: Path, stop: threading.Event | None) -> NDArray[np.int64]:
    """For each packet in the order of the file, the index of its frame in the order of display."""
    import numpy as np

    with open_video(source) as container:
        times = array("q", (packet.pts for packet in shown_packets(container, first_video_stream(container), stop)))
    ranks = np.empty(len(times), dtype=np.int64)
    ranks[np.argsort(np.frombuffer(times, dtype=np.int64), kind="stable")] = np.arange(len(times))
    return ranks


def _delay(ranks: NDArray[np.int64]) -> int:
    """By how many frames decoding runs ahead of display, so that no frame is shown before it is decoded."""
    import numpy as np

    return int((np.arange(len(ranks)) - ranks).max())
