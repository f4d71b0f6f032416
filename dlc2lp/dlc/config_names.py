"""Which file of a project folder is its configuration, where ``config.yaml`` has got another name or company."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path, PurePath

from dlc2lp.dlc.folders import CONFIG_FILE, is_near_name, is_readable_config
from dlc2lp.errors import SourceRefused
from dlc2lp.files import digest
from dlc2lp.model import Command, Finding, Severity
from dlc2lp.wording import counted, some

#: Copies and backups: ``config (1).yaml``, ``Copy of config.yaml``, ``config.yaml.bak``, ``reach.yaml``.
_PERHAPS = re.compile(r"config|\.ya?ml", re.IGNORECASE)
#: What they can't be: files of networks and of Lightning Pose, which share keys with a project's configuration.
_OTHERS = frozenset({"pose_cfg.yaml", "inference_cfg.yaml", "pytorch_config.yaml", "project.yaml"})
_OTHER_SUFFIXES = frozenset({".py", ".pyc", ".h5", ".csv", ".pickle", ".json", ".ipynb", ".zip", ".md", ".html"})
_N_SHOWN = 5


def find_config(folder: Path, names: Collection[str], *, has_labels: bool) -> tuple[Path | None, tuple[Finding, ...]]:
    """Return the configuration of a project folder, None where it has none, and what was odd about its name.

    SourceRefused for ``config-ambiguous``: several could be it, or the only ones beside labels are called like copies;
    without the right one the skeleton, the order of the keypoints and the list of videos would be lost in silence.
    """
    exact = folder / CONFIG_FILE
    near = _different(_configs(folder, filter(is_near_name, names)))
    if exact.exists() and not near:
        return exact, ()
    if exact.exists() and is_readable_config(exact):
        return exact, _others_beside(exact, near)
    if len(near) == 1:
        path = near[0]
        message = f"found no {CONFIG_FILE} of DeepLabCut's, and took {path.name}, which reads like one"
        advice = f"check that it is the project's, and call it {CONFIG_FILE}"
        return path, (Finding(Severity.WARNING, "config-other-name", str(path), message, advice=advice),)
    candidates = near or (_configs(folder, names) if has_labels else [])
    if candidates:
        raise _ambiguous(folder, candidates)
    return None, ()


def _configs(folder: Path, names: Iterable[str]) -> list[Path]:
    """Return the files that read like a DeepLabCut configuration, whatever they are called, but for ``config.yaml``."""
    asked = (
        name
        for name in sorted(names)
        if _PERHAPS.search(name)
        and not name.startswith((".", "~$"))
        and name not in _OTHERS | {CONFIG_FILE}
        and PurePath(name).suffix.lower() not in _OTHER_SUFFIXES
    )
    return [folder / name for name in asked if is_readable_config(folder / name)]


def _different(paths: Iterable[Path]) -> list[Path]:
    """Return files without those that hold the same as an earlier one."""
    contents: dict[str, Path] = {}
    for path in paths:
        contents.setdefault(digest(path).digest, path)
    return list(contents.values())


def _others_beside(exact: Path, near: Sequence[Path]) -> tuple[Finding, ...]:
    """Tell of files beside ``config.yaml`` that would do as well: only Linux keeps ``Config.yaml`` apart from it."""
    with contextlib.suppress(OSError):
        content = digest(exact)
        near = [path for path in near if digest(path) != content]
    if not near:
        return ()
    message = f"found {some(path.name for path in near)} beside it, with other content; took {CONFIG_FILE}"
    advice = "to take another one: {}"
    remedies = (Command.of("dlc2lp", "convert", near[0], "TARGET"),)
    return (Finding(Severity.WARNING, "config-twice", str(exact), message, advice=advice, remedies=remedies),)


def _ambiguous(folder: Path, candidates: Sequence[Path]) -> SourceRefused:
    found = counted(len(candidates), "file that reads", "files that read")
    message = (
        f"found no {CONFIG_FILE}, but {found} like one ({some((path.name for path in candidates), _N_SHOWN)}); without "
        "the right one the skeleton, the order of the keypoints and the list of videos would be lost"
    )
    remedies = tuple(Command.of("dlc2lp", "convert", path, "TARGET") for path in candidates[:_N_SHOWN])
    advice = f"take the right one: {' or '.join(['{}'] * len(remedies))}; to do without, move them to another folder"
    return SourceRefused.of("config-ambiguous", str(folder), message, advice=advice, remedies=remedies)
