"""What proves an image's frame, on either side of each limit. The limits' reasons stand in frame_proof."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np
import pytest

from dlc2lp.video.frame_proof import Proof, accept_expected, is_absent, is_ahead, is_safe, prove
from dlc2lp.video.likeness import Looks

Errors = tuple[float, float]
Images = tuple[list[int], list[int], list[Errors]]

#: Mean error of all looks here: an image is very like its frame up to 2.6, like up to 10.1, far from 40 on.
MEAN = 100.0
#: (best error, second best) of an image that no rule believes alone, which is like its frame or not.
LIKE, UNLIKE = (5.0, 7.0), (20.0, 26.0)
SAFE = (1.0, 50.0)
#: What is found nowhere.
ABSENT = (50.0, 50.0)
_LITTLE = 1e-6
NOT_DENIED = np.zeros(2, dtype=bool)


def looks(index: Sequence[int], errors: Sequence[Errors], on_rim: bool = False) -> Looks:
    best, second = (np.array(side, dtype=float) for side in zip(*errors, strict=True))
    n = len(index)
    return Looks(np.array(index), best, second, np.full(n, MEAN), np.full(n, on_rim), np.full(n, True))


def n_proven(claims: Sequence[int], index: Sequence[int], errors: Sequence[Errors]) -> int:
    return prove(np.array(claims), looks(index, errors)).n_proven


def together(n: int, errors: Errors, n_other: int = 0) -> Images:
    """Images 50 frames from their numbers, and some that are elsewhere, in no order."""
    claims = [100 * k for k in range(n + n_other)]
    index = [*(at + 50 for at in claims[:n]), *(7 * k for k in range(n_other, 0, -1))]
    return claims, index, [errors] * (n + n_other)


def in_order(n: int, errors: Errors, n_other: int = 0) -> Images:
    """Images whose distance from their numbers grows, and some before all of them."""
    claims = [100 * k for k in range(n + n_other)]
    index = [*(at + 20 + step for at, step in zip(claims, accumulate(range(n)), strict=False)), *range(n_other, 0, -1)]
    return claims, index, [errors] * (n + n_other)


@pytest.mark.parametrize(
    ("judge", "best", "least_second"),
    [(is_ahead, 4.0, 5.05), (is_ahead, 0.0, 0.05), (is_safe, 2.0, 4.5), (is_safe, 0.0, 0.5)],
)
def test_how_much_worse_the_second_must_be(judge, best: float, least_second: float) -> None:
    errors = [(best, least_second + _LITTLE), (best, least_second - _LITTLE)]
    assert judge(looks([1, 2], errors)).tolist() == [True, False]
    assert judge(looks([1, 2], errors, on_rim=True)).tolist() == [False, False]


def test_how_like_a_safe_and_how_unlike_an_absent_image_is() -> None:
    assert is_safe(looks([1, 2], [(2.6 - _LITTLE, 99), (2.6 + _LITTLE, 99)])).tolist() == [True, False]
    assert is_absent(looks([1, 2], [(10.0, 99), (10.0 + _LITTLE, 99)])).tolist() == [False, True]
    strange = looks([1], [(20.0, 99)])
    strange.mean_error[:] = 1000.0  # in a scene of great differences 20 is little
    assert not is_absent(strange).any()


@pytest.mark.parametrize(
    ("images", "n_believed"),
    [
        (together(3, LIKE), 3),
        (together(2, LIKE), 0),
        (together(5, UNLIKE), 5),
        (together(4, UNLIKE), 0),
        (together(5, (39.9, 60)), 5),
        (together(5, (40.1, 60)), 0),  # a frame counter in the picture, not the picture
        (together(4, LIKE, n_other=1), 4),
        (together(3, LIKE, n_other=1), 0),
        (in_order(6, LIKE), 6),
        (in_order(5, LIKE), 0),
        (in_order(6, UNLIKE), 0),
        (in_order(9, LIKE, n_other=1), 9),
        (in_order(8, LIKE, n_other=1), 0),
    ],
)
def test_images_prove_their_frames_together_or_in_order(images, n_believed: int) -> None:
    assert n_proven(*images) == n_believed


def test_nothing_proven_is_nothing_to_believe() -> None:
    claims, index, errors = together(2, LIKE)
    assert not prove(np.array(claims), looks(index, errors)).believable


def test_in_a_scene_of_small_differences_a_little_noise_is_not_far() -> None:
    claims, index, errors = together(5, (9.0, 12.0))
    seen = looks(index, errors)
    seen.mean_error[:] = 20.0
    assert prove(np.array(claims), seen).n_proven == 5


def test_one_like_image_vouches_for_others_as_far_from_their_numbers() -> None:
    claims, index, _ = together(3, LIKE)
    assert n_proven(claims, index, [UNLIKE, LIKE, UNLIKE]) == 3


@pytest.mark.parametrize(
    ("shifts", "errors", "n_believed"),
    [
        ([8], SAFE, 1),
        ([-8], SAFE, 1),
        ([9], SAFE, 0),
        ([1], LIKE, 0),
        ([1, -2, 3, -4, 60], SAFE, 4),
        ([1, -2, 60], SAFE, 0),
        ([0, 0, 60], SAFE, 2),
        ([0, 60, 80], SAFE, 0),
        ([1, -2, 3, 60, 80], SAFE, 3),
    ],
)
def test_safe_images_near_their_numbers_need_no_company(shifts, errors, n_believed: int) -> None:
    claims = [100 * (k + 1) for k in range(len(shifts))]
    index = [at + shift for at, shift in zip(claims, shifts, strict=True)]
    assert n_proven(claims, index, [errors] * len(shifts)) == n_believed


@pytest.mark.parametrize(("n_safe", "n_other", "n_believed"), [(4, 0, 4), (3, 0, 0), (5, 2, 5), (4, 2, 0)])
def test_without_numbers_each_must_be_beyond_doubt(n_safe: int, n_other: int, n_believed: int) -> None:
    n = n_safe + n_other
    assert n_proven([-1] * n, list(range(n, 0, -1)), [SAFE] * n_safe + [LIKE] * n_other) == n_believed


@pytest.mark.parametrize(("best", "n_believed"), [(1.1 - _LITTLE, 4), (1.1 + _LITTLE, 3)])
def test_an_image_without_a_number_is_as_near_as_the_proven_ones(best: float, n_believed: int) -> None:
    claims, index, _ = together(3, LIKE)
    assert n_proven([*claims, -1], [*index, 9], [(0.2, 5), (0.1, 5), (0.2, 5), (best, 50)]) == n_believed


@pytest.mark.parametrize(
    ("claims", "index", "n_believed"),
    [
        ([250], [208], 1),  # in order: behind frame 200 and before 300
        ([250], [199], 0),
        ([250], [301], 0),
        ([204], [197], 1),  # near its number, though not in order
        ([204], [195], 0),
        ([210, 290], [280, 220], 1),  # in order with all but each other
        ([540], [530], 1),  # behind the last: no farther off than a wrong rate explains
        ([540], [529], 0),
        ([540, 580], [510, 558], 2),  # both about as far
        ([540, 580], [510, 559], 0),
        ([60], [50], 1),  # and before the first
        ([60], [49], 0),
        ([20, 60], [5, 45], 2),
    ],
)
def test_an_image_that_contradicts_the_others_must_fit_in_with_them(claims, index, n_believed: int) -> None:
    company = [100, 200, 300, 400, 500] * 4
    seen = looks([*company, *index], [SAFE] * (len(company) + len(index)))
    assert prove(np.array(company + claims), seen).n_proven == len(company) + n_believed


@pytest.mark.parametrize(
    ("errors", "everywhere", "n_believed"),
    [
        ((1.1 - _LITTLE, 50.0), True, 1),
        ((1.1 + _LITTLE, 50.0), True, 0),  # not as like as the others
        ((1.0, 2.5 - _LITTLE), True, 0),  # not safe
        ((1.0, 50.0), False, 0),  # compared with some frames only
    ],
)
def test_an_image_that_contradicts_the_others_must_be_beyond_doubt(errors, everywhere: bool, n_believed: int) -> None:
    claims = [100, 200, 300, 400, 500, 350]
    seen = looks([*claims[:5], 349], [(0.2, 50.0)] * 5 + [errors])
    seen.everywhere[-1] = everywhere
    assert prove(np.array(claims), seen).n_proven == 5 + n_believed


@pytest.mark.parametrize(("n_absent", "believable"), [(9, True), (10, False)])
def test_a_few_images_among_many_absent_ones_are_not_believed(n_absent: int, believable: bool) -> None:
    claims, index, errors = together(3, LIKE)
    found = prove(np.array(claims + [900] * n_absent), looks(index + [5] * n_absent, errors + [ABSENT] * n_absent))
    assert (found.n_proven, found.believable) == (3, believable)


@pytest.mark.parametrize(
    ("noise", "best", "there", "accepted"),
    [
        (5.0, 1.0, 2.5, True),  # as good as anywhere
        (5.0, 1.0, 2.5 + _LITTLE, False),
        (0.5, 1.0, 2.0, True),  # within the noise of the proven ones
        (0.5, 1.0, 2.0 + _LITTLE, False),
    ],
)
def test_an_image_at_its_expected_frame(noise: float, best: float, there: float, accepted: bool) -> None:
    seen = looks([10, 33], [(noise, 99), (best, best)])
    found = accept_expected(
        Proof(np.array([10, -1]), True, NOT_DENIED), seen, np.array([-1, 20]), np.array([np.inf, there])
    )
    assert found.index.tolist() == [10, 20 if accepted else -1]
    assert found.denied.tolist() == [False, there > 2.5]


def test_an_image_that_was_compared_with_nothing_is_nowhere() -> None:
    seen = looks([10, -1], [(1.0, 99), (np.inf, np.inf)])
    found = accept_expected(
        Proof(np.array([10, -1]), True, NOT_DENIED), seen, np.array([-1, 20]), np.array([np.inf, 1.0])
    )
    assert found.index.tolist() == [10, -1]
