"""Whether each context frame is the frame of the target's video that its name says.

They were cut from the source's video in this process, the target's video was mostly made by ffmpeg: two witnesses.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from dlc2lp.errors import DiskTrouble, UnreadableFile, VideoFailed
from dlc2lp.model import Finding, VideoInfo
from dlc2lp.options import VerifyLevel
from dlc2lp.planning.plan import Plan, PlannedVideo
from dlc2lp.planning.steps import ExtractedFrame, ExtractFrames
from dlc2lp.run.findings import not_as_planned
from dlc2lp.video.compare import is_another
from dlc2lp.video.encoding import Crop
from dlc2lp.video.frames import small_gray_frames
from dlc2lp.video.likeness import area_average, to_gray
from dlc2lp.video.pictures import read_image
from dlc2lp.video.probe import probe
from dlc2lp.video.seeking import key_frames_before
from dlc2lp.wording import counted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Of each session are looked at where not all are, and of them behind one key frame.
_N_SAMPLES, _N_IN_GROUP = 8, 2


def check_context(plan: Plan, level: VerifyLevel) -> tuple[list[Finding], int]:
    """Compare context frames with the frames of their session's video: ``full`` all, ``sample`` some of each session.

    Returns what is wrong, and how many context frames there are.
    """
    target = Path(plan.target)
    videos = {(video.view, video.session): video for video in plan.videos if video.session}
    video_of = {session.target: videos.get((session.view, session.source)) for session in plan.sessions}
    findings: list[Finding] = []
    steps = [step for step in plan.steps if isinstance(step, ExtractFrames)]
    for step in steps:
        video = video_of.get(step.session)
        if video is None or not (target / video.target).is_file() or video.turn_deg != step.turn_deg:
            continue
        try:
            wrong = _wrong_frames(step, video, target, level)
        except (VideoFailed, UnreadableFile, DiskTrouble) as failure:
            findings += failure.findings
            continue
        if wrong:
            one = f"context frame is not the frame of {video.target} that its name says"
            many = f"context frames are not the frames of {video.target} that their names say"
            message = f"{counted(len(wrong), one, many)}: {', '.join(wrong[:3])}"
            findings.append(not_as_planned("context-frames-differ", f"labeled-data/{step.session}", message))
    return findings, sum(len(step.frames) for step in steps)


def _wrong_frames(step: ExtractFrames, video: PlannedVideo, target: Path, level: VerifyLevel) -> list[str]:
    """Return the paths of context frames that a neighboring frame of the video fits clearly better."""
    # A video that was cropped likewise has its padding on the right and below.
    crop = Crop(0, 0, step.width_px, step.height_px) if step.crop == video.crop else step.crop
    # Behind the end of a video that was trimmed there is nothing to compare with.
    frames = [frame for frame in step.frames if (target / frame.target).is_file() and frame.index < video.n_written]
    if not frames:
        return []  # that they are missing is told by who looks for every file
    path = target / video.target
    info = probe(path)
    if level != "full":
        frames = _samples(path, info, frames)
    around = {at for frame in frames for at in _around(frame) if 0 <= at < info.n_frames}
    shown: dict[int, NDArray[np.uint8]] = dict(small_gray_frames(path, info, around, crop=crop))
    return [frame.target for frame in frames if not _is_own(frame, shown, target)]


def _samples(path: Path, info: VideoInfo, frames: list[ExtractedFrame]) -> list[ExtractedFrame]:
    """Some of the frames, from all over the video: those that are reached with the least decoding."""
    frames = sorted(frames, key=lambda frame: frame.index)
    keys = key_frames_before(path, info, [frame.index for frame in frames], None)
    taken = Counter[int]()
    nearest = []
    for key, frame in zip(keys, frames, strict=True):
        taken[key] += 1
        if taken[key] <= _N_IN_GROUP:
            nearest.append(frame)
    return nearest[:: -(-len(nearest) // _N_SAMPLES)]


def _around(frame: ExtractedFrame) -> range:
    return range(frame.index - 1, frame.index + 2)


def _is_own(frame: ExtractedFrame, shown: dict[int, NDArray[np.uint8]], target: Path) -> bool:
    import numpy as np

    gray = to_gray(read_image(target / frame.target))
    errors = {}
    for at in _around(frame):
        if at in shown:
            height, width = shown[at].shape
            small = area_average(gray, width, height).astype(np.float64)
            errors[at] = float(np.mean((small - shown[at]) ** 2))
    return frame.index in errors and not is_another(errors, frame.index)
