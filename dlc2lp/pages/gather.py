"""Puts together what the page of a target shows, from its plan, records, findings and labels. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import PurePath

from dlc2lp.files import FileRecord
from dlc2lp.folding import kinds
from dlc2lp.lp.next_steps import NextStep, next_steps
from dlc2lp.lp.project import skeleton_in
from dlc2lp.lp.starter import ChoiceReason
from dlc2lp.model import Command, Finding, Severity
from dlc2lp.pages.frames import Session, ViewLabels, sessions_of
from dlc2lp.pages.model import CountRow, EmptyRow, FindingGroup, MigrationReport, ShownModel, State
from dlc2lp.pages.sheets import make_sheets
from dlc2lp.pages.videos import shown_videos
from dlc2lp.planning.plan import Plan
from dlc2lp.planning.steps import WriteText
from dlc2lp.planning.texts import PROJECT_FILE
from dlc2lp.wording import counted

#: What all pictures may take together, of which base64 makes a third more; and one of them at most.
_PICTURES_BYTES, _PICTURE_BYTES = 1_500_000, 40_000

#: Findings of one kind, sessions of the map: beyond these there are only numbers.
_MOST_OF_A_KIND, _MOST_EMPTY_ROWS = 40, 120


def migration_report(
    plan: Plan,
    findings: Sequence[Finding],
    n_failed: int,
    files: Mapping[str, FileRecord],
    labels: Iterable[ViewLabels],
    config: Sequence[ChoiceReason],
) -> MigrationReport:
    """Return what the page shows.

    ``findings`` are those of the manifest, ``n_failed`` counts steps that failed, ``files`` are the records of the
    target's files by path, ``labels`` what its label files hold now, ``config`` the choices that are in force.
    """
    keypoints = tuple(plan.keypoints)
    sessions = sessions_of(plan, keypoints, labels)
    sheets = make_sheets(sessions, max(1, len(plan.views)), {path: file.digest for path, file in files.items()})
    videos = shown_videos(plan, files, _image_names(plan))
    n_pictures = sum(len(moment.shots) for sheet in sheets for moment in sheet.moments)
    n_pictures += sum(2 for video in videos if video.pair)
    empty_rows = _empty_rows(sessions)
    state, verdict = _verdict(plan, findings, n_failed)
    return MigrationReport(
        name=PurePath(plan.target).name,
        state=state,
        verdict=verdict,
        dlc2lp_version=plan.dlc2lp_version,
        project=plan.project,
        source=plan.source,
        target=plan.target,
        counts=tuple(
            CountRow(name.replace("_", " "), count.source, count.written, count.left_out)
            for name, count in plan.counts.items()
        ),
        next_steps=(*([_check_again(plan)] if state == "lacking" else []), *next_steps(plan.target)),
        keypoints=keypoints,
        bones=_bones(plan, keypoints),
        views=plan.views,
        sheets=sheets,
        n_sessions=len(sessions),
        picture_bytes=min(_PICTURE_BYTES, _PICTURES_BYTES // max(1, n_pictures)),
        empty_rows=tuple(empty_rows[:_MOST_EMPTY_ROWS]),
        n_empty_rows=len(empty_rows),
        videos=videos,
        n_videos=len(plan.videos),
        config=tuple(config),
        findings=_groups(findings),
        view_frames=plan.view_frames,
        calibrations=dict(sorted(plan.calibrations.items())),
        models=tuple(ShownModel(model.name, model.scorer, len(model.predictions)) for model in plan.models),
    )


def _check_again(plan: Plan) -> NextStep:
    command = Command.of("dlc2lp", "verify", plan.target)
    return NextStep(command.line, "check it again, when what the findings tell is put right")


def _image_names(plan: Plan) -> dict[tuple[str, str, str], str]:
    """Return the images of the target by view, session and DeepLabCut's name."""
    return {
        (session.view, session.source, frame.source): frame.target
        for session in plan.sessions
        for frame in session.frames
        if frame.target
    }


def _bones(plan: Plan, keypoints: Sequence[str]) -> tuple[tuple[int, int], ...]:
    text = next((step.text for step in plan.steps if isinstance(step, WriteText) and step.target == PROJECT_FILE), "")
    places = {name: k for k, name in enumerate(keypoints)}
    return tuple((places[one], places[other]) for one, other in skeleton_in(text) if one in places and other in places)


def _empty_rows(sessions: Iterable[Session]) -> list[EmptyRow]:
    views = chain.from_iterable(session.views for session in sessions)
    return [EmptyRow(view.folder, len(view.rows), view.n_empty) for view in views]


def _verdict(plan: Plan, findings: Sequence[Finding], n_failed: int) -> tuple[State, str]:
    """Say in one sentence what became of the project."""
    frames, cells = plan.counts["labeled_frames"], plan.counts["labeled_cells"]
    n_errors = sum(finding.severity is Severity.ERROR for finding in findings)
    n_warnings = sum(finding.severity is Severity.WARNING for finding in findings)
    videos = counted(len(plan.videos), "video") if plan.videos else "no video"
    held = f"{counted(frames.written, 'labeled frame')} with {counted(cells.written, 'label')} and {videos}"
    if n_failed:
        failed = counted(n_failed, "step failed", "steps failed")
        return "lacking", f"Not complete: {failed}. See the errors below, then run the same command again."
    if n_errors:
        errors = counted(n_errors, "error tells", "errors tell")
        return "lacking", f"Not all is well: {errors} what is missing or wrong. Planned were {held}."
    if cells.left_out or frames.left_out:
        lost = f"{counted(frames.left_out, 'labeled frame')} and {counted(cells.left_out, 'label')} were left out"
        return "look", f"{held} arrived; {lost}, each for a reason that is told below."
    if n_warnings:
        return "look", f"Everything arrived: {held}. {counted(n_warnings, 'thing is', 'things are')} worth a look."
    return "whole", f"Everything arrived: {held}."


def _groups(findings: Iterable[Finding]) -> tuple[FindingGroup, ...]:
    """Gather findings of one kind, in the order of the first of each, which is by severity."""
    return tuple(
        FindingGroup(each.first.severity, each.first.code, len(each.alike), each.alike[:_MOST_OF_A_KIND])
        for each in kinds(findings)
    )
