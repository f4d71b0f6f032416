"""A YAML document with comments, as data: what it says, why, and its text.

PyYAML writes no comments. The values written here load as the same values through PyYAML (YAML 1.1: ``no`` is
a boolean, ``1e-3`` a text) and through OmegaConf, which Lightning Pose uses, so texts that are more than a plain
word are quoted.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml

_LINE_CHARS = 100
_INDENT = 2
_PLAIN_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_/.-]*")


@dataclass(frozen=True)
class Entry:
    """A key with its value, or a section of entries."""

    key: str  #: The key inside its section.
    value: Any  #: Any value that YAML can hold; a section is a tuple of entries.
    comment: str = ""  #: Paragraphs for people, parted by newlines; they stand above the key.
    #: Comment lines that are written as they are, for example those of the person who edited the file.
    notes: tuple[str, ...] = ()

    @property
    def is_section(self) -> bool:
        """Whether the value is a tuple of entries."""
        return isinstance(self.value, tuple)


Document = tuple[Entry, ...]
KeyPath = tuple[str, ...]


def values_of(document: Document) -> dict[str, Any]:
    """Return the plain nested dictionary that the document's text loads as."""
    return {entry.key: values_of(entry.value) if entry.is_section else entry.value for entry in document}


def render(document: Document, head: str = "", tail: Iterable[str] = ()) -> str:
    """Return the document's text, with a comment at the top, and at the end comment lines as they are."""
    blocks = ["\n".join(_comment_lines(head, 0))] if head else []
    blocks += ["\n".join(_entry_lines(entry, 0)) for entry in document]
    blocks += ["\n".join(tail)] if tail else []
    return "\n\n".join(blocks) + "\n"


def _entry_lines(entry: Entry, depth: int) -> Iterator[str]:
    indent = " " * (_INDENT * depth)
    yield from _comment_lines(entry.comment, depth)
    yield from (indent + note for note in entry.notes)
    key = value_text(entry.key)
    if entry.is_section and entry.value:
        yield f"{indent}{key}:"
        for position, child in enumerate(entry.value):
            if position and (child.comment or child.notes):
                yield ""
            yield from _entry_lines(child, depth + 1)
    elif isinstance(entry.value, list) and entry.value and all(isinstance(item, str) for item in entry.value):
        yield f"{indent}{key}:"
        yield from (f"{indent}  - {value_text(item)}" for item in entry.value)
    else:
        yield f"{indent}{key}: {'{}' if entry.is_section else value_text(entry.value)}"


def _comment_lines(comment: str, depth: int) -> Iterator[str]:
    indent = " " * (_INDENT * depth)
    for paragraph in comment.splitlines():
        wrapped = textwrap.wrap(
            printable(paragraph), _LINE_CHARS - len(indent) - 2, break_long_words=False, break_on_hyphens=False
        )
        yield from (f"{indent}# {line}" for line in wrapped)


def printable(text: str) -> str:
    """Return the text on one line: a keypoint with a line break in its name must not end the comment about it."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


_TEXT_TAG = "tag:yaml.org,2002:str"
_READ_OTHERWISE = tuple(f"tag:yaml.org,2002:{kind}" for kind in ("bool", "int", "float"))
#: Texts that YAML 1.2 does not read as texts either, so that whoever writes it puts them in quotes.
_IN_QUOTES_BY_ALL = re.compile(
    r"(?i)true|false|0x[0-9a-f]+|[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[-+]?[0-9]+)?|[-+]?\.inf|\.nan"
)
_RESOLVER: Any = yaml.resolver.Resolver()


def needs_quotes_here(text: str) -> bool:
    """Whether Lightning Pose reads a bare text as something else, where YAML 1.2, as the app writes it, has it bare.

    ``no`` is such a text, ``on``, ``1_000`` and ``1:30``.
    """
    tag = _RESOLVER.resolve(yaml.ScalarNode, text, (True, False))
    return tag in _READ_OTHERWISE and not _IN_QUOTES_BY_ALL.fullmatch(text)


class _Dumper(yaml.SafeDumper):
    """Writes every text in double quotes, on one line, and never an alias."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write values out wherever they occur."""
        return True


_Dumper.add_representer(str, lambda dumper, text: dumper.represent_scalar(_TEXT_TAG, text, style='"'))


def value_text(value: Any) -> str:
    """Return any value that YAML can hold, on one line; a text that is a plain word without quotes."""
    if (
        isinstance(value, str)
        and _PLAIN_WORD.fullmatch(value)
        and _RESOLVER.resolve(yaml.ScalarNode, value, (True, False)) == _TEXT_TAG
    ):
        return value
    text: str = yaml.dump(
        value, Dumper=_Dumper, default_flow_style=True, width=float("inf"), allow_unicode=True, sort_keys=False
    )
    return text.removesuffix("\n").removesuffix("\n...")
