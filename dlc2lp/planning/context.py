"""The part of planning that has frames cut out of videos: the neighbors of labeled frames, and what a view lacks. Pure.

Lightning Pose's context models (``heatmap_mhcrnn``) look at the two frames on either side of a labeled one. They find
them by name (``get_context_img_paths`` in ``lightning_pose/utils/io.py``): the first group of digits of the labeled
frame's name, counted down and up by 2, never below 0, in as many digits. What is not there, as beyond the end of a
video, is replaced by the labeled frame itself. Neighbors are in no label file.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from pathlib import PurePosixPath

from dlc2lp.model import Finding, Severity, VideoInfo
from dlc2lp.planning.steps import ExtractedFrame, ExtractFrames
from dlc2lp.survey.session_ties import SessionTie
from dlc2lp.video.ties import Tie
from dlc2lp.wording import counted, some

#: Frames on either side that Lightning Pose looks at.
N_NEIGHBORS = 2

#: Images are compressed by content; a neighbor is hardly larger than its labeled frame.
_SPARE_SHARE = 1.25

_DIGITS = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class RowFrame:
    """A frame that has a row of labels, and where it stands in its video."""

    target: str  #: Path of its image in the target.
    index: int  #: 0-based index of the video frame that it is.
    part: int  #: Which of the tie's parts tells where in the picture it lies.
    is_cut: bool = False  #: Whether the image itself is to be cut from the video.


def can_be_cut(part: Tie) -> bool:
    """Whether frames can be cut like images; of images at another size than the video's no pixel has a place in it."""
    return part.size_px is not None and part.rotation_deg is not None and not part.scaled


def no_context(sessions: Sequence[str]) -> Finding:
    """Say which sessions have no context frames."""
    message = (
        f"{some(sessions)}: no labeled frame is proven to be a frame of a video here, so no context frames are cut; "
        "models without context are not concerned"
    )
    return Finding(Severity.NOTE, "no-context-frames", counted(len(sessions), "session"), message)


def cut_steps(
    session: str,
    rows: Iterable[RowFrame],
    tie: SessionTie,
    info: VideoInfo,
    taken: Iterable[str],
    sizes_bytes: Sequence[int],
    *,
    with_neighbors: bool = True,
) -> Iterator[ExtractFrames]:
    """Plan what is cut for one session, called so in the target; one step for each part of the picture it shows.

    ``rows`` are its frames that have a row, ``taken`` the paths of images in the target, which are never replaced. By
    the sizes of some of its images the space is estimated. Without neighbors only the rows' own images are cut.
    """
    groups: dict[int, list[RowFrame]] = defaultdict(list)
    for row in rows:
        groups[row.part].append(row)
    there = {*taken, *(row.target for group in groups.values() for row in group)}
    for number, group in groups.items():
        part = tie.parts[number]
        if part.size_px is None or not can_be_cut(part):
            continue
        wanted = {row.target: row.index for row in group if row.is_cut}
        if with_neighbors:
            neighbors = {
                path: index for path, index in _neighbors(group, info.n_frames, there).items() if index not in info.held
            }
            wanted |= neighbors
            there |= neighbors.keys()
        if not wanted:
            continue
        yield ExtractFrames(
            session=session,
            source=tie.video,
            size_bytes=info.size_bytes,
            n_frames=info.n_frames,
            width_px=part.size_px[0],
            height_px=part.size_px[1],
            turn_deg=part.rotation_deg,
            crop=part.crop,
            image_bytes=round(_SPARE_SHARE * sum(sizes_bytes) / max(1, len(sizes_bytes))),
            frames=tuple(ExtractedFrame(index, target) for target, index in sorted(wanted.items())),
            colors=part.colors if part.gain is not None else tie.colors,
            held=info.held,
        )


def _neighbors(rows: Iterable[RowFrame], n_frames: int, taken: set[str]) -> dict[str, int]:
    """Return the index of each neighbor by its path in the target; what is an image of the source is left alone.

    Two labeled frames may want one name for two frames where names keep DeepLabCut's numbers (``--frame-names keep``)
    and these are not those of the frames: then neither gets it, and Lightning Pose takes the labeled frame instead.
    """
    wanted: dict[str, set[int]] = defaultdict(set)
    for row in rows:
        for path, step in neighbor_paths(row.target):
            if path not in taken and 0 <= row.index + step < n_frames:
                wanted[path].add(row.index + step)
    return {path: indices.pop() for path, indices in wanted.items() if len(indices) == 1}


def lacks_neighbors(image: str, row: RowFrame | None, n_frames: int | None, there: Set[str]) -> bool:
    """Whether a labeled frame lacks a neighbor that its video has, if it is known which frame of which video it is.

    ``there`` are all images of the target.
    """
    last = math.inf if row is None or n_frames is None else n_frames - 1 - row.index
    return any(path not in there and step <= last for path, step in neighbor_paths(image))


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
