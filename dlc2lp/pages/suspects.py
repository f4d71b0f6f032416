"""Which labeled frames are worth a look, and why. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dlc2lp.video.ties import Outcome
from dlc2lp.wording import counted, some

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: How much each kind of doubt weighs.
_OUTSIDE, _AS_PREDICTED, _INDEX, _JUMP, _UNTOLD = 100.0, 80.0, 60.0, 40.0, 5.0

#: What a comparison with the video may have come to, where it is no proof.
_OUTCOMES: dict[Outcome, tuple[float, str]] = {
    "contradicts": (_INDEX, "looks like another frame of the video than the one that its number leads to"),
    "not-found": (_INDEX, "is like no frame of its video"),
    "beyond-end": (_INDEX, "the video ends before its number"),
    "unreadable": (_INDEX, "the image is damaged"),
    "cannot-tell": (_UNTOLD, "its frame index is not proven: other frames of the video look the same"),
}

#: A keypoint jumps that moves against the others by so many times what it usually does, and farther than the animal
#: reaches from its middle.
_TIMES_USUAL = 6.0
_FEWEST_POINTS, _FEWEST_FRAMES = 3, 4


@dataclass(frozen=True)
class LabeledFrame:
    """What is known of a labeled frame besides its points."""

    number: int | None  #: Its place in the video.
    size_px: tuple[int, int] | None  #: Width and height of the image, where known.
    outcome: Outcome | None  #: What comparing it with the video came to.
    n_as_predicted: int  #: Points that equal a prediction of low likelihood.


@dataclass(frozen=True)
class Doubt:
    """Why a labeled frame is worth a look, and how much."""

    weight: float = 0.0
    remarks: tuple[str, ...] = ()


_NONE = Doubt()  # which most labeled frames share


def doubts(names: Sequence[str], xy_px: NDArray[np.float64], frames: Sequence[LabeledFrame]) -> list[Doubt]:
    """Return how doubtful each labeled frame of one session and view is.

    ``xy_px`` has the shape (F, K, 2), in pixels of the image; NaN = no label.
    """
    import numpy as np

    sizes = np.array([frame.size_px or (np.inf, np.inf) for frame in frames], dtype=np.float64).reshape(-1, 1, 2)
    outside = np.asarray(((xy_px < 0) | (xy_px >= sizes)).any(axis=-1))
    numbers = [frame.number for frame in frames]
    order = sorted(range(len(frames)), key=lambda row: (numbers[row] is None, numbers[row] or 0, row))
    far = np.zeros(xy_px.shape[:2])
    far[order] = jumps(xy_px[order])
    is_odd = np.logical_or(outside.any(axis=1), far.any(axis=1))
    return [
        _doubt(names, outside[row], far[row], frame)
        if is_odd[row] or frame.n_as_predicted or frame.outcome in _OUTCOMES
        else _NONE
        for row, frame in enumerate(frames)
    ]


def _doubt(names: Sequence[str], outside: NDArray[np.bool_], far: NDArray[np.float64], frame: LabeledFrame) -> Doubt:
    found: list[tuple[float, str]] = []
    if outside.any():
        named = some([name for name, is_out in zip(names, outside, strict=True) if is_out], 3)
        found.append((_OUTSIDE + float(outside.sum()), f"outside the image: {named}"))
    if frame.n_as_predicted:
        points = counted(frame.n_as_predicted, "point equals", "points equal")
        found.append((_AS_PREDICTED, f"{points} an unsure prediction to the last digit: perhaps nobody looked here"))
    if frame.outcome in _OUTCOMES:
        found.append(_OUTCOMES[frame.outcome])
    if far.any():
        named = some([f"{name} ({px:.0f} px)" for name, px in zip(names, far.tolist(), strict=True) if px], 3)
        found.append((_JUMP + min(float(far.max()), 1000.0) / 100, f"far from the neighboring labeled frames: {named}"))
    return Doubt(sum(weight for weight, _ in found), tuple(words for _, words in found))


def jumps(xy_px: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far keypoints jump, in pixels against the animal's middle, from both neighbors; 0: they don't.

    Points, shape (F, K, 2), are those of labeled frames in the order of the video; the result has the shape (F, K).
    The labeled frames of a video may lie far apart, and an animal turns round: a jump is what is large against the same
    keypoint's other moves, and not shared by most of the keypoints.
    """
    import numpy as np

    found = np.zeros(xy_px.shape[:2])
    is_there = np.asarray(~np.isnan(xy_px).any(axis=-1))
    rows = np.flatnonzero(is_there.sum(axis=1) >= _FEWEST_POINTS)
    if len(rows) < _FEWEST_FRAMES:
        return found
    points = np.where(is_there[rows, :, None], xy_px[rows], np.nan)
    moved = points - np.nanmedian(points, axis=1, keepdims=True)
    reach = float(np.median(np.nanmax(np.linalg.norm(moved, axis=-1), axis=1)))
    step = np.linalg.norm(np.diff(moved, axis=0), axis=-1)
    # A point that is wrong is far from both; one that only one neighbor has is compared with that.
    nothing = np.full((1, step.shape[1]), np.nan)
    away = np.fmin(np.concatenate([nothing, step]), np.concatenate([step, nothing]))
    for k in range(away.shape[1]):
        known = away[~np.isnan(away[:, k]), k]
        if len(known) >= _FEWEST_FRAMES:
            least = max(_TIMES_USUAL * float(np.median(known)), reach)
            far = np.flatnonzero(away[:, k] > least)  # not where it is NaN
            found[rows[far], k] = away[far, k]
    is_shared = 2 * (found > 0).sum(axis=1) > is_there.sum(axis=1)
    found[is_shared] = 0
    return found
