"""The recipes of docs/cluster.md are carried out as they stand, but for the number of shards."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from archives import build_archive
from command import dlc2lp

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs/cluster.md").read_text(encoding="utf-8")
N_SHARDS = 2

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="schedulers run on Linux")


def blocks(language):
    """Code blocks, with two shards instead of a hundred."""
    found = re.findall(rf"^```{language}\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    return [re.sub(r"\b100\b", str(N_SHARDS), block) for block in found]


def script(name):
    (found,) = (block for block in blocks("bash") if f"\n# {name}," in block)
    return found


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cluster")
    build_archive(folder / "archive", 3, n_encoded=0)
    assert dlc2lp("batch", "plan", folder / "archive", folder / "archive-lp").exit_code == 0
    return folder / "archive-lp"


@pytest.fixture
def place(planned, tmp_path):
    """A folder that holds a planned archive."""
    shutil.copytree(planned, tmp_path / "archive-lp")
    return tmp_path


def run(place, argv, text=None, **environment):
    bin_folder = Path(sys.executable).parent
    done = subprocess.run(
        argv,
        input=text,
        cwd=place,
        env={"PATH": f"{bin_folder}:{os.environ['PATH']}", "HOME": str(place), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def expect_all_done(place):
    assert dlc2lp("batch", "status", place / "archive-lp", "--json").document["targets"]["done"] == 3


def test_sun_grid_engine(place):
    for number in (1, 2):
        numbers = {"SGE_TASK_ID": str(number), "SGE_TASK_FIRST": "1", "SGE_TASK_LAST": "2", "SGE_TASK_STEPSIZE": "1"}
        run(place, ["bash"], script("run.sge"), NSLOTS="1", **numbers)
    expect_all_done(place)
    run(place, ["bash"], script("finish.sge"), SGE_TASK_ID="undefined", NSLOTS="1")
    assert (place / "archive-lp/index.html").is_file()


def test_pbs(place):
    for number in (1, 2):
        run(place, ["bash"], script("run.pbs"), PBS_ARRAY_INDEX=str(number), PBS_O_WORKDIR=str(place), NCPUS="1")
    expect_all_done(place)
    run(place, ["bash"], script("finish.pbs"), PBS_O_WORKDIR=str(place), NCPUS="1")
    assert (place / "archive-lp/index.html").is_file()


def test_kubernetes(place):
    (text,) = blocks("yaml")
    job = yaml.safe_load(text)
    assert job["spec"]["completions"] == N_SHARDS
    command = job["spec"]["template"]["spec"]["containers"][0]["command"]
    for number in range(N_SHARDS):
        run(place, [part.replace("/data", str(place)) for part in command], JOB_COMPLETION_INDEX=str(number))
    expect_all_done(place)


@pytest.mark.parametrize("program", ["parallel", "xargs"])
def test_without_a_scheduler(place, program):
    if shutil.which(program) is None:
        pytest.skip(f"there is no {program}")
    (line,) = (block for block in blocks("bash") if f"| {program} " in block)
    run(place, ["bash", "-c", line])
    expect_all_done(place)


def test_every_command_and_option_that_is_shown_exists():
    shown = set(re.findall(r"dlc2lp batch (\w+)", DOCUMENT))
    assert shown == {"plan", "run", "finish", "status", "submit", "convert"}
    reference = (Path(__file__).resolve().parents[2] / "docs/cli.md").read_text(encoding="utf-8")
    for line in re.findall(r"dlc2lp batch [^`\n]*", DOCUMENT):
        for option in re.findall(r"(?<= )--[a-z][a-z-]+", line):
            assert f"{option} " in reference or f"{option}\n" in reference, line
