"""An archive that is planned again, from elsewhere, by two at once or over a damaged plan: nothing moves or is lost."""

import json
import shutil
import threading

import pytest
from archives import SMALL, build_archive
from builder import build_project, snapshot
from command import dlc2lp

from dlc2lp.batch import finish as finishing
from dlc2lp.batch import plan as planning
from dlc2lp.batch.index import INDEX_FILE, Index
from dlc2lp.batch.previous import TARGETS_FILE


def batch(*arguments):
    return dlc2lp("batch", *arguments, "--json")


def plan(root, out, *more):
    return batch("plan", root, out, "--videos", "none", *more)


def targets(out):
    return {entry.project: entry.target for entry in Index.read(out).entries()}


def contents(out):
    return {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}


@pytest.fixture
def archive(tmp_path):
    root = tmp_path / "root"
    for name in ("a/one", "z/REACH", "z/Reach"):
        build_project(root / name, **{**SMALL, "task": name.replace("/", "-")})
    return root


def test_projects_whose_disk_was_away_for_one_plan_do_not_move(archive, tmp_path):
    out = tmp_path / "lp"
    assert plan(archive, out).exit_code == 0
    before = targets(out)
    assert len({target.casefold() for target in before.values()}) == 3

    (archive / "z").rename(tmp_path / "unmounted")
    found = plan(archive, out)
    assert (found.exit_code, found.codes) == (0, ["target-left-over"])
    assert targets(out) == {"a/one": "a/one"}
    assert plan(archive, out).codes == ["target-left-over"], "also after one more plan"

    (tmp_path / "unmounted").rename(archive / "z")
    shutil.rmtree(archive / "z/REACH")  # of the two, the one that had the plain name
    assert plan(archive, out).exit_code == 0
    assert targets(out) == {name: before[name] for name in ("a/one", "z/Reach")}
    (out / INDEX_FILE).write_bytes(b"")
    assert plan(archive, out).exit_code == 0
    assert targets(out)["z/Reach"] == before["z/Reach"]


def test_an_archive_without_projects_replaces_no_plan(archive, tmp_path):
    out = tmp_path / "lp"
    assert plan(archive, out).exit_code == 0
    before = snapshot(out)
    archive.rename(tmp_path / "unmounted")
    archive.mkdir()
    for _ in range(2):
        refused = plan(archive, out)
        assert (refused.exit_code, refused.codes) == (3, ["no-projects"])
        assert snapshot(out) == before
    archive.rmdir()
    (tmp_path / "unmounted").rename(archive)
    assert plan(archive, out).document["n_targets"] == 3


def test_a_second_archive_does_not_take_the_targets_of_the_first(tmp_path):
    out = tmp_path / "lp"
    for name in ("root21A", "root21B"):
        shift_px = int(name == "root21B")
        build_project(
            tmp_path / name / "lab/reach", **SMALL, edit_table=lambda _, table, shift_px=shift_px: table + shift_px
        )
    assert batch("convert", tmp_path / "root21A", out, "--videos", "none").exit_code == 0
    before = snapshot(out)
    refused = batch("convert", tmp_path / "root21B", out, "--videos", "none")
    assert (refused.exit_code, refused.codes) == (3, ["out-of-another-archive"])
    assert all(str(tmp_path / name) in refused.finding(refused.codes[0])["message"] for name in ("root21A", "root21B"))
    assert snapshot(out) == before

    # and a single target is as safe
    alone = dlc2lp("convert", tmp_path / "root21B/lab/reach", out / "lab/reach", "--videos", "none", "--json")
    assert (alone.exit_code, alone.codes) == (3, ["target-of-another-source"])
    assert snapshot(out) == before

    # a link is another spelling; an archive that is no longer where it was has moved
    (tmp_path / "link").symlink_to(tmp_path / "root21A")
    assert plan(tmp_path / "link", out).exit_code == 0
    (tmp_path / "link").unlink()
    (tmp_path / "root21A").rename(tmp_path / "moved")
    assert plan(tmp_path / "moved", out).exit_code == 0


@pytest.mark.parametrize("inside", ["lab0/reach00", "lab0/reach00/made/lp"])
def test_targets_inside_a_project_are_refused_before_anything_is_written(tmp_path, inside):
    root = tmp_path / "root"
    build_archive(root, 1, n_encoded=0)
    before = snapshot(root)
    for archive in (root, root / "lab0/reach00"):
        if archive / "." != root / inside:
            refused = plan(archive, root / inside)
            assert refused.exit_code == 3
            assert set(refused.codes) <= {"target-inside-source", "target-not-empty"}
            assert snapshot(root) == before


def test_two_plannings_at_once(archive, tmp_path, monkeypatch):
    out = tmp_path / "lp"
    plan_all = planning._plan_all

    def and_meanwhile_another(*arguments):
        n_planned = plan_all(*arguments)
        monkeypatch.setattr(planning, "_plan_all", plan_all)
        other = threading.Thread(target=planning.plan_archive, args=(archive, out, arguments[0].options))
        other.start()
        other.join()
        return n_planned

    monkeypatch.setattr(planning, "_plan_all", and_meanwhile_another)
    slower = plan(archive, out)
    assert (slower.exit_code, slower.codes) == (75, ["overtaken"])
    assert len(targets(out)) == 3
    assert plan(archive, out).exit_code == 0


def test_two_finishings_at_once(planned, tmp_path, monkeypatch):
    out = tmp_path / "lp"
    shutil.copytree(planned / "lp", out)
    read, asked = finishing.Ledger.read, []

    def and_meanwhile_another(ledger, n_projects):
        if not asked:
            asked.append(ledger)
            finishing.finish_archive(out, jobs=1)
        return read(ledger, n_projects)

    monkeypatch.setattr(finishing.Ledger, "read", and_meanwhile_another)
    slower = batch("finish", out)
    assert (slower.exit_code, slower.codes) == (75, ["overtaken"])
    assert batch("finish", out).document["n_by_state"] == {"incomplete": 2}


def cut(content):
    return content[: len(content) * 2 // 3]


def emptied(content):
    return b""


def last_line_gone(content):
    return b"".join(content.splitlines(keepends=True)[:-1])


def nonsense(content):
    return b"\xff\x00[3]\n"


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("planned")
    build_archive(folder / "root", 2, n_encoded=0)
    assert plan(folder / "root", folder / "lp").exit_code == 0
    return folder


@pytest.mark.parametrize("change", [cut, emptied, last_line_gone, nonsense])
@pytest.mark.parametrize("which", ["index", "weights", "targets"])
def test_a_damaged_plan_is_told_and_planning_again_repairs_it(planned, tmp_path, which, change):
    root, out = planned / "root", tmp_path / "lp"
    shutil.copytree(planned / "lp", out)
    assert plan(root, out).exit_code == 0  # plans name the folder that they lie in
    whole = contents(out)
    (path,) = (out / ".dlc2lp-batch").glob(f"{which}*")
    path.write_bytes(change(path.read_bytes()))
    if which != "targets":
        for command in (("run", out), ("status", out), ("finish", out), ("submit", out, "--shards", 2, "--dry-run")):
            result = batch(*command)
            if which == "index" or command[0] in {"run", "submit"}:
                assert (result.exit_code, result.codes) == (2, ["plan-unreadable"]), command
                assert f"dlc2lp batch plan ROOT {out}" in result.finding("plan-unreadable")["hint"]
    shutil.rmtree(out / ".dlc2lp-batch/closing", ignore_errors=True)
    again = plan(root, out)
    assert again.exit_code == 0
    told = [(each["code"], each["subject"]) for each in again.document["findings"]]
    assert told == ([] if which == "weights" else [("plan-unreadable", str(path))])
    assert {name: content for name, content in contents(out).items() if name in whole} == whole
    assert plan(root, out).codes == []


def test_weights_that_are_gone(planned, tmp_path):
    out = tmp_path / "lp"
    shutil.copytree(planned / "lp", out)
    (path,) = (out / ".dlc2lp-batch").glob("weights*")
    path.unlink()
    assert batch("run", out).codes == ["plan-unreadable"]
    assert plan(planned / "root", out).exit_code == 0
    assert batch("status", out).exit_code == 0


@pytest.mark.parametrize(
    "option",
    [
        ("--data-dir", "rel"),
        ("--split", "list"),
        ("--num-gpus", 0),
        ("--backbone", "x"),
        ("--resize", "100x100"),
        ("--losses", "x"),
        ("--losses", "temporal,temporal"),
    ],
)
def test_an_option_that_is_impossible_for_all_is_told_once_and_leaves_the_plan(planned, tmp_path, option):
    before = snapshot(planned / "lp")
    refused = plan(planned / "root", planned / "lp", *option)
    assert refused.exit_code == 2
    assert len(refused.codes) == 1
    assert snapshot(planned / "lp") == before
    assert not list(tmp_path.iterdir())


def test_out_that_is_a_file(planned, tmp_path):
    (tmp_path / "lp").write_bytes(b"mine")
    for command in (("plan", planned / "root"), ("run",), ("status",), ("finish",)):
        refused = batch(*command, tmp_path / "lp")
        assert (refused.exit_code, refused.codes) == (3, ["target-not-a-folder"])
    assert (tmp_path / "lp").read_bytes() == b"mine"


def test_names_are_kept_beside_the_plan(planned):
    names = json.loads((planned / "lp" / TARGETS_FILE).read_text(encoding="ascii"))
    assert names["targets"] == targets(planned / "lp")
