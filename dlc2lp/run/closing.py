"""The end of a migration: what all steps together left is checked and written down.

Whoever carried out the steps, one process or a thousand, this is done once afterwards.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from dlc2lp.codec import to_pieces
from dlc2lp.files import write_if_new
from dlc2lp.model import Finding, Severity, by_severity
from dlc2lp.options import VerifyLevel
from dlc2lp.planning.plan import Plan
from dlc2lp.renaming import remove
from dlc2lp.run.assess import Assessment
from dlc2lp.run.execute import adopt
from dlc2lp.run.findings import stale_removed
from dlc2lp.run.journal import Journal, Record
from dlc2lp.run.labeling import finish_labels
from dlc2lp.run.last_run import forget
from dlc2lp.run.links import leads_out, outward_links
from dlc2lp.run.manifest import MANIFEST_FILE, Manifest, manifest_of
from dlc2lp.run.renew_config import renew_config
from dlc2lp.run.verify import SourceLabels, Verification, verify_target


class Closed(NamedTuple):
    """What came of the end of a migration."""

    verification: Verification  #: What checking the target brought up.
    findings: tuple[Finding, ...]  #: Everything that a person should know, errors first.
    manifest: Manifest  #: What was written down: the state of the target, without the story of this run.
    records: Mapping[str, Record]  #: Of all steps, by their ids.


def close_target(
    plan: Plan,
    failed: Collection[str],
    findings: Iterable[Finding],
    assessment: Assessment | None,
    level: VerifyLevel,
    labels: SourceLabels | None = None,
    *,
    just_written: bool = False,
) -> Closed:
    """Remove what earlier plans left over, verify the target and write its manifest.

    ``failed`` are ids of steps, ``findings`` what came up while the steps were carried out. ``assessment`` is what the
    target held: files of earlier plans that still are as they were written go, where nothing failed and none of the
    others was changed by a person; None: they stay. ``just_written``: see :func:`~dlc2lp.run.verify.verify_target`.

    Raises TargetRefused where the manifest can't be written.
    """
    folder = Path(plan.target)
    journal = Journal(folder)
    removed: list[Finding] = []
    if assessment is not None:
        adopt(folder, assessment, plan.steps)
    if assessment is not None and not failed and not assessment.orphans:
        removed = _remove_stale(folder, assessment.stale, journal, plan)
    told = list(findings)
    if not failed:
        finish_labels(plan)
        told += renew_config(plan)  # which must fit the label files, and these may have been left as they were
    verification = verify_target(plan, level, labels, just_written=just_written)
    if not verification.ok:
        forget(folder)
    records = journal.read()
    # What the plan or the run has said of a thing, checking says again in other words.
    said = {(finding.code, finding.subject) for finding in (*plan.findings, *told)}
    checked = (finding for finding in verification.findings if (finding.code, finding.subject) not in said)
    # The manifest tells the state of the target, not the story of this run, or a second run would change it.
    lasting = merge_findings(plan.findings, told, _told_by_records(plan, records), checked)
    manifest = manifest_of(plan, records, failed, lasting)
    write_if_new(folder / MANIFEST_FILE, partial(to_pieces, manifest))
    return Closed(verification, merge_findings(removed, lasting), manifest, records)


def _remove_stale(target: Path, stale: Sequence[str], journal: Journal, plan: Plan) -> list[Finding]:
    """Remove what an earlier plan wrote and this one does not have, and forget the earlier plan's steps.

    Only files that still are as dlc2lp wrote them are handed in here; a person's changes stay.
    """
    links = outward_links(target, stale)
    gone = [path for path in stale if not any(path.startswith(f"{link}/") for link in links)]
    for path in gone:
        remove(target / path)
        parent = (target / path).parent
        if parent.parent.name == "labeled-data" and not any(parent.iterdir()):
            parent.rmdir()
    current = {step.id for step in plan.steps}
    recorded = journal.read_all()
    for step, record in recorded.records.items():
        if step not in current and (record.by == "convert" or _is_relabeled(record, plan)):
            journal.remove(step)
    for step in sorted(recorded.damaged - current):
        with contextlib.suppress(OSError):  # a folder, which is of no concern
            journal.remove(step)
    return [*([stale_removed(gone)] if gone else []), *(leads_out(target, link, Severity.WARNING) for link in links)]


def _is_relabeled(record: Record, plan: Plan) -> bool:
    return record.by == "labels" and all(file.path in plan.labeling_texts for file in record.files)


#: What a record may tell of how a video was made -> the code of the note, and what stands before the record's words.
_NOTES = {
    "encoded_because": ("video-encoded-instead", "was encoded, since a remux did not keep every frame: "),
    "complaints": ("video-complaints", ""),
}


def _told_by_records(plan: Plan, records: Mapping[str, Record]) -> list[Finding]:
    """Say of videos what came up as they were made, in this run or an earlier one."""
    return [
        Finding(Severity.NOTE, code, step.targets[0], words + said)
        for key, (code, words) in _NOTES.items()
        for step in plan.steps
        if step.id in records and isinstance(said := records[step.id].detail.get(key), str)
    ]


def merge_findings(*lists: Iterable[Finding]) -> tuple[Finding, ...]:
    """Join lists of findings; what an earlier one says of a thing is not said again by a later one."""
    merged: dict[tuple[str, str, str], Finding] = {}
    for findings in lists:
        for finding in findings:
            merged.setdefault((finding.code, finding.subject, finding.message), finding)
    return tuple(by_severity(list(merged.values())))
