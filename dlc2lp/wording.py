"""How numbers, lists, results and names are told, and in how many spellings one name comes. Nothing else is here."""

from __future__ import annotations

import json
import math
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


#: So many digits behind the point are told of a coordinate in pixels: enough to find it in a picture.
_DECIMALS = 3


def pixels_text(px: float, other_px: float | None = None) -> str:
    """Return a coordinate for people; with all its digits only where with fewer it looks like the other one.

    Examples
    --------
    >>> pixels_text(12.3456789012345), pixels_text(7.0), pixels_text(math.nan), pixels_text(1.00001, 1.00002)
    ('12.346', '7.0', 'nothing', '1.00001')
    """
    px = float(px)
    if math.isnan(px):
        return "nothing"
    if math.isinf(px):
        return "infinite" if px > 0 else "-infinite"
    short = round(px, _DECIMALS)
    return f"{px if other_px is not None and round(other_px, _DECIMALS) == short and other_px != px else short!r}"


Pair = tuple[float, float]


def point_text(xy_px: Pair) -> str:
    """``(12.346, 7.0)``; ``empty`` where there is no point."""
    x_px, y_px = xy_px
    return "empty" if math.isnan(x_px) and math.isnan(y_px) else f"({pixels_text(x_px)}, {pixels_text(y_px)})"


def two_points(a_px: Pair, b_px: Pair) -> tuple[str, str]:
    """Name two points (x, y) that differ: with all digits only where they look the same with fewer."""
    short = point_text(a_px), point_text(b_px)
    if short[0] != short[1]:
        return short
    (ax, ay), (bx, by) = a_px, b_px
    return (
        f"({pixels_text(ax, bx)}, {pixels_text(ay, by)})",
        f"({pixels_text(bx, ax)}, {pixels_text(by, ay)})",
    )


def as_written(value: object) -> str:
    """Return a value of a file or an option as files say it, not as Python does: ``null``, ``true``, ``{"a": 1}``.

    Examples
    --------
    >>> as_written(None), as_written("x y"), as_written({"height": True}), as_written((1, 2))
    ('null', "'x y'", '{"height": true}', '[1, 2]')
    """
    if isinstance(value, str | bytes | float):  # JSON has other words for what is no number than YAML and TOML
        return repr(value)
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (TypeError, ValueError):  # a key that is no text, or what holds itself
        return str(value)


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
