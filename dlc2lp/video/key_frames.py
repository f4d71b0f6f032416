"""Where the decoding of a frame begins: what seeks and a container's index tell of key frames."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Self

from dlc2lp.video.pyav import OpenedVideo, explained


class KeyTimes:
    """Tells where decoding would begin after a seek, without decoding; a context manager."""

    def __init__(self, path: Path, stop: threading.Event | None) -> None:
        self._path, self._stop = path, stop
        self._video: OpenedVideo | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._video is not None:
            self._video.close()

    def before(self, time: int) -> int | None:
        """The display time of the key frame at or before a time; None where a seek does not lead to one."""
        self._video = self._video or OpenedVideo(self._path, self._stop)
        self._video.seek(time)
        packet = next(self._video.shown_packets(), None)
        return packet.pts if packet is not None and packet.is_keyframe else None


def key_marks(video: OpenedVideo) -> list[bool]:
    """Whether each packet that the container's index lists is marked as a key frame, which is where seeks lead.

    A packet's own flag is what ffmpeg saw in its bytes. Empty where there is no index, or PyAV does not show it.
    """
    with explained(video.path):
        return [bool(entry.is_keyframe) for entry in getattr(video.stream, "index_entries", ())]
