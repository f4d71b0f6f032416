"""Several DeepLabCut projects as one: ``--merge``.

Labs label the same frames in several projects (one for the body, one for the face) or the same keypoints in several
recordings. Sessions that only one project has are added; those that several have are joined image by image and keypoint
by keypoint, by name. Two images of one name and different content are never taken for the same frame.
"""

from __future__ import annotations

import dataclasses
import filecmp
from collections import ChainMap
from collections.abc import Sequence

from dlc2lp.dlc.framenames import natural_order
from dlc2lp.dlc.joining import join_sessions
from dlc2lp.dlc.project import DlcProject
from dlc2lp.dlc.session import DlcSession
from dlc2lp.errors import DecisionNeeded
from dlc2lp.model import Finding, ImageInfo, Severity, question
from dlc2lp.survey.label_files import ProjectLabels
from dlc2lp.survey.machine_labels import join_predictions
from dlc2lp.survey.session_labels import SessionLabels
from dlc2lp.wording import counted

_N_NAMED = 5  # images that a message names


def images_in_conflict(projects: Sequence[DlcProject]) -> list[Finding]:
    """Ask about images of the same session and name whose content differs between projects. Reads those files.

    What a later project has is compared with the first one that has it.
    """
    first: dict[tuple[str, str], ImageInfo] = {}
    differing: dict[str, dict[str, None]] = {}
    roots: dict[str, dict[str, None]] = {}
    for project in projects:
        for session in project.sessions:
            roots.setdefault(session.name, {})[str(project.root)] = None
            for name, image in session.images.items():
                other = first.setdefault((session.name, name), image)
                if other is not image and not _is_same(image, other):
                    differing.setdefault(session.name, {})[name] = None
    advice = "rename the folder in one of the projects, or convert them into two targets"
    return [
        question(
            "merged-images-differ",
            session,
            f"found {counted(len(names), 'image that has', 'images that have')} one name and different content in two "
            "projects: " + ", ".join(list(names)[:_N_NAMED]) + (" ..." if len(names) > _N_NAMED else ""),
            advice,
            candidates=tuple(roots[session]),
        )
        for session, names in differing.items()
    ]


def _is_same(image: ImageInfo, other: ImageInfo) -> bool:
    # The sizes first: most images that differ, differ there.
    return image.size_bytes == other.size_bytes and filecmp.cmp(image.path, other.path, shallow=False)


def merge_labels(parts: Sequence[ProjectLabels], keypoint_order: Sequence[str]) -> ProjectLabels:
    """Join the chosen labels of several projects; where sessions are joined, what the first project has goes first.

    The keypoints of all configs are in order, those of the first project first.
    """
    findings = [finding for part in parts for finding in part.findings]
    questions = [asked for part in parts for asked in part.questions]
    by_name: dict[str, list[SessionLabels]] = {}
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
            questions += [_of_projects(finding, sessions) for finding in error.findings]
            continue
        files = ", ".join(str(session.label_file) for session in sessions if session.label_file)
        findings.append(Finding(Severity.NOTE, "session-merged", name, f"its labels come from {files or 'no file'}"))
    return ProjectLabels(tuple(merged), tuple(findings), tuple(questions))


def _merge_session(sessions: Sequence[SessionLabels], keypoint_order: Sequence[str]) -> SessionLabels:
    tables = [session.labels for session in sessions if session.labels is not None]
    return dataclasses.replace(
        sessions[0],
        session=merge_folders([session.session for session in sessions]),
        labels=join_sessions(tables, keypoint_order) if tables else None,
        label_file=next((session.label_file for session in sessions if session.label_file), None),
        n_left_out=sum(session.n_left_out for session in sessions),
        predictions=join_predictions(session.predictions for session in sessions),
        other_folders=dict(ChainMap(*(dict(session.other_folders) for session in sessions))),
        near_images=dict(ChainMap(*(dict(session.near_images) for session in sessions))),
        n_frames_unseen=sum(session.n_frames_unseen for session in sessions),
        withheld=frozenset().union(*(session.withheld for session in sessions)),
    )


def merge_folders(folders: Sequence[DlcSession]) -> DlcSession:
    """Return the first folder with the images of all, in natural order; an image that is broken in one may be
    intact in another.
    """
    crops = frozenset().union(*(folder.random_crops for folder in folders))
    images = ChainMap(*(folder.images for folder in folders))
    broken = ChainMap(*(folder.broken_images for folder in folders))
    absent = ChainMap(*(folder.absent_images for folder in folders))
    return dataclasses.replace(
        folders[0],
        images={name: images[name] for name in sorted(images, key=lambda name: (name in crops, natural_order(name)))},
        broken_images={name: fault for name, fault in broken.items() if name not in images},
        absent_images={name: found for name, found in absent.items() if name not in images},
        random_crops=crops,
    )


def _of_projects(finding: Finding, sessions: Sequence[SessionLabels]) -> Finding:
    """Return a question about label files as one about the projects that they are of."""
    return dataclasses.replace(
        finding,
        subject=f"{finding.subject}/{finding.where}",
        where="",
        advice="correct one of the projects in DeepLabCut, or merge the others only",
        remedies=(),
        candidates=tuple(str(session.label_file) for session in sessions if session.label_file),
    )
