"""(several cameras, options, target) -> the plan of one multi-view project. Pure.

Row n of every view's label file is the same moment: the same recording, the same frame of every view's video
(Lightning Pose, ``MultiviewHeatmapDataset``). Folders and videos are called ``<session>_<view>``.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from math import isnan
from pathlib import Path

from dlc2lp.errors import DecisionNeeded, SourceRefused
from dlc2lp.lp.config import ConfigFacts, StarterConfig, starter_config
from dlc2lp.lp.labels import NOT_LABELED, LabelRow, render_labels, render_queue
from dlc2lp.lp.names import unique_sessions
from dlc2lp.lp.project import render_project_yaml
from dlc2lp.model import Finding, Severity, by_severity
from dlc2lp.options import Options
from dlc2lp.planning.align import Alignment, explain_alignment, unequal_videos, union_keypoints
from dlc2lp.planning.calibrations import plan_calibrations
from dlc2lp.planning.context import cut_steps, no_context
from dlc2lp.planning.frames import Draft, placement, shift_of
from dlc2lp.planning.labels import count_cells, count_labeled, hidden_shares, identity, skeleton
from dlc2lp.planning.moments import PlacedView, ViewImage, ViewImages, align_views, collect, name_moments, place_moments
from dlc2lp.planning.odd_views import odd_views
from dlc2lp.planning.plan import Count, Plan, PlannedFrame, PlannedSession, PlannedVideo
from dlc2lp.planning.planner import CONFIG_FILE, PROJECT_FILE
from dlc2lp.planning.steps import ImagePlacement, PlaceImages, WriteText
from dlc2lp.planning.videos import NamedVideo, place_videos
from dlc2lp.planning.view_names import safe_views
from dlc2lp.planning.visibility import never_labelled, wants_column, with_visibility
from dlc2lp.survey.calibrations import unused_options
from dlc2lp.survey.cameras import View, ViewsSurvey
from dlc2lp.survey.folders import split_folder
from dlc2lp.version import __version__
from dlc2lp.wording import counted

_RENAMING_HINT = "another name? it comes from the names in DeepLabCut: of the folders, or camera_names of a 3D project"


def make_views_plan(seen: ViewsSurvey, options: Options, target: Path) -> Plan:
    """Decide everything about the migration of several cameras.

    Raises
    ------
    SourceRefused
        There is nothing to migrate, or a camera can't be migrated.
    DecisionNeeded
        A person must choose; every open question is in the error.
    """
    refuse_open(seen)
    findings = list(seen.findings)
    animals = [view.decided.or_raise(findings) for view in seen.views]
    keypoints = union_keypoints([animal.labels.keypoint_names for animal in animals])
    recordings = list(dict.fromkeys(name for view in seen.views for name in view.session_of.values()))
    recordings += [name for view in seen.views for name in view.video_of.values() if name not in recordings]
    # A folder with the frames of several videos is several recordings, whose names follow its own.
    recordings += [name for view in seen.views for name in _split_recordings(view) if name not in recordings]
    sessions = unique_sessions(recordings)
    advice = "another name? --view NAME=SOURCE gives it" if options.views else _RENAMING_HINT
    views, renamed = safe_views([view.name for view in seen.views], sessions.values(), advice)
    findings += renamed
    images = [
        collect(view, views[view.name], animal, keypoints, options, findings)
        for view, animal in zip(seen.views, animals, strict=True)
    ]
    alignment = align_views(images, recordings)
    findings += explain_alignment(alignment, without_videos=options.videos == "none")
    findings += odd_views(seen.views, images, alignment, options)
    findings += _outsiders(seen)
    planner = _ViewsPlanner(seen, options, target, keypoints, sessions, images, alignment, Draft(findings))
    return planner.plan()


def refuse_open(seen: ViewsSurvey) -> None:
    """Refuse cameras that can't be migrated as they are, or of which something is still to be decided.

    Raises
    ------
    SourceRefused, DecisionNeeded
        With everything that stands against it.
    """
    questions = [decision.as_finding() for decision in seen.decisions]
    if seen.refusals or questions:
        error = SourceRefused if seen.refusals else DecisionNeeded
        raise error(*by_severity([*seen.refusals, *questions, *seen.findings]))


def _split_recordings(view: View) -> Iterator[str]:
    for chosen in view.decided.chosen.sessions:
        recording = view.session_of.get(chosen.session.name)
        for folder in split_folder(chosen.session.name, chosen.session.images.values()) if recording else ():
            yield f"{recording}{folder.removeprefix(chosen.session.name)}"


def _outsiders(seen: ViewsSurvey) -> list[Finding]:
    return [
        Finding(
            Severity.ERROR,
            "folder-of-no-view",
            folder,
            f"belongs to no camera by its name; left out with its {counted(n_frames, 'labeled frame')} and "
            f"{counted(n_cells, 'point')}",
            advice="give a --view-pattern that fits its name too, or rename the folder in DeepLabCut",
        )
        for folder, n_cells, n_frames in seen.outsiders
    ]


@dataclasses.dataclass
class _ViewsPlanner:
    """Makes one plan; the draft is filled on the way."""

    seen: ViewsSurvey
    options: Options
    target: Path
    keypoints: tuple[str, ...]
    sessions: dict[str, str]
    images: list[ViewImages]
    alignment: Alignment
    draft: Draft

    def plan(self) -> Plan:
        moments = list(name_moments(self.alignment, self.images, self.options))
        placed = [
            place_moments(moments, number, view, self._folders(view), len(self.keypoints), self.options)
            for number, view in enumerate(self.images)
        ]
        if not any(moment.state == "labeled" for moment in moments):
            held_out = any(moment.state == "test" for moment in moments)
            reason = self._all_held_out() if held_out else self._nothing_shared()
            raise SourceRefused(reason, *by_severity(self.draft.findings))
        for view, made in zip(self.images, placed, strict=True):
            self._place_images(view, made)
        without = [folder for view, made in zip(self.images, placed, strict=True) for folder in self._cut(view, made)]
        if without and self.options.context_frames:
            self.draft.findings.append(no_context(without))
        videos = self._place_videos()
        recordings = list(dict.fromkeys(moment.moment.session for moment in moments))
        calibrated = plan_calibrations(self.seen.calibrations, self.images, recordings, self.sessions)
        self.draft.findings += calibrated.findings
        if not self.seen.calibrations.in_squares:
            why = "no calibration of DeepLabCut is used, whose lengths are in squares"
            self.draft.findings += unused_options(self.options, why=why, calibration=False)
        facts, config = self._write_texts(placed, videos, is_calibrated=bool(calibrated.files))
        self.draft.steps += [WriteText(path, text) for path, text in sorted(calibrated.files.items())]
        roots = [survey.project for survey, _ in self.seen.surveys]
        return Plan(
            dlc2lp_version=__version__,
            source=str(roots[0].root),
            target=str(self.target),
            project=identity(roots[0]),
            options=self.options.as_json(),
            keypoints=dict(facts.hidden_share),
            sessions=tuple(self.draft.sessions),
            videos=tuple(videos),
            ties=tuple(
                dataclasses.replace(video.tie, view=view.name)
                for view in self.images
                for video in view.videos.values()
                if video.tie is not None
            ),
            counts=self._counts(placed),
            config_facts=facts,
            config_reasons=config.reasons,
            findings=tuple(by_severity(self.draft.findings)),
            calibrations=dict(calibrated.origins),
            steps=tuple(self.draft.steps),
            views=tuple(view.name for view in self.images),
            view_frames=self.alignment.sessions,
        )

    def _folders(self, view: ViewImages) -> dict[str, str]:
        """The folder in ``labeled-data`` of each recording of one view."""
        return {recording: f"{safe}_{view.name}" for recording, safe in self.sessions.items()}

    def _nothing_shared(self) -> Finding:
        return Finding(
            Severity.ERROR,
            "no-common-frames",
            ", ".join(view.name for view in self.images),
            "found no labeled frame that all views have or that can be cut from their videos",
            advice="check that the recordings and frame numbers of the cameras belong together; label some frames in "
            "all of them",
        )

    def _all_held_out(self) -> Finding:
        return Finding(
            Severity.ERROR,
            "nothing-to-train",
            f"--split {self.options.split}",
            "the splits of the cameras together hold out every labeled frame, so none is left to train on",
            advice="choose another split, or leave out --split",
        )

    def _place_images(self, view: ViewImages, made: PlacedView) -> None:
        """Plan how the images of one view travel, and account for those that don't."""
        folders = self._folders(view)
        frames: dict[str, list[PlannedFrame]] = {}
        placements: dict[str, list[ImagePlacement]] = {}
        for session, name, image in _each(view):
            path, state = made.placed.get((session, name), ("", "left-out"))
            target = "" if state == "left-out" else path
            frame = image.frame
            frames.setdefault(session, []).append(
                PlannedFrame(name, target, frame.frame_index, frame.video_frame_index, state)
            )
            if target:
                deepest = view.view.survey.deep_image_max.get(image.chosen.session.name, 0)
                placements.setdefault(session, []).append(placement(image.info, path, shift_of(deepest)))
                if state in {"labeled", "test"}:
                    self.draft.image_sizes[image.info.width_px, image.info.height_px] += 1
            elif image.points is not None:
                n_cells = sum(not isnan(x) for x, _ in image.points)
                self.draft.n_cells_left_out += n_cells
                self.draft.n_frames_left_out += n_cells > 0
        rows = {(ref.session, ref.file_name): row for row, ref in enumerate(view.animal.labels.frames)}
        for chosen, ref in view.lost:
            n_cells = int(view.animal.labels.labelled[rows[ref.session, ref.file_name]].sum())
            self.draft.n_cells_left_out += n_cells
            self.draft.n_frames_left_out += n_cells > 0
            session = view.view.session_of[chosen.session.name]
            frames.setdefault(session, []).append(PlannedFrame(ref.file_name, "", ref.frame_index, None, "left-out"))
        for session, listed in frames.items():
            found = view.folder_of.get(session)
            folder = found.session.name if found else session
            label_file = str(found.label_file) if found and found.label_file else ""
            source = next((image.frame.folder for image in view.images.get(session, {}).values()), folder)
            self.draft.sessions.append(
                PlannedSession(folder, source, folders[session], label_file, tuple(listed), view.name)
            )
        self.draft.steps += [
            PlaceImages(folders[session], tuple(listed), self.options.link) for session, listed in placements.items()
        ]

    def _cut(self, view: ViewImages, made: PlacedView) -> list[str]:
        """Plan what is cut from the videos of one view: frames that it lacks, and neighbors.

        Return the folders of which no frame is proven to be one of a video.
        """
        folders = self._folders(view)
        taken = {path for path, state in made.placed.values() if state != "left-out"}
        without = []
        for session in dict.fromkeys(moment.session for moment in self.alignment.moments if moment.is_labeled):
            video, rows = view.videos.get(session), made.cut.get(session, [])
            if not rows:
                without.append(folders[session])
            if video is None or video.tie is None or video.info is None:
                continue
            sizes = [image.info.size_bytes for image in view.images.get(session, {}).values()]
            queued = made.queue_cut.get(session, [])
            for listed, with_neighbors in ((rows, self.options.context_frames), (queued, False)):
                self.draft.steps += cut_steps(
                    folders[session], listed, video.tie, video.info, taken, sizes, with_neighbors=with_neighbors
                )
        return without

    def _place_videos(self) -> list[PlannedVideo]:
        named = []
        for view in self.images:
            folders = self._folders(view)
            named += [NamedVideo(video, folders[session], view.name) for session, video in view.videos.items()]
            strangers = [v.path.name for v in view.view.survey.videos if v.info and v.stem not in self._known_stems()]
            if strangers:
                self.draft.findings.append(_stranger_videos(strangers))
        self.draft.findings[:] = list(dict.fromkeys(self.draft.findings))
        return place_videos(named, self.options, self.draft)

    def _known_stems(self) -> set[str]:
        return {stem for view in self.images for stem in view.view.video_of}

    def _video_counts(self) -> dict[tuple[str, str], int]:
        """(recording, view) -> frames of its video."""
        return {
            (session, view.name): video.info.n_frames
            for view in self.images
            for session, video in view.videos.items()
            if video.info is not None
        }

    def _write_texts(
        self, placed: Sequence[PlacedView], videos: Sequence[PlannedVideo], *, is_calibrated: bool
    ) -> tuple[ConfigFacts, StarterConfig]:
        """Add the steps that write texts: labels and queue of each view, project settings, starter config."""
        views = tuple(view.name for view in self.images)
        labeled = [row for made in placed for row in (*made.rows, *made.test_rows) if row.image not in made.fillers]
        counts = self._video_counts()
        unequal = unequal_videos(counts)
        self.draft.findings += unequal
        of_session: Counter[str] = Counter(session for session, _ in counts)
        facts = ConfigFacts(
            data_dir=self.options.data_dir or str(self.target),
            keypoint_names=self.keypoints,
            n_labeled_frames=len(placed[0].rows),
            image_sizes=tuple(sorted(self.draft.image_sizes.items())),
            hidden_share=hidden_shares(self.keypoints, labeled),
            n_videos=sum(n == len(views) for n in of_session.values()),
            view_names=views,
            is_calibrated=is_calibrated,
            n_frames_against_3d=_n_frames_against_3d([made.rows for made in placed]),
            one_view_keypoints=self._one_view_keypoints(placed),
            incomplete_sessions=tuple(session for session, n in of_session.items() if n < len(views)),
            unequal_sessions=tuple(finding.subject for finding in unequal),
        )
        config = starter_config(facts, self.options.config)
        self.draft.findings += config.findings
        projects = [survey.project for survey, _ in self.seen.surveys]
        origin = {name: origin for view in self.images for name, origin in view.animal.origin.items()}
        edges = skeleton(projects, origin, self.draft.findings)
        self.draft.steps += [
            WriteText(PROJECT_FILE, render_project_yaml(self.keypoints, edges, views)),
            WriteText(CONFIG_FILE, config.text),
        ]
        needs_visible = self._needs_visible(placed)
        for view, made in zip(self.images, placed, strict=True):
            self._write_labels(view, made, needs_visible=needs_visible)
        return facts, config

    def _one_view_keypoints(self, placed: Sequence[PlacedView]) -> tuple[str, ...]:
        """Keypoints that at least one view never shows."""
        shown = []
        for made in placed:
            rows = [*made.rows, *made.test_rows]
            shown.append(
                {name for k, name in enumerate(self.keypoints) if any(not isnan(row.xy[k][0]) for row in rows)}
            )
        return tuple(name for name in self.keypoints if not all(name in names for names in shown))

    def _needs_visible(self, placed: Sequence[PlacedView]) -> bool:
        """Whether the label files get the column ``visible``; all views or none."""
        if self.options.visibility != "auto":
            return self.options.visibility == "always"
        rows = [row for made in placed for row in (*made.rows, *made.test_rows)]
        return any(made.fillers for made in placed) or wants_column(rows, len(self.keypoints), "auto")

    def _write_labels(self, view: ViewImages, made: PlacedView, *, needs_visible: bool) -> None:
        rows, test_rows = made.rows, made.test_rows
        if needs_visible:
            never = never_labelled([*rows, *test_rows], len(self.keypoints))
            nan_means = self.options.config.nan_means or "occluded"
            rows = _unlabeled_fillers(with_visibility(rows, never, nan_means), made.fillers)
            test_rows = _unlabeled_fillers(with_visibility(test_rows, never, nan_means), made.fillers)
        scorer = view.animal.labels.scorer if view.animal.labels.scorer.strip() else "unknown"
        stem = f"CollectedData_{view.name}"
        self.draft.steps.append(WriteText(f"{stem}.csv", render_labels(scorer, self.keypoints, rows)))
        if test_rows:
            self.draft.steps.append(WriteText(f"{stem}_test.csv", render_labels(scorer, self.keypoints, test_rows)))
        if made.queue:
            self.draft.steps.append(WriteText(f"{stem}.unlabeled.jsonl", render_queue(made.queue)))

    def _counts(self, placed: Sequence[PlacedView]) -> dict[str, Count]:
        """Every label of every project: written, or left out with a finding."""
        surveys = self.seen.surveys
        rows = [row for made in placed for row in (*made.rows, *made.test_rows)]
        n_frames = sum(decided.n_source_frames for _, decided in surveys)
        n_cells = sum(decided.n_source_cells for _, decided in surveys)
        others_cells = others_frames = 0
        for _, decided in surveys:
            animal = decided.or_raise()
            n_kept = int(animal.labels.labelled.any(axis=(1, 2)).sum())
            others_frames += decided.n_source_frames - n_kept
            others_cells += animal.n_left_out + sum(session.n_left_out for session in decided.chosen.sessions)
        out_cells = sum(n for _, n, _ in self.seen.outsiders)
        out_frames = sum(n for _, _, n in self.seen.outsiders)
        return {
            "labeled_frames": Count(
                n_frames, count_labeled(rows), self.draft.n_frames_left_out + others_frames + out_frames
            ),
            "labeled_cells": Count(n_cells, count_cells(rows), self.draft.n_cells_left_out + others_cells + out_cells),
        }


#: Points that an affine change of an image is told from.
_FEWEST_POINTS = 3


def _n_frames_against_3d(rows: Sequence[Sequence[LabelRow]]) -> int:
    """Return in how many labeled frames some view has too few of the keypoints that two views or more have."""
    n = 0
    for moment in zip(*rows, strict=True):
        seen = [{k for k, (x, _) in enumerate(row.xy) if not isnan(x)} for row in moment]
        counts = Counter(k for keypoints in seen for k in keypoints)
        in_space = {k for k, n_views in counts.items() if n_views > 1}
        if len(in_space) >= _FEWEST_POINTS:
            n += any(len(keypoints & in_space) < _FEWEST_POINTS for keypoints in seen)
    return n


def _each(view: ViewImages) -> Iterator[tuple[str, str, ViewImage]]:
    for session, images in view.images.items():
        for name, image in images.items():
            yield session, name, image


def _stranger_videos(names: Sequence[str]) -> Finding:
    return Finding(
        Severity.WARNING,
        "video-of-no-view",
        ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else ""),
        "belongs to no camera and recording by its name, which Lightning Pose must tell from it; it is left out",
        advice="give a --view-pattern that fits its name too, or rename the video",
    )


def _unlabeled_fillers(rows: Iterable[LabelRow], fillers: set[str]) -> list[LabelRow]:
    """Mark all points of frames that only other views have labelled as not labelled: they may well be visible."""
    return [
        dataclasses.replace(row, visible=(NOT_LABELED,) * len(row.xy)) if row.image in fillers else row for row in rows
    ]
