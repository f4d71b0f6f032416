"""Folders as all rooms look through them: what systems keep in them is passed by. Only looks."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

#: Folders of systems and storage servers, in lower case: unreadable for most, thumbnails, or copies of what was there.
_SYSTEM_FOLDERS = frozenset(
    {
        *("lost+found", "$recycle.bin", "recycler", "system volume information", "__macosx"),
        *("@eadir", "#recycle", "#snapshot", "~snapshot", "@recycle", "@recently-snapshot", "@tmp", "_ds_store"),
        *("network trash folder", "temporary items", "found.000"),
    }
)


def is_system_folder(name: str) -> bool:
    """Whether a folder is hidden or the system's own, and so holds nothing that a person keeps there."""
    return name.startswith(".") or name.lower() in _SYSTEM_FOLDERS


def is_folder(entry: os.DirEntry[str], *, follow_links: bool = True) -> bool:
    """Whether an entry is a folder; a link that leads to itself, or to where nobody may look, is none."""
    try:
        return entry.is_dir(follow_symlinks=follow_links)
    except OSError:
        return False


def walk_files(
    root: Path, *, depth: int | None = None, enter: Callable[[Path], bool] = lambda folder: True
) -> Iterator[Path]:
    """Yield the files below a folder, folder by folder and sorted; what can't be listed is passed by.

    Systems' folders, hidden files and links to folders are not followed, nor folders that ``enter`` refuses. ``depth``
    is how many folders deep; None: all.
    """
    for folder, subfolders, names in os.walk(root):
        here = Path(folder)
        is_deepest = depth is not None and len(here.parts) - len(root.parts) >= depth
        inside = [] if is_deepest else sorted(name for name in subfolders if not is_system_folder(name))
        subfolders[:] = [name for name in inside if enter(here / name)]
        yield from (here / name for name in sorted(names) if not name.startswith("."))
