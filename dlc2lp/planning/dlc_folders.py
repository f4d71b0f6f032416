"""What DeepLabCut would call the folders of recordings that it has none of. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import PurePosixPath, PureWindowsPath

from dlc2lp.planning.plan import Plan
from dlc2lp.survey.view_pattern import NameReading, ViewPattern, parse_view_pattern


class NewFolders:
    """Names folders of one project for sessions that the target got since, so that no two views share one.

    A folder is called like its video, as DeepLabCut calls it; else by the pattern that told the cameras apart, with the
    names that recordings and cameras have there; else ``<session>_<view>``.
    """

    def __init__(self, plan: Plan, views: Collection[str]) -> None:
        sessions = [session for session in plan.sessions if session.view in views]
        videos = [video for video in plan.videos if video.view in views]
        pattern = plan.options.get("view_pattern")
        self._pattern = parse_view_pattern(str(pattern)) if pattern else None
        self._owners = {session.folder.casefold(): session.view for session in sessions}
        self._videos = {(PurePosixPath(v.target).stem, v.view): PureWindowsPath(v.source).stem for v in videos}
        #: DeepLabCut's names of recordings and cameras by the target's.
        self._recordings: dict[str, str] = {}
        self._cameras: dict[str, str] = {}
        self._n_before: set[int] = set()
        for session in sessions:
            found = _reading(self._pattern, session.folder, session.view) if session.view and session.target else None
            if found is not None:
                self._cameras.setdefault(session.view, found.view)
                self._n_before.add(found.n_before)
                if session.source == session.folder:  # of several videos' frames in one folder each has another name
                    self._recordings.setdefault(session.target.removesuffix(f"_{session.view}"), found.session)

    def name(self, session: str, view: str) -> str:
        """Return the folder of a session of the target, whose name there is ``session``; asked once for each."""
        name = next(name for name in self._names(session, view) if self._owners.get(name.casefold(), view) == view)
        self._owners[name.casefold()] = view
        return name

    def _names(self, session: str, view: str) -> Iterator[str]:
        """Yield names from the best one on, without an end."""
        if (session, view) in self._videos:
            yield self._videos[session, view]
        recording = session.removesuffix(f"_{view}") if view else session
        if self._pattern is not None and view:
            named = self._pattern.names(self._recordings.get(recording, recording), self._cameras.get(view, view))
            yield from (way.name for way in sorted(named, key=lambda way: way.n_before not in self._n_before))
        plain = f"{recording}_{view}" if view else session
        yield plain
        number = 2
        while True:
            yield f"{plain}-{number}"
            number += 1


def _reading(pattern: ViewPattern | None, folder: str, view: str) -> NameReading | None:
    """Return how a folder of a view was read: as that view, or, where that got another name, in the first way."""
    ways = pattern.readings(folder) if pattern else []
    return next((way for way in ways if way.view == view), ways[0] if ways else None)
