"""One video through the command line, its sampled check included, beside ffmpeg alone with the very same arguments."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median

from benchmarks.measure import cost_of, say, table
from benchmarks.recordings import RATE, Recording, Size, clean, noisy, real
from benchmarks.reference import run
from dlc2lp.video.checks import VideoOrder
from dlc2lp.video.cpus import allowed_cpus
from dlc2lp.video.encoding import encode_argv, encode_settings
from dlc2lp.video.ffmpeg import find_ffmpeg
from dlc2lp.video.probe import probe

_PACKAGE = Path(__file__).resolve().parents[2]
_SHORT_FRAMES, _LONG_FRAMES = 10 * int(RATE), 60 * int(RATE)
_HEADS = ("", "frames", "wall", "CPU", "CPU s, ffmpeg alone", "CPU s more")


def report(folder: Path, size: Size, given: Path | None) -> str:
    """One table: the command in a process of its own, started from nothing, over the bare encode."""
    lengths = (_SHORT_FRAMES, _LONG_FRAMES) if size.repeats > 1 else (_SHORT_FRAMES,)
    inner = folder / "one-encode"
    inner.mkdir()
    rows = []
    for recording in _recordings(inner, lengths[-1], given):
        for n_frames in lengths:
            clip = _beginning(recording.path, n_frames)
            say(f"  {n_frames} frames of {recording.kind}")
            n_pairs = size.repeats if n_frames == _LONG_FRAMES else 2 * size.repeats - 1  # short ones vary more
            rows.append([recording.kind, str(n_frames), *_cells(clip, inner, n_pairs)])
    title = "## One encode with its sampled check: times what ffmpeg alone takes with the same arguments"
    return f"{title}\n\n{table(_HEADS, rows)}"


def _recordings(folder: Path, n_frames: int, given: Path | None) -> list[Recording]:
    """A camera's, one stored almost without loss, which costs as much to decode as to encode; and the real one."""
    drawn = [noisy(folder, n_frames, width_px=640, height_px=512), clean(folder, n_frames)]
    return [*drawn, *real(folder, n_frames, given)]


def _beginning(path: Path, n_frames: int) -> Path:
    """The first frames of a video, copied."""
    clip = path.with_name(f"{path.stem}-{n_frames}{path.suffix}")
    copying = ["-an", "-c", "copy", "-frames:v", str(n_frames), str(clip)]
    run([str(find_ffmpeg()), "-nostdin", "-v", "error", "-y", "-i", str(path), *copying])
    return clip


def _cells(clip: Path, folder: Path, n_pairs: int) -> list[str]:
    alone, command = _alone(clip, folder / "alone.mp4"), _command(clip, folder / "command.mp4", folder / "bytecode")
    command()  # what Python compiles, it compiles once
    pairs = [(cost_of(alone), cost_of(command)) for _ in range(n_pairs)]
    wall = median(after.wall_s / before.wall_s for before, after in pairs)
    cpu = median(after.cpu_s / before.cpu_s for before, after in pairs)
    bare_s = median(before.cpu_s for before, _ in pairs)
    more_s = median(after.cpu_s - before.cpu_s for before, after in pairs)
    return [f"{wall:.2f}", f"{cpu:.2f}", f"{bare_s:.2f}", f"{more_s:.2f}"]


def _alone(clip: Path, target: Path) -> Callable[[], object]:
    settings = encode_settings("balanced", threads=allowed_cpus())
    order = VideoOrder.of(probe(clip), "encode", settings)
    argv = encode_argv(str(find_ffmpeg()), clip, target, order.rate, settings, colors=order.colors)
    return lambda: run(argv)


def _command(clip: Path, target: Path, bytecode: Path) -> Callable[[], object]:
    argv = [sys.executable, "-m", "dlc2lp", "video", "convert", str(clip), str(target), "--overwrite"]
    argv += ["--threads", str(allowed_cpus())]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    env |= {"PYTHONPYCACHEPREFIX": str(bytecode)}
    return lambda: subprocess.run(argv, cwd=_PACKAGE, env=env, check=True, capture_output=True)
