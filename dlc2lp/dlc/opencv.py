"""The numbers of OpenCV's camera model as a calibration's pickle holds them: matrices, lenses, rotations."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlc2lp.model import Vector
from dlc2lp.wording import counted

Array = NDArray[np.float64]

#: Numbers of coefficients that OpenCV's lens model has.
_N_DISTORTIONS = (4, 5, 8, 12, 14)

#: How far R may be from a rotation; OpenCV's own are within 1e-15, and a hand-typed one has some digits.
_ROTATION_TOLERANCE = 1e-3


class FieldError(Exception):
    """A field that is missing, or is not what OpenCV's calibration gives."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


def array(fields: Mapping[Any, object], key: str, shape: tuple[int, ...]) -> Array:
    """Return a field as finite numbers of a shape; vectors may lie on their side."""
    found = _numbers(fields, key, f"numbers of shape {shape}")
    array = found.ravel() if len(shape) == 1 else found
    if array.shape != shape:
        raise FieldError(key, f"found numbers of shape {found.shape}, expected {shape}")
    if not np.isfinite(array).all():
        raise FieldError(key, "found a number that is not finite, expected finite ones")
    return array


def _numbers(fields: Mapping[Any, object], key: str, expected: str) -> Array:
    if key not in fields:
        raise FieldError(key, f"found no {key}, expected {expected}")
    given: Any = fields[key]
    try:
        if np.iscomplexobj(given):  # of which numpy would drop a half, with a warning
            raise TypeError
        return np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):  # no numbers, lists in lists without end, a number beyond all
        raise FieldError(key, f"found {type(given).__name__}, expected {expected}") from None


def check_rotation(rotation: Array) -> None:
    """Refuse a matrix that is no rotation."""
    off = float(np.abs(rotation @ rotation.T - np.eye(3)).max())
    if off > _ROTATION_TOLERANCE or np.linalg.det(rotation) < 0:
        raise FieldError("R", f"found a matrix that is {off:.2g} away from a rotation, expected a rotation")


def intrinsic_matrix(fields: Mapping[Any, object], key: str) -> tuple[Vector, Vector, Vector]:
    """Return a field as the matrix that maps directions to pixels."""
    matrix = array(fields, key, (3, 3))
    if not (matrix[0, 0] > 0 and matrix[1, 1] > 0 and matrix[1, 0] == 0 and tuple(matrix[2]) == (0, 0, 1)):
        expected = "expected an intrinsic matrix [[f, s, c], [0, f, c], [0, 0, 1]]"
        raise FieldError(key, f"found {matrix.tolist()}, {expected}")
    return vector(matrix[0]), vector(matrix[1]), vector(matrix[2])


def distortions(fields: Mapping[Any, object], key: str) -> tuple[float, ...]:
    """Return a field as coefficients of the lens, of which OpenCV has certain numbers."""
    expected = f"{', '.join(map(str, _N_DISTORTIONS))} numbers"
    n_found = _numbers(fields, key, expected).size
    if n_found not in _N_DISTORTIONS:
        raise FieldError(key, f"found {counted(n_found, 'number')}, expected {expected}")
    return tuple(float(number) for number in array(fields, key, (n_found,)))


def image_size(image_shape: object, number: int) -> tuple[int, int] | None:
    """Return (width, height) from ``image_shape``, a list of two such tuples; None if it is not that."""
    try:
        width, height = image_shape[number - 1]  # type: ignore[index]
        size = int(width), int(height)
    except (TypeError, ValueError, OverflowError, IndexError, KeyError):
        return None
    return size if min(size) > 0 else None


def vector(numbers: Sequence[float] | Array) -> Vector:
    """Return three numbers as plain floats."""
    x, y, z = (float(number) for number in numbers)
    return x, y, z


def rotation_vector(rotation: Array) -> Vector:
    """Return a rotation, shape (3, 3), as Rodrigues vector: the axis, as long as the angle in radians (0 to pi).

    By way of the quaternion, whose largest part is computed first: the usual formula, the antisymmetric part of the
    matrix over the sine of the angle, has no digit left near 0 and near pi.
    """
    # The nearest rotation, as OpenCV's Rodrigues takes it before it looks at the angle.
    left, _, right = np.linalg.svd(rotation)
    m = left @ right
    trace = float(np.trace(m))
    largest = int(np.argmax([trace, *m.diagonal()]))
    if largest == 0:
        w = math.sqrt(1 + trace) / 2
        axis = np.array([m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]]) / (4 * w)
    else:
        i = largest - 1
        j, k = (i + 1) % 3, (i + 2) % 3
        part = math.sqrt(max(0.0, 1 + 2 * float(m[i, i]) - trace)) / 2
        axis = np.zeros(3)
        axis[i] = part
        axis[j] = (m[i, j] + m[j, i]) / (4 * part)
        axis[k] = (m[i, k] + m[k, i]) / (4 * part)
        w = float(m[k, j] - m[j, k]) / (4 * part)
    length = float(np.linalg.norm(axis))
    if w < 0:  # the same rotation, the short way round
        w, axis = -w, -axis
    factor = 2 * math.atan2(length, w) / length if length > 0 else 2.0
    return vector(factor * axis)
