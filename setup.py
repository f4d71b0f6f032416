"""What setup.cfg can't say: where the project lives. All else stands there.

A page of a package index shows README.md far away from its folder, so links in it must be absolute there, while in a
clone they must lead to the files beside it. The address is known when a package is built:

* ``DLC2LP_ADDRESS=https://example.org/lab/dlc2lp python -m build``, or
* the place that the clone came from (``git remote get-url origin``), or
* what the source distribution was built with, when a wheel is built of that.

Where none of these is known, the links stay as they are.
"""

from __future__ import annotations

import os
import re
import subprocess
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
_SOURCE = "Source"

#: How git names a repository of a server: ``https://host/a/b.git``, ``git@host:a/b.git``, ``ssh://git@host/a/b.git``.
_REMOTE = re.compile(
    r"(?:https://|ssh://)?(?:[^@/\s]*@)?(?P<host>[\w-]+(?:\.[\w-]+)+)[:/](?P<path>[\w.~/-]+?)(?:\.git)?/?"
)

#: A link, or a picture, that leads to a file beside the README.
_RELATIVE = re.compile(
    r"(?P<picture>!?)(?P<text>\[(?:[^\[\]]|\[[^\[\]]*\])*\])\((?!https?:|mailto:|#)(?P<path>[^()\s]+)\)"
)


def address_of(remote: str) -> str | None:
    """Return the web address of a repository that git knows by a name; None for one that lies on a disk.

    What stands before an @, a password for instance, is left out.
    """
    found = _REMOTE.fullmatch(remote.strip())
    return f"https://{found['host']}/{found['path']}" if found and not Path(remote.strip()).exists() else None


def address(folder: Path = HERE) -> str | None:
    """Return where the project lives; None where nothing says so."""
    if given := os.environ.get("DLC2LP_ADDRESS"):
        return given.rstrip("/")
    built = folder / "PKG-INFO"
    if built.is_file():
        urls = HeaderParser().parsestr(built.read_text(encoding="utf-8")).get_all("Project-URL", [])
        return next((url.partition(", ")[2] for url in urls if url.startswith(f"{_SOURCE}, ")), None)
    if not (folder / ".git").exists():
        return None
    try:
        argv = ["git", "-C", str(folder), "remote", "get-url", "origin"]
        told = subprocess.run(argv, capture_output=True, text=True, encoding="utf-8", check=False)  # noqa: S603
    except OSError:  # no git here
        return None
    return address_of(told.stdout) if told.returncode == 0 else None


def with_absolute_links(text: str, where: str) -> str:
    """Return a page whose links and pictures lead to files of the project, wherever the page is shown."""

    def absolute(link: re.Match[str]) -> str:
        kind = "raw" if link["picture"] else "blob"
        return f"{link['picture']}{link['text']}({where}/{kind}/HEAD/{link['path']})"

    # twice: a picture may itself be the text of a link
    return _RELATIVE.sub(absolute, _RELATIVE.sub(absolute, text))


def about(folder: Path = HERE) -> dict[str, Any]:
    """Return what is to be said of the project beside what setup.cfg says."""
    where = address(folder)
    if where is None:
        return {}
    return {
        "long_description": with_absolute_links((folder / "README.md").read_text(encoding="utf-8"), where),
        "project_urls": {
            _SOURCE: where,
            "Documentation": f"{where}/blob/HEAD/docs/index.md",
            "Changelog": f"{where}/blob/HEAD/CHANGELOG.md",
            "Issues": f"{where}/issues",
        },
    }


if __name__ == "__main__":
    from setuptools import setup

    setup(**about())
