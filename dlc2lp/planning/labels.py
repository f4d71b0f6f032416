"""What every plan says of its labels: counts, shares, the skeleton. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from dlc2lp.dlc.config import DlcConfig
from dlc2lp.dlc.project import DlcProject
from dlc2lp.lp.labels import LabelRow
from dlc2lp.model import Finding, Severity
from dlc2lp.planning.visibility import labelled_in, never_labelled, session_of
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


def hidden_shares(names: Sequence[str], rows: Sequence[LabelRow]) -> dict[str, float]:
    """Share of labeled frames in which each keypoint is empty, rounded so that the plan reads well.

    Sessions that never labelled a keypoint say nothing about how often it is hidden.
    """
    never = never_labelled(rows, len(names))
    empty: Counter[str] = Counter()
    looked_for: Counter[str] = Counter()
    for row in rows:
        labelled = labelled_in(row)
        for k, name in enumerate(names):
            if k not in never[session_of(row)]:
                looked_for[name] += 1
                empty[name] += k not in labelled
    return {name: round(empty[name] / looked_for[name], 4) if looked_for[name] else 1.0 for name in names}


def count_cells(rows: Sequence[LabelRow]) -> int:
    """Return how many points have a label."""
    return sum(len(labelled_in(row)) for row in rows)


def count_labeled(rows: Sequence[LabelRow]) -> int:
    """Return how many rows have a label at all."""
    return sum(bool(labelled_in(row)) for row in rows)
