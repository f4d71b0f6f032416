"""The end of an archive: every target is checked and closed, and what became of every project is told."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, NamedTuple, Self

from dlc2lp.batch.index import (
    INDEX_FILE,
    STATE_FOLDER,
    Index,
    IndexedFinding,
    IndexEntry,
    SomeCounts,
    plan_digest,
)
from dlc2lp.batch.ledger import Ledger
from dlc2lp.batch.processes import call_each
from dlc2lp.batch.project import REPORT_IT
from dlc2lp.batch.run import in_batch
from dlc2lp.batch.shards import Shard
from dlc2lp.batch.worklog import LOG_FOLDER, Story, note_lost, read_story
from dlc2lp.errors import EXIT_FAILED, EXIT_OK, Dlc2LpError, Interrupted, TargetRefused, explained, fault
from dlc2lp.events import Ending, Event, Watch
from dlc2lp.files import open_regular
from dlc2lp.model import Finding, Severity, by_severity
from dlc2lp.options import VerifyLevel
from dlc2lp.pages.write import write_page
from dlc2lp.planning.plan import Plan
from dlc2lp.planning.steps import ExtractFrames
from dlc2lp.run.assess import WRITTEN, Assessment, State, assess
from dlc2lp.run.at_work import refuse_busy
from dlc2lp.run.closing import close_target
from dlc2lp.run.findings import disk_fault
from dlc2lp.run.journal import Journal
from dlc2lp.run.links import check_own_folders
from dlc2lp.run.scratch import make_folder, sweep, sweep_target
from dlc2lp.run.stored import required_plan
from dlc2lp.version import __version__
from dlc2lp.video.cpus import allowed_cpus
from dlc2lp.wording import one_line

_CLOSING = f"{STATE_FOLDER}/closing"
_NAME_CHARS = 16

ProjectState = Literal["done", "failed", "incomplete", "needs-decision", "refused", "skipped"]


@dataclass(frozen=True)
class ProjectReport:
    """What became of one target, or of a project that got none."""

    #: As in the plan, and so is the individual.
    project: str
    source: str
    target: str
    #: ``done``; ``failed``: some step or check did; ``incomplete``: steps were never carried out; ``needs-decision`` or
    #: ``refused``: not planned, the findings say why; ``skipped`` by a decision.
    state: ProjectState
    individual: str = ""
    #: Labeled frames and cells: how many the source has, how many were written and left out. Empty where the source
    #: could not be surveyed.
    counts: SomeCounts = field(default_factory=dict)
    #: What the target holds.
    n_sessions: int = 0
    n_videos: int = 0
    n_video_frames: int = 0
    #: Images and videos that were migrated, and all files that were written.
    bytes_before: int = 0
    bytes_after: int = 0
    decisions_open: tuple[str, ...] = ()  #: Codes of the questions that only a person can answer.
    findings: tuple[Finding, ...] = ()  #: Everything that a person should know, errors first.

    @property
    def name(self) -> str:
        """What it is called: the project, and which individual of it where each has a target."""
        return self.project + (f" ({self.individual})" if self.individual else "")

    @property
    def has_target(self) -> bool:
        """Whether it was planned, so that there is a target."""
        return self.state not in {"needs-decision", "refused", "skipped"}

    @property
    def is_whole(self) -> bool:
        """Whether it arrived, or was left out on purpose."""
        return self.state in {"done", "skipped"}


@dataclass(frozen=True)
class ArchiveReport:
    """What became of an archive.

    Attributes
    ----------
    index
        The plan.
    projects
        What became of each project, in the order of the plan.
    seconds
        By target the time that workers spent on it; none where nothing was left to do. All else is the same in two
        undisturbed runs, so this is kept apart.
    """

    index: Index
    projects: tuple[ProjectReport, ...]
    seconds: Mapping[str, float] = field(default_factory=dict)

    def __repr__(self) -> str:
        states = (f"{n} {state}" for state, n in self.n_by_state.items())
        return one_line(self, self.index.out.name, *states, f"exit {self.exit_code}")

    @property
    def n_by_state(self) -> dict[str, int]:
        """How many targets and projects are in each state."""
        return dict(sorted(Counter(project.state for project in self.projects).items()))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What concerns the archive as a whole, and every error of a project."""
        errors = [
            finding.within(project.project)
            for project in self.projects
            for finding in project.findings
            if finding.severity is Severity.ERROR
        ]
        return tuple(by_severity([*self.index.findings, *errors]))

    @property
    def exit_code(self) -> int:
        """0 if every project arrived or was left out on purpose, else 1."""
        ended_well = all(project.is_whole for project in self.projects)
        lost = any(finding.severity is Severity.ERROR for finding in self.index.findings)
        return EXIT_OK if ended_well and not lost else EXIT_FAILED


def finish_archive(
    out: str | Path,
    *,
    verify: VerifyLevel = "sample",
    shard: Shard | None = None,
    jobs: int | None = None,
    watch: Watch | None = None,
) -> ArchiveReport | None:
    """Check every target of an archive and write its manifest; stopped, the same call goes on from there.

    With a shard, only that part is checked and None returned, for others to check the rest at the same time; a last
    call without it makes the report. ``jobs`` are targets at a time; None: the CPUs that this process may use.
    """
    watch = watch or Watch()
    index = Index.read(Path(out).absolute())
    story = read_story(index.out)
    # Checks that were made before somebody went on working tell nothing any more.
    ledger = Ledger(index.out / _CLOSING / _state_of(index.out), _Checked)
    try:
        make_folder(ledger.folder)
    except OSError as error:
        raise TargetRefused.not_writable(ledger.folder, error) from error
    part, n_all, have = shard or Shard(), index.totals.n_entries, ledger.numbers()
    mine = [number for number in range(n_all) if number % part.of == part.number - 1 and number not in have]
    tasks = _tasks(index, story, set(mine), verify)
    watch.tell(Event("planned", "target", n=len(mine), weight=len(mine)))
    for event in ledger.write(call_each(_close, tasks, len(mine), jobs or allowed_cpus(), watch)):
        watch.tell(event)
    if shard is not None:
        return None
    projects: list[ProjectReport] = []
    lost: dict[str, list[str]] = {}
    for project, left, findings in ledger.read(n_all):
        projects.append(replace(project, findings=tuple(findings)))
        if gone := sorted(story.done(project.target).intersection(left)):
            lost[project.target] = gone
    report = ArchiveReport(index, tuple(projects), {target: round(s, 3) for target, s in story.seconds.items()})
    note_lost(index.out, lost)
    Ledger(index.out / _CLOSING, _Checked).remove()
    sweep([index.out, index.out / STATE_FOLDER], story.is_gone, only_files=True)
    return report


def _state_of(out: Path) -> str:
    """Return a name for the state of an archive: it changes with the plan and with whatever a worker says."""
    # A link is not followed: one that leads nowhere is told by whoever reads the logs.
    logs = sorted((path.name, path.lstat().st_size) for path in (out / LOG_FOLDER).glob("*.jsonl"))
    with open_regular(out / INDEX_FILE) as file:
        digest = hashlib.file_digest(file, "sha256")  # type: ignore[arg-type]  # it is a BufferedReader
    digest.update(json.dumps([__version__, logs]).encode())
    return digest.hexdigest()[:_NAME_CHARS]


_NOT_DONE = frozenset([*WRITTEN, State.MERGE, State.EDITED, State.HELD])


@dataclass(frozen=True)
class _Task:
    """One target to check, with its place in the plan and what the plan says."""

    number: int
    entry: IndexEntry
    out: Path
    verify: VerifyLevel
    #: Steps that failed when last tried, and why.
    failed: frozenset[str]
    findings: tuple[Finding, ...]
    gone: frozenset[str]  #: Tags of processes that have ended, by all that is known.


def _tasks(index: Index, story: Story, numbers: set[int], verify: VerifyLevel) -> Iterator[_Task]:
    now_s = time.time()
    gone = frozenset(worker.tag for worker in story.workers if not worker.is_alive(now_s))
    for number, entry in enumerate(index.entries()):
        if number in numbers:
            failed, findings = story.failed(entry.target)
            yield _Task(number, entry, index.out, verify, frozenset(failed), tuple(findings), gone)


class _Checked(NamedTuple):
    """A target that was checked: its report, and the steps that are left to do.

    The report's findings stand beside it, since a report holds them in words only.
    """

    report: ProjectReport
    left: list[str]
    findings: list[IndexedFinding]

    @classmethod
    def of(cls, report: ProjectReport, left: Iterable[str]) -> Self:
        """Return a report with the steps that are left."""
        return cls(replace(report, findings=()), sorted(left), list(report.findings))


def _close(task: _Task, stop: threading.Event | None = None) -> tuple[int, _Checked, Event]:
    """Check one target; whatever goes wrong with it stays with it."""
    entry = task.entry
    left: set[str] = set()
    try:
        # Of a target that can't be looked at any further, what has no record is left.
        left = {step.id for step in entry.steps} - Journal(task.out / entry.target).recorded()
        if entry.state == "planned":
            found = _look(task)
            left = set(found.left)
            report = _close_planned(task, found)
        else:
            report = _not_planned(entry)
    except Interrupted:
        raise
    except Dlc2LpError as error:
        report = _failed(entry, error.findings)
    except OSError as error:
        report = _failed(entry, [disk_fault("target-unreadable", entry.target, "could not be checked", error)])
    except Exception as error:  # noqa: BLE001  a fault that one target brings up must not stop the others
        told = explained(error, entry.target)
        report = _failed(entry, told.findings if told else [fault(entry.target, error, REPORT_IT)])
    endings: dict[str, Ending] = {"done": "done", "skipped": "skipped"}
    event = Event("ended", "target", entry.target, state=endings.get(report.state, "failed"))
    return task.number, _Checked.of(report, left), event


def _report(
    entry: IndexEntry, state: ProjectState, findings: Sequence[Finding], asked: Iterable[str] = ()
) -> ProjectReport:
    names = entry.project, entry.source, entry.target
    return ProjectReport(*names, state, entry.individual, decisions_open=tuple(asked), findings=tuple(findings))


def _failed(entry: IndexEntry, findings: Iterable[Finding]) -> ProjectReport:
    return _report(entry, "failed", by_severity([*findings]))


def _not_planned(entry: IndexEntry) -> ProjectReport:
    assert entry.state != "planned"  # noqa: S101  told to mypy
    codes = dict.fromkeys(finding.code for finding in entry.findings if finding.severity is Severity.ERROR)
    told = _report(entry, entry.state, entry.findings, codes if entry.state == "needs-decision" else ())
    return replace(told, counts=entry.counts)


@dataclass(frozen=True)
class _Found:
    """What a target holds before it is verified."""

    is_other: bool  #: Whether its plan is not the one that the archive's plan knows.
    plan: Plan  #: As it stands, for the folder where it lies now.
    assessment: Assessment
    #: Steps that failed, and those that were never carried out or are undone.
    failed: frozenset[str]
    left: tuple[str, ...]


def _look(task: _Task) -> _Found:
    folder = task.out / task.entry.target
    refuse_busy(folder)
    stored = required_plan(folder)
    check_own_folders(folder)
    plan = replace(stored, target=str(folder))  # the archive may have moved; all other paths are relative
    sweep_target(folder, lambda tag: tag.is_gone or str(tag) in task.gone)
    assessment = assess(plan, quick=True)
    failed = frozenset(step for step in task.failed if assessment.states.get(step) in _NOT_DONE)
    left = (step.id for step in plan.steps if assessment.is_left(step) and step.id not in failed)
    return _Found(plan_digest(stored.to_text()) != task.entry.plan, plan, assessment, failed, tuple(left))


def _close_planned(task: _Task, found: _Found) -> ProjectReport:
    entry, plan, failed, left = task.entry, found.plan, found.failed, found.left
    said = task.findings if failed else ()
    closed = close_target(plan, sorted(failed), said, None if left else found.assessment, task.verify)
    told = (*closed.findings, *write_page(plan, closed))
    findings = [in_batch(finding, task.out) for finding in told]
    if found.is_other:
        why = "was converted or planned by itself since the archive was planned; told here is what it is now"
        findings.append(Finding(Severity.NOTE, "planned-anew", entry.target, why))
    lost = any(finding.severity is Severity.ERROR for finding in findings)
    records = Journal(Path(plan.target)).read().values()
    return ProjectReport(
        entry.project,
        entry.source,
        entry.target,
        "incomplete" if left and not failed else "failed" if lost or failed else "done",
        entry.individual,
        plan.counts,
        len(plan.sessions),
        len(plan.videos),
        sum(video.n_written for video in plan.videos),
        _bytes_before(plan),
        sum(file.size_bytes for record in records if record.done for file in record.files),
        findings=tuple(by_severity(findings)),
    )


def _bytes_before(plan: Plan) -> int:
    """Return the size of the images and videos that a plan migrates; what is read twice counts once."""
    sizes: dict[str, int] = {}
    for step in plan.steps:
        if not isinstance(step, ExtractFrames):  # whose video, where it is migrated, another step reads
            sizes |= step.sources
    return sum(sizes.values())
