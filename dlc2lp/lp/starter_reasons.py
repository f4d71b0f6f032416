"""Why the starter config has the values that it has: for the comments in the file and for the JSON."""

from __future__ import annotations

import math

from dlc2lp.lp import multiview, sizing
from dlc2lp.lp.config_choices import CONTEXT_MODEL, ConfigChoices
from dlc2lp.lp.config_facts import ConfigFacts
from dlc2lp.lp.document import printable
from dlc2lp.lp.memory import Network
from dlc2lp.lp.pca import hidden_limit, pca_columns
from dlc2lp.lp.sizing import Batch, ImageSize
from dlc2lp.lp.training_split import n_train_frames
from dlc2lp.wording import counted


def starter_reasons(
    facts: ConfigFacts,
    choices: ConfigChoices,
    network: Network,
    gpu_gb: float,
    size: ImageSize,
    batch: Batch,
) -> dict[str, str]:
    """Return why, by key, for a GPU of so many GB and what was decided."""
    return {
        "data.image_resize_dims": size.reason,
        **_view_reasons(facts, choices),
        "training.train_batch_size": _batch_reason(facts, choices, network, gpu_gb, size, batch),
        "training.accumulate_grad_batches": (
            ("" if choices.accumulate_grad_batches is None else "as asked for with --accumulate-grad-batches; ")
            + f"{batch.n_accumulated} x {batch.n_labeled} = {counted(batch.n_effective, 'frame')} per weight update"
        ),
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
        "model.backbone": _backbone_reason(choices, network),
        "model.model_type": _model_reason(facts, choices, network),
        "model.losses_to_use": (
            f"as asked for with --losses {','.join(choices.losses)}"
            if choices.losses
            else "labels alone train everywhere; unsupervised losses need an NVIDIA GPU with DALI"
        ),
        "eval.predict_vids_after_training": _prediction_reason(facts),
    }  # fmt: skip


def _batch_reason(
    facts: ConfigFacts, choices: ConfigChoices, network: Network, gpu_gb: float, size: ImageSize, batch: Batch
) -> str:
    gpu = f"the {gpu_gb:g} GB of the GPU"
    if choices.gpu_memory is None:
        gpu = f"the {gpu_gb:g} GB that are assumed (tell yours with --gpu-memory)"
    memory = f"{memory_need(network, size, batch)} of {gpu}"
    if choices.train_batch_size is not None:
        return f"as asked for with --train-batch-size; {memory}"
    n_train = n_train_frames(facts.n_labeled_frames)
    if n_train < sizing.EFFECTIVE_BATCH:
        return f"only {counted(n_train, 'labeled frame trains', 'labeled frames train')}; {memory}"
    wanted = sizing.wanted_batch(n_train)
    few = ""
    if wanted < sizing.EFFECTIVE_BATCH:
        n_steps = math.ceil(n_train / sizing.EFFECTIVE_BATCH)
        few = (
            f"{wanted} where 16 is Lightning Pose's default, since an epoch of {counted(n_train, 'frame')} would have "
            f"{counted(n_steps, 'weight update')} only, and ten are wanted; "
        )
    if batch.n_accumulated > 1:
        return f"{few}{memory}; {wanted} are made up by accumulation"
    return f"{few}{memory}" if few else f"Lightning Pose's default; {memory}"


def memory_need(network: Network, size: ImageSize, batch: Batch) -> str:
    """Return how many frames one GPU holds, with several views or neighbors each as many images, and the memory."""
    n_frames, n_unlabeled = batch.n_labeled_on_one, batch.n_unlabeled_on_one
    n_images = n_frames * network.images_per_sample
    held = f"{size} px at a time on one GPU"
    if network.n_views > 1:
        held = f"in {network.n_views} views ({n_images + n_unlabeled * network.n_views} images) of {held}"
    elif network.model == CONTEXT_MODEL:
        held = f"with the neighbors of each ({n_images} images) of {held}"
    else:
        held = f"of {held}"
    beside = f" and {counted(n_unlabeled, 'video frame')}" if n_unlabeled else ""
    verb = "need" if n_frames + n_unlabeled != 1 else "needs"
    return f"{counted(n_frames, 'labeled frame')}{beside} {held} {verb} about {batch.need_gb:.1f} GB"


def _view_reasons(facts: ConfigFacts, choices: ConfigChoices) -> dict[str, str]:
    """Return the reasons of the keys that a single view has and several views have not, or the other way round."""
    if not facts.view_names:
        mirrored = {"data.mirrored_column_matches": f"as asked for with --mirror {','.join(choices.mirror or ())}"}
        pose_pca = {"data.columns_for_singleview_pca": _hidden_reason(facts)}
        return (mirrored if choices.mirror is not None else {}) | pose_pca
    alone = ", ".join(map(printable, facts.one_view_keypoints))
    return {
        "data.view_names": "in the order in which all files of the project have them",
        "data.mirrored_column_matches": (
            f"without the keypoints that not every view shows: {alone}" if alone else "every view shows all keypoints"
        ),
        "training.imgaug_3d": space_reason(facts),
    }


def space_reason(facts: ConfigFacts) -> str:
    """Return why the scene can be moved in space in training, or can't."""
    if not facts.is_calibrated:
        return "there is no calibration for every session, and without one it can't be done"
    if facts.n_frames_against_3d:
        n_frames = counted(facts.n_frames_against_3d, "labeled frame")
        return (
            f"there is a calibration for every session, but in {n_frames} one view has "
            "fewer than three of the keypoints that others show, and there Lightning Pose 2.4.3 would end the training"
        )
    return "there is a calibration for every session"


def _backbone_reason(choices: ConfigChoices, network: Network) -> str:
    if choices.backbone:
        return "as asked for with --backbone"
    if network.model == multiview.MODEL:
        return "Lightning Pose's default for several views, and the smallest that its multi-view transformer takes"
    return "Lightning Pose's default; it was pretrained on animals and trains on a modest GPU"


def _model_reason(facts: ConfigFacts, choices: ConfigChoices, network: Network) -> str:
    if choices.model:
        return "as asked for with --model"
    if facts.view_names:
        return "Lightning Pose's default for several views"
    lacking = facts.n_frames_without_context
    if lacking is None or not facts.n_labeled_frames:
        return "Lightning Pose's default"
    n_frames = facts.n_labeled_frames - lacking
    there = f"{n_frames} of {counted(facts.n_labeled_frames, 'labeled frame')} have the neighbors that {CONTEXT_MODEL}"
    return f"Lightning Pose's default; {there} needs"


def _prediction_reason(facts: ConfigFacts) -> str:
    if facts.unequal_sessions:
        named = ", ".join(facts.unequal_sessions[:5])
        return f"the views' videos have different lengths ({named}), and Lightning Pose would end with an error"
    if not facts.n_videos:
        return "there is no video, and Lightning Pose would end with an error"
    if facts.view_names:
        return f"sessions with videos of all views: {facts.n_videos}"
    return f"videos found: {facts.n_videos}"


def _hidden_reason(facts: ConfigFacts) -> str:
    columns, limit = pca_columns(facts), hidden_limit(facts)
    share = {name: facts.hidden_share.get(name, 0.0) for name in facts.keypoint_names}
    named = ", ".join(f"{printable(name)} ({hidden:.0%})" for name, hidden in share.items() if hidden >= limit)
    if not named:
        all_used = f"no keypoint is empty in {limit:.0%} or more of the labeled frames, so all are used"
        return all_used if columns else "one keypoint is no pose"
    if not columns:
        return f"empty in many of the labeled frames: {named}; too few keypoints are left, so none stands here"
    return f"left out, since empty in {limit:.0%} or more of the labeled frames: {named}"


def _split_reason(n_frames: int) -> str:
    n_train = n_train_frames(n_frames)
    train = counted(n_train, "trains", "train")
    choose = counted(n_frames - n_train, "chooses", "choose")
    return f"of {counted(n_frames, 'labeled frame')} {train} and {choose} the best model"
