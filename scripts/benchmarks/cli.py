"""The command line of the benchmarks."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from benchmarks import archive, copying, machine, memory, profiles, throughput
from benchmarks.measure import say
from benchmarks.recordings import Size

#: Parts of ``bench video``, in the order in which they run. Each returns Markdown.
VIDEO_PARTS: dict[str, Callable[[Path, Size, Path | None], str]] = {
    "profiles": profiles.report,
    "throughput": throughput.report,
    "copying": copying.report,
    "memory": memory.report,
}


def main() -> int:
    """Run what was asked for; Markdown goes to standard output."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    video = commands.add_parser("video", help="encoding, copying, probing and comparing videos")
    video.add_argument("--quick", action="store_true", help="smaller clips, one run instead of three")
    video.add_argument("--part", action="append", choices=sorted(VIDEO_PARTS), help="only this part (repeatable)")
    video.add_argument("--recording", type=Path, metavar="FILE", help="a real recording to measure beside the clips")
    many = commands.add_parser("archive", help="planning and going over an archive of many projects")
    many.add_argument("--quick", action="store_true", help="40 projects of 5 sessions instead of 1,000 of 20")
    many.add_argument("--projects", type=int, metavar="N", help="so many projects")
    arguments = parser.parse_args()
    if arguments.command == "archive":
        return _archive(arguments)
    return _video(arguments)


def _archive(arguments: argparse.Namespace) -> int:
    extent = archive.Extent.quick() if arguments.quick else archive.Extent.full()
    extent = replace(extent, n_projects=arguments.projects or extent.n_projects)
    print(machine.description(), flush=True)
    with tempfile.TemporaryDirectory(prefix="dlc2lp-bench-") as folder:
        print("\n" + archive.report(Path(folder), extent), flush=True)
    return 0


def _video(arguments: argparse.Namespace) -> int:
    size = Size.quick() if arguments.quick else Size.full()
    wanted = arguments.part or list(VIDEO_PARTS)
    print(machine.description(), flush=True)
    with tempfile.TemporaryDirectory(prefix="dlc2lp-bench-") as folder:
        for name, report in VIDEO_PARTS.items():
            if name in wanted:
                say(f"{name}:")
                print("\n" + report(Path(folder), size, arguments.recording), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
