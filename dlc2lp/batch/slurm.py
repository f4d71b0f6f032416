"""Hands an archive to Slurm: a job array of ``batch run --shard``, and a finishing job that depends on it.

The scripts are kept in OUT, and everything in them can be typed by hand. Slurm is asked for two things only: to take a
job, and whether the one that is being stopped was cancelled. What is done, dlc2lp's own records tell; ``sacct`` is not
needed.

References
----------
Slurm documentation: job arrays (job_array.html), sbatch (sbatch.html), scontrol (scontrol.html).
"""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from dlc2lp.batch.index import STATE_FOLDER, Index
from dlc2lp.batch.shards import Unit, shards_with
from dlc2lp.batch.worklog import read_story
from dlc2lp.errors import Dlc2LpError, ToolMissing, UsageError
from dlc2lp.files import read_text, write_whole
from dlc2lp.model import Setting
from dlc2lp.run.scratch import make_folder
from dlc2lp.wording import counted, shown

SLURM_FOLDER = f"{STATE_FOLDER}/slurm"
FINISH_SCRIPT = "finish.sh"

#: Slurm's own default of MaxArraySize; the largest index is one less.
_DEFAULT_MAX_ARRAY_SIZE = 1001

#: How long before the time limit a task is told to stop, and what part of a short limit that may be. Slurm looks at its
#: clock only about once a minute.
_WARNING_S = 120
_WARNING_PART = 4

#: How often a task goes back into the queue when its time is up, before a person should look.
_MAX_REQUEUES = 20

_ANSWER_S = 60.0

#: Some lines of a shell have less.
_PREAMBLE_BYTES = 2**20

_TIME = re.compile(r"(\d+-)?\d+(:\d{1,2}){0,2}")


@dataclass(frozen=True)
class Resources:
    """What to ask Slurm for."""

    max_running: int | None = None  #: Tasks of the array that run at a time; None: as many as Slurm allows.
    partition: str | None = None  #: Name of the partition; None: the cluster's default.
    #: Time limit of each task, as Slurm writes it (``4:00:00``); None: the partition's default.
    time: str | None = None
    cpus: int = 4  #: CPUs of each task.
    mem_gb: float | None = None  #: Memory of each task in GB; None: the cluster's default.
    sbatch_args: tuple[str, ...] = ()  #: Further arguments of sbatch, as they are; both scripts get them.
    preamble: str = ""  #: Shell lines that come before dlc2lp: loading modules, setting ``SLURM_TMPDIR``.

    def __post_init__(self) -> None:
        if self.time is not None and not _TIME.fullmatch(self.time):
            why = f"found {self.time!r}, expected minutes, H:MM:SS or DAYS-HH:MM:SS"
            raise UsageError.of("time-invalid", "--time", why)
        if self.partition is not None and not re.fullmatch(r"[^\s\x00-\x1f]+", self.partition):
            why = f"found {self.partition!r}, expected the name of a partition"
            raise UsageError.of("partition-invalid", "--partition", why)
        for argument in self.sbatch_args:
            if not argument.startswith("-") or len(argument.splitlines()) != 1:
                why = f"found {argument!r}, expected one option of sbatch with its value"
                advice, remedies = "for example {}", (Setting("sbatch-arg", ("--account=my-lab",)),)
                raise UsageError.of("sbatch-arg-invalid", "--sbatch-arg", why, advice=advice, remedies=remedies)

    @property
    def _warning_s(self) -> int:
        if self.time is None:
            return _WARNING_S
        return min(_WARNING_S, max(1, _seconds(self.time) // _WARNING_PART))

    def directives(self) -> list[str]:
        """Return the options of sbatch that both scripts share."""
        chosen = {"partition": self.partition, "time": self.time}
        named = [f"--{name}={value}" for name, value in chosen.items() if value is not None]
        memory = [] if self.mem_gb is None else [f"--mem={round(self.mem_gb * 1024)}M"]
        stopping = ["--requeue", f"--signal=B:TERM@{self._warning_s}", "--open-mode=append"]
        return [*named, f"--cpus-per-task={self.cpus}", *memory, *stopping, *self.sbatch_args]


def _seconds(time: str) -> int:
    """Return a time limit in seconds; Slurm reads a single number as minutes, and one behind days as hours."""
    days, dash, rest = time.rpartition("-")
    parts = [int(part) for part in rest.split(":")]
    factors = (3600, 60, 1) if dash or len(parts) == 3 else (60, 1)
    return int(days or 0) * 86400 + sum(part * factor for part, factor in zip(parts, factors, strict=False))


@dataclass(frozen=True)
class Script:
    """A script for sbatch."""

    #: Its file name and its content.
    name: str
    text: str
    waits_for: tuple[str, ...] = ()  #: Names of the scripts whose jobs have to end first, however they do.


@dataclass(frozen=True)
class Submission:
    """What was handed to Slurm."""

    folder: Path  #: Where the scripts and the logs are.
    scripts: tuple[Script, ...]  #: The arrays, then the finishing job.
    n_targets: int  #: How many targets are planned.
    #: How many shards there are, and how many of them have something left to do.
    n_shards: int
    n_left: int
    #: Slurm's number of each script's job; empty for a dry run, and where nothing is left.
    jobs: Mapping[str, str] = field(default_factory=dict)
    archive_exit_code: int | None = None  #: What the archive ended with, where it was waited for.

    def as_typed(self, *, wait: bool = False) -> list[str]:
        """Return the lines of a shell that submit it; the number of each job is kept for those that depend on it."""
        lines = [f"cd {shlex.quote(str(self.folder))}"]
        for script in self.scripts:
            # "4711;cluster" is what sbatch says where there are several clusters.
            numbers = [f"${{{_variable(name)}%%;*}}" for name in script.waits_for]
            words = _sbatch(script, numbers, wait=wait)
            typed = " ".join(f'"{word}"' if "$" in word else shlex.quote(word) for word in words)
            lines.append(f"{_variable(script.name)}=$({typed})")
        return lines


def _variable(script_name: str) -> str:
    """Return a shell variable for the number of a script's job: ``run_1``."""
    return script_name.removesuffix(".sh").replace("-", "_")


def _sbatch(script: Script, numbers: Sequence[str], *, wait: bool) -> list[str]:
    """Return the call that submits a script behind the jobs with these numbers; the finishing one may be waited for."""
    dependency = [f"--dependency=afterany:{':'.join(numbers)}"] if numbers else []
    waits = ["--wait"] if wait and script.name == FINISH_SCRIPT else []
    return ["sbatch", "--parsable", *dependency, *waits, script.name]


def submit_archive(
    out: str | Path,
    command: Sequence[str],
    n_shards: int,
    resources: Resources,
    *,
    run_arguments: Sequence[str] = (),
    finish_arguments: Sequence[str] = (),
    dry_run: bool = False,
    wait: bool = False,
) -> Submission:
    """Submit what is left of an archive; of ``n_shards`` parts of the plan, those that are done already are not.

    ``command`` is how dlc2lp is called on the nodes. A dry run only makes the scripts' text; with ``wait``, the call
    ends when the finishing job does. Where Slurm says no, it is ``submit-refused`` with Slurm's own words.
    """
    index = Index.read(Path(out).absolute())
    story = read_story(index.out)

    def is_left(unit: Unit) -> bool:
        return not story.done(unit.target).issuperset(step.id for step in unit.steps)

    with index.reader() as read_entry:
        left = shards_with(index.weights(), read_entry, index.totals.cost, n_shards, is_left)
    maximum = _max_array_size(required=not dry_run)
    scripts = tuple(_scripts(index.out, command, left, n_shards, maximum, resources, run_arguments, finish_arguments))
    submission = Submission(index.out / SLURM_FOLDER, scripts, index.totals.n_planned, n_shards, len(left))
    if dry_run or not left:
        return submission
    return _submit(submission, wait=wait)


def _scripts(
    out: Path,
    command: Sequence[str],
    left: Sequence[int],
    n_shards: int,
    maximum: int,
    resources: Resources,
    run_arguments: Sequence[str],
    finish_arguments: Sequence[str],
) -> Iterator[Script]:
    """Make the arrays, none with an index that Slurm has not, and the finishing job."""
    names: list[str] = []
    run = shlex.join([*command, "batch", "run", str(out), f"--requeue={_MAX_REQUEUES}", *run_arguments])
    at_a_time = f"%{resources.max_running}" if resources.max_running else ""
    for first in range(1, n_shards + 1, maximum):
        numbers = [number - first for number in left if first <= number < first + maximum]
        if not numbers:
            continue
        name, array = f"run-{len(names) + 1}.sh", f"--array={_ranges(numbers)}{at_a_time}"
        call = f'{run} --shard "$((SLURM_ARRAY_TASK_ID + {first}))/{n_shards}"'
        text = _text(name, f"{out.name}-run", [array], "%A_%a.log", resources, call)
        # One array after the other where there are several, or more would run at a time than was asked for.
        yield Script(name, text, tuple(names[-1:]) if resources.max_running else ())
        names.append(name)
    call = shlex.join([*command, "batch", "finish", str(out), f"--requeue={_MAX_REQUEUES}", *finish_arguments])
    text = _text(FINISH_SCRIPT, f"{out.name}-finish", [], "%j-finish.log", resources, call)
    yield Script(FINISH_SCRIPT, text, tuple(names))


#: A job's name is for people, and a directive ends at a blank.
_NO_BLANKS = {ord(sign): "-" for sign in " \t\r\n\"'\\#%"}


def _ranges(numbers: Sequence[int]) -> str:
    """Write ``0-3,7`` for 0, 1, 2, 3 and 7."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)


def _text(name: str, job: str, array: Sequence[str], log: str, resources: Resources, call: str) -> str:
    """Return a whole script; it ends in ``exec``, since the batch shell would not pass a signal on to dlc2lp."""
    job_name = f"--job-name=dlc2lp-{shown(job)}".translate(_NO_BLANKS)
    directives = [job_name, *array, *resources.directives(), f"--output={log}"]
    lines = [
        "#!/bin/bash",
        f"# Written by dlc2lp batch submit. By hand: cd to this folder, then sbatch {name}",
        *(f"#SBATCH {directive}" for directive in directives),
        "",
        *resources.preamble.splitlines(),
        f"exec {call}",
    ]
    return "\n".join(lines) + "\n"


def _submit(submission: Submission, *, wait: bool) -> Submission:
    make_folder(submission.folder)
    jobs: dict[str, str] = {}
    code = None
    for script in submission.scripts:
        write_whole(submission.folder / script.name, script.text.encode())
        waits = wait and script.name == FINISH_SCRIPT
        arguments = _sbatch(script, [jobs[name] for name in script.waits_for], wait=wait)
        done = _call(arguments, submission.folder, timeout_s=None if waits else _ANSWER_S)
        jobs[script.name] = done.stdout.strip().partition(";")[0]  # "4711;cluster" where there are several clusters
        if not jobs[script.name].isdigit() or (done.returncode and not waits):
            raise _refused(script, done, jobs)
        if waits:
            code = done.returncode
    return replace(submission, jobs=jobs, archive_exit_code=code)


def _refused(script: Script, done: subprocess.CompletedProcess[str], jobs: Mapping[str, str]) -> Dlc2LpError:
    running = [job for job in jobs.values() if job.isdigit()]
    advice = "correct the option that it names and submit again"
    if running:
        advice += f"; before that, cancel what it took already: scancel {' '.join(running)}"
    said = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
    return Dlc2LpError.of("submit-refused", script.name, f"Slurm did not take it: {said}", advice=advice)


def _max_array_size(*, required: bool) -> int:
    """Return Slurm's MaxArraySize, which is one more than the largest index; or a guess, if no Slurm is required."""
    try:
        said = _call(["scontrol", "show", "config"]).stdout
    except ToolMissing:
        if required:
            raise
        return _DEFAULT_MAX_ARRAY_SIZE
    found = re.search(r"^MaxArraySize\s*=\s*(\d+)", said, re.MULTILINE)
    return max(1, int(found[1])) if found else _DEFAULT_MAX_ARRAY_SIZE


def _call(
    arguments: Sequence[str], folder: Path | None = None, *, timeout_s: float | None = _ANSWER_S
) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # noqa: S603  a list, no shell; Slurm's programs are wherever the site put them
            list(arguments),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        why = f"gave no answer within {timeout_s:.0f} s"
        raise Dlc2LpError.of("slurm-silent", arguments[0], why, advice="try again in a while") from error
    except OSError as error:
        why = f"could not be started: {error.strerror or error}"
        advice = "submit from a machine of the cluster, or run the shards by other means: see docs/cluster.md"
        raise ToolMissing.of("no-slurm", arguments[0], why, advice=advice) from error


def requeue_this_task(environment: Mapping[str, str], at_most: int) -> str:
    """Put this task back into Slurm's queue after it was told to stop, unless a person cancelled it.

    Clusters that list exit code 75 under ``RequeueExit`` do that by themselves; most list nothing. It goes back
    ``at_most`` so often, the times before included. Return for the log what was done, or why not; or else nothing.
    """
    job = environment.get("SLURM_JOB_ID", "")
    if not job.isdigit():
        return ""
    restarts = environment.get("SLURM_RESTART_COUNT", "0")
    if restarts.isdigit() and int(restarts) >= at_most:
        return f"job {job} went back into the queue {counted(int(restarts), 'time')} already and is not put there again"
    try:
        state = re.search(r"\bJobState=(\w+)", _call(["scontrol", "show", "job", job]).stdout)
        # RUNNING: the warning before the time limit; TIMEOUT: the limit itself. A preempted job Slurm takes care of.
        if state is None or state[1] not in {"RUNNING", "TIMEOUT"}:
            return f"job {job} is {state[1] if state else 'unknown'} and not put back into the queue"
        done = _call(["scontrol", "requeue", job])
    except Dlc2LpError as error:
        return f"job {job} could not be put back into the queue: {error}"
    if done.returncode:
        return f"job {job} could not be put back into the queue: {' '.join(done.stderr.split())}"
    return f"job {job} was put back into the queue"


def read_preamble(path: Path | None) -> str:
    """Read the shell lines that come before dlc2lp."""
    if path is None:
        return ""
    try:
        return read_text(path, _PREAMBLE_BYTES)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError.of("preamble-unreadable", str(path), f"could not be read: {error}") from error
