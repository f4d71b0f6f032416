"""Whatever lies in the place of dlc2lp's own files: no file outside is touched, nothing waited for, no fault made."""

import copy
import hashlib
import json
import math
import os
import shutil
import socket
import sys
from pathlib import Path

import pytest
import yaml
from batch.archives import SMALL, build_archive, target_digests
from builder import build_project
from command import dlc2lp
from hypothesis import given
from hypothesis import strategies as st
from test_resume import tree

from dlc2lp import codec
from dlc2lp.inside import InnerPath
from dlc2lp.lp.check import check_target

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes and devices among its files")


def a_pipe(path):
    os.mkfifo(path)


def a_socket(path):
    # The path of a socket may have no more than a hundred characters.
    here = os.open(path.parent, os.O_RDONLY)
    before = Path.cwd()
    os.fchdir(here)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(before)
        os.close(here)


#: What stands in the place of a state file, by how it is called.
BYTES = {
    "empty": b"",
    "cut": b'{\n "schema": "dlc2lp/',
    "no text": b"\xff\xfe{\x00}\x00",
    "another type": b"[]",
    "a text": b'"dlc2lp"',
    "a long number": b"[" + b"1" * 5000 + b"]",
    "deep": b"[" * 100_000,
    "NUL": b"\0" * 4096,
    "null": b"null",
    "all wrong": b'{"schema": 1, "step": [], "kind": null, "files": {"path": "/"}, "done": "yes", "detail": 3}',
}
KINDS = {name: (lambda path, content=content: path.write_bytes(content)) for name, content in BYTES.items()}
OTHERS = {
    "a pipe": a_pipe,
    "a socket": a_socket,
    "an endless device": lambda path: path.symlink_to("/dev/zero"),
    "a link to itself": lambda path: path.symlink_to(path.name),
}
FOLDER = {"a folder": lambda path: path.mkdir()}
ALL = {**KINDS, **(OTHERS if os.name == "posix" else {}), **FOLDER}


def put(kind, path):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    ALL[kind](path)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    top = tmp_path_factory.mktemp("state")
    project = build_project(top / "dlc", **SMALL)
    assert dlc2lp("convert", project.root, top / "lp").exit_code == 0
    (top / "lp").rename(top / "as it was")
    return top


@pytest.fixture
def place(made):
    """A project and its target, as it was when it had been converted."""
    for path in made.iterdir():
        if path.name not in {"dlc", "as it was"}:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    shutil.copytree(made / "as it was", made / "lp")
    return made


def convert(place, *more):
    return dlc2lp("convert", place / "dlc", place / "lp", "--json", *more)


@pytest.mark.parametrize("kind", [*KINDS, *(OTHERS if os.name == "posix" else ())])
def test_a_damaged_record_means_do_it_again(place, kind):
    before = tree(place / "lp")
    records = sorted((place / "lp/.dlc2lp/steps").glob("*.json"))
    assert len(records) > 4
    for record in records:
        put(kind, record)
    assert dlc2lp("verify", place / "lp", "--json").codes.count("target-incomplete") >= 4
    assert convert(place).exit_code == 0
    assert tree(place / "lp") == before


def test_a_folder_in_the_place_of_a_record_is_named(place):
    record = min((place / "lp/.dlc2lp/steps").glob("*.json"))
    put("a folder", record)
    result = convert(place)
    assert result.exit_code == 1
    assert any(record.name in finding["subject"] for finding in result.document["findings"])
    record.rmdir()
    assert convert(place).exit_code == 0


def test_whichever_record_is_lost_its_step_is_done_again(place):
    """Nobody knows any more whose the files are; they are what the step makes, so they are nobody else's."""
    for record in sorted((place / "lp/.dlc2lp/steps").glob("*.json")):
        written = record.read_bytes()
        record.unlink()
        result = convert(place)
        assert (result.exit_code, record.read_bytes()) == (0, written), result.stderr


def test_what_a_person_changed_stays_though_its_record_is_damaged(place):
    image = min((place / "lp/labeled-data/m1").glob("*.png"))
    image.write_bytes(image.read_bytes() + b"\0")
    mine = image.read_bytes()
    for record in (place / "lp/.dlc2lp/steps").glob("*.json"):
        record.write_bytes(b"")
    result = convert(place)
    assert result.exit_code == 1
    assert result.finding("target-edited")["subject"] == image.relative_to(place / "lp").as_posix()
    assert image.read_bytes() == mine
    assert convert(place, "--edited", "replace").exit_code == 0
    assert image.read_bytes() == mine[:-1]


def record_of(path, step="0", name="x"):
    content = b"x"
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    files = [{"path": path, "size_bytes": 1, "digest": digest}]
    known = {"schema": "dlc2lp/record/1", "step": step, "kind": "write-text", "files": files}
    return json.dumps(known | {"done": True, "detail": {}, "by": "convert"})


@pytest.mark.parametrize("form", ["absolute", "upwards", "through", "own state", "another spelling"])
def test_no_record_has_a_file_removed_that_is_not_the_targets(place, form):
    target, precious = place / "lp", place / "precious"
    precious.write_bytes(b"x")
    before = tree(target)
    path = {
        "absolute": str(precious),
        "upwards": "../precious",
        "through": "labeled-data/../../precious",
        "own state": ".dlc2lp/x",
        "another spelling": "./project.yaml",
    }[form]
    (target / ".dlc2lp/x").write_bytes(b"x")
    (target / ".dlc2lp/steps/0.json").write_text(record_of(path), encoding="utf-8")
    result = convert(place)
    assert (result.exit_code, "stale-removed" in result.codes) == (0, False)
    assert precious.read_bytes() == b"x" == (target / ".dlc2lp/x").read_bytes()
    (target / ".dlc2lp/x").unlink()
    assert tree(target) == before  # the record itself is gone


def test_no_record_has_another_file_removed_by_the_name_of_its_step(place):
    precious = place / "precious.json"
    precious.write_bytes(b"x")
    record = place / "lp/.dlc2lp/steps/0.json"
    record.write_text(record_of("a.txt", step="../../../precious"), encoding="utf-8")
    assert convert(place).exit_code == 0
    assert precious.exists()
    assert not record.exists()


@pytest.mark.parametrize(
    "path",
    [
        *("", "/etc/passwd", "..", "../x", "a/../x", "a/..", "a/.", "./a", "a//b", "a/", "C:x", "c:/x", "\\\\host\\x"),
        *("a\\..\\x", ".. /x", "a/. ./x", "...", "a/\0", "a\nb", "\x1b[2J", "\x7f", "\ud800", ".dlc2lp/plan.json"),
        *(".DLC2LP/x", ".dlc2lp-batch/index.jsonl", " "),
    ],
)
def test_such_a_path_is_none_inside(path):
    with pytest.raises(codec.Malformed):
        codec.decode(InnerPath, path)


@pytest.mark.parametrize(
    "path", ["a", "videos/m1.mp4", "labeled-data/m1/img00000002.png", ".hidden", "a.", "Mäuse/鼠 1"]
)
def test_such_a_path_is_one(path):
    assert codec.decode(InnerPath, path) == path


@given(st.text(alphabet="ab./\\: \0\x7f", max_size=8))
def test_what_passes_for_a_path_inside_stays_inside(path):
    try:
        codec.decode(InnerPath, path)
    except codec.Malformed:
        return
    for join in (os.path, __import__("ntpath"), __import__("posixpath")):
        top = "/top/folder" if join.__name__ != "ntpath" else "C:\\top\\folder"
        whole = join.normpath(join.join(top, path))
        assert whole.startswith(top + join.sep)
        assert whole.count(join.sep) == top.count(join.sep) + 1 + path.count("/")


COMMANDS = {
    "convert": lambda place: ("convert", place / "dlc", place / "lp"),
    "verify": lambda place: ("verify", place / "lp"),
    "labels": lambda place: ("labels", place / "lp"),
    "config": lambda place: ("config", place / "lp"),
    "export": lambda place: ("export", place / "lp", place / "back"),
}


@pytest.mark.parametrize("kind", ALL)
def test_a_plan_that_is_none_is_named_by_every_command(place, kind):
    plan = place / "lp/.dlc2lp/plan.json"
    put(kind, plan)
    before = tree(place / "lp") if kind in BYTES else None
    for name, command in COMMANDS.items():
        result = dlc2lp(*command(place), "--json")
        assert result.exit_code in {2, 3}, (name, result.stderr)
        finding = result.finding("plan-unreadable")
        assert (finding["subject"], bool(finding["hint"])) == (str(plan), True)
    assert before is None or tree(place / "lp") == before


@posix
def test_a_plan_that_is_a_link_to_nothing_is_none_and_nothing_is_written(place):
    plan = place / "lp/.dlc2lp/plan.json"
    plan.unlink()
    before = tree(place / "lp")
    plan.symlink_to("moved away")
    for name, command in COMMANDS.items():
        result = dlc2lp(*command(place), "--json")
        assert (result.exit_code, result.codes) == (3, ["plan-unreadable"]), name
    plan.unlink()
    assert tree(place / "lp") == before


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("target of a text", "../../precious"),
        ("target of an image", "/precious"),
        ("target of a video", "videos/../../precious"),
        ("views", ["../x"]),
        ("frames", 10**30),
        ("type", "many"),
    ],
)
def test_a_plan_that_leads_out_is_none(place, key, value):
    path = place / "lp/.dlc2lp/plan.json"
    plan = json.loads(path.read_text(encoding="utf-8"))
    steps = {step["kind"]: step for step in plan["steps"]}
    match key:
        case "target of a text":
            steps["write-text"]["target"] = value
        case "target of an image":
            steps["place-images"]["images"][0]["target"] = value
        case "target of a video":
            plan["videos"][0]["target"] = value
        case "views":
            plan["views"] = value
        case _:
            plan["videos"][0]["n_frames"] = value
    path.write_text(json.dumps(plan), encoding="utf-8")
    for name, command in COMMANDS.items():
        result = dlc2lp(*command(place), "--json")
        assert (result.exit_code, result.codes) == (2, ["plan-unreadable"]), name
    assert not (place / "precious").exists()


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("name", ["seen.json", "run.log", "manifest.json"])
def test_what_only_helps_ends_no_run(place, name, kind):
    put(kind, place / "lp/.dlc2lp" / name)
    (place / "lp/videos/m1.mp4").unlink()
    result = convert(place)
    if (name, kind) == ("manifest.json", "a folder"):
        assert result.exit_code == 1  # something was written, so it was not refused
        assert result.finding("target-not-writable")["subject"].endswith("manifest.json")
        (place / "lp/.dlc2lp/manifest.json").rmdir()
        result = convert(place)
    assert result.exit_code == 0, result.stderr
    assert (place / "lp/videos/m1.mp4").exists()


@pytest.mark.parametrize("kind", ALL)
def test_a_base_of_labels_that_is_none_is_named(place, kind):
    base = place / "lp/.dlc2lp/labels-base.json"
    put(kind, base)
    for name in ("convert", "labels"):
        result = dlc2lp(*COMMANDS[name](place), "--json")
        assert result.exit_code in {1, 2, 3}, result.stderr
        assert any(finding["subject"] == str(base) for finding in result.document["findings"]), result.stdout


@posix
@pytest.mark.parametrize("name", ["seen.json", "run.log"])
def test_nothing_is_written_through_a_link_in_the_place_of_a_state_file(place, name):
    outside = place / "outside"
    outside.write_bytes(b"precious\n")
    path = place / "lp/.dlc2lp" / name
    path.unlink()
    path.symlink_to(outside)
    (place / "lp/videos/m1.mp4").unlink()
    assert convert(place).exit_code == 0
    (place / "lp/project.yaml").unlink()
    assert dlc2lp("verify", place / "lp").exit_code == 1
    assert outside.read_bytes() == b"precious\n"


@posix
@pytest.mark.parametrize("folder", [".dlc2lp", ".dlc2lp/steps", ".dlc2lp/scratch"])
def test_a_target_whose_own_folders_lead_out_is_refused(place, folder):
    outside, own = place / "outside", place / "lp" / folder
    if own.exists():
        own.rename(outside)
    else:
        outside.mkdir()
    (outside / "mine").write_bytes(b"x")
    own.symlink_to(outside)
    (place / "lp/videos/m1.mp4").unlink()
    before = tree(outside)
    for command in (COMMANDS["convert"], COMMANDS["config"]):
        result = dlc2lp(*command(place), "--json")
        assert (result.exit_code, result.codes) == (3, ["target-link-outside"]), result.stderr
        assert result.finding("target-link-outside")["subject"] == folder
    assert tree(outside) == before


@posix
def test_nothing_is_written_through_a_folder_that_leads_out(place):
    outside, videos = place / "outside", place / "lp/videos"
    videos.rename(outside)
    videos.symlink_to(outside)
    result = dlc2lp("verify", place / "lp", "--json")
    assert (result.exit_code, result.finding("target-link-outside")["severity"]) == (0, "warning")
    (outside / "m1.mp4").unlink()
    result = convert(place)
    assert (result.exit_code, result.finding("target-link-outside")["severity"]) == (1, "error")
    assert not any(outside.iterdir())
    videos.unlink()
    assert convert(place).exit_code == 0


@posix
def test_nothing_is_deleted_through_a_folder_that_leads_out(place):
    outside, videos = place / "outside", place / "lp/videos"
    videos.rename(outside)
    videos.symlink_to(outside)
    result = convert(place, "--videos", "none")
    assert (result.exit_code, result.finding("target-link-outside")["severity"]) == (0, "warning")
    assert (outside / "m1.mp4").exists()


@posix
def test_a_link_that_stays_inside_is_as_good_as_a_folder(place):
    inner = place / "lp/elsewhere"
    (place / "lp/videos").rename(inner)
    (place / "lp/videos").symlink_to("elsewhere")
    (inner / "m1.mp4").unlink()
    result = convert(place)
    assert "target-link-outside" not in result.codes
    assert (inner / "m1.mp4").exists()


YAML_BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + before] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "content", [YAML_BOMB + "view_names: *i\n", "a: " + "1" * 5000, "a: " + "[" * 10000, "\0", "- &x [*x]"]
)
@pytest.mark.parametrize("name", ["project.yaml", "configs/default.yaml"])
def test_a_bomb_in_a_file_of_the_target_is_told(place, name, content):
    (place / "lp" / name).write_text(content, encoding="utf-8")
    result = dlc2lp("verify", place / "lp", "--json")
    assert result.exit_code == 1
    assert any(finding["subject"] == name for finding in result.document["findings"])
    assert len(result.stdout) < 100_000
    dlc2lp("config", place / "lp")
    dlc2lp("labels", place / "lp")


VALUES = (
    None,
    0,
    -1,
    10**18,
    1.5,
    math.inf,
    math.nan,
    "",
    "x",
    "\ud7ff",
    True,
    [],
    [[]],
    [{}],
    ["x", 1],
    {},
    {"x": []},
)


def every_change(value, path=()):
    """Yield the paths of all values in a document."""
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in inside:
        yield from every_change(inner, (*path, key))


@pytest.mark.parametrize("name", ["project.yaml", "configs/default.yaml"])
def test_no_value_in_a_file_of_the_target_is_a_fault(place, name):
    path = place / "lp" / name
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    for where in every_change(document):
        for value in VALUES:
            changed = copy.deepcopy(document)
            inner = changed
            for key in where[:-1]:
                inner = inner[key]
            if where:
                inner[where[-1]] = value
            path.write_text(yaml.safe_dump(changed if where else value), encoding="utf-8")
            for finding in check_target(place / "lp", every_image=False):
                assert len(finding.message) < 1000


@pytest.mark.parametrize("content", ["a = " + "[" * 100_000, "a = " + "1" * 5000, "\0", "[x]\ndata_dir = 1"])
def test_a_bomb_in_the_list_of_the_app_is_told(place, monkeypatch, content):
    system = place / "system"
    system.mkdir()
    monkeypatch.setenv("LP_SYSTEM_DIR", str(system))
    (system / "projects.toml").write_text(content, encoding="utf-8")
    result = convert(place, "--register", "reach")
    assert result.exit_code == (0 if content.startswith("[x]") else 1), result.stderr
    assert (system / "projects.toml").read_text(encoding="utf-8").startswith(content)


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    top = tmp_path_factory.mktemp("archive")
    build_archive(top / "root", 2, n_encoded=0)
    assert dlc2lp("batch", "convert", top / "root", top / "lp").exit_code == 0
    (top / "lp").rename(top / "as it was")
    return top


@pytest.fixture
def planned(archive):
    """An archive and its targets, as they were when it had been converted."""
    shutil.rmtree(archive / "lp", ignore_errors=True)
    shutil.copytree(archive / "as it was", archive / "lp")
    return archive


@pytest.mark.usefixtures("no_cluster")
@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("name", ["index.jsonl", "weights", "targets.json", "log", "planning/projects.json"])
def test_an_archive_says_what_to_run_where_its_own_files_are_damaged(planned, name, kind):
    out = planned / "lp"
    before = target_digests(out)
    own = out / ".dlc2lp-batch"
    path = next(own.glob("weights-*")) if name == "weights" else own / name
    if name == "log":
        path = next(path.glob("*.jsonl"))
    path.parent.mkdir(exist_ok=True)
    put(kind, path)
    for command in (("run", out), ("status", out), ("finish", out), ("submit", out, "--shards", 2, "--dry-run")):
        result = dlc2lp("batch", *command, "--json")
        if name == "index.jsonl" or (name == "weights" and command[0] in {"run", "submit"}):
            assert result.exit_code in {2, 3}, (command, result.stderr)
            assert "batch plan" in result.finding("plan-unreadable")["hint"]
        else:
            assert result.exit_code == 0, (command, result.stderr)
    again = dlc2lp("batch", "plan", planned / "root", out, "--json")
    if again.exit_code:  # a folder is of somebody, and stays
        assert (kind, again.exit_code) == ("a folder", 3), again.stderr
        assert path.name in again.document["findings"][0]["subject"]
        return
    assert dlc2lp("batch", "run", out).exit_code == 0
    assert dlc2lp("batch", "finish", out).exit_code == 0
    assert target_digests(out) == before


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("target", "../../precious"),
        ("target", "/etc"),
        ("twins", ["../x"]),
        ("steps", [["x" * 16, "k", 1, 1, 1, 1, 1]]),
    ],
)
def test_an_index_that_leads_out_is_none(planned, key, value):
    out = planned / "lp"
    index = out / ".dlc2lp-batch/index.jsonl"
    header, *lines = index.read_text(encoding="ascii").splitlines(keepends=True)
    changed = [json.dumps(json.loads(line) | {key: value}, separators=(",", ":")) + "\n" for line in lines]
    index.write_text("".join([header, *changed]), encoding="ascii")
    for command in ("run", "status", "finish"):
        result = dlc2lp("batch", command, out, "--json")
        assert (result.exit_code, result.codes) == (2, ["plan-unreadable"])


def test_steps_that_a_target_does_not_know_are_told(planned):
    out = planned / "lp"
    index = out / ".dlc2lp-batch/index.jsonl"
    text = index.read_text(encoding="ascii")
    line = json.loads(text.splitlines()[1])
    index.write_text(text.replace(line["steps"][0][0], "0" * 16), encoding="ascii")
    result = dlc2lp("batch", "run", out, "--json")
    assert result.exit_code == 1
    assert "plan-unreadable" in result.codes


@pytest.mark.parametrize("kind", [*KINDS, *(OTHERS if os.name == "posix" else ()), "a folder", "a bomb", "a huge one"])
def test_decisions_that_can_not_be_read_are_named(planned, kind):
    out = planned / "lp"
    path = out / "decisions.yaml"
    if kind == "a bomb":
        path.write_text(YAML_BOMB + "lab0/reach00: *i\n", encoding="utf-8")
    elif kind == "a huge one":
        with path.open("wb") as file:
            file.truncate(2**40)
    else:
        put(kind, path)
    result = dlc2lp("batch", "plan", planned / "root", out, "--json")
    if kind == "empty":
        assert result.exit_code == 0
        return
    assert (result.exit_code, result.codes) == (2, ["decisions-unreadable"]), result.stderr
    assert result.finding("decisions-unreadable")["subject"] == str(path)
    assert len(result.stderr) < 2000


def test_an_export_goes_nowhere_else_than_its_folder(place):
    path = place / "lp/.dlc2lp/plan.json"
    text = path.read_text(encoding="utf-8")
    for key in ("folder", "source"):
        plan = json.loads(text)
        plan["sessions"][0][key] = "../../../../precious"
        for frame in plan["sessions"][0]["frames"]:
            frame["source"] = f"../../../{frame['source']}" if key == "source" else frame["source"]
        path.write_text(json.dumps(plan), encoding="utf-8")
        before = {each for each in place.parent.rglob("*") if "back" not in each.parts}
        result = dlc2lp("export", place / "lp", place / "back", "--json")
        assert result.exit_code in {0, 3}, result.stderr
        assert {each for each in place.parent.rglob("*") if "back" not in each.parts} == before
        shutil.rmtree(place / "back", ignore_errors=True)


@pytest.mark.parametrize("kind", ALL)
def test_the_record_of_an_export_that_is_none_protects_the_folder(place, kind):
    back = place / "back"
    assert dlc2lp("export", place / "lp", back).exit_code == 0
    put(kind, back / "dlc2lp-export.json")
    result = dlc2lp("export", place / "lp", back, "--json")
    assert result.exit_code == 3
    assert result.codes[0] in {"export-not-empty", "export-unreadable"}


NO_VALUES = ("!!int ''", "!!int x", "!!bool maybe", "!!timestamp x", "!!float ''", "!!null {", "!!no x")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, value) for name in ("project.yaml", "configs/default.yaml") for value in NO_VALUES),
        ("project.yaml", "2024-13-01"),  # for OmegaConf, which reads the config, this is a text
    ],
)
def test_a_value_that_is_none_of_its_kind_is_told_with_its_line(place, name, value):
    path = place / "lp" / name
    path.write_text(path.read_text() + f"odd: {value}\n")
    n_lines = len(path.read_text().splitlines())
    for command in ("verify", "config", "labels"):
        result = dlc2lp(command, place / "lp", "--json")
        assert "internal-error" not in result.codes
        if command == "verify":
            found = [each for each in result.document["findings"] if each["code"].endswith("-invalid")]
            assert [each["where"] for each in found] in ([f"line {n_lines}"], [f"line {n_lines + 1}"])


@pytest.mark.parametrize("at", [-(10**6), 10**6, 2**62 - 1, 2**63, 10**19])
def test_a_place_in_the_index_that_is_nowhere_is_told(planned, at):
    """Each of them was an error of its own: none of a file's, no text, no number of C."""
    out = planned / "lp"
    (path,) = (out / ".dlc2lp-batch").glob("weights-*")
    lines = [json.loads(line) for line in path.read_text(encoding="ascii").splitlines()]
    where = 2 if isinstance(lines[0], list) else "at"
    for line in lines:
        line[where] = at
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="ascii")
    for command in (("run", out), ("submit", out, "--shards", 2, "--dry-run")):
        result = dlc2lp("batch", *command, "--json")
        assert (result.exit_code, result.codes) == (2, ["plan-unreadable"]), command
