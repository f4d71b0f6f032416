"""The videos that an exported DeepLabCut project names. Pure.

DeepLabCut finds the folders of ``labeled-data`` by the names of the videos in ``video_sets`` (its
``merge_annotateddatasets``), so each folder needs a video that is called like it. The videos themselves stay where they
are: the source's where it still has them, since its frame numbers are DeepLabCut's, else the target's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath, PureWindowsPath

from dlc2lp.dlc.config import VideoEntry
from dlc2lp.model import Finding, Severity
from dlc2lp.planning.plan import Plan
from dlc2lp.planning.way_back import ReturnedFolder
from dlc2lp.wording import counted, some


@dataclass(frozen=True)
class Places:
    """Where things of an export lie, and which of them are there."""

    target: str  #: Absolute path of the Lightning Pose project.
    project: str  #: Absolute path of the DeepLabCut project that is made.
    on_disk: Collection[str]  #: Of the paths of :func:`candidates`, those that are there.
    sizes: Mapping[str, tuple[int, int]]  #: (width, height) in pixels of the images of each folder.


@dataclass(frozen=True)
class NamedVideos:
    """What ``video_sets`` is to say, and what a person should know of it."""

    entries: tuple[VideoEntry, ...]
    findings: tuple[Finding, ...]


def candidates(plan: Plan, recorded: Sequence[VideoEntry], sessions: Sequence[str], target: str) -> list[str]:
    """Return the paths of all videos that may be named; ``sessions`` are those of the target."""
    copies = (str(Path(target, "videos", f"{session}.mp4")) for session in sessions)
    planned = (path for video in plan.videos for path in (video.source, str(Path(target, video.target))))
    return list(dict.fromkeys([*(video.recorded for video in recorded), *planned, *copies]))


def name_videos(
    plan: Plan,
    views: Collection[str],
    folders: Sequence[ReturnedFolder],
    recorded: Sequence[VideoEntry] | None,
    places: Places,
) -> NamedVideos:
    """Return the videos of the project of some views, of which the one of a single-view target has no name.

    ``recorded`` are those of the source's configuration, if it is there.
    """
    namer = _Namer(plan, views, places)
    by_name = {folder.name: folder for folder in folders}
    elsewhere = namer.stems_elsewhere - by_name.keys()
    listed = [video for video in recorded or () if not video.is_placeholder and video.stem not in elsewhere]
    entries = [namer.entry(video.stem, by_name.get(video.stem), video) for video in listed]
    named = {video.stem for video in listed}
    stems = [*by_name, *(namer.stems if recorded is None else ())]
    entries += [namer.entry(stem, by_name.get(stem), None) for stem in dict.fromkeys(stems) if stem not in named]
    unique = tuple({video.recorded: video for video in entries}.values())
    return NamedVideos(unique, tuple(namer.findings()))


class _Namer:
    """Names the videos of some views."""

    def __init__(self, plan: Plan, views: Collection[str], places: Places) -> None:
        self._places = places
        self._videos = [video for video in plan.videos if video.view in views]
        others = [PureWindowsPath(video.source).stem for video in plan.videos if video.view not in views]
        folders = [session.folder for session in plan.sessions if session.view not in views]
        #: Names of other views' videos and folders.
        self.stems_elsewhere = {*others, *folders}
        self.stems = [PureWindowsPath(video.source).stem for video in self._videos]
        self._made_up: dict[str, str] = {}

    def entry(self, stem: str, folder: ReturnedFolder | None, recorded: VideoEntry | None) -> VideoEntry:
        """Return the video of a name: as recorded, the one that was converted, its copy, or one that is missing."""
        originals = [video.source for video in self._videos if PureWindowsPath(video.source).stem == stem]
        copies = [self._in_target(video.target) for video in self._videos if PurePosixPath(video.target).stem == stem]
        copies += [
            self._in_target(f"videos/{name}.mp4") for name in (folder.sessions if folder else ()) if name == stem
        ]
        for path in ([recorded.recorded] if recorded else []) + originals:
            if path in self._places.on_disk:
                return self._whole(replace(recorded or VideoEntry(path), recorded=path), stem)
        for path in copies:
            if path in self._places.on_disk:
                return self._whole(VideoEntry(path), stem)
        if recorded is not None:
            return self._whole(recorded, stem)
        self._made_up[stem] = next(iter(self._copies_of(folder)), "")
        return self._whole(VideoEntry(str(Path(self._places.project, "videos", f"{stem}.mp4"))), stem)

    def _copies_of(self, folder: ReturnedFolder | None) -> Iterator[str]:
        """Yield the videos of a folder that are there under other names."""
        if folder is None:
            return
        for video in self._videos:
            if video.session in folder.recordings:
                paths = (video.source, self._in_target(video.target))
                yield from (path for path in paths if path in self._places.on_disk)

    def _in_target(self, path: str) -> str:
        return str(Path(self._places.target, path))

    def _whole(self, video: VideoEntry, stem: str) -> VideoEntry:
        """Return a video with a crop, which DeepLabCut wants of each: all of the picture where none is known."""
        size = self._places.sizes.get(stem)
        return replace(video, crop=(0, size[0], 0, size[1])) if video.crop is None and size else video

    def findings(self) -> Iterator[Finding]:
        """Say for which folders there is no video of their name."""
        if not self._made_up:
            return
        folders = counted(len(self._made_up), "folder")
        message = (
            f"found no video that is called like {folders}: {some(self._made_up)}; video_sets names one all the same"
        )
        there = {stem: path for stem, path in self._made_up.items() if path}
        advice = "DeepLabCut finds the folder by it; nothing is to be done, unless you analyse that video there"
        if there:
            stem, path = next(iter(there.items()))
            advice += f"; for {stem} copy {path} to where video_sets has it"
        yield Finding(Severity.NOTE, "export-video-missing", "video_sets", message, "", advice)
