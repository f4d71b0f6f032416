"""The starter config of a finished target, written again with other options."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from dlc2lp.lp.config_choices import ConfigChoices
from dlc2lp.lp.starter import StarterConfig
from dlc2lp.model import Finding, by_severity
from dlc2lp.planning.texts import CONFIG_FILE
from dlc2lp.run.at_work import at_work
from dlc2lp.run.config_calls import last_call
from dlc2lp.run.journal import Journal
from dlc2lp.run.renew_config import write_config
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
    given = {name: value for name, value in vars(choices or ConfigChoices()).items() if value is not None}
    with at_work(folder):
        _, before = last_call(Journal(folder), plan)
        merged = replace(before.choices, **given)
        made = write_config(plan, folder, merged, data_dir or before.data_dir, discard=discard_edits)
    told = tuple(by_severity([*made.config.findings, *made.findings]))
    return Reconfigured(folder / CONFIG_FILE, made.config, made.kept, told)
