"""The report of an archive as files: JSON for programs, CSV for tables, HTML to read.

Two undisturbed runs of the same archive make the same bytes of these three. How long it took is in a table of its own.
"""

from __future__ import annotations

import csv
import html
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import quote

from dlc2lp.batch.finish import ArchiveReport, ProjectReport
from dlc2lp.codec import encode
from dlc2lp.errors import begun
from dlc2lp.files import write_whole
from dlc2lp.model import Finding, Severity
from dlc2lp.report.findings import as_told
from dlc2lp.wording import counted, shown, size_text

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


_STYLE = """\
:root { color-scheme: light dark; --line: #8884; --bad: #c0392b; --ask: #b9770e; --good: #1e8449; }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; }
h1 { font-size: 1.4rem; } .path, code { font-family: ui-monospace, monospace; font-size: .92em; }
table { border-collapse: collapse; width: 100%; }
th, td { padding: .3rem .6rem; text-align: left; vertical-align: top; }
thead th { border-bottom: 2px solid var(--line); } tbody td, tbody th { border-bottom: 1px solid var(--line); }
tbody th { font-weight: inherit; } .n { text-align: right; font-variant-numeric: tabular-nums; }
.failed, .incomplete, .refused, .error { color: var(--bad); } .needs-decision, .warning { color: var(--ask); }
.done { color: var(--good); } li { margin: .3rem 0; } summary { cursor: pointer; } .message { white-space: pre-wrap; }
tr.told td { padding: 0 .6rem .6rem 2rem; } tr:has(+ .told) > * { border-bottom: 0; }
"""

#: Browsers become slow beyond some thousand rows. Projects that need a person are always shown.
_MAX_ROWS = 5000

_NUMBERS = ("sessions", "labeled frames in", "out", "videos", "video frames", "before", "after")
_HEADS = (("project", ""), ("state", ""), *((name, "n") for name in _NUMBERS))


def states_text(report: ArchiveReport) -> str:
    """``3 done, 1 needs decision``; empty where there is no project."""
    states = [(words(state), n) for state, n in report.n_by_state.items()]
    return ", ".join(counted(n, said, said.replace("needs ", "need ")) for said, n in states)


def html_text(report: ArchiveReport) -> str:
    """Return one page that needs nothing else: every project in the order of the plan, with its findings."""
    return "".join(_page(report))


def _page(report: ArchiveReport) -> Iterator[str]:
    states = states_text(report) or "no project"
    yield '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    yield f"<title>dlc2lp: {states}</title>\n<style>\n{_STYLE}</style>\n"
    yield f'<h1>{states}</h1>\n<p>From <span class="path">{_escape(report.index.root)}</span>'
    yield f' to <span class="path">{_escape(str(report.index.out))}</span>.</p>\n'
    if report.index.findings:
        yield f"<h2>The archive</h2>\n{_findings(report.index.findings)}\n"
    asked = [project for project in report.projects if project.decisions_open]
    if asked:
        yield '<h2>Decisions open</h2>\n<p>Answer them in <span class="path">decisions.yaml</span>, then plan, run '
        yield "and finish again: what is done stays done.</p>\n<ul>"
        for project in asked:
            yield f"<li>{_escape(project.project)}: {', '.join(project.decisions_open)}</li>"
        yield "</ul>\n"
    yield "<h2>The projects</h2>\n<table>\n<thead><tr>"
    yield "".join(f'<th scope="col" class="{kind}">{name}</th>' for name, kind in _HEADS)
    yield "</tr></thead>\n<tbody>\n"
    shown = _shown(report.projects)
    for project in shown:
        yield _row(project)
    yield "</tbody>\n</table>\n"
    if len(shown) < len(report.projects):
        yield f"<p>{len(report.projects) - len(shown)} more arrived whole; all are in "
        yield f'<a href="{CSV_FILE}">{CSV_FILE}</a>.</p>\n'
    yield "</html>\n"


def _shown(projects: Sequence[ProjectReport]) -> list[ProjectReport]:
    """Return the projects of the page: of those that arrived whole only as many as it can hold."""
    n_whole = max(0, _MAX_ROWS - sum(not project.is_whole for project in projects))
    left_out = {id(project) for project in [project for project in projects if project.is_whole][n_whole:]}
    return [project for project in projects if id(project) not in left_out]


def _row(project: ProjectReport) -> str:
    name = _escape(project.project + (f" ({project.individual})" if project.individual else ""))
    cells = [""] * len(_NUMBERS)
    frames = project.counts.get("labeled_frames")
    if frames is not None and project.has_target:
        name = f'<a href="{quote(project.target, errors="surrogateescape")}/">{name}</a>'
        cells = [
            *map(str, (project.n_sessions, frames.source, frames.written, project.n_videos, project.n_video_frames)),
            *map(size_text, (project.bytes_before, project.bytes_after)),
        ]
    elif frames is not None:
        cells[1:3] = map(str, (frames.source, frames.written))
    numbers = "".join(f'<td class="n">{cell}</td>' for cell in cells)
    state = f'<td class="{project.state}">{words(project.state)}</td>'
    return f'<tr><th scope="row">{name}</th>{state}{numbers}</tr>\n{_told(project)}'


def _told(project: ProjectReport) -> str:
    """Return a row below the project's with its findings, open where they need a person."""
    if not project.findings:
        return ""
    counts = Counter(finding.severity for finding in project.findings)
    summary = ", ".join(counted(counts[severity], severity) for severity in Severity if counts[severity])
    is_open = "" if project.is_whole else " open"
    details = f"<details{is_open}><summary>{summary}</summary>{_findings(project.findings)}</details>"
    return f'<tr class="told"><td colspan="{len(_HEADS)}">{details}</td></tr>\n'


def _findings(findings: tuple[Finding, ...]) -> str:
    return "<ul>" + "".join(f"<li>{_finding(finding)}</li>" for finding in as_told(findings)) + "</ul>"


def _finding(finding: Finding) -> str:
    text = f'<span class="{finding.severity}">{finding.severity}</span>: '
    kind = "message path" if finding.table else "message"  # a table wants letters of one width
    told = "\n".join(map(_escape, (finding.message, *finding.table)))
    text += f'{_escape(finding.subject)}: <span class="{kind}">{told}</span>'
    if finding.where:
        text += f" (at {_escape(finding.where)})"
    text += f" <code>{finding.code}</code>"
    return text + (f"<br>{_escape(finding.short_hint)}" if finding.hint else "")


def words(state: str) -> str:
    """Return a state as people say it: ``needs decision``."""
    return state.replace("-", " ")


def _escape(text: str) -> str:
    """Return text for HTML; what would not be seen, or turn the rest around, is spelled out."""
    return html.escape(shown(text))
