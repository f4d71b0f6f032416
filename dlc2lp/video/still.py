"""One frame of a video that dlc2lp wrote, for people to look at: found by its time, without counting the packets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dlc2lp.errors import VideoFailed
from dlc2lp.model import VideoInfo
from dlc2lp.video.frames import read_frames
from dlc2lp.video.pyav import OpenedVideo, Undecodable
from dlc2lp.video.seeking import unreadable_frame

#: The longest distance of key frames that is reckoned with before decoding from the beginning.
_USUAL_GOP = 250


def read_still(path: Path, index: int, n_frames: int) -> NDArray[np.uint8]:
    """Read the frame of this 0-based index, of a video of constant rate with so many frames.

    RGB, uint8 of shape (H, W, 3). Its header is believed, since whoever wrote the video has counted it: a recording of
    a day need not be gone through for one picture. Raises ``VideoFailed`` where the frame is not found.
    """
    try:
        info = _told(path, n_frames)
        return next(picture for _, picture in read_frames(path, info, [index]))
    except (Undecodable, IndexError, StopIteration) as problem:
        raise unreadable_frame(path, index, str(problem)) from problem


def _told(path: Path, n_frames: int) -> VideoInfo:
    """What the header says of a video that is as Lightning Pose wants it."""
    with OpenedVideo(path) as video:
        header = video.header()
        rate = header.average_rate or header.guessed_rate
        if rate is None:
            raise VideoFailed.of("video-unreadable", str(path), "found no frame rate")
        return VideoInfo(
            path=path,
            container=video.format_name,
            codec=video.codec,
            pixel_format=header.pixel_format or "yuv420p",
            color_range=header.color_range,
            width_px=header.width_px,
            height_px=header.height_px,
            frame_rate=rate,
            n_frames=n_frames,
            n_frames_declared=header.n_frames,
            constant_rate=True,
            rotation_deg=0,
            square_pixels=header.square_pixels,
            keyframe_interval_frames=_USUAL_GOP,
            has_audio=False,
            n_video_streams=video.n_video_streams,
            n_hidden_packets=0,
            all_packets_timed=True,
            starts_with_keyframe=True,
            size_bytes=0,
            color_matrix=header.color_matrix,
            profile=header.profile,
            level=header.level,
        )
