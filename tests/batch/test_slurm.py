"""What is handed to Slurm: the texts, and what a site can say. A real one is asked by scripts/prove_slurm."""

import re
import shlex
import subprocess
import sys

import pytest
from archives import build_archive
from command import dlc2lp

from dlc2lp.batch.slurm import Resources, requeue_this_task, submit_archive
from dlc2lp.errors import UsageError

needs_bash = pytest.mark.skipif(sys.platform == "win32", reason="Slurm runs on Linux")


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("it's $HOME")
    build_archive(folder / "root", 4, n_encoded=0)
    assert dlc2lp("batch", "plan", folder / "root", folder / "lp").exit_code == 0
    return folder / "lp"


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A cluster that says what a test wants: ``site(sbatch="echo 4711", scontrol="...")`` writes its programs."""

    def write(**programs):
        for name, body in programs.items():
            path = tmp_path / "bin" / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(f'#!/bin/sh\necho {name} "$@" >>{shlex.quote(str(tmp_path))}/calls\n{body}\n')
            path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
        return tmp_path / "calls"

    return write


def submit(out, n_shards, resources=None, **options):
    return submit_archive(out, ["dlc2lp"], n_shards, resources or Resources(), **options)


def array_of(script):
    return re.search(r"^#SBATCH --array=(\S+)$", script.text, re.MULTILINE)[1]


@needs_bash
def test_the_script_calls_dlc2lp_with_the_shard_of_its_index(planned, tmp_path):
    """Run by bash itself, with a name that has a quote, a blank and a dollar."""
    made = submit_archive(
        planned, [sys.executable, "-c", "import sys; print(sys.argv[1:])"], 3, Resources(), dry_run=True
    )
    (run, finish) = made.scripts
    done = subprocess.run(
        ["bash", "-c", run.text], env={"SLURM_ARRAY_TASK_ID": "1"}, capture_output=True, text=True, check=True
    )
    said = ["batch", "run", str(planned), "--requeue=20", "--shard", "2/3"]
    assert done.stdout.strip() == str(said)
    done = subprocess.run(["bash", "-c", finish.text], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(["batch", "finish", str(planned), "--requeue=20"])
    assert not (planned / ".dlc2lp-batch/slurm").exists(), "a dry run writes nothing"


def test_resources_stand_in_both_scripts(planned):
    resources = Resources(2, "gpu", "1-12", 8, 1.5, ("--account=lab",), "module load ffmpeg")
    run, finish = submit(planned, 3, resources, dry_run=True).scripts
    for script in (run, finish):
        lines = script.text.splitlines()
        wanted = ("partition=gpu", "time=1-12", "cpus-per-task=8", "mem=1536M", "account=lab", "signal=B:TERM@120")
        assert all(f"#SBATCH --{each}" in lines for each in wanted)
        assert lines[-2] == "module load ffmpeg"
        assert lines[-1].startswith("exec ")
    assert array_of(run) == "0-2%2"


@needs_bash
def test_arrays_beyond_the_sites_limit_are_split_and_depend_on_each_other(planned, site):
    calls = site(
        scontrol="echo 'MaxArraySize            = 2'",
        sbatch='echo "$((4711 + $(wc -l <../../../calls 2>/dev/null || echo 0)));c"',
    )
    made = submit(planned, 5, Resources(max_running=1))
    arrays = made.scripts[:-1]
    assert made.n_left <= 5
    numbers = [int(number) for script in arrays for number in re.findall(r"\d+", array_of(script).split("%")[0])]
    assert max(numbers) < 2
    sent = [line for line in calls.read_text().splitlines() if line.startswith("sbatch")]
    assert len(sent) == len(arrays) + 1
    assert all("--dependency=afterany:" in line for line in sent[1:])
    assert sent[-1].count(":") == len(arrays)
    assert all(job.isdigit() for job in made.jobs.values())


@needs_bash
def test_what_slurm_says_when_it_refuses_reaches_the_user(planned, site):
    site(scontrol="exit 1", sbatch="echo 'sbatch: error: Memory specification can not be satisfied' >&2; exit 1")
    result = dlc2lp("batch", "submit", planned, "--shards", 2, "--json")
    assert (result.exit_code, result.codes) == (1, ["submit-refused"])
    assert "Memory specification can not be satisfied" in result.finding("submit-refused")["message"]


@needs_bash
def test_without_slurm_the_other_ways_are_named(planned, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    result = dlc2lp("batch", "submit", planned, "--shards", 2, "--json")
    assert (result.exit_code, result.codes) == (4, ["no-slurm"])
    assert "docs/cluster.md" in result.finding("no-slurm")["hint"]


@pytest.mark.parametrize("time", ["tomorrow", "1:2:3:4", "", "4h"])
def test_a_time_that_slurm_does_not_know(time):
    with pytest.raises(UsageError, match="H:MM:SS"):
        Resources(time=time)


@pytest.mark.parametrize(
    ("time", "warning_s"), [("1", 15), ("4", 60), ("0:40", 10), ("1:00:00", 120), ("1-0", 120), ("30:00", 120)]
)
def test_a_short_limit_is_not_eaten_up_by_its_warning(time, warning_s):
    assert f"--signal=B:TERM@{warning_s}" in Resources(time=time).directives()


@needs_bash
@pytest.mark.parametrize(
    ("state", "restarts", "goes_back"),
    [("RUNNING", "0", True), ("TIMEOUT", "3", True), ("CANCELLED", "0", False), ("RUNNING", "20", False)],
)
def test_a_task_goes_back_into_the_queue_unless_a_person_cancelled_it(site, state, restarts, goes_back):
    calls = site(scontrol=f"echo 'JobId=12 JobName=x JobState={state} Reason=None'")
    said = requeue_this_task({"SLURM_JOB_ID": "12", "SLURM_RESTART_COUNT": restarts}, 20)
    assert ("was put back" in said) == goes_back
    asked = calls.read_text().splitlines() if calls.exists() else []
    assert ("scontrol requeue 12" in asked) == goes_back


def test_outside_of_slurm_nothing_is_asked():
    assert requeue_this_task({}, 20) == ""
