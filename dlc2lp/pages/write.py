"""The page of a target, written into it: ``migration-report.html``.

It is made of the plan, the manifest, the records and what the label files hold, and nothing rests on it: no step makes
it, no check asks for it. Where it shows all this already it is left as it is.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import dlc2lp.pages.render as rendering
from dlc2lp import codec
from dlc2lp.errors import Dlc2LpError, Interrupted, fault, reason
from dlc2lp.files import PAGE_FILE, PLAN_FILE, absolute, open_regular, write_whole
from dlc2lp.lp.starter import ChoiceReason, starter_config
from dlc2lp.model import Command, Finding, Severity
from dlc2lp.pages.frames import ViewLabels
from dlc2lp.pages.gather import migration_report
from dlc2lp.pages.model import MigrationReport
from dlc2lp.pages.pictures import draw
from dlc2lp.planning.plan import Plan
from dlc2lp.run.closing import Closed
from dlc2lp.run.config_calls import last_call_in
from dlc2lp.run.journal import Journal, Record
from dlc2lp.run.manifest import WhatCame
from dlc2lp.run.stored import required_plan, stored_outcome
from dlc2lp.run.verify import read_labels

#: Bytes of a page in which its key stands, and those with which it ends.
_HEAD_BYTES, _END = 2048, b"</html>\n"


def write_page(plan: Plan, closed: Closed) -> tuple[Finding, ...]:
    """Write the page of a target that is closed, unless it shows all that already.

    A page that can't be made is no fault of the migration, and told: returned is what stands against it. Raises
    Interrupted where the work is to stop, and Dlc2LpError or OSError where the target itself has gone.
    """
    try:
        make_page(plan, closed.manifest.what_came, closed.records)
    except Interrupted:
        raise
    except (Dlc2LpError, OSError) as error:
        if not os.path.lexists(Path(plan.target, PLAN_FILE)):  # somebody removed it at this moment
            raise
        if isinstance(error, OSError):
            return (_not_written(plan, reason(error)),)
        return (_not_written(plan, "; ".join(finding.message for finding in error.findings)),)
    except Exception as error:  # noqa: BLE001  nobody is to lose a migration to a picture
        return (_not_written(plan, fault(PAGE_FILE, error, "").message),)
    return ()


def _not_written(plan: Plan, why: str) -> Finding:
    advice, again = "nothing else is touched by that; to try again: {}", Command.of("dlc2lp", "report", plan.target)
    message = f"could not be made: {why}"
    return Finding(Severity.WARNING, "report-not-written", PAGE_FILE, message, "", advice, (again,))


def make_page(plan: Plan, came: WhatCame, records: Mapping[str, Record], *, anew: bool = False) -> Path:
    """Write the page; where it shows all that already only if it is to be made ``anew``. Errors go to the caller."""
    target = Path(plan.target)
    path = target / PAGE_FILE
    report = _report_of(plan, came, records)
    key = _key(report)
    if anew or not _shows(path, key):
        pictures = draw(report.stills, target, report.picture_bytes)
        write_whole(path, rendering.migration_page(report, pictures, key).encode("utf-8", "backslashreplace"))
    return path


def page_of(plan: Plan) -> Path | None:
    """Return where the page of a target is; None where there is none."""
    path = Path(plan.target) / PAGE_FILE
    return path if path.is_file() else None


def remake_page(target: str | Path) -> Path:
    """Make the page of a target anew, of what stands there now, and return where it is.

    TargetRefused if the folder is no target of dlc2lp, was not converted to the end, or can't be written to.
    """
    folder = absolute(target)
    plan = replace(required_plan(folder), target=str(folder))
    return make_page(plan, stored_outcome(folder), Journal(folder).read(), anew=True)


def _report_of(plan: Plan, came: WhatCame, records: Mapping[str, Record]) -> MigrationReport:
    target = Path(plan.target)
    files = {file.path: file for step in came.steps for file in step.files}
    n_failed = sum(step.state == "failed" for step in came.steps)
    labels = [_labels_of(target, plan, view) for view in plan.views or ("",)]
    return migration_report(plan, came.findings, n_failed, files, labels, _config(plan, records))


def _labels_of(target: Path, plan: Plan, view: str) -> ViewLabels:
    """Read the label files of a view as they are now; those that can't be read are told by the check of the target."""
    import numpy as np

    parts = read_labels(target, view)
    paths = tuple(path for part in parts for path in part.row_of)
    xy_px = np.full((len(paths), len(plan.keypoints), 2), np.nan)
    start = 0
    for part in parts:
        rows = np.array([*part.row_of.values()], dtype=np.intp)
        for k, name in enumerate(plan.keypoints):
            if name in part.column_of:
                xy_px[start : start + len(rows), k] = part.xy[rows, part.column_of[name]]
        start += len(rows)
    return ViewLabels(view, paths, xy_px)


def _config(plan: Plan, records: Mapping[str, Record]) -> Sequence[ChoiceReason]:
    """Return the choices of the starter config that are in force: by the conversion, or by ``dlc2lp config`` since."""
    called, call = last_call_in(records, plan, Path(plan.target))
    return starter_config(plan.config_facts, call.choices).reasons if called else plan.config_reasons


def _key(report: MigrationReport) -> str:
    """Return a digest of all that a page shows, and of how."""
    hasher = hashlib.sha256(rendering.templates_digest().encode())
    for piece in codec.to_pieces(report):
        hasher.update(piece.encode())
    return hasher.hexdigest()


def _shows(path: Path, key: str) -> bool:
    """Whether a whole page with this key is there."""
    try:
        with open_regular(path) as file:
            head = file.read(_HEAD_BYTES)
            file.seek(-len(_END), 2)
            return f'{rendering.KEY_MARK}{key}"'.encode() in head and file.read() == _END
    except OSError:
        return False
