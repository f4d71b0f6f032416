"""What became of an archive in one sentence, and what a person must do first. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from dlc2lp.batch.finish import ArchiveReport, ProjectReport, ProjectState
from dlc2lp.lp.next_steps import NextStep, next_steps
from dlc2lp.model import Command, Severity
from dlc2lp.planning.plan import Count
from dlc2lp.report.archive_kinds import Kind, Origin
from dlc2lp.wording import counted

#: Each project with what it is called in the page.
Named = Sequence[tuple[Origin, ProjectReport]]


@dataclass(frozen=True)
class Verdict:
    """What became of an archive."""

    #: ``whole``: everything arrived; ``look``: it did, and something is worth a look; ``lacking``: something did not.
    state: Literal["whole", "look", "lacking"]
    words: str  #: In one sentence.


@dataclass(frozen=True)
class Reason:
    """Why something is to be done: findings of one kind, and the projects that it concerns."""

    kind: Kind
    projects: tuple[Origin, ...]


@dataclass(frozen=True)
class Task:
    """One thing to do for several projects."""

    heading: str
    words: str
    commands: tuple[NextStep, ...]
    reasons: tuple[Reason, ...]
    tone: str  #: How it is coloured: as urgent as ``lacking``, ``look`` or ``whole``.


def verdict_of(report: ArchiveReport) -> Verdict:
    """Say in one sentence what became of an archive."""
    n_by_state, n_all = report.n_by_state, len(report.projects)
    done, skipped = n_by_state.get("done", 0), n_by_state.get("skipped", 0)
    if not n_all:
        return Verdict("lacking" if report.exit_code else "look", "No project was found in this archive.")
    if report.exit_code:
        told = [counted(n_by_state[state], one, many) for state, one, many in _UNFINISHED if n_by_state.get(state)]
        told = told or ["an error concerns the archive as a whole"]
        named = " and ".join([", ".join(told[:-1]), told[-1]] if told[1:] else told)
        arrived = counted(n_all, "project")
        return Verdict("lacking", f"Not complete: {done} of {arrived} arrived whole; {named}.")
    left = f"; {counted(skipped, 'was', 'were')} left out as decided" if skipped else ""
    n_frames = total(report.projects, "labeled_frames").written
    videos = counted(sum(project.n_videos for project in report.projects), "video")
    held = f"{counted(done, 'project')} arrived whole, {counted(n_frames, 'labeled frame')} and {videos}{left}"
    n_warnings = _n_warnings(report)
    if n_warnings:
        return Verdict("look", f"{held}. {counted(n_warnings, 'thing is', 'things are')} worth a look.")
    return Verdict("whole", f"{held}.")


def total(projects: Iterable[ProjectReport], name: str) -> Count:
    """Sum up what the sources hold of something, as far as it is known, and what of it arrived.

    Each target of a project that is split into individuals has all of the source before it, so there it counts once,
    and what no target holds is left out.
    """
    targets: dict[str, list[Count]] = {}
    for project in projects:
        if name in project.counts:
            targets.setdefault(project.project, []).append(project.counts[name])
    n_source = sum(counts[0].source for counts in targets.values())
    n_written = sum(min(sum(count.written for count in counts), counts[0].source) for counts in targets.values())
    return Count(n_source, n_written, n_source - n_written)


#: States that keep an archive from being complete, and how they are told.
_UNFINISHED: tuple[tuple[ProjectState, str, str], ...] = (
    ("incomplete", "was written incompletely", "were written incompletely"),
    ("failed", "lacks something", "lack something"),
    ("needs-decision", "waits for a decision", "wait for a decision"),
    ("refused", "was refused", "were refused"),
)


def _n_warnings(report: ArchiveReport) -> int:
    told = [*report.index.findings, *(finding for project in report.projects for finding in project.findings)]
    return sum(finding.n_alike for finding in told if finding.severity is Severity.WARNING)


def tasks_of(report: ArchiveReport, named: Named, kinds: Sequence[Kind], decisions: str) -> tuple[Task, ...]:
    """Return what a person must do, the first thing first; ``decisions`` says where open decisions are answered."""
    of_state: dict[ProjectState, list[Origin]] = {}
    for origin, project in named:
        of_state.setdefault(project.state, []).append(origin)
    unfinished = [
        _unfinished(report, state, one, many, of_state[state], kinds, decisions)
        for state, one, many in _UNFINISHED
        if state in of_state
    ]
    return (*unfinished, *_of_archive(report, kinds), *_warnings(report, named, kinds), *_ready(report, named))


def _unfinished(
    report: ArchiveReport,
    state: ProjectState,
    one: str,
    many: str,
    origins: Sequence[Origin],
    kinds: Sequence[Kind],
    decisions: str,
) -> Task:
    what = "target" if state == "incomplete" else "project"
    heading = counted(len(origins), f"{what} {one}", f"{what}s {many}")
    words, tone = _WORDS[state].format(decisions=decisions), "look" if state == "needs-decision" else "lacking"
    return Task(heading, words, _commands(report, state), _reasons(kinds, Severity.ERROR, origins), tone)


def _of_archive(report: ArchiveReport, kinds: Sequence[Kind]) -> Iterator[Task]:
    reasons = tuple(Reason(kind, ()) for kind in kinds if kind.severity is Severity.ERROR and not kind.projects)
    if reasons:
        heading, words = "Errors concern the archive as a whole", "Put right what they tell, then convert again."
        yield Task(heading, words, _commands(report, "failed"), reasons, "lacking")


def _warnings(report: ArchiveReport, named: Named, kinds: Sequence[Kind]) -> Iterator[Task]:
    if n := _n_warnings(report):
        heading, every = counted(n, "warning is worth a look", "warnings are worth a look"), [each for each, _ in named]
        yield Task(heading, "", (), _reasons(kinds, Severity.WARNING, every, of_archive=True), "look")


def _ready(report: ArchiveReport, named: Named) -> Iterator[Task]:
    ready = [each for each in named if each[1].state == "done"]
    if ready:
        heading = counted(len(ready), "project is ready to be trained on", "projects are ready to be trained on")
        (origin, project), *others = ready
        steps = next_steps(str(report.index.out / project.target))
        yield Task(heading, f"For example {origin.name}:" if others else "", (steps[0], steps[-1]), (), "whole")


def _reasons(
    kinds: Sequence[Kind], severity: Severity, origins: Sequence[Origin], *, of_archive: bool = False
) -> tuple[Reason, ...]:
    wanted = set(origins)
    found = (
        Reason(kind, tuple(origin for origin in kind.projects if origin in wanted))
        for kind in kinds
        if kind.severity is severity
    )
    return tuple(each for each in found if each.projects or (of_archive and not each.kind.projects))


#: What is to be done about the projects of a state.
_WORDS: dict[ProjectState, str] = {
    "incomplete": "Steps are left to do, so nothing should be trained on it yet. What is done stays done.",
    "failed": "The target is there, but not all of the source is in it: put right what the errors tell, then convert "
    "again with the same options. What is done stays done.",
    "needs-decision": "Fill in the options in {decisions}, then convert again with the same options. What is done "
    "stays done.",
    "refused": "Nothing was written. Put right what the errors tell, or leave the project out with “skip: true” "
    "in {decisions}; then convert again with the same options.",
}


def _commands(report: ArchiveReport, state: ProjectState) -> tuple[NextStep, ...]:
    out, root = report.index.out, report.index.root
    if state == "incomplete":
        run, finish = (Command.of("dlc2lp", "batch", verb, out).line for verb in ("run", "finish"))
        return NextStep(run, "carry out the steps that are left"), NextStep(finish, "check all, make this page anew")
    convert = Command.of("dlc2lp", "batch", "convert", root, out).line
    return (NextStep(convert, "plan, run and finish the archive again"),)
