"""How much of one file is taken in, so that none makes dlc2lp need more than 1 GB of memory.

What a file only claims (the pixels of an image, the cells of a table) is compared with these numbers before anything is
made of it. They are far above what labs have; where one is not, ``DLC2LP_MEMORY_GB`` raises all of them alike: with 2,
files of twice the size are read, in twice the memory.
"""

from __future__ import annotations

import errno
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, AnyStr, Final, NamedTuple

from dlc2lp.errors import UsageError
from dlc2lp.files import TooLarge, look_at, read_bytes, read_text
from dlc2lp.wording import counted

#: Gigabytes that reading one file may take.
MEMORY_VARIABLE: Final = "DLC2LP_MEMORY_GB"
_USUAL_GB: Final = 1.0
#: What needs more than this many is no file that anybody works with.
_MOST_GB: Final = 256
_UNITS: Final = (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3))


class Beyond(NamedTuple):
    """That something is beyond a limit, in words."""

    message: str  #: What was found, and what expected.
    advice: str  #: What raises the limit.


@dataclass(frozen=True)
class Limit:
    """The largest number of something that is taken, in proportion to the memory."""

    per_gb: int  #: How many where 1 GB may be used.
    one: str = "byte"  #: What is counted, in the singular; bytes are told as MB.
    of: str = ""  #: Whose they are, as in ``found 300 MB of text``.

    @property
    def at_most(self) -> int:
        """How many are taken. Raises UsageError (``memory-invalid``) where the variable holds no number above 0."""
        return int(self.per_gb * _memory_gb())

    def beyond(self, n: int) -> Beyond | None:
        """Return what to say of so many; None where they are taken."""
        if n <= self.at_most:
            return None
        found, most = (self._amount(each) for each in (n, self.at_most))
        needed_gb = math.ceil(n / self.per_gb)
        advice = f"to read it all the same, let dlc2lp use more memory: set {MEMORY_VARIABLE}={needed_gb}"
        if needed_gb > _MOST_GB:
            advice = "it is damaged, or nothing that a lab has; restore it from a backup, or take it out of the folder"
        return Beyond(f"found {found}{f' of {self.of}' if self.of else ''}, expected at most {most}", advice)

    def check(self, path: str | Path) -> None:
        """Raise TooLarge where a file has more bytes, and OSError where it is none."""
        self.check_size(look_at(path).st_size, path)

    def check_size(self, n_bytes: int, path: str | Path = "") -> None:
        """Raise TooLarge where so many bytes are more than are taken."""
        if beyond := self.beyond(n_bytes):
            error = TooLarge(errno.EINVAL, beyond.message, str(path))
            error.advice = beyond.advice
            raise error

    def read(self, path: str | Path) -> bytes:
        """Return what a file holds; raises as :meth:`check`."""
        self.check(path)
        return read_bytes(path, self.at_most)

    def read_text(self, path: str | Path, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Return the text of a file, with Unix's line ends; raises as :meth:`check`, and UnicodeError."""
        self.check(path)
        return read_text(path, self.at_most, encoding=encoding, errors=errors)

    def lines(self, stream: IO[AnyStr]) -> Iterator[AnyStr]:
        """Yield the lines of a file; raise TooLarge for one that is longer: a file without line ends is one line."""
        most = self.at_most
        while line := stream.readline(most + 1):
            if len(line) > most:
                self.check_size(len(line))
            yield line

    def _amount(self, n: int) -> str:
        if self.one != "byte":
            return counted(n, self.one)
        unit, factor = next((each for each in _UNITS if n >= each[1]), ("", 1))
        return f"{n / factor:.0f} {unit}" if unit else counted(n, "byte")


def _memory_gb() -> float:
    text = os.environ.get(MEMORY_VARIABLE, "")
    if not text:
        return _USUAL_GB
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number > 0):
        message = f"found {text!r}, expected a number of gigabytes above 0"
        raise UsageError.of("memory-invalid", MEMORY_VARIABLE, message, advice="correct it, or unset it")
    return number


#: A table of labels as text: 100,000 frames of 20 keypoints take 60 MB. Its text takes up to four times its bytes, and
#: its cells some 60 bytes each where it is not an ordinary file.
CSV_BYTES: Final = Limit(100_000_000)
CSV_TEXT_BYTES: Final = Limit(200_000_000, of="text in memory")
CSV_CELLS: Final = Limit(6_500_000, "cell")
#: 20 animals of 500 keypoints have 30,000.
COLUMNS: Final = Limit(50_000, "column")
#: One line of a table that is read line by line, as predictions are.
CSV_LINE_BYTES: Final = Limit(4_000_000, of="text in one line")

#: A configuration: ten thousand videos with long paths take 2 MB and 40,000 values. Each value takes 1 kB while PyYAML
#: is at it.
CONFIG_BYTES: Final = Limit(8_000_000)
YAML_VALUES: Final = Limit(300_000, "value")
#: Values after each alias is written out. Nine lines of nested aliases ("billion laughs") make 10**9.
YAML_WRITTEN_OUT: Final = Limit(1_000_000, "value", of="aliases that are written out")
#: Settings of DeepLabCut 1 as a Python script, of which a syntax tree takes some hundred times as much.
SCRIPT_BYTES: Final = Limit(500_000)
#: Calibrations and lists, which people write.
SMALL_TEXT_BYTES: Final = Limit(2_000_000)

#: The sensors of labs have up to 100 megapixels. Channels of 16 bits count twice.
PIXELS: Final = Limit(128_000_000, "pixel")
IMAGE_BYTES: Final = Limit(400_000_000)

#: Arrays of an HDF5 file together, and one piece that is unpacked at a time.
H5_BYTES: Final = Limit(256_000_000, of="numbers")
H5_PIECE_BYTES: Final = Limit(64_000_000, of="numbers in one piece")
H5_NAMES: Final = Limit(1_000_000, "name")
H5_NAMES_BYTES: Final = Limit(100_000_000, of="names")

#: A pickle: the split of 100,000 labeled frames takes 50 to 80 MB.
PICKLE_BYTES: Final = Limit(128_000_000)
PICKLE_VALUES_BYTES: Final = Limit(600_000_000, of="values")
