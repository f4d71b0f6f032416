"""Lightning Pose's third column: is an empty cell a hidden keypoint, or one that nobody looked for? Pure.

Lightning Pose takes every empty cell of a file alike (``uniform_heatmaps_for_nan_keypoints``). Where a keypoint was
added to a DeepLabCut project later, the sessions before it never had it, and training them as "hidden" would teach the
network that it is never seen there. The column ``visible`` (lightning-pose PR #440) says it cell by cell: 2 labelled,
1 hidden, 0 not labelled.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from dlc2lp.lp.config_choices import NanMeans
from dlc2lp.lp.labels import HIDDEN, NOT_LABELED, VISIBLE, LabelRows
from dlc2lp.model import Command, Finding, Setting, Severity
from dlc2lp.wording import counted, some

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def never_labelled(parts: Iterable[LabelRows], n_keypoints: int) -> dict[str, frozenset[int]]:
    """Return for each session the positions of the keypoints that have no label in any of its rows."""
    import numpy as np

    never: dict[str, set[int]] = {}
    for rows in parts:
        names, of_row = numbered_sessions(rows)
        seen = np.zeros((len(names), n_keypoints), dtype=np.bool_)
        np.logical_or.at(seen, of_row, rows.labelled)
        for name, positions in zip(names, seen, strict=True):
            never.setdefault(name, set(range(n_keypoints))).difference_update(np.flatnonzero(positions).tolist())
    return {session: frozenset(positions) for session, positions in never.items()}


def numbered_sessions(rows: LabelRows) -> tuple[list[str], NDArray[np.intp]]:
    """Return the sessions of some rows in order, and the number of each row's."""
    import numpy as np

    number_of = {name: number for number, name in enumerate(dict.fromkeys(rows.sessions))}
    return list(number_of), np.array([number_of[name] for name in rows.sessions], dtype=np.intp)


def looked_for(rows: LabelRows, never: Mapping[str, frozenset[int]]) -> NDArray[np.bool_]:
    """Return which keypoints the session of each row has labelled somewhere, shape (F, K)."""
    import numpy as np

    names, of_row = numbered_sessions(rows)
    found = np.ones((len(names), rows.xy.shape[1]), dtype=np.bool_)
    for number, name in enumerate(names):
        found[number, sorted(never[name])] = False
    return found[of_row]


def with_visibility(
    rows: LabelRows, never: Mapping[str, frozenset[int]], nan_means: NanMeans, fillers: Collection[str]
) -> LabelRows:
    """Return the rows with their third column, which is never empty; ``never`` is what :func:`never_labelled` says.

    ``nan_means`` is what an empty cell means in a session that has labels of the keypoint. The points of fillers,
    images that only other views have labelled, may well be visible.
    """
    import numpy as np

    empty = HIDDEN if nan_means == "occluded" else NOT_LABELED
    visible = np.where(looked_for(rows, never), empty, NOT_LABELED).astype(np.int8)
    visible[[image in fillers for image in rows.images]] = NOT_LABELED
    visible[rows.labelled] = VISIBLE
    return dataclasses.replace(rows, visible=visible)


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
