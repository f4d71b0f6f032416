"""By which reading of a video's colours its images were cut, and how bright they are beside it.

Images that OpenCV 4 cut show a video as Lightning Pose's readers do, whatever its tags say; those that another program
cut may not, nor those that somebody brightened. The network then learns on other pictures than it sees in the video.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlc2lp.model import VideoInfo
from dlc2lp.video.colors import Colors, readings
from dlc2lp.video.frames import read_colors
from dlc2lp.video.likeness import to_gray
from dlc2lp.video.pictures import read_image
from dlc2lp.video.ties import StillImage, Tie, six_digits

_N_IMAGES = 3
#: Another reading than the usual one is believed where the images are this much nearer to it, in squared grey levels.
#: Coding noise is the same for all; between two readings of colourful pictures lie 10 to 60.
_MARGIN, _MARGIN_BY = 2.0, 1.0


@dataclass(frozen=True)
class ImageColors:
    """How images show a video's colours."""

    colors: Colors | None  #: The reading that they prove; None: OpenCV's usual one, or there is nothing to read.
    #: Brightness of the images = gain * brightness of the frames in that reading + offset, in grey levels.
    gain: float
    offset: float
    #: How far apart the colours of the image and its frame are in that reading, in levels of red, green and blue: the
    #: mean over the pixels of the image that is the farthest.
    apart: float


def image_colors(
    video: Path, info: VideoInfo, stills: Sequence[StillImage], tie: Tie, stop: threading.Event | None
) -> ImageColors | None:
    """Compare some images with the frames that they are proven to be, pixel by pixel.

    None where no image can be compared so: none is proven, the pictures have another size than the frames, or more than
    8 bits, which are brought to 8 without knowing how the video was.
    """
    if tie.scaled or tie.rotation_deg is None:
        return None
    path_of = {still.name: still.path for still in stills}
    proven = [(image.frame_index, path_of[image.name]) for image in tie.images if image.outcome == "proven"]
    chosen = {at: path for at, path in proven[:: -(-len(proven) // _N_IMAGES)] if at is not None} if proven else {}
    usual, *others = readings(info) or (None,)
    errors, apart = np.zeros(1 + len(others)), np.zeros(1 + len(others))
    sums = [np.zeros(5) for _ in range(1 + len(others))]
    frames = read_colors(video, info, chosen, (usual, *others), crop=tie.crop, turn_deg=tie.rotation_deg, stop=stop)
    for index, pictures in frames:
        image = _rgb(read_image(chosen[index]))
        if image is None or image.shape != pictures[0].shape:
            return None
        for number, picture in enumerate(pictures):
            difference = image.astype(np.int32) - picture
            errors[number] += np.square(difference).mean()
            apart[number] = max(apart[number], np.abs(difference).mean())
            sums[number] += _sums(to_gray(picture), to_gray(image))
    if not chosen:
        return None
    best = int(errors.argmin())
    if errors[0] < _MARGIN * errors[best] + _MARGIN_BY * len(chosen):
        best = 0
    return ImageColors(others[best - 1] if best else None, *_line(sums[best]), six_digits(float(apart[best])))


def _rgb(image: NDArray[Any]) -> NDArray[np.uint8] | None:
    if image.dtype != np.uint8:
        return None
    return np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 else image[..., :3]


def _sums(shown: NDArray[np.uint8], image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """What a line through the pixels' levels follows from; sums of whole numbers, the same on every machine."""
    x, y = shown.astype(np.int64).ravel(), image.astype(np.int64).ravel()
    return np.array([len(x), x.sum(), y.sum(), (x * x).sum(), (x * y).sum()], dtype=np.float64)


def _line(sums: NDArray[np.float64]) -> tuple[float, float]:
    """Gain and offset of the best line; a picture without contrast has a gain of 1."""
    n, x, y, xx, xy = sums.tolist()
    spread = n * xx - x * x
    gain = (n * xy - x * y) / spread if spread > 0 else 1.0
    return six_digits(gain), six_digits((y - gain * x) / n)
