"""A stereo rig that exists only in numbers, calibrated as DeepLabCut calibrates one, and its pickles.

The calls are those of ``pose_estimation_3d/camera_calibration.py:calibrate_cameras``, its image size given the wrong
way round included.
"""

from __future__ import annotations

import functools
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from builder import BuiltProject, build_project

SIZE = (640, 480)
N_COLUMNS, N_ROWS = 6, 8
MATRICES = (
    np.array([[612.3, 0, 318.7], [0, 609.8, 243.1], [0, 0, 1.0]]),
    np.array([[587.1, 0, 327.9], [0, 590.4, 233.6], [0, 0, 1.0]]),
)
DISTORTIONS = (np.array([[-0.21, 0.08, 0.0011, -0.0007, 0.01]]), np.array([[0.12, -0.19, -0.0009, 0.0013, 0.05]]))
ROTATION = cv2.Rodrigues(np.array([0.05, -0.42, 0.03]))[0]
TRANSLATION = np.array([[-6.1], [0.35], [1.2]])  # in squares of the checkerboard


@dataclass(frozen=True)
class Rig:
    """What DeepLabCut writes of a calibration, and what is true."""

    stereo: dict[str, Any]
    intrinsics: dict[str, dict[str, Any]]


def board_poses() -> list[tuple[np.ndarray, np.ndarray]]:
    """Poses of the checkerboard before the first camera, in squares."""
    angles = np.random.default_rng(4)
    return [
        (angles.uniform(-0.5, 0.5, 3), np.array([x, y, z]) + angles.uniform(-0.3, 0.3, 3))
        for x, y, z in [
            *((-2, -3, 14), (-4, -4, 16), (-1, -5, 15), (0, -2, 13), (-3, -1, 18), (1, -4, 17), (-2, -5, 20)),
            *((-5, -3, 19), (0, -3, 16), (-3, -4, 15)),
        ]
    ]


def project(points: np.ndarray, camera: int) -> np.ndarray:
    """Pixels (N, 2) of points (N, 3) that are given before the first camera, in squares."""
    rotation, translation = (np.eye(3), np.zeros(3)) if camera == 0 else (ROTATION, TRANSLATION)
    vector = cv2.Rodrigues(rotation)[0]
    pixels, _ = cv2.projectPoints(points, vector, translation, MATRICES[camera], DISTORTIONS[camera])
    return pixels.reshape(-1, 2)


@functools.cache
def calibrated(names: tuple[str, str] = ("camera-1", "camera-2"), noise_px: float = 0.05) -> Rig:
    """Calibrate the rig from images of a checkerboard whose corners are found with some noise."""
    corners = np.zeros((N_COLUMNS * N_ROWS, 3), np.float32)
    corners[:, :2] = np.mgrid[0:N_COLUMNS, 0:N_ROWS].T.reshape(-1, 2)
    noise = np.random.default_rng(11)
    board: list[np.ndarray] = []
    seen: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for turn, shift in board_poses():
        points = corners @ cv2.Rodrigues(turn)[0].T + shift
        board.append(corners)
        for camera in (0, 1):
            pixels = project(points, camera) + noise.normal(0, noise_px, (len(corners), 2))
            seen[camera].append(pixels.astype(np.float32).reshape(-1, 1, 2))
    intrinsics: dict[str, dict[str, Any]] = {}
    own: dict[str, Any] = {name: [] for name in names}
    for name, pixels in zip(names, seen, strict=True):
        _, matrix, distortions, _, _ = cv2.calibrateCamera(board, pixels, SIZE, None, None)
        own[name] = {"mtx": matrix, "dist": distortions, "objpoints": board, "imgpoints": pixels}
        intrinsics[name] = dict(own)
    one, two = (own[name] for name in names)
    height_first = (SIZE[1], SIZE[0])
    _, m1, d1, m2, d2, r, t, e, f = cv2.stereoCalibrate(
        board, *seen, one["mtx"], one["dist"], two["mtx"], two["dist"], height_first, flags=cv2.CALIB_FIX_INTRINSIC
    )
    r1, r2, p1, p2, q, roi1, roi2 = cv2.stereoRectify(m1, d1, m2, d2, height_first, r, t, alpha=0.4)
    entry = {"cameraMatrix1": m1, "cameraMatrix2": m2, "distCoeffs1": d1, "distCoeffs2": d2, "R": r, "T": t, "E": e}
    entry |= {"F": f, "R1": r1, "R2": r2, "P1": p1, "P2": p2, "roi1": roi1, "roi2": roi2, "Q": q}
    entry["image_shape"] = [SIZE, SIZE]
    return Rig({f"{names[0]}-{names[1]}": entry}, intrinsics)


def write_pickle(path: Path, value: object, protocol: int = pickle.HIGHEST_PROTOCOL) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(value, protocol))
    return path


def write_calibration(root: Path, rig: Rig, protocol: int = pickle.HIGHEST_PROTOCOL) -> Path:
    """Write ``camera_matrix`` of a 3D project as DeepLabCut does."""
    folder = root / "camera_matrix"
    for name, content in rig.intrinsics.items():
        write_pickle(folder / f"{name}_intrinsic_params.pickle", content, protocol)
    return write_pickle(folder / "stereo_params.pickle", rig.stereo, protocol)


def config_text_3d(names: Sequence[str], configs: dict[str, str], project_path: str, **keys: Any) -> str:
    """``config.yaml`` of a 3D project after ``calibrate_cameras`` has renamed its keys."""
    lines = ["Task: reach", "scorer: Anna", "date: Aug30", f"project_path: {project_path}", "skeleton: []"]
    lines += ["pcutoff: 0.4", f"num_cameras: {len(names)}", "camera_names:", *(f"- {name}" for name in names)]
    lines += ["scorername_3d: DLC_3D", *(f"{key}: {value}" for key, value in keys.items())]
    lines += [f"config_file_{name}: {path}" for name, path in configs.items()]
    lines += [f"shuffle_{name}: 1" for name in names]
    lines += [f"trainingsetindex_camera-{number}: 0" for number in range(1, len(names) + 1)]
    return "\n".join(lines) + "\n"


def write_anipose(path: Path, names: Sequence[str], size_px: tuple[int, int]) -> Path:
    """A calibration as a lab has it, in Anipose's form: cameras side by side, each turned a little."""
    path.parent.mkdir(parents=True, exist_ok=True)
    width, height = size_px
    tables = [
        f'[cam_{number}]\nname = "{name}"\nsize = [{width}, {height}]\n'
        f"matrix = [[100.0, 0.0, {width / 2}], [0.0, 100.0, {height / 2}], [0.0, 0.0, 1.0]]\n"
        f"distortions = [0.0, 0.0, 0.0, 0.0, 0.0]\nrotation = [0.0, {0.3 * number}, 0.0]\n"
        f"translation = [{10.0 * number}, 0.0, 0.0]\nfisheye = false\n"
        for number, name in enumerate(names)
    ]
    path.write_text("\n".join([*tables, "[metadata]\nadjusted = false\n"]), encoding="utf-8")
    return path


def build_3d_project(root: Path) -> tuple[Path, dict[str, BuiltProject]]:
    """Write a DeepLabCut 3D project and the projects of its two cameras, calibrated."""
    names = ("camera-1", "camera-2")
    projects = {
        name: build_project(
            root / f"{name}-Anna-2021-08-30",
            task=name,
            sessions=("m1",),
            frames=(2, 5, 9),
            n_frames=12,
            size_px=SIZE,
        )
        for name in names
    }
    folder = root / "reach-3d"
    folder.mkdir()
    configs = {name: str(project.config) for name, project in projects.items()}
    (folder / "config.yaml").write_text(config_text_3d(names, configs, str(folder)))
    write_calibration(folder, calibrated())
    return folder, projects
