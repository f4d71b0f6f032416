"""A small synthetic DeepLabCut project, drawn from nothing: something to try dlc2lp on before one's own data.

A dark blob with a nose, two ears and a tail walks over a floor in two recordings. One is an h264 mp4 as Lightning
Pose needs it, the other a motion-JPEG AVI as many cameras write; some frames are labelled, one was extracted
and not labelled, and a left ear is hidden now and then. The images are frames of the videos.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dlc2lp.dlc.folders import enclosing_project
from dlc2lp.errors import TargetRefused
from dlc2lp.files import read_text
from dlc2lp.model import Command
from dlc2lp.video.frames import read_frames
from dlc2lp.video.pictures import encode_image
from dlc2lp.video.probe import probe
from dlc2lp.video.synthetic import write_clip

KEYPOINTS = ("nose", "ear_left", "ear_right", "tail_base")
SCORER = "Demo"

_WIDTH_PX, _HEIGHT_PX = 320, 240
_RATE = Fraction(30)


@dataclass(frozen=True)
class _Recording:
    """One synthetic video and which of its frames are labelled."""

    name: str
    suffix: str
    codec: str
    pixel_format: str
    phase: float
    n_frames: int
    labeled: tuple[int, ...]
    unlabeled: tuple[int, ...]


_RECORDINGS = (
    _Recording("mouse1-day1", ".mp4", "libx264", "yuv420p", 0.0, 120, tuple(range(4, 116, 7)), (2,)),
    _Recording("mouse1-day2", ".avi", "mjpeg", "yuvj420p", 2.0, 90, tuple(range(3, 86, 9)), ()),
)


def make_demo_project(folder: Path) -> Path:
    """Write the demo project into ``folder`` and return the folder.

    Raises ``TargetRefused`` where it holds something else (``target-not-empty``), lies in a project
    (``target-inside-project``, ``target-inside-target``), or can't be written to.
    """
    config = folder / "config.yaml"
    made_before = config.is_file() and read_text(config) == _config(folder)
    if made_before and (folder / "labeled-data").is_dir():
        return folder
    _check_in_no_project(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        message = "holds something else than the demo project"
        raise TargetRefused.of("target-not-empty", str(folder), message, advice="choose another folder")
    try:
        (folder / "videos").mkdir(parents=True, exist_ok=True)
        for recording in _RECORDINGS:
            _write_recording(folder, recording)
        # Written last: its presence says that the project is complete.
        config.write_text(_config(folder), encoding="utf-8")
    except OSError as error:
        raise TargetRefused.not_writable(folder, error) from error
    return folder


def _check_in_no_project(folder: Path) -> None:
    """Refuse to write into a project, of whatever kind: a demo's files would count as the project's."""
    around = enclosing_project(Path(os.path.realpath(folder)))
    if around is None:
        return
    project, kind = around
    is_target = kind == "target"
    code, what = ("target-inside-target", "Lightning Pose") if is_target else ("target-inside-project", "DeepLabCut")
    message = f"lies inside the {what} project {project}, and a demo must not be mixed with anybody's data"
    advice = "choose a folder that is in no project: {}"
    beside = project.with_name("dlc2lp-demo") if project.name else Path("~/dlc2lp-demo").expanduser()
    command = Command.of("dlc2lp", "demo", beside)
    raise TargetRefused.of(code, str(folder), message, advice=advice, remedies=(command,))


def _write_recording(folder: Path, recording: _Recording) -> None:
    video = folder / "videos" / f"{recording.name}{recording.suffix}"
    frames = (_draw(recording, index) for index in range(recording.n_frames))
    write_clip(video, frames, _RATE, codec=recording.codec, pixel_format=recording.pixel_format)
    session = folder / "labeled-data" / recording.name
    session.mkdir(parents=True, exist_ok=True)
    extracted = sorted((*recording.labeled, *recording.unlabeled))
    for index, image in read_frames(video, probe(video), extracted):
        (session / f"img{index:03d}.png").write_bytes(encode_image(image))
    rows = [
        ["scorer", "", "", *[SCORER] * (2 * len(KEYPOINTS))],
        ["bodyparts", "", "", *[name for name in KEYPOINTS for _ in "xy"]],
        ["coords", "", "", *["x", "y"] * len(KEYPOINTS)],
        *[_label_row(recording, index) for index in recording.labeled],
    ]
    text = "".join(",".join(row) + "\n" for row in rows)
    (session / f"CollectedData_{SCORER}.csv").write_text(text, encoding="utf-8")


def _label_row(recording: _Recording, index: int) -> list[str]:
    cells: list[str] = []
    for name, (x, y) in _keypoints(recording, index).items():
        hidden = name == "ear_left" and index % 4 == 0
        cells += ["", ""] if hidden else [repr(x), repr(y)]
    return ["labeled-data", recording.name, f"img{index:03d}.png", *cells]


def _keypoints(recording: _Recording, index: int) -> dict[str, tuple[float, float]]:
    """Pixel coordinates of the animal's parts in one frame."""
    t = recording.phase + index / 20
    x = _WIDTH_PX / 2 + 90 * math.sin(t)
    y = _HEIGHT_PX / 2 + 60 * math.sin(1.7 * t + 0.5)
    heading = math.atan2(60 * 1.7 * math.cos(1.7 * t + 0.5), 90 * math.cos(t))
    ahead = (math.cos(heading), math.sin(heading))
    aside = (-ahead[1], ahead[0])

    def at(forward: float, sideways: float) -> tuple[float, float]:
        return x + forward * ahead[0] + sideways * aside[0], y + forward * ahead[1] + sideways * aside[1]

    return {"nose": at(30, 0), "ear_left": at(16, -11), "ear_right": at(16, 11), "tail_base": at(-26, 0)}


def _draw(recording: _Recording, index: int) -> NDArray[np.uint8]:
    """One RGB frame of shape (height, width, 3)."""
    ys, xs = np.mgrid[0:_HEIGHT_PX, 0:_WIDTH_PX].astype(np.float64)
    image = 150 + 20 * np.sin(xs / 17) * np.cos(ys / 23)
    points = _keypoints(recording, index)
    (nose_x, nose_y), (tail_x, tail_y) = points["nose"], points["tail_base"]
    for share in np.linspace(0, 1, 9):
        x, y = nose_x + share * (tail_x - nose_x), nose_y + share * (tail_y - nose_y)
        radius = 6 + 12 * math.sin(math.pi * (0.15 + 0.8 * share))
        image = np.where((xs - x) ** 2 + (ys - y) ** 2 < radius**2, 60, image)
    for ear in ("ear_left", "ear_right"):
        x, y = points[ear]
        image = np.where((xs - x) ** 2 + (ys - y) ** 2 < 25, 110, image)
    image = np.where((xs - nose_x) ** 2 + (ys - nose_y) ** 2 < 9, 200, image)
    return np.repeat(np.clip(image, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)


def _config(folder: Path) -> str:
    """``config.yaml`` as DeepLabCut 2.3 writes it, but for what a demo does not need."""
    videos = "".join(
        f"  {(folder / 'videos' / (recording.name + recording.suffix)).absolute()}:\n"
        f"    crop: 0, {_WIDTH_PX}, 0, {_HEIGHT_PX}\n"
        for recording in _RECORDINGS
    )
    parts = "".join(f"- {name}\n" for name in KEYPOINTS)
    return (
        "# Project definitions (do not edit)\n"
        f"Task: demo\nscorer: {SCORER}\ndate: Jan1\nmultianimalproject: false\nidentity:\n\n"
        f"# Project path (change when moving around)\nproject_path: {folder.absolute()}\n\n"
        "# Annotation data set configuration (and individual video cropping parameters)\n"
        f"video_sets:\n{videos}bodyparts:\n{parts}\n"
        "# Fraction of video to start/stop when extracting frames for labeling/refinement\n"
        "start: 0\nstop: 1\nnumframes2pick: 20\n\n"
        "# Plotting configuration\n"
        "skeleton:\n- - nose\n  - ear_left\n- - nose\n  - ear_right\n- - nose\n  - tail_base\n"
        "skeleton_color: black\npcutoff: 0.6\n\n"
        "# Training,Evaluation and Analysis configuration\n"
        "TrainingFraction:\n- 0.95\niteration: 0\n"
    )
