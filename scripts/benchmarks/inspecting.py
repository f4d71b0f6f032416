"""Inspecting projects with videos: every image compared with the frames around its number, beside what that needs.

The bound decodes each frame that the comparison looks at, with those that it leans on, and reads each image and label
file once, with the libraries that people read them with. It compares nothing, measures no video and plans nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dlc2lp
from benchmarks.measure import gain, say, table
from benchmarks.projects import drawn, mixed, write_project
from dlc2lp.video.cpus import allowed_cpus
from dlc2lp.video.find_frames import WINDOW_FRAMES


def report(folder: Path, *, quick: bool) -> str:
    """One table: projects of few images in each video, and one of many."""
    repeats, n_sessions, n_mixed = (1, 5, 5) if quick else (3, 50, 20)
    place = folder / "inspecting"
    place.mkdir()
    say("  drawing the videos to inspect")
    h264, mjpeg = (drawn(place / f"long{suffix}", 300, 8) for suffix in (".mp4", ".avi"))
    projects = [
        write_project(place / "h264", [h264] * n_sessions),
        write_project(place / "mjpeg", [mjpeg] * n_sessions),
        write_project(place / "mixed", mixed(place, n_mixed)),
    ]
    names = [
        f"{n_sessions} sessions, 8 images each, h264 (GOP 250) of 300 frames",
        f"{n_sessions} sessions, 8 images each, MJPEG of 300 frames",
        f"{n_mixed} sessions, 40 images each, of 240 frames: h264 in mp4, avi, mov and mkv, and MJPEG",
    ]
    rows = [_row(name, root, repeats) for name, root in zip(names, projects, strict=True)]
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
