"""The report of an archive as files: JSON for programs, CSV for tables, HTML to read.

Two undisturbed runs of the same archive make the same bytes of these three. How long it took is in a table of its own.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from dlc2lp.batch.finish import ArchiveReport, ProjectReport
from dlc2lp.batch.planning import DECISIONS_FILE
from dlc2lp.codec import encode
from dlc2lp.errors import begun
from dlc2lp.files import PAGE_FILE, write_whole
from dlc2lp.model import Severity
from dlc2lp.wording import shown

JSON_FILE = "report.json"
CSV_FILE = "report.csv"
HTML_FILE = "index.html"
TIMES_FILE = "times.csv"

_COUNTS = ("labeled_frames", "labeled_cells")
_SIDES = ("source", "written", "left_out")

#: Columns of the table that stand in a project's report as they are, before and after those of its counts.
_FIRST = ("state", "n_sessions")
_LAST = ("n_videos", "n_video_frames", "bytes_before", "bytes_after")
CSV_COLUMNS = (
    *("project", "individual", "target", *_FIRST),
    *(f"{name}_{side}" for name in _COUNTS for side in _SIDES),
    *(*_LAST, "decisions_open"),
    *(f"n_{severity}s" for severity in Severity),
    "codes",
)
_TIMES_COLUMNS = ("project", "individual", "target", "seconds")


def write_reports(report: ArchiveReport) -> None:
    """Write all four files into OUT."""
    from dlc2lp.report.batch_json import report as as_document

    text = json.dumps(encode(as_document(report)), indent=1, ensure_ascii=True) + "\n"
    texts = {JSON_FILE: text, CSV_FILE: csv_text(report), HTML_FILE: html_text(report), TIMES_FILE: times_text(report)}
    with begun(report.index.out):
        for name, content in texts.items():
            write_whole(report.index.out / name, content.encode("utf-8", "backslashreplace"))


def csv_text(report: ArchiveReport) -> str:
    """Return one row for each target and each project that got none."""
    return _table(CSV_COLUMNS, map(_csv_row, report.projects))


def times_text(report: ArchiveReport) -> str:
    """Return one row for each target that was worked on, with the seconds that workers spent on it."""
    took = report.seconds
    rows = ([*_names(each), took[each.target]] for each in report.projects if each.target in took)
    return _table(_TIMES_COLUMNS, rows)


def _table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    file = io.StringIO()
    # Quoted, or Python before 3.13 would let a carriage return in a name end the row.
    writer = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(columns)
    writer.writerows(rows)
    return file.getvalue()


#: What begins so is calculated, also where a spreadsheet drops a blank before it, or takes a wide sign for a plain one.
_OF_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", " =", " +", " -", " @", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def _csv_row(project: ProjectReport) -> list[object]:
    severities = Counter(finding.severity for finding in project.findings)
    return [
        *_names(project),
        *(getattr(project, name) for name in _FIRST),
        *(getattr(project.counts.get(name), side, 0) for name in _COUNTS for side in _SIDES),
        *(getattr(project, name) for name in _LAST),
        " ".join(project.decisions_open),
        *(severities[severity] for severity in Severity),
        " ".join(dict.fromkeys(finding.code for finding in project.findings)),
    ]


def _names(project: ProjectReport) -> Iterator[str]:
    return map(_cell, (project.project, project.individual, project.target))


def _cell(text: str) -> str:
    """Return text that a spreadsheet takes for text: what begins like a formula would be calculated."""
    return f"'{shown(text)}" if text.startswith(_OF_FORMULAS) else shown(text)


def html_text(report: ArchiveReport) -> str:
    """Return the page: every project in the order of the plan, with all findings."""
    from dlc2lp.report.archive_page import page_text

    out = report.index.out
    there = [each.target for each in report.projects if each.has_target and (out / each.target).is_dir()]
    pages = {target: PAGE_FILE if (out / target / PAGE_FILE).is_file() else "" for target in there}
    return page_text(report, pages, (CSV_FILE, JSON_FILE), decisions_place(out))


def decisions_place(out: Path) -> str:
    """Say where a person decides: what was given with ``--decisions`` is known to the call alone that planned."""
    file = out / DECISIONS_FILE
    return str(file) if file.is_file() else "the file that was given with --decisions"
