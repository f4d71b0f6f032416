"""The library's keywords. Made by `scripts/make_docs` from the declarations in options.py; do not edit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from dlc2lp import options
    from dlc2lp.lp import config_choices


class ChoiceKeywords(TypedDict, total=False):
    """Options of inspect and config."""

    gpu_memory: float | None
    train_batch_size: int | None
    accumulate_grad_batches: int | None
    num_gpus: int | None
    resize: str | Sequence[int] | None
    model: config_choices.Model | None
    backbone: str | None
    losses: str | Sequence[str] | None
    nan_means: config_choices.NanMeans | None
    mirror: str | Sequence[str] | None
    data_dir: str | None


class EncodeKeywords(TypedDict, total=False):
    """Options of inspect and video convert."""

    damaged: options.DamagedChoice
    profile: str
    crf: int | None
    preset: str | None
    gop: int | None


class InspectKeywords(ChoiceKeywords, EncodeKeywords, total=False):
    """Options of inspect."""

    merge: str | Path | Sequence[str | Path]
    labels: options.LabelSource | None
    labels_from: str | Path | Sequence[str | Path]
    scorer: str | None
    individuals: str
    empty_frames: options.EmptyFrames
    visibility: options.Visibility
    machine_labels: options.MachineLabels
    predictions: str
    derived_crops: options.DerivedCrops
    split: str | None
    frame_names: options.FrameNames
    context_frames: bool
    link: options.Link
    views: Mapping[str, str | Path] | Sequence[tuple[str, str | Path]]
    view_pattern: str | None
    square_size: float | None
    calibration: str | Path | Sequence[str | Path]
    uneven: options.Uneven
    videos: options.VideoChoice
    video_roots: str | Path | Sequence[str | Path]
    crop: options.CropChoice


class ConvertKeywords(InspectKeywords, total=False):
    """Options of convert."""

    register: str | None
    jobs: int | None
    verify: options.VerifyLevel
    edited: options.EditedFiles


class ConfigKeywords(ChoiceKeywords, total=False):
    """Options of config."""

    discard_edits: bool


class VideoKeywords(EncodeKeywords, total=False):
    """Options of video convert."""

    threads: int
    verify: options.VerifyLevel
    overwrite: bool


class RunKeywords(TypedDict, total=False):
    """Options of batch run."""

    jobs: int | None
    verify: options.VerifyLevel
    edited: options.EditedFiles
    tmp_dir: str | Path | None
