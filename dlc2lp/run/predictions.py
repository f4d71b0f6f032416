"""DeepLabCut's predictions of a video become a file as Lightning Pose writes it, row by row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dlc2lp.dlc.analysis_file import read_analysis_head, read_analysis_rows
from dlc2lp.errors import SourceChanged, UnreadableFile
from dlc2lp.lp.predictions_only import prediction_lines
from dlc2lp.model import Setting
from dlc2lp.planning.steps import WritePredictions
from dlc2lp.run.sources import PLAN_AGAIN

_NONE = Setting("predictions", ("none",))


def predicted_lines(step: WritePredictions) -> Iterator[str]:
    """Yield the lines of the file that a step makes.

    Raises SourceChanged (``predictions-changed``) where the source is not what it was when it was planned,
    UnreadableFile where it can't be read, or its rows are not the frames that its ends promise
    (``predictions-unreadable``).
    """
    return prediction_lines(step.scorer, [keypoint.name for keypoint in step.keypoints], _rows(step))


def _rows(step: WritePredictions) -> Iterator[tuple[int, list[str]]]:
    """Yield each frame of the target's video with its texts; where nothing was predicted the likelihood is 0.

    pandas takes a first row without any number for the names of the index, and Lightning Pose would miss a frame.
    """
    nothing = ["", "", "0.0"] * len(step.keypoints)
    empty = frozenset(step.empty)
    found = _source_rows(step)
    row = next(found, None)
    for frame in range(step.n_frames):
        is_its_own = row is not None and (row[0] == frame if step.by_number else frame not in empty)
        if row is None and not step.by_number and frame not in empty:
            raise _odd(step, f"found no row for frame {frame}, expected one")
        if row is not None and is_its_own:
            yield frame, row[1] if any(row[1]) else nothing
            row = next(found, None)
        else:
            yield frame, nothing


def _source_rows(step: WritePredictions) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of the source from the first one that counts, their cells as the target has them."""
    head = read_analysis_head(Path(step.source))
    if (head.size_bytes, head.sample, head.n_rows, head.key) != (step.size_bytes, step.sample, step.n_rows, step.key):
        message = "is not what it was when it was planned"
        raise SourceChanged.of("predictions-changed", step.source, message, advice="{}", remedies=(PLAN_AGAIN,))
    x_px, y_px = step.add_px
    predicted = [keypoint for keypoint in step.keypoints if keypoint.columns]
    columns = [column for keypoint in predicted for column in keypoint.columns]
    places = [n for n, keypoint in enumerate(step.keypoints) if keypoint.columns]
    before = -1
    for number, (frame, texts) in enumerate(read_analysis_rows(head, columns, (x_px, y_px, 0) * len(predicted))):
        if frame <= before or (not step.by_number and frame != number):
            raise _odd(step, f"found frame {frame} in row {number}, expected the frames in their order")
        before = frame
        if number < step.first_row:
            continue
        cells = texts
        if len(predicted) < len(step.keypoints):
            cells = [""] * (3 * len(step.keypoints))
            for n, place in enumerate(places):
                cells[3 * place : 3 * place + 3] = texts[3 * n : 3 * n + 3]
        yield frame, cells


def _odd(step: WritePredictions, message: str) -> UnreadableFile:
    advice, ways = "analyze the video again in DeepLabCut, or leave predictions out: {}", (_NONE,)
    return UnreadableFile.of("predictions-unreadable", step.source, message, advice=advice, remedies=ways)
