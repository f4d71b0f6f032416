"""The label file and the app's labeling queue, as text.

The label file is DeepLabCut's CSV of old: three header rows (scorer, bodyparts, coords), one index column. Rules of
Lightning Pose 2.4.3's ``parse_label_csv`` that are met here by construction: the index has no name (a named one
becomes a made-up frame), a point is complete or empty, ``visible`` is never empty.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dlc2lp.wording import counted

_NEEDS_QUOTES = re.compile(r'[,"\r\n]|^\s|\s$')

#: Values of Lightning Pose's third column: the point does not count, is hidden, or is there.
NOT_LABELED, HIDDEN, VISIBLE = 0, 1, 2


@dataclass(frozen=True)
class LabelRow:
    """One labeled frame."""

    image: str  #: Path of the image inside the project, with forward slashes: ``labeled-data/s/img00000001.png``.
    #: K points (x, y) in pixels of the image, in the order of the keypoint names; two NaN = no label.
    xy: tuple[tuple[float, float], ...]
    #: K values: 2 where there is a label, else 1 (hidden) or 0 (not labeled); None: no such column.
    visible: tuple[int, ...] | None = None


def render_labels(scorer: str, keypoint_names: Sequence[str], rows: Sequence[LabelRow]) -> str:
    """Return the text of a label file of K keypoints and F labeled frames, all with ``visible`` or all without.

    Numbers are written so that they read back bit for bit (Python's ``repr``); empty cells mean NaN. What Lightning
    Pose would misread is a ValueError; the planner must not let it come this far.
    """
    _require(bool(scorer.strip()), "the scorer is blank, which pandas reads as a new name for each column")
    _require(len(keypoint_names) > 0, "there is no keypoint")
    _require(all(name.strip() for name in keypoint_names), "a keypoint's name is blank")
    _require(len(set(keypoint_names)) == len(keypoint_names), "a keypoint's name occurs twice")
    with_visible = bool(rows) and rows[0].visible is not None
    coords = ("x", "y", "visible") if with_visible else ("x", "y")
    lines = (",".join(_row_cells(row, len(keypoint_names), with_visible)) + "\n" for row in rows)
    return "".join((*header_lines(scorer, keypoint_names, coords), *lines))


def header_lines(scorer: str, keypoint_names: Sequence[str], coords: Sequence[str]) -> list[str]:
    """Return the three lines at the top of a table that has these columns for each keypoint."""
    n_columns = len(keypoint_names) * len(coords)
    lines = [
        ["scorer", *[csv_cell(scorer)] * n_columns],
        ["bodyparts", *(csv_cell(name) for name in keypoint_names for _ in coords)],
        ["coords", *list(coords) * len(keypoint_names)],
    ]
    return [",".join(line) + "\n" for line in lines]


def _row_cells(row: LabelRow, n_keypoints: int, with_visible: bool) -> list[str]:
    points, keypoints = counted(len(row.xy), "point"), counted(n_keypoints, "keypoint")
    _require(len(row.xy) == n_keypoints, f"{row.image}: {points} for {keypoints}")
    _require((row.visible is not None) == with_visible, f"{row.image}: `visible` in some rows only")
    visible: Sequence[int | None] = (None,) * n_keypoints if row.visible is None else row.visible
    cells = [csv_cell(row.image)]
    for index, ((x, y), value) in enumerate(zip(row.xy, visible, strict=True)):
        if problem := _point_problem(x, y, value):
            raise ValueError(f"{row.image}: point {index} {problem}")
        cells += ["", ""] if math.isnan(x) else [repr(float(x)), repr(float(y))]
        if value is not None:
            cells.append(str(int(value)))
    return cells


def _point_problem(x: float, y: float, visible: int | None) -> str:
    if math.isnan(x) != math.isnan(y):
        return "has only one coordinate"
    if math.isinf(x) or math.isinf(y):
        return "is infinite"
    expected = (NOT_LABELED, HIDDEN) if math.isnan(x) else (VISIBLE,)
    if visible is not None and visible not in expected:
        return f"has visible={visible}, which would hide a label or invent one"
    return ""


def csv_cell(text: str) -> str:
    """Return a name as a cell, in quotes where a reader would misread it."""
    return '"' + text.replace('"', '""') + '"' if _NEEDS_QUOTES.search(text) else text


@dataclass(frozen=True)
class QueueEntry:
    """A frame that waits for labels in the app, perhaps with a model's suggestion."""

    image: str  #: Path of the image inside the project, with forward slashes.
    model_name: str = ""  #: Which model suggests; empty if there is no suggestion.
    date_time_ms: int = 0  #: When it did, in milliseconds since 1970.
    points: tuple[tuple[str, float, float], ...] = ()  #: Suggested points as (keypoint, x, y) in pixels of the image.


def render_queue(entries: Iterable[QueueEntry]) -> str:
    """Return the text of ``CollectedData.unlabeled.jsonl``: one ``LabelingQueueEntry`` of the app per line.

    The app splits the file with ``str.splitlines``, which also cuts at U+2028 and U+0085, and opens it in the
    machine's own encoding; so everything beyond ASCII is escaped. A suggested point that is not finite, or that comes
    without a model's name, is a ValueError.
    """
    return "".join(json.dumps(_queue_json(entry), separators=(",", ":")) + "\n" for entry in entries)


def _queue_json(entry: QueueEntry) -> dict[str, object]:
    _require(bool(entry.model_name) or not entry.points, f"{entry.image}: suggested points without a model's name")
    finite = all(math.isfinite(x) and math.isfinite(y) for _, x, y in entry.points)
    _require(finite, f"{entry.image}: a suggested point is not finite")
    predictions = {
        "model_name": entry.model_name,
        "date_time": int(entry.date_time_ms),
        "predictions": [{"keypoint_name": name, "x": float(x), "y": float(y)} for name, x, y in entry.points],
    }
    return {"frame_path": entry.image, "predictions": predictions if entry.model_name else None}


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)
