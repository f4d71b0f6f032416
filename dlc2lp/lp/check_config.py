"""``configs/default.yaml`` as Lightning Pose 2.4.3 reads it: keys, constraints, paths.

The rules are those of ``api/model_config.py`` (``validate``), ``train.py``, ``callbacks.py``, ``data/utils.py``,
``utils/pca.py`` and ``models/factory.py``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import yaml

from dlc2lp.files import absolute
from dlc2lp.limits import CONFIG_BYTES
from dlc2lp.lp.check_labels import TargetLabels
from dlc2lp.lp.names import label_file_name
from dlc2lp.lp.yamlfile import explain, line_of, load_yaml
from dlc2lp.model import Command, Finding, Severity
from dlc2lp.wording import counted

CONFIG_FILE = "configs/default.yaml"

_MODEL_TYPES = ("regression", "heatmap", "heatmap_mhcrnn", "heatmap_multiview_transformer")
_PIPELINES = ("default", "none", "dlc", "dlc-lr", "dlc-top-down", "dlc-mv")
_LOSSES = (
    "pca_singleview", "pca_multiview", "temporal", "temporal_heatmap_mse", "temporal_heatmap_kl",
)  # fmt: skip
_BACKBONES = (
    "resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnet50_animal_apose", "resnet50_animal_ap10k",
    "resnet50_human_jhmdb", "resnet50_human_res_rle", "resnet50_human_top_res", "resnet50_human_hand",
    "efficientnet_b0", "efficientnet_b1", "efficientnet_b2", "vits_dino", "vits_dinov2", "vits_dinov3",
    "vitb_dino", "vitb_dinov2", "vitb_dinov3", "vitb_imagenet", "vitb_sam", "vitb_sam2", "vits_sam2", "vitt_sam2",
)  # fmt: skip
_REQUIRED = (
    "data.image_resize_dims.height", "data.image_resize_dims.width", "data.data_dir", "data.video_dir",
    "data.csv_file", "data.num_keypoints", "data.keypoint_names", "training.train_batch_size",
    "training.val_batch_size", "training.test_batch_size", "training.train_prob", "training.val_prob",
    "training.train_frames", "training.num_gpus", "training.log_every_n_steps", "training.rng_seed_data_pt",
    "training.rng_seed_model_pt", "training.lr_scheduler_params", "model.losses_to_use", "model.backbone",
    "model.model_type", "model.heatmap_loss_type", "model.model_name", "losses", "eval.predict_vids_after_training",
)  # fmt: skip
_BY_EPOCHS = ("training.min_epochs", "training.max_epochs", "training.unfreezing_epoch")
_BY_STEPS = ("training.min_steps", "training.max_steps", "training.unfreezing_step")
_PREDICTING = (
    "eval.test_videos_directory", "eval.save_vids_after_training", "eval.confidence_thresh_for_vid",
    "dali.base.predict.sequence_length",
)  # fmt: skip

_INTERPOLATION = re.compile(r"(\\*)\$\{([^${}]*)(\}?)")
_ABSENT = object()


class _Config:
    """A loaded config with dotted access; texts as OmegaConf gives them out."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value at ``section.name``, with interpolations resolved."""
        value = self._raw(key)
        return default if value is _ABSENT else self._plain(value)

    def has(self, key: str) -> bool:
        """Whether the key is there; its value may be null."""
        return self._raw(key) is not _ABSENT

    def _raw(self, key: str) -> Any:
        value: Any = self._values
        for name in key.split("."):
            if not isinstance(value, dict) or name not in value:
                return _ABSENT
            value = value[name]
        return value

    def _plain(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._plain(item) for item in value]
        return _INTERPOLATION.sub(self._resolve, value) if isinstance(value, str) else value

    def _resolve(self, match: re.Match[str]) -> str:
        slashes, key, end = match.groups()
        kept = "\\" * (len(slashes) // 2)
        if len(slashes) % 2:
            return f"{kept}${{{key}{end}"
        target = self._raw(key)
        return f"{kept}{target}" if isinstance(target, str) else match[0]


def check_config(target: Path, views: Sequence[str], files: Sequence[TargetLabels]) -> list[Finding]:
    """Return what would stop or mislead a training by the config, given the project's views and label files."""
    anew = Command.of("dlc2lp", "config", target, "--discard-edits")
    advice = "correct it there, or have the file written anew: {}"
    return [
        finding if finding.advice else replace(finding, advice=advice, remedies=(anew,))
        for finding in _faults(target, views, files)
    ]


def _faults(target: Path, views: Sequence[str], files: Sequence[TargetLabels]) -> list[Finding]:
    try:
        loaded = load_yaml(CONFIG_BYTES.read_text(target / CONFIG_FILE))
    except FileNotFoundError:
        return [_finding("target-config-missing", "found no config to train with")]
    except yaml.YAMLError as error:
        return [_finding("target-config-invalid", f"is no YAML for Lightning Pose: {explain(error)}", line_of(error))]
    except (OSError, UnicodeDecodeError) as error:
        return [_finding("target-config-invalid", f"can't be read: {error}")]
    if not isinstance(loaded, dict):
        return [_finding("target-config-invalid", "found no mapping, expected sections such as `data:`")]
    config = _Config(loaded)
    missing = [key for key in _required_keys(config) if not config.has(key)]
    if missing:
        return [_finding("target-config-key", "the key is missing", key) for key in missing]
    checks = (
        _check_numbers(config), _check_image_size(config), _check_split(config), _check_schedule(config),
        _check_model(config, views), _check_losses(config, files), _check_names(config, views, files),
        _check_label_files(config, target, views), _check_paths(config, target), _elsewhere(config, target),
    )  # fmt: skip
    return [finding for check in checks for finding in check]


def _finding(code: str, message: str, key: str = "") -> Finding:
    return Finding(Severity.ERROR, code, CONFIG_FILE, message, key)


def _bad(key: str, found: object, expected: str) -> Finding:
    return _finding("target-config-value", f"found {found!r:.200}, expected {expected}", key)


def _required_keys(config: _Config) -> Iterator[str]:
    yield from _REQUIRED
    yield from _BY_STEPS if config.has("training.min_steps") or config.has("training.max_steps") else _BY_EPOCHS
    if config.get("eval.predict_vids_after_training"):
        yield from _PREDICTING
    if config.get("training.early_stopping"):
        yield "training.early_stop_patience"
    if config.get("training.ckpt_every_n_epochs") is not None:
        yield "training.check_val_every_n_epoch"
    losses = config.get("model.losses_to_use")
    if losses and isinstance(losses, list):
        yield from ("dali.base.train.sequence_length", "dali.context.train.batch_size", "callbacks.anneal_weight")
        yield from (f"losses.{loss}" for loss in losses if isinstance(loss, str))


def _is_int(value: object, least: int) -> bool:
    return type(value) is int and value >= least


def _is_number(value: object) -> bool:
    return type(value) in (int, float)


def _check_numbers(config: _Config) -> Iterator[Finding]:
    counts = ("train_batch_size", "val_batch_size", "test_batch_size", "num_gpus", "log_every_n_steps")
    for name in (*counts, "accumulate_grad_batches"):
        value = config.get(f"training.{name}", 1)
        if not _is_int(value, 1):
            yield _bad(f"training.{name}", value, "a whole number from 1")
    rate = config.get("training.optimizer_params.learning_rate", 0.001)
    if not _is_number(rate) or rate <= 0:
        yield _bad("training.optimizer_params.learning_rate", rate, "a number above 0")


def _check_image_size(config: _Config) -> Iterator[Finding]:
    sides = [config.get(f"data.image_resize_dims.{name}") for name in ("height", "width")]
    for name, side in zip(("height", "width"), sides, strict=True):
        if not _is_int(side, 1) or side % 128:
            yield _bad(f"data.image_resize_dims.{name}", side, "a multiple of 128")
    backbone = config.get("model.backbone")
    if isinstance(backbone, str) and "vit" in backbone and sides[0] != sides[1]:
        yield _bad("data.image_resize_dims", sides, f"height = width, which {backbone} needs")


def _check_split(config: _Config) -> Iterator[Finding]:
    train, val = config.get("training.train_prob"), config.get("training.val_prob")
    if not (_is_number(train) and _is_number(val) and train > 0 and val > 0):
        yield _bad("training.train_prob", [train, val], "two shares above 0")
    elif train + val > 1.0 or (1.0 - train - val) + train + val != 1.0:
        yield _bad("training.train_prob", [train, val], "two shares that add up to 1 to the last bit")


def _check_schedule(config: _Config) -> Iterator[Finding]:
    by_steps = config.has("training.max_steps")
    last_key = "training.max_steps" if by_steps else "training.max_epochs"
    mixed = [key for key in (_BY_EPOCHS if by_steps else _BY_STEPS) if config.has(key)]
    if mixed:
        yield _bad(mixed[0], config.get(mixed[0]), "either epochs or steps, not both")
    last = config.get(last_key)
    if not _is_int(last, 1):
        yield _bad(last_key, last, "a whole number from 1")
        return
    key = f"training.lr_scheduler_params.multisteplr.{'milestone_steps' if by_steps else 'milestones'}"
    if config.has("training.lr_scheduler_params.multisteplr"):
        milestones = config.get(key)
        if not isinstance(milestones, list) or not all(_is_int(stone, 0) and stone <= last for stone in milestones):
            yield _bad(key, milestones, f"a list of numbers up to {last_key} ({last})")
    validated, kept = config.get("training.check_val_every_n_epoch", 1), config.get("training.ckpt_every_n_epochs")
    if not _is_int(validated, 1):
        yield _bad("training.check_val_every_n_epoch", validated, "a whole number from 1")
    elif kept is not None and (not _is_int(kept, 1) or kept % validated):
        yield _bad("training.ckpt_every_n_epochs", kept, "a multiple of training.check_val_every_n_epoch")


def _check_model(config: _Config, views: Sequence[str]) -> Iterator[Finding]:
    kind, backbone = config.get("model.model_type"), config.get("model.backbone")
    if kind not in _MODEL_TYPES:
        yield _bad("model.model_type", kind, f"one of {', '.join(_MODEL_TYPES)}")
    elif kind == "heatmap_multiview_transformer" and not (views and str(backbone).startswith("vit")):
        yield _bad("model.model_type", kind, "views and a vit backbone for it")
    elif kind == "regression" and views:
        yield _bad("model.model_type", kind, "a heatmap model for a multi-view project")
    if backbone not in _BACKBONES:
        yield _bad("model.backbone", backbone, "a backbone of Lightning Pose")
    pipeline = config.get("training.imgaug", "default")
    if not isinstance(pipeline, dict) and pipeline not in _PIPELINES:
        yield _bad("training.imgaug", pipeline, f"one of {', '.join(_PIPELINES)}")
    heatmap_loss = config.get("model.heatmap_loss_type")
    if heatmap_loss not in ("mse", "kl", "js"):
        yield _bad("model.heatmap_loss_type", heatmap_loss, "mse, kl or js")


def _check_losses(config: _Config, files: Sequence[TargetLabels]) -> Iterator[Finding]:
    losses = config.get("model.losses_to_use")
    if not isinstance(losses, list) or not all(loss in _LOSSES for loss in losses):
        yield _bad("model.losses_to_use", losses, f"a list of {', '.join(_LOSSES)}")
        return
    for loss in losses:
        weight = config.get(f"losses.{loss}.log_weight", 0.0)
        if not _is_number(weight):
            yield _bad(f"losses.{loss}.log_weight", weight, "a number")
    if "pca_singleview" in losses and files:
        yield from _check_pca(config, len(files[0].images), len(files[0].keypoint_names))


def _check_pca(config: _Config, n_frames: int, n_keypoints: int) -> Iterator[Finding]:
    key = "data.columns_for_singleview_pca"
    columns = config.get(key)
    columns = list(range(n_keypoints)) if columns is None else columns
    if not isinstance(columns, list) or not columns or not all(_is_int(c, 0) and c < n_keypoints for c in columns):
        yield _bad(key, columns, f"null or a list of positions from 0 to {n_keypoints - 1}")
        return
    val_prob = config.get("training.val_prob")
    if not _is_number(val_prob):
        return  # told elsewhere
    n_train = n_frames - max(1, math.floor(n_frames * val_prob))
    if n_train < 2 * len(columns):
        found = f"{counted(n_train, 'frame')} to train on"
        enough = f"{2 * len(columns)} or more for pca_singleview of {counted(len(columns), 'keypoint')}"
        yield _bad("model.losses_to_use", found, enough)


def _check_names(config: _Config, views: Sequence[str], files: Sequence[TargetLabels]) -> Iterator[Finding]:
    names, n_keypoints = config.get("data.keypoint_names"), config.get("data.num_keypoints")
    expected = list(files[0].keypoint_names) if files else None
    if not _is_int(n_keypoints, 1) or (expected is not None and n_keypoints != len(expected)):
        yield _bad("data.num_keypoints", n_keypoints, f"{len(expected) if expected else 'the number of keypoints'}")
    if names is not None and expected is not None and names != expected:
        message = f"found {names}, expected those of {files[0].name}: {expected}"
        yield _finding("target-keypoints-differ", message, "data.keypoint_names")
    config_views = config.get("data.view_names")
    if (list(views) or None) != config_views:
        yield _bad("data.view_names", config_views, f"{list(views)} as in project.yaml" if views else "no such key")


def _check_label_files(config: _Config, target: Path, views: Sequence[str]) -> Iterator[Finding]:
    """A person may train on another label file of the project than the app's; it must be there."""
    csv_file = config.get("data.csv_file")
    listed = csv_file if views and isinstance(csv_file, list) else [csv_file]
    if len(listed) != len(views or ("",)) or not all(isinstance(name, str) for name in listed):
        names = [label_file_name(view) for view in views] if views else label_file_name("")
        yield _bad("data.csv_file", csv_file, f"{names}")
        return
    if len(set(listed)) < len(listed):
        yield _bad("data.csv_file", csv_file, "another label file for each view")
    for name in listed:
        if not _is_absolute(name) and not (target / name).is_file():
            yield _bad("data.csv_file", name, "a file of the project")


def _check_paths(config: _Config, target: Path) -> Iterator[Finding]:
    for key in ("data.data_dir", "eval.test_videos_directory"):
        path = config.get(key)
        if path is None and key.startswith("eval"):
            continue
        if not isinstance(path, str) or not _is_absolute(path):
            yield _bad(key, path, "an absolute path")
            return
    if not _is_here(config, target):
        return
    video_dir = config.get("data.video_dir")
    if not isinstance(video_dir, str) or not (target / video_dir).is_dir():
        yield _bad("data.video_dir", video_dir, "a folder; Lightning Pose wants it also when it is empty")
    if config.get("eval.predict_vids_after_training"):
        folder = Path(config.get("eval.test_videos_directory") or "")
        if folder == Path() or not folder.is_dir() or not any(path.name.endswith(".mp4") for path in folder.iterdir()):
            found = f"no .mp4 in {config.get('eval.test_videos_directory')}"
            yield _bad("eval.predict_vids_after_training", found, "false, or training ends with an error")


def _is_absolute(path: str) -> bool:
    # A NUL is possible in YAML and in no path; pathlib raises ValueError at it.
    return "\0" not in path and (PurePosixPath(path).is_absolute() or PureWindowsPath(path).is_absolute())


def _is_here(config: _Config, target: Path) -> bool:
    return Path(config.get("data.data_dir")).resolve() == target.resolve()


def _elsewhere(config: _Config, target: Path) -> Iterator[Finding]:
    """Say that the config is for another place: meant so (--data-dir), or the project was moved."""
    data_dir = config.get("data.data_dir")
    if isinstance(data_dir, str) and _is_absolute(data_dir) and not _is_here(config, target):
        yield Finding(
            Severity.WARNING if Path(data_dir).is_dir() else Severity.NOTE,
            "target-config-elsewhere",
            CONFIG_FILE,
            f"found {data_dir}, expected {absolute(target)} if it is to be trained on here",
            "data.data_dir",
            "{}",
            (Command.of("dlc2lp", "config", target, "--data-dir", absolute(target)),),
        )
