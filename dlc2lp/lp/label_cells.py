"""A label file as its cells stand, after anybody edited it: read without judging, written back digit for digit.

The Lightning Pose app rewrites the whole file with pandas at each save, so that a number may lose its last digit, a
whole number gets ``.0`` and ``visible`` may become ``2.0`` or empty. What that means is for others to say; here a cell
is text.
"""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import BinaryIO, Self

from dlc2lp.errors import Dlc2LpError
from dlc2lp.files import TooLarge
from dlc2lp.limits import CSV_LINE_BYTES
from dlc2lp.lp.labels import csv_cell, header_lines
from dlc2lp.model import RunAgain, Setting
from dlc2lp.wording import counted, some

#: What the header rows begin with.
_HEADER = ("scorer", "bodyparts", "coords")
_WITHOUT, _WITH = ("x", "y"), ("x", "y", "visible")

#: What pandas reads as nothing, in small letters.
_EMPTY = frozenset(
    {"", "#n/a", "#n/a n/a", "#na", "-1.#ind", "-1.#qnan", "-nan", "1.#ind", "1.#qnan", "<na>", "n/a", "na", "nan"}
    | {"none", "null"}
)

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
        """Whether both coordinates are there, be they numbers or not."""
        return not is_empty(self.x) and not is_empty(self.y)

    @property
    def is_empty(self) -> bool:
        """Whether both coordinates are missing."""
        return is_empty(self.x) and is_empty(self.y)

    @property
    def is_point(self) -> bool:
        """Whether both coordinates are numbers."""
        try:
            return not any(map(math.isnan, self.xy))
        except ValueError:
            return False

    @property
    def xy(self) -> tuple[float, float]:
        """The point in pixels of the image, NaN where there is none; ValueError where a cell is no number."""
        return number(self.x), number(self.y)

    @property
    def flag(self) -> int | None:
        """The value of ``visible``, None where it is empty; ValueError where it is no whole number."""
        value = number(self.visible)
        if math.isnan(value):
            return None
        if not value.is_integer():
            raise ValueError(f"{self.visible!r} is no whole number")
        return int(value)

    def has_same_point(self, other: PointCells) -> bool:
        """Whether two points are the same, but for what pandas' parser makes of a number's last digit."""
        pairs = zip(self.xy, other.xy, strict=True)
        return all((math.isnan(one) and math.isnan(two)) or _is_near(one, two) for one, two in pairs)


def is_empty(cell: str) -> bool:
    """Whether a cell says nothing."""
    return cell.strip().lower() in _EMPTY


def number(cell: str) -> float:
    """Return what a cell says, NaN where it says nothing; ValueError where it is no number."""
    if is_empty(cell):
        return math.nan
    if "_" in cell:  # Python takes 1_0 for a number, pandas does not
        raise ValueError(f"{cell!r} is no number")
    return float(cell)


def _is_near(one: float, two: float) -> bool:
    return math.isclose(one, two, rel_tol=PARSER_ERROR, abs_tol=0.0)


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
        """Read the text of a label file; rows without any cell are passed over.

        Numbers are not looked at. Errors are those of :func:`read_table`.
        """
        lines, names = read_table(text, name)
        n_axes = (len(lines[0]) - 1) // len(names)
        rows = tuple((line[0], tuple(_points(line[1:], n_axes))) for line in lines[3:] if any(line))
        return cls(lines[0][1], names, n_axes == len(_WITH), rows)

    def with_images(self, renamed: Mapping[str, str]) -> Self:
        """Return the file with the new paths of images, by their old ones."""
        if not renamed:
            return self
        return replace(self, rows=tuple((renamed.get(image, image), points) for image, points in self.rows))

    def to_text(self) -> str:
        """The file again; cells that nobody changed have the text that they had."""
        axes = _WITH if self.has_visible else _WITHOUT
        lines = header_lines(self.scorer, self.keypoint_names, axes)
        for image, points in self.rows:
            cells = (cell for point in points for cell in (point.x, point.y, point.visible)[: len(axes)])
            lines.append(",".join([csv_cell(image), *map(csv_cell, cells)]) + "\n")
        return "".join(lines)


def _points(cells: Sequence[str], n_axes: int) -> Iterator[PointCells]:
    for start in range(0, len(cells), n_axes):
        yield PointCells(*cells[start : start + n_axes])


def decode_labels(content: bytes, name: str) -> str:
    """Return the text of a label file, without the mark that Excel's "CSV UTF-8" begins with.

    Dlc2LpError (``target-labels-unreadable``) where it is no text.
    """
    return "".join(decoded_lines(io.BytesIO(content), name))


def decoded_lines(content: BinaryIO, name: str) -> Iterator[str]:
    """Yield the lines of the same text, of which no more than one is held; errors come as the line is read."""
    # What ends a line stays as it is, and a carriage return alone ends one too.
    lines = io.TextIOWrapper(content, encoding="utf-8-sig", newline="")
    row = 1
    try:
        for line in CSV_LINE_BYTES.lines(lines):
            if "\0" in line:
                raise _unreadable(name, f"found a NUL character in line {row}, expected text", "delete the character")
            row += line.endswith("\n")
            yield line
    except UnicodeDecodeError as error:
        raise _unreadable(name, f"is no UTF-8: {error.reason}", "save the file as UTF-8") from error
    except TooLarge as error:
        raise _unreadable(name, error.strerror, error.advice) from error
    finally:
        lines.close()


def read_table(text: str, name: str) -> tuple[list[list[str]], tuple[str, ...]]:
    """Return the cells of a label file, rows of one length, three of them header rows; and the keypoints.

    Dlc2LpError (``target-labels-unreadable``, ``target-labels-header``, ``target-labels-row``) where it is no table of
    labels; of scorers, images and numbers nothing is said.
    """
    header, names, rows = open_table(text_lines(text), name)
    return [*header, *rows], names


def open_table(lines: Iterable[str], name: str) -> tuple[list[list[str]], tuple[str, ...], Iterator[list[str]]]:
    """Return the header rows of a label file, the keypoints, and the other rows, which are read one by one.

    Errors are those of :func:`read_table`; those of a row come as it is read.
    """
    rows = _rows(lines, name)
    header = list(islice(rows, len(_HEADER)))
    return header, _keypoints(header, name), _alike(rows, len(header[0]), name)


def _rows(lines: Iterable[str], name: str) -> Iterator[list[str]]:
    try:
        yield from filter(None, csv.reader(lines, strict=True))
    except csv.Error as error:
        raise _unreadable(name, f"can't be read: {error}") from None


def text_lines(text: str) -> Iterator[str]:
    """Yield the lines of a text, which is not held a second time in four bytes for each character, as StringIO does."""
    if "\r" in text:  # which ends a line too
        yield from io.StringIO(text, newline="")
        return
    start = 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        yield text[start:end]
        start = end


def _alike(rows: Iterable[list[str]], n_cells: int, name: str) -> Iterator[list[str]]:
    for row_number, row in enumerate(rows, start=1):
        if len(row) != n_cells:
            message = f"found {counted(len(row), 'cell')}, expected {n_cells}; pandas would shift or invent some"
            advice = "give the row as many cells as the header has, or delete it"
            where = f"row {row_number}, {row[0]}"
            raise Dlc2LpError.of("target-labels-row", name, message, where=where, advice=advice)
        yield row


def _keypoints(header: Sequence[Sequence[str]], name: str) -> tuple[str, ...]:
    """Return the keypoints; Lightning Pose takes the columns by position, so their order must be exact."""
    firsts = [row[0] for row in header]
    before, _, behind = "".join(firsts[:1]).partition(_HEADER[0])
    between = "" if before else behind[:1]
    if between and not between.isalnum():
        sign = "tabs" if between == "\t" else between
        message = f"columns are separated by {sign}, expected commas"
        raise _unreadable(name, message, "save the file as comma-separated values")
    if firsts != [*_HEADER]:
        raise _bad_header(name, f"found rows that start with {firsts}, expected {[*_HEADER]}")
    scorers, parts, coords = (row[1:] for row in header)
    axes = _WITH if "visible" in coords else _WITHOUT
    names = tuple(parts[:: len(axes)])
    if not names or coords != [*axes] * len(names) or len(scorers) != len(coords):
        raise _bad_header(name, f"found columns {some(coords, 9)}, expected {', '.join(axes)} for each keypoint")
    if parts != [part for part in names for _ in axes]:
        raise _bad_header(name, f"found keypoints {some(parts, 9)}, expected each over its {len(axes)} columns")
    twice = [part for part, n in Counter(names).items() if n > 1]
    if twice:
        raise _bad_header(name, f"found more than one keypoint of the name {some(twice)}, expected each name once")
    if not all(part.strip() for part in names):
        raise _bad_header(name, f"found keypoints {some(names, 9)}, expected none blank")
    return names


def _bad_header(name: str, problem: str) -> Dlc2LpError:
    return _unreadable(name, problem, "give the header rows the names back that they had", "target-labels-header")


def _unreadable(name: str, problem: str, to_do: str = "", code: str = "target-labels-unreadable") -> Dlc2LpError:
    advice = f"{to_do or 'bring the file back as Lightning Pose or its app wrote it'}; to lose the changes, {{}}"
    ways = (RunAgain("run convert again", (Setting("edited", ("replace",)),)),)
    return Dlc2LpError.of(code, name, problem, advice=advice, remedies=ways)
