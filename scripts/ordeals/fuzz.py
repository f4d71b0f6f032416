"""Mutated files through the front door: no fault, no hang, no gigabyte, nothing touched that is not the target.

A forked child does a few hundred cases, each in its own time; whatever kills it is that case's failure, and the next
child goes on behind it.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import select
import shlex
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from random import Random

from ordeals import children
from ordeals.children import Ended
from ordeals.doors import DOORS, Door, make_folders
from ordeals.hdf import note_sound
from ordeals.trees import Stamp, copy, remove, stamps, touched
from ordeals.working import Result, chance

_N_TO_A_CHILD = 200
_LIMIT_S = 20.0
_MOST_BYTES = 10**9
#: What a child may ask for at all; beyond, it gets a MemoryError instead of the machine's last byte.
_EXTRA_BYTES = 3 * 2**29

#: How often a file becomes something that is no ordinary file.
_P_ODD_KIND = 0.02

#: What a mutated file has to end with: done, failed, refused; or wrong, where it is one that a person writes.
_EXITS = {0, 1, 2, 3}


class Fuzzing:
    """The folders of one worker, and how they were."""

    def __init__(self, root: Path, seed: int) -> None:
        self.root, self.seed = root, seed
        make_folders(root)
        self._pristine = root.with_name("pristine")
        copy(root, self._pristine)
        for path in root.rglob("*.h5"):
            note_sound(path.read_bytes())
        self._stamps: dict[str, dict[str, Stamp]] = {}
        self._files = {
            door.name: [
                str(path.relative_to(root)) for path in sorted((root / door.below).glob(door.pattern)) if path.is_file()
            ]
            for door in DOORS
        }
        if empty := [name for name, files in self._files.items() if not files]:
            raise RuntimeError(f"no file behind {empty}")

    def look(self) -> None:
        """Note how everything is, before the first case of a child."""
        self._stamps = {path.name: stamps(path) for path in self.root.iterdir()}

    def result(self, number: int) -> Result:
        """Mutate one file, run one command that reads it, and put everything back."""
        randomly = chance(self.seed, "fuzz", number)
        door = randomly.choices(DOORS, [door.weight for door in DOORS])[0]
        name = randomly.choice(self._files[door.name])
        command = randomly.choice(door.commands)
        case = f"{door.name}: {name}, {command.split(' {')[0]}"
        words = [word.format_map(_Places(self.root, name)) for word in shlex.split(command)]
        self._mutate(randomly, door, self.root / name)
        before = stamps(self.root / door.below) if door.below not in door.writes else {}
        ended = _run_here([*words, "--json", "-q"])
        failure = _wrong(ended, may_be_missing="{file}" in command)
        if before:
            failure = failure or _named(touched(before, stamps(self.root / door.below)))
        self._put_back(name)
        return Result(number, case, failure or self._elsewhere(door), door.name if failure else "")

    def _mutate(self, randomly: Random, door: Door, path: Path) -> None:
        if randomly.random() < _P_ODD_KIND:
            remove(path)
            randomly.choice(
                (path.mkdir, lambda: path.symlink_to(path.name), lambda: path.symlink_to("nowhere"), lambda: None)
            )()
            return
        content = path.read_bytes()
        for _ in range(randomly.choice((1, 1, 1, 2, 3))):
            content = door.mutation(randomly, content)
        path.write_bytes(content.replace(b"{precious}", os.fsencode(self.root / "outside" / "precious")))

    def _put_back(self, name: str) -> None:
        path, pristine = self.root / name, self._pristine / name
        if path.is_symlink() or not path.is_file():
            remove(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pristine.read_bytes())
        status = pristine.stat()
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    def _elsewhere(self, door: Door) -> str:
        """Look after all else that the case could reach, and put back what the command may write to."""
        failure = ""
        for name in dict.fromkeys((*door.writes, "outside", "plain", "archive")):
            root, before = self.root / name, self._stamps.get(name)
            if before is None:
                remove(root)
            elif touched(before, found := stamps(root)):
                if name not in door.writes:
                    failure = failure or _named(touched(before, found))
                copy(self._pristine / name, root)
                self._stamps[name] = stamps(root)
        strange = sorted({path.name for path in self.root.iterdir()} - self._stamps.keys())
        for name in strange:
            remove(self.root / name)
        return failure or (f"made beside the target: {strange}" if strange else "")


class _Places(dict[str, str]):
    """The folders of a worker by name, and the mutated file."""

    def __init__(self, root: Path, name: str) -> None:
        super().__init__(file=str(root / name))
        self._root = root

    def __missing__(self, name: str) -> str:
        return str(self._root / name)


def _named(paths: Sequence[str]) -> str:
    return f"touched: {', '.join(paths[:3])}" if paths else ""


def _wrong(ended: Ended, *, may_be_missing: bool) -> str:
    if ended.fault:
        return ended.fault
    if ended.exit_code not in _EXITS or ("wrong-usage" in ended.codes and not may_be_missing):
        return f"found {ended}, expected exit 0, 1, 2 or 3"
    if not ended.stdout.lstrip().startswith("{"):
        return f"exit {ended.exit_code} without a JSON document: {ended.stderr[-300:]}"
    peak = children.peak_bytes()
    return f"{peak / 1e6:.0f} MB of memory" if peak > _MOST_BYTES else ""


def _run_here(words: list[str]) -> Ended:
    """Run a command in this very process."""
    from dlc2lp.cli.main import run

    began = time.monotonic()
    stdout, stderr = (
        io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors=how) for how in ("strict", "backslashreplace")
    )
    with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        try:
            exit_code = run(words)
        except BaseException:  # what gets here is a traceback, which is what must never be
            import traceback

            exit_code = 1
            traceback.print_exc(file=stderr)
    texts = []
    for said in (stdout, stderr):
        said.flush()
        texts.append(said.buffer.getvalue().decode("utf-8", "replace"))  # type: ignore[attr-defined]
    return Ended(exit_code, *texts, time.monotonic() - began, 0)


def trial(folder: Path, seed: int, numbers: Sequence[int]) -> Iterator[Result]:
    """Try the cases of one worker, in one child after another."""
    fuzzing = Fuzzing(folder / "work", seed)
    waiting = list(numbers)
    while waiting:
        results = list(_in_a_child(fuzzing, waiting[:_N_TO_A_CHILD]))
        yield from results
        children.end_orphans()
        waiting = waiting[len(results) :]


def _in_a_child(fuzzing: Fuzzing, numbers: Sequence[int]) -> Iterator[Result]:
    """Yield results until all cases are tried or one killed the child, which is the last."""
    ear, mouth = os.pipe()
    process = children.forked(lambda: _be_child(fuzzing, numbers, ear, mouth))
    os.close(mouth)
    n_told, why = 0, ""
    for line in _lines(ear):
        if line is None:
            why = f"did not end within {_LIMIT_S:.0f} s"
            os.kill(process, signal.SIGKILL)
            break
        n_told += 1
        yield Result(**json.loads(line))
    os.close(ear)
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    if n_told < len(numbers) and code:
        yield Result(numbers[n_told], _case(fuzzing, numbers[n_told]), why or f"the process ended with {code}")
        _repair(fuzzing)


def _lines(ear: int) -> Iterator[bytes | None]:
    """Yield lines as they come, None where none comes for too long."""
    rest = b""
    while select.select([ear], [], [], _LIMIT_S)[0]:
        piece = os.read(ear, 2**16)
        if not piece:
            return
        *lines, rest = (rest + piece).split(b"\n")
        yield from lines
    yield None


def _repair(fuzzing: Fuzzing) -> None:
    """Put everything back after a case that could not do so itself."""
    for path in fuzzing.root.iterdir():
        remove(path)
    for path in fuzzing.root.with_name("pristine").iterdir():
        copy(path, fuzzing.root / path.name)


def _case(fuzzing: Fuzzing, number: int) -> str:
    randomly = chance(fuzzing.seed, "fuzz", number)
    return randomly.choices(DOORS, [door.weight for door in DOORS])[0].name


def _be_child(fuzzing: Fuzzing, numbers: Sequence[int], ear: int, mouth: int) -> None:
    os.close(ear)
    nowhere = os.open(os.devnull, os.O_RDWR)
    sys.stderr = open(os.dup(2), "w", encoding="utf-8", errors="backslashreplace")  # noqa: SIM115, PTH123
    for descriptor in (0, 1, 2):  # where libraries speak for themselves
        os.dup2(nowhere, descriptor)
    children.limit_memory(_EXTRA_BYTES)
    fuzzing.look()
    with os.fdopen(mouth, "w", encoding="utf-8") as told:
        for number in numbers:
            result = fuzzing.result(number)
            told.write(json.dumps(asdict(result)) + "\n")
            told.flush()
            if children.peak_bytes() > _MOST_BYTES:
                break  # or every later case would be blamed too
