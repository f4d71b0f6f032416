"""The part of planning that gives every recording of several cameras its calibration. Pure."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from dlc2lp.errors import SourceRefused
from dlc2lp.lp.calibration import calibration_files, level_lenses, render_calibration
from dlc2lp.lp.view_cameras import cameras_of_views, fit_to_images, turned
from dlc2lp.model import Camera, Finding, Setting, Severity, VideoInfo, by_severity
from dlc2lp.planning.frames import ViewImages
from dlc2lp.survey.calibrations import Calibration, Calibrations
from dlc2lp.survey.session_ties import Picture
from dlc2lp.video.encoding import displayed_size
from dlc2lp.wording import some


@dataclasses.dataclass(frozen=True)
class PlannedCalibrations:
    """The calibration files of a target."""

    files: Mapping[str, str]  #: Text by path; empty unless every recording has one.
    origins: Mapping[str, str]  #: The source's file by path.
    findings: tuple[Finding, ...] = ()  #: What a person should know.


def plan_calibrations(
    found: Calibrations, views: Sequence[ViewImages], recordings: Sequence[str], names: Mapping[str, str]
) -> PlannedCalibrations:
    """Decide on the calibration files of a target; none unless every recording with labeled frames has one.

    ``names`` holds what each recording is called in the target, also those without labeled frames. Raises SourceRefused
    where a person named calibrations, and they fit no recording or not all.
    """
    if not found.files:
        return PlannedCalibrations({}, {})
    of_name = found.by_session
    # A recording's own calibration, by either of its names, else that of all.
    used = {each: of_name.get(each) or of_name.get(names[each]) or found.for_all for each in recordings}
    strangers = {name: each for name, each in found.by_session.items() if name not in {*names, *names.values()}}
    findings = list(found.for_all.findings) if found.for_all else []
    findings += [finding for each in found.by_session.values() if each in used.values() for finding in each.findings]
    fits_none = not any(used.values())
    if strangers:
        is_refused = found.is_chosen and (fits_none or any(each.is_named for each in strangers.values()))
        severity = Severity.ERROR if is_refused else Severity.WARNING if fits_none else Severity.NOTE
        told = _fits_no_session(severity, strangers.values(), names.values())
        if is_refused:
            raise SourceRefused(told, *by_severity(findings))
        findings.append(told)
    texts: dict[str, str | None] = {}
    for recording, calibration in used.items():
        text, told_of = _text(calibration, views, recording) if calibration else (None, [])
        texts[names[recording]] = text
        findings += told_of
    files, lacking = calibration_files(texts)
    findings = list(dict.fromkeys([*findings, *lacking]))
    if found.is_chosen and not files and not any(each.severity is Severity.ERROR for each in findings):
        raise SourceRefused(*_as_refusal(found, findings))
    of_text = {texts[names[recording]]: str(calibration.path) for recording, calibration in used.items() if calibration}
    return PlannedCalibrations(files, {path: of_text[text] for path, text in files.items()}, tuple(findings))


def _fits_no_session(severity: Severity, strangers: Iterable[Calibration], sessions: Iterable[str]) -> Finding:
    files = some(str(each.path) for each in strangers)
    message = f"named like no session, expected <session>.toml of {some(dict.fromkeys(sessions))}"
    advice, setting = (
        "name each file like its session, or give one file for all with {}",
        Setting("calibration", ("FILE",)),
    )
    return Finding(severity, "calibration-unused", files, message, advice=advice, remedies=(setting,))


def _as_refusal(found: Calibrations, findings: Iterable[Finding]) -> list[Finding]:
    """Say why calibrations that a person named give nothing."""
    raised = {severity: severity for severity in Severity} | {Severity.WARNING: Severity.ERROR}
    refused = [dataclasses.replace(each, severity=raised[each.severity]) for each in findings]
    if any(each.severity is Severity.ERROR for each in refused):
        return by_severity(refused)
    files = some(map(str, found.files))
    message = "was given as the calibration, and gives none"
    return [
        Finding(
            Severity.ERROR,
            "calibration-unused",
            files,
            message,
            advice="leave {} out",
            remedies=(Setting("calibration"),),
        ),
        *refused,
    ]


def _text(calibration: Calibration, views: Sequence[ViewImages], recording: str) -> tuple[str | None, list[Finding]]:
    """Return the calibration of one recording, None where it can't be had, and what a person should know of it."""
    if not calibration.cameras:
        return None, []
    origin = str(calibration.path)
    names = {view.name: (view.view.name,) for view in views}
    chosen, told = cameras_of_views(calibration.cameras, names, origin)
    findings, fitted = list(told), list[Camera]()
    for view, camera in zip(views, chosen, strict=False):
        straight, turning = _straightened(view, recording, camera, origin)
        findings += turning
        result = straight if isinstance(straight, Finding) else _fitted(view, recording, straight)
        if isinstance(result, Finding):
            findings.append(dataclasses.replace(result, where=origin))
        else:
            fitted.append(result)
    if len(fitted) < len(views):
        return None, findings
    level = level_lenses(fitted, origin)
    if isinstance(level, Finding):
        return None, [*findings, level]
    return render_calibration(level), findings


def _picture(view: ViewImages, recording: str) -> tuple[VideoInfo, Picture, int] | None:
    """Return a recording's video, what its images show of it and the turn of that; None where that is not known."""
    video = view.videos.get(recording)
    # What the images show, also where --crop never leaves the video whole.
    picture = video.tie.picture if video is not None and video.tie is not None else None
    if video is None or video.info is None or picture is None or picture.turn_deg is None:
        return None
    return video.info, picture, picture.turn_deg


def _straightened(
    view: ViewImages, recording: str, camera: Camera, origin: str
) -> tuple[Camera | Finding, list[Finding]]:
    """Return the camera turned like the images of one recording, and what to say of that."""
    known = _picture(view, recording)
    if known is None or not view.images.get(recording):
        return camera, []
    info, _, to_deg = known
    shown_px, whole_px = displayed_size(info), displayed_size(info, to_deg)
    turn_deg = (to_deg - info.rotation_deg) % 360
    # One that was made with images turned like these, or with parts of them, says so by its size.
    if not turn_deg or camera.size_px not in (None, shown_px):
        return camera, []
    result = turned(camera, turn_deg, shown_px)
    if isinstance(result, Finding):
        return result, []
    is_sure = camera.size_px not in (None, whole_px)
    return result, [_turned(camera.name, recording, turn_deg, origin, is_sure=is_sure)]


def _fitted(view: ViewImages, recording: str, camera: Camera) -> Camera | Finding:
    """Return the camera as it is for the images of one recording, which may be parts of the video's picture."""
    sizes = Counter((image.info.width_px, image.info.height_px) for image in view.images.get(recording, {}).values())
    if not sizes:
        return camera
    image_px, _ = sizes.most_common(1)[0]
    known = _picture(view, recording)
    crop = known[1].crop if known else None
    if known is None or crop is None:
        return fit_to_images(camera, image_px)
    info, _, turn_deg = known
    return fit_to_images(camera, image_px, offset_px=(crop.x_px, crop.y_px), full_px=displayed_size(info, turn_deg))


def _turned(view: str, recording: str, turn_deg: int, origin: str, *, is_sure: bool) -> Finding:
    """Say that a calibration was turned; by the pictures' size alone that can't be seen after a half turn."""
    message = (
        f"the labeled images of {recording} are turned by {turn_deg} degrees clockwise against the video as players "
        "show it, and the camera's calibration was turned likewise"
    )
    if is_sure:
        return Finding(Severity.NOTE, "calibration-turned", view, message, origin)
    message += ", as it was made with the video's pictures"
    advice = (
        "if it was made with pictures that were turned like the labeled images, turn the video likewise and run again"
    )
    return Finding(Severity.WARNING, "calibration-turned", view, message, origin, advice)
