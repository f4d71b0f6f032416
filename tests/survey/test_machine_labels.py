"""Machine labels: predictions become suggestions in the app's queue, never labels; untouched ones are counted."""

import json
import math
import os

import pandas as pd
import pytest
from builder import Session, build_project
from command import dlc2lp
from targets import read_labels

NETWORK = "DLC_resnet50_reachAug30shuffle1_50000"
RETRAINED = "DLC_resnet50_reachAug30shuffle1_100000"


def predict(network, rows, *, likelihood=0.9):
    """A table of predictions: ``{image: {keypoint: (x, y)}}``, keypoints with their individual where they have one."""
    points = list(dict.fromkeys(point for predicted in rows.values() for point in predicted))
    levels = ["individuals", "bodyparts"] if isinstance(points[0], tuple) else ["bodyparts"]
    coords = ("x", "y") if likelihood is None else ("x", "y", "likelihood")
    columns = pd.MultiIndex.from_tuples(
        [(network, *([point] if isinstance(point, str) else point), coord) for point in points for coord in coords],
        names=["scorer", *levels, "coords"],
    )
    values = [
        [
            value
            for point in points
            for value in (*predicted.get(point, (math.nan, math.nan)), likelihood)[: len(coords)]
        ]
        for predicted in rows.values()
    ]
    index = pd.MultiIndex.from_tuples([("labeled-data", "m1", image) for image in rows])
    return pd.DataFrame(values, columns=columns, index=index)


def write(project, name, table, *, seconds=None):
    path = project.folder("m1") / name
    if path.suffix == ".csv":
        table.to_csv(path)
    else:
        table.to_hdf(path, key="df_with_missing", mode="w")
    if seconds is not None:
        os.utime(path, (seconds, seconds))
    return path


def build(tmp_path, **options):
    return build_project(
        tmp_path / "dlc", **{"sessions": ("m1",), "unlabeled": (7, 11, 12), "video": "none", **options}
    )


def queue(target):
    """What the app reads: frame -> (model, milliseconds, points), or None where there is no suggestion."""
    entries = {}
    for line in (target / "CollectedData.unlabeled.jsonl").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        assert entry.keys() == {"frame_path", "predictions"}
        suggestion = entry["predictions"]
        if suggestion is not None:
            assert suggestion.keys() == {"model_name", "date_time", "predictions"}
            points = {point["keypoint_name"]: (point["x"], point["y"]) for point in suggestion["predictions"]}
            suggestion = (suggestion["model_name"], suggestion["date_time"], points)
        entries[entry["frame_path"].rpartition("/")[2]] = suggestion
    return entries


def convert(project, *options):
    target = project.root.parent / "lp"
    result = dlc2lp("convert", project.root, target, "--json", *options)
    assert result.exit_code == 0, result.stderr
    return result, target


@pytest.mark.parametrize("name", ["machinelabels-iter0.h5", "machinelabels.csv"])
def test_predictions_are_suggested_in_the_queue(tmp_path, name):
    project = build(tmp_path)
    rows = {"img07.png": {"nose": (10.25, 20.5), "tail": (30.1, 40.2)}, "img11.png": {"tail": (31.0, 41.0)}}
    write(project, name, predict(NETWORK, rows), seconds=1_600_000_000.25)
    result, target = convert(project)
    assert queue(target) == {
        "img00000007.png": (NETWORK, 1_600_000_000_250, {"nose": (10.25, 20.5), "tail": (30.1, 40.2)}),
        "img00000011.png": (NETWORK, 1_600_000_000_250, {"tail": (31.0, 41.0)}),
        "img00000012.png": None,
    }
    assert len(read_labels(target)) == 5 * 4  # no prediction became a label
    assert result.document["counts"]["labeled_cells"]["written"] == len(project.labels)


def test_the_builder_s_own_machine_labels_arrive(tmp_path):
    project = build(tmp_path, extras=("machinelabels",))
    _, target = convert(project)
    for frame, (model, _, points) in queue(target).items():
        assert (model, points.keys()) == (NETWORK, set(project.bodyparts)), frame


def test_a_labeled_frame_keeps_its_labels_and_gets_no_suggestion(tmp_path):
    project = build(tmp_path)
    write(project, "machinelabels-iter0.h5", predict(NETWORK, {"img05.png": {"nose": (1.0, 2.0)}}))
    _, target = convert(project)
    assert "img00000005.png" not in queue(target)
    assert read_labels(target)["labeled-data/m1/img00000005.png", "nose"] == project.labels["m1", "img05.png", "nose"]


def test_machine_labels_can_be_ignored(tmp_path):
    project = build(tmp_path, extras=("machinelabels",))
    _, target = convert(project, "--machine-labels", "ignore")
    assert set(queue(target).values()) == {None}


def test_a_network_that_was_trained_anew_goes_first(tmp_path):
    """Both in one file, side by side: DeepLabCut adds the frames of the later one below and its columns behind."""
    project = build(tmp_path)
    before = predict(NETWORK, {"img07.png": {"nose": (1.0, 2.0)}, "img11.png": {"nose": (3.0, 4.0)}})
    after = predict(RETRAINED, {"img12.png": {"nose": (5.0, 6.0), "tail": (7.0, 8.0)}})
    write(project, "machinelabels-iter0.h5", pd.concat([before, after]))
    result, target = convert(project)
    assert {frame: points for frame, (_, _, points) in queue(target).items()} == {
        "img00000007.png": {"nose": (1.0, 2.0)},
        "img00000011.png": {"nose": (3.0, 4.0)},
        "img00000012.png": {"nose": (5.0, 6.0), "tail": (7.0, 8.0)},
    }
    note = result.finding("several-models")
    assert note["severity"] == "note"
    assert f"{NETWORK}, {RETRAINED}" in note["message"]


def test_two_networks_on_one_frame(tmp_path):
    project = build(tmp_path)
    rows = {"img07.png": {"nose": (1.0, 2.0)}}
    later = {"img07.png": {"nose": (5.0, 6.0)}}
    write(project, "machinelabels-iter0.h5", pd.concat([predict(NETWORK, rows), predict(RETRAINED, later)], axis=1))
    _, target = convert(project)
    assert queue(target)["img00000007.png"][2] == {"nose": (5.0, 6.0)}


def test_each_suggestion_names_its_own_network_and_time(tmp_path):
    """Each iteration has a file of its own, which does not repeat the frames of the one before."""
    project = build(tmp_path)
    first = predict(NETWORK, {"img07.png": {"nose": (1.0, 2.0)}, "img11.png": {"nose": (3.0, 4.0)}})
    second = predict(RETRAINED, {"img11.png": {"nose": (5.0, 6.0)}})
    oldest = predict("DeepCut_resnet50", {"img07.png": {"nose": (7.0, 8.0)}})
    write(project, "machinelabels-iter2.h5", oldest, seconds=500)
    write(project, "machinelabels-iter9.h5", first, seconds=1000)
    write(project, "machinelabels-iter10.h5", second, seconds=2000)
    write(project, "machinelabels.csv", second, seconds=3000)
    _, target = convert(project)
    assert queue(target) == {
        "img00000007.png": (NETWORK, 1_000_000, {"nose": (1.0, 2.0)}),
        "img00000011.png": (RETRAINED, 2_000_000, {"nose": (5.0, 6.0)}),
        "img00000012.png": None,
    }


def test_predictions_without_a_network_s_name(tmp_path):
    project = build(tmp_path)
    table = predict(NETWORK, {"img07.png": {"nose": (1.0, 2.0)}}).droplevel("scorer", axis=1)
    write(project, "machinelabels-iter0.h5", table)
    _, target = convert(project)
    model, _, points = queue(target)["img00000007.png"]
    assert (model, points) == ("machinelabels-iter0", {"nose": (1.0, 2.0)})


def test_infinite_and_unknown_predictions_are_no_suggestions(tmp_path):
    project = build(tmp_path)
    rows = {
        "img07.png": {"nose": (math.inf, 2.0), "tail": (3.0, 4.0), "whisker": (5.0, 6.0)},
        "img11.png": {"nose": (math.nan, math.nan)},
        "img99.png": {"nose": (1.0, 2.0)},
    }
    write(project, "machinelabels-iter0.h5", predict(NETWORK, rows))
    _, target = convert(project)
    found = queue(target)
    assert found["img00000007.png"][2] == {"tail": (3.0, 4.0)}
    assert found["img00000011.png"] is None
    assert len(found) == 3


def test_machine_labels_that_can_t_be_read_are_warnings(tmp_path):
    project = build(tmp_path)
    broken = project.folder("m1") / "machinelabels-iter1.h5"
    broken.write_bytes(b"\x89HDF\r\n\x1a\nhalf")
    write(project, "machinelabels-iter0.h5", predict(NETWORK, {"img07.png": {"nose": (1.0, 2.0)}}))
    (project.folder("m1") / "machinelabels.csv").write_text("scorer,a\nbodyparts,nose\ncoords,likelihood\n")
    result, target = convert(project)
    for name in ("machinelabels-iter1.h5", "machinelabels.csv"):
        told = [finding for finding in result.document["findings"] if finding["subject"].endswith(name)]
        assert told, name
        assert {finding["severity"] for finding in told} == {"warning"}
    assert queue(target)["img00000007.png"][2] == {"nose": (1.0, 2.0)}


def test_machine_labels_alone_are_no_labels(tmp_path):
    project = build(tmp_path, sessions=("m1", Session("m2", files=())), extras=("machinelabels",))
    for path in project.folder("m1").glob("CollectedData*"):
        path.unlink()
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--json")
    assert result.exit_code == 3
    assert "machine labels that were never refined" in result.finding("no-labels")["message"]


def findings_of(result, code):
    return [finding for finding in result.document["findings"] if finding["code"] == code]


def test_the_predictions_of_every_data_frame_in_a_file_are_suggested(tmp_path):
    """A file that several versions have added to: what the first frame lacks, the others may have."""
    project = build(tmp_path)
    both = {"img07.png": {"nose": (1.0, 2.0)}, "img11.png": {"nose": (3.0, 4.0)}}
    path = write(project, "machinelabels-iter0.h5", predict(NETWORK, both))
    other = {"img11.png": {"nose": (5.0, 6.0)}, "img12.png": {"tail": (7.0, 8.0)}}
    predict(NETWORK, other).to_hdf(path, key="machinelabels", mode="a")
    result, target = convert(project)
    assert {frame: points for frame, (_, _, points) in queue(target).items()} == {
        "img00000007.png": {"nose": (1.0, 2.0)},
        "img00000011.png": {"nose": (3.0, 4.0)},
        "img00000012.png": {"tail": (7.0, 8.0)},
    }
    (note,) = findings_of(result, "h5-several-keys")
    assert (note["severity"], note["subject"]) == ("note", str(path))
    assert "'machinelabels'" in note["message"]


def test_a_second_data_frame_that_can_not_be_read_is_told(tmp_path):
    project = build(tmp_path)
    path = write(project, "machinelabels-iter0.h5", predict(NETWORK, {"img07.png": {"nose": (1.0, 2.0)}}))
    pd.DataFrame({"a": [1.0]}).to_hdf(path, key="numbers", mode="a")
    result, target = convert(project)
    assert queue(target)["img00000007.png"][2] == {"nose": (1.0, 2.0)}
    (warning,) = findings_of(result, "h5-no-labels")
    assert warning["severity"] == "warning"
    assert "numbers" in warning["where"]
    assert "--labels" not in warning["hint"]  # which decides on labels, not on suggestions


def test_what_reading_machine_labels_brings_up_is_told(tmp_path):
    project = build(tmp_path)
    rows = {"img07.png": {"nose": (1.0, math.nan), "tail": (3.0, 4.0)}, "notes": {"tail": (1.0, 1.0)}}
    table = predict(NETWORK, rows)
    write(project, "machinelabels-iter0.h5", pd.concat([table, table.iloc[:1] + 1]))
    result, _ = convert(project)
    for code in ("half-point", "row-without-image", "conflicting-rows"):
        (finding,) = findings_of(result, code)
        assert (finding["severity"], "machinelabels" in finding["subject"]) == ("warning", True), code
        assert "suggestions" in finding["hint"]


def test_suggestions_for_images_that_are_not_there_are_counted(tmp_path):
    project = build(tmp_path)
    rows = {name: {"nose": (1.0, 2.0)} for name in ("img07.png", "img98.png", "img99.png")}
    write(project, "machinelabels-iter0.h5", predict(NETWORK, rows | {"img97.png": {"nose": (math.nan, math.nan)}}))
    write(project, "machinelabels.csv", predict(NETWORK, rows))  # the same again: counted once
    result, _ = convert(project)
    (finding,) = findings_of(result, "suggestion-without-image")
    assert (finding["severity"], finding["subject"]) == ("warning", "m1/img98.png, m1/img99.png")
    assert "2 images" in finding["message"]
    assert "suggestion-without-keypoint" not in result.codes


def test_suggestions_of_keypoints_that_nobody_labels_are_counted(tmp_path):
    project = build(tmp_path)
    labelled = project.rows["m1"][0]
    rows = {name: {"nose": (1.0, 2.0), "whisker": (3.0, 4.0)} for name in ("img07.png", "img11.png", labelled)}
    write(project, "machinelabels-iter0.h5", predict(NETWORK, rows))
    result, target = convert(project)
    (finding,) = findings_of(result, "suggestion-without-keypoint")
    assert (finding["severity"], finding["subject"]) == ("warning", "whisker")
    assert "predicted 2 times" in finding["message"]
    assert queue(target)["img00000007.png"][2] == {"nose": (1.0, 2.0)}
    ignored = dlc2lp("inspect", project.root, "--machine-labels", "ignore", "--json")
    assert "suggestion-without-keypoint" not in ignored.codes


def test_predictions_of_individuals_that_no_file_labels_are_counted(tmp_path):
    """The network was trained on the multi-animal project, whose labels were then made those of one animal."""
    project = build(tmp_path)
    rows = {"img07.png": {("ind1", "nose"): (1.0, 2.0), ("ind2", "nose"): (3.0, 4.0)}}
    write(project, "machinelabels-iter0.h5", predict(NETWORK, rows))
    result, target = convert(project)
    assert queue(target)["img00000007.png"] is None
    (finding,) = findings_of(result, "suggestion-without-keypoint")
    assert finding["subject"] == "ind1 nose, ind2 nose"


def test_predictions_of_individuals_that_were_not_chosen_are_left_out_on_purpose(tmp_path):
    project = build(tmp_path, individuals=("mus1", "mus2"), bodyparts=("nose", "tail"), unlabeled=(7,))
    write(
        project,
        "machinelabels-iter0.h5",
        predict(NETWORK, {"img07.png": {("mus1", "nose"): (1.0, 2.0), ("mus2", "nose"): (3.0, 4.0)}}),
    )
    result, _ = convert(project, "--individuals", "mus1")
    assert "suggestion-without-keypoint" not in result.codes


def test_suggestions_in_a_multi_animal_project(tmp_path):
    project = build(tmp_path, individuals=("mus1", "mus2"), bodyparts=("nose", "tail"), unlabeled=(7,))
    rows = {"img07.png": {("mus1", "nose"): (1.0, 2.0), ("mus2", "nose"): (3.0, 4.0), ("mus2", "tail"): (5.0, 6.0)}}
    write(project, "machinelabels-iter0.h5", predict(NETWORK, rows))
    for options, points in (
        (("flatten",), {"mus1_nose": (1.0, 2.0), "mus2_nose": (3.0, 4.0), "mus2_tail": (5.0, 6.0)}),
        (("mus2",), {"nose": (3.0, 4.0), "tail": (5.0, 6.0)}),
    ):
        target = tmp_path / options[0]
        assert dlc2lp("convert", project.root, target, "--individuals", *options).exit_code == 0
        assert queue(target)["img00000007.png"][2] == points


def test_suggestions_from_before_the_individuals(tmp_path):
    project = build(tmp_path, individuals=("mus1",), bodyparts=("nose", "tail"))
    write(project, "machinelabels-iter0.h5", predict(NETWORK, {"img07.png": {"nose": (1.0, 2.0)}}))
    _, target = convert(project)
    assert queue(target)["img00000007.png"][2] == {"nose": (1.0, 2.0)}


def test_suggestions_where_only_a_later_session_has_individuals(tmp_path):
    project = build_project(
        tmp_path / "dlc",
        sessions=(Session("m0", unlabeled=()), "m1"),
        individuals=("mus1",),
        unlabeled=(7,),
        video="none",
        write_config=False,
        edit_table=lambda session, table: table.xs("mus1", axis=1, level="individuals") if session == "m0" else table,
    )
    write(project, "machinelabels-iter0.h5", predict(NETWORK, {"img07.png": {("mus1", "nose"): (1.0, 2.0)}}))
    _, target = convert(project)
    assert queue(target)["img00000007.png"][2] == {"nose": (1.0, 2.0)}


@pytest.mark.parametrize(("likelihood", "n_equal"), [(0.59, 2), (0.6, 0), (None, 0)])
def test_labels_that_equal_an_unlikely_prediction_are_counted(tmp_path, likelihood, n_equal):
    project = build(tmp_path)
    nose, tail = (project.labels["m1", "img05.png", name] for name in ("nose", "tail"))
    moved = (math.nextafter(tail[0], 0), tail[1])
    rows = {
        "img05.png": {"nose": nose, "tail": moved},
        "img09.png": {"nose": project.labels["m1", "img09.png", "nose"]},
    }
    table = predict(NETWORK, rows, likelihood=likelihood)
    write(project, "machinelabels-iter0.h5", table)
    write(project, "machinelabels.csv", table)  # the same again: counted once
    result, target = convert(project)
    assert ("labels-equal-predictions" in result.codes) == bool(n_equal)
    if n_equal:
        finding = result.finding("labels-equal-predictions")
        assert (finding["severity"], finding["subject"]) == ("warning", "m1")
        assert f"{n_equal} labelled points" in finding["message"]
        assert NETWORK in finding["message"]
    assert len(read_labels(target)) == 5 * 4


def test_labels_are_compared_with_every_network_and_iteration(tmp_path):
    project = build(tmp_path)
    labels = {image: {"nose": project.labels["m1", image, "nose"]} for image in ("img02.png", "img05.png", "img09.png")}
    for n, (image, points) in enumerate(labels.items()):
        write(project, f"machinelabels-iter{n}.h5", predict(f"network{n}", {image: points}, likelihood=0.1))
    moved = {image: {"nose": (1.0, 2.0)} for image in labels}
    write(project, "machinelabels.csv", predict("network0", moved, likelihood=0.1))
    result, _ = convert(project)
    assert "3 labelled points" in result.finding("labels-equal-predictions")["message"]
