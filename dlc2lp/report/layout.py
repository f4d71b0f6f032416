"""How what people read in the terminal is laid out: tables, wrapped sentences, parts. Light, whatever is laid out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dlc2lp.report.looks import wrapped
from dlc2lp.wording import shown


def table(
    header: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int] = (), remarks: Sequence[str] = ()
) -> str:
    """Lay out rows in columns; those at the positions ``right`` are numbers.

    ``remarks`` has for each row a sentence that stands below it, or an empty text.
    """
    lines = [list(header), *[list(map(shown, row)) for row in rows]]
    widths = [max(len(line[n]) for line in lines) for n in range(len(header))]
    text = []
    for line, remark in zip(lines, ["", *remarks] if remarks else [""] * len(lines), strict=True):
        cells = [
            cell.rjust(width) if n in right else cell.ljust(width)
            for n, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        text.append("  ".join(cells).rstrip())
        text += [indented(remark)] if remark else []
    return "\n".join(text)


def indented(sentence: str) -> str:
    """Wrap a sentence that stands below the line that it is about."""
    return wrapped(shown(sentence), "    ")


def joined(*parts: str) -> str:
    """Join the parts that say something, with an empty line between them."""
    return "\n\n".join(filter(None, parts))
