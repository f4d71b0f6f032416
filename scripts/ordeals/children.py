"""Commands in forked children of a process that has all imports done: a hundredth of a second instead of a whole one.

A child may be killed by the clock, or act on itself at a numbered moment of its own work: Python tells of every file
that it opens, renames or removes, so "at the 17th change of the target" is the same moment in every run.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import itertools
import json
import mmap
import os
import pkgutil
import resource
import signal
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

#: What Python tells of files, by the number of arguments that are paths.
_EVENTS = {
    "open": 1,
    "os.rename": 2,
    "os.remove": 1,
    "os.mkdir": 1,
    "os.rmdir": 1,
    "os.link": 2,
    "os.symlink": 2,
    "os.truncate": 1,
    "os.utime": 1,
    "os.chmod": 1,
}
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER

#: (how many moments ago the chosen one was, event, path); an OSError that it raises is what the call then raises.
Act = Callable[[int, str, str], None]


@dataclass(frozen=True)
class Moments:
    """The changes below a folder while a command runs, or the files that it opens there, by their number.

    Attributes
    ----------
    below
        The folder.
    act
        What is done at moment number ``at`` and at all later ones.
    reads
        Whether files are counted that are opened for reading, instead of changes.
    """

    below: Path
    at: int = -1
    act: Act | None = None
    reads: bool = False


@dataclass(frozen=True)
class Ended:
    """What became of a command: its exit code, -9 where it was killed."""

    exit_code: int
    stdout: str
    stderr: str
    seconds: float
    n_moments: int
    is_late: bool = False
    peak_bytes: int = 0  #: The most memory that its process had.

    @property
    def is_killed(self) -> bool:
        """Whether it was killed, and not for being late."""
        return self.exit_code == -signal.SIGKILL and not self.is_late

    @property
    def findings(self) -> list[dict[str, Any]]:
        """The findings of its JSON document; none where it has none."""
        try:
            return list(json.loads(self.stdout)["findings"])
        except (ValueError, KeyError, TypeError):
            return []

    @property
    def codes(self) -> list[str]:
        """The codes of its findings, each once."""
        return sorted({finding["code"] for finding in self.findings})

    @property
    def fault(self) -> str:
        """Why it must never end so, whatever was done to it; empty where it may."""
        if self.is_late:
            return f"did not end within {self.seconds:.0f} s"
        if "Traceback" in self.stderr:
            return f"traceback: {self.stderr.strip().splitlines()[-1]}"
        if "internal-error" in self.stdout + self.stderr:
            told = [each["message"] for each in self.findings if each["code"] == "internal-error"]
            return f"internal-error: {told[0] if told else self.stderr.strip()[-400:]}"
        if self.exit_code < 0 and not self.is_killed:
            return f"crashed by signal {-self.exit_code}"
        return ""

    def __str__(self) -> str:
        words = self.stderr.strip().splitlines()
        return f"exit {self.exit_code} {self.codes or words[-2:]}"


def import_all() -> None:
    """Import all that any command imports; no thread may be started by it, since forks copy only one."""
    import dlc2lp

    for module in pkgutil.walk_packages(dlc2lp.__path__, "dlc2lp."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in ("pandas", "cv2", "av", "h5py", "yaml", "tqdm", "imageio_ffmpeg"):
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # else the first collection in each child copies every page


class Child:
    """A command that runs in a forked child, at the head of a process group of its own."""

    def __init__(
        self,
        arguments: tuple[object, ...],
        moments: Moments | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._said: tuple[IO[bytes], IO[bytes]] = (tempfile.TemporaryFile(), tempfile.TemporaryFile())  # noqa: SIM115
        self._counted = mmap.mmap(-1, 8)
        self._began = time.monotonic()
        sys.stdout.flush()
        sys.stderr.flush()
        self.process = os.fork()
        if self.process == 0:
            _be_child([str(argument) for argument in arguments], self._said, self._counted, moments, environment or {})
        self._handle = os.pidfd_open(self.process) if hasattr(os, "pidfd_open") else None

    @property
    def n_moments(self) -> int:
        """How many moments went by so far."""
        return int(struct.unpack("q", self._counted[:8])[0])

    def waited(self, seconds: float) -> bool:
        """Wait so long for its end; return whether it has ended, and is still to be told by :meth:`end`."""
        if self._handle is not None:
            import select

            return bool(select.select([self._handle], [], [], max(0.0, seconds))[0])
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if os.waitid(os.P_PID, self.process, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None:
                return True
            time.sleep(0.001)
        return False

    def kill(self) -> None:
        """Kill it with its process group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process, signal.SIGKILL)

    def end(self, limit_s: float = 60.0) -> Ended:
        """Wait for its end, kill it where it takes too long, and tell what became of it."""
        is_late = not self.waited(limit_s)
        if is_late:
            self.kill()
        _, status, usage = os.wait4(self.process, 0)
        seconds = time.monotonic() - self._began
        if self._handle is not None:
            os.close(self._handle)
        texts = []
        for said in self._said:
            said.seek(0)
            texts.append(said.read().decode("utf-8", "replace"))
            said.close()
        n_moments = self.n_moments
        self._counted.close()
        return Ended(os.waitstatus_to_exitcode(status), *texts, seconds, n_moments, is_late, _bytes(usage.ru_maxrss))


def run(*arguments: object, moments: Moments | None = None, limit_s: float = 60.0) -> Ended:
    """Run a command to its end."""
    return Child(arguments, moments).end(limit_s)


def forked(work: Callable[[], None]) -> int:
    """Have a forked child do something and end, with 0 or, its traceback told, with 1; return its number."""
    sys.stdout.flush()
    process = os.fork()
    if process == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:  # the child must not go on with what its parent does
            sys.excepthook(*sys.exc_info())
        finally:
            sys.stderr.flush()
            os._exit(code)
    return process


def in_child(work: Callable[[], None]) -> None:
    """Do something in a forked child, so that the threads of what it uses do not come to life here."""
    if os.waitstatus_to_exitcode(os.waitpid(forked(work), 0)[1]):
        raise RuntimeError("a child failed; its words stand above")


def adopt_orphans() -> None:
    """Become the parent of what killed children leave running, where the system can."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)


def orphans() -> list[int]:
    """Return the processes whose parent this one is; none where the system can't tell."""
    try:
        listed = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii")
    except OSError:
        return []
    return [int(process) for process in listed.split()]


def end_orphans() -> None:
    """Kill and forget what killed children left running."""
    while left := orphans():
        for process in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(process, 0)


def limit_memory(extra_bytes: int) -> None:
    """Let this process take so much more memory than it has; more is a MemoryError and not the end of the machine."""
    with contextlib.suppress(OSError, ValueError):
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        limit = pages * resource.getpagesize() + extra_bytes
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def peak_bytes() -> int:
    """Return the most memory that this process ever had."""
    return _bytes(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def _bytes(peak: int) -> int:
    return peak if sys.platform == "darwin" else peak * 1024


def _be_child(
    arguments: list[str],
    said: tuple[IO[bytes], IO[bytes]],
    counted: mmap.mmap,
    moments: Moments | None,
    environment: Mapping[str, str],
) -> None:
    code = 1
    try:
        os.setsid()
        nowhere = os.open(os.devnull, os.O_RDONLY)
        for descriptor, other in ((0, nowhere), (1, said[0].fileno()), (2, said[1].fileno())):
            os.dup2(other, descriptor)
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
        os.environ.update(environment)
        from dlc2lp.cli.main import run as run_command

        if moments is not None:
            sys.addaudithook(_hook(moments, counted))
        code = run_command(arguments)
    except BaseException:  # what gets here is a traceback, which is what must never be
        sys.excepthook(*sys.exc_info())
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _hook(moments: Moments, counted: mmap.mmap) -> Callable[[str, tuple[Any, ...]], None]:
    below, numbers = os.path.join(os.path.abspath(moments.below), ""), itertools.count()  # noqa: PTH100, PTH118

    def hook(event: str, given: tuple[Any, ...]) -> None:
        n_paths = _EVENTS.get(event)
        if n_paths is None:
            return
        is_read = event == "open" and not (given[2] or 0) & _WRITES
        if is_read != moments.reads:
            return
        for path in given[:n_paths]:
            name = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else ""
            if f"{name}{os.sep}".startswith(below):
                number = next(numbers)
                counted[:8] = struct.pack("q", number + 1)
                if moments.act is not None and number >= moments.at >= 0:
                    moments.act(number - moments.at, event, name)
                return

    return hook


def dies(ago: int, event: str, path: str) -> None:
    """An :data:`Act`: kill the own process group."""
    os.killpg(0, signal.SIGKILL)
