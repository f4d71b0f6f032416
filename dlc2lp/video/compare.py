"""Whether two videos hold the same frames, decided by looking at them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dlc2lp.errors import VideoFailed
from dlc2lp.model import VideoInfo
from dlc2lp.video.colors import Colors
from dlc2lp.video.encoding import Crop, displayed_size
from dlc2lp.video.frames import Pictures, small_gray_frames
from dlc2lp.video.seeking import behind_key_frames
from dlc2lp.wording import counted

_N_SAMPLES = 6
_NEIGHBORS = 2
#: Between key frames this near, any frame is cheap to decode.
_SHORT_INTERVAL = 24

# A frame is another one when a neighbour fits this much better. Measured on noisy scenes, still and slow, and on a
# real mouse, at crf 20 to 51: in right copies the own frame's error is at most 1.35 times the best neighbour's
# (P-frames that repeat a still picture); in copies of the mouse moved by one frame it is 23 times (crf 20) to 6 times
# (crf 28).
_BETTER_RATIO = 2.0
_BETTER_BY = 0.5  # squared grey levels: below it is coding noise
#: No encode that is worth keeping is this far from its source: 25 grey levels.
_GROSS_ERROR = 625.0


@dataclass(frozen=True)
class Comparison:
    """Whether one video holds the frames of another."""

    n_compared: int  #: How many frames of the target were compared.
    #: The largest error of a frame to its own source frame, and where; 0.0 and None if none was compared. Errors are
    #: mean squares of the differences of grey levels of small pictures.
    worst_error: float
    worst_index: int | None
    #: The first frame that is not its source frame (a neighbour fits better, or nothing fits); None if all are.
    first_mismatch: int | None
    problems: tuple[str, ...]  #: What could not be decoded.

    @property
    def agrees(self) -> bool:
        """Whether every compared frame is its source frame."""
        return self.first_mismatch is None and not self.problems


def compare_frames(
    source: Path,
    source_info: VideoInfo,
    target: Path,
    target_info: VideoInfo,
    *,
    how: Literal["sample", "full"],
    crop: Crop | None = None,
    turn_deg: int | None = None,
    colors: Colors | None = None,
    stop: threading.Event | None = None,
) -> Comparison:
    """Compare the frames of a written video with those of its source, index by index.

    Frame i of the target must look like frame i of the source, and none of the source's neighbouring frames may look
    clearly more like it. Frames of a scene in which nothing moves are equally good: that is no mismatch. ``full``
    decodes both videos whole; ``sample`` looks at the first, the last and some frames between.

    The target shows ``crop`` of the source's picture after that was turned clockwise by ``turn_deg``; None is all of
    it, turned as the source's display matrix asks. What it has to the right and below is padding and not compared.
    ``colors`` is how the source's are read; None: as OpenCV 4 does. A video that cannot be decoded is one of the
    result's ``problems``; ``stop`` raises ``Interrupted``.
    """
    turn_deg = source_info.rotation_deg if turn_deg is None else turn_deg
    width, height = displayed_size(source_info, turn_deg)
    crop = crop or Crop(0, 0, width, height)
    without_padding = Crop(0, 0, crop.width_px, crop.height_px)
    n_frames = min(source_info.n_frames, target_info.n_frames)
    samples = around = None
    if how == "sample":
        samples = _samples(source, source_info, target, target_info, stop)
        around = {at for index in samples for at in _neighborhood(index) if 0 <= at < source_info.n_frames}
    originals = small_gray_frames(source, source_info, around, crop=crop, turn_deg=turn_deg, colors=colors, stop=stop)
    copies = small_gray_frames(target, target_info, samples, crop=without_padding, stop=stop)
    n_compared, worst_error, worst_index, first_mismatch = 0, 0.0, None, None
    problems = []
    try:
        for index, errors in _errors_around(originals, copies):
            n_compared += 1
            if index not in errors:
                problems.append(f"the source has no frame {index}")
                break
            if worst_index is None or errors[index] > worst_error:
                worst_error, worst_index = errors[index], index
            if first_mismatch is None and is_another(errors, index):
                first_mismatch = index
        if how == "full" and n_compared != n_frames:
            problems.append(f"found {counted(n_compared, 'frame')} that can be decoded, expected {n_frames}")
    except VideoFailed as failure:
        problems += [finding.message for finding in failure.findings]
    return Comparison(n_compared, worst_error, worst_index, first_mismatch, tuple(problems))


def sampled_indices(n_frames: int) -> list[int]:
    """The frames of a video that are looked at where not all are: the first, the last and some between, rising."""
    return sorted({round((n_frames - 1) * k / (_N_SAMPLES - 1)) for k in range(_N_SAMPLES)})


def _samples(
    source: Path, source_info: VideoInfo, target: Path, target_info: VideoInfo, stop: threading.Event | None
) -> list[int]:
    """The frames that are compared: some of the video, where they cost less to decode than the frames nearby."""
    indices = sampled_indices(min(source_info.n_frames, target_info.n_frames))
    intervals = source_info.keyframe_interval_frames, target_info.keyframe_interval_frames
    if max(intervals) <= _SHORT_INTERVAL:
        return indices
    # The one of which more frames stand between a key frame and the next.
    path, info = (source, source_info) if intervals[0] >= intervals[1] else (target, target_info)
    # The last frame stays: what is lost is often lost at the end.
    return sorted({*behind_key_frames(path, info, indices, _NEIGHBORS, stop), indices[-1]})


def _neighborhood(index: int) -> range:
    return range(index - _NEIGHBORS, index + _NEIGHBORS + 1)


def _errors_around(originals: Pictures, copies: Pictures) -> Iterator[tuple[int, dict[int, float]]]:
    """For each copy, its error to the originals of its neighbourhood, by index. Both come in rising order."""
    window: dict[int, NDArray[np.float32]] = {}
    newest = -1
    for index, copy in copies:
        near = _neighborhood(index)
        while newest < near[-1]:
            item = next(originals, None)
            if item is None:
                break
            newest = item[0]
            window[newest] = item[1].astype(np.float32)
        window = {at: original for at, original in window.items() if at >= near[0]}
        yield index, {at: float(np.mean((original - copy) ** 2)) for at, original in window.items() if at in near}


def is_another(errors: dict[int, float], index: int) -> bool:
    """Whether a frame is not the one of its index, from its errors to that frame and to the ones around it."""
    own, best = errors[index], min(errors.values())
    return own > _GROSS_ERROR or own > _BETTER_RATIO * best + _BETTER_BY
