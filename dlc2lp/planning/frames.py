"""The part of planning that gives every image its place: a row of a label file, the app's queue, or none. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan

from dlc2lp.lp.labels import LabelRow, QueueEntry
from dlc2lp.lp.names import unique_sessions
from dlc2lp.model import Finding, FrameRef, ImageInfo, Severity
from dlc2lp.options import Options
from dlc2lp.planning.frame_names import NamedFrame
from dlc2lp.planning.plan import PlannedFrame, PlannedSession
from dlc2lp.planning.rows import MatchedSession
from dlc2lp.planning.steps import ImagePlacement, PlaceImages, Step
from dlc2lp.survey.individuals import OneAnimal
from dlc2lp.survey.label_files import Chosen, ChosenSession
from dlc2lp.survey.project import Survey
from dlc2lp.wording import counted

Point = tuple[float, float]
Points = tuple[Point, ...]


@dataclass
class Draft:
    """What the planner has decided so far. Lives only while one plan is made; the plan itself is frozen.

    Attributes
    ----------
    findings
        What a person should know.
    rows, test_rows
        Labeled frames to train on, and those held out.
    queue
        Frames for the app's labeling queue.
    sessions, steps
        Parts of the plan.
    image_sizes
        (width_px, height_px) of the labeled frames.
    n_frames_left_out, n_cells_left_out
        Labels that don't arrive; each has a finding.
    """

    findings: list[Finding]
    rows: list[LabelRow] = field(default_factory=list)
    test_rows: list[LabelRow] = field(default_factory=list)
    queue: list[QueueEntry] = field(default_factory=list)
    sessions: list[PlannedSession] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    image_sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    n_frames_left_out: int = 0
    n_cells_left_out: int = 0

    @property
    def all_rows(self) -> list[LabelRow]:
        """Labeled frames, held out or not."""
        return [*self.rows, *self.test_rows]


def place_frames(
    survey: Survey,
    chosen: Chosen,
    matched: Sequence[MatchedSession],
    animal: OneAnimal,
    test_frames: frozenset[tuple[str, str]],
    options: Options,
) -> Draft:
    """Give every image its place.

    Parameters
    ----------
    survey, chosen
        The source, and which of its labels count.
    matched
        For each chosen session its images and the rows without one.
    animal
        The labels of all sessions as those of one animal.
    test_frames
        (folder, file name) of the frames that are held out.
    options
        What a person chose.
    """
    draft = Draft([])
    safe = unique_sessions({frame.folder for session in matched for frame in session.named})
    _say_renamed(safe, draft.findings)
    points: dict[tuple[str, str], Points] = {
        (frame.session, frame.file_name): tuple((float(x), float(y)) for x, y in animal.labels.xy_px[row, 0])
        for row, frame in enumerate(animal.labels.frames)
    }
    placer = _Placer(survey, animal, points, test_frames, options, safe, draft)
    for session, frames in zip(chosen.sessions, matched, strict=True):
        placer.place_session(session, frames)
    return draft


def _say_renamed(safe: Mapping[str, str], findings: list[Finding]) -> None:
    renamed = [f"{old!r} -> {new}" for old, new in sorted(safe.items()) if old != new]
    if renamed:
        findings.append(
            Finding(
                Severity.NOTE,
                "session-renamed",
                counted(len(renamed), "session"),
                "the name holds characters that Lightning Pose or its app refuse: "
                + ", ".join(renamed[:5])
                + (" ..." if len(renamed) > 5 else ""),
            )
        )


@dataclass
class _Placer:
    """Places the frames of one session after the other into the draft."""

    survey: Survey
    animal: OneAnimal
    points: Mapping[tuple[str, str], Points]
    test_frames: frozenset[tuple[str, str]]
    options: Options
    safe: Mapping[str, str]
    draft: Draft

    def place_session(self, chosen: ChosenSession, matched: MatchedSession) -> None:
        """Place the frames of one ``labeled-data`` folder, which may become several sessions."""
        session = chosen.session
        deepest = self.survey.deep_image_max.get(session.name, 0)
        shift = shift_of(deepest)
        frames: dict[str, list[PlannedFrame]] = {}
        placements: dict[str, list[ImagePlacement]] = {}
        for frame in matched.named:
            path = f"labeled-data/{self.safe[frame.folder]}/{frame.target_name}"
            image = session.images[frame.source_name]
            state = self._place_frame(path, image, chosen, frame)
            target = "" if state == "left-out" else path
            frames.setdefault(frame.folder, []).append(
                PlannedFrame(frame.source_name, target, frame.frame_index, frame.video_frame_index, state)
            )
            if target:
                placements.setdefault(self.safe[frame.folder], []).append(placement(image, path, shift))
        if deepest:
            self._say_deep(session.name, deepest, shift)
        lost = [self._leave_out(frame) for frame in matched.lost]
        label_file = str(chosen.label_file) if chosen.label_file else ""
        for folder, placed in frames.items():
            rows = (*placed, *(lost if folder == session.name else ()))
            self.draft.sessions.append(PlannedSession(session.name, folder, self.safe[folder], label_file, rows))
        if lost and session.name not in frames:
            self.draft.sessions.append(PlannedSession(session.name, session.name, "", label_file, tuple(lost)))
        self.draft.steps += [
            PlaceImages(folder, tuple(images), self.options.link) for folder, images in placements.items()
        ]

    def _place_frame(self, path: str, image: ImageInfo, chosen: ChosenSession, frame: NamedFrame) -> str:
        """Put one image into a label file, the queue or nowhere; return which."""
        key = (chosen.session.name, frame.source_name)
        points = self.points.get(key, ())
        labelled = any(not isnan(x) for x, _ in points)
        if labelled or (points and self.options.empty_frames == "keep"):
            held_out = key in self.test_frames
            (self.draft.test_rows if held_out else self.draft.rows).append(LabelRow(path, points))
            self.draft.image_sizes[image.width_px, image.height_px] += 1
            return "test" if held_out else "labeled"
        if self.options.empty_frames == "drop":
            return "left-out"
        self.draft.queue.append(self._queue_entry(path, chosen, frame.source_name))
        return "queued"

    def _queue_entry(self, path: str, chosen: ChosenSession, image: str) -> QueueEntry:
        if chosen.predictions is None or self.options.machine_labels == "ignore":
            return QueueEntry(path)
        suggestion = chosen.predictions.suggestion(image, self.animal.origin)
        if suggestion is None:
            return QueueEntry(path)
        points = tuple((name, x, y) for name, (x, y) in suggestion.points.items())
        return QueueEntry(path, suggestion.model, suggestion.date_ms, points)

    def _say_deep(self, session: str, deepest: int, shift: int) -> None:
        divided = f"are divided by {2**shift}" if shift else "stay as they are"
        self.draft.findings.append(
            Finding(
                Severity.NOTE,
                "images-16-bit",
                session,
                f"its 16-bit images become 8-bit: values, up to {deepest}, {divided}; Lightning Pose would clip them",
            )
        )

    def _leave_out(self, frame: FrameRef) -> PlannedFrame:
        """Account for a row that does not arrive, cell by cell."""
        n_cells = sum(not isnan(x) for x, _ in self.points.get((frame.session, frame.file_name), ()))
        self.draft.n_cells_left_out += n_cells
        self.draft.n_frames_left_out += n_cells > 0
        return PlannedFrame(frame.file_name, "", frame.frame_index, None, "left-out")


def shift_of(largest: int) -> int:
    """Return by how many bits 16-bit values go down so that the largest just fits 8 bits.

    A 12-bit camera writes values up to 4095 into 16-bit files; shifted by 8 its images would be almost black.
    """
    return max(0, largest.bit_length() - 8)


def placement(image: ImageInfo, target: str, shift: int) -> ImagePlacement:
    """Return how an image travels; what Lightning Pose does not read becomes PNG.

    Parameters
    ----------
    image, target
        The image, and its path in the target.
    shift
        By how many bits the values of 16-bit images go down.
    """
    return ImagePlacement(
        str(image.path),
        target,
        image.size_bytes,
        shift if image.bits_per_channel > 8 else None,
        as_png=image.kind not in {"png", "jpg"} or (image.kind == "jpg" and not target.endswith(".jpg")),
    )
