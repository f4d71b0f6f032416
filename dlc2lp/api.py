"""The library's functions: the commands without the command line, taking the same options by name.

What each option does, ``dlc2lp convert --help`` says. Every option passes :func:`dlc2lp.options.checked` or is one of a
:class:`dlc2lp.declared.Chosen`: an unknown one and a wrong value are a UsageError.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from dlc2lp.errors import in_words
from dlc2lp.events import OnEvent, Watch
from dlc2lp.lp.config_choices import ConfigChoices
from dlc2lp.options import Options, RunOptions, VerifyLevel, WholeVideo, checked

if TYPE_CHECKING:
    from dlc2lp.batch.finish import ArchiveReport
    from dlc2lp.batch.plan import ArchivePlan
    from dlc2lp.batch.run import ShardRun
    from dlc2lp.batch.status import Status
    from dlc2lp.exporting import Export
    from dlc2lp.keywords import ConfigKeywords, ConvertKeywords, InspectKeywords, RunKeywords, VideoKeywords
    from dlc2lp.migration import Inspection, Outcome
    from dlc2lp.planning.plan import Plan
    from dlc2lp.reconfigure import Reconfigured
    from dlc2lp.relabel import Relabeled
    from dlc2lp.run.verify import Verification
    from dlc2lp.video.convert import ConvertedVideo, VideoVerdict


@in_words
def inspect(
    source: str | Path | None,
    *,
    on_event: OnEvent | None = None,
    stop: threading.Event | None = None,
    **options: Unpack[InspectKeywords],
) -> Inspection:
    """Look at a DeepLabCut project and say what would be done; nothing is written.

    Parameters
    ----------
    source
        Project folder, its ``config.yaml``, or a folder that has only ``labeled-data``; None with ``views``, which name
        the project of each camera.

    Raises
    ------
    SourceRefused
        It is no DeepLabCut project at all. A project that needs a decision is returned with its questions.
    """
    from dlc2lp import migration

    chosen = Options.of(checked("inspect", options))
    with Watch(on_event, stop) as watch:
        return migration.inspect(source, chosen, watch=watch)


@in_words
def plan(
    source: str | Path | None,
    target: str | Path,
    *,
    on_event: OnEvent | None = None,
    stop: threading.Event | None = None,
    **options: Unpack[InspectKeywords],
) -> Plan:
    """Decide on a migration without writing anything; the plan can be printed and stored as JSON.

    Raises
    ------
    SourceRefused, TargetRefused
        The migration is not possible so.
    """
    from dlc2lp import migration

    chosen = Options.of(checked("inspect", options))
    with Watch(on_event, stop) as watch:
        return migration.plan(source, target, chosen, watch=watch)


@in_words
def convert(
    source: str | Path | None,
    target: str | Path,
    *,
    on_event: OnEvent | None = None,
    stop: threading.Event | None = None,
    **options: Unpack[ConvertKeywords],
) -> Outcome:
    """Turn a DeepLabCut project into a Lightning Pose project; called again, it finishes what was interrupted.

    Parameters
    ----------
    source, target
        The DeepLabCut project and the folder of the Lightning Pose project; the source is None with ``views``.
    on_event
        Called with every :class:`~dlc2lp.events.Event`, from several threads. An OSError that it raises is passed over,
        as a terminal that has gone must not end the work; any other exception stops the work as ``stop`` does and is
        raised here.
    stop
        Set it from another thread to stop cleanly.

    Returns
    -------
    Outcome
        ``exit_code`` is 0 if everything arrived; ``findings`` say what did not and what to look at.

    Raises
    ------
    UsageError
        An option is unknown, or its value wrong; nothing was written.
    SourceRefused, TargetRefused, TargetBusy, ToolMissing
        Nothing was written.
    DiskTrouble, Interrupted
        A disk failed or is full, or ``stop`` was set; called again, it goes on from there.
    """
    from dlc2lp import migration

    given = checked("convert", options)
    how = RunOptions.of(given)
    with Watch(on_event, stop) as watch:
        return migration.convert(source, target, Options.of(given), how, register_as=given["register"], watch=watch)


@in_words
def convert_individuals(
    source: str | Path,
    target: str | Path,
    *,
    on_event: OnEvent | None = None,
    stop: threading.Event | None = None,
    **options: Unpack[ConvertKeywords],
) -> dict[str, Outcome]:
    """Turn a multi-animal project into one Lightning Pose project per individual, ``target/<individual>``.

    Parameters and errors are those of :func:`convert`. Returned is the outcome by individual; keypoints that occur once
    in a frame are under ``single``.
    """
    from dlc2lp.each_individual import convert_each_individual

    given = checked("convert", options)
    how, name = RunOptions.of(given), given["register"]
    with Watch(on_event, stop) as watch:
        return convert_each_individual(source, target, Options.of(given), how, register_as=name, watch=watch)


@in_words
def verify(target: str | Path, *, verify: VerifyLevel = "sample") -> Verification:
    """Check a target again, against the plan it was written by and against Lightning Pose's rules.

    TargetRefused where dlc2lp did not write the folder.
    """
    from dlc2lp import migration

    return migration.verify(target, RunOptions(verify=verify).verify)[1]


@in_words
def make_report(target: str | Path) -> Path:
    """Make ``migration-report.html`` of a target anew and return where it is; TargetRefused if that can't be done."""
    from dlc2lp.pages.write import remake_page

    return remake_page(target)


@in_words
def config(target: str | Path, **options: Unpack[ConfigKeywords]) -> Reconfigured:
    """Write the starter config of a target again with other options.

    Options of the conversion and of earlier calls stay in force; what a person changed in the file is kept unless
    ``discard_edits`` is true. Errors are those of :func:`convert`.
    """
    from dlc2lp.reconfigure import reconfigure

    given = checked("config", options)
    return reconfigure(
        target, ConfigChoices.of(given), data_dir=given["data_dir"], discard_edits=given["discard_edits"]
    )


@in_words
def labels(target: str | Path, *, dry_run: bool = False) -> Relabeled:
    """Make the label files of a target what Lightning Pose trains on, after labeling in its app.

    Labels stay as people made them; called again, nothing is done. With ``dry_run`` nothing is written.

    Raises
    ------
    TargetRefused
        The folder was not written by dlc2lp, or can't be written to.
    Dlc2LpError
        A label file can't be read, or an image has two rows in it.
    """
    from dlc2lp.relabel import relabel

    return relabel(target, dry_run=dry_run)


@in_words
def export(
    target: str | Path,
    folder: str | Path,
    *,
    dry_run: bool = False,
    on_event: OnEvent | None = None,
    stop: threading.Event | None = None,
) -> Export:
    """Write the labels of a target, as they are now, as a DeepLabCut project into a new folder.

    Views that one DeepLabCut project held become that one project again; of several projects each is ``folder/<view>``,
    or ``folder/<view>_<view>`` where it held two of the views. Neither the target nor its source is written to.

    Parameters
    ----------
    target, folder
        The Lightning Pose project, and where the DeepLabCut project will lie: a new folder, an empty one, or an earlier
        export of the same target in which nothing was changed.
    dry_run
        Say what would be written, and write nothing.
    on_event, stop
        As for :func:`convert`.

    Returns
    -------
    Export
        ``exit_code`` is 0 if everything went back that DeepLabCut has a place for; ``findings`` say what did not.

    Raises
    ------
    TargetRefused
        The folder can't be written to, or the target was not written by dlc2lp; nothing was written.
    Dlc2LpError
        A label file of the target can't be read; nothing was written.
    Interrupted
        ``stop`` was set.
    """
    from dlc2lp import exporting

    with Watch(on_event, stop) as watch:
        return exporting.export(target, folder, dry_run=dry_run, watch=watch)


@in_words
def check_video(path: str | Path, *, verify: WholeVideo = "none") -> VideoVerdict:
    """Say whether a video is what Lightning Pose needs, and if not, why and what would be done.

    With ``verify="full"`` every frame is decoded, and the verdict's ``faults`` name those that are damaged.

    Raises
    ------
    VideoFailed
        It can't be read.
    ToolMissing
        Every frame was to be decoded, and there is no ffmpeg.
    """
    from dlc2lp.video import convert as video

    return video.check_video(Path(path), verify=checked("video check", {"verify_alone": verify})["verify_alone"])


@in_words
def convert_video(
    source: str | Path, target: str | Path, *, stop: threading.Event | None = None, **options: Unpack[VideoKeywords]
) -> ConvertedVideo:
    """Turn one video into what Lightning Pose needs, frame by frame.

    Raises
    ------
    VideoFailed
        The video is damaged, or what was made of it is not frame by frame the same; no output appears.
    TargetRefused
        The target exists, or is the source.
    ToolMissing
        There is no ffmpeg.
    """
    from dlc2lp.video import convert as video

    return video.convert_video(Path(source), Path(target), stop=stop, **checked("video convert", options))


@in_words
def plan_archive(
    root: str | Path,
    out: str | Path,
    *,
    decisions: str | Path | None = None,
    jobs: int | None = None,
    on_event: OnEvent | None = None,
    stop: threading.Event | None = None,
    **options: Unpack[InspectKeywords],
) -> ArchivePlan:
    """Find every DeepLabCut project below a folder and plan its migration; what can't be planned stops no other.

    Parameters
    ----------
    root, out
        The archive, and the folder of the targets.
    decisions
        File of options for single projects; None: ``decisions.yaml`` in ``out``.
    jobs
        Projects planned at a time, in processes: call it below ``if __name__ == "__main__":``.
    stop
        Set it from another thread to stop; the same call goes on.

    Raises
    ------
    UsageError, SourceRefused, TargetRefused
        Nothing was planned.
    Interrupted
        ``stop`` was set.
    """
    from dlc2lp.batch import plan as archive

    chosen, jobs = Options.of(checked("inspect", options)), RunOptions(jobs=jobs).jobs
    with Watch(on_event, stop) as watch:
        return archive.plan_archive(root, out, chosen, decisions=decisions, jobs=jobs, watch=watch)


@in_words
def run_archive(
    out: str | Path,
    *,
    shard: str = "1/1",
    on_event: OnEvent | None = None,
    stop: threading.Event | None = None,
    **options: Unpack[RunKeywords],
) -> ShardRun:
    """Carry out the plan of an archive, or part ``"I/N"`` of it; called again, it goes on.

    Parameters
    ----------
    out
        The folder that was planned for.
    shard
        Which part.
    on_event, stop
        As for :func:`convert`.

    Raises
    ------
    TargetRefused, ToolMissing
        Nothing was written.
    Interrupted
        ``stop`` was set.
    """
    from dlc2lp.batch.run import run_shard
    from dlc2lp.batch.shards import Shard

    how = RunOptions.of(checked("batch run", options))
    with Watch(on_event, stop) as watch:
        return run_shard(Path(out), Shard.from_text(str(shard)), how, watch=watch)


@in_words
def archive_status(out: str | Path) -> Status:
    """Say how far an archive is, from what its workers wrote down.

    Raises
    ------
    TargetRefused
        Nothing was planned for this folder.
    """
    from dlc2lp.batch import status

    return status.archive_status(out)


@in_words
def finish_archive(
    out: str | Path,
    *,
    jobs: int | None = None,
    verify: VerifyLevel = "sample",
    on_event: OnEvent | None = None,
    stop: threading.Event | None = None,
) -> ArchiveReport:
    """Verify every target of an archive and write ``index.html``, ``report.json`` and ``report.csv``.

    Parameters are those of :func:`run_archive`.

    Raises
    ------
    TargetRefused
        Nothing was planned for this folder, or it can't be written to.
    Interrupted
        ``stop`` was set.
    """
    from dlc2lp.batch import finish
    from dlc2lp.report.archive import write_reports

    how = RunOptions(jobs=jobs, verify=verify)
    with Watch(on_event, stop) as watch:
        report = finish.finish_archive(out, verify=how.verify, jobs=how.jobs, watch=watch)
    if report is None:  # only a part was asked for, which this call can't do
        raise AssertionError("no report")
    write_reports(report)
    return report
