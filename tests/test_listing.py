"""Listings of folders: what changes them, and when they prove nothing."""

import os
import re

import pytest

from dlc2lp import listing
from dlc2lp.listing import Listing, Place, listing_of

SECOND = 1_000_000_000


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "root"
    (root / "labeled-data/m1").mkdir(parents=True)
    (root / "labeled-data/m1/img1.png").write_bytes(b"123")
    (root / "config.yaml").write_text("Task: x\n")
    (root / ".hidden").mkdir()
    (root / ".hidden/index").write_text("")
    return root


def listed(tree, extent="tree", **options):
    found = listing_of([Place(str(tree), extent)], **options)
    assert found is not None
    return found.digest


def test_the_same_folders_give_the_same_listing_and_nothing_is_written(tree):
    before = sorted(tree.rglob("*"))
    assert listed(tree) == listed(tree)
    assert sorted(tree.rglob("*")) == before


def test_a_text_is_read_whatever_its_times_and_number_are(tree, monkeypatch):
    """As on a file system that keeps no second time: all but the content is left out of what is compared."""
    line = listing._Lister.line
    monkeypatch.setattr(listing._Lister, "line", lambda *args: re.sub(r" [0-9]{10,}", "", line(*args)))
    before = listed(tree)
    (tree / "labeled-data/m1/img1.png").write_bytes(b"124")
    assert listed(tree) == before
    (tree / "config.yaml").write_text("Task: y\n")
    assert listed(tree) != before


@pytest.mark.parametrize("name", ["labeled-data/m1/img2.png", "labeled-data/m2/", "videos/"])
def test_what_is_new_shows(tree, name):
    before = listed(tree)
    if name.endswith("/"):
        (tree / name).mkdir()
    else:
        (tree / name).write_bytes(b"")
    assert listed(tree) != before


def test_hidden_folders_count_only_where_they_are_asked_for(tree):
    plain, hidden = listed(tree), listed(tree, hidden=True)
    (tree / ".hidden/index").write_text("changed")
    assert listed(tree) == plain
    assert listed(tree, hidden=True) != hidden


def test_what_is_left_out_may_change(tree):
    left_out = [str(tree / "labeled-data/m1/img1.png"), str(tree / ".hidden")]
    before = listed(tree, hidden=True, but=left_out)
    (tree / "labeled-data/m1/img1.png").write_bytes(b"1234")
    (tree / ".hidden/more").write_bytes(b"1234")
    assert listed(tree, hidden=True, but=left_out) == before


def test_around_a_project_only_files_that_a_survey_may_use_count(tree):
    before = listed(tree, "folder")
    (tree / "notes.docx").write_bytes(b"")
    (tree / "said.json").write_bytes(b"{}")  # dlc2lp convert ... --json > said.json
    (tree / "lp").mkdir()
    assert listed(tree, "folder") == before
    (tree / "m1.AVI").write_bytes(b"")
    assert listed(tree, "folder") != before


@pytest.mark.parametrize("extent", ["file", "tree", "folder"])
def test_a_file_that_is_not_there_may_come_and_be_changed(tree, extent):
    path = tree / "later.mp4"
    before = listed(path, extent)
    path.write_bytes(b"")
    new = listed(path, extent)
    path.write_bytes(b"1")
    assert len({before, new, listed(path, extent)}) == 3


def test_what_no_file_can_be_called_is_no_fault(tree):
    assert listed(f"{tree}/a\0b.mp4", "file") == listed(f"{tree}/a\0b.mp4", "file")
    assert listed(f"{tree}/a\udc80b.mp4", "file") == listed(f"{tree}/a\udc80b.mp4", "file")


@pytest.mark.skipif(os.name != "posix", reason="links need rights elsewhere")
def test_links_are_followed_once_and_end(tree, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tree / "labeled-data/m3").symlink_to(elsewhere)
    (elsewhere / "back").symlink_to(tree)
    before = listed(tree)
    (elsewhere / "img1.png").write_bytes(b"")
    after = listed(tree)
    assert after != before
    (tree / "labeled-data/m3").unlink()
    (tree / "labeled-data/m3").symlink_to(elsewhere, target_is_directory=True)
    assert listed(tree) == after
    (tree / "dead").symlink_to(tmp_path / "nowhere")
    dead = listed(tree)
    (tmp_path / "nowhere").write_bytes(b"")
    assert listed(tree) != dead


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may look into everything")
def test_a_folder_that_may_not_be_looked_into_shows_when_it_may(tree):
    inner = tree / "labeled-data/m1"
    inner.chmod(0)
    try:
        closed = listed(tree)
    finally:
        inner.chmod(0o755)
    assert listed(tree) != closed


def test_a_listing_proves_nothing_of_files_as_young_as_itself():
    at = 1_000 * SECOND + 500
    assert Listing("", at - 30_000_000, 0).is_settled(at)
    assert not Listing("", at - 10_000_000, 0).is_settled(at)
    assert not Listing("", at + SECOND, 0).is_settled(at), "from a clock that is ahead"
    assert not Listing("", at - SECOND, 0).is_settled(at, 2 * SECOND)
    # Whole seconds may be all that a file system knows, and FAT knows only every second one.
    assert not Listing("", 999 * SECOND, 0).is_settled(at)
    assert Listing("", 997 * SECOND, 0).is_settled(at)
    assert Listing("", at, at - 30_000_000).shows_changes(at), "what was read needs no time"
    assert not Listing("", at, at - 10_000_000).shows_changes(at)


def test_places_that_hold_too_much_are_not_listed(tree, monkeypatch):
    monkeypatch.setattr("dlc2lp.listing._MOST_FILES", 1)
    assert listing_of([Place(str(tree), "tree")]) is None
