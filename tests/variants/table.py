"""What a row of the table of variants is: how to build the project, and what must come out of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from builder import BuiltProject, Key, build_project
from command import Result

Point = tuple[float, float]
#: (session, image, keypoint of the target) -> (x, y).
Labels = Mapping[tuple[str, str, str], Point]
NO_VIDEOS = ("--videos", "none")


@dataclass(frozen=True)
class Outcome:
    """A built project and what ``dlc2lp convert`` must make of it.

    Attributes
    ----------
    project, options
        What is converted, and how.
    exit_code
        0, 1 or 3.
    errors, warnings
        The codes of all errors and of all warnings, no more and no less.
    notes
        Codes of notes that must be there.
    says
        Code -> words that one finding of that code must hold.
    labels
        Every labelled cell that must arrive; all of the project if None.
    targets
        The same by folder below the target, where one source makes several.
    n_source
        Labelled cells that the source has; those of the builder's truth if None.
    keypoints
        The target's keypoints in their order; the project's bodyparts if None.
    empty_rows
        (session, image)s that are in the label file without any label.
    not_queued
        Intact images without a label that are not in the app's queue either.
    test_frames
        (session, image)s that are held out in ``CollectedData_test.csv``.
    names
        (session, image) -> the image's name in the target, where it is not ``img`` and eight digits.
    coded
        Whether all pictures carry the index of their frame where it can be read.
    check
        Looks at what is particular, given the target and the result.
    """

    project: BuiltProject
    options: tuple[str, ...] = NO_VIDEOS
    exit_code: int = 0
    errors: Collection[str] = ()
    warnings: Collection[str] = ()
    notes: Collection[str] = ()
    says: Mapping[str, Iterable[str]] = field(default_factory=dict)
    labels: Labels | None = None
    targets: Mapping[str, Labels] = field(default_factory=dict)
    n_source: int | None = None
    keypoints: tuple[str, ...] | None = None
    empty_rows: Collection[tuple[str, str]] = ()
    not_queued: Collection[tuple[str, str]] = ()
    test_frames: Collection[tuple[str, str]] = ()
    names: Mapping[tuple[str, str], str] = field(default_factory=dict)
    coded: bool = True
    check: Callable[[Path, Result], None] = lambda target, result: None


@dataclass(frozen=True)
class Variant:
    """A row of the table; ``cases`` are the forms that it comes in."""

    number: int
    name: str
    cases: tuple[str, ...]
    build: Callable[[Path, str], Outcome]

    def ids(self) -> list[str]:
        """Names of its tests, one for each case."""
        stem = f"{self.number:02d}-{self.name}".replace(" ", "-")
        return [f"{stem}-{case}".replace(" ", "-") if case else stem for case in self.cases]


VARIANTS: list[Variant] = []


def variant(number: int, name: str, *cases: str) -> Callable[[Callable[..., Outcome]], Callable[..., Outcome]]:
    """Add a row to the table; the function gets the folder to build in, and the case where there are several."""

    def add(build: Callable[..., Outcome]) -> Callable[..., Outcome]:
        one = build if cases else lambda root, case: build(root)
        VARIANTS.append(Variant(number, name, cases or ("",), one))
        return build

    return add


def small(root: Path, **options: Any) -> BuiltProject:
    """Two sessions of three labeled frames without videos, or what the options say."""
    return build_project(root, **({"frames": (2, 5, 9), "video": "none", "n_frames": 20} | options))


def whole(point: Point) -> bool:
    return not any(map(math.isnan, point))


def labels_of(
    project: BuiltProject,
    *,
    where: Callable[[Key], bool] = lambda key: True,
    name: Callable[[Key], str | None] = lambda key: key[-1],
) -> dict[tuple[str, str, str], Point]:
    """The project's labelled cells by the target's keypoints.

    Parameters
    ----------
    where
        Which cells of the project arrive.
    name
        The target's keypoint of a cell; None if it does not arrive.
    """
    found = {}
    for key, point in project.labels.items():
        keypoint = name(key)
        if keypoint is not None and where(key) and whole(point):
            found[key[0], key[1], keypoint] = point
    return found


def edit_text(path: Path, *replacements: tuple[str, str]) -> None:
    """Replace texts in a file, each of which must be there."""
    text = path.read_bytes().decode()
    for old, new in replacements:
        assert old in text, (old, text[:2000])
        text = text.replace(old, new)
    path.write_bytes(text.encode())
