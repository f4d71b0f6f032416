"""How labeled images and a video belong together, as values. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import ClassVar, Literal

from dlc2lp.video.colors import Colors
from dlc2lp.video.encoding import Crop
from dlc2lp.wording import counted

Kind = Literal["exact", "shifted", "renumbered", "other-video", "unknown"]
Outcome = Literal["proven", "agrees", "contradicts", "cannot-tell", "not-found", "beyond-end", "unreadable"]


@dataclass(frozen=True)
class StillImage:
    """An image that may be a frame of a video; ``name`` is how it is called in the result."""

    name: str
    path: Path
    frame_index: int | None  # DeepLabCut's 0-based number of the frame, a claim; None if the name carries none


@dataclass(frozen=True)
class ImageTie:
    """What is known of one image."""

    name: str
    claimed_index: int | None  #: DeepLabCut's number of the frame.
    frame_index: int | None  #: 0-based position of its frame in the order of display; None while unproven.
    #: ``proven``: this frame is like the image and clearly more so than all others. ``agrees``: other frames are as
    #: good (nothing moved), and this is the one that follows from the proven images. ``contradicts``:
    #: another frame is clearly more like it than the one that follows from the proven images, but which is not beyond
    #: doubt. ``cannot-tell``: no frame is clearly better than all others. ``not-found``: no frame is like it.
    #: ``beyond-end``: the video ends before its number. ``unreadable``: the file is damaged.
    outcome: Outcome
    best_index: int | None = None  #: The frame that is most like the image among those compared; evidence, not proof.
    #: Mean squared difference of grey levels of that frame and of the second best, six significant digits.
    best_error: float | None = None
    second_error: float | None = None


@dataclass(frozen=True)
class Evidence:
    """How sure a tie is, in numbers."""

    n_images: int
    n_checked: int  #: How many of the images were compared with frames.
    n_proven: int
    whole_video: bool  #: Whether all frames were compared with at least one image, not only those around the numbers.
    #: Medians over the checked images; None if none was checked.
    best_error: float | None
    second_error: float | None
    worst_error: float | None  #: The largest error among images that have a proven frame; None if none has.

    @classmethod
    def of(cls, images: Sequence[ImageTie], *, whole_video: bool) -> Evidence:
        """The summary of some images."""
        best = [image.best_error for image in images if image.best_error is not None]
        second = [image.second_error for image in images if image.second_error is not None]
        proven = [image for image in images if image.frame_index is not None]
        return cls(
            n_images=len(images),
            n_checked=len(best),
            n_proven=len(proven),
            whole_video=whole_video,
            best_error=six_digits(median(best)) if best else None,
            second_error=six_digits(median(second)) if second else None,
            worst_error=max((image.best_error for image in proven if image.best_error is not None), default=None),
        )


def six_digits(value: float) -> float:
    """A number as it stands in plans and reports."""
    return float(f"{value:.6g}")


@dataclass(frozen=True)
class Tie:
    """How images of one size and a video belong together.

    Where the images lie in the picture (``rotation_deg``, ``crop``, ``scaled``) and which frames they are (``kind``,
    ``shift``, ``images``) are two questions; either may be settled where the other is not.
    """

    left_out_by_default: ClassVar[tuple[str, ...]] = ("colors", "farthest", "gain", "offset", "apart", "deep_shift")

    #: ``exact``: every image that is tied has its frame's index as its number. ``shifted``: the index is the number
    #: plus ``shift``. ``renumbered``: each image has an index of its own, in ``images``. ``other-video``: no frame is
    #: like the images. ``unknown``: nothing can be told; the numbers stay claims.
    kind: Kind
    shift: int  #: Proven index minus number; 0 unless ``shifted``.
    size_px: tuple[int, int] | None  #: Width and height of the images; None for images that cannot be read.
    #: How the stored pixels of the video must be turned clockwise to look like the images: 0, 90, 180 or 270, whatever
    #: the display matrix says; None where the pictures do not tell.
    rotation_deg: int | None
    #: The part of the picture, turned by ``rotation_deg``, that the images are; None for the whole or where unknown.
    crop: Crop | None
    #: Whether the images are whole frames at another size: then no pixel position of one holds in the other.
    scaled: bool
    images: tuple[ImageTie, ...]
    evidence: Evidence
    reason: str  #: All this in plain words.
    #: By which reading of the video's colours most images were cut; None for OpenCV's usual one, or where unknown.
    colors: Colors | None = None
    #: Of the image that is farthest from its frame in that reading: its name; its brightness = gain * that of the frame
    #: + offset, in gray levels; levels between their colours on average. Empty and None where unknown.
    farthest: str = ""
    gain: float | None = None
    offset: float | None = None
    apart: float | None = None
    deep_shift: int | None = None  #: By how many bits images of 16 bits go down to look like their frames.

    @property
    def is_proven(self) -> bool:
        """Whether the images are frames of this video."""
        return self.kind in ("exact", "shifted", "renumbered")


def kind_of(images: Sequence[ImageTie]) -> tuple[Kind, int]:
    """The kind of a tie and its shift, from what is known of the images."""
    proven = [image for image in images if image.frame_index is not None]
    if not proven:
        n_found = sum(image.outcome == "cannot-tell" for image in images)
        n_absent = sum(image.outcome == "not-found" for image in images)
        return ("other-video" if n_absent > n_found else "unknown"), 0
    shifts = _shifts(images)
    if len(set(shifts)) != 1:
        return "renumbered", 0
    return ("shifted" if shifts[0] else "exact"), shifts[0]


def _shifts(images: Sequence[ImageTie]) -> list[int]:
    return [
        image.frame_index - image.claimed_index
        for image in images
        if image.frame_index is not None and image.claimed_index is not None
    ]


def corrected(images: Iterable[ImageTie]) -> list[ImageTie]:
    """The images that are other frames than their numbers say, where at least half of the numbers hold.

    None where fewer hold: then the numbers are no positions at all, as in a video of variable rate.
    """
    numbered = [image for image in images if image.frame_index is not None and image.claimed_index is not None]
    wrong = [image for image in numbered if image.frame_index != image.claimed_index]
    return wrong if 2 * len(wrong) <= len(numbered) else []


def _numbers_told(shifts: Sequence[int]) -> str:
    """How far images are from their numbers, where not all are equally far."""
    away = [shift for shift in shifts if shift]
    least, most = min(shifts), max(shifts)
    if 2 * len(away) > len(shifts):
        return (
            f", but their numbers are not positions in it: {least:+d} to {most:+d} frames away, as in videos of "
            "variable rate or with dropped frames"
        )
    span = f"{away[0]:+d} {'frame' if abs(away[0]) == 1 else 'frames'}"
    if len(set(away)) > 1:
        span = f"{min(away):+d} to {max(away):+d} frames"
    return f": {len(shifts) - len(away)} as numbered, {len(away)} corrected ({span})"


def explain(images: Sequence[ImageTie], n_frames: int) -> str:
    """What became of the images, in one sentence."""
    kind, shift = kind_of(images)
    counts = Counter(image.outcome for image in images)
    n_tied = counts["proven"] + counts["agrees"]
    all_images = counted(len(images), "image")
    shifts = _shifts(images)
    if kind == "exact":
        text = counted(
            n_tied,
            f"of {all_images} is the frame that its number names",
            f"of {all_images} are the frames that their numbers name",
        )
    elif kind == "shifted":
        away = f"{abs(shift)} {'after' if shift > 0 else 'before'}"
        text = counted(
            n_tied,
            f"of {all_images} is the frame {away} the one that its number names",
            f"of {all_images} are the frames {away} those that their numbers name",
        )
    elif kind == "renumbered" and shifts:
        text = f"{n_tied} of {all_images} are frames of the video{_numbers_told(shifts)}"
    elif kind == "renumbered":
        text = counted(
            n_tied,
            f"of {all_images} is a frame of the video, found by looking, since its name carries no number",
            f"of {all_images} are frames of the video, found by looking, since their names carry no numbers",
        )
    elif kind == "other-video":
        text = f"no frame of the video is like {counts['not-found']} of {all_images}: it is another video"
    else:
        text = "cannot tell which frames the images are: no frame is clearly more like them than others"
    others = [
        ("the same in neighboring frames, so told by the other images", counts["agrees"]),
        ("clearly another frame than that, but which cannot be told", counts["contradicts"]),
        ("not told from other frames", counts["cannot-tell"] if n_tied else 0),
        ("like no frame", counts["not-found"] if kind != "other-video" else 0),
        (f"numbered beyond the last frame, {n_frames - 1}", counts["beyond-end"]),
    ]
    return "; ".join([text, *(f"{what}: {n}" for what, n in others if n)])
