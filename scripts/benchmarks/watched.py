"""What a command takes: time, the memory of its largest process, and what it reads.

The command is started by this very file as a small program of its own: on Linux a process begins with the peak memory
of the one that started it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

_SCRIPTS = Path(__file__).resolve().parents[1]


class Watched(NamedTuple):
    """What a command took.

    Attributes
    ----------
    wall_s, cpu_s
        Seconds by the clock, and of CPUs in all its processes.
    peak_bytes
        Memory of its largest process.
    read_bytes
        What all its processes read from files and pipes, from disk or from memory.
    """

    wall_s: float
    cpu_s: float
    peak_bytes: int
    read_bytes: int


def watch(argv: Sequence[str | Path]) -> Watched:
    """Run a command to its end. Linux only, which alone tells what a process has read."""
    starter = [sys.executable, "-I", "-S", __file__, *map(str, argv)]
    done = subprocess.run(starter, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=_SCRIPTS, check=False)
    if done.returncode:
        raise RuntimeError(f"{argv} failed: {done.stderr[-2000:]}")
    return Watched(**json.loads(done.stdout))


def _main(argv: list[str]) -> int:
    with tempfile.TemporaryFile() as said:
        began = time.perf_counter()
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and its figures are still there
        wall_s = time.perf_counter() - began
        io = dict(line.split(": ") for line in Path(f"/proc/{process.pid}/io").read_text().splitlines())
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            sys.stderr.write(f"exit {process.returncode}: {said.read().decode('utf-8', 'replace')}")
            return 1
    took = Watched(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, int(io["rchar"]))
    print(json.dumps(took._asdict()))
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
