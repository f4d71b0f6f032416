"""Images that travel as they are: opened once to be placed, refused if they are not as planned, found if changed."""

import io
import os
import sys
from collections import Counter
from pathlib import Path

import pytest
from builder import build_project
from command import dlc2lp

from dlc2lp import migration
from dlc2lp.files import digest
from dlc2lp.options import Options, RunOptions
from dlc2lp.run import carry_out
from dlc2lp.run import place as placing
from dlc2lp.run.place import place_read


@pytest.fixture
def project(tmp_path):
    return build_project(tmp_path / "dlc", sessions=("m1", "m2"), frames=(2, 5, 9), video="none")


class Opened:
    """Counts what is opened while it is asked to; a hook can't be taken out again."""

    def __init__(self):
        self.counts = None
        sys.addaudithook(self.hear)

    def hear(self, event, args):
        # What is not there yet is asked for too; what is opened with flags of its own is heard of twice, then without
        # a mode.
        if self.counts is None or event != "open" or args[1] is None:
            return
        if isinstance(args[0], str | os.PathLike):
            self.counts[os.fspath(args[0])] += Path(args[0]).exists()

    def __enter__(self):
        self.counts = Counter()
        return self

    def __exit__(self, *_):
        self.found, self.counts = self.counts, None


@pytest.mark.parametrize("link", ["auto", "copy", "hardlink", "symlink"])
def test_an_image_is_opened_once_by_the_survey_once_to_be_placed_and_once_to_be_checked(
    project, tmp_path, monkeypatch, link
):
    monkeypatch.setattr(migration, "write_page", lambda *_: ())  # which shows some of them
    images = sorted((project.root / "labeled-data").rglob("*.png"))
    proposal = migration.propose(project.root, tmp_path / "lp", Options(link=link))
    with Opened() as opened:
        came = migration.carry_out(proposal, RunOptions(verify="none"))
    assert came.exit_code == 0
    # A link is read through itself.
    assert {opened.found[str(path)] for path in images} == {0 if link in {"hardlink", "symlink"} else 1}
    placed = sorted((tmp_path / "lp/labeled-data").rglob("*.png"))
    assert len(placed) == len(images) == 6
    assert {opened.found[str(path)] for path in placed} == {1}
    with Opened() as opened:
        migration.propose(project.root, tmp_path / "other", Options(link=link))
    assert {opened.found[str(path)] for path in images} == {1}


@pytest.mark.parametrize("link", ["auto", "copy", "hardlink", "symlink"])
def test_an_image_that_is_cut_off_after_it_was_planned_is_refused(project, tmp_path, link):
    proposal = migration.propose(project.root, tmp_path / "lp", Options(link=link))
    image = project.image("m1", "img05.png")
    size = image.stat().st_size
    os.truncate(image, size - 1)
    came = migration.carry_out(proposal)
    assert came.exit_code == 1
    (finding,) = [each for each in came.findings if each.code == "source-changed"]
    assert finding.subject == str(image)
    assert finding.message == f"found {size - 1} bytes, expected {size} as when it was planned"
    assert finding.hint
    assert not (tmp_path / "lp/labeled-data/m1").exists()
    assert not (tmp_path / "lp/.dlc2lp/scratch").exists()
    assert len(list((tmp_path / "lp/labeled-data/m2").iterdir())) == 3


def lose_a_byte(path: Path) -> None:
    """Change a byte and put the time back."""
    found, content = path.stat(), bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


def converted(project, target, link, monkeypatch, change, *options):
    """Convert, with something that happens between the last step and the check."""
    close = carry_out.close_target

    def closing(*args, **more):
        change()
        return close(*args, **more)

    with monkeypatch.context() as patch:
        patch.setattr(carry_out, "close_target", closing)
        return dlc2lp("convert", project.root, target, "--link", link, *options, "--json")


@pytest.mark.skipif(os.name != "posix", reason="elsewhere the second time is that of making")
def test_what_is_changed_between_the_last_step_and_the_check_is_told(project, tmp_path, monkeypatch):
    image = tmp_path / "lp/labeled-data/m1/img00000005.png"
    result = converted(project, tmp_path / "lp", "copy", monkeypatch, lambda: lose_a_byte(image))
    assert result.exit_code == 1
    assert result.finding("target-edited")["subject"] == "labeled-data/m1/img00000005.png"


@pytest.mark.skipif(os.name != "posix", reason="hard links need rights elsewhere")
@pytest.mark.parametrize("level", ["sample", "full"])
def test_of_a_hard_link_only_verify_and_the_full_check_know_a_byte_that_changed_without_its_time(
    project, tmp_path, monkeypatch, level
):
    """What the cheap check gives up: it believes the digest that was taken when the file was placed."""
    image = tmp_path / "lp/labeled-data/m1/img00000005.png"
    change = lambda: lose_a_byte(image)  # noqa: E731
    result = converted(project, tmp_path / "lp", "hardlink", monkeypatch, change, "--verify", level)
    told = [each["subject"] for each in result.document["findings"] if each["code"] == "target-edited"]
    assert told == ([] if level == "sample" else ["labeled-data/m1/img00000005.png"])
    found = dlc2lp("verify", tmp_path / "lp", "--json")
    assert found.exit_code == 1
    assert found.finding("target-edited")["subject"] == "labeled-data/m1/img00000005.png"


@pytest.mark.parametrize("link", ["auto", "copy", "hardlink", "symlink"])
@pytest.mark.parametrize("at_once", [True, False])
def test_the_digest_that_placing_returns_is_that_of_what_was_placed(tmp_path, monkeypatch, link, at_once):
    if not at_once:
        monkeypatch.setattr(placing, "_AT_ONCE_BYTES", 10)
    source, linked, placed = tmp_path / "source", tmp_path / "linked", tmp_path / "placed"
    source.write_bytes(b"0123456789abcdef" * 1000)
    linked.symlink_to(source)
    found = place_read(str(linked), str(placed), link)
    assert placed.read_bytes() == source.read_bytes()
    assert found == digest(placed)
    assert placed.is_symlink() == (link == "symlink")
    assert placed.samefile(source) == (link in {"hardlink", "symlink"})


def test_a_disk_that_takes_only_a_part_gets_the_rest(tmp_path, monkeypatch):
    source, placed = tmp_path / "source", tmp_path / "placed"
    source.write_bytes(b"0123456789" * 5)

    class Slow(io.FileIO):
        def write(self, rest):
            return super().write(bytes(rest[:7]))

    def opens(path, mode, buffering):
        return Slow(path, mode.replace("b", "")) if mode == "x+b" else Path(path).open(mode, buffering)

    monkeypatch.setattr(placing, "open", opens, raising=False)
    assert place_read(str(source), str(placed), "copy") == digest(source)
    assert placed.read_bytes() == source.read_bytes()


def test_what_a_clone_holds_counts_not_what_the_source_holds_by_then(tmp_path, monkeypatch):
    source, placed = tmp_path / "source", tmp_path / "placed"
    source.write_bytes(b"before")

    def clones(from_file, to_file):
        to_file.write(b"before")
        to_file.seek(0)
        source.write_bytes(b"after")
        return True

    monkeypatch.setattr(placing, "_is_cloned_linux", clones)
    assert place_read(str(source), str(placed), "auto") == digest(placed)


@pytest.mark.parametrize("link", ["auto", "copy", "hardlink"])
def test_an_image_that_is_too_large_to_be_held_is_placed_whole(tmp_path, monkeypatch, link):
    monkeypatch.setattr(placing, "_AT_ONCE_BYTES", 10)
    for n_bytes in (10, 11, 4000):
        source, placed = tmp_path / f"{n_bytes}.png", tmp_path / f"placed-{n_bytes}.png"
        source.write_bytes(b"i" * n_bytes)
        assert place_read(str(source), str(placed), link) == digest(source)
        assert placed.read_bytes() == source.read_bytes()
