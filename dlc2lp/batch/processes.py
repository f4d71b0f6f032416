"""Calls one function for many projects, in several processes: reading labels keeps Python itself busy."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from types import FrameType
from typing import TypeVar

from dlc2lp.errors import Dlc2LpError, Interrupted
from dlc2lp.events import Watch
from dlc2lp.model import Setting
from dlc2lp.video.cpus import allowed_cpus, limit_cpus

Task = TypeVar("Task")
Result = TypeVar("Result")

#: Tasks per process that are handed out ahead, so that memory does not grow with their number.
_AHEAD = 4

#: A process needs about a second to start, as long as several projects take.
_TASKS_WORTH_A_PROCESS = 8

#: After so many, processes make room for new ones: whatever a library keeps, it can't add up.
TASKS_OF_A_PROCESS = 200


def call_each(
    function: Callable[[Task, threading.Event | None], Result],
    tasks: Iterable[Task],
    n_tasks: int,
    jobs: int,
    watch: Watch,
) -> Iterator[Result]:
    """Yield what a function makes of each task, in the order in which it is ready; few tasks are done in this process.

    It takes one task, and what tells it to stop, which raises :exc:`Interrupted`; it raises nothing else. It and its
    results must be picklable. The watch stops all within seconds. Where the system ended one of the processes, it is
    ``process-lost``.
    """
    jobs = max(1, min(jobs, n_tasks // _TASKS_WORTH_A_PROCESS))
    if jobs == 1 and n_tasks <= TASKS_OF_A_PROCESS:
        for task in tasks:
            watch.check("batch")
            yield function(task, watch.stop)
        return
    waiting = iter(tasks)
    for _ in range(0, n_tasks, jobs * TASKS_OF_A_PROCESS):
        yield from _in_processes(function, islice(waiting, jobs * TASKS_OF_A_PROCESS), jobs, watch)


def _in_processes(
    function: Callable[[Task, threading.Event | None], Result], waiting: Iterator[Task], jobs: int, watch: Watch
) -> Iterator[Result]:
    """Do tasks in processes that end afterwards."""
    # Not forked: a copy of a process with threads may inherit a lock that nobody will ever open.
    context = multiprocessing.get_context("spawn")
    others = multiprocessing.active_children()
    pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin, initargs=(jobs,))
    try:
        running: set[Future[Result]] = {pool.submit(_call, function, task) for task in islice(waiting, jobs * _AHEAD)}
        while running:
            finished, running = wait(running, timeout=0.5, return_when=FIRST_COMPLETED)
            watch.check("batch")
            for future in finished:
                yield future.result()
            running |= {pool.submit(_call, function, task) for task in islice(waiting, len(finished))}
    except BrokenProcessPool as error:
        watch.check("batch")  # whoever stops all processes of a job may have reached the others first
        why = "the system ended one of the processes, most likely for want of memory"
        advice = "run the same command again with fewer at a time: {}; what is done stays done"
        remedies = (Setting("jobs", ("1",)),)
        raise Dlc2LpError.of("process-lost", "batch", why, advice=advice, remedies=remedies) from error
    except BaseException:
        for child in multiprocessing.active_children():
            if child not in others:
                child.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


#: Tells the task of this process to stop, where it is one of several.
_STOP = threading.Event()

#: How long a task may take to stop by itself.
_GRACE_S = 3.0


def _begin(jobs: int) -> None:
    """Prepare a process that is one of several."""
    # Ctrl-C and the end of a terminal reach the whole group; they are the parent's business, which ends this process
    # by SIGTERM.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _on_end)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # Its own threads share the CPUs with the other processes.
    limit_cpus(max(1, allowed_cpus() // jobs))


def _on_end(number: int, frame: FrameType | None) -> None:
    """Have the task stop cleanly, as it would by itself; whatever hangs is not waited for."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # another one follows, from whoever looks after the processes
    # Not here: this may have interrupted the very code that holds the event's lock.
    threading.Thread(target=_STOP.set, daemon=True).start()
    end = threading.Timer(_GRACE_S, os._exit, (1,))
    end.daemon = True
    end.start()


def _end_with_parent() -> None:
    """Stop when the parent was killed: nobody would take what is made, and the process would wait for ever."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    parent.join()
    _STOP.set()
    time.sleep(_GRACE_S)
    os._exit(1)


def _call(function: Callable[[Task, threading.Event | None], Result], task: Task) -> Result:
    try:
        return function(task, _STOP)
    except Interrupted:
        os._exit(1)  # the parent, which wanted it so, looks at nothing that came of it
