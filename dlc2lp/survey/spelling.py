"""Names of videos and sessions as they are compared: spellings, case, and what people's programs call a copy. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from dlc2lp.wording import name_key, spelled

#: What file managers and people put behind, or before, the name of a copy: ``vidA (1)``, ``vidA - Copy (2)``,
#: ``vidA copy 2``, ``vidA_old``; ``Copy of vidA``, ``Kopie von vidA``, ``Copie de vidA``.
_COPY = "copy|kopie|copie|copia|cópia|kopia|kopi"
_NUMBER = r"[0-9]{1,3}"
_BEHIND = re.compile(
    rf"( ?\({_NUMBER}\)|( - |[ _.-])({_COPY}|old|backup|bak|orig|original)([ _-]?{_NUMBER})?|~)$", re.IGNORECASE
)
_BEFORE = re.compile(rf"^({_COPY})( \({_NUMBER}\))? (of|von|de|di|av|af) ", re.IGNORECASE)


def copied_names(name: str) -> Iterator[str]:
    """Yield the stems that a file may be a copy of, as programs and people call copies.

    Examples
    --------
    >>> [list(copied_names(name)) for name in ("vidA (1)", "Copy of vidA", "vidA - Copy (2)", "vidA2", "vidA")]
    [['vidA'], ['vidA'], ['vidA - Copy', 'vidA'], [], []]
    """
    left = spelled(name)
    while (shorter := _BEFORE.sub("", _BEHIND.sub("", left))) not in (left, ""):
        left = shorter
        yield left


def pair_names(names: Iterable[str], sessions: Iterable[str]) -> dict[str, str]:
    """Pair stems of videos with sessions, each session with one name at most: name -> session.

    ``Mouse`` and ``mouse`` are two sessions on Linux, and one on a machine that has seen both spellings. So an exact
    name comes first, and case counts only where nothing else has it.
    """
    names, sessions = list(dict.fromkeys(names)), list(dict.fromkeys(sessions))
    pairs: dict[str, str] = {}
    for key in (spelled, name_key):
        free: dict[str, list[str]] = {}
        for session in sessions:
            if session not in pairs.values():
                free.setdefault(key(session), []).append(session)
        for name in names:
            if name not in pairs and free.get(key(name)):
                pairs[name] = free[key(name)].pop(0)
    return pairs
