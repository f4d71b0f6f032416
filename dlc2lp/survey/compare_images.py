"""Compares each session's images with the frames of its video. Only reads.

Comparing costs the decoding of some frames around each image, or of a whole video. What an earlier plan of the same
target found is taken over where nothing that was compared has changed since.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from dlc2lp.disks import disks_asked
from dlc2lp.dlc.framenames import frame_index
from dlc2lp.errors import VideoFailed
from dlc2lp.events import Event, Watch
from dlc2lp.model import Finding, ImageInfo, Severity, VideoInfo
from dlc2lp.survey.session_ties import SessionTie
from dlc2lp.threads import in_threads
from dlc2lp.video.cpus import allowed_cpus
from dlc2lp.video.find_frames import find_frames
from dlc2lp.video.framing import CropHint
from dlc2lp.video.ties import StillImage

#: Part of every fingerprint. To be counted up whenever comparing the same files may give another answer.
_METHOD = 2


@dataclass(frozen=True)
class Pair:
    """A session and its video."""

    session: str  #: Name of the session.
    images: tuple[ImageInfo, ...]  #: Its images, DeepLabCut's random sub-crops left out; each with its digest.
    info: VideoInfo  #: The video, measured.
    digest: str  #: Of the video.
    crop_hint: CropHint | None  #: What the configuration says of the crop.


def tie_all(pairs: Sequence[Pair], known: Iterable[SessionTie], watch: Watch) -> list[SessionTie | Finding]:
    """Compare the images of all sessions with their videos; what is known is taken over where nothing has changed.

    The answer for each pair is a tie, or a finding where its video turns out to be damaged. Raises Interrupted where
    the watch says that the work is to stop.
    """
    event = Event("planned", "session", n=len(pairs), weight=len(pairs))
    of_fingerprint = {(each.session, each.fingerprint): each for each in known}

    def tie(pair: Pair) -> SessionTie | Finding:
        advanced = replace(event, what="advanced", subject=pair.session, n=0, weight=1)
        fingerprint = _fingerprint(pair)
        if same := of_fingerprint.get((pair.session, fingerprint)):
            watch.tell(replace(advanced, what="ended", state="skipped"))
            return replace(same, video=str(pair.info.path))  # the same video may lie elsewhere now
        found = _tie(pair, fingerprint, lambda n_frames: watch.tell(replace(advanced, n_frames=n_frames)), watch.stop)
        watch.tell(replace(advanced, what="ended", state="done" if isinstance(found, SessionTie) else "failed"))
        return found

    if pairs:
        watch.tell(event)
    return in_threads(tie, pairs, allowed_cpus())


def _tie(pair: Pair, fingerprint: str, on_frames: Callable[[int], None], stop: threading.Event) -> SessionTie | Finding:
    stills = [StillImage(image.path.name, image.path, frame_index(image.path.name)) for image in pair.images]
    path = pair.info.path
    try:
        with disks_asked(path, stop=stop):
            parts = find_frames(path, pair.info, stills, crop_hint=pair.crop_hint, on_frames=on_frames, stop=stop)
    except VideoFailed as failure:
        message = (
            f"its images could not be compared with its video, which is damaged: {failure}; they keep DeepLabCut's "
            "numbers"
        )
        advice = "copy the video again from its origin and run again"
        return Finding(Severity.WARNING, "frames-not-tied", pair.session, message, str(path), advice)
    return SessionTie(pair.session, str(path), fingerprint, parts)


def _fingerprint(pair: Pair) -> str:
    """Sixteen hexadecimal digits that change with anything that the answer depends on."""
    info = pair.info
    compared = [
        _METHOD,
        [info.size_bytes, pair.digest, info.n_frames, info.rotation_deg, *info.held],
        [[image.name, image.digest] for image in pair.images],
        pair.crop_hint,
    ]
    return hashlib.sha256(json.dumps(compared).encode()).hexdigest()[:16]
