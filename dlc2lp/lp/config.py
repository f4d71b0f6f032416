"""The starter config: what `litpose train` needs to train on a migrated project, with a reason for each choice.

Keys and constraints are those of Lightning Pose 2.4.3 (``api/model_config.py``, ``train.py``, ``data/factory.py``,
``callbacks.py``). The app's "create model" dialog takes the file as its base and overwrites epochs, batch size,
backbone, paths and keypoints with what its form says, but neither the milestones of the learning rate, the
accumulation nor the image size; so these are chosen to go with the form's defaults as well.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, ClassVar, Literal, Self

from dlc2lp.codec import decode_fields, encode_fields
from dlc2lp.errors import UsageError
from dlc2lp.lp import multiview, sizing
from dlc2lp.lp.document import Document, KeyPath, printable, render, values_of
from dlc2lp.lp.edits import Merged, keep_edits
from dlc2lp.lp.mirror import explain_mirror, match_mirrored
from dlc2lp.lp.sizing import BACKBONES, SIDE_STEP_PX, Batch, ImageSize, is_transformer
from dlc2lp.lp.starter import HEAD, Decided, starter_document
from dlc2lp.model import Finding, Severity
from dlc2lp.wording import counted

__all__ = [
    "ChoiceReason", "ConfigChoices", "ConfigFacts", "Merged", "StarterConfig", "keep_edits", "starter_config",
]  # fmt: skip

NanMeans = Literal["occluded", "unlabeled"]

DEFAULT_BACKBONE = "resnet50_animal_ap10k"

#: Empty in at least this share of the labeled frames: the keypoint is left out of the pose PCA, which learns how
#: keypoints go together and would pull a hidden one, with growing confidence, to where it usually is.
OFTEN_HIDDEN_SHARE = 0.2

_N_SHOWN = 5

#: A pose PCA of one keypoint says nothing about a pose.
_MIN_PCA_KEYPOINTS = 2

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


_OF_VIEWS = frozenset(
    (
        "view_names",
        "is_calibrated",
        "n_frames_against_3d",
        "one_view_keypoints",
        "incomplete_sessions",
        "unequal_sessions",
    )
)


@dataclass(frozen=True)
class ConfigFacts:
    """What the starter config must know of a project.

    Attributes
    ----------
    data_dir
        Absolute path of the project where training runs, of any operating system.
    keypoint_names
        K names in the order of the label file.
    n_labeled_frames
        Rows of the label file; in a multi-view project of each label file.
    image_sizes
        ((width_px, height_px), number of images) for each size of the labeled images, of all views.
    hidden_share
        Keypoint -> share of the labeled frames in which it is empty, 0 to 1.
    n_videos
        Videos in ``videos/``; in a multi-view project sessions with a video of every view.
    view_names
        The views in order; empty in a single-view project.
    is_calibrated
        Whether there is a calibration for every session.
    n_frames_against_3d
        Labeled frames that Lightning Pose's augmentation in space can't take: three or more keypoints are labelled in
        two views, and some view has fewer than three of these.
    one_view_keypoints
        Keypoints that at least one view never shows.
    incomplete_sessions
        Sessions that have videos, but not of every view.
    unequal_sessions
        Sessions whose videos have different numbers of frames.
    """

    written_as: ClassVar[Any] = dict[str, Any]

    data_dir: str
    keypoint_names: tuple[str, ...]
    n_labeled_frames: int
    image_sizes: tuple[tuple[tuple[int, int], int], ...] = ()
    hidden_share: Mapping[str, float] = field(default_factory=dict)
    n_videos: int = 0
    view_names: tuple[str, ...] = ()
    is_calibrated: bool = False
    n_frames_against_3d: int = 0
    one_view_keypoints: tuple[str, ...] = ()
    incomplete_sessions: tuple[str, ...] = ()
    unequal_sessions: tuple[str, ...] = ()

    @property
    def n_views(self) -> int:
        """Images of one labeled frame."""
        return max(1, len(self.view_names))

    @property
    def uses_3d(self) -> bool:
        """Whether the scene can be moved in space in training, and what the views see compared there.

        ``MultiviewHeatmapDataset._transform_images`` of Lightning Pose 2.4.3 ends the training with "Fewer than 3 valid
        keypoints in 3d data augmentation" where a view has too few of a frame's keypoints. Where there is a
        calibration file it moves the scene in space whatever ``imgaug_3d`` says, unless ``imgaug`` is ``default``.
        """
        return self.is_calibrated and not self.n_frames_against_3d

    @property
    def can_predict(self) -> bool:
        """Whether Lightning Pose can predict the videos after training without ending in an error."""
        return self.n_videos > 0 and not self.unequal_sessions

    def to_written(self) -> dict[str, Any]:
        """All fields in plain JSON types; those of views only where there are any."""
        written = encode_fields(self)
        return {name: value for name, value in written.items() if self.view_names or name not in _OF_VIEWS}

    @classmethod
    def from_written(cls, written: dict[str, Any]) -> Self:
        """The inverse of :meth:`to_written`."""
        return decode_fields(cls, written)


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


@dataclass(frozen=True)
class ChoiceReason:
    """A value of the config and why it was chosen.

    Attributes
    ----------
    key
        Where it stands, with dots: ``training.train_batch_size``.
    value
        The value in plain JSON types.
    reason
        One or two sentences for a person who must decide whether to change it.
    """

    key: str
    value: Any
    reason: str


@dataclass(frozen=True)
class StarterConfig:
    """A config that trains as written.

    Attributes
    ----------
    text
        The YAML file, with comments.
    values
        What the text loads as. ``${`` in names and paths is escaped, as OmegaConf wants it.
    reasons
        The choices that were made from the data or by options.
    findings
        What a person should know about them.
    document
        The same as data, for :func:`keep_edits`.
    chosen_keys
        Keys that follow from an option that a person gave.
    """

    text: str
    values: dict[str, Any]
    reasons: tuple[ChoiceReason, ...]
    findings: tuple[Finding, ...]
    document: Document = field(repr=False, compare=False)
    chosen_keys: frozenset[KeyPath] = frozenset()


def starter_config(facts: ConfigFacts, choices: ConfigChoices) -> StarterConfig:
    """Make the starter config of a project with one view or several.

    Parameters
    ----------
    facts
        What is there.
    choices
        What a person chose.

    Raises
    ------
    UsageError
        A choice is none (``bad-config-option``), or the data do not allow it (``losses-without-videos``,
        ``losses-without-all-views``, ``too-few-frames-for-pca``, ``mirror-matches-nothing``).
    """
    if not facts.keypoint_names or len(set(facts.keypoint_names)) < len(facts.keypoint_names):
        raise ValueError("a config needs keypoints, each with a name of its own")
    _check_choices(facts, choices)
    backbone = _backbone(facts, choices)
    matches = match_mirrored(facts.keypoint_names, choices.mirror) if choices.mirror is not None else None
    gpu_gb = sizing.ASSUMED_GPU_GB if choices.gpu_memory is None else choices.gpu_memory
    size = _size(facts, choices, backbone, gpu_gb)
    losses = choices.losses or ()
    train_prob, val_prob = _split(facts.n_labeled_frames)
    batch = sizing.choose_batch(
        sizing.images_that_fit(gpu_gb, size.area_px, backbone) // facts.n_views,
        _n_train_frames(facts.n_labeled_frames),
        choices.num_gpus or 1,
        unsupervised=bool(losses),
        n_labeled=choices.train_batch_size,
        n_accumulated=choices.accumulate_grad_batches,
    )
    hidden = tuple(name for name in facts.keypoint_names if facts.hidden_share.get(name, 0.0) >= OFTEN_HIDDEN_SHARE)
    decided = Decided(
        data_dir=facts.data_dir,
        video_dir=_video_dir(facts.data_dir),
        keypoint_names=facts.keypoint_names,
        n_labeled_frames=facts.n_labeled_frames,
        has_videos=facts.can_predict,
        size=size,
        backbone=backbone,
        n_gpus=choices.num_gpus or 1,
        batch=batch,
        train_prob=train_prob,
        val_prob=val_prob,
        hidden_is_occluded=choices.nan_means != "unlabeled",
        pca_columns=_pca_columns(facts.keypoint_names, hidden),
        losses=losses,
        reasons=_reasons(facts, choices, backbone, gpu_gb, size, batch, hidden),
        matches=_matches(facts, matches.columns if matches else None),
        view_names=facts.view_names,
        uses_3d=facts.uses_3d,
        is_augmented=facts.uses_3d or not facts.is_calibrated,
    )
    _check_pca(decided)
    document = starter_document(decided)
    return StarterConfig(
        text=render(document, HEAD),
        values=values_of(document),
        reasons=_listed_reasons(decided, values_of(document)),
        findings=(*_findings(facts, decided, gpu_gb), *(explain_mirror(matches) if matches else ())),
        document=document,
        chosen_keys=_chosen_keys(choices),
    )


def _backbone(facts: ConfigFacts, choices: ConfigChoices) -> str:
    return choices.backbone or (multiview.DEFAULT_BACKBONE if facts.view_names else DEFAULT_BACKBONE)


def _matches(facts: ConfigFacts, mirrored: tuple[tuple[int, ...], ...] | None) -> list[Any] | None:
    """Return what stands in ``mirrored_column_matches``: for views one list of positions, which are the same in all."""
    if not facts.view_names:
        return [list(view) for view in mirrored] if mirrored else None
    in_all = [index for index, name in enumerate(facts.keypoint_names) if name not in facts.one_view_keypoints]
    return in_all or None


def _offered_losses(facts: ConfigFacts, choices: ConfigChoices) -> tuple[str, ...]:
    if facts.view_names:
        return multiview.LOSSES
    return OFFERED_LOSSES if choices.mirror is None else (*OFFERED_LOSSES, "pca_multiview")


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


def _check_choices(facts: ConfigFacts, choices: ConfigChoices) -> None:
    """Refuse values that Lightning Pose would refuse, later and less clearly."""
    _check_values(choices)
    if facts.view_names:
        _check_views(facts, choices)
    if choices.resize is not None:
        _check_resize(choices.resize, _backbone(facts, choices))
    _check_losses(choices, _offered_losses(facts, choices))
    if choices.losses and not facts.n_videos:
        raise UsageError.of(
            "losses-without-videos",
            "--losses",
            f"found {', '.join(choices.losses)} and no video; unsupervised losses learn from unlabeled video frames",
            advice="leave --losses out, or migrate videos too (--videos all, --video-root DIR)",
        )
    if not (PurePosixPath(facts.data_dir).is_absolute() or PureWindowsPath(facts.data_dir).is_absolute()):
        raise _bad_option("--data-dir", facts.data_dir, "an absolute path", "write the path from / or the drive on")


def _check_views(facts: ConfigFacts, choices: ConfigChoices) -> None:
    multiview.check_backbone(_backbone(facts, choices))
    multiview.check_videos(choices.losses or (), facts.incomplete_sessions, facts.unequal_sessions)
    if choices.mirror is not None:
        raise _bad_option(
            "--mirror", ",".join(choices.mirror), "no mirrors beside several cameras", "leave --mirror or the views out"
        )


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


def _size(facts: ConfigFacts, choices: ConfigChoices, backbone: str, gpu_gb: float) -> ImageSize:
    if choices.resize is not None:
        return ImageSize(*choices.resize, "as asked for with --resize")
    return sizing.choose_size(facts.image_sizes, gpu_gb, backbone)


def _split(n_frames: int) -> tuple[float, float]:
    """Return (train_prob, val_prob).

    Lightning Pose asserts that ``(1.0 - train - val) + train + val`` is 1.0 to the last bit, which 0.5 + 0.08 is
    not; these three pairs are. The rest of at most four frames goes to training.
    """
    if n_frames < 20:
        return 0.8, 0.2
    return (0.9, 0.1) if n_frames < 40 else (0.95, 0.05)


def _video_dir(data_dir: str) -> str:
    """Join as text: the path may be of another operating system than this one."""
    separator = "/" if "/" in data_dir else "\\"
    return f"{data_dir.rstrip(separator)}{separator}videos"


def _pca_columns(names: tuple[str, ...], hidden: tuple[str, ...]) -> tuple[int, ...] | None:
    """Return the keypoints of the pose PCA, None for all: also where too few would be left."""
    columns = tuple(index for index, name in enumerate(names) if name not in hidden)
    return None if len(columns) == len(names) or len(columns) < _MIN_PCA_KEYPOINTS else columns


def _check_pca(decided: Decided) -> None:
    """Refuse a PCA that Lightning Pose could not fit: it wants as many rows as coordinates."""
    n_train = _n_train_frames(decided.n_labeled_frames)
    if "pca_singleview" in decided.losses:
        columns = decided.pca_columns
        n_dims = 2 * (len(decided.keypoint_names) if columns is None else len(columns))
        if n_train < n_dims or n_dims < 2 * _MIN_PCA_KEYPOINTS:
            raise UsageError.of(
                "too-few-frames-for-pca",
                "--losses",
                f"found {counted(n_train, 'frame')} to train on for a PCA of {counted(n_dims // 2, 'keypoint')}, "
                f"expected at least {max(n_dims, 2 * _MIN_PCA_KEYPOINTS)} frames and {_MIN_PCA_KEYPOINTS} keypoints",
                advice="leave pca_singleview out: --losses temporal",
            )
    if "pca_multiview" in decided.losses:
        _check_multiview_pca(decided, n_train)


def _check_multiview_pca(decided: Decided, n_train: int) -> None:
    """Its rows are the keypoints of all frames, its columns x and y in every view."""
    matches = decided.matches or []
    per_view = matches if decided.view_names or not matches else matches[0]
    n_dims = 2 * (len(decided.view_names) or len(matches))
    if n_train * len(per_view) < n_dims or not per_view:
        raise UsageError.of(
            "too-few-frames-for-pca",
            "--losses",
            f"found {counted(n_train, 'frame')} to train on with {counted(len(per_view), 'keypoint')} that all views "
            f"show, expected {n_dims} or more keypoints in all of them together",
            advice="leave pca_multiview out: --losses temporal",
        )


def _n_train_frames(n_frames: int) -> int:
    """Return how many frames Lightning Pose's ``split_sizes_from_probabilities`` trains on by our shares."""
    _, val_prob = _split(n_frames)
    # At most one frame is left over, and fewer than five go to training; one frame always validates.
    return max(0, n_frames - max(1, math.floor(val_prob * n_frames)))


def _reasons(
    facts: ConfigFacts,
    choices: ConfigChoices,
    backbone: str,
    gpu_gb: float,
    size: ImageSize,
    batch: Batch,
    hidden: tuple[str, ...],
) -> dict[str, str]:
    """Return why, by key: for the comment in the file and for the JSON."""
    n_train = _n_train_frames(facts.n_labeled_frames)
    gpu = f"the {gpu_gb:g} GB of the GPU"
    if choices.gpu_memory is None:
        gpu = f"the {gpu_gb:g} GB that are assumed (tell yours with --gpu-memory)"
    memory = f"{_memory_need(facts, backbone, size, batch)} of {gpu}"
    if choices.train_batch_size is not None:
        n_labeled = f"as asked for with --train-batch-size; {memory}"
    elif batch.n_effective < sizing.EFFECTIVE_BATCH:
        n_labeled = f"only {counted(n_train, 'labeled frame trains', 'labeled frames train')}; {memory}"
    elif batch.n_accumulated > 1:
        n_labeled = f"{memory}; 16 as in Lightning Pose's defaults are made up by accumulation"
    else:
        n_labeled = f"Lightning Pose's default; {memory}"
    frames = counted(batch.n_effective, "frame")
    accumulated = f"{batch.n_accumulated} x {batch.n_labeled} = {frames} per weight update"
    if choices.accumulate_grad_batches is not None:
        accumulated = f"as asked for with --accumulate-grad-batches; {accumulated}"
    return {
        "data.image_resize_dims": size.reason,
        **_view_reasons(facts, choices, hidden),
        "training.train_batch_size": n_labeled,
        "training.accumulate_grad_batches": accumulated,
        "training.num_gpus": "as asked for with --num-gpus" if choices.num_gpus else "one GPU; more with --num-gpus",
        "training.uniform_heatmaps_for_nan_keypoints": (
            f"as asked for with --nan-means {choices.nan_means}"
            if choices.nan_means
            else "an empty cell beside labelled ones is taken for a hidden keypoint (--nan-means occluded)"
        ),
        "training.train_prob": _split_reason(facts.n_labeled_frames),
        "training.max_epochs": (
            "fewer than 50 labeled frames need more passes over them"
            if facts.n_labeled_frames < 50
            else "Lightning Pose's default"
        ),
        "model.backbone": _backbone_reason(facts, choices),
        "model.losses_to_use": (
            f"as asked for with --losses {','.join(choices.losses)}"
            if choices.losses
            else "labels alone train everywhere; unsupervised losses need an NVIDIA GPU with DALI"
        ),
        "eval.predict_vids_after_training": _prediction_reason(facts),
    }  # fmt: skip


def _memory_need(facts: ConfigFacts, backbone: str, size: ImageSize, batch: Batch) -> str:
    """Return how many frames one GPU holds, with several views each as many images, and the memory that takes."""
    n_frames, n_images = batch.n_on_one_gpu, batch.n_on_one_gpu * facts.n_views
    views = f" in {facts.n_views} views ({n_images} images)" if facts.view_names else ""
    held = f"{views} of {size} px at a time on one GPU"
    need = sizing.needed_gb(n_images, size.area_px, backbone)
    return counted(n_frames, f"frame{held} needs", f"frames{held} need") + f" about {need:.1f} GB"


def _view_reasons(facts: ConfigFacts, choices: ConfigChoices, hidden: tuple[str, ...]) -> dict[str, str]:
    """Return the reasons of the keys that a single view has and several views have not, or the other way round."""
    if not facts.view_names:
        mirrored = {"data.mirrored_column_matches": f"as asked for with --mirror {','.join(choices.mirror or ())}"}
        pose_pca = {"data.columns_for_singleview_pca": _hidden_reason(facts, hidden)}
        return (mirrored if choices.mirror is not None else {}) | pose_pca
    alone = ", ".join(map(printable, facts.one_view_keypoints))
    return {
        "data.view_names": "in the order in which all files of the project have them",
        "data.mirrored_column_matches": (
            f"without the keypoints that not every view shows: {alone}" if alone else "every view shows all keypoints"
        ),
        "training.imgaug_3d": _space_reason(facts),
    }


def _space_reason(facts: ConfigFacts) -> str:
    if not facts.is_calibrated:
        return "there is no calibration for every session, and without one it can't be done"
    if facts.n_frames_against_3d:
        n_frames = counted(facts.n_frames_against_3d, "labeled frame")
        return (
            f"there is a calibration for every session, but in {n_frames} one view has "
            "fewer than three of the keypoints that others show, and there Lightning Pose 2.4.3 would end the training"
        )
    return "there is a calibration for every session"


def _backbone_reason(facts: ConfigFacts, choices: ConfigChoices) -> str:
    if choices.backbone:
        return "as asked for with --backbone"
    if facts.view_names:
        return "Lightning Pose's default for several views, and the smallest that its multi-view transformer takes"
    return "Lightning Pose's default; it was pretrained on animals and trains on a modest GPU"


def _prediction_reason(facts: ConfigFacts) -> str:
    if facts.unequal_sessions:
        named = ", ".join(facts.unequal_sessions[:_N_SHOWN])
        return f"the views' videos have different lengths ({named}), and Lightning Pose would end with an error"
    if not facts.n_videos:
        return "there is no video, and Lightning Pose would end with an error"
    if facts.view_names:
        return f"sessions with videos of all views: {facts.n_videos}"
    return f"videos found: {facts.n_videos}"


def _hidden_reason(facts: ConfigFacts, hidden: tuple[str, ...]) -> str:
    if not hidden:
        return f"no keypoint is empty in {OFTEN_HIDDEN_SHARE:.0%} or more of the labeled frames, so all are used"
    named = ", ".join(f"{printable(name)} ({facts.hidden_share[name]:.0%})" for name in hidden)
    if _pca_columns(facts.keypoint_names, hidden) is None:
        return f"empty in many of the labeled frames: {named}; too few keypoints would be left, so all stand here"
    return f"left out, since empty in {OFTEN_HIDDEN_SHARE:.0%} or more of the labeled frames: {named}"


def _split_reason(n_frames: int) -> str:
    n_train = _n_train_frames(n_frames)
    train = counted(n_train, "trains", "train")
    choose = counted(n_frames - n_train, "chooses", "choose")
    return f"of {counted(n_frames, 'labeled frame')} {train} and {choose} the best model"


def _listed_reasons(decided: Decided, values: dict[str, Any]) -> tuple[ChoiceReason, ...]:
    listed = []
    for key, reason in decided.reasons.items():
        section, name = key.split(".")
        listed.append(ChoiceReason(key, values[section][name], reason))
    return tuple(listed)


def _findings(facts: ConfigFacts, decided: Decided, gpu_gb: float) -> list[Finding]:
    findings = []
    if facts.n_labeled_frames < 2:
        findings.append(
            Finding(
                Severity.WARNING,
                "too-few-labels",
                multiview.label_files(facts.view_names)[0] if facts.view_names else "CollectedData.csv",
                f"found {counted(facts.n_labeled_frames, 'labeled frame')}, expected at least 2: "
                "Lightning Pose needs one to train on and one to choose the best model by",
                advice="label more frames in the Lightning Pose app",
            )
        )
    if not decided.is_augmented:
        findings.append(
            Finding(
                Severity.WARNING,
                "augmentation-off",
                "configs/default.yaml",
                f"{_space_reason(facts)}; so training images are not augmented",
                where="training.imgaug",
                advice="label all views there; or take the calibration out of the project and set imgaug: dlc",
            )
        )
    if not decided.batch.fits:
        need = _memory_need(facts, decided.backbone, decided.size, decided.batch)
        findings.append(
            Finding(
                Severity.WARNING,
                "gpu-memory-small",
                "configs/default.yaml",
                f"{need}, expected what fits into {gpu_gb:g} GB",
                where="training.train_batch_size",
                advice="give a smaller --resize, --train-batch-size or --backbone",
            )
        )
    odd = [printable(name) for name in facts.keypoint_names if "${" in name or name == "???"]
    if odd:
        findings.append(
            Finding(
                Severity.WARNING,
                "keypoint-name-odd",
                ", ".join(odd),
                "Lightning Pose's config gives ${ and ??? a meaning of their own; here they are written so that "
                "training works, but the app's create-model dialog does not keep that",
                advice="rename the keypoint",
            )
        )
    return findings


def _chosen_keys(choices: ConfigChoices) -> frozenset[KeyPath]:
    """Return the keys that an option decided directly."""
    keys: dict[str, tuple[KeyPath, ...]] = {
        "train_batch_size": (("training", "train_batch_size"),),
        "accumulate_grad_batches": (("training", "accumulate_grad_batches"),),
        "num_gpus": (("training", "num_gpus"),),
        "resize": (("data", "image_resize_dims", "height"), ("data", "image_resize_dims", "width")),
        "backbone": (("model", "backbone"),),
        "losses": (("model", "losses_to_use"),),
        "nan_means": (("training", "uniform_heatmaps_for_nan_keypoints"),),
        "mirror": (("data", "mirrored_column_matches"),),
    }
    return frozenset(key for name, paths in keys.items() if getattr(choices, name) is not None for key in paths)
