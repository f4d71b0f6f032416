"""Labels that are legal and look wrong: told with counts, never changed. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from dlc2lp.dlc.config import DlcConfig
from dlc2lp.migrate.choose import ChosenSession
from dlc2lp.migrate.locate import name_key
from dlc2lp.model import Finding, Severity


def odd_labels(sessions: Sequence[ChosenSession], config: DlcConfig | None) -> list[Finding]:
    """Return what is odd about the labels of a project."""
    findings = []
    for session in sessions:
        if session.labels is not None:
            findings += _odd_points(session)
            if config is not None and config.corner2move2 is not None:
                findings += _parked_points(session, config.corner2move2)
    names = {name for session in sessions if session.labels for name in session.labels.keypoint_names}
    if config is not None:
        names.update(config.bodyparts)
    return [*findings, *_near_names(names), *_image_sizes(sessions)]


def _odd_points(session: ChosenSession) -> list[Finding]:
    """Labels outside their image, and labels at zero, which DeepLabCut drops in training."""
    labels = session.labels
    assert labels is not None  # noqa: S101  (asked for by the caller)
    outside, at_zero, first = 0, 0, ""
    for row, frame in enumerate(labels.frames):
        image = session.session.images.get(frame.file_name)
        if image is None:
            continue
        for i in range(len(labels.individuals)):
            for k, keypoint in enumerate(labels.keypoint_names):
                x, y = (float(value) for value in labels.xy_px[row, i, k])
                if x < 0 or y < 0 or x > image.width_px or y > image.height_px:
                    outside += 1
                    first = first or f"{frame.file_name} {keypoint} at ({x:g}, {y:g})"
                elif x == 0 or y == 0:
                    at_zero += 1
    findings = []
    if outside:
        findings.append(
            _odd(
                "label-outside-image",
                session.session.name,
                f"{outside} labelled points lie outside their image; they are kept, and Lightning Pose ignores them",
                first,
            )
        )
    if at_zero:
        findings.append(
            _odd(
                "label-at-zero",
                session.session.name,
                f"{at_zero} labelled points lie at 0, which DeepLabCut takes for no label in training; they are kept",
            )
        )
    return findings


def _parked_points(session: ChosenSession, corner: tuple[float, float]) -> list[Finding]:
    """Labels at ``corner2move2``, where DeepLabCut's refinement tool parks points that are to be deleted."""
    labels = session.labels
    assert labels is not None  # noqa: S101
    n = int((labels.xy_px == corner).all(axis=-1).sum())
    if n < 2:
        return []
    message = (
        f"{n} labelled points lie exactly at {corner[0]:g}, {corner[1]:g} (corner2move2), where DeepLabCut's "
        "refinement tool parks what is to be deleted; they are kept"
    )
    return [_odd("labels-at-corner", session.session.name, message)]


def _near_names(names: Iterable[str]) -> list[Finding]:
    """Keypoint names that differ only in case or blanks: one keypoint, written in two ways, perhaps."""
    groups: dict[str, list[str]] = {}
    for name in sorted(names):
        groups.setdefault(" ".join(name_key(name).split()), []).append(name)
    return [
        _odd(
            "keypoint-names-alike",
            ", ".join(map(repr, alike)),
            "these keypoint names differ only in case or blanks and are kept apart",
            hint="if they are one keypoint, rename it in DeepLabCut (config.yaml and the label files)",
        )
        for alike in groups.values()
        if len(alike) > 1
    ]


def _image_sizes(sessions: Iterable[ChosenSession]) -> list[Finding]:
    sizes = Counter(
        (image.width_px, image.height_px) for session in sessions for image in session.session.images.values()
    )
    if len(sizes) < 2:
        return []
    shown = ", ".join(f"{n} of {width}x{height}" for (width, height), n in sizes.most_common(5))
    return [
        Finding(
            Severity.NOTE,
            "image-sizes-differ",
            "labeled-data",
            f"the images have {len(sizes)} sizes ({shown}); Lightning Pose resizes each to the same size",
        )
    ]


def _odd(code: str, subject: str, message: str, where: str = "", hint: str = "") -> Finding:
    return Finding(Severity.WARNING, code, subject, message, where, hint)
