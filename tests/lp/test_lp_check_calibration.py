"""The check of calibration files: silent for good ones, and each way to break one has its name."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from lp_targets import label_rows, make_multiview_target, png_bytes, together
from rig import write_anipose

from dlc2lp.lp.check import check_target
from dlc2lp.lp.labels import render_labels
from dlc2lp.model import Finding, Severity

VIEWS = ("top", "side")
SIZE = (64, 48)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of two views and two sessions."""
    target = make_multiview_target(tmp_path_factory.mktemp("good") / "views")
    for view in VIEWS:
        rows = [row for session in ("s1", "s2_b") for row in label_rows(f"{session}_{view}", 4, 2)]
        for row in rows[4:]:
            (target / row.image).parent.mkdir(exist_ok=True)
            (target / row.image).write_bytes(png_bytes())
        text = render_labels("Ann", ("snout", "tail"), together(rows, 2))
        (target / f"CollectedData_{view}.csv").write_text(text, "utf-8")
    return target


@pytest.fixture
def target(made: Path, tmp_path: Path) -> Path:
    copy = Path(shutil.copytree(made, tmp_path / "views"))
    config = copy / "configs" / "default.yaml"
    there, here = (json.dumps(str(path.resolve()))[1:-1] for path in (made, copy))
    config.write_text(config.read_text("utf-8").replace(there, here), "utf-8")
    return copy


def found(target: Path) -> list[Finding]:
    return check_target(target, every_image=False)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def test_good_calibrations(target: Path) -> None:
    assert found(target) == []
    for name in ("s1", "s2_b"):
        write_anipose(target / f"calibrations/{name}.toml", VIEWS, SIZE)
    assert found(target) == []
    (target / "calibrations/s1.toml").unlink()
    write_anipose(target / "calibration.toml", VIEWS, SIZE)
    assert found(target) == []


BREAKERS: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "cut off": (lambda path: path.write_text(path.read_text()[:300]), "target-calibration-invalid", "expected"),
    "no camera": (lambda path: path.write_text("[metadata]\n"), "target-calibration-invalid", "no camera"),
    "no text": (lambda path: path.write_bytes(b"\xff\xfe"), "target-calibration-invalid", "can't be read"),
    "nan": (lambda path: edit(path, "[0.0, 0.3, 0.0]", "[0.0, nan, 0.0]"), "target-calibration-invalid", "nan"),
    "key missing": (lambda path: edit(path, "translation = ", "place = "), "target-calibration-invalid", "translation"),
    "no size": (lambda path: edit(path, "size = ", "area = "), "target-calibration-invalid", "no size of top"),
    "one coefficient less": (
        lambda path: edit(path, "[0.0, 0.0, 0.0, 0.0, 0.0]", "[0.0, 0.0, 0.0, 0.0]"),
        "target-calibration-invalid",
        "top 4, side 5",
    ),
    "another camera": (lambda path: edit(path, '"side"', '"back"'), "target-calibration-views", "top, back"),
    "another order": (
        lambda path: write_anipose(path, ("side", "top"), SIZE),
        "target-calibration-views",
        "found the cameras side, top, expected the views in their order: top, side",
    ),
    "another size": (lambda path: edit(path, "[64, 48]", "[48, 64]"), "target-calibration-size", "48x64"),
}


@pytest.mark.parametrize("case", BREAKERS)
@pytest.mark.parametrize("name", ["calibration.toml", "calibrations/s2_b.toml"])
def test_broken_calibrations(target: Path, case: str, name: str) -> None:
    write_anipose(target / "calibration.toml", VIEWS, SIZE)
    act, code, says = BREAKERS[case]
    act(write_anipose(target / name, VIEWS, SIZE))
    findings = found(target)
    assert {(each.severity, each.code, each.subject) for each in findings} == {(Severity.ERROR, code, name)}
    assert says in findings[0].message


def test_a_calibration_for_some_sessions(target: Path) -> None:
    write_anipose(target / "calibrations/s1.toml", VIEWS, SIZE)
    (finding,) = found(target)
    assert (finding.code, finding.severity) == ("target-calibration-partial", Severity.ERROR)
    assert "s2_b" in finding.message
    (target / "calibrations/s1.toml").rename(target / "calibrations/later.toml")
    assert found(target) == []  # Lightning Pose then has none at all


def test_one_odd_image_is_no_fault_of_the_calibration(target: Path) -> None:
    write_anipose(target / "calibration.toml", VIEWS, SIZE)
    image = sorted((target / "labeled-data/s1_top").iterdir())[0]
    image.write_bytes(png_bytes(32, 48))
    assert "target-calibration-size" not in {each.code for each in found(target)}


def test_one_label_file_for_two_views(target: Path) -> None:
    edit(target / "configs/default.yaml", "CollectedData_side.csv]", "CollectedData_top.csv]")
    (finding,) = found(target)
    assert (finding.code, finding.where) == ("target-config-value", "data.csv_file")
    assert "for each view" in finding.message
