"""What a person pointed at: which project it is, of what kind, and what its configuration says."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dlc2lp.dlc.config import DlcConfig, read_config
from dlc2lp.errors import SourceRefused, UnreadableFile
from dlc2lp.model import Finding
from dlc2lp.wording import some

LABELED_DATA = "labeled-data"

#: How labels and images lie: a folder for each video in ``labeled-data``, each with its label files; the same in the
#: ``data-<Task>`` of DeepLabCut 1, whose label files lie beside the folders and name them in their rows; or one folder
#: that holds images and their label files.
Layout = Literal["labeled-data", "dlc1", "loose"]


@dataclass(frozen=True)
class LocatedProject:
    """A project of whatever kind that was found, with its configuration; its labels are not read yet."""

    root: Path  #: The project folder.
    config_path: Path | None  #: Its ``config.yaml``; None where there is none.
    config: DlcConfig | None  #: What that says; None where it is missing or can't be read.
    refusals: tuple[Finding, ...] = ()  #: Why it can't be read.
    layout: Layout = "labeled-data"  #: How labels and images lie.
    findings: tuple[Finding, ...] = ()  #: What was odd about where it was found.

    @property
    def data(self) -> Path:
        """The folder that holds a folder of images for each video; of a loose set, the folder of images itself."""
        return self.data_folder or self.root / LABELED_DATA

    data_folder: Path | None = None  #: That folder, where it is not ``labeled-data``.

    @property
    def is_3d(self) -> bool:
        """Whether it is a DeepLabCut 3D project."""
        return self.config is not None and self.config.is_3d


def open_project(source: Path) -> LocatedProject:
    """Find a project and read its configuration; one that can't be read is no error yet.

    ``source`` and the errors are those of :func:`locate_project`.
    """
    root, config_path = locate_project(source)
    try:
        return LocatedProject(root, config_path, read_config(config_path) if config_path else None)
    except UnreadableFile as error:
        return LocatedProject(root, config_path, None, error.findings)


def locate_project(source: Path) -> tuple[Path, Path | None]:
    """Return the project folder and its configuration, from whatever a person pointed at.

    That is a project folder, its ``config.yaml``, or a folder that holds ``labeled-data``. Raises SourceRefused for
    ``source-missing`` or ``not-a-dlc-project``.
    """
    source = Path(os.path.abspath(source))  # noqa: PTH100  (resolve() would follow links given on purpose)
    if not source.exists():
        advice = "check the path for a typing error"
        raise SourceRefused.of("source-missing", str(source), "no such file or folder", advice=advice)
    if source.is_file():
        if source.suffix.lower() not in {".yaml", ".yml"}:
            message = f"found a {source.suffix or 'plain'} file, expected a project folder or its config.yaml"
            advice = f"give the project folder, for example {source.parent}"
            raise SourceRefused.of("not-a-dlc-project", str(source), message, advice=advice)
        return source.parent, source
    config_path = source / "config.yaml"
    if config_path.exists():
        return source, config_path
    if (source / LABELED_DATA).is_dir():
        return source, None
    inside = sorted(path.parent.name for path in source.glob("*/config.yaml"))
    message = "found neither config.yaml nor labeled-data in this folder"
    advice = "give the folder that holds config.yaml and labeled-data"
    if inside:
        advice = f"it holds the projects {some(inside)}: convert one of them"
    raise SourceRefused.of("not-a-dlc-project", str(source), message, advice=advice)
