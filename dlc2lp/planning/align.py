"""Several views' frames become moments: row n of every view's label file is one and the same. Pure.

Lightning Pose reads the label files of all views in parallel (``MultiviewHeatmapDataset``). A frame that one view lacks
is cut from that view's video where the video is known to be the one that the images come from; where it can't be, the
moment is left out of all views.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from dlc2lp.model import Finding, Setting, Severity

_N_SHOWN = 5


@dataclass(frozen=True, slots=True)
class ViewFrame:
    """An image of one view."""

    session: str  #: The recording.
    image: str  #: How the image is called in the source; unique inside the session and view.
    #: 0-based position in the view's video, proven or as the image's name claims; None if it carries no number.
    frame_index: int | None
    is_labeled: bool = True  #: Whether it has a label.
    is_proven: bool = False  #: Whether the position was proven.


@dataclass(frozen=True, slots=True)
class Moment:
    """One row of every view's label file."""

    session: str  #: The recording.
    #: 0-based position in every view's video; None where the images carry no number and go by their names.
    frame_index: int | None
    #: The image in each view, in the order of the views; None: to be cut from that view's video.
    images: tuple[str | None, ...]
    is_labeled: bool  #: Whether any view has a label.
    is_proven: bool  #: Whether the position of every image was proven.


@dataclass(frozen=True)
class LeftOut:
    """An image that can't be part of a moment."""

    view: str  #: Its view.
    frame: ViewFrame  #: The image.
    lacking: tuple[str, ...]  #: Views that have no such frame, and no video to cut it from.
    ended: tuple[str, ...] = ()  #: Those of them whose video ends before it.


@dataclass(frozen=True)
class SessionFrames:
    """How the views of one session meet."""

    session: str  #: The recording.
    n_frames: tuple[int, ...]  #: Labeled frames of each view, in the order of the views.
    n_shared: int  #: Moments with a label, for which every view has its own image.
    n_filled: int  #: Moments with a label, for which an image is cut from the video of at least one view.
    n_left_out: int  #: Labeled frames that are left out, over all views.


@dataclass(frozen=True)
class Alignment:
    """All frames of all views."""

    views: tuple[str, ...]  #: The views in order.
    #: By session and then by position; every image of the source is in one of them or in ``left_out``.
    moments: tuple[Moment, ...]
    left_out: tuple[LeftOut, ...]  #: What is in none.
    sessions: tuple[SessionFrames, ...]  #: The table for people.


#: What tells moments of a session apart: the position or the image's name, and which of several such images it is.
_Key = tuple[int, str, int]


def align(
    frames: Mapping[str, Sequence[ViewFrame]],
    n_video_frames: Mapping[tuple[str, str], int],
    sessions: Sequence[str] = (),
    held: Mapping[tuple[str, str], Collection[int]] = MappingProxyType({}),
) -> Alignment:
    """Bring the frames of all views to moments.

    Images with a number meet by session and number; images without, by session and name, and these can't be cut from
    a video. Where a view has one number twice, the first meets the others' first, and a second that not all views
    have is left out: cut from the video, it would be the same frame without its labels.

    ``frames`` holds each view's images in their order. ``n_video_frames`` counts by (session, view) the frames of the
    videos that are known to be the images' own, where frame N is image N; ``held`` are those of them that show another
    picture. Sessions that are not named follow in order of their names.
    """
    views = tuple(frames)
    cells: dict[str, dict[_Key, dict[str, ViewFrame]]] = {}
    for view, images in frames.items():
        seen: Counter[tuple[str, int, str]] = Counter()
        for frame in images:
            index, name = (frame.frame_index, "") if frame.frame_index is not None else (-1, _stem(frame.image))
            which = seen[frame.session, index, name]
            seen[frame.session, index, name] += 1
            cells.setdefault(frame.session, {}).setdefault((index, name, which), {})[view] = frame
    order = {session: number for number, session in enumerate(sessions)}
    moments: list[Moment] = []
    left_out: list[LeftOut] = []
    for session in sorted(cells, key=lambda name: (order.get(name, len(order)), name)):
        for key in sorted(cells[session], key=lambda key: (key[0] < 0, key)):
            found = cells[session][key]
            absent = (view for view in views if view not in found)
            lacking = tuple(
                view
                for view in absent
                if not _can_cut(key, n_video_frames.get((session, view), 0), held.get((session, view), ()))
            )
            if lacking:
                ended = tuple(view for view in lacking if 0 < n_video_frames.get((session, view), 0) <= key[0])
                left_out += [LeftOut(view, found[view], lacking, ended) for view in views if view in found]
            else:
                moments.append(_moment(session, key, found, views))
    # Sessions with moments are in order already; one that is left out altogether comes after them.
    met = dict.fromkeys([*(each.session for each in moments), *(each.frame.session for each in left_out)])
    table = tuple(_session_frames(session, frames, moments, left_out) for session in met)
    return Alignment(views, tuple(moments), tuple(left_out), table)


def _stem(image: str) -> str:
    return image.rpartition(".")[0] or image


def _can_cut(key: _Key, n_frames: int, held: Collection[int]) -> bool:
    index, _, which = key
    return which == 0 and 0 <= index < n_frames and index not in held


def _moment(session: str, key: _Key, found: Mapping[str, ViewFrame], views: Sequence[str]) -> Moment:
    return Moment(
        session,
        key[0] if key[0] >= 0 else None,
        tuple(found[view].image if view in found else None for view in views),
        any(frame.is_labeled for frame in found.values()),
        all(frame.is_proven for frame in found.values()),
    )


def _session_frames(
    session: str,
    frames: Mapping[str, Sequence[ViewFrame]],
    moments: Iterable[Moment],
    left_out: Iterable[LeftOut],
) -> SessionFrames:
    own = [moment for moment in moments if moment.session == session and moment.is_labeled]
    n_filled = sum(None in moment.images for moment in own)
    return SessionFrames(
        session,
        tuple(sum(frame.session == session and frame.is_labeled for frame in images) for images in frames.values()),
        len(own) - n_filled,
        n_filled,
        sum(each.frame.session == session and each.frame.is_labeled for each in left_out),
    )


def explain_alignment(alignment: Alignment, *, without_videos: bool = False) -> list[Finding]:
    """Return what a person should know of how the views meet: what was cut from videos and what is left out.

    ``without_videos`` says that a person asked for none, so that nothing could be cut from any.
    """
    findings = []
    filled = Counter(
        view
        for moment in alignment.moments
        for view, image in zip(alignment.views, moment.images, strict=True)
        if image is None and moment.is_labeled
    )
    if filled:
        told = ", ".join(f"{n} in {view}" for view, n in sorted(filled.items()))
        message = f"frames that only other views have labelled are cut from the videos, without labels: {told}"
        findings.append(Finding(Severity.NOTE, "views-filled", "views", message))
    for session in alignment.sessions:
        if not session.n_left_out:
            continue
        findings.append(_frames_left_out(alignment, session, without_videos=without_videos))
    return findings


def _frames_left_out(alignment: Alignment, session: SessionFrames, *, without_videos: bool) -> Finding:
    """Say how many labeled frames of a session are left out, why, and what would bring them."""
    left_out = [each for each in alignment.left_out if each.frame.session == session.session and each.frame.is_labeled]
    lacking = Counter(view for each in left_out for view in each.lacking)
    told = ", ".join(f"{n} not in {view}" for view, n in sorted(lacking.items()))
    shared = session.n_shared + session.n_filled
    reason = "since no video is proven to hold what is missing"
    advice = "give the missing views' videos ({}), or extract there in DeepLabCut what is missing"
    ways: tuple[Setting, ...] = (Setting("video-root", ("DIR",)),)
    if without_videos:
        advice, ways = "leave out {}, since what a view lacks is cut from its video", (Setting("videos", ("none",)),)
    ended = list(dict.fromkeys(view for each in left_out for view in each.ended))
    if ended and all(each.lacking == each.ended for each in left_out):
        reason = f"since these videos end before: {', '.join(ended)}"
        advice, ways = "label frames that all cameras recorded; these train in a project of their camera alone", ()
    message = (
        f"found {_per_view(alignment.views, session.n_frames)} labeled frames, of which the views share {shared}; "
        f"left out: {session.n_left_out} ({told}), {reason}"
    )
    return Finding(Severity.ERROR, "frames-not-in-all-views", session.session, message, "", advice, ways)


def _per_view(views: Sequence[str], numbers: Sequence[int]) -> str:
    return ", ".join(f"{number} ({view})" for view, number in zip(views, numbers, strict=True))


def union_keypoints(views: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """Return the keypoints of all views in one order: each after those that go before it in its own view.

    Where two views have an order that contradicts the other's, the earlier view's counts.
    """
    before: dict[str, set[str]] = {}
    for names in views:
        for position, name in enumerate(names):
            before.setdefault(name, set()).update(names[position - 1 : position])
    joined: dict[str, None] = {}
    while len(joined) < len(before):
        rest = [name for name in before if name not in joined]
        free = [name for name in rest if before[name] <= joined.keys()]
        joined[(free or rest)[0]] = None
    return tuple(joined)
