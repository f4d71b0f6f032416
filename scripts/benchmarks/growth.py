"""Whether time and memory grow no faster than the work: three sizes of each, and the exponent between them."""

from __future__ import annotations

import math
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from benchmarks import reference
from benchmarks.archive import make_archive
from benchmarks.measure import say, table
from benchmarks.projects import Recorded, drawn, write_project
from benchmarks.watched import Watched, watch
from dlc2lp.video.ffmpeg import find_ffmpeg

_HEADS = ("", "sizes", "CPU s", "exponent", "memory, MB", "exponent of memory")
_SMALL_PX = (160, 120)


def report(folder: Path, *, quick: bool) -> str:
    """One table; labeled frames are in :mod:`benchmarks.labels`. Linux only, which alone tells what a process took."""
    title = "## Growth: three sizes each, four times as much from one to the next"
    if sys.platform != "linux":
        return f"{title}\n\nNot measured: only Linux tells what a process has read."
    repeats, divisor = (1, 10) if quick else (3, 1)
    place = folder / "growth"
    place.mkdir()
    session = drawn(place / "short.mp4", 60, 5, size_px=_SMALL_PX)
    kinds: list[tuple[str, Sequence[int], Callable[[int], list[str]]]] = [
        ("sessions with a video, `inspect`", (40, 160, 640), lambda n: _inspect(place, session, n)),
        ("projects, `batch plan --jobs 1`", (15, 60, 240), lambda n: _projects(place, n)),
        ("frames of a video, `video convert` (encode)", (3000, 12000, 48000), lambda n: _video(place, n)),
    ]
    rows = []
    for name, full, command in kinds:
        sizes = [max(4, size // divisor) for size in full]
        took = []
        for size in sizes:
            say(f"  {size} {name}")
            took.append(_middle(command(size), place / "out", repeats))
        rows.append(_row(name, sizes, took))
    shutil.rmtree(place)
    return f"{title}\n\n{table(_HEADS, rows)}"


def _row(name: str, sizes: Sequence[int], took: Sequence[Watched]) -> list[str]:
    times, peaks = [each.cpu_s for each in took], [each.peak_bytes for each in took]
    return [
        name,
        ", ".join(map(str, sizes)),
        ", ".join(f"{time:.1f}" for time in times),
        f"{_exponent(sizes, times):.2f}",
        ", ".join(f"{peak / 1e6:.0f}" for peak in peaks),
        f"{_exponent(sizes, peaks):.2f}",
    ]


def _exponent(sizes: Sequence[int], values: Sequence[float]) -> float:
    """The power of the size with which values grow, from the smallest to the largest."""
    return math.log(values[-1] / values[0]) / math.log(sizes[-1] / sizes[0])


def _middle(command: list[str], out: Path, repeats: int) -> Watched:
    """The medians of several runs."""
    runs = []
    for _ in range(repeats):
        shutil.rmtree(out, ignore_errors=True)
        out.with_suffix(".mp4").unlink(missing_ok=True)
        runs.append(watch([sys.executable, "-m", "dlc2lp", *command]))
    return Watched(*(median(values) for values in zip(*runs, strict=True)))  # type: ignore[arg-type]


def _inspect(place: Path, session: Recorded, n_sessions: int) -> list[str]:
    return ["inspect", str(write_project(place / f"sessions{n_sessions}", [session] * n_sessions)), "-q"]


def _projects(place: Path, n_projects: int) -> list[str]:
    root = place / f"projects{n_projects}"
    make_archive(root, n_projects, 3)
    return ["batch", "plan", str(root), str(place / "out"), "--jobs", "1", "-q"]


def _video(place: Path, n_frames: int) -> list[str]:
    clip = place / f"video{n_frames}.avi"
    drawing = ["-f", "lavfi", "-i", f"testsrc2=size=160x120:rate=30,trim=end_frame={n_frames}"]
    reference.run([str(find_ffmpeg()), "-nostdin", "-v", "error", "-y", *drawing, "-c:v", "mpeg4", str(clip)])
    return ["video", "convert", str(clip), str(place / "out.mp4"), "-q"]
