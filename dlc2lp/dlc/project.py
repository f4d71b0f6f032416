"""A folder on disk becomes a :class:`DlcProject`: everything that is there, before anything is chosen.

Where several files could be meant (two scorers, a CSV beside an HDF5), all are read; choosing is the business
of :mod:`dlc2lp.survey.label_files`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from dlc2lp.dlc.config import DlcConfig, read_config
from dlc2lp.dlc.csvfile import read_csv_labels
from dlc2lp.dlc.framenames import parse_row
from dlc2lp.dlc.hdf import read_hdf
from dlc2lp.dlc.images import list_frames, read_image_info
from dlc2lp.dlc.table import RawTable
from dlc2lp.errors import SourceRefused, UnreadableFile
from dlc2lp.model import VIDEO_SUFFIXES, Finding, ImageInfo, Severity, by_severity
from dlc2lp.wording import counted, some

LABELED_DATA = "labeled-data"
VIDEOS = "videos"

#: What DeepLabCut puts into the names of the videos that it draws on; since 2.1 ``DLC_``, before ``DeepCut_``.
_DRAWN_ON = re.compile(r"(DLC_|DeepCut_|DLC[A-Z]\w*_).*|(_labeled|DLClabeled|_full)$|_labeled_(before|after)_adapt$")

FileKind = Literal["h5", "csv"]


@dataclass(frozen=True)
class LabelFile:
    """One label file: what it is called and what it holds."""

    path: Path  #: The file.
    kind: FileKind  #: ``h5`` or ``csv``.
    stem_scorer: str  #: The scorer that the file's name carries: ``Anna`` of ``CollectedData_Anna.h5``.
    table: RawTable | None  #: Its rows and columns; None if it could not be read, and then ``findings`` say why.
    mtime_ns: int  #: When it was last changed.
    findings: tuple[Finding, ...] = ()  #: What reading it brought up.


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


@dataclass(frozen=True)
class LocatedProject:
    """A project of whatever kind that was found, with its configuration; its labels are not read yet."""

    root: Path  #: The project folder.
    config_path: Path | None  #: Its ``config.yaml``; None where there is none.
    config: DlcConfig | None  #: What that says; None where it is missing or can't be read.
    refusals: tuple[Finding, ...] = ()  #: Why it can't be read.

    @property
    def is_3d(self) -> bool:
        """Whether it is a DeepLabCut 3D project."""
        return self.config is not None and self.config.is_3d


def open_project(source: Path) -> LocatedProject:
    """Find a project and read its configuration; one that can't be read is no error yet.

    Parameters
    ----------
    source
        A project folder, its ``config.yaml``, or a folder that holds ``labeled-data``.

    Raises
    ------
    SourceRefused
        ``source-missing`` or ``not-a-dlc-project``.
    """
    root, config_path = locate_project(source)
    try:
        return LocatedProject(root, config_path, read_config(config_path) if config_path else None)
    except UnreadableFile as error:
        return LocatedProject(root, config_path, None, error.findings)


def read_project(source: Path | LocatedProject) -> DlcProject:
    """Read everything of a DeepLabCut project that a migration can need.

    Parameters
    ----------
    source
        The project as :func:`open_project` found it, whose configuration is then not read again; or what that takes.

    Raises
    ------
    SourceRefused
        ``source-missing``, ``not-a-dlc-project``, ``dlc-3d-project`` or ``no-labels``.
    """
    located = source if isinstance(source, LocatedProject) else open_project(source)
    root, config, refusals = located.root, located.config, located.refusals
    if config is not None and config.is_3d:
        raise _three_d(root, config)
    sessions, odd = _read_sessions(root / LABELED_DATA)
    findings = [*([] if refusals else config.findings if config else [_no_config(root)]), *odd]
    if not sessions:
        missing = Finding(
            Severity.ERROR,
            "no-labels",
            str(root / LABELED_DATA),
            "found no folder with frames or labels, expected one folder per video",
            advice="check that this is the project that was labelled, not an empty copy of it",
        )
        raise SourceRefused(missing, *refusals, *by_severity(findings))
    return DlcProject(root, config, tuple(sessions), _video_files(root / VIDEOS), tuple(findings), refusals)


def _three_d(root: Path, config: DlcConfig) -> SourceRefused:
    known = [f"{camera}: {path}" for camera, path in config.camera_configs.items()]
    return SourceRefused.of(
        "dlc-3d-project",
        str(root),
        "this is a DeepLabCut 3D project: it holds a calibration for "
        f"{counted(len(config.camera_names), 'camera')} and no labels of its own",
        advice="convert the 2D project of each camera" + (f" ({'; '.join(known)})" if known else ""),
    )


def is_drawn_on(path: Path, listed_names: frozenset[str] = frozenset()) -> bool:
    """Whether a video is DeepLabCut's own output (``m1DLC_resnet50_reachJan1shuffle1_100000_labeled.mp4``).

    A name that ``video_sets`` lists is always a source, however it looks.
    """
    return path.name not in listed_names and _DRAWN_ON.search(path.stem) is not None


def locate_project(source: Path) -> tuple[Path, Path | None]:
    """Return the project folder and its configuration, from whatever a person pointed at.

    Raises
    ------
    SourceRefused
        ``source-missing`` or ``not-a-dlc-project``.
    """
    source = Path(os.path.abspath(source))  # noqa: PTH100  (resolve() would follow links given on purpose)
    if not source.exists():
        raise SourceRefused.of(
            "source-missing", str(source), "no such file or folder", advice="check the path for a typing error"
        )
    if source.is_file():
        if source.suffix.lower() not in {".yaml", ".yml"}:
            raise SourceRefused.of(
                "not-a-dlc-project",
                str(source),
                f"found a {source.suffix or 'plain'} file, expected a project folder or its config.yaml",
                advice=f"give the project folder, for example {source.parent}",
            )
        return source.parent, source
    config_path = source / "config.yaml"
    if config_path.exists():
        return source, config_path
    if (source / LABELED_DATA).is_dir():
        return source, None
    inside = sorted(path.parent.name for path in source.glob("*/config.yaml"))
    raise SourceRefused.of(
        "not-a-dlc-project",
        str(source),
        "found neither config.yaml nor labeled-data in this folder",
        advice=(
            f"it holds the projects {some(inside)}: convert one of them"
            if inside
            else "give the folder that holds config.yaml and labeled-data"
        ),
    )


def _no_config(root: Path) -> Finding:
    return Finding(
        Severity.WARNING,
        "config-missing",
        str(root),
        "found no config.yaml; keypoint names and their order come from the label files, the skeleton is empty",
    )


def _read_sessions(labeled_data: Path) -> tuple[list[DlcSession], list[Finding]]:
    sessions: list[DlcSession] = []
    findings: list[Finding] = []
    if not labeled_data.is_dir():
        return sessions, findings
    for folder in sorted(labeled_data.iterdir(), key=lambda path: path.name):
        if folder.name.startswith((".", "_DS_Store")) or not folder.is_dir():
            continue
        try:
            session = _read_session(folder)
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


def _read_session(folder: Path) -> DlcSession:
    label_files = tuple(_read_label_files(folder, "CollectedData"))
    named = {parse_row(row).file_name for file in label_files if file.table for row in file.table.rows}
    listing = list_frames(folder, named)
    images: dict[str, ImageInfo] = {}
    broken: dict[str, Finding] = {}
    names = (*listing.frames, *listing.crops)
    # Header and checksums of each image: threads, since most of the time is waiting for the disk.
    with ThreadPoolExecutor(8) as pool:
        for name, result in zip(names, pool.map(lambda name: _image_or_fault(folder / name), names), strict=True):
            if isinstance(result, ImageInfo):
                images[name] = result
            else:
                broken[name] = result
    machine = tuple(_read_label_files(folder, "machinelabels"))
    return DlcSession(folder.name, folder, label_files, machine, images, broken, frozenset(listing.crops))


def _image_or_fault(path: Path) -> ImageInfo | Finding:
    try:
        return read_image_info(path)
    except UnreadableFile as error:
        return error.findings[0]


def _read_label_files(folder: Path, start: str) -> Iterator[LabelFile]:
    for path in sorted(folder.glob(f"{start}*"), key=lambda path: path.name):
        if path.suffix.lower() not in {".h5", ".csv"} or not path.is_file():
            continue
        kind: FileKind = "h5" if path.suffix.lower() == ".h5" else "csv"
        scorer = path.stem.removeprefix(start).removeprefix("_")
        mtime_ns = path.stat().st_mtime_ns
        try:
            read = read_hdf(path) if kind == "h5" else read_csv_labels(path)
        except UnreadableFile as error:
            yield LabelFile(path, kind, scorer, None, mtime_ns, error.findings)
        else:
            yield LabelFile(path, kind, scorer, read.table, mtime_ns, read.findings)


def _video_files(folder: Path) -> tuple[Path, ...]:
    if not folder.is_dir():
        return ()
    return tuple(
        sorted(
            (
                path
                for path in folder.iterdir()
                if path.suffix.lower() in VIDEO_SUFFIXES and not path.name.startswith(".") and not path.is_dir()
            ),
            key=lambda path: path.name,
        )
    )
