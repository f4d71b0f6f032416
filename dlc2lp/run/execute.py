"""Carries out the steps of a plan: the only writer of targets.

Every file is made under a temporary name inside the target, checked, recorded as about to appear, renamed into
its place and recorded as done. Whatever kills the process, what stands under a final name is whole; the next
run finds by the records what is left.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any, Protocol, assert_never, cast

from dlc2lp.errors import Dlc2LpError, Interrupted, TargetRefused, VideoFailed
from dlc2lp.files import STATE_FOLDER, digest, own_tag
from dlc2lp.model import Finding, Severity, VideoInfo
from dlc2lp.options import RunOptions
from dlc2lp.planning.plan import Plan
from dlc2lp.planning.steps import (
    EncodeVideo,
    ExtractFrames,
    ImagePlacement,
    PlaceImages,
    PlaceVideo,
    RemuxVideo,
    Step,
    VideoStep,
    WriteText,
)
from dlc2lp.run.journal import Journal, Record, State, held
from dlc2lp.run.place import place
from dlc2lp.run.scratch import make_folder, workplace
from dlc2lp.video.checks import VideoOrder, against_source
from dlc2lp.video.convert import make_video
from dlc2lp.video.cpus import allowed_cpus
from dlc2lp.video.encoding import Action, EncodeSettings
from dlc2lp.video.frames import cut_frames, encode_image, encode_png, read_image, to_eight_bit
from dlc2lp.video.probe import probe
from dlc2lp.wording import counted

#: Where files are made before they get their names; on the target's own disk, so that a rename suffices.
SCRATCH = f"{STATE_FOLDER}/scratch"


class Observer(Protocol):
    """Who wants to know how a run goes on: a progress bar, a log, nobody. Called from several threads."""

    def compared(self, n_sessions: int, n_all: int, n_frames: int) -> None:
        """Before anything is planned: the images of so many sessions of all are compared with their videos."""

    def decided(self, plan: Plan) -> None:
        """A plan is made; nothing is written yet."""

    def planned(self, steps: Sequence[Step]) -> None:
        """These steps are to be done."""

    def started(self, step: Step) -> None:
        """A step begins."""

    def advanced(self, step: Step, n_frames: int) -> None:
        """A step has written so many frames in all."""

    def finished(self, step: Step, state: str) -> None:
        """A step ended: ``done``, ``skipped`` or ``failed``."""


class Nobody:
    """An observer that does not look."""

    def compared(self, n_sessions: int, n_all: int, n_frames: int) -> None:
        """Do nothing."""

    def decided(self, plan: Plan) -> None:
        """Do nothing."""

    def planned(self, steps: Sequence[Step]) -> None:
        """Do nothing."""

    def started(self, step: Step) -> None:
        """Do nothing."""

    def advanced(self, step: Step, n_frames: int) -> None:
        """Do nothing."""

    def finished(self, step: Step, state: str) -> None:
        """Do nothing."""


@dataclass
class Run:
    """What came of a run.

    Attributes
    ----------
    done, skipped, failed
        Ids of the steps that were carried out, that were done already, and that failed.
    findings
        What failed and what was kept.
    """

    done: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def execute(
    plan: Plan,
    states: dict[str, State],
    edited: dict[str, tuple[str, ...]],
    run_options: RunOptions,
    observer: Observer,
    stop: threading.Event,
    steps: Sequence[Step] | None = None,
) -> Run:
    """Carry out all steps that are not done; one that fails does not stop the others.

    Parameters
    ----------
    plan, states, edited
        What to do, and what of it the target holds already.
    run_options
        How it is done.
    observer
        Hears of every step.
    stop
        Set it to stop cleanly.
    steps
        The steps to see to, where others see to the rest, perhaps at the same time; None: all.

    Raises
    ------
    Interrupted
        ``stop`` was set; finished steps stay finished, nothing half-made is left.
    """
    target = Path(plan.target)
    for folder in plan.folders:
        (target / folder).mkdir(parents=True, exist_ok=True)
    run = Run()
    work: list[Step] = []
    for step in sorted(plan.steps if steps is None else steps, key=lambda step: (-step.weight, step.id)):
        state = states[step.id]
        if state is State.EDITED and run_options.edited != "replace":
            run.failed.append(step.id)
            run.findings += [_edited(path) for path in edited[step.id]]
            state = State.KEPT
        elif state is State.HELD and run_options.edited != "replace":
            run.failed.append(step.id)
            run.findings.append(held(step))
            state = State.KEPT
        if state in {State.DONE, State.KEPT}:
            if step.id not in run.failed:
                run.skipped.append(step.id)
            observer.finished(step, "skipped")
        else:
            work.append(step)
    observer.planned(work)
    worker = _Worker(target, run_options, observer, stop)
    try:
        _run_all(work, worker, run_options.jobs or allowed_cpus(), run, stop)
    finally:
        leave_scratch(target)
    return run


def leave_scratch(target: Path) -> None:
    """Remove the folder of temporaries, unless another process still has some there."""
    with contextlib.suppress(OSError):
        (target / SCRATCH).rmdir()


def write_text(target: Path, step: WriteText, *, by: str, detail: dict[str, Any]) -> None:
    """Write one text file of a target outside a run, recorded like any other step.

    Raises
    ------
    TargetRefused
        The target can't be written to.
    """
    try:
        _Worker(target, RunOptions(), Nobody(), threading.Event()).carry_out(step, by=by, detail=detail)
    except OSError as error:
        raise TargetRefused(_disk_fault(step, error)) from error
    finally:
        leave_scratch(target)


def _run_all(work: Iterable[Step], worker: _Worker, jobs: int, run: Run, stop: threading.Event) -> None:
    """Keep ``jobs`` steps going, the heaviest first, until none is left or ``stop`` is set."""
    waiting = list(work)
    running: dict[Future[Record], Step] = {}
    with ThreadPoolExecutor(max(1, jobs)) as pool:
        while waiting or running:
            while waiting and len(running) < jobs and not stop.is_set():
                step = waiting.pop(0)
                running[pool.submit(worker.carry_out, step)] = step
            if not running:
                break
            # Woken now and then: on Windows a wait without limit would not let Ctrl-C through.
            finished, _ = wait(running, timeout=0.2, return_when=FIRST_COMPLETED)
            for future in finished:
                _settle(running.pop(future), future, worker.observer, run)
    if stop.is_set():
        raise Interrupted.of(
            "interrupted",
            str(worker.target),
            f"stopped by a signal with {counted(len(run.done), 'step')} done",
            advice="run the same command again to go on",
        )


def _settle(step: Step, future: Future[Record], observer: Observer, run: Run) -> None:
    error = future.exception()
    if error is None:
        run.done.append(step.id)
        observer.finished(step, "done")
        return
    if isinstance(error, Interrupted):
        return
    if isinstance(error, Dlc2LpError):
        run.findings += error.findings
    elif isinstance(error, OSError):
        run.findings.append(_disk_fault(step, error))
    else:
        raise error
    run.failed.append(step.id)
    observer.finished(step, "failed")


def _edited(path: str) -> Finding:
    return Finding(
        Severity.ERROR,
        "target-edited",
        path,
        "was changed since dlc2lp wrote it; it is kept as it is",
        advice="to write it anew and lose the changes: --edited replace",
    )


def _disk_fault(step: Step, error: OSError) -> Finding:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return Finding(
            Severity.ERROR,
            "no-space",
            step.targets[0],
            "the disk of the target is full",
            advice="free some space and run the same command again; what is done stays done",
        )
    source = error.filename if error.filename in step.sources else None
    if source is not None and not os.access(source, os.R_OK):
        return Finding(
            Severity.ERROR,
            "source-unreadable",
            step.targets[0],
            f"its source {source} " + ("can't be read" if os.path.lexists(source) else "is missing"),
            advice="bring it back to where it was and run the same command again, or plan again without it",
        )
    return Finding(
        Severity.ERROR,
        "step-failed",
        step.targets[0],
        f"could not be written: {error.strerror or error}" + (f" ({error.filename})" if error.filename else ""),
        advice="check the disk and the permissions, then run the same command again",
    )


@dataclass(frozen=True)
class _Worker:
    """Carries out single steps; shared by the threads, so it holds nothing that changes."""

    target: Path
    run_options: RunOptions
    observer: Observer
    stop: threading.Event

    def carry_out(self, step: Step, *, by: str = "convert", detail: dict[str, Any] | None = None) -> Record:
        """Do one step and record it, with ``detail`` beside what was measured on the way."""
        if self.stop.is_set():
            raise Interrupted.of("interrupted", step.targets[0], "stopped before it began")
        self.observer.started(step)
        journal = Journal(self.target)
        scratch = self.target / SCRATCH / f"{step.id}-{own_tag()}"
        try:
            make_folder(scratch)
            made, measured = self._make_files(step, scratch)
            files = tuple(replace(digest(temporary), path=path) for path, temporary in made)
            record = Record(step.id, step.kind, files, False, measured | (detail or {}), by)
            # Recorded first: if the power fails between the rename and the second record, the next run knows
            # the file as its own and does not take it for a person's.
            journal.write(record)
            for path, temporary in made:
                (self.target / path).parent.mkdir(parents=True, exist_ok=True)
                temporary.replace(self.target / path)
            record = replace(record, done=True)
            journal.write(record)
            return record
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def _make_files(self, step: Step, scratch: Path) -> tuple[list[tuple[str, Path]], dict[str, Any]]:
        """Make the files of a step under temporary names; return (target path, temporary) pairs and details."""
        if isinstance(step, WriteText):
            temporary = scratch / "text"
            _write_synced(temporary, step.text.encode())
            return [(step.target, temporary)], {}
        if isinstance(step, PlaceImages):
            return [
                (image.target, self._make_image(image, scratch / str(number), step.link))
                for number, image in enumerate(step.images)
            ], {}
        if isinstance(step, ExtractFrames):
            return self._extract(step, scratch), {"n_frames": len(step.frames)}
        if isinstance(step, PlaceVideo):
            temporary = scratch / "video"
            self._place_video(step, temporary)
            return [(step.target, temporary)], {"n_frames": step.n_frames}
        if isinstance(step, RemuxVideo | EncodeVideo):
            return self._from_twin(step, scratch / "video.mp4") or self._make_video(step, scratch / "video.mp4")
        assert_never(cast("Any", step))

    def _make_image(self, image: ImagePlacement, temporary: Path, link: str) -> Path:
        if self.stop.is_set():
            raise Interrupted.of("interrupted", image.target, "stopped between two images")
        source = Path(image.source)
        if image.shift is None and not image.as_png:
            place(source, temporary, link)
            return temporary
        pixels = read_image(source)
        if image.shift is not None:
            pixels = to_eight_bit(pixels, image.shift)
        temporary.write_bytes(encode_png(pixels))
        return temporary

    def _extract(self, step: ExtractFrames, scratch: Path) -> list[tuple[str, Path]]:
        """Cut frames out of a video; one frame may have several names."""
        info = _unchanged(step)
        targets: dict[int, list[str]] = {}
        for frame in step.frames:
            targets.setdefault(frame.index, []).append(frame.target)
        made: list[tuple[str, Path]] = []
        cut = cut_frames(info.path, info, targets, crop=step.crop, turn_deg=step.turn_deg, stop=self.stop)
        for index, picture in cut:
            for target in targets[index]:
                temporary = scratch / str(len(made))
                temporary.write_bytes(encode_image(picture, PurePosixPath(target).suffix))
                made.append((target, temporary))
            self.observer.advanced(step, len(made))
        return made

    def _from_twin(
        self, step: RemuxVideo | EncodeVideo, temporary: Path
    ) -> tuple[list[tuple[str, Path]], dict[str, Any]] | None:
        """Take a video that another target of the same source has: the same step makes the same bytes."""
        for twin in self.run_options.twins:
            record = Journal(twin).read().get(step.id)
            if record is None or not record.done or not (twin / step.target).is_file():
                continue
            if replace(digest(twin / step.target), path=step.target) == record.files[0]:
                place(twin / step.target, temporary, "auto")
                _sync(temporary)
                return [(step.target, temporary)], record.detail
        return None

    def _place_video(self, step: PlaceVideo, temporary: Path) -> None:
        """Bring a conforming video over, and look whether its frames can be decoded: a header can lie."""
        source = Path(step.source)
        info = _unchanged(step)
        place(source, temporary, step.link)
        _sync(temporary)
        if self.run_options.verify != "none":
            order = VideoOrder.of(info, "place", None)
            copy = replace(info, path=temporary)
            faults = against_source(source, info, temporary, copy, order, self.run_options.verify, self.stop)
            if faults:
                raise VideoFailed(*faults)

    def _make_video(
        self, step: RemuxVideo | EncodeVideo, temporary: Path
    ) -> tuple[list[tuple[str, Path]], dict[str, Any]]:
        with workplace(self.run_options.tmp_dir, temporary, step.space_bytes) as place_to_work:
            measured = self._make_video_at(step, place_to_work)
        _sync(temporary)
        return [(step.target, temporary)], measured

    def _make_video_at(self, step: RemuxVideo | EncodeVideo, temporary: Path) -> dict[str, Any]:
        info = _unchanged(step)
        settings = EncodeSettings(
            profile=step.profile, preset=step.preset, crf=step.crf, gop=step.gop, threads=step.threads
        )
        detail: dict[str, Any] = {}
        if isinstance(step, RemuxVideo):
            try:
                made = self._write_video(info, temporary, step.action, None, step)
            except VideoFailed as failure:
                detail["encoded_because"] = str(failure)
                made = self._write_video(info, temporary, "encode", settings, step)
        else:
            made = self._write_video(info, temporary, "encode", settings, step)
        return {"n_frames": made.n_frames} | detail

    def _write_video(
        self, info: VideoInfo, temporary: Path, action: Action, settings: EncodeSettings | None, step: Step
    ) -> VideoInfo:
        return make_video(
            info.path,
            temporary,
            info,
            action,
            settings,
            verify=self.run_options.verify,
            on_frames=_reporter(self.observer, step),
            stop=self.stop,
            crop=step.crop if isinstance(step, EncodeVideo) else None,
            turn_deg=step.turn_deg if isinstance(step, EncodeVideo) else None,
        )


def _unchanged(step: VideoStep | ExtractFrames) -> VideoInfo:
    """Return what the source holds, if that still is what was planned for.

    Raises
    ------
    VideoFailed
        ``source-changed``, or the file can no longer be read.
    """
    info = probe(Path(step.source))
    if (info.n_frames, info.size_bytes) != (step.n_frames, step.size_bytes):
        raise VideoFailed.of(
            "source-changed",
            step.source,
            f"found {counted(info.n_frames, 'frame')} in {counted(info.size_bytes, 'byte')}, "
            f"expected {step.n_frames} in {step.size_bytes} as when it was planned",
            advice="run the same command once more; it plans anew",
        )
    return info


def _reporter(observer: Observer, step: Step) -> Callable[[int], None]:
    return lambda n_frames: observer.advanced(step, n_frames)


def _write_synced(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(path: Path) -> None:
    """Have the system write a file to the disk before it gets its name."""
    try:
        with path.open("rb+") as file:
            os.fsync(file.fileno())
    except PermissionError:
        pass  # a link to a source that is write-protected: nothing was written that could be lost


def remove_stale(target: Path, stale: Iterable[str], journal: Journal, plan: Plan) -> list[Finding]:
    """Remove what an earlier plan wrote and this one does not have, and forget the earlier plan's steps.

    Only files that still are as dlc2lp wrote them are handed in here; a person's changes stay.
    """
    removed = []
    for path in stale:
        (target / path).unlink(missing_ok=True)
        removed.append(path)
        parent = (target / path).parent
        if parent.parent.name == "labeled-data" and not any(parent.iterdir()):
            parent.rmdir()
    current = {step.id for step in plan.steps}
    for step, record in journal.read().items():
        if step not in current and record.by == "convert":
            journal.remove(step)
    if not removed:
        return []
    return [
        Finding(
            Severity.NOTE,
            "stale-removed",
            ", ".join(removed[:5]) + (f" and {len(removed) - 5} more" if len(removed) > 5 else ""),
            "written for an earlier choice of options and not part of this one; removed",
        )
    ]
