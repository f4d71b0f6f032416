"""Does the same to many things in several threads, and lets a signal through while it waits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

#: On Windows a wait without limit would not let Ctrl-C through.
_WAKE_S = 0.2


def in_threads(work: Callable[[_Item], _Result], items: Sequence[_Item], n_threads: int) -> list[_Result]:
    """Return the result for each item, in the order of the items.

    Raises
    ------
    Exception
        What ``work`` raised for one of the items; the others are not begun, or are waited for.
    """
    with ThreadPoolExecutor(max(1, n_threads)) as pool:
        futures = [pool.submit(work, item) for item in items]
        left = set(futures)
        try:
            while left:
                done, left = wait(left, timeout=_WAKE_S, return_when=FIRST_EXCEPTION)
                for future in done:
                    future.result()
        finally:
            for future in left:
                future.cancel()
        return [future.result() for future in futures]
