"""What numpy's own functions become in a pickle that is read without them: arrays made of bytes that are there.

Used by :mod:`dlc2lp.dlc.unpickle` alone. Nothing here is called with anything but plain values, and no array is made
whose content does not fill it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dlc2lp.limits import Beyond, Limit
from dlc2lp.wording import counted

_MAX_DIMENSIONS: Final = 32


class BrokenError(Exception):
    """The opcodes make no value."""


class UnsafeError(Exception):
    """The opcodes ask for something that is not built here."""


class TooLargeError(Exception):
    """Reading on would take too much memory."""

    def __init__(self, beyond: Beyond) -> None:
        super().__init__(beyond.message)
        self.beyond = beyond  #: What to say of it.


def check_size(limit: Limit, n: int) -> None:
    """Raise TooLargeError for more than a limit."""
    if beyond := limit.beyond(n):
        raise TooLargeError(beyond)


def shown(name: object) -> str:
    """A name from a hostile file, fit for a terminal: without control characters and not too long."""
    text = str(name)
    return (text if text.isprintable() else ascii(text))[:100]


class ByteText(str):
    """Text of a Python 2 byte string, which may as well be the raw content of an array."""

    raw: bytes  #: The bytes themselves.

    def __new__(cls, raw: bytes) -> ByteText:
        """Decode the bytes."""
        try:
            # Python 2 read its source as bytes: u'\xe9' typed without the u is UTF-8 on Linux and macOS
            text = super().__new__(cls, raw.decode("utf-8"))
        except UnicodeDecodeError:
            text = super().__new__(cls, raw.decode("latin-1"))
        text.raw = raw
        return text


class Budget:
    """The memory that what one pickle holds may take."""

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._most_bytes = limit.at_most  # asked once: there are millions of operations
        self._spent_bytes = 0

    def spend(self, n_bytes: int) -> None:
        """Account for memory that a value takes."""
        self._spent_bytes += n_bytes
        if self._spent_bytes > self._most_bytes:
            check_size(self._limit, self._spent_bytes)


@dataclass(frozen=True)
class StandIn:
    """What a permitted global name becomes: a function of ours, or a mere word that functions are given."""

    name: str
    call: Callable[..., object] | None = None


@dataclass
class DataType:
    """``numpy.dtype``: simple types alone, because offsets of structured ones may point outside the data."""

    code: str  #: Kind and size, for example ``f8``, ``U12`` or ``O8``.
    byte_order: str = "="  #: ``<``, ``>``, ``|`` or ``=``.

    def set_state(self, state: object) -> None:
        """``dtype.__setstate__``: version, byte order, subarray, names, fields, size, alignment, flags."""
        if not (isinstance(state, tuple) and len(state) >= 8 and all(part is None for part in state[2:5])):
            raise BrokenError("an array's type is not a simple one")
        if not (isinstance(state[1], str) and state[1] in ("<", ">", "|", "=")):
            raise BrokenError("an array's type has no byte order")
        self.byte_order = state[1]

    @property
    def is_object(self) -> bool:
        """Whether elements are Python objects."""
        return self.code.startswith("O")

    def as_numpy(self) -> np.dtype[Any]:
        """The real thing."""
        try:
            return np.dtype(self.byte_order + self.code)
        except (TypeError, ValueError) as error:
            raise BrokenError(f"an array has the unknown type {shown(self.code)}") from error


@dataclass
class HalfArray:
    """``numpy.core.multiarray._reconstruct``: an array that waits for its content."""

    #: The array, once its content came; until then the memo may hold this object in its place.
    filled: NDArray[Any] | None = field(default=None)

    def fill(self, budget: Budget, state: object) -> NDArray[Any]:
        """``ndarray.__setstate__``: version, shape, type, Fortran order, content."""
        if not (isinstance(state, tuple) and len(state) == 5 and isinstance(state[3], int)):
            raise BrokenError("the content of an array has not the form that numpy writes")
        _version, shape, data_type, is_fortran, content = state
        self.filled = _filled(budget, content, data_type, shape, "F" if is_fortran else "C")
        return self.filled


def _filled(budget: Budget, content: object, data_type: object, shape: object, order: str) -> NDArray[Any]:
    """An array whose content fills its shape exactly, which numpy itself does not check for objects."""
    if not isinstance(data_type, DataType):
        raise BrokenError("an array has no type")
    dimensions = _dimensions(shape)
    count = math.prod(dimensions)
    if data_type.is_object:
        if not (isinstance(content, list) and len(content) == count):
            raise BrokenError(f"an array of shape {dimensions} does not hold {counted(count, 'object')}")
        budget.spend(8 * count)
        # numpy lists objects in C order, whatever the order of the array was
        return np.fromiter(content, dtype=object, count=count).reshape(dimensions)
    dtype = data_type.as_numpy()
    raw = content.raw if isinstance(content, ByteText) else content
    if not isinstance(raw, bytes):
        raise BrokenError("the content of an array is no bytes")
    if len(raw) != count * dtype.itemsize or dtype.itemsize == 0:
        raise BrokenError(f"an array of shape {dimensions} and type {dtype} does not hold {counted(len(raw), 'byte')}")
    budget.spend(len(raw))
    try:
        # copied, so that the caller may write into it
        return np.ndarray(dimensions, dtype, raw, order="F" if order == "F" else "C").copy(order="K")
    except ValueError as error:  # shape (0, 2**62) holds nothing, and yet is too big for numpy
        raise BrokenError(f"an array has the impossible shape {dimensions}") from error


def _dimensions(shape: object) -> tuple[int, ...]:
    if not (isinstance(shape, tuple) and len(shape) <= _MAX_DIMENSIONS):
        raise BrokenError("an array has no shape")
    if not all(type(length) is int and length >= 0 for length in shape):
        raise BrokenError("an array has a length that is no number")
    return shape


def _reconstruct(_budget: Budget, _subtype: object, _shape: object, _code: object) -> HalfArray:
    return HalfArray()


def _scalar(budget: Budget, data_type: object, content: object) -> object:
    if isinstance(data_type, DataType) and data_type.is_object:
        raise UnsafeError("a numpy scalar that is an object")
    return _filled(budget, content, data_type, (1,), "C")[0]


def _frombuffer(budget: Budget, content: object, data_type: object, shape: object, *layout: object) -> NDArray[Any]:
    """``numpy.core.numeric._frombuffer`` of protocol 5; since numpy 2.3 order ``K`` is followed by axes."""
    order, axes = (*layout, None)[:2]
    if isinstance(data_type, DataType) and data_type.is_object:
        raise UnsafeError("an array of objects made of bytes")
    array = _filled(budget, content, data_type, shape, str(order))
    if order != "K" or axes is None:
        return array
    if not isinstance(axes, tuple) or sorted(axes) != list(range(array.ndim)):
        raise BrokenError("the axes of an array are in no order")
    return array.transpose(axes)


def _data_type(_budget: Budget, code: object, _align: object = False, _copy: object = True) -> DataType:
    if not (isinstance(code, str) and re.fullmatch(r"b1|i[1248]|u[1248]|f[248]|c8|c16|[SU]\d{1,9}|O[48]?", code)):
        raise BrokenError(f"an array has the type {shown(code)}, which is not a simple one")
    return DataType(code)


def _encode(budget: Budget, text: object, encoding: object = "latin1") -> bytes:
    """``_codecs.encode``, for one encoding."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise BrokenError("bytes are encoded in a way that pickles do not use")
    budget.spend(len(text))
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError as error:
        raise BrokenError("bytes hold what is no byte") from error


ARRAY_STAND_INS: Final[dict[str, StandIn]] = {
    "numpy ndarray": StandIn("ndarray"),
    "numpy dtype": StandIn("dtype", _data_type),
    # how Python 3 writes bytes in protocols 0 to 2, and how empty ones
    "_codecs encode": StandIn("encode", _encode),
    "__builtin__ bytes": StandIn("bytes", lambda _budget: b""),
}
for _core in ("numpy.core", "numpy._core"):  # renamed in numpy 2
    ARRAY_STAND_INS[f"{_core}.multiarray _reconstruct"] = StandIn("_reconstruct", _reconstruct)
    ARRAY_STAND_INS[f"{_core}.multiarray scalar"] = StandIn("scalar", _scalar)
    ARRAY_STAND_INS[f"{_core}.numeric _frombuffer"] = StandIn("_frombuffer", _frombuffer)
