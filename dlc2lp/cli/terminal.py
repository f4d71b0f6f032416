"""What the terminal can show: how wide it is, and whether it has colours. Decided here and nowhere else."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
from typing import IO, Any

import click

from dlc2lp.report.looks import PLAIN_WIDTH, Role, dress
from dlc2lp.system import system
from dlc2lp.wording import shown_lines

#: How each kind of text is drawn.
_STYLES: dict[Role, dict[str, Any]] = {
    "error": {"fg": "red", "bold": True},
    "warning": {"fg": "yellow", "bold": True},
    "note": {"fg": "cyan"},
    "good": {"fg": "green"},
    "heading": {"bold": True},
    "faint": {"dim": True},
}


def _paint(text: str, role: Role) -> str:
    return click.style(text, **_STYLES[role])


#: The sequences that styles are made of, and no others: whatever else a name holds is spelled out.
_SEQUENCES = re.compile(
    "("
    + "|".join(
        sorted({re.escape(_paint("|", role).split("|")[side]) for role in _STYLES for side in (0, 1)}, reverse=True)
    )
    + ")"
)


def is_terminal(stream: IO[str] | None) -> bool:
    """Whether a person watches a stream."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # it is closed
        return False


def can_redraw(stream: IO[str] | None) -> bool:
    """Whether what was written there can be written over: bars move in no log and on no dumb terminal."""
    return is_terminal(stream) and os.environ.get("TERM") != "dumb"


def has_colors(stream: IO[str] | None) -> bool:
    """Whether a stream shows colours, and its reader has nothing against them (no-color.org)."""
    return can_redraw(stream) and not os.environ.get("NO_COLOR")


def columns_of(stream: IO[str] | None) -> int:
    """Return how many characters a line holds: what COLUMNS says, else the terminal; 80 where there is none."""
    said = os.environ.get("COLUMNS", "")
    if said.isascii() and said.isdigit() and int(said):
        return int(said)
    with contextlib.suppress(OSError, ValueError, AttributeError):
        if stream is not None and is_terminal(stream):
            return os.get_terminal_size(stream.fileno()).columns or PLAIN_WIDTH
    return PLAIN_WIDTH


def dress_texts(stream: IO[str] | None) -> None:
    """Have texts made for the stream that results go to, and for stderr, where the rest goes."""
    is_colored = has_colors(sys.stdout) or has_colors(sys.stderr)
    dress(columns_of(stream), _paint if is_colored else lambda text, _: text)


def unpainted(text: str) -> str:
    """Return a text without colours."""
    return _SEQUENCES.sub("", text)


def shown_painted(text: str, stream: IO[str] | None) -> str:
    """Return lines as a stream may show them: names spelled out, and in colours where it has them."""
    if not (has_colors(sys.stdout) or has_colors(sys.stderr)):
        return shown_lines(text)  # then nothing was painted, and such a sequence is a name's
    pieces = _SEQUENCES.split(text)
    keeps = has_colors(stream)
    return "".join(
        (piece if keeps else "") if number % 2 else shown_lines(piece) for number, piece in enumerate(pieces)
    )


def has_gpu() -> bool:
    """Whether there seems to be an NVIDIA GPU here, by what its driver brings along. Nothing is written by it."""
    if system() == "darwin":
        return False
    signs = ("/dev/nvidia0", "/usr/lib/wsl/lib/nvidia-smi")
    return shutil.which("nvidia-smi") is not None or any(map(os.path.exists, signs))
