"""``--split``: DeepLabCut's own test frames are held out, exactly these or none."""

import os
import pickle

import pytest
from builder import Session, Shuffle, build_project
from command import dlc2lp
from targets import expect_labels, read_labels, read_visible

TRAIN, TEST = "CollectedData.csv", "CollectedData_test.csv"

#: A session from before the tail was added.
OLD = Session("m2", bodyparts=("nose",))


def build(tmp_path, *shuffles, **options):
    return build_project(
        tmp_path / "dlc",
        **{"sessions": ("m1", "m2"), "bodyparts": ("nose", "tail"), "video": "none", "shuffles": shuffles, **options},
    )


def convert(project, *options, name="lp"):
    target = project.root.parent / name
    return dlc2lp("convert", project.root, target, "--json", *options), target


def frames(target, name):
    """(session, frame number) of every row."""
    found = set()
    for image, _ in read_labels(target, name):
        _, session, file_name = image.split("/")
        found.add((session, int(file_name.removeprefix("img").removesuffix(".png"))))
    return found


def numbered(project, wanted):
    return {(session, project.frame_index[session, image]) for session, image in wanted}


@pytest.mark.parametrize("era", ["A", "C", "F"])
def test_the_test_frames_are_held_out_and_the_others_trained_on(tmp_path, era):
    """The order of the rows changed with the versions: as listed, by path, by folder and name."""
    project = build(tmp_path, Shuffle(), Shuffle(number=2, fraction=0.5), era=era, sessions=("m1-b", "m1", "m10"))
    for number, percent in ((1, 80), (2, 50)):
        train, test = project.splits[f"iteration-0/{percent}/{number}"]
        result, target = convert(project, "--split", str(number), name=f"lp{number}")
        assert result.exit_code == 0, result.stderr
        assert frames(target, TRAIN) == numbered(project, train)
        assert frames(target, TEST) == numbered(project, test)
        assert test
        cells = read_labels(target) | read_labels(target, TEST)
        for (session, image, keypoint), point in project.labels.items():
            index = project.frame_index[session, image]
            assert cells[f"labeled-data/{session}/img{index:08d}.png", keypoint] == point
        counts = result.document["counts"]
        assert counts["labeled_frames"] == {"source": 15, "written": 15, "left_out": 0}
        assert counts["labeled_cells"]["written"] == len(project.labels) == len(cells)
        assert result.document["checked"]["coordinates"] == 2 * len(cells)
        states = [image["state"] for session in result.document["sessions"] for image in session["images"]]
        assert states.count("test") == len(test)
        assert dlc2lp("verify", target).exit_code == 0


@pytest.mark.parametrize("name", ["1", "80/1", "iteration-0/80/1", " 1 "])
def test_every_name_of_a_split(tmp_path, name):
    project = build(tmp_path, Shuffle(), Shuffle(iteration=1))
    result, target = convert(project, "--split", name)
    assert result.exit_code == 0, result.stderr
    assert frames(target, TEST) == numbered(project, project.splits["iteration-0/80/1"][1])


def test_the_splits_are_listed(tmp_path):
    project = build(tmp_path, Shuffle(), Shuffle(number=2), Shuffle(iteration=3, fraction=0.5))
    names = ["iteration-0/80/1", "iteration-0/80/2", "iteration-3/50/1"]
    for command in (("convert", project.root, tmp_path / "lp"), ("inspect", project.root)):
        listed = dlc2lp(*command, "--split", "list", "--json")
        assert (listed.exit_code, listed.document["splits"]) == (0, names)
        text = dlc2lp(*command, "--split", "list").stdout
        assert all(name in text for name in names)
    assert not (tmp_path / "lp").exists()
    assert dlc2lp("inspect", project.root, "--json").document["splits"] == names


def test_no_split_to_list(tmp_path):
    result, target = convert(build(tmp_path), "--split", "list")
    assert (result.exit_code, result.document["splits"]) == (0, [])
    assert not target.exists()


@pytest.mark.parametrize(
    ("wanted", "code", "words"),
    [
        ("7", "unknown-split", ["iteration-0/80/1", "iteration-0/50/1"]),
        ("1", "several-splits", ["--split iteration-0/50/1", "--split iteration-0/80/1"]),
    ],
)
def test_a_name_that_decides_nothing(tmp_path, wanted, code, words):
    project = build(tmp_path, Shuffle(), Shuffle(fraction=0.5))
    result, target = convert(project, "--split", wanted)
    assert result.exit_code == 3
    assert not target.exists()
    finding = result.finding(code)
    assert all(word in finding["message"] + finding["hint"] for word in words), finding


def swapped(content):
    """Training and test frames changed places, as where positions mean another table."""
    data, train, test, fraction = content
    return [data, test, train, fraction]


def test_a_split_that_can_t_be_verified_is_used_for_nothing(tmp_path):
    result, target = convert(build(tmp_path, Shuffle(edit=swapped)), "--split", "1")
    assert result.exit_code == 3
    assert not target.exists()
    finding = result.finding("split-unverified")
    assert finding["severity"] == "error"
    assert finding["hint"]


class Touch:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_a_hostile_pickle_runs_nothing(tmp_path):
    owned = tmp_path / "owned"
    project = build(tmp_path, Shuffle(dump=lambda content: pickle.dumps([Touch(str(owned)), *content[1:]])))
    result, target = convert(project, "--split", "1")
    assert result.exit_code == 3
    assert "unsafe-pickle" in result.codes
    assert not target.exists()
    assert not owned.exists()


def test_frames_labelled_since_are_trained_on(tmp_path):
    project = build(tmp_path, Shuffle(later=("m2",), train=[0, 2, 3, 4], test=[1]))
    _, test = project.splits["iteration-0/80/1"]
    result, target = convert(project, "--split", "1")
    assert result.exit_code == 0, result.stderr
    assert frames(target, TEST) == numbered(project, test) == {("m1", 5)}
    assert frames(target, TRAIN) == numbered(project, project.frame_index) - {("m1", 5)}
    assert ("m2", 2) in frames(target, TRAIN)


def test_a_frame_labelled_since_that_moved_the_rows(tmp_path):
    """The merged table was written anew with it, so the positions lead to other frames: refused, not guessed."""
    project = build(tmp_path, Shuffle(later=(("m1", "img09.png"),), train=[0, 1, 3, 4, 5, 6, 7, 8], test=[2]))
    assert project.splits["iteration-0/80/1"][1] == {("m1", "img14.png")}
    result, target = convert(project, "--split", "1")
    assert result.exit_code == 3
    assert "split-unverified" in result.codes
    assert not target.exists()


@pytest.mark.parametrize("empty", ["queue", "keep", "drop"])
def test_a_test_frame_without_labels(tmp_path, empty):
    project = build(
        tmp_path,
        Shuffle(train=[row for row in range(10) if row not in {1, 7}], test=[7, 1]),
        labels=lambda key, point: None if key[:2] == ("m1", "img05.png") else point,
    )
    _, test = project.splits["iteration-0/80/1"]
    assert ("m1", "img05.png") in test
    result, target = convert(project, "--split", "1", "--empty-frames", empty)
    assert result.exit_code == 0, result.stderr
    kept = set() if empty == "keep" else {("m1", 5)}
    assert frames(target, TEST) == numbered(project, test) - kept
    assert ("m1", 5) not in frames(target, TRAIN)
    assert (target / "CollectedData.unlabeled.jsonl").exists() == (empty == "queue")


def test_both_files_have_the_column_visible_or_neither(tmp_path):
    project = build(tmp_path, Shuffle(test=[6], train=[0, 1, 2, 3, 4, 5, 7, 8, 9]), sessions=("m1", OLD))
    result, target = convert(project, "--split", "1")
    assert result.exit_code == 0, result.stderr
    assert read_visible(target, TEST)["labeled-data/m2/img00000005.png", "tail"] == "0"
    assert set(read_visible(target).values()) == {"0", "2"}


def test_a_test_frame_whose_image_is_gone(tmp_path):
    project = build(tmp_path, Shuffle(test=[1, 7], train=[0, 2, 3, 4, 5, 6, 8, 9]))
    project.image("m1", "img05.png").unlink()
    result, target = convert(project, "--split", "1")
    assert result.exit_code == 1
    assert result.finding("missing-image")["subject"] == "m1/img05.png"
    assert frames(target, TEST) == {("m2", 9)}
    assert result.document["counts"]["labeled_frames"] == {"source": 10, "written": 9, "left_out": 1}


def test_without_the_option_again_the_test_file_goes(tmp_path):
    project = build(tmp_path, Shuffle())
    result, target = convert(project, "--split", "1")
    again, _ = convert(project, "--split", "1")
    assert again.document["steps"]["done"] == []
    result, _ = convert(project)
    assert result.exit_code == 0, result.stderr
    assert not (target / TEST).exists()
    expect_labels(project, target)


def test_individuals_split_and_frames_held_out(tmp_path):
    project = build(tmp_path, Shuffle(), individuals=("mus1", "mus2"), sessions=("m1",))
    _, test = project.splits["iteration-0/80/1"]
    result, target = convert(project, "--split", "1", "--individuals", "split")
    assert result.exit_code == 0, result.stderr
    for name in ("mus1", "mus2"):
        assert frames(target / name, TEST) == numbered(project, test)
        found = read_labels(target / name, TEST)
        for session, image in test:
            for keypoint in ("nose", "tail"):
                path = f"labeled-data/m1/img{project.frame_index[session, image]:08d}.png"
                assert found[path, keypoint] == project.labels[session, image, name, keypoint]
