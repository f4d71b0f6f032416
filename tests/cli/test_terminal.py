"""What people read: as wide as their terminal, in colours where there are some, and never in Python's words."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time

import pytest
from builder import Video, build_project
from command import dlc2lp, start, wait_for

from dlc2lp.cli import terminal
from dlc2lp.model import Command, Finding, Setting, Severity
from dlc2lp.report import looks
from dlc2lp.report.findings import findings_text
from dlc2lp.report.steps_text import value_text

posix = pytest.mark.skipif(os.name != "posix", reason="Windows has no pseudo-terminals that Python can open")

JPEG = Video(codec="mjpeg", container="avi", pixel_format="yuvj420p")
BAD = Finding(Severity.ERROR, "odd", "a", "found it")

#: What Python says where it was not told how.
OF_PYTHON = re.compile(r"\bNone\b|\bTrue\b|\bFalse\b|\{'|\['|\('|Path\(|np\.|\d\.\d{6}")


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    for name in ("COLUMNS", "NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    yield
    looks.dress()


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("terminal") / "the dlc"
    return build_project(folder, sessions=("m1", "m2"), video=JPEG, n_frames=40, frames=(3, 20))


def in_terminal(arguments, columns=90, **env):
    """Run a command in a terminal of its own; return what it showed there, and the seconds to the first of it."""
    import pty
    import termios

    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, columns))
    begun, first_s, shown = time.monotonic(), None, b""
    child = subprocess.Popen(
        [sys.executable, "-m", "dlc2lp", *map(str, arguments)],
        stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env={"TERM": "xterm"} | os.environ | env,
    )  # fmt: skip
    os.close(theirs)
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:
            break
        if not part:
            break
        first_s = time.monotonic() - begun if first_s is None else first_s
        shown += part
    os.close(ours)
    child.wait()
    return shown.decode(), first_s


@posix
@pytest.mark.parametrize("columns", [60, 90])
def test_lines_are_as_wide_as_the_terminal(tmp_path, columns):
    shown, _ = in_terminal(["inspect", tmp_path / "nowhere"], columns, NO_COLOR="1")
    lines = [line for line in re.split(r"[\r\n]+", shown) if str(tmp_path) not in line]  # a path is never broken
    assert columns - 25 < max(map(len, lines)) <= columns


def test_columns_of_the_environment_count_and_a_pipe_has_80(monkeypatch, tmp_path):
    assert max(map(len, dlc2lp("convert", "--help").stdout.splitlines())) <= 80
    assert terminal.columns_of(sys.stdout) == 80
    for said, columns in (("50", 50), ("0", 80), ("wide", 80), ("", 80), ("-5", 80)):
        monkeypatch.setenv("COLUMNS", said)
        assert terminal.columns_of(sys.stdout) == columns


@posix
@pytest.mark.parametrize(("env", "has_colors"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_colors_only_where_they_are_shown_and_wanted(tmp_path, env, has_colors):
    shown, _ = in_terminal(["inspect", tmp_path / "nowhere"], **env)
    assert ("\x1b[31m\x1b[1merror\x1b[0m: " in shown) == has_colors
    assert ("\x1b" in shown) == has_colors
    if env.get("TERM") == "dumb":
        assert "reading" not in shown  # nothing can be written over there


def test_no_colors_in_a_pipe(tmp_path):
    assert "\x1b" not in dlc2lp("inspect", tmp_path / "nowhere").stderr


def test_no_path_and_no_command_is_broken_wherever_it_stands():
    paths = ["/home/jane doe/dlc/two mice/videos/pair1.mp4", r"C:\Users\Jane Doe\dlc\a.mp4", "/tmp/x/" + "y" * 90]
    command = Command.of("dlc2lp", "convert", "/the lab/a project", "/the lab/lp")
    setting = Setting("video-root", ("/old disk/of the lab",))
    for n_before in range(40, 90):
        text = f"{'w' * n_before} in none of: {', '.join(paths)}, the rest of it"
        finding = Finding(Severity.WARNING, "odd", "a b/c d", text, "", "first {} or then {}", (command, setting))
        looks.dress(70)
        told = findings_text([finding])
        kept = (*paths, command.line, str(setting), "w" * n_before)
        assert all(whole in told for whole in kept)
        for line in told.splitlines():
            assert len(line) <= 70 or any(whole in line for whole in kept), line


def test_what_follows_hangs_below_what_it_belongs_to():
    looks.dress(40)
    told = findings_text([Finding(Severity.NOTE, "odd", "a", "b " * 40)]).splitlines()
    assert told[0].startswith("note: a: b")
    assert {line[:8] for line in told[1:]} == {" " * 8}


def test_many_of_one_kind_are_told_as_one_with_the_first_places():
    alike = [Finding(Severity.WARNING, "odd", f"m{n}", "found none", "", "look") for n in range(9)]
    told = findings_text([*alike, BAD])
    assert told.count("found none") == 1
    assert "and 8 more of this kind: m1, m2, m3 and 5 more" in told
    assert told.endswith("error: a: found it [odd]")
    assert findings_text(alike[:3]).count("found none") == 3


# ------------------------------------------------------------------------------------------------ while it runs


@posix
def test_something_is_said_at_once_and_the_files_are_named(project, tmp_path):
    shown, first_s = in_terminal(["convert", project.root, tmp_path / "lp"], 100, NO_COLOR="1")
    assert shown.startswith("\rreading ")
    assert first_s < 5  # a tenth of that here; the machine of a test may be busy
    for said in ("comparing images with videos", "videos/m1.mp4", "checking ", "making the page of "):
        assert said in shown
    last = shown.rpartition("\r")[2]
    assert "reading" not in last  # all that was said for now is gone


def test_the_first_word_comes_before_the_libraries():
    code = (
        "import sys\nfrom dlc2lp.cli import display\nfrom dlc2lp.cli.main import run\n"
        "def now(self, text):\n"
        "    heavy = {'pandas', 'numpy', 'cv2', 'av', 'yaml'} & set(sys.modules)\n"
        "    sys.exit(f'loaded {heavy}' if heavy else 0)\n"
        "display.Display.now = now\nrun(ARGUMENTS)\nsys.exit('said nothing')"
    )
    for arguments in (["inspect", "x"], ["convert", "x", "y"], ["convert", "x", "y", "--dry-run"], ["verify", "x"],
                      ["config", "x"], ["labels", "x"], ["export", "x", "y"], ["report", "x"], ["demo", "x"],
                      ["batch", "convert", "x", "y"], ["batch", "plan", "x", "y"], ["batch", "run", "x"]):  # fmt: skip
        command = [sys.executable, "-c", code.replace("ARGUMENTS", repr(arguments))]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), arguments


def test_more_is_told_of_each_step_and_why(project, tmp_path):
    said = dlc2lp("convert", project.root, tmp_path / "lp", "-v").stderr
    source = project.videos["m1"]
    assert f"INFO encode videos/m1.mp4 from {source}: the codec is mjpeg, not h264" in said
    assert re.search(r"INFO copy 2 images to labeled-data/m1 from .*the dlc/labeled-data/m1", said)
    assert re.search(r"INFO videos/m1\.mp4: done after \d+\.\d s", said)
    assert "INFO checking" in said
    again = dlc2lp("convert", project.root, tmp_path / "lp", "-v").stderr
    assert "videos/m1.mp4: nothing to do" in again
    assert dlc2lp("convert", project.root, tmp_path / "quiet").stderr == ""


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_stops_a_conversion_hears_what_is_in_place_and_how_to_go_on(tmp_path, number):
    project = build_project(tmp_path / "dlc", sessions=("m1",), video=JPEG, n_frames=900, size_px=(640, 480))
    target = tmp_path / "the lp"
    process = start("convert", project.root, target, "--no-context-frames", "--jobs", 2)
    wait_for(lambda: (target / "labeled-data/m1").exists() and (target / "CollectedData.csv").exists(), process)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (75, "")
    assert "stopped by a signal; 0 of 1 video and 5 of 5 images are in" in " ".join(stderr.split())
    command = shlex.join(["dlc2lp", "convert", str(project.root), str(target), "--no-context-frames", "--jobs", "2"])
    assert command in stderr
    assert "Traceback" not in stderr


# --------------------------------------------------------------------------------------------------- in words


def test_a_dry_run_is_told_in_words(project, tmp_path):
    told = dlc2lp("convert", project.root, tmp_path / "lp", "--dry-run").stdout
    assert "encode videos/m1.mp4 from" in told
    assert "the codec is mjpeg" in " ".join(told.split())
    assert "image_resize_dims: height" in told
    assert not OF_PYTHON.search(told), OF_PYTHON.search(told)
    assert dlc2lp("convert", project.root, tmp_path / "lp").exit_code == 0
    again = dlc2lp("convert", project.root, tmp_path / "lp", "--dry-run").stdout
    assert "done already: " in again
    assert "convert would" not in again
    for command in (["config", tmp_path / "lp"], ["inspect", project.root], ["verify", tmp_path / "lp"]):
        assert not OF_PYTHON.search(dlc2lp(*command).stdout), command


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"height": 256, "width": 128}, "height 256, width 128"),
        ([0, 1], "0, 1"),
        ([[0, 1], [2]], "(0, 1), (2)"),
        ([], "none"),
        (True, "true"),
        (None, "not set"),
        (0.95, "0.95"),
    ],
)
def test_values_of_the_config_are_told_in_words(value, text):
    assert value_text(value) == text


def test_a_good_project_ends_shortly_with_what_comes_next(project, tmp_path, monkeypatch):
    for has_gpu in (True, False):
        monkeypatch.setattr("dlc2lp.cli.commands.has_gpu", lambda has_gpu=has_gpu: has_gpu)
        told = dlc2lp("convert", project.root, tmp_path / "lp").stdout
        end = told[told.index(" is ready") :].splitlines()
        assert len(end) <= 15
        commands = [line.strip() for line in end if not line.strip().startswith("#")]
        assert f"litpose train {tmp_path}/lp/configs/default.yaml" in commands
        assert any(line.startswith("pip install lightning-pose==") for line in commands)
        assert f"{tmp_path}/lp/migration-report.html" in end[1]
        assert any("dlc2lp config" in line for line in commands) != has_gpu


def test_whether_there_is_a_gpu_is_seen_without_asking_it(monkeypatch):
    there = set()
    monkeypatch.setattr("os.path.exists", lambda path: path in there)
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert not terminal.has_gpu()
    there.add("/dev/nvidia0")
    assert terminal.has_gpu()
    monkeypatch.setattr("sys.platform", "darwin")
    assert not terminal.has_gpu()


@pytest.mark.parametrize("command", [("convert",), ("batch", "convert"), ("batch", "plan"), ("inspect",)])
def test_the_help_is_in_groups_with_examples_that_can_be_typed(command):
    told = dlc2lp(*command, "--help").stdout
    titles = re.findall(r"^(\S.*):$", told, re.MULTILINE)
    assert [title for title in titles if title in ("Labels and frames", "Videos", "Starter config", "Running")][:3] == [
        "Labels and frames", "Videos", "Starter config",
    ]  # fmt: skip
    assert titles[-1] == "What is said"
    assert "Options" not in titles
    examples = re.findall(rf"^    dlc2lp {' '.join(command)} .*$", told, re.MULTILINE)
    assert len(examples) >= 3
    known = set(re.findall(r"--[a-z-]+", told.partition("Labels and frames:")[2] + told))
    assert all(option in known for line in examples for option in re.findall(r"--[a-z-]+", line))
