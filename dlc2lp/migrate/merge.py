"""Several DeepLabCut projects as one: ``--merge``.

Labs label the same frames in several projects (one for the body, one for the face) or the same keypoints in several
recordings. Sessions that only one project has are added; those that several have are joined image by image and keypoint
by keypoint, by name. Two images of one name and different content are never taken for the same frame.
"""

from __future__ import annotations

import dataclasses
import filecmp
from collections.abc import Sequence

from dlc2lp.dlc.labels import join_sessions
from dlc2lp.dlc.project import DlcProject, DlcSession
from dlc2lp.errors import DecisionNeeded
from dlc2lp.migrate.choose import Chosen, ChosenSession, Decision
from dlc2lp.model import Finding, Severity


def images_in_conflict(projects: Sequence[DlcProject]) -> list[Decision]:
    """Compare images of the same session and name in several projects. Reads them."""
    first: dict[tuple[str, str], DlcSession] = {}
    differing: dict[str, list[str]] = {}
    for project in projects:
        for session in project.sessions:
            for name, image in session.images.items():
                other = first.setdefault((session.name, name), session)
                if other is session:
                    continue
                # The header's size first: most images that differ, differ there.
                if image.size_bytes != other.images[name].size_bytes or not filecmp.cmp(
                    image.path, other.images[name].path, shallow=False
                ):
                    differing.setdefault(session.name, []).append(name)
    return [
        Decision(
            "merged-images-differ",
            session,
            f"{len(names)} images have one name and different content in two projects: {', '.join(names[:5])}",
            tuple(str(project.root) for project in projects),
            "rename the folder in one of the projects, or convert them into two targets",
        )
        for session, names in differing.items()
    ]


def merge_chosen(parts: Sequence[Chosen], keypoint_order: Sequence[str]) -> Chosen:
    """Join the chosen labels of several projects; the first one's order of keypoints goes first."""
    findings = [finding for part in parts for finding in part.findings]
    decisions = [decision for part in parts for decision in part.decisions]
    by_name: dict[str, list[ChosenSession]] = {}
    for part in parts:
        for session in part.sessions:
            by_name.setdefault(session.session.name, []).append(session)
    merged = []
    for name, sessions in sorted(by_name.items()):
        if len(sessions) == 1:
            merged.append(sessions[0])
            continue
        try:
            merged.append(_merge_session(sessions, keypoint_order))
        except DecisionNeeded as error:
            decisions += [_as_decision(finding) for finding in error.findings]
            continue
        files = ", ".join(str(session.label_file) for session in sessions if session.label_file)
        findings.append(Finding(Severity.NOTE, "session-merged", name, f"its labels come from {files}"))
    return Chosen(tuple(merged), tuple(findings), tuple(decisions))


def _merge_session(sessions: Sequence[ChosenSession], keypoint_order: Sequence[str]) -> ChosenSession:
    first = sessions[0]
    tables = [session.labels for session in sessions if session.labels is not None]
    images = {name: image for session in reversed(sessions) for name, image in session.session.images.items()}
    broken = {
        name: fault
        for session in sessions
        for name, fault in session.session.broken_images.items()
        if name not in images
    }
    folder = dataclasses.replace(
        first.session,
        images=images,
        broken_images=broken,
        random_crops=frozenset().union(*(session.session.random_crops for session in sessions)),
    )
    return dataclasses.replace(
        first,
        session=folder,
        labels=join_sessions(tables, keypoint_order) if tables else None,
        n_left_out=sum(session.n_left_out for session in sessions),
        predictions=next((session.predictions for session in sessions if session.predictions), None),
        other_folders={name: home for session in sessions for name, home in session.other_folders.items()},
    )


def _as_decision(finding: Finding) -> Decision:
    return Decision(
        finding.code,
        f"{finding.subject}/{finding.where}",
        finding.message,
        (),
        "correct one of the projects in DeepLabCut, or merge the others only",
    )
