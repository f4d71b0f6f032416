r"""JSON that people may look into, in pieces: what ``json.dumps(document, indent=1, ensure_ascii=False)`` writes. Pure.

The standard library indents in Python, value by value, and the plan of 100,000 images is a million of them. Here its C
encoder writes what needs no look inside: a newline can only stand between two values, since within a string it is
``\n``, so that one separator does for a whole row of objects.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from json.encoder import encode_basestring as quoted
from typing import Any

#: Objects that are written at once, and characters of a text: neither is held twice as a whole.
_N_AT_ONCE = 1000
_LONG = 2**16


def pieces(document: Any, newline: str = "\n") -> Iterator[str]:
    """Yield the text of a document of plain JSON types; ``newline`` begins a line of its depth."""
    below = newline + " "
    if isinstance(document, str) and len(document) > _LONG:
        yield from quoted_pieces(document)
    elif isinstance(document, dict) and document and not _is_flat(document):
        for number, (key, value) in enumerate(document.items()):
            yield ("," if number else "{") + below + _encoder("")({key: None})[1:-5]
            yield from pieces(value, below)
        yield newline + "}"
    elif isinstance(document, list | tuple) and document:
        for number, batch in enumerate(_batches(document)):
            yield ("," if number else "[") + below
            yield from _objects(batch, below) if isinstance(batch, list) else pieces(batch[0], below)
        yield newline + "]"
    elif isinstance(document, dict) and document:
        yield from _objects([document], newline)
    else:
        yield _encoder("")(document)


def quoted_pieces(text: str) -> Iterator[str]:
    """Yield a text as JSON, in quotes."""
    yield '"'
    for start in range(0, len(text), _LONG):
        yield quoted(text[start : start + _LONG])[1:-1]
    yield '"'


def sorted_pieces(members: Mapping[str, Any]) -> Iterator[str]:
    """Yield what ``json.dumps(members, sort_keys=True, ensure_ascii=False)`` returns."""
    for number, (key, value) in enumerate(sorted(members.items())):
        yield f"{', ' if number else '{'}{quoted(key)}: "
        if isinstance(value, str):
            yield from quoted_pieces(value)
        else:
            yield json.dumps(value, sort_keys=True, ensure_ascii=False)
    yield "}"


def _batches(values: Iterable[Any]) -> Iterator[list[Any] | tuple[Any]]:
    """Yield neighboring objects without anything below them as lists, and any other value by itself in a tuple."""
    batch: list[Any] = []
    for value in values:
        if is_flat := _is_flat(value):
            batch.append(value)
        if batch and (not is_flat or len(batch) == _N_AT_ONCE):
            yield batch
            batch = []
        if not is_flat:
            yield (value,)
    if batch:
        yield batch


def _objects(objects: Sequence[Any], newline: str) -> Iterator[str]:
    """Yield objects that stand side by side in a list of this depth, each with its members in lines below."""
    below = newline + " "
    text = _encoder("," + below)(objects)
    between = f"}},{below}{{"
    yield "{" + below + text[2:-2].replace(between, f"{newline}}},{newline}{{{below}") + newline + "}"


def _is_flat(value: Any) -> bool:
    """Whether a value is an object whose members are short texts, numbers and the like, at least one."""
    if not isinstance(value, dict) or not value:
        return False
    for member in value.values():
        if isinstance(member, dict | list | tuple) or (isinstance(member, str) and len(member) > _LONG):
            return False
    return True


@functools.cache
def _encoder(separator: str) -> Callable[[Any], str]:
    return json.JSONEncoder(ensure_ascii=False, separators=(separator, ": ")).encode
