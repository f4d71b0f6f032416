"""How fast this machine encodes: measured, since it differs twentyfold between a laptop and a server."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dlc2lp.video.convert import make_video
from dlc2lp.video.encoding import EncodeSettings
from dlc2lp.video.probe import probe
from dlc2lp.video.synthetic import write_clip

_WIDTH_PX, _HEIGHT_PX = 640, 480

#: Two clips, of which the longer tells the rate and the shorter what starting a program takes.
_N_FRAMES_SHORT, _N_FRAMES_LONG = 4, 36

#: Grey levels; about what a camera has in the light of a lab.
_NOISE = 2.0

#: Starting a program takes no more than this part of the longer trial; if it seems so, the machine was busy.
_MAX_START = 0.5


def pixels_per_second(settings: EncodeSettings) -> float:
    """Encode two short clips of a noisy, moving picture, and return the pixels encoded per second and thread.

    Raises ``ToolMissing`` without ffmpeg, ``VideoFailed`` where the trial did not work.
    """
    short_s, long_s = (_seconds(n_frames, settings) for n_frames in (_N_FRAMES_SHORT, _N_FRAMES_LONG))
    n_frames = _N_FRAMES_LONG - _N_FRAMES_SHORT
    seconds = long_s - min(short_s, long_s * _MAX_START)
    return _WIDTH_PX * _HEIGHT_PX * n_frames / (seconds * settings.threads)


def _seconds(n_frames: int, settings: EncodeSettings) -> float:
    with tempfile.TemporaryDirectory(prefix="dlc2lp-rate-") as folder:
        source, target = Path(folder) / "source.mp4", Path(folder) / "target.mp4"
        write_clip(source, _frames(n_frames), Fraction(30), options={"preset": "ultrafast", "qp": "18"})
        info = probe(source)
        began = time.perf_counter()
        make_video(source, target, info, "encode", settings, verify="none")
        return time.perf_counter() - began


def _frames(n_frames: int) -> Iterator[NDArray[np.uint8]]:
    random = np.random.default_rng(0)
    y, x = np.mgrid[0:_HEIGHT_PX, 0:_WIDTH_PX]
    for index in range(n_frames):
        moving = 120 + 60 * np.sin((x + 3 * index) / 25) * np.cos((y - 2 * index) / 40)
        grey = moving + random.normal(0, _NOISE, moving.shape)
        yield np.repeat(grey.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)
