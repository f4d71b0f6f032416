"""SIGKILL at moments spread over a command; the same command again ends with the bytes of an undisturbed one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ordeals import inputs
from ordeals.children import Child, Ended, Moments, dies, in_child, run
from ordeals.trees import contents, copy, difference, remove, stamps, temporaries, touched
from ordeals.working import Result, each, spread

_LIMIT_S = 120.0


@dataclass(frozen=True)
class Command:
    """A command that is killed.

    Attributes
    ----------
    name
        What it is called here.
    arguments
        Its words; ``{source}``, ``{archive}``, ``{videos}`` and ``{target}`` are the folders of the worker.
    before
        What is done to an empty target before it, by words alike; it begins there each time.
    n_processes
        How many of it run side by side.
    edits
        Whether a person labels in the target before it.
    """

    name: str
    arguments: tuple[str, ...]
    before: tuple[str, ...] = ()
    n_processes: int = 1
    edits: bool = False


_CONVERT = ("convert", "{source}", "{target}", "--jobs", "1")

COMMANDS = (
    Command("convert", _CONVERT),
    Command("batch run with two workers", ("batch", "run", "{target}", "--jobs", "1"),
         ("batch", "plan", "{archive}", "{target}"), 2),
    Command("video convert (remux)", ("video", "convert", "{videos}/remux.mkv", "{target}/made.mp4", "--overwrite")),
    Command("video convert (encode)",
         ("video", "convert", "{videos}/encode.avi", "{target}/made.mp4", "--overwrite")),
    Command("labels", ("labels", "{target}"), _CONVERT, edits=True),
    Command("config", ("config", "{target}", "--train-batch-size", "4"), _CONVERT),
    Command("convert with other options", (*_CONVERT, "--empty-frames", "drop", "--videos", "none"), _CONVERT),
)  # fmt: skip


@dataclass(frozen=True)
class Undisturbed:
    """A command as it is when nobody kills it."""

    begins: Path  #: What the target holds before it.
    ends: dict[str, str]  #: What it holds afterwards.
    ended: Ended


class Killing:
    """The cases of one worker, whose folders stay where they are: plans and manifests hold their paths."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.seed, self.target, self._folder, self._sources = seed, folder / "target", folder, folder / "sources"
        self.source, self._archive, self._videos = (self._sources / name for name in ("source", "archive", "videos"))
        self._sources.mkdir()
        for build, where in (
            (inputs.build_moving, self.source),
            (inputs.build_archive, self._archive),
            (inputs.build_recordings, self._videos),
        ):
            in_child(partial(build, where))
        self._before = {where: stamps(where) for where in (self.source, self._archive, self._videos)}
        self._undisturbed: dict[str, Undisturbed] = {}

    def words(self, words: tuple[str, ...]) -> list[str]:
        """Return the words of a command for the folders of this worker."""
        places = {"source": self.source, "archive": self._archive, "videos": self._videos, "target": self.target}
        return [word.format(**places) for word in words]

    def untouched(self) -> str:
        """Say what was written to in the sources; empty where nothing was."""
        found = [path for where, before in self._before.items() for path in touched(before, stamps(where))]
        return f"the source was touched: {found[:3]}" if found else ""

    def undisturbed(self, command: Command) -> Undisturbed:
        """Return a command as it is undisturbed, which is tried once."""
        if command.name not in self._undisturbed:
            begins = self._folder / f"begins-{len(self._undisturbed)}"
            remove(self.target)
            self.target.mkdir()
            if command.before:
                must(run(*self.words(command.before), limit_s=_LIMIT_S))
            if command.edits:
                in_child(partial(inputs.label_some, self.target))
            copy(self.target, begins)
            ended = must(run(*self.words(command.arguments), moments=Moments(self.target), limit_s=_LIMIT_S))
            self._undisturbed[command.name] = Undisturbed(begins, contents(self.target), ended)
        return self._undisturbed[command.name]

    def start_over(self, command: Command) -> None:
        """Make the target what it is before a command."""
        copy(self.undisturbed(command).begins, self.target)

    def finish(self, command: Command) -> str:
        """Run a command again after whatever happened, and say what does not hold; empty where all does."""
        expected = self.undisturbed(command)
        again = run(*self.words(command.arguments), limit_s=_LIMIT_S)
        if again.fault or again.exit_code:
            return f"run again: {again.fault or again}"
        if left := temporaries(self.target):
            return f"temporaries left: {left[:3]}"
        if differs := difference(contents(self.target), expected.ends):
            return f"run again, {differs}"
        return self.untouched()

    def result(self, number: int) -> Result:
        """Kill one command at one moment."""
        command, turn = COMMANDS[number % len(COMMANDS)], number // len(COMMANDS)
        by_clock, place, undisturbed = bool(turn % 2), spread(turn // 2, self.seed), self.undisturbed(command)
        self.start_over(command)
        at = int(place * undisturbed.ended.n_moments)
        moments = None if by_clock else Moments(self.target, at, dies)
        processes = [
            Child(tuple(self.words(command.arguments)), moments if not n else None) for n in range(command.n_processes)
        ]
        if by_clock:
            # Several share the CPU, and then each takes longer.
            processes[0].waited(place * undisturbed.ended.seconds * command.n_processes)
            processes[0].kill()
        first = processes[0].end(_LIMIT_S)
        for other in processes[1:]:
            other.kill()
        ended = [first, *(other.end(_LIMIT_S) for other in processes[1:])]
        when = (
            f"after {place * undisturbed.ended.seconds * command.n_processes:.3f} s"
            if by_clock
            else f"at change {at} of {undisturbed.ended.n_moments}"
        )
        case = f"{command.name}, killed {when}"
        broken = next((each.fault for each in ended if each.fault), "")
        failure = broken or self.untouched() or self.finish(command)
        return Result(number, case, failure, "killed midway" if first.is_killed else "had ended")


def must(ended: Ended) -> Ended:
    """Return what became of a command that must succeed."""
    if ended.exit_code:
        raise RuntimeError(f"an undisturbed command failed: {ended}\n{ended.stdout}{ended.stderr}")
    return ended


def trial(folder: Path, seed: int, numbers: Sequence[int]) -> Iterator[Result]:
    """Try the cases of one worker."""
    return each(numbers, Killing(folder, seed).result)


#: For who tries something else with the same projects.
Finish = Callable[[Command], str]
