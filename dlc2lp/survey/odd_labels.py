"""Labels that are legal and look wrong: told with counts, never changed. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from dlc2lp.dlc.config import DlcConfig
from dlc2lp.dlc.joining import point_name
from dlc2lp.model import Finding, ImageInfo, LabelTable, Severity
from dlc2lp.survey.session_labels import SessionLabels
from dlc2lp.wording import counted, name_key, some

_OUTSIDE = "outside the image; kept there, and ignored by Lightning Pose's training as by DeepLabCut's"
_AT_ZERO = (
    "at x = 0 or y = 0, which DeepLabCut's training takes for no label; kept there, and used by Lightning Pose's "
    "training"
)

#: (session, file name) -> image.
_Images = Mapping[tuple[str, str], ImageInfo]


def odd_labels(sessions: Sequence[SessionLabels], config: DlcConfig | None) -> list[Finding]:
    """Return what is odd about the labels of a project.

    DeepLabCut's random sub-crops are passed over: their labels are copies of those of other frames.
    """
    images = {
        (chosen.session.name, name): image
        for chosen in sessions
        for name, image in chosen.session.images.items()
        if name not in chosen.session.random_crops
    }
    findings = []
    for chosen in sessions:
        if chosen.labels is not None:
            findings += _odd_points(chosen.session.name, chosen.labels, images)
            if config is not None and config.corner2move2 is not None:
                findings += _parked_points(chosen.session.name, chosen.labels, config.corner2move2)
    tables = [chosen.labels for chosen in sessions if chosen.labels is not None]
    keypoints = {name for table in tables for name in table.keypoint_names}
    individuals = {name for table in tables for name in table.individuals}
    if config is not None:
        keypoints.update(config.bodyparts, config.unique_bodyparts)
        individuals.update(config.individuals)
    findings += near_names("keypoint", keypoints)
    findings += near_names("individual", individuals)
    return [*findings, *_image_sizes(images.values())]


def _odd_points(session: str, labels: LabelTable, images: _Images) -> list[Finding]:
    """Labels outside their image, and labels on its left or upper edge.

    Both are no labels to DeepLabCut's training, which takes points with 0 < x < width and 0 < y < height.
    """
    import numpy as np

    shown = [images.get((frame.session, frame.file_name)) for frame in labels.frames]
    sizes = np.array([(image.width_px, image.height_px) if image else (np.inf, np.inf) for image in shown])
    is_shown = np.array([image is not None for image in shown], dtype=np.bool_)
    xy_px = labels.xy_px[is_shown]
    outside = ((xy_px < 0) | (xy_px >= sizes[is_shown].reshape(-1, 1, 1, 2))).any(axis=-1)
    at_zero = (xy_px == 0).any(axis=-1) & ~outside
    rows = np.flatnonzero(is_shown)
    findings = []
    for code, found, told in (("label-outside-image", outside, _OUTSIDE), ("label-at-zero", at_zero, _AT_ZERO)):
        if found.any():
            row, i, k = np.argwhere(found)[0].tolist()
            image = images[labels.frames[rows[row]].session, labels.frames[rows[row]].file_name]
            x, y = xy_px[row, i, k].tolist()
            point = point_name(labels.individuals[i], labels.keypoint_names[k])
            first = f"{image.name}, {point}: ({x:g}, {y:g}) in {image.width_px}x{image.height_px}"
            message = f"found {counted(int(found.sum()), 'labelled point')} {told}"
            findings.append(Finding(Severity.WARNING, code, session, message, first))
    return findings


def _parked_points(session: str, labels: LabelTable, corner: tuple[float, float]) -> list[Finding]:
    """Labels at ``corner2move2``, where DeepLabCut's refinement tool parks points that are to be deleted.

    One point may be there by chance, so it takes two.
    """
    n_parked = int((labels.xy_px == corner).all(axis=-1).sum())
    if n_parked < 2:
        return []
    message = (
        f"found {n_parked} labelled points exactly at ({corner[0]:g}, {corner[1]:g}), the corner2move2 of config.yaml, "
        "where DeepLabCut's refinement tool parks points that are to be deleted; they are kept"
    )
    advice = "if they were never deleted, delete them in DeepLabCut"
    return [Finding(Severity.WARNING, "labels-at-corner", session, message, advice=advice)]


def near_names(kind: str, names: Iterable[str]) -> list[Finding]:
    """Names that differ only in case or blanks: one thing, written in two ways, perhaps."""
    groups: dict[str, list[str]] = {}
    for name in sorted(names):
        groups.setdefault(" ".join(name_key(name).split()), []).append(name)
    code, message = f"{kind}-names-alike", f"these {kind} names differ only in case or blanks and are kept apart"
    advice = f"if they are one {kind}, rename it in DeepLabCut (config.yaml and the label files)"
    subjects = (", ".join(map(repr, alike)) for alike in groups.values() if len(alike) > 1)
    return [Finding(Severity.WARNING, code, subject, message, "", advice) for subject in subjects]


def _image_sizes(images: Iterable[ImageInfo]) -> list[Finding]:
    sizes = Counter((image.width_px, image.height_px) for image in images)
    if len(sizes) < 2:
        return []
    shown = some(f"{n} of {width}x{height}" for (width, height), n in sizes.most_common())
    message = f"found images of {len(sizes)} sizes ({shown}); Lightning Pose resizes each to the same size"
    return [Finding(Severity.NOTE, "image-sizes-differ", "labeled-data", message)]
