"""``python scripts/mutating``: the command line of the mutation check."""

from __future__ import annotations

import argparse
import configparser
import hashlib
import json
import os
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("MALLOC_ARENA_MAX", "2")

if not __package__:  # run as a folder
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from mutating.mutants import Mutant, is_in_sample, mutants_of
from mutating.reach import Reach, learn
from mutating.trying import Verdict, copy_project, load_all, try_all

ROOT = Path(__file__).resolve().parents[2]
_SECONDS_BETWEEN_WORDS = 20.0


def main() -> int:
    """Try what was asked for, and print what nobody noticed; return 1 if there is such."""
    given = _arguments()
    kinds, tests = _settings()
    tests = given.tests or tests
    modules = [path for paths in kinds.values() for path in paths]
    if unknown := {*given.module} - {*modules}:
        sys.exit(f"mutants: found {', '.join(sorted(unknown))}, expected modules that setup.cfg names in [mutants]")
    mutants = [each for path in modules for each in mutants_of(path, (ROOT / path).read_bytes())]
    wanted = _wanted(mutants, given)
    if given.list:
        print("\n".join(each.shown((ROOT / each.path).read_bytes()) for each in wanted))
        return 0
    with tempfile.TemporaryDirectory(prefix="dlc2lp-mutants-", dir=given.folder) as folder:
        work = Path(folder)
        reach = _reach(work, modules, tests, given)
        load_all()
        verdicts = _tried(work, wanted, reach, given)
    _tell(verdicts, kinds, len(mutants), given)
    return int(any(not each.killed_by for each in verdicts))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/mutants", description="Change dlc2lp; see whether the tests notice.")
    parser.add_argument("module", nargs="*", metavar="MODULE", help="only these: dlc2lp/dlc/columns.py")
    parser.add_argument("--share", type=float, default=1.0, metavar="PART", help="so much of all mutants [1: all]")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="another seed takes another share [1]")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="exactly these")
    parser.add_argument("--list", action="store_true", help="show them, and try none")
    parser.add_argument("--tests", nargs="+", metavar="PATH", help="only these tests may notice [those of setup.cfg]")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="how many at a time [2]")
    parser.add_argument(
        "--test-seconds", type=float, default=30, metavar="S", help="tests of so many seconds for each, at most [30]"
    )
    parser.add_argument(
        "--reach", type=Path, metavar="FILE", help="keep which tests reach which line, while all is equal"
    )
    parser.add_argument("--anyway", action="store_true", help="take what --reach holds though sources have changed")
    parser.add_argument("--record", type=Path, metavar="FILE", help="each verdict is added to it as a line of JSON")
    parser.add_argument(
        "--folder", type=Path, metavar="DIR", help="where the work lies [the system's temporary folder]"
    )
    return parser.parse_args()


def _settings() -> tuple[dict[str, list[str]], list[str]]:
    """Return the modules of each kind, and the tests that may notice."""
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    section = {name: value.split() for name, value in settings["mutants"].items()}
    tests = section.pop("tests")
    kinds = {
        kind: [path.relative_to(ROOT).as_posix() for pattern in patterns for path in sorted(ROOT.glob(pattern))]
        for kind, patterns in section.items()
    }
    return kinds, tests


def _wanted(mutants: list[Mutant], given: argparse.Namespace) -> list[Mutant]:
    if given.only:
        wanted = [each for each in mutants if each.name in given.only]
        if missing := {*given.only} - {each.name for each in wanted}:
            sys.exit(
                f"mutants: found no mutant {', '.join(sorted(missing))}; what it changed may be written otherwise now"
            )
        return wanted
    return [
        each
        for each in mutants
        if is_in_sample(each, given.share, given.seed) and (not given.module or each.path in given.module)
    ]


def _reach(work: Path, modules: list[str], tests: list[str], given: argparse.Namespace) -> Reach:
    """Learn which tests reach which line, or take it from a former run over exactly the same sources."""
    tree = copy_project(ROOT, work / "unchanged")
    sources = [path.read_bytes() for folder in ("dlc2lp", "tests") for path in sorted((tree / folder).rglob("*.py"))]
    equal = hashlib.sha256(b"\0".join([*sources, repr((modules, tests)).encode()])).hexdigest()
    if given.reach and given.reach.is_file():
        kept = json.loads(given.reach.read_text(encoding="utf-8"))
        if kept["of"] == equal or given.anyway:
            tests_of = {
                path: {int(line): each for line, each in lines.items()} for path, lines in kept["tests"].items()
            }
            return Reach(kept["seconds"], tests_of)
    print("mutants: running all tests once, to learn which reach which line", file=sys.stderr)
    reach = learn(tree, modules, tests, given.jobs)
    if given.reach:
        given.reach.write_text(json.dumps({"of": equal} | asdict(reach)), encoding="utf-8")
    return reach


def _tried(work: Path, wanted: list[Mutant], reach: Reach, given: argparse.Namespace) -> list[Verdict]:
    verdicts: list[Verdict] = []
    last = time.monotonic()
    for verdict in try_all(ROOT, work, wanted, reach, given.jobs, given.test_seconds):
        verdicts.append(verdict)
        if given.record:
            with given.record.open("a", encoding="utf-8") as file:
                said = {"name": verdict.mutant.name, "path": verdict.mutant.path, "killed_by": verdict.killed_by}
                said |= {"n_tests": verdict.n_tests, "seconds": round(verdict.seconds, 2)}
                said |= {"diff": verdict.mutant.shown((ROOT / verdict.mutant.path).read_bytes())}
                file.write(json.dumps(said) + "\n")
        if time.monotonic() - last > _SECONDS_BETWEEN_WORDS:
            last = time.monotonic()
            n_alive = sum(not each.killed_by for each in verdicts)
            print(f"mutants: {len(verdicts)} of {len(wanted)} tried, {n_alive} survived", file=sys.stderr, flush=True)
    order = {each.name: number for number, each in enumerate(wanted)}
    return sorted(verdicts, key=lambda each: order[each.mutant.name])


def _tell(verdicts: list[Verdict], kinds: dict[str, list[str]], n_all: int, given: argparse.Namespace) -> None:
    survivors = [each for each in verdicts if not each.killed_by]
    for each in survivors:
        tests = f"{each.n_tests} tests saw nothing" if each.n_tests else "no test reaches it"
        print(f"\nSURVIVED ({tests}) {each.mutant.shown((ROOT / each.mutant.path).read_bytes())}")
    print()
    counts = Counter((each.mutant.path, bool(each.killed_by)) for each in verdicts)
    for kind, paths in kinds.items():
        n_killed, n_alive = (sum(counts[path, is_killed] for path in paths) for is_killed in (True, False))
        if not n_killed + n_alive:
            continue
        print(f"{kind}: {n_killed} of {n_killed + n_alive} killed, {n_alive} survived")
        for path in paths:
            n, n_alive = counts[path, True] + counts[path, False], counts[path, False]
            if n:
                print(f"    {path}: {n - n_alive} of {n}" + (f", {n_alive} survived" if n_alive else ""))
    n_killed = len(verdicts) - len(survivors)
    seconds = sum(each.seconds for each in verdicts)
    print(
        f"mutants: {n_killed} of {len(verdicts)} killed, {len(survivors)} survived "
        f"(of {n_all} in all; share {given.share:g}, seed {given.seed}, {seconds / max(len(verdicts), 1):.1f} s each)"
    )


if __name__ == "__main__":
    sys.exit(main())
