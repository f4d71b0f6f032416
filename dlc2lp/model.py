"""The nouns that every wing shares: findings, labels, images, videos.

Plain frozen values without behaviour beyond what their own fields answer. Pixel coordinates have their
origin in the top-left corner, x to the right and y downwards, as in DeepLabCut, OpenCV and Lightning Pose.
"""

from __future__ import annotations

import enum
import re
import shlex
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

from dlc2lp.codec import Says
from dlc2lp.system import system

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


#: Suffixes of videos that DeepLabCut 3.0.1 accepts (``SUPPORTED_VIDEOS``), and those that labs have besides.
VIDEO_SUFFIXES = frozenset(
    {".avi", ".mp4", ".mov", ".mpeg", ".mpg", ".mpv", ".mkv", ".flv", ".qt", ".yuv"}
    | {".wmv", ".m4v", ".ts", ".h264", ".264", ".webm", ".mts", ".m2ts", ".3gp"}
)

_MANY_CANDIDATES = 8  # more than these are not named twice

#: A clockwise turn in degrees.
Turn = Annotated[int, Says("enum", (0, 90, 180, 270))]


class Severity(enum.StrEnum):
    """How much a finding matters to the person who reads it."""

    ERROR = "error"  # something was not migrated
    WARNING = "warning"  # it was migrated; look at it
    NOTE = "note"  # worth knowing, nothing to do

    @property
    def rank(self) -> int:
        """0 for the most severe, so that sorting puts errors first."""
        return list(Severity).index(self)


@dataclass(frozen=True)
class Setting:
    """An option that settles a finding."""

    option: str  #: Its name on the command line and in ``decisions.yaml``: ``video-root``.
    #: What to give it: values to choose from, or a word that stands for one (``NAME``); empty for a flag.
    values: tuple[str, ...] = ()

    def __str__(self) -> str:
        # A path may hold blanks, and what is told is pasted.
        value = "|".join(shlex.quote(each) if " " in each else each for each in self.values)
        return f"--{self.option}" + (f"={value}" if value.startswith("-") else f" {value}" if value else "")


@dataclass(frozen=True)
class RunAgain:
    """The command that made a target, run again, which settles a finding."""

    words: str  #: How the sentence goes where a single project is concerned; an archive has a command of its own.
    settings: tuple[Setting, ...] = ()  #: Options to run it with.

    def __str__(self) -> str:
        return " with ".join([self.words, *(" ".join(map(str, self.settings)) for _ in self.settings[:1])])


@dataclass(frozen=True)
class Command:
    """Another command that settles a finding, as it is typed."""

    line: str

    def __str__(self) -> str:
        return self.line

    @classmethod
    def of(cls, *words: object) -> Command:
        """Return the command of these words, each quoted where a shell needs it, so that it can be pasted."""
        texts = [str(word) for word in words]
        if system() == "win32":  # no name there holds a double quote
            return cls(" ".join(text if re.fullmatch(r"[\w:./\\-]+", text) else f'"{text}"' for text in texts))
        return cls(shlex.join(texts))


@dataclass(frozen=True)
class PlanAgain:
    """Planning anew, which settles a finding: what a plan was made from is not what it was."""

    once_more: str  #: How the sentence goes where a single project is concerned; an archive has a command of its own.

    def __str__(self) -> str:
        return self.once_more


Remedy = Setting | RunAgain | PlanAgain | Command


@dataclass(frozen=True)
class WrittenFinding:
    """A finding as it stands in plans and documents: of what settles it, the words."""

    left_out_by_default: ClassVar[tuple[str, ...]] = ("n_alike",)

    severity: Severity
    code: Annotated[str, Says("pattern", "^[a-z0-9]+(-[a-z0-9]+)*$")]
    subject: str
    message: str
    where: str
    hint: str
    n_alike: int = 1


@dataclass(frozen=True)
class Finding:
    """One thing that a person should know, as data: text, JSON and HTML show the same list.

    Attributes
    ----------
    severity
        Whether something was lost, is doubtful or is only worth knowing.
    code
        Stable kebab-case name of the kind of finding, for scripts.
    subject
        What it is about: a file, a session, a keypoint, an option.
    message
        What was found and what was expected, in one line: a line end in it is one of a name.
    where
        The place inside the subject (row, column, frame, key); empty if the subject says all.
    advice, remedies
        What to do, in words, empty where nothing is; and the options or commands that its ``{}`` stand for.
    candidates, table
        The values to choose from; and lines below the message, in which names are spelled out where need be.
    n_alike
        For how many of its kind it stands.
    """

    written_as: ClassVar[type] = WrittenFinding
    left_out_by_default: ClassVar[tuple[str, ...]] = ("table", "n_alike")

    severity: Severity
    code: str
    subject: str
    message: str
    where: str = ""
    advice: str = ""
    remedies: tuple[Remedy, ...] = ()
    candidates: tuple[str, ...] = ()
    table: tuple[str, ...] = ()
    n_alike: int = 1

    @property
    def told(self) -> str:
        """The message with the table below it."""
        return "\n".join((self.message, *self.table))

    @property
    def way(self) -> str:
        """What to do: the advice with the remedies in their places."""
        first, *others = self.advice.split("{}", len(self.remedies))
        return first + "".join(f"{remedy}{words}" for remedy, words in zip(self.remedies, others, strict=False))

    @property
    def hint(self) -> str:
        """One command or one edit that settles it, with the candidates; empty where nothing is to be done."""
        return self.way + (f"; candidates: {', '.join(self.candidates)}" if self.candidates else "")

    @property
    def short_hint(self) -> str:
        """The hint for people who see the message too: many candidates that a table in it lists are not repeated."""
        n_candidates = len(self.candidates)
        if n_candidates <= _MANY_CANDIDATES or not self.table:
            return self.hint
        return f"{self.way}; candidates: the {n_candidates} above"

    @property
    def options(self) -> tuple[str, ...]:
        """Names of the options that settle it."""
        given = ((each,) if isinstance(each, Setting) else getattr(each, "settings", ()) for each in self.remedies)
        return tuple(setting.option for settings in given for setting in settings)

    def within(self, place: str) -> Finding:
        """Return the finding as one of many places: a project of an archive, a target."""
        return replace(self, where=f"{place}: {self.where}" if self.where else place)

    def to_written(self) -> WrittenFinding:
        """The finding for people and programs to read."""
        told = (self.severity, self.code, self.subject, self.told, self.where, self.hint)
        return WrittenFinding(*told, n_alike=self.n_alike)

    @classmethod
    def from_written(cls, found: WrittenFinding) -> Finding:
        """The inverse of :meth:`to_written`; of a remedy the words are left."""
        told = (found.severity, found.code, found.subject, found.message, found.where, found.hint)
        return cls(*told, n_alike=found.n_alike)


def question(
    code: str,
    subject: str,
    message: str,
    advice: str = "{}",
    remedies: tuple[Remedy, ...] = (),
    candidates: tuple[str, ...] = (),
    table: tuple[str, ...] = (),
) -> Finding:
    """Return the finding for something that only a person can decide."""
    return Finding(Severity.ERROR, code, subject, message, "", advice, remedies, candidates, table)


def by_severity(findings: list[Finding]) -> list[Finding]:
    """Errors first, then warnings, then notes; within each, the order of discovery. Repeats are dropped."""
    return sorted(dict.fromkeys(findings), key=lambda finding: finding.severity.rank)


@dataclass(frozen=True, slots=True)
class FrameRef:
    """A labeled frame: an image and where it stands in its video."""

    session: str  #: Name of the ``labeled-data`` folder that holds the image.
    file_name: str  #: The image's file name inside that folder, as DeepLabCut wrote it.
    frame_index: int | None  #: 0-based frame number that the name carries (``img0042.png`` -> 42); None if none.
    #: 0-based index of the video frame that was proven to be this image; None while unproven.
    video_frame_index: int | None = None


@dataclass(frozen=True)
class LabelTable:
    """Labels of one session or of a whole project.

    Dimensions, here and in every docstring: F frames, I individuals, K keypoints, 2 = (x, y).

    Attributes
    ----------
    scorer
        Who labelled.
    individuals
        I names; the single name ``""`` in a single-animal project.
    keypoint_names
        K names, in the order of the file they come from.
    frames
        F labeled frames.
    xy_px
        float64 of shape (F, I, K, 2), in pixels of the image; NaN = no label.
    in_header
        bool of shape (I, K): whether the file has a column for this keypoint of this individual. A keypoint
        without a column was never looked for, which is another thing than one that was not found.
    """

    scorer: str
    individuals: tuple[str, ...]
    keypoint_names: tuple[str, ...]
    frames: tuple[FrameRef, ...]
    xy_px: NDArray[np.float64]
    in_header: NDArray[np.bool_]

    def __post_init__(self) -> None:
        shape = (len(self.frames), len(self.individuals), len(self.keypoint_names), 2)
        if self.xy_px.shape != shape:
            raise ValueError(f"xy_px has shape {self.xy_px.shape}, the names and frames ask for {shape}")
        if self.in_header.shape != shape[1:3]:
            raise ValueError(f"in_header has shape {self.in_header.shape}, the names ask for {shape[1:3]}")

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """Bool of shape (F, I, K): whether a point is labelled, that is, has both coordinates."""
        import numpy as np

        return np.asarray(~np.isnan(self.xy_px).any(axis=-1), dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """A still image as its header declares it."""

    folder: Path  #: Where it lies; one object for all images of a folder, of which there may be many thousands.
    name: str  #: Its file name.
    kind: str  #: ``png``, ``jpg``, ``tiff`` or ``bmp``, by content and not by suffix.
    width_px: int
    height_px: int
    bits_per_channel: int  #: 8 in all but scientific cameras' images, which have 16.
    size_bytes: int
    digest: str = field(default="", compare=False)  #: Of its content, as it was before it was looked at.

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / self.name


@dataclass(frozen=True)
class VideoInfo:
    """What a video file holds, counted packet by packet rather than believed from its header.

    Attributes
    ----------
    path, size_bytes
        The file, and its size.
    container
        ffmpeg's name of the format by content, for example ``mov,mp4,m4a,3gp,3g2,mj2`` or ``avi``.
    codec, pixel_format, color_range
        As ffmpeg names them; ``color_range`` is ``tv``, ``pc`` or ``unknown``.
    color_matrix
        What the stream says of the matrix of its colours, as ffmpeg names it; ``unknown`` where it says nothing.
    profile, level
        The codec's profile as ffmpeg names it, empty if unknown; and of h264 ten times the level, 0 if unknown.
    width_px, height_px
        Stored size, before any rotation.
    frame_rate
        Frames per second as an exact fraction; the average where the rate varies.
    n_frames
        Packets of the first video stream that hold a frame which a player shows.
    n_frames_declared
        What the header says, None where it says nothing.
    constant_rate
        Whether the distance between neighbouring frames is always the same.
    rotation_deg
        Clockwise turn that a player applies: 0, 90, 180 or 270.
    square_pixels
        Whether a pixel is as wide as it is high.
    keyframe_interval_frames
        Largest distance between key frames (the GOP length); 1 if every frame is one.
    has_audio
        Whether there is a sound track.
    n_video_streams
        Video streams without cover pictures.
    n_hidden_packets
        Packets that an edit list hides from players.
    all_packets_timed
        Whether every packet has a presentation time and no two have the same.
    starts_with_keyframe
        Whether the first shown frame can be decoded without an earlier one.
    is_mirrored
        Whether its display matrix also mirrors the picture; ``rotation_deg`` is what OpenCV makes of that.
    is_turn_ignored
        Whether its pictures ask to be turned, as by a camera's EXIF, where the container says nothing: OpenCV does not.
    n_lost_packets
        Packets before the first frame that need what is not in the file, and give no frame.
    is_cut
        Whether frames are missing at its end, for which a person wants it nevertheless.
    changes_at
        The packet of h264, counted from 0, from which on its pictures have other parameters (size, format, range); None
        if they stay.
    n_corrupt_packets
        Packets of which the container says that they are damaged or incomplete.
    held
        Frames that can't be decoded and are held by the picture before (of the first ones: behind) them, as a person
        wants it: 0-based, rising.
    trimmed_to
        How many of its first frames are wanted, where its views have shorter videos; None: all.
    remarks
        What a person should know of the file, though it can be converted.
    """

    path: Path
    container: str
    codec: str
    pixel_format: str
    color_range: str
    width_px: int
    height_px: int
    frame_rate: Fraction
    n_frames: int
    n_frames_declared: int | None
    constant_rate: bool
    rotation_deg: Turn
    square_pixels: bool
    keyframe_interval_frames: int
    has_audio: bool
    n_video_streams: int
    n_hidden_packets: int
    all_packets_timed: bool
    starts_with_keyframe: bool
    size_bytes: int
    color_matrix: str = "unknown"
    profile: str = ""
    level: int = 0
    is_mirrored: bool = False
    is_turn_ignored: bool = False
    n_lost_packets: int = 0
    is_cut: bool = False
    changes_at: int | None = None
    n_corrupt_packets: int = 0
    held: tuple[int, ...] = ()
    trimmed_to: int | None = None
    remarks: tuple[Finding, ...] = ()

    @property
    def n_wanted(self) -> int:
        """How many of its frames are to be written."""
        return self.n_frames if self.trimmed_to is None else self.trimmed_to


Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Camera:
    """A calibrated camera: how it maps a point of space to a pixel.

    A point X of space stands at ``R X + translation`` before the camera, is divided by its depth, bent by the lens
    (OpenCV's model) and brought to pixels by ``matrix``. Plain tuples, so that cameras can be compared and stored
    without losing a digit.
    """

    name: str  #: The camera's, which is the view's.
    size_px: tuple[int, int] | None  #: (width, height) of the images it was calibrated with; None if nobody says.
    matrix: tuple[Vector, Vector, Vector]  #: 3x3 intrinsic matrix, rows first, in pixels.
    distortions: tuple[float, ...]  #: OpenCV's coefficients k1, k2, p1, p2, k3 and so on: 4, 5, 8, 12 or 14 of them.
    rotation: Vector  #: R as a Rodrigues vector: axis times angle in radians.
    translation: Vector  #: In whatever unit the calibration has.
    is_fisheye: bool = False  #: Whether the distortions are those of OpenCV's fisheye model (k1 to k4).
