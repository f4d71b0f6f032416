"""Planning, watching and going over an archive of many projects."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.measure import say, table
from benchmarks.watched import Watched, watch
from dlc2lp.batch.index import INDEX_FILE, STATE_FOLDER, Index, Lines, write_index
from dlc2lp.batch.processes import TASKS_OF_A_PROCESS
from dlc2lp.batch.worklog import LOG_FOLDER
from dlc2lp.codec import to_line

ROOT = Path(__file__).resolve().parents[2]

#: Three labeled frames in each session; its video needs no encoding, so that planning is not hidden behind ffmpeg.
_SESSION = {"frames": (2, 15, 40), "n_frames": 60, "size_px": (160, 120), "bodyparts": ("nose", "paw", "tail")}


@dataclass(frozen=True)
class Extent:
    """How large the archive is."""

    n_projects: int
    n_sessions: int

    @classmethod
    def full(cls) -> Extent:
        """One that takes six minutes; a thousand projects take an hour."""
        return cls(100, 20)

    @classmethod
    def quick(cls) -> Extent:
        """One that takes two minutes."""
        return cls(40, 5)


def report(folder: Path, extent: Extent) -> str:
    """Measure all of it; return Markdown."""
    if sys.platform != "linux":
        return "## An archive\n\nNot measured: only Linux tells what a process has read."
    small, large = folder / "small", folder / "large"
    say(f"  making {extent.n_projects} projects of {extent.n_sessions} sessions")
    make_archive(small, max(1, extent.n_projects // 4), extent.n_sessions)
    make_archive(large, extent.n_projects, extent.n_sessions)
    out = folder / "large-lp"
    parts = [_extent_text(large, extent), _planning(folder, small, large), _going_over(out), _beyond(out, folder)]
    return "\n\n".join(parts)


def make_archive(root: Path, n_projects: int, n_sessions: int) -> None:
    """Write projects into folders of a hundred; all files are copies of one project's but for the configurations."""
    sys.path[:0] = [str(ROOT / "tests")]
    from builder import build_project

    first = root / "lab00" / "project0000"
    sessions = tuple(f"day{number:02d}" for number in range(n_sessions))
    build_project(first, sessions=sessions, task="project0000", **_SESSION)
    config = (first / "config.yaml").read_text(encoding="utf-8")
    for number in range(1, n_projects):
        name = f"project{number:04d}"
        project = root / f"lab{number // 100:02d}" / name
        shutil.copytree(first, project)
        text = config.replace("Task: project0000", f"Task: {name}").replace(str(first), str(project))
        (project / "config.yaml").write_text(text, encoding="utf-8")


def _extent_text(root: Path, extent: Extent) -> str:
    files = [Path(folder, name) for folder, _, names in os.walk(root) for name in names]
    n_bytes = sum(path.stat().st_size for path in files)
    return (
        f"## An archive of {extent.n_projects} projects with {extent.n_sessions} sessions each\n\n"
        f"{len(files)} files, {n_bytes / 1e9:.2f} GB; each session has a video of 60 frames and three labeled ones. "
        "All files were read shortly before, so that no disk is measured."
    )


def _dlc2lp(*arguments: str | Path) -> Watched:
    return watch([sys.executable, "-m", "dlc2lp", "batch", *arguments, "-q"])


def _read(how: str, root: Path) -> Watched:
    return watch([sys.executable, "-m", "benchmarks.plain_reading", how, str(root)])


def _planning(folder: Path, small: Path, large: Path) -> str:
    """Planning beside walking and reading the same files."""
    out, small_out = folder / "large-lp", folder / "small-lp"
    say("  walking and reading")
    took = {"walking, and reading each file's bytes": _read("bytes", large)}
    took["walking, and reading each file with its library"] = reading = _read("libraries", large)
    say("  planning")
    fewer = _dlc2lp("plan", small, small_out, "--jobs", "1")
    took["`batch plan --jobs 1`"] = planning = _dlc2lp("plan", large, out, "--jobs", "1")
    shutil.rmtree(out)
    took["`batch plan`"] = _dlc2lp("plan", large, out)
    took["`batch plan --list-only`"] = _dlc2lp("plan", large, folder / "list-lp", "--list-only")
    rows = [
        [name, f"{each.wall_s:.1f}", f"{each.wall_s / reading.wall_s:.2f}", f"{each.cpu_s / reading.cpu_s:.2f}"]
        for name, each in took.items()
    ]
    totals = Index.read(out).totals
    index_bytes = (out / INDEX_FILE).stat().st_size
    text = (
        f"The index holds {totals.n_planned} targets and {totals.n_steps} steps in {index_bytes / 1e6:.1f} MB "
        f"({index_bytes / totals.n_planned / 1e3:.1f} kB for each target). The largest process took "
        f"{planning.peak_bytes / 1e6:.0f} MB of memory, and {fewer.peak_bytes / 1e6:.0f} MB for a quarter of the "
        f"projects; none sees to more than {TASKS_OF_A_PROCESS} projects before another takes its place."
    )
    shutil.rmtree(small_out)
    heads = ("planning", "wall, s", "wall, of reading", "CPU, of reading")
    return f"{table(heads, rows)}\n\n{text}"


def _going_over(out: Path) -> str:
    """What asking and running again take, before and after the archive is converted."""
    say("  status, run, status, run again, finish")
    took = {"`batch status`, nothing done yet": _dlc2lp("status", out)}
    took["`batch run`"] = _dlc2lp("run", out, "--verify", "none")
    listing = watch([sys.executable, "-c", _LIST_RECORDS, str(out)])
    took["listing the folders of records"] = listing
    took["`batch status`, all done"] = _dlc2lp("status", out)
    took["`batch run`, all done"] = _dlc2lp("run", out, "--verify", "none")
    took["`batch run --shard 7/100`, all done"] = _dlc2lp("run", out, "--verify", "none", "--shard", "7/100")
    took["`batch finish --verify none`"] = _dlc2lp("finish", out, "--verify", "none")
    took["`dlc2lp --version`, for comparison"] = watch([sys.executable, "-m", "dlc2lp", "--version"])
    written = sum(path.stat().st_size for kind in ("png", "mp4") for path in out.rglob(f"*.{kind}"))
    log_bytes = sum(path.stat().st_size for path in (out / LOG_FOLDER).iterdir())
    text = (
        f"The targets hold {written / 1e6:.0f} MB of images and videos; the workers' records in `{LOG_FOLDER}` take "
        f"{log_bytes / 1e6:.1f} MB."
    )
    return f"{_costs('going over it', took)}\n\n{text}"


def _costs(what: str, took: Mapping[str, Watched]) -> str:
    rows = [
        [name, f"{each.wall_s:.2f}", f"{each.read_bytes / 1e6:.1f}", f"{each.peak_bytes / 1e6:.0f}"]
        for name, each in took.items()
    ]
    return table((what, "wall, s", "read, MB", "memory, MB"), rows)


def _beyond(out: Path, folder: Path) -> str:
    """What an archive a hundred times as large asks of the index: its entries again and again, under other names."""
    index, far = Index.read(out), folder / "far"
    (far / STATE_FOLDER).mkdir(parents=True)
    with Path(folder, "lines").open("w", encoding="ascii") as file:
        lines = Lines()
        for again in range(_TIMES):
            for entry in index.entries():
                name = f"again{again:02d}/{entry.target}"
                line = to_line(replace(entry, project=name, target=name))
                lines.add(line)
                file.write(line)
    beyond = replace(index, out=far, totals=lines.totals, weights_file=lines.weights_file)
    with Path(folder, "lines").open(encoding="ascii") as file:
        write_index(beyond, lines.weights, file)
    say("  an index a hundred times as large")
    took = {
        "`batch status`": _dlc2lp("status", far),
        "finding shard 7 of 1000": watch([sys.executable, "-c", _FIND_SHARD, str(far), "7/1000"]),
        "importing the same and reading nothing": watch([sys.executable, "-c", "import dlc2lp.batch.shards"]),
    }
    text = (
        f"{lines.totals.n_planned} targets with {lines.totals.n_steps} steps: the index takes "
        f"{(far / INDEX_FILE).stat().st_size / 1e6:.0f} MB and the weights beside it "
        f"{(far / beyond.weights_file).stat().st_size / 1e6:.1f} MB."
    )
    return f"## An index a hundred times as large\n\n{text}\n\n{_costs('', took)}"


_TIMES = 100

_FIND_SHARD = """
import sys
from pathlib import Path
from dlc2lp.batch.index import Index
from dlc2lp.batch.shards import Shard, shard_units
index = Index.read(Path(sys.argv[1]))
with index.reader() as read_entry:
    assert shard_units(index.weights(), read_entry, index.totals.cost, Shard.from_text(sys.argv[2]))
"""

#: Each target keeps a record of each step, which says what a file of the target must look like.
_LIST_RECORDS = """
import os, sys
for folder, folders, names in os.walk(sys.argv[1]):
    folders[:] = [name for name in folders if name not in ("labeled-data", "videos", "configs")]
    for name in names:
        os.stat(os.path.join(folder, name))
"""
