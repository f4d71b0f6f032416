"""Two processes and one target: who would write over the other waits or is told, and no good video is accused."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from builder import Video, build_project
from command import LARGE, dlc2lp, start, start_slowly, wait_for
from targets import tree

import dlc2lp as library
from dlc2lp.errors import TargetBusy, TargetRefused
from dlc2lp.run import at_work
from dlc2lp.run.scratch import SCRATCH, leave_scratch
from dlc2lp.temporaries import Tag, own_tag

JPEG = Video(codec="mjpeg", container="avi", pixel_format="yuvj420p")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return build_project(
        tmp_path_factory.mktemp("two") / "dlc", sessions=("m1",), video=JPEG, n_frames=80, size_px=(640, 480)
    )


def encoding(target):
    return lambda: any(path.stat().st_size > 0 for path in target.glob(".dlc2lp/scratch/*/video.mp4"))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, project):
    folder = tmp_path_factory.mktemp("undisturbed")
    assert dlc2lp("convert", project.root, folder / "lp", *LARGE).exit_code == 0
    return folder / "lp"


def test_the_second_conversion_of_a_target_is_refused_and_the_first_one_is_as_ever(tmp_path, project, undisturbed):
    target = tmp_path / "lp"
    first = start_slowly("convert", project.root, target, "--json", *LARGE, rate=0.3)
    wait_for(encoding(target), first)
    for command in (
        ("convert", project.root, target, *LARGE),
        ("convert", project.root, target, "--preset", "ultrafast"),
        ("config", target, "--num-gpus", 2),
        ("labels", target),
        ("verify", target),
        ("export", target, tmp_path / "back"),
    ):
        second = dlc2lp(*command, "--json")
        assert (second.exit_code, second.codes) == (75, ["target-busy"]), command
        assert f"process {first.pid} on " in second.finding("target-busy")["message"]
    assert first.poll() is None, "too fast to be met in the middle"
    stdout, stderr = first.communicate(timeout=120)
    assert first.returncode == 0, stderr
    assert not [finding for finding in json.loads(stdout)["findings"] if finding["severity"] == "error"]
    theirs, ours = (
        {
            name: content
            for name, content in tree(each).items()
            if not name.startswith((".dlc2lp", "configs", "migration-report"))
        }
        for each in (undisturbed, target)
    )
    assert ours == theirs
    assert not (target / SCRATCH).exists()
    assert dlc2lp("verify", target).exit_code == 0


def test_two_that_begin_at_the_same_moment_end_with_one_whole_target(tmp_path, project):
    """Whoever comes first does it; the other one is told, or finds it done."""
    target = tmp_path / "lp"
    both = [start("convert", project.root, target, "--json") for _ in range(2)]
    ends = [(process.communicate(timeout=120), process.returncode) for process in both]
    assert 0 in {code for _, code in ends}
    for (stdout, stderr), code in ends:
        assert code in {0, 75}, stderr
        codes = {each["code"] for each in json.loads(stdout)["findings"] if each["severity"] == "error"}
        assert codes <= {"target-busy"}
    assert dlc2lp("convert", project.root, target).exit_code == 0
    assert dlc2lp("verify", target).exit_code == 0


@pytest.mark.parametrize("n", [2, 8])
def test_of_several_at_most_one_is_alone(n, tmp_path):
    inside, most, refused = [], [], []
    lock = threading.Lock()

    def work():
        for _ in range(4):
            try:
                with at_work.at_work(tmp_path / "lp"):
                    with lock:
                        inside.append(1)
                        most.append(len(inside))
                    time.sleep(0.01)
                    with lock:
                        inside.pop()
            except TargetBusy:
                refused.append(1)

    threads = [threading.Thread(target=work) for _ in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1
    assert len(most) + len(refused) == 4 * n
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_workers_of_one_plan_are_beside_each_other_and_not_beside_one_who_is_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(at_work, "_PATIENCE_S", 0.2)
    with at_work.at_work(tmp_path, alone=False), at_work.at_work(tmp_path, alone=False):
        at_work.refuse_busy(tmp_path)
        with pytest.raises(TargetBusy), at_work.at_work(tmp_path):
            pass
    with at_work.at_work(tmp_path):
        with pytest.raises(TargetBusy):
            at_work.refuse_busy(tmp_path)
        with pytest.raises(TargetBusy), at_work.at_work(tmp_path, alone=False):
            pass


def a_process_that_has_ended():
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    return gone.pid


@pytest.mark.parametrize(
    ("tag", "age_s", "is_there"),
    [
        ("gone", 0, False),
        ("elsewhere", 0, True),
        ("elsewhere", 100, True),
        ("elsewhere", 200, False),
        ("reused", 200, False),
    ],
)
def test_who_counts_as_being_at_work(tag, age_s, is_there, tmp_path, monkeypatch):
    """Of another machine, whoever touched its file of late; a number may be another process's by now."""
    monkeypatch.setattr(at_work, "_PATIENCE_S", 0.2)
    host = own_tag().host
    made = {
        "gone": Tag(host, a_process_that_has_ended() if os.name == "posix" else 4711, "0123abcd"),
        "elsewhere": Tag(f"not{host}", os.getpid(), "0123abcd"),
        "reused": Tag(host, os.getppid(), "0123abcd"),
    }[tag]
    sign = tmp_path / SCRATCH / f"{made}-0.alone"
    scratch = tmp_path / SCRATCH / f"91dd2efffc6b79ae-{made}"
    scratch.mkdir(parents=True)
    for path in (sign, scratch / "video.mp4"):
        path.write_bytes(b"")
        os.utime(path, (time.time() - age_s, time.time() - age_s))
    os.utime(scratch, (time.time() - age_s, time.time() - age_s))
    assert at_work.gone_from(tmp_path)(made) is not is_there
    with pytest.raises(TargetBusy) if is_there else contextlib.nullcontext():
        at_work.refuse_busy(tmp_path)
    with pytest.raises(TargetBusy) if is_there else contextlib.nullcontext(), at_work.at_work(tmp_path):
        pass


def test_folders_that_others_leave_at_the_same_moment(tmp_path):
    """Units of one target end and begin in several threads: the folder was gone between its making and the file."""
    ended, interval_s = threading.Event(), sys.getswitchinterval()

    def leave():
        while not ended.is_set():
            leave_scratch(tmp_path)
            time.sleep(0.0005)  # who begins must get its turn at all

    threads = [threading.Thread(target=leave) for _ in range(2)]
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for _ in range(100):
            with at_work.at_work(tmp_path, alone=False):
                pass
    finally:
        ended.set()
        sys.setswitchinterval(interval_s)
        for thread in threads:
            thread.join()


def test_what_stands_in_the_place_of_the_folder_is_told(tmp_path):
    (tmp_path / SCRATCH).parent.mkdir()
    (tmp_path / SCRATCH).write_text("mine")
    with pytest.raises(TargetRefused, match="could not be written"), at_work.at_work(tmp_path):
        pass
    assert (tmp_path / SCRATCH).read_text() == "mine"


def test_who_is_at_work_says_so_again_and_again(tmp_path, monkeypatch):
    monkeypatch.setattr(at_work, "HEARTBEAT_S", 0.05)
    with at_work.at_work(tmp_path):
        (sign,) = (tmp_path / SCRATCH).iterdir()
        os.utime(sign, (1, 1))
        wait_for(lambda: sign.stat().st_mtime > 1, seconds=10)
    assert not sign.exists()


def test_what_others_have_in_the_making_stays(tmp_path, project):
    """A conversion once removed whatever lay among the temporaries, and the other one's ffmpeg wrote into nothing."""
    target = tmp_path / "lp"
    assert dlc2lp("convert", project.root, target).exit_code == 0
    (target / "project.yaml").unlink()
    fresh = target / SCRATCH / f"0123456789abcdef-{Tag('elsewhere', 4711, '0123abcd')}"
    fresh.mkdir(parents=True)
    (fresh / "video.mp4").write_bytes(b"half")
    assert dlc2lp("convert", project.root, target).exit_code == 0
    assert (fresh / "video.mp4").read_bytes() == b"half"
    for path in (fresh / "video.mp4", fresh):
        os.utime(path, (time.time() - 1000, time.time() - 1000))
    (target / "project.yaml").unlink()
    assert dlc2lp("convert", project.root, target).exit_code == 0
    assert not (target / SCRATCH).exists()


def test_two_videos_converted_to_one_name(tmp_path, project):
    """Each writes its own file; the name goes to one, and the other one is told that it is taken."""
    source, target = project.videos["m1"], tmp_path / "out.mp4"
    both = [start_slowly("video", "convert", source, target, "--json", *LARGE) for _ in range(2)]
    ends = sorted((process.communicate(timeout=120)[0] and process.returncode, n) for n, process in enumerate(both))
    assert [code for code, _ in ends] == [0, 3]
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]
    assert library.check_video(target).treatment.action == "place"
    both = [start_slowly("video", "convert", source, target, "--json", "--overwrite", *LARGE) for _ in range(2)]
    for process in both:
        _, stderr = process.communicate(timeout=120)
        assert process.returncode == 0, stderr
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]
    assert library.check_video(target).treatment.action == "place"


def test_a_worker_of_an_archive_leaves_a_target_alone_that_is_converted_by_itself(tmp_path, project):
    root, out = tmp_path / "root", tmp_path / "lp"
    root.mkdir()
    build_project(root / "p", sessions=("m1",))
    assert dlc2lp("batch", "plan", root, out).exit_code == 0
    with at_work.at_work(out / "p"):
        ran = dlc2lp("batch", "run", out, "--json")
        assert (ran.exit_code, set(ran.codes)) == (1, {"target-busy"})
        assert dlc2lp("batch", "finish", out).exit_code == 1
    assert dlc2lp("batch", "run", out).exit_code == 0
    assert dlc2lp("batch", "finish", out).exit_code == 0
    assert not list(out.glob("p/.dlc2lp/scratch"))
    assert Path(out / "p/project.yaml").is_file()


def test_who_leaves_takes_the_folder_from_nobody_who_comes(tmp_path):
    """Workers come and go in one target at any moment, and the last one out removes the folder of their signs."""
    target, failures = tmp_path / "lp", []
    target.mkdir()

    def come_and_go():
        try:
            for _ in range(150):
                with at_work.at_work(target, alone=False):
                    pass
        except Exception as error:
            failures.append(error)

    workers = [threading.Thread(target=come_and_go) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert failures == []
    assert not (target / SCRATCH).exists()
