"""Which frames a session's images are, decided from how alike they are. Pure.

An image alone proves little: where an animal crosses the place of another recording's animal, one frame is several
times more like the image than all others. So images prove their frames together, by lying all at their numbers, all
equally far from them, or at least in the order of their numbers. One image proves its frame only at its number, or in
the company of others.

The limits below were measured on a real recording of an open field (2330 frames) and its re-encodes, and on images of
another mouse in the same arena:

==========================================  ==============================  =============================
.                                           the video itself, crf 23 to 38  another video
==========================================  ==============================  =============================
best error / mean error of all frames       at most 0.012                   at least 0.038, median 0.2
second best / best error at crf 28          at least 1.5, median 3.4        at most 1.15 at 30 fps,
                                                                            but up to 6 at 2 fps
==========================================  ==============================  =============================

Drawn animals of one shape, which another recording shows at the very same place now and then, reach 0.005 and 16.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dlc2lp.video.likeness import Looks

# In squared grey levels. The added constants are what rounding to whole grey levels leaves.
_MARGIN, _MARGIN_BY = 1.25, 0.05
_SAFE_MARGIN, _SAFE_MARGIN_BY = 2.0, 0.5
_LIKE, _VERY_LIKE, _LIKE_BY = 0.1, 0.025, 0.1  # shares of the mean error
#: The noise of an encode does not differ more than this between the images of a session.
_SESSION_RATIO, _SESSION_BY = 3.0, 0.5
_ABSENT_ERROR = 10.0
#: Share of the mean error that no image's own frame reaches, not even after a change of gamma (0.13) or in a part of
#: the picture that is two pixels beside (0.33).
_FAR = 0.4

#: Images that must be equally far from their numbers. Within 8 frames around, images of another video have a common
#: distance in one of 225 cases where they are three, hence one of them must be like its frame besides.
_N_TOGETHER, _N_TOGETHER_UNLIKE, _SHARE_TOGETHER = 3, 5, 0.8
#: Images that must be in order: six others are in one of 720 cases.
_N_ORDERED, _SHARE_ORDERED = 6, 0.9
#: Images that must each be beyond doubt where numbers mean nothing. Of drawn animals one in five is by chance.
_N_ALONE, _SHARE_ALONE = 4, 0.7
#: Frames this near to their numbers need no company, if no image says otherwise.
_NEAR_FRAMES = 8
_SHARE_FOUND = 0.25


@dataclass(frozen=True)
class Proof:
    """Which frames are proven, and whether that is enough to believe them."""

    index: NDArray[np.int64]  # (K): the proven frame of each image, -1 where none is
    believable: bool  # whether the images that were found are not just a few among many that are in no frame

    @property
    def n_proven(self) -> int:
        """How many images have a proven frame."""
        return int((self.index >= 0).sum())


def is_ahead(looks: Looks) -> NDArray[np.bool_]:
    """Bool (K): one frame is more like the image than every other."""
    return (looks.second_error >= _MARGIN * looks.best_error + _MARGIN_BY) & ~looks.on_rim


def is_safe(looks: Looks) -> NDArray[np.bool_]:
    """Bool (K): one frame is very like the image and far more so than every other."""
    ahead = looks.second_error >= _SAFE_MARGIN * looks.best_error + _SAFE_MARGIN_BY
    return ahead & (looks.best_error <= _VERY_LIKE * looks.mean_error + _LIKE_BY) & ~looks.on_rim


def is_absent(looks: Looks) -> NDArray[np.bool_]:
    """Bool (K): no frame is like the image, not even in a scene where all frames are alike."""
    return (looks.best_error > _VERY_LIKE * looks.mean_error + _LIKE_BY) & (looks.best_error > _ABSENT_ERROR)


def prove(claims: NDArray[np.int64], looks: Looks) -> Proof:
    """Decide which images' best frames are theirs; claims, int64 (K), are the numbers in their names, -1 without."""
    proven = np.zeros(len(claims), dtype=bool)
    by_number = _agreeing_with_numbers(claims, looks)
    proven[by_number] = True
    safe = is_safe(looks)
    if len(by_number):
        # This is their video. An image whose number contradicts the others may be from elsewhere.
        noise = looks.best_error[by_number].max()
        proven |= safe & (claims < 0) & (looks.best_error <= _SESSION_RATIO * noise + _SESSION_BY)
    elif safe.sum() >= max(_N_ALONE, _SHARE_ALONE * len(claims)):
        proven = safe
    n_proven, n_absent = int(proven.sum()), int((is_absent(looks) & ~proven).sum())
    believable = n_proven > 0 and n_proven >= _SHARE_FOUND * (n_proven + n_absent)
    return Proof(np.where(proven, looks.best_index, -1), believable)


def _agreeing_with_numbers(claims: NDArray[np.int64], looks: Looks) -> NDArray[np.int64]:
    """The images whose best frames agree with their numbers and each other; none if that can be chance."""
    # A frame counter burned into the picture, or a lamp that blinks alike, makes the frame of that number in another
    # recording the best one; it is far from like it.
    far = (looks.best_error > _FAR * looks.mean_error) & (looks.best_error > _ABSENT_ERROR)
    numbered = np.flatnonzero(is_ahead(looks) & ~far & (claims >= 0))
    shifts = looks.best_index[numbered] - claims[numbered]
    like = looks.best_error <= _LIKE * looks.mean_error + _LIKE_BY
    common, n_common = next(iter(Counter(shifts.tolist()).most_common(1)), (0, 0))
    together: NDArray[np.int64] = numbered[shifts == common]
    if n_common >= max(_N_TOGETHER, _SHARE_TOGETHER * len(numbered)) and (
        n_common >= _N_TOGETHER_UNLIKE or like[together].any()
    ):
        return together
    numbered, shifts = numbered[like[numbered]], shifts[like[numbered]]
    by_number = numbered[np.argsort(claims[numbered], kind="stable")]
    ordered: NDArray[np.int64] = by_number[longest_rising(looks.best_index[by_number].tolist())]
    if len(ordered) >= max(_N_ORDERED, _SHARE_ORDERED * len(numbered)):
        return ordered
    near: NDArray[np.int64] = numbered[is_safe(looks)[numbered] & (np.abs(shifts) <= _NEAR_FRAMES)]
    return near if len(near) >= _SHARE_TOGETHER * len(numbered) else near[:0]


def longest_rising(values: Sequence[int]) -> list[int]:
    """Positions of a longest subsequence that never falls: where the rate varies, two numbers may be one frame."""
    tails: list[int] = []  # the smallest last value of a subsequence of each length, and where it is
    tails_at: list[int] = []
    before: list[int] = []
    for position, value in enumerate(values):
        length = bisect_right(tails, value)
        tails[length : length + 1] = [value]
        tails_at[length : length + 1] = [position]
        before.append(tails_at[length - 1] if length else -1)
    chain = []
    at = tails_at[-1] if tails_at else -1
    while at >= 0:
        chain.append(at)
        at = before[at]
    return chain[::-1]


def expected_of_rest(claims: NDArray[np.int64], proof: Proof, n_frames: int) -> NDArray[np.int64]:
    """Where images without a proven frame must be, if they follow those that have one: int64 (K).

    That is the number, moved as far as all proven images are from theirs; where those differ, as far as the proven
    images before and after, if these agree. -1 elsewhere, and for images that are proven.
    """
    expected = np.full(len(claims), -1, dtype=np.int64)
    known = np.flatnonzero((proof.index >= 0) & (claims >= 0))
    rest = np.flatnonzero((proof.index < 0) & (claims >= 0))
    if not len(known) or not len(rest):
        return expected
    known = known[np.argsort(claims[known], kind="stable")]
    numbers, shifts = claims[known], (proof.index - claims)[known]
    if len(set(shifts.tolist())) == 1:
        expected[rest] = claims[rest] + shifts[0]
    else:
        after = np.searchsorted(numbers, claims[rest])
        inside = (after > 0) & (after < len(numbers))
        rest, after = rest[inside], after[inside]
        agree = shifts[after - 1] == shifts[after]
        expected[rest[agree]] = claims[rest[agree]] + shifts[after[agree]]
    return np.where((expected >= 0) & (expected < n_frames), expected, -1)


def accept_expected(proof: Proof, looks: Looks, expected: NDArray[np.int64], at_expected: NDArray[np.float64]) -> Proof:
    """Add the images that are at their expected frame as well as anywhere, within the noise of the proven ones.

    ``expected`` (K) is the frame where the image must be, -1 for none or a proven one; ``at_expected`` (K) its error
    there, infinite for none.
    """
    as_good = (at_expected <= _SAFE_MARGIN * looks.best_error + _SAFE_MARGIN_BY) & (looks.best_index >= 0)
    noise = looks.best_error[proof.index >= 0].max(initial=0.0)
    like = at_expected <= _SESSION_RATIO * noise + _SESSION_BY
    index = np.where(as_good & like, expected, proof.index)
    return Proof(index, proof.believable)
