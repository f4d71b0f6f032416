"""Rows that lie in another folder than their image: a label file that was copied, or put into the wrong folder. Pure.

A row whose image is not beside it belongs to the folder that it names, where that has the image. What that folder says
itself of the image goes first; a copy that says the same loses nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from dlc2lp.dlc.joining import count_labels, join_sessions, same_values
from dlc2lp.dlc.row_names import match_images
from dlc2lp.model import Finding, FrameRef, LabelTable, Severity
from dlc2lp.survey.session_labels import SessionLabels
from dlc2lp.wording import counted, spelled


@dataclass(frozen=True)
class _Move:
    """Rows of one session's label file that belong to another session."""

    origin: SessionLabels
    #: Places of both sessions among all.
    number: int
    to: int
    home: str  #: The session that has their images.
    rows: Mapping[int, str]  #: Row of the origin's table -> image.

    @property
    def table(self) -> LabelTable:
        """The rows as those of the session that has the images."""
        labels = self.origin.labels
        assert labels is not None  # noqa: S101  told to mypy: rows come of it
        frames = tuple(FrameRef(self.home, name, labels.frames[row].frame_index) for row, name in self.rows.items())
        return replace(labels, frames=frames, xy_px=labels.xy_px[list(self.rows)])


def bring_home(sessions: Sequence[SessionLabels]) -> tuple[list[SessionLabels], list[Finding]]:
    """Give rows to the session that has their images; one that is left with nothing is no session any more."""
    moves = [move for number in range(len(sessions)) for move in _moves(sessions, number)]
    settled, findings = list(sessions), list[Finding]()
    for move in moves:
        settled[move.to], told = _at_home(settled[move.to], move)
        settled[move.number] = _without_rows(settled[move.number], move)
        findings += told
    return [chosen for chosen in settled if not _is_empty(chosen)], findings


def _moves(sessions: Sequence[SessionLabels], number: int) -> list[_Move]:
    """Find the rows of one session whose images are in another one that they name."""
    chosen = sessions[number]
    if chosen.labels is None:
        return []
    own = chosen.session
    here = own.image_names
    away: dict[str, dict[int, str]] = {}
    for row, frame in enumerate(chosen.labels.frames):
        if frame.file_name not in here:
            # Two folders may be called alike but for how their accents are stored.
            home = spelled(chosen.other_folders.get(frame.file_name, own.name))
            away.setdefault(home, {})[row] = frame.file_name
    moves = []
    for home, rows in away.items():
        for to, other in enumerate(sessions):
            if to == number or spelled(other.session.name) != home:
                continue
            image_of = match_images(rows.values(), other.session.image_names).image_of
            found = {row: image_of[name] for row, name in rows.items() if name in image_of}
            if found:
                moves.append(_Move(chosen, number, to, other.session.name, found))
                break
    return moves


def _at_home(home: SessionLabels, move: _Move) -> tuple[SessionLabels, list[Finding]]:
    """Return the session with the rows that were brought to it, and what became of them."""
    table, path = move.table, str(move.origin.label_file)
    if home.labels is None:
        points = counted(count_labels(table), "labelled point")
        rows = counted(len(table.frames), "row names", "rows name")
        message = f"its {rows} {move.home!r}, where the images are: they count there, with {points}"
        return (
            replace(home, labels=table, label_file=move.origin.label_file),
            [Finding(Severity.NOTE, "labels-in-other-folder", path, message)],
        )
    own = {frame.file_name: row for row, frame in enumerate(home.labels.frames)}
    new: list[int] = []
    same: list[int] = []
    other: list[int] = []
    for row, frame in enumerate(table.frames):
        there = own.get(frame.file_name)
        if there is None or not home.labels.labelled[there].any():
            new.append(row)
        else:
            (other if same_values(_rows(home.labels, [there]), _rows(table, [row])) else same).append(row)
    findings = []
    if same:
        message = f"{counted(len(same), 'row repeats', 'rows repeat')} what {move.home!r} says itself of its images"
        findings.append(Finding(Severity.NOTE, "labels-copied", path, message))
    n_lost = 0
    if other:
        places = [own[table.frames[row].file_name] for row in other]
        n_lost = sum(map(partial(_n_only_in, table, home.labels), other, places))
        rows = counted(len(other), "row differs", "rows differ")
        message = f"{rows} from what {move.home!r} says itself of its images, which is used"
        message += f"; {counted(n_lost, 'labelled point is', 'labelled points are')} only here" if n_lost else ""
        advice = "correct the label file of the folder that has the images, if this one is right"
        findings.append(Finding(Severity.WARNING, "labels-copied-differ", path, message, "", advice))
    joined = join_sessions([home.labels, _rows(table, new)], home.labels.keypoint_names) if new else home.labels
    return replace(home, labels=joined, n_left_out=home.n_left_out + n_lost), findings


def _rows(table: LabelTable, rows: Sequence[int]) -> LabelTable:
    return replace(table, frames=tuple(table.frames[row] for row in rows), xy_px=table.xy_px[list(rows)])


def _n_only_in(other: LabelTable, table: LabelTable, row: int, there: int) -> int:
    """Count the labelled points of one row that a row of another table lacks."""
    have = {(table.individuals[i], table.keypoint_names[k]) for i, k in np.argwhere(table.labelled[there]).tolist()}
    found = {(other.individuals[i], other.keypoint_names[k]) for i, k in np.argwhere(other.labelled[row]).tolist()}
    return len(found - have)


def _without_rows(chosen: SessionLabels, move: _Move) -> SessionLabels:
    """Return the session that rows were taken from; its table is counted by the image, so later moves still fit."""
    gone = {move.origin.labels.frames[row].file_name for row in move.rows} if move.origin.labels else set()
    labels = chosen.labels
    if labels is None:
        return chosen
    kept = [row for row, frame in enumerate(labels.frames) if frame.file_name not in gone]
    return replace(chosen, labels=_rows(labels, kept) if kept else None, label_file=chosen.label_file if kept else None)


def _is_empty(chosen: SessionLabels) -> bool:
    """Whether a session holds nothing, since all rows of its label files are those of others."""
    session = chosen.session
    held = (session.image_names, session.odd_files, session.machine_files)
    has_rows = chosen.labels is not None and chosen.labels.frames
    is_read = all(file.table is not None for file in session.label_files)
    return bool(session.label_files) and is_read and not has_rows and not any(held) and not chosen.n_left_out
