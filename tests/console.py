"""What a page shows of the terminal: commands with the output that they must have, word for word."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from command import dlc2lp


def console_blocks(page: Path) -> list[list[str]]:
    """Command and expected output of every command in the console blocks of a page, in order."""
    commands = []
    for block in re.findall(r"```console\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        for part in re.split(r"^\$ (?=dlc2lp )", block, flags=re.MULTILINE)[1:]:
            line, _, output = part.partition("\n")
            commands.append([line, output])
    return commands


def expect_output(line: str, expected: str, here: Path) -> None:
    """Run a command that a page shows and compare what it says; the page calls the folder ``here`` ``/home/you``.

    Where lines end does not count: another length of a path moves that.
    """
    result = dlc2lp(*shlex.split(line)[1:])
    assert result.exit_code == 0, result.stderr
    shown = result.stdout.replace(str(here), "/home/you")
    assert shown.split() == expected.split(), line
