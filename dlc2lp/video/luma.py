"""The grey levels of frames, straight from the brightness that a video stores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dlc2lp.video.pictures import looked_up
from dlc2lp.video.pyav import Pixels, VideoFrame

#: Pixel formats of which a plane of its own holds the brightness, a byte for each pixel, in video range.
_WITH_LUMA_PLANE = {"yuv410p", "yuv411p", "yuv420p", "yuv422p", "yuv440p", "yuv444p", "nv12", "nv21"}


class Grays:
    """Turns the frames of a video into arrays of grey levels, as OpenCV 4 reads them.

    What ffmpeg's converter makes of a stored level depends on the level alone, so it is asked for each of them once;
    to look it up takes a third of the time that converting a frame does.
    """

    def __init__(self, path: Path, width_px: int, height_px: int) -> None:
        self._path = path
        self._shape = (height_px, width_px)
        self._converter = Pixels(path, "gray", width_px, height_px)
        self._tables: dict[str, NDArray[np.uint8] | None] = {}

    def of(self, frame: VideoFrame) -> NDArray[np.uint8]:
        """The grey levels of one frame, shape (H, W)."""
        name = frame.format.name
        if name in _WITH_LUMA_PLANE and (frame.height, frame.width) == self._shape:
            if name not in self._tables:
                self._tables[name] = self._table_of(_ramp_like(frame))
            table, plane = self._tables[name], frame.planes[0]
            if table is not None and plane.line_size >= frame.width:
                stored = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
                return looked_up(stored[: frame.height, : frame.width], table)
        return self._converter.of(frame)

    def _table_of(self, frame: VideoFrame) -> NDArray[np.uint8] | None:
        """The grey level of each stored one; None where it depends on the place as well."""
        levels = Pixels(self._path, "gray", frame.width, frame.height).of(frame)
        return levels[0].copy() if (levels == levels[0]).all() else None


def _ramp_like(frame: VideoFrame) -> VideoFrame:
    """A frame of the same format, 256 px wide, which holds each level in its column."""
    drawn = type(frame)(256, 16, frame.format.name)
    for number, plane in enumerate(drawn.planes):
        row = bytes(range(256)) if number == 0 else bytes([128]) * plane.line_size
        plane.update(row.ljust(plane.line_size, b"\0") * (plane.buffer_size // plane.line_size))
    return drawn
