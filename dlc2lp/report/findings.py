"""Findings as text and as the frame of every JSON document. Light: a command that fails early needs no more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from dlc2lp.model import Finding
from dlc2lp.version import __version__

#: Findings of one kind that are written out; a thousand missing images are one problem, not a thousand.
_MAX_OF_A_KIND = 5


def findings_text(findings: Sequence[Finding]) -> str:
    """Lay out findings in their order; of one kind five are shown and the others counted."""
    lines = []
    shown: Counter[tuple[str, str]] = Counter()
    for finding in findings:
        shown[finding.severity, finding.code] += 1
        if shown[finding.severity, finding.code] > _MAX_OF_A_KIND:
            continue
        lines.append(f"{finding.severity}: {finding.subject}: {finding.message} [{finding.code}]")
        if finding.where:
            lines.append(f"    at: {finding.where}")
        if finding.hint:
            lines.append(f"    do: {finding.hint}")
    lines += [
        f"{severity}: {n - _MAX_OF_A_KIND} more of [{code}]; --json lists them all"
        for (severity, code), n in shown.items()
        if n > _MAX_OF_A_KIND
    ]
    return "\n".join(lines)


def document(command: str, exit_code: int, findings: Iterable[Finding], **content: Any) -> dict[str, Any]:
    """Return the frame that every document has, with a command's own content inside."""
    return {
        "schema": f"dlc2lp/{command}/1",
        "dlc2lp_version": __version__,
        "exit_code": exit_code,
        "findings": [finding.as_json() for finding in findings],
        **content,
    }
