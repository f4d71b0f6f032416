"""Which labeled frames are worth a look, and why."""

import math

import numpy as np

from dlc2lp.pages import suspects
from dlc2lp.pages.suspects import LabeledFrame, doubts

KEYPOINTS = ("nose", "ear", "tail", "paw")


def walk(n=12):
    """An animal that walks, shape (F, 4, 2)."""
    pose = np.array([(0.0, 0.0), (6.0, 3.0), (-20.0, 0.0), (5.0, -4.0)])
    path = np.stack([np.linspace(40, 90, n), np.linspace(30, 60, n)], axis=-1)
    return path[:, None] + pose + np.random.default_rng(1).normal(0, 0.3, (n, 4, 2))


def plain(n, **facts):
    return [
        LabeledFrame(**{"number": 10 * k, "size_px": (200, 150), "outcome": "proven", "n_as_predicted": 0} | facts)
        for k in range(n)
    ]


def test_an_animal_that_walks_is_not_suspicious():
    assert all(not doubt.remarks for doubt in doubts(KEYPOINTS, walk(), plain(12)))


def test_a_point_that_jumps_against_its_neighbors_is():
    xy_px = walk()
    xy_px[5, 0] += (70, 0)
    found = doubts(KEYPOINTS, xy_px, plain(12))
    assert [row for row, doubt in enumerate(found) if doubt.remarks] == [5]
    assert found[5].remarks[0].startswith("far from the neighboring labeled frames: nose (")


def test_neighbors_are_those_in_the_video_and_not_in_the_file():
    xy_px = walk()
    xy_px[5, 0] += (70, 0)
    order = np.random.default_rng(2).permutation(12)
    frames = [LabeledFrame(int(k), (200, 150), "proven", 0) for k in order]
    found = doubts(KEYPOINTS, xy_px[order], frames)
    assert [int(order[row]) for row, doubt in enumerate(found) if doubt.remarks] == [5]


def test_a_whole_animal_elsewhere_or_few_points_are_no_jump():
    xy_px = walk()
    xy_px[6:] += (60, 40)
    assert not suspects.jumps(xy_px).any()
    xy_px = walk()
    xy_px[:, 2:] = math.nan
    xy_px[4, 0] += (60, 0)
    assert not suspects.jumps(xy_px).any()
    assert not suspects.jumps(np.full((6, 4, 2), math.nan)).any()
    assert not suspects.jumps(walk(2)).any()


def test_what_weighs_more_comes_first():
    xy_px = walk(4)
    xy_px[0, 1] = (-1, 5)
    frames = [
        *plain(1),
        *plain(1, n_as_predicted=2),
        *plain(1, outcome="contradicts"),
        *plain(1, outcome="cannot-tell"),
    ]
    found = doubts(KEYPOINTS, xy_px, frames)
    weights = [doubt.weight for doubt in found]
    assert weights == sorted(weights, reverse=True)
    assert found[0].remarks[0] == "outside the image: ear"
    assert all(len(doubt.remarks) == 1 for doubt in found[1:])
    unknown = doubts(KEYPOINTS, xy_px, plain(4, size_px=None))
    assert [doubt.remarks[:1] == ("outside the image: ear",) for doubt in unknown] == [True, False, False, False]
