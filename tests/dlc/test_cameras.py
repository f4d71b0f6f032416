"""Stereo calibrations as DeepLabCut pickles them: read without running a pickle, exact, and told where damaged."""

from __future__ import annotations

import copy
import math
import pickle
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rig import DISTORTIONS, MATRICES, ROTATION, SIZE, TRANSLATION, calibrated, write_calibration, write_pickle

from dlc2lp.dlc.cameras import DlcCalibration, in_millimetres, read_calibration
from dlc2lp.dlc.opencv import rotation_vector
from dlc2lp.model import Severity

NAMES = ("camera-1", "camera-2")
FIXTURES = Path(__file__).parents[2] / "fixtures" / "hdf"


def read(root: Path, stereo: object, names: tuple[str, ...] = NAMES) -> DlcCalibration:
    write_pickle(root / "camera_matrix" / "stereo_params.pickle", stereo)
    return read_calibration(root, names)


def stereo(**changes: Any) -> dict[str, Any]:
    entry = {**copy.deepcopy(calibrated().stereo["camera-1-camera-2"]), **changes}
    return {"camera-1-camera-2": {key: value for key, value in entry.items() if value is not ...}}


def code_and_words(calibration: DlcCalibration) -> tuple[str, str]:
    assert calibration.cameras == ()
    (finding,) = calibration.findings
    assert finding.subject == str(calibration.path)
    assert finding.hint
    return finding.code, f"{finding.where}: {finding.message}"


# --- Rodrigues ------------------------------------------------------------------------------------------------------

_unit = st.floats(-1, 1)


@given(st.tuples(_unit, _unit, _unit), st.floats(0, math.pi), st.sampled_from([1.0, 1e-4, 1e-9, 1e-14]), st.booleans())
@example((0.0, 0.0, 1.0), 1e-6, 1.0, True)
def test_rotation_vectors_are_those_of_opencv(
    axis: tuple[float, float, float], angle: float, scale: float, near_pi: bool
) -> None:
    length = math.hypot(*axis)
    if length < 1e-3:
        axis, length = (0.0, 0.0, 1.0), 1.0
    turned = math.pi - angle * scale if near_pi else angle * scale
    matrix, _ = cv2.Rodrigues(np.array(axis) / length * turned)
    vector = rotation_vector(matrix)
    assert cv2.Rodrigues(np.array(vector))[0] == pytest.approx(matrix, abs=1e-12)
    assert math.hypot(*vector) == pytest.approx(turned, abs=1e-9)
    expected = cv2.Rodrigues(matrix)[0].ravel()
    if math.pi - turned > 2e-5:
        # OpenCV takes what is below 1e-5 for no turn at all, and as near to pi it takes another formula, which is off
        # by as much as what is missing to pi; at pi the axis may point either way.
        assert vector == pytest.approx(expected, abs=1e-7 if turned > 1e-4 else 2e-5)


@pytest.mark.parametrize("axis", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (-1, 2, -3)])
def test_half_turns_and_none(axis: tuple[int, int, int]) -> None:
    unit = np.array(axis) / np.linalg.norm(axis)
    half_turn = 2 * np.outer(unit, unit) - np.eye(3)
    assert np.abs(rotation_vector(half_turn)) == pytest.approx(np.abs(unit) * math.pi, abs=1e-12)
    assert cv2.Rodrigues(np.array(rotation_vector(half_turn)))[0] == pytest.approx(half_turn, abs=1e-12)
    assert rotation_vector(np.eye(3)) == (0.0, 0.0, 0.0)


# --- what DeepLabCut writes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_calibration_as_deeplabcut_writes_it(tmp_path: Path, protocol: int) -> None:
    rig = calibrated()
    write_calibration(tmp_path, rig, protocol)
    calibration = read_calibration(tmp_path, NAMES)
    assert calibration.findings == ()
    first, second = calibration.cameras
    written = rig.stereo["camera-1-camera-2"]
    assert [camera.name for camera in calibration.cameras] == list(NAMES)
    assert [camera.size_px for camera in calibration.cameras] == [SIZE, SIZE]
    for camera, number in ((first, 1), (second, 2)):
        assert np.array_equal(camera.matrix, written[f"cameraMatrix{number}"])
        assert np.array_equal(camera.distortions, written[f"distCoeffs{number}"].ravel())
    assert (first.rotation, first.translation) == ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
    assert np.array_equal(second.translation, written["T"].ravel())
    assert cv2.Rodrigues(np.array(second.rotation))[0] == pytest.approx(written["R"], abs=1e-14)
    # and all that is close to the rig that was photographed
    assert second.translation == pytest.approx(TRANSLATION.ravel(), abs=0.05)
    assert second.rotation == pytest.approx(cv2.Rodrigues(ROTATION)[0].ravel(), abs=0.01)
    assert np.array(first.matrix) == pytest.approx(MATRICES[0], rel=0.02)
    assert first.distortions[:2] == pytest.approx(DISTORTIONS[0].ravel()[:2], abs=0.05)


@pytest.mark.parametrize("protocol", range(3))
def test_a_pickle_of_python_2_is_read(tmp_path: Path, protocol: int) -> None:
    """The fixture's R counts from 0 to 0.8: the pickle is read, and what it holds is found to be no calibration."""
    (tmp_path / "camera_matrix").mkdir()
    data = (FIXTURES / f"py2_stereo_protocol{protocol}.pickle").read_bytes()
    (tmp_path / "camera_matrix" / "stereo_params.pickle").write_bytes(data)
    code, words = code_and_words(read_calibration(tmp_path, NAMES))
    assert code == "calibration-unreadable"
    assert "away from a rotation" in words


def test_squares_become_millimetres(tmp_path: Path) -> None:
    write_calibration(tmp_path, calibrated())
    cameras = read_calibration(tmp_path, NAMES).cameras
    scaled = in_millimetres(cameras, 24.5)
    assert scaled[1].translation == tuple(part * 24.5 for part in cameras[1].translation)
    assert scaled[0] == cameras[0]
    assert scaled[1].rotation == cameras[1].rotation
    for size in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="side of a square"):
            in_millimetres(cameras, size)


def test_cameras_with_dashes_and_in_another_order(tmp_path: Path) -> None:
    names = ("side-view", "top-left")
    rig = calibrated(names)
    write_calibration(tmp_path, rig)
    assert [camera.name for camera in read_calibration(tmp_path, names).cameras] == list(names)
    # camera_names in the other order: the other camera is the origin, and the pair is turned round
    first, second = read_calibration(tmp_path, names[::-1]).cameras
    assert (first.name, second.name) == names[::-1]
    assert first.translation == (0.0, 0.0, 0.0)
    written = rig.stereo["side-view-top-left"]
    assert cv2.Rodrigues(np.array(second.rotation))[0] == pytest.approx(written["R"].T, abs=1e-14)
    assert second.translation == pytest.approx((-written["R"].T @ written["T"]).ravel(), abs=1e-12)


def test_a_lab_s_script_calibrated_three(tmp_path: Path) -> None:
    entry = calibrated().stereo["camera-1-camera-2"]
    turn, shift = entry["R"], entry["T"]
    for second_pair in ("b-c", "c-b"):
        first, second, third = read(tmp_path, {"a-b": entry, second_pair: entry}, ("a", "b", "c")).cameras
        assert (first.name, second.name, third.name) == ("a", "b", "c")
        if second_pair == "b-c":
            expected = turn @ turn, turn @ shift + shift
        else:
            expected = np.eye(3), np.zeros((3, 1))
        assert cv2.Rodrigues(np.array(third.rotation))[0] == pytest.approx(expected[0], abs=1e-12)
        assert third.translation == pytest.approx(expected[1].ravel(), abs=1e-12)


# --- what is missing or damaged -------------------------------------------------------------------------------------


def test_never_calibrated(tmp_path: Path) -> None:
    code, words = code_and_words(read_calibration(tmp_path, NAMES))
    assert code == "calibration-missing"
    assert "intrinsic" not in words
    write_calibration(tmp_path, calibrated()).unlink()
    code, words = code_and_words(read_calibration(tmp_path, NAMES))
    assert code == "calibration-missing"
    assert "intrinsic parameters alone (camera-1, camera-2)" in words


def test_deeplabcut_calibrates_two_of_three(tmp_path: Path) -> None:
    code, words = code_and_words(read(tmp_path, calibrated().stereo, (*NAMES, "camera-3")))
    assert code == "calibration-incomplete"
    assert "no calibration of camera-3" in words
    assert "first two" in words


def test_cameras_renamed_after_calibrating(tmp_path: Path) -> None:
    calibration = read(tmp_path, calibrated().stereo, ("top", "side"))
    assert calibration.cameras == ()
    (finding,) = calibration.findings
    # It was there and does not arrive, as one that can't be read.
    assert (finding.code, finding.severity) == ("calibration-camera-unknown", Severity.ERROR)
    assert "'camera-1-camera-2', expected one of top-side; the target gets no calibration" in finding.message


def test_a_further_pair_of_other_cameras_is_passed_over(tmp_path: Path) -> None:
    entry = calibrated().stereo["camera-1-camera-2"]
    calibration = read(tmp_path, {"camera-1-camera-2": entry, "old-1-old-2": entry})
    assert [camera.name for camera in calibration.cameras] == list(NAMES)
    (finding,) = calibration.findings
    assert (finding.code, finding.severity) == ("calibration-camera-unknown", Severity.WARNING)
    assert "it is passed over" in finding.message


def test_one_camera_calibrated_anew(tmp_path: Path) -> None:
    rig = calibrated()
    write_calibration(tmp_path, rig)
    anew = {"camera-2": {**rig.intrinsics["camera-2"]["camera-2"], "mtx": MATRICES[1]}}
    write_pickle(tmp_path / "camera_matrix" / "camera-2_intrinsic_params.pickle", anew)
    calibration = read_calibration(tmp_path, NAMES)
    assert len(calibration.cameras) == 2
    (finding,) = calibration.findings
    assert (finding.code, finding.severity) == ("calibration-stale", Severity.WARNING)
    assert "camera-2" in finding.message
    assert "camera-1" not in finding.message


class _Hostile:
    def __reduce__(self) -> tuple[Any, ...]:
        return (print, ("opened",))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"camera-2": _Hostile()}, "expected plain values and numpy arrays"),
        ({"camera-2": []}, "found no parameters of this camera"),
        ({"camera-2": {"mtx": np.eye(2), "dist": np.zeros(5)}}, "shape (2, 2)"),
        ([1], "found no parameters of this camera"),
    ],
)
def test_a_camera_s_own_file_that_tells_nothing_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: object, says: str
) -> None:
    write_calibration(tmp_path, calibrated())
    path = write_pickle(tmp_path / "camera_matrix" / "camera-2_intrinsic_params.pickle", content)
    calibration = read_calibration(tmp_path, NAMES)
    assert len(calibration.cameras) == 2
    (finding,) = calibration.findings
    assert (finding.severity, finding.subject) == (Severity.WARNING, str(path))
    assert says in finding.message
    assert finding.hint
    assert "opened" not in capsys.readouterr().out


def nested(depth: int) -> object:
    value: object = 1.0
    for _ in range(depth):
        value = [value]
    return value


BROKEN: dict[str, tuple[object, str]] = {
    "a list": ([1, 2], "found list"),
    "empty": ({}, "an empty dictionary"),
    "no dictionary inside": ({"camera-1-camera-2": 3}, "found int"),
    "no matrix": (stereo(cameraMatrix1=...), "no cameraMatrix1"),
    "no distortions": (stereo(distCoeffs2=...), "no distCoeffs2"),
    "no rotation": (stereo(R=...), "no R"),
    "no translation": (stereo(T=...), "no T"),
    "words": (stereo(T="near"), "found str, expected numbers"),
    "rotation vector": (stereo(R=np.zeros(3)), "shape (3,)"),
    "mirror": (stereo(R=np.diag([1.0, 1.0, -1.0])), "away from a rotation"),
    "stretched": (stereo(R=np.eye(3) * 1.1), "away from a rotation"),
    "not finite": (stereo(T=np.array([1.0, np.nan, 0.0])), "not finite"),
    "one place": (stereo(T=np.zeros((3, 1))), "no distance"),
    "projection matrix": (stereo(cameraMatrix2=np.ones((3, 4))), "shape (3, 4)"),
    "no focal length": (stereo(cameraMatrix2=np.diag([0.0, 500.0, 1.0])), "intrinsic matrix"),
    "coefficients in lists without end": (stereo(distCoeffs1=nested(100)), "found list"),
    "complex coefficients": (stereo(distCoeffs1=np.array([1j] * 5)), "found ndarray"),
    "six coefficients": (stereo(distCoeffs1=np.zeros(6)), "6 numbers"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_damage_is_told_with_its_place(tmp_path: Path, name: str) -> None:
    value, words = BROKEN[name]
    code, said = code_and_words(read(tmp_path, value))
    assert code == "calibration-unreadable"
    assert words in said


def test_hostile_and_cut_pickles(tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "ran",)

    assert code_and_words(read(tmp_path, {"camera-1-camera-2": Hostile()}))[0] == "unsafe-pickle"
    assert not (tmp_path / "ran").exists()
    path = write_calibration(tmp_path, calibrated())
    path.write_bytes(path.read_bytes()[:300])
    assert code_and_words(read_calibration(tmp_path, NAMES))[0] == "broken-pickle"
    path.unlink()
    path.mkdir()
    assert code_and_words(read_calibration(tmp_path, NAMES))[0] == "calibration-unreadable"


@pytest.mark.parametrize("shape", [..., None, [(640,)], "640x480", [(0, 480), (640, 480)]])
def test_an_unknown_image_size_is_no_damage(tmp_path: Path, shape: object) -> None:
    calibration = read(tmp_path, stereo(image_shape=shape))
    assert calibration.cameras[0].size_px is None
    assert calibration.findings == ()


def test_columns_and_lists_serve_as_vectors(tmp_path: Path) -> None:
    entry = calibrated().stereo["camera-1-camera-2"]
    lists = stereo(distCoeffs1=entry["distCoeffs1"].T, T=entry["T"].ravel().tolist(), R=entry["R"].tolist())
    assert read(tmp_path / "lists", lists).cameras == read(tmp_path / "plain", calibrated().stereo).cameras
