"""Two undisturbed runs make the same bytes, but for the files that docs/architecture.md names."""

import re
import shutil
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from archives import SMALL, build_archive
from builder import Session, Video, build_project
from command import dlc2lp, start
from dlc_analysis import Analysis, add_analysis

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/architecture.md"


def differing() -> list[str]:
    """The patterns of files that may differ, as the document lists them."""
    (section,) = re.findall(r"^## What two runs write alike\n(.*?)^## ", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
    patterns = re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)
    assert len(patterns) > 3
    return patterns


def written(folder: Path) -> dict[str, bytes]:
    """Every file of a folder whose bytes are promised, by its path."""
    patterns = differing()
    paths = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {
        name: path.read_bytes()
        for name, path in paths.items()
        if not any(fnmatchcase(name, pattern) or fnmatchcase(f"/{name}", pattern) for pattern in patterns)
    }


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Projects with videos to place, to repack and to encode, predictions, machine labels; one with a question."""
    root = tmp_path_factory.mktemp("same") / "root"
    build_archive(root, 2)
    sessions = (
        Session("m1"),
        Session("m2", video=Video(suffix=".mov"), image_mode="gray16"),
        Session("m3", video=Video(suffix=".avi", codec="mpeg4"), unlabeled=(7,)),
    )
    many = build_project(root / "many", **{**SMALL, "sessions": sessions, "extras": ("machinelabels", "drawn-on")})
    add_analysis(many, Analysis("m1"))
    build_project(root / "pair", **{**SMALL, "individuals": ("a", "b")})
    return root


def converted(source: Path, target: Path, *options: object) -> dict[str, bytes]:
    """What a conversion writes; the folder is gone afterwards, so that the next one may have its name."""
    assert dlc2lp("convert", source, target, *options).exit_code == 0
    files = written(target)
    shutil.rmtree(target)
    return files


def test_two_conversions_write_the_same_bytes(archive, tmp_path):
    one = converted(archive / "many", tmp_path / "lp", "--jobs", 1)
    assert {".dlc2lp/plan.json", ".dlc2lp/manifest.json", "configs/default.yaml", "videos/m3.mp4"} < one.keys()
    assert converted(archive / "many", tmp_path / "lp", "--jobs", 1) == one
    assert converted(archive / "many", tmp_path / "lp", "--jobs", 2) == one
    assert converted(archive / "many", tmp_path / "lp", "--verify", "none") == one


def batch_convert(archive: Path, out: Path, jobs: int) -> None:
    assert dlc2lp("batch", "convert", archive, out, "--jobs", jobs).exit_code == 1, "one project needs a decision"


def plan_run_finish(archive: Path, out: Path, jobs: int) -> None:
    for command in (("plan", archive, out), ("run", out), ("finish", out)):
        dlc2lp("batch", *command, "--jobs", jobs)


def two_workers(archive: Path, out: Path, jobs: int) -> None:
    """Two at the same time, each with its shard; planned and finished in two parts as well."""
    dlc2lp("batch", "plan", archive, out, "--list-only")
    for number in (2, 1):
        dlc2lp("batch", "plan", archive, out, "--shard", f"{number}/2")
    dlc2lp("batch", "plan", archive, out)
    workers = [start("batch", "run", out, "--shard", f"{number}/2", "--jobs", jobs) for number in (1, 2)]
    for worker in workers:
        _, told = worker.communicate(timeout=120)
        assert worker.returncode == 0, told
    for number in (2, 1):
        dlc2lp("batch", "finish", out, "--shard", f"{number}/2")
    dlc2lp("batch", "finish", out)


@pytest.fixture(scope="module")
def first(archive):
    """What the archive becomes in one go, in a folder that is free again."""
    out = archive.parent / "out"
    batch_convert(archive, out, 1)
    files = written(out)
    left_out = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()} - files.keys()
    shutil.rmtree(out)
    assert {"index.html", "report.json", "report.csv", ".dlc2lp-batch/index.jsonl", "decisions.yaml"} < files.keys()
    assert "times.csv" in left_out
    return files


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("way", [batch_convert, plan_run_finish, two_workers])
def test_two_archives_have_the_same_bytes(archive, first, way, jobs):
    out = archive.parent / "out"
    try:
        way(archive, out, jobs)
        second = written(out)
    finally:
        shutil.rmtree(out, ignore_errors=True)
    assert second.keys() == first.keys()
    assert [name for name in first if second[name] != first[name]] == []


def test_what_may_differ_is_what_differs(archive):
    """Every pattern of the list is of a file that there is, so that nothing is named that could be compared."""
    out = archive.parent / "more"
    assert dlc2lp("batch", "convert", archive, out).exit_code == 1
    assert dlc2lp("batch", "submit", out, "--shards", 2, "--dry-run").exit_code == 0
    assert dlc2lp("convert", archive / "many", out / "alone").exit_code == 0
    names = [path.relative_to(out).as_posix() for path in out.rglob("*")]
    slurm = ".dlc2lp-batch/slurm/*"  # written by `submit` without --dry-run
    assert [each for each in differing() if each != slurm and not any(fnmatchcase(n, each) for n in names)] == []
