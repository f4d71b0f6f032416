"""Which of the label files and columns of a project are its labels.

A session can hold a CSV beside its HDF5, a second person's file, backup copies, two scorers in one file. The
rules here pick one table per session or, where the files don't tell which, ask: a :class:`Decision` names the
candidates and the option that decides. Pure: everything was read before.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dlc2lp.dlc.labels import Interpreted, count_labels, interpret, same_values, scorers
from dlc2lp.dlc.project import DlcProject, DlcSession, FileKind, LabelFile
from dlc2lp.errors import UnreadableFile
from dlc2lp.migrate.options import Options
from dlc2lp.model import Finding, LabelTable, Severity

#: Names of copies that DeepLabCut's own conversions and file managers leave beside the real file.
_BACKUP = re.compile(r"( - |[ _-])?(copy|kopie|copie|old|backup|bak|orig)( ?\(\d+\))?$| \(\d+\)$|~$", re.IGNORECASE)
_DLC_BACKUP_SUFFIXES = ("singleanimal", "multianimal", "windows", "unix", "_individuals")


@dataclass(frozen=True)
class Decision:
    """Something that only a person can decide.

    Attributes
    ----------
    code
        Stable kebab-case name of the question.
    subject
        What it is about.
    message
        What was found and why it can't be decided here.
    candidates
        The possible answers.
    option
        The option that gives the answer; empty where this version of dlc2lp has none.
    """

    code: str
    subject: str
    message: str
    candidates: tuple[str, ...]
    option: str

    def as_finding(self) -> Finding:
        """The question as a finding, with its candidates in the hint."""
        answer = f"decide with {self.option}" if self.option else "this version can't convert such a project"
        listed = f"; candidates: {', '.join(self.candidates)}" if self.candidates else ""
        return Finding(Severity.ERROR, self.code, self.subject, self.message, hint=answer + listed)


@dataclass(frozen=True)
class ChosenSession:
    """A session with the labels that count.

    Attributes
    ----------
    session
        The folder as it lies on disk.
    labels
        Its labels; None where it has none that can be read.
    label_file
        The file they come from.
    n_left_out
        Labelled points of the file that belong to no image, and so can't be in ``labels``; a finding names them.
    """

    session: DlcSession
    labels: LabelTable | None
    label_file: Path | None
    n_left_out: int = 0


@dataclass(frozen=True)
class Chosen:
    """The outcome of choosing: one table per session, what to say about it, what to ask."""

    sessions: tuple[ChosenSession, ...]
    findings: tuple[Finding, ...]
    decisions: tuple[Decision, ...]


def choose_labels(project: DlcProject, options: Options) -> Chosen:
    """Choose each session's labels by the rules above."""
    findings: list[Finding] = []
    decisions: list[Decision] = []
    wanted = options.scorer or (project.config.scorer if project.config else "")
    sessions = [_choose_session(session, wanted, options, findings, decisions) for session in project.sessions]
    decisions += _unsupported(project, sessions)
    return Chosen(tuple(sessions), tuple(findings), tuple(dict.fromkeys(decisions)))


def _choose_session(
    session: DlcSession, wanted: str, options: Options, findings: list[Finding], decisions: list[Decision]
) -> ChosenSession:
    by_scorer: dict[str, list[LabelFile]] = {}
    for file in session.label_files:
        by_scorer.setdefault(file.stem_scorer, []).append(file)
    name = _which_file(session, by_scorer, wanted, options, findings, decisions)
    if name is None:
        return ChosenSession(session, None, None)
    readable: dict[FileKind, Interpreted] = {}
    for file in by_scorer[name]:
        interpreted = _interpret_file(file, session, wanted, options, findings, decisions)
        if interpreted is not None:
            readable[file.kind] = interpreted
    if not readable:
        return ChosenSession(session, None, None)
    kind = _which_kind(by_scorer[name], readable, options, findings)
    path = next(file.path for file in by_scorer[name] if file.kind == kind)
    interpreted = readable[kind]
    findings += interpreted.findings
    if interpreted.conflicts:
        decisions.append(
            Decision(
                "conflicting-rows",
                str(path),
                f"{len(interpreted.conflicts)} images have two rows with different values: "
                + "; ".join(str(conflict) for conflict in interpreted.conflicts[:5]),
                (),
                "",
            )
        )
    return ChosenSession(session, interpreted.labels, path, interpreted.n_left_out)


def _which_file(
    session: DlcSession,
    by_scorer: dict[str, list[LabelFile]],
    wanted: str,
    options: Options,
    findings: list[Finding],
    decisions: list[Decision],
) -> str | None:
    """Return the scorer part of the file name whose files count, or None."""
    if wanted in by_scorer:
        others = [name for name in by_scorer if name != wanted]
        if others:
            findings.append(
                Finding(
                    Severity.WARNING,
                    "other-label-files",
                    session.name,
                    f"used CollectedData_{wanted}; left aside {', '.join(map(_file_name, others))}",
                    hint="to use another one: --scorer NAME",
                )
            )
        return wanted
    names = [name for name in by_scorer if not _is_backup(name, by_scorer)] or list(by_scorer)
    if len(names) > 1:
        decisions.append(
            Decision(
                "several-label-files",
                session.name,
                f"found {len(names)} label files and none of the scorer {wanted!r} of config.yaml"
                if wanted
                else f"found {len(names)} label files and no config.yaml that names the scorer",
                tuple(sorted(names)),
                "--scorer NAME",
            )
        )
        return None
    if names and wanted and names[0] != wanted and options.scorer is None:
        findings.append(
            Finding(
                Severity.WARNING,
                "scorer-differs",
                session.name,
                f"found {_file_name(names[0])}, expected CollectedData_{wanted} by the scorer of config.yaml; used it",
                hint=f"if these are not the labels you mean, remove the file or give --scorer {wanted}",
            )
        )
    return names[0] if names else None


def _file_name(name: str) -> str:
    return f"CollectedData_{name}" if name else "CollectedData"


def _is_backup(name: str, names: Iterable[str]) -> bool:
    """Whether a file's scorer part looks like that of a copy of another file."""
    if name.endswith(_DLC_BACKUP_SUFFIXES):
        return True
    stripped = _BACKUP.sub("", name)
    return stripped != name and stripped in set(names)


def _interpret_file(
    file: LabelFile,
    session: DlcSession,
    wanted: str,
    options: Options,
    findings: list[Finding],
    decisions: list[Decision],
) -> Interpreted | None:
    if file.table is None:
        findings += file.findings
        return None
    findings += file.findings
    blocks = scorers(file.table)
    block = wanted if wanted in blocks else next(iter(blocks), None)
    if len(blocks) > 1 and wanted not in blocks:
        decisions.append(
            Decision(
                "several-scorers",
                str(file.path),
                f"found labels of {len(blocks)} scorers in one file",
                blocks,
                "--scorer NAME",
            )
        )
        return None
    try:
        return interpret(file.table, session=session.name, scorer=block, path=file.path, images=session.images)
    except UnreadableFile as error:
        findings += error.findings
        return None


def _which_kind(
    files: Sequence[LabelFile],
    readable: dict[FileKind, Interpreted],
    options: Options,
    findings: list[Finding],
) -> FileKind:
    """CSV or HDF5: DeepLabCut trains on the HDF5, people edit the CSV."""
    if len(readable) == 1:
        kind = next(iter(readable))
        for file in files:
            if file.kind != kind:
                findings.append(
                    Finding(
                        Severity.WARNING,
                        "label-file-unreadable",
                        str(file.path),
                        f"could not be read; the labels come from the {kind.upper()} beside it",
                    )
                )
        return kind
    kind = "h5" if options.labels == "newest" else options.labels
    paths = {file.kind: file.path for file in files}
    if options.labels == "newest":
        kind = max(files, key=lambda file: (file.mtime_ns, file.kind)).kind
    difference = same_values(readable["h5"].labels, readable["csv"].labels)
    if difference:
        findings.append(
            Finding(
                Severity.WARNING,
                "csv-differs-from-h5",
                str(paths["csv"]),
                f"the CSV and the HDF5 differ in {difference.n_cells} labelled cells "
                f"({difference.summary()}); used the {kind.upper()}",
                where="; ".join(difference.first),
                hint="DeepLabCut trains on the HDF5; to use the other: --labels " + ("csv" if kind == "h5" else "h5"),
            )
        )
    return kind


def _unsupported(project: DlcProject, sessions: Sequence[ChosenSession]) -> list[Decision]:
    """What this version reads but can't yet convert: named and refused, never converted wrongly."""
    table: Counter[tuple[str, str]] = Counter()
    for chosen in sessions:
        if chosen.labels is not None and chosen.labels.individuals != ("",):
            for index, individual in enumerate(chosen.labels.individuals):
                table[individual, chosen.session.name] = int(chosen.labels.labelled[:, index].sum())
    if not table:
        return []
    individuals = sorted({individual for individual, _ in table})
    counts = ", ".join(
        f"{individual}: {sum(n for (name, _), n in table.items() if name == individual)} labelled points"
        for individual in individuals
    )
    return [
        Decision(
            "multi-animal",
            project.name,
            f"found {len(individuals)} individuals ({counts}); Lightning Pose tracks one animal",
            tuple(individuals),
            "",
        )
    ]


def total_labels(sessions: Iterable[ChosenSession]) -> int:
    """Labelled cells of all chosen tables: points with both coordinates."""
    return sum(count_labels(chosen.labels) for chosen in sessions if chosen.labels is not None)
