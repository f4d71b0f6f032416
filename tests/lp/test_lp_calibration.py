"""Calibration files: exact as text, and they triangulate what DeepLabCut's calibration triangulates."""

from __future__ import annotations

import dataclasses
import math
import tomllib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rig import ROTATION, TRANSLATION, calibrated, project, write_calibration

from dlc2lp.dlc.cameras import in_millimetres, read_calibration
from dlc2lp.lp.calibration import calibration_files, level_lenses, render_calibration
from dlc2lp.lp.calibration_reading import parse_calibration
from dlc2lp.lp.view_cameras import cameras_of_views, fit_to_images, turned
from dlc2lp.model import Camera, Finding

SQUARE_MM = 24.5


def camera(name: str = "top", **changes: Any) -> Camera:
    matrix = ((500.5, 0.0, 320.25), (0.0, 499.5, 240.75), (0.0, 0.0, 1.0))
    made = Camera(name, (640, 480), matrix, (0.1, -0.2, 0.0, 0.001, 0.03), (0.1, 0.2, 0.3), (1.0, 2.0, 3.0))
    return dataclasses.replace(made, **changes)


# --- geometry -------------------------------------------------------------------------------------------------------


def points_in_squares() -> np.ndarray:
    """Points of space that both cameras of the rig see."""
    return np.random.default_rng(8).uniform((-1.5, -2, 12), (1.5, 2, 18), (200, 3))


def toml_cameras(folder: Path, square_mm: float = SQUARE_MM) -> list[dict[str, np.ndarray]]:
    """What a program finds that loads the file written from DeepLabCut's pickles."""
    write_calibration(folder, calibrated())
    cameras = in_millimetres(read_calibration(folder, ("camera-1", "camera-2")).cameras, square_mm)
    loaded = tomllib.loads(render_calibration(cameras))
    assert list(loaded) == ["cam_0", "cam_1", "metadata"]
    return [
        {key: np.array(loaded[table][key]) for key in ("matrix", "distortions", "rotation", "translation")}
        for table in ("cam_0", "cam_1")
    ]


def triangulate(cameras: list[dict[str, np.ndarray]], pixels: list[np.ndarray]) -> np.ndarray:
    """Points (N, 3) from pixels (N, 2) of each camera, by the linear method, written out."""
    rays = [
        cv2.undistortPoints(seen.reshape(-1, 1, 2), each["matrix"], each["distortions"]).reshape(-1, 2)
        for each, seen in zip(cameras, pixels, strict=True)
    ]
    poses = [np.c_[cv2.Rodrigues(each["rotation"])[0], each["translation"]] for each in cameras]
    found = []
    for n in range(len(pixels[0])):
        rows = [ray[n][axis] * pose[2] - pose[axis] for ray, pose in zip(rays, poses, strict=True) for axis in (0, 1)]
        point = np.linalg.svd(np.array(rows))[2][-1]
        found.append(point[:3] / point[3])
    return np.array(found)


def test_known_points_are_found_in_millimetres_and_reproject(tmp_path: Path) -> None:
    points = points_in_squares()
    pixels = [project(points, view) for view in (0, 1)]
    cameras = toml_cameras(tmp_path)
    found = triangulate(cameras, pixels)
    errors_mm = np.linalg.norm(found - points * SQUARE_MM, axis=1)
    assert errors_mm.max() < 1.0  # some 370 mm away; the board's corners were found to 0.05 px
    for each, seen in zip(cameras, pixels, strict=True):
        again, _ = cv2.projectPoints(found, each["rotation"], each["translation"], each["matrix"], each["distortions"])
        reprojection_px = np.linalg.norm(again.reshape(-1, 2) - seen, axis=1)
        assert reprojection_px.max() < 0.05


def test_opencv_triangulates_the_same(tmp_path: Path) -> None:
    pixels = [project(points_in_squares(), view) for view in (0, 1)]
    cameras = toml_cameras(tmp_path)
    rays = [
        cv2.undistortPoints(seen.reshape(-1, 1, 2), each["matrix"], each["distortions"]).reshape(-1, 2).T
        for each, seen in zip(cameras, pixels, strict=True)
    ]
    poses = [np.c_[cv2.Rodrigues(each["rotation"])[0], each["translation"]] for each in cameras]
    homogeneous = cv2.triangulatePoints(*poses, *rays)
    assert triangulate(cameras, pixels) == pytest.approx((homogeneous[:3] / homogeneous[3]).T, rel=1e-6, abs=1e-4)


def test_deeplabcut_triangulates_the_same(tmp_path: Path) -> None:
    """DeepLabCut's own way (``triangulate``): rectified pixels and P1, P2; its frame is camera 1's, turned by R1."""
    pixels = [project(points_in_squares(), view) for view in (0, 1)]
    entry = calibrated().stereo["camera-1-camera-2"]
    rectified = [
        cv2.undistortPoints(
            seen.reshape(-1, 1, 2),
            entry[f"cameraMatrix{n}"],
            entry[f"distCoeffs{n}"],
            P=entry[f"P{n}"],
            R=entry[f"R{n}"],
        )
        for n, seen in enumerate(pixels, start=1)
    ]
    homogeneous = cv2.triangulatePoints(entry["P1"], entry["P2"], *(each.reshape(-1, 2).T for each in rectified))
    in_squares = (homogeneous[:3] / homogeneous[3]).T @ entry["R1"]
    assert triangulate(toml_cameras(tmp_path), pixels) / SQUARE_MM == pytest.approx(in_squares, abs=0.02)


def test_the_size_of_a_square_scales_everything(tmp_path: Path) -> None:
    pixels = [project(points_in_squares(), view) for view in (0, 1)]
    one, many = (triangulate(toml_cameras(tmp_path, side), pixels) for side in (1.0, 30.0))
    assert many == pytest.approx(one * 30, rel=1e-6)
    # the cameras' own distance, as it was measured in squares
    assert np.linalg.norm(toml_cameras(tmp_path, 30.0)[1]["translation"]) == pytest.approx(
        30 * np.linalg.norm(TRANSLATION), rel=0.01
    )
    turn = cv2.Rodrigues(toml_cameras(tmp_path)[1]["rotation"])[0]
    assert turn == pytest.approx(ROTATION, abs=0.01)


def test_cutting_a_region_out_moves_pixels_and_no_point(tmp_path: Path) -> None:
    pixels = [project(points_in_squares(), view) for view in (0, 1)]
    write_calibration(tmp_path, calibrated())
    cameras = in_millimetres(read_calibration(tmp_path, ("camera-1", "camera-2")).cameras, 1.0)
    cut = fit_to_images(cameras[1], (400, 300), offset_px=(100, 50), full_px=(640, 480))
    assert isinstance(cut, Camera)
    assert cut.size_px == (400, 300)
    loaded = tomllib.loads(render_calibration([cameras[0], cut]))
    fields = [
        {key: np.array(loaded[table][key]) for key in ("matrix", "distortions", "rotation", "translation")}
        for table in ("cam_0", "cam_1")
    ]
    whole = toml_cameras(tmp_path, 1.0)
    assert triangulate(fields, [pixels[0], pixels[1] - (100, 50)]) == pytest.approx(
        triangulate(whole, pixels), abs=1e-6
    )


# --- text -----------------------------------------------------------------------------------------------------------

_number = st.floats(allow_nan=False, allow_infinity=False)
_vectors = st.tuples(_number, _number, _number)
_focal = st.floats(1e-300, 1e300)


@st.composite
def cameras(draw: st.DrawFn) -> list[Camera]:
    names = draw(st.lists(st.text(min_size=1).filter(str.strip), min_size=1, max_size=12, unique=True))
    n_distortions = draw(st.sampled_from([4, 5, 8, 12, 14]))
    return [
        Camera(
            name,
            (draw(st.integers(1, 10**5)), draw(st.integers(1, 10**5))),
            (
                (draw(_focal), draw(_number), draw(_number)),
                (0.0, draw(_focal), draw(_number)),
                (0.0, 0.0, 1.0),
            ),
            tuple(draw(st.lists(_number, min_size=n_distortions, max_size=n_distortions))),
            draw(_vectors),
            draw(_vectors),
        )
        for name in names
    ]


@given(cameras())
def test_every_digit_and_name_survives(made: list[Camera]) -> None:
    parsed = parse_calibration(render_calibration(made), "x.toml")
    assert parsed.findings == ()
    assert list(parsed.cameras) == made


def test_more_than_ten_cameras_keep_their_order() -> None:
    made = [camera(f"v{number}") for number in range(23)]
    loaded = tomllib.loads(render_calibration(made))
    assert [loaded[key]["name"] for key in sorted(loaded) if key != "metadata"] == [each.name for each in made]


def test_fewer_coefficients_are_filled_up_with_zeros() -> None:
    text = render_calibration([camera(), camera("side", distortions=(0.1, 0.2, 0.3, 0.4))])
    assert tomllib.loads(text)["cam_1"]["distortions"] == [0.1, 0.2, 0.3, 0.4, 0.0]


@pytest.mark.parametrize(
    "bad",
    [
        camera(size_px=None),
        camera(translation=(math.nan, 0.0, 0.0)),
        camera(distortions=(0.0, math.inf, 0.0, 0.0)),
    ],
)
def test_what_is_no_camera_is_not_written(bad: Camera) -> None:
    with pytest.raises(ValueError, match=r"unknown|finite"):
        render_calibration([bad])
    with pytest.raises(ValueError, match="fisheye"):
        render_calibration([camera(), camera("side", distortions=(0.0,) * 4, is_fisheye=True)])


ANIPOSE = """\
[cam_0]
name = "A"
size = [ 640, 480,]
matrix = [ [ 500, 0, 320.0,], [ 0.0, 500.0, 240.0,], [ 0.0, 0.0, 1.0,],]
distortions = [ [ -0.1, 0.0, 0.0, 0.0, 0.0,],]
rotation = [ 0.1, 0.0, 0.0,]
translation = [ 1.0, 2, 3.0,]

[cam_10]
name = 10
size = [ 640.0, 480.0,]
matrix = [ [ 500.0, 0.0, 320.0,], [ 0.0, 500.0, 240.0,], [ 0.0, 0.0, 1.0,],]
distortions = [ 0.1, 0.0, 0.0, 0.0,]
rotation = [ 0.2, 0.0, 0.0,]
translation = [ 4.0, 5.0, 6.0,]
fisheye = true

[cam_2]
name = "C"
matrix = [ [ 500.0, 0.0, 320.0,], [ 0.0, 500.0, 240.0,], [ 0.0, 0.0, 1.0,],]
distortions = [ 0.2, 0.0, 0.0, 0.0, 0.0,]
rotation = [ 0.3, 0.0, 0.0,]
translation = [ 7.0, 8.0, 9.0,]
size = "unknown"

[metadata]
adjusted = true
error = 1.25
cameras = ["A", "B"]
"""


def test_an_anipose_file() -> None:
    parsed = parse_calibration("\ufeff" + ANIPOSE, "calibration.toml")
    assert parsed.findings == ()
    assert [each.name for each in parsed.cameras] == ["A", "10", "C"]  # as aniposelib takes them
    first, second, third = parsed.cameras
    assert first.matrix == ((500.0, 0.0, 320.0), (0.0, 500.0, 240.0), (0.0, 0.0, 1.0))
    assert first.distortions == (-0.1, 0.0, 0.0, 0.0, 0.0)
    assert first.translation == (1.0, 2.0, 3.0)
    assert (first.is_fisheye, second.is_fisheye) == (False, True)
    assert [each.size_px for each in parsed.cameras] == [(640, 480), (640, 480), None]
    assert third.rotation == (0.3, 0.0, 0.0)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "A"', "", "found no name"),
        ('name = "A"', 'name = " "', "the name ' '"),
        ('name = "A"', 'name = "C"', "camera C more than once"),
        ("matrix = [ [ 500, 0, 320.0,], ", "matrix = [ ", "three rows"),
        ("[ [ 500, 0, 320.0,], ", "[ [ 500, 0], ", "2 numbers in matrix"),
        ("[ [ 500, 0, 320.0,], ", "[ [ -500, 0, 320.0,], ", "expected [[f, s, c]"),
        ("[ 500, 0, 320.0,]", '[ "500", 0, 320.0,]', "'500' in matrix"),
        ("rotation = [ 0.1, 0.0, 0.0,]", "rotation = [ [ 1, 0, 0], [0, 1, 0], [0, 0, 1]]", "9 numbers in rotation"),
        ("rotation = [ 0.1, 0.0, 0.0,]", "", "no rotation"),
        ("translation = [ 1.0, 2, 3.0,]", "translation = [ 1.0, nan, 3.0,]", "nan in translation"),
        ("distortions = [ [ -0.1, 0.0, 0.0, 0.0, 0.0,],]", "distortions = [ 0.1, 0.2 ]", "2 distortions"),
        ("distortions = [ 0.1, 0.0, 0.0, 0.0,]", "distortions = [ 0.1, 0.0, 0.0, 0.0, 0.0 ]", "5 distortions"),
        ("[cam_0]", "cam = 3\n[cam_0]", "found 3, expected a table"),
        ("[cam_0]", "[cam_0", "expected TOML"),
    ],
)
def test_what_is_no_calibration_is_told(old: str, new: str, said: str) -> None:
    assert old in ANIPOSE
    parsed = parse_calibration(ANIPOSE.replace(old, new, 1), "x.toml")
    assert parsed.cameras == ()
    (finding,) = parsed.findings
    assert (finding.code, finding.subject) == ("calibration-unreadable", "x.toml")
    assert said in finding.message
    assert finding.hint


def test_an_empty_file_is_none() -> None:
    for text in ("", "[metadata]\nerror = 1.0\n", "a = " + "[" * 3000, "a = " + "9" * 5000):
        assert [finding.code for finding in parse_calibration(text, "x").findings] == ["calibration-unreadable"]


# --- cameras and views ----------------------------------------------------------------------------------------------


def names_of(cameras: list[str], views: dict[str, tuple[str, ...]]) -> tuple[list[tuple[str, float]], list[str]]:
    """Which camera each view gets: cameras are told apart by the first number of their translation."""
    made = [camera(name, translation=(float(n), 0.0, 0.0)) for n, name in enumerate(cameras)]
    found, findings = cameras_of_views(made, views, "x.toml")
    return [(each.name, each.translation[0]) for each in found], [finding.code for finding in findings]


def test_cameras_are_found_by_their_names() -> None:
    assert names_of(["side", "top"], {"top": (), "side": ()}) == ([("top", 1.0), ("side", 0.0)], [])
    assert names_of(["Cam_1", "cam 2"], {"cam-1": (), "cam-2": ()}) == ([("cam-1", 0.0), ("cam-2", 1.0)], [])
    # a view that was renamed goes by its old name too
    assert names_of(["A", "B"], {"view-A": ("A",), "view-B": ("B",)})[0] == [("view-A", 0.0), ("view-B", 1.0)]
    # the very name goes before one that is like it
    assert names_of(["CAM1", "cam1"], {"cam1": (), "CAM1": ()})[0] == [("cam1", 1.0), ("CAM1", 0.0)]
    # a rig may have more cameras than the project has views
    assert names_of(["a", "b", "c"], {"c": (), "a": ()}) == ([("c", 2.0), ("a", 0.0)], ["calibration-other-cameras"])


@pytest.mark.parametrize(
    ("cameras", "views"),
    [
        (["left", "right"], {"top": (), "side": ()}),  # never by their order
        (["top"], {"top": (), "side": ()}),
        (["cam_1", "cam-1", "x"], {"cam1": (), "x": ()}),
        (["a", "b"], {"a": (), "z": ("a",)}),
        ([], {"a": (), "b": ()}),
    ],
)
def test_unclear_cameras_are_not_guessed(cameras: list[str], views: dict[str, tuple[str, ...]]) -> None:
    assert names_of(cameras, views) == ([], ["calibration-views"])


def test_images_of_another_size() -> None:
    assert fit_to_images(camera(), (640, 480)) == camera()
    assert fit_to_images(camera(size_px=None), (640, 480)) == camera()
    assert fit_to_images(camera(size_px=(200, 100)), (200, 100), offset_px=(9, 9), full_px=(640, 480)) == camera(
        size_px=(200, 100)
    )
    problem = fit_to_images(camera(), (320, 240))
    assert isinstance(problem, Finding)
    assert problem.code == "calibration-size"
    assert "640x480" in problem.message
    assert "320x240" in problem.message


def test_one_file_for_all_or_one_for_each_or_none() -> None:
    assert calibration_files({"a": "X", "b": "X"}) == ({"calibration.toml": "X"}, [])
    assert calibration_files({"a": "X", "b": "Y"}) == ({"calibrations/a.toml": "X", "calibrations/b.toml": "Y"}, [])
    assert calibration_files({"a": None, "b": None}) == ({}, [])
    assert calibration_files({}) == ({}, [])
    files, (finding,) = calibration_files({"a": "X", "b": None, "c": "X"})
    assert files == {}
    assert finding.code == "calibration-partial"
    assert "1 of 3 sessions (b)" in finding.message


# --- turned images --------------------------------------------------------------------------------------------------


def pixels_of(seen: Camera, points: np.ndarray) -> np.ndarray:
    """What OpenCV makes of points of space (N, 3): pixels (N, 2)."""
    if seen.is_fisheye:
        rotation, translation = np.array(seen.rotation), np.array(seen.translation)
        matrix, skew = np.array(seen.matrix), seen.matrix[0][1] / seen.matrix[0][0]
        pixels, _ = cv2.fisheye.projectPoints(
            points.reshape(1, -1, 3), rotation, translation, matrix, np.array(seen.distortions), alpha=skew
        )
        return pixels.reshape(-1, 2)
    # projectPoints has no skew; the tests of skew use the matrix by itself.
    pixels, _ = cv2.projectPoints(
        points, np.array(seen.rotation), np.array(seen.translation), np.eye(3), np.array(seen.distortions)
    )
    straight = np.column_stack([pixels.reshape(-1, 2), np.ones(len(points))])
    return (straight @ np.array(seen.matrix).T)[:, :2]


def turn_pixels(pixels: np.ndarray, turn_deg: int, size_px: tuple[int, int]) -> np.ndarray:
    """Where np.rot90 brings pixels: the last is at width - 1."""
    (width, height), (x, y) = size_px, pixels.T
    corners = {0: (x, y), 90: (height - 1 - y, x), 180: (width - 1 - x, height - 1 - y), 270: (y, width - 1 - x)}
    return np.column_stack(corners[turn_deg])


def test_pixels_turn_as_pictures_do() -> None:
    picture = np.arange(12).reshape(3, 4)
    for turn_deg in (0, 90, 180, 270):
        after = np.rot90(picture, -turn_deg // 90)
        for y, x in np.ndindex(picture.shape):
            ((new_x, new_y),) = turn_pixels(np.array([[x, y]]), turn_deg, (4, 3))
            assert after[new_y, new_x] == picture[y, x]


_part = st.floats(-0.2, 0.2)


@given(
    st.sampled_from([90, 180, 270]),
    st.sampled_from([4, 5, 8, 12, 14]),
    st.lists(_part, min_size=14, max_size=14),
    st.tuples(*[st.floats(-3.0, 3.0)] * 3),
    st.booleans(),
)
def test_a_turned_camera_projects_to_turned_pixels(
    turn_deg: int, n: int, numbers: list[float], rotation: tuple[float, float, float], is_fisheye: bool
) -> None:
    bent = tuple(0.2 * number for number in numbers[: 4 if is_fisheye else n])
    if turn_deg != 180:
        bent = (*bent[:12], *(0.0 for _ in bent[12:]))
    upright = camera(rotation=rotation, translation=(0.3, -0.2, 0.5), distortions=bent, is_fisheye=is_fisheye)
    result = turned(upright, turn_deg, (640, 480))
    assert isinstance(result, Camera)
    assert result.size_px == ((640, 480) if turn_deg == 180 else (480, 640))
    before = np.random.default_rng(3).uniform((-0.5, -0.5, 2), (0.5, 0.5, 4), (20, 3))  # before the camera
    in_space = (before - np.array(upright.translation)) @ cv2.Rodrigues(np.array(rotation))[0]
    expected = turn_pixels(pixels_of(upright, in_space), turn_deg, (640, 480))
    assert pixels_of(result, in_space) == pytest.approx(expected, abs=1e-6)
    assert math.hypot(*result.rotation) <= math.pi + 1e-12


def test_skew_survives_a_half_turn_and_no_quarter() -> None:
    upright = camera(matrix=((500.0, 2.5, 320.0), (0.0, 480.0, 240.0), (0.0, 0.0, 1.0)), distortions=(0.0,) * 5)
    points = np.random.default_rng(3).uniform((-2, -2, 6), (2, 2, 9), (20, 3))
    result = turned(upright, 180, (640, 480))
    assert isinstance(result, Camera)
    expected = turn_pixels(pixels_of(upright, points), 180, (640, 480))
    assert pixels_of(result, points) == pytest.approx(expected, abs=1e-9)
    tilted = camera(distortions=(0.0,) * 12 + (0.01, 0.0))
    for each in (upright, tilted):
        told = turned(each, 90, (640, 480))
        assert isinstance(told, Finding)
        assert told.code == "calibration-turned"
    assert turned(upright, 0, (640, 480)) == upright


# --- lenses ---------------------------------------------------------------------------------------------------------


def test_fisheye_beside_other_lenses() -> None:
    wide = camera("wide", distortions=(0.1, 0.0, 0.0, 0.0), is_fisheye=True)
    plain = camera("plain", distortions=(0.1, -0.2, 0.0, 0.001, 0.0))
    level = level_lenses((wide, plain), "rig.toml")
    assert not isinstance(level, Finding)
    assert [each.distortions for each in level] == [wide.distortions, plain.distortions[:4]]
    loaded = tomllib.loads(render_calibration(level))
    assert [len(loaded[key]["distortions"]) for key in ("cam_0", "cam_1")] == [4, 4]
    told = level_lenses((wide, camera("bent")), "rig.toml")
    assert isinstance(told, Finding)
    assert (told.code, told.subject) == ("calibration-lenses", "rig.toml")
    assert "wide 4" in told.message
    assert "bent 5" in told.message
    assert level_lenses((camera("a"), camera("b", distortions=(0.1,) * 8)), "rig.toml")  # told by nobody: zeros fill up
