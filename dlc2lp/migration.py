"""What a program or a command asks for: inspect, plan, convert, verify.

These functions put the rooms of this wing in their order; every decision is the planner's, every write the
executor's.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from pathlib import Path

from dlc2lp.dlc.config import DlcConfig
from dlc2lp.dlc.locate import LocatedProject, is_free_or_target, is_project, open_project
from dlc2lp.dlc.splits import list_splits
from dlc2lp.errors import (
    EXIT_FAILED,
    EXIT_OK,
    DecisionNeeded,
    Dlc2LpError,
    NothingToSplit,
    SourceRefused,
    UsageError,
)
from dlc2lp.events import Event, Watch
from dlc2lp.files import absolute, write_if_new
from dlc2lp.model import Command, Finding, Severity, by_severity
from dlc2lp.options import Options, RunOptions, VerifyLevel
from dlc2lp.pages.write import write_page
from dlc2lp.planning.plan import PLAN_FILE, Plan
from dlc2lp.planning.planner import make_plan, refuse_open
from dlc2lp.planning.steps import EncodeVideo
from dlc2lp.run.assess import WRITTEN, State, assess
from dlc2lp.run.at_work import at_work, refuse_busy
from dlc2lp.run.carry_out import Held, carry_out_whole, state_of_plan
from dlc2lp.run.closing import merge_findings
from dlc2lp.run.execute import Run
from dlc2lp.run.findings import orphaned
from dlc2lp.run.label_findings import brought, lasting
from dlc2lp.run.labeling import keep_labels
from dlc2lp.run.last_run import LastRun, forget
from dlc2lp.run.registering import registered
from dlc2lp.run.sources import changed_since
from dlc2lp.run.stored import required_plan, stored_plan
from dlc2lp.run.target import check_disk, check_keeps, check_owner, check_paths, refusals
from dlc2lp.run.verify import SourceLabels, Verification, check_planned_labels, verify_target
from dlc2lp.survey.cameras import camera_projects, has_views
from dlc2lp.survey.labels import AnimalLabels
from dlc2lp.survey.look import individuals_of, look, no_source, of_individual
from dlc2lp.survey.places import ReadFrom
from dlc2lp.survey.project import Survey
from dlc2lp.survey.source import Source
from dlc2lp.video.ffmpeg import find_ffmpeg
from dlc2lp.wording import counted, one_line

#: A DeepLabCut project, perhaps found and opened before; None where the options name the project of each camera.
Place = str | Path | LocatedProject | None


@dataclass(frozen=True)
class Proposal:
    """A migration that was surveyed and decided: one value that previews, runs and archives hand on."""

    plan: Plan  #: What is to be done.
    #: The labels of each view as those of one animal, by its name in the target. All else that was surveyed is let go:
    #: it is as large again as what the work itself needs.
    labels: SourceLabels
    read_from: ReadFrom  #: Where the source lies.

    @classmethod
    def of(cls, seen: Source, plan: Plan, options: Options) -> Proposal:
        """The proposal for a source that was surveyed."""
        tables = (view.labels.or_raise().labels for view in seen.views)
        return cls(plan, dict(zip(plan.views or ("",), tables, strict=True)), ReadFrom.of(seen, options))


@dataclass(frozen=True)
class Inspection:
    """What a source holds and what would become of it.

    Attributes
    ----------
    source
        What was surveyed, and which labels count.
    plan
        What would be done; None while a question is open or the source is refused.
    findings
        Everything that a person should know, errors first.
    exit_code
        0, or 3 where the source is refused or needs a decision.
    splits
        Names of the train/test splits that the project has.
    """

    source: Source
    plan: Plan | None
    findings: tuple[Finding, ...]
    exit_code: int
    splits: tuple[str, ...] = ()

    @property
    def decisions(self) -> tuple[Finding, ...]:
        """The open questions."""
        return self.source.questions

    def __repr__(self) -> str:
        facts = self.plan.facts if self.plan else (counted(len(self.decisions), "open question"),)
        n_findings = counted(len(self.findings), "finding")
        return one_line(self, self.survey.project.root.name, *facts, n_findings, f"exit {self.exit_code}")

    @property
    def survey(self) -> Survey:
        """The first project."""
        return self.source.views[0].survey

    @property
    def labels(self) -> AnimalLabels:
        """Which labels of the first project count."""
        return self.source.views[0].labels


@dataclass(frozen=True)
class Preview:
    """A dry run: the plan, what of it is done already, what would stand against it, and what would be told."""

    plan: Plan
    states: dict[str, State]
    refusals: tuple[Dlc2LpError, ...]
    findings: tuple[Finding, ...]

    def __repr__(self) -> str:
        n_findings = counted(len(self.findings), "finding")
        return one_line(self, Path(self.plan.target).name, *self.plan.facts, n_findings, f"exit {self.exit_code}")

    @property
    def exit_code(self) -> int:
        """What the run itself would end with before its first step."""
        return self.refusals[0].exit_code if self.refusals else EXIT_OK


@dataclass(frozen=True)
class Outcome:
    """What came of a conversion.

    Attributes
    ----------
    plan
        What was to be done.
    run
        What was done, skipped and failed.
    verification
        What checking the target brought up.
    findings
        Everything that a person should know, errors first.
    is_unchanged
        Whether nothing changed since the last run, so that nothing was read again: the rest is as it was told then.
    """

    plan: Plan
    run: Run
    verification: Verification
    findings: tuple[Finding, ...]
    is_unchanged: bool = False

    __repr__ = Preview.__repr__

    @property
    def exit_code(self) -> int:
        """0 if everything arrived, else 1."""
        lost = any(finding.severity is Severity.ERROR for finding in self.findings)
        return EXIT_FAILED if lost or self.run.failed else EXIT_OK


def inspect(source: Place, options: Options | None = None, *, watch: Watch | None = None) -> Inspection:
    """Look at a source and say what would be done; SourceRefused if it is no DeepLabCut project at all."""
    options = options or Options()
    seen = look(opened_source(source), options, watch=watch)
    if not seen.views:  # no camera was found, so there is nothing to show but why
        refuse_open(seen)
    notes: list[Finding] = []
    if options.individuals == "split" and not seen.is_multiview:
        names = individuals_of(seen)
        if not names:
            raise nothing_to_split()
        message = f"each of {', '.join(names)} becomes a target of its own; shown here is {names[0]}"
        notes.append(Finding(Severity.NOTE, "individuals-split", "individuals", message))
        options = replace(options, individuals=names[0])
        seen = of_individual(seen, names[0], options)
    project = seen.views[0].survey.project
    splits = () if seen.is_multiview else split_names(project.root, project.config)
    # The target only gives its name to the plan; an inspection has none.
    nowhere = absolute(project.root.with_name(f"{project.root.name}-lp"))
    try:
        made = make_plan(seen, options, nowhere)
    except (SourceRefused, DecisionNeeded) as error:
        return Inspection(seen, None, tuple(by_severity(list(error.findings))), error.exit_code, splits)
    return Inspection(seen, made, tuple(by_severity([*notes, *made.findings])), EXIT_OK, splits)


def plan(source: Place, target: str | Path, options: Options | None = None, *, watch: Watch | None = None) -> Plan:
    """Decide on a migration as :func:`propose` does, and return the plan alone."""
    return propose(source, target, options or Options(), watch=watch).plan


def propose(source: Place, target: str | Path, options: Options, *, watch: Watch | None = None) -> Proposal:
    """Survey a source and decide on its migration; nothing is written.

    What the target's own plan found out about videos is taken over, where nothing that was compared has changed.
    Raises SourceRefused or TargetRefused where the migration is not possible so, Interrupted where the work is to stop.
    """
    return propose_seen(survey_source(source, target, options, watch=watch), Path(target), options)


def survey_source(source: Place, target: str | Path, options: Options, *, watch: Watch | None = None) -> Source:
    """Survey a source for a migration into a target, without deciding on it; errors are those of :func:`propose`."""
    opened, target = opened_source(source, target), Path(target)
    if options.individuals == "split" and not has_views(opened, options):
        message = "found 'split', which makes several targets, expected one"
        advice = "call convert_individuals, or give the name of one individual"
        raise UsageError.of("individuals-split", "individuals", message, advice=advice)
    check_paths(opened, target, options)
    stored = stored_plan(target)
    return look(opened, options, stored.ties if stored else (), watch=watch)


def propose_seen(seen: Source, target: Path, options: Options) -> Proposal:
    """Decide on the migration of a source that was surveyed."""
    return Proposal.of(seen, make_plan(seen, options, absolute(target)), options)


def nothing_to_split() -> NothingToSplit:
    """Return the error for a target for each individual, where the project labels a single animal."""
    message = "the project labels a single animal, there is nothing to split"
    return NothingToSplit.of("no-individuals", "--individuals split", message, advice="leave the option out")


def preview(
    source: Place, target: str | Path, options: Options | None = None, *, watch: Watch | None = None
) -> Preview:
    """Decide on a migration and compare it with what the target holds; nothing is written."""
    return preview_of(propose(source, target, options or Options(), watch=watch).plan)


def preview_of(made: Plan) -> Preview:
    """Compare a plan with what its target holds; nothing is written."""
    assessment = assess(made)
    against = tuple(refusals(made, stored_plan(Path(made.target)), assessment))
    told = [finding for error in against for finding in error.findings]
    labels = [*lasting(assessment.labels), *brought(assessment.labels)] if assessment.labels else []
    told += by_severity([*assessment.unmerged, *map(orphaned, assessment.orphans), *labels, *made.findings])
    return Preview(made, assessment.states, against, tuple(told))


def opened_source(source: Place, target: str | Path | None = None) -> LocatedProject | None:
    """Find a source and read its configuration, unless that was done before.

    SourceRefused where it is none; for ``source-and-target-swapped`` where the target is one, and could change places.
    """
    if not isinstance(source, str | Path):
        return source
    try:
        return open_project(Path(source))
    except SourceRefused as error:
        if target is None or not _are_swapped(Path(source), Path(target)):
            raise
        message = f"is no DeepLabCut project, but the target {target} is one: perhaps the two changed places"
        advice, remedies = "the source comes first: {}", (Command.of("dlc2lp", "convert", target, source),)
        swapped = "source-and-target-swapped"
        raise SourceRefused.of(swapped, str(source), message, advice=advice, remedies=remedies) from error


def _are_swapped(source: Path, target: Path) -> bool:
    """Whether the target is a project and the source a place where a target may be: nothing, empty, or a target."""
    return is_project(target) and (not source.exists() or (source.is_dir() and is_free_or_target(source)))


def store(proposal: Proposal) -> Plan:
    """Write a plan into its target, for others to carry out.

    The label files stand in the plan already, so each of their cells is compared with its origin here, while the
    origin is at hand. SourceRefused or TargetRefused where the migration is not possible so; nothing was written then.
    """
    made = proposal.plan
    folder = Path(made.target)
    stored = stored_plan(folder)
    check_owner(made, stored)
    check_keeps(made, stored)
    wrong = [each for each in check_planned_labels(made, proposal.labels) if each.severity is Severity.ERROR]
    if wrong:
        raise SourceRefused(*wrong)
    # Beside workers of the archive: these leave a plan alone that is not the one which the archive's own plan knows.
    with contextlib.nullcontext() if made.is_written_as(stored) else at_work(folder, alone=False):
        keep_labels(made)
        write_if_new(folder / PLAN_FILE, made.to_pieces)
    return made


def convert(
    source: Place,
    target: str | Path,
    options: Options | None = None,
    run_options: RunOptions | None = None,
    *,
    register_as: str | None = None,
    watch: Watch | None = None,
) -> Outcome:
    """Migrate one project; run again, it goes on where it was stopped.

    ``register_as`` is the name under which the project is added to the Lightning Pose app; None: it is not. Nothing was
    written where SourceRefused, TargetRefused or, as a video must be encoded and there is no ffmpeg, ToolMissing is
    raised, nor where another is at work in the target (TargetBusy); Interrupted where the work is to stop.
    """
    options, run_options, watch = options or Options(), run_options or RunOptions(), watch or Watch()
    given = (source.config_path or source.root) if isinstance(source, LocatedProject) else source
    last = LastRun.of(given, target, options, run_options)
    if found := last.unchanged():
        seen, stored = found
        run = Run(skipped=seen.skip(stored, watch))
        came = Outcome(stored, run, seen.verification, seen.findings, is_unchanged=True)
        return _registered(came, register_as)
    refuse_busy(Path(target))
    proposal = propose(source, target, options, watch=watch)
    return carry_out(proposal, run_options, register_as=register_as, watch=watch, last=last)


def carry_out(
    proposal: Proposal,
    run_options: RunOptions | None = None,
    *,
    register_as: str | None = None,
    watch: Watch | None = None,
    last: LastRun | None = None,
) -> Outcome:
    """Carry out what was decided; parameters and errors are those of :func:`convert`.

    What came of it is kept in ``last`` for the next run, where that would say the same.
    """
    run_options, watch, made = run_options or RunOptions(), watch or Watch(), proposal.plan
    folder = Path(made.target)
    refuse_busy(folder)
    before, stored = state_of_plan(folder), stored_plan(folder)
    check_owner(made, stored)
    check_keeps(made, stored)
    assessment = assess(made)
    check_disk(made, assessment)
    to_do = [step for step in made.steps if assessment.states[step.id] in WRITTEN]
    if any(isinstance(step, EncodeVideo) for step in to_do):
        find_ffmpeg()
    watch.tell(Event("decided", "target", made.target, views=made.views, view_frames=made.view_frames))
    watch.check(made.target)
    came = carry_out_whole(made, Held(stored, before, assessment), proposal.labels, run_options, watch, last)
    closed = came.closed
    findings = merge_findings(came.told, closed.findings, write_page(made, closed))
    outcome = Outcome(made, came.run, closed.verification, findings)
    # What is told of this run alone the next one would not tell.
    if last is not None and outcome.exit_code == EXIT_OK and findings == closed.findings and not assessment.stale:
        last.keep(proposal.read_from, made, closed.findings, closed.verification)
    else:
        forget(folder)
    return _registered(outcome, register_as)


def _registered(came: Outcome, name: str | None) -> Outcome:
    """Tell the Lightning Pose app of a project, if it is to be; what came of that is told with the rest."""
    if name is None:
        return came
    return replace(came, findings=merge_findings(came.findings, registered(Path(came.plan.target), name)))


def list_project_splits(source: Place, options: Options) -> tuple[str, ...]:
    """Return the names of the train/test splits of a project, as ``--split`` takes them.

    Of several cameras' projects those that all have.
    """
    opened = opened_source(source)
    projects = camera_projects(opened, options) or (() if opened is None else (opened,))
    if not projects:
        raise no_source()
    listed = [split_names(each.root, each.config) for each in projects]
    return tuple(name for name in listed[0] if all(name in others for others in listed))


def split_names(root: Path, config: DlcConfig | None) -> tuple[str, ...]:
    """Return the splits' short names, or the full ones where a renamed task makes two of them alike."""
    splits = list_splits(root, config)
    short = [split.name for split in splits]
    return tuple(short if len(set(short)) == len(short) else [split.full_name for split in splits])


def verify(target: str | Path, level: VerifyLevel = "sample") -> tuple[Plan, Verification]:
    """Check a target against the plan that it was written by and against Lightning Pose's rules."""
    folder = absolute(target)
    stored = required_plan(folder)
    refuse_busy(folder)
    # The target may have been moved since; the plan's paths are relative but for the target's own.
    found = verify_target(replace(stored, target=str(folder)), level)
    if not found.ok:
        forget(folder)
    told = merge_findings(found.findings, changed_since(stored, level))
    return stored, replace(found, findings=told)
