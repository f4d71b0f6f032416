"""Rows and images that are called a little otherwise, rows that lie in another folder, files that are not here."""

import shutil
import unicodedata
from pathlib import Path

import pandas as pd
import pytest
import yaml
from builder import Session, Shuffle, build_project
from command import dlc2lp
from targets import read_labels

from dlc2lp.dlc.row_names import match_images

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:%064d\nsize 12345\n"


@pytest.mark.parametrize(
    ("rows", "images", "expected"),
    [
        (["img1.png"], ["img1.png", "img1.jpg"], {"img1.png": "img1.png"}),
        (["img1.png", "img2.png"], ["img1.jpg", "img2.jpg"], {"img1.png": "img1.jpg", "img2.png": "img2.jpg"}),
        (["IMG1.PNG"], ["img1.png"], {"IMG1.PNG": "img1.png"}),
        (["img 1.png"], ["img1.png"], {"img 1.png": "img1.png"}),
        (["img1.png "], ["img1.png"], {"img1.png ": "img1.png"}),
        (["img1"], ["img1.png"], {"img1": "img1.png"}),
        (["img44.png"], ["img0044.png"], {"img44.png": "img0044.png"}),
        (["e\u0301.png"], ["\u00e9.png"], {"e\u0301.png": "\u00e9.png"}),
        # Where two could be meant, nobody guesses.
        (["img1.png"], ["img1.jpg", "img1.bmp"], {}),
        (["img1.png", "img1.bmp"], ["img1.jpg"], {}),
        (["img1.png", "IMG1.png"], ["img1.png"], {"img1.png": "img1.png"}),
        # Another frame, or another tool's number.
        (["img1.png"], ["img10.png"], {}),
        (["img044.png"], ["044.png"], {}),
        (["img44c0.png"], ["img44.png"], {}),
    ],
)
def test_a_row_means_the_only_image_that_is_called_nearly_so(rows, images, expected) -> None:
    assert match_images(rows, images).image_of == expected


def test_what_could_be_meant_is_named() -> None:
    assert match_images(["img1.png"], ["img1.jpg", "img1.bmp"]).near == {"img1.png": ("img1.jpg", "img1.bmp")}


def convert(project, tmp_path, *options):
    told = dlc2lp("convert", project.root, tmp_path / "lp", "--json", *options)
    return told


def rename(project, session, change) -> None:
    for path in sorted(project.folder(session).glob("*.png")):
        path.rename(path.with_name(change(path.name)))


@pytest.mark.parametrize(
    "change",
    [
        lambda name: name.replace(".png", ".PNG"),
        lambda name: name.replace("img", "Img"),
        lambda name: name.replace("img", "img "),
        lambda name: name.replace("img", "img00"),
    ],
    ids=["suffix", "case", "blank", "digits"],
)
def test_labels_of_images_that_are_called_otherwise_arrive_with_a_note(tmp_path, change) -> None:
    project = build_project(tmp_path / "dlc", video="none")
    rename(project, "m1", change)
    told = convert(project, tmp_path)
    assert told.exit_code == 0
    assert told.finding("image-called-otherwise")["severity"] == "note"
    arrived = sorted(point for _, point in read_labels(tmp_path / "lp").items())
    assert arrived == sorted(project.labels.values())


def test_a_split_holds_out_images_that_are_called_otherwise(tmp_path) -> None:
    project = build_project(tmp_path / "dlc", video="none", shuffles=(Shuffle(),))
    before = dlc2lp("convert", project.root, tmp_path / "before", "--split", "1", "--json")
    held_out = len((tmp_path / "before" / "CollectedData_test.csv").read_text().splitlines())
    assert before.exit_code == 0
    for session in ("m1", "m2"):
        rename(project, session, lambda name: name.replace(".png", ".PNG"))
    assert convert(project, tmp_path, "--split", "1").exit_code == 0
    assert len((tmp_path / "lp" / "CollectedData_test.csv").read_text().splitlines()) == held_out


def test_where_two_images_could_be_meant_they_are_named(tmp_path) -> None:
    project = build_project(tmp_path / "dlc", video="none", sessions=("m1",))
    path = project.image("m1", "img02.png")
    shutil.copy(path, path.with_suffix(".PNG"))
    path.rename(path.with_name("IMG02.png"))
    told = convert(project, tmp_path)
    assert told.exit_code == 1
    finding = told.finding("missing-image")
    assert "img02.PNG" in finding["message"]
    assert "IMG02.png" in finding["message"]
    assert "delete" not in finding["hint"]


def decomposed(text: str) -> str:
    return unicodedata.normalize("NFD", text)


def test_names_in_two_spellings_are_one_keypoint(tmp_path) -> None:
    parts = ("Rücken", "nose")
    other = Session("m2", bodyparts=(decomposed("Rücken"), "nose "))
    project = build_project(tmp_path / "dlc", video="none", bodyparts=parts, sessions=("m1", other), skeleton=())
    told = convert(project, tmp_path)
    assert told.exit_code == 0
    assert [keypoint["name"] for keypoint in told.document["keypoints"]] == ["Rücken", "nose"]
    assert told.document["counts"]["labeled_cells"] == {"source": 20, "written": 20, "left_out": 0}
    assert told.finding("name-in-two-spellings")["severity"] == "note"


def test_two_names_of_one_table_that_differ_in_a_blank_stay_two(tmp_path) -> None:
    project = build_project(tmp_path / "dlc", video="none", bodyparts=("nose", "nose "), skeleton=())
    told = convert(project, tmp_path)
    assert told.exit_code == 0
    assert told.document["counts"]["labeled_cells"]["left_out"] == 0


@pytest.mark.parametrize("given", ["Müller", decomposed("Müller"), " Müller "])
def test_a_scorer_in_another_spelling_is_the_same_person(tmp_path, given) -> None:
    project = build_project(tmp_path / "dlc", video="none", scorer="Müller", other_scorers=("Bob",))
    for path in sorted((project.root / "labeled-data").glob("*/CollectedData_M*")):
        path.rename(path.with_name(decomposed(path.name)))
    told = convert(project, tmp_path, "--scorer", given)
    assert told.exit_code == 0
    assert not {"scorer-differs", "several-label-files", "unknown-scorer"} & set(told.codes)


def test_a_scorer_who_labelled_nothing_is_refused(tmp_path) -> None:
    project = build_project(tmp_path / "dlc", video="none")
    told = convert(project, tmp_path, "--scorer", "Bob")
    assert (told.exit_code, told.codes[0]) == (3, "unknown-scorer")
    assert "Anna" in told.finding("unknown-scorer")["hint"]


def empty(path: Path) -> None:
    pd.read_hdf(path).map(lambda _: float("nan")).to_hdf(path, key="df_with_missing", mode="w")


def test_an_emptied_h5_beside_a_full_csv_is_asked_about(tmp_path) -> None:
    project = build_project(tmp_path / "dlc", video="none")
    empty(project.label_file("m2", "h5"))
    asked = convert(project, tmp_path)
    assert (asked.exit_code, asked.codes[0]) == (3, "csv-differs-from-h5")
    assert "20 labelled cells" in asked.finding("csv-differs-from-h5")["message"]
    told = dlc2lp("convert", project.root, tmp_path / "csv", "--labels", "csv", "--json")
    assert told.document["counts"]["labeled_cells"] == {"source": 40, "written": 40, "left_out": 0}
    told = dlc2lp("convert", project.root, tmp_path / "h5", "--labels", "h5", "--json")
    assert told.document["counts"]["labeled_cells"] == {"source": 40, "written": 20, "left_out": 20}
    assert not (tmp_path / "h5" / "CollectedData.unlabeled.jsonl").exists()


def test_the_labels_that_a_person_asks_for_must_be_readable(tmp_path) -> None:
    project = build_project(tmp_path / "dlc", video="none")
    project.label_file("m1", "csv").write_bytes(b"\0" * 100)
    told = convert(project, tmp_path, "--labels", "csv")
    assert (told.exit_code, told.codes[0]) == (3, "labels-unreadable")
    assert convert(project, tmp_path).exit_code == 0


@pytest.mark.parametrize("change", [0.0, 3.0], ids=["same", "differing"])
def test_two_files_of_one_name_are_asked_about_unless_they_hold_the_same(tmp_path, change) -> None:
    project = build_project(tmp_path / "dlc", video="none", files=("csv",))
    path = project.label_file("m1", "csv")
    table = pd.read_csv(path, header=[0, 1, 2], index_col=[0, 1, 2])
    (table + change).to_csv(path.with_suffix(".CSV"))
    told = convert(project, tmp_path)
    if not change:
        assert told.exit_code == 0
        assert told.finding("label-file-twice")["severity"] == "note"
        return
    assert (told.exit_code, told.codes[0]) == (3, "several-label-files")
    taken = convert(project, tmp_path, "--labels-from", path.with_suffix(".CSV"))
    assert taken.exit_code == 0
    assert taken.document["sessions"][0]["label_file"] == str(path.with_suffix(".CSV"))


def move_labels(project, session, other) -> None:
    """Put the label files of one session into the folder of another, whose images are gone."""
    project.folder(other).mkdir(exist_ok=True)
    for path in sorted(project.folder(session).glob("CollectedData_*")):
        shutil.move(path, project.folder(other) / path.name)


def test_rows_count_where_their_images_are(tmp_path) -> None:
    project = build_project(tmp_path / "dlc", video="none", sessions=("m1",))
    move_labels(project, "m1", "m0")
    told = convert(project, tmp_path)
    assert told.exit_code == 0
    (session,) = told.document["sessions"]
    assert session["source"] == "m1"
    assert session["label_file"] == str(project.folder("m0") / "CollectedData_Anna.h5")
    assert told.document["counts"]["labeled_cells"] == {"source": 20, "written": 20, "left_out": 0}
    assert told.finding("labels-in-other-folder")["severity"] == "note"
    assert "index-names-other-folder" not in told.codes


def test_a_copy_of_labels_in_a_folder_without_images_loses_nothing(tmp_path) -> None:
    project = build_project(tmp_path / "dlc", video="none", sessions=("m1",))
    project.folder("m0").mkdir()
    for path in sorted(project.folder("m1").glob("CollectedData_*")):
        shutil.copy(path, project.folder("m0") / path.name)
    told = convert(project, tmp_path)
    assert told.exit_code == 0
    assert told.document["counts"]["labeled_cells"] == {"source": 20, "written": 20, "left_out": 0}
    assert told.finding("labels-copied")["severity"] == "note"


def test_a_copy_that_differs_is_told_and_what_only_it_has_is_counted(tmp_path) -> None:
    project = build_project(
        tmp_path / "dlc", video="none", sessions=("m1",), files=("csv",), labels={("m1", "img02.png", "nose"): None}
    )
    project.folder("m0").mkdir()
    path = project.label_file("m1", "csv")
    table = pd.read_csv(path, header=[0, 1, 2], index_col=[0, 1, 2])
    table.fillna(7.5).to_csv(project.folder("m0") / path.name)
    told = convert(project, tmp_path)
    assert told.finding("labels-copied-differ")["severity"] == "warning"
    assert told.document["counts"]["labeled_cells"] == {"source": 20, "written": 19, "left_out": 1}


def test_pointers_of_git_lfs_are_one_finding_for_all_images(tmp_path) -> None:
    project = build_project(tmp_path / "dlc", video="none")
    for number, path in enumerate(sorted(project.folder("m1").glob("*.png"))):
        path.write_bytes(POINTER % number)
    told = convert(project, tmp_path)
    assert told.exit_code == 1
    (finding,) = [each for each in told.document["findings"] if each["code"] == "not-downloaded"]
    assert "git lfs pull" in finding["hint"]
    assert "5 images" in finding["message"]
    assert "20 labelled points" in finding["message"]
    assert "missing-image" not in told.codes


def test_pointers_of_git_lfs_among_label_files_are_one_finding(tmp_path) -> None:
    project = build_project(tmp_path / "dlc", video="none")
    for session in ("m1", "m2"):
        project.label_file(session, "h5").write_bytes(POINTER % 1)
    told = convert(project, tmp_path)
    assert told.exit_code == 0
    assert told.codes.count("not-downloaded") == 1
    assert "label-file-unreadable" not in told.codes


def test_labels_that_are_only_pointers_are_an_error(tmp_path) -> None:
    project = build_project(tmp_path / "dlc", video="none")
    for kind in ("h5", "csv"):
        project.label_file("m1", kind).write_bytes(POINTER % 1)
    told = convert(project, tmp_path)
    assert told.exit_code == 1
    assert not (tmp_path / "lp" / "CollectedData.unlabeled.jsonl").exists()


def test_a_configuration_that_is_a_pointer_is_told_so(tmp_path) -> None:
    project = build_project(tmp_path / "dlc", video="none")
    project.config.write_bytes(POINTER % 1)
    told = convert(project, tmp_path)
    assert told.exit_code == 3
    assert "git lfs pull" in told.finding("not-downloaded")["hint"]


def test_links_of_git_annex_that_lead_nowhere_are_told_so(tmp_path) -> None:
    project = build_project(tmp_path / "dlc", video="none")
    for path in sorted(project.folder("m1").glob("*.png")):
        path.unlink()
        path.symlink_to(f"../../.git/annex/objects/a/b/SHA256E-s1--{path.name}/{path.name}")
    told = convert(project, tmp_path)
    assert told.exit_code == 1
    assert "git annex get" in told.finding("not-downloaded")["hint"]


def test_two_folders_that_are_called_alike_but_for_their_accents_are_one(tmp_path) -> None:
    project = build_project(tmp_path / "dlc", video="none", sessions=("souris é",))
    move_labels(project, "souris é", decomposed("souris é"))
    told = convert(project, tmp_path)
    assert told.exit_code == 0
    assert told.document["counts"]["labeled_cells"] == {"source": 20, "written": 20, "left_out": 0}


def test_two_whole_folders_of_one_name_are_both_migrated(tmp_path) -> None:
    sessions = ("é", decomposed("é"))
    project = build_project(tmp_path / "dlc", video="none", sessions=sessions)
    told = convert(project, tmp_path)
    assert told.document["counts"]["labeled_cells"] == {"source": 40, "written": 40, "left_out": 0}


def joined_csv(project) -> pd.DataFrame:
    read = [pd.read_csv(project.label_file(s, "csv"), header=[0, 1, 2], index_col=[0, 1, 2]) for s in ("m1", "m2")]
    return pd.concat(read)


@pytest.mark.parametrize("folders", [("m1",), ("m1", "m2")])
def test_one_file_with_the_rows_of_all_sessions_counts_for_each(tmp_path, folders) -> None:
    project = build_project(tmp_path / "dlc", video="none")
    table = joined_csv(project)
    for session in ("m1", "m2"):
        for path in sorted(project.folder(session).glob("CollectedData_*")):
            path.unlink()
    for session in folders:
        table.to_csv(project.folder(session) / "CollectedData_Anna.csv")
    told = convert(project, tmp_path)
    assert told.exit_code == 0, told.stderr
    assert told.document["counts"]["labeled_cells"] == {"source": 40, "written": 40, "left_out": 0}
    arrived = {(image.split("/")[1], name, point) for (image, name), point in read_labels(tmp_path / "lp").items()}
    assert arrived == {(session, name, point) for (session, _, name), point in project.labels.items()}


def test_a_row_whose_image_is_only_beside_it_stays_there(tmp_path) -> None:
    project = build_project(tmp_path / "dlc", video="none", sessions=("m1", Session("m2", frames=(3, 7))))
    table = joined_csv(project)
    for session in ("m1", "m2"):
        for path in sorted(project.folder(session).glob("CollectedData_*")):
            path.unlink()
    shutil.move(project.image("m2", "img03.png"), project.image("m1", "img03.png"))
    table.to_csv(project.folder("m1") / "CollectedData_Anna.csv")
    told = convert(project, tmp_path)
    assert told.exit_code == 0
    assert told.document["counts"]["labeled_cells"] == {"source": 28, "written": 28, "left_out": 0}


def test_images_in_a_folder_inside_that_of_their_labels_are_named(tmp_path) -> None:
    project = build_project(tmp_path / "dlc", video="none")
    (project.folder("m2") / "images").mkdir()
    for path in sorted(project.folder("m2").glob("*.png")):
        shutil.move(path, path.parent / "images" / path.name)
    told = convert(project, tmp_path)
    assert told.exit_code == 1
    assert str(project.folder("m2") / "images" / "img02.png") in told.finding("missing-image")["message"]


def test_a_configuration_in_another_spelling_names_the_same_keypoints(tmp_path) -> None:
    names = ("Rücken", "nose")
    other = tuple(map(decomposed, names))
    project = build_project(
        tmp_path / "dlc",
        video="none",
        bodyparts=names,
        config={"bodyparts": list(other), "skeleton": [list(other)]},
    )
    told = convert(project, tmp_path)
    assert told.exit_code == 0
    assert not {"keypoint-not-in-config", "keypoint-without-column", "skeleton-unknown"} & set(told.codes)
    settings = yaml.safe_load((tmp_path / "lp" / "project.yaml").read_text(encoding="utf-8"))
    assert settings["skeleton"] == [["Rücken", "nose"]]


def test_a_split_that_is_a_pointer_is_told_so(tmp_path) -> None:
    project = build_project(tmp_path / "dlc", video="none", shuffles=(Shuffle(),))
    for path in project.root.glob("training-datasets/**/Documentation_data-*.pickle"):
        path.write_bytes(POINTER % 1)
    told = convert(project, tmp_path, "--split", "1")
    assert told.exit_code == 3
    assert "git lfs pull" in told.finding("not-downloaded")["hint"]


def test_a_video_that_is_a_pointer_is_told_so(tmp_path) -> None:
    (tmp_path / "m1.mp4").write_bytes(POINTER % 1)
    told = dlc2lp("video", "check", tmp_path / "m1.mp4", "--json")
    assert told.exit_code == 1
    assert "git lfs pull" in told.finding("not-downloaded")["hint"]


@pytest.mark.parametrize("hidden", ["pointer", "cut-off"])
@pytest.mark.parametrize("where", ["other-folder", "other-suffix"])
def test_a_row_means_an_image_that_can_not_be_read_as_well(tmp_path, where, hidden) -> None:
    project = build_project(tmp_path / "dlc", video="none")
    if where == "other-folder":
        move_labels(project, "m1", "m0")
    else:
        rename(project, "m1", lambda name: name.replace(".png", ".PNG"))
    for path in project.folder("m1").iterdir():
        if path.suffix.lower() == ".png":
            path.write_bytes(POINTER % 1 if hidden == "pointer" else path.read_bytes()[:60])
    told = convert(project, tmp_path)
    assert told.exit_code == 1
    assert "missing-image" not in told.codes
    assert ("not-downloaded" if hidden == "pointer" else "image-corrupt") in told.codes
    assert told.document["counts"]["labeled_cells"] == {"source": 40, "written": 20, "left_out": 20}
