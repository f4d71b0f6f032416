"""What was surveyed: the cameras of a source, one or several, each with its project and the labels that count.

One camera is the usual case: a single view without a name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dlc2lp.files import FileRecord
from dlc2lp.model import Finding
from dlc2lp.survey.calibrations import Calibrations
from dlc2lp.survey.labels import AnimalLabels
from dlc2lp.survey.project import Survey


@dataclass(frozen=True)
class View:
    """One camera."""

    name: str  #: As the source or the person calls it; empty where there is a single camera.
    #: The project that holds its frames, which other cameras may share, and which of its labels count.
    survey: Survey
    labels: AnimalLabels
    #: Recording by session of that project, for its folders; those of other cameras are not in it.
    session_of: Mapping[str, str]
    video_of: Mapping[str, str]  #: Recording by stem of a video.

    def recording(self, folder: str, session: str) -> str:
        """Return the recording of a session; where its folder holds several, these follow the folder's."""
        return self.session_of[folder] + session.removeprefix(folder)


@dataclass(frozen=True)
class Source:
    """All cameras: everything that planning needs to know, and that is read once."""

    views: tuple[View, ...]  #: The cameras in order; none where it could not be said which there are.
    calibrations: Calibrations = field(default_factory=Calibrations)  #: How they stand.
    #: What is odd, what a person must decide, and why it can't be migrated so.
    findings: tuple[Finding, ...] = ()
    questions: tuple[Finding, ...] = ()
    refusals: tuple[Finding, ...] = ()
    #: Folders with labels that belong to no camera: (folder, labelled points, labeled frames).
    outsiders: tuple[tuple[str, int, int], ...] = ()
    config: FileRecord | None = None  #: Of a 3D project the configuration that names the cameras.

    @property
    def is_multiview(self) -> bool:
        """Whether the cameras have names: then they are one Lightning Pose project with several views."""
        return any(view.name for view in self.views)

    @property
    def surveys(self) -> tuple[tuple[Survey, AnimalLabels], ...]:
        """Each project once, with the labels that count."""
        unique = {id(view.survey): (view.survey, view.labels) for view in reversed(self.views)}
        return tuple(reversed(unique.values()))

    @property
    def texts(self) -> tuple[FileRecord, ...]:
        """The files that labels, names and calibrations come from, by their paths, each as it was when it was read."""
        calibrations = (self.calibrations.for_all, *self.calibrations.by_session.values())
        read = [self.config, *(each.content for each in calibrations if each)]
        for seen, _ in self.surveys:
            read += [seen.split.content if seen.split else None, *(each.content for each in seen.evaluations)]
            for project in (seen.project, *seen.merged):
                read += [project.config.content if project.config else None]
                read += [file.content for each in project.sessions for file in (*each.label_files, *each.machine_files)]
        by_path = {record.path: record for record in read if record is not None}
        return tuple(by_path[path] for path in sorted(by_path))

    @property
    def n_labeled_frames(self) -> int:
        """Frames with a label of all projects, as far as it is decided which labels count."""
        return sum(labels.n_source_frames for _, labels in self.surveys)

    @property
    def n_labeled_cells(self) -> int:
        """Labelled cells of all projects, likewise."""
        return sum(labels.n_source_cells for _, labels in self.surveys)

    @property
    def cameras(self) -> tuple[tuple[str, ...], ...]:
        """For each project the cameras that it holds; empty for a single camera."""
        return tuple(
            tuple(view.name for view in self.views if view.survey is survey and view.name) for survey, _ in self.surveys
        )
