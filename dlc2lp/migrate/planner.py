"""(survey, options, target) -> plan. Pure: the same input gives the same plan, byte for byte."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from math import isnan
from pathlib import Path

from dlc2lp.dlc.labels import count_labels, join_sessions
from dlc2lp.errors import DecisionNeeded, SourceRefused
from dlc2lp.lp.config import ConfigFacts, StarterConfig, starter_config
from dlc2lp.lp.labels import LabelRow, render_labels, render_queue
from dlc2lp.lp.project import render_project_yaml
from dlc2lp.migrate.choose import Chosen, choose_labels
from dlc2lp.migrate.options import Options
from dlc2lp.migrate.plan import Count, Plan, PlannedVideo, WriteText
from dlc2lp.migrate.plan_frames import Draft, place_frames
from dlc2lp.migrate.plan_videos import place_videos
from dlc2lp.migrate.survey import Survey
from dlc2lp.model import Finding, LabelTable, Severity, by_severity
from dlc2lp.version import __version__

LABELS_FILE = "CollectedData.csv"
QUEUE_FILE = "CollectedData.unlabeled.jsonl"
PROJECT_FILE = "project.yaml"
CONFIG_FILE = "configs/default.yaml"


def make_plan(survey: Survey, options: Options, target: Path) -> Plan:
    """Decide everything about a migration.

    Raises
    ------
    SourceRefused
        There is nothing to migrate (``no-labels``).
    DecisionNeeded
        A person must choose; every open question is in the error, not only the first.
    """
    chosen = choose_labels(survey.project, options)
    findings = [*survey.findings, *chosen.findings]
    if chosen.decisions:
        raise DecisionNeeded(*(decision.as_finding() for decision in chosen.decisions), *by_severity(findings))
    labels = _joined_labels(survey, chosen, findings)
    draft = Draft(findings)
    place_frames(survey, chosen, labels, options, draft)
    if not draft.rows:
        raise SourceRefused(*_nothing_to_train(survey, draft), *by_severity(findings))
    videos = place_videos(survey, draft.sessions, options, draft)
    config = _write_texts(survey, labels, options, target, draft, videos)
    rowless = sum(session.n_left_out for session in chosen.sessions)
    return Plan(
        dlc2lp_version=__version__,
        source=str(survey.project.root),
        target=str(target),
        project=_identity(survey),
        options=options.as_json(),
        keypoints=_hidden_shares(labels.keypoint_names, draft.rows),
        sessions=tuple(draft.sessions),
        videos=tuple(videos),
        counts={
            "labeled_frames": Count(_n_labeled_frames(labels), _n_rows_with_labels(draft.rows), draft.frames_left_out),
            "labeled_cells": Count(
                count_labels(labels) + rowless, _n_cells(draft.rows), draft.cells_left_out + rowless
            ),
        },
        config_facts=config[0].as_json(),
        config_reasons=tuple(dataclasses.asdict(reason) for reason in config[1].reasons),
        findings=tuple(by_severity(draft.findings)),
        steps=tuple(draft.steps),
    )


def _identity(survey: Survey) -> dict[str, str]:
    config = survey.project.config
    if config is None:
        return {"task": "", "scorer": "", "date": ""}
    return {"task": config.task, "scorer": config.scorer, "date": config.date}


def _joined_labels(survey: Survey, chosen: Chosen, findings: list[Finding]) -> LabelTable:
    """Return all sessions' labels as one table, keypoints joined by name in the config's order."""
    tables = [session.labels for session in chosen.sessions if session.labels is not None]
    if not tables:
        raise SourceRefused(
            Finding(
                Severity.ERROR,
                "no-labels",
                str(survey.project.root),
                f"found {len(chosen.sessions)} sessions and no label file that can be read",
                hint="expected CollectedData_<scorer>.h5 or .csv in the folders of labeled-data",
            ),
            *by_severity(findings),
        )
    config = survey.project.config
    order = config.bodyparts if config else ()
    joined = join_sessions(tables, order, ("",))
    extra = [name for name in joined.keypoint_names if config and name not in order]
    if extra and order:
        findings.append(
            Finding(
                Severity.WARNING,
                "keypoint-not-in-config",
                ", ".join(extra),
                "labelled but not among the bodyparts of config.yaml; DeepLabCut would not train on it, here it stays",
            )
        )
    unseen = [name for name in order if name not in joined.keypoint_names]
    if unseen:
        findings.append(
            Finding(
                Severity.WARNING,
                "keypoint-without-column",
                ", ".join(unseen),
                "named in config.yaml, but no label file has a column for it; it is left out",
            )
        )
    return joined


def _write_texts(
    survey: Survey,
    labels: LabelTable,
    options: Options,
    target: Path,
    draft: Draft,
    videos: Sequence[PlannedVideo],
) -> tuple[ConfigFacts, StarterConfig]:
    """Add the steps that write texts: labels, queue, project settings, starter config."""
    names = labels.keypoint_names
    facts = ConfigFacts(
        data_dir=options.data_dir or str(target),
        keypoint_names=names,
        n_labeled_frames=len(draft.rows),
        image_sizes=tuple(sorted(draft.image_sizes.items())),
        hidden_share=_hidden_shares(names, draft.rows),
        n_videos=len(videos),
    )
    config = starter_config(facts, options.config)
    draft.findings += config.findings
    skeleton = _skeleton(survey, names, draft.findings)
    draft.steps += [
        WriteText(PROJECT_FILE, render_project_yaml(names, skeleton)),
        WriteText(CONFIG_FILE, config.text),
        WriteText(LABELS_FILE, render_labels(labels.scorer, names, draft.rows)),
    ]
    if draft.queue:
        draft.steps.append(WriteText(QUEUE_FILE, render_queue(draft.queue)))
    return facts, config


def _skeleton(survey: Survey, names: Sequence[str], findings: list[Finding]) -> list[tuple[str, str]]:
    pairs = survey.project.config.skeleton if survey.project.config else ()
    kept = [(a, b) for a, b in pairs if a in names and b in names and a != b]
    if len(kept) < len(pairs):
        findings.append(
            Finding(
                Severity.NOTE,
                "skeleton-unknown",
                "skeleton",
                f"{len(pairs) - len(kept)} of its {len(pairs)} edges name a keypoint without labels; they are left out",
            )
        )
    return kept


def _hidden_shares(names: Sequence[str], rows: Sequence[LabelRow]) -> dict[str, float]:
    """Share of labeled frames in which each keypoint is empty, rounded so that the plan reads well."""
    empty = Counter(name for row in rows for name, (x, _) in zip(names, row.xy, strict=True) if isnan(x))
    return {name: round(empty[name] / len(rows), 4) if rows else 0.0 for name in names}


def _n_cells(rows: Sequence[LabelRow]) -> int:
    return sum(not isnan(x) for row in rows for x, _ in row.xy)


def _n_rows_with_labels(rows: Sequence[LabelRow]) -> int:
    return sum(any(not isnan(x) for x, _ in row.xy) for row in rows)


def _n_labeled_frames(labels: LabelTable) -> int:
    return int(labels.labelled.any(axis=(1, 2)).sum())


def _nothing_to_train(survey: Survey, draft: Draft) -> list[Finding]:
    """Explain why not one labeled frame is left."""
    n_images = sum(len(session.images) for session in survey.project.sessions)
    if draft.cells_left_out:
        return [
            Finding(
                Severity.ERROR,
                "no-images",
                str(survey.project.root),
                f"found {draft.cells_left_out} labelled points and not one image that they belong to",
                hint="the frames of labeled-data were not copied along; copy them and run again",
            )
        ]
    return [
        Finding(
            Severity.ERROR,
            "no-labels",
            str(survey.project.root),
            f"found {n_images} frames and not one labelled point",
            hint="label some frames in DeepLabCut or in the Lightning Pose app first",
        )
    ]
