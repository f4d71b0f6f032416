"""Run the test suite in an environment of its own, made on first use.

::

    python scripts/test.py                            all tests
    python scripts/test.py tests/test_convert.py -x   any pytest arguments
    python scripts/test.py --all-pythons [...]        all tests under each Python from 3.11 to 3.13 of this machine
    python scripts/test.py --pythons 3.11,3.12 [...]  under each of these

Needs Python 3.11+ and git, nothing else; runs wherever that does, Windows too. DLC2LP_VENV=DIR chooses the place of the
environments (default: .venv in the clone).
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from environment import CLONE, VENV, beside, made

VERSIONS = ("3.11", "3.12", "3.13")

#: What a Python must be to run the tests: pyenv leaves a `python3.13` on PATH that only prints an error, and Debian's
#: python3 can't make environments before `apt install python3-venv`.
WORKS = "import sys, ensurepip, venv; sys.exit(sys.version_info[:2] != {version})"


def allowed_cpus() -> int:
    """The CPUs that this process may use.

    In a container or under a scheduler they are fewer than the machine has; with as many test workers as the machine
    has cores, such a container would thrash.
    """
    n_cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limit = Path("/sys/fs/cgroup/cpu.max")  # "max 100000" or "150000 100000": microseconds per period
    if limit.is_file():
        quota, period = limit.read_text(encoding="ascii").split()
        if quota != "max":
            n_cpus = min(n_cpus, math.ceil(int(quota) / int(period)))
    return n_cpus


def candidates(version: str) -> Iterator[list[str]]:
    """How a Python of a version may be called here: on PATH, by Windows' launcher, of pyenv's (not selected) ones."""
    yield [f"python{version}"]
    if os.name == "nt":
        yield ["py", f"-{version}"]
    for folder in sorted(Path.home().glob(f".pyenv/versions/{version}.*")):
        yield [str(folder / "bin" / "python")]


def find_python(version: str) -> list[str] | None:
    """The first of them that runs and can make environments; None without one."""
    check = WORKS.format(version=tuple(map(int, version.split("."))))
    for command in candidates(version):
        try:
            if subprocess.run([*command, "-c", check], capture_output=True, check=False).returncode == 0:
                return command
        except OSError:
            continue
    return None


def run_tests(python: list[str], directory: Path, arguments: list[str]) -> int:
    """Run pytest in the environment; return its code."""
    argv = [made(directory, "test", python), "-m", "pytest", "-n", str(allowed_cpus()), *arguments]
    return subprocess.run(argv, cwd=CLONE, check=False).returncode


def under_each(versions: Sequence[str], arguments: list[str]) -> int:
    """Run them under each of these Pythons that there is; 0 if there is one and none failed."""
    ran, missing, failed = [], [], []
    for version in versions:
        python = find_python(version)
        if python is None:
            missing.append(version)
            continue
        print(f"\n======== tests under Python {version} ({' '.join(python)})", flush=True)
        ran.append(version)
        if run_tests(python, beside(VENV, version), arguments):
            failed.append(version)
    told = {"tests ran under Python": ran, "not on this machine:": missing, "failed:": failed}
    print("\n======== " + "; ".join(f"{words} {' '.join(each) or 'none'}" for words, each in told.items()))
    return 0 if ran and not failed else 1


def main() -> int:
    """Run what was asked for."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["--all-pythons"]:
        return under_each(VERSIONS, arguments[1:])
    if arguments[:1] == ["--pythons"] and len(arguments) > 1:
        return under_each(arguments[1].split(","), arguments[2:])
    return run_tests([sys.executable], VENV, arguments)


if __name__ == "__main__":
    sys.exit(main())
