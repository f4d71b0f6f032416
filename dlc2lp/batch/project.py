"""Plans one project of an archive; whatever goes wrong with it stays with it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from dlc2lp.batch.index import Entry
from dlc2lp.batch.planning import Request, check_options
from dlc2lp.batch.run import fault, plan_digest
from dlc2lp.codec import to_line
from dlc2lp.errors import DecisionNeeded, Dlc2LpError, Interrupted, UsageError
from dlc2lp.migration import folders_of_individuals, store_plan
from dlc2lp.model import Finding, Severity, by_severity
from dlc2lp.options import Options
from dlc2lp.run.target import is_same_folder
from dlc2lp.survey.cameras import camera_projects, has_views, three_d_config
from dlc2lp.survey.ties import SessionTie


@dataclass(frozen=True)
class Task:
    """One project to plan.

    Attributes
    ----------
    number
        Its place in the list of projects.
    project, target
        Its path relative to the root, and its target's relative to OUT.
    request
        What is asked, with the decisions about this project alone.
    """

    number: int
    project: str
    target: str
    request: Request


def plan_project(task: Task, stop: threading.Event | None = None) -> tuple[int, list[str]]:
    """Plan one project and write its plan; whatever goes wrong is a finding of its entry.

    Returns
    -------
    tuple
        The task's number, and the index's lines for the project.

    Raises
    ------
    Interrupted
        ``stop`` was set.
    """
    return task.number, [to_line(entry) for entry in _entries_or_refusal(task, stop)]


def _entries_or_refusal(task: Task, stop: threading.Event | None) -> list[Entry]:
    try:
        return _entries(task, stop)
    except DecisionNeeded as error:
        return [replace(_refused(task, error.findings), state="needs-decision")]
    except Interrupted:
        raise
    except Dlc2LpError as error:
        return [_refused(task, error.findings)]
    except OSError as error:
        return [_refused(task, [_unreadable(task, error)])]
    except UnicodeEncodeError:
        finding = Finding(
            Severity.ERROR,
            "name-not-text",
            task.project,
            "a name in it holds bytes that are no text, and Lightning Pose's files are text",
            advice="rename the folders and files, for example with convmv, and plan again",
        )
        return [_refused(task, [finding])]
    except Exception as error:  # noqa: BLE001  a fault of dlc2lp that one project brings up must not stop the others
        return [_refused(task, [fault(task.project, error)])]


def _unreadable(task: Task, error: OSError) -> Finding:
    """Return the finding for a project, or for its target, that may not be read."""
    where = f" ({error.filename})" if error.filename else ""
    is_target = Path(str(error.filename)).is_relative_to(task.request.out)
    return Finding(
        Severity.ERROR,
        "target-unreadable" if is_target else "source-unreadable",
        task.target if is_target else task.project,
        f"could not be read: {error.strerror or error}{where}",
        advice="get the permission to read it, " + ("" if is_target else "or copy it anew, ") + "and plan again",
    )


def _refused(task: Task, findings: Iterable[Finding]) -> Entry:
    source = task.request.root / task.project
    return Entry(task.project, str(source), task.target, "refused", findings=tuple(by_severity(list(findings))))


def _entries(task: Task, stop: threading.Event | None) -> list[Entry]:
    request = task.request
    source: Path | None = request.root / task.project
    out = request.out
    if request.decisions.skips(task.project):
        return [Entry(task.project, str(source), task.target, "skipped")]
    options = request.decisions.apply(task.project, request.options, request.root)
    _check_paths(task, options)
    check_options(options)
    if options.views and three_d_config(request.root / task.project) is None:
        _check_views(task, options)
        source = None
    is_single = not has_views(source, options)
    if is_single:
        options = _of_single_camera(options, request.options)
    folders: dict[str, Path] = {}
    if source is not None and options.individuals == "split" and is_single:
        folders = _folders(task, source, options)
        options = options if folders else replace(options, individuals="auto")
    if not folders:
        plan = store_plan(source, out / task.target, _with_data_dir(options, task.target), stop=stop)
        entry = Entry.of_plan(task.project, task.target, plan, plan_digest(plan.to_text()))
        return [replace(entry, cameras=_cameras(task, source, options) if plan.views else ())]
    targets = {name: f"{task.target}/{folder.name}" for name, folder in folders.items()}
    entries: list[Entry] = []
    ties: tuple[SessionTie, ...] = ()
    for name, target in targets.items():
        chosen = replace(_with_data_dir(options, target), individuals=name)
        plan = store_plan(source, out / target, chosen, known=ties, stop=stop)
        ties = plan.ties  # what the first one finds out about the videos serves the others
        twins = [other for other in targets.values() if other != target]
        digest = plan_digest(plan.to_text())
        entries.append(Entry.of_plan(task.project, target, plan, digest, individual=name, twins=twins))
    return entries


def _folders(task: Task, source: Path, options: Options) -> dict[str, Path]:
    """Return the target of each individual.

    Where all projects of an archive are to be split, one that labels a single animal is not: then there is none.

    Raises
    ------
    UsageError
        ``no-individuals``: it was decided of this very project, and there is nothing to split.
    """
    try:
        return folders_of_individuals(source, task.request.out / task.target, options)
    except UsageError as error:
        is_for_all = "individuals" not in task.request.decisions.options.get(task.project, {})
        if is_for_all and error.findings[0].code == "no-individuals":
            return {}
        raise


def _check_paths(task: Task, options: Options) -> None:
    """Refuse decided paths that the command line would refuse.

    Raises
    ------
    UsageError
        ``decision-invalid``.
    """
    given = task.request.decisions.options.get(task.project, {})
    own = task.request.root / task.project
    faults = [
        *(
            ("video-root", path, "an existing folder")
            for path in options.video_roots
            if {"video-root", "video_root"} & given.keys() and not path.is_dir()
        ),
        *(("calibration", path, "an existing file or folder") for path in options.calibration if not path.exists()),
        *(("merge", path, "another project than this one") for path in options.merge if is_same_folder(path, own)),
    ]
    for name, path, expected in faults:
        raise UsageError.of(
            "decision-invalid",
            task.project,
            f"found {str(path)!r} for {name}, expected {expected}",
            where="decisions file",
            advice="correct it; paths are relative to the archive",
        )


def _check_views(task: Task, options: Options) -> None:
    """Refuse views of other projects alone: nobody would look for their target under this project's name.

    Raises
    ------
    UsageError
        ``decision-invalid``.
    """
    own = Path(os.path.normpath(task.request.root / task.project))
    if own not in {Path(os.path.normpath(path)) for _, path in options.views}:
        raise UsageError.of(
            "decision-invalid",
            task.project,
            f"found the views {', '.join(str(path) for _, path in options.views)}, expected this project among them",
            where="decisions file",
            advice="write `view` under one of the projects that are its cameras, and `skip: true` under the others",
        )


def _of_single_camera(options: Options, common: Options) -> Options:
    """Drop what is said of cameras for the whole archive: only said of this very project, it would be a mistake."""
    return replace(
        options,
        square_size=None if options.square_size == common.square_size else options.square_size,
        calibration=() if options.calibration == common.calibration else options.calibration,
    )


def _cameras(task: Task, source: Path | None, options: Options) -> tuple[str, ...]:
    """Return the archive's other projects that are cameras of this one, relative to the root."""
    root = os.path.realpath(task.request.root)
    keys = (
        PurePosixPath(Path(os.path.relpath(os.path.realpath(path), root)).as_posix())
        for path in camera_projects(source, options)
    )
    return tuple(sorted({str(key) for key in keys if ".." not in key.parts} - {task.project}))


def _with_data_dir(options: Options, target: str) -> Options:
    """Return the options for one target: ``data_dir`` is where OUT will lie."""
    if options.data_dir is None:
        return options
    return replace(options, data_dir=f"{options.data_dir.rstrip('/')}/{target}")
