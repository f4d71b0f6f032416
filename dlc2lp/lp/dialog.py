"""What a person must know who makes a model in the app's create-model dialog, for the head of the starter config.

The dialog of lightning-pose-app 2.4.2.3 merges its form over ``configs/default.yaml``: mappings by key, lists entry by
entry, so that a list never becomes shorter. The form opens with 16 labeled and 32 unlabeled frames and 300 epochs
whatever the file says, offers all backbones of :data:`BACKBONES` and, for a single view, four model types; it asks
neither for the image size, the accumulation nor the optimizer, which stay. It sets the learning rate only for a vit
backbone in a single-view project. ``scripts/lp_judge`` re-creates it and trains every choice.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from dlc2lp.lp import multiview
from dlc2lp.lp.config_choices import CONTEXT_MODEL, DEFAULT_MODEL
from dlc2lp.lp.memory import is_transformer
from dlc2lp.lp.starter_text import EPOCHS, VIT_LEARNING_RATE, StarterValues
from dlc2lp.wording import counted

_VAL_SHARE = 0.05


def dialog_words(decided: StarterValues) -> Iterator[str]:
    """Yield a paragraph for each thing to enter there otherwise than the form opens, or not to choose."""
    yield f"- Batch sizes to enter there (it says 16 labeled, 32 unlabeled): {_batches(decided)}."
    if decided.batch.n_accumulated > 1:
        n = decided.batch.n_accumulated
        yield f"- accumulate_grad_batches {n} stays: {n} steps of the batch size there make one weight update."
    if decided.n_epochs != EPOCHS:
        yield f"- Epochs there: {decided.n_epochs} (it says {EPOCHS}), since there are few labeled frames."
    if not decided.size.is_square:
        yield (
            f"- No vit backbone there: the images are resized to {decided.size} px, which is no square, and the "
            "training would end in an error. `dlc2lp config --resize 256x256` makes it possible."
        )
    if lacking := decided.facts.n_frames_without_context:
        n_frames = counted(decided.facts.n_labeled_frames, "labeled frame")
        yield (
            f"- The context types there: {lacking} of {n_frames} lack a neighbor, and Lightning Pose takes the labeled "
            "frame itself instead."
        )
    if decided.losses:
        kept = ", ".join(decided.losses)
        yield (
            f"- Supervised there would keep the losses {kept}, since lists never become shorter: run "
            '`dlc2lp config --losses ""` first.'
        )
    yield from _of_views(decided) if decided.facts.view_names else _of_one_view(decided)


def _batches(decided: StarterValues) -> str:
    """Return what fits, by the dialog's model types."""
    types: list[tuple[str, str]] = [("Supervised", DEFAULT_MODEL), ("Semi-supervised", DEFAULT_MODEL)]
    types += [("Supervised Context", CONTEXT_MODEL), ("Semi-supervised Context", CONTEXT_MODEL)]
    if decided.facts.view_names:
        types = [
            ("true multi-view", multiview.MODEL),
            ("Supervised", DEFAULT_MODEL),
            ("Supervised Context", CONTEXT_MODEL),
        ]
    told = []
    for name, model in types:
        unsupervised = name.startswith("Semi")
        if model == multiview.MODEL and decided.network.backbone not in multiview.BACKBONES:
            continue
        batch = decided.batch_of(model, unsupervised=unsupervised)
        beside = f" and {batch.n_unlabeled}" if unsupervised else ""
        told.append(f"{name} {batch.n_labeled}{beside}{'' if batch.fits else ' (too much)'}")
    network = f"{decided.gpu_gb:g} GB and {decided.network.backbone}"
    return f"{', '.join(told)}; for {network}, fewer for a larger backbone"


def _of_one_view(decided: StarterValues) -> Iterator[str]:
    if is_transformer(decided.network.backbone):
        yield (
            f"- A resnet or efficientnet there would keep the learning rate {VIT_LEARNING_RATE:.5f} of the vit "
            "backbones, a twentieth of its own: run `dlc2lp config --backbone resnet50` first."
        )
    n_frames = decided.facts.n_labeled_frames
    n_train, n_dims = n_frames - max(1, math.floor(_VAL_SHARE * n_frames)), 2 * len(decided.facts.keypoint_names)
    if n_train < n_dims:
        yield (
            f"- No Pose PCA there (of the semi-supervised types): it needs {counted(n_dims, 'labeled frame')} to train "
            f"on, and there are {max(0, n_train)}."
        )


def _of_views(decided: StarterValues) -> Iterator[str]:
    yield (
        "- Semi-supervised types there end in an error: they always take the Pose PCA, which Lightning Pose has for a "
        "single view only. vitb_sam is none for true multi-view models."
    )
    if decided.facts.is_calibrated:
        yield (
            '- Without "Use true multi-view models" there, switch "Use camera calibrations" off: Lightning Pose has '
            "losses in space for the true ones only, and the context types refuse calibrations at all."
        )
    if not decided.facts.is_augmented:
        yield (
            "- No model of the dialog trains while the calibration is there: it always augments the images, which "
            "ends in an error for this project; see training.imgaug."
        )
