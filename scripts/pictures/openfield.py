"""A DeepLabCut project to be looked at: a mouse in an open field, drawn, with what a report has to tell.

``python scripts/pictures/openfield.py FOLDER`` writes it; docs/walkthrough.md goes through it.
"""

from __future__ import annotations

import csv
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dlc2lp.video.frames import read_frames
from dlc2lp.video.pictures import encode_image
from dlc2lp.video.probe import probe
from dlc2lp.video.synthetic import write_clip

KEYPOINTS = ("snout", "leftear", "rightear", "tailbase")
SCORER = "Ada"

_WIDTH_PX, _HEIGHT_PX = 640, 480
_RATE = Fraction(30)
#: Bits of a pixel's fraction that OpenCV draws with.
_SHIFT = 4

Point = tuple[float, float]


@dataclass(frozen=True)
class Recording:
    """One video and its labeled frames."""

    name: str
    phase: float
    n_frames: int
    labeled: tuple[int, ...]
    suffix: str = ".mp4"
    codec: str = "libx264"
    pixel_format: str = "yuv420p"
    has_video: bool = True


RECORDINGS = (
    Recording("mouse1-day1", 0.4, 240, tuple(range(6, 236, 13))),
    Recording("mouse1-day2", 2.6, 180, tuple(range(4, 176, 17)), ".avi", "mjpeg", "yuvj420p"),
    Recording("mouse2-day1", 4.4, 150, tuple(range(9, 148, 23)), has_video=False),
)

#: A label that somebody put beside the image, and one that jumped to another animal's place.
_WRONG: dict[tuple[str, int, str], Point] = {
    ("mouse1-day1", 110, "tailbase"): (652.4, 191.3),
    ("mouse1-day2", 89, "leftear"): (118.2, 402.7),
}


def make_openfield(folder: Path) -> Path:
    """Write the project into a folder and return it."""
    for recording in RECORDINGS:
        _write(folder, recording)
    (folder / "config.yaml").write_text(_config(folder), encoding="utf-8")
    return folder


def _write(folder: Path, recording: Recording) -> None:
    video = folder / "videos" / f"{recording.name}{recording.suffix}"
    video.parent.mkdir(parents=True, exist_ok=True)
    frames = (_draw(recording, index) for index in range(recording.n_frames))
    write_clip(video, frames, _RATE, codec=recording.codec, pixel_format=recording.pixel_format)
    session = folder / "labeled-data" / recording.name
    session.mkdir(parents=True)
    for index, image in read_frames(video, probe(video), recording.labeled):
        (session / f"img{index:03d}.png").write_bytes(encode_image(image))
    if not recording.has_video:
        video.unlink()
    with (session / f"CollectedData_{SCORER}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["scorer", "", "", *[SCORER] * (2 * len(KEYPOINTS))])
        writer.writerow(["bodyparts", "", "", *[name for name in KEYPOINTS for _ in "xy"]])
        writer.writerow(["coords", "", "", *["x", "y"] * len(KEYPOINTS)])
        writer.writerows(_row(recording, index) for index in recording.labeled)


def _row(recording: Recording, index: int) -> Iterator[str]:
    yield from ("labeled-data", recording.name, f"img{index:03d}.png")
    for name, point in _keypoints(recording, index).items():
        is_hidden = name == "rightear" and math.sin(index + recording.phase) > 0.5
        x, y = _WRONG.get((recording.name, index, name), point)
        yield from ("", "") if is_hidden else (f"{x:.3f}", f"{y:.3f}")


def _heading(recording: Recording, index: int) -> tuple[Point, float]:
    """Where the mouse is, and which way it goes."""
    t = recording.phase + index / 45
    center = _WIDTH_PX / 2 + 205 * math.sin(t), _HEIGHT_PX / 2 + 135 * math.sin(1.6 * t + 0.7)
    return center, math.atan2(135 * 1.6 * math.cos(1.6 * t + 0.7), 205 * math.cos(t))


def _keypoints(recording: Recording, index: int) -> dict[str, Point]:
    (x, y), angle = _heading(recording, index)

    def at(forward: float, sideways: float) -> Point:
        return (
            x + forward * math.cos(angle) - sideways * math.sin(angle),
            y + forward * math.sin(angle) + sideways * math.cos(angle),
        )

    return {"snout": at(52, 0), "leftear": at(31, -13), "rightear": at(31, 13), "tailbase": at(-38, 0)}


def _draw(recording: Recording, index: int) -> NDArray[np.uint8]:
    """One RGB frame of shape (height, width, 3): the mouse from above on a lit floor with walls around."""
    image = _floor().copy()
    (x, y), angle = _heading(recording, index)
    points = _keypoints(recording, index)
    _ellipse(image, (x, y + 7), (50, 27), angle, 118)  # its shadow
    tail = [points["tailbase"]]
    for k in range(1, 14):
        bend = angle + math.pi + 0.5 * math.sin(index / 9 + k / 4)
        tail.append((tail[-1][0] + 6 * math.cos(bend), tail[-1][1] + 6 * math.sin(bend)))
    line = np.round(np.array(tail) * 2**_SHIFT).astype(np.int32)
    cv2.polylines(image, [line], False, (74, 72, 70), 3, cv2.LINE_AA, _SHIFT)
    _ellipse(image, (x, y), (44, 23), angle, 34)
    ahead = math.cos(angle), math.sin(angle)
    _ellipse(image, (x + 36 * ahead[0], y + 36 * ahead[1]), (19, 12), angle, 38)
    for ear in ("leftear", "rightear"):
        _ellipse(image, points[ear], (6.5, 5), angle, 84)
    _ellipse(image, points["snout"], (3, 3), angle, 105)
    return cv2.GaussianBlur(image, (0, 0), 1.1).astype(np.uint8, copy=False)


def _floor() -> NDArray[np.uint8]:
    ys, xs = np.mgrid[0:_HEIGHT_PX, 0:_WIDTH_PX].astype(np.float64)
    light = 214 - 60 * (((xs - 330) / 420) ** 2 + ((ys - 220) / 330) ** 2)
    light += np.random.default_rng(7).normal(0, 2.2, light.shape)
    wall = (xs < 34) | (xs > _WIDTH_PX - 35) | (ys < 30) | (ys > _HEIGHT_PX - 31)
    gray = np.clip(np.where(wall, light * 0.62, light), 0, 255)
    return (gray[:, :, None] * np.array([1.0, 0.985, 0.955])).astype(np.uint8)


def _ellipse(image: NDArray[np.uint8], center: Point, axes: Point, angle: float, gray: int) -> None:
    at, size = (tuple(round(value * 2**_SHIFT) for value in pair) for pair in (center, axes))
    color = (gray, gray - 1, gray - 3)
    cv2.ellipse(image, at, size, math.degrees(angle), 0, 360, color, -1, cv2.LINE_AA, _SHIFT)


def _config(folder: Path) -> str:
    videos = "".join(
        f"  {folder / 'videos' / (each.name + each.suffix)}:\n    crop: 0, {_WIDTH_PX}, 0, {_HEIGHT_PX}\n"
        for each in RECORDINGS
        if each.has_video
    )
    return (
        f"Task: openfield\nscorer: {SCORER}\ndate: Mar14\nmultianimalproject: false\nproject_path: {folder}\n"
        f"video_sets:\n{videos}bodyparts:\n" + "".join(f"- {name}\n" for name in KEYPOINTS) + "skeleton:\n"
        "- - snout\n  - leftear\n- - snout\n  - rightear\n- - leftear\n  - tailbase\n- - rightear\n  - tailbase\n"
        "TrainingFraction:\n- 0.95\niteration: 0\n"
    )


if __name__ == "__main__":
    if len(sys.argv) != 2 or Path(sys.argv[1]).exists():
        sys.exit("usage: python scripts/pictures/openfield.py FOLDER, which must not exist yet")
    print(make_openfield(Path(sys.argv[1])))
