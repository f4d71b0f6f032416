"""What a person may choose for the starter config; choices that are none, or not for this project, are refused."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, Literal, Self

from dlc2lp.errors import UsageError
from dlc2lp.lp import multiview
from dlc2lp.lp.config_facts import ConfigFacts
from dlc2lp.lp.sizing import BACKBONES, SIDE_STEP_PX, is_transformer
from dlc2lp.model import Setting

NanMeans = Literal["occluded", "unlabeled"]

DEFAULT_BACKBONE = "resnet50_animal_ap10k"

#: Unsupervised losses that a single-view model can use with nothing else to decide.
OFFERED_LOSSES = ("temporal", "pca_singleview")

_OTHER_LOSSES = {
    "pca_multiview": (
        "it needs data.mirrored_column_matches, which only you know: tell keypoints of mirrored views apart with "
        "--mirror SUFFIX,SUFFIX"
    ),
    "pca_singleview": "Lightning Pose has it for a single view only",
    "unimodal_mse": "Lightning Pose 2.4 has it no more",
    "unimodal_kl": "Lightning Pose 2.4 has it no more",
    "temporal_heatmap_mse": "Lightning Pose names no weight for it; write it into the config by hand",
    "temporal_heatmap_kl": "Lightning Pose names no weight for it; write it into the config by hand",
    "supervised_pairwise_projections": "it is for calibrated multi-view projects",
    "supervised_reprojection_heatmap_mse": "it is for calibrated multi-view projects",
}


@dataclass(frozen=True)
class ConfigChoices:
    """What a person chose for the starter config; None everywhere = choose from the data.

    Attributes
    ----------
    gpu_memory
        Memory of one GPU in GB; None: 8.
    train_batch_size
        Labeled frames per training step, over all GPUs.
    accumulate_grad_batches
        Steps per weight update.
    num_gpus
        GPUs to train on; None: 1.
    resize
        (height_px, width_px) that images are resized to, multiples of 128.
    backbone
        The network below the heatmaps; None: ``resnet50_animal_ap10k``, for several views ``vits_dino``.
    losses
        Unsupervised losses; None or empty: none.
    nan_means
        What an empty cell beside labelled ones means: the keypoint is hidden (``occluded``) or nobody labelled it
        (``unlabeled``); None: ``occluded``.
    mirror
        Ends of the keypoints' names in each view, where mirrors show the animal more than once in one image; None: they
        do not.
    """

    gpu_memory: float | None = None
    train_batch_size: int | None = None
    accumulate_grad_batches: int | None = None
    num_gpus: int | None = None
    resize: tuple[int, int] | None = None
    backbone: str | None = None
    losses: tuple[str, ...] | None = None
    nan_means: NanMeans | None = None
    mirror: tuple[str, ...] | None = None

    def as_json(self) -> dict[str, Any]:
        """All fields in plain JSON types."""
        return asdict(self) | {name: _as_list(getattr(self, name)) for name in ("resize", "losses", "mirror")}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read back what :meth:`as_json` gave."""
        given: dict[str, Any] = {name: data.get(name) for name in cls.__dataclass_fields__}
        for name in ("resize", "losses", "mirror"):
            if given[name] is not None:
                given[name] = tuple(given[name])
        return cls(**given)


def _as_list(value: tuple[Any, ...] | None) -> list[Any] | None:
    return None if value is None else list(value)


def chosen_backbone(facts: ConfigFacts, choices: ConfigChoices) -> str:
    """Return the backbone that was asked for, or Lightning Pose's default for so many views."""
    return choices.backbone or (multiview.DEFAULT_BACKBONE if facts.view_names else DEFAULT_BACKBONE)


def check_choices(choices: ConfigChoices) -> None:
    """Refuse choices that are none, whatever the project.

    Raises
    ------
    UsageError
        ``bad-config-option``.
    """
    _check_values(choices)
    if choices.resize is not None:
        _check_resize(choices.resize, choices.backbone or DEFAULT_BACKBONE)
    _check_losses(choices, tuple(dict.fromkeys((*OFFERED_LOSSES, *multiview.LOSSES))))


def check_choices_for(facts: ConfigFacts, choices: ConfigChoices) -> None:
    """Refuse choices that Lightning Pose would refuse for this project, later and less clearly.

    Raises
    ------
    UsageError
        ``bad-config-option``, or the losses need videos that are not there.
    """
    _check_values(choices)
    if facts.view_names:
        _check_views(facts, choices)
    if choices.resize is not None:
        _check_resize(choices.resize, chosen_backbone(facts, choices))
    _check_losses(choices, _offered_losses(facts, choices))
    if choices.losses and not facts.n_videos:
        raise UsageError.of(
            "losses-without-videos",
            "--losses",
            f"found {', '.join(choices.losses)} and no video; unsupervised losses learn from unlabeled video frames",
            advice="leave {} out, or migrate videos too ({}, {})",
            remedies=(Setting("losses"), Setting("videos", ("all",)), Setting("video-root", ("DIR",))),
        )
    if not (PurePosixPath(facts.data_dir).is_absolute() or PureWindowsPath(facts.data_dir).is_absolute()):
        raise _bad_option("--data-dir", facts.data_dir, "an absolute path", "write the path from / or the drive on")


def _offered_losses(facts: ConfigFacts, choices: ConfigChoices) -> tuple[str, ...]:
    if facts.view_names:
        return multiview.LOSSES
    return OFFERED_LOSSES if choices.mirror is None else (*OFFERED_LOSSES, "pca_multiview")


def _check_views(facts: ConfigFacts, choices: ConfigChoices) -> None:
    multiview.check_backbone(chosen_backbone(facts, choices))
    multiview.check_videos(choices.losses or (), facts.incomplete_sessions, facts.unequal_sessions)
    if choices.mirror is not None:
        raise _bad_option(
            "--mirror", ",".join(choices.mirror), "no mirrors beside several cameras", "leave --mirror or the views out"
        )


def _check_values(choices: ConfigChoices) -> None:
    _check_numbers(choices)
    if choices.backbone is not None and choices.backbone not in BACKBONES:
        near = difflib.get_close_matches(choices.backbone, BACKBONES, 3) or list(BACKBONES)
        raise _bad_option("--backbone", choices.backbone, "a backbone of Lightning Pose", f"one of {', '.join(near)}")
    if choices.nan_means not in (None, "occluded", "unlabeled"):
        raise _bad_option("--nan-means", choices.nan_means, "occluded or unlabeled", "--nan-means occluded")
    if len(set(choices.losses or ())) < len(choices.losses or ()):
        raise _bad_option("--losses", ",".join(choices.losses or ()), "each loss once", "name it once")


def _check_losses(choices: ConfigChoices, offered: tuple[str, ...]) -> None:
    for loss in choices.losses or ():
        if loss not in offered:
            known = f"one or more of {', '.join(offered)}"
            raise _bad_option("--losses", loss, known, _OTHER_LOSSES.get(loss, f"--losses {offered[0]}"))


def _check_numbers(choices: ConfigChoices) -> None:
    for option, value in (
        ("--train-batch-size", choices.train_batch_size),
        ("--accumulate-grad-batches", choices.accumulate_grad_batches),
        ("--num-gpus", choices.num_gpus),
    ):
        if value is not None and value < 1:
            raise _bad_option(option, value, "a whole number from 1", f"{option} 1")
    memory = choices.gpu_memory
    if memory is not None and not (math.isfinite(memory) and memory > 0):
        raise _bad_option("--gpu-memory", memory, "the memory of one GPU in GB", "--gpu-memory 8")


def _check_resize(resize: tuple[int, int], backbone: str) -> None:
    height, width = resize
    nearest = [max(SIDE_STEP_PX, round(side / SIDE_STEP_PX) * SIDE_STEP_PX) for side in resize]
    if height < 1 or width < 1 or height % SIDE_STEP_PX or width % SIDE_STEP_PX:
        raise _bad_option(
            "--resize",
            f"{height}x{width}",
            f"height and width as multiples of {SIDE_STEP_PX}",
            f"--resize {nearest[0]}x{nearest[1]}",
        )
    if is_transformer(backbone) and height != width:
        raise _bad_option(
            "--resize",
            f"{height}x{width}",
            f"a square, which the backbone {backbone} needs",
            f"--resize {max(resize)}x{max(resize)}, or a resnet as --backbone",
        )


def _bad_option(option: str, found: object, expected: str, advice: str) -> UsageError:
    return UsageError.of("bad-config-option", option, f"found {found}, expected {expected}", advice=advice)
