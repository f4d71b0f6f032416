"""Models that hold predictions only, as the app lists and draws them (its ``routes/models.py``, ``validate_files.py``).

Models that Lightning Pose trained are their own; these are known by a mark in their config.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from dlc2lp.bounded_yaml import load_safely
from dlc2lp.files import open_regular
from dlc2lp.limits import CONFIG_BYTES, CSV_LINE_BYTES, SMALL_TEXT_BYTES
from dlc2lp.lp.check_labels import error
from dlc2lp.model import Finding
from dlc2lp.wording import counted, some

_MODEL_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]+")
_FILE_NAME = re.compile(r"[A-Za-z0-9_.-]+\.csv")
#: What Lightning Pose writes beside predictions when it measures them (``compute_metrics_single``).
_METRICS = ("_temporal_norm.csv", "_pixel_error.csv", "_pca_singleview_error.csv", "_pca_multiview_error.csv")
_FIRST_CELLS = ["scorer", "bodyparts", "coords"]
_COORDS = ["x", "y", "likelihood"]


def check_models(target: Path, views: Sequence[str], keypoint_names: Sequence[str] | None) -> Iterator[Finding]:
    """Yield what the app would refuse or misread in the models that hold predictions only.

    The keypoints of ``project.yaml`` are None if that could not be read.
    """
    models = target / "models"
    for folder in sorted(path for path in models.iterdir() if path.is_dir()) if models.is_dir() else ():
        subject = folder.relative_to(target).as_posix()
        config = _loaded(folder / "config.yaml")
        if not isinstance(config, dict) or not isinstance(config.get("dlc2lp"), dict):
            continue
        if not _MODEL_NAME.fullmatch(folder.name):
            yield error("target-model-name", subject, "expected only letters, digits, '_', '-' and '.'")
        if (status := _status(folder / "train_status.json")) != "COMPLETED":
            message = f"found the status {status!r}, expected 'COMPLETED': the app would not show it as finished"
            yield error("target-model-status", f"{subject}/train_status.json", message)
        predictions = folder / "video_preds"
        for path in sorted(predictions.iterdir()) if predictions.is_dir() else ():
            if path.name.endswith(_METRICS):
                continue
            place = path.relative_to(target).as_posix()
            problem = _name_problem(path, views) or _content_problem(path, keypoint_names)
            if problem:
                yield error("target-predictions", place, problem)


def _loaded(path: Path) -> Any:
    try:
        return load_safely(CONFIG_BYTES.read_text(path))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None


def _status(path: Path) -> object:
    try:
        content = json.loads(SMALL_TEXT_BYTES.read_text(path))
    except (OSError, ValueError, RecursionError):
        return None
    return content.get("status") if isinstance(content, dict) else None


def _name_problem(path: Path, views: Sequence[str]) -> str:
    if path.is_dir() or not _FILE_NAME.fullmatch(path.name):
        return "expected only files such as session.csv; the app calls it invalid"
    session, _, view = path.stem.rpartition("_")
    named = not views or (session and view in views)
    return "" if named else f"expected <session>_<view>.csv with a view of {', '.join(views)}"


def _content_problem(path: Path, keypoint_names: Sequence[str] | None) -> str:
    """Return what is wrong with the rows: Lightning Pose takes columns and frames by their position."""
    try:
        with io.TextIOWrapper(open_regular(path), encoding="utf-8", newline="") as stream:
            rows = csv.reader(CSV_LINE_BYTES.lines(stream), strict=True)
            header = [next(rows, []) for _ in _FIRST_CELLS]
            if [row[:1] for row in header] != [[cell] for cell in _FIRST_CELLS]:
                return f"found rows that start with {[row[:1] for row in header]}, expected {_FIRST_CELLS}"
            parts, coords = header[1][1:], header[2][1:]
            names = parts[::3]
            if coords != _COORDS * len(names) or parts != [name for name in names for _ in _COORDS]:
                return f"found columns {some(coords, 9)}, expected {', '.join(_COORDS)} for each keypoint"
            if keypoint_names is not None and names != list(keypoint_names):
                return f"found the keypoints {some(names)}, expected those of project.yaml: {some(keypoint_names)}"
            n_cells = counted(len(parts), "cell")
            for number, row in enumerate(rows):
                if row[:1] != [str(number)] or len(row) != len(parts) + 1:
                    return f"found {','.join(row)!r:.60} in row {number}, expected its number and {n_cells}"
    except (OSError, UnicodeDecodeError, csv.Error) as cause:
        return f"can't be read: {cause}"
    return ""
