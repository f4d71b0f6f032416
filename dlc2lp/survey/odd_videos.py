"""What comparing images with videos brought up: told, never guessed from names or from the configuration. Pure.

Labels are in pixels of the image and stay so; the video follows them.
"""

from __future__ import annotations

from collections.abc import Sequence

from dlc2lp.dlc.config import DlcConfig
from dlc2lp.model import Finding, Setting, Severity, VideoInfo
from dlc2lp.options import CropChoice
from dlc2lp.survey.measure_videos import SurveyedVideo
from dlc2lp.survey.session_ties import SessionTie
from dlc2lp.video.encoding import Crop, displayed_size
from dlc2lp.video.ties import Outcome, Tie, corrected
from dlc2lp.wording import counted, some

#: DeepLabCut since 2.3 cuts by ``int(width * (x / width))``, which can be one pixel less than the configuration says.
_CROP_TOLERANCE_PX = 1

_LISTED = 3


def odd_videos(videos: Sequence[SurveyedVideo], config: DlcConfig | None, crop: CropChoice) -> list[Finding]:
    """Tell how images and videos belong together, where that is not plain, or contradicts the configuration."""
    crops = {entry.stem: entry.crop for entry in reversed(config.video_sets) if entry.crop} if config else {}
    findings: list[Finding] = []
    for video in videos:
        if video.info is None or video.tie is None:
            continue
        findings += _numbers(video.tie, video.info, [tie.video for tie in video.denied if tie.kind == "other-video"])
        for part in video.tie.parts:
            findings += _where_shown(video, video.info, part, crop)
        findings += _several_parts(video.tie, video.info)
        findings += _against_config(video.tie, video.info, crops.get(video.stem) or crops.get(video.path.stem))
    return findings


def _numbers(tie: SessionTie, info: VideoInfo, denied: Sequence[str]) -> list[Finding]:
    """Whether DeepLabCut's numbers are those of the frames; ``denied`` are other files that were tried in vain."""
    return [*_all_numbers(tie, info, denied), *_single_numbers(tie, info)]


def _all_numbers(tie: SessionTie, info: VideoInfo, denied: Sequence[str]) -> list[Finding]:
    reason = "; ".join(part.reason for part in tie.parts if part.kind == tie.kind) or tie.parts[0].reason
    if denied and tie.kind == "other-video":
        reason += f"; so {'is' if len(denied) == 1 else 'are'} {some(denied, _LISTED)}"
    says: dict[str, tuple[Severity, str, str, str]] = {
        "shifted": (Severity.WARNING, "frames-shifted", "the new names carry the index of the frame", ""),
        "renumbered": (Severity.NOTE, "frames-renumbered", "the new names carry the index of the frame", ""),
        "other-video": (
            Severity.WARNING,
            "other-video",
            "the images keep DeepLabCut's numbers",
            "put the video that the images were cut from into video_sets of config.yaml, or name its folder with {}",
        ),
        "unknown": (Severity.NOTE, "frames-not-tied", "the images keep DeepLabCut's numbers", ""),
    }
    if tie.kind not in says:
        return []
    severity, code, then, advice = says[tie.kind]
    remedies = (Setting("video-root", ("DIR",)),) if advice else ()
    if tie.kind == "renumbered" and (wrong := corrected(tie.images.values())):
        severity, code = Severity.WARNING, "frames-partly-renumbered"
        then += f": {some([f'{image.name} is frame {image.frame_index}' for image in wrong], _LISTED)}"
        advice = (
            "compare these with the video: numbers that are off in places come from a frame that was lost, or from a "
            "wrong rate in the video's header"
        )
    return [Finding(severity, code, tie.session, f"{reason}; {then}", str(info.path), advice, remedies)]


def _single_numbers(tie: SessionTie, info: VideoInfo) -> list[Finding]:
    """The images that have no frame of their own."""
    findings = []
    beyond = _having(tie, info, "beyond-end")
    if beyond:
        images, frames = counted(len(beyond), "image"), counted(info.n_frames, "frame")
        message = (
            f"found {images} whose number is beyond the video's {frames}; it was cut or replaced since, or is another "
            "one"
        )
        where = f"{beyond[0]}, {info.path}"
        advice = "if there is a longer one, put its path into video_sets of config.yaml"
        findings.append(Finding(Severity.WARNING, "frame-beyond-video", tie.session, message, where, advice))
    elsewhere = _having(tie, info, "contradicts")
    if elsewhere:
        message = (
            f"found {counted(len(elsewhere), 'image that is', 'images that are')} clearly another frame than the one "
            f"that its number or the other images tell, and which could not be told: {some(elsewhere, _LISTED)}; "
            "DeepLabCut's numbers are kept there, in names that are no frame's"
        )
        advice = "compare with the video: a frame may have been lost there"
        findings.append(
            Finding(Severity.WARNING, "image-contradicts-number", tie.session, message, str(info.path), advice)
        )
    strange = _having(tie, info, "not-found")
    if strange and tie.kind not in {"other-video", "unknown"}:
        message = (
            f"found {counted(len(strange), 'image that is', 'images that are')} in no frame of the video, though the "
            f"rest is: {some(strange, _LISTED)}; DeepLabCut's numbers are kept there"
        )
        advice = "compare with the video: this may come from another recording"
        findings.append(Finding(Severity.WARNING, "image-not-in-video", tie.session, message, str(info.path), advice))
    return findings


def _having(tie: SessionTie, info: VideoInfo, outcome: Outcome) -> list[str]:
    """Images of which this is known; those of frames that are held, whose labels are left out, are told as such."""
    return [
        name for name, image in tie.images.items() if image.outcome == outcome and image.claimed_index not in info.held
    ]


def _where_shown(video: SurveyedVideo, info: VideoInfo, part: Tie, crop: CropChoice) -> list[Finding]:
    """Where in the video's picture the images of one size lie."""
    if part.size_px is None or part.kind == "other-video":
        return []
    shown = displayed_size(info)
    size, whole = _size(part.size_px), _size(shown)
    n = len(part.images)

    def say(severity: Severity, code: str, message: str, advice: str = "") -> list[Finding]:
        return [Finding(severity, code, video.session, message, f"{part.images[0].name}, {video.path}", advice)]

    if part.scaled:
        images = counted(n, f"image of {size}, which is a whole frame", f"images of {size}, which are whole frames")
        message = (
            f"found {images} of a video of {whole} at another size; the labels stay where they are, and no context "
            "frames are cut there"
        )
        return say(Severity.WARNING, "images-scaled", message, "use the video in the size that was labelled")
    if part.crop is not None:
        then = "the video is cropped likewise" if video.picture.crop == part.crop else "the video is left whole"
        then += " (--crop never)" if crop == "never" else ""
        images = counted(n, f"image of {size}, which is", f"images of {size}, which are")
        message = f"found {images} its part at ({part.crop.x_px}, {part.crop.y_px}) of {whole}; {then}"
        return say(Severity.NOTE, "images-cropped", message)
    if part.rotation_deg is None and part.size_px != shown and part.size_px != shown[::-1]:
        fits = part.size_px[0] <= max(shown) and part.size_px[1] <= max(shown)
        code = "images-smaller-than-video" if fits else "images-larger-than-video"
        message = (
            f"found {counted(n, 'image')} of {size} and a video of {whole}, and could not tell which part of it is "
            "shown; the labels stay where they are, and the video is left whole"
        )
        return say(
            Severity.WARNING, code, message, "compare the images with the video before you train on more of its frames"
        )
    if part.rotation_deg is not None and part.rotation_deg != info.rotation_deg:
        message = (
            f"found {counted(n, 'image that shows', 'images that show')} its stored picture turned by "
            f"{part.rotation_deg} degrees clockwise, where players turn it by {info.rotation_deg}; the video is "
            "turned likewise"
        )
        return say(Severity.NOTE, "video-turned", message)
    return []


def _size(size_px: tuple[int, int]) -> str:
    return f"{size_px[0]}x{size_px[1]}"


def _several_parts(tie: SessionTie, info: VideoInfo) -> list[Finding]:
    """Images of one session that show different parts: the video can follow only one of them."""
    if len(tie.pictures) < 2:
        return []
    crops = (picture.crop for picture in tie.pictures)
    parts = (f"{_size(crop[2:])} at ({crop.x_px}, {crop.y_px})" if crop else "all of it" for crop in crops)
    message = f"its images show {' and '.join(parts)} of the video's picture; the video is left whole"
    advice = "the network sees both; crop the images alike in DeepLabCut if that is not meant"
    return [Finding(Severity.WARNING, "crops-differ", tie.session, message, str(info.path), advice)]


def _against_config(tie: SessionTie, info: VideoInfo, configured: tuple[int, int, int, int] | None) -> list[Finding]:
    """Where the configuration says another crop than the images."""
    if configured is None or not any(part.is_proven for part in tie.parts):
        return []
    width_px, height_px = displayed_size(info, tie.picture.turn_deg)
    x1, x2, y1, y2 = configured
    said = Crop(x1, y1, x2 - x1, y2 - y1)
    whole = Crop(0, 0, width_px, height_px)
    shown = [picture.crop or whole for picture in tie.pictures]
    if not shown or any(_alike(said, crop) for crop in shown):
        return []
    message = f"config.yaml has the crop {x1}, {x2}, {y1}, {y2}, but the images"
    if shown == [whole]:
        message += " are whole frames; it is not applied"
        return [Finding(Severity.NOTE, "crop-unused", tie.session, message, str(info.path))]
    crops = (f"{x_px}, {x_px + width_px}, {y_px}, {y_px + height_px}" for x_px, y_px, width_px, height_px in shown)
    message += f" show {' and '.join(crops)}; the images decide"
    advice = "correct crop in video_sets of config.yaml, if you go on extracting frames with DeepLabCut"
    return [Finding(Severity.WARNING, "crop-differs", tie.session, message, str(info.path), advice)]


def _alike(one: Crop, other: Crop) -> bool:
    return all(abs(a - b) <= _CROP_TOLERANCE_PX for a, b in zip(one, other, strict=True))
