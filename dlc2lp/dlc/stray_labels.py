"""Label files of a project that lie elsewhere than in their folder of ``labeled-data``. Only looks.

They lie in ``labeled-data`` itself, beside it, in a folder that was dragged out of it, in a copy of it, in a zip that
was never unpacked; and ``training-datasets`` holds all labels as they were when a training set was made.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from dlc2lp.dlc.folders import TRAINING_SETS, is_apart, is_labeled_data
from dlc2lp.dlc.framenames import RowName
from dlc2lp.dlc.label_file import LabelFile, is_called_labels, odd_label_paths, read_label_file
from dlc2lp.dlc.packed import folders_with_labels, is_archive_file
from dlc2lp.dlc.session import DlcSession
from dlc2lp.model import Finding, Severity
from dlc2lp.searching import walk_files
from dlc2lp.wording import some, spelled


def stray_files(root: Path, data: Path, names: frozenset[str]) -> list[LabelFile]:
    """Read the label files in ``data`` itself, and those that lie anywhere else in a project."""

    def enter(folder: Path) -> bool:
        return folder != data and folder.name != TRAINING_SETS and not is_apart(folder)

    inside = [path.name for path in _files_in(data)]
    paths = [*_label_like(data, inside), *(path for path in walk_files(root, enter=enter) if is_called_labels(path))]
    return [read_label_file(path, names) for path in paths]


def _files_in(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.exists() and not path.is_dir())
    except OSError:
        return []


def _label_like(folder: Path, names: Sequence[str]) -> list[Path]:
    usual = [folder / name for name in names if is_called_labels(folder / name)]
    return usual + [path for path in odd_label_paths(folder, names) if path not in usual]


def merged_files(root: Path, names: frozenset[str]) -> list[LabelFile]:
    """Read the tables of ``training-datasets``, which hold the labels of all folders; the newest first."""
    paths = [path for path in walk_files(root / TRAINING_SETS) if is_called_labels(path)]
    return [read_label_file(path, names) for path in reversed(paths)]


def with_strays(
    sessions: Sequence[DlcSession], files: Iterable[LabelFile], data: Path, but: Collection[str] = ()
) -> list[DlcSession]:
    """Give each session those rows of files that name it, but for some sessions (``but``)."""
    known = {spelled(session.name) for session in sessions}
    parts = (each for file in files for each in _parts(file, known) if each[0] not in but)
    return _give(sessions, parts, data, as_labels=False)


def packed_files(root: Path, data: Path, sessions: Sequence[DlcSession]) -> list[LabelFile]:
    """Return packed folders that are called like a session, or like all of them, and can't be looked into."""
    names = {spelled(session.name) for session in sessions}
    paths = [path for folder in (root, data) for path in _files_in(folder) if is_archive_file(path.name)]
    files = []
    for path in paths:
        stem = spelled(path.name.split(".")[0])
        is_whole = is_labeled_data(stem) or stem == spelled(root.name)
        if stem in names or (is_whole and not folders_with_labels(path)):
            files.append(replace(read_label_file(path), folders=frozenset(names if is_whole else {stem})))
    return files


def by_rows(sessions: Sequence[DlcSession], data: Path) -> tuple[list[DlcSession], list[Finding]]:
    """Divide label files that hold the rows of several sessions: each session gets its own.

    A row belongs to the session that it names, unless its image is only in the folder of the file. A session that has
    label files keeps these, and what another one's file says of it is looked at beside them.
    """
    named = {spelled(session.name): session for session in sessions}
    labelled = {name for name, session in named.items() if session.label_files}
    given: dict[bool, list[tuple[str, LabelFile]]] = {True: [], False: []}
    divided, findings = [], []
    for session in sessions:
        files = []
        for file in session.label_files:
            parts = _divided(file, session, named)
            # Without rows of its own it stays, since its folder gives its name to a video.
            files.append(parts.pop(spelled(session.name), file.part(lambda row: False)))
            for folder, part in parts.items():
                given[folder not in labelled].append((folder, part))
            if fresh := [folder for folder in parts if folder not in labelled]:
                message = f"holds rows of {some(map(repr, fresh))} too, which have no label file: they count there"
                findings.append(Finding(Severity.NOTE, "labels-in-other-folder", str(file.path), message))
        divided.append(replace(session, label_files=tuple(files)))
    for as_labels, given_parts in given.items():
        divided = _give(divided, given_parts, data, as_labels=as_labels)
    return divided, findings


def _divided(file: LabelFile, session: DlcSession, named: Mapping[str, DlcSession]) -> dict[str, LabelFile]:
    """Return the rows of a file by the session that they belong to; all of them, where they name one session only."""
    own = spelled(session.name)
    if len([folder for folder in file.folders_named if folder in named]) < 2:
        return {own: file}

    names_of = {name: each.image_names for name, each in named.items()}

    def home(row: RowName) -> str:
        folder = spelled(row.folder or "")
        is_only_here = row.file_name in names_of[own] and row.file_name not in names_of.get(folder, names_of[own])
        return own if folder not in named or is_only_here else folder

    def rows_of(folder: str) -> LabelFile:
        return file.part(lambda row: home(row) == folder)

    homes = dict.fromkeys(map(home, file.table.row_names)) if file.table else {own: None}
    return {folder: rows_of(folder) for folder in homes}


def with_shared(sessions: Sequence[DlcSession], files: Iterable[LabelFile], data: Path) -> list[DlcSession]:
    """Give each folder of a data set of DeepLabCut 1 its rows of the label files, which lie beside the folders."""
    parts = ((folder, file.about(folder)) for file in files for folder in file.folders_named)
    return _give(sessions, parts, data, as_labels=True)


def _give(
    sessions: Sequence[DlcSession],
    parts: Iterable[tuple[str, LabelFile]],
    data: Path,
    *,
    as_labels: bool,
) -> list[DlcSession]:
    """Add files to the sessions that they are about; folders that are not there become sessions without images."""
    given = list(sessions)
    places = {spelled(session.name): number for number, session in reversed(list(enumerate(given)))}
    for folder, part in parts:
        if folder not in places:
            places[folder] = len(given)
            given.append(DlcSession(folder, data / folder))
        session = given[places[folder]]
        if as_labels:
            given[places[folder]] = replace(session, label_files=(*session.label_files, part))
        else:
            given[places[folder]] = replace(session, odd_files=(*session.odd_files, part))
    return given


def _parts(file: LabelFile, sessions: Collection[str]) -> Iterator[tuple[str, LabelFile]]:
    """Yield the folders that a file is about, each with its rows; naming none, it is about the one it lies in."""
    own = spelled(file.path.parent.name)
    for named in file.folders_named or ("",):
        folder = named or (own if own in sessions else spelled(file.path.stem) if file.table is None else own)
        yield folder, file.about(named)
