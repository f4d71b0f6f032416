"""(survey, which labels count, options, target) -> plan. Pure: the same input gives the same plan, byte for byte."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dlc2lp.errors import SourceRefused
from dlc2lp.lp.config import ConfigFacts, StarterConfig, starter_config
from dlc2lp.lp.labels import render_labels, render_queue
from dlc2lp.lp.project import render_project_yaml
from dlc2lp.model import Finding, ImageInfo, Severity, by_severity
from dlc2lp.options import Options
from dlc2lp.planning.context import add_context
from dlc2lp.planning.frames import Draft, place_frames
from dlc2lp.planning.labels import count_cells, count_labeled, hidden_shares, identity, skeleton
from dlc2lp.planning.plan import Count, Plan, PlannedVideo
from dlc2lp.planning.rows import match_rows
from dlc2lp.planning.steps import WriteText
from dlc2lp.planning.videos import name_videos, place_videos
from dlc2lp.planning.visibility import explain, never_labelled, wants_column, with_visibility
from dlc2lp.survey.calibrations import unused_options
from dlc2lp.survey.individuals import OneAnimal
from dlc2lp.survey.labels import Decided
from dlc2lp.survey.project import Survey
from dlc2lp.survey.ties import by_session
from dlc2lp.version import __version__
from dlc2lp.wording import counted

LABELS_FILE = "CollectedData.csv"
TEST_LABELS_FILE = "CollectedData_test.csv"
QUEUE_FILE = "CollectedData.unlabeled.jsonl"
PROJECT_FILE = "project.yaml"
CONFIG_FILE = "configs/default.yaml"


def make_plan(survey: Survey, decided: Decided, options: Options, target: Path) -> Plan:
    """Decide everything about a migration.

    Raises
    ------
    SourceRefused
        There is nothing to migrate (``no-labels``, ``no-images``).
    DecisionNeeded
        A person must choose; every open question is in the error, not only the first.
    """
    findings = list(decided.findings)
    findings += unused_options(options, why="a project of a single camera has no calibration")
    ties = by_session(video.tie for video in survey.videos if video.tie is not None)
    matched = [match_rows(session, options, findings, ties) for session in decided.chosen.sessions]
    animal = decided.or_raise(findings)
    test_frames = survey.split.test if survey.split else frozenset()
    draft = place_frames(survey, decided.chosen, matched, animal, test_frames, options)
    draft.findings[:0] = findings
    if not draft.rows:
        raise SourceRefused(*_nothing_to_train(survey, draft), *by_severity(draft.findings))
    videos = place_videos(name_videos(survey.videos, draft.sessions), options, draft)
    if options.context_frames:
        add_context(draft, survey.videos, _images(decided))
    facts, config = _write_texts(survey, animal, options, target, draft, videos)
    # A frame whose only labels are those of an individual that was not chosen is left out with them.
    n_others_frames = decided.n_source_frames - int(animal.labels.labelled.any(axis=(1, 2)).sum())
    rowless = sum(session.n_left_out for session in decided.chosen.sessions)
    return Plan(
        dlc2lp_version=__version__,
        source=str(survey.project.root),
        target=str(target),
        project=identity(survey.project),
        options=options.as_json(),
        keypoints=dict(facts.hidden_share),
        sessions=tuple(draft.sessions),
        videos=tuple(videos),
        ties=tuple(ties.values()),
        counts={
            "labeled_frames": Count(
                decided.n_source_frames, count_labeled(draft.all_rows), draft.n_frames_left_out + n_others_frames
            ),
            "labeled_cells": Count(
                decided.n_source_cells,
                count_cells(draft.all_rows),
                draft.n_cells_left_out + rowless + animal.n_left_out,
            ),
        },
        config_facts=facts,
        config_reasons=config.reasons,
        findings=tuple(by_severity(draft.findings)),
        steps=tuple(draft.steps),
    )


def _images(decided: Decided) -> dict[tuple[str, str], ImageInfo]:
    folders = [chosen.session for chosen in decided.chosen.sessions]
    return {(folder.name, name): image for folder in folders for name, image in folder.images.items()}


def _write_texts(
    survey: Survey,
    animal: OneAnimal,
    options: Options,
    target: Path,
    draft: Draft,
    videos: Sequence[PlannedVideo],
) -> tuple[ConfigFacts, StarterConfig]:
    """Add the steps that write texts: labels, queue, project settings, starter config."""
    names = animal.labels.keypoint_names
    facts = ConfigFacts(
        data_dir=options.data_dir or str(target),
        keypoint_names=names,
        n_labeled_frames=len(draft.rows),
        image_sizes=tuple(sorted(draft.image_sizes.items())),
        hidden_share=hidden_shares(names, draft.all_rows),
        n_videos=len(videos),
    )
    config = starter_config(facts, options.config)
    draft.findings += config.findings
    _add_visibility(names, options, draft)
    edges = skeleton((survey.project, *survey.merged), animal.origin, draft.findings)
    # A blank one would be taken for a missing name by pandas.
    scorer = animal.labels.scorer if animal.labels.scorer.strip() else "unknown"
    draft.steps += [
        WriteText(PROJECT_FILE, render_project_yaml(names, edges)),
        WriteText(CONFIG_FILE, config.text),
        WriteText(LABELS_FILE, render_labels(scorer, names, draft.rows)),
    ]
    if draft.test_rows:
        draft.steps.append(WriteText(TEST_LABELS_FILE, render_labels(scorer, names, draft.test_rows)))
    if draft.queue:
        draft.steps.append(WriteText(QUEUE_FILE, render_queue(draft.queue)))
    return facts, config


def _add_visibility(names: Sequence[str], options: Options, draft: Draft) -> None:
    """Give the rows their third column where it tells something that empty cells can't."""
    rows = draft.all_rows
    if not wants_column(rows, len(names), options.visibility):
        return
    never = never_labelled(rows, len(names))
    nan_means = options.config.nan_means or "occluded"
    draft.rows = with_visibility(draft.rows, never, nan_means)
    draft.test_rows = with_visibility(draft.test_rows, never, nan_means)
    if options.visibility == "auto":
        draft.findings.append(explain(never, names))


def _nothing_to_train(survey: Survey, draft: Draft) -> list[Finding]:
    """Explain why not one labeled frame is left."""
    n_images = sum(len(session.images) for session in survey.project.sessions)
    if draft.n_cells_left_out:
        return [
            Finding(
                Severity.ERROR,
                "no-images",
                str(survey.project.root),
                f"found {counted(draft.n_cells_left_out, 'labelled point')} and not one image of the labelled frames",
                advice="the frames of labeled-data were not copied along; copy them and run again",
            )
        ]
    return [
        Finding(
            Severity.ERROR,
            "no-labels",
            str(survey.project.root),
            f"found {counted(n_images, 'frame')} and not one labelled point",
            advice="label some frames in DeepLabCut or in the Lightning Pose app first",
        )
    ]
