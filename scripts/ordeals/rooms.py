"""The folders that hostile things are put into, what such a thing is, and what no command may do when it meets one."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ordeals.children import Ended
from ordeals.doors import make_folders
from ordeals.trees import copy, remove, stamps

_MOST_BYTES = 10**9
_LIMIT_S = 30.0

#: What a terminal obeys instead of showing it: control characters but line ends and tabs, C1, direction marks.
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class Rooms:
    """The folders of one worker, by name."""

    def __init__(self, root: Path) -> None:
        self.root, self._pristine = root, root.with_name("pristine")
        make_folders(root)
        copy(root, self._pristine)
        self.precious, self.canary = root / "outside" / "precious", root / "canary"

    def __truediv__(self, name: str) -> Path:
        return self.root / name

    def words(self, command: str, odd: str) -> list[str]:
        """Return the words of a command; ``{name}`` is a folder, there or not, ``{odd}`` one of that name."""
        return [
            re.sub(r"\{(\w+)\}", lambda found: str(self.root / (odd if found[1] == "odd" else found[1])), word)
            for word in shlex.split(command)
        ]

    def put_back(self) -> None:
        """Make every folder what it was."""
        for path in self.root.iterdir():
            if not (self._pristine / path.name).exists():
                remove(path)
        for path in self._pristine.iterdir():
            if {name: stamp[2:] for name, stamp in _inside(path)} != {
                name: stamp[2:] for name, stamp in _inside(self.root / path.name)
            }:
                copy(path, self.root / path.name)


def _inside(root: Path) -> list[tuple[str, tuple[int, ...]]]:
    if not root.exists():
        return []
    return [(name.removeprefix(str(root)), tuple(stamp)) for name, stamp in stamps(root).items()]


@dataclass(frozen=True)
class Case:
    """One hostile thing.

    Attributes
    ----------
    name
        What it is.
    change
        Makes it.
    commands
        What then meets it, one after another.
    told
        A word that a finding must have; empty where nothing needs to be told.
    exits
        How each command may end.
    check
        Says what else does not hold.
    sources
        Folders that must stay as they are.
    limit_s
        How long each command may take.
    odd
        A name that ``{odd}`` stands for, since commands are words.
    """

    name: str
    change: Callable[[Rooms], object]
    commands: tuple[str, ...]
    told: str = ""
    exits: frozenset[int] = field(default=frozenset({0, 1, 2, 3}))
    check: Callable[[Rooms, list[Ended]], str] = lambda rooms, ended: ""
    sources: tuple[str, ...] = ("csv", "stills", "analyzed", "plain", "archive", "cameras", "outside")
    limit_s: float = _LIMIT_S
    odd: str = ""


def wrong(case: Case, rooms: Rooms, ended: list[Ended]) -> str:
    """Say what no command may do and one did; empty where all is well."""
    for command, one in zip(case.commands, ended, strict=True):
        if one.fault:
            return f"{command}: {one.fault}"
        if one.exit_code not in case.exits:
            return f"{command}: found {one}, expected exit {sorted(case.exits)}"
        if one.peak_bytes > _MOST_BYTES:
            return f"{command}: {one.peak_bytes / 1e6:.0f} MB of memory"
        if raw := _OBEYED.search(one.stderr):
            return (
                f"{command}: {raw[0]!r} reaches the terminal: {one.stderr[max(0, raw.start() - 30) : raw.end() + 10]!r}"
            )
        if one.exit_code != 2 and not one.stdout.startswith("{"):
            return f"{command}: no JSON document, {one}"
    if case.told and not any(
        case.told in json.dumps(finding, ensure_ascii=False) for one in ended for finding in one.findings
    ):
        return f"no finding has {case.told!r}: {', '.join(map(str, ended))}"
    if rooms.canary.exists():
        return "code of the file was run"
    return case.check(rooms, ended)
