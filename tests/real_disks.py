"""Real disks that fill or fail, for tests of what is done then; they need root on Linux, and are skipped elsewhere."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

_BLOCK_BYTES = 4096


def _needs(*programs: str) -> None:
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("a disk of one's own needs root on Linux")
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"there is no {program} here")


def _run(*argv: object) -> str:
    return subprocess.run([str(each) for each in argv], check=True, capture_output=True, text=True).stdout


@contextlib.contextmanager
def mounted(folder: Path, *argv: object) -> Iterator[Path]:
    """Mount something at a folder, which is made; skip where that is not possible."""
    folder.mkdir(exist_ok=True)
    if subprocess.run(["mount", *map(str, argv), str(folder)], check=False, capture_output=True).returncode:
        pytest.skip("can't mount a disk here")
    try:
        yield folder
    finally:
        _run("umount", folder)


@contextlib.contextmanager
def small_disk(folder: Path, size_bytes: int) -> Iterator[Path]:
    """An empty disk of some bytes at a folder."""
    _needs("mount")
    with mounted(folder, "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs") as disk:
        yield disk


def fill(disk: Path, left_bytes: int) -> Path:
    """Fill a disk but for some bytes; return the file that does, to be removed again."""
    filler = disk / "somebody-elses"
    with filler.open("wb") as file:
        for size in (2**20, _BLOCK_BYTES):
            while shutil.disk_usage(disk).free > left_bytes + size:
                file.write(bytes(size))
                file.flush()
    return filler


@contextlib.contextmanager
def failing_disk(folder: Path, content: Path, failing: str, readable_share: float) -> Iterator[Path]:
    """A disk that holds a copy of a folder, and fails (EIO) behind a share of one of its files.

    It is a file system in a file, which is cut off there while it is mounted.
    """
    _needs("mount", "mkfs.ext4", "filefrag")
    image, stage = folder.with_name("disk.img"), folder.with_name("stage")
    with image.open("wb") as file:
        file.truncate(64 * 2**20)
    # No journal: nothing that is needed lies behind the cut.
    _run("mkfs.ext4", "-q", "-b", _BLOCK_BYTES, "-O", "^has_journal", image)
    with mounted(stage, "-o", "loop", image):
        whole = content / failing
        shutil.copytree(
            content,
            stage / content.name,
            ignore=lambda at, names: {whole.name} & {*names} if Path(at) == whole.parent else set(),
        )
        _run("sync", "-f", stage)
        shutil.copyfile(whole, stage / content.name / failing)  # last, and so behind all others
    with mounted(folder, "-o", "loop,ro", image):
        place = folder / content.name
        first = next(
            line
            for line in _run("filefrag", "-e", f"-b{_BLOCK_BYTES}", place / failing).splitlines()
            if line.strip().startswith("0:")
        )
        start = int(first.split(":")[2].split("..")[0])
        n_bytes = int(whole.stat().st_size * readable_share) // _BLOCK_BYTES * _BLOCK_BYTES
        os.truncate(image, start * _BLOCK_BYTES + n_bytes)
        yield place
