"""The part of planning that has the neighbors of labeled frames cut from their video. Pure.

Lightning Pose's context models (``heatmap_mhcrnn``) look at the two frames on either side of a labeled one. They find
them by name (``get_context_img_paths`` in ``lightning_pose/utils/io.py``): the first group of digits of the labeled
frame's name, counted down and up by 2, never below 0, in as many digits. What is not there, as beyond the end of a
video, is replaced by the labeled frame itself. Neighbors are in no label file.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from dlc2lp.migrate.plan import ExtractedFrame, ExtractFrames, PlannedFrame, PlannedSession
from dlc2lp.migrate.plan_frames import Draft
from dlc2lp.migrate.survey import SurveyedVideo
from dlc2lp.migrate.ties import SessionTie
from dlc2lp.model import Finding, ImageInfo, Severity, VideoInfo

#: Frames on either side that Lightning Pose looks at.
N_NEIGHBORS = 2

#: Images are compressed by content; a neighbor is hardly larger than its labeled frame.
_SPARE_SHARE = 1.25

_DIGITS = re.compile(r"[0-9]+")
_LISTED = 5


def add_context(draft: Draft, videos: Iterable[SurveyedVideo], images: Mapping[tuple[str, str], ImageInfo]) -> None:
    """Plan the neighbors of all labeled frames that were proven to be a frame of their session's video.

    Parameters
    ----------
    draft
        Its sessions are looked at; steps and findings are added.
    videos
        The videos, compared with the images.
    images
        Images by DeepLabCut's folder and file name.
    """
    video_of = {video.session: video for video in videos if video.session}
    without: list[str] = []
    for session in draft.sessions:
        labeled = [frame for frame in session.frames if frame.state in {"labeled", "test"}]
        video = video_of.get(session.source)
        proven = [frame for frame in labeled if frame.video_frame_index is not None]
        if labeled and (video is None or not proven):
            without.append(session.source)
        if video is not None and video.info is not None and video.tie is not None and proven:
            draft.steps += _steps(session, proven, video.tie, video.info, images)
    if without:
        draft.findings.append(_no_context(without))


def _no_context(sessions: list[str]) -> Finding:
    more = f" and {len(sessions) - _LISTED} more" if len(sessions) > _LISTED else ""
    return Finding(
        Severity.NOTE,
        "no-context-frames",
        f"{len(sessions)} session" + ("s" if len(sessions) > 1 else ""),
        f"{', '.join(sessions[:_LISTED])}{more}: no labeled frame is proven to be a frame of a video here, so no "
        "context frames are cut; models without context are not concerned",
    )


def _steps(
    session: PlannedSession,
    labeled: list[PlannedFrame],
    tie: SessionTie,
    info: VideoInfo,
    images: Mapping[tuple[str, str], ImageInfo],
) -> Iterator[ExtractFrames]:
    """One step for each part of the picture that labeled frames show."""
    taken = {frame.target for frame in session.frames}
    groups: dict[int, list[PlannedFrame]] = defaultdict(list)
    for frame in labeled:
        groups[tie.part_of[frame.source]].append(frame)
    for number, group in groups.items():
        part = tie.parts[number]
        # Of images at another size no pixel has a place in the video.
        if part.size_px is None or part.rotation_deg is None or part.scaled:
            continue
        wanted = _neighbors(group, info.n_frames, taken)
        taken |= wanted.keys()
        if not wanted:
            continue
        sizes = [images[session.folder, frame.source].size_bytes for frame in group]
        yield ExtractFrames(
            session=session.target,
            source=tie.video,
            size_bytes=info.size_bytes,
            n_frames=info.n_frames,
            width_px=part.size_px[0],
            height_px=part.size_px[1],
            turn_deg=part.rotation_deg,
            crop=part.crop,
            image_bytes=round(_SPARE_SHARE * sum(sizes) / len(sizes)),
            frames=tuple(ExtractedFrame(index, target) for target, index in sorted(wanted.items())),
        )


def _neighbors(labeled: Iterable[PlannedFrame], n_frames: int, taken: set[str]) -> dict[str, int]:
    """Return the index of each neighbor by its path in the target; what is an image of the source is left alone.

    Two labeled frames may want one name for two frames where names keep DeepLabCut's numbers (``--frame-names keep``)
    and these are not those of the frames: then neither gets it, and Lightning Pose takes the labeled frame instead.
    """
    wanted: dict[str, set[int]] = defaultdict(set)
    for frame in labeled:
        index = frame.video_frame_index
        for path, step in neighbor_paths(frame.target):
            if index is not None and path not in taken and 0 <= index + step < n_frames:
                wanted[path].add(index + step)
    return {path: indices.pop() for path, indices in wanted.items() if len(indices) == 1}


def neighbor_paths(path: str) -> Iterator[tuple[str, int]]:
    """Yield the path of each neighbor of a frame, as Lightning Pose forms it, and how many frames away it is."""
    name = PurePosixPath(path)
    digits = _DIGITS.search(name.stem)
    if digits is None:
        return
    number, width = int(digits.group()), len(digits.group())
    for step in range(-N_NEIGHBORS, N_NEIGHBORS + 1):
        neighbor = max(0, number + step)
        if neighbor != number:
            stem = name.stem.replace(digits.group(), f"{neighbor:0{width}d}")
            yield str(name.with_name(stem + name.suffix)), neighbor - number
