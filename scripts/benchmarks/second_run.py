"""A conversion that was done, asked for again: what it costs of the first one."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path
from statistics import median

from benchmarks.labeled_frames import make_project
from benchmarks.measure import say, table
from benchmarks.watched import Watched, watch

_HEADS = ("", "CPU, s", "CPU but for starting", "wall, s", "read, MB")
#: What is younger than two seconds is not believed: clocks of file servers differ.
_AGE_S = 2.5
#: What every conversion imports.
_IMPORTS = "import dlc2lp.migration, dlc2lp.cli.commands, dlc2lp.report.json"


def report(folder: Path, *, quick: bool) -> str:
    """A first run, a second one, and one that reads everything; starting is what `--version` and all imports take."""
    n_images, repeats = (500, 1) if quick else (5000, 3)
    say(f"  making {n_images} images")
    source, target = make_project(folder / "dlc", n_images // 100, 100), folder / "lp"
    time.sleep(_AGE_S)
    command = [sys.executable, "-m", "dlc2lp", "convert", str(source), str(target), "-q"]
    kinds: dict[str, list[Watched]] = {"the first run": [], "the same again": [], "again, `--verify full`": []}
    starting = []
    for number in range(repeats):
        say(f"  round {number + 1} of {repeats}")
        shutil.rmtree(target, ignore_errors=True)
        starting.append(watch([sys.executable, "-c", _IMPORTS]))
        for kind, more in zip(kinds, ((), (), ("--verify", "full")), strict=True):
            kinds[kind].append(watch([*command, *more]))
    start_s = median(each.cpu_s for each in starting)
    first_s = median(each.cpu_s for each in kinds["the first run"]) - start_s
    rows = []
    for kind, took in kinds.items():
        cpu_s = median(each.cpu_s for each in took)
        share = f"{max(0.0, cpu_s - start_s) / first_s:.3f}"
        read = f"{median(each.read_bytes for each in took) / 1e6:.1f}"
        rows.append([kind, f"{cpu_s:.2f}", share, f"{median(each.wall_s for each in took):.2f}", read])
    wall_s = median(each.wall_s for each in starting)
    read_mb = median(each.read_bytes for each in starting) / 1e6
    rows.append(["importing the same and doing nothing", f"{start_s:.2f}", "", f"{wall_s:.2f}", f"{read_mb:.1f}"])
    return f"## A second run: {n_images} labeled frames, no video\n\n{table(_HEADS, rows)}"
