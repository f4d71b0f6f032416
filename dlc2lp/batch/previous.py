"""What earlier plans of an archive left behind: where each of its projects went.

The index knows the projects of the last plan alone, and a disk may have been away then. So the targets of all projects
that ever were planned stand in a file beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dlc2lp.batch.index import INDEX_FILE, STATE_FOLDER, Index
from dlc2lp.codec import Malformed, read, to_line
from dlc2lp.errors import NotPlanned, PlanReplaced, TargetRefused, UsageError, refused_by_system
from dlc2lp.files import NotRegular, TooLarge, read_bytes, write_if_new
from dlc2lp.inside import InnerPath
from dlc2lp.model import Finding, Severity
from dlc2lp.run.target import check_is_folder, is_same_folder

TARGETS_FILE = f"{STATE_FOLDER}/targets.json"


@dataclass(frozen=True)
class Previous:
    """What earlier plans of OUT left behind."""

    #: Target by project, of every project that ever got one: none moves, also where its disk was away for one plan.
    targets: Mapping[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()  #: What of it could not be read.


def read_previous(root: Path, out: Path) -> Previous:
    """Return what earlier plans of OUT left behind; a plan that can't be read counts as none.

    Raise :exc:`PlanReplaced` where somebody plans it at this moment, and ``out-of-another-archive`` where it was
    planned for another archive, which is still there.
    """
    check_is_folder(out)
    targets: dict[str, str] = {}
    kept, findings = _read_targets(out)
    planned_for: str | None = None
    try:
        index = Index.read(out)
        planned_for = index.root if index.totals.n_planned else None
        if _is_same_archive(index.root, root):
            targets = {
                # The target of a split project is the folder of its individuals' targets.
                entry.project: entry.target.rsplit("/", 1)[0] if entry.individual else entry.target
                for entry in index.entries()
            }
    except PlanReplaced:
        raise
    except NotPlanned:
        pass
    except UsageError as error:
        planned_for = kept.root
        told = "the earlier plan is damaged or of another version; it is made anew"
        where = error.findings[0].message
        findings.append(Finding(Severity.WARNING, "plan-unreadable", str(out / INDEX_FILE), told, where))
    if planned_for is not None and not _is_same_archive(planned_for, root):
        why = f"was planned for the archive {planned_for}, which is still there, not for {root}"
        advice = "choose another OUT, one for each archive"
        raise TargetRefused.of("out-of-another-archive", str(out), why, advice=advice)
    if kept.root is not None and _is_same_archive(kept.root, root):
        targets = {**kept.targets, **targets}
    return Previous(targets, tuple(findings))


def keep_targets(root: Path, out: Path, targets: Mapping[str, str]) -> None:
    """Keep the targets of all projects for later plans."""
    write_if_new(out / TARGETS_FILE, to_line(_Kept(str(root), targets)).rstrip())


@dataclass(frozen=True)
class _Kept:
    """The targets that were ever planned, and the archive that they are of; None where that is not known."""

    root: str | None
    targets: Mapping[str, InnerPath]


def _read_targets(out: Path) -> tuple[_Kept, list[Finding]]:
    """Return what was kept, and what is to be told of that; raise what says that the system can't read it."""
    path, none = out / TARGETS_FILE, _Kept(None, {})
    try:
        return read(_Kept, read_bytes(path)), []
    except (FileNotFoundError, NotADirectoryError):
        return none, []
    except (NotRegular, TooLarge, Malformed) as error:
        told = (
            "the list of targets of earlier plans is damaged and made anew; a project that is away at this moment may "
            "get another target when it comes back"
        )
        why = str(error) if isinstance(error, Malformed) else str(error.strerror)
        return none, [Finding(Severity.WARNING, "plan-unreadable", str(path), told, why)]
    except OSError as error:
        raise refused_by_system(error, str(path)) from error


def _is_same_archive(before: str, root: Path) -> bool:
    """Whether an archive is the one of an earlier plan, perhaps by another spelling, or moved since."""
    return before == str(root) or not Path(before).is_dir() or is_same_folder(Path(before), root)
