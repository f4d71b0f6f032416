"""One picture of several cameras: which project holds which camera, and which of its folders are one recording.

Three ways in: one DeepLabCut project per camera (``--view``), one project that holds all (``--view-pattern``), and a
DeepLabCut 3D project, which names its cameras. Only reads.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dlc2lp.dlc.config import DlcConfig
from dlc2lp.dlc.locate import LocatedProject, locate_project, open_project
from dlc2lp.dlc.project3d import Dlc3dProject, read_3d_project
from dlc2lp.errors import UsageError
from dlc2lp.events import Watch
from dlc2lp.model import Finding, Remedy, Setting, Severity, question
from dlc2lp.options import Options
from dlc2lp.survey.calibrations import FoundCalibrations, find_calibrations
from dlc2lp.survey.labels import AnimalLabels, animal_labels
from dlc2lp.survey.project import Survey, survey
from dlc2lp.survey.session_ties import SessionTie
from dlc2lp.survey.source import Source, View
from dlc2lp.survey.view_pattern import COMMON_PATTERNS, ViewTable, apply_pattern, parse_view_pattern, split_by_camera

_PATTERN = Setting("view-pattern")


def has_views(source: LocatedProject | None, options: Options) -> bool:
    """Whether a multi-view project is asked for."""
    # An empty pattern is a pattern that fits nothing: the script's variable that should hold one was not set.
    asked = bool(options.views) or options.view_pattern is not None
    return asked or (source is not None and source.is_3d)


def camera_projects(source: LocatedProject | None, options: Options) -> tuple[LocatedProject, ...]:
    """Return the cameras' projects, where each camera has one of its own."""
    if source is None or source.config is None or not source.is_3d:
        return tuple(open_project(path) for _, path in options.views)
    project = _three_d_project(source.root, source.config, options.views, options.video_roots)
    return tuple(open_project(camera.config_path) for camera in project.cameras if camera.config_path)


def _three_d_project(
    root: Path, config: DlcConfig, views: Sequence[tuple[str, Path]], video_roots: Sequence[Path]
) -> Dlc3dProject:
    """Read a 3D project; views that a person named stand in for the cameras' recorded projects."""
    unknown = [name for name, _ in views if name not in config.camera_names]
    if unknown:
        found = f"found {', '.join(unknown)}, expected cameras of {config.path}: {', '.join(config.camera_names)}"
        raise UsageError.of("bad-views", "--view", found)
    located = {name: locate_project(path) for name, path in views}
    given = {name: path or folder for name, (folder, path) in located.items()}
    return read_3d_project(root, config, tuple(video_roots), given)


def survey_views(
    source: LocatedProject | None,
    options: Options,
    known: Iterable[SessionTie] = (),
    watch: Watch | None = None,
) -> Source:
    """Read the projects of all cameras; see :func:`~dlc2lp.survey.look.look`.

    The source is the project that holds all cameras, or a DeepLabCut 3D project; None where each camera has one of its
    own. Beside a 3D project, views name the projects of its cameras in place of those that it records.
    """
    _check_options(source, options)
    reader = _Reader(options, tuple(known), watch or Watch())
    if source is not None and source.is_3d and source.config is not None:
        joined = reader.three_d(_three_d_project(source.root, source.config, options.views, options.video_roots))
        return replace(joined, config=source.config.content)
    if options.views:
        return reader.one_project_each(list(options.views))
    if source is None:  # _check_options has refused it
        raise AssertionError("neither a source nor views")
    return reader.one_project(source)


def _check_options(source: LocatedProject | None, options: Options) -> None:
    found = ""
    if options.views and source is not None and not source.is_3d:
        found = (
            f"found the source {source.root} beside --view NAME=SOURCE, which names the sources; "
            "only a DeepLabCut 3D project may stand beside them"
        )
    elif options.merge:
        found = "found --merge beside several views; merge each camera's projects in DeepLabCut, or label them by view"
    elif options.individuals == "split":
        found = "found --individuals split beside several views; choose one individual or flatten them"
    elif len(options.views) == 1 and source is None:
        found = f"found one view ({options.views[0][0]}), expected two or more"
    elif len({name for name, _ in options.views}) < len(options.views):
        found = f"found a view twice: {', '.join(name for name, _ in options.views)}"
    if found:
        raise UsageError.of("bad-views", "--view", found)
    if source is None:  # the cameras of a 3D project may well share one, which tells them apart by its folders' names
        _check_unlike(options.views)


def _check_unlike(views: Sequence[tuple[str, Path]]) -> None:
    """Refuse one project for two cameras: each label would count for both."""
    names: dict[str, str] = {}
    for name, path in views:
        other = names.setdefault(os.path.realpath(locate_project(path)[0]), name)
        if other != name:
            found = f"found the same project for {other} and {name}: {path}"
            advice = "if it holds both cameras, give it as SOURCE with {}, which says how its folders are called"
            ways = (Setting("view-pattern", ("'{session}_{view}'",)),)
            raise UsageError.of("same-project-twice", "--view", found, advice=advice, remedies=ways)


@dataclass(frozen=True)
class _Reader:
    """Reads projects, each once."""

    options: Options
    known: tuple[SessionTie, ...]
    watch: Watch

    def read(self, source: Path | LocatedProject, views: Sequence[str]) -> tuple[Survey, AnimalLabels]:
        """Read one project; what is known of the given views is taken over."""
        known = [tie for tie in self.known if tie.view in views or not views]
        seen = survey(source, self.options, known, self.watch)
        return seen, animal_labels(seen, self.options)

    def one_project_each(
        self, sources: Sequence[tuple[str, Path]], calibrated: FoundCalibrations | None = None
    ) -> Source:
        """Each camera has a project of its own; its calibrations are looked for beside them, where none are given."""
        read = {name: self.read(path, [name]) for name, path in sources}
        folders = {name: _folders(seen) for name, (seen, _) in read.items()}
        sessions, asked = sessions_of_projects(folders, self.options.view_pattern)
        views, outsiders = [], []
        for name, (seen, labels) in read.items():
            views.append(_view(name, seen, _told_of(name, labels), sessions[name]))
            outsiders += _outsiders(labels, set(sessions[name]))
        roots = [seen.project.root for seen, _ in read.values()]
        calibrated = calibrated or find_calibrations(
            self.options.calibration, self.options.square_size, roots, list(read)
        )
        return self._joined(views, calibrated, asked, outsiders)

    def one_project(self, source: LocatedProject) -> Source:
        """One project holds all cameras, told apart by a pattern of names."""
        seen, labels = self.read(source, ())
        table = apply_pattern(parse_view_pattern(self.options.view_pattern or ""), _folders(seen))
        return self._of_table(
            seen,
            labels,
            table,
            find_calibrations(self.options.calibration, self.options.square_size, [seen.project.root], table.views),
        )

    def three_d(self, project: Dlc3dProject) -> Source:
        """A 3D project names its cameras and the projects that hold their frames."""
        names = [camera.camera for camera in project.cameras]
        calibrated = find_calibrations(
            self.options.calibration, self.options.square_size, [project.root], names, project.calibration
        )
        # What is odd about its own calibration is told only where that is the one that is used.
        findings = [each for each in project.findings if each not in project.calibration.findings]
        if len(names) < 2 or any(camera.config_path is None for camera in project.cameras):
            refusals = [each for each in findings if each.severity is Severity.ERROR]
            for_all = calibrated.calibrations.for_all
            told = (*findings, *calibrated.findings, *(for_all.findings if for_all else ()))
            refused = (*refusals, *calibrated.refusals)
            return Source((), calibrated.calibrations, told, calibrated.questions, refused)
        paths = {camera.camera: camera.config_path for camera in project.cameras if camera.config_path}
        if project.is_shared:
            seen, labels = self.read(next(iter(paths.values())), ())
            found = self._of_table(seen, labels, self._by_camera(_folders(seen), list(paths)), calibrated)
        else:
            found = self.one_project_each(list(paths.items()), calibrated)
        return replace(found, findings=(*findings, *found.findings))

    def _by_camera(self, names: Sequence[str], cameras: Sequence[str]) -> ViewTable:
        """Tell the cameras of a shared project apart as DeepLabCut does, or as a person says."""
        if self.options.view_pattern is None:
            return split_by_camera(names, cameras)
        return apply_pattern(parse_view_pattern(self.options.view_pattern).with_views(cameras), names)

    def _of_table(self, seen: Survey, labels: AnimalLabels, table: ViewTable, calibrated: FoundCalibrations) -> Source:
        """Make views of one project by a table of its names."""
        views = [
            _view(name, seen, labels, {place.name: place.session for place in table.placed if place.view == name})
            for name in table.views
        ]
        outsiders = _outsiders(labels, {place.name for place in table.placed})
        return self._joined(views, calibrated, table.questions, outsiders)

    def _joined(
        self,
        views: Sequence[View],
        calibrated: FoundCalibrations,
        asked: Sequence[Finding],
        outsiders: Sequence[tuple[str, int, int]],
    ) -> Source:
        joined = Source(tuple(views), calibrated.calibrations, (), (), (), tuple(outsiders))
        told = [finding for _, labels in joined.surveys for finding in labels.findings]
        of_each = [
            replace(asked, remedies=tuple(map(_without_split, asked.remedies)))
            for _, labels in joined.surveys
            for asked in labels.questions
        ]
        refused = [finding for _, labels in joined.surveys for finding in labels.refusals]
        return replace(
            joined,
            findings=(*calibrated.findings, *told),
            questions=tuple(dict.fromkeys((*calibrated.questions, *asked, *of_each))),
            refusals=(*calibrated.refusals, *refused),
        )


def _without_split(remedy: Remedy) -> Remedy:
    """Return a question's remedy without the answer that several cameras rule out."""
    if not isinstance(remedy, Setting) or remedy.option != "individuals":
        return remedy
    return replace(remedy, values=tuple(value for value in remedy.values if value != "split"))


def _told_of(view: str, labels: AnimalLabels) -> AnimalLabels:
    """Say with everything that came up in a camera's project which camera that is."""

    def of_view(findings: Iterable[Finding]) -> tuple[Finding, ...]:
        return tuple(replace(finding, subject=f"{view}: {finding.subject}") for finding in findings)

    findings, refusals, questions = map(of_view, (labels.findings, labels.refusals, labels.questions))
    return replace(labels, findings=findings, refusals=refusals, questions=questions)


def _folders(seen: Survey) -> list[str]:
    """Return the names that tell recordings and cameras apart: of folders, and of videos without one."""
    folders = [folder.name for folder in seen.project.sessions]
    return list(dict.fromkeys([*folders, *(video.stem for video in seen.videos if not video.session)]))


def _view(name: str, seen: Survey, labels: AnimalLabels, sessions: Mapping[str, str]) -> View:
    """Return a view; where a folder became several sessions, these follow the folder."""
    videos = {
        video.stem: sessions[key]
        for video in seen.videos
        if (key := video.session or video.stem) in sessions or (key := video.stem) in sessions
    }
    return View(name, seen, labels, sessions, videos)


def _outsiders(labels: AnimalLabels, placed: set[str]) -> list[tuple[str, int, int]]:
    found = []
    for chosen in labels.project.sessions:
        if chosen.session.name not in placed and chosen.labels is not None:
            labelled = chosen.labels.labelled
            found.append((chosen.session.name, int(labelled.sum()), int(labelled.any(axis=(1, 2)).sum())))
    return [each for each in found if each[1]]


def sessions_of_projects(
    names: Mapping[str, Sequence[str]], pattern: str | None
) -> tuple[dict[str, dict[str, str]], list[Finding]]:
    """Find out which folders of several cameras' projects are one recording: view -> (name -> recording).

    They are called alike in all projects, or alike but for the camera's name, or by the pattern that a person gave;
    where each project has a single recording, it is the same. A question comes with it where no recording has two
    cameras. ``names`` holds the folders and videos of each view's project.
    """
    if pattern is not None:
        ways: list[dict[str, dict[str, str]]] = [_by_pattern(names, pattern)]
    else:
        plain = {view: {name: name for name in found} for view, found in names.items()}
        ways = [plain, _without_cameras(names)]
        if all(len(found) == 1 for found in names.values()):
            only = next(iter(_without_cameras(names).values()))
            recording = next(iter(only.values()))
            ways.append({view: dict.fromkeys(found, recording) for view, found in names.items()})
    best = max(ways, key=_n_shared)
    twice = [_twice(view, found) for view, found in best.items() if len(set(found.values())) < len(found)]
    if _n_shared(best):
        return best, twice
    listed = "; ".join(f"{view}: {', '.join(list(found)[:5])}" for view, found in names.items())
    message = f"found no recording that two cameras have, by the names of their folders and videos ({listed})"
    advice = "{}, which says how the names are made up, for example '{session}_{view}'"
    fitting = tuple(text for text in COMMON_PATTERNS if pattern is None and _joins(_by_pattern(names, text)))
    return best, [question("no-common-session", ", ".join(names), message, advice, (_PATTERN,), fitting)]


def _joins(sessions: Mapping[str, Mapping[str, str]]) -> bool:
    """Whether recordings of several cameras come of it, none of which a camera has twice."""
    return _n_shared(sessions) > 0 and all(len(set(found.values())) == len(found) for found in sessions.values())


def _twice(view: str, sessions: Mapping[str, str]) -> Finding:
    """Ask which of several folders of one camera is a recording's."""
    names: dict[str, list[str]] = {}
    for name, session in sessions.items():
        names.setdefault(session, []).append(name)
    session, found = next((session, found) for session, found in names.items() if len(found) > 1)
    message = f"{', '.join(found)} would all be the recording {session} of the camera {view}"
    return question("session-twice", view, message, "{}, which says how the names are made up", (_PATTERN,))


def _by_pattern(names: Mapping[str, Sequence[str]], text: str) -> dict[str, dict[str, str]]:
    parsed = parse_view_pattern(text)
    return {
        view: {
            name: next((place.session for place in ways if place.view == view), ways[0].session)
            for name in listed
            if (ways := parsed.readings(name))
        }
        for view, listed in names.items()
    }


def _without_cameras(names: Mapping[str, Sequence[str]]) -> dict[str, dict[str, str]]:
    """Return each name without that of its camera."""
    return {
        view: {name: name for name in listed}
        | {place.name: place.session for place in split_by_camera(listed, [view]).placed}
        for view, listed in names.items()
    }


def _n_shared(sessions: Mapping[str, Mapping[str, str]]) -> int:
    """Return how many recordings have at least two cameras."""
    cameras: dict[str, set[str]] = {}
    for view, found in sessions.items():
        for session in found.values():
            cameras.setdefault(session, set()).add(view)
    return sum(len(views) > 1 for views in cameras.values())
