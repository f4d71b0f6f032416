"""Which rows of labels have an image, which have none, and what each image is called in the target. Pure.

Nothing here depends on whose labels count, so it can be told while a person still has to decide on those.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dlc2lp.model import Finding, FrameRef, ImageInfo, Setting, Severity
from dlc2lp.options import DerivedCrops, FrameNames
from dlc2lp.planning.frame_names import NamedFrame, name_frames
from dlc2lp.survey.session_labels import SessionLabels
from dlc2lp.survey.session_ties import SessionTie
from dlc2lp.wording import counted


@dataclass(frozen=True)
class MatchedFolder:
    """The frames of one ``labeled-data`` folder."""

    chosen: SessionLabels  #: The folder, with the labels that count.
    named: tuple[NamedFrame, ...]  #: Its images, with the session and the name that each gets.
    lost: tuple[FrameRef, ...]  #: Rows without an image that could be migrated.
    findings: tuple[Finding, ...]  #: Every row that is left out, and what is odd about the images.


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
        *(_no_image(chosen, row) for row, frame in lost if frame.file_name not in folder.images),
        *(
            dataclasses.replace(fault, severity=Severity.WARNING)
            for name, fault in sorted(folder.broken_images.items())
            if name not in labelled
        ),
    ]
    return MatchedFolder(chosen, tuple(named), tuple(frame for _, frame in lost), tuple(findings))


def _rows_without_image(chosen: SessionLabels, images: Mapping[str, ImageInfo]) -> Iterator[tuple[int, FrameRef]]:
    """Yield the rows, with their numbers, whose image is not there, is damaged or is left out."""
    for row, frame in enumerate(chosen.labels.frames if chosen.labels is not None else ()):
        # One that belongs to another folder has its image there.
        if frame.session == chosen.session.name and frame.file_name not in images:
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
    message = f"{found}; the row and its {counted(n_cells, 'labelled point')} are left out"
    code, subject = broken.code if broken else "missing-image", f"{chosen.session.name}/{file_name}"
    advice = "put the image back from a backup and run again, or delete the row in DeepLabCut"
    return Finding(Severity.ERROR, code, subject, message, f"row {row + 1} of {chosen.label_file}", advice)
