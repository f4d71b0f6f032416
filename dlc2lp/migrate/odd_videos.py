"""Images that do not fit the video of their name: cut out of it, of another one, beyond its end. Told, never changed.

Labels are in pixels of the image and stay so; but whoever cuts further frames out of the video must know. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

from dlc2lp.dlc.config import DlcConfig
from dlc2lp.dlc.labels import frame_index
from dlc2lp.migrate.choose import ChosenSession
from dlc2lp.migrate.locate import pair_names
from dlc2lp.migrate.survey import SurveyedVideo
from dlc2lp.model import Finding, ImageInfo, Severity, VideoInfo

#: Where OpenCV reads a cropped frame in relative coordinates, a bound is one pixel smaller (DeepLabCut since 2.3).
_CROP_TOLERANCE_PX = 1

Crop = tuple[int, int, int, int]


def odd_videos(
    sessions: Sequence[ChosenSession], videos: Sequence[SurveyedVideo], config: DlcConfig | None
) -> list[Finding]:
    """Compare the images of each session with the video of its name.

    Parameters
    ----------
    sessions
        The project's folders.
    videos
        The videos that are migrated, measured.
    config
        The project's configuration, whose crops may explain the images' sizes.
    """
    by_name = {chosen.session.name: chosen for chosen in sessions}
    pairs = pair_names([video.stem for video in videos], by_name)
    crops = _crops(config, by_name)
    findings = []
    for video in videos:
        if video.info is not None and video.stem in pairs:
            session = by_name[pairs[video.stem]].session
            images = [image for name, image in session.images.items() if name not in session.random_crops]
            findings += _odd_sizes(session.name, images, video.info, crops.get(session.name))
            findings += _beyond_the_end(session.name, images, video.info)
    return findings


def _crops(config: DlcConfig | None, sessions: dict[str, ChosenSession]) -> dict[str, Crop]:
    """The crop of each session that the configuration has one for; it alone does not say that it was used."""
    entries = config.video_sets if config else ()
    pairs = pair_names([entry.stem for entry in entries], sessions)
    return {pairs[entry.stem]: entry.crop for entry in entries if entry.crop and entry.stem in pairs}


def _odd_sizes(session: str, images: Sequence[ImageInfo], info: VideoInfo, crop: Crop | None) -> list[Finding]:
    """Images of another size than the video's frames as a player shows them, and so as OpenCV reads them."""
    width_px, height_px = info.width_px, info.height_px
    if info.rotation_deg in {90, 270}:
        width_px, height_px = height_px, width_px
    groups: dict[str, list[ImageInfo]] = {}
    for image in images:
        if (image.width_px, image.height_px) != (width_px, height_px):
            fits = image.width_px <= width_px and image.height_px <= height_px
            groups.setdefault("images-smaller-than-video" if fits else "images-larger-than-video", []).append(image)
    why = {
        "images-smaller-than-video": "they were cut out of it, or it is another video",
        "images-larger-than-video": "it is another video, or was scaled down since",
    }
    return [
        Finding(
            Severity.WARNING,
            code,
            session,
            f"found {len(odd)} images of {_sizes(odd)}, and a video of {width_px}x{height_px}: "
            f"{_explained_by(crop, odd)}{why[code]}; their labels stay where they are",
            where=f"{odd[0].path.name}, {info.path}",
            hint="compare the images with the video before you train on more of its frames",
        )
        for code, odd in groups.items()
    ]


def _sizes(images: Sequence[ImageInfo]) -> str:
    return " and ".join(dict.fromkeys(f"{image.width_px}x{image.height_px}" for image in images))


def _explained_by(crop: Crop | None, images: Sequence[ImageInfo]) -> str:
    if crop is None:
        return ""
    x1, x2, y1, y2 = crop
    same = all(
        abs(image.width_px - (x2 - x1)) <= _CROP_TOLERANCE_PX and abs(image.height_px - (y2 - y1)) <= _CROP_TOLERANCE_PX
        for image in images
    )
    return f"the size of the crop {x1}, {x2}, {y1}, {y2} in config.yaml; " if same else ""


def _beyond_the_end(session: str, images: Sequence[ImageInfo], info: VideoInfo) -> list[Finding]:
    """Images whose number no frame of the video has."""
    beyond = [image for image in images if (frame_index(image.path.name) or 0) >= info.n_frames]
    if not beyond:
        return []
    return [
        Finding(
            Severity.WARNING,
            "frame-beyond-video",
            session,
            f"found {len(beyond)} images whose number is beyond the video's {info.n_frames} frames; it was cut or "
            "replaced since, or is another one",
            where=f"{beyond[0].path.name}, {info.path}",
            hint="if there is a longer one, put its path into video_sets of config.yaml",
        )
    ]
