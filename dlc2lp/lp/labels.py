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
from functools import cached_property
from typing import TYPE_CHECKING

from dlc2lp.wording import counted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Rows whose cells are held as texts at one time.
_N_AT_ONCE = 1000

_NEEDS_QUOTES = re.compile(r'[,"\r\n]|^\s|\s$')

#: Values of Lightning Pose's third column: the point does not count, is hidden, or is there.
NOT_LABELED, HIDDEN, VISIBLE = 0, 1, 2


@dataclass(frozen=True, eq=False)
class LabelRows:
    """The rows of a label file: F labeled frames of K keypoints."""

    #: F paths of images inside the project, with forward slashes: ``labeled-data/s/img00000001.png``.
    images: tuple[str, ...]
    #: float64 of shape (F, K, 2): x and y in pixels of the image, in the order of the names; two NaN = no label.
    xy: NDArray[np.float64]
    #: int8 of shape (F, K): 2 where there is a label, else 1 (hidden) or 0 (not labeled); None: no such column.
    visible: NDArray[np.int8] | None = None

    def __len__(self) -> int:
        return len(self.images)

    @cached_property
    def sessions(self) -> tuple[str, ...]:
        """The session of each row: the folder in ``labeled-data`` that holds its image."""
        return tuple(image.split("/", 2)[1] for image in self.images)

    @cached_property
    def labelled(self) -> NDArray[np.bool_]:
        """Which points have a label, shape (F, K)."""
        import numpy as np

        return ~np.isnan(self.xy[..., 0])


def render_labels(scorer: str, keypoint_names: Sequence[str], rows: LabelRows) -> str:
    """Return the text of a label file of K keypoints and F labeled frames.

    Numbers are written so that they read back bit for bit (Python's ``repr``); empty cells mean NaN. What Lightning
    Pose would misread is a ValueError; the planner must not let it come this far.
    """
    _require(bool(scorer.strip()), "the scorer is blank, which pandas reads as a new name for each column")
    _require(len(keypoint_names) > 0, "there is no keypoint")
    _require(all(name.strip() for name in keypoint_names), "a keypoint's name is blank")
    _require(len(set(keypoint_names)) == len(keypoint_names), "a keypoint's name occurs twice")
    points, keypoints = counted(rows.xy.shape[1], "point"), counted(len(keypoint_names), "keypoint")
    _require(rows.xy.shape[1] == len(keypoint_names), f"{points} for {keypoints}")
    _refuse_misread(rows)
    coords = ("x", "y") if rows.visible is None else ("x", "y", "visible")
    text = "".join(header_lines(scorer, keypoint_names, coords))
    for start in range(0, len(rows), _N_AT_ONCE):
        # Not joined: what nobody else holds grows in its place, and so is never there twice.
        text += _lines(rows, slice(start, start + _N_AT_ONCE), len(coords))
    return text


def _lines(rows: LabelRows, some: slice, n_axes: int) -> str:
    """Return the lines of some rows, of which each point has so many cells."""
    xy = rows.xy[some]
    n_cells = n_axes * xy.shape[1]
    cells = list(map(repr, xy.ravel().tolist()))
    if rows.visible is not None:
        texts = cells
        cells = [""] * (len(xy) * n_cells)
        cells[0::3], cells[1::3] = texts[0::2], texts[1::2]
        cells[2::3] = map(str, rows.visible[some].ravel().tolist())
    lines = (",".join(cells[start : start + n_cells]) for start in range(0, len(cells), n_cells))
    if not rows.labelled[some].all():  # the only cells with these letters
        lines = (line.replace("nan", "") for line in lines)
    return "".join(f"{csv_cell(image)},{line}\n" for image, line in zip(rows.images[some], lines, strict=True))


def _refuse_misread(rows: LabelRows) -> None:
    """Raise ValueError for the first point that Lightning Pose would misread."""
    import numpy as np

    x, y = rows.xy[..., 0], rows.xy[..., 1]
    wrong = {
        "has only one coordinate": np.isnan(x) != np.isnan(y),
        "is infinite": np.isinf(x) | np.isinf(y),
    }
    if rows.visible is not None:
        hides = np.where(rows.labelled, rows.visible != VISIBLE, rows.visible == VISIBLE)
        is_none = (rows.visible < NOT_LABELED) | (rows.visible > VISIBLE)
        wrong["has a value of `visible` that would hide a label or invent one"] = hides | is_none
    for problem, places in wrong.items():
        if places.any():
            row, k = np.argwhere(places)[0].tolist()
            raise ValueError(f"{rows.images[row]}: point {k} {problem}")


def header_lines(scorer: str, keypoint_names: Sequence[str], coords: Sequence[str]) -> list[str]:
    """Return the three lines at the top of a table that has these columns for each keypoint."""
    n_columns = len(keypoint_names) * len(coords)
    lines = [
        ["scorer", *[csv_cell(scorer)] * n_columns],
        ["bodyparts", *(csv_cell(name) for name in keypoint_names for _ in coords)],
        ["coords", *list(coords) * len(keypoint_names)],
    ]
    return [",".join(line) + "\n" for line in lines]


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
