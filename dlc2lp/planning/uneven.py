"""Sessions whose views' videos have different numbers of frames, which Lightning Pose does not take. Pure.

Its readers count the frames of all views of a session and raise "Mismatched frame counts across views"
(``data/video/utils`` and ``data/video/dali`` of 2.4.3), so such a session can't be predicted, and unsupervised losses
can't train. Cameras that are stopped one after the other differ by some frames at the end. Trimming takes from the
longer videos what no other view shows, and nothing else: labels, their images and context frames stay, and the session
works. So that is the default. Videos that lack frames in their midst are another fault, which nobody can see in the
counts; hence the words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from dlc2lp.errors import SourceRefused
from dlc2lp.model import Finding, Setting, Severity
from dlc2lp.options import Uneven
from dlc2lp.planning.scene import Scene
from dlc2lp.survey.measure_videos import SurveyedVideo
from dlc2lp.video.encoding import choose
from dlc2lp.wording import counted

_CODE = "view-videos-differ"
_SAME_MOMENT = (
    "if a camera started late or dropped frames on the way, cut the videos to the same moments first; to have it "
    "otherwise: {}"
)


@dataclass(frozen=True)
class EvenVideos:
    """The videos of all views, trimmed where that was wanted."""

    videos: Mapping[tuple[str, str], SurveyedVideo]  #: By view and recording.
    unequal: tuple[str, ...]  #: Recordings whose views still differ.
    findings: tuple[Finding, ...]  #: What a person should know of it.


def even_out(scene: Scene, uneven: Uneven) -> EvenVideos:
    """Trim the videos of each session to the shortest of its views, or leave them as they are.

    SourceRefused (``view-videos-differ``) where a person wants neither.
    """
    videos = {(view.name, session): video for view in scene.views for session, video in view.videos.items()}
    unequal: list[str] = []
    findings: list[Finding] = []
    for session, numbers in _unequal_sessions(scene).items():
        n_common = min(numbers.values())
        n_beyond = sum(
            moment.session == session and moment.is_labeled and (moment.frame_index or 0) >= n_common
            for moment in scene.alignment.moments
        )
        findings.append(_told(session, numbers, n_beyond, uneven))
        if uneven != "trim":
            unequal.append(session)
            continue
        for view in numbers:
            videos[view, session] = _trimmed(videos[view, session], n_common)
    if uneven == "refuse" and unequal:
        raise SourceRefused(*findings)
    return EvenVideos(videos, tuple(unequal), tuple(findings))


def _unequal_sessions(scene: Scene) -> dict[str, dict[str, int]]:
    """Return the sessions whose videos differ, by name, with the number of frames of each view."""
    sessions: dict[str, dict[str, int]] = {}
    for view in scene.views:
        for session, video in view.videos.items():
            if video.info is not None:
                sessions.setdefault(session, {})[view.name] = video.info.n_frames
    return {session: numbers for session, numbers in sorted(sessions.items()) if len(set(numbers.values())) > 1}


def _trimmed(video: SurveyedVideo, n_frames: int) -> SurveyedVideo:
    if video.info is None or video.info.n_frames == n_frames:
        return video
    info, picture = replace(video.info, trimmed_to=n_frames), video.picture
    needs = choose(info, crop=picture.crop, turn_deg=picture.turn_deg, colors=picture.colors)
    return replace(video, info=info, treatment=needs)


def _told(session: str, numbers: Mapping[str, int], n_beyond: int, uneven: Uneven) -> Finding:
    """Say of a session how long its videos are and what that means."""
    n_common = min(numbers.values())
    found = "found videos of " + ", ".join(f"{n} ({view})" for view, n in numbers.items()) + " frames"
    expected = "expected as many in every view, without which Lightning Pose predicts no such session"
    if uneven != "trim":
        advice, remedies = "cut the videos to the same moments, or {}", (Setting("uneven", ("trim",)),)
        message = f"{found}, {expected} and ends a training with unsupervised losses"
        return Finding(Severity.ERROR, _CODE, session, message, "", advice, remedies)
    longer = ", ".join(f"{n - n_common} ({view})" for view, n in numbers.items() if n > n_common)
    message = f"{found}, {expected}; the first {n_common} of each are written, and left out at the end are {longer}"
    if n_beyond:
        keeps = counted(n_beyond, "labeled frame beyond keeps its image", "labeled frames beyond keep their images")
        message += f"; {keeps} and labels"
    remedies = (Setting("uneven", ("keep", "refuse")),)
    return Finding(Severity.WARNING, _CODE, session, message, "", _SAME_MOMENT, remedies)
