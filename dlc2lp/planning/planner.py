"""(source, options, target) -> plan, for one view or several. Pure: the same input gives the same plan, byte for byte.

One camera is the case of a single view without a name. Of several, row n of every view's label file is the same moment:
the same recording, the same frame of every view's video; folders and videos are called ``<session>_<view>``.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from dlc2lp.errors import DecisionNeeded, SourceRefused
from dlc2lp.files import mark_of
from dlc2lp.model import Finding, Setting, Severity, by_severity
from dlc2lp.options import Link, Options
from dlc2lp.planning.calibrations import PlannedCalibrations, plan_calibrations
from dlc2lp.planning.context import RowFrame, cut_steps, lacks_neighbors, no_context
from dlc2lp.planning.frames import match_view
from dlc2lp.planning.images import PlacedImages, place_images
from dlc2lp.planning.labels import count_cells, count_labeled, identity
from dlc2lp.planning.moments import NamedMoment, ViewFiles, fill_files, name_moments
from dlc2lp.planning.origins import origin_of
from dlc2lp.planning.plan import Count, Plan
from dlc2lp.planning.predictions import PlannedPredictionFiles, plan_predictions
from dlc2lp.planning.rows import tell_absent
from dlc2lp.planning.scene import Scene, set_scene
from dlc2lp.planning.steps import ExtractFrames, Step, WriteText
from dlc2lp.planning.texts import Besides, PlannedTexts, plan_texts
from dlc2lp.planning.uneven import EvenVideos, even_out
from dlc2lp.planning.videos import NamedVideo, PlannedVideos, name_videos, plan_videos
from dlc2lp.survey.calibrations import unused_options
from dlc2lp.survey.source import Source
from dlc2lp.version import __version__
from dlc2lp.video.encoding import EncodeSettings, encode_settings
from dlc2lp.wording import counted, some


def make_plan(source: Source, options: Options, target: Path) -> Plan:
    """Decide everything about a migration to a Lightning Pose project; the target is an absolute path.

    Raises
    ------
    SourceRefused
        There is nothing to migrate (``no-labels``, ``no-images``, ``nothing-to-train``, ``no-common-frames``), or a
        camera can't be migrated.
    DecisionNeeded
        A person must choose; every open question is in the error, not only the first.
    """
    matched = [match_view(view, options.frame_names, options.derived_crops) for view in source.views]
    findings = [*source.findings]
    if not source.is_multiview:
        findings += unused_options(
            options.square_size, options.calibration, why="a project of a single camera has no calibration"
        )
    findings += [finding for each in matched for finding in each.findings]
    findings += tell_absent(folder for each in matched for folder in each.folders)
    refuse_open(source, findings)
    scene = set_scene(source, matched, [view.labels.or_raise() for view in source.views], options)
    findings += scene.findings
    moments = list(name_moments(scene.alignment, scene.views, options.empty_frames))
    files = [
        fill_files(moments, number, view, scene.folders(view), scene.keypoints, options.machine_labels)
        for number, view in enumerate(scene.views)
    ]
    images = [
        place_images(view, made, scene.folders(view), options.link)
        for view, made in zip(scene.views, files, strict=True)
    ]
    findings += [finding for placed in images for finding in placed.findings]
    if not any(moment.state == "labeled" for moment in moments):
        raise SourceRefused(_nothing_to_train(scene, moments, images, options.split), *by_severity(findings))
    cuts = _plan_cuts(scene, files, with_context=options.context_frames)
    settings = encode_settings(options.profile, crf=options.crf, preset=options.preset, gop=options.gop)
    even = even_out(scene, options.uneven)
    videos = _plan_videos(scene, images, even, settings, options.link)
    recordings = list(dict.fromkeys(moment.moment.session for moment in moments))
    calibrations = plan_calibrations(source.calibrations, scene.views, recordings, scene.sessions)
    findings = list(dict.fromkeys([*findings, *cuts.findings, *videos.findings]))
    findings += calibrations.findings
    if source.is_multiview and not source.calibrations.in_squares:
        why = "no calibration of DeepLabCut is used, whose lengths are in squares"
        findings += unused_options(options.square_size, (), why=why)
    besides = Besides(
        len(videos.videos), _n_without_context(scene, files, cuts), even.unequal, bool(calibrations.files)
    )
    texts = plan_texts(source, scene, files, images, besides, options, target)
    findings += texts.findings
    sessions = [session for placed in images for session in placed.sessions]
    predictions = plan_predictions(scene, files, sessions, videos.videos, options.predictions, texts.config.document)
    findings += predictions.findings
    return _plan(
        source, scene, files, images, cuts, videos, calibrations, texts, predictions, findings, options, target
    )


def refuse_open(source: Source, findings: Iterable[Finding] | None = None) -> None:
    """Raise SourceRefused for a source that can't be migrated as it is, DecisionNeeded where something is undecided.

    Either error has everything that stands against it.
    """
    if source.refusals or source.questions:
        error = SourceRefused if source.refusals else DecisionNeeded
        told = source.findings if findings is None else findings
        raise error(*by_severity([*source.refusals, *source.questions, *told]))


def _nothing_to_train(
    scene: Scene, moments: Sequence[NamedMoment], images: Sequence[PlacedImages], split: str | None
) -> Finding:
    """Explain why not one labeled frame is left to train on."""
    root, remedies = str(scene.views[0].view.survey.project.root), tuple[Setting, ...]()
    n_cells = sum(placed.n_cells_left_out for placed in images)
    if any(moment.state == "test" for moment in moments):
        code, subject = "nothing-to-train", f"--split {split}"
        whose = "the splits of the cameras together hold" if scene.names else "the split holds"
        message = f"{whose} out every labeled frame, so none is left to train on"
        advice, remedies = "choose another split, or leave out {}", (Setting("split"),)
    elif scene.names:
        code, subject = "no-common-frames", ", ".join(scene.names)
        message = "found no labeled frame that all views have or that can be cut from their videos"
        checked = "check that the recordings and frame numbers of the cameras belong together"
        advice = f"{checked}; label some frames in all of them"
    elif n_cells:
        code, subject = "no-images", root
        message = f"found {counted(n_cells, 'labelled point')} and not one image of the labelled frames"
        advice = "the frames of labeled-data were not copied along; copy them and run again"
    else:
        n_images = sum(len(session.images) for session in scene.views[0].view.survey.project.sessions)
        code, subject = "no-labels", root
        message = f"found {counted(n_images, 'frame')} and not one labelled point"
        advice = "label some frames in DeepLabCut or in the Lightning Pose app first"
    return Finding(Severity.ERROR, code, subject, message, advice=advice, remedies=remedies)


class PlannedCuts(NamedTuple):
    """What is cut from videos, and what a person should know of it."""

    steps: tuple[ExtractFrames, ...]
    findings: tuple[Finding, ...] = ()


def _plan_cuts(scene: Scene, files: Sequence[ViewFiles], *, with_context: bool) -> PlannedCuts:
    """Plan what is cut from the videos: frames that a view lacks, and the neighbors of labeled frames."""
    steps: list[ExtractFrames] = []
    without: list[str] = []
    labeled = dict.fromkeys(moment.session for moment in scene.alignment.moments if moment.is_labeled)
    for view, made in zip(scene.views, files, strict=True):
        folders = scene.folders(view)
        taken = {path for path, state in made.placed.values() if state != "left-out"}
        for session in labeled:
            video, rows = view.videos.get(session), made.row_frames.get(session, [])
            if not rows:
                without.append(folders[session] if view.name else session)
            if video is None or video.tie is None or video.info is None:
                continue
            images = view.images.get(session, {}).values()
            # The steps' ids hold these sizes; plans of single cameras have always gone by the labeled images alone.
            sizes = [image.info.size_bytes for image in images if view.name or image.is_labeled]
            queued = made.queue_frames.get(session, [])
            for listed, with_neighbors in ((rows, with_context), (queued, False)):
                cut = cut_steps(
                    folders[session], listed, video.tie, video.info, taken, sizes, with_neighbors=with_neighbors
                )
                steps += (dataclasses.replace(step, digest=mark_of(video.digest)) for step in cut)
    return PlannedCuts(tuple(steps), (no_context(without),) if without and with_context else ())


def _n_without_context(scene: Scene, files: Sequence[ViewFiles], cuts: PlannedCuts) -> int:
    """Return how many moments to train on lack a neighbor of a view's frame that is in its video."""
    there = {frame.target for step in cuts.steps for frame in step.frames}
    there |= {path for made in files for path, state in made.placed.values() if state != "left-out"}
    lacking: set[int] = set()
    for view, made in zip(scene.views, files, strict=True):
        rows: dict[str, RowFrame] = {}
        n_frames: dict[str, int] = {}
        for session, frames in made.row_frames.items():
            info = view.videos[session].info
            rows |= {frame.target: frame for frame in frames}
            n_frames |= {frame.target: info.n_frames for frame in frames if info is not None}
        lacking |= {
            n
            for n, path in enumerate(made.rows.images)
            if lacks_neighbors(path, rows.get(path), n_frames.get(path), there)
        }
    return len(lacking)


def _plan_videos(
    scene: Scene, images: Sequence[PlacedImages], even: EvenVideos, settings: EncodeSettings, link: Link
) -> PlannedVideos:
    """Decide on every video; one that belongs to no camera can't be told from the others by Lightning Pose."""
    if not scene.names:
        videos = scene.views[0].view.survey.videos
        return plan_videos(name_videos(videos, images[0].sessions), settings, link)
    named: list[NamedVideo] = []
    findings: list[Finding] = []
    known = {stem for view in scene.views for stem in view.view.video_of}
    for view in scene.views:
        folders = scene.folders(view)
        named += [NamedVideo(even.videos[view.name, session], folders[session], view.name) for session in view.videos]
        strangers = [video.path.name for video in view.view.survey.videos if video.info and video.stem not in known]
        findings += [_stranger_videos(strangers)] if strangers else []
    planned = plan_videos(named, settings, link)
    return dataclasses.replace(planned, findings=(*findings, *even.findings, *planned.findings))


def _stranger_videos(names: Sequence[str]) -> Finding:
    message = "belongs to no camera and recording by its name, which Lightning Pose must tell from it; it is left out"
    advice, ways = "give a {} that fits its name too, or rename the video", (Setting("view-pattern"),)
    return Finding(Severity.WARNING, "video-of-no-view", some(names), message, "", advice, ways)


def _plan(
    source: Source,
    scene: Scene,
    files: Sequence[ViewFiles],
    images: Sequence[PlacedImages],
    cuts: PlannedCuts,
    videos: PlannedVideos,
    calibrations: PlannedCalibrations,
    texts: PlannedTexts,
    predictions: PlannedPredictionFiles,
    findings: Iterable[Finding],
    options: Options,
    target: Path,
) -> Plan:
    """Put the parts together."""
    project = source.views[0].survey.project
    # In the order in which plans have always listed them: a finished target's plan stays the same text.
    from_videos: list[Sequence[Step]] = [cuts.steps, videos.steps] if scene.names else [videos.steps, cuts.steps]
    steps = [step for part in (*(placed.steps for placed in images), *from_videos, texts.steps) for step in part]
    steps += [WriteText(path, text) for path, text in sorted(calibrations.files.items())]
    steps += predictions.steps
    return Plan(
        dlc2lp_version=__version__,
        source=str(project.root),
        target=str(target),
        project=identity(project.config),
        options=options.as_json(),
        keypoints=dict(texts.facts.hidden_share),
        sessions=tuple(session for placed in images for session in placed.sessions),
        videos=videos.videos,
        ties=tuple(
            dataclasses.replace(tie, view=view.name)
            for view in scene.views
            for video in view.videos.values()
            for tie in (video.tie, *video.denied)  # what was denied is kept so that it need not be compared again
            if tie is not None
        ),
        counts=_counts(source, files, images),
        config_facts=texts.facts,
        config_reasons=texts.config.reasons,
        findings=tuple(by_severity(list(findings))),
        steps=tuple(steps),
        views=scene.names,
        view_frames=scene.alignment.sessions,
        calibrations=dict(calibrations.origins),
        origins=tuple(origin_of(view.view, view.name) for view in scene.views),
        models=predictions.models,
        texts_from=source.texts,
    )


def _counts(source: Source, files: Sequence[ViewFiles], images: Sequence[PlacedImages]) -> dict[str, Count]:
    """Every label of every project: written, or left out with a finding."""
    parts = [rows for made in files for rows in made.parts]
    left_out = Counter(
        frames=sum(placed.n_frames_left_out for placed in images) + sum(n for _, _, n in source.outsiders),
        cells=sum(placed.n_cells_left_out for placed in images) + sum(n for _, n, _ in source.outsiders),
    )
    for _, labels in source.surveys:
        animal = labels.or_raise()
        # A frame whose only labels are those of an individual that was not chosen is left out with them.
        left_out["frames"] += labels.n_source_frames - int(animal.labels.labelled.any(axis=(1, 2)).sum())
        left_out["cells"] += animal.n_left_out + sum(session.n_left_out for session in labels.project.sessions)
    return {
        "labeled_frames": Count(source.n_labeled_frames, count_labeled(parts), left_out["frames"]),
        "labeled_cells": Count(source.n_labeled_cells, count_cells(parts), left_out["cells"]),
    }
