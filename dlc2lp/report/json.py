"""The documents of ``--json``: one per command, versioned, described by the schemas in ``docs/schemas``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from dlc2lp.migration import Inspection, Outcome, Preview
from dlc2lp.model import Finding
from dlc2lp.planning.plan import Plan
from dlc2lp.reconfigure import Reconfigured
from dlc2lp.report.findings import document
from dlc2lp.run.manifest import describe, describe_crop, describe_tie
from dlc2lp.run.verify import Verification
from dlc2lp.survey.label_files import ChosenSession
from dlc2lp.survey.project import SurveyedVideo
from dlc2lp.video.convert import ConvertedVideo, VideoVerdict


def inspection(found: Inspection) -> dict[str, Any]:
    """Return the document of ``dlc2lp inspect``."""
    project = found.survey.project
    config = project.config
    chosen = [session for _, decided in found.source.surveys for session in decided.chosen.sessions]
    tables = [session.labels for session in chosen if session.labels is not None]
    keypoints = list(found.plan.keypoints) if found.plan else _names(tables)
    return document(
        "inspect",
        found.exit_code,
        found.findings,
        project={
            "path": str(project.root),
            "task": config.task if config else None,
            "scorer": config.scorer if config else None,
            "date": config.date if config else None,
        },
        sessions=_sessions(chosen),
        keypoints=[
            {"name": name, "hidden_share": found.plan.keypoints[name] if found.plan else None} for name in keypoints
        ],
        individuals=sorted({name for table in tables for name in table.individuals if name}),
        videos=[_video(video) for survey, _ in found.source.surveys for video in survey.videos],
        decisions=[
            {
                "code": question.code,
                "subject": question.subject,
                "message": question.message,
                "candidates": list(question.candidates),
                "option": question.way or None,
            }
            for question in found.decisions
        ],
        counts=describe(found.plan)["counts"] if found.plan else None,
        splits=list(found.splits),
        views=list(found.plan.views) if found.plan else [],
        view_frames=list(found.plan.view_frames) if found.plan else [],
    )


def _names(tables: Iterable[Any]) -> list[str]:
    return list(dict.fromkeys(name for table in tables for name in table.keypoint_names))


def _sessions(sessions_chosen: Iterable[ChosenSession]) -> list[dict[str, Any]]:
    sessions = []
    for chosen in sessions_chosen:
        labels = chosen.labels
        n_labeled = 0 if labels is None else int(labels.labelled.any(axis=(1, 2)).sum())
        n_rows = 0 if labels is None else len(labels.frames)
        named = set() if labels is None else {frame.file_name for frame in labels.frames}
        sessions.append(
            {
                "name": chosen.session.name,
                "label_file": str(chosen.label_file) if chosen.label_file else None,
                "n_labeled_frames": n_labeled,
                "n_empty_frames": n_rows - n_labeled,
                "n_images": len(chosen.session.images),
                "n_images_without_row": len(chosen.session.images.keys() - named),
            }
        )
    return sessions


def _video(video: SurveyedVideo) -> dict[str, Any]:
    return {
        "path": str(video.path),
        "info": video.info.as_json() if video.info else None,
        "action": video.treatment.action if video.treatment else None,
        "reasons": [reason.message for reason in video.treatment.reasons] if video.treatment else [],
        "session": video.session or None,
        "turn_deg": video.picture.turn_deg,
        "crop": describe_crop(video.picture.crop),
        "tie": describe_tie(video.tie),
    }


def dry_run(found: Preview) -> dict[str, Any]:
    """Return the document of ``dlc2lp convert --dry-run``: the plan, and what of it is done."""
    return document(
        "plan",
        found.exit_code,
        found.findings,
        **describe(found.plan),
        options=found.plan.options,
        space_bytes=found.plan.space_bytes,
        steps=[step.as_json() | {"state": str(found.states[step.id])} for step in found.plan.steps],
    )


def outcome(came: Outcome) -> dict[str, Any]:
    """Return the document of ``dlc2lp convert``."""
    return document(
        "convert",
        came.exit_code,
        came.findings,
        **describe(came.plan),
        checked=came.verification.n_checked,
        steps={"done": came.run.done, "skipped": came.run.skipped, "failed": came.run.failed},
    )


def verification(plan: Plan, found: Verification, exit_code: int) -> dict[str, Any]:
    """Return the document of ``dlc2lp verify``."""
    return document("verify", exit_code, found.findings, **describe(plan), checked=found.n_checked)


def video_check(
    verdicts: Iterable[tuple[str, VideoVerdict | None]], findings: Iterable[Finding], exit_code: int
) -> dict[str, Any]:
    """Return the document of ``dlc2lp video check``."""
    return document(
        "video-check",
        exit_code,
        findings,
        videos=[
            {
                "path": path,
                "conforming": verdict is not None and verdict.treatment.action == "place",
                "action": verdict.treatment.action if verdict else None,
                "reasons": [reason.message for reason in verdict.treatment.reasons] if verdict else [],
                "info": verdict.info.as_json() if verdict else None,
            }
            for path, verdict in verdicts
        ],
    )


def video_convert(made: ConvertedVideo) -> dict[str, Any]:
    """Return the document of ``dlc2lp video convert``."""
    return document(
        "video-convert",
        0,
        (),
        source=str(made.source.path),
        target=str(made.target.path),
        action=made.action,
        reasons=[reason.message for reason in made.reasons],
        info=made.target.as_json(),
    )


def reconfigured(made: Reconfigured) -> dict[str, Any]:
    """Return the document of ``dlc2lp config``."""
    return document(
        "config",
        0,
        made.findings,
        path=str(made.path),
        config=[asdict(reason) for reason in made.config.reasons],
        kept=list(made.kept),
    )


def splits(names: Sequence[str]) -> dict[str, Any]:
    """Return the document of ``--split list``."""
    return document("splits", 0, (), splits=list(names))


def each(command: str, documents: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the document of a command that ran once for each individual: theirs, by name."""
    exit_code = max(inner["exit_code"] for inner in documents.values())
    return document(f"{command}-each", exit_code, (), individuals=documents)
