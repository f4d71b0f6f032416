"""A wrong path as a user meets it: the command refuses, says what it is, and the command that it names works."""

import json
import shlex
import shutil
import zipfile

import pytest
import yaml
from builder import build_project, snapshot
from command import dlc2lp
from dlc1 import build_dlc1, build_loose

from dlc2lp.model import Command

SMALL = {"sessions": ("m1",), "bodyparts": ("nose", "tail"), "frames": (2, 5, 9), "video": "none"}


def build(root):
    return build_project(root, **SMALL).root


def named_command(result, code):
    """The command that a refusal names, as a shell would read it."""
    assert result.exit_code == 3, result.stderr
    hint = next(each["hint"] for each in json.loads(result.stdout)["findings"] if each["code"] == code)
    start = hint.index("dlc2lp ")
    words = shlex.split(hint[start:].split("; ")[0].split(" or dlc2lp ")[0])
    return words[1:]


def run_named(result, code, target):
    words = named_command(result, code)
    return dlc2lp(*(str(target) if word in {"TARGET", "OUT"} else word for word in words), "--json")


@pytest.mark.parametrize("given", ["top", "top/a b/p/labeled-data", "top/a b/p/labeled-data/m1/img05.png"])
def test_the_command_that_is_named_converts_the_project(tmp_path, given):
    build(tmp_path / "top/a b/p")
    result = dlc2lp("convert", tmp_path / given, tmp_path / "lp", "--json")
    assert not (tmp_path / "lp").exists()
    assert run_named(result, "not-a-dlc-project", tmp_path / "lp").exit_code == 0
    assert (tmp_path / "lp/CollectedData.csv").is_file()


def test_the_folder_above_several_projects(tmp_path):
    build(tmp_path / "top/a")
    build(tmp_path / "top/b")
    result = dlc2lp("convert", tmp_path / "top", tmp_path / "lp", "--json")
    assert run_named(result, "not-a-dlc-project", tmp_path / "lp").exit_code == 0
    assert {path.parent.name for path in (tmp_path / "lp").rglob("project.yaml")} == {"a", "b"}


def test_a_config_under_a_near_name_keeps_the_skeleton(tmp_path):
    root = build(tmp_path / "p")
    (root / "config.yaml").rename(root / "config.yml")
    assert dlc2lp("convert", root, tmp_path / "lp", "--json").exit_code == 0
    project = yaml.safe_load((tmp_path / "lp/project.yaml").read_text(encoding="utf-8"))
    assert "nose" in str(project) and [["nose", "tail"]] in project.values(), project


def test_one_of_several_configs_is_taken_by_name(tmp_path):
    root = build(tmp_path / "my p")
    shutil.copy(root / "config.yaml", root / "config (2).yaml")
    (root / "config.yaml").rename(root / "config (1).yaml")
    result = dlc2lp("convert", root, tmp_path / "lp", "--json")
    assert run_named(result, "config-ambiguous", tmp_path / "lp").exit_code == 0


@pytest.mark.parametrize("place", ["missing", "empty", "target"])
def test_swapped_arguments(tmp_path, place):
    root = build(tmp_path / "p's")
    if place == "empty":
        (tmp_path / "lp").mkdir()
    elif place == "target":
        assert dlc2lp("convert", root, tmp_path / "lp").exit_code == 0
    before = snapshot(root)
    for more in ([], ["--dry-run"], ["--individuals", "split"]):
        result = dlc2lp("convert", tmp_path / "lp", root, "--json", *more)
        assert named_command(result, "source-and-target-swapped") == ["convert", str(root), str(tmp_path / "lp")]
    assert snapshot(root) == before
    assert run_named(result, "source-and-target-swapped", "").exit_code == 0


def test_swapped_arguments_with_a_configuration(tmp_path):
    config = build(tmp_path / "p") / "config.yaml"
    result = dlc2lp("convert", tmp_path / "lp", config, "--json")
    assert run_named(result, "source-and-target-swapped", "").exit_code == 0


def test_swapped_arguments_of_an_archive(tmp_path):
    build(tmp_path / "archive/p")
    result = dlc2lp("batch", "convert", tmp_path / "out", tmp_path / "archive", "--json")
    words = shlex.split(result.finding("root-missing")["hint"].partition(": ")[2])[1:]
    assert dlc2lp(*words, "--json").exit_code == 0


def test_a_copied_configuration_around_a_target_is_no_project(tmp_path):
    root = build(tmp_path / "p")
    shutil.copy(root / "config.yaml", tmp_path)
    assert dlc2lp("convert", root, tmp_path / "lp").exit_code == 0


def test_a_typing_error_is_none_of_swapped_arguments(tmp_path):
    result = dlc2lp("convert", tmp_path / "nowhere", tmp_path / "lp", "--json")
    assert result.codes == ["source-missing"]


@pytest.mark.parametrize("inside", ["", "inner", "videos/inner"])
@pytest.mark.parametrize("kind", ["dlc", "lp", "labeled-data", "dlc1", "loose"])
def test_the_demo_stays_out_of_projects(tmp_path, kind, inside):
    root = tmp_path / "p"
    if kind == "lp":
        assert dlc2lp("convert", build(tmp_path / "dlc"), root).exit_code == 0
    elif kind == "dlc1":
        build_dlc1(root)
    elif kind == "loose":
        build_loose(root)
    else:
        build(root)
    if kind == "labeled-data":
        (root / "config.yaml").unlink()
    before = snapshot(root)
    result = dlc2lp("demo", root / inside, "--json")
    code = "target-inside-target" if kind == "lp" else "target-inside-project"
    assert named_command(result, code) == ["demo", str(tmp_path / "dlc2lp-demo")]
    assert snapshot(root) == before


@pytest.mark.parametrize("inside", ["", "inner", "videos/inner"])
def test_a_target_inside_another_project(tmp_path, inside):
    first, other = build(tmp_path / "a"), build(tmp_path / "b")
    before = snapshot(other)
    result = dlc2lp("convert", first, other / inside, "--json")
    assert (result.exit_code, result.codes) == (3, ["target-inside-project"])
    assert snapshot(other) == before
    out = dlc2lp("batch", "convert", first, other / inside, "--json")
    assert out.exit_code == 3
    assert snapshot(other) == before


@pytest.mark.parametrize("inside", ["inner", "videos/inner"])
def test_a_target_inside_a_finished_target(tmp_path, inside):
    root = build(tmp_path / "a")
    assert dlc2lp("convert", root, tmp_path / "lp").exit_code == 0
    before = snapshot(tmp_path / "lp")
    other = build(tmp_path / "b")
    for command in (["convert"], ["batch", "convert"]):
        result = dlc2lp(*command, other, tmp_path / "lp" / inside, "--json")
        assert (result.exit_code, result.codes) == (3, ["target-inside-target"])
    assert snapshot(tmp_path / "lp") == before


def test_a_target_beside_targets_is_fine(tmp_path):
    for name in ("a", "b"):
        assert dlc2lp("convert", build(tmp_path / name), tmp_path / "lp" / name).exit_code == 0


def test_labels_outside_projects_reach_every_report(tmp_path):
    archive, out = tmp_path / "archive", tmp_path / "out"
    build(archive / "good")
    build_loose(archive / "lost/m1", images=False)
    with zipfile.ZipFile(archive / "backup.zip", "w") as packed:
        packed.writestr("p/labeled-data/m1/CollectedData_Anna.csv", "x")
    result = dlc2lp("batch", "convert", archive, out, "--json")
    assert result.exit_code == 0
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    page = (out / "index.html").read_text(encoding="utf-8")
    documents = (result.document["findings"], report["findings"])
    for place in ("lost/m1", "backup.zip"):
        for findings in documents:
            assert place in [each["subject"] for each in findings if each["code"] == "labels-outside-projects"]
        assert place in page
        assert place in result.stderr


def test_an_archive_that_holds_only_packed_projects(tmp_path):
    (tmp_path / "archive").mkdir()
    with zipfile.ZipFile(tmp_path / "archive/p.zip", "w") as packed:
        packed.writestr("p/labeled-data/m1/CollectedData_Anna.csv", "x")
    result = dlc2lp("batch", "convert", tmp_path / "archive", tmp_path / "out", "--json")
    assert (result.exit_code, sorted(result.codes)) == (3, ["labels-outside-projects", "no-projects"])
    assert "p.zip" in result.stderr
    given = dlc2lp("batch", "convert", tmp_path / "archive/p.zip", tmp_path / "out", "--json")
    assert "unpack" in given.finding("root-missing")["hint"]


def test_a_part_of_a_project_as_an_archive(tmp_path):
    root = build(tmp_path / "p")
    result = dlc2lp("batch", "convert", root / "labeled-data", tmp_path / "out", "--json")
    assert run_named(result, "no-projects", tmp_path / "lp").exit_code == 0


def test_a_command_is_never_broken_by_the_end_of_a_line(tmp_path):
    root = build(tmp_path / ("a long name with blanks " * 6).strip())
    result = dlc2lp("convert", root / "labeled-data", tmp_path / "lp")
    assert any(f"dlc2lp convert {shlex.quote(str(root))} TARGET" in line for line in result.stderr.splitlines())


def test_a_command_is_quoted_as_the_shell_of_its_system_wants(monkeypatch):
    assert Command.of("dlc2lp", "convert", "/x/it's", "TARGET").line == "dlc2lp convert '/x/it'\"'\"'s' TARGET"
    monkeypatch.setattr("sys.platform", "win32")
    assert Command.of("convert", "C:\\my data\\p", "D:\\lp").line == 'convert "C:\\my data\\p" D:\\lp'
