"""The folder that an export is written to: whether it may be, and how it appears whole.

Everything is made in a folder beside it, which then takes its name. What is there already is replaced only where it is
an earlier export in which nothing was changed: a lab that went on in DeepLabCut keeps its work.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from dlc2lp.codec import Malformed, read, to_text
from dlc2lp.dlc.folders import CONFIG_FILE, LABELED_DATA, is_readable_config
from dlc2lp.errors import TargetRefused, refused_by_system
from dlc2lp.events import Event, Watch
from dlc2lp.files import (
    PLAN_FILE,
    FileRecord,
    NotRegular,
    TooLarge,
    WrittenFile,
    digest,
    read_bytes,
    write_whole,
)
from dlc2lp.model import Command
from dlc2lp.planning.export import ExportFile
from dlc2lp.renaming import rename
from dlc2lp.run.disk_space import check_space, nearest_existing
from dlc2lp.run.place import place
from dlc2lp.run.scratch import make_folder, sweep
from dlc2lp.run.target import NO_CONTENT, check_is_folder, is_same_folder
from dlc2lp.temporaries import own_tag
from dlc2lp.wording import some

#: Written into an export: what it is, and what each of its files was.
RECORD_FILE = "dlc2lp-export.json"

#: Suffixes of the folder that is made, and of the earlier export while the new one takes its name.
_TEMPORARY = (".tmp", ".old")


@dataclass(frozen=True)
class ExportRecord:
    """What an export was made of, and the files that it wrote."""

    written_first: ClassVar[tuple[str, ...]] = ("schema",)
    schema: ClassVar[str] = "dlc2lp/exported/1"

    dlc2lp_version: str
    target: str  #: The Lightning Pose project.
    files: tuple[WrittenFile, ...]


def check_place(folder: Path, target: Path, sources: Iterable[str]) -> None:
    """Refuse a folder in, around or equal to the target or a source, in another project, or with something in it.

    An earlier export of this target passes, where nothing in it was changed since.
    """
    check_is_folder(folder)
    real = Path(os.path.realpath(folder))
    for what, other in (("target", str(target)), *(("source", source) for source in sources)):
        there = Path(os.path.realpath(other))
        if real == there or there in real.parents:
            where = "is" if real == there else "lies inside"
            message = f"{where} the {what} {other}, which an export never writes to"
            raise _refused("export-inside-target" if what == "target" else "export-inside-source", folder, message)
        if real in there.parents:
            message = f"holds the {what} {other}, and a DeepLabCut project must hold nothing else"
            raise _refused("export-around-target" if what == "target" else "export-around-source", folder, message)
    for parent in real.parents:
        kind = "Lightning Pose" if (parent / PLAN_FILE).is_file() else ""
        if not kind and (parent / LABELED_DATA).is_dir() and is_readable_config(parent / CONFIG_FILE):
            kind = "DeepLabCut"
        if kind:
            message = f"lies inside {parent}, which is a {kind} project and must hold nothing else"
            raise _refused("export-inside-project", folder, message)
    _check_content(real, folder, target)


def _refused(code: str, folder: Path, message: str) -> TargetRefused:
    return TargetRefused.of(code, str(folder), message, advice="choose a new or an empty folder that is in no project")


def _check_content(real: Path, folder: Path, target: Path) -> None:
    try:
        found = sorted({path.name for path in real.iterdir()} - NO_CONTENT) if real.exists() else []
        if not found:
            return
        record = earlier_export(real)
        if record is None:
            raise _refused("export-not-empty", folder, f"holds files that are no export of dlc2lp ({some(found, 3)})")
        former = Path(record.target)
        if former != target and (former / PLAN_FILE).is_file() and not is_same_folder(former, target):
            raise _refused("export-of-another-target", folder, f"is an export of {former}, which is still there")
        changed = list(_changed(real, record))
    except OSError as error:
        raise _refused("export-unreadable", folder, f"could not be looked into: {error.strerror or error}") from error
    if changed:
        message = f"is an earlier export in which files were changed or added since: {some(changed, 3)}; they are kept"
        raise _refused("export-changed", folder, message)


def earlier_export(folder: Path) -> ExportRecord | None:
    """Return the record of an export; None for any other folder."""
    try:
        return read(ExportRecord, read_bytes(folder / RECORD_FILE))
    except (FileNotFoundError, NotADirectoryError, NotRegular, TooLarge, Malformed):
        return None


def _changed(folder: Path, record: ExportRecord) -> Iterator[str]:
    """Yield the files of an export that are not as they were written, and those that were added."""
    recorded = {file.path: file for file in record.files}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.name in NO_CONTENT or (path.is_dir() and not path.is_symlink()):
            continue
        known = recorded.pop(name, None)
        if name != RECORD_FILE and (known is None or not _is_as_written(path, known)):
            yield name
    yield from recorded


def _is_as_written(path: Path, known: FileRecord) -> bool:
    try:
        return replace(digest(path), path=known.path) == known
    except NotRegular:
        return False


def check_disk(folder: Path, files: Sequence[ExportFile], again: Command) -> None:
    """Refuse a folder that can't be made or whose disk has too little space, before anything is written."""
    existing = nearest_existing(folder.parent)
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        message = f"no permission to write in {existing}" if existing.is_dir() else f"{existing} is a file"
        raise TargetRefused.of(
            "target-not-writable", str(folder), message, advice="choose a folder of your own on a disk with space"
        )
    advice = "free some space, or choose a folder on another disk: {}"
    check_space(folder, sum(file.size_bytes for file in files), advice, again)


def write_folder(folder: Path, files: Sequence[ExportFile], record: ExportRecord, watch: Watch) -> None:
    """Write an export so that it is there whole or not at all; what was there, which was checked, is gone then.

    Raises TargetRefused where it can't be written, Interrupted where the work is to stop.
    """
    real = Path(os.path.realpath(folder))
    scratch = real.with_name(f".{real.name}.{own_tag()}.tmp")
    try:
        make_folder(real.parent)
        _sweep(real)
        scratch.mkdir()
        weight = sum(max(1, file.size_bytes) for file in files)
        watch.tell(Event("planned", "step", kind="export", n=len(files), weight=weight))
        records = [_write(scratch, file, watch) for file in files]
        text = to_text(replace(record, files=tuple(records)))
        write_whole(scratch / RECORD_FILE, text.encode())
        _replace(scratch, real)
    except OSError as error:
        if error.filename in {file.source for file in files}:
            raise refused_by_system(error, str(folder)) from error
        raise TargetRefused.not_writable(folder, error) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _sweep(real: Path) -> None:
    """Remove what an export into this folder left that was killed."""
    start = f".{real.name}."
    with contextlib.suppress(OSError):
        left = [path for path in real.parent.iterdir() if path.name.startswith(start) and path.suffix in _TEMPORARY]
        if left:
            sweep([real.parent], lambda tag: tag.is_gone and any(str(tag) in path.name for path in left))


def _write(scratch: Path, file: ExportFile, watch: Watch) -> FileRecord:
    watch.check(str(scratch))
    path = scratch / file.path
    # The names are those of the plan, which anybody may have written.
    if not Path(os.path.normpath(path)).is_relative_to(scratch):
        message = "leads out of the export; the plan of the target is damaged"
        raise TargetRefused.of("plan-unreadable", file.path, message, advice="convert into a new, empty target")
    path.parent.mkdir(parents=True, exist_ok=True)
    if file.source:
        place(Path(file.source), path, "auto")
    else:
        write_whole(path, file.content)
    watch.tell(Event("ended", "step", file.path, "export", file.path, weight=max(1, file.size_bytes), state="done"))
    return replace(digest(path), path=file.path)


def _replace(scratch: Path, real: Path) -> None:
    """Give a finished folder its name; what has the name is put aside first and put back if that fails."""
    if not real.exists():
        rename(scratch, real)
        return
    aside = real.with_name(f"{scratch.name.removesuffix('.tmp')}.old")
    rename(real, aside)
    try:
        rename(scratch, real)
    except BaseException:
        rename(aside, real)
        raise
    shutil.rmtree(aside, ignore_errors=True)
