"""What the page of an archive shows, as data, and the page itself: ``index.html``. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from dlc2lp import folding
from dlc2lp.batch.finish import ArchiveReport, ProjectReport, ProjectState
from dlc2lp.model import Severity
from dlc2lp.planning.plan import Count, CountKeys
from dlc2lp.report.archive_first import Task, Verdict, tasks_of, total, verdict_of
from dlc2lp.report.archive_kinds import Kind, Origin, kind_anchor, kinds_of
from dlc2lp.version import __version__
from dlc2lp.wording import counted, size_text

#: Browsers become slow beyond some thousand rows. Projects that need a person are always shown.
MAX_ROWS = 5000

_ANCHOR_CHARS, _DIGEST_CHARS = 40, 8

#: How each state is coloured; in the order in which they are sorted: what a person must look at first.
_TONES: dict[ProjectState, str] = {
    "incomplete": "lacking",
    "failed": "lacking",
    "needs-decision": "look",
    "refused": "lacking",
    "skipped": "note",
    "done": "whole",
}


@dataclass(frozen=True)
class Column:
    """A column of the table of projects."""

    name: str
    is_number: bool  #: Whether it is sorted by numbers.
    is_right: bool = False  #: Whether numbers stand in it, one below the other.


_NUMBERS = ("sessions", "frames in", "frames out", "labels in", "labels out")
_SIZES = ("videos", "size before", "size after")
COLUMNS = (
    Column("project", is_number=False),
    Column("state", is_number=True),
    *(Column(name, is_number=True, is_right=True) for name in (*_NUMBERS, *_SIZES)),
    Column("findings", is_number=True),
)


@dataclass(frozen=True)
class Cell:
    """A number as it is shown, and as it is sorted; nothing where nobody knows it."""

    text: str = ""
    value: int | None = None


@dataclass(frozen=True)
class RowKind:
    """Findings of one kind that a project has."""

    severity: Severity
    code: str
    n: int
    anchor: str


@dataclass(frozen=True)
class Row:
    """One project of the table."""

    origin: Origin
    link: str  #: Relative address of its own page, else of its folder; empty where there is neither.
    state: ProjectState
    tone: str
    urgency: int
    cells: tuple[Cell, ...]
    kinds: tuple[RowKind, ...]
    weight: int  #: By which the findings are sorted: errors before warnings before notes.


@dataclass(frozen=True)
class Tile:
    """What is counted, how much of it arrived, and of what."""

    name: str
    value: str
    of: str


@dataclass(frozen=True, kw_only=True)
class ArchivePage:
    """What became of an archive."""

    name: str  #: Of the folder OUT.
    dlc2lp_version: str
    root: str
    out: str
    verdict: Verdict
    tiles: tuple[Tile, ...]
    tasks: tuple[Task, ...]  #: What a person must do, the first thing first.
    columns: tuple[Column, ...]
    n_by_state: dict[str, int]
    rows: tuple[Row, ...]
    n_rows: int  #: All of them; those that are not shown arrived whole.
    kinds: tuple[Kind, ...]
    others: tuple[str, ...]  #: The other files of the report.


def page_text(report: ArchiveReport, pages: Mapping[str, str], others: Sequence[str], decisions: str) -> str:
    """Return one page that needs nothing else; for the parameters see :func:`archive_page`."""
    from dlc2lp.pages.render import render

    return render("archive.html", page=archive_page(report, pages, others, decisions))


def archive_page(report: ArchiveReport, pages: Mapping[str, str], others: Sequence[str], decisions: str) -> ArchivePage:
    """Return what the page shows.

    ``pages`` has of each target that is there its own page, empty where it has none; ``others`` are the report's other
    files, ``decisions`` is the file in which open decisions are answered, in words.
    """
    shown = _shown(report.projects)
    have_rows = set(map(id, shown))
    found = [(_origin(project, report, has_row=id(project) in have_rows), project) for project in report.projects]
    kinds = kinds_of([(Origin(), report.index.findings), *((origin, each.findings) for origin, each in found)])
    return ArchivePage(
        name=report.index.out.name or str(report.index.out),
        dlc2lp_version=__version__,
        root=report.index.root,
        out=str(report.index.out),
        verdict=verdict_of(report),
        tiles=tuple(_tiles(report.projects)),
        tasks=tasks_of(report, found, kinds, decisions),
        columns=COLUMNS,
        n_by_state=report.n_by_state,
        rows=tuple(_row(project, origin, pages) for origin, project in found if id(project) in have_rows),
        n_rows=len(report.projects),
        kinds=kinds,
        others=tuple(others),
    )


def _shown(projects: Sequence[ProjectReport]) -> list[ProjectReport]:
    """Return the projects of the page: of those that arrived whole only as many as it can hold."""
    n_whole = max(0, MAX_ROWS - sum(not project.is_whole for project in projects))
    left_out = {id(project) for project in [project for project in projects if project.is_whole][n_whole:]}
    return [project for project in projects if id(project) not in left_out]


def _origin(project: ProjectReport, report: ArchiveReport, *, has_row: bool) -> Origin:
    folders = project.source, str(report.index.out / project.target)
    return Origin(project.name, _anchor(project.name) if has_row else "", folders)


def _anchor(name: str) -> str:
    """Return the anchor of a project: the same in every report, whatever other projects there are."""
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_CHARS]
    plain = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[-_ANCHOR_CHARS:]
    return f"project-{plain}-{digest}"


def _tiles(projects: Sequence[ProjectReport]) -> Iterator[Tile]:
    """Sum up what the sources hold, as far as it is known, and what of it arrived."""
    n_whole = sum(project.is_whole for project in projects)
    yield Tile("projects", str(n_whole), f"of {len(projects)} arrived or were left out on purpose")
    for name in CountKeys.names:
        count = total(projects, name)
        of = f"of {count.source} in DeepLabCut" + (f", {count.left_out} left out" if count.left_out else "")
        yield Tile(name.replace("_", " "), str(count.written), of)
    n_frames = sum(project.n_video_frames for project in projects)
    yield Tile("videos", str(sum(project.n_videos for project in projects)), counted(n_frames, "frame"))
    before, after = (sum(getattr(project, side) for project in projects) for side in ("bytes_before", "bytes_after"))
    yield Tile("all files", size_text(after), f"made of {size_text(before)} of images and videos")


def _row(project: ProjectReport, origin: Origin, pages: Mapping[str, str]) -> Row:
    kinds = [
        RowKind(each.first.severity, each.first.code, each.n, kind_anchor(each.first))
        for each in folding.kinds(project.findings)
    ]
    weight = sum(kind.n * 1000 ** (2 - kind.severity.rank) for kind in kinds)
    page = pages.get(project.target)
    link = "" if page is None else quote(f"{project.target}/{page}", errors="surrogateescape")
    urgency = [*_TONES].index(project.state)
    tone = _TONES[project.state]
    return Row(origin, link, project.state, tone, urgency, tuple(_cells(project)), tuple(kinds), weight)


def _cells(project: ProjectReport) -> Iterator[Cell]:
    """Return the numbers of a project: of one that was not planned what its source holds."""
    yield _number(project.n_sessions, project.has_target)
    for name in CountKeys.names:
        count = project.counts.get(name, Count(0, 0, 0))
        yield _number(count.source, name in project.counts)
        yield _number(count.written, name in project.counts)
    yield _number(project.n_videos, project.has_target)
    for size in (project.bytes_before, project.bytes_after):
        yield Cell(size_text(size), size) if project.has_target else Cell()


def _number(n: int, is_known: bool) -> Cell:
    return Cell(str(n), n) if is_known else Cell()
