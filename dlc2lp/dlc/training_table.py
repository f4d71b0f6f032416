"""The table of a training set: which frame each of its rows is, and in which orders its rows may have been.

``merge_annotateddatasets`` joins the labels of all folders whenever a training set is made, and other files count
in its rows. But every call writes it anew, with the frames that were labelled by then and in the order of that
version. What was counted before may then mean other rows, so here are all orders that a version could have made
of the labels that there are; which one it was must be proven by whoever counts in them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dlc2lp.dlc.config import DlcConfig
from dlc2lp.dlc.framenames import parse_row
from dlc2lp.dlc.label_file import file_scorer, label_paths, read_label_file
from dlc2lp.dlc.row_names import match_images
from dlc2lp.dlc.session import DlcSession
from dlc2lp.dlc.table import RawTable
from dlc2lp.model import Finding
from dlc2lp.wording import spelled

#: (session, image): name of the folder in ``labeled-data``, name of the file in it.
Frame = tuple[str, str]
#: (folder, image) as a row names a frame, with composed accents; the folder is ``""`` where it names none.
FrameTitle = tuple[str, str]


@dataclass(frozen=True)
class TableRow:
    """A row of the table."""

    cells: tuple[str, ...]  #: Its index cells.
    title: FrameTitle  #: What they name.
    frame: Frame | None  #: Which frame of the project that is; None where several could be meant.
    is_labelled: bool  #: Whether it holds any label.


@dataclass(frozen=True)
class TrainingTable:
    """The table in one of its possible orders."""

    source: str  #: What it was read from, for people.
    rows: tuple[TableRow, ...] = ()  #: The rows.
    is_rebuilt: bool = False  #: Whether the folders were merged here.
    problem: str = ""  #: Why the file can't be read; empty where it was.
    findings: tuple[Finding, ...] = ()  #: What reading it brought up.


class ProjectFrames:
    """Tells which frame of the project a row means."""

    def __init__(self, sessions: Sequence[DlcSession]) -> None:
        self._own: dict[FrameTitle, Frame] = {}
        self._claimed: defaultdict[FrameTitle, set[Frame]] = defaultdict(set)
        for session in sessions:
            frame_in_session = _finder(session)
            folder = spelled(session.name)
            for image in session.image_names:
                self._own[folder, spelled(image)] = (session.name, image)
            for file in session.label_files:
                for cells in file.table.rows if file.table else ():
                    frame = frame_in_session(cells)
                    self._own.setdefault((folder, spelled(frame[1])), frame)
                    # An image may be called otherwise now than in the rows, which the merged ones repeat.
                    self._own.setdefault((folder, frame_title(cells)[1]), frame)
                    # A renamed folder's rows go on naming the old one, and early napari-deeplabcut's name none.
                    self._claimed[frame_title(cells)].add(frame)

    def called(self, cells: Sequence[str]) -> Frame | None:
        """The frame that a merged row means, None if it can't be told; one that is gone goes by its old name."""
        title = frame_title(cells)
        claimed = self._claimed.get(title, set())
        if title in self._own:
            return self._own[title]
        if len(claimed) == 1:
            return next(iter(claimed))
        return title if title[0] and not claimed else None

    def has(self, frame: Frame) -> bool:
        """Whether the project still has the image or a row for it."""
        return (spelled(frame[0]), spelled(frame[1])) in self._own


def frame_title(cells: Sequence[str]) -> FrameTitle:
    r"""Folder and image, equal for ``labeled-data\m1\img0.png`` and ``("labeled-data", "m1", "img0.png")``.

    macOS decomposes accents where Linux and Windows do not, and a project may have seen them all.
    """
    row = parse_row(cells)
    return spelled(row.folder or ""), spelled(row.file_name)


def shown(frame: Frame | FrameTitle) -> str:
    """Return a frame in words: ``'m1/img0.png'``."""
    return repr("/".join(filter(None, frame)))


def possible_tables(
    folder: Path, sessions: Sequence[DlcSession], frames: ProjectFrames, config: DlcConfig | None
) -> Iterator[TrainingTable]:
    """Yield the table in every order in which its rows may have been, the most probable first.

    First as they stand in the folder of the training set; then merged anew from the folders of ``labeled-data``,
    unsorted (DeepLabCut up to 2.1.7), sorted by path (since 2.1.8) and by folder and name (since 2.2.0.4,
    PR #1584). The configuration has the scorer and the order of the videos.
    """
    scorer = config.scorer if config else ""
    for path in sorted(label_paths(folder), key=lambda path: _preference(path, scorer)):
        read = read_label_file(path)
        if read.table is None:
            yield TrainingTable(path.name, problem=read.findings[0].message)
        else:
            yield TrainingTable(path.name, tuple(_rows(read.table, frames.called)), findings=read.findings)
    # DeepLabCut takes the folders of video_sets, and all where it finds labels in none of them.
    listed = _listed_sessions(sessions, config)
    bases = [listed] if len(listed) == len(sessions) else [listed, sessions]
    for chosen in filter(None, bases):
        rebuilt = [row for session in chosen for row in _rows_of(session, scorer)]
        for key in _SORT_KEYS:
            rows = tuple(sorted(rebuilt, key=key) if key else rebuilt)
            yield TrainingTable("labeled-data", rows, is_rebuilt=True)


#: As ``DataFrame.sort_index`` sorts the rows: by folder and name; by path, with whatever separator they have; by
#: path after a conversion from Windows or to it. Blank, ``-`` and ``.`` sort before ``/``, so the frames of
#: ``m1 b`` stand before those of ``m1`` among paths, and behind them among folders. None: not at all.
_SORT_KEYS: tuple[Callable[[TableRow], tuple[str, ...]] | None, ...] = (
    lambda row: tuple("/".join(row.cells).replace("\\", "/").split("/")),
    lambda row: ("/".join(row.cells),),
    lambda row: ("/".join(row.cells).replace("\\", "/"),),
    lambda row: ("\\".join(row.cells).replace("/", "\\"),),
    None,
)


def _rows(table: RawTable, frame_of: Callable[[Sequence[str]], Frame | None]) -> Iterator[TableRow]:
    for cells, values in zip(table.rows, table.values, strict=True):
        yield TableRow(cells, frame_title(cells), frame_of(cells), bool(np.isfinite(values).any()))


def _rows_of(session: DlcSession, scorer: str) -> Iterator[TableRow]:
    """The rows of a folder that were merged: DeepLabCut takes the HDF5 file of the config's scorer."""
    tables = {file.path: file.table for file in session.label_files if file.table is not None}
    if tables:
        yield from _rows(tables[min(tables, key=lambda path: _preference(path, scorer))], _finder(session))


def _listed_sessions(sessions: Sequence[DlcSession], config: DlcConfig | None) -> list[DlcSession]:
    """The folders of ``video_sets`` in its order, each once."""
    by_name = {spelled(session.name): session for session in sessions}
    found: dict[str, DlcSession] = {}
    for entry in config.video_sets if config else ():
        stem = spelled(entry.stem)
        # 2.1.10 to 2.2rc could train on random crops, which lie in folders of their own.
        crops = by_name.get(f"{stem}_cropped") if config and config.cropped_training else None
        session = crops or by_name.get(stem)
        if session is not None:
            found.setdefault(session.name, session)
    return list(found.values())


def _finder(session: DlcSession) -> Callable[[Sequence[str]], Frame]:
    """How to find the frame that a row of the folder's own file means, whatever folder it names."""
    named = (row.file_name for file in session.label_files if file.table for row in file.table.row_names)
    image_of = match_images(named, session.image_names).image_of

    def find(cells: Sequence[str]) -> Frame:
        image = parse_row(cells).file_name
        return session.name, image_of.get(image, image)

    return find


def _preference(path: Path, scorer: str) -> tuple[bool, bool, str]:
    return file_scorer(path) != scorer, path.suffix.lower() != ".h5", path.name
