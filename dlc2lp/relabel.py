"""The label files of a target, made what Lightning Pose trains on after people labelled in its app."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from dlc2lp.errors import EXIT_FAILED, EXIT_OK
from dlc2lp.lp.check_labels import read_label_file
from dlc2lp.lp.label_cells import PointCells
from dlc2lp.lp.label_sides import Edits, is_same
from dlc2lp.lp.names import label_file_name
from dlc2lp.model import Finding, Severity, by_severity
from dlc2lp.run.at_work import at_work, refuse_busy
from dlc2lp.run.label_findings import lacking, not_as_written
from dlc2lp.run.label_work import LabelWork, base_of, look_at_labels
from dlc2lp.run.labeling import record_ids, write_labels
from dlc2lp.run.scratch import sweep_target
from dlc2lp.run.stored import required_plan
from dlc2lp.wording import counted, one_line


@dataclass(frozen=True)
class MendedFile:
    """A label file or queue, and what is to be mended in it.

    Attributes
    ----------
    path
        Its name in the target.
    edits
        What people did to its labels since dlc2lp wrote it.
    n_visible
        Cells of ``visible`` that are set, by their new value: ``0``, ``1`` or ``2``.
    n_digits
        Labels that get the digits back which dlc2lp wrote: the app writes every number anew.
    n_rows
        Rows without labels that are added, as other views have labels of that moment.
    is_changed
        Whether the file is written anew; where nothing else is said, for the order or the form of its rows alone.
    """

    path: str
    edits: Edits
    n_visible: dict[str, int]
    n_digits: int
    n_rows: int
    is_changed: bool


@dataclass(frozen=True)
class Relabeled:
    """What became of the label files of a target.

    Attributes
    ----------
    target
        The target.
    files
        Its label files and queues.
    is_written
        Whether that was written, and not only looked at.
    findings
        What is wrong with them, errors first: still, or where nothing was written, as they are.
    """

    target: Path
    files: tuple[MendedFile, ...]
    is_written: bool
    findings: tuple[Finding, ...]

    def __repr__(self) -> str:
        mended = counted(sum(file.is_changed for file in self.files), "file mended", "files mended")
        n_findings = counted(len(self.findings), "finding")
        return one_line(self, self.target.name, mended, n_findings, f"exit {self.exit_code}")

    @property
    def exit_code(self) -> int:
        """0 if Lightning Pose trains on all labels, else 1; 0 too where nothing was to be written."""
        is_wrong = self.is_written and any(each.severity is Severity.ERROR for each in self.findings)
        return EXIT_FAILED if is_wrong else EXIT_OK


def relabel(target: str | Path, *, dry_run: bool = False) -> Relabeled:
    """Mend the label files of a target after labeling in the app; labels themselves stay as people made them.

    A point with a label gets ``visible`` 2; an empty ``visible``, or a 2 without a label, becomes what the conversion's
    ``nan_means`` says; the rows of all views come in one order, with a row for each moment that another view has.
    TargetRefused if the folder is no target of dlc2lp or can't be written to, Dlc2LpError where a file can't be read.
    """
    folder = Path(target).absolute()
    plan = replace(required_plan(folder), target=str(folder))
    refuse_busy(folder)
    if not dry_run:
        sweep_target(folder)  # also where nothing is left to do since another was killed
    base = base_of(folder, plan)
    labels = look_at_labels(plan, base, base.texts)
    to_write = {name: step for name, step in record_ids(plan, labels).items() if not labels.is_whole(name)}
    if to_write and not dry_run:
        with at_work(folder):
            write_labels(folder, to_write, labels)
    found: list[Finding] = [*lacking(labels.merged.lacking), *not_as_written(labels)]
    for view in plan.views or ("",):
        found += read_label_file(folder, view, None)[1]
    return Relabeled(folder, tuple(_mended(labels)), not dry_run, tuple(by_severity(found)))


def _mended(labels: LabelWork) -> Iterator[MendedFile]:
    """Yield of each file what the labels have become in it."""
    visible: dict[str, Counter[str]] = {name: Counter() for name in labels.texts}
    n_digits, n_rows = Counter[str](), Counter[str]()
    for view, rows in labels.merged.side.rows.items():
        before = labels.here.with_names(labels.merged.side.keypoint_names).rows[view]
        for moment, row in rows.items():
            name, old = label_file_name(view, row.suffix), before.get(moment)
            n_rows[name] += old is None
            for was, now in zip(old.points, row.points, strict=True) if old else ():
                n_digits[name] += is_same(was, now) and (was.x, was.y) != (now.x, now.y)
                visible[name][now.visible] += _is_set(was, now)
    for name in sorted(labels.texts):
        n_set = {flag: n for flag, n in sorted(visible[name].items()) if n}
        done = labels.by_people.get(name, Edits())
        yield MendedFile(name, done, n_set, n_digits[name], n_rows[name], not labels.is_whole(name))


def _is_set(was: PointCells, now: PointCells) -> bool:
    """Whether ``visible`` says another thing than it did: 2.0 is 2."""
    try:
        return was.flag != now.flag
    except ValueError:
        return was.visible != now.visible
