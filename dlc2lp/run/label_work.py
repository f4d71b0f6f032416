"""What people do to the labels of a target after the move, and what DeepLabCut's labels make of it. Only looks.

The label files and queues of all views are one thing: people's rows come in one order in all of them. A target's base
is what dlc2lp last brought from DeepLabCut. That is what its plan writes, but while a merge is not done, or is left
with conflicts: then it stands in a file of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from dlc2lp.codec import Malformed, read, to_text
from dlc2lp.errors import Dlc2LpError
from dlc2lp.files import STATE_FOLDER, read_bytes, write_if_new
from dlc2lp.inside import InnerPath
from dlc2lp.lp.label_cells import decode_labels
from dlc2lp.lp.label_merge import Merged, merge_labels
from dlc2lp.lp.label_sides import SUFFIXES, Change, Edits, Moment, Side, changes, edits
from dlc2lp.lp.labels import HIDDEN, NOT_LABELED
from dlc2lp.lp.names import label_file_name, queue_file_name
from dlc2lp.lp.queue_merge import merge_queues, queued_images
from dlc2lp.planning.plan import Plan, unreadable
from dlc2lp.run.config_calls import last_call
from dlc2lp.run.findings import unreadable_file
from dlc2lp.run.journal import Journal
from dlc2lp.run.stored import stored_plan

BASE_FILE = f"{STATE_FOLDER}/labels-base.json"


@dataclass(frozen=True)
class LabelBase:
    """.dlc2lp/labels-base.json: the base of the labels, while it is another one than the plan's texts."""

    written_first: ClassVar[tuple[str, ...]] = ("schema",)
    schema: ClassVar[str] = "dlc2lp/labels-base/1"

    left_out_by_default: ClassVar[tuple[str, ...]] = ("renamed",)

    texts: dict[InnerPath, str]  #: Label files and queues by name.
    #: New paths of images by those that they have in the base, and perhaps in files which are not written anew so far.
    renamed: dict[InnerPath, InnerPath] = field(default_factory=dict)


def kept_base(target: Path) -> LabelBase | None:
    """Return the base that a target holds in a file of its own; None where the plan's texts are it."""
    path = target / BASE_FILE
    try:
        return read(LabelBase, read_bytes(path))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (Malformed, OSError) as error:
        way_out = "remove it, and labels are brought together from what dlc2lp wrote last"
        raise unreadable(path, error, way_out) from error


def keep_base(target: Path, base: LabelBase) -> None:
    """Keep a base in a file of its own; TargetRefused where it can't be written."""
    in_order = LabelBase(dict(sorted(base.texts.items())), dict(sorted(base.renamed.items())))
    write_if_new(target / BASE_FILE, to_text(in_order))


def base_of(target: Path, plan: Plan) -> LabelBase:
    """Return what a merge with a plan starts from, and which images have other names in the plan."""
    kept, stored = kept_base(target), stored_plan(target) or plan
    base = kept or LabelBase(stored.labeling_texts)
    moved = {} if plan.is_written_as(stored) else _renamed(stored, plan)
    names = {old: moved.get(new, new) for old, new in base.renamed.items()}
    names = {old: new for old, new in (moved | names).items() if old != new}
    # Where an old name is the new one of another frame, nobody could say which of them a row means.
    return replace(base, renamed={} if names.keys() & _places(plan).values() else names)


def _renamed(before: Plan, after: Plan) -> dict[str, str]:
    olds, news = _places(before), _places(after)
    return {old: news[key] for key, old in olds.items() if key in news and news[key] != old}


def _places(plan: Plan) -> dict[tuple[str, str, str], str]:
    """Return the image of each frame by its view, and by DeepLabCut's folder and file name."""
    frames = [
        ((session.view, session.folder, frame.source), frame.target)
        for session in plan.sessions
        for frame in session.frames
        if frame.target
    ]
    times = Counter(key for key, _ in frames)
    return {key: image for key, image in frames if times[key] == 1}


@dataclass(frozen=True)
class LabelWork:
    """The labels of a target that people edited, or that are not merged to the end, and what they are to become.

    Attributes
    ----------
    found
        Texts of the label files and queues that are there, by name.
    texts
        What they should hold: of each that is planned or has content.
    merged
        The labels as values; ``base``, ``here`` and ``there`` are what they came of.
    old_queues, new_queues
        The texts of the queues in the base and in the plan, by name.
    renamed
        New paths of images by those that they have in the base.
    """

    found: Mapping[str, str]
    texts: Mapping[str, str]
    merged: Merged
    base: Side = field(repr=False)
    here: Side = field(repr=False)
    there: Side = field(repr=False)
    old_queues: Mapping[str, str] = field(repr=False)
    new_queues: Mapping[str, str] = field(repr=False)
    renamed: Mapping[str, str] = field(repr=False)

    @property
    def next_base(self) -> LabelBase:
        """The base that the next merge starts from."""
        return LabelBase(self.merged.base.texts() | dict(self.new_queues))

    @property
    def settled_base(self) -> LabelBase:
        """A base with which no conflict is left, and all that stands in the target stays."""
        return LabelBase(self.merged.settled.texts() | dict(self.old_queues), dict(self.renamed))

    @cached_property
    def by_people(self) -> dict[str, Edits]:
        """What people did since the base, by label file."""
        return edits(self.base, self.here)

    @cached_property
    def brought(self) -> dict[str, Edits]:
        """What the merge brings from DeepLabCut, by label file."""
        return edits(self.here, self.merged.side)

    @property
    def is_pending(self) -> bool:
        """Whether labels of DeepLabCut have yet to arrive, or to leave."""
        return any(changes(self.here, self.merged.side))

    @property
    def touched(self) -> Iterator[Change]:
        """The labels that are not those of the plan."""
        return changes(self.there, self.here)

    @property
    def images(self) -> set[str]:
        """Paths of the images that have a row, or wait in a queue."""
        labeled = {row.image for rows in self.merged.side.rows.values() for row in rows.values()}
        queues = {queue_file_name(view) for view in self.merged.side.rows}.intersection(self.texts)
        return labeled.union(*(queued_images(self.texts[name], name) for name in queues))

    def is_whole(self, name: str) -> bool:
        """Whether a file is what it should be."""
        return self.found.get(name) == self.texts.get(name)


def find_label_work(plan: Plan, is_edited: Callable[[str], bool]) -> LabelWork | None:
    """Return what is to be known of a target's labels; None where nobody edited them and nothing is left of a merge.

    ``is_edited`` says whether a file is there that holds people's work. Dlc2LpError where the files can't be merged.
    """
    target = Path(plan.target)
    names = [name for view in plan.views or ("",) for name in _names(view)]
    if not any(map(is_edited, names)) and kept_base(target) is None:
        return None
    return look_at_labels(plan, base_of(target, plan), plan.labeling_texts)


def _names(view: str) -> list[str]:
    return [*(label_file_name(view, suffix) for suffix in SUFFIXES), queue_file_name(view)]


def look_at_labels(plan: Plan, kept: LabelBase, new_texts: Mapping[str, str]) -> LabelWork:
    """Merge what a target holds with new texts, where ``kept`` is the base.

    A file that is gone is taken for lost, and comes again. Dlc2LpError where the files can't be merged.
    """
    target, views, base_texts, renamed = Path(plan.target), plan.views or ("",), kept.texts, kept.renamed
    names = [name for view in views for name in _names(view)]
    found = {name: text for name in names for text in (read_text(target, name),) if text is not None}
    lost = {name: text for name, text in base_texts.items() if name not in found}
    base = Side.read(views, base_texts, renamed)
    there = base if new_texts == base_texts else Side.read(views, new_texts)
    here = Side.read(views, found, renamed).with_rows(Side.read(views, lost, renamed))
    means = NOT_LABELED if last_call(Journal(target), plan)[1].choices.nan_means == "unlabeled" else HIDDEN
    merged = merge_labels(base, here, there, means, lambda image: (target / image).is_file())
    labeled: set[Moment] = {moment for rows in merged.side.rows.values() for moment in rows}
    queues = merge_queues(views, base_texts, lost | found, new_texts, labeled, renamed)
    texts = merged.side.texts(name for name in new_texts if name not in queues)
    texts |= {name: text for name, text in queues.items() if text.strip() or name in new_texts}
    if all(found.get(name) in (base_texts.get(name), new_texts.get(name)) for name in names):
        # Nobody's work is in them: a run that was cut short goes on as it would have, rows in the plan's order.
        texts = dict(new_texts)
    old_queues, new_queues = (
        {name: text for name, text in each.items() if name in queues} for each in (base_texts, new_texts)
    )
    return LabelWork(found, texts, merged, base, here, there, old_queues, new_queues, renamed)


def read_text(target: Path, name: str) -> str | None:
    """Return what a file of a target holds; None where there is none, Dlc2LpError where it is no text."""
    try:
        content = read_bytes(target / name)
        return decode_labels(content, name) if name.endswith(".csv") else content.decode()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except UnicodeDecodeError as error:
        advice = "save the file as UTF-8"
        raise Dlc2LpError.of("target-queue-invalid", name, f"is no UTF-8: {error.reason}", advice=advice) from error
    except OSError as error:
        raise unreadable_file(target, name, error) from error
