"""The part of planning that decides what is done to each video, and what it is called afterwards. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from dlc2lp.files import mark_of
from dlc2lp.lp.names import unique_sessions
from dlc2lp.model import Finding, VideoInfo
from dlc2lp.options import Link
from dlc2lp.planning.plan import PlannedSession, PlannedVideo, VideoFacts
from dlc2lp.planning.steps import EncodeVideo, PlaceVideo, RemuxVideo, Step, VideoStep
from dlc2lp.survey.measure_videos import SurveyedVideo
from dlc2lp.survey.session_ties import Picture
from dlc2lp.video.encoding import EncodeSettings, Treatment, encoded_size

#: Threads of a video that is all there is to encode; more gain hardly anything.
_MOST_THREADS = 4


@dataclass(frozen=True)
class NamedVideo:
    """A video and how it is called in the target."""

    video: SurveyedVideo  #: The video, measured.
    name: str  #: Its name in the target, without suffix.
    view: str = ""  #: Its view; empty in a single-view project.


@dataclass(frozen=True)
class PlannedVideos:
    """What becomes of the videos, the steps that make them, and what a person should know."""

    videos: tuple[PlannedVideo, ...]
    steps: tuple[Step, ...]
    findings: tuple[Finding, ...] = ()


def plan_videos(named: Sequence[NamedVideo], settings: EncodeSettings, link: Link) -> PlannedVideos:
    """Decide on every video that can be read. Raises UsageError where an encode setting is impossible."""
    all_pixels = sum(_pixels(each.video) for each in named)
    planned: list[PlannedVideo] = []
    steps: list[Step] = []
    for each in named:
        video = each.video
        if video.info is None or video.treatment is None:
            continue
        target = f"videos/{each.name}.mp4"
        threaded = replace(settings, threads=_threads(_pixels(video), all_pixels))
        step = _video_step(video.info, video.treatment, video.picture, target, threaded, link)
        steps.append(replace(step, digest=mark_of(video.digest)))
        planned.append(
            PlannedVideo(
                str(video.path),
                target,
                video.treatment.action,
                tuple(reason.message for reason in video.treatment.reasons),
                video.info.n_frames,
                video.info.size_bytes,
                video.session,
                video.picture.turn_deg,
                video.picture.crop,
                each.view,
                video.info.held,
                video.info.trimmed_to,
                VideoFacts.of(video.info),
            )
        )
    return PlannedVideos(tuple(planned), tuple(steps))


def _pixels(video: SurveyedVideo) -> int:
    """Return how many pixels of a video are to be encoded; 0 where it need not be."""
    if video.info is None or video.treatment is None or video.treatment.action != "encode":
        return 0
    width, height = encoded_size(video.info, crop=video.picture.crop, turn_deg=video.picture.turn_deg)
    return video.info.n_frames * width * height


def _threads(pixels: int, all_pixels: int) -> int:
    """Return how many threads encode a video: one, unless it is so large a part of the work that all would wait for it.

    Several videos at a time with one thread each are 1.3 times as fast on two cores as one after the other with all
    threads. The rule must not look at the machine: x264's bytes depend on the number of threads, and the same plan
    gives the same bytes on a laptop and in a cluster.
    """
    return max(1, _MOST_THREADS * pixels // all_pixels) if all_pixels else 1


def name_videos(videos: Sequence[SurveyedVideo], sessions: Sequence[PlannedSession]) -> list[NamedVideo]:
    """Give each video of a single-view project the name of its session, or one that no other has."""
    targets = {session.source: session.target for session in sessions if session.target}
    session_of = {video.stem: video.session for video in videos if video.session in targets}
    taken = {target.lower() for target in targets.values()}
    # A video without a session may be called like the safe name of another one: "m-1" beside the session "m.1".
    stems = [video.stem for video in videos]
    others = {stem: f"{stem} video" if stem.lower() in taken else stem for stem in stems if stem not in session_of}
    free = unique_sessions([*targets.values(), *others.values()])
    names = {stem: targets[session_of[stem]] if stem in session_of else free[others[stem]] for stem in stems}
    return [NamedVideo(video, names[video.stem]) for video in videos]


def _video_step(
    info: VideoInfo, treatment: Treatment, picture: Picture, target: str, settings: EncodeSettings, link: Link
) -> VideoStep:
    rate = f"{info.frame_rate.numerator}/{info.frame_rate.denominator}"
    source, n_bytes, n_frames = str(info.path), info.size_bytes, info.n_frames
    if treatment.action == "place":
        return PlaceVideo(source, target, n_bytes, n_frames, link)
    if treatment.action in {"remux", "rewrite"}:
        encoded = asdict(settings) | {"trimmed_to": info.trimmed_to}
        return RemuxVideo(source, target, n_bytes, n_frames, treatment.action, rate, **encoded)
    width_px, height_px = encoded_size(info, crop=picture.crop, turn_deg=picture.turn_deg)
    shown: dict[str, Any] = {"turn_deg": picture.turn_deg, "crop": picture.crop, "colors": picture.colors}
    shown |= {"width_px": width_px, "height_px": height_px, "held": info.held, "trimmed_to": info.trimmed_to}
    return EncodeVideo(source, target, n_bytes, n_frames, rate=rate, **asdict(settings), **shown)
