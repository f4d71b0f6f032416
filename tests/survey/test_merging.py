"""Several DeepLabCut projects in one target: nothing is lost, nothing doubled, nothing guessed."""

import json
import math
import re
import shutil

import cv2
import pytest
import yaml
from builder import Session, barcode, build_project, read_clip, snapshot
from command import dlc2lp
from targets import read_labels, read_visible

FRAME = "labeled-data/m1/img{:08d}.png".format


def build(root, **options):
    """One session with two keypoints; the images of two such projects are equal."""
    return build_project(
        root, **{"sessions": ("m1",), "bodyparts": ("nose", "tail"), "frames": (2, 5, 9), "video": "none", **options}
    )


def merge(first, *others, target=None, options=()):
    """Convert with ``--merge``; no source may change."""
    before = [snapshot(project.root) for project in (first, *others)]
    target = target or first.root.parent / "lp"
    sources = [part for project in others for part in ("--merge", project.root)]
    result = dlc2lp("convert", first.root, target, *sources, "--json", *options)
    assert [snapshot(project.root) for project in (first, *others)] == before
    return result, target


def cells(*projects):
    """Every labelled cell of some projects as a target must have it."""
    return {
        (f"labeled-data/{session}/img{project.frame_index[session, image]:08d}.png", keypoint): point
        for project in projects
        for (session, image, keypoint), point in project.labels.items()
    }


def labelled(target):
    return {cell: point for cell, point in read_labels(target).items() if not math.isnan(point[0])}


def rows(target):
    return dict.fromkeys(image for image, _ in read_labels(target))


def test_other_sessions_are_added_with_their_videos(tmp_path):
    first = build_project(tmp_path / "a", sessions=("m1",), frames=(2, 5), n_frames=8)
    other = build_project(tmp_path / "b", sessions=("m2", "m3"), frames=(1, 3), unlabeled=(4,), n_frames=8)
    result, target = merge(first, other)
    assert result.exit_code == 0, result.stderr
    assert labelled(target) == cells(first, other)
    n_cells = len(first.labels) + len(other.labels)
    assert result.document["counts"]["labeled_cells"] == {"source": n_cells, "written": n_cells, "left_out": 0}
    assert result.document["counts"]["labeled_frames"] == {"source": 6, "written": 6, "left_out": 0}
    for project in (first, other):
        for session in project.sessions:
            clip = target / "videos" / f"{session}.mp4"
            assert [barcode(frame) for frame in read_clip(clip)] == list(range(8))
        for (session, image), index in project.frame_index.items():
            placed = target / "labeled-data" / session / f"img{index:08d}.png"
            assert placed.read_bytes() == project.image(session, image).read_bytes()
    assert len((target / "CollectedData.unlabeled.jsonl").read_text().splitlines()) == 2
    assert dlc2lp("verify", target).exit_code == 0


def test_keypoints_of_the_same_frames_are_joined_by_name(tmp_path):
    body = build(tmp_path / "a")
    face = build(tmp_path / "b", bodyparts=("whisker", "eye"), skeleton=(), scorer="Bob")
    result, target = merge(body, face)
    assert result.exit_code == 0, result.stderr
    assert labelled(target) == cells(body, face)
    assert list(rows(target)) == [FRAME(2), FRAME(5), FRAME(9)]
    settings = yaml.safe_load((target / "project.yaml").read_text())
    assert settings["keypoint_names"] == ["nose", "tail", "whisker", "eye"]
    assert result.document["counts"]["labeled_cells"] == {"source": 12, "written": 12, "left_out": 0}
    note = result.finding("session-merged")
    assert note["subject"] == "m1"
    assert all(str(project.label_file("m1", "h5")) in note["message"] for project in (body, face))


def test_frames_that_only_one_project_labelled(tmp_path):
    body = build(tmp_path / "a", frames=(2, 5))
    face = build(tmp_path / "b", frames=(5, 9), bodyparts=("nose", "eye"))
    result, target = merge(body, face)
    assert result.exit_code == 0, result.stderr
    assert list(rows(target)) == [FRAME(2), FRAME(5), FRAME(9)]  # in the order of the video
    assert labelled(target) == cells(body, face)
    assert "visible" not in (target / "CollectedData.csv").read_text()


def test_frames_labelled_twice_with_equal_values_are_one_row(tmp_path):
    first, other = build(tmp_path / "a"), build(tmp_path / "b")
    result, target = merge(first, other)
    assert result.exit_code == 0, result.stderr
    assert labelled(target) == cells(first)
    assert (target / "CollectedData.csv").read_text().count("img00000005.png") == 1
    assert result.document["counts"]["labeled_cells"] == {"source": 6, "written": 6, "left_out": 0}


def test_different_values_are_a_conflict_cell_by_cell(tmp_path):
    first = build(tmp_path / "a")
    moved = {("m1", "img05.png", "nose"): (1.5, 2.5), ("m1", "img05.png", "tail"): None}
    other = build(tmp_path / "b", labels={**moved, ("m1", "img09.png", "tail"): (3.5, 4.5)})
    result, target = merge(first, other)
    assert result.exit_code == 3
    assert not target.exists()
    conflicts = [finding for finding in result.document["findings"] if finding["code"] == "conflicting-labels"]
    assert [finding["subject"] for finding in conflicts] == ["m1/img05.png", "m1/img09.png"]
    nose, tail = (
        tuple(round(value, 3) for value in first.labels["m1", "img05.png", name]) for name in ("nose", "tail")
    )
    assert f"nose {nose!r} and (1.5, 2.5); tail {tail!r} and empty" in conflicts[0]["message"]
    assert "tail" in conflicts[1]["message"]
    assert "(3.5, 4.5)" in conflicts[1]["message"]
    for finding in conflicts:
        assert finding["hint"]
        assert all(str(project.label_file("m1", "h5")) in finding["hint"] for project in (first, other))
    inspected = dlc2lp("inspect", first.root, "--merge", other.root, "--json")
    assert [decision["code"] for decision in inspected.document["decisions"]] == ["conflicting-labels"] * 2


def test_images_of_one_name_and_different_content_are_no_frame(tmp_path):
    first, other = build(tmp_path / "a"), build(tmp_path / "b")
    image = cv2.imread(str(other.image("m1", "img05.png")))
    cv2.imwrite(str(other.image("m1", "img05.png")), image[::-1])
    third = build(tmp_path / "c", sessions=("m2",))
    result, target = merge(first, third, other)
    assert result.exit_code == 3
    assert not target.exists()
    finding = result.finding("merged-images-differ")
    assert finding["subject"] == "m1"
    assert "1 image " in finding["message"]
    assert "img05.png" in finding["message"]
    assert finding["hint"].endswith(f"candidates: {first.root}, {other.root}")


def test_images_of_equal_size_on_disk_are_compared_by_content(tmp_path):
    first = build(tmp_path / "a", image_suffix=".bmp")
    other = build(tmp_path / "b", image_suffix=".bmp")
    path = other.image("m1", "img05.bmp")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    result, _ = merge(first, other)
    assert result.exit_code == 3
    assert "merged-images-differ" in result.codes


def map_of_labels(page):
    """What the report for people shows of the labels: how many of each keypoint arrived from each session."""
    (table,) = re.findall(r'<table class="map">.*?</table>', page, re.DOTALL)
    return table


def test_a_project_merged_with_itself_stays_the_same(tmp_path):
    project = build(tmp_path / "a", sessions=("m1", "m2"), unlabeled=(11,), extras=("machinelabels",))
    _, plain = merge(project, target=tmp_path / "plain")
    result, target = merge(project, project, target=tmp_path / "merged")
    assert result.exit_code == 0, result.stderr
    for path in plain.rglob("*"):
        name = path.relative_to(plain)
        # The config and the report for people name the target.
        named = {"default.yaml", "migration-report.html"}
        if path.is_file() and name.parts[0] != ".dlc2lp" and name.name not in named:
            assert (target / name).read_bytes() == path.read_bytes(), name
    config = (target / "configs/default.yaml").read_text().replace(str(target), str(plain))
    assert config == (plain / "configs/default.yaml").read_text()
    pages = [(folder / "migration-report.html").read_text() for folder in (target, plain)]
    assert len(set(map(map_of_labels, pages))) == 1
    assert {path.relative_to(target) for path in target.rglob("*.png")} == {
        path.relative_to(plain) for path in plain.rglob("*.png")
    }


def test_merging_again_does_nothing(tmp_path):
    first, other = build(tmp_path / "a"), build(tmp_path / "b", sessions=("m2",))
    assert merge(first, other)[0].exit_code == 0
    again, _ = merge(first, other)
    assert again.exit_code == 0
    assert again.document["steps"]["done"] == []


def test_three_projects(tmp_path):
    projects = [build(tmp_path / name, sessions=(name, "m1"), bodyparts=("nose", name)) for name in "abc"]
    result, target = merge(*projects)
    assert result.exit_code == 0, result.stderr
    assert labelled(target) == cells(*projects)
    assert {image.split("/")[1] for image in rows(target)} == {"a", "b", "c", "m1"}


def test_keypoints_that_a_project_never_had_are_not_taken_for_hidden(tmp_path):
    first = build(tmp_path / "a")
    other = build(tmp_path / "b", sessions=("m2",), bodyparts=("nose",), skeleton=())
    result, target = merge(first, other)
    assert result.exit_code == 0, result.stderr
    visible = read_visible(target)
    assert {value for (image, name), value in visible.items() if "/m2/" in image and name == "tail"} == {"0"}
    assert {value for (image, _), value in visible.items() if "/m1/" in image} == {"2"}


def test_an_image_that_one_project_lost(tmp_path):
    first = build(tmp_path / "a", unlabeled=(11,))
    other = build(tmp_path / "b", bodyparts=("nose", "eye"), unlabeled=(11,), skeleton=())
    first.image("m1", "img05.png").unlink()
    for name in ("img09.png", "img11.png"):
        first.image("m1", name).write_bytes(b"")
    result, target = merge(first, other)
    assert result.exit_code == 0, result.stderr
    assert not {code for code in result.codes if code.startswith(("image", "missing"))}
    assert (target / FRAME(11)).read_bytes() == other.image("m1", "img11.png").read_bytes()
    assert labelled(target) == cells(first, other)


def test_individuals_meet_a_single_animal(tmp_path):
    """The one animal of the multi-animal project is the animal of the other."""
    first = build(tmp_path / "a", individuals=("mus1", "mus2"), labels=lambda key, p: p if key[2] == "mus1" else None)
    other = build(tmp_path / "b", bodyparts=("eye", "ear"), skeleton=())
    for image in first.rows["m1"]:  # a multi-animal frame shows more marks
        shutil.copy(first.image("m1", image), other.image("m1", image))
    result, target = merge(first, other)
    assert result.exit_code == 0, result.stderr
    mouse = {
        (FRAME(first.frame_index["m1", image]), name): point for (_, image, _, name), point in first.labels.items()
    }
    assert labelled(target) == mouse | cells(other)


def test_one_frame_with_and_without_an_individual(tmp_path):
    first = build(tmp_path / "a", individuals=("mus1", "mus2"), labels=lambda key, p: p if key[2] == "mus1" else None)
    other = build(tmp_path / "b")
    for image in first.rows["m1"]:
        shutil.copy(first.image("m1", image), other.image("m1", image))
    result, target = merge(first, other)
    assert result.exit_code == 3
    assert not target.exists()
    assert "3 images in which nose is labelled both with and without" in result.finding("conflicting-labels")["message"]


def test_suggestions_of_both_projects(tmp_path):
    first = build(tmp_path / "a", unlabeled=(11,), extras=("machinelabels",))
    other = build(tmp_path / "b", unlabeled=(12,), extras=("machinelabels",))
    result, target = merge(first, other)
    assert result.exit_code == 0, result.stderr
    lines = (target / "CollectedData.unlabeled.jsonl").read_text().splitlines()
    queue = {entry["frame_path"]: entry["predictions"] for entry in map(json.loads, lines)}
    assert queue.keys() == {FRAME(11), FRAME(12)}
    assert all(queue.values())


@pytest.mark.parametrize("broken", ["nowhere", "empty"])
def test_a_merged_source_that_is_no_project(tmp_path, broken):
    first = build(tmp_path / "a")
    (tmp_path / "empty").mkdir()
    result = dlc2lp("convert", first.root, tmp_path / "lp", "--merge", tmp_path / broken, "--json")
    assert result.exit_code == 3
    assert any(str(tmp_path / broken) in finding["subject"] for finding in result.document["findings"])
    assert not (tmp_path / "lp").exists()


def test_sessions_without_labels_are_merged_too(tmp_path):
    first = build(tmp_path / "a", sessions=("m1", Session("m2", files=())))
    other = build(tmp_path / "b", sessions=("m2",))
    result, target = merge(first, other)
    assert result.exit_code == 0, result.stderr
    assert {image.split("/")[1] for image in rows(target)} == {"m1", "m2"}
    (session,) = [each for each in result.document["sessions"] if each["source"] == "m2"]
    assert session["label_file"] == str(other.label_file("m2", "h5"))
