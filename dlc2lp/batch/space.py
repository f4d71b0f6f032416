"""How much an archive's targets will take, how long it will take, and whether there is room."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dlc2lp.batch.index import Entry
from dlc2lp.errors import TargetRefused

#: Room that is left free besides what the plan needs.
_SPARE_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Estimate:
    """What an archive will cost.

    Attributes
    ----------
    n_targets
        Targets that are planned.
    space_bytes
        What is to be written, at most.
    n_encodes, encode_pixels
        Videos to encode, and the pixels of all their frames.
    free_bytes
        What is free on the disk of the targets.
    """

    n_targets: int
    space_bytes: int
    n_encodes: int
    encode_pixels: int
    free_bytes: int

    def encode_minutes(self, pixels_per_s: float, n_cpus: int) -> float:
        """Return how long the encodes take on so many CPUs that each encode so many pixels a second."""
        return self.encode_pixels / (pixels_per_s * n_cpus) / 60


def estimate(out: Path, entries: Iterable[Entry]) -> Estimate:
    """Add up what all planned entries will cost; what is done already is not left out."""
    n_targets = space_bytes = n_encodes = encode_pixels = 0
    for entry in entries:
        n_targets += 1
        for step in entry.steps:
            space_bytes += step.space_bytes
            n_encodes += step.n_pixels > 0
            encode_pixels += step.n_pixels
    return Estimate(n_targets, space_bytes, n_encodes, encode_pixels, free_bytes(out))


def free_bytes(folder: Path) -> int:
    """Return what is free where a folder lies or will lie."""
    existing = folder.absolute()
    while not existing.exists():
        existing = existing.parent
    return shutil.disk_usage(existing).free


def check_space(out: Path, needed_bytes: int) -> None:
    """Refuse to begin where the disk has too little room for what is left.

    Raises
    ------
    TargetRefused
        ``no-space``.
    """
    free = free_bytes(out)
    if needed_bytes and free < needed_bytes + _SPARE_BYTES:
        raise TargetRefused.of(
            "no-space",
            str(out),
            f"found {free / 1e9:.2f} GB free, expected at least {(needed_bytes + _SPARE_BYTES) / 1e9:.2f} GB "
            "for the estimate of what is to be written",
            hint="free some space, choose another disk for OUT, or leave out videos: batch plan ... --videos none",
        )
