"""What a batch leaves running that was killed: nothing."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path

import pytest
from archives import build_archive
from command import start, wait_for


def children_of(process: int) -> list[int]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parent = re.search(r"^PPid:\s*(\d+)", (folder / "status").read_text(), re.MULTILINE)
            except OSError:
                continue
            if parent and int(parent[1]) == process:
                found.append(int(folder.name))
    return found


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="processes are found in /proc")
def test_the_processes_of_a_killed_batch_end_with_it(tmp_path):
    build_archive(tmp_path / "root", 16)
    process = start("batch", "plan", tmp_path / "root", tmp_path / "lp", "--jobs", 2)

    def workers():
        return [
            child for child in children_of(process.pid) if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()
        ]

    wait_for(lambda: len(workers()) == 2, process)
    time.sleep(0.5)  # until they have begun
    left = children_of(process.pid)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    wait_for(lambda: not [child for child in left if Path(f"/proc/{child}").exists()], seconds=10)
