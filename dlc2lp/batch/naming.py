"""Gives every project of an archive its folder below OUT. Pure.

Targets mirror the archive's folders. Three things force another name: signs that Windows or macOS can't hold, two
names that are one where case or accents do not count, and a project inside a project, since Lightning Pose's app
looks into the folders of a project.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

#: What stands in OUT besides targets.
OUT_FILES = ("report.json", "report.csv", "index.html", "times.csv", "decisions.yaml")

_NOT_IN_NAMES = re.compile(r'[<>:"|?*\\\x00-\x1f\x7f-\x9f\ud800-\udfff]')
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)
_MAX_BYTES = 200
_HASH_CHARS = 8


def name_targets(projects: Iterable[str], root_name: str, previous: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the target of each project, relative to OUT with ``/``; projects are relative to the root, or it: ``.``.

    No target equals another or lies inside another, also where neither case nor the form of accents counts. The result
    does not depend on the order of the projects. ``previous`` targets of earlier plans stay: a project that joins the
    archive later must not move another's. Those of projects that are not there stay taken, since what lies in them is
    theirs, and they may come back.
    """
    ordered = sorted(set(projects), key=_parts)
    names = _Names()
    chosen: dict[str, str] = {}
    for key, target in sorted((previous or {}).items(), key=lambda item: _parts(item[0])):
        if names.is_free(target):
            chosen[key] = names.take(target)
    for key in ordered:
        if key not in chosen:
            wanted = names.beside_targets(_wanted(key, root_name, chosen))
            chosen[key] = names.take(wanted if names.is_free(wanted) else f"{wanted}-{_hash(key)}")
    return {key: chosen[key] for key in ordered}


def _parts(key: str) -> tuple[str, ...]:
    return PurePosixPath(key).parts


def _wanted(key: str, root_name: str, chosen: Mapping[str, str]) -> str:
    """Mirror the path; a project inside another becomes its neighbour ``<outer>--<rest of the path>``."""
    if key == ".":
        return _safe(root_name)
    outer = next((str(parent) for parent in PurePosixPath(key).parents if str(parent) in chosen), None)
    if outer is None:
        return "/".join(map(_safe, _parts(key)))
    rest = _parts(key)[0 if outer == "." else len(_parts(outer)) :]
    *folders, last = chosen[outer].split("/")
    return "/".join([*folders, _cut("--".join([last, "-".join(map(_safe, rest))]))])


def _safe(name: str) -> str:
    """Return a folder's name as Linux, macOS and Windows can all hold it."""
    safe = _NOT_IN_NAMES.sub("-", unicodedata.normalize("NFC", name)).rstrip(". ")
    if safe.startswith((".", "-", " ")) or not safe:
        safe = f"_{safe.lstrip('. ')}"
    if _DEVICE.fullmatch(safe):
        safe = f"_{safe}"
    return _cut(safe)


def _cut(name: str) -> str:
    if len(name.encode("utf-8", "surrogatepass")) <= _MAX_BYTES:
        return name
    short = name.encode("utf-8", "surrogatepass")[: _MAX_BYTES - _HASH_CHARS - 1].decode("utf-8", "ignore")
    return f"{short.rstrip('. ')}-{_hash(name)}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_CHARS]


class _Names:
    """Names that are taken, and the folders that lead to them."""

    def __init__(self) -> None:
        self._taken = {_fold(name) for name in OUT_FILES}
        self._above: set[str] = set()

    def is_free(self, target: str) -> bool:
        folded = _fold(target)
        return folded not in self._taken and folded not in self._above and self._taken.isdisjoint(_above(folded))

    def beside_targets(self, target: str) -> str:
        """Return a name with another folder for each that is a target, as ``Lab`` is where the target is ``lab/x``."""
        parts = target.split("/")
        for n in range(1, len(parts)):
            while _fold("/".join(parts[:n])) in self._taken:
                parts[n - 1] += f"-{_hash('/'.join(parts[:n]))}"
        return "/".join(parts)

    def take(self, target: str) -> str:
        """Take a name, with a number added until it is free."""
        free, number = target, 1
        while not self.is_free(free):
            number += 1
            free = f"{target}-{number}"
        folded = _fold(free)
        self._taken.add(folded)
        self._above.update(_above(folded))
        return free


def _fold(target: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", target).casefold())


def _above(folded: str) -> list[str]:
    parts = folded.split("/")
    return ["/".join(parts[:n]) for n in range(1, len(parts))]
