"""One picture of the source: what the DLC wing read, joined with what the video wing measured. Only reads."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path

from dlc2lp.dlc.framenames import parse_frame_name
from dlc2lp.dlc.locate import LocatedProject
from dlc2lp.dlc.project import DlcProject, read_project
from dlc2lp.dlc.session import DlcSession
from dlc2lp.dlc.splits import Split, choose_split, list_splits, read_split
from dlc2lp.errors import DecisionNeeded, SourceRefused, UnreadableFile, VideoFailed
from dlc2lp.events import Watch
from dlc2lp.model import Finding, ImageInfo, Severity, VideoInfo, by_severity
from dlc2lp.options import CropChoice, Options
from dlc2lp.survey.compare_images import Pair, tie_all
from dlc2lp.survey.find_videos import find_videos, pair_names, sessions_not_listed, spelled
from dlc2lp.survey.folders import prefix_name, split_folder
from dlc2lp.survey.merging import images_in_conflict
from dlc2lp.survey.session_ties import Picture, SessionTie, by_session
from dlc2lp.threads import in_threads
from dlc2lp.video.encoding import Treatment, choose
from dlc2lp.video.framing import CropHint
from dlc2lp.video.pictures import max_value
from dlc2lp.video.probe import probe

_PROBED_AT_A_TIME = 4


@dataclass(frozen=True)
class SurveyedVideo:
    """A video that is to be migrated, and what it needs."""

    path: Path  #: Where it lies.
    stem: str  #: The name by which DeepLabCut ties it to a ``labeled-data`` folder.
    #: What it holds and the cheapest way to make it what Lightning Pose needs; None if it can't be read.
    info: VideoInfo | None
    treatment: Treatment | None
    session: str = ""  #: The session that it belongs to; empty if to none.
    #: Which of its frames that session's images are; None if there is nothing to compare, or it was not possible.
    tie: SessionTie | None = None
    picture: Picture = field(default_factory=Picture)  #: What of its picture the target shows.


@dataclass(frozen=True)
class Survey:
    """Everything that planning needs to know of the source."""

    project: DlcProject  #: What lies on disk.
    videos: tuple[SurveyedVideo, ...]  #: The videos to migrate, sorted by name.
    #: For sessions with 16-bit images: the largest pixel value, which decides how they become 8-bit.
    deep_image_max: dict[str, int] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()  #: What was odd, the project's own findings included.
    merged: tuple[DlcProject, ...] = ()  #: Further projects whose sessions join those of the source.
    questions: tuple[Finding, ...] = ()  #: Questions that came up while looking.
    split: Split | None = None  #: Which frames DeepLabCut trained and tested on, where that was asked for.
    refusals: tuple[Finding, ...] = ()  #: Why the source can't be migrated as it is, with these options.

    @cached_property
    def ties(self) -> dict[str, SessionTie]:
        """Which frames of its video each session's images are, as far as that is known."""
        return by_session(video.tie for video in self.videos if video.tie is not None)


def survey(
    source: Path | LocatedProject,
    options: Options,
    known: Mapping[str, SessionTie] | None = None,
    watch: Watch | None = None,
) -> Survey:
    """Read a source without writing anything; ``known`` are ties that an earlier plan found, by session.

    Raises SourceRefused where the source is no DeepLabCut project, and Interrupted where the watch says so. What stands
    against migrating a project is in the survey instead, so that all of it is told at once.
    """
    project = read_project(source)
    merged = tuple(read_project(other) for other in options.merge)
    projects = (project, *merged)
    findings = [finding for each in projects for finding in (*each.findings, *sessions_not_listed(each))]
    videos = _measure_videos(projects, options, known or {}, findings, watch or Watch())
    deep: dict[str, int] = {}
    for session in (session for each in projects for session in each.sessions):
        if value := _deepest_value(session):
            deep[session.name] = max(value, deep.get(session.name, 0))
    questions = images_in_conflict(projects) if merged else []
    refusals = [finding for each in projects for finding in each.refusals]
    split = None
    try:
        split = _read_split(project, options.split, findings)
    except DecisionNeeded as error:
        questions += error.findings
    except SourceRefused as error:
        refusals += error.findings
    return Survey(project, tuple(videos), deep, tuple(findings), merged, tuple(questions), split, tuple(refusals))


def _read_split(project: DlcProject, name: str | None, findings: list[Finding]) -> Split | None:
    """Return the split that was asked for.

    Raises DecisionNeeded where it is not there or several are called so, and SourceRefused where it can't be read or
    its frames can't be told for certain: a wrong test set would be worse than none.
    """
    if name is None:
        return None
    file = choose_split(list_splits(project.root, project.config), project.config, name)
    try:
        split = read_split(file, project.sessions, project.config)
    except UnreadableFile as error:
        raise SourceRefused(*error.findings) from error
    if not split.verified:
        raise SourceRefused(*by_severity([replace(each, severity=Severity.ERROR) for each in split.findings]))
    findings += split.findings
    return split


def _measure_videos(
    projects: Sequence[DlcProject],
    options: Options,
    known: Mapping[str, SessionTie],
    findings: list[Finding],
    watch: Watch,
) -> list[SurveyedVideo]:
    """Count the frames of all videos, and find out which of them the labeled images are."""
    found: dict[str, tuple[str, Path]] = {}  # of two with one name that of the first project
    for project in projects:
        for stem, path in find_videos(project, options.videos, options.video_roots, findings):
            found.setdefault(spelled(stem), (stem, path))
    wanted = [found[key] for key in sorted(found)]
    measured = in_threads(partial(_measure, stop=watch.stop), wanted, _PROBED_AT_A_TIME)
    for _, faults in measured:
        findings += faults
    videos = _with_sessions([video for video, _ in measured], projects)
    images, hints = _images_of(projects), _crop_hints(projects)
    pairs = [
        Pair(video.session, tuple(images[video.session]), video.info, hints.get(video.stem))
        for video in videos
        if video.info is not None and images.get(video.session)
    ]
    ties = by_session(tie_all(pairs, known, findings, watch))
    return [_as_shown(replace(video, tie=ties.get(video.session)), options.crop) for video in videos]


def _measure(stem_and_path: tuple[str, Path], *, stop: threading.Event) -> tuple[SurveyedVideo, tuple[Finding, ...]]:
    stem, path = stem_and_path
    try:
        info = probe(path, stop=stop)
    except VideoFailed as error:
        return SurveyedVideo(path, stem, None, None), error.findings
    return SurveyedVideo(path, stem, info, choose(info)), ()


def _images_of(projects: Sequence[DlcProject]) -> dict[str, list[ImageInfo]]:
    """Return the images of each session of the target, random sub-crops left out; of two with one name the first."""
    images: dict[str, dict[str, ImageInfo]] = {}
    for folder in (folder for project in projects for folder in project.sessions):
        whole = [image for name, image in folder.images.items() if name not in folder.random_crops]
        for session, group in split_folder(folder.name, whole).items():
            for image in group:
                images.setdefault(session, {}).setdefault(image.path.name, image)
    return {session: list(group.values()) for session, group in images.items()}


def _with_sessions(videos: Sequence[SurveyedVideo], projects: Sequence[DlcProject]) -> list[SurveyedVideo]:
    """Give each video the session of its name; where a folder is several sessions, by the prefix of their images."""
    images = _images_of(projects)
    folders = {folder.name for project in projects for folder in project.sessions}
    names = {session: session for session in (*images, *folders)}
    for session, group in images.items():
        if session not in folders:
            names.setdefault(prefix_name(parse_frame_name(group[0].path.name)), session)
    pairs = pair_names([video.stem for video in videos], names)
    return [replace(video, session=names[pairs[video.stem]] if video.stem in pairs else "") for video in videos]


def _crop_hints(projects: Sequence[DlcProject]) -> dict[str, CropHint]:
    """Return the crop that the configuration names for each video; it alone does not say that it was used."""
    entries = [entry for project in projects if project.config for entry in project.config.video_sets]
    return {entry.stem: entry.crop for entry in reversed(entries) if entry.crop}


def _as_shown(video: SurveyedVideo, choice: CropChoice) -> SurveyedVideo:
    """Decide on what the target shows of a video's picture, and so on what the video needs."""
    if video.tie is None or video.info is None:
        return video
    picture = video.tie.picture
    if choice == "never":
        picture = replace(picture, crop=None)
    treatment = choose(video.info, crop=picture.crop, turn_deg=picture.turn_deg)
    return replace(video, picture=picture, treatment=treatment)


def _deepest_value(session: DlcSession) -> int:
    """Return the largest pixel value of a session's 16-bit images; 0 where all are 8-bit."""
    deep = [image.path for image in session.images.values() if image.bits_per_channel > 8]
    return max(map(max_value, deep), default=0)
