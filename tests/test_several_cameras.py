"""Several cameras become one multi-view project: row n of every view is the same moment, and nothing is lost."""

import contextlib
import csv
import json
import shutil
import threading
import tomllib

import cv2
import numpy as np
import pytest
import rig
import yaml
from builder import Video, barcode, build_project, read_clip, snapshot
from command import dlc2lp

import dlc2lp as library
from dlc2lp.run import execute
from dlc2lp.run.make_files import make_text

CAMERAS = ("top", "side")


def rows_of(target, view, suffix=""):
    """Image path -> {keypoint: (x, y, visible or None)} of one view's label file, in order."""
    with (target / f"CollectedData_{view}{suffix}.csv").open(newline="", encoding="utf-8") as file:
        header, names, coords, *rows = list(csv.reader(file))
    found = {}
    for row in rows:
        cells = {}
        for k, coord in enumerate(coords):
            if k:
                cells.setdefault(names[k], {})[coord] = row[k]
        found[row[0]] = {
            name: (float(cell["x"] or "nan"), float(cell["y"] or "nan"), cell.get("visible"))
            for name, cell in cells.items()
        }
    assert len(set(header[1:])) == 1
    return found


def expect_aligned(target, views, suffix=""):
    """Every view has the same sessions and frames, row by row, each image there and the frame that its name says."""
    moments = []
    for view in views:
        rows = rows_of(target, view, suffix)
        moments.append([])
        for path in rows:
            folder, name = path.split("/")[1:]
            assert folder.endswith(f"_{view}")
            image = cv2.imread(str(target / path))
            assert barcode(image) == int(name[3:-4]), path
            moments[-1].append((folder.removesuffix(f"_{view}"), name))
    assert all(each == moments[0] for each in moments)
    return moments[0]


def expect_labels(project, target, view, session_of=lambda session: session):
    """Every label of a camera's project is in its view's file, bit for bit."""
    rows = rows_of(target, view)
    n = 0
    for (session, image, keypoint), point in project.labels.items():
        index = project.frame_index[session, image]
        x, y, _ = rows[f"labeled-data/{session_of(session)}_{view}/img{index:08d}.png"][keypoint]
        assert (x, y) == point
        n += 1
    written = sum(not np.isnan(x) for points in rows.values() for x, _, _ in points.values())
    assert written == n


def two_projects(root, **options):
    top = build_project(root / "top", sessions=("m1", "m2"), frames=(2, 5, 9, 14), **options)
    side = build_project(root / "side", sessions=("m1", "m2"), frames=(2, 5, 9, 11), **options)
    return top, side


def convert(target, projects, *options):
    views = [part for name, project in projects.items() for part in ("--view", f"{name}={project.root}")]
    before = {name: snapshot(project.root) for name, project in projects.items()}
    result = dlc2lp("convert", *views, target, "--json", *options)
    assert {name: snapshot(project.root) for name, project in projects.items()} == before
    return result


# ---------------------------------------------------------------------------------------------- a project per camera


def test_a_project_for_each_camera(tmp_path):
    top, side = two_projects(tmp_path)
    target = tmp_path / "lp"
    result = convert(target, {"top": top, "side": side})
    assert result.exit_code == 0, result.stderr
    document = result.document
    moments = expect_aligned(target, CAMERAS)
    assert [name for session, name in moments if session == "m1"] == [f"img{k:08d}.png" for k in (2, 5, 9, 11, 14)]
    expect_labels(top, target, "top")
    expect_labels(side, target, "side")
    assert document["views"] == ["top", "side"]
    assert document["view_frames"][0] == {
        "session": "m1", "n_frames": [4, 4], "n_shared": 3, "n_filled": 2, "n_left_out": 0,
    }  # fmt: skip
    assert document["counts"]["labeled_frames"] == {"source": 16, "written": 16, "left_out": 0}
    # What only the other camera has labelled is cut from the video, and not taken for hidden.
    filled = rows_of(target, "top")["labeled-data/m1_top/img00000011.png"]
    assert all(np.isnan(x) and visible == "0" for x, _, visible in filled.values())
    assert {visible for *_, visible in rows_of(target, "top")["labeled-data/m1_top/img00000002.png"].values()} == {"2"}
    for session in ("m1", "m2"):
        for view in CAMERAS:
            frames = read_clip(target / f"videos/{session}_{view}.mp4")
            assert [barcode(frame) for frame in frames] == list(range(20))
    settings = yaml.safe_load((target / "project.yaml").read_text())
    assert settings["view_names"] == ["top", "side"]
    config = yaml.safe_load((target / "configs/default.yaml").read_text())
    assert config["data"]["view_names"] == ["top", "side"]
    assert config["data"]["csv_file"] == ["CollectedData_top.csv", "CollectedData_side.csv"]
    assert config["model"]["model_type"] == "heatmap_multiview_transformer"
    assert config["data"].get("camera_params_file") is None
    assert dlc2lp("verify", target, "--verify", "full").exit_code == 0


def test_the_table_is_shown_before_anything_is_written(tmp_path):
    top, side = two_projects(tmp_path)
    shown = []

    def eye(event):
        if event.what == "decided":
            shown.append((event.view_frames, (tmp_path / "lp").exists()))

    views = {"top": top.root, "side": side.root}
    library.convert(None, tmp_path / "lp", views=views, on_event=eye)
    ((table, was_written),) = shown
    assert [frames.n_filled for frames in table] == [2, 2]
    assert not was_written
    result = dlc2lp("convert", *(f"--view={name}={path}" for name, path in views.items()), tmp_path / "lp2")
    assert "cut from videos" in result.stderr
    assert "cut from videos" not in result.stdout


def test_a_dry_run_writes_nothing_and_a_second_run_only_looks(tmp_path):
    top, side = two_projects(tmp_path)
    views = {"top": top, "side": side}
    dry = convert(tmp_path / "lp", views, "--dry-run")
    assert dry.exit_code == 0, dry.stderr
    assert not (tmp_path / "lp").exists()
    assert convert(tmp_path / "lp", views).exit_code == 0
    plan = json.loads((tmp_path / "lp/.dlc2lp/plan.json").read_text())
    assert [step["id"] for step in plan["steps"]] == [step["id"] for step in dry.document["steps"]]
    before = snapshot(tmp_path / "lp")
    again = convert(tmp_path / "lp", views)
    assert again.exit_code == 0
    assert again.document["steps"]["done"] == []
    assert snapshot(tmp_path / "lp") == before


def edit(target, view):
    """Move a label of one view, as somebody in the app would."""
    path = target / f"CollectedData_{view}.csv"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    name, *cells = lines[3].rstrip("\n").split(",")
    lines[3] = ",".join([name, *("1.5" if cell else cell for cell in cells)]) + "\n"
    path.write_text("".join(lines), encoding="utf-8")
    return path.read_bytes()


def test_labels_of_one_view_and_new_ones_of_deeplabcut_come_together(tmp_path):
    top, side = two_projects(tmp_path)
    target = tmp_path / "lp"
    assert convert(target, {"top": top, "side": side}).exit_code == 0
    edit(target, "side")
    shutil.rmtree(top.root)
    top = build_project(top.root, sessions=("m1", "m2"), frames=(2, 4, 5, 9, 14))
    result = convert(target, {"top": top, "side": side})
    assert result.exit_code == 0, result.stdout
    assert "img00000004.png" in {name for _, name in expect_aligned(target, CAMERAS)}
    expect_labels(top, target, "top")
    first = next(iter(rows_of(target, "side").values()))
    assert {point[:2] for point in first.values()} == {(1.5, 1.5)}
    before = snapshot(target)
    again = convert(target, {"top": top, "side": side})
    assert (again.exit_code, again.document["steps"]["done"]) == (0, [])
    assert snapshot(target) == before
    assert dlc2lp("verify", target).exit_code == 0


def test_label_files_of_two_views_are_written_at_the_same_moment(tmp_path, monkeypatch):
    """Each has temporaries of its own, or one view would get the other's labels."""
    top, side = two_projects(tmp_path)
    target = tmp_path / "lp"
    assert convert(target, {"top": top, "side": side}).exit_code == 0
    for view in CAMERAS:
        edit(target, view)
    shutil.rmtree(top.root)
    top = build_project(top.root, sessions=("m1", "m2"), frames=(2, 4, 5, 9, 14))
    both = threading.Barrier(2)

    def meets(step, scratch):
        made = make_text(step, scratch)
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(5)
        return made

    monkeypatch.setattr(execute, "make_text", meets)
    assert convert(target, {"top": top, "side": side}, "--jobs", 2).exit_code == 0
    assert not both.broken
    assert "img00000004.png" in {name for _, name in expect_aligned(target, CAMERAS)}


def test_label_files_stay_together_where_one_cant_be_read(tmp_path):
    top, side = two_projects(tmp_path)
    target = tmp_path / "lp"
    assert convert(target, {"top": top, "side": side}).exit_code == 0
    before = (target / "CollectedData_top.csv").read_bytes()
    path = target / "CollectedData_side.csv"
    path.write_bytes(path.read_bytes() + b"labeled-data/m1_side/img00000002.png" + b"," * 12 + b"\n")
    edited = path.read_bytes()
    shutil.rmtree(top.root)
    top = build_project(top.root, sessions=("m1", "m2"), frames=(2, 4, 5, 9, 14))

    for _ in range(2):
        result = convert(target, {"top": top, "side": side})
        assert result.exit_code == 1
        assert result.finding("target-labels-twice")["subject"] == "CollectedData_side.csv"
        assert result.finding("target-edited")["subject"] == "CollectedData_side.csv"
        held = [each["subject"] for each in result.document["findings"] if each["code"] == "labels-held"]
        assert held == ["configs/default.yaml", "CollectedData_top.csv"]
        assert path.read_bytes() == edited
        assert (target / "CollectedData_top.csv").read_bytes() == before
        assert all((target / path).is_file() for view in CAMERAS for path in rows_of(target, view))
    assert convert(target, {"top": top, "side": side}, "--edited", "replace").exit_code == 0
    assert "img00000004.png" in {name for _, name in expect_aligned(target, CAMERAS)}


def test_labels_of_a_view_that_gets_another_name_are_not_left_without_their_images(tmp_path):
    top, side = two_projects(tmp_path)
    target = tmp_path / "lp"
    assert convert(target, {"top": top, "side": side}).exit_code == 0
    edited = edit(target, "side")
    for project in (top, side):  # "side" is a part of "bedside", so the view needs another name
        shutil.rmtree(project.root)
    top, side = (build_project(project.root, sessions=("m1", "bedside"), frames=(2, 5, 9)) for project in (top, side))

    for _ in range(2):
        result = convert(target, {"top": top, "side": side})
        assert result.exit_code == 1
        assert result.finding("target-edited")["subject"] == "CollectedData_side.csv"
        assert (target / "CollectedData_side.csv").read_bytes() == edited
        assert all((target / path).is_file() for path in rows_of(target, "side"))
    assert dlc2lp("verify", target, "--json").exit_code == 1
    (target / "CollectedData_side.csv").rename(tmp_path / "mine.csv")
    assert convert(target, {"top": top, "side": side}).exit_code == 0
    assert sorted(path.name for path in (target / "labeled-data").iterdir()) == [
        "bedside_top", "bedside_view-side", "m1_top", "m1_view-side",
    ]  # fmt: skip


def test_an_interrupted_run_is_finished_by_the_same_command(tmp_path):
    top, side = two_projects(tmp_path, video=Video(codec="mpeg4", suffix=".avi"))
    views = {"top": top, "side": side}
    assert convert(tmp_path / "whole", views, "--data-dir", "/data").exit_code == 0
    assert convert(tmp_path / "lp", views, "--data-dir", "/data").exit_code == 0
    (tmp_path / "lp/videos/m2_side.mp4").unlink()
    shutil.rmtree(tmp_path / "lp/labeled-data/m1_top")
    assert convert(tmp_path / "lp", views, "--data-dir", "/data").exit_code == 0
    for path in sorted((tmp_path / "whole").rglob("*")):
        # The page names its target.
        if path.is_file() and ".dlc2lp" not in path.parts and path.name != "migration-report.html":
            assert path.read_bytes() == (tmp_path / "lp" / path.relative_to(tmp_path / "whole")).read_bytes()


def test_what_cannot_be_shared_is_left_out_by_name_and_counted(tmp_path):
    top = build_project(tmp_path / "top", sessions=("m1",), frames=(2, 5, 9))
    side = build_project(tmp_path / "side", sessions=("m1",), frames=(2, 5, 11), video="none")
    result = convert(tmp_path / "lp", {"top": top, "side": side})
    assert result.exit_code == 1
    error = result.finding("frames-not-in-all-views")
    assert (error["severity"], error["subject"]) == ("error", "m1")
    assert "3 (top), 3 (side)" in error["message"] and "1 not in side" in error["message"]
    # Frame 11 is cut from the top camera's video, frame 9 can't be had of the side.
    assert [name for _, name in expect_aligned(tmp_path / "lp", CAMERAS)] == [f"img{k:08d}.png" for k in (2, 5, 11)]
    assert result.document["counts"]["labeled_frames"] == {"source": 6, "written": 5, "left_out": 1}
    assert result.document["counts"]["labeled_cells"] == {"source": 24, "written": 20, "left_out": 4}


def test_cameras_with_other_keypoints_get_all_of_them(tmp_path):
    top = build_project(tmp_path / "top", sessions=("m1",), frames=(2, 5), bodyparts=("nose", "back", "tail"))
    side = build_project(tmp_path / "side", sessions=("m1",), frames=(2, 5), bodyparts=("nose", "paw", "tail"))
    result = convert(tmp_path / "lp", {"top": top, "side": side})
    assert result.exit_code == 0, result.stderr
    for view in CAMERAS:
        rows = rows_of(tmp_path / "lp", view)
        assert all(list(points) == ["nose", "back", "paw", "tail"] for points in rows.values())
        missing = {"top": "paw", "side": "back"}[view]
        assert all(points[missing][2] == "0" for points in rows.values())
    expect_labels(top, tmp_path / "lp", "top")
    expect_labels(side, tmp_path / "lp", "side")


def test_cameras_that_list_their_keypoints_in_another_order_keep_each_label_at_its_keypoint(tmp_path):
    options = {"sessions": ("m1",), "frames": (2, 5), "video": "none"}
    top = build_project(tmp_path / "top", bodyparts=("nose", "back", "tail"), **options)
    side = build_project(tmp_path / "side", bodyparts=("tail", "nose", "back"), **options)
    assert convert(tmp_path / "lp", {"top": top, "side": side}).exit_code == 0
    for view, project in (("top", top), ("side", side)):
        assert all(list(points) == ["nose", "back", "tail"] for points in rows_of(tmp_path / "lp", view).values())
        expect_labels(project, tmp_path / "lp", view)


def test_videos_of_different_lengths_are_told(tmp_path):
    top = build_project(tmp_path / "top", sessions=("m1",), frames=(2, 5), n_frames=20)
    side = build_project(tmp_path / "side", sessions=("m1",), frames=(2, 5), n_frames=18)
    result = convert(tmp_path / "lp", {"top": top, "side": side})
    assert result.exit_code == 0, result.stderr
    warning = result.finding("view-videos-differ")
    assert "20 (top), 18 (side)" in warning["message"]


def test_a_crop_of_one_camera(tmp_path):
    top = build_project(tmp_path / "top", sessions=("m1",), frames=(2, 5, 9), size_px=(160, 128), crop=(9, 150, 0, 88))
    side = build_project(tmp_path / "side", sessions=("m1",), frames=(2, 5, 9, 11))
    result = convert(tmp_path / "lp", {"top": top, "side": side})
    assert result.exit_code == 0, result.stderr
    cut = cv2.imread(str(tmp_path / "lp/labeled-data/m1_top/img00000011.png"))
    assert cut.shape == (88, 141, 3)
    (video,) = [video for video in result.document["videos"] if video["view"] == "top"]
    assert video["crop"] == {"x_px": 9, "y_px": 0, "width_px": 141, "height_px": 88}


def test_sessions_may_carry_the_name_of_their_camera(tmp_path):
    top = build_project(tmp_path / "a", sessions=("m1_cam1", "m2_cam1"), frames=(2, 5))
    side = build_project(tmp_path / "b", sessions=("m1_cam2", "m2_cam2"), frames=(2, 5))
    result = convert(tmp_path / "lp", {"cam1": top, "cam2": side})
    assert result.exit_code == 0, result.stderr
    assert sorted(path.name for path in (tmp_path / "lp/videos").iterdir()) == [
        "m1_cam1.mp4", "m1_cam2.mp4", "m2_cam1.mp4", "m2_cam2.mp4",
    ]  # fmt: skip


def test_recordings_that_nothing_joins_are_asked_for(tmp_path):
    top = build_project(tmp_path / "a", sessions=("day1", "day2"), frames=(2, 5))
    side = build_project(tmp_path / "b", sessions=("mon", "tue"), frames=(2, 5))
    result = convert(tmp_path / "lp", {"top": top, "side": side})
    assert result.exit_code == 3
    error = result.finding("no-common-session")
    assert "day1" in error["message"] and "mon" in error["message"]
    assert not (tmp_path / "lp").exists()


def test_names_that_lightning_pose_would_mistake_are_changed(tmp_path):
    top = build_project(tmp_path / "a", sessions=("m1",), frames=(2, 5))
    side = build_project(tmp_path / "b", sessions=("m1",), frames=(2, 5))
    result = convert(tmp_path / "lp", {"cam": top, "cam_1": side})
    assert result.exit_code == 0, result.stderr
    assert "view-renamed" in result.codes
    views = result.document["views"]
    assert len(set(views)) == 2
    assert not any("_" in view for view in views)
    assert not any(one != other and one in other for one in views for other in views)
    expect_aligned(tmp_path / "lp", views)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--view", "top={a}", "{lp}"),
        ("--view", "top={a}", "--view", "side={b}", "{a}", "{lp}"),
        ("--view", "top", "--view", "side={b}", "{lp}"),
        ("--view", "top={a}", "--view", "top={b}", "{lp}"),
        ("--view", "top={a}", "--view", "side={b}", "--merge", "{a}", "{lp}"),
        ("--view", "top={a}", "--view", "side={b}", "--individuals", "split", "{lp}"),
        ("{a}", "{lp}", "--view-pattern", "{{session}}"),
    ],
)
def test_wrong_usage(tmp_path, arguments):
    for name in "ab":
        build_project(tmp_path / name, sessions=("m1",), frames=(2, 5), video="none")
    places = {"a": tmp_path / "a", "b": tmp_path / "b", "lp": tmp_path / "lp"}
    result = dlc2lp("convert", *(argument.format(**places) for argument in arguments))
    assert result.exit_code == 2, result.stderr
    assert not (tmp_path / "lp").exists()


# ------------------------------------------------------------------------------------------- one project for all


@pytest.mark.parametrize(
    ("pattern", "name"),
    [("{session}_{view}", "{}_{}"), ("{session}-{view:left|mid|top}", "{}-{}"), ("{view}_{session}", "{1}_{0}")],
)
def test_one_project_with_three_cameras(tmp_path, pattern, name):
    views = ("left", "mid", "top")
    names = [name.format(session, view) for session in ("a1", "b1") for view in views]
    project = build_project(tmp_path / "dlc", sessions=names, frames=(2, 5, 9))
    inspected = dlc2lp("inspect", project.root, "--view-pattern", pattern)
    assert inspected.exit_code == 0, inspected.stderr
    assert "cut from videos" in inspected.stdout
    before = snapshot(project.root)
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--view-pattern", pattern, "--json")
    assert result.exit_code == 0, result.stderr
    assert snapshot(project.root) == before
    assert result.document["views"] == list(views)
    assert len(expect_aligned(tmp_path / "lp", views)) == 6
    assert result.document["counts"]["labeled_cells"]["written"] == len(project.labels)
    assert result.document["counts"]["labeled_cells"]["left_out"] == 0
    assert dlc2lp("verify", tmp_path / "lp").exit_code == 0


def test_a_folder_that_the_pattern_does_not_fit_is_counted(tmp_path):
    project = build_project(tmp_path / "dlc", sessions=("a_top", "a_side", "extra"), frames=(2, 5))
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--view-pattern", "{session}_{view}", "--json")
    assert result.exit_code == 1
    error = result.finding("folder-of-no-view")
    assert error["subject"] == "extra" and "2 labeled frames" in error["message"]
    assert result.document["counts"]["labeled_frames"] == {"source": 6, "written": 4, "left_out": 2}
    assert "video-of-no-view" in result.codes


def test_a_pattern_that_can_be_read_in_two_ways_is_not_guessed(tmp_path):
    names = [f"m1-{day}-{view}" for day in ("d1", "d2") for view in ("top", "low")]
    project = build_project(tmp_path / "dlc", sessions=names, frames=(2,))
    result = dlc2lp("inspect", project.root, "--view-pattern", "{session}-{view}", "--json")
    assert result.exit_code == 0 or "view-pattern-ambiguous" in result.codes
    for command in (("inspect", project.root), ("convert", project.root, tmp_path / "lp")):
        result = dlc2lp(*command, "--view-pattern", "{session}+{view}", "--json")
        assert result.exit_code == 3
        assert "view-pattern-fits-nothing" in result.codes


def test_held_out_and_queued_frames_are_aligned_too(tmp_path):
    top = build_project(tmp_path / "top", sessions=("m1",), frames=(2, 5, 9), unlabeled=(12, 15))
    side = build_project(tmp_path / "side", sessions=("m1",), frames=(2, 5, 9), unlabeled=(12,))
    result = convert(tmp_path / "lp", {"top": top, "side": side})
    assert result.exit_code == 0, result.stderr
    queues = []
    for view in CAMERAS:
        lines = (tmp_path / f"lp/CollectedData_{view}.unlabeled.jsonl").read_text().splitlines()
        paths = [json.loads(line)["frame_path"] for line in lines]
        assert all((tmp_path / "lp" / path).is_file() for path in paths)
        queues.append([path.rsplit("/", 1)[1] for path in paths])
    assert queues[0] == queues[1] == ["img00000012.png", "img00000015.png"]


# --------------------------------------------------------------------------------------------------- calibrations


def triangulated(cameras, pixels):
    """Points of space by OpenCV's own triangulation, from their pixels in both images and a calibration's tables."""
    seen, projections = [], []
    for number, points in enumerate(pixels):
        camera = cameras[f"cam_{number}"]
        matrix, distortions = np.array(camera["matrix"]), np.array(camera["distortions"])
        seen.append(cv2.undistortPoints(points.reshape(-1, 1, 2), matrix, distortions).reshape(-1, 2).T)
        rotation = cv2.Rodrigues(np.array(camera["rotation"]))[0]
        projections.append(np.column_stack([rotation, camera["translation"]]))
    found = cv2.triangulatePoints(*projections, *seen)
    return (found[:3] / found[3]).T


def test_a_3d_project_names_its_cameras_and_their_calibration(tmp_path):
    folder, projects = rig.build_3d_project(tmp_path)
    asked = dlc2lp("convert", folder, tmp_path / "lp", "--json")
    assert asked.exit_code == 3
    question = asked.finding("square-size-unknown")
    assert "--square-size" in question["hint"]
    assert not (tmp_path / "lp").exists()
    result = dlc2lp("convert", folder, tmp_path / "lp", "--square-size", "2.5", "--json")
    assert result.exit_code == 0, result.stderr
    assert result.document["views"] == ["camera-1", "camera-2"]
    expect_aligned(tmp_path / "lp", ("camera-1", "camera-2"))
    for name, project in projects.items():
        expect_labels(project, tmp_path / "lp", name)
    cameras = tomllib.loads((tmp_path / "lp/calibration.toml").read_text())
    assert [cameras[f"cam_{k}"]["name"] for k in (0, 1)] == ["camera-1", "camera-2"]
    # OpenCV's own triangulation with the calibration that was written finds the board's corners, in millimetres.
    corners = np.array([[x, 0.0, 15.0] for x in range(-3, 4)])  # in squares, before the first camera
    found_mm = triangulated(cameras, [rig.project(corners, camera) for camera in (0, 1)])
    assert np.allclose(found_mm, 2.5 * corners, atol=0.15)
    assert np.allclose(np.linalg.norm(np.diff(found_mm, axis=0), axis=1), 2.5, atol=0.03)


def test_a_lab_s_own_calibration_is_taken_over(tmp_path):
    top, side = two_projects(tmp_path)
    rig.write_anipose(tmp_path / "cal/calibration.toml", ("Side", "TOP"), (128, 96))
    result = convert(tmp_path / "lp", {"top": top, "side": side}, "--calibration", tmp_path / "cal/calibration.toml")
    assert result.exit_code == 0, result.stderr
    cameras = tomllib.loads((tmp_path / "lp/calibration.toml").read_text())
    assert [cameras[f"cam_{k}"]["name"] for k in (0, 1)] == ["top", "side"]
    assert cameras["cam_1"]["translation"] == [0.0, 0.0, 0.0]
    config = yaml.safe_load((tmp_path / "lp/configs/default.yaml").read_text())
    assert config["training"]["imgaug_3d"] is True


def test_each_recording_may_have_its_own_calibration(tmp_path):
    top, side = two_projects(tmp_path)
    for number, session in enumerate(("m1", "m2")):
        path = rig.write_anipose(top.root / f"calibrations/{session}.toml", CAMERAS, (128, 96))
        path.write_text(path.read_text().replace("translation = [10.0", f"translation = [1{number}.0"))
    result = convert(tmp_path / "lp", {"top": top, "side": side})
    assert result.exit_code == 0, result.stderr
    found = {path.stem: tomllib.loads(path.read_text()) for path in (tmp_path / "lp/calibrations").iterdir()}
    assert {name: each["cam_1"]["translation"][0] for name, each in found.items()} == {"m1": 10.0, "m2": 11.0}
    (top.root / "calibrations/m2.toml").unlink()
    result = convert(tmp_path / "lp2", {"top": top, "side": side})
    assert "calibration-partial" in result.codes
    assert not (tmp_path / "lp2/calibrations").exists()


def test_what_lightning_pose_cannot_augment_in_space_is_not_asked_of_it(tmp_path):
    """Three cameras, one of which has too few keypoints in some frame: its training would end there."""
    names = [f"a_{view}" for view in ("left", "mid", "top")]
    project = build_project(tmp_path / "dlc", sessions=names, frames=(2, 5, 9))
    rig.write_anipose(project.root / "calibration.toml", ("left", "mid", "top"), (128, 96))

    def training(target, source):
        pattern = ("--view-pattern", "{session}_{view}")
        assert dlc2lp("convert", source, target, *pattern).exit_code == 0
        return yaml.safe_load((target / "configs/default.yaml").read_text())["training"]

    whole = training(tmp_path / "lp", project.root)
    assert (whole["imgaug"], whole["imgaug_3d"]) == ("dlc", True)
    labels = lambda key, point: None if key[:2] == ("a_mid", "img05.png") and key[2] != "nose" else point  # noqa: E731
    hidden = build_project(tmp_path / "dlc2", sessions=names, frames=(2, 5, 9), labels=labels)
    shutil.copy(project.root / "calibration.toml", hidden.root / "calibration.toml")
    some = training(tmp_path / "lp2", hidden.root)
    assert (some["imgaug"], some["imgaug_3d"]) == ("default", False)


def test_a_crop_moves_the_principal_point(tmp_path):
    top = build_project(tmp_path / "top", sessions=("m1",), frames=(2, 5, 9), size_px=(160, 128), crop=(9, 150, 4, 88))
    side = build_project(tmp_path / "side", sessions=("m1",), frames=(2, 5, 9), size_px=(160, 128))
    rig.write_anipose(tmp_path / "calibration.toml", CAMERAS, (160, 128))
    result = convert(tmp_path / "lp", {"top": top, "side": side}, "--calibration", tmp_path / "calibration.toml")
    assert result.exit_code == 0, result.stderr
    cameras = tomllib.loads((tmp_path / "lp/calibration.toml").read_text())
    assert (cameras["cam_0"]["matrix"][0][2], cameras["cam_0"]["matrix"][1][2]) == (80.0 - 9, 64.0 - 4)
    assert cameras["cam_0"]["size"] == [141, 84]
    assert (cameras["cam_1"]["matrix"][0][2], cameras["cam_1"]["matrix"][1][2]) == (80.0, 64.0)


def test_a_calibration_of_other_images_is_an_error(tmp_path):
    top, side = two_projects(tmp_path)
    rig.write_anipose(tmp_path / "calibration.toml", CAMERAS, (640, 480))
    result = convert(tmp_path / "lp", {"top": top, "side": side}, "--calibration", tmp_path / "calibration.toml")
    assert result.exit_code == 1
    assert "640x480" in result.finding("calibration-size")["message"]
    assert not (tmp_path / "lp/calibration.toml").exists()


def test_from_python(tmp_path):
    top, side = two_projects(tmp_path)
    came = library.convert(None, tmp_path / "lp", views={"top": top.root, "side": side.root})
    assert came.exit_code == 0
    assert came.plan.views == ("top", "side")
    seen = library.inspect(None, views={"top": top.root, "side": side.root})
    assert seen.exit_code == 0
    assert seen.plan is not None and seen.plan.view_frames == came.plan.view_frames
