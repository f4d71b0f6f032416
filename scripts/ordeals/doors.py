"""Which files are mutated, how, and the smallest command that reads each through the front door."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

from ordeals import inputs
from ordeals.binaries import mutated_bytes, mutated_media, mutated_pickle
from ordeals.children import in_child, run
from ordeals.hdf import mutated_hdf
from ordeals.kill import must
from ordeals.texts import mutated_csv, mutated_json, mutated_text, mutated_yaml
from ordeals.trees import copy

Mutation = Callable[[Random, bytes], bytes]

_CLIPS = Path(__file__).resolve().parents[2] / "fixtures" / "clips"


@dataclass(frozen=True)
class Door:
    """Files that are mutated, and the commands that read them.

    Attributes
    ----------
    name
        What the files are.
    below, pattern
        The folder of the worker in which they lie, and which they are there.
    mutation
        How they are mutated.
    commands
        One of them is run, a ``;`` between several; ``{name}`` are folders of the worker,
        ``{file}`` the mutated file.
    weight
        How often.
    writes
        Folders of the worker that the commands may write to.
    """

    name: str
    below: str
    pattern: str
    mutation: Mutation
    commands: tuple[str, ...]
    weight: int
    writes: tuple[str, ...] = ()


_INSPECT = (
    "inspect {stills}",
    "inspect {stills} --labels csv",
    "convert {stills} {new} --dry-run",
    "inspect {stills}/labeled-data",
)
_CSV = ("inspect {csv}", "convert {csv} {new} --dry-run", "inspect {csv} --individuals flatten")
_TARGET = (
    "verify {target}",
    "convert {plain} {target}",
    "labels {target}",
    "config {target} --num-gpus 2",
    "export {target} {new} --dry-run",
)
_ARCHIVE = (
    "batch status {out}",
    "batch run {out} --jobs 1",
    "batch finish {out} --jobs 1",
    "batch plan {archive} {out} --jobs 1",
    "batch submit {out} --dry-run --shards 2",
)
_WRITES_TARGET, _WRITES_OUT = ("target", "new"), ("out",)

DOORS = (
    Door("CSV labels", "csv", "labeled-data/m1/CollectedData_*.csv", mutated_csv, _CSV, 16),
    Door("CSV labels beside HDF5", "stills", "labeled-data/m1/CollectedData_*.csv", mutated_csv, _INSPECT, 6),
    Door("HDF5 labels", "stills", "labeled-data/m1/CollectedData_*.h5", mutated_hdf, _INSPECT, 14),
    Door("HDF5 labels as a table", "old", "labeled-data/m1/CollectedData_*.h5", mutated_hdf, ("inspect {old}",), 8),
    Door("machine labels", "stills", "labeled-data/m1/machinelabels.csv", mutated_csv, _INSPECT[:1], 3),
    Door("machine labels in HDF5", "stills", "labeled-data/m1/machinelabels-iter0.h5", mutated_hdf, _INSPECT[:1], 3),
    Door("labels of several animals", "animals", "labeled-data/m1/CollectedData_*.h5", mutated_hdf,
         ("inspect {animals} --individuals flatten",), 4),
    Door("CSV of several animals", "animals", "labeled-data/m1/CollectedData_*.csv", mutated_csv,
         ("inspect {animals} --labels csv",), 4),
    Door("config.yaml", "csv", "config.yaml", mutated_yaml, _CSV, 12),
    Door("config.yaml of several animals", "animals", "config.yaml", mutated_yaml, ("inspect {animals}",), 4),
    Door("images", "csv", "labeled-data/m1/img*.png", mutated_media, _CSV[:2], 10),
    Door("JPEG images", "old", "labeled-data/m1/img*.jpg", mutated_media, ("inspect {old}",), 5),
    Door("videos", "clips", "*", mutated_media, ("video check {file}",), 10),
    Door("videos of a project", "analyzed", "videos/m1.mp4", mutated_media, ("inspect {analyzed}",), 2),
    Door("predictions in HDF5", "analyzed", "videos/m1DLC*.h5", mutated_hdf, ("inspect {analyzed}",), 3),
    Door("predictions in CSV", "analyzed", "videos/m1DLC*.csv", mutated_csv, ("inspect {analyzed}",), 1),
    Door("notes of predictions", "analyzed", "videos/*_meta.pickle", mutated_pickle, ("inspect {analyzed}",), 3),
    Door("train/test splits", "stills", "training-datasets/**/Documentation_*.pickle", mutated_pickle,
         ("inspect {stills} --split iteration-0/80/1", "inspect {stills} --split list"), 8),
    Door("merged labels of a training set", "stills", "training-datasets/**/CollectedData_*.h5", mutated_hdf,
         ("inspect {stills} --split iteration-0/80/1",), 2),
    Door("metadata.yaml", "stills", "training-datasets/**/metadata.yaml", mutated_yaml,
         ("inspect {stills} --split list",), 1),
    Door("calibrations", "cameras", "reach-3d/camera_matrix/*.pickle", mutated_pickle,
         ("inspect {cameras}/reach-3d",), 2),
    Door("state of a target", "target", ".dlc2lp/**/*.json", mutated_json, _TARGET, 12, _WRITES_TARGET),
    Door("labels of a target", "target", "CollectedData*", mutated_csv, _TARGET, 5, _WRITES_TARGET),
    Door("settings of a target", "target", "*/*.yaml", mutated_yaml, _TARGET, 3, _WRITES_TARGET),
    Door("state of an archive", "out", ".dlc2lp-batch/**/*.json*", mutated_json, _ARCHIVE, 8, _WRITES_OUT),
    Door("other state of an archive", "out", ".dlc2lp-batch/**/*", mutated_bytes, _ARCHIVE, 2, _WRITES_OUT),
    Door("decisions.yaml", "out", "decisions.yaml", mutated_yaml, ("batch plan {archive} {out} --jobs 1",), 3,
         _WRITES_OUT),
    Door("plans of an archive", "out", "*/.dlc2lp/plan.json", mutated_json, _ARCHIVE[:4], 3, _WRITES_OUT),
    Door("queues of a target", "target", "*.jsonl", mutated_json, _TARGET, 2, _WRITES_TARGET),
    Door("any text of a project", "csv", "**/*.*", mutated_text, _CSV, 3),
)  # fmt: skip


_DECISIONS = """\
one:
  scorer: Anna
  crf: 20
  resize: 256x384
  context-frames: false
"two: copy":
  skip: true
"""


def make_folders(root: Path) -> None:
    """Make everything that the doors lead to, in a new folder."""
    root.mkdir()
    for build, name in (
        (inputs.build_stills, "stills"),
        (partial(inputs.build_stills, files=("csv",), shuffles=()), "csv"),
        (partial(inputs.build_stills, era="A", image_suffix=".jpg", shuffles=()), "old"),
        (partial(inputs.build_stills, individuals=("a", "b"), shuffles=()), "animals"),
        (inputs.build_analyzed, "analyzed"),
        (partial(inputs.build_stills, shuffles=()), "plain"),
        (partial(inputs.build_stills, shuffles=(), files=("csv",)), "archive/one"),
    ):
        (root / name).parent.mkdir(exist_ok=True)
        in_child(partial(build, root / name))
    copy(_CLIPS, root / "clips")
    in_child(partial(inputs.build_cameras, root / "cameras"))
    (root / "out").mkdir()
    (root / "out" / "decisions.yaml").write_text(_DECISIONS, encoding="utf-8")
    (root / "outside").mkdir()
    (root / "outside" / "precious").write_bytes(b"precious\n")
    for words in (
        ("convert", root / "plain", root / "target"),
        ("batch", "plan", root / "archive", root / "out"),
        ("batch", "run", root / "out", "--jobs", "1"),
        ("batch", "finish", root / "out", "--jobs", "1"),
    ):
        must(run(*words))
