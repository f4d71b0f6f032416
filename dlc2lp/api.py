"""The library's functions: the commands without the command line, taking the same options by name."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from dlc2lp.errors import UsageError
from dlc2lp.events import OnEvent, Watch

if TYPE_CHECKING:
    from dlc2lp.batch.finish import ArchiveReport
    from dlc2lp.batch.plan import ArchivePlan
    from dlc2lp.batch.run import ShardRun
    from dlc2lp.batch.status import Status
    from dlc2lp.migration import Inspection, Outcome
    from dlc2lp.options import (
        CropChoice,
        DerivedCrops,
        EditedFiles,
        EmptyFrames,
        FrameNames,
        LabelSource,
        Link,
        MachineLabels,
        NanMeans,
        Options,
        VerifyLevel,
        VideoChoice,
        Visibility,
    )
    from dlc2lp.planning.plan import Plan
    from dlc2lp.run.verify import Verification
    from dlc2lp.video.convert import ConvertedVideo, VideoVerdict


class ConvertOptions(TypedDict, total=False):
    """Options that decide what is written; see ``dlc2lp convert --help`` for what each means."""

    labels: LabelSource
    scorer: str
    individuals: str
    merge: tuple[Path, ...]
    empty_frames: EmptyFrames
    visibility: Visibility
    machine_labels: MachineLabels
    views: tuple[tuple[str, Path], ...]
    view_pattern: str
    square_size: float
    calibration: tuple[Path, ...]
    derived_crops: DerivedCrops
    split: str
    frame_names: FrameNames
    context_frames: bool
    link: Link
    videos: VideoChoice
    video_roots: tuple[Path, ...]
    crop: CropChoice
    profile: str
    crf: int
    preset: str
    gop: int
    data_dir: str
    gpu_memory: float
    train_batch_size: int
    accumulate_grad_batches: int
    num_gpus: int
    resize: tuple[int, int]
    backbone: str
    losses: tuple[str, ...]
    nan_means: NanMeans
    mirror: tuple[str, ...]


def _options(given: ConvertOptions) -> Options:
    from dlc2lp.lp.config_choices import ConfigChoices
    from dlc2lp.options import Options

    named: dict[str, Any] = dict(given)
    choices = {field.name for field in dataclasses.fields(ConfigChoices)}
    known = choices | {field.name for field in dataclasses.fields(Options)} - {"config"}
    unknown = sorted(named.keys() - known)
    if unknown:
        raise UsageError.of("unknown-option", ", ".join(unknown), f"expected some of {', '.join(sorted(known))}")
    config = ConfigChoices(**{name: named.pop(name) for name in choices & named.keys()})
    for name in {"video_roots", "merge", "calibration"} & named.keys():
        paths = named[name]
        # A single path needs no list; its letters are no paths.
        named[name] = tuple(map(Path, [paths] if isinstance(paths, str | Path) else paths))
    if "views" in named:
        named["views"] = tuple((name, Path(source)) for name, source in dict(named["views"]).items())
    return Options(config=config, **named)


def inspect(
    source: str | Path | None,
    *,
    on_event: OnEvent | None = None,
    stop: threading.Event | None = None,
    **options: Unpack[ConvertOptions],
) -> Inspection:
    """Look at a DeepLabCut project and say what would be done; nothing is written.

    Parameters
    ----------
    source
        Project folder, its ``config.yaml``, or a folder that has only ``labeled-data``; None with ``views``, which name
        the project of each camera.
    on_event, stop
        As for :func:`convert`.

    Raises
    ------
    SourceRefused
        It is no DeepLabCut project at all. A project that needs a decision is returned with its questions.
    Interrupted
        ``stop`` was set.
    """
    from dlc2lp import migration

    with Watch(on_event, stop) as watch:
        return migration.inspect(source, _options(options), watch=watch)


def plan(
    source: str | Path | None,
    target: str | Path,
    *,
    on_event: OnEvent | None = None,
    stop: threading.Event | None = None,
    **options: Unpack[ConvertOptions],
) -> Plan:
    """Decide on a migration without writing anything; the plan can be printed and stored as JSON.

    Parameters are those of :func:`convert`.

    Raises
    ------
    SourceRefused, TargetRefused
        The migration is not possible so.
    Interrupted
        ``stop`` was set.
    """
    from dlc2lp import migration

    with Watch(on_event, stop) as watch:
        return migration.plan(source, target, _options(options), watch=watch)


def convert(
    source: str | Path | None,
    target: str | Path,
    *,
    jobs: int | None = None,
    verify: VerifyLevel = "sample",
    edited: EditedFiles = "keep",
    register: str | None = None,
    on_event: OnEvent | None = None,
    stop: threading.Event | None = None,
    **options: Unpack[ConvertOptions],
) -> Outcome:
    """Turn a DeepLabCut project into a Lightning Pose project; called again, it finishes what was interrupted.

    Parameters
    ----------
    source, target
        The DeepLabCut project and the folder of the Lightning Pose project; the source is None with ``views``.
    jobs
        Files worked on at a time; None: the CPUs that this process may use.
    verify
        How much of each written video is decoded and compared with its source.
    edited
        What happens to target files that a person changed.
    register
        Name under which the Lightning Pose app gets to know the project, ``""`` for the folder's; None: not.
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
    SourceRefused, TargetRefused, ToolMissing
        Nothing was written.
    Interrupted
        ``stop`` was set.
    """
    from dlc2lp import migration
    from dlc2lp.options import RunOptions

    with Watch(on_event, stop) as watch:
        return migration.convert(
            source,
            target,
            _options(options),
            RunOptions(jobs, verify, edited),
            register_as=register,
            watch=watch,
        )


def convert_individuals(
    source: str | Path,
    target: str | Path,
    *,
    jobs: int | None = None,
    verify: VerifyLevel = "sample",
    edited: EditedFiles = "keep",
    register: str | None = None,
    on_event: OnEvent | None = None,
    stop: threading.Event | None = None,
    **options: Unpack[ConvertOptions],
) -> dict[str, Outcome]:
    """Turn a multi-animal project into one Lightning Pose project per individual, ``target/<individual>``.

    Parameters and errors are those of :func:`convert`.

    Returns
    -------
    dict
        Outcome by individual; keypoints that occur once in a frame are under ``single``.
    """
    from dlc2lp import migration
    from dlc2lp.options import RunOptions

    with Watch(on_event, stop) as watch:
        return migration.convert_each_individual(
            source,
            target,
            _options(options),
            RunOptions(jobs, verify, edited),
            register_as=register,
            watch=watch,
        )


def verify(target: str | Path, *, verify: VerifyLevel = "sample") -> Verification:
    """Check a target again, against the plan it was written by and against Lightning Pose's rules.

    Raises
    ------
    TargetRefused
        The folder was not written by dlc2lp.
    """
    from dlc2lp import migration

    return migration.verify(target, verify)[1]


def check_video(path: str | Path) -> VideoVerdict:
    """Say whether a video is what Lightning Pose needs, and if not, why and what would be done.

    Raises
    ------
    VideoFailed
        It can't be read.
    """
    from dlc2lp.video import convert as video

    return video.check_video(Path(path))


def convert_video(
    source: str | Path,
    target: str | Path,
    *,
    profile: str = "balanced",
    crf: int | None = None,
    preset: str | None = None,
    gop: int | None = None,
    threads: int = 4,
    verify: VerifyLevel = "sample",
    overwrite: bool = False,
    stop: threading.Event | None = None,
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

    return video.convert_video(
        Path(source),
        Path(target),
        profile=profile,
        crf=crf,
        preset=preset,
        gop=gop,
        threads=threads,
        verify=verify,
        overwrite=overwrite,
        stop=stop,
    )


def plan_archive(
    root: str | Path,
    out: str | Path,
    *,
    decisions: str | Path | None = None,
    jobs: int | None = None,
    on_event: OnEvent | None = None,
    stop: threading.Event | None = None,
    **options: Unpack[ConvertOptions],
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
    on_event, stop
        As for :func:`convert`; stopped, the same call goes on.

    Raises
    ------
    UsageError, SourceRefused, TargetRefused
        Nothing was planned.
    Interrupted
        ``stop`` was set.
    """
    from dlc2lp.batch import plan as archive

    with Watch(on_event, stop) as watch:
        return archive.plan_archive(root, out, _options(options), decisions=decisions, jobs=jobs, watch=watch)


def run_archive(
    out: str | Path,
    *,
    shard: str = "1/1",
    jobs: int | None = None,
    verify: VerifyLevel = "sample",
    edited: EditedFiles = "keep",
    tmp_dir: str | Path | None = None,
    on_event: OnEvent | None = None,
    stop: threading.Event | None = None,
) -> ShardRun:
    """Carry out the plan of an archive, or part ``"I/N"`` of it; called again, it goes on.

    Parameters
    ----------
    out
        The folder that was planned for.
    shard
        Which part.
    jobs, verify, edited, on_event, stop
        As for :func:`convert`.
    tmp_dir
        Folder on a fast disk where videos are made before they move to ``out``.

    Raises
    ------
    TargetRefused, ToolMissing
        Nothing was written.
    Interrupted
        ``stop`` was set.
    """
    from dlc2lp.batch.run import run_shard
    from dlc2lp.batch.shards import Shard
    from dlc2lp.options import RunOptions

    how = RunOptions(jobs, verify, edited, tmp_dir=None if tmp_dir is None else Path(tmp_dir))
    with Watch(on_event, stop) as watch:
        return run_shard(Path(out), Shard.from_text(shard), how, watch=watch)


def archive_status(out: str | Path) -> Status:
    """Say how far an archive is, from what its workers wrote down.

    Raises
    ------
    TargetRefused
        Nothing was planned for this folder.
    """
    from dlc2lp.batch import status

    return status.archive_status(out)


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

    with Watch(on_event, stop) as watch:
        report = finish.finish_archive(out, verify=verify, jobs=jobs, watch=watch)
    if report is None:  # only a part was asked for, which this call can't do
        raise AssertionError("no report")
    write_reports(report)
    return report


__all__ = [
    "ConvertOptions",
    "archive_status",
    "check_video",
    "convert",
    "convert_individuals",
    "convert_video",
    "finish_archive",
    "inspect",
    "plan",
    "plan_archive",
    "run_archive",
    "verify",
]
