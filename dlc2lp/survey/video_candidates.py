"""The files that may be a video of a project, place by place. Only looks.

DeepLabCut records absolute paths, which outlive neither a move of the project nor a change of machine; it ties a
video to its ``labeled-data`` folder by the file name without suffix (``VideoReader``, ``Path(video).stem``). People
sort videos into folders, put them beside the project, copy them twice. So there is a list of candidates for each, the
most certain first; places that cost a walk are looked at only where those before them did not do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path, PureWindowsPath
from typing import Literal

from dlc2lp.disks import raise_trouble_of_either
from dlc2lp.dlc.config import VideoEntry
from dlc2lp.dlc.folders import TRAINING_SETS, is_apart
from dlc2lp.dlc.project import VIDEOS, DlcProject, is_drawn_on
from dlc2lp.files import open_regular
from dlc2lp.model import VIDEO_SUFFIXES
from dlc2lp.searching import walk_files
from dlc2lp.survey.spelling import copied_names
from dlc2lp.wording import name_key, spelled

#: ``recorded``: where ``video_sets`` says. ``project-path``: the recorded path, below the project as it lies now.
#: ``videos``: in ``videos/``. ``video-root``: below a folder that the person named. ``inside``: elsewhere in the
#: project. ``beside``: in the folder that holds the project. ``label-file``: the video of the folder whose label file
#: names the images.
Place = Literal["recorded", "project-path", "videos", "video-root", "inside", "beside", "label-file"]
#: ``same``: the name that was looked for. ``suffix``: another suffix. ``copy``: the name of a copy.
Called = Literal["same", "suffix", "copy"]

#: How much of two files is compared at each of three places to tell whether they hold the same.
_SAMPLE_BYTES = 1 << 20


@dataclass(frozen=True)
class Candidate:
    """A file that may be the video."""

    path: Path  #: Where it lies.
    place: Place  #: Which kind of place that is.
    called: Called = "same"  #: How its name is like the one that was looked for.

    @property
    def is_certain(self) -> bool:
        """Whether name and place do; all others must be proven by the pictures."""
        return self.place not in ("beside", "label-file") and self.called != "copy"


class _Listing:
    """The videos of one place by their names: an archive may hold tens of thousands, and a project want hundreds."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self.paths = list(paths)

    @cached_property
    def by_name(self) -> Mapping[str, list[Path]]:
        return self._by(lambda path: (path.name,))

    @cached_property
    def by_stem(self) -> Mapping[str, list[Path]]:
        return self._by(lambda path: (path.stem,))

    @cached_property
    def by_copied(self) -> Mapping[str, list[Path]]:
        return self._by(lambda path: copied_names(path.stem))

    def _by(self, names_of: Callable[[Path], Iterable[str]]) -> Mapping[str, list[Path]]:
        found: dict[str, list[Path]] = {}
        for path in self.paths:
            for key in dict.fromkeys(map(name_key, names_of(path))):
                found.setdefault(key, []).append(path)
        return found


class VideoPlaces:
    """Where the videos of one project may lie; each place is listed once, when it is first asked for."""

    def __init__(self, project: DlcProject, roots: Sequence[Path], entries: Sequence[VideoEntry]) -> None:
        self._project, self._roots = project, roots
        self._listed = frozenset(entry.name for entry in entries)
        self._sessions = {spelled(session.name) for session in project.sessions}
        self._stems = {spelled(entry.stem) for entry in entries} | self._sessions

    @property
    def looked_in(self) -> tuple[str, ...]:
        """The places that every video is looked for in, in words."""
        folders = map(str, (self._project.root / VIDEOS, *self._roots))
        return (*folders, "the rest of the project", "the folder that it lies in")

    @cached_property
    def videos(self) -> _Listing:
        """The originals in ``videos/``."""
        return _Listing(path for path in self._project.video_files if self._is_original(path))

    @cached_property
    def below_videos(self) -> list[Path]:
        """The originals in the folders of ``videos/``; of a folder that is a link, those right in it."""
        folder = self._project.root / VIDEOS
        links = (path for path in folder.iterdir() if path.is_symlink() and path.is_dir()) if folder.is_dir() else ()
        linked = (path for link in sorted(links) for path in self._walk(link, lambda _: False))
        return [*(path for path in self._walk(folder) if path.parent != folder), *linked]

    @cached_property
    def _in_roots(self) -> _Listing:
        return _Listing(path for root in self._roots for path in self._walk(root))

    @cached_property
    def _inside(self) -> _Listing:
        root = self._project.root
        return _Listing([*self.below_videos, *self._walk(root, lambda folder: folder != root / VIDEOS)])

    @cached_property
    def _beside(self) -> _Listing:
        return _Listing(self._walk(self._project.root.parent, lambda _: False))

    def _walk(self, folder: Path, enter: Callable[[Path], bool] = lambda _: True) -> Iterator[Path]:
        def is_looked_into(below: Path) -> bool:
            return not is_apart(below) and below.name != TRAINING_SETS and enter(below)

        files = (path for path in walk_files(folder, enter=is_looked_into) if path.suffix.lower() in VIDEO_SUFFIXES)
        yield from filter(self._is_original, files)

    def _is_original(self, path: Path) -> bool:
        """Whether nobody drew on it. One that has a folder of labels is a source, however it is called."""
        return spelled(path.stem) in self._sessions or not is_drawn_on(path, self._listed)

    def candidates(self, stem: str, entries: Sequence[VideoEntry] = ()) -> Iterator[list[Candidate]]:
        """Yield groups of files that may be the video of a stem, the most certain first; within one none goes before.

        ``entries`` are those of ``video_sets`` that have the stem.
        """
        yield [Candidate(Path(entry.recorded), "recorded") for entry in entries if Path(entry.recorded).is_absolute()]
        yield [Candidate(path, "project-path") for entry in entries if (path := self._below_project(entry))]
        names = list(dict.fromkeys(spelled(entry.name) for entry in entries))
        if names:
            yield from self._everywhere(
                "same", entries, lambda listing: self._called(names, listing.by_name, lambda path: path.name)
            )
        called: Called = "suffix" if names else "same"
        yield from self._everywhere(
            called, entries, lambda listing: self._called([stem], listing.by_stem, lambda path: path.stem)
        )
        yield from self._everywhere("copy", entries, lambda listing: self._copies(stem, listing))

    def _below_project(self, entry: VideoEntry) -> Path | None:
        """Return where an entry leads in a project that has moved: ``/content/P/video/v1.mp4`` of ``/content/P``."""
        recorded = PureWindowsPath(entry.recorded)  # takes both separators
        base = self._project.config.project_path if self._project.config else ""
        if recorded.root or recorded.drive:
            if not base or not recorded.is_relative_to(PureWindowsPath(base)):
                return None
            recorded = recorded.relative_to(PureWindowsPath(base))
        return None if ".." in recorded.parts or not recorded.parts else self._project.root.joinpath(*recorded.parts)

    def _everywhere(
        self, called: Called, entries: Sequence[VideoEntry], find: Callable[[_Listing], list[Path]]
    ) -> Iterator[list[Candidate]]:
        def of(place: Place, listing: _Listing) -> list[Candidate]:
            return [Candidate(path, place, called) for path in find(listing)]

        if entries:
            yield from _by_tail(of("videos", self.videos), entries)
            yield from _by_tail(of("video-root", self._in_roots), entries)
        else:
            yield [*of("videos", self.videos), *of("video-root", self._in_roots)]
        yield from _by_tail(of("inside", self._inside), entries)
        yield of("beside", self._beside)

    def _called(
        self, names: Sequence[str], index: Mapping[str, list[Path]], name_of: Callable[[Path], str]
    ) -> list[Path]:
        """Return the paths of these names; where there is none, those that differ in case and are nobody else's."""
        alike = [(name, path) for name in names for path in index.get(name_key(name), ())]
        exact = [path for name, path in alike if spelled(name_of(path)) == spelled(name)]
        return exact or [path for _, path in alike if spelled(path.stem) not in self._stems]

    def _copies(self, stem: str, listing: _Listing) -> list[Path]:
        return [path for path in listing.by_copied.get(name_key(stem), ()) if spelled(path.stem) not in self._stems]


def _by_tail(found: list[Candidate], entries: Sequence[VideoEntry]) -> Iterator[list[Candidate]]:
    """Yield groups of those that share the same number of folders with a recorded path, the most first.

    ``D:/day2/cam.avi`` is rather ``videos/day2/cam.avi`` than ``videos/day1/cam.avi``.
    """
    recorded = [[name_key(part) for part in reversed(PureWindowsPath(entry.recorded).parts[:-1])] for entry in entries]

    def shared(candidate: Candidate) -> int:
        folders = [name_key(part) for part in reversed(candidate.path.parts[:-1])]
        agree = ([one == other for one, other in zip(folders, parts, strict=False)] for parts in recorded)
        return max(((*same, False).index(False) for same in agree), default=0)

    for _, group in groupby(sorted(found, key=lambda candidate: -shared(candidate)), key=shared):
        yield list(group)


def hold_the_same(first: Path, second: Path) -> bool:
    """Whether two videos are copies of each other, by their size and what stands at their start, middle and end."""
    try:
        if first.samefile(second):
            return True
        size_bytes = first.stat().st_size
        if second.stat().st_size != size_bytes:
            return False
        with open_regular(first) as one, open_regular(second) as other:
            for place in (0, size_bytes // 2, max(0, size_bytes - _SAMPLE_BYTES)):
                one.seek(place)
                other.seek(place)
                if one.read(_SAMPLE_BYTES) != other.read(_SAMPLE_BYTES):
                    return False
    except OSError as error:
        raise_trouble_of_either(error, first, second)
        return False
    return True
