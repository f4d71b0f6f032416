"""Run again = go on: kills, edits, second runs, other options."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from builder import Video, build_project, snapshot
from command import LARGE, dlc2lp, start_slowly, wait_for
from labeler import save
from targets import tree

from dlc2lp import config as config_again
from dlc2lp import convert
from dlc2lp.run import execute

JPEG = Video(codec="mjpeg", container="avi", pixel_format="yuvj420p")


def encoding(target):
    """Whether ffmpeg has begun to write a video of this target."""
    return lambda: any(path.stat().st_size > 0 for path in target.glob(".dlc2lp/scratch/*/video.mp4"))


@pytest.fixture(scope="module")
def long_project(tmp_path_factory):
    """A project with an encode that can be stopped in the middle."""
    return build_project(
        tmp_path_factory.mktemp("long") / "dlc", sessions=("m1",), video=JPEG, n_frames=80, size_px=(640, 480)
    )


def test_a_second_run_changes_no_byte_and_no_mtime(tmp_path):
    project = build_project(tmp_path / "dlc", sessions=("m1", "m2"), unlabeled=(7,))
    assert dlc2lp("convert", project.root, tmp_path / "lp").exit_code == 0
    before = snapshot(tmp_path / "lp")
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--json")
    assert result.exit_code == 0
    assert result.document["steps"]["done"] == []
    assert snapshot(tmp_path / "lp") == before


def test_what_a_killed_process_was_writing_is_removed_wherever_it_lies(tmp_path):
    from dlc2lp.temporaries import Tag, own_tag

    project, target = build_project(tmp_path / "dlc", sessions=("m1",)), tmp_path / "lp"
    assert dlc2lp("convert", project.root, target).exit_code == 0
    before = tree(target)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    for process, is_left in ((gone.pid, False), (os.getpid(), True)):
        tag = Tag(own_tag().host, process, "0123abcd")
        names = [
            f"steps/.91dd2efffc6b79ae.json.{tag}-1.tmp",
            f".plan.json.{tag}-1.tmp",
            f"../.migration-report.html.{tag}-1.tmp",
            f"scratch/91dd2efffc6b79ae-{tag}",
        ]
        left = [target / ".dlc2lp" / name for name in names]
        for path in left[: 3 if is_left else 4]:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(b"{")
        assert dlc2lp("convert", project.root, target).exit_code == 0
        assert [path.exists() for path in left] == [is_left, is_left, is_left, False]
        assert is_left or tree(target) == before


@pytest.mark.parametrize("command", ["labels", "config", "batch run"])
def test_every_command_that_writes_removes_what_a_killed_one_had_begun(tmp_path, command):
    from dlc2lp.temporaries import Tag, own_tag

    build_project(tmp_path / "root" / "a", sessions=("m1",), video="none")
    out = tmp_path / "out"
    assert dlc2lp("batch", "plan", tmp_path / "root", out).exit_code == 0
    assert command == "batch run" or dlc2lp("batch", "run", out).exit_code == 0
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    tag = Tag(own_tag().host, gone.pid, "0123abcd")
    state = out / "a" / ".dlc2lp"
    left = [state / "steps" / f".91dd2efffc6b79ae.json.{tag}-1.tmp", state / "scratch" / f"{tag}-0.alone"]
    for path in left:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"{")
    words = ("batch", "run", out) if command == "batch run" else (command, out / "a")
    assert dlc2lp(*words).exit_code == 0
    assert not [path for path in left if path.exists()]
    assert not (state / "scratch").exists()


def test_a_target_that_somebody_removes_meanwhile_is_finished_by_the_same_command(tmp_path):
    """What was made since the folder went was a stranger's to the next run, and refused as target-not-empty."""
    project, target = build_project(tmp_path / "dlc", sessions=("m1", "m2"), video="none"), tmp_path / "lp"
    assert dlc2lp("convert", project.root, target).exit_code == 0
    undisturbed = tree(target)
    shutil.rmtree(target)
    n_ended = []

    def remove_once(event):
        if event.what == "ended" and event.thing == "step":
            n_ended.append(event)
            if len(n_ended) == 1:
                shutil.rmtree(target)

    came = convert(project.root, target, jobs=1, on_event=remove_once)
    assert came.exit_code == 1
    assert dlc2lp("convert", project.root, target).exit_code == 0
    assert tree(target) == undisturbed


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is POSIX")
def test_after_kill_9_in_the_middle_of_an_encode_the_same_command_finishes(tmp_path, long_project):
    target = tmp_path / "lp"
    assert dlc2lp("convert", long_project.root, target, *LARGE).exit_code == 0
    undisturbed = tree(target)
    shutil.rmtree(target)
    process = start_slowly("convert", long_project.root, target, *LARGE, start_new_session=True)
    wait_for(encoding(target), process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not (target / "videos/m1.mp4").exists()
    assert dlc2lp("convert", long_project.root, target, *LARGE).exit_code == 0
    assert tree(target) == undisturbed


@pytest.mark.skipif(sys.platform == "win32", reason="a console signal needs a console there")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_cleanly_and_the_same_command_finishes(tmp_path, long_project, number):
    target = tmp_path / "lp"
    process = start_slowly("convert", long_project.root, target, "--json", *LARGE)
    wait_for(encoding(target), process)
    process.send_signal(number)
    began = time.monotonic()
    stdout, stderr = process.communicate(timeout=30)
    assert time.monotonic() - began < 10
    assert process.returncode == 75, stderr
    assert "Traceback" not in stderr
    document = json.loads(stdout)
    assert (document["exit_code"], document["findings"][0]["code"]) == (75, "interrupted")
    assert not (target / "videos/m1.mp4").exists()
    assert not (target / ".dlc2lp/scratch").exists()
    assert dlc2lp("convert", long_project.root, target, *LARGE).exit_code == 0
    assert (target / "videos/m1.mp4").exists()


def test_what_a_person_changed_is_kept_and_told(tmp_path):
    project = build_project(tmp_path / "dlc", sessions=("m1",))
    target = tmp_path / "lp"
    dlc2lp("convert", project.root, target)
    settings = target / "project.yaml"
    original = settings.read_bytes()
    settings.write_bytes(original + b"# mine\n")
    edited = settings.read_bytes()
    for command in (("convert", project.root, target), ("verify", target)):
        result = dlc2lp(*command, "--json")
        assert result.exit_code == 1
        assert result.finding("target-edited")["subject"] == "project.yaml"
        assert settings.read_bytes() == edited
    assert dlc2lp("convert", project.root, target, "--edited", "replace").exit_code == 0
    assert settings.read_bytes() == original


def test_labels_of_people_are_replaced_only_if_asked(tmp_path):
    project = build_project(tmp_path / "dlc", sessions=("m1",))
    target = tmp_path / "lp"
    dlc2lp("convert", project.root, target)
    original = tree(target)
    save(target, "labeled-data/m1/img00000002.png", {"nose": (1.5, 2.5)})
    edited = (target / "CollectedData.csv").read_bytes()
    for command in (("convert", project.root, target), ("verify", target)):
        assert dlc2lp(*command, "--json").exit_code == 0
        assert b"1.5,2.5" in (target / "CollectedData.csv").read_bytes()
    assert edited != original["CollectedData.csv"]
    assert dlc2lp("convert", project.root, target, "--edited", "replace").exit_code == 0
    assert tree(target) == original


def test_a_target_whose_plan_is_gone_is_told_as_that(tmp_path):
    project, target = build_project(tmp_path / "dlc", sessions=("m1",), video="none"), tmp_path / "lp"
    assert dlc2lp("convert", project.root, target).exit_code == 0
    plan = (target / ".dlc2lp/plan.json").rename(tmp_path / "plan.json")
    held = tree(target)
    result = dlc2lp("convert", project.root, target, "--json")
    assert (result.exit_code, result.codes) == (3, ["plan-missing"])
    assert tree(target) == held
    plan.rename(target / ".dlc2lp/plan.json")
    assert dlc2lp("convert", project.root, target).exit_code == 0


class Killed(BaseException):
    """Stands for a kill: nothing catches it."""


def test_a_kill_at_any_moment_of_a_merge_loses_no_label_and_no_conflict(tmp_path, monkeypatch):
    """Whatever was written last: the same command ends with the bytes of an undisturbed run."""
    project = build_project(tmp_path / "dlc", sessions=("m1",), unlabeled=(7, 11), video="none")
    started, target = tmp_path / "started", tmp_path / "lp"
    assert dlc2lp("convert", project.root, target).exit_code == 0
    save(target, "labeled-data/m1/img00000007.png", {"nose": (10.25, 20.5)})
    save(target, "labeled-data/m1/img00000002.png", {"nose": (1.5, 2.5)})
    shutil.rmtree(project.root)
    later = {("m1", "img02.png", "nose"): (30.0, 40.0), ("m1", "img05.png", "nose"): (3.0, 4.0)}
    build_project(project.root, sessions=("m1",), frames=(2, 5, 9, 17), unlabeled=(11,), labels=later, video="none")
    shutil.copytree(target, started)
    assert dlc2lp("convert", project.root, target).exit_code == 1, "the conflict"
    undisturbed, n_killed = tree(target), 0
    while True:
        shutil.rmtree(target)
        shutil.copytree(started, target)
        if not _killed_at(n_killed, project.root, target, monkeypatch):
            break
        n_killed += 1
        assert dlc2lp("convert", project.root, target).exit_code == 1
        assert tree(target) == undisturbed, n_killed
    assert n_killed > 10


def _killed_at(number, source, target, monkeypatch):
    """Convert, and die at the replacement of a file of this number; return whether there were so many."""
    left = [number]
    replace = os.replace

    def dies(path, other):
        if target in Path(other).parents:
            left[0] -= 1
            if left[0] < 0:
                raise Killed
        return replace(path, other)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", dies)
        try:
            dlc2lp("convert", source, target, "--jobs", 1)
        except Killed:
            return True
    return False


def test_a_changed_label_file_that_the_target_should_have_no_more_is_kept_with_its_images(tmp_path):
    project = build_project(tmp_path / "dlc", sessions=("m1",), unlabeled=(7, 11))
    target = tmp_path / "lp"
    dlc2lp("convert", project.root, target, "--no-context-frames")
    save(target, "labeled-data/m1/img00000007.png", {"nose": (10.25, 20.5)})
    image = target / "labeled-data/m1/img00000007.png"
    other = ("--empty-frames", "drop", "--no-context-frames")
    for _ in range(2):
        result = dlc2lp("convert", project.root, target, *other, "--json")
        assert result.exit_code == 0
        assert image.is_file()
        assert not (target / "labeled-data/m1/img00000011.png").exists()
        assert not (target / "CollectedData.unlabeled.jsonl").exists()
    assert dlc2lp("verify", target).exit_code == 0


def test_a_lost_file_is_made_again(tmp_path):
    project = build_project(tmp_path / "dlc", sessions=("m1",))
    target = tmp_path / "lp"
    dlc2lp("convert", project.root, target)
    before = tree(target)
    (target / "labeled-data/m1/img00000005.png").unlink()
    (target / "videos/m1.mp4").unlink()
    result = dlc2lp("verify", target, "--json")
    assert result.exit_code == 1
    assert "target-incomplete" in result.codes
    assert dlc2lp("convert", project.root, target).exit_code == 0
    assert tree(target) == before


def test_other_options_replace_what_they_change_and_remove_what_is_left_over(tmp_path):
    project = build_project(tmp_path / "dlc", sessions=("m1", "m2"), unlabeled=(7,))
    target = tmp_path / "lp"
    dlc2lp("convert", project.root, target, "--empty-frames", "queue")
    assert (target / "labeled-data/m1/img00000007.png").exists()
    result = dlc2lp("convert", project.root, target, "--empty-frames", "drop", "--videos", "none", "--json")
    assert result.exit_code == 0
    assert "stale-removed" in result.codes
    assert not (target / "labeled-data/m1/img00000007.png").exists()
    assert not list((target / "videos").iterdir())
    fresh = tmp_path / "fresh"
    dlc2lp("convert", project.root, fresh, "--empty-frames", "drop", "--videos", "none", "--data-dir", str(target))
    here, there = tree(target), tree(fresh)
    plans = {".dlc2lp/plan.json", ".dlc2lp/manifest.json", "migration-report.html"}  # they name the target
    assert {path: here[path] for path in here.keys() - plans} == {path: there[path] for path in there.keys() - plans}


def test_a_dry_run_writes_nothing_and_is_the_plan(tmp_path):
    project = build_project(tmp_path / "dlc", sessions=("m1",))
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--dry-run", "--json")
    assert result.exit_code == 0
    assert not (tmp_path / "lp").exists()
    steps = result.document["steps"]
    assert {step["state"] for step in steps} == {"to-do"}
    dlc2lp("convert", project.root, tmp_path / "lp")
    plan = json.loads((tmp_path / "lp/.dlc2lp/plan.json").read_text())
    assert [step | {"state": "to-do"} for step in plan["steps"]] == steps


def test_the_config_can_be_written_again_and_keeps_what_a_person_changed(tmp_path):
    project = build_project(tmp_path / "dlc", sessions=("m1",))
    target = tmp_path / "lp"
    dlc2lp("convert", project.root, target)
    path = target / "configs/default.yaml"
    text = path.read_text()
    assert "early_stopping: false" in text
    path.write_text(text.replace("early_stopping: false", "early_stopping: true"))
    result = dlc2lp("config", target, "--train-batch-size", 4, "--json")
    assert result.exit_code == 0
    assert result.document["kept"] == ["training.early_stopping"]
    assert "early_stopping: true" in path.read_text()
    assert "train_batch_size: 4" in path.read_text()
    second = dlc2lp("config", target, "--num-gpus", 2, "--json")
    assert second.exit_code == 0
    assert "train_batch_size: 4" in path.read_text()
    assert "early_stopping: true" in path.read_text()
    assert dlc2lp("verify", target).exit_code == 0
    kept = path.read_bytes()
    assert dlc2lp("convert", project.root, target).exit_code == 0
    assert path.read_bytes() == kept
    assert dlc2lp("config", target, "--discard-edits").exit_code == 0
    assert "early_stopping: false" in path.read_text()


def test_a_config_that_was_chosen_goes_with_labels_that_are_new(tmp_path):
    build_project(tmp_path / "dlc", sessions=("m1",), video="none")
    target = tmp_path / "lp"
    assert dlc2lp("convert", tmp_path / "dlc", target).exit_code == 0
    assert dlc2lp("config", target, "--num-gpus", 2).exit_code == 0
    path = target / "configs/default.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("colormap: cool", "colormap: hot"), encoding="utf-8")
    assert dlc2lp("config", target, "--gpu-memory", 16).exit_code == 0
    shutil.rmtree(tmp_path / "dlc")
    names = ("nose", "ear_left", "ear_right", "tail", "paw")
    build_project(tmp_path / "dlc", sessions=("m1",), video="none", bodyparts=names)
    result = dlc2lp("convert", tmp_path / "dlc", target, "--json")
    assert result.exit_code == 0, result.stderr
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert config["data"]["keypoint_names"] == list(names)
    assert (config["training"]["num_gpus"], config["eval"]["colormap"]) == (2, "hot")
    settled = path.read_bytes()
    assert dlc2lp("convert", tmp_path / "dlc", target).exit_code == 0
    assert path.read_bytes() == settled
    path.write_bytes(settled.replace(b"colormap: hot", b"colormap: cool"))  # since then, by hand: that stays
    assert (
        dlc2lp("convert", tmp_path / "dlc", target, "--json").finding("target-edited")["subject"]
        == "configs/default.yaml"
    )


@pytest.mark.parametrize("moment", ["before its rename", "after its rename"])
@pytest.mark.parametrize("called_before", [False, True])
def test_a_killed_config_is_finished_by_the_same_command(moment, called_before, tmp_path, monkeypatch):
    project = build_project(tmp_path / "dlc", video="none")
    for name in ("whole", "lp"):
        assert dlc2lp("convert", project.root, tmp_path / name, "--data-dir", "/data").exit_code == 0
        if called_before:
            assert dlc2lp("config", tmp_path / name, "--data-dir", "/data", "--gpu-memory", 6).exit_code == 0
    again = ("--data-dir", "/data", "--gpu-memory", 4)
    assert dlc2lp("config", tmp_path / "whole", *again).exit_code == 0

    class Killed(BaseException):
        pass

    def killed(temporary, path):
        if moment == "after its rename":
            Path(temporary).rename(path)
        raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(execute.os, "replace", killed)
        config_again(tmp_path / "lp", data_dir="/data", gpu_memory=4)
    assert dlc2lp("config", tmp_path / "lp", *again).exit_code == 0
    config = "configs/default.yaml"
    assert (tmp_path / "lp" / config).read_text() == (tmp_path / "whole" / config).read_text()
    steps = [{path.name for path in (tmp_path / name / ".dlc2lp/steps").iterdir()} for name in ("whole", "lp")]
    assert steps[0] == steps[1]
