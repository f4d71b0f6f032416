"""From individuals to one animal: Lightning Pose tracks the keypoints of a single animal. Pure.

Many multi-animal projects hold one animal, or animals plus the corners of the arena, or two different things with
different keypoints; these become plain keypoints without loss. Two animals with the same keypoints can't be told
apart by a name alone, and then a person decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dlc2lp.migrate.choose import Decision
from dlc2lp.model import Finding, LabelTable, Severity

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: The individual under which DeepLabCut keeps the keypoints that occur once in a frame (``uniquebodyparts``).
UNIQUE = "single"


@dataclass(frozen=True)
class OneAnimal:
    """A project's labels as those of one animal.

    Attributes
    ----------
    labels
        Table with the single individual ``""``.
    n_left_out
        Labelled points of individuals that were not chosen.
    origin
        For each keypoint name the (individual, keypoint) that it was.
    """

    labels: LabelTable
    n_left_out: int
    origin: dict[str, tuple[str, str]]


def labelled_individuals(labels: LabelTable) -> tuple[str, ...]:
    """Return the individuals with at least one label, ``single`` not counted."""
    import numpy as np

    seen = np.any(labels.labelled, axis=(0, 2))
    return tuple(
        name for name, labelled in zip(labels.individuals, seen, strict=True) if labelled and name not in {UNIQUE, ""}
    )


def unique_individual(labels: LabelTable) -> tuple[str, ...]:
    """Return ``single`` if any of its keypoints is labelled, else nothing."""
    if UNIQUE not in labels.individuals:
        return ()
    return (UNIQUE,) if labels.labelled[:, labels.individuals.index(UNIQUE)].any() else ()


def as_one_animal(labels: LabelTable, choice: str, findings: list[Finding]) -> OneAnimal | Decision:
    """Turn individuals into the keypoints of one animal.

    Parameters
    ----------
    labels
        Table of shape (F, I, K, 2).
    choice
        ``auto``: plain keypoint names where no two individuals share one, else a decision; ``flatten``:
        ``<individual>_<keypoint>``; any other word: the name of the individual to take.
    findings
        What was left out is added here.

    Returns
    -------
    OneAnimal or Decision
        The table, or the question with the individuals as candidates.
    """
    if labels.individuals == ("",):
        return OneAnimal(labels, 0, {name: ("", name) for name in labels.keypoint_names})
    columns = _labelled_columns(labels, findings)
    if choice == "flatten":
        names = [
            keypoint if individual in {UNIQUE, ""} else f"{individual}_{keypoint}" for individual, keypoint in columns
        ]
    elif choice == "auto":
        names = [keypoint for _, keypoint in columns]
        if len(set(names)) < len(names):
            return _several(labels, "several-individuals", "their keypoints have the same names")
    elif choice in labels.individuals:
        columns = [(individual, keypoint) for individual, keypoint in columns if individual == choice]
        names = [keypoint for _, keypoint in columns]
    else:
        return _several(labels, "unknown-individual", f"none of them is called {choice!r}")
    twice = [name for name, n in Counter(names).items() if n > 1]
    if twice:
        return _several(labels, "several-individuals", f"the names {', '.join(twice)} would occur twice")
    return _pick(labels, columns, names, findings)


def _labelled_columns(labels: LabelTable, findings: list[Finding]) -> list[tuple[str, str]]:
    """Return (individual, keypoint) of every column that has a label somewhere; the others are named in a note."""
    import numpy as np

    seen = np.any(labels.labelled, axis=0)
    columns, empty = [], []
    for i, individual in enumerate(labels.individuals):
        for k, keypoint in enumerate(labels.keypoint_names):
            if seen[i, k]:
                columns.append((individual, keypoint))
            elif labels.in_header[i, k]:
                empty.append(f"{individual} {keypoint}")
    if empty:
        findings.append(
            Finding(
                Severity.NOTE,
                "keypoint-never-labelled",
                "individuals",
                f"{len(empty)} keypoints of individuals have no label in any frame and are left out: "
                + ", ".join(empty[:8])
                + (" ..." if len(empty) > 8 else ""),
            )
        )
    return columns


def _several(labels: LabelTable, code: str, why: str) -> Decision:
    return Decision(
        code,
        "individuals",
        f"Lightning Pose tracks one animal; found {len(labelled_individuals(labels))} and {why}\n"
        + individual_table(labels),
        tuple(name for name in labels.individuals if name in labelled_individuals(labels)),
        "--individuals flatten|split|NAME",
    )


def individual_table(labels: LabelTable) -> str:
    """Lay out who is labelled how often: individual, labeled frames, labelled points, keypoints."""
    import numpy as np

    rows = [("individual", "frames", "points", "keypoints")]
    for i, individual in enumerate(labels.individuals):
        one = labels.labelled[:, i]
        names = [name for name, seen in zip(labels.keypoint_names, np.any(one, axis=0), strict=True) if seen]
        rows.append((individual, str(int(one.any(axis=1).sum())), str(int(one.sum())), ", ".join(names) or "-"))
    widths = [max(len(row[n]) for row in rows) for n in range(3)]
    return "\n".join(
        f"    {row[0]:<{widths[0]}}  {row[1]:>{widths[1]}}  {row[2]:>{widths[2]}}  {row[3]}" for row in rows
    )


def _pick(
    labels: LabelTable, columns: Sequence[tuple[str, str]], names: Sequence[str], findings: list[Finding]
) -> OneAnimal:
    """Return the table of the given columns under their new names."""
    import numpy as np

    n_frames = len(labels.frames)
    xy_px: NDArray[np.float64] = np.full((n_frames, 1, len(columns), 2), np.nan)
    for position, (individual, keypoint) in enumerate(columns):
        i, k = labels.individuals.index(individual), labels.keypoint_names.index(keypoint)
        xy_px[:, 0, position] = labels.xy_px[:, i, k]
    in_header = np.ones((1, len(columns)), dtype=np.bool_)
    picked = LabelTable(labels.scorer, ("",), tuple(names), labels.frames, xy_px, in_header)
    n_left_out = int(labels.labelled.sum() - picked.labelled.sum())
    if n_left_out:
        taken = {individual for individual, _ in columns}
        others = [name for name in labels.individuals if name not in taken]
        findings.append(
            Finding(
                Severity.NOTE,
                "individuals-left-out",
                ", ".join(others),
                f"{n_left_out} labelled points are left out, as --individuals asks",
            )
        )
    return OneAnimal(picked, n_left_out, dict(zip(names, columns, strict=True)))
