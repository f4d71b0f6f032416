"""How soon the command answers, beside Python itself."""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import median

from benchmarks.measure import say, table
from benchmarks.watched import watch

_ASKED = {
    "`python -c pass`": ["-c", "pass"],
    '`python -c "import click"`': ["-c", "import click"],
    "`dlc2lp --version`": ["-m", "dlc2lp", "--version"],
    "`dlc2lp --help`": ["-m", "dlc2lp", "--help"],
    "`dlc2lp convert --help`": ["-m", "dlc2lp", "convert", "--help"],
    '`python -c "import dlc2lp"`': ["-c", "import dlc2lp"],
}


def report(_folder: Path, *, quick: bool) -> str:
    """Each beside `python -c pass`, which ran directly before."""
    repeats = 3 if quick else 15
    say("  starting")
    argv = {what: [sys.executable, *arguments] for what, arguments in _ASKED.items()}
    rounds = [{what: watch(each) for what, each in argv.items()} for _ in range(repeats)]
    plain = next(iter(argv))
    rows = [
        [
            what,
            f"{median(each[what].cpu_s / each[plain].cpu_s for each in rounds):.1f}",
            f"{median(each[what].wall_s / each[plain].wall_s for each in rounds):.1f}",
            f"{median(each[what].cpu_s for each in rounds) * 1000:.0f}",
        ]
        for what in argv
    ]
    return f"## Starting\n\n{table(('', 'CPU', 'wall', 'CPU, ms'), rows)}"
