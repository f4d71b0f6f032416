"""The pictures of a page, small and inside it."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlc2lp.errors import DiskTrouble, Dlc2LpError, Interrupted
from dlc2lp.pages.model import Still
from dlc2lp.video.pictures import encode_preview, read_image
from dlc2lp.video.still import read_still

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Picture:
    """A picture as a page holds it."""

    uri: str  #: The JPEG, as a ``data:`` address.
    #: Size of what it was made of.
    width_px: int
    height_px: int


def draw(stills: Iterable[Still], target: Path, at_most_bytes: int) -> dict[Still, Picture]:
    """Read pictures of a target and make them small; those that can't be read are left out.

    One picture at a time is held.
    """
    drawn: dict[Still, Picture] = {}
    for still in stills:
        try:
            image = _read(still, target)
        except (Interrupted, DiskTrouble):
            raise
        except Dlc2LpError:  # told where the target is checked
            continue
        jpeg = encode_preview(image, at_most_bytes)
        uri = "data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii")
        drawn[still] = Picture(uri, image.shape[1], image.shape[0])
    return drawn


def _read(still: Still, target: Path) -> NDArray[Any]:
    path = target / still.path
    return read_image(path) if still.frame_index is None else read_still(path, still.frame_index, still.n_frames)
