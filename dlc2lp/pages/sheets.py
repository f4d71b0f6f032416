"""Which labeled frames the page shows: a sample of each session, bounded over the project. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from dlc2lp.pages.frames import Session, SessionView
from dlc2lp.pages.model import Dot, Sheet, Shot, ShownMoment, Still

#: Pictures of labeled frames over the whole page, and of one session.
_MOST_PICTURES, _MOST_OF_A_SESSION = 96, 8
#: Sessions that are shown with pictures, times views: beyond that the least suspicious are left out.
_MOST_SHEETS = 120


def make_sheets(sessions: Sequence[Session], n_views: int, digests: Mapping[str, str]) -> tuple[Sheet, ...]:
    """Return the samples, sessions with the most suspicious frame first; ``digests`` are those of files by path."""
    if not sessions:
        return ()
    n_each = max(1, min(_MOST_OF_A_SESSION, _MOST_PICTURES // (len(sessions) * n_views)))
    by_doubt = sorted(sessions, key=lambda session: -max(session.weights, default=0.0))
    return tuple(_sheet(session, n_each, digests) for session in by_doubt[: max(1, _MOST_SHEETS // n_views)])


def _sheet(session: Session, n_each: int, digests: Mapping[str, str]) -> Sheet:
    weights = session.weights
    doubtful = sorted((n for n, weight in enumerate(weights) if weight), key=lambda n: (-weights[n], n))
    certain = [n for n, weight in enumerate(weights) if not weight]
    chosen = [*doubtful[:n_each], *_spread(certain, n_each - min(n_each, len(doubtful)))]
    moments = tuple(ShownMoment(tuple(_shot(view, n, digests) for view in session.views)) for n in chosen)
    folders = (known.session.source for view in session.views for known in view.planned if known is not None)
    return Sheet(session.name, tuple(dict.fromkeys(folders)), session.n_moments, len(doubtful), moments)


def _spread(numbers: Sequence[int], n: int) -> list[int]:
    """Return ``n`` of them, evenly spread."""
    if n <= 0:
        return []
    return [numbers[(2 * i + 1) * len(numbers) // (2 * n)] for i in range(n)] if n < len(numbers) else list(numbers)


def _shot(view: SessionView, n: int, digests: Mapping[str, str]) -> Shot:
    points, path, known = view.xy_px[n], view.paths[n], view.planned[n]
    there = np.flatnonzero(np.isfinite(points).all(axis=-1)).tolist()
    # To the tenth of a pixel: all that a picture can show.
    dots = tuple(Dot(k, round(float(points[k, 0]), 1), round(float(points[k, 1]), 1)) for k in there)
    source = f"{known.session.folder}/{known.frame.source}" if known else ""
    return Shot(Still(path, digests.get(path, "")), view.view, source, dots, view.doubts[n].remarks)
