"""The labeled frames of a target, session by session: what its label files hold, joined with what is planned. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from dlc2lp.pages.suspects import Doubt, LabeledFrame, doubts
from dlc2lp.planning.plan import Plan, PlannedFrame, PlannedSession
from dlc2lp.survey.session_ties import SessionTie, by_view

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class ViewLabels:
    """The label files of one view, one behind the other, as they are now."""

    view: str  #: Empty in a single-view project.
    paths: tuple[str, ...]  #: The image of each row.
    xy_px: NDArray[np.float64]  #: float64 of shape (F, K, 2), keypoints in the order of the plan; NaN = no label.


@dataclass(frozen=True)
class Planned:
    """What is planned for an image."""

    session: PlannedSession
    frame: PlannedFrame


@dataclass(frozen=True, eq=False)
class SessionView:
    """The labeled frames of one session in one view."""

    folder: str  #: In ``labeled-data``.
    view: str
    rows: tuple[int, ...]  #: Which rows of the view's label files they are.
    paths: tuple[str, ...]
    xy_px: NDArray[np.float64]  #: float64 of shape (F, K, 2).
    planned: tuple[Planned | None, ...]  #: None: cut from the video, since only other views have an image.
    doubts: tuple[Doubt, ...]

    @cached_property
    def n_empty(self) -> tuple[int, ...]:
        """How many labeled frames have no label of each keypoint."""
        import numpy as np

        return tuple(np.isnan(self.xy_px).any(axis=-1).sum(axis=0).tolist())


@dataclass
class Session:
    """The labeled frames of one session in all views: frame n of each is one moment."""

    name: str  #: Without the view.
    views: list[SessionView] = field(default_factory=list)

    @property
    def n_moments(self) -> int:
        """How many moments all views have."""
        return min(len(view.rows) for view in self.views)

    @cached_property
    def weights(self) -> list[float]:
        """How much each moment is worth a look."""
        each = [[doubt.weight for doubt in view.doubts] for view in self.views]
        return [max(weights) for weights in zip(*each, strict=False)]


def sessions_of(plan: Plan, keypoints: Sequence[str], labels: Iterable[ViewLabels]) -> list[Session]:
    """Return the sessions that have labeled frames, in the order of the plan."""
    planned = {
        frame.target: Planned(session, frame) for session in plan.sessions for frame in session.frames if frame.target
    }
    ties = by_view(plan.ties)
    found: dict[str, Session] = {
        session.target.removesuffix(f"_{session.view}"): Session("") for session in plan.sessions
    }
    for table in labels:
        rows_of: dict[str, list[int]] = {}
        for row, path in enumerate(table.paths):
            rows_of.setdefault(path.split("/", 2)[1] if path.count("/") > 1 else "", []).append(row)
        for folder, rows in rows_of.items():
            name = folder.removesuffix(f"_{table.view}") if table.view else folder
            session = found.setdefault(name, Session(name))
            session.name = name
            session.views.append(_session_view(plan, keypoints, table, folder, rows, planned, ties))
    return [session for session in found.values() if session.views]


def _session_view(
    plan: Plan,
    keypoints: Sequence[str],
    table: ViewLabels,
    folder: str,
    rows: Sequence[int],
    planned: Mapping[str, Planned],
    ties: Mapping[tuple[str, str], SessionTie],
) -> SessionView:
    import numpy as np

    paths = tuple(table.paths[row] for row in rows)
    xy_px = table.xy_px[np.array(rows, dtype=np.intp)]
    known = tuple(planned.get(path) for path in paths)
    sizes = plan.config_facts.image_sizes
    only_size = sizes[0][0] if len(sizes) == 1 else None
    facts = [_facts(each, ties, only_size) for each in known]
    return SessionView(folder, table.view, tuple(rows), paths, xy_px, known, tuple(doubts(keypoints, xy_px, facts)))


def _facts(
    known: Planned | None, ties: Mapping[tuple[str, str], SessionTie], only_size: tuple[int, int] | None
) -> LabeledFrame:
    """What is known of an image; its size from the images that were compared with the video, or where all are alike."""
    if known is None:
        return LabeledFrame(None, only_size, None, 0)
    session, frame = known.session, known.frame
    tie = ties.get((session.view, session.source))
    found = tie.images.get(frame.source) if tie else None
    size = tie.parts[tie.part_of[frame.source]].size_px if tie and found else None
    number = frame.frame_index if frame.video_frame_index is None else frame.video_frame_index
    return LabeledFrame(number, size or only_size, found.outcome if found else None, frame.n_as_predicted)
