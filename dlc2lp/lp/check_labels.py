"""A label file as Lightning Pose reads it (``parse_label_csv`` of 2.4.3) and as the app wants it."""

from __future__ import annotations

import math
import re
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from dlc2lp.errors import Dlc2LpError
from dlc2lp.files import open_regular
from dlc2lp.limits import COLUMNS, CSV_BYTES
from dlc2lp.lp.label_cells import decoded_lines, number, open_table
from dlc2lp.lp.names import label_file_name
from dlc2lp.model import Command, Finding, Severity
from dlc2lp.wording import counted, some

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

#: Rows that are read at once.
_N_AT_ONCE = 10_000

#: The app's rule for the path of a frame.
FRAME_PATH = re.compile(r"labeled-data/(?!\.\.?/)[^/]+/[A-Za-z_-]+[0-9]+\.(png|jpg)")

_BY_NUMBER = "write the number of pixels, with a point before the decimals, or clear the cell"

#: Cells that are named where many are wrong.
_N_PLACES = 3


@dataclass(frozen=True)
class TargetLabels:
    """A label file that could be read."""

    name: str  #: ``CollectedData.csv`` or ``CollectedData_<view>.csv``.
    view: str  #: The view, empty in a single-view project.
    keypoint_names: tuple[str, ...]  #: K names in the order of the columns.
    images: tuple[str, ...]  #: F paths in the order of the rows.


def read_label_file(
    target: Path, view: str, keypoint_names: Sequence[str] | None
) -> tuple[TargetLabels | None, list[Finding]]:
    """Read a view's label file, and the held-out one beside it if there is one; return also what is wrong with them.

    The keypoints of ``project.yaml`` are None if that could not be read.
    """
    name = label_file_name(view)
    file, findings = _read(target, name, view, keypoint_names)
    held_out = label_file_name(view, "_test")
    if (target / held_out).exists():
        test, problems = _read(target, held_out, view, keypoint_names)
        findings += problems
        both = sorted(set(test.images) & set(file.images)) if test and file else []
        if both:
            frames = counted(len(both), "frame is", "frames are")
            message = f"{frames} in {name} as well, which tests nothing: {some(both)}"
            findings.append(
                error("target-labels-leak", held_out, message, advice="delete their rows in one of the two")
            )
    return file, findings


def _read(
    target: Path, name: str, view: str, keypoint_names: Sequence[str] | None
) -> tuple[TargetLabels | None, list[Finding]]:
    try:
        CSV_BYTES.check(target / name)
        header, names, rows = open_table(decoded_lines(open_regular(target / name), name), name)
        if beyond := COLUMNS.beyond(len(header[0])):
            return None, [error("target-labels-unreadable", name, beyond.message, advice=beyond.advice)]
        images = tuple(row[0] for row in rows)
    except FileNotFoundError:
        message = "found no such file; the app shows no labels without it"
        return None, [error("target-labels-missing", name, message, advice="bring it back, or run convert again")]
    except OSError as cause:
        advice = getattr(cause, "advice", "see to it that you may read it")
        return None, [error("target-labels-unreadable", name, f"can't be read: {cause.strerror}", advice=advice)]
    except Dlc2LpError as cause:
        return None, [*cause.findings]
    findings = list(_check_scorers(name, header[0][1:]))
    if findings:
        return None, findings
    if keypoint_names is not None and names != tuple(keypoint_names):
        expected = f"expected those of project.yaml in its order: {some(keypoint_names)}"
        message = f"found the keypoints {some(names)}, {expected}"
        advice = "make keypoint_names in project.yaml and the header rows of all label files alike"
        findings.append(error("target-keypoints-differ", name, message, advice=advice))
    images, problems = _check_cells(target / name, names, images)
    findings += [*problems, *_check_index(target, name, view, images)]
    if len(images) < 2 and not name.endswith("_test.csv"):
        message = f"found {counted(len(images), 'labeled frame')}; Lightning Pose trains on 2 or more"
        findings.append(Finding(Severity.WARNING, "target-too-few-labels", name, message))
    return TargetLabels(name, view, names, images), findings


def error(code: str, subject: str, message: str, where: str = "", advice: str = "") -> Finding:
    """Return a finding of something that Lightning Pose or its app refuses or misreads."""
    return Finding(Severity.ERROR, code, subject, message, where, advice)


def _check_scorers(name: str, scorers: Sequence[str]) -> Iterator[Finding]:
    if len(set(scorers)) != 1 or not scorers[0].strip():
        message = f"found scorers {some(sorted(set(scorers)))}, expected one and the same over all columns"
        yield error("target-labels-header", name, message, advice="write one name into all cells of the first row")


def _check_cells(path: Path, names: Sequence[str], images: tuple[str, ...]) -> tuple[tuple[str, ...], list[Finding]]:
    """Check the numbers as pandas reads them, and return the images of the rows, of which the file holds ``images``."""
    import numpy as np

    try:
        read = _as_pandas_reads(path)
    except ValueError as cause:  # also ParserError, EmptyDataError and UnicodeDecodeError
        message, advice = f"pandas can't read it: {cause}", "bring the file back as Lightning Pose or its app wrote it"
        return images, [error("target-labels-unreadable", path.name, message, advice=advice)]
    cells, images_read = read.cells, read.images
    if read.index_name is not None:
        # pandas takes an all-empty first row for the name of the index, and so does Lightning Pose, which puts it
        # back as a frame. That is right for a frame without labels and wrong for a line such as `image,,,,`.
        if not FRAME_PATH.fullmatch(read.index_name):
            message = f"found the index name {read.index_name!r}, expected none: Lightning Pose takes it for an image"
            advice = "delete the row, or write the path of its image"
            return images[1:], [error("target-labels-index-name", path.name, message, "row 1", advice)]
        images_read = (read.index_name, *images_read)
        cells = np.concatenate([np.full((1, cells.shape[1]), math.nan), cells])
    if images_read != images:
        message, advice = "pandas finds other rows than the text has", "delete rows that name no image"
        return images, [error("target-labels-row", path.name, message, advice=advice)]
    if read.texts:
        return images, [_text_cell(path, min(read.texts) + 1)]
    points = cells.reshape(len(images), len(names), cells.shape[1] // len(names))
    return images, list(_check_points(path, names, images, points))


class _Read(NamedTuple):
    """What pandas reads in a label file."""

    index_name: str | None
    images: tuple[str, ...]
    cells: NDArray[np.float64]  #: float64 of shape (F, C); without columns where some hold texts.
    texts: set[int]  #: Columns that hold texts.


def _as_pandas_reads(path: Path) -> _Read:
    """Read a label file as Lightning Pose does, but in parts. ValueError where pandas refuses it."""
    import numpy as np
    import pandas as pd

    how: dict[str, Any] = {"header": [0, 1, 2], "index_col": 0}
    name, images, texts = None, list[str](), set[int]()
    numbers = array("d")  # which grows in its place
    with pd.read_csv(path, chunksize=_N_AT_ONCE, **how) as tables:
        for table in _or_whole(tables, lambda: pd.read_csv(path, **how)):
            name = None if table.index.name is None else str(table.index.name)
            images += map(str, table.index)
            texts |= {n for n, dtype in enumerate(table.dtypes) if dtype.kind not in "iuf" and len(table)}
            if not texts:
                numbers.frombytes(np.ascontiguousarray(table.to_numpy(dtype=np.float64)).tobytes())
    n_columns = 0 if texts else table.shape[1]
    cells = np.frombuffer(numbers if n_columns * len(images) else b"").reshape(len(images), n_columns)
    return _Read(name, tuple(images), cells, texts)


def _or_whole(tables: Iterable[pd.DataFrame], read_whole: Callable[[], pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """Yield the parts of a file, or all of it where it has none: without rows its index may yet have a name."""
    n = 0
    for n, table in enumerate(tables, start=1):  # noqa: B007  (counted)
        yield table
    if not n:
        yield read_whole()


def _text_cell(path: Path, column: int) -> Finding:
    name = path.name
    header, _, rows = open_table(decoded_lines(open_regular(path), name), name)
    for row_number, row in enumerate(rows, start=1):
        try:
            number(row[column])
        except ValueError:
            where = f"row {row_number}, {row[0]}, {header[1][column]} {header[2][column]}"
            message = f"found {row[column]!r}, expected a number or nothing"
            return error("target-labels-number", name, message, where, _BY_NUMBER)
    where = f"{header[1][column]} {header[2][column]}"
    return error("target-labels-number", name, "found texts, expected numbers", where, _BY_NUMBER)


def _check_points(
    path: Path, names: Sequence[str], images: Sequence[str], cells: NDArray[np.float64]
) -> Iterator[Finding]:
    """Check an array of shape (F, K, 2 or 3): x, y and perhaps visible."""
    import numpy as np

    empty = np.isnan(cells[..., :2])

    def places(wrong: NDArray[np.bool_]) -> Iterator[str]:
        return (f"row {row + 1}, {images[row]}, {names[keypoint]}" for row, keypoint in np.argwhere(wrong))

    half = np.logical_xor(empty[..., 0], empty[..., 1])
    if half.any():
        message = f"found {counted(int(half.sum()), 'point')} with one coordinate only, expected both or none"
        advice = "write the other coordinate, or clear both"
        yield error("target-labels-half-point", path.name, message, next(places(half)), advice)
    # Lightning Pose makes 32-bit numbers of them.
    largest = np.finfo(np.float32).max
    endless = np.asarray(((cells[..., :2] > largest) | (cells[..., :2] < -largest)).any(axis=-1))
    if endless.any():
        message = f"found {counted(int(endless.sum()), 'point')} at infinity for Lightning Pose, expected pixels"
        yield error("target-labels-number", path.name, message, next(places(endless)), _BY_NUMBER)
    if cells.shape[-1] == 3:
        yield from _check_visible(path, places, cells[..., 2], half, empty[..., 0])


def _check_visible(
    path: Path,
    places: Callable[[NDArray[np.bool_]], Iterator[str]],
    visible: NDArray[np.float64],
    half: NDArray[np.bool_],
    empty: NDArray[np.bool_],
) -> Iterator[Finding]:
    """Say what Lightning Pose makes of every value that it misreads; the app sets x and y and never this column."""
    import numpy as np

    none, labelled = np.isnan(visible), ~empty & ~half
    odd, by_labels = ~none & ~np.isin(visible, (0, 1, 2)), Command.of("dlc2lp", "labels", path.parent)
    by_hand = "write 0, 1 or 2 there: a keypoint without a label is passed over by 0, and taught to be hidden by 1"
    told = (
        (none, "empty", "its frame's heatmap, and with it the loss, becomes NaN", "{}"),
        (odd & labelled, "that is not 0, 1 or 2", "Lightning Pose refuses the file", "{}"),
        (odd & ~labelled, "that is not 0, 1 or 2", "Lightning Pose refuses the file", by_hand),
        (labelled & (visible == 0), "0 beside a label", "the label is not trained on", "{}"),
        (labelled & (visible == 1), "1 beside a label", "it is taught that the keypoint can't be seen there", "{}"),
        (~half & empty & (visible == 2), "2 without a label", "the keypoint is passed over there", "{}"),
    )
    for wrong, value, then, advice in told:
        if wrong.any():
            first, *others = islice(places(wrong), _N_PLACES)
            cells = counted(int(wrong.sum()), "cell", "cells")
            message = f"found {cells} of `visible` {value}: {then}; {some([first, *others], between='; ')}"
            finding = error("target-labels-visible", path.name, message, first, advice)
            yield replace(finding, remedies=(by_labels,) if advice == "{}" else ())


def _check_index(target: Path, name: str, view: str, images: Sequence[str]) -> Iterator[Finding]:
    odd = [image for image in images if not FRAME_PATH.fullmatch(image)]
    if odd:
        rows = f"{counted(len(odd), 'row')} such as {odd[0]!r}"
        message = f"found {rows}, expected labeled-data/<session>/<letters><digits>.png or .jpg"
        advice = "rename the image so, and write its new path in the row"
        yield error("target-labels-index", name, message, f"row {images.index(odd[0]) + 1}", advice)
    twice = [image for image, count in Counter(images).items() if count > 1]
    if twice:
        message = f"found {counted(len(twice), 'image')} with more than one row: {some(twice)}"
        yield error("target-labels-twice", name, message, advice="delete the rows that are not meant")
    missing = [image for image in dict.fromkeys(images) if image not in odd and not (target / image).is_file()]
    if missing:
        message = f"found no image for {counted(len(missing), 'row')}: {some(missing)}; the app hides the whole file"
        yield error("target-image-missing", name, message, advice="bring the images back, or delete their rows")
    strangers = [
        image for image in images if view and image not in odd and not image.split("/")[1].endswith(f"_{view}")
    ]
    if strangers:
        rows = counted(len(strangers), "row of another folder", "rows of other folders")
        message = f"found {rows} than <session>_{view}: {some(strangers)}"
        advice = "move the rows to the label file of their view"
        yield error("target-labels-index", name, message, f"row {images.index(strangers[0]) + 1}", advice)
