"""The walk through shows what happens: its commands are run on the data that it names."""

import re
from pathlib import Path

from console import console_blocks, expect_output

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "walkthrough.md"


def test_the_commands_give_the_output_that_is_shown(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    from pictures.openfield import make_openfield

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("dlc2lp.cli.commands.has_gpu", lambda: True)  # without one, one step more is told
    commands = console_blocks(PAGE)
    assert [line.split()[1] for line, _ in commands] == ["inspect", "explain", "convert", "verify"]
    make_openfield(Path("openfield-Ada-2021-03-14"))
    for line, expected in commands:
        expect_output(line, expected, tmp_path)


def test_its_pictures_are_there():
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", PAGE.read_text(encoding="utf-8"))
    assert len(pictures) > 6
    for picture in pictures:
        assert (PAGE.parent / picture).is_file(), picture
