"""The documents of ``--json`` of the commands about archives, described by the schemas in ``docs/schemas``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from dlc2lp.batch.finish import ArchiveReport
from dlc2lp.batch.plan import ArchivePlan
from dlc2lp.batch.run import ShardRun
from dlc2lp.batch.slurm import Submission
from dlc2lp.batch.status import Status
from dlc2lp.report.findings import document


def plan(command: str, planned: ArchivePlan) -> dict[str, Any]:
    """Return the document of ``dlc2lp batch plan``."""
    return document(command, planned.exit_code, planned.findings, **_plan_content(planned))


def _plan_content(planned: ArchivePlan) -> dict[str, Any]:
    index, estimate = planned.index, planned.estimate
    return {
        "root": index.root if index else None,
        "out": str(index.out) if index else None,
        "n_projects": planned.n_projects,
        "n_targets": index.totals.n_planned if index else None,
        "n_steps": index.totals.n_steps if index else None,
        "not_planned": [
            {
                "project": entry.project,
                "state": entry.state,
                "findings": [finding.as_json() for finding in entry.findings],
            }
            for entry in planned.refused
        ],
        "decisions_file": str(planned.decisions_file),
        "n_asked": planned.n_asked,
        "estimate": asdict(estimate) | {"cpu_minutes": estimate.cpu_minutes} if estimate else None,
    }


def run(out: Path, came: ShardRun) -> dict[str, Any]:
    """Return the document of ``dlc2lp batch run``."""
    return document("batch-run", came.exit_code, came.findings, out=str(out), **_run_content(came))


def _run_content(came: ShardRun) -> dict[str, Any]:
    return {
        "shard": str(came.shard),
        "n_done": came.n_done,
        "n_skipped": came.n_skipped,
        "failed": sorted(came.failed),
    }


def status(found: Status) -> dict[str, Any]:
    """Return the document of ``dlc2lp batch status``."""
    return document(
        "batch-status",
        0,
        found.findings,
        out=str(found.out),
        targets=dict(found.n_targets),
        not_planned=dict(found.n_not_planned),
        steps={"all": found.n_steps, "done": found.n_steps_done, "failed": found.n_steps_failed},
        share_done=found.cost_done / found.cost if found.cost else 1.0,
        left_s=found.left_s,
        unfinished=[
            {
                "target": each.target,
                "project": each.project,
                "state": each.state,
                "n_steps": each.n_steps,
                "n_done": each.n_done,
                "n_failed": each.n_failed,
                "seconds": each.seconds,
            }
            for each in found.targets
        ],
        workers=[
            {
                "shard": worker.shard,
                "job": worker.job or None,
                "began_s": worker.began_s,
                "last_s": worker.last_s,
                "targets": sorted(worker.targets),
            }
            for worker in found.workers
        ],
    )


def report(came: ArchiveReport) -> dict[str, Any]:
    """Return the document of ``dlc2lp batch finish``, which is also ``OUT/report.json``."""
    return document("batch-finish", came.exit_code, came.findings, **_report_content(came))


def _report_content(came: ArchiveReport) -> dict[str, Any]:
    return {
        "root": came.index.root,
        "out": str(came.index.out),
        "n_by_state": came.n_by_state,
        "bytes_before": sum(project.bytes_before for project in came.projects),
        "bytes_after": sum(project.bytes_after for project in came.projects),
        "projects": [project.as_json() for project in came.projects],
    }


def finished_part(out: Path, shard: str) -> dict[str, Any]:
    """Return the document of ``dlc2lp batch finish --shard``."""
    return document("batch-finish-part", 0, (), out=str(out), shard=shard)


def converted(planned: ArchivePlan, came: ShardRun, finished: ArchiveReport) -> dict[str, Any]:
    """Return the document of ``dlc2lp batch convert``."""
    return document(
        "batch-convert",
        finished.exit_code,
        finished.findings,
        **_plan_content(planned),
        run=_run_content(came),
        report=_report_content(finished),
    )


def submission(made: Submission, exit_code: int) -> dict[str, Any]:
    """Return the document of ``dlc2lp batch submit``."""
    return document(
        "batch-submit",
        exit_code,
        (),
        folder=str(made.folder),
        n_shards=made.n_shards,
        n_left=made.n_left,
        scripts=[
            {
                "name": script.name,
                "text": script.text,
                "waits_for": list(script.waits_for),
                "job": made.jobs.get(script.name),
            }
            for script in made.scripts
        ],
        archive_exit_code=made.archive_exit_code,
    )
