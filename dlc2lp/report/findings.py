"""Findings as text and as the frame of every JSON document. Light: a command that fails early needs no more."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from dlc2lp.codec import Says, encode_fields
from dlc2lp.folding import folded
from dlc2lp.model import Command, Finding
from dlc2lp.version import __version__
from dlc2lp.wording import shown

#: Findings of one kind that are written out; a thousand missing images are one problem, not a thousand.
_MAX_OF_A_KIND = 5

#: Whether a person wants to see every finding, however many there are of one kind (``--all-findings``).
_asked = {"all": False}


def list_all(wanted: bool) -> None:
    """Say whether texts and documents list every finding from now on."""
    _asked["all"] = wanted


def as_told(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings as texts and documents list them: many of one kind as one, unless all are asked for."""
    return list(findings) if _asked["all"] else folded(findings)


#: Where sentences are wrapped.
WIDTH = 100

#: Stands for a blank at which no line may end; no path holds it.
_BLANK = "\0"


def findings_text(findings: Sequence[Finding]) -> str:
    """Lay out findings in their order; of one kind five are shown and the others counted."""
    lines = []
    shown: Counter[tuple[str, str]] = Counter()
    more: Counter[tuple[str, str]] = Counter()
    for finding in as_told(findings):
        kind = finding.severity, finding.code
        shown[kind] += 1
        if shown[kind] <= _MAX_OF_A_KIND or _asked["all"]:
            lines += _lines_of(finding)
        else:
            more[kind] += finding.n_alike
    lines += [
        f"{severity}: {n} more of [{code}]; --all-findings lists them all" for (severity, code), n in more.items()
    ]
    return "\n".join(lines)


def _lines_of(finding: Finding) -> list[str]:
    """Lay out one finding; a table inside its message keeps its lines."""
    said = shown(f"{finding.severity}: {finding.subject}: {finding.message} [{finding.code}]")
    lines = [_wrap(said), *map(shown, finding.table)]
    commands = [shown(remedy.line) for remedy in finding.remedies if isinstance(remedy, Command)]
    told = (("at", finding.where), ("do", finding.short_hint))
    lines += [_wrap(f"    {word}: {shown(text)}", commands) for word, text in told if text]
    return lines


def _wrap(text: str, whole: Sequence[str] = ()) -> str:
    """Wrap at words; long paths and ``whole`` commands stay in one piece, so that they can be copied."""
    for piece in whole:
        text = text.replace(piece, piece.replace(" ", _BLANK))
    kept = textwrap.fill(text, WIDTH, subsequent_indent="        ", break_long_words=False, break_on_hyphens=False)
    return kept.replace(_BLANK, " ")


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
