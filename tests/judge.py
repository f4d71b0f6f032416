"""Where the real Lightning Pose is, which judges what dlc2lp writes: the environment that ``scripts/accept`` makes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
_ENVIRONMENT = Path(os.environ.get("DLC2LP_LP_ENV") or _CACHE / "dlc2lp-lp-env")

#: Its Python.
LP_PYTHON = _ENVIRONMENT / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")

#: What marks a test in which it judges.
JUDGED = (
    pytest.mark.judged,
    pytest.mark.skipif(not LP_PYTHON.exists(), reason=f"no Lightning Pose environment in {_ENVIRONMENT}"),
)
