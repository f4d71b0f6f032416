"""Rows 91 to 94: train/test splits of another time, and what belongs to a stereo project."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

from builder import BuiltProject, Shuffle

from variants.config import THREE_D
from variants.table import NO_VIDEOS, Outcome, small, variant


def _held_out(project: BuiltProject, name: str) -> frozenset[tuple[str, str]]:
    return project.splits[name][1]


@variant(91, "merged labels newer than the split", "rebuilt", "can't be told")
def stale_split(root: Path, case: str) -> Outcome:
    """Positions count in a table that was written anew since; names prove which rows they were."""
    if case == "rebuilt":
        project = small(root, sessions=("m1", "m2"), shuffles=(Shuffle(train=(3, 1, 2, 0), test=(4, 5)),))
        stale = root / "training-datasets/iteration-0/UnaugmentedDataSet_reachAug30"
        for path in stale.glob("CollectedData*"):
            path.unlink()
    else:
        later = (("m2", "img05.png"),)
        project = small(root, shuffles=(Shuffle(train=(3, 1, 2, 0), test=(4,), later=later),))
    options = (*NO_VIDEOS, "--split", "1")
    if case == "rebuilt":
        return Outcome(project, options, test_frames=_held_out(project, "iteration-0/80/1"))
    return Outcome(project, options, exit_code=3, errors={"split-unverified"})


@variant(92, "split with padding, as lists, of Python 2", "arrays", "lists", "protocol 2")
def padded_split(root: Path, case: str) -> Outcome:
    dump = {"protocol 2": lambda content: pickle.dumps(content, protocol=2)}
    shuffle = Shuffle(
        padding=2, as_lists=case == "lists", dump=dump.get(case, lambda content: pickle.dumps(content, protocol=4))
    )
    project = small(root, shuffles=(shuffle,))
    return Outcome(project, (*NO_VIDEOS, "--split", "1"), test_frames=_held_out(project, "iteration-0/80/1"))


@variant(93, "several iterations, fractions and shuffles", "ask", "fraction", "full name", "unknown")
def several_splits(root: Path, case: str) -> Outcome:
    shuffles = (
        Shuffle(number=1, fraction=0.8),
        Shuffle(number=1, fraction=0.5),
        Shuffle(number=2, fraction=0.5),
        Shuffle(number=1, fraction=0.67, iteration=1),
    )
    project = small(root, shuffles=shuffles)
    name = {"ask": "1", "fraction": "50/1", "full name": "iteration-1/67/1", "unknown": "7"}[case]
    options = (*NO_VIDEOS, "--split", name)
    if case == "ask":
        words = ("iteration-0/80/1", "iteration-0/50/1")
        return Outcome(project, options, exit_code=3, errors={"several-splits"}, says={"several-splits": words})
    if case == "unknown":
        return Outcome(project, options, exit_code=3, errors={"unknown-split"}, says={"unknown-split": ("--split 7",)})
    full = name if case == "full name" else "iteration-0/50/1"
    return Outcome(project, options, test_frames=_held_out(project, full))


class _Payload:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


@variant(94, "stereo calibration")
def stereo(root: Path) -> Outcome:
    """Of a 3D project, with code in its pickle, which is not run."""
    (root / "camera_matrix").mkdir(parents=True)
    marker = root.with_name("pwned")
    (root / "camera_matrix" / "stereo_params.pickle").write_bytes(pickle.dumps(_Payload(marker)))
    (root / "config.yaml").write_text(THREE_D.replace("num_cameras: 2", "num_cameras: 3"), encoding="utf-8")

    return Outcome(
        BuiltProject(root, "reach", "Anna", "2021-08-30", (), (), (), ()),
        exit_code=3,
        errors={"camera-project-missing", "unsafe-pickle"},
        check=lambda target, result: _assert_absent(marker),
    )


def _assert_absent(marker: Path) -> None:
    assert not marker.exists()
