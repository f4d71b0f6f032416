"""The plan that a target was last written by."""

from __future__ import annotations

from pathlib import Path

from dlc2lp.codec import Malformed, read
from dlc2lp.errors import TargetRefused, UsageError
from dlc2lp.files import read_bytes
from dlc2lp.planning.plan import PLAN_FILE, Plan
from dlc2lp.run.manifest import MANIFEST_FILE, Manifest
from dlc2lp.wording import counted, some


def stored_plan(target: Path) -> Plan | None:
    """Return the plan that the target was last written by; None for a new target, or one that a crash left so."""
    path = target / PLAN_FILE
    try:
        text = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return Plan.from_text(text, path)


def stored_manifest(target: Path) -> Manifest:
    """Return the manifest of a target; TargetRefused where it has none, UsageError where it is of another version."""
    path = target / MANIFEST_FILE
    try:
        return read(Manifest, read_bytes(path))
    except (FileNotFoundError, NotADirectoryError) as error:
        message = f"found no {MANIFEST_FILE}, which the end of a conversion writes"
        advice = "run the command again that made the target, until it ends"
        raise TargetRefused.of("target-not-finished", str(target), message, advice=advice) from error
    except Malformed as error:
        message = f"is no manifest of this version: {error}"
        advice = "run the command again that made the target"
        raise UsageError.of("manifest-unreadable", str(path), message, advice=advice) from error


def targets_in(folder: Path) -> list[str]:
    """Return the names of the targets that lie in a folder, as those of ``--individuals split`` do."""
    return sorted(path.parents[1].name for path in folder.glob(f"*/{PLAN_FILE}"))


def required_plan(target: Path) -> Plan:
    """Return the plan of a folder that must be a target; TargetRefused if it is none, or holds several."""
    plan = stored_plan(target)
    if plan is None:
        inner = targets_in(target)
        if inner:
            message = f"holds {counted(len(inner), 'target')} ({some(inner, 3)}), expected one"
            advice = f"give each by itself: {target / inner[0]}"
            raise TargetRefused.of("not-a-target", str(target), message, advice=advice)
        message = f"found no {PLAN_FILE}, so dlc2lp did not write this folder"
        advice = "give the folder that `dlc2lp convert` wrote to"
        raise TargetRefused.of("not-a-target", str(target), message, advice=advice)
    return plan
