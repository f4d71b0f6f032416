"""Label files of a project that lie elsewhere than in their folder of ``labeled-data``. Only looks.

They lie in ``labeled-data`` itself, beside it, in a folder that was dragged out of it, in a copy of it, in a zip that
was never unpacked; and ``training-datasets`` holds all labels as they were when a training set was made.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from dlc2lp.dlc.label_file import LabelFile, is_called_labels, odd_label_paths, read_label_file
from dlc2lp.dlc.session import DlcSession
from dlc2lp.searching import walk_files
from dlc2lp.wording import spelled

TRAINING_SETS = "training-datasets"

#: Folders of DeepLabCut's in a project in which no labels lie, by how they begin.
_OF_MODELS = ("dlc-models", "evaluation-results", "memory_replay")

#: What makes a folder a project of its own, or one that was migrated.
_PROJECT_MARKS = ("config.yaml", "project.yaml", ".dlc2lp")


def stray_files(root: Path, data: Path, names: frozenset[str]) -> list[LabelFile]:
    """Read the label files in ``data`` itself, and those that lie anywhere else in a project."""

    def enter(folder: Path) -> bool:
        apart = folder == data or folder.name == TRAINING_SETS or folder.name.startswith(_OF_MODELS)
        return not apart and not any((folder / mark).exists() for mark in _PROJECT_MARKS)

    try:
        inside = sorted(path.name for path in data.iterdir() if path.is_file())
    except OSError:
        inside = []
    paths = [*_label_like(data, inside), *(path for path in walk_files(root, enter=enter) if is_called_labels(path))]
    return [read_label_file(path, names) for path in paths]


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
