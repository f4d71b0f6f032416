"""A conversion that finds nothing changed opens no image and no video; whatever is changed is noticed."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from builder import build_project, snapshot
from command import dlc2lp
from dlc1 import build_dlc1
from dlc_analysis import Analysis, add_analysis
from labeler import save
from rig import build_3d_project

import dlc2lp as dlc2lp_library
from dlc2lp import listing
from dlc2lp.cli import main
from dlc2lp.dlc.locate import open_project
from dlc2lp.options import Options
from dlc2lp.run import last_run
from dlc2lp.survey.look import look
from dlc2lp.survey.places import ReadFrom

PICTURES = (".png", ".jpg", ".mp4", ".avi")
SEEN = ".dlc2lp/seen.json"

#: Runs a command and prints which images and videos Python opened.
WATCHED = """
import json, os, sys
from dlc2lp.cli import main

opened = []

def watch(event, args):
    if event == "open" and str(args[0]).endswith((".png", ".jpg", ".mp4", ".avi")):
        opened.append(os.fspath(args[0]))

sys.addaudithook(watch)
code = main.run(sys.argv[1:])
print("OPENED", json.dumps([code, opened]))
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A project that was converted: two sessions with videos, one of which lies elsewhere."""
    root = tmp_path_factory.mktemp("second")
    project = build_project(root / "dlc", sessions=("m1", "m2"), unlabeled=(7,))
    (root / "videos").mkdir()
    project.videos["m2"].rename(root / "videos/m2.mp4")
    time.sleep(last_run.SKEW_NS / 1e9)  # younger ones might be changed by a clock that is behind
    assert dlc2lp("convert", root / "dlc", root / "lp", "--video-root", root / "videos").exit_code == 0
    return root


@pytest.fixture
def again(finished, tmp_path, monkeypatch):
    """The same in a folder of its own; returns the arguments of its conversion."""
    monkeypatch.setattr(last_run, "SKEW_NS", 0)
    for name in ("dlc", "videos"):
        shutil.copytree(finished / name, tmp_path / name)
    time.sleep(0.05)
    arguments = ("convert", tmp_path / "dlc", tmp_path / "lp", "--video-root", tmp_path / "videos")
    assert dlc2lp(*arguments).exit_code == 0
    assert is_kept(tmp_path / "lp")
    return arguments


def is_kept(target):
    """Whether the next run may believe what the last one saw."""
    text = (target / SEEN).read_text()
    return bool(text) and json.loads(text)["is_settled"]


def surveys(arguments, monkeypatch):
    """Run a command; return how often it surveyed the source, and what came of it."""
    from dlc2lp import migration

    calls = []
    look = migration.look
    with monkeypatch.context() as patch:
        patch.setattr(migration, "look", lambda *args, **options: calls.append(1) or look(*args, **options))
        result = dlc2lp(*arguments, "--json")
    return len(calls), result


def opened(*arguments):
    command = [sys.executable, "-c", WATCHED, *map(str, arguments)]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    code, paths = json.loads(process.stdout.rpartition("OPENED ")[2])
    assert code == 0, process.stderr
    return paths


def test_it_opens_no_image_and_no_video_of_source_or_target(finished):
    arguments = ("convert", finished / "dlc", finished / "lp", "--video-root", finished / "videos")
    assert opened(*arguments, "--verify", "full"), "the hook hears of what is opened"
    assert dlc2lp(*arguments).exit_code == 0
    assert opened(*arguments) == []


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_the_system_is_not_asked_to_open_one_either(finished, tmp_path):
    arguments = ("convert", finished / "dlc", finished / "lp", "--video-root", finished / "videos")
    assert dlc2lp(*arguments).exit_code == 0
    trace = tmp_path / "trace"
    command = ["strace", "-f", "-e", "trace=open,openat", "-o", trace, sys.executable, "-m", "dlc2lp", *arguments]
    done = subprocess.run(list(map(str, command)), capture_output=True, check=False)
    if not trace.exists() or not trace.read_text().count("openat"):
        pytest.skip("strace may not be used here")
    assert done.returncode == 0
    paths = re.findall(r'open(?:at)?\([^"]*"([^"]+)"', trace.read_text())
    assert str(finished / "dlc/config.yaml") in paths
    assert [path for path in paths if path.endswith(PICTURES) and str(finished) in path] == []


def in_a_line(text):
    """Return words without the line ends that fit them into a terminal."""
    return " ".join(text.split())


def test_it_tells_what_a_run_that_reads_everything_tells(again, tmp_path, monkeypatch):
    before = snapshot(tmp_path / "lp")
    n_surveys, quick = surveys(again, monkeypatch)
    assert n_surveys == 0
    assert snapshot(tmp_path / "lp") == before
    (tmp_path / "lp" / SEEN).write_bytes(b"")
    n_surveys, thorough = surveys(again, monkeypatch)
    assert n_surveys == 1
    assert quick.document == thorough.document
    assert in_a_line(quick.stderr).replace("nothing has changed since they were checked", "checked") == in_a_line(
        thorough.stderr
    )
    assert len(quick.document["steps"]["skipped"]) > 4
    assert snapshot(tmp_path / "lp") == before


def test_a_person_is_told_that_nothing_was_read_again(again, tmp_path):
    unchanged = "done before; nothing has changed since they were checked: "
    assert unchanged in in_a_line(dlc2lp(*again).stdout)
    add_image(tmp_path)
    said = in_a_line(dlc2lp(*again).stdout)
    assert unchanged not in said
    assert "done before; checked: " in said


def change_kept_size(path: Path) -> None:
    """Change a byte and put the times back, as a careless copy does."""
    found, content = path.stat(), bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


def add_image(root: Path) -> None:
    shutil.copy2(root / "dlc/labeled-data/m1/img05.png", root / "dlc/labeled-data/m1/img06.png")


def label(root: Path) -> None:
    save(root / "lp", "labeled-data/m1/img00000007.png", {"nose": (10.25, 20.5)})


CHANGES = {
    "source image": lambda root: change_kept_size(root / "dlc/labeled-data/m1/img05.png"),
    "source labels": lambda root: change_kept_size(root / "dlc/labeled-data/m1/CollectedData_Anna.csv"),
    "source config": lambda root: change_kept_size(root / "dlc/config.yaml"),
    "source video": lambda root: change_kept_size(root / "dlc/videos/m1.mp4"),
    "video elsewhere": lambda root: change_kept_size(root / "videos/m2.mp4"),
    "new image": add_image,
    "lost image": lambda root: (root / "dlc/labeled-data/m1/img05.png").unlink(),
    "video beside": lambda root: shutil.copy(root / "videos/m2.mp4", root / "m3.mp4"),
    "predictions": lambda root: (root / "videos/m2DLC_resnet50_reachAug30shuffle1_100.csv").write_text("scorer\n"),
    "target image": lambda root: change_kept_size(root / "lp/labeled-data/m1/img00000005.png"),
    "lost target image": lambda root: (root / "lp/labeled-data/m1/img00000005.png").unlink(),
    "target video": lambda root: change_kept_size(root / "lp/videos/m1.mp4"),
    "target config": lambda root: change_kept_size(root / "lp/configs/default.yaml"),
    "labels of people": label,
    "stray file": lambda root: (root / "lp/labeled-data/m1/notes.txt").write_text("mine"),
    "record": lambda root: next((root / "lp/.dlc2lp/steps").glob("*.json")).unlink(),
}


@pytest.mark.skipif(os.name != "posix", reason="elsewhere the second time is that of making, which a change keeps")
@pytest.mark.parametrize("what", CHANGES)
def test_whatever_is_changed_is_noticed(again, tmp_path, monkeypatch, what):
    CHANGES[what](tmp_path)
    n_surveys, _ = surveys(again, monkeypatch)
    assert n_surveys == 1


@pytest.mark.parametrize("option", ["--labels-from", "--merge"])
def test_what_an_option_names_is_looked_at_too(again, tmp_path, monkeypatch, option):
    if option == "--merge":
        other = build_project(tmp_path / "other", sessions=("m3",), video="none")
        named, changed = other.root, other.image("m3", "img05.png")
    else:
        (tmp_path / "dlc/labeled-data/m2/CollectedData_Anna.h5").unlink()
        named = changed = (tmp_path / "dlc/labeled-data/m2/CollectedData_Anna.csv").rename(tmp_path / "elsewhere.csv")
    time.sleep(0.05)
    arguments = (*again[:2], tmp_path / "more", *again[3:], option, named)
    assert dlc2lp(*arguments).exit_code == 0
    assert surveys(arguments, monkeypatch)[0] == 0
    change_kept_size(changed)
    assert surveys(arguments, monkeypatch)[0] == 1


@pytest.mark.parametrize("other", [("--empty-frames", "drop"), ("--verify", "full"), ("--edited", "replace")])
def test_other_options_are_another_run(again, monkeypatch, other):
    assert surveys((*again, *other), monkeypatch)[0] == 1


def test_a_listener_hears_of_the_same_steps(again, tmp_path):
    def heard_by_listener():
        events = []
        options = {"video_roots": tmp_path / "videos"}
        dlc2lp_library.convert(tmp_path / "dlc", tmp_path / "lp", on_event=events.append, **options)
        return [event for event in events if event.thing in {"step", "target"}]

    assert dlc2lp_library.convert(tmp_path / "dlc", tmp_path / "lp", video_roots=tmp_path / "videos").exit_code == 0
    quick = heard_by_listener()
    (tmp_path / "lp" / SEEN).write_bytes(b"")
    assert quick == heard_by_listener()
    assert {event.state for event in quick if event.what == "ended"} == {"skipped"}


class Killed(BaseException):
    """Stands for a kill: nothing catches it."""


def test_a_run_with_other_options_that_was_killed_is_noticed(again, tmp_path, monkeypatch):
    from dlc2lp.run import carry_out

    def dies(*_):
        raise Killed

    before = snapshot(tmp_path / "lp")
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(carry_out, "execute", dies)
        main.run([*map(str, again), "--empty-frames", "drop"])
    assert is_kept(tmp_path / "lp"), "nobody could tell it"
    n_surveys, result = surveys(again, monkeypatch)
    assert (n_surveys, result.exit_code) == (1, 0)
    after = snapshot(tmp_path / "lp")
    assert {path: entry.sha256 for path, entry in after.items()} == {
        path: entry.sha256 for path, entry in before.items()
    }


def test_a_file_that_was_changed_while_it_ran_is_not_believed(again, tmp_path, monkeypatch):
    """Whoever saves an image after it was read, before its folder is listed, left a younger file than the run."""
    from dlc2lp.run import carry_out

    (tmp_path / "lp" / SEEN).write_bytes(b"")
    close = carry_out.close_target

    def closing(*args, **options):
        (tmp_path / "dlc/labeled-data/m1/img05.png").touch()
        return close(*args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(carry_out, "close_target", closing)
        assert dlc2lp(*again).exit_code == 0
    assert not is_kept(tmp_path / "lp")
    assert surveys(again, monkeypatch)[0] == 1
    assert surveys(again, monkeypatch)[0] == 0


def test_a_target_that_was_changed_between_its_check_and_its_listing_is_not_believed(again, tmp_path, monkeypatch):
    from dlc2lp.run import carry_out

    (tmp_path / "lp" / SEEN).write_bytes(b"")
    close = carry_out.close_target

    def closing(*args, **options):
        closed = close(*args, **options)
        change_kept_size(tmp_path / "lp/labeled-data/m1/img00000005.png")
        return closed

    with monkeypatch.context() as patch:
        patch.setattr(carry_out, "close_target", closing)
        assert dlc2lp(*again).exit_code == 0
    n_surveys, result = surveys(again, monkeypatch)
    assert (n_surveys, result.exit_code) == (1, 1)
    assert result.finding("target-edited")["subject"] == "labeled-data/m1/img00000005.png"


def test_what_verify_found_wrong_is_not_believed_afterwards(again, tmp_path, monkeypatch):
    """A disk that loses a byte changes no time: `verify` and `--verify full` read it, and then the next run does."""
    target = tmp_path / "lp"
    monkeypatch.setattr(last_run, "listing_of", same_times(last_run.listing_of))
    (target / SEEN).write_bytes(b"")
    assert dlc2lp(*again).exit_code == 0
    change_kept_size(target / "labeled-data/m1/img00000005.png")
    assert surveys(again, monkeypatch)[0] == 0, "the listing is the same"
    assert dlc2lp("verify", target).exit_code == 1
    n_surveys, result = surveys(again, monkeypatch)
    assert (n_surveys, result.exit_code) == (1, 1)
    assert dlc2lp(*again, "--edited", "replace").exit_code == 0
    assert dlc2lp("verify", target).exit_code == 0


def same_times(listing_of):
    """Return what lists places without the contents of pictures telling anything by their second time."""

    def listed(places, **options):
        found = listing_of(places, **options)
        names = [
            f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}"
            for place in places
            for path in sorted(Path(place.path).rglob("*"))
            if path.suffix in PICTURES
        ]
        return None if found is None else last_run.Listing("\n".join(names), 1, 1)

    return listed


def test_a_state_that_is_damaged_counts_as_none(again, tmp_path, monkeypatch):
    seen = tmp_path / "lp" / SEEN
    text = seen.read_text()
    for damaged in ("", text[: len(text) // 2], "{}", text.replace("seen/1", "seen/9"), "\0" * len(text)):
        seen.write_text(damaged)
        assert surveys(again, monkeypatch)[0] == 1
        assert surveys(again, monkeypatch)[0] == 0


def test_the_app_is_told_of_a_project_that_was_finished_before(again, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    n_surveys, result = surveys((*again, "--register=mine"), monkeypatch)
    assert (n_surveys, result.exit_code) == (0, 0)
    assert result.finding("registered")["subject"] == "mine"


def project_with_predictions(root):
    project = build_project(root / "dlc", sessions=("m1",))
    add_analysis(project, Analysis("m1"))
    return {"source": project.root}


def project_of_version_1(root):
    build_dlc1(root / "repository")
    return {"source": root / "repository"}


def two_cameras(root):
    build_project(root / "dlc", sessions=("m1_top", "m1_side"))
    return {"source": root / "dlc", "view_pattern": "{session}_{view}"}


def two_projects(root):
    for view in ("top", "side"):
        build_project(root / view, sessions=("m1",))
    return {"source": None, "views": tuple((view, root / view) for view in ("top", "side"))}


def project_that_was_moved(root):
    """Whose videos lie beside it, and whose configuration names paths of another machine."""
    project = build_project(root / "dlc", sessions=("m1", "m2"), video_sets="elsewhere")
    project.videos["m1"].rename(root / "m1.mp4")
    project.videos["m2"].unlink()
    return {"source": project.root}


@pytest.mark.parametrize(
    "build", [project_with_predictions, project_of_version_1, two_cameras, two_projects, project_that_was_moved]
)
def test_whatever_a_survey_looks_at_is_looked_at_again(tmp_path, monkeypatch, build):
    """What a survey depends on beyond the places that are compared would go unnoticed."""
    given = build(tmp_path / "inside")
    source, options = given.pop("source"), Options(**given)
    seen = set()
    for name in ("stat", "lstat", "scandir", "listdir", "open"):
        monkeypatch.setattr(os, name, heard(getattr(os, name), seen))
    sys.addaudithook(lambda event, args: seen.add(args[0]) if event == "open" else None)
    places = ReadFrom.of(look(None if source is None else open_project(source), options), options).places
    monkeypatch.undo()
    paths = {Path(os.fsdecode(path)) for path in seen if isinstance(path, str | bytes | os.PathLike)}
    inside = [path for path in paths if tmp_path in path.parents]
    assert len(inside) > 10
    trees = [Path(place.path) for place in places if place.extent == "tree"]
    # Of what lies right in a folder: the names that a survey may use.
    folders = [Path(place.path) for place in places if place.extent == "folder"]
    files = [Path(place.path) for place in places if place.extent == "file"]
    beyond = [
        path
        for path in inside
        if not any(tree in (path, *path.parents) for tree in trees)
        and path not in (*files, *folders)
        and not (path.parent in folders and path.suffix.lower().removeprefix(".") in listing._AROUND)
    ]
    assert sorted(beyond) == []


def heard(function, seen):
    def hears(path=".", *args, **options):
        seen.add(path if isinstance(path, str | bytes | os.PathLike) else "")
        return function(path, *args, **options)

    return hears


def test_of_cameras_that_a_3d_project_names_nothing_is_believed(tmp_path, monkeypatch):
    monkeypatch.setattr(last_run, "SKEW_NS", 0)
    source, _ = build_3d_project(tmp_path)
    time.sleep(0.05)
    for _ in range(2):
        n_surveys, result = surveys(("convert", source, tmp_path / "lp", "--square-size", "10"), monkeypatch)
        assert (n_surveys, result.exit_code) == (1, 0)
