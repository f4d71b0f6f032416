"""Small archives of DeepLabCut projects for the tests of ``dlc2lp batch``."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from builder import Video, build_project

#: A video that must be encoded, and one that may stay as it is.
NON_CONFORMING = Video(suffix=".avi", codec="mpeg4")

#: The smallest project that has an image, a label and a video.
SMALL: dict[str, Any] = {
    "sessions": ("m1",),
    "bodyparts": ("nose", "tail"),
    "frames": (2, 5, 9),
    "n_frames": 12,
    "size_px": (64, 48),
}


def build_archive(root: Path, n_projects: int, *, n_encoded: int = 1, **more: Any) -> list[str]:
    """Write projects into two folders and return their paths relative to the root, in order."""
    names = [f"lab{number % 2}/reach{number:02d}" for number in range(n_projects)]
    for number, name in enumerate(names):
        video = NON_CONFORMING if number < n_encoded else Video()
        build_project(root / name, **{**SMALL, "task": f"reach{number}", "video": video, **more})
    return sorted(names)


def break_project(root: Path, name: str) -> None:
    """Make a project's only video unreadable and its labels too."""
    folder = root / name
    for path in [*folder.glob("labeled-data/*/CollectedData*")]:
        path.write_bytes(b"\x00\x01 no labels")


def target_digests(out: Path) -> dict[str, str]:
    """Return the digest of every file of every target, but for what knows of times, which no two runs share."""
    return {
        path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.parent != out and ".dlc2lp-batch" not in path.parts
        if path.suffix != ".log" and path.name != "seen.json"
    }


def debris(folder: Path) -> list[Path]:
    """Return what an interrupted run must not leave behind."""
    return [path for path in folder.rglob("*") if path.name.endswith((".tmp", "-part")) or path.name == "scratch"]
