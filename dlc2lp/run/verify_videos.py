"""The videos of a target against its plan: counted again, and whether they are what Lightning Pose reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from dlc2lp.errors import DiskTrouble, VideoFailed
from dlc2lp.model import Finding, RunAgain, Setting, Severity
from dlc2lp.options import VerifyLevel
from dlc2lp.planning.plan import Plan
from dlc2lp.run.findings import not_as_planned
from dlc2lp.video.checks import damage_in
from dlc2lp.video.encoding import choose
from dlc2lp.video.probe import probe
from dlc2lp.wording import counted


def check_videos(plan: Plan, target: Path, level: VerifyLevel) -> tuple[list[Finding], dict[str, int]]:
    """Return what is wrong with the videos, and how many frames each has."""
    findings: list[Finding] = []
    n_frames: dict[str, int] = {}
    for video in plan.videos:
        if not (target / video.target).exists():
            continue  # already told by its record
        try:
            info = probe(target / video.target)
            damage = damage_in(info.path, info, None) if level == "full" else []
        except (VideoFailed, DiskTrouble) as error:
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
    return [*findings, *_uneven_views(plan, n_frames)], n_frames


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
