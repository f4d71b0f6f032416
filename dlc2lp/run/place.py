"""How a file that needs no change travels: clone, copy, hard link or symbolic link."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import sys
from pathlib import Path

#: ``_IOW(0x94, 9, int)`` of linux/fs.h: make one file share the blocks of another until either is changed.
_FICLONE = 0x40049409


def place(source: Path, temporary: Path, link: str) -> bool:
    """Make ``temporary``, which must not exist, hold what ``source`` holds; a symbolic link is followed.

    ``link`` is ``auto`` (clone where the file system can, else copy), ``copy``, ``hardlink`` or ``symlink``. Returns
    whether the bytes were copied: those of a clone or a link are the source's. OSError where the file system refuses; a
    hard link across disks, for instance.
    """
    if link == "hardlink":
        os.link(os.path.realpath(source), temporary)
    elif link == "symlink":
        temporary.symlink_to(os.path.realpath(source))
    elif link != "auto" or not _clone(source, temporary):
        shutil.copyfile(source, temporary)
        return True
    return False


def _clone(source: Path, temporary: Path) -> bool:
    """Try a copy-on-write clone, which takes no time and no space; False where the file system has none."""
    platform: str = sys.platform  # a plain string: the type checker would else look at one system only
    if platform == "linux":
        return _clone_linux(source, temporary)
    if platform == "darwin":
        libc = ctypes.CDLL(None, use_errno=True)
        return bool(libc.clonefile(os.fsencode(os.path.realpath(source)), os.fsencode(temporary), 0) == 0)
    return False


def _clone_linux(source: Path, temporary: Path) -> bool:
    import fcntl

    try:
        with source.open("rb") as from_file, temporary.open("xb") as to_file:
            fcntl.ioctl(to_file.fileno(), _FICLONE, from_file.fileno())
    except OSError:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        return False
    return True
