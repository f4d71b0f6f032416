"""Where in a video's picture its images were cut from, found by normalised cross-correlation. Pure.

Labels are in pixels of the crop, so a position that is not sure to the pixel is called so.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dlc2lp.video.likeness import area_average

Position = tuple[int, int]  # x and y in pixels

#: Frames are searched whole at about this size and then, around the best places, pixel by pixel.
_SEARCHED_PX = 1024
_SMALLEST_IMAGE_PX = 24
_N_PEAKS = 5
_COMPARED_PIXELS = 40_000

_N_VOTES = 3
_LEAST_CORRELATION = 0.5
_MARGIN, _MARGIN_BY = 1.25, 1e-6  # of 1 - correlation, between the best position and the next
_AS_GOOD_BY = 1e-3


@dataclass(frozen=True)
class CropPosition:
    """Where images lie in their frames: the top-left corner."""

    x_px: int
    y_px: int
    correlation: float  # of the image with that part of its frame, where it is best; at most 1
    is_sure: bool  # whether it is right to the pixel, or just near


def find_position(
    pairs: Iterable[tuple[NDArray[np.uint8], NDArray[np.uint8]]], hint: Position | None = None
) -> CropPosition | None:
    """Find where images were cut from frames; None if they are nowhere.

    Each pair is searched by itself; what most of them find is the answer, sure if it is clear in at least one. Pairs
    are frames and images, grey levels of shapes (H, W) and (h, w), all of one size and no larger than the frames. They
    need not show the same moment, if something in the scene stands still.

    The hint is the position that DeepLabCut's config names. It decides only where the pictures do not: in front of an
    even background every position is as good as the next. DeepLabCut 2.3 and newer cut by ``int(width * (x / width))``,
    which can be one pixel less.
    """
    sightings: list[_Sighting] = []
    votes: Counter[Position] = Counter()
    for frame, image in pairs:
        sighting = _search(frame, image, hint)
        if sighting is None:
            continue
        sightings.append(sighting)
        votes[sighting.best] += 1
        if votes[sighting.best] >= _N_VOTES and sighting.is_clear:
            return CropPosition(*sighting.best, sighting.found[sighting.best], True)
    if not sightings:
        return None
    by_merit = sorted(sightings, key=lambda it: (-votes[it.best], -it.found[it.best], it.best))
    winner = by_merit[0].best
    is_clear = any(sighting.is_clear for sighting in sightings if sighting.best == winner)
    if not is_clear:
        for position in _meant(hint):
            if all(sighting.is_as_good_at(position) for sighting in sightings):
                return CropPosition(*position, max(sighting.found[position] for sighting in sightings), True)
    return CropPosition(*winner, by_merit[0].found[winner], is_clear and votes[winner] * 2 > len(sightings))


def correlation(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Pearson's correlation of two pictures of one size, -1 to 1; 0 where one of them is even."""
    first, second = one.astype(np.float64), other.astype(np.float64)
    first -= first.mean()
    second -= second.mean()
    norm = math.sqrt(float((first**2).sum() * (second**2).sum()))
    return float((first * second).sum()) / norm if norm else 0.0


def _meant(hint: Position | None) -> list[Position]:
    """The positions that a config's crop may stand for."""
    if hint is None:
        return []
    x, y = hint
    return [at for at in ((x, y), (x - 1, y), (x, y - 1), (x - 1, y - 1)) if min(at) >= 0]


@dataclass
class _Sighting:
    """How well one image fits into one frame at the positions that were looked at."""

    frame: NDArray[np.uint8]
    image: NDArray[np.uint8]
    found: dict[Position, float] = field(default_factory=dict)

    @property
    def best(self) -> Position:
        return min(self.found, key=lambda at: (-self.found[at], at))

    @property
    def is_clear(self) -> bool:
        """Whether no other position, not even one a pixel beside, is as good."""
        best, *others = sorted(self.found.values(), reverse=True)
        return not others or 1 - others[0] >= _MARGIN * (1 - best) + _MARGIN_BY

    def is_as_good_at(self, position: Position) -> bool:
        self.look(*position)
        best = self.found[self.best]
        return position in self.found and 1 - self.found[position] <= _MARGIN * (1 - best) + _AS_GOOD_BY

    def look(self, x: int, y: int) -> None:
        """Correlate at one position, on a grid of pixels where the image is large."""
        height, width = self.image.shape
        is_inside = 0 <= y <= self.frame.shape[0] - height and 0 <= x <= self.frame.shape[1] - width
        if is_inside and (x, y) not in self.found:
            step = max(1, math.isqrt(width * height // _COMPARED_PIXELS))
            part = self.frame[y : y + height : step, x : x + width : step]
            self.found[x, y] = correlation(part, self.image[::step, ::step])

    def look_around(self, position: Position, n_px: int) -> None:
        """Correlate at all positions at most so many pixels away."""
        x, y = position
        for near_y in range(y - n_px, y + n_px + 1):
            for near_x in range(x - n_px, x + n_px + 1):
                self.look(near_x, near_y)


def _search(frame: NDArray[np.uint8], image: NDArray[np.uint8], hint: Position | None) -> _Sighting | None:
    """Look for one image in one frame; None where it is too unlike."""
    height, width = image.shape
    factor = max(1, -(-max(frame.shape) // _SEARCHED_PX))
    factor = max(1, min(factor, min(height, width) // _SMALLEST_IMAGE_PX))
    peaks = _peaks(_correlations(_reduced(frame, factor), _reduced(image, factor)))
    sighting = _Sighting(frame, image)
    for position in [(x * factor, y * factor) for x, y in peaks] + _meant(hint):
        sighting.look_around(position, factor)
    # The best of the reduced pictures may be the neighbour of the best.
    n_found = 0
    while len(sighting.found) > n_found:
        n_found = len(sighting.found)
        sighting.look_around(sighting.best, 1)
    if not sighting.found or sighting.found[sighting.best] < _LEAST_CORRELATION:
        return None
    return sighting


def _reduced(gray: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    height, width = gray.shape[0] // factor, gray.shape[1] // factor
    return area_average(gray[: height * factor, : width * factor], width, height)


def _correlations(frame: NDArray[np.uint8], image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Normalised correlation of an image with every part of a frame that can hold it, shape (H - h + 1, W - w + 1)."""
    height, width = image.shape
    shape = tuple(_fast_length(n) for n in frame.shape)
    # Numbers near zero: otherwise the sums of squares are differences of large ones.
    scene = frame.astype(np.float64) - float(frame.mean())
    part = image.astype(np.float64) - float(image.mean())
    spectrum = np.fft.rfft2(scene, shape) * np.conj(np.fft.rfft2(part, shape))
    shared = np.fft.irfft2(spectrum, shape)[: frame.shape[0] - height + 1, : frame.shape[1] - width + 1]
    variance = _sums(scene**2, height, width) - _sums(scene, height, width) ** 2 / (height * width)
    norm = np.sqrt(variance.clip(0.0) * float((part**2).sum()))
    flat = norm <= 1e-6 * height * width
    return np.where(flat, 0.0, shared / np.where(flat, 1.0, norm))


def _sums(values: NDArray[np.float64], height: int, width: int) -> NDArray[np.float64]:
    """Sums over every window of a size."""
    table: NDArray[np.float64] = np.pad(values, ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    return table[height:, width:] - table[:-height, width:] - table[height:, :-width] + table[:-height, :-width]


def _fast_length(n: int) -> int:
    """The next length for which a Fourier transform is fast: a product of 2, 3 and 5."""
    while True:
        rest = n
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return n
        n += 1


def _peaks(correlations: NDArray[np.float64]) -> list[Position]:
    """The positions of the highest values that are not beside each other."""
    left = correlations.copy()
    peaks = []
    for _ in range(_N_PEAKS):
        y, x = (int(at) for at in np.unravel_index(int(left.argmax()), left.shape))
        if not np.isfinite(left[y, x]):
            break
        peaks.append((x, y))
        left[max(0, y - 2) : y + 3, max(0, x - 2) : x + 3] = -np.inf
    return peaks
