"""What Lightning Pose 2.4.3 asks of a config for several cameras.

``models/heatmap_tracker_multiview.py`` (one transformer that looks at all views of a moment together),
``models/backbones/factory.py``, ``losses/factory.py`` and ``utils/io.py:get_videos_in_dir``.
"""

from __future__ import annotations

from collections.abc import Sequence

from dlc2lp.errors import UsageError
from dlc2lp.model import Setting
from dlc2lp.wording import counted, some

MODEL_TYPE = "heatmap_multiview_transformer"
DEFAULT_BACKBONE = "vits_dino"

#: ``ALLOWED_TRANSFORMER_BACKBONES_MULTIVIEW``.
BACKBONES = (
    "vits_dino", "vits_dinov2", "vits_dinov3", "vitb_dino", "vitb_dinov2", "vitb_dinov3", "vitb_imagenet",
)  # fmt: skip

#: Unsupervised losses that it can use.
LOSSES = ("temporal", "pca_multiview")


def label_files(view_names: Sequence[str]) -> list[str]:
    """Return the label files in the order of the views."""
    return [f"CollectedData_{view}.csv" for view in view_names]


def check_backbone(backbone: str) -> None:
    """Refuse a backbone that the multi-view transformer does not have.

    Raises
    ------
    UsageError
        ``bad-config-option``.
    """
    if backbone not in BACKBONES:
        raise UsageError.of(
            "bad-config-option",
            "--backbone",
            f"found {backbone}, expected a backbone of Lightning Pose's multi-view transformer",
            advice=f"one of {', '.join(BACKBONES)}",
        )


def check_videos(losses: Sequence[str], incomplete: Sequence[str], unequal: Sequence[str]) -> None:
    """Refuse unsupervised losses where not every session has equally long videos of all views.

    Raises
    ------
    UsageError
        ``losses-without-all-views``: Lightning Pose would stop, or train on frames of different moments.
    """
    lacking = [*incomplete, *unequal]
    if losses and lacking:
        raise UsageError.of(
            "losses-without-all-views",
            "--losses",
            f"found {', '.join(losses)}, and {counted(len(lacking), 'session')} without the video of a view or with "
            f"videos of different lengths ({some(lacking)}); unsupervised losses learn from all views at once",
            advice="leave {} out, or complete the videos",
            remedies=(Setting("losses"),),
        )
