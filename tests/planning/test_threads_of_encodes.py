"""How many threads encode each video: part of the plan, by the video's share of the work and not by the machine."""

import pytest
from builder import Session, Video, build_project
from hypothesis import given
from hypothesis import strategies as st

import dlc2lp as library
from dlc2lp.planning.steps import EncodeVideo
from dlc2lp.planning.videos import _threads

AVI = Video(codec="mpeg4", suffix=".avi")


@pytest.mark.parametrize(
    ("n_frames", "threads"),
    [((20,), [4]), ((20, 20), [2, 2]), ((20, 20, 20), [1, 1, 1]), ((90, 10, 10, 10), [3, 1, 1, 1])],
)
def test_many_get_one_each_and_a_long_one_more(tmp_path, n_frames, threads):
    sessions = [Session(f"m{k}", n_frames=n, video=AVI) for k, n in enumerate(n_frames)]
    project = build_project(tmp_path / "dlc", sessions=(*sessions, "placed"), frames=(2, 5))
    plan = library.plan(project.root, tmp_path / "lp")
    encodes = {step.target: step.threads for step in plan.steps if isinstance(step, EncodeVideo)}
    assert [encodes[f"videos/m{k}.mp4"] for k in range(len(n_frames))] == threads


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=50))
def test_all_threads_together_are_few(pixels):
    threads = [_threads(each, sum(pixels)) for each in pixels]
    assert all(1 <= n <= 4 for n in threads)
    assert sum(n for n in threads if n > 1) <= 4
