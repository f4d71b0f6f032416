"""One label file: what it is called, what it holds, and whether it could be read."""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal

from dlc2lp.dlc.code_pages import UnknownCodePage
from dlc2lp.dlc.csvfile import read_csv_labels
from dlc2lp.dlc.framenames import IMAGE_SUFFIXES, RowName
from dlc2lp.dlc.packed import folders_with_labels, is_archive_file
from dlc2lp.dlc.table import RawTable, in_one_spelling
from dlc2lp.errors import UnreadableFile, raise_disk_trouble
from dlc2lp.files import FileRecord, content_of, open_regular
from dlc2lp.model import VIDEO_SUFFIXES, Finding, Severity
from dlc2lp.placeholders import NotHere, Placeholder, name_in_cloud, placeholder_of
from dlc2lp.wording import spelled

#: ``other`` is what nobody here reads: a workbook of a spreadsheet, an archive.
FileKind = Literal["h5", "csv", "other"]

_LABELS: Final = "collecteddata"
_MACHINE: Final = "machinelabels"
_HDF5: Final = b"\x89HDF\r\n\x1a\n"
_TEXTS: Final = frozenset({".csv", ".tsv", ".txt"})
_HDFS: Final = frozenset({".h5", ".hdf5", ".hdf"})
_HEAD_BYTES: Final = 1 << 16
#: The row of a label file that names x and y, and the column that only predictions have.
_COORDS: Final = re.compile(rb'^[ "]*coords"? *[,;|\t][^\r\n]*\bx\b', re.IGNORECASE | re.MULTILINE)
_LIKELIHOOD: Final = re.compile(rb"^[^\r\n]*\blikelihood\b", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class LabelFile:
    """One label file: what it is called and what it holds."""

    path: Path  #: The file.
    kind: FileKind  #: ``h5`` or ``csv``, by its content where its name says neither.
    stem_scorer: str  #: The scorer that the file's name carries: ``Anna`` of ``CollectedData_Anna.h5``.
    table: RawTable | None  #: Its rows and columns; None if it could not be read, and then ``findings`` say why.
    mtime_ns: int  #: When it was last changed.
    findings: tuple[Finding, ...] = ()  #: What reading it brought up.
    placeholder: Placeholder | None = None  #: What stands in for it, where it is not here.
    #: Names in it that are spelled in another way than elsewhere: accents in two parts, blanks around.
    respelled: tuple[str, ...] = ()
    folders: frozenset[str] = frozenset()  #: Folders that an archive holds label files of.
    others: tuple[RawTable, ...] = ()  #: Further tables that an HDF5 file holds beside the first, under other keys.
    #: Whether its names are surely read rightly; else more known names may decide in which code page they are.
    is_text_certain: bool = True
    is_taken: bool = field(default=False, compare=False)  #: Whether a person said that it counts.
    #: The file as it was when it was read; None where that was not possible.
    content: FileRecord | None = field(default=None, compare=False)

    def about(self, folder: str) -> LabelFile:
        """Return the file with only those rows that name a folder; ``""`` stands for naming none."""
        return self.part(lambda row: spelled(row.folder or "") == folder)

    def part(self, is_wanted: Callable[[RowName], bool]) -> LabelFile:
        """Return the file with only some of its rows, by what they name."""
        if self.table is None:
            return self
        table, *others = (_some_rows(each, is_wanted) for each in (self.table, *self.others))
        return replace(self, table=table, others=tuple(others))

    @property
    def folders_named(self) -> tuple[str, ...]:
        """Folders that its rows name, ``""`` for those that name none."""
        if self.table is None:
            return tuple(sorted(self.folders))
        return tuple(dict.fromkeys(spelled(row.folder or "") for row in self.table.row_names))


def _some_rows(table: RawTable, is_wanted: Callable[[RowName], bool]) -> RawTable:
    rows = [row for row, name in enumerate(table.row_names) if is_wanted(name)]
    return replace(table, rows=tuple(table.rows[row] for row in rows), values=table.values[rows])


def label_paths(folder: Path, start: str = _LABELS) -> list[Path]:
    """Return the label files of a folder that are called as DeepLabCut calls them, in any case, sorted by name."""
    try:
        names = {name_in_cloud(path.name) or path.name for path in folder.iterdir()}
    except OSError as error:
        raise_disk_trouble(folder, error)
        return []
    paths = (folder / name for name in sorted(names) if is_usual(name, start))
    return [path for path in paths if _is_there(path, or_folder=True)]


def is_usual(name: str, start: str = _LABELS) -> bool:
    """Whether a file is called as DeepLabCut calls its label files, in any case."""
    return name.lower().startswith(start) and name.lower().endswith((".h5", ".csv"))


def odd_label_paths(folder: Path, names: Iterable[str]) -> list[Path]:
    """Return those files of a folder of frames that look like label files and are called otherwise.

    They have the name in theirs, with whatever before, between or behind; or they begin as a label file does.
    """
    odd = (name for name in names if not (name.startswith(".") or is_usual(name) or is_usual(name, _MACHINE)))
    paths = [folder / name for name in odd]
    return [path for path in paths if is_called_labels(path) or _reads_like_labels(path)]


def holds_labels(folder: Path) -> bool:
    """Whether a folder holds a file that is called like labels."""
    try:
        return bool(label_paths(folder)) or any(is_called_labels(path) for path in folder.iterdir())
    except OSError:
        return False


def is_called_labels(path: Path) -> bool:
    """Whether a file is called like labels (``Copy of CollectedData_Anna.h5``, ``collected_data.csv.txt``), or is a zip
    that holds some.
    """
    if path.suffix.lower() in IMAGE_SUFFIXES | VIDEO_SUFFIXES or not _is_there(path):
        return False
    return _LABELS in re.sub(r"[\W_]+", "", path.name.lower()) or bool(folders_with_labels(path))


def _is_there(path: Path, *, or_folder: bool = False) -> bool:
    """Whether there is something of a name, or a stand-in of it: what is no file is told when it is read."""
    try:
        is_folder = stat.S_ISDIR(path.stat().st_mode)
        return or_folder or not is_folder
    except OSError as error:
        raise_disk_trouble(path, error)
        return placeholder_of(path) is not None


def _reads_like_labels(path: Path) -> bool:
    """Whether a file that is called otherwise holds the header of labels, and not that of predictions."""
    if _MACHINE in path.name.lower() or path.suffix.lower() not in _TEXTS | _HDFS:
        return False
    if path.suffix.lower() in _HDFS:
        table = read_label_file(path).table
        return table is not None and not any(column[-1].lower() == "likelihood" for column in table.columns)
    try:
        with open_regular(path) as file:
            head = file.read(_HEAD_BYTES).replace(b"\0", b"")
    except OSError:
        return False
    return _COORDS.search(head) is not None and _LIKELIHOOD.search(head) is None


def file_scorer(path: Path) -> str:
    """Return the scorer that a label file's name carries, in the one spelling of a name."""
    for start in (_LABELS, _MACHINE):
        if path.name.lower().startswith(start):
            return spelled(path.stem[len(start) :].removeprefix("_"))
    return spelled(path.stem)


def read_label_file(path: Path, names: frozenset[str] = frozenset()) -> LabelFile:
    """Read a label file; one that can't be read has the reasons among its findings.

    ``names`` are what keypoints, individuals and images are called elsewhere, to tell in which code page a CSV is.
    """
    from dlc2lp.dlc.hdf import read_hdf  # brings h5py

    try:
        mtime_ns = path.stat().st_mtime_ns
    except OSError:  # a link that leads nowhere, such as git-annex leaves
        mtime_ns = 0
    kind = _kind_of(path)
    unread = LabelFile(path, kind, file_scorer(path), None, mtime_ns)
    if kind == "other":
        found = _of_no_use(path)
        return replace(unread, findings=(found,), folders=folders_with_labels(path))
    others: tuple[RawTable, ...] = ()
    is_certain = True
    try:
        if kind == "h5":
            content = content_of(path)
            stored = read_hdf(path)
            table, findings, others = stored.table, stored.findings, tuple(table for _, table in stored.others)
        else:
            written = read_csv_labels(path, names)
            table, findings, is_certain = written.table, written.findings, written.is_text_certain
            content = written.content
    except UnreadableFile as error:
        placeholder = error.placeholder if isinstance(error, NotHere) else placeholder_of(path)
        certain = not isinstance(error, UnknownCodePage)
        findings = () if placeholder else error.findings
        return replace(unread, findings=findings, placeholder=placeholder, is_text_certain=certain)
    table, respelled = in_one_spelling(table)
    others = tuple(in_one_spelling(other)[0] for other in others)
    read = replace(unread, table=table, findings=findings, respelled=respelled, others=others, content=content)
    return replace(read, is_text_certain=is_certain)


def _kind_of(path: Path) -> FileKind:
    """Return what a file is: by its suffix, and by its content where that says nothing."""
    suffix = path.suffix.lower()
    if suffix in {".h5", ".csv"}:
        return "h5" if suffix == ".h5" else "csv"
    if is_archive_file(path.name):
        return "other"
    try:
        with open_regular(path) as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return "h5" if suffix in _HDFS else "csv" if suffix in _TEXTS else "other"
    if head.startswith(_HDF5):
        return "h5"
    return "csv" if suffix in _TEXTS or _COORDS.search(head.replace(b"\0", b"")) else "other"


def _of_no_use(path: Path) -> Finding:
    """Tell a file that looks like labels and that nobody here reads."""
    if is_archive_file(path.name):
        found, advice = "an archive that was never unpacked", "unpack it"
    else:
        found = f"a file of the kind {path.suffix.lower() or 'without suffix'}, expected CSV or HDF5"
        advice = "open it and save it as CSV (UTF-8) under the name CollectedData_<scorer>.csv"
    return Finding(Severity.WARNING, "label-file-of-another-kind", str(path), f"found {found}", advice=advice)
