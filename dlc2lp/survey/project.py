"""One picture of the source: what the DLC wing read, joined with what the video wing measured. Only reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from dlc2lp.dlc.locate import LocatedProject, open_project
from dlc2lp.dlc.project import DlcProject, read_project
from dlc2lp.dlc.session import DlcSession
from dlc2lp.dlc.splits import Split, choose_split, list_splits, read_split
from dlc2lp.errors import DecisionNeeded, SourceRefused, UnreadableFile
from dlc2lp.events import Watch
from dlc2lp.files import absolute, content_of
from dlc2lp.model import Finding, Severity, by_severity
from dlc2lp.options import Options
from dlc2lp.survey.evaluations import Evaluation, read_evaluations
from dlc2lp.survey.find_videos import sessions_not_listed
from dlc2lp.survey.measure_videos import SurveyedVideo, measure_videos
from dlc2lp.survey.merging import images_in_conflict
from dlc2lp.survey.predictions import VideoPredictions, find_predictions
from dlc2lp.survey.session_ties import SessionTie, by_session
from dlc2lp.survey.taken_labels import take_labels
from dlc2lp.video.pictures import max_value


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
    predictions: tuple[VideoPredictions, ...] = ()  #: DeepLabCut's predictions of the videos, by video and network.
    evaluations: tuple[Evaluation, ...] = ()  #: What the same networks predicted for the labeled images.

    @cached_property
    def ties(self) -> dict[str, SessionTie]:
        """Which frames of its video each session's images are, as far as that is known."""
        return by_session(video.tie for video in self.videos if video.tie is not None)


def survey(
    source: Path | LocatedProject,
    options: Options,
    known: Iterable[SessionTie] = (),
    watch: Watch | None = None,
) -> Survey:
    """Read a source without writing anything; ``known`` are ties that an earlier plan found.

    Raises SourceRefused where the source is no DeepLabCut project, and Interrupted where the watch says so. What stands
    against migrating a project is in the survey instead, so that all of it is told at once.
    """
    read, asked = _read_projects([source, *options.merge], options.labels_from)
    project, merged, projects = read[0], tuple(read[1:]), tuple(read)
    findings = [finding for each in projects for finding in (*each.findings, *sessions_not_listed(each))]
    videos, told = measure_videos(projects, options, tuple(known), watch or Watch())
    findings += told
    deep: dict[str, int] = {}
    for session in (session for each in projects for session in each.sessions):
        if value := _deepest_value(session):
            deep[session.name] = max(value, deep.get(session.name, 0))
    questions = [*asked, *(images_in_conflict(projects) if merged else [])]
    refusals = [finding for each in projects for finding in each.refusals]
    split = None
    try:
        split = _read_split(project, options.split, findings)
    except DecisionNeeded as error:
        questions += error.findings
    except SourceRefused as error:
        refusals += error.findings
    seen = Survey(project, tuple(videos), deep, tuple(findings), merged, tuple(questions), split, tuple(refusals))
    return seen if options.predictions == "none" else _with_predictions(seen)


def _with_predictions(seen: Survey) -> Survey:
    """Return the survey with what DeepLabCut's networks predicted."""
    found, told = find_predictions(seen.videos, (seen.project, *seen.merged))
    scorers = [each.name.scorer for each in found if each.name.is_plain]
    evaluations, told_of_images = read_evaluations(seen.project, scorers)
    findings = (*seen.findings, *told, *told_of_images)
    return replace(seen, predictions=tuple(found), evaluations=tuple(evaluations), findings=findings)


def _read_projects(
    sources: Sequence[Path | LocatedProject], labels_from: Sequence[Path]
) -> tuple[list[DlcProject], list[Finding]]:
    """Read all projects, with the label files that a person named in their places, and what is to be decided of these.

    A file that lies in none of the projects counts for the first one.
    """
    located = [each if isinstance(each, LocatedProject) else open_project(each) for each in sources]
    paths = list(map(absolute, labels_from))
    roots = [each.root for each in located]
    apart = [path for path in paths if not path.is_dir() and not any(root in path.parents for root in roots)]
    projects: list[DlcProject] = []
    asked: list[Finding] = []
    for number, each in enumerate(located):
        inside = [path for path in paths if each.root in (path, *path.parents) or path in each.root.parents]
        project = read_project(each, apart if number == 0 else ())
        project, open_questions = take_labels(project, [*inside, *(apart if number == 0 else ())])
        projects.append(project)
        asked += open_questions
    return projects, asked


def _read_split(project: DlcProject, name: str | None, findings: list[Finding]) -> Split | None:
    """Return the split that was asked for.

    Raises DecisionNeeded where it is not there or several are called so, and SourceRefused where it can't be read or
    its frames can't be told for certain: a wrong test set would be worse than none.
    """
    if name is None:
        return None
    file = choose_split(list_splits(project.root, project.config), project.config, name)
    content = content_of(file.path)
    try:
        split = read_split(file, project.sessions, project.config)
    except UnreadableFile as error:
        raise SourceRefused(*error.findings) from error
    if not split.verified:
        raise SourceRefused(*by_severity([replace(each, severity=Severity.ERROR) for each in split.findings]))
    findings += split.findings
    return replace(split, content=content)


def _deepest_value(session: DlcSession) -> int:
    """Return the largest pixel value of a session's 16-bit images; 0 where all are 8-bit."""
    deep = [image.path for image in session.images.values() if image.bits_per_channel > 8]
    return max(map(max_value, deep), default=0)
