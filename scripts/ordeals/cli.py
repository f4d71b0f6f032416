"""The command line of the trials."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dlc2lp.video.cpus import allowed_cpus
from ordeals import children, disk, fuzz, hostile, kill, races
from ordeals.working import LeftOut, Trial, Wanted, work_off


@dataclass(frozen=True)
class Part:
    """One part: how its cases are tried, how many there are by default, and the words of its figure."""

    trial: Trial
    holds: str
    n_short: int
    n_usual: int
    n_all: int | None = None  #: Of a list that has an end.
    check: Callable[[], None] = lambda: None  #: Raises LeftOut where this machine can't.


#: In the order in which they run.
PARTS = {
    "hostile": Part(
        hostile.trial, "end as they must, with nothing run or touched outside", 137, 10**6, len(hostile.CASES)
    ),
    "races": Part(races.trial, "end as they must", 2 * len(races.CASES), 6 * len(races.CASES)),
    "kill": Part(kill.trial, "end byte-identical with no temporary left", 40, 300),
    "disk": Part(
        disk.trial, "are told as trouble of the disk and end byte-identical", 40, 300, check=disk.check_machine
    ),
    "fuzz": Part(fuzz.trial, "end without a fault, a hang, a gigabyte or a touched file", 2000, 20000),
}


def main(arguments: list[str] | None = None) -> int:
    """Try what was asked for; return 1 if anything did not hold."""
    parser = argparse.ArgumentParser(prog="scripts/trials", description="Try to break dlc2lp.")
    parser.add_argument("part", nargs="*", metavar="PART", help=f"only these: {', '.join(PARTS)}")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="another seed tries other cases [1]")
    parser.add_argument("--count", type=int, metavar="N", help="so many cases of each part")
    parser.add_argument("--short", action="store_true", help="a few of each: about 3 minutes in all on two cores")
    parser.add_argument("--only", type=int, metavar="NUMBER", help="this case alone, as a failure tells it")
    parser.add_argument("--jobs", type=int, default=allowed_cpus(), metavar="N", help="worker processes [the CPUs]")
    parser.add_argument(
        "--folder", type=Path, metavar="DIR", help="where the work lies [the system's temporary folder]"
    )
    given = parser.parse_args(arguments)
    if unknown := set(given.part) - PARTS.keys():
        parser.error(f"found {', '.join(sorted(unknown))}, expected some of {', '.join(PARTS)}")
    if sys.platform == "win32":
        print("trials: left out, they need processes that can be forked")
        return 0
    children.import_all()
    held = [_tried(name, part, given) for name, part in PARTS.items() if name in (given.part or PARTS)]
    return 0 if all(held) else 1


def _tried(name: str, part: Part, given: argparse.Namespace) -> bool:
    count = given.count if given.count is not None else part.n_short if given.short else part.n_usual
    numbers: Sequence[int] = range(count)
    if part.n_all is not None:  # of a list, some from all over it
        n = min(count, part.n_all)
        numbers = [number * part.n_all // n for number in range(n)]
    wanted = Wanted(given.seed, [given.only] if given.only is not None else numbers, given.jobs, given.folder)
    try:
        part.check()
    except LeftOut as reason:
        print(f"{name}: left out, {reason}", flush=True)
        return True
    return work_off(name, part.trial, wanted, part.holds)
