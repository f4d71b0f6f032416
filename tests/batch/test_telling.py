"""What a person is told of an archive is true, names the project, and can be acted on."""

import csv
import io
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from archives import SMALL, build_archive
from builder import build_project
from command import dlc2lp, start, wait_for

from dlc2lp.batch import index, space
from dlc2lp.batch.finish import ArchiveReport, ProjectReport
from dlc2lp.batch.index import INDEX_FILE, Index, Totals
from dlc2lp.batch.shards import Shard
from dlc2lp.batch.worklog import LOG_FOLDER, WorkLog
from dlc2lp.report import archive as report_archive
from dlc2lp.run.journal import Journal


def batch(*arguments):
    return dlc2lp("batch", *arguments, "--json")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Two projects that are converted."""
    folder = tmp_path_factory.mktemp("made")
    build_archive(folder / "root", 2, n_encoded=0)
    assert batch("convert", folder / "root", folder / "lp").exit_code == 0
    return folder


@pytest.fixture
def out(made, tmp_path):
    return shutil.copytree(made / "lp", tmp_path / "lp")


def test_logs_that_can_not_be_read_are_told_and_stop_nobody(out):
    (out / LOG_FOLDER / "20260101T000000Z-1of1-mine.jsonl").mkdir()
    (out / LOG_FOLDER / "20260101T000001Z-1of1-bad.jsonl").write_text('{"target": "x"}\n[]\n{"at": "late"}\n')
    found = batch("status", out)
    assert (found.exit_code, found.codes) == (0, ["log-unreadable"])
    assert found.document["targets"]["done"] == 2
    assert batch("run", out).exit_code == 0
    assert "log-unreadable" in dlc2lp("batch", "status", out).stdout


def test_a_folder_in_the_place_of_an_index(made, out):
    (out / INDEX_FILE).unlink()
    (out / INDEX_FILE).mkdir()
    for command in (("status",), ("run",), ("finish",)):
        refused = batch(*command, out)
        assert (refused.exit_code, refused.codes) == (2, ["plan-unreadable"])
        told = refused.finding("plan-unreadable")
        assert told["subject"] == str(out / INDEX_FILE)
        assert told["hint"].startswith("move that folder out of the way, and plan again: dlc2lp batch plan ROOT")
    refused = batch("plan", made / "root", out)
    assert (refused.exit_code, refused.codes) == (3, ["target-not-writable"])
    told = refused.finding("target-not-writable")
    assert (told["subject"], told["hint"].partition(",")[0]) == (
        str(out / INDEX_FILE),
        "move what is in its place out of the way",
    )
    (out / INDEX_FILE).rmdir()
    assert batch("plan", made / "root", out).exit_code == 0
    assert batch("run", out).exit_code == 0


@pytest.mark.parametrize("command", ["status", "run", "finish", "plan"])
def test_an_index_that_may_not_be_read(made, out, monkeypatch, command):
    """Nobody is refused here who is root, so the system's answer is given for it."""
    opened = index.open_regular

    def refuse(path):
        if path == out / INDEX_FILE:
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path)

    monkeypatch.setattr(index, "open_regular", refuse)
    refused = batch(command, *([made / "root"] if command == "plan" else []), out)
    assert (refused.exit_code, refused.codes) == (3, ["plan-unreadable"])
    assert refused.finding("plan-unreadable")["subject"] == str(out / INDEX_FILE)


def test_finishing_where_nothing_can_be_written(out):
    (out / ".dlc2lp-batch/closing").write_bytes(b"")
    refused = batch("finish", out)
    assert (refused.exit_code, refused.codes) == (3, ["target-not-writable"])


def test_a_target_that_may_not_be_looked_into_stops_no_other(made, out, monkeypatch):
    recorded = Journal.recorded

    def refuse(journal):
        if journal.folder.parents[1].name == "reach00":
            raise PermissionError(13, "Permission denied", str(journal.folder))
        return recorded(journal)

    monkeypatch.setattr(Journal, "recorded", refuse)
    finished = batch("finish", out)
    assert (finished.exit_code, finished.codes) == (1, ["target-unreadable"])
    assert finished.document["n_by_state"] == {"done": 1, "failed": 1}
    assert batch("status", out).document["targets"]["done"] == 2, "nobody knows that something is gone"
    assert batch("plan", made / "root", out).exit_code == 0


def test_a_full_disk_of_temporaries_costs_only_the_estimate(tmp_path, monkeypatch):
    def full(settings):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(space, "pixels_per_second", full)
    build_archive(tmp_path / "root", 1)
    estimate = batch("plan", tmp_path / "root", tmp_path / "lp").document["estimate"]
    assert (estimate["n_encodes"], estimate["pixels_per_s"]) == (1, None)


def test_listing_inside_of_an_array_lists_and_shards_must_agree(made, tmp_path, monkeypatch):
    monkeypatch.setenv("PBS_ARRAY_INDEX", "1")
    assert batch("plan", made / "root", tmp_path / "lp", "--list-only").document["n_projects"] == 2
    monkeypatch.delenv("PBS_ARRAY_INDEX")
    assert batch("run", made / "lp", "--shard", "1/5", "--shards", 9).exit_code == 2
    assert batch("run", made / "lp", "--shard", "1/5", "--shards", 5).exit_code == 0


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names are text")
def test_json_is_valid_where_names_are_no_text(tmp_path):
    root = os.fsdecode(os.fsencode(tmp_path) + b"/root-\xff\xfe")
    Path(root).mkdir()
    process = start("batch", "plan", root, tmp_path / "lp", "--json", env={"LC_ALL": "C.UTF-8"})
    process.stdout.reconfigure(errors="strict")
    stdout, _ = process.communicate()
    assert json.loads(stdout)["findings"][0]["subject"] == root


def test_a_pipe_called_config_yaml_is_not_waited_for(tmp_path):
    if not hasattr(os, "mkfifo"):
        pytest.skip("no pipes with names here")
    (tmp_path / "root/pipe").mkdir(parents=True)
    os.mkfifo(tmp_path / "root/pipe/config.yaml")
    process = start("batch", "plan", tmp_path / "root", tmp_path / "lp", "--json")
    stdout, _ = process.communicate(timeout=30)
    told = [(finding["code"], finding["subject"]) for finding in json.loads(stdout)["findings"]]
    assert told == [
        ("config-unreadable", "pipe/config.yaml"),
        ("no-projects", str(tmp_path / "root")),
    ]


def test_quiet_and_the_log_name_the_project_and_what_to_do(tmp_path):
    build_project(tmp_path / "root/pair", individuals=("a", "b"), **SMALL)
    log = tmp_path / "log.txt"
    said = dlc2lp("batch", "plan", tmp_path / "root", tmp_path / "lp", "-q", "--log-file", log)
    for text in (said.stderr, log.read_text(encoding="utf-8")):
        assert "pair" in text
        assert "--individuals flatten|split|NAME" in text


def test_what_is_missing_is_told_once_with_its_target(tmp_path):
    root, out = tmp_path / "root", tmp_path / "lp"
    build_project(root / "lab/one", **{**SMALL, "sessions": ("m1", "m2")})
    build_project(root / "lab/two", **{**SMALL, "task": "two"})
    assert batch("plan", root, out).exit_code == 0
    shutil.rmtree(out / "lab/one")
    image = root / "lab/two/labeled-data/m1/img05.png"
    image.rename(tmp_path / "gone.png")
    ran = batch("run", out, "--jobs", 2)
    assert (ran.exit_code, sorted(ran.codes)) == (1, ["not-a-target", "source-unreadable"])
    assert f"{image} is missing" in ran.finding("source-unreadable")["message"]
    assert ran.stderr.count("failed: lab/one") <= 1
    status = batch("status", out)
    assert {finding["where"] for finding in status.document["findings"]} == {"lab/one", "lab/two"}


def test_converting_says_no_next_command_in_the_middle(made, out):
    said = dlc2lp("batch", "convert", made / "root", out)
    assert said.exit_code == 0
    assert "next: dlc2lp batch run" not in said.stderr + said.stdout


def test_what_a_person_changed_is_told_with_the_command_of_the_archive(out):
    (out / "lab0/reach00/project.yaml").write_text("mine\n", encoding="utf-8")
    expected = f"to write it anew and lose the changes: dlc2lp batch run {shlex.quote(str(out))} --edited replace"
    for command in ("run", "finish", "finish"):
        assert batch(command, out).finding("target-edited")["hint"] == expected
    (out / "lab1/reach01/project.yaml").write_text("mine\n", encoding="utf-8")
    told = [each for each in batch("finish", out).document["findings"] if each["code"] == "target-edited"]
    assert [(each["where"], each["hint"]) for each in told] == [
        ("lab0/reach00", expected),
        ("lab1/reach01", f"if the change is yours, nothing is to be done; else {expected.split(': ')[1]}"),
    ]


def test_what_was_never_carried_out_is_told_with_the_commands_of_the_archive(made, tmp_path):
    out = tmp_path / "a b"
    assert batch("plan", made / "root", out).exit_code == 0
    hint = batch("finish", out).finding("target-incomplete")["hint"]
    assert hint == f"dlc2lp batch run '{out}', then dlc2lp batch finish '{out}'"


def test_nothing_planned_is_not_everything_done(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")  # no Slurm is to be asked
    build_project(tmp_path / "root/pair", individuals=("a", "b"), **SMALL)
    out = tmp_path / "lp"
    assert batch("plan", tmp_path / "root", out).exit_code == 3
    for command in (("status", out), ("submit", out, "--shards", 2, "--dry-run")):
        said = dlc2lp("batch", *command)
        assert "nothing is planned" in said.stdout
        assert "%" not in said.stdout
    assert batch("submit", out, "--shards", 2, "--dry-run", "--partition", "a\nb").exit_code == 2


def test_a_target_of_a_project_that_is_left_out_now_is_told(made, out):
    (out / "decisions.yaml").write_text("lab0/reach00: {skip: true}\n", encoding="utf-8")
    for _ in range(2):
        assert batch("plan", made / "root", out).finding("target-left-over")["subject"] == "lab0/reach00"


def test_what_waits_for_a_worker_is_not_called_interrupted(made, out):
    before = batch("plan", made / "root", out, "--gpu-memory", 16)
    assert before.exit_code == 0
    entries = list(Index.read(out).planned())
    with WorkLog(out, Shard(1, 2), 1) as log:
        log.began(entries[0].target, 1)
        log.ended(entries[0].target)
        targets = batch("status", out).document["targets"]
        assert (targets["waiting"], targets["interrupted"]) == (1, 1), (
            "the other one was begun by a worker that is gone"
        )
    assert batch("status", out).document["targets"]["interrupted"] == 2
    with WorkLog(out, Shard(), 1):
        assert batch("status", out).document["targets"]["waiting"] == 2


def test_empty_names_of_places_are_refused(made, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for arguments in (
        ("batch", "plan", "", tmp_path / "lp"),
        ("batch", "plan", made / "root", ""),
        ("batch", "status", ""),
        ("convert", made / "root/lab0/reach00", ""),
        ("inspect", ""),
    ):
        assert dlc2lp(*arguments, "--json").exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_spreadsheets_calculate_nothing(tmp_path):
    planned = Index(tmp_path, "/archive", {}, Totals(), (), "")
    names = ["=1+1", "+a", "-a", "@a", "\ta", "\ra", "plain"]
    cells = ["'=1+1", "'+a", "'-a", "'@a", "'\\ta", "'\\ra", "plain"]
    projects = tuple(ProjectReport(name, "/archive/p", name, "done", bytes_after=7) for name in names)
    report = ArchiveReport(planned, projects, dict.fromkeys(names, 1.5))
    for text, column, value in (
        (report_archive.csv_text(report), "bytes_after", "7"),
        (report_archive.times_text(report), "seconds", "1.5"),
    ):
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        assert [row["project"] for row in rows] == cells
        assert {row[column] for row in rows} == {value}


def test_an_archive_is_split_where_there_is_something_to_split(tmp_path):
    root, out = tmp_path / "root", tmp_path / "lp"
    build_project(root / "alone", **SMALL)
    build_project(root / "pair", individuals=("mouse1", "mouse2"), **{**SMALL, "task": "pair"})
    planned = batch("plan", root, out, "--individuals", "split")
    assert planned.exit_code == 0, planned.stderr
    assert {entry.target for entry in Index.read(out).planned()} == {"alone", "pair/mouse1", "pair/mouse2"}

    refused = batch("plan", root, out, "--individuals", "flatten")
    assert refused.codes == ["target-holds-targets", "target-left-over"]
    assert "mouse1, mouse2" in refused.finding("target-holds-targets")["message"]
    assert "move what is there" in refused.finding("target-holds-targets")["hint"]

    (out / "decisions.yaml").write_text("alone: {individuals: split}\n", encoding="utf-8")
    assert "no-individuals" in batch("plan", root, out, "--individuals", "split").codes


@pytest.mark.skipif(sys.platform != "linux", reason="needs a terminal that can be taken away")
def test_a_terminal_that_goes_stops_a_worker_cleanly(tmp_path):
    import pty  # Windows has none

    root, out = tmp_path / "root", tmp_path / "lp"
    build_archive(root, 1, n_frames=400, size_px=(320, 240))
    assert batch("plan", root, out, "--preset", "slower", "--crf", "1").exit_code == 0
    ours, theirs = pty.openpty()
    streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    # Under nohup, where these tests may run, the signal is not heard.
    start = "import signal, dlc2lp.cli.main; signal.signal(signal.SIGHUP, signal.SIG_DFL); dlc2lp.cli.main.main()"
    process = subprocess.Popen([sys.executable, "-c", start, "batch", "run", str(out)], **streams)
    os.close(theirs)
    wait_for(lambda: any(out.glob("lab0/reach00/.dlc2lp/scratch/*/video.mp4")), process)
    os.close(ours)  # from now on, whoever writes to it gets an error
    process.send_signal(signal.SIGHUP)  # as the kernel does to the processes of that terminal
    assert process.wait(timeout=20) == 75
    assert not list(out.rglob("scratch"))
