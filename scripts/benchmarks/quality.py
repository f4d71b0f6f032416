"""How near a copy is to its source, and whether every frame is in its place."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from benchmarks.reference import run
from dlc2lp.video.compare import compare_frames
from dlc2lp.video.ffmpeg import find_ffmpeg
from dlc2lp.video.probe import probe


class Quality(NamedTuple):
    """Of the luma, over all frames.

    Attributes
    ----------
    psnr_db
        Peak signal-to-noise ratio; infinite for equal pictures.
    ssim
        Structural similarity, 1 for equal pictures.
    """

    psnr_db: float
    ssim: float


def quality(source: Path, copy: Path) -> Quality:
    """Compare frame i with frame i by ffmpeg's own filters; the source decoded to what the copy should be."""
    same = "scale=out_range=tv,format=yuv420p,settb=1/30,setpts=N"  # the number of a frame is its time
    graph = f"[0:v:0]{same},split[a][b];[1:v:0]{same},split[c][d];[a][c]psnr=shortest=1,nullsink;[b][d]ssim=shortest=1"
    reading = ["-nostdin", "-hide_banner", "-i", str(copy), "-i", str(source)]
    words = run([str(find_ffmpeg()), *reading, "-lavfi", graph, "-fps_mode", "passthrough", "-f", "null", "-"])
    return Quality(_figure(words, r"PSNR y:(\S+)"), _figure(words, r"SSIM Y:(\S+)"))


def _figure(words: str, pattern: str) -> float:
    found = re.search(pattern, words)
    if found is None:
        raise RuntimeError(f"ffmpeg gave no {pattern}: {words[-2000:]}")
    return float(found[1])


def frames(source: Path, copy: Path) -> str:
    """How many frames went in and came out, and whether each is the source's frame of its number."""
    before, after = probe(source), probe(copy)
    comparison = compare_frames(source, before, copy, after, how="full")
    wrong = "" if comparison.first_mismatch is None else f", wrong from {comparison.first_mismatch}"
    return f"{before.n_frames} → {after.n_frames}{wrong}"
