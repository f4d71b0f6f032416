"""What Lightning Pose 2.4.3 asks of a config for several cameras.

``models/heatmap_tracker_multiview.py`` (one transformer that looks at all views of a moment together),
``models/backbones/factory.py``, ``losses/factory.py`` and ``utils/io.py:get_videos_in_dir``.
"""

from __future__ import annotations

from collections.abc import Sequence

from dlc2lp.lp.names import label_file_name

MODEL = "heatmap_multiview_transformer"
DEFAULT_BACKBONE = "vits_dino"

#: ``ALLOWED_TRANSFORMER_BACKBONES_MULTIVIEW``.
BACKBONES = (
    "vits_dino", "vits_dinov2", "vits_dinov3", "vitb_dino", "vitb_dinov2", "vitb_dinov3", "vitb_imagenet",
)  # fmt: skip

#: Unsupervised losses that it can use.
LOSSES = ("temporal", "pca_multiview")


def label_files(view_names: Sequence[str]) -> list[str]:
    """Return the label files in the order of the views."""
    return [label_file_name(view) for view in view_names]
