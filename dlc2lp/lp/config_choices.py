"""What a person may choose for the starter config; choices that are none, or not for this project, are refused."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, ClassVar, Literal

from dlc2lp.declared import Chosen, option
from dlc2lp.errors import UsageError
from dlc2lp.lp import multiview
from dlc2lp.lp.config_facts import ConfigFacts
from dlc2lp.lp.memory import BACKBONES, Network, is_transformer
from dlc2lp.lp.sizing import SIDE_STEP_PX
from dlc2lp.model import Remedy, Setting
from dlc2lp.wording import counted, some

NanMeans = Literal["occluded", "unlabeled"]

#: Lightning Pose also trains ``regression``, whose predictions have no confidence (it writes 0 for all), which
#: everything after a training goes by.
Model = Literal["heatmap", "heatmap_mhcrnn", "heatmap_multiview_transformer"]

DEFAULT_MODEL: Model = "heatmap"
CONTEXT_MODEL: Model = "heatmap_mhcrnn"

DEFAULT_BACKBONE = "resnet50_animal_ap10k"

#: Unsupervised losses that a single-view model can use with nothing else to decide.
OFFERED_LOSSES = ("temporal", "pca_singleview")

_OTHER_LOSSES: dict[str, tuple[Any, ...]] = {
    "pca_multiview": (
        "it needs data.mirrored_column_matches, which only you know: tell keypoints of mirrored views apart with {}",
        Setting("mirror", ("SUFFIX,SUFFIX",)),
    ),
    "pca_singleview": ("Lightning Pose has it for a single view only",),
    "unimodal_mse": ("Lightning Pose 2.4 has it no more",),
    "unimodal_kl": ("Lightning Pose 2.4 has it no more",),
    "temporal_heatmap_mse": ("Lightning Pose names no weight for it; write it into the config by hand",),
    "temporal_heatmap_kl": ("Lightning Pose names no weight for it; write it into the config by hand",),
    "supervised_pairwise_projections": ("it is for calibrated multi-view projects",),
    "supervised_reprojection_heatmap_mse": ("it is for calibrated multi-view projects",),
}


@dataclass(frozen=True)
class ConfigChoices(Chosen):
    """What a person chose for the starter config; None everywhere = choose from the data.

    Whatever no project allows is refused here, with ``bad-config-option``.
    """

    code: ClassVar[str] = "bad-config-option"

    gpu_memory: float | None = option(
        None,
        "Memory of the GPU to train on [8].",
        metavar="GB",
        lowest=1,
        expected="the memory of one GPU in GB, from 1",
        example="8",
    )
    train_batch_size: int | None = option(None, "Frames per training step [from --gpu-memory].", metavar="N", lowest=1)
    accumulate_grad_batches: int | None = option(
        None, "Steps per update [to make up 16 frames].", metavar="N", lowest=1
    )
    num_gpus: int | None = option(None, "GPUs to train on [1].", metavar="N", lowest=1)
    resize: tuple[int, int] | None = option(
        None,
        "Size that images are resized to [from the images].",
        metavar="HxW",
        expected="HEIGHTxWIDTH such as 256x384, or a list of both",
        example="256x384",
    )
    model: Model | None = option(
        None,
        f"Model to train: {CONTEXT_MODEL} also looks at the two frames on either side [{DEFAULT_MODEL}; of several "
        f"views {multiview.MODEL}].",
        metavar="M",
        expected=f"{DEFAULT_MODEL}, {CONTEXT_MODEL} or, for several views, {multiview.MODEL} (regression gives no "
        "confidence)",
    )
    backbone: str | None = option(None, f"Backbone of the network [{DEFAULT_BACKBONE}].", metavar="B")
    losses: tuple[str, ...] | None = option(
        None, "Unsupervised losses, for example temporal [none].", metavar="L,...", example=OFFERED_LOSSES[0]
    )
    nan_means: NanMeans | None = option(None, "What an empty cell beside labelled ones means [occluded].")
    mirror: tuple[str, ...] | None = option(
        None,
        "Mirrors show the animal more than once in one image: the ends of its keypoints' names in each view, for "
        "example _top,_bot.",
        metavar="SUFFIX,SUFFIX",
        may_be_empty=True,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.backbone is not None and self.backbone not in BACKBONES:
            near = difflib.get_close_matches(self.backbone, BACKBONES, 3) or list(BACKBONES)
            raise _bad_option("--backbone", self.backbone, "a backbone of Lightning Pose", f"one of {', '.join(near)}")
        if len(set(self.losses or ())) < len(self.losses or ()):
            raise _bad_option("--losses", ",".join(self.losses or ()), "each loss once", "name it once")
        if self.resize is not None:
            _check_resize(self.resize, self.backbone or DEFAULT_BACKBONE)
        _check_losses(self, tuple(dict.fromkeys((*OFFERED_LOSSES, *multiview.LOSSES))))


def chosen_network(facts: ConfigFacts, choices: ConfigChoices) -> Network:
    """Return the model and backbone that were asked for, or Lightning Pose's defaults for so many views."""
    model = choices.model or (multiview.MODEL if facts.view_names else DEFAULT_MODEL)
    backbone = choices.backbone or (multiview.DEFAULT_BACKBONE if model == multiview.MODEL else DEFAULT_BACKBONE)
    return Network(model, backbone, len(facts.keypoint_names), facts.n_views)


def check_choices_for(facts: ConfigFacts, choices: ConfigChoices) -> None:
    """Refuse choices that Lightning Pose would refuse for this project, later and less clearly.

    A UsageError is ``bad-config-option``, or says that the losses need videos that are not there.
    """
    network = chosen_network(facts, choices)
    _check_model(facts, network)
    if facts.view_names:
        _check_views(facts, choices, network)
    if choices.resize is not None:
        _check_resize(choices.resize, network.backbone)
    mirror_losses = () if choices.mirror is None else ("pca_multiview",)
    _check_losses(choices, multiview.LOSSES if facts.view_names else (*OFFERED_LOSSES, *mirror_losses))
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


def _check_model(facts: ConfigFacts, network: Network) -> None:
    if network.model == multiview.MODEL and not facts.view_names:
        expected = "a model for a single view, as the project has one"
        raise _bad_option("--model", network.model, expected, "leave {} out", Setting("model"))
    if network.model != CONTEXT_MODEL:
        return
    if facts.is_calibrated:
        found, expected = f"{network.model} and a calibration", "no calibration, with which Lightning Pose refuses it"
        raise _bad_option("--model", found, expected, "leave {} out", Setting("model"))
    if facts.n_labeled_frames and facts.n_frames_without_context == facts.n_labeled_frames:
        raise UsageError.of(
            "context-frames-missing",
            "--model",
            f"found {network.model} and no labeled frame with its neighbors beside it, expected the two frames before "
            "and after each; without them Lightning Pose would take the labeled frame five times and say nothing",
            advice="leave {} out, or convert with {} and the videos that the frames are of ({})",
            remedies=(Setting("model"), Setting("context-frames"), Setting("video-root", ("DIR",))),
        )


def _check_views(facts: ConfigFacts, choices: ConfigChoices, network: Network) -> None:
    if network.model == multiview.MODEL and network.backbone not in multiview.BACKBONES:
        expected, known = "a backbone of Lightning Pose's multi-view transformer", ", ".join(multiview.BACKBONES)
        raise _bad_option("--backbone", network.backbone, expected, f"one of {known}")
    lacking = (*facts.incomplete_sessions, *facts.unequal_sessions)
    if choices.losses and lacking:
        # Lightning Pose would stop, or train on frames of different moments.
        raise UsageError.of(
            "losses-without-all-views",
            "--losses",
            f"found {', '.join(choices.losses)}, and {counted(len(lacking), 'session')} without the video of a view or "
            f"with videos of different lengths ({some(lacking)}); unsupervised losses learn from all views at once",
            advice="leave {} out, or complete the videos",
            remedies=(Setting("losses"),),
        )
    if choices.mirror is not None:
        found, expected = ",".join(choices.mirror), "no mirrors beside several cameras"
        raise _bad_option("--mirror", found, expected, "leave {} or the views out", Setting("mirror"))


def _check_losses(choices: ConfigChoices, offered: tuple[str, ...]) -> None:
    for loss in choices.losses or ():
        if loss not in offered:
            known = f"one or more of {', '.join(offered)}"
            advice, *remedies = _OTHER_LOSSES.get(loss, ("{}", Setting("losses", (offered[0],))))
            raise _bad_option("--losses", loss, known, advice, *remedies)


def _check_resize(resize: tuple[int, int], backbone: str) -> None:
    height, width = resize
    if any(side < 1 or side % SIDE_STEP_PX for side in resize):
        near = [max(SIDE_STEP_PX, round(side / SIDE_STEP_PX) * SIDE_STEP_PX) for side in resize]
        expected = f"height and width as multiples of {SIDE_STEP_PX}"
        setting = Setting("resize", (f"{near[0]}x{near[1]}",))
        raise _bad_option("--resize", f"{height}x{width}", expected, "{}", setting)
    if is_transformer(backbone) and height != width:
        expected, square = f"a square, which the backbone {backbone} needs", f"{max(resize)}x{max(resize)}"
        remedies = Setting("resize", (square,)), Setting("backbone")
        raise _bad_option("--resize", f"{height}x{width}", expected, "{}, or a resnet as {}", *remedies)


def _bad_option(option: str, found: object, expected: str, advice: str, *remedies: Remedy) -> UsageError:
    message = f"found {found}, expected {expected}"
    return UsageError.of("bad-config-option", option, message, advice=advice, remedies=remedies)
