"""What the last run of a conversion looked at and found, so that the same one need not be gone through again.

Where nothing of source and target has changed since, by the listings of their folders, another run would decide the
same, find everything done and tell the same. This is no part of what a target holds: it knows times and numbers of
files, which differ from disk to disk, and where it is missing or in doubt everything is read.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, NamedTuple, Self

from dlc2lp.codec import Malformed, encode_fields, read, to_line
from dlc2lp.events import Event, Watch
from dlc2lp.files import PAGE_FILE, STATE_FOLDER, absolute, open_in_place, read_bytes
from dlc2lp.listing import TICK_NS, Listing, Place, listing_of
from dlc2lp.model import Finding
from dlc2lp.options import Options, RunOptions
from dlc2lp.planning.plan import Plan
from dlc2lp.run.execute import event_of, in_order
from dlc2lp.run.log import LOG_FILE
from dlc2lp.run.scratch import SCRATCH
from dlc2lp.run.stored import stored_plan
from dlc2lp.run.verify import Verification
from dlc2lp.survey.places import ReadFrom
from dlc2lp.version import __version__

SEEN_FILE = f"{STATE_FOLDER}/seen.json"

#: How far the clock that stamps the source's files, which may be a server's, may be behind ours.
SKEW_NS = 2_000_000_000


class ToldStep(NamedTuple):
    """What events tell of a step that is done; to ask the step takes long, since its id is the hash of all it holds."""

    id: str
    kind: str
    target: str
    n_frames: int
    weight: int


@dataclass(frozen=True)
class Seen:
    """.dlc2lp/seen.json: what the last run depended on, and what it told."""

    written_first: ClassVar[tuple[str, ...]] = ("schema",)
    schema: ClassVar[str] = "dlc2lp/seen/1"

    asked: str  #: Digest of what was asked for, and of whom.
    places: tuple[Place, ...]  #: What the source was read from.
    #: Digests of what source and target held.
    source: str
    target: str
    is_settled: bool  #: Whether a change after they were read would show.
    findings: tuple[Finding, ...]  #: What was told.
    verification: Verification  #: What checking the target brought up.
    steps: tuple[ToldStep, ...]  #: The steps, in the order in which a run goes through them.

    def skip(self, plan: Plan, watch: Watch) -> list[str]:
        """Tell of each step that it is done, as a run does that finds them so, and return their ids.

        Raises Interrupted where the work is to stop.
        """
        watch.tell(Event("decided", "target", plan.target, views=plan.views, view_frames=plan.view_frames, plan=plan))
        watch.check(plan.target)
        for step in self.steps:
            n_frames, weight = step.n_frames, step.weight
            told = Event("ended", "step", step.id, step.kind, step.target, n_frames_all=n_frames, weight=weight)
            watch.tell(replace(told, state="skipped"))
        watch.tell(Event("planned", "step", weight=0))
        return [step.id for step in self.steps]


class _Held(NamedTuple):
    """What a target held, and when that was looked at."""

    listing: Listing
    at_ns: int


@dataclass
class LastRun:
    """What is known of the last run of a conversion with just these options."""

    target: Path
    source: str | None  #: As it was given, absolute; None where options name the sources.
    options: Options
    asked: str  #: Digest of all that was asked for, and of whom.
    reads_all: bool  #: Whether everything is to be read, whatever its times say.
    began_ns: int = field(default_factory=time.time_ns)
    _held: _Held | None = None

    @classmethod
    def of(cls, source: str | Path | None, target: str | Path, options: Options, run_options: RunOptions) -> Self:
        """Return what is known of a conversion; ``source`` as it was given, None where options name the sources."""
        given = [source, target, *options.merge, *options.labels_from, *options.calibration, *options.video_roots]
        given += [path for _, path in options.views]
        # Two working directories may mean two places by one path.
        paths = [None if path is None else str(absolute(path)) for path in given]
        how = [run_options.verify, run_options.edited]
        asked = json.dumps([__version__, sys.platform, paths, encode_fields(options), how])
        return cls(
            absolute(target),
            paths[0],
            options,
            hashlib.sha256(asked.encode()).hexdigest(),
            run_options.verify == "full",
        )

    def unchanged(self) -> tuple[Seen, Plan] | None:
        """Return what the last run saw, and its plan; None if it is not certain that another one would see the same."""
        seen = self._read()
        if seen is None or seen.asked != self.asked or not seen.is_settled or self.reads_all:
            return None
        if not seen.target or seen.target != self._target_digest(self._listed()):
            return None
        source, stored = listing_of(seen.places), stored_plan(self.target)
        if stored is None or source is None or source.digest != seen.source or stored.target != str(self.target):
            return None
        return seen, stored

    def steps_done(self) -> None:
        """Note what the target holds before it is checked: what is changed later is not what was checked."""
        listing = self._listed()
        if listing is not None and not listing.shows_changes(now_ns := time.time_ns()):
            time.sleep(max(0, min(TICK_NS, listing.newest_unread_ns + TICK_NS - now_ns)) / 1e9)
        self._held = None if listing is None else _Held(listing, time.time_ns())

    def keep(self, read_from: ReadFrom, plan: Plan, findings: Sequence[Finding], verification: Verification) -> None:
        """Write down what this run saw and told, for the next one; what can't be written is no fault of the target."""
        places, held, now = self._places(read_from), self._held, self._listed()
        listed = listing_of(places) if places else None
        if held is None or now is None or listed is None or now.digest != held.listing.digest:
            forget(self.target)
            return
        is_settled = listed.is_settled(self.began_ns, SKEW_NS) and now.shows_changes(held.at_ns)
        ordered = map(event_of, in_order(plan.steps))
        seen = Seen(
            self.asked,
            places,
            listed.digest,
            self._target_digest(now),
            is_settled,
            tuple(findings),
            verification,
            tuple(ToldStep(each.subject, each.kind, each.target, each.n_frames_all, each.weight) for each in ordered),
        )
        # In place, since the folder's own time is not to change; who reads half of it takes it for none.
        with contextlib.suppress(OSError), open_in_place(self.target / SEEN_FILE) as file:
            file.write(to_line(seen).encode("ascii"))

    def _places(self, read_from: ReadFrom) -> tuple[Place, ...]:
        """Return what the source was read from; none where that is not all known, as beside a 3D project."""
        given = Path(self.source) if self.source is not None else None
        return () if given and read_from.roots.isdisjoint({given, given.parent}) else read_from.places

    def _read(self) -> Seen | None:
        try:
            return read(Seen, read_bytes(self.target / SEEN_FILE))
        except (OSError, Malformed):
            return None

    def _listed(self) -> Listing | None:
        """List everything but dlc2lp's own folder and its page, which a run that changes nothing else may complete."""
        own = [str(self.target / STATE_FOLDER), str(self.target / PAGE_FILE)]
        return listing_of([Place(str(self.target), "tree")], hidden=True, but=own)

    def _target_digest(self, listed: Listing | None) -> str:
        own = [Place(str(self.target / STATE_FOLDER), "tree"), Place(str(self.target / PAGE_FILE), "file")]
        left_out = [str(self.target / name) for name in (SEEN_FILE, LOG_FILE, SCRATCH)]
        state = listing_of(own, hidden=True, but=left_out)
        return f"{listed.digest} {state.digest}" if listed is not None and state is not None else ""


def forget(target: Path) -> None:
    """Have the next run read everything."""
    path = target / SEEN_FILE
    with contextlib.suppress(OSError):
        if path.stat().st_size:
            open_in_place(path).close()
