"""How much an archive's targets will take, how long it will take, and whether there is room."""

from __future__ import annotations

import contextlib
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path

from dlc2lp.batch.index import IndexEntry
from dlc2lp.errors import DiskTrouble, ToolMissing, VideoFailed
from dlc2lp.options import Options
from dlc2lp.run.disk_space import SPARE_BYTES, free_bytes
from dlc2lp.video.cpus import allowed_cpus
from dlc2lp.video.encoding import encode_settings
from dlc2lp.video.rate import pixels_per_second


@dataclass(frozen=True)
class Estimate:
    """What an archive will cost."""

    space_bytes: int  #: What is to be written, at most.
    #: Videos to encode, and the pixels of all their frames.
    n_encodes: int
    encode_pixels: int
    #: What one CPU of this machine encodes in a second; None where nothing is to be encoded or it can't be measured.
    pixels_per_s: float | None
    n_cpus: int  #: CPUs that this process may use.
    free_bytes: int  #: What is free on the disk of the targets.

    @property
    def cpu_minutes(self) -> float | None:
        """How long one CPU like this machine's would encode; None if that can't be told."""
        if not self.n_encodes:
            return 0.0
        return self.encode_pixels / self.pixels_per_s / 60 if self.pixels_per_s else None

    @property
    def fits(self) -> bool:
        """Whether there is room for all of it."""
        return self.free_bytes >= self.space_bytes + SPARE_BYTES


@dataclass
class Load:
    """Adds up what entries will still cost."""

    space_bytes: int = 0
    n_encodes: int = 0
    encode_pixels: int = 0

    def add(self, entry: IndexEntry, done: Container[str] = ()) -> None:
        """Take in one more entry, of which the given steps are carried out already."""
        for step in entry.steps:
            if step.id in done:
                continue
            self.space_bytes += step.space_bytes
            self.n_encodes += step.n_pixels > 0
            self.encode_pixels += step.n_pixels


def estimate(out: Path, load: Load, options: Options) -> Estimate:
    """Say what an archive will cost here; how fast this machine encodes is measured, which takes about two seconds."""
    rate = None
    if load.n_encodes:
        with contextlib.suppress(ToolMissing, VideoFailed, DiskTrouble, OSError):  # running the plan will tell
            rate = pixels_per_second(
                encode_settings(options.profile, crf=options.crf, preset=options.preset, gop=options.gop, threads=1)
            )
    n_cpus = allowed_cpus()
    return Estimate(load.space_bytes, load.n_encodes, load.encode_pixels, rate, n_cpus, free_bytes(out))
