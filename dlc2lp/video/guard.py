"""Ends the ffmpegs of a dlc2lp that was killed, which can do nothing itself any more.

An ffmpeg whose reports nobody reads goes on to the end of its video, and on a cluster takes the CPUs of the next job.
No system tells a child of its parent's end in a way that all have: Linux's signal depends on the thread that started
the child, macOS has none, Windows has jobs. A pipe is closed everywhere when its last owner is gone, however it went.
So a process of its own, some megabytes of Python without any library, reads the numbers of the children from a pipe,
and when that ends it ends those that are left.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

#: What the process runs. 9 is SIGKILL, and on Windows the exit code that a process is ended with.
_PROGRAM = """
import os, sys
left = set()
for line in sys.stdin.buffer:
    (left.add if line[:1] == b"+" else left.discard)(int(line[1:]))
for child in left:
    try:
        os.kill(child, 9)
    except OSError:
        pass
"""

_CLOSING_S = 1.0


class _Guard:
    """The process, which is started when there is something to guard."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def start(self) -> None:
        """Start it, unless it runs."""
        with self._lock:
            is_there = self._owner == os.getpid() and self._process is not None and self._process.poll() is None
            # What embeds Python may be no Python itself, and would start once more.
            if is_there or not Path(sys.executable or "").name.lower().startswith("python"):
                return
            flags = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0) | getattr(subprocess, "CREATE_NO_WINDOW", 0)
            with contextlib.suppress(OSError):  # it is only for a death that most never die
                self._process = subprocess.Popen(  # noqa: S603 - a list, no shell
                    [sys.executable, "-I", "-S", "-c", _PROGRAM],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=os.name == "posix",
                    creationflags=flags,
                )
                self._owner = os.getpid()

    def tell(self, line: str) -> None:
        """Tell it of a child; nobody is told where it is not there."""
        with self._lock, contextlib.suppress(OSError, ValueError):
            if self._process is not None and self._process.stdin is not None and self._owner == os.getpid():
                self._process.stdin.write(f"{line}\n".encode("ascii"))
                self._process.stdin.flush()

    def dismiss(self) -> None:
        """End it, with nothing left to guard."""
        with self._lock:
            process, self._process = self._process, None
            if process is None or process.stdin is None or self._owner != os.getpid():
                return
            with contextlib.suppress(OSError):
                process.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_CLOSING_S)


_GUARD = _Guard()
atexit.register(_GUARD.dismiss)


def get_ready() -> None:
    """Have somebody there before a child is started, who ends it when this process is killed."""
    _GUARD.start()


@contextlib.contextmanager
def guarded(child: int) -> Iterator[None]:
    """Have a child ended when this process is killed while the block runs; its number."""
    _GUARD.tell(f"+{child}")
    try:
        yield
    finally:
        _GUARD.tell(f"-{child}")
