"""Camera calibrations of DeepLabCut 3D: ``camera_matrix/stereo_params.pickle`` and the intrinsic parameters beside it.

Written by ``calibrate_cameras`` (``pose_estimation_3d/camera_calibration.py``, the same since 2.1). What one must
know of it:

* It calibrates the first two of ``camera_names`` and no others, whatever ``num_cameras`` says.
* The board's corners are (0, 0), (1, 0), ...: all lengths are in squares of the checkerboard, and its size stands
  nowhere.
* It gives OpenCV the image size as (height, width). That bends the rectification (P1, P2, Q), but neither the
  matrices nor R and T, since the intrinsic parameters are held fixed; so only the latter are read here.
* ``<camera>_intrinsic_params.pickle`` is written in the loop over the cameras, so the first camera's file holds an
  empty list for each of the others.
"""

from __future__ import annotations

import dataclasses
import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dlc2lp.dlc.opencv import (
    FieldError,
    array,
    check_rotation,
    distortions,
    image_size,
    intrinsic_matrix,
    rotation_vector,
    vector,
)
from dlc2lp.dlc.unpickle import load_arrays
from dlc2lp.errors import UnreadableFile, raise_disk_trouble
from dlc2lp.files import open_regular
from dlc2lp.model import Camera, Finding, Severity, Vector
from dlc2lp.placeholders import check_is_here

Array = NDArray[np.float64]

CAMERA_MATRIX = "camera_matrix"
STEREO_FILE = "stereo_params.pickle"
_INTRINSIC_SUFFIX = "_intrinsic_params.pickle"


_CALIBRATE_AGAIN = "calibrate again in DeepLabCut, or give a calibration in Anipose's form"


@dataclass(frozen=True)
class DlcCalibration:
    """The calibration of a 3D project."""

    path: Path  #: ``stereo_params.pickle``.
    #: All cameras in the order of ``camera_names``, the first at the origin of space; translations in squares of the
    #: checkerboard. Empty unless every camera is calibrated: Lightning Pose has no use for some of them.
    cameras: tuple[Camera, ...] = ()
    findings: tuple[Finding, ...] = ()  #: Why there is none, or what is odd.


def read_calibration(root: Path, camera_names: Sequence[str]) -> DlcCalibration:
    """Read the calibration of the DeepLabCut 3D project in a folder, as :func:`read_stereo` does."""
    return read_stereo(root / CAMERA_MATRIX / STEREO_FILE, camera_names)


def calibrated_names(path: Path) -> tuple[str, ...]:
    """Return the cameras whose own parameters lie beside a stereo calibration, where there are two or more."""
    found = sorted(each.name.removesuffix(_INTRINSIC_SUFFIX) for each in path.parent.glob(f"*{_INTRINSIC_SUFFIX}"))
    return tuple(found) if len(found) > 1 else ()


def read_stereo(path: Path, camera_names: Sequence[str]) -> DlcCalibration:
    """Read a ``stereo_params.pickle``, wherever it lies. What is missing or damaged becomes a finding.

    ``camera_names`` are in the order of ``config.yaml``.
    """
    try:
        pairs, problems = _read_pairs(path, camera_names)
    except FileNotFoundError:
        return DlcCalibration(path, (), (_not_calibrated(path, camera_names),))
    except OSError as error:
        raise_disk_trouble(path, error)
        advice = getattr(error, "advice", "check that you may read it")
        finding = _broken(path, f"can't be opened: {error.strerror or error}", advice)
        return DlcCalibration(path, (), (finding,))
    except UnreadableFile as error:
        told = tuple(dataclasses.replace(each, advice=each.advice or _CALIBRATE_AGAIN) for each in error.findings)
        return DlcCalibration(path, (), told)
    cameras = _chain(pairs, camera_names)
    missing = [name for name in camera_names if name not in cameras]
    findings = [
        _unknown_pair(path, problem, camera_names, is_needed=bool(missing)) if isinstance(problem, str) else problem
        for problem in problems
    ]
    if missing and not any(finding.severity is Severity.ERROR for finding in findings):
        findings.append(_incomplete(path, missing, camera_names))
    if missing:
        return DlcCalibration(path, (), tuple(findings))
    findings += _against_intrinsics(path.parent, cameras)
    return DlcCalibration(path, tuple(cameras[name] for name in camera_names), tuple(findings))


def in_millimetres(cameras: Sequence[Camera], square_size_mm: float) -> tuple[Camera, ...]:
    """Scale the translations of a DeepLabCut calibration from squares of the checkerboard to millimetres.

    Raises ValueError unless the size is a finite number above 0.
    """
    if not (math.isfinite(square_size_mm) and square_size_mm > 0):
        raise ValueError(f"the side of a square is {square_size_mm} mm, expected a finite number above 0")
    return tuple(
        dataclasses.replace(camera, translation=vector([part * square_size_mm for part in camera.translation]))
        for camera in cameras
    )


# --- the stereo pickle ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Pair:
    """Two cameras that were calibrated together: a point at X before the first is at ``R X + T`` before the second."""

    first: Camera
    second: Camera
    rotation: Array
    translation: Array


def _read_pairs(path: Path, names: Sequence[str]) -> tuple[list[_Pair], list[Finding | str]]:
    """Return the pairs of ``stereo_params.pickle``: one, if DeepLabCut wrote it; scripts of labs write more.

    Beside them what is wrong: a finding, or the key of a pair of cameras that are not those of the project.
    """
    check_is_here(path)
    with open_regular(path) as stream:
        content = load_arrays(stream, subject=str(path))
    if not isinstance(content, dict) or not content:
        found = "an empty dictionary" if content == {} else type(content).__name__
        return [], [_broken(path, f"found {found}, expected a dictionary with an entry '<camera>-<camera>'")]
    pairs: list[_Pair] = []
    problems: list[Finding | str] = []
    for key, value in content.items():
        named = _cameras_of(str(key), names)
        if named is None:
            problems.append(str(key))
            continue
        try:
            pairs.append(_pair(value, named))
        except FieldError as error:
            problems.append(_broken(path, str(error), where=f"{key}, {error.key}" if error.key else str(key)))
    return pairs, problems


def _cameras_of(key: str, names: Sequence[str]) -> tuple[str, str] | None:
    """Return the two cameras that a pair's key names; their names may hold the dash that joins them."""
    # DeepLabCut pairs cameras in the order of camera_names, so that order goes first.
    pairs = [*combinations(names, 2), *permutations(names, 2)]
    return next((pair for pair in pairs if "-".join(pair) == key), None)


def _pair(value: object, names: tuple[str, str]) -> _Pair:
    if not isinstance(value, dict):
        raise FieldError("", f"found {type(value).__name__}, expected a dictionary with cameraMatrix1, R, T and others")
    rotation = array(value, "R", (3, 3))
    check_rotation(rotation)
    translation = array(value, "T", (3,))
    if not translation.any():
        raise FieldError("T", "found no distance between the cameras, expected their distance in squares")
    first, second = (
        Camera(
            name,
            image_size(value.get("image_shape"), number),
            intrinsic_matrix(value, f"cameraMatrix{number}"),
            distortions(value, f"distCoeffs{number}"),
            (0.0, 0.0, 0.0),
            (0.0, 0.0, 0.0),
        )
        for number, name in enumerate(names, start=1)
    )
    return _Pair(first, second, rotation, translation)


def _chain(pairs: Sequence[_Pair], names: Sequence[str]) -> dict[str, Camera]:
    """Place all cameras that the pairs link with the first one, which is the origin of space."""
    links: dict[str, list[_Pair]] = {name: [] for name in names}
    for pair in pairs:
        inverse = pair.rotation.T
        links[pair.first.name].append(pair)
        links[pair.second.name].append(_Pair(pair.second, pair.first, inverse, -inverse @ pair.translation))
    if not names or not links[names[0]]:
        return {}
    origin = links[names[0]][0].first
    found = {origin.name: origin}
    todo = deque([(origin.name, np.eye(3), np.zeros(3))])
    while todo:
        name, rotation, translation = todo.popleft()
        for link in links[name]:
            other = link.second
            if other.name in found:
                continue
            turn, shift = link.rotation @ rotation, link.rotation @ translation + link.translation
            found[other.name] = dataclasses.replace(other, rotation=rotation_vector(turn), translation=vector(shift))
            todo.append((other.name, turn, shift))
    return found


# --- the intrinsic pickles ------------------------------------------------------------------------------------------


def _against_intrinsics(folder: Path, cameras: Mapping[str, Camera]) -> list[Finding]:
    """Tell cameras whose own parameters were calibrated anew after the stereo calibration, or before and kept."""
    stale = []
    findings = []
    for name, camera in cameras.items():
        own = _read_intrinsics(folder / f"{name}{_INTRINSIC_SUFFIX}", name)
        if isinstance(own, Finding):
            findings.append(own)
        elif own is not None and own != (camera.matrix, camera.distortions):
            stale.append(name)
    if stale:
        found = f"holds other intrinsic parameters than the {_INTRINSIC_SUFFIX[1:]} of {', '.join(stale)}"
        message = f"{found}: they were not calibrated in one go; {STEREO_FILE} is taken"
        advice = f"if the cameras were moved since, {_CALIBRATE_AGAIN}"
        findings.append(_warning("calibration-stale", folder / STEREO_FILE, message, advice))
    return findings


def _read_intrinsics(
    path: Path, camera: str
) -> tuple[tuple[Vector, Vector, Vector], tuple[float, ...]] | Finding | None:
    """Return matrix and distortions of one camera's own file, or why it does not tell them; None without a file.

    It is only a second witness, since the stereo file has all that is needed.
    """
    try:
        check_is_here(path)
        with open_regular(path) as stream:
            content = load_arrays(stream, subject=str(path))
        fields = content.get(camera) if isinstance(content, dict) else None
        if not isinstance(fields, dict):
            return _no_witness(path, "found no parameters of this camera, expected mtx and dist", camera)
        return intrinsic_matrix(fields, "mtx"), distortions(fields, "dist")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise_disk_trouble(path, error)
        return _no_witness(path, f"can't be opened: {error.strerror or error}")
    except UnreadableFile as error:
        return _no_witness(path, "; ".join(finding.message for finding in error.findings))
    except FieldError as error:
        return _no_witness(path, str(error), f"{camera}, {error.key}")


def _no_witness(path: Path, message: str, where: str = "") -> Finding:
    message += f"; {STEREO_FILE} is taken, which could not be compared with it"
    advice = f"if it is not DeepLabCut's own file, delete it; else {_CALIBRATE_AGAIN}"
    return _warning("calibration-unreadable", path, message, advice, where)


# --- findings -------------------------------------------------------------------------------------------------------


def _warning(code: str, path: Path, message: str, advice: str, where: str = "") -> Finding:
    return Finding(Severity.WARNING, code, str(path), message, where, advice)


def _broken(path: Path, message: str, advice: str = _CALIBRATE_AGAIN, where: str = "") -> Finding:
    return Finding(Severity.ERROR, "calibration-unreadable", str(path), message, where, advice)


def _unknown_pair(path: Path, key: str, names: Sequence[str], *, is_needed: bool) -> Finding:
    """Tell of a pair of other cameras: an error where a calibration is there and does not arrive because of it."""
    known = ", ".join(f"{a}-{b}" for a, b in combinations(names, 2))
    outcome = "the target gets no calibration" if is_needed else "it is passed over"
    message = f"found the pair of cameras '{key}', expected one of {known}; {outcome}"
    advice = "cameras renamed after calibrating? give camera_names in config.yaml their old names"
    severity = Severity.ERROR if is_needed else Severity.WARNING
    return Finding(severity, "calibration-camera-unknown", str(path), message, key, advice)


def _not_calibrated(path: Path, names: Sequence[str]) -> Finding:
    """Tell a project that was never calibrated from one in which DeepLabCut stopped half way."""
    have = [name for name in names if (path.parent / f"{name}{_INTRINSIC_SUFFIX}").is_file()]
    alone = f"; intrinsic parameters alone ({', '.join(have)}) do not say where the cameras stand" if have else ""
    message = f"found no such file{alone}; the target gets no calibration and no 3D options"
    advice = f"if the cameras were calibrated, copy the file there; else {_CALIBRATE_AGAIN}"
    return _warning("calibration-missing", path, message, advice)


def _incomplete(path: Path, missing: Sequence[str], names: Sequence[str]) -> Finding:
    why = "DeepLabCut calibrates the first two cameras only" if len(names) > 2 else "the pair is not there"
    found = f"found no calibration of {', '.join(missing)}, expected all of {', '.join(names)} ({why})"
    message = f"{found}; Lightning Pose needs all or none, so the target gets no calibration"
    advice = "calibrate all cameras with Anipose and give its calibration.toml"
    return _warning("calibration-incomplete", path, message, advice)
