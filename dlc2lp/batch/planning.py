"""The folder of a planning that goes on: the list of projects, and a line for each that is decided."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dlc2lp.batch.decisions import Decisions
from dlc2lp.batch.discover import Discovery, check_root, discover
from dlc2lp.batch.index import INDEX_FILE, STATE_FOLDER
from dlc2lp.batch.ledger import Ledger
from dlc2lp.batch.naming import name_targets
from dlc2lp.batch.previous import Previous, keep_targets
from dlc2lp.codec import Malformed, read, to_line
from dlc2lp.dlc.misplaced import refusal
from dlc2lp.errors import SourceRefused, TargetRefused, UsageError
from dlc2lp.files import read_bytes, write_if_new
from dlc2lp.inside import InnerPath
from dlc2lp.model import Command, Finding, Severity
from dlc2lp.options import Options
from dlc2lp.run.target import check_data_dir, check_only_holds, check_surroundings
from dlc2lp.survey.calibrations import check_calibration_paths
from dlc2lp.version import __version__

DECISIONS_FILE = "decisions.yaml"

_PLANNING = f"{STATE_FOLDER}/planning"
_LIST = f"{_PLANNING}/projects.json"


def check_options(options: Options) -> None:
    """Refuse options that are impossible, whatever the project."""
    check_data_dir(options.data_dir)
    check_calibration_paths(options.calibration)
    if options.split == "list":
        why = "found 'list', which shows the splits of a single project, expected a shuffle"
        advice, remedies = "see the splits of a project with: {}", (Command("dlc2lp inspect PROJECT --split list"),)
        raise UsageError.of("unknown-split", "--split", why, advice=advice, remedies=remedies)


@dataclass(frozen=True)
class Request:
    """What is asked of planning."""

    #: The archive, and where targets go; absolute.
    root: Path
    out: Path
    options: Options  #: What is chosen for all projects. A ``data_dir`` is where OUT will lie.
    decisions: Decisions  #: What a person decided for single projects.

    @property
    def digest(self) -> str:
        """What tells an interrupted planning that it was asked the same."""
        asked = [__version__, str(self.root), self.options.as_json(), self.decisions.options]
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Listed:
    """What lies in an archive."""

    request: str  #: Digest of what was asked.
    targets: Mapping[str, InnerPath]  #: Target by project, in the order of the projects.
    findings: tuple[Finding, ...]  #: What came up while searching.


def list_projects(request: Request, previous: Previous, *, must_exist: bool) -> Listed:
    """Return the list of an interrupted planning that was asked the same, or search the archive."""
    path = request.out / _LIST
    with contextlib.suppress(OSError, Malformed):  # there is none, or a damaged one
        listed = read(Listed, read_bytes(path))
        if listed.request == request.digest:
            return listed
    if must_exist:
        why = "found no list of the archive's projects for these options"
        advice = "make it first: {}, with the same options"
        remedies = (Command(f"dlc2lp batch plan {request.root} {request.out} --list-only"),)
        raise UsageError.of("not-listed", str(request.out), why, advice=advice, remedies=remedies)
    check_root(request.root, request.out)
    if request.out.is_dir() and not (request.out / STATE_FOLDER).is_dir():
        check_only_holds(request.out, (STATE_FOLDER, DECISIONS_FILE))
    found = discover(request.root, request.out)
    _check_projects(request, found)
    targets = name_targets(found.projects, request.root.name or "archive", previous.targets)
    planned_lines(request.out).remove()
    keep_targets(request.root, request.out, {**previous.targets, **targets})
    listed = Listed(request.digest, targets, found.findings)
    if targets:  # else the next call searches again
        write_if_new(path, to_line(listed))
    return listed


def _check_projects(request: Request, found: Discovery) -> None:
    """Refuse what was found, before anything is written."""
    if not found.projects and (request.out / INDEX_FILE).exists():
        advice = "see whether its disk is there; the plan of OUT stays as it is"
        raise SourceRefused(no_projects(request.root, advice), *found.findings)
    real_out = Path(os.path.realpath(request.out))
    for project in found.projects:
        source = request.root / project
        if Path(os.path.realpath(source)) in (real_out, *real_out.parents):
            why = f"lies inside the project {os.path.normpath(source)}, and dlc2lp never writes to a source"
            beside = request.root.with_name(f"{request.root.name}-lp")
            advice = f"choose a folder that is in no project, for example {beside}"
            raise TargetRefused.of("target-inside-source", str(request.out), why, advice=advice)
    if not (request.out / STATE_FOLDER).is_dir():
        check_surroundings(request.out)


def no_projects(root: Path, advice: str = "") -> Finding:
    """Return the finding for an archive without projects."""
    why = "found no DeepLabCut project in this folder or below it"
    usual = "give the folder that holds the projects; one has a config.yaml or a labeled-data folder"
    if not advice:
        (found,) = refusal(root).findings  # perhaps a part of a project, or a folder of packed ones
        if found.remedies:
            why = f"{why}; it {found.message}"
            return Finding(Severity.ERROR, "no-projects", str(root), why, "", found.advice, found.remedies)
    return Finding(Severity.ERROR, "no-projects", str(root), why, advice=advice or usual)


def planned_lines(out: Path) -> Ledger[list[str]]:
    """Return what is decided of each project so far: lines of the index."""
    return Ledger(out / _PLANNING, list[str])
