"""Pages as HTML: one file that needs nothing else. Templates escape what they are given, and names are data."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlc2lp.files import read_text
from dlc2lp.pages.model import MigrationReport, Shot, Still
from dlc2lp.pages.pictures import Picture
from dlc2lp.wording import counted, shown, size_text

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_FOLDER = Path(__file__).with_name("templates")

#: What stands in the head of a page before the digest of what it shows.
KEY_MARK = '<meta name="dlc2lp-shows" content="'

#: A dot's radius, as a share of the picture's longer side.
_DOT = 1 / 75


@functools.cache
def _templates() -> dict[str, str]:
    """Return the texts of all templates by name."""
    return {each.name: read_text(each) for each in sorted(_FOLDER.iterdir()) if each.is_file()}


@functools.cache
def templates_digest() -> str:
    """Return a digest that changes with any template."""
    hasher = hashlib.sha256()
    for name, text in sorted(_templates().items()):
        hasher.update(f"{name}\n{text}\n".encode())
    return hasher.hexdigest()


@functools.cache
def _environment() -> Environment:
    from jinja2 import DictLoader, Environment, StrictUndefined

    made = Environment(
        loader=DictLoader(_templates()),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {"size": size_text, "counted": _counted, "ticked": _ticked}
    made.globals |= {"marks": marks, "bones": bones, "colors": colors, "shade": shade}
    return made


def _visible(value: Any) -> Any:
    """Return what an expression gave, with what acts in a page and is not seen spelled out."""
    # What is HTML already is a subclass of str.
    return shown(value) if type(value) is str else value


def _counted(n: int, one: str, many: str = "") -> str:
    return counted(n, one, many)


def _ticked(text: str) -> Markup:
    """Return a text in which what stands in backticks is code."""
    from markupsafe import Markup

    pieces = map(shown, text.split("`"))
    return Markup("").join(Markup("<code>{}</code>").format(each) if k % 2 else each for k, each in enumerate(pieces))


def render(template: str, **values: Any) -> str:
    """Return a page."""
    return _environment().get_template(template).render(**values)


def migration_page(report: MigrationReport, pictures: Mapping[Still, Picture], key: str) -> str:
    """Return the page of a target; ``key`` is the digest of what it shows."""
    return render("migration.html", report=report, pictures=pictures, key=key)


@dataclass(frozen=True)
class Mark:
    """A labelled point as it is drawn."""

    keypoint: int
    x_px: float
    y_px: float
    is_outside: bool  #: Whether it lies outside the image, and is drawn at its edge.
    words: str


def marks(shot: Shot, picture: Picture, keypoints: tuple[str, ...]) -> list[Mark]:
    """Return the labelled points of a picture."""
    drawn = []
    for dot in shot.dots:
        x, y = min(max(dot.x_px, 0.0), float(picture.width_px)), min(max(dot.y_px, 0.0), float(picture.height_px))
        is_outside = (x, y) != (dot.x_px, dot.y_px)
        words = f"{keypoints[dot.keypoint]} ({dot.x_px:g}, {dot.y_px:g})" + ", outside the image" * is_outside
        drawn.append(Mark(dot.keypoint, x, y, is_outside, words))
    return drawn


def bones(drawn: list[Mark], pairs: tuple[tuple[int, int], ...]) -> list[tuple[Mark, Mark]]:
    """Return the lines of the skeleton whose two ends are labelled."""
    at = {mark.keypoint: mark for mark in drawn}
    return [(at[one], at[other]) for one, other in pairs if one in at and other in at]


def colors(n: int) -> list[str]:
    """Return so many colours, as far apart as they can be."""
    return [f"hsl({360 * k / n:.0f} 90% {66 if k % 2 else 56}%)" for k in range(n)]


def shade(n: int, n_all: int) -> int:
    """Return how dark a share is shown, from 0 for none to 10 for all."""
    return 0 if not n or not n_all else min(10, max(1, round(10 * n / n_all)))
