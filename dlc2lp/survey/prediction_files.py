"""Where DeepLabCut's analyses of the videos lie. Only looks, at names.

``analyze_videos`` writes beside the video or into a ``destfolder``, which mostly is a folder of the project; people
move both about. So files are looked for beside each video, in ``videos/`` and in the rest of the project.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from dlc2lp.dlc.analysis_names import AnalysisName, analysis_name
from dlc2lp.dlc.folders import TRAINING_SETS, is_apart, is_labeled_data
from dlc2lp.dlc.project import VIDEOS, DlcProject
from dlc2lp.errors import raise_disk_trouble
from dlc2lp.model import Finding, Severity
from dlc2lp.searching import walk_files
from dlc2lp.survey.video_candidates import hold_the_same
from dlc2lp.wording import some, spelled

_SUFFIXES = (".h5", ".csv")
_SIGNS = ("DLC", "DeepCut")


class NamedAnalysis(NamedTuple):
    """A file that is an analysis by its name."""

    path: Path
    stem: str  #: The video's, as it stands in the file's name.
    name: AnalysisName


class AnalysisPlaces:
    """The analysis files of some projects and of the folders of their videos, by the stem of the video."""

    def __init__(self, projects: Sequence[DlcProject], videos: Iterable[Path]) -> None:
        folders = dict.fromkeys(folder for video in videos for folder in _around(video))
        paths = dict.fromkeys(path for folder in folders for path in _listed(folder))
        for project in projects:
            first, rest = walk_files(project.root / VIDEOS, depth=0), walk_files(project.root, enter=_is_entered)
            paths |= dict.fromkeys(path for path in (*first, *rest) if path.suffix in _SUFFIXES)
        self._by_stem: dict[str, list[NamedAnalysis]] = {}
        for path in paths:
            for stem in _stems(path.name):
                if name := analysis_name(stem, path.name):
                    self._by_stem.setdefault(spelled(stem), []).append(NamedAnalysis(path, stem, name))

    def of(self, video: Path, stem: str) -> dict[str, list[NamedAnalysis]]:
        """Return the files of each network for a video, by the network's full name; those to be taken first lead.

        The folder of the video goes before all others, and in a folder the HDF5 before the CSV.
        """
        # A copy may be called otherwise than the video that DeepLabCut knew.
        stems = dict.fromkeys((spelled(stem), spelled(video.stem)))
        listed = [each for key in stems for each in self._by_stem.get(key, ())]
        folders = dict.fromkeys((*_around(video), *(each.path.parent for each in listed)))
        place = {folder: n for n, folder in enumerate(folders)}
        found: dict[str, list[NamedAnalysis]] = {}
        for each in sorted(listed, key=lambda each: (place[each.path.parent], each.name.kind != "h5", each.path.name)):
            found.setdefault(each.name.full, []).append(each)
        return dict(sorted(found.items()))


def _around(video: Path) -> Iterator[Path]:
    """Yield the folder of a video, and that of the file that a link leads to."""
    yield video.parent
    yield Path(os.path.realpath(video)).parent


def _listed(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if entry.name.endswith(_SUFFIXES) and entry.name[0] != ".")
    except OSError as error:
        raise_disk_trouble(folder, error)
        return []
    return [folder / name for name in names]


def _is_entered(folder: Path) -> bool:
    return not is_apart(folder) and folder.name != TRAINING_SETS and not is_labeled_data(folder.name)


def _stems(file_name: str) -> Iterator[str]:
    """Yield what may be the stem of the video: everything before a sign that a network's name begins with."""
    for sign in _SIGNS:
        at = file_name.find(sign, 1)
        while at > 0:
            yield file_name[:at]
            at = file_name.find(sign, at + 1)


def others_that_differ(taken: Path, others: Sequence[Path]) -> list[Finding]:
    """Name the files in other folders that hold something else; a CSV beside its HDF5 repeats it."""
    differ = [str(path) for path in others if path.parent != taken.parent and path.suffix == taken.suffix]
    differ = [path for path in differ if not hold_the_same(taken, Path(path))]
    if not differ:
        return []
    message = f"found predictions of the same network for the same video elsewhere too, which differ: {some(differ)}"
    advice = "if the others are meant, move this one out of its folder"
    return [Finding(Severity.WARNING, "predictions-twice", str(taken), message, "", advice)]
