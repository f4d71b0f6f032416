"""A target against its plan, by other means than those that wrote it.

The label file is read by pandas, as Lightning Pose reads it, and compared cell by cell with the tables that the
DLC wing read from the source; the videos are counted again; the rest is LP's own rules (:mod:`dlc2lp.lp.check`).
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, product
from math import isnan
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from dlc2lp.errors import VideoFailed
from dlc2lp.lp.check import check_target
from dlc2lp.model import Finding, LabelTable, RunAgain, Setting, Severity, by_severity
from dlc2lp.options import VerifyLevel
from dlc2lp.planning.plan import Plan, label_files
from dlc2lp.planning.steps import WriteText
from dlc2lp.run.assess import Assessment, State, assess
from dlc2lp.run.findings import found_edited, held, incomplete, not_as_planned, orphaned
from dlc2lp.run.verify_context import check_context
from dlc2lp.run.verify_predictions import check_predictions
from dlc2lp.video.checks import damage_in
from dlc2lp.video.encoding import choose
from dlc2lp.video.probe import probe
from dlc2lp.wording import counted, one_line

if TYPE_CHECKING:
    import pandas as pd


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


def verify_target(plan: Plan, level: VerifyLevel = "sample", labels: SourceLabels | None = None) -> Verification:
    """Check a target against its plan and against Lightning Pose's rules.

    The level ``full`` also decodes every image and every frame of a video; ``none`` looks at names and records only.
    Where the source's labels are at hand, every cell is compared with its origin.
    """
    target = Path(plan.target)
    assessment = assess(plan)
    findings = _check_records(plan, assessment)
    n_checked = {"files": sum(len(step.targets) for step in plan.steps)}
    if all((target / label_files(view)[0]).is_file() for view in plan.views or ("",)):
        findings += check_target(target, every_image=level == "full")
        if plan.label_files.isdisjoint(chain(assessment.orphans, *assessment.edited.values())):
            tables = {
                view: _read_labels([target / name for name in label_files(view) if (target / name).is_file()])
                for view in plan.views or ("",)
            }
            wrong, n_labels = _check_labels(plan, tables, labels or {})
            findings += wrong
            n_checked |= n_labels
        if level != "none":
            wrong, n_frames_of = _check_videos(plan, target, level)
            n_checked["video_frames"] = sum(n_frames_of.values())
            findings += [*wrong, *_uneven_views(plan, n_frames_of)]
            wrong, n_rows = check_predictions(plan, n_frames_of, level)
            findings += wrong
            n_checked |= {"predicted_frames": n_rows} if plan.models else {}
            wrong, n_frames = check_context(plan, level)
            findings += wrong
            n_checked |= {"context_frames": n_frames} if n_frames else {}
    return Verification(tuple(by_severity(findings)), n_checked)


def check_planned_labels(plan: Plan, labels: SourceLabels) -> tuple[Finding, ...]:
    """Compare the label files that a plan would write, cell by cell, with the labels that they come from."""
    texts = {step.target: step.text for step in plan.steps if isinstance(step, WriteText)}
    tables = {
        view: _read_labels([io.StringIO(texts[name]) for name in label_files(view) if name in texts])
        for view in plan.views or ("",)
    }
    return tuple(_check_labels(plan, tables, labels)[0])


def _check_records(plan: Plan, assessment: Assessment) -> list[Finding]:
    """Return what is not as it was recorded."""
    findings: list[Finding] = []
    for step in plan.steps:
        state = assessment.states[step.id]
        if state is State.EDITED:
            findings += map(found_edited, assessment.edited[step.id])
        elif state is State.HELD:
            findings.append(held(step))
        elif state is State.TO_DO:
            missing = [path for path in step.targets if not (Path(plan.target) / path).exists()]
            findings.append(incomplete(step, missing))
    return [*findings, *map(orphaned, assessment.orphans)]


def _read_labels(files: Sequence[Path | io.StringIO]) -> pd.DataFrame:
    """Read label files as Lightning Pose does, but each number by Python's own exact parser.

    pandas' default one may be off in the last bit, and its exact one is deprecated since pandas 3.1.
    """
    import pandas as pd

    texts = [pd.read_csv(file, header=[0, 1, 2], index_col=0, dtype=str, keep_default_na=False) for file in files]
    return pd.concat(texts).map(lambda cell: float(cell) if cell else float("nan"))


def _check_labels(
    plan: Plan, tables: Mapping[str, pd.DataFrame], labels: SourceLabels
) -> tuple[list[Finding], dict[str, int]]:
    """Return what is wrong with the label files of all views, and how many things were compared, by name."""
    findings, n_checked = _check_counts(plan, list(tables.values()))
    n_coordinates = 0
    for view, table in labels.items():
        n_compared, wrong = _wrong_cells(plan, view, tables[view], table)
        n_coordinates += n_compared
        if wrong:
            differ = counted(len(wrong), "coordinate differs", "coordinates differ")
            message = f"{differ} from the source: {'; '.join(wrong[:3])}"
            findings.append(_own_fault("labels-differ", view, message))
    return findings, n_checked | ({"coordinates": n_coordinates} if labels else {})


def _check_counts(plan: Plan, tables: Sequence[pd.DataFrame]) -> tuple[list[Finding], dict[str, int]]:
    """Nothing lost: what is in the target, and what was left out with a finding, make up the source."""
    xs = [table.loc[:, [column for column in table.columns if column[2] == "x"]].notna().to_numpy() for table in tables]
    found = {
        "labeled_cells": sum(int(each.sum()) for each in xs),
        "labeled_frames": sum(int(each.any(axis=1).sum()) for each in xs),
    }
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
    return findings, found


def _own_fault(code: str, view: str, message: str) -> Finding:
    """Return the finding for a fault of dlc2lp in the label file of a view."""
    advice = "please report this: it must never happen"
    return Finding(Severity.ERROR, code, label_files(view)[0], message, advice=advice)


def _wrong_cells(plan: Plan, view: str, table: pd.DataFrame, labels: LabelTable) -> tuple[int, list[str]]:
    """Compare every coordinate in the target with its origin, bit for bit; return how many, and which differ."""
    row_of = {str(name): row for row, name in enumerate(table.index)}
    values = table.to_numpy(dtype="float64")
    column_of = {(str(column[1]), str(column[2])): n for n, column in enumerate(table.columns)}
    target_of = _targets(plan, view)
    n_compared, wrong = 0, []
    for row, ref in enumerate(labels.frames):
        path = target_of.get((ref.session, ref.file_name))
        if path is None:
            continue
        for k, axis in product(range(len(labels.keypoint_names)), (0, 1)):
            column = column_of[labels.keypoint_names[k], "xy"[axis]]
            here = values[row_of[path], column] if path in row_of else float("nan")
            there = labels.xy_px[row, 0, k, axis]
            n_compared += 1
            if here != there and not (isnan(here) and isnan(there)):
                wrong.append(f"{path} {labels.keypoint_names[k]}: found {here!r}, expected {there!r}")
    return n_compared, wrong


def _targets(plan: Plan, view: str) -> dict[tuple[str, str], str]:
    """Return the target path of each labeled frame of a view by DeepLabCut's folder and file name."""
    return {
        (session.folder, frame.source): frame.target
        for session in plan.sessions
        for frame in session.frames
        if session.view == view and frame.state in {"labeled", "test"}
    }


def _uneven_views(plan: Plan, n_frames: Mapping[str, int]) -> list[Finding]:
    """Return a finding for each session whose videos, counted by their names in the target, are not equally long."""
    sessions: dict[str, dict[str, int]] = {}
    for video in plan.videos:
        if video.view and video.target in n_frames:
            session = PurePosixPath(video.target).stem.removesuffix(f"_{video.view}")
            sessions.setdefault(session, {})[video.view] = n_frames[video.target]
    advice, remedy = (
        "cut the videos to the same moments, or {}",
        RunAgain("run convert", (Setting("uneven", ("trim",)),)),
    )
    return [
        Finding(
            Severity.ERROR,
            "view-videos-differ",
            session,
            f"found videos of {', '.join(f'{n} ({view})' for view, n in numbers.items())} frames, expected as many in "
            "every view: Lightning Pose predicts no such session",
            advice=advice,
            remedies=(remedy,),
        )
        for session, numbers in sessions.items()
        if len(set(numbers.values())) > 1
    ]


def _check_videos(plan: Plan, target: Path, level: VerifyLevel) -> tuple[list[Finding], dict[str, int]]:
    """Return what is wrong with the videos, and how many frames each has."""
    findings: list[Finding] = []
    n_frames: dict[str, int] = {}
    for video in plan.videos:
        if not (target / video.target).exists():
            continue  # already told by its record
        try:
            info = probe(target / video.target)
            damage = damage_in(info.path, info, None) if level == "full" else []
        except VideoFailed as error:
            findings += error.findings
            continue
        n_frames[video.target] = info.n_frames
        treatment = choose(info)
        if info.n_frames != video.n_written:
            message = f"found {counted(info.n_frames, 'frame')}, expected {video.n_written} as in {video.source}"
            findings.append(not_as_planned("video-frames-lost", video.target, message))
        elif treatment.action != "place":
            message = "; ".join(reason.message for reason in treatment.reasons)
            findings.append(not_as_planned("video-not-conforming", video.target, message))
        findings += [replace(found, subject=video.target) for found in damage]
    return findings, n_frames
