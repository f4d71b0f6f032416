"""Files as all rooms treat them: whole or not there, known by their digest, temporaries known by who made them."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import platform
import re
import secrets
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from dlc2lp.errors import TargetRefused

#: dlc2lp's own folder inside a target.
STATE_FOLDER = ".dlc2lp"
#: The plan that a target was written by; a folder that has it was made by dlc2lp.
PLAN_FILE = f"{STATE_FOLDER}/plan.json"

#: Files up to this size are hashed whole; of larger ones evenly spread blocks, so that looking at a finished
#: terabyte takes seconds. A video that someone cut or encoded again has another size or other blocks.
_WHOLE_BYTES = 64 * 2**20
_N_BLOCKS = 64
_BLOCK_BYTES = 2**18

#: host, process number, token: ``.dlc2lp-node17-4711-9f3ab2c4``.
_TAG = re.compile(r"dlc2lp-(?P<host>[A-Za-z0-9]+)-(?P<process>\d+)-(?P<token>[0-9a-f]{8})")


def absolute(path: str | Path) -> Path:
    """Return a path from the top of the file system; links in it, which were given on purpose, are not followed."""
    return Path(os.path.abspath(path))  # noqa: PTH100  (resolve() would follow them)


@dataclass(frozen=True)
class FileRecord:
    """One file of the target as it was written: its path relative to the target, size and digest."""

    path: str
    size_bytes: int
    digest: str


def digest(path: Path) -> FileRecord:
    """Return a file's size and digest; the path in the record is left empty."""
    hasher = hashlib.sha256()
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size <= _WHOLE_BYTES:
            while block := file.read(2**20):
                hasher.update(block)
            return FileRecord("", size, f"sha256:{hasher.hexdigest()}")
        for index in range(_N_BLOCKS):
            file.seek((size - _BLOCK_BYTES) * index // (_N_BLOCKS - 1))
            hasher.update(file.read(_BLOCK_BYTES))
    return FileRecord("", size, f"sha256-blocks:{hasher.hexdigest()}")


def digest_of(content: bytes) -> FileRecord:
    """Return what :func:`digest` does for a file that holds this, which is small enough to be digested whole."""
    return FileRecord("", len(content), f"sha256:{hashlib.sha256(content).hexdigest()}")


@dataclass(frozen=True)
class Tag:
    """Which process made a temporary."""

    host: str
    process: int
    token: str

    def __str__(self) -> str:
        return f"dlc2lp-{self.host}-{self.process}-{self.token}"

    @classmethod
    def of(cls, name: str) -> Tag | None:
        """Return the tag in a file's name; None where it carries none."""
        found = _TAG.search(name)
        return cls(found["host"], int(found["process"]), found["token"]) if found else None

    @property
    def is_gone(self) -> bool:
        """Whether the process has certainly ended: it ran on this machine and does no more."""
        return self.host == _host() and not _is_alive(self.process)


def own_tag() -> Tag:
    """Return the tag of this process; two processes never have the same one."""
    return _tag_of_process(os.getpid())


@functools.cache
def _tag_of_process(process: int) -> Tag:
    return Tag(_host(), process, secrets.token_hex(4))


@functools.cache
def _host() -> str:
    return re.sub(r"[^A-Za-z0-9]", "", platform.node())[:40] or "host"


def _is_alive(process: int) -> bool:
    if os.name != "posix":
        return True  # there, signal 0 is a Ctrl-C; nothing is ever proven gone
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    return True


def write_whole(path: Path, content: bytes | Iterable[bytes]) -> None:
    """Write a file, from one piece or from many, so that it is there whole or not at all.

    Raises TargetRefused where the folder can't be written to (``target-not-writable``).
    """
    temporary = path.with_name(f".{path.name}.{own_tag()}-{threading.get_ident()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.writelines([content] if isinstance(content, bytes) else content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
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
    with path.open("rb") as file:
        return all(file.read(len(piece)) == piece for piece in content) and not file.read(1)
