"""The folder of a planning that goes on: the list of projects, and a line for each that is decided.

What is decided of a project is a line in a file that one process appends to, and whoever comes next plans only what
has no line yet. So planning can be interrupted, and be done by many machines at once, by the same means.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlc2lp.batch.decisions import Decisions
from dlc2lp.batch.discover import discover
from dlc2lp.batch.index import STATE_FOLDER, Entry, Index, finding_from_json
from dlc2lp.batch.naming import name_targets
from dlc2lp.errors import Dlc2LpError, UsageError
from dlc2lp.migrate.closing import write_if_new
from dlc2lp.migrate.options import Options
from dlc2lp.migrate.scratch import own_tag
from dlc2lp.migrate.target import check_only_holds
from dlc2lp.model import Finding
from dlc2lp.version import __version__

DECISIONS_FILE = "decisions.yaml"

_PLANNING = f"{STATE_FOLDER}/planning"
_LIST = f"{_PLANNING}/projects.json"


@dataclass(frozen=True)
class Request:
    """What is asked of planning.

    Attributes
    ----------
    root, out
        The archive, and where targets go; absolute.
    options
        What is chosen for all projects. A ``data_dir`` is where OUT will lie.
    decisions
        What a person decided for single projects.
    """

    root: Path
    out: Path
    options: Options
    decisions: Decisions

    @property
    def digest(self) -> str:
        """What tells an interrupted planning that it was asked the same."""
        asked = [__version__, str(self.root), self.options.as_json(), self.decisions.options]
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Listed:
    """What lies in an archive.

    Attributes
    ----------
    targets
        Target by project, in the order of the projects.
    findings
        What came up while searching.
    """

    targets: Mapping[str, str]
    findings: tuple[Finding, ...]


def list_projects(request: Request, *, must_exist: bool) -> Listed:
    """Return the list of an interrupted planning that was asked the same, or search the archive.

    Raises
    ------
    UsageError
        The root is no folder; or ``not-listed``: the list must exist and does not.
    TargetRefused
        OUT holds something else, or can't be written to.
    """
    path = request.out / _LIST
    try:
        document = json.loads(path.read_text(encoding="ascii"))
        if document["request"] == request.digest:
            return Listed(document["targets"], tuple(map(finding_from_json, document["findings"])))
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError):
        pass
    if must_exist:
        raise UsageError.of(
            "not-listed",
            str(request.out),
            "found no list of the archive's projects for these options",
            hint=f"make it first: dlc2lp batch plan {request.root} {request.out} --list-only, with the same options",
        )
    if request.out.is_dir() and not (request.out / STATE_FOLDER).is_dir():
        check_only_holds(request.out, (STATE_FOLDER, DECISIONS_FILE))
    found = discover(request.root, request.out)
    targets = name_targets(found.projects, request.root.name or "archive", _previous_targets(request))
    shutil.rmtree(request.out / _PLANNING, ignore_errors=True)
    document = {
        "request": request.digest,
        "targets": targets,
        "findings": [finding.as_json() for finding in found.findings],
    }
    write_if_new(path, json.dumps(document))
    return Listed(targets, found.findings)


def _previous_targets(request: Request) -> dict[str, str]:
    """Return the targets of the plan that OUT was made by, so that no project moves."""
    try:
        index = Index.read(request.out)
    except Dlc2LpError:
        return {}
    if index.root != str(request.root):
        return {}
    return {entry.project: _whole_target(entry) for entry in index.entries()}


def _whole_target(entry: Entry) -> str:
    """Return the target of the project that an entry belongs to."""
    return entry.target.rsplit("/", 1)[0] if entry.individual else entry.target


def _offsets(out: Path) -> dict[int, tuple[Path, int]]:
    """Return where the line of each planned project stands."""
    found: dict[int, tuple[Path, int]] = {}
    for path in sorted((out / _PLANNING).glob("*.jsonl")):
        offset = 0
        with path.open("rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    found[int(line[1 : line.index(b",")])] = (path, offset)
                offset += len(line)
    return found


def read_lines(out: Path, n_projects: int) -> Iterator[str]:
    """Read the lines of all projects in their order."""
    offsets = _offsets(out)
    files: dict[Path, Any] = {}
    try:
        for number in range(n_projects):
            path, offset = offsets[number]
            if path not in files:
                files[path] = path.open("rb")
            files[path].seek(offset)
            yield from json.loads(files[path].readline())[1]
    finally:
        for file in files.values():
            file.close()


def planned_numbers(out: Path) -> set[int]:
    """Return the numbers of the projects that are decided."""
    return set(_offsets(out))


def write_lines(out: Path, results: Iterable[tuple[int, Sequence[Entry]]]) -> Iterator[Entry]:
    """Write down what is decided of each project, as soon as it is; yield its first entry."""
    with (out / _PLANNING / f"{own_tag()}.jsonl").open("a", encoding="ascii") as file:
        for number, entries in results:
            # One line for each project, so that a line that was cut off makes it a project without one.
            file.write(json.dumps([number, [entry.to_line() for entry in entries]]) + "\n")
            file.flush()
            yield entries[0]


def end_planning(out: Path) -> None:
    """Remove the folder: the index holds all of it."""
    shutil.rmtree(out / _PLANNING, ignore_errors=True)
