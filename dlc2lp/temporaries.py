"""Temporary files and folders: whose they are, and what is left of those whose process has ended.

Every temporary carries the tag of the process that made it, so no process touches another's. Who dies without a
chance to clean up leaves its tag behind: a process of the same machine sees that its number is gone, and for one of
another machine the caller has to know.
"""

from __future__ import annotations

import functools
import os
import platform
import re
import secrets
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: host, process number, token: ``.dlc2lp-node17-4711-9f3ab2c4``.
_TAG = re.compile(r"dlc2lp-(?P<host>[A-Za-z0-9]+)-(?P<process>\d+)-(?P<token>[0-9a-f]{8})")

#: Numbers of winnt.h, winerror.h (no process of the number) and minwinbase.h.
_QUERY_LIMITED_INFORMATION, _ERROR_INVALID_PARAMETER, _STILL_ACTIVE = 0x1000, 87, 259


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
        return _is_alive_on_windows(process)  # where signal 0 is a Ctrl-C
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    return True


def _is_alive_on_windows(process: int) -> bool:
    """Whether it is not certain that a process has ended."""
    import ctypes

    windows: Any = ctypes
    kernel = windows.WinDLL("kernel32", use_last_error=True)
    kernel.OpenProcess.restype = ctypes.c_void_p
    handle = kernel.OpenProcess(_QUERY_LIMITED_INFORMATION, False, process)
    if not handle:
        return bool(windows.get_last_error() != _ERROR_INVALID_PARAMETER)
    try:
        code = ctypes.c_ulong()
        return not kernel.GetExitCodeProcess(ctypes.c_void_p(handle), ctypes.byref(code)) or code.value == _STILL_ACTIVE
    finally:
        kernel.CloseHandle(ctypes.c_void_p(handle))


def inside(folder: Path) -> list[Path]:
    """Return what lies in a folder, sorted; nothing where nobody may look, which who writes there will tell."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def remove_left(
    paths: Iterable[Path], is_gone: Callable[[Tag], bool] = lambda tag: tag.is_gone, *, only_files: bool = False
) -> list[Path]:
    """Remove those of some files and folders that are temporaries of processes that are gone, and return them.

    ``only_files`` leaves folders alone, where some are a person's.
    """
    removed = []
    for path in paths:
        tag = Tag.of(path.name)
        if tag is None or not is_gone(tag):
            continue
        if path.is_dir() and not path.is_symlink():
            if only_files:
                continue
            shutil.rmtree(path, ignore_errors=True)
        else:
            try:
                path.unlink(missing_ok=True)
            except OSError:  # a disk that is read-only by now: what is left over there harms nobody
                continue
        removed.append(path)
    return removed
