"""``--labels-from``: label files under another name or in another place count as their folder's. Pure.

A file that is named counts as that of its folder, instead of any other; where it lies outside of all folders, it counts
for the folders that its rows name and that have no labels of their own. A folder that is named stands for all files in
it that look like labels, for sessions that have none of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from dlc2lp.dlc.label_file import LabelFile
from dlc2lp.dlc.project import DlcProject
from dlc2lp.dlc.session import DlcSession
from dlc2lp.model import Finding, Setting, Severity, question
from dlc2lp.survey.merging import merge_folders
from dlc2lp.wording import some

_FROM = "labels-from"


def take_labels(project: DlcProject, paths: Sequence[Path]) -> tuple[DlcProject, tuple[Finding, ...]]:
    """Return the project with the label files that a person named in their places, and what stands against it.

    The paths are absolute.
    """
    if not paths:
        return project, ()
    asked: list[Finding] = []
    taken: set[Path] = set()
    sessions = []
    for session in project.sessions:
        for path in paths:
            session, used = _take(session, path, asked)  # noqa: PLW2901  (each path adds to it)
            taken |= {path} if used else set()
        sessions.append(session)
    # A folder around the project is meant for many, such as an archive.
    without = [path for path in paths if path not in taken and path not in project.root.parents]
    if without and not asked:
        message = "found no label file in it that counts for a session without labels"
        advice = "name a file or folder that a finding of `dlc2lp inspect` names, or leave it out"
        code, subject = "labels-from-unused", f"--{_FROM} {some(map(str, without))}"
        asked.append(Finding(Severity.ERROR, code, subject, message, advice=advice))
    return replace(project, sessions=tuple(sessions)), tuple(asked)


def _take(session: DlcSession, path: Path, asked: list[Finding]) -> tuple[DlcSession, bool]:
    """Return a session with the labels of one path, and whether it took any."""
    has_own = any(file.table and np.isfinite(file.table.values).any() for file in session.label_files)
    for inner in session.inner:
        files = [file for file in (*inner.label_files, *inner.odd_files) if _is_at(file, path) and file.table]
        if files and not has_own:
            return _with_inner(session, inner, files), True
    named = [file for file in (*session.label_files, *session.odd_files) if file.path == path]
    if named:
        is_inside = session.folder in path.parents
        return (_with_files(session, named), True) if is_inside or not has_own else (session, False)
    files = [file for file in session.odd_files if _is_at(file, path) and file.table]
    if has_own or not files:
        return session, False
    if len({file.path.with_suffix("") for file in files}) > 1:
        message, candidates = f"found several label files in {path}", tuple(str(file.path) for file in files)
        ways = (Setting(_FROM, ("PATH",)),)
        asked.append(question("several-label-files", session.name, message, "choose one with {}", ways, candidates))
        return session, False
    return _with_files(session, files), True


def _is_at(file: LabelFile, path: Path) -> bool:
    return path in (file.path, *file.path.parents)


def _with_files(session: DlcSession, files: Iterable[LabelFile]) -> DlcSession:
    """Return a session whose label files are those that a person named."""
    taken = [replace(file, is_taken=True) for file in files]
    others = {file.path for file in taken}
    left = tuple(file for file in session.odd_files if file.path not in others)
    aside = tuple(file for file in session.label_files if file.path not in others)
    return replace(session, label_files=(*taken, *aside), odd_files=left)


def _with_inner(session: DlcSession, inner: DlcSession, files: Iterable[LabelFile]) -> DlcSession:
    """Return a session with the frames and labels of a folder inside its own."""
    whole = replace(
        merge_folders([inner, session]),
        label_files=session.label_files,
        machine_files=(*session.machine_files, *inner.machine_files),
        odd_files=(*session.odd_files, *inner.odd_files),
        inner=tuple(each for each in session.inner if each is not inner),
    )
    return _with_files(whole, files)
