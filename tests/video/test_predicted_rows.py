"""Which frame of a video a row of DeepLabCut's analysis is, where OpenCV gave it fewer or more than players show."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from builder import Video, build_project
from clips import HEIGHT, WIDTH, Workshop
from command import dlc2lp
from dlc_analysis import TF, Analysis, add_analysis
from handmade import change_packets, emptied
from predicted import predicted, values

from dlc2lp.video.ffmpeg import find_ffmpeg


@pytest.mark.parametrize(
    ("n_rows", "empty"),
    [(20, []), (19, [12]), (12, list(range(12, 20)))],  # all read; one passed over; stopped there as OpenCV does
)
def test_rows_of_a_damaged_video_are_its_frames(tmp_path: Path, n_rows: int, empty: list[int]) -> None:
    project = build_project(
        tmp_path / "whole", sessions=("m1",), frames=(2, 5), video=Video(".avi", "mjpeg", "yuvj420p")
    )
    built = build_project(tmp_path / "dlc", sessions=("m1",), frames=(2, 5), video=Video(".avi", "mjpeg", "yuvj420p"))
    table = add_analysis(built, Analysis("m1", rows=range(n_rows)))
    change_packets(project.videos["m1"], built.videos["m1"], emptied(12))
    if n_rows == 12:
        assert sum(1 for _ in opencv_frames(built.videos["m1"])) == 12
    assert dlc2lp("convert", built.root, tmp_path / "lp", "--damaged", "keep").exit_code == 0
    found = predicted(tmp_path)
    shown = [frame for frame in range(20) if frame not in empty]
    assert np.array_equal(found[shown], values(table))
    assert np.isnan(found[empty, :, :2]).all()
    assert dlc2lp("verify", tmp_path / "lp").exit_code == 0


def opencv_frames(video: Path) -> Iterator[None]:
    """Read on as DeepLabCut does until there is no more."""
    capture = cv2.VideoCapture(str(video))
    while capture.read()[0]:
        yield


def test_rows_before_the_first_frame_that_an_edit_list_shows_are_left_out(tmp_path: Path) -> None:
    """An OpenCV that does not follow edit lists numbers the labeled images, and analyzes, from the hidden frames on."""
    built = build_project(tmp_path / "whole", sessions=("m1",), frames=(12, 15, 19), n_frames=24, video=Video(gop=6))
    table = add_analysis(built, Analysis("m1", files=()))
    shutil.copytree(built.root, tmp_path / "dlc")
    cut = tmp_path / "dlc" / "videos" / "m1.mp4"
    cut_off = ["-ss", "0.2", "-i", str(built.videos["m1"]), "-c", "copy", "-y", str(cut)]
    subprocess.run([str(find_ffmpeg()), "-v", "error", *cut_off], check=True)
    built.videos["m1"].unlink()  # config.yaml still names it
    n_shown = sum(1 for _ in opencv_frames(cut))
    assert 0 < 24 - n_shown < 10
    table.to_hdf(tmp_path / "dlc" / "videos" / f"m1{TF}.h5", key="df_with_missing", format="table", mode="w")
    result = dlc2lp("convert", tmp_path / "dlc", tmp_path / "lp", "--json")
    assert result.exit_code == 0, result.stderr
    assert result.document["videos"][0]["tie"]["shift"] == n_shown - 24
    assert np.array_equal(predicted(tmp_path), values(table)[24 - n_shown :])
    assert dlc2lp("verify", tmp_path / "lp").exit_code == 0


@pytest.mark.parametrize(
    ("clip", "notes", "is_taken"),
    [
        ("turned 90", {}, True),  # it says that it saw the picture as players turn it
        ("turned 90", {"frame_dimensions": (WIDTH, HEIGHT)}, False),
        ("turned 90", None, False),
        ("turned 180", {}, False),  # its size does not tell
        ("h264", None, True),
    ],
)
def test_points_of_a_turned_video_need_a_proof_of_what_was_seen(
    clip: str, notes: dict[str, tuple[int, int]] | None, is_taken: bool, shop: Workshop, tmp_path: Path
) -> None:
    built = build_project(tmp_path / "dlc", sessions=("m1",), frames=(2, 5))
    path = built.root / "videos" / "extra.mp4"
    shutil.copyfile(shop.clip(clip), path)
    built.n_frames["extra"] = 48
    built.size_px["extra"] = (WIDTH, HEIGHT)  # as players show it; DeepLabCut up to 2 notes the height first
    table = add_analysis(built, Analysis("extra", notes=notes))
    result = dlc2lp("convert", built.root, tmp_path / "lp", "--videos", "all", "--json")
    assert result.exit_code == 0, result.stderr
    assert ("predictions-of-other-picture" in result.codes) == (not is_taken)
    if is_taken:
        assert np.array_equal(predicted(tmp_path, "extra"), values(table))
