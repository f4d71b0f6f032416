"""``migration-report.html``: what was moved, for people; made of what the target holds, and nothing rests on it."""

import json
import os
import shutil
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from builder import Session, Video, build_project, snapshot
from command import dlc2lp
from labeler import save
from page_reader import pictures, read_page

import dlc2lp as library
from dlc2lp.errors import VideoFailed
from dlc2lp.pages import write
from dlc2lp.video.still import read_still

PAGE = "migration-report.html"

JPEG = Video(codec="mjpeg", container="avi", pixel_format="yuvj420p", suffix=".avi")


def page_of(target):
    return read_page(target / PAGE)


def cards(page):
    return page.all("figure", "card")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Two sessions, one with a video that is encoded; a point outside its image, one keypoint never labelled in m2."""
    labels = {("m1", "img09.png", "nose"): (140.25, 20.5)}
    labels |= {("m2", f"img{k:02d}.png", "tail"): None for k in (2, 5, 9, 14, 19)}
    return build_project(
        tmp_path_factory.mktemp("page") / "dlc",
        sessions=("m1", Session("m2", video=JPEG)),
        labels=labels,
        unlabeled=(7,),
    )


@pytest.fixture(scope="module")
def target(project, tmp_path_factory):
    target = tmp_path_factory.mktemp("page") / "lp"
    result = dlc2lp("convert", project.root, target)
    assert result.exit_code == 0, result.stderr
    assert str(target / PAGE) in result.stdout
    return target


def test_it_says_what_became_of_the_project(project, target):
    page = page_of(target)
    assert page.all("h1")[0].text == "lp"
    verdict = page.all("div", "verdict")[0].text
    assert "10 labeled frames with 35 labels and 2 videos" in verdict
    tiles = {each.all("dt")[0].text: each.all("dd")[0].text for each in page.all("div", "tile")}
    assert tiles["labeled frames"] == "10 of 10 in DeepLabCut"
    assert tiles["labeled cells"] == "35 of 35 in DeepLabCut"
    assert f"litpose train {target}/configs/default.yaml" in page.by_id("next").text
    text = page.text
    for name in (str(project.root), "reach", "Anna", "Aug30"):
        assert name in text


def test_the_most_suspicious_frame_comes_first_with_both_its_names(target):
    page = page_of(target)
    first, *others = cards(page.by_id("frames"))
    assert first.all("p", "why")[0].text == "outside the image: nose"
    assert "labeled-data/m1/img00000009.png" in first.text
    assert "m1/img09.png" in first.text
    assert "doubt" in first.classes
    assert not [each for each in others if "doubt" in each.classes]
    (outside,) = first.all("circle", "outside")
    assert outside.all("title")[0].text == "nose (140.25, 20.5), outside the image".replace("140.25", "140.2")
    assert (outside.attributes["cx"], outside.attributes["cy"]) == ("128", "20.5")  # drawn at the edge
    assert len(first.all("circle")) == 4
    assert len(first.all("line")) == 1  # the skeleton: nose to tail
    assert len(cards(page.by_id("frames"))) == 10


def test_points_stand_where_they_are_labelled(project, target):
    page = page_of(target)
    card = next(each for each in cards(page.by_id("frames")) if "m2/img05.png" in each.text)
    drawn = {
        each.all("title")[0].text.partition(" (")[0]: (float(each.attributes["cx"]), float(each.attributes["cy"]))
        for each in card.all("circle")
    }
    wanted = {name: project.labels["m2", "img05.png", name] for name in ("nose", "ear_left", "ear_right")}
    assert drawn.keys() == wanted.keys()
    for name, (x, y) in wanted.items():
        assert drawn[name] == pytest.approx((x, y), abs=0.06)
    assert card.all("svg")[0].attributes["viewbox"] == "0 0 128 96"


def test_its_pictures_are_those_of_the_target(target):
    page = page_of(target)
    card = next(each for each in cards(page.by_id("frames")) if "m1/img05.png" in each.text)
    (shown,) = pictures(card)
    image = cv2.imread(str(target / "labeled-data/m1/img00000005.png"))
    assert np.abs(shown.astype(int) - image.astype(int)).mean() < 6


def test_the_map_of_empty_cells(target):
    rows = page_of(target).by_id("empty").all("tr")
    assert [cell.text for cell in rows[0].all("th")] == ["session", "frames", "nose", "ear_left", "ear_right", "tail"]
    cells = {row.all("th")[0].text: [cell.text for cell in row.all("td")] for row in rows[1:]}
    assert cells == {"m1": ["5", "0", "0", "0", "0"], "m2": ["5", "0", "0", "0", "100"]}
    assert "e10" in rows[2].all("td")[4].classes


def test_videos_before_and_after_with_the_pair_that_proves_the_frames(project, target):
    placed, encoded = page_of(target).by_id("videos").all("article")
    assert placed.all("h3")[0].text == "videos/m1.mp4"
    assert "placed as it is" in placed.text
    sides = {row.all("th")[0].text: [cell.text for cell in row.all("td")] for row in encoded.all("tr")[1:]}
    assert sides["container"] == ["avi", "mp4"]
    assert sides["codec"] == ["mjpeg", "h264"]
    assert sides["pixel format"] == ["yuvj420p", "yuv420p"]
    assert sides["picture"] == ["128x96", "128x96"]
    assert sides["frames"] == ["20", "20"]
    assert sides["rate"] == ["25 fps", "25 fps"]
    assert "the codec is mjpeg, not h264" in encoded.text
    assert "6 of 6 images are the frames that their numbers name" in encoded.text
    for video in (placed, encoded):
        labeled, frame = pictures(video)
        assert labeled.shape == frame.shape
        assert np.abs(labeled.astype(int) - frame.astype(int)).mean() < 8
    assert str(project.videos["m2"]) in encoded.text


def test_findings_are_grouped_by_kind_and_the_config_has_its_reasons(target):
    page = page_of(target)
    manifest = json.loads((target / ".dlc2lp/manifest.json").read_text(encoding="utf-8"))
    groups = page.by_id("findings").all("details", "group")
    shown = {each.all("code")[0].text: len(each.all("li")) for each in groups}
    codes = [finding["code"] for finding in manifest["findings"]]
    assert shown == {code: codes.count(code) for code in codes}
    assert "label-outside-image" in shown
    assert [each.attributes["data-severity"] for each in groups] == sorted(
        (each.attributes["data-severity"] for each in groups), key=["error", "warning", "note"].index
    )
    for choice in manifest["config"]:
        assert choice["key"] in page.by_id("config").text
        assert " ".join(choice["reason"].split()) in page.by_id("config").text


def test_the_same_project_gives_the_same_bytes(project, target, tmp_path):
    twin = tmp_path / "lp"
    assert dlc2lp("convert", project.root, twin, "--jobs", 1).exit_code == 0
    one, other = ((each / PAGE).read_bytes().replace(str(each).encode(), b"@") for each in (target, twin))
    # The digest of what is shown has the target's own path in it.
    one, other = (page[: page.index(b"dlc2lp-shows")] + page[page.index(b"viewport") :] for page in (one, other))
    assert one == other
    first = (twin / PAGE).read_bytes()
    shutil.rmtree(twin)
    assert dlc2lp("convert", project.root, twin, "--jobs", 2).exit_code == 0
    assert (twin / PAGE).read_bytes() == first


def test_a_page_that_shows_all_that_already_is_left_as_it_is(project, target, tmp_path, monkeypatch):
    copy = tmp_path / "lp"
    assert dlc2lp("convert", project.root, copy).exit_code == 0
    before = snapshot(copy)[PAGE]
    with monkeypatch.context() as patch:
        patch.setattr(write, "draw", lambda *_: pytest.fail("a picture was read"))
        (copy / ".dlc2lp/seen.json").unlink()  # so that everything is looked at again
        assert dlc2lp("convert", project.root, copy).exit_code == 0
    assert snapshot(copy)[PAGE] == before
    for spoil in (Path.unlink, lambda path: os.truncate(path, 5000)):
        spoil(copy / PAGE)
        assert dlc2lp("convert", project.root, copy).exit_code == 0
        assert snapshot(copy)[PAGE].sha256 == before.sha256


def test_labels_that_people_made_are_shown(project, tmp_path):
    copy = tmp_path / "lp"
    assert dlc2lp("convert", project.root, copy).exit_code == 0
    save(copy, "labeled-data/m2/img00000005.png", {"tail": (40.0, 30.0)})
    assert dlc2lp("report", copy).exit_code == 0
    page = page_of(copy)
    card = next(each for each in cards(page.by_id("frames")) if "m2/img05.png" in each.text)
    assert "tail (40, 30)" in card.text
    assert page.by_id("empty").all("tr")[2].all("td")[4].text == "80"


def test_a_page_that_cant_be_written_is_told_and_nothing_is_lost(project, tmp_path, monkeypatch):
    (tmp_path / "lp" / ".dlc2lp").mkdir(parents=True)
    monkeypatch.setattr(write, "draw", lambda *_: 1 / 0)
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--json")
    assert result.exit_code == 0, result.stderr
    finding = result.finding("report-not-written")
    assert finding["severity"] == "warning"
    assert "dlc2lp report" in finding["hint"]
    assert result.document["report"] is None
    assert dlc2lp("verify", tmp_path / "lp").exit_code == 0
    monkeypatch.undo()
    again = dlc2lp("convert", project.root, tmp_path / "lp", "--json")
    assert "report-not-written" not in again.codes
    assert again.document["report"] == str(tmp_path / "lp" / PAGE)


def test_a_folder_in_its_place_is_told(project, tmp_path):
    assert dlc2lp("convert", project.root, tmp_path / "lp").exit_code == 0
    (tmp_path / "lp" / PAGE).unlink()
    (tmp_path / "lp" / PAGE).mkdir()
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--json")
    assert result.exit_code == 0
    assert "directory" in result.finding("report-not-written")["message"].lower()


def test_the_command_makes_it_anew(target, tmp_path):
    moved = tmp_path / "elsewhere"
    shutil.copytree(target, moved)
    result = dlc2lp("report", moved, "--json")
    assert result.document["report"] == str(moved / PAGE)
    assert f"litpose train {moved}/configs/default.yaml" in page_of(moved).by_id("next").text
    assert library.make_report(moved) == moved / PAGE
    assert dlc2lp("report", tmp_path).exit_code == 3
    (moved / ".dlc2lp/manifest.json").unlink()
    assert dlc2lp("report", moved, "--json").codes == ["target-not-finished"]


EVIL = '<script>alert("1")</script>'


def test_names_are_text_whatever_they_hold(tmp_path):
    names = (EVIL, "\" onload='x", "&lt;b&gt;{{ 7 * 7 }}", "a\u202egpj.exe")
    project = build_project(
        tmp_path / "<i>dlc's \"one\"", sessions=("m<1>", "m&2"), bodyparts=names, task=EVIL, scorer="A'nna",
        skeleton=(),
        labels={("m<1>", "img05.png", EVIL): (-5.0, 3.0)}, video="none",
    )  # fmt: skip
    result = dlc2lp("convert", project.root, tmp_path / "l<p>")
    assert result.exit_code == 0, result.stderr
    page = page_of(tmp_path / "l<p>")
    assert len(page.all("script")) == 1
    assert not page.all("i")
    assert not page.all("b")
    heads = [cell.text for cell in page.by_id("empty").all("tr")[0].all("th")][2:]
    assert heads == [*names[:3], "a\\u202egpj.exe"]
    assert page.all("p", "why")[0].text == f"outside the image: {EVIL}"


def test_a_hundred_sessions_stay_below_three_megabytes(tmp_path):
    """Pictures of noise, which nothing makes smaller, and a page for each of their sessions."""
    names = [f"m{k:03d}" for k in range(100)]
    project = build_project(
        tmp_path / "dlc", sessions=names, frames=(2, 5), n_frames=8, size_px=(96, 64), video="none",
        bodyparts=[f"keypoint_{k}" for k in range(20)], skeleton=(),
    )  # fmt: skip
    noise = np.random.default_rng(3)
    for path in project.root.glob("labeled-data/*/*.png"):
        cv2.imwrite(str(path), noise.integers(0, 255, (360, 480, 3), dtype=np.uint8))
    assert dlc2lp("convert", project.root, tmp_path / "lp", "--jobs", 2).exit_code == 0
    page = page_of(tmp_path / "lp")
    assert (tmp_path / "lp" / PAGE).stat().st_size < 3_000_000
    shown = {each.all("h3")[0].text for each in cards(page.by_id("frames"))}
    assert shown == set(names)
    assert len(pictures(page)) == 100
    assert len(page.by_id("empty").all("tr")) == 101


def test_views_of_one_moment_stand_side_by_side(tmp_path):
    views = {
        name: build_project(tmp_path / name, sessions=("m1", "m2"), frames=frames)
        for name, frames in (("top", (2, 5, 9, 14)), ("side", (2, 5, 9, 11)))
    }
    given = [f"--view={name}={project.root}" for name, project in views.items()]
    assert dlc2lp("convert", *given, tmp_path / "lp").exit_code == 0
    page = page_of(tmp_path / "lp")
    moments = page.by_id("frames").all("div", "moment")
    assert len(moments) == 2 * 5
    for moment in moments:
        top, side = cards(moment)
        assert (top.all("span", "view-name")[0].text, side.all("span", "view-name")[0].text) == ("top", "side")
        paths = [each.all("span", "path")[0].text for each in (top, side)]
        assert paths[0].replace("_top/", "_side/") == paths[1]
    assert "cut from the video" in page.by_id("frames").text
    folders = [row.all("th")[0].text for row in page.by_id("empty").all("table")[0].all("tr")[1:]]
    assert folders == ["m1_top", "m1_side", "m2_top", "m2_side"]
    assert "labeled in side" in page.by_id("empty").text
    assert len(page.by_id("videos").all("article")) == 4


def test_each_target_of_an_archive_and_of_individuals_has_one(tmp_path):
    build_project(tmp_path / "archive/one", sessions=("m1",), n_frames=12, frames=(2, 5))
    build_project(tmp_path / "archive/two", sessions=("m1",), n_frames=12, frames=(2, 5), task="other")
    assert dlc2lp("batch", "convert", tmp_path / "archive", tmp_path / "out").exit_code == 0
    for name in ("one", "two"):
        assert "2 labeled frames" in page_of(tmp_path / "out" / name).all("div", "verdict")[0].text
    before = snapshot(tmp_path / "out/one")[PAGE]
    assert dlc2lp("batch", "finish", tmp_path / "out").exit_code == 0
    assert snapshot(tmp_path / "out/one")[PAGE] == before
    animals = build_project(tmp_path / "animals", sessions=("m1",), individuals=("a", "b"), video="none")
    assert dlc2lp("convert", animals.root, tmp_path / "each", "--individuals", "split").exit_code == 0
    for name in ("a", "b"):
        page_of(tmp_path / "each" / name)


def test_what_is_lacking_is_said_at_the_top(tmp_path):
    project = build_project(tmp_path / "dlc", sessions=("m1",))
    project.image("m1", "img05.png").unlink()
    assert dlc2lp("convert", project.root, tmp_path / "lp").exit_code == 1
    page = page_of(tmp_path / "lp")
    (verdict,) = page.all("div", "verdict")
    assert "lacking" in verdict.classes
    assert page.all("div", "tile")[0].all("dd")[0].text == "4 of 5 in DeepLabCut, 1 left out"


def test_without_labels_videos_or_findings_there_is_a_page_too(tmp_path):
    project = build_project(tmp_path / "dlc", sessions=("m1",), video="none")
    assert dlc2lp("convert", project.root, tmp_path / "lp", "--videos", "none").exit_code == 0
    page = page_of(tmp_path / "lp")
    assert not page.all("article")
    assert len(cards(page)) == 5


def test_sessions_and_frames_that_weigh_more_come_first(tmp_path):
    outside = {("m2", "img05.png", "nose"): (-3.0, 5.0)}
    outside |= {("m2", "img14.png", name): (200.0, 5.0) for name in ("nose", "tail")}
    project = build_project(tmp_path / "dlc", sessions=("m1", "m2"), labels=outside, video="none")
    assert dlc2lp("convert", project.root, tmp_path / "lp").exit_code == 0
    frames = page_of(tmp_path / "lp").by_id("frames")
    assert [each.text.split()[0] for each in frames.all("h3")] == ["m2", "m1"]
    assert "2 worth a look" in frames.all("h3")[0].text
    first, second, third, *_ = (each.all("span", "path")[1].text for each in cards(frames))
    assert (first, second, third) == ("m2/img14.png", "m2/img05.png", "m2/img02.png")


def test_labels_that_equal_an_unsure_prediction_are_pointed_at(tmp_path):
    import pandas as pd

    project = build_project(tmp_path / "dlc", sessions=("m1",), video="none")
    network, image = "DLC_resnet50_reachAug30shuffle1_50000", "img14.png"
    x, y = project.labels["m1", image, "nose"]
    columns = pd.MultiIndex.from_tuples([(network, "nose", axis) for axis in ("x", "y", "likelihood")])
    index = pd.MultiIndex.from_tuples([("labeled-data", "m1", image)])
    columns.names = ["scorer", "bodyparts", "coords"]
    pd.DataFrame([[x, y, 0.1]], columns=columns, index=index).to_hdf(
        project.folder("m1") / "machinelabels-iter0.h5", key="df_with_missing", mode="w"
    )
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--json")
    assert "labels-equal-predictions" in result.codes
    first = cards(page_of(tmp_path / "lp").by_id("frames"))[0]
    assert "m1/img14.png" in first.text
    assert first.all("p", "why")[0].text.startswith("1 point equals an unsure prediction")


# ------------------------------------------------------------------------------------------------- a frame of a video


@pytest.mark.parametrize("index", [0, 7, 19])
def test_a_frame_is_found_without_counting(target, index):
    from builder import barcode

    picture = read_still(target / "videos/m2.mp4", index, 20)
    assert barcode(picture[..., ::-1]) == index


def test_a_frame_beyond_the_end_is_told(target):
    with pytest.raises(VideoFailed):
        read_still(target / "videos/m2.mp4", 20, 20)
    with pytest.raises(VideoFailed):
        read_still(target / "videos/m2.mp4", 30, 40)


def test_making_it_takes_little_time(target):
    begin = time.perf_counter()
    library.make_report(target)
    assert time.perf_counter() - begin < 3
