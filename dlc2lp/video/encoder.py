"""Encodes a video, every frame of it once: in one ffmpeg program, or from frames that are decoded here.

The program is the faster way, and most videos are encoded by it alone. But of some files it makes other frames than
OpenCV showed to DeepLabCut: its filters begin anew where the pixel format changes in mid-stream, from version 7.1 on it
crops by the container, and a mirrored display matrix is a turn to one version and a mirror to another. What is decoded
here is the same whatever program there is, and the same that the images were compared with.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

from dlc2lp.disks import ask_to_write
from dlc2lp.errors import VideoFailed
from dlc2lp.model import Finding, VideoInfo
from dlc2lp.video import encoding, ffmpeg
from dlc2lp.video.checks import VideoOrder, against_order, damaged, judge_run, refuse_failed_run
from dlc2lp.video.damage import find_damage
from dlc2lp.video.encoding import EncodeSettings, Pipe
from dlc2lp.video.frames import decoded_frames
from dlc2lp.video.probe import probe
from dlc2lp.video.pyav import Uncoded

OnFrames = Callable[[int], None]


def encode_video(
    source: Path,
    temp: Path,
    info: VideoInfo,
    order: VideoOrder,
    settings: EncodeSettings,
    on_frames: OnFrames | None,
    stop: threading.Event | None,
) -> tuple[VideoInfo, list[Finding], tuple[Finding, ...]]:
    """Encode a video; return what was written, what it is and should not be, and what is worth knowing.

    Raises ``VideoFailed``, ``DiskTrouble``, ``ToolMissing`` and ``Interrupted``, as ``make_video`` says.
    """
    encode = _Encode(source, temp, info, order, settings, _Progress(on_frames), stop)
    # Of a file that was cut the program makes up a frame or two behind the last one.
    if not (info.is_mirrored or info.is_turn_ignored or info.held or info.is_cut):
        result = encode.in_program()
        # Where it gave up after some frames the disk is full, or the like: another way would do no better.
        if result.n_frames == order.n_frames or (result.returncode != 0 and result.n_frames):
            notes = judge_run(source, info, result, stop)
            made = probe(temp, stop=stop)
            findings = against_order(source, made, order)
            if not findings:
                return made, [], notes
        if result.returncode != 0:
            ask_to_write(temp)  # before the whole video is decoded for nothing
    if not info.held:
        damage = find_damage(source, info, stop=stop)
        if damage.frames:
            raise VideoFailed(damaged(source, damage))
    result = encode.from_here()
    refuse_failed_run(source, info, result)
    made = probe(temp, stop=stop)
    return made, against_order(source, made, order), ()


class _Progress:
    """Passes on how many frames are written; a second try begins where the first one was."""

    def __init__(self, on_frames: OnFrames | None) -> None:
        self._on_frames = on_frames
        self._most = -1

    def __call__(self, n_frames: int) -> None:
        if self._on_frames is not None and n_frames > self._most:
            self._most = n_frames
            self._on_frames(n_frames)


@dataclass(frozen=True)
class _Encode:
    """An encode that is to be done, in one way or the other."""

    source: Path
    temp: Path
    info: VideoInfo
    order: VideoOrder
    settings: EncodeSettings
    on_frames: OnFrames
    stop: threading.Event | None

    def in_program(self) -> ffmpeg.FfmpegResult:
        """Have the ffmpeg program decode and encode."""
        argv_of = partial(self._argv, source=self.source, turn_back_deg=self.order.turn_back_deg)
        return ffmpeg.run_untried(argv_of, on_frames=self.on_frames, stop=self.stop)

    def from_here(self) -> ffmpeg.FfmpegResult:
        """Decode here, and have the ffmpeg program encode what comes."""
        info = self.info
        frames = (frame for _, frame in islice(decoded_frames(self.source, info, self.stop), info.trimmed_to))
        first = next(frames, None)
        if first is None:
            raise VideoFailed.of("video-no-frames", str(self.source), "found no frame that can be decoded")
        uncoded = Uncoded(self.source, first, info.width_px, info.height_px)
        pipe = Pipe(uncoded.pixel_format, info.width_px, info.height_px)
        argv = self._argv(ffmpeg.find_ffmpeg(), pipe, -self.order.turn_deg % 360)
        feed = (uncoded.of(frame) for frame in chain((first,), frames))
        return ffmpeg.run(argv, feed=feed, on_frames=self.on_frames, stop=self.stop)

    def _argv(self, program: Path, source: Path | Pipe, turn_back_deg: int) -> list[str]:
        order = self.order
        shown: dict[str, Any] = {"crop": order.crop, "turn_back_deg": turn_back_deg, "colors": order.colors}
        shown["n_frames"] = self.info.trimmed_to
        return encoding.encode_argv(str(program), source, self.temp, order.rate, self.settings, **shown)
