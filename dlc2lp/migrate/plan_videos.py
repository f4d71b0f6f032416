"""The part of planning that decides what is done to each video, and what it is called afterwards. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from fractions import Fraction

from dlc2lp.lp.names import unique_sessions
from dlc2lp.migrate.options import Options
from dlc2lp.migrate.plan import EncodeVideo, PlaceVideo, PlannedSession, PlannedVideo, RemuxVideo, Step
from dlc2lp.migrate.plan_frames import Draft
from dlc2lp.migrate.survey import Survey, SurveyedVideo
from dlc2lp.migrate.ties import Picture
from dlc2lp.model import VideoInfo
from dlc2lp.video.encoding import EncodeSettings, Treatment, encode_settings, encoded_size

#: Up to this many encodes run with several threads each; beyond it one thread each is faster in all.
_FEW_ENCODES = 3
_THREADS_OF_FEW = 4


def place_videos(
    survey: Survey, sessions: Sequence[PlannedSession], options: Options, draft: Draft
) -> list[PlannedVideo]:
    """Decide on every video that can be read; one that belongs to a session is called like it.

    Parameters
    ----------
    survey
        The videos, measured.
    sessions
        The sessions of the target.
    options
        What a person chose.
    draft
        The steps are added here.

    Raises
    ------
    UsageError
        An encode setting is impossible.
    """
    names = _names(survey.videos, sessions)
    encodes = sum(video.treatment is not None and video.treatment.action == "encode" for video in survey.videos)
    threads = _THREADS_OF_FEW if encodes <= _FEW_ENCODES else 1
    settings = encode_settings(
        options.profile, crf=options.crf, preset=options.preset, gop=options.gop, threads=threads
    )
    planned = []
    for video in survey.videos:
        if video.info is None or video.treatment is None:
            continue
        name = names[video.stem]
        step = _video_step(video.info, video.treatment, video.picture, f"videos/{name}.mp4", settings, options)
        draft.steps.append(step)
        planned.append(
            PlannedVideo(
                str(video.path),
                f"videos/{name}.mp4",
                video.treatment.action,
                tuple(reason.message for reason in video.treatment.reasons),
                video.info.n_frames,
                video.info.size_bytes,
                video.session,
                video.picture.turn_deg,
                video.picture.crop,
            )
        )
    return planned


def _names(videos: Sequence[SurveyedVideo], sessions: Sequence[PlannedSession]) -> dict[str, str]:
    """Return the name in the target of each video by its stem: that of its session, or one that no other has."""
    targets = {session.source: session.target for session in sessions if session.target}
    session_of = {video.stem: video.session for video in videos if video.session in targets}
    taken = {target.lower() for target in targets.values()}
    # A video without a session may be called like the safe name of another one: "m-1" beside the session "m.1".
    stems = [video.stem for video in videos]
    others = {stem: f"{stem} video" if stem.lower() in taken else stem for stem in stems if stem not in session_of}
    free = unique_sessions([*targets.values(), *others.values()])
    return {stem: targets[session_of[stem]] if stem in session_of else free[others[stem]] for stem in stems}


def _video_step(
    info: VideoInfo, treatment: Treatment, picture: Picture, target: str, settings: EncodeSettings, options: Options
) -> Step:
    rate = _rate_text(info.frame_rate)
    source = str(info.path)
    if treatment.action == "place":
        return PlaceVideo(source, target, info.size_bytes, info.n_frames, options.link)
    if treatment.action in {"remux", "rewrite"}:
        return RemuxVideo(source, target, info.size_bytes, info.n_frames, treatment.action, rate, **asdict(settings))
    width, height = encoded_size(info, crop=picture.crop, turn_deg=picture.turn_deg)
    return EncodeVideo(
        source,
        target,
        info.size_bytes,
        info.n_frames,
        width,
        height,
        rate,
        **asdict(settings),
        turn_deg=picture.turn_deg,
        crop=picture.crop,
    )


def _rate_text(rate: Fraction) -> str:
    return f"{rate.numerator}/{rate.denominator}"
