"""All views of a target and how their images meet: what recordings, views and keypoints are called there. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dlc2lp.lp.names import unique_sessions
from dlc2lp.model import Finding, Setting, Severity
from dlc2lp.options import Options
from dlc2lp.planning.align import Alignment, explain_alignment, union_keypoints
from dlc2lp.planning.frames import MatchedView, ViewImages, collect
from dlc2lp.planning.moments import align_views
from dlc2lp.planning.odd_views import odd_views
from dlc2lp.planning.view_names import safe_views
from dlc2lp.survey.individuals import OneAnimal
from dlc2lp.survey.source import Source
from dlc2lp.wording import counted


@dataclass(frozen=True)
class Scene:
    """All views, and how their images meet."""

    views: tuple[ViewImages, ...]  #: The images of each view.
    keypoints: tuple[str, ...]  #: The keypoints of all views.
    sessions: Mapping[str, str]  #: What each recording is called in the target.
    alignment: Alignment  #: How the images of the views meet.
    findings: tuple[Finding, ...]  #: What a person should know of it.

    @property
    def names(self) -> tuple[str, ...]:
        """The views' names in the target; none in a project with a single view."""
        return tuple(view.name for view in self.views if view.name)

    def folders(self, view: ViewImages) -> dict[str, str]:
        """Return the folder in ``labeled-data`` of each recording of one view."""
        return {name: f"{safe}_{view.name}" if view.name else safe for name, safe in self.sessions.items()}


def set_scene(source: Source, matched: Sequence[MatchedView], animals: Sequence[OneAnimal], options: Options) -> Scene:
    """Name recordings and views, and find out how the images of the views meet."""
    keypoints = union_keypoints([animal.labels.keypoint_names for animal in animals])
    recordings = list(dict.fromkeys(_recordings(source, matched)))
    sessions = unique_sessions(recordings)
    findings = _renamed_sessions(sessions)
    names = {view.name: view.name for view in source.views}
    if source.is_multiview:
        names, renamed = safe_views(list(names), sessions.values(), is_named=bool(options.views))
        findings += renamed
    views = tuple(collect(each, names[each.view.name], animal) for each, animal in zip(matched, animals, strict=True))
    alignment = align_views(views, recordings)
    if source.is_multiview:
        findings += explain_alignment(alignment, without_videos=options.videos == "none")
        findings += odd_views(source.views, views, alignment, options)
        findings += _outsiders(source)
    return Scene(views, keypoints, sessions, alignment, tuple(findings))


def _recordings(source: Source, matched: Sequence[MatchedView]) -> Iterator[str]:
    """Yield the recordings; of several cameras also those without images, whose videos are named by them."""
    if source.is_multiview:
        yield from (name for view in source.views for name in view.session_of.values())
        yield from (name for view in source.views for name in view.video_of.values())
    for view in matched:
        yield from view.recordings


def _renamed_sessions(sessions: Mapping[str, str]) -> list[Finding]:
    renamed = [f"{old!r} -> {new}" for old, new in sorted(sessions.items()) if old != new]
    if not renamed:
        return []
    message = "the name holds characters that Lightning Pose or its app refuse: " + ", ".join(renamed[:5])
    message += " ..." if len(renamed) > 5 else ""
    return [Finding(Severity.NOTE, "session-renamed", counted(len(renamed), "session"), message)]


def _outsiders(source: Source) -> list[Finding]:
    advice = "give a {} that fits its name too, or rename the folder in DeepLabCut"
    findings = []
    for folder, n_cells, n_frames in source.outsiders:
        lost = f"{counted(n_frames, 'labeled frame')} and {counted(n_cells, 'point')}"
        message, ways = f"belongs to no camera by its name; left out with its {lost}", (Setting("view-pattern"),)
        findings.append(Finding(Severity.ERROR, "folder-of-no-view", folder, message, "", advice, ways))
    return findings
