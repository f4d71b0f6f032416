"""The texts of a target: labels and queue of each view, project settings, starter config. Pure."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from dlc2lp.lp.config_choices import NanMeans
from dlc2lp.lp.config_facts import ConfigFacts
from dlc2lp.lp.labels import LabelRows, render_labels, render_queue
from dlc2lp.lp.names import queue_file_name
from dlc2lp.lp.project import render_project_yaml
from dlc2lp.lp.starter import StarterConfig, starter_config
from dlc2lp.model import Finding
from dlc2lp.options import Options, Visibility
from dlc2lp.planning.images import PlacedImages
from dlc2lp.planning.labels import hidden_shares, skeleton
from dlc2lp.planning.moments import ViewFiles
from dlc2lp.planning.plan import label_files
from dlc2lp.planning.scene import Scene
from dlc2lp.planning.steps import WriteText
from dlc2lp.planning.visibility import explain, missing_in_some, never_labelled, with_visibility
from dlc2lp.survey.source import Source

PROJECT_FILE = "project.yaml"
CONFIG_FILE = "configs/default.yaml"

#: Points that an affine change of an image is told from.
_FEWEST_POINTS = 3


@dataclass(frozen=True)
class PlannedTexts:
    """The steps that write texts, what the starter config was chosen from, and what a person should know."""

    steps: tuple[WriteText, ...]
    facts: ConfigFacts
    config: StarterConfig
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Besides:
    """What the target holds besides labels and their images."""

    n_videos: int
    n_without_context: int  #: Labeled frames to train on that lack a neighbor which is in their video.
    unequal_sessions: tuple[str, ...]  #: Those whose views' videos differ in length.
    is_calibrated: bool  #: Whether there are calibration files.


def plan_texts(
    source: Source,
    scene: Scene,
    files: Sequence[ViewFiles],
    images: Sequence[PlacedImages],
    besides: Besides,
    options: Options,
    target: Path,
) -> PlannedTexts:
    """Render all texts; ``files`` and ``images`` are of each view."""
    facts = _facts(scene, files, images, besides, options.data_dir or str(target))
    config = starter_config(facts, options.config)
    projects = [project for survey, _ in source.surveys for project in (survey.project, *survey.merged)]
    origin = {name: origin for view in scene.views for name, origin in view.animal.origin.items()}
    edges, unknown = skeleton(projects, origin)
    visible, explained = _with_column(scene, files, options.visibility, options.config.nan_means or "occluded")
    steps = [
        WriteText(PROJECT_FILE, render_project_yaml(scene.keypoints, edges, scene.names)),
        WriteText(CONFIG_FILE, config.text),
    ]
    for view, made in zip(scene.views, visible, strict=True):
        steps += _label_steps(view.name, view.animal.labels.scorer, scene.keypoints, made)
    # The order in which findings have always come, for one camera and for several.
    told = (*config.findings, *explained, *unknown)
    return PlannedTexts(tuple(steps), facts, config, told)


def _facts(
    scene: Scene,
    files: Sequence[ViewFiles],
    images: Sequence[PlacedImages],
    besides: Besides,
    data_dir: str,
) -> ConfigFacts:
    """Gather what the starter config is chosen from."""
    sizes = sum((placed.sizes for placed in images), Counter[tuple[int, int]]())
    labeled = [_without(rows, made.fillers) for made in files for rows in made.parts]
    facts = ConfigFacts(
        data_dir=data_dir,
        keypoint_names=scene.keypoints,
        n_labeled_frames=len(files[0].rows),
        image_sizes=tuple(sorted(sizes.items())),
        hidden_share=hidden_shares(scene.keypoints, labeled),
        n_frames_without_context=besides.n_without_context,
        n_videos=besides.n_videos,
    )
    if not scene.names:
        return facts
    of_session = Counter(
        session for view in scene.views for session, video in view.videos.items() if video.info is not None
    )
    return dataclasses.replace(
        facts,
        n_videos=sum(n == len(scene.views) for n in of_session.values()),
        view_names=scene.names,
        is_calibrated=besides.is_calibrated,
        n_frames_against_3d=_n_frames_against_3d([made.rows for made in files]),
        one_view_keypoints=_one_view_keypoints(scene.keypoints, files),
        incomplete_sessions=tuple(session for session, n in of_session.items() if n < len(scene.views)),
        unequal_sessions=besides.unequal_sessions,
    )


def _one_view_keypoints(keypoints: Sequence[str], files: Sequence[ViewFiles]) -> tuple[str, ...]:
    """Return the keypoints that at least one view never shows."""
    import numpy as np

    shown = [np.concatenate([rows.labelled for rows in made.parts]).any(axis=0) for made in files]
    return tuple(name for name, in_all in zip(keypoints, np.all(shown, axis=0), strict=True) if not in_all)


def _without(rows: LabelRows, images: Set[str]) -> LabelRows:
    """Return the rows of all other images."""
    if not images:
        return rows
    kept = [n for n, image in enumerate(rows.images) if image not in images]
    return LabelRows(tuple(rows.images[n] for n in kept), rows.xy[kept])


def _n_frames_against_3d(rows: Sequence[LabelRows]) -> int:
    """Return in how many labeled frames some view has too few of the keypoints that two views or more have."""
    import numpy as np

    seen = np.stack([view.labelled for view in rows])
    in_space = seen.sum(axis=0) > 1
    has_few = ((seen & in_space).sum(axis=-1) < _FEWEST_POINTS).any(axis=0)
    return int((has_few & (in_space.sum(axis=-1) >= _FEWEST_POINTS)).sum())


def _with_column(
    scene: Scene, files: Sequence[ViewFiles], visibility: Visibility, nan_means: NanMeans
) -> tuple[list[ViewFiles], list[Finding]]:
    """Give the rows their third column where it tells something that empty cells can't: in all views or in none."""
    parts = [rows for made in files for rows in made.parts]
    fillers = {image for made in files for image in made.fillers}
    never = never_labelled(parts, len(scene.keypoints))
    is_telling = fillers or missing_in_some(never)
    if visibility == "never" or (visibility == "auto" and not is_telling):
        return list(files), []
    visible = []
    for made in files:
        train, test = (with_visibility(part, never, nan_means, fillers) for part in (made.rows, made.test_rows))
        visible.append(dataclasses.replace(made, rows=train, test_rows=test))
    if visibility == "always":
        return visible, []
    names = [label_files(view.name)[0] for view in scene.views]
    return visible, [explain(never, scene.keypoints, names, len(fillers))]


def _label_steps(view: str, scorer: str, keypoints: Sequence[str], made: ViewFiles) -> list[WriteText]:
    """Return the label files and the queue of one view."""
    train, test = label_files(view)
    # A blank scorer would be taken for a missing name by pandas.
    scorer = scorer if scorer.strip() else "unknown"
    steps = [WriteText(train, render_labels(scorer, keypoints, made.rows))]
    if made.test_rows:
        steps.append(WriteText(test, render_labels(scorer, keypoints, made.test_rows)))
    if made.queue:
        steps.append(WriteText(queue_file_name(view), render_queue(made.queue)))
    return steps
