"""The lines that a run prints, and what turns an exception into one."""

from __future__ import annotations

import contextlib
import io
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

PASS, FAIL, WARN, SKIP = "PASS", "FAIL", "WARN", "SKIP"
MAX_DETAIL_CHARACTERS = 600


class Fault(Exception):
    """What a check found wrong with the project."""


class Skipped(Exception):
    """The check says nothing about this project, and why."""


def require(condition: object, problem: str) -> None:
    """Raise :class:`Fault` unless the condition holds."""
    if not condition:
        raise Fault(problem)


def require_none(problems: list[str]) -> None:
    """Raise one :class:`Fault` with all the problems, if there are any."""
    require(not problems, "; ".join(problems))


def some(things: Iterable[object], n: int = 4) -> str:
    """The first n things and the number of the others."""
    texts = [str(thing) for thing in things]
    more = f" (+{len(texts) - n} more)" if len(texts) > n else ""
    return ", ".join(texts[:n]) + more


class Verdict:
    """What one check says; PASS until something is worth a look."""

    def __init__(self, detail: object) -> None:
        self.status = PASS
        self.detail = str(detail)

    def say(self, detail: object) -> None:
        """Set the words."""
        self.detail = str(detail)

    def add(self, detail: str) -> None:
        """Add to the words."""
        self.detail = f"{self.detail}; {detail}" if self.detail else detail

    def warn(self, detail: str = "") -> None:
        """Legal, but worth a look."""
        self.status = WARN
        if detail:
            self.add(detail)


class Report:
    """Prints the lines and counts them.

    Parameters
    ----------
    debug
        Print the traceback and the captured output of failing checks too.
    strict
        Whether a warning fails the project.
    """

    def __init__(self, *, debug: bool = False, strict: bool = False) -> None:
        self.debug = debug
        self.strict = strict
        self.counts: Counter[str] = Counter()
        self.started_s = time.monotonic()

    @property
    def failed(self) -> bool:
        """Whether the project is refused so far."""
        return bool(self.counts[FAIL] or (self.strict and self.counts[WARN]))

    def line(self, status: str, check_id: str, detail: object = "") -> None:
        """Print one line."""
        self.counts[status] += 1
        print(f"{status:4s}  {check_id:28s}  {str(detail)[:MAX_DETAIL_CHARACTERS]}", flush=True)

    @contextlib.contextmanager
    def check(self, check_id: str, detail: object = "") -> Iterator[Verdict]:
        """One line for the body: any exception is a FAIL, SystemExit too, as LP calls exit() on some configs."""
        verdict = Verdict(detail)
        printed = io.StringIO()
        try:
            with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
                yield verdict
        except Skipped as reason:
            self.line(SKIP, check_id, reason)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            if self.debug:
                traceback.print_exc()
                print(printed.getvalue()[-3000:])
            self.line(FAIL, check_id, describe(error, printed.getvalue()))
        else:
            self.line(verdict.status, check_id, verdict.detail)

    def result(self) -> None:
        """Print the last line."""
        n = self.counts
        print(
            f"RESULT {'FAIL' if self.failed else 'OK'}: {n[PASS]} pass, {n[WARN]} warn, {n[FAIL]} fail, "
            f"{n[SKIP]} skip in {time.monotonic() - self.started_s:.0f}s",
            flush=True,
        )


def describe(error: BaseException, printed: str) -> str:
    """One line: what it says, and the place in LP's or the app's code that said it."""
    message = "" if isinstance(error, SystemExit) else " ".join(str(error).split())
    if isinstance(error, Fault):
        return message
    frames = reversed(traceback.extract_tb(error.__traceback__))
    theirs = (f for f in frames if "lightning_pose" in f.filename or "litpose_app" in f.filename)
    place = next(theirs, None)
    if not message:  # a bare assert, or exit() after a print: the last printed line, else the source line
        source = place.line if place else "no message"
        message = (printed.strip().splitlines() or [source or "no message"])[-1]
    where = f" @{Path(place.filename).name}:{place.lineno}" if place else ""
    return f"{type(error).__name__}: {message}{where}"
