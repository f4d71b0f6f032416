"""The LP config: found, composed by hydra, validated by LP."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from lp_judge.report import FAIL, Report, require
from lp_judge.subject import Subject


def find_config(subject: Subject) -> Path | None:
    """The config that the command line names, else the first of the usual places."""
    if subject.options.config:
        return subject.options.config
    root = subject.directory
    candidates = [
        root / "config.yaml",
        root / "configs" / "default.yaml",
        *sorted(root.glob("config*.yaml")),
        *sorted(root.glob("configs/*.yaml")),
        *sorted(root.glob("model_config*.yaml")),
    ]
    return next((path for path in candidates if path.exists()), None)


def compose(path: Path, overrides: list[str]) -> Any:
    """The config as ``litpose train`` would compose it."""
    import hydra
    from hydra.core.global_hydra import GlobalHydra

    GlobalHydra.instance().clear()
    with hydra.initialize_config_dir(version_base="1.1", config_dir=str(path.parent.absolute())):
        return hydra.compose(config_name=path.stem, overrides=overrides)


def check_config(subject: Subject, report: Report) -> None:
    """Compose the config for the later checks."""
    path = subject.config_path = find_config(subject)
    if not subject.wants_lp:
        return
    if path is None:
        words = "no config.yaml, configs/*.yaml or model_config*.yaml (or pass --config)"
        report.line(FAIL, "config.exists", words)
        return
    from omegaconf import OmegaConf

    with report.check("config.omegaconf", path):
        OmegaConf.load(path)
    with report.check("config.hydra_compose") as verdict:
        config = subject.config = compose(path, subject.options.override)
        OmegaConf.to_container(config, resolve=True)
        size = config.data.image_resize_dims
        verdict.say(
            f"model_type={config.model.model_type} backbone={config.model.backbone} "
            f"losses={list(config.model.losses_to_use or [])} dims={size.height}x{size.width}"
        )
    if subject.config is None:
        return
    with report.check("config.validate", "ModelConfig.validate()"):
        from lightning_pose.api.model_config import ModelConfig

        ModelConfig(subject.config).validate()
    check_paths(subject, report)
    check_views(subject, report)


def check_paths(subject: Subject, report: Report) -> None:
    """The config leads to this project from any current directory."""
    from lightning_pose.utils.io import return_absolute_data_paths

    with report.check("config.data_paths") as verdict:
        elsewhere = subject.scratch / "a" / "b" / "c"
        elsewhere.mkdir(parents=True)
        os.chdir(elsewhere)  # litpose train resolves relative paths from its output folder
        try:
            data_dir, video_dir = return_absolute_data_paths(subject.config.data)
        finally:
            os.chdir(subject.scratch)
        written = subject.config.data.data_dir
        require(Path(written).is_absolute(), f"data_dir {written!r} is relative")
        require(
            Path(data_dir).resolve() == subject.directory,
            f"data_dir {data_dir} is not this project {subject.directory}",
        )
        verdict.say(f"video_dir={video_dir}")


def check_views(subject: Subject, report: Report) -> None:
    """The config and project.yaml name the same views; without project.yaml the config's count."""
    with report.check("config.views") as verdict:
        views = list(subject.config.data.get("view_names") or [])
        if (subject.directory / "project.yaml").exists():
            require(views == subject.views, f"config view_names {views} != project.yaml {subject.views}")
        elif views:
            subject.views = views
        verdict.say(views or "single view")
