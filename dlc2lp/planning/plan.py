"""The plan of a migration: pure data that a dry run prints, a run carries out and a shard takes a slice of."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal, Self

from dlc2lp import codec, files
from dlc2lp.errors import Dlc2LpError, TargetRefused, UsageError, disk_trouble
from dlc2lp.inside import InnerPath, InnerPathOrNone, ViewName
from dlc2lp.lp.config_facts import ConfigFacts
from dlc2lp.lp.names import label_file_name, queue_file_name
from dlc2lp.lp.starter import ChoiceReason
from dlc2lp.model import Finding, Turn, VideoInfo
from dlc2lp.planning.align import SessionFrames
from dlc2lp.planning.origins import Origin
from dlc2lp.planning.steps import Step, WriteText
from dlc2lp.survey.session_ties import SessionTie
from dlc2lp.video.encoding import Action, Crop
from dlc2lp.wording import counted, one_line

SCHEMA = "dlc2lp/plan/1"
PLAN_FILE = files.PLAN_FILE

FrameState = Annotated[str, codec.Says("enum", ("labeled", "test", "queued", "left-out"))]
ProjectKeys = codec.Keys(("task", "scorer", "date"))
CountKeys = codec.Keys(("labeled_frames", "labeled_cells"))


@dataclass(frozen=True)
class PlannedFrame:
    """What becomes of one image or row of the source."""

    left_out_by_default: ClassVar[tuple[str, ...]] = ("n_as_predicted",)

    source: str  #: DeepLabCut's file name.
    target: InnerPathOrNone  #: Path in the target; empty where the frame is left out.
    frame_index: int | None  #: The number that DeepLabCut's name carries; None if it carries none.
    #: 0-based index of the video frame that the image was proven to be; None while unproven.
    video_frame_index: int | None
    #: ``labeled`` (a row of the label file), ``test`` (a row of the one held out), ``queued`` (in the app's queue) or
    #: ``left-out``.
    state: FrameState
    n_as_predicted: int = 0  #: Its labelled points that equal a prediction of low likelihood to the last digit.


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
class VideoFacts:
    """What a video of the source is, as it was measured."""

    container: str  #: ffmpeg's name of the format.
    #: As ffmpeg names them.
    codec: str
    pixel_format: str
    width_px: int
    height_px: int
    frame_rate: Fraction  #: Frames per second; the average where the rate varies.
    constant_rate: bool  #: Whether it does not.

    @classmethod
    def of(cls, info: VideoInfo) -> Self:
        """What is kept of a video that was measured."""
        return cls(**{each.name: getattr(info, each.name) for each in fields(cls)})


@dataclass(frozen=True)
class PlannedVideo:
    """A video, what is done to it and why."""

    left_out_by_default: ClassVar[tuple[str, ...]] = ("held", "trimmed_to", "facts")

    #: Absolute path, and path relative to the target.
    source: str
    target: InnerPath
    #: ``place``, ``remux``, ``rewrite`` or ``encode``, and what stands against a cheaper way.
    action: Action
    reasons: tuple[str, ...]
    #: Of the source.
    n_frames: int
    size_bytes: int
    session: str = ""  #: DeepLabCut's session that it belongs to; empty if to none.
    #: What the target shows of its picture; see :class:`EncodeVideo`.
    turn_deg: Turn | None = None
    crop: Crop | None = None
    view: str = ""  #: Its view in the target; empty in a single-view project.
    held: tuple[int, ...] = ()  #: Frames that can't be decoded and are held by the picture before them.
    #: How many of its first frames the target has, where another view's video is shorter; None: all.
    trimmed_to: int | None = None
    facts: VideoFacts | None = None  #: What it was; None in the plans of versions before 0.2.

    @property
    def n_written(self) -> int:
        """How many frames the target has."""
        return self.n_frames if self.trimmed_to is None else self.trimmed_to


@dataclass(frozen=True)
class PlannedPredictions:
    """DeepLabCut's predictions of one video."""

    #: Absolute path, and path relative to the target.
    source: str
    target: InnerPath
    video: InnerPath  #: The video in the target.
    n_rows: int  #: Rows of the source.
    n_frames: int  #: Rows that are written: one for each frame of the target's video.


@dataclass(frozen=True)
class PlannedModel:
    """A network of DeepLabCut whose predictions Lightning Pose shows like those of a model, which has no weights."""

    name: str  #: In the target: ``models/<name>``.
    scorer: str  #: As DeepLabCut calls the network; of several cameras that of the first.
    predictions: tuple[PlannedPredictions, ...]
    n_labeled_frames: int = 0  #: Labeled frames of the target for which it predicted something, as it was evaluated.


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
    return label_file_name(view), label_file_name(view, "_test")


_FOLDERS: Final = ("labeled-data", "videos", "configs")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A whole migration, decided.

    Attributes
    ----------
    dlc2lp_version
        Which version labels.
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
    views
        Names of the views in order; empty in a single-view project.
    view_frames
        For each session of a multi-view project how many labeled frames each view has, how many all share, how many
        are cut from videos and how many are left out (:class:`dlc2lp.planning.align.SessionFrames`).
    calibrations
        Calibration files of the target, each with the file of the source that it comes from.
    origins
        What the keypoints of each view were in DeepLabCut; none in the plans of versions before 0.2.
    models
        Networks of DeepLabCut whose predictions come along.
    texts_from
        Files of the source (absolute paths) that the texts were made from, each as it was then; none in the plans of
        versions before 0.2.
    folders
        Those that exist even when nothing is put into them: LP asserts that ``video_dir`` is one.
    steps
        The work.
    """

    written_first: ClassVar[tuple[str, ...]] = ("schema",)
    left_out_by_default: ClassVar[tuple[str, ...]] = ("origins", "models", "texts_from")
    schema: ClassVar[str] = SCHEMA

    dlc2lp_version: str
    source: str
    target: str
    project: Annotated[dict[str, str], ProjectKeys]
    options: dict[str, Any]
    keypoints: dict[str, float]
    sessions: tuple[PlannedSession, ...]
    videos: tuple[PlannedVideo, ...]
    ties: tuple[SessionTie, ...]
    counts: Annotated[dict[str, Count], CountKeys]
    config_facts: ConfigFacts
    config_reasons: tuple[ChoiceReason, ...]
    findings: tuple[Finding, ...]
    views: tuple[ViewName, ...] = ()
    view_frames: tuple[SessionFrames, ...] = ()
    calibrations: dict[str, str] = field(default_factory=dict)
    origins: tuple[Origin, ...] = ()
    models: tuple[PlannedModel, ...] = ()
    texts_from: tuple[files.FileRecord, ...] = ()
    folders: tuple[Literal["labeled-data"], Literal["videos"], Literal["configs"]] = _FOLDERS
    steps: tuple[Step, ...] = field(repr=False)

    def __repr__(self) -> str:
        steps, findings = counted(len(self.steps), "step"), counted(len(self.findings), "finding")
        return one_line(self, Path(self.target).name, *self.facts, steps, findings)

    @property
    def facts(self) -> tuple[str, str]:
        """What the target will hold, in words."""
        n_frames = self.counts["labeled_frames"].written
        return counted(n_frames, "labeled frame"), counted(len(self.videos), "video")

    @property
    def label_files(self) -> frozenset[str]:
        """All label files: one with the frames to train on and perhaps one with those held out, for each view.

        They belong together: row n is one moment in all views, and no frame is in both files of a view.
        """
        return frozenset(name for view in self.views or ("",) for name in label_files(view))

    @property
    def labeling_texts(self) -> dict[str, str]:
        """What people go on editing in the app, as the plan writes it: the texts of label files and queues by name."""
        theirs = {*self.label_files, *(queue_file_name(view) for view in self.views or ("",))}
        return {step.target: step.text for step in self.steps if isinstance(step, WriteText) and step.target in theirs}

    @property
    def space_bytes(self) -> int:
        """Estimate of what the target will take on disk."""
        return sum(step.space_bytes for step in self.steps)

    def is_written_as(self, stored: Plan | None) -> bool:
        """Whether a plan that was read back is this one: of a finding's remedies, the words alone are written."""
        return stored is not None and self._as_read_back() == stored._as_read_back()

    def _as_read_back(self) -> Plan:
        return replace(self, findings=tuple(Finding.from_written(found.to_written()) for found in self.findings))

    def to_text(self) -> str:
        """The plan as JSON text, one fixed form for one plan."""
        return codec.to_text(self)

    def to_pieces(self) -> Iterator[str]:
        """Yield the same text in pieces, so that it is held nowhere as a whole."""
        return codec.to_pieces(self)

    @classmethod
    def from_text(cls, text: str | bytes, path: Path) -> Self:
        """Read a plan back.

        Raises
        ------
        UsageError
            The file is no plan of this version (``plan-unreadable``).
        """
        # All that is made here stays, and the collector of garbage would go through it again and again.
        is_collecting = gc.isenabled()
        gc.disable()
        try:
            return codec.read(cls, text)
        except codec.Malformed as error:
            raise unreadable(path, error) from error
        finally:
            if is_collecting:
                gc.enable()


def unreadable(
    path: Path, error: codec.Malformed | OSError, way_out: str = "convert into a new, empty target"
) -> Dlc2LpError:
    """Return the error for a plan, or a part of it, that this version or the system can't read."""
    if isinstance(error, codec.OtherForm):
        found = f"found a plan of the form {error.found}, expected {error.expected}"
        advice = f"use the version of dlc2lp that made it, or {way_out}"
    elif isinstance(error, codec.Malformed):
        found = f"is no plan that dlc2lp wrote ({error})"
        advice = f"bring it back from a backup, or {way_out}"
    elif (trouble := disk_trouble(path, error)) is not None:
        return trouble
    else:
        found = f"can't be read: {error.strerror or error}"
        advice = f"mend that, or {way_out}"
        return TargetRefused.of("plan-unreadable", str(path), found, advice=advice)
    return UsageError.of("plan-unreadable", str(path), found, advice=advice)
