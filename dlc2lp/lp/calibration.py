"""Calibration files of a multi-view project: Anipose's TOML, as text.

Lightning Pose 2.4.3 (``data/cameras.py``) and its app load ``calibrations/<session>.toml``, else ``calibration.toml``,
with aniposelib's ``CameraGroup.load``. From what these three do, it follows for a file:

* The tables are taken in the order of their names as texts (``cam_10`` before ``cam_2``), and the cameras' names must
  then be the views in their order.
* Every camera needs all six keys, and all cameras as many distortion coefficients, since Lightning Pose stacks them.
* Every session needs a file, or none may have one.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

from dlc2lp.model import Camera, Finding, Severity
from dlc2lp.wording import counted, some

#: The fallback for sessions without a file of their own, and the folder of those files.
CALIBRATION_FILE = "calibration.toml"

CALIBRATIONS = "calibrations"

#: Numbers of coefficients that OpenCV's lens model has; zeros after the last one change nothing.
N_DISTORTIONS = (4, 5, 8, 12, 14)

N_FISHEYE = 4

#: What Anipose writes before it has adjusted anything: it knows of no error.
_NOT_ADJUSTED = ["[metadata]", "adjusted = false", "error = 0.0"]


def render_calibration(cameras: Sequence[Camera]) -> str:
    """Return the text of a calibration file for the cameras, which are in the order of the views and named like them.

    Every number reads back bit for bit. What the planner must not let come this far is a ValueError: a camera's size is
    unknown, a number is not finite, or fisheye cameras and others are mixed with different numbers of coefficients.
    """
    n_distortions = max((len(camera.distortions) for camera in cameras), default=0)
    if any(camera.is_fisheye for camera in cameras) and n_distortions != N_FISHEYE:
        raise ValueError("a fisheye camera has four coefficients, and others here have more")
    digits = len(str(max(0, len(cameras) - 1)))
    tables = []
    for index, camera in enumerate(cameras):
        if camera.size_px is None:
            raise ValueError(f"the image size of the camera {camera.name} is unknown")
        distortions = camera.distortions + (0.0,) * (n_distortions - len(camera.distortions))
        lines = [
            f"[cam_{index:0{digits}d}]",
            f"name = {_toml_text(camera.name)}",
            f"size = [{camera.size_px[0]}, {camera.size_px[1]}]",
            f"matrix = [{', '.join(map(_toml_numbers, camera.matrix))}]",
            f"distortions = {_toml_numbers(distortions)}",
            f"rotation = {_toml_numbers(camera.rotation)}",
            f"translation = {_toml_numbers(camera.translation)}",
        ]
        tables.append(lines + ["fisheye = true"] * camera.is_fisheye)
    tables.append(_NOT_ADJUSTED)
    return "\n".join("".join(f"{line}\n" for line in lines) for lines in tables)


def level_lenses(cameras: Sequence[Camera], subject: str) -> tuple[Camera, ...] | Finding:
    """Return cameras whose lenses can be written side by side, or why they can't; ``subject`` is the calibration.

    Zeros after the last coefficient change nothing, so other cameras lose theirs beside a fisheye camera, which has
    four coefficients and can't have more.
    """
    if not any(camera.is_fisheye for camera in cameras):
        return tuple(cameras)
    long = [camera for camera in cameras if any(camera.distortions[N_FISHEYE:])]
    if not long:
        return tuple(dataclasses.replace(each, distortions=each.distortions[:N_FISHEYE]) for each in cameras)
    fisheye = ", ".join(f"{camera.name} {len(camera.distortions)}" for camera in cameras if camera.is_fisheye)
    others = ", ".join(f"{camera.name} {len(camera.distortions)}" for camera in long)
    return Finding(
        Severity.ERROR,
        "calibration-lenses",
        subject,
        f"found {N_FISHEYE} distortions where the lens is a fisheye ({fisheye}) and more elsewhere ({others}); "
        "Lightning Pose needs as many of every camera",
        advice="calibrate all cameras as fisheye lenses, or the others with four coefficients (k1, k2, p1, p2)",
    )


def _toml_numbers(numbers: Sequence[float]) -> str:
    for number in numbers:
        if not math.isfinite(number):
            raise ValueError(f"{number} is no finite number")
    return f"[{', '.join(repr(float(number)) for number in numbers)}]"


def _toml_text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(char if char.isprintable() else f"\\U{ord(char):08x}" for char in escaped) + '"'


def calibration_files(by_session: Mapping[str, str | None]) -> tuple[dict[str, str], list[Finding]]:
    """Return the calibration files of a project by their path: one for all where all sessions have the same.

    Given are the sessions of the target with the text of their file, None where they have none. Unless every session
    has one there is no file, and a finding if some have.
    """
    texts = {session: text for session, text in by_session.items() if text is not None}
    without = [session for session in by_session if session not in texts]
    if without:
        return {}, [_partial(without, len(by_session))] if texts else []
    if len(set(texts.values())) == 1:
        return {CALIBRATION_FILE: next(iter(texts.values()))}, []
    return {f"{CALIBRATIONS}/{session}.toml": text for session, text in texts.items()}, []


def _partial(without: Sequence[str], n_sessions: int) -> Finding:
    return Finding(
        Severity.WARNING,
        "calibration-partial",
        CALIBRATIONS,
        f"found no calibration for {len(without)} of {counted(n_sessions, 'session')} ({some(without)}); Lightning "
        "Pose takes one for every session or none at all, so none was written",
        advice="give a calibration for each session, or one for all",
    )
