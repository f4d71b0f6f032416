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
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dlc2lp.dlc.config import DlcConfig
from dlc2lp.dlc.merged import Frame, FrameTitle, MergedOrder, MergedRow, ProjectFrames, frame_title, merged_orders
from dlc2lp.dlc.project import DlcSession
from dlc2lp.dlc.unpickle import load_arrays
from dlc2lp.errors import DecisionNeeded, UnreadableFile
from dlc2lp.model import Finding, Severity
from dlc2lp.wording import counted

_ITERATION = re.compile(r"iteration-([0-9]{1,9})")
#: A task may hold anything, so the numbers are taken from the end.
_DOCUMENTATION = re.compile(r"Documentation_data-.*_([0-9]{1,3})shuffle([0-9]{1,9})\.pickle", re.DOTALL)
_PADDING = -1
_N_NAMED = 20  # splits that an error lists
_LIST = "see all splits with --split list"
_RESTORE = "restore the file from a backup, or choose another split; " + _LIST


@dataclass(frozen=True)
class SplitFile:
    """One shuffle's documentation, by its name alone.

    Attributes
    ----------
    path
        The pickle.
    iteration
        Number of the training set.
    data_set
        Its folder, ``UnaugmentedDataSet_<Task><date>``.
    train_percent
        Share of training frames as the name has it, which is truncated: 28 for 0.29, since 100 * 0.29 is
        28.999999999999996.
    shuffle
        Number of the shuffle.
    """

    path: Path
    iteration: int
    data_set: str
    train_percent: int
    shuffle: int

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
    """The frames of a shuffle.

    Attributes
    ----------
    file
        Where it comes from.
    train, test
        (session, image) of the frames, labelled or not. No frame is in both, and frames that were labelled later
        are in neither. Both are empty where ``verified`` is false.
    verified
        Whether the frames that the pickle names stand where its positions lead.
    findings
        What was odd; ``split-unverified`` says why a split can't be used.
    """

    file: SplitFile
    train: frozenset[Frame]
    test: frozenset[Frame]
    verified: bool
    findings: tuple[Finding, ...]


def list_splits(root: Path, config: DlcConfig | None) -> tuple[SplitFile, ...]:
    """Find the splits of a project, those of its current training set first.

    Parameters
    ----------
    root
        The project folder.
    config
        Its configuration, which tells the current iteration; without one, it is the highest.
    """
    found = []
    for path in root.glob("training-datasets/iteration-*/UnaugmentedDataSet_*/Documentation_data-*.pickle"):
        iteration = _ITERATION.fullmatch(path.parts[-3])
        numbers = _DOCUMENTATION.fullmatch(path.name)
        if iteration and numbers:
            data_set = path.parent.name
            found.append(SplitFile(path, int(iteration[1]), data_set, int(numbers[1]), int(numbers[2])))
    current = _current_iteration(found, config)
    own = _own_data_set(config)
    return tuple(
        sorted(
            found,
            key=lambda file: (
                (file.iteration != current, file.iteration, file.data_set != own, file.data_set),
                (file.train_percent, file.shuffle),
            ),
        )
    )


def choose_split(splits: Sequence[SplitFile], config: DlcConfig | None, wanted: str) -> SplitFile:
    """Find the split that a person means.

    Parameters
    ----------
    splits
        All of the project.
    config
        Its configuration. Without an iteration in ``wanted``, the split is one of the config's iteration, or of
        the highest where that has none. Where the task was renamed, its own data set goes before others.
    wanted
        ``1`` (the shuffle), ``95/1`` or ``iteration-0/95/1``.

    Raises
    ------
    DecisionNeeded
        ``unknown-split``: there is none of that name. ``several-splits``: there is more than one, for example
        with different training fractions.
    """
    wanted = wanted.strip()
    named = [file for file in splits if file.is_called(wanted)]
    if not wanted.startswith("iteration-"):
        current = _current_iteration(splits, config)
        named = [file for file in named if file.iteration == current]
    own = _own_data_set(config)
    named = [file for file in named if file.data_set == own] or named
    if not named:
        found = f"found only {_listed(splits)}" if splits else "found no splits in training-datasets"
        advice = "choose one of them, or leave out --split" if splits else "leave out --split"
        raise DecisionNeeded.of("unknown-split", f"--split {wanted}", f"{found}, expected {wanted!r}", advice=advice)
    if len(named) > 1:
        message = f"found {len(named)} splits that are called so, expected one"
        choices = " or ".join(f"--split {name}" for name in _names(named))
        raise DecisionNeeded.of("several-splits", f"--split {wanted}", message, advice=f"choose one: {choices}")
    return named[0]


def read_split(file: SplitFile, sessions: Sequence[DlcSession], config: DlcConfig | None) -> Split:
    """Read which frames a shuffle trained on and which it tested on.

    The positions are looked up in the merged table that lies beside the pickle; where its names contradict, in
    the labels of the folders, merged as DeepLabCut's versions did.

    Parameters
    ----------
    file
        The split.
    sessions
        The project's folders.
    config
        The project's configuration.

    Raises
    ------
    UnreadableFile
        ``unsafe-pickle``, ``broken-pickle``, ``pickle-too-large``; ``split-unreadable``: it can't be opened, or
        holds something else than a split.
    """
    written = _read_pickle(file.path)
    frames = ProjectFrames(sessions)
    problems: dict[str, str] = {}
    possible: list[MergedOrder] = []
    for order in merged_orders(file.path.parent, sessions, frames, config, problems):
        problem = _misfit(order.rows, written)
        if not problem and order.is_rebuilt and written.leaves_out(order.rows):
            problem = "other frames are labelled now than then"  # and in which order they were is not known either
        doubt = problem or _doubt(order.rows, written)
        if not doubt:
            return _split(file, order, written, frames, problems)
        problems.setdefault(order.source, doubt)
        if not problem and not written.leaves_out(order.rows):
            possible.append(order)
    if len({_parts(order.rows, written) for order in possible}) == 1:
        return _split(file, possible[0], written, frames, problems)
    why = "; ".join(f"{source}: {problem}" for source, problem in problems.items())
    message = f"found row numbers that fit no labels here, so its test frames can't be told ({why})"
    advice = "choose another split, or leave out --split; " + _LIST
    finding = Finding(Severity.ERROR, "split-unverified", str(file.path), message, file.name, advice)
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


def _listed(splits: Sequence[SplitFile]) -> str:
    names = _names(splits)
    n_more = len(names) - _N_NAMED
    return ", ".join(names[:_N_NAMED]) + (f" and {n_more} more" if n_more > 0 else "")


# ---- what the pickle holds -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Written:
    """A pickle's content.

    Attributes
    ----------
    train
        Positions of training rows, with the padding.
    test
        Positions of test rows, without.
    trained
        Names of frames that it did train on, each once, in the order of their positions.
    """

    train: tuple[int, ...]
    test: tuple[int, ...]
    trained: Mapping[FrameTitle, None]

    @property
    def positions(self) -> frozenset[int]:
        return frozenset(self.train + self.test) - {_PADDING}

    def leaves_out(self, rows: Sequence[MergedRow]) -> bool:
        """Whether rows are in neither part, as all are that were labelled after the split was made."""
        return len(self.positions) < len(rows)


def _read_pickle(path: Path) -> _Written:
    """``[data, train positions, test positions, fraction]``; each of ``data`` is a dictionary with an ``image``."""
    subject = str(path)
    try:
        if not path.is_file():
            raise _unreadable(subject, "found no such file, expected a pickle")
        with path.open("rb") as file:
            content = load_arrays(file, subject)
    except OSError as error:
        raise _unreadable(subject, f"can't be opened: {error.strerror or error}") from error
    if not isinstance(content, list | tuple) or len(content) != 4 or not isinstance(content[0], list | tuple):
        raise _unreadable(subject, "found a pickle of something else, expected frames, two lists and a fraction")
    data, train, test, _fraction = content
    trained = dict.fromkeys(frame_title(_image(entry, subject)) for entry in data)
    test_positions = tuple(position for position in _positions(test, subject) if position != _PADDING)
    written = _Written(_positions(train, subject), test_positions, trained)
    if not written.positions:
        raise _unreadable(subject, "found no rows in it, expected those of training and test frames")
    return written


def _unreadable(subject: str, message: str, where: str = "") -> UnreadableFile:
    return UnreadableFile.of("split-unreadable", subject, message, where=where, advice=_RESTORE)


def _image(entry: object, subject: str) -> tuple[str, ...]:
    """The cells that name a frame: one text up to 2.2.0.3, on Windows with backslashes; three since."""
    image = entry.get("image") if isinstance(entry, dict) else None
    if isinstance(image, str):
        return (str(image),)
    if isinstance(image, tuple | list) and image and all(isinstance(part, str | int) for part in image):
        return tuple(str(part) for part in image)  # a folder called 7 may be a number
    raise _unreadable(subject, "found a training frame without an image's name, expected one in each")


def _positions(value: object, subject: str) -> tuple[int, ...]:
    """Whole numbers of a list or array; ``numpy.append(positions, [])`` has made them floats, though equal."""
    import numpy as np

    items = value.tolist() if isinstance(value, np.ndarray) else value
    if not isinstance(items, list | tuple):
        raise _unreadable(subject, f"found {type(value).__name__}, expected a list of rows")
    positions = []
    for item in items:
        number = item.item() if isinstance(item, np.generic) else item
        if isinstance(number, float) and number.is_integer():
            number = int(number)
        if type(number) is not int or number < _PADDING:
            found = repr(number) if isinstance(number, int | float) else type(number).__name__
            raise _unreadable(subject, f"found the row {found}, expected whole numbers from 0 on")
        positions.append(number)
    return tuple(positions)


# ---- the proof -------------------------------------------------------------------------------------------------


def _misfit(rows: Sequence[MergedRow], written: _Written) -> str:
    """Why these rows can't be those that the positions mean; empty if they can."""
    last = max(written.positions)
    if last >= len(rows):
        return f"it has {counted(len(rows), 'row')} and the split counts to row {last + 1}"
    if not written.trained:
        return "the split names no training frame by which its rows could be known"
    # The padding leads to the last row, in DeepLabCut's own look-up too, which then trained on that frame.
    titles = {rows[position].title for position in written.train}
    strange = sorted(written.trained.keys() - titles)
    if strange:
        found = f"of {counted(len(written.trained), 'frame')} that it trained on, such as {_shown(strange[0])},"
        return counted(len(strange), f"{found} stands elsewhere", f"{found} stand elsewhere")
    # Names without their folder prove no order, and rows of two folders that carry the same one have none.
    meant: defaultdict[FrameTitle, set[Frame | None]] = defaultdict(set)
    for row in rows:
        meant[row.title].add(row.frame)
    titles |= {rows[position].title for position in written.test}
    unclear = [title for title in titles if len(meant[title]) > 1 or None in meant[title]]
    if unclear:
        return f"several folders have labels that they call {_shown(min(unclear))}"
    return _misfit_of_longer(rows, written) if written.leaves_out(rows) else ""


def _misfit_of_longer(rows: Sequence[MergedRow], written: _Written) -> str:
    """The same for more rows than the split has: as a rule some were added since, and those behind them moved on.

    Then names at the right places may be chance. It is none where they come in the order in which the split lists
    them, which DeepLabCut shuffles; but behind the last of them, nothing tells of an added row.
    """
    n_more = len(rows) - len(written.positions)
    titles = [rows[position].title for position in written.train]
    if list(dict.fromkeys(title for title in titles if title in written.trained)) != list(written.trained):
        return f"it has {counted(n_more, 'row')} more than the split, and not the same frames in the same order"
    behind = [position for position in written.test if position > max(_named(rows, written))]
    if behind:
        more = counted(n_more, "row")
        return f"it has {more} more than the split, so rows from {min(behind) + 1} on may be others than then"
    return ""


def _named(rows: Sequence[MergedRow], written: _Written) -> set[int]:
    """Training positions at which a frame stands that it trained on."""
    return {position for position in written.train if rows[position].title in written.trained}


def _doubt(rows: Sequence[MergedRow], written: _Written) -> str:
    """What still speaks against rows that have all the names in the right places; empty if nothing does.

    A split may have trained on rows without any label, whose names it does not keep. A row with labels in such a
    place is one that was labelled since, or it is another row.
    """
    named = _named(rows, written)
    for position in written.train:
        if position != _PADDING and position not in named and rows[position].is_labelled:
            return f"it has labels for {_shown(rows[position].title)} where the split trained on a frame without"
    return ""


def _shown(frame: Frame | FrameTitle) -> str:
    return repr("/".join(filter(None, frame)))


def _split(
    file: SplitFile, order: MergedOrder, written: _Written, frames: ProjectFrames, problems: dict[str, str]
) -> Split:
    """The frames at the positions, in rows that were proven."""
    train, test = _parts(order.rows, written)
    findings = list(order.findings)

    def find(severity: Severity, code: str, message: str, advice: str = "") -> None:
        findings.append(Finding(severity, code, str(file.path), message, file.name, advice))

    if order.is_rebuilt:
        why = "; ".join(f"{source}: {problem}" for source, problem in problems.items() if source != order.source)
        found = f"found no merged labels that fit ({why})" if why else "found no merged labels beside it"
        find(Severity.NOTE, "split-order-rebuilt", f"{found}; those of the folders, merged anew, do fit")
    both = sorted(train & test)
    if both:
        # an image with two rows, or a last row to which the padding of the training rows led
        found = f"{counted(len(both), 'frame')} among its training and its test frames, such as {_shown(both[0])}"
        find(Severity.WARNING, "split-overlap", f"found {found}; taken for training, as DeepLabCut did")
    gone = sorted(frame for frame in train | test if not frames.has(frame))
    if gone:
        message = f"found {len(gone)} of its {counted(len(train | test), 'frame')} no longer in the project"
        find(Severity.WARNING, "split-frames-gone", f"{message}, such as {_shown(gone[0])}")
    if not test - train:
        message = f"found no test frames in it, only {counted(len(train), 'training frame')}"
        find(Severity.WARNING, "split-without-test", message, "choose another split; " + _LIST)
    return Split(file, train, test - train, verified=True, findings=tuple(findings))


def _parts(rows: Sequence[MergedRow], written: _Written) -> tuple[frozenset[Frame], frozenset[Frame]]:
    """Training frames, those among them to which only the padding led, and test frames."""
    trained = {row.frame for row in rows if row.title in written.trained and row.frame}
    return frozenset(trained | _frames_at(rows, written.train)), frozenset(_frames_at(rows, written.test))


def _frames_at(rows: Sequence[MergedRow], positions: Sequence[int]) -> set[Frame]:
    frames = (rows[position].frame for position in positions if position != _PADDING)
    return {frame for frame in frames if frame is not None}
