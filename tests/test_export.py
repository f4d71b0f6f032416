"""The way back: a target's labels as a DeepLabCut project, bit for bit and under DeepLabCut's own names."""

from __future__ import annotations

import csv
import json
import math
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
from builder import BuiltProject, Session, build_project, snapshot
from command import Result, dlc2lp
from exports import bits, csv_rows, exported_cells
from golden import OPTIONS, PROJECTS, sources
from test_former_targets import OPTIONS as FORMER_OPTIONS
from test_former_targets import finished_by_former_version
from variants import VARIANTS, Variant
from variants.table import labels_of

import dlc2lp as library
from dlc2lp.dlc.config import read_config
from dlc2lp.dlc.hdf import read_hdf

#: Options of a conversion that the same labels need again to become the same label files.
AGAIN = {
    "--videos",
    "--individuals",
    "--frame-names",
    "--empty-frames",
    "--visibility",
    "--nan-means",
    "--derived-crops",
}

#: One form of each variant: what the others differ in is gone once they are converted.
CASES = [pytest.param(variant, variant.cases[0], id=variant.ids()[0]) for variant in VARIANTS]


def export(target: Path, folder: Path, *options: object) -> Result:
    return dlc2lp("export", target, folder, *options, "--json")


def small(root: Path, **options: Any) -> BuiltProject:
    return build_project(root, **({"frames": (2, 5, 9), "video": "none", "sessions": ("m1",)} | options))


def converted(project: BuiltProject, target: Path, *options: object) -> Path:
    result = dlc2lp("convert", project.root, target, "--videos", "none", *options)
    assert result.exit_code == 0, result.stderr
    return target


def truth(project: BuiltProject) -> dict[tuple[str, str, str, str], tuple[float, float]]:
    """The builder's labels by (folder, image, individual, bodypart)."""
    return {(key[0], key[1], key[2] if len(key) == 4 else "", key[-1]): point for key, point in project.labels.items()}


def contents(root: Path) -> dict[str, bytes | None]:
    """Everything below a folder, folders as None; without times, which a second writing changes."""
    return {str(path.relative_to(root)): None if path.is_dir() else path.read_bytes() for path in root.rglob("*")}


def rewrite(target: Path, change: Callable[[list[list[str]]], None], name: str = "CollectedData.csv") -> None:
    """Change the cells of a label file, header included, as a person or the app does."""
    with (target / name).open(encoding="utf-8", newline="") as file:
        lines = list(csv.reader(file))
    change(lines)
    with (target / name).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(lines)


# --- there and back ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("variant", "case"), CASES)
def test_every_variant_comes_back_bit_for_bit(tmp_path: Path, variant: Variant, case: str) -> None:
    """Convert, export, compare each cell with the source; converted again it makes the same label files."""
    outcome = variant.build(tmp_path / "dlc", case)
    if outcome.exit_code == 3:
        pytest.skip("not converted")
    source = outcome.project.root
    dlc2lp("convert", source, tmp_path / "lp", *outcome.options)
    before = snapshot(source)
    given = list(zip(outcome.options, outcome.options[1:], strict=False))
    again = [part for pair in given if pair[0] in AGAIN and pair[1] != "split" for part in pair]
    whole_source = labels_of(outcome.project) if outcome.labels is None else dict(outcome.labels)
    for name, labels in (outcome.targets or {"": whole_source}).items():
        target, folder = tmp_path / "lp" / name, tmp_path / f"back{name}"
        held = snapshot(target)
        result = export(target, folder)
        assert result.exit_code == 0, result.stderr
        assert {finding["severity"] for finding in result.document["findings"]} <= {"note"}
        assert (snapshot(source), snapshot(target)) == (before, held)
        expect_points(exported_cells(folder), labels)
        if "--split" in outcome.options or "--merge" in outcome.options:
            continue
        repeated = dlc2lp("convert", folder, tmp_path / f"again{name}", *again)
        assert repeated.exit_code == 0, repeated.stderr
        files = [path.name for path in target.glob("CollectedData*.csv")]
        assert {file: (tmp_path / f"again{name}" / file).read_bytes() for file in files} == {
            file: (target / file).read_bytes() for file in files
        }
        expect_images(tmp_path / f"again{name}", target)


def expect_points(found: Any, labels: Any) -> None:
    """Every point of the target's keypoints is there under its bodypart, and no other is."""
    points = {
        (folder, image, name): point
        for (folder, image, individual, bodypart), point in found.items()
        for name in ({bodypart, f"{individual}_{bodypart}"} if individual else {bodypart})
        if (folder, image, name) in labels
    }
    assert len(found) == len(labels)
    assert {key: tuple(map(bits, point)) for key, point in points.items()} == {
        key: tuple(map(bits, point)) for key, point in labels.items()
    }


def expect_images(one: Path, other: Path) -> None:
    """Two targets hold the same images under the same names, but for neighbors cut from a video."""
    images = {path.relative_to(one): path.read_bytes() for path in one.glob("labeled-data/*/*")}
    assert (
        images.items()
        <= {path.relative_to(other): path.read_bytes() for path in other.glob("labeled-data/*/*")}.items()
    )
    assert images


@pytest.mark.parametrize("name", sorted(OPTIONS))
def test_fixtures_come_back(tmp_path: Path, name: str) -> None:
    target, folder = tmp_path / "lp", tmp_path / "back"
    assert dlc2lp("convert", *sources(name), target, *OPTIONS[name]).exit_code == 0
    result = export(target, folder)
    assert result.exit_code == 0, result.stderr
    several = len(result.document["projects"]) > 1
    arguments: list[object] = []
    for made in result.document["projects"]:
        root = folder / made["views"][0] if several else folder
        original = PROJECTS / (f"{name}-{root.name}" if several else name)
        arguments += ["--view", f"{root.name}={root}"] if several else [root]
        assert made["path"] == str(root)
        assert exported_cells(root) == source_cells(original)
        config = read_config(root / "config.yaml")
        assert config.findings == ()
        folders = {path.name for path in root.glob("labeled-data/*")}
        assert {entry.stem for entry in config.video_sets} == folders
        for path in root.glob("labeled-data/*/*.png"):
            twin = original / path.relative_to(root)
            assert not twin.exists() or twin.read_bytes() == path.read_bytes()
    again = dlc2lp("convert", *arguments, tmp_path / "again", *OPTIONS[name], "--videos", "none")
    assert again.exit_code == 0, again.stderr
    for path in target.glob("CollectedData*.csv"):
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()


def source_cells(root: Path) -> Any:
    """The labelled points of a project's H5 files, whatever their layout, read by pandas."""
    found = {}
    for path in root.glob("labeled-data/*/CollectedData_*.h5"):
        table = pd.read_hdf(path)
        for index, row in zip(table.index, table.to_numpy(), strict=True):
            image = index[-1] if isinstance(index, tuple) else index.replace("\\", "/").rpartition("/")[2]
            for n, column in enumerate(table.columns):
                if column[-1] == "x" and not np.isnan(row[n]):
                    individual = column[1] if len(column) == 4 else ""
                    found[path.parent.name, image, individual, column[-2]] = (row[n], row[n + 1])
    return found


@pytest.mark.shared
def test_the_real_example_comes_back(tmp_path: Path, openfield: Path) -> None:
    assert dlc2lp("convert", openfield, tmp_path / "lp", "--videos", "none").exit_code == 0
    result = export(tmp_path / "lp", tmp_path / "back")
    (project,) = result.document["projects"]
    assert [(each["name"], each["n_labeled_frames"]) for each in project["folders"]] == [("m4s1", 116)]
    assert exported_cells(tmp_path / "back") == source_cells(openfield)
    assert dlc2lp("convert", tmp_path / "back", tmp_path / "again", "--videos", "none").exit_code == 0
    assert (tmp_path / "again/CollectedData.csv").read_bytes() == (tmp_path / "lp/CollectedData.csv").read_bytes()


# --- individuals ------------------------------------------------------------------------------------------


def two_mice(root: Path, **options: Any) -> BuiltProject:
    return small(root, individuals=("a", "b"), unique=("corner",), **options)


def test_flattened_individuals_come_back(tmp_path: Path) -> None:
    project = two_mice(tmp_path / "dlc")
    target = converted(project, tmp_path / "lp", "--individuals", "flatten")
    result = export(target, tmp_path / "back")
    assert exported_cells(tmp_path / "back") == truth(project)
    (made,) = result.document["projects"]
    assert (made["individuals"], made["unique_bodyparts"], made["is_config_new"]) == (["a", "b"], ["corner"], False)
    config = read_config(tmp_path / "back/config.yaml")
    assert (config.individuals, config.unique_bodyparts) == (("a", "b"), ("corner",))


def test_one_of_several_individuals_comes_back_and_the_others_are_named(tmp_path: Path) -> None:
    project = two_mice(tmp_path / "dlc")
    came = library.convert_individuals(project.root, tmp_path / "lp", videos="none")
    assert set(came) == {"a", "b", "single"}
    for name in came:
        result = export(tmp_path / "lp" / name, tmp_path / f"back-{name}")
        theirs = {key: point for key, point in truth(project).items() if key[2] == name}
        assert exported_cells(tmp_path / f"back-{name}") == theirs
        assert set(result.finding("export-individuals-absent")["subject"].split(", ")) == set(came) - {name}
        assert "stayed behind" in result.finding("export-left-in-source")["message"]
    refused = export(tmp_path / "lp", tmp_path / "all")
    assert (refused.exit_code, refused.codes) == (3, ["export-of-several"])
    assert not (tmp_path / "all").exists()


def test_keypoints_of_their_own_go_back_to_their_individuals(tmp_path: Path) -> None:
    """Individuals whose keypoints do not collide become plain keypoints; only the plan knows whose they were."""
    only = {
        ("m1", f"img{n:02d}.png", who, part): None for n in (2, 5, 9) for who, part in (("a", "tail"), ("b", "nose"))
    }
    project = small(tmp_path / "dlc", individuals=("a", "b"), bodyparts=("nose", "tail"), labels=only)
    target = converted(project, tmp_path / "lp")
    shutil.rmtree(project.root)
    export(target, tmp_path / "back")
    cells = exported_cells(tmp_path / "back")
    assert cells == truth(project)
    assert {key[2:] for key in cells} == {("a", "nose"), ("b", "tail")}


def test_all_columns_of_the_source_come_back(tmp_path: Path) -> None:
    """Columns without a label too: every individual has every bodypart, in the order of the configuration."""
    only = {("m1", f"img{n:02d}.png", "b", part): None for n in (2, 5, 9) for part in ("nose", "tail")}
    project = small(tmp_path / "dlc", individuals=("a", "b"), bodyparts=("nose", "tail"), labels=only)
    target = converted(project, tmp_path / "lp")
    export(target, tmp_path / "back")
    rows = csv_rows(tmp_path / "back/labeled-data/m1/CollectedData_Anna.csv")
    names = [("Anna", who, part) for who in ("a", "b") for part in ("nose", "tail")]
    assert [list(points) for points in rows.values()] == [names] * 3


# --- what people did since --------------------------------------------------------------------------------


def add_row(image: str, *cells: str) -> Callable[[list[list[str]]], None]:
    def change(lines: list[list[str]]) -> None:
        lines.append([image, *cells, *[""] * (len(lines[0]) - 1 - len(cells))])

    return change


def draw(path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((96, 128, 3), 99, np.uint8))
    return path.read_bytes()


def test_a_queued_frame_that_was_labelled_goes_back_under_its_name(tmp_path: Path) -> None:
    project = small(tmp_path / "dlc", unlabeled=(7, 11))
    target = converted(project, tmp_path / "lp")
    rewrite(target, add_row("labeled-data/m1/img00000007.png", "1.5", "2"))
    result = export(target, tmp_path / "back")
    assert exported_cells(tmp_path / "back") == truth(project) | {("m1", "img07.png", "", "nose"): (1.5, 2.0)}
    (folder,) = result.document["projects"][0]["folders"]
    assert (folder["n_labeled_frames"], folder["n_new_frames"], folder["n_unlabeled_frames"]) == (4, 0, 1)
    names = {path.name for path in (tmp_path / "back/labeled-data/m1").glob("*.png")}
    assert names == {path.name for path in project.folder("m1").glob("*.png")}


def test_frames_of_the_app_get_names_like_those_of_their_folder(tmp_path: Path) -> None:
    project = small(tmp_path / "dlc", sessions=("m 1", Session("m2", image_name=lambda n, _: f"img{n:04d}.png")))
    target = converted(project, tmp_path / "lp")
    for path, name in (
        ("labeled-data/m-1/img00000012.jpg", "m 1/img12.jpg"),
        ("labeled-data/m2/img00000013.jpg", "m2/img0013.jpg"),
        ("labeled-data/fresh/img00000014.jpg", "fresh/img0014.jpg"),
    ):
        content = draw(target / path)
        rewrite(target, add_row(path, "3", "4.25"))
        result = export(target, tmp_path / "back")
        folder, _, image = name.rpartition("/")
        assert exported_cells(tmp_path / "back")[folder, image, "", "nose"] == (3.0, 4.25)
        assert (tmp_path / "back/labeled-data" / name).read_bytes() == content
        assert result.exit_code == 0
    folders = result.document["projects"][0]["folders"]
    assert [(each["name"], each["n_new_frames"]) for each in folders] == [("fresh", 1), ("m 1", 1), ("m2", 1)]
    stems = [entry.stem for entry in read_config(tmp_path / "back/config.yaml").video_sets]
    assert set(stems) >= {"m 1", "m2", "fresh"}
    again = dlc2lp("convert", tmp_path / "back", tmp_path / "again", "--videos", "none")
    assert again.exit_code == 0, again.stderr


def test_a_frame_that_the_app_extracted_again_takes_no_other_frames_name(tmp_path: Path) -> None:
    project = small(tmp_path / "dlc", image_suffix=".jpg", image_name=lambda n, _: f"img{n:04d}.jpg")
    target = converted(project, tmp_path / "lp", "--frame-names", "keep")
    draw(target / "labeled-data/m1/img00000005.jpg")
    rewrite(target, add_row("labeled-data/m1/img00000005.jpg", "3", "4"))
    result = export(target, tmp_path / "back")
    cells = exported_cells(tmp_path / "back")
    assert cells == truth(project) | {("m1", "img00005.jpg", "", "nose"): (3.0, 4.0)}
    assert "img0005.jpg" in result.finding("export-frames-twice")["message"]


def test_new_frames_are_numbered_as_the_folder_is(tmp_path: Path) -> None:
    """DeepLabCut's numbers are off by one from the video; those of new frames must be off alike."""
    project = build_project(
        tmp_path / "dlc", sessions=("m1",), frames=(2, 5, 9), image_name=lambda n, _: f"img{n + 1:02d}.png"
    )
    assert dlc2lp("convert", project.root, tmp_path / "lp").exit_code == 0
    target = tmp_path / "lp"
    draw(target / "labeled-data/m1/img00000012.jpg")
    rewrite(target, add_row("labeled-data/m1/img00000012.jpg", "3", "4"))
    export(target, tmp_path / "back")
    assert ("m1", "img13.jpg", "", "nose") in exported_cells(tmp_path / "back")


def test_one_folder_that_became_several_sessions_is_one_again(tmp_path: Path) -> None:
    project = small(tmp_path / "dlc", frames=(2, 5), image_name=lambda n, _: f"07a-img{n:03d}.png")
    for path in sorted(project.folder("m1").glob("*.png")):
        shutil.copy(path, path.with_name(path.name.replace("07a", "12b")))
    target = converted(project, tmp_path / "lp")
    assert {path.name for path in (target / "labeled-data").iterdir()} == {"m1-07a", "m1-12b"}
    rewrite(target, add_row("labeled-data/m1-12b/img00000005.png", "3", "4"))
    draw(target / "labeled-data/m1-12b/img00000009.jpg")
    rewrite(target, add_row("labeled-data/m1-12b/img00000009.jpg", "5", "6"))
    result = export(target, tmp_path / "back")
    added = {("m1", "12b-img005.png", "", "nose"): (3.0, 4.0), ("m1", "12b-img009.jpg", "", "nose"): (5.0, 6.0)}
    assert exported_cells(tmp_path / "back") == truth(project) | added
    (folder,) = result.document["projects"][0]["folders"]
    assert folder["sessions"] == ["m1-07a", "m1-12b"]


def test_changed_deleted_and_new_keypoints_are_those_of_the_label_file(tmp_path: Path) -> None:
    project = small(tmp_path / "dlc")
    target = converted(project, tmp_path / "lp")

    def change(lines: list[list[str]]) -> None:
        lines[3][1:3] = ["10.5", "11.25"]
        lines[4][1:3] = ["", ""]
        del lines[5]
        for line, cells in zip(lines, (["Anna"] * 2, ["paw"] * 2, ["x", "y"], ["7", "8"], ["", ""]), strict=True):
            line.extend(cells)

    rewrite(target, change)
    result = export(target, tmp_path / "back")
    expected = {key: point for key, point in truth(project).items() if key[1] != "img09.png"}
    expected |= {("m1", "img02.png", "", "nose"): (10.5, 11.25), ("m1", "img02.png", "", "paw"): (7.0, 8.0)}
    del expected["m1", "img05.png", "", "nose"]
    assert exported_cells(tmp_path / "back") == expected
    assert read_config(tmp_path / "back/config.yaml").bodyparts[-1] == "paw"
    assert "paw" in result.finding("export-keypoints-new")["message"]
    assert "m1/img09.png" in result.finding("export-labels-removed")["message"]
    assert (tmp_path / "back/labeled-data/m1/img09.png").exists()


def test_the_apps_saving_costs_no_point_its_last_digit(tmp_path: Path) -> None:
    """The app reads and writes the whole file with pandas 2.3, whose parser is off in the last digit at times."""
    project = small(tmp_path / "dlc")
    target = converted(project, tmp_path / "lp")

    def save(lines: list[list[str]]) -> None:
        for line in lines[3:]:
            line[1:] = [repr(math.nextafter(float(cell), math.inf)) for cell in line[1:]]
        lines[3][1] = "12.5"

    rewrite(target, save)
    export(target, tmp_path / "back")
    nose = exported_cells(tmp_path / "back")["m1", "img02.png", "", "nose"]
    assert nose[0] == 12.5
    expected = truth(project) | {("m1", "img02.png", "", "nose"): nose}
    assert exported_cells(tmp_path / "back") == expected


def test_a_new_keypoint_of_an_individual_is_that_individuals(tmp_path: Path) -> None:
    project = two_mice(tmp_path / "dlc")
    target = converted(project, tmp_path / "lp", "--individuals", "flatten")

    def change(lines: list[list[str]]) -> None:
        for n, line in enumerate(lines):
            added = (["Anna"] * 4, ["b_paw", "b_paw", "door", "door"], ["x", "y"] * 2, ["7", "8", "1", "2"])
            line.extend(added[min(n, 3)])

    rewrite(target, change)
    export(target, tmp_path / "back")
    new = {(who, part): point for (_, image, who, part), point in exported_cells(tmp_path / "back").items()}
    assert (new["b", "paw"], new["single", "door"]) == ((7.0, 8.0), (1.0, 2.0))
    # Every individual has every bodypart, as DeepLabCut makes a training set of nothing else.
    points = next(iter(csv_rows(tmp_path / "back/labeled-data/m1/CollectedData_Anna.csv").values()))
    parts = [*project.bodyparts, "paw"]
    names = [*((who, part) for who in ("a", "b") for part in parts), ("single", "corner"), ("single", "door")]
    assert [name[1:] for name in points] == names
    config = read_config(tmp_path / "back/config.yaml")
    assert (config.bodyparts[-1], config.unique_bodyparts) == ("paw", ("corner", "door"))


def test_a_column_that_is_gone_is_named_and_empty(tmp_path: Path) -> None:
    target = converted(small(tmp_path / "dlc"), tmp_path / "lp")
    rewrite(target, lambda lines: [line.__delitem__(slice(1, 3)) for line in lines])
    result = export(target, tmp_path / "back")
    assert "nose" in result.finding("export-keypoints-gone")["message"]
    rows = csv_rows(tmp_path / "back/labeled-data/m1/CollectedData_Anna.csv")
    assert all(np.isnan(points["Anna", "", "nose"][0]) for points in rows.values())


def test_what_visible_says_is_counted(tmp_path: Path) -> None:
    project = small(tmp_path / "dlc", labels={("m1", "img02.png", "nose"): None})
    target = converted(project, tmp_path / "lp", "--visibility", "always")
    rewrite(target, lambda lines: lines[4].__setitem__(3, "0"))
    result = export(target, tmp_path / "back")
    assert exported_cells(tmp_path / "back") == truth(project)
    assert "1 empty point says" in result.finding("export-visible")["message"]
    assert "1 label that" in result.finding("export-visible-hides-labels")["message"]


def test_held_out_frames_come_back_too(tmp_path: Path) -> None:
    project = small(tmp_path / "dlc")
    target = converted(project, tmp_path / "lp")
    held: list[list[str]] = []
    rewrite(target, lambda lines: held.extend([*lines[:3], lines.pop()]))
    with (target / "CollectedData_test.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(held)
    result = export(target, tmp_path / "back")
    assert exported_cells(tmp_path / "back") == truth(project)
    assert "its 1 held-out frame" in result.finding("export-held-out")["message"]


# --- label files with faults ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        (lambda lines: lines[3].__setitem__(2, ""), "export-half-points", "img00000002.png, nose"),
        (lambda lines: lines[3].__setitem__(1, "left"), "export-half-points", "'left'"),
        (lambda lines: lines[3].__setitem__(1, "inf"), "export-half-points", "inf"),
        (add_row("labeled-data/m1/img00000099.png", "1", "2"), "export-images-missing", "img00000099.png"),
        (add_row("img00000002.png", "1", "2"), "export-rows-odd", "'img00000002.png'"),
        (add_row("labeled-data/../img1.png", "1", "2"), "export-rows-odd", "../img1.png"),
        (lambda lines: lines.append([*lines[3]]), "export-rows-twice", "img00000002.png"),
    ],
)
def test_a_fault_is_named_and_the_rest_goes_back(tmp_path: Path, change: Any, code: str, says: str) -> None:
    project = small(tmp_path / "dlc")
    target = converted(project, tmp_path / "lp")
    rewrite(target, change)
    result = export(target, tmp_path / "back")
    assert result.exit_code == 1
    finding = result.finding(code)
    assert (finding["severity"], finding["subject"]) == ("error", "CollectedData.csv")
    assert says in finding["message"]
    assert finding["hint"]
    expected = truth(project)
    if code == "export-half-points":
        del expected["m1", "img02.png", "", "nose"]
    assert exported_cells(tmp_path / "back") == expected


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda lines: lines.__delitem__(0), "target-labels-header"),
        (lambda lines: lines[0].__setitem__(slice(1, None), ["../../a"] * (len(lines[0]) - 1)), "export-scorer-odd"),
        (lambda lines: lines.__delitem__(slice(3, None)), "export-nothing"),
    ],
)
def test_a_label_file_that_is_none_is_refused(tmp_path: Path, change: Any, code: str) -> None:
    target = converted(small(tmp_path / "dlc"), tmp_path / "lp")
    rewrite(target, change)
    result = export(target, tmp_path / "back")
    assert code in result.codes
    assert result.exit_code in {1, 3}
    assert not (tmp_path / "back").exists()
    (target / "CollectedData.csv").unlink()
    assert export(target, tmp_path / "back").codes == ["target-labels-missing"]
    (target / "CollectedData.csv").write_bytes(b"scorer,\xff\xfe")
    assert export(target, tmp_path / "back").codes == ["target-labels-unreadable"]


# --- images -----------------------------------------------------------------------------------------------


def test_deep_images_come_back_as_they_were_or_as_they_are(tmp_path: Path) -> None:
    project = small(tmp_path / "dlc", image_mode="gray16")
    target = converted(project, tmp_path / "lp")
    export(target, tmp_path / "back")
    for path in project.folder("m1").glob("*.png"):
        assert (tmp_path / "back/labeled-data/m1" / path.name).read_bytes() == path.read_bytes()
    # A picture that somebody put in its place is what the labels belong to.
    drawn = draw(target / "labeled-data/m1/img00000002.png")
    assert "1 image is" in export(target, tmp_path / "drawn").finding("export-images-converted")["message"]
    assert (tmp_path / "drawn/labeled-data/m1/img02.png").read_bytes() == drawn
    shutil.rmtree(project.folder("m1"))
    result = export(target, tmp_path / "later")
    assert "3 images" in result.finding("export-images-converted")["message"]
    for path in (target / "labeled-data/m1").glob("*.png"):
        name = f"img{int(path.stem[3:]):02d}.png"
        assert (tmp_path / "later/labeled-data/m1" / name).read_bytes() == path.read_bytes()


def test_images_of_another_format_come_back_under_a_name_that_says_what_they_are(tmp_path: Path) -> None:
    project = small(tmp_path / "dlc", image_suffix=".tif")
    target = converted(project, tmp_path / "lp")
    export(target, tmp_path / "back")
    assert exported_cells(tmp_path / "back") == truth(project)
    assert (tmp_path / "back/labeled-data/m1/img02.tif").read_bytes() == project.image("m1", "img02.tif").read_bytes()
    shutil.rmtree(project.root)
    export(target, tmp_path / "later")
    expected = {(s, i.replace(".tif", ".png"), a, k): point for (s, i, a, k), point in truth(project).items()}
    assert exported_cells(tmp_path / "later") == expected


def test_a_lost_image_comes_from_the_source_if_that_has_it(tmp_path: Path) -> None:
    project = small(tmp_path / "dlc")
    target = converted(project, tmp_path / "lp")
    (target / "labeled-data/m1/img00000002.png").unlink()
    assert export(target, tmp_path / "back").exit_code == 0
    assert exported_cells(tmp_path / "back") == truth(project)
    project.image("m1", "img02.png").unlink()
    result = export(target, tmp_path / "later")
    assert "img00000002.png" in result.finding("export-images-missing")["message"]
    assert {key[1] for key in exported_cells(tmp_path / "later")} == {"img05.png", "img09.png"}


# --- the configuration ------------------------------------------------------------------------------------


@pytest.mark.parametrize("era", list("ABCDEFG"))
def test_the_sources_configuration_stays_but_for_what_would_be_wrong(tmp_path: Path, era: str) -> None:
    project = small(tmp_path / "dlc", era=era, config={"dotsize": 31, "colormap": "viridis"})
    target = converted(project, tmp_path / "lp")
    result = export(target, tmp_path / "back")
    assert result.document["projects"][0]["is_config_new"] is False
    before = project.config.read_text(encoding="utf-8").splitlines()
    after = (tmp_path / "back/config.yaml").read_text(encoding="utf-8").splitlines()
    changed = [line for line in before if line not in after]
    assert all("project_path" in line or ".mp4" in line or str(project.root) in line for line in changed), changed
    assert {"dotsize: 31", "colormap: viridis"} <= set(after)
    config = read_config(tmp_path / "back/config.yaml")
    assert (config.project_path, config.scorer, config.bodyparts) == (str(tmp_path / "back"), "Anna", project.bodyparts)
    assert config.findings == ()


def test_a_source_that_is_gone_leaves_a_whole_project(tmp_path: Path) -> None:
    project = two_mice(tmp_path / "dlc", sessions=("m 1",))
    target = converted(project, tmp_path / "lp", "--individuals", "flatten")
    shutil.rmtree(project.root)
    moved = target.rename(tmp_path / "moved")
    result = export(moved, tmp_path / "back")
    assert exported_cells(tmp_path / "back") == truth(project)
    assert result.finding("export-config-new")["severity"] == "note"
    config = read_config(tmp_path / "back/config.yaml")
    assert config.findings == ()
    assert (config.task, config.scorer, config.date) == ("reach", "Anna", "Aug30")
    assert (config.individuals, config.unique_bodyparts) == (("a", "b"), ("corner",))
    assert [entry.stem for entry in config.video_sets] == ["m 1"]
    again = dlc2lp("convert", tmp_path / "back", tmp_path / "again", "--individuals", "flatten", "--videos", "none")
    assert again.exit_code == 0, again.stderr
    assert (tmp_path / "again/CollectedData.csv").read_bytes() == (moved / "CollectedData.csv").read_bytes()


def test_videos_are_named_where_they_are(tmp_path: Path) -> None:
    project = build_project(tmp_path / "dlc", sessions=("m1", "m 2"), frames=(2, 5))
    assert dlc2lp("convert", project.root, tmp_path / "lp").exit_code == 0
    export(tmp_path / "lp", tmp_path / "back")
    entries = read_config(tmp_path / "back/config.yaml").video_sets
    assert {entry.recorded for entry in entries} == {str(path) for path in project.videos.values()}
    assert all(entry.crop == (0, 128, 0, 96) for entry in entries)
    shutil.rmtree(project.root)
    result = export(tmp_path / "lp", tmp_path / "later")
    entries = read_config(tmp_path / "later/config.yaml").video_sets
    assert str(tmp_path / "lp/videos/m1.mp4") in {entry.recorded for entry in entries}
    # The target calls the other one m-2, and DeepLabCut finds a folder by its video's name.
    assert {entry.stem for entry in entries} == {"m1", "m 2"}
    assert str(tmp_path / "lp/videos/m-2.mp4") in result.finding("export-video-missing")["hint"]
    assert not list((tmp_path / "later").rglob("*.mp4"))


# --- several views ----------------------------------------------------------------------------------------


def test_each_view_is_a_project_of_its_own(tmp_path: Path) -> None:
    roots = {}
    for view, part in (("top", "nose"), ("side", "tail")):
        roots[view] = small(tmp_path / view, bodyparts=("nose", "tail", part + "2"))
    views = [text for view, project in roots.items() for text in ("--view", f"{view}={project.root}")]
    result = dlc2lp("convert", tmp_path / "lp", *views, "--videos", "none")
    assert result.exit_code == 0, result.stderr
    result = export(tmp_path / "lp", tmp_path / "back")
    assert [project["views"] for project in result.document["projects"]] == [["top"], ["side"]]
    for view, project in roots.items():
        assert exported_cells(tmp_path / "back" / view) == truth(project)
        (rows,) = (csv_rows(path) for path in (tmp_path / "back" / view).rglob("*.csv"))
        # All views of the target have the columns of all; each project has those of its own.
        assert all([part for _, _, part in points] == list(project.bodyparts) for points in rows.values())
        assert read_config(tmp_path / "back" / view / "config.yaml").project_path == str(tmp_path / "back" / view)
    assert sorted(path.name for path in (tmp_path / "back").iterdir()) == ["dlc2lp-export.json", "side", "top"]
    assert export(tmp_path / "lp", tmp_path / "back").codes[-1] == "export-replaced"


# --- targets of former versions ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(FORMER_OPTIONS))
def test_a_former_target_comes_back(tmp_path: Path, name: str) -> None:
    finished_by_former_version(name, tmp_path / "lp")
    result = export(tmp_path / "lp", tmp_path / "back")
    assert result.exit_code == 0, result.stderr
    for project in result.document["projects"]:
        root = Path(project["path"])
        original = PROJECTS / (name if root == tmp_path / "back" else f"{name}-{root.name}")
        assert exported_cells(root) == source_cells(original)
        assert not project["is_config_new"]
        config = read_config(original / "config.yaml")
        assert (project["bodyparts"], project["unique_bodyparts"]) == ([*config.bodyparts], [*config.unique_bodyparts])


def test_a_former_target_whose_source_is_gone_says_that_individuals_are_not_known(tmp_path: Path) -> None:
    finished_by_former_version("two-mice", tmp_path / "lp")
    path = tmp_path / "lp/.dlc2lp/plan.json"
    path.write_text(path.read_text().replace(str(PROJECTS), str(tmp_path / "gone")))
    result = export(tmp_path / "lp", tmp_path / "back")
    assert "single animal" in result.finding("export-individuals-unknown")["message"]
    assert {key[2] for key in exported_cells(tmp_path / "back")} == {""}
    assert "mouse1_nose" in {key[3] for key in exported_cells(tmp_path / "back")}


# --- the folder -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "code"),
    [
        ("lp", "export-inside-target"),
        ("lp/dlc", "export-inside-target"),
        ("dlc", "export-inside-source"),
        ("dlc/labeled-data/new", "export-inside-source"),
        (".", "export-around-target"),
        ("link/x", "export-inside-source"),
        ("other/x", "export-inside-project"),
        ("other-lp/x", "export-inside-project"),
        ("full", "export-not-empty"),
        ("file", "target-not-a-folder"),
    ],
)
def test_a_folder_that_is_somebodys_is_refused(tmp_path: Path, place: str, code: str) -> None:
    project = small(tmp_path / "dlc")
    converted(project, tmp_path / "lp")
    converted(small(tmp_path / "other"), tmp_path / "other-lp")
    (tmp_path / "link").symlink_to(project.root)
    (tmp_path / "full").mkdir()
    (tmp_path / "full/notes.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    before = snapshot(tmp_path)
    result = export(tmp_path / "lp", tmp_path / place)
    assert (result.exit_code, result.codes) == (3, [code])
    assert result.document["findings"][0]["hint"]
    assert snapshot(tmp_path) == before


def test_an_earlier_export_is_replaced_only_where_nothing_was_changed(tmp_path: Path) -> None:
    project = small(tmp_path / "dlc")
    target, folder = converted(project, tmp_path / "lp"), tmp_path / "back"
    folder.mkdir()
    (folder / ".DS_Store").write_text("a file manager looked at it")
    assert export(target, folder).codes == []
    first = contents(folder)
    (folder / ".DS_Store").write_text("and again")
    assert export(target, folder).codes == ["export-replaced"]
    assert contents(folder) == first
    rewrite(target, lambda lines: lines[3].__setitem__(1, "77"))
    assert export(target, folder).exit_code == 0
    assert exported_cells(folder)["m1", "img02.png", "", "nose"][0] == 77
    # From here on it is a lab's own project.
    (folder / "training-datasets").mkdir()
    (folder / "training-datasets/shuffle.mat").write_text("hours of work")
    before = contents(folder)
    result = export(target, folder)
    assert (result.exit_code, result.codes) == (3, ["export-changed"])
    assert "training-datasets/shuffle.mat" in result.finding("export-changed")["message"]
    assert contents(folder) == before


def test_the_export_of_another_target_is_kept(tmp_path: Path) -> None:
    one = converted(small(tmp_path / "dlc"), tmp_path / "lp")
    other = converted(small(tmp_path / "dlc2"), tmp_path / "lp2")
    export(one, tmp_path / "back")
    assert export(other, tmp_path / "back").codes == ["export-of-another-target"]
    moved = one.rename(tmp_path / "moved")
    assert export(moved, tmp_path / "back").codes == ["export-replaced"]


def test_a_dry_run_says_the_same_and_writes_nothing(tmp_path: Path) -> None:
    target = converted(small(tmp_path / "dlc"), tmp_path / "lp")
    dry = export(target, tmp_path / "back", "--dry-run")
    assert (dry.exit_code, dry.document["is_written"]) == (0, False)
    assert not (tmp_path / "back").exists()
    wet = export(target, tmp_path / "back")
    assert wet.document == dry.document | {"is_written": True}
    record = json.loads((tmp_path / "back/dlc2lp-export.json").read_text())
    assert len(record["files"]) == wet.document["n_files"]
    assert sum(file["size_bytes"] for file in record["files"]) == wet.document["size_bytes"]


def test_two_exports_hold_the_same_bytes(tmp_path: Path) -> None:
    target = converted(small(tmp_path / "dlc"), tmp_path / "lp")
    export(target, tmp_path / "one")
    content = contents(tmp_path / "one")
    shutil.rmtree(tmp_path / "one")
    export(target, tmp_path / "one")
    assert contents(tmp_path / "one") == content


def test_a_failed_export_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = converted(small(tmp_path / "dlc"), tmp_path / "lp")
    export(target, tmp_path / "back")
    before = contents(tmp_path)
    placed: list[Path] = []

    def fail(source: Path, temporary: Path, link: str) -> None:
        placed.append(temporary)
        if len(placed) == 2:
            raise OSError(28, "No space left on device")
        shutil.copyfile(source, temporary)

    monkeypatch.setattr("dlc2lp.run.export_folder.place", fail)
    for folder in ("back", "new/inner"):
        placed.clear()
        result = export(target, tmp_path / folder)
        assert (result.exit_code, result.codes) == (1, ["no-space"])
        assert "free some space" in result.finding("no-space")["hint"]
    (tmp_path / "new").rmdir()
    assert contents(tmp_path) == before


def test_a_rename_that_fails_puts_the_earlier_export_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = converted(small(tmp_path / "dlc"), tmp_path / "lp")
    export(target, tmp_path / "back")
    before, rename = contents(tmp_path), os.replace

    def fail(old: Path, new: Path) -> None:
        if Path(old).suffix == ".tmp" and Path(old).is_dir():
            raise OSError(16, "Device or resource busy")
        rename(old, new)

    monkeypatch.setattr(os, "replace", fail)
    assert export(target, tmp_path / "back").codes == ["target-not-writable"]
    assert contents(tmp_path) == before


def test_what_a_killed_export_left_is_swept(tmp_path: Path) -> None:
    target = converted(small(tmp_path / "dlc"), tmp_path / "lp")
    export(target, tmp_path / "back")
    from dlc2lp.temporaries import own_tag

    tag = own_tag()
    dead = str(tag).replace(f"-{tag.process}-", f"-{2**22 + 12345}-")
    for name in (f".back.{dead}.tmp", f".back.{dead}.old", f".other.{dead.replace(tag.token, '0' * 8)}.tmp"):
        (tmp_path / name).mkdir()
    assert export(target, tmp_path / "back").exit_code == 0
    assert [path.name for path in tmp_path.glob(".*")] == [f".other.{dead.replace(tag.token, '0' * 8)}.tmp"]


def test_a_full_disk_is_told_before_the_first_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = converted(small(tmp_path / "dlc"), tmp_path / "lp")
    monkeypatch.setattr("dlc2lp.run.disk_space.free_bytes", lambda folder: 1000)
    for options in ((), ("--dry-run",)):
        result = export(target, tmp_path / "back", *options)
        assert (result.exit_code, result.codes) == (3, ["no-space"])
    assert not (tmp_path / "back").exists()


def test_the_library_stops_when_asked(tmp_path: Path) -> None:
    target = converted(small(tmp_path / "dlc"), tmp_path / "lp")
    stop = threading.Event()
    stop.set()
    with pytest.raises(library.Dlc2LpError) as caught:
        library.export(target, tmp_path / "back", stop=stop)
    assert caught.value.exit_code == 75
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dlc", "lp"]
    heard: list[library.Event] = []
    came = library.export(str(target), str(tmp_path / "back"), on_event=heard.append)
    assert (heard[0].n, heard[0].weight) == (came.n_files, sum(event.weight for event in heard[1:]))
    assert {event.state for event in heard[1:]} == {"done"}
    assert isinstance(came, library.Export)
    assert repr(came) == "<Export back: 3 labeled frames, exit 0>"


def test_people_read_a_table_and_the_next_step(tmp_path: Path) -> None:
    target = converted(small(tmp_path / "dlc", unlabeled=(7,)), tmp_path / "lp")
    shown = dlc2lp("export", target, tmp_path / "back").stdout
    row = next(line for line in shown.splitlines() if line.startswith("m1 "))
    assert row.split() == ["m1", "m1", "3", "0", "1", "12"]
    assert f"create_training_dataset('{tmp_path / 'back' / 'config.yaml'}')" in shown


def test_our_own_reader_takes_what_was_written(tmp_path: Path) -> None:
    project = two_mice(tmp_path / "dlc")
    target = converted(project, tmp_path / "lp", "--individuals", "flatten")
    export(target, tmp_path / "back")
    found = read_hdf(tmp_path / "back/labeled-data/m1/CollectedData_Anna.h5")
    assert (found.key, found.findings) == ("df_with_missing", ())
    assert found.table.levels == ("scorer", "individuals", "bodyparts", "coords")
