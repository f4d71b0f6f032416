"""A multi-animal project as several targets, one for each individual.

Keypoints that occur once in a frame (``uniquebodyparts``) get a target of their own, ``single``, so that no label stays
behind.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from dlc2lp.dlc.locate import LocatedProject
from dlc2lp.errors import TargetRefused
from dlc2lp.events import Watch
from dlc2lp.lp.names import unique_sessions
from dlc2lp.migration import (
    Outcome,
    Proposal,
    carry_out,
    nothing_to_split,
    opened_source,
    preview_of,
    propose_seen,
)
from dlc2lp.options import Options, RunOptions
from dlc2lp.run.stored import has_plan, stored_plan, targets_in
from dlc2lp.run.target import check_data_dir, check_only_holds, check_paths
from dlc2lp.survey.look import individuals_of, look, of_individual
from dlc2lp.survey.source import Source


def propose_each(
    source: str | Path | LocatedProject,
    target: str | Path,
    options: Options,
    *,
    or_whole: bool = False,
    watch: Watch | None = None,
) -> dict[str, Proposal]:
    """Survey a multi-animal project once, and decide on a target for each individual, ``TARGET/<individual>``.

    A project that labels a single animal is refused (NothingToSplit) or, with ``or_whole``, decided on as a whole,
    under the name ``""``. Other errors are those of :func:`dlc2lp.migration.propose`.
    """
    opened = opened_source(source, target)
    seen = survey_for_each(opened, target, options, watch=watch)
    return propose_each_seen(seen, opened, Path(target), options, or_whole=or_whole)


def survey_for_each(
    source: LocatedProject | None, target: str | Path, options: Options, *, watch: Watch | None = None
) -> Source:
    """Survey a project for a target for each individual, without deciding on them; errors are those of
    :func:`propose_each`.
    """
    target = Path(target)
    check_data_dir(options.data_dir)
    stored = map(stored_plan, (target, *(target / name for name in targets_in(target))))
    known = [tie for each in stored if each is not None for tie in each.ties]
    return look(source, options, known, watch=watch)


def propose_each_seen(
    seen: Source, opened: LocatedProject | None, target: Path, options: Options, *, or_whole: bool = False
) -> dict[str, Proposal]:
    """Decide on a target for each individual of a project that was surveyed, as :func:`propose_each` does."""
    individuals = individuals_of(seen)
    if not individuals:
        if not or_whole:
            raise nothing_to_split()
        check_paths(opened, target, options)
        return {"": propose_seen(seen, target, replace(options, individuals="auto"))}
    folders = unique_sessions(individuals)
    _check_holds_individuals(target, folders.values())
    proposals = {}
    for name, folder in folders.items():
        chosen = replace(options.inside(folder), individuals=name)
        check_paths(opened, target / folder, chosen)
        proposals[name] = propose_seen(of_individual(seen, name, chosen), target / folder, chosen)
    return proposals


def _check_holds_individuals(target: Path, folders: Collection[str]) -> None:
    """Refuse a folder that is a target itself or holds something else than these targets.

    Lightning Pose's app looks into the folders of a project, so projects can't lie inside one another.
    """
    if has_plan(target):
        message = "is a target itself, and --individuals split makes several targets inside it"
        raise TargetRefused.of("target-holds-a-project", str(target), message, advice="choose a new folder")
    if target.is_dir():
        check_only_holds(target, folders)


def convert_each_individual(
    source: str | Path | LocatedProject,
    target: str | Path,
    options: Options,
    run_options: RunOptions | None = None,
    *,
    register_as: str | None = None,
    watch: Watch | None = None,
) -> dict[str, Outcome]:
    """Migrate a multi-animal project into one target per individual, and return the outcome of each.

    The project is read once. A video is made once and cloned into the other targets. Errors are those of
    :func:`propose_each` and :func:`dlc2lp.migration.convert`.
    """
    proposals = propose_each(source, target, options, watch=watch)
    # All or none: a refused target is known before the first is written.
    for proposal in proposals.values():
        for refusal in preview_of(proposal.plan).refusals:
            raise refusal
    folders = {name: Path(proposal.plan.target) for name, proposal in proposals.items()}
    outcomes = {}
    for name, proposal in proposals.items():
        twins = tuple(folder for other, folder in folders.items() if other != name)
        how = replace(run_options or RunOptions(), twins=twins)
        app_name = None if register_as is None else f"{register_as or Path(target).name}-{name}"
        outcomes[name] = carry_out(proposal, how, register_as=app_name, watch=watch)
    return outcomes
