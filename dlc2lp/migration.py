"""What a program or a command asks for: inspect, plan, convert, verify.

These functions put the rooms of this wing in their order; every decision is the planner's, every write the
executor's.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from dlc2lp.dlc.project import DlcProject, locate_project, read_project
from dlc2lp.dlc.splits import list_splits
from dlc2lp.errors import (
    EXIT_FAILED,
    EXIT_OK,
    DecisionNeeded,
    Dlc2LpError,
    SourceRefused,
    TargetRefused,
    UsageError,
)
from dlc2lp.files import STATE_FOLDER, write_if_new
from dlc2lp.lp.names import unique_sessions
from dlc2lp.lp.project import register
from dlc2lp.model import Finding, Severity, by_severity
from dlc2lp.options import Options, RunOptions
from dlc2lp.planning.plan import PLAN_FILE, Plan
from dlc2lp.planning.planner import make_plan
from dlc2lp.planning.planner_views import make_views_plan, refuse_open
from dlc2lp.planning.steps import EncodeVideo
from dlc2lp.run.closing import close_target, merge_findings
from dlc2lp.run.execute import SCRATCH, Nobody, Observer, Run, execute
from dlc2lp.run.journal import Journal, State, orphaned
from dlc2lp.run.log import RunLog
from dlc2lp.run.target import (
    check_only_holds,
    check_owner,
    check_place,
    check_room,
    refusals,
    required_plan,
    stored_plan,
)
from dlc2lp.run.verify import SourceLabels, Verification, check_planned_labels, verify_target
from dlc2lp.survey.calibrations import check_calibration_options
from dlc2lp.survey.cameras import camera_projects, has_views, survey_views
from dlc2lp.survey.individuals import labelled_individuals, unique_individual
from dlc2lp.survey.label_files import Decision
from dlc2lp.survey.labels import Decided, decide_labels
from dlc2lp.survey.project import Survey, survey
from dlc2lp.survey.ties import SessionTie, by_session
from dlc2lp.video.ffmpeg import find_ffmpeg
from dlc2lp.wording import counted, one_line


@dataclass(frozen=True)
class Inspection:
    """What a source holds and what would become of it.

    Attributes
    ----------
    surveys
        What was read and measured of each project, and which of its labels count; one project but where several cameras
        have one each.
    decisions
        The open questions.
    plan
        What would be done; None while a question is open or the source is refused.
    findings
        Everything that a person should know, errors first.
    exit_code
        0, or 3 where the source is refused or needs a decision.
    splits
        Names of the train/test splits that the project has.
    cameras
        For each project the cameras that it holds, as the source or the person calls them; empty for a single camera.
    """

    surveys: tuple[tuple[Survey, Decided], ...]
    decisions: tuple[Decision, ...]
    plan: Plan | None
    findings: tuple[Finding, ...]
    exit_code: int
    splits: tuple[str, ...] = ()
    cameras: tuple[tuple[str, ...], ...] = ()

    def __repr__(self) -> str:
        facts = self.plan.facts if self.plan else (counted(len(self.decisions), "open question"),)
        n_findings = counted(len(self.findings), "finding")
        return one_line(self, self.survey.project.root.name, *facts, n_findings, f"exit {self.exit_code}")

    @property
    def survey(self) -> Survey:
        """The first project."""
        return self.surveys[0][0]

    @property
    def decided(self) -> Decided:
        """Which labels of the first project count."""
        return self.surveys[0][1]


@dataclass(frozen=True)
class Preview:
    """A dry run: the plan, what of it is done already, what would stand against it, and what would be told."""

    plan: Plan
    states: dict[str, State]
    refusals: tuple[Dlc2LpError, ...]
    findings: tuple[Finding, ...]

    def __repr__(self) -> str:
        n_findings = counted(len(self.findings), "finding")
        return one_line(self, Path(self.plan.target).name, *self.plan.facts, n_findings, f"exit {self.exit_code}")

    @property
    def exit_code(self) -> int:
        """What the run itself would end with before its first step."""
        return self.refusals[0].exit_code if self.refusals else EXIT_OK


@dataclass(frozen=True)
class Outcome:
    """What came of a conversion.

    Attributes
    ----------
    plan
        What was to be done.
    run
        What was done, skipped and failed.
    verification
        What checking the target brought up.
    findings
        Everything that a person should know, errors first.
    """

    plan: Plan
    run: Run
    verification: Verification
    findings: tuple[Finding, ...]

    __repr__ = Preview.__repr__

    @property
    def exit_code(self) -> int:
        """0 if everything arrived, else 1."""
        lost = any(finding.severity is Severity.ERROR for finding in self.findings)
        return EXIT_FAILED if lost or self.run.failed else EXIT_OK


def inspect(
    source: str | Path | None,
    options: Options | None = None,
    *,
    observer: Observer | None = None,
    stop: threading.Event | None = None,
) -> Inspection:
    """Look at a source and say what would be done; nothing is written.

    Raises
    ------
    SourceRefused
        It is no DeepLabCut project at all.
    """
    options = options or Options()
    check_calibration_options(options)
    if has_views(_path(source), options):
        return _inspect_views(_path(source), options, observer, stop)
    if source is None:
        raise _no_source()
    notes: list[Finding] = []
    if options.individuals == "split":
        names = _individuals(Path(source), options)
        message = f"each of {', '.join(names)} becomes a target of its own; shown here is {names[0]}"
        notes.append(Finding(Severity.NOTE, "individuals-split", "individuals", message))
        options = replace(options, individuals=names[0])
    seen = survey(Path(source), options, watcher=observer, stop=stop)
    decided = decide_labels(seen, options)
    splits = _split_names(seen.project)
    # The target only gives its name to the plan; an inspection has none.
    nowhere = seen.project.root.with_name(f"{seen.project.root.name}-lp")
    surveys = ((seen, decided),)
    try:
        plan = make_plan(seen, decided, options, _absolute(nowhere))
    except (SourceRefused, DecisionNeeded) as error:
        told = tuple(by_severity(list(error.findings)))
        return Inspection(surveys, decided.decisions, None, told, error.exit_code, splits)
    told = tuple(by_severity([*notes, *plan.findings]))
    return Inspection(surveys, decided.decisions, plan, told, EXIT_OK, splits)


def _no_source() -> UsageError:
    advice = "give a DeepLabCut project, or each camera's with --view NAME=SOURCE"
    return UsageError.of("no-source", "SOURCE", "found no source", advice=advice)


def _inspect_views(
    source: Path | None, options: Options, observer: Observer | None, stop: threading.Event | None
) -> Inspection:
    """Look at several cameras."""
    seen = survey_views(source, options, watcher=observer, stop=stop)
    surveys = tuple(seen.surveys)
    if not surveys:  # no camera was found, so there is nothing to show but why
        refuse_open(seen)
    cameras = tuple(tuple(view.name for view in seen.views if view.survey is each) for each, _ in surveys)
    root = surveys[0][0].project.root
    try:
        plan = make_views_plan(seen, options, _absolute(root.with_name(f"{root.name}-lp")))
    except (SourceRefused, DecisionNeeded) as error:
        told = tuple(by_severity(list(error.findings)))
        return Inspection(surveys, seen.decisions, None, told, error.exit_code, cameras=cameras)
    told = tuple(by_severity(list(plan.findings)))
    return Inspection(surveys, seen.decisions, plan, told, EXIT_OK, cameras=cameras)


def plan(
    source: str | Path | None,
    target: str | Path,
    options: Options | None = None,
    *,
    observer: Observer | None = None,
    stop: threading.Event | None = None,
) -> Plan:
    """Decide on a migration; nothing is written.

    Raises
    ------
    SourceRefused, TargetRefused
        The migration is not possible so.
    Interrupted
        ``stop`` was set.
    """
    return _plan(_path(source), Path(target), options or Options(), observer, stop)[0]


def preview(
    source: str | Path | None,
    target: str | Path,
    options: Options | None = None,
    *,
    known: Iterable[SessionTie] = (),
    observer: Observer | None = None,
    stop: threading.Event | None = None,
) -> Preview:
    """Decide on a migration and compare it with what the target holds; nothing is written.

    Parameters are those of :func:`convert`; ``known`` is what was found out about videos of the source already.
    """
    made, _ = _plan(_path(source), Path(target), options or Options(), observer, stop, known)
    assessment = Journal(Path(made.target)).assess(made)
    against = tuple(refusals(made, stored_plan(Path(made.target)), assessment))
    told = [finding for error in against for finding in error.findings]
    return Preview(
        made, assessment.states, against, (*told, *by_severity([*map(orphaned, assessment.orphans), *made.findings]))
    )


def _path(source: str | Path | None) -> Path | None:
    return None if source is None else Path(source)


def _plan(
    source: Path | None,
    target: Path,
    options: Options,
    observer: Observer | None,
    stop: threading.Event | None,
    known: Iterable[SessionTie] = (),
) -> tuple[Plan, SourceLabels]:
    """Decide on a migration. What the target's own plan found out about videos is taken over like ``known``."""
    check_calibration_options(options)
    if options.individuals == "split" and not has_views(source, options):
        raise UsageError.of(
            "individuals-split",
            "individuals",
            "found 'split', which makes several targets, expected one",
            advice="call convert_individuals, or give the name of one individual",
        )
    sources = [*(() if source is None else (source,)), *options.merge, *(path for _, path in options.views)]
    for each in sources:
        check_place(locate_project(each)[0], target)
    check_data_dir(options)
    stored = stored_plan(target)
    ties = (*(stored.ties if stored else ()), *known)
    if has_views(source, options):
        cameras = survey_views(source, options, ties, watcher=observer, stop=stop)
        made = make_views_plan(cameras, options, _absolute(target))
        labels = zip(made.views, (view.decided.or_raise().labels for view in cameras.views), strict=True)
        return made, dict(labels)
    if source is None:
        raise _no_source()
    seen = survey(source, options, by_session(ties), watcher=observer, stop=stop)
    decided = decide_labels(seen, options)
    return make_plan(seen, decided, options, _absolute(target)), {"": decided.or_raise().labels}


def check_data_dir(options: Options) -> None:
    """Refuse a folder for the starter config that Lightning Pose could not find.

    Raises
    ------
    UsageError
        ``data-dir-relative``.
    """
    if options.data_dir is not None and not _is_absolute(options.data_dir):
        raise UsageError.of(
            "data-dir-relative",
            "--data-dir",
            f"found {options.data_dir!r}, expected an absolute path: Lightning Pose resolves it from wherever it runs",
        )


def store_plan(
    source: str | Path | None,
    target: str | Path,
    options: Options | None = None,
    *,
    known: Iterable[SessionTie] = (),
    stop: threading.Event | None = None,
) -> Plan:
    """Decide on a migration and write the plan into the target, for others to carry out.

    The label files stand in the plan already, so each of their cells is compared with its origin here, while the
    origin is at hand.

    Parameters are those of :func:`convert`.

    Raises
    ------
    SourceRefused, TargetRefused
        The migration is not possible so; nothing was written.
    Interrupted
        ``stop`` was set; nothing was written.
    """
    made, labels = _plan(_path(source), Path(target), options or Options(), None, stop, known)
    folder = Path(made.target)
    check_owner(made, stored_plan(folder))
    wrong = [finding for finding in check_planned_labels(made, labels) if finding.severity is Severity.ERROR]
    if wrong:
        raise SourceRefused(*wrong)
    write_if_new(folder / PLAN_FILE, made.to_text())
    return made


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100  (resolve() would follow links that the user gave on purpose)


def _is_absolute(path: str) -> bool:
    """Whether a path is absolute on the machine where training runs, which may be another system than this."""
    return path.startswith(("/", "\\\\")) or (len(path) > 2 and path[1] == ":" and path[2] in "\\/")


def convert(
    source: str | Path | None,
    target: str | Path,
    options: Options | None = None,
    run_options: RunOptions | None = None,
    *,
    register_as: str | None = None,
    known: Iterable[SessionTie] = (),
    observer: Observer | None = None,
    stop: threading.Event | None = None,
) -> Outcome:
    """Migrate one project; run again, it goes on where it was stopped.

    Parameters
    ----------
    source, target
        The DeepLabCut project and the folder of the Lightning Pose project; no source where the options name the
        project of each camera.
    options, run_options
        What is chosen, and how it is carried out.
    register_as
        Name under which the project is added to the Lightning Pose app; None: it is not.
    known
        What was found out about videos of the source already.
    observer
        Hears of every step.
    stop
        Set it from another thread or a signal handler to stop cleanly.

    Raises
    ------
    SourceRefused, TargetRefused
        Nothing was written.
    ToolMissing
        A video must be encoded and there is no ffmpeg; nothing was written.
    Interrupted
        ``stop`` was set.
    """
    run_options = run_options or RunOptions()
    made, labels = _plan(_path(source), Path(target), options or Options(), observer, stop, known)
    folder = Path(made.target)
    journal = Journal(folder)
    check_owner(made, stored_plan(folder))
    assessment = journal.assess(made)
    check_room(made, assessment)
    to_do = [step for step in made.steps if assessment.states[step.id] is State.TO_DO]
    if any(isinstance(step, EncodeVideo) for step in to_do):
        find_ffmpeg()
    if observer is not None:
        observer.decided(made)
    write_if_new(folder / PLAN_FILE, made.to_text())
    shutil.rmtree(folder / SCRATCH, ignore_errors=True)
    watched = RunLog(folder / STATE_FOLDER / "run.log", observer or Nobody())
    run = execute(made, assessment.states, assessment.edited, run_options, watched, stop or threading.Event())
    closed = close_target(made, run.failed, run.findings, assessment, run_options.verify, labels)
    findings = closed.findings
    if register_as is not None:
        findings = merge_findings(findings, _register(folder, register_as))
    return Outcome(made, run, closed.verification, findings)


def _register(folder: Path, name: str) -> list[Finding]:
    """Tell the Lightning Pose app of the project; the project is done by then, so a fault only ends with exit 1."""
    try:
        registration = register(folder, name or folder.name, None)
    except Dlc2LpError as error:
        return list(error.findings)
    message = "added under this name" if registration.added else "was there already"
    where = str(registration.projects_file)
    return [
        *registration.findings,
        Finding(Severity.NOTE, "registered", registration.name, f"{message}; the app lists it from now on", where),
    ]


def convert_each_individual(
    source: str | Path,
    target: str | Path,
    options: Options,
    run_options: RunOptions | None = None,
    *,
    register_as: str | None = None,
    observer: Observer | None = None,
    stop: threading.Event | None = None,
) -> dict[str, Outcome]:
    """Migrate a multi-animal project into one target per individual, ``TARGET/<individual>``.

    Keypoints that occur once in a frame (``uniquebodyparts``) get a target of their own, ``single``, so that no label
    stays behind. A video is made once and cloned into the other targets.

    Returns
    -------
    dict
        Outcome by individual.

    Raises
    ------
    SourceRefused, TargetRefused, ToolMissing, Interrupted
        As :func:`convert`.
    """
    folders = folders_of_individuals(Path(source), Path(target), options)
    # All or none: a refused target is known before the first is written.
    previews = _preview_each(source, folders, options, observer, stop)
    for refusal in (refusal for found in previews.values() for refusal in found.refusals):
        raise refusal
    outcomes = {}
    for name in folders:
        twins = tuple(folder for other, folder in folders.items() if other != name)
        outcomes[name] = convert(
            source,
            folders[name],
            replace(options, individuals=name),
            replace(run_options or RunOptions(), twins=twins),
            register_as=None if register_as is None else f"{register_as or Path(target).name}-{name}",
            known=previews[name].plan.ties,
            observer=observer,
            stop=stop,
        )
    return outcomes


def preview_each_individual(
    source: str | Path,
    target: str | Path,
    options: Options,
    *,
    observer: Observer | None = None,
    stop: threading.Event | None = None,
) -> dict[str, Preview]:
    """Decide on what :func:`convert_each_individual` would do; nothing is written."""
    folders = folders_of_individuals(Path(source), Path(target), options)
    return _preview_each(source, folders, options, observer, stop)


def _preview_each(
    source: str | Path,
    folders: Mapping[str, Path],
    options: Options,
    observer: Observer | None,
    stop: threading.Event | None,
) -> dict[str, Preview]:
    """Decide on each target; what the first one finds out about the videos serves the others."""
    previews: dict[str, Preview] = {}
    for name, folder in folders.items():
        known = next(iter(previews.values())).plan.ties if previews else ()
        chosen = replace(options, individuals=name)
        previews[name] = preview(source, folder, chosen, known=known, observer=observer, stop=stop)
    return previews


def folders_of_individuals(source: Path, target: Path, options: Options) -> dict[str, Path]:
    """Return the target of each individual.

    Raises
    ------
    TargetRefused
        ``TARGET`` itself is a target or holds something else: Lightning Pose's app looks into the folders of a project,
        so projects can't lie inside one another.
    """
    names = unique_sessions(_individuals(source, options))
    if (target / PLAN_FILE).exists():
        raise TargetRefused.of(
            "target-holds-a-project",
            str(target),
            "is a target itself, and --individuals split makes several targets inside it",
            advice="choose a new folder",
        )
    if target.is_dir():
        check_only_holds(target, names.values())
    return {name: target / folder for name, folder in names.items()}


def _individuals(source: Path, options: Options) -> tuple[str, ...]:
    """Return the individuals that have labels, ``single`` among them."""
    decided = decide_labels(survey(source, replace(options, individuals="auto", videos="none")), options)
    if decided.refusals:
        decided.or_raise()
    labelled = dict.fromkeys(
        name
        for session in decided.chosen.sessions
        if session.labels is not None
        for name in (*labelled_individuals(session.labels), *unique_individual(session.labels))
    )
    if not labelled:
        raise UsageError.of(
            "no-individuals",
            "--individuals split",
            "the project labels a single animal, there is nothing to split",
            advice="leave the option out",
        )
    return tuple(labelled)


def list_project_splits(source: str | Path | None, options: Options) -> tuple[str, ...]:
    """Return the names of the train/test splits of a project, as ``--split`` takes them.

    Of several cameras' projects those that all have.
    """
    projects = camera_projects(_path(source), options) or (() if source is None else (Path(source),))
    if not projects:
        raise _no_source()
    listed = [_split_names(read_project(project)) for project in projects]
    return tuple(name for name in listed[0] if all(name in others for others in listed))


def _split_names(project: DlcProject) -> tuple[str, ...]:
    """Return the splits' short names, or the full ones where a renamed task makes two of them alike."""
    splits = list_splits(project.root, project.config)
    short = [split.name for split in splits]
    return tuple(short if len(set(short)) == len(short) else [split.full_name for split in splits])


def verify(target: str | Path, run_options: RunOptions | None = None) -> tuple[Plan, Verification]:
    """Check a target against the plan that it was written by and against Lightning Pose's rules.

    Raises
    ------
    TargetRefused
        The folder is no target of dlc2lp (``not-a-target``).
    """
    folder = _absolute(Path(target))
    stored = required_plan(folder)
    return stored, verify_target(_moved(stored, folder), (run_options or RunOptions()).verify)


def _moved(stored: Plan, folder: Path) -> Plan:
    """Return the plan for a target that was moved since; its paths are relative but for the target's own."""
    return stored if stored.target == str(folder) else replace(stored, target=str(folder))
