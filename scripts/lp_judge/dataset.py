"""What ``litpose train`` builds before it trains: dataset, data module, model, PCA losses."""

from __future__ import annotations

import copy
import inspect
from typing import Any

from lp_judge.report import FAIL, Report, Skipped, Verdict, require, some
from lp_judge.subject import Subject

MAX_ROUND_TRIP_ERROR_PX = 0.6


def check_dataset(subject: Subject, report: Report) -> None:
    """Build each part from the config as it stands and read every item."""
    if not (subject.wants_lp and subject.config is not None and subject.labels):
        return
    from omegaconf import OmegaConf

    config = copy.deepcopy(subject.config)
    OmegaConf.set_struct(config, False)
    losses = [name for name in (config.model.losses_to_use or []) if name]

    plain = copy.deepcopy(config)
    plain.training.imgaug = "default"
    plain.training.imgaug_hflip = False
    dataset = None
    with report.check("dataset.build") as verdict:
        dataset = build_dataset(subject, plain)
        verdict.say(f"{type(dataset).__name__} n={len(dataset)}")
    if dataset is not None:
        with report.check("dataset.every_item") as verdict:
            read_items(subject, dataset, verdict)

    supervised = copy.deepcopy(config)
    supervised.model.losses_to_use = []  # unsupervised losses need a GPU and DALI
    supervised.training.num_workers = 0
    data_module = None
    with report.check("datamodule.batch") as verdict:
        data_module = build_data_module(subject, supervised)
        read_batches(data_module, supervised, verdict)
    if data_module is not None:
        with report.check("model.build") as verdict:
            build_model(supervised, data_module, verdict)
        for name in losses:
            check_loss(config, data_module, name, report)
    if losses:
        with report.check("unlabeled.video_paths") as verdict:
            from lightning_pose.utils.io import check_video_paths

            verdict.say(some(check_video_paths(str(subject.video_dir), view_names=subject.views or None), 3))


def build_dataset(subject: Subject, config: Any) -> Any:
    """LP's dataset with LP's augmentation."""
    from lightning_pose.data import get_dataset, get_imgaug_transform

    arguments = [config, str(subject.directory)]
    n_taken = len(inspect.signature(get_imgaug_transform).parameters)  # LP 2.4.3: 2, before: 1
    return get_dataset(config, str(subject.directory), get_imgaug_transform(*arguments[:n_taken]))


def read_items(subject: Subject, dataset: Any, verdict: Verdict) -> None:
    """Read the items; in a single view, map the keypoints back to the image and compare."""
    import torch
    from lightning_pose.data.datasets import MultiviewHeatmapDataset

    n_items = min(len(dataset), subject.options.max_frames)
    worst_px = 0.0
    for row in range(n_items):
        item = dataset[row]
        require(torch.isfinite(item["images"]).all(), f"non finite image {row}")
        require("heatmaps" not in item or torch.isfinite(item["heatmaps"]).all(), f"NaN heatmap, row {row}")
        require(float(item["images"].std()) > 1e-4, f"constant image, row {row}")
        if not isinstance(dataset, MultiviewHeatmapDataset) and subject.config.data.get("bbox_file") is None:
            worst_px = max(worst_px, round_trip_error_px(subject, dataset, row, item))
    require(worst_px < MAX_ROUND_TRIP_ERROR_PX, f"keypoints come back up to {worst_px:.2f} px off after resizing")
    verdict.say(f"{n_items}/{len(dataset)} items read; keypoint round-trip error {worst_px:.3f}px")


def round_trip_error_px(subject: Subject, dataset: Any, row: int, item: Any) -> float:
    """Largest distance between a label and the same keypoint of the resized item, in pixels of the image."""
    import numpy as np
    from PIL import Image

    resized = subject.config.data.image_resize_dims
    source = subject.labels[subject.label_files[0]].keypoints[row].numpy()
    with Image.open(subject.directory / dataset.image_names[row]) as image:
        width, height = image.size
    scale = np.array([resized.width / width, resized.height / height])
    back = item["keypoints"].reshape(-1, 2).numpy() / scale
    both = ~np.isnan(source[:, 0]) & ~np.isnan(back[:, 0])
    return float(np.abs(back[both] - source[both]).max(initial=0.0))


def build_data_module(subject: Subject, config: Any) -> Any:
    """LP's split of the dataset into train, validation and test."""
    from lightning_pose.data import get_data_module

    return get_data_module(config, build_dataset(subject, config), str(subject.video_dir))


def read_batches(data_module: Any, config: Any, verdict: Verdict) -> None:
    """One batch of each kind comes out."""
    train = next(iter(data_module.train_dataloader()))
    validation = next(iter(data_module.val_dataloader()))
    heatmaps = tuple(train["heatmaps"].shape) if train.get("heatmaps") is not None else None
    n_train = len(data_module.train_dataset)
    verdict.say(
        f"train {tuple(train['images'].shape)} val {tuple(validation['images'].shape)} heatmaps {heatmaps}; "
        f"split {n_train}/{len(data_module.val_dataset)}/{len(data_module.test_dataset)}"
    )
    batch_size = config.training.train_batch_size
    if n_train < batch_size:
        verdict.warn()
        verdict.detail += f" (fewer train frames than train_batch_size {batch_size})"


def build_model(config: Any, data_module: Any, verdict: Verdict) -> None:
    """The network itself, with random weights."""
    from lightning_pose.losses import get_loss_factories
    from lightning_pose.models import get_model

    config = copy.deepcopy(config)
    config.model.backbone_pretrained = False
    try:
        network = get_model(config, data_module, get_loss_factories(config, data_module))
    except Exception as error:
        if any(sign in repr(error) for sign in ("huggingface", "offline", "connect", "URLError")):
            raise Skipped(f"backbone {config.model.backbone} needs a download") from error
        raise
    n_millions = sum(weights.numel() for weights in network.parameters()) / 1e6
    verdict.say(f"{type(network).__name__}/{config.model.backbone} {n_millions:.1f}M params (random weights)")


def check_loss(config: Any, data_module: Any, name: str, report: Report) -> None:
    """A loss that the config asks for is described there, and its PCA can be fitted to the labels."""
    if name.startswith("pca"):
        with report.check(f"loss.{name}") as verdict:
            from lightning_pose.utils.pca import KeypointPCA

            pca = KeypointPCA(
                loss_type=name,
                data_module=data_module,
                components_to_keep=config.losses[name].get("components_to_keep", 0.99),
                mirrored_column_matches=config.data.get("mirrored_column_matches"),
                columns_for_singleview_pca=config.data.get("columns_for_singleview_pca"),
            )
            pca()
            verdict.say(f"PCA fitted on {tuple(pca.data_arr.shape)}")
    elif name not in config.losses:
        report.line(FAIL, f"loss.{name}", "in model.losses_to_use but not in the losses section")
