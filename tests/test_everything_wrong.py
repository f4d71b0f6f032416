"""A project in which everything is wrong at once gives one complete list, and whatever is intact arrives."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
from builder import BuiltProject, Key, Session, Video, build_project, snapshot
from command import Result, dlc2lp
from scene import write_clip
from targets import read_labels
from variants.table import edit_text, whole

SEVERITIES = ("error", "warning", "note")

#: What is wrong with the images, the videos and the cells of every one of these projects: code -> subject's end.
DAMAGE = {
    "missing-image": "images/img02.png",
    "image-corrupt": "images/img05.png",
    "image-empty": "images/img09.png",
    "h5-unreadable": "unreadable/CollectedData_Anna.h5",
    "row-without-image": "mangled/CollectedData_Anna.h5",
    "video-empty": "videos/points.mp4",
    "video-unreadable": "videos/unreadable.mp4",
    "video-missing": "images.mp4",
    "frame-beyond-video": "mangled",
    "half-point": "points/CollectedData_Anna.h5",
    "label-outside-image": "points",
    "labels-at-corner": "points",
    "csv-differs-from-h5": "points/CollectedData_Anna.csv",
    "index-names-other-folder": "renamed/CollectedData_Anna.h5",
    "config-duplicate-key": "config.yaml",
    "config-value": "config.yaml",
    "skeleton-unknown": "config.yaml",
    "folder-empty": "empty",
    "duplicate-row": "renamed/CollectedData_Anna.h5",
}

#: What only a person can decide, where that is wrong besides.
QUESTIONS = {
    "several-label-files": "labelers",
    "several-scorers": "blocks/CollectedData_Anna.h5",
    "conflicting-rows": "conflicts/CollectedData_Anna.h5",
    "unknown-split": "--split 7",
}


def _label(key: Key, point: tuple[float, float]) -> tuple[float, float]:
    odd = {
        ("img02.png", "nose"): (12.0, math.nan),
        ("img05.png", "nose"): (-3.0, 4.0),
        ("img05.png", "tail"): (50.0, 50.0),
        ("img09.png", "tail"): (50.0, 50.0),
    }
    return odd.get(key[1:], point) if key[0] == "points" else point


def _edit(session: str, table: pd.DataFrame) -> pd.DataFrame:
    match session:
        case "mangled":
            return table.set_axis(["labeled_mice/proj/"] * len(table), axis=0)
        case "renamed":
            table = table.set_axis([row.replace("renamed", "before") for row in table.index], axis=0)
            return pd.concat([table, table.iloc[[0]]])
        case "blocks":
            return pd.concat([table, table.rename(columns={"Anna": "Bob"}, level="scorer")], axis=1)
        case "conflicts":
            return pd.concat([table, table.iloc[[1]] + 1])
        case _:
            return table


def build_wrong(root: Path, *, with_questions: bool) -> BuiltProject:
    """The damage, and perhaps the questions, in one project; the folder ``intact`` has neither."""
    asked = ("labelers", "blocks", "conflicts") if with_questions else ()
    names = ("intact", "images", "points", "unreadable", "mangled", "renamed", *asked)
    project = build_project(
        root,
        sessions=[Session(name, files=("h5",) if name == "unreadable" else None) for name in names],
        frames=(2, 5, 9),
        layout="flat",
        labels=_label,
        edit_table=_edit,
        config={
            "scorer": "Clara" if with_questions else "Anna",
            "iteration": "first",
            "skeleton": [["nose", "whisker"]],
        },
    )
    with project.config.open("a", encoding="utf-8") as file:
        file.write("pcutoff: 0.9\n")
    project.image("images", "img02.png").unlink()
    corrupt = project.image("images", "img05.png")
    corrupt.write_bytes(corrupt.read_bytes()[:-500])
    project.image("images", "img09.png").write_bytes(b"")
    project.label_file("unreadable", "h5").write_bytes(b"no HDF5")
    points = project.label_file("points", "csv")
    x, _ = project.labels["points", "img09.png", "nose"]
    edit_text(points, (repr(x), "1.5"))
    project.folder("empty").mkdir()
    project.videos["points"].write_bytes(b"")
    project.videos["unreadable"].write_bytes(b"these are not moving pictures\n" * 50)
    project.videos["images"].unlink()
    write_clip(project.videos["mangled"], [np.full((96, 128, 3), 128, np.uint8)] * 4, Video())
    if with_questions:
        for kind in ("csv", "h5"):
            path = project.label_file("labelers", kind)
            shutil.copy(path, path.with_stem("CollectedData_Bob"))
    return project


def expect_complete(result: Result, expected: dict[str, str]) -> list[dict[str, str]]:
    """Every finding is there, errors first, and the text for people names every error."""
    findings = result.document["findings"]
    ranks = [SEVERITIES.index(finding["severity"]) for finding in findings]
    assert ranks == sorted(ranks)
    for code, subject in expected.items():
        told = [finding["subject"] for finding in findings if finding["code"] == code]
        assert any(name.endswith(subject) for name in told), (code, told)
    for finding in findings:
        assert finding["severity"] != "error" or finding["hint"], finding
    return findings


def test_everything_is_told_before_anything_is_decided(tmp_path):
    project = build_wrong(tmp_path / "dlc", with_questions=True)
    before = snapshot(project.root)
    options = ("--split", "7", "--json")
    for command in (("inspect", project.root), ("convert", project.root, tmp_path / "lp")):
        result = dlc2lp(*command, *options)
        assert result.exit_code == 3
        findings = expect_complete(result, DAMAGE | QUESTIONS)
        for code in QUESTIONS:
            assert f"[{code}]" in result.stderr
        assert len({tuple(finding.values()) for finding in findings}) == len(findings)
    assert snapshot(project.root) == before
    assert not (tmp_path / "lp").exists()
    decisions = dlc2lp("inspect", project.root, *options).document["decisions"]
    assert {decision["code"] for decision in decisions} == QUESTIONS.keys()
    assert all(decision["option"] for decision in decisions)


def test_everything_is_told_where_the_config_is_no_yaml(tmp_path):
    project = build_wrong(tmp_path / "dlc", with_questions=False)
    edit_text(project.config, ("Task: reach", "Task: [reach"))
    expected = {code: subject for code, subject in DAMAGE.items() if "config.yaml" not in subject}
    # These two are known from the config alone.
    del expected["video-missing"], expected["labels-at-corner"]
    for command in (("inspect", project.root), ("convert", project.root, tmp_path / "lp")):
        result = dlc2lp(*command, "--json")
        assert result.exit_code == 3
        expect_complete(result, expected | {"config-unreadable": "config.yaml"})
    assert not (tmp_path / "lp").exists()


def test_what_is_intact_arrives_and_the_rest_is_counted(tmp_path):
    project = build_wrong(tmp_path / "dlc", with_questions=False)
    before = snapshot(project.root)
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--json")
    assert result.exit_code == 1, result.stderr
    expect_complete(result, DAMAGE)
    assert snapshot(project.root) == before
    arriving = {
        (f"labeled-data/{session}/img{project.frame_index[session, image]:08d}.png", part): point
        for (session, image, part), point in project.labels.items()
        if session in {"intact", "points", "renamed"} and whole(point)
    }
    written = {key: point for key, point in read_labels(tmp_path / "lp").items() if whole(point)}
    assert written == arriving
    # Of the unreadable file nobody can count the cells; of the others each is accounted for.
    n_lost = 2 * 12
    assert result.document["counts"]["labeled_cells"] == {
        "source": len(arriving) + n_lost,
        "written": len(arriving),
        "left_out": n_lost,
    }
    assert sorted(path.name for path in (tmp_path / "lp" / "videos").iterdir()) == [
        "intact.mp4",
        "mangled.mp4",
        "renamed.mp4",
    ]
    again = snapshot(tmp_path / "lp")
    assert dlc2lp("convert", project.root, tmp_path / "lp").exit_code == 1
    assert snapshot(tmp_path / "lp") == again


def test_a_question_about_individuals_does_not_wait_for_the_others(tmp_path):
    project = build_project(
        tmp_path / "dlc",
        sessions=("m1", "m2"),
        frames=(2, 5),
        video="none",
        individuals=("mus1", "mus2"),
        edit_table=lambda session, table: pd.concat([table, table.iloc[[0]] + 1]) if session == "m1" else table,
    )
    result = dlc2lp("inspect", project.root, "--json")
    assert result.exit_code == 3
    codes = {decision["code"] for decision in result.document["decisions"]}
    assert codes == {"conflicting-rows", "several-individuals"}
