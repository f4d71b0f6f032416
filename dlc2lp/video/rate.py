"""How fast this machine encodes: measured, since it differs twentyfold between a laptop and a server."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from dlc2lp.video.convert import make_video
from dlc2lp.video.encoding import EncodeSettings
from dlc2lp.video.probe import probe
from dlc2lp.video.synthetic import write_clip

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_WIDTH_PX, _HEIGHT_PX, _N_FRAMES = 640, 480, 60

#: Grey levels; about what a camera has in the light of a lab.
_NOISE = 4.0


def pixels_per_second(settings: EncodeSettings) -> float:
    """Encode a second of a noisy, moving picture, and return the pixels encoded per second and thread.

    Raises
    ------
    ToolMissing
        There is no ffmpeg.
    VideoFailed
        The trial did not work.
    """
    with tempfile.TemporaryDirectory(prefix="dlc2lp-rate-") as folder:
        source, target = Path(folder) / "source.mp4", Path(folder) / "target.mp4"
        write_clip(source, _frames(), Fraction(30), options={"preset": "ultrafast", "qp": "18"})
        info = probe(source)
        began = time.perf_counter()
        make_video(source, target, info, "encode", settings, verify="none")
        seconds = time.perf_counter() - began
    return _WIDTH_PX * _HEIGHT_PX * _N_FRAMES / (seconds * settings.threads)


def _frames() -> Iterator[NDArray[np.uint8]]:
    import numpy as np

    random = np.random.default_rng(0)
    y, x = np.mgrid[0:_HEIGHT_PX, 0:_WIDTH_PX]
    for index in range(_N_FRAMES):
        moving = 120 + 60 * np.sin((x + 3 * index) / 25) * np.cos((y - 2 * index) / 40)
        grey = moving + random.normal(0, _NOISE, moving.shape)
        yield np.repeat(grey.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)
