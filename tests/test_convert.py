"""The main job: a DLC project goes in, an LP project comes out, and every label and frame arrives."""

import csv
import json
import math

import cv2
import numpy as np
import pytest
from builder import Session, Video, barcode, build_project, read_clip, snapshot, write_image
from command import dlc2lp
from targets import expect_labels, read_labels


def test_every_label_and_every_frame_arrives(tmp_path):
    project = build_project(tmp_path / "dlc", sessions=("m1", "m2"))
    before = snapshot(project.root)
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--json")
    assert result.exit_code == 0, result.stderr
    target = tmp_path / "lp"
    expect_labels(project, target)
    for (session, image), index in project.frame_index.items():
        placed = target / "labeled-data" / session / f"img{index:08d}.png"
        assert placed.read_bytes() == project.image(session, image).read_bytes()
        assert barcode(cv2.imread(str(placed))[:, :, ::-1]) == index
    for session in project.sessions:
        frames = [barcode(frame) for frame in read_clip(target / "videos" / f"{session}.mp4")]
        assert frames == list(range(project.n_frames[session]))
    assert result.document["counts"]["labeled_cells"] == {
        "source": len(project.labels),
        "written": len(project.labels),
        "left_out": 0,
    }
    assert snapshot(project.root) == before


def test_the_target_holds_what_lp_wants_and_nothing_of_dlc(tmp_path):
    project = build_project(
        tmp_path / "dlc", sessions=("m1",), extras=("previews", "hidden", "machinelabels", "drawn-on", "models")
    )
    assert dlc2lp("convert", project.root, tmp_path / "lp").exit_code == 0
    files = {
        path.relative_to(tmp_path / "lp").as_posix()
        for path in (tmp_path / "lp").rglob("*")
        if path.is_file() and ".dlc2lp" not in path.parts
    }
    images = {f"labeled-data/m1/img{project.frame_index['m1', image]:08d}.png" for image in project.rows["m1"]}
    assert images <= files
    assert files - images <= {
        "project.yaml",
        "configs/default.yaml",
        "CollectedData.csv",
        "CollectedData.unlabeled.jsonl",
        "migration-report.html",
        "videos/m1.mp4",
        *(
            f"models/dlc-resnet50-shuffle1-50000/{name}"
            for name in ("config.yaml", "train_status.json", "NO_WEIGHTS.txt", "video_preds/m1.csv")
        ),
    } | {path for path in files if path.startswith("labeled-data/m1/img")}


@pytest.mark.parametrize("era", list("ABCDEFG"))
def test_projects_of_every_era_give_the_same_labels(tmp_path, era):
    project = build_project(tmp_path / "dlc", era=era, sessions=("m1",))
    result = dlc2lp("convert", project.root, tmp_path / "lp")
    assert result.exit_code == 0, result.stdout + result.stderr
    expect_labels(project, tmp_path / "lp")


@pytest.mark.parametrize("layout", ["flat", "three", "name", "windows", "mixed", "absolute", "windows-absolute"])
@pytest.mark.parametrize("files", [("csv",), ("h5",)])
def test_every_way_to_name_a_row(tmp_path, layout, files):
    project = build_project(tmp_path / "dlc", layout=layout, files=files, sessions=("007",), video="none")
    result = dlc2lp("convert", project.root, tmp_path / "lp")
    assert result.exit_code == 0, result.stdout + result.stderr
    expect_labels(project, tmp_path / "lp")


def test_one_labeled_frame_is_enough_to_arrive(tmp_path):
    project = build_project(tmp_path / "dlc", frames=(5,), sessions=("m1",), files=("csv",), layout="three")
    dlc2lp("convert", project.root, tmp_path / "lp")
    expect_labels(project, tmp_path / "lp")


def test_keypoints_are_joined_by_name_in_the_order_of_the_config(tmp_path):
    project = build_project(
        tmp_path / "dlc",
        sessions=("m1", Session("m2", bodyparts=("tail", "nose", "ear_right")), "m3"),
        video="none",
    )
    assert dlc2lp("convert", project.root, tmp_path / "lp").exit_code == 0
    expect_labels(project, tmp_path / "lp")


def test_an_empty_first_row_is_a_frame_and_goes_to_the_queue(tmp_path):
    project = build_project(
        tmp_path / "dlc",
        sessions=("m1",),
        unlabeled=(7,),
        labels=lambda key, point: None if key[1].endswith("02.png") else point,
        video="none",
    )
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--json")
    assert result.exit_code == 0
    queue = [
        json.loads(line)["frame_path"]
        for line in (tmp_path / "lp" / "CollectedData.unlabeled.jsonl").read_text().splitlines()
    ]
    assert queue == ["labeled-data/m1/img00000002.png", "labeled-data/m1/img00000007.png"]
    assert not any(path == queue[0] for path, _ in read_labels(tmp_path / "lp"))
    kept = dlc2lp("convert", project.root, tmp_path / "kept", "--empty-frames", "keep")
    assert kept.exit_code == 0
    assert any(path == queue[0] for path, _ in read_labels(tmp_path / "kept"))
    assert dlc2lp("convert", project.root, tmp_path / "dropped", "--empty-frames", "drop").exit_code == 0
    assert not (tmp_path / "dropped" / "CollectedData.unlabeled.jsonl").exists()
    assert not (tmp_path / "dropped" / "labeled-data" / "m1" / "img00000007.png").exists()


def test_half_points_become_empty_and_are_told(tmp_path):
    project = build_project(
        tmp_path / "dlc",
        sessions=("m1",),
        labels=lambda key, point: (point[0], math.nan) if key[1:] == ("img05.png", "nose") else point,
        video="none",
    )
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--json")
    assert result.exit_code == 0
    assert "half-point" in result.codes
    point = read_labels(tmp_path / "lp")["labeled-data/m1/img00000005.png", "nose"]
    assert np.isnan(point).all()


def test_a_differing_csv_is_told_and_the_h5_counts(tmp_path):
    project = build_project(tmp_path / "dlc", sessions=("m1",), layout="flat", video="none")
    path = project.label_file("m1", "csv")
    text = path.read_text()
    x, _ = project.labels["m1", "img05.png", "nose"]
    assert text.count(repr(x)) == 1
    path.write_text(text.replace(repr(x), "1.5"))
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--json")
    assert result.exit_code == 0
    assert "1 labelled cell" in result.finding("csv-differs-from-h5")["message"]
    expect_labels(project, tmp_path / "lp")
    dlc2lp("convert", project.root, tmp_path / "from-csv", "--labels", "csv")
    assert read_labels(tmp_path / "from-csv")["labeled-data/m1/img00000005.png", "nose"][0] == 1.5


def test_every_kind_of_video_arrives_frame_by_frame(tmp_path):
    project = build_project(
        tmp_path / "dlc",
        sessions=(
            Session("conforming"),
            Session("other_box", video=Video(container="matroska")),
            Session("jpeg", video=Video(codec="mjpeg", container="avi", pixel_format="yuvj420p")),
            Session("fourfourfour", video=Video(pixel_format="yuv444p")),
        ),
    )
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--json")
    assert result.exit_code == 0, result.stderr
    actions = {video["target"]: video["action"] for video in result.document["videos"]}
    assert actions["videos/conforming.mp4"] == "place"
    assert actions["videos/other_box.mp4"] in {"remux", "rewrite"}
    assert actions["videos/jpeg.mp4"] == actions["videos/fourfourfour.mp4"] == "encode"
    for session in project.sessions:
        frames = [barcode(frame) for frame in read_clip(tmp_path / "lp" / "videos" / f"{session}.mp4")]
        assert frames == list(range(project.n_frames[session])), session
    assert dlc2lp("video", "check", tmp_path / "lp" / "videos").exit_code == 0


@pytest.mark.parametrize("mode", ["gray", "rgba", "gray16", "rgb16"])
def test_images_of_every_depth(tmp_path, mode):
    project = build_project(tmp_path / "dlc", sessions=("m1",), image_mode=mode, video="none")
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--json")
    assert result.exit_code == 0
    image = cv2.imread(str(tmp_path / "lp/labeled-data/m1/img00000005.png"), cv2.IMREAD_UNCHANGED)
    assert image.dtype == np.uint8
    assert ("images-16-bit" in result.codes) == mode.endswith("16")
    assert barcode(cv2.imread(str(tmp_path / "lp/labeled-data/m1/img00000005.png"))[:, :, ::-1]) == 5


@pytest.mark.parametrize("options", [(), ("--view-pattern", "{session}_{view}")], ids=["one camera", "several cameras"])
def test_images_of_a_12_bit_camera_keep_their_brightness(tmp_path, options):
    """Its values end at 4095; divided by 256 like those of 16 bits they would be nearly black."""
    sessions = ("m1_left", "m1_right")
    project = build_project(tmp_path / "dlc", sessions=sessions, image_mode="gray16", video="none")
    for session in sessions:
        for path in project.folder(session).glob("*.png"):
            write_image(path, cv2.imread(str(path), cv2.IMREAD_UNCHANGED) >> 4)
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--json", *options)
    assert result.exit_code == 0, result.stderr
    for session in sessions:
        deep = cv2.imread(str(project.image(session, "img05.png")), cv2.IMREAD_UNCHANGED)
        made = cv2.imread(str(tmp_path / "lp/labeled-data" / session / "img00000005.png"), cv2.IMREAD_UNCHANGED)
        assert np.array_equal(made, deep >> 4)
        assert made.max() > 200


def test_unsafe_session_names_are_mapped_and_never_meet(tmp_path):
    names = ("souris é 1", "Souris e 1", "m.1", "-x", "m 1")
    project = build_project(tmp_path / "dlc", sessions=names)
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--json")
    assert result.exit_code == 0, result.stderr
    mapped = {session["source"]: session["target"] for session in result.document["sessions"]}
    assert mapped.keys() == set(names)
    assert len({name.casefold() for name in mapped.values()}) == len(names)
    expect_labels(project, tmp_path / "lp", lambda session, index: f"labeled-data/{mapped[session]}/img{index:08d}.png")
    assert {path.stem for path in (tmp_path / "lp/videos").iterdir()} == set(mapped.values())


def test_a_project_without_config_is_converted_by_its_labels(tmp_path):
    project = build_project(tmp_path / "dlc", sessions=("m1",), write_config=False)
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--json")
    assert result.exit_code == 0
    assert "config-missing" in result.codes
    expect_labels(project, tmp_path / "lp")
    assert (tmp_path / "lp/videos/m1.mp4").exists()


@pytest.mark.parametrize("link", ["auto", "copy", "hardlink", "symlink"])
def test_files_travel_as_asked(tmp_path, link):
    project = build_project(tmp_path / "dlc", sessions=("m1",))
    before = snapshot(project.root)
    assert dlc2lp("convert", project.root, tmp_path / "lp", "--link", link).exit_code == 0
    placed = tmp_path / "lp/labeled-data/m1/img00000005.png"
    source = project.image("m1", "img05.png")
    assert placed.read_bytes() == source.read_bytes()
    assert placed.is_symlink() == (link == "symlink")
    assert (placed.stat().st_ino == source.stat().st_ino) == (link in {"hardlink", "symlink"})
    assert snapshot(project.root) == before


@pytest.mark.shared
def test_the_real_openfield_project(openfield, tmp_path):
    before = snapshot(openfield)
    result = dlc2lp("convert", openfield, tmp_path / "lp", "--json")
    assert result.exit_code == 0, result.stderr
    assert result.document["counts"]["labeled_frames"] == {"source": 116, "written": 116, "left_out": 0}
    (video,) = result.document["videos"]
    assert (video["target"], video["action"], video["n_frames"]) == ("videos/m3v1mp4.mp4", "encode", 2330)
    with (openfield / "labeled-data/m4s1/CollectedData_Pranav.csv").open(newline="") as file:
        source = {
            row[0].rpartition("/")[2]: [float(cell) for cell in row[1:] if cell] for row in list(csv.reader(file))[3:]
        }
    with (tmp_path / "lp/CollectedData.csv").open(newline="") as file:
        rows = list(csv.reader(file))[3:]
    assert len(rows) == 116
    for row in rows:
        name = f"img{int(row[0].rpartition('img')[2].removesuffix('.png')):04d}.png"
        assert [float(cell) for cell in row[1:] if cell] == source[name]
    assert snapshot(openfield) == before


def test_register_adds_the_project_to_the_app_once(tmp_path, monkeypatch):
    monkeypatch.setenv("LP_SYSTEM_DIR", str(tmp_path / "app"))
    project = build_project(tmp_path / "dlc", sessions=("m1",), video="none")
    for _ in range(2):
        result = dlc2lp("convert", project.root, tmp_path / "lp", "--register=reach", "--json")
        assert result.exit_code == 0, result.stderr
        assert "registered" in result.codes
    text = (tmp_path / "app/projects.toml").read_text()
    assert text.count('["reach"]') == 1
    assert str(tmp_path / "lp") in text
    other = build_project(tmp_path / "other", sessions=("m1",), video="none")
    taken = dlc2lp("convert", other.root, tmp_path / "lp2", "--register=reach", "--json")
    assert taken.exit_code == 1
    assert "project-name-taken" in taken.codes
    assert (tmp_path / "lp2/CollectedData.csv").exists()
