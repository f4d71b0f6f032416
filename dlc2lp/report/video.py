"""What the commands about single videos say, to people and to machines. Light: they read nothing of projects."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from dlc2lp.model import Finding, VideoInfo
from dlc2lp.report.findings import Document, findings_text
from dlc2lp.report.layout import joined, table
from dlc2lp.video.convert import ConvertedVideo, VideoVerdict
from dlc2lp.video.encoding import Action, Treatment
from dlc2lp.wording import counted, shown


@dataclass(frozen=True)
class CheckedVideo:
    """A video, whether it is what Lightning Pose needs, and what has to be done to it if not."""

    path: str
    conforming: bool
    action: Action | None
    reasons: tuple[str, ...]
    info: VideoInfo | None


@dataclass(frozen=True, kw_only=True)
class VideoCheckDocument(Document, command="video-check"):
    """dlc2lp video check --json."""

    videos: tuple[CheckedVideo, ...]


def video_check(
    verdicts: Iterable[tuple[str, VideoVerdict | None]], findings: Iterable[Finding], exit_code: int
) -> VideoCheckDocument:
    """Return the document of ``dlc2lp video check``."""
    videos = []
    for path, verdict in verdicts:
        action, reasons = needed(verdict.treatment if verdict else None)
        conforms = verdict is not None and verdict.conforms
        videos.append(CheckedVideo(path, conforms, action, reasons, verdict.info if verdict else None))
    return VideoCheckDocument(exit_code=exit_code, findings=tuple(findings), videos=tuple(videos))


@dataclass(frozen=True, kw_only=True)
class VideoConvertDocument(Document, command="video-convert"):
    """dlc2lp video convert --json."""

    source: str
    target: str
    action: Action
    reasons: tuple[str, ...]
    info: VideoInfo


def video_convert(made: ConvertedVideo) -> VideoConvertDocument:
    """Return the document of ``dlc2lp video convert``."""
    return VideoConvertDocument(
        findings=made.remarks,
        source=str(made.source.path),
        target=str(made.target.path),
        action=made.action,
        reasons=tuple(reason.message for reason in made.reasons),
        info=made.target,
    )


def needed(treatment: Treatment | None) -> tuple[Action | None, tuple[str, ...]]:
    """Return what is to be done to a video, and why; of one that can't be read nothing."""
    return (treatment.action, tuple(reason.message for reason in treatment.reasons)) if treatment else (None, ())


def needs_table(
    title: str,
    videos: Iterable[tuple[str, VideoInfo | None, Treatment | None]],
    conforming: str,
    unreadable: str,
    damaged: Collection[str] = (),
) -> str:
    """Lay out what videos hold and, in a column with this title, what is to be done to them and why.

    ``damaged`` are the names of those with which nothing can be done.
    """
    rows, remarks = [], []
    for name, info, treatment in videos:
        holds = (str(info.n_frames), describe_video(info)) if info else ("-", "can't be read")
        needs = treatment.action if treatment else unreadable
        needs = "damaged" if name in damaged else conforming if needs == "place" else needs
        rows.append((name, *holds, needs))
        remarks.append("; ".join(reason.message for reason in treatment.reasons) if treatment else "")
    return table(("video", "frames", "holds", title), rows, right=(1,), remarks=remarks)


def describe_video(info: VideoInfo) -> str:
    """``640x480 h264 yuv420p 30 fps``."""
    rate = f"{float(info.frame_rate):.6g} fps" + ("" if info.constant_rate else " (varies)")
    return f"{info.width_px}x{info.height_px} {info.codec} {info.pixel_format} {rate}"


def verdicts_text(verdicts: Sequence[tuple[str, VideoVerdict | None]], findings: Sequence[Finding]) -> str:
    """Lay out what ``video check`` found."""
    rows = [(path, each.info, each.treatment) if each else (path, None, None) for path, each in verdicts]
    damaged = {path for path, each in verdicts if each and each.faults}
    return joined(needs_table("verdict", rows, "conforms", "-", damaged), findings_text(findings))


def converted_video_text(made: ConvertedVideo) -> str:
    """Lay out what ``video convert`` did."""
    reasons = "; ".join(reason.message for reason in made.reasons)
    because = f" ({reasons})" if reasons else ""
    made_of = f"{counted(made.target.n_frames, 'frame')}, {describe_video(made.target)}"
    said = shown(f"{made.target.path}: {made_of}; {made.action}{because}")
    return joined(said, findings_text(made.remarks))
