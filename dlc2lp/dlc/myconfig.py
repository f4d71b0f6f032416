"""``myconfig.py``, the settings of DeepLabCut 1: a Python module, which is read as text and never run.

DeepLabCut 1.x had one repository for each experiment, whose scripts import ``myconfig`` (``Task``, ``bodyparts``,
``Scorers`` and so on, assigned at its top level). Only values that are written out are taken; what would have to be
calculated is passed by.
"""

from __future__ import annotations

import ast
import os
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from dlc2lp.dlc.config import DlcConfig, VideoEntry
from dlc2lp.dlc.folders import DATA_SET, TRAINING_SET, names_in
from dlc2lp.files import digest_of
from dlc2lp.limits import SCRIPT_BYTES
from dlc2lp.model import VIDEO_SUFFIXES, Finding, Severity
from dlc2lp.wording import some

_MYCONFIG = re.compile(r"myconfig(_\w+)?\.py", re.IGNORECASE)
#: What a migration takes of it, with what each must be.
_WANTED = {
    "Task": "a name",
    "bodyparts": "a list of names",
    "Scorers": "a list of names",
    "scorer": "a name",
    "date": "a name",
    "vidpath": "a path",
    "filename": "a file name",
}
_BY_FILES = "names and order of the keypoints come from the label files"
_BOX = ("x1", "x2", "y1", "y2")


def is_myconfig(name: str) -> bool:
    """Whether a file is called like the settings of DeepLabCut 1."""
    return _MYCONFIG.fullmatch(name) is not None


def read_settings(data: Path, *folders: Path) -> tuple[DlcConfig | None, tuple[Finding, ...]]:
    """Read the settings of a data set, the folder ``data-<Task>``, from the first of the folders that has its own.

    Settings of another task are passed by; None where none are left. What was odd about single values stands in the
    configuration's findings.
    """
    found = [folder / name for folder in folders for name in names_in(folder) if is_myconfig(name)]
    findings: list[Finding] = []
    others = []
    for path in sorted(found, key=lambda path: path.name.lower() != "myconfig.py"):
        try:
            config = _read(path, data)
        except (OSError, SyntaxError, ValueError, RecursionError, MemoryError) as error:
            findings.append(_unreadable(path, error))
            continue
        if not config.task or not data.name.startswith(DATA_SET) or data.name == DATA_SET + config.task:
            return config, tuple(findings)
        others.append(f"{path.name} (task {config.task})")
    if others:
        message = f"found {some(others)}, and no settings of {data.name}; {_BY_FILES}"
        findings.append(Finding(Severity.WARNING, "myconfig-of-another-task", str(data), message))
    return None, tuple(findings)


def _read(path: Path, data: Path) -> DlcConfig:
    content = SCRIPT_BYTES.read(path)
    given, unclear = _assignments(_parse(content))
    values = _Values(str(path), given, unclear)
    return DlcConfig(
        path=path,
        task=values.text("Task"),
        scorer=_scorer(values),
        date=values.text("date"),
        bodyparts=values.names("bodyparts"),
        video_sets=tuple(_videos(values, path.parent, data)),
        findings=tuple(values.findings),
        content=digest_of(content, path),
    )


def _unreadable(path: Path, error: Exception) -> Finding:
    reason = getattr(error, "msg", "") or getattr(error, "strerror", "") or str(error) or type(error).__name__
    place = f"line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
    message = f"can't be read as Python ({reason}); {_BY_FILES}"
    return Finding(Severity.WARNING, "myconfig-unreadable", str(path), message, place)


def _parse(content: bytes) -> ast.Module:
    """Parse, in whatever code page, and without Python's own warnings (of a path that holds backslashes)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(content)
        except SyntaxError:
            try:
                content.decode()
            except UnicodeDecodeError:  # of a Windows machine: whatever the signs are, the names around them count
                return ast.parse(content.decode("cp1252", "replace"))
            raise


def _assignments(tree: ast.Module) -> tuple[dict[str, Any], set[str]]:
    """Return what the module's top level assigns as written-out values, and the names whose value is not clear."""
    given: dict[str, Any] = {}
    unclear: set[str] = set()
    for statement in tree.body:
        pairs = list(_pairs(statement))
        for name, node in pairs:
            given.pop(name, None)
            unclear.discard(name)
            try:
                given[name] = given[node.id] if isinstance(node, ast.Name) else ast.literal_eval(node)
            except (ValueError, KeyError, TypeError, SyntaxError, MemoryError, RecursionError):
                unclear.add(name)
        if not pairs:  # a branch, a loop, `+=`: what is assigned in it depends on what only running would tell
            inside = (node for node in ast.walk(statement) if isinstance(node, ast.Name))
            unclear.update(node.id for node in inside if isinstance(node.ctx, ast.Store))
    return given, unclear


def _pairs(statement: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    """Yield names and values of a plain assignment: ``a = 1``, ``a = b = 1``, ``x1, x2 = 0, 640``, ``a: int = 1``."""
    if isinstance(statement, ast.AnnAssign) and statement.value is not None:
        targets: list[ast.expr] = [statement.target]
    elif isinstance(statement, ast.Assign):
        targets = statement.targets
    else:
        return
    value = statement.value
    for target in targets:
        if isinstance(target, ast.Name) and value is not None:
            yield target.id, value
        elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            for each, part in zip(target.elts, value.elts, strict=False):
                if isinstance(each, ast.Name):
                    yield each.id, part


class _Values:
    """What was assigned, by its form; what has another one is a finding where it matters."""

    def __init__(self, subject: str, given: Mapping[str, Any], unclear: Iterable[str]) -> None:
        self.given = {name: value for name, value in given.items() if name not in unclear}
        self.findings: list[Finding] = []
        self._subject = subject
        for name in sorted(set(unclear) & _WANTED.keys()):
            self._odd(name, f"is calculated, expected {_WANTED[name]} that is written out; it is passed by")

    def text(self, name: str) -> str:
        """Return a name or number as text; empty where there is none."""
        value = self.given.get(name, "")
        if _is_word(value):
            return str(value).strip()
        self._odd(name, f"found {value!r}, expected {_WANTED[name]}; it is passed by")
        return ""

    def names(self, name: str) -> tuple[str, ...]:
        """Return a list of names, each once; a single name is a list of one."""
        value = self.given.get(name, ())
        listed = [value] if _is_word(value) else value
        if isinstance(listed, list | tuple) and all(map(_is_word, listed)):
            return tuple(dict.fromkeys(str(each) for each in listed))
        self._odd(name, f"found {value!r}, expected {_WANTED[name]}; it is passed by")
        return ()

    def _odd(self, name: str, message: str) -> None:
        self.findings.append(Finding(Severity.WARNING, "myconfig-value", self._subject, f"{name}: {message}", name))


def _is_word(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _scorer(values: _Values) -> str:
    """Return who labelled: ``scorer`` is whom training takes, ``Scorers`` all who labelled; of several none counts."""
    scorer, scorers = values.text("scorer"), values.names("Scorers")
    return scorer or (scorers[0] if len(scorers) == 1 else "")


def _videos(values: _Values, beside: Path, data: Path) -> Iterator[VideoEntry]:
    """Yield the videos: ``filename`` in ``vidpath``, and those of the data set's folders there or in ``videos/``.

    ``vidpath`` counts from the scripts' folder. An image folder is called like its video without suffix.
    """
    scripts = beside / TRAINING_SET if (beside / TRAINING_SET).is_dir() else beside
    vidpath = values.text("vidpath")
    asked = {name: _box(values) for name in values.names("filename")}
    sessions = {name for name in names_in(data) if (data / name).is_dir()}
    repository = scripts.parent if scripts.name == TRAINING_SET else beside
    places = [Path(os.path.normpath(scripts / vidpath))] if vidpath else []
    entries: dict[str, VideoEntry] = {}
    for name, box in asked.items():
        recorded = os.path.normpath(scripts / vidpath / name)
        entry = VideoEntry(recorded, box)
        entries[entry.stem] = entry
    for folder in (*places, repository / "videos"):
        for name in names_in(folder):
            entry = VideoEntry(str(folder / name))
            if Path(name).suffix.lower() in VIDEO_SUFFIXES and entry.stem in sessions:
                entries.setdefault(entry.stem, entry)
    yield from entries.values()


def _box(values: _Values) -> tuple[int, int, int, int] | None:
    """Return the region that the images were cut from, where ``cropping`` says so."""
    corners = [values.given.get(name) for name in _BOX]
    if values.given.get("cropping") is not True or not all(type(each) is int for each in corners):
        return None
    x1, x2, y1, y2 = (each for each in corners if isinstance(each, int))
    return (x1, x2, y1, y2) if 0 <= x1 < x2 and 0 <= y1 < y2 else None
