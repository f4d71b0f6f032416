"""Multi-animal projects: which individuals become which keypoints, which need a decision, and that none gets lost."""

import json
import math
from collections import Counter
from pathlib import Path

import pytest
import yaml
from builder import Session, Video, barcode, build_project, read_clip, snapshot
from command import dlc2lp
from targets import read_labels

from dlc2lp.run import make_files


def build(root, **options):
    """Two mice and a corner of the arena, in one session of three frames."""
    return build_project(
        root,
        **{
            "sessions": ("m1",),
            "individuals": ("mus1", "mus2"),
            "unique": ("corner",),
            "bodyparts": ("nose", "tail"),
            "frames": (2, 5, 9),
            "video": "none",
            **options,
        },
    )


def only(*individuals):
    """Labels of these individuals alone."""
    return lambda key, point: point if key[2] in individuals else None


def labelled(target):
    """Every cell of a target that holds a label."""
    return {cell: point for cell, point in read_labels(target).items() if not math.isnan(point[0])}


def source_cells(project, individuals=None, *, name=lambda individual, keypoint: keypoint):
    """The project's labels as a target must have them; ``name`` says what a keypoint is called there."""
    return {
        (f"labeled-data/{session}/img{project.frame_index[session, image]:08d}.png", name(individual, keypoint)): point
        for (session, image, individual, keypoint), point in project.labels.items()
        if individuals is None or individual in individuals
    }


def flat_name(individual, keypoint):
    return keypoint if individual == "single" else f"{individual}_{keypoint}"


def project_yaml(target):
    return yaml.safe_load((target / "project.yaml").read_text(encoding="utf-8"))


def single_animal(table, individual):
    """A session's file as it was before the project became a multi-animal one."""
    return table.xs(individual, axis=1, level="individuals")


# --- auto ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("era", "files", "unique_first"),
    [("C", ("csv",), True), ("C", ("h5",), False), ("F", ("csv",), False), ("F", ("h5",), True)],
)
def test_one_labelled_individual_becomes_plain_keypoints(tmp_path, era, files, unique_first):
    project = build(tmp_path / "dlc", era=era, files=files, unique_first=unique_first, labels=only("mus2", "single"))
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--json")
    assert result.exit_code == 0, result.stderr
    assert labelled(tmp_path / "lp") == source_cells(project)
    assert project_yaml(tmp_path / "lp")["keypoint_names"] == ["nose", "tail", "corner"]
    note = result.finding("individual-never-labelled")
    assert (note["severity"], note["subject"]) == ("note", "mus1")
    assert result.document["counts"]["labeled_cells"] == {"source": 9, "written": 9, "left_out": 0}


def test_individuals_with_different_keypoints_share_one_animal_in_the_order_of_the_config(tmp_path):
    owner = {"b_lid": "box", "nose": "mouse", "a_lock": "box", "tail": "mouse"}
    project = build(
        tmp_path / "dlc",
        individuals=("mouse", "box"),
        bodyparts=tuple(owner),
        labels=lambda key, point: point if owner.get(key[3], key[2]) == key[2] else None,
    )
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--json")
    assert result.exit_code == 0, result.stderr
    assert labelled(tmp_path / "lp") == source_cells(project)
    assert project_yaml(tmp_path / "lp")["keypoint_names"] == [*owner, "corner"]
    empty = result.finding("keypoint-never-labelled")["subject"]
    assert sorted(empty.split(", ")) == ["box nose", "box tail", "mouse a_lock", "mouse b_lid"]


def test_without_a_config_the_order_is_that_of_the_file(tmp_path):
    project = build(tmp_path / "dlc", bodyparts=("tail", "nose"), labels=only("mus1", "single"), write_config=False)
    assert dlc2lp("convert", project.root, tmp_path / "lp").exit_code == 0
    assert project_yaml(tmp_path / "lp")["keypoint_names"] == ["tail", "nose", "corner"]


def test_equal_keypoints_need_a_decision(tmp_path):
    never = ("m1", "img05.png", "mus2", "nose")
    project = build(
        tmp_path / "dlc",
        individuals=("mus1", "mus2", "mus3"),
        labels=lambda key, point: None if key == never or key[2] == "mus3" else point,
    )
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--json")
    assert result.exit_code == 3
    assert not (tmp_path / "lp").exists()
    finding = result.finding("several-individuals")
    assert finding["severity"] == "error"
    table = [line.split() for line in finding["message"].splitlines()[1:]]
    assert table == [
        ["individual", "frames", "points", "keypoints"],
        ["mus1", "3", "6", "nose,", "tail"],
        ["mus2", "3", "5", "nose,", "tail"],
        ["mus3", "0", "0", "-"],
        ["single", "3", "3", "corner"],
    ]
    assert "--individuals flatten|split|NAME" in finding["hint"]
    assert all(line in result.stderr for line in finding["message"].splitlines()[1:])
    inspected = dlc2lp("inspect", project.root, "--json")
    assert inspected.exit_code == 3
    (decision,) = inspected.document["decisions"]
    assert (decision["code"], decision["candidates"]) == ("several-individuals", ["mus1", "mus2", "single"])
    assert decision["option"] == "--individuals flatten|split|NAME"
    assert inspected.document["individuals"] == ["mus1", "mus2", "mus3", "single"]


def test_a_table_of_many_keypoints_stays_readable(tmp_path):
    project = build(tmp_path / "dlc", bodyparts=[f"part{n}" for n in range(30)], frames=(2,))
    result = dlc2lp("inspect", project.root, "--json")
    rows = result.finding("several-individuals")["message"].splitlines()[2:]
    assert rows[0].endswith("part7 and 22 more")
    assert max(map(len, rows)) < 100


# --- flatten ------------------------------------------------------------------------------------------------


def test_flatten_keeps_every_label_under_the_name_of_its_individual(tmp_path):
    project = build(tmp_path / "dlc", labels=lambda key, point: None if key[2:] == ("mus2", "tail") else point)
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--individuals", "flatten", "--json")
    assert result.exit_code == 0, result.stderr
    assert labelled(tmp_path / "lp") == source_cells(project, name=flat_name)
    settings = project_yaml(tmp_path / "lp")
    assert settings["keypoint_names"] == ["mus1_nose", "mus1_tail", "mus2_nose", "corner"]
    assert settings["skeleton"] == [["mus1_nose", "mus1_tail"]]
    assert result.finding("keypoint-never-labelled")["subject"] == "mus2 tail"


def test_flatten_draws_the_skeleton_in_each_individual(tmp_path):
    project = build(tmp_path / "dlc")
    assert dlc2lp("convert", project.root, tmp_path / "lp", "--individuals", "flatten").exit_code == 0
    assert project_yaml(tmp_path / "lp")["skeleton"] == [["mus1_nose", "mus1_tail"], ["mus2_nose", "mus2_tail"]]


def test_flattened_names_never_meet(tmp_path):
    project = build(tmp_path / "dlc", individuals=("a", "a_b"), bodyparts=("b_c", "c"), skeleton=())
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--individuals", "flatten", "--json")
    assert result.exit_code == 3
    finding = result.finding("flattened-names-alike")
    assert "a_b_c" in finding["message"]
    assert "split|NAME" in finding["hint"]
    assert "flatten|" not in finding["hint"]


# --- one of them --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "n_points"), [("mus1", 6), ("mus2", 6), ("single", 3)])
def test_one_individual_by_its_name(tmp_path, name, n_points):
    project = build(tmp_path / "dlc", individuals=("mus1", "mus2", "mus3"), labels=only("mus1", "mus2", "single"))
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--individuals", name, "--json")
    assert result.exit_code == 0, result.stderr
    assert labelled(tmp_path / "lp") == source_cells(project, {name})
    counts = result.document["counts"]["labeled_cells"]
    assert counts == {"source": 15, "written": n_points, "left_out": 15 - n_points}
    note = result.finding("individuals-left-out")
    assert sorted(note["subject"].split(", ")) == sorted({"mus1", "mus2", "single"} - {name})
    assert f"{15 - n_points} labelled points" in note["message"]
    assert f"--individuals {name}" in note["message"]
    assert ("single 3" in note["message"]) == (name != "single")


def test_frames_without_the_chosen_individual_wait_in_the_queue(tmp_path):
    project = build(tmp_path / "dlc", labels=lambda key, point: None if key[1:3] == ("img05.png", "mus1") else point)
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--individuals", "mus1", "--json")
    assert result.exit_code == 0, result.stderr
    queue = (tmp_path / "lp/CollectedData.unlabeled.jsonl").read_text().splitlines()
    assert [json.loads(line)["frame_path"] for line in queue] == ["labeled-data/m1/img00000005.png"]
    assert result.document["counts"]["labeled_frames"] == {"source": 3, "written": 2, "left_out": 1}


@pytest.mark.parametrize(("name", "why"), [("Mus1", "none of the individuals"), ("mus3", "never labelled")])
def test_an_individual_that_is_not_there(tmp_path, name, why):
    project = build(tmp_path / "dlc", individuals=("mus1", "mus2", "mus3"), labels=only("mus1", "mus2", "single"))
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--individuals", name, "--json")
    assert result.exit_code == 3
    assert not (tmp_path / "lp").exists()
    finding = result.finding("unknown-individual")
    assert repr(name) in finding["message"]
    assert why in finding["message"]
    assert "candidates: mus1, mus2, single" in finding["hint"]


def test_only_the_chosen_individual_s_empty_keypoints_are_told(tmp_path):
    project = build(tmp_path / "dlc", labels=lambda key, point: None if key[3] == "tail" else point, unique=())
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--individuals", "mus1", "--json")
    assert result.finding("keypoint-never-labelled")["subject"] == "mus1 tail"
    assert "individual-never-labelled" not in result.codes


# --- split --------------------------------------------------------------------------------------------------


def test_split_gives_every_cell_to_exactly_one_target(tmp_path):
    absent = {("img05.png", "mus1"), ("img09.png", "mus2")}
    project = build(
        tmp_path / "dlc",
        individuals=("mus1", "mus2", "mus3"),
        sessions=("m1", "m2"),
        labels=lambda key, point: None if key[1:3] in absent or key[2] == "mus3" else point,
    )
    before = snapshot(project.root)
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--individuals", "split", "--json")
    assert result.exit_code == 0, result.stderr
    assert result.document["schema"] == "dlc2lp/convert-each/1"
    assert list(result.document["individuals"]) == ["mus1", "mus2", "single"]
    assert {path.name for path in (tmp_path / "lp").iterdir()} == {"mus1", "mus2", "single"}
    arrived = Counter()
    for name, document in result.document["individuals"].items():
        assert document["target"] == str(tmp_path / "lp" / name)
        cells = labelled(tmp_path / "lp" / name)
        assert cells == source_cells(project, {name})
        arrived.update((name, *cell) for cell in cells)
        assert dlc2lp("verify", tmp_path / "lp" / name).exit_code == 0
    assert set(arrived.values()) == {1}
    assert len(arrived) == len(project.labels)
    assert snapshot(project.root) == before


def test_split_makes_each_video_once(tmp_path, monkeypatch):
    project = build(tmp_path / "dlc", video=Video(suffix=".avi", codec="mjpeg", pixel_format="yuvj420p"), n_frames=12)
    made = []
    real = make_files.make_video

    def make_video(source, *arguments, **options):
        made.append(source.name)
        return real(source, *arguments, **options)

    monkeypatch.setattr(make_files, "make_video", make_video)
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--individuals", "split", "--json")
    assert result.exit_code == 0, result.stderr
    assert made == ["m1.avi"]
    clips = [tmp_path / "lp" / name / "videos/m1.mp4" for name in ("mus1", "mus2", "single")]
    assert len({clip.read_bytes() for clip in clips}) == 1
    assert [barcode(frame) for frame in read_clip(clips[2])] == list(range(12))
    assert len({clip.stat().st_ino for clip in clips}) == 3  # a change of one must not change the others


def test_split_again_does_nothing(tmp_path):
    project = build(tmp_path / "dlc")
    command = ("convert", project.root, tmp_path / "lp", "--individuals", "split", "--json")
    assert dlc2lp(*command).exit_code == 0
    before = snapshot(tmp_path / "lp")
    again = dlc2lp(*command)
    assert again.exit_code == 0, again.stderr
    for document in again.document["individuals"].values():
        assert document["steps"]["done"] == []
        assert document["steps"]["skipped"]
    after = snapshot(tmp_path / "lp")
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    assert all(Path(path).name in {".dlc2lp", "run.log"} for path in changed), changed


def test_split_can_be_tried_first(tmp_path):
    project = build(tmp_path / "dlc")
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--individuals", "split", "--dry-run", "--json")
    assert result.exit_code == 0, result.stderr
    assert result.document["schema"] == "dlc2lp/plan-each/1"
    plans = result.document["individuals"]
    assert {name: plan["target"] for name, plan in plans.items()} == {
        name: str(tmp_path / "lp" / name) for name in ("mus1", "mus2", "single")
    }
    assert sum(plan["counts"]["labeled_cells"]["written"] for plan in plans.values()) == len(project.labels)
    assert not (tmp_path / "lp").exists()


def test_split_targets_get_names_that_every_system_holds(tmp_path):
    project = build(tmp_path / "dlc", individuals=("Müsli 1", "a/b", "A-B"), unique=())
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--individuals", "split", "--json")
    assert result.exit_code == 0, result.stderr
    names = {path.name.casefold() for path in (tmp_path / "lp").iterdir()}
    assert len(names) == 3
    for name, document in result.document["individuals"].items():
        assert labelled(Path(document["target"])) == source_cells(project, {name})


def test_an_individual_that_is_called_like_a_choice(tmp_path):
    """It would get every label under ``split``, which asks for each individual by its name."""
    project = build(tmp_path / "dlc", individuals=("flatten", "mus2"))
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--individuals", "split", "--json")
    assert result.exit_code == 3
    assert "'flatten'" in result.finding("individual-name-taken")["message"]


def test_nothing_to_split(tmp_path):
    project = build_project(tmp_path / "dlc", sessions=("m1",), video="none")
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--individuals", "split", "--json")
    assert result.exit_code == 2
    assert "no-individuals" in result.codes


# --- files and config that disagree -------------------------------------------------------------------------


def test_the_file_says_whether_there_are_individuals(tmp_path):
    project = build(
        tmp_path / "dlc",
        labels=only("mus1", "single"),
        config={"multianimalproject": False, "bodyparts": ["nose", "tail"], "individuals": ["individual_1"]},
    )
    result = dlc2lp("convert", project.root, tmp_path / "lp")
    assert result.exit_code == 0, result.stdout + result.stderr
    assert labelled(tmp_path / "lp") == source_cells(project)


def test_a_config_of_individuals_over_files_without(tmp_path):
    project = build_project(
        tmp_path / "dlc",
        sessions=("m1",),
        video="none",
        config={"multianimalproject": True, "individuals": ["mus1", "mus2"], "uniquebodyparts": []},
    )
    result = dlc2lp("convert", project.root, tmp_path / "lp")
    assert result.exit_code == 0, result.stdout + result.stderr
    assert len(labelled(tmp_path / "lp")) == len(project.labels)


def test_sessions_from_before_and_after_the_individuals(tmp_path):
    """One animal all the time: its labels meet in the same keypoints, whichever file they come from."""
    project = build(
        tmp_path / "dlc",
        sessions=("m1", "m2"),
        unique=(),
        labels=only("mus1"),
        edit_table=lambda session, table: single_animal(table, "mus1") if session == "m2" else table,
    )
    result = dlc2lp("convert", project.root, tmp_path / "lp")
    assert result.exit_code == 0, result.stdout + result.stderr
    assert labelled(tmp_path / "lp") == source_cells(project)


@pytest.mark.parametrize(("choice", "n_left_out"), [("mus1", 3), ("single", 12)])
def test_labels_without_individual_are_those_of_the_only_animal(tmp_path, choice, n_left_out):
    """``single`` is no animal: the corner of the arena does not make it two."""
    project = build(
        tmp_path / "dlc",
        sessions=("m1", "m2"),
        labels=lambda key, point: point if key[2] == "mus1" or (key[0], key[2]) == ("m1", "single") else None,
        edit_table=lambda session, table: single_animal(table, "mus1") if session == "m2" else table,
    )
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--individuals", choice, "--json")
    assert result.exit_code == 0, result.stderr
    assert labelled(tmp_path / "lp") == source_cells(project, {choice})
    assert result.document["counts"]["labeled_cells"]["left_out"] == n_left_out


def test_flatten_keeps_labels_without_individual_apart(tmp_path):
    project = mixed_project(tmp_path)
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--individuals", "flatten", "--json")
    assert result.exit_code == 0, result.stderr
    cells = labelled(tmp_path / "lp")
    assert len(cells) == result.document["counts"]["labeled_cells"]["written"] == 3 * 4 + 3 * 2
    assert {name for path, name in cells if "/m2/" in path} == {"nose", "tail"}
    assert {name for path, name in cells if "/m1/" in path} == {"mus1_nose", "mus1_tail", "mus2_nose", "mus2_tail"}


@pytest.mark.parametrize("choice", ["mus1", "split"])
def test_labels_without_individual_are_given_to_none_of_several(tmp_path, choice):
    project = mixed_project(tmp_path)
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--individuals", choice, "--json")
    assert result.exit_code == 3
    assert not (tmp_path / "lp").exists()
    finding = result.finding("labels-without-individual")
    assert "6 labelled points" in finding["message"]
    assert "flatten" in finding["hint"]
    assert finding["hint"].endswith("candidates: mus1, mus2")
    assert ["(none)", "3", "6", "nose,", "tail"] in [line.split() for line in finding["message"].splitlines()]


def mixed_project(tmp_path):
    """Two mice in the file of m1, and m2's from the time before: whose labels are those?"""
    return build(
        tmp_path / "dlc",
        sessions=("m1", "m2"),
        unique=(),
        edit_table=lambda session, table: single_animal(table, "mus1") if session == "m2" else table,
    )


def test_sessions_with_other_keypoints_of_their_individuals(tmp_path):
    project = build(tmp_path / "dlc", sessions=("m1", Session("m2", bodyparts=("tail",))))
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--individuals", "flatten")
    assert result.exit_code == 0, result.stdout + result.stderr
    assert labelled(tmp_path / "lp") == source_cells(project, name=flat_name)
