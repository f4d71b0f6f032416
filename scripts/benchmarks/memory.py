"""Whether a long video needs more memory than a short one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from benchmarks import reference
from benchmarks.measure import say, table
from benchmarks.recordings import Size
from dlc2lp.video.ffmpeg import find_ffmpeg

#: Jobs of :mod:`benchmarks.peak`: which clip each takes, and what it does.
_JOBS = {
    "probe": ("mp4", "probe"),
    "encode": ("avi", "encode, verify sample"),
    "rewrite": ("mkv", "rewrite, verify sample"),
    "place": ("mp4", "place, verify sample"),
    "compare": ("mp4", "full comparison of two videos"),
    "match": ("mp4", "search of images in the whole video"),
    "copy": ("mp4", "`ffmpeg -c copy`, for comparison"),
}
_HEADS = ("", "short, MB", "long, MB", "bytes per further frame")


class _Peak(NamedTuple):
    own_bytes: int
    child_bytes: int


def report(folder: Path, size: Size, _given: Path | None) -> str:
    """Peak resident memory of each job on a short and on a long clip."""
    title = f"## Memory: {size.short_frames} and {size.long_frames} frames of 160x120"
    if os.name != "posix":
        return f"{title}\n\nNot measured: this system does not tell the peak memory of a process."
    say("  making a short and a long clip")
    short = _clips(folder, size.short_frames)
    long = _clips(folder, size.long_frames, short["mp4"])
    rows = []
    for job, (suffix, name) in _JOBS.items():
        say(f"  {name}")
        few, many = (_peak(job, clips[suffix], folder / "peak.mp4") for clips in (short, long))
        peaks = [] if job == "copy" else [(name, few.own_bytes, many.own_bytes)]
        if job in {"encode", "copy"}:
            peaks.append(("the ffmpeg that encodes" if job == "encode" else name, few.child_bytes, many.child_bytes))
        for what, before, after in peaks:
            growth = (after - before) / (size.long_frames - size.short_frames)
            rows.append([what, f"{before / 1e6:.1f}", f"{after / 1e6:.1f}", f"{growth:.0f}"])
    return f"{title}\n\n" + table(_HEADS, rows)


def _clips(folder: Path, n_frames: int, once: Path | None = None) -> dict[str, Path]:
    """One clip as h264 mp4, h264 mkv (an uneven clock) and mpeg4 avi."""
    ffmpeg = [str(find_ffmpeg()), "-nostdin", "-v", "error", "-y"]
    clips = {suffix: folder / f"frames{n_frames}.{suffix}" for suffix in ("mp4", "mkv", "avi")}
    if once is None:
        drawing = ["-f", "lavfi", "-i", "testsrc2=size=160x120:rate=30", "-frames:v", str(n_frames)]
        fast = ["-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "50", "-pix_fmt", "yuv420p"]
        reference.run([*ffmpeg, *drawing, *fast, str(clips["mp4"])])
    else:  # the short one again and again
        again = ["-stream_loop", "-1", "-i", str(once), "-frames:v", str(n_frames), "-c", "copy"]
        reference.run([*ffmpeg, *again, str(clips["mp4"])])
    reference.run([*ffmpeg, "-i", str(clips["mp4"]), "-c", "copy", str(clips["mkv"])])
    reference.run([*ffmpeg, "-i", str(clips["mp4"]), "-c:v", "mpeg4", "-q:v", "4", str(clips["avi"])])
    return clips


def _peak(job: str, source: Path, target: Path) -> _Peak:
    """Run a job in a process of its own."""
    package = Path(__file__).resolve().parents[1]
    argv = [sys.executable, "-m", "benchmarks.peak", job, str(source), str(target)]
    done = subprocess.run(argv, cwd=package, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{job} failed: {done.stderr[-2000:]}")
    return _Peak(**json.loads(done.stdout))
