"""Several sources into one target, one source into several targets: all of it, or nothing is written."""

import yaml
from builder import build_project
from command import dlc2lp


def test_the_target_may_not_lie_in_a_merged_source(tmp_path):
    a = build_project(tmp_path / "a", sessions=("m1",), video="none")
    b = build_project(tmp_path / "b", sessions=("m2",), video="none")
    result = dlc2lp("convert", a.root, b.root / "lp", "--merge", b.root, "--json")
    assert result.exit_code == 3
    assert not (b.root / "lp").exists()


def test_the_skeleton_of_a_merged_project_arrives(tmp_path):
    a = build_project(tmp_path / "a", sessions=("m1",), bodyparts=("nose", "tail"), video="none")
    b = build_project(
        tmp_path / "b", sessions=("m1",), bodyparts=("eye", "ear"), skeleton=(("eye", "ear"),), video="none"
    )
    assert dlc2lp("convert", a.root, tmp_path / "lp", "--merge", b.root).exit_code == 0
    assert yaml.safe_load((tmp_path / "lp/project.yaml").read_text())["skeleton"] == [["nose", "tail"], ["eye", "ear"]]


def mice(tmp_path):
    return build_project(tmp_path / "dlc", sessions=("m1",), individuals=("x", "y"), video="none")


def test_split_that_can_t_write_one_target_writes_none(tmp_path):
    project = mice(tmp_path)
    (tmp_path / "lp/y").mkdir(parents=True)
    (tmp_path / "lp/y/thesis.doc").write_text("mine")
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--individuals", "split", "--json")
    assert result.exit_code == 3
    assert not (tmp_path / "lp/x").exists()


def test_split_into_the_target_of_another_run_is_refused(tmp_path):
    project = mice(tmp_path)
    assert dlc2lp("convert", project.root, tmp_path / "lp", "--individuals", "x").exit_code == 0
    assert dlc2lp("convert", project.root, tmp_path / "lp", "--individuals", "split").exit_code == 3


def test_split_registers_or_says_that_it_does_not(tmp_path, monkeypatch):
    monkeypatch.setenv("LP_SYSTEM_DIR", str(tmp_path / "app"))
    result = dlc2lp("convert", mice(tmp_path).root, tmp_path / "lp", "--individuals", "split", "--register=r", "--json")
    assert result.exit_code == 2 or (tmp_path / "app/projects.toml").exists()
