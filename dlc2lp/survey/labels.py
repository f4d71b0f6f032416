"""From everything that could be a label to the labels of one animal, or to the open questions. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from dlc2lp.dlc.joining import count_labels, join_sessions
from dlc2lp.errors import DecisionNeeded, SourceRefused
from dlc2lp.model import Finding, LabelTable, Setting, Severity, by_severity, question
from dlc2lp.options import DerivedCrops, Options
from dlc2lp.survey.individuals import UNIQUE, OneAnimal, as_one_animal
from dlc2lp.survey.label_files import ProjectLabels, project_labels
from dlc2lp.survey.merging import merge_labels
from dlc2lp.survey.odd_labels import odd_labels
from dlc2lp.survey.odd_videos import odd_videos
from dlc2lp.survey.project import Survey
from dlc2lp.survey.session_labels import SessionLabels
from dlc2lp.wording import counted


@dataclass(frozen=True)
class AnimalLabels:
    """Which labels count."""

    project: ProjectLabels  #: The table of each session that counts.
    animal: OneAnimal | None  #: All of them as the labels of one animal; None while a question is open.
    questions: tuple[Finding, ...]  #: What is still to be decided.
    findings: tuple[Finding, ...]  #: What a person should know.
    refusals: tuple[Finding, ...] = ()  #: Why the source can't be migrated as it is, besides open questions.
    #: Labelled cells, and frames with at least one, of all chosen tables; what belongs to no image included.
    n_source_cells: int = 0
    n_source_frames: int = 0

    def or_raise(self) -> OneAnimal:
        """Return the labels.

        Raises SourceRefused where the source can't be migrated as it is, and DecisionNeeded where only questions are
        open, with all of them.
        """
        if self.animal is not None and not self.refusals:
            return self.animal
        error = DecisionNeeded if self.questions and not self.refusals else SourceRefused
        raise error(*by_severity([*self.refusals, *self.questions, *self.findings]))


def animal_labels(survey: Survey, options: Options, chosen: ProjectLabels | None = None) -> AnimalLabels:
    """Decide which labels of a source count. What stands against it comes back with all else, not as an exception.

    ``chosen`` is the table of each session, where it was chosen before for other individuals.
    """
    projects = (survey.project, *survey.merged)
    config = survey.project.config
    order = tuple(dict.fromkeys(name for project in projects if project.config for name in project.config.bodyparts))
    if chosen is None:
        parts = [project_labels(project, options.scorer, options.labels, options.labels_from) for project in projects]
        chosen = merge_labels(parts, order) if len(parts) > 1 else parts[0]
    findings = [
        *survey.findings,
        *chosen.findings,
        *odd_labels(chosen.sessions, config),
        *odd_videos(survey.videos, config, options.crop),
    ]
    refusals = list(survey.refusals)
    questions = [
        *survey.questions,
        *chosen.questions,
        *_split_of_crops(survey, chosen.sessions, options.split, options.derived_crops),
    ]
    tables = [session.labels for session in chosen.sessions if session.labels is not None]
    animal = None
    if not tables and not questions:
        refusals.append(_no_labels(survey, chosen.sessions))
    elif tables:
        individuals = (*(config.individuals if config else ()), UNIQUE)
        names = (*order, *(config.unique_bodyparts if config else ()))
        said: list[Finding] = []
        animal, asked = _one_animal(tables, names, individuals, options.individuals, said)
        if animal is not None:
            said += _against_config(animal, names, survey)
        if questions:
            # Labels are missing whose file is still to be chosen, so nothing can be said of keypoints and individuals
            # but what is to be decided besides.
            animal, said = None, []
        findings += said
        questions += asked
    return AnimalLabels(
        chosen,
        animal,
        tuple(questions),
        tuple(findings),
        tuple(refusals),
        n_source_cells=sum(map(count_labels, tables)) + sum(session.n_left_out for session in chosen.sessions),
        n_source_frames=sum(int(table.labelled.any(axis=(1, 2)).sum()) for table in tables)
        + sum(session.n_frames_unseen for session in chosen.sessions),
    )


def _split_of_crops(
    survey: Survey, sessions: Sequence[SessionLabels], split: str | None, derived_crops: DerivedCrops
) -> list[Finding]:
    """Ask where a split holds out random sub-crops and these are left out: its test set would be gone in silence."""
    if survey.split is None or derived_crops == "keep":
        return []
    crops = {(session.session.name, name) for session in sessions for name in session.session.random_crops}
    held_out = survey.split.test & crops
    if not held_out:
        return []
    found, tested = counted(len(held_out), "random sub-crop"), counted(len(survey.split.test), "test frame")
    message = f"found {found} among its {tested}, and crops are left out"
    ways = (Setting("derived-crops", ("keep",)), Setting("split"))
    return [question("split-of-crops", f"--split {split}", message, "{}, or leave out {}", ways)]


def _one_animal(
    tables: Sequence[LabelTable],
    keypoint_order: Sequence[str],
    individual_order: Sequence[str],
    choice: str,
    findings: list[Finding],
) -> tuple[OneAnimal | None, list[Finding]]:
    """Join all tables by name and bring their individuals to one animal; or say what is to be decided first.

    A project can hold tables with individuals and tables without: files from before and after it became a multi-animal
    one. The file counts, not what the configuration says.
    """
    try:
        joined = join_sessions(tables, keypoint_order, individual_order)
    except DecisionNeeded as error:
        return None, [replace(each, subject=f"{each.subject}/{each.where}", where="") for each in error.findings]
    animal = as_one_animal(joined, choice, findings)
    return (None, [animal]) if isinstance(animal, Finding) else (animal, [])


def _no_labels(survey: Survey, sessions: Sequence[SessionLabels]) -> Finding:
    machine = sum(bool(session.session.machine_files) for session in sessions)
    only_machine = f"; machine labels that were never refined lie in {machine} of them" if machine else ""
    message = f"found no label file that can be read in any of its sessions ({len(sessions)}){only_machine}"
    advice = "put CollectedData_<scorer>.h5 or .csv back into the folders of labeled-data, or label some frames"
    return Finding(Severity.ERROR, "no-labels", str(survey.project.root), message, advice=advice)


def _against_config(animal: OneAnimal, order: Sequence[str], survey: Survey) -> list[Finding]:
    """Keypoints that are labelled and not in the configuration, or the other way round: renamed ones, mostly."""
    import numpy as np

    config = survey.project.config
    if config is None or not order or config.multianimal:
        return []
    counts: Counter[str] = Counter()
    for name, n in zip(animal.labels.keypoint_names, np.sum(animal.labels.labelled, axis=(0, 1)), strict=True):
        counts[animal.origin[name][1]] += int(n)
    extra = [name for name in counts if name not in order]
    unseen = [name for name in order if name not in counts]
    findings = []
    if extra:
        message = (
            f"labelled ({', '.join(counted(counts[name], 'time') for name in extra)}) but not among the bodyparts of "
            "config.yaml; DeepLabCut would not train on it, here it stays"
        )
        advice = "if it was renamed, rename it in the label files too" if unseen else ""
        findings.append(Finding(Severity.WARNING, "keypoint-not-in-config", ", ".join(extra), message, "", advice))
    if unseen:
        message = "named in config.yaml, but no label file has a column for it; it is left out"
        findings.append(Finding(Severity.WARNING, "keypoint-without-column", ", ".join(unseen), message))
    return findings
