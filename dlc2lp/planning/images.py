"""How the images of one view travel, and the account of those that don't. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dlc2lp.model import Finding, Severity
from dlc2lp.options import Link
from dlc2lp.planning.frames import ViewImage, ViewImages, placement, shift_of
from dlc2lp.planning.moments import ViewFiles
from dlc2lp.planning.plan import PlannedFrame, PlannedSession
from dlc2lp.planning.rows import MatchedFolder
from dlc2lp.planning.steps import ImagePlacement, PlaceImages
from dlc2lp.survey.machine_labels import labels_equal_predictions
from dlc2lp.wording import counted, some


@dataclass(frozen=True)
class PlacedImages:
    """What becomes of the images and rows of one view."""

    #: Parts of the plan.
    sessions: tuple[PlannedSession, ...]
    steps: tuple[PlaceImages, ...]
    sizes: Counter[tuple[int, int]]  #: How many labeled frames have each size (width_px, height_px).
    #: Labels that don't arrive; each has a finding.
    n_frames_left_out: int
    n_cells_left_out: int
    findings: tuple[Finding, ...]  #: What a person should know.


def place_images(view: ViewImages, files: ViewFiles, folders: Mapping[str, str], link: Link) -> PlacedImages:
    """Plan how the images of one view travel; ``folders`` is its folder in ``labeled-data`` by recording."""
    sessions: list[PlannedSession] = []
    steps: list[PlaceImages] = []
    sizes: Counter[tuple[int, int]] = Counter()
    left_out: list[int] = []
    on_held: dict[str, list[ViewImage]] = {}
    findings: list[Finding] = []
    for folder in view.folders:
        name = folder.chosen.session.name
        deepest = view.view.survey.deep_image_max.get(name, 0)
        findings += [_deep(name, deepest, _shift(view, name, deepest))] if deepest else []
        frames, placements = _place_folder(view, files, folder, deepest)
        for recording, placed in frames.items():
            for frame in placed:
                image = view.images[recording][frame.source]
                if frame.state in {"labeled", "test"}:
                    sizes[image.info.width_px, image.info.height_px] += 1
                if frame.state == "left-out" or image.is_held:
                    left_out.append(image.n_labelled)
                if image.is_held and image.n_labelled:
                    on_held.setdefault(recording, []).append(image)
        lost = [PlannedFrame(ref.file_name, "", ref.frame_index, None, "left-out") for ref in folder.lost]
        left_out += [view.n_labelled.get((ref.session, ref.file_name), 0) for ref in folder.lost]
        sessions += _sessions(view, folder, frames, lost, folders)
        steps += [PlaceImages(folders[recording], tuple(made), link) for recording, made in placements.items()]
    findings += [_on_held_frames(recording, images) for recording, images in on_held.items()]
    n_frames_left_out = sum(n > 0 for n in left_out)
    return PlacedImages(tuple(sessions), tuple(steps), sizes, n_frames_left_out, sum(left_out), tuple(findings))


def _place_folder(
    view: ViewImages, files: ViewFiles, folder: MatchedFolder, deepest: int
) -> tuple[dict[str, list[PlannedFrame]], dict[str, list[ImagePlacement]]]:
    """Return what becomes of the images of one folder, and how they travel, by recording."""
    frames: dict[str, list[PlannedFrame]] = {}
    placements: dict[str, list[ImagePlacement]] = {}
    name, labels, predictions = folder.chosen.session.name, folder.chosen.labels, folder.chosen.predictions
    n_as_predicted = labels_equal_predictions(labels, predictions) if labels and predictions else {}
    for frame in folder.named:
        recording = view.view.recording(name, frame.folder)
        path, state = files.placed.get((recording, frame.source_name), ("", "left-out"))
        target = "" if state == "left-out" else path
        n = n_as_predicted.get(frame.source_name, 0)
        planned = PlannedFrame(frame.source_name, target, frame.frame_index, frame.video_frame_index, state, n)
        frames.setdefault(recording, []).append(planned)
        if target:
            image = view.images[recording][frame.source_name]
            placements.setdefault(recording, []).append(
                placement(image.info, path, _shift(view, frame.folder, deepest))
            )
    return frames, placements


def _sessions(
    view: ViewImages,
    folder: MatchedFolder,
    frames: Mapping[str, list[PlannedFrame]],
    lost: list[PlannedFrame],
    folders: Mapping[str, str],
) -> list[PlannedSession]:
    """Return the sessions of one folder; rows without an image belong to the one that is called like the folder."""
    name = folder.chosen.session.name
    own = view.view.session_of[name]
    label_file = str(folder.chosen.label_file) if folder.chosen.label_file else ""
    sessions = []
    for recording, placed in frames.items():
        source = name + recording.removeprefix(own)
        rows = (*placed, *(lost if recording == own else ()))
        sessions.append(PlannedSession(name, source, folders[recording], label_file, rows, view.name))
    if lost and own not in frames:
        sessions.append(PlannedSession(name, name, "", label_file, tuple(lost), view.name))
    return sessions


def _on_held_frames(session: str, images: Sequence[ViewImage]) -> Finding:
    n_cells = sum(image.n_labelled for image in images)
    names = some([image.frame.source_name for image in images])
    held = counted(len(images), "labeled frame is", "labeled frames are")
    message = (
        f"{held} where the video can't be decoded and is held by another picture: {names}; the "
        f"{counted(n_cells, 'labelled point')} there {'is' if n_cells == 1 else 'are'} left out"
    )
    advice = "give a whole copy of the video, if there is one, or label other frames instead"
    return Finding(Severity.ERROR, "labels-on-held-frames", session, message, "", advice)


def _shift(view: ViewImages, session: str, deepest: int) -> int:
    """By how many bits the values of a session's 16-bit images go down: as the video tells, else by the largest."""
    tie = view.view.survey.ties.get(session)
    told = tie.deep_shift if tie else None
    return told if told is not None and deepest >> told <= 255 else shift_of(deepest)


def _deep(session: str, deepest: int, shift: int) -> Finding:
    divided = f"are divided by {2**shift}" if shift else "stay as they are"
    message = f"its 16-bit images become 8-bit: values, up to {deepest}, {divided}; Lightning Pose would clip them"
    return Finding(Severity.NOTE, "images-16-bit", session, message)
