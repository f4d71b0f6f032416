"""The videos of a source: measured, and tied to the frames that were cut from them. Only reads.

A path that leads somewhere need not lead to the right video: a project that was copied from another still lists that
one's. So the first candidate is measured and compared with the images; where they deny it, the others are, in turn.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from dlc2lp.dlc.framenames import parse_frame_name
from dlc2lp.dlc.project import DlcProject
from dlc2lp.errors import VideoFailed
from dlc2lp.events import Watch
from dlc2lp.files import content_of
from dlc2lp.model import Finding, ImageInfo, VideoInfo
from dlc2lp.options import CropChoice, DamagedChoice, Options
from dlc2lp.placeholders import placeholder_of
from dlc2lp.survey.compare_images import Pair, tie_all
from dlc2lp.survey.find_videos import WantedVideo, find_videos
from dlc2lp.survey.folders import prefix_name, split_folder
from dlc2lp.survey.found_videos import told_of_videos
from dlc2lp.survey.session_ties import Picture, SessionTie
from dlc2lp.survey.spelling import pair_names
from dlc2lp.survey.video_candidates import Candidate, hold_the_same
from dlc2lp.survey.video_trial import Trial, Tried
from dlc2lp.threads import in_threads
from dlc2lp.video.encoding import Treatment, choose
from dlc2lp.video.framing import CropHint
from dlc2lp.video.kept import measure_video
from dlc2lp.wording import spelled

_PROBED_AT_A_TIME = 4


@dataclass(frozen=True)
class SurveyedVideo:
    """A video that is to be migrated, and what it needs."""

    path: Path  #: Where it lies.
    stem: str  #: The name by which DeepLabCut ties it to a ``labeled-data`` folder.
    #: What it holds and the cheapest way to make it what Lightning Pose needs; None if it can't be read.
    info: VideoInfo | None
    treatment: Treatment | None
    session: str = ""  #: The session that it belongs to; empty if to none.
    #: Which of its frames that session's images are; None if there is nothing to compare, or it was not possible.
    tie: SessionTie | None = None
    picture: Picture = field(default_factory=Picture)  #: What of its picture the target shows.
    #: What comparing other files with the images gave, which were tried and not taken.
    denied: tuple[SessionTie, ...] = ()
    digest: str = ""  #: Of its content, as it was before it was measured; empty where it was not taken.


def measure_videos(
    projects: Sequence[DlcProject], options: Options, known: Iterable[SessionTie], watch: Watch
) -> tuple[list[SurveyedVideo], list[Finding]]:
    """Find all videos, count their frames, and find out which of them the labeled images are.

    ``known`` are ties that an earlier plan found, of videos that were not taken too. Raises Interrupted where the watch
    says that the work is to stop.
    """
    found = [find_videos(project, options.videos, options.video_roots) for project in projects]
    wanted = _wanted_of_all([wanted for each in found for wanted in each.wanted])
    images = _images_of(projects)
    sessions = _sessions_of(wanted, projects, images)
    trials = [Trial(each, session, bool(images.get(session))) for each, session in zip(wanted, sessions, strict=True)]
    _add_by_label_files(trials, projects)
    hints = _crop_hints(projects)
    waiting = _next_of(trials)
    while waiting:
        tried = _try_out(waiting, images, hints, known, options.damaged, watch)
        for (trial, _), one in zip(waiting, tried, strict=True):
            trial.tried.append(one)
        waiting = _next_of(trials)
    trials = _each_file_once(trials)
    findings = told_of_videos(trials, [path for each in found for path in each.at_hand], options.videos)
    videos = [_surveyed(trial, trial.chosen, options.crop) for trial in trials if trial.chosen is not None]
    return videos, findings


def _wanted_of_all(wanted: Iterable[WantedVideo]) -> list[WantedVideo]:
    """Return each video once, sorted by name: of two with one name that of the first project that has it."""
    found: dict[str, WantedVideo] = {}
    for each in wanted:
        key = spelled(each.stem)
        if key not in found or (found[key].first is None and each.first is not None):
            found[key] = each
    return [found[key] for key in sorted(found)]


def _images_of(projects: Sequence[DlcProject]) -> dict[str, list[ImageInfo]]:
    """Return the images of each session of the target, random sub-crops left out; of two with one name the first."""
    images: dict[str, dict[str, ImageInfo]] = {}
    for folder in (folder for project in projects for folder in project.sessions):
        whole = [image for name, image in folder.images.items() if name not in folder.random_crops]
        for session, group in split_folder(folder.name, whole).items():
            for image in group:
                images.setdefault(session, {}).setdefault(image.path.name, image)
    return {session: list(group.values()) for session, group in images.items()}


def _sessions_of(
    wanted: Sequence[WantedVideo], projects: Sequence[DlcProject], images: Mapping[str, Sequence[ImageInfo]]
) -> list[str]:
    """Return the session of each video's name; where a folder is several sessions, by the prefix of their images."""
    folders = {folder.name for project in projects for folder in project.sessions}
    names = {session: session for session in (*images, *folders)}
    for session, group in images.items():
        if session not in folders:
            names.setdefault(prefix_name(parse_frame_name(group[0].path.name)), session)
    pairs = pair_names([each.stem for each in wanted], names)
    return [names[pairs[each.stem]] if each.stem in pairs else "" for each in wanted]


def _crop_hints(projects: Sequence[DlcProject]) -> dict[str, CropHint]:
    """Return the crop that the configuration names for each video; it alone does not say that it was used."""
    entries = [entry for project in projects if project.config for entry in project.config.video_sets]
    return {entry.stem: entry.crop for entry in reversed(entries) if entry.crop}


def _add_by_label_files(trials: Sequence[Trial], projects: Sequence[DlcProject]) -> None:
    """Let a folder without a video try that of a folder without images whose label file names its images."""
    lacking = {spelled(trial.session): trial for trial in trials if trial.has_images and trial.wanted.first is None}
    if not lacking:
        return
    without_images = [trial for trial in trials if trial.session and not trial.has_images]
    sources = {trial.session: trial.wanted.first for trial in without_images if trial.wanted.first is not None}
    for folder in (folder for project in projects for folder in project.sessions):
        named = {name for file in folder.label_files for name in file.folders_named} if folder.name in sources else ()
        for name in sorted(lacking.keys() & named):
            lacking[name].more.append(Candidate(sources[folder.name].path, "label-file"))
        # Of a file with the rows of several sessions each has got its own.
        elsewhere = dict.fromkeys(file.path.parent.name for file in folder.label_files)
        for name in [name for name in elsewhere if name != folder.name and name in sources]:
            if spelled(folder.name) in lacking:
                lacking[spelled(folder.name)].more.append(Candidate(sources[name].path, "label-file"))


def _next_of(trials: Iterable[Trial]) -> list[tuple[Trial, Candidate]]:
    return [(trial, candidate) for trial in trials if (candidate := trial.next()) is not None]


def _try_out(
    waiting: Sequence[tuple[Trial, Candidate]],
    images: Mapping[str, Sequence[ImageInfo]],
    hints: Mapping[str, CropHint],
    known: Iterable[SessionTie],
    damaged: DamagedChoice,
    watch: Watch,
) -> list[Tried]:
    """Measure one candidate of each video, and compare it with the images of its session."""
    measured = in_threads(
        partial(_measure, damaged=damaged, stop=watch.stop), [candidate for _, candidate in waiting], _PROBED_AT_A_TIME
    )
    pairs: dict[int, Pair] = {}
    for number, ((trial, candidate), tried) in enumerate(zip(waiting, measured, strict=True)):
        if tried.info is not None and trial.has_images:
            stem = candidate.path.stem if candidate.place == "label-file" else trial.wanted.stem
            pairs[number] = Pair(trial.session, tuple(images[trial.session]), tried.info, tried.digest, hints.get(stem))
    for number, answer in zip(pairs, tie_all(list(pairs.values()), known, watch), strict=True):
        if isinstance(answer, SessionTie):
            measured[number] = replace(measured[number], tie=answer)
        else:
            measured[number] = replace(measured[number], faults=(answer,))
    return measured


def _measure(candidate: Candidate, *, damaged: DamagedChoice, stop: threading.Event) -> Tried:
    content = _digest_of(candidate.path)  # first of all: whatever is changed from here on, this is not its digest
    try:
        return Tried(candidate, measure_video(candidate.path, damaged, stop=stop), digest=content)
    except VideoFailed as error:
        return Tried(candidate, None, error.findings)


def _digest_of(path: Path) -> str:
    """Return the digest of a video that is here; empty where measuring it will say why it can't be read."""
    found = None if placeholder_of(path) else content_of(path)
    return found.digest if found else ""


def _each_file_once(trials: Sequence[Trial]) -> list[Trial]:
    """Leave out a video that proved to be another folder's, and copies of what is taken that no name asks for."""
    borrowed = {each.chosen.path for each in trials if each.chosen and each.chosen.candidate.place == "label-file"}
    asked = [each.chosen.path for each in trials if each.chosen and (each.session or each.wanted.entries)]
    kept: list[Trial] = []
    for trial in trials:
        chosen = trial.chosen
        if chosen and not trial.has_images and chosen.path in borrowed:
            continue
        if chosen and not trial.session and not trial.wanted.entries:
            alike = (path for path in asked if path == chosen.path or path.stem == chosen.path.stem)
            if any(hold_the_same(chosen.path, path) for path in alike):
                continue
        kept.append(trial)
    return kept


def _surveyed(trial: Trial, chosen: Tried, crop: CropChoice) -> SurveyedVideo:
    """Decide on what the target shows of a video's picture, and so on what the video needs."""
    stem = trial.wanted.stem
    denied = tuple(each.tie for each in trial.left if each.tie is not None)
    if chosen.info is None:
        return SurveyedVideo(chosen.path, stem, None, None, trial.session, denied=denied)
    picture = chosen.tie.picture if chosen.tie else Picture()
    if crop == "never":
        picture = replace(picture, crop=None)
    treatment = choose(chosen.info, crop=picture.crop, turn_deg=picture.turn_deg, colors=picture.colors)
    about = chosen.info, treatment, trial.session, chosen.tie, picture, denied, chosen.digest
    return SurveyedVideo(chosen.path, stem, *about)
