"""Plans one project of an archive; whatever goes wrong with it stays with it."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from dlc2lp.batch.decisions import invalid
from dlc2lp.batch.index import EntryState, IndexEntry
from dlc2lp.batch.planning import Request, check_options
from dlc2lp.codec import to_line
from dlc2lp.dlc.locate import LocatedProject, open_project
from dlc2lp.each_individual import propose_each_seen, survey_for_each
from dlc2lp.errors import DecisionNeeded, Interrupted, disk_error, explained, fault, reason
from dlc2lp.events import Ending, Event, Watch
from dlc2lp.migration import propose_seen, store, survey_source
from dlc2lp.model import Finding, Severity, by_severity
from dlc2lp.options import Options
from dlc2lp.planning.plan import Count, Plan
from dlc2lp.run.target import is_same_folder
from dlc2lp.survey.cameras import camera_projects, has_views
from dlc2lp.survey.source import Source

#: What to do about a fault of dlc2lp that one project brings up.
REPORT_IT = "please report it with the output of `dlc2lp inspect` on this project"


@dataclass(frozen=True)
class Task:
    """One project to plan."""

    number: int  #: Its place in the list of projects.
    #: Its path relative to the root, and its target's relative to OUT.
    project: str
    target: str
    request: Request  #: What is asked, with the decisions about this project alone.


def plan_project(task: Task, stop: threading.Event | None = None) -> tuple[int, list[str], Event]:
    """Plan one project and write its plan; whatever goes wrong is a finding of its entry.

    Return the task's number, the index's lines for the project, and how it ended.
    """
    entries = _entries_or_refusal(task, Watch(stop=stop))
    endings: dict[str, Ending] = {"planned": "done", "skipped": "skipped"}
    ending = Event("ended", "project", task.project, state=endings.get(entries[0].state, "failed"))
    return task.number, list(map(to_line, entries)), ending


def _entries_or_refusal(task: Task, watch: Watch) -> list[IndexEntry]:
    planner = _Planner(task, watch)
    try:
        return planner.entries()
    except Interrupted:
        raise
    except Exception as error:  # noqa: BLE001  a fault of dlc2lp that one project brings up must not stop the others
        state: EntryState = "needs-decision" if isinstance(error, DecisionNeeded) else "refused"
        findings = tuple(by_severity(_why(task, error)))
        source = str(task.request.root / task.project)
        return [IndexEntry(task.project, source, task.target, state, findings=findings, counts=planner.counts)]


def _why(task: Task, error: Exception) -> list[Finding]:
    """Return why a project is not planned."""
    if isinstance(error, OSError) and disk_error(error) is None:
        return [_unreadable(task, error)]
    told = explained(error, task.project)
    return [fault(task.project, error, REPORT_IT)] if told is None else list(told.findings)


def _unreadable(task: Task, error: OSError) -> Finding:
    """Return the finding for a project, or for its target, that may not be read."""
    code, subject, other_way = "source-unreadable", task.project, "or copy it anew, "
    if Path(str(error.filename)).is_relative_to(task.request.out):
        code, subject, other_way = "target-unreadable", task.target, ""
    advice = f"get the permission to read it, {other_way}and plan again"
    return Finding(Severity.ERROR, code, subject, f"could not be read: {reason(error)}", advice=advice)


class _Planner:
    """Plans one project, and knows what it holds as soon as that was surveyed, whatever becomes of it."""

    def __init__(self, task: Task, watch: Watch) -> None:
        self._task, self._watch = task, watch
        self._seen: Source | None = None

    @property
    def counts(self) -> dict[str, Count]:
        """What the project holds, none of which arrives; nothing where that is not known."""
        if self._seen is None:
            return {}
        held = {"labeled_frames": self._seen.n_labeled_frames, "labeled_cells": self._seen.n_labeled_cells}
        return {name: Count(source=n, written=0, left_out=n) for name, n in held.items()}

    def entries(self) -> list[IndexEntry]:
        """Return the lines of its targets; what stands against it is raised."""
        task, request = self._task, self._task.request
        if request.decisions.skips(task.project):
            return [IndexEntry(task.project, str(request.root / task.project), task.target, "skipped")]
        options = request.decisions.apply(task.project, request.options, request.root)
        _check_paths(task, options)
        check_options(options)
        source: LocatedProject | None = open_project(request.root / task.project)
        if options.views and not (source and source.is_3d):
            _check_views(task, [path for _, path in options.views])
            source = None
        is_single = not has_views(source, options)
        if is_single:
            options = _of_single_camera(options, request.options)
        target = request.out / task.target
        options = options.inside(task.target)  # a data_dir says where OUT will lie
        if options.individuals == "split" and is_single and source is not None:
            return self._of_individuals(source, target, options)
        self._seen = survey_source(source, target, options, watch=self._watch)
        return [_planned(task, source, options, store(propose_seen(self._seen, target, options)))]

    def _of_individuals(self, source: LocatedProject, target: Path, options: Options) -> list[IndexEntry]:
        task = self._task
        self._seen = survey_for_each(source, target, options, watch=self._watch)
        # Where all projects of an archive are to be split, one that labels a single animal is not.
        is_for_all = "individuals" not in task.request.decisions.options.get(task.project, {})
        proposals = propose_each_seen(self._seen, source, target, options, or_whole=is_for_all)
        if "" in proposals:
            return [_planned(task, source, options, store(proposals[""]))]
        targets = {name: f"{task.target}/{Path(each.plan.target).name}" for name, each in proposals.items()}
        return [
            IndexEntry.of_plan(task.project, target, store(proposals[name]), name, [*targets.values()])
            for name, target in targets.items()
        ]


def _planned(task: Task, source: LocatedProject | None, options: Options, plan: Plan) -> IndexEntry:
    entry = IndexEntry.of_plan(task.project, task.target, plan)
    return replace(entry, cameras=_cameras(task, source, options) if plan.views else ())


def _check_paths(task: Task, options: Options) -> None:
    """Refuse decided paths that the command line would refuse."""
    given = task.request.decisions.options.get(task.project, {})
    own = task.request.root / task.project
    faults = [
        *(
            ("video-root", path, "an existing folder")
            for path in options.video_roots
            if {"video-root", "video_root"} & given.keys() and not path.is_dir()
        ),
        *(("calibration", path, "an existing file or folder") for path in options.calibration if not path.exists()),
        *(("labels-from", path, "an existing file or folder") for path in options.labels_from if not path.exists()),
        *(("merge", path, "another project than this one") for path in options.merge if is_same_folder(path, own)),
    ]
    for name, path, expected in faults:
        why = f"found {str(path)!r} for {name}, expected {expected}"
        raise invalid(task.project, why, "correct it; paths are relative to the archive")


def _check_views(task: Task, views: Sequence[Path]) -> None:
    """Refuse views of other projects alone: nobody would look for their target under this project's name."""
    own = Path(os.path.normpath(task.request.root / task.project))
    if own not in {Path(os.path.normpath(path)) for path in views}:
        why = f"found the views {', '.join(map(str, views))}, expected this project among them"
        advice = "write `view` under one of the projects that are its cameras, and `skip: true` under the others"
        raise invalid(task.project, why, advice)


def _of_single_camera(options: Options, common: Options) -> Options:
    """Drop what is said of cameras for the whole archive: only said of this very project, it would be a mistake."""
    return replace(
        options,
        square_size=None if options.square_size == common.square_size else options.square_size,
        calibration=() if options.calibration == common.calibration else options.calibration,
    )


def _cameras(task: Task, source: LocatedProject | None, options: Options) -> tuple[str, ...]:
    """Return the archive's other projects that are cameras of this one, relative to the root."""
    root = os.path.realpath(task.request.root)
    keys = (
        PurePosixPath(Path(os.path.relpath(os.path.realpath(project.root), root)).as_posix())
        for project in camera_projects(source, options)
    )
    return tuple(sorted({str(key) for key in keys if ".." not in key.parts} - {task.project}))
