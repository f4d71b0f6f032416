"""The plan of a migration: pure data that a dry run prints, a run carries out and a shard takes a slice of.

Each :class:`Step` is complete in itself: whoever holds it and the source's files can do it, in any order, on
any machine. No two steps share a target. A step's id is the hash of its content, so a step that changes in any
way is another step, and a record of the old one proves nothing about it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from dlc2lp.errors import UsageError
from dlc2lp.migrate.ties import SessionTie
from dlc2lp.model import Finding
from dlc2lp.video.encoding import Crop

SCHEMA = "dlc2lp/plan/1"

#: dlc2lp's own folder inside a target.
STATE_FOLDER = ".dlc2lp"


@dataclass(frozen=True)
class Step:
    """One piece of work that makes one or more files of the target.

    Paths in the target are relative to it, with forward slashes; paths of the source are absolute.
    """

    kind: ClassVar[str]

    @property
    def targets(self) -> tuple[str, ...]:
        """The files that the step makes."""
        raise AssertionError(f"{type(self).__name__} does not say what it makes")

    @property
    def sources(self) -> Mapping[str, int]:
        """The files that the step reads, and their sizes in bytes."""
        return {}

    @property
    def weight(self) -> int:
        """Cost in bytes moved or pixels encoded, to balance shards and to start the longest first."""
        raise AssertionError(f"{type(self).__name__} does not say what it costs")

    @property
    def space_bytes(self) -> int:
        """Estimate of what the step's files will take on disk."""
        return self.weight

    @cached_property
    def id(self) -> str:
        """Sixteen hexadecimal digits of the hash of everything that the step holds."""
        content = json.dumps(self.as_json(with_id=False), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def as_json(self, *, with_id: bool = True) -> dict[str, Any]:
        """The step in plain JSON types, its kind included."""
        return ({"id": self.id} if with_id else {}) | {"kind": self.kind} | asdict(self)


@dataclass(frozen=True)
class WriteText(Step):
    """A text file whose whole content was decided while planning: labels, queue, configuration."""

    kind: ClassVar[str] = "write-text"
    target: str
    text: str

    @property
    def targets(self) -> tuple[str, ...]:
        return (self.target,)

    @property
    def weight(self) -> int:
        return len(self.text.encode())


@dataclass(frozen=True)
class ImagePlacement:
    """One frame: where it comes from and what it becomes.

    Attributes
    ----------
    source, target
        Absolute path, and path relative to the target.
    size_bytes
        Size of the source.
    shift
        Bits by which the values of a 16-bit image are shifted down; None: the file travels as it is.
    as_png
        Whether the image is written anew as PNG, because Lightning Pose does not read its format.
    """

    source: str
    target: str
    size_bytes: int
    shift: int | None = None
    as_png: bool = False


@dataclass(frozen=True)
class PlaceImages(Step):
    """All frames of one session."""

    kind: ClassVar[str] = "place-images"
    session: str
    images: tuple[ImagePlacement, ...]
    link: str

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(image.target for image in self.images)

    @property
    def sources(self) -> Mapping[str, int]:
        return {image.source: image.size_bytes for image in self.images}

    @property
    def weight(self) -> int:
        return sum(image.size_bytes for image in self.images)


@dataclass(frozen=True)
class VideoStep(Step):
    """A step that makes one video.

    Attributes
    ----------
    source, target
        Absolute path, and path relative to the target.
    size_bytes, n_frames
        What the source held when it was planned; a source that changed since is refused.
    """

    source: str
    target: str
    size_bytes: int
    n_frames: int

    @property
    def targets(self) -> tuple[str, ...]:
        return (self.target,)

    @property
    def sources(self) -> Mapping[str, int]:
        return {self.source: self.size_bytes}

    @property
    def weight(self) -> int:
        return self.size_bytes


@dataclass(frozen=True)
class PlaceVideo(VideoStep):
    """A video that already is what Lightning Pose needs."""

    kind: ClassVar[str] = "place-video"
    link: str


@dataclass(frozen=True)
class RemuxVideo(VideoStep):
    """A video whose stream moves into an mp4 without being encoded again.

    ``action`` is ``remux`` where the source's clock is constant and ``rewrite`` where packets get new times. What comes
    out is checked, and where it is not frame by frame the same the video is encoded with the settings that stand here.
    """

    kind: ClassVar[str] = "remux-video"
    action: Literal["remux", "rewrite"]
    rate: str
    profile: str
    preset: str
    crf: int
    gop: int
    threads: int


#: Bytes per pixel of a noisy camera's video in the default settings, the worst measured; for the space check.
_NOISY_BYTES_PER_PIXEL = 0.036

#: What encoding one pixel costs, in bytes copied in the same time, roughly: for balance only.
_BYTES_PER_ENCODED_PIXEL = 4

#: The same for decoding one, and writing it as a part of a PNG.
_BYTES_PER_EXTRACTED_PIXEL = 6


@dataclass(frozen=True)
class EncodeVideo(VideoStep):
    """A video that is encoded, frame by frame.

    The number of threads is part of the step because x264's bytes depend on it.

    Attributes
    ----------
    width_px, height_px
        Size of what is encoded.
    turn_deg, crop
        What it shows: the stored picture turned clockwise, and of that the part ``x, y, width, height``; None for what
        players show and for all of it.
    rate, profile, preset, crf, gop, threads
        How it is encoded.
    """

    kind: ClassVar[str] = "encode-video"
    width_px: int
    height_px: int
    rate: str
    profile: str
    preset: str
    crf: int
    gop: int
    threads: int
    turn_deg: int | None = None
    crop: Crop | None = None

    @property
    def weight(self) -> int:
        return self.n_frames * self.width_px * self.height_px * _BYTES_PER_ENCODED_PIXEL

    @property
    def space_bytes(self) -> int:
        pixels = self.n_frames * self.width_px * self.height_px
        return int(pixels * _NOISY_BYTES_PER_PIXEL) + 65536


@dataclass(frozen=True)
class ExtractedFrame:
    """One frame that is cut from a video.

    Attributes
    ----------
    index
        0-based position in the order of display.
    target
        Path relative to the target.
    """

    index: int
    target: str


@dataclass(frozen=True)
class ExtractFrames(Step):
    """Frames of one session that are cut from its video: the neighbors of labeled frames.

    Attributes
    ----------
    session
        The session in the target.
    source, size_bytes, n_frames
        The video, and what it held when it was planned.
    width_px, height_px
        Size of the images.
    turn_deg, crop
        What they show; see :class:`EncodeVideo`.
    image_bytes
        What an image takes on disk, estimated from the labeled frames.
    frames
        What is cut.
    """

    kind: ClassVar[str] = "extract-frames"
    session: str
    source: str
    size_bytes: int
    n_frames: int
    width_px: int
    height_px: int
    turn_deg: int | None
    crop: Crop | None
    image_bytes: int
    frames: tuple[ExtractedFrame, ...]

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(frame.target for frame in self.frames)

    @property
    def sources(self) -> Mapping[str, int]:
        return {self.source: self.size_bytes}

    @property
    def weight(self) -> int:
        return len(self.frames) * self.width_px * self.height_px * _BYTES_PER_EXTRACTED_PIXEL

    @property
    def space_bytes(self) -> int:
        return len(self.frames) * self.image_bytes


STEP_KINDS: dict[str, type[Step]] = {
    step.kind: step for step in (WriteText, PlaceImages, ExtractFrames, PlaceVideo, RemuxVideo, EncodeVideo)
}


def step_from_json(document: Mapping[str, Any]) -> Step:
    """The inverse of :meth:`Step.as_json`."""
    fields = {key: value for key, value in document.items() if key not in {"id", "kind"}}
    kind = STEP_KINDS[document["kind"]]
    if kind is PlaceImages:
        fields["images"] = tuple(ImagePlacement(**image) for image in fields["images"])
    if kind is ExtractFrames:
        fields["frames"] = tuple(ExtractedFrame(**frame) for frame in fields["frames"])
    if fields.get("crop"):
        fields["crop"] = Crop(*fields["crop"])
    return kind(**fields)


@dataclass(frozen=True)
class PlannedFrame:
    """What becomes of one image or row of the source.

    Attributes
    ----------
    source
        DeepLabCut's file name.
    target
        Path in the target; empty where the frame is left out.
    frame_index
        The number that DeepLabCut's name carries; None if it carries none.
    video_frame_index
        0-based index of the video frame that the image was proven to be; None while unproven.
    state
        ``labeled`` (a row of the label file), ``test`` (a row of the one held out), ``queued`` (in the app's queue) or
        ``left-out``.
    """

    source: str
    target: str
    frame_index: int | None
    video_frame_index: int | None
    state: str


@dataclass(frozen=True)
class PlannedSession:
    """A session, its names on both sides and its frames.

    ``folder`` is DeepLabCut's folder; ``source`` differs from it only where one folder holds the frames of
    several videos and becomes several sessions. ``view`` is the view in the target, empty in a single-view project;
    ``target`` is the folder's name there, with the view.
    """

    folder: str
    source: str
    target: str
    label_file: str
    frames: tuple[PlannedFrame, ...]
    view: str = ""


@dataclass(frozen=True)
class PlannedVideo:
    """A video, what is done to it and why.

    Attributes
    ----------
    source, target
        Absolute path, and path relative to the target.
    action, reasons
        ``place``, ``remux``, ``rewrite`` or ``encode``, and what stands against a cheaper way.
    n_frames, size_bytes
        Of the source.
    session
        DeepLabCut's session that it belongs to; empty if to none.
    turn_deg, crop
        What the target shows of its picture; see :class:`EncodeVideo`.
    view
        Its view in the target; empty in a single-view project.
    """

    source: str
    target: str
    action: str
    reasons: tuple[str, ...]
    n_frames: int
    size_bytes: int
    session: str = ""
    turn_deg: int | None = None
    crop: Crop | None = None
    view: str = ""


def _video_from_json(document: Mapping[str, Any]) -> PlannedVideo:
    crop = Crop(*document["crop"]) if document["crop"] else None
    return PlannedVideo(**{**document, "reasons": tuple(document["reasons"]), "crop": crop})


@dataclass(frozen=True)
class Count:
    """Things of the source, and how many of them arrive."""

    source: int
    written: int
    left_out: int

    @property
    def balanced(self) -> bool:
        """Whether nothing was lost in silence."""
        return self.source == self.written + self.left_out


def label_files(view: str) -> tuple[str, str]:
    """Return the names of a view's label files, the second only there where test frames are held out."""
    stem = f"CollectedData_{view}" if view else "CollectedData"
    return f"{stem}.csv", f"{stem}_test.csv"


@dataclass(frozen=True)
class Plan:
    """A whole migration, decided.

    Attributes
    ----------
    dlc2lp_version
        Which version decided.
    source, target
        Absolute paths.
    project
        Task, scorer and date of the DeepLabCut project, which tell one project from another.
    options
        The options it was made with.
    keypoints
        Keypoint names in the order of the label file, each with the share of labeled frames in which it is empty.
    sessions, videos
        What becomes of each.
    ties
        Which frames of its video each session's images are, with the evidence.
    counts
        ``labeled_frames`` and ``labeled_cells`` (points with both coordinates).
    config_facts
        What the starter config was chosen from, so that it can be written again with other options.
    config_reasons
        Each choice of the starter config: key, value, reason.
    findings
        What a person should know.
    steps
        The work.
    views
        Names of the views in order; empty in a single-view project.
    view_frames
        For each session of a multi-view project how many labeled frames each view has, how many all share, how many
        are cut from videos and how many are left out (:class:`dlc2lp.migrate.align.SessionFrames`).
    calibrations
        Calibration files of the target, each with the file of the source that it comes from.
    """

    dlc2lp_version: str
    source: str
    target: str
    project: dict[str, str]
    options: dict[str, Any]
    keypoints: dict[str, float]
    sessions: tuple[PlannedSession, ...]
    videos: tuple[PlannedVideo, ...]
    ties: tuple[SessionTie, ...]
    counts: dict[str, Count]
    config_facts: dict[str, Any]
    config_reasons: tuple[dict[str, Any], ...]
    findings: tuple[Finding, ...]
    steps: tuple[Step, ...] = field(repr=False)
    views: tuple[str, ...] = ()
    view_frames: tuple[dict[str, Any], ...] = ()
    calibrations: dict[str, str] = field(default_factory=dict)

    #: Folders that exist even when nothing is put into them: LP asserts that ``video_dir`` is one.
    folders: ClassVar[tuple[str, ...]] = ("labeled-data", "videos", "configs")

    @property
    def label_files(self) -> frozenset[str]:
        """All label files: one with the frames to train on and perhaps one with those held out, for each view.

        They belong together: row n is one moment in all views, and no frame is in both files of a view.
        """
        return frozenset(name for view in self.views or ("",) for name in label_files(view))

    @property
    def space_bytes(self) -> int:
        """Estimate of what the target will take on disk."""
        return sum(step.space_bytes for step in self.steps)

    def as_json(self) -> dict[str, Any]:
        """The plan as it stands in ``.dlc2lp/plan.json``."""
        document = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "steps"}
        return {
            "schema": SCHEMA,
            **document,
            "sessions": [asdict(session) for session in self.sessions],
            "videos": [asdict(video) for video in self.videos],
            "ties": [tie.as_json() for tie in self.ties],
            "counts": {name: asdict(count) for name, count in self.counts.items()},
            "config_reasons": list(self.config_reasons),
            "findings": [finding.as_json() for finding in self.findings],
            "steps": [step.as_json() for step in self.steps],
        }

    def to_text(self) -> str:
        """The plan as JSON text, one fixed form for one plan."""
        return json.dumps(self.as_json(), indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_text(cls, text: str, path: Path) -> Self:
        """Read a plan back.

        Raises
        ------
        UsageError
            The file is no plan of this version (``plan-unreadable``).
        """
        try:
            document = json.loads(text)
            if document["schema"] != SCHEMA:
                raise UsageError.of(
                    "plan-unreadable",
                    str(path),
                    f"found a plan of the form {document['schema']}, expected {SCHEMA}",
                    hint="use the version of dlc2lp that made it, or convert into a new target",
                )
            return cls._from_json(document)
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError.of(
                "plan-unreadable",
                str(path),
                f"is no plan that dlc2lp wrote ({error!r})",
                hint="convert into a new, empty target",
            ) from error

    @classmethod
    def _from_json(cls, document: Mapping[str, Any]) -> Self:
        return cls(
            dlc2lp_version=document["dlc2lp_version"],
            source=document["source"],
            target=document["target"],
            project=document["project"],
            options=document["options"],
            keypoints=document["keypoints"],
            sessions=tuple(
                PlannedSession(**{**session, "frames": tuple(PlannedFrame(**frame) for frame in session["frames"])})
                for session in document["sessions"]
            ),
            videos=tuple(map(_video_from_json, document["videos"])),
            ties=tuple(map(SessionTie.from_json, document["ties"])),
            counts={name: Count(**count) for name, count in document["counts"].items()},
            config_facts=document["config_facts"],
            config_reasons=tuple(document["config_reasons"]),
            findings=tuple(map(Finding.from_json, document["findings"])),
            steps=tuple(step_from_json(step) for step in document["steps"]),
            views=tuple(document["views"]),
            view_frames=tuple(document["view_frames"]),
            calibrations=document["calibrations"],
        )
