"""What of an archive holds labels and is no project's: told, so that nobody takes it for migrated. Only looks."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from dlc2lp.dlc.folders import is_label_file
from dlc2lp.dlc.packed import is_archive_file, zip_holds_labels
from dlc2lp.model import Finding, Severity
from dlc2lp.wording import counted, some

#: Names that people give to packed projects, and that DeepLabCut gives to projects (``reach-Anna-2021-08-30``).
_NAMED_SO = re.compile(r"dlc|deep.?lab.?cut|label|collected.?data|-\d{4}-\d\d-\d\d", re.IGNORECASE)
_N_SHOWN = 30


@dataclass
class Outside:
    """What a search has met; paths are relative to the archive."""

    loose: list[str] = field(default_factory=list)  #: Folders with label files beside their images: projects.
    bare: list[str] = field(default_factory=list)  #: Folders with label files and no images.
    packed: list[str] = field(default_factory=list)  #: Packed folders that hold labels.
    perhaps: list[str] = field(default_factory=list)  #: Packed folders that nobody can look into, called like projects.

    def look(self, folder: Path, here: str, names: Collection[str], *, has_images: bool) -> None:
        """Look at the files of a folder that is no part of a project, ``here`` below the archive's root."""
        if not has_images and any(map(is_label_file, names)):
            self.bare.append(here or ".")
        for name in sorted(names):
            if is_archive_file(name) and (folder / name).is_file():
                holds = zip_holds_labels(folder / name) if name.lower().endswith(".zip") else None
                path = f"{here}/{name}" if here else name
                if holds:
                    self.packed.append(path)
                elif holds is None and _NAMED_SO.search(name):
                    self.perhaps.append(path)

    def findings(self) -> list[Finding]:
        """Return what was met, in one finding a kind."""
        unpack = "unpack what is not a copy of a project beside it, and plan again"
        return [
            *_told(
                self.bare,
                ("folder has", "folders have"),
                "label files without their images, belong to no project and are not migrated",
                "put them beside their images, or into the project that they were copied from, and plan again",
            ),
            *_told(
                self.packed,
                (
                    "archive holds labels, is no project as long as it is packed, and is",
                    "archives hold labels, are no projects as long as they are packed, and are",
                ),
                "not migrated",
                unpack,
            ),
            *_told(
                self.perhaps,
                ("archive", "archives"),
                "could not be looked into, may hold labels, and what is packed is not migrated",
                unpack,
            ),
            *_told(
                self.loose,
                ("folder is", "folders are"),
                "no project, but label files lie there beside their images: migrated, each as one recording",
                severity=Severity.NOTE,
                code="loose-label-set",
            ),
        ]


def _told(
    paths: Collection[str],
    one_and_many: tuple[str, str],
    what: str,
    advice: str = "",
    severity: Severity = Severity.WARNING,
    code: str = "labels-outside-projects",
) -> list[Finding]:
    """Return the finding for paths of a kind, where there are any."""
    message = f"{counted(len(paths), *one_and_many)} {what}"
    return [Finding(severity, code, some(sorted(paths), _N_SHOWN), message, advice=advice)] if paths else []
