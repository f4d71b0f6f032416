"""How an option is declared, once, as a field of a dataclass; and how what is given for it is read.

The command line, the decisions file and the library read values by :meth:`Option.read` and by nothing else, so that one
is taken or refused everywhere alike. A dataclass of options is a :class:`Chosen`, which reads its own fields.
"""

from __future__ import annotations

import difflib
import functools
import math
import operator
import os
import typing
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import NoneType
from typing import Any, ClassVar, Literal, Self, TypeVar, get_args, get_origin

from dlc2lp.codec import encode_fields
from dlc2lp.errors import UsageError
from dlc2lp.model import Setting

T = TypeVar("T")

_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text", Path: "a path"}


@dataclass(frozen=True)
class Section:
    """Options that stand together in the help: where (those of the smallest rank first), and of which commands."""

    rank: int = 0
    commands: tuple[str, ...] = ()


@dataclass(frozen=True)
class Option:
    """What is declared of an option."""

    #: What it does, and where it stands.
    help: str
    section: Section = Section()
    metavar: str = ""  #: What stands for its value in the help; by default what there is to choose from.
    flag: str = ""  #: Its name on the command line and in the decisions file; by default the field's, with hyphens.
    values: tuple[str, ...] = ()  #: What there is to choose from; by default what its type says.
    #: Bounds of a number.
    above: float = -math.inf
    lowest: float = -math.inf
    highest: float = math.inf
    #: What is expected, in words, and a value to try instead of a wrong one; by default from the type.
    expected: str = ""
    example: str = ""
    code: str = ""  #: Code of the finding about a wrong value; by default its class's.
    place: Literal["", "folder", "file or folder"] = ""  #: What must be there, where the value is a path.
    may_be_empty: bool = False  #: Whether a list may hold an empty text.
    help_of: Mapping[str, str] = field(default_factory=dict)  #: What it does, where a command says it otherwise.
    #: The field's name, default and type, and whether None is a value.
    name: str = ""
    default: Any = None
    kind: Any = None
    may_be_none: bool = False

    @property
    def is_repeated(self) -> bool:
        """Whether the command line takes it several times, each with a value."""
        return get_origin(self.kind) is tuple and get_args(self.kind)[0] not in {int, str}

    @property
    def bounds(self) -> str:
        """The bounds as the help shows them: ``1<=x<=51``, ``x>0``; empty if there are none."""
        if math.isfinite(self.highest):
            return f"{self.lowest:g}<=x<={self.highest:g}"
        if math.isfinite(self.lowest):
            return f"x>={self.lowest:g}"
        return f"x>{self.above:g}" if math.isfinite(self.above) else ""

    @property
    def wanted(self) -> str:
        """What is expected, in words."""
        if self.expected or self.values:
            return self.expected or " or ".join(self.values)
        if get_origin(self.kind) is tuple:
            return "a list of paths" if self.is_repeated else "a list of names, or names with commas between them"
        words = _WORDS[self.kind] + (f" from {self.lowest:g}" if math.isfinite(self.lowest) else "")
        return words + (f" to {self.highest:g}" if math.isfinite(self.highest) else "")

    def read(self, value: Any, base: Path = Path()) -> Any:
        """Return a value as the type that is declared: a text of the command line or of a file, or a value of Python.

        A single item needs no list; a list of names, a size and a view with its project may also be written as on the
        command line. A relative path is meant from ``base``. UsageError if the value can't be one, or is none of those
        that are allowed.
        """
        if value is None and self.may_be_none:
            return None
        try:
            return self._read(self.kind, value, base)
        except (TypeError, ValueError, OverflowError, LookupError):
            pass
        near = "".join(difflib.get_close_matches(str(value).lower(), self.values, 1))
        lowest = f"{self.lowest:g}" if math.isfinite(self.lowest) else self.metavar
        remedy = Setting(self.flag, (near or self.example or "".join(self.values[:1]) or lowest,))
        message = f"found {value!r}, expected {self.wanted}"
        raise UsageError.of(self.code, f"--{self.flag}", message, advice="give {}", remedies=(remedy,))

    def arguments(self, value: Any) -> list[str]:
        """Return a value as the words of the command line that :meth:`read` makes it from."""
        if self.kind is bool:
            return [f"--{self.flag}" if value else f"--no-{self.flag}"]
        if self.is_repeated:
            return [f"--{self.flag}={'='.join(map(str, each)) if isinstance(each, tuple) else each}" for each in value]
        if isinstance(value, tuple):
            return [f"--{self.flag}={('x' if isinstance(value[0], int) else ',').join(map(str, value))}"]
        return [f"--{self.flag}={value:g}" if isinstance(value, float) else f"--{self.flag}={value}"]

    def find(self, value: Any) -> Any:
        """Return a value that was read, if the places that it names are there; else raise UsageError."""
        for path in () if not self.place or value is None else value if isinstance(value, tuple) else (value,):
            if not (path.is_dir() if self.place == "folder" else path.exists()):
                advice = "check the path for a typing error"
                message = f"found no such {self.place}"
                raise UsageError.of("path-missing", str(path), message, where=f"--{self.flag}", advice=advice)
        return value

    def _read(self, kind: Any, value: Any, base: Path) -> Any:
        """Return a value as a type, else raise the error that comes of it."""
        if get_origin(kind) is tuple:
            kinds, items = get_args(kind), self._items(get_args(kind), value)
            kinds = (kinds[0],) * len(items) if kinds[-1] is Ellipsis else kinds
            return tuple(self._read(each, item, base) for each, item in zip(kinds, items, strict=True))
        if kind is bool:
            return value if isinstance(value, bool) else {"true": True, "false": False}[_text(value).lower()]
        if kind in {int, float}:
            return self._number(kind, value)
        if kind is Path:
            return base / _filled(os.fspath(value))
        text = _text(value)
        if self.values and text not in self.values:
            raise ValueError(text)
        return text if kind is self.kind or self.may_be_empty else _filled(text)

    def _items(self, kinds: tuple[Any, ...], value: Any) -> list[Any]:
        """Return the items of a list, of which there may be a single one, or a text that stands for all."""
        if isinstance(value, Mapping):
            return list(value.items()) if get_origin(kinds[0]) is tuple else [_text(value)]
        if not isinstance(value, str | os.PathLike):
            # A set has no order, and bytes are numbers to Python.
            return [_text(value)] if isinstance(value, bytes | Set) else list(value)
        if kinds == (int, int):
            return _text(value).lower().split("x")
        if kinds == (str, Path):
            name, _, source = _text(value).partition("=")
            return [name.strip(), source]
        if kinds == (str, ...):
            return [each.strip() for each in _text(value).split(",") if each.strip() or self.may_be_empty]
        return [value]

    def _number(self, kind: type, value: Any) -> float:
        if isinstance(value, bool):
            raise TypeError(value)
        number: float
        if kind is int:
            is_number = isinstance(value, str) and value.isascii() and value.isdigit()
            number = int(value) if is_number else operator.index(value)
        else:
            number = value if isinstance(value, int) else float(value)
        if not (math.isfinite(number) and self.above < number and self.lowest <= number <= self.highest):
            raise ValueError(value)
        return number


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _filled(text: str | bytes) -> str:
    if not text or isinstance(text, bytes):
        raise ValueError(text)
    return text


def option(default: T, help: str, section: Section = Section(), **more: Any) -> T:
    """Declare an option as a field of a :class:`Chosen`; ``more`` are attributes of :class:`Option`."""
    return field(default=default, metadata={"option": Option(help, section, default=default, **more)})


@dataclass(frozen=True)
class Chosen:
    """Options with their values: whatever it is made from is read, so none of another kind is in it."""

    #: Code of the finding about a wrong value.
    code: ClassVar[str] = "option-invalid"

    def __post_init__(self) -> None:
        for each in fields(self):
            if "option" in each.metadata:
                value = declared(type(self))[each.name].read(getattr(self, each.name))
                object.__setattr__(self, each.name, value)

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """Take those options out of what is given that are among these; the others have their defaults."""
        return cls().changed(given)

    def changed(self, given: Mapping[str, Any]) -> Self:
        """Return these options with others of what is given."""
        own = {}
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, Chosen):
                own[each.name] = value.changed(given)
            elif each.name in given:
                own[each.name] = given[each.name]
        return replace(self, **own)

    def as_json(self) -> dict[str, Any]:
        """All options in plain JSON types, as the plan records them."""
        return encode_fields(self)


def _declared(chosen: type[Chosen]) -> dict[str, Option]:
    found: dict[str, Option] = {}
    hints = typing.get_type_hints(chosen)
    for each in fields(chosen):
        kinds = get_args(hints[each.name]) if NoneType in get_args(hints[each.name]) else (hints[each.name],)
        if isinstance(kinds[0], type) and issubclass(kinds[0], Chosen):
            section = each.metadata["section"]
            found |= {name: replace(inner, section=section) for name, inner in declared(kinds[0]).items()}
        elif "option" in each.metadata:
            of_field: Option = each.metadata["option"]
            found[each.name] = replace(
                of_field,
                name=each.name,
                flag=of_field.flag or each.name.replace("_", "-"),
                values=of_field.values or (get_args(kinds[0]) if get_origin(kinds[0]) is Literal else ()),
                code=of_field.code or chosen.code,
                kind=kinds[0],
                may_be_none=NoneType in kinds,
            )
    return found


def typed(chosen: Chosen) -> list[str]:
    """Return options as they are typed on the command line: those that are other than by default.

    Examples
    --------
    ``["--individuals=flatten", "--crf=20", "--no-context-frames"]``
    """
    default = type(chosen)()
    words: list[str] = []
    for each in fields(chosen):
        value = getattr(chosen, each.name)
        if isinstance(value, Chosen):
            words += typed(value)
        elif "option" in each.metadata and value != getattr(default, each.name):
            words += declared(type(chosen))[each.name].arguments(value)
    return words


#: Returns the options of a class by name; those of a class inside it stand in the section of its field.
declared: Callable[[Any], dict[str, Option]] = functools.cache(_declared)
