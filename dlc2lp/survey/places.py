"""What of the disk a survey depends on: where all is as it was, another survey says the same."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from dlc2lp.files import absolute
from dlc2lp.listing import Place
from dlc2lp.options import Options
from dlc2lp.survey.project import Survey
from dlc2lp.survey.source import Source


@dataclass(frozen=True)
class ReadFrom:
    """Where a survey looked."""

    roots: frozenset[Path]  #: The folders of the projects.
    #: All places that the source was read from, or would be read from if something were there.
    places: tuple[Place, ...]

    @classmethod
    def of(cls, source: Source, options: Options) -> Self:
        """Where a source was read from."""
        named = [*options.merge, *options.labels_from, *options.calibration, *options.video_roots]
        named += [path for _, path in options.views]
        found = [Place(str(absolute(path)), "tree") for path in named]
        # Beside DeepLabCut's calibration lies the configuration that names its cameras.
        found += [Place(str(absolute(path / ".." / "..")), "folder") for path in options.calibration]
        found += [place for survey, _ in source.surveys for place in _of_survey(survey)]
        roots = frozenset(survey.project.root for survey, _ in source.surveys)
        return cls(roots, tuple(dict.fromkeys(found)))


def _of_survey(survey: Survey) -> Iterator[Place]:
    for project in (survey.project, *survey.merged):
        yield Place(str(project.root), "tree")
        yield Place(str(project.root.parent), "folder")  # videos beside a project are found too
        config = project.config
        for entry in (*config.video_sets, *config.video_sets_original) if config else ():
            if Path(entry.recorded).is_absolute():
                yield Place(entry.recorded, "file")
    for video in survey.videos:
        yield Place(str(video.path), "file")
        # DeepLabCut's predictions lie beside their video.
        yield Place(str(video.path.parent), "folder")
        yield Place(os.path.dirname(os.path.realpath(video.path)), "folder")  # noqa: PTH120
