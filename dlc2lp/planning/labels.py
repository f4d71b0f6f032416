"""What every plan says of its labels: counts, shares, the skeleton. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from dlc2lp.dlc.config import DlcConfig
from dlc2lp.dlc.project import DlcProject
from dlc2lp.lp.labels import LabelRows
from dlc2lp.model import Finding, Severity
from dlc2lp.planning.visibility import looked_for, never_labelled
from dlc2lp.wording import counted


def identity(config: DlcConfig | None) -> dict[str, str]:
    """Return what tells one DeepLabCut project from another."""
    task, scorer, date = (config.task, config.scorer, config.date) if config else ("", "", "")
    return {"task": task, "scorer": scorer, "date": date}


def skeleton(
    projects: Iterable[DlcProject], origin: Mapping[str, tuple[str, str]]
) -> tuple[list[tuple[str, str]], list[Finding]]:
    """Return the edges of the configurations between keypoints that exist here, and what is left out of them.

    Where individuals were flattened, an edge between two keypoints holds within each individual. ``origin`` tells for
    each keypoint the (individual, keypoint) that it was in the projects.
    """
    configs = [project.config for project in projects if project.config]
    pairs = list(dict.fromkeys(pair for config in configs for pair in config.skeleton))
    edges = [
        [
            (first, second)
            for first, (individual, keypoint) in origin.items()
            for second, (other, partner) in origin.items()
            if (keypoint, partner) == pair and individual == other and first != second
        ]
        for pair in pairs
    ]
    kept = [edge for found in edges for edge in found]
    n_unknown = edges.count([])
    if not n_unknown:
        return kept, []
    edges_of_it = f"of its {counted(len(pairs), 'edge')}"
    message = counted(n_unknown, f"{edges_of_it} names", f"{edges_of_it} name")
    message += " a keypoint without labels; left out"
    return kept, [Finding(Severity.NOTE, "skeleton-unknown", "skeleton", message)]


def hidden_shares(names: Sequence[str], parts: Sequence[LabelRows]) -> dict[str, float]:
    """Share of labeled frames in which each keypoint is empty, rounded so that the plan reads well.

    Sessions that never labelled a keypoint say nothing about how often it is hidden.
    """
    import numpy as np

    never = never_labelled(parts, len(names))
    n_looked_for, n_empty = np.zeros((2, len(names)), dtype=np.int64)
    for rows in parts:
        sought = looked_for(rows, never)
        n_looked_for += sought.sum(axis=0)
        n_empty += (sought & ~rows.labelled).sum(axis=0)
    counts = zip(names, n_empty.tolist(), n_looked_for.tolist(), strict=True)
    return {name: round(empty / n, 4) if n else 1.0 for name, empty, n in counts}


def count_cells(parts: Iterable[LabelRows]) -> int:
    """Return how many points have a label."""
    return sum(int(rows.labelled.sum()) for rows in parts)


def count_labeled(parts: Iterable[LabelRows]) -> int:
    """Return how many rows have a label at all."""
    return sum(int(rows.labelled.any(axis=1).sum()) for rows in parts)
