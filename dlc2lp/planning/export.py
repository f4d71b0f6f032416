"""The files of an exported DeepLabCut project. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dlc2lp.dlc.config import VideoEntry
from dlc2lp.dlc.folders import CONFIG_FILE, LABELED_DATA
from dlc2lp.dlc.label_writing import label_file_stem, render_csv
from dlc2lp.dlc.table import RawTable
from dlc2lp.planning.dlc_config import ExportedConfig, ProjectNames, exported_config
from dlc2lp.planning.way_back import ReturnedFolder, WayBack
from dlc2lp.survey.individuals import NOBODY, UNIQUE, Column


@dataclass(frozen=True)
class ExportFile:
    """A file of the export: rendered, or copied."""

    path: str  #: Relative to the folder of the export, with forward slashes.
    content: bytes = b""
    source: str = ""  #: Absolute path of what is copied; empty where the content stands here.
    size_bytes: int = 0


def project_names(
    back: WayBack, project: Mapping[str, str], folder: str, edges: Iterable[tuple[str, str]]
) -> ProjectNames:
    """Return what a project is called and names; ``project`` is the plan's, ``edges`` are pairs of bodyparts."""
    individuals = tuple(dict.fromkeys(name for name, _ in back.columns if name not in {NOBODY, UNIQUE}))
    return ProjectNames(
        task=project.get("task") or Path(folder).name,
        scorer=back.scorer,
        # DeepLabCut wants any date; it is part of the names of networks only.
        date=project.get("date") or "Jan1",
        bodyparts=tuple(dict.fromkeys(part for name, part in back.columns if name != UNIQUE)),
        individuals=individuals,
        unique_bodyparts=tuple(part for name, part in back.columns if name == UNIQUE),
        is_multi_animal=back.is_multi_animal,
        skeleton=tuple(edges),
    )


def config_of(source: bytes | None, names: ProjectNames, folder: str, videos: Sequence[VideoEntry]) -> ExportedConfig:
    """Return the configuration of a project in a folder, from the source's where that can be taken."""
    return exported_config(source, names, folder, videos)


def files_of(back: WayBack, config: ExportedConfig, images: Mapping[str, tuple[str, int]]) -> Iterator[ExportFile]:
    """Yield all files of a project; ``images`` has for each path in the target where to copy it from, and its size.

    The configuration comes last: it is what makes the folder a project.
    """
    for folder in back.folders:
        yield from _label_files(back, folder)
        for image in folder.images:
            source, size_bytes = images[image.target]
            yield ExportFile(f"{LABELED_DATA}/{folder.name}/{image.name}", b"", source, size_bytes)
    yield _rendered(CONFIG_FILE, config.text.encode())


def _label_files(back: WayBack, folder: ReturnedFolder) -> Iterator[ExportFile]:
    from dlc2lp.dlc.hdf_writing import render_hdf  # brings h5py

    if not folder.rows:
        return
    table = label_table(back.scorer, back.columns, folder, with_individuals=back.is_multi_animal)
    stem = f"{LABELED_DATA}/{folder.name}/{label_file_stem(back.scorer)}"
    yield _rendered(f"{stem}.csv", render_csv(table).encode())
    yield _rendered(f"{stem}.h5", render_hdf(table))


def _rendered(path: str, content: bytes) -> ExportFile:
    return ExportFile(path, content, "", len(content))


def label_table(scorer: str, columns: Sequence[Column], folder: ReturnedFolder, *, with_individuals: bool) -> RawTable:
    """Return the label table of a folder: R rows in DeepLabCut's order, x and y of each column."""
    import numpy as np

    levels = ("scorer", *(("individuals",) if with_individuals else ()), "bodyparts", "coords")
    names = [(scorer, *((name,) if with_individuals else ()), part, axis) for name, part in columns for axis in "xy"]
    rows = [("labeled-data", folder.name, image.name) for image in folder.rows]
    values = np.array([image.points for image in folder.rows], dtype=np.float64).reshape(len(rows), len(names))
    return RawTable(levels, tuple(names), tuple(rows), values)
