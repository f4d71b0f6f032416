"""The plan that a target was last written by."""

from __future__ import annotations

import json
import os
from pathlib import Path

from dlc2lp.codec import Malformed, decode
from dlc2lp.errors import TargetRefused
from dlc2lp.files import read_bytes
from dlc2lp.planning.plan import PLAN_FILE, Plan, unreadable
from dlc2lp.run.manifest import MANIFEST_FILE, WhatCame
from dlc2lp.wording import counted, some


def stored_plan(target: Path) -> Plan | None:
    """Return the plan that the target was last written by; None for a new target, or one that a crash left so."""
    path = target / PLAN_FILE
    try:
        text = read_bytes(path)
    except (FileNotFoundError, NotADirectoryError) as error:
        if path.is_symlink():
            raise unreadable(path, error) from error
        return None
    except OSError as error:
        raise unreadable(path, error) from error
    return Plan.from_text(text, path)


def has_plan(target: Path) -> bool:
    """Whether anything stands where a target's plan does: also a link to nothing, of which reading it tells."""
    return os.path.lexists(target / PLAN_FILE)


def stored_outcome(target: Path) -> WhatCame:
    """Return what the manifest of a target says of its run, of any version; TargetRefused where there is none."""
    path = target / MANIFEST_FILE
    try:
        document = json.loads(read_bytes(path))
        return decode(WhatCame, {name: document[name] for name in ("findings", "steps")})
    except (FileNotFoundError, NotADirectoryError) as error:
        message = f"found no {MANIFEST_FILE}, which the end of a conversion writes"
        advice = "run the command again that made the target, until it ends"
        raise TargetRefused.of("target-not-finished", str(target), message, advice=advice) from error
    except (ValueError, TypeError, KeyError, RecursionError, Malformed) as error:
        message, advice = f"is no manifest ({error})", "run the command again that made the target"
        raise TargetRefused.of("manifest-unreadable", str(path), message, advice=advice) from error


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
