"""Records of finished steps, and what a target still lacks.

"The file exists" never means "done": a step is done when its record is there and every file still has the
digest that the record names. Records hold no clock and no host, so that a disturbed and an undisturbed run end
with the same bytes.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from dlc2lp.codec import Malformed, read, to_text
from dlc2lp.files import STATE_FOLDER, FileRecord, digest, write_whole
from dlc2lp.model import Finding, Severity
from dlc2lp.planning.plan import Plan
from dlc2lp.planning.steps import Step, WriteText


@dataclass(frozen=True)
class Record:
    """A step that was carried out.

    Attributes
    ----------
    step
        Its id.
    kind
        Its kind.
    files
        What it wrote.
    done
        False between the moment when all files were ready and the moment when all stood in their places.
    detail
        What was measured on the way, such as the frames counted in a video.
    by
        ``convert``, or ``config`` where a person remade the file with ``dlc2lp config``.
    """

    written_first: ClassVar[tuple[str, ...]] = ("schema",)
    schema: ClassVar[str] = "dlc2lp/record/1"

    step: str
    kind: str
    files: tuple[FileRecord, ...]
    done: bool
    detail: dict[str, Any]
    by: str = "convert"


class State(enum.StrEnum):
    """What a step finds in the target."""

    DONE = "done"  # recorded, and the files are as recorded
    TO_DO = "to-do"  # files missing, or left by an interrupted run, or of an earlier plan
    EDITED = "edited"  # a file is there that dlc2lp did not leave so: a person's work
    HELD = "held"  # of an earlier plan, and belongs together with a file that a person changed
    KEPT = "kept"  # remade by `dlc2lp config`: a person's choice, valid


@dataclass(frozen=True)
class Assessment:
    """What a target holds of a plan.

    Attributes
    ----------
    states
        State by step id.
    edited
        By step id: the files that a person changed.
    stale
        Files that earlier plans wrote and this one does not have, still as they were written.
    orphans
        Files that earlier plans wrote and this one does not have, and that a person changed since.
    """

    states: dict[str, State]
    edited: dict[str, tuple[str, ...]]
    stale: tuple[str, ...]
    orphans: tuple[str, ...] = ()


def held(step: Step) -> Finding:
    """Return the finding for a label file that must not be written anew while another one holds a person's changes."""
    return Finding(
        Severity.ERROR,
        "labels-held",
        step.targets[0],
        "was left as it is, since another label file was changed by hand and their rows belong together; labels that "
        "are new in DeepLabCut did not arrive",
        advice="to write all label files anew and lose the changes: --edited replace; to have both, convert into a new "
        "folder and carry the changes over",
    )


def orphaned(path: str) -> Finding:
    """Return the finding for a file that a person changed and that belongs to the target no more."""
    return Finding(
        Severity.ERROR,
        "target-edited",
        path,
        "was changed since dlc2lp wrote it, and with these options and this source the target has no such file any "
        "more; it is kept, and so is everything else of the earlier migration",
        advice="move the file out of the target and run the same command again, or convert into a new folder",
    )


class Journal:
    """The records of one target.

    Parameters
    ----------
    target
        The target folder; it need not exist.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        self.folder = target / STATE_FOLDER / "steps"

    def read(self) -> dict[str, Record]:
        """All records by step id. A record that was cut off by a crash counts as none."""
        found = (_read_record(path) for path in sorted(self.folder.glob("*.json")))
        return {record.step: record for record in found if record is not None}

    def recorded(self) -> set[str]:
        """Ids of the steps that have a record, read from the names alone."""
        return {path.stem for path in self.folder.glob("*.json")}

    def write(self, record: Record) -> None:
        """Write one record whole."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_whole(self.folder / f"{record.step}.json", to_text(record).encode())

    def remove(self, step: str) -> None:
        """Forget a step of an earlier plan."""
        (self.folder / f"{step}.json").unlink(missing_ok=True)

    def assess(self, plan: Plan, steps: Sequence[Step] | None = None, *, quick: bool = False) -> Assessment:
        """Compare a plan with what lies in the target.

        Parameters
        ----------
        plan
            The whole plan.
        steps
            The steps to look at, where others see to the rest, perhaps at this moment; None: all.
        quick
            Believe in images and videos that have the recorded size and were not touched since they were recorded,
            without reading them. Texts, which people edit, are always read.
        """
        records = self.read()
        looked_at: dict[str, FileRecord | None] = dict(self._untouched(records.values())) if quick else {}
        known = _known_files(records.values())
        states, edited = {}, {}
        for step in plan.steps if steps is None else steps:
            states[step.id], changed = self._assess_step(step, records, known, looked_at)
            if changed:
                # Whoever else works on this step records a file before it appears: that record may be newer than
                # our list of records.
                records = self.read()
                known = _known_files(records.values())
                looked_at = {path: file for path, file in looked_at.items() if path not in changed}
                states[step.id], changed = self._assess_step(step, records, known, looked_at)
            if changed:
                edited[step.id] = changed
        self._hold_labels(plan, records, known, looked_at, states)
        planned = {path for step in plan.steps for path in step.targets}
        left_over = {path: now for path in sorted(known.keys() - planned) if (now := self._look(path, looked_at))}
        stale = tuple(path for path, now in left_over.items() if _key(now) in known[path])
        return Assessment(states, edited, stale, tuple(path for path in left_over if path not in stale))

    def _hold_labels(
        self,
        plan: Plan,
        records: Mapping[str, Record],
        known: Mapping[str, Mapping[tuple[int, str], str]],
        looked_at: dict[str, FileRecord | None],
        states: dict[str, State],
    ) -> None:
        """Hold back the label files that are there and would be written anew beside one that a person changed."""
        steps = [step for step in plan.steps if isinstance(step, WriteText) and step.target in plan.label_files]
        to_do = [step for step in steps if states.get(step.id) is State.TO_DO]
        if to_do and any(self._assess_step(step, records, known, looked_at)[0] is State.EDITED for step in steps):
            for step in to_do:
                if self._look(step.target, looked_at) is not None:
                    states[step.id] = State.HELD

    def _untouched(self, records: Iterable[Record]) -> Iterator[tuple[str, FileRecord]]:
        """Yield the images and videos that are as recorded, judged by their size and the order of their times.

        A file is made before the second record of its step is written; what was changed afterwards is newer than
        the record, and is read.
        """
        for record in records:
            if not record.done or record.kind == WriteText.kind:
                continue
            try:
                recorded_ns = (self.folder / f"{record.step}.json").stat().st_mtime_ns
                for file in record.files:
                    status = (self.target / file.path).stat()
                    if status.st_size == file.size_bytes and status.st_mtime_ns <= recorded_ns:
                        yield file.path, file
            except (FileNotFoundError, NotADirectoryError):
                continue

    def _assess_step(
        self,
        step: Step,
        records: Mapping[str, Record],
        known: Mapping[str, Mapping[tuple[int, str], str]],
        looked_at: dict[str, FileRecord | None],
    ) -> tuple[State, tuple[str, ...]]:
        record = records.get(step.id)
        expected = {file.path: _key(file) for file in record.files} if record else {}
        now = {path: self._look(path, looked_at) for path in step.targets}
        changed = tuple(
            path for path, file in now.items() if file is not None and _key(file) not in known.get(path, {})
        )
        if changed:
            return State.EDITED, changed
        if record and record.done and all(file and _key(file) == expected.get(path) for path, file in now.items()):
            return State.DONE, ()
        if all(file and known[path][_key(file)] == "config" for path, file in now.items()):
            return State.KEPT, ()
        return State.TO_DO, ()

    def _look(self, path: str, looked_at: dict[str, FileRecord | None]) -> FileRecord | None:
        if path not in looked_at:
            try:
                looked_at[path] = digest(self.target / path)
            except (FileNotFoundError, NotADirectoryError):
                looked_at[path] = None
        return looked_at[path]


def _read_record(path: Path) -> Record | None:
    try:
        return read(Record, path.read_bytes())
    except (FileNotFoundError, Malformed):
        return None


def _key(file: FileRecord) -> tuple[int, str]:
    return file.size_bytes, file.digest


def _known_files(records: Iterable[Record]) -> dict[str, dict[tuple[int, str], str]]:
    """Return, by path, every content that dlc2lp ever left there and which command did."""
    known: dict[str, dict[tuple[int, str], str]] = {}
    for record in records:
        for file in record.files:
            known.setdefault(file.path, {})[_key(file)] = record.by
    return known
