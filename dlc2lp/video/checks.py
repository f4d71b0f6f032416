"""What a written video must be, and whether it is: counted, and looked at."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Literal

from dlc2lp.disks import ask_to_read
from dlc2lp.errors import VideoFailed
from dlc2lp.model import Finding, Setting, Severity, VideoInfo
from dlc2lp.video import encoding, ffmpeg
from dlc2lp.video.colors import Colors, as_opencv_reads, has_matrix, is_full_range
from dlc2lp.video.compare import compare_frames
from dlc2lp.video.copies import refuse_undecodable, unlike_bytes, unlike_packets
from dlc2lp.video.damage import Damage, find_damage, find_faulty_packets
from dlc2lp.video.encoding import Action, Crop, EncodeSettings
from dlc2lp.video.seeking import lasts_as_told
from dlc2lp.wording import counted

_ADVICE = "copy the file again from its origin; if it is the only one, {} holds each such frame by its neighbor"
_KEEP = (Setting("damaged", ("keep",)),)


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
        is_read = has_matrix(info.pixel_format) or is_full_range(info.pixel_format)
        colors = (colors or as_opencv_reads(info.pixel_format)) if is_read else None
        return cls(
            action, info.frame_rate, info.n_wanted, width, height, settings, crop, turn_deg, turn_back_deg, colors
        )


def judge_run(
    source: Path, info: VideoInfo, result: ffmpeg.FfmpegResult, stop: threading.Event | None
) -> tuple[Finding, ...]:
    """Raise unless ffmpeg encoded all frames, and all of them whole; return what is worth knowing.

    Its exit code is the least of the witnesses, and its complaints prove nothing: they are of what plays no part in a
    picture as often as of a damaged one. So where it complained, the pictures are looked at.
    """
    says = _says(result)
    lost = result.n_frames != info.n_wanted
    findings = _failures(source, info, result)
    damage = find_damage(source, info, stop=stop) if result.returncode == 0 and (lost or result.errors) else None
    if damage is not None and (damage.frames or not (lost or damage.is_none)):
        findings.insert(0, damaged(source, damage, says))
    elif _may_have_swallowed(source, result, info, stop):
        findings.insert(0, _broken_container(source, result))
    elif damage is not None and result.errors and not damage.is_sure:
        said = f"the decoder complained and does not tell which frames it made up{says}"
        findings.insert(0, finding("video-decode-errors", source, said, "copy the file again from its origin"))
    if findings:
        raise VideoFailed(*findings)
    return (_complaints(source, info, result),) if result.errors else ()


def refuse_failed_run(source: Path, info: VideoInfo, result: ffmpeg.FfmpegResult) -> None:
    """Raise unless ffmpeg encoded all frames that it was given."""
    if failures := _failures(source, info, result):
        raise VideoFailed(*failures)


def _failures(source: Path, info: VideoInfo, result: ffmpeg.FfmpegResult) -> list[Finding]:
    says, found = _says(result), []
    if result.returncode != 0:
        found.append(finding("encode-failed", source, f"ffmpeg ended with exit code {result.returncode}{says}"))
    if result.n_frames != info.n_wanted:
        given = f"ffmpeg gave {counted(result.n_frames or 0, 'frame')}, expected {info.n_wanted}{says}"
        found.append(finding("video-frames-lost", source, given))
    return found


def _says(result: ffmpeg.FfmpegResult) -> str:
    return f"; ffmpeg says: {some_last(result.errors)}" if result.errors else ""


def _may_have_swallowed(
    source: Path, result: ffmpeg.FfmpegResult, info: VideoInfo, stop: threading.Event | None
) -> bool:
    """Whether what reads the container complained: where that stumbles packets are lost, and nobody counts them.

    That a file was cut at its end is known of ``info`` already. Where the frames follow each other without a gap for as
    long as the header says, none is lost, whatever the complaint is of.
    """
    name = info.container.partition(",")[0]
    # A bare stream is read by its codec's namesake.
    complained = any(name in speaker.removeprefix("in#0/").split(",") for speaker in result.speakers)
    if info.is_cut or name == info.codec or not complained:
        return False
    return not (info.all_packets_timed and lasts_as_told(source, info, stop))


def _broken_container(source: Path, result: ffmpeg.FfmpegResult) -> Finding:
    found = f"found damage between the frames, which may have swallowed some; ffmpeg says: {some_last(result.errors)}"
    return finding("video-decode-errors", source, found, "copy the file again from its origin")


def damage_in(source: Path, info: VideoInfo, stop: threading.Event | None) -> list[Finding]:
    """What is damaged in a video, by decoding every frame and by hearing what reads its container."""
    damage = find_damage(source, info, stop=stop)
    if not damage.is_none:
        return [damaged(source, damage)]
    broken = damage_between(source, info, stop)
    return [broken] if broken else []


def damage_between(source: Path, info: VideoInfo, stop: threading.Event | None) -> Finding | None:
    """What is damaged between the frames of a video, by what reads its container; None where nothing is."""
    read = ffmpeg.run(encoding.demux_argv(str(ffmpeg.find_ffmpeg()), source), stop=stop)
    if not _may_have_swallowed(source, read, info, stop):
        return None
    ask_to_read(source, stop=stop)
    return _broken_container(source, read)


def _complaints(source: Path, info: VideoInfo, result: ffmpeg.FfmpegResult) -> Finding:
    complained = f"ffmpeg complained {counted(result.n_errors, 'time')}"
    whole = f"but every one of its {counted(info.n_wanted, 'frame')} is whole: {result.errors[-1]!r}"
    return Finding(Severity.NOTE, "video-complaints", str(source), f"{complained}, {whole}")


def some_last(lines: Sequence[str]) -> str:
    """Return the last of some lines, each once."""
    return " | ".join(list(dict.fromkeys(lines))[-3:])


def damaged(source: Path, damage: Damage, says: str = "") -> Finding:
    """The error about a video's damaged frames; ``says``: by whom else they were seen."""
    where = f"frame {damage.frames[0]}" if damage.frames else ""
    message = f"found {damage.told}{says}"
    return Finding(Severity.ERROR, "video-decode-errors", str(source), message, where, _ADVICE, _KEEP)


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
    """What the written file holds and should not, by looking at it.

    Of what was copied every packet is compared, whether or not frames are; of an encode, frames.
    """
    if found := _damage_seen(source, info, order.action, how, stop):
        return found
    if order.action != "encode":
        if (unlike := unlike_packets(source, info, temp, stop)) is not None:
            return [finding("video-frames-differ", source, unlike.message, where=unlike.where)]
        if how == "sample":
            return _undecodable(source, made, stop)
    return _unlike_frames(info, made, order, how, stop)


def against_original(
    source: Path,
    info: VideoInfo,
    copy: Path,
    how: Literal["sample", "full"],
    stop: threading.Event | None,
    *,
    is_copied: bool = True,
) -> list[Finding]:
    """What a file that travelled as it is holds and should not.

    Not ``is_copied``: its bytes are the source's own, as of a link, and need not be compared.
    """
    unlike = unlike_bytes(source, copy, stop) if is_copied else None
    if unlike is not None:
        advice = "run the same command again; if it comes again, check the disks and the memory of this machine"
        return [finding("video-changed", source, unlike.message, advice, where=unlike.where)]
    if found := _damage_seen(source, info, "place", how, stop):
        return found
    made = replace(info, path=copy)
    if how == "sample":
        return _undecodable(source, made, stop)
    return _unlike_frames(info, made, VideoOrder.of(info, "place", None), how, stop)


def _undecodable(source: Path, made: VideoInfo, stop: threading.Event | None) -> list[Finding]:
    """The error about a copy of which a stretch can't be decoded; its subject is the source, which can't be either."""
    try:
        refuse_undecodable(made.path, made, stop)
    except VideoFailed as failure:
        return [replace(found, subject=str(source)) for found in failure.findings]
    return []


def _damage_seen(
    source: Path, info: VideoInfo, action: Action, how: Literal["sample", "full"], stop: threading.Event | None
) -> list[Finding]:
    """What of the source is damaged, where that is to be known."""
    # A container that knows of damaged packets makes it worth a look.
    if how != "full" and (not info.n_corrupt_packets or action == "encode"):
        return []
    # An encode has decoded the source already, and the comparison will once more.
    if action != "encode":
        return damage_in(source, info, stop)
    damage = find_faulty_packets(source, info, stop=stop)
    return [] if set(damage.frames) <= set(info.held) else [damaged(source, damage)]


def _unlike_frames(
    info: VideoInfo, made: VideoInfo, order: VideoOrder, how: Literal["sample", "full"], stop: threading.Event | None
) -> list[Finding]:
    """What the written file shows and should not."""
    source, crop, turn_deg = info.path, order.crop, order.turn_deg
    comparison = compare_frames(
        source, info, made.path, made, how=how, crop=crop, turn_deg=turn_deg, colors=order.colors, stop=stop
    )
    found = [finding("video-frame-unreadable", source, problem) for problem in comparison.problems]
    wrong = comparison.first_mismatch
    if wrong is not None:
        worst = f"worst squared error {comparison.worst_error:.1f} at frame {comparison.worst_index}"
        message = f"written frame {wrong} is not the source's frame {wrong} ({worst})"
        found.append(finding("video-frames-differ", source, message, where=f"frame {wrong}"))
    return found
