"""How numbers, lists, results and names are told, and in how many spellings one name comes. Nothing else is here."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable


def counted(n: int, one: str, many: str = "") -> str:
    """Return a number with what it counts: ``one``, a noun with all that must agree with it, follows the number 1.

    What follows any other number is by default ``one`` with an s.

    Examples
    --------
    >>> counted(1, "image"), counted(3, "image")
    ('1 image', '3 images')
    >>> counted(3, "image that is in no frame", "images that are in no frame")
    '3 images that are in no frame'
    """
    return f"{n} {one if n == 1 else many or one + 's'}"


def one_line(thing: object, name: str, *facts: str) -> str:
    """Return what a result says of itself: ``<Plan lp-project: 42 labeled frames, 1 video>``."""
    return f"<{f'{type(thing).__name__} {name}'.strip()}: {', '.join(facts)}>"


def some(names: Iterable[str], n_shown: int = 5, between: str = ", ") -> str:
    """Return the first few names, and how many more there are; ``between`` them another mark where they hold commas.

    Examples
    --------
    >>> some(["a", "b", "c"], 2)
    'a, b and 1 more'
    """
    listed = list(names)
    more = f" and {len(listed) - n_shown} more" if len(listed) > n_shown else ""
    return between.join(listed[:n_shown]) + more


def size_text(n_bytes: int) -> str:
    """``1.5 GB``, ``20.0 kB``."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if n_bytes >= factor:
            return f"{n_bytes / factor:.1f} {unit}"
    return f"{n_bytes} B"


#: What a terminal or a log would act on and not show: controls (C0, C1), direction marks and other invisible signs,
#: halves of pairs, separators of lines and paragraphs.
_UNSHOWN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def shown(text: str) -> str:
    r"""Return a text as it may go to a terminal, a log or a table: what would act there and not be seen is spelled out.

    Everything that people write stays as it is, accents and other scripts too.

    Examples
    --------
    >>> print(shown("mouse" + chr(27) + "[2J" + chr(10) + "1"))
    mouse\x1b[2J\n1
    >>> print(shown(chr(0x202E) + "gpj.1"), shown("Mäuse 鼠"))
    \u202egpj.1 Mäuse 鼠
    """
    if text.isprintable():
        return text
    return "".join(_spelled_out(char) if unicodedata.category(char) in _UNSHOWN else char for char in text)


def shown_lines(text: str) -> str:
    """Return a text of several lines as :func:`shown` does.

    Its line ends are ours, since those of names are spelled out where they are put into it.
    """
    return "\n".join(map(shown, text.split("\n")))


def _spelled_out(char: str) -> str:
    return ascii(char)[1:-1]


def spelled(name: str) -> str:
    """Return the one spelling of a name: composed accents, which macOS takes apart, and no blanks around it."""
    return unicodedata.normalize("NFC", name).strip()


def name_key(name: str) -> str:
    """Return what the spellings of one name share where case does not count either, as on Windows and macOS."""
    return spelled(name).casefold()
