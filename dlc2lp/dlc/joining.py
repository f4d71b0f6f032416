"""Label tables counted, compared and joined: always by name, never by position.

Folders of one project differ in the order of their columns, lack keypoints that were added later and keep
ones that were renamed (issues #506, #1417, #2723), so a position says nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dlc2lp.errors import DecisionNeeded
from dlc2lp.model import Finding, LabelTable, Setting, Severity
from dlc2lp.wording import counted, some, two_points

#: (x, y) of a point.
_Pair = tuple[float, float] | NDArray[np.float64]

_N_NAMED = 5  # differences that are named one by one; the others are counted

#: Points nearer than this in x and y are one point, saved with fewer digits.
ROUNDING_PX = 1e-3


@dataclass(frozen=True)
class CellConflict:
    """One point that two rows place differently."""

    #: Which point; the individual is ``""`` in a single-animal project.
    individual: str
    keypoint_name: str
    #: Where the first row and where the later one has it, (x, y) in pixels; NaN = no label.
    xy_px: tuple[float, float]
    other_xy_px: tuple[float, float]

    def __str__(self) -> str:
        name = point_name(self.individual, self.keypoint_name)
        return f"{name} {' and '.join(two_points(self.xy_px, self.other_xy_px))}"


@dataclass(frozen=True)
class RowConflict:
    """An image whose rows do not say the same: a person must decide which one is right."""

    #: The image.
    session: str
    file_name: str
    cells: tuple[CellConflict, ...]  #: Every point that differs, at least one.


@dataclass(frozen=True)
class Difference:
    """What two tables of the same session do not have in common; false if they hold the same labels.

    A file that was saved with fewer digits holds the same labels: such roundings are counted by themselves.
    """

    #: Points that differ by more than a rounding. A point that only one table has a row or a column for differs if it
    #: is labelled.
    n_cells: int
    first: tuple[str, ...]  #: The first few of them with both values, for people.
    #: Largest distance in x or y between two such points that both tables have labelled. 0 if there is none.
    largest_px: float
    #: Points that differ by less than :data:`ROUNDING_PX` in x and y, and the largest such distance.
    n_rounded: int
    largest_rounding_px: float
    #: Points that are labelled in one of them and not in the other.
    n_only_first: int
    n_only_second: int
    #: File names of images that have labels in one of them and none in the other.
    frames_labelled_only_first: tuple[str, ...]
    frames_labelled_only_second: tuple[str, ...]
    #: File names of rows that only one of them has, labelled or not.
    frames_only_first: tuple[str, ...]
    frames_only_second: tuple[str, ...]
    #: Columns that only one of them has, filled or not; ``individual keypoint`` in multi-animal tables.
    keypoints_only_first: tuple[str, ...]
    keypoints_only_second: tuple[str, ...]

    def __bool__(self) -> bool:
        return self.n_cells > 0

    def summary(self) -> str:
        """The differences in one line, without the cells."""
        parts = [f"largest distance {self.largest_px:.6g} px"] if self.largest_px else []
        for what, names, side in (
            ("row", self.frames_only_first, "first"),
            ("row", self.frames_only_second, "second"),
            ("keypoint", self.keypoints_only_first, "first"),
            ("keypoint", self.keypoints_only_second, "second"),
        ):
            if names:
                parts.append(f"{counted(len(names), what)} only in the {side}: {some(names)}")
        return "; ".join(parts) or "points labelled in one and empty in the other"


_NO_DIFFERENCE = Difference(0, (), 0.0, 0, 0.0, 0, 0, (), (), (), (), (), ())


def _are_alike(first: LabelTable, second: LabelTable) -> bool:
    """Whether two tables hold the same in the same order, as a CSV and the HDF5 beside it mostly do."""
    return first is second or (
        _frame_keys(first) == _frame_keys(second)
        and (first.individuals, first.keypoint_names) == (second.individuals, second.keypoint_names)
        and np.array_equal(first.in_header, second.in_header)
        and np.array_equal(first.xy_px, second.xy_px, equal_nan=True)
    )


def count_labels(table: LabelTable) -> int:
    """Count labelled cells: points of one keypoint in one frame (of one individual) with both x and y."""
    return int(np.isfinite(table.xy_px).all(axis=-1).sum())


def point_name(individual: str, keypoint_name: str) -> str:
    """Name a keypoint for people, with its individual where there are individuals."""
    return f"{individual} {keypoint_name}" if individual else keypoint_name


def same_values(first: LabelTable, second: LabelTable) -> Difference:
    """Compare two tables of the same session, such as a CSV and the HDF5 beside it.

    Rows are matched by image, columns by individual and keypoint. Two empty cells are equal.
    """
    if _are_alike(first, second):
        return _NO_DIFFERENCE
    frames = list(dict.fromkeys(_frame_keys(first) + _frame_keys(second)))
    points = list(dict.fromkeys(_points(first) + _points(second)))
    left, right = _on_grid(first, frames, points), _on_grid(second, frames, points)
    has_left, has_right = _has_point(left), _has_point(right)
    distances = np.where((has_left & has_right)[..., None], np.abs(left - right), 0.0).max(axis=-1)
    is_rounding = (distances > 0) & (distances < ROUNDING_PX)
    differs = np.asarray(~_same(left, right).all(axis=-1) & ~is_rounding, dtype=np.bool_)
    frames_first, points_first = _only_in(first, second)
    frames_second, points_second = _only_in(second, first)
    return Difference(
        n_cells=int(differs.sum()),
        first=_described(first, second, frames, points, differs),
        largest_px=float(distances[differs].max(initial=0.0)),
        n_rounded=int(is_rounding.sum()),
        largest_rounding_px=float(distances[is_rounding].max(initial=0.0)),
        n_only_first=int((has_left & ~has_right).sum()),
        n_only_second=int((has_right & ~has_left).sum()),
        frames_labelled_only_first=_labelled_only(frames, has_left, has_right),
        frames_labelled_only_second=_labelled_only(frames, has_right, has_left),
        frames_only_first=frames_first,
        frames_only_second=frames_second,
        keypoints_only_first=points_first,
        keypoints_only_second=points_second,
    )


def _has_point(xy_px: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray(np.isfinite(xy_px).all(axis=-1), dtype=np.bool_)


def _described(
    first: LabelTable,
    second: LabelTable,
    frames: Sequence[tuple[str, str]],
    points: Sequence[tuple[str, str]],
    differs: NDArray[np.bool_],
) -> tuple[str, ...]:
    """Say of the first few points that differ how each table has them; ``differs`` is of shape (frames, points)."""
    described = []
    for f, p in np.argwhere(differs)[:_N_NAMED].tolist():
        both = two_points(*(_on_grid(table, frames, [points[p]])[f, 0] for table in (first, second)))
        sides = (
            "no row" if frames[f] not in _frame_keys(table) else said if points[p] in _points(table) else "no column"
            for table, said in zip((first, second), both, strict=True)
        )
        described.append(f"{frames[f][1]} {point_name(*points[p])}: {' and '.join(sides)}")
    return tuple(described)


def _labelled_only(
    frames: Sequence[tuple[str, str]], has: NDArray[np.bool_], has_other: NDArray[np.bool_]
) -> tuple[str, ...]:
    """File names of the images with labels in one table alone; which points have one is of shape (frames, points)."""
    return tuple(
        name for (_, name), own, other in zip(frames, has, has_other, strict=True) if own.any() and not other.any()
    )


def _only_in(table: LabelTable, other: LabelTable) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The rows and the columns that only the first of two tables has, as people call them."""
    frames, points = set(_frame_keys(other)), set(_points(other))
    return (
        tuple(frame[1] for frame in _frame_keys(table) if frame not in frames),
        tuple(point_name(*point) for point in _points(table) if point not in points),
    )


def join_sessions(
    tables: Sequence[LabelTable],
    keypoint_order: Sequence[str],
    individual_order: Sequence[str] = (),
    *,
    scorer: str | None = None,
) -> LabelTable:
    """Join tables of several sessions, or several tables of one session, at least one, into one.

    Whoever labelled, equal keypoints become one column. The orders are the config's: names that no table has a column
    for are left out; names that the config does not know follow in order of first appearance. Frames are in the order
    of the tables. A keypoint that a session has no column for is NaN there; ``in_header`` tells whether any table has
    it. The scorer is that of the first table if None. Raises DecisionNeeded for ``conflicting-labels``: two tables have
    a row for the same image and place a point differently.
    """
    points = {point for table in tables for point in _points(table)}
    keypoints = _ordered(keypoint_order, (name for table in tables for name in table.keypoint_names))
    keypoints = tuple(name for name in keypoints if any(name == keypoint for _, keypoint in points))
    individuals = _ordered(individual_order, (name for table in tables for name in table.individuals))
    grid = [(individual, keypoint) for individual in individuals for keypoint in keypoints]
    shape = (len(individuals), len(keypoints))
    rows_of = _rows_by_frame(tables)
    said = _stacked(tables, grid, shape)
    frames = [frame for table in tables for frame in table.frames]
    headers = [_header(set(_points(table)), grid).reshape(shape) for table in tables]
    conflicts = []
    if len(rows_of) < len(frames):
        header_of = np.repeat(np.arange(len(tables)), [len(table.frames) for table in tables]).tolist()
        firsts = [rows[0] for rows in rows_of]
        joined = said[firsts]
        for n, rows in enumerate(rows_of):
            if len(rows) > 1:
                has = np.stack([headers[header_of[row]] for row in rows])
                joined[n], cells = merge_rows(said[rows], has, individuals, keypoints)
                conflicts += [RowConflict(frames[rows[0]].session, frames[rows[0]].file_name, cells)] if cells else []
        said, frames = joined, [frames[row] for row in firsts]
    if conflicts:
        raise DecisionNeeded(*map(_conflict_finding, conflicts))
    in_header = _header(points, grid).reshape(shape)
    scorer = tables[0].scorer if scorer is None else scorer
    return LabelTable(scorer, individuals, keypoints, tuple(frames), said, in_header)


def _rows_by_frame(tables: Sequence[LabelTable]) -> list[list[int]]:
    """Return the rows of each frame, by session and file name, counted through all tables."""
    rows: dict[tuple[str, str], list[int]] = {}
    for row, frame in enumerate(frame for table in tables for frame in table.frames):
        rows.setdefault((frame.session, frame.file_name), []).append(row)
    return list(rows.values())


def _stacked(
    tables: Sequence[LabelTable], grid: Sequence[tuple[str, str]], shape: tuple[int, int]
) -> NDArray[np.float64]:
    """Return the rows of all tables, one below the other, at the given points, shape (rows, I, K, 2)."""
    said = np.empty((sum(len(table.frames) for table in tables), *shape, 2))
    start = 0
    for table in tables:
        part = said[start : start + len(table.frames)]
        start += len(part)
        part[...] = _on_grid(table, _frame_keys(table), grid).reshape(-1, *shape, 2)
    return said


def merge_rows(
    xy_px: NDArray[np.float64],
    has_column: NDArray[np.bool_],
    individuals: Sequence[str],
    keypoint_names: Sequence[str],
) -> tuple[NDArray[np.float64], tuple[CellConflict, ...]]:
    """Merge N rows of one image, of shape (N, I, K, 2), with columns of shape (N, I, K).

    A row without any label says nothing; in any other row every cell that has a column says something, "empty" too.
    Returns what the rows say first of each point, shape (I, K, 2), and where a later row says something else.
    """
    merged = np.full(xy_px.shape[1:], np.nan)
    said = np.zeros(has_column.shape[1:], dtype=np.bool_)
    conflicts: list[CellConflict] = []
    for xy, says in zip(xy_px, has_column, strict=True):
        if not np.isfinite(xy).any():
            continue
        differs = says & said & ~_same(merged, xy).all(axis=-1)
        conflicts += (
            CellConflict(individuals[i], keypoint_names[k], _pair(merged[i, k]), _pair(xy[i, k]))
            for i, k in np.argwhere(differs).tolist()
        )
        fresh = says & ~said
        merged[fresh] = xy[fresh]
        said |= says
    return merged, tuple(conflicts)


def _conflict_finding(conflict: RowConflict) -> Finding:
    differ = f"differ in {counted(len(conflict.cells), 'point')} of one image"
    message = f"found two label files that {differ}: {some(map(str, conflict.cells), _N_NAMED, '; ')}"
    where, remedies = conflict.file_name, (Setting("scorer", ("NAME",)),)
    code, advice = "conflicting-labels", "choose one with {}"
    return Finding(Severity.ERROR, code, conflict.session, message, where, advice, remedies)


def _frame_keys(table: LabelTable) -> list[tuple[str, str]]:
    return [(frame.session, frame.file_name) for frame in table.frames]


def _points(table: LabelTable) -> list[tuple[str, str]]:
    """(individual, keypoint) of every column that the table's file has."""
    return [
        (individual, keypoint)
        for i, individual in enumerate(table.individuals)
        for k, keypoint in enumerate(table.keypoint_names)
        if table.in_header[i, k]
    ]


def _on_grid(
    table: LabelTable, frames: Sequence[tuple[str, str]], points: Sequence[tuple[str, str]]
) -> NDArray[np.float64]:
    """The table's values at the given frames and points, shape (frames, points, 2); NaN where it has none."""
    names = [(individual, keypoint) for individual in table.individuals for keypoint in table.keypoint_names]
    if list(points) == names and list(frames) == _frame_keys(table):
        return table.xy_px.reshape(len(frames), len(points), 2)
    grid = np.full((len(frames), len(points), 2), np.nan)
    row_of = {frame: row for row, frame in enumerate(frames)}
    column_of = {point: column for column, point in enumerate(points)}
    rows = [row_of[frame] for frame in _frame_keys(table)]
    for i, individual in enumerate(table.individuals):
        for k, keypoint in enumerate(table.keypoint_names):
            column = column_of.get((individual, keypoint))
            if column is not None:
                grid[rows, column] = table.xy_px[:, i, k]
    return grid


def _header(present: Collection[tuple[str, str]], points: Sequence[tuple[str, str]]) -> NDArray[np.bool_]:
    return np.array([point in present for point in points], dtype=np.bool_)


def _same(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray((a == b) | (np.isnan(a) & np.isnan(b)), dtype=np.bool_)


def _ordered(order: Iterable[str], found: Iterable[str]) -> tuple[str, ...]:
    """The found names, first those of the given order."""
    names = dict.fromkeys(found)
    return tuple(dict.fromkeys([name for name in order if name in names] + list(names)))


def _pair(xy: NDArray[np.float64]) -> tuple[float, float]:
    return float(xy[0]), float(xy[1])
