"""What is told of the files of a target: changed, held back, missing, not to be written."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from dlc2lp.errors import DiskTrouble, Dlc2LpError, TargetRefused, advice_on, disk_error, disk_trouble, reason
from dlc2lp.files import NotRegular
from dlc2lp.model import Command, Finding, RunAgain, Setting, Severity
from dlc2lp.planning.steps import Step
from dlc2lp.wording import counted, some

#: What writes anew what a person changed.
REPLACE = Setting("edited", ("replace",))
REPLACE_AGAIN = RunAgain("run convert again", (REPLACE,))


def edited(path: str) -> Finding:
    """Return the finding for a file that a person changed and that this run would have written."""
    message = "was changed since dlc2lp wrote it; it is kept as it is"
    advice = "to write it anew and lose the changes: {}"
    return Finding(Severity.ERROR, "target-edited", path, message, advice=advice, remedies=(REPLACE,))


def found_edited(path: str) -> Finding:
    """Return the finding for a file that a person changed, told by who only looks."""
    advice, remedy = "if the change is yours, nothing is to be done; else {}", RunAgain("run convert", (REPLACE,))
    message = "is not as dlc2lp wrote it"
    return Finding(Severity.ERROR, "target-edited", path, message, advice=advice, remedies=(remedy,))


def unmergeable(path: str, target: str) -> Finding:
    """Return the finding for a label file or queue that people changed so that it can't be brought together."""
    message = "was changed since dlc2lp wrote it, and can't be brought together with DeepLabCut's labels; it is kept"
    advice = "mend what is named beside this, then {}; to write it anew and lose the changes: {}"
    ways = (Command.of("dlc2lp", "labels", target), REPLACE)
    return Finding(Severity.ERROR, "target-edited", path, message, advice=advice, remedies=ways)


def held(step: Step) -> Finding:
    """Return the finding for a file that must not be written anew while a label file can't be."""
    message = (
        "was left as it is, since a label file was changed by hand so that it can't be brought together with "
        "DeepLabCut's labels, and the two belong together; what is new in DeepLabCut did not arrive"
    )
    advice = (
        "to write all label files anew and lose the changes: {}; to have both, convert into a new folder and carry the "
        "changes over"
    )
    return Finding(Severity.ERROR, "labels-held", step.targets[0], message, advice=advice, remedies=(REPLACE,))


def orphaned(path: str) -> Finding:
    """Return the finding for a file that a person changed and that belongs to the target no more."""
    message = (
        "was changed since dlc2lp wrote it, and with these options and this source the target has no such file any "
        "more; it is kept, and so is everything else of the earlier migration"
    )
    advice = "move the file out of the target and run the same command again, or convert into a new folder"
    return Finding(Severity.ERROR, "target-edited", path, message, advice=advice)


def incomplete(step: Step, missing: Sequence[str]) -> Finding:
    """Return the finding for a step that is not done, of whose files some may be missing."""
    paths = missing or step.targets
    files = counted(len(paths), "file of this step is", "files of this step are")
    remedy = RunAgain("run the same convert command again to finish")
    return not_as_planned("target-incomplete", paths[0], f"{files} missing or unrecorded", remedy)


def not_as_planned(code: str, subject: str, message: str, remedy: RunAgain = REPLACE_AGAIN) -> Finding:
    """Return the finding for a part of a target that is not as planned, which another run mends."""
    return Finding(Severity.ERROR, code, subject, message, advice="{}", remedies=(remedy,))


def stale_removed(paths: Sequence[str]) -> Finding:
    """Return the finding for files of an earlier plan that were removed."""
    message = "part of an earlier plan, with other options or of another state of the source; removed"
    return Finding(Severity.NOTE, "stale-removed", some(paths), message)


def unwritten(step: Step, error: OSError) -> Finding:
    """Return the finding for a step that the system did not let us carry out."""
    source, target = error.filename, step.targets[0]
    if disk_error(error) is None and source in step.sources and not os.access(source, os.R_OK):
        message = f"its source {source} " + ("can't be read" if os.path.lexists(source) else "is missing")
        advice = "bring it back to where it was and run the same command again, or plan again without it"
        return Finding(Severity.ERROR, "source-unreadable", target, message, advice=advice)
    return disk_fault("step-failed", target, "could not be written", error)


def unreadable_file(target: Path, path: str, error: OSError) -> Dlc2LpError:
    """Return the error for a file of a target that is none, or can't be read."""
    if (trouble := disk_trouble(target / path, error)) is not None:
        return trouble
    if not isinstance(error, NotRegular | IsADirectoryError):
        return TargetRefused(disk_fault("target-unreadable", path, "can't be read", error))
    what = error.strerror if isinstance(error, NotRegular) else "is a folder, expected a file"
    advice = "move it out of the target and run the same command again"
    return TargetRefused.of("target-unreadable", path, str(what), advice=advice)


def disk_fault(code: str, subject: str, what: str, error: OSError) -> Finding:
    """Return the finding for what the system refused, in its own words; where a disk failed or is full, for that."""
    if (trouble := disk_error(error)) is not None:
        return DiskTrouble.from_error(trouble.filename or subject, trouble).findings[0]
    usual = "check the disk and the permissions, then run the same command again"
    advice, remedies = advice_on(error, error.filename or subject, usual)
    return Finding(Severity.ERROR, code, subject, f"{what}: {reason(error)}", advice=advice, remedies=remedies)
