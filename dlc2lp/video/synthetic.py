"""Small clips made from arrays, the same bytes every time: for the demo project and for tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def write_clip(
    path: Path,
    frames: Iterable[NDArray[np.uint8]],
    rate: Fraction,
    *,
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    options: Mapping[str, str] | None = None,
    container: str | None = None,
) -> None:
    """Encode RGB images, uint8 of shape (H, W, 3), all of one size and taken one by one, into a video file.

    One thread and no clock: the same frames give the same bytes with the same PyAV. The rate is in frames per second;
    encoder, stored format, the encoder's private options and the container are named as ffmpeg does; by default the
    container follows from the suffix. An existing file is replaced.
    """
    import av

    settings = dict(options or {})
    if codec == "libx264":
        # Macroblock-tree rate control reads memory that earlier work in this process left behind: two encodes of the
        # same frames differ in some bytes. A new process, as with the ffmpeg program, starts from zeros.
        settings.setdefault("x264-params", "mbtree=0")
    with av.open(f"file:{path}", "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate, options=settings)
        assert isinstance(stream, av.VideoStream)  # noqa: S101 - the encoder's name decides; told to mypy
        stream.codec_context.thread_count = 1
        stream.pix_fmt = pixel_format
        for index, image in enumerate(frames):
            if index == 0:
                stream.height, stream.width = image.shape[:2]
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts = index
            frame.time_base = 1 / rate
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
