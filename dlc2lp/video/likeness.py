"""How alike a still image and a video's frames are, measured on small grey pictures.

All sums are sums of whole numbers, which floating point adds without rounding in any order: the errors of the same
pictures are the same to the last bit on every machine, whatever its linear algebra library does.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlc2lp.video.pictures import luma, summed_area

#: Shares of red, green and blue, of 16384.
_LUMA = (4899, 9617, 1868)

#: Levels are counted from here, so that a product of two is at most 2**14, and the sum of so many pixels' products
#: at most 2**24, up to which four bytes hold every whole number.
_MIDDLE = 128
_EXACT_PIXELS = 1024
#: Images times frames that are multiplied at a time. Linear algebra libraries start threads for larger pieces, which
#: wait for each other for longer than they work, and beside which others already read other videos.
_TILE, _TILE_IMAGES = 256, 16

#: Of the sums of a large picture so many bytes are made at a time.
_SUMMED_BYTES = 2**26

_BATCH_FRAMES = 128
_BATCH_IMAGES = 512

#: Contrast that an image may have against its frame: the step between video range and full range is 1.16; 16-bit
#: images of 12-bit cameras are brought to 8 bits without knowing how the video was.
_GAINS = (0.25, 4.0)


def to_gray(image: NDArray[Any]) -> NDArray[np.uint8]:
    """Grey levels, shape (H, W), of a gray, RGB or RGBA image of whole numbers or fractions of any size.

    This is the luma of ITU-R BT.601, as OpenCV makes gray. What has more than 8 bits is scaled by a power of two.
    """
    if image.dtype == np.uint8:
        return luma(image[..., :3], _LUMA) if image.ndim == 3 else image
    if not np.issubdtype(image.dtype, np.integer):
        top = float(np.abs(np.nan_to_num(image)).max(initial=0.0)) or 1.0
        image = np.nan_to_num(image).clip(0) * (255 / top)
    # Four bytes hold the sums of 16-bit levels.
    levels: NDArray[Any] = image.astype(np.uint32)
    if levels.ndim == 3:
        levels = (np.stack([levels[..., color] * part for color, part in enumerate(_LUMA)]).sum(axis=0) + 8192) >> 14
    n_bits = int(levels.max(initial=0)).bit_length()
    return (levels >> max(0, n_bits - 8)).astype(np.uint8)


def area_average(gray: NDArray[np.uint8], width_px: int, height_px: int) -> NDArray[np.uint8]:
    """Shrink a picture; each new pixel is the mean of the area that it covers, as with OpenCV's ``INTER_AREA``.

    A size above the old one repeats pixels.
    """
    height, width = gray.shape
    if (height, width) == (height_px, width_px):
        return gray
    rows = summed_area(gray) if 8 * gray.size <= _SUMMED_BYTES else _SumsOfRows(gray)
    sums = _upto(_upto(rows, height_px).T, width_px).T
    whole = np.diff(np.diff(sums, axis=0), axis=1)
    means: NDArray[np.uint8] = ((2 * whole + height * width) // (2 * height * width)).astype(np.uint8)
    return means


class _SumsOfRows:
    """The summed area of a picture, of which only some rows are kept: all of them take eight bytes for each pixel."""

    def __init__(self, gray: NDArray[np.uint8]) -> None:
        self._gray = gray

    def __len__(self) -> int:
        return len(self._gray) + 1

    def __getitem__(self, at: NDArray[np.int64]) -> NDArray[np.float64]:
        n_columns = self._gray.shape[1] + 1
        rows, above = np.empty((len(at), n_columns)), np.zeros(n_columns)
        n_at_once = max(1, _SUMMED_BYTES // (8 * n_columns))
        for start in range(0, len(self._gray), n_at_once):
            sums = summed_area(self._gray[start : start + n_at_once]) + above
            here = (start <= at) & (at < start + len(sums))
            rows[here] = sums[at[here] - start]
            above = sums[-1]
        return rows


def _upto(sums: NDArray[Any] | _SumsOfRows, n_parts: int) -> NDArray[np.int64]:
    """Sums of values up to the ends of ``n_parts`` equal parts, times ``n_parts``, which makes them whole numbers.

    ``sums`` are those up to the end of each of N values along the first axis, N + 1 of them.
    """
    n_values = len(sums) - 1
    at, beyond = np.divmod(np.arange(n_parts + 1) * n_values, n_parts)
    before, behind = sums[at].astype(np.int64), sums[np.minimum(at + 1, n_values)].astype(np.int64)
    reached: NDArray[np.int64] = (n_parts - beyond)[:, None] * before + beyond[:, None] * behind
    return reached


def errors(images: NDArray[np.uint8], frames: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Mean squared differences of grey levels, after the best fit of brightness and contrast: float64 of shape (K, B).

    Images and frames are K and B pictures of P pixels each, shapes (K, P) and (B, P); the errors are in squared grey
    levels of the images. The fit leaves out what a wrong colour range, a gamma or a 16-bit scale does to a whole video.
    """
    n_pixels = images.shape[1]
    stills, shown = (pictures.astype(np.float32) - _MIDDLE for pictures in (images, frames))
    still_sums, shown_sums = (pictures.sum(axis=1, dtype=np.float64) for pictures in (stills, shown))
    products = _products(stills, shown)
    still_var, shown_var = (
        (n_pixels * _squares(pictures) - sums**2) / n_pixels**2
        for pictures, sums in ((stills, still_sums), (shown, shown_sums))
    )
    shared = (n_pixels * products - np.outer(still_sums, shown_sums)) / n_pixels**2
    gains = (shared / np.where(shown_var > 0, shown_var, 1.0)).clip(*_GAINS)
    fitted: NDArray[np.float64] = still_var[:, None] - 2 * gains * shared + gains**2 * shown_var
    return fitted.clip(0.0)


def _products(stills: NDArray[np.float32], shown: NDArray[np.float32]) -> NDArray[np.float64]:
    """The sums over all pixels of the products of each image with each frame, shape (K, B)."""
    products = np.zeros((len(stills), len(shown)))
    n_stills = max(1, min(len(stills), _TILE_IMAGES))
    n_shown = _TILE // n_stills
    for pixels in _summed_at_once(stills):
        for row in range(0, len(stills), n_stills):
            rows = slice(row, row + n_stills)
            for column in range(0, len(shown), n_shown):
                columns = slice(column, column + n_shown)
                products[rows, columns] += stills[rows, pixels] @ shown[columns, pixels].T
    return products


def _squares(pictures: NDArray[np.float32]) -> NDArray[np.float64]:
    """The sum of the squares of each picture's pixels, shape (B,)."""
    squares = np.zeros(len(pictures))
    for pixels in _summed_at_once(pictures):
        squares += np.einsum("bp,bp->b", pictures[:, pixels], pictures[:, pixels])
    return squares


def _summed_at_once(pictures: NDArray[np.float32]) -> Iterator[slice]:
    return (slice(at, at + _EXACT_PIXELS) for at in range(0, pictures.shape[1], _EXACT_PIXELS))


@dataclass(frozen=True)
class Looks:
    """What came of comparing K images with frames.

    All are of shape (K,); errors are infinite where there is none.
    """

    best_index: NDArray[np.int64]  # the frame that is most like the image; -1 where none was compared
    best_error: NDArray[np.float64]
    second_error: NDArray[np.float64]  # the smallest one of another frame
    mean_error: NDArray[np.float64]  # of all frames but the best: how different the frames of this video are
    on_rim: NDArray[np.bool_]  # whether a frame beyond those that were compared may be more like the image
    everywhere: NDArray[np.bool_]  # whether it was compared with all frames of the video

    def taken(self, rows: slice) -> Looks:
        """Those of some images."""
        return Looks(**{name: getattr(self, name)[rows] for name in self.__dataclass_fields__})

    def replaced(self, rows: NDArray[np.int64], other: Looks) -> Looks:
        """These, with those of some images taken from elsewhere."""
        fields = {}
        for name in self.__dataclass_fields__:
            fields[name] = getattr(self, name).copy()
            fields[name][rows] = getattr(other, name)
        return Looks(**fields)


def look(
    images: NDArray[np.uint8],
    frames: Iterable[tuple[int, NDArray[np.uint8]]],
    n_frames: int,
    *,
    around: NDArray[np.int64] | None = None,
    half_window: int = 0,
) -> Looks:
    """Compare images, K small pictures of shape (K, P), with frames, holding only a batch of small frames at a time.

    Frames are indices and small pictures of P pixels, each index once, of a video of ``n_frames``. With ``around``,
    image k is compared only with frames at most ``half_window`` from ``around[k]`` (-1: nowhere); the others serve as
    examples of what does not match.
    """
    n_images = len(images)
    best, second, total = (np.full(n_images, value) for value in (np.inf, np.inf, 0.0))
    best_index = np.full(n_images, -1, dtype=np.int64)
    n_seen = 0
    for indices, batch in _batches(frames):
        n_seen += len(indices)
        for start in range(0, n_images, _BATCH_IMAGES):
            rows = slice(start, start + _BATCH_IMAGES)
            found = errors(images[rows], batch)
            total[rows] += found.sum(axis=1)
            if around is not None:
                center = around[rows, None]
                found[(center < 0) | (np.abs(indices - center) > half_window)] = np.inf
            _keep_best(found, indices, best[rows], second[rows], best_index[rows])
    found_any = best_index >= 0
    mean = (total - np.where(found_any, best, 0.0)) / max(1, n_seen - 1)
    on_rim = np.zeros(n_images, dtype=bool)
    if around is not None:
        on_rim = (np.abs(best_index - around) >= half_window) & (best_index > 0) & (best_index < n_frames - 1)
    everywhere = np.full(n_images, n_seen == n_frames and around is None)
    return Looks(best_index, best, second, mean.clip(0.0), on_rim | ~found_any, everywhere)


def _keep_best(
    found: NDArray[np.float64],
    indices: NDArray[np.int64],
    best: NDArray[np.float64],
    second: NDArray[np.float64],
    best_index: NDArray[np.int64],
) -> None:
    """Fold a batch's errors, shape (K, B), into the two smallest so far. Of equal ones the earliest is the best."""
    every = np.arange(len(found))
    first_at = found.argmin(axis=1)
    first = found[every, first_at]
    found[every, first_at] = np.inf
    next_ = found.min(axis=1)
    better = first < best
    second[:] = np.where(better, np.minimum(best, next_), np.minimum(second, first))
    best_index[better] = indices[first_at[better]]
    best[better] = first[better]


def _batches(frames: Iterable[tuple[int, NDArray[np.uint8]]]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.uint8]]]:
    frames = iter(frames)
    while some := list(itertools.islice(frames, _BATCH_FRAMES)):
        yield np.array([index for index, _ in some]), np.stack([picture.ravel() for _, picture in some])
