"""What people read of an archive: project by project, each finding once, and one next command."""

import json
import os
import re
import shlex
import subprocess

import click
import pytest
from archives import build_archive
from builder import build_project
from command import dlc2lp, start, wait_for

from dlc2lp.batch.status import _left_s
from dlc2lp.batch.worklog import Worker
from dlc2lp.cli.options import options_of
from dlc2lp.declared import typed
from dlc2lp.folding import kinds_in
from dlc2lp.model import Finding, Severity
from dlc2lp.options import Options


@pytest.fixture(scope="module")
def messy(tmp_path_factory):
    """An archive in which one kind of trouble comes often, a project wants a decision, and others are whole."""
    root = tmp_path_factory.mktemp("messy") / "root"
    build_archive(root, 2, n_encoded=0)
    for number in range(4):
        lossy = build_project(root / f"lossy{number}", sessions=("m1",), video="none")
        next((lossy.root / "labeled-data/m1").glob("*.png")).unlink()
    build_project(root / "pair", sessions=("m1",), individuals=("a", "b"), video="none")
    out = root.with_name("the lp")
    return root, out, dlc2lp("batch", "convert", root, out)


def test_an_archive_is_told_project_by_project_each_finding_once(messy):
    _, out, told = messy
    lines = told.stdout.splitlines()
    titles = [line.partition(":")[0] for line in lines if line and not line.startswith(" ")]
    assert titles[:3] == ["written, but not all of it arrived", "not written, needs a decision", "done"]
    assert told.stdout.count("found a row of labels and no such") == 1
    assert "and 3 further projects: lossy1, lossy2, lossy3" in told.stdout
    assert [f"  lossy{number}" in lines for number in range(4)] == [True] * 4
    assert "  pair" in lines
    assert told.stdout.count("several-individuals") == 1
    assert "several-individuals" not in told.stderr  # what is told at the end is not told before
    every = dlc2lp("batch", "finish", out, "--all-findings")
    assert every.stdout.count("missing-image") == 4


def test_all_texts_name_the_same_command_that_goes_on(messy, tmp_path):
    root, out, told = messy
    command = shlex.join(["dlc2lp", "batch", "convert", str(root), str(out)])
    assert told.stdout.count(command) == 1
    assert command in (out / "decisions.yaml").read_text(encoding="utf-8")
    planned = dlc2lp("batch", "plan", root, tmp_path / "lp", "--crf", 20, "--no-context-frames")
    command = shlex.join(
        ["dlc2lp", "batch", "plan", str(root), str(tmp_path / "lp"), "--no-context-frames", "--crf=20"]
    )
    for text in (planned.stdout, (tmp_path / "lp/decisions.yaml").read_text(encoding="utf-8")):
        assert command in text
    assert dlc2lp("batch", "run", tmp_path / "lp").exit_code == 0
    told = dlc2lp("batch", "finish", tmp_path / "lp").stdout
    assert command.replace(" plan ", " convert ") in told  # it knows what was chosen
    assert dlc2lp(*shlex.split(command)[1:]).exit_code == 1


def test_an_archive_that_is_stopped_says_how_much_of_it_is_done(messy, tmp_path):
    root, _, _ = messy
    process = start("batch", "convert", root, tmp_path / "lp")
    wait_for((tmp_path / "lp/.dlc2lp-batch").exists, process)
    process.terminate()
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 75
    said = " ".join(stderr.split())
    assert re.search(r"stopped by a signal(; \d+ of \d+ |;? ?planned \d+ of \d+|$| \[)", said), said
    assert shlex.join(["dlc2lp", "batch", "convert", str(root), str(tmp_path / "lp")]) in said


def test_what_would_be_submitted_is_shown_as_it_is_typed(messy, tmp_path):
    root, _, _ = messy
    out = tmp_path / "the lp"
    assert dlc2lp("batch", "plan", root, out).exit_code == 1
    told = dlc2lp("batch", "submit", out, "--shards", 3, "--dry-run").stdout
    folder = out / ".dlc2lp-batch/slurm"
    typed = told[told.index("# what would be run") :].splitlines()[1:]
    assert typed == [
        f"cd {shlex.quote(str(folder))}",
        "run_1=$(sbatch --parsable run-1.sh)",
        'finish=$(sbatch --parsable "--dependency=afterany:${run_1%%;*}" finish.sh)',
    ]
    # A shell does with them what submitting does.
    (fake := tmp_path / "sbatch").write_text('#!/bin/sh\necho "$@" >> "$LOG"\necho "4711;here"\n', encoding="utf-8")
    fake.chmod(0o755)
    folder.mkdir(parents=True)
    env = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "LOG": str(tmp_path / "log")}
    subprocess.run(["bash", "-e"], input="\n".join(typed), text=True, env=env, check=True)
    assert (tmp_path / "log").read_text().splitlines() == [
        "--parsable run-1.sh",
        "--parsable --dependency=afterany:4711 finish.sh",
    ]
    assert not json.dumps(typed).count("None")


def worker(cost, seconds, n_cpus=2):
    return Worker("w", began_s=1000.0 - seconds, cost=cost, n_cpus=n_cpus)


@pytest.mark.parametrize(
    ("workers", "left_s"),
    [
        ((worker(4000, 100), worker(6000, 100)), 100.0),
        ((worker(4000, 9), worker(6000, 100)), None),  # one has only begun
        ((worker(1000, 100),), None),  # what it has in hand may be as much again and more
        ((worker(2000, 100),), 500.0),
        ((), None),
    ],
)
def test_the_time_left_is_told_where_what_is_in_hand_does_not_count(workers, left_s):
    assert _left_s(workers, 10_000, 1000, 1000.0) == left_s


def test_options_are_typed_as_they_are_read(tmp_path):
    (tmp_path / "a b").mkdir()
    chosen = Options.of({
        "individuals": "flatten", "crf": 20, "resize": (128, 256), "losses": ("temporal", "pca_singleview"),
        "views": (("top", "a b"), ("side", "c")), "square_size": 2.5, "context_frames": False, "mirror": ("_t", "_b"),
        "video_roots": (tmp_path / "a b", tmp_path), "data_dir": "/scratch/x",
    })  # fmt: skip
    taken = []

    @click.command()
    @options_of("convert")
    def command(**given):
        taken.append(Options.of(given))

    command(typed(chosen), standalone_mode=False)
    assert taken == [chosen]
    assert typed(Options()) == []


def test_kinds_are_told_by_severity_with_their_places():
    def finding(severity, code, n_alike=1):
        return Finding(severity, code, "s", "m", n_alike=n_alike)

    note, error = finding(Severity.NOTE, "odd"), finding(Severity.ERROR, "bad", 3)
    found = kinds_in({"a": [note, error], "b": [error], "c": [note, note]})
    assert [(kind.first.code, kind.n, kind.places) for kind in found] == [
        ("bad", 6, ("a", "b")),
        ("odd", 3, ("a", "c")),
    ]


def test_decisions_that_lie_elsewhere_are_named_there(messy, tmp_path):
    root, _, _ = messy
    decisions = tmp_path / "my decisions.yaml"
    told = dlc2lp("batch", "convert", root, tmp_path / "lp", "--decisions", decisions).stdout
    words = ["dlc2lp", "batch", "convert", root, tmp_path / "lp", f"--decisions={decisions}"]
    assert shlex.join(map(str, words)) in told
    assert f"in {decisions}" in " ".join(told.split())
