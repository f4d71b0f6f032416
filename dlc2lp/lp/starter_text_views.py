"""The parts of the starter config's text that only a project with several cameras has, or has in other words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlc2lp.lp.config_facts import ConfigFacts
from dlc2lp.lp.document import Document, Entry
from dlc2lp.lp.multiview import label_files as label_file_names

#: Frames of every view that Lightning Pose's defaults predict at a time, with a model without context and with one.
PREDICTED_AT_A_TIME, PREDICTED_WITH_CONTEXT = 48, 24

SMALLER_BACKBONE = (
    "vits_* need half of vitb_*. Every frame counts as often as there are views, since the network holds all its views "
    "at once."
)

LOSSES = (
    "temporal (keypoints do not jump), pca_multiview (views agree on where a keypoint is in space; see "
    "data.mirrored_column_matches). They need an NVIDIA GPU with DALI, videos of all views for every session, memory "
    "for the video frames, and make the network surer of hidden keypoints."
)

BACKBONES = (
    "vits_dino, vits_dinov2, vits_dinov3, vitb_dino, vitb_dinov2, vitb_dinov3 or vitb_imagenet: the multi-view "
    "transformer takes no others. The first training downloads its weights."
)

MODEL_TYPE = (
    "heatmap_multiview_transformer looks at all views of a moment together, so that a view that sees a keypoint helps "
    "one that does not. It uses no context frames. heatmap and heatmap_mhcrnn take every view for itself: one network "
    "for all views, with any backbone, and without unsupervised PCA of the pose."
)

PATCH_MASK = Entry(
    "patch_mask",
    (
        Entry("init_epoch", 40),
        Entry("final_epoch", 300),
        Entry("init_ratio", 0.0),
        Entry("final_ratio", 0.5),
    ),
    "Hides random patches of the training images, more and more from init_epoch to final_epoch (final_ratio 0.5: half "
    "of the patches), so that the network learns to find a keypoint that is hidden in one view by the other views. "
    "final_ratio: 0.0 switches it off.",
)

#: Only read where there are calibrations; without one Lightning Pose refuses them.
CALIBRATED_LOSSES: Document = (
    Entry(
        "supervised_reprojection_heatmap_mse",
        (
            Entry(
                "log_weight",
                None,
                "null: off. 3.0 is what `litpose recommend` and the app's dialog write, which knows no way to switch "
                "off what stands here, and ends in an error without its calibrations or its multi-view models then.",
            ),
        ),
        "What the views see must meet in space: the keypoint's place in 3D is seen by each camera again and compared "
        "with the label. It needs a calibration for every session, training.imgaug dlc and training.imgaug_3d true.",
    ),
    Entry(
        "supervised_pairwise_projections",
        (Entry("log_weight", None, "For example 3.0; null switches it off."),),
        "The same in space, in the calibration's unit of length, instead of in pixels.",
    ),
)


def label_files(view_names: Sequence[str]) -> Document:
    """Return the label files and the views; both lists have one order."""
    return (
        Entry(
            "csv_file",
            label_file_names(view_names),
            "The labels of each view, relative to data_dir; row n is the same moment in all of them.",
        ),
        Entry(
            "view_names",
            list(view_names),
            "The cameras, in the order of csv_file and of the calibration files. Folders and videos are called "
            "<session>_<view>.",
        ),
    )


def matched_columns(matches: list[Any] | None) -> Entry:
    """Return which keypoints all views show."""
    return Entry(
        "mirrored_column_matches",
        matches,
        "Positions (from 0) of the keypoints that every view shows; only the loss pca_multiview reads it.",
    )


def augmentation(facts: ConfigFacts, because: str) -> Document:
    """Return how training images are changed, so that the views still fit together, and the reason as a paragraph."""
    return (
        Entry(
            "imgaug",
            "dlc" if facts.is_augmented else "default",
            "Random changes of the training images: default (none), dlc (as in DeepLabCut; with a calibration without "
            "its turns and distortions, which would tear the views apart)."
            + ("" if facts.is_augmented else f"{because} To use dlc, label all views there."),
        ),
        Entry(
            "imgaug_3d",
            facts.uses_3d,
            "Move and turn the whole scene in space instead, and all views with it. It needs a calibration for every "
            "session: calibrations/<session>.toml, or calibration.toml for all.",
        ),
    )
