"""Plans an archive: finds its projects, decides on each, and writes one index of all."""

from __future__ import annotations

import contextlib
import itertools
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from dlc2lp.batch.commands import Verb, ways_to_plan
from dlc2lp.batch.decisions import add_open, read_decisions
from dlc2lp.batch.index import Index, IndexEntry, Lines, write_index
from dlc2lp.batch.planning import (
    DECISIONS_FILE,
    Listed,
    Request,
    check_options,
    list_projects,
    no_projects,
    planned_lines,
)
from dlc2lp.batch.previous import Previous, read_previous
from dlc2lp.batch.processes import call_each
from dlc2lp.batch.project import Task, plan_project
from dlc2lp.batch.shards import Shard
from dlc2lp.batch.space import Estimate, Load, estimate
from dlc2lp.batch.worklog import Story, note_lost, read_story
from dlc2lp.codec import Malformed
from dlc2lp.errors import EXIT_FAILED, EXIT_OK, EXIT_REFUSED, UsageError
from dlc2lp.events import Event, Watch
from dlc2lp.files import absolute
from dlc2lp.model import Command, Finding, Setting, Severity, by_severity
from dlc2lp.options import Options
from dlc2lp.planning.plan import PLAN_FILE
from dlc2lp.run.journal import Journal
from dlc2lp.video.cpus import allowed_cpus
from dlc2lp.wording import counted, one_line, some


@dataclass(frozen=True)
class ArchivePlan:
    """What planning an archive came to.

    Attributes
    ----------
    index
        The plan; None where only a part of it was made.
    refused
        The entries that are not planned, with the reasons.
    n_projects
        How many projects were found.
    n_planned_here
        How many this call has planned; the others had been planned by an earlier or a parallel one.
    decisions_file, n_asked
        Where a person decides, and how many projects were added there.
    estimate
        What it will still cost; None where only a part was planned.
    again
        The command that plans it as it was planned, for when something was decided.
    findings
        Everything that a person should know, errors first.
    """

    index: Index | None
    refused: tuple[IndexEntry, ...]
    n_projects: int
    n_planned_here: int
    decisions_file: Path
    n_asked: int
    estimate: Estimate | None
    again: Command
    findings: tuple[Finding, ...]

    def __repr__(self) -> str:
        planned = () if self.index is None else (counted(self.index.totals.n_planned, "target"),)
        facts = (counted(self.n_projects, "project"), *planned, counted(len(self.findings), "finding"))
        return one_line(self, self.index.out.name if self.index else "", *facts, f"exit {self.exit_code}")

    @property
    def exit_code(self) -> int:
        """0; 1 where something is not migrated; 3 where nothing is."""
        if not any(finding.severity is Severity.ERROR for finding in self.findings):
            return EXIT_OK
        return EXIT_FAILED if self.index is None or self.index.totals.n_planned else EXIT_REFUSED


def plan_archive(
    root: str | Path,
    out: str | Path,
    options: Options | None = None,
    *,
    decisions: str | Path | None = None,
    shard: Shard | None = None,
    list_only: bool = False,
    jobs: int | None = None,
    watch: Watch | None = None,
    verb: Verb = "plan",
) -> ArchivePlan:
    """Plan the migration of every project below a folder; the plans are written into the targets.

    Stopped, the same call goes on from there. With a shard, only that part of a list of projects that must be there is
    planned, for others to plan the rest at the same time; a last call without it makes the plan. ``decisions`` is
    ``OUT/decisions.yaml`` by default; ``jobs`` are processes at a time; None: the CPUs that this process may use.
    ``verb`` says which command a person who decides is told to run again.
    """
    chosen = options or Options()
    check_options(chosen)  # or each project would tell it
    root, out = absolute(root), absolute(out)
    previous = read_previous(root, out)
    decisions_file = Path(decisions) if decisions is not None else out / DECISIONS_FILE
    if decisions is not None and not decisions_file.parent.is_dir():
        raise UsageError.of("decisions-unreadable", str(decisions_file), "found no folder to put it into")
    request = Request(root, out, chosen, read_decisions(decisions_file))
    ways_on = ways_to_plan(root, out, chosen, decisions=None if decisions is None else absolute(decisions))
    again = ways_on[verb]
    listed = list_projects(request, previous, must_exist=shard is not None)
    if list_only:
        told = (*previous.findings, *listed.findings)
        return ArchivePlan(None, (), len(listed.targets), 0, decisions_file, 0, None, again, told)
    n_planned = _plan_all(request, listed, shard or Shard(), jobs or allowed_cpus(), watch or Watch())
    if shard is not None:
        return ArchivePlan(None, (), len(listed.targets), n_planned, decisions_file, 0, None, again, ())
    return _join(request, previous, listed, n_planned, decisions_file, ways_on, verb)


def _plan_all(request: Request, listed: Listed, shard: Shard, jobs: int, watch: Watch) -> int:
    """Plan what has no line yet; return how many projects that were."""
    ledger = planned_lines(request.out)
    have = ledger.numbers()
    mine = list(enumerate(listed.targets.items()))[shard.number - 1 :: shard.of]
    tasks = [
        Task(number, project, target, replace(request, decisions=request.decisions.of(project)))
        for number, (project, target) in mine
        if number not in have
    ]
    if not tasks:
        return 0
    watch.tell(Event("planned", "project", n=len(mine), weight=len(mine)))
    for number, (project, _) in mine:
        if number in have:
            watch.tell(Event("ended", "project", project, state="skipped"))
    for event in ledger.write(call_each(plan_project, tasks, len(tasks), jobs, watch)):
        watch.tell(event)
    return len(tasks)


class _Joined:
    """What the lines of an index tell together."""

    def __init__(self, out: Path, lines: Iterable[str]) -> None:
        self.lines, self.load = Lines(), Load()
        self.refused: list[IndexEntry] = []
        self.planned: dict[str, str] = {}  # the project by target
        self.cameras: dict[str, tuple[str, ...]] = {}
        self.copies: dict[tuple[str, ...], list[str]] = defaultdict(list)
        self.lost: dict[str, list[str]] = {}
        story = read_story(out)
        for line in lines:
            entry = self.lines.add(line)
            if gone := _lost(entry, story, out):
                self.lost[entry.target] = gone
            self.load.add(entry, story.done(entry.target).difference(gone))
            if entry.state in {"refused", "needs-decision"}:
                self.refused.append(entry)
            if entry.state == "planned":
                self.planned[entry.target] = entry.project
            if entry.cameras:
                self.cameras[entry.project] = entry.cameras
            if any(entry.identity) and entry.project not in self.copies[entry.identity]:
                self.copies[entry.identity].append(entry.project)

    def questions(self) -> dict[str, list[Finding]]:
        """Return what needs a decision, by project."""
        return {
            entry.project: [finding for finding in entry.findings if finding.severity is Severity.ERROR]
            for entry in self.refused
            if entry.state == "needs-decision"
        }


def _join(
    request: Request,
    previous: Previous,
    listed: Listed,
    n_planned: int,
    decisions_file: Path,
    ways_on: Mapping[Verb, Command],
    verb: Verb,
) -> ArchivePlan:
    """Make the index of all lines, and ask what is open."""
    out, options, n_projects, ledger = request.out, request.options, len(listed.targets), planned_lines(request.out)
    try:
        joined = _Joined(out, itertools.chain.from_iterable(ledger.read(n_projects)))
    except Malformed as error:
        raise ledger.damaged(error) from error
    findings = [
        *listed.findings,
        *(() if listed.targets else (no_projects(request.root),)),
        *request.decisions.unused(listed.targets),
        *_copies(joined.copies),
        *_cameras(joined.cameras, set(joined.planned.values())),
        *_left_over(out, [*previous.targets.values(), *listed.targets.values()], joined.planned.keys()),
    ]
    lines, told = joined.lines, tuple(by_severity(findings))
    index = Index(out, str(request.root), options.as_json(), lines.totals, told, lines.weights_file)
    write_index(index, lines.weights, itertools.chain.from_iterable(ledger.read(n_projects)))
    ledger.remove()
    note_lost(out, joined.lost)
    asked = add_open(decisions_file, request.decisions, joined.questions(), [*ways_on.values()])
    cost = estimate(out, joined.load, options)
    findings = [
        *(() if cost.fits else (_no_room(out, cost),)),
        *previous.findings,
        *findings,
        *asked.findings,
        *(finding.within(entry.project) for entry in joined.refused for finding in entry.findings),
    ]
    refused, told = tuple(joined.refused), tuple(by_severity(findings))
    return ArchivePlan(index, refused, n_projects, n_planned, decisions_file, asked.n_added, cost, ways_on[verb], told)


def _lost(entry: IndexEntry, story: Story, out: Path) -> list[str]:
    """Return the steps that some worker carried out and of which the target knows nothing any more: it was removed."""
    done = story.done(entry.target).intersection(step.id for step in entry.steps)
    try:
        return sorted(done - Journal(out / entry.target).recorded()) if done else []
    except OSError:  # of somebody else, and so not gone
        return []


def _no_room(out: Path, cost: Estimate) -> Finding:
    why = f"found {cost.free_bytes / 1e9:.2f} GB free, and up to {cost.space_bytes / 1e9:.2f} GB are to be written"
    advice = "free some space, choose another disk for OUT, or leave out videos: {}"
    remedies = (Setting("videos", ("none",)),)
    return Finding(Severity.WARNING, "little-space", str(out), why, advice=advice, remedies=remedies)


def _copies(projects: Mapping[tuple[str, ...], list[str]]) -> list[Finding]:
    """Tell of projects that share task, scorer and date: most are copies, but only a person knows which one counts."""
    why = "share the task {}, the scorer {} and the date {}, so all but one may be copies or backups; each is migrated"
    advice = f"to leave one out, write `skip: true` for it in {DECISIONS_FILE}"
    return [
        Finding(
            Severity.WARNING,
            "project-twice",
            some(names),
            why.format(*(each or "(none)" for each in identity)),
            advice=advice,
        )
        for identity, names in projects.items()
        if len(names) > 1
    ]


def _cameras(cameras: Mapping[str, tuple[str, ...]], planned: set[str]) -> list[Finding]:
    """Tell of projects that are migrated as cameras of another one and by themselves too."""
    findings = []
    advice = f"to migrate as camera only, write `skip: true` for each in {DECISIONS_FILE}"
    for project, names in cameras.items():
        if alone := ", ".join(name for name in names if name in planned):
            why = f"migrated as camera of {project} and also alone, so images and videos are written twice"
            findings.append(Finding(Severity.WARNING, "camera-alone", alone, why, advice=advice))
    return findings


def _left_over(out: Path, targets: Iterable[str], planned: Collection[str]) -> list[Finding]:
    """Tell of targets that earlier plans made and this one does not; they stay as they are."""
    gone = []
    for target in sorted(set(targets).difference(planned)):
        folder = out / target
        with contextlib.suppress(OSError):  # of somebody else, who will know
            # Those of single individuals lie one folder deeper.
            made = [folder / PLAN_FILE] if (folder / PLAN_FILE).is_file() else sorted(folder.glob(f"*/{PLAN_FILE}"))
            gone += [path.parents[1].relative_to(out).as_posix() for path in made]
    gone = [target for target in gone if target not in planned]
    if not gone:
        return []
    why = (
        f"{counted(len(gone), 'target of earlier plans is', 'targets of earlier plans are')} not in this one: projects "
        "are gone, left out, not planned or planned in another way; nothing there is changed"
    )
    return [Finding(Severity.NOTE, "target-left-over", some(gone), why, advice="remove what you no longer want")]
