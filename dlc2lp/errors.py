"""What can go wrong, and the exit code that a command then ends with.

::

    Dlc2LpError              1   some step or check failed; the rest is done
    ├── UsageError           2   an option's value makes no sense
    │   └── NothingToSplit   2   --individuals split, and the project labels a single animal
    ├── SourceRefused        3   the source can't be migrated; nothing was written
    │   └── DecisionNeeded   3   the source is ambiguous: the candidates, and the option that decides
    ├── TargetRefused        3   the target can't be written; nothing was written
    │   └── NotPlanned       3   no archive was planned for this folder
    ├── TargetFailed         1   the target could not be written to its end; what is done stays done
    ├── ToolMissing          4   ffmpeg is not there
    ├── UnreadableFile       1   one file of the source can't be read
    ├── SourceChanged        1   one file of the source is not what was planned
    ├── VideoFailed          1   one video can't be converted
    ├── DiskTrouble          1   the disk failed or is full, on either side; nothing is said of what it holds
    ├── Overtaken           75   another call of the same command was faster; run again
    │   └── PlanReplaced    75   an archive is being planned anew
    ├── TargetBusy          75   another dlc2lp is at work there; the same command goes on afterwards
    └── Interrupted         75   stopped by a signal; the same command goes on

Every error carries findings, so that it can be shown like any other result: in words, as JSON, in the report.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, ParamSpec, Self, TypeVar

from dlc2lp.model import Finding, Remedy, Setting, Severity
from dlc2lp.wording import counted

P = ParamSpec("P")
T = TypeVar("T")

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_REFUSED = 3
EXIT_TOOL_MISSING = 4
EXIT_INTERRUPTED = 75  # EX_TEMPFAIL of sysexits.h, which schedulers take as "try again"


class Dlc2LpError(Exception):
    """Any failure that dlc2lp explains, the most important finding first; a bug is anything else."""

    exit_code: ClassVar[int] = EXIT_FAILED

    def __init__(self, *findings: Finding) -> None:
        super().__init__("; ".join(f"{finding.subject}: {finding.message}" for finding in findings))
        self.findings = findings

    @classmethod
    def of(
        cls,
        code: str,
        subject: str,
        message: str,
        *,
        where: str = "",
        advice: str = "",
        remedies: tuple[Remedy, ...] = (),
        candidates: tuple[str, ...] = (),
    ) -> Self:
        """An error with one finding, made where it happens."""
        return cls(Finding(Severity.ERROR, code, subject, message, where, advice, remedies, candidates))


class UsageError(Dlc2LpError):
    """An option's value, or two options together, make no sense."""

    exit_code = EXIT_USAGE


class NothingToSplit(UsageError):
    """A target for each individual was asked for, and the project labels a single animal."""


class SourceRefused(Dlc2LpError):
    """The source is no DeepLabCut project or can't be migrated as it is. Nothing was written."""

    exit_code = EXIT_REFUSED


class DecisionNeeded(SourceRefused):
    """The source is ambiguous; each finding names the candidates and the option that decides."""


class TargetRefused(Dlc2LpError):
    """The target can't be used: foreign, inside the source, not writable, too little space. Nothing was written."""

    exit_code = EXIT_REFUSED

    @classmethod
    def not_writable(cls, path: Path, error: OSError) -> Dlc2LpError:
        """The error for a file or folder that the system did not let us write; DiskTrouble where its disk failed."""
        if (of_disk := disk_trouble(path, error)) is not None:
            return of_disk
        message = f"could not be written: {error.strerror or error}"
        advice = "check the permissions and the space of its disk, or choose another folder for the target"
        if isinstance(error, IsADirectoryError | NotADirectoryError | FileExistsError):
            advice = "move what is in its place out of the way, and run the same command again"
        advice, remedies = advice_on(error, path, advice)
        return cls.of("target-not-writable", str(path), message, advice=advice, remedies=remedies)


class NotPlanned(TargetRefused):
    """No archive was planned for this folder."""


class ToolMissing(Dlc2LpError):
    """ffmpeg with libx264 is needed and not there."""

    exit_code = EXIT_TOOL_MISSING


class UnreadableFile(Dlc2LpError):
    """One file of the source can't be read; others may be fine."""


class SourceChanged(Dlc2LpError):
    """One file of the source is not what was planned; nothing was made of it."""


class VideoFailed(Dlc2LpError):
    """One video can't be converted; no output appears under its final name."""


#: The system's numbers for a disk that takes no more: full, over a quota, or a file too large for it (FAT: 4 GB).
_FULL = frozenset(getattr(errno, name) for name in ("ENOSPC", "EDQUOT", "EFBIG") if hasattr(errno, name))

#: Its numbers for a disk, or a server, that fails or has gone; some systems lack some.
_FAILED = frozenset(
    getattr(errno, name)
    for name in (
        *("EIO", "EROFS", "ENODEV", "ENXIO", "EREMOTEIO", "EUCLEAN", "EBADMSG", "ENOMEDIUM"),
        *("ENOTCONN", "ESTALE", "ESHUTDOWN", "ETIMEDOUT", "EHOSTDOWN", "EHOSTUNREACH", "ENETDOWN", "ENETUNREACH"),
        *("ENETRESET", "ECONNRESET", "ECONNABORTED", "ECONNREFUSED", "ENOLINK", "ECOMM"),
    )
    if hasattr(errno, name)
)

#: Windows' numbers for the same, of which Python makes EINVAL or EACCES.
_FULL_WINDOWS = frozenset({39, 112, 1295})  # ERROR_HANDLE_DISK_FULL, _DISK_FULL, _DISK_QUOTA_EXCEEDED
_FAILED_WINDOWS = frozenset({19, 21, 23, 27, 31, 53, 55, 59, 64, 121, 483, 1117, 1167, 1231})


def disk_error(error: BaseException) -> OSError | None:
    """Return what in an error, or in what led to it, tells of trouble with a disk; None where nothing does.

    Such trouble says nothing of the file that was read or written: it must never become a verdict about it.
    """
    return next((each for each in _with_causes(error) if isinstance(each, OSError) and _is_of_disk(each)), None)


def _with_causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        following = following.__cause__ or following.__context__


def _is_of_disk(error: OSError) -> bool:
    # libav says EIO and the like of what it can make no sense of, too; whether a disk failed, that is asked itself.
    failed = frozenset() if type(error).__module__.partition(".")[0] == "av" else _FAILED
    return error.errno in _FULL | failed or getattr(error, "winerror", None) in _FULL_WINDOWS | _FAILED_WINDOWS


class DiskTrouble(Dlc2LpError):
    """A disk failed or is full, on either side (``disk-failed``, ``no-space``): the same command goes on from here."""

    path = Path()  #: What could not be read or written.

    @classmethod
    def from_error(cls, path: str | Path, error: OSError) -> Self:
        """The error for a file or folder that the disk did not let us read or write."""
        code, advice = "disk-failed", "check the disk or the connection to it, and run the same command again; {}"
        if is_full(error):
            code, advice = "no-space", "free some space and run the same command again; {}"
        message, advice = f"could not be read or written: {error.strerror or error}", advice.format(_STAYS)
        made = cls.of(code, str(path), message, advice=advice)
        made.path = Path(path)
        return made

    def told_of(self, path: str | Path) -> Self:
        """The same trouble, told of another file: of the one that a temporary was to become."""
        told = type(self)(*(replace(finding, subject=str(path)) for finding in self.findings))
        told.path = Path(path)
        return told


_STAYS = "what is done stays done"

#: Windows' numbers for a file that another program holds open, and for a link that not everybody may make.
_HELD_WINDOWS = frozenset({32, 33})  # ERROR_SHARING_VIOLATION, _LOCK_VIOLATION
_NO_LINKS_WINDOWS = 1314  # ERROR_PRIVILEGE_NOT_HELD

#: What it says to a path that is too long for it: also that it is not there.
_TOO_LONG_WINDOWS = frozenset({3, 206})  # ERROR_PATH_NOT_FOUND, _FILENAME_EXCED_RANGE

#: So many signs a path may have there, unless long paths are switched on.
LONGEST_PATH_WINDOWS = 259

SWITCH_ON_LONG_PATHS = "switch Windows' long paths on (LongPathsEnabled in the registry)"


def advice_on(error: OSError, path: str | Path, usual: str) -> tuple[str, tuple[Remedy, ...]]:
    """Return what to do about what the system refused; ``usual`` where it is not for a reason that one system has."""
    number = getattr(error, "winerror", None)
    if number in _HELD_WINDOWS:
        return (
            "close the program that has it open (a player, Excel, a virus scanner), and run the same command again",
            (),
        )
    if number == _NO_LINKS_WINDOWS:
        why = "Windows lets only some make symbolic links: switch its Developer Mode on"
        return f"{why}, or have the files placed in another way, with {{}}", (Setting("link", ("auto",)),)
    if number in _TOO_LONG_WINDOWS and len(str(path)) > LONGEST_PATH_WINDOWS:
        found = f"its path has {counted(len(str(path)), 'sign')}"
        return f"{found}: {SWITCH_ON_LONG_PATHS}, or choose a target with a shorter path", ()
    if error.errno == errno.ENAMETOOLONG:
        return "choose a target with a shorter path", ()
    return usual, ()


def is_full(error: OSError) -> bool:
    """Whether an error says that a disk takes no more."""
    return error.errno in _FULL or getattr(error, "winerror", None) in _FULL_WINDOWS


def disk_trouble(path: str | Path, error: BaseException) -> DiskTrouble | None:
    """Return what to tell where an error tells of a disk; None where it says something of the file."""
    of_disk = disk_error(error)
    return None if of_disk is None else DiskTrouble.from_error(path, of_disk)


def raise_disk_trouble(path: str | Path, error: BaseException) -> None:
    """Raise :exc:`DiskTrouble` where an error tells of a disk, before anything is held against the file."""
    if (trouble := disk_trouble(path, error)) is not None:
        raise trouble from error


class TargetBusy(Dlc2LpError):
    """Another dlc2lp is at work in the target. Nothing was written."""

    exit_code = EXIT_INTERRUPTED


class Interrupted(Dlc2LpError):
    """A signal asked to stop. The same command goes on from here."""

    exit_code = EXIT_INTERRUPTED


class Overtaken(Dlc2LpError):
    """Another call of the same command was faster, and took what this one had in hand. The same command goes on."""

    exit_code = EXIT_INTERRUPTED


class PlanReplaced(Overtaken):
    """The plan of an archive is made anew at this moment."""


class TargetFailed(Dlc2LpError):
    """The target was begun, and could not be written to its end. What is done stays done."""


@contextlib.contextmanager
def begun(target: str | Path) -> Iterator[None]:
    """Run what follows the first write to a target: what is refused from then on was not refused before anything.

    Whatever the system refuses is told in words too: TargetFailed, or DiskTrouble.
    """
    try:
        yield
    except TargetRefused as error:
        raise TargetFailed(*error.findings) from error
    except OSError as error:
        raise refused_by_system(error, str(target)) from error


def refused_by_system(error: OSError, subject: str) -> Dlc2LpError:
    """Return the error that says in words what the system refused; ``subject`` where it names no file itself."""
    path = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else subject
    if (trouble := disk_trouble(path, error)) is not None:
        return trouble
    message = f"the system refused it: {error.strerror or error}"
    usual = "check its permissions and those of the folders above it, then run the same command again"
    advice, remedies = advice_on(error, path, usual)
    return UnreadableFile.of("file-unusable", path, message, advice=advice, remedies=remedies)


def explained(error: BaseException, subject: str) -> Dlc2LpError | None:
    """Return the error that says in words what went wrong; None for what nobody foresaw, a fault of dlc2lp.

    Nothing that a file system may hold or do is one. ``subject`` is what it was about, where the error does not say.
    """
    if isinstance(error, Dlc2LpError):
        return error
    if isinstance(error, OSError):
        return refused_by_system(error, subject)
    if isinstance(error, UnicodeEncodeError) and any("\ud800" <= char <= "\udfff" for char in error.object):
        message = "a name in it holds bytes that are no text, and Lightning Pose's files are text"
        advice = "rename the folders and files, for example with convmv, and run the same command again"
        return SourceRefused.of("name-not-text", subject, message, advice=advice)
    if isinstance(error, MemoryError):
        message = "the system has no more memory to give"
        advice = "close other programs, or run the same command again with fewer at a time: {}"
        return Dlc2LpError.of("out-of-memory", subject, message, advice=advice, remedies=(Setting("jobs", ("1",)),))
    return None


def in_words(function: Callable[P, T]) -> Callable[P, T]:
    """Have a function raise a Dlc2LpError for whatever the system refuses it."""

    @functools.wraps(function)
    def called(*args: P.args, **options: P.kwargs) -> T:
        try:
            return function(*args, **options)
        except Exception as error:
            told = explained(error, function.__name__)
            if told is None or told is error:
                raise
            raise told from error

    return called


def fault(subject: str, error: Exception, advice: str) -> Finding:
    """Return the finding for an error that nobody foresaw."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    message = f"{type(error).__name__}: {error} ({place.name}, line {place.lineno}); this is a fault of dlc2lp"
    return Finding(Severity.ERROR, "internal-error", subject, message, advice=advice)


def reason(error: OSError) -> str:
    """Return why the system refused, with the file where it tells."""
    return f"{error.strerror or error}" + (f" ({error.filename})" if error.filename else "")
