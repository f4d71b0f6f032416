"""What the page of a target shows, as data: everything but the pictures themselves. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dlc2lp.lp.next_steps import NextStep
from dlc2lp.lp.starter import ChoiceReason
from dlc2lp.model import Finding, Severity
from dlc2lp.planning.align import SessionFrames

#: ``whole``: everything arrived; ``look``: it did, and something is worth a look; ``lacking``: something did not.
State = Literal["whole", "look", "lacking"]


@dataclass(frozen=True)
class Still:
    """A picture of the target: an image, or a frame of a video."""

    path: str  #: Path of the image or video in the target.
    digest: str  #: As it was recorded; empty where it was not.
    frame_index: int | None = None  #: 0-based frame of a video; None for an image.
    n_frames: int = 0  #: Of the video.


@dataclass(frozen=True)
class Dot:
    """A labelled point."""

    keypoint: int  #: Place of the keypoint in the label file.
    #: In pixels of the image.
    x_px: float
    y_px: float


@dataclass(frozen=True)
class Shot:
    """A labeled frame of one view."""

    still: Still
    view: str  #: Empty in a single-view project.
    source: str  #: DeepLabCut's name, ``<folder>/<image>``; empty where it was cut from the video.
    dots: tuple[Dot, ...]
    remarks: tuple[str, ...]  #: Why it is worth a look.


@dataclass(frozen=True)
class ShownMoment:
    """What all views show at one time; in a single-view project one labeled frame."""

    shots: tuple[Shot, ...]

    @property
    def is_suspicious(self) -> bool:
        """Whether a view of it is worth a look."""
        return any(shot.remarks for shot in self.shots)


@dataclass(frozen=True)
class Sheet:
    """The sample of one session, the most suspicious first."""

    session: str  #: In the target.
    sources: tuple[str, ...]  #: DeepLabCut's folders, of each view one.
    n_frames: int  #: Labeled frames, of all views together one for each moment.
    n_suspicious: int  #: How many of them are worth a look.
    moments: tuple[ShownMoment, ...]  #: The sample.


@dataclass(frozen=True)
class EmptyRow:
    """How often each keypoint is empty in the labeled frames of one session."""

    session: str  #: Its folder in the target, with the view.
    n_frames: int
    n_empty: tuple[int, ...]  #: By keypoint.


@dataclass(frozen=True)
class VideoSide:
    """A video as it was, or as it is in the target; what nobody knows is None."""

    name: str
    size_bytes: int | None
    n_frames: int | None
    container: str | None = None
    codec: str | None = None
    pixel_format: str | None = None
    size_px: tuple[int, int] | None = None
    rate: str | None = None


@dataclass(frozen=True)
class Pair:
    """A labeled frame beside the frame of the target's video that it was proven to be."""

    image: Still
    frame: Still
    source: str  #: DeepLabCut's name of the image.
    #: Mean squared differences of gray levels from this frame and from the second best.
    best_error: float | None
    second_error: float | None


@dataclass(frozen=True)
class ShownVideo:
    """A video before and after."""

    before: VideoSide
    after: VideoSide
    done: str  #: What was done to it.
    reasons: tuple[str, ...]  #: Why.
    remarks: tuple[str, ...]  #: What else a person should know: turned, cropped, held, cut at its end.
    ties: tuple[str, ...]  #: How its frames and the labeled images belong together.
    pair: Pair | None  #: What proves that.


@dataclass(frozen=True)
class FindingGroup:
    """Findings of one kind."""

    severity: Severity
    code: str
    n_findings: int
    findings: tuple[Finding, ...]  #: As many as the page can hold.


@dataclass(frozen=True)
class CountRow:
    """Things of the source, and how many of them arrived."""

    name: str
    source: int
    written: int
    left_out: int


@dataclass(frozen=True)
class ShownModel:
    """A network of DeepLabCut whose predictions came along."""

    name: str
    scorer: str
    n_videos: int


@dataclass(frozen=True, kw_only=True)
class MigrationReport:
    """What became of a project."""

    name: str  #: Of the target's folder.
    state: State
    verdict: str  #: In one sentence.
    dlc2lp_version: str
    #: Task, scorer and date of the DeepLabCut project.
    project: dict[str, str]
    source: str
    target: str
    counts: tuple[CountRow, ...]
    next_steps: tuple[NextStep, ...]
    keypoints: tuple[str, ...]
    bones: tuple[tuple[int, int], ...]  #: Pairs of keypoints.
    views: tuple[str, ...]  #: Empty in a single-view project.
    sheets: tuple[Sheet, ...]
    n_sessions: int  #: All sessions with labeled frames.
    picture_bytes: int  #: What one picture may take.
    empty_rows: tuple[EmptyRow, ...]
    n_empty_rows: int  #: All sessions and views with labeled frames.
    videos: tuple[ShownVideo, ...]
    n_videos: int
    config: tuple[ChoiceReason, ...]
    findings: tuple[FindingGroup, ...]
    view_frames: tuple[SessionFrames, ...]
    calibrations: dict[str, str]
    models: tuple[ShownModel, ...]

    @property
    def stills(self) -> tuple[Still, ...]:
        """All pictures, each once."""
        shots = [shot.still for sheet in self.sheets for moment in sheet.moments for shot in moment.shots]
        pairs = [still for video in self.videos if video.pair for still in (video.pair.image, video.pair.frame)]
        return tuple(dict.fromkeys([*shots, *pairs]))
