"""What workers say of themselves, each in a file of its own: the only place of a batch that holds clocks and hosts.

One worker appends to its file and nobody else does, so no line is ever torn by another writer, on any file system;
one that is cut off by a crash is passed over. ``batch status`` reads these files and no others. They are a story, not
the truth: what is done, a worker always reads from the target's own records. Where planning or finishing finds that
what was done is there no more, they add it to the story.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, TextIO

from dlc2lp.batch.index import STATE_FOLDER
from dlc2lp.batch.shards import Shard
from dlc2lp.codec import read, to_line
from dlc2lp.errors import TargetRefused
from dlc2lp.files import lines_of, open_regular
from dlc2lp.inside import StepId
from dlc2lp.model import Finding, Severity
from dlc2lp.run.at_work import HEARTBEAT_S, LOST_AFTER_S
from dlc2lp.temporaries import Tag, own_tag

LOG_FOLDER = f"{STATE_FOLDER}/log"

#: How often finished steps are written down.
_FLUSH_S = 5.0

_ID_BYTES = 8

#: Stands in the name of a file in which something is taken back.
_TAKEN_BACK = Shard(0, 0)


@dataclass(frozen=True)
class Said:
    """A line of a worker's file."""


@dataclass(frozen=True)
class _Began(Said):
    shard: str
    tag: str
    n_cpus: int
    job: str
    at: float


@dataclass(frozen=True)
class _Ended(Said):
    end: Literal["done", "stopped"]
    at: float


@dataclass(frozen=True)
class _AboutTarget(Said):
    target: str


@dataclass(frozen=True)
class _TargetBegan(_AboutTarget):
    began: int
    at: float


@dataclass(frozen=True)
class _TargetEnded(_AboutTarget):
    ended: bool


@dataclass(frozen=True)
class _Done(_AboutTarget):
    done: tuple[StepId, ...]
    cost: int
    seconds: float


@dataclass(frozen=True)
class _FoundDone(_AboutTarget):
    found: tuple[StepId, ...]


@dataclass(frozen=True)
class _Failed(_AboutTarget):
    failed: tuple[StepId, ...]
    findings: tuple[Finding, ...]
    at: float


@dataclass(frozen=True)
class _Lost(_AboutTarget):
    lost: tuple[StepId, ...]


class WorkLog:
    """The file of this worker. Open it with ``with``; it is alive as long as the block runs."""

    def __init__(self, out: Path, shard: Shard, n_cpus: int) -> None:
        # Finer than seconds: what is taken back of a worker's work sorts behind it, also where that took no second.
        stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
        self._path = out / LOG_FOLDER / f"{stamp}-{_name(shard)}-{own_tag()}.jsonl"
        self._lock = threading.RLock()
        self._done: dict[str, list[tuple[str, int, float]]] = {}
        self._flushed = time.monotonic()
        self._ended = threading.Event()
        self.told: tuple[Finding, ...] = ()  #: That nothing can be written down.
        self._file: TextIO | None = None
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("a", encoding="ascii")
        except OSError as error:
            if not os.access(out, os.W_OK | os.X_OK):  # then no target can be written either
                raise TargetRefused.not_writable(self._path, error) from error
            why = f"can't be written ({error.strerror or error}); the work goes on, and `batch status` does not see it"
            advice = "see to it; what is done, the targets themselves tell"
            self.told = (Finding(Severity.WARNING, "log-unwritable", str(self._path), why, advice=advice),)
        self._write(_Began(str(shard), str(own_tag()), n_cpus, _job(), time.time()))

    def __enter__(self) -> Self:
        threading.Thread(target=self._beat, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        with self._lock:
            self._flush()
            self._write(_Ended("done" if kind is None else "stopped", time.time()))
            if self._file is not None:
                with contextlib.suppress(OSError):
                    self._file.close()

    def began(self, target: str, n_steps: int) -> None:
        """Note that work on a target begins."""
        self._write(_TargetBegan(target, n_steps, time.time()))

    def done(self, target: str, step: str, cost: int, seconds: float) -> None:
        """Note a step that was carried out."""
        with self._lock:
            self._done.setdefault(target, []).append((step, cost, seconds))
            if time.monotonic() - self._flushed > _FLUSH_S:
                self._flush()

    def found_done(self, target: str, steps: Sequence[str]) -> None:
        """Note steps that an earlier worker had carried out and not written down."""
        if steps:
            self._write(_FoundDone(target, tuple(steps)))

    def failed(self, target: str, steps: Sequence[str], findings: Iterable[Finding]) -> None:
        """Note steps that could not be carried out, and why."""
        self._write(_Failed(target, tuple(steps), tuple(findings), time.time()))

    def lost(self, target: str, steps: Sequence[str]) -> None:
        """Note steps that were carried out once, and whose files or records are there no more."""
        self._write(_Lost(target, tuple(steps)))

    def ended(self, target: str) -> None:
        """Note that work on a target ended, however it did."""
        with self._lock:
            self._flush()
            self._write(_TargetEnded(target, ended=True))

    def _flush(self) -> None:
        for target, done in self._done.items():
            steps, costs, seconds = zip(*done, strict=True)
            self._write(_Done(target, steps, sum(costs), round(sum(seconds), 3)))
        self._done.clear()
        self._flushed = time.monotonic()

    def _write(self, said: Said) -> None:
        # A full disk must not end the worker for the sake of its story.
        with self._lock, contextlib.suppress(OSError):
            if self._file is not None:
                self._file.write(to_line(said))
                self._file.flush()

    def _beat(self) -> None:
        while not self._ended.wait(HEARTBEAT_S):
            with contextlib.suppress(OSError):
                os.utime(self._path)


def _name(shard: Shard) -> str:
    return f"{shard.number}of{shard.of}"


def _job() -> str:
    """Name the scheduler's job, for people who look for its log."""
    array, task = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    if array and task:
        return f"{array}_{task}"
    return next(filter(None, map(os.environ.get, ("SLURM_JOB_ID", "JOB_ID", "PBS_JOBID"))), "")


@dataclass
class Worker:
    """One worker, as its file tells."""

    name: str  #: Name of its file.
    #: What it saw to, as which job, in which process.
    shard: str = ""
    job: str = ""
    tag: str = ""
    n_cpus: int = 1  #: How many steps it may have in hand at a time.
    #: When it began, and when it was last heard of; seconds since 1970.
    began_s: float = 0.0
    last_s: float = 0.0
    ended: str = ""  #: ``done`` or ``stopped``; empty while it is at work, or where it was killed.
    cost: int = 0  #: What it has carried out.
    targets: set[str] = field(default_factory=set)  #: Targets that it is working on.

    def is_alive(self, now_s: float) -> bool:
        """Whether it is at work, as far as can be told from here."""
        tag = Tag.of(self.tag)
        return not self.ended and now_s - self.last_s < LOST_AFTER_S and not (tag and tag.is_gone)


@dataclass
class Story:
    """What all workers together said."""

    workers: list[Worker] = field(default_factory=list)  #: All of them, the earliest first.
    #: Targets that some worker began with, and the shard of the last one.
    begun: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)  #: Time spent on each target.
    unread: list[Finding] = field(default_factory=list)  #: What of it could not be read, and why.
    _done: dict[str, bytearray] = field(default_factory=dict)  # the steps' ids, packed: millions of them
    _failed: dict[str, dict[str, list[Finding]]] = field(default_factory=dict)

    def done(self, target: str) -> set[str]:
        """Return the ids of a target's steps that are carried out."""
        packed = self._done.get(target, b"")
        return {packed[start : start + _ID_BYTES].hex() for start in range(0, len(packed), _ID_BYTES)}

    def failed(self, target: str) -> tuple[set[str], list[Finding]]:
        """Return the ids of a target's steps that failed and were not carried out since, and why they failed."""
        said = self._failed.get(target, {})
        left = said.keys() - self.done(target)
        return left, list(dict.fromkeys(finding for step in sorted(left) for finding in said[step]))

    def is_gone(self, tag: Tag) -> bool:
        """Whether the process that made a temporary has ended."""
        now_s = time.time()
        known = [worker for worker in self.workers if worker.tag == str(tag)]
        return tag.is_gone or any(not worker.is_alive(now_s) for worker in known)

    def add(self, worker: Worker, said: Said) -> None:
        """Take in one line of a worker's file."""
        worker.last_s = max(worker.last_s, getattr(said, "at", 0.0))
        match said:
            case _Began():
                worker.shard, worker.job, worker.tag, worker.began_s = said.shard, said.job, said.tag, said.at
                worker.n_cpus = max(1, said.n_cpus)
            case _Ended():
                worker.ended = said.end
                worker.targets.clear()
            case _TargetBegan():
                worker.targets.add(said.target)
                self.begun[said.target] = worker.shard
            case _TargetEnded():
                worker.targets.discard(said.target)
            case _Lost():
                self._forget(said.target, set(said.lost))
                if not self._done.get(said.target):
                    self.begun.pop(said.target, None)
            case _Failed():
                # Whoever tries a step has seen that it is not done any more, or that a person changed what it had made.
                self._forget(said.target, set(said.failed))
                why = {step: list(said.findings) for step in said.failed}
                self._failed.setdefault(said.target, {}).update(why)
            case _FoundDone():
                self._add_done(said.target, said.found, 0.0)
            case _Done():
                self._add_done(said.target, said.done, said.seconds)
                worker.cost += said.cost

    def _add_done(self, target: str, steps: Sequence[str], seconds: float) -> None:
        self._done.setdefault(target, bytearray()).extend(bytes.fromhex("".join(steps)))
        self.seconds[target] = self.seconds.get(target, 0.0) + seconds

    def _forget(self, target: str, steps: set[str]) -> None:
        """Take steps for not done, until somebody does them again."""
        done = self.done(target)
        if done & steps:
            self._done[target] = bytearray(bytes.fromhex("".join(sorted(done - steps))))


def read_story(out: Path, shard: Shard | None = None) -> Story:
    """Read what all workers of an archive said, or only those who saw to one shard.

    A worker does with the latter: among thousands, each would read what all others said.
    """
    story = Story()
    wanted = None if shard is None else (f"-{_name(shard)}-", f"-{_name(_TAKEN_BACK)}-")
    try:
        paths = sorted((out / LOG_FOLDER).iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return story
    except OSError as error:
        story.unread.append(_unread(out / LOG_FOLDER, error))
        return story
    for path in paths:
        if path.suffix != ".jsonl" or (wanted and not any(part in path.name for part in wanted)):
            continue
        worker = Worker(path.name)
        try:
            with open_regular(path) as file:
                for line in lines_of(file):
                    with contextlib.suppress(ValueError):  # damaged or cut off by a crash, and so passed over
                        story.add(worker, read(Said, line))
        except FileNotFoundError:
            pass
        except OSError as error:
            story.unread.append(_unread(path, error))
            continue
        with contextlib.suppress(OSError):
            worker.last_s = max(worker.last_s, path.stat().st_mtime)
        story.workers.append(worker)
    return story


def _unread(path: Path, error: OSError) -> Finding:
    why = f"could not be read ({error.strerror or error}), so what is told may be less than what was done"
    advice = "ask its owner for permission to read it; the targets themselves are not concerned"
    return Finding(Severity.WARNING, "log-unreadable", str(path), why, advice=advice)


def note_lost(out: Path, lost: Mapping[str, Sequence[str]]) -> None:
    """Take back steps of targets that the story takes for done, so that they are submitted again."""
    if lost:
        with WorkLog(out, _TAKEN_BACK, 0) as log:
            for target, steps in lost.items():
                log.lost(target, steps)
