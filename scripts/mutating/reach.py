"""Which tests reach which line, and how long each takes: learnt by running all of them once, unchanged.

It is also the pytest plugin that learns it (``-p mutating.reach``), in a process for each share of the files.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

#: What the plugin is told by its environment: the modules that count, and where it writes what it learnt.
MODULES, ANSWER = "DLC2LP_MUTATED", "DLC2LP_REACH"


@dataclass(frozen=True)
class Reach:
    """Which tests may notice a mutant.

    Attributes
    ----------
    seconds
        How long each test takes; only those that pass.
    tests
        Module -> line -> the tests that come along.
    """

    seconds: dict[str, float]
    tests: dict[str, dict[int, list[str]]]

    def of(self, path: str, lines: tuple[int, int], at_most_s: float, is_called: bool) -> list[str]:
        """Return the tests that reach some lines, the quickest first, as many as take so long together.

        What stands outside of functions runs when the module is imported, so whoever reaches the module may notice.
        """
        reached = self.tests.get(path, {})
        wanted = range(lines[0], lines[1] + 1) if is_called else reached
        names = {name for line in wanted for name in reached.get(line, ())} & self.seconds.keys()
        chosen, sum_s = [], 0.0
        for name in sorted(names, key=lambda each: (self.seconds[each], each)):
            sum_s += self.seconds[name]
            if sum_s > at_most_s and chosen:
                break
            chosen.append(name)
        return chosen


def learn(tree: Path, modules: Sequence[str], tests: Sequence[str], jobs: int) -> Reach:
    """Run all tests in a copy of the project, the files shared among some processes."""
    found = [path for pattern in tests for path in tree.glob(pattern)]
    files = sorted({str(file.relative_to(tree)) for path in found for file in _test_files(path)})
    # the largest files first, in turn: no process has all of the slow ones
    files.sort(key=lambda name: (-(tree / name).stat().st_size, name))
    answers = [tree / f"reach-{number}.json" for number in range(jobs)]
    options = ["-q", "-p", "mutating.reach", "-p", "no:cacheprovider", "-rN", "--tb=no", "-m", "not slow"]
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "pytest", *options, f"--basetemp={tree}-tmp-{number}", *files[number::jobs]],
            cwd=tree,
            env=test_environment(tree) | {MODULES: os.pathsep.join(modules), ANSWER: str(answer)},
            stdout=sys.stderr,
        )
        for number, answer in enumerate(answers)
    ]
    for process in running:
        process.wait()
    seconds: dict[str, float] = {}
    reached: dict[str, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for answer in answers:
        learnt = json.loads(answer.read_text(encoding="utf-8"))
        seconds |= learnt["seconds"]
        for path, lines in learnt["tests"].items():
            for line, names in lines.items():
                reached[path][int(line)] += names
    return Reach(seconds, {path: dict(lines) for path, lines in reached.items()})


def test_environment(tree: Path) -> dict[str, str]:
    """Return the environment in which tests take dlc2lp from a copy of the project, in processes of their own too."""
    paths = os.pathsep.join([str(tree), str(Path(__file__).resolve().parents[1])])
    # CI: hypothesis takes the same examples each time, so that no chance decides about a mutant
    return os.environ | {"PYTHONPATH": paths, "CI": "true"}


def _test_files(path: Path) -> Iterator[Path]:
    yield from path.rglob("test_*.py") if path.is_dir() else [path]


class _Plugin:
    """Tells coverage which test runs, and keeps what each took."""

    def __init__(self) -> None:
        import coverage

        self._paths = {str(Path(path).resolve()): path for path in os.environ[MODULES].split(os.pathsep)}
        self._coverage = coverage.Coverage(data_file=None, include=[*self._paths], config_file=False)
        self._coverage.start()
        self._seconds: dict[str, float] = defaultdict(float)
        self._failed: set[str] = set()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._coverage.switch_context(item.nodeid)
        answer = yield
        self._coverage.switch_context("")
        return answer

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._seconds[report.nodeid] += report.duration
        if not report.passed:  # or it was skipped
            self._failed.add(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        self._coverage.stop()
        data = self._coverage.get_data()
        tests: dict[str, dict[int, list[str]]] = {}
        for path, name in self._paths.items():
            lines: dict[int, list[str]] = data.contexts_by_lineno(path)
            tests[name] = {line: [each for each in names if each] for line, names in lines.items()}
        seconds = {name: took for name, took in self._seconds.items() if name not in self._failed}
        answer: dict[str, Any] = {"seconds": seconds, "tests": tests}
        Path(os.environ[ANSWER]).write_text(json.dumps(answer), encoding="utf-8")


def pytest_configure(config: pytest.Config) -> None:
    """Begin to listen, where this module is the plugin of such a run."""
    if ANSWER in os.environ:
        config.pluginmanager.register(_Plugin())
