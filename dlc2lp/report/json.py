"""The documents of ``--json`` of the commands about projects: their types, of which ``scripts/make_docs`` makes the
schemas in ``docs/schemas``, and how each comes from a result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

from dlc2lp.codec import Keys, Says, encode
from dlc2lp.exporting import Export, ExportedProject
from dlc2lp.lp.starter import ChoiceReason
from dlc2lp.migration import Inspection, Outcome, Preview
from dlc2lp.model import Turn, VideoInfo
from dlc2lp.pages.write import page_of
from dlc2lp.planning.align import SessionFrames
from dlc2lp.planning.plan import Count, CountKeys, Plan, PlannedModel
from dlc2lp.reconfigure import Reconfigured
from dlc2lp.relabel import MendedFile, Relabeled
from dlc2lp.report.findings import Document
from dlc2lp.report.video import needed
from dlc2lp.run.assess import State
from dlc2lp.run.manifest import Described, PicturePart, WrittenSessionTie
from dlc2lp.run.verify import Verification
from dlc2lp.survey.measure_videos import SurveyedVideo
from dlc2lp.survey.session_labels import SessionLabels
from dlc2lp.video.encoding import Action


@dataclass(frozen=True)
class InspectedProject:
    """A project as its configuration calls it."""

    path: str
    task: str | None
    scorer: str | None
    date: str | None


@dataclass(frozen=True)
class InspectedSession:
    """A session, and how many of its images are labeled."""

    name: str
    label_file: str | None
    n_labeled_frames: int
    n_empty_frames: int
    n_images: int
    n_images_without_row: int

    @classmethod
    def of(cls, chosen: SessionLabels) -> Self:
        """What the document says of a session."""
        labels = chosen.labels
        n_labeled = 0 if labels is None else int(labels.labelled.any(axis=(1, 2)).sum())
        n_rows = 0 if labels is None else len(labels.frames)
        named = set() if labels is None else {frame.file_name for frame in labels.frames}
        return cls(
            chosen.session.name,
            str(chosen.label_file) if chosen.label_file else None,
            n_labeled,
            n_rows - n_labeled,
            len(chosen.session.images),
            len(chosen.session.images.keys() - named - chosen.withheld),
        )


@dataclass(frozen=True)
class InspectedKeypoint:
    """A keypoint; its share of frames in which it is empty is known where the project can be planned."""

    name: str
    hidden_share: float | None


@dataclass(frozen=True)
class InspectedVideo:
    """A video, and what would be done to it and why."""

    path: str
    info: VideoInfo | None
    action: Action | None
    reasons: tuple[str, ...]
    session: str | None
    turn_deg: Turn | None
    crop: PicturePart | None
    tie: WrittenSessionTie | None

    @classmethod
    def of(cls, video: SurveyedVideo) -> Self:
        """What the document says of a video."""
        action, reasons = needed(video.treatment)
        session, turn_deg, crop = video.session or None, video.picture.turn_deg, PicturePart.of(video.picture.crop)
        return cls(
            str(video.path), video.info, action, reasons, session, turn_deg, crop, WrittenSessionTie.of(video.tie)
        )


@dataclass(frozen=True)
class OpenQuestion:
    """Something that only a person can decide, and the option that decides it."""

    code: str
    subject: str
    message: str
    candidates: tuple[str, ...]
    option: str | None


@dataclass(frozen=True, kw_only=True)
class InspectDocument(Document, command="inspect"):
    """dlc2lp inspect --json."""

    project: InspectedProject
    sessions: tuple[InspectedSession, ...]
    keypoints: tuple[InspectedKeypoint, ...]
    individuals: tuple[str, ...]
    videos: tuple[InspectedVideo, ...]
    decisions: tuple[OpenQuestion, ...]
    counts: Annotated[dict[str, Count], CountKeys] | None
    splits: tuple[str, ...]
    views: tuple[str, ...]
    view_frames: tuple[SessionFrames, ...]
    models: tuple[PlannedModel, ...]


def inspection(found: Inspection) -> InspectDocument:
    """Return the document of ``dlc2lp inspect``."""
    project, plan = found.survey.project, found.plan
    config = project.config
    chosen = [session for _, labels in found.source.surveys for session in labels.project.sessions]
    tables = [session.labels for session in chosen if session.labels is not None]
    names = dict.fromkeys(name for table in tables for name in table.keypoint_names)
    shares: Mapping[str, float | None] = plan.keypoints if plan else dict.fromkeys(names)
    return InspectDocument(
        exit_code=found.exit_code,
        findings=found.findings,
        project=InspectedProject(
            str(project.root), *(getattr(config, name, None) for name in ("task", "scorer", "date"))
        ),
        sessions=tuple(map(InspectedSession.of, chosen)),
        keypoints=tuple(InspectedKeypoint(name, share) for name, share in shares.items()),
        individuals=tuple(sorted({name for table in tables for name in table.individuals if name})),
        videos=tuple(InspectedVideo.of(video) for survey, _ in found.source.surveys for video in survey.videos),
        decisions=tuple(
            OpenQuestion(question.code, question.subject, question.told, question.candidates, question.way or None)
            for question in found.decisions
        ),
        counts=plan.counts if plan else None,
        splits=found.splits,
        views=plan.views if plan else (),
        view_frames=plan.view_frames if plan else (),
        models=plan.models if plan else (),
    )


#: A step as it stands in the plan, and its state.
PlannedStep = Annotated[
    dict[str, Any],
    Says("required", ["id", "kind", "state"]),
    Says(
        "properties",
        {
            "id": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
            "kind": {"type": "string"},
            "state": {"enum": list(State)},
        },
    ),
]


@dataclass(frozen=True, kw_only=True)
class PlanDocument(Described, Document, command="plan"):
    """dlc2lp convert --dry-run --json."""

    options: dict[str, Any]
    space_bytes: int
    steps: tuple[PlannedStep, ...]


def dry_run(found: Preview) -> PlanDocument:
    """Return the document of ``dlc2lp convert --dry-run``: the plan, and what of it is done."""
    return PlanDocument.of(
        found.plan,
        exit_code=found.exit_code,
        findings=found.findings,
        options=found.plan.options,
        space_bytes=found.plan.space_bytes,
        steps=tuple(encode(step) | {"state": str(found.states[step.id])} for step in found.plan.steps),
    )


@dataclass(frozen=True, kw_only=True)
class ConvertDocument(Described, Document, command="convert"):
    """dlc2lp convert --json."""

    checked: dict[str, int]
    steps: Annotated[dict[str, list[str]], Keys(("done", "skipped", "failed"))]
    report: str | None


def outcome(came: Outcome) -> ConvertDocument:
    """Return the document of ``dlc2lp convert``."""
    return ConvertDocument.of(
        came.plan,
        exit_code=came.exit_code,
        findings=came.findings,
        checked=came.verification.n_checked,
        steps={"done": came.run.done, "skipped": came.run.skipped, "failed": came.run.failed},
        report=str(path) if (path := page_of(came.plan)) else None,
    )


@dataclass(frozen=True, kw_only=True)
class ReportDocument(Document, command="report"):
    """dlc2lp report --json."""

    report: str


def reported(page: Path) -> ReportDocument:
    """Return the document of ``dlc2lp report``."""
    return ReportDocument(report=str(page))


@dataclass(frozen=True, kw_only=True)
class VerifyDocument(Described, Document, command="verify"):
    """dlc2lp verify --json."""

    checked: dict[str, int]


def verification(plan: Plan, found: Verification, exit_code: int) -> VerifyDocument:
    """Return the document of ``dlc2lp verify``."""
    return VerifyDocument.of(plan, exit_code=exit_code, findings=found.findings, checked=found.n_checked)


@dataclass(frozen=True, kw_only=True)
class ConfigDocument(Document, command="config"):
    """dlc2lp config --json."""

    path: str
    config: tuple[ChoiceReason, ...]
    kept: tuple[str, ...]


def reconfigured(made: Reconfigured) -> ConfigDocument:
    """Return the document of ``dlc2lp config``."""
    return ConfigDocument(findings=made.findings, path=str(made.path), config=made.config.reasons, kept=made.kept)


@dataclass(frozen=True, kw_only=True)
class ExportDocument(Document, command="export"):
    """dlc2lp export --json."""

    target: str
    folder: str
    is_written: bool
    n_files: int
    size_bytes: int
    projects: tuple[ExportedProject, ...]


def exported(came: Export) -> ExportDocument:
    """Return the document of ``dlc2lp export``."""
    return ExportDocument(
        exit_code=came.exit_code,
        findings=came.findings,
        target=came.target,
        folder=came.folder,
        is_written=came.is_written,
        n_files=came.n_files,
        size_bytes=came.size_bytes,
        projects=came.projects,
    )


@dataclass(frozen=True, kw_only=True)
class LabelsDocument(Document, command="labels"):
    """dlc2lp labels --json."""

    target: str
    files: tuple[MendedFile, ...]
    is_written: bool


def relabeled(made: Relabeled) -> LabelsDocument:
    """Return the document of ``dlc2lp labels``."""
    return LabelsDocument(
        exit_code=made.exit_code,
        findings=made.findings,
        target=str(made.target),
        files=made.files,
        is_written=made.is_written,
    )


@dataclass(frozen=True, kw_only=True)
class SplitsDocument(Document, command="splits"):
    """dlc2lp inspect|convert --split list --json."""

    splits: tuple[str, ...]


def splits(names: Sequence[str]) -> SplitsDocument:
    """Return the document of ``--split list``."""
    return SplitsDocument(splits=tuple(names))


@dataclass(frozen=True, kw_only=True)
class PlanEachDocument(Document, command="plan-each"):
    """dlc2lp convert --individuals split --dry-run --json."""

    individuals: dict[str, PlanDocument]


@dataclass(frozen=True, kw_only=True)
class ConvertEachDocument(Document, command="convert-each"):
    """dlc2lp convert --individuals split --json."""

    individuals: dict[str, ConvertDocument]


def each_plan(documents: dict[str, PlanDocument]) -> PlanEachDocument:
    """Return the document of a dry run for each individual: theirs, by name."""
    return PlanEachDocument(exit_code=_worst(documents), individuals=documents)


def each_outcome(documents: dict[str, ConvertDocument]) -> ConvertEachDocument:
    """Return the document of a conversion for each individual: theirs, by name."""
    return ConvertEachDocument(exit_code=_worst(documents), individuals=documents)


def _worst(documents: Mapping[str, Document]) -> int:
    return max(document.exit_code for document in documents.values())
