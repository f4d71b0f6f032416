"""Files of predictions in a target, read by no means of dlc2lp."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

#: What the network of most tests is called in the target.
MODEL = "dlc-resnet50-shuffle1-50000"


def models(tmp_path: Path) -> dict[str, list[str]]:
    """Each model's files of predictions, by model."""
    return {
        folder.name: sorted(path.name for path in (folder / "video_preds").iterdir())
        for folder in sorted((tmp_path / "lp" / "models").glob("*"))
    }


def cells(tmp_path: Path, session: str = "m1", model: str = MODEL) -> list[list[str]]:
    """The rows of a file of predictions, as texts."""
    path = tmp_path / "lp" / "models" / model / "video_preds" / f"{session}.csv"
    return list(csv.reader(path.read_text(encoding="utf-8").splitlines()))


def predicted(tmp_path: Path, session: str = "m1", model: str = MODEL) -> NDArray[np.float64]:
    """The same as Lightning Pose reads it, shape (frames, keypoints, 3); the numbers by Python's own parser."""
    rows = cells(tmp_path, session, model)
    assert [row[0] for row in rows] == ["scorer", "bodyparts", "coords", *map(str, range(len(rows) - 3))]
    assert rows[2][1:] == ["x", "y", "likelihood"] * (len(rows[0]) // 3)
    numbers = [[float(cell) if cell else np.nan for cell in row[1:]] for row in rows[3:]]
    return np.array(numbers).reshape(len(numbers), -1, 3)


def values(table: pd.DataFrame) -> NDArray[np.float64]:
    """What an analysis holds, in the same shape."""
    return table.to_numpy().reshape(len(table), -1, 3)
