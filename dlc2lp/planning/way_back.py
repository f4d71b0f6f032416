"""A target's labels as DeepLabCut's: which row, image and name each becomes there. Pure.

The plan that the target was written by knows DeepLabCut's names. What people added since gets names like those of its
folder: a frame's number in the video, as DeepLabCut counts it there.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from dlc2lp.dlc.folders import LABELED_DATA
from dlc2lp.dlc.framenames import parse_frame_name
from dlc2lp.lp.check_labels import FRAME_PATH
from dlc2lp.lp.label_cells import LabelCells, PointCells
from dlc2lp.model import Finding, Severity
from dlc2lp.planning.origins import Origin
from dlc2lp.planning.plan import Plan, PlannedSession
from dlc2lp.survey.individuals import NOBODY, UNIQUE, Column
from dlc2lp.survey.session_ties import by_view
from dlc2lp.wording import counted, some

#: DeepLabCut's own names of frames.
_DLC_NAME = re.compile(r"img([0-9]{1,10})\.\w+", re.IGNORECASE)
_MOST_DIGITS = 10  # that are read back as a frame's number
_USUAL_DIGITS = 4

Point = tuple[float, float]
_EMPTY: Point = (math.nan, math.nan)


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
    def n_new(self) -> int:
        """Images that DeepLabCut never had."""
        return sum(image.is_new for image in self.images)

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
    first = next(iter(files.values()))
    columns, told = _columns(origin, _without_others(plan, origin, files))
    reader = _Reader(files, images)
    rows = reader.rows(columns)
    namer = _Namer(plan, origin.view, only_png)
    folders = namer.folders(rows, images)
    known = (column for column in origin.columns if column[0] != NOBODY or not origin.is_multi_animal)
    every = tuple(dict.fromkeys((*known, *columns.values())))
    at = {column: number for number, column in enumerate(every)}
    places = {name: at[column] for name, column in columns.items()}
    made = tuple(_spread(folder, places, len(every)) for folder in folders)
    findings = (*told, *_held_out(files), *reader.findings, *namer.findings)
    findings += tuple(_unlabelled(plan, origin.view, rows, images))
    return WayBack(first.scorer, every, made, findings)


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


@dataclass
class _Reader:
    """Reads the rows of the label files of one view."""

    files: Mapping[str, LabelCells]
    images: Collection[str]
    findings: list[Finding] = field(default_factory=list)

    def rows(self, columns: Mapping[str, Column]) -> dict[str, dict[str, Point]]:
        """Return the points of each image by keypoint; what can't be taken is told."""
        rows: dict[str, dict[str, Point]] = {}
        for file, cells in self.files.items():
            kept = dict(self._usable(file, cells))
            wrong: list[str] = []
            for image, points in kept.items():
                named = [each for each in zip(cells.keypoint_names, points, strict=True) if each[0] in columns]
                rows[image] = dict.fromkeys(columns, _EMPTY) | {name: _point(point) for name, point in named}
                wrong += [f"{image}, {name}: {found}" for name, point in named if (found := _problem(point))]
            if wrong:
                message = f"found {counted(len(wrong), 'point')} without two numbers; left out: {some(wrong, 3, '; ')}"
                advice = "correct the cells, or label the points again, and export once more"
                self.findings.append(Finding(Severity.ERROR, "export-half-points", file, message, "", advice))
            self.findings += _about_visible(file, kept.values())
        return rows

    def _usable(self, file: str, cells: LabelCells) -> Iterator[tuple[str, tuple[PointCells, ...]]]:
        """Yield the rows of images that are there; of several of one image the last."""
        images = [image for image, _ in cells.rows]
        odd = [image for image in images if not FRAME_PATH.fullmatch(image)]
        if odd:
            rows = counted(len(odd), "row")
            message = f"found {rows} such as {odd[0]!r}, expected labeled-data/<session>/<image>; left out"
            advice = "name the image as the other rows do, and export once more"
            where = f"row {images.index(odd[0]) + 1}"
            self.findings.append(Finding(Severity.ERROR, "export-rows-odd", file, message, where, advice))
        missing = [image for image in dict.fromkeys(images) if image not in self.images and image not in odd]
        if missing:
            rows = counted(len(missing), "row")
            message = f"found no image for {rows}: {some(missing)}; left out, as labels and images belong together"
            advice = "put the images back, or run the conversion again, and export once more"
            self.findings.append(Finding(Severity.ERROR, "export-images-missing", file, message, "", advice))
        twice = [image for image, count in Counter(images).items() if count > 1]
        if twice:
            found = counted(len(twice), "image with several rows", "images with several rows")
            message = f"found {found}: {some(twice)}; the last row of each is taken"
            advice = "delete the rows that are not meant, and export once more"
            self.findings.append(Finding(Severity.ERROR, "export-rows-twice", file, message, "", advice))
        without = {*odd, *missing}
        yield from ((image, points) for image, points in cells.by_image.items() if image not in without)


def _point(point: PointCells) -> Point:
    return _EMPTY if _problem(point) or not point.is_labelled else point.xy


def _problem(point: PointCells) -> str:
    """Return why a point can't be taken; empty where it can, or where it is empty."""
    try:
        x, y = point.xy
    except ValueError:
        return f"found {point.x!r}, {point.y!r}"
    if math.isnan(x) != math.isnan(y) or math.isinf(x) or math.isinf(y):
        return f"found {point.x or 'nothing'}, {point.y or 'nothing'}"
    return ""


def _about_visible(file: str, rows: Iterable[Sequence[PointCells]]) -> Iterator[Finding]:
    """Say what the column ``visible`` holds that DeepLabCut has no place for."""
    points = [point for row in rows for point in row if point.visible.strip()]
    n_empty = sum(not point.is_labelled for point in points)
    if n_empty:
        what = counted(n_empty, "empty point says", "empty points say")
        message = f"{what} whether it is hidden or was never looked for (`visible`); DeepLabCut has no place for that"
        yield Finding(Severity.NOTE, "export-visible", file, message)
    n_unused = sum(point.is_labelled and point.visible.strip() not in {"2", "2.0"} for point in points)
    if n_unused:
        what = counted(n_unused, "label that `visible` takes", "labels that `visible` takes")
        message = f"found {what} out of training in Lightning Pose; in DeepLabCut it counts"
        advice = "delete what is no label, and export once more"
        yield Finding(Severity.WARNING, "export-visible-hides-labels", file, message, "", advice)


@dataclass(frozen=True)
class _Home:
    """The folder of DeepLabCut that a session of the target came from."""

    folder: str
    recording: str
    prefix: str = ""  #: What stands before DeepLabCut's names, where images of several videos lie in one folder.
    shift: int = 0  #: Index in the video minus DeepLabCut's number.
    n_digits: int = 0  #: Of the numbers in DeepLabCut's names; 0 where there are none.


class _Namer:
    """Gives every image of one view its folder and its name."""

    def __init__(self, plan: Plan, view: str, only_png: Collection[str]) -> None:
        self._only_png = only_png
        sessions = [session for session in plan.sessions if session.view == view]
        ties = by_view(plan.ties)
        n_frames = {video.session: video.n_frames for video in plan.videos if video.view == view}
        self._homes = {
            session.target: _home(session, getattr(ties.get((view, session.source)), "shift", 0), n_frames)
            for session in sessions
            if session.target
        }
        self._known = {frame.target: frame.source for session in sessions for frame in session.frames if frame.target}
        self._taken: dict[str, dict[str, str]] = {}
        for session in sessions:
            names = self._taken.setdefault(session.folder, {})
            names.update({frame.source.casefold(): frame.source for frame in session.frames})
        self._twice: list[str] = []

    def folders(self, rows: Mapping[str, Mapping[str, Point]], images: Collection[str]) -> list[ReturnedFolder]:
        """Return the folders; the points of each image still by keypoint, in the order of its row."""
        known = [path for path in self._known if path in images]
        new = [path for path in rows if path not in self._known]
        sessions: dict[str, dict[str, None]] = {}
        found: dict[str, list[ReturnedImage]] = {}
        for path in (*known, *sorted(new)):
            session = path.split("/")[1]
            home = self._homes.setdefault(session, _Home(session, session))
            is_new = path not in self._known
            name = self._new_name(path, home) if is_new else self._known_name(path, home)
            points = tuple(rows[path].values()) if path in rows else None
            sessions.setdefault(home.folder, {})[session] = None
            found.setdefault(home.folder, []).append(ReturnedImage(path, name, is_new, points))
        return [
            ReturnedFolder(
                folder,
                tuple(sessions[folder]),
                tuple(dict.fromkeys(self._homes[session].recording for session in sessions[folder])),
                tuple(sorted(found[folder], key=lambda image: image.name)),
            )
            for folder in sorted(found)
        ]

    def _known_name(self, path: str, home: _Home) -> str:
        """Return DeepLabCut's name; with another suffix where the image is there in another format alone."""
        name = PurePosixPath(self._known[path])
        if path not in self._only_png:
            return name.name
        taken, number = self._taken[home.folder], 0
        while (made := f"{name.stem}{'-' * bool(number)}{number or ''}.png").casefold() in taken and made != name.name:
            number += 1
        taken[made.casefold()] = made
        return made

    def _new_name(self, path: str, home: _Home) -> str:
        """Return a name that is free: DeepLabCut's for the frame, with more zeros where that is another image's."""
        file = PurePosixPath(path)
        index = parse_frame_name(file.name).index or 0
        number = index - home.shift if index >= home.shift else index
        taken = self._taken.setdefault(home.folder, {})
        stem = f"{home.prefix}img{number:0{home.n_digits or _USUAL_DIGITS}d}"
        same = [known for suffix in (".png", ".jpg", ".jpeg") if (known := taken.get(f"{stem}{suffix}".casefold()))]
        if same:
            self._twice.append(f"{path} and {home.folder}/{same[0]}")
        digits = range(home.n_digits or _USUAL_DIGITS, _MOST_DIGITS + 1)
        names = [f"{home.prefix}img{number:0{n}d}{file.suffix}" for n in digits]
        names += [f"{home.prefix}{file.name}", f"{home.prefix}{file.stem}-{len(taken)}{file.suffix}"]
        name = next(name for name in names if name.casefold() not in taken)
        taken[name.casefold()] = name
        return name

    @property
    def findings(self) -> list[Finding]:
        """Return what a person should know of the names."""
        if not self._twice:
            return []
        frames = counted(len(self._twice), "frame was extracted", "frames were extracted")
        message = f"{frames} again under another name: {some(self._twice, 3, '; ')}; both images are exported"
        advice = "keep the better labels of the two"
        return [Finding(Severity.WARNING, "export-frames-twice", LABELED_DATA, message, "", advice)]


def _home(session: PlannedSession, shift: int, n_frames: Mapping[str, int]) -> _Home:
    names = [parse_frame_name(frame.source) for frame in session.frames]
    prefixes = {name.prefix for name in names if name.index is not None}
    prefix = prefixes.pop() if session.source != session.folder and len(prefixes) == 1 else ""
    numbers = [found[1] for frame in session.frames if (found := _DLC_NAME.fullmatch(frame.source[len(prefix) :]))]
    last = n_frames.get(session.source, 0) - 1
    n_digits = max(map(len, numbers), default=len(str(last)) if last >= 0 else 0)
    return _Home(session.folder, session.source, prefix, shift, n_digits)


def _spread(folder: ReturnedFolder, places: Mapping[str, int], n_columns: int) -> ReturnedFolder:
    """Return a folder whose points stand in the columns of the label files."""
    images = []
    for image in folder.images:
        points = image.points
        if points is not None:
            spread = [_EMPTY] * n_columns
            for place, point in zip(places.values(), points, strict=True):
                spread[place] = point
            points = tuple(spread)
        images.append(ReturnedImage(image.target, image.name, image.is_new, points))
    return ReturnedFolder(folder.name, folder.sessions, folder.recordings, tuple(images))


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
