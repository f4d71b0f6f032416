"""Who is at work in a target at this moment, so that nobody writes over what another is about to do.

Workers of one plan need not know of each other: whatever they make is the same. But who plans anew, closes a target or
writes a single file of it must be alone there. So every process that writes to a target says so by a file of its own,
among the temporaries, and touches it now and then. There is no lock that could stay locked: who died is known by its
number on its own machine, and anywhere by a file that nobody touches any more.

Each says so first and looks at the others then, so that of two at least one sees the other, and gives way.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from dlc2lp.errors import TargetBusy, TargetRefused
from dlc2lp.events import Watch
from dlc2lp.files import STATE_FOLDER
from dlc2lp.run.links import check_own_folders
from dlc2lp.run.scratch import SCRATCH, leave_scratch, make_sign, sweep_target
from dlc2lp.temporaries import Tag, inside, own_tag

#: How often whoever is at work touches a file, and after how long without that it counts as lost. In between there is
#: room for a network file system, which shows another machine's changes up to a minute late.
HEARTBEAT_S = 20.0
LOST_AFTER_S = 180.0

#: Ends of the files' names: of who must be alone, and of those who work on one plan side by side.
_ALONE, _SHARED = ".alone", ".shared"

#: How long one that is in the way is waited for; what takes longer than writing a config is not.
_PATIENCE_S = 3.0
_LOOK_S = 0.1

_numbers = itertools.count()


@contextlib.contextmanager
def at_work(target: Path, *, alone: bool = True, watch: Watch | None = None) -> Iterator[None]:
    """Say that this process writes to a target, as long as the block runs; alone, or beside others of the same plan.

    What processes that are gone had begun to write there is removed.

    TargetBusy: another is at work, in whose way this would be; TargetRefused or DiskTrouble: nothing can be written
    there; Interrupted. Of a target that did not exist nothing is left where the block left nothing in it.
    """
    check_own_folders(target)
    made = [folder for folder in (target, target / STATE_FOLDER) if not folder.exists()]
    sign = target / SCRATCH / f"{own_tag()}-{next(_numbers)}{_ALONE if alone else _SHARED}"
    ended = threading.Event()
    try:
        _give_sign(target, sign, watch or Watch())
        # What who was killed had begun, whichever command it was.
        sweep_target(target, gone_from(target) if alone else lambda tag: tag.is_gone)
        threading.Thread(target=_keep_touching, args=(sign, ended), daemon=True).start()
        yield
    finally:
        ended.set()
        _withdraw(target, sign)
        for folder in reversed(made):
            with contextlib.suppress(OSError):  # which has something in it by now
                folder.rmdir()


def refuse_busy(target: Path) -> None:
    """Raise TargetBusy where somebody is at work alone in a target, whose files would be looked at in between."""
    others = [tag for path, tag in _signs(target, time.time()) if path.suffix == _ALONE]
    if others:
        raise _busy(target, others[0])


def replaced(target: Path) -> TargetBusy:
    """Return the error for a target whose plan another has replaced since it was looked at."""
    message = "another dlc2lp has written its plan anew meanwhile; nothing was written"
    return TargetBusy.of("target-busy", str(target), message, advice="run the same command again")


def gone_from(target: Path) -> Callable[[Tag], bool]:
    """Return what tells of a temporary's tag whether its process has ended: for who is alone in a target.

    Of another machine, or of one whose number another process has by now, that is certain where nothing of it was
    touched for long.
    """
    touched: dict[str, float] = {}
    for folder in (target / SCRATCH, target / STATE_FOLDER):
        for path in inside(folder):
            tag = Tag.of(path.name)
            if tag is not None:
                touched[str(tag)] = max(touched.get(str(tag), 0.0), _touched_s(path))
    now_s = time.time()

    def is_gone(tag: Tag) -> bool:
        return tag.is_gone or (tag != own_tag() and now_s - touched.get(str(tag), now_s) > LOST_AFTER_S)

    return is_gone


def _give_sign(target: Path, sign: Path, watch: Watch) -> None:
    """Write the file that says who is at work, once nobody is in the way."""
    end_s = time.monotonic() + _PATIENCE_S
    while True:
        try:
            make_sign(sign)
            now_s = sign.stat().st_mtime  # by the clock that stamps the others
        except OSError as error:
            raise TargetRefused.not_writable(target, error) from error
        others = [tag for path, tag in _signs(target, now_s) if path != sign and _ALONE in {path.suffix, sign.suffix}]
        if not others:
            return
        with contextlib.suppress(OSError):
            sign.unlink()
        watch.check(str(target))
        if time.monotonic() > end_s:
            raise _busy(target, others[0])
        time.sleep(_LOOK_S * (0.5 + random.random()))  # two that came at once do not come at once again


def _signs(target: Path, now_s: float) -> Iterator[tuple[Path, Tag]]:
    """Yield the files of those who are at work, and whose they are."""
    for path in inside(target / SCRATCH):
        tag = Tag.of(path.name) if path.suffix in {_ALONE, _SHARED} else None
        if tag is not None and not tag.is_gone and now_s - _touched_s(path) < LOST_AFTER_S:
            yield path, tag


def _touched_s(path: Path) -> float:
    """When a file was changed last, or what lies in a folder; long ago where it is there no more."""
    try:
        return float(max(each.stat().st_mtime for each in (path, *(path.iterdir() if path.is_dir() else ()))))
    except OSError:
        return 0.0


def _keep_touching(sign: Path, ended: threading.Event) -> None:
    while not ended.wait(HEARTBEAT_S):
        with contextlib.suppress(OSError):
            os.utime(sign)


def _withdraw(target: Path, sign: Path) -> None:
    with contextlib.suppress(OSError):
        sign.unlink(missing_ok=True)
    leave_scratch(target)


def _busy(target: Path, tag: Tag) -> TargetBusy:
    message = f"another dlc2lp is at work in it (process {tag.process} on {tag.host}); nothing was written"
    return TargetBusy.of("target-busy", str(target), message, advice="run the same command again when that has ended")
