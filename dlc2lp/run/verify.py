"""A target against its plan, by other means than those that wrote it.

The label file is read by the rules that Lightning Pose reads it by, and compared cell by cell with the tables that the
DLC wing read from the source; the videos are counted again; the rest is LP's own rules (:mod:`dlc2lp.lp.check`).
"""

from __future__ import annotations

import contextlib
import math
from array import array
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Self

from dlc2lp.errors import Dlc2LpError
from dlc2lp.files import open_regular
from dlc2lp.lp.check import check_target
from dlc2lp.lp.label_cells import PARSER_ERROR, decoded_lines, number, open_table, text_lines
from dlc2lp.model import Finding, LabelTable, Severity, by_severity
from dlc2lp.options import VerifyLevel
from dlc2lp.planning.plan import Plan, label_files
from dlc2lp.planning.steps import WriteText
from dlc2lp.run.assess import Assessment, State, assess
from dlc2lp.run.findings import found_edited, held, incomplete, orphaned, unmergeable
from dlc2lp.run.label_findings import lasting
from dlc2lp.run.label_work import LabelWork
from dlc2lp.run.links import leads_out, outward_links
from dlc2lp.run.verify_context import check_context
from dlc2lp.run.verify_predictions import check_predictions
from dlc2lp.run.verify_videos import check_videos
from dlc2lp.wording import counted, one_line, pixels_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Verification:
    """What verifying brought up."""

    findings: tuple[Finding, ...]  #: Everything that does not fit, errors first.
    n_checked: dict[str, int]  #: How many things were compared, by name.

    def __repr__(self) -> str:
        n_checked = counted(sum(self.n_checked.values()), "comparison")
        state = "ok" if self.ok else "not ok"
        return one_line(self, "", n_checked, counted(len(self.findings), "finding"), state)

    @property
    def ok(self) -> bool:
        """Whether nothing is lost or unusable."""
        return all(finding.severity is not Severity.ERROR for finding in self.findings)


#: The source's labels as those of one animal, by view; by "" where there is a single one.
SourceLabels = Mapping[str, LabelTable]


def verify_target(
    plan: Plan, level: VerifyLevel = "sample", labels: SourceLabels | None = None, *, just_written: bool = False
) -> Verification:
    """Check a target against its plan and against Lightning Pose's rules.

    The level ``full`` also decodes every image and every frame of a video; ``none`` looks at names and records only.
    Where the source's labels are at hand, every cell is compared with its origin. ``just_written``: this process took
    the digest of each file when it wrote or found it, so that only those that were touched since are read again.
    """
    target = Path(plan.target)
    assessment = assess(plan, just_written=just_written and level != "full")
    findings = _check_records(plan, assessment)
    n_checked = {"files": sum(len(step.targets) for step in plan.steps)}
    if all((target / label_files(view)[0]).is_file() for view in plan.views or ("",)):
        findings += check_target(target, every_image=level == "full")
        if plan.label_files.isdisjoint(chain(assessment.orphans, *assessment.edited.values())):
            findings += lasting(assessment.labels) if assessment.labels else []
            tables = {view: read_labels(target, view) for view in plan.views or ("",)}
            wrong, n_labels = _check_labels(plan, tables, labels or {}, _Touched.of(assessment.labels))
            findings += wrong
            n_checked |= n_labels
        if level != "none":
            wrong, n_frames_of = check_videos(plan, target, level)
            n_checked["video_frames"] = sum(n_frames_of.values())
            findings += wrong
            wrong, n_rows = check_predictions(plan, n_frames_of, level)
            findings += wrong
            n_checked |= {"predicted_frames": n_rows} if plan.models else {}
            wrong, n_frames = check_context(plan, level)
            findings += wrong
            n_checked |= {"context_frames": n_frames} if n_frames else {}
    told = {(finding.subject, finding.where) for finding in findings if finding.severity is Severity.ERROR}
    findings += [each for each in assessment.unmerged if (each.subject, each.where) not in told]
    return Verification(tuple(by_severity(findings)), n_checked)


def check_planned_labels(plan: Plan, labels: SourceLabels) -> tuple[Finding, ...]:
    """Compare the label files that a plan would write, cell by cell, with the labels that they come from."""
    texts = {step.target: step.text for step in plan.steps if isinstance(step, WriteText)}
    tables = {
        view: [WrittenLabels.read(text_lines(texts[name]), name) for name in label_files(view) if name in texts]
        for view in plan.views or ("",)
    }
    return tuple(_check_labels(plan, tables, labels, _Touched())[0])


def _check_records(plan: Plan, assessment: Assessment) -> list[Finding]:
    """Return what is not as it was recorded."""
    findings: list[Finding] = []
    told = {finding.subject for finding in assessment.unmerged}
    for step in plan.steps:
        state = assessment.states[step.id]
        if state is State.EDITED:
            findings += [
                unmergeable(path, plan.target) if path in plan.labeling_texts else found_edited(path)
                for path in assessment.edited[step.id]
                if path not in told or path not in plan.labeling_texts
            ]
        elif state is State.HELD:
            findings.append(held(step))
        elif assessment.is_left(step):
            missing = [path for path in step.targets if not (Path(plan.target) / path).exists()]
            findings.append(incomplete(step, missing))
    target = Path(plan.target)
    links = outward_links(target, (path for step in plan.steps for path in step.targets))
    told_links = [leads_out(target, link, Severity.WARNING) for link in links]
    return [*findings, *map(orphaned, assessment.orphans), *told_links]


#: Rows that are compared at one time.
_N_AT_ONCE = 10_000


@dataclass(frozen=True)
class WrittenLabels:
    """A label file as Lightning Pose reads it, but each number by Python's own exact parser.

    pandas' default one may be off in the last bit before version 3.1.
    """

    row_of: Mapping[str, int]  #: Row of each image.
    column_of: Mapping[str, int]  #: Place of each keypoint.
    xy: NDArray[np.float64]  #: float64 of shape (F, K, 2); NaN = no label.

    @classmethod
    def read(cls, lines: Iterable[str], name: str) -> Self:
        """Read the lines of a label file of this name."""
        import numpy as np

        header, names, rows = open_table(lines, name)
        n_axes = (len(header[0]) - 1) // len(names)
        row_of: dict[str, int] = {}
        numbers = array("d")  # which grows in its place
        for n, row in enumerate(rows):
            row_of[row[0]] = n
            numbers.extend(map(_number, row[1:]))
        xy = np.frombuffer(numbers).reshape(len(numbers) // len(names) // n_axes, len(names), n_axes)[..., :2]
        return cls(row_of, {name: k for k, name in enumerate(names)}, xy)

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """Which points have both coordinates, shape (F, K)."""
        import numpy as np

        return np.asarray(~np.isnan(self.xy).any(axis=-1))


def read_labels(target: Path, view: str) -> list[WrittenLabels]:
    """Read the label files of a view; one that can't be read was told by Lightning Pose's rules."""
    tables = []
    for name in label_files(view):
        if (target / name).is_file():
            with contextlib.suppress(Dlc2LpError):
                tables.append(WrittenLabels.read(decoded_lines(open_regular(target / name), name), name))
    return tables


def _number(cell: str) -> float:
    if not cell:
        return math.nan
    try:
        return float(cell) if "_" not in cell else number(cell)
    except ValueError:  # a word for nothing; what else there is, is told by Lightning Pose's rules
        return math.nan


@dataclass(frozen=True)
class _Touched:
    """What people did to the labels since dlc2lp wrote them."""

    cells: Set[tuple[str, str]] = frozenset()  #: Image and keypoint of each label that is another one.
    #: How many labeled cells and labeled frames there are more than planned, by name.
    n_more: Mapping[str, int] = field(default_factory=dict)
    rel_error: float = 0.0  #: How far the other numbers may be off, since the app wrote the whole file anew.

    @classmethod
    def of(cls, labels: LabelWork | None) -> Self:
        """What of the labels is people's."""
        if labels is None:
            return cls()
        here, there = labels.here.n_labeled, labels.there.n_labeled
        touched = frozenset((change.image, change.keypoint) for change in labels.touched)
        return cls(touched, {name: here[name] - there[name] for name in here}, PARSER_ERROR)


def _check_labels(
    plan: Plan, tables: Mapping[str, Sequence[WrittenLabels]], labels: SourceLabels, touched: _Touched
) -> tuple[list[Finding], dict[str, int]]:
    """Return what is wrong with the label files of all views, and how many things were compared, by name."""
    findings, n_checked = _check_counts(plan, [*chain(*tables.values())], touched)
    n_coordinates = 0
    for view, table in labels.items():
        n_compared, wrong = _wrong_cells(plan, view, tables[view], table, touched)
        n_coordinates += n_compared
        if wrong:
            differ = counted(len(wrong), "coordinate differs", "coordinates differ")
            message = f"{differ} from the source: {'; '.join(wrong[:3])}"
            findings.append(_own_fault("labels-differ", view, message))
    return findings, n_checked | ({"coordinates": n_coordinates} if labels else {})


def _check_counts(
    plan: Plan, tables: Sequence[WrittenLabels], touched: _Touched
) -> tuple[list[Finding], dict[str, int]]:
    """Nothing lost: what is in the target, and what was left out with a finding, make up the source.

    Labels that people made or took away in the target are not counted.
    """
    points = [table.labelled for table in tables]
    n_all = {
        "labeled_cells": sum(int(each.sum()) for each in points),
        "labeled_frames": sum(int(each.any(axis=1).sum()) for each in points),
    }
    found = {name: n - touched.n_more.get(name, 0) for name, n in n_all.items()}
    findings = [
        _own_fault(
            "nothing-lost",
            plan.views[0] if plan.views else "",
            f"found {n_found} {name.replace('_', ' ')}, expected {count.written}: "
            f"{count.source} in the source, {count.left_out} left out with a finding",
        )
        for name, n_found in found.items()
        for count in (plan.counts[name],)
        if n_found != count.written or not count.balanced
    ]
    return findings, n_all


def _own_fault(code: str, view: str, message: str) -> Finding:
    """Return the finding for a fault of dlc2lp in the label file of a view."""
    advice = "please report this: it must never happen"
    return Finding(Severity.ERROR, code, label_files(view)[0], message, advice=advice)


def _wrong_cells(
    plan: Plan, view: str, tables: Sequence[WrittenLabels], labels: LabelTable, touched: _Touched
) -> tuple[int, list[str]]:
    """Compare every coordinate in the target with its origin, bit for bit; return how many, and which differ.

    Those that people touched are passed over.
    """
    import numpy as np

    target_of = _targets(plan, view)
    paths = [target_of.get((ref.session, ref.file_name)) for ref in labels.frames]
    touched_rows = {path for path, _ in touched.cells}
    n_compared, wrong = 0, list[str]()
    for start in range(0, len(paths), _N_AT_ONCE):
        some = paths[start : start + _N_AT_ONCE]
        there = labels.xy_px[start : start + len(some), 0]
        here = _points_at(tables, some, labels.keypoint_names)
        is_compared = np.repeat([[path is not None] for path in some], there.shape[1], axis=1)
        for row, path in enumerate(some):
            if path in touched_rows:
                is_compared[row] = [(path, name) not in touched.cells for name in labels.keypoint_names]
        n_compared += 2 * int(is_compared.sum())
        for row, k, axis in np.argwhere(~_alike(here, there, touched.rel_error) & is_compared[..., None]).tolist():
            one, two = here[row, k, axis].item(), there[row, k, axis].item()
            values = f"found {pixels_text(one, two)}, expected {pixels_text(two, one)}"
            wrong.append(f"{some[row]} {labels.keypoint_names[k]}: {values}")
    return n_compared, wrong


def _points_at(
    tables: Sequence[WrittenLabels], paths: Sequence[str | None], keypoints: Sequence[str]
) -> NDArray[np.float64]:
    """Return the points that label files have for some images, shape (images, K, 2); NaN where they have none."""
    import numpy as np

    points = np.full((len(paths), len(keypoints), 2), np.nan)
    for table in tables:
        rows = np.array([-1 if path is None else table.row_of.get(path, -1) for path in paths], dtype=np.intp)
        for k, name in enumerate(keypoints):
            if name in table.column_of:
                points[rows >= 0, k] = table.xy[rows[rows >= 0], table.column_of[name]]
    return points


def _alike(here: NDArray[np.float64], there: NDArray[np.float64], rel_error: float) -> NDArray[np.bool_]:
    """Return which numbers are the same, or as near as an error lets them be; no number is none too."""
    import numpy as np

    same: NDArray[np.bool_] = (here == there) | (np.isnan(here) & np.isnan(there))
    if not rel_error:
        return same
    with np.errstate(invalid="ignore"):
        near = np.abs(here - there) <= rel_error * np.maximum(np.abs(here), np.abs(there))
    return np.asarray(same | (near & np.isfinite(here)))


def _targets(plan: Plan, view: str) -> dict[tuple[str, str], str]:
    """Return the target path of each labeled frame of a view by DeepLabCut's folder and file name."""
    return {
        (session.folder, frame.source): frame.target
        for session in plan.sessions
        for frame in session.frames
        if session.view == view and frame.state in {"labeled", "test"}
    }
