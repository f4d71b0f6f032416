"""Where words go: results to stdout, everything else to stderr; with ``--json`` the document alone has stdout."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from dlc2lp.codec import encode
from dlc2lp.errors import EXIT_OK
from dlc2lp.model import Finding, Severity

if TYPE_CHECKING:
    from dlc2lp.report.findings import Document

logger = logging.getLogger("dlc2lp")

_state: dict[str, Any] = {"json": False, "command": "dlc2lp", "quiet": False}


def reset(as_json: bool) -> None:
    """Begin a new command."""
    _state.update(json=as_json, command="dlc2lp", quiet=False)
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
    logger.addHandler(logging.NullHandler())
    logger.setLevel(logging.DEBUG)
    logger.propagate = False


def set_command(path: str) -> None:
    """Say which command runs, as click calls it: ``dlc2lp batch plan``."""
    _state["command"] = path.removeprefix("dlc2lp").strip().replace(" ", "-") or "dlc2lp"


def configure(path: str, *, as_json: bool, verbose: int, quiet: bool, log_file: str | None) -> None:
    """Set how much is said, and where the log goes, before a command runs."""
    set_command(path)
    _state.update(json=as_json, quiet=quiet)
    if verbose:
        handler: logging.Handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
        logger.addHandler(handler)
    if log_file:
        try:
            handler = logging.FileHandler(log_file, encoding="utf-8")
        except OSError as error:
            raise click.FileError(log_file, error.strerror or str(error)) from error
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        logger.addHandler(handler)


def wants_json() -> bool:
    """Whether stdout belongs to a JSON document."""
    return bool(_state["json"])


def wants_quiet() -> bool:
    """Whether only errors are to be said."""
    return bool(_state["quiet"])


def result(text: str, document: Document) -> None:
    """Show what a command came to."""
    _log(document.findings)
    if wants_json():
        click.echo(_json_text(encode(document)))
        if not wants_quiet():
            click.echo(_printable(text), err=True)
    elif not wants_quiet():
        click.echo(_printable(text + _how_to_read_more(document.findings)))
    elif document.exit_code != EXIT_OK:
        from dlc2lp.report.findings import findings_text

        errors = [finding for finding in document.findings if finding.severity is Severity.ERROR]
        click.echo(_printable(findings_text(errors)), err=True)


def note(text: str) -> None:
    """Say something on the way, which is no result."""
    logger.info("%s", text)
    if not wants_quiet():
        click.echo(_printable(text), err=True)


def failed(exit_code: int, findings: Iterable[Finding]) -> None:
    """Show why a command ended before it had a result."""
    from dlc2lp.report.findings import ended_early, findings_text

    listed = list(findings)
    _log(listed)
    more = "" if wants_json() or wants_quiet() else _how_to_read_more(listed)
    click.echo(_printable(findings_text(listed) + more), err=True)
    if wants_json():
        click.echo(_json_text(ended_early(_state["command"], exit_code, listed)))


def _how_to_read_more(findings: Iterable[Finding]) -> str:
    """Return the line that stands below findings, once."""
    return "\n\nwhat a [code] means, and what to do: dlc2lp explain CODE" if any(True for _ in findings) else ""


def _log(findings: Iterable[Finding]) -> None:
    for finding in findings:
        place = f" (at {finding.where})" if finding.where else ""
        advice = f"; do: {finding.hint}" if finding.hint else ""
        text = f"{finding.subject}: {finding.message} [{finding.code}]{place}{advice}"
        # A log file is UTF-8, and names may hold bytes that are no characters.
        logger.log(_LEVELS[finding.severity], "%s", text.encode("utf-8", "backslashreplace").decode())


def _json_text(document: dict[str, Any]) -> str:
    """Return JSON that is valid whatever names hold: half characters are written as JSON's escapes.

    JSON is UTF-8; where stdout is something else, all that is not ASCII is escaped.
    """
    is_utf8 = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "").startswith("utf8")
    text = json.dumps(document, indent=1, ensure_ascii=not is_utf8)
    return re.sub("[\ud800-\udfff]", lambda found: f"\\u{ord(found[0]):04x}", text)


def log_traceback(error: BaseException) -> None:
    """Put a bug's traceback where a person who looks for it finds it: the log file, or the terminal with -v."""
    logger.debug("traceback of the fault:", exc_info=error)


_LEVELS = {Severity.ERROR: logging.ERROR, Severity.WARNING: logging.WARNING, Severity.NOTE: logging.INFO}


def _printable(text: str) -> str:
    """Return text that any terminal can show: names of files may hold bytes that are no characters."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
