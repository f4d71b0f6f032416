"""From everything that could be a label to the labels of one animal, or to the open questions. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dlc2lp.dlc.config import DlcConfig
from dlc2lp.dlc.joining import count_labels, join_sessions
from dlc2lp.errors import DecisionNeeded, SourceRefused
from dlc2lp.model import Finding, LabelTable, Setting, Severity, by_severity, question
from dlc2lp.options import DerivedCrops, Options
from dlc2lp.survey.individuals import UNIQUE, Known, OneAnimal, as_one_animal
from dlc2lp.survey.label_files import ProjectLabels, project_labels
from dlc2lp.survey.machine_labels import SessionPredictions, lost_suggestions
from dlc2lp.survey.merging import merge_labels
from dlc2lp.survey.odd_colors import odd_colors
from dlc2lp.survey.odd_labels import odd_labels
from dlc2lp.survey.odd_videos import odd_videos
from dlc2lp.survey.project import Survey
from dlc2lp.survey.recordings_in_pieces import recordings_in_pieces
from dlc2lp.survey.session_labels import SessionLabels
from dlc2lp.survey.unseen import tables_of
from dlc2lp.wording import counted, some

_N_NAMED = 8  # keypoints that a finding names; the others are counted


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
    known = _known_names([project.config for project in projects])
    order = tuple(dict.fromkeys(name for project in projects if project.config for name in project.config.bodyparts))
    if chosen is None:
        parts = [project_labels(project, options.scorer, options.labels) for project in projects]
        chosen = merge_labels(parts, order) if len(parts) > 1 else parts[0]
    findings = [
        *survey.findings,
        *chosen.findings,
        *odd_labels(chosen.sessions, config),
        *odd_videos(survey.videos, config, options.crop),
        *odd_colors(survey.videos),
        *recordings_in_pieces(survey.videos, [chosen.session.name for chosen in chosen.sessions]),
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
        animal, asked, said = _bring_together(chosen.sessions, tables, known, order, config, options)
        if questions:
            # Labels are missing whose file is still to be chosen, so nothing can be said of keypoints and individuals
            # but what is to be decided besides.
            animal, said = None, []
        findings += said
        questions += asked
    n_cells, n_frames = _count(chosen.sessions, is_open=bool(questions))
    return AnimalLabels(
        chosen,
        animal,
        tuple(questions),
        tuple(findings),
        tuple(refusals),
        n_source_cells=n_cells,
        n_source_frames=n_frames,
    )


def _bring_together(
    sessions: Sequence[SessionLabels],
    tables: Sequence[LabelTable],
    known: Known | None,
    order: Sequence[str],
    config: DlcConfig | None,
    options: Options,
) -> tuple[OneAnimal | None, list[Finding], list[Finding]]:
    """Return the labels of all sessions as those of one animal, what is to be decided first, and what is to be said.

    The keypoints of all configurations are in ``order``; ``config`` is that of the source itself.
    """
    individuals = (*(config.individuals if config else ()), UNIQUE)
    names = (*order, *(config.unique_bodyparts if config else ()))
    joined, asked = _joined(tables, names, individuals)
    if joined is None:
        return None, asked, []
    said: list[Finding] = []
    brought = as_one_animal(joined, options.individuals, said, known)
    if isinstance(brought, Finding):
        return None, [brought], [*said, *_against_config(joined, None, names, config)]
    said += _against_config(joined, brought, names, config)
    if options.machine_labels == "queue":
        said += lost_suggestions(_predicted(sessions, joined), joined, brought.origin)
    return brought, [], said


def _count(sessions: Sequence[SessionLabels], *, is_open: bool) -> tuple[int, int]:
    """Count the labelled cells of a source, and its frames with any.

    While a question is open, a session without a table may be one whose file is still to be chosen: it has as many as
    its fullest file.
    """
    n_cells = n_frames = 0
    for chosen in sessions:
        if chosen.labels is not None:
            n_cells += count_labels(chosen.labels) + chosen.n_left_out
            n_frames += int(chosen.labels.labelled.any(axis=(1, 2)).sum()) + chosen.n_frames_unseen
        elif is_open:
            most_cells, most_frames = _most_labels(chosen)
            n_cells, n_frames = n_cells + most_cells, n_frames + most_frames
        else:
            n_cells += chosen.n_left_out
            n_frames += chosen.n_frames_unseen
    return n_cells, n_frames


def _most_labels(session: SessionLabels) -> tuple[int, int]:
    """Return how many labelled cells, and frames with any, the fullest label file of a session has for one scorer."""
    found = [
        (count_labels(table), int(table.labelled.any(axis=(1, 2)).sum()))
        for file in session.session.label_files
        for table in tables_of(file, session.session)
    ]
    return max(found, default=(0, 0))


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


def _known_names(configs: Sequence[DlcConfig | None]) -> Known | None:
    """Return what the configurations of a project, and of those merged with it, name; None where one has none."""
    there = [config for config in configs if config is not None]
    if len(there) < len(configs):
        return None
    individuals = dict.fromkeys(name for config in there for name in config.individuals)
    keypoints = dict.fromkeys(name for config in there for name in (*config.bodyparts, *config.unique_bodyparts))
    return Known(tuple(individuals), tuple(keypoints))


def _joined(
    tables: Sequence[LabelTable], keypoint_order: Sequence[str], individual_order: Sequence[str]
) -> tuple[LabelTable | None, list[Finding]]:
    """Join all tables by name; or say what is to be decided first.

    A project can hold tables with individuals and tables without: files from before and after it became a multi-animal
    one. The file counts, not what the configuration says.
    """
    try:
        return join_sessions(tables, keypoint_order, individual_order), []
    except DecisionNeeded as error:
        return None, [replace(each, subject=f"{each.subject}/{each.where}", where="") for each in error.findings]


def _predicted(sessions: Sequence[SessionLabels], labels: LabelTable) -> list[SessionPredictions]:
    """Return the sessions that have machine labels, with the images that need no suggestion."""
    import numpy as np

    labelled: dict[str, set[str]] = {}
    for frame, is_labelled in zip(labels.frames, np.any(labels.labelled, axis=(1, 2)), strict=True):
        if is_labelled:
            labelled.setdefault(frame.session, set()).add(frame.file_name)
    return [
        SessionPredictions(chosen.session, chosen.predictions, labelled.get(chosen.session.name, set()))
        for chosen in sessions
        if chosen.predictions is not None
    ]


def _no_labels(survey: Survey, sessions: Sequence[SessionLabels]) -> Finding:
    machine = sum(bool(session.session.machine_files) for session in sessions)
    only_machine = f"; machine labels that were never refined lie in {machine} of them" if machine else ""
    message = f"found no label file that can be read in any of its sessions ({len(sessions)}){only_machine}"
    advice = "put CollectedData_<scorer>.h5 or .csv back into the folders of labeled-data, or label some frames"
    return Finding(Severity.ERROR, "no-labels", str(survey.project.root), message, advice=advice)


def _against_config(
    joined: LabelTable, animal: OneAnimal | None, order: Sequence[str], config: DlcConfig | None
) -> list[Finding]:
    """Keypoints that are labelled and not in the configuration, or the other way round: renamed ones, mostly.

    Of one animal those that it has, else those of all individuals.
    """
    import numpy as np

    if config is None or not order:
        return []
    taken = joined.keypoint_names if animal is None else {keypoint for _, keypoint in animal.origin.values()}
    n_labels = np.sum(joined.labelled, axis=(0, 1)).tolist()
    counts = {name: n for name, n in zip(joined.keypoint_names, n_labels, strict=True) if name in taken}
    extra = [name for name in counts if name not in order]
    unseen = [name for name in order if name not in joined.keypoint_names]
    findings = []
    if extra:
        times = some((f"{name} {counted(counts[name], 'time')}" for name in extra), _N_NAMED)
        message = (
            f"labelled ({times}) but not among the bodyparts of config.yaml; DeepLabCut would not train on it, here it "
            "stays"
        )
        advice = "if it was renamed, rename it in the label files too" if unseen else ""
        findings.append(_warning("keypoint-not-in-config", some(extra, _N_NAMED), message, advice))
    if unseen:
        message = "named in config.yaml, but no label file has a column for it; it is left out"
        findings.append(_warning("keypoint-without-column", some(unseen, _N_NAMED), message))
    return findings


def _warning(code: str, subject: str, message: str, advice: str = "") -> Finding:
    return Finding(Severity.WARNING, code, subject, message, "", advice)
