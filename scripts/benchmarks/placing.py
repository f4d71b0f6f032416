"""Labeled frames that travel as they are: what placing them costs beside `cp`, which checks and records nothing."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from statistics import median

from benchmarks.labeled_frames import make_project
from benchmarks.measure import Cost, cost_of, say, table
from dlc2lp import migration
from dlc2lp.events import Watch
from dlc2lp.options import Link, Options, RunOptions
from dlc2lp.planning.steps import PlaceImages
from dlc2lp.run.assess import assess
from dlc2lp.run.execute import execute

_HEADS = ("", "baseline", "CPU, times the baseline", "wall", "CPU, ms an image", "wall, ms")


def report(folder: Path, *, quick: bool) -> str:
    """Placing by copy and by hard link beside `cp -r` and `cp -rl`; and the digests alone, which records need."""
    n_images, repeats = (200, 1) if quick else (1000, 7)
    say(f"  making {n_images} images")
    source = make_project(folder / "dlc", 10, n_images // 10)
    images = source / "labeled-data"
    n_bytes = sum(path.stat().st_size for path in images.rglob("*.png"))
    ways: list[tuple[Link, str]] = [("copy", "-r"), ("hardlink", "-rl")]
    rows = []
    for link, flag in ways:
        say(f"  placing by {link}")
        copied = folder / "copied"
        argv = ["cp", flag, str(images), str(copied)]
        place, clear = _placing(source, folder / f"lp-{link}", link)
        pairs = []
        for _ in range(repeats):
            shutil.rmtree(copied, ignore_errors=True)
            clear()
            pairs.append((cost_of(lambda argv=argv: subprocess.run(argv, check=True)), cost_of(place)))
        rows.append(_row(f"placing, {link}", f"`cp {flag}`", pairs, n_images))
        reading = [(before, cost_of(lambda: _digest(images))) for before, _ in pairs]
        rows.append(_row("SHA-256 of each, nothing written", f"`cp {flag}`", reading, n_images))
    return f"## Placing {n_images} labeled frames of {n_bytes / n_images / 1000:.0f} kB\n\n{table(_HEADS, rows)}"


def _digest(images: Path) -> None:
    """Do what each record asks for at least."""
    for path in images.rglob("*.png"):
        hashlib.sha256(path.read_bytes()).digest()


def _placing(source: Path, target: Path, link: Link) -> tuple[Callable[[], object], Callable[[], None]]:
    """Return what carries out the steps that place images, and what makes the target anew before each time."""
    plan = migration.plan(source, target, Options(link=link))
    steps = [step for step in plan.steps if isinstance(step, PlaceImages)]
    found = assess(plan, steps)
    return (
        lambda: execute(plan, found, RunOptions(), Watch(), steps),
        lambda: shutil.rmtree(target, ignore_errors=True),
    )


def _row(what: str, baseline: str, pairs: list[tuple[Cost, Cost]], n_images: int) -> list[str]:
    cpu = median(after.cpu_s / max(before.cpu_s, 0.01) for before, after in pairs)  # os.times counts in 10 ms
    wall = median(after.wall_s / before.wall_s for before, after in pairs)
    own = (median(after.cpu_s for _, after in pairs), median(after.wall_s for _, after in pairs))
    return [what, baseline, f"{cpu:.1f}", f"{wall:.1f}", *(f"{seconds / n_images * 1000:.2f}" for seconds in own)]
