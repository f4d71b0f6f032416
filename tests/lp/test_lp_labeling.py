"""People label in the real app, over HTTP, and the real Lightning Pose trains on it once ``dlc2lp labels`` has run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from builder import Session, build_project
from command import dlc2lp
from judge import JUDGED, LP_PYTHON

PROGRAM = Path(__file__).resolve().parents[2] / "scripts/lp_labeling.py"

pytestmark = [*JUDGED]


def expect_trained_on(target: Path) -> str:
    command = [LP_PYTHON, PROGRAM, target, sys.executable, "-m", "dlc2lp"]
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, encoding="utf-8", timeout=500, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-3000:]}"
    return done.stdout


def test_labels_of_the_app_are_trained_on(tmp_path: Path) -> None:
    later = Session("m2", bodyparts=("nose", "ear_left", "ear_right"))
    hidden = {("m1", "img05.png", "nose"): None}
    project = build_project(tmp_path / "dlc", sessions=("m1", later), unlabeled=(7,), labels=hidden, video="none")
    assert dlc2lp("convert", project.root, tmp_path / "lp", "--train-batch-size", 4).exit_code == 0
    told = expect_trained_on(tmp_path / "lp")
    before, after = told.split("after:")
    assert '"n_nan": 0' not in before, "the queue's frame"
    assert {"ignored", "hidden"} <= {word.strip('",') for word in before.split()}
    assert '"n_nan": 0' in after


def test_labels_of_the_app_are_trained_on_in_all_views(tmp_path: Path) -> None:
    hidden = {("m1", "img05.png", "nose"): None}
    sides = {"top": (2, 5, 9, 14), "side": (2, 5, 9, 11)}
    views = []
    for name, frames in sides.items():
        project = build_project(tmp_path / name, sessions=("m1",), frames=frames, unlabeled=(7, 17), labels=hidden)
        views += ["--view", f"{name}={project.root}"]
    assert dlc2lp("convert", *views, tmp_path / "lp", "--no-context-frames").exit_code == 0
    told = expect_trained_on(tmp_path / "lp")
    assert "refused" in told.split("after:")[0], (
        "a queue's frame that was labeled in one view has a row in that one only"
    )
