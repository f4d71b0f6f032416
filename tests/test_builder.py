"""The builder tells the truth about what it writes, judged by pandas, OpenCV and PyAV."""

from __future__ import annotations

import math
import os
import pickle
import time
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import yaml
from builder import ERAS, BuiltProject, Session, Shuffle, Video, barcode, build_project, read_clip, snapshot
from scene import draw_frame

SINGLE = ["scorer", "bodyparts", "coords"]
MULTI = ["scorer", "individuals", "bodyparts", "coords"]


def read_table(project: BuiltProject, session: str, kind: str, *, index_width: int) -> pd.DataFrame:
    path = project.label_file(session, kind)
    if kind == "h5":
        return pd.read_hdf(path)
    levels = MULTI if project.individuals else SINGLE
    return pd.read_csv(path, header=list(range(len(levels))), index_col=list(range(index_width)))


def cells(project: BuiltProject, session: str, table: pd.DataFrame) -> dict[tuple[str, ...], tuple[float, float]]:
    """What a table holds in the form of the builder's truth; images by the last component of the row."""
    found = {}
    points = [column[1:-1] for column in table.columns if column[-1] == "x"]
    scorer = table.columns[0][0]
    for row, image in zip(table.index, project.rows[session], strict=True):
        name = (row if isinstance(row, str) else row[-1]).replace("\\", "/").rpartition("/")[2]
        assert name == image
        for point in points:
            x, y = (float(table.loc[row, (scorer, *point, coord)]) for coord in "xy")
            if not (math.isnan(x) and math.isnan(y)):
                found[session, name, *point] = (x, y)
    return found


def truth(project: BuiltProject, session: str) -> dict[tuple[str, ...], tuple[float, float]]:
    return {key: point for key, point in project.labels.items() if key[0] == session}


@pytest.mark.parametrize("kind", ["csv", "h5"])
@pytest.mark.parametrize("layout", ["flat", "three", "name", "windows", "mixed", "absolute", "windows-absolute"])
def test_labels_read_back_equal_in_every_layout(tmp_path: Path, layout: str, kind: str) -> None:
    project = build_project(tmp_path / "p", layout=layout, video="none")
    for session in project.sessions:
        table = read_table(project, session, kind, index_width=3 if layout == "three" else 1)
        assert list(table.columns.names) == SINGLE
        assert cells(project, session, table) == truth(project, session)
        assert len(truth(project, session)) == 5 * 4


@pytest.mark.parametrize(
    ("layout", "h5_format"), [("flat", "table"), ("flat", "fixed"), ("three", "fixed"), ("windows", "table")]
)
def test_both_h5_formats(tmp_path: Path, layout: str, h5_format: str) -> None:
    project = build_project(tmp_path / "p", layout=layout, h5_format=h5_format, video="none", files=("h5",))
    for session in project.sessions:
        table = read_table(project, session, "h5", index_width=1)
        assert cells(project, session, table) == truth(project, session)
    assert not list(project.root.rglob("*.csv"))


@pytest.mark.parametrize("unique_first", [False, True])
@pytest.mark.parametrize("kind", ["csv", "h5"])
def test_multi_animal_labels(tmp_path: Path, kind: str, unique_first: bool) -> None:
    project = build_project(
        tmp_path / "p",
        individuals=("mus1", "mus2"),
        unique=("corner",),
        unique_first=unique_first,
        labels=lambda key, point: None if key[2] == "mus2" else point,
        video="none",
    )
    for session in project.sessions:
        table = read_table(project, session, kind, index_width=3)
        assert list(table.columns.names) == MULTI
        assert table.columns[0 if unique_first else -1][1] == "single"
        assert cells(project, session, table) == truth(project, session)
    assert {key[2] for key in project.labels} == {"mus1", "single"}


def test_label_overrides(tmp_path: Path) -> None:
    project = build_project(
        tmp_path / "p",
        sessions=("m1",),
        labels={
            ("m1", "img05.png", "nose"): None,
            ("m1", "img05.png", "tail"): (12.0, math.nan),
            ("m1", "img09.png", "nose"): (-3.25, 0.0),
        },
        video="none",
    )
    table = pd.read_hdf(project.label_file("m1", "h5"))
    row = ("labeled-data", "m1", "img05.png")
    assert table.loc[row, "Anna"].loc[["nose"]].isna().all()
    assert table.loc[row, ("Anna", "tail", "x")] == 12.0
    assert math.isnan(table.loc[row, ("Anna", "tail", "y")])
    assert ("m1", "img05.png", "nose") not in project.labels
    assert project.labels["m1", "img09.png", "nose"] == (-3.25, 0.0)


VIDEOS = [
    Video(),
    Video(pixel_format="yuv444p", options={"crf": "30"}),
    Video(suffix=".avi", codec="mjpeg", pixel_format="yuvj420p"),
    Video(suffix=".mov", rate=Fraction(30000, 1001)),
    Video(suffix=".mkv", codec="ffv1", pixel_format="yuv420p"),
    Video(suffix=".mp4", container="matroska"),
]


@pytest.mark.parametrize("video", VIDEOS, ids=lambda video: f"{video.codec}{video.suffix}-{video.pixel_format}")
def test_images_are_the_frames_of_the_clips(tmp_path: Path, video: Video) -> None:
    project = build_project(tmp_path / "p", video=video, unlabeled=(0, 7))
    for session in project.sessions:
        clip = read_clip(project.videos[session])
        assert [barcode(frame) for frame in clip] == list(range(20))
        for name in (*project.rows[session], *project.unlabeled[session]):
            image = cv2.imread(str(project.image(session, name)))
            index = project.frame_index[session, name]
            assert barcode(image) == index == int(name[3:5])
            assert np.array_equal(image[..., ::-1], clip[index])


@pytest.mark.parametrize(
    ("mode", "shape", "dtype"),
    [
        ("rgb", (96, 128, 3), np.uint8),
        ("gray", (96, 128), np.uint8),
        ("rgba", (96, 128, 4), np.uint8),
        ("gray16", (96, 128), np.uint16),
        ("rgb16", (96, 128, 3), np.uint16),
    ],
)
def test_image_modes(tmp_path: Path, mode: str, shape: tuple[int, ...], dtype: type) -> None:
    project = build_project(tmp_path / "p", sessions=("m1",), image_mode=mode)
    image = cv2.imread(str(project.image("m1", "img14.png")), cv2.IMREAD_UNCHANGED)
    assert (image.shape, image.dtype) == (shape, dtype)
    assert barcode(image) == 14


def test_jpg_images_keep_their_barcode(tmp_path: Path) -> None:
    project = build_project(tmp_path / "p", sessions=("m1",), image_suffix=".jpg")
    assert project.rows["m1"][1] == "img05.jpg"
    assert barcode(cv2.imread(str(project.image("m1", "img05.jpg")))) == 5


def test_opencv_reads_the_same_frames(tmp_path: Path) -> None:
    project = build_project(tmp_path / "p", sessions=("m1",))
    capture = cv2.VideoCapture(str(project.videos["m1"]))
    read = [barcode(capture.read()[1]) for _ in range(20)]
    assert (read, capture.read()[0]) == (list(range(20)), False)


def test_barcodes_of_many_frames_and_sizes() -> None:
    for index in (0, 1, 127, 128, 2047, 4095):
        for width_px, height_px in ((128, 96), (101, 75), (640, 480)):
            assert barcode(draw_frame("a", index, width_px=width_px, height_px=height_px)) == index
    with pytest.raises(ValueError, match="check bits"):
        barcode(np.zeros((96, 128), np.uint8))
    with pytest.raises(ValueError, match="check bits"):
        barcode(draw_frame("a", 5)[:, 8:])


def test_neighboring_frames_and_other_sessions_differ_clearly() -> None:
    frames = [draw_frame("a", index).mean(axis=2) for index in range(20)]
    steps = [np.abs(a - b)[8:].mean() for a, b in pairwise(frames)]
    assert min(steps) > 2
    assert np.abs(frames[3] - draw_frame("b", 3).mean(axis=2))[8:].mean() > 10


def test_crop_moves_the_labels(tmp_path: Path) -> None:
    whole = build_project(tmp_path / "whole", sessions=("m1",))
    cropped = build_project(tmp_path / "cropped", sessions=("m1",), crop=(10, 110, 20, 90))
    image = cv2.imread(str(cropped.image("m1", "img05.png")))
    assert np.array_equal(image, cv2.imread(str(whole.image("m1", "img05.png")))[20:90, 10:110])
    key = ("m1", "img05.png", "tail")
    assert cropped.labels[key] == (whole.labels[key][0] - 10, whole.labels[key][1] - 20)


def test_one_project_of_differing_sessions(tmp_path: Path) -> None:
    project = build_project(
        tmp_path / "p",
        sessions=(
            "m1",
            Session("m2", bodyparts=("tail", "nose"), layout="flat", h5_format="table", frames=(3,), n_frames=12),
            Session("m3", size_px=(64, 48), video="none", unlabeled=(4,), files=("csv",)),
        ),
        files=("h5",),
    )
    assert list(pd.read_hdf(project.label_file("m2", "h5")).columns.levels[1]) == ["nose", "tail"]
    assert pd.read_hdf(project.label_file("m2", "h5")).columns[0][1] == "tail"
    assert len(read_clip(project.videos["m2"])) == 12
    assert "m3" not in project.videos
    assert project.unlabeled["m3"] == ("img04.png",)
    assert cv2.imread(str(project.image("m3", "img04.png"))).shape == (48, 64, 3)
    assert not list(project.folder("m3").glob("*.h5"))


@pytest.mark.parametrize("era", ERAS)
def test_config_of_every_era_names_the_project(tmp_path: Path, era: str) -> None:
    project = build_project(tmp_path / "p", era=era, images=False, video="none")
    text = project.config.read_text(encoding="utf-8")
    values = yaml.safe_load(text.replace("!!python/tuple", ""))
    assert (values["Task"], values["scorer"], values["date"]) == ("reach", "Anna", "Aug30")
    assert values["bodyparts"] == ["nose", "ear_left", "ear_right", "tail"]
    assert list(values["video_sets"]) == [str(project.root / "videos" / f"{name}.mp4") for name in ("m1", "m2")]
    assert ("!!python/tuple" in text) == (era == "A")
    assert ("# Project definitions" in text) == (era != "A")
    assert ("engine" in values) == (era in "FG")
    assert ("individuals" in values) == (era == "G")


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("windows", ["C:\\Users\\Jane Doe\\reach-Anna-2021-08-30\\videos\\m1.mp4"]),
        ("elsewhere", ["/home/jane doe/reach-Anna-2021-08-30/videos/m1.mp4"]),
        ("placeholder", ["WILL BE AUTOMATICALLY UPDATED BY DEMO CODE"]),
        ("empty", ""),
        ("null", None),
        ("missing", KeyError),
        ({"/a.mp4": None}, ["/a.mp4"]),
    ],
)
def test_video_sets(tmp_path: Path, choice: object, expected: object) -> None:
    project = build_project(tmp_path / "p", sessions=("m1",), video_sets=choice, images=False, video="none")
    values = yaml.safe_load(project.config.read_text(encoding="utf-8"))
    if expected is KeyError:
        assert "video_sets" not in values
    elif isinstance(expected, list):
        assert list(values["video_sets"]) == expected
    else:
        assert values["video_sets"] == expected


def test_extras_are_there_and_no_data(tmp_path: Path) -> None:
    project = build_project(
        tmp_path / "p",
        unlabeled=(3,),
        extras=("previews", "hidden", "machinelabels", "drawn-on", "models", "empty-folder"),
        other_scorers=("Bob",),
        extra_files={"notes/read me.txt": "hello"},
    )
    folder = project.folder("m1")
    assert {"img05labeled.png", ".DS_Store", "machinelabels-iter0.h5", "CollectedData_Bob.h5"} <= {
        path.name for path in folder.iterdir()
    }
    assert (project.root / "labeled-data" / "m1_labeled" / "img05_bodypart.png").is_file()
    machine = pd.read_hdf(folder / "machinelabels-iter0.h5")
    assert list(machine.index) == [("labeled-data", "m1", "img03.png")]
    assert set(machine.columns.get_level_values("coords")) == {"x", "y", "likelihood"}
    assert pd.read_hdf(folder / "CollectedData_Bob.h5").columns[0][0] == "Bob"
    assert (project.root / "notes" / "read me.txt").read_text() == "hello"


@pytest.mark.parametrize("era", ["C", "F"])
def test_splits_count_in_the_merged_labels(tmp_path: Path, era: str) -> None:
    empty = {("m1", "img05.png", name): None for name in ("nose", "ear_left", "ear_right", "tail")}
    shuffles = (Shuffle(1, 0.57), Shuffle(2, 0.8, padding=2, later=("m0",)))
    project = build_project(
        tmp_path / "p", era=era, sessions=("m1", "m0"), labels=empty, shuffles=shuffles, images=False, video="none"
    )
    folder = project.root / "training-datasets" / "iteration-0" / "UnaugmentedDataSet_reachAug30"
    merged = pd.read_hdf(folder / "CollectedData_Anna.h5")
    assert list(merged.index) == sorted(merged.index)
    assert len(pd.read_csv(folder / "CollectedData_Anna.csv", header=[0, 1, 2])) == len(merged) == 10
    assert (folder / "metadata.yaml").exists() == (era == "F")
    for shuffle, name in zip(shuffles, ("56shuffle1", "80shuffle2"), strict=True):
        content = (folder / f"Documentation_data-reach_{name}.pickle").read_bytes()
        data, train, test, fraction = pickle.loads(content)
        then = [row for row in merged.index if shuffle.number == 1 or "m0" not in str(row)]
        frames = [tuple(row.split("/") if era == "C" else row)[1:] for row in then]
        assert fraction == shuffle.fraction
        assert sorted([*train, *test]) == [-1] * 2 * shuffle.padding + list(range(len(then)))
        trained = [row for row in train if row >= 0 and frames[row] != ("m1", "img05.png")]
        assert [entry["image"] for entry in data] == [then[row] for row in trained]
        truth = project.splits[f"iteration-0/{shuffle.percent}/{shuffle.number}"]
        assert truth == tuple({frames[row] for row in rows if row >= 0} for rows in (train, test))


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_linked_and_dangling_videos(tmp_path: Path) -> None:
    linked = build_project(tmp_path / "linked", sessions=("m1",), place_videos="symlink")
    assert linked.videos["m1"].is_symlink()
    assert barcode(read_clip(linked.videos["m1"], [6])[0]) == 6
    dangling = build_project(tmp_path / "dangling", sessions=("m1",), place_videos="dangling")
    assert dangling.videos["m1"].is_symlink()
    assert not dangling.videos["m1"].exists()


def test_hostile_session_names(tmp_path: Path) -> None:
    names = ("a b", "souris é", "m.1", "007", "-x", "100%d") + (() if os.name == "nt" else ("q\"'", "a:b"))
    project = build_project(tmp_path / "p", sessions=names)
    assert [barcode(read_clip(project.videos[name], [4])[0]) for name in names] == [4] * len(names)


def test_snapshot_sees_every_kind_of_change(tmp_path: Path) -> None:
    project = build_project(tmp_path / "p", sessions=("m1",))
    before = snapshot(project.root)
    assert snapshot(project.root) == before
    assert {"videos/m1.mp4", "labeled-data/m1/img05.png", "config.yaml", "."} <= before.keys()

    image = project.image("m1", "img05.png")
    status = image.stat()
    image.write_bytes(image.read_bytes()[:-1] + b"x")
    os.utime(image, ns=(status.st_atime_ns, status.st_mtime_ns))
    changed = snapshot(project.root)
    assert {path for path in before if before[path] != changed[path]} == {"labeled-data/m1/img05.png"}

    (project.root / "videos" / "tmp").touch()
    (project.root / "videos" / "tmp").unlink()
    assert snapshot(project.root)["videos"] != changed["videos"]


def test_the_same_arguments_make_the_same_project(tmp_path: Path) -> None:
    first = build_project(tmp_path / "a" / "p")
    second = build_project(tmp_path / "b" / "p")
    assert first.labels == second.labels
    # PyTables puts the time into H5 files, config.yaml names its own folder.
    for path in first.root.rglob("*"):
        if path.suffix in {".png", ".mp4", ".csv"}:
            assert path.read_bytes() == (second.root / path.relative_to(first.root)).read_bytes()


def test_a_default_project_is_quick(tmp_path: Path) -> None:
    build_project(tmp_path / "warm-up")
    start = time.perf_counter()
    build_project(tmp_path / "p")
    # 0.1 s on an idle core; the limit leaves room for a loaded one.
    assert time.perf_counter() - start < 2
