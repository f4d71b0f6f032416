"""The commands about archives. Each calls the library and shows what came of it; none decides anything."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dlc2lp.cli import output
from dlc2lp.cli.everywhere import everywhere
from dlc2lp.cli.grouped import Grouped
from dlc2lp.cli.options import GIVEN_PATH, options_of, take_run_options
from dlc2lp.cli.progress import watching
from dlc2lp.errors import EXIT_OK, Interrupted, begun
from dlc2lp.options import Options, RunOptions
from dlc2lp.wording import shown

if TYPE_CHECKING:
    from dlc2lp.batch.finish import ArchiveReport
    from dlc2lp.batch.shards import Shard
    from dlc2lp.events import Watch

ROOT = click.argument("root", type=GIVEN_PATH)
OUT = click.argument("out", type=GIVEN_PATH)

_DECISIONS = click.option(
    "--decisions",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="YAML file of options for single projects; what is open is added to it [OUT/decisions.yaml].",
)
_SHARD = click.option("--shard", "shard_text", metavar="I/N", help="Only part I of N, I from 1 to N.")
_REQUEUE = click.option(
    "--requeue",
    type=click.IntRange(1),
    metavar="N",
    help="In a Slurm job: when the time is up, go back into the queue, at most N times.",
)


@click.group()
def batch() -> None:
    """An archive of projects: find, plan, run, finish; on one machine or on a cluster.

    \b
    On one machine:   dlc2lp batch convert archive archive-lp
    With Slurm:       dlc2lp batch plan archive archive-lp
                      dlc2lp batch submit archive-lp --shards 100 --time 4:00:00
                      dlc2lp batch status archive-lp
    """


@batch.command(cls=Grouped)
@ROOT
@OUT
@_DECISIONS
@options_of("batch convert")
@everywhere
def convert(root: Path, out: Path, *, decisions: Path | None, **options: Any) -> int:
    """Find every DeepLabCut project below ROOT and convert it to a Lightning Pose project below OUT.

    The same as batch plan, batch run and batch finish. One project that fails does not stop the others. Run the same
    command again to finish what was interrupted; what is done stays done.

    \b
    Examples:
      dlc2lp batch convert archive archive-lp
      dlc2lp batch convert archive archive-lp --videos none --jobs 4
      dlc2lp batch convert archive archive-lp --decisions my-decisions.yaml
    """
    run_options, chosen = take_run_options(options), Options.of(options)
    with watching(f"looking for projects in {root}") as watch:
        from dlc2lp.batch.plan import plan_archive
        from dlc2lp.batch.run import run_shard
        from dlc2lp.report import batch as text
        from dlc2lp.report import batch_json as json

        planned = plan_archive(
            root, out, chosen, decisions=decisions, jobs=run_options.jobs, watch=watch, verb="convert"
        )
        if planned.index is None or not planned.index.totals.n_planned:
            output.result(text.plan_text(planned), json.nothing_planned(planned))
            return planned.exit_code
        output.note(text.plan_text(planned, goes_on=True))
        came = run_shard(planned.index.out, None, run_options, watch=watch)
        with begun(out):
            report = _finish(watch, out, run_options)
    assert report is not None  # noqa: S101  only a part would be none; told to mypy
    output.result(text.report_text(report, planned), json.converted(planned, came, report))
    return report.exit_code


@batch.command(cls=Grouped)
@ROOT
@OUT
@_DECISIONS
@options_of("batch plan")
@click.option("--list-only", is_flag=True, help="Only find the projects, for several calls with --shard to plan them.")
@_SHARD
@everywhere
def plan(
    root: Path,
    out: Path,
    *,
    decisions: Path | None,
    jobs: int | None,
    list_only: bool,
    shard_text: str | None,
    **options: Any,
) -> int:
    """Find every DeepLabCut project below ROOT and plan its migration to OUT.

    Whatever can't be planned is named and does not stop the rest; what needs a decision is listed in
    OUT/decisions.yaml: fill that in and run the same command again. No label, image or video is written yet.

    In a job array it plans the shard that the scheduler names, as with --shard; --list-only lists anyway.

    \b
    Examples:
      dlc2lp batch plan archive archive-lp
      dlc2lp batch plan archive archive-lp --video-root /mnt/old-videos
      dlc2lp batch plan archive archive-lp --list-only
      dlc2lp batch plan archive archive-lp --shard 1/20
    """
    chosen = Options.of(options)
    with watching(f"looking for projects in {root}") as watch:
        from dlc2lp.batch.plan import plan_archive

        shard = None if list_only else _shard(shard_text, None)
        how: dict[str, Any] = {"decisions": decisions, "jobs": jobs, "shard": shard, "list_only": list_only}
        planned = plan_archive(root, out, chosen, watch=watch, **how)
    from dlc2lp.report import batch as text
    from dlc2lp.report import batch_json as json

    output.result(text.plan_text(planned), json.plan(planned))
    return planned.exit_code


@batch.command()
@OUT
@_SHARD
@click.option(
    "--shards",
    "n_shards",
    type=click.IntRange(1),
    metavar="N",
    help="How many shards there are, where I comes from the scheduler and N does not.",
)
@options_of("batch run")
@_REQUEUE
@everywhere
def run(out: Path, *, shard_text: str | None, n_shards: int | None, requeue: int | None, **options: Any) -> int:
    """Carry out the plan of OUT, or one shard of it. Needs nothing but the plan and the files.

    Any number of these may run at the same time, on any number of machines, and any may be run again at any time. In a
    job array the shard follows from SLURM_ARRAY_TASK_ID, SGE_TASK_ID, PBS_ARRAY_INDEX or JOB_COMPLETION_INDEX,
    whatever number the array starts at.
    """
    with _requeued(requeue), watching(f"reading the plan of {out}") as watch:
        from dlc2lp.batch.run import run_shard

        shard = _shard(shard_text, n_shards)
        came = run_shard(out, shard, take_run_options(options), watch=watch)
    from dlc2lp.report import batch as text
    from dlc2lp.report import batch_json as json

    output.result(text.run_text(out, came), json.run(out, came))
    return came.exit_code


@batch.command()
@OUT
@everywhere
def status(out: Path) -> int:
    """Say what of OUT is done, running, failed and left, and how long it will take.

    Reads only what dlc2lp wrote down itself: no scheduler is asked.
    """
    from dlc2lp.batch.status import archive_status
    from dlc2lp.report import batch as text
    from dlc2lp.report import batch_json as json

    found = archive_status(out)
    output.result(text.status_text(found), json.status(found))
    return EXIT_OK


@batch.command()
@OUT
@options_of("batch finish")
@_SHARD
@_REQUEUE
@everywhere
def finish(out: Path, *, shard_text: str | None, requeue: int | None, **options: Any) -> int:
    """Verify every target and write OUT/index.html, OUT/report.json and OUT/report.csv.

    Says what became of every project; exit 1 if any did not arrive whole. To be run when no worker is at work any more.
    With --shard it only verifies a part, and one call without it afterwards writes the reports.
    """
    run_options = RunOptions.of(options)
    with _requeued(requeue), watching(f"reading the plan of {out}") as watch:
        shard = None if shard_text is None else _shard(shard_text, None)
        report = _finish(watch, out, run_options, shard)
    from dlc2lp.report import batch as text
    from dlc2lp.report import batch_json as json

    if report is None:
        output.result(f"part {shard} of {shown(str(out))} is verified", json.finished_part(out, str(shard)))
        return EXIT_OK
    output.result(text.report_text(report), json.report(report))
    return report.exit_code


@batch.command()
@OUT
@click.option(
    "--shards", "n_shards", type=click.IntRange(1), required=True, metavar="N", help="Tasks of the job array."
)
@click.option("--max-running", type=click.IntRange(1), metavar="M", help="Tasks that run at a time [Slurm's limit].")
@click.option("--partition", metavar="P", help="Partition [the cluster's default].")
@click.option("--time", metavar="T", help="Time limit of each task, as Slurm writes it: 4:00:00 [the partition's].")
@click.option("--cpus", type=click.IntRange(1), default=4, show_default=True, metavar="C", help="CPUs of each task.")
@click.option(
    "--mem",
    "mem_gb",
    type=click.FloatRange(0, min_open=True),
    metavar="G",
    help="GB of memory [the cluster's default].",
)
@click.option(
    "--sbatch-arg", "sbatch_args", multiple=True, metavar="A", help="Further option of sbatch, as it is. Repeatable."
)
@click.option(
    "--preamble",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Shell lines to run before dlc2lp: module load, export SLURM_TMPDIR=...",
)
@options_of("batch submit")
@click.option("--tmp-dir", metavar="DIR", help="Folder on the nodes' own disks where videos are made [$SLURM_TMPDIR].")
@click.option("--dry-run", is_flag=True, help="Print the scripts and submit nothing.")
@click.option("--wait", is_flag=True, help="Wait for the end, and end with the exit code of batch finish.")
@everywhere
def submit(out: Path, *, n_shards: int, dry_run: bool, wait: bool, **options: Any) -> int:
    """Hand what is left of OUT to Slurm: a job array of batch run, and a job of batch finish after it.

    The scripts and the logs are kept in OUT/.dlc2lp-batch/slurm. Submit again to go on with what failed or was stopped.
    """
    from dlc2lp.batch.slurm import Resources, read_preamble, submit_archive
    from dlc2lp.report import batch as text
    from dlc2lp.report import batch_json as json

    verify = f"--verify={options['verify']}"
    scratch = [f"--tmp-dir={options['tmp_dir']}"] if options["tmp_dir"] else []
    names = ("max_running", "partition", "time", "cpus", "mem_gb", "sbatch_args")
    resources = Resources(preamble=read_preamble(options["preamble"]), **{name: options[name] for name in names})
    made = submit_archive(
        out,
        [sys.executable, "-m", "dlc2lp"],
        n_shards,
        resources,
        run_arguments=[verify, f"--edited={options['edited']}", *scratch],
        finish_arguments=[verify],
        dry_run=dry_run,
        wait=wait,
    )
    exit_code = made.archive_exit_code or EXIT_OK
    output.result(text.submission_text(made, dry_run=dry_run, wait=wait), json.submission(made, exit_code))
    return exit_code


def _finish(watch: Watch, out: Path, run_options: RunOptions, shard: Shard | None = None) -> ArchiveReport | None:
    from dlc2lp.batch.finish import finish_archive
    from dlc2lp.report.archive import write_reports

    report = finish_archive(out, verify=run_options.verify, jobs=run_options.jobs, shard=shard, watch=watch)
    if report is not None:
        write_reports(report)
    return report


def _shard(text: str | None, n_shards: int | None, environment: Mapping[str, str] = os.environ) -> Shard | None:
    from dlc2lp.batch.shards import Shard, shard_from_environment

    if text is None:
        return shard_from_environment(environment, n_shards)
    shard = Shard.from_text(text)
    if n_shards not in {None, shard.of}:
        raise click.UsageError(f"found --shard {text} and --shards {n_shards}, expected one number of shards")
    return shard


@contextlib.contextmanager
def _requeued(at_most: int | None) -> Iterator[None]:
    """Where a task of Slurm is stopped, have it go back into the queue, at most so many times; None: it does not."""
    try:
        yield
    except (Interrupted, KeyboardInterrupt):
        if at_most is not None:
            from dlc2lp.batch.slurm import requeue_this_task

            if said := requeue_this_task(os.environ, at_most):
                output.note(said)
        raise
