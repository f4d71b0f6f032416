"""--mirror: which keypoints are the same one, seen directly and in a mirror."""

import pytest
import yaml
from builder import build_project
from command import dlc2lp

PARTS = ("nose_top", "tail_top", "tail_bot", "nose_bot", "whisker")


def matches(target):
    return yaml.safe_load((target / "configs/default.yaml").read_text())["data"]["mirrored_column_matches"]


def project(folder):
    return build_project(folder, sessions=("m1",), bodyparts=PARTS, video="none").root


def test_the_config_matches_the_columns_of_the_label_file(tmp_path):
    target = tmp_path / "lp"
    result = dlc2lp("convert", project(tmp_path / "dlc"), target, "--mirror", "_top,_bot", "--json")
    assert result.exit_code == 0, result.stderr
    header = (target / "CollectedData.csv").read_text().splitlines()[1].split(",")[1::2]
    top, bottom = ([header[column] for column in columns] for columns in matches(target))
    assert (top, bottom) == (["nose_top", "tail_top"], ["nose_bot", "tail_bot"])
    notes = {finding["code"]: finding for finding in result.document["findings"]}
    assert notes["mirror-without-partner"]["subject"] == "whisker"
    keys = {choice["key"]: choice for choice in result.document["config"]}
    assert keys["data.mirrored_column_matches"]["value"] == matches(target)
    assert dlc2lp("verify", target).exit_code == 0


def test_mirrors_can_be_told_later_and_stay(tmp_path):
    target = tmp_path / "lp"
    assert dlc2lp("convert", project(tmp_path / "dlc"), target).exit_code == 0
    assert matches(target) is None
    assert dlc2lp("config", target, "--mirror", "_bot,_top").exit_code == 0
    assert matches(target) == [[3, 2], [0, 1]]
    assert dlc2lp("config", target, "--num-gpus", 2).exit_code == 0
    assert matches(target) == [[3, 2], [0, 1]]


@pytest.mark.parametrize("suffixes", ["_top", "_up,_down", "_top,_top"])
def test_ends_that_match_nothing_are_a_wrong_option(tmp_path, suffixes):
    result = dlc2lp("convert", project(tmp_path / "dlc"), tmp_path / "lp", "--mirror", suffixes, "--json")
    assert result.exit_code == 2
    assert not (tmp_path / "lp").exists()
    assert "--mirror" in str(result.document["findings"])
