"""Whether the rows of a table are those that a split's positions mean: only names at the right places prove it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from dlc2lp.dlc.split_pickle import PADDING, WrittenSplit
from dlc2lp.dlc.training_table import Frame, FrameTitle, TableRow, shown
from dlc2lp.wording import counted


def misfit(rows: Sequence[TableRow], written: WrittenSplit) -> str:
    """Why these rows can't be those that the positions mean; empty if they can."""
    last = max(written.positions)
    if last >= len(rows):
        return f"it has {counted(len(rows), 'row')} and the split counts to row {last + 1}"
    if not written.trained:
        return "the split names no training frame by which its rows could be known"
    # The padding leads to the last row, in DeepLabCut's own look-up too, which then trained on that frame.
    titles = {rows[position].title for position in written.train}
    strange = sorted(written.trained.keys() - titles)
    if strange:
        found = f"of {counted(len(written.trained), 'frame')} that it trained on, such as {shown(strange[0])},"
        return counted(len(strange), f"{found} stands elsewhere", f"{found} stand elsewhere")
    # Names without their folder prove no order, and rows of two folders that carry the same one have none.
    meant: defaultdict[FrameTitle, set[Frame | None]] = defaultdict(set)
    for row in rows:
        meant[row.title].add(row.frame)
    titles |= {rows[position].title for position in written.test}
    unclear = [title for title in titles if len(meant[title]) > 1 or None in meant[title]]
    if unclear:
        return f"several folders have labels that they call {shown(min(unclear))}"
    return _misfit_of_longer(rows, written) if written.leaves_out(rows) else ""


def _misfit_of_longer(rows: Sequence[TableRow], written: WrittenSplit) -> str:
    """The same for more rows than the split has: as a rule some were added since, and those behind them moved on.

    Then names at the right places may be chance. It is none where they come in the order in which the split lists
    them, which DeepLabCut shuffles; but behind the last of them, nothing tells of an added row.
    """
    n_more = len(rows) - len(written.positions)
    titles = [rows[position].title for position in written.train]
    if list(dict.fromkeys(title for title in titles if title in written.trained)) != list(written.trained):
        return f"it has {counted(n_more, 'row')} more than the split, and not the same frames in the same order"
    behind = [position for position in written.test if position > max(_named(rows, written))]
    if behind:
        more = counted(n_more, "row")
        return f"it has {more} more than the split, so rows from {min(behind) + 1} on may be others than then"
    return ""


def _named(rows: Sequence[TableRow], written: WrittenSplit) -> set[int]:
    """Training positions at which a frame stands that it trained on."""
    return {position for position in written.train if rows[position].title in written.trained}


def doubt(rows: Sequence[TableRow], written: WrittenSplit) -> str:
    """What still speaks against rows that have all the names in the right places; empty if nothing does.

    A split may have trained on rows without any label, whose names it does not keep. A row with labels in such a
    place is one that was labelled since, or it is another row.
    """
    named = _named(rows, written)
    for position in written.train:
        if position != PADDING and position not in named and rows[position].is_labelled:
            return f"it has labels for {shown(rows[position].title)} where the split trained on a frame without"
    return ""


def frames_of(rows: Sequence[TableRow], written: WrittenSplit) -> tuple[frozenset[Frame], frozenset[Frame]]:
    """Training frames, those among them to which only the padding led, and test frames."""
    trained = {row.frame for row in rows if row.title in written.trained and row.frame}
    return frozenset(trained | _frames_at(rows, written.train)), frozenset(_frames_at(rows, written.test))


def _frames_at(rows: Sequence[TableRow], positions: Sequence[int]) -> set[Frame]:
    frames = (rows[position].frame for position in positions if position != PADDING)
    return {frame for frame in frames if frame is not None}
