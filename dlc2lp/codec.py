"""State and documents as JSON by the type hints of their classes: one way out and one way in for all of them. Pure.

A dataclass is an object with a key for each field, in their order; a tuple or a NamedTuple is a list; a path, a
fraction and a member of an enum are texts. What is read must be just what the hints say, or :class:`Malformed` says
where it is not. A missing key has the field's default; a key that nobody knows is an error: a newer version means
something by it. What else there is to know of a class stands in it:

``written_first``
    Names of attributes that stand before the fields. A constant, such as ``schema`` or ``kind``, is compared when it is
    read; a property, such as an id, follows from the fields and is passed over.
``left_out_by_default``
    Names of fields that are not written where they hold their default: former plans are to stay the same bytes.
``written_as``
    The type that stands in its place; ``to_written`` and ``from_written`` lead there and back.

A class with subclasses stands for all of them, told apart by their constants or else by their keys.

This is our own and no library because plans must keep their bytes and their classes: msgspec makes floats of ints,
takes keys that nobody knows, and wants Structs of its own wherever one of several classes may stand.
"""

from __future__ import annotations

import enum
import functools
import itertools
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from fractions import Fraction
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

from dlc2lp.json_text import pieces

T = TypeVar("T")


class Malformed(ValueError):
    """A document that is not what its type says: ``why``, and ``at`` which place below its root."""

    def __init__(self, why: str, at: str = "") -> None:
        super().__init__(why, at)
        self.why, self.at = why, at

    def __str__(self) -> str:
        return f"${self.at}: {self.why}"


class OtherForm(Malformed):
    """A document of another kind or version, told by a constant of its class."""

    def __init__(self, found: object, expected: str, at: str) -> None:
        super().__init__(f"expected {expected}, found {found!r:.80}", at)
        self.found, self.expected = found, expected


@dataclass(frozen=True, eq=False)
class Says:
    """What a JSON schema says of a value beside its type: ``Annotated[int, Says("minimum", 1)]``."""

    keyword: str
    value: Any


@dataclass(frozen=True)
class Narrowed:
    """What stands in one place for a field of a dataclass less than its class allows."""

    field: str
    kind: Any


@dataclass(frozen=True)
class Keys:
    """The keys that a dict has, all of them or, where it ``may_be_empty``, none."""

    names: tuple[str, ...]
    may_be_empty: bool = False


#: A number that may be below zero. All others are counts, sizes and measures.
Signed = Annotated[int, Says("minimum", None)]

_BY_FIELDS = "by its fields"

#: A class by its fields, whatever it is ``written_as`` elsewhere.
ByFields = Annotated[T, _BY_FIELDS]


def encode(value: object, kind: Any = None) -> Any:
    """Return a value in plain JSON types; where its class does not tell what it holds, ``kind`` must."""
    return _put(_form(kind or type(value)), value)


def encode_fields(value: Any) -> dict[str, Any]:
    """Return the fields of a dataclass in plain JSON types, without what stands before or in place of them."""
    return dict(_put(_object(type(value), ()), value))


def decode(kind: type[T], document: object) -> T:
    """Return the value that plain JSON types stand for; raise :class:`Malformed` where they are none of this type."""
    value: T = _take(_form(kind), document)
    return value


def decode_fields(kind: type[T], document: object) -> T:
    """The inverse of :func:`encode_fields`."""
    value: T = _take(_object(kind, ()), document)
    return value


def read(kind: type[T], content: str | bytes) -> T:
    """Return the value that a JSON text, perhaps in UTF-8, stands for; raise :class:`Malformed` where it is none."""
    try:
        document = json.loads(content if isinstance(content, str) else content.decode(), parse_int=_number)
    except (ValueError, RecursionError) as error:  # also bytes that are no text
        raise Malformed(f"found no JSON: {error}") from error
    return decode(kind, document)


#: More than any count, size or place is, and less than a file can be sought at, with what is added to it.
_MOST = 2**62


def _number(digits: str) -> int:
    # a number of thousands of digits can't even be told
    if len(digits) > len(str(-_MOST)) or not -_MOST < int(digits) < _MOST:
        raise ValueError(f"found a number of {_MOST} or more")
    return int(digits)


def to_text(value: object) -> str:
    """Return the JSON text of a file that people may look into."""
    return "".join(to_pieces(value))


def to_pieces(value: object) -> Iterator[str]:
    """Yield the same text in pieces, so that it is held nowhere as a whole."""
    return itertools.chain(pieces(encode(value)), "\n")


def to_line(value: object) -> str:
    """Return a line of JSON. Names may hold bytes that are no characters, so the line is plain ASCII."""
    return json.dumps(encode(value), separators=(",", ":")) + "\n"


def constants(kind: Any) -> dict[str, str]:
    """Return what stands before the fields of all values of a class."""
    found = {name: getattr(kind, name, None) for name in getattr(kind, "written_first", ())}
    return {name: value for name, value in found.items() if isinstance(value, str)}


class _Form(NamedTuple):
    """How values of a type are read and written."""

    #: Turn what stands in a document into the value, and back; None: it stands there as it is.
    decode: Callable[[Any], Any]
    encode: Callable[[Any], Any] | None = None
    #: What has one of these very types is the value already, without being decoded.
    as_is: frozenset[type] = frozenset()


def _take(form: _Form, document: Any) -> Any:
    return document if type(document) in form.as_is else form.decode(document)


def _put(form: _Form, value: Any) -> Any:
    return value if form.encode is None else form.encode(value)


def _make_form(hint: Any) -> _Form:
    kind, hints = get_origin(hint) or hint, get_args(hint)
    if kind in _MAKERS:
        return _MAKERS[kind](hints)
    if hasattr(kind, "written_as"):
        inner = _form(kind.written_as)
        return _Form(
            lambda found: kind.from_written(_take(inner, found)), lambda value: _put(inner, value.to_written())
        )
    if is_dataclass(kind):
        members = list(_concrete(kind))
        return _whole(kind) if members == [kind] else _one_of(members)
    if issubclass(kind, enum.Enum):
        return _Form(_choosing({member.value: member for member in kind}), lambda member: member.value)
    if issubclass(kind, tuple):
        named = get_type_hints(kind, include_extras=True)
        return _sequence(kind._make, [_form(named[name]) for name in kind._fields])
    raise TypeError(f"{hint} has no form in JSON")


_form: Callable[[Any], _Form] = functools.cache(_make_form)


def _word(kind: type) -> str:
    return "null" if kind is NoneType else kind.__name__


def _refusing(expected: str) -> Callable[[Any], Any]:
    def refuse(found: object) -> Any:
        raise Malformed(f"expected {expected}, found {_word(type(found))}")

    return refuse


def _of(kind: type[T], found: object) -> T:
    """Return what was found, if it is of this type."""
    return found if type(found) is kind else _refusing(_word(kind))(found)


def _plain(kind: type) -> Callable[[object], _Form]:
    return lambda _: _Form(_refusing(_word(kind)), as_is=frozenset([kind]))


def _finite(found: object) -> float:
    return number if math.isfinite(number := _of(float, found)) else _refusing("a finite number")(found)


def _fraction(found: object) -> Any:
    try:
        return Fraction(_of(str, found))
    except (ArithmeticError, ValueError) as error:
        raise Malformed(f"expected a fraction, found {found!r:.80}") from error


def _choosing(values: Mapping[Any, Any]) -> Callable[[Any], Any]:
    """Return what takes one of a few values; True is not 1."""
    kinds = {type(value) for value in values}

    def choose(found: Any) -> Any:
        if type(found) in kinds and found in values:
            return values[found]
        raise Malformed(f"expected one of {', '.join(map(str, values))}, found {found!r:.80}")

    return choose


def _matching(pattern: str, words: str = "") -> Callable[[Any], Any]:
    """Return what takes texts of one kind, such as paths that lead to no place outside of their folder."""
    match = re.compile(pattern).fullmatch

    def take(found: Any) -> Any:
        if type(found) is str and match(found):
            return found
        raise Malformed(f"expected {words or f'a text of the form {pattern}'}, found {found!r:.80}")

    return take


def _annotated(hints: tuple[Any, ...]) -> _Form:
    if _BY_FIELDS in hints:
        return _object(hints[0], ())
    form = _form(hints[0])
    for note in hints[1:]:
        if isinstance(note, Says) and note.keyword == "enum":
            return _Form(_choosing({value: value for value in note.value}))
        if isinstance(note, Says) and note.keyword == "pattern":
            said = [each.value for each in hints[1:] if isinstance(each, Says) and each.keyword == "description"]
            return _Form(_matching(note.value, *said))
        if isinstance(note, Narrowed):
            return _object(hints[0], getattr(hints[0], "written_first", ()), note)
        if isinstance(note, Keys):
            return form._replace(decode=_with_keys(form, note))
    return form


def _with_keys(form: _Form, keys: Keys) -> Callable[[Any], Any]:
    def take(document: Any) -> Any:
        made = form.decode(document)
        if made.keys() != set(keys.names) and not (keys.may_be_empty and not made):
            raise Malformed(f"expected the keys {', '.join(keys.names)}, found {', '.join(made) or 'none'}")
        return made

    return take


def _union(hints: tuple[Any, ...]) -> _Form:
    """Return the form of plain types and, beside them, of one other type or of some dataclasses."""
    as_is = frozenset[type]().union(*(_form(hint).as_is for hint in hints))
    others = [hint for hint in hints if hint not in as_is]
    if not others:
        return _Form(_refusing(" or ".join(map(_word, hints))), as_is=as_is)
    take, write, _ = _form(others[0]) if len(others) == 1 else _one_of(others)
    return _Form(take, write and (lambda value: value if type(value) in as_is else write(value)), as_is)


def _sequence(make: Callable[[Any], Any], forms: list[_Form], *, repeated: bool = False) -> _Form:
    """Return the form of a list of values, each of its own type, or all of the same."""

    def decode_parts(found: Any) -> Any:
        parts = _of(list, found)
        if not repeated and len(parts) != len(forms):
            raise Malformed(f"expected a list of length {len(forms)}, found {len(parts)}")
        made: list[Any] = []
        try:
            for part, (take, _, as_is) in zip(parts, itertools.cycle(forms), strict=False):
                made.append(part if type(part) in as_is else take(part))
        except Malformed as error:
            error.at = f"[{len(made)}]{error.at}"
            raise
        return make(made)

    def encode_parts(values: Any) -> list[Any]:
        return [_put(form, value) for form, value in zip(itertools.cycle(forms), values, strict=False)]

    return _Form(decode_parts, list if all(form.encode is None for form in forms) else encode_parts)


def _tuple(hints: tuple[Any, ...]) -> _Form:
    repeated = hints[-1] is Ellipsis
    return _sequence(tuple, [_form(hint) for hint in hints if hint is not Ellipsis], repeated=repeated)


def _mapping(hints: tuple[Any, ...]) -> _Form:
    names, form = _form(hints[0]), _form(hints[1])

    def decode_values(found: Any) -> dict[str, Any]:
        made = {}
        for key, value in _of(dict, found).items():
            try:
                made[_take(names, key)] = _take(form, value)
            except Malformed as error:
                error.at = f".{key}{error.at}"
                raise
        return made

    return _Form(decode_values, lambda values: {key: _put(form, value) for key, value in values.items()})


#: By the origin of a hint: what makes a form of its arguments.
_MAKERS: dict[Any, Callable[[tuple[Any, ...]], _Form]] = {
    **{kind: _plain(kind) for kind in (str, int, bool, NoneType)},
    Any: lambda _: _Form(lambda found: found),
    float: lambda _: _Form(_finite, as_is=frozenset([int])),
    Path: lambda _: _Form(lambda found: Path(_of(str, found)), str),
    Fraction: lambda _: _Form(_fraction, lambda rate: f"{rate.numerator}/{rate.denominator}"),
    Annotated: _annotated,
    Literal: lambda values: _Form(_choosing({value: value for value in values})),
    Union: _union,
    UnionType: _union,
    tuple: _tuple,
    list: lambda hints: _sequence(list, [_form(hints[0])], repeated=True),
    dict: _mapping,
    Mapping: _mapping,
}


def _concrete(kind: Any) -> Iterator[Any]:
    """Yield the classes of a family that have no subclasses themselves."""
    if not kind.__subclasses__():
        yield kind
    for below in kind.__subclasses__():
        yield from _concrete(below)


def _one_of(kinds: list[Any]) -> _Form:
    """Return the form of several dataclasses, told apart by their constants or else by their keys."""
    required = [{field.name for field in fields(kind) if _is_required(field)} for kind in kinds]
    known = list(zip(map(_form, kinds), map(constants, kinds), required, strict=True))

    def decode_one(found: Any) -> Any:
        keys = _of(dict, found).keys()
        for form, fixed, required in known:
            if all(found.get(name) == value for name, value in fixed.items()) if fixed else required <= keys:
                return form.decode(found)
        said = [f"{name} {found.get(name)!r:.80}" for name in known[0][1]] or keys
        raise Malformed(f"expected {' or '.join(kind.__name__ for kind in kinds)}, found {', '.join(said)}")

    return _Form(decode_one, lambda value: _put(_whole(type(value)), value))


def _whole(kind: Any) -> _Form:
    """Return the form of a dataclass with what stands before its fields."""
    return _object(kind, getattr(kind, "written_first", ()))


def _is_required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _make_object(kind: Any, first: tuple[str, ...], narrowed: Narrowed | None = None) -> _Form:
    """Return the form of a dataclass, with some attributes before its fields, and perhaps one of these narrowed."""
    hints = get_type_hints(kind, include_extras=True) | ({narrowed.field: narrowed.kind} if narrowed else {})
    known = {field.name: field for field in fields(kind)}
    forms = {name: _form(hints[name]) for name in known}
    fixed = constants(kind) if first else {}
    special = [(name, form.encode) for name, form in forms.items() if form.encode is not None]
    later = {name: known[name].default for name in getattr(kind, "left_out_by_default", ())}

    def decode_object(document: Any) -> Any:
        key, state = "", dict(_of(dict, document))
        for name, value in fixed.items():
            if name not in state:
                raise Malformed("is missing", f".{name}")
            if state[name] != value:
                raise OtherForm(state[name], value, f".{name}")
        try:
            for key, value in document.items():
                if (form := forms.get(key)) is not None:
                    if type(value) not in form.as_is:
                        state[key] = form.decode(value)
                elif key in first:
                    del state[key]
                else:
                    raise Malformed("this version of dlc2lp knows no such key")
        except Malformed as error:
            error.at = f".{key}{error.at}"
            raise
        if len(state) < len(known):
            _fill(state, known.values())
        # Faster than __init__, by which a frozen dataclass sets each field for itself.
        made = object.__new__(kind)
        made.__dict__.update(state)
        return made

    def encode_object(value: Any) -> dict[str, Any]:
        # getattr: to ask for the __dict__ of an object makes one that stays.
        document = {name: getattr(value, name) for name in (*first, *known)}
        for name, default in later.items():
            if document[name] == default:
                del document[name]
        for name, write in special:
            if name in document:
                document[name] = write(document[name])
        return document

    return _Form(decode_object, encode_object)


_object: Callable[..., _Form] = functools.cache(_make_object)


def _fill(state: dict[str, Any], known: Iterable[Field[Any]]) -> None:
    """Give the fields that a document does not have their defaults."""
    for field in known:
        if field.name not in state:
            if field.default_factory is not MISSING:
                state[field.name] = field.default_factory()
            elif field.default is not MISSING:
                state[field.name] = field.default
            else:
                raise Malformed("is missing", f".{field.name}")
