"""Stand-ins of files: what Git LFS, git-annex and the programs of cloud drives leave."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest

from dlc2lp.placeholders import CLOUD, GIT_ANNEX, GIT_LFS, NotHere, check_is_here, name_in_cloud, placeholder_of


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", GIT_LFS),
        (b"/annex/objects/SHA256E-s9--0.png\n", GIT_ANNEX),
        (b"version: 1\n", None),
        (b"scorer,Anna\n", None),
        (b"", None),
    ],
)
def test_a_pointer_is_told_by_its_first_line(tmp_path: Path, content: bytes, expected: object) -> None:
    path = tmp_path / "img01.png"
    path.write_bytes(content)
    assert placeholder_of(path) is expected


def test_a_link_into_git_annex_is_one_only_while_its_content_is_away(tmp_path: Path) -> None:
    path = tmp_path / "img01.png"
    path.symlink_to("../.git/annex/objects/ab/cd/SHA256E-s9--0.png/SHA256E-s9--0.png")
    assert placeholder_of(path) is GIT_ANNEX
    path.unlink()
    path.symlink_to("nowhere.png")
    assert placeholder_of(path) is None


@pytest.mark.parametrize(
    "away", [{"st_flags": 0x40000000}, {"st_file_attributes": 0x1000}, {"st_file_attributes": 0x400000}]
)
def test_what_a_cloud_drive_keeps_is_never_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, away: dict[str, int]
) -> None:
    path = tmp_path / "m1.mp4"
    path.write_bytes(b"x")
    found = SimpleNamespace(st_mode=stat.S_IFREG, st_size=10**9, **away)
    monkeypatch.setattr(Path, "stat", lambda self, **_: found if self == path else os.stat_result((0,) * 10))
    monkeypatch.setattr(Path, "is_symlink", lambda self: False)
    monkeypatch.setattr(Path, "exists", lambda self: self == path)
    monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("it was opened"))
    assert placeholder_of(path) is CLOUD
    with pytest.raises(NotHere, match="online only"):
        check_is_here(path)


def test_what_icloud_leaves_stands_for_the_file(tmp_path: Path) -> None:
    (tmp_path / ".img01.png.icloud").write_bytes(b"bplist00")
    assert placeholder_of(tmp_path / "img01.png") is CLOUD
    assert name_in_cloud(".img01.png.icloud") == "img01.png"
    assert name_in_cloud("img01.png") == ""
