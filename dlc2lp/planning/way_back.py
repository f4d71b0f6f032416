"""A target's labels as DeepLabCut's: which row, image and name each becomes there. Pure.

The plan that the target was written by knows DeepLabCut's names. What people added since gets names like those of its
folder: a frame's number in the video, as DeepLabCut counts it there.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from dlc2lp.dlc.folders import LABELED_DATA
from dlc2lp.lp.label_cells import LabelCells
from dlc2lp.model import Finding, Severity
from dlc2lp.planning.dlc_names import Namer
from dlc2lp.planning.label_rows import EMPTY, Points, Rows, read_rows
from dlc2lp.planning.origins import Origin
from dlc2lp.planning.plan import Plan, label_files
from dlc2lp.planning.steps import WriteText
from dlc2lp.survey.individuals import NOBODY, UNIQUE, Column
from dlc2lp.wording import counted, some


@dataclass(frozen=True)
class ReturnedImage:
    """An image on its way back."""

    target: str  #: Its path in the target.
    name: str  #: Its name in DeepLabCut's folder.
    is_new: bool  #: Whether DeepLabCut never had it.
    points: Points | None  #: The labels of its row by column, two NaN = none; None where it has no row.


@dataclass(frozen=True)
class ReturnedFolder:
    """A folder of ``labeled-data`` as it will be."""

    name: str
    sessions: tuple[str, ...]  #: The sessions of the target that it was; several where it was split, or had two views.
    recordings: tuple[str, ...]  #: What the source calls these sessions; of one that people added its folder.
    images: tuple[ReturnedImage, ...]  #: In DeepLabCut's order.

    @property
    def rows(self) -> list[ReturnedImage]:
        """The images with a row."""
        return [image for image in self.images if image.points is not None]

    @property
    def n_points(self) -> int:
        """Labelled points."""
        return sum(not math.isnan(x) for image in self.rows for x, _ in image.points or ())


@dataclass(frozen=True)
class WayBack:
    """The labels of one project as DeepLabCut has them."""

    scorer: str
    columns: tuple[Column, ...]  #: (individual, bodypart) of the label files, in order.
    folders: tuple[ReturnedFolder, ...]  #: In the order of their names.
    findings: tuple[Finding, ...]  #: About the project.
    of_views: tuple[Finding, ...]  #: About one view each, whose name they say.

    @property
    def is_multi_animal(self) -> bool:
        """Whether the label files name individuals."""
        return any(individual != NOBODY for individual, _ in self.columns)


@dataclass(frozen=True)
class ViewLabels:
    """The labels of one view, as they are now."""

    origin: Origin  #: What its keypoints were in DeepLabCut.
    files: Mapping[str, LabelCells]  #: Its label files by name; at least one.


@dataclass(frozen=True)
class _ReadView:
    """The rows of one view, and the column of each of its keypoints."""

    view: str
    places: Mapping[str, Column]
    rows: Rows
    findings: tuple[Finding, ...]


def way_back(
    plan: Plan, views: Sequence[ViewLabels], images: Collection[str], only_png: Collection[str] = ()
) -> WayBack:
    """Return what the labels become of the views that one project holds.

    ``images`` are the paths in the target of all images that can be had, and ``only_png`` those of them that were of
    another format in DeepLabCut and no longer are.
    """
    is_multi_animal = any(each.origin.is_multi_animal for each in views)
    read = [_read(plan, each, images) for each in views]
    columns = _whole(
        dict.fromkeys(
            [
                *(
                    column
                    for each in views
                    for column in each.origin.columns
                    if column[0] != NOBODY or not is_multi_animal
                ),
                *(column for each in read for column in each.places.values()),
            ]
        )
    )
    namer = Namer(plan, [each.view for each in read], only_png)
    folders = _Folders(namer)
    folders.fill(dict(_rows_of_all(read, columns)), images)
    scorers = dict.fromkeys(cells.scorer for each in views for cells in each.files.values())
    findings = (*_of_several(scorers), *namer.findings, *folders.findings)
    of_views = tuple(finding for each in read for finding in each.findings)
    return WayBack(next(iter(scorers)), columns, folders.returned(), findings, of_views)


def _read(plan: Plan, labels: ViewLabels, images: Collection[str]) -> _ReadView:
    """Return the rows of a view, and what a person should know of them, with the name of the view."""
    origin, files = labels.origin, labels.files
    places, told = _columns(origin, _without_others(plan, origin, files))
    texts = {step.target: step.text for step in plan.steps if isinstance(step, WriteText)}
    written = [LabelCells.read(texts[name], name) for name in label_files(origin.view) if name in texts]
    rows, faults = read_rows(files, images, places.keys(), written)
    findings = (*told, *_held_out(files), *faults, *_unlabelled(plan, origin.view, rows, images))
    return _ReadView(origin.view, places, rows, tuple(_placed(origin.view, findings)))


def _placed(view: str, findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield findings with the name of their view; label files have it already."""
    for finding in findings:
        yield finding if not view or finding.subject in label_files(view) else finding.within(view)


def _of_several(scorers: Collection[str]) -> Iterator[Finding]:
    """Say that a project has one scorer."""
    if len(scorers) > 1:
        message = f"found {counted(len(scorers), 'scorer')} in the label files of one project: {some(scorers)}; "
        message += f"all labels go back as those of {next(iter(scorers))}, since DeepLabCut's project has one"
        yield Finding(Severity.NOTE, "export-scorers", "scorer", message)


def _rows_of_all(read: Sequence[_ReadView], columns: Sequence[Column]) -> Iterator[tuple[tuple[str, str], Points]]:
    """Yield (view, path in the target) and the points of each row by column."""
    for each in read:
        places = [columns.index(column) for column in each.places.values()]
        for path, named in each.rows.items():
            points = [EMPTY] * len(columns)
            for place, point in zip(places, named.values(), strict=True):
                points[place] = point
            yield (each.view, path), tuple(points)


def _whole(columns: Collection[Column]) -> tuple[Column, ...]:
    """Return columns by individual, each with every bodypart, as DeepLabCut expects it; unique ones last."""
    parts = [part for individual, part in columns if individual != UNIQUE]
    individuals = dict.fromkeys(individual for individual, _ in columns if individual != UNIQUE)
    every = [
        column
        for individual in individuals
        for column in dict.fromkeys(
            [*(each for each in columns if each[0] == individual), *((individual, p) for p in parts)]
        )
    ]
    return (*every, *(column for column in columns if column[0] == UNIQUE))


class _Folders:
    """Gathers images by folder; what two views have of one image becomes one row."""

    def __init__(self, namer: Namer) -> None:
        self._namer = namer
        self._found: dict[str, dict[str, ReturnedImage]] = {}
        self._names: dict[str, str] = {}
        #: Sessions of the target, and what the source calls them, by folder.
        self._sessions: dict[str, dict[str, str]] = {}
        self._differ: list[str] = []

    def fill(self, rows: Mapping[tuple[str, str], Points], images: Collection[str]) -> None:
        """Take the images of the conversion that are there, and those that people gave a row."""
        known = self._namer.known
        for path, view in known.items():
            if path in images:
                self._add(path, view, rows.get((view, path)))
        for view, path in sorted(rows, key=lambda row: row[1]):
            if known.get(path) != view:
                self._add(path, view, rows[view, path])

    def _add(self, path: str, view: str, points: Points | None) -> None:
        home = self._namer.home(path, view)
        if path not in self._names:
            self._names[path] = self._namer.name(path, view)
        image = ReturnedImage(path, self._names[path], path not in self._namer.known, points)
        folder = self._found.setdefault(home.folder, {})
        self._sessions.setdefault(home.folder, {})[path.split("/")[1]] = home.recording
        other = folder.get(image.name)
        folder[image.name] = image if other is None else self._joined(home.folder, other, image)

    def _joined(self, folder: str, one: ReturnedImage, other: ReturnedImage) -> ReturnedImage:
        """Return an image that two views have, with the labels of both; where they differ, with the first ones."""
        if one.points is None or other.points is None:
            return other if one.points is None else one
        pairs = list(zip(one.points, other.points, strict=True))
        if any(not math.isnan(mine[0] + theirs[0]) and mine != theirs for mine, theirs in pairs):
            self._differ.append(f"{folder}/{one.name}")
        return replace(one, points=tuple(theirs if math.isnan(mine[0]) else mine for mine, theirs in pairs))

    def returned(self) -> tuple[ReturnedFolder, ...]:
        """Return the folders in the order of their names."""
        return tuple(self._returned(folder) for folder in sorted(self._found))

    def _returned(self, folder: str) -> ReturnedFolder:
        images = tuple(sorted(self._found[folder].values(), key=lambda image: image.name))
        sessions = self._sessions[folder]
        return ReturnedFolder(folder, tuple(sessions), tuple(dict.fromkeys(sessions.values())), images)

    @property
    def findings(self) -> Iterator[Finding]:
        """Say which images have other labels in another view."""
        if self._differ:
            images = counted(len(self._differ), "image")
            message = f"found {images} with different labels in two views: {some(self._differ)}; the first view's count"
            advice = "delete those that are not meant, and export once more"
            yield Finding(Severity.WARNING, "export-labels-differ", LABELED_DATA, message, "", advice)


def _without_others(plan: Plan, origin: Origin, files: Mapping[str, LabelCells]) -> dict[str, tuple[str, ...]]:
    """Return the keypoints of each label file without those that only other views' projects have.

    All views of a target have the same columns; where nobody labelled another view's keypoint in this one, it has none.
    """
    labelled = {
        name
        for cells in files.values()
        for _, points in cells.rows
        for name, point in zip(cells.keypoint_names, points, strict=True)
        if point.is_labelled
    }
    others = plan.keypoints.keys() - origin.keypoints.keys() - labelled
    return {file: tuple(name for name in cells.keypoint_names if name not in others) for file, cells in files.items()}


def _columns(origin: Origin, files: Mapping[str, Sequence[str]]) -> tuple[dict[str, Column], list[Finding]]:
    """Return the column of each keypoint of the label files, and what is new or gone among them."""
    names = dict.fromkeys(name for listed in files.values() for name in listed)
    taken, columns = set(origin.keypoints.values()), dict[str, Column]()
    for name in names:
        column = origin.keypoints.get(name) or _new_column(origin, name)
        if origin.is_multi_animal and column[0] == NOBODY:
            column = (UNIQUE, column[1])  # a file with individuals has no place for a point of none
        if name not in origin.keypoints and column in taken:
            column = (column[0], name)  # another keypoint has that name there; this one keeps its own
        taken.add(column)
        columns[name] = column
    subject, findings = next(iter(files)), []
    new = [f"{name} ({individual or 'no individual'})" for name, (individual, _) in columns.items()]
    new = [text for text, name in zip(new, columns, strict=True) if name not in origin.keypoints]
    if new:
        message = f"found {counted(len(new), 'keypoint')} that DeepLabCut's label files never had: {some(new)}; added"
        findings.append(Finding(Severity.NOTE, "export-keypoints-new", subject, message))
    gone = [name for name in origin.keypoints if name not in columns]
    if gone:
        message = f"found no column for {counted(len(gone), 'keypoint')} of the conversion: {some(gone)}; left empty"
        advice = "if they are not meant to be gone, bring the columns back from a backup"
        findings.append(Finding(Severity.WARNING, "export-keypoints-gone", subject, message, "", advice))
    return columns, findings


def _new_column(origin: Origin, name: str) -> Column:
    """Return where a keypoint belongs that people added: by its name to an individual, or to the only one."""
    if not origin.is_multi_animal:
        return NOBODY, name
    individuals = tuple(dict.fromkeys(individual for individual, _ in origin.keypoints.values()))
    for individual in sorted(individuals, key=len, reverse=True):
        if individual not in {UNIQUE, NOBODY} and name.startswith(f"{individual}_"):
            return individual, name.removeprefix(f"{individual}_")
    animals = [individual for individual in individuals if individual not in {UNIQUE, NOBODY}]
    return (animals[0] if len(animals) == 1 else UNIQUE), name


def _held_out(files: Mapping[str, LabelCells]) -> Iterator[Finding]:
    """Say that DeepLabCut's label files don't tell held-out frames from the others."""
    for name, cells in list(files.items())[1:]:
        message = f"its {counted(len(cells.rows), 'held-out frame')} stand among the others in DeepLabCut's label files"
        advice = "to hold the same ones out, give their rows to create_training_dataset (trainIndices, testIndices)"
        yield Finding(Severity.NOTE, "export-held-out", name, message, "", advice)


def _unlabelled(plan: Plan, view: str, rows: Collection[str], images: Collection[str]) -> Iterator[Finding]:
    """Say which frames that the conversion labeled have no row any more."""
    frames = [(session, frame) for session in plan.sessions if session.view == view for frame in session.frames]
    gone = [
        f"{session.folder}/{frame.source}"
        for session, frame in frames
        if frame.state in {"labeled", "test"} and frame.target not in rows and frame.target in images
    ]
    if gone:
        were = counted(len(gone), "frame that was labeled", "frames that were labeled")
        message = f"found no row for {were} when it was converted: {some(gone)}; exported as an image without labels"
        yield Finding(Severity.NOTE, "export-labels-removed", LABELED_DATA, message)
