"""Stopping on SIGINT, SIGTERM and SIGHUP: workers end their ffmpeg, nothing half-made stays, the exit code is 75."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType

#: Set when a signal asked to stop; every long piece of work looks at it.
STOP = threading.Event()

#: The signal that asked.
_asked: list[int] = []

#: SIGHUP comes when the terminal goes, as an ssh session does; SIGUSR1 and SIGUSR2 are what Slurm can be asked to send
#: before a time limit. Windows has none of the three last.
_NAMES = ("SIGINT", "SIGTERM", "SIGBREAK", "SIGHUP", "SIGUSR1", "SIGUSR2")


@contextlib.contextmanager
def stop_on_signals() -> Iterator[None]:
    """While a command runs, turn signals into :data:`STOP` and a ``KeyboardInterrupt`` in the main thread."""
    STOP.clear()
    _asked.clear()
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers; a program that embeds the command line has its own
        return
    _terminals[:] = _find_terminals()
    before = {}
    for name in _NAMES:
        number = getattr(signal, name, None)
        # `nohup dlc2lp ...` asks for what it says.
        if number is not None and not (name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN):
            before[number] = signal.signal(number, _on_signal)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


#: Descriptors of stdout and stderr, as far as they were a terminal when the command began.
_terminals: list[int] = []


def _find_terminals() -> Iterator[int]:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError, ValueError):
            if stream.isatty():
                yield stream.fileno()


def _on_signal(number: int, frame: FrameType | None) -> None:
    if number == getattr(signal, "SIGHUP", None):
        _forget_terminals()
    if not _asked:
        _asked.append(number)  # before the event, whose lock a second signal would wait for in vain
        STOP.set()
        raise KeyboardInterrupt
    # A second Ctrl-C while the workers end changes nothing: they end within seconds, and cleanly.


def _forget_terminals() -> None:
    """Say the rest to nobody: a write to a terminal that has gone is an error, and would end in another exit code."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in _terminals:
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
