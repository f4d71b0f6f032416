"""Calls one function for many projects, in several processes: reading labels keeps Python itself busy."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import islice
from typing import TypeVar

from dlc2lp.errors import Interrupted

Task = TypeVar("Task")
Result = TypeVar("Result")

#: Tasks per process that are handed out ahead, so that memory does not grow with their number.
_AHEAD = 4

#: A process needs about a second to start, as long as several projects take.
_TASKS_WORTH_A_PROCESS = 8


def call_each(
    function: Callable[[Task], Result], tasks: Iterable[Task], n_tasks: int, jobs: int, stop: threading.Event
) -> Iterator[Result]:
    """Yield what a function makes of each task, in the order in which it is ready.

    Parameters
    ----------
    function
        Takes one task and does not raise; it and its results must be picklable.
    tasks, n_tasks
        The tasks, and how many they are.
    jobs
        Processes at a time; few tasks are done in this one.
    stop
        Set it to end within seconds.

    Raises
    ------
    Interrupted
        ``stop`` was set.
    """
    jobs = min(jobs, n_tasks // _TASKS_WORTH_A_PROCESS)
    if jobs <= 1:
        for task in tasks:
            _check(stop)
            yield function(task)
        return
    waiting = iter(tasks)
    # Not forked: a copy of a process with threads may inherit a lock that nobody will ever open.
    context = multiprocessing.get_context("spawn")
    others = multiprocessing.active_children()
    pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_leave_signals_to_parent)
    try:
        running: set[Future[Result]] = {pool.submit(function, task) for task in islice(waiting, jobs * _AHEAD)}
        while running:
            finished, running = wait(running, timeout=0.5, return_when=FIRST_COMPLETED)
            _check(stop)
            for future in finished:
                yield future.result()
            running |= {pool.submit(function, task) for task in islice(waiting, len(finished))}
    except BaseException:
        for child in multiprocessing.active_children():
            if child not in others:
                child.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _check(stop: threading.Event) -> None:
    if stop.is_set():
        raise Interrupted.of("interrupted", "batch", "stopped by a signal", hint="run the same command again to go on")


def _leave_signals_to_parent() -> None:
    """Let Ctrl-C, which reaches the whole group, be the parent's business; it ends this process by SIGTERM."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
