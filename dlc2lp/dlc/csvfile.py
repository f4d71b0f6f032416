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
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dlc2lp.dlc.csv_cells import Cells
from dlc2lp.dlc.csv_header import (
    CsvHeader,
    CsvRecord,
    column_names,
    names_index_levels,
    read_records,
    refused,
    split_header,
)
from dlc2lp.dlc.table import RawTable
from dlc2lp.model import Finding, Severity
from dlc2lp.wording import counted


@dataclass(frozen=True)
class CsvLabels:
    """A CSV label file and what was odd about it."""

    table: RawTable  #: Its rows and columns.
    findings: tuple[Finding, ...]  #: What a person should know; whatever prevents reading is raised instead.


def read_csv_labels(path: Path, names: frozenset[str] = frozenset()) -> CsvLabels:
    """Read a label file in CSV, whoever wrote it: DeepLabCut of any era, pandas, napari, a spreadsheet.

    Numbers become the float64 that ``float`` makes of their digits, which is the one that pandas wrote down.
    Text stays as it stands. What lies beside the file matters only where an unlabeled first frame without a suffix
    looks like a row of index names.

    Raises
    ------
    UnreadableFile
        ``csv-unreadable``: it can't be opened, is no text, or its quotation marks don't match.
        ``csv-no-header``, ``csv-bad-header``: it has no header of DeepLabCut's, or a damaged one.
        ``csv-bad-cell``, ``csv-extra-cells``, ``csv-mixed-decimals``: cells that are not what the header
        announces; the error tells of all of them.
    """
    text, odd_text = _read_text(path)
    delimiter, records = read_records(text, path)
    header, body = split_header(records, path)
    if body and names_index_levels(body[0], header, path.parent):
        body = body[1:]
    cells = Cells(header, path, comma_is_decimal=delimiter == ";")
    cells.check_other_columns(body)
    rows = [cells.values(record) for record in body]
    findings = [*odd_text, *cells.findings(), *_short_rows(header, body, text, path)]
    columns, numbered = column_names(header, path)
    index = tuple(tuple(record.cell(position) for position in header.index_positions) for record in body)
    values = np.array(rows, dtype=np.float64).reshape(len(body), len(header.value_positions))
    return CsvLabels(RawTable(header.levels, columns, index, values), (*findings, *numbered))


def _read_text(path: Path) -> tuple[str, list[Finding]]:
    """Return the file's text, and a note if it is not UTF-8."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise refused("csv-unreadable", path, f"can't be opened: {error.strerror or error}", advice="") from error
    if not data.strip(b"\0"):
        found = f"{counted(len(data), 'byte')} of zeros, as a crash leaves them" if data else "an empty file (0 bytes)"
        raise refused("csv-unreadable", path, f"found {found}, expected labels")
    # pandas writes UTF-8, Excel on Windows its code page or, as "Unicode text", UTF-16 with a byte order mark.
    encodings = ["utf-16"] if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        if encoding == "utf-8-sig":
            return text, []
        message = f"found text that is not UTF-8; it was read as {encoding}"
        advice = "check that names with accents or other special letters arrived"
        return text, [Finding(Severity.NOTE, "csv-encoding", str(path), message, advice=advice)]
    raise refused("csv-unreadable", path, "found bytes that are no text, expected a CSV file")


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
