"""Memory by model: what was measured (``scripts/lp_memory.py``), and what the starter config makes of it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from dlc2lp.codec import read, to_line
from dlc2lp.errors import UsageError
from dlc2lp.lp.config_choices import ConfigChoices
from dlc2lp.lp.config_facts import ConfigFacts
from dlc2lp.lp.memory import Network
from dlc2lp.lp.sizing import predicted_at_a_time, wanted_batch
from dlc2lp.lp.starter import StarterConfig, starter_config

AREA_PX = 256 * 256
FACTS = ConfigFacts("/data/m", ("a", "b", "c", "d"), 300, (((640, 480), 300),), {}, 2, n_frames_without_context=0)

#: (model, backbone, keypoints, views, bytes per pixel and sample at most in training): read off the program's table.
MEASURED = [
    ("heatmap", "resnet18", 4, 1, 604),
    ("heatmap", "resnet18", 60, 1, 1722),
    ("heatmap", "resnet50", 4, 1, 1880),
    ("heatmap", "resnet50", 60, 1, 2998),
    ("heatmap", "resnet101", 4, 1, 2696),
    ("heatmap", "resnet101", 60, 1, 3814),
    ("heatmap", "efficientnet_b0", 4, 1, 1922),
    ("heatmap", "efficientnet_b0", 60, 1, 3040),
    ("heatmap", "vits_dino", 4, 1, 1342),
    ("heatmap", "vits_dino", 60, 1, 2457),
    ("heatmap", "vitb_dino", 4, 1, 2512),
    ("heatmap", "vitb_dino", 60, 1, 3626),
    ("heatmap_mhcrnn", "resnet18", 4, 1, 2414),
    ("heatmap_mhcrnn", "resnet18", 60, 1, 4656),
    ("heatmap_mhcrnn", "resnet50", 4, 1, 8800),
    ("heatmap_mhcrnn", "resnet50", 60, 1, 11042),
    ("heatmap_mhcrnn", "resnet101", 4, 1, 12880),
    ("heatmap_mhcrnn", "resnet101", 60, 1, 15122),
    ("heatmap_mhcrnn", "efficientnet_b0", 4, 1, 9008),
    ("heatmap_mhcrnn", "efficientnet_b0", 60, 1, 11250),
    ("heatmap_mhcrnn", "vits_dino", 4, 1, 6138),
    ("heatmap_mhcrnn", "vits_dino", 60, 1, 8341),
    ("heatmap_mhcrnn", "vitb_dino", 4, 1, 12022),
    ("heatmap_mhcrnn", "vitb_dino", 60, 1, 14225),
    ("heatmap_multiview_transformer", "vits_dino", 4, 3, 3755),
    ("heatmap_multiview_transformer", "vits_dino", 60, 3, 7357),
    ("heatmap_multiview_transformer", "vitb_dino", 4, 3, 7250),
    ("heatmap_multiview_transformer", "vitb_dino", 60, 3, 10852),
]


def starter(fact_changes: dict[str, Any] | None = None, **choices: Any) -> StarterConfig:
    return starter_config(dataclasses.replace(FACTS, **(fact_changes or {})), ConfigChoices(**choices))


def training(made: StarterConfig) -> tuple[int, int]:
    return made.values["training"]["train_batch_size"], made.values["training"]["accumulate_grad_batches"]


@pytest.mark.parametrize(("model", "backbone", "n_keypoints", "n_views", "at_most"), MEASURED)
def test_a_sample_needs_what_was_measured(
    model: str, backbone: str, n_keypoints: int, n_views: int, at_most: int
) -> None:
    network = Network(model, backbone, n_keypoints, n_views)
    one = (network.needed_gb(2, AREA_PX) - network.needed_gb(1, AREA_PX)) * 1e9 / AREA_PX / 1.15
    assert 0.97 * at_most <= one <= 1.1 * at_most


def test_a_context_model_is_sized_for_its_five_frames() -> None:
    assert training(starter(gpu_memory=8)) == (16, 1)
    made = starter(gpu_memory=8, model="heatmap_mhcrnn")
    assert made.values["model"]["model_type"] == "heatmap_mhcrnn"
    assert training(made) == (8, 2)
    assert "8 labeled frames with the neighbors of each (40 images)" in " ".join(made.text.replace("#", "").split())
    assert ("model", "model_type") in made.chosen_keys
    (finding,) = starter(gpu_memory=8, model="heatmap_mhcrnn", train_batch_size=16).findings
    assert finding.code == "gpu-memory-small"


def test_many_keypoints_need_memory_too() -> None:
    names = tuple(f"k{number}" for number in range(100))
    assert training(starter({"keypoint_names": names}, gpu_memory=8)) == (16, 1)
    assert training(starter({"keypoint_names": names}, gpu_memory=6)) == (8, 2)
    assert training(starter(gpu_memory=6)) == (16, 1)


def test_video_frames_beside_a_context_batch_fit() -> None:
    for gpu in (6, 8, 12):
        made = starter(gpu_memory=gpu, model="heatmap_mhcrnn", losses=("temporal",))
        n_labeled, n_frames = training(made)[0], made.values["dali"]["context"]["train"]["batch_size"]
        assert 5 <= n_frames <= 32
        network = Network("heatmap_mhcrnn", "resnet50_animal_ap10k", 4)
        assert network.needed_gb(n_labeled, AREA_PX, n_frames) <= 0.9 * gpu
        assert made.findings == ()
    # Lightning Pose wants a window of five on each GPU
    assert starter(gpu_memory=8, num_gpus=8).values["dali"]["context"]["train"]["batch_size"] >= 40 > 32


def test_prediction_takes_as_many_frames_as_fit() -> None:
    assert starter().values["dali"]["base"]["predict"] == {"sequence_length": 96}
    few, many = (Network("heatmap", "resnet50", n) for n in (4, 100))
    assert predicted_at_a_time(few, AREA_PX, 8, 640 * 480, 96) == 96
    assert predicted_at_a_time(many, AREA_PX, 8, 640 * 480, 96) == 40
    assert predicted_at_a_time(few, AREA_PX, 4, 3840 * 2160, 96) == 32
    assert predicted_at_a_time(many, 4 * AREA_PX, 2, 640 * 480, 96) == 8  # a context model needs more than four


@pytest.mark.parametrize(
    ("n_train", "batch"), [(0, 1), (1, 1), (5, 4), (8, 8), (15, 8), (16, 8), (95, 8), (144, 8), (145, 16), (2000, 16)]
)
def test_an_epoch_has_ten_weight_updates_where_it_can(n_train: int, batch: int) -> None:
    assert wanted_batch(n_train) == batch


def test_a_smaller_batch_for_few_frames_has_its_reason() -> None:
    reason = next(each.reason for each in starter({"n_labeled_frames": 100}).reasons if "train_batch" in each.key)
    assert "since an epoch of 95 frames would have 6 weight updates only" in reason
    reason = next(each.reason for each in starter({"n_labeled_frames": 10}).reasons if "train_batch" in each.key)
    assert "only 8 labeled frames train" in reason


@pytest.mark.parametrize(
    ("fact_changes", "choices", "says"),
    [
        ({}, {"model": "heatmap_multiview_transformer"}, "a model for a single view"),
        ({}, {"model": "regression"}, "gives no confidence"),
        ({"n_frames_without_context": 300}, {"model": "heatmap_mhcrnn"}, "context-frames-missing"),
        ({"view_names": ("a1", "b1"), "is_calibrated": True}, {"model": "heatmap_mhcrnn"}, "no calibration"),
        ({"view_names": ("a1", "b1")}, {"backbone": "resnet50"}, "multi-view transformer"),
    ],
)
def test_models_that_the_project_can_not_have(fact_changes: dict[str, Any], choices: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError) as caught:
        starter(fact_changes, **choices)
    (finding,) = caught.value.findings
    assert says in f"{finding.code} {finding.message}"
    assert finding.hint


def test_missing_neighbors_are_told_to_who_asks_for_context() -> None:
    (finding,) = starter({"n_frames_without_context": 3}, model="heatmap_mhcrnn").findings
    assert (finding.code, finding.where) == ("context-frames-missing", "model.model_type")
    assert "3 of 300 labeled frames without all neighbors" in finding.message
    assert starter({"n_frames_without_context": 3}).findings == ()
    assert starter({"n_frames_without_context": None}, model="heatmap_mhcrnn").findings == ()  # a plan of 0.1


def test_views_one_by_one_may_have_any_backbone() -> None:
    made = starter({"view_names": ("top", "side")}, model="heatmap")
    assert made.values["model"]["backbone"] == "resnet50_animal_ap10k"
    assert made.values["training"]["optimizer"] == "Adam"
    assert starter({"view_names": ("top", "side")}, model="heatmap", backbone="resnet18")


def test_facts_with_and_without_knowledge_of_neighbors_survive_json() -> None:
    for n in (None, 0, 7):
        facts = dataclasses.replace(FACTS, n_frames_without_context=n)
        assert read(ConfigFacts, to_line(facts)) == facts
        assert ("n_frames_without_context" in to_line(facts)) == (n is not None)
