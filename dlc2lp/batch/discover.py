"""Finds every DeepLabCut project below a folder, however deep. Only looks.

A folder is a project if it holds a ``config.yaml`` that reads like DeepLabCut's, or a folder ``labeled-data`` and
nothing that makes it a Lightning Pose project. Below a project the search goes on, since people keep projects inside
projects; only ``labeled-data`` itself, with its many images, is passed by.

Links to folders are followed where they lead to something that is not below the root anyway, so no folder is looked
at twice and no circle is walked.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

from dlc2lp.dlc.locate import LABELED_DATA
from dlc2lp.errors import UsageError
from dlc2lp.model import Finding, Severity, by_severity
from dlc2lp.planning.plan import PLAN_FILE
from dlc2lp.searching import is_system_folder
from dlc2lp.wording import some

CONFIG_FILE = "config.yaml"

#: Keys at the start of a line that only DeepLabCut's project configuration has, of every version and of 3D projects.
_DLC_KEYS = re.compile(
    rb"^\s{0,4}['\"]?(video_sets|bodyparts|multianimalbodyparts|multianimalproject|TrainingFraction|numframes2pick"
    rb"|camera_names|project_path)['\"]?\s*:",
    re.MULTILINE,
)
#: They stand below ``video_sets``, which in an old project is long, or before it; never further down than this.
_HEAD_BYTES = 1 << 20


@dataclass(frozen=True)
class Discovery:
    """What lies below a root."""

    #: Paths of the projects relative to the root, with ``/`` and sorted by their parts; ``.`` is the root itself.
    projects: tuple[str, ...]
    findings: tuple[Finding, ...]  #: What could not be looked at, and what was passed by.


def discover(root: Path, out: Path) -> Discovery:
    """Find all projects below a root. OUT may lie below it, and is then passed by, but not be the root itself."""
    if not root.is_dir():
        advice = "give the folder that holds the DeepLabCut projects"
        raise UsageError.of("root-missing", str(root), "found no such folder", advice=advice)
    real_root, real_out = os.path.realpath(root), os.path.realpath(out)
    if real_root == real_out:
        advice = f"give another folder, for example {root.with_name(root.name + '-lp')}"
        raise UsageError.of("out-is-root", str(out), "targets would lie among the sources", advice=advice)
    search = _Search(root, real_root, real_out)
    search.walk("")
    search.follow_links()
    projects = sorted(search.projects, key=lambda key: PurePosixPath(key).parts)
    return Discovery(tuple(projects), tuple(by_severity(search.findings + search.passed_by())))


@dataclass
class _Search:
    """One walk; its state is what it has found."""

    root: Path
    real_root: str
    real_out: str
    projects: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    _links: list[tuple[str, str]] = field(default_factory=list)  # (path below the root, where it leads)
    _walked: list[str] = field(default_factory=list)  # real folders outside the root that were walked
    _above: list[str] = field(default_factory=list)  # links to the root or a folder above it
    _hidden: list[str] = field(default_factory=list)
    _others: list[str] = field(default_factory=list)  # Lightning Pose projects

    def walk(self, start: str, real_start: str | None = None) -> None:
        """Look at a folder, given relative to the root and with ``/``, and at all below it.

        ``real_start`` is where it lies, if outside the root; folders that another link led to are passed by then.
        """
        waiting = [start]
        while waiting:
            here = waiting.pop()
            entries = self._list(here)
            if entries is None:
                continue
            names = {entry.name for entry in entries}
            kind = self._kind(here, names)
            if kind == "target":
                self._others.append(here or ".")
                continue
            if kind == "project":
                self.projects.append(here or ".")
            inside = self._inside(here, entries, pass_by_labels=kind == "project")
            if real_start is not None:
                reals = ((path, real_start + path[len(start) :].replace("/", os.sep)) for path in inside)
                inside = [path for path, real in reals if real not in self._walked]
            waiting += sorted(inside, reverse=True)

    def _inside(self, here: str, entries: list[os.DirEntry[str]], *, pass_by_labels: bool) -> list[str]:
        """Return the folders to walk next; note the links for later."""
        inside = []
        for entry in entries:
            path = f"{here}/{entry.name}" if here else entry.name
            if entry.name == LABELED_DATA and pass_by_labels:
                continue
            if is_system_folder(entry.name):
                if _is_folder(entry):
                    self._hidden.append(path)
            elif _leads_elsewhere(entry):
                if _is_folder(entry, follow_links=True):
                    self._links.append((path, os.path.realpath(entry.path)))
            elif _is_folder(entry) and not self._is_out(entry):
                inside.append(path)
        return inside

    def follow_links(self) -> None:
        """Walk what links lead to, where that is not below the root anyway."""
        while self._links:
            self._links.sort()
            path, real = self._links.pop(0)
            if _is_within(self.real_root, real):
                self._above.append(path)
            elif not self._is_walked(real) and not _is_within(real, self.real_out):
                self.walk(path, real)
                self._walked.append(real)

    def _is_walked(self, real: str) -> bool:
        if _is_within(real, self.real_root):
            parts = Path(real).relative_to(self.real_root).parts
            # What lies below a folder that was passed by was not looked at.
            if not any(is_system_folder(part) or part == LABELED_DATA for part in parts):
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

    def _kind(self, here: str, names: set[str]) -> Literal["project", "target", "folder"]:
        """Tell what a folder is by the names in it, and by the head of its ``config.yaml``."""
        folder = self.root / here
        if ".dlc2lp" in names and (folder / PLAN_FILE).is_file():
            return "target"
        if CONFIG_FILE in names and (LABELED_DATA in names or self._reads_like_dlc(folder / CONFIG_FILE)):
            return "project"
        if LABELED_DATA not in names or not (folder / LABELED_DATA).is_dir():
            return "folder"
        if "project.yaml" in names or any(re.fullmatch(r"CollectedData\w*\.csv", name) for name in names):
            return "target"
        return "project"

    def _reads_like_dlc(self, config: Path) -> bool:
        try:
            if not stat.S_ISREG(config.stat().st_mode):
                return False  # a folder, or a pipe that would be waited at for ever
            with config.open("rb") as file:
                head = file.read(_HEAD_BYTES)
        except OSError as error:
            subject, advice = config.relative_to(self.root).as_posix(), "get the permission to read it, and plan again"
            why = f"could not be read ({error.strerror or error}), so nobody knows whether this is a project"
            self.findings.append(Finding(Severity.ERROR, "config-unreadable", subject, why, advice=advice))
            return False
        return _DLC_KEYS.search(head.replace(b"\0", b"")) is not None

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


def _is_folder(entry: os.DirEntry[str], *, follow_links: bool = False) -> bool:
    try:
        return entry.is_dir(follow_symlinks=follow_links)
    except OSError:  # also of a link to itself
        return False


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
