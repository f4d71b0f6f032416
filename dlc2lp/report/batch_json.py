"""The documents of ``--json`` of the commands about archives, as :mod:`dlc2lp.report.json` has those about projects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, get_args

from dlc2lp.batch.finish import ArchiveReport, ProjectReport
from dlc2lp.batch.plan import ArchivePlan
from dlc2lp.batch.run import ShardRun
from dlc2lp.batch.slurm import Submission
from dlc2lp.batch.status import Status, TargetState
from dlc2lp.codec import Keys, Says
from dlc2lp.model import Finding
from dlc2lp.report.findings import Document, as_told
from dlc2lp.run.manifest import Positive

ShardText = Annotated[str, Says("pattern", "^[0-9]+/[0-9]+$")]


@dataclass(frozen=True)
class Unplanned:
    """A project that is not migrated, and why."""

    project: str
    state: Annotated[str, Says("enum", ("needs-decision", "refused"))]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Cost:
    """What an archive will cost."""

    space_bytes: int
    n_encodes: int
    encode_pixels: int
    pixels_per_s: float | None
    n_cpus: Positive
    free_bytes: int
    cpu_minutes: float | None


@dataclass(frozen=True, kw_only=True)
class _Planned(Document):
    root: str | None
    out: str | None
    n_projects: int
    n_targets: int | None
    n_steps: int | None
    not_planned: tuple[Unplanned, ...]
    decisions_file: str
    n_asked: int
    estimate: Cost | None


@dataclass(frozen=True, kw_only=True)
class BatchPlanDocument(_Planned, command="batch-plan"):
    """dlc2lp batch plan --json."""


def plan(planned: ArchivePlan) -> BatchPlanDocument:
    """Return the document of ``dlc2lp batch plan``."""
    return BatchPlanDocument(exit_code=planned.exit_code, findings=planned.findings, **_plan_content(planned))


def _plan_content(planned: ArchivePlan) -> dict[str, Any]:
    index, estimate = planned.index, planned.estimate
    return {
        "root": index.root if index else None,
        "out": str(index.out) if index else None,
        "n_projects": planned.n_projects,
        "n_targets": index.totals.n_planned if index else None,
        "n_steps": index.totals.n_steps if index else None,
        "not_planned": tuple(
            Unplanned(each.project, each.state, tuple(as_told(each.findings))) for each in planned.refused
        ),
        "decisions_file": str(planned.decisions_file),
        "n_asked": planned.n_asked,
        "estimate": Cost(**vars(estimate), cpu_minutes=estimate.cpu_minutes) if estimate else None,
    }


@dataclass(frozen=True, kw_only=True)
class _AtOut(Document):
    out: str


@dataclass(frozen=True)
class ShardResult:
    """What came of a shard: steps carried out, steps done before, and the targets in which some failed."""

    shard: ShardText
    n_done: int
    n_skipped: int
    failed: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class BatchRunDocument(ShardResult, _AtOut, command="batch-run"):
    """dlc2lp batch run --json."""


def run(out: Path, came: ShardRun) -> BatchRunDocument:
    """Return the document of ``dlc2lp batch run``."""
    return BatchRunDocument(exit_code=came.exit_code, findings=came.findings, out=str(out), **vars(_run_content(came)))


def _run_content(came: ShardRun) -> ShardResult:
    return ShardResult(str(came.shard), came.n_done, came.n_skipped, tuple(sorted(came.failed)))


@dataclass(frozen=True)
class Unfinished:
    """A target that is at work, failed or interrupted."""

    target: str
    project: str
    state: TargetState
    n_steps: int
    n_done: int
    n_failed: int
    seconds: float


@dataclass(frozen=True)
class AtWork:
    """A worker that is at work; times in seconds since 1970."""

    shard: str
    job: str | None
    began_s: float
    last_s: float
    targets: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class BatchStatusDocument(_AtOut, command="batch-status"):
    """dlc2lp batch status --json."""

    targets: Annotated[Mapping[TargetState, int], Keys(get_args(TargetState))]
    not_planned: Mapping[str, int]
    steps: Annotated[dict[str, int], Keys(("all", "done", "failed"))]
    share_done: Annotated[float, Says("maximum", 1)]
    left_s: float | None
    unfinished: tuple[Unfinished, ...]
    workers: tuple[AtWork, ...]


def status(found: Status) -> BatchStatusDocument:
    """Return the document of ``dlc2lp batch status``."""
    unfinished = (
        Unfinished(each.target, each.project, each.state, each.n_steps, each.n_done, each.n_failed, each.seconds)
        for each in found.targets
    )
    workers = (
        AtWork(worker.shard, worker.job or None, worker.began_s, worker.last_s, tuple(sorted(worker.targets)))
        for worker in found.workers
    )
    return BatchStatusDocument(
        findings=found.findings,
        out=str(found.out),
        targets=found.n_targets,
        not_planned=found.n_not_planned,
        steps={"all": found.n_steps, "done": found.n_steps_done, "failed": found.n_steps_failed},
        share_done=found.cost_done / found.cost if found.cost else 1.0,
        left_s=found.left_s,
        unfinished=tuple(unfinished),
        workers=tuple(workers),
    )


@dataclass(frozen=True)
class ReportContent:
    """What became of an archive."""

    root: str
    out: str
    n_by_state: dict[str, int]
    bytes_before: int
    bytes_after: int
    projects: tuple[ProjectReport, ...]


@dataclass(frozen=True, kw_only=True)
class BatchFinishDocument(ReportContent, Document, command="batch-finish"):
    """dlc2lp batch finish --json, and OUT/report.json."""


def report(came: ArchiveReport) -> BatchFinishDocument:
    """Return the document of ``dlc2lp batch finish``, which is also ``OUT/report.json``."""
    return BatchFinishDocument(exit_code=came.exit_code, findings=came.findings, **vars(_report_content(came)))


def _report_content(came: ArchiveReport) -> ReportContent:
    return ReportContent(
        came.index.root,
        str(came.index.out),
        came.n_by_state,
        sum(project.bytes_before for project in came.projects),
        sum(project.bytes_after for project in came.projects),
        tuple(replace(project, findings=tuple(as_told(project.findings))) for project in came.projects),
    )


@dataclass(frozen=True, kw_only=True)
class BatchFinishPartDocument(_AtOut, command="batch-finish-part"):
    """dlc2lp batch finish --shard --json."""

    shard: str


def finished_part(out: Path, shard: str) -> BatchFinishPartDocument:
    """Return the document of ``dlc2lp batch finish --shard``."""
    return BatchFinishPartDocument(out=str(out), shard=shard)


@dataclass(frozen=True, kw_only=True)
class BatchConvertDocument(_Planned, command="batch-convert"):
    """dlc2lp batch convert --json."""

    run: ShardResult
    report: ReportContent


def converted(planned: ArchivePlan, came: ShardRun, finished: ArchiveReport) -> BatchConvertDocument:
    """Return the document of ``dlc2lp batch convert``."""
    return BatchConvertDocument(
        exit_code=finished.exit_code,
        findings=finished.findings,
        **_plan_content(planned),
        run=_run_content(came),
        report=_report_content(finished),
    )


@dataclass(frozen=True, kw_only=True)
class NothingPlannedDocument(_Planned, command="batch-convert"):
    """dlc2lp batch convert --json where nothing could be planned."""


def nothing_planned(planned: ArchivePlan) -> NothingPlannedDocument:
    """Return the document of ``dlc2lp batch convert`` where nothing could be planned."""
    return NothingPlannedDocument(exit_code=planned.exit_code, findings=planned.findings, **_plan_content(planned))


@dataclass(frozen=True)
class SubmittedScript:
    """A script for sbatch, and Slurm's number of its job."""

    name: str
    text: str
    waits_for: tuple[str, ...]
    job: str | None


@dataclass(frozen=True, kw_only=True)
class BatchSubmitDocument(Document, command="batch-submit"):
    """dlc2lp batch submit --json."""

    folder: str
    n_shards: int
    n_left: int
    scripts: tuple[SubmittedScript, ...]
    archive_exit_code: int | None


def submission(made: Submission, exit_code: int) -> BatchSubmitDocument:
    """Return the document of ``dlc2lp batch submit``."""
    scripts = (SubmittedScript(**vars(script), job=made.jobs.get(script.name)) for script in made.scripts)
    return BatchSubmitDocument(
        exit_code=exit_code,
        folder=str(made.folder),
        n_shards=made.n_shards,
        n_left=made.n_left,
        scripts=tuple(scripts),
        archive_exit_code=made.archive_exit_code,
    )
