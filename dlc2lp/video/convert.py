"""Makes one video into what Lightning Pose needs, and believes nothing that it has not counted and looked at."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dlc2lp.errors import Interrupted, TargetRefused, UsageError, VideoFailed
from dlc2lp.model import Finding, Severity, VideoInfo
from dlc2lp.video import encoding, ffmpeg
from dlc2lp.video.encoding import Action, Crop, EncodeSettings, Reason, Treatment
from dlc2lp.video.frames import compare_frames
from dlc2lp.video.probe import probe
from dlc2lp.video.remux import rewrite_packets

if TYPE_CHECKING:
    import threading

Verify = Literal["sample", "full", "none"]

_COPY_CHUNK_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class VideoOrder:
    """What a written video must be.

    Attributes
    ----------
    action
        ``remux``, ``rewrite`` or ``encode``.
    rate
        Frames per second.
    n_frames
        How many frames it must have: those of the source.
    width_px, height_px
        Its size, even numbers.
    settings
        How to encode; None where nothing is encoded.
    crop
        Which part of the picture it shows; all of it where None.
    turn_back_deg
        The turn of the display matrix that is not applied.
    """

    action: Action
    rate: Fraction
    n_frames: int
    width_px: int
    height_px: int
    settings: EncodeSettings | None = None
    crop: Crop | None = None
    turn_back_deg: int = 0

    @classmethod
    def of(
        cls,
        info: VideoInfo,
        action: Action,
        settings: EncodeSettings | None,
        *,
        crop: Crop | None = None,
        autorotate: bool = True,
    ) -> VideoOrder:
        """The order for one video.

        Raises
        ------
        ValueError
            Settings without an encode, or an encode without settings; a copy that would have to change pixels.
        """
        rate = encoding.target_rate(info)
        if (action == "encode") != (settings is not None):
            raise ValueError(f"action {action!r} with settings {settings}")
        if action != "encode" and (crop is not None or not autorotate):
            raise ValueError(f"action {action!r} changes no pixel")
        if action == "encode":
            width, height = encoding.encoded_size(info, crop=crop, autorotate=autorotate)
        else:
            width, height = info.width_px, info.height_px
        turn_back_deg = 0 if autorotate else info.rotation_deg
        return cls(action, rate, info.n_frames, width, height, settings, crop, turn_back_deg)


@dataclass(frozen=True)
class VideoVerdict:
    """What a video is and what has to be done with it."""

    info: VideoInfo
    treatment: Treatment


@dataclass(frozen=True)
class ConvertedVideo:
    """What became of one video.

    Attributes
    ----------
    source, target
        What was there and what was written.
    action, reasons
        What was done and why nothing cheaper would do.
    """

    source: VideoInfo
    target: VideoInfo
    action: Action
    reasons: tuple[Reason, ...]


def check_video(path: Path) -> VideoVerdict:
    """Whether a video is what Lightning Pose needs, and if not, the cheapest way there. Writes nothing.

    Raises
    ------
    VideoFailed
        The file cannot be read or is damaged; see :func:`dlc2lp.video.probe.probe`.
    """
    info = probe(path)
    return VideoVerdict(info, encoding.choose(info))


def make_video(
    source: Path,
    temp: Path,
    info: VideoInfo,
    action: Action,
    settings: EncodeSettings | None,
    *,
    verify: Verify = "sample",
    crop: Crop | None = None,
    autorotate: bool = True,
    on_frames: Callable[[int], None] | None = None,
    stop: threading.Event | None = None,
) -> VideoInfo:
    """Write a video's frames into an mp4 and check the result.

    Parameters
    ----------
    source, info
        The video and what :func:`dlc2lp.video.probe.probe` found in it.
    temp
        The file to write, with any suffix; it exists afterwards only if all checks passed.
    action, settings
        ``remux`` or ``rewrite`` with None, ``encode`` with settings.
    verify
        How many frames are decoded and compared: ``sample`` some, ``full`` all, ``none`` none. The count, the
        codec, the rate and the size are checked always.
    crop, autorotate
        What to keep of the displayed picture, and whether it is turned as the source's display matrix asks.
    on_frames
        Called with the number of frames written so far.
    stop
        When set, work ends within seconds and ``temp`` is removed.

    Returns
    -------
    VideoInfo
        What ``temp`` holds, measured.

    Raises
    ------
    VideoFailed
        ``video-decode-errors``, ``video-frames-lost``, ``video-frames-differ``, ``video-not-conforming``,
        ``remux-impossible`` or what :func:`~dlc2lp.video.probe.probe` raises.
    ToolMissing
        An encode is needed and there is no ffmpeg.
    Interrupted
        ``stop`` was set.
    """
    order = VideoOrder.of(info, action, settings, crop=crop, autorotate=autorotate)
    try:
        if settings is not None:
            _encode(source, temp, order, settings, on_frames, stop)
        else:
            rewrite_packets(source, temp, info, on_frames=on_frames, stop=stop)
        made = probe(temp)
        findings = _against_order(source, made, order)
        if not findings and verify != "none":
            findings = _against_source(source, info, temp, made, order, verify, stop)
        if findings:
            raise VideoFailed(*findings)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            temp.unlink()
        raise
    return made


def _encode(
    source: Path,
    temp: Path,
    order: VideoOrder,
    settings: EncodeSettings,
    on_frames: Callable[[int], None] | None,
    stop: threading.Event | None,
) -> None:
    argv = encoding.encode_argv(
        str(ffmpeg.find_ffmpeg()),
        source,
        temp,
        order.rate,
        settings,
        crop=order.crop,
        turn_back_deg=order.turn_back_deg,
    )
    result = ffmpeg.run(argv, on_frames=on_frames, stop=stop)
    _refuse_bad_run(source, result, order.n_frames, failed="encode-failed")


def _refuse_bad_run(source: Path, result: ffmpeg.FfmpegResult, n_frames: int, *, failed: str) -> None:
    """Raise unless ffmpeg went through all frames without a complaint; its exit code is the least of the witnesses."""
    says = f"; ffmpeg says: {' | '.join(result.errors[-3:])}" if result.errors else ""
    findings = []
    if result.returncode != 0:
        findings.append(_finding(failed, source, f"ffmpeg ended with exit code {result.returncode}{says}"))
    elif result.errors:
        findings.append(
            _finding(
                "video-decode-errors",
                source,
                f"found damaged frames{says}",
                "copy the file again from its origin; if it is the only one, decode it with "
                "`ffmpeg -i FILE -c:v ffv1 repaired.mkv`, look at the result and convert that",
            )
        )
    if result.n_frames != n_frames:
        findings.append(
            _finding("video-frames-lost", source, f"ffmpeg gave {result.n_frames} frames, expected {n_frames}{says}")
        )
    if findings:
        raise VideoFailed(*findings)


def _finding(code: str, subject: Path, message: str, hint: str = "", *, where: str = "") -> Finding:
    return Finding(Severity.ERROR, code, str(subject), message, where, hint)


def _against_order(source: Path, made: VideoInfo, order: VideoOrder) -> list[Finding]:
    """What the written file is and should not be, by counting it."""
    found: list[Finding] = []
    if made.n_frames != order.n_frames:
        found.append(
            _finding("video-frames-lost", source, f"{made.n_frames} frames were written, expected {order.n_frames}")
        )
    declared = made.n_frames_declared
    facts: list[tuple[str, object, object]] = [
        ("codec", made.codec, "h264"),
        ("pixel format", made.pixel_format, "yuv420p"),
        ("constant rate", made.constant_rate, True),
        ("frames per second", made.frame_rate, order.rate),
        ("size in px", (made.width_px, made.height_px), (order.width_px, order.height_px)),
        ("rotation in degrees", made.rotation_deg, 0),
        ("square pixels", made.square_pixels, True),
        ("frames in the header", declared, made.n_frames),
    ]
    for what, is_, expected in facts:
        if is_ != expected:
            found.append(_finding("video-not-conforming", source, f"{what}: written {is_}, expected {expected}"))
    return found


def _against_source(
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
        _refuse_bad_run(source, result, info.n_frames, failed="video-decode-errors")
    comparison = compare_frames(
        source, info, temp, made, how=how, crop=order.crop, autorotate=not order.turn_back_deg, stop=stop
    )
    found = [_finding("video-frame-unreadable", source, problem) for problem in comparison.problems]
    if comparison.first_mismatch is not None:
        found.append(
            _finding(
                "video-frames-differ",
                source,
                f"written frame {comparison.first_mismatch} is not the source's frame {comparison.first_mismatch} "
                f"(worst squared error {comparison.worst_error:.1f} at frame {comparison.worst_index})",
                where=f"frame {comparison.first_mismatch}",
            )
        )
    return found


def convert_video(
    source: Path,
    target: Path,
    *,
    profile: str = "balanced",
    crf: int | None = None,
    preset: str | None = None,
    gop: int | None = None,
    threads: int | None = None,
    verify: Verify = "sample",
    overwrite: bool = False,
    on_frames: Callable[[int], None] | None = None,
    stop: threading.Event | None = None,
) -> ConvertedVideo:
    """Make one video into what Lightning Pose needs, frame for frame, in the cheapest way.

    The target appears only whole and checked: it is written under a temporary name beside it, then renamed.

    Parameters
    ----------
    source
        The video; it is only read.
    target
        The ``.mp4`` file to write.
    profile, crf, preset, gop
        A name of :data:`dlc2lp.video.encoding.PROFILES` and what to change in it, where an encode is needed.
    threads
        Threads of the encoder, on which its bytes depend; by default as many as this process may use.
    verify
        ``sample``, ``full`` or ``none``; see :func:`make_video`.
    overwrite
        Whether an existing target is replaced.
    on_frames, stop
        See :func:`make_video`.

    Returns
    -------
    ConvertedVideo
        What was there, what was done and why, what is there now.

    Raises
    ------
    UsageError
        An option's value makes no sense, or the target is not named ``.mp4``.
    TargetRefused
        ``target-exists``, ``target-is-source``, ``target-not-writable``.
    VideoFailed, ToolMissing, Interrupted
        See :func:`make_video`.
    """
    settings = encode_settings(profile, crf=crf, preset=preset, gop=gop, threads=threads)
    _refuse_target(source, target, overwrite)
    verdict = check_video(source)
    info, action, reasons = verdict.info, verdict.treatment.action, verdict.treatment.reasons
    # A short name of its own: two runs never write into one file, and no file system finds it too long.
    temp = target.with_name(f".{secrets.token_hex(6)}.dlc2lp-part")
    if action == "place":
        made = _place(info, temp, verify, on_frames, stop)
    elif action == "encode":
        made = make_video(source, temp, info, action, settings, verify=verify, on_frames=on_frames, stop=stop)
    else:
        try:
            made = make_video(source, temp, info, action, None, verify=verify, on_frames=on_frames, stop=stop)
        except VideoFailed as failure:
            reasons = (Reason(f"{action}-failed", str(failure)), *reasons)
            action = "encode"
            made = make_video(source, temp, info, action, settings, verify=verify, on_frames=on_frames, stop=stop)
    _publish(temp, target)
    return ConvertedVideo(info, replace(made, path=target), action, reasons)


def encode_settings(
    profile: str,
    *,
    crf: int | None = None,
    preset: str | None = None,
    gop: int | None = None,
    threads: int | None = None,
) -> EncodeSettings:
    """Settings from a profile's name and what a person changed in it.

    Raises
    ------
    UsageError
        ``unknown-profile``, ``unknown-preset`` or ``out-of-range``.
    """
    if profile not in encoding.PROFILES:
        raise UsageError.of(
            "unknown-profile", "--profile", f"found {profile!r}, expected one of {', '.join(encoding.PROFILES)}"
        )
    if preset is not None and preset not in encoding.PRESETS:
        raise UsageError.of(
            "unknown-preset", "--preset", f"found {preset!r}, expected one of {', '.join(encoding.PRESETS)}"
        )
    # crf 0 is x264's lossless mode, a profile of h264 that graphics cards do not decode.
    for option, value, lowest, highest in (
        ("--crf", crf, 1, 51),
        ("--gop", gop, 1, 100_000),
        ("--jobs", threads, 1, 128),
    ):
        if value is not None and not lowest <= value <= highest:
            raise UsageError.of("out-of-range", option, f"found {value}, expected {lowest} to {highest}")
    chosen = encoding.PROFILES[profile]
    return replace(
        chosen,
        crf=chosen.crf if crf is None else crf,
        preset=preset or chosen.preset,
        gop=gop or chosen.gop,
        threads=threads or _n_usable_cpus(),
    )


def _n_usable_cpus() -> int:
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _refuse_target(source: Path, target: Path, overwrite: bool) -> None:
    if target.suffix != ".mp4":
        raise UsageError.of(
            "target-not-mp4", str(target), "Lightning Pose takes only names that end in .mp4", hint="name it .mp4"
        )
    if target.exists() or target.is_symlink():
        if source.exists() and target.exists() and source.samefile(target):
            raise TargetRefused.of(
                "target-is-source", str(target), "the target is the source, which is never written to"
            )
        if not overwrite:
            raise TargetRefused.of(
                "target-exists", str(target), "the target exists", hint="remove it or use --overwrite"
            )
        if target.is_dir():
            raise TargetRefused.of("target-exists", str(target), "the target is a folder")
    if not target.parent.is_dir() or not os.access(target.parent, os.W_OK | os.X_OK):
        raise TargetRefused.of("target-not-writable", str(target), "its folder does not exist or can't be written to")


def _place(
    info: VideoInfo,
    temp: Path,
    verify: Verify,
    on_frames: Callable[[int], None] | None,
    stop: threading.Event | None,
) -> VideoInfo:
    """Copy a video that is already what it should be, and look whether its frames can be decoded."""
    source = info.path
    order = VideoOrder.of(info, "place", None)
    try:
        with source.open("rb") as original, temp.open("xb") as copy:
            while chunk := original.read(_COPY_CHUNK_BYTES):
                if stop is not None and stop.is_set():
                    raise Interrupted.of("interrupted", str(temp), "stopped while the file was copied")
                copy.write(chunk)
        made = replace(info, path=temp)
        findings = [] if verify == "none" else _against_source(source, info, temp, made, order, verify, stop)
        if temp.stat().st_size != info.size_bytes:
            findings.append(_finding("video-changed", source, "the file changed while it was copied"))
        if findings:
            raise VideoFailed(*findings)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            temp.unlink()
        raise
    if on_frames is not None:
        on_frames(info.n_frames)
    return made


def _publish(temp: Path, target: Path) -> None:
    """Give a finished file its name, so that even a power cut leaves the old state or the new one."""
    try:
        with temp.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(temp, target)  # noqa: PTH105 - Path.replace is the same and says less
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            temp.unlink()
        raise
