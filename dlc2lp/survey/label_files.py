"""Which of the label files and columns of a project are its labels.

A session can hold a CSV beside its HDF5, a second person's file, backup copies, two scorers in one file. The rules here
pick one table per session or, where the files don't tell which, ask: a question names the candidates and the
option that decides. Pure: everything was read before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as Collection
from dataclasses import dataclass, replace
from pathlib import Path

from dlc2lp.dlc.columns import scorers
from dlc2lp.dlc.joining import Difference, RowConflict, same_values
from dlc2lp.dlc.label_file import FileKind, LabelFile
from dlc2lp.dlc.labels import Interpreted, interpret
from dlc2lp.dlc.project import DlcProject
from dlc2lp.dlc.session import DlcSession
from dlc2lp.dlc.table import hold_the_same
from dlc2lp.errors import UnreadableFile
from dlc2lp.model import Finding, LabelTable, Setting, Severity, question
from dlc2lp.options import LabelSource
from dlc2lp.survey.machine_labels import Predictions, labels_equal_predictions, read_predictions
from dlc2lp.survey.row_homes import bring_home
from dlc2lp.survey.session_labels import SessionLabels
from dlc2lp.survey.spelling import copied_names
from dlc2lp.survey.unseen import Unseen, find_unseen, tell_unseen
from dlc2lp.wording import counted, name_key, some, spelled

#: Ends of the names of backups that DeepLabCut's own conversions leave (``convert2_maDLC``,
#: ``convertannotationdata_fromwindows2unixstyle``).
_DLC_BACKUPS = ("singleanimal", "multianimal", "windows", "unix", "_individuals")

_N_TOLD_EACH = 4  # sessions or files of which the same is said one by one

_SCORER = Setting("scorer", ("NAME",))


@dataclass(frozen=True)
class ProjectLabels:
    """The outcome of choosing: one table per session, what to say about it, what to ask."""

    sessions: tuple[SessionLabels, ...]
    findings: tuple[Finding, ...]
    questions: tuple[Finding, ...]


def project_labels(project: DlcProject, scorer: str | None, source: LabelSource | None) -> ProjectLabels:
    """Choose each session's labels by the rules above.

    Without a scorer it is that of the configuration; ``source`` says which file counts where CSV and HDF5 differ (None:
    the HDF5, unless labeled frames would be lost by that).
    """
    chooser = _Chooser(project, scorer, source)
    chosen = [chooser.choose(session) for session in project.sessions]
    sessions, told = bring_home(chosen)
    findings = [*_alike_once(chooser.findings), *chooser.rounded(), *told, *tell_unseen(chooser.unseen)]
    questions = dict.fromkeys([*chooser.unmet(), *chooser.questions])
    return ProjectLabels(tuple(sessions), tuple(findings), tuple(questions))


@dataclass(frozen=True)
class _Reading:
    """A label file, what it means (None: nothing that can be used), and what is to be said of it."""

    file: LabelFile
    meaning: Interpreted | None
    findings: list[Finding]


class _Chooser:
    """Chooses session by session, and remembers what to say and to ask."""

    def __init__(self, project: DlcProject, scorer: str | None, source: LabelSource | None) -> None:
        self.findings: list[Finding] = []
        self.questions: list[Finding] = []
        self.unseen: list[Unseen] = []
        self._source = source
        self._asked_for = spelled(scorer or "")
        self._wanted = self._asked_for or (project.config.scorer if project.config else "")
        self._scorers: dict[str, None] = {}  # of all label files
        self._repeating: set[Path] = set()  # files that hold what the one in use does
        self._rounded: list[tuple[Path, Difference]] = []  # CSVs that hold fewer digits than the HDF5

    def choose(self, session: DlcSession) -> SessionLabels:
        """Choose the labels of one session."""
        predictions = read_predictions(session, self.findings)
        n_questions = len(self.questions)
        files = self._which_files(session)
        readings: list[_Reading] = []
        for file in files:
            readings.append(self._read(file, session, readings))
        usable = {reading.file.kind: reading.meaning for reading in readings if reading.meaning is not None}
        if not usable:
            for reading in readings:
                self.findings += reading.findings
            chosen = SessionLabels(session, None, None, predictions=predictions)
            aside = None if len(self.questions) > n_questions else session.label_files
            return self._without_unseen(chosen, aside, readings)
        kind = self._which_kind([reading.file for reading in readings], usable)
        for reading in readings:
            # The faults of a file that is not used cost nothing.
            self.findings += reading.findings if reading.file.kind == kind else _as_warnings(reading.findings)
        path = next(reading.file.path for reading in readings if reading.file.kind == kind)
        used = usable[kind]
        self.findings += used.findings
        if used.conflicts:
            self.questions.append(_conflicting_rows(path, used.conflicts))
        if predictions is not None:
            self._compare(session, used.labels, predictions)
        chosen = SessionLabels(
            session,
            used.labels,
            path,
            used.n_left_out,
            predictions,
            used.other_folders,
            used.near_images,
        )
        others = [each for each in session.label_files if _is_aside(each, path) and each.path not in self._repeating]
        return self._without_unseen(chosen, others, readings)

    def _without_unseen(
        self, chosen: SessionLabels, aside: Sequence[LabelFile] | None, readings: Sequence[_Reading]
    ) -> SessionLabels:
        """Count what is not used of a session's labels; where it is asked which count (None), nothing is certain."""
        if aside is None:
            return chosen
        session = chosen.session
        names = {file.stem_scorer for file in session.label_files}
        # Copies that DeepLabCut's conversions leave hold the same, under other names of individuals.
        unseen = find_unseen(session, chosen.labels, [file for file in aside if not _is_dlc_backup(file, names)])
        # The twin of the file in use is told with it, and one that can't be read with the reason.
        told = {each.file.path for each in readings if chosen.labels is not None or each.findings}
        files = tuple(file for file in unseen.files if file.path not in told or _is_second_table(file, chosen))
        self.unseen.append(replace(unseen, files=files, in_use=chosen.label_file))
        withheld = unseen.images
        if not unseen.has_labels and any(file.table is None for file in unseen.files):
            withheld = frozenset(session.images)
        return replace(
            chosen,
            n_left_out=chosen.n_left_out + len(unseen.cells),
            n_frames_unseen=unseen.n_frames,
            withheld=withheld,
        )

    def unmet(self) -> list[Finding]:
        """Ask where a scorer was given and nobody of that name labelled anything."""
        if not self._asked_for or not self._scorers or self._asked_for in self._scorers:
            return []
        found = tuple(sorted(self._scorers))
        message = f"found no labels of {self._asked_for!r} in any session, only those of {some(map(repr, found))}"
        return [question("unknown-scorer", "--scorer", message, "{}, or leave it out", (_SCORER,), found)]

    def rounded(self) -> list[Finding]:
        """Tell once which CSVs hold fewer digits than the HDF5 beside them."""
        if not self._rounded:
            return []
        points = counted(sum(each.n_rounded for _, each in self._rounded), "point differs", "points differ")
        largest_px = max(each.largest_rounding_px for _, each in self._rounded)
        files = counted(len(self._rounded), "CSV", "CSVs")
        message = (
            f"{points} from the HDF5 by less than a thousandth of a pixel (at most {largest_px:.1g} px) in {files}"
        )
        where = some(str(path) for path, _ in self._rounded)
        return [Finding(Severity.NOTE, "csv-rounded", "CSV", f"{message}: saved with fewer digits", where)]

    def _which_files(self, session: DlcSession) -> list[LabelFile]:
        """Return the files of one scorer, HDF5 and CSV, that count; none where a person must say which."""
        by_scorer: dict[str, list[LabelFile]] = {}
        for file in session.label_files:
            by_scorer.setdefault(file.stem_scorer, []).append(file)
            blocks = scorers(file.table) if file.table is not None else ()
            self._scorers |= dict.fromkeys((file.stem_scorer, *blocks))
        if taken := [file for file in session.label_files if file.is_taken]:
            return self._one_of_each_kind(session, taken)
        if self._wanted in by_scorer:
            self._say_left_aside(session, self._wanted, by_scorer)
            return self._one_of_each_kind(session, by_scorer[self._wanted])
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
        return self._one_of_each_kind(session, by_scorer[names[0]])

    def _say_left_aside(self, session: DlcSession, used: str, names: Iterable[str]) -> None:
        others = [name for name in names if name != used]
        if others:
            message = f"used {_file_name(used)}; left aside {', '.join(map(_file_name, others))}"
            advice = "to use another one: {}"
            self.findings.append(_warning("other-label-files", session.name, message, advice, (_SCORER,)))

    def _one_of_each_kind(self, session: DlcSession, files: Sequence[LabelFile]) -> list[LabelFile]:
        """Return a file of each kind; two of one kind (``CollectedData_S.csv`` and ``.CSV``) must hold the same."""
        by_kind: dict[FileKind, list[LabelFile]] = {}
        for file in files:
            by_kind.setdefault(file.kind, []).append(file)
        chosen = []
        for alike in by_kind.values():
            readable = [file for file in alike if file.table is not None] or alike
            others = [file for file in readable[1:] if not hold_the_same(readable[0].table, file.table)]
            if others:
                names = " and ".join(file.path.name for file in (readable[0], *others))
                message = f"found {names}, which hold different labels and are called alike"
                candidates = tuple(str(file.path) for file in (readable[0], *others))
                ways = (Setting("labels-from", ("PATH",)),)
                asked = question("several-label-files", session.name, message, "choose one with {}", ways, candidates)
                self.questions.append(asked)
                return []
            if len(readable) > 1:
                message = f"hold the same labels: {some(file.path.name for file in readable)}; used the first"
                self.findings.append(Finding(Severity.NOTE, "label-file-twice", session.name, message))
            chosen.append(readable[0])
        return chosen

    def _read(self, file: LabelFile, session: DlcSession, before: Sequence[_Reading]) -> _Reading:
        """Give one file its meaning, if it has one; it may be that of one read before, as a CSV repeats its HDF5."""
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
        elif block and file.stem_scorer and name_key(block) != name_key(file.stem_scorer) and not file.is_taken:
            message = f"found the scorer {block!r} in the file, expected {file.stem_scorer!r} by its name; used it"
            findings.append(_warning("scorer-in-file-differs", str(file.path), message))
        for twin in before:
            if twin.meaning is not None and _is_twin(twin.file, file):
                return _Reading(file, twin.meaning.found_in(twin.file.path, file.path), findings)
        try:
            meaning = interpret(
                file.table, session=session.name, scorer=block, path=file.path, images=session.image_names
            )
        except UnreadableFile as error:
            return _Reading(file, None, [*findings, *error.findings])
        return _Reading(file, meaning, findings)

    def _which_kind(self, files: Sequence[LabelFile], read: dict[FileKind, Interpreted]) -> FileKind:
        """CSV or HDF5: DeepLabCut trains on the HDF5, people edit the CSV."""
        if len(read) == 1:
            kind = next(iter(read))
            others = [file for file in files if file.kind != kind]
            if others and self._source in {file.kind for file in others}:
                message = f"--labels {self._source} asks for {others[0].path.name}, which can't be read"
                ways = (Setting("labels", (kind,)),)
                self.questions.append(question("labels-unreadable", str(others[0].path), message, "{}", ways))
            message = f"could not be read; the labels come from the {kind.upper()} beside it"
            # Those that are not here at all are told once for all of them.
            unread = (str(file.path) for file in others if file.placeholder is None)
            self.findings += [_warning("label-file-unreadable", other, message) for other in unread]
            return kind
        newest = max(files, key=lambda file: (file.mtime_ns, file.kind)).kind
        kind = newest if self._source == "newest" else self._source or "h5"
        other: FileKind = "csv" if kind == "h5" else "h5"
        difference = same_values(read["h5"].labels, read["csv"].labels)
        csv = next(file.path for file in files if file.kind == "csv")
        if difference.n_rounded:
            self._rounded.append((csv, difference))
        if not difference:
            self._repeating |= {file.path for file in files if file.kind == other}
        else:
            self._say_different(difference, kind, csv, _frames_lost(read[kind].labels, read[other].labels))
        return kind

    def _say_different(self, difference: Difference, kind: FileKind, csv: Path, n_lost: tuple[int, int]) -> None:
        """Tell how CSV and HDF5 differ; ask where labeled frames would be lost, unless a person said which counts."""
        other = "csv" if kind == "h5" else "h5"
        differs = f"differs from the HDF5 in {counted(difference.n_cells, 'labelled cell')} ({difference.summary()})"
        values = f"HDF5 and CSV: {'; '.join(difference.first)}"
        n_frames, n_cells = n_lost
        if n_frames and self._source is None:
            frames = counted(n_frames, "frame has", "frames have")
            message = f"{differs}; {frames} labels only in the {other.upper()} ({counted(n_cells, 'labelled cell')}). "
            advice, ways = "{} takes the CSV, {} the HDF5", (Setting("labels", ("csv",)), Setting("labels", ("h5",)))
            asked = question("csv-differs-from-h5", str(csv), message + values, advice, ways, ("csv", "h5"))
            self.questions.append(asked)
            return
        message = f"{differs}; used the {kind.upper()}. {values}"
        advice = "DeepLabCut trains on the HDF5; to use the other one: {}"
        self.findings.append(_warning("csv-differs-from-h5", str(csv), message, advice, (Setting("labels", (other,)),)))

    def _compare(self, session: DlcSession, labels: LabelTable, predictions: Predictions) -> None:
        n = sum(labels_equal_predictions(labels, predictions).values())
        if n:
            message = (
                f"{counted(n, 'labelled point equals', 'labelled points equal')} a prediction of {predictions.model} "
                "with a likelihood below 0.6 to the last digit; perhaps nobody has looked there"
            )
            advice = "check some such frames in the Lightning Pose app"
            self.findings.append(_warning("labels-equal-predictions", session.name, message, advice))


def _alike_once(findings: Sequence[Finding]) -> list[Finding]:
    """Tell once what is said of many sessions or files in the same words; of a few, each is told."""
    alike: dict[Finding, list[str]] = {}
    for finding in findings:
        alike.setdefault(replace(finding, subject=""), []).append(finding.subject)
    told = []
    for finding, subjects in alike.items():
        names = list(dict.fromkeys(subjects))
        if len(names) <= _N_TOLD_EACH:
            told += [replace(finding, subject=name) for name in names]
        else:
            message = f"{counted(len(names), 'time')}: {finding.message}"
            told.append(replace(finding, subject=some(names, _N_TOLD_EACH), message=message))
    return told


def _frames_lost(used: LabelTable, other: LabelTable) -> tuple[int, int]:
    """Return how many frames have labels only in the table that is not used, and how many labels these are."""
    n_used = used.labelled.sum(axis=(1, 2)).tolist()
    have = {frame.file_name for frame, n in zip(used.frames, n_used, strict=True) if n}
    counts = other.labelled.sum(axis=(1, 2)).tolist()
    lost = [n for frame, n in zip(other.frames, counts, strict=True) if n and frame.file_name not in have]
    return len(lost), sum(lost)


def _warning(code: str, subject: str, message: str, advice: str = "", remedies: tuple[Setting, ...] = ()) -> Finding:
    return Finding(Severity.WARNING, code, subject, message, "", advice, remedies)


def _as_warnings(findings: Iterable[Finding]) -> list[Finding]:
    return [
        replace(finding, severity=Severity.WARNING) if finding.severity is Severity.ERROR else finding
        for finding in findings
    ]


def _conflicting_rows(path: Path, conflicts: Sequence[RowConflict]) -> Finding:
    images, points = counted(len(conflicts), "image"), counted(sum(len(each.cells) for each in conflicts), "point")
    message = f"the rows of {images} contradict each other in {points}, listed one by one"
    advice = "make the rows of each image say the same, or take another file with {}"
    return question("conflicting-rows", str(path), message, advice, (Setting("labels-from", ("PATH",)),))


def _file_name(name: str) -> str:
    return f"CollectedData_{name}" if name else "CollectedData"


def _is_twin(file: LabelFile, other: LabelFile) -> bool:
    """Whether two files of one name but for the suffix hold one table."""
    return file.table is other.table and file.path.stem == other.path.stem


def _is_aside(file: LabelFile, used: Path) -> bool:
    """Whether a file holds labels beside those in use: it is another one, or several tables or people are in it."""
    return file.path != used or bool(file.others) or (file.table is not None and len(scorers(file.table)) > 1)


def _is_second_table(file: LabelFile, chosen: SessionLabels) -> bool:
    """Whether labels stand in another table of the file in use."""
    return file.path == chosen.label_file and bool(file.others)


def _is_dlc_backup(file: LabelFile, names: Collection[str]) -> bool:
    """Whether a file is one that DeepLabCut's own conversions left beside what they made of it."""
    return any(file.stem_scorer.removesuffix(end) in names - {file.stem_scorer} for end in _DLC_BACKUPS)


def _is_backup(name: str, names: Iterable[str]) -> bool:
    """Whether a file's scorer part looks like that of a copy of another file."""
    originals = {name.removesuffix(end) for end in _DLC_BACKUPS} | set(copied_names(name))
    return bool((originals - {name}) & set(names))
