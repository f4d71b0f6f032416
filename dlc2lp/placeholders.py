"""Files of which only a stand-in lies on this disk: pointers of Git LFS and git-annex, files that a cloud drive keeps.

Sources: the Git LFS specification (``docs/spec.md``: the first line is ``version https://git-lfs.github.com/spec/v1``),
git-annex (``/annex/objects/`` in a link or in an unlocked pointer file), Windows' file attributes and macOS'
``SF_DATALESS`` of files that a provider fetches when they are opened.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dlc2lp.errors import UnreadableFile
from dlc2lp.files import open_regular
from dlc2lp.model import Finding, Severity
from dlc2lp.wording import counted, some

_LFS: Final = b"version https://git-lfs"
_ANNEX: Final = b"/annex/objects/"
_HEAD_BYTES: Final = 64
_ICLOUD: Final = ".icloud"
_SMALL_BYTES: Final = 32_768  # a pointer of git-annex has at most as many

#: ``st_flags`` of a file that macOS keeps in the cloud (``sys/stat.h``), and Windows' attributes of one that is offline
#: or fetched on opening or reading (``winnt.h``).
_SF_DATALESS: Final = 0x40000000
_WINDOWS_AWAY: Final = 0x1000 | 0x40000 | 0x400000


@dataclass(frozen=True)
class Placeholder:
    """What stands in for a file, and how to get the file itself."""

    found: str  #: In words: ``a pointer of Git LFS``.
    advice: str  #: One thing to do.


GIT_LFS: Final = Placeholder("a pointer of Git LFS", "get the files themselves: git lfs pull")
GIT_ANNEX: Final = Placeholder("a pointer of git-annex", "get the files themselves: git annex get .")
CLOUD: Final = Placeholder(
    "a file that a cloud drive keeps online only", "make the folder available offline in the cloud drive's program"
)


class NotHere(UnreadableFile):
    """Only a stand-in of a file is here."""

    def __init__(self, path: Path, placeholder: Placeholder) -> None:
        self.placeholder = placeholder
        message = f"found {placeholder.found}, not the file itself"
        super().__init__(*UnreadableFile.of("not-downloaded", str(path), message, advice=placeholder.advice).findings)


def name_in_cloud(name: str) -> str:
    """Return the name of the file for which a file stands that iCloud left (``.img1.png.icloud``); empty if none."""
    return name[1:].removesuffix(_ICLOUD) if name.startswith(".") and name.endswith(_ICLOUD) else ""


def placeholder_of(path: Path) -> Placeholder | None:
    """Return what stands in for a file; None where the file itself is there, or nothing that can be looked at."""
    try:
        if path.with_name(f".{path.name}{_ICLOUD}").exists():
            return CLOUD
        if path.is_symlink() and not path.exists():
            return GIT_ANNEX if _ANNEX in os.fsencode(path.readlink()).replace(b"\\", b"/") else None
        found = path.stat()
        if _is_away(found):
            return CLOUD  # asked before it is opened, which would fetch it
        if found.st_size > _SMALL_BYTES:
            return None
        with open_regular(path) as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return None
    return GIT_LFS if head.startswith(_LFS) else GIT_ANNEX if head.startswith(_ANNEX) else None


def _is_away(found: os.stat_result) -> bool:
    """Whether the system says that a file's content is elsewhere."""
    flags, attributes = getattr(found, "st_flags", 0), getattr(found, "st_file_attributes", 0)
    return bool(flags & _SF_DATALESS or attributes & _WINDOWS_AWAY)


def not_here(
    placeholder: Placeholder, kind: str, paths: Sequence[str], then: str = "", severity: Severity = Severity.WARNING
) -> Finding:
    """Return the one finding for all files of a kind (``label file``) that are not here; ``then``: what comes of it."""
    each = counted(len(paths), f"{kind} is", f"{kind}s are")
    message = f"{each} not here, only {placeholder.found} for each{then}: {some(paths, 3)}"
    return Finding(severity, "not-downloaded", f"{kind}s", message, advice=placeholder.advice)


def check_is_here(path: Path) -> None:
    """Raise NotHere (``not-downloaded``) where only a stand-in of a file is here."""
    if placeholder := placeholder_of(path):
        raise NotHere(path, placeholder)
