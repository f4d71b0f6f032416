"""Disks that fill, turn read-only or fail midway: told as trouble of the disk, and mended by the same command later."""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from dlc2lp.files import PAGE_FILE
from ordeals import mounts
from ordeals.children import Act, Ended, Moments, run
from ordeals.kill import COMMANDS, Command, Killing
from ordeals.trees import contents, difference, temporaries
from ordeals.working import Result, chance, each, spread

ROOM_BYTES = 400 * 2**20
_LIMIT_S = 120.0

#: What trouble of the disk is called.
_CODES = {"no-space", "disk-failed", "target-not-writable"}
_ERRORS = (errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.ESTALE, errno.ENOTCONN)
_READ_ERRORS = (errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.ETIMEDOUT)

#: ``config`` and the two commands that read a single video are as good for all kinds of trouble.
_COMMANDS = tuple(replace(command, n_processes=1) for command in COMMANDS)


class Trouble(NamedTuple):
    """What happens to a disk: in words, which files are watched for the moment, and what is done then."""

    words: str
    moments: Moments


def check_machine() -> None:
    """Raise LeftOut where no disk can be mounted."""
    mounts.check()


class Failing(Killing):
    """The cases of one worker, whose targets lie on a disk of their own."""

    def __init__(self, folder: Path, seed: int) -> None:
        super().__init__(folder, seed)
        mounts.enter()
        self.disk = folder / "disk"
        self.disk.mkdir()
        mounts.mount(self.disk, ROOM_BYTES)
        self.target = self.disk / "target"
        self._path = mmap.mmap(-1, 4096)  #: Which file could not be read or written first.
        self._n_opened: dict[str, int] = {}

    def result(self, number: int) -> Result:
        """Have one kind of trouble come at one moment of one command."""
        command, turn = _COMMANDS[number % len(_COMMANDS)], number // len(_COMMANDS)
        kinds = (self._fills, self._turns_read_only, self._is_small, self._fails_to_write, self._fails_to_read)
        kind, place = kinds[turn % len(kinds)], spread(turn // len(kinds), self.seed)
        mounts.resize(self.disk, ROOM_BYTES)
        self.start_over(command)
        self._path[:] = bytes(len(self._path))
        trouble = kind(command, place, number)
        ended = run(*self.words(command.arguments), "--json", moments=trouble.moments, limit_s=_LIMIT_S)
        mounts.resize(self.disk, ROOM_BYTES)
        name = Path(os.fsdecode(self._path[:].rstrip(b"\0"))).name
        case = f"{command.name}, {trouble.words}{f' ({name})' if name else ''}"
        failure = (
            self._told(command, ended, name if trouble.moments.reads else "")
            or self.untouched()
            or self.finish(command)
        )
        return Result(number, case, failure, f"exit {ended.exit_code}")

    def _told(self, command: Command, ended: Ended, name: str) -> str:
        """Say what is wrong with how a command ended; empty where it may.

        A source file that can't be read, ``name``, may be told by its name alone.
        """
        is_told = bool(name) and any(name in str(finding) for finding in ended.findings)
        if ended.fault:
            return ended.fault
        if ended.exit_code == 0:
            # All was done before; what a dead disk does not let it remove, the next command does.
            left = [Path(path) for path in temporaries(self.target)]
            found = {path: digest for path, digest in contents(self.target).items() if not _is_below(path, left)}
            # A page that did not find room is told, and costs no exit code.
            unshown = {PAGE_FILE} if "report-not-written" in ended.codes else set()
            expected = {path: digest for path, digest in self.undisturbed(command).ends.items() if path not in unshown}
            lost = difference({path: digest for path, digest in found.items() if path not in unshown}, expected)
            return f"exit 0 and {lost}" if lost and not is_told else ""
        if ended.exit_code not in {1, 3} or not (is_told or not _CODES.isdisjoint(ended.codes)):
            return f"found {ended}, expected exit 1 or 3 with one of {', '.join(sorted(_CODES))}"
        return ""

    def _at(self, command: Command, place: float) -> int:
        return int(place * self.undisturbed(command).ended.n_moments)

    def _fills(self, command: Command, place: float, number: int) -> Trouble:
        at, spare = self._at(command, place), chance(self.seed, "disk", number).choice((0, 1, 2, 5, 20)) * 4096

        def act(ago: int, event: str, path: str) -> None:
            if not ago:
                mounts.fill(self.disk, spare)

        return Trouble(f"the disk left with {spare} bytes at change {at}", Moments(self.target, at, act))

    def _turns_read_only(self, command: Command, place: float, number: int) -> Trouble:
        at = self._at(command, place)

        def act(ago: int, event: str, path: str) -> None:
            with contextlib.suppress(OSError):  # somebody writes at this moment; then at the next one
                mounts.make_read_only(self.disk)

        return Trouble(f"the disk read-only from change {at}", Moments(self.target, at, act))

    def _is_small(self, command: Command, place: float, number: int) -> Trouble:
        spare = int(place * 300_000) // 4096 * 4096
        mounts.fill(self.disk, spare)
        return Trouble(f"a disk with room for {spare} bytes from the start", Moments(self.target))

    def _fails_to_write(self, command: Command, place: float, number: int) -> Trouble:
        at, why = self._at(command, place), chance(self.seed, "disk", number).choice(_ERRORS)
        return Trouble(f"{errno.errorcode[why]} from change {at} on", Moments(self.target, at, self._raising(why)))

    def _fails_to_read(self, command: Command, place: float, number: int) -> Trouble:
        randomly = chance(self.seed, "disk", number)
        why, is_one = randomly.choice(_READ_ERRORS), randomly.random() < 0.5
        at = int(place * self._n_reads(command))
        words = f"{errno.errorcode[why]} of source file {at}{' alone' if is_one else ' and all later ones'}"
        return Trouble(words, Moments(self._sources, at, self._raising(why, only_one=is_one), reads=True))

    def _n_reads(self, command: Command) -> int:
        """How many files of its sources a command opens."""
        if command.name not in self._n_opened:
            moments = Moments(self._sources, reads=True)
            opened = run(*self.words(command.arguments), moments=moments, limit_s=_LIMIT_S)
            self._n_opened[command.name] = opened.n_moments
            self.start_over(command)
        return self._n_opened[command.name]

    def _raising(self, why: int, *, only_one: bool = False) -> Act:
        """Have calls fail from a moment on, or those for the file of that moment alone."""
        noted = self._path

        def act(ago: int, event: str, path: str) -> None:
            name = os.fsencode(path)[:4000]
            if not noted[:1].strip(b"\0"):
                noted[: len(name)] = name
            if not only_one or noted[:].rstrip(b"\0") == name:
                raise OSError(why, os.strerror(why), path)

        return act


def _is_below(path: str, folders: Sequence[Path]) -> bool:
    return any(folder in (Path(path), *Path(path).parents) for folder in folders)


def trial(folder: Path, seed: int, numbers: Sequence[int]) -> Iterator[Result]:
    """Try the cases of one worker."""
    return each(numbers, Failing(folder, seed).result)
