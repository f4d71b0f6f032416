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

_TRAINING = "training-datasets"

#: Folders of DeepLabCut's in a project in which no labels lie, by how they begin.
_OF_MODELS = ("dlc-models", "evaluation-results", "memory_replay")

#: What makes a folder a project of its own, or one that was migrated.
_PROJECT_MARKS = ("config.yaml", "project.yaml", ".dlc2lp")


def stray_files(root: Path, data: Path, names: frozenset[str]) -> list[LabelFile]:
    """Read the label files in ``data`` itself, and those that lie anywhere else in a project."""

    def enter(folder: Path) -> bool:
        apart = folder == data or folder.name == _TRAINING or folder.name.startswith(_OF_MODELS)
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
    paths = [path for path in walk_files(root / _TRAINING) if is_called_labels(path)]
    return [read_label_file(path, names) for path in reversed(paths)]


def with_strays(
    sessions: Sequence[DlcSession], files: Iterable[LabelFile], data: Path, but: Collection[str] = ()
) -> list[DlcSession]:
    """Give each session those rows of files that name it; folders that are not there become sessions without images.

    Some sessions are left as they are (``but``).
    """
    found = {spelled(session.name): session for session in sessions}
    for file in files:
        for folder, part in _parts(file, found):
            if folder in but:
                continue
            session = found.get(folder) or DlcSession(folder, data / folder)
            found[folder] = replace(session, odd_files=(*session.odd_files, part))
    return list(found.values())


def _parts(file: LabelFile, sessions: dict[str, DlcSession]) -> Iterator[tuple[str, LabelFile]]:
    """Yield the folders that a file is about, each with its rows; naming none, it is about the one it lies in."""
    own = spelled(file.path.parent.name)
    for named in file.folders_named or ("",):
        folder = named or (own if own in sessions else spelled(file.path.stem) if file.table is None else own)
        yield folder, file.about(named)


def split_by_folder(files: Iterable[LabelFile]) -> dict[str, list[LabelFile]]:
    """Return for each folder that label files name those files with its rows (DeepLabCut 1: one file for all)."""
    parts: dict[str, list[LabelFile]] = {}
    for file in files:
        for folder in file.folders_named:
            parts.setdefault(folder, []).append(file.about(folder))
    return parts
