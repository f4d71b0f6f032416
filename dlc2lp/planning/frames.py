"""The images of every view: each with its labels, its place in the view's video, and how it travels. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from dlc2lp.files import mark_of
from dlc2lp.model import Finding, ImageInfo
from dlc2lp.options import DerivedCrops, FrameNames
from dlc2lp.planning.align import ViewFrame
from dlc2lp.planning.context import can_be_cut
from dlc2lp.planning.frame_names import NamedFrame
from dlc2lp.planning.rows import MatchedFolder, match_rows
from dlc2lp.planning.steps import ImagePlacement
from dlc2lp.survey.individuals import OneAnimal
from dlc2lp.survey.measure_videos import SurveyedVideo
from dlc2lp.survey.session_labels import SessionLabels
from dlc2lp.survey.session_ties import SessionTie
from dlc2lp.survey.source import View


@dataclass(frozen=True)
class MatchedView:
    """A camera whose images have names; whose labels count does not matter for that."""

    view: View  #: The camera.
    folders: tuple[MatchedFolder, ...]  #: Its folders with their images and rows, in the order of the project.

    @property
    def findings(self) -> Iterator[Finding]:
        """What is odd about images and rows."""
        return (finding for folder in self.folders for finding in folder.findings)

    @property
    def recordings(self) -> Iterator[str]:
        """The recordings that images are of; a folder with the frames of several videos holds several."""
        for folder in self.folders:
            yield from (self.view.recording(folder.chosen.session.name, frame.folder) for frame in folder.named)


def match_view(view: View, frame_names: FrameNames, derived_crops: DerivedCrops) -> MatchedView:
    """Match the rows of one camera with its images."""
    ties = view.survey.ties
    folders = (
        match_rows(chosen, ties, frame_names=frame_names, derived_crops=derived_crops)
        for chosen in view.labels.project.sessions
        if chosen.session.name in view.session_of
    )
    return MatchedView(view, tuple(folders))


@dataclass(frozen=True, slots=True)
class ViewImage:
    """An image of one view."""

    folder: SessionLabels  #: Its folder, with the labels that count.
    frame: NamedFrame  #: Its name and its place in the video.
    info: ImageInfo  #: The image.
    labels_row: int | None  #: Row of the view's labels that has its own; None where there is none.
    n_labelled: int  #: How many points have a label.
    #: Where it stands in its video, proven or as its number claims; None where that can't be said.
    position: int | None
    is_held: bool = False  #: Whether the video shows another picture there, since its own can't be decoded.

    @property
    def is_labeled(self) -> bool:
        """Whether it has a label that is used."""
        return self.n_labelled > 0 and not self.is_held

    @property
    def is_withheld(self) -> bool:
        """Whether it has labels that are not used: nobody may take it for an unlabeled one."""
        return self.frame.source_name in self.folder.withheld or (self.is_held and self.n_labelled > 0)

    @property
    def row(self) -> int | None:
        """Row of the view's labels that counts; None where it has none."""
        return None if self.is_held else self.labels_row


@dataclass(frozen=True)
class ViewImages:
    """All images of one view."""

    #: The camera, and its name in the target; empty in a project with a single view.
    view: View
    name: str
    animal: OneAnimal  #: The labels of its project as those of one animal.
    folders: tuple[MatchedFolder, ...]  #: Its folders, in the order of the project.
    images: Mapping[str, Mapping[str, ViewImage]]  #: By recording and by DeepLabCut's file name.
    videos: Mapping[str, SurveyedVideo]  #: Its videos by recording.

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

    def is_held_out(self, image: ViewImage) -> bool:
        """Whether the split of the camera's project holds an image out."""
        split = self.view.survey.split
        return split is not None and (image.folder.session.name, image.frame.source_name) in split.test

    @cached_property
    def n_labelled(self) -> dict[tuple[str, str], int]:
        """Labelled points of each row, by DeepLabCut's folder and file name; also of rows without an image."""
        labels = self.animal.labels
        counts = labels.labelled.sum(axis=(1, 2)).tolist()
        return {(ref.session, ref.file_name): n for ref, n in zip(labels.frames, counts, strict=True)}


def collect(matched: MatchedView, name: str, animal: OneAnimal) -> ViewImages:
    """Gather the images of one view with their labels."""
    view = matched.view
    rows = {(ref.session, ref.file_name): row for row, ref in enumerate(animal.labels.frames)}
    n_labelled = animal.labels.labelled.sum(axis=(1, 2)).tolist()
    images: dict[str, dict[str, ViewImage]] = {}
    held = {video.session: frozenset(video.info.held) for video in view.survey.videos if video.info and video.session}
    for folder in matched.folders:
        session = folder.chosen.session
        for frame in folder.named:
            row = rows.get((session.name, frame.source_name))
            n = n_labelled[row] if row is not None else 0
            tie = view.survey.ties.get(frame.folder)
            position = _position(frame, tie)
            is_held = _number_in_video(frame, tie) in held.get(frame.folder, ())
            image = ViewImage(folder.chosen, frame, session.images[frame.source_name], row, n, position, is_held)
            images.setdefault(view.recording(session.name, frame.folder), {})[frame.source_name] = image
    videos = {
        view.video_of[video.stem]: video for video in view.survey.videos if video.stem in view.video_of and video.info
    }
    return ViewImages(view, name, animal, matched.folders, images, videos)


def _position(frame: NamedFrame, tie: SessionTie | None) -> int | None:
    if frame.video_frame_index is not None:
        return frame.video_frame_index
    trusted = tie is None or tie.number_holds(frame.source_name)
    return frame.frame_index if trusted else None


def _number_in_video(frame: NamedFrame, tie: SessionTie | None) -> int | None:
    """The index in the video that an image must have, if it follows the others; None where its name says nothing."""
    if frame.video_frame_index is not None or frame.frame_index is None:
        return frame.video_frame_index
    return frame.frame_index + (tie.shift if tie else 0)


def shift_of(largest: int) -> int:
    """Return by how many bits 16-bit values go down so that the largest just fits 8 bits.

    A 12-bit camera writes values up to 4095 into 16-bit files; shifted by 8 its images would be almost black.
    """
    return max(0, largest.bit_length() - 8)


def placement(image: ImageInfo, target: str, shift: int) -> ImagePlacement:
    """Return how an image travels; what Lightning Pose does not read becomes PNG.

    The values of 16-bit images go down by ``shift`` bits.
    """
    as_png = image.kind not in {"png", "jpg"} or (image.kind == "jpg" and not target.endswith(".jpg"))
    bits = shift if image.bits_per_channel > 8 else None
    return ImagePlacement(str(image.path), target, image.size_bytes, bits, as_png, mark_of(image.digest))
