"""The library's functions: the commands without the command line, taking the same options by name."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from dlc2lp.errors import UsageError

if TYPE_CHECKING:
    from dlc2lp.migrate.execute import Observer
    from dlc2lp.migrate.migration import Inspection, Outcome
    from dlc2lp.migrate.options import (
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
    from dlc2lp.migrate.plan import Plan
    from dlc2lp.migrate.verify import Verification
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


def _options(given: ConvertOptions) -> Options:
    from dlc2lp.lp.config import ConfigChoices
    from dlc2lp.migrate.options import Options

    named: dict[str, Any] = dict(given)
    choices = {field.name for field in dataclasses.fields(ConfigChoices)}
    known = choices | {field.name for field in dataclasses.fields(Options)} - {"config"}
    unknown = sorted(named.keys() - known)
    if unknown:
        raise UsageError.of("unknown-option", ", ".join(unknown), f"expected some of {', '.join(sorted(known))}")
    config = ConfigChoices(**{name: named.pop(name) for name in choices & named.keys()})
    for name in {"video_roots", "merge"} & named.keys():
        named[name] = tuple(Path(folder) for folder in named[name])
    return Options(config=config, **named)


def inspect(source: str | Path, **options: Unpack[ConvertOptions]) -> Inspection:
    """Look at a DeepLabCut project and say what would be done; nothing is written.

    Parameters
    ----------
    source
        Project folder, its ``config.yaml``, or a folder that has only ``labeled-data``.

    Raises
    ------
    SourceRefused
        It is no DeepLabCut project at all. A project that needs a decision is returned with its questions.
    """
    from dlc2lp.migrate import migration

    return migration.inspect(source, _options(options))


def plan(source: str | Path, target: str | Path, **options: Unpack[ConvertOptions]) -> Plan:
    """Decide on a migration without writing anything; the plan can be printed and stored as JSON.

    Raises
    ------
    SourceRefused, TargetRefused
        The migration is not possible so.
    """
    from dlc2lp.migrate import migration

    return migration.plan(source, target, _options(options))


def convert(
    source: str | Path,
    target: str | Path,
    *,
    jobs: int | None = None,
    verify: VerifyLevel = "sample",
    edited: EditedFiles = "keep",
    register: str | None = None,
    observer: Observer | None = None,
    stop: threading.Event | None = None,
    **options: Unpack[ConvertOptions],
) -> Outcome:
    """Turn a DeepLabCut project into a Lightning Pose project; called again, it finishes what was interrupted.

    Parameters
    ----------
    source, target
        The DeepLabCut project and the folder of the Lightning Pose project.
    jobs
        Files worked on at a time; None: the CPUs that this process may use.
    verify
        How much of each written video is decoded and compared with its source.
    edited
        What happens to target files that a person changed.
    register
        Name under which the Lightning Pose app gets to know the project, ``""`` for the folder's; None: not.
    observer
        Hears of every step; see :class:`dlc2lp.migrate.execute.Observer`.
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
    from dlc2lp.migrate import migration
    from dlc2lp.migrate.options import RunOptions

    return migration.convert(
        source,
        target,
        _options(options),
        RunOptions(jobs, verify, edited),
        register_as=register,
        observer=observer,
        stop=stop,
    )


def convert_individuals(
    source: str | Path,
    target: str | Path,
    *,
    jobs: int | None = None,
    verify: VerifyLevel = "sample",
    edited: EditedFiles = "keep",
    register: str | None = None,
    observer: Observer | None = None,
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
    from dlc2lp.migrate import migration
    from dlc2lp.migrate.options import RunOptions

    return migration.convert_each_individual(
        source,
        target,
        _options(options),
        RunOptions(jobs, verify, edited),
        register_as=register,
        observer=observer,
        stop=stop,
    )


def verify(target: str | Path, *, verify: VerifyLevel = "sample") -> Verification:
    """Check a target again, against the plan it was written by and against Lightning Pose's rules.

    Raises
    ------
    TargetRefused
        The folder was not written by dlc2lp.
    """
    from dlc2lp.migrate import migration
    from dlc2lp.migrate.options import RunOptions

    return migration.verify(target, RunOptions(verify=verify))[1]


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


__all__ = [
    "ConvertOptions",
    "check_video",
    "convert",
    "convert_individuals",
    "convert_video",
    "inspect",
    "plan",
    "verify",
]
