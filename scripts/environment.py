"""Make the virtual environment of a script, or reuse it: ``python environment.py DIR [EXTRAS]``.

DIR gets an editable install of this clone, with the extras (for example ``test``). Standard output gets the
path of its interpreter, standard error the words. A marker in DIR, written last, says what it was made from:
after a run that was cut short, for another Python, a moved clone or changed requirements it is made anew.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Sequence
from pathlib import Path

CLONE = Path(__file__).resolve().parents[1]
#: Where the environments go: this, and others beside it.
VENV = Path(os.environ.get("DLC2LP_VENV") or CLONE / ".venv").absolute()
MARKER = ".dlc2lp-environment"
UNFINISHED = "being made"
PIP = ("-m", "pip", "--disable-pip-version-check", "--no-input", "-qq")
PAUSES_S = (5, 30)  # between the tries: package indexes have hiccups


def ingredients(extras: str) -> str:
    """Hash of all that the environment is made from."""
    parts = [sys.version, sys.base_prefix, str(CLONE), extras]
    parts += [(CLONE / name).read_text(encoding="utf-8") for name in ("setup.cfg", "pyproject.toml")]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def interpreter(directory: Path) -> Path:
    """The environment's own Python."""
    return directory / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def is_complete(directory: Path, wanted: str) -> bool:
    """Whether the environment was finished from the wanted ingredients and its Python still starts."""
    marker = directory / MARKER
    if not marker.is_file() or marker.read_text(encoding="utf-8") != wanted:
        return False
    try:
        return subprocess.run([interpreter(directory), "-c", ""], check=False).returncode == 0
    except OSError:  # its interpreter is a link to a Python that was uninstalled
        return False


def make(directory: Path, extras: str) -> None:
    """Make the environment from nothing; only a folder that this script made is emptied."""
    marker = directory / MARKER
    if directory.is_dir() and any(directory.iterdir()) and not marker.is_file():
        sys.exit(f"{directory} was not made by this script, so it is left alone; set DLC2LP_VENV to another path")
    version = ".".join(map(str, sys.version_info[:3]))
    print(f"making {directory} with Python {version} (once, about a minute)", file=sys.stderr)
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    marker.write_text(UNFINISHED, encoding="utf-8")
    venv.create(directory, with_pip=True, symlinks=os.name != "nt")
    requirement = f"{CLONE}[{extras}]" if extras else str(CLONE)
    # What pip prints belongs to the words: standard output is for the path alone.
    install = [interpreter(directory), *PIP, "install", "--retries", "5", "-e", requirement]
    for pause_s in PAUSES_S:
        if subprocess.run(install, stdout=sys.stderr, check=False).returncode == 0:
            return
        print(f"pip failed; trying again in {pause_s} s", file=sys.stderr)
        time.sleep(pause_s)
    if subprocess.run(install, stdout=sys.stderr, check=False).returncode != 0:
        sys.exit(f"pip could not install dlc2lp into {directory}; its words stand above")


def beside(directory: Path, what: str) -> Path:
    """The environment beside another that is for something else: ``.venv-demo``."""
    return directory.with_name(f"{directory.name}-{what}")


def command_of(python: str, name: str) -> str:
    """The path of a program that came into an environment."""
    return str(Path(python).with_name(f"{name}.exe" if os.name == "nt" else name))


def made(directory: Path, extras: str = "", python: Sequence[str] = (sys.executable,)) -> str:
    """Make an environment of a Python, or reuse it; return its interpreter."""
    argv = [*python, __file__, directory, extras]
    done = subprocess.run(argv, stdout=subprocess.PIPE, check=False, encoding="utf-8")
    return done.stdout.strip() if done.returncode == 0 else sys.exit(done.returncode)


def main() -> None:
    """Make or reuse the environment that the command line names."""
    directory = Path(sys.argv[1]).absolute()
    extras = sys.argv[2] if len(sys.argv) > 2 else ""
    wanted = ingredients(extras)
    if not is_complete(directory, wanted):
        make(directory, extras)
        (directory / MARKER).write_text(wanted, encoding="utf-8")
    print(interpreter(directory))


if __name__ == "__main__":
    main()
