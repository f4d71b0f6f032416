"""Which of the label files and columns of a project are its labels.

A session can hold a CSV beside its HDF5, a second person's file, backup copies, two scorers in one file. The rules here
pick one table per session or, where the files don't tell which, ask: a question names the candidates and the
option that decides. Pure: everything was read before.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dlc2lp.dlc.columns import scorers
from dlc2lp.dlc.joining import RowConflict, same_values
from dlc2lp.dlc.label_file import FileKind, LabelFile
from dlc2lp.dlc.labels import Interpreted, interpret
from dlc2lp.dlc.project import DlcProject, DlcSession
from dlc2lp.errors import UnreadableFile
from dlc2lp.model import Finding, ImageInfo, LabelTable, Setting, Severity, question
from dlc2lp.options import LabelSource
from dlc2lp.survey.machine_labels import Predictions, labels_equal_predictions, read_predictions
from dlc2lp.wording import counted

#: Names of copies that file managers and people leave beside the real file.
_COPY = re.compile(r"( - |[ _-])?(copy|kopie|copie|copia|old|backup|bak|orig)( ?\(\d+\))?$| \(\d+\)$|~$", re.IGNORECASE)

#: Ends of the names of backups that DeepLabCut's own conversions leave (``convert2_maDLC``,
#: ``convertannotationdata_fromwindows2unixstyle``).
_DLC_BACKUPS = ("singleanimal", "multianimal", "windows", "unix", "_individuals")

_SCORER = Setting("scorer", ("NAME",))


@dataclass(frozen=True)
class SessionLabels:
    """A session with the labels that count."""

    session: DlcSession  #: The folder as it lies on disk.
    labels: LabelTable | None  #: Its labels; None where it has none that can be read.
    label_file: Path | None  #: The file they come from.
    #: Labelled points of the file that belong to no image, and so can't be in ``labels``; a finding names them.
    n_left_out: int = 0
    predictions: Predictions | None = None  #: Its machine labels.
    other_folders: Mapping[str, str] = field(default_factory=dict)  #: Images whose row names another folder, and which.


@dataclass(frozen=True)
class ProjectLabels:
    """The outcome of choosing: one table per session, what to say about it, what to ask."""

    sessions: tuple[SessionLabels, ...]
    findings: tuple[Finding, ...]
    questions: tuple[Finding, ...]


def project_labels(project: DlcProject, scorer: str | None, source: LabelSource) -> ProjectLabels:
    """Choose each session's labels by the rules above.

    Without a scorer it is that of the configuration; ``source`` says which file counts where CSV and HDF5 differ.
    """
    chooser = _Chooser(project, scorer, source)
    sessions = _rehome([chooser.choose(session) for session in project.sessions])
    return ProjectLabels(tuple(sessions), tuple(chooser.findings), tuple(dict.fromkeys(chooser.questions)))


@dataclass(frozen=True)
class _Reading:
    """A label file, what it means (None: nothing that can be used), and what is to be said of it."""

    file: LabelFile
    meaning: Interpreted | None
    findings: list[Finding]


class _Chooser:
    """Chooses session by session, and remembers what to say and to ask."""

    def __init__(self, project: DlcProject, scorer: str | None, source: LabelSource) -> None:
        self.findings: list[Finding] = []
        self.questions: list[Finding] = []
        self._source = source
        self._wanted = scorer or (project.config.scorer if project.config else "")

    def choose(self, session: DlcSession) -> SessionLabels:
        """Choose the labels of one session."""
        predictions = read_predictions(session, self.findings)
        readings = [self._read(file, session) for file in self._which_files(session)]
        usable = {reading.file.kind: reading.meaning for reading in readings if reading.meaning is not None}
        if not usable:
            for reading in readings:
                self.findings += reading.findings
            return SessionLabels(session, None, None, predictions=predictions)
        kind = self._which_kind([reading.file for reading in readings], usable)
        for reading in readings:
            # The faults of a file that is not used cost nothing.
            self.findings += reading.findings if reading.file.kind == kind else _as_warnings(reading.findings)
        path = next(reading.file.path for reading in readings if reading.file.kind == kind)
        chosen = usable[kind]
        self.findings += chosen.findings
        if chosen.conflicts:
            self.questions.append(_conflicting_rows(path, chosen.conflicts))
        if predictions is not None:
            self._compare(session, chosen.labels, predictions)
        return SessionLabels(session, chosen.labels, path, chosen.n_left_out, predictions, chosen.other_folders)

    def _which_files(self, session: DlcSession) -> list[LabelFile]:
        """Return the files of one scorer, HDF5 and CSV, that count; none where a person must say which."""
        by_scorer: dict[str, list[LabelFile]] = {}
        for file in session.label_files:
            by_scorer.setdefault(file.stem_scorer, []).append(file)
        if self._wanted in by_scorer:
            self._say_left_aside(session, self._wanted, by_scorer)
            return by_scorer[self._wanted]
        holders = [
            name
            for name, files in by_scorer.items()
            if any(file.table is not None and self._wanted in scorers(file.table) for file in files)
        ]
        names = holders if len(holders) == 1 else [name for name in by_scorer if not _is_backup(name, by_scorer)]
        names = names or list(by_scorer)
        if len(names) > 1:
            missing = f"none of the scorer {self._wanted!r}" if self._wanted else "no config.yaml that names the scorer"
            found, candidates = f"found {len(names)} label files and {missing}", tuple(sorted(names))
            self.questions.append(question("several-label-files", session.name, found, "{}", (_SCORER,), candidates))
            return []
        if not names:
            return []
        self._say_left_aside(session, names[0], by_scorer)
        if self._wanted and not holders:
            message = f"found {_file_name(names[0])}, expected {_file_name(self._wanted)}; used it"
            advice = "if these are not the labels you mean, move the file away"
            self.findings.append(_warning("scorer-differs", session.name, message, advice))
        return by_scorer[names[0]]

    def _say_left_aside(self, session: DlcSession, used: str, names: Iterable[str]) -> None:
        others = [name for name in names if name != used]
        if others:
            message = f"used {_file_name(used)}; left aside {', '.join(map(_file_name, others))}"
            advice = "to use another one: {}"
            self.findings.append(_warning("other-label-files", session.name, message, advice, (_SCORER,)))

    def _read(self, file: LabelFile, session: DlcSession) -> _Reading:
        """Give one file its meaning, if it has one."""
        findings = list(file.findings)
        if file.table is None:
            return _Reading(file, None, findings)
        blocks = scorers(file.table)
        block = self._wanted if self._wanted in blocks else next(iter(blocks), None)
        if len(blocks) > 1 and self._wanted not in blocks:
            found = f"found labels of {len(blocks)} scorers in one file, none of them {self._wanted!r}"
            self.questions.append(question("several-scorers", str(file.path), found, "{}", (_SCORER,), blocks))
            return _Reading(file, None, findings)
        if len(blocks) > 1:
            others = ", ".join(name for name in blocks if name != block)
            message = f"used the labels of {block}; left aside those of {others}"
            findings.append(_warning("other-scorers", str(file.path), message))
        elif block and block != file.stem_scorer:
            message = f"found the scorer {block!r} in the file, expected {file.stem_scorer!r} by its name; used it"
            findings.append(_warning("scorer-in-file-differs", str(file.path), message))
        try:
            meaning = interpret(file.table, session=session.name, scorer=block, path=file.path, images=session.images)
        except UnreadableFile as error:
            return _Reading(file, None, [*findings, *error.findings])
        return _Reading(file, meaning, findings)

    def _which_kind(self, files: Sequence[LabelFile], read: dict[FileKind, Interpreted]) -> FileKind:
        """CSV or HDF5: DeepLabCut trains on the HDF5, people edit the CSV."""
        if len(read) == 1:
            kind = next(iter(read))
            message = f"could not be read; the labels come from the {kind.upper()} beside it"
            others = (str(file.path) for file in files if file.kind != kind)
            self.findings += [_warning("label-file-unreadable", other, message) for other in others]
            return kind
        newest = max(files, key=lambda file: (file.mtime_ns, file.kind)).kind
        kind = newest if self._source == "newest" else self._source
        difference = same_values(read["h5"].labels, read["csv"].labels)
        if difference:
            csv = next(str(file.path) for file in files if file.kind == "csv")
            message = (
                f"differs from the HDF5 in {counted(difference.n_cells, 'labelled cell')} ({difference.summary()}); "
                f"used the {kind.upper()}. HDF5 and CSV: {'; '.join(difference.first)}"
            )
            advice = "DeepLabCut trains on the HDF5; to use the other one: {}"
            other = Setting("labels", ("csv" if kind == "h5" else "h5",))
            self.findings.append(_warning("csv-differs-from-h5", csv, message, advice, (other,)))
        return kind

    def _compare(self, session: DlcSession, labels: LabelTable, predictions: Predictions) -> None:
        n = labels_equal_predictions(labels, predictions)
        if n:
            message = (
                f"{counted(n, 'labelled point equals', 'labelled points equal')} a prediction of {predictions.model} "
                "with a likelihood below 0.6 to the last digit; perhaps nobody has looked there"
            )
            advice = "check some such frames in the Lightning Pose app"
            self.findings.append(_warning("labels-equal-predictions", session.name, message, advice))


def _warning(code: str, subject: str, message: str, advice: str = "", remedies: tuple[Setting, ...] = ()) -> Finding:
    return Finding(Severity.WARNING, code, subject, message, "", advice, remedies)


def _as_warnings(findings: Iterable[Finding]) -> list[Finding]:
    return [
        dataclasses.replace(finding, severity=Severity.WARNING) if finding.severity is Severity.ERROR else finding
        for finding in findings
    ]


def _conflicting_rows(path: Path, conflicts: Sequence[RowConflict]) -> Finding:
    images, points = counted(len(conflicts), "image"), counted(sum(len(each.cells) for each in conflicts), "point")
    message = f"the rows of {images} contradict each other in {points}, listed one by one"
    advice = "delete the wrong row of each image in DeepLabCut, or take another file with {}"
    return question("conflicting-rows", str(path), message, advice, (_SCORER,))


def _file_name(name: str) -> str:
    return f"CollectedData_{name}" if name else "CollectedData"


def _is_backup(name: str, names: Iterable[str]) -> bool:
    """Whether a file's scorer part looks like that of a copy of another file."""
    originals = {name.removesuffix(end) for end in _DLC_BACKUPS} | {_COPY.sub("", name)}
    return bool((originals - {name}) & set(names))


def _rehome(sessions: list[SessionLabels]) -> list[SessionLabels]:
    """Let rows whose image lies in the folder that they name, and not in their own, belong to that folder.

    A label file that was copied into the wrong folder names the right one; where that folder has a row of its own for
    the image, that row counts, and the copied one stays without an image.
    """
    images = {chosen.session.name: chosen.session.images for chosen in sessions}
    labelled = {
        (frame.session, frame.file_name)
        for chosen in sessions
        if chosen.labels is not None
        for frame in chosen.labels.frames
    }
    return [_rehome_session(chosen, images, labelled) for chosen in sessions]


def _rehome_session(
    chosen: SessionLabels, images: Mapping[str, Mapping[str, ImageInfo]], labelled: set[tuple[str, str]]
) -> SessionLabels:
    if chosen.labels is None:
        return chosen
    frames = []
    for frame in chosen.labels.frames:
        name = frame.file_name
        home = chosen.other_folders.get(name, "")
        moves = name not in chosen.session.images and name in images.get(home, {}) and (home, name) not in labelled
        frames.append(dataclasses.replace(frame, session=home) if moves else frame)
    return dataclasses.replace(chosen, labels=dataclasses.replace(chosen.labels, frames=tuple(frames)))
