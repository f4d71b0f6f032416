"""The folder of a planning that goes on: the list of projects, and a line for each that is decided."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dlc2lp.batch.decisions import Decisions
from dlc2lp.batch.discover import discover
from dlc2lp.batch.index import STATE_FOLDER, Entry, Index, finding_from_json
from dlc2lp.batch.ledger import Ledger
from dlc2lp.batch.naming import name_targets
from dlc2lp.errors import Dlc2LpError, UsageError
from dlc2lp.migrate.closing import write_if_new
from dlc2lp.migrate.options import Options
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
    planned_lines(request.out).remove()
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


def planned_lines(out: Path) -> Ledger:
    """Return what is decided of each project so far."""
    return Ledger(out / _PLANNING)
