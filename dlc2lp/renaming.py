"""How a finished file or folder gets its name, and how one loses it: at once, and with patience on Windows.

There, a file can be neither replaced nor removed while a virus scanner, the indexer, a viewer or Excel holds it open.
The first two open every new file, and let go of it within a second.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from dlc2lp.system import system

#: Windows' numbers for what another program holds open: ERROR_ACCESS_DENIED, _SHARING_VIOLATION, _LOCK_VIOLATION.
_HELD = frozenset({5, 32, 33})

#: How long one is waited for, and how long after the first try and after those that follow.
_PATIENCE_S, _PAUSES_S = 10.0, (0.01, 0.03, 0.1, 0.3, 1.0)


def rename(old: str | Path, new: str | Path) -> None:
    """Give a file or a folder another name, whose former file is gone in that instant; OSError where it can't be.

    A folder replaces nothing but an empty one, and on Windows nothing.
    """
    _patiently(lambda: os.replace(old, new))  # noqa: PTH105  (done for each of a hundred thousand images)


def remove(path: Path) -> None:
    """Remove a file, if it is there; OSError where it can't be."""
    _patiently(lambda: path.unlink(missing_ok=True))


def _patiently(change: Callable[[], None]) -> None:
    """Do it, again for a while where another program holds the file."""
    if system() != "win32":
        change()
        return
    end, pauses = time.monotonic() + _PATIENCE_S, iter(_PAUSES_S)
    while True:
        try:
            change()
        except OSError as error:
            # An access that is denied may also be denied for good: no time longer than this is lost by it.
            if getattr(error, "winerror", None) not in _HELD or time.monotonic() > end:
                raise
            time.sleep(next(pauses, _PAUSES_S[-1]))
        else:
            return
