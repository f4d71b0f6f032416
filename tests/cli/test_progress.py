"""What a person sees of a long run, on a terminal and in a log."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest
from builder import Video, build_project

from dlc2lp.cli.progress import Progress
from dlc2lp.events import Event
from dlc2lp.model import Finding, Severity

ENCODE = Event("began", "step", "1", "encode-video", "videos/a.mp4", n_frames_all=1000, weight=40_000_000)
PLACE = Event("began", "step", "2", "place-video", "videos/b.mp4", n_frames_all=1000, weight=900)
CUT = Event("began", "step", "3", "extract-frames", "labeled-data/b/img1.png", n_frames_all=1, weight=600)


def planned(*steps):
    n_frames, weight = sum(step.n_frames_all for step in steps), sum(step.weight for step in steps)
    return Event("planned", "step", n=len(steps), n_frames_all=n_frames, weight=weight)


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


def test_a_log_gets_a_line_now_and_then_with_frames_rate_and_time_left(capsys):
    clock = Clock()
    progress = Progress(quiet=False, clock=clock)
    progress(planned(ENCODE, PLACE, CUT))
    progress(ENCODE)
    progress(ended(PLACE))
    progress(ended(CUT))
    for n_frames in (100, 200, 250):
        clock.now += 20
        progress(advanced(ENCODE, n_frames))
    clock.now += 3600
    progress(advanced(ENCODE, 500))
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(maxsplit=2)[2] for line in lines] == [
        # after 40 s and a fifth of the encode, which is all but a thousandth of the work
        "1201 of 2001 frames, 30 per second, about 3 min left",
        "1501 of 2001 frames, 0 per second, about 1 h 01 min left",
    ]


def test_what_was_done_before_is_no_work(capsys):
    clock = Clock()
    progress = Progress(quiet=False, clock=clock)
    progress(ended(PLACE, "skipped"))
    progress(planned(ENCODE))
    clock.now += 31
    progress(advanced(ENCODE, 500))
    assert "500 of 1000 frames, 16 per second, about 31 s left" in capsys.readouterr().err


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
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=theirs)
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
    assert "comparing images with videos," in text
    assert "of 77 frames" in text  # 60 of the video, and 17 context frames


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
        "planned 1 of 40 projects, 2%, about 20 min left",
        "failed: lab/reach: m1.avi: found no such file",
        "2 of 5 pieces of shard 3/8, 2 failed, 40%, about 60 s left",
    ]


def test_verifying_an_archive_is_told(capsys):
    clock = Clock()
    progress = Progress(quiet=False, clock=clock)
    progress(Event("planned", "target", n=4, weight=4))
    clock.now += 31
    progress(Event("ended", "target", "a", state="done"))
    assert capsys.readouterr().err.endswith("verified 1 of 4 targets, 25%, about 2 min left\n")


def test_a_quiet_worker_says_nothing(capsys):
    clock = Clock()
    progress = Progress(quiet=True, clock=clock)
    progress(Event("planned", "piece", "1/1", n=1, weight=1000))
    clock.now += 100
    progress(ended(STEPS[1]))
    progress(FAILED)
    assert capsys.readouterr().err == ""
