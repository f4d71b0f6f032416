"""What a target holds, read with the csv module and nothing of dlc2lp, and what it must hold."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from builder import BuiltProject

Point = tuple[float, float]
#: (image path, keypoint) -> (x, y); NaN = empty.
Labels = dict[tuple[str, str], Point]


def tree(target: Path) -> dict[str, bytes]:
    """Content of every file of a target but for the log and what was seen, which hold the clock."""
    return {
        path.relative_to(target).as_posix(): path.read_bytes()
        for path in sorted(target.rglob("*"))
        if path.is_file() and path.suffix != ".log" and path.name != "seen.json"
    }


def read_labels(target: Path, name: str = "CollectedData.csv") -> Labels:
    """Every cell of a label file, with or without the column ``visible``."""
    header, rows = _read(target / name)
    starts = [n for n, coord in enumerate(header[2]) if coord == "x"]
    return {
        (row[0], header[1][n]): (_number(row[n]), _number(row[n + 1]))  #
        for row in rows
        for n in starts
    }


def read_visible(target: Path, name: str = "CollectedData.csv") -> dict[tuple[str, str], str]:
    """The cells of the column ``visible`` by image path and keypoint; none where the file has no such column."""
    header, rows = _read(target / name)
    columns = [n for n, coord in enumerate(header[2]) if coord == "visible"]
    return {(row[0], header[1][n]): row[n] for row in rows for n in columns}


def read_queue(target: Path) -> dict[str, dict[str, Any]]:
    """Entries of the app's queue by image path; none where there is no queue."""
    path = target / "CollectedData.unlabeled.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    entries = [json.loads(line) for line in lines]
    assert len({entry["frame_path"] for entry in entries}) == len(entries)
    return {entry["frame_path"]: entry for entry in entries}


def expect_labels(
    project: BuiltProject,
    target: Path,
    name: Callable[[str, int], str] = lambda session, index: f"labeled-data/{session}/img{index:08d}.png",
) -> None:
    """Hold a target to every row and every cell of a project."""
    found = read_labels(target)
    expected = {}
    for session in project.sessions:
        for image in project.rows[session]:
            for keypoint in project.bodyparts:
                point = project.labels.get((session, image, keypoint), (math.nan, math.nan))
                expected[name(session, project.frame_index[session, image]), keypoint] = point
    assert found.keys() == expected.keys()
    for key, point in expected.items():
        assert np.array_equal(found[key], point, equal_nan=True), key


def _read(path: Path) -> tuple[list[list[str]], list[list[str]]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    header = rows[:3]
    assert [row[0] for row in header] == ["scorer", "bodyparts", "coords"]
    assert len(set(header[0][1:])) == 1
    coords = ["x", "y", "visible"] if "visible" in header[2] else ["x", "y"]
    assert header[2][1:] == coords * (len(header[2][1:]) // len(coords))
    assert all(len(row) == len(header[2]) for row in rows)
    return header, rows[3:]


def _number(cell: str) -> float:
    return float(cell) if cell else math.nan
