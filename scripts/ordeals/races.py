"""Several commands at once, sources and plans that change in the middle, signals that come early."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from ordeals import inputs
from ordeals.children import Child, Ended, Moments, in_child, orphans, run
from ordeals.kill import COMMANDS, Command, Killing, must
from ordeals.trees import contents, difference, remove, stamps
from ordeals.working import Result, each, spread

_LIMIT_S = 120.0
_CONVERT, _RUN, _REMUX, _ENCODE = COMMANDS[:4]

#: No command may be blamed on what is good: these begin the codes that do.
_ACCUSING = ("video-", "encode-", "remux-", "image-", "frames-")

#: How long a command may wait for the other before that is let go on.
_PATIENCE_S = 4.0

#: How long ffmpeg may outlive the dlc2lp that was killed.
_FFMPEG_ENDS_S = 3.0

#: It tells how the run went, whatever the files.
_REPORT = "migration-report.html"

_DROP = ("--empty-frames", "drop")


class Racing(Killing):
    """The cases of one worker."""

    def __init__(self, folder: Path, seed: int) -> None:
        super().__init__(folder, seed)
        self._changed = folder / "changed"
        in_child(partial(inputs.build_changed, self._changed, self.source))
        self._ends: dict[str, tuple[int, dict[str, str]]] = {}

    def result(self, number: int) -> Result:
        """Have one race at one moment."""
        name, race = list(CASES.items())[number % len(CASES)]
        place = spread(number // len(CASES), self.seed)
        return Result(number, f"{name}, at {place:.3f} of its duration", race(self, place))

    # --- two at once ----------------------------------------------------------------------------------------

    def two(self, command: Command, place: float) -> str:
        """Two of one command, the second beginning while the first works."""
        expected = self.undisturbed(command)
        self.start_over(command)
        words = (*self.words(command.arguments), "--json")
        first = Child(words)
        first.waited(place * expected.ended.seconds)
        both = [child.end(_LIMIT_S) for child in (first, Child(words))]
        if wrong := self._blames(both):
            return wrong
        if all(ended.exit_code for ended in both):
            return f"neither succeeded: {both[0]}, {both[1]}"
        if not any(ended.exit_code for ended in both) and (differs := difference(contents(self.target), expected.ends)):
            return f"both ended with 0, and {differs}"
        return self.finish(command)

    def _blames(self, ended: Sequence[Ended]) -> str:
        for each_ended in ended:
            if each_ended.fault:
                return each_ended.fault
            accused = [code for code in each_ended.codes if code.startswith(_ACCUSING)]
            if each_ended.exit_code not in {0, 1, 3, 75} or accused:
                return f"found {each_ended}, expected exit 0, 1, 3 or 75 and nothing that blames a good file"
        return ""

    # --- what changes in the middle -------------------------------------------------------------------------

    def source_changes(self, names: Sequence[str], place: float) -> str:
        """Files of the source are replaced while it is converted: what was planned is what is placed, or it is told."""
        expected = self.undisturbed(_CONVERT)
        kept = {name: (self.source / name).read_bytes() for name in names}
        stand_ins = {name: (self._changed / name).read_bytes() for name in names}
        after = self._end_of_changed(names, kept, stand_ins)
        self.start_over(_CONVERT)

        def act(ago: int, event: str, path: str) -> None:
            if not ago:
                self._put(stand_ins)

        moments = Moments(self.target, int(place * expected.ended.n_moments), act)
        ended = run(*self.words(_CONVERT.arguments), "--json", moments=moments, limit_s=_LIMIT_S)
        self._before[self.source] = stamps(self.source)
        try:
            return self._settled(ended, expected.ends, after)
        finally:
            self._put(kept)
            self._before[self.source] = stamps(self.source)

    def _settled(self, ended: Ended, old: dict[str, str], after: tuple[int, dict[str, str]]) -> str:
        if ended.fault:
            return ended.fault
        found, (exit_code, new) = contents(self.target), after
        if ended.exit_code == 0 and found not in (old, new):
            return f"exit 0, and neither what was planned nor what is there now: {difference(found, old)}"
        strange = sorted(
            path
            for path in found
            if not (_is_state(path) or path == _REPORT) and found[path] not in {old.get(path), new.get(path)}
        )
        if strange:
            return f"exit {ended.exit_code}, and {strange[:3]} are neither as planned nor as they are now"
        again = run(*self.words(_CONVERT.arguments), limit_s=_LIMIT_S)
        if again.fault or again.exit_code != exit_code:
            return f"run again: {again.fault or again}, expected exit {exit_code}"
        differs = difference(_without_state(contents(self.target)), _without_state(new))
        return f"run again, {differs}" if differs else self.untouched()

    def _end_of_changed(
        self, names: Sequence[str], kept: dict[str, bytes], stand_ins: dict[str, bytes]
    ) -> tuple[int, dict[str, str]]:
        """What a target holds that is converted from the changed source, over one of the source as it was."""
        key = " ".join(names)
        if key not in self._ends:
            self.start_over(_CONVERT)
            must(run(*self.words(_CONVERT.arguments), limit_s=_LIMIT_S))
            self._put(stand_ins)
            ended = run(*self.words(_CONVERT.arguments), limit_s=_LIMIT_S)
            self._ends[key] = ended.exit_code, contents(self.target)
            self._put(kept)
            self._before[self.source] = stamps(self.source)
        return self._ends[key]

    def _put(self, files: dict[str, bytes]) -> None:
        for name, content in files.items():
            path = self.source / name
            stand_in = path.with_name(f".{path.name}.new")
            stand_in.write_bytes(content)
            stand_in.replace(path)

    def target_goes(self, place: float) -> str:
        """The target's folder is removed in the middle."""
        expected = self.undisturbed(_CONVERT)
        self.start_over(_CONVERT)

        def act(ago: int, event: str, path: str) -> None:
            if not ago:
                shutil.rmtree(self.target, ignore_errors=True)

        moments = Moments(self.target, int(place * expected.ended.n_moments), act)
        ended = run(*self.words(_CONVERT.arguments), "--json", moments=moments, limit_s=_LIMIT_S)
        if ended.fault:
            return ended.fault
        if ended.exit_code not in {0, 1, 3}:
            return f"found {ended}, expected exit 1"
        if ended.exit_code == 0 and (differs := difference(contents(self.target), expected.ends)):
            return f"exit 0, and {differs}"
        return self.finish(_CONVERT)

    def plan_replaced(self, rival: Sequence[str], worker: Sequence[str], place: float) -> str:
        """An archive is planned anew, with another option, while it is planned or worked on."""
        n_moments = self.undisturbed(_RUN).ended.n_moments if worker[1] == "run" else 40
        if not self._ends.get("dropped"):
            self.start_over(_RUN)
            for words in (("batch", "plan", "{archive}", "{target}", *_DROP), _RUN.arguments):
                must(run(*self.words(words), limit_s=_LIMIT_S))
            self._ends["dropped"] = 0, contents(self.target)
        self.start_over(_RUN)
        both = self._interrupted_by(worker, rival, int(place * n_moments))
        for ended in both:
            if ended.fault:
                return ended.fault
            if ended.exit_code not in {0, 1, 75}:
                return f"found {ended}, expected exit 0, 1 or 75"
        for words in (("batch", "plan", "{archive}", "{target}", *_DROP), _RUN.arguments):
            again = run(*self.words(words), limit_s=_LIMIT_S)
            if again.fault or again.exit_code:
                return f"{' '.join(words[:2])} afterwards: {again.fault or again}"
        differs = difference(contents(self.target), self._ends["dropped"][1])
        return f"afterwards, {differs}" if differs else self.untouched()

    def _interrupted_by(self, words: Sequence[str], rival: Sequence[str], at: int) -> list[Ended]:
        """Hold a command at a moment until another has ended, or waits for it."""
        reached, held = os.pipe(), os.pipe()

        def act(ago: int, event: str, path: str) -> None:
            if not ago:
                os.write(reached[1], b"!")
                os.read(held[0], 1)

        first = Child((*self.words(tuple(words)), "--json"), Moments(self.target, at, act))
        os.close(reached[1])
        os.read(reached[0], 1)  # or nothing, once it has ended
        second = Child((*self.words(tuple(rival)), "--json"))
        second.waited(_PATIENCE_S)
        os.write(held[1], b"!")
        ended = [first.end(_LIMIT_S), second.end(_LIMIT_S)]
        for descriptor in (reached[0], *held):
            os.close(descriptor)
        return ended

    # --- signals --------------------------------------------------------------------------------------------

    def early_signal(self, number: signal.Signals, place: float) -> str:
        """A signal while Python still imports what the command needs."""
        began = time.monotonic()
        subprocess.run([sys.executable, "-c", ""], check=True)
        bare_s = time.monotonic() - began
        words = [sys.executable, "-m", "dlc2lp", "inspect", str(self.source)]
        began = time.monotonic()
        subprocess.run([*words[:3], "--version"], check=True, stdout=subprocess.DEVNULL, cwd=_root())
        ready_s = time.monotonic() - began
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=_root())
        # Before Python has started, no program of it can hear a signal.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(bare_s + place * (1.3 * ready_s))
        process.send_signal(number)
        told = process.communicate(timeout=_LIMIT_S)[1]
        if "Traceback" in told:
            return f"traceback: {told.strip().splitlines()[-1]}"
        return "" if process.returncode in {0, 75} else f"exit {process.returncode}, expected 75"

    def ffmpeg_outlives(self, place: float) -> str:
        """dlc2lp alone is killed in the middle of an encode."""
        long, made = self._videos / "long.avi", self.target / "made.mp4"
        if not long.exists():
            in_child(partial(inputs.build_long, long))
            self._before[self._videos] = stamps(self._videos)
        remove(self.target)
        self.target.mkdir()
        child = Child(("video", "convert", long, made, "--preset", "placebo", "--crf", "1", "--threads", "1"))
        if child.waited(0.4 + place * 0.6):
            return f"ended before it could be killed: {child.end()}"
        os.kill(child.process, signal.SIGKILL)
        child.end()
        end = time.monotonic() + _FFMPEG_ENDS_S
        while (left := _running(orphans())) and time.monotonic() < end:
            time.sleep(0.02)
        return f"{left} still run {_FFMPEG_ENDS_S:.0f} s after dlc2lp was killed" if left else self.untouched()


def _running(processes: Sequence[int]) -> list[str]:
    """Forget those that have ended, and name the others."""
    names = []
    for process in processes:
        with contextlib.suppress(ChildProcessError):
            if os.waitpid(process, os.WNOHANG)[0]:
                continue
        with contextlib.suppress(OSError):
            names.append(Path(f"/proc/{process}/comm").read_text(encoding="utf-8").strip())
    return names


def _is_state(path: str) -> bool:
    return path.startswith(".dlc2lp/")


def _without_state(held: dict[str, str]) -> dict[str, str]:
    return {path: digest for path, digest in held.items() if not _is_state(path)}


def _root() -> Path:
    return Path(__file__).resolve().parents[2]


_PLAN = ("batch", "plan", "{archive}", "{target}")

#: What races with what.
CASES: dict[str, Callable[[Racing, float], str]] = {
    "two converts of one target": lambda racing, place: racing.two(_CONVERT, place),
    "two batch runs of one archive": lambda racing, place: racing.two(_RUN, place),
    "two remuxes to one file": lambda racing, place: racing.two(_REMUX, place),
    "two encodes to one file": lambda racing, place: racing.two(_ENCODE, place),
    "a placed video changes": lambda racing, place: racing.source_changes(["videos/placed.mp4"], place),
    "a remuxed video changes": lambda racing, place: racing.source_changes(["videos/remuxed.mkv"], place),
    "an encoded video changes": lambda racing, place: racing.source_changes(["videos/encoded.avi"], place),
    "an image changes": lambda racing, place: racing.source_changes(["labeled-data/placed/img2.png"], place),
    "labels change": lambda racing, place: racing.source_changes(
        [f"labeled-data/placed/CollectedData_Anna.{suffix}" for suffix in ("csv", "h5")], place
    ),
    "the target is removed": lambda racing, place: racing.target_goes(place),
    "planned anew during batch run": lambda racing, place: racing.plan_replaced(
        (*_PLAN, *_DROP), _RUN.arguments, place
    ),
    "planned anew during batch plan": lambda racing, place: racing.plan_replaced((*_PLAN, *_DROP), _PLAN, place),
    "an early Ctrl-C": lambda racing, place: racing.early_signal(signal.SIGINT, place),
    "an early SIGTERM": lambda racing, place: racing.early_signal(signal.SIGTERM, place),
    "dlc2lp killed, ffmpeg not": lambda racing, place: racing.ffmpeg_outlives(place),
}


def trial(folder: Path, seed: int, numbers: Sequence[int]) -> Iterator[Result]:
    """Try the cases of one worker."""
    return each(numbers, Racing(folder, seed).result)
