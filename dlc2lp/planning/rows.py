"""Which rows of labels have an image, which have none, and what each image is called in the target. Pure.

Nothing here depends on whose labels count, so it can be told while a person still has to decide on those.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from dlc2lp.model import Finding, FrameRef, ImageInfo, Setting, Severity
from dlc2lp.options import DerivedCrops, FrameNames
from dlc2lp.placeholders import Placeholder, not_here
from dlc2lp.planning.frame_names import NamedFrame, name_frames
from dlc2lp.survey.session_labels import SessionLabels
from dlc2lp.survey.session_ties import SessionTie
from dlc2lp.wording import counted, some

_PUT_BACK = "put the image back from a backup, or extract the frame again from its video, and run again"


@dataclass(frozen=True)
class AbsentImage:
    """An image of which only a stand-in is here."""

    path: str  #: Where it lies.
    placeholder: Placeholder  #: What stands in for it.
    n_labelled: int  #: Labelled points that are left out with it.


@dataclass(frozen=True)
class MatchedFolder:
    """The frames of one ``labeled-data`` folder."""

    chosen: SessionLabels  #: The folder, with the labels that count.
    named: tuple[NamedFrame, ...]  #: Its images, with the session and the name that each gets.
    lost: tuple[FrameRef, ...]  #: Rows without an image that could be migrated.
    findings: tuple[Finding, ...]  #: Every row that is left out, and what is odd about the images.
    absent: tuple[AbsentImage, ...] = ()  #: Images that are not here; they are told once for all folders.


def match_rows(
    chosen: SessionLabels, ties: Mapping[str, SessionTie], *, frame_names: FrameNames, derived_crops: DerivedCrops
) -> MatchedFolder:
    """Match the rows of one folder with its images; ``ties`` say which video frames those of each session are."""
    folder, findings = chosen.session, list[Finding]()
    images = folder.images
    if folder.random_crops and derived_crops == "skip":
        findings.append(_crops_left_out(chosen))
        images = {name: image for name, image in images.items() if name not in folder.random_crops}
    named, odd = name_frames(folder.name, images.values(), frame_names, ties)
    lost = tuple(_rows_without_image(chosen, images))
    labelled = {frame.file_name for frame in chosen.labels.frames} if chosen.labels else set()
    findings += [
        *odd,
        *(_no_image(chosen, row) for row, frame in lost if frame.file_name not in folder.images | folder.absent_images),
        *(
            dataclasses.replace(fault, severity=Severity.WARNING)
            for name, fault in sorted(folder.broken_images.items())
            if name not in labelled
        ),
    ]
    absent = tuple(_absent_images(chosen, lost))
    return MatchedFolder(chosen, tuple(named), tuple(frame for _, frame in lost), tuple(findings), absent)


def _absent_images(chosen: SessionLabels, lost: Sequence[tuple[int, FrameRef]]) -> Iterator[AbsentImage]:
    """Yield the images of a folder that are not here, with the labelled points that are lost with each."""
    rows = {frame.file_name: row for row, frame in lost}
    for name, placeholder in chosen.session.absent_images.items():
        n_labelled = int(chosen.labels.labelled[rows[name]].sum()) if chosen.labels and name in rows else 0
        yield AbsentImage(str(chosen.session.folder / name), placeholder, n_labelled)


def tell_absent(folders: Iterable[MatchedFolder]) -> list[Finding]:
    """Tell once for all folders which images are not here."""
    by_placeholder: dict[Placeholder, list[AbsentImage]] = {}
    for image in (image for folder in folders for image in folder.absent):
        by_placeholder.setdefault(image.placeholder, []).append(image)
    findings = []
    for placeholder, images in by_placeholder.items():
        n_cells = sum(image.n_labelled for image in images)
        then = f"; their rows and {counted(n_cells, 'labelled point')} are left out" if n_cells else ""
        severity = Severity.ERROR if n_cells else Severity.WARNING
        findings.append(not_here(placeholder, "image", [image.path for image in images], then, severity))
    return findings


def _rows_without_image(chosen: SessionLabels, images: Mapping[str, ImageInfo]) -> Iterator[tuple[int, FrameRef]]:
    """Yield the rows, with their numbers, whose image is not there, is damaged or is left out."""
    for row, frame in enumerate(chosen.labels.frames if chosen.labels is not None else ()):
        if frame.file_name not in images:
            yield row, frame


def _crops_left_out(chosen: SessionLabels) -> Finding:
    one = "image is a random sub-crop that DeepLabCut made of another frame"
    many = "images are random sub-crops that DeepLabCut made of other frames"
    crops = counted(len(chosen.session.random_crops), one, many)
    message = f"{crops}; left out, since a frame in training and its crop in test would hide what the network can't do"
    advice, ways = "to migrate crops all the same: {}", (Setting("derived-crops", ("keep",)),)
    return Finding(Severity.NOTE, "derived-crops", chosen.session.name, message, "", advice, ways)


def _no_image(chosen: SessionLabels, row: int) -> Finding:
    if chosen.labels is None:
        raise AssertionError("a row of no labels")
    file_name, n_cells = chosen.labels.frames[row].file_name, int(chosen.labels.labelled[row].sum())
    broken = chosen.session.broken_images.get(file_name)
    named = chosen.other_folders.get(file_name)
    places = f"{chosen.session.folder}" + (f" or in {named}, which the row names" if named else "")
    found = broken.message if broken else f"found a row of labels and no such image in {places}"
    deeper = chosen.session.deeper_images.get(file_name)
    near = [*chosen.near_images.get(file_name, ()), *([str(deeper)] if deeper else [])]
    found += f" (but {some(near, 3)}, which may be meant)" if near and not broken else ""
    message = f"{found}; the row and its {counted(n_cells, 'labelled point')} are left out"
    code, subject = broken.code if broken else "missing-image", f"{chosen.session.name}/{file_name}"
    advice = "give the image that is meant the name in the row, and run again" if near else _PUT_BACK
    if broken and broken.advice:
        advice = f"{broken.advice}; then run again"
    advice = f"move the images of that folder to {chosen.session.folder}, and run again" if deeper else advice
    severity = Severity.ERROR if n_cells else Severity.WARNING
    return Finding(severity, code, subject, message, f"row {row + 1} of {chosen.label_file}", advice)
