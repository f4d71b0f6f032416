"""What stands in ``.dlc2lp/manifest.json``: the map from every name of the source to its name in the target.

It holds no clock, host or duration: two runs that end with the same target end with the same manifest. What it says of
a plan, the documents of ``--json`` say too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Self

from dlc2lp.codec import Says, Signed
from dlc2lp.files import STATE_FOLDER, WrittenFile
from dlc2lp.lp.starter import ChoiceReason
from dlc2lp.model import Finding, Turn
from dlc2lp.planning.align import SessionFrames
from dlc2lp.planning.plan import (
    Count,
    CountKeys,
    FrameState,
    Plan,
    PlannedFrame,
    PlannedModel,
    PlannedSession,
    PlannedVideo,
    ProjectKeys,
    VideoFacts,
)
from dlc2lp.run.journal import Record
from dlc2lp.survey.session_ties import SessionTie, by_view
from dlc2lp.video.encoding import Action, Crop
from dlc2lp.video.ties import Evidence, Kind, Outcome, Tie

MANIFEST_FILE = f"{STATE_FOLDER}/manifest.json"

Positive = Annotated[int, Says("minimum", 1)]


@dataclass(frozen=True)
class KeypointShare:
    """A keypoint, and the share of labeled frames in which it is empty."""

    name: str
    hidden_share: float


@dataclass(frozen=True)
class TargetImage:
    """What became of an image; with a video, also how it was tied to a frame of it."""

    source: str
    target: str | None
    frame_index: int | None
    video_frame_index: int | None
    tie: Outcome | None
    best_error: float | None
    second_error: float | None
    state: FrameState

    @classmethod
    def of(cls, frame: PlannedFrame, tie: SessionTie | None) -> Self:
        """What a document says of a frame."""
        found = tie.images.get(frame.source) if tie else None
        outcome, best, second = (found.outcome, found.best_error, found.second_error) if found else (None, None, None)
        indices = frame.frame_index, frame.video_frame_index
        return cls(frame.source, frame.target or None, *indices, outcome, best, second, frame.state)


@dataclass(frozen=True)
class TargetSession:
    """A session and its images."""

    source: str
    target: str
    view: str | None
    label_file: str
    images: tuple[TargetImage, ...]

    @classmethod
    def of(cls, session: PlannedSession, ties: Mapping[tuple[str, str], SessionTie]) -> Self:
        """What a document says of a session."""
        tie = ties.get((session.view, session.source))
        images = tuple(TargetImage.of(frame, tie) for frame in session.frames)
        return cls(session.source, session.target, session.view or None, session.label_file, images)


@dataclass(frozen=True)
class PicturePart:
    """A part of a video's picture, in pixels from its top-left corner."""

    x_px: int
    y_px: int
    width_px: Positive
    height_px: Positive

    @classmethod
    def of(cls, crop: Crop | None) -> Self | None:
        """What a document says of a crop."""
        return cls(*crop) if crop else None


@dataclass(frozen=True)
class WrittenTie:
    """What is known of the images of one size, with the numbers behind it."""

    kind: Kind
    shift: Signed
    width_px: Positive | None
    height_px: Positive | None
    turn_deg: Turn | None
    crop: PicturePart | None
    scaled: bool
    reason: str
    evidence: Evidence

    @classmethod
    def of(cls, part: Tie) -> Self:
        """What a document says of the images of one size."""
        width_px, height_px = part.size_px or (None, None)
        crop = PicturePart.of(part.crop)
        return cls(
            part.kind, part.shift, width_px, height_px, part.rotation_deg, crop, part.scaled, part.reason, part.evidence
        )


@dataclass(frozen=True)
class WrittenSessionTie:
    """How a session's images and its video belong together."""

    kind: Kind
    shift: Signed
    images: tuple[WrittenTie, ...]

    @classmethod
    def of(cls, tie: SessionTie | None) -> Self | None:
        """What a document says of a tie."""
        return cls(tie.kind, tie.shift, tuple(map(WrittenTie.of, tie.parts))) if tie else None


@dataclass(frozen=True)
class TargetVideo:
    """What is done to a video and why, and what the target shows of its picture."""

    source: str
    target: str
    action: Action
    reasons: tuple[str, ...]
    n_frames: int
    size_bytes: int
    session: str | None
    turn_deg: Turn | None
    crop: PicturePart | None
    view: str | None
    held: tuple[int, ...]
    trimmed_to: int | None
    tie: WrittenSessionTie | None
    facts: VideoFacts | None = None  #: What it was; None in the manifests of versions before 0.2.

    @classmethod
    def of(cls, video: PlannedVideo, tie: SessionTie | None) -> Self:
        """What a document says of a video."""
        shown = {"session": video.session or None, "view": video.view or None, "crop": PicturePart.of(video.crop)}
        return cls(**(vars(video) | shown), tie=WrittenSessionTie.of(tie))


@dataclass(frozen=True, kw_only=True)
class Described:
    """What a document says of a plan: its sessions, videos, counts and configuration."""

    source: str
    target: str
    project: Annotated[dict[str, str], ProjectKeys]
    keypoints: tuple[KeypointShare, ...]
    counts: Annotated[dict[str, Count], CountKeys]
    sessions: tuple[TargetSession, ...]
    videos: tuple[TargetVideo, ...]
    views: tuple[str, ...]
    view_frames: tuple[SessionFrames, ...]
    models: tuple[PlannedModel, ...]
    config: tuple[ChoiceReason, ...]

    @classmethod
    def of(cls, plan: Plan, **others: Any) -> Self:
        """Return the document of a plan, with the fields that only this one has."""
        ties = by_view(plan.ties)
        return cls(
            source=plan.source,
            target=plan.target,
            project=plan.project,
            keypoints=tuple(KeypointShare(name, share) for name, share in plan.keypoints.items()),
            counts=plan.counts,
            sessions=tuple(TargetSession.of(session, ties) for session in plan.sessions),
            videos=tuple(TargetVideo.of(video, ties.get((video.view, video.session))) for video in plan.videos),
            views=plan.views,
            view_frames=plan.view_frames,
            models=plan.models,
            config=plan.config_reasons,
            **others,
        )


@dataclass(frozen=True)
class DoneStep:
    """A step, what became of it, and the files that it wrote."""

    id: str
    kind: str
    state: Literal["done", "failed"]
    files: tuple[WrittenFile, ...]


@dataclass(frozen=True)
class WhatCame:
    """What a manifest says of a run: all that a plan does not say already."""

    findings: tuple[Finding, ...]
    steps: tuple[DoneStep, ...]


@dataclass(frozen=True, kw_only=True)
class _Versioned:
    dlc2lp_version: str


@dataclass(frozen=True, kw_only=True)
class Manifest(Described, _Versioned):
    """.dlc2lp/manifest.json of a target."""

    written_first: ClassVar[tuple[str, ...]] = ("schema",)
    schema: ClassVar[str] = "dlc2lp/manifest/1"

    options: dict[str, Any]
    findings: tuple[Finding, ...]
    steps: tuple[DoneStep, ...]

    @property
    def what_came(self) -> WhatCame:
        """What it says of the run."""
        return WhatCame(self.findings, self.steps)


def manifest_of(
    plan: Plan, records: Mapping[str, Record], failed: Iterable[str], findings: Iterable[Finding]
) -> Manifest:
    """Return the manifest of a target as it is after a run."""
    lost = set(failed)
    files = {step: record.files for step, record in records.items()}
    steps = tuple(
        DoneStep(step.id, step.kind, "failed" if step.id in lost else "done", files.get(step.id, ()))
        for step in plan.steps
    )
    told = {"options": plan.options, "findings": tuple(findings), "steps": steps}
    return Manifest.of(plan, dlc2lp_version=plan.dlc2lp_version, **told)
