"""What DeepLabCut notes beside an analysis: how many frames it saw, and in which part of the picture.

``analyze_videos`` with ``cropping`` keeps its points in pixels of the part; the part itself stands only in
``<video><scorer>_meta.pickle`` (``includingmetadata.pickle`` in 2.0), from where ``create_labeled_video`` adds it back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dlc2lp.dlc.unpickle import load_arrays
from dlc2lp.errors import UnreadableFile
from dlc2lp.files import open_regular

_ENDINGS = ("_meta.pickle", "includingmetadata.pickle")


@dataclass(frozen=True)
class AnalysisMeta:
    """The notes as far as they can be read."""

    n_frames: int | None  #: Frames that DeepLabCut counted; None if it does not say.
    crop: tuple[int, int, int, int] | None  #: ``(x1, x2, y1, y2)`` in pixels, ends exclusive; None if it saw all.
    size_px: tuple[int, int] | None  #: (width, height) of what it saw; None if it does not say.


def read_analysis_meta(folder: Path, stem: str, scorer: str) -> AnalysisMeta | None:
    """Return the notes on the analysis of a video by a network; None where there are none that can be read."""
    for ending in _ENDINGS:
        path = folder / f"{stem}{scorer}{ending}"
        try:
            with open_regular(path) as file:
                content = load_arrays(file, str(path))
        except (OSError, UnreadableFile):
            continue
        data = content.get("data") if isinstance(content, dict) else None
        if isinstance(data, dict):
            size = _numbers(data.get("frame_dimensions"), 2)
            if size and "pytorch-config" not in data:  # up to DeepLabCut 2 the height goes first
                size = size[::-1]
            crop = _numbers(data.get("cropping_parameters"), 4)
            if data.get("cropping") and crop is None:
                continue
            n_frames = _numbers([data.get("nframes")], 1)
            return AnalysisMeta(
                n_frames[0] if n_frames else None,
                (crop[0], crop[1], crop[2], crop[3]) if crop and data.get("cropping") else None,
                (size[0], size[1]) if size else None,
            )
    return None


def _numbers(value: object, n: int) -> tuple[int, ...] | None:
    """Return a list of whole numbers of that length; None if it is something else."""
    listed = value.tolist() if isinstance(value, np.ndarray) else value
    if not isinstance(listed, Sequence) or isinstance(listed, str | bytes) or len(listed) != n:
        return None
    numbers = [each.item() if isinstance(each, np.generic) else each for each in listed]
    if not all(isinstance(each, int | float) and float(each).is_integer() for each in numbers):
        return None
    return tuple(int(each) for each in numbers)
