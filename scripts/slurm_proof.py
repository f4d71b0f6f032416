"""Proves on a running Slurm that archives survive what clusters do to jobs; run by ``scripts/prove_slurm``."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "batch")]

from archives import break_project, build_archive, debris, target_digests  # noqa: E402
from builder import Video, build_project  # noqa: E402

#: Slow enough to be caught in the middle of an encode.
SLOW = ("--preset", "veryslow", "--crf", "1")
SLOW_VIDEO = Video(codec="mjpeg", container="avi", pixel_format="yuvj420p")

#: Little enough that the test node, which has four CPUs, runs several tasks at a time.
SMALL = ("--cpus", "1", "--mem", "0.5")

_WAIT_S = 600.0

#: Work that surely lasts until Slurm warns of a limit of one minute: its clock is up to a minute late.
_LONG_S = 150.0


def batch(command: str, *arguments: object, expect: int = 0, **options: object) -> dict[str, object]:
    """Run ``dlc2lp batch`` and return its document."""
    argv = [sys.executable, "-m", "dlc2lp", "batch", command, *map(str, arguments), "--json", "-q"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, **options)
    if done.returncode != expect:
        raise SystemExit(f"{argv} ended with {done.returncode}, expected {expect}:\n{done.stdout}\n{done.stderr}")
    return json.loads(done.stdout)


def check(what: str, holds: object, found: str = "") -> None:
    """Say what was seen, or what was found instead, and end."""
    print(f"  {'seen' if holds else 'NOT SO'}: {what}", flush=True)
    if not holds:
        raise SystemExit(found or 1)


def wait_for(what: str, condition: Callable[[], object]) -> None:
    """Wait until something holds."""
    end = time.monotonic() + _WAIT_S
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"waited {_WAIT_S:.0f} s in vain for: {what}")
        time.sleep(0.1)


def slurm(*arguments: str) -> str:
    """Ask Slurm; an answer that is an error is an answer too."""
    return subprocess.run(arguments, capture_output=True, text=True, check=False).stdout


def job_states(job: str) -> dict[str, str]:
    """Return the state of each task of a job by Slurm's number of the task."""
    said = slurm("scontrol", "--oneliner", "show", "job", job)
    return dict(re.findall(r"JobId=(\d+).*?JobState=(\w+)", said))


def has_ended(job: str) -> bool:
    """Whether all tasks of a job have ended."""
    states = job_states(job)  # none where Slurm gave no answer
    return bool(states) and all(state not in {"PENDING", "RUNNING", "COMPLETING"} for state in states.values())


def job_of(submission: dict[str, object], script: str) -> str:
    """Return Slurm's number of a script's job."""
    return next(each["job"] for each in submission["scripts"] if each["name"] == script)


def is_encoding(out: Path) -> bool:
    """Whether ffmpeg has begun to write a video of some target."""
    return any(path.stat().st_size > 0 for path in out.glob("*/.dlc2lp/scratch/*/video.mp4"))


def ffmpegs(out: Path) -> list[str]:
    """Return the command lines of programs that work on an archive."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if "ffmpeg" in line and str(out) in line:
            found.append(line)
    return found


def put_away(out: Path) -> dict[str, str]:
    """Return the digests of an archive's targets and make room for the next one in the same place."""
    digests = target_digests(out)
    shutil.rmtree(out)
    return digests


class Ordinary:
    """Twelve projects, of which one is broken and four have videos to encode; what a local run makes of them."""

    def __init__(self, folder: Path) -> None:
        self.root, self.out = folder / "an archive", folder / "lp's archive"
        names = build_archive(self.root, 12, n_encoded=4)
        break_project(self.root, names[5])
        batch("convert", self.root, self.out, expect=1)
        self.local = put_away(self.out)

    def ended_well(self, what: str) -> None:
        """Check what came of it, and make room for the next one."""
        report = json.loads((self.out / "report.json").read_text(encoding="utf-8"))
        found = report["n_by_state"]
        check(f"{what}: 11 projects done, the broken one reported", found == {"done": 11, "refused": 1}, f"{found}")
        check(f"{what}: nothing half-made is left", debris(self.out) == [])
        check(f"{what}: the result is byte for byte that of the local run", put_away(self.out) == self.local)


def prove_array(ordinary: Ordinary) -> None:
    """An array of four with a finishing job; nothing to submit afterwards; the same shards without Slurm."""
    out = ordinary.out
    batch("plan", ordinary.root, out, expect=1)
    made = batch("submit", out, "--shards", 4, *SMALL, "--wait", expect=1)
    check("batch submit --wait ends with the archive's exit code", made["archive_exit_code"] == 1)
    check(
        "an array of four and a finishing job", [each["name"] for each in made["scripts"]] == ["run-1.sh", "finish.sh"]
    )
    check("each task left its log", len(list(Path(made["folder"]).glob("*_[0-3].log"))) == 4)
    check("a second submit finds nothing left", batch("submit", out, "--shards", 4, *SMALL)["n_left"] == 0)
    ordinary.ended_well("array")
    batch("plan", ordinary.root, out, expect=1)
    made = batch("submit", out, "--shards", 8, "--max-running", 2, *SMALL, "--wait", expect=1)
    check("eight shards are two arrays where six is the most", len(made["scripts"]) == 3)
    ordinary.ended_well("two arrays")
    runners = [["xargs", "-P", "3", "-I{}"]]
    if shutil.which("parallel"):
        runners.append(["parallel", "-j", "3"])
    for runner in runners:
        batch("plan", ordinary.root, out, expect=1)
        command = [*runner, sys.executable, "-m", "dlc2lp", "batch", "run", str(out), "-q", "--shard", "{}/4"]
        if runner[0] == "parallel":
            command.insert(3, "-q")
        done = subprocess.run(command, input="1\n2\n3\n4\n", text=True, check=False)
        check(f"{runner[0]} ran four shards", done.returncode == 0)
        batch("finish", out, expect=1)
        ordinary.ended_well(runner[0])


def build_slow(root: Path, n_projects: int, n_frames: int = 80) -> None:
    """Write projects that are copies of one whose encode takes a second, or several with more frames."""
    build_project(root / "slow00", sessions=("m1",), video=SLOW_VIDEO, n_frames=n_frames, size_px=(320, 240))
    for number in range(1, n_projects):
        shutil.copytree(root / "slow00", root / f"slow{number:02d}")


def prove_kill(folder: Path) -> None:
    """A task is killed in the middle of an encode; the archive says so; a second submit finishes it."""
    root, out = folder / "slow", folder / "slow-lp"
    build_slow(root, 2, n_frames=320)
    batch("convert", root, out, *SLOW)
    local = put_away(out)
    batch("plan", root, out, *SLOW)
    made = batch("submit", out, "--shards", 2, *SMALL)
    wait_for("an encode", lambda: is_encoding(out))
    (log, *_) = (path for path in out.glob(".dlc2lp-batch/log/*.jsonl") if '"ended":true' not in path.read_text())
    os.kill(int(log.stem.split("-")[-2]), signal.SIGKILL)
    wait_for("the finishing job", lambda: has_ended(job_of(made, "finish.sh")))
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    found = report["n_by_state"]
    check("the finishing job ran and named what is missing", found == {"done": 1, "incomplete": 1}, f"{found}")
    check("no ffmpeg was left behind", not ffmpegs(out))
    again = batch("submit", out, "--shards", 2, *SMALL, "--wait")
    check("a second submit sends the killed shard only", again["n_left"] == 1)
    check("and finishes it, byte for byte", put_away(out) == local)


def prove_cancel(folder: Path) -> None:
    """A person cancels: dlc2lp ends within seconds, leaves nothing, and the task does not come back."""
    root, out = folder / "cancelled", folder / "cancelled-lp"
    build_slow(root, 1, n_frames=320)
    batch("plan", root, out, *SLOW)
    made = batch("submit", out, "--shards", 1, *SMALL)
    wait_for("an encode", lambda: is_encoding(out))
    job = job_of(made, "run-1.sh")
    began = time.monotonic()
    slurm("scancel", job)
    wait_for("the end of the task", lambda: has_ended(job))
    seconds = time.monotonic() - began
    check(f"cancelled: the task ended in {seconds:.1f} s", seconds < 10)
    said = slurm("scontrol", "show", "job", job)
    check("cancelled: exit code 75, and it does not come back", "CANCELLED" in said and "ExitCode=75:0" in said)
    check("cancelled: no ffmpeg, no debris", not ffmpegs(out) and debris(out) == [])
    slurm("scancel", job_of(made, "finish.sh"))


def long_enough(folder: Path) -> int:
    """Return how many slow projects keep one CPU of this machine busy for long."""
    n_trial = 5
    build_slow(folder / "trial", n_trial)
    batch("plan", folder / "trial", folder / "trial-lp", *SLOW)
    began = time.monotonic()
    batch("run", folder / "trial-lp", "--jobs", "1")
    return math.ceil(_LONG_S * n_trial / (time.monotonic() - began))


def prove_time_limit(folder: Path) -> None:
    """The time limit comes: the task stops cleanly, goes back into the queue by itself and is finished there."""
    root, out = folder / "limited", folder / "limited-lp"
    n_projects = long_enough(folder)
    build_slow(root, n_projects)
    batch("plan", root, out, *SLOW)
    made = batch("submit", out, "--shards", 1, "--time", "1", *SMALL)
    (job,) = job_states(job_of(made, "run-1.sh"))
    log = Path(made["folder"]) / f"{job_of(made, 'run-1.sh')}_0.log"
    wait_for("the warning before the time limit", lambda: log.exists() and "put back" in log.read_text())
    check("time limit: the task put itself back into the queue", "was put back into the queue" in log.read_text())
    wait_for("the queue", lambda: job_states(job) == {job: "PENDING"})
    check("time limit: no ffmpeg, no debris", not ffmpegs(out) and debris(out) == [])
    before = batch("status", out)["targets"]
    check(f"time limit: what was done stays done ({before['done']} of {n_projects})", 0 < before["done"] < n_projects)
    # The two minutes for which Slurm holds a requeued job back are waited for: pulled forward (StartTime=now), its next
    # start can fall into the last second of the one before, whose end Slurm then takes for the end of both.
    slurm("scontrol", "update", f"JobId={job}", "TimeLimit=30")
    wait_for("the finishing job", lambda: has_ended(job_of(made, "finish.sh")))
    said = slurm("scontrol", "show", "job", job)
    check("time limit: it was started again", "Restarts=1" in said, said)
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    check(
        "time limit: the finishing job waited and found all done",
        report["n_by_state"] == {"done": n_projects},
        f"{report['n_by_state']}\n{said}\n{log.read_text(encoding='utf-8')}",
    )
    videos = {digest for name, digest in target_digests(out).items() if name.endswith(".mp4")}
    check("time limit: all copies became the same bytes", len(videos) == 1)


def main(wanted: list[str]) -> None:
    """Run the parts that were asked for, or all."""
    with tempfile.TemporaryDirectory(prefix="dlc2lp-proof-") as name:
        folder = Path(name)
        parts: dict[str, Callable[[], None]] = {
            "array": lambda: prove_array(Ordinary(folder)),
            "kill": lambda: prove_kill(folder),
            "cancel": lambda: prove_cancel(folder),
            "time-limit": lambda: prove_time_limit(folder),
        }
        for part in wanted or parts:
            began = time.monotonic()
            print(f"{part}:", flush=True)
            parts[part]()
            print(f"  ({time.monotonic() - began:.0f} s)", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
