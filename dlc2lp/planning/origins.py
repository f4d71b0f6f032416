"""What the keypoints of a target were in DeepLabCut, which the way back needs. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from dlc2lp.dlc.config import DlcConfig
from dlc2lp.survey.individuals import NOBODY, UNIQUE, Column
from dlc2lp.survey.source import View

#: Individuals that Lightning Pose's keypoints are of are chosen by these words; any other is a name.
_AUTO, _FLATTEN = "auto", "flatten"


@dataclass(frozen=True)
class Origin:
    """The DeepLabCut project of one view, as far as the names in its label files go."""

    view: str  #: The view in the target; empty in a single-view project.
    root: str  #: Absolute path of the project.
    #: (individual, bodypart) of all columns of its label files in their order, those without any label too; the
    #: individual is empty in a single-animal project.
    columns: tuple[Column, ...]
    #: For each keypoint of the target the column that it was.
    keypoints: dict[str, Column]

    @property
    def is_multi_animal(self) -> bool:
        """Whether its label files name individuals."""
        return any(individual != NOBODY for individual, _ in self.columns)

    @property
    def absent(self) -> tuple[str, ...]:
        """The individuals that the target has no keypoint of."""
        there = {individual for individual, _ in self.keypoints.values()}
        return tuple(name for name in dict.fromkeys(name for name, _ in self.columns) if name and name not in there)


def origin_of(view: View, name: str) -> Origin:
    """Return where the keypoints of a camera come from; ``name`` is the view's in the target."""
    project = view.survey.project
    found = dict.fromkeys(
        (individual, keypoint)
        for session in view.labels.project.sessions
        if (table := session.labels) is not None
        for i, individual in enumerate(table.individuals)
        for k, keypoint in enumerate(table.keypoint_names)
        if table.in_header[i, k]
    )
    columns = tuple(sorted(found, key=partial(_rank, project.config)))
    return Origin(name, str(project.root), columns, dict(view.labels.or_raise().origin))


def _rank(config: DlcConfig | None, column: Column) -> int:
    """Sort key of columns: by individual, as the configuration has them; those of none first, unique ones last."""
    known = (NOBODY, *(config.individuals if config else ()))
    individual = column[0]
    return len(known) + 1 if individual == UNIQUE else known.index(individual) if individual in known else len(known)


def former_origin(
    view: str, root: str, keypoints: tuple[str, ...], choice: str, config: DlcConfig | None
) -> Origin | None:
    """Return the origin for a plan of a version that did not write it down, from the project's configuration.

    ``choice`` is what ``--individuals`` was. None where it can't be told which individuals the keypoints are of: the
    configuration is gone, or several individuals could be meant.
    """
    plain = Origin(
        view, root, tuple((NOBODY, name) for name in keypoints), {name: (NOBODY, name) for name in keypoints}
    )
    if config is None:
        return plain if choice == _AUTO else None
    if not config.multianimal:
        return plain
    every = [(individual, part) for individual in config.individuals for part in config.bodyparts]
    unique = [(UNIQUE, part) for part in config.unique_bodyparts]
    known: dict[str, Column] = {part: column for column in unique for part in column[1:]}
    if choice == _FLATTEN:
        known |= {f"{individual}_{part}": (individual, part) for individual, part in every}
    else:
        owner = choice if choice != _AUTO else config.individuals[0] if len(config.individuals) == 1 else None
        if owner is not None and owner != UNIQUE:
            known |= {part: (owner, part) for part in keypoints if choice != _AUTO or part not in known}
    if not all(name in known for name in keypoints):
        return None
    return Origin(view, root, (*every, *unique), {name: known[name] for name in keypoints})
