"""Finds every DeepLabCut project below a folder, however deep. Only looks.

What a folder is, :mod:`dlc2lp.dlc.folders` says. Below a project the search goes on, since people keep projects inside
projects; only ``labeled-data`` itself, with its many images, is passed by. Label files beside images are a project of
their own, unless they lie in a project's folder and so are part of it. What holds labels and is no project's is told.

Links to folders are followed where they lead to something that is not below the root anyway, so no folder is looked
at twice and no circle is walked.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from dlc2lp.batch.outside import Outside
from dlc2lp.dlc.folders import (
    TRAINING_SETS,
    Kind,
    data_set_of,
    is_labeled_data,
    is_within_labels,
    kind_of,
    labeled_data_in,
    reads_like_dlc,
)
from dlc2lp.dlc.locate import is_project
from dlc2lp.dlc.misplaced import projects_below
from dlc2lp.dlc.packed import is_archive_file
from dlc2lp.errors import UsageError
from dlc2lp.model import Command, Finding, Remedy, Severity, by_severity
from dlc2lp.searching import is_folder, is_system_folder
from dlc2lp.wording import some


@dataclass(frozen=True)
class Discovery:
    """What lies below a root."""

    #: Paths of the projects relative to the root, with ``/`` and sorted by their parts; ``.`` is the root itself.
    projects: tuple[str, ...]
    findings: tuple[Finding, ...]  #: What could not be looked at, and what was passed by.


def discover(root: Path, out: Path) -> Discovery:
    """Find all projects below a root. OUT may lie below it, and is then passed by, but not be the root itself."""
    check_root(root, out)
    real_root, real_out = os.path.realpath(root), os.path.realpath(out)
    search = _Search(root, real_root, real_out)
    # A folder of images of a project that lies around the root is no project either.
    search.walk("", inside=is_within_labels(Path(real_root)) or is_labeled_data(root.name))
    search.follow_links()
    projects = sorted(search.projects, key=lambda key: PurePosixPath(key).parts)
    findings = [*search.findings, *search.outside.findings(), *search.passed_by()]
    return Discovery(tuple(projects), tuple(by_severity(findings)))


def check_root(root: Path, out: Path) -> None:
    """Refuse a root that is no folder, or OUT itself (UsageError)."""
    if not root.is_dir():
        raise _no_folder(root, out)
    if os.path.realpath(root) == os.path.realpath(out):
        advice = f"give another folder, for example {root.with_name(root.name + '-lp')}"
        raise UsageError.of("out-is-root", str(out), "targets would lie among the sources", advice=advice)


def _no_folder(root: Path, out: Path) -> UsageError:
    why, advice = "found no such folder", "give the folder that holds the DeepLabCut projects"
    remedies: tuple[Remedy, ...] = ()
    if not root.exists() and (is_project(out) or any(kind != "target" for _, kind in projects_below(out))):
        why = f"{why}, but projects in {out}: perhaps the two changed places"
        advice, remedies = "the source comes first: {}", (Command.of("dlc2lp", "batch", "convert", out, root),)
    elif root.is_file() and is_archive_file(root.name):
        why, advice = "found an archive, expected a folder", "unpack it first, and give the folder"
    elif root.is_file():
        why, advice = "found a file, expected a folder", "give a folder: {}"
        remedies = (Command.of("dlc2lp", "batch", "convert", root.parent, "OUT"),)
    return UsageError.of("root-missing", str(root), why, advice=advice, remedies=remedies)


@dataclass
class _Search:
    """One walk; its state is what it has found."""

    root: Path
    real_root: str
    real_out: str
    projects: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    outside: Outside = field(default_factory=Outside)
    _links: list[tuple[str, str, bool]] = field(default_factory=list)  # path below the root, where it leads, inside
    _walked: list[str] = field(default_factory=list)  # real folders outside the root that were walked
    _above: list[str] = field(default_factory=list)  # links to the root or a folder above it
    _hidden: list[str] = field(default_factory=list)
    _others: list[str] = field(default_factory=list)  # Lightning Pose projects
    _data_sets: set[Path] = field(default_factory=set)  # of DeepLabCut 1, whose repository counts as the project

    def walk(self, start: str, real_start: str | None = None, *, inside: bool = False) -> None:
        """Look at a folder, given relative to the root and with ``/``, and at all below it.

        ``real_start`` is where it lies, if outside the root; folders that another link led to are passed by then.
        ``inside`` says that it lies in the folder of a project, so that loose labels in it are the project's.
        """
        waiting = [(start, inside)]
        while waiting:
            here, inside = waiting.pop()
            entries = self._list(here)
            if entries is None:
                continue
            names = {entry.name for entry in entries}
            kind = kind_of(self.root / here, names, self._reads_like_dlc, by_rows=True)
            if kind == "target":
                self._others.append(here or ".")
                continue
            if self.root / here in self._data_sets:
                continue  # its repository was found
            self._take(here, names, kind, inside=inside)
            # What lies in the folder of a project that has its own labels is that project's.
            inside = inside or (kind == "dlc" and labeled_data_in(names) is not None)
            folders = self._inside(here, entries, inside=inside, pass_by_labels=kind == "dlc")
            if real_start is not None:
                reals = ((path, real_start + path[len(start) :].replace("/", os.sep)) for path in folders)
                folders = [path for path, real in reals if real not in self._walked]
            own = f"{here}/{TRAINING_SETS}".lstrip("/") if kind == "dlc" else None
            waiting += [(path, inside or path == own) for path in sorted(folders, reverse=True)]

    def _take(self, here: str, names: set[str], kind: Kind, *, inside: bool) -> None:
        """Note a project, or what holds labels and is none."""
        folder = self.root / here
        if kind == "dlc":
            self.projects.append(here or ".")
        if inside or (kind == "dlc" and labeled_data_in(names) is not None):
            return
        if kind == "loose":
            self.outside.loose.append(here or ".")
            self.projects.append(here or ".")
        elif kind == "dlc1" and (data := data_set_of(folder, names)) not in self._data_sets:
            self._data_sets.add(data)
            self.projects.append(here or ".")
        self.outside.look(folder, here, names, has_images=kind in {"loose", "dlc1"})

    def _inside(self, here: str, entries: list[os.DirEntry[str]], *, inside: bool, pass_by_labels: bool) -> list[str]:
        """Return the folders to walk next; note the links for later."""
        folders = []
        for entry in entries:
            path = f"{here}/{entry.name}" if here else entry.name
            if is_labeled_data(entry.name) and pass_by_labels:
                continue
            if is_system_folder(entry.name):
                if is_folder(entry, follow_links=False):
                    self._hidden.append(path)
            elif _leads_elsewhere(entry):
                if is_folder(entry):
                    self._links.append((path, os.path.realpath(entry.path), inside))
            elif is_folder(entry, follow_links=False) and not self._is_out(entry):
                folders.append(path)
        return folders

    def follow_links(self) -> None:
        """Walk what links lead to, where that is not below the root anyway."""
        while self._links:
            self._links.sort()
            path, real, inside = self._links.pop(0)
            if _is_within(self.real_root, real):
                self._above.append(path)
            elif not self._is_walked(real) and not _is_within(real, self.real_out):
                self.walk(path, real, inside=inside)
                self._walked.append(real)

    def _is_walked(self, real: str) -> bool:
        if _is_within(real, self.real_root):
            parts = Path(real).relative_to(self.real_root).parts
            # What lies below a folder that was passed by was not looked at.
            if not any(is_system_folder(part) or is_labeled_data(part) for part in parts):
                return True
        return any(_is_within(real, walked) for walked in self._walked)

    def _list(self, here: str) -> list[os.DirEntry[str]] | None:
        try:
            with os.scandir(self.root / here) as entries:
                return list(entries)
        except OSError as error:
            why = f"could not be looked into ({error.strerror or error}); projects in it are not migrated"
            advice = "get the permission to read it, or move it out of the archive, and plan again"
            self.findings.append(Finding(Severity.ERROR, "folder-unreadable", here or ".", why, advice=advice))
            return None

    def _reads_like_dlc(self, config: Path) -> bool:
        try:
            return reads_like_dlc(config)
        except OSError as error:
            subject = config.relative_to(self.root).as_posix()
            advice = "get the permission to read it, or move it out of the archive, and plan again"
            why = f"could not be read ({error.strerror or error}), so nobody knows whether this is a project"
            self.findings.append(Finding(Severity.ERROR, "config-unreadable", subject, why, advice=advice))
            return False

    def _is_out(self, entry: os.DirEntry[str]) -> bool:
        return entry.name == os.path.basename(self.real_out) and os.path.realpath(entry.path) == self.real_out  # noqa: PTH119

    def passed_by(self) -> list[Finding]:
        """Say what was not looked at, in one finding a kind."""
        kinds = (
            ("lightning-pose-project", self._others, "a Lightning Pose project already, nothing to migrate"),
            ("hidden-folder", self._hidden, "hidden, or the system's own"),
            ("link-upwards", self._above, "a link to a folder that holds the archive itself"),
        )
        return [
            Finding(Severity.NOTE, code, some(sorted(paths)), f"{len(paths)} passed by: {what}")
            for code, paths, what in kinds
            if paths
        ]


def _leads_elsewhere(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a symbolic link or, on Windows, a junction, which Python takes for a folder."""
    if entry.is_symlink():
        return True
    junction = getattr(stat, "IO_REPARSE_TAG_MOUNT_POINT", None)
    if os.name != "nt" or junction is None:
        return False
    try:
        return bool(getattr(entry.stat(follow_symlinks=False), "st_reparse_tag", 0) == junction)
    except OSError:
        return False


def _is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)
