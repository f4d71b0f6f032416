"""Where the labeled images show other colours or another brightness than Lightning Pose sees in their video. Pure.

The network learns on the images and predicts on the video, so both should look alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from dlc2lp.model import Finding, Severity
from dlc2lp.survey.measure_videos import SurveyedVideo
from dlc2lp.video.colors import as_opencv_reads, has_matrix, tagged
from dlc2lp.video.ties import Tie
from dlc2lp.wording import counted, some

#: What a network hardly notices: a few percent of contrast, and of the 255 levels of brightness.
_GAIN_OFF, _OFFSET_OFF = 0.06, 8.0
#: Levels of red, green and blue that neither coding nor noise puts between an image and its frame.
_COLORS_APART = 30.0


def odd_colors(videos: Sequence[SurveyedVideo]) -> list[Finding]:
    """Tell of other readings of colours once for all videos that share one, of brightness for each session."""
    read = [video for video in videos if video.info and video.tie and any(part.gain for part in video.tie.parts)]
    return [*_other_readings(read), *_tags_not_followed(read), *_brightness(read)]


def _other_readings(videos: Iterable[SurveyedVideo]) -> list[Finding]:
    def says(video: SurveyedVideo) -> str:
        if video.picture.colors is None or video.info is None:
            return ""
        usual = as_opencv_reads(video.info.pixel_format)
        return (
            f"the labeled images show its colors as {video.picture.colors}, where Lightning Pose's readers (OpenCV, "
            f"DALI) would take {usual}; the video is encoded so that they see what the images show, and context frames "
            "are cut likewise"
        )

    return _grouped("colors-converted", videos, says)


def _tags_not_followed(videos: Iterable[SurveyedVideo]) -> list[Finding]:
    def says(video: SurveyedVideo) -> str:
        if video.picture.colors is not None or video.info is None or not has_matrix(video.info.pixel_format):
            return ""
        asked, usual = tagged(video.info), as_opencv_reads(video.info.pixel_format)
        if asked == usual:
            return ""
        return (
            f"its tags ask for {asked}, but the labeled images show {usual}, as OpenCV 4 reads it, with which "
            "DeepLabCut cut them and Lightning Pose reads videos; context frames are cut likewise"
        )

    return _grouped("color-tags-not-followed", videos, says)


def _grouped(code: str, videos: Iterable[SurveyedVideo], says: Callable[[SurveyedVideo], str]) -> list[Finding]:
    """One note for all videos of which the same is to be said."""
    told: dict[str, list[str]] = {}
    for video in videos:
        if words := says(video):
            told.setdefault(words, []).append(video.session or video.stem)
    return [
        Finding(Severity.NOTE, code, names[0] if len(names) == 1 else counted(len(names), "session"), message, where)
        for message, names in told.items()
        for where in ("" if len(names) == 1 else some(names),)
    ]


def _brightness(videos: Iterable[SurveyedVideo]) -> list[Finding]:
    findings = []
    for video in videos:
        for part in video.tie.parts if video.tie else ():
            if words := _off(part):
                message = (
                    f"its labeled images, {part.farthest} most of all, have {words} Lightning Pose sees in the video, "
                    "so the network would learn on other pictures than it predicts on"
                )
                advice = (
                    "if the images were brightened or cut from another copy of the video, put that copy into "
                    "video_sets of config.yaml, or extract the frames again from this one"
                )
                where = str(video.path)
                findings.append(Finding(Severity.WARNING, "brightness-differs", video.session, message, where, advice))
    return findings


def _off(part: Tie) -> str:
    """How the images differ from their frames, in words; empty where they hardly do."""
    if part.gain is None or part.offset is None:
        return ""
    # The offset where most pixels are, and not at black, where a change of contrast alone makes one.
    level = part.offset + (part.gain - 1) * 128
    contrast, brightness = round(100 * (part.gain - 1)), round(level)
    words = []
    if abs(part.gain - 1) > _GAIN_OFF:
        words.append(f"{abs(contrast)} % {'more' if contrast > 0 else 'less'} contrast")
    if abs(level) > _OFFSET_OFF:
        words.append(f"{counted(abs(brightness), 'gray level')} {'more' if level > 0 else 'less'} brightness")
    if part.apart is not None and part.apart > _COLORS_APART:
        words.append(f"other colors, {round(part.apart)} levels away on average,")
    return " and ".join(words) + " than" if words else ""
