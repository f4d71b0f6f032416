"""What disks, permissions and logs do to a run is told in ordinary words: no traceback, no fault of dlc2lp, and the
same command goes on.
"""

import contextlib
import ctypes
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from builder import build_project
from command import dlc2lp, start

import dlc2lp as package
from dlc2lp.run import carry_out, closing

SMALL = {"sessions": ("m1",), "bodyparts": ("nose", "tail"), "frames": (2, 5, 9), "n_frames": 12, "size_px": (64, 48)}
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full and /proc")


def is_root():
    return hasattr(os, "geteuid") and os.geteuid() == 0


@contextlib.contextmanager
def disk(folder, size="256m"):
    """A disk of its own at a folder."""
    if not is_root():
        pytest.skip("only root can mount a disk")
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder]
    made = subprocess.run(command, capture_output=True, check=False)
    if made.returncode:
        pytest.skip(f"no disk can be mounted here: {made.stderr!r}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=False)


def remount(folder, how):
    subprocess.run(["mount", "-o", f"remount,{how}", folder], check=True, capture_output=True)


def ordinary(stderr):
    assert "Traceback" not in stderr, stderr
    assert "internal-error" not in stderr, stderr
    assert "Logging error" not in stderr, stderr
    return True


@pytest.fixture
def place(tmp_path):
    build_project(tmp_path / "dlc", **SMALL)
    return tmp_path


# --- disks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", ["execute", "close_target", "manifest"])
def test_a_target_that_turns_read_only(place, monkeypatch, moment):
    with disk(place / "fs") as folder:
        where = closing if moment == "manifest" else carry_out
        name = "manifest_of" if moment == "manifest" else moment
        real = getattr(where, name)

        def after_the_disk_dropped(*arguments, **options):
            remount(folder, "ro")
            return real(*arguments, **options)

        monkeypatch.setattr(where, name, after_the_disk_dropped)
        result = dlc2lp("convert", place / "dlc", folder / "lp", "--json")
        assert result.exit_code == 1, result.stderr
        assert set(result.codes) & {"disk-failed", "target-not-writable"}, result.codes
        assert str(folder) in result.document["findings"][0]["subject"]
        for command in (("verify",), ("labels",), ("config",)):
            assert dlc2lp(*command, folder / "lp", "--json").exit_code in {0, 1, 3, 75}
        monkeypatch.undo()
        remount(folder, "rw")
        # A process that is gone leaves no sign of being at work; this one lives on.
        shutil.rmtree(folder / "lp/.dlc2lp/scratch", ignore_errors=True)
        assert dlc2lp("convert", place / "dlc", folder / "lp").exit_code == 0
        assert dlc2lp("verify", folder / "lp").exit_code == 0


def test_an_archive_whose_disk_turns_read_only(place):
    with disk(place / "fs") as folder:
        assert dlc2lp("batch", "plan", place / "dlc", folder / "out").exit_code == 0
        remount(folder, "ro")
        for command in ("run", "finish", "status"):
            result = dlc2lp("batch", command, folder / "out", "--json")
            assert result.exit_code in ({0} if command == "status" else {1, 3}), (command, result.stderr)
        assert dlc2lp("batch", "plan", place / "dlc", folder / "out").exit_code in {0, 1, 3}
        remount(folder, "rw")
        assert dlc2lp("batch", "convert", place / "dlc", folder / "out").exit_code == 0


def test_a_disk_that_is_full(place):
    with disk(place / "fs") as folder:
        (folder / "filler").write_bytes(b"\0" * (252 * 2**20))
        for command in (("convert", place / "dlc", folder / "lp"), ("batch", "convert", place / "dlc", folder / "out")):
            result = dlc2lp(*command, "--json")
            assert result.exit_code in {1, 3}
            assert "no-space" in result.codes


def test_a_manifest_that_can_not_be_written(place):
    (place / "lp/.dlc2lp/manifest.json").mkdir(parents=True)
    (place / "lp/.dlc2lp/manifest.json/x").touch()
    result = dlc2lp("convert", place / "dlc", place / "lp", "--json")
    assert (result.exit_code, result.codes) == (1, ["target-not-writable"])
    assert result.finding("target-not-writable")["subject"].endswith("manifest.json")
    shutil.rmtree(place / "lp/.dlc2lp/manifest.json")
    assert dlc2lp("convert", place / "dlc", place / "lp").exit_code == 0


@linux
@pytest.mark.parametrize(
    "name", ["img02.png", "CollectedData_Anna.h5", "CollectedData_Anna.csv", "m1.mp4", "config.yaml"]
)
def test_a_disk_that_gives_a_file_up_no_more(place, name):
    """Reading the memory of this process at its beginning is an input/output error, as of a broken disk."""
    path = next((place / "dlc").rglob(name))
    path.unlink()
    path.symlink_to("/proc/self/mem")
    for command in (
        ("inspect", place / "dlc"),
        ("convert", place / "dlc", place / "lp"),
        ("batch", "convert", place / "dlc", place / "out"),
        ("video", "check", path),
    ):
        result = dlc2lp(*command, "--json")
        assert result.exit_code in {0, 1, 3}, result.stderr
        assert result.exit_code or command[0] == "inspect" or name != "m1.mp4"


# --- logs and outputs ------------------------------------------------------------------------------------------------


@linux
def test_a_log_that_takes_no_more_ends_no_run(place):
    assert dlc2lp("convert", place / "dlc", place / "lp", "--log-file", "/dev/full").exit_code == 0
    result = dlc2lp("inspect", place, "--log-file", "/dev/full")  # which has something to tell
    assert result.exit_code == dlc2lp("inspect", place).exit_code
    assert ordinary(result.stderr)
    assert result.stderr.count("log-unwritable") == 1


def test_a_log_on_a_disk_that_failed_ends_no_run(place):
    with disk(place / "fs") as folder:
        remount(folder, "ro")
        result = dlc2lp("convert", place / "dlc", place / "lp", "--log-file", folder / "log")
        assert (result.exit_code, result.stderr.count("log-unwritable")) == (0, 1)


def test_a_log_that_is_named_wrongly_is_told_before_anything_is_done(place):
    result = dlc2lp("convert", place / "dlc", place / "lp", "--log-file", place / "nowhere/log")
    assert (result.exit_code, (place / "lp").exists()) == (2, False)


@linux
@pytest.mark.parametrize("command", [("inspect",), ("inspect", "--json"), ("--help",)])
def test_an_output_that_takes_no_more_is_told(place, command):
    words = [command[0], str(place / "dlc"), *command[1:]] if command[0] == "inspect" else command
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "dlc2lp", *words], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1, done.stderr
    assert ordinary(done.stderr)
    assert "No space left" in done.stderr
    assert "Exception ignored" not in done.stderr


@linux
def test_nobody_reads_what_is_told(place):
    """Neither the result nor a run depends on stderr."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "dlc2lp", "convert", str(place / "dlc"), str(place / "lp"), "-v", "--json"],
            stdout=subprocess.PIPE,
            stderr=full,
            text=True,
            check=False,
        )
    assert done.returncode == 0
    assert json.loads(done.stdout)["exit_code"] == 0


def test_a_reader_that_leaves_does_not_change_the_exit_code(place):
    process = start("inspect", place / "dlc", "--individuals", "Bert")
    process.stdout.close()
    process.wait()
    assert process.returncode == dlc2lp("inspect", place / "dlc", "--individuals", "Bert").exit_code
    assert ordinary(process.stderr.read())
    process.stderr.close()


def test_workers_need_no_log(place):
    out = place / "out"
    assert dlc2lp("batch", "plan", place / "dlc", out).exit_code == 0
    shutil.rmtree(out / ".dlc2lp-batch/log", ignore_errors=True)
    (out / ".dlc2lp-batch/log").write_bytes(b"")
    result = dlc2lp("batch", "run", out, "--json")
    assert (result.exit_code, result.codes) == (0, ["log-unwritable"])
    assert dlc2lp("batch", "finish", out).exit_code == 0


# --- permissions -----------------------------------------------------------------------------------------------------


#: Numbers of capability.h: root reads and writes everything by these, unless it gives them up.
_VERSION_3, _DAC_OVERRIDE, _DAC_READ_SEARCH = 0x20080522, 1, 2


@contextlib.contextmanager
def without_powers():
    """Have permissions count, also where root runs the tests."""
    if sys.platform == "win32" or (is_root() and sys.platform != "linux"):
        pytest.skip("permissions do not count here")
    if not is_root():
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header, powers = (ctypes.c_uint32 * 2)(_VERSION_3, 0), (ctypes.c_uint32 * 6)()
    assert libc.capget(header, powers) == 0
    effective = powers[0]
    powers[0] = effective & ~(1 << _DAC_OVERRIDE | 1 << _DAC_READ_SEARCH)
    assert libc.capset(header, powers) == 0
    try:
        yield
    finally:
        powers[0] = effective
        assert libc.capset(header, powers) == 0


def as_a_user(*arguments):
    """Run a command for which permissions count."""
    with without_powers():
        result = dlc2lp(*arguments, "--json")
    assert ordinary(result.stderr)
    return result.document


@contextlib.contextmanager
def forbidden(path):
    """Take all permissions from a file or folder."""
    before = path.stat().st_mode
    path.chmod(0)
    try:
        with without_powers(), pytest.raises(PermissionError):
            next(path.iterdir()) if path.is_dir() else path.read_bytes()
        yield
    finally:
        path.chmod(before)


#: What may not be read, and the commands that meet it.
SOURCES = ["", "labeled-data", "labeled-data/m1", "CollectedData_Anna.csv", "CollectedData_Anna.h5", "config.yaml"]
SOURCES += ["img02.png", "videos", "m1.mp4"]


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_that_may_not_be_read(tmp_path, name):
    project, work = build_project(tmp_path / "archive/dlc", **SMALL).root, tmp_path
    path = project / name if (project / name).exists() else next(project.rglob(name))
    with forbidden(path):
        for command in (
            ("inspect", project),
            ("convert", project, work / "lp"),
            ("convert", project, work / "lp2", "--dry-run"),
            ("batch", "convert", tmp_path / "archive", work / "out"),
            ("video", "check", path),
            ("video", "convert", path, work / "x.mp4"),
        ):
            document = as_a_user(*command)
            assert document["exit_code"] in {0, 1, 2, 3}, command
            told = json.dumps(document["findings"])
            assert not document["exit_code"] or any(
                each in told for each in (path.name, "labeled-data", "dlc", "m1")
            ), (command, told)


TARGETS = ["", ".dlc2lp", ".dlc2lp/plan.json", ".dlc2lp/steps", ".dlc2lp/steps/*", "CollectedData.csv", "videos"]
TARGETS += ["labeled-data", "labeled-data/m1/img00000002.png", "configs", "configs/default.yaml", "project.yaml"]
TARGETS += ["videos/m1.mp4", ".dlc2lp/seen.json", ".dlc2lp/run.log", ".dlc2lp/manifest.json"]


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_that_may_not_be_read(place, name):
    target = place / "lp"
    assert dlc2lp("convert", place / "dlc", target).exit_code == 0
    path = min(target.glob(name)) if "*" in name else target / name
    with forbidden(path):
        for command in (
            ("verify", target),
            ("labels", target),
            ("config", target),
            ("export", target, place / "back"),
            ("convert", place / "dlc", target),
        ):
            document = as_a_user(*command)
            assert document["exit_code"] in {0, 1, 2, 3}, command
            told = json.dumps(document["findings"])
            assert not document["exit_code"] or any(each in told for each in (path.name, "m1", "configs")), (
                command,
                told,
            )


ARCHIVES = ["", ".dlc2lp-batch", ".dlc2lp-batch/index.jsonl", ".dlc2lp-batch/log", "dlc", "dlc/.dlc2lp"]


@pytest.mark.parametrize("name", ARCHIVES)
def test_an_archive_that_may_not_be_read(tmp_path, name):
    build_project(tmp_path / "root/dlc", **SMALL)
    root, out = tmp_path / "root", tmp_path / "out"
    assert dlc2lp("batch", "convert", root, out).exit_code == 0
    with forbidden(out / name):
        for command in ("status", "run", "finish", "plan"):
            document = as_a_user("batch", command, *((root, out) if command == "plan" else (out,)))
            assert document["exit_code"] in {0, 1, 2, 3}, command


def test_the_library_raises_its_own_errors(place, monkeypatch):
    from dlc2lp import migration

    def broken(*_, **__):
        raise PermissionError(13, "Permission denied", "/somewhere")

    monkeypatch.setattr(migration, "inspect", broken)
    with pytest.raises(package.Dlc2LpError) as told:
        package.inspect(place / "dlc")
    assert told.value.findings[0].subject == "/somewhere"
    result = dlc2lp("inspect", place / "dlc", "--json")
    assert (result.exit_code, result.codes) == (1, ["file-unusable"])
