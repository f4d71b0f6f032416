"""What a folder is, by the names in it and the head of its configuration. Only looks.

Pointing at a project and searching an archive must agree on what a project is, and on what is a Lightning Pose project
already, which has a ``labeled-data`` of its own.
"""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
import os
import re
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Literal

from dlc2lp.dlc.framenames import has_image_suffix, parse_row
from dlc2lp.files import PLAN_FILE, STATE_FOLDER, open_regular
from dlc2lp.searching import is_system_folder

LABELED_DATA = "labeled-data"
CONFIG_FILE = "config.yaml"
#: Holds all labels as they were when a training set was made.
TRAINING_SETS = "training-datasets"
#: DeepLabCut 1 keeps its data sets in this folder of its repository, ``data-<Task>`` each.
TRAINING_SET = "Generating_a_Training_Set"
DATA_SET = "data-"

#: ``dlc``: a DeepLabCut project since 2.0. ``dlc1``: a data set of DeepLabCut 1, or the repository that holds the only
#: one; ``several``: the repository, or its folder, with several. ``loose``: label files beside their images.
#: ``target``: a Lightning Pose project.
Kind = Literal["dlc", "dlc1", "several", "loose", "target", "folder"]

#: Keys at the start of a line that only DeepLabCut's project configuration has, of every version and of 3D projects.
_DLC_KEYS = re.compile(
    rb"^\s{0,4}['\"]?(video_sets|bodyparts|multianimalbodyparts|multianimalproject|TrainingFraction|numframes2pick"
    rb"|camera_names|project_path)['\"]?\s*:",
    re.MULTILINE,
)
#: They stand below ``video_sets``, which in an old project is long, or before it; never further down than this.
_HEAD_BYTES = 1 << 20

#: What ``config.yaml`` becomes where an editor, a browser or a system that hides suffixes saves it again.
_NEAR_NAME = re.compile(r"config(\.(ya?ml|txt))*", re.IGNORECASE)

#: Folders in which DeepLabCut keeps networks and what they gave, by how they begin; what makes a folder a project.
_MADE_BY_DLC = ("dlc-models", "evaluation-results", "memory_replay")
_PROJECT_MARKS = (CONFIG_FILE, "project.yaml", STATE_FOLDER)

#: How many rows of a label file are looked at to tell what its images are.
_N_ROWS = 5000
_ROWS_BYTES = 1 << 22


def reads_like_dlc(config: Path) -> bool:
    """Whether a file has keys of DeepLabCut's project configuration; OSError where it can't be read."""
    with open_regular(config) as file:
        head = file.read(_HEAD_BYTES)
    return _DLC_KEYS.search(head.replace(b"\0", b"")) is not None


def is_readable_config(config: Path) -> bool:
    """Whether a file can be read, and reads like DeepLabCut's project configuration."""
    try:
        return reads_like_dlc(config)
    except OSError:
        return False


def is_near_name(name: str) -> bool:
    """Whether a file is called like a configuration that was saved again: ``config.yml``, ``Config.yaml.txt``."""
    return name != CONFIG_FILE and _NEAR_NAME.fullmatch(name) is not None


def is_label_file(name: str) -> bool:
    """Whether a file is called like a file of labels: ``CollectedData_Anna.h5``."""
    return name.lower().startswith("collecteddata") and name.lower().endswith((".h5", ".csv"))


def is_labeled_data(name: str) -> bool:
    """Whether a folder is called like DeepLabCut's ``labeled-data``: ``Labeled-Data``, ``labeled_data``."""
    return re.sub(r"[\W_]+", "", name.casefold()) in {"labeleddata", "labelleddata"}


def labeled_data_in(names: Collection[str]) -> str | None:
    """Return which of the names in a folder is that of its ``labeled-data``; None where none is, or several may be."""
    if LABELED_DATA in names:
        return LABELED_DATA
    near = [name for name in names if is_labeled_data(name)]
    return near[0] if len(near) == 1 else None


def is_image(name: str) -> bool:
    """Whether a file is called like an image that may be labelled."""
    return has_image_suffix(name) and not name.startswith(".")


def kind_of(
    folder: Path,
    names: Collection[str],
    reads_like: Callable[[Path], bool] = is_readable_config,
    *,
    by_rows: bool = False,
) -> Kind:
    """Tell what a folder is, given the names in it; ``reads_like`` tells of a configuration.

    ``by_rows`` also looks into label files beside images, which may be other pictures: asked of what nobody pointed at.
    """
    if STATE_FOLDER in names and (folder / PLAN_FILE).is_file():
        return "target"
    called = labeled_data_in(names)
    has_labels = called is not None and (folder / called).is_dir()
    is_marked = "project.yaml" in names or any(re.fullmatch(r"CollectedData\w*\.csv", name) for name in names)
    if has_labels and not is_marked:
        return "dlc"  # whatever its configuration is; it is not read for nothing
    if CONFIG_FILE in names and reads_like(folder / CONFIG_FILE):
        return "dlc"
    if any(is_near_name(name) and is_readable_config(folder / name) for name in names):
        return "dlc"
    if has_labels:
        return "target"
    # A configuration that no parser takes, beside anything that is called so, is a damaged project.
    return "dlc" if CONFIG_FILE in names and called else _kind_without_config(folder, names, by_rows=by_rows)


def _kind_without_config(folder: Path, names: Collection[str], *, by_rows: bool) -> Kind:
    if TRAINING_SET in names or folder.name == TRAINING_SET:
        n_sets = len(data_sets(folder / TRAINING_SET if TRAINING_SET in names else folder))
        if n_sets:
            return "dlc1" if n_sets == 1 else "several"
    if is_loose(names) and not (by_rows and _are_other_pictures(folder, names)):
        return "loose"
    return "dlc1" if is_data_set(folder, names) else "folder"


def is_loose(names: Collection[str]) -> bool:
    """Whether label files lie beside images."""
    return any(map(is_label_file, names)) and any(map(is_image, names))


def _are_other_pictures(folder: Path, names: Collection[str]) -> bool:
    """Whether the images beside label files are none that these name, as far as CSV files tell."""
    labels = (name for name in names if is_label_file(name) and name.lower().endswith(".csv"))
    named = {image for name in labels for image in _images_in_rows(folder / name)}
    return bool(named) and named.isdisjoint(names)


def names_in(folder: Path) -> list[str]:
    """Return the names in a folder, sorted; none where it can't be looked into."""
    with contextlib.suppress(OSError):
        return sorted(os.listdir(folder))  # noqa: PTH208  (names are all that is wanted)
    return []


def data_sets(folder: Path) -> list[Path]:
    """Return the labelled data sets of DeepLabCut 1 in its folder ``Generating_a_Training_Set``."""
    paths = (folder / name for name in names_in(folder) if name.startswith(DATA_SET))
    return [path for path in paths if is_data_set(path, names_in(path))]


def data_set_of(folder: Path, names: Collection[str]) -> Path:
    """Return the data set of a folder of the kind ``dlc1``: itself, or the only one that it holds."""
    if TRAINING_SET in names or folder.name == TRAINING_SET:
        return data_sets(folder / TRAINING_SET if TRAINING_SET in names else folder)[0]
    return folder


def is_data_set(folder: Path, names: Collection[str]) -> bool:
    """Whether a folder holds label files and, in a folder for each video, their images, as DeepLabCut 1 keeps them.

    By its name, or since rows of a CSV file name these folders: backups have pictures beside label files too.
    """
    labels = sorted(name for name in names if is_label_file(name))
    if not labels or any(map(is_image, names)) or is_labeled_data(folder.name):
        return False
    with_images = {path.name for path in _subfolders(folder, names) if any(map(is_image, names_in(path)))}
    if not with_images or folder.name.startswith(DATA_SET):
        return bool(with_images)
    return any(with_images & _folders_in_rows(folder / name) for name in labels if name.lower().endswith(".csv"))


def _subfolders(folder: Path, names: Collection[str]) -> Iterator[Path]:
    return (folder / name for name in sorted(names) if not is_system_folder(name) and (folder / name).is_dir())


def _folders_in_rows(path: Path) -> set[str | None]:
    """Return the folders that the rows of a CSV file name."""
    return {parse_row([cell]).folder for cell in _image_cells(path)}


def _images_in_rows(path: Path) -> set[str]:
    """Return the images that the rows of a CSV file name."""
    return {parse_row([cell]).file_name for cell in _image_cells(path)}


def _image_cells(path: Path) -> list[str]:
    """Return the cells of a CSV file's first rows that name images; none where it can't be read."""
    try:
        with open_regular(path) as file:
            head = file.read(_ROWS_BYTES).decode("utf-8", errors="replace")
        rows = list(itertools.islice(csv.reader(io.StringIO(head, newline="")), _N_ROWS))
    except (OSError, csv.Error):
        return []
    return [cell for row in rows for cell in row[:3] if has_image_suffix(cell)]


def is_apart(folder: Path) -> bool:
    """Whether a folder in a project holds nothing of its data: networks and results, or another project or target."""
    return folder.name.startswith(_MADE_BY_DLC) or any(os.path.lexists(folder / mark) for mark in _PROJECT_MARKS)


def is_within_labels(folder: Path) -> bool:
    """Whether a folder is one of a project's folders of images, or deeper."""
    return any(map(is_labeled_data, folder.parts[:-1]))


def enclosing_project(path: Path) -> tuple[Path, Kind] | None:
    """Return the nearest project around a file or folder, with its kind; None where there is none."""
    for folder in path.parents:
        with contextlib.suppress(OSError):  # not for us to look into
            kind = kind_of(folder, names_in(folder))
            # Labels beside images are what a project's folders of images hold.
            if kind != "folder" and not (kind in {"loose", "dlc1"} and is_within_labels(folder)):
                return folder, kind
    return None
