"""A project is found and its configuration read once, whatever is read of it afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest
from builder import build_project

from dlc2lp.dlc import locate
from dlc2lp.dlc.locate import open_project
from dlc2lp.dlc.project import read_project
from dlc2lp.errors import SourceRefused


def test_the_configuration_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = build_project(tmp_path / "p", sessions=("m1",), video="none")
    located = open_project(built.root / "config.yaml")
    assert (located.root, located.config_path, located.is_3d) == (built.root, built.root / "config.yaml", False)
    expected = read_project(built.root)
    monkeypatch.setattr(locate, "read_config", lambda path: pytest.fail(f"{path} was read again"))
    read = read_project(located)
    assert (read.config, read.findings, read.name) == (expected.config, expected.findings, expected.name)
    assert [session.name for session in read.sessions] == ["m1"]


def test_an_unreadable_configuration_is_a_refusal_and_no_error(tmp_path: Path) -> None:
    built = build_project(tmp_path / "p", sessions=("m1",), video="none")
    (built.root / "config.yaml").write_text("Task: [", encoding="utf-8")
    located = open_project(built.root)
    assert (located.config, located.is_3d) == (None, False)
    assert [finding.code for finding in located.refusals] == ["config-unreadable"]
    assert read_project(located).refusals == located.refusals


def test_a_3d_project_is_told_before_its_labels_are_looked_for(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("Task: a\nnum_cameras: 2\ncamera_names: [left, right]\n", encoding="utf-8")
    located = open_project(tmp_path)
    assert located.is_3d
    with pytest.raises(SourceRefused) as caught:
        read_project(located)
    assert caught.value.findings[0].code == "dlc-3d-project"
