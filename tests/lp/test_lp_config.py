"""The starter config: every choice has its reason, every text loads as its values."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dlc2lp.codec import read, to_line
from dlc2lp.errors import UsageError
from dlc2lp.lp.config_choices import ConfigChoices
from dlc2lp.lp.config_facts import ConfigFacts
from dlc2lp.lp.memory import BACKBONES, Network, is_transformer
from dlc2lp.lp.starter import StarterConfig, starter_config
from dlc2lp.lp.yamlfile import load_yaml
from dlc2lp.wording import counted

VGA = (((640, 480), 100),)


def facts(**changes: Any) -> ConfigFacts:
    return dataclasses.replace(ConfigFacts("/data/mouse", ("snout", "ear", "tail"), 100, VGA, {}, 2), **changes)


def starter(fact_changes: dict[str, Any] | None = None, **choices: Any) -> StarterConfig:
    return starter_config(facts(**(fact_changes or {})), ConfigChoices(**choices))


def at(made: StarterConfig, key: str) -> Any:
    value: Any = made.values
    for name in key.split("."):
        value = value[name]
    return value


def prose(made: StarterConfig) -> str:
    """Return the text with its comments unwrapped."""
    return " ".join(line.strip().removeprefix("# ") for line in made.text.splitlines())


def as_omegaconf_reads(text: str) -> str:
    r"""Return a text as OmegaConf gives it out: ``\${`` is ``${``, and before it two backslashes are one."""
    assert not re.search(r"(?<!\\)(\\\\)*\$\{", text), "an open interpolation"
    return re.sub(r"((?:\\\\)*)\\\$\{", lambda match: match[1][::2] + "${", text)


any_text = st.text(st.characters(codec=None), min_size=1).filter(str.strip)
odd_texts = st.sampled_from(
    [
        *("no", "1", "1e3", "~", "null", "a: b", "- a", "# x", "'", '"', "${a}", "\\${", "???", "a\nb", "2020-01-01"),
        *("<<", "=", "ü", "\u2028", " lead", "trail ", "\t", "\x7f", "!!int 3", "&a", "*a"),
    ]
)


@given(st.lists(st.one_of(any_text, odd_texts), min_size=1, max_size=6, unique=True), any_text, st.data())
def test_the_text_loads_as_the_values_whatever_the_names(names: list[str], folder: str, data: st.DataObject) -> None:
    shares = {name: data.draw(st.sampled_from([0.0, 0.19, 0.2, 1.0])) for name in names}
    made = starter({"keypoint_names": tuple(names), "hidden_share": shares, "data_dir": f"/d/{folder}"})
    assert yaml.safe_load(made.text) == made.values
    assert load_yaml(made.text) == made.values
    written = at(made, "data.keypoint_names")
    assert written is None if "???" in names else list(map(as_omegaconf_reads, written)) == names
    assert json.loads(json.dumps([dataclasses.asdict(reason) for reason in made.reasons]))


def test_the_defaults() -> None:
    made = starter()
    assert not made.findings
    expected = {
        "data.image_resize_dims": {"height": 256, "width": 256},
        "data.data_dir": "/data/mouse",
        "data.video_dir": "/data/mouse/videos",
        "data.csv_file": "CollectedData.csv",
        "data.num_keypoints": 3,
        "data.columns_for_singleview_pca": [0, 1, 2],
        "training.train_batch_size": 8,
        "training.accumulate_grad_batches": 1,
        "training.num_gpus": 1,
        "training.max_epochs": 300,
        "training.uniform_heatmaps_for_nan_keypoints": True,
        "training.optimizer": "Adam",
        "training.lr_scheduler_params": {},  # Lightning Pose's own, for any number of epochs
        "model.model_type": "heatmap",
        "model.losses_to_use": [],
        "model.backbone": "resnet50_animal_ap10k",
        "eval.predict_vids_after_training": True,
        "eval.test_videos_directory": "/data/mouse/videos",
    }
    assert {key: at(made, key) for key in expected} == expected
    assert "view_names" not in made.values["data"]  # an empty list would be a multi-view model to Lightning Pose


def test_every_reason_is_of_a_value_and_stands_in_the_text() -> None:
    made = starter({"hidden_share": {"tail": 0.4}}, gpu_memory=4, losses=("temporal",), num_gpus=2)
    flat = prose(made)
    for reason in made.reasons:
        assert at(made, reason.key) == reason.value
        assert reason.reason in flat
    assert {"data.image_resize_dims", "training.train_batch_size", "training.accumulate_grad_batches"} <= {
        reason.key for reason in made.reasons
    }
    assert all(len(line) <= 100 for line in made.text.splitlines())


@pytest.mark.parametrize(
    ("gpu_memory", "image", "side", "batch", "accumulated"),
    [
        (3, (640, 480), 256, 8, 2),
        (8, (640, 480), 256, 16, 1),
        (None, (640, 480), 256, 16, 1),
        (8, (1920, 1080), 256, 16, 1),
        (16, (1920, 1080), 384, 16, 1),
        (16, (640, 480), 256, 16, 1),
        (24, (1024, 1024), 384, 16, 1),
        (48, (1080, 1920), 384, 16, 1),
        (48, (160, 120), 128, 16, 1),
        (48, (1000, 150), 256, 16, 1),
        (1.8, (4000, 1000), 256, 1, 16),
    ],
)
def test_size_and_batch_follow_images_and_gpu(
    gpu_memory: float | None, image: tuple[int, int], side: int, batch: int, accumulated: int
) -> None:
    made = starter({"image_sizes": ((image, 10),), "n_labeled_frames": 200}, gpu_memory=gpu_memory)
    assert at(made, "data.image_resize_dims") == {"height": side, "width": side}
    assert at(made, "training.train_batch_size") == batch
    assert at(made, "training.accumulate_grad_batches") == accumulated


def test_batch_sizes_agree_with_those_that_lightning_pose_measured() -> None:
    """Its recommender.py: vits_dino, 90 % of the memory, {GB: {side: frames}}."""
    measured = {8: {256: 76, 384: 32}, 16: {256: 156, 384: 68}, 24: {256: 232, 384: 100}}
    for gpu_gb, by_side in measured.items():
        for side, n_frames in by_side.items():
            # a card of "8 GB" has 8 GiB
            ours = Network("heatmap", "vits_dino", 6).samples_that_fit(gpu_gb * 2**30 / 1e9, side * side)
            assert 0.8 * n_frames <= ours <= 1.0 * n_frames, (gpu_gb, side)


def test_the_commonest_image_size_counts_and_the_others_are_told() -> None:
    made = starter({"image_sizes": (((100, 100), 3), ((1000, 500), 90))})
    assert at(made, "data.image_resize_dims") == {"height": 256, "width": 256}
    assert "90 of 93" in prose(made)
    assert at(starter({"image_sizes": ()}), "data.image_resize_dims") == {"height": 256, "width": 256}


@given(
    st.sampled_from(sorted(BACKBONES)),
    st.tuples(st.integers(1, 5000), st.integers(1, 5000)),
    st.one_of(st.none(), st.floats(1, 200)),
    st.integers(0, 3000),
    st.one_of(st.none(), st.integers(1, 300)),
    st.one_of(st.none(), st.integers(1, 40)),
    st.one_of(st.none(), st.integers(1, 8)),
)
def test_what_lightning_pose_asserts_holds_for_any_input(
    backbone: str,
    image: tuple[int, int],
    memory: float | None,
    n: int,
    batch: int | None,
    steps: int | None,
    gpus: int | None,
) -> None:
    made = starter(
        {"image_sizes": ((image, max(n, 1)),), "n_labeled_frames": n},
        backbone=backbone,
        gpu_memory=memory,
        train_batch_size=batch,
        accumulate_grad_batches=steps,
        num_gpus=gpus,
    )
    dims, training = at(made, "data.image_resize_dims"), made.values["training"]
    assert dims["height"] % 128 == dims["width"] % 128 == 0 < min(dims.values())
    assert not is_transformer(backbone) or dims["height"] == dims["width"]
    train, val = training["train_prob"], training["val_prob"]
    assert (1.0 - train - val) + train + val == 1.0
    assert train + val <= 1.0
    assert training["train_batch_size"] >= 1
    assert training["accumulate_grad_batches"] >= 1
    assert training["train_batch_size"] >= (gpus or 1) or batch is not None
    if batch is None and steps is None and n >= 40 and not made.findings:
        effective = training["train_batch_size"] * training["accumulate_grad_batches"]
        assert effective >= (16 if n >= 160 else 8)
    fits = {finding.code for finding in made.findings}.isdisjoint({"gpu-memory-small"})
    per_gpu = math.ceil(training["train_batch_size"] / training["num_gpus"])
    need = Network("heatmap", backbone, 3).needed_gb(per_gpu, dims["height"] * dims["width"])
    assert fits == (need <= 0.9 * (memory or 8.0) + 1e-9)


def test_batch_options_make_each_other_up() -> None:
    many = {"n_labeled_frames": 200}
    made = starter(many, train_batch_size=4)
    assert at(made, "training.accumulate_grad_batches") == 4
    made = starter(many, accumulate_grad_batches=2)
    assert at(made, "training.train_batch_size") == 8
    made = starter(many, accumulate_grad_batches=3)
    assert at(made, "training.train_batch_size") == 6
    made = starter(train_batch_size=32, accumulate_grad_batches=2)
    assert at(made, "training.train_batch_size") * at(made, "training.accumulate_grad_batches") == 64
    made = starter(many, train_batch_size=6)
    assert at(made, "training.accumulate_grad_batches") == 3


def test_two_gpus_share_the_batch() -> None:
    one, two = (starter({"n_labeled_frames": 200}, gpu_memory=3, num_gpus=n) for n in (1, 2))
    assert at(two, "training.train_batch_size") == 2 * at(one, "training.train_batch_size")
    assert at(two, "training.accumulate_grad_batches") == 1


def test_what_does_not_fit_is_told() -> None:
    made = starter(gpu_memory=4, resize=(1024, 1024), train_batch_size=16)
    assert [finding.code for finding in made.findings] == ["gpu-memory-small"]
    assert at(made, "training.train_batch_size") == 16


def test_transformers_get_a_square_and_their_own_optimizer() -> None:
    made = starter(backbone="vits_dino")
    assert at(made, "data.image_resize_dims") == {"height": 256, "width": 256}
    assert at(made, "training.optimizer") == "AdamW"
    assert at(made, "training.optimizer_params.learning_rate") == 5e-5
    assert yaml.safe_load(made.text)["training"]["optimizer_params"]["learning_rate"] == 5e-5


def test_often_hidden_keypoints_are_left_out_of_the_pca() -> None:
    made = starter({"hidden_share": {"snout": 0.19, "ear": 0.2, "tail": 0.0}})
    assert at(made, "data.columns_for_singleview_pca") == [0, 2]
    assert "ear (20%)" in prose(made)
    made = starter({"hidden_share": {"snout": 0.9, "ear": 0.4, "tail": 0.0}})
    assert at(made, "data.columns_for_singleview_pca") == []
    assert "too few keypoints are left" in prose(made)
    # keypoints that are seldom there all of them: those that are there in most of the frames
    made = starter({"hidden_share": {"snout": 0.3, "ear": 0.2, "tail": 0.5}})
    assert at(made, "data.columns_for_singleview_pca") == [0, 1]
    assert "left out, since empty in 40% or more of the labeled frames: tail (50%)" in prose(made)
    made = starter({"hidden_share": {"snout": 0.3, "ear": 0.2, "tail": 0.5}, "n_labeled_frames": 19})
    assert at(made, "data.columns_for_singleview_pca") == []
    # all of them, and not null: without a list Lightning Pose computes no Pose-PCA error
    assert at(starter(), "data.columns_for_singleview_pca") == [0, 1, 2]
    assert at(starter({"keypoint_names": ("snout",)}), "data.columns_for_singleview_pca") == []


def test_a_keypoints_name_can_not_end_the_comment_about_it() -> None:
    name = "x\n  columns_for_singleview_pca: [7]\x85\u2028#"
    made = starter({"keypoint_names": (name, "a", "b"), "hidden_share": {name: 0.5}})
    assert yaml.safe_load(made.text) == made.values
    assert made.values["data"]["columns_for_singleview_pca"] == [1, 2]


def test_empty_cells() -> None:
    assert at(starter(nan_means="unlabeled"), "training.uniform_heatmaps_for_nan_keypoints") is False
    assert at(starter(nan_means="occluded"), "training.uniform_heatmaps_for_nan_keypoints") is True


def test_without_videos_nothing_is_predicted() -> None:
    assert at(starter({"n_videos": 0}), "eval.predict_vids_after_training") is False


@pytest.mark.parametrize(("n_frames", "told"), [(0, True), (1, True), (2, False), (10, False)])
def test_too_few_labels(n_frames: int, told: bool) -> None:
    made = starter({"n_labeled_frames": n_frames})
    assert ("too-few-labels" in {finding.code for finding in made.findings}) == told
    assert at(made, "training.log_every_n_steps") == 1


@pytest.mark.parametrize("n_frames", range(2, 60))
def test_few_frames_leave_some_to_validate(n_frames: int) -> None:
    """Lightning Pose's split_sizes_from_probabilities, step by step."""
    made = starter({"n_labeled_frames": n_frames})
    train, val = at(made, "training.train_prob"), at(made, "training.val_prob")
    n_train, n_val = math.floor(train * n_frames), math.floor(val * n_frames)
    rest = n_frames - n_train - n_val
    assert rest < 5
    n_train += rest
    if n_val == 0:
        n_train, n_val = n_train - 1, 1
    assert n_train >= 1
    told = f"{counted(n_train, 'trains', 'train')} and {counted(n_val, 'chooses', 'choose')} the best model"
    assert f"of {n_frames} labeled frames {told}" in prose(made)
    assert at(made, "training.train_batch_size") <= max(1, n_train)


def test_losses() -> None:
    assert at(starter(losses=()), "model.losses_to_use") == at(starter(losses=""), "model.losses_to_use") == []
    made = starter(losses=("temporal", "pca_singleview"), gpu_memory=24)
    assert at(made, "model.losses_to_use") == ["temporal", "pca_singleview"]
    assert {"temporal", "pca_singleview"} <= at(made, "losses").keys()
    assert at(made, "callbacks.anneal_weight.attr_name") == "total_unsupervised_importance"
    with_videos = at(made, "dali.base.train.sequence_length") + at(made, "training.train_batch_size")
    assert with_videos <= Network("heatmap", "resnet50_animal_ap10k", 3).samples_that_fit(24, 256 * 256)


@pytest.mark.parametrize(("n_frames", "hidden", "fits"), [(7, {}, False), (8, {}, True), (7, {"tail": 0.5}, True)])
def test_pca_wants_as_many_training_frames_as_coordinates(n_frames: int, hidden: dict[str, float], fits: bool) -> None:
    """Three keypoints have 6 coordinates; of 7 frames 6 train, of 8 frames 7... of which 1 validates."""
    names = ("snout", "ear", "tail")
    changes = {"keypoint_names": names, "n_labeled_frames": n_frames - 1, "hidden_share": hidden}
    if fits:
        assert starter(changes, losses=("pca_singleview",))
    else:
        with pytest.raises(UsageError) as caught:
            starter(changes, losses=("pca_singleview",))
        assert caught.value.findings[0].code == "too-few-frames-for-pca"


@pytest.mark.parametrize(
    ("fact_changes", "choices", "says"),
    [
        ({}, {"resize": (200, 256)}, "--resize 256x256"),
        ({}, {"resize": (0, 128)}, "--resize 128x128"),
        ({}, {"resize": (-128, 128)}, "multiples"),
        ({}, {"resize": (256, 384), "backbone": "vits_dino"}, "square"),
        ({}, {"backbone": "resnet51"}, "resnet50"),
        ({}, {"backbone": ""}, "resnet18"),
        ({}, {"losses": ("temporl",)}, "temporal"),
        ({}, {"losses": ("pca_multiview",)}, "mirrored_column_matches"),
        ({}, {"losses": ("temporal", "temporal")}, "once"),
        ({"n_videos": 0}, {"losses": ("temporal",)}, "no video"),
        ({}, {"train_batch_size": 0}, "--train-batch-size"),
        ({}, {"accumulate_grad_batches": -1}, "--accumulate-grad-batches"),
        ({}, {"num_gpus": 0}, "--num-gpus"),
        ({}, {"gpu_memory": 0.0}, "--gpu-memory"),
        ({}, {"gpu_memory": math.nan}, "--gpu-memory"),
        ({}, {"nan_means": "hidden"}, "--nan-means"),
        ({"data_dir": "relative/path"}, {}, "absolute"),
        ({"keypoint_names": ("a",)}, {"losses": ("pca_singleview",)}, "temporal"),
    ],
)
def test_impossible_options(fact_changes: dict[str, Any], choices: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError) as caught:
        starter(fact_changes, **choices)
    finding = caught.value.findings[0]
    assert says in f"{finding.subject} {finding.message} {finding.hint}"
    assert finding.hint


@pytest.mark.parametrize("names", [(), ("a", "a")])
def test_no_keypoints_are_a_bug_of_the_caller(names: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="keypoints"):
        starter({"keypoint_names": names})


@pytest.mark.parametrize(
    ("data_dir", "video_dir"),
    [
        ("/data/m", "/data/m/videos"),
        ("/data/m/", "/data/m/videos"),
        ("C:\\lab\\m", "C:\\lab\\m\\videos"),
        ("C:/lab/m", "C:/lab/m/videos"),
        ("//server/share/m", "//server/share/m/videos"),
        ("/a\\b", "/a\\b/videos"),
        ("/x/${y}", "/x/\\${y}/videos"),
    ],
)
def test_paths_of_any_system(data_dir: str, video_dir: str) -> None:
    made = starter({"data_dir": data_dir})
    assert at(made, "data.video_dir") == at(made, "eval.test_videos_directory") == video_dir


def test_names_that_omegaconf_reads_otherwise_are_told() -> None:
    made = starter({"keypoint_names": ("a${b}", "c")})
    assert at(made, "data.keypoint_names") == ["a\\${b}", "c"]
    assert [finding.code for finding in made.findings] == ["keypoint-name-odd"]
    assert at(starter({"keypoint_names": ("???", "c")}), "data.keypoint_names") is None
    # The app's dialog writes these bare, by YAML 1.2, and those of the second list in quotes.
    (finding,) = starter({"keypoint_names": ("no", "On", "1_000", "1:30", "y", "nose")}).findings
    assert finding.subject == "no, On, 1_000, 1:30"
    assert starter({"keypoint_names": ("1", "1.5", "1e3", "true", "null", "0x1f", ".5", "nose")}).findings == ()


def test_facts_and_choices_survive_json() -> None:
    some = facts(image_sizes=(((640, 480), 3), ((64, 48), 1)), hidden_share={"snout": 0.25})
    assert read(ConfigFacts, to_line(some)) == some
    chosen = ConfigChoices(12.5, 8, 2, 1, (256, 384), "heatmap_mhcrnn", "resnet18", ("temporal",), "occluded")
    for choices in (ConfigChoices(), chosen):
        assert read(ConfigChoices, to_line(choices)) == choices
        assert read(ConfigChoices, json.dumps(dataclasses.asdict(choices))) == choices


def test_the_same_input_gives_the_same_bytes() -> None:
    assert starter().text == starter().text
    assert starter().text.endswith("\n")
    assert "\r" not in starter().text
