"""Files as all rooms treat them: opened only where they are files, whole or not there, known by their digest.

Whatever a user or another program may have put into a folder is opened through the door here: a named pipe that stands
where an image is expected would be waited for, ``/dev/zero`` read, for ever.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
import stat
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, BinaryIO, ClassVar

from dlc2lp.codec import Narrowed
from dlc2lp.errors import TargetRefused
from dlc2lp.inside import InnerPath
from dlc2lp.renaming import rename
from dlc2lp.temporaries import own_tag

#: dlc2lp's own folder inside a target.
STATE_FOLDER = ".dlc2lp"
#: The plan that a target was written by; a folder that has it was made by dlc2lp.
PLAN_FILE = f"{STATE_FOLDER}/plan.json"
#: What became of the migration, for people. It is made of all the rest, and nothing rests on it.
PAGE_FILE = "migration-report.html"

#: Files up to this size are hashed whole; of larger ones evenly spread blocks, so that looking at a finished
#: terabyte takes seconds. A video that someone cut or encoded again has another size or other blocks.
_WHOLE_BYTES = 64 * 2**20
_N_BLOCKS = 64
_BLOCK_BYTES = 2**18

#: More than this is read of no file that is understood as a whole. The plan of 100,000 labeled frames has 40 MB.
WHOLE_LIMIT_BYTES = 256 * 2**20

#: What else than a file a name may stand for, by the test of its mode.
_OTHER_KINDS: tuple[tuple[Callable[[int], bool], str], ...] = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)

#: With these a pipe is not waited for, and no terminal becomes ours; not all systems know them.
WITHOUT_WAITING = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)

#: Windows' number for what Unix calls ELOOP.
_LINKS_WITHOUT_END = 1921  # ERROR_CANT_RESOLVE_FILENAME


class NotRegular(OSError):
    """A name that stands for something else than a file: a folder, a pipe, a socket, a device, a link to itself."""

    strerror: str
    #: What to do about it.
    advice: ClassVar[str] = "bring back the file itself, or move what stands there out of the folder"


class TooLarge(OSError):
    """A file that is larger than anything of its kind can be."""

    strerror: str
    #: What to do about it.
    advice: str = "restore it from a backup, or move it out of the folder"


def look_at(path: str | Path) -> os.stat_result:
    """Return the status of a file, links followed; raise NotRegular where it is none, and OSError where nothing is."""
    try:
        status = os.stat(path)  # noqa: PTH116  (a text costs less, and there are very many)
    except OSError as error:
        # Neither is anything missing there nor may somebody not read it: as of a pipe, nothing can come of it.
        if error.errno != errno.ELOOP and getattr(error, "winerror", None) != _LINKS_WITHOUT_END:
            raise
        raise NotRegular(errno.ELOOP, "is a link that leads to nothing but links, expected a file", str(path)) from None
    _expect_file(status, path)
    return status


def open_regular(path: str | Path, buffering: int = -1) -> BinaryIO:
    """Open a file for reading, as ``open`` buffers it; never waits for a pipe and never touches a device.

    Raises
    ------
    NotRegular
        It is something else.
    OSError
        It can't be opened.
    """
    look_at(path)  # before it is opened: that alone can set a device going
    file = open(path, "rb", buffering, opener=_open_without_waiting)  # noqa: SIM115
    try:
        _expect_file(os.fstat(file.fileno()), path)  # it may have been replaced in between
    except OSError:
        file.close()
        raise
    return file


def read_bytes(path: str | Path, at_most: int = WHOLE_LIMIT_BYTES) -> bytes:
    """Return what a file holds; raise NotRegular, TooLarge where it has more than ``at_most`` bytes, or OSError."""
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        # One that grows, or whose size a server does not tell, is no larger for it.
        content = file.read(at_most + 1) if size <= at_most else b""
        if size > at_most or len(content) > at_most:
            found = f"has {max(size, len(content)):,} bytes, and at most {at_most:,} are read of such a file"
            raise TooLarge(errno.EINVAL, found, str(path))
        return content


def read_text(
    path: str | Path, at_most: int = WHOLE_LIMIT_BYTES, *, encoding: str = "utf-8", errors: str = "strict"
) -> str:
    """Return the text that a file holds, with Unix's line ends; raises as :func:`read_bytes`, and UnicodeError."""
    text = read_bytes(path, at_most).decode(encoding, errors)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | WITHOUT_WAITING)


def _expect_file(status: os.stat_result, path: str | Path) -> None:
    if stat.S_ISREG(status.st_mode):
        return
    kind = next((words for is_kind, words in _OTHER_KINDS if is_kind(status.st_mode)), "no file")
    number = errno.EISDIR if stat.S_ISDIR(status.st_mode) else errno.EINVAL
    raise NotRegular(number, f"is {kind}, expected a file", str(path))


def absolute(path: str | Path) -> Path:
    """Return a path from the top of the file system; links in it, which were given on purpose, are not followed."""
    return Path(os.path.abspath(path))  # noqa: PTH100  (resolve() would follow them)


@dataclass(frozen=True)
class FileRecord:
    """One file as it was written or read: its path (relative to the target, if it lies there), size and digest."""

    path: str
    size_bytes: int
    digest: str

    @property
    def is_whole(self) -> bool:
        """Whether every byte of it was digested, so that another file with this digest holds the same."""
        return self.digest.startswith(f"{_WHOLE}:")


#: A file of a target, as records of the target know it.
WrittenFile = Annotated[FileRecord, Narrowed("path", InnerPath)]


#: What stands before the digest of all bytes of a file, and before that of some.
_WHOLE, _BLOCKS = "sha256", "sha256-blocks"

#: So many digits tell a file from what it was before. That nobody makes another with the same ones is not asked here.
_MARK_DIGITS = 16


def mark_of(digest: str) -> str:
    """Return the few digits of a digest by which plans know a file again; empty where there is no digest."""
    return digest.rpartition(":")[2][:_MARK_DIGITS]


def digest(path: Path) -> FileRecord:
    """Return a file's size and digest; the path in the record is left empty."""
    with open_regular(path) as file:
        return digest_opened(file, os.fstat(file.fileno()).st_size)


def content_of(path: Path) -> FileRecord | None:
    """Return what a file holds, with its path; None where it can't be read, which whoever reads it will tell.

    To be taken before it is read: what is changed from then on has another digest.
    """
    try:
        return replace(digest(path), path=str(path))
    except OSError:
        return None


def digest_opened(file: BinaryIO, size: int) -> FileRecord:
    """Return what :func:`digest` does for an opened file of a size, which is then read from its beginning."""
    hasher = hashlib.sha256()
    file.seek(0)
    if size <= _WHOLE_BYTES:
        while block := file.read(2**20):
            hasher.update(block)
        return FileRecord("", size, f"{_WHOLE}:{hasher.hexdigest()}")
    for index in range(_N_BLOCKS):
        file.seek((size - _BLOCK_BYTES) * index // (_N_BLOCKS - 1))
        hasher.update(file.read(_BLOCK_BYTES))
    return FileRecord("", size, f"{_BLOCKS}:{hasher.hexdigest()}")


def digest_of(content: bytes, path: Path | None = None) -> FileRecord:
    """Return what :func:`digest` does for a file that holds this; with its path, where one is given."""
    found = digest_opened(io.BytesIO(content), len(content))
    return found if path is None else replace(found, path=str(path))


def open_in_place(path: Path, *, append: bool = False) -> BinaryIO:
    """Open a file of dlc2lp's own to be written where it lies: emptied, or to ``append`` to it.

    A link is not followed, so that nothing is written to what another program has put behind the name, and nothing else
    than a file is written to. Raises NotRegular or OSError.
    """
    if path.is_symlink():  # Windows has no flag for it
        raise NotRegular(errno.ELOOP, "is a link, expected a file", str(path))
    flags = os.O_WRONLY | os.O_CREAT | (os.O_APPEND if append else 0) | WITHOUT_WAITING
    flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags, 0o666)
    try:
        _expect_file(os.fstat(descriptor), path)
        if not append:
            os.ftruncate(descriptor, 0)
        return os.fdopen(descriptor, "ab" if append else "wb")
    except OSError:
        os.close(descriptor)
        raise


def lines_of(file: BinaryIO, at_most: int = WHOLE_LIMIT_BYTES) -> Iterator[bytes]:
    """Yield the lines of a file, each of which is in memory alone; raise TooLarge where one has more bytes."""
    while line := file.readline(at_most + 1):
        if len(line) > at_most:
            found = f"has a line of more than {at_most:,} bytes, and no more are read of one"
            raise TooLarge(errno.EINVAL, found, str(file.name))
        yield line


def write_whole(path: Path, content: bytes | Iterable[bytes]) -> None:
    """Write a file, from one piece or from many, so that it is there whole or not at all.

    Raises TargetRefused where the folder can't be written to (``target-not-writable``), DiskTrouble where its disk is
    full or fails.
    """
    temporary = path.with_name(f".{path.name}.{own_tag()}-{threading.get_ident()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.writelines([content] if isinstance(content, bytes) else content)
            file.flush()
            os.fsync(file.fileno())
        rename(temporary, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        if not isinstance(error, OSError):
            raise
        raise TargetRefused.not_writable(path, error) from error


def write_if_new(path: Path, text: str | Callable[[], Iterable[str]]) -> None:
    """Write a file of dlc2lp's own folder unless it already holds just that: a second run touches nothing.

    A long text is given by what yields it in pieces.
    """
    pieces = text if callable(text) else lambda: [text]
    with contextlib.suppress(OSError):  # what can't be read, writing replaces or refuses
        if _holds(path, (piece.encode() for piece in pieces())):
            return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TargetRefused.not_writable(path.parent, error) from error
    write_whole(path, (piece.encode() for piece in pieces()))


def _holds(path: Path, content: Iterable[bytes]) -> bool:
    """Whether a file holds just that."""
    with open_regular(path) as file:
        return all(file.read(len(piece)) == piece for piece in content) and not file.read(1)
