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
        code, warning = "labels-outside-projects", Severity.WARNING
        found = []
        if paths := self.bare:
            n = counted(len(paths), "folder has", "folders have")
            why = f"{n} label files without their images, belong to no project and are not migrated"
            advice = "put them beside their images, or into the project that they were copied from, and plan again"
            found.append(Finding(warning, code, some(sorted(paths), _N_SHOWN), why, advice=advice))
        if paths := self.packed:
            n = counted(len(paths), "archive holds", "archives hold")
            why = f"{n} labels, is no project as long as it is packed, and is not migrated"
            if len(paths) > 1:
                why = f"{n} labels, are no projects as long as they are packed, and are not migrated"
            advice = "unpack what is not a copy of a project beside it, and plan again"
            found.append(Finding(warning, code, some(sorted(paths), _N_SHOWN), why, advice=advice))
        if paths := self.perhaps:
            n = counted(len(paths), "archive", "archives")
            why = f"{n} could not be looked into, may hold labels, and what is packed is not migrated"
            advice = "unpack what is not a copy of a project beside it, and plan again"
            found.append(Finding(warning, code, some(sorted(paths), _N_SHOWN), why, advice=advice))
        if paths := self.loose:
            n = counted(len(paths), "folder is", "folders are")
            why = f"{n} no project, but label files lie there beside their images: migrated, each as one recording"
            found.append(Finding(Severity.NOTE, "loose-label-set", some(sorted(paths), _N_SHOWN), why))
        return found
