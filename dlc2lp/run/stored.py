"""The plan that a target was last written by."""

from __future__ import annotations

from pathlib import Path

from dlc2lp.errors import TargetRefused
from dlc2lp.planning.plan import PLAN_FILE, Plan


def stored_plan(target: Path) -> Plan | None:
    """Return the plan that the target was last written by; None for a new target, or one that a crash left so."""
    path = target / PLAN_FILE
    try:
        text = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return Plan.from_text(text, path)


def required_plan(target: Path) -> Plan:
    """Return the plan of a folder that must be a target; TargetRefused if dlc2lp did not write the folder."""
    plan = stored_plan(target)
    if plan is None:
        message = f"found no {PLAN_FILE}, so dlc2lp did not write this folder"
        advice = "give the folder that `dlc2lp convert` wrote to"
        raise TargetRefused.of("not-a-target", str(target), message, advice=advice)
    return plan
