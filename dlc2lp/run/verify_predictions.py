"""Whether each file of predictions has a row for each frame of its video, with the numbers that DeepLabCut wrote.

The target is read by pandas, as Lightning Pose reads it, and the source as a whole, not in slices as it was written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dlc2lp.dlc.csvfile import read_csv_labels
from dlc2lp.dlc.hdf import read_hdf
from dlc2lp.dlc.table import RawTable
from dlc2lp.errors import UnreadableFile
from dlc2lp.model import Finding, Severity
from dlc2lp.options import VerifyLevel
from dlc2lp.planning.plan import Plan, PlannedPredictions
from dlc2lp.planning.steps import WritePredictions
from dlc2lp.run.findings import not_as_planned
from dlc2lp.wording import counted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Rows of each file that are compared with the source where not all are; of some files where there are many.
_N_ROWS = 200
_N_FILES = 8


def check_predictions(plan: Plan, n_frames_of: Mapping[str, int], level: VerifyLevel) -> tuple[list[Finding], int]:
    """Compare files of predictions with their sources, and their rows with the frames of the target's videos.

    ``n_frames_of`` are the frames that the videos of the target were counted to have, by their paths. ``full`` compares
    every number, ``sample`` some of some files. A source that is gone or was changed is no fault of the target.
    Returns what is wrong, and how many rows there are.
    """
    target = Path(plan.target)
    steps = {step.target: step for step in plan.steps if isinstance(step, WritePredictions)}
    files = [each for model in plan.models for each in model.predictions if (target / each.target).is_file()]
    compared = files if level == "full" else files[:: -(-len(files) // _N_FILES)] if files else []
    findings: list[Finding] = []
    n_rows = 0
    for each in files:
        try:
            n_found = _count_rows(target / each.target)
        except (OSError, ValueError) as error:
            findings.append(Finding(Severity.ERROR, "predictions-differ", each.target, f"can't be read: {error}"))
            continue
        n_rows += n_found
        expected = n_frames_of.get(each.video, each.n_frames)
        if n_found != expected:
            message = f"found {counted(n_found, 'row')}, expected {expected}, the frames of {each.video}"
            findings.append(not_as_planned("predictions-differ", each.target, message))
        elif each in compared:
            findings += _compared(each, steps[each.target], target, level)
    return findings, n_rows


def _count_rows(path: Path) -> int:
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b"")) - 3


def _compared(each: PlannedPredictions, step: WritePredictions, target: Path, level: VerifyLevel) -> list[Finding]:
    try:
        source = _source(Path(step.source), step)
    except UnreadableFile:
        return []
    if source is None:
        return []
    wrong = _differences(target / each.target, source, step, level)
    if not wrong:
        return []
    message = f"{counted(len(wrong), 'row differs', 'rows differ')} from {step.source}, the first is {wrong[0]}"
    return [replace(not_as_planned("predictions-differ", each.target, message), severity=Severity.ERROR)]


def _source(path: Path, step: WritePredictions) -> RawTable | None:
    """Return the whole table that predictions come from; None where it is no longer what it was."""
    if not path.is_file() or path.stat().st_size != step.size_bytes:
        return None
    if not step.key:
        return read_csv_labels(path).table
    found = read_hdf(path)
    return dict([(found.key, found.table), *found.others]).get(step.key)


def _differences(path: Path, source: RawTable, step: WritePredictions, level: VerifyLevel) -> list[int]:
    """Return the frames whose numbers differ from those of the source, moved as the target shows the picture."""
    import numpy as np
    import pandas as pd

    table = pd.read_csv(path, header=[0, 1, 2], index_col=0)
    found = np.asarray(table.to_numpy(dtype=np.float64))
    frames = np.arange(step.n_frames)
    if level != "full":
        frames = frames[:: max(1, step.n_frames // _N_ROWS)]
    row_of = _row_of(source, step)
    rows = np.array([row_of.get(int(frame), -1) for frame in frames])
    has_row = rows >= 0
    there = np.full((len(frames), 3 * len(step.keypoints)), np.nan)
    for n, keypoint in enumerate(step.keypoints):
        for axis, (column, add_px) in enumerate(zip(keypoint.columns, (*step.add_px, 0), strict=False)):
            there[has_row, 3 * n + axis] = source.values[rows[has_row], column] + add_px
    there[np.isnan(there).all(axis=1), 2::3] = 0  # nothing was predicted in these frames
    wrong = ~_alike(found[frames], there).all(axis=1)
    return [int(frame) for frame in frames[wrong]]


def _alike(here: NDArray[np.float64], there: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which numbers are the same but for the last digits, in which pandas' usual parser and small types differ."""
    import numpy as np

    return np.isclose(here, there, rtol=1e-6, atol=1e-6, equal_nan=True)


def _row_of(source: RawTable, step: WritePredictions) -> dict[int, int]:
    """Return the row of the source for each frame of the video that has one."""
    numbers = [int(row[0]) for row in source.rows]
    if step.by_number:
        return {number: row for row, number in enumerate(numbers)}
    with_row = (frame for frame in range(step.n_frames) if frame not in set(step.empty))
    return dict(zip(with_row, range(step.first_row, len(numbers)), strict=False))
