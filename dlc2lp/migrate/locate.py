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
from dlc2lp.dlc.project import VIDEOS, DlcProject, DlcSession, is_drawn_on
from dlc2lp.migrate.options import Options
from dlc2lp.model import VIDEO_SUFFIXES, Finding, Severity


def name_key(name: str) -> str:
    """Return what two spellings of one name share: macOS stores é as two characters, Windows ignores case."""
    return unicodedata.normalize("NFC", name).casefold()


def find_videos(project: DlcProject, options: Options, findings: list[Finding]) -> list[tuple[str, Path]]:
    """Return (stem, path) of each video to migrate, once, in the order of their names.

    Parameters
    ----------
    project, options
        The project, and which of its videos are wanted.
    findings
        What could not be found is added here.
    """
    if options.videos == "none":
        return []
    finder = _Finder(project, options.video_roots, findings)
    found: dict[str, tuple[str, Path]] = {}
    for stem, path in finder.all_wanted(everything=options.videos == "all"):
        found.setdefault(name_key(stem), (stem, path))
    return [found[key] for key in sorted(found)]


class _Finder:
    """Looks for videos, and remembers what it has said of them."""

    def __init__(self, project: DlcProject, roots: Sequence[Path], findings: list[Finding]) -> None:
        self._project = project
        self._roots = roots
        self._findings = findings
        self._entries = _entries(project)
        listed = frozenset(entry.name for entry in self._entries)
        self._originals = [path for path in project.video_files if not is_drawn_on(path, listed)]
        self._in_roots = _index(roots)

    def all_wanted(self, *, everything: bool) -> Iterator[tuple[str, Path]]:
        """Yield the listed videos, then those of other sessions, then the rest of ``videos/`` where it counts."""
        asked: dict[str, VideoEntry] = {}
        for entry in self._entries:
            other = asked.setdefault(name_key(entry.stem), entry)
            if other is entry:
                yield from self._named(entry.stem, self._find_listed(entry))
            elif other.recorded != entry.recorded:
                self._say_twice(other, entry)
        for session in self._project.sessions:
            if name_key(session.name) not in asked:
                yield from self._named(session.name, self._find_by_stem(session))
        if everything or not self._entries:
            # A project whose video_sets names nothing (DeepLabCut's own examples) has only the folder to go by.
            for path in self._originals:
                if self._is_there(path):
                    yield path.stem, path

    def _named(self, stem: str, path: Path | None) -> Iterator[tuple[str, Path]]:
        if path is not None:
            yield stem, path

    def _find_listed(self, entry: VideoEntry) -> Path | None:
        recorded = Path(entry.recorded)
        key = name_key(entry.name)
        # A recorded path of another system ("C:\\Users\\...") is a relative path here and leads nowhere.
        candidates = [recorded] if recorded.is_absolute() else []
        candidates += [path for path in self._originals if name_key(path.name) == key]
        candidates += self._in_roots.get(key, [])
        for path in candidates:
            if path.is_file():
                return path
        same_stem = [path for path in self._by_stem(entry.stem) if path.is_file()]
        if same_stem:
            self._say(
                "video-renamed", entry.name, f"found {same_stem[0]} instead, which has the same name but for its suffix"
            )
            return same_stem[0]
        places = [entry.recorded, str(self._project.root / VIDEOS), *map(str, self._roots)]
        self._say(
            "video-missing",
            entry.name,
            f"is listed in config.yaml and in none of: {', '.join(places)}",
            hint="give the folder where the videos are now: --video-root DIR",
        )
        return None

    def _find_by_stem(self, session: DlcSession) -> Path | None:
        found = [path for path in self._by_stem(session.name) if self._is_there(path)]
        if not found:
            self._findings.append(
                Finding(
                    Severity.NOTE,
                    "session-without-video",
                    session.name,
                    "no video has this name; its frames and labels are migrated all the same",
                    hint="if there is one elsewhere: --video-root DIR",
                )
            )
            return None
        if len(found) > 1:
            self._say(
                "several-videos",
                session.name,
                f"found {', '.join(map(str, found))}; used the first",
                hint="move the others away, or list the right one in video_sets of config.yaml",
            )
        return found[0]

    def _by_stem(self, stem: str) -> list[Path]:
        key = name_key(stem)
        in_roots = [path for paths in self._in_roots.values() for path in paths]
        return [path for path in (*self._originals, *in_roots) if name_key(path.stem) == key]

    def _is_there(self, path: Path) -> bool:
        if path.is_file():
            return True
        self._say(
            "video-missing",
            path.name,
            f"is a link to {path.readlink()}, which does not exist" if path.is_symlink() else "is no file",
            where=str(path),
            hint="give the folder where the videos are now: --video-root DIR",
        )
        return False

    def _say_twice(self, used: VideoEntry, other: VideoEntry) -> None:
        self._say(
            "video-listed-twice",
            used.stem,
            f"video_sets lists {used.recorded} and {other.recorded}, which share one folder of labels; used the first",
            hint="if the labels belong to the other one, take the first out of video_sets",
        )

    def _say(self, code: str, subject: str, message: str, *, where: str = "", hint: str = "") -> None:
        finding = Finding(Severity.WARNING, code, subject, message, where, hint)
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


def _index(roots: Iterable[Path]) -> dict[str, list[Path]]:
    """Return every video below the roots by its name without case; links to folders are not followed."""
    index: dict[str, list[Path]] = {}
    for root in roots:
        for folder, subfolders, names in os.walk(root):
            subfolders.sort()
            for name in sorted(names):
                if Path(name).suffix.lower() in VIDEO_SUFFIXES:
                    index.setdefault(name_key(name), []).append(Path(folder, name))
    return index
