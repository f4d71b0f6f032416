"""Which characters the bytes of a text file are: Unicode in its forms, else the code page that known names decide.

Spreadsheets write the code page of their system, and nothing in the file says which: the bytes of ``鼻子`` in GBK are
``±Ç×Ó`` in that of western Europe. A keypoint under a wrong name is a keypoint that nobody labelled, so a code page is
taken only where it makes names that are known from elsewhere: from the configuration, another session, the folder.
"""

from __future__ import annotations

import codecs
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dlc2lp.errors import UnreadableFile
from dlc2lp.model import Finding, Severity
from dlc2lp.wording import counted, some, spelled

SAVE_AS_UTF8: Final = "open the file where it was saved last, and save it there as 'CSV UTF-8'"

#: In the order of how usual they are: of several that make the same names the first is told.
_WINDOWS: Final = (
    "cp1252",
    "cp1250",
    "cp1251",
    *(f"cp{number}" for number in (1253, 1254, 1255, 1256, 1257, 1258, 874)),
)
_MAC: Final = tuple(
    f"mac_{name}" for name in ("roman", "cyrillic", "greek", "latin2", "turkish", "iceland", "croatian", "romanian")
)
_EAST_ASIA: Final = (
    *("gb18030", "cp932", "cp949", "big5hkscs", "cp950", "euc_jp", "euc_kr", "johab"),
    *("shift_jis_2004", "euc_jis_2004"),
)
_DOS: Final = tuple(
    f"cp{number}"
    for number in (437, 850, 852, 866, 858, 720, 737, 775, 855, 857, 860, 861, 862, 863, 864, 865, 869, 1006, 1125)
)
_UNIX: Final = (
    *(f"iso8859_{number}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16)),
    *("koi8_r", "koi8_u", "koi8_t", "kz1048", "ptcp154"),
)
CODE_PAGES: Final = (*_WINDOWS, *_EAST_ASIA, *_MAC, *_DOS, *_UNIX)

#: Those that a spreadsheet may have written where no name is known: where they disagree nobody can tell.
_WITHOUT_NAMES: Final = ("cp1252", "cp1250", "mac_roman")

#: Longer marks first: that of UTF-32 begins with that of UTF-16.
_MARKS: Final = (
    *((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be")),
    *((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")),
)


class UnknownCodePage(UnreadableFile):
    """The names in a text file can't be read: it is not Unicode, and no known name tells its code page."""


@dataclass(frozen=True)
class Decoded:
    """A file's text, and by which encoding."""

    text: str
    encoding: str  #: As Python calls it.


@dataclass(frozen=True)
class Choice:
    """The code page of a file."""

    encoding: str
    is_certain: bool  #: Whether known names decided; else the names are readable, and may be others.


def decode_unicode(data: bytes) -> Decoded | None:
    """Return the text of a file in any form of Unicode; None if it is in none."""
    marked = next(((mark, encoding) for mark, encoding in _MARKS if data.startswith(mark)), None)
    mark, encoding = marked or (b"", _unmarked(data))
    # Not to the end: a copy that was cut off within a character is cut off, not in another encoding.
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(data[len(mark) :], final=False)
    except UnicodeDecodeError:
        return None
    return Decoded(text.lstrip("\ufeff"), encoding)


def _unmarked(data: bytes) -> str:
    """Return the encoding of a file without a mark: in UTF-16 digits and separators have a zero in every other byte."""
    n_pairs = max(1, len(data) // 2)
    first, second = (data[start::2].count(0) / n_pairs for start in (0, 1))
    if second > 0.5 and first < 0.05:
        return "utf-16-le"
    return "utf-16-be" if first > 0.5 and second < 0.05 else "utf-8"


def normalised(texts: Iterable[str]) -> frozenset[str]:
    """The texts as they are compared: systems write accents in one character or in two."""
    return frozenset(map(spelled, texts))


def choose(
    points: Collection[bytes], others: Collection[bytes], names: frozenset[str], local: frozenset[str], path: Path
) -> Choice:
    """Return the code page of a file, given those of its texts that are not ASCII.

    Parameters
    ----------
    points
        Names of keypoints and individuals, which must be read rightly.
    others
        The scorer, and the folders and files in the rows: they help to decide.
    names
        What is known from elsewhere; empty if nothing is.
    local
        Names of the file's folder, of what lies in it, and in the file's own name.
    path
        The file.

    Raises
    ------
    UnknownCodePage
        ``csv-encoding``: no code page, or several that make different names, can be meant.
    """
    known = normalised(names | local)
    read = [each for each in (_Reading.under(page, points, others) for page in CODE_PAGES) if each is not None]
    if not points:
        best = max(read, key=lambda each: each.n_known(known)[1], default=None)
        return Choice(best.encoding if best else "latin-1", is_certain=True)
    most = max((each.n_known(known) for each in read), default=(0, 0))  # by the points first, then by the rest
    finalists = [each for each in read if each.n_known(known) == most]
    if most > (0, 0) and len({each.points for each in finalists}) == 1:
        return Choice(finalists[0].encoding, is_certain=True)
    if most[0]:
        possible = dict.fromkeys(f"{', '.join(each.points)} ({each.encoding})" for each in finalists)
        raise _unknown(path, len(points), f"the known names allow more than one: {some(possible, 2, '; ')}")
    if names - local:
        raise _unknown(path, len(points), "in none are they names that the project has elsewhere")
    guesses = [each for each in read if each.encoding in _WITHOUT_NAMES and each.is_western()]
    if len({each.points for each in guesses}) != 1:
        raise _unknown(path, len(points), "nothing tells in which one, neither a configuration nor another session")
    return Choice(guesses[0].encoding, is_certain=False)


def choose_east_asian(points: Collection[bytes], names: frozenset[str]) -> str | None:
    """Return the code page of East Asia in which all names are known ones; None if there is none.

    For bytes that happen to be UTF-8 too and make no known name so: a few characters of such a code page can.
    """
    known = normalised(names)
    read = (_Reading.under(page, points, ()) for page in _EAST_ASIA)
    return next((each.encoding for each in read if each and known.issuperset(each.points)), None)


@dataclass(frozen=True)
class _Reading:
    """What the texts are under one code page, normalised."""

    encoding: str
    points: tuple[str, ...]
    others: tuple[str, ...]

    @classmethod
    def under(cls, encoding: str, points: Collection[bytes], others: Collection[bytes]) -> _Reading | None:
        """The reading; None where a byte is no character, or one that no name has."""
        try:
            texts = [[each.decode(encoding) for each in group] for group in (points, others)]
        except UnicodeDecodeError:
            return None
        if any(unicodedata.category(char)[0] == "C" and char not in "\n\r\t" for text in texts[0] for char in text):
            return None
        # A path is compared folder by folder: which separator a row has depends on the system.
        parts = (part for text in texts[1] for part in text.replace("\\", "/").split("/") if not part.isascii())
        first, second = (list(map(spelled, group)) for group in (texts[0], parts))
        return cls(encoding, tuple(first), tuple(sorted(set(second))))

    def n_known(self, known: frozenset[str]) -> tuple[int, int]:
        """How many of the points, and of the other texts, are known."""
        return sum(text in known for text in self.points), sum(text in known for text in self.others)

    def is_western(self) -> bool:
        """Whether all points look like words with an accent or two, and not like another script read wrongly."""
        return all(map(_is_western, self.points))


def _is_western(text: str) -> bool:
    special = [char for char in text if not char.isascii()]
    n_plain = sum(char.isascii() and char.isalpha() for char in text)
    # "RŸcken", "cafÈ": a capital within a word, beside a small letter, is a small letter under another code page.
    shape = "".join("S" if char in special and char.isupper() else "a" if char.islower() else "A" for char in text)
    odd = any(pair in shape for pair in ("aS", "ASa", "SSa"))
    return all(map(str.isalpha, special)) and 2 * len(special) <= n_plain and not odd


def _unknown(path: Path, n_points: int, why: str) -> UnknownCodePage:
    found = f"found {counted(n_points, 'name')} of keypoints or individuals in a code page, not in Unicode"
    finding = Finding(Severity.ERROR, "csv-encoding", str(path), f"{found}; {why}", advice=SAVE_AS_UTF8)
    return UnknownCodePage(finding)
