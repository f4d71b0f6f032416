"""Asks the disks themselves, before anything is held against a file that lies on them.

A library that meets a failing disk often says no more than that the file ends or makes no sense, and a program says it
in prose that differs from version to version. So a verdict about a file is believed only after the file was read to its
end, and after a little was written where something was to be written. That costs nothing as long as all is well.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

from dlc2lp.errors import Interrupted, UnreadableFile, VideoFailed, disk_error, is_full, raise_disk_trouble
from dlc2lp.files import open_regular
from dlc2lp.temporaries import own_tag

_CHUNK_BYTES = 2**20

#: More than any program had left to write when a full disk stopped it.
_TRIAL_BYTES = 2**20


@contextlib.contextmanager
def disks_asked(*read: Path, written: Path | None = None, stop: threading.Event | None = None) -> Iterator[None]:
    """Let a verdict about a file (VideoFailed, UnreadableFile) pass only where no disk is to blame.

    ``read`` are the files that it rests on, ``written`` is the one that was to be made, which may be there or not.
    DiskTrouble: a disk is to blame.
    """
    try:
        yield
    except (VideoFailed, UnreadableFile):
        if written is not None:
            ask_to_write(written)
        for path in read:
            ask_to_read(path, stop=stop)
        raise


def ask_to_read(path: Path, start: int = 0, *, stop: threading.Event | None = None) -> None:
    """Read a file to its end; raise DiskTrouble where its disk does not give it up.

    What can't be opened for another reason, or is no file, says nothing of a disk.
    """
    try:
        with open_regular(path) as file:
            descriptor, place = file.fileno(), _next_data(file.fileno(), start)
            while place is not None and (piece := _read_at(descriptor, place)):
                if stop is not None and stop.is_set():
                    raise Interrupted.of("interrupted", str(path), "stopped while its disk was asked")
                place = _next_data(descriptor, place + len(piece))
    except OSError as error:
        raise_disk_trouble(path, error)


def _next_data(descriptor: int, place: int) -> int | None:
    """Return where the next bytes lie that a disk holds, from a place on; None where there are no more.

    A file that was made large and never filled is a terabyte of holes, which no disk can fail to give up.
    """
    if not hasattr(os, "SEEK_DATA"):
        return place
    try:
        return os.lseek(descriptor, place, os.SEEK_DATA)
    except OSError as error:
        # Else the file system knows of no holes, or its disk fails, which reading tells.
        return None if error.errno == errno.ENXIO else place


def _read_at(descriptor: int, place: int) -> bytes:
    os.lseek(descriptor, place, os.SEEK_SET)
    return os.read(descriptor, _CHUNK_BYTES)


def raise_trouble_of_either(error: OSError, *read: Path, stop: threading.Event | None = None) -> None:
    """Raise DiskTrouble for the one of some files whose disk failed as they were read together."""
    if disk_error(error) is not None:
        for path in read:
            ask_to_read(path, stop=stop)
        raise_disk_trouble(read[-1], error)


def ask_to_write(path: Path) -> None:
    """Write and sync a little beside a file; raise DiskTrouble, told of the file, where its disk does not take that."""
    # Bytes that no file system can make smaller.
    trial = path.with_name(f".{own_tag()}-{secrets.token_hex(4)}.trial")
    try:
        if shutil.disk_usage(path.parent).free < _TRIAL_BYTES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        try:
            with trial.open("xb") as file:
                file.write(secrets.token_bytes(_TRIAL_BYTES))
                file.flush()
                os.fsync(file.fileno())
        finally:
            trial.unlink(missing_ok=True)
        if path.exists():
            sync(path)
    except OSError as error:
        raise_disk_trouble(path, error)


def sync(path: Path) -> None:
    """Have the system write a file to its disk before it gets its name; OSError where that fails."""
    with contextlib.suppress(PermissionError), path.open("rb+") as file:
        # PermissionError: a link to a source that is write-protected; nothing was written that could be lost.
        os.fsync(file.fileno())


@contextlib.contextmanager
def copying(source: str | Path) -> Iterator[None]:
    """Say of trouble with a disk, while a file is copied, whether it is the source's: DiskTrouble then, else OSError.

    What the system raises there names both files or none.
    """
    try:
        yield
    except OSError as error:
        of_disk = disk_error(error)
        if of_disk is not None and not is_full(of_disk) and of_disk.errno != errno.EROFS:
            ask_to_read(Path(source))
        raise
