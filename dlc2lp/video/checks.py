"""What a written video must be, and whether it is: counted, and looked at."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

from dlc2lp.errors import VideoFailed
from dlc2lp.model import Finding, Severity, VideoInfo
from dlc2lp.video import encoding, ffmpeg
from dlc2lp.video.colors import Colors, as_opencv_reads, has_matrix
from dlc2lp.video.compare import compare_frames
from dlc2lp.video.encoding import Action, Crop, EncodeSettings
from dlc2lp.wording import counted


@dataclass(frozen=True)
class VideoOrder:
    """What a written video must be: its rate in frames per second, its size in even numbers, frames of its source."""

    action: Action
    rate: Fraction
    n_frames: int
    width_px: int
    height_px: int
    settings: EncodeSettings | None = None  #: How to encode; None where nothing is encoded.
    crop: Crop | None = None  #: Which part of the picture it shows; all of it where None.
    turn_deg: int = 0  #: The clockwise turn from the stored picture to the one it shows.
    turn_back_deg: int = 0  #: What of the turn that players apply is undone.
    colors: Colors | None = None  #: How the source's colours are read; None where there is nothing to read.

    @classmethod
    def of(
        cls,
        info: VideoInfo,
        action: Action,
        settings: EncodeSettings | None,
        *,
        crop: Crop | None = None,
        turn_deg: int | None = None,
        colors: Colors | None = None,
    ) -> VideoOrder:
        """The order for one video. ``ValueError``: settings and no encode or the reverse; a copy that turns or cuts."""
        if (action == "encode") != (settings is not None):
            raise ValueError(f"action {action!r} with settings {settings}")
        turn_deg = info.rotation_deg if turn_deg is None else turn_deg
        width, height = info.width_px, info.height_px
        if action == "encode":
            width, height = encoding.encoded_size(info, crop=crop, turn_deg=turn_deg)
        elif crop is not None or turn_deg != info.rotation_deg or colors is not None:
            raise ValueError(f"action {action!r} changes no pixel")
        turn_back_deg = (info.rotation_deg - turn_deg) % 360
        colors = (colors or as_opencv_reads(info.pixel_format)) if has_matrix(info.pixel_format) else None
        return cls(
            action, info.frame_rate, info.n_frames, width, height, settings, crop, turn_deg, turn_back_deg, colors
        )


def refuse_bad_run(source: Path, result: ffmpeg.FfmpegResult, n_frames: int, *, failed: str) -> None:
    """Raise unless ffmpeg went through all frames without a complaint; its exit code is the least of the witnesses."""
    says = f"; ffmpeg says: {' | '.join(result.errors[-3:])}" if result.errors else ""
    findings = []
    if result.returncode != 0:
        findings.append(finding(failed, source, f"ffmpeg ended with exit code {result.returncode}{says}"))
    elif result.errors:
        advice = (
            "copy the file again from its origin; if it is the only one, decode it with "
            "`ffmpeg -i FILE -c:v ffv1 repaired.mkv`, look at the result and convert that"
        )
        findings.append(finding("video-decode-errors", source, f"found damaged frames{says}", advice))
    if result.n_frames != n_frames:
        lost = f"ffmpeg gave {counted(result.n_frames or 0, 'frame')}, expected {n_frames}{says}"
        findings.append(finding("video-frames-lost", source, lost))
    if findings:
        raise VideoFailed(*findings)


def finding(code: str, subject: Path, message: str, advice: str = "", *, where: str = "") -> Finding:
    """An error about a file."""
    return Finding(Severity.ERROR, code, str(subject), message, where, advice)


def against_order(source: Path, made: VideoInfo, order: VideoOrder) -> list[Finding]:
    """What the written file is and should not be, by counting it."""
    found = []
    if made.n_frames != order.n_frames:
        lost = f"wrote {counted(made.n_frames, 'frame')}, expected {order.n_frames}"
        found.append(finding("video-frames-lost", source, lost))
    facts: list[tuple[str, object, object]] = [
        ("codec", made.codec, "h264"),
        ("pixel format", made.pixel_format, "yuv420p"),
        ("constant rate", made.constant_rate, True),
        ("frames per second", made.frame_rate, order.rate),
        ("size in px", (made.width_px, made.height_px), (order.width_px, order.height_px)),
        ("rotation in degrees", made.rotation_deg, 0),
        ("square pixels", made.square_pixels, True),
        ("frames in the header", made.n_frames_declared, made.n_frames),
    ]
    for what, is_, expected in facts:
        if is_ != expected:
            found.append(finding("video-not-conforming", source, f"{what}: written {is_}, expected {expected}"))
    return found


def against_source(
    source: Path,
    info: VideoInfo,
    temp: Path,
    made: VideoInfo,
    order: VideoOrder,
    how: Literal["sample", "full"],
    stop: threading.Event | None,
) -> list[Finding]:
    """What the written file shows and should not, by looking at it."""
    if how == "full" and order.action != "encode":  # an encode has decoded the source already
        result = ffmpeg.run(encoding.decode_argv(str(ffmpeg.find_ffmpeg()), source), stop=stop)
        refuse_bad_run(source, result, info.n_frames, failed="video-decode-errors")
    comparison = compare_frames(
        source, info, temp, made, how=how, crop=order.crop, turn_deg=order.turn_deg, colors=order.colors, stop=stop
    )
    found = [finding("video-frame-unreadable", source, problem) for problem in comparison.problems]
    wrong = comparison.first_mismatch
    if wrong is not None:
        worst = f"worst squared error {comparison.worst_error:.1f} at frame {comparison.worst_index}"
        message = f"written frame {wrong} is not the source's frame {wrong} ({worst})"
        found.append(finding("video-frames-differ", source, message, where=f"frame {wrong}"))
    return found
