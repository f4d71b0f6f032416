"""Lightning Pose's and its app's own code judge what the lp wing writes, where that environment exists."""

from __future__ import annotations

import csv
import json
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest
from judge import JUDGED, LP_PYTHON
from lp_targets import NAMES, make_target

from dlc2lp.lp.config_choices import ConfigChoices
from dlc2lp.lp.project import register

pytestmark = [*JUDGED]

ODD = ("a${b}", "no", "1", "1e3", "ü\u2028", "x\ny", " lead", "- a: 'b'", "\\${c}", 'tail "base"')

GOOD: dict[str, dict[str, Any]] = {
    "plain": {},
    "odd-${names}": {"names": ODD},
    "visible": {"visible": True},
    "two-frames": {"n_frames": 2, "n_videos": 2},
    "few-frames": {"n_frames": 9},
    "some-frames": {"n_frames": 25},
    "losses": {"choices": ConfigChoices(losses=("temporal", "pca_singleview"), gpu_memory=24, num_gpus=2)},
    "transformer": {"choices": ConfigChoices(backbone="vits_dino", gpu_memory=4)},
    "missing-name": {"names": ("???", "a", "b")},
}

#: Replacements in a file that our check has a finding for; Lightning Pose must mind them too.
BROKEN = {
    "half a point": ("CollectedData.csv", "4.0,40.1,", "4.0,,", "missing"),
    "index name": ("CollectedData.csv", "coords,x,y,x,y,x,y,x,y\n", "coords,x,y,x,y,x,y,x,y\nimage,,,,,,,,\n", "image"),
    "text cell": ("CollectedData.csv", "4.0,40.1,", "left,40.1,", "TypeError"),
    "size": ("configs/default.yaml", "height: 128", "height: 200", "128"),
    "milestones": (
        "configs/default.yaml",
        "lr_scheduler_params: {}",
        "lr_scheduler_params: {multisteplr: {milestones: [501], gamma: 0.5}}",
        "milestones",
    ),
    "shares": ("configs/default.yaml", "train_prob: 0.8", "train_prob: 0.9", "val_prob"),
    "last bit": (
        "configs/default.yaml",
        "train_prob: 0.8\n  val_prob: 0.2",
        "train_prob: 0.7\n  val_prob: 0.08",
        "Assert",
    ),
    "key twice": ("configs/default.yaml", "  imgaug: dlc\n", "  imgaug: dlc\n  imgaug: dlc\n", "duplicate"),
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("targets")
    made = {name: make_target(root / name, **options) for name, options in GOOD.items()}
    for name, (file, old, new, _) in BROKEN.items():
        made[name] = make_target(root / name.replace(" ", "-"))
        text = (made[name] / file).read_text(encoding="utf-8")
        assert old in text, name
        (made[name] / file).write_text(text.replace(old, new), encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def verdicts(folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Ask once: importing Lightning Pose takes 20 seconds."""
    system_dir = tmp_path_factory.mktemp("lp")
    for name in GOOD:
        register(folders[name], f'{name} "ü"', system_dir)
    asked = {
        "good": [str(folders[name]) for name in GOOD],
        "broken": [str(folders[name]) for name in BROKEN],
        "registered": str(system_dir),
    }
    result = subprocess.run(
        [str(LP_PYTHON), str(Path(__file__).with_name("lp_verdict.py")), json.dumps(asked)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=system_dir,
        timeout=600,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    answer = json.loads(result.stdout)
    return {
        **dict(zip(GOOD, answer["good"], strict=True)),
        **dict(zip(BROKEN, answer["broken"], strict=True)),
        "registered": answer["registered"],
    }


def float32(cell: str) -> float | None:
    return struct.unpack("<f", struct.pack("<f", float(cell)))[0] if cell else None


@pytest.mark.parametrize("name", GOOD)
def test_labels_are_read_as_written(verdicts: dict[str, Any], folders: dict[str, Path], name: str) -> None:
    verdict = verdicts[name]
    with (folders[name] / "CollectedData.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))[3:]
    step = 3 if verdict["visible"] else 2
    assert verdict["images"] == [row[0] for row in rows]
    for row, points in zip(rows, verdict["points"], strict=True):
        written = [float32(cell) for start in range(1, len(row), step) for cell in row[start : start + 2]]
        # its parser may miss the last digit, and then rounds to float32
        assert points == [None if number is None else pytest.approx(number, rel=1e-6) for number in written]
    assert verdict["keypoints"] == list(GOOD[name].get("names", NAMES))
    center = Path(rows[1][0]).name
    index = int(center[3:11])
    assert verdict["context"] == [f"img{max(0, index + shift):08d}.png" for shift in range(-2, 3)]


@pytest.mark.parametrize("name", GOOD)
def test_the_config_is_valid_and_means_what_was_meant(
    verdicts: dict[str, Any], folders: dict[str, Path], name: str
) -> None:
    verdict, folder = verdicts[name], folders[name].resolve()
    names = list(GOOD[name].get("names", NAMES))
    assert verdict["config_keypoints"] == (None if "???" in names else names)
    assert verdict["config_in_app"] == verdict["config_keypoints"]
    assert verdict["config_paths"] == [str(folder), f"{folder}/videos", f"{folder}/videos"]
    assert verdict["accumulate"] == 3
    assert isinstance(verdict["learning_rate"], float)
    assert min(verdict["split"][:2]) >= 1
    assert verdict["split"][2] == 0
    assert verdict["videos"] == sorted(f"{stem}.mp4" for stem in verdict["video_names"])


@pytest.mark.parametrize("name", GOOD)
def test_the_app_finds_no_fault(verdicts: dict[str, Any], folders: dict[str, Path], name: str) -> None:
    verdict = verdicts[name]
    assert verdict["issues"] == []
    assert verdict["skeleton"] == []
    assert verdict["app_keypoints"] == verdict["keypoints"]
    lines = (folders[name] / "CollectedData.unlabeled.jsonl").read_text(encoding="utf-8").splitlines()
    assert verdict["queue"] == [json.loads(line) for line in lines]


def test_visible_is_read(verdicts: dict[str, Any]) -> None:
    flags = verdicts["visible"]["visible"]
    assert {value for row in flags for value in row} == {1, 2}
    for row, points in zip(flags, verdicts["visible"]["points"], strict=True):
        assert [value == 2 for value in row] == [x is not None for x in points[::2]]


@pytest.mark.parametrize("name", BROKEN)
def test_what_the_check_finds_stops_lightning_pose(verdicts: dict[str, Any], name: str) -> None:
    assert BROKEN[name][3] in verdicts[name]


def test_the_app_knows_the_registered_projects(verdicts: dict[str, Any], folders: dict[str, Path]) -> None:
    assert verdicts["registered"] == {f'{name} "ü"': str(folders[name].resolve()) for name in GOOD}
