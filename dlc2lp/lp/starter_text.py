"""The starter config's text: every key that Lightning Pose 2.4.3 and its app read, with words for who must decide."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from dlc2lp.lp import multiview, starter_text_views
from dlc2lp.lp.config_choices import CONTEXT_MODEL, DEFAULT_MODEL
from dlc2lp.lp.config_facts import ConfigFacts
from dlc2lp.lp.document import Document, Entry
from dlc2lp.lp.memory import Network, is_transformer
from dlc2lp.lp.sizing import Batch, ImageSize, choose_batch, commonest_size, predicted_at_a_time
from dlc2lp.lp.training_split import n_train_frames, shares

HEAD = (
    "Starter config for Lightning Pose 2.4. It trains as written:  litpose train configs/default.yaml\n"
    "Change what you like: `dlc2lp config` keeps your changes, and writes this file again with other options.\n"
    "`litpose recommend` makes another proposal from the same data; what it decides otherwise is said below.\n"
    "The app's create-model dialog starts from this file; what its form asks for replaces what stands here."
)

#: Epochs: as the dialog's form has them, and for few labeled frames.
EPOCHS, _EPOCHS_OF_FEW_FRAMES = 300, 500
_FEW_FRAMES = 50

#: Frames of a video that Lightning Pose's defaults predict at a time.
PREDICTED_AT_A_TIME = 96

#: Learning rates that Lightning Pose's recommender has for the two kinds of backbones.
VIT_LEARNING_RATE, _LEARNING_RATE = 5e-5, 1e-3

_OMEGACONF_OPENING = re.compile(r"(\\*)\$\{")


@dataclass(frozen=True)
class StarterValues:
    """Everything that was decided, for the text to be written from it."""

    facts: ConfigFacts  #: What is there.
    #: As Lightning Pose names them.
    size: ImageSize
    batch: Batch
    network: Network
    gpu_gb: float  #: Memory of one GPU.
    n_gpus: int
    losses: tuple[str, ...]
    hidden_is_occluded: bool  #: Whether an empty cell means a hidden keypoint.
    pca_columns: tuple[int, ...]  #: Positions of the keypoints of the pose PCA.
    matches: list[Any] | None  #: What stands in ``mirrored_column_matches``.
    reasons: Mapping[str, str]  #: Key -> why.

    @property
    def video_dir(self) -> str:
        """Joined as text: the path may be of another operating system than this one."""
        separator = "/" if "/" in self.facts.data_dir else "\\"
        return f"{self.facts.data_dir.rstrip(separator)}{separator}videos"

    def batch_of(self, model: str, *, unsupervised: bool) -> Batch:
        """Return how much of another model a training step takes, with the same backbone and GPU."""
        if (model, unsupervised) == (self.network.model, bool(self.losses)):
            return self.batch
        return choose_batch(
            replace(self.network, model=model),
            self.size.area_px,
            self.gpu_gb,
            n_train_frames(self.facts.n_labeled_frames),
            self.n_gpus,
            unsupervised=unsupervised,
        )

    def predicted_at_a_time(self, model: str, at_most: int) -> int:
        """Return how many frames of a video a model predicts at a time."""
        (width, height), _ = commonest_size(self.facts.image_sizes or (((0, 0), 0),))
        network = replace(self.network, model=model)
        return predicted_at_a_time(network, self.size.area_px, self.gpu_gb, width * height, at_most)

    @property
    def n_epochs(self) -> int:
        """Passes over the labeled frames."""
        return _EPOCHS_OF_FEW_FRAMES if self.facts.n_labeled_frames < _FEW_FRAMES else EPOCHS

    def because(self, key: str) -> str:
        """Return the paragraph that gives the reason of a choice; nothing where there was nothing to choose."""
        return f"\nHere: {self.reasons[key]}." if key in self.reasons else ""


def omegaconf_text(text: str) -> str:
    """Return the text as OmegaConf must read it to mean it: ``${`` would open an interpolation."""
    return _OMEGACONF_OPENING.sub(lambda match: match[1] * 2 + "\\${", text)


def starter_document(decided: StarterValues) -> Document:
    """Return the starter config as data; the words about a key end with the reason for its value."""
    sections = (
        Entry("data", _data(decided)),
        Entry("training", _training(decided)),
        Entry("model", _model(decided)),
        Entry(
            "dali",
            _dali(decided),
            "How many video frames are read at a time: for training beside each labeled batch (only unsupervised "
            "losses do that), and for prediction; as many as fit into memory. Prediction runs out of memory? Lower "
            "predict.sequence_length.",
        ),
        Entry(
            "losses",
            _losses(decided),
            "Settings of the losses that model.losses_to_use may name; unused ones do nothing.",
        ),
        Entry("eval", _eval(decided)),
        Entry("callbacks", _callbacks(), "Unsupervised losses fade in, so that labels shape the network first."),
    )
    return tuple(
        replace(section, value=tuple(_with_reason(entry, section.key, decided) for entry in section.value))
        for section in sections
    )


def _with_reason(entry: Entry, section: str, decided: StarterValues) -> Entry:
    """Add why; a key without words, such as max_epochs, has its reason in those of the key before."""
    because = decided.because(f"{section}.{entry.key}") if entry.comment else ""
    return replace(entry, comment=entry.comment + because)


def _data(decided: StarterValues) -> Document:
    names: list[str] | None = [omegaconf_text(name) for name in decided.facts.keypoint_names]
    if "???" in decided.facts.keypoint_names:
        names = None  # OmegaConf reads ??? as "missing" and can't be told otherwise; null: as in the label file
    size = (Entry("height", decided.size.height_px), Entry("width", decided.size.width_px))
    return (
        Entry(
            "image_resize_dims",
            size,
            "Images and video frames are resized to this before the network sees them; labels and predictions stay in "
            "pixels of the original. Larger finds small keypoints more precisely, and needs memory and time in "
            "proportion to height x width. Multiples of 128. The vit backbones need height = width; with a resnet "
            "--resize 256x384 or the like keeps the shape of the image. `litpose recommend` takes 384 px only for "
            "sides above 1024 px with more than 500 labeled frames.",
        ),
        Entry(
            "data_dir",
            omegaconf_text(decided.facts.data_dir),
            "Absolute path of this project. Moved it? Change the three paths of this file, or run "
            "`dlc2lp config --data-dir`.",
        ),
        Entry("video_dir", omegaconf_text(decided.video_dir), "Folder of the unlabeled videos; it must exist."),
        *(
            starter_text_views.label_files(decided.facts.view_names)
            if decided.facts.view_names
            else [Entry("csv_file", "CollectedData.csv", "The labels, relative to data_dir.")]
        ),
        Entry("downsample_factor", 2, "Heatmaps are smaller than the image by 2 to this power."),
        Entry("num_keypoints", len(decided.facts.keypoint_names)),
        Entry("keypoint_names", names, "In the order of the label file."),
        *_matched_columns(decided),
    )


def _matched_columns(decided: StarterValues) -> Document:
    """Return which keypoints go together, over the views and within one."""
    if decided.facts.view_names:
        return (starter_text_views.matched_columns(decided.matches),)
    return (
        Entry(
            "mirrored_column_matches",
            decided.matches,
            "One image, several views of the animal (mirrors)? For each view a list of the positions of the same "
            "keypoints; only the loss pca_multiview reads it.",
        ),
        Entry(
            "columns_for_singleview_pca",
            list(decided.pca_columns),
            "Positions (from 0) of the keypoints that go together, for the loss pca_singleview and for the Pose-PCA "
            "error that is computed after every training; null means all to the loss, and no such error. "
            "Such losses make the network surer of itself, also where a keypoint is hidden and it should not be: "
            "leave out what is often hidden or moves by itself. The app's dialog sets this to all keypoints.",
        ),
    )


def _training(decided: StarterValues) -> Document:
    train_prob, val_prob = shares(decided.facts.n_labeled_frames)
    return (
        *_augmentation(decided),
        *_memory(decided),
        Entry(
            "train_prob",
            train_prob,
            "Shares of the labeled frames that train, and that choose the best model. They must add up to 1 exactly.",
        ),
        Entry("val_prob", val_prob),
        Entry("train_frames", 1, "1 = all of them; a number above 1 = so many."),
        *_schedule(decided),
        Entry(
            "uniform_heatmaps_for_nan_keypoints",
            decided.hidden_is_occluded,
            "What does an empty cell in the labels mean: that the keypoint was hidden, or that nobody labelled it?\n"
            "true: hidden. The network learns to answer `nowhere` (a flat heatmap), so its confidence drops when a "
            "keypoint is occluded.\n"
            "false: not labelled. The cell is ignored; the network stays confident about what it cannot see.\n"
            "A column `visible` in the label file decides this cell by cell and goes before.",
        ),
        *((starter_text_views.PATCH_MASK,) if decided.facts.view_names else ()),
    )


def _augmentation(decided: StarterValues) -> Document:
    if decided.facts.view_names:
        return starter_text_views.augmentation(decided.facts, decided.because("training.imgaug_3d"))
    return (
        Entry(
            "imgaug",
            "dlc",
            "Random changes of the training images: default (none), dlc (as in DeepLabCut), dlc-lr (dlc, and half "
            "turns), dlc-top-down (dlc, and quarter turns: for cameras above freely moving animals).",
        ),
        Entry("imgaug_hflip", False, "Mirror images at random; every *_left keypoint needs its *_right."),
    )


def _schedule(decided: StarterValues) -> Document:
    is_vit = is_transformer(decided.network.backbone)
    n_epochs = decided.n_epochs
    return (
        Entry("unfreezing_epoch", 20, "Until this epoch only the new layers learn, not the pretrained ones."),
        Entry("min_epochs", n_epochs, "Passes over the labeled frames." + decided.because("training.max_epochs")),
        Entry("max_epochs", n_epochs),
        Entry("log_every_n_steps", _log_steps(decided)),
        Entry("check_val_every_n_epoch", 5),
        Entry("ckpt_every_n_epochs", None, "null = only the best model is kept; else a multiple of the line above."),
        Entry("early_stopping", False, "Stop when the validation loss no longer falls."),
        Entry("early_stop_patience", 3),
        Entry("rng_seed_data_pt", 0),
        Entry("rng_seed_model_pt", 0),
        Entry("num_workers", None, "Processes that load images; null = one per CPU."),
        Entry(
            "optimizer",
            "AdamW" if is_vit else "Adam",
            "Adam with 0.001 suits the resnets, AdamW with 0.00005 the vit backbones.",
        ),
        Entry("optimizer_params", (Entry("learning_rate", VIT_LEARNING_RATE if is_vit else _LEARNING_RATE),)),
        Entry("lr_scheduler", "multisteplr"),
        Entry(
            "lr_scheduler_params",
            (),
            "Empty: the learning rate is halved at epochs 150, 200 and 250, as in Lightning Pose's defaults. Others: "
            "{multisteplr: {milestones: [100, 150], gamma: 0.5}}; none may be beyond max_epochs then, which the app's "
            "dialog changes alone.",
        ),
    )


def _memory(decided: StarterValues) -> Document:
    """Return the keys that one turns when the GPU runs out of memory."""
    batch = decided.batch
    smaller = (
        starter_text_views.SMALLER_BACKBONE if decided.facts.view_names else "resnet18 needs a quarter of resnet50."
    )
    return (
        Entry(
            "train_batch_size",
            batch.n_labeled,
            "Out of memory? Four things help. (1) A smaller train_batch_size: memory falls in proportion. Raise "
            "accumulate_grad_batches as much, and the network learns the same way, only slower. (2) More GPUs: "
            "num_gpus divides the batch among them. (3) Smaller data.image_resize_dims: a quarter of the memory for "
            f"half the sides, but small keypoints blur. (4) A smaller backbone: {smaller} `litpose recommend` fills "
            "the GPU instead (up to 232 frames); 16 are what the learning rate and the epochs here are for.",
        ),
        Entry(
            "accumulate_grad_batches",
            batch.n_accumulated,
            "Training steps whose gradients make one weight update: train_batch_size times this is the batch that the "
            "network learns from. The app's dialog asks for the batch size alone: enter the one above.",
        ),
        Entry("num_gpus", decided.n_gpus, "GPUs that share each batch."),
        Entry("val_batch_size", 2 * batch.n_labeled, "Without training a frame needs less memory."),
        Entry("test_batch_size", 2 * batch.n_labeled),
    )


def _log_steps(decided: StarterValues) -> int:
    """Return a step count that every epoch reaches, also with few frames; else nothing is logged."""
    train_prob, _ = shares(decided.facts.n_labeled_frames)
    n_steps = int(decided.facts.n_labeled_frames * train_prob) // decided.batch.n_labeled
    return max(1, min(10, n_steps))


def _model(decided: StarterValues) -> Document:
    losses, kinds = (
        "temporal (keypoints do not jump), pca_singleview (keypoints keep plausible poses), pca_multiview (mirrored "
        "views agree). They need an NVIDIA GPU with DALI, memory for the video frames, and make the network surer of "
        "hidden keypoints; see data.columns_for_singleview_pca. `litpose recommend` takes temporal and "
        "pca_singleview wherever there is a video.",
        "heatmap; heatmap_mhcrnn also looks at the two frames before and after (in labeled-data/ beside each labeled "
        "frame) and needs five times the memory; regression gives no confidence.",
    )
    if decided.facts.view_names:
        losses, kinds = starter_text_views.LOSSES, starter_text_views.MODEL_TYPE
    if decided.network.model == multiview.MODEL:
        backbones = starter_text_views.BACKBONES
    else:
        backbones = (
            "resnet18 to resnet152, resnet50_animal_apose, resnet50_animal_ap10k, resnet50_human_hand, efficientnet_b0 "
            "to b2, vits_dino, vitb_dino and others. The first training downloads its weights. `litpose recommend` "
            "takes vits_dino for every project."
        )
    return (
        Entry("losses_to_use", list(decided.losses), f"Unsupervised losses learn from the videos too: {losses}"),
        Entry("backbone", decided.network.backbone, backbones),
        Entry("backbone_pretrained", True),
        Entry("model_type", decided.network.model, kinds),
        Entry("heatmap_loss_type", "mse"),
        Entry("model_name", "starter"),
        Entry("checkpoint", None, "Weights of an earlier training to start from."),
    )


def _dali(decided: StarterValues) -> Document:
    """Return how many frames are read at a time, for models without and with context; the app's dialog makes either."""
    views = decided.facts.view_names
    without = decided.network.model if decided.network.model != CONTEXT_MODEL else DEFAULT_MODEL
    parts = []
    for section, key, model, at_most in (
        ("base", "sequence_length", without, starter_text_views.PREDICTED_AT_A_TIME if views else PREDICTED_AT_A_TIME),
        (
            "context",
            "batch_size",
            CONTEXT_MODEL,
            starter_text_views.PREDICTED_WITH_CONTEXT if views else PREDICTED_AT_A_TIME,
        ),
    ):
        unlabeled = decided.batch_of(model, unsupervised=True).n_unlabeled
        predicted = Entry("sequence_length", decided.predicted_at_a_time(model, at_most))
        parts.append(Entry(section, (Entry("train", (Entry(key, unlabeled),)), Entry("predict", (predicted,)))))
    return (parts[0], replace(parts[1], comment="For heatmap_mhcrnn."))


def _losses(decided: StarterValues) -> Document:
    pca = (Entry("log_weight", 11.0, "The loss counts 1 / (2 * e^log_weight): smaller = stronger."),)
    pose: Document = (Entry("log_weight", 11.0), Entry("components_to_keep", 0.99), Entry("epsilon", None))
    return (
        Entry("pca_multiview", (*pca, Entry("components_to_keep", 3), Entry("epsilon", None))),
        # Lightning Pose has it for a single view only; without the entry it ends in a KeyError instead of saying so.
        Entry("pca_singleview", pose),
        Entry(
            "temporal",
            (
                Entry("log_weight", 11.0),
                Entry("epsilon", 20.0, "Jumps from frame to frame up to so many pixels are fine."),
                Entry("prob_threshold", 0.05),
            ),
        ),
        *(starter_text_views.CALIBRATED_LOSSES if decided.facts.uses_3d else ()),
    )


def _eval(decided: StarterValues) -> Document:
    return (
        Entry(
            "predict_vids_after_training",
            decided.facts.can_predict,
            "Predict all videos of test_videos_directory when training is done.",
        ),
        Entry("test_videos_directory", omegaconf_text(decided.video_dir)),
        Entry("save_vids_after_training", False, "Also write videos with the keypoints drawn in."),
        Entry("colormap", "cool"),
        Entry("confidence_thresh_for_vid", 0.9, "Keypoints below this confidence are not drawn."),
    )


def _callbacks() -> Document:
    anneal: dict[str, Any] = {
        "attr_name": "total_unsupervised_importance",
        "init_val": 0.0,
        "increase_factor": 0.01,
        "final_val": 1.0,
        "freeze_until_epoch": 60,
    }
    return (Entry("anneal_weight", tuple(Entry(key, value) for key, value in anneal.items())),)
