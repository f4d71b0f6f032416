"""Every moment gets its place: one row in the label file of every view, the app's queue, or none. Pure.

A moment is what all views show at one time; with a single view, each of its images is one. Row n of every view's label
file is the same moment (Lightning Pose, ``MultiviewHeatmapDataset``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from dlc2lp.lp.labels import LabelRows, QueueEntry
from dlc2lp.lp.names import frame_file_name
from dlc2lp.options import EmptyFrames, MachineLabels
from dlc2lp.planning.align import Alignment, Moment, align
from dlc2lp.planning.context import RowFrame
from dlc2lp.planning.frame_names import STILL_SPACING, letters
from dlc2lp.planning.frames import ViewImage, ViewImages


def align_views(views: Sequence[ViewImages], recordings: Sequence[str]) -> Alignment:
    """Bring the images of all views to moments; what a view lacks is cut where its video is proven to be its own.

    The images of a single view keep their order.
    """
    if len(views) == 1:
        moments = (
            Moment(frame.session, frame.frame_index, (frame.image,), frame.is_labeled, frame.is_proven)
            for frame in views[0].frames()
        )
        return Alignment((views[0].name,), tuple(moments), (), ())
    n_frames, held = {}, {}
    for view in views:
        for session, video in view.videos.items():
            if video.info is not None and view.cut_part(session) is not None:
                n_frames[session, view.name] = video.info.n_frames
                held[session, view.name] = frozenset(video.info.held)
    return align({view.name: view.frames() for view in views}, n_frames, recordings, held)


@dataclass(frozen=True, slots=True)
class NamedMoment:
    """A moment and what becomes of it."""

    moment: Moment  #: The frames of all views.
    file_name: str  #: The name of its image in every view's folder.
    state: str  #: ``labeled``, ``test``, ``queued`` or ``left-out``.


def name_moments(alignment: Alignment, views: Sequence[ViewImages], empty_frames: EmptyFrames) -> Iterator[NamedMoment]:
    """Give every moment its name and its place; the images of a single view have their names already."""
    taken: dict[str, Counter[str]] = {}
    n_stills: Counter[str] = Counter()
    suffixes = _suffixes(alignment, views)
    for moment in alignment.moments:
        own = own_images(moment, views)
        state = _state(moment, own, empty_frames)
        if len(views) == 1:
            yield NamedMoment(moment, own[0][1].frame.target_name, state)
            continue
        suffix, names = suffixes[moment.session], taken.setdefault(moment.session, Counter())
        if moment.frame_index is None:
            n_stills[moment.session] += 1
            name = frame_file_name(n_stills[moment.session] * STILL_SPACING, suffix, "still")
        else:
            name, number = frame_file_name(moment.frame_index, suffix), 0
            while names[name]:
                number += 1
                name = frame_file_name(moment.frame_index, suffix, f"img-{letters(number)}")
        names[name] += 1
        yield NamedMoment(moment, name, state)


def own_images(moment: Moment, views: Sequence[ViewImages]) -> list[tuple[ViewImages, ViewImage]]:
    """Return the views that have an image of their own of a moment, with it."""
    return [
        (view, view.images[moment.session][name])
        for view, name in zip(views, moment.images, strict=True)
        if name is not None
    ]


def _suffixes(alignment: Alignment, views: Sequence[ViewImages]) -> dict[str, str]:
    """Return the suffix of each session's images: rows of all views must have the same names."""
    kinds: dict[str, set[str]] = {}
    for view in views:
        for session, images in view.images.items():
            kinds.setdefault(session, set()).update(image.info.kind for image in images.values())
    return {moment.session: ".jpg" if kinds[moment.session] == {"jpg"} else ".png" for moment in alignment.moments}


def _state(moment: Moment, own: Sequence[tuple[ViewImages, ViewImage]], empty_frames: EmptyFrames) -> str:
    if not moment.is_labeled and any(image.is_withheld for _, image in own):
        return "left-out"
    has_row = any(image.row is not None for _, image in own)
    if moment.is_labeled or (has_row and empty_frames == "keep"):
        return "test" if any(view.is_held_out(image) for view, image in own) else "labeled"
    return "left-out" if empty_frames == "drop" else "queued"


@dataclass(frozen=True)
class ViewFiles:
    """What the files of one view hold, in the same order as every other view's."""

    #: Labeled frames to train on, and those held out.
    rows: LabelRows
    test_rows: LabelRows
    queue: list[QueueEntry] = field(default_factory=list)  #: Frames for the app's labeling queue.
    fillers: set[str] = field(default_factory=set)  #: Paths of frames that only other views have labelled.
    #: Where the frames of each recording stand in its video, as far as that is proven; of the queue only those that are
    #: cut.
    row_frames: dict[str, list[RowFrame]] = field(default_factory=dict)
    queue_frames: dict[str, list[RowFrame]] = field(default_factory=dict)
    #: (path, state) of each image by recording and DeepLabCut's file name.
    placed: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)

    @property
    def parts(self) -> tuple[LabelRows, LabelRows]:
        """Labeled frames, held out or not."""
        return self.rows, self.test_rows


#: Paths of images, and the row of the view's labels that each has; None: none.
_Listed = list[tuple[str, int | None]]


def fill_files(
    moments: Sequence[NamedMoment],
    number: int,
    view: ViewImages,
    folders: Mapping[str, str],
    keypoints: Sequence[str],
    machine_labels: MachineLabels,
) -> ViewFiles:
    """Write down the rows and the queue of one view, the one of this number.

    ``folders`` is its folder in ``labeled-data`` by recording, ``keypoints`` are those of all views.
    """
    none = _label_rows([], view, keypoints)
    made, train, test = ViewFiles(none, none), _Listed(), _Listed()
    for named in moments:
        moment, session = named.moment, named.moment.session
        source_name = moment.images[number]
        path = f"labeled-data/{folders[session]}/{named.file_name}"
        image = view.images[session][source_name] if source_name is not None else None
        if source_name is not None:
            made.placed[session, source_name] = (path, named.state)
        if named.state == "left-out":
            continue
        frame = _row_frame(view, moment, image, path)
        if named.state == "queued":
            made.queue.append(_queue_entry(path, view, image, machine_labels))
            if frame is not None and frame.is_cut:
                made.queue_frames.setdefault(session, []).append(frame)
            continue
        # A moment that only other views have labelled has a row here too, and can't wait in the app's queue instead:
        # Lightning Pose refuses label files of unequal length, so that the other views' labels would have to wait.
        if moment.is_labeled and (image is None or not image.is_labeled):
            made.fillers.add(path)
        (test if named.state == "test" else train).append((path, image.row if image is not None else None))
        if frame is not None:
            made.row_frames.setdefault(session, []).append(frame)
    return replace(made, rows=_label_rows(train, view, keypoints), test_rows=_label_rows(test, view, keypoints))


def _label_rows(listed: _Listed, view: ViewImages, keypoints: Sequence[str]) -> LabelRows:
    """Return the points of images at the keypoints of all views, empty where a view has no such row or keypoint."""
    import numpy as np

    labels = view.animal.labels
    rows = np.array([-1 if row is None else row for _, row in listed], dtype=np.intp)
    paths = tuple(path for path, _ in listed)
    if tuple(keypoints) == labels.keypoint_names and np.array_equal(rows, np.arange(len(labels.frames))):
        return LabelRows(paths, labels.xy_px[:, 0])  # the labels themselves, since they stand in the same order
    xy = np.full((len(listed), len(keypoints), 2), np.nan)
    has_row = rows >= 0
    for k, name in enumerate(keypoints):
        if name in labels.keypoint_names:
            xy[has_row, k] = labels.xy_px[rows[has_row], 0, labels.keypoint_names.index(name)]
    return LabelRows(paths, xy)


def _row_frame(view: ViewImages, moment: Moment, image: ViewImage | None, path: str) -> RowFrame | None:
    """Return where a frame stands in its view's video, if that is proven."""
    video = view.videos.get(moment.session)
    if image is not None:
        index = image.frame.video_frame_index
        if video is None or video.tie is None or index is None:
            return None
        return RowFrame(path, index, video.tie.part_of[image.frame.source_name])
    part = view.cut_part(moment.session)
    if part is None or moment.frame_index is None:
        return None
    return RowFrame(path, moment.frame_index, part, is_cut=True)


def _queue_entry(path: str, view: ViewImages, image: ViewImage | None, machine_labels: MachineLabels) -> QueueEntry:
    if image is None or image.folder.predictions is None or machine_labels == "ignore":
        return QueueEntry(path)
    suggestion = image.folder.predictions.suggestion(image.frame.source_name, view.animal.origin)
    if suggestion is None:
        return QueueEntry(path)
    points = tuple((name, x, y) for name, (x, y) in suggestion.points.items())
    return QueueEntry(path, suggestion.model, suggestion.date_ms, points)
