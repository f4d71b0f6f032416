"""Which videos a project wants, and the file that each is by its name and place. Only looks.

What name and place do not tell is left to the pictures (:mod:`dlc2lp.survey.measure_videos`), and all that came of it
is told in :mod:`dlc2lp.survey.found_videos`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from dlc2lp.dlc.config import VideoEntry
from dlc2lp.dlc.framenames import parse_frame_name
from dlc2lp.dlc.project import VIDEOS, DlcProject
from dlc2lp.dlc.session import DlcSession
from dlc2lp.errors import raise_disk_trouble
from dlc2lp.model import Finding, Severity
from dlc2lp.options import VideoChoice
from dlc2lp.placeholders import Placeholder, placeholder_of
from dlc2lp.survey.folders import prefix_name, split_folder
from dlc2lp.survey.spelling import pair_names
from dlc2lp.survey.video_candidates import Candidate, VideoPlaces, hold_the_same
from dlc2lp.wording import counted, name_key, spelled


@dataclass(frozen=True)
class WantedVideo:
    """A video that the project names, and where it may lie."""

    stem: str  #: Its name without suffix.
    root: Path  #: The project that wants it.
    entries: tuple[VideoEntry, ...] = ()  #: Those of ``video_sets`` that name it; none for a session that has no entry.
    first: Candidate | None = None  #: The file that it is by name and place; None where there is none.
    rivals: tuple[Candidate, ...] = ()  #: Files that are it just as well and hold something else.
    #: All other candidates, to be gone through once; looking for them may cost a walk of the project.
    others: Iterator[Candidate] = field(default_factory=lambda: iter(()))
    dead_links: tuple[Path, ...] = ()  #: Links that lead nowhere, where it was looked for.
    stand_ins: tuple[tuple[Path, Placeholder], ...] = ()  #: Files of which only a stand-in is here.
    looked_in: tuple[str, ...] = ()  #: The places where it was looked for besides the recorded path, in words.

    @property
    def name(self) -> str:
        """The name that it was looked for by."""
        return self.entries[0].name if self.entries else self.stem

    @property
    def recorded(self) -> tuple[str, ...]:
        """The paths that ``video_sets`` has for it, each once."""
        return tuple(dict.fromkeys(entry.recorded for entry in self.entries))


@dataclass(frozen=True)
class FoundVideos:
    """What a project wants, and what else lies in its ``videos/``."""

    wanted: tuple[WantedVideo, ...] = ()  #: Sorted by stem, each stem once.
    at_hand: tuple[Path, ...] = ()  #: All originals in and below ``videos/``.


def find_videos(project: DlcProject, choice: VideoChoice, roots: Sequence[Path]) -> FoundVideos:
    """Return each video to migrate, once, with the file that it is; ``roots`` are further folders to look in."""
    if choice == "none":
        return FoundVideos()
    finder = _Finder(project, roots)
    found: dict[str, WantedVideo] = {}
    for wanted in finder.all_wanted(everything=choice == "all"):
        # A disk that ignores case has one file for two spellings.
        alike = [each.first for each in found.values() if each.first and name_key(each.stem) == name_key(wanted.stem)]
        is_same = wanted.first and any(wanted.first.path.samefile(other.path) for other in alike)
        if spelled(wanted.stem) not in found and not is_same:
            found[spelled(wanted.stem)] = wanted
    if choice == "all":
        for wanted in finder.below_videos(found):
            found.setdefault(spelled(wanted.stem), wanted)
    return FoundVideos(tuple(found[key] for key in sorted(found)), finder.at_hand)


def sessions_not_listed(project: DlcProject) -> list[Finding]:
    """Tell of labels in folders that ``video_sets`` does not list, which DeepLabCut leaves out of its training sets.

    Where it finds labels in none of the listed folders, DeepLabCut takes all (``merge_annotateddatasets``).
    """
    config = project.config if project.layout == "labeled-data" else None  # DeepLabCut 1 lists the last one only
    labelled = [session.name for session in project.sessions if session.label_files]
    entries = (*config.video_sets, *config.video_sets_original) if config else ()
    listed = set(pair_names([entry.stem for entry in entries], labelled).values())
    others = [name for name in labelled if name not in listed]
    if not listed or not others:
        return []
    message = (
        f"{counted(len(others), 'folder with labels is', 'folders with labels are')} not in video_sets of config.yaml, "
        f"so DeepLabCut does not train on such: {', '.join(others[:5])}{' ...' if len(others) > 5 else ''}; migrated "
        "all the same"
    )
    return [Finding(Severity.NOTE, "session-not-listed", "video_sets", message)]


class _Finder:
    """Looks for the videos of one project."""

    def __init__(self, project: DlcProject, roots: Sequence[Path]) -> None:
        self._project = project
        self._entries = _entries(project)
        self._places = VideoPlaces(project, roots, self._entries)

    @property
    def at_hand(self) -> tuple[Path, ...]:
        """The originals in and below ``videos/`` that are there."""
        paths = (*self._places.videos.paths, *self._places.below_videos)
        return tuple(path for path in paths if _is_there(path, [], []))

    def all_wanted(self, *, everything: bool) -> Iterator[WantedVideo]:
        """Yield the listed videos, then those of other sessions, then the rest of ``videos/`` where it counts."""
        listed: dict[str, list[VideoEntry]] = {}
        for entry in self._entries:
            listed.setdefault(spelled(entry.stem), []).append(entry)
        for entries in listed.values():
            yield self._search(entries[0].stem, entries)
        asked = set(pair_names(listed, [session.name for session in self._project.sessions]).values())
        for session in self._project.sessions:
            by_prefix = self._find_by_prefix(session)
            yield from by_prefix
            if session.name not in asked and not by_prefix:
                wanted = self._search(session.name)
                # A folder without images lacks no video.
                if wanted.first or session.image_names:
                    yield wanted
        if everything or not self._entries:
            # A project whose video_sets names nothing (DeepLabCut's own examples) has only the folder to go by.
            yield from (self._take(path.stem, path) for path in self._places.videos.paths)

    def below_videos(self, taken: Iterable[str]) -> Iterator[WantedVideo]:
        """Yield what lies below ``videos/``; where its stem is taken, called by its folders as well."""
        folder, stems = self._project.root / VIDEOS, set(taken)
        for path in self._places.below_videos:
            stem = path.stem
            if spelled(stem) in stems:
                stem = "-".join(path.relative_to(folder).with_suffix("").parts)
            stems.add(spelled(stem))
            yield self._take(stem, path)

    def _find_by_prefix(self, session: DlcSession) -> list[WantedVideo]:
        """Find the videos of a folder that holds the frames of several (``07a-img310.png`` is one of ``07a.avi``)."""
        groups = split_folder(session.name, session.images.values())
        if len(groups) < 2:
            return []
        stems = (prefix_name(parse_frame_name(images[0].path.name)) for images in groups.values())
        return [wanted for stem in stems if stem and (wanted := self._search(stem)).first]

    def _take(self, stem: str, path: Path) -> WantedVideo:
        """Return a file as a video of its own."""
        return self._of(stem, (), iter([[Candidate(path, "videos")]]))

    def _search(self, stem: str, entries: Sequence[VideoEntry] = ()) -> WantedVideo:
        return self._of(stem, entries, self._places.candidates(stem, entries))

    def _of(self, stem: str, entries: Sequence[VideoEntry], groups: Iterator[list[Candidate]]) -> WantedVideo:
        """Go through the candidates until one is there that is certain by name and place."""
        dead: list[Path] = []
        stand_ins: list[tuple[Path, Placeholder]] = []
        passed: list[Candidate] = []
        first: Candidate | None = None
        rivals: tuple[Candidate, ...] = ()
        for group in groups:
            there = [candidate for candidate in group if _is_there(candidate.path, dead, stand_ins)]
            if there and there[0].is_certain:
                first, *others = there
                rivals = tuple(each for each in others if not hold_the_same(first.path, each.path))
                break
            passed += there
        rest = (each for group in groups for each in group if _is_there(each.path, [], []))
        return WantedVideo(
            stem,
            self._project.root,
            tuple(entries),
            first,
            rivals,
            chain(rivals, rest, passed),
            tuple(dict.fromkeys(dead)),
            tuple(dict.fromkeys(stand_ins)),
            self._places.looked_in,
        )


def _is_there(path: Path, dead: list[Path], stand_ins: list[tuple[Path, Placeholder]]) -> bool:
    """Whether a file is there; a link that leads nowhere and a stand-in are added to the lists."""
    try:
        os.stat(path)  # noqa: PTH116  (as below)
    except OSError as error:
        raise_disk_trouble(path, error)  # which video that is must not hang on it
    # pathlib raises where a folder on the way may not be entered.
    # A pipe or a device of the name is there too: measuring it tells.
    is_file = os.path.exists(path) and not os.path.isdir(path)  # noqa: PTH110, PTH112
    if not is_file and not os.path.islink(path):  # noqa: PTH114
        return False
    if placeholder := placeholder_of(path):
        stand_ins.append((path, placeholder))
        return False
    if not is_file and not os.path.exists(path):  # noqa: PTH110
        dead.append(path)
    return is_file


def _entries(project: DlcProject) -> list[VideoEntry]:
    """Return the videos that the configuration lists.

    When DeepLabCut 2.1.10 to 2.2rc cut frames into random crops, it replaced the videos in ``video_sets`` by
    ``<stem>_cropped`` ones, which never existed; the real ones then stand in ``video_sets_original``.
    """
    if project.config is None:
        return []
    real = project.config.video_sets_original
    listed = [entry for entry in project.config.video_sets if not (real and entry.stem.endswith("_cropped"))]
    return [entry for entry in (*real, *listed) if not entry.is_placeholder]
