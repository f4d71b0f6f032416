"""What a person changed in the starter config outlives a new one."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dlc2lp.errors import Dlc2LpError
from dlc2lp.lp.config_choices import ConfigChoices
from dlc2lp.lp.config_facts import ConfigFacts
from dlc2lp.lp.hand_edits import keep_edits
from dlc2lp.lp.starter import StarterConfig, starter_config
from dlc2lp.lp.yamlfile import load_yaml
from dlc2lp.model import Severity

FACTS = ConfigFacts("/data/mouse", ("snout", "ear", "tail"), 100, (((640, 480), 100),), {}, 2)


def starter(**choices: Any) -> StarterConfig:
    return starter_config(FACTS, ConfigChoices(**choices))


OLD = starter()


def edited(text: str, *replacements: tuple[str, str]) -> str:
    for old, new in replacements:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def test_an_untouched_file_becomes_the_new_starter() -> None:
    new = starter(resize=(512, 512), backbone="vits_dino")
    merged = keep_edits(OLD.text, OLD.text, new)
    assert (merged.text, merged.values, merged.kept, merged.findings) == (new.text, new.values, (), ())


def test_changed_added_and_removed_keys_and_comments_are_kept() -> None:
    current = edited(
        OLD.text,
        ("  imgaug: dlc\n", "  # freely moving, says Ann\n  imgaug: dlc-top-down  # was dlc\n"),
        ("  learning_rate: 0.001", "  learning_rate: 1e-4"),
        ("  lr_scheduler_params: {}\n", "  lr_scheduler_params:\n    multisteplr: {milestones: [50]}\n"),
        ("  early_stop_patience: 3\n", ""),
        ("  colormap: cool\n", "  colormap: cool\n  note: {who: Ann}\n  extra: [1, no, 'x: y']\n"),
    )
    current += "# the end\n"
    new = starter(resize=(256, 256))
    merged = keep_edits(OLD.text, current, new)
    expected = copy.deepcopy(new.values)
    expected["training"]["imgaug"] = "dlc-top-down"
    expected["training"]["optimizer_params"]["learning_rate"] = 1e-4
    expected["training"]["lr_scheduler_params"] = {"multisteplr": {"milestones": [50]}}
    del expected["training"]["early_stop_patience"]
    expected["eval"] |= {"note": {"who": "Ann"}, "extra": [1, False, "x: y"]}
    assert load_yaml(merged.text) == merged.values == expected
    assert sorted(merged.kept) == [
        "eval.extra",
        "eval.note",
        "training.early_stop_patience",
        "training.imgaug",
        "training.lr_scheduler_params.multisteplr",
        "training.optimizer_params.learning_rate",
    ]
    assert not merged.findings
    lines = merged.text.splitlines()
    place = lines.index("  imgaug: dlc-top-down")
    assert lines[place - 3 : place] == [
        "  # freely moving, says Ann",
        "  # was dlc",
        "  # Changed by hand; dlc2lp would write dlc",
    ]
    assert lines[-1] == "# the end"
    for comment in (line for line in new.text.splitlines() if line.strip().startswith("#")):
        assert comment in lines


def test_numbers_are_what_lightning_pose_reads() -> None:
    """PyYAML takes 1e-4 for a text; the optimizer would then be handed a text."""
    merged = keep_edits(OLD.text, edited(OLD.text, ("learning_rate: 0.001", "learning_rate: 1e-4")), starter())
    assert "learning_rate: 0.0001" in merged.text


def test_an_option_does_not_undo_what_was_done_by_hand() -> None:
    current = edited(OLD.text, ("    height: 256", "    height: 512"))
    new = starter(resize=(128, 128))
    merged = keep_edits(OLD.text, current, new)
    assert merged.values["data"]["image_resize_dims"] == {"height": 512, "width": 128}
    assert merged.kept == ("data.image_resize_dims.height",)
    (finding,) = merged.findings
    assert (finding.code, finding.severity) == ("config-edit-kept", Severity.WARNING)
    assert finding.where == "data.image_resize_dims.height"
    assert "512" in finding.message
    assert "128" in finding.message


def test_what_was_done_by_hand_and_by_the_new_starter_is_no_change() -> None:
    """Both wrote the same: there is nothing to keep, to note above the key or to tell."""
    current = edited(OLD.text, ("    height: 256", "    height: 128"), ("    width: 256", "    width: 128"))
    new = starter(resize=(128, 128))
    merged = keep_edits(OLD.text, current, new)
    assert (merged.text, merged.values, merged.kept, merged.findings) == (new.text, new.values, (), ())


def test_an_option_given_before_the_change_by_hand_is_a_note() -> None:
    old = starter(num_gpus=2)
    current = edited(old.text, ("  num_gpus: 2", "  num_gpus: 4"))
    merged = keep_edits(old.text, current, starter(num_gpus=2, backbone="resnet18"))
    assert merged.values["training"]["num_gpus"] == 4
    assert merged.values["model"]["backbone"] == "resnet18"
    assert [finding.severity for finding in merged.findings] == [Severity.NOTE]


def test_a_change_by_hand_that_the_new_starter_makes_too_is_no_edit() -> None:
    current = edited(OLD.text, ("    height: 256", "    height: 128"))
    new = starter(resize=(128, 128))
    merged = keep_edits(OLD.text, current, new)
    assert (merged.text, merged.kept, merged.findings) == (new.text, (), ())


def test_a_deleted_section_stays_deleted() -> None:
    current = OLD.text[: OLD.text.index("# Unsupervised losses fade in")]
    merged = keep_edits(OLD.text, current, starter())
    assert "callbacks" not in merged.values
    assert merged.kept == ("callbacks",)


def test_what_only_the_old_starter_had_goes() -> None:
    old_text = OLD.text.replace("  colormap: cool\n", "  colormap: cool\n  outdated: 1\n  changed: 1\n")
    current = old_text.replace("  changed: 1\n", "  changed: 2\n")
    merged = keep_edits(old_text, current, starter())
    assert "outdated" not in merged.values["eval"]
    assert merged.values["eval"]["changed"] == 2


@pytest.mark.parametrize(
    ("current", "where"),
    [
        ("data:\n  a: [1\nb: 2\n", "line 3"),
        ("data:\n  a: 1\n  a: 2\n", "line 3"),
        ("a: &x [*x]\n", "line 1"),
        ("a: !!python/object:os.system ls\n", "line 1"),
        ("\tdata: 1\n", "line 1"),
        ("a: \x01\n", ""),
        ("- 1\n", ""),
        ("just words\n", ""),
        ("", ""),
        ("[" * 3000, "line 1"),
        ("a: !!timestamp 2024-13-01\n", "line 1"),
    ],
)
def test_what_is_no_config_is_refused_with_its_line(current: str, where: str) -> None:
    with pytest.raises(Dlc2LpError) as caught:
        keep_edits(OLD.text, current, starter())
    (finding,) = caught.value.findings
    assert (finding.code, finding.where) == ("config-invalid", where)
    assert finding.hint


def test_windows_line_ends_and_a_bom_are_no_edits() -> None:
    merged = keep_edits(OLD.text, "\ufeff" + OLD.text.replace("\n", "\r\n"), starter())
    assert merged.text == OLD.text


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-1000, 1000),
    st.floats(allow_nan=False),
    st.text(st.characters(codec="utf-8")),
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
choices = st.builds(
    ConfigChoices,
    gpu_memory=st.sampled_from([None, 4.0, 24.0]),
    backbone=st.sampled_from([None, "resnet18", "vits_dino"]),
    resize=st.sampled_from([None, (128, 128), (512, 512)]),
    losses=st.sampled_from([None, ("temporal",)]),
    num_gpus=st.sampled_from([None, 2]),
)


def leaves(tree: dict[str, Any], path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = []
    for key, value in tree.items():
        found += leaves(value, (*path, key)) if isinstance(value, dict) and value else [(*path, key)]
    return found


def put(tree: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for key in path[:-1]:
        tree = tree[key]
    tree[path[-1]] = value


def drop(tree: dict[str, Any], path: tuple[str, ...]) -> None:
    for key in path[:-1]:
        tree = tree[key]
    del tree[path[-1]]


LEAVES = leaves(OLD.values)


@given(
    choices,
    choices,
    st.dictionaries(st.sampled_from(LEAVES), values, max_size=4),
    st.lists(st.sampled_from(LEAVES), max_size=3, unique=True),
    st.dictionaries(st.sampled_from(["data", "training", "model"]), values, max_size=2),
)
def test_edits_are_the_same_edits_of_the_new_starter(
    old_choices: ConfigChoices,
    new_choices: ConfigChoices,
    changed: dict[tuple[str, ...], Any],
    removed: list[tuple[str, ...]],
    added: dict[str, Any],
) -> None:
    old, new = starter_config(FACTS, old_choices), starter_config(FACTS, new_choices)
    current, expected = copy.deepcopy(old.values), copy.deepcopy(new.values)
    changed = {path: value for path, value in changed.items() if path not in removed}
    for path, value in changed.items():
        put(current, path, value)
        before = old.values
        for key in path:
            before = before[key]
        if yaml.safe_dump(before) != yaml.safe_dump(value):
            put(expected, path, value)
    for path in removed:
        drop(current, path)
        drop(expected, path)
    for section, value in added.items():
        current[section]["by_hand"] = expected[section]["by_hand"] = value
    merged = keep_edits(old.text, yaml.safe_dump(current, default_style='"', allow_unicode=True), new)
    assert merged.values == expected
    assert load_yaml(merged.text) == expected
    again = keep_edits(new.text, merged.text, dataclasses.replace(new, chosen_keys=frozenset()))
    assert again.text == merged.text
    assert not again.findings


def test_a_persons_comments_stay_once_however_often() -> None:
    text = edited(OLD.text, ("  csv_file:", "  # do not touch # ever\n  csv_file:"))
    for _ in range(3):
        text = keep_edits(OLD.text, text, starter()).text
    assert text.count("# do not touch # ever") == 1
    assert text == edited(OLD.text, ("  csv_file:", "  # do not touch # ever\n  csv_file:"))
