"""Lightning Pose's third column: is an empty cell a hidden keypoint, or one that nobody looked for? Pure.

Lightning Pose takes every empty cell of a file alike (``uniform_heatmaps_for_nan_keypoints``). Where a keypoint was
added to a DeepLabCut project later, the sessions before it never had it, and training them as "hidden" would teach the
network that it is never seen there. The column ``visible`` (lightning-pose PR #440) says it cell by cell: 2 labelled,
1 hidden, 0 not labelled.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from math import isnan

from dlc2lp.lp.config_choices import NanMeans
from dlc2lp.lp.labels import HIDDEN, NOT_LABELED, VISIBLE, LabelRow
from dlc2lp.model import Command, Finding, Setting, Severity
from dlc2lp.wording import counted, some


def session_of(row: LabelRow) -> str:
    """Return the session of a row: the folder in ``labeled-data`` that holds its image."""
    return row.image.split("/")[1]


def labelled_in(row: LabelRow) -> set[int]:
    """Return the positions of the keypoints that have a label in a row."""
    return {k for k, (x, _) in enumerate(row.xy) if not isnan(x)}


def never_labelled(rows: Sequence[LabelRow], n_keypoints: int) -> dict[str, frozenset[int]]:
    """Return for each session the positions of the keypoints that have no label in any of its rows."""
    never: dict[str, set[int]] = {}
    for row in rows:
        never.setdefault(session_of(row), set(range(n_keypoints))).difference_update(labelled_in(row))
    return {session: frozenset(positions) for session, positions in never.items()}


def with_visibility(
    rows: Iterable[LabelRow], never: Mapping[str, frozenset[int]], nan_means: NanMeans, fillers: Collection[str]
) -> list[LabelRow]:
    """Return the rows with their third column, which is never empty; ``never`` is what :func:`never_labelled` says.

    ``nan_means`` is what an empty cell means in a session that has labels of the keypoint. The points of fillers,
    images that only other views have labelled, may well be visible.
    """
    empty = HIDDEN if nan_means == "occluded" else NOT_LABELED
    found = []
    for row in rows:
        positions, labelled = range(len(row.xy)), labelled_in(row)
        unsought = positions if row.image in fillers else never[session_of(row)]
        visible = (VISIBLE if k in labelled else NOT_LABELED if k in unsought else empty for k in positions)
        found.append(dataclasses.replace(row, visible=tuple(visible)))
    return found


def explain(
    never: Mapping[str, frozenset[int]], names: Sequence[str], label_files: Sequence[str], n_fillers: int = 0
) -> Finding:
    """Say why the column is there: which sessions lack keypoints that others have, and which frames are no view's own.

    ``names`` are the keypoints; ``n_fillers`` counts the frames that only other views have labelled.
    """
    told = [
        f"{session} ({some(names[k] for k in sorted(positions))})"
        for session, positions in sorted(missing_in_some(never).items())
    ]
    reasons = []
    if told:
        sessions = counted(len(told), "session")
        reasons.append(f"{sessions} never labelled a keypoint that others have: {some(told, between='; ')}")
    if n_fillers:
        one, many = "frame has labels in other views only", "frames have labels in other views only"
        reasons.append(counted(n_fillers, one, many))
    message = f"{'; '.join(reasons)}; the column `visible` marks these cells as not labelled"
    # The app sets x and y of a label, and never this column.
    advice = "after labeling in the Lightning Pose app: {}; to leave the column out: {}"
    ways = Command.of("dlc2lp", "labels", "TARGET"), Setting("visibility", ("never",))
    return Finding(Severity.NOTE, "visible-column", ", ".join(label_files), message, "", advice, ways)


def missing_in_some(never: Mapping[str, frozenset[int]]) -> dict[str, frozenset[int]]:
    """Keep of each session the keypoints that another session labelled, and the sessions that lack any."""
    nowhere = frozenset.intersection(*never.values()) if never else frozenset()
    return {session: positions - nowhere for session, positions in never.items() if positions - nowhere}
