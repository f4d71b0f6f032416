"""An archive from the first folder to the report: planned, run in shards, stopped, gone on with, finished."""

import contextlib
import csv
import json
import os
import shutil
import signal
import sys
from dataclasses import replace

import pytest
from archives import SMALL, break_project, build_archive, debris, target_digests
from builder import Video, build_project, snapshot
from command import LARGE, dlc2lp, start, start_slowly, wait_for
from labeler import save
from page_reader import read_page
from targets import read_labels

import dlc2lp as library
from dlc2lp.batch.finish import ArchiveReport, ProjectReport
from dlc2lp.batch.index import INDEX_FILE, Index, Totals
from dlc2lp.model import Finding, Severity
from dlc2lp.report import archive as report_archive
from dlc2lp.report import archive_page
from dlc2lp.run import make_files
from dlc2lp.run.scratch import on_fast_disk


def batch(*arguments):
    return dlc2lp("batch", *arguments, "--json")


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Four projects, one of which has to be encoded; never written to."""
    root = tmp_path_factory.mktemp("archive") / "root"
    build_archive(root, 4)
    return root


@pytest.fixture(scope="module")
def undisturbed(archive, tmp_path_factory):
    """What converting the archive in one go makes of it."""
    out = tmp_path_factory.mktemp("undisturbed") / "lp"
    before = snapshot(archive)
    assert batch("convert", archive, out).exit_code == 0
    assert snapshot(archive) == before
    return target_digests_of(out)


def target_digests_of(out):
    """Digests of all targets; a plan and a manifest name the folder that they lie in."""
    return {
        name: digest
        for name, digest in target_digests(out).items()
        if not name.endswith(
            (".dlc2lp/plan.json", ".dlc2lp/manifest.json", "configs/default.yaml", "migration-report.html")
        )
        and "/.dlc2lp/steps/" not in name
    }


def test_every_project_becomes_what_convert_makes_of_it(archive, undisturbed, tmp_path):
    out = tmp_path / "lp"
    for name in ("lab0/reach00", "lab0/reach02", "lab1/reach01", "lab1/reach03"):
        assert dlc2lp("convert", archive / name, out / name).exit_code == 0
    assert target_digests_of(out) == undisturbed


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2)])
def test_shards_in_any_order_make_the_same(archive, undisturbed, tmp_path, order):
    out = tmp_path / "lp"
    assert batch("plan", archive, out).exit_code == 0
    for number in order:
        assert batch("run", out, "--shard", f"{number}/3").exit_code == 0
    status = batch("status", out).document
    assert (status["targets"]["done"], status["steps"]["done"]) == (4, status["steps"]["all"])
    result = batch("finish", out)
    assert result.exit_code == 0
    assert result.document["n_by_state"] == {"done": 4}
    assert target_digests_of(out) == undisturbed
    assert debris(out) == []


def test_workers_on_the_same_shard_at_the_same_time_do_not_harm_each_other(archive, undisturbed, tmp_path):
    out = tmp_path / "lp"
    assert batch("plan", archive, out).exit_code == 0
    processes = [start("batch", "run", out) for _ in range(3)]
    assert [(process.communicate()[1], process.returncode)[1] for process in processes] == [0, 0, 0]
    assert batch("finish", out).exit_code == 0
    assert target_digests_of(out) == undisturbed
    assert debris(out) == []


def test_planning_is_repeatable_and_may_be_shared(archive, tmp_path):
    out = tmp_path / "lp"
    assert batch("plan", archive, out).exit_code == 0
    first = (out / INDEX_FILE).read_bytes()
    assert batch("plan", archive, out).exit_code == 0
    assert (out / INDEX_FILE).read_bytes() == first
    (out / INDEX_FILE).unlink()
    assert batch("plan", archive, out, "--shard", "1/2").exit_code == 2, "there is no list yet"
    assert batch("plan", archive, out, "--list-only").document["n_projects"] == 4
    for number in (2, 1):
        assert batch("plan", archive, out, "--shard", f"{number}/2").exit_code == 0
    assert not (out / INDEX_FILE).exists()
    assert batch("plan", archive, out).exit_code == 0
    assert (out / INDEX_FILE).read_bytes() == first


def test_a_planning_that_was_killed_goes_on(archive, tmp_path):
    out = tmp_path / "lp"
    assert batch("plan", archive, out).exit_code == 0
    first = (out / INDEX_FILE).read_bytes()
    assert batch("plan", archive, out, "--list-only").exit_code == 0
    assert batch("plan", archive, out, "--shard", "1/2").exit_code == 0
    (lines,) = (out / ".dlc2lp-batch/planning").glob("*.jsonl")
    lines.write_bytes(lines.read_bytes()[:-20])  # the last line was being written
    assert batch("plan", archive, out).exit_code == 0
    assert (out / INDEX_FILE).read_bytes() == first


def test_broken_and_undecided_projects_do_not_stop_the_others(tmp_path):
    root, out = tmp_path / "root", tmp_path / "lp"
    build_archive(root, 3, n_encoded=0)
    break_project(root, "lab0/reach02")
    build_project(root / "pair", individuals=("a", "b"), **SMALL)
    result = batch("convert", root, out)
    assert result.exit_code == 1
    states = {project["project"]: project["state"] for project in result.document["report"]["projects"]}
    assert states == {
        "lab0/reach00": "done",
        "lab0/reach02": "refused",
        "lab1/reach01": "done",
        "pair": "needs-decision",
    }
    open_ones = {p["project"]: p["decisions_open"] for p in result.document["report"]["projects"]}
    assert open_ones == {name: [] for name in states} | {"pair": ["several-individuals"]}
    first = read_page(out / "index.html").by_id("first")
    assert [each.text for each in first.all("h3")] == [
        "1 project waits for a decision",
        "1 project was refused",
        "2 projects are ready to be trained on",
    ]
    assert str(out / "decisions.yaml") in first.all("li", "look-edge")[0].text
    assert f"dlc2lp batch convert {root} {out}" in [each.text for each in first.all("code")]
    assert "pair:\n  individuals:\n" in (out / "decisions.yaml").read_text(encoding="utf-8")

    (out / "decisions.yaml").write_text("pair:\n  individuals: split\nlab0/reach02:\n  skip: true\n", encoding="utf-8")
    result = batch("convert", root, out)
    assert result.exit_code == 0, result.stderr
    targets = {project["target"]: project["state"] for project in result.document["report"]["projects"]}
    assert targets["pair/a"] == targets["pair/b"] == "done"
    assert targets["lab0/reach02"] == "skipped"
    assert result.document["run"]["n_skipped"] > 0, "what was done is not done again"


def test_an_archive_of_which_nothing_can_be_planned(tmp_path):
    (tmp_path / "root").mkdir()
    result = batch("convert", tmp_path / "root", tmp_path / "lp")
    assert (result.exit_code, result.codes) == (3, ["no-projects"])


def test_a_finished_archive_is_not_read_again(archive, tmp_path):
    """Videos and images are replaced by nonsense of the same size and time: who reads them would tell."""
    out = tmp_path / "lp"
    assert batch("convert", archive, out).exit_code == 0
    for path in out.rglob("*"):
        if path.suffix in {".mp4", ".png"}:
            status = path.stat()
            path.write_bytes(bytes(status.st_size))
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    result = batch("run", out)
    assert result.exit_code == 0
    assert (result.document["n_done"], result.document["failed"]) == (0, [])
    assert batch("finish", out).exit_code == 1, "but finish looks"


def test_a_file_that_a_person_changed_is_kept(archive, tmp_path):
    out = tmp_path / "lp"
    assert batch("convert", archive, out).exit_code == 0
    edited = out / "lab0/reach00/project.yaml"
    edited.write_text(edited.read_text() + "# mine\n")
    result = batch("run", out)
    assert (result.exit_code, result.codes, result.document["failed"]) == (1, ["target-edited"], ["lab0/reach00"])
    assert edited.read_text().endswith("# mine\n")
    assert batch("run", out, "--edited", "replace").exit_code == 0
    assert not edited.read_text().endswith("# mine\n")


def test_labels_of_people_and_new_ones_of_deeplabcut_come_together(tmp_path):
    root, out = tmp_path / "root", tmp_path / "lp"
    small = {"sessions": ("m1",), "video": "none"}
    project = build_project(root / "lab/reach", **small)
    assert batch("convert", root, out).exit_code == 0
    target, places = out / "lab/reach", [f"labeled-data/m1/img{index:08d}.png" for index in (2, 5)]
    save(target, places[0], {"nose": (1.5, 2.5)})
    assert batch("finish", out).document["n_by_state"] == {"done": 1}, "labeling is no fault"
    shutil.rmtree(project.root)
    changed = {("m1", "img02.png", "nose"): (3.5, 4.5), ("m1", "img05.png", "nose"): (5.5, 6.5)}
    build_project(project.root, **small, labels=changed)
    hint = f"dlc2lp batch run {out} --edited settle"
    for _ in range(2):
        result = batch("convert", root, out)
        assert result.exit_code == 1
        (told,) = [each for each in batch("finish", out).document["findings"] if each["code"] == "labels-conflict"]
        assert told["where"] == f"lab/reach: {places[0]}, nose"
        assert hint in told["hint"]
        labels = read_labels(target)
        assert (labels[places[0], "nose"], labels[places[1], "nose"]) == ((1.5, 2.5), (5.5, 6.5))
    assert batch("run", out, "--edited", "settle").exit_code == 0
    assert batch("finish", out).exit_code == 0
    assert read_labels(target)[places[0], "nose"] == (1.5, 2.5)
    assert dlc2lp("verify", target).exit_code == 0


def test_a_video_that_vanished_is_a_failure_of_its_project_alone(tmp_path):
    root, out = tmp_path / "root", tmp_path / "lp"
    build_archive(root, 3)
    assert batch("plan", root, out).exit_code == 0
    (root / "lab0/reach00/videos/m1.avi").rename(root / "m1.avi")
    result = batch("run", out)
    assert (result.exit_code, result.document["failed"]) == (1, ["lab0/reach00"])
    status = batch("status", out).document
    assert (status["targets"]["failed"], status["targets"]["done"]) == (1, 2)
    assert status["unfinished"][0]["target"] == "lab0/reach00"
    finished = batch("finish", out)
    assert finished.exit_code == 1
    assert finished.document["n_by_state"] == {"done": 2, "failed": 1}

    (root / "m1.avi").rename(root / "lab0/reach00/videos/m1.avi")
    assert batch("run", out).exit_code == 0
    assert batch("status", out).document["targets"]["done"] == 3
    assert batch("finish", out).exit_code == 0


def test_targets_may_move_between_planning_and_finishing(archive, undisturbed, tmp_path):
    assert batch("plan", archive, tmp_path / "here/lp").exit_code == 0
    (tmp_path / "here").rename(tmp_path / "there")
    assert batch("run", tmp_path / "there/lp").exit_code == 0
    assert batch("finish", tmp_path / "there/lp").exit_code == 0
    assert target_digests_of(tmp_path / "there/lp") == undisturbed
    assert not (tmp_path / "here").exists()


def test_videos_are_made_on_the_fast_disk_and_nothing_stays_there(archive, undisturbed, tmp_path):
    fast = tmp_path / "fast"
    fast.mkdir()
    assert batch("convert", archive, tmp_path / "lp", "--tmp-dir", fast).exit_code == 0
    assert list(fast.iterdir()) == []
    assert target_digests_of(tmp_path / "lp") == undisturbed


@pytest.mark.parametrize("how", ["option", "variable", "missing"])
def test_where_videos_are_made(archive, tmp_path, monkeypatch, how):
    fast = tmp_path / "fast"
    if how != "missing":
        fast.mkdir()
    if how != "option":
        monkeypatch.setenv("SLURM_TMPDIR", str(fast))
    places = []

    @contextlib.contextmanager
    def spy(tmp_dir, final, space_bytes):
        with on_fast_disk(tmp_dir, final, space_bytes) as place:
            places.append(place)
            yield place

    monkeypatch.setattr(make_files, "on_fast_disk", spy)
    assert batch("plan", archive, tmp_path / "lp").exit_code == 0
    option = ("--tmp-dir", fast) if how == "option" else ()
    assert batch("run", tmp_path / "lp", *option).exit_code == 0
    assert len(places) == 1
    assert (fast in places[0].parents) is (how != "missing"), "a site's variable may name what is not there"


def test_a_scheduler_that_names_the_shard_by_a_variable(archive, tmp_path, monkeypatch):
    out = tmp_path / "lp"
    assert batch("plan", archive, out).exit_code == 0
    monkeypatch.setenv("PBS_ARRAY_INDEX", "1")
    assert batch("run", out).exit_code == 2
    shards = []
    for number in ("0", "1"):
        monkeypatch.setenv("PBS_ARRAY_INDEX", number)
        shards.append(batch("run", out, "--shards", 2).document["shard"])
    assert sorted(shards) == ["1/2", "2/2"]
    monkeypatch.delenv("PBS_ARRAY_INDEX")
    assert batch("status", out).document["targets"]["done"] == 4


def test_reports_tell_the_same_in_three_forms(archive, tmp_path):
    out = tmp_path / "<b>&lp"
    assert batch("convert", archive, out).exit_code == 0
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    with (out / "report.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["project"] for row in rows] == [project["project"] for project in report["projects"]]
    assert [int(row["labeled_frames_written"]) for row in rows] == [3] * 4
    assert [int(row["bytes_after"]) for row in rows] == [project["bytes_after"] for project in report["projects"]]
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "<b>&lp" not in page
    read = read_page(out / "index.html")
    links = [each.all("a")[0].attributes["href"] for each in read.by_id("table").all("th") if each.all("a")]
    assert links == [f"{row['target']}/migration-report.html" for row in rows]


def test_the_page_of_a_large_archive_shows_whoever_needs_a_person(tmp_path, monkeypatch):
    index = Index(tmp_path, "/archive", {}, Totals(), (), "")
    told = (Finding(Severity.NOTE, "csv-rounded", "CSV", "as all others"),)
    projects = [ProjectReport(f"p{n}", f"/archive/p{n}", f"p{n}", "done", findings=told) for n in range(8)]
    projects[5] = replace(projects[5], state="failed")
    monkeypatch.setattr(archive_page, "MAX_ROWS", 3)
    (tmp_path / "index.html").write_text(report_archive.html_text(ArchiveReport(index, tuple(projects))))
    page = read_page(tmp_path / "index.html", may_miss=True)
    rows = page.by_id("table").all("tbody")[0].all("th")
    assert [each.text for each in rows] == ["p0", "p1", "p5"]
    assert "5 more arrived whole" in page.by_id("projects").text
    places = [each.text for each in page.by_id("findings").all("ul", "places")[0].all("li")]
    assert [each[:2] for each in places] == [f"p{n}" for n in range(8)]


def test_finishing_may_be_shared_and_stale_checks_do_not_count(archive, tmp_path):
    out = tmp_path / "lp"
    assert batch("plan", archive, out).exit_code == 0
    assert batch("finish", out, "--shard", "1/2").exit_code == 0
    assert batch("run", out).exit_code == 0
    assert batch("finish", out, "--shard", "2/2").exit_code == 0
    assert batch("finish", out).document["n_by_state"] == {"done": 4}


def states(out):
    return {state: n for state, n in batch("status", out).document["targets"].items() if n and isinstance(n, int)}


def n_to_submit(out):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", "")  # a Slurm that is installed and does not run takes its time to say so
        return batch("submit", out, "--shards", 1, "--dry-run").document["n_left"]


def test_what_was_removed_after_it_was_done_is_left_to_do_again(archive, undisturbed, tmp_path):
    out = tmp_path / "lp"
    assert batch("convert", archive, out).exit_code == 0
    assert (states(out), n_to_submit(out)) == ({"done": 4}, 0)

    # a whole target: planning sees that it is gone
    shutil.rmtree(out / "lab0/reach00")
    planned = batch("plan", archive, out).document
    assert (planned["estimate"]["space_bytes"] > 0, planned["estimate"]["n_encodes"]) == (True, 1)
    assert (states(out), n_to_submit(out)) == ({"done": 3, "waiting": 1}, 1)
    assert batch("run", out).exit_code == 0
    assert states(out) == {"done": 4}

    # one file of a target: finishing sees it
    (video,) = (out / "lab1/reach03/videos").iterdir()
    video.unlink()
    assert batch("finish", out).document["n_by_state"] == {"done": 3, "incomplete": 1}
    assert (states(out), n_to_submit(out)) == ({"done": 3, "interrupted": 1}, 1)
    assert batch("run", out).exit_code == 0
    assert batch("finish", out).exit_code == 0
    assert target_digests_of(out) == undisturbed


def test_what_was_removed_is_left_also_where_a_target_can_not_be_verified(tmp_path):
    root, out = tmp_path / "root", tmp_path / "lp"
    build_archive(root, 2, n_encoded=0)
    assert batch("convert", root, out).exit_code == 0
    # all context frames of a session, of which none is left to compare
    for path in (out / "lab0/reach00/labeled-data/m1").glob("*.png"):
        path.unlink()
    shutil.rmtree(out / "lab1/reach01")
    finished = batch("finish", out)
    assert finished.exit_code == 1
    assert finished.document["n_by_state"] == {"failed": 1, "incomplete": 1}
    assert (states(out), n_to_submit(out)) == ({"interrupted": 1, "waiting": 1}, 1)
    assert batch("plan", root, out).exit_code == 0
    assert batch("run", out).exit_code == 0
    assert batch("finish", out).exit_code == 0


def test_what_was_done_once_and_can_not_be_done_again_counts_as_failed(tmp_path):
    root, out = tmp_path / "root", tmp_path / "lp"
    build_archive(root, 2, n_encoded=0)
    assert batch("convert", root, out).exit_code == 0
    (video,) = (out / "lab0/reach00/videos").iterdir()
    (original,) = (root / "lab0/reach00/videos").glob("*.mp4")
    video.unlink()
    original.rename(tmp_path / "moved.mp4")
    assert batch("run", out).exit_code == 1
    assert (states(out), n_to_submit(out)) == ({"done": 1, "failed": 1}, 1)
    (tmp_path / "moved.mp4").rename(original)
    assert batch("run", out).exit_code == 0
    assert (states(out), n_to_submit(out)) == ({"done": 2}, 0)


def test_finishing_before_all_of_a_changed_plan_is_done_forgets_nothing(tmp_path):
    root, out = tmp_path / "root", tmp_path / "lp"
    build_archive(root, 2, n_encoded=0)
    assert batch("convert", root, out).exit_code == 0
    assert batch("plan", root, out, "--gpu-memory", 16).exit_code == 0
    for number in (1, 2):
        assert batch("run", out, "--shard", f"{number}/2").exit_code == 0
        finished = batch("finish", out)
    assert finished.document["n_by_state"] == {"done": 2}
    assert finished.exit_code == 0


def test_a_folder_of_somebody_elses_is_refused(archive, tmp_path):
    (tmp_path / "lp").mkdir()
    (tmp_path / "lp/thesis.docx").write_bytes(b"mine")
    assert batch("plan", archive, tmp_path / "lp").codes == ["target-not-empty"]
    assert batch("run", tmp_path / "nowhere").codes == ["not-planned"]
    assert batch("status", tmp_path / "nowhere").codes == ["not-planned"]


def test_no_room_is_told_before_the_first_byte(archive, tmp_path, monkeypatch):
    out = tmp_path / "lp"
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    result = batch("plan", archive, out)
    assert (result.exit_code, result.codes) == (0, ["little-space"])
    assert batch("run", out).codes == ["no-space"]
    assert not (out / "lab0/reach00/CollectedData.csv").exists()


def test_the_estimate_adds_up(archive, tmp_path):
    estimate = batch("plan", archive, tmp_path / "lp").document["estimate"]
    entries = list(Index.read(tmp_path / "lp").planned())
    assert estimate["space_bytes"] == sum(step.space_bytes for entry in entries for step in entry.steps)
    assert (estimate["n_encodes"], estimate["encode_pixels"]) == (1, 12 * 64 * 48)
    assert estimate["pixels_per_s"] > 1e5
    assert estimate["cpu_minutes"] == pytest.approx(12 * 64 * 48 / estimate["pixels_per_s"] / 60)
    index = Index.read(tmp_path / "lp")
    with index.reader() as read_entry:
        assert [read_entry(weight) for weight in index.weights()] == entries
    assert [weight.cost for weight in index.weights()] == [entry.cost for entry in entries]
    assert batch("run", tmp_path / "lp").exit_code == 0
    left = batch("plan", archive, tmp_path / "lp").document["estimate"]
    assert (left["space_bytes"], left["n_encodes"]) == (0, 0)


def test_from_python(archive, undisturbed, tmp_path):
    planned = library.plan_archive(archive, tmp_path / "lp", jobs=1)
    assert (planned.n_projects, planned.exit_code) == (4, 0)
    for part in ("2/2", "1/2"):
        assert library.run_archive(tmp_path / "lp", shard=part).exit_code == 0
    assert library.archive_status(tmp_path / "lp").is_done
    assert library.finish_archive(tmp_path / "lp", jobs=1).n_by_state == {"done": 4}
    assert (tmp_path / "lp/index.html").is_file()
    assert target_digests_of(tmp_path / "lp") == undisturbed


def test_copies_of_a_project_are_told(tmp_path):
    build_archive(tmp_path / "root", 1, n_encoded=0)
    shutil.copytree(tmp_path / "root/lab0/reach00", tmp_path / "root/backup/reach00")
    result = batch("plan", tmp_path / "root", tmp_path / "lp")
    assert (result.exit_code, result.codes) == (0, ["project-twice"])


@pytest.fixture(scope="module")
def long_archive(tmp_path_factory):
    """An archive with an encode that can be met in the middle, and what an undisturbed run makes of it."""
    folder = tmp_path_factory.mktemp("long")
    video = Video(codec="mjpeg", container="avi", pixel_format="yuvj420p")
    build_project(folder / "root/long", sessions=("m1",), video=video, n_frames=80, size_px=(320, 240))
    assert batch("plan", folder / "root", folder / "lp", *LARGE).exit_code == 0
    assert batch("run", folder / "lp").exit_code == 0
    return folder / "root", target_digests_of(folder / "lp")


@pytest.mark.skipif(sys.platform == "win32", reason="a console signal needs a console there")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_worker_that_is_stopped_in_the_middle_of_an_encode(tmp_path, long_archive, number):
    root, undisturbed = long_archive
    out = tmp_path / "lp"
    assert batch("plan", root, out, *LARGE).exit_code == 0
    process = start_slowly("batch", "run", out, start_new_session=True)
    made = "long/.dlc2lp/scratch/*/video.mp4"
    wait_for(lambda: any(path.stat().st_size > 0 for path in out.glob(made)), process)
    assert batch("status", out).document["targets"]["running"] == 1
    os.killpg(process.pid, number)
    process.communicate(timeout=10)
    assert not (out / "long/videos/m1.mp4").exists()
    status = batch("status", out).document
    assert (status["targets"]["running"], status["targets"]["interrupted"]) == (0, 1)
    if number == signal.SIGTERM:
        assert process.returncode == 75
        assert debris(out) == []
    assert batch("run", out).exit_code == 0
    assert batch("finish", out).exit_code == 0
    assert debris(out) == []
    assert target_digests_of(out) == undisturbed
