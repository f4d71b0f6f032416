"""The starter config of several cameras, and of mirrors that show the animal twice in one image."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dlc2lp.codec import decode, encode, read, to_line
from dlc2lp.errors import UsageError
from dlc2lp.lp.config_choices import ConfigChoices
from dlc2lp.lp.config_facts import ConfigFacts
from dlc2lp.lp.hand_edits import keep_edits
from dlc2lp.lp.memory import Network
from dlc2lp.lp.mirror import match_mirrored
from dlc2lp.lp.multiview import BACKBONES
from dlc2lp.lp.starter import StarterConfig, starter_config
from dlc2lp.lp.yamlfile import load_yaml
from dlc2lp.model import Severity
from dlc2lp.wording import counted

VIEWS = ("top", "side", "back")
VGA = (((640, 480), 300),)


def facts(**changes: Any) -> ConfigFacts:
    plain = ConfigFacts("/data/mouse", ("snout", "ear", "tail"), 100, VGA, {}, 2, VIEWS)
    return dataclasses.replace(plain, **changes)


def starter(fact_changes: dict[str, Any] | None = None, **choices: Any) -> StarterConfig:
    return starter_config(facts(**(fact_changes or {})), ConfigChoices(**choices))


def at(made: StarterConfig, key: str) -> Any:
    value: Any = made.values
    for name in key.split("."):
        value = value[name]
    return value


def refusal(fact_changes: dict[str, Any], **choices: Any) -> str:
    with pytest.raises(UsageError) as caught:
        starter(fact_changes, **choices)
    (finding,) = caught.value.findings
    assert finding.hint
    return f"{finding.code}: {finding.message} {finding.hint}"


def test_the_defaults_for_several_views() -> None:
    made = starter()
    assert made.findings == ()
    expected = {
        "data.csv_file": ["CollectedData_top.csv", "CollectedData_side.csv", "CollectedData_back.csv"],
        "data.view_names": ["top", "side", "back"],
        "data.num_keypoints": 3,
        "data.mirrored_column_matches": [0, 1, 2],
        "data.image_resize_dims": {"height": 256, "width": 256},
        "training.imgaug": "dlc",
        "training.imgaug_3d": False,
        "training.optimizer": "AdamW",
        "training.patch_mask": {"init_epoch": 40, "final_epoch": 300, "init_ratio": 0.0, "final_ratio": 0.5},
        "model.model_type": "heatmap_multiview_transformer",
        "model.backbone": "vits_dino",
        "model.losses_to_use": [],
        "eval.predict_vids_after_training": True,
    }
    assert {key: at(made, key) for key in expected} == expected
    assert made.values["losses"].keys() == {"pca_multiview", "pca_singleview", "temporal"}
    # Lightning Pose has neither for several views
    assert not {"columns_for_singleview_pca", "imgaug_hflip"} & (
        made.values["data"].keys() | made.values["training"].keys()
    )
    assert yaml.safe_load(made.text) == load_yaml(made.text) == made.values
    reasons = {reason.key: reason for reason in made.reasons}
    assert "sessions with videos of all views: 2" in reasons["eval.predict_vids_after_training"].reason
    assert all(reason.value == at(made, key) for key, reason in reasons.items())


def test_3d_options_only_where_every_session_is_calibrated() -> None:
    made = starter({"is_calibrated": True})
    assert at(made, "training.imgaug_3d") is True
    # The app's dialog can't switch off what stands here, and Lightning Pose refuses it for its other models.
    assert at(made, "losses.supervised_reprojection_heatmap_mse.log_weight") is None
    assert at(made, "losses.supervised_pairwise_projections.log_weight") is None
    assert "supervised_re" not in starter().text


@pytest.mark.parametrize("n_views", [2, 3, 6])
def test_a_frame_is_as_many_images_as_there_are_views(n_views: int) -> None:
    views = tuple(f"v{number}" for number in range(n_views))
    for gpu in (4, 8, 24):
        made = starter({"view_names": views, "n_labeled_frames": 200}, gpu_memory=gpu, resize=(384, 384))
        batch, steps = at(made, "training.train_batch_size"), at(made, "training.accumulate_grad_batches")
        network = Network("heatmap_multiview_transformer", "vits_dino", 3, n_views)
        assert batch <= network.samples_that_fit(gpu, 384 * 384)
        assert batch * steps == 16
        reason = next(each.reason for each in made.reasons if each.key == "training.train_batch_size")
        assert f"{counted(batch, 'labeled frame')} in {n_views} views ({batch * n_views} images)" in reason


def test_too_much_for_the_gpu_is_told_in_images() -> None:
    (finding,) = starter({}, train_batch_size=64, gpu_memory=8).findings
    assert finding.code == "gpu-memory-small"
    assert "64 labeled frames in 3 views (192 images)" in finding.message


def test_prediction_waits_for_videos_of_one_length() -> None:
    made = starter({"unequal_sessions": ("m1",)})
    assert at(made, "eval.predict_vids_after_training") is False
    assert "different lengths (m1)" in made.text
    assert at(starter({"incomplete_sessions": ("m1",)}), "eval.predict_vids_after_training") is True  # passed over
    assert at(starter({"n_videos": 0}), "eval.predict_vids_after_training") is False


def test_unsupervised_losses_of_several_views() -> None:
    made = starter({"one_view_keypoints": ("ear",)}, losses=("temporal", "pca_multiview"), gpu_memory=24)
    assert at(made, "model.losses_to_use") == ["temporal", "pca_multiview"]
    assert at(made, "data.mirrored_column_matches") == [0, 2]
    assert "not every view shows: ear" in made.text
    n_moments = at(made, "dali.base.train.sequence_length") + at(made, "training.train_batch_size")
    network = Network("heatmap_multiview_transformer", "vits_dino", 3, 3)
    assert n_moments <= network.samples_that_fit(24, 256 * 256)
    assert at(starter({"one_view_keypoints": ("snout", "ear", "tail")}), "data.mirrored_column_matches") is None


@pytest.mark.parametrize(
    ("fact_changes", "choices", "says"),
    [
        ({}, {"backbone": "resnet50"}, "vitb_imagenet"),
        ({}, {"backbone": "vitb_sam"}, "multi-view transformer"),
        ({}, {"losses": ("pca_singleview",)}, "for a single view only"),
        ({}, {"resize": (256, 384)}, "a square"),
        ({}, {"mirror": ("_top", "_bot")}, "no mirrors beside several cameras"),
        ({"incomplete_sessions": ("m7",)}, {"losses": ("temporal",)}, "losses-without-all-views"),
        ({"unequal_sessions": ("m7",)}, {"losses": ("temporal",)}, "(m7)"),
        ({"n_videos": 0}, {"losses": ("temporal",)}, "losses-without-videos"),
        ({"n_labeled_frames": 2}, {"losses": ("pca_multiview",)}, "too-few-frames-for-pca"),
        ({"one_view_keypoints": ("snout", "ear", "tail")}, {"losses": ("pca_multiview",)}, "0 keypoints"),
    ],
)
def test_what_several_views_can_t_have(fact_changes: dict[str, Any], choices: dict[str, Any], says: str) -> None:
    assert says in refusal(fact_changes, **choices)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_backbone_of_the_transformer_is_offered(backbone: str) -> None:
    assert at(starter({}, backbone=backbone), "model.backbone") == backbone


def test_facts_of_views_survive_json_and_those_of_one_view_stay_as_they_were() -> None:
    some = facts(
        is_calibrated=True, one_view_keypoints=("ear",), incomplete_sessions=("a",), unequal_sessions=("b", "c")
    )
    assert read(ConfigFacts, to_line(some)) == some
    assert "view_names" not in encode(facts(view_names=()))


def test_edits_are_kept_when_calibrations_come_later() -> None:
    before, after = starter(), starter({"is_calibrated": True})
    edited = before.text.replace("model_name: starter", "model_name: mine").replace(
        "final_ratio: 0.5", "final_ratio: 0.0"
    )
    merged = keep_edits(before.text, edited, after)
    assert merged.values["model"]["model_name"] == "mine"
    assert merged.values["training"]["patch_mask"]["final_ratio"] == 0.0
    assert merged.values["training"]["imgaug_3d"] is True
    assert set(merged.kept) == {"model.model_name", "training.patch_mask.final_ratio"}


# --- mirrors --------------------------------------------------------------------------------------------------------

MIRRORED = ("nose_top", "tail_top", "tail_bot", "nose_bot", "paw_bot", "whisker")


def single(*names: str, **choices: Any) -> StarterConfig:
    return starter({"view_names": (), "keypoint_names": names or MIRRORED}, **choices)


def test_mirrored_keypoints_are_matched_by_their_ends() -> None:
    made = single(mirror=("_top", "_bot"))
    assert at(made, "data.mirrored_column_matches") == [[0, 1], [3, 2]]
    assert "as asked for with --mirror _top,_bot" in made.text
    (note,) = made.findings
    assert (note.code, note.severity) == ("mirror-without-partner", Severity.NOTE)
    assert note.subject == "paw_bot, whisker"
    assert "In all views: nose, tail" in note.message
    assert ("data", "mirrored_column_matches") in made.chosen_keys
    assert single("a_top", "a_bot", mirror=("_top", "_bot")).findings == ()


def test_without_mirrors_nothing_is_matched() -> None:
    made = single()
    assert at(made, "data.mirrored_column_matches") is None
    assert "data.mirrored_column_matches" not in {reason.key for reason in made.reasons}


def test_ends_within_ends_and_an_empty_one() -> None:
    names = ("a_bot", "a_leftbot", "b", "b_bot", "a", "_bot")
    assert match_mirrored(names, ("_bot", "")).columns == ((0, 3), (4, 2))
    assert match_mirrored(names, ("_bot", "_leftbot", "")).columns == ((0,), (1,), (4,))
    assert match_mirrored(("abot", "aleftbot"), ("bot", "leftbot")).parts == ("a",)


@pytest.mark.parametrize(
    ("suffixes", "says"),
    [
        (("_top",), "two or more"),
        ((), "two or more"),
        (("_top", "_top"), "two or more"),
        (("_Top", "_bot"), "mirror-matches-nothing"),
        (("_left", "_right"), "among nose_top, tail_top, tail_bot, nose_bot, paw_bot and 1 more"),
    ],
)
def test_ends_that_match_nothing(suffixes: tuple[str, ...], says: str) -> None:
    assert says in refusal({"view_names": (), "keypoint_names": MIRRORED}, mirror=suffixes)


def test_the_pca_of_mirrors_wants_mirrors_and_enough_rows() -> None:
    assert at(single(mirror=("_top", "_bot"), losses=("pca_multiview",)), "model.losses_to_use") == ["pca_multiview"]
    assert "--mirror SUFFIX,SUFFIX" in refusal({"view_names": ()}, losses=("pca_multiview",))
    few = {"view_names": (), "keypoint_names": MIRRORED, "n_labeled_frames": 2}
    assert "too-few-frames-for-pca" in refusal(few, mirror=("_top", "_bot"), losses=("pca_multiview",))
    assert starter({**few, "n_labeled_frames": 3}, mirror=("_top", "_bot"), losses=("pca_multiview",))


@given(st.lists(st.text("ab_", min_size=1, max_size=3), min_size=1, max_size=5, unique=True), st.permutations(range(8)))
def test_every_part_is_found_in_any_order(parts: list[str], order: list[int]) -> None:
    names = [f"{part}{end}" for part in parts for end in ("_L", "_R", "_M")]
    names = sorted(names, key=lambda name: order[len(name) % 8])
    matches = match_mirrored(names, ("_R", "_M", "_L"))
    assert sorted(matches.parts) == sorted(parts)
    assert matches.without_partner == ()
    for end, columns in zip(("_R", "_M", "_L"), matches.columns, strict=True):
        assert [names[column] for column in columns] == [f"{part}{end}" for part in matches.parts]


def test_the_choice_survives_json() -> None:
    choices = ConfigChoices(mirror=("_top", ""))
    assert read(ConfigChoices, to_line(choices)) == choices
    assert decode(ConfigChoices, {}).mirror is None  # plans from before there were mirrors
