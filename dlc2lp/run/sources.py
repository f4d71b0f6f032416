"""Whether what a plan was made from still is what it was: days may lie between planning and doing.

Content counts, not the clock: a copy, a restored archive or another mount has other times, and a digest tells that it
holds the same. Only while a file is in use its times count as well, since a digest of blocks may miss a few bytes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Self

from dlc2lp.errors import SourceChanged, UnreadableFile, VideoFailed, disk_trouble
from dlc2lp.files import FileRecord, digest, look_at, mark_of
from dlc2lp.model import Finding, PlanAgain, Severity
from dlc2lp.options import VerifyLevel
from dlc2lp.planning.plan import Plan
from dlc2lp.planning.steps import ExtractFrames, ImagePlacement, PlaceImages, Step, VideoStep
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
    if placed.size_bytes != image.size_bytes:
        raise SourceChanged(_other_size(image.source, placed.size_bytes, image.size_bytes))
    if image.digest and mark_of(placed.digest) != image.digest:
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


def changed_texts(plan: Plan) -> tuple[Finding, ...]:
    """Return a finding for each file that labels, names and calibrations come from and that is not what it was.

    The texts of a target belong together, so where one of these files was changed none of the texts holds.
    """
    told: list[Finding] = []
    for record in plan.texts_from:
        try:
            told += _changed_text(record)
        except (FileNotFoundError, NotADirectoryError):
            size = counted(record.size_bytes, "byte")
            told.append(_finding(record.path, f"is missing, expected {size} as when it was planned"))
        except OSError as error:
            told.append(_unread(record.path, error))
    return tuple(told)


def _unread(path: str, error: OSError) -> Finding:
    if (trouble := disk_trouble(path, error)) is not None:
        return trouble.findings[0]
    advice = "get the permission to read it, and run the same command again"
    message = f"could not be read to see whether it is what was planned: {error.strerror or error}"
    return Finding(Severity.ERROR, "source-unreadable", path, message, advice=advice)


def _changed_text(record: FileRecord, severity: Severity = Severity.ERROR) -> list[Finding]:
    found = digest(Path(record.path))
    if found.size_bytes != record.size_bytes:
        return [_other_size(record.path, found.size_bytes, record.size_bytes, severity)]
    return [changed(record.path, found, mark_of(record.digest), severity)] if found.digest != record.digest else []


def _other_size(path: str, found: int, planned: int, severity: Severity = Severity.ERROR) -> Finding:
    return _finding(path, f"found {counted(found, 'byte')}, expected {planned} as when it was planned", severity)


def changed_since(plan: Plan, level: VerifyLevel) -> list[Finding]:
    """Tell of files of the source that are others than those that a target was made from, as far as they are there.

    By the content of those from which texts come, by the size of images and videos; by their content too where all is
    to be read (``full``).
    """
    told: list[Finding] = []
    for record in plan.texts_from:
        with contextlib.suppress(OSError):  # projects are moved and unmounted when they are done with
            told += _changed_text(record, Severity.WARNING)
    for step in plan.steps:
        sizes = step.sources
        for path, planned in _marks(step).items():
            with contextlib.suppress(OSError):
                size = look_at(path).st_size
                if size != sizes[path]:
                    told.append(_other_size(path, size, sizes[path], Severity.WARNING))
                elif level == "full" and planned and mark_of((found := digest(Path(path))).digest) != planned:
                    told.append(changed(path, found, planned, Severity.WARNING))
    return told


def _marks(step: Step) -> dict[str, str]:
    """Return the images and videos that a step reads, and what is known of their digests."""
    if isinstance(step, PlaceImages):
        return {image.source: image.digest for image in step.images}
    return {step.source: step.digest} if isinstance(step, VideoStep) else {}
