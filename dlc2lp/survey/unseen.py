"""Labels that are there and are not used: counted, and told with the option that takes them. Pure.

They stand in files that are called otherwise, are of another kind or lie elsewhere, or are another person's. A labelled
point counts as left out where the labels that are used have none for it: a copy loses nothing.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dlc2lp.dlc.columns import scorers
from dlc2lp.dlc.label_file import LabelFile
from dlc2lp.dlc.labels import interpret
from dlc2lp.dlc.session import DlcSession
from dlc2lp.errors import UnreadableFile
from dlc2lp.model import Finding, LabelTable, Setting, Severity
from dlc2lp.placeholders import Placeholder
from dlc2lp.wording import counted, some

_FROM = "labels-from"
_N_NAMED = 3  # sessions that a finding tells one by one

#: (image, individual, keypoint); the individual is empty where one of two tables knows none.
Cell = tuple[str, str, str]


@dataclass(frozen=True)
class Unseen:
    """What one session has besides the labels that are used."""

    session: str  #: The session.
    files: tuple[LabelFile, ...] = ()  #: The files that hold it, or that nobody here can read.
    cells: frozenset[Cell] = frozenset()  #: Labelled points that the labels in use lack.
    images: frozenset[str] = frozenset()  #: Images that are labelled there and not here.
    has_labels: bool = False  #: Whether the session has labels that are used.
    has_images: bool = True  #: Whether it has any image.
    in_use: Path | None = None  #: The file whose labels are used; what else it holds stands in another table.

    @property
    def n_frames(self) -> int:
        """Frames that are labelled there and not here."""
        return len(self.images)

    def __str__(self) -> str:
        tables = (f"{'another table of ' * (file.path == self.in_use)}{file.path}" for file in self.files)
        names = some(dict.fromkeys(tables), 2)
        return f"{counted(len(self.cells), 'labelled point')} in {names}"


def find_unseen(session: DlcSession, used: LabelTable | None, aside: Sequence[LabelFile]) -> Unseen:
    """Return what a session has besides the labels in use; ``aside`` are its label files that were left aside."""
    inner = [(each, file) for each in session.inner for file in (*each.label_files, *each.odd_files)]
    found = [*((session, file) for file in (*aside, *session.odd_files)), *inner]
    files: list[LabelFile] = []
    cells: set[Cell] = set()
    images: set[str] = set()
    for folder, file in found:
        read = list(tables_of(file, folder))
        lost = {cell for table in read for cell in _cells(table, used) - _cells(used, table)}
        if lost or not read:
            files.append(file)
        cells |= lost
        images |= {image for image, _, _ in lost}
    # Most sessions have nothing besides, and then nobody asks which images are labelled.
    labelled = {image for image, _, _ in _cells(used, None)} if images else set()
    has_labels = used is not None and bool(used.labelled.any())
    has_images = any(each.images for each in (session, *session.inner))
    return Unseen(session.name, tuple(files), frozenset(cells), frozenset(images - labelled), has_labels, has_images)


def tables_of(file: LabelFile, session: DlcSession) -> Iterator[LabelTable]:
    """Yield the labels of each scorer in a file, as far as they can be read."""
    for table in () if file.table is None else (file.table, *file.others):
        for scorer in scorers(table) or ("",):
            with contextlib.suppress(UnreadableFile):
                yield interpret(
                    table, session=session.name, scorer=scorer, path=file.path, images=session.image_names
                ).labels


def _cells(table: LabelTable | None, other: LabelTable | None) -> set[Cell]:
    """Return the labelled points of a table, by individual only where the other table knows individuals too."""
    if table is None:
        return set()
    is_apart = "" not in table.individuals and (other is None or "" not in other.individuals)
    return {
        (table.frames[f].file_name, table.individuals[i] if is_apart else "", table.keypoint_names[k])
        for f, i, k in np.argwhere(table.labelled).tolist()
    }


def tell_unseen(found: Iterable[Unseen]) -> list[Finding]:
    """Tell what is not used: an error where a session has no other labels, else a warning; once for all of a kind."""
    found = [each for each in found if each.files]
    readable = [each for each in found if each.cells]
    kinds = ([each for each in readable if each.has_labels == has_labels] for has_labels in (False, True))
    # A file that can't be read beside labels that are used may be an export of these.
    return [*(_not_used(kind) for kind in kinds if kind), *_unreadable([each for each in found if not each.cells])]


def _not_used(found: Sequence[Unseen]) -> Finding:
    listed = [f"{each.session}: {each}" for each in found] if len(found) > 1 else [f"found {found[0]}"]
    has_images = any(each.has_images for each in found)
    if found[0].has_labels:
        severity, why = Severity.WARNING, "not used, and not among the labels that are"
    else:
        images = "their images stay out of the labeling queue" if has_images else "their images are not here either"
        severity = Severity.ERROR
        why = f"not used, since such files are called otherwise than DeepLabCut's or lie elsewhere; {images}"
    files = [
        [file.path for file in each.files if file.table is not None and file.path != each.in_use] for each in found
    ]
    given, advice, candidates = _way(files, has_images=has_images)
    subject, ways = some(each.session for each in found), (Setting(_FROM, (given,)),)
    message = f"{some(listed, _N_NAMED, '; ')}; {why}"
    return Finding(severity, "labels-not-used", subject, message, "", advice, ways, candidates)


def _way(files: Sequence[Sequence[Path]], *, has_images: bool) -> tuple[str, str, tuple[str, ...]]:
    """Return what to give the option, in which words, and what there is to choose from.

    A pair of HDF5 and CSV is one choice; where each session has a single one, the folder that holds them all does.
    """
    stems = [{path.with_suffix("") for path in each} for each in files]
    paths = list(dict.fromkeys(str(path) for each in files for path in each))
    if not paths:
        return "PATH", "if they count, save that table as a CSV of its own and name it: {}", ()
    if any(len(each) > 1 for each in stems):
        return "PATH", "choose one with {}", tuple(paths)
    advice = "if they count: {}" if has_images else "put their images back, and take them with {}"
    if len(set().union(*stems)) == 1:
        return max(paths, key=lambda path: path.lower().endswith(".h5")), advice, ()
    return os.path.commonpath(paths), advice, ()


def _unreadable(found: Sequence[Unseen]) -> list[Finding]:
    """Tell files that look like labels and can't be read, each with its own reason; those that are not here at once."""
    sessions: dict[Path, list[Unseen]] = {}
    files: dict[Path, LabelFile] = {}
    absent: dict[Placeholder, list[str]] = {}
    for each in found:
        for file in each.files:
            if file.placeholder is None:
                files[file.path] = file
                sessions.setdefault(file.path, []).append(each)
            elif not each.has_labels:  # where there are other labels, it is enough that all such files are told once
                absent.setdefault(file.placeholder, []).append(each.session)
    findings = []
    for path, file in files.items():
        bare = [each.session for each in sessions[path] if not each.has_labels]
        about = some(bare or [each.session for each in sessions[path]])
        fault = next(iter(file.findings), None)
        why, advice, ways = (fault.message, fault.advice, fault.remedies) if fault else ("for no reason known", "", ())
        then = "this session has no other labels"
        if len(bare) > 1:
            then = f"{len(bare)} have no other labels"
        message = f"looks like labels of {about} and can't be read ({why}); {then if bare else 'it is left aside'}"
        severity = Severity.ERROR if bare else Severity.WARNING
        findings.append(Finding(severity, "labels-not-read", str(path), message, "", advice, ways))
    for placeholder, names in absent.items():
        message = f"its labels are not here, only {placeholder.found}; its images stay out of the labeling queue"
        subject, advice = some(dict.fromkeys(names)), placeholder.advice
        findings.append(Finding(Severity.ERROR, "labels-not-read", subject, message, "", advice))
    return findings
