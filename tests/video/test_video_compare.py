"""Whether two videos hold the same frames."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from clips import ALL, N_FRAMES, RATE, Workshop, picture

from dlc2lp.errors import Interrupted
from dlc2lp.video.compare import Comparison, compare_frames
from dlc2lp.video.encoding import Crop
from dlc2lp.video.frames import read_frames
from dlc2lp.video.probe import probe
from dlc2lp.video.synthetic import write_clip


def _write(path: Path, order: list[int], *, crf: int = 20, width: int = 160) -> Path:
    frames = (picture(index, width=width) for index in order)
    write_clip(path, frames, RATE, options={"crf": str(crf), "preset": "veryfast", "g": "12"})
    return path


def _compared(source: Path, target: Path, how: str, **options: object) -> Comparison:
    return compare_frames(source, probe(source), target, probe(target), how=how, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("how", ["sample", "full"])
@pytest.mark.parametrize("crf", [20, 35])
def test_the_same_frames_agree(crf: int, how: str, shop: Workshop, tmp_path: Path) -> None:
    comparison = _compared(shop.master, _write(tmp_path / "a.mp4", list(ALL), crf=crf), how)
    assert comparison.agrees
    assert comparison.n_compared == (N_FRAMES if how == "full" else 6)
    assert 0 < comparison.worst_error < 100
    assert comparison.worst_index is not None


@pytest.mark.parametrize(
    ("order", "first"),
    [
        ([*ALL[1:], 47], 0),  # shifted
        ([0, *ALL[:-1]], 1),
        ([*ALL[:20], 20, *ALL[20:-1]], 21),  # one doubled, the last lost
        ([*ALL[:20], *ALL[21:], 47], 20),
        ([*ALL[:20], 21, 20, *ALL[22:]], 20),  # swapped
        ([*ALL[::-1]], 0),
        ([0] * 48, 1),  # frozen
    ],
)
def test_a_full_comparison_finds_each_moved_frame(order: list[int], first: int, shop: Workshop, tmp_path: Path) -> None:
    comparison = _compared(shop.master, _write(tmp_path / "a.mp4", order), "full")
    assert comparison.first_mismatch == first
    assert not comparison.agrees


@pytest.mark.parametrize("order", [[*ALL[1:], 47], [0, *ALL[:-1]], [*ALL[:5], 5, *ALL[5:-1]], [*ALL[:-1], 46]])
def test_a_sample_finds_shifts_and_a_lost_end(order: list[int], shop: Workshop, tmp_path: Path) -> None:
    assert _compared(shop.master, _write(tmp_path / "a.mp4", order), "sample").first_mismatch is not None


@pytest.mark.parametrize("gop", ["12", "250"])
@pytest.mark.parametrize("order", [[*ALL], [*ALL[1:], 47], [*ALL[:5], 5, *ALL[5:-1]], [*ALL[:-1], 46]])
def test_a_sample_of_a_long_group_finds_the_same(order: list[int], gop: str, shop: Workshop, tmp_path: Path) -> None:
    """Where few key frames stand, samples lie behind those, and at the end."""
    source = shop.clip("one group")
    target = tmp_path / "a.mp4"
    options = {"crf": "20", "preset": "veryfast", "g": gop, "sc_threshold": "0"}
    write_clip(target, (picture(index) for index in order), RATE, options=options)
    found = _compared(source, target, "sample")
    assert found.agrees == (order == [*ALL])
    assert found.n_compared == 3


def test_another_video_is_no_copy(shop: Workshop, tmp_path: Path) -> None:
    dark = tmp_path / "dark.mp4"
    write_clip(dark, (picture(index) // 4 for index in ALL), RATE)
    assert _compared(shop.master, dark, "sample").first_mismatch == 0


def test_a_scene_in_which_nothing_moves_is_no_mismatch(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    scene = rng.integers(60, 190, (12, 16)).repeat(10, 0).repeat(10, 1)
    noisy = [np.clip(scene + rng.normal(0, 6, scene.shape), 0, 255).astype(np.uint8) for _ in range(30)]
    frames = [np.repeat(image[:, :, None], 3, axis=2) for image in noisy]
    source, target = tmp_path / "a.mkv", tmp_path / "b.mp4"
    write_clip(source, frames, RATE, codec="ffv1", pixel_format="bgr0")
    write_clip(target, frames, RATE, options={"crf": "38", "preset": "ultrafast"})
    assert _compared(source, target, "full").agrees


def test_fewer_frames_than_promised_are_a_problem(shop: Workshop, tmp_path: Path) -> None:
    path = shop.clip("garbled")
    comparison = compare_frames(path, probe(path), path, probe(path), how="full")
    assert comparison.problems
    assert not comparison.agrees


def test_a_crop_and_its_padding(shop: Workshop, tmp_path: Path) -> None:
    crop = Crop(31, 40, 101, 77)
    target = tmp_path / "a.mp4"

    def cropped(dx: int) -> list[np.ndarray]:
        parts = (picture(index)[40:117, 31 + dx : 132 + dx] for index in ALL)
        return [np.pad(part, ((0, 1), (0, 1), (0, 0))) for part in parts]

    write_clip(target, cropped(0), RATE)
    assert _compared(shop.master, target, "full", crop=crop).agrees
    right = _compared(shop.master, target, "full", crop=crop).worst_error
    write_clip(target, cropped(10), RATE)
    assert _compared(shop.master, target, "full", crop=crop).worst_error > 4 * right


@pytest.mark.parametrize("how", ["sample", "full"])
@pytest.mark.parametrize("name", ["h264", "raw h264"])
def test_a_comparison_can_be_stopped(name: str, how: str, shop: Workshop) -> None:
    stop = threading.Event()
    stop.set()
    path = shop.clip(name)
    with pytest.raises(Interrupted):
        compare_frames(path, probe(path), path, probe(path), how=how, stop=stop)  # type: ignore[arg-type]


@pytest.mark.shared
def test_a_real_mouse_moved_by_one_frame_is_seen(openfield: Path, tmp_path: Path) -> None:
    video = next(openfield.glob("videos/*.mp4"))
    wanted = range(300, 340)
    frames = [image for _, image in read_frames(video, probe(video), wanted)]
    source, target = tmp_path / "a.mkv", tmp_path / "b.mp4"
    write_clip(source, frames[:-1], RATE, codec="ffv1", pixel_format="yuv420p")
    options = {"crf": "28", "preset": "veryfast"}
    write_clip(target, frames[:-1], RATE, options=options)
    assert _compared(source, target, "full").agrees
    write_clip(target, frames[1:], RATE, options=options)
    assert _compared(source, target, "full").first_mismatch is not None
