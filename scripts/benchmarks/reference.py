"""The commands that people use without dlc2lp."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from dlc2lp.video.ffmpeg import find_ffmpeg


def docs_command(source: Path, target: Path) -> list[str]:
    """The re-encode that the FAQ of Lightning Pose's documentation gives: x264's defaults, sound copied."""
    return _ffmpeg("-i", source, "-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "copy", "-y", target)


def app_command(source: Path, target: Path) -> list[str]:
    """What the Lightning Pose app does to a video for its viewer: every frame a key frame, no sound."""
    encoding = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", "1", "-preset", "medium", "-crf", "23")
    return _ffmpeg("-i", source, *encoding, "-vf", "setsar=1", "-an", "-y", target)


def stream_copy(source: Path, target: Path) -> list[str]:
    """The copy of the coded pictures into another container that ffmpeg itself makes."""
    return _ffmpeg("-i", source, "-map", "0:v:0", "-an", "-c", "copy", "-y", target)


def run(argv: Sequence[str | Path]) -> str:
    """Run a command to its end and return what it wrote to its standard error."""
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    words = done.stderr.decode("utf-8", "replace")
    if done.returncode:
        raise RuntimeError(f"{argv[0]} ended with {done.returncode}: {words[-2000:]}")
    return words


def _ffmpeg(*arguments: str | Path) -> list[str]:
    return [str(find_ffmpeg()), "-nostdin", *map(str, arguments)]
