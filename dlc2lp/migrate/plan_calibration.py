"""The part of planning that gives every recording of several cameras its calibration. Pure."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence

from dlc2lp.lp.calibration import cameras_of_views, fit_to_images, place_calibrations, render_calibration
from dlc2lp.migrate.survey_views import Calibrations
from dlc2lp.migrate.view_frames import ViewImages
from dlc2lp.model import Camera, Finding
from dlc2lp.video.encoding import displayed_size


def calibration_files(
    found: Calibrations, views: Sequence[ViewImages], recordings: Sequence[str], names: Mapping[str, str]
) -> tuple[dict[str, str], list[Finding]]:
    """Return the calibration files of a target by path; none unless every recording has one.

    Parameters
    ----------
    found
        What the sources say of the cameras.
    views
        The views in order.
    recordings
        Those that have labeled frames.
    names
        What each recording is called in the target.
    """
    if not found.for_all and not found.by_session:
        return {}, []
    findings: list[Finding] = []
    texts = {names[recording]: _text(found, views, recording, findings) for recording in recordings}
    files, told = place_calibrations(texts)
    return files, list(dict.fromkeys([*findings, *told]))


def _text(found: Calibrations, views: Sequence[ViewImages], recording: str, findings: list[Finding]) -> str | None:
    """Return the calibration of one recording."""
    cameras = found.by_session.get(recording) or found.for_all
    if not cameras:
        return None
    chosen, told = cameras_of_views(cameras, {view.name: (view.view.name,) for view in views}, found.origin)
    findings += told
    fitted = []
    for view, camera in zip(views, chosen, strict=False):
        result = _fitted(view, recording, camera)
        if isinstance(result, Finding):
            findings.append(dataclasses.replace(result, where=found.origin))
        else:
            fitted.append(result)
    return render_calibration(fitted) if len(fitted) == len(views) else None


def _fitted(view: ViewImages, recording: str, camera: Camera) -> Camera | Finding:
    """Return the camera as it is for the images of one recording, which may be parts of the video's picture."""
    sizes = Counter((image.info.width_px, image.info.height_px) for image in view.images.get(recording, {}).values())
    if not sizes:
        return camera
    image_px, _ = sizes.most_common(1)[0]
    video = view.videos.get(recording)
    # What the images show, also where --crop never leaves the video whole.
    picture = video.tie.picture if video is not None and video.tie is not None else None
    if video is None or video.info is None or picture is None or picture.crop is None:
        return fit_to_images(camera, image_px)
    whole_px = displayed_size(video.info, picture.turn_deg)
    return fit_to_images(camera, image_px, offset_px=(picture.crop.x_px, picture.crop.y_px), full_px=whole_px)
