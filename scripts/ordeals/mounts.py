"""A disk of our own that can be made small, full or read-only, seen by nobody but this process and its children.

It lies in a private mount namespace and goes with its last process, so nothing is left mounted whatever happens.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

from ordeals.children import in_child
from ordeals.working import LeftOut

_NEW_MOUNTS, _NEW_USERS = 0x00020000, 0x10000000  # CLONE_NEWNS, CLONE_NEWUSER
_READ_ONLY, _REMOUNT, _RECURSIVE, _PRIVATE = 1, 32, 16384, 1 << 18


def _call(name: str, *given: object) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*given):
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def enter() -> None:
    """Let mounts of this process be its own from now on; OSError where this user may not mount."""
    try:
        _call("unshare", _NEW_MOUNTS)
    except PermissionError:
        user, group = os.getuid(), os.getgid()
        _call("unshare", _NEW_MOUNTS | _NEW_USERS)
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1", encoding="ascii")
    _call("mount", None, b"/", None, _RECURSIVE | _PRIVATE, None)


def check() -> None:
    """Raise LeftOut where this machine does not let us mount."""
    if sys.platform != "linux":
        raise LeftOut("which needs a Linux, to mount a disk that fills")
    try:
        in_child(_try)
    except RuntimeError as error:
        raise LeftOut("as this user may not mount here: run it as root, or allow user namespaces") from error


def _try() -> None:
    enter()
    mount(Path("/tmp"), 2**20)  # (in a namespace that ends with this process)


def mount(folder: Path, size_bytes: int) -> None:
    """Mount an empty disk of a size on a folder."""
    _call("mount", b"ordeal", os.fsencode(folder), b"tmpfs", 0, _size(size_bytes))


def resize(folder: Path, size_bytes: int) -> None:
    """Give a disk another size, which may not be less than what it holds, and let it be written to again."""
    _call("mount", b"ordeal", os.fsencode(folder), b"tmpfs", _REMOUNT, _size(size_bytes))


def fill(folder: Path, spare_bytes: int) -> None:
    """Leave so much room on a disk."""
    state = os.statvfs(folder)
    resize(folder, (state.f_blocks - state.f_bfree) * state.f_frsize + max(spare_bytes, state.f_frsize))


def make_read_only(folder: Path) -> None:
    """Let nobody write to a disk any more; OSError while somebody does."""
    _call("mount", b"ordeal", os.fsencode(folder), b"tmpfs", _REMOUNT | _READ_ONLY, None)


def _size(size_bytes: int) -> bytes:
    return f"size={size_bytes}".encode()
