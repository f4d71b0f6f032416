"""Which name belongs to which session and camera, where one DeepLabCut project holds several cameras. Pure.

``--view-pattern '{session}_{view}'`` says how the names are made up. It is tried on the real names, and the table that
comes of it is shown before anything is written. A name that can be read in more than one way is not guessed at: of
``{session}-{view}``, ``m1-d1-top`` may be the camera ``top`` or the camera ``d1-top``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, pairwise

from dlc2lp.errors import UsageError
from dlc2lp.model import Finding, Setting, question
from dlc2lp.wording import counted, some

_PATTERN = Setting("view-pattern")

#: Tried on names that a person's pattern does not fit, to propose one that does.
COMMON_PATTERNS = ("{session}_{view}", "{session}-{view}", "{view}_{session}", "{view}-{session}")

_TOKEN = re.compile(r"\{\{|\}\}|\{(session|view(?::[^{}]*)?)\}|[^{}]+|.", re.DOTALL)
#: The fields among a pattern's parts; with a character that no name can hold, so that no literal text is one.
_SESSION, _VIEW = "\0session", "\0view"
_FIELDS = (_SESSION, _VIEW)
_SEPARATORS = "-_. "
_N_SHOWN = 5


@dataclass(frozen=True)
class NameReading:
    """Where a name belongs."""

    name: str  #: A folder of ``labeled-data`` or the stem of a video.
    #: The recording, and the camera that made it.
    session: str
    view: str
    n_before: int = field(default=0, compare=False)  #: Words of the recording's name that stand before the camera's.


@dataclass(frozen=True)
class ViewTable:
    """Sessions by views, and what does not fit in."""

    views: tuple[str, ...]  #: Names of the cameras, in their order.
    placed: tuple[
        NameReading, ...
    ]  #: Every name that has a place, in the natural order of sessions and then that of the views.
    questions: tuple[Finding, ...] = ()  #: What only a person can decide.


@dataclass(frozen=True)
class ViewPattern:
    """A pattern such as ``{session}_{view}``, taken apart."""

    text: str  #: As it was given.
    parts: tuple[str, ...] = field(repr=False)  #: Literal texts and fields in order.
    #: The only views there are, if the pattern lists them (``{view:top|side}``), in that order.
    views: tuple[str, ...] = ()

    def readings(self, name: str) -> list[NameReading]:
        """Return every way in which a name can be read, the one with the shortest view first."""
        n_parts = self.parts[: self.parts.index(_VIEW)].count(_SESSION)
        found = {
            NameReading(name, "_".join(parts), view, sum(map(_n_words, parts[:n_parts])))
            for values in _assignments(self.parts, name)
            for parts, (view,) in [(values["session"], values["view"])]
            if not self.views or view in self.views
        }
        return sorted(found, key=lambda place: (len(place.view), place.view, place.session))

    def names(self, session: str, view: str) -> list[NameReading]:
        """Return the names that are read as this recording and this view; several where the recording has parts.

        None where every such name would be read as something else.
        """
        words, found = session.split("_"), list[NameReading]()
        for cuts in combinations(range(1, len(words)), self.parts.count(_SESSION) - 1):
            parts = iter("_".join(words[start:end]) for start, end in pairwise((0, *cuts, len(words))))
            made = (next(parts) if part == _SESSION else view if part == _VIEW else part for part in self.parts)
            found += [way for way in self.readings("".join(made))[:1] if (way.session, way.view) == (session, view)]
        return found

    def with_views(self, views: Iterable[str]) -> ViewPattern:
        """Return the pattern for these views and no others."""
        listed = tuple(views)
        text = re.sub(r"\{view(:[^{}]*)?\}", lambda _: "{view:" + "|".join(listed) + "}", self.text)
        return replace(self, text=text, views=listed)


def parse_view_pattern(text: str) -> ViewPattern:
    """Take a pattern apart.

    Everything but the fields stands for itself; ``{{`` and ``}}`` are braces. ``{session}`` may stand more than once
    (``{session}_{view}_{session}``): the parts are then joined with ``_``. ``{view:top|side}`` lists the views. Raises
    UsageError (``bad-view-pattern``) where a field is missing, twice, unknown, or follows another directly.
    """
    parts: list[str] = []
    views: tuple[str, ...] = ()
    for token in _TOKEN.finditer(text):
        named = token[1]
        if named is None:
            if token[0] in ("{", "}"):
                raise _bad(text, "found a brace that belongs to no field")
            literal = {"{{": "{", "}}": "}"}.get(token[0], token[0])
            parts[-1:] = [parts[-1] + literal] if parts and parts[-1] not in _FIELDS else [*parts[-1:], literal]
            continue
        if parts and parts[-1] in _FIELDS:
            raise _bad(text, "found two fields with nothing between them, which could be parted anywhere")
        kind, colon, listed = named.partition(":")
        if colon:
            views = tuple(dict.fromkeys(view.strip() for view in listed.split("|") if view.strip()))
            if len(views) < 2:
                raise _bad(text, f"found the views {listed!r}, expected at least two, parted by |")
        parts.append(f"\0{kind}")
    n_fields = Counter(part for part in parts if part in _FIELDS)
    if n_fields[_SESSION] < 1 or n_fields[_VIEW] != 1:
        raise _bad(text, "expected {view} once and {session} once or more")
    return ViewPattern(text, tuple(parts), views)


def _bad(text: str, message: str) -> UsageError:
    ways = (Setting("view-pattern", ("'{session}_{view}'",)),)
    advice = "for example {}, or '{session}_{view:top|side}'"
    return UsageError.of("bad-view-pattern", text, message, where=str(_PATTERN), advice=advice, remedies=ways)


def _assignments(parts: Sequence[str], name: str) -> Iterator[dict[str, list[str]]]:
    """Yield what the fields can stand for, so that all parts together make up the name; never for nothing."""
    if not parts:
        if not name:
            yield {"session": [], "view": []}
        return
    first, rest = parts[0], parts[1:]
    if first not in _FIELDS:
        if name.startswith(first):
            yield from _assignments(rest, name[len(first) :])
        return
    kind = first[1:]
    # With a literal to follow, only the places where it stands come into question.
    ends = range(1, len(name) + 1) if rest else [len(name)] * bool(name)
    for end in ends:
        if rest and not name.startswith(rest[0], end):
            continue
        for values in _assignments(rest, name[end:]):
            yield {**values, kind: [name[:end], *values[kind]]}


# --- the table ------------------------------------------------------------------------------------------------------


def apply_pattern(pattern: ViewPattern, names: Iterable[str]) -> ViewTable:
    """Read names by a pattern.

    A name is read with the shortest view that the pattern allows, so ``{session}_{view}`` takes what follows the last
    underscore: a view of Lightning Pose holds none. Where another reading would give a full table of two or more
    sessions and this one does not, or where both do, group the names differently, and no underscore decides, the
    question comes back with the patterns that settle it. Names are folders of ``labeled-data`` and stems of videos;
    repeats count once.
    """
    listed = tuple(dict.fromkeys(names))
    matched = {name: found for name in listed if (found := pattern.readings(name))}
    if not matched:
        return ViewTable(pattern.views, (), (_fits_nothing(pattern, listed),))
    questions = []
    first = tuple(found[0] for found in matched.values())
    if pattern.views:
        unclear = [found for found in matched.values() if len(found) > 1]
        questions += [_unclear_name(pattern, found) for found in unclear[:_N_SHOWN]]
    else:
        others = _unlike(reading for reading in _uniform_readings(matched) if _rivals(first, reading, pattern))
        if others:
            possible = [first] if len({place.view for place in first}) > 1 else []
            questions.append(_several_readings(pattern, [*possible, *others]))
    return _tabulate(first, pattern.views, questions)


def _uniform_readings(ways: Mapping[str, Sequence[NameReading]]) -> list[tuple[NameReading, ...]]:
    """Return the readings in which all views, or all sessions, have as many words; of each name exactly one way.

    Where the view stands inside the session's name, it must also begin at the same word of each.
    """
    readings: dict[tuple[NameReading, ...], None] = {}
    kinds: tuple[Callable[[NameReading], tuple[int, ...]], ...] = (
        lambda place: (_n_words(place.view),),
        lambda place: (_n_words(place.session),),
        lambda place: (_n_words(place.view), place.n_before),
    )
    for count in kinds:
        for number in sorted({count(place) for found in ways.values() for place in found}):
            fitting = [[place for place in found if count(place) == number] for found in ways.values()]
            if all(len(found) == 1 for found in fitting):
                readings[tuple(found[0] for found in fitting)] = None
    return list(readings)


def _unlike(readings: Iterable[tuple[NameReading, ...]]) -> list[tuple[NameReading, ...]]:
    """Of readings that group the names alike, keep the one whose views have the fewest words."""
    kept: list[tuple[NameReading, ...]] = []
    for reading in sorted(readings, key=lambda reading: sum(_n_words(place.view) for place in reading)):
        if all(_groups(reading) != _groups(other) for other in kept):
            kept.append(reading)
    return kept


def _n_words(text: str) -> int:
    return len(re.split(f"[{re.escape(_SEPARATORS)}]", text))


def _rivals(first: Sequence[NameReading], other: Sequence[NameReading], pattern: ViewPattern) -> bool:
    """Whether the second reading makes the first doubtful: it is full, and groups the names in another way."""
    if not _is_full(other) or _groups(first) == _groups(other):
        return False
    if not _is_full(first):
        return len({place.session for place in other}) > 1  # a single session is always full, and says nothing
    return not _underscore_decides(pattern)


def _underscore_decides(pattern: ViewPattern) -> bool:
    """Whether the view is parted from the rest by underscores, of which a view can have none itself."""
    at = pattern.parts.index(_VIEW)
    before = pattern.parts[at - 1] if at else "_"
    after = pattern.parts[at + 1] if at + 1 < len(pattern.parts) else "_"
    return before.endswith("_") and after.startswith("_")


def _is_full(reading: Sequence[NameReading]) -> bool:
    """Whether every session has every view, of which there are two or more."""
    sessions = {place.session for place in reading}
    views = {place.view for place in reading}
    cells = {(place.session, place.view) for place in reading}
    return len(views) > 1 and len(reading) == len(cells) == len(sessions) * len(views)


def _groups(reading: Sequence[NameReading]) -> tuple[set[frozenset[str]], set[frozenset[str]]]:
    """Return which names are one session and which are one view, whatever these are called."""
    sessions: dict[str, set[str]] = {}
    views: dict[str, set[str]] = {}
    for place in reading:
        sessions.setdefault(place.session, set()).add(place.name)
        views.setdefault(place.view, set()).add(place.name)
    return set(map(frozenset, sessions.values())), set(map(frozenset, views.values()))


def _tabulate(reading: Sequence[NameReading], views: Sequence[str], asked: Sequence[Finding]) -> ViewTable:
    found = {place.view for place in reading}
    ordered = tuple(view for view in views if view in found) or tuple(sorted(found, key=natural_key))
    order = {view: number for number, view in enumerate(ordered)}
    placed = tuple(sorted(reading, key=lambda place: (natural_key(place.session), order[place.view], place.name)))
    twice = [cell for cell, count in Counter((p.session, p.view) for p in placed).items() if count > 1]
    questions = [*asked, *(_one_cell(cell, placed) for cell in twice[:_N_SHOWN]), *_spelled_twice(placed)]
    if len(ordered) < 2 and not questions:
        questions.append(_one_view(ordered, placed))
    return ViewTable(ordered, placed, tuple(questions))


def natural_key(text: str) -> tuple[tuple[tuple[int, str], ...], str]:
    """Return a key that sorts ``cam2`` before ``cam10``."""
    parts = re.findall(r"[0-9]+|[^0-9]+", text)
    return tuple((int(part), "") if part[0] in "0123456789" else (-1, part) for part in parts), text


def split_by_camera(names: Iterable[str], cameras: Sequence[str]) -> ViewTable:
    """Read names as DeepLabCut 3D does: the camera's name stands somewhere in it, the rest is the recording's.

    ``get_camerawise_videos`` pairs ``somename-camera-1-othername`` with ``somename-camera-2-othername``. It takes the
    name wherever it stands; here it must be parted from letters and digits, or ``cam1`` would be in ``cam10``. Repeated
    names count once; ``cameras`` are the 3D project's ``camera_names``.
    """
    placed: list[NameReading] = []
    questions: list[Finding] = []
    for name in dict.fromkeys(names):
        found = [place for camera in cameras for place in _at_camera(name, camera)]
        if len(found) == 1:
            placed += found
        elif found:
            questions.append(_several_cameras(name, [place.view for place in found]))
    return _tabulate(placed, cameras, questions) if placed else ViewTable(tuple(cameras), (), tuple(questions))


def _at_camera(name: str, camera: str) -> list[NameReading]:
    places = []
    for match in re.finditer(rf"(?<![^\W_]){re.escape(camera)}(?![^\W_])", name):
        before, after = name[: match.start()], name[match.end() :]
        rest = before.rstrip(_SEPARATORS) + after if before and after else before.rstrip(_SEPARATORS) or after
        session = rest if before.rstrip(_SEPARATORS) else rest.lstrip(_SEPARATORS)
        if session:
            places.append(NameReading(name, session, camera))
    return places


# --- questions ------------------------------------------------------------------------------------------------------


def _fits_nothing(pattern: ViewPattern, names: Sequence[str]) -> Finding:
    candidates = []
    for other in map(parse_view_pattern, COMMON_PATTERNS):
        found = [other.readings(name) for name in names]
        if all(found) and _is_full([ways[0] for ways in found]):
            candidates.append(other.text)
    message = f"fits none of the names ({len(names)}): {some(names)}"
    return question("view-pattern-fits-nothing", pattern.text, message, "{}", (_PATTERN,), tuple(candidates))


def _unclear_name(pattern: ViewPattern, ways: Sequence[NameReading]) -> Finding:
    read = " or ".join(f"session {place.session}, view {place.view}" for place in ways)
    message = f"the name {ways[0].name} can be read as {read}"
    return question("view-pattern-ambiguous", pattern.text, message, "a more exact {}", (_PATTERN,))


def _several_readings(pattern: ViewPattern, readings: Sequence[Sequence[NameReading]]) -> Finding:
    told, candidates = [], []
    for reading in readings:
        views = sorted({place.view for place in reading}, key=natural_key)
        n_sessions = len({place.session for place in reading})
        told.append(f"{counted(n_sessions, 'session')} with the views {some(views)}")
        if len(views) > 1:
            candidates.append(pattern.with_views(views).text)
    message = f"the names can be read as {' or as '.join(told)}" + ("" if len(told) > 1 else ", if that is meant")
    advice = "{}" if candidates else "{}, which may list the cameras: {view:top|side}"
    return question("view-pattern-ambiguous", pattern.text, message, advice, (_PATTERN,), tuple(candidates))


def _spelled_twice(placed: Sequence[NameReading]) -> Iterator[Finding]:
    """Ask about cameras, and about recordings that share no camera, whose names differ only in case."""
    for kind in ("view", "session"):
        spellings: dict[str, dict[str, list[NameReading]]] = {}
        for place in placed:
            name = getattr(place, kind)
            spellings.setdefault(name.casefold(), {}).setdefault(name, []).append(place)
        for found in spellings.values():
            views = [place.view for places in found.values() for place in places]
            if len(found) > 1 and (kind == "view" or len(set(views)) == len(views)):
                names = " and ".join(found)
                listed = some([place.name for places in found.values() for place in places])
                message = f"found {kind}s that differ only in case: {names} (in {listed}), which would be two {kind}s"
                yield question("spelled-in-two-ways", names, message, "spell the folders alike in DeepLabCut")


def _one_cell(cell: tuple[str, str], placed: Sequence[NameReading]) -> Finding:
    names = [place.name for place in placed if (place.session, place.view) == cell]
    message = f"{some(names)} would all be the view {cell[1]} of the session {cell[0]}"
    return question("view-pattern-ambiguous", cell[0], message, "a more exact {}", (_PATTERN,))


def _one_view(views: Sequence[str], placed: Sequence[NameReading]) -> Finding:
    message = f"found the view {some(views)} only (in {some([place.name for place in placed])}), expected two or more"
    return question("one-view-only", some(views), message, "another {}, or none for a single camera", (_PATTERN,))


def _several_cameras(name: str, cameras: Sequence[str]) -> Finding:
    message = f"the name holds several cameras' names: {', '.join(cameras)}"
    advice = "{}, which says where the camera's name stands"
    return question("view-pattern-ambiguous", name, message, advice, (_PATTERN,))
