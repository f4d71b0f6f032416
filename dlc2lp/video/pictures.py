"""Pictures as arrays: still images read and written, and pictures shrunk. The only room with OpenCV.

Colours are RGB throughout, rows first: arrays of shape (H, W, 3).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlc2lp.errors import UnreadableFile, raise_disk_trouble
from dlc2lp.limits import IMAGE_BYTES, PIXELS

#: Of an image that is larger the colours are put in order in pieces of this size.
_AT_ONCE_BYTES = 64 * 2**20


def read_image(path: Path) -> NDArray[Any]:
    """Read a still image as it is stored: PNG, JPEG, TIFF or BMP, under any name.

    Returns gray, RGB or RGBA of shape (H, W), (H, W, 3) or (H, W, 4), uint8, uint16 or float32 as in the file. Raises
    ``UnreadableFile`` (``image-unreadable``) where it is missing, empty, cut or no image, ``DiskTrouble``.
    """
    try:
        # OpenCV's own reader fails at some names on Windows, and numpy's takes a disk that fails for the file's end.
        content = IMAGE_BYTES.read(path)
    except OSError as problem:
        raise_disk_trouble(path, problem)
        raise _unreadable_image(path, problem.strerror or str(problem)) from problem
    return decode_image(content, path)


def decode_image(content: bytes, path: Path) -> NDArray[Any]:
    """Return what :func:`read_image` does for a file that holds this; the path is told where that is no image."""
    # Read by OpenCV when it is loaded: it compares with what a header says before it takes memory for the pixels.
    os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(PIXELS.at_most))
    import cv2

    try:
        data = np.frombuffer(content, dtype=np.uint8)
        image = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if data.size else None
    except cv2.error as problem:
        raise _unreadable_image(path, str(problem)) from problem
    if image is None:
        raise _unreadable_image(path, "0 bytes" if data.size == 0 else "no image that OpenCV can decode")
    del data
    if image.nbytes <= _AT_ONCE_BYTES:
        return _swap_red_and_blue(image)
    n_rows = max(1, len(image) * _AT_ONCE_BYTES // image.nbytes)
    for start in range(0, len(image), n_rows):  # a second array of the size would not fit
        image[start : start + n_rows] = _swap_red_and_blue(image[start : start + n_rows])
    return image


def _unreadable_image(path: Path, reason: str) -> UnreadableFile:
    return UnreadableFile.of("image-unreadable", str(path), f"found {reason}, expected an image")


def _swap_red_and_blue(image: NDArray[Any]) -> NDArray[Any]:
    """RGB(A) to OpenCV's BGR(A), or back."""
    import cv2

    if image.ndim == 2:
        return image
    if image.shape[2] in (3, 4) and image.dtype in (np.uint8, np.uint16, np.float32):
        return cv2.cvtColor(image, cv2.COLOR_BGR2RGB if image.shape[2] == 3 else cv2.COLOR_BGRA2RGBA)
    return np.ascontiguousarray(image[:, :, [2, 1, 0, 3][: image.shape[2]]])


def encode_image(image: NDArray[Any], suffix: str = ".png") -> bytes:
    """An image file's bytes; the same image gives the same bytes with the same OpenCV.

    The image is uint8 or uint16 of shape (H, W), (H, W, 3) RGB or (H, W, 4) RGBA; the suffix names the format:
    ``.png``, or ``.jpg`` of a quality of 95 of 100.
    """
    import cv2

    done, data = cv2.imencode(suffix, _swap_red_and_blue(image))
    if not done:
        raise ValueError(f"OpenCV makes no {suffix} of an array of {image.dtype} and shape {image.shape}")
    return data.tobytes()


def max_value(path: Path) -> int:
    """The largest value in a still image: tells how many of 16 bits a scientific camera used.

    Raises ``UnreadableFile``: ``image-unreadable``, or ``image-not-integer`` for images of fractions.
    """
    image = read_image(path)
    if not np.issubdtype(image.dtype, np.integer):
        message = f"found an image of {image.dtype}, expected 8 or 16 bits per channel"
        raise UnreadableFile.of("image-not-integer", str(path), message)
    return int(image.max())


def to_eight_bit(image: NDArray[Any], shift: int) -> NDArray[np.uint8]:
    """Bring an image of more than 8 bits, unsigned integers of any shape, down to 8.

    The lowest ``shift`` bits fall away: 8 for values up to 65535, 4 for a 12-bit camera's values up to 4095. One shift
    for all images of a session, or their brightness jumps. ``ValueError`` if it leaves values above 255.
    """
    small = image >> shift
    if small.size and int(small.max()) > 255:
        raise ValueError(f"values up to {int(image.max())} need a shift of more than {shift} bits")
    return small.astype(np.uint8)


def luma(image: NDArray[np.uint8], parts: Sequence[int]) -> NDArray[np.uint8]:
    """The sum of red, green and blue of an image of shape (H, W, 3) in these parts of 16384, rounded half up: (H, W).

    OpenCV's own gray rounds otherwise in other versions. This is exact: what a float32 holds, 24 bits, is enough for
    the products, their sum and the half.
    """
    import cv2

    weights = np.array([[*parts, 0.5]], dtype=np.float64) / 16384
    return cv2.transform(image, weights)  # type: ignore[return-value]


def looked_up(levels: NDArray[np.uint8], table: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What stands in a table of 256 for each level of a picture, shape (H, W)."""
    import cv2

    return cv2.LUT(levels, table)  # type: ignore[return-value]


def summed_area(gray: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The sums of all that is above and to the left of each corner of a pixel, shape (H + 1, W + 1); exact."""
    import cv2

    return cv2.integral(np.ascontiguousarray(gray), sdepth=cv2.CV_64F)  # type: ignore[return-value]


def sums(values: NDArray[np.uint8]) -> tuple[int, int]:
    """The sums of levels and of their squares, of an array of any shape; exact."""
    return differences(values, np.zeros_like(values))


def differences(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> tuple[int, int]:
    """The sums of the sizes and of the squares of the differences of two arrays of one shape; exact."""
    import cv2

    # OpenCV adds up whole numbers, but takes the root of the squares' sum and squares that.
    return round(cv2.norm(one, other, cv2.NORM_L1)), round(cv2.norm(one, other, cv2.NORM_L2SQR))


def shrink(gray: NDArray[np.uint8], width_px: int) -> NDArray[np.uint8]:
    """A grey picture of at most this width, averaged over areas."""
    import cv2

    height, width = gray.shape
    return cv2.resize(gray, shrunk_size(width, height, width_px), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def shrunk_size(width_px: int, height_px: int, at_most_px: int) -> tuple[int, int]:
    """Width and height of a picture that keeps its shape and gets at most this width."""
    width = min(width_px, at_most_px)
    return width, max(1, round(height_px * width / width_px))


#: Sizes of the longer side, in pixels, and qualities of JPEG that are tried for a picture on a page.
_PREVIEW_SIDES_PX, _PREVIEW_QUALITY = (640, 560, 480, 400, 320, 260, 200, 160, 120), 78
#: What a pixel takes of a picture that is easily made small; sides that even then would take too much are not tried.
_LEAST_BYTES_PER_PIXEL = 0.08


def encode_preview(image: NDArray[Any], at_most_bytes: int) -> bytes:
    """A small JPEG of an image for people to look at, of at most so many bytes where that can be reached.

    The image is gray, RGB or RGBA of 8 or 16 bits, as :func:`read_image` returns it; of 16 bits, the brightest value
    becomes white. The same image gives the same bytes with the same OpenCV.
    """
    import cv2

    picture = image[..., :3] if image.ndim == 3 else image
    if picture.dtype != np.uint8:
        picture = np.clip(picture * (255.0 / max(float(picture.max()), 1.0)), 0, 255).astype(np.uint8)
    height, width = picture.shape[:2]
    if picture.ndim == 3 and picture.shape[2] == 3:
        picture = picture[..., ::-1]  # as OpenCV has colours
    sides = [side for side in _PREVIEW_SIDES_PX if side * side * _LEAST_BYTES_PER_PIXEL <= at_most_bytes]
    content = b""
    for side in sides or _PREVIEW_SIDES_PX[-1:]:
        scale = min(1.0, side / max(width, height))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        picture = np.ascontiguousarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
        content = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _PREVIEW_QUALITY])[1].tobytes()
        if len(content) <= at_most_bytes:
            break
    return content
