"""The app's create-model dialog, re-created: what its form offers, and how it merges into ``configs/default.yaml``.

From the source map of the app 2.4.2.3 (``create-model-dialog.component.ts``, ``.html`` and ``modelconf.ts``): the
form's defaults (:class:`Form`), its choices (:func:`forms`), the patch that it makes (:func:`patch_of`, there
``computeConfigPatch``) and lodash's ``_.merge``, which merges lists entry by entry (:func:`merge`).
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

SUPERVISED, SEMI = "Supervised", "Semi-supervised"
CONTEXT, SEMI_CONTEXT = "Supervised Context", "Semi-supervised Context"
MODEL_TYPES = (SUPERVISED, SEMI, CONTEXT, SEMI_CONTEXT)
BACKBONES = (
    "resnet18", "resnet34", "resnet50", "resnet50_animal_ap10k", "resnet50_human_hand", "resnet101", "resnet152",
    "efficientnet_b0", "efficientnet_b1", "efficientnet_b2", "vits_dino", "vits_dinov2", "vitb_dino", "vitb_dinov2",
    "vitb_imagenet", "vitb_sam",
)  # fmt: skip
AUGMENTATIONS = ("dlc", "dlc-top-down")
#: The form takes more epochs, but no fewer.
FEWEST_EPOCHS = 5


@dataclass(frozen=True)
class Project:
    """What the dialog knows of a project: of project.yaml, and whether it finds a calibration file."""

    data_dir: str
    keypoint_names: tuple[str, ...]
    views: tuple[str, ...] = ()
    has_calibrations: bool = False


@dataclass(frozen=True)
class Form:
    """The form, filled in; as it opens, but for the backbone of a multi-view project."""

    model_type: str = SUPERVISED
    backbone: str = "resnet50"
    is_true_multiview: bool = False  #: The box "Use true multi-view models".
    train_prob: float = 0.95
    val_prob: float = 0.05
    random_seed: int = 0
    videos_dir: str = "videos"
    epochs: int = 300
    labeled_batch_size: int = 16
    unlabeled_batch_size: int = 32
    augmentation: str = "dlc"
    temporal: bool = True
    pose_pca: bool = True
    log_weight: float = 5.0
    uses_calibrations: bool = False
    reprojection: bool = True
    reprojection_log_weight: float = 3.0

    @property
    def is_unsupervised(self) -> bool:
        """Whether it learns from videos too."""
        return self.model_type in (SEMI, SEMI_CONTEXT)

    def __str__(self) -> str:
        """What differs from the form as it opens."""
        told = [self.model_type, self.backbone, *(["true multi-view"] if self.is_true_multiview else [])]
        for name, usual in vars(Form()).items():
            value = getattr(self, name)
            if name not in ("model_type", "backbone", "is_true_multiview") and value != usual:
                told.append(f"{name}={value}")
        return ", ".join(told)


def forms(project: Project) -> Iterator[Form]:
    """Every combination of what decides which code trains: model type, backbone, box, calibrations.

    Augmentation, losses and epochs are tried with the first backbone of each kind.
    """
    multiview = len(project.views) > 1
    calibrations = (True, False) if project.has_calibrations else (False,)
    if multiview:
        vits = [name for name in BACKBONES if name.startswith("vit")]
        for backbone, uses in itertools.product(vits, calibrations):
            yield Form(backbone=backbone, is_true_multiview=True, uses_calibrations=uses)
    for backbone, kind, uses in itertools.product(BACKBONES, MODEL_TYPES, calibrations):
        yield Form(model_type=kind, backbone=backbone, uses_calibrations=uses)
    first = Form(backbone="vits_dino", is_true_multiview=True) if multiview else Form()
    for uses in calibrations:
        first = replace(first, uses_calibrations=uses)
        yield replace(first, epochs=FEWEST_EPOCHS)
        yield replace(first, epochs=1000)
        if uses:
            yield replace(first, reprojection=False)
            yield Form(uses_calibrations=True, reprojection=False)
        else:
            yield replace(first, augmentation="dlc-top-down")
    if not multiview:
        for kind, (temporal, pose_pca) in itertools.product(
            (SEMI, SEMI_CONTEXT), ((True, False), (False, True), (False, False))
        ):
            yield Form(model_type=kind, temporal=temporal, pose_pca=pose_pca)


def patch_of(form: Form, project: Project, model_name: str) -> dict[str, Any]:
    """What the form changes in the config."""
    multiview = len(project.views) > 1
    videos = f"{project.data_dir}/{form.videos_dir}"
    patches: list[dict[str, Any]] = [
        {
            "data": {
                "data_dir": project.data_dir,
                "keypoint_names": list(project.keypoint_names),
                "num_keypoints": len(project.keypoint_names),
                "video_dir": videos,
                "csv_file": [f"CollectedData_{view}.csv" for view in project.views] or "CollectedData.csv",
            },
            "model": {"model_name": model_name, "backbone": form.backbone, "model_type": _lp_type(form)},
            "training": {
                "train_prob": form.train_prob,
                "val_prob": form.val_prob,
                "min_epochs": form.epochs,
                "max_epochs": form.epochs,
                "train_batch_size": form.labeled_batch_size,
                "imgaug": form.augmentation,
            },
            "eval": {"test_videos_directory": videos},
            "dali": {
                "base": {"train": {"sequence_length": form.unlabeled_batch_size}},
                "context": {"train": {"batch_size": form.unlabeled_batch_size}},
            },
        },
        {"model": {"losses_to_use": _losses(form)}},
    ]
    if multiview:
        patches.append({"data": {"view_names": list(project.views)}})
        patches.append({"training": {"imgaug_3d": form.uses_calibrations}})
        if form.uses_calibrations and form.reprojection:
            weight = {"log_weight": form.reprojection_log_weight}
            patches.append({"losses": {"supervised_reprojection_heatmap_mse": weight}})
    else:
        if form.backbone.startswith("vit"):
            patches.append({"training": {"optimizer_params": {"learning_rate": 5e-5}}})
        named = {"temporal": form.temporal, "pca_singleview": form.pose_pca}
        patches.append({"losses": {name: {"log_weight": form.log_weight} for name, is_on in named.items() if is_on}})
    if form.is_unsupervised and form.pose_pca:
        patches.append({"data": {"columns_for_singleview_pca": list(range(len(project.keypoint_names)))}})
    if form.random_seed:
        patches.append({"training": {"rng_seed_data_pt": form.random_seed}})
    patch: dict[str, Any] = {}
    for each in patches:
        merge(patch, each)
    return patch


def _lp_type(form: Form) -> str:
    if form.is_true_multiview:
        return "heatmap_multiview_transformer"
    return "heatmap_mhcrnn" if form.model_type in (CONTEXT, SEMI_CONTEXT) else "heatmap"


def _losses(form: Form) -> list[str]:
    if not form.is_unsupervised:
        return []
    return [name for name, is_on in (("temporal", form.temporal), ("pca_singleview", form.pose_pca)) if is_on]


def merge(into: Any, patch: Any) -> Any:
    """As lodash's ``_.merge``: mappings by key, lists by index, anything else replaced."""
    if isinstance(patch, dict) and isinstance(into, dict):
        for key, value in patch.items():
            into[key] = merge(into.get(key), value)
        return into
    if isinstance(patch, list) and isinstance(into, list):
        merged = [merge(old, new) for old, new in zip(into, patch, strict=False)]
        return merged + copy.deepcopy(patch[len(into) :]) + into[len(patch) :]
    return copy.deepcopy(patch)


def merged_config(base: dict[str, Any], form: Form, project: Project, model_name: str) -> dict[str, Any]:
    """The config of the model that the dialog creates."""
    merged: dict[str, Any] = merge(copy.deepcopy(base), patch_of(form, project, model_name))
    return merged
