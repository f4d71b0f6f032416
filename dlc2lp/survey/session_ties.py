"""What is known of which frames a session's images are, as the plan keeps it. Pure.

The pictures were compared in :mod:`dlc2lp.video.find_frames`; here the answer for one session is put together: images
of different sizes were judged apart, and one session has one video with one picture.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from dlc2lp.video.colors import Colors
from dlc2lp.video.encoding import Crop
from dlc2lp.video.ties import ImageTie, Kind, Tie, kind_of


@dataclass(frozen=True)
class Picture:
    """The part of a video's picture that a session's images show."""

    turn_deg: int | None = None  #: Clockwise turn from the stored picture; None where the images do not tell.
    crop: Crop | None = None  #: Part of the turned picture; None for all of it.
    colors: Colors | None = None  #: Reading of the stored colours; None for that of OpenCV 4.


@dataclass(frozen=True)
class SessionTie:
    """How a session's images and its video belong together."""

    #: The session; DeepLabCut's folder, or ``<folder>-<prefix>`` where a folder holds the frames of several videos.
    session: str
    video: str  #: The video's path.
    fingerprint: str  #: Hash of all that was compared. Where it is the same, comparing again would give the same.
    parts: tuple[Tie, ...]  #: One tie for each size of images.
    view: str = ""  #: The view in the target; empty in a single-view project.

    @cached_property
    def images(self) -> dict[str, ImageTie]:
        """What is known of each image, by its file name."""
        return {image.name: image for part in self.parts for image in part.images}

    @property
    def kind(self) -> Kind:
        """``exact``, ``shifted``, ``renumbered``, ``other-video`` or ``unknown``, over images of all sizes."""
        return kind_of(list(self.images.values()))[0]

    @property
    def shift(self) -> int:
        """Proven index minus DeepLabCut's number, where it is the same for all images."""
        return kind_of(list(self.images.values()))[1]

    def number_holds(self, image: str) -> bool:
        """Whether DeepLabCut's number may stand for the frame of an image that is not tied itself.

        It may not where others' numbers turned out wrong, nor where the image is in none of the frames or in clearly
        another one though the others are where their numbers say.
        """
        if self.kind in {"shifted", "renumbered"}:
            return False
        tie = self.images.get(image)
        return self.kind != "exact" or tie is None or tie.outcome not in {"not-found", "contradicts"}

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """The parts of the video's picture that images are known to show, each once."""
        known = (
            Picture(part.rotation_deg, part.crop)
            for part in self.parts
            if part.kind != "other-video" and not part.scaled and part.rotation_deg is not None
        )
        return tuple(dict.fromkeys(known))

    @property
    def picture(self) -> Picture:
        """The part that all images show; all of the picture, as players show it, where they differ or do not tell."""
        shown = self.pictures[0] if len(self.pictures) == 1 else Picture()
        return replace(shown, colors=self.colors)

    @property
    def colors(self) -> Colors | None:
        """The reading of the video's colours that its images show; None for that of OpenCV 4, or where they differ."""
        known = {part.colors for part in self.parts if part.gain is not None}
        return known.pop() if len(known) == 1 else None

    @property
    def deep_shift(self) -> int | None:
        """By how many bits images of 16 bits go down to look like their frames; None where that is not known."""
        known = {part.deep_shift for part in self.parts} - {None}
        return known.pop() if len(known) == 1 else None

    def proven_index(self, image: str) -> int | None:
        """Return the 0-based index of the video frame that an image is; None while unproven."""
        tie = self.images.get(image)
        return tie.frame_index if tie else None

    @cached_property
    def part_of(self) -> dict[str, int]:
        """Which of the parts each image is in, by its file name."""
        return {image.name: number for number, part in enumerate(self.parts) for image in part.images}


def by_session(ties: Iterable[SessionTie]) -> dict[str, SessionTie]:
    """Return the tie of each session of one source; of several the first."""
    found: dict[str, SessionTie] = {}
    for tie in ties:
        found.setdefault(tie.session, tie)
    return found


def by_view(ties: Iterable[SessionTie]) -> dict[tuple[str, str], SessionTie]:
    """Return the ties of a plan by view and session: two cameras' projects may call a session alike.

    Of several of one session the first is that of its video; the others are of files that were tried and not taken.
    """
    found: dict[tuple[str, str], SessionTie] = {}
    for tie in ties:
        found.setdefault((tie.view, tie.session), tie)
    return found
