"""Edits a target as the Lightning Pose app does: ``litpose_app/routes/labeler/save_mvframe.py`` of 2.4.2.3.

The app reads the whole label file with pandas, whose default parser is not exact, sets x and y, and writes it anew;
frames that were labeled leave the queue of the views that were labeled. The real app is asked in
``tests/lp/test_lp_labeling.py``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

NOTHING = (float("nan"), float("nan"))


def save(
    target: Path, image: str, points: Mapping[str, tuple[float, float]] | None, view: str = "", suffix: str = ""
) -> None:
    """Save the points of a frame, by keypoint; NOTHING where a label is deleted, None to delete the frame."""
    path = target / f"CollectedData{'_' if view else ''}{view}{suffix}.csv"
    table = pd.read_csv(path, header=[0, 1, 2], index_col=0)
    if table.index.name is not None:  # pandas took an empty first row for a name; see fix_empty_first_row
        first = table.index.name
        table.index.name = None
        table = pd.concat([pd.DataFrame(float("nan"), index=[first], columns=table.columns), table])
    if points is None:
        table = table.drop(image)
    else:
        columns = [column for column in table.columns if column[1] in points and column[2] in ("x", "y")]
        table.loc[image, columns] = [points[column[1]]["xy".index(column[2])] for column in columns]
    table.to_csv(path)
    queue = path.with_suffix(".unlabeled.jsonl")
    if queue.exists():
        lines = [json.loads(line) for line in queue.read_text(encoding="utf-8").splitlines() if line.strip()]
        left = [line for line in lines if line["frame_path"] != image]
        if len(left) != len(lines):
            queue.write_text("\n".join(map(json.dumps, left)) + "\n", encoding="utf-8")


def queued(target: Path, view: str = "") -> list[str]:
    """The images in the queue of a view; none where there is no queue."""
    path = target / f"CollectedData{'_' if view else ''}{view}.unlabeled.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [json.loads(line)["frame_path"] for line in lines if line.strip()]
