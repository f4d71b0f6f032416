"""What people read in the terminal about an archive. Returns text, prints nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dlc2lp.batch.commands import finish, run, status, ways_to_plan
from dlc2lp.batch.finish import ArchiveReport
from dlc2lp.batch.plan import ArchivePlan
from dlc2lp.batch.run import ShardRun
from dlc2lp.batch.slurm import Submission
from dlc2lp.batch.space import Estimate
from dlc2lp.batch.status import Status
from dlc2lp.folding import Kind, kinds, kinds_in
from dlc2lp.model import Command, Finding, Severity
from dlc2lp.report.archive import HTML_FILE, decisions_place
from dlc2lp.report.findings import finding_lines, findings_text, more_alike, wants_all
from dlc2lp.report.layout import joined, table
from dlc2lp.report.looks import painted, wrapped
from dlc2lp.report.text import MAX_ROWS, duration_text, more_rows
from dlc2lp.wording import counted, shown, size_text, some

#: In so many projects a kind of finding is told in full; what more have in common is told once.
_MOST_IN_FULL = 2

_SHORT_S = 60.0


def plan_text(planned: ArchivePlan, *, goes_on: bool = False) -> str:
    """Lay out what planning an archive came to; ``goes_on`` where the same command carries it out and tells all."""
    index = planned.index
    if index is None:
        return joined(findings_text(planned.findings), f"{counted(planned.n_projects, 'project')} found")
    head = f"{shown(index.root)}\n  into {shown(str(index.out))}"
    summary = [_planned_text(planned)]
    if planned.estimate is not None and index.totals.n_planned:
        summary.append(_estimate_text(planned.estimate))
    if goes_on:
        return "\n".join([head, *summary])
    blocks = [_Block(entry.project, entry.state, entry.findings) for entry in planned.refused]
    own = {finding.within(block.name) for block in blocks for finding in block.findings}
    about_all = [finding for finding in planned.findings if finding not in own]
    return joined(head, *_sections(blocks), _about_all(about_all), "\n".join(summary), _next_of_plan(planned))


def _planned_text(planned: ArchivePlan) -> str:
    """Say how many projects were found, and what becomes of them."""
    states = Counter(entry.state for entry in planned.refused)
    assert planned.index is not None  # noqa: S101  told to mypy
    totals = planned.index.totals
    said = [f"{counted(totals.n_planned, 'target')} planned ({counted(totals.n_steps, 'step')})"]
    said += [f"{n} {_STATES[state].few if n == 1 else _STATES[state].many}" for state, n in states.items()]
    return wrapped(f"{counted(planned.n_projects, 'project')} found: {', '.join(said)}", "", "    ")


def _next_of_plan(planned: ArchivePlan) -> str:
    """Say what comes next: what a person must decide, and the command that goes on."""
    assert planned.index is not None  # noqa: S101  told to mypy
    lines = []
    if any(entry.state == "needs-decision" for entry in planned.refused):
        lines.append(_decide(str(planned.decisions_file), planned.again))
    if planned.index.totals.n_planned:
        lines.append(f"next:\n  {shown(run(planned.index.out).line)}")
    return "\n".join(lines)


def _decide(decisions: str, again: Command) -> str:
    """Say where a person decides, and what to run then: what ``decisions.yaml`` itself says."""
    where = wrapped(
        f"fill in the open options in {shown(decisions)} and run this again; the others need not wait:", "", "    "
    )
    return f"{where}\n  {shown(again.line)}"


def _listed(header: Sequence[str], rows: Sequence[Sequence[str]], what: str, right: Sequence[int] = ()) -> str:
    """Return a table that fits a screen, and how many rows are left out; nothing where there is none."""
    return table(header, rows[:MAX_ROWS], right) + more_rows(len(rows), what) if rows else ""


@dataclass(frozen=True)
class _Words:
    """How a state is told."""

    title: str  #: Above the projects that are in it.
    #: Behind a number of them: of one, and of any other number.
    few: str
    many: str


#: In the order in which they are told: what was begun and is not whole comes first.
_STATES: dict[str, _Words] = {
    "incomplete": _Words("begun and not finished", "not finished", "not finished"),
    "failed": _Words("written, but not all of it arrived", "not whole", "not whole"),
    "needs-decision": _Words("not written, needs a decision", "needs a decision", "need a decision"),
    "refused": _Words("not written, refused", "refused", "refused"),
    "skipped": _Words("left out, as was decided", "left out", "left out"),
    "done": _Words("done", "done", "done"),
}


@dataclass(frozen=True)
class _Block:
    """A project, or an individual's target, with what is told of it."""

    name: str
    state: str
    findings: tuple[Finding, ...]


def _sections(blocks: Sequence[_Block]) -> Iterator[str]:
    """Lay out projects by state, those of which something is missing in full; each finding is told once.

    What more than two projects have in common is told at the first of them, with their number.
    """
    by_state = {state: [each for each in blocks if each.state == state] for state in _STATES}
    whole = {"done", "skipped"}
    lacking = {
        each.name: _telling(each.findings) for state in by_state for each in by_state[state] if state not in whole
    }
    most = len(lacking) if wants_all() else _MOST_IN_FULL
    common = {(kind.first.severity, kind.first.code): kind for kind in kinds_in(lacking) if len(kind.places) > most}
    for state, words in _STATES.items():
        inside = by_state[state]
        if not inside:
            continue
        title = painted(f"{words.title}: {counted(len(inside), 'project')}", "heading" if state != "done" else "good")
        if state in whole:
            names = shown(some((each.name for each in inside), MAX_ROWS))
            yield f"{title}\n{wrapped(names, '  ', '  ', [shown(each.name) for each in inside[:MAX_ROWS]])}"
            continue
        lines = [line for each in inside[:MAX_ROWS] for line in _block_lines(each.name, lacking[each.name], common)]
        yield "\n".join([title, *lines]) + more_rows(len(inside), "project")


def _telling(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return what of a project that did not arrive is told in the terminal; its page has the rest."""
    return tuple(each for each in findings if each.severity is not Severity.NOTE)


def _block_lines(name: str, findings: Sequence[Finding], common: Mapping[tuple[Severity, str], Kind]) -> Iterator[str]:
    yield f"  {shown(name)}"
    for kind in kinds(findings):
        shared = common.get((kind.first.severity, kind.first.code))
        if shared is None:
            more = more_alike(kind.others) if kind.others else ""
            yield from finding_lines(kind.first, "    ", more, is_placed=bool(kind.first.where))
        elif shared.places[0] == name:
            n = counted(len(shared.places) - 1, "further project")
            more = f"{n}: {some(shared.places[1:])} (--all-findings tells each)"
            yield from finding_lines(kind.first, "    ", more)
        else:
            word = painted(str(kind.first.severity), kind.first.severity.value)
            alike = f"{kind.first.subject}: as in {shared.places[0]} [{kind.first.code}]"
            yield wrapped(shown(alike), f"    {kind.first.severity}: ", " " * 12).replace(kind.first.severity, word, 1)


def _about_all(findings: Sequence[Finding]) -> str:
    """Lay out what concerns the archive as a whole; of one kind the first is told, and the others are named."""
    title = painted("about the archive", "heading")
    lines = []
    for kind in kinds(findings):
        more = ""
        if kind.others:
            places = some((each.subject for each in kind.others), 3, "; ")
            more = f"{len(kind.others)} more of this kind: {places}"
        lines += finding_lines(kind.first, "  ", more)
    return "\n".join([title, *lines]) if lines else ""


def _estimate_text(estimate: Estimate) -> str:
    lines = [f"to write: {size_text(estimate.space_bytes)} at most; free: {size_text(estimate.free_bytes)}"]
    minutes = estimate.cpu_minutes
    if estimate.n_encodes:
        line = f"to encode: {counted(estimate.n_encodes, 'video')}"
        if minutes is not None:
            took = minutes * 60 / estimate.n_cpus
            about = "less than a minute" if took < _SHORT_S else f"about {duration_text(took)}"
            line += f", {about} on the {counted(estimate.n_cpus, 'CPU')} here; other machines may take longer or less"
        lines.append(wrapped(line, "", "    "))
    return "\n".join(lines)


def run_text(out: Path, came: ShardRun) -> str:
    """Lay out what came of a shard."""
    failed = ""
    done = f"{counted(came.n_done, 'step')} done"
    done += f", {counted(came.n_skipped, 'was', 'were')} done before" if came.n_skipped else ""
    if came.failed:
        names = "\n".join(f"  {shown(target)}" for target in sorted(came.failed))
        failed = f"{painted('not finished', 'heading')}\n{names}"
        done += f"; steps of {counted(len(came.failed), 'target')} failed, run the same command again to try them again"
    is_all = came.shard.of == 1
    part = "" if is_all else f"shard {came.shard}: "
    end = f"next{'' if is_all else ', when all shards have ended'}:\n  {shown(finish(out).line)}"
    return joined(failed, findings_text(came.findings), wrapped(part + done, "", "    "), end)


def status_text(found: Status) -> str:
    """Lay out how far an archive is."""
    rows = [(str(state), str(n)) for state, n in found.n_targets.items() if n]
    rows += [(_STATES[state].title, str(n)) for state, n in found.n_not_planned.items()]
    targets = [
        (each.target, each.state, f"{each.n_done} of {each.n_steps}", str(each.n_failed)) for each in found.targets
    ]
    workers = [
        (worker.shard, worker.job or "-", ", ".join(sorted(worker.targets)[:2]) or "-") for worker in found.workers
    ]
    parts = [
        shown(str(found.out)),
        table(("targets", ""), rows, right=(1,)),
        _listed(("target", "state", "steps done", "failed"), targets, "target", right=(2, 3)),
        findings_text(found.findings),
        _listed(("at work: shard", "job", "on"), workers, "worker"),
    ]
    if not found.n_steps:
        return joined(*parts, f"nothing is planned for {shown(str(found.out))}, so there is nothing to do")
    share = found.cost_done / found.cost if found.cost else 1.0
    steps = f"{found.n_steps_done} of {counted(found.n_steps, 'step')} done, {share:.0%} of the work"
    if found.is_done:
        steps += f"; next:\n  {shown(finish(found.out).line)}"
    elif found.left_s is not None:
        steps += f"; about {duration_text(found.left_s)} left"
    elif not found.workers:
        steps += f"; nobody is at work; next, here or by batch submit:\n  {shown(run(found.out).line)}"
    return joined(*parts, steps)


def report_text(report: ArchiveReport, planned: ArchivePlan | None = None) -> str:
    """Lay out what became of an archive, project by project; ``planned`` where the same command has planned it."""
    before = sum(project.bytes_before for project in report.projects)
    after = sum(project.bytes_after for project in report.projects)
    states = Counter[str](project.state for project in report.projects)
    told = (
        f"{states[state]} {words.few if states[state] == 1 else words.many}"
        for state, words in _STATES.items()
        if states[state]
    )
    summary = (
        wrapped(f"{counted(len(report.projects), 'project')}: {', '.join(told) or 'none'}", "", "    "),
        f"images and videos before: {size_text(before)}; all files after: {size_text(after)}",
        f"the report, in your browser: {shown(str(report.index.out / HTML_FILE))}",
    )
    blocks = [_Block(project.name, project.state, project.findings) for project in report.projects]
    return joined(
        *_sections(blocks),
        _about_all(report.index.findings),
        "\n".join(summary),
        _next_of_report(report, states, planned),
    )


def _next_of_report(report: ArchiveReport, states: Mapping[str, int], planned: ArchivePlan | None) -> str:
    """Say what a person does next, where something is left."""
    index = report.index
    lines = []
    if states["incomplete"]:
        lines.append(f"to finish what was begun:\n  {shown(run(index.out).line)}\n  {shown(finish(index.out).line)}")
    if states["needs-decision"]:
        again = planned.again if planned else ways_to_plan(index.root, index.out, index.chosen)["convert"]
        lines.append(_decide(str(planned.decisions_file) if planned else decisions_place(index.out), again))
    return "\n".join(lines)


def submission_text(made: Submission, *, dry_run: bool, wait: bool = False) -> str:
    """Lay out what was handed to Slurm, or would be."""
    out = made.folder.parents[1]
    if not made.n_targets:
        return f"nothing is planned for {shown(str(out))}, so there is nothing to submit"
    if not made.n_left:
        return f"nothing is left to submit: every step is done; next:\n  {shown(finish(out).line)}"
    if dry_run:
        scripts = (f"# {shown(str(made.folder / script.name))}\n{script.text.rstrip()}" for script in made.scripts)
        said = "# what would be run with these scripts in place; nothing was submitted (--dry-run)"
        return joined(*scripts, "\n".join([said, *map(shown, made.as_typed(wait=wait))]))
    rows = [(script.name, made.jobs[script.name], ", ".join(script.waits_for) or "-") for script in made.scripts]
    end, folder = f"the archive has ended with exit code {made.archive_exit_code}", shown(str(made.folder))
    return joined(
        table(("script", "job", "after"), rows),
        wrapped(
            f"{made.n_left} of {counted(made.n_shards, 'shard')} submitted; scripts and logs are in {folder}",
            "",
            "    ",
        ),
        f"how far it is:\n  {shown(status(out).line)}" if made.archive_exit_code is None else end,
    )
