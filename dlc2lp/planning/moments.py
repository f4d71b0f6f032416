"""Every frame of several cameras gets its place: the same row in every view's label file, the queue, or none. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan, nan

from dlc2lp.lp.labels import LabelRow, QueueEntry
from dlc2lp.lp.names import frame_file_name
from dlc2lp.model import Finding, FrameRef, ImageInfo
from dlc2lp.options import Options
from dlc2lp.planning.align import Alignment, Moment, ViewFrame, align
from dlc2lp.planning.context import RowFrame, can_be_cut
from dlc2lp.planning.frame_names import NamedFrame, letters
from dlc2lp.planning.frames import Points
from dlc2lp.planning.rows import MatchedSession, match_rows
from dlc2lp.survey.cameras import View
from dlc2lp.survey.individuals import OneAnimal
from dlc2lp.survey.label_files import ChosenSession
from dlc2lp.survey.project import SurveyedVideo
from dlc2lp.survey.ties import SessionTie, by_session

#: As for images without a number in a single view: wide apart, so that none is taken for another's neighbor.
_STILL_SPACING = 10


@dataclass(frozen=True)
class ViewImage:
    """An image of one view.

    Attributes
    ----------
    chosen
        Its folder, with the labels that count.
    frame
        Its name and its place in the video.
    info
        The image.
    points
        Its labels for the keypoints of all views; None where it has no row.
    position
        Where it stands in its video, proven or as its number claims; None where that can't be said.
    """

    chosen: ChosenSession
    frame: NamedFrame
    info: ImageInfo
    points: Points | None
    position: int | None

    @property
    def is_labeled(self) -> bool:
        """Whether it has a label."""
        return self.points is not None and any(not isnan(x) for x, _ in self.points)


@dataclass(frozen=True)
class ViewImages:
    """All images of one view.

    Attributes
    ----------
    view, name
        The camera, and its name in the target.
    animal
        The labels of its project as those of one animal.
    images
        By recording and by DeepLabCut's file name.
    folder_of
        DeepLabCut's folder of each recording.
    lost
        Rows without an image that could be migrated, with their folder.
    videos
        Its videos by recording.
    """

    view: View
    name: str
    animal: OneAnimal
    images: Mapping[str, Mapping[str, ViewImage]]
    folder_of: Mapping[str, ChosenSession]
    lost: tuple[tuple[ChosenSession, FrameRef], ...]
    videos: Mapping[str, SurveyedVideo]

    def frames(self) -> list[ViewFrame]:
        """Return the images as they are aligned with those of other views."""
        return [
            ViewFrame(session, name, image.position, image.is_labeled, image.frame.video_frame_index is not None)
            for session, images in self.images.items()
            for name, image in images.items()
        ]

    def cut_part(self, session: str) -> int | None:
        """Return the part of a session's tie by which frames can be cut like its images; None where that is open."""
        video = self.videos.get(session)
        if video is None or video.tie is None or len(video.tie.pictures) != 1:
            return None
        parts = enumerate(video.tie.parts)
        return next((number for number, part in parts if part.is_proven and can_be_cut(part)), None)


def _position(frame: NamedFrame, tie: SessionTie | None) -> int | None:
    if frame.video_frame_index is not None:
        return frame.video_frame_index
    trusted = tie is None or tie.number_holds(frame.source_name)
    return frame.frame_index if trusted else None


def collect(
    view: View, name: str, animal: OneAnimal, keypoints: Sequence[str], options: Options, findings: list[Finding]
) -> ViewImages:
    """Gather the images and rows of one view.

    Parameters
    ----------
    view, name
        The camera, and its name in the target.
    animal
        The labels of its project.
    keypoints
        The keypoints of all views.
    options
        What a person chose.
    findings
        What is odd is added here.
    """
    ties = by_session(video.tie for video in view.survey.videos if video.tie is not None)
    rows = {(ref.session, ref.file_name): row for row, ref in enumerate(animal.labels.frames)}
    columns = [animal.labels.keypoint_names.index(k) if k in animal.labels.keypoint_names else None for k in keypoints]
    images: dict[str, dict[str, ViewImage]] = {}
    folder_of: dict[str, ChosenSession] = {}
    lost: list[tuple[ChosenSession, FrameRef]] = []
    for chosen in view.decided.chosen.sessions:
        recording = view.session_of.get(chosen.session.name)
        if recording is None:
            continue
        matched: MatchedSession = match_rows(chosen, options, findings, ties)
        lost += [(chosen, ref) for ref in matched.lost]
        for frame in matched.named:
            # A folder with the frames of several videos is several recordings.
            session = recording + frame.folder.removeprefix(chosen.session.name)
            row = rows.get((chosen.session.name, frame.source_name))
            points = None if row is None else _points(animal, row, columns)
            info = chosen.session.images[frame.source_name]
            position = _position(frame, ties.get(frame.folder))
            image = ViewImage(chosen, frame, info, points, position)
            images.setdefault(session, {})[frame.source_name] = image
            folder_of[session] = chosen
    videos = {
        view.video_of[video.stem]: video for video in view.survey.videos if video.stem in view.video_of and video.info
    }
    return ViewImages(view, name, animal, images, folder_of, tuple(lost), videos)


def _points(animal: OneAnimal, row: int, columns: Sequence[int | None]) -> Points:
    xy = animal.labels.xy_px[row, 0]
    return tuple((nan, nan) if k is None else (float(xy[k, 0]), float(xy[k, 1])) for k in columns)


@dataclass(frozen=True)
class PlacedMoment:
    """A moment and what becomes of it.

    Attributes
    ----------
    moment
        The frames of all views.
    file_name
        The name of its image in every view's folder.
    state
        ``labeled``, ``test``, ``queued`` or ``left-out``.
    """

    moment: Moment
    file_name: str
    state: str


@dataclass
class PlacedView:
    """What one view's files hold, in the same order as every other's."""

    rows: list[LabelRow] = field(default_factory=list)
    test_rows: list[LabelRow] = field(default_factory=list)
    queue: list[QueueEntry] = field(default_factory=list)
    fillers: set[str] = field(default_factory=set)
    cut: dict[str, list[RowFrame]] = field(default_factory=dict)
    queue_cut: dict[str, list[RowFrame]] = field(default_factory=dict)
    placed: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)


def align_views(views: Sequence[ViewImages], sessions: Sequence[str]) -> Alignment:
    """Bring the images of all views to moments; what a view lacks is cut where its video is proven to be its own."""
    n_frames = {}
    for view in views:
        for session, video in view.videos.items():
            if video.info is not None and view.cut_part(session) is not None:
                n_frames[session, view.name] = video.info.n_frames
    return align({view.name: view.frames() for view in views}, n_frames, sessions)


def name_moments(alignment: Alignment, views: Sequence[ViewImages], options: Options) -> Iterator[PlacedMoment]:
    """Give every moment its name and its place."""
    taken: dict[str, Counter[str]] = {}
    n_stills: Counter[str] = Counter()
    suffixes = _suffixes(alignment, views)
    for moment in alignment.moments:
        suffix, names = suffixes[moment.session], taken.setdefault(moment.session, Counter())
        if moment.frame_index is None:
            n_stills[moment.session] += 1
            name = frame_file_name(n_stills[moment.session] * _STILL_SPACING, suffix, "still")
        else:
            name, number = frame_file_name(moment.frame_index, suffix), 0
            while names[name]:
                number += 1
                name = frame_file_name(moment.frame_index, suffix, f"img-{letters(number)}")
        names[name] += 1
        yield PlacedMoment(moment, name, _state(moment, views, options))


def _suffixes(alignment: Alignment, views: Sequence[ViewImages]) -> dict[str, str]:
    """Return the suffix of each session's images: rows of all views must have the same names."""
    kinds: dict[str, set[str]] = {}
    for view in views:
        for session, images in view.images.items():
            kinds.setdefault(session, set()).update(image.info.kind for image in images.values())
    return {moment.session: ".jpg" if kinds[moment.session] == {"jpg"} else ".png" for moment in alignment.moments}


def _state(moment: Moment, views: Sequence[ViewImages], options: Options) -> str:
    images = [
        (view, view.images[moment.session][name])
        for view, name in zip(views, moment.images, strict=True)
        if name is not None
    ]
    has_row = any(image.points is not None for _, image in images)
    if moment.is_labeled or (has_row and options.empty_frames == "keep"):
        held_out = any(is_held_out(view, image) for view, image in images)
        return "test" if held_out else "labeled"
    return "left-out" if options.empty_frames == "drop" else "queued"


def is_held_out(view: ViewImages, image: ViewImage) -> bool:
    """Whether the split of a camera's project holds an image out."""
    split = view.view.survey.split
    return split is not None and (image.chosen.session.name, image.frame.source_name) in split.test


def place_moments(
    moments: Sequence[PlacedMoment],
    number: int,
    view: ViewImages,
    folders: Mapping[str, str],
    n_keypoints: int,
    options: Options,
) -> PlacedView:
    """Write down the rows and the queue of one view.

    Parameters
    ----------
    moments
        All moments in their order.
    number, view
        Which of the views it is.
    folders
        The view's folder in ``labeled-data`` by recording.
    n_keypoints
        Keypoints of all views together.
    options
        What a person chose.
    """
    made = PlacedView()
    for placed in moments:
        session, name = placed.moment.session, placed.moment.images[number]
        path = f"labeled-data/{folders[session]}/{placed.file_name}"
        image = view.images[session][name] if name is not None else None
        if name is not None:
            made.placed[session, name] = (path, placed.state)
        if placed.state == "left-out":
            continue
        frame = _row_frame(view, session, placed.moment, image, path)
        if placed.state == "queued":
            made.queue.append(_queue_entry(path, view, image, options))
            if frame is not None and frame.is_cut:
                made.queue_cut.setdefault(session, []).append(frame)
            continue
        points = image.points if image is not None and image.points is not None else ((nan, nan),) * n_keypoints
        if image is None or not image.is_labeled:
            made.fillers.add(path)
        (made.test_rows if placed.state == "test" else made.rows).append(LabelRow(path, points))
        if frame is not None:
            made.cut.setdefault(session, []).append(frame)
    return made


def _row_frame(view: ViewImages, session: str, moment: Moment, image: ViewImage | None, path: str) -> RowFrame | None:
    """Return where a frame stands in its view's video, if that is proven."""
    video, part = view.videos.get(session), view.cut_part(session)
    if image is not None and video is not None and video.tie is not None:
        index = image.frame.video_frame_index
        return None if index is None else RowFrame(path, index, video.tie.part_of[image.frame.source_name])
    if image is None and part is not None and moment.frame_index is not None:
        return RowFrame(path, moment.frame_index, part, is_cut=True)
    return None


def _queue_entry(path: str, view: ViewImages, image: ViewImage | None, options: Options) -> QueueEntry:
    if image is None or image.chosen.predictions is None or options.machine_labels == "ignore":
        return QueueEntry(path)
    suggestion = image.chosen.predictions.suggestion(image.frame.source_name, view.animal.origin)
    if suggestion is None:
        return QueueEntry(path)
    points = tuple((name, x, y) for name, (x, y) in suggestion.points.items())
    return QueueEntry(path, suggestion.model, suggestion.date_ms, points)
