"""The plan of an archive: one line of JSON for each target, read as a stream.

The work itself stands in each target's own ``.dlc2lp/plan.json``, as ``dlc2lp convert`` would write it. The index
holds of every step only what it weighs, so that a shard of a hundred thousand projects is found without opening one of
their plans, and no more than one line is in memory. Beside it stands what each line weighs and where it begins, a
hundredth of its size: a worker reads that, and of the index only its own lines. The same archive and options give the
same bytes.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self

from dlc2lp import codec
from dlc2lp.errors import (
    Dlc2LpError,
    NotPlanned,
    PlanReplaced,
    TargetRefused,
    UsageError,
    disk_error,
    disk_trouble,
    raise_disk_trouble,
)
from dlc2lp.files import NotRegular, TooLarge, lines_of, open_regular, write_whole
from dlc2lp.inside import InnerPath, StepId
from dlc2lp.model import Command, Finding
from dlc2lp.planning.plan import Count, CountKeys, Plan
from dlc2lp.planning.steps import EncodeVideo, Step
from dlc2lp.renaming import remove
from dlc2lp.run.target import check_is_folder
from dlc2lp.version import __version__
from dlc2lp.wording import counted

#: dlc2lp's own folder inside OUT.
STATE_FOLDER = ".dlc2lp-batch"
INDEX_FILE = f"{STATE_FOLDER}/index.jsonl"

#: What opening, checking and recording one file costs, in bytes copied in the same time, roughly: for balance only.
_FILE_COST = 100_000

#: A finding as it stands in the lines: with what settles it, which the decisions file asks for.
IndexedFinding = codec.ByFields[Finding]

#: Labeled frames and cells: how many the source has, how many were written and left out; empty where nobody knows.
SomeCounts = Annotated[Mapping[str, Count], codec.Keys(CountKeys.names, may_be_empty=True)]

EntryState = Literal["planned", "needs-decision", "refused", "skipped"]

_DIGEST_CHARS = 16


def plan_digest(text: str) -> str:
    """Return what tells one plan of a target from another."""
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_CHARS]


class IndexedStep(NamedTuple):
    """What the index tells of a step."""

    #: As in the target's plan.
    id: StepId
    kind: str
    cost: int  #: What it costs to carry it out, in bytes copied in the same time.
    space_bytes: int  #: Estimate of what it writes.
    #: Frames of its video, and pixels of all of them where they are encoded.
    n_frames: int
    n_pixels: int
    n_threads: int  #: How many CPUs it keeps busy.

    @classmethod
    def of(cls, step: Step) -> Self:
        """Return what the index tells of a step."""
        n_frames, n_pixels, n_threads = getattr(step, "n_frames", 0), 0, 1
        if isinstance(step, EncodeVideo):
            n_pixels, n_threads = n_frames * step.width_px * step.height_px, step.threads
        cost = step.weight + _FILE_COST * len(step.targets)
        return cls(step.id, step.kind, cost, step.space_bytes, n_frames, n_pixels, n_threads)


@dataclass(frozen=True)
class IndexEntry:
    """One target of an archive, or a project that gets none."""

    project: str  #: The project's path relative to the root, with ``/``.
    #: The project's absolute path; the target's path relative to OUT, with ``/``.
    source: str
    target: InnerPath
    #: ``planned``; ``needs-decision`` or ``refused``, and then the findings say why; ``skipped`` by a decision.
    state: EntryState
    individual: str = ""  #: The individual whose target this is, where a project is split; else empty.
    plan: str = ""  #: Digest of the target's ``plan.json``; empty where there is none.
    identity: tuple[str, ...] = ()  #: Task, scorer, date and views of the project, which its copies share.
    findings: tuple[IndexedFinding, ...] = ()  #: Why it is not planned. Of a planned one the plan itself holds them.
    twins: tuple[InnerPath, ...] = ()  #: Targets of the project's other individuals, which hold the same videos.
    #: Paths relative to the root of the other projects that are its cameras, where it is a multi-view one.
    cameras: tuple[str, ...] = ()
    steps: tuple[IndexedStep, ...] = ()  #: What there is to do.
    #: What a project holds that is not planned, as far as that is known. Of a planned one the plan itself says it.
    counts: SomeCounts = field(default_factory=dict, hash=False)

    @classmethod
    def of_plan(cls, project: str, target: str, plan: Plan, individual: str = "", targets: Sequence[str] = ()) -> Self:
        """Return the entry of a project that can be migrated, where it is split with the targets of all individuals."""
        return cls(
            project,
            plan.source,
            target,
            "planned",
            individual,
            plan_digest(plan.to_text()),
            (*plan.project.values(), *plan.views),  # a camera's project is no copy of the one that joins all cameras
            twins=tuple(other for other in targets if other != target),
            steps=tuple(map(IndexedStep.of, plan.steps)),
        )

    @property
    def cost(self) -> int:
        """What all its steps cost."""
        return sum(step.cost for step in self.steps)


@dataclass(frozen=True)
class Totals:
    """Sums over an index, known before its lines are read."""

    #: Lines, those with a plan, and steps of all plans.
    n_entries: int = 0
    n_planned: int = 0
    n_steps: int = 0
    cost: int = 0  #: What all steps cost.

    def plus(self, entry: IndexEntry) -> Totals:
        """Return the sums with one more entry."""
        return Totals(
            self.n_entries + 1,
            self.n_planned + (entry.state == "planned"),
            self.n_steps + len(entry.steps),
            self.cost + entry.cost,
        )


class Weight(NamedTuple):
    """What a target weighs."""

    target: InnerPath  #: As in the index.
    cost: int  #: What all its steps cost.
    at: int  #: Where its line begins, in bytes behind the index's header.


@dataclass
class Lines:
    """What is known of an index's lines when all were read once."""

    totals: Totals = field(default_factory=Totals)  #: Sums over them.
    #: What each target with steps weighs, in the order of the lines.
    weights: list[Weight] = field(default_factory=list)
    _at: int = 0
    _digest: Any = field(default_factory=hashlib.sha256)

    def add(self, line: str) -> IndexEntry:
        """Take in the next line; return its entry."""
        entry = codec.read(IndexEntry, line)
        self.totals = self.totals.plus(entry)
        if entry.steps:
            self.weights.append(Weight(entry.target, entry.cost, self._at))
        content = line.encode()
        self._at += len(content)
        self._digest.update(content)
        return entry

    @property
    def weights_file(self) -> str:
        """Name of the file of weights: another one for other lines."""
        return f"{STATE_FOLDER}/weights-{self._digest.hexdigest()[:16]}.jsonl"


@dataclass(frozen=True)
class _Header:
    """The first line of an index."""

    written_first: ClassVar[tuple[str, ...]] = ("schema",)
    schema: ClassVar[str] = "dlc2lp/batch-index/1"

    dlc2lp_version: str
    root: str
    options: Mapping[str, Any]
    totals: Totals
    findings: tuple[Finding, ...]
    weights: Annotated[str, codec.Says("pattern", r"^\.dlc2lp-batch/weights-[0-9a-f]{16}\.jsonl$")]


@dataclass(frozen=True)
class Index:
    """The plan of an archive, without its lines."""

    out: Path  #: Where targets go; where the index was found, so that OUT can be moved or mounted elsewhere.
    root: str  #: The archive, absolute.
    options: Mapping[str, Any]  #: What was chosen for all projects.
    totals: Totals  #: Sums over the lines.
    findings: tuple[Finding, ...]  #: What came up while the archive was searched.
    weights_file: str  #: Where the weights stand, relative to OUT.

    @classmethod
    def read(cls, out: Path) -> Self:
        """Read the index of OUT.

        Raise :exc:`NotPlanned` where it has none, and ``plan-unreadable``: a :exc:`TargetRefused` where it may not be
        read, a :exc:`UsageError` where it is of another version, or damaged.
        """
        path = out / INDEX_FILE
        try:
            with open_regular(path) as file:
                header = codec.read(_Header, next(lines_of(file), b""))
            return cls(out, header.root, header.options, header.totals, header.findings, header.weights)
        except (FileNotFoundError, NotADirectoryError) as error:
            check_is_folder(out)
            why = f"found no {INDEX_FILE}, so no archive was planned for this folder"
            remedies = (Command(f"dlc2lp batch plan ROOT {out}"),)
            raise NotPlanned.of("not-planned", str(out), why, advice="{}", remedies=remedies) from error
        except (NotRegular, TooLarge) as error:
            raise _damaged(path, str(error.strerror)) from error
        except OSError as error:
            raise_disk_trouble(path, error)
            why = f"could not be read: {error.strerror or error}"
            advice = "ask its owner for permission to read it, or choose another OUT"
            raise TargetRefused.of("plan-unreadable", str(path), why, advice=advice) from error
        except codec.Malformed as error:
            raise _damaged(path, f"is no plan that this version of dlc2lp wrote ({error})") from error

    def entries(self) -> Iterator[IndexEntry]:
        """Read the lines, one at a time.

        Raise ``plan-unreadable`` where one is damaged or missing, and :exc:`PlanReplaced` where somebody has planned
        anew since the header was read.
        """
        path, totals = self.out / INDEX_FILE, Totals()
        try:
            with open_regular(path) as file:
                lines = lines_of(file)
                self._check_header(next(lines, b""))
                for line in lines:
                    entry = codec.read(IndexEntry, line)
                    totals = totals.plus(entry)
                    yield entry
        except (OSError, codec.Malformed) as error:
            raise _unread(path, f"line {totals.n_entries + 2}", error) from error
        if totals != self.totals:
            raise _damaged(path, f"found {counted(totals.n_entries, 'target')}, expected {self.totals.n_entries}")

    def _check_header(self, line: bytes) -> None:
        """See to it that the index is still the one of which the header was read."""
        if codec.read(_Header, line).weights != self.weights_file:
            raise self._replaced()

    def _replaced(self) -> PlanReplaced:
        return PlanReplaced.of(
            "plan-replaced", str(self.out), "the archive is being planned anew", advice="run the same command again"
        )

    def planned(self) -> Iterator[IndexEntry]:
        """Read the lines of projects that are migrated."""
        return (entry for entry in self.entries() if entry.state == "planned")

    def weights(self) -> list[Weight]:
        """Read what each target with steps weighs; raise as :meth:`entries`."""
        path = self.out / self.weights_file
        try:
            with open_regular(path) as file:
                found = [codec.read(Weight, line) for line in lines_of(file)]
            if sum(weight.cost for weight in found) == self.totals.cost:
                return found
            why = "does not hold every target of the plan"
        except (OSError, codec.Malformed) as error:
            if disk_error(error) is not None:
                raise _unread(path, "it", error) from error
            why = f"can't be read ({error})"
        if type(self).read(self.out).weights_file != self.weights_file:
            raise self._replaced()
        raise _damaged(path, why)

    @contextlib.contextmanager
    def reader(self) -> Iterator[Callable[[Weight], IndexEntry]]:
        """Lend what reads single lines; it raises ``plan-unreadable`` where one is damaged."""
        path = self.out / INDEX_FILE
        try:
            file = open_regular(path)
        except OSError as error:
            raise _unread(path, "it", error) from error
        with file:
            try:
                header = next(lines_of(file), b"")
                self._check_header(header)
            except (OSError, codec.Malformed) as error:
                raise _unread(path, "line 1", error) from error
            start = len(header)

            def read(weight: Weight) -> IndexEntry:
                try:
                    file.seek(start + weight.at)
                    entry = codec.read(IndexEntry, next(lines_of(file), b""))
                    if (entry.target, entry.cost) == (weight.target, weight.cost):
                        return entry
                except (OSError, codec.Malformed) as error:
                    raise _unread(path, weight.target, error) from error
                raise _damaged(path, f"found no line of {weight.target} where one was expected")

            yield read


def _unread(path: Path, what: str, error: OSError | codec.Malformed) -> Dlc2LpError:
    """Return the error for a part of a plan that can't be read: damaged, or on a disk that fails."""
    if isinstance(error, OSError) and (trouble := disk_trouble(path, error)) is not None:
        return trouble
    return _damaged(path, f"{what} can't be read ({error})")


def _damaged(path: Path, why: str) -> UsageError:
    advice = "plan again: {}, with the same options; what is done stays done"
    if path.is_dir():  # which no file can replace
        advice = f"move that folder out of the way, and {advice}"
    remedies = (Command(f"dlc2lp batch plan ROOT {path.parents[1]}"),)
    return UsageError.of("plan-unreadable", str(path), why, advice=advice, remedies=remedies)


def write_index(index: Index, weights: Iterable[Weight], lines: Iterable[str]) -> None:
    """Write an index whole."""
    header = _Header(__version__, index.root, index.options, index.totals, index.findings, index.weights_file)
    write_whole(index.out / index.weights_file, (codec.to_line(weight).encode() for weight in weights))
    write_whole(index.out / INDEX_FILE, (line.encode() for line in itertools.chain([codec.to_line(header)], lines)))
    for path in (index.out / STATE_FOLDER).glob("weights-*.jsonl"):
        if path.name != Path(index.weights_file).name:
            remove(path)
