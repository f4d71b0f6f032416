"""What is compared: the frames of one video and still images, each decoded once as far as memory allows.

Several looks at the same video want the same frames: around the numbers, where the others say that an image must be, of
images of another size, and in color. Small pictures of 3 kB each are kept of the first frames that were decoded, and
whole ones, up to some bytes, of the frames and images that the later looks are likely to ask for. What is not kept is
decoded again: the answer is the same.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import merge
from itertools import cycle
from operator import itemgetter
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from dlc2lp.model import VideoInfo
from dlc2lp.video.colors import Colors
from dlc2lp.video.encoding import Crop
from dlc2lp.video.frames import Pictures, frames_of, small_grays
from dlc2lp.video.framing import Framing, Pair
from dlc2lp.video.likeness import to_gray
from dlc2lp.video.pictures import read_image
from dlc2lp.video.pyav import VideoFrame
from dlc2lp.video.seeking import Frames
from dlc2lp.video.ties import StillImage

#: Of whole frames of one video, and of its images, at most: 18 images of 640x480, or 2 of 1920x1080.
_KEPT_BYTES = 1 << 24
#: Small pictures of one framing: 6 MB.
_KEPT_SMALL = 2048
_REPORTED_FRAMES = 64

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


class Kept(Generic[_Key, _Value]):
    """Values up to some bytes, of those that may be asked for again; half are for those that are likely to be.

    ``asked`` holds their keys, and whether that is likely.
    """

    def __init__(self, asked: Mapping[_Key, bool]) -> None:
        self.asked, self._left = asked, _KEPT_BYTES
        self.values: dict[_Key, _Value] = {}

    def add(self, key: _Key, value: _Value, n_bytes: int) -> None:
        """Keep a value if there is room for it."""
        if key in self.asked and key not in self.values:
            least = 0 if self.asked[key] else _KEPT_BYTES // 2
            if self._left - n_bytes >= least:
                self.values[key] = value
                self._left -= n_bytes


class StillReader:
    """Reads still images, which are told with whether they are likely to be asked for again."""

    def __init__(self, stills: Mapping[StillImage, bool]) -> None:
        self._kept: Kept[StillImage, NDArray[Any]] = Kept(stills)

    def pixels(self, still: StillImage) -> NDArray[Any]:
        """An image as :func:`~dlc2lp.video.pictures.read_image` reads it; raises what that raises."""
        image = self._kept.values.get(still)
        if image is None:
            image = read_image(still.path)
            self._kept.add(still, image, image.nbytes)
        return image

    def gray(self, still: StillImage) -> NDArray[np.uint8]:
        """The grey levels of an image, shape (H, W)."""
        return to_gray(self.pixels(still))


@dataclass
class FrameReader:
    """Reads the frames of one video and counts those that are decoded."""

    video: Path
    info: VideoInfo
    images: StillReader
    kept: Kept[int, VideoFrame]  # whole ones, by their index
    on_frames: Callable[[int], None] | None
    stop: threading.Event | None
    colors: Colors | None = None  # how those of the video are read; None: as OpenCV 4 does
    #: Frames that images of any size are compared with at first, so that the way to them is decoded once.
    ahead: set[int] = field(default_factory=set)
    n_read: int = 0
    #: Frames that a decoder made up in part: from which place it came there may make a difference.
    _made_up: set[int] = field(default_factory=set)
    _small: dict[tuple[Crop | None, int, Colors | None], dict[int, NDArray[np.uint8]]] = field(default_factory=dict)

    def small(self, framing: Framing, indices: Sequence[int] | None) -> Pictures:
        """Small pictures of some frames, or of all for None, in rising order.

        What a decoder made of damaged ones is compared too: DeepLabCut saw it likewise.
        """
        known = self._small.setdefault((framing.crop, framing.turn_deg, self.colors), {})
        wanted: Collection[int] = range(self.info.n_frames) if indices is None else frozenset(indices)
        missing: Iterable[int] | None = None
        if indices is not None or len(known) == self.info.n_frames:
            missing = [index for index in wanted if index not in known]
            if missing and framing.crop is None:
                missing = sorted({*missing, *self.ahead} - known.keys())
                self.ahead = set()  # what finds no room is not to be decoded with every look
        have = sorted(known.keys() & wanted) if missing is not None else []
        decoded = self._decoded_small(framing, missing, known) if missing is None or missing else iter(())
        fresh = (item for item in decoded if item[0] in wanted)
        yield from merge(((index, known[index]) for index in have), fresh, key=itemgetter(0))

    def _decoded_small(
        self, framing: Framing, indices: Iterable[int] | None, known: dict[int, NDArray[np.uint8]]
    ) -> Pictures:
        frames = self._decoded(indices, past_damage=True)
        crop, turn_deg = framing.crop, framing.turn_deg
        for index, picture in small_grays(self.video, self.info, frames, crop, turn_deg, self.colors):
            if len(known) < _KEPT_SMALL and index not in self._made_up:
                known[index] = picture
            yield index, picture

    def whole(self, indices: Iterable[int], *, past_damage: bool = False) -> Frames:
        """Some frames as they are stored, in rising order.

        Raises ``VideoFailed`` (``video-frame-unreadable``) for one that can't be decoded or was made up in part; those
        are left out, or taken as they are, if damage is to be passed.
        """
        wanted, known = sorted(set(indices)), self.kept.values
        missing = [index for index in wanted if index not in known]
        have = [(index, known[index]) for index in wanted if index in known]
        decoded = self._decoded(missing, past_damage=past_damage) if missing else iter(())
        return merge(have, decoded, key=itemgetter(0))

    def pairs(self, stills: Sequence[StillImage], indices: Sequence[int]) -> list[Pair]:
        """Stored frames and images at full size."""
        frames = self.whole(indices, past_damage=True)
        shown = dict(small_grays(self.video, self.info, frames, width_px=self.info.width_px))
        return [(shown[at], self.images.gray(still)) for still, at in zip(stills, indices, strict=True) if at in shown]

    def likely(self, stills: Sequence[StillImage]) -> list[int]:
        """The frame that each image's number names, or any other where it names none."""
        named = [-1 if still.frame_index is None else still.frame_index for still in stills]
        others = cycle(evenly(self.info.n_frames, len(stills)))
        return [at if 0 <= at < self.info.n_frames else next(others) for at in named]

    def _decoded(self, indices: Iterable[int] | None, *, past_damage: bool) -> Iterator[tuple[int, VideoFrame]]:
        for index, frame in frames_of(self.video, self.info, indices, self.stop, past_damage=past_damage):
            self.n_read += 1
            if self.on_frames is not None and self.n_read % _REPORTED_FRAMES == 0:
                self.on_frames(self.n_read)
            if frame.is_corrupt:
                self._made_up.add(index)
            elif index in self.kept.asked:
                self.kept.add(index, frame, sum(plane.buffer_size for plane in frame.planes))
            yield index, frame


def evenly(n_frames: int, n: int) -> list[int]:
    """Up to n positions all over a video."""
    return sorted({(2 * k + 1) * n_frames // (2 * n) for k in range(n)})
