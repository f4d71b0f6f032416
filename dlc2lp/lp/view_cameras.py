"""The camera of each view as it is for the view's images: found by its name, cut and turned as they were."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping, Sequence

from dlc2lp.model import Camera, Finding, Severity, Vector
from dlc2lp.wording import counted


def cameras_of_views(
    cameras: Sequence[Camera], views: Mapping[str, Sequence[str]], subject: str
) -> tuple[tuple[Camera, ...], list[Finding]]:
    """Give each view its camera, by name; none unless every view has one. Findings are about ``subject``.

    With each view of the target come the other names that it goes by, such as the one before it was made safe. A name
    may differ from the view's in case, blanks and punctuation (``Cam_1`` and ``cam-1``), as long as only one camera
    comes into question. Cameras that are no view are left out: the others stand as they do without them.
    """
    found: dict[str, Camera] = {}
    unclear: list[str] = []
    for view, aliases in views.items():
        candidates = _candidates(cameras, (view, *aliases))
        if len(candidates) == 1:
            found[view] = candidates[0]
        else:
            unclear.append(f"{view} ({' or '.join(each.name for each in candidates)})" if candidates else view)
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

    Images of ``image_px`` (width, height) have their corner at ``offset_px`` (x, y) in frames of ``full_px``; None:
    they are whole frames. Cutting a region out of the frames moves the principal point by the region's corner and
    changes nothing else: the lens model works on directions, not on pixels. Turning comes first (:func:`turned`).
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
    """Return the camera whose images are those of another one, turned clockwise by 0, 90, 180 or 270 degrees.

    It is the same camera, rolled about its axis: everything that it projects moves exactly as the pixels do. A pixel's
    centre has whole coordinates, as OpenCV has it; ``size_px`` is (width, height) before the turn. It is a finding
    where the lens has no exact counterpart: after a quarter turn, a camera with skew or with a tilted sensor is none
    that the model can say.
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
