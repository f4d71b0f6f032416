"""One picture of the source: what the DLC wing read, joined with what the video wing measured. Only reads."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from dlc2lp.dlc.project import DlcProject, DlcSession, read_project
from dlc2lp.dlc.splits import Split, choose_split, list_splits, read_split
from dlc2lp.errors import DecisionNeeded, SourceRefused, UnreadableFile, VideoFailed
from dlc2lp.migrate.choose import Decision
from dlc2lp.migrate.locate import find_videos, sessions_not_listed, spelled
from dlc2lp.migrate.merge import images_in_conflict
from dlc2lp.migrate.options import Options
from dlc2lp.model import Finding, Severity, VideoInfo, by_severity
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
    merged
        Further projects whose sessions join those of the source.
    decisions
        Questions that came up while looking.
    split
        Which frames DeepLabCut trained and tested on, where that was asked for.
    refusals
        Why the source can't be migrated as it is, with these options.
    """

    project: DlcProject
    videos: tuple[SurveyedVideo, ...]
    deep_image_max: dict[str, int] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    merged: tuple[DlcProject, ...] = ()
    decisions: tuple[Decision, ...] = ()
    split: Split | None = None
    refusals: tuple[Finding, ...] = ()


def survey(source: Path, options: Options) -> Survey:
    """Read a source without writing anything.

    Raises
    ------
    SourceRefused
        The source is no DeepLabCut project. What stands against migrating a project is in the survey instead, so that
        all of it is told at once.
    """
    project = read_project(source)
    merged = tuple(read_project(other) for other in options.merge)
    projects = (project, *merged)
    findings = [finding for each in projects for finding in (*each.findings, *sessions_not_listed(each))]
    found = _find_all_videos(projects, options, findings)
    with ThreadPoolExecutor(4) as pool:
        measured = list(pool.map(lambda pair: _measure(*pair), found))
    for _, finding in measured:
        findings += finding
    deep: dict[str, int] = {}
    for session in (session for each in projects for session in each.sessions):
        if value := _deepest_value(session):
            deep[session.name] = max(value, deep.get(session.name, 0))
    decisions = images_in_conflict(projects) if merged else []
    refusals = [finding for each in projects for finding in each.refusals]
    split = None
    try:
        split = _read_split(project, options, findings)
    except DecisionNeeded as error:
        decisions += [Decision(each.code, each.subject, each.message, (), each.hint) for each in error.findings]
    except SourceRefused as error:
        refusals += error.findings
    videos = tuple(video for video, _ in measured)
    return Survey(project, videos, deep, tuple(findings), merged, tuple(decisions), split, tuple(refusals))


def _find_all_videos(
    projects: Sequence[DlcProject], options: Options, findings: list[Finding]
) -> list[tuple[str, Path]]:
    """Return the videos of all projects; of two with one name the first project's."""
    found: dict[str, tuple[str, Path]] = {}
    for project in projects:
        for stem, path in find_videos(project, options, findings):
            found.setdefault(spelled(stem), (stem, path))
    return [found[key] for key in sorted(found)]


def _read_split(project: DlcProject, options: Options, findings: list[Finding]) -> Split | None:
    """Return the split that was asked for.

    Raises
    ------
    DecisionNeeded
        It is not there, or several are called so.
    SourceRefused
        It can't be read, or its frames can't be told for certain: a wrong test set would be worse than none.
    """
    if options.split is None:
        return None
    file = choose_split(list_splits(project.root, project.config), project.config, options.split)
    try:
        split = read_split(file, project.sessions, project.config)
    except UnreadableFile as error:
        raise SourceRefused(*error.findings) from error
    if not split.verified:
        raise SourceRefused(*by_severity([replace(each, severity=Severity.ERROR) for each in split.findings]))
    findings += split.findings
    return split


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
