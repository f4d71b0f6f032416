"""The starter config written again: by ``dlc2lp config``, and where labels that are new in DeepLabCut ask for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dlc2lp.codec import encode
from dlc2lp.errors import Dlc2LpError, UsageError, raise_disk_trouble
from dlc2lp.files import digest
from dlc2lp.limits import CONFIG_BYTES
from dlc2lp.lp.config_choices import ConfigChoices
from dlc2lp.lp.config_facts import ConfigFacts
from dlc2lp.lp.hand_edits import keep_edits
from dlc2lp.lp.starter import StarterConfig, starter_config
from dlc2lp.model import Command, Finding
from dlc2lp.planning.plan import Plan
from dlc2lp.planning.steps import WriteText
from dlc2lp.planning.texts import CONFIG_FILE
from dlc2lp.run.config_calls import ConfigCall, last_call
from dlc2lp.run.execute import write_text
from dlc2lp.run.findings import unreadable_file
from dlc2lp.run.journal import Journal


@dataclass(frozen=True)
class WrittenConfig:
    """A starter config that was written again."""

    config: StarterConfig
    kept: tuple[str, ...]  #: Keys whose value a person had changed by hand.
    findings: tuple[Finding, ...]  #: Options that a change by hand outweighs.


def write_config(
    plan: Plan, folder: Path, choices: ConfigChoices, data_dir: str | None, *, discard: bool = False
) -> WrittenConfig:
    """Write the config of the target in a folder by these choices; what a person changed is kept, or discarded.

    UsageError where a choice is impossible, TargetRefused where the file can't be written.
    """
    journal = Journal(folder)
    _, before = last_call(journal, plan)
    config = starter_config(_facts(plan, folder, data_dir), choices)
    text, kept, findings = _with_edits(folder / CONFIG_FILE, before.starter, config, discard=discard)
    step = WriteText(CONFIG_FILE, text)
    write_text(folder, step, by="config", detail=encode(ConfigCall(choices, data_dir, config.text)))
    for record in journal.read().values():  # one, or two where a call was killed
        if record.by == "config" and record.step != step.id:
            journal.remove(record.step)
    return WrittenConfig(config, kept, findings)


def renew_config(plan: Plan) -> Sequence[Finding]:
    """Write a config that ``dlc2lp config`` wrote again, where the plan has other labels or videos by now.

    Its choices stay in force. One that was changed by hand since is left as it is. Returns what stands against it.
    """
    folder = Path(plan.target)
    journal = Journal(folder)
    earlier, call = last_call(journal, plan)
    if not earlier or not _is_as_recorded(journal, earlier, folder):
        return ()
    try:
        if starter_config(_facts(plan, folder, call.data_dir), call.choices).text == call.starter:
            return ()
        return write_config(plan, folder, call.choices, call.data_dir).findings
    except UsageError as error:
        return error.findings


def _is_as_recorded(journal: Journal, step: str, folder: Path) -> bool:
    record = journal.read().get(step)
    if record is None:
        return False
    try:
        return replace(digest(folder / CONFIG_FILE), path=CONFIG_FILE) in record.files
    except OSError as error:
        raise_disk_trouble(folder / CONFIG_FILE, error)
        return False


def _facts(plan: Plan, folder: Path, data_dir: str | None) -> ConfigFacts:
    facts = plan.config_facts
    if data_dir is None and facts.data_dir == plan.target:
        data_dir = str(folder)  # the target may have been moved since
    return replace(facts, data_dir=data_dir) if data_dir else facts


def _with_edits(
    path: Path, written: str, config: StarterConfig, *, discard: bool
) -> tuple[str, tuple[str, ...], tuple[Finding, ...]]:
    try:
        current = CONFIG_BYTES.read_text(path)
    except FileNotFoundError:
        return config.text, (), ()
    except UnicodeDecodeError as error:
        if discard:
            return config.text, (), ()
        message = f"is no UTF-8: {error.reason}"
        advice = "save the file as UTF-8, or write it anew and lose the changes: {}"
        remedies = (Command.of("dlc2lp", "config", path.parents[1], "--discard-edits"),)
        raise Dlc2LpError.of(
            "target-config-unreadable", CONFIG_FILE, message, advice=advice, remedies=remedies
        ) from error
    except OSError as error:
        raise unreadable_file(path.parents[1], CONFIG_FILE, error) from error
    if discard or current == written:
        return config.text, (), ()
    edited = keep_edits(written, current, config)
    return edited.text, edited.kept, edited.findings
