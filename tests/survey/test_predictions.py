"""DeepLabCut's predictions of the videos become models that the Lightning Pose app shows, each row its own frame."""

import csv
import json
import shutil
import unicodedata

import numpy as np
import pandas as pd
import pytest
import yaml
from builder import Session, Shuffle, Video, build_project, snapshot
from command import dlc2lp
from dlc_analysis import DLC1, TF, TORCH, Analysis, add_analysis, add_evaluation
from predicted import MODEL, cells, models, predicted, values

from dlc2lp.run import make_files
from dlc2lp.run.predictions import predicted_lines


def build(tmp_path, *analyses, **options):
    """A project with one video, or those that are asked for, and what its analyses hold."""
    built = build_project(tmp_path / "dlc", **{"sessions": ("m1",), "frames": (2, 5)} | options)
    return built, [add_analysis(built, analysis) for analysis in analyses]


def convert(tmp_path, *options, code=0):
    result = dlc2lp("convert", tmp_path / "dlc", tmp_path / "lp", *options, "--json")
    assert result.exit_code == code, result.stderr
    return result


def test_all_networks_become_models_with_every_number_as_it_was(tmp_path):
    kinds = [
        Analysis("m1"),
        Analysis("m1", ending="_filtered", off_px=1 / 3),
        Analysis("m1", TORCH, files=("h5",), off_px=2 / 3),
        Analysis("m1", DLC1, folder="results", files=("csv",), notes=None),
        Analysis("m2"),
    ]
    built, tables = build(tmp_path, *kinds, sessions=("m1", "m2"))
    before = snapshot(built.root)
    result = convert(tmp_path)
    names = [MODEL, f"{MODEL}-filtered", "dlc-resnet50-shuffle2-best-190", "dlc-resnet50-shuffle1-500"]
    assert models(tmp_path) == dict(zip(names, [["m1.csv", "m2.csv"], ["m1.csv"], ["m1.csv"], ["m1.csv"]], strict=True))
    for name, table, kind in zip(names, tables, kinds, strict=False):
        assert np.array_equal(predicted(tmp_path, model=name), values(table)), name
        assert cells(tmp_path, model=name)[0][1] == kind.scorer
        assert cells(tmp_path, model=name)[1][1::3] == list(built.bodyparts)
    assert np.array_equal(predicted(tmp_path, "m2"), values(tables[4]))
    assert snapshot(built.root) == before
    listed = {model["name"]: model for model in result.document["models"]}
    assert list(listed) == sorted(names)
    assert [each["n_frames"] for each in listed[MODEL]["predictions"]] == [20, 20]
    assert result.document["checked"]["predicted_frames"] == 100
    manifest = json.loads((tmp_path / "lp/.dlc2lp/manifest.json").read_text(encoding="utf-8"))
    assert manifest["models"] == result.document["models"]
    assert dlc2lp("inspect", built.root, "--json").document["models"][0]["name"] == names[3]
    assert f"{MODEL}  " in dlc2lp("inspect", built.root).stdout
    assert dlc2lp("verify", tmp_path / "lp", "--verify", "full").exit_code == 0


def test_a_model_is_complete_for_the_app_and_says_that_it_has_no_weights(tmp_path):
    build(tmp_path, Analysis("m1"))
    convert(tmp_path)
    folder = tmp_path / "lp" / "models" / MODEL
    config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    assert config["model"]["model_name"] == MODEL
    assert config["data"]["keypoint_names"] == ["nose", "ear_left", "ear_right", "tail"]
    assert config["dlc2lp"] == {"predictions_only": True}
    # The app writes a config anew that has no date, or another folder than the project's.
    assert "creation_datetime" in config
    assert "data_dir" not in config["data"]
    assert json.loads((folder / "train_status.json").read_text(encoding="utf-8")) == {
        "status": "COMPLETED",
        "pid": None,
        "progress": None,
    }
    assert TF in (folder / "NO_WEIGHTS.txt").read_text(encoding="utf-8")


def test_the_same_source_gives_the_same_bytes_and_a_second_run_only_looks(tmp_path):
    built, _ = build(tmp_path, Analysis("m1"), Analysis("m1", TORCH, folder="results"))
    convert(tmp_path)
    first = snapshot(tmp_path / "lp" / "models")
    assert convert(tmp_path).document["steps"]["done"] == []
    assert snapshot(tmp_path / "lp" / "models") == first
    plan = (tmp_path / "lp/.dlc2lp/plan.json").read_text(encoding="utf-8")
    shutil.rmtree(tmp_path / "lp")
    convert(tmp_path)
    assert (tmp_path / "lp/.dlc2lp/plan.json").read_text(encoding="utf-8") == plan
    assert len(plan) < 100_000
    del built


def test_the_hdf5_wins_over_its_csv_and_a_csv_alone_keeps_its_digits(tmp_path):
    built, (table,) = build(tmp_path, Analysis("m1"))
    path = built.root / "videos" / f"m1{TF}.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("0,", "1,"), encoding="utf-8")
    convert(tmp_path)
    assert np.array_equal(predicted(tmp_path), values(table))
    path.with_suffix(".h5").unlink()
    shutil.rmtree(tmp_path / "lp")
    add_analysis(built, Analysis("m1", files=("csv",)))
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[3] = lines[3].replace(lines[3].split(",")[1], "12.5000")
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    convert(tmp_path)
    assert cells(tmp_path)[3:] == [line.split(",") for line in lines[3:]]
    assert cells(tmp_path)[3][1] == "12.5000"


@pytest.mark.parametrize("how", [{"dtype": "float32"}, {"format": "fixed"}, {"dtype": "float32", "format": "fixed"}])
def test_other_forms_of_hdf5_are_the_same_numbers(tmp_path, how):
    _, (table,) = build(tmp_path, Analysis("m1", files=("h5",), **how))
    convert(tmp_path)
    assert np.array_equal(predicted(tmp_path).astype(table.dtypes.iloc[0]), values(table))
    if table.dtypes.iloc[0] == np.float32:
        assert all(len(cell) < 14 for row in cells(tmp_path)[3:] for cell in row)
    assert dlc2lp("verify", tmp_path / "lp", "--verify", "full").exit_code == 0


def test_an_empty_prediction_is_an_empty_cell(tmp_path):
    built, (table,) = build(tmp_path, Analysis("m1", files=()))
    table.iloc[3, 0:3] = np.nan
    table.to_hdf(built.root / "videos" / f"m1{TF}.h5", key="df_with_missing", format="table", mode="w")
    convert(tmp_path)
    assert cells(tmp_path)[6][:5] == ["3", "", "", "", repr(float(table.iloc[3, 3]))]


def test_frames_in_which_nothing_was_predicted_stay_rows_for_pandas(tmp_path):
    """As tracks have them before the animal comes in: Lightning Pose would miss an empty first row."""
    built, (table,) = build(tmp_path, Analysis("m1", files=()))
    table.iloc[:2] = np.nan
    table.to_hdf(built.root / "videos" / f"m1{TF}.h5", key="df_with_missing", format="table", mode="w")
    convert(tmp_path)
    read = pd.read_csv(tmp_path / f"lp/models/{MODEL}/video_preds/m1.csv", header=[0, 1, 2], index_col=0)
    assert list(read.index) == list(range(20))
    assert np.isnan(predicted(tmp_path)[:2, :, :2]).all()
    assert not predicted(tmp_path)[:2, :, 2].any()
    assert dlc2lp("verify", tmp_path / "lp", "--verify", "full").exit_code == 0


def test_an_archive_has_the_predictions_of_each_project(tmp_path):
    for name in ("one", "two"):
        built = build_project(
            tmp_path / "labs" / name, sessions=("m1",), frames=(2, 5), video=Video(".avi", "mjpeg", "yuvj420p")
        )
        add_analysis(built, Analysis("m1", off_px=len(name)))
    result = dlc2lp("batch", "convert", tmp_path / "labs", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    found = sorted((tmp_path / "out").glob("*/models/*/video_preds/m1.csv"))
    assert [path.parts[-5] for path in found] == ["one", "two"]
    assert dlc2lp("batch", "finish", tmp_path / "out").exit_code == 0
    again = dlc2lp("batch", "convert", tmp_path / "labs", tmp_path / "none", "--predictions", "none")
    assert again.exit_code == 0, again.stderr
    assert not list((tmp_path / "none").glob("*/models"))


# --- which frame ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_rows", [19, 21])
def test_another_number_of_rows_than_frames_is_told_and_left_out(tmp_path, n_rows):
    build(tmp_path, Analysis("m1", rows=range(n_rows)), Analysis("m2"), sessions=("m1", "m2"))
    result = convert(tmp_path)
    assert models(tmp_path) == {MODEL: ["m2.csv"]}
    finding = result.finding("predictions-of-other-frames")
    assert finding["severity"] == "warning"
    assert finding["subject"].endswith(f"videos/m1{TF}.h5")
    assert f"found {n_rows} rows, expected 20" in finding["message"]
    assert result.codes.count("predictions-of-other-frames") == 1


def test_tracks_that_begin_later_go_by_their_numbers(tmp_path):
    _, (table,) = build(
        tmp_path, Analysis("m1", ending="_el", individuals=("a",), rows=range(4, 18)), individuals=("a",)
    )
    convert(tmp_path)
    found = predicted(tmp_path, model=f"{MODEL}-el")
    assert len(found) == 20
    # pandas would take a first row without any number for the names of the index.
    assert np.isnan(found[[0, 1, 2, 3, 18, 19], :, :2]).all() and not found[[0, 1, 2, 3, 18, 19], :, 2].any()
    assert len(pd.read_csv(tmp_path / f"lp/models/{MODEL}-el/video_preds/m1.csv", header=[0, 1, 2], index_col=0)) == 20
    assert np.array_equal(found[4:18], values(table))
    assert dlc2lp("verify", tmp_path / "lp", "--verify", "full").exit_code == 0


@pytest.mark.parametrize("notes", [None, {"nframes": 19}, {"nframes": None}])
def test_tracks_that_begin_later_are_left_out_where_nothing_tells_the_number_of_frames(tmp_path, notes):
    tracks = Analysis("m1", ending="_el", individuals=("a",), rows=range(4, 18), notes=notes)
    build(tmp_path, tracks, individuals=("a",))
    result = convert(tmp_path)
    assert "14 rows for the frames 4 to 17" in result.finding("predictions-of-other-frames")["message"]
    assert models(tmp_path) == {}


def test_what_many_files_have_in_common_is_told_once(tmp_path):
    names = [f"m{n}" for n in range(8)]
    build(tmp_path, *(Analysis(name, rows=range(3)) for name in names), sessions=names)
    result = convert(tmp_path)
    assert result.codes.count("predictions-of-other-frames") == 1
    assert "7 other files" in result.finding("predictions-of-other-frames")["message"]


def test_rows_in_disorder_fail_that_step_alone(tmp_path):
    built, _ = build(tmp_path, Analysis("m1", files=("csv",)))
    path = built.root / "videos" / f"m1{TF}.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[7], lines[8] = lines[8], lines[7]
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    result = convert(tmp_path, code=1)
    assert "found frame 5 in row 4" in result.finding("predictions-unreadable")["message"]
    assert (tmp_path / "lp" / "CollectedData.csv").exists()
    assert not (tmp_path / "lp" / "models" / MODEL / "video_preds" / "m1.csv").exists()


# --- which part of the picture --------------------------------------------------------------------------------------


@pytest.mark.parametrize("scorer", [TF, TORCH])
def test_the_part_that_was_analyzed_is_added_back(tmp_path, scorer):
    whole = build_project(tmp_path / "other", sessions=("m1",))
    expected = values(add_analysis(whole, Analysis("m1", scorer, files=())))
    build(tmp_path, Analysis("m1", scorer, crop=(10, 100, 20, 90)), config={"cropping": True})
    convert(tmp_path)
    (model,) = models(tmp_path)
    assert np.allclose(predicted(tmp_path, model=model), expected, atol=1e-9, rtol=0)


def test_a_part_that_nothing_names_is_told_and_left_out(tmp_path):
    build(tmp_path, Analysis("m1", crop=(10, 100, 20, 90), notes=None), config={"cropping": True})
    result = convert(tmp_path)
    assert "_meta.pickle" in result.finding("predictions-of-unknown-part")["hint"]
    assert models(tmp_path) == {}


def test_points_move_along_where_the_video_is_cropped_like_its_images(tmp_path):
    session = Session("m1", crop=(16, 112, 8, 88))
    build(tmp_path, Analysis("m1"), sessions=(session,))
    whole = build_project(tmp_path / "other", sessions=("m1",))
    expected = values(add_analysis(whole, Analysis("m1", files=())))
    result = convert(tmp_path)
    crop = result.document["videos"][0]["crop"]
    assert (crop["x_px"], crop["y_px"]) == (16, 8)
    assert np.allclose(predicted(tmp_path), expected - [16, 8, 0], atol=1e-9, rtol=0)
    assert np.array_equal(predicted(tmp_path)[..., 2], expected[..., 2])
    assert dlc2lp("verify", tmp_path / "lp", "--verify", "full").exit_code == 0


def test_an_analysis_of_another_size_is_told_and_left_out(tmp_path):
    build(tmp_path, Analysis("m1", notes={"frame_dimensions": (48, 64)}))
    message = convert(tmp_path).finding("predictions-of-other-picture")["message"]
    assert "64x48 px, expected 128x96" in message
    assert models(tmp_path) == {}


# --- which keypoints ------------------------------------------------------------------------------------------------


def test_keypoints_are_matched_by_name_and_what_does_not_match_is_told(tmp_path):
    _, (table,) = build(tmp_path, Analysis("m1", bodyparts=("tail", "wing", "nose")))
    result = convert(tmp_path)
    found = predicted(tmp_path)
    assert np.array_equal(found[:, 0], values(table)[:, 2])
    assert np.array_equal(found[:, 3], values(table)[:, 0])
    assert np.isnan(found[:, 1:3]).all()
    assert "wing" in result.finding("predictions-left-out")["message"]
    assert "ear_left, ear_right" in result.finding("predictions-lacking")["message"]
    assert dlc2lp("verify", tmp_path / "lp", "--verify", "full").exit_code == 0


def test_predictions_of_other_keypoints_alone_make_no_model(tmp_path):
    build(tmp_path, Analysis("m1", bodyparts=("hand", "foot")))
    assert convert(tmp_path).finding("predictions-without-keypoints")["severity"] == "warning"
    assert models(tmp_path) == {}


@pytest.mark.parametrize(("choice", "columns"), [("b", [4, 5, 6, 7]), ("flatten", list(range(8)))])
def test_of_several_tracked_animals_those_that_are_migrated(tmp_path, choice, columns):
    animals = ("a", "b")
    _, (table,) = build(tmp_path, Analysis("m1", ending="_el"), individuals=animals)
    convert(tmp_path, "--individuals", choice)
    assert np.array_equal(predicted(tmp_path, model=f"{MODEL}-el"), values(table)[:, columns])


def test_tracks_in_a_csv_alone(tmp_path):
    _, (table,) = build(
        tmp_path, Analysis("m1", ending="_el", files=("csv",)), individuals=("a", "b"), unique=("ball",)
    )
    convert(tmp_path, "--individuals", "flatten")
    assert np.array_equal(predicted(tmp_path, model=f"{MODEL}-el"), values(table))
    assert dlc2lp("verify", tmp_path / "lp", "--verify", "full").exit_code == 0


def test_a_csv_that_a_spreadsheet_saved(tmp_path):
    built, (table,) = build(tmp_path, Analysis("m1", files=("csv",)))
    path = built.root / "videos" / f"m1{TF}.csv"
    path.write_bytes(path.read_text(encoding="utf-8").replace(",", ";").replace("\n", "\r\n").encode("utf-8-sig"))
    convert(tmp_path)
    assert np.array_equal(predicted(tmp_path), values(table))
    assert dlc2lp("verify", tmp_path / "lp", "--verify", "full").exit_code == 0


def test_animals_that_were_not_tracked_are_told_and_left_out(tmp_path):
    build(tmp_path, Analysis("m1", TORCH), individuals=("a", "b"))
    assert "predictions-not-tracked" in convert(tmp_path, "--individuals", "a").codes
    assert models(tmp_path) == {}


# --- which files ----------------------------------------------------------------------------------------------------


def test_a_damaged_file_is_told_and_another_one_is_taken(tmp_path):
    built, (table,) = build(tmp_path, Analysis("m1"))
    path = built.root / "videos" / f"m1{TF}.h5"
    path.write_bytes(path.read_bytes()[:3000])
    result = convert(tmp_path)
    assert f"{path.stem}.csv instead" in result.finding("predictions-unreadable")["message"]
    assert np.array_equal(predicted(tmp_path), values(table))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "a pointer of Git LFS"),
        (b"", "an empty file"),
        (b"PK\x03\x04", "a file of another kind"),
    ],
)
def test_a_file_that_is_none_is_told_and_stops_nothing(tmp_path, content, message):
    built, _ = build(tmp_path, Analysis("m1", files=("h5",)))
    (built.root / "videos" / f"m1{TF}.h5").write_bytes(content)
    assert message in convert(tmp_path).finding("predictions-unreadable")["message"]
    assert models(tmp_path) == {}


@pytest.mark.parametrize("cut", [-1, -40])
def test_a_csv_that_is_still_being_written_is_told_and_left_out(tmp_path, cut):
    built, _ = build(tmp_path, Analysis("m1", files=("csv",)))
    path = built.root / "videos" / f"m1{TF}.csv"
    path.write_bytes(path.read_bytes()[:cut])
    assert "cut off or still being written" in convert(tmp_path).finding("predictions-unreadable")["message"]
    assert models(tmp_path) == {}


def test_the_folder_of_the_video_goes_first_and_others_that_differ_are_named(tmp_path):
    built, (table, *_) = build(tmp_path, Analysis("m1"), Analysis("m1", folder="results", off_px=3))
    shutil.copytree(built.root / "videos", built.root / "again", ignore=shutil.ignore_patterns("*.mp4"))
    message = convert(tmp_path).finding("predictions-twice")["message"]
    assert np.array_equal(predicted(tmp_path), values(table))
    assert str(built.root / "results") in message
    assert str(built.root / "again") not in message


def test_two_tasks_in_one_project_are_two_models(tmp_path):
    build(tmp_path, Analysis("m1"), Analysis("m1", TF.replace("reach", "grasp")))
    convert(tmp_path)
    assert sorted(models(tmp_path)) == ["DLC_resnet50_graspAug30shuffle1_50000", TF]


def test_a_video_of_a_longer_name_has_its_own(tmp_path):
    build(tmp_path, Analysis("m10"), sessions=("m1", "m10"))
    convert(tmp_path)
    assert models(tmp_path) == {MODEL: ["m10.csv"]}


def test_an_accent_in_two_parts_is_the_same_name(tmp_path):
    """As macOS takes names apart; the notes beside the file are called likewise."""
    built, (table,) = build(tmp_path, Analysis("Mäuse", crop=(10, 100, 20, 90)), sessions=("Mäuse",))
    for path in sorted((built.root / "videos").glob("*DLC_*")):
        path.rename(path.with_name(unicodedata.normalize("NFD", path.name)))
    convert(tmp_path)
    (files,) = models(tmp_path).values()
    assert np.allclose(predicted(tmp_path, files[0].removesuffix(".csv")), values(table) + np.array([10, 20, 0]))


def test_views_share_one_model(tmp_path):
    _, tables = build(tmp_path, Analysis("r1_top"), Analysis("r1_side"), sessions=("r1_top", "r1_side"))
    convert(tmp_path, "--view-pattern", "{session}_{view}")
    assert models(tmp_path) == {MODEL: ["r1_side.csv", "r1_top.csv"]}
    for view, table in zip(("top", "side"), tables, strict=True):
        assert np.array_equal(predicted(tmp_path, f"r1_{view}"), values(table))


# --- labeled images -------------------------------------------------------------------------------------------------


def rows_of(path):
    return list(csv.reader(path.read_text(encoding="utf-8").splitlines()))


@pytest.mark.parametrize("scorer", [TF, TORCH])
def test_an_evaluation_becomes_the_models_predictions_of_labeled_images(tmp_path, scorer):
    frames = (2, 5, 9, 14, 19)
    built, _ = build(tmp_path, Analysis("m1", scorer), frames=frames, sessions=("m1", "m2"), shuffles=(Shuffle(),))
    table = add_evaluation(built, scorer)
    result = convert(tmp_path)
    (model,) = models(tmp_path)
    labels = rows_of(tmp_path / "lp" / "CollectedData.csv")
    found = rows_of(tmp_path / "lp" / "models" / model / "predictions.csv")
    assert found[0][-1] == "set"
    assert [row[0] for row in found[3:]] == [row[0] for row in labels[3:]]
    train, test = built.splits["iteration-0/80/1"]
    for row, frame in zip(found[3:], ((s, i) for s in ("m1", "m2") for i in built.rows[s]), strict=True):
        assert row[1:-1] == [repr(value) for value in table.loc[("labeled-data", *frame)].tolist()]
        assert row[-1] == ("train" if frame in train else "test" if frame in test else "unused")
    assert {row[-1] for row in found[3:]} == {"train", "test"}
    errors = rows_of(tmp_path / "lp" / "models" / model / "predictions_pixel_error.csv")
    assert errors[0] == ["", *built.bodyparts, "set"]
    assert np.allclose([[float(cell) for cell in row[1:-1]] for row in errors[1:]], 2**0.5)
    assert result.document["models"][0]["n_labeled_frames"] == 10
    assert dlc2lp("verify", tmp_path / "lp").exit_code == 0


def test_without_a_split_no_image_is_called_trained_on(tmp_path):
    built, _ = build(tmp_path, Analysis("m1"))
    add_evaluation(built)
    assert "evaluation-without-split" in convert(tmp_path).codes
    found = rows_of(tmp_path / "lp" / "models" / MODEL / "predictions.csv")
    assert {row[-1] for row in found[3:]} == {"unused"}


def test_a_damaged_evaluation_is_told_and_stops_nothing(tmp_path):
    built, _ = build(tmp_path, Analysis("m1"))
    add_evaluation(built)
    (path,) = built.root.glob("evaluation-results/*/*/*.h5")
    path.write_bytes(path.read_bytes()[:2000])
    assert "evaluation-unreadable" in convert(tmp_path).codes
    assert models(tmp_path) == {MODEL: ["m1.csv"]}


def test_of_a_video_that_is_cut_to_another_views_length_the_first_rows(tmp_path):
    sessions = (Session("r1_top"), Session("r1_side", n_frames=15))
    _, tables = build(tmp_path, Analysis("r1_top"), Analysis("r1_side"), sessions=sessions)
    result = convert(tmp_path, "--view-pattern", "{session}_{view}")
    assert sorted(video["trimmed_to"] or 0 for video in result.document["videos"]) == [0, 15]
    for view, table in zip(("top", "side"), tables, strict=True):
        assert np.array_equal(predicted(tmp_path, f"r1_{view}"), values(table)[:15])
    assert dlc2lp("verify", tmp_path / "lp", "--verify", "full").exit_code == 0


# --- the option -----------------------------------------------------------------------------------------------------


def test_none_reads_nothing(tmp_path, monkeypatch):
    built, _ = build(tmp_path, Analysis("m1"))
    (built.root / "videos" / f"m1{TF}.h5").write_bytes(b"")
    assert convert(tmp_path, "--predictions", "none").document["models"] == []
    assert not (tmp_path / "lp" / "models").exists()


def test_one_model_by_its_name(tmp_path):
    build(tmp_path, Analysis("m1"), Analysis("m1", ending="_filtered"))
    convert(tmp_path, "--predictions", f"{MODEL}-filtered")
    assert list(models(tmp_path)) == [f"{MODEL}-filtered"]
    result = dlc2lp("convert", tmp_path / "dlc", tmp_path / "other", "--predictions", "filtered", "--json")
    assert result.exit_code == 3
    assert f"candidates: {MODEL}, {MODEL}-filtered" in result.finding("unknown-predictions")["hint"]
    assert not (tmp_path / "other").exists()


def test_models_leave_when_they_are_not_wanted_any_more(tmp_path):
    build(tmp_path, Analysis("m1"))
    convert(tmp_path)
    assert "stale-removed" in convert(tmp_path, "--predictions", "none").codes
    assert not list((tmp_path / "lp").glob("models/*/*.*"))


# --- what is found afterwards ---------------------------------------------------------------------------------------


def test_an_analysis_that_was_made_anew_is_planned_anew(tmp_path):
    built, _ = build(tmp_path, Analysis("m1", files=("h5",)))
    convert(tmp_path)
    table = add_analysis(built, Analysis("m1", files=("h5",), off_px=5))
    convert(tmp_path)
    assert np.array_equal(predicted(tmp_path), values(table))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda lines: lines[:-1],
        lambda lines: [*lines[:10], lines[10].replace(".", ".1"), *lines[11:]],
        lambda lines: [
            *lines[:3],
            *(f"{n},{line.partition(',')[2]}" for n, line in enumerate([lines[3], *lines[3:-1]])),
        ],
    ],
)
def test_a_writer_that_loses_or_shifts_rows_is_found_out(tmp_path, monkeypatch, spoil):
    build(tmp_path, Analysis("m1"))
    monkeypatch.setattr(make_files, "predicted_lines", lambda step: iter(spoil(list(predicted_lines(step)))))
    assert "predictions-differ" in convert(tmp_path, code=1).codes


def test_what_lightning_pose_writes_beside_them_is_no_fault(tmp_path):
    build(tmp_path, Analysis("m1"))
    convert(tmp_path)
    folder = tmp_path / "lp" / "models" / MODEL
    pd.DataFrame({"nose": [1.0]}).to_csv(folder / "video_preds" / "m1_temporal_norm.csv")
    other = tmp_path / "lp" / "models" / "mine" / "video_preds"
    other.mkdir(parents=True)
    (other.parent / "config.yaml").write_text("model: {}\n", encoding="utf-8")
    (other / "m1.csv").write_text("x\n", encoding="utf-8")
    assert dlc2lp("verify", tmp_path / "lp").exit_code == 0


@pytest.mark.parametrize(
    ("file", "change", "code"),
    [
        ("video_preds/m1.csv", lambda text: text.replace("\n7,", "\n8,"), "target-predictions"),
        ("video_preds/m1.csv", lambda text: text.replace("likelihood", "visible"), "target-predictions"),
        ("video_preds/m1.csv", lambda text: text.replace("nose", "beak"), "target-predictions"),
        ("train_status.json", lambda text: text.replace("COMPLETED", "FAILED"), "target-model-status"),
    ],
)
def test_what_the_app_would_misread_is_found(tmp_path, file, change, code):
    build(tmp_path, Analysis("m1"))
    convert(tmp_path)
    path = tmp_path / "lp" / "models" / MODEL / file
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    result = dlc2lp("verify", tmp_path / "lp", "--json")
    assert {code, "target-edited"} <= set(result.codes)
