"""The clips that are measured: made here from nothing, but for one real recording where there is one."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import say
from benchmarks.reference import run
from dlc2lp.video.ffmpeg import find_ffmpeg
from dlc2lp.video.synthetic import write_clip

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RATE = Fraction(30)

#: A recording that DeepLabCut ships as an example, beside the clone in some workplaces.
_OPENFIELD = Path(__file__).resolve().parents[3] / "shared/data/openfield-Pranav-2018-10-30/videos/m3v1mp4.mp4"


@dataclass(frozen=True)
class Size:
    """How much is measured.

    Attributes
    ----------
    repeats
        Pairs of baseline and candidate.
    clean_frames, noisy_frames, real_frames
        Frames of the three kinds of clips.
    n_videos
        How many videos are converted together.
    copied_bytes
        Size of the videos that are copied, at least.
    short_frames, long_frames
        Frames of the clips whose memory is compared.
    """

    repeats: int
    clean_frames: int
    noisy_frames: int
    real_frames: int
    n_videos: int
    copied_bytes: int
    short_frames: int
    long_frames: int

    @classmethod
    def full(cls) -> Size:
        """What stands in the documentation."""
        return cls(3, 300, 100, 750, 8, 100_000_000, 2_000, 60_000)

    @classmethod
    def quick(cls) -> Size:
        """Enough to see that nothing is broken."""
        return cls(1, 100, 20, 150, 4, 20_000_000, 500, 10_000)


@dataclass(frozen=True)
class Recording:
    """A clip and what it is called in the tables."""

    kind: str
    path: Path


def kinds(folder: Path, size: Size, given: Path | None) -> list[Recording]:
    """The clips on which the profiles are measured; says so where the real one is not there."""
    found = [clean(folder, size.clean_frames), noisy(folder, size.noisy_frames)]
    found += [dark(folder, 2 * size.noisy_frames), large(folder, size.noisy_frames // 2)]
    return found + real(folder, size.real_frames, given)


def real(folder: Path, n_frames: int, given: Path | None) -> list[Recording]:
    """The beginning of a real recording; empty, saying so, where there is none."""
    original = given or _OPENFIELD
    if not original.is_file():
        say("  NOT MEASURED: the real open field recording is not on this machine; name another with --recording FILE")
        return []
    say(f"  cutting {original.name}")
    cut = folder / "real.mp4"
    copying = ["-an", "-c", "copy", "-frames:v", str(n_frames), str(cut)]
    run([str(find_ffmpeg()), "-nostdin", "-v", "error", "-y", "-i", str(original), *copying])
    return [Recording("given recording" if given else "real open field, 640x480 h264", cut)]


def clean(folder: Path, n_frames: int) -> Recording:
    """A drawn animal in an arena, with noise below one grey level, stored almost without loss in 4:4:4."""
    path = folder / "clean.mp4"
    if not path.exists():
        say("  drawing the clean clip")
        options = {"preset": "veryfast", "crf": "8"}
        write_clip(path, scene(640, 480, n_frames, noise=0.7), RATE, pixel_format="yuv444p", options=options)
    return Recording("clean, 640x480 h264 yuv444p", path)


def noisy(folder: Path, n_frames: int, *, width_px: int = 1280, height_px: int = 1024) -> Recording:
    """The same with the noise of a camera, as a machine-vision camera's software stores it."""
    path = folder / f"noisy-{width_px}.avi"
    if not path.exists():
        say("  drawing the noisy clip")
        frames = scene(width_px, height_px, n_frames, noise=4.0)
        write_clip(path, frames, RATE, codec="mjpeg", pixel_format="yuvj420p", options={"qmin": "3", "qmax": "3"})
    return Recording(f"noisy camera, {width_px}x{height_px} mjpeg", path)


def dark(folder: Path, n_frames: int) -> Recording:
    """Infrared light on a camera without enough of it: dim, brighter in the middle, noise that grows with the light."""
    path = folder / "dark.avi"
    if not path.exists():
        say("  drawing the dark clip")
        options = {"qmin": "2", "qmax": "2"}
        write_clip(path, _by_infrared(n_frames), RATE, codec="mjpeg", pixel_format="yuvj420p", options=options)
    return Recording("dark infrared, 640x480 mjpeg", path)


def _by_infrared(n_frames: int) -> Iterator[NDArray[np.uint8]]:
    import numpy as np

    random = np.random.default_rng(3)
    ys, xs = np.mgrid[0:480, 0:640].astype(np.float32)
    lamp = np.exp(-(((xs - 320) / 384) ** 2) - ((ys - 240) / 288) ** 2)
    for picture in scene(640, 480, n_frames):
        light = (255 - picture[:, :, 0].astype(np.float32)) * 0.28 * lamp + 8
        light = light + random.normal(0, 1, light.shape) * (1.2 + 0.45 * np.sqrt(light))
        yield np.repeat(np.clip(light, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)


def large(folder: Path, n_frames: int) -> Recording:
    """A camera of high resolution and little noise."""
    path = folder / "large.avi"
    if not path.exists():
        say("  drawing the large clip")
        options = {"qmin": "3", "qmax": "3"}
        frames = scene(1920, 1200, n_frames, noise=1.5)
        write_clip(path, frames, RATE, codec="mjpeg", pixel_format="yuvj420p", options=options)
    return Recording("high resolution, 1920x1200 mjpeg", path)


def scene(width_px: int, height_px: int, n_frames: int, *, noise: float = 0.0) -> Iterator[NDArray[np.uint8]]:
    """A mottled animal that walks over a mottled floor: RGB frames, the same at every call.

    Parameters
    ----------
    width_px, height_px, n_frames
        What is drawn.
    noise
        Standard deviation of the camera's noise in grey levels.
    """
    import numpy as np

    random = np.random.default_rng(7)
    ys, xs = np.mgrid[0:height_px, 0:width_px].astype(np.float32)
    floor = 150 + 25 * np.sin(xs / 90) * np.cos(ys / 70) + _mottle(random, height_px, width_px, 0.7)
    fur = 70 + _mottle(random, height_px // 4, height_px // 4, 12.0)
    length = height_px / 9
    for index in range(n_frames):
        t = index / 25
        x, y = width_px * (0.5 + 0.33 * math.sin(t)), height_px * (0.5 + 0.3 * math.sin(1.7 * t + 0.5))
        heading = math.atan2(0.51 * height_px * math.cos(1.7 * t + 0.5), 0.33 * width_px * math.cos(t))
        along = (xs - x) * math.cos(heading) + (ys - y) * math.sin(heading)
        across = (ys - y) * math.cos(heading) - (xs - x) * math.sin(heading)
        inside = (along / length) ** 2 + (across / (0.5 * length)) ** 2
        rows = np.clip(across + len(fur) / 2, 0, len(fur) - 1).astype(np.intp)
        columns = np.clip(along + len(fur) / 2, 0, len(fur) - 1).astype(np.intp)
        cover = np.clip((1.1 - inside) / 0.2, 0, 1)  # a soft rim, as an out-of-focus back has
        picture = floor + cover * (fur[rows, columns] - floor)
        if noise:
            picture = picture + random.normal(0, noise, picture.shape)
        yield np.repeat(np.clip(picture, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)


def _mottle(random: np.random.Generator, height_px: int, width_px: int, strength: float) -> NDArray[np.float32]:
    """Noise that is smooth over a few pixels, as bedding and fur are."""
    import numpy as np

    spots = random.normal(0, 1, (height_px, width_px)).astype(np.float32)
    for axis in (0, 1):
        spots = sum(np.roll(spots, shift, axis) for shift in range(-2, 3)) / 5  # type: ignore[assignment]
    return spots * (strength / float(spots.std()))


def many(folder: Path, recording: Recording, n_videos: int) -> list[Path]:
    """Copies of one clip under names of their own."""
    folder.mkdir(exist_ok=True)
    paths = [folder / f"session{number}{recording.path.suffix}" for number in range(1, n_videos + 1)]
    for path in paths:
        shutil.copyfile(recording.path, path)
    return paths
