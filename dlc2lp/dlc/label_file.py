"""One label file: what it is called, what it holds, and whether it could be read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dlc2lp.dlc.code_pages import UnknownCodePage
from dlc2lp.dlc.csvfile import CsvLabels, read_csv_labels
from dlc2lp.dlc.table import RawTable
from dlc2lp.errors import UnreadableFile
from dlc2lp.model import Finding

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
    #: Whether its names are surely read rightly; else more known names may decide in which code page they are.
    is_text_certain: bool = True


def label_paths(folder: Path, start: str = "CollectedData") -> list[Path]:
    """Return the label files of a folder, sorted by name."""
    found = (path for path in folder.glob(f"{start}*") if path.suffix.lower() in {".h5", ".csv"} and path.is_file())
    return sorted(found, key=lambda path: path.name)


def file_scorer(path: Path) -> str:
    """Return the scorer that a label file's name carries."""
    return path.stem.removeprefix("CollectedData").removeprefix("machinelabels").removeprefix("_")


def read_label_file(path: Path, names: frozenset[str] = frozenset()) -> LabelFile:
    """Read a label file; one that can't be read has the reasons among its findings.

    ``names`` are what keypoints, individuals and images are called elsewhere, to tell in which code page a CSV is.
    """
    from dlc2lp.dlc.hdf import read_hdf  # brings h5py

    kind: FileKind = "h5" if path.suffix.lower() == ".h5" else "csv"
    mtime_ns = path.stat().st_mtime_ns
    try:
        read = read_hdf(path) if kind == "h5" else read_csv_labels(path, names)
    except UnreadableFile as error:
        certain = not isinstance(error, UnknownCodePage)
        return LabelFile(path, kind, file_scorer(path), None, mtime_ns, error.findings, certain)
    certain = not isinstance(read, CsvLabels) or read.is_text_certain
    return LabelFile(path, kind, file_scorer(path), read.table, mtime_ns, read.findings, certain)
