"""Calibration files of a target as Lightning Pose 2.4.3 and its app take them.

The rules are those of ``data/datasets.py`` (which file a session gets), ``data/cameras.py`` and aniposelib's
``CameraGroup.load`` (what a file must hold), and of the app's ``routes/validate_files.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from dlc2lp.limits import SMALL_TEXT_BYTES
from dlc2lp.lp.calibration import CALIBRATION_FILE, CALIBRATIONS
from dlc2lp.lp.calibration_reading import parse_calibration
from dlc2lp.lp.check_labels import TargetLabels, error
from dlc2lp.lp.stills import BadImage, read_still
from dlc2lp.model import Camera, Finding
from dlc2lp.wording import some

#: Images of a session and view that are looked at before their size is said to be another than the camera's.
_N_LOOKED_AT = 24


def check_calibration(target: Path, views: Sequence[str], files: Sequence[TargetLabels]) -> Iterator[Finding]:
    """Return what is wrong with the calibrations of a multi-view project, given its views and label files."""
    if not views:
        return  # nobody reads them
    shared = [CALIBRATION_FILE] if (target / CALIBRATION_FILE).exists() else []
    own = [f"{CALIBRATIONS}/{path.name}" for path in sorted((target / CALIBRATIONS).glob("*.toml"))]
    cameras: dict[str, tuple[Camera, ...]] = {}
    for name in (*shared, *own):
        cameras[name], findings = _read(target, name, views)
        yield from findings
    images = _images(files)
    sessions = list(dict.fromkeys(session for session, _ in images))
    used = {session: f"{CALIBRATIONS}/{session}.toml" for session in sessions}
    used = {session: name if name in own else CALIBRATION_FILE for session, name in used.items()}
    without = [session for session, name in used.items() if name not in cameras]
    if without and len(without) < len(sessions):
        message = f"found no calibration for {some(without)}; Lightning Pose takes one for every session or none at all"
        yield error("target-calibration-partial", CALIBRATIONS, message)
    yield from _check_sizes(target, used, cameras, images)


def _read(target: Path, name: str, views: Sequence[str]) -> tuple[tuple[Camera, ...], list[Finding]]:
    """Return the cameras of a file, none where something is wrong with it."""
    try:
        parsed = parse_calibration(SMALL_TEXT_BYTES.read_text(target / name), name)
    except (OSError, UnicodeDecodeError) as cause:
        advice = getattr(cause, "advice", "")
        return (), [error("target-calibration-invalid", name, f"can't be read: {cause}", "", advice)]
    if parsed.findings:
        return (), [error("target-calibration-invalid", name, told.message, told.where) for told in parsed.findings]
    findings = []
    found = [camera.name for camera in parsed.cameras]
    if found != list(views):
        message = f"found the cameras {some(found)}, expected the views in their order: {some(views)}"
        findings.append(error("target-calibration-views", name, message))
    counts = {camera.name: len(camera.distortions) for camera in parsed.cameras}
    if len(set(counts.values())) > 1:
        each = ", ".join(f"{camera} {n}" for camera, n in counts.items())
        findings.append(error("target-calibration-invalid", name, f"expected as many distortions each, found {each}"))
    findings += [
        error("target-calibration-invalid", name, f"found no size of {camera.name}, expected [width, height]", "size")
        for camera in parsed.cameras
        if camera.size_px is None
    ]
    return (() if findings else parsed.cameras), findings


def _images(files: Iterable[TargetLabels]) -> Mapping[tuple[str, str], list[str]]:
    """(session, view) -> its labeled images."""
    found: dict[tuple[str, str], list[str]] = {}
    for file in files:
        for image in file.images:
            folder = image.split("/")[-2] if "/" in image else ""
            found.setdefault((folder.removesuffix(f"_{file.view}"), file.view), []).append(image)
    return found


def _check_sizes(
    target: Path,
    used: Mapping[str, str],
    cameras: Mapping[str, Sequence[Camera]],
    images: Mapping[tuple[str, str], Sequence[str]],
) -> Iterator[Finding]:
    """Compare the cameras' sizes with those of their images, told once for each camera of a file."""
    wrong: dict[tuple[str, str], list[str]] = {}
    for session, name in used.items():
        for camera in cameras.get(name, ()):
            other_px = _other_size(target, camera, images.get((session, camera.name), ()))
            if other_px is not None and camera.size_px is not None:
                one, other = ("{}x{} px".format(*size_px) for size_px in (camera.size_px, other_px))
                message = f"found the size {one} of {camera.name}, and its images have {other}"
                wrong.setdefault((name, message), []).append(session)
    for (name, message), sessions in wrong.items():
        yield error("target-calibration-size", name, f"{message} (width x height) in {some(sessions)}")


def _other_size(target: Path, camera: Camera, images: Sequence[str]) -> tuple[int, int] | None:
    """Return the images' size where none has the camera's; one odd image among them is no fault of the calibration."""
    sizes = []
    for image in images[:_N_LOOKED_AT]:
        try:
            still = read_still(target / image, whole=False)
        except (BadImage, OSError, ValueError):
            continue  # told elsewhere
        sizes.append((still.width_px, still.height_px))
        if sizes[-1] == camera.size_px:
            return None
    return sizes[0] if sizes else None
