"""What the README shows is what happens: its commands are run, and their output is compared word for word."""

import re
from pathlib import Path

import pytest
from command import dlc2lp
from console import console_blocks, expect_output

from dlc2lp.batch.decisions import read_decisions
from dlc2lp.options import Options

README = Path(__file__).resolve().parents[1] / "README.md"


def commands_shown():
    """Command and expected output of every command, in order."""
    commands = console_blocks(README)
    # `dlc2lp demo` itself shows the convert command that it runs: that line is output, not a command.
    demo = commands.index(["dlc2lp demo", ""])
    shown, output = commands.pop(demo + 1)
    commands[demo][1] = f"$ {shown}\n{output}"
    return commands


def test_the_commands_give_the_output_that_is_shown(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("dlc2lp.cli.commands.has_gpu", lambda: True)  # without one, one step more is told
    commands = commands_shown()
    assert len(commands) > 5
    for line, expected in commands:
        expect_output(line, expected, tmp_path)


def test_the_python_example_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert dlc2lp("demo", "-q").exit_code == 0
    (example,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    exec(compile(example, "README.md", "exec"), {})
    assert capsys.readouterr().out == "0 Count(source=97, written=97, left_out=0)\n"


def test_the_decisions_that_are_shown_are_understood(tmp_path):
    (example,) = re.findall(r"```yaml\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "decisions.yaml").write_text(example, encoding="utf-8")
    decisions = read_decisions(tmp_path / "decisions.yaml")
    assert decisions.apply("arena/pair-2019", Options(), Path("/archive")).individuals == "split"
    assert decisions.apply("reach/top", Options(), Path("/archive")).views == (
        ("top", Path("/archive/reach/top")),
        ("side", Path("/archive/reach/side")),
    )
    assert decisions.skips("arena/pair-2019-copy")
    assert decisions.skips("reach/side")


def test_every_exit_code_is_explained():
    from dlc2lp import errors

    codes = {value for name, value in vars(errors).items() if name.startswith("EXIT_")}
    table = README.read_text(encoding="utf-8").split("## Exit codes")[1]
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)} == codes


@pytest.mark.parametrize("path", re.findall(r"\]\((docs/[^)#]+)\)", README.read_text(encoding="utf-8")))
def test_linked_documents_exist(path):
    assert (README.parent / path).exists()
