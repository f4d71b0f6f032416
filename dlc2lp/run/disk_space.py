"""How much room there is on a disk, and whether it is enough."""

from __future__ import annotations

import shutil
from pathlib import Path

from dlc2lp.errors import TargetRefused
from dlc2lp.model import Remedy

#: Room that is left free besides what is to be written.
SPARE_BYTES = 64 * 2**20


def nearest_existing(folder: Path) -> Path:
    """Return a folder, or the nearest above it that exists."""
    existing = folder.absolute()
    while not existing.exists():
        existing = existing.parent
    return existing


def free_bytes(folder: Path) -> int:
    """Return what is free where a folder lies or will lie."""
    return shutil.disk_usage(nearest_existing(folder)).free


def check_space(folder: Path, needed_bytes: int, advice: str, remedy: Remedy) -> None:
    """Refuse to begin where the disk has too little room (``no-space``)."""
    free, wanted = free_bytes(folder), needed_bytes + SPARE_BYTES
    if needed_bytes and free < wanted:
        found = f"found {free / 1e9:.2f} GB free, expected at least {wanted / 1e9:.2f} GB"
        message = f"{found} for the estimate of what is to be written"
        raise TargetRefused.of("no-space", str(folder), message, advice=advice, remedies=(remedy,))
