"""Memory is bounded whatever a file claims: each command runs with less address space than the file asks for.

The limit that stops it is told with its number and with what raises it.
"""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from builder import BuiltProject, build_project
from command import Result, dlc2lp

resource = pytest.importorskip("resource", reason="only POSIX limits the memory of a process")

#: What Python, numpy, pandas, OpenCV, PyAV and HDF5 take of addresses with nothing loaded is 2 GB and more; of memory
#: 0.2 GB.
ADDRESSES_BYTES = 4 * 2**30
PEAK_BYTES = 10**9


#: Runs a command with so many addresses, and writes down the most memory that it took.
LAUNCHER = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]),) * 2)
from dlc2lp.cli.main import run
exit_code = run(sys.argv[3:])
with open(sys.argv[2], "w") as file:
    file.write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))
sys.exit(exit_code)
"""


def within_memory(folder: Path, *arguments: object, env: dict[str, str] | None = None) -> Result:
    """Run a command that must not take more than 1 GB, nor ask for many times that."""
    peak = folder / "peak"
    process = subprocess.run(
        [sys.executable, "-c", LAUNCHER, str(ADDRESSES_BYTES), str(peak), *map(str, arguments)],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"} | (env or {}),
        timeout=180,
        check=False,
    )
    assert "Traceback" not in process.stderr, process.stderr
    assert "internal-error" not in process.stderr, process.stderr
    assert "MemoryError" not in process.stdout + process.stderr, process.stderr
    peak_bytes = int(peak.read_text()) * (1 if sys.platform == "darwin" else 1024)
    assert peak_bytes < PEAK_BYTES, f"{peak_bytes / 1e6:.0f} MB"
    return Result(process.returncode, process.stdout, process.stderr)


def png(width_px: int, height_px: int, pixels: bytes = b"") -> bytes:
    """A PNG whose header says a size, and whose checksums are right."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width_px, height_px, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")


def grown(path: Path, n_bytes: int) -> None:
    """Make a file longer by zeros that take no room on the disk."""
    with path.open("r+b") as file:
        file.truncate(n_bytes)


def columns(project: BuiltProject, n: int) -> None:
    """Give the label file so many more columns, which hold no coordinates."""
    path = project.label_file("m1", "csv")
    scorers, parts, coords, *rows = path.read_text(encoding="utf-8").splitlines()
    scorers, coords = scorers + ",A" * n, coords + ",z" * n
    parts += "".join(f",p{k}" for k in range(n))
    path.write_text("\n".join([scorers, parts, coords, *(row + ",7" * n for row in rows)]) + "\n", encoding="utf-8")


def one_line(project: BuiltProject) -> None:
    project.label_file("m1", "csv").write_bytes(b"scorer," + b"a" * 150_000_000)


def commas(project: BuiltProject) -> None:
    path = project.label_file("m1", "csv")
    path.write_bytes(path.read_bytes() + b"," * 50_000_000)


def values(project: BuiltProject) -> None:
    project.config.write_bytes(project.config.read_bytes() + b"\nx: [" + b"a," * 3_000_000 + b"a]\n")


def trillion(project: BuiltProject) -> None:
    """A thousand million rows of zeros in a file of some kilobytes."""
    project.label_file("m1", "csv").unlink()
    with h5py.File(project.label_file("m1", "h5"), "r+") as file:
        group = file["df_with_missing"]
        attributes = dict(group["block0_values"].attrs)
        del group["block0_values"]
        array = group.create_dataset("block0_values", (10**9, 1000), "f8", chunks=(100, 1000), compression="gzip")
        array.attrs.update(attributes)


def names(project: BuiltProject) -> None:
    """Names of rows that unpack to 900 MB."""
    project.label_file("m1", "csv").unlink()
    with h5py.File(project.label_file("m1", "h5"), "r+") as file:
        group = file["df_with_missing"]
        name = next(each for each in sorted(group, reverse=True) if each.startswith(("axis1_level", "axis1")))
        attributes = dict(group[name].attrs)
        del group[name]
        array = group.create_dataset(name, (1_000_000,), "S900", chunks=(1000,), compression="gzip")
        array[...] = np.array(["a" * 800], "S900")
        array.attrs.update(attributes)


HOSTILE: dict[str, tuple[Callable[[BuiltProject], object], str, str]] = {
    "a million columns": (lambda project: columns(project, 1_000_000), "csv-too-large", "column"),
    "a text without a line end": (one_line, "csv-unreadable", "MB"),
    "a label file of 10 GB": (lambda project: grown(project.label_file("m1", "csv"), 10**10), "csv-unreadable", "GB"),
    "50 million cells": (commas, "csv-too-large", "cells"),
    "a config of 10 GB": (lambda project: grown(project.config, 10**10), "config-unreadable", "GB"),
    "a config of 3 million values": (values, "config-unreadable", "values"),
    "an image of 3600 megapixels": (
        lambda project: project.image("m1", project.rows["m1"][0]).write_bytes(png(60_000, 60_000)),
        "image-too-large",
        "pixels",
    ),
    "an image of 10 GB": (
        lambda project: grown(project.image("m1", project.rows["m1"][0]), 10**10),
        "image-unreadable",
        "GB",
    ),
    "an array of a trillion zeros": (trillion, "h5-too-large", "TB"),
    "names of 900 MB": (names, "h5-too-large", "MB"),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", HOSTILE)
def test_of_a_project(tmp_path: Path, what: str) -> None:
    spoil, code, unit = HOSTILE[what]
    project = build_project(tmp_path / "dlc", sessions=("m1", "m2"), frames=(2, 5), video="none")
    if code.startswith("csv"):
        project.label_file("m1", "h5").unlink()
    spoil(project)
    finding = within_memory(tmp_path, "inspect", project.root, "--json").finding(code)
    assert unit in finding["message"]
    assert "DLC2LP_MEMORY_GB" in finding["hint"] + finding["message"] or "damaged" in finding["hint"]


@pytest.mark.slow
def test_of_a_target(tmp_path: Path) -> None:
    project = build_project(tmp_path / "dlc", sessions=("m1",), frames=(2, 5))
    assert dlc2lp("convert", project.root, tmp_path / "lp").exit_code == 0
    grown(tmp_path / "lp/CollectedData.csv", 10**10)
    laughs = ["l0: &l0 [a, a, a, a, a, a, a, a, a, a]"]
    laughs += [f"l{k}: &l{k} [{', '.join([f'*l{k - 1}'] * 10)}]" for k in range(1, 9)]
    (tmp_path / "lp/project.yaml").write_text("\n".join([*laughs, "view_names: *l8\n"]), encoding="utf-8")
    (image,) = (tmp_path / "lp/labeled-data/m1").glob("*02.png")
    image.write_bytes(image.read_bytes()[:33] + struct.pack(">I", 2 * 10**9) + b"IDAT")
    grown(image, 3 * 10**9)
    with (tmp_path / "lp/CollectedData.unlabeled.jsonl").open("ab") as file:
        file.write(b"[" * 100_000_000)
    result = within_memory(tmp_path, "verify", tmp_path / "lp", "--json")
    assert result.exit_code == 1
    assert {"target-labels-unreadable", "target-project-invalid", "target-image-unreadable"} <= set(result.codes)
    assert "10 GB" in result.finding("target-labels-unreadable")["message"]


@pytest.mark.parametrize(("given", "exit_code"), [("0.0001", 3), ("1", 0), ("much", 2), ("-1", 2), ("inf", 2)])
def test_the_limit_is_raised_by_the_variable_that_it_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, exit_code: int
) -> None:
    project = build_project(tmp_path / "dlc", sessions=("m1",), frames=(2, 5), video="none")
    monkeypatch.setenv("DLC2LP_MEMORY_GB", given)
    result = dlc2lp("inspect", project.root, "--json")
    assert result.exit_code == exit_code, result.stderr
    if given == "0.0001":
        finding = result.finding("config-unreadable")
        assert "expected at most 800 bytes" in finding["message"]
        assert "set DLC2LP_MEMORY_GB=1" in finding["hint"]


def test_many_findings_of_one_kind_are_one(tmp_path: Path) -> None:
    project = build_project(tmp_path / "dlc", sessions=("m1",), frames=(2, 5), video="none")
    project.label_file("m1", "h5").unlink()
    columns(project, 3000)
    result = dlc2lp("inspect", project.root, "--json")
    (finding,) = [each for each in result.document["findings"] if each["code"] == "foreign-columns"]
    assert finding["n_alike"] == 3000
    assert finding["message"].endswith("; 3000 of this kind in all")
    assert finding["where"].startswith("column ")
    assert finding["where"].endswith("and 995 more") or "more" in finding["where"]
    every = dlc2lp("inspect", project.root, "--json", "--all-findings")
    listed = [each for each in every.document["findings"] if each["code"] == "foreign-columns"]
    assert len(listed) == 1000
    assert sum(each.get("n_alike", 1) for each in listed) == 3000
    assert len(dlc2lp("inspect", project.root, "--json").stdout) < 20_000  # and the next run is as it was
