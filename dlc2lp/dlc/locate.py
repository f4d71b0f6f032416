"""What a person pointed at: which project it is, of what kind, and what its configuration says."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Literal

from dlc2lp.dlc import folders, misplaced
from dlc2lp.dlc.config import DlcConfig, read_config
from dlc2lp.dlc.config_names import find_config
from dlc2lp.dlc.folders import (
    CONFIG_FILE,
    DATA_SET,
    TRAINING_SET,
    data_set_of,
    data_sets,
    enclosing_project,
    is_image,
    is_label_file,
    is_loose,
    is_near_name,
    is_readable_config,
    is_within_labels,
    kind_of,
    labeled_data_in,
    names_in,
)
from dlc2lp.dlc.myconfig import is_myconfig, read_settings
from dlc2lp.dlc.packed import is_archive_file
from dlc2lp.errors import SourceRefused, UnreadableFile
from dlc2lp.files import NotRegular, absolute, look_at
from dlc2lp.model import VIDEO_SUFFIXES, Finding, Severity

#: How labels and images lie: a folder for each video in ``labeled-data``, each with its label files; the same in the
#: ``data-<Task>`` of DeepLabCut 1, whose label files lie beside the folders and name them in their rows; or one folder
#: that holds images and their label files.
Layout = Literal["labeled-data", "dlc1", "loose"]

LABELED_DATA = folders.LABELED_DATA

_YAML = frozenset({".yaml", ".yml"})


@dataclass(frozen=True)
class LocatedProject:
    """A project of whatever kind that was found, with its configuration; its labels are not read yet."""

    #: The project folder; of a data set of DeepLabCut 1 the repository, where it is the only one there.
    root: Path
    config_path: Path | None  #: Its ``config.yaml``, under whatever name; None where there is none.
    config: DlcConfig | None  #: What that or ``myconfig.py`` says; None where it is missing or can't be read.
    refusals: tuple[Finding, ...] = ()  #: Why it can't be read.
    layout: Layout = "labeled-data"  #: How labels and images lie.
    findings: tuple[Finding, ...] = ()  #: What was odd about where it was found.
    data_folder: Path | None = None  #: What :attr:`data` is, where it is not ``labeled-data``.

    @property
    def data(self) -> Path:
        """The folder that holds a folder of images for each video; of a loose set, the folder of images itself."""
        return self.data_folder or self.root / LABELED_DATA

    @property
    def is_3d(self) -> bool:
        """Whether it is a DeepLabCut 3D project."""
        return self.config is not None and self.config.is_3d


def open_project(source: Path) -> LocatedProject:
    """Find a project and read its configuration; one that can't be read is no error yet.

    ``source`` and the errors are those of :func:`locate_project`.
    """
    place = _place(absolute(source))
    if place.layout == "dlc1":
        return _with_settings(place)
    if place.config_path is None:
        return place
    try:
        return replace(place, config=read_config(place.config_path))
    except UnreadableFile as error:
        return replace(place, refusals=error.findings)


def locate_project(source: Path) -> tuple[Path, Path | None]:
    """Return the project folder and its configuration, from whatever a person pointed at.

    That is a project folder, its ``config.yaml`` under whatever name, a folder that holds ``labeled-data``, a data set
    of DeepLabCut 1 or its repository, or a folder in which a label file lies beside its images. Raises SourceRefused
    for ``source-missing``, ``not-a-dlc-project`` or ``config-ambiguous``.
    """
    place = _place(absolute(source))
    return place.root, place.config_path


def is_project(folder: Path) -> bool:
    """Whether a folder, or that of a configuration, is a project that :func:`locate_project` finds there."""
    try:
        if folder.is_file() and is_readable_config(folder):
            folder = folder.parent
        return folder.is_dir() and kind_of(folder, names_in(folder)) not in {"folder", "target"}
    except OSError:
        return False


def is_free_or_target(folder: Path) -> bool:
    """Whether a folder is empty or a Lightning Pose project."""
    names = names_in(folder)
    return not names or kind_of(folder, names) == "target"


def _place(source: Path) -> LocatedProject:
    """Find a project; its configuration is not read yet."""
    if not source.exists():
        advice = "check the path for a typing error"
        raise SourceRefused.of("source-missing", str(source), "no such file or folder", advice=advice)
    if source.is_dir():
        return _place_of_folder(source)
    try:
        look_at(source)
    except NotRegular as error:
        raise SourceRefused.of("not-a-dlc-project", str(source), error.strerror, advice=error.advice) from error
    return _place_of_file(source)


def _place_of_folder(folder: Path) -> LocatedProject:
    names = frozenset(os.listdir(folder) if folder.is_dir() else ())  # noqa: PTH208  (names are all that is wanted)
    kind = kind_of(folder, names)
    if kind == "dlc" or (kind == "loose" and not is_within_labels(folder)):
        has_labels = labeled_data_in(names) is not None
        loose = not has_labels and is_loose(names)
        config_path, findings = find_config(folder, names, has_labels=loose or has_labels)
        if not loose:
            return _usual(folder, names, config_path, findings)
        return LocatedProject(folder, config_path, None, (), "loose", (_loose(folder), *findings), folder)
    if kind == "dlc1":
        return _place_of_data_set(folder, names)
    is_alone = kind == "folder" and not misplaced.projects_below(folder) and enclosing_project(folder) is None
    if is_alone and CONFIG_FILE in names:  # damaged or of something else: reading it says so, with the line
        return LocatedProject(folder, folder / CONFIG_FILE, None)
    raise misplaced.refusal(folder)


def _usual(
    folder: Path, names: Collection[str], config_path: Path | None, findings: tuple[Finding, ...] = ()
) -> LocatedProject:
    """Return a project whose labels lie in its ``labeled-data``, however that is spelled."""
    called = labeled_data_in(names)
    if called is None or called == LABELED_DATA:
        return LocatedProject(folder, config_path, None, findings=findings)
    data, message = folder / called, f"is taken for {LABELED_DATA}, as DeepLabCut calls it"
    note = Finding(Severity.NOTE, "labeled-data-other-name", str(data), message)
    return LocatedProject(folder, config_path, None, findings=(note, *findings), data_folder=data)


def _loose(folder: Path) -> Finding:
    message = "is no project, but label files lie in it beside their images: it is migrated as one recording"
    return Finding(Severity.NOTE, "loose-label-set", str(folder), message)


def _place_of_data_set(folder: Path, names: frozenset[str]) -> LocatedProject:
    """Return the data set of DeepLabCut 1 that a folder is or holds."""
    root = data = data_set_of(folder, names)
    if data.parent.name == TRAINING_SET and len(data_sets(data.parent)) == 1:
        root = data.parent.parent  # of several data sets each must be told from the others by its root
    return LocatedProject(root, None, None, layout="dlc1", data_folder=data)


def _with_settings(place: LocatedProject) -> LocatedProject:
    """Add what ``myconfig.py`` says, which lies in the repository or beside the scripts."""
    data = place.data
    repository = data.parent.parent if data.parent.name == TRAINING_SET else data.parent
    config, findings = read_settings(data, repository, data.parent, data)
    source = (
        f"settings come from {config.path.name}, which was read as text" if config else "it has no myconfig.py to use"
    )
    message = f"is a data set of DeepLabCut 1 ({data.name.removeprefix(DATA_SET)}); {source}"
    note = Finding(Severity.NOTE, "dlc1-data-set", str(data), message)
    return replace(place, config=config, findings=(note, *findings))


def _place_of_file(path: Path) -> LocatedProject:
    """Find the project whose configuration a file is, whatever it is called."""
    folder, suffix = path.parent, path.suffix.lower()
    names = frozenset(names_in(folder))
    kind = kind_of(folder, names)
    if kind == "target":
        raise misplaced.lightning_pose(folder)
    if is_myconfig(path.name) and kind in {"dlc1", "several"}:
        return _place_of_folder(folder)
    if _cannot_be_config(path, suffix):
        raise misplaced.refusal(path)
    is_config = is_readable_config(path)
    if path.name != CONFIG_FILE and not is_config and (suffix not in _YAML or kind == "dlc"):
        raise misplaced.refusal(path)
    is_called_so = path.name == CONFIG_FILE or is_near_name(path.name)
    around = enclosing_project(folder)  # networks and Lightning Pose have YAML files with some of the same keys
    has_labels = labeled_data_in(names) is not None
    if around and not has_labels and (not is_called_so or around[1] == "target"):
        raise misplaced.inside(path, *around)
    if not has_labels and is_loose(names):
        return LocatedProject(folder, path, None, (), "loose", (_loose(folder),), folder)
    return _usual(folder, names, path)


def _cannot_be_config(path: Path, suffix: str) -> bool:
    is_other = is_label_file(path.name) or is_image(path.name) or is_archive_file(path.name)
    return is_other or PurePath(path).suffix.lower() in VIDEO_SUFFIXES | {".py", ".pickle", ".h5", ".csv"}
