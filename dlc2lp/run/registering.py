"""Makes a target known to the Lightning Pose app."""

from __future__ import annotations

from pathlib import Path

from dlc2lp.errors import Dlc2LpError
from dlc2lp.lp.project import register
from dlc2lp.model import Finding, Severity


def registered(folder: Path, name: str) -> list[Finding]:
    """Tell the Lightning Pose app of the project; the project is done by then, so a fault only ends with exit 1."""
    try:
        registration = register(folder, name or folder.name, None)
    except Dlc2LpError as error:
        return list(error.findings)
    what = "added under this name" if registration.added else "was there already"
    message, where = f"{what}; the app lists it from now on", str(registration.projects_file)
    return [*registration.findings, Finding(Severity.NOTE, "registered", registration.name, message, where)]
