"""The way back: the labels of a target, as they are now, as a DeepLabCut project.

The source is only read, and need not be there any more: what DeepLabCut's frames are called stands in the plan that the
target was written by.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dlc2lp.dlc.config import DlcConfig, VideoEntry
from dlc2lp.dlc.images import read_image_info
from dlc2lp.errors import EXIT_FAILED, EXIT_OK, Dlc2LpError, TargetRefused, UnreadableFile, raise_disk_trouble
from dlc2lp.events import Watch
from dlc2lp.files import absolute
from dlc2lp.limits import CONFIG_BYTES, CSV_BYTES
from dlc2lp.lp.label_cells import LabelCells
from dlc2lp.lp.project import skeleton_in
from dlc2lp.model import Command, Finding, Severity, by_severity
from dlc2lp.planning.export import ExportFile, config_of, files_of, project_names
from dlc2lp.planning.export_videos import Places, candidates, name_videos
from dlc2lp.planning.plan import Plan, label_files
from dlc2lp.planning.texts import PROJECT_FILE
from dlc2lp.planning.way_back import ViewLabels, WayBack, way_back
from dlc2lp.run.at_work import refuse_busy
from dlc2lp.run.export_folder import ExportRecord, check_disk, check_place, earlier_export, write_folder
from dlc2lp.run.export_images import ExportImages
from dlc2lp.run.former_project import FormerProject, source_roots
from dlc2lp.run.stored import has_plan, required_plan, targets_in
from dlc2lp.version import __version__
from dlc2lp.wording import counted, one_line, some


@dataclass(frozen=True)
class ExportedFolder:
    """A folder of ``labeled-data``."""

    name: str
    sessions: tuple[str, ...]  #: The sessions of the target that it was.
    n_labeled_frames: int  #: Rows that DeepLabCut's frames have.
    n_new_frames: int  #: Rows of frames that DeepLabCut never had.
    n_unlabeled_frames: int  #: Images without a row.
    n_points: int  #: Labelled points.


@dataclass(frozen=True)
class ExportedProject:
    """A DeepLabCut project."""

    path: str  #: Its folder.
    views: tuple[str, ...]  #: The views that it holds, several where it held them before; none in a single-view target.
    scorer: str
    individuals: tuple[str, ...]  #: None in a single-animal project.
    bodyparts: tuple[str, ...]  #: In a multi-animal project those that every individual has.
    unique_bodyparts: tuple[str, ...]  #: Those that occur once in a frame.
    #: Whether nothing of the source's configuration is in its own, as that is gone or could not be changed safely.
    is_config_new: bool
    folders: tuple[ExportedFolder, ...]


@dataclass(frozen=True)
class Export:
    """What an export came to."""

    target: str  #: The Lightning Pose project.
    folder: str  #: Where the DeepLabCut project lies; of several each has a folder in it.
    projects: tuple[ExportedProject, ...]
    findings: tuple[Finding, ...]
    is_written: bool  #: False for a dry run.
    n_files: int
    size_bytes: int

    def __repr__(self) -> str:
        folders = [folder for project in self.projects for folder in project.folders]
        n_frames = sum(folder.n_labeled_frames + folder.n_new_frames for folder in folders)
        return one_line(self, Path(self.folder).name, counted(n_frames, "labeled frame"), f"exit {self.exit_code}")

    @property
    def exit_code(self) -> int:
        """0 if everything that DeepLabCut has a place for went back, else 1."""
        return EXIT_FAILED if any(finding.severity is Severity.ERROR for finding in self.findings) else EXIT_OK


def export(target: str | Path, folder: str | Path, *, dry_run: bool = False, watch: Watch | None = None) -> Export:
    """Write the labels of a target as a DeepLabCut project into a new folder, or as all those that it was made of.

    An earlier export of the same target is replaced where nothing in it was changed. Nothing was written where
    TargetRefused is raised, as the folder can't be written to or the target is none; Dlc2LpError, as a label file can't
    be read; or Interrupted, as the work is to stop.
    """
    watch, place = watch or Watch(), absolute(target)
    into = absolute(folder)
    plan = _plan_of(place)
    refuse_busy(place)
    projects = FormerProject.open_all(plan)
    check_place(into, place, sorted(source_roots(plan, projects)))
    images = ExportImages.find(plan, place)
    names = [_folder_of(each.views) if len(projects) > 1 else "" for each in projects]
    made = [
        _Exporter(plan, place, images, former, name, into / name).made()
        for former, name in zip(projects, names, strict=True)
    ]
    if not any(folder.rows for each in made for folder in each.back.folders):
        raise _nothing(place, made)
    files = [
        replace(file, path=f"{name}/{file.path}" if name else file.path)
        for name, each in zip(names, made, strict=True)
        for file in each.files
    ]
    check_disk(into, files, Command.of("dlc2lp", "export", target, "FOLDER"))
    findings = [*(each for one in made for each in one.findings), *images.findings, *_left_in_source(plan)]
    if earlier_export(into) is not None:
        message = "is an earlier export in which nothing was changed; it is replaced"
        findings.append(Finding(Severity.NOTE, "export-replaced", str(folder), message))
    if not dry_run:
        write_folder(into, files, ExportRecord(__version__, str(place), ()), watch)
    size_bytes = sum(file.size_bytes for file in files)
    told, exported = tuple(by_severity(findings)), tuple(each.project for each in made)
    return Export(str(place), str(into), exported, told, not dry_run, len(files), size_bytes)


def _folder_of(views: Sequence[str]) -> str:
    """Return the folder of one of several projects; the name of a view has no underscore, so no two are alike."""
    return "_".join(views)


def _plan_of(target: Path) -> Plan:
    inner = targets_in(target)
    if not has_plan(target) and inner:
        message = f"holds {counted(len(inner), 'target')} ({some(inner, 3)}), expected one"
        one = Command.of("dlc2lp", "export", target / inner[0], "FOLDER")
        raise TargetRefused.of(
            "export-of-several", str(target), message, advice="export each by itself: {}", remedies=(one,)
        )
    return required_plan(target)


def _left_in_source(plan: Plan) -> Iterator[Finding]:
    """Say what of the source the target never had."""
    frames = [frame for session in plan.sessions for frame in session.frames if frame.state == "left-out"]
    n_points = plan.counts["labeled_cells"].left_out
    if frames or n_points:
        stayed = f"{counted(len(frames), 'image or row', 'images and rows')} and {counted(n_points, 'labelled point')}"
        message = f"{stayed} stayed behind when it was converted; they are in the source alone"
        yield Finding(Severity.NOTE, "export-left-in-source", plan.source, message)


def _nothing(target: Path, made: Sequence[_Made]) -> TargetRefused:
    message = "found no labeled frame in its label files, expected at least one"
    advice = "label some frames first, or give another target"
    findings = [finding for each in made for finding in each.findings if finding.severity is Severity.ERROR]
    nothing = Finding(Severity.ERROR, "export-nothing", str(target), message, "", advice)
    return TargetRefused(nothing, *findings)


@dataclass(frozen=True)
class _Made:
    """One project, rendered."""

    back: WayBack
    project: ExportedProject
    files: tuple[ExportFile, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class _Exporter:
    """Brings one project back, with all views that it held."""

    plan: Plan
    target: Path
    images: ExportImages
    former: FormerProject
    name: str  #: Its folder in that of the export; empty where it is the only one.
    folder: Path

    def made(self) -> _Made:
        """Return the project; nothing is written."""
        plan, images, former = self.plan, self.images.places, self.former
        labels = [ViewLabels(origin, self._labels(origin.view)) for origin in former.origins]
        back = way_back(plan, labels, images.keys(), self.images.only_png)
        recorded = None if former.config is None else _recorded(former.config)
        sessions = [session for folder in back.folders for session in folder.sessions]
        known = candidates(plan, recorded or (), sessions, str(self.target))
        on_disk = frozenset(path for path in known if _is_file(path))
        places = Places(str(self.target), str(self.folder), on_disk, dict(_sizes(back, images)))
        videos = name_videos(plan, former.views or ("",), back.folders, recorded, places)
        names = project_names(back, plan.project, str(self.folder), self._edges())
        config = config_of(former.config_bytes, names, str(self.folder), videos.entries)
        project = ExportedProject(
            str(self.folder),
            former.views,
            back.scorer,
            names.individuals,
            names.bodyparts,
            names.unique_bodyparts,
            config.is_new,
            tuple(_folders(back)),
        )
        of_all = [*former.findings, *back.findings, *videos.findings, *self._left_out(config.is_new)]
        findings = (*back.of_views, *(each.within(self.name) if self.name else each for each in of_all))
        return _Made(back, project, tuple(files_of(back, config, images)), findings)

    def _labels(self, view: str) -> dict[str, LabelCells]:
        """Return the label files of a view by name; Dlc2LpError where one can't be read."""
        found: dict[str, LabelCells] = {}
        for name in label_files(view):
            path = self.target / name
            if not path.is_file() and found:
                continue  # nothing is held out
            try:
                found[name] = LabelCells.read(CSV_BYTES.read_text(path, "utf-8-sig"), name)
            except FileNotFoundError as error:
                message = "found no such file, expected the labels"
                advice = "bring it back from a backup, or run the conversion again"
                raise Dlc2LpError.of("target-labels-missing", name, message, advice=advice) from error
            except (OSError, UnicodeDecodeError) as error:
                raise_disk_trouble(path, error)
                message, advice = f"can't be read: {error}", "bring it back from a backup, or run the conversion again"
                raise Dlc2LpError.of("target-labels-unreadable", name, message, advice=advice) from error
            _check_scorer(found[name].scorer, name)
        return found

    def _edges(self) -> list[tuple[str, str]]:
        """Return the skeleton of the target between bodyparts."""
        known = {name: column for origin in self.former.origins for name, column in origin.keypoints.items()}
        try:
            pairs = skeleton_in(CONFIG_BYTES.read_text(self.target / PROJECT_FILE))
        except (OSError, UnicodeDecodeError):
            pairs = []
        return list(
            dict.fromkeys((known[one][1], known[other][1]) for one, other in pairs if {one, other} <= known.keys())
        )

    def _left_out(self, is_config_new: bool) -> Iterator[Finding]:
        """Yield what the target never had, and whether the configuration is a new one."""
        first, *others = (origin.absent for origin in self.former.origins)
        absent = [name for name in first if all(name in other for other in others)]
        if absent:
            message = (
                "the target holds no labels of theirs; their columns are empty, and what was labelled is in the source"
            )
            yield Finding(Severity.NOTE, "export-individuals-absent", some(absent), message)
        if is_config_new:
            root, is_there = self.former.root, self.former.config is not None
            why = "its text can't be changed safely" if is_there else "found none that is the one of the conversion"
            message = f"{why} in {root}; a new one was made with DeepLabCut's defaults"
            advice = "set colours, training settings and the like again"
            yield Finding(Severity.NOTE, "export-config-new", "config.yaml", message, "", advice)


def _recorded(config: DlcConfig) -> Sequence[VideoEntry]:
    """Return the videos of the source's configuration; of a project of random crops the real ones."""
    return config.video_sets_original or config.video_sets


def _check_scorer(scorer: str, file: str) -> None:
    """Refuse a scorer that can't be part of a file's name."""
    if not scorer.strip() or not scorer.isprintable() or any(char in scorer for char in "/\\"):
        message = f"found the scorer {scorer!r}, expected a name that a file can have"
        advice = "correct the first row of the file, and export once more"
        raise Dlc2LpError.of("export-scorer-odd", file, message, where="row 1", advice=advice)


def _is_file(path: str) -> bool:
    try:
        return Path(path).is_file()
    except (OSError, ValueError):
        return False


def _sizes(back: WayBack, images: Mapping[str, tuple[str, int]]) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield the size of the first image of each folder that can be read."""
    for folder in back.folders:
        for image in folder.images[:1]:
            try:
                info = read_image_info(Path(images[image.target][0]))
            except UnreadableFile:
                continue
            yield folder.name, (info.width_px, info.height_px)


def _folders(back: WayBack) -> Iterator[ExportedFolder]:
    for folder in back.folders:
        n_rows = len(folder.rows)
        n_new = sum(image.is_new for image in folder.rows)
        n_without = len(folder.images) - n_rows
        yield ExportedFolder(folder.name, folder.sessions, n_rows - n_new, n_new, n_without, folder.n_points)
