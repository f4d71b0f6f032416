"""``scripts/trials`` runs, repeats what it did, and tells what does not hold."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

if sys.platform == "win32":
    pytest.skip("trials need processes that can be forked", allow_module_level=True)

from ordeals.binaries import big_png, mutated_bytes, mutated_media, mutated_pickle  # noqa: E402
from ordeals.hdf import mutated_hdf  # noqa: E402
from ordeals.texts import mutated_csv, mutated_json, mutated_text, mutated_yaml  # noqa: E402
from ordeals.working import spread  # noqa: E402

MUTATIONS = (mutated_bytes, mutated_media, mutated_pickle, mutated_csv, mutated_json, mutated_text, mutated_yaml)


def trials(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts/ordeals"), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


@pytest.mark.slow
@pytest.mark.parametrize(("part", "count"), [("kill", 7), ("disk", 10), ("fuzz", 120), ("hostile", 8), ("races", 4)])
def test_each_part_ends_in_its_figure(part: str, count: int) -> None:
    done = trials(part, "--count", count, "--seed", 3)
    last = done.stdout.strip().splitlines()[-1]
    if "left out" in last:
        pytest.skip(last)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.match(rf"{part}: {count} of {count} end ", last.replace("are told", "end")), last


def test_an_unknown_part_is_wrong_usage() -> None:
    done = trials("drown")
    assert done.returncode == 2
    assert "expected some of hostile, races, kill, disk, fuzz" in done.stderr


_STAND_IN = """
import os, sys, time
sys.path[:0] = [{scripts!r}]
from ordeals import fuzz, working
fuzz._LIMIT_S = 1.0

class Cases:
    def __init__(self, folder, seed):
        self.seed, self.root = seed, folder
    def look(self):
        pass
    def result(self, number):
        if number == 3:
            {fault}
        return working.Result(number, "case")

fuzz.Fuzzing, fuzz._repair, fuzz._N_TO_A_CHILD = Cases, lambda cases: None, 4
held = working.work_off("fuzz", fuzz.trial, working.Wanted(7, range(10), 2, None), "hold")
sys.exit(not held)
"""


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("time.sleep(60)", "did not end within 1 s"),
        ("os.abort()", "the process ended with -6"),
        ("os._exit(3)", "the process ended with 3"),
        ("raise ValueError('from within')", "the process ended with 1"),
        ("return working.Result(3, 'case', 'traceback: odd')", "traceback: odd"),
    ],
)
def test_whatever_ends_a_case_is_told_with_how_to_repeat_it_and_fails_no_other(fault: str, told: str) -> None:
    code = _STAND_IN.format(scripts=str(ROOT / "scripts"), fault=fault)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert told in done.stdout
    assert "again: scripts/trials fuzz --seed 7 --only 3\n" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("fuzz: 9 of 10 hold")


_BROKEN = """
import sys
sys.path[:0] = [{scripts!r}]
from ordeals import children, cli
children.import_all()
import dlc2lp.temporaries
dlc2lp.temporaries.Tag.is_gone = property(lambda tag: False)
sys.exit(cli.main(["kill", "--count", "14", "--seed", "5"]))
"""


@pytest.mark.slow
def test_what_a_killed_command_leaves_lying_is_told() -> None:
    """A dlc2lp that takes no process for gone, and so removes nothing of those that were killed."""
    done = subprocess.run(
        [sys.executable, "-c", _BROKEN.format(scripts=str(ROOT / "scripts"))],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"},
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "temporaries left" in done.stdout


@given(st.integers(0), st.sampled_from(MUTATIONS), st.binary() | st.text().map(str.encode))
def test_a_seed_mutates_anything_and_always_alike(seed: int, mutation: Callable[..., bytes], content: bytes) -> None:
    first = mutation(Random(seed), content)
    assert isinstance(first, bytes)
    assert mutation(Random(seed), content) == first


@given(st.integers(0))
def test_a_seed_mutates_hdf5_alike(seed: int) -> None:
    content = (ROOT / "fixtures/hdf/py2_fixed_flat.h5").read_bytes()
    assert len(mutated_hdf(Random(seed), content)) == len(mutated_hdf(Random(seed), content))


def test_mutated_checksums_fit_again() -> None:
    """Else every reader would refuse a mutated PNG for its checksum and see nothing of the mutation."""
    import zlib

    png = big_png(40, 30)
    fitting = 0
    for seed in range(60):
        made = mutated_media(Random(seed), png)
        length = int.from_bytes(made[8:12], "big")
        held, told = made[12 : 16 + length], made[16 + length : 20 + length]
        fitting += made != png and zlib.crc32(held).to_bytes(4, "big") == told
    assert fitting > 10


def test_moments_are_spread_evenly() -> None:
    for seed in (0, 1, 12345):
        places = sorted(spread(number, seed) for number in range(200))
        assert places[0] < 0.01
        assert places[-1] > 0.99
        assert max(after - before for before, after in pairwise(places)) < 0.02
