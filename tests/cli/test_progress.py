"""What a person sees of a long run, on a terminal and in a log."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest
from builder import Video, build_project
from command import slow_encodes

from dlc2lp.cli.pace import Pace
from dlc2lp.cli.progress import Progress
from dlc2lp.events import Event, by_kind
from dlc2lp.model import Finding, Severity

ENCODE = Event("began", "step", "1", "encode-video", "videos/a.mp4", n_frames_all=1000, weight=40_000_000)
PLACE = Event("began", "step", "2", "place-video", "videos/b.mp4", n_frames_all=1000, weight=900)
CUT = Event("began", "step", "3", "extract-frames", "labeled-data/b/img1.png", n_frames_all=1, weight=600)


def planned(*steps):
    n_frames, weight = sum(step.n_frames_all for step in steps), sum(step.weight for step in steps)
    costs = by_kind([(step.kind, step.weight)] for step in steps)
    return Event("planned", "step", n=len(steps), n_frames_all=n_frames, weight=weight, by_kind=costs)


def advanced(step, n_frames):
    return replace(step, what="advanced", n_frames=n_frames)


def ended(step, state="done"):
    return replace(step, what="ended", state=state)


class Clock:
    """Seconds that a test sets."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def test_a_log_gets_a_line_now_and_then_with_frames_rate_time_left_and_the_file(capsys):
    clock = Clock()
    progress = Progress(quiet=False, clock=clock)
    progress(planned(ENCODE, PLACE, CUT))
    progress(ENCODE)
    progress(ended(PLACE))
    progress(ended(CUT))
    for n_frames in (100, 105, 150, 200):
        clock.now += 20 if n_frames != 105 else 1
        progress(advanced(ENCODE, n_frames))
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(maxsplit=2)[2] for line in lines] == [
        "1151 of 2001 frames, 28 per second, encoding videos/a.mp4",  # who can tell: it became slower by far
    ]


def test_what_was_done_before_is_no_work(capsys):
    clock = Clock()
    progress = Progress(quiet=False, clock=clock)
    progress(ended(PLACE, "skipped"))
    progress(planned(ENCODE))
    progress(ENCODE)
    for second in range(31):
        clock.now += 1
        progress(advanced(ENCODE, (second + 1) * 16))
    told = "480 of 1000 frames, 16 per second, about 32 s left, encoding videos/a.mp4"
    assert capsys.readouterr().err.endswith(f"{told}\n")


def test_the_comparison_before_the_plan_is_told_too(capsys):
    clock = Clock()
    progress = Progress(quiet=False, clock=clock)
    progress(Event("planned", "session", n=40, weight=40))
    progress(Event("advanced", "session", "m0", n_frames=64))
    for number in range(7):
        progress(Event("advanced", "session", f"m{number}", n_frames=700))
        progress(Event("ended", "session", f"m{number}", state="done"))
    clock.now += 31
    progress(Event("advanced", "session", "m7", n_frames=100))
    assert capsys.readouterr().err.endswith("compared the images of 7 of 40 sessions with 5000 video frames\n")


def test_quiet_says_nothing(capsys):
    clock = Clock()
    progress = Progress(quiet=True, clock=clock)
    progress(planned(ENCODE))
    clock.now += 100
    progress(advanced(ENCODE, 500))
    progress(Event("planned", "session", n=2, weight=2))
    progress.close()
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(os.name != "posix", reason="Windows has no pseudo-terminals that Python can open")
def test_a_terminal_gets_a_bar(tmp_path):
    import pty
    import termios

    project = build_project(tmp_path / "dlc", sessions=("m1",), video=Video(codec="mpeg4", suffix=".avi"), n_frames=60)
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 120))
    command = [sys.executable, "-m", "dlc2lp", "convert", str(project.root), str(tmp_path / "lp")]
    env = {name: value for name, value in os.environ.items() if name != "COLUMNS"} | {"TERM": "xterm"}
    env |= slow_encodes()  # or it is done before it is told
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=theirs, env=env)
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(ours)
    assert child.wait() == 0
    text = shown.decode()
    assert text.startswith(f"\rreading {project.root}")
    assert "comparing images with videos," in text
    assert "of 77 frames" in text  # 60 of the video, and 17 context frames
    assert "encoding videos/m1.mp4" in text
    assert "checking" in text
    assert "\x1b" not in text.replace("\x1b[A", "")


BROKEN = Finding(Severity.ERROR, "video-vanished", "m1.avi", "found no such file")
STEPS = [Event("began", "step", str(cost), within="lab/reach", weight=cost) for cost in (100, 300, 600)]
FAILED = Event("ended", "piece", "lab/reach", weight=0, state="failed", findings=(BROKEN,))


def test_a_worker_of_an_archive_tells_how_far_it_is_and_what_failed(capsys):
    clock = Clock()
    progress = Progress(quiet=False, clock=clock)
    progress(Event("planned", "project", n=40, weight=40))
    clock.now += 31
    for number in range(10):
        progress(Event("ended", "project", f"p{number}", state="failed" if number else "done"))
    progress(Event("planned", "piece", "3/8", n=5, weight=1000))
    clock.now += 20
    progress(ended(STEPS[0], "failed"))  # nothing yet: there was a line 20 seconds ago
    progress(FAILED)
    progress(FAILED)
    clock.now += 20
    progress(ended(STEPS[1], "skipped"))
    progress(replace(FAILED, state="done", findings=()))
    lines = [line.split(maxsplit=2)[2] for line in capsys.readouterr().err.splitlines()]
    assert lines == [
        "planned 1 of 40 projects, 2% of the work, the last one: p0",
        "failed: lab/reach: m1.avi: found no such file",
        "shard 3/8: 2 of 5 parts done, 2 failed, 40% of the work",
    ]


def test_verifying_an_archive_is_told(capsys):
    clock = Clock()
    progress = Progress(quiet=False, clock=clock)
    progress(Event("planned", "target", n=4, weight=4))
    clock.now += 31
    progress(Event("ended", "target", "a", state="done"))
    assert capsys.readouterr().err.endswith("checked 1 of 4 targets, 25% of the work, the last one: a\n")


def test_a_quiet_worker_says_nothing(capsys):
    clock = Clock()
    progress = Progress(quiet=True, clock=clock)
    progress(Event("planned", "piece", "1/1", n=1, weight=1000))
    clock.now += 100
    progress(ended(STEPS[1]))
    progress(FAILED)
    assert capsys.readouterr().err == ""


def test_one_shard_that_is_all_is_not_called_so(capsys):
    clock = Clock()
    progress = Progress(quiet=False, clock=clock)
    progress(Event("planned", "piece", "1/1", n=5, weight=1000))
    clock.now += 31
    progress(FAILED)
    assert capsys.readouterr().err.endswith("1 of 5 parts done, 1 failed, 0% of the work\n")


class Work:
    """Steps that take the time that a test says, several at a time, and all that is told of them."""

    def __init__(self, steps, n_threads):
        self.steps, self.n_threads = steps, n_threads  # (kind, weight, seconds)

    def moments(self):
        """Yield each event with its time; those of steps with frames come four times in a second."""
        free, told = [0.0] * self.n_threads, []
        for number, (kind, weight, seconds) in enumerate(self.steps):
            begins = min(free)
            free[free.index(begins)] = begins + seconds
            event = Event("began", "step", str(number), kind, f"f{number}", n_frames_all=1000, weight=weight)
            told.append((begins, event))
            n_told = int(seconds * 4) if kind == "encode-video" else 0
            for part in range(1, n_told):
                at = begins + seconds * part / n_told
                told.append((at, replace(event, what="advanced", n_frames=1000 * part // n_told)))
            told.append((begins + seconds, replace(event, what="ended", state="done")))
        self.takes = max(free)
        return sorted(told, key=lambda each: each[0])


MB = 1_000_000
WORKS = {
    # weights say that an encode costs as if each were copied, and on this machine it takes five times as long
    "an encode that is slow here": [("place-images", 50 * MB, 0.2)] * 4 + [("encode-video", 100 * MB, 40.0)] * 6,
    # the longest come first, as in a plan
    "many copies behind the encodes": [("encode-video", 400 * MB, 30.0)] * 3 + [("place-video", 100 * MB, 2.0)] * 60,
    "nothing but copies from a slow disk": [("place-images", 5 * MB, 1.5)] * 80,
    "encodes that are harder and easier": [("encode-video", 100 * MB, s) for s in (25.0, 40.0, 20.0, 35.0, 30.0, 45.0)],
    "one that is longest of all": [("encode-video", 900 * MB, 90.0), *[("encode-video", 100 * MB, 10.0)] * 4],
}


@pytest.mark.parametrize("n_threads", [1, 2, 4])
@pytest.mark.parametrize("name", WORKS)
def test_what_is_told_of_the_time_left_is_right_within_a_factor_of_two(name, n_threads):
    work = Work(WORKS[name], n_threads)
    costs = by_kind([(kind, weight)] for kind, weight, _ in work.steps)
    pace, told = Pace(Event("planned", "step", n=len(work.steps), by_kind=costs), 0.0), []
    for at, event in work.moments():
        pace.hear(event, at)
        left_s = pace.left_s(at)
        if left_s is None or work.takes - at < 3:
            continue
        assert at >= 10
        assert 0.5 <= left_s / (work.takes - at) <= 2, (name, at, left_s, work.takes - at)
        told.append(at)
    assert told  # and it is told


def test_what_nothing_was_seen_of_yet_is_not_guessed():
    costs = (("encode-video", 900 * MB, 900 * MB), ("place-images", 100 * MB, MB))
    pace = Pace(Event("planned", "step", n=200, by_kind=costs), 0.0)
    for number in range(90):
        event = Event("began", "step", str(number), "place-images", weight=MB)
        pace.hear(event, number * 1.0)
        pace.hear(replace(event, what="ended", state="done"), number + 1.0)
        assert pace.left_s(number + 1.0) is None
