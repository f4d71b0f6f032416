"""The one builder of DeepLabCut projects for all tests, by keyword arguments.

::

    project = build_project(tmp_path / "reach", sessions=("m1", Session("m2", bodyparts=("tail", "nose"))))
    project.labels["m1", "img05.png", "nose"]   # (x, y) as written into the CSV and the H5
    project.videos["m1"]                        # a clip whose frame 5 is that image; barcode(image) == 5

Everything is deterministic. Nothing of dlc2lp takes part: pandas and PyTables write the labels as DeepLabCut does,
PyAV the clips, OpenCV the images.
"""

from __future__ import annotations

import hashlib
import math
import os
import stat
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import cv2
import numpy as np
import pandas as pd
from dlc_config_text import ERAS, config_text
from dlc_training_set import Frames, Shuffle, write_training_sets
from numpy.typing import NDArray
from scene import Image, Point, Video, barcode, draw_frame, mark_position, read_clip, write_clip

__all__ = ["ERAS", "BuiltProject", "Session", "Shuffle", "Video", "barcode", "build_project", "read_clip", "snapshot"]

Layout = Literal["flat", "three", "name", "windows", "mixed", "absolute", "windows-absolute"]
ImageMode = Literal["rgb", "gray", "rgba", "gray16", "rgb16"]
VideoSets = Literal["real", "windows", "elsewhere", "placeholder", "missing", "empty", "null"]
Extra = Literal["previews", "hidden", "machinelabels", "drawn-on", "models", "empty-folder"]

#: (session, image, keypoint), or (session, image, individual, keypoint) in a multi-animal project.
Key = tuple[str, ...]
#: Value of a cell: None = no label; one half may be NaN.
Override = Callable[[Key, Point], Point | None] | Mapping[Key, Point | None]

WINDOWS_ROOT = "C:\\Users\\Jane Doe\\reach-Anna-2021-08-30"
FOREIGN_ROOT = "/home/jane doe/reach-Anna-2021-08-30"
DEMO_PLACEHOLDER = "WILL BE AUTOMATICALLY UPDATED BY DEMO CODE"
UNIQUE_INDIVIDUAL = "single"


@dataclass(frozen=True)
class Session:
    """One session, where it differs from the project: what is None is as the project has it."""

    name: str
    frames: Sequence[int] | None = None
    unlabeled: Sequence[int] | None = None
    n_frames: int | None = None
    size_px: tuple[int, int] | None = None
    crop: tuple[int, int, int, int] | None = None
    bodyparts: Sequence[str] | None = None
    layout: Layout | None = None
    files: Collection[str] | None = None
    h5_format: Literal["fixed", "table"] | None = None
    h5_key: str | None = None
    scorer: str | None = None
    video: Video | Literal["none"] | None = None
    image_mode: ImageMode | None = None
    image_suffix: str | None = None
    image_name: Callable[[int, int], str] | None = None


@dataclass(frozen=True)
class BuiltProject:
    """A project on disk with the truth about it.

    Attributes
    ----------
    labels
        Every cell that holds a number: key -> (x, y) in pixels of the image; half points have a NaN.
    rows
        Per session the images that have a row, in the order of the files, the all-empty ones too.
    unlabeled
        Per session the extracted images without a row.
    frame_index
        (session, image) -> 0-based index of the video frame that it is.
    videos
        Per session its clip inside the project; none where there is no clip.
    n_frames, size_px
        Per session: frames of the clip, (width, height) of its frames.
    splits
        Per split, by its name ``iteration-0/80/1``: the (session, image)s of its training and of its test frames, by
        the names that the rows carry.
    """

    root: Path
    task: str
    scorer: str
    date: str
    bodyparts: tuple[str, ...]
    individuals: tuple[str, ...]
    unique: tuple[str, ...]
    sessions: tuple[str, ...]
    labels: dict[Key, Point] = field(default_factory=dict)
    rows: dict[str, tuple[str, ...]] = field(default_factory=dict)
    unlabeled: dict[str, tuple[str, ...]] = field(default_factory=dict)
    frame_index: dict[tuple[str, str], int] = field(default_factory=dict)
    videos: dict[str, Path] = field(default_factory=dict)
    n_frames: dict[str, int] = field(default_factory=dict)
    size_px: dict[str, tuple[int, int]] = field(default_factory=dict)
    splits: dict[str, Frames] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        return self.root / "config.yaml"

    def folder(self, session: str) -> Path:
        return self.root / "labeled-data" / session

    def image(self, session: str, name: str) -> Path:
        return self.folder(session) / name

    def label_file(self, session: str, kind: Literal["csv", "h5"]) -> Path:
        """The session's only CollectedData file of a kind."""
        (path,) = self.folder(session).glob(f"CollectedData_*.{kind}")
        return path


def build_project(
    root: Path,
    *,
    task: str = "reach",
    scorer: str = "Anna",
    date: str = "Aug30",
    era: str = "F",
    sessions: Sequence[str | Session] = ("m1", "m2"),
    bodyparts: Sequence[str] = ("nose", "ear_left", "ear_right", "tail"),
    individuals: Sequence[str] | None = None,
    unique: Sequence[str] = (),
    unique_first: bool = False,
    frames: Sequence[int] = (2, 5, 9, 14, 19),
    unlabeled: Sequence[int] = (),
    labels: Override | None = None,
    layout: Layout | None = None,
    files: Collection[str] = ("csv", "h5"),
    h5_format: Literal["fixed", "table"] | None = None,
    h5_key: str = "df_with_missing",
    likelihood: bool = False,
    other_scorers: Sequence[str] = (),
    edit_table: Callable[[str, pd.DataFrame], pd.DataFrame] | None = None,
    n_frames: int = 20,
    size_px: tuple[int, int] = (128, 96),
    crop: tuple[int, int, int, int] | None = None,
    images: bool = True,
    image_mode: ImageMode = "rgb",
    image_suffix: str = ".png",
    image_name: Callable[[int, int], str] | None = None,
    video: Video | Literal["none"] = Video(),  # noqa: B008 - frozen
    place_videos: Literal["file", "symlink", "dangling"] = "file",
    video_sets: VideoSets | Mapping[str, Any] = "real",
    skeleton: Sequence[Sequence[str]] = (("nose", "tail"),),
    config: Mapping[str, Any] | str | bytes | None = None,
    write_config: bool = True,
    shuffles: Sequence[Shuffle] = (),
    extras: Collection[Extra] = (),
    extra_files: Mapping[str, str | bytes] | None = None,
) -> BuiltProject:
    """Write a DeepLabCut project and return it with its truth.

    Parameters
    ----------
    root
        The project folder, made here; a symlinked or dangling video's original would lie beside it.
    era
        Letter of :data:`ERAS`. It decides the form of config.yaml and, unless given, ``layout`` (flat rows up to C) and
        ``h5_format`` (table up to C).
    individuals, unique
        Names of a multi-animal project; ``unique`` bodyparts stand under the individual ``single``.
    frames, unlabeled
        Indices of the frames that have a row, and of those extracted without one.
    labels
        Overrides of the drawn positions: ``{key: (x, y)}``, None = empty; or a function of key and position.
    files, h5_format, h5_key, layout, likelihood
        How CollectedData is written.
    edit_table
        Last change of a session's DataFrame before both files are written (rows twice, a column less). The truth that
        is returned does not know of it.
    crop
        ``(x1, x2, y1, y2)``: images are cut out of the frames like that, and labels move along.
    image_name
        ``(frame_index, n_frames) -> name`` with suffix; by default as DeepLabCut numbers them.
    video
        How clips are stored, or ``"none"``.
    place_videos
        Whether ``videos/`` holds the file, a link to it, or a link to nothing.
    video_sets
        What config.yaml lists: the real paths, those of a Windows machine or of another Linux machine, the demo's
        placeholder, nothing in three forms, or a mapping as it is.
    config
        A mapping changes single values; text or bytes become the whole file.
    shuffles
        Train/test splits below ``training-datasets/``, with the merged labels that their rows count in.
    extras
        Things that lie in real projects and are no data.
    extra_files
        Further files: path below the root -> content.
    """
    root.mkdir(parents=True)
    built = BuiltProject(
        root, task, scorer, date, tuple(bodyparts), tuple(individuals or ()), tuple(unique), _names(sessions)
    )
    default = Session(
        name="",
        frames=frames,
        unlabeled=unlabeled,
        n_frames=n_frames,
        size_px=size_px,
        crop=crop,
        bodyparts=bodyparts,
        layout=layout or ("flat" if era in "ABC" else "three"),
        files=files,
        h5_format=h5_format or ("table" if era in "ABC" else "fixed"),
        h5_key=h5_key,
        scorer=scorer,
        video=video,
        image_mode=image_mode,
        image_suffix=image_suffix,
        image_name=image_name or dlc_image_name,
    )
    merged = [_merge(default, session) for session in sessions]
    tables = {}
    for session in merged:
        folder = built.folder(session.name)
        folder.mkdir(parents=True)
        clip = _write_session_video(built, session, place_videos)
        _name_images(built, session)
        if images:
            _write_images(built, session, clip)
        table = _table(built, session, labels, likelihood=likelihood, unique_first=unique_first)
        tables[session.name] = table = edit_table(session.name, table) if edit_table else table
        for name in (session.scorer, *other_scorers):
            _write_table(folder / f"CollectedData_{name}", _with_scorer(table, name), session)
    if write_config:
        chosen = _video_sets(built, merged, video_sets)
        _write_config(built, era, chosen, skeleton, config)
    sizes_px = _image_sizes(merged)
    built.splits.update(write_training_sets(root, tables, shuffles, task=task, date=date, era=era, sizes_px=sizes_px))
    for extra in extras:
        _EXTRAS[extra](built, merged[0])
    for name, content in (extra_files or {}).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return built


def dlc_image_name(frame_index: int, n_frames: int) -> str:
    """As ``frame_extraction.extract_frames`` names them: as many digits as ceil(log10(n_frames))."""
    return f"img{str(frame_index).zfill(math.ceil(math.log10(n_frames)))}.png"


class Entry(NamedTuple):
    """One path of a tree, as :func:`snapshot` sees it."""

    kind: Literal["file", "folder", "link", "other"]
    sha256: str
    mtime_ns: int
    size_bytes: int
    link_target: str


def snapshot(root: Path) -> dict[str, Entry]:
    """Everything below a folder by its path with ``/``: equal snapshots mean that nobody wrote.

    Times of folders are part of it, so that a temporary file that came and went is seen too. What dlc2lp notes of times
    in a target is not.
    """
    tree: dict[str, Entry] = {}
    for folder, folders, files in os.walk(root):
        for name in [".", *folders, *files] if Path(folder) == root else [*folders, *files]:
            path = Path(folder) / name
            if path.parts[-2:] == (".dlc2lp", "seen.json"):
                continue
            status = path.lstat()
            kind, sha256, target = "other", "", ""
            if stat.S_ISLNK(status.st_mode):
                kind, target = "link", str(path.readlink())
            elif stat.S_ISDIR(status.st_mode):
                kind = "folder"
            elif stat.S_ISREG(status.st_mode):
                kind, sha256 = "file", hashlib.sha256(path.read_bytes()).hexdigest()
            size = status.st_size if kind == "file" else 0
            tree[path.relative_to(root).as_posix()] = Entry(kind, sha256, status.st_mtime_ns, size, target)
    return tree


# --- sessions -----------------------------------------------------------------------------------------------


def _names(sessions: Sequence[str | Session]) -> tuple[str, ...]:
    return tuple(session if isinstance(session, str) else session.name for session in sessions)


def _merge(default: Session, session: str | Session) -> Session:
    given = Session(session) if isinstance(session, str) else session
    values = {
        name: getattr(default, name) if getattr(given, name) is None else getattr(given, name)
        for name in Session.__dataclass_fields__
    }
    return Session(**values)


def _image_sizes(sessions: Sequence[Session]) -> dict[str, tuple[int, int]]:
    sizes = {}
    for session in sessions:
        x1, x2, y1, y2 = session.crop or (0, session.size_px[0], 0, session.size_px[1])
        sizes[session.name] = (x2 - x1, y2 - y1)
    return sizes


def _draw(built: BuiltProject, session: Session, frame_index: int) -> NDArray[np.uint8]:
    width_px, height_px = session.size_px
    n_marks = len(_columns(built, session))
    return draw_frame(session.name, frame_index, width_px=width_px, height_px=height_px, n_marks=n_marks)


def _write_session_video(built: BuiltProject, session: Session, place: str) -> Path | None:
    """The clip's path, None if there is none that could be read."""
    (built.root / "videos").mkdir(exist_ok=True)
    built.n_frames[session.name] = session.n_frames
    built.size_px[session.name] = session.size_px
    if session.video == "none":
        return None
    path = built.root / "videos" / (session.name + session.video.suffix)
    original = path
    if place != "file":
        original = built.root.parent / f"{built.root.name}-recordings" / path.name
        path.symlink_to(original)
    built.videos[session.name] = path
    if place == "dangling":
        return None
    original.parent.mkdir(exist_ok=True)
    frames = (_draw(built, session, index) for index in range(session.n_frames))
    write_clip(original, frames, session.video)
    return original


# --- images -------------------------------------------------------------------------------------------------


def _name_images(built: BuiltProject, session: Session) -> None:
    names = {}
    for index in (*session.frames, *session.unlabeled):
        name = session.image_name(index, session.n_frames)
        names[index] = name.removesuffix(".png") + session.image_suffix if name.endswith(".png") else name
        built.frame_index[session.name, names[index]] = index
    built.rows[session.name] = tuple(names[index] for index in session.frames)
    built.unlabeled[session.name] = tuple(names[index] for index in session.unlabeled)


def _write_images(built: BuiltProject, session: Session, clip: Path | None) -> None:
    """Frames of the decoded clip, as DeepLabCut cuts them; where there is no clip, of the scene."""
    names = [*built.rows[session.name], *built.unlabeled[session.name]]
    indices = [built.frame_index[session.name, name] for name in names]
    frames = read_clip(clip, indices) if clip else [_draw(built, session, index) for index in indices]
    x1, x2, y1, y2 = session.crop or (0, session.size_px[0], 0, session.size_px[1])
    for name, frame in zip(names, frames, strict=True):
        path = built.image(session.name, name)
        write_image(path, _in_mode(frame[y1:y2, x1:x2], session.image_mode))


def write_image(path: Path, image: Image) -> None:
    """Write RGB, RGBA or gray, 8 or 16 bits, in the format of the suffix."""
    order = {2: None, 3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}[image.ndim if image.ndim == 2 else image.shape[2]]
    # Not imwrite: it can't write to non-ASCII names on Windows.
    ok, data = cv2.imencode(path.suffix, image if order is None else cv2.cvtColor(image, order))
    assert ok, path
    path.write_bytes(data.tobytes())


def _in_mode(rgb: NDArray[np.uint8], mode: ImageMode) -> Image:
    gray = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY)
    match mode:
        case "rgb":
            return np.ascontiguousarray(rgb)
        case "gray":
            return gray
        case "rgba":
            return np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])
        case "gray16":
            return gray.astype(np.uint16) * 257
        case "rgb16":
            return rgb.astype(np.uint16) * 257


# --- labels -------------------------------------------------------------------------------------------------


def _columns(built: BuiltProject, session: Session) -> list[tuple[str, ...]]:
    """(bodypart,) or (individual, bodypart) of the session in the order of its files."""
    if not built.individuals:
        return [(bodypart,) for bodypart in session.bodyparts]
    columns = [(individual, bodypart) for individual in built.individuals for bodypart in session.bodyparts]
    return columns + [(UNIQUE_INDIVIDUAL, bodypart) for bodypart in built.unique]


def _table(
    built: BuiltProject, session: Session, labels: Override | None, *, likelihood: bool, unique_first: bool
) -> pd.DataFrame:
    """CollectedData as a DataFrame, and its cells into the truth."""
    columns = _columns(built, session)
    rows = built.rows[session.name]
    values = np.full((len(rows), len(columns), 3), np.nan)
    for row, name in enumerate(rows):
        index = built.frame_index[session.name, name]
        for position, column in enumerate(columns):
            key = (session.name, name, *column)
            point = _label(key, _drawn_at(session, position, index), labels)
            values[row, position] = (*point, 1.0)
            if not all(map(math.isnan, point)):
                built.labels[key] = point
    n_coords = 3 if likelihood else 2
    order = list(range(len(columns)))
    if unique_first:
        order.sort(key=lambda position: columns[position][0] != UNIQUE_INDIVIDUAL)
    header = _header(session.scorer, [columns[position] for position in order], n_coords)
    flat = values[:, order, :n_coords].reshape(len(rows), -1)
    return pd.DataFrame(flat, columns=header, index=_row_index(built, session, rows))


def _drawn_at(session: Session, mark: int, frame_index: int) -> Point:
    x, y = mark_position(session.name, mark, frame_index, *session.size_px)
    x1, _, y1, _ = session.crop or (0, 0, 0, 0)
    return x - x1, y - y1


def _label(key: Key, point: Point, labels: Override | None) -> Point:
    if labels is None:
        return point
    chosen = labels(key, point) if callable(labels) else labels.get(key, point)
    return (math.nan, math.nan) if chosen is None else chosen


def _header(scorer: str, columns: list[tuple[str, ...]], n_coords: int) -> pd.MultiIndex:
    names = (
        ["scorer", "individuals", "bodyparts", "coords"] if len(columns[0]) == 2 else ["scorer", "bodyparts", "coords"]
    )
    coords = ("x", "y", "likelihood")[:n_coords]
    return pd.MultiIndex.from_tuples([(scorer, *column, coord) for column in columns for coord in coords], names=names)


def _row_index(built: BuiltProject, session: Session, rows: Sequence[str]) -> pd.Index:
    folder = session.name
    if session.layout == "three":
        return pd.MultiIndex.from_tuples([("labeled-data", folder, name) for name in rows])
    prefix = {
        "flat": f"labeled-data/{folder}/",
        "name": "",
        "windows": f"labeled-data\\{folder}\\",
        "mixed": f"labeled-data\\{folder}/",
        "absolute": f"{FOREIGN_ROOT}/labeled-data/{folder}/",
        "windows-absolute": f"{WINDOWS_ROOT}\\labeled-data\\{folder}\\",
    }[session.layout]
    return pd.Index([prefix + name for name in rows])


def _with_scorer(table: pd.DataFrame, scorer: str) -> pd.DataFrame:
    old = table.columns.get_level_values("scorer")[0]
    return table if old == scorer else table.rename(columns={old: scorer}, level="scorer")


def _write_table(stem: Path, table: pd.DataFrame, session: Session) -> None:
    if "csv" in session.files:
        table.to_csv(f"{stem}.csv")
    if "h5" in session.files:
        table.to_hdf(f"{stem}.h5", key=session.h5_key, format=session.h5_format, mode="w")


# --- config.yaml --------------------------------------------------------------------------------------------


def _video_sets(built: BuiltProject, sessions: list[Session], choice: VideoSets | Mapping[str, Any]) -> Any:
    """The value of video_sets; a mapping, "" or None, and an empty tuple for "no such key"."""
    if not isinstance(choice, str):
        return dict(choice)
    if choice in {"missing", "empty", "null"}:
        return {"missing": (), "empty": "", "null": None}[choice]
    if choice == "placeholder":
        return {DEMO_PLACEHOLDER: {"crop": "0, 640, 0, 480"}}
    entries = {}
    for session in sessions:
        name = session.name + (".mp4" if session.video == "none" else session.video.suffix)
        width_px, height_px = session.size_px
        crop = ", ".join(map(str, session.crop or (0, width_px, 0, height_px)))
        path = {
            "real": str((built.root / "videos" / name).resolve()),
            "windows": f"{WINDOWS_ROOT}\\videos\\{name}",
            "elsewhere": f"{FOREIGN_ROOT}/videos/{name}",
        }[choice]
        entries[path] = {"crop": crop}
    return entries


def _write_config(
    built: BuiltProject,
    era: str,
    video_sets: Any,
    skeleton: Sequence[Sequence[str]],
    config: Mapping[str, Any] | str | bytes | None,
) -> None:
    if isinstance(config, bytes):
        built.config.write_bytes(config)
        return
    if isinstance(config, str):
        built.config.write_text(config, encoding="utf-8")
        return
    values: dict[str, Any] = {
        "Task": built.task,
        "scorer": built.scorer,
        "date": built.date,
        "project_path": str(built.root.resolve()),
        "video_sets": video_sets,
        "bodyparts": list(built.bodyparts),
    }
    known = {*built.bodyparts, *built.unique}
    edges = [list(edge) for edge in skeleton if known.issuperset(edge)]
    if era != "A":
        values["skeleton"] = edges
    if built.individuals:
        values |= {
            "multianimalproject": True,
            "bodyparts": "MULTI!",
            "individuals": list(built.individuals),
            "uniquebodyparts": list(built.unique),
            "multianimalbodyparts": list(built.bodyparts),
        }
    elif era == "G":
        values |= {"individuals": ["individual_1"], "uniquebodyparts": [], "multianimalbodyparts": []}
    values |= config or {}
    if values["video_sets"] == ():
        del values["video_sets"]
    built.config.write_text(config_text(values, era), encoding="utf-8")


# --- what else lies in projects -----------------------------------------------------------------------------


def _add_previews(built: BuiltProject, session: Session) -> None:
    """Images with labels drawn on: beside the frames (outlier extraction) and in check_labels' folder."""
    drawn = built.folder(session.name + "_labeled")
    drawn.mkdir()
    for name in built.rows[session.name]:
        picture = _draw(built, session, built.frame_index[session.name, name])
        stem = Path(name).stem
        write_image(built.image(session.name, f"{stem}labeled.png"), picture)
        write_image(drawn / f"{stem}_bodypart.png", picture)


def _add_hidden(built: BuiltProject, session: Session) -> None:
    folder = built.folder(session.name)
    for path in (built.root / "labeled-data" / ".DS_Store", folder / ".DS_Store", folder / "Thumbs.db"):
        path.write_bytes(b"\0\0\0\1Bud1")
    (folder / f".CollectedData_{built.scorer}.tmp.h5").write_bytes(b"half")
    (folder / ".napari-deeplabcut.json").write_text("{}", encoding="utf-8")
    write_image(folder / "._img0000.png", np.zeros((8, 8), np.uint8))


def _add_machine_labels(built: BuiltProject, session: Session) -> None:
    """Predictions for the unlabeled images, or for all if there are none, with a likelihood."""
    names = built.unlabeled[session.name] or built.rows[session.name]
    columns = _columns(built, session)
    values = np.empty((len(names), len(columns), 3))
    for row, name in enumerate(names):
        index = built.frame_index[session.name, name]
        for position in range(len(columns)):
            x, y = _drawn_at(session, position, index)
            values[row, position] = (x + 0.5, y - 0.5, ((row + position) % 10) / 10)
    scorer = f"DLC_resnet50_{built.task}{built.date}shuffle1_50000"
    index = _row_index(built, session, names)
    table = pd.DataFrame(values.reshape(len(names), -1), columns=_header(scorer, columns, 3), index=index)
    folder = built.folder(session.name)
    table.to_csv(folder / "machinelabels.csv")
    table.to_hdf(folder / "machinelabels-iter0.h5", key=session.h5_key, format=session.h5_format, mode="w")


def _add_drawn_on(built: BuiltProject, session: Session) -> None:
    """DeepLabCut's own output beside the video: predictions and a video with points drawn on."""
    scorer = f"DLC_resnet50_{built.task}{built.date}shuffle1_50000"
    videos = built.root / "videos"
    frames = (_draw(built, session, index) for index in range(session.n_frames))
    write_clip(videos / f"{session.name}{scorer}_labeled.mp4", frames, Video())
    columns = _columns(built, session)
    values = [
        [cell for mark in range(len(columns)) for cell in (*_drawn_at(session, mark, index), 0.9)]
        for index in range(session.n_frames)
    ]
    table = pd.DataFrame(values, columns=_header(scorer, columns, 3), index=range(session.n_frames))
    table.to_csv(videos / f"{session.name}{scorer}.csv")
    (videos / f"{session.name}{scorer}_meta.pickle").write_bytes(b"never load this")


def _add_models(built: BuiltProject, session: Session) -> None:
    model = built.root / "dlc-models" / "iteration-0" / f"{built.task}{built.date}-trainset95shuffle1" / "train"
    model.mkdir(parents=True)
    (model / "snapshot-50000.index").write_bytes(bytes(64))
    results = built.root / "evaluation-results" / "iteration-0"
    results.mkdir(parents=True)
    (results / "CombinedEvaluation-results.csv").write_text(f"{session.name}\n", encoding="utf-8")


def _add_empty_folder(built: BuiltProject, session: Session) -> None:
    """A video that was added and never opened."""
    built.folder(session.name + "-never-extracted").mkdir()


_EXTRAS: dict[Extra, Callable[[BuiltProject, Session], None]] = {
    "previews": _add_previews,
    "hidden": _add_hidden,
    "machinelabels": _add_machine_labels,
    "drawn-on": _add_drawn_on,
    "models": _add_models,
    "empty-folder": _add_empty_folder,
}
