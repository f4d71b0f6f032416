"""The rows of a target's label files as they are now: what of them can go back to DeepLabCut, and what can't. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from dlc2lp.lp.check_labels import FRAME_PATH
from dlc2lp.lp.label_cells import LabelCells, PointCells, number
from dlc2lp.model import Finding, Severity
from dlc2lp.wording import counted, pixels_text, some

Point = tuple[float, float]
#: The points of an image by column.
Points = tuple[Point, ...]
EMPTY: Point = (math.nan, math.nan)

#: The points of each image by keypoint, all keypoints in the same order.
Rows = dict[str, dict[str, Point]]


def read_rows(
    files: Mapping[str, LabelCells],
    images: Collection[str],
    keypoints: Collection[str],
    written: Iterable[LabelCells] = (),
) -> tuple[Rows, list[Finding]]:
    """Return the points of each image, and what can't be taken and why.

    ``files`` are the label files of one view by name, ``images`` the paths of the images that are there. ``written``
    is what the conversion wrote: a point that nobody moved is DeepLabCut's to the last bit, though the app's saving
    with pandas may have changed its last digit.
    """
    former = {
        (image, name): point
        for cells in written
        for image, points in cells.rows
        for name, point in zip(cells.keypoint_names, points, strict=True)
    }
    reader = _Reader(files, images, former)
    return reader.rows(keypoints), reader.findings


@dataclass
class _Reader:
    """Reads the rows of the label files of one view."""

    files: Mapping[str, LabelCells]
    images: Collection[str]
    former: Mapping[tuple[str, str], PointCells]
    findings: list[Finding] = field(default_factory=list)

    def rows(self, keypoints: Collection[str]) -> Rows:
        """Return the points of each image by keypoint; what can't be taken is told."""
        rows: Rows = {}
        for file, cells in self.files.items():
            kept = dict(self._usable(file, cells))
            wrong: list[str] = []
            for image, points in kept.items():
                named = [each for each in zip(cells.keypoint_names, points, strict=True) if each[0] in keypoints]
                rows[image] = dict.fromkeys(keypoints, EMPTY) | {
                    name: _point(point, self.former.get((image, name))) for name, point in named
                }
                wrong += [f"{image}, {name}: {found}" for name, point in named if (found := _problem(point))]
            if wrong:
                message = f"found {counted(len(wrong), 'point')} without two numbers; left out: {some(wrong, 3, '; ')}"
                advice = "correct the cells, or label the points again, and export once more"
                self.findings.append(Finding(Severity.ERROR, "export-half-points", file, message, "", advice))
            self.findings += _about_visible(file, kept.values())
        return rows

    def _usable(self, file: str, cells: LabelCells) -> Iterator[tuple[str, tuple[PointCells, ...]]]:
        """Yield the rows of images that are there; of several of one image the last."""
        images = [image for image, _ in cells.rows]
        odd = [image for image in images if not FRAME_PATH.fullmatch(image)]
        if odd:
            rows = counted(len(odd), "row")
            message = f"found {rows} such as {odd[0]!r}, expected labeled-data/<session>/<image>; left out"
            advice = "name the image as the other rows do, and export once more"
            where = f"row {images.index(odd[0]) + 1}"
            self.findings.append(Finding(Severity.ERROR, "export-rows-odd", file, message, where, advice))
        missing = [image for image in dict.fromkeys(images) if image not in self.images and image not in odd]
        if missing:
            rows = counted(len(missing), "row")
            message = f"found no image for {rows}: {some(missing)}; left out, as labels and images belong together"
            advice = "put the images back, or run the conversion again, and export once more"
            self.findings.append(Finding(Severity.ERROR, "export-images-missing", file, message, "", advice))
        twice = [image for image, count in Counter(images).items() if count > 1]
        if twice:
            found = counted(len(twice), "image with several rows", "images with several rows")
            message = f"found {found}: {some(twice)}; the last row of each is taken"
            advice = "delete the rows that are not meant, and export once more"
            self.findings.append(Finding(Severity.ERROR, "export-rows-twice", file, message, "", advice))
        without = {*odd, *missing}
        yield from ((image, points) for image, points in cells.by_image.items() if image not in without)


def _point(point: PointCells, former: PointCells | None) -> Point:
    if _problem(point) or not point.is_labelled:
        return EMPTY
    return former.xy if former is not None and former.is_labelled and point.has_same_point(former) else point.xy


def _problem(point: PointCells) -> str:
    """Return why a point can't be taken; empty where it can, or where it is empty."""
    try:
        x, y = point.xy
    except ValueError:
        return f"found {_cell_text(point.x)}, {_cell_text(point.y)}"
    if math.isnan(x) != math.isnan(y) or math.isinf(x) or math.isinf(y):
        return f"found {pixels_text(x)}, {pixels_text(y)}"
    return ""


def _cell_text(cell: str) -> str:
    try:
        return pixels_text(number(cell))
    except ValueError:
        return repr(cell)


def _about_visible(file: str, rows: Iterable[Sequence[PointCells]]) -> Iterator[Finding]:
    """Say what the column ``visible`` holds that DeepLabCut has no place for."""
    points = [point for row in rows for point in row if point.visible.strip()]
    n_empty = sum(not point.is_labelled for point in points)
    if n_empty:
        what = counted(n_empty, "empty point says", "empty points say")
        message = f"{what} whether it is hidden or was never looked for (`visible`); DeepLabCut has no place for that"
        yield Finding(Severity.NOTE, "export-visible", file, message)
    n_unused = sum(point.is_labelled and point.visible.strip() not in {"2", "2.0"} for point in points)
    if n_unused:
        what = counted(n_unused, "label that `visible` takes", "labels that `visible` takes")
        message = f"found {what} out of training in Lightning Pose; in DeepLabCut it counts"
        advice = "delete what is no label, and export once more"
        yield Finding(Severity.WARNING, "export-visible-hides-labels", file, message, "", advice)
