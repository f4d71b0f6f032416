"""The part of planning that makes models of DeepLabCut's predictions, which the Lightning Pose app shows. Pure.

One model for each network, shuffle and snapshot, filtered predictions apart; it holds one file for each video, of all
views. The numbers are not read here: a step says which columns and rows of a file become which.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from dlc2lp.errors import DecisionNeeded
from dlc2lp.lp.document import Document
from dlc2lp.lp.labels import LabelRows
from dlc2lp.lp.names import unique_sessions
from dlc2lp.lp.predictions_only import EvaluatedImage, evaluation_texts, model_texts, predictions_path
from dlc2lp.model import Finding, Setting, Severity, question
from dlc2lp.planning.frames import ViewImages
from dlc2lp.planning.moments import ViewFiles
from dlc2lp.planning.plan import PlannedModel, PlannedPredictions, PlannedSession, PlannedVideo
from dlc2lp.planning.scene import Scene
from dlc2lp.planning.steps import PredictedKeypoint, Step, WritePredictions, WriteText
from dlc2lp.survey.evaluations import Evaluation
from dlc2lp.survey.predictions import VideoPredictions
from dlc2lp.wording import counted, some


@dataclass(frozen=True)
class PlannedPredictionFiles:
    """The models, the steps that make them, and what a person should know."""

    models: tuple[PlannedModel, ...] = ()
    steps: tuple[Step, ...] = ()
    findings: tuple[Finding, ...] = ()


_NOT_PREDICTED = (math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class _Placed:
    """Predictions of a video of the target."""

    found: VideoPredictions
    video: PlannedVideo
    view: ViewImages


def plan_predictions(
    scene: Scene,
    files: Sequence[ViewFiles],
    sessions: Sequence[PlannedSession],
    videos: Sequence[PlannedVideo],
    wanted: str,
    starter: Document,
) -> PlannedPredictionFiles:
    """Plan the models of all networks, or of the one that is ``wanted`` by its name in the target (``auto``: all).

    ``files`` and ``sessions`` are those of all views, whose labeled frames the networks may have been evaluated on.

    Raises DecisionNeeded where there are models, but none that is called so.
    """
    placed = [
        _Placed(found, video, view)
        for view in scene.views
        for video in videos
        if video.view == view.name
        for found in view.view.survey.predictions
        if str(found.video) == video.source
    ]
    names = _model_names(placed)
    if wanted not in {"auto", "none", *names.values()} and names:
        raise DecisionNeeded(_unknown(wanted, tuple(sorted(set(names.values())))))
    models: list[PlannedModel] = []
    steps: list[Step] = []
    findings: list[Finding] = []
    for name in sorted(set(names.values())):
        if wanted not in {"auto", name}:
            continue
        members = [each for each in placed if names[each.found.name.full] == name]
        made, told = _model(name, members, scene.keypoints)
        findings += told
        if made:
            texts = model_texts(name, made[0].scorer, max(each.found.head.modified_s for each in members), starter)
            images = [] if scene.names else _evaluated(members, scene, files[0].rows, sessions)
            if images:
                texts |= evaluation_texts(name, made[0].scorer, scene.keypoints, images)
            steps += [WriteText(path, text) for path, text in texts.items()]
            steps += made
            n_frames = sum(any(x == x for x, _, _ in each.points) for each in images)  # noqa: PLR0124  (NaN)
            models.append(_planned(name, members, made, n_frames))
    return PlannedPredictionFiles(tuple(models), tuple(steps), tuple(findings))


def _model_names(placed: Sequence[_Placed]) -> dict[str, str]:
    """Return the model's name of each network; two networks of one view that differ in the task have it in theirs."""
    alike: dict[tuple[str, str], set[str]] = {}
    for each in placed:
        alike.setdefault((each.view.name, each.found.name.short), set()).add(each.found.name.full)
    doubled = {short for (_, short), networks in alike.items() if len(networks) > 1}
    wanted = {
        each.found.name.full: each.found.name.full if each.found.name.short in doubled else each.found.name.short
        for each in placed
    }
    safe = unique_sessions(wanted.values())
    return {network: safe[wanted[network]] for network in sorted(wanted)}


def _unknown(wanted: str, names: tuple[str, ...]) -> Finding:
    message = f"found no predictions called {wanted!r} among those of {counted(len(names), 'network')}"
    ways = (Setting("predictions", ("NAME",)),)
    return question("unknown-predictions", f"--predictions {wanted}", message, "choose with {}", ways, names)


def _model(
    name: str, members: Sequence[_Placed], keypoints: Sequence[str]
) -> tuple[list[WritePredictions], list[Finding]]:
    """Return the steps that write a model's predictions, and what is told of its keypoints."""
    steps: list[WritePredictions] = []
    strangers: dict[str, None] = {}
    lacking: dict[str, None] = {}
    foreign: list[str] = []
    for each in members:
        columns = _columns(each, keypoints)
        if not columns:
            foreign.append(str(each.found.head.path))
            continue
        others = set(columns.values())
        strangers |= {" ".join(filter(None, p)): None for p, at in each.found.head.points.items() if at not in others}
        lacking |= dict.fromkeys(keypoint for keypoint in keypoints if keypoint not in columns)
        steps.append(_step(name, each, columns, keypoints))
    return steps, list(_about_keypoints(name, strangers, lacking, foreign))


def _about_keypoints(
    name: str, strangers: Iterable[str], lacking: Iterable[str], foreign: Sequence[str]
) -> Iterator[Finding]:
    if foreign:
        message = f"found no keypoint of the project among what was predicted, so they are left out: {some(foreign, 3)}"
        yield Finding(Severity.WARNING, "predictions-without-keypoints", name, message)
    if left_out := list(strangers):
        message = f"predicted, but no keypoint of the target is called so; left out: {some(left_out, 8)}"
        yield Finding(Severity.NOTE, "predictions-left-out", name, message)
    if empty := list(lacking):
        message = f"not predicted for some video, and empty there: {some(empty, 8)}"
        yield Finding(Severity.NOTE, "predictions-lacking", name, message)


def _columns(each: _Placed, keypoints: Sequence[str]) -> Mapping[str, tuple[int, ...]]:
    """Return where each keypoint of the target stands in the file; those that were not predicted are not in it."""
    points, origin = each.found.head.points, each.view.animal.origin
    found = {}
    for name in keypoints:
        individual, keypoint = origin.get(name, ("", name))
        at = points.get((individual, keypoint))
        if at is None and name == keypoint:
            at = points.get(("", keypoint))  # predicted before the project became a multi-animal one
        if at is None and not individual and len({animal for animal, _ in points}) == 1:
            at = next((place for (_, called), place in points.items() if called == keypoint), None)
        if at is not None:
            found[name] = at
    return found


def _step(
    name: str, each: _Placed, columns: Mapping[str, tuple[int, ...]], keypoints: Sequence[str]
) -> WritePredictions:
    head, rows, video = each.found.head, each.found.rows, each.video
    left_px, top_px = (video.crop.x_px, video.crop.y_px) if video.crop else (0, 0)
    n_frames = video.n_written  # the first ones of its source
    return WritePredictions(
        source=str(head.path),
        target=predictions_path(name, PurePosixPath(video.target).stem),
        size_bytes=head.size_bytes,
        sample=head.sample,
        n_rows=head.n_rows,
        key=head.key,
        scorer=head.scorer if head.scorer.strip() else each.found.name.scorer,
        keypoints=tuple(PredictedKeypoint(keypoint, columns.get(keypoint, ())) for keypoint in keypoints),
        n_frames=n_frames,
        first_row=rows.first_row,
        empty=tuple(frame for frame in rows.empty if frame < n_frames),
        by_number=rows.by_number,
        add_px=(each.found.origin_px[0] - left_px, each.found.origin_px[1] - top_px),
    )


def _evaluated(
    members: Sequence[_Placed], scene: Scene, rows: LabelRows, sessions: Sequence[PlannedSession]
) -> list[EvaluatedImage]:
    """Return what a network predicted for the labeled frames of a single view, in the order of its label file.

    Empty where it was not evaluated on any of them, or its predictions are tracks or filtered.
    """
    first = members[0]
    scorer = first.found.name.scorer if first.found.name.is_plain else ""
    found = next((each for each in first.view.view.survey.evaluations if each.scorer == scorer), None)
    if found is None:
        return []
    sources = {frame.target: (session.folder, frame.source) for session in sessions for frame in session.frames}
    places = [_coordinates(found, first.view.animal.origin.get(name, ("", name)), name) for name in scene.keypoints]
    images = []
    for image, xy in zip(rows.images, rows.xy.tolist(), strict=True):
        source = sources.get(image, ("", ""))
        values = found.table.values[found.rows[source]].tolist() if source in found.rows else None
        points = tuple(
            (values[at["x"]], values[at["y"]], values[at["likelihood"]]) if values and at else _NOT_PREDICTED
            for at in places
        )
        images.append(EvaluatedImage(image, points, tuple((x, y) for x, y in xy), found.part_of(source)))
    return images if any(image.points != (_NOT_PREDICTED,) * len(places) for image in images) else []


def _coordinates(found: Evaluation, origin: tuple[str, str], name: str) -> Mapping[str, int] | None:
    """Return where a keypoint of the target stands in an evaluation; None where it is not, or has no likelihood."""
    individual, keypoint = origin
    at = found.points.get((individual, keypoint))
    if at is None and name == keypoint:
        at = found.points.get(("", keypoint))
    return at if at is not None and "likelihood" in at else None


def _planned(
    name: str, members: Sequence[_Placed], steps: Sequence[WritePredictions], n_labeled_frames: int
) -> PlannedModel:
    videos = {str(each.found.head.path): each.video.target for each in members}
    return PlannedModel(
        name,
        steps[0].scorer,
        tuple(
            PlannedPredictions(step.source, step.target, videos[step.source], step.n_rows, step.n_frames)
            for step in steps
        ),
        n_labeled_frames,
    )
