"""Whether a system takes paths as long as a target's: Windows does only where that was switched on."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dlc2lp.errors import LONGEST_PATH_WINDOWS, SWITCH_ON_LONG_PATHS, TargetRefused
from dlc2lp.files import STATE_FOLDER
from dlc2lp.run.scratch import SCRATCH, STEPS
from dlc2lp.system import system
from dlc2lp.temporaries import own_tag
from dlc2lp.wording import counted

_STEP = "0123456789abcdef"


def check_length(target: Path, paths: Iterable[str]) -> None:
    """Refuse a target whose files would have paths that are too long for Windows (``path-too-long``).

    ``paths`` are those in the target; the temporaries, under which they are made, are longer than most of them.
    """
    if not _has_short_paths():
        return
    own = (f"{SCRATCH}/{_STEP}-{own_tag()}/0/video.mp4", f"{STATE_FOLDER}/{STEPS}/.{_STEP}.json.{own_tag()}-123456.tmp")
    longest = max((*paths, *own), key=len)
    n_signs = len(os.path.abspath(target / longest))  # noqa: PTH100  (links are not followed, as the system does not)
    if n_signs > LONGEST_PATH_WINDOWS:
        found = f"found {counted(n_signs, 'sign')} in the path of {longest}, expected at most {LONGEST_PATH_WINDOWS}"
        advice = f"choose a target with a path that is shorter by {counted(n_signs - LONGEST_PATH_WINDOWS, 'sign')}"
        advice = f"{advice}, or {SWITCH_ON_LONG_PATHS}"
        raise TargetRefused.of("path-too-long", str(target), found, advice=advice)


def _has_short_paths() -> bool:
    """Whether this is a Windows on which nobody has switched long paths on, or one too old to have them."""
    if system() != "win32":
        return False
    windows: Any = ctypes
    try:
        return not windows.WinDLL("ntdll").RtlAreLongPathsEnabled()
    except (AttributeError, OSError):  # before Windows 10 1607
        return True
