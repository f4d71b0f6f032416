"""Where the videos of a project lie now. Only looks.

DeepLabCut records absolute paths, which outlive neither a move of the project nor a change of machine; it ties a
video to its ``labeled-data`` folder by the file name without suffix (``VideoReader``, ``Path(video).stem``). So a
video is looked for under its recorded path, in the project's ``videos/`` and below the folders that the person
named, and every place that was looked at is told when it is found in none.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from dlc2lp.dlc.config import VideoEntry
from dlc2lp.dlc.framenames import parse_frame_name
from dlc2lp.dlc.project import VIDEOS, DlcProject, is_drawn_on
from dlc2lp.dlc.session import DlcSession
from dlc2lp.model import VIDEO_SUFFIXES, Finding, Setting, Severity
from dlc2lp.options import VideoChoice
from dlc2lp.survey.folders import prefix_name, split_folder
from dlc2lp.wording import counted

#: How much of two files is compared at each of three places to tell whether they hold the same.
_SAMPLE_BYTES = 1 << 20

_ROOT = Setting("video-root", ("DIR",))
_GIVE_FOLDER = "give the folder where the videos are now: {}"


def spelled(name: str) -> str:
    """Return a name with composed accents: macOS stores é as two characters, other systems as one."""
    return unicodedata.normalize("NFC", name)


def name_key(name: str) -> str:
    """Return what two spellings of one name share where case does not count either, as on Windows and macOS."""
    return spelled(name).casefold()


def pair_names(names: Iterable[str], sessions: Iterable[str]) -> dict[str, str]:
    """Pair stems of videos with sessions, each session with one name at most: name -> session.

    ``Mouse`` and ``mouse`` are two sessions on Linux, and one on a machine that has seen both spellings. So an exact
    name comes first, and case counts only where nothing else has it.
    """
    names, sessions = list(dict.fromkeys(names)), list(dict.fromkeys(sessions))
    pairs: dict[str, str] = {}
    for key in (spelled, name_key):
        free: dict[str, list[str]] = {}
        for session in sessions:
            if session not in pairs.values():
                free.setdefault(key(session), []).append(session)
        for name in names:
            if name not in pairs and free.get(key(name)):
                pairs[name] = free[key(name)].pop(0)
    return pairs


def find_videos(
    project: DlcProject, choice: VideoChoice, roots: Sequence[Path], findings: list[Finding]
) -> list[tuple[str, Path]]:
    """Return (stem, path) of each video to migrate, once, in the order of their names; ``roots`` are further folders.

    What could not be found is added to the findings.
    """
    if choice == "none":
        return []
    finder = _Finder(project, roots, findings)
    found: dict[str, tuple[str, Path]] = {}
    for stem, path in finder.all_wanted(everything=choice == "all"):
        # A disk that ignores case has one file for two spellings.
        same = [other for name, other in found.values() if name_key(name) == name_key(stem)]
        if spelled(stem) not in found and not any(path.samefile(other) for other in same):
            found[spelled(stem)] = (stem, path)
    return [found[key] for key in sorted(found)]


def sessions_not_listed(project: DlcProject) -> list[Finding]:
    """Tell of labels in folders that ``video_sets`` does not list, which DeepLabCut leaves out of its training sets.

    Where it finds labels in none of the listed folders, DeepLabCut takes all (``merge_annotateddatasets``).
    """
    config = project.config
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
    """Looks for videos, and remembers what it has said of them."""

    def __init__(self, project: DlcProject, roots: Sequence[Path], findings: list[Finding]) -> None:
        self._project = project
        self._roots = roots
        self._findings = findings
        self._entries = _entries(project)
        listed = frozenset(entry.name for entry in self._entries)
        sessions = {spelled(session.name) for session in project.sessions}
        # Nobody labels a video with labels drawn on: one that has a folder of labels is a source, however it is called.
        self._originals = [
            path for path in project.video_files if spelled(path.stem) in sessions or not is_drawn_on(path, listed)
        ]
        self._in_roots = _index(roots)
        self._stems = {spelled(entry.stem) for entry in self._entries}
        self._stems |= {spelled(session.name) for session in project.sessions}

    def all_wanted(self, *, everything: bool) -> Iterator[tuple[str, Path]]:
        """Yield the listed videos, then those of other sessions, then the rest of ``videos/`` where it counts."""
        listed: dict[str, list[VideoEntry]] = {}
        for entry in self._entries:
            listed.setdefault(spelled(entry.stem), []).append(entry)
        for entries in listed.values():
            if path := self._find_listed(entries):
                yield entries[0].stem, path
        asked = set(pair_names(listed, [session.name for session in self._project.sessions]).values())
        for session in self._project.sessions:
            by_prefix = self._find_by_prefix(session)
            yield from by_prefix
            if session.name not in asked and not by_prefix and (path := self._find_by_stem(session)):
                yield session.name, path
        if everything or not self._entries:
            # A project whose video_sets names nothing (DeepLabCut's own examples) has only the folder to go by.
            yield from ((path.stem, path) for path in self._originals if self._is_there(path))

    def _find_listed(self, entries: Sequence[VideoEntry]) -> Path | None:
        """Find the video of entries that share a stem, and so a folder of labels: the first one that is there."""
        if len({entry.recorded for entry in entries}) > 1:
            self._say_twice(entries)
        for entry in entries:
            for path in self._places(entry):
                if path.is_file():
                    return path
        first = entries[0]
        for path in self._by_stem(first.stem):
            if path.is_file():
                message = f"found {path} instead, which has the same name but for its suffix"
                self._say("video-renamed", first.name, message)
                return path
        recorded = ", ".join(entry.recorded for entry in entries)
        message = f"is listed in config.yaml and in none of: {recorded}, {self._looked_in()}"
        self._say("video-missing", first.name, message, _GIVE_FOLDER, (_ROOT,))
        return None

    def _places(self, entry: VideoEntry) -> Iterator[Path]:
        # A recorded path of another system ("C:\\Users\\...") is a relative path here and leads nowhere.
        if Path(entry.recorded).is_absolute():
            yield Path(entry.recorded)
        yield from self._spelled_like(entry.name, [(path.name, path) for path in self._originals])
        yield from self._spelled_like(entry.name, [(path.name, path) for path in self._in_roots])

    def _find_by_stem(self, session: DlcSession) -> Path | None:
        found = [path for path in self._by_stem(session.name) if self._is_there(path)]
        if not found:
            message = (
                f"found no video of this name in {self._looked_in()}; its frames and labels are migrated all the same"
            )
            advice = "if there is one elsewhere: {}"
            self._say("session-without-video", session.name, message, advice, (_ROOT,), severity=Severity.NOTE)
            return None
        if len(found) > 1:
            message = f"found {', '.join(map(str, found))}; used the first"
            advice = "move the others away, or list the right one in video_sets of config.yaml"
            self._say("several-videos", session.name, message, advice)
        return found[0]

    def _find_by_prefix(self, session: DlcSession) -> list[tuple[str, Path]]:
        """Find the videos of a folder that holds the frames of several (``07a-img310.png`` is one of ``07a.avi``)."""
        groups = split_folder(session.name, session.images.values())
        if len(groups) < 2:
            return []
        stems = (prefix_name(parse_frame_name(images[0].path.name)) for images in groups.values())
        found = [(stem, path) for stem in stems if stem for path in self._by_stem(stem)[:1]]
        return [(stem, path) for stem, path in found if self._is_there(path)]

    def _by_stem(self, stem: str) -> list[Path]:
        return self._spelled_like(stem, [(path.stem, path) for path in (*self._originals, *self._in_roots)])

    def _spelled_like(self, name: str, paths: Sequence[tuple[str, Path]]) -> list[Path]:
        """Return the paths of this name; where there is none, those that differ in case and are nobody else's."""
        exact = [path for called, path in paths if spelled(called) == spelled(name)]
        alike = (path for called, path in paths if name_key(called) == name_key(name))
        return exact or [path for path in alike if spelled(path.stem) not in self._stems]

    def _looked_in(self) -> str:
        """Name the folders that every video is looked for in."""
        return ", ".join(map(str, (self._project.root / VIDEOS, *self._roots)))

    def _is_there(self, path: Path) -> bool:
        if path.is_file():
            return True
        message = f"is a link to {path.readlink()}, which does not exist" if path.is_symlink() else "is no file"
        self._say("video-missing", path.name, message, _GIVE_FOLDER, (_ROOT,), where=str(path))
        return False

    def _say_twice(self, entries: Sequence[VideoEntry]) -> None:
        """Two videos of one name share a folder of labels: which one a frame is from, its name does not tell."""
        recorded = list(dict.fromkeys(entry.recorded for entry in entries))
        paths = [Path(path) for path in recorded]
        message = f"video_sets lists {' and '.join(recorded)}, which share one folder of labels; "
        if all(path.is_file() for path in paths) and all(_hold_the_same(paths[0], path) for path in paths[1:]):
            self._say("video-listed-twice", entries[0].stem, message + "they hold the same", severity=Severity.NOTE)
            return
        advice = "take those that the labels do not belong to out of video_sets of config.yaml"
        self._say("video-listed-twice", entries[0].stem, message + "used the first that is there", advice)

    def _say(
        self,
        code: str,
        subject: str,
        message: str,
        advice: str = "",
        remedies: tuple[Setting, ...] = (),
        *,
        where: str = "",
        severity: Severity = Severity.WARNING,
    ) -> None:
        finding = Finding(severity, code, subject, message, where, advice, remedies)
        if finding not in self._findings:
            self._findings.append(finding)


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


def _index(roots: Iterable[Path]) -> list[Path]:
    """Return every video below the roots; links to folders are not followed."""
    found = []
    for root in roots:
        for folder, subfolders, names in os.walk(root):
            subfolders.sort()
            found += [Path(folder, name) for name in sorted(names) if Path(name).suffix.lower() in VIDEO_SUFFIXES]
    return found


def _hold_the_same(first: Path, second: Path) -> bool:
    """Whether two videos are copies of each other, by their size and what stands at their start, middle and end."""
    if first.samefile(second):
        return True
    size_bytes = first.stat().st_size
    if second.stat().st_size != size_bytes:
        return False
    with first.open("rb") as one, second.open("rb") as other:
        for place in (0, size_bytes // 2, max(0, size_bytes - _SAMPLE_BYTES)):
            one.seek(place)
            other.seek(place)
            if one.read(_SAMPLE_BYTES) != other.read(_SAMPLE_BYTES):
                return False
    return True
