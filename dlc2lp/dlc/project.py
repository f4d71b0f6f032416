"""A folder on disk becomes a :class:`DlcProject`: everything that is there, before anything is chosen.

Where several files could be meant (two scorers, a CSV beside an HDF5), all are read; choosing is the business
of :mod:`dlc2lp.survey.label_files`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dlc2lp.dlc.config import DlcConfig
from dlc2lp.dlc.label_file import label_paths, read_label_file
from dlc2lp.dlc.locate import Layout, LocatedProject, open_project
from dlc2lp.dlc.session import DlcSession, read_again, read_session, subfolders
from dlc2lp.dlc.stray_labels import by_rows, merged_files, packed_files, stray_files, with_shared, with_strays
from dlc2lp.errors import SourceRefused, UnreadableFile
from dlc2lp.model import VIDEO_SUFFIXES, Finding, Severity, by_severity
from dlc2lp.placeholders import Placeholder, not_here
from dlc2lp.wording import counted, some, spelled

VIDEOS = "videos"

#: What DeepLabCut puts into the names of the videos that it draws on; since 2.1 ``DLC_``, before ``DeepCut_``.
_DRAWN_ON = re.compile(r"(DLC_|DeepCut_|DLC[A-Z]\w*_).*|(_labeled|DLClabeled|_full)$|_labeled_(before|after)_adapt$")


@dataclass(frozen=True)
class DlcProject:
    """A DeepLabCut project as it lies on disk."""

    root: Path  #: The project folder.
    config: DlcConfig | None  #: Its ``config.yaml``; None where there is none.
    sessions: tuple[DlcSession, ...]  #: Folders of ``labeled-data`` that hold anything, sorted by name.
    #: Files in ``videos/`` with a video's suffix, dangling links included, sorted by name.
    video_files: tuple[Path, ...]
    findings: tuple[Finding, ...] = ()  #: What reading it brought up.
    #: Why it can't be migrated as it is: a ``config.yaml`` that can't be read (``config`` is None then). The rest was
    #: read all the same, so that everything that is wrong can be told at once.
    refusals: tuple[Finding, ...] = ()
    layout: Layout = "labeled-data"  #: How labels and images lie.

    @property
    def name(self) -> str:
        """The project's own name for people: its task, or the folder's name."""
        return (self.config.task if self.config else "") or self.root.name


def read_project(source: Path | LocatedProject, besides: Sequence[Path] = ()) -> DlcProject:
    """Read everything of a DeepLabCut project that a migration can need.

    ``source`` is the project as :func:`open_project` found it, whose configuration is then not read again; or what
    that takes. ``besides`` are label files elsewhere, which are read for the sessions that their rows name. Raises
    SourceRefused as that does, for ``dlc-3d-project`` and for ``no-labels``.
    """
    located = source if isinstance(source, LocatedProject) else open_project(source)
    root, config, refusals = located.root, located.config, located.refusals
    if config is not None and config.is_3d:
        raise _three_d(root, config)
    sessions, odd = _read_sessions(located, besides)
    findings = [*located.findings, *_about_config(located), *odd]
    findings += [_empty(session) for session in sessions if session.is_empty]
    sessions = [session for session in sessions if not session.is_empty]
    if not sessions:
        message = "found no folder with frames or labels, expected one folder per video"
        advice = "check that this is the project that was labelled, not an empty copy of it"
        missing = Finding(Severity.ERROR, "no-labels", str(located.data), message, advice=advice)
        raise SourceRefused(missing, *refusals, *by_severity(findings))
    findings += _about_label_files(sessions)
    videos = _video_files(root / VIDEOS)
    return DlcProject(root, config, tuple(sessions), videos, tuple(findings), refusals, located.layout)


def _about_config(located: LocatedProject) -> tuple[Finding, ...]:
    if located.refusals:
        return ()
    if located.config is not None:
        return located.config.findings
    # Data sets of DeepLabCut 1 and loose ones have none.
    return (_no_config(located.root),) if located.layout == "labeled-data" else ()


def _empty(session: DlcSession) -> Finding:
    return Finding(Severity.NOTE, "folder-empty", session.name, "holds neither frames nor labels")


def _about_label_files(sessions: Sequence[DlcSession]) -> list[Finding]:
    """Tell once for all label files which are not here, and which names are spelled in two ways."""
    files = [file for each in sessions for file in (*each.label_files, *each.machine_files, *each.odd_files)]
    absent: dict[Placeholder, list[str]] = {}
    for file in files:
        if file.placeholder is not None:
            absent.setdefault(file.placeholder, []).append(str(file.path))
    findings = [not_here(placeholder, "label file", paths) for placeholder, paths in absent.items()]
    respelled = dict.fromkeys(name for file in files for name in file.respelled)
    if respelled:
        among = counted(sum(bool(file.respelled) for file in files), "label file")
        how = "are spelled in two ways (accents in two parts, or blanks around)"
        message = f"names in {among} {how}; each is taken for the one name that it is"
        findings.append(Finding(Severity.NOTE, "name-in-two-spellings", some(map(repr, respelled)), message))
    return findings


def _three_d(root: Path, config: DlcConfig) -> SourceRefused:
    known = [f"{camera}: {path}" for camera, path in config.camera_configs.items()]
    cameras = counted(len(config.camera_names), "camera")
    message = f"this is a DeepLabCut 3D project: it holds a calibration for {cameras} and no labels of its own"
    advice = "convert the 2D project of each camera" + (f" ({'; '.join(known)})" if known else "")
    return SourceRefused.of("dlc-3d-project", str(root), message, advice=advice)


def is_drawn_on(path: Path, listed_names: frozenset[str] = frozenset()) -> bool:
    """Whether a video is DeepLabCut's own output (``m1DLC_resnet50_reachJan1shuffle1_100000_labeled.mp4``).

    A name that ``video_sets`` lists is always a source, however it looks.
    """
    return path.name not in listed_names and _DRAWN_ON.search(path.stem) is not None


def _no_config(root: Path) -> Finding:
    message = "found no config.yaml; keypoint names and their order come from the label files, the skeleton is empty"
    return Finding(Severity.WARNING, "config-missing", str(root), message)


def _known_names(config: DlcConfig | None) -> frozenset[str]:
    """What the configuration calls keypoints, individuals and the scorer."""
    if config is None:
        return frozenset()
    return frozenset((*config.bodyparts, *config.unique_bodyparts, *config.individuals, config.scorer)) - {""}


def _read_sessions(located: LocatedProject, besides: Sequence[Path]) -> tuple[list[DlcSession], list[Finding]]:
    names = _known_names(located.config)
    if located.layout == "loose":
        return [read_session(located.data, located.data.name, names)], []
    sessions: list[DlcSession] = []
    findings: list[Finding] = []
    folders = subfolders(located.data)
    if [folder.name for folder in folders] == [located.data.name]:
        message = f"holds nothing but another folder {located.data.name}, whose folders are taken for the sessions"
        findings.append(Finding(Severity.NOTE, "folder-in-folder", str(located.data), message))
        located = replace(located, data_folder=folders[0])
        folders = subfolders(located.data)
    for folder in folders:
        try:
            sessions.append(read_session(folder, folder.name, names))
        except UnreadableFile as error:
            findings += error.findings
    if located.layout == "dlc1":
        files = [read_label_file(path, names) for path in label_paths(located.data)]
        return with_shared(sessions, files, located.data), findings
    # DeepLabCut's check_labels draws into such folders, but a video may be called so too.
    drawn_on = {each.name for each in sessions if each.name.endswith("_labeled") and not each.names_itself}
    strays = [file for each in sessions if each.name in drawn_on for file in each.label_files]
    sessions = [each for each in sessions if each.name not in drawn_on]
    strays += packed_files(located.root, located.data, sessions)
    sessions, told = by_rows(sessions, located.data)
    findings += told
    strays += [*stray_files(located.root, located.data, names), *(read_label_file(path, names) for path in besides)]
    sessions = with_strays(sessions, strays, located.data)
    labelled = {spelled(each.name) for each in sessions if any(file.table for file in each.label_files)}
    if len(labelled) < len(sessions) or not sessions:
        sessions = with_strays(sessions, merged_files(located.root, names), located.data, but=labelled)
    return sorted(read_again(sessions, names), key=lambda each: each.name), findings


def _video_files(folder: Path) -> tuple[Path, ...]:
    if not folder.is_dir():
        return ()
    found = (path for path in folder.iterdir() if path.suffix.lower() in VIDEO_SUFFIXES and path.name[0] != ".")
    return tuple(sorted((path for path in found if not path.is_dir()), key=lambda path: path.name))
