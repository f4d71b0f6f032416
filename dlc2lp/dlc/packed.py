"""Packed folders and files: what is called so, and what a zip holds, by its table of contents alone. Only looks."""

from __future__ import annotations

import os
import re
import zipfile
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from dlc2lp.dlc.folders import CONFIG_FILE, LABELED_DATA, is_label_file
from dlc2lp.files import open_regular
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


#: The table of contents of a zip: zipfile makes an object of each of its entries, of which a large file has millions.
_MOST_CONTENTS_BYTES = 16_000_000
_END_BYTES = 22 + 65_535  # the end record and the longest comment behind it


def _contents_bytes(file: BinaryIO) -> int:
    """Return how long the table of contents says that it is (PKWARE's APPNOTE.TXT, 4.3.16); 0 where there is none."""
    file.seek(max(0, file.seek(0, os.SEEK_END) - _END_BYTES))
    end = file.read()
    at = end.rfind(b"PK\5\6")
    return int.from_bytes(end[at + 12 : at + 16], "little") if at >= 0 else 0


def _members(path: Path) -> list[PurePosixPath] | None:
    if path.suffix.lower() != ".zip":
        return None
    try:
        with open_regular(path) as file:
            if _contents_bytes(file) > _MOST_CONTENTS_BYTES:
                return None
            with zipfile.ZipFile(file) as packed:
                return [PurePosixPath(name.replace("\\", "/")) for name in packed.namelist()]
    except (OSError, ValueError, NotImplementedError, RuntimeError, zipfile.BadZipFile):
        return None
