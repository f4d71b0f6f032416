"""Stopping on SIGINT, SIGTERM and SIGHUP: workers end their ffmpeg, nothing half-made stays, the exit code is 75."""

from __future__ import annotations

import _thread
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType

from dlc2lp.cli.early import ASKED, NUMBERS, is_ignored

#: Set when a signal asked to stop; every long piece of work looks at it.
STOP = threading.Event()


@contextlib.contextmanager
def stop_on_signals() -> Iterator[None]:
    """While a command runs, turn signals into :data:`STOP` and a ``KeyboardInterrupt`` in the main thread.

    One that came while the program was loaded has it stop at once.
    """
    STOP.clear()
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers; a program that embeds the command line has its own
        return
    _terminals[:] = _find_terminals()
    before = {number: signal.signal(number, _on_signal) for number in NUMBERS if not is_ignored(number)}
    hook, sys.unraisablehook = sys.unraisablehook, _raise_again
    try:
        yield
    finally:
        ASKED.append(0)  # the command has ended, and how: no signal changes that
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)
        ASKED.clear()


def stop_if_asked() -> None:
    """Stop where a signal has asked for it already."""
    if ASKED:
        if getattr(signal, "SIGHUP", None) in ASKED:
            _forget_terminals()
        STOP.set()
        raise KeyboardInterrupt


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
    # A second Ctrl-C while the workers end changes nothing: they end within seconds, and cleanly.
    is_heard = not ASKED or bool(_later)
    ASKED.append(number)  # before the event, whose lock a second signal would wait for in vain
    if not is_heard:
        return
    STOP.set()
    if _is_importing(frame):
        # A library that is interrupted while it is loaded may swallow that, or say so in a way of its own.
        _ask_later(number)
        return
    _later.clear()
    raise KeyboardInterrupt


#: The signal that is to come once more.
_later: list[int] = []

#: How long what can't be interrupted is left alone, the loading of a library for instance.
_PAUSE_S = 0.02


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False


def _ask_later(number: int) -> None:
    """Have a signal come once more; without ``threading``, whose own locks may have been interrupted."""
    _later[:] = [number]
    _thread.start_new_thread(_ask_again, (number,))


def _ask_again(number: int) -> None:
    time.sleep(_PAUSE_S)
    if _later:
        _thread.interrupt_main(signal.Signals(number))


def _raise_again(lost: sys.UnraisableHookArgs) -> None:
    """Pass on what could not be raised; an interruption that met a destructor comes again, without a traceback."""
    if isinstance(lost.exc_value, KeyboardInterrupt) and ASKED:
        _ask_later(ASKED[-1])
    else:
        sys.__unraisablehook__(lost)


def _forget_terminals() -> None:
    """Say the rest to nobody: a write to a terminal that has gone is an error, and would end in another exit code."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in _terminals:
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
