"""Links inside a target that lead out of it. They are told, and nothing is written or deleted through them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from dlc2lp.errors import TargetRefused
from dlc2lp.files import STATE_FOLDER
from dlc2lp.model import Finding, Severity
from dlc2lp.run.scratch import SCRATCH, STEPS

#: dlc2lp's own folders of a target, each by something in it.
_OWN = (f"{STATE_FOLDER}/plan", f"{STATE_FOLDER}/{STEPS}/record", f"{SCRATCH}/file")


def outward_link(target: Path, path: str) -> str | None:
    """Return the folder above a path of a target that is a link to a place outside; None where all lie inside.

    What a file itself links to is not asked: whoever writes or deletes it gives the name to another one.
    """
    here, real = str(target), ""
    parts = path.split("/")[:-1]
    for n, part in enumerate(parts, 1):
        here = f"{here}{os.sep}{part}"
        if _is_link(here):
            real = real or os.path.realpath(target)
            if not _is_within(os.path.realpath(here), real):
                return "/".join(parts[:n])
    return None


def outward_links(target: Path, paths: Iterable[str]) -> list[str]:
    """Return all folders above some paths that are such links, in the order of the paths; each once."""
    folders = dict.fromkeys(path.rpartition("/")[0] for path in paths)
    return list(dict.fromkeys(link for folder in folders if (link := outward_link(target, f"{folder}/")) is not None))


def _is_link(path: str) -> bool:
    # A junction of Windows is no link to Python, and leads elsewhere all the same.
    is_junction = getattr(os.path, "isjunction", None)
    return os.path.islink(path) or (is_junction is not None and bool(is_junction(path)))  # noqa: PTH114  (for very many)


def _is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def leads_out(target: Path, link: str, severity: Severity = Severity.ERROR) -> Finding:
    """Return the finding for such a link."""
    message = (
        f"is a link to {os.path.realpath(target / link)}, outside of the target; nothing is written or deleted there"
    )
    advice = "put a folder in the place of the link, with what it is to hold, and run the same command again"
    return Finding(severity, "target-link-outside", link, message, str(target), advice)


def check_own_folders(target: Path) -> None:
    """Refuse a target in which one of dlc2lp's own folders is such a link, before anything is written."""
    found = outward_links(target, _OWN)
    if found:
        raise TargetRefused(*(leads_out(target, link) for link in found))
