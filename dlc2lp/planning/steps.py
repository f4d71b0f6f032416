"""The plan of a migration: pure data that a dry run prints, a run carries out and a shard takes a slice of.

Each :class:`Step` is complete in itself: whoever holds it and the source's files can do it, in any order, on
any machine. No two steps share a target. A step's id is the hash of its content, so a step that changes in any
way is another step, and a record of the old one proves nothing about it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import ClassVar, Literal, Self

from dlc2lp.codec import Signed, encode_fields
from dlc2lp.inside import InnerPath
from dlc2lp.json_text import sorted_pieces
from dlc2lp.video.colors import Colors
from dlc2lp.video.encoding import Crop


@dataclass(frozen=True)
class Step:
    """One piece of work that makes one or more files of the target.

    Paths in the target are relative to it, with forward slashes; paths of the source are absolute.
    """

    written_first: ClassVar[tuple[str, ...]] = ("id", "kind")
    kind: ClassVar[str]

    @property
    def targets(self) -> tuple[str, ...]:
        """The files that the step makes."""
        raise AssertionError(f"{type(self).__name__} does not say what it makes")

    @property
    def sources(self) -> Mapping[str, int]:
        """The files that the step reads, and their sizes in bytes."""
        return {}

    @property
    def weight(self) -> int:
        """Cost in bytes moved or pixels encoded, to balance shards and to start the longest first."""
        raise AssertionError(f"{type(self).__name__} does not say what it costs")

    @property
    def space_bytes(self) -> int:
        """Estimate of what the step's files will take on disk."""
        return self.weight

    @cached_property
    def id(self) -> str:
        """Sixteen hexadecimal digits of the hash of everything that the step holds."""
        hasher = hashlib.sha256()
        for piece in sorted_pieces({"kind": self.kind} | encode_fields(self)):
            hasher.update(piece.encode())
        return hasher.hexdigest()[:16]

    def without_digests(self) -> Self:
        """Return the step as plans had it that did not know what their sources hold."""
        return self


@dataclass(frozen=True)
class WriteText(Step):
    """A text file whose whole content was decided while planning: labels, queue, configuration."""

    kind: ClassVar[str] = "write-text"
    target: InnerPath
    text: str

    @property
    def targets(self) -> tuple[str, ...]:
        return (self.target,)

    @property
    def weight(self) -> int:
        return len(self.text if self.text.isascii() else self.text.encode())


@dataclass(frozen=True)
class ImagePlacement:
    """One frame: where it comes from and what it becomes."""

    left_out_by_default: ClassVar[tuple[str, ...]] = ("digest",)

    #: Absolute path, and path relative to the target.
    source: str
    target: InnerPath
    size_bytes: int  #: Size of the source.
    #: Bits by which the values of a 16-bit image are shifted down; None: the file travels as it is.
    shift: int | None = None
    as_png: bool = False  #: Whether the image is written anew as PNG, because Lightning Pose does not read its format.
    #: Of what the source held when it was planned; a source that changed since is refused.
    digest: str = ""

    @property
    def is_as_it_is(self) -> bool:
        """Whether it travels without a change."""
        return self.shift is None and not self.as_png


@dataclass(frozen=True)
class PlaceImages(Step):
    """All frames of one session."""

    kind: ClassVar[str] = "place-images"
    session: str
    images: tuple[ImagePlacement, ...]
    link: str

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(image.target for image in self.images)

    @property
    def sources(self) -> Mapping[str, int]:
        return {image.source: image.size_bytes for image in self.images}

    @property
    def weight(self) -> int:
        return sum(image.size_bytes for image in self.images)

    def without_digests(self) -> Self:
        return replace(self, images=tuple(replace(image, digest="") for image in self.images))


@dataclass(frozen=True)
class VideoStep(Step):
    """A step that makes one video."""

    left_out_by_default: ClassVar[tuple[str, ...]] = ("digest",)

    #: Absolute path, and path relative to the target.
    source: str
    target: InnerPath
    #: What the source held when it was planned; a source that changed since is refused.
    size_bytes: int
    n_frames: int
    digest: str = field(default="", kw_only=True)

    @property
    def targets(self) -> tuple[str, ...]:
        return (self.target,)

    @property
    def sources(self) -> Mapping[str, int]:
        return {self.source: self.size_bytes}

    @property
    def weight(self) -> int:
        return self.size_bytes

    def without_digests(self) -> Self:
        return replace(self, digest="")


@dataclass(frozen=True)
class PlaceVideo(VideoStep):
    """A video that already is what Lightning Pose needs."""

    kind: ClassVar[str] = "place-video"
    link: str


@dataclass(frozen=True)
class RemuxVideo(VideoStep):
    """A video whose stream moves into an mp4 without being encoded again.

    ``action`` is ``remux`` where the source's clock is constant and ``rewrite`` where packets get new times. What comes
    out is checked, and where it is not frame by frame the same the video is encoded with the settings that stand here.
    """

    kind: ClassVar[str] = "remux-video"
    left_out_by_default: ClassVar[tuple[str, ...]] = ("digest", "trimmed_to", "tuning")
    action: Literal["remux", "rewrite"]
    rate: str
    profile: str
    preset: str
    crf: int
    gop: int
    threads: int
    trimmed_to: int | None = None  #: How many of the first frames are written; None: all.
    tuning: str = ""  #: What is other than the preset has it.


#: Bytes per pixel of a noisy camera's video in the default settings, of much noise; for the space check.
_NOISY_BYTES_PER_PIXEL = 0.06

#: What encoding one pixel costs, in bytes copied in the same time, roughly: for balance only.
_BYTES_PER_ENCODED_PIXEL = 4

#: The same for decoding one, and writing it as a part of a PNG.
_BYTES_PER_EXTRACTED_PIXEL = 6


@dataclass(frozen=True)
class EncodeVideo(VideoStep):
    """A video that is encoded, frame by frame.

    The number of threads is part of the step because x264's bytes depend on it.
    """

    kind: ClassVar[str] = "encode-video"
    left_out_by_default: ClassVar[tuple[str, ...]] = ("digest", "colors", "held", "trimmed_to", "tuning")
    #: Size of what is encoded.
    width_px: int
    height_px: int
    #: How it is encoded.
    rate: str
    profile: str
    preset: str
    crf: int
    gop: int
    threads: int
    #: What it shows: the stored picture turned clockwise, and of that the part ``x, y, width, height``; None for what
    #: players show and for all of it.
    turn_deg: int | None = None
    crop: Crop | None = None
    colors: Colors | None = None  #: How the source's colours are read; None: as OpenCV 4 does.
    held: tuple[int, ...] = ()  #: Frames that can't be decoded and are held by the picture before them.
    trimmed_to: int | None = None  #: How many of the first frames are written; None: all.
    tuning: str = ""  #: What is other than the preset has it.

    @property
    def weight(self) -> int:
        return self.n_frames * self.width_px * self.height_px * _BYTES_PER_ENCODED_PIXEL

    @property
    def space_bytes(self) -> int:
        pixels = self.n_frames * self.width_px * self.height_px
        return int(pixels * _NOISY_BYTES_PER_PIXEL) + 65536


@dataclass(frozen=True)
class ExtractedFrame:
    """One frame that is cut from a video."""

    index: int  #: 0-based position in the order of display.
    target: InnerPath  #: Path relative to the target.


@dataclass(frozen=True)
class ExtractFrames(Step):
    """Frames of one session that are cut from its video: the neighbors of labeled frames."""

    kind: ClassVar[str] = "extract-frames"
    left_out_by_default: ClassVar[tuple[str, ...]] = ("colors", "held", "digest")
    session: str  #: The session in the target.
    #: The video, and what it held when it was planned.
    source: str
    size_bytes: int
    n_frames: int
    #: Size of the images.
    width_px: int
    height_px: int
    #: What they show; see :class:`EncodeVideo`.
    turn_deg: int | None
    crop: Crop | None
    image_bytes: int  #: What an image takes on disk, estimated from the labeled frames.
    frames: tuple[ExtractedFrame, ...]  #: What is cut.
    colors: Colors | None = None  #: How the video's colours are read; None: as OpenCV 4 does.
    held: tuple[int, ...] = ()  #: Frames of the video that can't be decoded and are held by the picture before them.
    digest: str = ""  #: Of the video.

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(frame.target for frame in self.frames)

    @property
    def sources(self) -> Mapping[str, int]:
        return {self.source: self.size_bytes}

    @property
    def weight(self) -> int:
        return len(self.frames) * self.width_px * self.height_px * _BYTES_PER_EXTRACTED_PIXEL

    @property
    def space_bytes(self) -> int:
        return len(self.frames) * self.image_bytes

    def without_digests(self) -> Self:
        return replace(self, digest="")


@dataclass(frozen=True)
class PredictedKeypoint:
    """A keypoint of the target, and where it stands in a file of predictions."""

    name: str
    columns: tuple[int, ...]  #: Positions of its x, y and likelihood; empty where it was not predicted.


#: What a predicted number takes as text, at most; and what writing it costs in bytes copied in the same time, roughly.
_BYTES_PER_NUMBER = 20
_BYTES_PER_WRITTEN_NUMBER = 100


@dataclass(frozen=True)
class WritePredictions(Step):
    """DeepLabCut's predictions of one video, as Lightning Pose keeps its own; their numbers are read in doing it."""

    kind: ClassVar[str] = "write-predictions"
    left_out_by_default: ClassVar[tuple[str, ...]] = ("first_row", "empty", "by_number", "add_px")
    #: Absolute path, and path relative to the target.
    source: str
    target: InnerPath
    #: What the source held when it was planned; a source that changed since is refused.
    size_bytes: int
    sample: str
    n_rows: int
    key: str  #: The data frame in HDF5; empty for CSV.
    scorer: str  #: Who predicted, for the header.
    keypoints: tuple[PredictedKeypoint, ...]
    n_frames: int  #: Frames of the target's video, which are the rows that are written.
    first_row: int = 0  #: Row of the source that is the first frame.
    empty: tuple[int, ...] = ()  #: Frames that have no row in the source: those that DeepLabCut could not read.
    by_number: bool = False  #: Whether a row of the source is the frame that its number says, not the next one.
    add_px: tuple[Signed, Signed] = (0, 0)  #: What moves a point (x, y) into the part of the picture that is shown.

    @property
    def targets(self) -> tuple[str, ...]:
        return (self.target,)

    @property
    def sources(self) -> Mapping[str, int]:
        return {self.source: self.size_bytes}

    @property
    def weight(self) -> int:
        return self.n_frames * len(self.keypoints) * 3 * _BYTES_PER_WRITTEN_NUMBER

    @property
    def space_bytes(self) -> int:
        return self.n_frames * len(self.keypoints) * 3 * _BYTES_PER_NUMBER
