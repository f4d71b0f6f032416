"""From everything that could be a label to the labels of one animal, or to the open questions. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from dlc2lp.dlc.labels import count_labels, join_sessions
from dlc2lp.errors import DecisionNeeded, SourceRefused
from dlc2lp.migrate.choose import Chosen, ChosenSession, Decision, choose_labels
from dlc2lp.migrate.individuals import UNIQUE, OneAnimal, as_one_animal
from dlc2lp.migrate.merge import merge_chosen
from dlc2lp.migrate.oddities import odd_labels
from dlc2lp.migrate.options import Options
from dlc2lp.migrate.survey import Survey
from dlc2lp.model import Finding, LabelTable, Severity, by_severity


@dataclass(frozen=True)
class Decided:
    """Which labels count.

    Attributes
    ----------
    chosen
        The chosen table of each session.
    animal
        All of them as the labels of one animal; None while a question is open.
    decisions
        The open questions.
    findings
        What a person should know.
    n_source_cells, n_source_frames
        Labelled cells, and frames with at least one, of all chosen tables; what belongs to no image included.
    """

    chosen: Chosen
    animal: OneAnimal | None
    decisions: tuple[Decision, ...]
    findings: tuple[Finding, ...]
    n_source_cells: int = 0
    n_source_frames: int = 0

    def or_raise(self) -> OneAnimal:
        """Return the labels.

        Raises
        ------
        DecisionNeeded
            All open questions, and what else a person should know.
        """
        if self.animal is None:
            raise DecisionNeeded(
                *(decision.as_finding() for decision in self.decisions), *by_severity(list(self.findings))
            )
        return self.animal


def decide_labels(survey: Survey, options: Options) -> Decided:
    """Decide which labels of a source count.

    Raises
    ------
    SourceRefused
        There is no label file that can be read (``no-labels``).
    """
    projects = (survey.project, *survey.merged)
    config = survey.project.config
    order = tuple(dict.fromkeys(name for project in projects if project.config for name in project.config.bodyparts))
    parts = [choose_labels(project, options) for project in projects]
    chosen = merge_chosen(parts, order) if len(parts) > 1 else parts[0]
    findings = [*survey.findings, *chosen.findings, *odd_labels(chosen.sessions, config)]
    decisions = [*survey.decisions, *chosen.decisions]
    tables = [session.labels for session in chosen.sessions if session.labels is not None]
    if not tables and not decisions:
        raise SourceRefused(_no_labels(survey, chosen.sessions), *by_severity(findings))
    if decisions:
        return Decided(chosen, None, tuple(decisions), tuple(findings))
    individuals = (*(config.individuals if config else ()), UNIQUE)
    unique = config.unique_bodyparts if config else ()
    animal = _one_animal(tables, (*order, *unique), individuals, options.individuals, findings)
    if isinstance(animal, Decision):
        return Decided(chosen, None, (animal,), tuple(findings))
    findings += _against_config(animal.labels, (*order, *unique), survey)
    return Decided(
        chosen,
        animal,
        (),
        tuple(findings),
        n_source_cells=sum(map(count_labels, tables)) + sum(session.n_left_out for session in chosen.sessions),
        n_source_frames=sum(int(table.labelled.any(axis=(1, 2)).sum()) for table in tables),
    )


def _one_animal(
    tables: Sequence[LabelTable],
    keypoint_order: Sequence[str],
    individual_order: Sequence[str],
    choice: str,
    findings: list[Finding],
) -> OneAnimal | Decision:
    """Join all tables. Those with individuals are first brought to plain keypoints, then all are joined by name.

    A project can hold both kinds: files from before and after it became a multi-animal one. The file counts, not what
    the configuration says.
    """
    try:
        plain = [table for table in tables if table.individuals == ("",)]
        multi = [table for table in tables if table.individuals != ("",)]
        if not multi:
            joined = join_sessions(plain, keypoint_order, ("",))
            return OneAnimal(joined, 0, {name: ("", name) for name in joined.keypoint_names})
        animal = as_one_animal(join_sessions(multi, keypoint_order, individual_order), choice, findings)
        if isinstance(animal, Decision) or not plain:
            return animal
        joined = join_sessions([animal.labels, *plain], keypoint_order, ("",))
    except DecisionNeeded as error:
        finding = error.findings[0]
        return Decision(finding.code, f"{finding.subject}/{finding.where}", finding.message, (), finding.hint)
    origin = {name: animal.origin.get(name, ("", name)) for name in joined.keypoint_names}
    return OneAnimal(joined, animal.n_left_out, origin)


def _no_labels(survey: Survey, sessions: Sequence[ChosenSession]) -> Finding:
    machine = sum(bool(session.session.machine_files) for session in sessions)
    only_machine = f"; {machine} sessions have machine labels that were never refined" if machine else ""
    return Finding(
        Severity.ERROR,
        "no-labels",
        str(survey.project.root),
        f"found {len(sessions)} sessions and no label file that can be read{only_machine}",
        hint="expected CollectedData_<scorer>.h5 or .csv in the folders of labeled-data",
    )


def _against_config(labels: LabelTable, order: Sequence[str], survey: Survey) -> list[Finding]:
    """Keypoints that are labelled and not in the configuration, or the other way round: renamed ones, mostly."""
    config = survey.project.config
    if config is None or not order or config.multianimal:
        return []
    findings = []
    counts = Counter(dict(zip(labels.keypoint_names, labels.labelled.sum(axis=(0, 1)).tolist(), strict=True)))
    extra = [name for name in labels.keypoint_names if name not in order]
    unseen = [name for name in order if name not in labels.keypoint_names]
    if extra:
        findings.append(
            Finding(
                Severity.WARNING,
                "keypoint-not-in-config",
                ", ".join(extra),
                f"labelled ({', '.join(f'{counts[name]} times' for name in extra)}) but not among the bodyparts of "
                "config.yaml; DeepLabCut would not train on it, here it stays",
                hint="if it was renamed, rename it in the label files too" if unseen else "",
            )
        )
    if unseen:
        findings.append(
            Finding(
                Severity.WARNING,
                "keypoint-without-column",
                ", ".join(unseen),
                "named in config.yaml, but no label file has a column for it; it is left out",
            )
        )
    return findings
