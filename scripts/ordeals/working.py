"""Cases shared among worker processes, what failed and how to repeat exactly that, and the figure at the end."""

from __future__ import annotations

import json
import os
import random
import selectors
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ordeals import children

_SECONDS_BETWEEN_WORDS = 20.0
_N_FAILURES_SHOWN = 40


@dataclass(frozen=True)
class Result:
    """What came of one case.

    Attributes
    ----------
    number, case
        Its number, from which all of it follows, and what was done, in words.
    failure
        What did not hold; empty where all did.
    kind
        What it is counted under.
    """

    number: int
    case: str
    failure: str = ""
    kind: str = ""


#: Begins the share of one worker in a folder of its own, and yields a result for each of its numbers.
Trial = Callable[[Path, int, Sequence[int]], Iterator[Result]]


class LeftOut(Exception):
    """Why a part can't be tried on this machine."""


@dataclass(frozen=True)
class Wanted:
    """How much is tried."""

    seed: int
    numbers: Sequence[int]
    jobs: int
    folder: Path | None


def chance(seed: int, part: str, number: int) -> random.Random:
    """Return the source of chance of one case: the same on every machine, whichever worker has it."""
    return random.Random(f"{seed}/{part}/{number}")


def spread(number: int, seed: int) -> float:
    """Return a place between 0 and 1; those of consecutive numbers cover it evenly, however many there are."""
    return ((number + 1) * 0.6180339887498949 + (seed * 0.7548776662466927)) % 1.0


def work_off(part: str, trial: Trial, wanted: Wanted, holds: str) -> bool:
    """Try all cases of a part and print its figure, ``kill: 9 of 9 end ...``; return whether all hold."""
    began, results = time.monotonic(), []
    with tempfile.TemporaryDirectory(prefix=f"dlc2lp-{part}-", dir=wanted.folder) as folder:
        last = began
        for result in _results(trial, wanted, Path(folder)):
            results.append(result)
            if result.failure and sum(bool(each.failure) for each in results) <= _N_FAILURES_SHOWN:
                print(_told(part, result, wanted.seed), flush=True)
            if time.monotonic() - last > _SECONDS_BETWEEN_WORDS:
                last = time.monotonic()
                say(f"{part}: {len(results)} of {len(wanted.numbers)}, {len(results) / (last - began):.1f} a second")
    failed = [result for result in results if result.failure]
    if len(failed) > _N_FAILURES_SHOWN:
        print(f"... and {len(failed) - _N_FAILURES_SHOWN} more")
    n_held, seconds = len(results) - len(failed), time.monotonic() - began
    kinds = ", ".join(
        f"{count} {kind}" for kind, count in sorted(Counter(each.kind for each in results).items()) if kind
    )
    about = f"seed {wanted.seed}, {seconds:.0f} s, {len(results) / seconds:.1f} a second"
    print(f"{part}: {n_held} of {len(wanted.numbers)} {holds} ({'; '.join(filter(None, (kinds, about)))})", flush=True)
    return n_held == len(wanted.numbers)


def say(what: str) -> None:
    """Tell who waits what is going on."""
    print(what, file=sys.stderr, flush=True)


def _told(part: str, result: Result, seed: int) -> str:
    again = f"scripts/trials {part} --seed {seed} --only {result.number}"
    return f"FAILED {result.case}\n    {result.failure}\n    again: {again}"


def _results(trial: Trial, wanted: Wanted, folder: Path) -> Iterator[Result]:
    """Share the cases among workers, and yield results as they come."""
    n_workers = max(1, min(wanted.jobs, len(wanted.numbers)))
    ears = selectors.DefaultSelector()
    processes, left = [], {}
    for worker in range(n_workers):
        share = wanted.numbers[worker::n_workers]
        ear, mouth = os.pipe()
        process = os.fork()
        if process == 0:
            os.close(ear)
            _be_worker(trial, folder / str(worker), wanted.seed, share, mouth)
        os.close(mouth)
        processes.append(process)
        left[worker] = dict.fromkeys(share)
        ears.register(os.fdopen(ear, encoding="utf-8"), selectors.EVENT_READ, worker)
    try:
        while ears.get_map():
            for key, _ in ears.select():
                line = key.fileobj.readline()  # type: ignore[union-attr]
                if not line:
                    ears.unregister(key.fileobj)
                    key.fileobj.close()  # type: ignore[union-attr]
                    if left[key.data]:
                        n_left = len(left[key.data])
                        raise RuntimeError(f"a worker ended with {n_left} cases to do; its words stand above")
                    continue
                result = Result(**json.loads(line))
                left[key.data].pop(result.number, None)
                yield result
    finally:
        for process in processes:
            os.waitpid(process, 0)


def _be_worker(trial: Trial, folder: Path, seed: int, share: Sequence[int], mouth: int) -> None:
    code = 1
    try:
        children.adopt_orphans()
        folder.mkdir()
        with os.fdopen(mouth, "w", encoding="utf-8") as told:
            for result in trial(folder, seed, share):
                told.write(json.dumps(asdict(result)) + "\n")
                told.flush()
        code = 0
    except BaseException:  # the worker must not go on with what its parent does
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        children.end_orphans()
        os._exit(code)


def each(numbers: Iterable[int], of: Callable[[int], Result]) -> Iterator[Result]:
    """Yield what comes of each number, and end what its processes left running."""
    for number in numbers:
        yield of(number)
        children.end_orphans()
