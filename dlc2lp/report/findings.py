"""Findings as text and as the frame of every JSON document. Light: a command that fails early needs no more."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from dlc2lp.model import Finding
from dlc2lp.version import __version__

#: Findings of one kind that are written out; a thousand missing images are one problem, not a thousand.
_MAX_OF_A_KIND = 5

#: Where sentences are wrapped.
WIDTH = 100


def findings_text(findings: Sequence[Finding]) -> str:
    """Lay out findings in their order; of one kind five are shown and the others counted."""
    lines = []
    shown: Counter[tuple[str, str]] = Counter()
    for finding in findings:
        shown[finding.severity, finding.code] += 1
        if shown[finding.severity, finding.code] > _MAX_OF_A_KIND:
            continue
        lines += _lines_of(finding)
    lines += [
        f"{severity}: {n - _MAX_OF_A_KIND} more of [{code}]; --json lists them all"
        for (severity, code), n in shown.items()
        if n > _MAX_OF_A_KIND
    ]
    return "\n".join(lines)


def _lines_of(finding: Finding) -> list[str]:
    """Lay out one finding; a table inside its message keeps its lines."""
    message, *table = finding.message.split("\n")
    lines = [_wrap(f"{finding.severity}: {finding.subject}: {message} [{finding.code}]"), *table]
    if finding.where:
        lines.append(_wrap(f"    at: {finding.where}"))
    if finding.hint:
        lines.append(_wrap(f"    do: {finding.hint}"))
    return lines


def _wrap(text: str) -> str:
    """Wrap at words; names with hyphens and long paths stay in one piece, so that they can be copied."""
    return textwrap.fill(text, WIDTH, subsequent_indent="        ", break_long_words=False, break_on_hyphens=False)


def document(command: str, exit_code: int, findings: Iterable[Finding], **content: Any) -> dict[str, Any]:
    """Return the frame that every document has, with a command's own content inside."""
    return {
        "schema": f"dlc2lp/{command}/1",
        "dlc2lp_version": __version__,
        "exit_code": exit_code,
        "findings": [finding.as_json() for finding in findings],
        **content,
    }
