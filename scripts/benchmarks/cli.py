"""The command line of the benchmarks."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks import (
    archive,
    copying,
    growth,
    inspecting,
    labels,
    machine,
    memory,
    mixed,
    one_encode,
    placing,
    profiles,
    second_run,
    starting,
    throughput,
)
from benchmarks.measure import say
from benchmarks.recordings import Size


@dataclass(frozen=True)
class Wanted:
    """How much is measured, and on what besides what is drawn."""

    quick: bool
    recording: Path | None
    n_projects: int | None

    @property
    def size(self) -> Size:
        """Sizes of clips."""
        return Size.quick() if self.quick else Size.full()

    @property
    def extent(self) -> archive.Extent:
        """Size of the archive."""
        usual = archive.Extent.quick() if self.quick else archive.Extent.full()
        return archive.Extent(self.n_projects, usual.n_sessions) if self.n_projects else usual


#: In the order in which they run. Each returns Markdown.
PARTS: dict[str, Callable[[Path, Wanted], str]] = {
    "profiles": lambda folder, wanted: profiles.report(folder, wanted.size, wanted.recording),
    "one-encode": lambda folder, wanted: one_encode.report(folder, wanted.size, wanted.recording),
    "throughput": lambda folder, wanted: throughput.report(folder, wanted.size, wanted.recording),
    "copying": lambda folder, wanted: copying.report(folder, wanted.size, wanted.recording),
    "memory": lambda folder, wanted: memory.report(folder, wanted.size, wanted.recording),
    "placing": lambda folder, wanted: placing.report(folder, quick=wanted.quick),
    "second-run": lambda folder, wanted: second_run.report(folder, quick=wanted.quick),
    "starting": lambda folder, wanted: starting.report(folder, quick=wanted.quick),
    "labels": lambda folder, wanted: labels.report(folder, quick=wanted.quick),
    "inspecting": lambda folder, wanted: inspecting.report(folder, quick=wanted.quick),
    "mixed": lambda folder, wanted: mixed.report(folder, quick=wanted.quick),
    "growth": lambda folder, wanted: growth.report(folder, quick=wanted.quick),
    "archive": lambda folder, wanted: archive.report(folder, wanted.extent),
}


def main() -> int:
    """Run what was asked for; Markdown goes to standard output."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("part", nargs="*", metavar="PART", help=f"only these: {', '.join(PARTS)}")
    parser.add_argument("--quick", action="store_true", help="smaller, and one run instead of three")
    parser.add_argument("--recording", type=Path, metavar="FILE", help="a real recording to measure beside the clips")
    parser.add_argument("--projects", type=int, metavar="N", help="so many projects in the archive")
    arguments = parser.parse_args()
    if unknown := set(arguments.part) - PARTS.keys():
        parser.error(f"found {', '.join(sorted(unknown))}, expected some of {', '.join(PARTS)}")
    wanted = Wanted(arguments.quick, arguments.recording, arguments.projects)
    print(machine.description(), flush=True)
    for name, report in PARTS.items():
        if name in (arguments.part or PARTS):
            say(f"{name}:")
            began = time.perf_counter()
            with tempfile.TemporaryDirectory(prefix="dlc2lp-bench-") as folder:
                print("\n" + report(Path(folder), wanted), flush=True)
            say(f"  {name} took {(time.perf_counter() - began) / 60:.1f} minutes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
