"""Labeling goes on in the target and in DeepLabCut, and a second conversion brings both together."""

from __future__ import annotations

import math
import shutil
import threading
from pathlib import Path

import pytest
from builder import BuiltProject, Session, Shuffle, build_project, snapshot
from command import dlc2lp
from labeler import NOTHING, queued, save
from targets import read_labels, read_visible

import dlc2lp as library
from dlc2lp.run import execute

FRAMES = {"sessions": ("m1", "m2"), "frames": (2, 5, 9, 14), "unlabeled": (7, 11), "video": "none"}
NO_CUTS = "--no-context-frames"


def image(index: int, session: str = "m1") -> str:
    return f"labeled-data/{session}/img{index:08d}.png"


def rebuilt(project: BuiltProject, **changes) -> BuiltProject:
    """Build a project once more, as its lab went on with it."""
    shutil.rmtree(project.root)
    return build_project(project.root, **FRAMES | changes)


def convert(project: BuiltProject, target: Path, *options: object):
    before = snapshot(project.root)
    result = dlc2lp("convert", project.root, target, NO_CUTS, "--json", *options)
    assert snapshot(project.root) == before
    return result


@pytest.fixture
def project(tmp_path: Path) -> BuiltProject:
    return build_project(tmp_path / "dlc", **FRAMES)


@pytest.fixture
def target(tmp_path: Path, project: BuiltProject) -> Path:
    assert convert(project, tmp_path / "lp").exit_code == 0
    return tmp_path / "lp"


def key(project: BuiltProject, index: int, keypoint: str, session: str = "m1") -> tuple[str, str, str]:
    (name,) = (name for (of, name), n in project.frame_index.items() if of == session and n == index)
    return session, name, keypoint


def expect_settled(project: BuiltProject, target: Path, *options: object) -> None:
    """Nothing is left to do, and nothing is wrong."""
    before = snapshot(target)
    verified = dlc2lp("verify", target, "--json")
    assert verified.exit_code == 0, verified.stdout
    again = convert(project, target, *options)
    assert (again.exit_code, again.document["steps"]["done"]) == (0, [])
    assert snapshot(target) == before
    assert not (target / ".dlc2lp/labels-base.json").exists()


def test_what_people_label_in_the_app_is_no_fault(project, target):
    before = read_labels(target)
    save(target, image(7), {"nose": (10.25, 20.5)})
    save(target, image(2), {"tail": (1.5, 2.5)})
    save(target, image(5), {"nose": NOTHING})
    found = dlc2lp("verify", target, "--json")
    assert found.exit_code == 0, found.stdout
    told = found.finding("labels-edited")
    assert "1 label removed" in told["message"]
    assert "1 label added, 1 label moved, 1 label removed, 1 row added" in told["message"]
    result = convert(project, target)
    assert (result.exit_code, "labels-merged" in result.codes) == (0, False)
    after = read_labels(target)
    assert after[image(7), "nose"] == (10.25, 20.5)
    assert after[image(2), "tail"] == (1.5, 2.5)
    assert math.isnan(after[image(5), "nose"][0])
    theirs = {(image(2), "tail"), (image(5), "nose")}
    assert {place: after[place] for place in before.keys() - theirs} == {
        place: before[place] for place in before.keys() - theirs
    }
    assert queued(target) == [image(11), image(7, "m2"), image(11, "m2")]
    expect_settled(project, target)


def test_what_each_side_did_is_brought_together(project, target):
    save(target, image(7), {"nose": (10.25, 20.5)})
    save(target, image(2), {"tail": (1.5, 2.5)})
    moved = {key(project, 5, "nose"): (33.0, 44.0), key(project, 14, "tail", "m2"): None}
    project = rebuilt(project, frames=(2, 5, 9, 14, 17), labels=moved)
    dry = convert(project, target, "--dry-run")
    states = {step["target"]: step["state"] for step in dry.document["steps"] if step["kind"] == "write-text"}
    assert states["CollectedData.csv"] == "to-merge"
    result = convert(project, target)
    assert result.exit_code == 0, result.stdout
    for document in (dry, result):
        told = document.finding("labels-merged")["message"]
        assert told.startswith("8 labels added, 1 label moved, 1 label removed, 2 rows added")
        assert "1 label added, 1 label moved, 1 row added" in document.finding("labels-edited")["message"]
    labels = read_labels(target)
    assert labels[image(5), "nose"] == (33.0, 44.0)
    assert math.isnan(labels[image(14, "m2"), "tail"][0])
    assert labels[image(7), "nose"] == (10.25, 20.5)
    assert labels[image(2), "tail"] == (1.5, 2.5)
    for index, session in ((17, "m1"), (17, "m2")):
        for keypoint in project.bodyparts:
            assert labels[image(index, session), keypoint] == project.labels[key(project, index, keypoint, session)]
    expect_settled(project, target)
    # The next merge starts from what this one brought.
    save(target, image(17), {"tail": (7.0, 8.0)})
    project = rebuilt(project, frames=(2, 5, 9, 14, 17), labels=moved | {key(project, 9, "tail"): (5.0, 6.0)})
    assert convert(project, target).exit_code == 0
    labels = read_labels(target)
    assert (labels[image(17), "tail"], labels[image(9), "tail"]) == ((7.0, 8.0), (5.0, 6.0))
    assert labels[image(7), "nose"] == (10.25, 20.5)
    expect_settled(project, target)


def conflict(project: BuiltProject, target: Path) -> tuple[BuiltProject, dict]:
    save(target, image(2), {"nose": (1.5, 2.5), "tail": (3.5, 4.5)})
    changed = {key(project, 2, "nose"): (30.0, 40.0), key(project, 2, "tail"): (3.5, 4.5)}
    return rebuilt(project, labels=changed), changed


def expect_conflict(result) -> None:
    assert result.exit_code == 1
    (told,) = [each for each in result.document["findings"] if each["code"] == "labels-conflict"]
    assert told["subject"] == "CollectedData.csv"
    assert told["where"] == f"{image(2)}, nose"
    assert "(1.5, 2.5)" in told["message"]
    assert "(30.0, 40.0)" in told["message"]
    assert "--edited settle" in told["hint"]


def test_a_conflict_is_told_until_it_is_settled(project, target):
    project, changed = conflict(project, target)
    for _ in range(2):
        expect_conflict(convert(project, target))
        assert read_labels(target)[image(2), "nose"] == (1.5, 2.5)
        before = snapshot(target)
        expect_conflict(dlc2lp("verify", target, "--json"))
        assert snapshot(target) == before
    # Other labels go on being brought, and the conflict stays one.
    project = rebuilt(project, labels=changed | {key(project, 9, "tail"): (5.0, 6.0)})
    expect_conflict(convert(project, target))
    assert read_labels(target)[image(9), "tail"] == (5.0, 6.0)
    save(target, image(2), {"nose": (30.0, 40.0)})
    assert convert(project, target).exit_code == 0
    expect_settled(project, target)


def test_a_conflict_is_settled_for_the_target(project, target):
    project, changed = conflict(project, target)
    expect_conflict(convert(project, target))
    assert convert(project, target, "--edited", "settle").exit_code == 0
    assert read_labels(target)[image(2), "nose"] == (1.5, 2.5)
    expect_settled(project, target)
    # That was about DeepLabCut's label as it was: another one is another question.
    project = rebuilt(project, labels=changed | {key(project, 2, "nose"): (31.0, 41.0)})
    assert convert(project, target).exit_code == 1
    assert convert(project, target, "--edited", "replace").exit_code == 0
    assert read_labels(target)[image(2), "nose"] == (31.0, 41.0)
    expect_settled(project, target)


def test_rows_that_one_side_deleted(project, target):
    save(target, image(2), None)
    save(target, image(5), None)
    save(target, image(9, "m2"), {"nose": (1.5, 2.5)})
    project = rebuilt(
        project,
        sessions=("m1", "m2"),
        frames=(2, 5),
        labels={key(project, 5, "nose"): (30.0, 40.0)},
    )
    result = convert(project, target)
    assert result.exit_code == 1
    places = [each["where"] for each in result.document["findings"] if each["code"] == "labels-conflict"]
    assert places == [f"{image(5)}, nose", f"{image(9, 'm2')}, nose"]
    rows = [place for place, keypoint in read_labels(target) if keypoint == "nose"]
    assert rows == [image(2, "m2"), image(5, "m2"), image(9, "m2")]
    assert (target / image(9, "m2")).is_file(), "a row without its image hides the file from the app"
    assert convert(project, target, "--edited", "settle").exit_code == 0
    assert rows == [place for place, keypoint in read_labels(target) if keypoint == "nose"]
    expect_settled(project, target)


def test_a_keypoint_that_is_new_in_deeplabcut_joins_what_people_labelled(project, target):
    save(target, image(7), {"nose": (10.25, 20.5)})
    project = rebuilt(project, bodyparts=("nose", "paw", "ear_left", "ear_right", "tail"))
    assert convert(project, target).exit_code == 0
    labels = read_labels(target)
    assert labels[image(2), "paw"] == project.labels[key(project, 2, "paw")]
    assert labels[image(7), "nose"] == (10.25, 20.5)
    expect_settled(project, target)


def test_labels_of_a_keypoint_that_deeplabcut_has_no_more_are_not_dropped(project, target):
    original = read_labels(target)[image(2), "tail"]
    save(target, image(2), {"tail": (10.25, 20.5)})
    for frames in ((2, 5, 9, 14), (2, 5, 9, 14, 17)):  # as people saved it, and as it was merged
        project = rebuilt(project, frames=frames)
        assert convert(project, target).exit_code == 0
        before = (target / "CollectedData.csv").read_bytes()
        project = rebuilt(project, frames=frames, bodyparts=("nose", "ear_left", "ear_right"))
        for _ in range(2):
            result = convert(project, target)
            assert result.exit_code == 1
            assert result.finding("labels-keypoint-gone")["where"] == "tail"
            assert (target / "CollectedData.csv").read_bytes() == before
            assert "target-keypoints-differ" not in result.codes  # project.yaml and the config stay with the labels
        assert "tail" in (target / "project.yaml").read_text(encoding="utf-8")
        assert dlc2lp("verify", target).exit_code == 1
    save(target, image(2), {"tail": original})
    assert convert(project, target).exit_code == 0
    assert (image(2), "tail") not in read_labels(target)
    expect_settled(project, target)


@pytest.mark.parametrize("left", ["nothing", "frames of people"])
def test_a_queue_that_no_plan_has_any_more(project, target, left):
    extra = image(77)
    shutil.copyfile(target / image(7), target / extra)
    if left == "frames of people":
        queue = target / "CollectedData.unlabeled.jsonl"
        queue.write_text(queue.read_text() + f'{{"frame_path": "{extra}", "predictions": null}}\n')
    else:
        save(target, image(7), {"nose": (10.25, 20.5)})
    project = rebuilt(project, unlabeled=())
    result = convert(project, target)
    assert result.exit_code == 0, result.stdout
    assert queued(target) == ([extra] if left == "frames of people" else [])
    assert (target / "CollectedData.unlabeled.jsonl").exists() == (left == "frames of people")
    assert (target / image(7)).exists() == (left == "nothing"), "its label is people's"
    expect_settled(project, target)


def test_a_frame_in_two_images_is_told(project, target):
    shutil.copyfile(target / image(7), target / image(17).replace("png", "jpg"))
    save(target, image(17).replace("png", "jpg"), {"nose": (10.25, 20.5)})
    project = rebuilt(project, frames=(2, 5, 9, 14, 17))
    result = convert(project, target)
    assert result.finding("labels-frame-twice")["subject"] == image(17).replace("png", "jpg")
    assert {image(17), image(17).replace("png", "jpg")} <= {place for place, _ in read_labels(target)}


def test_test_frames_and_people_s_work_in_both_files(tmp_path):
    project = build_project(tmp_path / "dlc", **FRAMES, shuffles=(Shuffle(),))
    target = tmp_path / "lp"
    split = ("--split", next(iter(project.splits)))
    assert convert(project, target, *split).exit_code == 0
    test = read_labels(target, "CollectedData_test.csv")
    held = next(iter(test))[0]
    save(target, held, {"nose": (1.5, 2.5)}, suffix="_test")
    assert dlc2lp("verify", target).exit_code == 0
    assert convert(project, target, *split).exit_code == 0
    expect_settled(project, target, *split)
    assert read_labels(target, "CollectedData_test.csv")[held, "nose"] == (1.5, 2.5)
    assert convert(project, target).exit_code == 0
    assert not (target / "CollectedData_test.csv").exists()
    assert read_labels(target)[held, "nose"] == (1.5, 2.5)
    expect_settled(project, target)


def test_label_files_that_cant_be_read_are_kept_and_told(project, target):
    path = target / "CollectedData.csv"
    path.write_bytes(path.read_bytes() + f"{image(2)},1,2,3,4,5,6,7,8\n".encode())
    edited = path.read_bytes()
    project = rebuilt(project, frames=(2, 5))
    for _ in range(2):
        result = convert(project, target)
        assert result.exit_code == 1
        assert result.finding("target-labels-twice")["subject"] == "CollectedData.csv"
        assert result.finding("target-edited")["subject"] == "CollectedData.csv"
        assert path.read_bytes() == edited
    assert convert(project, target, "--edited", "replace").exit_code == 0
    expect_settled(project, target)


@pytest.mark.parametrize("before", [True, False], ids=["and before", "and not before"])
def test_what_is_saved_in_the_app_while_a_conversion_runs_is_not_lost(project, target, before):
    tail = (1.5, 2.5) if before else read_labels(target)[image(2), "tail"]
    if before:
        save(target, image(2), {"tail": tail})
    project = rebuilt(project, frames=(2, 5, 9, 14, 17))

    def saves(event):
        if event.what == "planned" and event.thing == "step":
            save(target, image(5), {"tail": (3.5, 4.5)})

    came = library.convert(project.root, target, on_event=saves, context_frames=False)
    assert came.exit_code == 1
    assert "labels-changed-meanwhile" in {finding.code for finding in came.findings}
    assert read_labels(target)[image(5), "tail"] == (3.5, 4.5)
    assert convert(project, target).exit_code == 0
    labels = read_labels(target)
    assert (labels[image(5), "tail"], labels[image(2), "tail"]) == ((3.5, 4.5), tail)
    assert labels[image(17), "tail"] == project.labels[key(project, 17, "tail")]
    expect_settled(project, target)


def test_a_column_visible_that_a_new_keypoint_of_one_session_brings(project, target):
    save(target, image(7), {"nose": (10.25, 20.5)})
    save(target, image(2, "m2"), {"tail": NOTHING})
    grown = (Session("m1", bodyparts=("nose", "ear_left", "ear_right", "tail", "paw")), "m2")
    project = rebuilt(project, sessions=grown)
    assert convert(project, target).exit_code == 0
    visible = read_visible(target)
    assert visible[image(7), "nose"] == "2"
    assert {visible[image(2, "m2"), name] for name in ("paw", "tail")} == {"0", "1"}
    expect_settled(project, target)
    project = rebuilt(project)
    assert convert(project, target).exit_code == 0
    assert read_visible(target) == {}
    assert read_labels(target)[image(7), "nose"] == (10.25, 20.5)
    expect_settled(project, target)


def test_files_that_are_merged_at_the_same_moment(project, target, monkeypatch):
    save(target, image(7), {"nose": (10.25, 20.5)})
    project = rebuilt(project, frames=(2, 5, 9, 14, 17), unlabeled=(7, 11, 19))
    together, made = threading.Barrier(2), execute.make_text

    def make_text(step, scratch):
        file = made(step, scratch)
        if step.target.startswith("CollectedData"):
            together.wait(timeout=20)
        return file

    monkeypatch.setattr(execute, "make_text", make_text)
    came = library.convert(project.root, target, context_frames=False)
    assert came.exit_code == 0
    monkeypatch.undo()
    assert read_labels(target)[image(7), "nose"] == (10.25, 20.5)
    assert queued(target) == [image(index, session) for session in ("m1", "m2") for index in (7, 11, 19)][1:]
    expect_settled(project, target)


def test_frames_that_get_other_names(project, target):
    save(target, image(2), {"nose": (5.5, 6.5)})
    save(target, image(7), {"nose": (7.5, 8.5)})
    n_rows = len({place for place, _ in read_labels(target)})
    keep = ("--frame-names", "keep")
    again = convert(project, target, *keep)
    assert again.exit_code == 0, again.stdout
    labels = read_labels(target)
    assert labels["labeled-data/m1/img02.png", "nose"] == (5.5, 6.5)
    assert labels["labeled-data/m1/img07.png", "nose"] == (7.5, 8.5)
    assert len({place for place, _ in labels}) == n_rows
    assert [Path(each).name for each in queued(target)] == ["img11.png", "img07.png", "img11.png"]
    assert not (target / image(2)).exists()
    expect_settled(project, target, *keep)
    assert convert(project, target).exit_code == 0
    assert read_labels(target)[image(7), "nose"] == (7.5, 8.5)
    expect_settled(project, target)


def test_a_conflict_in_a_frame_that_gets_another_name(project, target):
    save(target, image(2), {"nose": (5.5, 6.5)})
    project = rebuilt(project, labels={("m1", "img02.png", "nose"): (1.5, 2.5)})
    for options, name in ((("--frame-names", "keep"), "img02.png"), ((), "img00000002.png")):
        for _ in range(2):
            result = convert(project, target, *options)
            assert result.exit_code == 1
            told = result.finding("labels-conflict")
            assert told["where"] == f"labeled-data/m1/{name}, nose"
            assert "found (5.5, 6.5), and (1.5, 2.5) in DeepLabCut" in told["message"]
            assert read_labels(target)[f"labeled-data/m1/{name}", "nose"] == (5.5, 6.5)
    assert convert(project, target, "--frame-names", "keep", "--edited", "settle").exit_code == 0
    assert read_labels(target)["labeled-data/m1/img02.png", "nose"] == (5.5, 6.5)
    expect_settled(project, target, "--frame-names", "keep")
