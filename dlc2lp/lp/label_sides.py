"""All label files of a target together, as one side of a merge has them: DeepLabCut's, or the people's in the app.

Row n of every view is the same moment. What an image is the moment of, its path says: the session without the view, and
the name of the file, which is the same in all views.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from dlc2lp.errors import Dlc2LpError
from dlc2lp.lp.label_cells import LabelCells, PointCells
from dlc2lp.lp.names import label_file_name
from dlc2lp.wording import counted, some

#: A session without its view, and the name of an image in it.
Moment = tuple[str, str]

#: What the names of the two label files of a view end with: the frames to train on, and those held out.
SUFFIXES = ("", "_test")

NO_POINT = PointCells("", "")


def moment_of(image: str, view: str) -> Moment:
    """Return the moment that an image of a view shows."""
    folder, _, name = image.rpartition("/")
    return (folder.removesuffix(f"_{view}") if view else folder), name


def image_of(moment: Moment, view: str) -> str:
    """Return the path of a view's image of a moment: the inverse of :func:`moment_of`."""
    folder, name = moment
    return f"{folder}_{view}/{name}" if view else f"{folder}/{name}"


def is_same(one: PointCells | None, other: PointCells | None) -> bool:
    """Whether two cells hold the same label, or both none; what ``visible`` says is another thing."""
    one, other = one or NO_POINT, other or NO_POINT
    if (one.x, one.y) == (other.x, other.y):
        return True
    try:
        return one.has_same_point(other)
    except ValueError:  # something else than a number, which was told or will be
        return False


@dataclass(frozen=True)
class Row:
    """One row of a label file."""

    image: str
    suffix: str  #: Of the file that it stands in.
    points: tuple[PointCells, ...]  #: K points in the order of its side's keypoints.


@dataclass(frozen=True)
class Side:
    """The label files of all views.

    Attributes
    ----------
    scorer, keypoint_names, has_visible
        As the header rows say, K names.
    rows
        By view, the rows by their moments, in the order of the files; those that are held out come last.
    """

    scorer: str
    keypoint_names: tuple[str, ...]
    has_visible: bool
    rows: Mapping[str, Mapping[Moment, Row]] = field(repr=False)

    @classmethod
    def read(cls, views: Sequence[str], texts: Mapping[str, str], renamed: Mapping[str, str] | None = None) -> Self:
        """Read the label files of all views; those without a text have no rows. Images that are ``renamed`` are so.

        Dlc2LpError where a file is none, see :func:`~dlc2lp.lp.label_cells.read_table`, or has an image twice
        (``target-labels-twice``).
        """
        read = {
            (view, suffix): LabelCells.read(texts[name], name).with_images(renamed or {})
            for view in views
            for suffix in SUFFIXES
            for name in (label_file_name(view, suffix),)
            if name in texts
        }
        names = next((cells.keypoint_names for cells in read.values()), ())
        rows: dict[str, dict[Moment, Row]] = {view: {} for view in views}
        for (view, suffix), cells in read.items():
            _refuse_doubles(view, suffix, cells, rows[view])
            order = _order(label_file_name(view, suffix), cells.keypoint_names, names)
            for image, points in cells.rows:
                in_order = points if order is None else tuple(points[n] for n in order)
                rows[view][moment_of(image, view)] = Row(image, suffix, in_order)
        scorer = next((cells.scorer for cells in read.values()), "")
        return cls(scorer, names, any(cells.has_visible for cells in read.values()), rows)

    def texts(self, planned: Iterable[str] = ()) -> dict[str, str]:
        """Return the label files by name: those with rows, and those that are ``planned`` anyhow."""
        wanted, made = set(planned), {}
        for view, of_view in self.rows.items():
            for suffix in SUFFIXES:
                name = label_file_name(view, suffix)
                rows = tuple((row.image, row.points) for row in of_view.values() if row.suffix == suffix)
                if rows or name in wanted:
                    made[name] = LabelCells(self.scorer, self.keypoint_names, self.has_visible, rows).to_text()
        return made

    @property
    def n_labeled(self) -> dict[str, int]:
        """How many points and how many rows, of all views, have a label."""
        counts = [
            sum(point.is_point for point in row.points) for of_view in self.rows.values() for row in of_view.values()
        ]
        return {"labeled_cells": sum(counts), "labeled_frames": sum(map(bool, counts))}

    def moments(self) -> Iterator[Moment]:
        """Yield the moments, those of the first view first; some come more than once."""
        for of_view in self.rows.values():
            yield from of_view

    def with_rows(self, other: Side) -> Side:
        """Return the side with the rows of another one of the same views, of moments that a view lacks."""
        names = tuple(dict.fromkeys([*self.keypoint_names, *other.keypoint_names]))
        own, more = self.with_names(names), other.with_names(names)
        rows = {view: {**of_view, **more.rows[view], **of_view} for view, of_view in own.rows.items()}
        return Side(self.scorer or other.scorer, names, self.has_visible or other.has_visible, rows)

    def with_names(self, names: Sequence[str]) -> Side:
        """Return the side with these keypoints in this order; of those that it has not, every cell is empty."""
        if tuple(names) == self.keypoint_names:
            return self
        at = {name: n for n, name in enumerate(self.keypoint_names)}
        places = [at.get(name) for name in names]
        rows = {
            view: {
                moment: Row(row.image, row.suffix, tuple(NO_POINT if n is None else row.points[n] for n in places))
                for moment, row in of_view.items()
            }
            for view, of_view in self.rows.items()
        }
        return Side(self.scorer, tuple(names), self.has_visible, rows)


def _refuse_doubles(view: str, suffix: str, cells: LabelCells, held: Mapping[Moment, Row]) -> None:
    """Refuse an image with two rows in a file, or in both files with other labels: nobody could say which is meant."""
    times = Counter(image for image, _ in cells.rows)
    twice = [image for image, n in times.items() if n > 1]
    for image, points in cells.rows:
        other = held.get(moment_of(image, view))
        # A run that was cut short may have left a row in both files, as it moved from one to the other.
        if other and not all(map(is_same, points, other.points)):
            twice.append(image)
    if twice:
        images = counted(len(twice), "image has", "images have")
        message = f"{images} more than one row: {some(twice)}; it can't be said which is meant"
        advice = "delete the rows that are not meant"
        raise Dlc2LpError.of("target-labels-twice", label_file_name(view, suffix), message, advice=advice)


def _order(name: str, found: Sequence[str], expected: Sequence[str]) -> list[int] | None:
    """Return where each expected keypoint stands in a file; None where they stand in this order."""
    if tuple(found) == tuple(expected):
        return None
    if sorted(found) != sorted(expected):
        message = f"found the keypoints {some(found)}, expected {some(expected)} as in the other label files"
        advice = "give all label files the same keypoints"
        raise Dlc2LpError.of("target-keypoints-differ", name, message, advice=advice)
    return [list(found).index(each) for each in expected]


@dataclass(frozen=True)
class Change:
    """A label that is another one on another side."""

    view: str
    suffix: str
    image: str
    keypoint: str
    before: PointCells
    after: PointCells


def changes(before: Side, after: Side) -> Iterator[Change]:
    """Yield the labels that two sides do not have alike; a row that one of them lacks has none."""
    names = tuple(dict.fromkeys([*before.keypoint_names, *after.keypoint_names]))
    before, after = before.with_names(names), after.with_names(names)
    empty = (NO_POINT,) * len(names)
    for view in after.rows:
        olds, news = before.rows.get(view, {}), after.rows[view]
        for moment in dict.fromkeys([*olds, *news]):
            old, new = olds.get(moment), news.get(moment)
            row = new or old
            points = (old.points if old else empty), (new.points if new else empty)
            if row is None or points[0] == points[1]:
                continue
            for name, one, other in zip(names, *points, strict=True):
                if not is_same(one, other):
                    yield Change(view, row.suffix, row.image, name, one, other)


@dataclass(frozen=True)
class Edits:
    """What was done to a label file, counted."""

    #: Labels that were not there, that stood elsewhere, and that are no more.
    added: int = 0
    moved: int = 0
    removed: int = 0
    #: Rows, with labels or without.
    rows_added: int = 0
    rows_removed: int = 0

    def __bool__(self) -> bool:
        return any(vars(self).values())

    def __str__(self) -> str:
        told = [
            f"{counted(n, 'label')} {done}"
            for n, done in ((self.added, "added"), (self.moved, "moved"), (self.removed, "removed"))
            if n
        ]
        rows = ((self.rows_added, "added"), (self.rows_removed, "removed"))
        return ", ".join([*told, *(f"{counted(n, 'row')} {done}" for n, done in rows if n)])


def edits(before: Side, after: Side) -> dict[str, Edits]:
    """Count by label file what became of the labels of one side on another; files that are alike are left out."""
    counts: dict[str, Counter[str]] = {}
    for change in changes(before, after):
        kind = "moved" if change.before.is_labelled and change.after.is_labelled else "added"
        kind = kind if change.after.is_labelled or not change.before.is_labelled else "removed"
        counts.setdefault(label_file_name(change.view, change.suffix), Counter())[kind] += 1
    for kind, one, other in (("rows_added", before, after), ("rows_removed", after, before)):
        for view in after.rows:
            for moment, row in other.rows.get(view, {}).items():
                if moment not in one.rows.get(view, {}):
                    counts.setdefault(label_file_name(view, row.suffix), Counter())[kind] += 1
    return {name: Edits(**counts[name]) for name in sorted(counts)}
