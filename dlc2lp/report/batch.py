"""What people read in the terminal about an archive. Returns text, prints nothing."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from dlc2lp.batch.finish import ArchiveReport
from dlc2lp.batch.plan import ArchivePlan
from dlc2lp.batch.run import ShardRun
from dlc2lp.batch.slurm import Submission
from dlc2lp.batch.space import Estimate
from dlc2lp.batch.status import Status
from dlc2lp.model import Finding
from dlc2lp.report.archive import HTML_FILE, states_text, words
from dlc2lp.report.findings import findings_text
from dlc2lp.report.layout import joined, table
from dlc2lp.report.text import MAX_ROWS, duration_text, more_rows
from dlc2lp.wording import counted, shown, size_text


def plan_text(planned: ArchivePlan, *, goes_on: bool = False) -> str:
    """Lay out what planning an archive came to; ``goes_on`` where the same command carries it out."""
    found = f"{counted(planned.n_projects, 'project')} found"
    if planned.index is None:
        return joined(findings_text(planned.findings), found)
    index, totals = planned.index, planned.index.totals
    rows = [(entry.project, words(entry.state), _codes(entry.findings)) for entry in planned.refused]
    parts = [
        f"{shown(index.root)}\n  into {shown(str(index.out))}",
        _listed(("not planned", "why", "findings"), rows, "project"),
        findings_text(planned.findings),
        f"{found}; {counted(totals.n_planned, 'target')} planned, {counted(totals.n_steps, 'step')}",
    ]
    if planned.estimate is not None:
        parts[-1] += "\n" + _estimate_text(planned.estimate)
    if planned.n_asked:
        parts.append(
            f"{counted(planned.n_asked, 'project')} newly listed in {shown(str(planned.decisions_file))}: fill in the "
            "options there and plan again; the others need not wait"
        )
    if totals.n_planned and not goes_on:
        parts.append(f"next: dlc2lp batch run {_typed(index.out)}")
    return joined(*parts)


def _listed(header: Sequence[str], rows: Sequence[Sequence[str]], what: str, right: Sequence[int] = ()) -> str:
    """Return a table that fits a screen, and how many rows are left out; nothing where there is none."""
    return table(header, rows[:MAX_ROWS], right) + more_rows(len(rows), what) if rows else ""


def _typed(path: Path) -> str:
    """Return a path as a shell takes it, so that the command can be copied."""
    return shown(shlex.quote(str(path)))


def _codes(findings: Iterable[Finding]) -> str:
    counts = Counter(finding.code for finding in findings)
    return ", ".join(code if n == 1 else f"{code} ({n})" for code, n in counts.items())


def _estimate_text(estimate: Estimate) -> str:
    lines = [f"to write: {size_text(estimate.space_bytes)} at most; free: {size_text(estimate.free_bytes)}"]
    minutes = estimate.cpu_minutes
    if estimate.n_encodes:
        megapixels = f"{estimate.encode_pixels / 1e6:,.0f}".replace(",", " ")
        line = f"to encode: {counted(estimate.n_encodes, 'video')}, {megapixels} megapixels"
        if minutes is not None and estimate.pixels_per_s is not None:
            line += (
                f"; about {duration_text(minutes * 60 / estimate.n_cpus)} on the {counted(estimate.n_cpus, 'CPU')} "
                f"here (measured: {estimate.pixels_per_s / 1e6:.0f} megapixels per second and CPU)"
            )
        lines.append(line)
    return "\n".join(lines)


def run_text(out: Path, came: ShardRun) -> str:
    """Lay out what came of a shard."""
    failed = ""
    done = f"{counted(came.n_done, 'step')} done, {counted(came.n_skipped, 'was', 'were')} done before"
    if came.failed:
        failed = "failed:\n" + "\n".join(f"  {shown(target)}" for target in sorted(came.failed))
        done += f"; steps of {counted(len(came.failed), 'target')} failed, run the same command again to try them again"
    part = "" if came.shard.of == 1 else f"shard {came.shard}: "
    end = f"next, when all shards have ended: dlc2lp batch finish {_typed(out)}"
    return joined(findings_text(came.findings), failed, part + done, end)


def status_text(found: Status) -> str:
    """Lay out how far an archive is."""
    rows = [(str(state), str(n)) for state, n in found.n_targets.items() if n]
    rows += [(f"not planned: {words(state)}", str(n)) for state, n in found.n_not_planned.items()]
    targets = [
        (each.target, each.state, f"{each.n_done} of {each.n_steps}", str(each.n_failed)) for each in found.targets
    ]
    workers = [
        (worker.shard, worker.job or "-", ", ".join(sorted(worker.targets)[:2]) or "-") for worker in found.workers
    ]
    parts = [
        shown(str(found.out)),
        table(("targets", ""), rows, right=(1,)),
        _listed(("target", "state", "steps done", "failed"), targets, "target", right=(2, 3)),
        findings_text(found.findings),
        _listed(("at work: shard", "job", "on"), workers, "worker"),
    ]
    if not found.n_steps:
        return joined(*parts, f"nothing is planned for {_typed(found.out)}, so there is nothing to do")
    share = found.cost_done / found.cost if found.cost else 1.0
    steps = f"{found.n_steps_done} of {counted(found.n_steps, 'step')} done, {share:.0%} of the work"
    if found.is_done:
        steps += f"; next: dlc2lp batch finish {_typed(found.out)}"
    elif found.left_s is not None:
        steps += f"; about {duration_text(found.left_s)} left"
    elif not found.workers:
        steps += f"; nobody is at work: dlc2lp batch run {_typed(found.out)}, or batch submit, goes on"
    return joined(*parts, steps)


def report_text(report: ArchiveReport) -> str:
    """Lay out what became of an archive."""
    rows = [
        (project.project, project.individual, words(project.state), _codes(project.findings))
        for project in report.projects
        if not project.is_whole
    ]
    before = sum(project.bytes_before for project in report.projects)
    after = sum(project.bytes_after for project in report.projects)
    return joined(
        _listed(("not complete", "individual", "state", "findings"), rows, "project"),
        findings_text(report.findings),
        f"{counted(len(report.projects), 'project')}: {states_text(report) or 'none'}\n"
        f"images and videos before: {size_text(before)}; all files after: {size_text(after)}\n"
        f"the report: {shown(str(report.index.out / HTML_FILE))}",
    )


def submission_text(made: Submission, *, dry_run: bool) -> str:
    """Lay out what was handed to Slurm, or would be."""
    out = _typed(made.folder.parents[1])
    if not made.n_targets:
        return f"nothing is planned for {out}, so there is nothing to submit"
    if not made.n_left:
        return f"nothing is left to submit: every step is done. Next: dlc2lp batch finish {out}"
    if dry_run:
        return joined(
            *(f"# {shown(str(made.folder / script.name))}\n{script.text.rstrip()}" for script in made.scripts)
        )
    rows = [(script.name, made.jobs[script.name], ", ".join(script.waits_for) or "-") for script in made.scripts]
    end, folder = f"the archive has ended with exit code {made.archive_exit_code}", shown(str(made.folder))
    return joined(
        table(("script", "job", "after"), rows),
        f"{made.n_left} of {counted(made.n_shards, 'shard')} submitted; scripts and logs are in {folder}",
        f"how far it is: dlc2lp batch status {out}" if made.archive_exit_code is None else end,
    )
