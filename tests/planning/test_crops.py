"""DeepLabCut 2.1.10 to 2.2rc cut frames into random sub-crops: left out, counted, and no way from training to test."""

import itertools
import re
from dataclasses import replace

import pytest
from builder import Session, Shuffle, Video, barcode, build_project, read_clip
from command import dlc2lp
from targets import read_labels

#: Two crops of each of three frames: the builder's frame number only makes their names.
CROPS = Session(
    "m1_cropped",
    frames=(2, 3, 5, 22, 23, 25),
    n_frames=60,
    size_px=(64, 48),
    video="none",
    image_name=lambda index, n_frames: f"img{index % 20:02d}c{index // 20}.png",
)

CROPS_WITHOUT_LABELS = replace(CROPS, files=())


def build(tmp_path, **options):
    """``cropimagesandlabels``: a folder of crops, and videos in the config that never existed."""
    return build_project(
        tmp_path / "dlc",
        **{
            "era": "C",
            "sessions": (Session("m1", frames=(2, 3, 5)), CROPS),
            "bodyparts": ("nose", "tail"),
            "n_frames": 12,
            "video": "none",
            "video_sets": {"/lab/videos/m1_cropped.mp4": {"crop": "0, 64, 0, 48"}},
            "config": {
                "croppedtraining": True,
                "video_sets_original": {"/lab/videos/m1.mp4": {"crop": "0, 128, 0, 96"}},
            },
            **options,
        },
    )


def beside_their_frames(tmp_path):
    """Crops in the folder of the frames, with the crop of a fourth frame among them."""
    names = {2: "img02.png", 3: "img03.png", 5: "img05.png"}
    names |= {index + 20: f"img{index:02d}c0.png" for index in (2, 3, 4)}
    return build_project(
        tmp_path / "dlc",
        sessions=("m1",),
        frames=tuple(names),
        n_frames=60,
        image_name=lambda index, n_frames: names[index],
        video="none",
    )


def images(target, name="CollectedData.csv"):
    return {image for image, _ in read_labels(target, name)} if (target / name).exists() else set()


def placed(target):
    return {path.relative_to(target).as_posix() for path in target.rglob("*.png")}


def test_crops_are_left_out_and_counted(tmp_path):
    project = build(tmp_path)
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--json")
    assert result.exit_code == 0, result.stderr
    full = {f"labeled-data/m1/img{index:08d}.png" for index in (2, 3, 5)}
    assert images(tmp_path / "lp") == placed(tmp_path / "lp") == full
    assert result.document["counts"] == {
        "labeled_frames": {"source": 9, "written": 3, "left_out": 6},
        "labeled_cells": {"source": 18, "written": 6, "left_out": 12},
    }
    note = result.finding("derived-crops")
    assert (note["severity"], note["subject"]) == ("note", "m1_cropped")
    assert "6 images" in note["message"]
    assert "--derived-crops keep" in note["hint"]
    (session,) = [each for each in result.document["sessions"] if each["source"] == "m1_cropped"]
    assert {image["state"] for image in session["images"]} == {"left-out"}
    assert dlc2lp("verify", tmp_path / "lp").exit_code == 0


def test_crops_beside_their_frames_are_left_out_too(tmp_path):
    project = beside_their_frames(tmp_path)
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--json")
    assert result.exit_code == 0, result.stderr
    assert placed(tmp_path / "lp") == {f"labeled-data/m1/img{index:08d}.png" for index in (2, 3, 5)}
    assert result.document["counts"]["labeled_cells"] == {"source": 24, "written": 12, "left_out": 12}


def test_crops_without_labels_wait_in_no_queue(tmp_path):
    project = build(tmp_path, sessions=(Session("m1", frames=(2, 3, 5)), CROPS_WITHOUT_LABELS))
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--json")
    assert result.exit_code == 0, result.stderr
    assert "derived-crops" in result.codes
    assert not (tmp_path / "lp/CollectedData.unlabeled.jsonl").exists()
    assert not any("cropped" in path for path in placed(tmp_path / "lp"))


@pytest.mark.parametrize("style", ["lp", "keep"])
def test_crops_that_are_kept_meet_no_other_image(tmp_path, style):
    project = build(tmp_path)
    options = ("--derived-crops", "keep", "--frame-names", style)
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--json", *options)
    assert result.exit_code == 0, result.stderr
    assert "derived-crops" not in result.codes
    assert result.document["counts"]["labeled_cells"] == {"source": 18, "written": 18, "left_out": 0}
    assert images(tmp_path / "lp") == placed(tmp_path / "lp")
    assert len(placed(tmp_path / "lp")) == 9
    names = {}
    for session in result.document["sessions"]:
        for image in session["images"]:
            names[session["source"], image["source"]] = image["target"]
            index = int(re.match("img([0-9]+)", image["source"])[1])
            assert image["frame_index"] == index  # the manifest still knows the frame
    labels = read_labels(tmp_path / "lp")
    for (session, image, keypoint), point in project.labels.items():
        assert labels[names[session, image], keypoint] == point
    assert dlc2lp("verify", tmp_path / "lp").exit_code == 0


@pytest.mark.parametrize("folder", ["of its own", "of the frames"])
def test_crops_that_are_kept_are_nobody_s_neighbors(tmp_path, folder):
    """Lightning Pose takes numbers that differ by up to two for frames that follow each other; crops of two frames
    show different places.
    """
    project = build(tmp_path) if folder == "of its own" else beside_their_frames(tmp_path)
    assert dlc2lp("convert", project.root, tmp_path / "lp", "--derived-crops", "keep").exit_code == 0
    numbered = {}
    for path in placed(tmp_path / "lp"):
        stem, number = re.fullmatch(r"(.*?)([0-9]{8})\.png", path).groups()
        numbered.setdefault(stem, []).append(int(number))
    n_near = sum(
        abs(a - b) <= 2 for numbers in numbered.values() for a, b in itertools.combinations(sorted(numbers), 2)
    )
    # frames 2 and 3, and 3 and 5, are neighbors; no crop is
    assert n_near == 2


def test_the_original_videos_count(tmp_path):
    project = build(tmp_path, sessions=(Session("m1", frames=(2, 3, 5), video=Video()), CROPS))
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--json")
    assert result.exit_code == 0, result.stderr
    (video,) = result.document["videos"]
    assert video["source"] == str(project.videos["m1"])
    assert [barcode(frame) for frame in read_clip(tmp_path / "lp/videos/m1.mp4")] == list(range(12))
    assert "video-missing" not in result.codes


def test_sizes_and_labels_of_crops_are_not_odd(tmp_path):
    """A crop is smaller than its frame and cuts labels off; neither says anything about the project."""
    project = build(
        tmp_path, labels=lambda key, point: (-5.0, 1.0) if key[:2] == ("m1_cropped", "img02c0.png") else point
    )
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--json")
    assert result.exit_code == 0, result.stderr
    assert {"image-sizes-differ", "label-outside-image"}.isdisjoint(result.codes)


def test_no_crop_of_a_test_frame_is_trained_on(tmp_path):
    project = build(tmp_path, config={}, video_sets="missing", shuffles=(Shuffle(later=("m1_cropped",), order="flat"),))
    _, test = project.splits["iteration-0/80/1"]
    assert test
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--split", "1", "--json")
    assert result.exit_code == 0, result.stderr
    assert images(tmp_path / "lp", "CollectedData_test.csv") == {
        f"labeled-data/m1/img{project.frame_index[frame]:08d}.png" for frame in test
    }
    assert not any("cropped" in image for image in images(tmp_path / "lp") | placed(tmp_path / "lp"))
    assert len(images(tmp_path / "lp")) == 3 - len(test)


def test_a_split_of_crops_is_refused_where_crops_are_left_out(tmp_path):
    """Otherwise the test set would be gone in silence, and frames whose crops were in it trained on."""
    project = build(tmp_path, shuffles=(Shuffle(later=("m1",)),))
    _, test = project.splits["iteration-0/80/1"]
    assert {session for session, _ in test} == {"m1_cropped"}
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--split", "1", "--json")
    assert result.exit_code == 3
    assert not (tmp_path / "lp").exists()
    finding = result.finding("split-of-crops")
    assert f"{len(test)} random sub-crops" in finding["message"]
    assert "--derived-crops keep" in finding["hint"]
    kept = dlc2lp("convert", project.root, tmp_path / "lp", "--split", "1", "--derived-crops", "keep", "--json")
    assert kept.exit_code == 0, kept.stderr
    assert len(images(tmp_path / "lp", "CollectedData_test.csv")) == len(test)
