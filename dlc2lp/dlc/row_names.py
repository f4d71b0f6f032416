"""Which image a row of labels means, where it is called a little otherwise than the file in the folder.

Images were turned into JPEG to save space, a copy went through a system that spells accents or case in another way, or
frames were extracted again in another number of digits. Where exactly one image and exactly one row's name can be meant
they are one; else the name stays as it is, and nobody guesses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from dlc2lp.dlc.framenames import has_image_suffix
from dlc2lp.wording import name_key, spelled

_NUMBER_AT_END = re.compile(r"(.*?)([0-9]{0,10})", re.DOTALL)


@dataclass(frozen=True)
class ImageNames:
    """What the rows' names stand for."""

    #: Name in a row -> image of the folder; those that are called exactly so are in it too.
    image_of: Mapping[str, str]
    bridged: Mapping[str, str]  #: Those that differ in more than how an accent is stored.
    #: Name in a row -> images that it could mean, none of which is certain.
    near: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def match_images(names: Iterable[str], images: Collection[str]) -> ImageNames:
    """Find the image that each name means: the one that is called so, else the only one that is called nearly so."""
    names = list(dict.fromkeys(names))
    image_of = {name: name for name in names if name in images}
    if len(image_of) == len(names):
        return ImageNames(image_of, {})
    one_text = _by(spelled, images, set())
    for name in names:
        if name not in image_of and len(found := one_text.get(spelled(name), [])) == 1:
            image_of[name] = found[0]
    bridged: dict[str, str] = {}
    near: dict[str, tuple[str, ...]] = {}
    for key in (_without_suffix, _without_padding):
        open_names = [name for name in names if name not in image_of]
        free = _by(key, images, set(image_of.values()))
        rivals = _by(key, open_names, set())
        for name in open_names:
            found = free.get(key(name), [])
            if len(found) == 1 and len(rivals[key(name)]) == 1:
                bridged[name] = image_of[name] = found[0]
            elif found:
                near[name] = tuple(found)
    return ImageNames(image_of, bridged, {name: found for name, found in near.items() if name not in image_of})


def _by(key: Callable[[str], str], names: Iterable[str], but: Collection[str]) -> dict[str, list[str]]:
    """Group names by what they share, some left out."""
    groups: dict[str, list[str]] = {}
    for name in names:
        if name not in but:
            groups.setdefault(key(name), []).append(name)
    return groups


def _without_suffix(name: str) -> str:
    """Return a name without the suffix of an image, in lower case and without blanks."""
    stem = name.rstrip().rpartition(".")[0] if has_image_suffix(name) else name
    return "".join(name_key(stem).split())


def _without_padding(name: str) -> str:
    """Return the same with the number at its end in as few digits as it needs."""
    text, number = _NUMBER_AT_END.fullmatch(_without_suffix(name)).groups()  # type: ignore[union-attr]  # matches any
    return f"{text}/{int(number)}" if number else name
