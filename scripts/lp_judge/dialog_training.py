"""Each choice of the app's create-model dialog, trained for one step on the CPU with random weights (``--dialog``).

The config is the one that the app would write, and LP's ``validate()`` sees it unchanged. For the step alone epochs,
batches and workers are fewer and images half as large. Unsupervised types read their video frames with OpenCV instead
of DALI, which needs a GPU: all else of them runs. Where LP refuses a choice that it would refuse with the app's own
packaged config too, that is the dialog's own fault and is said, not failed.
"""

from __future__ import annotations

import copy
import os
import time
from typing import Any

from lp_judge.dialog import Form, Project, forms, merged_config
from lp_judge.report import FAIL, PASS, SKIP, Report, describe, require, some
from lp_judge.subject import Subject

LABELED, UNLABELED = 2, 8  # frames of the one step


def check_dialog(subject: Subject, report: Report) -> None:
    """Try every choice that the form offers; one line for each model type, and one for each that does not train."""
    if not subject.options.dialog:
        return
    if subject.config is None:
        report.line(SKIP, "dialog", "no usable config")
        return
    with report.check("dialog.base", "configs/default.yaml, as the app reads it"):
        base = app_reads(subject)
    project = project_of(subject)
    own = packaged(project)
    read_videos_with_opencv()
    outcomes = [try_form(subject, base, own, form, project, n) for n, form in enumerate(forms(project))]
    for kind in dict.fromkeys(outcome.kind for outcome in outcomes):
        mine = [outcome for outcome in outcomes if outcome.kind == kind]
        trained = [outcome for outcome in mine if outcome.status == PASS]
        if trained:
            seconds = sum(outcome.seconds for outcome in trained)
            report.line(PASS, f"dialog.{kind}", f"{len(trained)} of {len(mine)} choices trained in {seconds:.0f} s")
        told: dict[tuple[str, str], list[str]] = {}
        for outcome in mine:
            if outcome.status != PASS:
                told.setdefault((outcome.status, outcome.says), []).append(str(outcome.form))
        for (status, says), which in told.items():
            report.line(status, f"dialog.{kind}", f"{says}: {len(which)} choices: {some(which)}")


class Outcome:
    """What became of one choice."""

    def __init__(self, form: Form) -> None:
        self.form = form
        self.kind = ("multi-view." if form.is_true_multiview else "") + form.model_type.replace(" ", "-").lower()
        self.status, self.says, self.seconds = PASS, "", 0.0


def app_reads(subject: Subject) -> dict[str, Any]:
    """The project's config by the app's own route."""
    from litpose_app.routes.configs import _load_yaml_file

    return _load_yaml_file(subject.directory / "configs" / "default.yaml")


def packaged(project: Project) -> dict[str, Any]:
    """The app's own base, for projects that have none."""
    from litpose_app.routes.configs import get_default_config, get_default_multiview_config

    return get_default_multiview_config() if len(project.views) > 1 else get_default_config()


def project_of(subject: Subject) -> Project:
    """What the dialog knows of the project: a file anywhere below it counts as a calibration, as in the app."""
    found = [*subject.directory.rglob("calibration.toml"), *subject.directory.glob("calibrations/*.toml")]
    names = tuple(subject.project_keypoints or ())
    return Project(str(subject.directory), names, tuple(subject.views), bool(found))


def try_form(
    subject: Subject, base: dict[str, Any], own: dict[str, Any], form: Form, project: Project, n: int
) -> Outcome:
    """Train one choice; if it fails, the same with the app's own base."""
    outcome = Outcome(form)
    started_s = time.monotonic()
    error = train_form(subject, merged_config(base, form, project, f"dialog-{n}"), f"dialog-{n}")
    if error is not None:
        outcome.status, outcome.says = FAIL, describe(error, "")
        theirs = train_form(subject, merged_config(own, form, project, f"dialog-{n}"), f"dialog-{n}-own")
        if theirs is not None and (type(theirs), str(theirs)) == (type(error), str(error)):
            outcome.status = SKIP
            outcome.says += " (with the app's own config too)"
    outcome.seconds = time.monotonic() - started_s
    return outcome


def train_form(subject: Subject, merged: dict[str, Any], name: str) -> BaseException | None:
    """Validate the config as it is and train one step of it; return the error that ends it."""
    import contextlib
    import io

    from lightning_pose.api.model_config import ModelConfig
    from lightning_pose.train import train
    from omegaconf import OmegaConf

    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            ModelConfig(OmegaConf.create(copy.deepcopy(merged))).validate()
            model = train(OmegaConf.create(shortened(merged)), subject.scratch / name, skip_evaluation=True)
        require(model is not None, "no model")
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # exit() of LP's dataset too
        return error
    finally:
        os.chdir(subject.scratch)
    return None


def shortened(merged: dict[str, Any]) -> dict[str, Any]:
    """The config for one step; only what decides how long it takes is changed."""
    config = copy.deepcopy(merged)
    training = config["training"]
    training |= {"min_epochs": 1, "max_epochs": 1, "check_val_every_n_epoch": 1, "limit_train_batches": 1}
    training |= {"train_batch_size": LABELED, "val_batch_size": LABELED, "num_workers": 0, "log_every_n_steps": 1}
    if "multisteplr" in training["lr_scheduler_params"]:
        training["lr_scheduler_params"]["multisteplr"]["milestones"] = [1]
    size = config["data"]["image_resize_dims"]
    for side, pixels in size.items():
        size[side] = pixels // 2 if pixels % 256 == 0 else pixels
    config["model"]["backbone_pretrained"] = False
    config["dali"]["base"]["train"]["sequence_length"] = UNLABELED
    config["dali"]["context"]["train"]["batch_size"] = UNLABELED
    return config


def read_videos_with_opencv() -> None:
    """Let unsupervised training run without a GPU: its video frames come from LP's OpenCV reader."""
    import lightning_pose.models.factory
    import lightning_pose.utils.device
    from lightning_pose.data.datamodules import UnlabeledDataModule
    from lightning_pose.data.video.opencv import PrepareOpenCV

    def setup(module: Any) -> None:
        lengths = {"predict": {"sequence_length": UNLABELED}}
        prepare = PrepareOpenCV(
            model_type="context" if module.dataset.do_context else "base",
            filenames=first_of_each(module.filenames),
            resize_dims=[module.dataset.height, module.dataset.width],
            dali_config={"base": lengths, "context": lengths},
        )
        module.unlabeled_dataloader = prepare()

    for place in (lightning_pose.models.factory, lightning_pose.utils.device):
        place.require_cuda_for_semi_supervised = lambda _: None
    UnlabeledDataModule.setup_unlabeled = setup


def first_of_each(filenames: list[Any]) -> list[Any]:
    """The first video, of each view where there are several."""
    return [view[:1] for view in filenames] if isinstance(filenames[0], list) else filenames[:1]
