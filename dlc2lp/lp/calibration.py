"""Calibration files of a multi-view project: Anipose's TOML, as text.

Lightning Pose 2.4.3 (``data/cameras.py``) and its app load ``calibrations/<session>.toml``, else ``calibration.toml``,
with aniposelib's ``CameraGroup.load``. From what these three do, it follows for a file:

* The tables are taken in the order of their names as texts (``cam_10`` before ``cam_2``), and the cameras' names must
  then be the views in their order.
* Every camera needs all six keys, and all cameras as many distortion coefficients, since Lightning Pose stacks them.
* Every session needs a file, or none may have one.

Labs that have calibrated with Anipose bring such files along; :func:`parse_calibration` reads them.
"""

from __future__ import annotations

import dataclasses
import math
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dlc2lp.model import Camera, Finding, Severity, Vector
from dlc2lp.wording import counted

#: The fallback for sessions without a file of their own, and the folder of those files.
CALIBRATION_FILE = "calibration.toml"
CALIBRATIONS = "calibrations"

#: Numbers of coefficients that OpenCV's lens model has; zeros after the last one change nothing.
_N_DISTORTIONS = (4, 5, 8, 12, 14)
_N_FISHEYE = 4

Metadata = Mapping[str, bool | int | float | str]

#: What Anipose writes before it has adjusted anything: it knows of no error.
NOT_ADJUSTED: Metadata = {"adjusted": False, "error": 0.0}


# --- writing --------------------------------------------------------------------------------------------------------


def render_calibration(cameras: Sequence[Camera], metadata: Metadata = NOT_ADJUSTED) -> str:
    """Return the text of a calibration file. Every number reads back bit for bit.

    Parameters
    ----------
    cameras
        One per view, in the order of the views, named like them.
    metadata
        What Anipose keeps beside the cameras.

    Raises
    ------
    ValueError
        A camera's size is unknown, a number is not finite, or fisheye cameras and others are mixed with different
        numbers of coefficients; the planner must not let it come this far.
    """
    n_distortions = _common_number(cameras)
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
    tables.append(["[metadata]", *(f"{_toml_key(key)} = {_toml_value(value)}" for key, value in metadata.items())])
    return "\n".join("".join(f"{line}\n" for line in lines) for lines in tables)


def _common_number(cameras: Sequence[Camera]) -> int:
    """Return how many coefficients every camera gets."""
    number = max((len(camera.distortions) for camera in cameras), default=0)
    if any(camera.is_fisheye for camera in cameras) and number != _N_FISHEYE:
        raise ValueError("a fisheye camera has four coefficients, and others here have more")
    return number


def level_lenses(cameras: Sequence[Camera], subject: str) -> tuple[Camera, ...] | Finding:
    """Return cameras whose lenses can be written side by side, or why they can't.

    Zeros after the last coefficient change nothing, so other cameras lose theirs beside a fisheye camera, which has
    four coefficients and can't have more.

    Parameters
    ----------
    cameras
        One per view.
    subject
        The calibration, for the finding.
    """
    if not any(camera.is_fisheye for camera in cameras):
        return tuple(cameras)
    long = [camera for camera in cameras if any(camera.distortions[_N_FISHEYE:])]
    if not long:
        return tuple(
            dataclasses.replace(camera, distortions=camera.distortions[:_N_FISHEYE])
            if len(camera.distortions) > _N_FISHEYE
            else camera
            for camera in cameras
        )
    fisheye = ", ".join(f"{camera.name} {len(camera.distortions)}" for camera in cameras if camera.is_fisheye)
    others = ", ".join(f"{camera.name} {len(camera.distortions)}" for camera in long)
    return Finding(
        Severity.ERROR,
        "calibration-lenses",
        subject,
        f"found {_N_FISHEYE} distortions where the lens is a fisheye ({fisheye}) and more elsewhere ({others}); "
        "Lightning Pose needs as many of every camera",
        advice="calibrate all cameras as fisheye lenses, or the others with four coefficients (k1, k2, p1, p2)",
    )


def _toml_numbers(numbers: Sequence[float]) -> str:
    return f"[{', '.join(_toml_float(number) for number in numbers)}]"


def _toml_float(number: float) -> str:
    if not math.isfinite(number):
        raise ValueError(f"{number} is no finite number")
    return repr(float(number))


def _toml_value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    return _toml_float(value) if isinstance(value, float) else _toml_text(str(value))


def _toml_key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _toml_text(key)


def _toml_text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(char if char.isprintable() else f"\\U{ord(char):08x}" for char in escaped) + '"'


def place_calibrations(by_session: Mapping[str, str | None]) -> tuple[dict[str, str], list[Finding]]:
    """Return the calibration files of a project by their path: one for all where all sessions have the same.

    Parameters
    ----------
    by_session
        Session in the target -> text of its calibration file, None where it has none.

    Returns
    -------
    dict
        Path in the target -> text; empty unless every session has one.
    list of Finding
        Sessions that have none while others do.
    """
    without = [session for session, text in by_session.items() if text is None]
    if without:
        if len(without) == len(by_session):
            return {}, []
        return {}, [_partial(without, len(by_session))]
    texts = {session: text for session, text in by_session.items() if text is not None}
    if len(set(texts.values())) == 1:
        return {CALIBRATION_FILE: next(iter(texts.values()))}, []
    return {f"{CALIBRATIONS}/{session}.toml": text for session, text in texts.items()}, []


def _partial(without: Sequence[str], n_sessions: int) -> Finding:
    named = ", ".join(without[:5]) + (" ..." if len(without) > 5 else "")
    return Finding(
        Severity.WARNING,
        "calibration-partial",
        CALIBRATIONS,
        f"found no calibration for {len(without)} of {counted(n_sessions, 'session')} ({named}); Lightning Pose takes "
        "one for every session or none at all, so none was written",
        advice="give a calibration for each session, or one for all",
    )


# --- reading what a lab has -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ParsedCalibration:
    """An Anipose calibration.

    Attributes
    ----------
    cameras
        The cameras in the order in which Anipose takes them; empty if the file can't be used.
    metadata
        What Anipose keeps beside them.
    findings
        Why it can't be used.
    """

    cameras: tuple[Camera, ...] = ()
    metadata: Metadata = field(default_factory=dict, hash=False)
    findings: tuple[Finding, ...] = ()


class _FieldError(Exception):
    """A key that is missing or has another form than Anipose's."""


def parse_calibration(text: str, subject: str) -> ParsedCalibration:
    """Read an Anipose calibration. What can't be used becomes findings.

    Parameters
    ----------
    text
        The content of the TOML file.
    subject
        The file, for the findings.
    """
    try:
        loaded = tomllib.loads(text.removeprefix("\ufeff"))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        return _unusable(subject, f"found {error or 'too deep a nesting'}, expected TOML")
    tables = {key: loaded[key] for key in sorted(loaded) if key != "metadata"}
    if not tables:
        return _unusable(subject, "found no camera, expected tables such as [cam_0]")
    cameras = []
    for key, table in tables.items():
        try:
            cameras.append(_camera(table))
        except _FieldError as error:
            return _unusable(subject, str(error), where=key)
    names = [camera.name for camera in cameras]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        return _unusable(subject, f"found the camera {', '.join(twice)} more than once, expected each name once")
    metadata = loaded.get("metadata", {})
    plain = {key: value for key, value in metadata.items() if _is_plain(value)} if isinstance(metadata, dict) else {}
    return ParsedCalibration(tuple(cameras), plain)


def _unusable(subject: str, message: str, where: str = "") -> ParsedCalibration:
    advice = "write it again with Anipose, or leave it out"
    finding = Finding(Severity.ERROR, "calibration-unreadable", subject, message, where, advice)
    return ParsedCalibration(findings=(finding,))


def _is_plain(value: object) -> bool:
    return isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value))


def _camera(table: object) -> Camera:
    if not isinstance(table, dict):
        raise _FieldError(f"found {table!r}, expected a table with name, size, matrix and others")
    name = table.get("name")
    if isinstance(name, bool) or not isinstance(name, str | int) or not str(name).strip():
        raise _FieldError(f"found the name {name!r}, expected a text")
    rows = table.get("matrix")
    if not isinstance(rows, list) or len(rows) != 3:
        raise _FieldError(f"found the matrix {rows!r}, expected three rows of three numbers")
    one, two, three = (_vector({"matrix": row}, "matrix") for row in rows)
    if not (one[0] > 0 and two[1] > 0 and two[0] == 0.0 and three == (0.0, 0.0, 1.0)):
        raise _FieldError(f"found the matrix {rows!r}, expected [[f, s, c], [0, f, c], [0, 0, 1]]")
    is_fisheye = table.get("fisheye", False) is True
    distortions = _numbers(table, "distortions")
    allowed = (_N_FISHEYE,) if is_fisheye else _N_DISTORTIONS
    if len(distortions) not in allowed:
        expected = ", ".join(map(str, allowed))
        raise _FieldError(f"found {counted(len(distortions), 'distortion')}, expected {expected}")
    return Camera(
        str(name),
        _size(table.get("size")),
        (one, two, three),
        distortions,
        _vector(table, "rotation"),
        _vector(table, "translation"),
        is_fisheye,
    )


def _numbers(table: Mapping[str, Any], key: str) -> tuple[float, ...]:
    """Return a list of finite numbers, however it is nested: aniposelib flattens it too."""
    if key not in table:
        raise _FieldError(f"found no {key}, expected numbers")
    numbers = []
    for value in _flat(table[key]):
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise _FieldError(f"found {value!r} in {key}, expected finite numbers")
        numbers.append(float(value))
    return tuple(numbers)


def _flat(value: object) -> Iterator[object]:
    if isinstance(value, list):
        for item in value:
            yield from _flat(item)
    else:
        yield value


def _vector(table: Mapping[str, Any], key: str) -> Vector:
    numbers = _numbers(table, key)
    if len(numbers) != 3:
        raise _FieldError(f"found {counted(len(numbers), 'number')} in {key}, expected 3")
    return numbers[0], numbers[1], numbers[2]


def _size(value: object) -> tuple[int, int] | None:
    """Return (width, height); None where it is missing or makes no sense, and the images then tell."""
    if isinstance(value, list) and len(value) == 2 and all(type(side) in (int, float) and side >= 1 for side in value):
        return int(value[0]), int(value[1])
    return None


# --- cameras and views ----------------------------------------------------------------------------------------------


def cameras_of_views(
    cameras: Sequence[Camera], views: Mapping[str, Sequence[str]], subject: str
) -> tuple[tuple[Camera, ...], list[Finding]]:
    """Give each view its camera, by name.

    A name may differ from the view's in case, blanks and punctuation (``Cam_1`` and ``cam-1``), as long as only one
    camera comes into question. Cameras that are no view are left out: the others stand as they do without them.

    Parameters
    ----------
    cameras
        What was calibrated.
    views
        View in the target -> other names that it goes by, such as the one before it was made safe; in order.
    subject
        The calibration, for the findings.

    Returns
    -------
    tuple of Camera
        In the order of the views and named like them; empty unless every view has one.
    list of Finding
        Views without a camera, cameras without a view.
    """
    found: dict[str, Camera] = {}
    unclear: list[str] = []
    for view, aliases in views.items():
        candidates = _candidates(cameras, (view, *aliases))
        if len(candidates) == 1:
            found[view] = candidates[0]
        elif candidates:
            unclear.append(f"{view} ({' or '.join(camera.name for camera in candidates)})")
        else:
            unclear.append(view)
    named = ", ".join(camera.name for camera in cameras)
    taken = [camera.name for camera in found.values()]
    unclear += sorted({f"{name} (for several views)" for name in taken if taken.count(name) > 1})
    if unclear:
        message = f"found the cameras {named}; expected one for each view, and it is not clear for {', '.join(unclear)}"
        advice = "name the cameras like the views, or the views like the cameras"
        return (), [Finding(Severity.ERROR, "calibration-views", subject, message, advice=advice)]
    others = [camera.name for camera in cameras if camera.name not in taken]
    findings = []
    if others:
        cameras_of_none = counted(len(others), "camera that is", "cameras that are")
        message = f"found {cameras_of_none} no view here: {', '.join(others)}; left out"
        findings.append(Finding(Severity.NOTE, "calibration-other-cameras", subject, message))
    return tuple(dataclasses.replace(camera, name=view) for view, camera in found.items()), findings


def _candidates(cameras: Sequence[Camera], names: Sequence[str]) -> list[Camera]:
    """Return the cameras that may have one of the names: those with the very name, else with one much like it."""
    exact = [camera for camera in cameras if camera.name in names]
    alike = {_plain(name) for name in names}
    return exact or [camera for camera in cameras if _plain(camera.name) in alike]


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold() or name


def fit_to_images(
    camera: Camera,
    image_px: tuple[int, int],
    *,
    offset_px: tuple[int, int] = (0, 0),
    full_px: tuple[int, int] | None = None,
) -> Camera | Finding:
    """Return the camera as it is for a view's images, or why its calibration does not hold for them.

    Cutting a region out of the frames moves the principal point by the region's corner and changes nothing else: the
    lens model works on directions, not on pixels. Frames that are turned come first (:func:`turned`).

    Parameters
    ----------
    camera
        As calibrated.
    image_px
        (width, height) of the view's images.
    offset_px
        (x, y) of the images' corner in the frames that they were cut from.
    full_px
        (width, height) of those frames; None: the images are whole frames.
    """
    full_px = full_px or image_px
    if camera.size_px == image_px and full_px != image_px:
        return camera  # calibrated with images that were cut the same way
    if camera.size_px in (None, full_px):
        (fx, skew, cx), (zero, fy, cy), last = camera.matrix
        moved = ((fx, skew, cx - offset_px[0]), (zero, fy, cy - offset_px[1]), last)
        return dataclasses.replace(camera, size_px=image_px, matrix=moved if any(offset_px) else camera.matrix)
    width, height = camera.size_px
    return Finding(
        Severity.ERROR,
        "calibration-size",
        camera.name,
        f"was calibrated with images of {width}x{height} px (width x height), and its frames are "
        f"{full_px[0]}x{full_px[1]} px; the calibration does not hold for them",
        advice="calibrate with the camera's settings of the recordings, or give the calibration that was made so",
    )


def turned(camera: Camera, turn_deg: int, size_px: tuple[int, int]) -> Camera | Finding:
    """Return the camera whose images are those of another one, turned clockwise.

    It is the same camera, rolled about its axis: everything that it projects moves exactly as the pixels do. A pixel's
    centre has whole coordinates, as OpenCV has it.

    Parameters
    ----------
    camera
        As calibrated.
    turn_deg
        0, 90, 180 or 270.
    size_px
        (width, height) before the turn.

    Returns
    -------
    Camera or Finding
        A finding where the lens has no exact counterpart: after a quarter turn, a camera with skew or with a tilted
        sensor is none that the model can say.
    """
    if turn_deg % 180 and (camera.matrix[0][1] or any(camera.distortions[_TILT])):
        return Finding(
            Severity.ERROR,
            "calibration-turned",
            camera.name,
            f"has skew or a tilted sensor, and its images are turned by {turn_deg} degrees; OpenCV's lens model has no "
            "such camera",
            advice="calibrate with images that are turned like the labeled ones",
        )
    if turn_deg in (180, 270):
        camera = _half_turned(camera, size_px)
    return _quarter_turned(camera, size_px) if turn_deg in (90, 270) else camera


#: Where the coefficients of a tilted sensor are among 14.
_TILT = slice(12, 14)


def _half_turned(camera: Camera, size_px: tuple[int, int]) -> Camera:
    width, height = size_px
    (fx, skew, cx), (zero, fy, cy), last = camera.matrix
    x, y, z = camera.translation
    flipped = camera.distortions
    if not camera.is_fisheye:
        k1, k2, p1, p2, *rest = camera.distortions
        # Radial coefficients (k3 to k6) stay; those of the thin prism and of the tilt follow the axes.
        flipped = (k1, k2, -p1, -p2, *rest[:4], *(-number for number in rest[4:]))
    return dataclasses.replace(
        camera,
        size_px=size_px,
        matrix=((fx, skew, width - 1 - cx), (zero, fy, height - 1 - cy), last),
        distortions=flipped,
        rotation=_rolled(camera.rotation, math.pi),
        translation=(-x, -y, z),
    )


def _quarter_turned(camera: Camera, size_px: tuple[int, int]) -> Camera:
    """Turn by 90 degrees clockwise: a pixel (x, y) comes to (height - 1 - y, x)."""
    width, height = size_px
    (fx, skew, cx), (zero, fy, cy), last = camera.matrix
    x, y, z = camera.translation
    bent = camera.distortions
    if not camera.is_fisheye:
        k1, k2, p1, p2, *rest = camera.distortions
        bent = (k1, k2, p2, -p1, *rest[:4])
        if prism := rest[4:8]:
            s1, s2, s3, s4 = prism
            bent = (*bent, -s3, -s4, s1, s2, *rest[8:])
    return dataclasses.replace(
        camera,
        size_px=(height, width),
        matrix=((fy, skew, height - 1 - cy), (zero, fx, cx), last),
        distortions=bent,
        rotation=_rolled(camera.rotation, math.pi / 2),
        translation=(-y, x, z),
    )


def _rolled(rotation: Vector, angle: float) -> Vector:
    """Return a rotation (a Rodrigues vector) followed by one about z, by way of quaternions."""
    length = math.hypot(*rotation)
    factor = math.sin(length / 2) / length if length else 0.5
    w, (x, y, z) = math.cos(length / 2), (factor * part for part in rotation)
    c, s = math.cos(angle / 2), math.sin(angle / 2)
    w, x, y, z = c * w - s * z, c * x - s * y, c * y + s * x, c * z + s * w
    sine = math.hypot(x, y, z)
    if w < 0:  # the same rotation, the short way round
        w, x, y, z = -w, -x, -y, -z
    factor = 2 * math.atan2(sine, w) / sine if sine else 2.0
    return factor * x, factor * y, factor * z
