"""Names of views that Lightning Pose and its app can't mistake. Pure.

Both look for a view's name anywhere in a file's name (:func:`dlc2lp.lp.names.check_views`), so it must not hold an
underscore, be part of another view's name or of a session's. A name that offends gets the nearest one that does not.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from dlc2lp.lp.names import check_views, safe_session
from dlc2lp.model import Finding, Setting, Severity

_HASH_CHARS = 8

#: How a person gives a view another name.
_GIVEN = "another name? {} gives it"
_FOUND = "another name? it comes from the names in DeepLabCut: of the folders, or camera_names of a 3D project"


def safe_views(
    names: Sequence[str], sessions: Iterable[str], *, is_named: bool = False
) -> tuple[dict[str, str], list[Finding]]:
    """Give every view a name that is taken for nothing else.

    Names that are fine stay. Else, in this order, as far as needed: other characters become ``-`` (``cam_1`` ->
    ``cam-1``); numbers get the same number of digits (``cam1`` beside ``cam10`` -> ``cam01``); ``view-`` goes before
    (``top`` in the session ``desktop`` -> ``view-top``); a short hash. The result depends on the names alone, not on
    their order: original -> safe, and a note for each that was renamed, with the reason. The sessions' are the
    target's names; where a person named the views (``is_named``), they can give them other names.
    """
    folders = sorted(set(sessions))
    steps = dict.fromkeys(names, 0)
    ladder = _ladder(names)
    while True:
        chosen = {name: ladder(name, step) for name, step in steps.items()}
        offenders = _offenders(chosen, folders)
        if not offenders:
            break
        for name in offenders:
            steps[name] += 1
    renamed = (name for name in names if chosen[name] != name)
    return chosen, [_renamed(name, chosen[name], names, folders, is_named=is_named) for name in renamed]


def _ladder(names: Sequence[str]) -> Callable[[str, int], str]:
    """Return the function that gives a name's first, second ... candidate."""
    base = {name: _plain(name) for name in names}
    padded = _padded(base)

    def candidate(name: str, step: int) -> str:
        rungs = (name, base[name], padded[name], f"view-{base[name]}", f"view-{padded[name]}")
        if step < len(rungs):
            return rungs[step]
        text = f"{step}/{name}".encode("utf-8", "surrogatepass")
        return f"view-{hashlib.sha256(text).hexdigest()[:_HASH_CHARS]}"

    return candidate


def _plain(name: str) -> str:
    """Return the name in letters, digits and dashes."""
    return re.sub(r"[-_]+", "-", safe_session(name)).strip("-")


def _padded(base: Mapping[str, str]) -> dict[str, str]:
    """Fill up the last number of each name to as many digits as the same number has in names that are else alike."""
    shapes = {name: re.fullmatch(r"(.*?)([0-9]+)([^0-9]*)", text) for name, text in base.items()}
    widths: dict[tuple[str, str], int] = {}
    for shape in shapes.values():
        if shape:
            key = shape[1], shape[3]
            widths[key] = max(widths.get(key, 0), len(shape[2]))
    return {
        name: f"{shape[1]}{shape[2].zfill(widths[shape[1], shape[3]])}{shape[3]}" if shape else base[name]
        for name, shape in shapes.items()
    }


def _offenders(chosen: Mapping[str, str], sessions: Sequence[str]) -> list[str]:
    """Return the originals that need another name; of two that meet, the one that gives way."""

    def gives_way(name: str, other: str) -> bool:
        # Of two equal ones the later gives way, of two that hold each other the shorter.
        same = chosen[name].lower() == chosen[other].lower()
        return other < name if same else chosen[name] in chosen[other]

    return [
        name
        for name, safe in chosen.items()
        if _is_bad(safe, sessions) or any(gives_way(name, other) for other in chosen if other != name)
    ]


def _is_bad(name: str, sessions: Sequence[str]) -> bool:
    # Two views, since a single one is a finding of its own; the other is one that nothing holds.
    return any(finding.subject == name for finding in check_views((name, "\N{BLACK SQUARE}"), sessions))


def _renamed(name: str, safe: str, names: Sequence[str], sessions: Sequence[str], *, is_named: bool) -> Finding:
    found = check_views([name, *(other for other in names if other != name)], sessions)
    reason = next((each.message for each in found if each.subject == name), "another view's name is part of it")
    message = f"the view is called {safe}, since Lightning Pose finds a view by its name inside file names: {reason}"
    advice, remedies = (_GIVEN, (Setting("view", ("NAME=SOURCE",)),)) if is_named else (_FOUND, ())
    return Finding(Severity.NOTE, "view-renamed", name, message, "", advice, remedies)
