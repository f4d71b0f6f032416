"""Whether a target may be written to: asked before the first byte. Only looks."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath

from dlc2lp.dlc.folders import CONFIG_FILE, LABELED_DATA, is_readable_config
from dlc2lp.dlc.locate import LocatedProject, locate_project
from dlc2lp.errors import Dlc2LpError, SourceRefused, TargetRefused, UsageError, disk_trouble, reason
from dlc2lp.files import STATE_FOLDER
from dlc2lp.model import Finding, Setting, Severity
from dlc2lp.options import Options
from dlc2lp.planning.plan import PLAN_FILE, CountKeys, Plan
from dlc2lp.run.assess import WRITTEN, Assessment
from dlc2lp.run.disk_space import check_space, nearest_existing
from dlc2lp.run.path_length import check_length
from dlc2lp.run.scratch import STEPS
from dlc2lp.run.stored import has_plan, targets_in
from dlc2lp.wording import counted, some

#: Files that a file manager leaves in any folder that it shows.
NO_CONTENT = frozenset({".DS_Store", "Thumbs.db", "desktop.ini", ".directory"})


def check_paths(source: LocatedProject | None, target: Path, options: Options) -> None:
    """Refuse a target that lies badly, before anything is read."""
    others = (locate_project(path)[0] for path in (*options.merge, *(path for _, path in options.views)))
    for root in (*(() if source is None else (source.root,)), *others):
        check_location(root, target)
    check_data_dir(options.data_dir)


def check_data_dir(data_dir: str | None) -> None:
    """Refuse a folder for the starter config that Lightning Pose could not find (UsageError)."""
    # Training may run on another system than this.
    if data_dir is None or PurePosixPath(data_dir).is_absolute() or PureWindowsPath(data_dir).is_absolute():
        return
    message = f"found {data_dir!r}, expected an absolute path: Lightning Pose resolves it from wherever it runs"
    raise UsageError.of("data-dir-relative", "--data-dir", message)


def check_location(source: Path, target: Path) -> None:
    """Refuse a target that is a file, lies in the source, around it or in another project, or is not ours."""
    real_source, real_target = Path(os.path.realpath(source)), Path(os.path.realpath(target))
    if real_target == real_source or real_source in real_target.parents:
        message = f"lies inside the source {source}, which dlc2lp never writes to"
        advice = f"choose a folder beside it, for example {real_source.with_name(real_source.name + '-lp')}"
        raise TargetRefused.of("target-inside-source", str(target), message, advice=advice)
    if real_target in real_source.parents:
        message = f"holds the source {source}, and a Lightning Pose project must hold nothing else"
        raise TargetRefused.of("target-around-source", str(target), message, advice="choose an empty folder")
    try:
        _check_place(target)
    except OSError as error:
        raise _unreadable(target, error) from error


def _check_place(target: Path) -> None:
    check_is_folder(target)
    check_surroundings(target)
    if target.is_dir() and not has_plan(target):
        inner = targets_in(target)
        if inner:
            raise TargetRefused.of(
                "target-holds-targets",
                str(target),
                f"holds {counted(len(inner), 'other target')} ({', '.join(inner[:3])}), made by --individuals split or "
                "for an archive, and a Lightning Pose project must hold nothing else",
                advice="move what is there out of this folder and run the same command again, or choose a new folder",
            )
        _check_records(target)
        check_only_holds(target, (STATE_FOLDER,))


def _check_records(target: Path) -> None:
    """Refuse a target whose plan somebody removed: all in it would be a stranger's."""
    if not any((target / STATE_FOLDER / STEPS).glob("*.json")):
        return
    message = f"was made by dlc2lp, and its {PLAN_FILE}, by which its files are known, is gone"
    advice = f"bring {PLAN_FILE} back from a backup, or convert into a new, empty folder"
    raise TargetRefused.of("plan-missing", str(target), message, advice=advice)


def check_surroundings(target: Path) -> None:
    """Refuse a target that is a DeepLabCut project, or lies inside one or inside a finished target.

    dlc2lp never writes to a project, and Lightning Pose's app looks into the folders of one. What was made there before
    may be gone on with.
    """
    if has_plan(target):
        return
    real = Path(os.path.realpath(target))
    for folder in (real, *real.parents):
        if folder != real and (folder / PLAN_FILE).is_file():
            message = f"lies inside {folder}, which is a Lightning Pose project and must hold nothing else"
            raise TargetRefused.of("target-inside-target", str(target), message, advice=_elsewhere(folder))
        # Around a target by both: a copied configuration, or a folder called labeled-data, may lie anywhere.
        is_whole = folder == real or (folder / LABELED_DATA).is_dir()
        if is_whole and is_readable_config(folder / CONFIG_FILE):
            where = "is" if folder == real else "lies inside"
            message = f"{where} the DeepLabCut project {folder}, and dlc2lp never writes to a project"
            raise TargetRefused.of("target-inside-project", str(target), message, advice=_elsewhere(folder))


def _elsewhere(folder: Path) -> str:
    # A container may have a project mounted at the very top.
    example = f", for example {folder.with_name(folder.name + '-lp')}" if folder.name else ""
    return f"choose a folder that is in no project{example}"


def check_is_folder(target: Path) -> None:
    """Refuse a target that is a file, or that is not for us to look at."""
    try:
        if target.is_dir() or not target.exists():
            return
    except OSError as error:
        raise _unreadable(target, error) from error
    message = "found a file, expected a folder or nothing"
    raise TargetRefused.of("target-not-a-folder", str(target), message, advice="choose another name")


def _unreadable(target: Path, error: OSError) -> Dlc2LpError:
    if (trouble := disk_trouble(target, error)) is not None:
        return trouble
    message = f"could not be looked into: {reason(error)}"
    advice = "choose a folder of your own, or ask the owner for permission"
    return TargetRefused.of("target-unreadable", str(target), message, advice=advice)


def is_same_folder(one: Path, other: Path) -> bool:
    """Whether two paths, which may differ by links, mounts or spelling, lead to one folder that is there."""
    try:
        return one.samefile(other)
    except OSError:
        return False


def check_only_holds(folder: Path, allowed: Iterable[str]) -> None:
    """Refuse a folder that holds anything else than the given names."""
    try:
        content = sorted({path.name for path in folder.iterdir()} - NO_CONTENT - set(allowed))
    except OSError as error:
        raise _unreadable(folder, error) from error
    if content:
        n_others = counted(len(content), "file or folder", "files or folders")
        message = f"holds {n_others} that dlc2lp did not make ({', '.join(content[:3])})"
        raise TargetRefused.of("target-not-empty", str(folder), message, advice="choose a new or an empty folder")


def check_owner(plan: Plan, stored: Plan | None) -> None:
    """Refuse a target that was made from another project.

    A project that is no longer where it was counts as moved; while it is there, another one is not it, however alike.
    """
    if stored is None or stored.source == plan.source or is_same_folder(Path(stored.source), Path(plan.source)):
        return
    mine = {session.source for session in plan.sessions}
    theirs = {session.source for session in stored.sessions}
    is_there = _is_project(Path(stored.source))
    if is_there or stored.project != plan.project or not mine & theirs:
        message = f"was converted from {stored.source}{', which is still there' * is_there}, not from {plan.source}"
        advice = "choose a new or an empty folder"
        raise TargetRefused.of("target-of-another-source", plan.target, message, advice=advice)


def check_keeps(plan: Plan, stored: Plan | None) -> None:
    """Refuse to take out of a target what the source can't give as it could (``labels-would-go``, ``videos-would-go``).

    What people took out of a source goes from the target too; what a file that was damaged or lost since takes with it
    does not: perhaps the target holds the only good copy.
    """
    found = [] if stored is None else [*_labels_lost(plan, stored), *_videos_lost(plan, stored)]
    if found:
        raise TargetRefused(*found)


def _labels_lost(plan: Plan, stored: Plan) -> Iterator[Finding]:
    """Tell of labels in the target which an error that is new keeps from coming again, and of that error."""
    # What is to be done about it is not the same: a plan that is read knows no option by itself any more.
    known = {(each.subject, each.where, each.message) for each in stored.findings}
    errors = [each for each in plan.findings if each.severity is Severity.ERROR]
    reasons = [each for each in errors if (each.subject, each.where, each.message) not in known]
    frames, points = (stored.counts[name].written - plan.counts[name].written for name in CountKeys.names)
    if not reasons or max(frames, points) <= 0 or not _is_any_there(plan, stored.label_files):
        return
    fewer = [counted(n, what) for n, what in ((frames, "labeled frame"), (points, "labeled point")) if n > 0]
    message = f"the target holds {' and '.join(fewer)} more than the source gives now, with an error that is new"
    advice = "put right what the errors say and run the same command again, or convert into a new, empty folder"
    yield Finding(Severity.ERROR, "labels-would-go", plan.target, message, plan.source, advice)
    yield from reasons


def _videos_lost(plan: Plan, stored: Plan) -> Iterator[Finding]:
    """Tell of videos in the target, of sessions that are still migrated, that the source does not give as it did.

    They were moved, their disk is not there, they were damaged since, or the ``--video-root`` of then was not given.
    """
    if plan.options.get("videos") != stored.options.get("videos"):
        return
    sessions = {session.source for session in plan.sessions}
    # Under another name, as a view that was renamed has, it comes again too.
    planned = {place for video in plan.videos for place in (video.target, video.source)}
    lost = [
        video
        for video in stored.videos
        if planned.isdisjoint((video.target, video.source))
        and video.session in sessions
        and _is_any_there(plan, [video.target])
    ]
    if not lost:
        return
    message = (
        f"the target holds {counted(len(lost), 'video')} that the source does not give any more: "
        f"{some(f'{video.target} of {video.source}' for video in lost)}"
    )
    advice = (
        "bring it back, or name the folder where it is, or where you put a copy of the target's video: {}; "
        "to have no videos in the target: {}; to go by the source as it is, convert into a new, empty folder"
    )
    remedies = Setting("video-root", ("DIR",)), Setting("videos", ("none",))
    yield Finding(Severity.ERROR, "videos-would-go", plan.target, message, plan.source, advice, remedies)


def _is_any_there(plan: Plan, paths: Iterable[str]) -> bool:
    """Whether the target, of which a plan may have been stored and never carried out, has one of these files."""
    return any(os.path.lexists(os.path.join(plan.target, path)) for path in paths)  # noqa: PTH118


def _is_project(folder: Path) -> bool:
    try:
        locate_project(folder)
    except SourceRefused:
        return False
    except OSError:
        pass  # not for us to look into, so it is there
    return True


def check_disk(plan: Plan, assessment: Assessment) -> None:
    """Refuse a target that can't be written to where it is, before anything is written.

    Its disk takes nothing, has too little space, or has no paths that are as long.
    """
    existing = nearest_existing(Path(plan.target))
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        message = f"no permission to write in {existing}" if existing.is_dir() else f"{existing} is a file"
        advice = "choose a folder of your own, or ask the owner for write permission"
        raise TargetRefused.of("target-not-writable", plan.target, message, advice=advice)
    check_length(Path(plan.target), (path for step in plan.steps for path in step.targets))
    needed = sum(step.space_bytes for step in plan.steps if assessment.states[step.id] in WRITTEN)
    advice = "free some space, choose another disk, or migrate the labels alone with {}"
    check_space(Path(plan.target), needed, advice, Setting("videos", ("none",)))


def refusals(plan: Plan, stored: Plan | None, assessment: Assessment) -> list[Dlc2LpError]:
    """Return everything that stands against writing this plan to its target, for a dry run to show."""
    found: list[Dlc2LpError] = []
    for check in (
        partial(check_owner, plan, stored),
        partial(check_keeps, plan, stored),
        partial(check_disk, plan, assessment),
    ):
        try:
            check()
        except TargetRefused as error:
            found.append(error)
    return found
