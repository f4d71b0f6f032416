"""One folder of frames with its label files, as it lies on disk."""

from __future__ import annotations

import itertools
import os
from collections.abc import Collection, Iterable, Iterator, KeysView, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from dlc2lp.dlc.framenames import has_image_suffix
from dlc2lp.dlc.images import list_frames, read_image_info
from dlc2lp.dlc.label_file import LabelFile, holds_labels, label_paths, odd_label_paths, read_label_file
from dlc2lp.dlc.table import RawTable, has_no_name, hold_the_same
from dlc2lp.errors import UnreadableFile, raise_disk_trouble
from dlc2lp.model import Finding, ImageInfo
from dlc2lp.placeholders import CLOUD, NotHere, Placeholder, name_in_cloud
from dlc2lp.searching import is_folder, is_system_folder, walk_files

#: To hand a single image to a thread takes as long as to read it.
_IMAGES_AT_A_TIME = 16
#: How many folders deep images are looked for that are missing.
_DEPTH = 3


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
    #: Frames of which only a stand-in is here, by file name.
    absent_images: dict[str, Placeholder] = field(default_factory=dict)
    #: Names of those images that are random sub-crops of other frames (DeepLabCut 2.1.10 to 2.2rc).
    random_crops: frozenset[str] = frozenset()
    #: Files that look like its labels and are called otherwise, are of another kind or lie elsewhere. Nobody uses them
    #: unless a person says so.
    odd_files: tuple[LabelFile, ...] = ()
    #: Images that label files name and that lie not in the folder itself but in one inside it.
    deeper_images: dict[str, Path] = field(default_factory=dict)
    inner: tuple[DlcSession, ...] = ()  #: Folders inside it that hold label files: one folder too many, mostly.

    @property
    def image_names(self) -> KeysView[str]:
        """Names of all its images, whether they can be read or not: what a row can mean. Always in the same order."""
        return dict.fromkeys((*self.images, *self.broken_images, *self.absent_images)).keys()

    @property
    def is_empty(self) -> bool:
        """Whether it holds nothing that could be migrated, nor anything that looks like it."""
        return not any((self.image_names, self.label_files, self.machine_files, self.odd_files, self.inner))

    @property
    def names_itself(self) -> bool:
        """Whether some row of its labels names it."""
        tables = [file.table for file in self.label_files if file.table is not None]
        return any(row.folder == self.name for table in tables for row in table.row_names)


def read_session(folder: Path, name: str, names: frozenset[str] = frozenset()) -> DlcSession:
    """Read one folder of frames as the session of a name.

    ``names`` are what keypoints and individuals are called elsewhere. Raises UnreadableFile for ``folder-unreadable``.
    """
    known = names | {name}
    label_files = tuple(_shared_tables(read_label_file(path, known) for path in label_paths(folder)))
    named = {row.file_name for file in label_files if file.table for row in file.table.row_names}
    listing = list_frames(folder, named)
    listed = (*listing.frames, *listing.crops)
    read = _read_images(folder, listed)
    machine = tuple(read_label_file(path, known) for path in label_paths(folder, "machinelabels"))
    return DlcSession(
        name,
        folder,
        label_files,
        machine,
        images={image: result for image, result in read.items() if isinstance(result, ImageInfo)},
        broken_images={image: result for image, result in read.items() if isinstance(result, Finding)},
        absent_images={image: result for image, result in read.items() if isinstance(result, Placeholder)}
        | {image: CLOUD for name in listing.others if has_image_suffix(image := name_in_cloud(name))},
        random_crops=frozenset(listing.crops),
        odd_files=tuple(read_label_file(path, known) for path in odd_label_paths(folder, listing.others)),
        deeper_images=_deeper_images(folder, named.difference(listed)),
        inner=tuple(_inner_sessions(folder, name, names)),
    )


def _shared_tables(files: Iterable[LabelFile]) -> Iterator[LabelFile]:
    """Yield files of which those that hold the same, as a CSV and its HDF5 do, hold one and the same table."""
    tables: list[RawTable] = []
    for file in files:
        table = next((each for each in tables if hold_the_same(each, file.table)), file.table)
        tables += [table] if table is not None else []
        yield file if table is file.table else replace(file, table=table)


def _deeper_images(folder: Path, wanted: Collection[str]) -> dict[str, Path]:
    """Find images in folders inside that of a session; only looked for where some are missing."""
    inside = walk_files(folder, depth=_DEPTH) if wanted and subfolders(folder) else ()
    return {path.name: path for path in inside if path.name in wanted and path.parent != folder}


def _read_images(folder: Path, names: Sequence[str]) -> dict[str, ImageInfo | Placeholder | Finding]:
    """Read header and checksums of each image: in threads, since most of the time is waiting for the disk."""
    pieces = [names[at : at + _IMAGES_AT_A_TIME] for at in range(0, len(names), _IMAGES_AT_A_TIME)]

    def read(piece: Sequence[str]) -> list[ImageInfo | Placeholder | Finding]:
        return [_image_or_fault(folder, name) for name in piece]

    with ThreadPoolExecutor(min(8, len(pieces)) or 1) as pool:
        return dict(zip(names, itertools.chain.from_iterable(pool.map(read, pieces)), strict=True))


def _image_or_fault(folder: Path, name: str) -> ImageInfo | Placeholder | Finding:
    try:
        return replace(read_image_info(folder / name), folder=folder, name=name)  # one object, one text for all
    except NotHere as absent:
        return absent.placeholder
    except UnreadableFile as error:
        return error.findings[0]


def _inner_sessions(folder: Path, name: str, names: frozenset[str]) -> Iterator[DlcSession]:
    """Read folders in a folder of frames that hold label files, at any depth."""
    for inner in subfolders(folder):
        try:
            if not holds_labels(inner):
                yield from _inner_sessions(inner, name, names)
                continue
            session = read_session(inner, name, names)
        except UnreadableFile:  # nothing is known of it, and a folder of frames needs none inside
            continue
        yield session
        yield from session.inner


def subfolders(folder: Path) -> list[Path]:
    """Return the folders in a folder that are not the system's own, sorted by name."""
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if not is_system_folder(entry.name) and is_folder(entry))
    except OSError as error:
        raise_disk_trouble(folder, error)
        return []
    return [folder / name for name in names]


def read_again(sessions: Sequence[DlcSession], names: frozenset[str]) -> list[DlcSession]:
    """Read those label files again whose code page was not certain, now with the names that all others have."""
    files = [file for each in sessions for file in (*each.label_files, *each.machine_files)]
    tables = [file.table for file in files if file.table is not None and file.is_text_certain]
    rows = (zip(table.levels, column, strict=True) for table in tables for column in table.columns)
    known = names | {text for row in rows for level, text in row if level != "coords" and not has_no_name(text)}
    if known == names or all(file.is_text_certain for file in files):
        return list(sessions)

    def again(found: tuple[LabelFile, ...]) -> tuple[LabelFile, ...]:
        return tuple(file if file.is_text_certain else read_label_file(file.path, known) for file in found)

    return [
        replace(each, label_files=again(each.label_files), machine_files=again(each.machine_files)) for each in sessions
    ]
