"""What the page shows of videos: each before and after, and the pair of pictures that proves its frames. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from dlc2lp.files import FileRecord
from dlc2lp.pages.model import Pair, ShownVideo, Still, VideoSide
from dlc2lp.planning.plan import Plan, PlannedVideo, VideoFacts
from dlc2lp.planning.steps import EncodeVideo, RemuxVideo, VideoStep
from dlc2lp.survey.session_ties import SessionTie, by_view
from dlc2lp.video.ties import ImageTie
from dlc2lp.wording import counted, some

#: Videos of a page, and those of them that are opened for a picture: each costs a seek.
_MOST_VIDEOS, _MOST_PAIRS = 400, 12

_DONE = {
    "place": "nothing: it is what Lightning Pose needs, and was placed as it is",
    "remux": "moved into an mp4; the coded pictures are the same, byte for byte",
    "rewrite": "moved into an mp4 with new display times; the coded pictures are the same, byte for byte",
}


def shown_videos(
    plan: Plan, records: Mapping[str, FileRecord], names: Mapping[tuple[str, str, str], str]
) -> tuple[ShownVideo, ...]:
    """Return what is shown of the videos.

    ``records`` are those of the target's files by path, ``names`` the images of the target by view, session and
    DeepLabCut's name.
    """
    steps = {step.target: step for step in plan.steps if isinstance(step, VideoStep)}
    ties = by_view(plan.ties)
    pairs = _pairs(plan, ties, records, names)
    return tuple(
        _shown(video, steps[video.target], ties.get((video.view, video.session)), records, pairs.get(video.target))
        for video in plan.videos[:_MOST_VIDEOS]
        if video.target in steps
    )


def _shown(
    video: PlannedVideo, step: VideoStep, tie: SessionTie | None, records: Mapping[str, FileRecord], pair: Pair | None
) -> ShownVideo:
    record = records.get(video.target)
    before = VideoSide(video.source, video.size_bytes, video.n_frames, **_facts(video.facts, video.source))
    after = VideoSide(
        video.target, record.size_bytes if record else None, video.n_written if record else None, **_made(video, step)
    )
    ties = tuple(dict.fromkeys(part.reason for part in tie.parts)) if tie else ()
    return ShownVideo(before, after, _done(step), video.reasons, tuple(_remarks(video)), ties, pair)


def _facts(facts: VideoFacts | None, source: str) -> dict[str, Any]:
    if facts is None:
        return {}
    suffix, names = PurePath(source).suffix.lower().removeprefix("."), facts.container.split(",")
    rate = f"{float(facts.frame_rate):.6g} fps" + ("" if facts.constant_rate else ", varies")
    return {
        "container": suffix if suffix in names else names[0],
        "codec": facts.codec,
        "pixel_format": facts.pixel_format,
        "size_px": (facts.width_px, facts.height_px),
        "rate": rate,
    }


def _made(video: PlannedVideo, step: VideoStep) -> dict[str, Any]:
    """What the step made of the video."""
    made = _facts(video.facts, "x.mp4") | {"container": "mp4"}
    if isinstance(step, RemuxVideo | EncodeVideo):
        numerator, _, denominator = step.rate.partition("/")
        made["rate"] = f"{int(numerator) / int(denominator or 1):.6g} fps"
    if isinstance(step, EncodeVideo):
        made |= {"codec": "h264", "pixel_format": "yuv420p", "size_px": (step.width_px, step.height_px)}
    return made


def _done(step: VideoStep) -> str:
    if isinstance(step, EncodeVideo):
        return (
            f"encoded frame by frame (x264 {step.preset}, crf {step.crf}, a key frame every {step.gop} frames at most)"
        )
    return _DONE[step.action if isinstance(step, RemuxVideo) else "place"]


def _remarks(video: PlannedVideo) -> Iterator[str]:
    if video.turn_deg:
        yield f"turned clockwise by {video.turn_deg} degrees, as the labeled images are"
    if video.crop:
        x, y, width, height = video.crop
        yield f"cropped to {width}x{height} at ({x}, {y}), as the labeled images are"
    if video.held:
        frames = counted(len(video.held), "frame", "frames")
        yield f"{frames} that can't be decoded held by the picture before: {some(map(str, video.held))}"
    if video.trimmed_to is not None:
        yield f"its first {video.trimmed_to} frames, as many as all views have"


def _pairs(
    plan: Plan,
    ties: Mapping[tuple[str, str], SessionTie],
    records: Mapping[str, FileRecord],
    names: Mapping[tuple[str, str, str], str],
) -> dict[str, Pair]:
    """Return the pairs that are shown by the video's path: first of those whose frame numbers did not hold."""
    tied = [
        (video, tie)
        for video in plan.videos
        if video.target in records and (tie := ties.get((video.view, video.session))) is not None
    ]
    found: dict[str, Pair] = {}
    for video, tie in sorted(tied, key=lambda each: each[1].kind == "exact"):
        if len(found) == _MOST_PAIRS:
            break
        proofs = [image for image in tie.images.values() if _is_proof(video, image, names)]
        if proofs:
            best = max(proofs, key=lambda image: (image.second_error or 0.0) - (image.best_error or 0.0))
            path = names[video.view, video.session, best.name]
            image = Still(path, records[path].digest if path in records else "")
            frame = Still(video.target, records[video.target].digest, best.frame_index, video.n_written)
            name = f"{video.session}/{best.name}"
            found[video.target] = Pair(image, frame, name, best.best_error, best.second_error)
    return found


def _is_proof(video: PlannedVideo, image: ImageTie, names: Mapping[tuple[str, str, str], str]) -> bool:
    is_shown = image.frame_index is not None and image.frame_index < video.n_written
    return image.outcome == "proven" and is_shown and (video.view, video.session, image.name) in names
