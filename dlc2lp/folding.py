"""Many findings of one kind told as one: a thousand columns that are left out are one fact about a file."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from dlc2lp.model import Finding
from dlc2lp.wording import some

P = TypeVar("P")

#: So many findings of one kind about one thing, a file mostly, are told one by one; of more the first stands for all.
_MOST_OF_A_THING = 10
#: So many of one kind are told about whatever things; of more the rest is told as one.
_MOST_OF_A_KIND = 100
#: So many of one kind are kept of a file that is read.
_MOST_KEPT = 1000
_N_PLACES = 5  # that are named


def folded(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings as people read them: where there are many of one kind, one with their number and first places."""
    listed = _fold(findings, lambda each: (each.severity, each.code, each.subject), _MOST_OF_A_THING, 0)
    return _fold(listed, lambda each: (each.severity, each.code), _MOST_OF_A_KIND, _MOST_OF_A_KIND - 1)


def _fold(
    findings: Iterable[Finding], kind_of: Callable[[Finding], Hashable], n_most: int, n_whole: int
) -> list[Finding]:
    """Fold kinds of which there are more than ``n_most``, each from its ``n_whole`` first on; the order stays."""
    listed = list(findings)
    kinds: dict[Hashable, list[Finding]] = {}
    for finding in listed:
        kinds.setdefault(kind_of(finding), []).append(finding)
    if all(len(alike) <= n_most for alike in kinds.values()):
        return listed
    told: list[Finding] = []
    n_told: dict[Hashable, int] = {}
    for finding in listed:
        kind = kind_of(finding)
        alike, n = kinds[kind], n_told.get(kind, 0)
        n_told[kind] = n + 1
        if len(alike) <= n_most or n < n_whole:
            told.append(finding)
        elif n == n_whole:
            told.append(as_one(alike[n:]))
    return told


def as_one(findings: Sequence[Finding]) -> Finding:
    """Return the first of some findings of one kind as standing for all: with their number and first places."""
    first = findings[0]
    n = sum(each.n_alike for each in findings)
    are_of_one = all(each.subject == first.subject for each in findings)
    places = dict.fromkeys(each.where if are_of_one else each.subject for each in findings)
    message = f"{first.message}; {n} of this kind in all"
    return replace(first, message=message, where=some(filter(None, places), _N_PLACES), n_alike=n)


class Kept:
    """Findings about one file, while it is read: of one kind no more than a thousand take memory."""

    def __init__(self) -> None:
        self._kinds: dict[Hashable, tuple[list[Finding], int]] = {}

    def add(self, finding: Finding) -> None:
        """Take one more."""
        kind = (finding.severity, finding.code)
        listed, n = self._kinds.get(kind, ([], 0))
        if n < _MOST_KEPT:
            listed.append(finding)
        self._kinds[kind] = listed, n + 1

    @property
    def findings(self) -> list[Finding]:
        """All of them, kind by kind; the last of a kind stands for those that were not kept."""
        told: list[Finding] = []
        for listed, n in self._kinds.values():
            last, n_more = listed[-1], n - len(listed)
            told += [*listed[:-1], replace(last, n_alike=1 + n_more) if n_more else last]
        return told


@dataclass(frozen=True)
class Kind:
    """All findings of one kind: what is told once, and where else it is so.

    Attributes
    ----------
    first
        The first one, which is told in full.
    others
        The further ones of the kind, in their order.
    places
        Where the kind is found, the first place included: projects, where it was asked of several, else subjects.
    """

    first: Finding
    others: tuple[Finding, ...] = ()
    places: tuple[str, ...] = ()

    @property
    def alike(self) -> tuple[Finding, ...]:
        """All of them."""
        return (self.first, *self.others)

    @property
    def n(self) -> int:
        """How many findings it stands for."""
        return sum(each.n_alike for each in self.alike)


def kinds(findings: Iterable[Finding]) -> list[Kind]:
    """Return the kinds among some findings, by severity and code, in the order of their first ones."""
    return [_kind(found) for found in gathered(("", finding) for finding in findings)]


def kinds_in(found: Mapping[str, Iterable[Finding]]) -> list[Kind]:
    """Return the kinds among the findings of several places, of projects mostly: errors first, then as they come.

    What is told of the page of an archive and in the terminal: ``missing-image`` in 5 projects is one fact.
    """
    listed = gathered((place, finding) for place, findings in found.items() for finding in findings)
    return sorted(map(_kind, listed), key=lambda kind: kind.first.severity.rank)


def gathered(found: Iterable[tuple[P, Finding]]) -> list[list[tuple[P, Finding]]]:
    """Gather findings of one severity and code, each with where it was found, in the order in which kinds come up."""
    alike: dict[Hashable, list[tuple[P, Finding]]] = {}
    for place, finding in found:
        alike.setdefault((finding.severity, finding.code), []).append((place, finding))
    return list(alike.values())


def _kind(found: Sequence[tuple[str, Finding]]) -> Kind:
    return Kind(
        found[0][1],
        tuple(finding for _, finding in found[1:]),
        tuple(filter(None, dict.fromkeys(place or finding.subject for place, finding in found))),
    )
