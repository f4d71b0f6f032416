"""Which rows of labels have an image, which have none, and what each image is called in the target. Pure.

Nothing here depends on whose labels count, so it can be told while a person still has to decide on those.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from dlc2lp.model import Finding, FrameRef, Severity
from dlc2lp.options import Options
from dlc2lp.planning.frame_names import NamedFrame, name_frames
from dlc2lp.survey.label_files import ChosenSession
from dlc2lp.survey.ties import SessionTie
from dlc2lp.wording import counted


@dataclass(frozen=True)
class MatchedSession:
    """The frames of one ``labeled-data`` folder.

    Attributes
    ----------
    named
        Its images, with the session and the name that each gets.
    lost
        Rows without an image that could be migrated.
    """

    named: tuple[NamedFrame, ...]
    lost: tuple[FrameRef, ...]


def match_rows(
    chosen: ChosenSession, options: Options, findings: list[Finding], ties: Mapping[str, SessionTie]
) -> MatchedSession:
    """Match the rows of one session with its images.

    Parameters
    ----------
    chosen
        The session, as it lies on disk and with the labels that count.
    options
        What a person chose.
    findings
        Every row that is left out is told here, and what is odd about the images.
    ties
        Which video frames the images of each session are.
    """
    session = chosen.session
    images = session.images
    if session.random_crops and options.derived_crops == "skip":
        findings.append(_crops_left_out(chosen))
        images = {name: image for name, image in images.items() if name not in session.random_crops}
    named = tuple(name_frames(session.name, images.values(), options.frame_names, findings, ties))
    lost = _rows_without_image(chosen, images.keys(), findings)
    labelled = {frame.file_name for frame in chosen.labels.frames} if chosen.labels else set()
    findings += [
        dataclasses.replace(fault, severity=Severity.WARNING)
        for name, fault in sorted(session.broken_images.items())
        if name not in labelled
    ]
    return MatchedSession(named, lost)


def _rows_without_image(
    chosen: ChosenSession, images: Collection[str], findings: list[Finding]
) -> tuple[FrameRef, ...]:
    """Rows whose image is not there, is damaged or is left out."""
    if chosen.labels is None:
        return ()
    lost = []
    for row, frame in enumerate(chosen.labels.frames):
        # One that belongs to another folder has its image there.
        if frame.session != chosen.session.name or frame.file_name in images:
            continue
        lost.append(frame)
        if frame.file_name not in chosen.session.images:
            findings.append(_no_image(chosen, frame.file_name, row, int(chosen.labels.labelled[row].sum())))
    return tuple(lost)


def _crops_left_out(chosen: ChosenSession) -> Finding:
    return Finding(
        Severity.NOTE,
        "derived-crops",
        chosen.session.name,
        counted(
            len(chosen.session.random_crops),
            "image is a random sub-crop that DeepLabCut made of another frame",
            "images are random sub-crops that DeepLabCut made of other frames",
        )
        + "; left out, since a frame in training and its crop in test would hide what the network can't do",
        advice="to migrate crops all the same: --derived-crops keep",
    )


def _no_image(chosen: ChosenSession, file_name: str, row: int, n_cells: int) -> Finding:
    broken = chosen.session.broken_images.get(file_name)
    named = chosen.other_folders.get(file_name)
    places = f"{chosen.session.folder}" + (f" or in {named}, which the row names" if named else "")
    found = broken.message if broken else f"found a row of labels and no such image in {places}"
    return Finding(
        Severity.ERROR,
        broken.code if broken else "missing-image",
        f"{chosen.session.name}/{file_name}",
        f"{found}; the row and its {counted(n_cells, 'labelled point')} are left out",
        where=f"row {row + 1} of {chosen.label_file}",
        advice="put the image back from a backup and run again, or delete the row in DeepLabCut",
    )
