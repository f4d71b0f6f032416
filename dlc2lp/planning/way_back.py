"""A target's labels as DeepLabCut's: which row, image and name each becomes there. Pure.

The plan that the target was written by knows DeepLabCut's names. What people added since gets names like those of its
folder: a frame's number in the video, as DeepLabCut counts it there.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from dlc2lp.dlc.folders import LABELED_DATA
from dlc2lp.lp.label_cells import LabelCells
from dlc2lp.model import Finding, Severity
from dlc2lp.planning.dlc_names import Namer
from dlc2lp.planning.label_rows import EMPTY, Point, Rows, read_rows
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
    points: tuple[Point, ...] | None  #: The labels of its row by column, two NaN = none; None where it has no row.


@dataclass(frozen=True)
class ReturnedFolder:
    """A folder of ``labeled-data`` as it will be."""

    name: str
    sessions: tuple[str, ...]  #: The sessions of the target that it was; several where it was split.
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
    """The labels of one view as DeepLabCut has them."""

    scorer: str
    columns: tuple[Column, ...]  #: (individual, bodypart) of the label files, in order.
    folders: tuple[ReturnedFolder, ...]  #: In the order of their names.
    findings: tuple[Finding, ...]

    @property
    def is_multi_animal(self) -> bool:
        """Whether the label files name individuals."""
        return any(individual != NOBODY for individual, _ in self.columns)


def way_back(
    plan: Plan, origin: Origin, files: Mapping[str, LabelCells], images: Collection[str], only_png: Collection[str] = ()
) -> WayBack:
    """Return what the labels of one view become.

    ``files`` are its label files by name, as they are now; ``images`` are the paths in the target of all images that
    can be had, and ``only_png`` those of them that were of another format in DeepLabCut and no longer are.
    """
    places, told = _columns(origin, _without_others(plan, origin, files))
    texts = {step.target: step.text for step in plan.steps if isinstance(step, WriteText)}
    written = [LabelCells.read(texts[name], name) for name in label_files(origin.view) if name in texts]
    rows, faults = read_rows(files, images, places.keys(), written)
    known = (column for column in origin.columns if column[0] != NOBODY or not origin.is_multi_animal)
    columns = tuple(dict.fromkeys((*known, *places.values())))
    namer = Namer(plan, origin.view, only_png)
    folders = tuple(_folders(namer, rows, images, [columns.index(column) for column in places.values()], len(columns)))
    findings = (*told, *_held_out(files), *faults, *namer.findings, *_unlabelled(plan, origin.view, rows, images))
    return WayBack(next(iter(files.values())).scorer, columns, folders, findings)


def _folders(
    namer: Namer, rows: Rows, images: Collection[str], places: Sequence[int], n_columns: int
) -> Iterator[ReturnedFolder]:
    """Yield the folders; ``places`` has for each point of a row its column."""
    known = [path for path in namer.known if path in images]
    found: dict[str, list[ReturnedImage]] = {}
    for path in (*known, *sorted(rows.keys() - namer.known)):
        points = None
        if path in rows:
            spread = [EMPTY] * n_columns
            for place, point in zip(places, rows[path].values(), strict=True):
                spread[place] = point
            points = tuple(spread)
        image = ReturnedImage(path, namer.name(path), path not in namer.known, points)
        found.setdefault(namer.home(path).folder, []).append(image)
    for folder, made in sorted(found.items()):
        sessions = tuple(dict.fromkeys(image.target.split("/")[1] for image in made))
        recordings = tuple(dict.fromkeys(namer.home(image.target).recording for image in made))
        yield ReturnedFolder(folder, sessions, recordings, tuple(sorted(made, key=lambda image: image.name)))


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
