"""How texts for people look: how wide they are, where a line may end, what has a colour. One place for all; light.

What is told is rendered as words and handed on; whether there is a terminal, how wide it is and whether it shows
colours, the command line says once (:func:`dress`). Used as a library, texts are 80 wide and plain.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

#: Where nobody says how wide the terminal is.
PLAIN_WIDTH = 80

#: Longer lines are hard to read, however wide the terminal is; shorter ones can't hold a word and its indent.
_WIDEST, _NARROWEST = 100, 40

#: What a piece of text is, for what shows colours.
Role = Literal["error", "warning", "note", "good", "heading", "faint"]

#: Stands for a blank at which no line may end; no path holds it.
_BLANK = "\0"

#: A path, as far as can be seen: what follows a blank belongs to it where it holds a separator or ends like a file.
_PATH = re.compile(
    r"(?<![^\s'\"(])(?:/|~/|\.{1,2}/|[A-Za-z]:[\\/]|\\\\)\S*"
    r"(?:(?<![,;:)]) (?:[^\s,;:/\\]+ ){0,2}?[^\s,;:/\\]+(?:[/\\]\S*|\.\w{2,4}(?![^\s,;:)])))*"
)


def _plain(text: str, role: Role) -> str:
    return text


@dataclass
class _Looks:
    width: int = PLAIN_WIDTH
    paint: Callable[[str, Role], str] = _plain


_looks = _Looks()


def dress(columns: int = PLAIN_WIDTH, paint: Callable[[str, Role], str] = _plain) -> None:
    """Say how wide lines are from now on, and how a piece of text gets its colour."""
    _looks.width, _looks.paint = max(_NARROWEST, min(columns, _WIDEST)), paint


def width() -> int:
    """Return how many characters a line holds."""
    return _looks.width


def painted(text: str, role: Role) -> str:
    """Return a piece of text in the colour of what it is, where there are colours."""
    return _looks.paint(text, role)


def wrapped(text: str, first: str = "", hanging: str | None = None, whole: Sequence[str] = ()) -> str:
    """Wrap a sentence at words: ``first`` begins its first line, ``hanging`` all others (by default blanks below it).

    Long words, paths and the pieces that are to stay ``whole``, such as commands, are never broken, so that they can be
    copied.

    Examples
    --------
    >>> print(wrapped("look for it in " + "x" * 70 + " and in /home/jane doe/videos", "    do: "))
        do: look for it in
            xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
            and in /home/jane doe/videos
    """
    for piece in whole:
        text = text.replace(piece, piece.replace(" ", _BLANK))
    text = _PATH.sub(lambda path: path[0].replace(" ", _BLANK), text)
    after = " " * len(first) if hanging is None else hanging
    kept = textwrap.fill(
        text, width(), initial_indent=first, subsequent_indent=after, break_long_words=False, break_on_hyphens=False
    )
    return kept.replace(_BLANK, " ")


def shortened(text: str, columns: int) -> str:
    """Return a text that fits, for a line that is overwritten soon: its end counts most, as that of a path does."""
    return text if len(text) <= columns else "..." + text[len(text) - max(0, columns - 3) :]
