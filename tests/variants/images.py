"""Rows 29 to 33 and 37 to 42: the images of a folder, what is a frame, and whether it was cropped."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
from builder import BuiltProject, Session, Video, build_project
from command import Result
from targets import read_labels

from variants.table import NO_VIDEOS, Outcome, edit_text, labels_of, small, variant


def _without(project: BuiltProject, session: str, image: str) -> dict[tuple[str, str, str], tuple[float, float]]:
    return labels_of(project, where=lambda key: key[:2] != (session, image))


@variant(29, "image missing")
def image_missing(root: Path) -> Outcome:
    project = small(root)
    project.image("m1", "img05.png").unlink()
    return Outcome(
        project,
        exit_code=1,
        errors={"missing-image"},
        labels=_without(project, "m1", "img05.png"),
        says={"missing-image": ("m1/img05.png", "4 labelled points", "row 2")},
    )


@variant(30, "image without a row")
def image_without_row(root: Path) -> Outcome:
    return Outcome(small(root, unlabeled=(7, 12)))


@variant(31, "image that can't be read", "cut", "empty", "no image", "cut, without a row")
def unreadable_image(root: Path, case: str) -> Outcome:
    project = small(root, unlabeled=(7,))
    name = "img07.png" if case == "cut, without a row" else "img05.png"
    path = project.image("m1", name)
    path.write_bytes({"empty": b"", "no image": b"no image"}.get(case, path.read_bytes()[:-500]))
    code = {"empty": "image-empty", "no image": "image-unknown"}.get(case, "image-corrupt")
    if case == "cut, without a row":
        return Outcome(project, warnings={code}, not_queued={("m1", name)})
    return Outcome(
        project,
        exit_code=1,
        errors={code},
        labels=_without(project, "m1", name),
        not_queued={("m1", name)},
        says={code: ("img05.png", "4 labelled points")},
    )


@variant(32, "previews with labels drawn on")
def previews(root: Path) -> Outcome:
    """``img0001labeled.png`` beside the frames, and a folder ``m1_labeled`` of check_labels."""
    return Outcome(small(root, extras=("previews", "hidden")))


@variant(33, "images of other names and formats", "jpg", "frame001", "no number")
def foreign_images(root: Path, case: str) -> Outcome:
    match case:
        case "jpg":
            return Outcome(small(root, image_suffix=".jpg"))
        case "frame001":
            return Outcome(small(root, image_name=lambda index, n: f"frame{index:03d}.jpg"))
        case _:
            letters = {2: "a.png", 5: "left view.png", 9: "nose.png"}
            stills = ("still00000010.png", "still00000020.png", "still00000030.png")
            return Outcome(
                small(root, sessions=("m1",), image_name=lambda index, n: letters[index]),
                notes={"frame-number-unknown"},
                names={("m1", name): still for name, still in zip(letters.values(), stills, strict=True)},
            )


@variant(37, "images of several sizes")
def several_sizes(root: Path) -> Outcome:
    sessions = (Session("m1", size_px=(128, 96)), Session("m2", size_px=(160, 120)))
    return Outcome(
        small(root, sessions=sessions),
        notes={"image-sizes-differ"},
        says={"image-sizes-differ": ("3 of 128x96", "3 of 160x120")},
    )


@variant(38, "images are crops of the video")
def cropped_images(root: Path) -> Outcome:
    """Labels are in pixels of the image, as Lightning Pose wants them: nothing is shifted."""
    project = build_project(root, sessions=(Session("m1", crop=(8, 120, 8, 88)), "m2"), frames=(2, 5, 9))
    return Outcome(
        project,
        (),
        notes={"image-sizes-differ", "images-cropped"},
        says={"images-cropped": ("m1", "3 images", "112x80", "128x96", "(8, 8)", "the video is cropped likewise")},
        coded=False,
        check=_m1_is_cropped,
    )


def _m1_is_cropped(target: Path, result: Result) -> None:
    """The video shows what the images show, and the context frames too."""
    with av.open(str(target / "videos/m1.mp4")) as video:
        frames = [frame.to_ndarray(format="bgr24") for frame in video.decode(video=0)]
    for index in (0, 3, 7, 11):
        neighbor = cv2.imread(str(target / f"labeled-data/m1/img{index:08d}.png"))
        assert neighbor.shape == frames[index].shape == (80, 112, 3)
        errors = [np.abs(neighbor.astype(float) - frame).mean() for frame in frames]
        assert np.argmin(errors) == index
        assert errors[index] < 4


@variant(39, "crop in the config, images of full size")
def crop_not_used(root: Path) -> Outcome:
    project = build_project(root, sessions=("m1",), frames=(2, 5, 9))
    edit_text(project.config, ("0, 128, 0, 96", "10, 100, 5, 80"))
    return Outcome(project, (), notes={"crop-unused"}, says={"crop-unused": ("m1", "10, 100, 5, 80", "whole frames")})


@variant(40, "crop changed between extractions")
def crop_changed(root: Path) -> Outcome:
    """Each image counts for itself."""
    project = build_project(root, sessions=("m1",), frames=(2, 5, 9))
    path = project.image("m1", "img09.png")
    image = cv2.imread(str(path))
    cv2.imwrite(str(path), np.ascontiguousarray(image[:80, :120]))
    return Outcome(
        project,
        (),
        warnings={"crops-differ"},
        notes={"image-sizes-differ", "images-cropped"},
        says={
            "images-cropped": ("1 image ", "120x80", "128x96", "img09.png", "(0, 0)", "left whole"),
            "crops-differ": ("m1", "all of it and 120x80 at (0, 0)"),
        },
        coded=False,
    )


def _derived_crops(root: Path) -> BuiltProject:
    """As ``cropimagesandlabels`` of DeepLabCut 2.1.10 to 2.2rc left a project."""
    crops = Session(
        "m1_cropped",
        crop=(16, 112, 0, 80),
        size_px=(128, 96),
        image_name=lambda index, n: f"img{index:02d}c0.png",
    )
    videos = root / "videos"
    return build_project(
        root,
        era="C",
        sessions=(Session("m1", video=Video()), crops),
        frames=(2, 5, 9),
        video="none",
        video_sets={str(videos / "m1_cropped.mp4"): {"crop": "0, 96, 0, 80"}},
        config={"croppedtraining": True, "video_sets_original": {str(videos / "m1.mp4"): {"crop": "0, 128, 0, 96"}}},
    )


@variant(41, "random crops of frames", "skip", "keep", "in the same folder")
def derived_crops(root: Path, case: str) -> Outcome:
    """A frame in training and its crop in test would leak, so they stay behind unless they are asked for."""
    if case == "in the same folder":
        project = small(
            root,
            sessions=("m1",),
            frames=(2, 5, 9, 12),
            image_name=lambda index, n: "img02c01.png" if index == 12 else f"img{index:02d}.png",
        )
        crop = ("m1", "img02c01.png")
        labels = labels_of(project, where=lambda key: key[:2] != crop)
        return Outcome(project, notes={"derived-crops"}, labels=labels, not_queued={crop})
    project = _derived_crops(root)
    if case == "keep":
        crops = {("m1_cropped", image): f"crop{n:07d}0.png" for n, image in enumerate(project.rows["m1_cropped"], 1)}
        return Outcome(project, ("--derived-crops", "keep"), names=crops, check=_one_video)
    return Outcome(
        project,
        (),
        notes={"derived-crops"},
        labels=labels_of(project, where=lambda key: key[0] == "m1"),
        not_queued={("m1_cropped", image) for image in project.rows["m1_cropped"]},
        says={"derived-crops": ("m1_cropped", "3 images", "--derived-crops keep")},
        check=_one_video,
    )


def _one_video(target: Path, result: Result) -> None:
    assert [path.name for path in (target / "videos").iterdir()] == ["m1.mp4"]
    assert read_labels(target)
    assert len(result.document["videos"]) == 1


@variant(42, "folder without anything in it")
def empty_folder(root: Path) -> Outcome:
    return Outcome(small(root, extras=("empty-folder",)), NO_VIDEOS, notes={"folder-empty"})
