"""Compares each session's images with the frames of its video. Only reads.

Comparing costs the decoding of some frames around each image, or of a whole video. What an earlier plan of the same
target found is taken over where nothing that was compared has changed since.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from dlc2lp.dlc.framenames import frame_index
from dlc2lp.errors import VideoFailed
from dlc2lp.files import digest
from dlc2lp.model import Finding, ImageInfo, Severity, VideoInfo
from dlc2lp.survey.threads import in_threads
from dlc2lp.survey.ties import SessionTie
from dlc2lp.video.cpus import allowed_cpus
from dlc2lp.video.find_frames import find_frames
from dlc2lp.video.framing import CropHint
from dlc2lp.video.ties import StillImage

#: Part of every fingerprint. To be counted up whenever comparing the same files may give another answer.
_METHOD = 1


class Watcher(Protocol):
    """Who wants to know how far comparing is. Called from several threads."""

    def compared(self, n_sessions: int, n_all: int, n_frames: int) -> None:
        """So many sessions of all are compared, for which so many frames were decoded."""


@dataclass(frozen=True)
class Pair:
    """A session and its video.

    Attributes
    ----------
    session
        Name of the session.
    images
        Its images, DeepLabCut's random sub-crops left out.
    info
        The video, measured.
    crop_hint
        What the configuration says of the crop.
    """

    session: str
    images: tuple[ImageInfo, ...]
    info: VideoInfo
    crop_hint: CropHint | None


def tie_all(
    pairs: Sequence[Pair],
    known: Mapping[str, SessionTie],
    findings: list[Finding],
    *,
    watcher: Watcher | None = None,
    stop: threading.Event | None = None,
) -> list[SessionTie]:
    """Compare the images of all sessions with their videos.

    Parameters
    ----------
    pairs
        Sessions with a video that can be read.
    known
        What was found before, by session.
    findings
        A video that turned out to be damaged is told here; its session stays untied.
    watcher
        Hears how far it is.
    stop
        When set, work ends.

    Raises
    ------
    Interrupted
        ``stop`` was set.
    """
    meter = _Meter(len(pairs), watcher)

    def tie(pair: Pair) -> SessionTie | Finding:
        fingerprint = _fingerprint(pair)
        before = known.get(pair.session)
        if before is not None and before.fingerprint == fingerprint:
            meter.done(pair.session)
            return before
        stills = [StillImage(image.path.name, image.path, frame_index(image.path.name)) for image in pair.images]
        path = pair.info.path
        try:
            parts = find_frames(
                path,
                pair.info,
                stills,
                crop_hint=pair.crop_hint,
                on_frames=lambda n_frames: meter.decoded(pair.session, n_frames),
                stop=stop,
            )
        except VideoFailed as failure:
            return _damaged(pair, failure)
        meter.done(pair.session)
        return SessionTie(pair.session, str(path), fingerprint, parts)

    if pairs:
        meter.begin()
    ties = []
    for answer in in_threads(tie, pairs, allowed_cpus()):
        if isinstance(answer, Finding):
            findings.append(answer)
        else:
            ties.append(answer)
    return ties


class _Meter:
    """Adds up what the threads have done."""

    def __init__(self, n_all: int, watcher: Watcher | None) -> None:
        self._n_all = n_all
        self._watcher = watcher
        self._lock = threading.Lock()
        self._n_done = 0
        self._frames: dict[str, int] = {}

    def begin(self) -> None:
        with self._lock:
            self._tell()

    def decoded(self, session: str, n_frames: int) -> None:
        with self._lock:
            self._frames[session] = n_frames
            self._tell()

    def done(self, session: str) -> None:
        with self._lock:
            self._n_done += 1
            self._tell()

    def _tell(self) -> None:
        if self._watcher is not None:
            self._watcher.compared(self._n_done, self._n_all, sum(self._frames.values()))


def _damaged(pair: Pair, failure: VideoFailed) -> Finding:
    return Finding(
        Severity.WARNING,
        "frames-not-tied",
        pair.session,
        f"its images could not be compared with its video, which is damaged: {failure}; they keep DeepLabCut's numbers",
        where=str(pair.info.path),
        advice="copy the video again from its origin and run again",
    )


def _fingerprint(pair: Pair) -> str:
    """Sixteen hexadecimal digits that change with anything that the answer depends on."""
    video = digest(pair.info.path)
    compared = [
        _METHOD,
        [video.size_bytes, video.digest, pair.info.n_frames, pair.info.rotation_deg],
        [[image.path.name, digest(image.path).digest] for image in pair.images],
        pair.crop_hint,
    ]
    return hashlib.sha256(json.dumps(compared).encode()).hexdigest()[:16]
