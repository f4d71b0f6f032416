"""Anipose's calibrations, read from the files that labs bring along."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dlc2lp.lp.calibration import N_DISTORTIONS, N_FISHEYE
from dlc2lp.model import Camera, Finding, Severity, Vector
from dlc2lp.wording import as_written, counted


@dataclass(frozen=True)
class ParsedCalibration:
    """An Anipose calibration."""

    #: The cameras in the order in which Anipose takes them; empty if the file can't be used.
    cameras: tuple[Camera, ...] = ()
    findings: tuple[Finding, ...] = ()  #: Why it can't be used.


class _FieldError(Exception):
    """A key that is missing or has another form than Anipose's."""


def parse_calibration(text: str, subject: str) -> ParsedCalibration:
    """Read an Anipose calibration, the text of a TOML file. What can't be used becomes findings about ``subject``."""
    try:
        loaded = tomllib.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:  # also a number of thousands of digits, which is no TOMLDecodeError
        return _unusable(subject, f"found {error or 'too deep a nesting'}, expected TOML")
    tables = {key: loaded[key] for key in sorted(loaded) if key != "metadata"}
    if not tables:
        return _unusable(subject, "found no camera, expected tables such as [cam_0]")
    cameras = []
    for key, table in tables.items():
        try:
            cameras.append(_camera(table))
        except _FieldError as error:
            return _unusable(subject, str(error), where=key)
    names = [camera.name for camera in cameras]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        return _unusable(subject, f"found the camera {', '.join(twice)} more than once, expected each name once")
    return ParsedCalibration(tuple(cameras))


def _unusable(subject: str, message: str, where: str = "") -> ParsedCalibration:
    advice = "write it again with Anipose, or leave it out"
    finding = Finding(Severity.ERROR, "calibration-unreadable", subject, message, where, advice)
    return ParsedCalibration(findings=(finding,))


def _camera(table: object) -> Camera:
    if not isinstance(table, dict):
        raise _FieldError(f"found {table!r}, expected a table with name, size, matrix and others")
    name = table.get("name")
    if isinstance(name, bool) or not isinstance(name, str | int) or not str(name).strip():
        found = "no name" if name is None else f"the name {as_written(name)}"
        raise _FieldError(f"found {found}, expected a text")
    rows = table.get("matrix")
    if not isinstance(rows, list) or len(rows) != 3:
        raise _FieldError(f"found the matrix {as_written(rows)}, expected three rows of three numbers")
    one, two, three = (_vector({"matrix": row}, "matrix") for row in rows)
    if not (one[0] > 0 and two[1] > 0 and two[0] == 0.0 and three == (0.0, 0.0, 1.0)):
        raise _FieldError(f"found the matrix {as_written(rows)}, expected [[f, s, c], [0, f, c], [0, 0, 1]]")
    is_fisheye = table.get("fisheye", False) is True
    distortions = _numbers(table, "distortions")
    allowed = (N_FISHEYE,) if is_fisheye else N_DISTORTIONS
    if len(distortions) not in allowed:
        expected = ", ".join(map(str, allowed))
        raise _FieldError(f"found {counted(len(distortions), 'distortion')}, expected {expected}")
    return Camera(
        str(name),
        _size(table.get("size")),
        (one, two, three),
        distortions,
        _vector(table, "rotation"),
        _vector(table, "translation"),
        is_fisheye,
    )


def _numbers(table: Mapping[str, Any], key: str) -> tuple[float, ...]:
    """Return a list of finite numbers, however it is nested: aniposelib flattens it too."""
    if key not in table:
        raise _FieldError(f"found no {key}, expected numbers")
    numbers = []
    for value in _flat(table[key]):
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise _FieldError(f"found {as_written(value)} in {key}, expected finite numbers")
        numbers.append(float(value))
    return tuple(numbers)


def _flat(value: object) -> Iterator[object]:
    if isinstance(value, list):
        for item in value:
            yield from _flat(item)
    else:
        yield value


def _vector(table: Mapping[str, Any], key: str) -> Vector:
    numbers = _numbers(table, key)
    if len(numbers) != 3:
        raise _FieldError(f"found {counted(len(numbers), 'number')} in {key}, expected 3")
    return numbers[0], numbers[1], numbers[2]


def _size(value: object) -> tuple[int, int] | None:
    """Return (width, height); None where it is missing or makes no sense, and the images then tell."""
    if isinstance(value, list) and len(value) == 2 and all(type(side) in (int, float) and side >= 1 for side in value):
        return int(value[0]), int(value[1])
    return None
