"""DeepLabCut projects of drawn recordings and of images that were cut out of them."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks import reference
from benchmarks.recordings import RATE, scene
from dlc2lp.video.frames import read_frames
from dlc2lp.video.pictures import encode_image
from dlc2lp.video.probe import probe
from dlc2lp.video.synthetic import write_clip

WIDTH_PX, HEIGHT_PX = 640, 480
POINTS = ("nose", "paw", "tail")

_H264 = {"preset": "veryfast", "crf": "20", "g": "250"}
_MJPEG = {"qmin": "3", "qmax": "3"}


@dataclass(frozen=True)
class Recorded:
    """A clip and the images that were cut out of it, by their frames."""

    clip: Path
    images: Mapping[int, bytes]


def recorded(clip: Path, n_images: int) -> Recorded:
    """A clip that is there, and images from all over it."""
    info = probe(clip)
    chosen = [(2 * number + 1) * info.n_frames // (2 * n_images) for number in range(n_images)]
    return Recorded(clip, {index: encode_image(image) for index, image in read_frames(clip, info, chosen)})


def drawn(
    clip: Path, n_frames: int, n_images: int, *, noise: float = 2.0, size_px: tuple[int, int] = (WIDTH_PX, HEIGHT_PX)
) -> Recorded:
    """A noisy scene as a camera stores it: h264 in an mp4, MJPEG in an avi; and images from all over it."""
    frames = scene(*size_px, n_frames, noise=noise)
    if clip.suffix == ".mp4":
        write_clip(clip, frames, RATE, pixel_format="yuv420p", options=_H264)
    else:
        write_clip(clip, frames, RATE, codec="mjpeg", pixel_format="yuvj420p", options=_MJPEG)
    return recorded(clip, n_images)


def mixed(folder: Path, n_sessions: int) -> list[Recorded]:
    """Sessions of 240 frames with 40 images: two of five h264 in mp4, two in other containers, one MJPEG."""
    h264, mjpeg = (drawn(folder / f"short{suffix}", 240, 40, noise=4.0) for suffix in (".mp4", ".avi"))
    others = []
    for suffix in (".h264.avi", ".mov", ".mkv"):
        copy = folder / f"short{suffix}"
        reference.run(reference.stream_copy(h264.clip, copy))
        others.append(Recorded(copy, h264.images))
    return [
        (h264, h264, others[number % 3], others[(number + 1) % 3], mjpeg)[number % 5] for number in range(n_sessions)
    ]


def write_project(root: Path, sessions: Iterable[Recorded]) -> Path:
    """A DeepLabCut project of these sessions; files are copies, as recordings of one camera are alike."""
    (root / "videos").mkdir(parents=True)
    listed = []
    for number, session in enumerate(sessions):
        video = root / "videos" / f"day{number:03d}{session.clip.suffix}"
        shutil.copyfile(session.clip, video)
        info = probe(video)
        listed.append(f"  {video}:\n    crop: 0, {info.width_px}, 0, {info.height_px}\n")
        _label(root / "labeled-data" / video.stem, session.images)
    (root / "config.yaml").write_text(
        "Task: bench\nscorer: Bench\ndate: Jan1\nmultianimalproject: false\nidentity:\n"
        f"project_path: {root}\nvideo_sets:\n{''.join(listed)}bodyparts:\n"
        + "".join(f"- {point}\n" for point in POINTS)
        + "start: 0\nstop: 1\nnumframes2pick: 8\nskeleton: []\nTrainingFraction:\n- 0.95\niteration: 0\n",
        encoding="utf-8",
    )
    return root


def _label(folder: Path, images: Mapping[int, bytes]) -> None:
    folder.mkdir(parents=True)
    columns = [(point, coordinate) for point in POINTS for coordinate in "xy"]
    rows = [
        "scorer,,," + ",".join("Bench" for _ in columns),
        "bodyparts,,," + ",".join(point for point, _ in columns),
        "coords,,," + ",".join(coordinate for _, coordinate in columns),
    ]
    for index, image in images.items():
        (folder / f"img{index:03d}.png").write_bytes(image)
        values = ",".join(f"{20.5 + index + number}" for number, _ in enumerate(columns))
        rows.append(f"labeled-data,{folder.name},img{index:03d}.png,{values}")
    (folder / "CollectedData_Bench.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
