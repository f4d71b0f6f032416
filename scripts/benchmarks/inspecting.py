"""Inspecting projects with videos: every image compared with the frames around its number, beside what that needs.

The bound decodes each frame that the comparison looks at, with those that it leans on, and reads each image and label
file once, with the libraries that people read them with. It compares nothing, measures no video and plans nothing.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import dlc2lp
from benchmarks import reference
from benchmarks.measure import gain, say, table
from benchmarks.recordings import RATE, scene
from dlc2lp.video.cpus import allowed_cpus
from dlc2lp.video.find_frames import WINDOW_FRAMES
from dlc2lp.video.frames import read_frames
from dlc2lp.video.pictures import encode_image
from dlc2lp.video.probe import probe
from dlc2lp.video.synthetic import write_clip

_WIDTH, _HEIGHT = 640, 480
_POINTS = ("nose", "paw", "tail")


@dataclass(frozen=True)
class Amount:
    """How much is inspected.

    Attributes
    ----------
    repeats
        Pairs of the bound and of ``inspect``.
    n_sessions
        Sessions of the project with h264, and of that with MJPEG.
    n_mixed
        Sessions of the one whose videos lie in several containers.
    """

    repeats: int
    n_sessions: int
    n_mixed: int

    @classmethod
    def full(cls) -> Amount:
        """What stands in the documentation: about five minutes."""
        return cls(3, 50, 20)

    @classmethod
    def quick(cls) -> Amount:
        """Enough to see that nothing is broken."""
        return cls(1, 5, 5)


@dataclass(frozen=True)
class _Recorded:
    """A clip and the images that were cut out of it, by their frames."""

    clip: Path
    images: dict[int, bytes]


def report(folder: Path, amount: Amount) -> str:
    """One table: projects of few images in each video, and one of many."""
    place = folder / "inspecting"
    place.mkdir()
    say("  drawing the videos to inspect")
    h264, mjpeg = (_drawn(place / f"long{suffix}", 300, 8) for suffix in (".mp4", ".avi"))
    projects = [
        _project(place / "h264", [h264] * amount.n_sessions),
        _project(place / "mjpeg", [mjpeg] * amount.n_sessions),
        _project(place / "mixed", _mixed(place, amount.n_mixed)),
    ]
    names = [
        f"{amount.n_sessions} sessions, 8 images each, h264 (GOP 250) of 300 frames",
        f"{amount.n_sessions} sessions, 8 images each, MJPEG of 300 frames",
        f"{amount.n_mixed} sessions, 40 images each, of 240 frames: h264 in mp4, avi, mov and mkv, and MJPEG",
    ]
    rows = [_row(name, root, amount.repeats) for name, root in zip(names, projects, strict=True)]
    heads = (
        "`inspect`, 640x480",
        "CPU, of the bound",
        "wall, of the bound",
        "CPU ms per image",
        "bound, CPU ms per image",
    )
    return "## Inspecting\n\n" + table(heads, rows)


def _row(name: str, root: Path, repeats: int) -> list[str]:
    say(f"  inspecting {name}")
    n_images = len(list(root.glob("labeled-data/*/*.png")))
    _inspect(root)  # what is imported is imported
    found = gain(lambda: _read_what_is_needed(root), lambda: _inspect(root), repeats)
    each_ms = 1000 * found.cost.cpu_s / n_images
    return [name, f"{1 / found.cpu:.2f}", f"{1 / found.wall:.2f}", f"{each_ms:.1f}", f"{each_ms * found.cpu:.1f}"]


def _inspect(root: Path) -> None:
    ties = dlc2lp.inspect(root).survey.ties
    if {tie.kind for tie in ties.values()} != {"exact"}:
        raise RuntimeError(f"{root}: found {ties}, expected every image to be the frame that its number names")


def _read_what_is_needed(root: Path) -> None:
    """Decode, and read images and labels, with as many threads as ``inspect`` has."""
    with ThreadPoolExecutor(allowed_cpus()) as pool:
        list(pool.map(_read_session, sorted((root / "videos").iterdir())))


def _read_session(video: Path) -> None:
    import cv2
    import pandas as pd

    session = video.parents[1] / "labeled-data" / video.stem
    for path in session.glob("*.csv"):
        pd.read_csv(path, header=[0, 1, 2], index_col=[0, 1, 2])
    numbers = []
    for path in session.glob("*.png"):
        numbers.append(int(path.stem.removeprefix("img")))
        if cv2.imread(str(path)) is None:
            raise RuntimeError(f"no image: {path}")
    _decode(video, numbers)


def _decode(video: Path, numbers: Sequence[int]) -> None:
    """Decode the frames around some numbers: of MJPEG only these, of h264 all up to the last one."""
    import av

    wanted = {at for number in numbers for at in range(number - WINDOW_FRAMES, number + WINDOW_FRAMES + 1)}
    with av.open(str(video)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        is_intra = stream.codec_context.name == "mjpeg"
        for index, packet in enumerate(container.demux(stream)):
            if index > max(wanted):
                return
            if packet.size and (index in wanted or not is_intra):
                stream.decode(packet)


def _drawn(clip: Path, n_frames: int, n_images: int) -> _Recorded:
    """A noisy scene as a camera stores it, and images from all over it."""
    codec, pixel_format, options = (
        ("libx264", "yuv420p", {"preset": "veryfast", "crf": "20", "g": "250"})
        if clip.suffix == ".mp4"
        else ("mjpeg", "yuvj420p", {"qmin": "3", "qmax": "3"})
    )
    frames = scene(_WIDTH, _HEIGHT, n_frames, noise=2.0)
    write_clip(clip, frames, RATE, codec=codec, pixel_format=pixel_format, options=options)
    chosen = [(2 * number + 1) * n_frames // (2 * n_images) for number in range(n_images)]
    return _Recorded(clip, {index: encode_image(image) for index, image in read_frames(clip, probe(clip), chosen)})


def _mixed(folder: Path, n_sessions: int) -> list[_Recorded]:
    """Two of five h264 in mp4, two in other containers, one MJPEG."""
    h264, mjpeg = (_drawn(folder / f"short{suffix}", 240, 40) for suffix in (".mp4", ".avi"))
    others = []
    for suffix in (".h264.avi", ".mov", ".mkv"):
        copy = folder / f"short{suffix}"
        reference.run(reference.stream_copy(h264.clip, copy))
        others.append(_Recorded(copy, h264.images))
    return [
        (h264, h264, others[number % 3], others[(number + 1) % 3], mjpeg)[number % 5] for number in range(n_sessions)
    ]


def _project(root: Path, sessions: Iterable[_Recorded]) -> Path:
    """A DeepLabCut project of these sessions; files are copies, as recordings of one camera are alike."""
    (root / "videos").mkdir(parents=True)
    listed = []
    for number, session in enumerate(sessions):
        video = root / "videos" / f"day{number:03d}{session.clip.suffix}"
        shutil.copyfile(session.clip, video)
        listed.append(f"  {video}:\n    crop: 0, {_WIDTH}, 0, {_HEIGHT}\n")
        _label(root / "labeled-data" / video.stem, session.images)
    (root / "config.yaml").write_text(
        "Task: bench\nscorer: Bench\ndate: Jan1\nmultianimalproject: false\nidentity:\n"
        f"project_path: {root}\nvideo_sets:\n{''.join(listed)}bodyparts:\n"
        + "".join(f"- {point}\n" for point in _POINTS)
        + "start: 0\nstop: 1\nnumframes2pick: 8\nskeleton: []\nTrainingFraction:\n- 0.95\niteration: 0\n",
        encoding="utf-8",
    )
    return root


def _label(folder: Path, images: dict[int, bytes]) -> None:
    folder.mkdir(parents=True)
    columns = [(point, coordinate) for point in _POINTS for coordinate in "xy"]
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
