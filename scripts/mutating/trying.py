"""One mutant after another in a copy of the project, each in a process that is forked from one where all is loaded."""

from __future__ import annotations

import contextlib
import os
import re
import resource
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from mutating.mutants import Mutant
from mutating.reach import Reach, test_environment

#: What no test needs; copies of it would take minutes.
_NOT_COPIED = shutil.ignore_patterns(".git", ".venv*", "__pycache__", ".*_cache", ".hypothesis", "*.egg-info")

#: A mutant may ask for an array of any size.
_MEMORY_BYTES = 8 * 2**30

#: pytest's: nothing was collected, or it was called wrongly. Then nothing was tried.
_NOTHING_RAN = 5


@dataclass(frozen=True)
class Verdict:
    """What came of one mutant: who noticed it; empty where nobody did."""

    mutant: Mutant
    n_tests: int
    seconds: float
    killed_by: str


def copy_project(root: Path, tree: Path) -> Path:
    """Copy what the tests need."""
    return Path(shutil.copytree(root, tree, ignore=_NOT_COPIED))


def load_all() -> None:
    """Import whatever is heavy and not dlc2lp, once for all mutants."""
    import av  # noqa: F401
    import cv2
    import h5py  # noqa: F401
    import jinja2  # noqa: F401
    import jsonschema  # noqa: F401
    import pandas as pd  # noqa: F401
    import tables  # noqa: F401
    import tqdm  # noqa: F401
    import yaml  # noqa: F401

    cv2.setNumThreads(1)  # threads do not survive a fork


def try_all(
    root: Path, work: Path, mutants: list[Mutant], reach: Reach, jobs: int, at_most_s: float
) -> Iterator[Verdict]:
    """Try mutants in some processes, each with a copy of the project; yield each verdict when it is known."""
    with ProcessPoolExecutor(jobs, get_context("fork"), _begin, (root, work)) as pool:
        unchanged = next((tests for each in mutants if (tests := _tests_of(each, reach, at_most_s))), None)
        if unchanged and (told := pool.submit(_run, unchanged, _most_seconds(unchanged, reach)).result()):
            raise RuntimeError(f"the tests fail where nothing is changed: {told}")
        tasks = [pool.submit(_try, each, _tests_of(each, reach, at_most_s), reach) for each in mutants]
        for task in as_completed(tasks):
            yield task.result()


def _begin(root: Path, work: Path) -> None:
    tree = copy_project(root, work / f"tree-{os.getpid()}")
    os.chdir(tree)
    os.environ.update(test_environment(tree))
    sys.path.insert(0, str(tree))


def _tests_of(mutant: Mutant, reach: Reach, at_most_s: float) -> list[str]:
    return reach.of(mutant.path, mutant.lines, at_most_s, is_called=mutant.is_called)


def _most_seconds(tests: list[str], reach: Reach) -> float:
    return 20 + 8 * sum(reach.seconds[name] for name in tests)


def _try(mutant: Mutant, tests: list[str], reach: Reach) -> Verdict:
    if not tests:
        return Verdict(mutant, 0, 0.0, "")
    began = time.monotonic()
    module = Path(mutant.path)
    source = module.read_bytes()
    with _written(module, mutant.applied(source), source):
        killed_by = _run(tests, _most_seconds(tests, reach))
    return Verdict(mutant, len(tests), time.monotonic() - began, killed_by)


@contextlib.contextmanager
def _written(module: Path, mutated: bytes, source: bytes) -> Iterator[None]:
    try:
        _write(module, mutated)
        yield
    finally:
        _write(module, source)


def _write(module: Path, source: bytes) -> None:
    module.write_bytes(source)
    # Python takes compiled code for current by whole seconds and the size, which a mutant mostly leaves as they are
    for compiled in module.parent.glob(f"__pycache__/{module.stem}.*.pyc"):
        compiled.unlink()


def _run(tests: list[str], at_most_s: float) -> str:
    """Run tests until one fails, and return which; "" if none does."""
    log, names = Path("tried.log"), Path("tests.txt")
    names.write_text("\n".join(tests), encoding="utf-8")
    child = os.fork()
    if child == 0:
        _be_pytest(log, names)
    end, pause_s = time.monotonic() + at_most_s, 0.02
    while os.waitpid(child, os.WNOHANG) == (0, 0) and time.monotonic() < end:
        time.sleep(pause_s)
    # whatever it has left running, too; it may be gone as a whole
    is_over = time.monotonic() >= end
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(child, 0)
    if is_over:
        return f"the time limit of {at_most_s:.0f} s"
    return _who_noticed(log)


def _be_pytest(log: Path, names: Path) -> None:
    os.setpgid(0, 0)
    output = log.open("w", buffering=1, encoding="utf-8")
    for stream in (1, 2):
        os.dup2(output.fileno(), stream)
    sys.stdout = sys.stderr = output
    with contextlib.suppress(ValueError, OSError):  # macOS has no such limit
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    code = 1
    try:
        import pytest

        options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-rfE", "--tb=line"]
        code = pytest.main([*options, f"--basetemp={Path.cwd()}-tmp", f"@{names}"])
        print(f"\nENDED {int(code)}", flush=True)
    except BaseException:
        print("Traceback of pytest", traceback.format_exc(), flush=True)
    finally:
        os._exit(int(code))


def _who_noticed(log: Path) -> str:
    text = log.read_text(encoding="utf-8", errors="replace")
    code = re.search(r"^ENDED (\d+)$", text, re.MULTILINE)
    if code and int(code[1]) == 0:
        return ""
    if "Traceback of pytest" in text or (code and int(code[1]) == _NOTHING_RAN):
        raise RuntimeError(f"pytest did not run: {text[-2000:]}")
    failed = re.findall(r"^(?:FAILED|ERROR) .*", text, re.MULTILINE)
    return failed[0][:200] if failed else f"pytest: {text[-2000:]}"
