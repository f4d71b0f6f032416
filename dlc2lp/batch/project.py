"""Plans one project of an archive; whatever goes wrong with it stays with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from dlc2lp.batch.index import Entry
from dlc2lp.batch.planning import Request
from dlc2lp.batch.run import fault, plan_digest
from dlc2lp.errors import DecisionNeeded, Dlc2LpError
from dlc2lp.migrate.migration import folders_of_individuals, store_plan
from dlc2lp.migrate.options import Options
from dlc2lp.model import Finding, Severity, by_severity


@dataclass(frozen=True)
class Task:
    """One project to plan.

    Attributes
    ----------
    number
        Its place in the list of projects.
    project, target
        Its path relative to the root, and its target's relative to OUT.
    request
        What is asked, with the decisions about this project alone.
    """

    number: int
    project: str
    target: str
    request: Request


def plan_project(task: Task) -> tuple[int, list[Entry]]:
    """Plan one project and write its plan; whatever goes wrong is a finding of its entry."""
    try:
        return task.number, _entries(task)
    except DecisionNeeded as error:
        entry = _refused(task, error.findings)
        return task.number, [replace(entry, state="needs-decision")]
    except Dlc2LpError as error:
        return task.number, [_refused(task, error.findings)]
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        finding = Finding(
            Severity.ERROR,
            "source-unreadable",
            task.project,
            f"could not be read: {error.strerror or error}{where}",
            hint="get the permission to read it, or copy it anew, and plan again",
        )
        return task.number, [_refused(task, [finding])]
    except UnicodeEncodeError:
        finding = Finding(
            Severity.ERROR,
            "name-not-text",
            task.project,
            "a name in it holds bytes that are no text, and Lightning Pose's files are text",
            hint="rename the folders and files, for example with convmv, and plan again",
        )
        return task.number, [_refused(task, [finding])]
    except Exception as error:  # noqa: BLE001  a fault of dlc2lp that one project brings up must not stop the others
        return task.number, [_refused(task, [fault(task.project, error)])]


def _refused(task: Task, findings: Iterable[Finding]) -> Entry:
    source = task.request.root / task.project
    return Entry(task.project, str(source), task.target, "refused", findings=tuple(by_severity(list(findings))))


def _entries(task: Task) -> list[Entry]:
    request = task.request
    if request.decisions.skips(task.project):
        return [Entry(task.project, str(request.root / task.project), task.target, "skipped")]
    options = request.decisions.apply(task.project, request.options, request.root)
    source, target = request.root / task.project, request.out / task.target
    if options.individuals != "split":
        return [_planned(task, source, task.target, options)]
    folders = folders_of_individuals(source, target, options)
    targets = {name: f"{task.target}/{folder.name}" for name, folder in folders.items()}
    return [
        _planned(
            task,
            source,
            own,
            replace(options, individuals=name),
            name,
            [other for other in targets.values() if other != own],
        )
        for name, own in targets.items()
    ]


def _planned(
    task: Task, source: Path, target: str, options: Options, individual: str = "", twins: Iterable[str] = ()
) -> Entry:
    out = task.request.out
    if options.data_dir is not None:
        options = replace(options, data_dir=f"{options.data_dir.rstrip('/')}/{target}")
    plan = store_plan(source, out / target, options)
    return Entry.of_plan(
        task.project, target, plan, plan_digest(plan.to_text()), individual=individual, twins=tuple(twins)
    )
