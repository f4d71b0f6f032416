"""Signals from the first line on, and what a killed process leaves running: nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import pytest
from builder import Video, build_project
from command import LARGE, start_slowly, wait_for

from dlc2lp.cli.early import NUMBERS
from dlc2lp.temporaries import Tag
from dlc2lp.video.convert import convert_video
from dlc2lp.video.synthetic import write_clip

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a console signal needs a console there")

JPEG = Video(codec="mjpeg", container="avi", pixel_format="yuvj420p")

#: Stands before the program, and tells when its own first lines are through.
BEGINS = "import sys, {first}; print('up', flush=True); {then}"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return build_project(tmp_path_factory.mktemp("signals") / "dlc", sessions=("m1",))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("share", [0.0, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9])
def test_a_signal_while_the_program_is_loaded_ends_it_cleanly(number, share, project):
    """At any moment from its first line on: exit code 75, or the result where it came too late; never a traceback."""
    if signal.getsignal(number) is signal.SIG_IGN:
        pytest.skip("nohup has it ignored, also by what is started here")
    code = "import dlc2lp.__main__ as it, os, sys; os.write(1, b'up\\n'); sys.argv[0] = 'dlc2lp'; it.main()"
    argv = [sys.executable, "-c", code, "inspect", str(project.root), "--json"]
    begun = time.monotonic()
    assert subprocess.run(argv, capture_output=True, check=False).returncode == 0
    took_s = time.monotonic() - begun
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "up\n"
    time.sleep(took_s * share)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode in {75, 0}, stderr
    assert "Traceback" not in stderr
    assert share or process.returncode == 75
    if process.returncode == 75:
        assert '"interrupted"' in stdout


def test_nothing_is_loaded_before_signals_are_heard():
    """Whatever is imported before is time in which Ctrl-C ends in a traceback."""
    code = "import sys; before = {*sys.modules}; import dlc2lp.cli.early; print(*sorted({*sys.modules} - before))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert loaded == ["dlc2lp", "dlc2lp.cli", "dlc2lp.cli.early"]


def test_the_command_begins_with_the_module_that_hears_signals():
    text = (Path(__file__).resolve().parents[1] / "setup.cfg").read_text(encoding="utf-8")
    assert "dlc2lp = dlc2lp.__main__:main" in text
    assert {signal.SIGINT, signal.SIGTERM} <= {*NUMBERS}


def test_a_signal_that_is_ignored_stays_so():
    """``nohup dlc2lp ...`` goes on when the terminal goes."""
    code = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN); import dlc2lp.__main__; import os, time\n"
    code += "os.kill(os.getpid(), signal.SIGHUP); print(signal.getsignal(signal.SIGHUP) is signal.SIG_IGN)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "True\n"


def ffmpegs_of(place: Path) -> list[int]:
    """Numbers of the processes that have this place in their command and are no dlc2lp."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            argv = (folder / "cmdline").read_bytes().split(b"\0") if folder.name.isdigit() else []
        except OSError:
            continue
        if (
            argv
            and b"ffmpeg" in Path(os.fsdecode(argv[0])).name.encode()
            and any(os.fsencode(place) in each for each in argv)
        ):
            found.append(int(folder.name))
    return found


@pytest.fixture(scope="module")
def long_video(tmp_path_factory):
    """A video whose encode takes long enough to be met in the middle."""
    import numpy as np

    path = tmp_path_factory.mktemp("long") / "long.avi"
    random = np.random.default_rng(1)
    frames = [random.integers(0, 255, (480, 640, 3), np.uint8) for _ in range(8)]
    write_clip(path, (frames[index % 8] for index in range(240)), Fraction(30), codec="mjpeg", pixel_format="yuvj420p")
    return path


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="processes are found in /proc")
def test_a_killed_dlc2lp_leaves_no_ffmpeg_and_the_next_one_no_file(tmp_path, long_video):
    target = tmp_path / "out.mp4"
    others = tmp_path / ".dlc2lp-elsewhere-4711-0123abcd-01234567-0123456789abcdef.dlc2lp-part"
    others.write_bytes(b"of another target")
    process = start_slowly("video", "convert", long_video, target, *LARGE)
    wait_for(lambda: ffmpegs_of(tmp_path), process)
    wait_for(lambda: any(path.stat().st_size for path in tmp_path.glob(".dlc2lp-*-part/*")), process)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    begun = time.monotonic()
    wait_for(lambda: not ffmpegs_of(tmp_path), seconds=10)
    assert time.monotonic() - begun < 5
    left = [path for path in tmp_path.iterdir() if path != others]
    assert [path.suffix for path in left] == [".dlc2lp-part"]
    tag = Tag.of(left[0].name)
    assert tag is not None and tag.process == process.pid and tag.is_gone
    convert_video(long_video, tmp_path / "another.mp4", preset="ultrafast", verify="none")
    (unfinished,) = left[0].iterdir()  # of another target, so it is still there
    convert_video(long_video, target, preset="ultrafast", verify="none")
    with pytest.raises(FileNotFoundError):
        unfinished.open("wb")  # as an ffmpeg does that was slow to start, and is not ended yet
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["another.mp4", "out.mp4", others.name])


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="processes are found in /proc")
def test_a_killed_conversion_leaves_no_ffmpeg(tmp_path):
    project = build_project(tmp_path / "dlc", sessions=("m1",), video=JPEG, n_frames=80, size_px=(640, 480))
    process = start_slowly("convert", project.root, tmp_path / "lp", *LARGE)
    made = ".dlc2lp/scratch/*/video.mp4"
    wait_for(lambda: any(path.stat().st_size for path in (tmp_path / "lp").glob(made)), process)
    assert ffmpegs_of(tmp_path)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    wait_for(lambda: not ffmpegs_of(tmp_path), seconds=5)
