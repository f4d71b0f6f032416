"""Label files of a large project: reading, joining and rendering beside pandas, and the whole command.

All images of a session are one tiny file under many names, so that pixels cost nothing.
"""

from __future__ import annotations

import math
import os
import struct
import sys
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.measure import gain, say, table
from benchmarks.watched import Watched, watch
from dlc2lp.dlc.joining import join_sessions, same_values
from dlc2lp.dlc.label_file import read_label_file
from dlc2lp.dlc.labels import interpret
from dlc2lp.dlc.table import hold_the_same
from dlc2lp.lp.labels import LabelRows, render_labels
from dlc2lp.model import LabelTable

_SCORER = "Anna"
_WIDTH_PX = 640


@dataclass(frozen=True)
class Extent:
    """How large the project is, and how often each pair is measured."""

    n_sessions: int
    n_frames: int  #: Of each session.
    n_keypoints: int
    repeats: int

    @property
    def rows(self) -> int:
        """Labeled frames of all sessions."""
        return self.n_sessions * self.n_frames


def report(folder: Path, *, quick: bool) -> str:
    """Measure all of it; return Markdown."""
    extent = Extent(20, 500, 20, 1) if quick else Extent(200, 500, 20, 3)
    title = (
        f"## Labels: {extent.rows} frames of {extent.n_keypoints} keypoints in {extent.n_sessions} sessions\n\n"
        "CSV and HDF5 of each session; every tenth point is empty."
    )
    say(f"  making {extent.rows} labeled frames")
    project = folder / "labels"
    make_project(project, extent)
    parts = [title, _beside_pandas(folder, project, extent)]
    if sys.platform == "linux":
        parts += [_whole_command(folder, project, extent), _growth(folder, extent)]
    return "\n\n".join(parts)


def make_project(root: Path, extent: Extent) -> None:
    """Write a project whose label files pandas writes as DeepLabCut has them written."""
    random = np.random.default_rng(1)
    names = [f"point{k:02d}" for k in range(extent.n_keypoints)]
    columns = pd.MultiIndex.from_product([[_SCORER], names, ["x", "y"]], names=["scorer", "bodyparts", "coords"])
    for number in range(extent.n_sessions):
        session = root / "labeled-data" / f"session{number:03d}"
        session.mkdir(parents=True)
        images = [f"img{7 * frame:06d}.png" for frame in range(extent.n_frames)]
        (session / images[0]).write_bytes(_blank_png())
        for image in images[1:]:
            os.link(session / images[0], session / image)
        points = random.uniform(1, _WIDTH_PX - 1, (extent.n_frames, extent.n_keypoints, 2))
        points[random.random(points.shape[:2]) < 0.1] = np.nan
        rows = pd.MultiIndex.from_tuples([("labeled-data", session.name, image) for image in images])
        labels = pd.DataFrame(points.reshape(extent.n_frames, -1), rows, columns)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            labels.to_csv(session / f"CollectedData_{_SCORER}.csv")
            labels.to_hdf(session / f"CollectedData_{_SCORER}.h5", key="df_with_missing", mode="w")
    videos = "".join(
        f"  {root}/videos/session{n:03d}.mp4:\n    crop: 0, 640, 0, 640\n" for n in range(extent.n_sessions)
    )
    bodyparts = "".join(f"- {name}\n" for name in names)
    head = f"Task: reach\nscorer: {_SCORER}\ndate: Aug30\nmultianimalproject: false\nproject_path: {root}\n"
    (root / "config.yaml").write_text(f"{head}video_sets:\n{videos}bodyparts:\n{bodyparts}", encoding="utf-8")


def _blank_png() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", _WIDTH_PX, _WIDTH_PX, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(_WIDTH_PX * (_WIDTH_PX + 1)), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def _files(project: Path) -> list[Path]:
    return sorted(project.glob("labeled-data/*/*.csv"))


def _pandas_reads(project: Path) -> pd.DataFrame:
    """Read all CSVs, and join what is read of all HDF5 files."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an exact parser is asked for by another name since pandas 3.1
        for path in _files(project):
            pd.read_csv(path, header=[0, 1, 2], index_col=0, float_precision="round_trip")
        return pd.concat([pd.read_hdf(path.with_suffix(".h5")) for path in _files(project)])


def _dlc2lp_reads(project: Path) -> LabelTable:
    """Read both files of each session, compare them, give them their meaning and join the sessions."""
    tables = []
    for path in _files(project):
        csv, hdf = read_label_file(path).table, read_label_file(path.with_suffix(".h5")).table
        if csv is None or hdf is None or not hold_the_same(csv, hdf):
            raise RuntimeError(f"{path} and its HDF5 differ")
        images = dict.fromkeys(entry.name for entry in os.scandir(path.parent) if entry.name.endswith(".png"))
        meaning = interpret(hdf, session=path.parent.name, scorer=_SCORER, path=path, images=images)
        if same_values(meaning.labels, meaning.labels):
            raise RuntimeError(f"{path} differs from itself")
        tables.append(meaning.labels)
    return join_sessions(tables, tables[0].keypoint_names)


def _dlc2lp_writes(labels: LabelTable, target: Path) -> None:
    images = tuple(f"labeled-data/{frame.session}/{frame.file_name}" for frame in labels.frames)
    rows = LabelRows(images, labels.xy_px[:, 0])
    target.write_text(render_labels(labels.scorer, labels.keypoint_names, rows), encoding="utf-8")


def _beside_pandas(folder: Path, project: Path, extent: Extent) -> str:
    say("  reading and writing, beside pandas")
    frame, labels = _pandas_reads(project), _dlc2lp_reads(project)
    # Not into the project: what is younger than two seconds when a run begins is not believed the next time.
    by_pandas, by_us = folder / "pandas.csv", folder / "dlc2lp.csv"
    ways: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "reading and joining": (partial(_pandas_reads, project), partial(_dlc2lp_reads, project)),
        "writing": (partial(frame.to_csv, by_pandas), partial(_dlc2lp_writes, labels, by_us)),
        "both": (
            lambda: _pandas_reads(project).to_csv(by_pandas),
            lambda: _dlc2lp_writes(_dlc2lp_reads(project), by_us),
        ),
    }
    rows = []
    for name, (baseline, candidate) in ways.items():
        faster = gain(baseline, candidate, extent.repeats)
        rows.append([name, f"{1 / faster.cpu:.2f}", f"{1 / faster.wall:.2f}", f"{faster.cost.cpu_s:.2f}"])
    return table(("CSV and HDF5", "CPU, of pandas", "wall, of pandas", "CPU s"), rows)


def _convert(project: Path, target: Path) -> Watched:
    options = ("--videos", "none", "--link", "hardlink", "-q")
    return watch([sys.executable, "-m", "dlc2lp", "convert", project, target, *options])


def _whole_command(folder: Path, project: Path, extent: Extent) -> str:
    say("  the whole command")
    took = {
        "`dlc2lp convert`, images by hard link": _convert(project, folder / "labels-lp"),
        "the same again": _convert(project, folder / "labels-lp"),
    }
    rows = [
        [name, f"{each.cpu_s:.1f}", f"{each.wall_s:.1f}", f"{1e6 * each.cpu_s / extent.rows:.0f}", _mb(each.peak_bytes)]
        for name, each in took.items()
    ]
    size = (folder / "labels-lp" / ".dlc2lp" / "plan.json").stat().st_size
    heads = ("", "CPU s", "wall s", "CPU µs for each row", "memory, MB")
    return f"{table(heads, rows)}\n\nIts plan takes {_mb(size)} MB."


def _growth(folder: Path, extent: Extent) -> str:
    """How time and memory grow with sessions and with frames: exponents between sizes, beyond what a start takes."""
    say("  how it grows")
    quarter = replace(extent, n_sessions=max(1, extent.n_sessions // 4))
    growing = {
        "sessions": [replace(quarter, n_sessions=max(1, quarter.n_sessions // 4)), quarter, extent],
        "frames": [replace(quarter, n_frames=extent.n_frames * 4**n // 4) for n in range(3)],
    }
    rows = []
    for what, extents in growing.items():
        took = []
        for n, size in enumerate(extents):
            project = folder / f"{what}{n}"
            make_project(project, size)
            took.append(_convert(project, folder / f"{what}{n}-lp"))
        start = watch([sys.executable, "-c", "import dlc2lp.migration, pandas, h5py"])
        exponents = [
            math.log((getattr(took[2], cost) - getattr(start, cost)) / (getattr(took[0], cost) - getattr(start, cost)))
            / math.log(extents[2].rows / extents[0].rows)
            for cost in ("cpu_s", "peak_bytes")
        ]
        sizes = ", ".join(str(size.rows) for size in extents)
        seconds = ", ".join(f"{each.cpu_s:.1f}" for each in took)
        memory = ", ".join(_mb(each.peak_bytes) for each in took)
        rows.append([f"{what}: {sizes} rows", seconds, memory, *(f"{exponent:.2f}" for exponent in exponents)])
    return table(("more", "CPU s", "memory, MB", "exponent of CPU", "of memory"), rows)


def _mb(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:.0f}"
