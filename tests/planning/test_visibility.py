"""The column ``visible``: labelled, hidden or never looked for, and never an empty cell."""

import itertools
import json
import math
import subprocess

import pytest
import yaml
from builder import Session, build_project
from command import dlc2lp
from judge import JUDGED, LP_PYTHON
from targets import read_labels, read_visible

from dlc2lp.planning.visibility import explain

_READ_WITH_LP = """
import json, sys
from lightning_pose.utils.io import parse_label_csv
read = [parse_label_csv(path) for path in sys.argv[1:]]
print(json.dumps([
    (list(one.keypoint_names), list(one.image_names), None if one.visibility is None else one.visibility.tolist())
    for one in read
]))
"""

NOT_LABELED, HIDDEN, VISIBLE = "0", "1", "2"


def build(root, **options):
    """m2 is from before the tail was added; in m1 one ear is hidden once."""
    hidden = ("m1", "img05.png", "ear")
    return build_project(
        root,
        **{
            "sessions": ("m1", Session("m2", bodyparts=("nose", "ear"))),
            "bodyparts": ("nose", "ear", "tail"),
            "frames": (2, 5),
            "unlabeled": (7,),
            "labels": lambda key, point: None if key == hidden else point,
            "video": "none",
            **options,
        },
    )


def convert(project, *options):
    target = project.root.parent / "lp"
    result = dlc2lp("convert", project.root, target, "--json", *options)
    assert result.exit_code == 0, result.stderr
    return result, target


def uniform_heatmaps(target):
    config = yaml.safe_load((target / "configs/default.yaml").read_text(encoding="utf-8"))
    return config["training"]["uniform_heatmaps_for_nan_keypoints"]


@pytest.mark.parametrize("nan_means", [None, "occluded", "unlabeled"])
@pytest.mark.parametrize("visibility", ["auto", "always", "never"])
def test_the_column_says_of_each_cell_what_it_is(tmp_path, visibility, nan_means):
    options = ["--visibility", visibility, *(["--nan-means", nan_means] if nan_means else [])]
    result, target = convert(build(tmp_path / "dlc"), *options)
    visible, labels = read_visible(target), read_labels(target)
    assert uniform_heatmaps(target) == (nan_means != "unlabeled")
    if visibility == "never":
        assert visible == {}
        assert "visible-column" not in result.codes
        return
    assert visible.keys() == labels.keys()
    for (image, name), value in visible.items():
        session = image.split("/")[1]
        if not math.isnan(labels[image, name][0]):
            assert value == VISIBLE
        elif (session, name) == ("m2", "tail"):
            assert value == NOT_LABELED
        else:
            assert value == (NOT_LABELED if nan_means == "unlabeled" else HIDDEN)
    assert sum(value != VISIBLE for value in visible.values()) == 1 + 2
    assert ("visible-column" in result.codes) == (visibility == "auto")


def test_auto_tells_which_sessions_lack_which_keypoints(tmp_path):
    nowhere = {"ear"}
    project = build(tmp_path / "dlc", labels=lambda key, point: None if key[2] in nowhere else point)
    note = convert(project)[0].finding("visible-column")
    assert note["severity"] == "note"
    assert "1 session never labelled a keypoint that others have: m2 (tail);" in note["message"]
    assert "--visibility never" in note["hint"]


@pytest.mark.parametrize("nowhere", [set(), {"tail"}])
def test_auto_leaves_the_column_out_where_all_sessions_are_alike(tmp_path, nowhere):
    """Hidden now and then, or labelled nowhere: both are told by LP's one option for empty cells."""
    project = build(
        tmp_path / "dlc",
        sessions=("m1", "m2"),
        labels=lambda key, point: None if key[2] in nowhere or key[1:] == ("img05.png", "nose") else point,
    )
    result, target = convert(project)
    assert read_visible(target) == {}
    assert "visible-column" not in result.codes


def test_a_column_that_a_session_has_and_never_filled_is_as_none(tmp_path):
    project = build(
        tmp_path / "dlc",
        sessions=("m1", "m2"),
        labels=lambda key, point: None if (key[0], key[2]) == ("m2", "tail") else point,
    )
    visible = read_visible(convert(project)[1])
    assert {value for (image, name), value in visible.items() if "/m2/" in image and name == "tail"} == {NOT_LABELED}
    assert set(visible.values()) == {NOT_LABELED, VISIBLE}


def test_empty_frames_that_are_kept_have_no_empty_cell(tmp_path):
    project = build(tmp_path / "dlc", labels=lambda key, point: None if key[1] == "img05.png" else point)
    _, target = convert(project, "--empty-frames", "keep")
    visible = read_visible(target)
    assert len(visible) == 4 * 3
    assert {visible["labeled-data/m1/img00000005.png", name] for name in project.bodyparts} == {HIDDEN}
    assert visible["labeled-data/m2/img00000005.png", "tail"] == NOT_LABELED


def test_the_share_of_hidden_cells_passes_over_sessions_that_never_had_the_keypoint(tmp_path):
    result, _ = convert(build(tmp_path / "dlc"))
    shares = {keypoint["name"]: keypoint["hidden_share"] for keypoint in result.document["keypoints"]}
    assert shares == {"nose": 0, "ear": 0.25, "tail": 0}


def test_verify_holds_the_coordinates_beside_the_column(tmp_path):
    project = build(tmp_path / "dlc")
    result, target = convert(project)
    assert result.document["checked"]["coordinates"] == 2 * 4 * 3
    assert dlc2lp("verify", target).exit_code == 0
    path = target / "CollectedData.csv"
    x, _ = project.labels["m1", "img02.png", "nose"]
    path.write_text(path.read_text().replace(repr(x), "1.5"))
    found = dlc2lp("verify", target, "--json")
    assert found.exit_code == 0, "a label that people moved is no fault"
    assert found.finding("labels-edited")["message"].startswith("1 label moved")


@JUDGED[0]
@JUDGED[1]
def test_lightning_pose_reads_the_column(tmp_path):
    """By its own ``parse_label_csv``, in one call: importing it takes seconds."""
    project = build(tmp_path / "dlc")
    targets = []
    for visibility, nan_means in itertools.product(("auto", "always", "never"), ("occluded", "unlabeled")):
        targets.append(tmp_path / f"{visibility}-{nan_means}")
        options = ("--visibility", visibility, "--nan-means", nan_means)
        assert dlc2lp("convert", project.root, targets[-1], *options).exit_code == 0
    read = subprocess.run(
        [LP_PYTHON, "-c", _READ_WITH_LP, *(target / "CollectedData.csv" for target in targets)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=600,
        check=False,
    )
    assert read.returncode == 0, read.stderr[-3000:]
    for target, (names, images, visible) in zip(targets, json.loads(read.stdout), strict=True):
        cells = read_visible(target)
        assert bool(cells) == (not target.name.startswith("never"))
        assert names == ["nose", "ear", "tail"]
        expected = [[int(cells[image, name]) for name in names] for image in images] if cells else None
        assert visible == expected, target


def test_five_sessions_are_named_and_the_others_counted():
    never = {"whole": frozenset[int](), **{f"m{number}": frozenset({1}) for number in range(1, 8)}}
    for n_told, told in ((5, "m5 (tail); the"), (6, "m5 (tail) and 1 more; the"), (7, "m5 (tail) and 2 more; the")):
        message = explain(dict(list(never.items())[: n_told + 1]), ("nose", "tail"), ["CollectedData.csv"]).message
        assert "; ".join(f"m{number} (tail)" for number in range(1, 5)) in message
        assert told in message
