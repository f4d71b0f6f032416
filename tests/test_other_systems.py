"""What Windows and macOS do in other ways than Linux, simulated where a test can't be run there."""

from __future__ import annotations

import ctypes
import errno
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from builder import Video, build_project
from command import dlc2lp
from targets import tree

from dlc2lp import renaming, temporaries
from dlc2lp.errors import TargetRefused, explained
from dlc2lp.files import write_whole
from dlc2lp.lp.project import register
from dlc2lp.run import path_length
from dlc2lp.run.place import place

JPEG = Video(codec="mjpeg", container="avi", pixel_format="yuvj420p", suffix=".avi")

#: What only some systems have, taken away before anything else is loaded.
WITHOUT = """
import os, shutil, signal, sys
shutil._use_fd_functions = shutil._USE_CP_SENDFILE = False  # as it finds out elsewhere, when it is loaded
for name in (
    "O_NONBLOCK", "O_NOCTTY", "O_NOFOLLOW", "O_DIRECTORY", "SEEK_DATA", "SEEK_HOLE", "sched_getaffinity", "geteuid",
    "getgid", "fork", "forkpty", "killpg", "getpgid", "setsid", "mkfifo", "mknod", "fchmod", "chown", "getloadavg",
    "posix_fadvise", "posix_fallocate", "sync", "pwrite", "preadv", "copy_file_range", "sendfile", "splice", "pathconf",
):
    if hasattr(os, name):
        delattr(os, name)
for name in ("SIGHUP", "SIGUSR1", "SIGUSR2", "pthread_sigmask", "pthread_kill", "setitimer", "sigwait"):
    if hasattr(signal, name):
        delattr(signal, name)
for name in ("fcntl", "termios", "pwd", "grp", "resource", "tty", "pty", "syslog"):
    sys.modules[name] = None
"""


def test_all_is_done_the_same_where_nothing_is_that_only_some_systems_have(tmp_path: Path) -> None:
    (tmp_path / "without").mkdir()
    (tmp_path / "without" / "sitecustomize.py").write_text(WITHOUT)
    build_project(tmp_path / "root" / "a", sessions=("m1",), video=JPEG, n_frames=20)
    build_project(tmp_path / "root" / "b", sessions=("m1", "m2"))
    here = os.environ.get("PYTHONPATH")
    paths = os.pathsep.join([str(tmp_path / "without"), *([here] if here else [])])

    def run(*words: object) -> None:
        command = [sys.executable, "-m", "dlc2lp", *map(str, words)]
        environment = {**os.environ, "PYTHONPATH": paths}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr

    assert dlc2lp("batch", "convert", tmp_path / "root", tmp_path / "out", "--jobs", 2).exit_code == 0
    expected = tree(tmp_path / "out" / "a"), tree(tmp_path / "out" / "b")
    (tmp_path / "out").rename(tmp_path / "before")
    run("batch", "convert", tmp_path / "root", tmp_path / "out", "--jobs", 2)
    assert (tree(tmp_path / "out" / "a"), tree(tmp_path / "out" / "b")) == expected
    run("verify", tmp_path / "out" / "a")
    run("config", tmp_path / "out" / "a", "--train-batch-size", 4)
    run("labels", tmp_path / "out" / "b")
    (video,) = (tmp_path / "root" / "a" / "videos").iterdir()
    run("video", "convert", video, tmp_path / "one.mp4")


class FromWindows(OSError):
    """An error as Windows makes it, which other systems can't."""

    def __init__(self, winerror: int, number: int, words: str, path: Path | str = "") -> None:
        super().__init__(number, words, str(path))
        self.winerror = winerror


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")


class Held:
    """``os.replace`` of a file that another program holds open, and lets go of after some tries."""

    def __init__(self, n_times: int, winerror: int = 32) -> None:
        self.left, self.winerror = n_times, winerror
        self.really = os.replace

    def __call__(self, old: str | Path, new: str | Path) -> None:
        if self.left:
            self.left -= 1
            raise FromWindows(self.winerror, errno.EACCES, "The process cannot access the file", new)
        self.really(old, new)


@pytest.mark.parametrize("winerror", [5, 32, 33])
def test_a_file_that_is_held_open_is_replaced_once_it_is_let_go_of(tmp_path, monkeypatch, windows, winerror):
    (tmp_path / "a.csv").write_text("before")
    held = Held(3, winerror)
    monkeypatch.setattr(os, "replace", held)
    write_whole(tmp_path / "a.csv", b"after")
    assert (tmp_path / "a.csv").read_text() == "after"
    assert held.left == 0
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_a_file_that_stays_open_is_told_as_that(tmp_path, monkeypatch, windows):
    (tmp_path / "a.csv").write_text("before")
    monkeypatch.setattr(renaming, "_PATIENCE_S", 0.1)
    monkeypatch.setattr(os, "replace", Held(10**9))
    with pytest.raises(TargetRefused) as told:
        write_whole(tmp_path / "a.csv", b"after")
    (finding,) = told.value.findings
    assert finding.code == "target-not-writable"
    assert "close the program that has it open" in finding.advice
    assert (tmp_path / "a.csv").read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_what_is_refused_for_another_reason_is_not_waited_for(tmp_path, monkeypatch, windows):
    held = Held(1, winerror=3)
    monkeypatch.setattr(os, "replace", held)
    with pytest.raises(OSError, match="cannot access"):
        renaming.rename(tmp_path / "a", tmp_path / "b")


def test_other_systems_wait_for_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "replace", Held(1))
    with pytest.raises(OSError, match="cannot access"):
        renaming.rename(tmp_path / "a", tmp_path / "b")


def test_links_that_not_everybody_may_make_are_told_with_the_other_ways(tmp_path, monkeypatch):
    project = build_project(tmp_path / "dlc", sessions=("m1",), video="none")

    def refuse(source: str, temporary: str) -> None:
        raise FromWindows(1314, errno.EINVAL, "A required privilege is not held by the client", source)

    monkeypatch.setattr(os, "symlink", refuse)
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--link", "symlink", "--no-context-frames", "--json")
    assert result.exit_code == 1
    hint = result.finding("step-failed")["hint"]
    assert "Developer Mode" in hint and "--link auto" in hint


def test_a_path_that_is_too_long_is_told_as_that():
    path = "C:\\" + "a" * 270
    told = explained(FromWindows(3, errno.ENOENT, "The system cannot find the path specified", path), "convert")
    assert told is not None and "274 signs" not in told.findings[0].advice
    assert "273 signs" in told.findings[0].advice and "LongPathsEnabled" in told.findings[0].advice
    short = explained(FromWindows(3, errno.ENOENT, "The system cannot find the path specified", "C:\\a"), "convert")
    assert short is not None and "signs" not in short.findings[0].advice
    with pytest.raises(OSError, match="too long") as raised:
        Path("a" * 300).read_bytes()
    told = explained(raised.value, "convert")
    assert told is not None and "shorter path" in told.findings[0].advice


@pytest.mark.parametrize("answer", [0, 1, None], ids=["off", "on", "a Windows without"])
def test_paths_that_would_be_too_long_are_told_before_the_first_byte(tmp_path, monkeypatch, windows, answer):
    def library(name: str) -> SimpleNamespace:
        assert name == "ntdll"
        return SimpleNamespace() if answer is None else SimpleNamespace(RtlAreLongPathsEnabled=lambda: answer)

    monkeypatch.setattr(ctypes, "WinDLL", library, raising=False)
    path_length.check_length(tmp_path / "lp", ["labeled-data/m1/img00000002.png"])
    deep = tmp_path / "/".join(["a folder with a long name"] * 12)
    if answer:
        path_length.check_length(deep, ["labeled-data/m1/img00000002.png"])
        return
    with pytest.raises(TargetRefused) as told:
        path_length.check_length(deep, ["labeled-data/m1/img00000002.png"])
    (finding,) = told.value.findings
    assert finding.code == "path-too-long"
    assert "expected at most 259" in finding.message
    name = "b" * (250 - len(str(tmp_path)))
    with pytest.raises(TargetRefused, match="path"):
        path_length.check_length(tmp_path, [f"labeled-data/{name}/img00000002.png"])


class Kernel:
    """Windows' functions for processes, as far as they are asked: some numbers run, some ended, some nobody may see."""

    def __init__(self, running: set[int], ended: set[int], hidden: set[int]) -> None:
        self.running, self.ended, self.hidden = running, ended, hidden
        self.opened: list[int] = []
        self.error = 0
        self.OpenProcess, self.GetExitCodeProcess = self.Function(self._open), self._code

    class Function:
        """A function of a library, which takes what it returns as an attribute."""

        def __init__(self, function):
            self.restype, self._function = None, function

        def __call__(self, *arguments):
            return self._function(*arguments)

    def _open(self, access, inherits, process):
        if process in self.running | self.ended:
            self.opened.append(process)
            return process
        self.error = 5 if process in self.hidden else 87
        return 0

    def _code(self, handle, code):
        code._obj.value = 259 if handle.value in self.running else 1
        return 1

    def CloseHandle(self, handle):
        self.opened.remove(handle.value)


def test_a_process_of_windows_is_known_as_gone(monkeypatch):
    kernel = Kernel(running={11}, ended={12}, hidden={13})
    monkeypatch.setattr(ctypes, "WinDLL", lambda name, use_last_error: kernel, raising=False)
    monkeypatch.setattr(ctypes, "get_last_error", lambda: kernel.error, raising=False)
    monkeypatch.setattr(temporaries, "_is_alive", temporaries._is_alive_on_windows)
    host = temporaries.own_tag().host
    gone = {process: temporaries.Tag(host, process, "0123abcd").is_gone for process in (11, 12, 13, 14)}
    assert gone == {11: False, 12: True, 13: False, 14: True}
    assert kernel.opened == [], "a handle that stays open keeps the number of the process from ever being free"


def test_a_drive_stays_that_drive(tmp_path, monkeypatch):
    """``realpath`` makes of a drive of Windows the share that is behind it."""
    monkeypatch.setattr(Path, "resolve", lambda path, strict=False: Path(f"//server/share{path}"))
    (tmp_path / "lp").mkdir()
    made = register(tmp_path / "lp", "mouse", tmp_path / "system")
    assert f"data_dir = '{tmp_path / 'lp'}'" in made.projects_file.read_text().replace('"', "'")


def test_a_link_leads_to_the_drive_that_was_named(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(b"a")
    really = os.path.realpath
    monkeypatch.setattr(os.path, "splitdrive", lambda path: (str(path)[:8], str(path)[8:]))
    monkeypatch.setattr(os.path, "realpath", lambda path: f"//server/share{really(path)}")
    place(tmp_path / "a.png", tmp_path / "b.png", "symlink")
    assert (tmp_path / "b.png").readlink() == tmp_path / "a.png"
