"""Which system this is. Pure."""

from __future__ import annotations

import sys


def system() -> str:
    """Return ``linux``, ``darwin`` or ``win32``, as ``sys.platform`` is.

    Asked by a call, as a type checker that sees ``sys.platform`` looks at the code of one system only.
    """
    return sys.platform
