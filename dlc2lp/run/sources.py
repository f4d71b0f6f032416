"""Whether what a plan was made from still is what it was: days may lie between planning and doing.

Content counts, not the clock: a copy, a restored archive or another mount has other times, and a digest tells that it
holds the same. Only while a file is in use its times count as well, since a digest of blocks may miss a few bytes.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Self

from dlc2lp.errors import SourceChanged, UnreadableFile, VideoFailed
from dlc2lp.files import FileRecord, digest, look_at, mark_of
from dlc2lp.model import Finding, PlanAgain, Severity
from dlc2lp.options import VerifyLevel
from dlc2lp.planning.plan import Plan
from dlc2lp.planning.steps import ExtractFrames, ImagePlacement, PlaceImages, VideoStep
from dlc2lp.wording import counted

#: What settles it where a source is not what was planned.
PLAN_AGAIN = PlanAgain("run the same command once more; it plans anew")


class _Stamp(NamedTuple):
    """By what a file that somebody touches is known at once."""

    #: Another one where its content was, or another file has its name.
    written: tuple[int, int, int, int]
    changed_ns: int  #: Another one also where a link to it was made, or its times were put back.

    @classmethod
    def of(cls, path: Path) -> Self:
        found = look_at(path)
        return cls((found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns), found.st_ctime_ns)


@contextlib.contextmanager
def held_still(path: Path, planned: str) -> Iterator[None]:
    """Guard the work with a file of the source: it is what was planned, and it stays that until the work is done.

    ``planned`` are the digits of its digest that the plan knows; empty where it knows none.

    Raises
    ------
    SourceChanged
        It is, or became, another one (``source-changed``), also where the work itself stumbled over that.
    OSError
        It can't be read.
    """
    before = _Stamp.of(path)
    found = digest(path)
    if planned and mark_of(found.digest) != planned:
        raise SourceChanged(changed(str(path), found, planned))
    try:
        yield
    except (VideoFailed, UnreadableFile) as error:
        # A file that is replaced or cut while it is read is no damaged one.
        with contextlib.suppress(OSError):
            _refuse_changed(path, before, found, error)
        raise
    _refuse_changed(path, before, found)


def _refuse_changed(path: Path, before: _Stamp, found: FileRecord, cause: Exception | None = None) -> None:
    after = _Stamp.of(path)
    if after == before:
        return
    now = digest(path)
    # Of a large file the digest knows some blocks, so that it proves nothing where something was written.
    if now == found and (now.is_whole or after.written == before.written):
        return
    message = "was changed while it was read, so nothing was made of it"
    raise SourceChanged(_finding(str(path), message)) from cause


def check_placed(image: ImagePlacement, placed: FileRecord) -> None:
    """Raise SourceChanged where what was read of an image is not what was planned."""
    is_same = not image.digest or mark_of(placed.digest) == image.digest
    if placed.size_bytes != image.size_bytes:
        found = counted(placed.size_bytes, "byte")
        message = f"found {found}, expected {image.size_bytes} as when it was planned"
        raise SourceChanged(_finding(image.source, message))
    if not is_same:
        raise SourceChanged(changed(image.source, placed, image.digest))


def refuse_other_frames(step: VideoStep | ExtractFrames, n_frames: int, size_bytes: int) -> None:
    """Raise SourceChanged where a video does not have as many frames and bytes as were planned."""
    if (n_frames, size_bytes) != (step.n_frames, step.size_bytes):
        found = f"found {counted(n_frames, 'frame')} in {counted(size_bytes, 'byte')}"
        message = f"{found}, expected {step.n_frames} in {step.size_bytes} as when it was planned"
        raise SourceChanged(_finding(step.source, message))


def changed(path: str, found: FileRecord, planned: str, severity: Severity = Severity.ERROR) -> Finding:
    """Return the finding for a file of the source that holds another thing than was planned, though it is as large."""
    message = (
        f"found other content (digest {mark_of(found.digest)}), expected that of when it was planned (digest {planned})"
    )
    return _finding(path, message, severity)


def _finding(path: str, message: str, severity: Severity = Severity.ERROR) -> Finding:
    return Finding(severity, "source-changed", path, message, advice="{}", remedies=(PLAN_AGAIN,))


def changed_texts(plan: Plan, severity: Severity = Severity.ERROR) -> tuple[Finding, ...]:
    """Return a finding for each file that labels, names and calibrations come from and that is not what it was.

    The texts of a target belong together, so where one of these files was changed none of the texts holds.
    """
    return tuple(finding for record in plan.texts_from for finding in _told_of(record, severity))


def _told_of(record: FileRecord, severity: Severity) -> Iterator[Finding]:
    try:
        found = digest(Path(record.path))
    except (FileNotFoundError, NotADirectoryError):
        yield _finding(record.path, f"is missing, expected {_size(record)} as when it was planned", severity)
    else:
        if found.size_bytes != record.size_bytes:
            message = f"found {counted(found.size_bytes, 'byte')}, expected {record.size_bytes} as when it was planned"
            yield _finding(record.path, message, severity)
        elif found.digest != record.digest:
            yield changed(record.path, found, mark_of(record.digest), severity)


def _size(record: FileRecord) -> str:
    return counted(record.size_bytes, "byte")


def changed_since(plan: Plan, level: VerifyLevel) -> list[Finding]:
    """Tell of files of the source that are others than those that a target was made from, as far as they are there.

    By the content of those from which texts come, by the size of images and videos; by their content too where all is
    to be read (``full``).
    """
    told = [each for each in changed_texts(plan, Severity.WARNING) if os.path.lexists(each.subject)]
    for step in plan.steps:
        images = step.images if isinstance(step, PlaceImages) else ()
        marks = {image.source: image.digest for image in images}
        if isinstance(step, VideoStep):
            marks[step.source] = step.digest
        for path, planned in marks.items():
            with contextlib.suppress(OSError):  # projects are moved and unmounted when they are done with
                size = look_at(path).st_size
                if size != step.sources[path]:
                    message = f"found {counted(size, 'byte')}, expected {step.sources[path]} as when it was planned"
                    told.append(_finding(path, message, Severity.WARNING))
                elif level == "full" and planned and mark_of((found := digest(Path(path))).digest) != planned:
                    told.append(changed(path, found, planned, Severity.WARNING))
    return told
