"""An archive of projects whose videos are of all kinds, beside what people do without dlc2lp, and what bounds both.

Without it they copy the projects, look at each video as the FAQ of Lightning Pose says and encode those that fail.
Nobody then knows whether an image is the frame that its name says, and no label is converted.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks import reference
from benchmarks.measure import Cost, cost_of, gain, say, table
from benchmarks.projects import mixed, write_project
from dlc2lp.video.convert import make_video
from dlc2lp.video.cpus import allowed_cpus
from dlc2lp.video.encoding import encode_settings
from dlc2lp.video.ffmpeg import find_ffmpeg
from dlc2lp.video.probe import probe
from dlc2lp.wording import counted

_HEADS = ("", "wall", "CPU", "wall s", "CPU s")
_SESSIONS_PER_PROJECT = 5


def report(folder: Path, *, quick: bool) -> str:
    """One table."""
    repeats, n_projects = (1, 1) if quick else (3, 4)
    place = folder / "mixed"
    place.mkdir()
    say("  drawing an archive of all kinds of videos")
    root = place / "archive"
    recordings = mixed(place, _SESSIONS_PER_PROJECT)
    for number in range(n_projects):
        write_project(root / f"project{number}", recordings)
    videos = sorted(root.glob("project*/videos/*"))
    n_images = len(list(root.glob("project*/labeled-data/*/*.png")))
    say("  converting it")
    command = [sys.executable, "-m", "dlc2lp", "batch", "convert", str(root), str(place / "lp"), "-q"]

    def peers() -> None:
        _as_people_do(root, place / "peers")

    def convert() -> None:
        shutil.rmtree(place / "lp", ignore_errors=True)
        _succeed(command)

    found = gain(peers, convert, repeats)
    rows = [
        ["people's way: copying, the FAQ's check, its encode of what fails", "1.00", "1.00", "", ""],
        ["`dlc2lp batch convert`, every image proven",
         f"{found.wall:.2f}", f"{found.cpu:.2f}", f"{found.cost.wall_s:.1f}", f"{found.cost.cpu_s:.1f}"],
    ]  # fmt: skip
    encoded = [video for video in videos if probe(video).codec != "h264"]
    bounds = {
        f"bound: the encode of {counted(len(encoded), 'video')}": cost_of(lambda: _encode_all(encoded, place)),
        f"bound: one decode of each of {len(videos)} videos": cost_of(lambda: _decode_all(videos)),
        f"bound: one read of each of {n_images} images": cost_of(lambda: _read_images(root)),
    }
    both = Cost(*map(sum, zip(*bounds.values(), strict=True)))  # type: ignore[arg-type]
    rows += [[name, "", "", f"{cost.wall_s:.1f}", f"{cost.cpu_s:.1f}"] for name, cost in bounds.items()]
    rows.append(["these together", "", "", f"{both.wall_s:.1f}", f"{both.cpu_s:.1f}"])
    title = f"## A mixed archive: {len(videos)} videos of 240 frames, {n_images} labeled frames"
    return f"{title}\n\n{table(_HEADS, rows)}"


def _succeed(command: list[str]) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command} ended with {done.returncode}: {done.stderr[-2000:]}")


def _as_people_do(root: Path, target: Path) -> None:
    """Copy everything, then bring each video that is no mp4 of h264 in yuv420p to be one."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(root, target)
    for video in sorted(target.glob("project*/videos/*")):
        asked = subprocess.run([find_ffmpeg(), "-i", video], stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if video.suffix == ".mp4" and b"h264" in asked.stderr and b"yuv420p" in asked.stderr:
            continue
        reference.run(reference.docs_command(video, video.with_name(f"{video.stem}-new.mp4")))
        video.unlink()
        video.with_name(f"{video.stem}-new.mp4").rename(video.with_suffix(".mp4"))


def _encode_all(videos: list[Path], place: Path) -> None:
    settings = encode_settings("balanced")

    def encode(video: Path) -> None:
        temporary = place / f"{video.parents[1].name}-{video.stem}.part"
        make_video(video, temporary, probe(video), "encode", settings, verify="none")
        temporary.unlink()

    _side_by_side(encode, videos)


def _decode_all(videos: list[Path]) -> None:
    """Decode all frames, as far as grey needs them."""
    import av

    def decode(video: Path) -> None:
        with av.open(str(video)) as container:
            container.streams.video[0].codec_context.thread_count = 1
            for _ in container.decode(video=0):
                pass

    _side_by_side(decode, videos)


def _read_images(root: Path) -> None:
    import cv2

    def read(path: Path) -> None:
        if cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) is None:
            raise RuntimeError(f"no image: {path}")

    _side_by_side(read, sorted(root.glob("project*/labeled-data/*/*.png")))


def _side_by_side(work: Callable[[Path], None], items: list[Path]) -> None:
    with ThreadPoolExecutor(allowed_cpus()) as pool:
        list(pool.map(work, items))
