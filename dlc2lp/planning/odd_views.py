"""What is odd about several cameras together, told with counts: each of them alone may be as it should. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

from dlc2lp.model import Finding, Setting, Severity
from dlc2lp.options import Options
from dlc2lp.planning.align import Alignment
from dlc2lp.planning.frames import ViewImages
from dlc2lp.planning.moments import own_images
from dlc2lp.survey.odd_labels import near_names
from dlc2lp.survey.source import View
from dlc2lp.survey.view_pattern import split_by_camera
from dlc2lp.wording import counted, some

#: Rates that differ by less are the same one, written by two cameras.
_SAME_RATE = Fraction(1, 200)


def odd_views(
    views: Sequence[View], images: Sequence[ViewImages], alignment: Alignment, options: Options
) -> list[Finding]:
    """Return what a person should know of the cameras together; their images are in the same order as they."""
    findings = [
        *_odd_keypoints(images),
        *_without_labels(images),
        *_by_number(alignment, images),
        *_odd_rates(images),
        *_split_apart(alignment, images),
    ]
    if options.view_pattern is None:
        findings += _paired_by_number_of_recordings(views)
    if options.empty_frames != "drop":
        findings += _unlabeled_left_out(alignment)
    if options.frame_names == "keep":
        message = (
            "does not apply to several cameras, whose images of one moment must be called alike; they get the index of "
            "their frame"
        )
        findings.append(_warning("option-unused", "--frame-names keep", message))
    return findings


def _warning(code: str, subject: str, message: str, advice: str = "", *remedies: Setting) -> Finding:
    return Finding(Severity.WARNING, code, subject, message, "", advice, remedies)


def _odd_keypoints(images: Sequence[ViewImages]) -> list[Finding]:
    """Tell of keypoints that differ between cameras in the case of their names, and of cameras that share none."""
    by_view = {view.name: view.animal.labels.keypoint_names for view in images}
    n_views = Counter(name for names in by_view.values() for name in set(names))
    known = {finding.subject for names in by_view.values() for finding in near_names("keypoint", names)}
    findings = [finding for finding in near_names("keypoint", n_views) if finding.subject not in known]
    if n_views and max(n_views.values()) < 2:
        told = "; ".join(f"{view}: {some(names)}" for view, names in by_view.items())
        message = f"found not one keypoint that two cameras have ({told}); each gets all of them, mostly empty"
        advice = (
            "if they are the same points under other names, rename them in DeepLabCut (config.yaml and the label files)"
        )
        findings.append(_warning("views-share-no-keypoint", "keypoints", message, advice))
    return findings


def _without_labels(images: Sequence[ViewImages]) -> list[Finding]:
    message = "found not one labelled point in this camera's project, so all its frames are there because of the others"
    advice = "label some of its frames, or leave the camera out"
    unlabeled = (view.name for view in images if not view.animal.labels.labelled.any())
    return [_warning("view-without-labels", name, message, advice) for name in unlabeled]


def _by_number(alignment: Alignment, images: Sequence[ViewImages]) -> list[Finding]:
    """Tell of rows that rest on what DeepLabCut's names claim, and on no comparison with the videos."""
    n_all: Counter[str] = Counter()
    n_claimed: Counter[str] = Counter()
    unproven: dict[str, dict[str, None]] = {}
    for moment in alignment.moments:
        own = own_images(moment, images)
        if not moment.is_labeled or len(own) < 2:
            continue
        n_all[moment.session] += 1
        if not moment.is_proven:
            n_claimed[moment.session] += 1
            named = {view.name: None for view, image in own if image.frame.video_frame_index is None}
            unproven.setdefault(moment.session, {}).update(named)
    advice = "give the videos that the images come from ({}), or look at some rows yourself"
    return [
        _warning(
            "views-matched-by-number",
            session,
            f"brought together by DeepLabCut's frame numbers alone: {n} of {counted(n_all[session], 'labeled frame')} "
            f"that several cameras have, since not all images of {some(unproven[session])} are proven to be frames of "
            "their video; where a camera's numbers are off, such rows are different moments",
            advice,
            Setting("video-root", ("DIR",)),
        )
        for session, n in n_claimed.items()
    ]


def _odd_rates(images: Sequence[ViewImages]) -> list[Finding]:
    """Tell of recordings whose cameras run at different rates: frame N is then not one moment."""
    rates: dict[str, dict[str, Fraction]] = {}
    for view in images:
        for session, video in view.videos.items():
            if video.info is not None:
                rates.setdefault(session, {})[view.name] = Fraction(video.info.frame_rate)
    advice = (
        "if the cameras did run at different rates, bring the videos to one rate and label the frames of that; if only "
        "the files say so, nothing is to be done"
    )
    findings = []
    for session, found in rates.items():
        if max(found.values()) > min(found.values()) * (1 + _SAME_RATE):
            told = ", ".join(f"{float(rate):.6g} fps ({view})" for view, rate in found.items())
            message = f"found videos of {told}, expected one rate: frame N must be the same moment in every view"
            findings.append(_warning("view-rates-differ", session, message, advice))
    return findings


def _split_apart(alignment: Alignment, images: Sequence[ViewImages]) -> list[Finding]:
    """Tell of frames that one camera's split holds out and another's trains on."""
    n = 0
    for moment in alignment.moments:
        held_out = {view.is_held_out(image) for view, image in own_images(moment, images) if image.is_labeled}
        n += len(held_out) > 1
    message = (
        f"held out by the split of one camera and trained on by that of another: {n} of the labeled frames; a row is "
        "one moment of all cameras, so it is held out in all"
    )
    return [_warning("splits-differ", "--split", message)] if n else []


def _paired_by_number_of_recordings(views: Sequence[View]) -> list[Finding]:
    """Tell of folders that are taken for one recording though their names say nothing of the kind."""
    names: dict[str, dict[str, str]] = {}
    for view in views:
        for name, recording in view.session_of.items():
            names.setdefault(recording, {})[view.name] = name
    advice = "if they are different recordings, these projects belong to no multi-view project"
    findings = []
    for recording, found in names.items():
        if len({_without_camera(view, name) for view, name in found.items()}) > 1:
            told = " and ".join(f"{name} ({view})" for view, name in found.items())
            message = f"{told} are taken for one recording, since each camera's project has a single one"
            findings.append(_warning("recordings-of-other-names", recording, message, advice))
    return findings


def _without_camera(view: str, name: str) -> str:
    return next((place.session for place in split_by_camera([name], [view]).placed), name)


def _unlabeled_left_out(alignment: Alignment) -> list[Finding]:
    """Count the images without labels that can't be queued."""
    lacking: dict[str, Counter[str]] = {}
    n: Counter[str] = Counter()
    for each in alignment.left_out:
        if not each.frame.is_labeled:
            lacking.setdefault(each.frame.session, Counter()).update(each.lacking)
            n[each.frame.session] += 1
    findings = []
    for session, found in lacking.items():
        told = ", ".join(f"{count} not in {view}" for view, count in sorted(found.items()))
        images = f"{n[session]} of the images without labels ({told})"
        message = f"left out of the labeling queue, with what a network suggested there: {images}"
        findings.append(Finding(Severity.NOTE, "unlabeled-not-in-all-views", session, message))
    return findings
