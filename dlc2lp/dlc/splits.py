"""Which frames each shuffle of a project trained on and which it tested on.

``create_training_dataset`` merges the labels of all folders into one table and divides its rows. What it keeps of
that (``auxiliaryfunctions.save_metadata``, in ``Documentation_data-<Task>_<percent>shuffle<k>.pickle``) are
positions in the table; but every later call writes the table anew, with more frames in it, and the order of its
rows changed with the versions. Beside the positions stand the names of the frames that it trained on, as far as
they had labels. So positions are believed only where an order of the rows is found in which they lead to these
names. A split that fits no order is reported, never used in part.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dlc2lp.dlc.config import DlcConfig
from dlc2lp.dlc.session import DlcSession
from dlc2lp.dlc.split_pickle import LIST, LIST_ADVICE, WrittenSplit, read_split_pickle
from dlc2lp.dlc.split_proof import doubt, frames_of, misfit
from dlc2lp.dlc.training_table import Frame, ProjectFrames, TrainingTable, possible_tables, shown
from dlc2lp.errors import DecisionNeeded
from dlc2lp.files import FileRecord
from dlc2lp.model import Finding, Setting, Severity, question
from dlc2lp.wording import counted, some

_ITERATION = re.compile(r"iteration-([0-9]{1,9})")
#: A task may hold anything, so the numbers are taken from the end.
_DOCUMENTATION = re.compile(r"Documentation_data-.*_([0-9]{1,3})shuffle([0-9]{1,9})\.pickle", re.DOTALL)
_N_NAMED = 20  # splits that an error lists


@dataclass(frozen=True)
class SplitFile:
    """One shuffle's documentation, by its name alone."""

    path: Path  #: The pickle.
    iteration: int  #: Number of the training set.
    data_set: str  #: Its folder, ``UnaugmentedDataSet_<Task><date>``.
    train_percent: int  #: Share of training frames as the name has it, cut: 28 for 0.29, since 100 * 0.29 < 29.
    shuffle: int  #: Number of the shuffle.

    @property
    def name(self) -> str:
        """How people tell it from the project's others: ``iteration-0/95/1``."""
        return f"iteration-{self.iteration}/{self.train_percent}/{self.shuffle}"

    @property
    def full_name(self) -> str:
        """The same with the data set, where an iteration has several because the task was renamed."""
        return f"iteration-{self.iteration}/{self.data_set}/{self.train_percent}/{self.shuffle}"

    def is_called(self, wanted: str) -> bool:
        """Whether a person can mean it by ``1``, ``95/1`` or one of its names."""
        short = (str(self.shuffle), f"{self.train_percent}/{self.shuffle}")
        return wanted in {*short, self.name, self.full_name}


@dataclass(frozen=True)
class Split:
    """The frames of a shuffle."""

    file: SplitFile  #: Where it comes from.
    #: (session, image) of the frames, labelled or not. No frame is in both, and frames that were labelled later are in
    #: neither. Both are empty where ``verified`` is false.
    train: frozenset[Frame]
    test: frozenset[Frame]
    verified: bool  #: Whether the frames that the pickle names stand where its positions lead.
    findings: tuple[Finding, ...]  #: What was odd; ``split-unverified`` says why a split can't be used.
    content: FileRecord | None = None  #: The pickle as it was when it was read, where somebody wants to know it.


def list_splits(root: Path, config: DlcConfig | None) -> tuple[SplitFile, ...]:
    """Find the splits of a project, those of its current iteration first: the config's, else the highest."""
    found = []
    for path in root.glob("training-datasets/iteration-*/UnaugmentedDataSet_*/Documentation_data-*.pickle"):
        iteration = _ITERATION.fullmatch(path.parts[-3])
        numbers = _DOCUMENTATION.fullmatch(path.name)
        if iteration and numbers:
            data_set = path.parent.name
            found.append(SplitFile(path, int(iteration[1]), data_set, int(numbers[1]), int(numbers[2])))
    current = _current_iteration(found, config)
    own = _own_data_set(config)

    def order(file: SplitFile) -> tuple[bool, int, bool, str, int, int]:
        other = file.iteration != current, file.iteration, file.data_set != own
        return *other, file.data_set, file.train_percent, file.shuffle

    return tuple(sorted(found, key=order))


def choose_split(splits: Sequence[SplitFile], config: DlcConfig | None, wanted: str) -> SplitFile:
    """Find the split that a person means by ``1`` (the shuffle), ``95/1`` or ``iteration-0/95/1``.

    Without an iteration, the split is one of the current one. Where the task was renamed, the config's data set goes
    before others. Raises DecisionNeeded: ``unknown-split``, there is none of that name; ``several-splits``, there is
    more than one, for example with different training fractions.
    """
    wanted = wanted.strip()
    named = [file for file in splits if file.is_called(wanted)]
    if not wanted.startswith("iteration-"):
        current = _current_iteration(splits, config)
        named = [file for file in named if file.iteration == current]
    own = _own_data_set(config)
    named = [file for file in named if file.data_set == own] or named
    if not named:
        listed = some(_names(splits), _N_NAMED)
        found = f"found only {listed}" if splits else "found no splits in training-datasets"
        advice = "choose one of them, or leave out {}" if splits else "leave out {}"
        message = f"{found}, expected {wanted!r}"
        raise DecisionNeeded(question("unknown-split", f"--split {wanted}", message, advice, (Setting("split"),)))
    if len(named) > 1:
        message = f"found {len(named)} splits that are called so, expected one"
        remedies = tuple(Setting("split", (name,)) for name in _names(named))
        advice = "choose one: " + " or ".join("{}" for _ in remedies)
        raise DecisionNeeded(question("several-splits", f"--split {wanted}", message, advice, remedies))
    return named[0]


def read_split(file: SplitFile, sessions: Sequence[DlcSession], config: DlcConfig | None) -> Split:
    """Read which frames a shuffle trained on and which it tested on.

    The positions are looked up in the merged table that lies beside the pickle; where its names contradict, in
    the labels of the project's folders, merged as DeepLabCut's versions did. Raises UnreadableFile as
    :func:`read_split_pickle` does.
    """
    written = read_split_pickle(file.path)
    frames = ProjectFrames(sessions)
    problems: dict[str, str] = {}
    possible: list[TrainingTable] = []
    for table in possible_tables(file.path.parent, sessions, frames, config):
        problem = table.problem or misfit(table.rows, written)
        if not problem and table.is_rebuilt and written.leaves_out(table.rows):
            problem = "other frames are labelled now than then"  # and in which order they were is not known either
        speaks_against = problem or doubt(table.rows, written)
        if not speaks_against:
            return _split(file, table, written, frames, problems)
        problems.setdefault(table.source, speaks_against)
        if not problem and not written.leaves_out(table.rows):
            possible.append(table)
    if len({frames_of(table.rows, written) for table in possible}) == 1:
        return _split(file, possible[0], written, frames, problems)
    why = "; ".join(f"{source}: {problem}" for source, problem in problems.items())
    message = f"found row numbers that fit no labels here, so its test frames can't be told ({why})"
    advice = "choose another split, or leave out {}; " + LIST_ADVICE
    remedies = (Setting("split"), LIST)
    finding = Finding(Severity.ERROR, "split-unverified", str(file.path), message, file.name, advice, remedies)
    return Split(file, frozenset(), frozenset(), verified=False, findings=(finding,))


def _current_iteration(splits: Sequence[SplitFile], config: DlcConfig | None) -> int:
    """The config's iteration if it has splits, else the highest that has."""
    iterations = {file.iteration for file in splits}
    if config is not None and config.iteration in iterations:
        return config.iteration
    return max(iterations, default=0)


def _own_data_set(config: DlcConfig | None) -> str:
    return f"UnaugmentedDataSet_{config.task}{config.date}" if config else ""


def _names(splits: Sequence[SplitFile]) -> list[str]:
    """Names that tell these splits apart, each fit for ``--split``."""
    names = [file.name for file in splits]
    return [file.full_name if names.count(file.name) > 1 else file.name for file in splits]


def _split(
    file: SplitFile, table: TrainingTable, written: WrittenSplit, frames: ProjectFrames, problems: Mapping[str, str]
) -> Split:
    """The frames at the positions, in rows that were proven."""
    train, test = frames_of(table.rows, written)
    odd: list[tuple[Severity, str, str]] = []
    if table.is_rebuilt:
        why = "; ".join(f"{source}: {problem}" for source, problem in problems.items() if source != table.source)
        found = f"found no merged labels that fit ({why})" if why else "found no merged labels beside it"
        odd.append((Severity.NOTE, "split-order-rebuilt", f"{found}; those of the folders, merged anew, do fit"))
    both = sorted(train & test)
    if both:
        # an image with two rows, or a last row to which the padding of the training rows led
        found = f"{counted(len(both), 'frame')} among its training and its test frames, such as {shown(both[0])}"
        odd.append((Severity.WARNING, "split-overlap", f"found {found}; taken for training, as DeepLabCut did"))
    gone = sorted(frame for frame in train | test if not frames.has(frame))
    if gone:
        message = f"found {len(gone)} of its {counted(len(train | test), 'frame')} no longer in the project"
        odd.append((Severity.WARNING, "split-frames-gone", f"{message}, such as {shown(gone[0])}"))
    findings = [Finding(severity, code, str(file.path), message, file.name) for severity, code, message in odd]
    if not test - train:
        message = f"found no test frames in it, only {counted(len(train), 'training frame')}"
        advice = "choose another split; " + LIST_ADVICE
        code, place = "split-without-test", str(file.path)
        findings.append(Finding(Severity.WARNING, code, place, message, file.name, advice, (LIST,)))
    return Split(file, train, test - train, verified=True, findings=(*table.findings, *findings))
