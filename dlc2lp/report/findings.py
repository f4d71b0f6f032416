"""Findings as text and as the frame of every JSON document. Light: a command that fails early needs no more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from dlc2lp.codec import Says, encode_fields
from dlc2lp.folding import folded, kinds
from dlc2lp.model import Command, Finding, Setting
from dlc2lp.report.looks import painted, wrapped
from dlc2lp.version import __version__
from dlc2lp.wording import shown, some

#: So many findings of one kind are written out; of more the first stands for all: they are one problem.
_MAX_OF_A_KIND = 3

_N_PLACES = 3  # of the others that are named

#: Whether a person wants to see every finding, however many there are of one kind (``--all-findings``).
_asked = {"all": False}


def list_all(wanted: bool) -> None:
    """Say whether texts and documents list every finding from now on."""
    _asked["all"] = wanted


def wants_all() -> bool:
    """Whether nothing is to be told as one."""
    return _asked["all"]


def as_told(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings as texts and documents list them: many of one kind as one, unless all are asked for."""
    return list(findings) if _asked["all"] else folded(findings)


def findings_text(findings: Sequence[Finding]) -> str:
    """Lay out findings in their order; of many of one kind the first stands for all, with their first places."""
    if _asked["all"]:
        return "\n".join(line for finding in findings for line in finding_lines(finding))
    lines = []
    for kind in kinds(folded(findings)):
        if len(kind.alike) <= _MAX_OF_A_KIND:
            lines += [line for finding in kind.alike for line in finding_lines(finding)]
        else:
            lines += finding_lines(kind.first, more=more_alike(kind.others))
    return "\n".join(lines)


def more_alike(others: Sequence[Finding], places: Iterable[str] = ()) -> str:
    """Return the sentence for further findings of a kind: how many there are, and where the first ones are.

    Where is said by ``places``, or else by their subjects; by what stands for a place in them where these are all one.
    """
    n, own = sum(each.n_alike for each in others), [each.subject for each in others]
    of_one = len({*own}) == 1
    named = list(dict.fromkeys(places)) or list(
        dict.fromkeys(each.where for each in others) if of_one else dict.fromkeys(own)
    )
    where = some(filter(None, named), _N_PLACES, "; " if any(", " in name for name in named) else ", ")
    return f"{n} more of this kind" + (f": {where}" if where else "") + " (--all-findings lists them)"


def finding_lines(finding: Finding, indent: str = "", more: str = "", *, is_placed: bool = True) -> list[str]:
    """Lay out one finding; a table inside its message keeps its lines.

    ``more`` is a sentence about others of the kind; ``is_placed`` False leaves out where it is, which stands above.
    """
    words, below = str(finding.severity), indent + " " * 8
    said = shown(f"{finding.subject}: {finding.message} [{finding.code}]")
    whole = [] if ", " in finding.subject else [shown(finding.subject)]  # else several names
    first = wrapped(said, f"{indent}{words}: ", below, whole)
    lines = [first.replace(words, painted(words, finding.severity.value), 1)]
    lines += [indent + shown(line) for line in finding.table]
    commands = [shown(str(remedy)) for remedy in finding.remedies if isinstance(remedy, Command | Setting)]
    told = (("at", finding.where * is_placed), ("do", finding.short_hint))
    for word, text in told:
        lines += [wrapped(shown(text), f"{indent}    {word}: ", below, commands)] if text else []
    return lines + ([wrapped(shown(more), f"{indent}    and ", below)] if more else [])


#: Versions of documents that lost a key or changed its meaning: the second report of an archive has no times.
_VERSIONS = {"batch-finish": 2, "batch-convert": 2}


def schema_of(command: str) -> str:
    """Return what a command's document calls itself."""
    return f"dlc2lp/{command}/{_VERSIONS.get(command, 1)}"


@dataclass(frozen=True, kw_only=True)
class Document:
    """What every ``--json`` document has, and no more of a command that ended before it had a result."""

    written_first: ClassVar[tuple[str, ...]] = ("schema",)
    schema: ClassVar[str]

    def __init_subclass__(cls, *, command: str = "", **others: Any) -> None:
        super().__init_subclass__(**others)
        if command:
            cls.schema = schema_of(command)

    dlc2lp_version: str = __version__
    exit_code: Annotated[int, Says("enum", (0, 1, 2, 3, 4, 75))] = 0
    findings: tuple[Finding, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "findings", tuple(as_told(self.findings)))


def ended_early(command: str, exit_code: int, findings: Iterable[Finding]) -> dict[str, Any]:
    """Return the document of a command that ended before it had a result."""
    frame = Document(exit_code=exit_code, findings=tuple(findings))
    return {"schema": schema_of(command)} | encode_fields(frame)
