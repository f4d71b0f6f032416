"""The way back: the labels of a target, as they are now, as a DeepLabCut project.

The source is only read, and need not be there any more: what DeepLabCut's frames are called stands in the plan that the
target was written by.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dlc2lp.dlc.config import VideoEntry
from dlc2lp.dlc.images import read_image_info
from dlc2lp.errors import EXIT_FAILED, EXIT_OK, Dlc2LpError, TargetRefused, UnreadableFile
from dlc2lp.events import Watch
from dlc2lp.files import PLAN_FILE, digest
from dlc2lp.lp.label_cells import LabelCells
from dlc2lp.lp.project import skeleton_in
from dlc2lp.model import Command, Finding, Severity, by_severity
from dlc2lp.planning.export import ExportFile, config_of, files_of, project_names
from dlc2lp.planning.export_videos import Places, candidates, name_videos
from dlc2lp.planning.plan import Plan, label_files
from dlc2lp.planning.steps import ImagePlacement, PlaceImages
from dlc2lp.planning.texts import PROJECT_FILE
from dlc2lp.planning.way_back import WayBack, way_back
from dlc2lp.run.export_folder import ExportRecord, check_disk, check_place, earlier_export, write_folder
from dlc2lp.run.former_project import FormerProject, source_roots
from dlc2lp.run.journal import Journal
from dlc2lp.run.stored import required_plan
from dlc2lp.version import __version__
from dlc2lp.wording import counted, one_line, some

#: Where an image is copied from, and its size in bytes, by its path in the target.
Images = Mapping[str, tuple[str, int]]


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
    view: str  #: The view that it was; empty in a single-view target.
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
    folder: str  #: Where the DeepLabCut project lies, or one for each view.
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
    """Write the labels of a target as a DeepLabCut project into a new folder, or one for each view.

    An earlier export of the same target is replaced where nothing in it was changed. Nothing was written where
    TargetRefused is raised, as the folder can't be written to or the target is none; Dlc2LpError, as a label file can't
    be read; or Interrupted, as the work is to stop.
    """
    watch, place = watch or Watch(), Path(os.path.abspath(target))  # noqa: PTH100  (links may be there on purpose)
    into = Path(os.path.abspath(folder))  # noqa: PTH100
    plan = _plan_of(place)
    views = [FormerProject.open(plan, view) for view in plan.views or ("",)]
    check_place(into, place, sorted(source_roots(plan, views)))
    made = [_Exporter(plan, place, view, into / view.name if view.name else into).made() for view in views]
    if not any(folder.rows for each in made for folder in each.back.folders):
        raise _nothing(place, made)
    files = [
        replace(file, path=f"{each.view.name}/{file.path}" if each.view.name else file.path)
        for each in made
        for file in each.files
    ]
    check_disk(into, files, Command.of("dlc2lp", "export", target, "FOLDER"))
    findings = [*(finding for each in made for finding in each.findings), *_left_in_source(plan)]
    if earlier_export(into) is not None:
        message = "is an earlier export in which nothing was changed; it is replaced"
        findings.append(Finding(Severity.NOTE, "export-replaced", str(folder), message))
    if not dry_run:
        write_folder(into, files, ExportRecord(__version__, str(place), ()), watch)
    size_bytes = sum(file.size_bytes for file in files)
    projects = tuple(each.project for each in made)
    return Export(str(place), str(into), projects, tuple(by_severity(findings)), not dry_run, len(files), size_bytes)


def _plan_of(target: Path) -> Plan:
    inner = sorted(path.parents[1].name for path in target.glob(f"*/{PLAN_FILE}"))
    if not (target / PLAN_FILE).exists() and inner:
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
    """One view's project, rendered."""

    view: FormerProject
    back: WayBack
    project: ExportedProject
    files: tuple[ExportFile, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class _Exporter:
    """Brings one view back."""

    plan: Plan
    target: Path
    view: FormerProject
    folder: Path

    def made(self) -> _Made:
        """Return the project of the view; nothing is written."""
        plan, name = self.plan, self.view.name
        images, only_png, told = self._images()
        back = way_back(plan, self.view.origin, self._labels(), images.keys(), only_png)
        recorded = None if self.view.config is None else self._recorded()
        sessions = [session for folder in back.folders for session in folder.sessions]
        known = candidates(plan, recorded or (), sessions, str(self.target))
        on_disk = frozenset(path for path in known if _is_file(path))
        places = Places(str(self.target), str(self.folder), on_disk, dict(_sizes(back, images)))
        videos = name_videos(plan, name, back.folders, recorded, places)
        names = project_names(back, plan.project, str(self.folder), self._edges())
        config = config_of(self.view.config_bytes, names, str(self.folder), videos.entries)
        project = ExportedProject(
            str(self.folder),
            name,
            back.scorer,
            names.individuals,
            names.bodyparts,
            names.unique_bodyparts,
            config.is_new,
            tuple(_folders(back)),
        )
        findings = [*self.view.findings, *back.findings, *told, *videos.findings, *self._left_out(config.is_new)]
        return _Made(self.view, back, project, tuple(files_of(back, config, images)), tuple(self._placed(findings)))

    def _placed(self, findings: Sequence[Finding]) -> Iterator[Finding]:
        """Yield findings of a view with its name; label files have it already."""
        for finding in findings:
            is_named = not self.view.name or finding.subject in label_files(self.view.name)
            yield finding if is_named else finding.within(self.view.name)

    def _labels(self) -> dict[str, LabelCells]:
        """Return the label files of the view by name; Dlc2LpError where one can't be read."""
        found: dict[str, LabelCells] = {}
        for name in label_files(self.view.name):
            path = self.target / name
            if not path.is_file() and found:
                continue  # nothing is held out
            try:
                found[name] = LabelCells.read(path.read_text(encoding="utf-8-sig"), name)
            except FileNotFoundError as error:
                message = "found no such file, expected the labels"
                advice = "bring it back from a backup, or run the conversion again"
                raise Dlc2LpError.of("target-labels-missing", name, message, advice=advice) from error
            except (OSError, UnicodeDecodeError) as error:
                message, advice = f"can't be read: {error}", "bring it back from a backup, or run the conversion again"
                raise Dlc2LpError.of("target-labels-unreadable", name, message, advice=advice) from error
            _check_scorer(found[name].scorer, name)
        return found

    def _images(self) -> tuple[Images, frozenset[str], list[Finding]]:
        """Return where each image is copied from, those that are there in another format alone, and what to say."""
        folder = self.target / "labeled-data"
        found = {
            path.relative_to(self.target).as_posix(): (str(path), path.stat().st_size)
            for path in sorted(folder.glob("*/*"))
            if path.is_file()
        }
        records = Journal(self.target).read()
        written = {file.path: file for record in records.values() for file in record.files}
        only_png, converted = set[str](), list[str]()
        for image in (image for step in self.plan.steps if isinstance(step, PlaceImages) for image in step.images):
            is_converted = image.as_png or image.shift is not None
            is_as_written = image.target not in found or (
                is_converted
                and image.target in written
                and replace(digest(self.target / image.target), path=image.target) == written[image.target]
            )
            if is_as_written and _is_original(image):
                found[image.target] = (image.source, image.size_bytes)
            elif is_converted and image.target in found:
                converted.append(image.target)
                only_png |= {image.target} if image.as_png else set()
        if not converted:
            return found, frozenset(only_png), []
        n_images = counted(len(converted), "image is", "images are")
        message = f"{n_images} exported as the conversion made them (PNG of 8 bits): the originals are gone or changed"
        finding = Finding(Severity.NOTE, "export-images-converted", "labeled-data", message, some(converted))
        return found, frozenset(only_png), [finding]

    def _recorded(self) -> Sequence[VideoEntry]:
        """Return the videos of the source's configuration; of a project of random crops the real ones."""
        if self.view.config is None:
            return ()
        return self.view.config.video_sets_original or self.view.config.video_sets

    def _edges(self) -> list[tuple[str, str]]:
        """Return the skeleton of the target between bodyparts."""
        known = self.view.origin.keypoints
        try:
            pairs = skeleton_in((self.target / PROJECT_FILE).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError):
            pairs = []
        return list(
            dict.fromkeys((known[one][1], known[other][1]) for one, other in pairs if {one, other} <= known.keys())
        )

    def _left_out(self, is_config_new: bool) -> Iterator[Finding]:
        """Yield what the target never had, and whether the configuration is a new one."""
        absent = self.view.origin.absent
        if absent:
            message = (
                "the target holds no labels of theirs; their columns are empty, and what was labelled is in the source"
            )
            yield Finding(Severity.NOTE, "export-individuals-absent", some(absent), message)
        if is_config_new:
            why = "is gone or another project now" if self.view.config is None else "could not be changed safely"
            message = (
                f"the configuration of {self.view.origin.root} {why}; a new one was made with DeepLabCut's defaults"
            )
            advice = "set colours, training settings and the like again"
            yield Finding(Severity.NOTE, "export-config-new", "config.yaml", message, "", advice)


def _check_scorer(scorer: str, file: str) -> None:
    """Refuse a scorer that can't be part of a file's name."""
    if not scorer.strip() or not scorer.isprintable() or any(char in scorer for char in "/\\"):
        message = f"found the scorer {scorer!r}, expected a name that a file can have"
        advice = "correct the first row of the file, and export once more"
        raise Dlc2LpError.of("export-scorer-odd", file, message, where="row 1", advice=advice)


def _is_original(image: ImagePlacement) -> bool:
    try:
        return Path(image.source).stat().st_size == image.size_bytes
    except OSError:
        return False


def _is_file(path: str) -> bool:
    try:
        return Path(path).is_file()
    except (OSError, ValueError):
        return False


def _sizes(back: WayBack, images: Images) -> Iterator[tuple[str, tuple[int, int]]]:
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
