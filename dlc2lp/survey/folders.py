"""Which sessions a folder of ``labeled-data`` holds: one, or one for each video that its images come from. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from dlc2lp.dlc.framenames import FrameName, parse_frame_name
from dlc2lp.model import ImageInfo


def split_folder(folder: str, images: Iterable[ImageInfo]) -> dict[str, list[ImageInfo]]:
    """Return the images of one ``labeled-data`` folder by session.

    They are one session, called like the folder, unless one frame number occurs under several prefixes: then each
    prefix is a session of its own, ``<folder>-<prefix>``.
    """
    named = [(image, parse_frame_name(image.name)) for image in images]
    prefixes_of: dict[int, set[str]] = {}
    for _, name in named:
        if name.index is not None:
            prefixes_of.setdefault(name.index, set()).add(name.prefix)
    several = any(len(prefixes) > 1 for prefixes in prefixes_of.values())
    sessions: dict[str, list[ImageInfo]] = {}
    for image, name in named:
        apart = several and name.index is not None
        sessions.setdefault(f"{folder}-{prefix_name(name)}" if apart else folder, []).append(image)
    return sessions


def prefix_name(name: FrameName) -> str:
    """Return what the prefix of an image's name says: ``07a`` for ``07a-img310.png``, mostly the name of a video."""
    return name.prefix.strip("-_ ")
