"""Tasks in several processes: each once, none lost, no process for ever."""

import os
import sys
import threading
import time

import pytest

from dlc2lp.batch import processes
from dlc2lp.errors import Dlc2LpError, Interrupted
from dlc2lp.events import Watch


def square(number, stop):
    return number, number * number, os.getpid()


def end_the_process(number, stop):
    os._exit(1)


def call(function, n_tasks, jobs, stop=None):
    return list(processes.call_each(function, iter(range(n_tasks)), n_tasks, jobs, Watch(stop=stop)))


@pytest.mark.parametrize("n_tasks", [0, 1, 7])
def test_few_tasks_need_no_process(n_tasks):
    assert call(square, n_tasks, 2) == [(number, number * number, os.getpid()) for number in range(n_tasks)]


def test_processes_make_room_for_new_ones_and_no_task_is_lost(monkeypatch):
    monkeypatch.setattr(processes, "TASKS_OF_A_PROCESS", 10)
    found = call(square, 25, 1)
    assert sorted((number, result) for number, result, _ in found) == [(n, n * n) for n in range(25)]
    by_process = [[each[0] for each in found if each[2] == process] for process in {each[2] for each in found}]
    assert sorted(map(len, by_process)) == [5, 10, 10]
    assert os.getpid() not in {each[2] for each in found}


def test_a_process_that_the_system_ends_is_told():
    with pytest.raises(Dlc2LpError, match="ended one of the processes"):
        call(end_the_process, 16, 2)


def until_stopped(folder, stop):
    """Leave a file that only a clean end removes."""
    path = folder / str(os.getpid())
    path.touch()
    if not stop.wait(60):
        raise AssertionError("nobody stopped it")
    path.unlink()
    raise Interrupted.of("interrupted", "task", "stopped")


@pytest.mark.skipif(sys.platform == "win32", reason="there, a process can only be ended hard")
def test_tasks_end_cleanly_when_all_are_stopped(tmp_path):
    stop = threading.Event()

    def stop_when_both_are_at_work():
        while len(list(tmp_path.iterdir())) < 2:
            time.sleep(0.02)
        stop.set()

    threading.Thread(target=stop_when_both_are_at_work, daemon=True).start()
    began = time.monotonic()
    with pytest.raises(Interrupted):
        list(processes.call_each(until_stopped, [tmp_path] * 16, 16, 2, Watch(stop=stop)))
    assert list(tmp_path.iterdir()) == []
    assert time.monotonic() - began < 30


def test_stopping_ends_all_of_them():
    stop = threading.Event()
    stop.set()
    with pytest.raises(Interrupted):
        call(square, 3, 1, stop)
    with pytest.raises(Interrupted):
        call(square, 16, 2, stop)
