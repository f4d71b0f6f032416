"""What networks predicted for the labeled images, as ``evaluate_network`` leaves it. Only reads.

``evaluation-results/iteration-0/<Task><date>-trainset95shuffle1/<scorer>-snapshot-50000.h5``, since DeepLabCut 3 in
``evaluation-results-pytorch``. Read are those of networks that have predictions of videos too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from dlc2lp.dlc.columns import arrange_columns, choose_scorer
from dlc2lp.dlc.hdf import read_hdf
from dlc2lp.dlc.project import DlcProject
from dlc2lp.dlc.splits import list_splits, read_split
from dlc2lp.dlc.table import RawTable
from dlc2lp.errors import DecisionNeeded, UnreadableFile
from dlc2lp.files import FileRecord, content_of
from dlc2lp.model import Finding, Severity

_FOLDER = re.compile(r"(?P<data>.+)-trainset(?P<percent>[0-9]{1,3})shuffle(?P<shuffle>[0-9]{1,9})", re.DOTALL)
#: (folder, file name) of an image.
Image = tuple[str, str]


@dataclass(frozen=True)
class Evaluation:
    """What a network predicted for labeled images."""

    scorer: str  #: As DeepLabCut calls the network.
    path: Path
    table: RawTable
    points: Mapping[
        tuple[str, str], Mapping[str, int]
    ]  #: Where x, y and likelihood of each (individual, keypoint) stand.
    #: Images that the network trained on and that it was tested on; both empty where that is not known for certain.
    train: frozenset[Image]
    test: frozenset[Image]
    content: FileRecord | None = None  #: The file as it was when it was read.

    @cached_property
    def rows(self) -> Mapping[Image, int]:
        """Row of each image."""
        return {(row.folder or "", row.file_name): n for n, row in enumerate(self.table.row_names)}

    def part_of(self, image: Image) -> str:
        """Return what the image was to the network, in Lightning Pose's words."""
        return "train" if image in self.train else "test" if image in self.test else "unused"


def read_evaluations(project: DlcProject, scorers: Iterable[str]) -> tuple[list[Evaluation], list[Finding]]:
    """Read the evaluations of some networks of a project, the newest iteration's of each; and what is to be told."""
    paths = sorted(
        (path for folder in project.root.glob("evaluation-results*") for path in folder.glob("iteration-*/*/*.h5")),
        key=lambda path: (-_iteration(path), path.as_posix()),
    )
    found: list[Evaluation] = []
    findings: list[Finding] = []
    for scorer in dict.fromkeys(scorers):
        called = re.compile(re.escape(scorer) + r"(-snapshot-[0-9]+)?\.h5")
        path = next((path for path in paths if called.fullmatch(path.name)), None)
        if path is None:
            continue
        try:
            content = content_of(path)
            table = read_hdf(path).table
            columns = arrange_columns(table, choose_scorer(table, None, path), path)
        except (UnreadableFile, DecisionNeeded) as error:
            findings += [_unreadable(path, each) for each in error.findings]
            continue
        train, test, told = _split_of(project, path)
        findings += told
        found.append(Evaluation(scorer, path, table, columns.positions, train, test, content))
    return found, findings


def _iteration(path: Path) -> int:
    number = path.parts[-3].removeprefix("iteration-")
    return int(number) if number.isdecimal() and len(number) < 10 else -1


def _unreadable(path: Path, found: Finding) -> Finding:
    advice = "evaluate the network again in DeepLabCut; the labels are not concerned"
    message = f"{found.message}; the network's predictions for labeled images are left out"
    return Finding(Severity.WARNING, "evaluation-unreadable", str(path), message, found.where, advice)


def _split_of(project: DlcProject, path: Path) -> tuple[frozenset[Image], frozenset[Image], Sequence[Finding]]:
    """Return the images that the network of an evaluation trained on and was tested on, where that is certain."""
    folder = _FOLDER.fullmatch(path.parent.name)
    nothing: frozenset[Image] = frozenset()
    for file in list_splits(project.root, project.config):
        numbers = (file.train_percent, file.shuffle, file.iteration)
        wanted = (int(folder["percent"]), int(folder["shuffle"]), _iteration(path)) if folder else ()
        if folder and numbers == wanted and file.data_set.endswith(folder["data"]):
            try:
                split = read_split(file, project.sessions, project.config)
            except UnreadableFile:
                break
            if split.verified:
                return split.train, split.test, ()
    message = "nothing tells for certain on which images the network was trained, so none is called train or test"
    return nothing, nothing, [Finding(Severity.NOTE, "evaluation-without-split", str(path), message)]
