"""A source is read once per command: each label file is opened once, each image is hashed once, as it is looked at.

Before a conversion writes a target's texts, it takes the digests of the files that they come from: they must be as they
were when they were read. At its end it does so again, with which the next one knows that they are as they were.
"""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from builder import build_project

#: Runs a command and prints how often it opened label files and configurations, and hashed images of the source.
WATCHED = """
import collections, json, sys
import h5py
from dlc2lp.cli import main
from dlc2lp.dlc import images

opened, hashed = collections.Counter(), collections.Counter()
root, *arguments = sys.argv[1:]

def watch(event, args):
    # One that opens with flags of its own is heard of twice, the second time without a mode.
    if event == "open" and isinstance(args[0], str) and args[0].startswith(root) and args[1] is not None:
        if args[0].endswith((".csv", ".yaml")):
            opened[args[0]] += 1

class File(h5py.File):
    def __init__(self, name, *others, **options):
        opened[str(name)] += 1
        super().__init__(name, *others, **options)

def digest_opened(file, size, original=images.digest_opened):
    hashed[str(file.name)] += 1
    return original(file, size)

h5py.File = File
images.digest_opened = digest_opened
sys.addaudithook(watch)
code = main.run(arguments)
print("COUNTS", json.dumps([code, opened, hashed]))
"""


def counts(root: Path, *arguments: object) -> tuple[Counter[str], Counter[str]]:
    command = [sys.executable, "-c", WATCHED, str(root), *map(str, arguments)]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    code, opened, hashed = json.loads(process.stdout.rpartition("COUNTS ")[2])
    assert code == 0, process.stderr
    return Counter(opened), Counter(hashed)


def expect_once(project, opened, hashed, n_images, *, n_written=0, kept=False):
    label_files = [str(path) for path in (project.root / "labeled-data").rglob("CollectedData*")]
    # What h5py opens is counted, not what takes the digest of the same file.
    expected = {path: 1 + (n_written + kept if path.endswith(".csv") else 0) for path in label_files}
    assert {path: opened[path] for path in label_files} == expected
    assert opened[str(project.config)] == 1 + n_written + kept
    images = Counter(path for path in hashed.elements() if Path(path).parent.parent.name == "labeled-data")
    assert (len(images), set(images.values())) == (n_images, {1})


def test_a_project_that_is_split_into_three_is_read_once(tmp_path):
    project = build_project(
        tmp_path / "dlc", sessions=("m1", "m2"), frames=(2, 5), individuals=("a", "b", "c"), unique=("box",)
    )
    for arguments, n_written in (
        (("inspect", project.root), 0),
        (("convert", project.root, tmp_path / "lp", "--dry-run"), 0),
        (("convert", project.root, tmp_path / "lp"), 4),
    ):
        found = counts(tmp_path / "dlc", *arguments, "--individuals", "split")
        expect_once(project, *found, n_images=4, n_written=n_written)
    assert sorted(path.name for path in (tmp_path / "lp").iterdir()) == ["a", "b", "c", "single"]


@pytest.mark.parametrize("command", ["inspect", "convert", "dry-run", "again"])
def test_one_camera_and_several_are_read_once(tmp_path, command):
    project = build_project(tmp_path / "dlc", sessions=("m1_top", "m1_side"), frames=(2, 5), files=("csv", "h5"))
    for views in ((), ("--view-pattern", "{session}_{view}")):
        target = tmp_path / f"lp{len(views)}"
        arguments = {
            "inspect": ("inspect", project.root),
            "convert": ("convert", project.root, target),
            "dry-run": ("convert", project.root, target, "--dry-run"),
            "again": ("convert", project.root, target, "--verify", "full"),
        }[command]
        if command == "again":
            counts(tmp_path / "dlc", *arguments, *views)
        kept = command in {"convert", "again"}
        found = counts(tmp_path / "dlc", *arguments, *views)
        expect_once(project, *found, n_images=4, n_written=int(command == "convert"), kept=kept)


def test_each_project_of_an_archive_is_read_once_to_plan_it(tmp_path):
    archive = tmp_path / "archive"
    project = build_project(archive / "mice", sessions=("m1",), frames=(2, 5), individuals=("a", "b"))
    single = build_project(archive / "one", sessions=("m1",), frames=(2, 5))
    planned = ("batch", "plan", archive, tmp_path / "out", "--individuals", "split", "--jobs", "1")
    opened, hashed = counts(archive, *planned)
    for each in (project, single):
        own = Counter({path: n for path, n in hashed.items() if path.startswith(str(each.root))})
        expect_once(each, opened, own, n_images=2)
