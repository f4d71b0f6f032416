"""Which frames a session's images are, decided from how alike they are. Pure.

An image alone proves little: where an animal crosses the place of another recording's animal, one frame is several
times more like the image than all others. So images prove their frames together, by lying all at their numbers, all
equally far from them, or at least in the order of their numbers. One image proves its frame only at its number, or in
the company of others.

What most images prove does not hold for all: behind a lost frame, or where the header's rate was wrong, numbers are off
that were right before. So an image that contradicts the others is looked for in the whole video, and believed where it
is beyond doubt, as like its frame as the others are theirs, and in order with them or about as far from its number.

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
#: Images beyond doubt, near their numbers or equally far from them, or both, that fewer others do not refute.
_N_SAFE, _N_SAFE_NEAR, _SHARE_SAFE = 3, 2, 0.5
#: Frames this near to their numbers need no company, if no image says otherwise.
_NEAR_FRAMES = 8
#: As far as images drift from their numbers in a video of 30 Hz that says 24, for each frame.
_DRIFT = 0.25
_SHARE_FOUND = 0.25


@dataclass(frozen=True)
class Proof:
    """Which frames are proven, and whether that is enough to believe them."""

    index: NDArray[np.int64]  # (K): the proven frame of each image, -1 where none is
    believable: bool  # whether the images that were found are not just a few among many that are in no frame
    #: (K): whether an image without a proven frame is clearly more like another frame than the one where it must be if
    #: it follows the others.
    denied: NDArray[np.bool_]

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
        # This is their video.
        proven[_in_company(claims, looks, by_number)] = True
    elif safe.sum() >= max(_N_ALONE, _SHARE_ALONE * len(claims)):
        proven = safe
    n_proven, n_absent = int(proven.sum()), int((is_absent(looks) & ~proven).sum())
    believable = n_proven > 0 and n_proven >= _SHARE_FOUND * (n_proven + n_absent)
    return Proof(np.where(proven, looks.best_index, -1), believable, np.zeros(len(claims), dtype=bool))


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
    safe = is_safe(looks)[numbered]
    near: NDArray[np.int64] = numbered[safe & (np.abs(shifts) <= _NEAR_FRAMES)]
    alike: NDArray[np.int64] = numbered[safe & (shifts == common)]
    if len(near) >= _SHARE_TOGETHER * len(numbered):
        return near
    most = max(near, alike, key=len)
    least = _N_SAFE_NEAR if abs(common) <= _NEAR_FRAMES and len(alike) >= len(near) else _N_SAFE
    return most if len(most) >= least and len(most) > _SHARE_SAFE * len(numbered) else most[:0]


def _in_company(claims: NDArray[np.int64], looks: Looks, company: NDArray[np.int64]) -> NDArray[np.int64]:
    """The images that are beyond doubt among others, ``company``, whose frames are known.

    One without a number may be any frame. One whose number contradicts the others may be of another recording, so it
    must fit in with them.
    """
    noise = looks.best_error[company].max()
    safe = is_safe(looks) & looks.everywhere & (looks.best_error <= _SESSION_RATIO * noise + _SESSION_BY)
    safe[company] = False
    unnumbered, rows = np.flatnonzero(safe & (claims < 0)), np.flatnonzero(safe & (claims >= 0))
    rows, company = (each[np.argsort(claims[each], kind="stable")] for each in (rows, company))
    fits = _fit_in(claims[rows], looks.best_index[rows], claims[company], looks.best_index[company])
    return np.concatenate([unnumbered, rows[fits]])


def _fit_in(
    claims: NDArray[np.int64], found: NDArray[np.int64], numbers: NDArray[np.int64], frames: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Bool (R): whether images numbered ``claims``, in order, are where others would have them.

    Those are numbered ``numbers``, in order, and are the ``frames``. An image fits if it is about as far from its
    number as they are; or, in the order of all, between the frames of those before and after it. Before the first and
    behind the last of them it must share its distance, roughly, with another such image, or be no farther off than a
    wrong rate explains.
    """
    n_before = np.searchsorted(numbers, claims, side="left")
    n_upto = np.searchsorted(numbers, claims, side="right")
    lowest = np.append(-1, np.maximum.accumulate(frames))[n_before]
    highest = np.append(np.minimum.accumulate(frames[::-1])[::-1], np.iinfo(np.int64).max)[n_upto]
    in_order = np.zeros(len(claims), dtype=bool)
    between = np.flatnonzero((lowest <= found) & (found <= highest))
    in_order[between[longest_rising(found[between].tolist())]] = True
    shifts = found - claims
    neighbors = np.stack([np.maximum(n_before - 1, 0), np.minimum(n_upto, len(numbers) - 1)])
    off = np.abs(shifts - (frames - numbers)[neighbors]).min(axis=0)
    shared = (in_order & (np.abs(shifts - shifts[:, None]) <= _NEAR_FRAMES)).sum(axis=1) >= 2
    is_inside = (n_before > 0) & (n_upto < len(numbers))
    is_drift = off <= _DRIFT * np.abs(claims - numbers[neighbors]).min(axis=0)
    fits: NDArray[np.bool_] = (off <= _NEAR_FRAMES) | (in_order & (is_inside | shared | is_drift))
    return fits


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
    images before and after, or as the two nearest at either end, if these agree. Beyond the ends a move is carried no
    farther than the proven images reach among themselves: two of them say little of a recording, and in a scene that
    stands still nothing would contradict. -1 elsewhere, and for images that are proven.
    """
    expected = np.full(len(claims), -1, dtype=np.int64)
    known = np.flatnonzero((proof.index >= 0) & (claims >= 0))
    rest = np.flatnonzero((proof.index < 0) & (claims >= 0))
    if not len(known) or not len(rest):
        return expected
    known = known[np.argsort(claims[known], kind="stable")]
    numbers, shifts = claims[known], (proof.index - claims)[known]
    after = np.searchsorted(numbers, claims[rest]).clip(min(1, len(numbers) - 1), len(numbers) - 1)
    agree = (shifts[after - 1] == shifts[after]) | (shifts == shifts[0]).all()
    beyond = np.maximum(numbers[0] - claims[rest], claims[rest] - numbers[-1])
    agree &= (shifts[after] == 0) | (beyond <= numbers[-1] - numbers[0])
    expected[rest[agree]] = claims[rest[agree]] + shifts[after[agree]]
    return np.where((expected >= 0) & (expected < n_frames), expected, -1)


def accept_expected(proof: Proof, looks: Looks, expected: NDArray[np.int64], at_expected: NDArray[np.float64]) -> Proof:
    """Add the images that are at their expected frame as well as anywhere, within the noise of the proven ones.

    Those that are elsewhere clearly better are told as denied.
    ``expected`` (K) is the frame where the image must be, -1 for none or a proven one; ``at_expected`` (K) its error
    there, infinite for none.
    """
    better = at_expected > _SAFE_MARGIN * looks.best_error + _SAFE_MARGIN_BY
    compared = looks.best_index >= 0
    noise = looks.best_error[proof.index >= 0].max(initial=0.0)
    like = at_expected <= _SESSION_RATIO * noise + _SESSION_BY
    index = np.where(compared & ~better & like, expected, proof.index)
    return Proof(index, proof.believable, compared & better & (expected >= 0))
