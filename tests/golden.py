"""Where the fixtures' projects, golden targets and clips lie, and how a project becomes its target."""

from __future__ import annotations

import re
from pathlib import Path

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
PROJECTS = FIXTURES / "projects"
GOLDEN = FIXTURES / "golden"
TINY_CLIPS = FIXTURES / "clips"

#: Options of each conversion; the path in the config is not that of this machine.
OPTIONS = {
    "grown": ("--data-dir", "/data/grown"),
    "two-mice": ("--data-dir", "/data/two-mice", "--individuals", "flatten"),
    "three-cameras": ("--data-dir", "/data/three-cameras", "--view-pattern", "{session}_{view}"),
    "pair": ("--data-dir", "/data/pair"),
}


def sources(name: str) -> list[str]:
    """What a conversion is made of, as arguments: one project, or one for each camera."""
    if name == "pair":
        return [part for view in ("top", "side") for part in ("--view", f"{view}={PROJECTS / f'pair-{view}'}")]
    return [str(PROJECTS / name)]


def golden_texts(target: Path) -> dict[str, str]:
    """Return the texts of a target by their path; what depends on the clock of the source's files is masked."""
    return {
        path.relative_to(target).as_posix(): re.sub(r'("date_time": ?)\d+', r"\g<1>0", path.read_text(encoding="utf-8"))
        for path in sorted(target.rglob("*"))
        if path.is_file() and path.suffix in {".csv", ".yaml", ".jsonl"} and ".dlc2lp" not in path.parts
    }
