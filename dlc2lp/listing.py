"""Folders as they were listed: names, sizes, times and numbers of files, by which all is known to be as it was.

What git's index rests on, it rests on too: whoever changes a file changes its size, one of its times or its number.
Where that may not hold, as for a file that was written just before it was listed, a listing proves nothing.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from dlc2lp.files import digest
from dlc2lp.model import VIDEO_SUFFIXES
from dlc2lp.searching import is_folder, is_system_folder

#: ``tree``: a folder with all that is below it. ``folder``: the files right in it, if they are of a survey's kinds.
#: ``file``: a single file. None of them need be there, nor be what it is called here.
Extent = Literal["tree", "folder", "file"]

#: Files that people edit are small, and are read whatever their times say.
_TEXTS = frozenset({"csv", "h5", "json", "jsonl", "toml", "yaml", "yml", "py", "txt"})
_READ_BYTES = 4 * 2**20

#: Of a folder around a project only these matter; anything else comes and goes there, such as what a shell writes of a
#: run of dlc2lp.
_AROUND = {"csv", "h5", "pickle", "py", "toml", "yaml", "yml", "icloud"}
_AROUND |= {suffix.removeprefix(".") for suffix in VIDEO_SUFFIXES}

#: How far behind a link to a folder is looked.
_DEPTH_BEHIND_LINKS = 4
#: A link may lead to a whole disk. Beyond so many files nothing is gained.
_MOST_FILES = 2_000_000

_WHOLE_SECOND_NS = 1_000_000_000
#: The clocks by which systems stamp files advance by up to 10 ms, and in some file systems by two seconds.
TICK_NS, _COARSE_TICK_NS = 20_000_000, 2_000_000_000


class Place(NamedTuple):
    """What of the disk is listed."""

    path: str  #: Absolute.
    extent: Extent


@dataclass(frozen=True)
class Listing:
    """What some places held.

    Attributes
    ----------
    digest
        Changes with any name, size, time of change or number of a file, and with each byte of small texts.
    newest_ns
        When the last of all files was changed or came to its place, in nanoseconds since 1970.
    newest_unread_ns
        Likewise of those that were not read, so that their times alone tell of a change.
    """

    digest: str
    newest_ns: int
    newest_unread_ns: int

    def is_settled(self, since_ns: int, margin_ns: int = TICK_NS) -> bool:
        """Whether all files are older than a time, so that what was read of them since is what was listed."""
        return _is_older(self.newest_ns, since_ns, margin_ns)

    def shows_changes(self, since_ns: int) -> bool:
        """Whether each change after a time has another stamp than those that were listed, or was read."""
        return _is_older(self.newest_unread_ns, since_ns, TICK_NS)


def _is_older(stamp_ns: int, since_ns: int, margin_ns: int) -> bool:
    """Compare with a time; a whole second may come from a file system that knows no parts of one."""
    return stamp_ns < since_ns - (margin_ns if stamp_ns % _WHOLE_SECOND_NS else max(margin_ns, _COARSE_TICK_NS))


def listing_of(places: Sequence[Place], *, hidden: bool = False, but: Iterable[str] = ()) -> Listing | None:
    """List some places; None where they hold too much to be worth it.

    Files are looked at, and but for small texts not opened. ``hidden``: folders of systems are entered too. Left out is
    what has one of the paths ``but``.
    """
    lister = _Lister(hidden=hidden, but=frozenset(but))
    for place in places:
        lister.hasher.update(f"{place.extent} {place.path}\n".encode("utf-8", "surrogatepass"))
        if place.extent == "file" or not os.path.isdir(place.path):  # noqa: PTH112
            folder, name = os.path.split(place.path)
            lister.tell([lister.line(folder, name)])
        else:
            lister.folder(place.path, is_tree=place.extent == "tree")
        if lister.n_files > _MOST_FILES:
            return None
    newest_unread_ns = lister.newest_unread_ns
    return Listing(lister.hasher.hexdigest(), max(newest_unread_ns, lister.newest_read_ns), newest_unread_ns)


class _Lister:
    """Goes through folders, each in the order of its names."""

    def __init__(self, *, hidden: bool, but: frozenset[str]) -> None:
        self._hidden, self._but = hidden, but
        self.hasher = hashlib.sha256()
        self.newest_read_ns = self.newest_unread_ns = self.n_files = 0

    def tell(self, lines: list[str]) -> None:
        self.n_files += len(lines)
        self.hasher.update("\n".join([*lines, ""]).encode("utf-8", "surrogatepass"))

    def folder(self, folder: str, *, is_tree: bool, depth: int | None = None) -> None:
        """List a folder, and those in it, as many deep as ``depth`` says; None: all."""
        try:
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            self.tell([f"{folder}: {error.errno}"])
            return
        below = [entry for entry in entries if is_folder(entry)]
        names = {entry.name for entry in below}
        files = [entry for entry in entries if entry.name not in names and (is_tree or _suffix(entry.name) in _AROUND)]
        self.tell([f"{folder}/", *self._lines(folder, files), *(f"{entry.name}/" for entry in below if is_tree)])
        if not is_tree or depth == 0 or self.n_files > _MOST_FILES:
            return
        for entry in below:
            is_link = entry.is_symlink()
            if entry.path in self._but or (is_link and depth is not None):
                continue
            if self._hidden or not is_system_folder(entry.name):
                inner = _DEPTH_BEHIND_LINKS if is_link else None if depth is None else depth - 1
                self.folder(entry.path, is_tree=True, depth=inner)

    def _lines(self, folder: str, files: Iterable[os.DirEntry[str]]) -> Iterator[str]:
        for entry in files:
            if not self._but or entry.path not in self._but:
                yield self.line(folder, entry.name, entry)

    def line(self, folder: str, name: str, entry: os.DirEntry[str] | None = None) -> str:
        """Say all of a file by which it is known again."""
        path = f"{folder}{os.sep}{name}"
        try:
            # What a link leads to counts, and where.
            found = entry.stat() if entry else os.stat(path)  # noqa: PTH116  (this is done a hundred thousand times)
            link = os.readlink(path) if (entry.is_symlink() if entry else os.path.islink(path)) else ""  # noqa: PTH114, PTH115
        except (OSError, ValueError) as error:  # a configuration may name what no file can be called
            return f"{name}\0{getattr(error, 'errno', None)}"
        # A hard link that is made of a file changes its second time.
        stamp_ns = found.st_mtime_ns if found.st_nlink > 1 else max(found.st_mtime_ns, found.st_ctime_ns)
        said = f"{name}\0{found.st_size} {found.st_mtime_ns} {found.st_ino} {found.st_ctime_ns}{link}"
        if found.st_size <= _READ_BYTES and _suffix(name) in _TEXTS:
            self.newest_read_ns = max(self.newest_read_ns, stamp_ns)
            return f"{said} {_content(path) if stat.S_ISREG(found.st_mode) else ''}"
        self.newest_unread_ns = max(self.newest_unread_ns, stamp_ns)
        return said


def _suffix(name: str) -> str:
    return name.rpartition(".")[2].lower()


def _content(path: str) -> str:
    try:
        return digest(Path(path)).digest
    except OSError as error:
        return str(error.errno)
