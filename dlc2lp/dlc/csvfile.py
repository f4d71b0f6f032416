"""A CSV label file as a :class:`~dlc2lp.dlc.table.RawTable`: what stands in it, cell by cell.

``pandas.read_csv`` can't be asked: it takes an unlabeled first frame for a row of index names and drops it,
and makes 7 of a folder called ``007``. Here the header alone tells the layout::

    scorer,Jane,Jane,...                    scorer,,,Jane,Jane,...
    bodyparts,snout,snout,...               bodyparts,,,snout,snout,...
    coords,x,y,...                          coords,,,x,y,...
    labeled-data/m4s1/img00.png,21.5,...    labeled-data,m4s1,img00.png,21.5,...

on the left DeepLabCut up to 2.2.0.3, on the right since 2.2.0.4 (PR #1584); multi-animal files have a row
``individuals`` after ``scorer``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from sys import getsizeof

import numpy as np

from dlc2lp.dlc.code_pages import SAVE_AS_UTF8, choose, choose_east_asian, decode_unicode, normalised
from dlc2lp.dlc.csv_cells import Cells
from dlc2lp.dlc.csv_header import (
    FROM_BACKUP,
    N_TOP,
    CsvHeader,
    CsvRecord,
    check_columns,
    column_names,
    names_index_levels,
    read_records,
    refused,
    split_header,
)
from dlc2lp.dlc.csv_merged import fill_merged
from dlc2lp.dlc.csv_plain import plain_lines, plain_rows
from dlc2lp.dlc.table import RawTable
from dlc2lp.errors import UnreadableFile, raise_disk_trouble
from dlc2lp.files import FileRecord, digest_of
from dlc2lp.limits import CSV_BYTES, CSV_TEXT_BYTES
from dlc2lp.model import Finding, Severity
from dlc2lp.placeholders import check_is_here
from dlc2lp.wording import counted

#: How ``.xlsx`` and ``.ods`` begin, which are zip archives, and ``.xls``.
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")


@dataclass(frozen=True)
class CsvLabels:
    """A CSV label file and what was odd about it."""

    table: RawTable  #: Its rows and columns.
    findings: tuple[Finding, ...]  #: What a person should know; whatever prevents reading is raised instead.
    #: Whether its names are surely read rightly; False where the code page is the most usual one, for want of names.
    is_text_certain: bool = True
    content: FileRecord | None = None  #: The file as it was when it was read.


def read_csv_labels(path: Path, names: frozenset[str] = frozenset()) -> CsvLabels:
    """Read a label file in CSV, whoever wrote it: DeepLabCut of any era, pandas, napari, a spreadsheet.

    Numbers become the float64 that ``float`` makes of their digits, which is the one that pandas wrote down.
    Text stays as it stands. What lies beside the file matters only where an unlabeled first frame without a suffix
    looks like a row of index names, and where the file is in a code page.

    Parameters
    ----------
    path
        The file.
    names
        What keypoints, individuals and scorers are called elsewhere; they decide a code page. Empty if nothing is
        known: a text that is not Unicode is then read only if it looks the same in all usual code pages.

    Raises
    ------
    NotHere
        ``not-downloaded``: only a stand-in of the file is here.
    UnknownCodePage
        ``csv-encoding``: it is not Unicode, and the names don't tell what it is.
    UnreadableFile
        ``csv-unreadable``: it can't be opened, is no text, or its quotation marks don't match. ``csv-too-large``: it
        has more cells or columns than labels have.
        ``csv-no-header``, ``csv-bad-header``: it has no header of DeepLabCut's, or a damaged one.
        ``csv-bad-cell``, ``csv-extra-cells``, ``csv-mixed-decimals``, ``csv-thousands``: cells that are not what the
        header announces; the error tells of all of them.
    """
    try:
        return _read(path, names)
    except UnreadableFile:
        # A stand-in is no damaged CSV. It is asked for only now, so that a good file is opened once.
        check_is_here(path)
        raise


def _read(path: Path, names: frozenset[str]) -> CsvLabels:
    data = _bytes_of(path)
    text, odd_text, is_certain = _read_text(data.removesuffix(b"\x1a"), path, names)  # which ends a file of DOS
    known = names | {_scorer_in_name(path)}
    table, findings = _read_plain(text, path, known) or _read_cells(text, path, known)
    return CsvLabels(table, (*odd_text, *findings), is_certain, digest_of(data, path))


def _read_plain(text: str, path: Path, names: frozenset[str]) -> tuple[RawTable, list[Finding]] | None:
    """Read an ordinary file all at once; None where it may be another, which is for :func:`_read_cells`."""
    lines = plain_lines(text)
    if lines is None:
        return None
    check_columns(max(line.count(",") for line in lines) + 1, path)
    try:
        delimiter, records = read_records("\n".join(lines[:N_TOP]), path)
        header, _, titles = split_header(records, path, names)
    except UnreadableFile:  # perhaps only so far
        return None
    header, merged = fill_merged(header, path)
    below = lines[header.rows[-1].line :]
    first = CsvRecord(0, tuple(below[0].split(","))) if below else None
    if first is not None and first.has_content and names_index_levels(first, header, path.parent):
        below = below[1:]
    rows = plain_rows(below, header) if delimiter == "," else None
    if rows is None:
        return None
    columns, numbered = column_names(header, path)
    return RawTable(header.levels, columns, rows.index, rows.values), [*titles, *merged, *numbered]


def _read_cells(text: str, path: Path, names: frozenset[str]) -> tuple[RawTable, list[Finding]]:
    """Read a file cell by cell."""
    delimiter, records = read_records(text, path)
    header, body, titles = split_header(records, path, names)
    header, merged = fill_merged(header, path)
    if body and names_index_levels(body[0], header, path.parent):
        body = body[1:]
    cells = Cells(header, path, delimiter, body)
    cells.check_other_columns(body)
    rows = [cells.values(record) for record in body]
    findings = [*titles, *merged, *cells.findings(), *_short_rows(header, body, text, path)]
    columns, numbered = column_names(header, path)
    index = tuple(tuple(record.cell(position) for position in header.index_positions) for record in body)
    values = np.array(rows, dtype=np.float64).reshape(len(body), len(header.value_positions))
    return RawTable(header.levels, columns, index, values), [*findings, *numbered]


def _bytes_of(path: Path) -> bytes:
    try:
        return CSV_BYTES.read(path)
    except OSError as error:
        raise_disk_trouble(path, error)
        advice = getattr(error, "advice", "")
        raise refused("csv-unreadable", path, f"can't be opened: {error.strerror or error}", advice=advice) from error


def _read_text(data: bytes, path: Path, names: frozenset[str]) -> tuple[str, list[Finding], bool]:
    """Return the file's text, a finding if it is not UTF-8, and whether the encoding is certain."""
    if not data.strip(b"\0"):
        found = f"{counted(len(data), 'byte')} of zeros, as a crash leaves them" if data else "an empty file (0 bytes)"
        raise refused("csv-unreadable", path, f"found {found}, expected labels")
    decoded = decode_unicode(data)
    if decoded is not None and (beyond := CSV_TEXT_BYTES.beyond(getsizeof(decoded.text))):
        raise refused("csv-too-large", path, beyond.message, advice=beyond.advice)
    if (decoded.text if decoded else data.decode("latin-1")).count("\0"):
        is_workbook = data.startswith(_WORKBOOKS)
        found = "a workbook of a spreadsheet" if is_workbook else "bytes that are no text"
        advice = SAVE_AS_UTF8 if is_workbook else FROM_BACKUP
        raise refused("csv-unreadable", path, f"found {found}, expected a CSV file", advice=advice)
    if decoded is None:
        return _read_code_page(data, path, names)
    if decoded.encoding == "utf-8":
        return _unless_east_asian(decoded.text, data, path, names)
    return decoded.text, [_not_utf8(path, decoded.encoding, "")], True


def _read_code_page(data: bytes, path: Path, names: frozenset[str]) -> tuple[str, list[Finding], bool]:
    """Return the text of a file that is not Unicode, the finding that tells of it, and whether it is certain."""
    points, others = _special_texts(data, "latin-1", path)
    choice = choose(points, others, names, _names_beside(path), path)
    # What is left are notes and cells without a number: those that are damaged are told as such.
    text = data.decode(choice.encoding, errors="replace")
    if choice.is_certain:
        found = _not_utf8(path, choice.encoding, "" if points else ", and no name of a keypoint depends on it")
        return text, [found], True
    found = _not_utf8(path, choice.encoding, ", in which its names look like words; nothing else tells")
    advice = f"check that names with accents or other special letters arrived; else {SAVE_AS_UTF8}"
    return text, [replace(found, severity=Severity.WARNING, advice=advice)], False


def _unless_east_asian(text: str, data: bytes, path: Path, names: frozenset[str]) -> tuple[str, list[Finding], bool]:
    """Return a text as UTF-8, unless the same bytes make known names in a code page of East Asia, and none so."""
    if text.isascii() or not names:
        return text, [], True
    points, _ = _special_texts(data, "utf-8-sig", path)
    if not points or normalised(names) & normalised(point.decode("utf-8", "replace") for point in points):
        return text, [], True
    page = choose_east_asian(points, names)
    if page is None:
        return text, [], True
    return data.decode(page, errors="replace"), [_not_utf8(path, page, "")], True


def _not_utf8(path: Path, encoding: str, why: str) -> Finding:
    message = f"found text that is not UTF-8; it was read as {encoding}{why}"
    return Finding(Severity.NOTE, "csv-encoding", str(path), message)


def _special_texts(data: bytes, encoding: str, path: Path) -> tuple[list[bytes], list[bytes]]:
    """Return those texts of a file that are not ASCII: of keypoints and individuals; of the scorer and the rows.

    Any encoding will do in which no byte is lost: what separates cells and lines is the same byte in all code
    pages, and never a part of another character.
    """
    _, records = read_records(data.decode(encoding, "replace"), path)
    header, body, _ = split_header(records, path, frozenset())
    points = header.names("individuals", "bodyparts")
    others = header.names("scorer") | {record.cell(i) for record in body for i in header.index_positions}
    plain = encoding.removesuffix("-sig")
    first, second = ([each.encode(plain) for each in sorted(texts) if not each.isascii()] for texts in (points, others))
    return first, second


def _names_beside(path: Path) -> frozenset[str]:
    """Return the scorer in the file's name, and the names of its folder and of what lies in it."""
    try:
        beside = {each.name for each in path.parent.iterdir()}
    except OSError:
        beside = set()
    return frozenset({_scorer_in_name(path), path.parent.name, *beside} - {""})


def _scorer_in_name(path: Path) -> str:
    return path.stem.partition("_")[2]


def _short_rows(header: CsvHeader, body: Sequence[CsvRecord], text: str, path: Path) -> list[Finding]:
    width = header.value_positions[-1] + 1
    short = [record for record in body if len(record.cells) < width]
    if not short:
        return []
    where = f"line {short[0].line}" + (f" to {short[-1].line}" if len(short) > 1 else "")
    message = f"found {counted(len(short), 'row')} with fewer than {width} cells; what is missing is taken as empty"
    findings = [Finding(Severity.NOTE, "csv-short-rows", str(path), message, where)]
    # An aborted copy ends in the middle of a row, perhaps in the middle of a number.
    if short[-1] is body[-1] and not text.endswith(("\n", "\r")):
        last = body[-1]
        message = (
            f"found {counted(len(last.cells), 'cell')} without a line end, expected {width}: the file seems cut off, "
            f"perhaps within its last cell {last.cells[-1]!r}"
        )
        advice = "compare the file with its original"
        findings.append(Finding(Severity.WARNING, "csv-cut-off", str(path), message, f"line {last.line}", advice))
    return findings
