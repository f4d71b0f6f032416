"""Temporary places of a target that several processes share, on one machine or on many, without a lock."""

from __future__ import annotations

import contextlib
import os
import random
import secrets
import shutil
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from dlc2lp.disks import copying
from dlc2lp.errors import DiskTrouble
from dlc2lp.files import STATE_FOLDER
from dlc2lp.run.disk_space import SPARE_BYTES
from dlc2lp.temporaries import Tag, inside, own_tag, remove_left
from dlc2lp.wording import counted

#: Where files are made before they get their names; on the target's own disk, so that a rename suffices.
SCRATCH = f"{STATE_FOLDER}/scratch"

#: Where the records of steps lie inside dlc2lp's own folder.
STEPS = "steps"

#: A folder can vanish between its making and its use, when its last other user leaves; never often.
_ATTEMPTS = 100


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, also while another process removes the empty ones."""
    _insist(lambda: folder.mkdir(parents=True, exist_ok=True))


def make_sign(path: Path) -> None:
    """Make an empty file and the folders above it, or touch it, also while another process removes empty folders."""

    def make() -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    _insist(make)


def _insist(make: Callable[[], None]) -> None:
    """Make something, again where the folder that it goes into has vanished in between."""
    for _ in range(_ATTEMPTS):
        try:
            make()
        except FileNotFoundError:
            time.sleep(random.random() / 500)  # not in step with who removes it
            continue
        except FileExistsError as error:
            # `mkdir` may have found a folder that was gone when it looked what that is.
            with contextlib.suppress(FileNotFoundError):
                if not stat.S_ISDIR(os.lstat(error.filename).st_mode):
                    raise
            continue
        return
    make()


def leave_scratch(target: Path) -> None:
    """Remove the folder of temporaries, unless another process still has some there."""
    with contextlib.suppress(OSError):
        (target / SCRATCH).rmdir()


def sweep_target(target: Path, is_gone: Callable[[Tag], bool] = lambda tag: tag.is_gone) -> None:
    """Remove what processes that are gone left in a target: half-made files, and records, plans and the like."""
    state = target / STATE_FOLDER
    # the page for people is written where it lies
    sweep([target, target / SCRATCH, state, state / STEPS], is_gone)
    leave_scratch(target)


def sweep(
    folders: Iterable[Path], is_gone: Callable[[Tag], bool] = lambda tag: tag.is_gone, *, only_files: bool = False
) -> list[Path]:
    """Remove the temporaries of processes that are gone, and return them.

    Looked at is what lies in the folders, not below; one that does not exist is empty. ``only_files`` leaves folders
    alone, where some are a person's.
    """
    return remove_left((path for folder in folders for path in inside(folder)), is_gone, only_files=only_files)


@contextlib.contextmanager
def on_fast_disk(tmp_dir: Path | None, final: Path, space_bytes: int) -> Iterator[Path]:
    """Lend the name of a file to be made, and bring the file to ``final`` afterwards; OSError if that can't be.

    DiskTrouble that comes up is told of ``tmp_dir``, where it is the disk of that.

    A node's own disk takes the many small writes of an encode better than a network file system. ``tmp_dir`` on it is
    used where it has room for the ``space_bytes`` that the file is estimated at; else the file is made at ``final``,
    which is as good and only slower. ``final`` is itself only a temporary on the target's disk: a rename gives it its
    name.
    """
    if tmp_dir is None or not _has_room(tmp_dir, space_bytes):
        yield final
        return
    folder = tmp_dir / f"{own_tag()}-{secrets.token_hex(4)}"
    folder.mkdir()
    made = folder / final.name
    try:
        yield made
        # Across file systems; a copy that is shorter than its original must not pass for one.
        with copying(made):
            shutil.copyfile(made, final)
        expected, found = made.stat().st_size, final.stat().st_size
        if expected != found:
            raise OSError(f"found {counted(found, 'byte')} after copying {expected} from {made}")
    except DiskTrouble as trouble:
        if folder not in trouble.path.parents:
            raise
        raise trouble.told_of(tmp_dir) from trouble
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _has_room(folder: Path, space_bytes: int) -> bool:
    try:
        return shutil.disk_usage(folder).free > space_bytes + SPARE_BYTES and os.access(folder, os.W_OK | os.X_OK)
    except OSError:
        return False
