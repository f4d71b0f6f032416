"""What a path is that is no project, and the command that works for what was probably meant. Only looks."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

from dlc2lp.dlc.folders import (
    CONFIG_FILE,
    LABELED_DATA,
    TRAINING_SET,
    Kind,
    data_sets,
    enclosing_project,
    is_label_file,
    is_within_labels,
    kind_of,
    names_in,
)
from dlc2lp.dlc.packed import is_archive_file, zip_holds_labels
from dlc2lp.errors import SourceRefused
from dlc2lp.files import PLAN_FILE
from dlc2lp.model import Command, Remedy
from dlc2lp.searching import is_folder, is_system_folder
from dlc2lp.wording import some

_TARGET = "TARGET"
#: How deep, and through how many folders, projects are looked for: an answer must not wait for a whole disk.
_DEPTH = 3
_N_FOLDERS = 2000


def refusal(source: Path) -> SourceRefused:
    """Return the error for a file or folder that is no project, with what it is and what to give instead."""
    if source.is_file():
        return _refused_file(source)
    kind = kind_of(source, names_in(source))
    if kind == "target":
        return lightning_pose(source)
    if kind == "several":
        return _several_data_sets(source)
    return _holding_projects(source) or _no_project(source)


def _holding_projects(source: Path) -> SourceRefused | None:
    """Return the error for a folder above projects; None if it is none."""
    if is_within_labels(source) or source.name == LABELED_DATA:
        return None
    below = projects_below(source)
    projects = [folder for folder, found in below if found != "target"]
    if projects:
        # As labeled-data would be, under another name: each would become a target of its own.
        are_sessions = all(kind == "loose" and folder.parent == source for folder, kind in below)
        return _projects_inside(source, projects, are_sessions=are_sessions)
    return _targets_inside(source, [folder for folder, _ in below]) if below else None


def _no_project(source: Path) -> SourceRefused:
    if around := enclosing_project(source):
        return inside(source, *around)
    packed = [name for name in names_in(source) if is_archive_file(name) and _may_hold_labels(source / name)]
    if packed:
        return _packed(source, source / packed[0], f"found no project in this folder, but {some(packed)}")
    message = f"found neither {CONFIG_FILE} nor {LABELED_DATA} in this folder"
    if labels := [name for name in names_in(source) if is_label_file(name)]:
        message = f"found label files ({some(labels)}), but none of their images beside them"
        return _refused(source, message, "put them beside their images, or give the project that they are of")
    return _refused(source, message, f"give the folder that holds {CONFIG_FILE} and {LABELED_DATA}")


def _refused(source: Path, message: str, advice: str, *remedies: Remedy) -> SourceRefused:
    return SourceRefused.of("not-a-dlc-project", str(source), message, advice=advice, remedies=remedies)


def _convert(source: Path) -> Command:
    return Command.of("dlc2lp", "convert", source, _TARGET)


def _refused_file(source: Path) -> SourceRefused:
    if is_archive_file(source.name):
        return _packed(source, source, "is an archive")
    if around := enclosing_project(source):
        return inside(source, *around)
    message = f"found a {source.suffix or 'plain'} file, expected a project folder or its {CONFIG_FILE}"
    projects = [folder for folder, kind in projects_below(source.parent) if kind != "target"]
    if len(projects) == 1:
        return _refused(source, message, "give the project: {}", _convert(projects[0]))
    return _refused(source, message, f"give the folder that holds {CONFIG_FILE} and {LABELED_DATA}")


def _packed(source: Path, packed: Path, what: str) -> SourceRefused:
    folder = packed.with_name(re.sub(r"\.(tar\.)?\w+$", "", packed.name) or f"{packed.name}-unpacked")
    if not _may_hold_labels(packed):
        message = f"{what} without labels of DeepLabCut; expected a project folder"
        return _refused(source, message, f"give the folder that holds {CONFIG_FILE} and {LABELED_DATA}")
    known = ", which holds labels" if packed.suffix.lower() == ".zip" and zip_holds_labels(packed) else ""
    return _refused(source, f"{what}{known}; expected a folder", "unpack it first, then: {}", _convert(folder))


def _may_hold_labels(packed: Path) -> bool:
    return packed.suffix.lower() != ".zip" or zip_holds_labels(packed) is not False


def lightning_pose(folder: Path) -> SourceRefused:
    """Return the error for a Lightning Pose project that was given as source."""
    message = "is a Lightning Pose project already, so there is nothing to migrate"
    if (folder / PLAN_FILE).is_file():
        return _refused(folder, message, "to check it: {}", Command.of("dlc2lp", "verify", folder))
    return _refused(folder, message, "give the DeepLabCut project that it was made from")


def inside(source: Path, project: Path, kind: Kind) -> SourceRefused:
    """Return the error for a file or folder inside a project."""
    if kind == "target":
        message = f"lies inside {project}, which is a Lightning Pose project already"
        if (project / PLAN_FILE).is_file():
            return _refused(source, message, "to check that: {}", Command.of("dlc2lp", "verify", project))
        return _refused(source, message, "give the DeepLabCut project that it was made from")
    if kind == "several":
        return _several_data_sets(project, source)
    message = f"is a part of the project {project}, expected the project itself"
    return _refused(source, message, "give the project: {}", _convert(project))


def _several_data_sets(folder: Path, source: Path | None = None) -> SourceRefused:
    """Refuse the repository of DeepLabCut 1 with several data sets: each has its own keypoints."""
    inner = folder / TRAINING_SET
    sets = data_sets(inner if inner.is_dir() else folder)
    message = f"found the data sets {some(path.name for path in sets)} of DeepLabCut 1, each with keypoints of its own"
    remedies = [_convert(path) for path in sets[:5]]
    advice = f"convert one: {' or '.join(['{}'] * len(remedies))}; or all: {{}}"
    return _refused(
        source or folder, message, advice, *remedies, Command.of("dlc2lp", "batch", "convert", folder, "OUT")
    )


def _projects_inside(source: Path, projects: list[Path], *, are_sessions: bool) -> SourceRefused:
    if len(projects) == 1:
        message = f"found no project in this folder, but one below it: {projects[0]}"
        return _refused(source, message, "convert that: {}", _convert(projects[0]))
    names = some(path.relative_to(source).as_posix() for path in projects)
    message = f"found no project in this folder, but several below it: {names}"
    advice = "convert all: {}; or one: {}"
    every = Command.of("dlc2lp", "batch", "convert", source, "OUT")
    if are_sessions:
        message = f"found no project in this folder, but label files beside their images in several below it: {names}"
        advice = f"for one project of all, call it {LABELED_DATA} and give the folder around it; for one of each: {{}}"
        return _refused(source, message, advice, every)
    return _refused(source, message, advice, every, _convert(projects[0]))


def _targets_inside(source: Path, targets: list[Path]) -> SourceRefused:
    names = some(path.relative_to(source).as_posix() for path in targets)
    message = f"found no DeepLabCut project in this folder or below it, but Lightning Pose projects: {names}"
    return _refused(source, message, "give the folder of the DeepLabCut project")


def projects_below(folder: Path) -> list[tuple[Path, Kind]]:
    """Return the projects a few folders below, with their kinds, nearest first; those inside others are left out."""
    found: list[tuple[Path, Kind]] = []
    level, n_looked = [folder], 0
    for _ in range(_DEPTH):
        inner = [path for each in level for path in _subfolders(each)]
        level = []
        for path in inner[: _N_FOLDERS - n_looked]:
            n_looked += 1
            try:
                kind = kind_of(path, names_in(path))
            except OSError:  # not for us to look into
                continue
            if kind == "folder":
                level.append(path)
            else:
                found.append((path, kind))
    return found


def _subfolders(folder: Path) -> list[Path]:
    """Return the folders in a folder, sorted, links to folders among them; none where it can't be looked into."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        return sorted(folder / each.name for each in entries if not is_system_folder(each.name) and is_folder(each))
    return []
