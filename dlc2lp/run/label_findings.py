"""What is told of labels that people made in a target, and of what DeepLabCut's labels made of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from dlc2lp.lp.label_cells import PointCells
from dlc2lp.lp.label_merge import Conflict
from dlc2lp.lp.label_sides import Edits
from dlc2lp.model import Finding, RunAgain, Setting, Severity
from dlc2lp.run.findings import REPLACE, REPLACE_AGAIN
from dlc2lp.wording import counted, point_text, some, two_points

if TYPE_CHECKING:
    from dlc2lp.run.label_work import LabelWork

SETTLE = Setting("edited", ("settle",))


def lasting(labels: LabelWork) -> Iterator[Finding]:
    """Yield what is so as long as the labels are as they are."""
    yield from map(_conflict, labels.merged.conflicts)
    yield from lacking(labels.merged.lacking)
    yield from not_as_written(labels)
    yield from _twice(labels.merged.twice)
    yield from edited_labels(labels.by_people)


def edited_labels(by_people: Mapping[str, Edits]) -> Iterator[Finding]:
    """Yield what people did to each label file."""
    for name, edits in by_people.items():
        yield Finding(Severity.NOTE, "labels-edited", name, f"{edits} since dlc2lp wrote it; that is kept")


def brought(labels: LabelWork) -> Iterator[Finding]:
    """Yield what a merge brings to each label file."""
    for name, edits in labels.brought.items():
        message = f"{edits} as DeepLabCut's labels changed; what people did in the target since is kept"
        yield Finding(Severity.NOTE, "labels-merged", name, message)


def _conflict(each: Conflict) -> Finding:
    here, there = _words(each.here, each.there), _words(each.there, each.here)
    message = (
        f"found {here}, and {there} in DeepLabCut: both were changed since labels were last brought from there; the "
        "target's is kept"
    )
    advice = (
        "make both alike; or {} (the target's stay for good), or {} (DeepLabCut's come, and all that was done in the "
        "target's labels is lost)"
    )
    ways = tuple(RunAgain("run convert again", (setting,)) for setting in (SETTLE, REPLACE))
    return Finding(
        Severity.ERROR, "labels-conflict", each.file, message, f"{each.image}, {each.keypoint}", advice, ways
    )


def _words(point: PointCells, other: PointCells) -> str:
    if not point.is_labelled:
        return "no label"
    return two_points(point.xy, other.xy)[0] if other.is_labelled else point_text(point.xy)


def lacking(images_lacking: tuple[tuple[str, str], ...]) -> Iterator[Finding]:
    """Yield which rows a label file lacks, as there is no image for them."""
    of_file: dict[str, list[str]] = {}
    for image, name in images_lacking:
        of_file.setdefault(name, []).append(image)
    for name, images in of_file.items():
        rows = counted(len(images), "row", "rows")
        message = f"lacks {rows} that other views have, and the target has no image for it: {some(images)}"
        advice = "extract these frames in the app, which cuts them from the videos of all views, and run it again"
        yield Finding(Severity.ERROR, "labels-view-lacking", name, message, advice=advice)


def not_as_written(labels: LabelWork) -> Iterator[Finding]:
    """Tell of all rows, or of a column ``visible``, that dlc2lp wrote and somebody deleted."""
    name = next(iter(labels.found), "")
    if labels.base.n_labeled["labeled_frames"] and not any(labels.here.moments()):
        message = "found no rows, expected labeled frames; Lightning Pose stops when it reads the file"
        advice = "label frames in the app, or {} to have DeepLabCut's labels again"
        yield Finding(Severity.ERROR, "target-labels-none", name, message, advice=advice, remedies=(REPLACE_AGAIN,))
    if labels.base.has_visible and not labels.here.has_visible:
        message = (
            "lacks the column `visible` that dlc2lp wrote: which keypoints without a label are hidden, and which "
            "nobody looked for, is told no more"
        )
        advice = "bring the column back, or {}, which loses the changes"
        yield Finding(Severity.WARNING, "labels-visible-gone", name, message, advice=advice, remedies=(REPLACE_AGAIN,))


def _twice(twice: tuple[tuple[str, str], ...]) -> Iterator[Finding]:
    if twice:
        frames = counted(len(twice), "frame is labeled", "frames are labeled")
        pairs = some(f"{own} and {other}" for own, other in twice)
        message = f"{frames} in two images, one added in the target and one that came from DeepLabCut: {pairs}"
        advice = "delete one of the two frames in the app; training takes both, with whatever labels each has"
        yield Finding(Severity.WARNING, "labels-frame-twice", twice[0][0], message, advice=advice)


def changed_meanwhile(name: str) -> Finding:
    """Return the finding for a label file that somebody saved after it was decided what it becomes."""
    message = "was saved by somebody else while dlc2lp ran; it is left as it is"
    return Finding(Severity.ERROR, "labels-changed-meanwhile", name, message, advice="run the same command again")
