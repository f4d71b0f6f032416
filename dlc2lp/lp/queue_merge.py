"""The app's labeling queues of all views, as people left them and as DeepLabCut's frames would have them. Pure.

Line n of every view's queue is the same moment: the app drops the queue where one view has more lines than another.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from dlc2lp.errors import Dlc2LpError
from dlc2lp.limits import CSV_LINE_BYTES
from dlc2lp.lp.label_sides import Moment, image_of, moment_of
from dlc2lp.lp.names import queue_file_name

#: By view the entries, as JSON has them, by their moments.
_Queues = dict[str, dict[Moment, dict[str, Any]]]


def merge_queues(
    views: Sequence[str],
    base: Mapping[str, str],
    here: Mapping[str, str],
    there: Mapping[str, str],
    labeled: Collection[Moment],
    renamed: Mapping[str, str],
) -> dict[str, str]:
    """Return the text of each view's queue, from the texts by file name of the three sides; of no entry "".

    What people took out or put in stays so, what is new from DeepLabCut joins, what is ``labeled`` now leaves.
    Images that are ``renamed`` get their new paths. Dlc2LpError (``target-queue-invalid``) where a line is none of the
    app's.
    """
    old, ours, theirs = (_read(views, texts, renamed) for texts in (base, here, there))
    kept = [moment for moment in _order(theirs, ours) if moment not in labeled and _stays(moment, old, ours, theirs)]
    made = {}
    for view in views:
        name = queue_file_name(view)
        entries = [_entry(view, moment, old[view], ours[view], theirs[view]) for moment in kept]
        same = (each[name] for each in (here, there) if name in each and entries == list(_entries(each[name], name)))
        # A file that says the same already keeps its bytes.
        made[name] = next(same, "".join(json.dumps(entry, separators=(",", ":")) + "\n" for entry in entries))
    return made


def queued_images(text: str, name: str) -> list[str]:
    """Return the images that wait in a queue of this name; errors are those of :func:`merge_queues`."""
    return [entry["frame_path"] for entry in _entries(text, name)]


def queued_path(entry: Any) -> str | None:
    """Return the image of an entry of a queue, as JSON has it; None where it is none of the app's."""
    path = entry.get("frame_path") if isinstance(entry, dict) else None
    # JSON may hold halves of characters, which no path and no file can.
    is_path = isinstance(path, str) and not any("\ud800" <= sign <= "\udfff" for sign in path)
    return path if is_path else None


def _read(views: Sequence[str], texts: Mapping[str, str], renamed: Mapping[str, str]) -> _Queues:
    queues: _Queues = {}
    for view in views:
        name = queue_file_name(view)
        entries = [_with_new_path(entry, renamed) for entry in _entries(texts.get(name, ""), name)]
        queues[view] = {moment_of(entry["frame_path"], view): entry for entry in entries}
    return queues


def _with_new_path(entry: dict[str, Any], renamed: Mapping[str, str]) -> dict[str, Any]:
    path = entry["frame_path"]
    return entry | {"frame_path": renamed[path]} if path in renamed else entry


def _entries(text: str, name: str) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        entry: Any = None
        with contextlib.suppress(ValueError, RecursionError):
            entry = json.loads(line) if len(line) <= CSV_LINE_BYTES.at_most else None
        if queued_path(entry) is None:
            message, advice = "expected an object with a frame_path, in JSON", "correct the line, or delete it"
            raise Dlc2LpError.of("target-queue-invalid", name, message, where=f"line {number}", advice=advice)
        yield entry


def _order(*queues: _Queues) -> list[Moment]:
    return list(dict.fromkeys(moment for each in queues for of_view in each.values() for moment in of_view))


def _stays(moment: Moment, old: _Queues, ours: _Queues, theirs: _Queues) -> bool:
    was, in_source = (any(moment in of_view for of_view in each.values()) for each in (old, theirs))
    # Who labels a moment in one view takes it out of that view's queue only.
    is_here = (all if was else any)(moment in of_view for of_view in ours.values())
    return is_here if is_here != was else in_source


def _entry(view: str, moment: Moment, *queues: dict[Moment, dict[str, Any]]) -> dict[str, Any]:
    """Return an entry of a view, with the newest suggestion; one that only other views have gets none."""
    was, here, there = (queue.get(moment) for queue in queues)
    nothing = {"frame_path": image_of(moment, view), "predictions": None}
    return (there if there != was and there else here) or there or nothing
