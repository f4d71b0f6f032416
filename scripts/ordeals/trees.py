"""What a folder holds: equal bytes, temporaries, a source that nobody touched, and back to how it was."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from dlc2lp.temporaries import Tag

#: What knows times and numbers of files, so that no two runs share it; docs/reliability.md says so.
_OF_ONE_RUN = frozenset({"seen.json"})
_ARCHIVE = ".dlc2lp-batch"


def contents(root: Path) -> dict[str, str]:
    """Return the digest of every file that two runs write alike, and where every link leads, by path.

    Of an archive that is all that lies in its targets: what stands at its top tells of one run, and of times.
    """
    is_archive = (root / _ARCHIVE).is_dir()
    held = {}
    for path in files_below(root):
        inside = path.relative_to(root)
        if path.suffix == ".log" or path.name in _OF_ONE_RUN or (is_archive and len(inside.parts) == 1):
            continue
        if _ARCHIVE in inside.parts:
            continue
        is_link = path.is_symlink()
        held[inside.as_posix()] = f"-> {path.readlink()}" if is_link else hashlib.sha256(path.read_bytes()).hexdigest()
    return held


def temporaries(root: Path) -> list[str]:
    """Return what an interrupted command must not leave behind; the logs of workers carry their tags for good."""
    return sorted(
        str(path.relative_to(root))
        for path in root.rglob("*")
        if path.name.endswith((".tmp", "-part"))
        or path.name == "scratch"
        or (Tag.of(path.name) is not None and path.suffix != ".jsonl")
    )


def difference(found: dict[str, str], expected: dict[str, str]) -> str:
    """Say which files differ; empty where none does."""
    parts = [
        ("lost", sorted(expected.keys() - found.keys())),
        ("besides", sorted(found.keys() - expected.keys())),
        ("differs", sorted(path for path in found.keys() & expected.keys() if found[path] != expected[path])),
    ]
    return "; ".join(f"{word}: {', '.join(paths[:3])}" for word, paths in parts if paths)


class Stamp(NamedTuple):
    """What changes of a file or folder where anybody writes to it."""

    mode: int
    number: int
    size_bytes: int
    changed_ns: int


def stamps(root: Path) -> dict[str, Stamp]:
    """Return the stamp of everything below a folder, and of itself, without opening anything."""
    found = {}
    waiting = [str(root)]
    while waiting:
        path = waiting.pop()
        status = os.lstat(path)
        found[path] = Stamp(status.st_mode, status.st_ino, status.st_size, status.st_mtime_ns)
        if not os.path.islink(path) and os.path.isdir(path):  # noqa: PTH112, PTH114  (10,000 times a minute)
            with os.scandir(path) as entries:
                waiting += [entry.path for entry in entries]
    return found


def touched(before: dict[str, Stamp], after: dict[str, Stamp]) -> list[str]:
    """Return what was written, made or removed between two looks."""
    return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))


def files_below(root: Path) -> Iterable[Path]:
    """All files and links to anything below a folder, sorted."""
    return sorted(path for path in root.rglob("*") if path.is_symlink() or path.is_file())


def copy(source: Path, target: Path) -> None:
    """Make a folder what another is, times and links too."""
    remove(target)
    shutil.copytree(source, target, symlinks=True)


def remove(path: Path) -> None:
    """Remove a file, a link, a folder or anything else, if it is there; rmtree would wait for a named pipe."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
