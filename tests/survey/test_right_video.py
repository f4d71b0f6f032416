"""Which of several files is the video of a session, and what is said of those that are not here or not taken."""

import json
import os
import shutil
import unicodedata
from pathlib import Path

import pytest
from builder import Session, Video, build_project, read_clip, snapshot
from command import dlc2lp
from context import expect_context
from scene import write_clip
from targets import expect_labels

import dlc2lp as library
from dlc2lp.survey import compare_images, measure_videos, video_candidates
from dlc2lp.survey.spelling import copied_names

FRAMES = (2, 5, 9)


def one_session(root, **options):
    return build_project(root, **({"sessions": ("m1",), "frames": FRAMES} | options))


def recorded(*paths):
    return {str(path): {"crop": "0, 128, 0, 96"} for path in paths}


def another_recording(folder, name="m1.mp4"):
    """A video of another animal."""
    other = build_project(folder / "another", sessions=("stranger",), frames=(2,))
    path = folder / "old" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return other.videos["stranger"].rename(path)


def put(video, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    return video.rename(path)


def convert(project, target, *options):
    before = snapshot(project.root)
    result = dlc2lp("convert", project.root, target, "--json", *options)
    assert snapshot(project.root) == before
    return result


PLACES = (
    "videos/m1.mp4",
    "videos/day1/m1.mp4",
    "Videos/m1.mp4",
    "video/m1.mp4",
    "raw/2021/m1.mp4",
    "labeled-data/m1/m1.mp4",
    "m1.mp4",
    "../m1.mp4",
    "videos/m1 (1).mp4",
    "videos/m1 - Copy.mp4",
    "videos/day1/Copy of m1.mp4",
    "video/m1_copy.mp4",
    "../m1 copy 2.mp4",
    "videos/m1.m4v",
)


@pytest.mark.parametrize("place", PLACES)
def test_the_video_that_the_pictures_prove_is_taken_wherever_it_lies(tmp_path, place):
    wrong = another_recording(tmp_path)
    project = one_session(tmp_path / "lab" / "dlc", video_sets=recorded(wrong))
    right = put(project.videos["m1"], project.root / place).resolve()
    result = convert(project, tmp_path / "lp")
    assert result.exit_code == 0, result.stderr
    (video,) = result.document["videos"]
    assert (Path(video["source"]).resolve(), video["tie"]["kind"]) == (right, "exact")
    told = result.finding("video-by-pictures")
    assert told["severity"] == "warning"
    assert str(wrong) in told["message"]
    assert Path(place).name in told["message"]
    assert "other-video" not in result.codes
    expect_labels(project, tmp_path / "lp")
    expect_context(tmp_path / "lp", result.document)
    assert dlc2lp("verify", tmp_path / "lp").exit_code == 0


def test_what_was_denied_is_not_compared_again(tmp_path, monkeypatch):
    wrong = another_recording(tmp_path)
    project = one_session(tmp_path / "dlc", video_sets=recorded(wrong))
    assert convert(project, tmp_path / "lp").exit_code == 0
    before = snapshot(tmp_path / "lp")

    def again(*_args, **_options):
        raise AssertionError("compared again")

    monkeypatch.setattr(compare_images, "find_frames", again)
    assert convert(project, tmp_path / "lp").exit_code == 0
    assert snapshot(tmp_path / "lp") == before


def test_a_video_that_has_moved_since_is_cut_where_it_lies_now(tmp_path):
    project = one_session(tmp_path / "dlc")
    assert convert(project, tmp_path / "lp", "--no-context-frames").exit_code == 0
    moved = put(project.videos["m1"], project.root / "videos/day1/m1.mp4")
    result = convert(project, tmp_path / "lp")
    assert result.exit_code == 0, result.stderr
    expect_context(tmp_path / "lp", result.document)
    assert result.document["videos"][0]["source"] == str(moved)


def test_where_nothing_proves_the_recorded_one_stays_and_what_was_tried_is_named(tmp_path):
    wrong = another_recording(tmp_path)
    project = one_session(tmp_path / "dlc", video_sets=recorded(wrong))
    write_clip(project.videos["m1"], read_clip(wrong)[:12], Video())
    (project.root / "videos/m1 (2).mp4").write_bytes(b"no video")
    result = convert(project, tmp_path / "lp")
    assert result.exit_code == 0, result.stderr
    (video,) = result.document["videos"]
    assert video["source"] == str(wrong)
    assert str(project.videos["m1"]) in result.finding("other-video")["message"]
    assert "m1 (2).mp4" in result.finding("video-not-taken")["message"]
    assert "video-by-pictures" not in result.codes
    again = convert(project, tmp_path / "lp")
    assert again.document["videos"] == result.document["videos"]


@pytest.mark.parametrize("images", [True, False])
@pytest.mark.parametrize("place", ["videos/m1 (1).mp4", "../m1.mp4"])
def test_neither_a_copy_s_name_nor_a_place_beside_the_project_is_enough(tmp_path, place, images):
    project = one_session(tmp_path / "lab" / "dlc", images=images)
    project.videos["m1"].unlink()
    put(another_recording(tmp_path), project.root / place)
    result = dlc2lp("inspect", project.root, "--json")
    assert result.document["videos"] == []
    assert result.finding("video-missing")["severity"] == "warning"
    told = result.finding("video-not-taken")
    assert Path(place).name in told["message"]
    assert ("other pictures" in told["message"]) == images


def test_a_damaged_video_gives_way_to_one_that_can_be_read(tmp_path):
    damaged = tmp_path / "old" / "m1.mp4"
    damaged.parent.mkdir()
    damaged.write_bytes(b"these are no pictures\n" * 40)
    project = one_session(tmp_path / "dlc", video_sets=recorded(damaged))
    result = convert(project, tmp_path / "lp")
    assert result.exit_code == 0, result.stderr
    assert "can't be read" in result.finding("video-by-pictures")["message"]
    assert len(read_clip(tmp_path / "lp/videos/m1.mp4")) == 20
    # Where there is nothing to compare, its name is enough, and what was wrong with the other one is told.
    bare = one_session(tmp_path / "bare", video_sets=recorded(damaged), unlabeled=())
    shutil.rmtree(bare.folder("m1"))
    build_project(tmp_path / "more", sessions=("m2",), frames=FRAMES).folder("m2").rename(bare.folder("m2"))
    result = convert(bare, tmp_path / "lp2")
    assert result.exit_code == 0, result.stderr
    told = result.finding("video-unreadable")
    assert told["severity"] == "warning"
    assert str(bare.videos["m1"]) in told["message"]
    assert (tmp_path / "lp2/videos/m1.mp4").exists()


def test_of_a_cut_video_and_the_whole_one_the_whole_one_is_taken(tmp_path):
    project = one_session(tmp_path / "dlc", video_sets=recorded(tmp_path / "short" / "m1.mp4"))
    (tmp_path / "short").mkdir()
    write_clip(tmp_path / "short" / "m1.mp4", read_clip(project.videos["m1"])[:7], Video())
    result = convert(project, tmp_path / "lp")
    assert result.exit_code == 0, result.stderr
    assert result.document["videos"][0]["n_frames"] == 20
    assert "frame-beyond-video" not in result.codes
    assert "2 images are" in result.finding("video-by-pictures")["message"]


@pytest.mark.parametrize(
    "place",
    [
        "#recycle/m1.mp4",
        "videos/@eaDir/m1.mp4",
        "videos/.hidden/m1.mp4",
        "dlc-models-pytorch/iteration-0/m1.mp4",
        "evaluation-results/m1.mp4",
        "training-datasets/m1.mp4",
        "older/videos/m1.mp4",
        "lp-target/videos/m1.mp4",
        "../deeper/m1.mp4",
    ],
)
def test_what_systems_deeplabcut_and_other_projects_keep_is_no_video(tmp_path, place):
    project = one_session(
        tmp_path / "lab" / "dlc",
        extra_files={"older/config.yaml": "Task: older\n", "lp-target/.dlc2lp/plan.json": "{}"},
    )
    put(project.videos["m1"], project.root / place)
    result = dlc2lp("inspect", project.root, "--json")
    assert result.document["videos"] == []
    assert "m1.mp4" in result.finding("video-missing")["subject"]


def test_videos_in_other_folders_are_found_and_told_once(tmp_path):
    """One folder for each day, as labs sort them."""
    names = ("a", "b", "c", "d")
    project = build_project(tmp_path / "dlc", sessions=names, frames=FRAMES, video_sets="windows")
    for number, name in enumerate(names):
        put(project.videos[name], project.root / f"videos/day{number}/{name}.mp4")
    result = convert(project, tmp_path / "lp")
    assert result.exit_code == 0, result.stderr
    (told,) = [finding for finding in result.document["findings"] if finding["code"] == "videos-elsewhere"]
    assert (told["severity"], told["subject"]) == ("note", "4 videos")
    assert "videos/day1/b.mp4" in told["message"]
    assert len(result.document["videos"]) == 4
    assert set(result.codes).isdisjoint({"videos-not-migrated", "video-missing", "session-without-video"})


def test_the_recorded_path_below_the_recorded_project_path_counts_below_the_project(tmp_path):
    listed = {"C:\\data\\P\\film\\m1.mp4": {"crop": "0, 128, 0, 96"}}
    project = one_session(tmp_path / "dlc", video_sets=listed, config={"project_path": "c:\\data\\P"})
    there = put(project.videos["m1"], project.root / "film/m1.mp4")
    put(another_recording(tmp_path), project.root / "videos/m1.mp4")
    result = convert(project, tmp_path / "lp")
    assert result.exit_code == 0, result.stderr
    assert result.document["videos"][0]["source"] == str(there)
    assert "videos-elsewhere" not in result.codes
    assert "videos/m1.mp4" in result.finding("video-left-aside")["message"]


@pytest.mark.parametrize("recorded_in", ["day2", "gone"])
def test_of_several_of_one_name_in_folders_the_recorded_folder_or_the_pictures_decide(tmp_path, recorded_in):
    listed = {f"D:\\rec\\{recorded_in}\\m1.mp4": {"crop": "0, 128, 0, 96"}}
    project = one_session(tmp_path / "dlc", video_sets=listed)
    right = put(project.videos["m1"], project.root / "videos/day2/m1.mp4")
    put(another_recording(tmp_path), project.root / "videos/day1/m1.mp4")
    result = convert(project, tmp_path / "lp")
    assert result.exit_code == 0, result.stderr
    assert result.document["videos"][0]["source"] == str(right)
    assert ("several-videos" in result.codes) == (recorded_in == "gone")
    if recorded_in == "gone":
        assert result.finding("several-videos")["severity"] == "note"
    assert "video-by-pictures" not in result.codes


def test_where_nothing_tells_which_of_several_it_is_it_is_a_warning(tmp_path):
    project = one_session(tmp_path / "dlc", video_sets="empty", images=False)
    write_clip(project.root / "videos/m1.avi", read_clip(project.videos["m1"])[:9], Video())
    result = dlc2lp("inspect", project.root, "--json")
    told = result.finding("several-videos")
    assert told["severity"] == "warning"
    assert "m1.avi" in told["message"]
    assert "m1.mp4" in told["message"]


# ------------------------------------------------------------------------------------------------ what is not here


def test_dead_links_are_told_once_with_where_they_lead(tmp_path):
    names = tuple("abcdef")
    project = build_project(tmp_path / "dlc", sessions=names, frames=(2,), place_videos="dangling")
    result = dlc2lp("inspect", project.root, "--json")
    (told,) = [finding for finding in result.document["findings"] if finding["code"] == "video-links-dead"]
    assert told["subject"] == "6 videos"
    assert str(project.videos["a"].readlink()) in told["message"]
    assert "3 more" in told["message"]
    assert "--video-root" in told["hint"]
    assert set(result.codes).isdisjoint({"video-missing", "session-without-video"})


@pytest.mark.parametrize("kind", ["git lfs", "git annex", "git annex link"])
def test_stand_ins_are_told_as_such_and_once(tmp_path, kind):
    project = build_project(tmp_path / "dlc", sessions=("a", "b"), frames=FRAMES)
    for path in project.videos.values():
        path.unlink()
        if kind == "git lfs":
            path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 7\n")
        elif kind == "git annex":
            path.write_text("/annex/objects/SHA256E-s7--00.mp4\n")
        else:
            path.symlink_to("../.git/annex/objects/aa/bb/SHA256E-s7--00.mp4/SHA256E-s7--00.mp4")
    result = convert(project, tmp_path / "lp")
    assert result.exit_code == 1
    (told,) = [finding for finding in result.document["findings"] if finding["code"] == "not-downloaded"]
    assert (told["severity"], told["subject"]) == ("error", "2 videos")
    assert "a.mp4, b.mp4" in told["message"]
    assert kind.removesuffix(" link") in told["hint"]
    others = {"video-missing", "video-links-dead", "video-unreadable", "videos-not-migrated"}
    assert others.isdisjoint(result.codes)


def test_missing_videos_are_told_once(tmp_path):
    names = tuple("abcdefg")
    project = build_project(tmp_path / "dlc", sessions=names, frames=(2,), video="none")
    result = dlc2lp("inspect", project.root, "--json")
    (told,) = [finding for finding in result.document["findings"] if finding["code"] == "video-missing"]
    assert told["subject"] == "7 videos"
    assert "a.mp4, b.mp4" in told["message"]
    assert "2 more" in told["message"]
    unlisted = build_project(tmp_path / "dlc2", sessions=names, frames=(2,), video="none", video_sets="empty")
    result = dlc2lp("inspect", unlisted.root, "--json")
    (told,) = [finding for finding in result.document["findings"] if finding["code"] == "session-without-video"]
    assert told["subject"] == "7 sessions"


def test_a_folder_that_may_not_be_entered_is_passed_by(tmp_path, monkeypatch):
    project = one_session(tmp_path / "dlc", video_sets=recorded("/closed/m1.mp4"))
    stat = Path.stat

    def closed(path, **options):
        if path.parts[1:2] == ("closed",):
            raise PermissionError(13, "Permission denied", str(path))
        return stat(path, **options)

    monkeypatch.setattr(Path, "stat", closed)
    assert [video.path for video in library.inspect(project.root).survey.videos] == [project.videos["m1"]]


# ------------------------------------------------------------------------------------------- what nothing asks for


def test_videos_that_nothing_asks_for_are_named_and_taken_on_demand(tmp_path):
    project = one_session(tmp_path / "dlc", video_sets=recorded(tmp_path / "dlc/videos/m1.mp4"))
    frames = read_clip(project.videos["m1"])
    videos = project.root / "videos"
    for number, name in enumerate(("extra.mp4", "day1/cam.mp4", "day2/cam.mp4", "day2/m1.mp4")):
        (videos / name).parent.mkdir(exist_ok=True)
        write_clip(videos / name, frames[: number + 3], Video())
    (videos / "day3").mkdir()
    shutil.copy(project.videos["m1"], videos / "day3" / "m1.mp4")  # nothing new
    shutil.copy(project.videos["m1"], videos / "m1DLC_resnet50_reachAug30shuffle1_100_labeled.mp4")
    result = convert(project, tmp_path / "lp")
    assert [path.name for path in (tmp_path / "lp/videos").iterdir()] == ["m1.mp4"]
    told = result.finding("videos-not-migrated")
    assert (told["severity"], told["subject"]) == ("note", "3 videos")
    assert all(name in told["message"] for name in ("videos/extra.mp4", "videos/day1/cam.mp4", "videos/day2/cam.mp4"))
    assert "--videos all" in told["hint"]
    assert "videos/day2/m1.mp4" in result.finding("video-left-aside")["message"]
    everything = convert(project, tmp_path / "lp2", "--videos", "all")
    assert everything.exit_code == 0, everything.stderr
    n_frames = {path.name: len(read_clip(path)) for path in (tmp_path / "lp2/videos").iterdir()}
    assert n_frames == {"m1.mp4": 20, "extra.mp4": 3, "cam.mp4": 4, "day2-cam.mp4": 5, "day2-m1.mp4": 6}
    assert set(everything.codes).isdisjoint({"videos-not-migrated", "video-left-aside"})


def test_a_project_in_order_pays_for_nothing(tmp_path, monkeypatch):
    """No walk of the project, each video measured once."""
    project = build_project(tmp_path / "dlc", sessions=("m1", "m2"), frames=FRAMES)
    walked, probed = [], []
    walk, measure = video_candidates.walk_files, measure_videos.measure_video
    monkeypatch.setattr(video_candidates, "walk_files", lambda root, **how: walked.append(root) or walk(root, **how))
    monkeypatch.setattr(
        measure_videos, "measure_video", lambda path, *how, **more: probed.append(path) or measure(path, *how, **more)
    )
    library.inspect(project.root)
    assert walked == [project.root / "videos"]
    assert sorted(probed) == sorted(project.videos.values())


# ----------------------------------------------------------------------------------- labels in another folder


@pytest.mark.parametrize("is_proven", [True, False])
def test_the_video_of_the_label_file_s_folder_belongs_to_the_images_if_they_prove_it(tmp_path, is_proven):
    """``labeled-data/v1`` holds the labels of images in ``labeled-data/v2``, and the video is ``videos/v1.mp4``."""
    project = build_project(tmp_path / "dlc", sessions=("v2",), frames=FRAMES, video_sets=recorded("/gone/v1.mp4"))
    put(project.videos["v2"], project.root / "videos/v1.mp4")
    if not is_proven:
        (project.root / "videos/v1.mp4").unlink()
        put(another_recording(tmp_path), project.root / "videos/v1.mp4")
    project.folder("v1").mkdir()
    for kind in ("csv", "h5"):
        path = project.label_file("v2", kind)
        path.rename(project.folder("v1") / path.name)
    result = convert(project, tmp_path / "lp")
    assert result.exit_code == 0, result.stderr
    (video,) = result.document["videos"]
    assert Path(video["source"]).name == "v1.mp4"
    assert video["session"] == ("v2" if is_proven else "v1")
    if is_proven:
        assert (video["target"], video["tie"]["kind"]) == ("videos/v2.mp4", "exact")
        assert result.finding("video-by-pictures")["severity"] == "note"
        assert "session-without-video" not in result.codes
        expect_context(tmp_path / "lp", result.document)
        manifest = json.loads((tmp_path / "lp/.dlc2lp/manifest.json").read_text())
        assert manifest["counts"]["labeled_frames"] == {"source": 3, "written": 3, "left_out": 0}
    else:
        assert "v1.mp4" in result.finding("video-not-taken")["message"]
        assert "session-without-video" in result.codes
    assert dlc2lp("verify", tmp_path / "lp").exit_code == 0


def test_a_folder_with_images_of_its_own_keeps_its_video(tmp_path):
    project = build_project(tmp_path / "dlc", sessions=("v1", Session("v2", video="none")), frames=FRAMES)
    for kind in ("csv", "h5"):
        path = project.label_file("v2", kind)
        path.rename(project.folder("v1") / path.name.replace("CollectedData_", "CollectedData_old"))
    result = dlc2lp("inspect", project.root, "--json")
    assert [video["session"] for video in result.document["videos"]] == ["v1"]


def test_images_of_one_video_in_two_folders_both_get_it(tmp_path):
    project = build_project(tmp_path / "dlc", sessions=("v2",), frames=(*FRAMES, 12, 15), video_sets="empty")
    put(project.videos["v2"], project.root / "videos/v1.mp4")
    for name in ("v1", "v3"):
        project.folder(name).mkdir()
    for path in project.folder("v2").glob("img1*.png"):
        path.rename(project.folder("v3") / path.name)
    text = project.label_file("v2", "csv").read_text()
    for kind in ("csv", "h5"):
        project.label_file("v2", kind).unlink()
    (project.folder("v1") / "CollectedData_Anna.csv").write_text(text.replace("v2,img1", "v3,img1"))
    result = convert(project, tmp_path / "lp")
    assert result.exit_code == 0, result.stderr
    assert {(video["session"], video["tie"]["kind"]) for video in result.document["videos"]} == {
        ("v2", "exact"),
        ("v3", "exact"),
    }
    assert {path.name for path in (tmp_path / "lp/videos").iterdir()} == {"v2.mp4", "v3.mp4"}
    expect_context(tmp_path / "lp", result.document)


@pytest.mark.parametrize("recorded_as", ["NFC", "NFD"])
def test_two_spellings_are_one_name_in_every_place(tmp_path, recorded_as):
    composed, other = (unicodedata.normalize(form, "souris é") for form in ("NFC", "NFD"))
    listed, there = (composed, other) if recorded_as == "NFC" else (other, composed)
    project = build_project(
        tmp_path / "dlc", sessions=(composed,), frames=FRAMES, video_sets=recorded(f"/gone/{listed}.mp4")
    )
    put(project.videos[composed], project.root / "videos/day1" / f"{there}.mp4")
    result = convert(project, tmp_path / "lp")
    assert result.exit_code == 0, result.stderr
    (video,) = result.document["videos"]
    assert (video["session"], video["tie"]["kind"]) == (composed, "exact")


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
@pytest.mark.parametrize("link", ["videos", "videos/day1"])
def test_folders_of_videos_may_be_links(tmp_path, link):
    project = one_session(tmp_path / "dlc", video_sets=recorded("/gone/m1.mp4"))
    raw = tmp_path / "raw" / ("m1.mp4" if link.endswith("day1") else "day1/m1.mp4")
    put(project.videos["m1"], raw)
    if link == "videos":
        (project.root / "videos").rmdir()
    (project.root / link).symlink_to(tmp_path / "raw", target_is_directory=True)
    result = convert(project, tmp_path / "lp")
    assert result.exit_code == 0, result.stderr
    assert result.document["videos"][0]["tie"]["kind"] == "exact"


def test_a_merged_project_s_video_stands_for_one_that_is_missing(tmp_path):
    project = one_session(tmp_path / "dlc")
    other = one_session(tmp_path / "other")
    project.videos["m1"].unlink()
    result = convert(project, tmp_path / "lp", "--merge", other.root)
    assert [video["source"] for video in result.document["videos"]] == [str(other.videos["m1"])]
    assert "video-missing" not in result.codes


@pytest.mark.parametrize(
    ("name", "is_copy"),
    [
        ("m1 (1)", True),
        ("m1(2)", True),
        ("m1 - Copy", True),
        ("m1 - Copy (3)", True),
        ("m1 copy 2", True),
        ("m1_copy", True),
        ("M1-old", True),
        ("m1~", True),
        ("Copy of m1", True),
        ("Copy (2) of m1", True),
        ("Kopie von m1", True),
        ("m1 - Kopie", True),
        ("m1", False),
        ("m10", False),
        ("m1_2", False),
        ("m1 copyright", False),
        ("scopy of m1", False),
        ("m1DLC_labeled", False),
        ("copy", False),
    ],
)
def test_names_of_copies(name, is_copy):
    assert ("m1" in [each.lower() for each in copied_names(name)]) == is_copy
