"""Packed folders and files: what is called so, and what a zip holds, by its table of contents alone. Only looks."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path, PurePosixPath

from dlc2lp.dlc.folders import CONFIG_FILE, LABELED_DATA, is_label_file
from dlc2lp.wording import spelled

_ARCHIVE = re.compile(r".+\.(zip|7z|rar|tar|tgz|tbz2?|txz|tar\.\w+|zst|gz|bz2|xz)", re.IGNORECASE)


def is_archive_file(name: str) -> bool:
    """Whether a file is called like a packed folder or file."""
    return not name.startswith(".") and _ARCHIVE.fullmatch(name) is not None


def zip_holds_labels(path: Path) -> bool | None:
    """Whether a zip file holds label files or a project; None where it can't be looked into."""
    inside = _members(path)
    if inside is None:
        return None
    if any(is_label_file(each.name) for each in inside):
        return True
    return any(LABELED_DATA in each.parts for each in inside) and any(each.name == CONFIG_FILE for each in inside)


def folders_with_labels(path: Path) -> frozenset[str]:
    """Return the folders of which a zip file holds label files; of those at its top, its own name."""
    held = [each for each in _members(path) or () if is_label_file(each.name)]
    return frozenset(spelled(each.parent.name) or spelled(path.stem) for each in held)


def _members(path: Path) -> list[PurePosixPath] | None:
    if path.suffix.lower() != ".zip":
        return None
    try:
        with zipfile.ZipFile(path) as packed:
            return [PurePosixPath(name.replace("\\", "/")) for name in packed.namelist()]
    except (OSError, ValueError, NotImplementedError, RuntimeError, zipfile.BadZipFile):
        return None
