"""The one reader of pickles in the project. It builds plain values and arrays, and can call nothing.

Pickles stand in HDF5 attributes (PyTables keeps there what HDF5 has no type for, ``tables/attributeset.py``),
in HDF5 arrays of objects (``tables/atom.py:ObjectAtom``), and in DeepLabCut's ``*.pickle`` files of
train/test splits (``auxiliaryfunctions.save_metadata``) and stereo calibrations (``calibrate_cameras``).
Whoever opens one with Python's own unpickler runs whatever code its author put there.

The documented cure, an ``Unpickler`` whose ``find_class`` refuses, stops code but not crashes: a dictionary
key of two million nested tuples overflows the C stack, ten bytes of ``LONG_BINPUT`` fill gigabytes, and an
array that is handed fewer objects than its shape asks for reads foreign memory. Files from strangers must do
none of this. So :mod:`pickletools`, the standard library's disassembler, reads the operations and
:class:`_Machine` carries them out: it knows those for values and containers, has stand-ins for the few
functions by which numpy writes arrays, and no way to call anything else.
"""

from __future__ import annotations

import io
import pickletools
import re
from collections.abc import Callable, Mapping
from sys import getsizeof
from typing import Any, BinaryIO, Final

import numpy as np

from dlc2lp.dlc.pickle_arrays import (
    ARRAY_STAND_INS,
    BrokenError,
    Budget,
    ByteText,
    DataType,
    HalfArray,
    StandIn,
    TooLargeError,
    UnsafeError,
    check_size,
    shown,
)
from dlc2lp.errors import UnreadableFile
from dlc2lp.limits import PICKLE_BYTES, PICKLE_VALUES_BYTES

#: What an operation adds to the memory, in bytes, beside the content of texts: the object itself, and its place.
_USUAL_BYTES: Final = 40
_BYTES: Final = {
    **dict.fromkeys(("EMPTY_LIST", "EMPTY_DICT", "LIST", "DICT", "EMPTY_TUPLE", "TUPLE"), 96),
    **dict.fromkeys(("TUPLE1", "TUPLE2", "TUPLE3", "PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE", "REDUCE"), 96),
}
_SIZED: Final = (str, bytes, bytearray)
#: Lines of a name after the operation; pickletools takes a backslash in them for an escape, unlike pickle.
_NAMES_IN_LINES: Final = {"GLOBAL": 2, "INST": 2, "PERSID": 1}
_ESCAPE: Final = re.compile(rb"\\(x[0-9a-fA-F]{2}|.?)", re.DOTALL)
_ESCAPED: Final = {b"\\": b"\\", b"'": b"'", b'"': b'"', b"n": b"\n", b"r": b"\r", b"t": b"\t"}
_OPCODES: Final = {info.code.encode("latin-1"): info for info in pickletools.opcodes}


class BrokenPickle(UnreadableFile):
    """It is no pickle, or a damaged one (``broken-pickle``)."""


class UnsafePickle(UnreadableFile):
    """It asks for code, of which nothing was run (``unsafe-pickle``)."""


class PickleTooLarge(UnreadableFile):
    """Reading it would take too much memory or time (``pickle-too-large``)."""


def load_plain(data: bytes, subject: str = "pickle", where: str = "") -> object:
    """Read a pickle of lists, tuples, dictionaries, text, bytes, numbers and None.

    Byte strings of Python 2 (``S'nose'``) become text: ASCII and UTF-8 where they are that, else Latin-1. ``subject``
    and ``where`` are the file and the place in it, for the error.

    Raises
    ------
    UnsafePickle
        It names any class or function, whatever it is, or would make an object in another way.
    BrokenPickle
        It is none or is damaged.
    PickleTooLarge
        It, or what it holds, takes more memory than :mod:`dlc2lp.limits` allows.
    """
    return _load(data, {}, "plain values", subject, where)


def load_arrays(data: bytes | BinaryIO, subject: str = "pickle", where: str = "") -> object:
    """Read a pickle of plain values and numpy arrays, as numpy wrote them under Python 2.7 to 3.13.

    Arrays are plain and writable, numpy scalars stay numpy scalars. Memory grows with the size of the pickle,
    never with a shape that it only claims. The pickle may also be a binary file that is read to its end.

    Raises as :func:`load_plain`; it is unsafe to name anything but numpy's functions for arrays, scalars and types.
    """
    content = data if isinstance(data, bytes) else data.read(PICKLE_BYTES.at_most + 1)
    return _load(content, ARRAY_STAND_INS, "plain values and numpy arrays", subject, where)


def _load(data: bytes, stand_ins: Mapping[str, StandIn], expected: str, subject: str, where: str) -> object:
    """Run the machine and turn what it raises into the findings that people read."""
    try:
        check_size(PICKLE_BYTES, len(data))
        return _Machine(data, stand_ins).run()
    except UnsafeError as error:
        message = f"found a pickle that asks for {error}, expected {expected}; nothing in it was run"
        advice = "do not open this file with pandas or DeepLabCut, which would run it; ask who sent it"
        raise UnsafePickle.of("unsafe-pickle", subject, message, where=where, advice=advice) from error
    except TooLargeError as error:
        advice = error.beyond.advice
        raise PickleTooLarge.of(
            "pickle-too-large", subject, error.beyond.message, where=where, advice=advice
        ) from error
    except BrokenError as error:
        message = f"found a damaged pickle ({error}), expected {expected}"
        raise BrokenPickle.of("broken-pickle", subject, message, where=where) from error


class _Machine:
    """Carries out the opcodes of one pickle.

    ``stand_ins`` are the global names that it may use, as ``"module name"``, and what each becomes.
    """

    def __init__(self, data: bytes, stand_ins: Mapping[str, StandIn]) -> None:
        self._stream = io.BytesIO(data)
        self._stand_ins = stand_ins
        self._stack: list[Any] = []
        self._marks: list[int] = []
        # a dictionary: a list as long as the largest index is the gigabytes of LONG_BINPUT
        self._memo: dict[int, Any] = {}
        self._budget = Budget(PICKLE_VALUES_BYTES)

    def run(self) -> object:
        """The value that the pickle describes."""
        while True:
            name, argument = self._next()
            self._budget.spend(
                _BYTES.get(name, _USUAL_BYTES) + (getsizeof(argument) if isinstance(argument, _SIZED) else 0)
            )
            if name == "STOP":
                value = self.pop()
                if self._stand_ins:
                    _refuse_leftovers(value)
                return value
            if name in _MAKES_OBJECTS:
                raise UnsafeError(shown(f"{name} {argument or ''}".rstrip()))
            if name not in _STEPS:
                raise BrokenError(f"operation {name}, which DeepLabCut's pickles do not have")
            _STEPS[name](self, argument)

    def _next(self) -> tuple[str, Any]:
        code = self._stream.read(1)
        info = _OPCODES.get(code)
        if info is None:
            raise BrokenError(f"unknown operation {code!r}" if code else "it ends too early")
        if info.arg is None:
            return info.name, None
        try:
            if info.name == "STRING":
                return info.name, _python2_string(self._line())
            if info.name in _NAMES_IN_LINES:
                return info.name, " ".join(self._line().decode() for _ in range(_NAMES_IN_LINES[info.name]))
            return info.name, info.arg.reader(self._stream)
        except ValueError as error:
            raise BrokenError(f"the argument of {info.name} can't be read") from error

    def _line(self) -> bytes:
        line = self._stream.readline()
        if not line.endswith(b"\n"):
            raise ValueError("no line ends here")
        return line[:-1]

    def pop(self) -> Any:
        """Take the topmost value of the current mark's part of the stack."""
        if len(self._stack) <= (self._marks[-1] if self._marks else 0):
            raise BrokenError("it takes a value where there is none")
        return self._stack.pop()

    def pop_to_mark(self) -> list[Any]:
        """Take all values above the last mark, and the mark."""
        if not self._marks:
            raise BrokenError("it goes back to a mark that was never set")
        start = self._marks.pop()
        values = self._stack[start:]
        del self._stack[start:]
        return values

    def top(self) -> Any:
        """The topmost value, left where it is."""
        value = self.pop()
        self._stack.append(value)
        return value

    def push(self, value: object) -> None:
        """Put any value on the stack."""
        self._stack.append(value)

    def push_integer(self, value: int) -> None:
        """A number of up to 64 bits; a longer one can be read, but not printed."""
        if not -(2**63) <= value < 2**64:
            raise BrokenError("a number of more than 64 bits")
        self.push(value)

    def push_bytes(self, value: bytes | bytearray) -> None:
        """Bytes; a bytearray is only protocol 5's way to keep an array writable."""
        self.push(bytes(value))

    def push_python2_string(self, value: str | ByteText) -> None:
        """A byte string of Python 2, which pickletools hands over as if it were Latin-1."""
        self.push(value if isinstance(value, ByteText) else ByteText(value.encode("latin-1")))

    def mark(self, _argument: None) -> None:
        """Remember how high the stack is."""
        self._marks.append(len(self._stack))

    def drop(self, _argument: None) -> None:
        """POP takes a value or, where there is none above it, the mark."""
        if self._marks and self._marks[-1] == len(self._stack):
            self._marks.pop()
        else:
            self.pop()

    def tuple_of(self, count: int) -> None:
        """TUPLE1 to TUPLE3."""
        self.push(tuple(reversed([self.pop() for _ in range(count)])))

    def append(self, values: list[Any]) -> None:
        """APPEND and APPENDS."""
        target = self.top()
        if not isinstance(target, list):
            raise BrokenError("it appends to what is no list")
        target.extend(values)

    def set_items(self, values: list[Any]) -> None:
        """SETITEM and SETITEMS: key, value, key, value ..."""
        target = self.top()
        if not isinstance(target, dict):
            raise BrokenError("it sets the item of what is no dictionary")
        target.update(_dictionary(values))

    def store(self, index: int | None) -> None:
        """PUT in its three forms, and MEMOIZE."""
        self._memo[len(self._memo) if index is None else index] = self.top()

    def recall(self, index: int) -> None:
        """GET in its three forms."""
        if index not in self._memo:
            raise BrokenError("it recalls a value that was never stored")
        value = self._memo[index]
        # numpy stores an array before it fills it
        self.push(value.filled if isinstance(value, HalfArray) and value.filled is not None else value)

    def stand_in(self, name: str) -> None:
        """GLOBAL: the only place where a pickle can name code."""
        if name not in self._stand_ins:
            raise UnsafeError(shown(name.replace(" ", ".", 1)))
        self.push(self._stand_ins[name])

    def stand_in_from_stack(self, _argument: None) -> None:
        """STACK_GLOBAL, the same since protocol 4."""
        name, module = self.pop(), self.pop()
        if not (isinstance(name, str) and isinstance(module, str)):
            raise BrokenError("the name of a global is no text")
        self.stand_in(f"{module} {name}")

    def reduce(self, _argument: None) -> None:
        """REDUCE: numpy's functions, by their stand-ins."""
        arguments, function = self.pop(), self.pop()
        if not (isinstance(function, StandIn) and function.call and isinstance(arguments, tuple)):
            raise BrokenError("it calls what is no function")
        try:
            self.push(function.call(self._budget, *arguments))
        except (TypeError, ValueError) as error:
            raise BrokenError(f"{function.name} got arguments that numpy does not write") from error

    def build(self, _argument: None) -> None:
        """BUILD: the second half of an array or of its type."""
        state, target = self.pop(), self.pop()
        if isinstance(target, DataType):
            target.set_state(state)
            self.push(target)
        elif isinstance(target, HalfArray):
            self.push(target.fill(self._budget, state))
        else:
            raise BrokenError("it sets the state of what has none")


def _python2_string(quoted: bytes) -> ByteText:
    """The argument of STRING, Python 2's ``repr``, which pickletools reads only where it is ASCII."""
    if len(quoted) < 2 or quoted[0] != quoted[-1] or quoted[:1] not in (b"'", b'"'):
        raise ValueError("a string without quotes")
    return ByteText(_ESCAPE.sub(_unescaped, quoted[1:-1]))


def _unescaped(escape: re.Match[bytes]) -> bytes:
    code = escape[1]
    if code in _ESCAPED:
        return _ESCAPED[code]
    if len(code) != 3:
        raise ValueError("a backslash before nothing that Python 2 escapes")
    return bytes.fromhex(code[1:].decode("ascii"))


def _dictionary(values: list[Any]) -> dict[Any, Any]:
    if len(values) % 2:
        raise BrokenError("a dictionary has a key without a value")
    keys = values[::2]
    for key in keys:
        # Deeper keys are hashed by a C function that calls itself, until the stack is full.
        for part in key if isinstance(key, tuple) else (key,):
            if not isinstance(part, str | bytes | int | float | None):
                raise BrokenError("a dictionary has a key that is neither a text nor a number")
    return dict(zip(keys, values[1::2], strict=True))


def _refuse_leftovers(root: object) -> None:
    """Refuse a value that still holds parts of the machine: a half-made array, a type, a function's name."""
    todo = [root]
    seen: set[int] = set()
    while todo:
        value = todo.pop()
        if isinstance(value, StandIn | DataType | HalfArray):
            raise BrokenError("it ends with a half-made array")
        if not isinstance(value, list | tuple | dict | np.ndarray) or id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, dict):
            todo.extend(value.values())
        elif not isinstance(value, np.ndarray):
            todo.extend(value)
        elif value.dtype == object:
            todo.extend(value.flat)


# ---- what each operation does ------------------------------------------------------------------------------

#: Operations that make objects by code from elsewhere, or name them by numbers that only their writer knows.
_MAKES_OBJECTS: Final = {"PERSID", "BINPERSID", "EXT1", "EXT2", "EXT4", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX"}

_Step = Callable[[_Machine, Any], object]
_STEPS: Final[dict[str, _Step]] = {
    "PROTO": lambda _machine, _version: None,
    "FRAME": lambda _machine, _length: None,
    "MARK": _Machine.mark,
    "POP": _Machine.drop,
    "POP_MARK": lambda machine, _: machine.pop_to_mark(),
    "DUP": lambda machine, _: machine.push(machine.top()),
    "NONE": lambda machine, _: machine.push(None),
    "NEWTRUE": lambda machine, _: machine.push(True),
    "NEWFALSE": lambda machine, _: machine.push(False),
    **dict.fromkeys(("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4"), _Machine.push_integer),
    **dict.fromkeys(("FLOAT", "BINFLOAT"), _Machine.push),
    **dict.fromkeys(("UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"), _Machine.push),
    **dict.fromkeys(("STRING", "SHORT_BINSTRING", "BINSTRING"), _Machine.push_python2_string),
    **dict.fromkeys(("SHORT_BINBYTES", "BINBYTES", "BINBYTES8", "BYTEARRAY8"), _Machine.push_bytes),
    "EMPTY_LIST": lambda machine, _: machine.push([]),
    "LIST": lambda machine, _: machine.push(machine.pop_to_mark()),
    "APPEND": lambda machine, _: machine.append([machine.pop()]),
    "APPENDS": lambda machine, _: machine.append(machine.pop_to_mark()),
    "EMPTY_TUPLE": lambda machine, _: machine.push(()),
    "TUPLE": lambda machine, _: machine.push(tuple(machine.pop_to_mark())),
    "TUPLE1": lambda machine, _: machine.tuple_of(1),
    "TUPLE2": lambda machine, _: machine.tuple_of(2),
    "TUPLE3": lambda machine, _: machine.tuple_of(3),
    "EMPTY_DICT": lambda machine, _: machine.push({}),
    "DICT": lambda machine, _: machine.push(_dictionary(machine.pop_to_mark())),
    "SETITEM": lambda machine, _: machine.set_items([machine.pop(), machine.pop()][::-1]),
    "SETITEMS": lambda machine, _: machine.set_items(machine.pop_to_mark()),
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"), _Machine.store),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), _Machine.recall),
    "GLOBAL": _Machine.stand_in,
    "STACK_GLOBAL": _Machine.stand_in_from_stack,
    "REDUCE": _Machine.reduce,
    "BUILD": _Machine.build,
}
