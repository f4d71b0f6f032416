"""Labels that look wrong are told with counts, and every one of them arrives as it is."""

import math

import pytest
from builder import Session, build_project
from command import dlc2lp
from targets import expect_labels, read_labels


def convert(project, *options):
    """Whatever is odd, every label arrives bit for bit."""
    target = project.root.parent / "lp"
    result = dlc2lp("convert", project.root, target, "--json", *options)
    assert result.exit_code == 0, result.stderr
    expect_labels(project, target)
    counts = result.document["counts"]["labeled_cells"]
    assert (counts["written"], counts["left_out"]) == (len(project.labels), 0)
    return result


def build(tmp_path, labels=None, **options):
    """Images of 128x96."""
    return build_project(tmp_path / "dlc", labels=labels, **{"sessions": ("m1",), "video": "none", **options})


def test_an_ordinary_project_has_nothing_odd(tmp_path):
    codes = convert(build(tmp_path, sessions=("m1", "m2"))).codes
    assert not {code for code in codes if code.startswith(("label", "keypoint", "image", "individual"))}


@pytest.mark.parametrize(
    "point", [(-3.25, 20.0), (20.0, -0.5), (128.0, 20.0), (20.0, 96.0), (4000.0, 20.0), (0.0, -3.0)]
)
def test_a_label_outside_its_image(tmp_path, point):
    project = build(tmp_path, {("m1", "img05.png", "nose"): point})
    result = convert(project)
    finding = result.finding("label-outside-image")
    assert (finding["severity"], finding["subject"]) == ("warning", "m1")
    assert finding["message"].startswith("found 1 labelled point outside")
    assert finding["where"] == f"img05.png, nose: ({point[0]:g}, {point[1]:g}) in 128x96"
    assert "label-at-zero" not in result.codes


def test_labels_outside_are_counted_by_session(tmp_path):
    moved = {("m1", "img05.png"), ("m1", "img09.png"), ("m2", "img02.png")}
    project = build(
        tmp_path,
        lambda key, point: (-1.0, -1.0) if key[:2] in moved and key[2] != "tail" else point,
        sessions=("m1", "m2"),
    )
    told = [each for each in convert(project).document["findings"] if each["code"] == "label-outside-image"]
    assert [(each["subject"], each["message"].split(" outside")[0]) for each in told] == [
        ("m1", "found 6 labelled points"),
        ("m2", "found 3 labelled points"),
    ]


def test_an_image_s_own_size_counts(tmp_path):
    inside_one = ("big", "img05.png", "nose"), ("small", "img05.png", "nose")
    project = build(
        tmp_path,
        dict.fromkeys(inside_one, (200.0, 50.0)),
        sessions=(Session("big", size_px=(256, 96)), "small"),
    )
    result = convert(project)
    told = [each["subject"] for each in result.document["findings"] if each["code"] == "label-outside-image"]
    assert told == ["small"]
    note = result.finding("image-sizes-differ")
    assert note["severity"] == "note"
    assert "5 of 256x96" in note["message"]
    assert "5 of 128x96" in note["message"]


@pytest.mark.parametrize("point", [(0.0, 20.0), (20.0, 0.0), (0.0, 0.0), (-0.0, 20.0)])
def test_a_label_at_zero(tmp_path, point):
    result = convert(build(tmp_path, {("m1", "img05.png", "nose"): point}))
    finding = result.finding("label-at-zero")
    assert finding["message"].startswith("found 1 labelled point at x = 0 or y = 0")
    assert finding["where"].startswith("img05.png, nose:")
    assert "label-outside-image" not in result.codes


def test_the_individual_of_an_odd_label_is_named(tmp_path):
    project = build_project(
        tmp_path / "dlc",
        sessions=("m1",),
        individuals=("mus1",),
        labels={("m1", "img05.png", "mus1", "nose"): (-1.0, 2.0)},
        video="none",
    )
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--json")
    assert result.finding("label-outside-image")["where"] == "img05.png, mus1 nose: (-1, 2) in 128x96"


@pytest.mark.parametrize(("n_parked", "told"), [(1, False), (2, True), (4, True)])
def test_labels_parked_in_the_corner(tmp_path, n_parked, told):
    images = ("img02.png", "img05.png", "img09.png", "img14.png")[:n_parked]
    project = build(
        tmp_path,
        {("m1", image, "tail"): (50.0, 40.0) for image in images},
        config={"corner2move2": [50, 40]},
    )
    result = convert(project)
    assert ("labels-at-corner" in result.codes) == told
    if told:
        message = result.finding("labels-at-corner")["message"]
        assert message.startswith(f"found {n_parked} labelled points exactly at (50, 40)")


def test_labels_near_the_corner_are_no_cluster(tmp_path):
    near = (50.0, math.nextafter(50.0, 51))
    project = build(tmp_path, {("m1", image, "tail"): near for image in ("img02.png", "img05.png")})
    assert "labels-at-corner" not in convert(project).codes


@pytest.mark.parametrize(
    "names",
    [
        ("snout ", "snout"),
        ("Snout", "snout"),
        ("left  ear", "left ear"),
        ("nez e\u0301", "nez \u00e9"),
    ],
)
def test_near_equal_names_stay_apart_and_are_told(tmp_path, names):
    project = build(tmp_path, bodyparts=(*names, "tail"), skeleton=())
    result = convert(project)
    finding = result.finding("keypoint-names-alike")
    assert finding["severity"] == "warning"
    assert finding["hint"]
    assert all(repr(name) in finding["subject"] for name in names)
    assert repr("tail") not in finding["subject"]


def test_a_name_that_only_the_config_writes_otherwise(tmp_path):
    project = build(tmp_path, config={"bodyparts": ["Nose", "ear_left", "ear_right", "tail"]})
    assert convert(project).finding("keypoint-names-alike")["subject"] == "'Nose', 'nose'"


def test_an_individual_that_only_the_config_writes_otherwise(tmp_path):
    project = build_project(
        tmp_path / "dlc", sessions=("m1",), individuals=("mus1",), video="none", config={"individuals": ["Mus1"]}
    )
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--json")
    assert result.finding("individual-names-alike")["subject"] == "'Mus1', 'mus1'"


def test_near_equal_individuals(tmp_path):
    project = build_project(
        tmp_path / "dlc", sessions=("m1",), individuals=("mus1", "Mus1 "), bodyparts=("nose",), video="none"
    )
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--individuals", "flatten", "--json")
    assert result.exit_code == 0, result.stderr
    assert result.finding("individual-names-alike")["subject"] == "'Mus1', 'mus1'"
    assert len({name for _, name in read_labels(tmp_path / "lp")}) == 2


def test_a_row_of_another_folder_is_held_to_its_own_image(tmp_path):
    """A label file copied into the wrong folder: its rows name the right one, where the images are."""
    project = build(
        tmp_path,
        {("m1", "img05.png", "nose"): (-1.0, 2.0)},
        sessions=("m1", "m2"),
    )
    for path in project.folder("m1").glob("CollectedData*"):
        path.rename(project.folder("m2") / path.name)
    for path in project.folder("m2").glob("img*.png"):
        path.unlink()
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--json")
    assert result.exit_code == 0, result.stderr
    assert "label-outside-image" in result.codes
    assert read_labels(tmp_path / "lp")["labeled-data/m1/img00000005.png", "nose"] == (-1.0, 2.0)
