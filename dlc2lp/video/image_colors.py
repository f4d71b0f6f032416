"""By which reading of a video's colours its images were cut, and how bright they are beside it.

Images that OpenCV 4 cut show a video as Lightning Pose's readers do, whatever its tags say; those that another program
cut may not, nor those that somebody brightened. The network then learns on other pictures than it sees in the video.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from dlc2lp.video.colors import Colors, readings
from dlc2lp.video.decoded_once import FrameReader
from dlc2lp.video.frames import colored
from dlc2lp.video.likeness import to_gray
from dlc2lp.video.pictures import differences, sums
from dlc2lp.video.ties import StillImage, Tie, six_digits

_Item = TypeVar("_Item")

_N_IMAGES = 7
#: Another reading than the usual one is believed where the images are this much nearer to it, in squared grey levels.
#: Coding noise is the same for all; between two readings of colourful pictures lie 10 to 60.
_MARGIN, _MARGIN_BY = 2.0, 1.0


@dataclass(frozen=True)
class ImageColors:
    """How images show a video's colours."""

    #: The reading that most images prove; None: OpenCV's usual one, or there is nothing to read.
    colors: Colors | None
    #: Of the image that is farthest from its frame in that reading: its name; brightness = gain * that of the frame +
    #: offset, in gray levels; and how far apart red, green and blue are on average, in levels.
    farthest: str
    gain: float
    offset: float
    apart: float
    #: By how many bits the values of images of 16 bits go down to be those of their frames; None for images of 8 bits.
    deep_shift: int | None


def sampled(items: Sequence[_Item]) -> Sequence[_Item]:
    """The few of a session's images that are compared."""
    return items[:: max(1, -(-len(items) // _N_IMAGES))]


def image_colors(frames: FrameReader, stills: Sequence[StillImage], tie: Tie) -> ImageColors | None:
    """Compare some images with the frames that they are proven to be, pixel by pixel.

    None where no image can be compared so: none is proven, or they have another size than the frames. Raises
    ``VideoFailed`` where one of the frames is damaged.
    """
    if tie.scaled or tie.rotation_deg is None:
        return None
    still_of = {still.name: still for still in stills}
    proven = [(image.frame_index, still_of[image.name]) for image in tie.images if image.outcome == "proven"]
    chosen = {at: still for at, still in sampled(proven) if at is not None}
    usual, *others = readings(frames.info) or (None,)
    whole = frames.whole(chosen)
    found: list[tuple[str, list[_Fit]]] = []
    shift: int | None = None
    for index, pictures in colored(frames.video, frames.info, whole, (usual, *others), tie.crop, tie.rotation_deg):
        levels = _rgb(frames.images.pixels(chosen[index]))
        if levels.dtype.itemsize > 2 or levels.shape != pictures[0].shape:
            return None
        if levels.dtype.itemsize == 2 and shift is None:
            shift = _shift_to(pictures[0], levels)
        image = levels if levels.dtype == np.uint8 else np.minimum(levels >> (shift or 0), 255).astype(np.uint8)
        gray = to_gray(image)
        found.append((chosen[index].name, [_fit(picture, image, gray) for picture in pictures]))
    if not found:
        return None
    votes = Counter(_proven_by(fits) for _, fits in found)
    best = max(votes, key=lambda number: (votes[number], -number))
    name, fit = max(((name, fits[best]) for name, fits in found), key=lambda each: each[1].distance)
    colors = others[best - 1] if best else None
    return ImageColors(colors, name, six_digits(fit.gain), six_digits(fit.offset), six_digits(fit.apart), shift)


@dataclass(frozen=True)
class _Fit:
    """How an image lies to its frame in one reading."""

    error: float  # mean square of the differences
    apart: float  # mean of the differences
    gain: float
    offset: float

    @property
    def distance(self) -> float:
        """How far they are apart in what a person sees, in gray levels."""
        return max(abs(self.offset + (self.gain - 1) * 128), 128 * abs(self.gain - 1), self.apart)


def _proven_by(fits: Sequence[_Fit]) -> int:
    """Which reading an image proves; 0 is the usual one."""
    best = min(range(len(fits)), key=lambda number: fits[number].error)
    return best if fits[0].error >= _MARGIN * fits[best].error + _MARGIN_BY else 0


def _fit(picture: NDArray[np.uint8], image: NDArray[np.uint8], gray: NDArray[np.uint8]) -> _Fit:
    apart, squared = differences(picture, image)
    gain, offset = _line(to_gray(picture), gray)
    return _Fit(squared / picture.size, apart / picture.size, gain, offset)


def _shift_to(picture: NDArray[np.uint8], levels: NDArray[Any]) -> int:
    gain, _ = _line(picture[..., 1], levels[..., 1])
    return min(8, max(0, round(math.log2(gain)))) if gain > 1 else 0


def _rgb(image: NDArray[Any]) -> NDArray[Any]:
    return np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 else image[..., :3]


def _line(shown: NDArray[np.uint8], image: NDArray[Any]) -> tuple[float, float]:
    """Gain and offset of the best line through the pixels' levels; a picture without contrast has a gain of 1."""
    # Sums of whole numbers, the same on every machine.
    n, (sum_x, sum_xx) = shown.size, sums(shown)
    if image.dtype == np.uint8:
        sum_y, sum_yy = sums(image)
        sum_xy = (sum_xx + sum_yy - differences(shown, image)[1]) // 2
    else:
        x, y = shown.astype(np.int64).ravel(), image.astype(np.int64).ravel()
        sum_y, sum_xy = int(y.sum()), int((x * y).sum())
    spread = n * sum_xx - sum_x * sum_x
    gain = (n * sum_xy - sum_x * sum_y) / spread if spread else 1.0
    return gain, (sum_y - gain * sum_x) / n
