"""An archive with a project in each state that a project can come to, for those who look at its report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from builder import Video, build_project

#: Projects by what becomes of them. ``split`` makes a target of each of two animals, ``odd`` is called like markup,
#: and ``incomplete`` is so once somebody took away a part of its target.
ARCHIVE = {
    "done": "arena/done",
    "failed": "bench/failed",
    "incomplete": "cage/incomplete",
    "needs-decision": "dome/asked",
    "refused": "east/refused",
    "skipped": "field/skipped",
    "split": "garden/split",
    "odd": "home/it's odd & 100%" if sys.platform == "win32" else "home/it's <b>odd & 100%",
}


def build_states(root: Path, out: Path, **more: Any) -> None:
    """Make the projects and, in OUT, what was decided of them; ``more`` is as the builder of projects takes it."""
    asked: dict[str, Any] = {"bodyparts": ("nose", "tail"), "frames": (2, 5, 9), "n_frames": 12, "size_px": (64, 48)}
    asked |= {"sessions": ("m1", "m2"), **more}
    animals = {"individuals": ("a", "b"), "video": "none"}
    for state, name in ARCHIVE.items():
        of_state = animals if state in {"needs-decision", "split"} else {}
        if state == "done":
            of_state = {"video": Video(suffix=".avi", codec="mpeg4")}  # which is encoded
        if state == "odd":
            of_state = {"video": "none"}
        project = build_project(root / name, task=state, **asked, **of_state)
        if state == "failed":
            for image in [*sorted(project.folder("m1").glob("*.png"))[:2], *project.folder("m2").glob("*.png")]:
                image.unlink()
        if state == "refused":
            for path in project.root.glob("labeled-data/*/CollectedData*"):
                path.write_bytes(b"\x00\x01 no labels")
    out.mkdir()
    decided = {ARCHIVE["skipped"]: "skip: true", ARCHIVE["split"]: "individuals: split"}
    lines = [f"{project}:\n  {option}\n" for project, option in decided.items()]
    (out / "decisions.yaml").write_text("".join(lines), encoding="utf-8")
