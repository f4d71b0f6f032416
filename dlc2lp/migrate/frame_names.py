"""Where each image of a session goes, and under which name. Pure.

DeepLabCut's names carry the frame number in as many digits as a pass over the video needed (``img044.png``,
``img0044.png``); the Lightning Pose app writes ``img%08d`` and takes two names for two frames. One folder can
hold several widths, several videos' frames (``07a-img310.png`` beside ``12a-img310.png``) and images without any
number; here each gets one name that nothing else has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dlc2lp.dlc.labels import FrameName, parse_frame_name
from dlc2lp.lp.names import frame_file_name, is_frame_name
from dlc2lp.migrate.options import FrameNames
from dlc2lp.model import Finding, ImageInfo, Severity

#: Distance between the numbers of images that have none of their own, and of random crops, which show another place
#: each: wide enough that Lightning Pose, which
#: takes the two frames on either side for context, never takes one still for the neighbor of another.
_STILL_SPACING = 10

_SUFFIX_OF_KIND = {"png": ".png", "jpg": ".jpg", "tiff": ".png", "bmp": ".png"}


@dataclass(frozen=True)
class NamedFrame:
    """An image and the name that it gets.

    Attributes
    ----------
    folder
        The session that it belongs to: DeepLabCut's folder, or ``<folder>-<prefix>`` where a folder holds the
        frames of several videos.
    source_name, target_name
        File names on both sides.
    frame_index
        The number that the source's name carries.
    """

    folder: str
    source_name: str
    target_name: str
    frame_index: int | None


def name_frames(
    folder: str, images: Iterable[ImageInfo], style: FrameNames, findings: list[Finding]
) -> list[NamedFrame]:
    """Name all frames of one ``labeled-data`` folder.

    Parameters
    ----------
    folder
        DeepLabCut's folder name.
    images
        Its intact frames, in natural order.
    style
        ``lp`` for the app's names, ``keep`` for DeepLabCut's where Lightning Pose takes them.
    findings
        What was odd is added here.
    """
    parsed = [(image, parse_frame_name(image.path.name)) for image in images]
    split = _several_videos(parsed)
    if split:
        findings.append(
            Finding(
                Severity.WARNING,
                "folder-of-several-videos",
                folder,
                f"holds frames of {len(split)} videos, told apart by the prefixes {', '.join(map(repr, split))}; "
                "each becomes a session of its own",
            )
        )
    groups: dict[str, list[tuple[ImageInfo, FrameName]]] = {}
    for image, name in parsed:
        session = f"{folder}-{name.prefix.strip('-_ ')}" if name.prefix in split else folder
        groups.setdefault(session, []).append((image, name))
    return [frame for session in groups for frame in _name_group(session, groups[session], style, findings)]


def _several_videos(parsed: Sequence[tuple[ImageInfo, FrameName]]) -> list[str]:
    """Return the prefixes under which one frame number occurs more than once, if there are any."""
    prefixes: dict[int, set[str]] = {}
    for _, name in parsed:
        if name.index is not None:
            prefixes.setdefault(name.index, set()).add(name.prefix)
    shared = [found for found in prefixes.values() if len(found) > 1]
    return sorted({name.prefix for _, name in parsed if name.index is not None}) if shared else []


def _name_group(
    session: str, group: Sequence[tuple[ImageInfo, FrameName]], style: FrameNames, findings: list[Finding]
) -> list[NamedFrame]:
    taken: Counter[str] = Counter()
    named = []
    twice: list[str] = []
    stills = crops = 0
    for image, name in group:
        suffix = _SUFFIX_OF_KIND[image.kind]
        source_name = image.path.name
        kept = str(Path(source_name).with_suffix(suffix))
        if name.index is None:
            stills += 1
            target = f"still{stills * _STILL_SPACING:08d}{suffix}"
        elif name.crop is not None:
            crops += 1
            target = f"crop{crops * _STILL_SPACING:08d}{suffix}"
        elif style == "keep" and is_frame_name(kept) and not taken[kept]:
            target = kept
        else:
            target = frame_file_name(name.index, suffix)
            if taken[target]:
                # The same number twice (img44.png, img0044.png): a letter, and the index stays what it is.
                twice.append(source_name)
                target = f"img-{_letters(taken[target])}{name.index:08d}{suffix}"
        taken[target] += 1
        if target.startswith("img-"):
            taken[frame_file_name(name.index or 0, suffix)] += 1
        named.append(NamedFrame(session, source_name, target, name.index))
    if twice:
        findings.append(
            Finding(
                Severity.WARNING,
                "frame-number-twice",
                session,
                f"{len(twice)} images carry the number of another one: {', '.join(twice[:5])}; all are kept",
                hint="they may be the same frame extracted twice; compare them",
            )
        )
    if stills:
        findings.append(
            Finding(
                Severity.NOTE,
                "frame-number-unknown",
                session,
                f"{stills} images carry no frame number; they are named still%08d and have no context frames",
            )
        )
    return named


def _letters(number: int) -> str:
    """Return 1 -> ``b``, 2 -> ``c`` ... 25 -> ``z``, 26 -> ``zb``: a name part without digits for any count."""
    return "z" * (number // 25) + (chr(ord("a") + number % 25) if number % 25 else "")
