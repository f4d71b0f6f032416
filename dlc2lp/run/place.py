"""How a file that needs no change travels: clone, copy, hard link or symbolic link."""

from __future__ import annotations

import ctypes
import io
import os
import shutil
from pathlib import Path
from typing import IO, Any, BinaryIO

from dlc2lp.disks import copying
from dlc2lp.files import FileRecord, digest, digest_of, look_at, open_regular
from dlc2lp.system import system

#: ``_IOW(0x94, 9, int)`` of linux/fs.h: make one file share the blocks of another until either is changed.
_FICLONE = 0x40049409

#: A file up to this size is held in memory once, and not read again for its digest.
_AT_ONCE_BYTES = 16 * 2**20


def place(source: Path, temporary: Path, link: str) -> bool:
    """Make ``temporary``, which must not exist, hold what ``source`` holds; a symbolic link is followed.

    ``link`` is ``auto`` (clone where the file system can, else copy), ``copy``, ``hardlink`` or ``symlink``. Returns
    whether the bytes were copied: those of a clone or a link are the source's. OSError where the file system refuses; a
    hard link across disks, for instance. DiskTrouble where the source's disk fails.
    """
    with copying(source):
        if not _is_linked(source, temporary, link) and (link != "auto" or not _clone(source, temporary)):
            look_at(source)  # a device would be copied for ever
            shutil.copyfile(source, temporary)
            return True
    return False


def place_read(source: str, temporary: str, link: str) -> FileRecord:
    """Do as :func:`place` does with a small file, and return size and digest of what is placed; all is opened once."""
    is_there = _is_linked(source, temporary, link) or (link == "auto" and _is_cloned_mac(source, temporary))
    # What a link or a clone holds is read from itself: the source may be changed at this moment.
    with copying(source), open_regular(temporary if is_there else source, buffering=0) as file:
        if os.fstat(file.fileno()).st_size <= _AT_ONCE_BYTES:
            return digest_of(file.read() if is_there else _copied(file, temporary, may_clone=link == "auto"))
    if not is_there:
        place(Path(source), Path(temporary), link)
    return digest(Path(temporary))


def _copied(file: BinaryIO, temporary: str, *, may_clone: bool) -> bytes:
    """Clone or copy a file, and return what the copy holds."""
    with open(temporary, "x+b", buffering=0) as copy:  # noqa: PTH123
        if may_clone and _is_cloned_linux(file, copy):
            return copy.read()
        content = file.read()
        rest = memoryview(content)
        while rest:  # a full disk takes a part, and refuses the next
            rest = rest[copy.write(rest) :]
        return content


def _is_linked(source: str | Path, temporary: str | Path, link: str) -> bool:
    """Make a link, if that is asked for."""
    if link == "hardlink":
        os.link(os.path.realpath(source) if os.path.islink(source) else source, temporary)  # noqa: PTH114
    elif link == "symlink":
        os.symlink(_lasting(source), temporary)  # noqa: PTH211
    return link in {"hardlink", "symlink"}


def _lasting(source: str | Path) -> str:
    """Return where a file lies itself; on the drive that was named, which Windows would take for the share behind."""
    real, named = os.path.realpath(source), os.path.abspath(source)  # noqa: PTH100
    is_elsewhere = os.path.splitdrive(real)[0] != os.path.splitdrive(named)[0]
    return named if is_elsewhere and not os.path.islink(source) else real  # noqa: PTH114


def _clone(source: Path, temporary: Path) -> bool:
    """Try a copy-on-write clone, which takes no time and no space; False where the file system has none."""
    if system() != "linux":
        return _is_cloned_mac(source, temporary)
    with open_regular(source) as from_file, temporary.open("xb") as to_file:
        if _is_cloned_linux(from_file, to_file):
            return True
    temporary.unlink()
    return False


def _is_cloned_mac(source: str | Path, temporary: str | Path) -> bool:
    if system() != "darwin":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.clonefile(os.fsencode(os.path.realpath(source)), os.fsencode(temporary), 0) == 0)


def _is_cloned_linux(from_file: IO[bytes] | io.FileIO, to_file: IO[bytes] | io.FileIO) -> bool:
    if system() != "linux":
        return False
    try:
        import fcntl

        calls: Any = fcntl  # of which a type checker that looks at Windows knows nothing
        calls.ioctl(to_file.fileno(), _FICLONE, from_file.fileno())
    except (ImportError, OSError):
        return False
    return True
