"""Whatever looks like labels and is not used is named and counted; its images are never taken for unlabeled ones."""

import json
import os
import shlex
import shutil
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from builder import BuiltProject, build_project
from command import dlc2lp
from targets import read_labels

N_CELLS = 20  # of one session: five frames, four keypoints


def build(tmp_path: Path, **options: object) -> BuiltProject:
    return build_project(tmp_path / "dlc", **{"video": "none", **options})  # type: ignore[arg-type]


def rename_all(project: BuiltProject, name: str) -> None:
    """Call both label files of m2 otherwise; ``*`` stands for what follows CollectedData."""
    for path in sorted(project.folder("m2").glob("CollectedData_*")):
        path.rename(path.with_name(name.replace("*", "CollectedData_Anna").replace(".?", path.suffix)))


def only_csv(project: BuiltProject) -> Path:
    project.label_file("m2", "h5").unlink()
    return project.label_file("m2", "csv")


def to_root(project: BuiltProject) -> None:
    shutil.move(only_csv(project), project.root / "CollectedData_Anna.csv")


def to_labeled_data(project: BuiltProject) -> None:
    shutil.move(only_csv(project), project.root / "labeled-data" / "CollectedData_Anna.csv")


def out_of_labeled_data(project: BuiltProject) -> None:
    (project.root / "backup" / "m2").mkdir(parents=True)
    for path in sorted(project.folder("m2").glob("CollectedData_*")):
        shutil.move(path, project.root / "backup" / "m2" / path.name)


def into_drawn_on(project: BuiltProject) -> None:
    folder = project.folder("m2_labeled")
    folder.mkdir()
    for path in sorted(project.folder("m2").glob("CollectedData_*")):
        shutil.move(path, folder / path.name)


def into_training_set(project: BuiltProject) -> None:
    folder = project.root / "training-datasets" / "iteration-0" / "UnaugmentedDataSet_reachAug30"
    folder.mkdir(parents=True)
    for path in sorted(project.folder("m2").glob("CollectedData_*")):
        shutil.move(path, folder / path.name)


def empty_rows_beside(project: BuiltProject) -> None:
    """A label file without one label lies where the labels should."""
    project.label_file("m2", "h5").unlink()
    path = project.label_file("m2", "csv")
    lines = path.read_text().splitlines()
    path.rename(path.with_name("Copy of CollectedData_Anna.csv"))
    n_index = lines[2].split(",").index("x")
    path.write_text("\n".join([*lines[:3], *(",".join(line.split(",")[:n_index]) for line in lines[3:])]) + "\n")


def one_folder_deeper(project: BuiltProject, name: str = "m2") -> None:
    inner = project.folder("m2") / name
    inner.mkdir(parents=True)
    for path in [each for each in project.folder("m2").iterdir() if each.is_file()]:
        shutil.move(path, inner / path.name)


READABLE = {
    "prefix": lambda project: rename_all(project, "Fly_*.?"),
    "copy-of": lambda project: rename_all(project, "Copy of *.?"),
    "other-spelling": lambda project: rename_all(project, "Collected_Data_Anna.?"),
    "csv-txt": lambda project: only_csv(project).rename(project.folder("m2") / "CollectedData_Anna.csv.txt"),
    "hdf5": lambda project: (
        project.label_file("m2", "csv").unlink(),
        project.label_file("m2", "h5").rename(project.folder("m2") / "CollectedData_Anna.hdf5"),
    ),
    "bak": lambda project: (
        project.label_file("m2", "csv").unlink(),
        project.label_file("m2", "h5").rename(project.folder("m2") / "CollectedData_Anna.h5.bak"),
    ),
    "another-name": lambda project: only_csv(project).rename(project.folder("m2") / "labels.csv"),
    "another-name-h5": lambda project: (
        project.label_file("m2", "csv").unlink(),
        project.label_file("m2", "h5").rename(project.folder("m2") / "labels.h5"),
    ),
    "labeled-data": to_labeled_data,
    "root": to_root,
    "elsewhere": out_of_labeled_data,
    "drawn-on": into_drawn_on,
    "training-set": into_training_set,
    "folder-in-folder": one_folder_deeper,
    "two-folders-deeper": lambda project: one_folder_deeper(project, "a/b"),
    "empty-rows-beside": empty_rows_beside,
}


@pytest.mark.parametrize("hide", READABLE.values(), ids=READABLE)
def test_labels_that_can_be_read_are_counted_and_taken_where_a_person_says_so(tmp_path, hide) -> None:
    project = build(tmp_path)
    hide(project)
    target = tmp_path / "lp"

    told = dlc2lp("convert", project.root, target, "--json")

    assert told.exit_code == 1
    counts = told.document["counts"]
    assert counts["labeled_cells"] == {"source": 2 * N_CELLS, "written": N_CELLS, "left_out": N_CELLS}
    assert counts["labeled_frames"] == {"source": 10, "written": 5, "left_out": 5}
    finding = told.finding("labels-not-used")
    assert (finding["severity"], finding["subject"]) == ("error", "m2")
    assert f"{N_CELLS} labelled points" in finding["message"]
    assert not (target / "CollectedData.unlabeled.jsonl").exists()
    option, path = shlex.split(finding["hint"].removeprefix("if they count: "))

    taken = dlc2lp("convert", project.root, target, option, path, "--json")

    assert taken.exit_code == 0, taken.stderr
    assert "labels-not-used" not in taken.codes
    assert taken.document["counts"]["labeled_cells"] == {"source": 2 * N_CELLS, "written": 2 * N_CELLS, "left_out": 0}
    arrived = {(image.split("/")[1], keypoint, point) for (image, keypoint), point in read_labels(target).items()}
    assert arrived == {(session, keypoint, point) for (session, _, keypoint), point in project.labels.items()}


def zip_it(project: BuiltProject) -> None:
    with zipfile.ZipFile(project.root / "labeled-data" / "m2.zip", "w") as archive:
        for path in sorted(project.folder("m2").glob("CollectedData_*")):
            archive.write(path, f"m2/{path.name}")
            path.unlink()


def to_workbook(project: BuiltProject) -> None:
    only_csv(project).unlink()
    (project.folder("m2") / "CollectedData_Anna.xlsx").write_bytes(b"PK\3\4 a workbook")


def cut_off(project: BuiltProject) -> None:
    project.label_file("m2", "csv").unlink()
    path = project.label_file("m2", "h5")
    path.write_bytes(path.read_bytes()[:1000])


def gzip_it(project: BuiltProject) -> None:
    only_csv(project).rename(project.folder("m2") / "CollectedData_Anna.csv.gz")


UNREADABLE = {"zip": zip_it, "workbook": to_workbook, "cut-off": cut_off, "gzip": gzip_it}


@pytest.mark.parametrize("hide", UNREADABLE.values(), ids=UNREADABLE)
def test_labels_that_cannot_be_read_are_an_error_and_their_images_stay_out(tmp_path, hide) -> None:
    project = build(tmp_path)
    hide(project)
    target = tmp_path / "lp"
    told = dlc2lp("convert", project.root, target, "--json")
    assert told.exit_code == 1
    assert any(each["severity"] == "error" and "m2" in each["subject"] for each in told.document["findings"])
    assert not (target / "CollectedData.unlabeled.jsonl").exists()
    (session,) = [each for each in told.document["sessions"] if each["source"] == "m2"]
    assert {image["state"] for image in session["images"]} == {"left-out"}


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="only a user can be refused")
def test_a_label_file_that_may_not_be_read_is_an_error(tmp_path) -> None:
    project = build(tmp_path)
    for path in project.folder("m2").glob("CollectedData_*"):
        path.chmod(0)
    told = dlc2lp("convert", project.root, tmp_path / "lp", "--json")
    assert told.exit_code == 1
    assert not (tmp_path / "lp" / "CollectedData.unlabeled.jsonl").exists()


def test_copies_beside_the_labels_lose_nothing_and_cost_nothing(tmp_path) -> None:
    project = build(tmp_path)
    shutil.copytree(project.root / "labeled-data", project.root / "labeled-data backup")
    for path in sorted(project.folder("m1").glob("CollectedData_*")):
        shutil.copy(path, path.with_name(f"Copy of {path.name}"))
    told = dlc2lp("convert", project.root, tmp_path / "lp", "--json")
    assert told.exit_code == 0
    assert "labels-not-used" not in told.codes
    assert told.document["counts"]["labeled_cells"] == {"source": 2 * N_CELLS, "written": 2 * N_CELLS, "left_out": 0}


def test_labels_of_other_frames_in_a_file_that_is_left_aside_are_a_warning_with_counts(tmp_path) -> None:
    project = build(tmp_path, unlabeled=(3, 7))
    path = project.label_file("m1", "csv")
    text = path.read_text().splitlines()
    extra = text[3].replace("img02.png", "img03.png")
    (path.parent / "Old CollectedData_Anna.csv").write_text("\n".join([*text, extra]) + "\n")
    told = dlc2lp("convert", project.root, tmp_path / "lp", "--json")
    assert told.exit_code == 0
    finding = told.finding("labels-not-used")
    assert finding["severity"] == "warning"
    assert "4 labelled points" in finding["message"]
    assert told.document["counts"]["labeled_cells"]["left_out"] == 4
    queued = (tmp_path / "lp" / "CollectedData.unlabeled.jsonl").read_text().splitlines()
    assert len(queued) == 3  # of four unlabeled images, the one that somebody labelled is none


def test_several_sessions_are_one_finding_that_one_option_settles(tmp_path) -> None:
    project = build(tmp_path, sessions=("m1", "m2", "m3"))
    for session in ("m2", "m3"):
        for path in sorted(project.folder(session).glob("CollectedData_*")):
            path.rename(path.with_name(f"Fly_{path.name}"))
    told = dlc2lp("inspect", project.root, "--json")
    assert told.codes.count("labels-not-used") == 1
    hint = told.finding("labels-not-used")["hint"]
    assert hint.endswith(f"--labels-from {project.root / 'labeled-data'}")
    taken = dlc2lp("convert", project.root, tmp_path / "lp", "--labels-from", project.root / "labeled-data")
    assert taken.exit_code == 0


def test_several_candidates_are_named_and_none_is_taken(tmp_path) -> None:
    project = build(tmp_path)
    path = only_csv(project)
    shutil.copy(path, path.with_name("First CollectedData.csv"))
    path.rename(path.with_name("Second CollectedData.csv"))
    told = dlc2lp("inspect", project.root, "--json")
    assert "First CollectedData.csv" in told.finding("labels-not-used")["hint"]
    asked = dlc2lp("convert", project.root, tmp_path / "lp", "--labels-from", project.folder("m2"), "--json")
    assert (asked.exit_code, asked.codes[0]) == (3, "several-label-files")
    one = project.folder("m2") / "Second CollectedData.csv"
    assert dlc2lp("convert", project.root, tmp_path / "lp", "--labels-from", one).exit_code == 0


def test_a_path_that_gives_no_labels_is_refused(tmp_path) -> None:
    project = build(tmp_path)
    told = dlc2lp("convert", project.root, tmp_path / "lp", "--labels-from", project.folder("m2"), "--json")
    assert (told.exit_code, told.codes[0]) == (3, "labels-from-unused")
    assert not (tmp_path / "lp").exists()


def test_a_file_that_is_named_counts_instead_of_the_usual_one(tmp_path) -> None:
    project = build(tmp_path, sessions=("m1",))
    path = project.folder("m1") / "My CollectedData.csv"
    table = pd.read_csv(project.label_file("m1", "csv"), header=[0, 1, 2], index_col=[0, 1, 2])
    (table + 1).to_csv(path)
    told = dlc2lp("convert", project.root, tmp_path / "lp", "--labels-from", path, "--json")
    assert told.exit_code == 0
    (session,) = told.document["sessions"]
    assert session["label_file"] == str(path)
    manifest = json.loads((tmp_path / "lp" / ".dlc2lp" / "manifest.json").read_text())
    assert manifest["sessions"][0]["label_file"] == str(path)
    x, y = project.labels["m1", "img02.png", "nose"]
    assert read_labels(tmp_path / "lp")["labeled-data/m1/img00000002.png", "nose"] == (x + 1, y + 1)


def test_a_project_whose_labels_are_all_elsewhere_names_them(tmp_path) -> None:
    project = build(tmp_path, sessions=("m1",))
    folder = project.root / "training-datasets" / "iteration-0" / "UnaugmentedDataSet_reachAug30"
    folder.mkdir(parents=True)
    for path in sorted(project.folder("m1").glob("CollectedData_*")):
        shutil.move(path, folder / path.name)
    shutil.rmtree(project.root / "labeled-data")
    told = dlc2lp("convert", project.root, tmp_path / "lp", "--json")
    assert told.exit_code == 3
    assert str(folder / "CollectedData_Anna.h5") in json.dumps(told.document)


@pytest.mark.parametrize(
    "name", ["@eaDir", "#recycle", "$RECYCLE.BIN", "System Volume Information", ".Trash-1000", "lost+found", "__MACOSX"]
)
def test_folders_of_systems_are_no_sessions(tmp_path, name) -> None:
    project = build(tmp_path)
    for place in (project.root / "labeled-data", project.folder("m1"), project.root):
        shutil.copytree(project.folder("m2"), place / name)
    told = dlc2lp("convert", project.root, tmp_path / "lp", "--json")
    assert told.exit_code == 0
    assert [session["source"] for session in told.document["sessions"]] == ["m1", "m2"]
    assert "labels-not-used" not in told.codes


def test_a_second_labeled_data_inside_the_first_is_looked_into(tmp_path) -> None:
    project = build(tmp_path)
    data = project.root / "labeled-data"
    data.rename(project.root / "inner")
    data.mkdir()
    (project.root / "inner").rename(data / "labeled-data")
    told = dlc2lp("convert", project.root, tmp_path / "lp", "--json")
    assert told.exit_code == 0
    assert told.document["counts"]["labeled_cells"]["written"] == 2 * N_CELLS
    assert told.finding("folder-in-folder")["severity"] == "note"


@pytest.mark.parametrize("name", ["* (1).?", "* - Copy.?", "* (Jane's conflicted copy 2020-01-01).?"])
def test_the_only_copy_of_a_label_file_is_used_and_told(tmp_path, name) -> None:
    project = build(tmp_path)
    rename_all(project, name)
    told = dlc2lp("convert", project.root, tmp_path / "lp", "--json")
    assert told.exit_code == 0
    assert told.document["counts"]["labeled_cells"] == {"source": 2 * N_CELLS, "written": 2 * N_CELLS, "left_out": 0}
    assert {"scorer-differs", "scorer-in-file-differs"} & set(told.codes)


def test_where_all_label_files_are_called_otherwise_the_refusal_names_them(tmp_path) -> None:
    project = build(tmp_path, sessions=("m2",))
    rename_all(project, "Fly_*.?")
    told = dlc2lp("convert", project.root, tmp_path / "lp", "--json")
    assert told.exit_code == 3
    assert "Fly_CollectedData_Anna" in told.finding("labels-not-used")["message"]
    assert dlc2lp("convert", project.root, tmp_path / "lp", "--labels-from", project.root).exit_code == 0


def test_what_icloud_keeps_is_told_as_such(tmp_path) -> None:
    project = build(tmp_path)
    for path in [*project.folder("m1").glob("*.png"), *project.folder("m2").glob("CollectedData_*")]:
        path.with_name(f".{path.name}.icloud").write_bytes(b"bplist00")
        path.unlink()
    told = dlc2lp("convert", project.root, tmp_path / "lp", "--json")
    assert told.exit_code == 3  # neither labels with images nor images with labels are left
    assert "available offline" in told.finding("not-downloaded")["hint"]
    assert {"no-images", "labels-not-read"} <= set(told.codes)


def test_a_label_file_outside_the_project_counts_for_the_folders_that_its_rows_name(tmp_path) -> None:
    project = build(tmp_path)
    path = tmp_path / "sent by mail.csv"
    shutil.move(only_csv(project), path)
    told = dlc2lp("convert", project.root, tmp_path / "lp", "--labels-from", path, "--json")
    assert told.exit_code == 0
    assert told.document["counts"]["labeled_cells"] == {"source": 2 * N_CELLS, "written": 2 * N_CELLS, "left_out": 0}


def test_images_one_folder_too_deep_are_compared_with_their_video(tmp_path) -> None:
    project = build_project(tmp_path / "dlc", sessions=("m1", "m2"))
    one_folder_deeper(project)
    told = dlc2lp("convert", project.root, tmp_path / "lp", "--labels-from", project.root, "--json")
    assert told.exit_code == 0
    (session,) = [each for each in told.document["sessions"] if each["source"] == "m2"]
    assert all(image["video_frame_index"] is not None for image in session["images"])


def test_a_folder_around_an_archive_takes_what_each_project_has(tmp_path) -> None:
    root = tmp_path / "archive"
    root.mkdir()
    for name in ("one", "two"):
        project = build_project(root / name, video="none", sessions=("m2",))
        if name == "two":
            rename_all(project, "Fly_*.?")
    told = dlc2lp("batch", "convert", root, tmp_path / "out", "--labels-from", root, "--json")
    assert told.exit_code == 0, told.stderr


def test_merged_projects_take_labels_each_from_its_own(tmp_path) -> None:
    first = build_project(tmp_path / "first", video="none", sessions=("m1",))
    other = build_project(tmp_path / "other", video="none", sessions=("m2",))
    rename_all(other, "Fly_*.?")
    path = other.folder("m2") / "Fly_CollectedData_Anna.h5"
    told = dlc2lp("convert", first.root, tmp_path / "lp", "--merge", other.root, "--labels-from", path, "--json")
    assert told.exit_code == 0
    assert told.document["counts"]["labeled_cells"]["written"] == 2 * N_CELLS


def test_labels_in_a_second_table_of_the_file_in_use_are_counted(tmp_path) -> None:
    project = build(tmp_path, sessions=("m1",), files=("h5",), unlabeled=(7,))
    path = project.label_file("m1", "h5")
    table = pd.read_hdf(path, "df_with_missing")
    other = table.iloc[:1].copy()
    other.index = pd.MultiIndex.from_tuples([("labeled-data", "m1", "img07.png")])
    other.to_hdf(path, key="keypoints", mode="a")
    told = dlc2lp("convert", project.root, tmp_path / "lp", "--json")
    assert told.exit_code == 0
    finding = told.finding("labels-not-used")
    assert f"4 labelled points in another table of {path}" in finding["message"]
    assert told.document["counts"]["labeled_cells"] == {"source": N_CELLS + 4, "written": N_CELLS, "left_out": 4}


def test_what_only_mentions_labels_is_none(tmp_path) -> None:
    project = build(tmp_path)
    (project.folder("m2") / "notes.txt").write_text("coords and so on, x marks the spot\n")
    (project.folder("m2") / "results.csv").write_text("a,b,c\n1,2,3\n")
    header = "scorer,D,D,D\nbodyparts,n,n,n\ncoords,x,y,likelihood\n"
    (project.folder("m2") / "m2DLC_resnet50.csv").write_text(f"{header}0,1,2,.9\n")
    told = dlc2lp("convert", project.root, tmp_path / "lp", "--json")
    assert told.exit_code == 0
    assert not {"labels-not-used", "labels-not-read"} & set(told.codes)


def test_the_decisions_of_an_archive_name_label_files_too(tmp_path) -> None:
    root, out = tmp_path / "archive", tmp_path / "out"
    root.mkdir()
    project = build_project(root / "one", video="none", sessions=("m2",))
    rename_all(project, "Fly_*.?")
    out.mkdir()
    place = "one/labeled-data/m2/Fly_CollectedData_Anna.h5"
    (out / "decisions.yaml").write_text(f"one:\n  labels-from: {place}\n", encoding="utf-8")
    told = dlc2lp("batch", "convert", root, out, "--json")
    assert told.exit_code == 0, told.stderr
    (out / "decisions.yaml").write_text("one:\n  labels-from: one/nowhere.h5\n", encoding="utf-8")
    told = dlc2lp("batch", "plan", root, out, "--json")
    assert told.exit_code != 0
    assert "nowhere.h5" in told.stderr + told.stdout


def test_what_is_said_of_many_sessions_is_said_once(tmp_path) -> None:
    sessions = tuple(f"s{number}" for number in range(6))
    project = build(tmp_path, sessions=sessions, other_scorers=("Bob",))
    told = dlc2lp("inspect", project.root, "--json")
    assert told.codes.count("other-label-files") == 1
    assert told.finding("other-label-files")["message"].startswith("6 times: used CollectedData_Anna")
