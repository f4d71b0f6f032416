"""Why the starter config has the values that it has: for the comments in the file and for the JSON."""

from __future__ import annotations

from dlc2lp.lp import sizing
from dlc2lp.lp.config_choices import ConfigChoices, chosen_backbone
from dlc2lp.lp.config_facts import ConfigFacts
from dlc2lp.lp.document import printable
from dlc2lp.lp.pca import OFTEN_HIDDEN_SHARE, pca_columns
from dlc2lp.lp.sizing import Batch, ImageSize
from dlc2lp.lp.training_split import n_train_frames
from dlc2lp.wording import counted


def starter_reasons(
    facts: ConfigFacts, choices: ConfigChoices, gpu_gb: float, size: ImageSize, batch: Batch, hidden: tuple[str, ...]
) -> dict[str, str]:
    """Return why, by key, for a GPU of so many GB and what was decided; ``hidden`` keypoints are often empty."""
    return {
        "data.image_resize_dims": size.reason,
        **_view_reasons(facts, choices, hidden),
        "training.train_batch_size": _batch_reason(facts, choices, gpu_gb, size, batch),
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
        "model.backbone": _backbone_reason(facts, choices),
        "model.losses_to_use": (
            f"as asked for with --losses {','.join(choices.losses)}"
            if choices.losses
            else "labels alone train everywhere; unsupervised losses need an NVIDIA GPU with DALI"
        ),
        "eval.predict_vids_after_training": _prediction_reason(facts),
    }  # fmt: skip


def _batch_reason(facts: ConfigFacts, choices: ConfigChoices, gpu_gb: float, size: ImageSize, batch: Batch) -> str:
    gpu = f"the {gpu_gb:g} GB of the GPU"
    if choices.gpu_memory is None:
        gpu = f"the {gpu_gb:g} GB that are assumed (tell yours with --gpu-memory)"
    memory = f"{memory_need(facts, chosen_backbone(facts, choices), size, batch)} of {gpu}"
    if choices.train_batch_size is not None:
        return f"as asked for with --train-batch-size; {memory}"
    if batch.n_effective < sizing.EFFECTIVE_BATCH:
        n_train = n_train_frames(facts.n_labeled_frames)
        return f"only {counted(n_train, 'labeled frame trains', 'labeled frames train')}; {memory}"
    if batch.n_accumulated > 1:
        return f"{memory}; 16 as in Lightning Pose's defaults are made up by accumulation"
    return f"Lightning Pose's default; {memory}"


def memory_need(facts: ConfigFacts, backbone: str, size: ImageSize, batch: Batch) -> str:
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


def _backbone_reason(facts: ConfigFacts, choices: ConfigChoices) -> str:
    if choices.backbone:
        return "as asked for with --backbone"
    if facts.view_names:
        return "Lightning Pose's default for several views, and the smallest that its multi-view transformer takes"
    return "Lightning Pose's default; it was pretrained on animals and trains on a modest GPU"


def _prediction_reason(facts: ConfigFacts) -> str:
    if facts.unequal_sessions:
        named = ", ".join(facts.unequal_sessions[:5])
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
    if pca_columns(facts.keypoint_names, hidden) is None:
        return f"empty in many of the labeled frames: {named}; too few keypoints would be left, so all stand here"
    return f"left out, since empty in {OFTEN_HIDDEN_SHARE:.0%} or more of the labeled frames: {named}"


def _split_reason(n_frames: int) -> str:
    n_train = n_train_frames(n_frames)
    train = counted(n_train, "trains", "train")
    choose = counted(n_frames - n_train, "chooses", "choose")
    return f"of {counted(n_frames, 'labeled frame')} {train} and {choose} the best model"
