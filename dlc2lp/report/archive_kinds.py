"""The findings of a whole archive, each told once: kind by kind, with the projects that have it. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from dlc2lp.dlc.framenames import has_image_suffix
from dlc2lp.folding import gathered
from dlc2lp.model import Finding, Severity
from dlc2lp.report.explaining import explanations
from dlc2lp.wording import counted, some

#: What is told of one kind in words of its own, and the projects that are listed below it; of the others their number.
_MOST_OF_A_KIND, _MOST_PLACES = 40, 200
#: Subjects that are named of one project: folders, and files of one folder.
_MOST_FOLDERS, _MOST_FILES = 4, 3


@dataclass(frozen=True)
class Origin:
    """What a finding belongs to: a project of an archive, or the archive itself."""

    name: str = ""  #: Empty: the archive.
    anchor: str = ""  #: Of its row in the page; empty where it has none.
    #: Absolute folders of its own: paths inside them are told from there.
    folders: tuple[str, ...] = ()

    def shortened(self) -> Callable[[str], str]:
        """Return what tells paths in a text from the project's folder, as projects that share a fault say it alike."""
        patterns = (f"{re.escape(folder)}[/\\\\]" for folder in self.folders if folder)
        inside = re.compile("|".join(patterns) or r"(?!)")
        # Another path may end like this one: it goes on to the left.
        return lambda text: inside.sub(lambda found: "" if _starts(text, found.start()) else found[0], text)


def _starts(text: str, at: int) -> bool:
    return at == 0 or not (text[at - 1].isalnum() or text[at - 1] in "/\\._-")


@dataclass(frozen=True)
class Place:
    """One project that has a finding."""

    origin: Origin
    subjects: str  #: What it is about there; empty where it is the project itself.


@dataclass(frozen=True)
class Told:
    """Findings that say the same."""

    message: str
    table: tuple[str, ...]
    hint: str  #: Empty where nothing is to be done.
    n_findings: int
    places: tuple[Place, ...]  #: As many as the page can hold.
    n_places: int


@dataclass(frozen=True)
class Kind:
    """All findings of one severity and code."""

    severity: Severity
    code: str
    anchor: str
    title: str
    do: str  #: What is to be done about it, whatever it is about.
    extent: str  #: ``301 frames of 5 sessions in 2 projects``.
    n_findings: int
    projects: tuple[Origin, ...]  #: All that have it, the archive left out.
    told: tuple[Told, ...]  #: As many as the page can hold.
    n_told: int


def kind_anchor(finding: Finding) -> str:
    """Return the anchor of a finding's kind."""
    return f"{finding.severity}-{finding.code}"


def kinds_of(found: Iterable[tuple[Origin, Sequence[Finding]]]) -> tuple[Kind, ...]:
    """Gather findings by kind, errors first; kinds of one severity in the order in which they come up."""
    listed = gathered((origin, finding) for origin, findings in found for finding in findings)
    return tuple(_kind(kind) for kind in sorted(listed, key=lambda kind: kind[0][1].severity.rank))


def _kind(found: Sequence[tuple[Origin, Finding]]) -> Kind:
    first = found[0][1]
    n, explained = sum(finding.n_alike for _, finding in found), explanations().get(first.code)
    projects = tuple(dict.fromkeys(origin for origin, _ in found if origin.name))
    told = _told(found)
    return Kind(
        first.severity,
        first.code,
        kind_anchor(first),
        explained.title if explained else first.code,
        explained.do if explained else "",
        _extent(found, n) + (f" in {counted(len(projects), 'project')}" if projects else ""),
        n,
        projects,
        tuple(told[:_MOST_OF_A_KIND]),
        len(told),
    )


def _extent(found: Sequence[tuple[Origin, Finding]], n: int) -> str:
    """Return how often something was found; of images in how many sessions."""
    about = [(origin.name, PurePosixPath(finding.subject)) for origin, finding in found]
    if all(len(path.parts) == 2 and has_image_suffix(path.name) for _, path in about):
        sessions = {(project, path.parent) for project, path in about}
        return f"{counted(n, 'frame')} of {counted(len(sessions), 'session')}"
    return counted(n, "time")


def _told(found: Iterable[tuple[Origin, Finding]]) -> list[Told]:
    """Join findings that say the same once the paths inside a project are told from there."""
    alike: dict[tuple[str, tuple[str, ...], str], dict[Origin, list[Finding]]] = {}
    shorten = {origin: origin.shortened() for origin in dict.fromkeys(origin for origin, _ in found)}
    for origin, finding in found:
        short = shorten[origin]
        said = short(finding.message), tuple(map(short, finding.table)), finding.short_hint
        alike.setdefault(said, {}).setdefault(origin, []).append(finding)
    return [
        Told(
            *said,
            sum(finding.n_alike for findings in places.values() for finding in findings),
            tuple(
                Place(origin, _subjects(origin, findings, shorten[origin]))
                for origin, findings in [*places.items()][:_MOST_PLACES]
            ),
            len(places),
        )
        for said, places in alike.items()
    ]


def _subjects(origin: Origin, findings: Sequence[Finding], short: Callable[[str], str]) -> str:
    """Name what findings of one project are about, files of one folder together."""
    own = {origin.name, *origin.folders}
    subjects = list(dict.fromkeys(short(finding.subject) for finding in findings if finding.subject not in own))
    if len(findings) == 1 and findings[0].where:
        where = short(findings[0].where)
        return f"{subjects[0]}, {where}" if subjects else where
    folders: dict[str, list[str]] = {}
    for subject in subjects:
        folders.setdefault(subject.rpartition("/")[0], []).append(subject)
    return some((_of_folder(folder, each) for folder, each in folders.items()), _MOST_FOLDERS, "; ")


def _of_folder(folder: str, subjects: Sequence[str]) -> str:
    """``m1/img05.png``; ``m1: img05.png, img09.png, img14.png and 3 more``."""
    if len(subjects) == 1 or not folder:
        return some(subjects, _MOST_FILES)
    return f"{folder}: {some((subject.rpartition('/')[2] for subject in subjects), _MOST_FILES)}"
