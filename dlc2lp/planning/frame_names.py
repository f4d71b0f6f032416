"""Where each image of a session goes, and under which name. Pure.

DeepLabCut's names carry the frame number in as many digits as a pass over the video needed (``img044.png``,
``img0044.png``); the Lightning Pose app writes ``img%08d`` and takes two names for two frames. One folder can
hold several widths, several videos' frames (``07a-img310.png`` beside ``12a-img310.png``) and images without any
number; here each gets one name that nothing else has.

``img%08d`` carries the index of the frame that the image was proven to be. An image that could not be told, among
others that were proven to be other frames than their numbers say, gets ``dlc%08d`` with DeepLabCut's number: it is
nobody's neighbor.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dlc2lp.dlc.framenames import FrameName, parse_frame_name
from dlc2lp.lp.names import frame_file_name, is_frame_name
from dlc2lp.model import Finding, ImageInfo, Severity
from dlc2lp.options import FrameNames
from dlc2lp.survey.folders import split_folder
from dlc2lp.survey.session_ties import SessionTie
from dlc2lp.wording import counted

#: Distance between the numbers of images that have none of their own, and of random crops, which show another place
#: each: wide enough that Lightning Pose, which takes the two frames on either side for context, never takes one still
#: for the neighbor of another.
STILL_SPACING = 10

_SUFFIX_OF_KIND = {"png": ".png", "jpg": ".jpg", "tiff": ".png", "bmp": ".png"}


@dataclass(frozen=True, slots=True)
class NamedFrame:
    """An image and the name that it gets."""

    #: The session that it belongs to: DeepLabCut's folder, or ``<folder>-<prefix>`` where a folder holds the frames of
    #: several videos.
    folder: str
    #: File names on both sides.
    source_name: str
    target_name: str
    frame_index: int | None  #: The number that the source's name carries.
    #: 0-based index of the video frame that it was proven to be; None while unproven.
    video_frame_index: int | None = None


def name_frames(
    folder: str, images: Iterable[ImageInfo], style: FrameNames, ties: Mapping[str, SessionTie] | None = None
) -> tuple[list[NamedFrame], list[Finding]]:
    """Name all frames of one ``labeled-data`` folder, by session and in the order given; and say what was odd.

    The images are the intact ones, in natural order. The style is ``lp`` for the app's names, ``keep`` for DeepLabCut's
    where Lightning Pose takes them. ``ties`` is what is known of the frames of each session that has a video.
    """
    sessions = split_folder(folder, images)
    findings = [_several_videos(folder, sessions)] if len(sessions) > 1 else []
    named = []
    for session, group in sessions.items():
        namer = _Namer(session, style, (ties or {}).get(session))
        named += [namer.name(image) for image in group]
        findings += namer.findings()
    return named, findings


def _several_videos(folder: str, sessions: Mapping[str, Sequence[ImageInfo]]) -> Finding:
    prefixes = sorted({parse_frame_name(found[0].name).prefix for found in sessions.values()})
    apart = f"told apart by the prefixes {', '.join(map(repr, prefixes))}"
    message = f"holds frames of {counted(len(prefixes), 'video')}, {apart}; each becomes a session of its own"
    return Finding(Severity.WARNING, "folder-of-several-videos", folder, message)


@dataclass
class _Namer:
    """Names the images of one session, one after the other."""

    session: str
    style: FrameNames
    tie: SessionTie | None
    taken: Counter[str] = field(default_factory=Counter)  #: In lower case: not every disk tells IMG1.png from img1.png.
    twice: list[str] = field(default_factory=list)
    n_stills: int = 0
    n_crops: int = 0

    def name(self, image: ImageInfo) -> NamedFrame:
        source_name = image.name
        name = parse_frame_name(source_name)
        proven = self.tie.proven_index(source_name) if self.tie and name.crop is None else None
        target = self._target_name(image, name, proven)
        self.taken[target.lower()] += 1
        return NamedFrame(self.session, source_name, target, name.index, proven)

    def _target_name(self, image: ImageInfo, name: FrameName, proven: int | None) -> str:
        suffix = _SUFFIX_OF_KIND[image.kind]
        kept = str(Path(image.name).with_suffix(suffix)) if self.style == "keep" else ""
        if name.crop is not None:
            self.n_crops += 1
            return f"crop{self.n_crops * STILL_SPACING:08d}{suffix}"
        if name.index is not None and self.style == "keep" and is_frame_name(kept) and not self.taken[kept.lower()]:
            return kept
        if proven is not None:
            return self._free("img", proven, suffix, image.name)
        if name.index is None:
            self.n_stills += 1
            return f"still{self.n_stills * STILL_SPACING:08d}{suffix}"
        trusted = self.tie is None or self.tie.number_holds(image.name)
        return self._free("img" if trusted else "dlc", name.index, suffix, image.name)

    def _free(self, stem: str, index: int, suffix: str, source_name: str) -> str:
        """Return a name with this index that is free.

        The same frame can be there twice (img44.png, img0044.png; two of DeepLabCut's numbers for one frame of a video
        of variable rate): then a letter is added, and the index stays what it is.
        """
        target = frame_file_name(index, suffix, stem)
        number = 0
        while self.taken[target]:
            number += 1
            target = frame_file_name(index, suffix, f"{stem}-{letters(number)}")
        if number:
            self.twice.append(source_name)
        return target

    def findings(self) -> list[Finding]:
        found = []
        if self.twice:
            one = "image is the same frame as another one, or carries its number"
            many = "images are the same frame as another one, or carry its number"
            message = f"{counted(len(self.twice), one, many)}: {', '.join(self.twice[:5])}; every image is kept"
            advice = "they may be the same frame extracted twice; compare them"
            found.append(Finding(Severity.WARNING, "frame-number-twice", self.session, message, "", advice))
        if self.n_stills:
            one = "image carries no frame number; it is named still%08d and has no context frames"
            many = "images carry no frame number; they are named still%08d and have no context frames"
            message = counted(self.n_stills, one, many)
            found.append(Finding(Severity.NOTE, "frame-number-unknown", self.session, message))
        return found


def letters(number: int) -> str:
    """Return 1 -> ``b``, 2 -> ``c`` ... 25 -> ``z``, 26 -> ``zb``: a name part without digits for any count."""
    return "z" * (number // 25) + (chr(ord("a") + number % 25) if number % 25 else "")
