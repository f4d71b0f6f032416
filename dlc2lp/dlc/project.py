"""A folder on disk becomes a :class:`DlcProject`: everything that is there, before anything is chosen.

Where several files could be meant (two scorers, a CSV beside an HDF5), all are read; choosing is the business
of :mod:`dlc2lp.survey.label_files`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from dlc2lp.dlc.config import DlcConfig
from dlc2lp.dlc.framenames import parse_row
from dlc2lp.dlc.images import list_frames, read_image_info
from dlc2lp.dlc.label_file import LabelFile, label_paths, read_label_file
from dlc2lp.dlc.locate import LABELED_DATA, LocatedProject, open_project
from dlc2lp.dlc.table import has_no_name
from dlc2lp.errors import SourceRefused, UnreadableFile
from dlc2lp.model import VIDEO_SUFFIXES, Finding, ImageInfo, Severity, by_severity
from dlc2lp.wording import counted

VIDEOS = "videos"

#: How the names of label files begin: those of people's labels, and those of a network's.
_STARTS = ("CollectedData", "machinelabels")

#: What DeepLabCut puts into the names of the videos that it draws on; since 2.1 ``DLC_``, before ``DeepCut_``.
_DRAWN_ON = re.compile(r"(DLC_|DeepCut_|DLC[A-Z]\w*_).*|(_labeled|DLClabeled|_full)$|_labeled_(before|after)_adapt$")


@dataclass(frozen=True)
class DlcSession:
    """One folder of ``labeled-data``."""

    name: str  #: The folder's name, which is the stem of the video.
    folder: Path  #: Where it lies.
    label_files: tuple[LabelFile, ...] = ()  #: Its ``CollectedData`` files, sorted by name.
    #: Its ``machinelabels`` files, sorted by name: predictions, never labels.
    machine_files: tuple[LabelFile, ...] = ()
    #: Intact frames by file name, in natural order; random crops among them.
    images: dict[str, ImageInfo] = field(default_factory=dict)
    #: Frames that can't be read, by file name, with the reason.
    broken_images: dict[str, Finding] = field(default_factory=dict)
    #: Names of those images that are random sub-crops of other frames (DeepLabCut 2.1.10 to 2.2rc).
    random_crops: frozenset[str] = frozenset()


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

    @property
    def name(self) -> str:
        """The project's own name for people: its task, or the folder's name."""
        return (self.config.task if self.config else "") or self.root.name


def read_project(source: Path | LocatedProject) -> DlcProject:
    """Read everything of a DeepLabCut project that a migration can need.

    ``source`` is the project as :func:`open_project` found it, whose configuration is then not read again; or what
    that takes. Raises SourceRefused as that does, for ``dlc-3d-project`` and for ``no-labels``.
    """
    located = source if isinstance(source, LocatedProject) else open_project(source)
    root, config, refusals = located.root, located.config, located.refusals
    if config is not None and config.is_3d:
        raise _three_d(root, config)
    sessions, odd = _read_sessions(root / LABELED_DATA, _names_in(config))
    findings = [*([] if refusals else config.findings if config else [_no_config(root)]), *odd]
    if not sessions:
        message = "found no folder with frames or labels, expected one folder per video"
        advice = "check that this is the project that was labelled, not an empty copy of it"
        missing = Finding(Severity.ERROR, "no-labels", str(root / LABELED_DATA), message, advice=advice)
        raise SourceRefused(missing, *refusals, *by_severity(findings))
    return DlcProject(root, config, tuple(sessions), _video_files(root / VIDEOS), tuple(findings), refusals)


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


def _read_sessions(labeled_data: Path, names: frozenset[str]) -> tuple[list[DlcSession], list[Finding]]:
    sessions: list[DlcSession] = []
    findings: list[Finding] = []
    if not labeled_data.is_dir():
        return sessions, findings
    every = sorted(labeled_data.iterdir(), key=lambda path: path.name)
    folders = [path for path in every if not path.name.startswith((".", "_DS_Store")) and path.is_dir()]
    label_files = _read_label_files(folders, names)
    for folder in folders:
        try:
            session = _read_session(folder, label_files)
        except UnreadableFile as error:
            findings += error.findings
            continue
        drawn_on = folder.name.endswith("_labeled") and not _labels_name_folder(session)
        if not drawn_on and (session.label_files or session.images or session.broken_images):
            sessions.append(session)
        elif not drawn_on:
            findings.append(Finding(Severity.NOTE, "folder-empty", session.name, "holds neither frames nor labels"))
    return sessions, findings


def _labels_name_folder(session: DlcSession) -> bool:
    """Whether the labels of ``x_labeled`` are its own: DeepLabCut's check_labels draws into such folders, but a
    video may be called so too.
    """
    tables = [file.table for file in session.label_files if file.table is not None]
    return any(parse_row(row).folder == session.name for table in tables for row in table.rows)


def _names_in(config: DlcConfig | None) -> frozenset[str]:
    """Return what a configuration calls keypoints, individuals and the scorer."""
    if config is None:
        return frozenset()
    return frozenset({*config.bodyparts, *config.unique_bodyparts, *config.individuals, config.scorer} - {""})


def _read_label_files(folders: Sequence[Path], names: frozenset[str]) -> dict[Path, LabelFile]:
    """Read all label files of some folders.

    Those whose code page is not certain are read again with the names that all others have.
    """
    paths = [path for folder in folders for start in _STARTS for path in label_paths(folder, start)]
    read = {path: read_label_file(path, names) for path in paths}
    tables = [file.table for file in read.values() if file.table is not None and file.is_text_certain]
    rows = (zip(table.levels, column, strict=True) for table in tables for column in table.columns)
    found = {text for row in rows for level, text in row if level != "coords" and not has_no_name(text)}
    unsure = [path for path, file in read.items() if not file.is_text_certain]
    return read | {path: read_label_file(path, names | found) for path in unsure if found - names}


def _read_session(folder: Path, files: Mapping[Path, LabelFile]) -> DlcSession:
    label_files, machine = (tuple(files[path] for path in label_paths(folder, start)) for start in _STARTS)
    named = {parse_row(row).file_name for file in label_files if file.table for row in file.table.rows}
    listing = list_frames(folder, named)
    names = (*listing.frames, *listing.crops)
    # Header and checksums of each image: threads, since most of the time is waiting for the disk.
    with ThreadPoolExecutor(8) as pool:
        read = dict(zip(names, pool.map(lambda name: _image_or_fault(folder / name), names), strict=True))
    images = {name: result for name, result in read.items() if isinstance(result, ImageInfo)}
    broken = {name: result for name, result in read.items() if isinstance(result, Finding)}
    return DlcSession(folder.name, folder, label_files, machine, images, broken, frozenset(listing.crops))


def _image_or_fault(path: Path) -> ImageInfo | Finding:
    try:
        return read_image_info(path)
    except UnreadableFile as error:
        return error.findings[0]


def _video_files(folder: Path) -> tuple[Path, ...]:
    if not folder.is_dir():
        return ()
    found = (path for path in folder.iterdir() if path.suffix.lower() in VIDEO_SUFFIXES and path.name[0] != ".")
    return tuple(sorted((path for path in found if not path.is_dir()), key=lambda path: path.name))
