"""One picture of the source: what the DLC wing read, joined with what the video wing measured. Only reads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from dlc2lp.dlc.project import DlcProject, DlcSession, read_project
from dlc2lp.errors import VideoFailed
from dlc2lp.migrate.locate import find_videos
from dlc2lp.migrate.options import Options
from dlc2lp.model import Finding, VideoInfo
from dlc2lp.video.encoding import Treatment, choose
from dlc2lp.video.frames import max_value
from dlc2lp.video.probe import probe


@dataclass(frozen=True)
class SurveyedVideo:
    """A video that is to be migrated, and what it needs.

    Attributes
    ----------
    path
        Where it lies.
    stem
        The name by which DeepLabCut ties it to a ``labeled-data`` folder.
    info, treatment
        What it holds and the cheapest way to make it what Lightning Pose needs; None if it can't be read.
    """

    path: Path
    stem: str
    info: VideoInfo | None
    treatment: Treatment | None


@dataclass(frozen=True)
class Survey:
    """Everything that planning needs to know of the source.

    Attributes
    ----------
    project
        What lies on disk.
    videos
        The videos to migrate, sorted by name.
    deep_image_max
        For sessions with 16-bit images: the largest pixel value, which decides how they become 8-bit.
    findings
        What was odd, the project's own findings included.
    """

    project: DlcProject
    videos: tuple[SurveyedVideo, ...]
    deep_image_max: dict[str, int] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


def survey(source: Path, options: Options) -> Survey:
    """Read a source without writing anything.

    Raises
    ------
    SourceRefused
        The source is no DeepLabCut project.
    """
    project = read_project(source)
    findings = list(project.findings)
    found = find_videos(project, options, findings)
    with ThreadPoolExecutor(4) as pool:
        measured = list(pool.map(lambda pair: _measure(*pair), found))
    for _, finding in measured:
        findings += finding
    deep = {session.name: value for session in project.sessions if (value := _deepest_value(session))}
    return Survey(project, tuple(video for video, _ in measured), deep, tuple(findings))


def _measure(stem: str, path: Path) -> tuple[SurveyedVideo, tuple[Finding, ...]]:
    try:
        info = probe(path)
    except VideoFailed as error:
        return SurveyedVideo(path, stem, None, None), error.findings
    return SurveyedVideo(path, stem, info, choose(info)), ()


def _deepest_value(session: DlcSession) -> int:
    """Return the largest pixel value of a session's 16-bit images; 0 where all are 8-bit."""
    deep = [image.path for image in session.images.values() if image.bits_per_channel > 8]
    return max(map(max_value, deep), default=0)
