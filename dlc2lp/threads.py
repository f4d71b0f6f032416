"""Does the same to many things in several threads, and lets a signal through while it waits."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

#: On Windows a wait without limit would not let Ctrl-C through.
_WAKE_S = 0.2


def work_off(
    items: Iterable[_Item],
    work: Callable[[_Item, int], _Result],
    settle: Callable[[_Item, Future[_Result]], None],
    n_threads: int,
    stop: threading.Event,
    n_threads_of: Callable[[_Item], int] = lambda _: 1,
) -> None:
    """Keep the threads busy, in the order of the items, the heaviest first, until none is left or ``stop`` is set.

    ``work`` does one of them and is told how many threads it has: those that the item keeps busy by itself, by
    ``n_threads_of``. ``settle`` is called in this thread with each that ended, and with what came of it. Set ``stop``
    to begin with no other; it is set where ``settle`` or a signal raises, for ``work`` to end soon.
    """
    waiting = deque(items)
    running: dict[Future[_Result], tuple[_Item, int]] = {}
    free = n_threads = max(1, n_threads)
    with ThreadPoolExecutor(n_threads) as pool:
        try:
            while waiting or running:
                # In order, also where a later one would fit into what is free: or one that wants all threads would
                # wait for the end.
                while waiting and not stop.is_set() and (n := min(n_threads, n_threads_of(waiting[0]))) <= free:
                    item = waiting.popleft()
                    running[pool.submit(work, item, n)] = (item, n)
                    free -= n
                if not running:
                    return
                for future in wait(running, timeout=_WAKE_S, return_when=FIRST_COMPLETED).done:
                    item, n = running.pop(future)
                    free += n
                    settle(item, future)
        except BaseException:
            stop.set()
            raise


def in_threads(work: Callable[[_Item], _Result], items: Sequence[_Item], n_threads: int) -> list[_Result]:
    """Return the result for each item, in the order of the items.

    What ``work`` raises for one of them is raised; the others are not begun, or are waited for.
    """
    results: dict[int, _Result] = {}

    def settle(number: int, future: Future[_Result]) -> None:
        results[number] = future.result()

    work_off(range(len(items)), lambda number, _: work(items[number]), settle, n_threads, threading.Event())
    return [results[number] for number in range(len(items))]
