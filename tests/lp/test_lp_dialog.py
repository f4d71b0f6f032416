"""Every choice of the app's create-model dialog, merged over the starter config as the app does it, is a valid config.

``scripts/lp_judge`` holds the dialog and trains with it (``scripts/accept dialog``); here dlc2lp's own check of a
config judges what comes of the merge.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from lp_targets import make_target

from dlc2lp.lp.check import check_target
from dlc2lp.lp.check_config import CONFIG_FILE
from dlc2lp.lp.config_choices import ConfigChoices
from dlc2lp.lp.config_facts import ConfigFacts
from dlc2lp.lp.starter import StarterConfig, starter_config
from dlc2lp.lp.yamlfile import load_yaml

sys.path.append(str(Path(__file__).resolve().parents[2] / "scripts"))

from lp_judge.dialog import SUPERVISED, Form, Project, forms, merge, merged_config

NAMES = ("nose", "ear", "tail")
VGA = (((640, 480), 200),)
FACTS = ConfigFacts("/data/mouse", NAMES, 200, VGA, {}, 2, n_frames_without_context=0)
VIEWS = dataclasses.replace(FACTS, view_names=("top", "side"), is_calibrated=True)


def prose(made: StarterConfig) -> str:
    return " ".join(line.removeprefix("# ") for line in made.text[: made.text.index("\n\n")].splitlines())


def head(facts: ConfigFacts = FACTS, **choices: Any) -> str:
    return prose(starter_config(facts, ConfigChoices(**choices)))


def test_lists_are_merged_entry_by_entry_and_null_replaces() -> None:
    base = {"a": {"b": [1, {"c": 1}, 3], "d": None}, "e": [1]}
    assert merge(base, {"a": {"b": [None, {"x": 2}], "d": {"y": 1}}, "e": []}) == {
        "a": {"b": [None, {"c": 1, "x": 2}, 3], "d": {"y": 1}},
        "e": [1],
    }


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_target(tmp_path_factory.mktemp("lp") / "target", names=NAMES, n_frames=30)


PROJECT = Project("", NAMES)


@pytest.mark.parametrize("form", list(forms(PROJECT)), ids=str)
def test_every_choice_makes_a_config_that_trains(target: Path, form: Form, tmp_path: Path) -> None:
    config = target / CONFIG_FILE
    text = config.read_text(encoding="utf-8")
    project = dataclasses.replace(PROJECT, data_dir=str(target))
    try:
        config.write_text(json.dumps(merged_config(load_yaml(text), form, project, "mine")), encoding="utf-8")
        assert [found for found in check_target(target, every_image=False) if found.subject == CONFIG_FILE] == []
    finally:
        config.write_text(text, encoding="utf-8")


def merged(made: StarterConfig, form: Form, facts: ConfigFacts = FACTS) -> dict[str, Any]:
    project = Project(facts.data_dir, facts.keypoint_names, facts.view_names, facts.is_calibrated)
    return merged_config(made.values, form, project, "mine")


def test_any_number_of_epochs() -> None:
    """Lightning Pose asserts that no milestone is beyond the last epoch, and the form leaves milestones."""
    config = merged(starter_config(FACTS, ConfigChoices()), Form(epochs=5))
    assert config["training"]["max_epochs"] == 5
    assert config["training"]["lr_scheduler_params"] == {}


def test_losses_in_space_are_off_where_the_form_leaves_them() -> None:
    made = starter_config(VIEWS, ConfigChoices())
    for form, weight in ((Form(), None), (Form(is_true_multiview=True, uses_calibrations=True), 3.0)):
        losses = merged(made, form, VIEWS)["losses"]
        assert losses["supervised_reprojection_heatmap_mse"]["log_weight"] == weight
        assert losses["supervised_pairwise_projections"]["log_weight"] is None


def test_the_head_says_what_to_enter() -> None:
    assert "Supervised 16, Semi-supervised 16 and 25, Supervised Context 8, Semi-supervised Context 4 and 20" in head()
    small = head(gpu_memory=3)
    assert "Supervised 8," in small
    assert "accumulate_grad_batches 2 stays: 2 steps" in small
    assert "accumulate_grad_batches" not in head()
    assert "Epochs there: 500" in head(dataclasses.replace(FACTS, n_labeled_frames=40))
    assert "Epochs there" not in head()


def test_the_head_names_what_the_form_can_not_undo() -> None:
    with_losses = starter_config(FACTS, ConfigChoices(losses=("temporal",)))
    assert merged(with_losses, Form(model_type=SUPERVISED))["model"]["losses_to_use"] == ["temporal"]
    assert "would keep the losses temporal" in prose(with_losses)
    vit = starter_config(FACTS, ConfigChoices(backbone="vits_dino"))
    assert merged(vit, Form())["training"]["optimizer_params"] == {"learning_rate": 5e-5}
    assert "would keep the learning rate 0.00005" in prose(vit)
    assert "No vit backbone there: the images are resized to 256x384 px" in head(resize=(256, 384))
    plain = head()
    assert not [word for word in ("would keep", "No vit backbone", "Pose PCA", "context types") if word in plain]
    few = dataclasses.replace(FACTS, n_labeled_frames=6, n_frames_without_context=2)
    assert "No Pose PCA there (of the semi-supervised types): it needs 6 labeled frames to train on" in head(few)
    assert "2 of 6 labeled frames lack a neighbor" in head(few)


def test_the_head_of_several_views() -> None:
    words = head(VIEWS)
    assert "Semi-supervised types there end in an error" in words
    assert 'switch "Use camera calibrations" off' in words
    assert "true multi-view 16, Supervised 16" in words
    assert "Use camera calibrations" not in head(dataclasses.replace(VIEWS, is_calibrated=False))
    assert "No model of the dialog trains" in head(dataclasses.replace(VIEWS, n_frames_against_3d=3))
