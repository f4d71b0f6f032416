"""Projects of several cameras in an archive: 3D projects by themselves, others by decision."""

import json

import rig
from archives import SMALL
from builder import build_project
from command import dlc2lp


def states(result):
    return {project["target"]: project["state"] for project in result.document["report"]["projects"]}


def test_a_3d_project_asks_for_its_square_and_becomes_one_target(tmp_path):
    root, out = tmp_path / "root", tmp_path / "lp"
    rig.build_3d_project(root / "lab")
    result = dlc2lp("batch", "plan", root, out, "--json")
    assert result.exit_code == 1
    assert result.finding("square-size-unknown")["where"] == "lab/reach-3d"
    decisions = out / "decisions.yaml"
    text = decisions.read_text(encoding="utf-8")
    assert "lab/reach-3d:\n  square-size:\n" in text
    decisions.write_text(text.replace("square-size:", "square-size: 2.5"), encoding="utf-8")
    result = dlc2lp("batch", "convert", root, out, "--json")
    assert result.exit_code == 0, result.stderr
    assert states(result) == {
        "lab/camera-1-Anna-2021-08-30": "done",
        "lab/camera-2-Anna-2021-08-30": "done",
        "lab/reach-3d": "done",
    }
    assert result.finding("camera-alone")["subject"] == "lab/camera-1-Anna-2021-08-30, lab/camera-2-Anna-2021-08-30"
    assert "project-twice" not in result.codes
    plan = json.loads((out / "lab/reach-3d/.dlc2lp/plan.json").read_text(encoding="utf-8"))
    assert plan["views"] == ["camera-1", "camera-2"]
    assert (out / "lab/reach-3d/calibration.toml").is_file()


def test_projects_of_single_cameras_are_joined_by_decision(tmp_path):
    root, out = tmp_path / "root", tmp_path / "lp"
    for name in ("top", "side"):
        build_project(root / name, **{**SMALL, "task": name})
    out.mkdir()
    decisions = out / "decisions.yaml"
    decisions.write_text("top:\n  view: {top: top, side: side}\nside:\n  skip: true\n", encoding="utf-8")
    result = dlc2lp("batch", "convert", root, out, "--json")
    assert result.exit_code == 0, result.stderr
    assert states(result) == {"side": "skipped", "top": "done"}
    assert (out / "top/CollectedData_side.csv").is_file()
    assert dlc2lp("verify", out / "top").exit_code == 0

    decisions.write_text("top:\n  view: {a: side, b: lab/none}\n", encoding="utf-8")
    result = dlc2lp("batch", "plan", root, out, "--json")
    assert (result.exit_code, "decision-invalid" in result.codes) == (1, True)
