"""What people read of an export in the terminal. Returns text, prints nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dlc2lp.exporting import Export, ExportedProject
from dlc2lp.report.findings import findings_text
from dlc2lp.report.layout import table
from dlc2lp.report.text import MAX_ROWS, more_rows
from dlc2lp.wording import counted, shown, size_text, some


def export_text(came: Export) -> str:
    """Lay out what went back, and what to do next."""
    return "\n\n".join(filter(None, _parts(came)))


def _parts(came: Export) -> Iterator[str]:
    for project in came.projects:
        yield _project_text(project)
    yield findings_text(came.findings)
    files = f"{counted(came.n_files, 'file')}, {size_text(came.size_bytes)}"
    if not came.is_written:
        yield f"would write {files}; nothing was written (--dry-run)"
        return
    config = Path(came.projects[0].path) / "config.yaml"
    left = "" if came.exit_code == 0 else "; not everything went back: see the errors above"
    ready = f"wrote {files}{left}; {shown(came.folder)} is ready for DeepLabCut:"
    yield f"{ready}\n  deeplabcut.create_training_dataset({str(config)!r})"


def _project_text(project: ExportedProject) -> str:
    """Lay out the folders of one project."""
    rows = [
        (
            folder.name,
            some(folder.sessions, 3),
            *map(
                str,
                (folder.n_labeled_frames, folder.n_new_frames, folder.n_unlabeled_frames, folder.n_points),
            ),
        )
        for folder in project.folders[:MAX_ROWS]
    ]
    header = ("folder", "from session", "labeled", "new", "unlabeled", "points")
    whose = f"{shown(some(project.views))}: " if project.views else ""
    named = f"scorer {shown(project.scorer)}, {counted(len(project.bodyparts), 'bodypart')}"
    animals = f", {counted(len(project.individuals), 'individual')}" if project.individuals else ""
    n_unique = len(project.unique_bodyparts)
    animals += f", {counted(n_unique, 'unique bodypart')}" if n_unique else ""
    title = f"{whose}DeepLabCut project in {shown(project.path)}, {named}{animals}"
    return f"{title}\n\n{table(header, rows, right=range(2, 6))}" + more_rows(len(project.folders), "folder")
