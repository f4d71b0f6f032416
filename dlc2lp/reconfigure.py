"""The starter config of a finished target, written again with other options."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from dlc2lp.codec import encode
from dlc2lp.lp.config_choices import ConfigChoices
from dlc2lp.lp.config_facts import ConfigFacts
from dlc2lp.lp.hand_edits import keep_edits
from dlc2lp.lp.starter import StarterConfig, starter_config
from dlc2lp.model import Finding, by_severity
from dlc2lp.planning.plan import Plan
from dlc2lp.planning.steps import WriteText
from dlc2lp.planning.texts import CONFIG_FILE
from dlc2lp.run.config_calls import ConfigCall, last_call
from dlc2lp.run.execute import write_text
from dlc2lp.run.journal import Journal
from dlc2lp.run.stored import required_plan
from dlc2lp.wording import counted, one_line


@dataclass(frozen=True)
class Reconfigured:
    """A config that was written again.

    Attributes
    ----------
    path
        The file.
    config
        What dlc2lp chose, and why.
    kept
        Keys whose value a person had changed by hand and that stayed as they were.
    findings
        What should be known.
    """

    path: Path
    config: StarterConfig
    kept: tuple[str, ...]
    findings: tuple[Finding, ...]

    def __repr__(self) -> str:
        kept, n_findings = counted(len(self.kept), "edit kept", "edits kept"), counted(len(self.findings), "finding")
        return one_line(self, self.path.name, kept, n_findings)


def reconfigure(
    target: str | Path,
    choices: ConfigChoices | None = None,
    *,
    data_dir: str | None = None,
    discard_edits: bool = False,
) -> Reconfigured:
    """Write ``configs/default.yaml`` of a target again.

    Choices of the conversion and of earlier calls stay in force where ``choices`` leaves them open; what a
    person changed in the file is kept unless ``discard_edits`` is given. TargetRefused if the folder is no target of
    dlc2lp or can't be written to, UsageError if a choice is impossible.
    """
    folder = Path(target).absolute()
    plan = required_plan(folder)
    journal = Journal(folder)
    earlier, before = last_call(journal, plan)
    given = {name: value for name, value in vars(choices or ConfigChoices()).items() if value is not None}
    merged = replace(before.choices, **given)
    data_dir = data_dir or before.data_dir
    config = starter_config(_facts(plan, folder, data_dir), merged)
    text, kept, findings = _with_edits(folder / CONFIG_FILE, before.starter, config, discard=discard_edits)
    step = WriteText(CONFIG_FILE, text)
    write_text(folder, step, by="config", detail=encode(ConfigCall(merged, data_dir, config.text)))
    if earlier and earlier != step.id:
        journal.remove(earlier)
    return Reconfigured(folder / CONFIG_FILE, config, kept, tuple(by_severity([*config.findings, *findings])))


def _facts(plan: Plan, folder: Path, data_dir: str | None) -> ConfigFacts:
    facts = plan.config_facts
    if data_dir is None and facts.data_dir == plan.target:
        data_dir = str(folder)  # the target may have been moved since
    return replace(facts, data_dir=data_dir) if data_dir else facts


def _with_edits(
    path: Path, written: str, config: StarterConfig, *, discard: bool
) -> tuple[str, tuple[str, ...], tuple[Finding, ...]]:
    try:
        current = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return config.text, (), ()
    if discard or current == written:
        return config.text, (), ()
    edited = keep_edits(written, current, config)
    return edited.text, edited.kept, edited.findings
