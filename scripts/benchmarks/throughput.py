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
from benchmarks.recordings import Size, many, noisy
from dlc2lp.video.cpus import allowed_cpus
from dlc2lp.video.encoding import encode_settings
from dlc2lp.video.frames import read_frames
from dlc2lp.video.pictures import encode_image
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
    return "\n\n".join(["## Many videos", together, alone])


def _together(videos: list[Path], folder: Path, size: Size) -> str:
    jobs = allowed_cpus()
    all_threads = encode_settings("balanced", threads=jobs)
    one_thread = encode_settings("balanced", threads=1)
    project = _project(folder / "project", videos)

    def docs() -> None:
        for video in videos:
            reference.run(reference.docs_command(video, folder / "docs.mp4"))

    def one_by_one() -> None:
        for video in videos:
            encode(video, folder / f"{video.stem}.mp4", all_threads, "none")

    def side_by_side() -> None:
        with ThreadPoolExecutor(jobs) as pool:
            list(pool.map(lambda video: encode(video, folder / f"{video.stem}.mp4", one_thread, "none"), videos))

    def convert() -> None:
        shutil.rmtree(folder / "lp", ignore_errors=True)
        came = dlc2lp.convert(project, folder / "lp")
        if came.exit_code:
            raise RuntimeError(f"the conversion failed: {[finding.message for finding in came.findings]}")

    ways: list[tuple[str, Callable[[], None]]] = [
        (f"one at a time, {jobs} threads each", one_by_one),
        (f"{jobs} at a time, 1 thread each", side_by_side),
        ("`dlc2lp convert` of a project with them: survey, plan, encode, verify sample, check", convert),
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


def _project(root: Path, videos: list[Path]) -> Path:
    """The smallest DeepLabCut project that has these videos: one labeled frame each."""
    listed = "".join(f"  {video}:\n    crop: 0, 640, 0, 512\n" for video in videos)
    for video in videos:
        session = root / "labeled-data" / video.stem
        session.mkdir(parents=True)
        for index, image in read_frames(video, probe(video), [1]):
            name = f"img{index:03d}.png"
            (session / name).write_bytes(encode_image(image))
        rows = ["scorer,,,Bench,Bench", "bodyparts,,,nose,nose", "coords,,,x,y"]
        rows.append(f"labeled-data,{video.stem},{name},320.5,240.25")
        (session / "CollectedData_Bench.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (root / "config.yaml").write_text(
        "Task: bench\nscorer: Bench\ndate: Jan1\nmultianimalproject: false\nidentity:\n"
        f"project_path: {root}\nvideo_sets:\n{listed}bodyparts:\n- nose\n"
        "start: 0\nstop: 1\nnumframes2pick: 1\nskeleton: []\nTrainingFraction:\n- 0.95\niteration: 0\n",
        encoding="utf-8",
    )
    return root
