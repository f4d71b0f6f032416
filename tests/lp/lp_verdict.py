"""Runs inside the environment of the real Lightning Pose: judges projects by its code and its app's.

    ENV/bin/python lp_verdict.py '{"good": ["DIR", ...], "broken": ["DIR", ...], "registered": "SYSTEM_DIR"}'

Prints one JSON document. Nothing of dlc2lp is imported here.
"""

from __future__ import annotations

import collections
import contextlib
import json
import logging
import os
import sys
import warnings
from pathlib import Path

logging.disable(logging.WARNING)
warnings.simplefilter("ignore")
ASKED = json.loads(sys.argv[1])
os.environ["LP_SYSTEM_DIR"] = ASKED["registered"]

with contextlib.redirect_stdout(sys.stderr):
    import hydra
    import lightning_pose.data.datatypes as lp_types
    import yaml
    from hydra.core.global_hydra import GlobalHydra
    from lightning_pose.api.model_config import ModelConfig
    from lightning_pose.data.utils import split_sizes_from_probabilities
    from lightning_pose.utils.io import get_context_img_paths, get_videos_in_dir, parse_label_csv

    # app 2.4.2.3 imports names that Lightning Pose 2.4.3 does not have; only their being there matters
    fields = {"FrameKey": "session_key frame_index view", "VideoFileKey": "session_key view"}
    for name in ("FrameKey", "LabelFileKey", "SessionKey", "VideoFileKey", "ViewName"):
        if not hasattr(lp_types, name):
            setattr(lp_types, name, collections.namedtuple(name, fields[name]) if name in fields else str)
    from litpose_app.datatypes import Project, ProjectConfig, ProjectPaths
    from litpose_app.project import ProjectUtil
    from litpose_app.rootconfig import RootConfig
    from litpose_app.routes import validate_files
    from litpose_app.routes.configs import _load_yaml_file
    from litpose_app.routes.videos import parse_session_view
    from litpose_app.skeleton import skeleton_problems
    from litpose_app.utils.mv_label_file import LabelingQueueEntry

OVERRIDES = ["training.accumulate_grad_batches=3", "training.num_workers=0", "model.backbone_pretrained=false"]


def config_of(folder: Path, overrides: tuple[str, ...] = ()) -> object:
    GlobalHydra.instance().clear()
    with hydra.initialize_config_dir(version_base="1.1", config_dir=str(folder / "configs")):
        return hydra.compose(config_name="default", overrides=list(overrides))


def judge(folder: Path) -> dict[str, object]:
    labels = parse_label_csv(str(folder / "CollectedData.csv"))
    config = config_of(folder, tuple(OVERRIDES))
    ModelConfig(config).validate()
    n_frames = len(labels.image_names)
    project = ProjectConfig.model_validate(yaml.safe_load((folder / "project.yaml").read_text()))
    opened = Project(project_key="p", paths=ProjectPaths(data_dir=folder), config=project)
    queue = [LabelingQueueEntry(**json.loads(line)) for line in (folder / "CollectedData.unlabeled.jsonl").open()]
    issues = [
        f"{item.path}: {issue}"
        for check in (validate_files._validate_labels, validate_files._validate_labeled_data)
        for item in check(opened)[0]
        for issue in (*item.issues, *item.warnings)
    ]
    return {
        "keypoints": labels.keypoint_names,
        "images": labels.image_names,
        "points": [[None if x != x else x for x in row.flatten().tolist()] for row in labels.keypoints.double()],
        "visible": None if labels.visibility is None else labels.visibility.tolist(),
        "config_keypoints": None if config.data.keypoint_names is None else list(config.data.keypoint_names),
        "config_paths": [config.data.data_dir, config.data.video_dir, config.eval.test_videos_directory],
        "config_in_app": _load_yaml_file(folder / "configs" / "default.yaml")["data"]["keypoint_names"],
        "accumulate": config.training.accumulate_grad_batches,
        "learning_rate": config.training.optimizer_params.learning_rate,
        "split": split_sizes_from_probabilities(n_frames, config.training.train_prob, config.training.val_prob),
        "videos": sorted(map(os.path.basename, get_videos_in_dir(config.data.video_dir))),
        "video_names": [parse_session_view(path.name, False)[0] for path in (folder / "videos").iterdir()],
        "context": [path.name for path in get_context_img_paths(Path(labels.image_names[1]))],
        "app_keypoints": project.keypoint_names,
        "skeleton": skeleton_problems(project.skeleton, project.keypoint_names),
        "queue": [entry.model_dump() for entry in queue],
        "issues": issues,
    }


def refusal(folder: Path) -> str:
    """Return what Lightning Pose says to a broken project; empty if it takes it."""
    try:
        labels = parse_label_csv(str(folder / "CollectedData.csv"))
        if labels.visibility is not None and int(labels.visibility.min()) < 0:
            return "visible cells turned into numbers below 0"
        if "image" in labels.image_names:
            return "a frame called image"
        config = config_of(folder)
        ModelConfig(config).validate()
        split_sizes_from_probabilities(len(labels.image_names), config.training.train_prob, config.training.val_prob)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


print(
    json.dumps(
        {
            "good": [judge(Path(folder)) for folder in ASKED["good"]],
            "broken": [refusal(Path(folder)) for folder in ASKED["broken"]],
            "registered": {
                key: str(paths.data_dir) for key, paths in ProjectUtil(RootConfig()).get_all_project_paths().items()
            },
        }
    )
)
