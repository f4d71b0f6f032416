"""Where words go: results to stdout, everything else to stderr; with ``--json`` the document alone has stdout."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TextIO

import click

from dlc2lp.cli import terminal
from dlc2lp.codec import encode
from dlc2lp.errors import EXIT_OK, Dlc2LpError, disk_error
from dlc2lp.files import WITHOUT_WAITING
from dlc2lp.model import Finding, Severity
from dlc2lp.wording import shown, shown_lines

if TYPE_CHECKING:
    from dlc2lp.report.findings import Document

logger = logging.getLogger("dlc2lp")

#: Marks a line of the log that is said to people besides.
_SHOWN = {"is_shown": True}

_state: dict[str, Any] = {"json": False, "command": "dlc2lp", "quiet": False, "before": None, "details": False}


def reset(as_json: bool) -> None:
    """Begin a new command."""
    _state.update(json=as_json, command="dlc2lp", quiet=False, before=None, details=False)
    terminal.dress_texts(sys.stderr if as_json else sys.stdout)
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
    _state["details"] = bool(verbose or log_file)
    if verbose:
        log = _Log(sys.stderr, "%(levelname)s %(message)s")
        log.addFilter(lambda record: not getattr(record, "is_shown", False))  # what is a result stands there anyway
        logger.addHandler(log)
    if log_file:
        try:
            # A pipe that nobody reads would be waited for.
            file = open(log_file, "a", encoding="utf-8", opener=_open_without_waiting)  # noqa: SIM115
        except OSError as error:
            if disk_error(error) is None:
                raise click.FileError(log_file, error.strerror or str(error)) from error
            say(_unlogged(log_file, error), err=True)
            return
        logger.addHandler(_Log(file, "%(asctime)s %(levelname)s %(message)s", log_file))


def _open_without_waiting(path: str, flags: int) -> int:
    descriptor = os.open(path, flags | WITHOUT_WAITING, 0o666)
    if hasattr(os, "set_blocking"):
        os.set_blocking(descriptor, True)
    return descriptor


class _Log(logging.StreamHandler[TextIO]):
    """A log in which names are spelled out, and which never ends the work that it tells of."""

    def __init__(self, stream: TextIO, form: str, name: str = "") -> None:
        super().__init__(stream)
        self.setFormatter(logging.Formatter(form))
        self._file_name = name
        self._has_failed = False

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line; a bar on the terminal makes room for it."""
        if not self._file_name:
            _make_room()
        super().emit(record)

    def format(self, record: logging.LogRecord) -> str:
        """Return a line, or of a fault's traceback several."""
        return shown_lines(super().format(record))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  (its name in the standard library)
        """Say once that the log takes no more, and go on."""
        error = sys.exc_info()[1]
        if self._file_name and not self._has_failed:
            self._has_failed = True
            say(_unlogged(self._file_name, error), err=True)

    def close(self) -> None:
        """Close the file, where it is one of ours."""
        super().close()
        if self._file_name:
            with contextlib.suppress(OSError):
                self.stream.close()


def _unlogged(log_file: str, error: BaseException | None) -> str:
    why = error.strerror if isinstance(error, OSError) else error
    return f"warning: {shown(log_file)}: the log can't be written ({why}); it goes on without [log-unwritable]"


def wants_json() -> bool:
    """Whether stdout belongs to a JSON document."""
    return bool(_state["json"])


def wants_quiet() -> bool:
    """Whether only errors are to be said."""
    return bool(_state["quiet"])


def wants_details() -> bool:
    """Whether somebody reads what happens step by step: on the terminal (``-v``) or in a log."""
    return bool(_state["details"])


def detail(text: str) -> None:
    """Tell what happens, for who wants to know it step by step."""
    logger.info("%s", shown(text))


def before_saying(clear: Callable[[], None] | None) -> None:
    """Have a bar make room before anything is said; None: there is none any more."""
    _state["before"] = clear


def _make_room() -> None:
    if _state["before"] is not None:
        _state["before"]()


def say(text: str, *, err: bool = False) -> None:
    """Write lines to stdout, or to stderr: the one place where text leaves, with names spelled out.

    Nobody is waited for, and no work ends, where stderr takes nothing more, or whoever read stdout has gone; a disk
    that takes no more of stdout is told (Dlc2LpError).
    """
    _make_room()
    stream = sys.stderr if err else sys.stdout
    try:
        click.echo(printable(terminal.shown_painted(text, stream), stream), file=stream)
    except OSError as error:
        if err:
            return
        # Or the interpreter would try once more at its end, and complain.
        sys.stdout = None
        if not isinstance(error, BrokenPipeError):
            why, advice = f"could not be written to: {error.strerror or error}", "see to it, and run the command again"
            raise Dlc2LpError.of("output-failed", "stdout", why, advice=advice) from error


def say_for_now(text: str) -> None:
    """Write a line to the terminal over what stands in its line, with no end: something else will stand there soon."""
    with contextlib.suppress(OSError, ValueError):  # a terminal that has gone
        sys.stderr.write(f"\r{printable(shown(text), sys.stderr)}")
        sys.stderr.flush()


def result(text: str, document: Document) -> None:
    """Show what a command came to."""
    _log(document.findings)
    if wants_json():
        _say_json(encode(document))
        if not wants_quiet():
            say(text, err=True)
    elif not wants_quiet():
        say(text + _how_to_read_more(document.findings))
    elif document.exit_code != EXIT_OK:
        from dlc2lp.report.findings import findings_text

        errors = [finding for finding in document.findings if finding.severity is Severity.ERROR]
        say(findings_text(errors), err=True)


def note(text: str) -> None:
    """Say something on the way, which is no result."""
    logger.info("%s", terminal.unpainted(text), extra=_SHOWN)
    if not wants_quiet():
        say(text, err=True)


def failed(exit_code: int, findings: Iterable[Finding], *, is_stopped: bool = False) -> None:
    """Show why a command ended before it had a result; who has stopped it needs nothing explained."""
    from dlc2lp.report.findings import ended_early, findings_text

    listed = list(findings)
    _log(listed)
    more = "" if wants_json() or wants_quiet() or is_stopped else _how_to_read_more(listed)
    say(findings_text(listed) + more, err=True)
    if wants_json():
        with contextlib.suppress(Dlc2LpError):  # it is over anyway
            _say_json(ended_early(_state["command"], exit_code, listed))


def _how_to_read_more(findings: Iterable[Finding]) -> str:
    """Return the line that stands below findings, once."""
    return "\n\nwhat a [code] means, and what to do: dlc2lp explain CODE" if any(True for _ in findings) else ""


def _log(findings: Iterable[Finding]) -> None:
    for finding in findings:
        place = f" (at {finding.where})" if finding.where else ""
        advice = f"; do: {finding.hint}" if finding.hint else ""
        text = f"{finding.subject}: {finding.message} [{finding.code}]{place}{advice}"
        logger.log(_LEVELS[finding.severity], "%s", "\n".join((shown(text), *finding.table)), extra=_SHOWN)


def _say_json(document: dict[str, Any]) -> None:
    """Write JSON that is valid whatever names hold, and acts on no terminal: such signs are JSON's escapes.

    JSON is UTF-8; where stdout is something else, all that is not ASCII is escaped.
    """
    is_utf8 = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "").startswith("utf8")
    text = json.dumps(document, indent=1, ensure_ascii=not is_utf8)
    say("\n".join(line if line.isprintable() else _escaped(line) for line in text.split("\n")))


def _escaped(line: str) -> str:
    """Return a line of JSON with JSON's escapes for what is not shown as it is."""
    return "".join(char if shown(char) == char else _json_escape(char) for char in line)


def _json_escape(char: str) -> str:
    # JSON's own encoder leaves DEL as it is.
    return f"\\u{ord(char):04x}" if ord(char) < 2**16 else json.dumps(char)[1:-1]


def log_traceback(error: BaseException) -> None:
    """Put a bug's traceback where a person who looks for it finds it: the log file, or the terminal with -v."""
    logger.debug("traceback of the fault:", exc_info=error)


_LEVELS = {Severity.ERROR: logging.ERROR, Severity.WARNING: logging.WARNING, Severity.NOTE: logging.INFO}


def printable(text: str, stream: TextIO | None) -> str:
    """Return text that a stream can hold, whatever its encoding."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
