"""What a person sees of a long run, on a terminal and in a log."""

import os
import subprocess
import sys

import pytest
from builder import Video, build_project

from dlc2lp.batch.index import IndexedStep
from dlc2lp.batch.shards import Shard, Unit
from dlc2lp.cli.batch_progress import BatchProgress
from dlc2lp.cli.progress import Progress
from dlc2lp.model import Finding, Severity
from dlc2lp.planning.steps import EncodeVideo, ExtractedFrame, ExtractFrames, PlaceVideo
from dlc2lp.run.execute import Run

ENCODE = EncodeVideo("/a.avi", "videos/a.mp4", 900, 1000, 100, 100, "30/1", "balanced", "veryfast", 20, 12, 1)
PLACE = PlaceVideo("/b.mp4", "videos/b.mp4", 900, 1000, "auto")
CUT = ExtractFrames("b", "/b.mp4", 900, 1000, 10, 10, 0, None, 90, (ExtractedFrame(1, "labeled-data/b/img1.png"),))


class Clock:
    """Seconds that a test sets."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def test_a_log_gets_a_line_now_and_then_with_frames_rate_and_time_left(capsys):
    clock = Clock()
    progress = Progress(quiet=False, clock=clock)
    progress.planned([ENCODE, PLACE, CUT])
    progress.started(ENCODE)
    progress.finished(PLACE, "done")
    progress.finished(CUT, "done")
    for n_frames in (100, 200, 250):
        clock.now += 20
        progress.advanced(ENCODE, n_frames)
    clock.now += 3600
    progress.advanced(ENCODE, 500)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(maxsplit=2)[2] for line in lines] == [
        # after 40 s and a fifth of the encode, which is all but a thousandth of the work
        "1201 of 2001 frames, 30 per second, about 3 min left",
        "1501 of 2001 frames, 0 per second, about 1 h 01 min left",
    ]


def test_what_was_done_before_is_no_work(capsys):
    clock = Clock()
    progress = Progress(quiet=False, clock=clock)
    progress.finished(PLACE, "skipped")
    progress.planned([ENCODE])
    clock.now += 31
    progress.advanced(ENCODE, 500)
    assert "500 of 1000 frames, 16 per second, about 31 s left" in capsys.readouterr().err


def test_the_comparison_before_the_plan_is_told_too(capsys):
    clock = Clock()
    progress = Progress(quiet=False, clock=clock)
    progress.compared(0, 40, 64)
    clock.now += 31
    progress.compared(7, 40, 5000)
    assert capsys.readouterr().err.endswith("compared the images of 7 of 40 sessions with 5000 video frames\n")


def test_quiet_says_nothing(capsys):
    clock = Clock()
    progress = Progress(quiet=True, clock=clock)
    progress.planned([ENCODE])
    clock.now += 100
    progress.advanced(ENCODE, 500)
    progress.compared(1, 2, 3)
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


UNIT = Unit("lab/reach", "digest", (IndexedStep("a" * 16, "place-video", 600, 600, 10, 0, 1),))
BROKEN = Finding(Severity.ERROR, "video-vanished", "m1.avi", "found no such file")


def test_a_worker_of_an_archive_tells_how_far_it_is_and_what_failed(capsys):
    clock = Clock()
    progress = BatchProgress(quiet=False, clock=clock)
    progress.planned(0, 40)
    clock.now += 31
    progress.planned(10, 40)
    progress.begun(Shard(3, 8), 5, 1000)
    clock.now += 20
    progress.advanced(100)  # nothing yet: there was a line 20 seconds ago
    progress.settled(UNIT, Run(failed=["a" * 16], findings=[BROKEN]))
    clock.now += 20
    progress.advanced(400)
    progress.settled(UNIT, Run(done=["a" * 16]))
    lines = [line.split(maxsplit=2)[2] for line in capsys.readouterr().err.splitlines()]
    assert lines == [
        "planned 10 of 40 projects, 25%, about 2 min left",
        "failed: lab/reach: m1.avi: found no such file",
        "1 of 5 pieces of shard 3/8, 1 failed, 40%, about 60 s left",
    ]


def test_a_quiet_worker_says_nothing(capsys):
    clock = Clock()
    progress = BatchProgress(quiet=True, clock=clock)
    progress.begun(Shard(), 1, 1000)
    clock.now += 100
    progress.advanced(500)
    progress.settled(UNIT, Run(failed=["a" * 16], findings=[BROKEN]))
    assert capsys.readouterr().err == ""
