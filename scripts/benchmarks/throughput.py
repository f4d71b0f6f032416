"""Many videos: how the CPUs are best shared among encodes, and what a whole conversion adds."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dlc2lp
from benchmarks import reference
from benchmarks.measure import Gain, gain, say, table
from benchmarks.profiles import encode
from benchmarks.projects import recorded, write_project
from benchmarks.recordings import Recording, Size, clean, dark, large, many, noisy
from dlc2lp.video.cpus import allowed_cpus
from dlc2lp.video.encoding import encode_settings
from dlc2lp.video.probe import probe

_FRAMES_PER_NOISY_FRAME = 2  # these clips are smaller than the one that profiles are measured on
_HEADS = ("", "wall", "CPU", "wall s", "CPU s")


def report(folder: Path, size: Size, _given: Path | None) -> str:
    """Videos converted together, and one video with more and more threads."""
    clip = noisy(folder, _FRAMES_PER_NOISY_FRAME * size.noisy_frames, width_px=640, height_px=512)
    videos = many(folder / "many", clip, size.n_videos)
    n_frames = probe(clip.path).n_frames
    together = f"### {size.n_videos} videos of {n_frames} frames, {clip.kind}\n\n" + _together(videos, folder, size)
    alone = f"### One video of {n_frames} frames by the number of threads\n\n" + _threads(clip.path, folder, size)
    kinds = f"### Projects of {size.n_videos} videos by kind\n\n" + _kinds(folder, size)
    return "\n\n".join(["## Many videos", together, kinds, alone])


def _together(videos: list[Path], folder: Path, size: Size) -> str:
    jobs = allowed_cpus()
    all_threads = encode_settings("balanced", threads=jobs)
    one_thread = encode_settings("balanced", threads=1)

    def docs() -> None:
        for video in videos:
            reference.run(reference.docs_command(video, folder / "docs.mp4"))

    def one_by_one() -> None:
        for video in videos:
            encode(video, folder / f"{video.stem}.mp4", all_threads, "none")

    def side_by_side() -> None:
        with ThreadPoolExecutor(jobs) as pool:
            list(pool.map(lambda video: encode(video, folder / f"{video.stem}.mp4", one_thread, "none"), videos))

    ways: list[tuple[str, Callable[[], None]]] = [
        (f"one at a time, {jobs} threads each", one_by_one),
        (f"{jobs} at a time, 1 thread each", side_by_side),
    ]
    rows = [["the documentation's command in a loop", "1.00", "1.00", "", ""]]
    for name, way in ways:
        say(f"  {name}")
        found = gain(docs, way, size.repeats)
        rows.append([name, *_cells(found)])
    say("  the same against one at a time")
    found = gain(one_by_one, side_by_side, size.repeats)
    rows.append([f"{jobs} at a time, against one at a time directly before", *_cells(found)])
    return table(_HEADS, rows)


def _kinds(folder: Path, size: Size) -> str:
    """Whole conversions of projects with one labeled frame for each video, beside the documentation's loop."""
    n_frames = 240 if size.repeats > 1 else 60
    place = folder / "kinds"
    place.mkdir()
    clips = [
        clean(place, n_frames),
        noisy(place, n_frames, width_px=640, height_px=480),
        dark(place, n_frames),
        large(place, n_frames // 4),
    ]
    rows = []
    for clip in clips:
        say(f"  {clip.kind}")
        rows.append([f"{clip.kind}, {probe(clip.path).n_frames} frames each", *_cells(_conversion(clip, place, size))])
    heads = ("`dlc2lp convert`: survey, plan, encode, verify sample, check", *_HEADS[1:])
    return table(heads, rows)


def _conversion(clip: Recording, place: Path, size: Size) -> Gain:
    project = write_project(place / f"{clip.path.stem}-dlc", [recorded(clip.path, 1)] * size.n_videos)
    target = place / "lp"

    def docs() -> None:
        for video in sorted((project / "videos").iterdir()):
            reference.run(reference.docs_command(video, place / "docs.mp4"))

    def convert() -> None:
        shutil.rmtree(target, ignore_errors=True)
        came = dlc2lp.convert(project, target)
        if came.exit_code:
            raise RuntimeError(f"the conversion failed: {[finding.message for finding in came.findings]}")

    return gain(docs, convert, size.repeats)


def _threads(video: Path, folder: Path, size: Size) -> str:
    def encoding(threads: int) -> Callable[[], None]:
        settings = encode_settings("balanced", threads=threads)
        return lambda: encode(video, folder / "threads.mp4", settings, "none")

    rows = [["1 thread", "1.00", "1.00", "", ""]]
    for threads in (2, 4, 8):
        say(f"  {threads} threads")
        found = gain(encoding(1), encoding(threads), size.repeats)
        rows.append([f"{threads} threads", *_cells(found)])
    return table(_HEADS, rows)


def _cells(found: Gain) -> list[str]:
    return [f"{found.wall:.2f}", f"{found.cpu:.2f}", f"{found.cost.wall_s:.2f}", f"{found.cost.cpu_s:.2f}"]
