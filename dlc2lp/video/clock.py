"""When the frames of a video are shown: whether that is known, whether it is even, and how many frames per second."""

from __future__ import annotations

import threading
from array import array
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dlc2lp.video.pyav import Header, OpenedVideo

#: Rates outside are a header's nonsense and not a camera's: one frame a day, a million a second.
_SLOWEST_FPS, _FASTEST_FPS = Fraction(1, 86_400), Fraction(1_000_000)
_FALLBACK_FPS = Fraction(30)

#: The larger number of a tidied rate; 1001 is that of 30000/1001.
_TIDY = 1001

#: By how many frames decoding may run ahead of display (h264 and HEVC allow no more).
LONGEST_DELAY = 16


#: A step this much longer than most is a frame that is missing.
_GAP = 1.6


def usual_step(times: NDArray[np.int64]) -> float:
    """The step between most frames, of rising display times in ticks; 0 where there are none."""
    return float(np.median(np.diff(times))) if len(times) > 1 else 0.0


def gaps(times: NDArray[np.int64]) -> NDArray[np.int64]:
    """Indices of the frames behind which one or more are missing, of rising display times in ticks."""
    return np.flatnonzero(np.diff(times) >= _GAP * usual_step(times))


class Clock:
    """The display times of frames in ticks, in any order; fewer than frames where some have none."""

    def __init__(self, pts: array[int] | NDArray[np.int64], n_frames: int, time_base: Fraction) -> None:
        self.n_frames = n_frames
        self._time_base = time_base
        in_file = np.array(pts, dtype=np.int64)
        order = np.argsort(in_file, kind="stable")
        self._pts: NDArray[np.int64] = in_file[order]
        self._steps = np.diff(self._pts)
        self.complete = len(self._pts) == n_frames and bool((self._steps > 0).all())
        self.constant = self.complete and bool((self._steps == self._steps[:1]).all())
        #: Whether the order of these times is none in which a file could hold its frames: clocks of files that were
        #: joined, one behind the other.
        self.shuffled = bool((np.abs(order - np.arange(len(order))) > LONGEST_DELAY).any())

    def is_joined_at(self, joints: Iterable[tuple[int, int]]) -> bool:
        """Whether between two times, of frames that should be neighbours, is not about one step."""
        step = float(np.median(self._steps)) if len(self._steps) else 0.0
        return any(not 0 < after - before <= 1.5 * step + 1 for before, after in joints)

    def n_missing_at_end(self) -> int:
        """How many frames are missing between the last ones, of a video whose clock is even before those.

        A file that was cut holds a frame that others lean on, but not those that are shown before it.
        """
        if not self.complete or self.constant or self.n_frames <= LONGEST_DELAY + 2:
            return 0
        # Of those before the last: the mean, since a coarse clock rounds each.
        step = float(self._steps[:-LONGEST_DELAY].mean())
        n_between = np.rint(self._steps / step) - 1
        even = np.abs(self._steps - step * (n_between + 1)).max() <= 1.01  # a tick of a coarse clock
        if not even or n_between[:-LONGEST_DELAY].any():
            return 0
        n_missing = int(n_between.sum())
        return n_missing if 0 < n_missing <= LONGEST_DELAY else 0  # more is a pause

    def rate(self, header: Header, container: str) -> Fraction:
        """Frames per second: measured where the times tell, else declared, else 30."""
        span = int(self._pts[-1] - self._pts[0]) if self.complete and self.n_frames > 1 else 0
        if not span:
            return declared_rate(header)
        measured = (self.n_frames - 1) / (span * self._time_base)
        if not self.constant:
            for declared in (header.average_rate, header.guessed_rate):
                if declared and (self._keeps(declared) or (container == "avi" and self._skips(declared))):
                    return declared
            measured = _tidied(measured)
        return measured if _plausible(measured) else _FALLBACK_FPS

    def _keeps(self, rate: Fraction) -> bool:
        """Whether every frame stands where this rate puts it, within one tick of a coarse clock (Matroska: 1 ms)."""
        expected = np.arange(self.n_frames) / float(rate * self._time_base)
        return bool(np.abs(self._pts - self._pts[0] - expected).max() <= 1.01)

    def _skips(self, rate: Fraction) -> bool:
        """Whether most frames follow each other at the rate of an AVI's header, and others were dropped.

        A recorder writes an empty chunk for a frame that came too late, and the rate stays that of the camera (OpenCV's
        CAP_PROP_FPS: the header's). Recorders without a rate of their own declare a clock, of 600 or 1000 ticks per
        second, and fill nearly all of it with empty chunks. OpenCV reports that number too, but no camera ran at it.
        """
        if not _plausible(rate):
            return False
        return 2 * int((self._steps * self._time_base == 1 / rate).sum()) > len(self._steps)


def clock_of_decoded(path: Path, time_base: Fraction, stop: threading.Event | None) -> Clock:
    """Count by decoding everything: slow, and the only way where packets are not frames."""
    pts, n_frames = array("q"), 0
    with OpenedVideo(path, stop) as video:
        for frame in video.frames(past_damage=True):  # damage is told by whoever looks for it
            n_frames += 1
            if frame.pts is not None:
                pts.append(frame.pts)
    return Clock(pts, n_frames, time_base)


def declared_rate(header: Header) -> Fraction:
    """Frames per second as container and codec say; 30 where they say nothing that a camera could do."""
    # A raw stream's average is a default of the demuxer (25); the guess comes from the codec's own header.
    rates = (_tidied(rate) for rate in (header.guessed_rate, header.average_rate) if rate)
    return next(filter(_plausible, rates), _FALLBACK_FPS)


def _tidied(rate: Fraction) -> Fraction:
    """The nearest rate of small numbers; of the seconds per frame where it is slower than one per second."""
    return rate.limit_denominator(_TIDY) if rate >= 1 or not rate else 1 / (1 / rate).limit_denominator(_TIDY)


def _plausible(rate: Fraction) -> bool:
    return _SLOWEST_FPS <= rate <= _FASTEST_FPS
