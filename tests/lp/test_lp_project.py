"""project.yaml and the app's list of projects."""

from __future__ import annotations

import os
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dlc2lp.errors import TargetRefused, UsageError
from dlc2lp.lp.project import register, render_project_yaml, valid_skeleton

NAMES = ("snout", "ear", "tail")


def test_project_yaml() -> None:
    text = render_project_yaml(NAMES, [("snout", "ear")])
    assert yaml.safe_load(text) == {
        "schema_version": 1,
        "view_names": [],
        "keypoint_names": ["snout", "ear", "tail"],
        "skeleton": [["snout", "ear"]],
    }
    assert yaml.safe_load(render_project_yaml(NAMES, [], ("top", "side")))["view_names"] == ["top", "side"]
    assert "null" not in render_project_yaml(NAMES, [])


@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1), min_size=1, unique=True))
def test_any_names_survive_and_the_text_is_ascii(names: list[str]) -> None:
    text = render_project_yaml(names, [(names[0], names[-1])])
    assert text.isascii()
    assert yaml.safe_load(text)["keypoint_names"] == names


def test_bones_that_the_app_refuses_are_left_out() -> None:
    bones = [("snout", "ear"), ("ear", "snout"), ("ear", "ear"), ("ear", "wing"), ("tail", "ear"), ("snout", "ear")]
    assert valid_skeleton(NAMES, bones) == [("snout", "ear"), ("tail", "ear")]


@pytest.fixture
def system_dir(tmp_path: Path) -> Path:
    return tmp_path / "lp"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "targets" / 'mouse "1"'
    folder.mkdir(parents=True)
    return folder


def test_register_in_a_new_file_and_again(target: Path, system_dir: Path) -> None:
    made = register(target, "mouse", system_dir)
    assert made.added
    assert made.projects_file == (system_dir / "projects.toml").resolve()
    assert tomllib.loads(made.projects_file.read_text(encoding="utf-8")) == {
        "mouse": {"data_dir": str(target.resolve())}
    }
    before = made.projects_file.stat()
    again = register(target, "mouse", system_dir)
    assert not again.added
    assert not again.findings
    assert made.projects_file.stat().st_mtime_ns == before.st_mtime_ns
    assert [path.name for path in system_dir.iterdir()] == ["projects.toml"]


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b"  # last"])
def test_register_keeps_what_is_there(target: Path, system_dir: Path, end: bytes) -> None:
    system_dir.mkdir()
    before = "# mine\r\n[ \"Ratte ü\" ]\ndata_dir = '/x'   # here".encode() + end
    (system_dir / "projects.toml").write_bytes(before)
    register(target, "mouse.1 ü", system_dir)
    after = (system_dir / "projects.toml").read_bytes()
    assert after.startswith(before)
    assert tomllib.loads(after.decode()) == {
        "Ratte ü": {"data_dir": "/x"},
        "mouse.1 ü": {"data_dir": str(target.resolve())},
    }


def test_register_never_takes_another_projects_name(target: Path, system_dir: Path) -> None:
    system_dir.mkdir()
    text = '[mouse]\ndata_dir = "/somewhere/else"\n[rat]\nno = 1\n'
    (system_dir / "projects.toml").write_text(text, encoding="utf-8")
    for name, told in (("mouse", "/somewhere/else"), ("rat", "rat")):
        with pytest.raises(TargetRefused) as caught:
            register(target, name, system_dir)
        (finding,) = caught.value.findings
        assert finding.code == "project-name-taken"
        assert told in finding.message
    assert (system_dir / "projects.toml").read_text(encoding="utf-8") == text


def test_register_under_a_second_name_is_a_note(target: Path, system_dir: Path) -> None:
    register(target, "mouse", system_dir)
    second = register(target, "other", system_dir)
    assert (second.added, second.name) == (False, "mouse")
    assert [finding.code for finding in second.findings] == ["project-already-registered"]


@pytest.mark.parametrize("content", [b"[mouse", b"\xff\xfe", b"a = 1\na = 2\n"])
def test_register_leaves_a_broken_file_alone(target: Path, system_dir: Path, content: bytes) -> None:
    system_dir.mkdir()
    (system_dir / "projects.toml").write_bytes(content)
    with pytest.raises(TargetRefused) as caught:
        register(target, "mouse", system_dir)
    assert caught.value.findings[0].code == "projects-file-unreadable"
    assert (system_dir / "projects.toml").read_bytes() == content


def test_register_refuses_what_the_app_refuses(
    tmp_path: Path, system_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    for folder in (home, tmp_path):
        with pytest.raises(TargetRefused) as caught:
            register(folder, "mouse", system_dir)
        assert caught.value.findings[0].code == "project-folder-refused"
    assert not system_dir.exists()


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\x00"])
def test_register_wants_a_name(target: Path, system_dir: Path, name: str) -> None:
    with pytest.raises(UsageError):
        register(target, name, system_dir)


def test_register_finds_the_apps_folder(target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LP_SYSTEM_DIR", str(tmp_path / "named"))
    assert register(target, "mouse", None).projects_file.parent == (tmp_path / "named").resolve()
    monkeypatch.delenv("LP_SYSTEM_DIR")
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    assert register(target, "mouse", None).projects_file.parent == (tmp_path / "home" / ".lightning-pose").resolve()


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
def test_register_follows_a_link_and_keeps_the_mode(target: Path, system_dir: Path, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.toml"
    real.write_text("", encoding="utf-8")
    real.chmod(0o640)
    system_dir.mkdir()
    (system_dir / "projects.toml").symlink_to(real)
    register(target, "mouse", system_dir)
    assert (system_dir / "projects.toml").is_symlink()
    assert "mouse" in real.read_text(encoding="utf-8")
    assert real.stat().st_mode & 0o777 == 0o640


def test_register_where_nothing_can_be_written(target: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(TargetRefused) as caught:
        register(target, "mouse", tmp_path / "file")
    assert caught.value.findings[0].code in {"projects-file-not-writable", "projects-file-unreadable"}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has file names that are no text")
def test_register_a_folder_whose_name_is_no_text(tmp_path: Path, system_dir: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/m\xff"))
    folder.mkdir()
    with pytest.raises(TargetRefused) as caught:
        register(folder, "mouse", system_dir)
    assert caught.value.findings[0].code == "projects-file-not-writable"
    assert not system_dir.exists()
