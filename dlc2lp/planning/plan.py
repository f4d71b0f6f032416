"""The plan of a migration: pure data that a dry run prints, a run carries out and a shard takes a slice of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

from dlc2lp.errors import UsageError
from dlc2lp.files import STATE_FOLDER
from dlc2lp.model import Finding
from dlc2lp.planning.steps import Step, step_from_json
from dlc2lp.survey.ties import SessionTie
from dlc2lp.video.encoding import Crop
from dlc2lp.wording import counted, one_line

SCHEMA = "dlc2lp/plan/1"
PLAN_FILE = f"{STATE_FOLDER}/plan.json"


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
    return f"{_label_stem(view)}.csv", f"{_label_stem(view)}_test.csv"


def queue_file(view: str) -> str:
    """Return the name of a view's labeling queue, which the app reads; there only where a frame waits."""
    return f"{_label_stem(view)}.unlabeled.jsonl"


def _label_stem(view: str) -> str:
    return f"CollectedData_{view}" if view else "CollectedData"


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
        are cut from videos and how many are left out (:class:`dlc2lp.planning.align.SessionFrames`).
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
    steps: tuple[Step, ...]
    views: tuple[str, ...] = ()
    view_frames: tuple[dict[str, Any], ...] = ()
    calibrations: dict[str, str] = field(default_factory=dict)

    #: Folders that exist even when nothing is put into them: LP asserts that ``video_dir`` is one.
    folders: ClassVar[tuple[str, ...]] = ("labeled-data", "videos", "configs")

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
                    advice="use the version of dlc2lp that made it, or convert into a new target",
                )
            return cls._from_json(document)
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError.of(
                "plan-unreadable",
                str(path),
                f"is no plan that dlc2lp wrote ({error!r})",
                advice="convert into a new, empty target",
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
