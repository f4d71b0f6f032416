"""The part of planning that gives every image its place: a row of the label file, the app's queue, or none. Pure."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isnan

from dlc2lp.lp.labels import LabelRow, QueueEntry
from dlc2lp.lp.names import unique_sessions
from dlc2lp.migrate.choose import Chosen, ChosenSession
from dlc2lp.migrate.frame_names import NamedFrame, name_frames
from dlc2lp.migrate.options import Options
from dlc2lp.migrate.plan import ImagePlacement, PlaceImages, PlannedFrame, PlannedSession, Step
from dlc2lp.migrate.survey import Survey
from dlc2lp.model import Finding, ImageInfo, LabelTable, Severity


@dataclass
class Draft:
    """What the planner has decided so far. Lives only while one plan is made; the plan itself is frozen."""

    findings: list[Finding]
    rows: list[LabelRow] = field(default_factory=list)
    queue: list[QueueEntry] = field(default_factory=list)
    sessions: list[PlannedSession] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    image_sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    frames_left_out: int = 0
    cells_left_out: int = 0


def place_frames(survey: Survey, chosen: Chosen, labels: LabelTable, options: Options, draft: Draft) -> None:
    """Give every image its place: a row of the label file, an entry of the queue, or none."""
    named = {
        session.session.name: name_frames(
            session.session.name, session.session.images.values(), options.frame_names, draft.findings
        )
        for session in chosen.sessions
    }
    safe = unique_sessions({frame.folder for frames in named.values() for frame in frames})
    renamed = {name: new for name, new in sorted(safe.items()) if name != new}
    if renamed:
        draft.findings.append(
            Finding(
                Severity.NOTE,
                "session-renamed",
                f"{len(renamed)} sessions",
                "their names hold characters that Lightning Pose or its app refuse: "
                + ", ".join(f"{old!r} -> {new}" for old, new in list(renamed.items())[:5]),
            )
        )
    xy_of = {(frame.session, frame.file_name): labels.xy_px[row, 0] for row, frame in enumerate(labels.frames)}
    for session in chosen.sessions:
        _place_session(session, named[session.session.name], safe, xy_of, survey, options, draft)


def _place_session(
    chosen: ChosenSession,
    named: Sequence[NamedFrame],
    safe: dict[str, str],
    xy_of: dict[tuple[str, str], object],
    survey: Survey,
    options: Options,
    draft: Draft,
) -> None:
    session = chosen.session
    shift = _shift_of(survey.deep_image_max.get(session.name, 0))
    frames: dict[str, list[PlannedFrame]] = {}
    placements: dict[str, list[ImagePlacement]] = {}
    for frame in named:
        folder = safe[frame.folder]
        path = f"labeled-data/{folder}/{frame.target_name}"
        image = session.images[frame.source_name]
        state = _place_frame(path, image, xy_of.get((session.name, frame.source_name)), options, draft)
        frames.setdefault(frame.folder, []).append(
            PlannedFrame(frame.source_name, "" if state == "left-out" else path, frame.frame_index, state)
        )
        if state != "left-out":
            placements.setdefault(folder, []).append(_placement(image, path, shift))
    if shift:
        draft.findings.append(
            Finding(
                Severity.NOTE,
                "images-16-bit",
                session.name,
                f"its 16-bit images become 8-bit: values up to {survey.deep_image_max[session.name]} "
                f"are divided by {2**shift}, since Lightning Pose would clip them to white",
            )
        )
    lost = _missing_images(chosen, draft)
    label_file = str(chosen.label_file) if chosen.label_file else ""
    for folder, placed in frames.items():
        rows = (*placed, *(lost if folder == session.name else ()))
        draft.sessions.append(PlannedSession(session.name, folder, safe[folder], label_file, rows))
    if lost and session.name not in frames:
        draft.sessions.append(PlannedSession(session.name, session.name, "", label_file, tuple(lost)))
    draft.steps += [PlaceImages(folder, tuple(images), options.link) for folder, images in placements.items()]


def _place_frame(path: str, image: ImageInfo, xy: object, options: Options, draft: Draft) -> str:
    """Put one image into the label file, the queue or nowhere; return which."""
    points = tuple((float(x), float(y)) for x, y in xy) if xy is not None else ()  # type: ignore[attr-defined]
    labelled = any(not isnan(x) for x, _ in points)
    if labelled or (points and options.empty_frames == "keep"):
        draft.rows.append(LabelRow(path, points))
        draft.image_sizes[image.width_px, image.height_px] += 1
        return "labeled"
    if options.empty_frames == "drop":
        return "left-out"
    draft.queue.append(QueueEntry(path))
    return "queued"


def _shift_of(largest: int) -> int:
    """Return by how many bits 16-bit values go down so that the largest just fits 8 bits.

    A 12-bit camera writes values up to 4095 into 16-bit files; shifted by 8 its images would be almost black.
    """
    return max(0, largest.bit_length() - 8)


def _placement(image: ImageInfo, target: str, shift: int) -> ImagePlacement:
    deep = image.bits_per_channel > 8
    return ImagePlacement(
        str(image.path),
        target,
        image.size_bytes,
        shift if deep else None,
        as_png=image.kind not in {"png", "jpg"},
    )


def _missing_images(chosen: ChosenSession, draft: Draft) -> list[PlannedFrame]:
    """Rows whose image is not there or can't be read: left out, each by name, and the run ends with exit 1."""
    if chosen.labels is None:
        return []
    lost = []
    for row, frame in enumerate(chosen.labels.frames):
        if frame.file_name in chosen.session.images:
            continue
        n_cells = int(chosen.labels.labelled[row].sum())
        draft.cells_left_out += n_cells
        draft.frames_left_out += n_cells > 0
        broken = chosen.session.broken_images.get(frame.file_name)
        draft.findings.append(
            Finding(
                Severity.ERROR,
                broken.code if broken else "missing-image",
                f"{chosen.session.name}/{frame.file_name}",
                (broken.message if broken else f"found a row of labels and no such image in {chosen.session.folder}")
                + f"; the row and its {n_cells} labelled points are left out",
                where=f"row {row + 1} of {chosen.label_file}",
                hint="put the image back from a backup and run again, or delete the row in DeepLabCut",
            )
        )
        lost.append(PlannedFrame(frame.file_name, "", frame.frame_index, "left-out"))
    unlabelled = chosen.session.broken_images.keys() - {frame.file_name for frame in chosen.labels.frames}
    draft.findings += [
        dataclasses.replace(chosen.session.broken_images[name], severity=Severity.WARNING)
        for name in sorted(unlabelled)
    ]
    return lost
