"""Odd values, and trees of values in which some of it is odd: what JSON, YAML and pickles hold."""

from __future__ import annotations

import copy
import datetime
import math
from random import Random
from typing import Any

#: Texts that programs have stumbled over. ``{precious}`` is a file outside of everything that is worked on.
ODD_TEXTS = (
    "", " ", "\t", "\n", "a\nb", "a\r\nb", '"', "'", ",", ";", "\\", "\0", "\x1b[31m", "\x9b2J", "\u202e", "\ufeff",
    "\ud800", "\u0660\u0661", "é", "e\u0301", "🐁", "x" * 300, "x" * 70_000, ".", "..", "/", "//", "~",
    "../../outside/precious",
    "{precious}", "{precious}/below", "file://{precious}", "/dev/zero", "/dev/stdin", "/proc/self/mem", "C:\\x",
    "\\\\host\\x",
    "con", "nul.txt", "-", "--help", "=cmd()", "<b>", "&amp;", "%s%n", "${HOME}", "$(id)", "nan", "NaN", "inf",
    "-inf",
    "1e999", "-1e-999", "0x10", "1_000", "1,5", "1.5.2", "１２", "true", "null", "None", "no", "9" * 400,
    "0" * 5000 + "1",
    "x", "y", "likelihood", "coords", "bodyparts", "scorer", "individuals", "single", "labeled-data", "img2.png",
)  # fmt: skip

_ODD_NUMBERS = (
    0, 1, -1, 2, 7, 255, 256, 2**31 - 1, 2**31, -(2**31), 2**53 + 1, 2**63 - 1, 2**63, 2**64, 10**30, 10**400,
    10**4000,
    0.0, -0.0, 0.5, 1e-320, 1e17, 1e308, -1e308, math.nan, math.inf, -math.inf,
)  # fmt: skip


def odd(randomly: Random) -> Any:
    """Return any odd value of JSON or YAML."""
    match randomly.randrange(8):
        case 0 | 1 | 2:
            return randomly.choice(ODD_TEXTS)
        case 3 | 4:
            return randomly.choice(_ODD_NUMBERS)
        case 5:
            return randomly.choice((None, True, False))
        case 6:
            return randomly.choice(
                ([], {}, [[]], [None], {"": None}, {"a": {"b": []}}, [1, "2", None], list(range(2000)))
            )
    return _deep(randomly.choice((3, 30, 150, 400)), randomly.random() < 0.5)


def odd_date(randomly: Random) -> Any:
    """Return a value that YAML and pickles have and JSON has not."""
    return randomly.choice(
        (datetime.date(2018, 10, 30), datetime.datetime(1, 1, 1), b"\xff\0", {1, 2}, (1, 2), frozenset())
    )


def _deep(levels: int, as_lists: bool) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value] if as_lists else {"a": value}
    return value


def mutated(randomly: Random, tree: Any, *, only_json: bool = True) -> Any:
    """Return a copy of a tree in which one place is odd: another value, gone, doubled, renamed, or wrapped."""
    tree = copy.deepcopy(tree)
    places = [(holder, key) for holder in _holders(tree) for key in _keys(holder)]
    if not places or randomly.random() < 0.01:
        return odd(randomly)
    holder, key = randomly.choice(places)
    value = holder[key]
    match randomly.randrange(12):
        case 0 | 1 | 2 | 3:
            holder[key] = odd(randomly) if only_json or randomly.random() < 0.8 else odd_date(randomly)
        case 4 | 5:
            del holder[key]
        case 6:
            if isinstance(holder, dict):
                holder[str(randomly.choice(ODD_TEXTS))] = holder.pop(key)
            else:
                holder[key:key] = [copy.deepcopy(value)] * randomly.choice((1, 2, 1000))
        case 7:
            holder[key] = randomly.choice(([value], {"a": value}, [value, value], {str(key): value}))
        case 8:
            other, name = randomly.choice(places)
            holder[key] = copy.deepcopy(other[name])
        case 9:
            holder[key] = str(value)[:2000]
        case _:
            holder[key] = _near(randomly, value)
    return tree


def _near(randomly: Random, value: Any) -> Any:
    """Return what is almost a value."""
    match value:
        case bool():
            return not value
        case int() | float():
            return randomly.choice(
                (-value, value + 1, value - 1, value * 2, value * 10**6, value / 3, str(value), [value])
            )
        case str() if value:
            place, odd_text = randomly.randrange(len(value) + 1), str(randomly.choice(ODD_TEXTS))
            return randomly.choice(
                (
                    value[:place] + odd_text + value[place:],
                    value[:place],
                    value[place:],
                    value.upper(),
                    value * 3,
                    [value],
                    f"../{value}",
                    f"/{value}",
                )
            )
        case list() if value:
            return randomly.choice(
                (
                    value[::-1],
                    value[:-1],
                    value + value,
                    value[:1] * 50,
                    tuple(value)[:1][0],
                    dict(enumerate(map(str, value))),
                )
            )
        case dict() if value:
            return randomly.choice(
                (list(value), list(value.values()), {**value, "extra": 1}, next(iter(value.values())))
            )
    return odd(randomly)


def _holders(tree: Any) -> list[Any]:
    found, waiting, known = [], [tree], set()
    while waiting:
        value = waiting.pop()
        # What an alias of YAML stands for is one thing, in a thousand million places perhaps.
        if isinstance(value, dict | list) and id(value) not in known:
            known.add(id(value))
            found.append(value)
            waiting += value.values() if isinstance(value, dict) else value
    return found


def _keys(holder: Any) -> list[Any]:
    return list(holder) if isinstance(holder, dict) else list(range(len(holder)))
