"""What DeepLabCut kept of a train/test split: positions of rows, and the names of the frames that it trained on.

It stands in ``Documentation_data-<Task>_<percent>shuffle<k>.pickle`` (``auxiliaryfunctions.save_metadata``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dlc2lp.dlc.training_table import FrameTitle, TableRow, frame_title
from dlc2lp.dlc.unpickle import load_arrays
from dlc2lp.errors import UnreadableFile
from dlc2lp.files import open_regular
from dlc2lp.model import Setting
from dlc2lp.placeholders import check_is_here

#: Stands among the positions where DeepLabCut filled them up, so that their share is the training fraction exactly.
PADDING = -1

LIST_ADVICE = "see all splits with {}"
LIST = Setting("split", ("list",))
_RESTORE = "restore the file from a backup, or choose another split; " + LIST_ADVICE


@dataclass(frozen=True)
class WrittenSplit:
    """A pickle's content."""

    train: tuple[int, ...]  #: Positions of training rows, with the padding.
    test: tuple[int, ...]  #: Positions of test rows, without.
    #: Names of frames that it did train on, each once, in the order of their positions.
    trained: Mapping[FrameTitle, None]

    @property
    def positions(self) -> frozenset[int]:
        """The rows that are in either part."""
        return frozenset(self.train + self.test) - {PADDING}

    def leaves_out(self, rows: Sequence[TableRow]) -> bool:
        """Whether rows are in neither part, as all are that were labelled after the split was made."""
        return len(self.positions) < len(rows)


def read_split_pickle(path: Path) -> WrittenSplit:
    """``[data, train positions, test positions, fraction]``; each of ``data`` is a dictionary with an ``image``.

    Raises UnreadableFile: as :func:`load_arrays`; ``split-unreadable``, it can't be opened or holds something else.
    """
    subject = str(path)
    try:
        if not path.exists():
            raise _unreadable(subject, "found no such file, expected a pickle")
        check_is_here(path)
        with open_regular(path) as file:
            content = load_arrays(file, subject)
    except OSError as error:
        raise _unreadable(subject, f"can't be opened: {error.strerror or error}") from error
    if not isinstance(content, list | tuple) or len(content) != 4 or not isinstance(content[0], list | tuple):
        raise _unreadable(subject, "found a pickle of something else, expected frames, two lists and a fraction")
    data, train, test, _fraction = content
    trained = dict.fromkeys(frame_title(_image(entry, subject)) for entry in data)
    test_positions = tuple(position for position in _positions(test, subject) if position != PADDING)
    written = WrittenSplit(_positions(train, subject), test_positions, trained)
    if not written.positions:
        raise _unreadable(subject, "found no rows in it, expected those of training and test frames")
    return written


def _unreadable(subject: str, message: str, where: str = "") -> UnreadableFile:
    return UnreadableFile.of("split-unreadable", subject, message, where=where, advice=_RESTORE, remedies=(LIST,))


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
    items = value.tolist() if isinstance(value, np.ndarray) else value
    if not isinstance(items, list | tuple):
        raise _unreadable(subject, f"found {type(value).__name__}, expected a list of rows")
    positions = []
    for item in items:
        number = item.item() if isinstance(item, np.generic) else item
        if isinstance(number, float) and number.is_integer():
            number = int(number)
        if type(number) is not int or number < PADDING:
            found = repr(number) if isinstance(number, int | float) else type(number).__name__
            raise _unreadable(subject, f"found the row {found}, expected whole numbers from 0 on")
        positions.append(number)
    return tuple(positions)
