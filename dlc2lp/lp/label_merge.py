"""Labels that people made in the target and labels that are new in DeepLabCut, brought together point by point. Pure.

What one side changed since dlc2lp last brought labels (the base) is taken. What both changed, and differently, is a
conflict: the target's stays, and so does the base of that point, so that the next merge tells it again. Rows follow
their labels. Every cell of ``visible`` becomes what Lightning Pose trains on: the app sets x and y only.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from dlc2lp.errors import Dlc2LpError
from dlc2lp.lp.label_cells import PointCells
from dlc2lp.lp.label_sides import NO_POINT, Moment, Row, Side, image_of, is_same
from dlc2lp.lp.labels import HIDDEN, NOT_LABELED, VISIBLE
from dlc2lp.lp.names import label_file_name

#: The rows of a moment by view.
_Moment = dict[str, Row]

#: What ``visible`` may say of a point without a label.
_FLAGS = {NOT_LABELED: str(NOT_LABELED), HIDDEN: str(HIDDEN)}


@dataclass(frozen=True)
class Conflict:
    """A point that was changed in the target and in DeepLabCut, each time to something else."""

    view: str
    moment: Moment
    file: str  #: The label file.
    image: str
    keypoint: str
    here: PointCells  #: The target's label, which stays; empty where it, or its row, was deleted.
    there: PointCells  #: DeepLabCut's, which did not arrive; empty where it was deleted.


@dataclass(frozen=True)
class Merged:
    """What came of a merge.

    Attributes
    ----------
    side
        The labels that the target should hold.
    conflicts
        Points of which DeepLabCut's label did not arrive.
    base
        What the next merge starts from: DeepLabCut's labels, but of the conflicts what both sides changed.
    settled
        A base with which a merge of the same sides finds no conflict and keeps all that stands in the target.
    lacking
        Images that a view lacks of a moment which other views have labelled: (image, label file).
    twice
        Images that show the same frame of a session as another one, of which DeepLabCut's plan knows only the other.
    """

    side: Side = field(repr=False)
    conflicts: tuple[Conflict, ...]
    base: Side = field(repr=False)
    settled: Side = field(repr=False)
    lacking: tuple[tuple[str, str], ...]
    twice: tuple[tuple[str, str], ...]


def merge_labels(base: Side, here: Side, there: Side, empty_means: int, has_image: Callable[[str], bool]) -> Merged:
    """Merge what the target holds (``here``) with what DeepLabCut's labels would be (``there``), both come of ``base``.

    ``empty_means`` is what ``visible`` says of a point that somebody looked for and did not label; ``has_image``
    whether an image is in the target. Dlc2LpError (``labels-keypoint-gone``) where people labelled a keypoint that
    DeepLabCut has no more.
    """
    added = [name for name in here.keypoint_names if name not in {*base.keypoint_names, *there.keypoint_names}]
    names = (*there.keypoint_names, *added)
    _refuse_gone(base, here, names)
    old, ours, theirs = (side.with_names(names) for side in (base, here, there))
    header, looked_for = _header(base, here, there), {*here.keypoint_names}.difference(added)
    merge = _Merge(old, ours, theirs, looked_for, empty_means, has_image)
    side = merge.merge(header)
    if merge.has_filled and empty_means == HIDDEN and not header.has_visible:
        # Without the column, every keypoint of a row that only another view has labelled would count as hidden.
        merge = _Merge(old, ours, theirs, looked_for, empty_means, has_image)
        side = merge.merge(replace(header, has_visible=True))
    bases = _next_base(base, there, merge.conflicts), _settled_base(base, there, merge.conflicts)
    return Merged(side, tuple(merge.conflicts), *bases, tuple(merge.lacking), tuple(_twice(side, there)))


def _refuse_gone(base: Side, here: Side, names: Sequence[str]) -> None:
    gone = [name for name in here.keypoint_names if name not in names]
    if not gone:
        return
    before, now = base.with_names(gone), here.with_names(gone)
    for view, rows in now.rows.items():
        for moment, row in rows.items():
            old = before.rows.get(view, {}).get(moment)
            for name, point, was in zip(gone, row.points, old.points if old else [None] * len(gone), strict=True):
                if not is_same(point, was):
                    message = f"{row.image} was labelled by hand, and DeepLabCut has no such keypoint any more"
                    advice = "delete the keypoint's labels in the target, or add it to DeepLabCut's config.yaml again"
                    subject = label_file_name(view, row.suffix)
                    raise Dlc2LpError.of("labels-keypoint-gone", subject, message, where=name, advice=advice)


def _header(base: Side, here: Side, there: Side) -> Side:
    """Return a side without rows that has the header which comes of both."""
    scorer = here.scorer if there.scorer == base.scorer and here.scorer else there.scorer
    has_visible = here.has_visible if there.has_visible == base.has_visible else there.has_visible
    return Side(scorer, (), has_visible, {})


class _Merge:
    """One merge of three sides that have the same keypoints."""

    def __init__(
        self,
        base: Side,
        here: Side,
        there: Side,
        looked_for: Collection[str],
        empty_means: int,
        has_image: Callable[[str], bool],
    ) -> None:
        self._base, self._here, self._there = base, here, there
        # Nobody has looked everywhere for a keypoint that the target did not have, or that somebody added to it.
        self._if_empty = [_FLAGS[empty_means if name in looked_for else NOT_LABELED] for name in there.keypoint_names]
        self._has_image = has_image
        self._has_visible = False
        self.conflicts: list[Conflict] = []
        self.lacking: list[tuple[str, str]] = []
        self.has_filled = False  #: Whether a view got a row without labels.

    def merge(self, header: Side) -> Side:
        """Merge all moments."""
        self._has_visible = header.has_visible
        rows: dict[str, dict[Moment, Row]] = {view: {} for view in self._there.rows}
        for moment in self._order():
            for view, row in self._moment(moment).items():
                rows[view][moment] = row
        return Side(header.scorer, self._there.keypoint_names, header.has_visible, rows)

    def _order(self) -> Iterator[Moment]:
        """Yield the moments in the target's order, each new one behind the one that it follows in the plan's."""
        known = dict.fromkeys(self._here.moments())
        behind: dict[Moment | None, dict[Moment, None]] = {}
        last = None
        for moment in self._there.moments():
            if moment in known:
                last = moment
            else:
                behind.setdefault(last, {})[moment] = None
        for place in (None, *known):
            yield from () if place is None else (place,)
            yield from behind.get(place, ())

    def _moment(self, moment: Moment) -> _Moment:
        old, ours, theirs = (_rows_of(side, moment) for side in (self._base, self._here, self._there))
        if not theirs and _is_labelled(ours) and not _is_labelled(old):
            old = {}  # what DeepLabCut deleted held nothing, so that people's labels of it are no conflict
        if old and not ours:  # people deleted it, or nobody has it any more
            for view, row in theirs.items():
                pairs = _pairs(row, old.get(view))
                self._note(moment, view, row, [(NO_POINT, there, is_same(there, was)) for there, was in pairs])
            return {}
        if old and not theirs:
            n_before = len(self.conflicts)
            for view, row in ours.items():
                pairs = _pairs(row, old.get(view))
                self._note(moment, view, row, [(here, NO_POINT, is_same(here, was)) for here, was in pairs])
            if len(self.conflicts) == n_before:
                return {}
        return self._in_all_views(moment, old, ours, theirs)

    def _note(self, moment: Moment, view: str, row: Row, points: Iterable[tuple[PointCells, PointCells, bool]]) -> None:
        """Note as conflicts the points (the target's, DeepLabCut's, whether they are no conflict) of a row."""
        name = label_file_name(view, row.suffix)
        self.conflicts += [
            Conflict(view, moment, name, row.image, keypoint, here, there)
            for keypoint, (here, there, is_none) in zip(self._there.keypoint_names, points, strict=True)
            if not is_none
        ]

    def _in_all_views(self, moment: Moment, old: _Moment, ours: _Moment, theirs: _Moment) -> _Moment:
        """Merge the rows of a moment; a view that has none gets a row without labels, as all views must have it."""
        suffix = _suffix(old, ours, theirs)
        made: _Moment = {}
        for view in self._there.rows:
            rows = [each.get(view) for each in (old, ours, theirs)]
            image = next((row.image for row in rows if row), image_of(moment, view))
            if not any(rows) and not self._has_image(image):
                self.lacking.append((image, label_file_name(view, suffix)))
                continue
            self.has_filled |= not any(rows)
            made[view] = self._row(moment, view, image, suffix, rows, in_source=bool(theirs))
        return made

    def _row(
        self, moment: Moment, view: str, image: str, suffix: str, rows: Sequence[Row | None], *, in_source: bool
    ) -> Row:
        _, ours, theirs = rows
        is_alike = ours and theirs and ours.points == theirs.points and self._has_visible == self._there.has_visible
        if is_alike and theirs and (not self._has_visible or all(point.visible for point in theirs.points)):
            return Row(image, suffix, theirs.points)  # nearly every row of a large project
        points, met = [], []
        sides = zip(*(row.points if row else [None] * len(self._if_empty) for row in rows), strict=True)
        for (was, here, there), if_empty in zip(sides, self._if_empty, strict=True):
            point, is_conflict = _merged(was, here, there) if in_source or was is None else (here or NO_POINT, False)
            # Of a moment that a view had no row of, nobody has looked at its image.
            flag = _flag(point, was, here, there, if_empty if here else _FLAGS[NOT_LABELED])
            flag = flag if self._has_visible else ""
            if point.is_empty:  # be it in words
                point = NO_POINT
            points.append(point if point.visible == flag else replace(point, visible=flag))
            met.append((here or NO_POINT, there or NO_POINT, not is_conflict))
        row = Row(image, suffix, tuple(points))
        self._note(moment, view, row, met)
        return row


def _next_base(base: Side, there: Side, conflicts: Sequence[Conflict]) -> Side:
    """Return DeepLabCut's labels, but where there is a conflict the base as it was."""
    before = base.with_names(there.keypoint_names)
    rows = {view: dict(of_view) for view, of_view in there.rows.items()}
    for each in conflicts:
        was, row = before.rows.get(each.view, {}).get(each.moment), there.rows[each.view].get(each.moment)
        if row is None:  # the moment is one in all views
            for view, of_view in rows.items():
                if each.moment in before.rows.get(view, {}):
                    of_view[each.moment] = before.rows[view][each.moment]
            continue
        at = there.keypoint_names.index(each.keypoint)
        point = was.points[at] if was else replace(NO_POINT, visible=row.points[at].visible)
        rows[each.view][each.moment] = _with_point(rows[each.view][each.moment], at, point)
    return replace(there, rows=rows)


def _settled_base(base: Side, there: Side, conflicts: Sequence[Conflict]) -> Side:
    """Return the base, but where there is a conflict with DeepLabCut's labels."""
    new = [name for name in there.keypoint_names if name not in base.keypoint_names]
    before = base.with_names((*base.keypoint_names, *new))
    rows = {view: dict(before.rows.get(view, {})) for view in there.rows}
    for each in conflicts:
        row = there.rows[each.view].get(each.moment)
        if row is None:
            for of_view in rows.values():
                of_view.pop(each.moment, None)
            continue
        none = Row(row.image, row.suffix, (NO_POINT,) * len(before.keypoint_names))
        point = row.points[there.keypoint_names.index(each.keypoint)]
        known = rows[each.view].get(each.moment, none)
        rows[each.view][each.moment] = _with_point(known, before.keypoint_names.index(each.keypoint), point)
    return replace(before, rows=rows)


def _twice(side: Side, there: Side) -> Iterator[tuple[str, str]]:
    """Yield the images of people that show a frame which another image of the plan shows: one has another suffix."""
    for view, rows in side.rows.items():
        planned = {(folder, PurePosixPath(name).stem): row.image for (folder, name), row in there.rows[view].items()}
        for moment, row in rows.items():
            folder, name = moment
            other = planned.get((folder, PurePosixPath(name).stem), row.image)
            if other != row.image and moment not in there.rows[view]:
                yield row.image, other


def _rows_of(side: Side, moment: Moment) -> _Moment:
    return {view: rows[moment] for view, rows in side.rows.items() if moment in rows}


def _is_labelled(moment: _Moment) -> bool:
    return any(point.is_labelled for row in moment.values() for point in row.points)


def _pairs(row: Row, other: Row | None) -> Iterator[tuple[PointCells, PointCells | None]]:
    return zip(row.points, other.points if other else [None] * len(row.points), strict=True)


def _with_point(row: Row, at: int, point: PointCells) -> Row:
    return replace(row, points=(*row.points[:at], point, *row.points[at + 1 :]))


def _suffix(old: _Moment, ours: _Moment, theirs: _Moment) -> str:
    """Return whether a moment is held out: as the side says that changed it, and DeepLabCut's where both did."""
    was, here, there = (next((row.suffix for row in rows.values()), None) for rows in (old, ours, theirs))
    if there is None or (here is not None and there == was):
        return here or ""
    return there


def _merged(was: PointCells | None, here: PointCells | None, there: PointCells | None) -> tuple[PointCells, bool]:
    """Return a point, and whether both sides changed it to something else; digits are those that dlc2lp wrote."""
    if is_same(here, there):
        return there or here or NO_POINT, False
    if is_same(here, was):
        return there or NO_POINT, False
    return here or NO_POINT, not is_same(there, was)


def _flag(
    point: PointCells, was: PointCells | None, here: PointCells | None, there: PointCells | None, if_empty: str
) -> str:
    """Return what ``visible`` says of a merged point.

    Without a label, what people wrote goes before what DeepLabCut's labels say, and that before ``if_empty``.
    """
    if point.is_labelled:
        return str(VISIBLE)
    if here is not None and not here.is_labelled and _valid_flag(here) is None and not _is_to_mend(here):
        return here.visible  # neither empty nor a number of Lightning Pose's: for people to say
    by_hand, before, by_source = (_valid_flag(each) for each in (here, was, there))
    if by_hand is not None and by_hand != before:
        return by_hand
    return by_source or by_hand or if_empty


def _valid_flag(point: PointCells | None) -> str | None:
    """Return what ``visible`` says of a point without a label; None where it says nothing, or promises one."""
    if point is None or point.is_labelled:
        return None
    try:
        return _FLAGS.get(-1 if point.flag is None else point.flag)
    except ValueError:
        return None


def _is_to_mend(point: PointCells) -> bool:
    try:
        return point.flag in {None, VISIBLE}
    except ValueError:
        return False
