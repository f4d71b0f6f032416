"""TAB completes commands, options, values and files, as docs/install.md says it is switched on."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from dlc2lp.cli.main import cli

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
BASH = shutil.which("bash")

#: What the documentation has people type once, by the shell.
COMMANDS = dict(re.findall(r"^\| (bash|zsh|fish)[^|]*\| `([^`]+)`", (ROOT / "docs/install.md").read_text(), re.M))

#: What bash does when somebody presses TAB behind some words.
PRESS_TAB = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
complete -p dlc2lp >/dev/null || exit 9
_dlc2lp_completion dlc2lp
printf '%s\\n' "${COMPREPLY[@]}"
"""


def completed(*words: str) -> list[str]:
    found = ShellComplete(cli, {}, "dlc2lp", "_DLC2LP_COMPLETE").get_completions(list(words[:-1]), words[-1])
    return [each.value for each in found]


def test_commands_options_and_values_are_completed() -> None:
    assert completed("con") == ["convert", "config"] or set(completed("con")) == {"convert", "config"}
    assert completed("batch", "f") == ["finish"]
    assert "--frame-names" in completed("convert", "--frame")
    assert set(completed("convert", "--frame-names", "")) == {"lp", "keep"}
    assert completed("batch", "plan", "--labels", "n") == ["newest"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_what_the_documentation_has_one_type_writes_the_script(shell: str, tmp_path: Path) -> None:
    command, file = re.fullmatch(r"(_DLC2LP_COMPLETE=\w+ dlc2lp) > ~/(\S+)", COMMANDS[shell]).groups()  # type: ignore[union-attr]
    variable, _, value = command.removesuffix(" dlc2lp").partition("=")
    argv = [sys.executable, "-m", "dlc2lp"]
    done = subprocess.run(
        argv, env=os.environ | {variable: value}, capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode and shell == "bash" and "bash" in done.stderr.lower():
        pytest.skip("click asks the bash of this machine for its version")
    assert done.returncode == 0, done.stderr
    assert "dlc2lp" in done.stdout and "_COMPLETE" in done.stdout
    assert Path(file).suffix in {".bash", ".zsh", ".fish"}


@pytest.mark.skipif(BASH is None or not (BIN / "dlc2lp").exists(), reason="no bash, or dlc2lp is not installed")
def test_a_real_bash_completes(tmp_path: Path) -> None:
    here = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "HOME": str(tmp_path)}
    subprocess.run([BASH, "-c", COMMANDS["bash"]], env=here, check=True, timeout=60)
    (script,) = (path for path in tmp_path.iterdir() if path.suffix == ".bash")

    def press_tab(*words: str) -> set[str]:
        argv = [BASH, "--norc", "-c", PRESS_TAB, "bash", str(script), "dlc2lp", *words]
        done = subprocess.run(argv, env=here, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return set(done.stdout.split())

    assert press_tab("con") == {"convert", "config"}
    assert press_tab("convert", "--frame-names", "") == {"lp", "keep"}
    assert "missing-image" in press_tab("explain", "missing-im")
