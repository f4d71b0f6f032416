"""A label file as its cells stand, after anybody edited it: read without judging, written back digit for digit.

The Lightning Pose app rewrites the whole file with pandas at each save, so that a number may lose its last digit, a
whole number gets ``.0`` and ``visible`` may become ``2.0`` or empty. What that means is for others to say; here a cell
is text.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Self

from dlc2lp.errors import Dlc2LpError
from dlc2lp.lp.labels import csv_cell
from dlc2lp.model import RunAgain, Setting
from dlc2lp.wording import counted

#: What the header rows begin with.
_HEADER = ("scorer", "bodyparts", "coords")
_WITHOUT, _WITH = ("x", "y"), ("x", "y", "visible")
_EMPTY = frozenset({"", "nan"})

#: How far pandas' default parser may be off from the number that a cell says, relative to it.
PARSER_ERROR = 4e-15


@dataclass(frozen=True)
class PointCells:
    """What a label file says of one keypoint in one frame."""

    x: str
    y: str
    visible: str = ""  #: Empty too where the file has no such column.

    @property
    def is_labelled(self) -> bool:
        """Whether both coordinates are there."""
        return self.x.strip().lower() not in _EMPTY and self.y.strip().lower() not in _EMPTY

    @property
    def xy(self) -> tuple[float, float]:
        """The point in pixels of the image, NaN where there is none; ValueError where a cell is no number."""
        return _number(self.x), _number(self.y)

    @property
    def flag(self) -> int | None:
        """The value of ``visible``, None where it is empty; ValueError where it is no whole number."""
        value = _number(self.visible)
        if math.isnan(value):
            return None
        if value != int(value):
            raise ValueError(f"{self.visible!r} is no whole number")
        return int(value)

    def has_same_point(self, other: PointCells) -> bool:
        """Whether two points are the same, but for what pandas' parser makes of a number's last digit."""
        pairs = zip(self.xy, other.xy, strict=True)
        return all((math.isnan(one) and math.isnan(two)) or _is_near(one, two) for one, two in pairs)


def _number(cell: str) -> float:
    text = cell.strip()
    return math.nan if text.lower() in _EMPTY else float(text)


def _is_near(one: float, two: float) -> bool:
    return one == two or math.isclose(one, two, rel_tol=PARSER_ERROR, abs_tol=0.0)


@dataclass(frozen=True)
class LabelCells:
    """A label file of K keypoints and F rows."""

    scorer: str
    keypoint_names: tuple[str, ...]
    has_visible: bool
    rows: tuple[tuple[str, tuple[PointCells, ...]], ...] = field(repr=False)  #: (image, K points) in the file's order.

    @property
    def by_image(self) -> dict[str, tuple[PointCells, ...]]:
        """The rows by the path of their image; of rows that name one twice, the last."""
        return dict(self.rows)

    @classmethod
    def read(cls, text: str, name: str) -> Self:
        """Read the text of a label file; rows without any cell are passed over, as pandas does.

        Numbers are not looked at. Dlc2LpError (``target-labels-unreadable``) where the table is none of labels.
        """
        try:
            lines = [line for line in csv.reader(io.StringIO(text, newline=""), strict=True) if any(line)]
        except csv.Error as error:
            raise _unreadable(name, str(error)) from None
        if tuple(line[0] for line in lines[:3]) != _HEADER:
            raise _unreadable(name, f"found no header rows that begin with {', '.join(_HEADER)}")
        scorers, parts, coords = (line[1:] for line in lines[:3])
        axes = _WITH if "visible" in coords else _WITHOUT
        names = tuple(parts[:: len(axes)])
        if coords != [*axes] * len(names) or parts != [part for part in names for _ in axes] or not names:
            raise _unreadable(name, f"expected the columns {', '.join(axes)} for each keypoint")
        for number, line in enumerate(lines[3:], start=4):
            if len(line) != len(lines[0]):
                raise _unreadable(name, f"found {counted(len(line), 'cell')} in row {number}, expected {len(lines[0])}")
        rows = tuple((line[0], tuple(_points(line[1:], len(axes)))) for line in lines[3:])
        return cls(scorers[0], names, len(axes) == len(_WITH), rows)

    def to_text(self) -> str:
        """The file again; cells that nobody changed have the text that they had."""
        axes = _WITH if self.has_visible else _WITHOUT
        n_columns = len(self.keypoint_names) * len(axes)
        lines = [
            [_HEADER[0], *[csv_cell(self.scorer)] * n_columns],
            [_HEADER[1], *(csv_cell(name) for name in self.keypoint_names for _ in axes)],
            [_HEADER[2], *axes * len(self.keypoint_names)],
        ]
        for image, points in self.rows:
            cells = (cell for point in points for cell in (point.x, point.y, point.visible)[: len(axes)])
            lines.append([csv_cell(image), *map(csv_cell, cells)])
        return "".join(",".join(line) + "\n" for line in lines)


def _points(cells: Sequence[str], n_axes: int) -> Iterable[PointCells]:
    for start in range(0, len(cells), n_axes):
        yield PointCells(*cells[start : start + n_axes])


def _unreadable(name: str, problem: str) -> Dlc2LpError:
    advice = "bring the file back as Lightning Pose or its app wrote it; to lose the changes, {}"
    ways = (RunAgain("run convert again", (Setting("edited", ("replace",)),)),)
    return Dlc2LpError.of("target-labels-unreadable", name, problem, advice=advice, remedies=ways)
