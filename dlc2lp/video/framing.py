"""Where images lie in the picture of their video: the whole of it, a part, turned, at another size. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dlc2lp.model import VideoInfo
from dlc2lp.video.cropping import CropPosition, correlation, find_position
from dlc2lp.video.encoding import Crop, displayed_size
from dlc2lp.video.frames import COMPARED_WIDTH_PX
from dlc2lp.video.likeness import area_average
from dlc2lp.video.pictures import shrunk_size

#: A stored frame and an image of about the same moment, grey levels of shapes (H, W) and (h, w).
Pair = tuple[NDArray[np.uint8], NDArray[np.uint8]]
#: ``x1, x2, y1, y2`` of DeepLabCut's config.
CropHint = tuple[int, int, int, int]

#: A position that fits as well as this needs no search in the other rotations.
_SURE_CORRELATION = 0.9
_N_FOR_BACKGROUND = 3


@dataclass(frozen=True)
class Framing:
    """A way in which images lie in the frames of a video."""

    #: The clockwise turns of the stored pixels that come into question, the likeliest first; R of them.
    rotations_deg: tuple[int, ...]
    small_px: tuple[int, int]  #: Width and height of the small pictures that are compared, P pixels.
    #: Frames are turned clockwise by this, then cropped, then shrunk; images are turned back by the rest of each
    #: rotation, then shrunk.
    turn_deg: int = 0
    crop: Crop | None = None
    scaled: bool = False  #: Whether the images are whole frames at another size.
    is_sure: bool = True  #: Whether the position of the crop is right to the pixel, or just near.

    def small(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """An image as its frame must look, for each rotation: shape (R, P)."""
        turns = [(rotation - self.turn_deg) // 90 for rotation in self.rotations_deg]
        width, height = self.small_px
        # Shrunk first: a turn changes which pixels are averaged only where it swaps the sides.
        shrunk = {
            odd: area_average(image, *((height, width) if odd else (width, height)))
            for odd in {turn % 2 for turn in turns}
        }
        return np.stack([np.rot90(shrunk[turn % 2], turn).ravel() for turn in turns])


def whole_framing(info: VideoInfo, size_px: tuple[int, int], *, scaled: bool = False) -> Framing | None:
    """The framing of images that show whole frames; None if no rotation of a frame has their size.

    Where they are ``scaled``, they may have another size than the frames, if they have the same shape.
    """
    rotations = []
    for rotation in _rotations(info):
        width, height = displayed_size(info, rotation)
        # Two pixels: a size that was rounded to even numbers on the way.
        same_shape = abs(size_px[0] * height - size_px[1] * width) <= 2 * max(width, height)
        if size_px == (width, height) or (scaled and same_shape):
            rotations.append(rotation)
    small_px = shrunk_size(info.width_px, info.height_px, COMPARED_WIDTH_PX)
    return Framing(tuple(rotations), small_px, scaled=scaled) if rotations else None


def part_framing(info: VideoInfo, pairs: Sequence[Pair], hint: CropHint | None) -> Framing | None:
    """The framing of images that do not have the size of a frame: a part of it, or all of it at another size.

    None if the images, all of one size and each with its frame as far as that is known, are nowhere in the frames.
    """
    height, width = pairs[0][1].shape
    scaled = whole_framing(info, (width, height), scaled=True)
    found = _best_position(info, pairs, hint)
    if found is None:
        return scaled
    rotation, position = found
    if scaled is not None and _likeness(scaled, pairs) > position.correlation:
        return scaled
    crop = Crop(position.x_px, position.y_px, width, height)
    small_px = shrunk_size(width, height, COMPARED_WIDTH_PX)
    return Framing((rotation,), small_px, rotation, crop, is_sure=position.is_sure)


def _best_position(info: VideoInfo, pairs: Sequence[Pair], hint: CropHint | None) -> tuple[int, CropPosition] | None:
    """The rotation and the position in the turned frame that fit best."""
    pairs = list(pairs)
    if len(pairs) >= _N_FOR_BACKGROUND:
        # What moves is not at the same place in an image and in a frame of another moment; the rest is.
        scene, part = (np.median(np.stack(side), axis=0).astype(np.uint8) for side in zip(*pairs, strict=True))
        pairs.append((scene, part))
    height, width = pairs[0][1].shape
    hinted = None
    if hint is not None and abs(hint[1] - hint[0] - width) <= 1 and abs(hint[3] - hint[2] - height) <= 1:
        hinted = (hint[0], hint[2])
    best = None
    for rotation in _rotations(info):
        frame_width, frame_height = displayed_size(info, rotation)
        if width > frame_width or height > frame_height:
            continue
        found = find_position([(np.rot90(frame, -rotation // 90), image) for frame, image in pairs], hinted)
        if found is not None and (best is None or found.correlation > best[1].correlation):
            best = (rotation, found)
        if best is not None and best[1].is_sure and best[1].correlation >= _SURE_CORRELATION:
            break
    return best


def _likeness(framing: Framing, pairs: Sequence[Pair]) -> float:
    """The median correlation of images with whole frames, in the rotation where it is largest."""
    small = [(area_average(frame, *framing.small_px).ravel(), framing.small(image)) for frame, image in pairs]
    return max(
        sorted(correlation(frame, images[turn]) for frame, images in small)[len(small) // 2]
        for turn in range(len(framing.rotations_deg))
    )


def _rotations(info: VideoInfo) -> tuple[int, ...]:
    """All quarter turns, the one of the display matrix first: most versions of OpenCV obey it."""
    return tuple(dict.fromkeys((info.rotation_deg, 0, 90, 180, 270)))
