"""Labelled images are tied to the frames of their video by what they show, from the project to the target.

Every frame of the builder's clips carries its index, so what the target says of a frame can be held against it.
"""

import json
import shutil
import struct
import threading

import cv2
import numpy as np
import pytest
from builder import Session, Video, barcode, build_project, read_clip, snapshot
from command import dlc2lp
from context import expect_context, expected_context
from scene import write_clip
from targets import expect_labels, read_labels, read_queue

import dlc2lp as library
from dlc2lp.errors import Interrupted
from dlc2lp.survey import compare_images

FRAMES = (1, 4, 8, 12, 15, 18)


def one_session(root, **options):
    return build_project(root, **({"sessions": ("m1",), "frames": FRAMES, "n_frames": 24} | options))


def convert(project, target, *options):
    before = snapshot(project.root)
    result = dlc2lp("convert", project.root, target, "--json", *options)
    assert snapshot(project.root) == before
    return result


def numbered_from(first):
    """Names whose numbers are all off: of a tool that counts from another frame."""
    return lambda index, n_frames: f"img{index + first:04d}.png"


def images_of(document, session="m1"):
    return {
        image["source"]: image for each in document["sessions"] if each["source"] == session for image in each["images"]
    }


def expect_true_indices(target, document):
    """Every image in the target carries the index of its frame, in its pixels and in its name."""
    for image in images_of(document).values():
        index = barcode(cv2.imread(str(target / image["target"])))
        assert image["video_frame_index"] == index
        assert image["target"].endswith(f"/img{index:08d}.png")


# -------------------------------------------------------------------------------------------------------- numbers


def test_numbers_that_hold_are_proven(tmp_path):
    project = one_session(tmp_path / "dlc", unlabeled=(6,))
    result = convert(project, tmp_path / "lp")
    assert result.exit_code == 0, result.stderr
    document = result.document
    expect_true_indices(tmp_path / "lp", document)
    expect_context(tmp_path / "lp", document)
    (video,) = document["videos"]
    assert (video["session"], video["tie"]["kind"], video["tie"]["shift"]) == ("m1", "exact", 0)
    (part,) = video["tie"]["images"]
    assert part["evidence"]["n_proven"] == part["evidence"]["n_images"] == 7
    assert part["evidence"]["second_error"] > 2 * part["evidence"]["best_error"]
    assert {image["tie"] for image in images_of(document).values()} == {"proven"}
    manifest = json.loads((tmp_path / "lp/.dlc2lp/manifest.json").read_text())
    assert manifest["videos"] == document["videos"]
    assert manifest["sessions"] == document["sessions"]
    assert list(read_queue(tmp_path / "lp")) == ["labeled-data/m1/img00000006.png"]


@pytest.mark.parametrize("first", [1, 3])
def test_numbers_that_are_all_off_are_corrected(tmp_path, first):
    project = one_session(tmp_path / "dlc", unlabeled=(6,), image_name=numbered_from(first))
    result = convert(project, tmp_path / "lp")
    assert result.exit_code == 0, result.stderr
    expect_true_indices(tmp_path / "lp", result.document)
    expect_labels(project, tmp_path / "lp")
    expect_context(tmp_path / "lp", result.document)
    assert list(read_queue(tmp_path / "lp")) == ["labeled-data/m1/img00000006.png"]
    warning = result.finding("frames-shifted")
    assert (warning["severity"], warning["subject"]) == ("warning", "m1")
    assert f"{first} before" in warning["message"]
    assert {image["frame_index"] - image["video_frame_index"] for image in images_of(result.document).values()} == {
        first
    }


def test_numbers_that_drift_are_corrected_one_by_one(tmp_path):
    """As in a video of variable rate, where OpenCV seeks by time: DeepLabCut's number is no position."""
    drift = dict(zip(FRAMES, (0, 0, 1, 2, 2, 3), strict=True))
    name = lambda index, n_frames: f"img{index + drift[index]:04d}.png"  # noqa: E731
    project = one_session(tmp_path / "dlc", image_name=name)
    result = convert(project, tmp_path / "lp")
    assert result.exit_code == 0, result.stderr
    expect_true_indices(tmp_path / "lp", result.document)
    expect_labels(project, tmp_path / "lp")
    expect_context(tmp_path / "lp", result.document)
    assert result.finding("frames-renumbered")["severity"] == "note"


def test_numbers_that_are_off_behind_a_point_are_corrected_there(tmp_path):
    """As where a frame was lost, or the last one has no length: most numbers hold, and do not speak for the others."""
    frames = (*range(1, 18, 2), 19, 21)
    name = lambda index, n_frames: f"img{index + (index > 18):04d}.png"  # noqa: E731
    project = one_session(tmp_path / "dlc", frames=frames, image_name=name)
    inspected = dlc2lp("inspect", project.root)
    assert "9 proven, 2 corrected" in inspected.stdout
    assert "frames-partly-renumbered" in inspected.stdout
    result = convert(project, tmp_path / "lp")
    assert result.exit_code == 0, result.stderr
    expect_true_indices(tmp_path / "lp", result.document)
    expect_labels(project, tmp_path / "lp")
    expect_context(tmp_path / "lp", result.document)
    warning = result.finding("frames-partly-renumbered")
    assert (warning["severity"], warning["subject"]) == ("warning", "m1")
    assert "11 of 11 images are frames of the video: 9 as numbered, 2 corrected (-1 frame)" in warning["message"]
    assert "img0020.png is frame 19, img0022.png is frame 21" in warning["message"]
    assert dlc2lp("verify", tmp_path / "lp").exit_code == 0


def test_an_image_that_is_clearly_not_the_frame_of_its_number_does_not_keep_it(tmp_path):
    """Frames 19 and 20 show the same, frame 18 does not: which of the two img18 is cannot be told."""
    project = one_session(tmp_path / "dlc")
    shown = read_clip(project.videos["m1"])
    write_clip(project.videos["m1"], [*shown[:18], shown[17], shown[18], shown[18], *shown[21:]], Video())
    assert "5 of 6 proven" in dlc2lp("inspect", project.root).stdout
    result = convert(project, tmp_path / "lp")
    assert result.exit_code == 0, result.stderr
    warning = result.finding("image-contradicts-number")
    assert (warning["severity"], warning["subject"]) == ("warning", "m1")
    assert "img18.png" in warning["message"]
    image = images_of(result.document)["img18.png"]
    assert (image["video_frame_index"], image["tie"]) == (None, "contradicts")
    assert image["target"].endswith("/dlc00000018.png")
    assert dlc2lp("verify", tmp_path / "lp").exit_code == 0


def test_two_images_of_one_frame_are_both_kept(tmp_path):
    project = one_session(tmp_path / "dlc", frames=(*FRAMES, 20))
    shutil.copy(project.image("m1", "img18.png"), project.image("m1", "img20.png"))
    result = convert(project, tmp_path / "lp")
    assert result.exit_code == 0, result.stderr
    targets = {name: image["target"] for name, image in images_of(result.document).items()}
    assert targets["img18.png"].endswith("img00000018.png")
    # It is the same frame: the name carries its index, and a letter.
    assert targets["img20.png"].endswith("img-b00000018.png")
    assert barcode(cv2.imread(str(tmp_path / "lp" / targets["img20.png"]))) == 18
    assert "frame-number-twice" in result.codes
    assert len(set(targets.values())) == len(targets)
    assert dlc2lp("verify", tmp_path / "lp").exit_code == 0


def test_the_video_of_another_day_proves_nothing(tmp_path):
    """Though both carry the number of each frame burned into the picture, as many recorders do."""
    project = one_session(tmp_path / "dlc")
    other = one_session(tmp_path / "other", sessions=("m2",))
    shutil.copy(other.videos["m2"], project.videos["m1"])
    result = convert(project, tmp_path / "lp")
    assert result.exit_code == 0, result.stderr
    warning = result.finding("other-video")
    assert (warning["severity"], warning["subject"]) == ("warning", "m1")
    assert "--video-root" in warning["hint"]
    expect_labels(project, tmp_path / "lp")  # under DeepLabCut's numbers
    assert {image["video_frame_index"] for image in images_of(result.document).values()} == {None}
    assert expected_context(result.document) == {}
    expect_context(tmp_path / "lp", result.document)
    assert "no-context-frames" in result.codes


def test_a_strange_image_among_proven_ones_is_told_and_kept_apart(tmp_path):
    project = one_session(tmp_path / "dlc")
    stranger = np.random.default_rng(4).integers(0, 256, (96, 128, 3), dtype=np.uint8)
    cv2.imwrite(str(project.image("m1", "img08.png")), stranger)
    result = convert(project, tmp_path / "lp")
    assert result.exit_code == 0, result.stderr
    warning = result.finding("image-not-in-video")
    assert "img08.png" in warning["message"]
    image = images_of(result.document)["img08.png"]
    assert (image["video_frame_index"], image["tie"]) == (None, "not-found")
    assert image["target"].endswith("/dlc00000008.png")
    assert not any("/dlc" in path for path in expected_context(result.document))
    assert dlc2lp("verify", tmp_path / "lp").exit_code == 0


def test_keep_keeps_names_and_context_frames_count_from_them(tmp_path):
    project = one_session(tmp_path / "dlc", image_name=numbered_from(3))
    result = convert(project, tmp_path / "lp", "--frame-names", "keep")
    assert result.exit_code == 0, result.stderr
    for name, image in images_of(result.document).items():
        assert image["target"] == f"labeled-data/m1/{name}"
    expect_context(tmp_path / "lp", result.document)


def test_each_prefix_of_a_folder_has_its_own_video(tmp_path):
    """One folder with the frames of several videos becomes several sessions, each tied to the video of its prefix."""
    sessions = (Session("07a", frames=(2, 5, 9)), Session("12a", frames=(2, 6, 9)))
    project = build_project(tmp_path / "dlc", sessions=sessions, files=("csv",), video_sets={})
    joined = project.root / "labeled-data" / "all"
    joined.mkdir()
    rows = []
    for session in project.sessions:
        lines = project.label_file(session, "csv").read_text().splitlines()
        rows += [line.replace(f",{session},img", f",all,{session}-img") for line in lines[3:]]
        for path in project.folder(session).glob("img*.png"):
            shutil.copy(path, joined / f"{session}-{path.name}")
        shutil.rmtree(project.folder(session))
    (joined / "CollectedData_Anna.csv").write_text("\n".join([*lines[:3], *rows]) + "\n")
    result = convert(project, tmp_path / "lp")
    assert result.exit_code == 0, result.stderr
    found = {video["session"]: video for video in result.document["videos"]}
    assert {name: video["target"] for name, video in found.items()} == {
        "all-07a": "videos/all-07a.mp4",
        "all-12a": "videos/all-12a.mp4",
    }
    assert {video["tie"]["kind"] for video in found.values()} == {"exact"}
    expect_context(tmp_path / "lp", result.document)


# ------------------------------------------------------------------------------------------- crops and rotations

CROP = (9, 120, 7, 88)  # odd places and an odd width: chroma is stored for pairs of pixels


def cropped(root, **options):
    return one_session(root, size_px=(160, 128), crop=CROP, **options)


def expect_like_images(project, target, n_frames=24):
    """Each frame of the target's video shows what its image or context frame shows, pixel for pixel but for coding."""
    frames = read_clip(target / "videos/m1.mp4")
    assert len(frames) == n_frames
    for path in sorted((target / "labeled-data/m1").glob("img*.png")):
        image = cv2.imread(str(path)).mean(axis=2)  # gray: color is stored at half the size
        height, width = image.shape
        assert frames[0].shape[:2] == (height + height % 2, width + width % 2)
        errors = [np.abs(frame[:height, :width].mean(axis=2) - image).mean() for frame in frames]
        index = int(path.stem.removeprefix("img"))
        assert np.argmin(errors) == index
        assert errors[index] < 8  # what coding adds, with any ffmpeg; a place one pixel beside is far above


@pytest.mark.parametrize("hint", ["right", "one pixel off", "wrong", "none"])
def test_the_video_is_cropped_like_its_images(tmp_path, hint):
    """The images' pixels decide; the configuration is believed to a pixel, and contradicted where it is wrong."""
    project = cropped(tmp_path / "dlc")
    text = project.config.read_text()
    said = {"right": "9, 120, 7, 88", "one pixel off": "10, 121, 8, 89", "wrong": "0, 100, 0, 60", "none": ""}[hint]
    assert "crop: 9, 120, 7, 88" in text
    project.config.write_text(text.replace("crop: 9, 120, 7, 88", f"crop: {said}"))
    result = convert(project, tmp_path / "lp")
    assert result.exit_code == 0, result.stderr
    (video,) = result.document["videos"]
    assert video["action"] == "encode"
    assert video["crop"] == {"x_px": 9, "y_px": 7, "width_px": 111, "height_px": 81}
    expect_labels(project, tmp_path / "lp")  # labels never move
    expect_like_images(project, tmp_path / "lp")
    assert "(9, 7)" in result.finding("images-cropped")["message"]
    assert ("crop-differs" in result.codes) == (hint == "wrong")
    assert dlc2lp("verify", tmp_path / "lp", "--verify", "full").exit_code == 0


def test_a_video_may_be_left_whole(tmp_path):
    project = cropped(tmp_path / "dlc")
    result = convert(project, tmp_path / "lp", "--crop", "never")
    assert result.exit_code == 0, result.stderr
    (video,) = result.document["videos"]
    assert (video["action"], video["crop"]) == ("place", None)
    assert "--crop never" in result.finding("images-cropped")["message"]
    image = cv2.imread(str(tmp_path / "lp/labeled-data/m1/img00000002.png"))
    assert image.shape == (81, 111, 3)  # context frames are always like their labeled frame
    assert dlc2lp("verify", tmp_path / "lp", "--verify", "full").exit_code == 0


@pytest.mark.parametrize(("turn", "player"), [(90, 0), (180, 0), (270, 0), (0, 90), (90, 90), (0, 180)])
def test_the_images_settle_how_a_video_lies(tmp_path, turn, player):
    """``turn``: clockwise from what is stored to the images; ``player``: what the display matrix says of it.

    OpenCV 4.11 cuts frames as they are stored, other versions as they are shown; a phone's video may also have been
    stored anew on its side since it was labelled.
    """
    project = one_session(tmp_path / "dlc")
    path = project.videos["m1"]
    write_clip(path, [np.ascontiguousarray(np.rot90(frame, turn // 90)) for frame in read_clip(path)], Video())
    if player:
        data = bytearray(path.read_bytes())
        matrix = {90: (0, 0x10000, 0, 0xFFFF0000, 0, 0), 180: (0xFFFF0000, 0, 0, 0, 0xFFFF0000, 0)}[player]
        struct.pack_into(">6I", data, data.index(b"tkhd") + 44, *matrix)
        path.write_bytes(data)
    result = convert(project, tmp_path / "lp")
    assert result.exit_code == 0, result.stderr
    assert [barcode(frame) for frame in read_clip(tmp_path / "lp/videos/m1.mp4")] == list(range(24))
    expect_like_images(project, tmp_path / "lp")
    (video,) = result.document["videos"]
    assert (video["turn_deg"], video["action"]) == (turn, "encode")
    assert ("video-turned" in result.codes) == (turn != player)
    expect_context(tmp_path / "lp", result.document)


# ------------------------------------------------------------------------------------------------- context frames


def test_context_frames_can_be_left_out(tmp_path):
    project = one_session(tmp_path / "dlc")
    result = convert(project, tmp_path / "lp", "--no-context-frames")
    assert result.exit_code == 0, result.stderr
    assert len(list((tmp_path / "lp/labeled-data/m1").iterdir())) == len(FRAMES)
    # Asked for later, they are added, the starter config counts them, and nothing else is done again.
    result = convert(project, tmp_path / "lp")
    steps = json.loads((tmp_path / "lp/.dlc2lp/plan.json").read_text())["steps"]
    done = [step for step in steps if step["id"] in result.document["steps"]["done"]]
    assert [(step["kind"], step.get("target", "")) for step in done] == [
        ("extract-frames", ""),
        ("write-text", "configs/default.yaml"),
    ]
    expect_context(tmp_path / "lp", result.document)
    # And the other way round they go, for they are not part of what was chosen.
    result = convert(project, tmp_path / "lp", "--no-context-frames")
    assert len(list((tmp_path / "lp/labeled-data/m1").iterdir())) == len(FRAMES)


def test_context_frames_at_both_ends_of_a_video(tmp_path):
    project = one_session(tmp_path / "dlc", frames=(0, 1, 11, 22, 23))
    result = convert(project, tmp_path / "lp")
    assert result.exit_code == 0, result.stderr
    expect_context(tmp_path / "lp", result.document)
    indices = sorted(int(path.stem[3:]) for path in (tmp_path / "lp/labeled-data/m1").iterdir())
    assert indices == [0, 1, 2, 3, 9, 10, 11, 12, 13, 20, 21, 22, 23]


def test_labeled_and_queued_images_are_never_replaced_by_context_frames(tmp_path):
    project = one_session(tmp_path / "dlc", frames=(4, 5, 8), unlabeled=(6,))
    result = convert(project, tmp_path / "lp")
    assert result.exit_code == 0, result.stderr
    for image in (*project.rows["m1"], *project.unlabeled["m1"]):
        placed = tmp_path / "lp/labeled-data/m1" / f"img{project.frame_index['m1', image]:08d}.png"
        assert placed.read_bytes() == project.image("m1", image).read_bytes()
    rows = {path for path, _ in read_labels(tmp_path / "lp")}
    assert rows.isdisjoint(expected_context(result.document))


def test_context_frames_of_jpegs_are_jpegs(tmp_path):
    project = one_session(tmp_path / "dlc", image_suffix=".jpg", image_name=lambda index, n: f"img{index:04d}.jpg")
    result = convert(project, tmp_path / "lp")
    assert result.exit_code == 0, result.stderr
    expect_context(tmp_path / "lp", result.document)
    assert (tmp_path / "lp/labeled-data/m1/img00000002.jpg").read_bytes().startswith(b"\xff\xd8")


def test_context_frames_that_are_all_one_frame_late_are_found_by_a_few(tmp_path):
    project = one_session(tmp_path / "dlc")
    assert convert(project, tmp_path / "lp").exit_code == 0
    plan = library.plan(project.root, tmp_path / "lp")
    from dlc2lp.planning.steps import ExtractFrames
    from dlc2lp.run.verify_context import check_context
    from dlc2lp.video.frames import read_frames
    from dlc2lp.video.pictures import encode_image
    from dlc2lp.video.probe import probe

    assert check_context(plan, "sample")[0] == []
    (step,) = (step for step in plan.steps if isinstance(step, ExtractFrames))
    video = tmp_path / "lp/videos/m1.mp4"
    late = dict(read_frames(video, probe(video), [frame.index + 1 for frame in step.frames]))
    for frame in step.frames:
        (tmp_path / "lp" / frame.target).write_bytes(encode_image(late[frame.index + 1]))
    ((finding,), n_frames) = check_context(plan, "sample")
    assert n_frames == len(step.frames)
    assert finding.code == "context-frames-differ"


def test_a_context_frame_that_is_another_frame_is_found_out(tmp_path):
    project = one_session(tmp_path / "dlc")
    assert convert(project, tmp_path / "lp").exit_code == 0
    folder = tmp_path / "lp/labeled-data/m1"
    plan = library.plan(project.root, tmp_path / "lp")
    from dlc2lp.run.verify_context import check_context

    assert check_context(plan, "full")[0] == []
    (folder / "img00000002.png").write_bytes((folder / "img00000003.png").read_bytes())
    ((finding,), _) = check_context(plan, "full")
    assert finding.code == "context-frames-differ"
    assert "img00000002.png" in finding.message
    result = dlc2lp("verify", tmp_path / "lp", "--json")
    assert result.exit_code == 1
    assert "target-edited" in result.codes


# ------------------------------------------------------------------------------------------ again, and interrupted


def test_a_second_run_compares_nothing_that_is_known(tmp_path, monkeypatch):
    project = one_session(tmp_path / "dlc")
    first = convert(project, tmp_path / "lp")
    before = snapshot(tmp_path / "lp")

    def again(*_args, **_options):
        raise AssertionError("compared again")

    with monkeypatch.context() as patch:
        patch.setattr(compare_images, "find_frames", again)
        second = convert(project, tmp_path / "lp")
    assert second.exit_code == 0, second.stderr
    assert snapshot(tmp_path / "lp") == before
    assert second.document["videos"] == first.document["videos"]
    # What changed is compared again.
    shutil.copy(project.image("m1", "img04.png"), project.image("m1", "img08.png"))
    third = convert(project, tmp_path / "lp")
    assert images_of(third.document)["img08.png"]["video_frame_index"] == 4


def test_a_comparison_can_be_stopped(tmp_path):
    project = one_session(tmp_path / "dlc")
    stop = threading.Event()
    stop.set()
    with pytest.raises(Interrupted):
        library.convert(project.root, tmp_path / "lp", stop=stop)
    assert not (tmp_path / "lp").exists()


def test_who_watches_hears_how_far_the_comparison_is(tmp_path):
    project = build_project(tmp_path / "dlc", sessions=("m1", "m2"))
    events = []
    library.convert(project.root, tmp_path / "lp", on_event=events.append)
    heard = [event for event in events if event.thing == "session"]
    assert (heard[0].what, heard[0].n) == ("planned", 2)
    assert {event.subject: event.state for event in heard if event.what == "ended"} == {"m1": "done", "m2": "done"}
