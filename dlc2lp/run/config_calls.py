"""What the starter config of a target was last written with: by the conversion, or by ``dlc2lp config`` since."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from dlc2lp.codec import Malformed, decode
from dlc2lp.files import digest
from dlc2lp.lp.config_choices import ConfigChoices
from dlc2lp.planning.plan import PLAN_FILE, Plan, unreadable
from dlc2lp.planning.steps import WriteText
from dlc2lp.planning.texts import CONFIG_FILE
from dlc2lp.run.journal import Journal, Record


@dataclass(frozen=True)
class ConfigCall:
    """What the config was last written with, and what it was then."""

    choices: ConfigChoices
    data_dir: str | None
    starter: str


def last_call(journal: Journal, plan: Plan) -> tuple[str, ConfigCall]:
    """Return the last call and the id of its record; of the conversion where there was none since."""
    return last_call_in(journal.read(), plan, journal.target)


def last_call_in(records: Mapping[str, Record], plan: Plan, target: Path) -> tuple[str, ConfigCall]:
    """As :func:`last_call`, of records that were read; ``target`` may have been moved since it was planned."""
    for record in reversed(calls_in(records, target)):
        with contextlib.suppress(Malformed):  # a damaged record counts as none
            return record.step, decode(ConfigCall, record.detail)
    try:
        starter = [step.text for step in plan.steps if isinstance(step, WriteText) and step.target == CONFIG_FILE]
        if not starter:
            raise Malformed(f"found no step that writes {CONFIG_FILE}")
        return "", ConfigCall(decode(ConfigChoices, plan.options.get("config")), None, starter[0])
    except Malformed as error:
        raise unreadable(Path(plan.target) / PLAN_FILE, error) from error


def calls_in(records: Mapping[str, Record], target: Path) -> list[Record]:
    """Return the records of all calls that wrote the config, the one that it is of last.

    A call that was killed leaves its record, which says that it is not done, beside the one before it. Whether it wrote
    the file, and which of them did so last, the file tells; where a person changed it since, it is one that was done.
    """
    calls = [record for record in records.values() if record.by == "config"]
    current = None
    if len(calls) > 1 or any(not record.done for record in calls):
        with contextlib.suppress(OSError):
            current = replace(digest(target / CONFIG_FILE), path=CONFIG_FILE)
    wrote = [record for record in calls if record.done or current in record.files]
    return sorted(wrote, key=lambda record: (current in record.files, record.done))
