"""What is told of the files of a target: changed, held back, missing, not to be written."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence

from dlc2lp.errors import reason
from dlc2lp.model import Finding, RunAgain, Setting, Severity
from dlc2lp.planning.steps import Step
from dlc2lp.wording import counted, some

#: What writes anew what a person changed.
REPLACE = Setting("edited", ("replace",))
REPLACE_AGAIN = RunAgain("run convert again", (REPLACE,))


def edited(path: str) -> Finding:
    """Return the finding for a file that a person changed and that this run would have written."""
    return Finding(
        Severity.ERROR,
        "target-edited",
        path,
        "was changed since dlc2lp wrote it; it is kept as it is",
        advice="to write it anew and lose the changes: {}",
        remedies=(REPLACE,),
    )


def found_edited(path: str) -> Finding:
    """Return the finding for a file that a person changed, told by who only looks."""
    return Finding(
        Severity.ERROR,
        "target-edited",
        path,
        "is not as dlc2lp wrote it",
        advice="if the change is yours, nothing is to be done; else {}",
        remedies=(RunAgain("run convert", (REPLACE,)),),
    )


def held(step: Step) -> Finding:
    """Return the finding for a label file that must not be written anew while another one holds a person's changes."""
    return Finding(
        Severity.ERROR,
        "labels-held",
        step.targets[0],
        "was left as it is, since another label file was changed by hand and their rows belong together; labels that "
        "are new in DeepLabCut did not arrive",
        advice="to write all label files anew and lose the changes: {}; to have both, convert into a new folder and "
        "carry the changes over",
        remedies=(REPLACE,),
    )


def orphaned(path: str) -> Finding:
    """Return the finding for a file that a person changed and that belongs to the target no more."""
    return Finding(
        Severity.ERROR,
        "target-edited",
        path,
        "was changed since dlc2lp wrote it, and with these options and this source the target has no such file any "
        "more; it is kept, and so is everything else of the earlier migration",
        advice="move the file out of the target and run the same command again, or convert into a new folder",
    )


def incomplete(step: Step, missing: Sequence[str]) -> Finding:
    """Return the finding for a step that is not done, of whose files some may be missing."""
    return Finding(
        Severity.ERROR,
        "target-incomplete",
        missing[0] if missing else step.targets[0],
        counted(len(missing) or len(step.targets), "file of this step is", "files of this step are")
        + " missing or unrecorded",
        advice="{}",
        remedies=(RunAgain("run the same convert command again to finish"),),
    )


def stale_removed(paths: Sequence[str]) -> Finding:
    """Return the finding for files of an earlier plan that were removed."""
    return Finding(
        Severity.NOTE,
        "stale-removed",
        some(paths),
        "written for an earlier choice of options and not part of this one; removed",
    )


def unwritten(step: Step, error: OSError) -> Finding:
    """Return the finding for a step that the system did not let us carry out."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return Finding(
            Severity.ERROR,
            "no-space",
            step.targets[0],
            "the disk of the target is full",
            advice="free some space and run the same command again; what is done stays done",
        )
    source = error.filename if error.filename in step.sources else None
    if source is not None and not os.access(source, os.R_OK):
        return Finding(
            Severity.ERROR,
            "source-unreadable",
            step.targets[0],
            f"its source {source} " + ("can't be read" if os.path.lexists(source) else "is missing"),
            advice="bring it back to where it was and run the same command again, or plan again without it",
        )
    return disk_fault("step-failed", step.targets[0], "could not be written", error)


def disk_fault(code: str, subject: str, what: str, error: OSError) -> Finding:
    """Return the finding for what the system refused, in its own words."""
    return Finding(
        Severity.ERROR,
        code,
        subject,
        f"{what}: {reason(error)}",
        advice="check the disk and the permissions, then run the same command again",
    )
