"""The door to the source: whatever a person pointed at becomes a :class:`~dlc2lp.survey.source.Source`. Only reads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from dlc2lp.dlc.locate import LocatedProject
from dlc2lp.errors import UsageError
from dlc2lp.events import Watch
from dlc2lp.model import Setting
from dlc2lp.options import Options
from dlc2lp.survey.calibrations import check_calibration_paths
from dlc2lp.survey.cameras import has_views, survey_views
from dlc2lp.survey.individuals import labelled_individuals, unique_individual
from dlc2lp.survey.labels import AnimalLabels, animal_labels
from dlc2lp.survey.project import Survey, survey
from dlc2lp.survey.session_ties import SessionTie
from dlc2lp.survey.source import Source, View


def look(
    source: LocatedProject | None,
    options: Options,
    known: Iterable[SessionTie] = (),
    watch: Watch | None = None,
) -> Source:
    """Read a source once, for whatever is asked of it afterwards.

    The source is None where the options name the project of each camera. ``known`` says which frames images are, as
    far as an earlier plan found out; the watch hears how far the comparison of images with videos is, and stops it.
    What stands against migrating a project is in the result.

    Raises
    ------
    SourceRefused
        It holds nothing of a DeepLabCut project.
    UsageError
        The options contradict each other, or there is no source.
    Interrupted
        The work is to stop.
    """
    check_calibration_paths(options.calibration)
    if has_views(source, options):
        return survey_views(source, options, known, watch=watch)
    if source is None:
        raise no_source()
    seen = survey(source, options, known, watch=watch)
    if options.individuals == "split":  # which individuals there are is seen now; each is decided on by itself
        options = replace(options, individuals="auto")
    return _single(seen, animal_labels(seen, options))


def no_source() -> UsageError:
    """Return the error for a call that names neither a source nor views."""
    advice, ways = "give a DeepLabCut project, or each camera's with {}", (Setting("view", ("NAME=SOURCE",)),)
    return UsageError.of("no-source", "SOURCE", "found no source", advice=advice, remedies=ways)


def _single(seen: Survey, labels: AnimalLabels) -> Source:
    """Return a project as the source of a single view, whose recordings are called like its folders."""
    folders = {chosen.session.name: chosen.session.name for chosen in labels.project.sessions}
    videos = {video.stem: video.session for video in seen.videos if video.session}
    view = View("", seen, labels, folders, videos)
    return Source((view,), findings=labels.findings, questions=labels.questions, refusals=labels.refusals)


def individuals_of(source: Source) -> tuple[str, ...]:
    """Return the individuals of a single camera that have labels, ``single`` among them.

    Raises SourceRefused where the project can't be migrated as it is.
    """
    labels = source.views[0].labels
    if labels.refusals:
        labels.or_raise()
    tables = [session.labels for session in labels.project.sessions if session.labels is not None]
    found = (name for table in tables for name in (*labelled_individuals(table), *unique_individual(table)))
    return tuple(dict.fromkeys(found))


def of_individual(source: Source, name: str, options: Options) -> Source:
    """Return the source with the labels of one individual; nothing is read again."""
    view = source.views[0]
    labels = animal_labels(view.survey, replace(options, individuals=name), view.labels.project)
    return _single(view.survey, labels)
