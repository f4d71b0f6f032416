"""Individuals and keypoints that config.yaml does not name: asked and told, never new keypoints in silence."""

import math
import re
import unicodedata

import pytest
from builder import Session, build_project
from command import dlc2lp
from targets import read_labels

CONFIG = {"individuals": ["mus1", "mus2"], "uniquebodyparts": [], "multianimalbodyparts": ["nose", "tail"]}


def build(root, **options):
    """Two sessions of two mice, and a config that calls them mus1 and mus2."""
    return build_project(
        root,
        **{
            "sessions": ("m1", "m2"),
            "individuals": ("mus1", "mus2"),
            "bodyparts": ("nose", "tail"),
            "frames": (2, 5),
            "video": "none",
            **options,
        },
    )


def rename(sessions, level, names):
    """Edit the label files of some sessions: other names in one level of their columns."""
    return lambda session, table: table.rename(columns=names, level=level) if session in sessions else table


def labelled_cells(target):
    return [cell for cell, point in read_labels(target).items() if not math.isnan(point[0])]


def only(*individuals):
    return lambda key, point: point if key[2] in individuals else None


def convert(project, *options):
    target = project.root.parent / "lp"
    return dlc2lp("convert", project.root, target, "--json", *options), target


STRANGERS = {"mus1": "ind1", "mus2": "ind2"}


@pytest.mark.parametrize("sessions", [("m2",), ("m1", "m2")], ids=["one session", "all sessions"])
def test_unknown_individuals_are_asked_with_all_names(tmp_path, sessions):
    project = build(tmp_path / "dlc", edit_table=rename(sessions, "individuals", STRANGERS))
    result, target = convert(project)
    assert (result.exit_code, target.exists()) == (3, False)
    finding = result.finding("individuals-not-in-config")
    assert finding["severity"] == "error"
    assert all(name in finding["message"] for name in ("ind1", "ind2", "mus1", "mus2", *sessions))
    assert re.search(r"ind1[^.;]{0,120}config\.yaml", result.stderr)
    assert "--individuals flatten|split|NAME" in finding["hint"]
    inspected = dlc2lp("inspect", project.root, "--json")
    (decision,) = inspected.document["decisions"]
    assert decision["option"].endswith("--individuals flatten|split|NAME")
    assert set(decision["candidates"]) == {"ind1", "ind2"} | ({"mus1", "mus2"} if sessions == ("m2",) else set())


@pytest.mark.parametrize(
    ("choice", "n_written"), [("flatten", 16), ("mus1", 4), ("ind2", 4)], ids=["flatten", "known", "unknown"]
)
def test_a_choice_decides_on_unknown_individuals_and_they_are_told(tmp_path, choice, n_written):
    project = build(tmp_path / "dlc", edit_table=rename(("m2",), "individuals", STRANGERS))
    result, target = convert(project, "--individuals", choice)
    assert result.exit_code == 0, result.stderr
    assert len(labelled_cells(target)) == n_written
    finding = result.finding("individuals-not-in-config")
    assert finding["severity"] == "warning"
    assert "8 labelled points are of ind1, ind2" in finding["message"]


def test_unknown_individuals_can_be_split(tmp_path):
    project = build(tmp_path / "dlc", edit_table=rename(("m2",), "individuals", STRANGERS))
    result, target = convert(project, "--individuals", "split")
    assert result.exit_code == 0, result.stderr
    assert {path.name for path in target.iterdir()} == {"mus1", "mus2", "ind1", "ind2"}
    assert sum(len(labelled_cells(folder)) for folder in target.iterdir()) == 16
    assert dlc2lp("inspect", project.root, "--individuals", "split").exit_code == 0


def test_one_unknown_animal_alone_is_asked_too(tmp_path):
    """Its keypoints would be plain ones; but whose they are is what nobody has said."""
    names = rename(("m1", "m2"), "individuals", {"mus1": "ind1"})
    project = build(tmp_path / "dlc", labels=only("mus1"), edit_table=names)
    result, _ = convert(project)
    assert (result.exit_code, result.codes[0]) == (3, "individuals-not-in-config")
    decided, target = convert(project, "--individuals", "ind1")
    assert decided.exit_code == 0, decided.stderr
    assert len(labelled_cells(target)) == 8


def test_an_individual_of_another_thing_is_asked_where_it_would_become_new_keypoints(tmp_path):
    """No two share a keypoint here, so plain names would do; but the config knows of no box."""
    owner = {"nose": "mus1", "lid": "box"}
    project = build(
        tmp_path / "dlc",
        individuals=("mus1", "box"),
        bodyparts=tuple(owner),
        labels=lambda key, point: point if owner[key[3]] == key[2] else None,
        config={**CONFIG, "multianimalbodyparts": ["nose", "lid"]},
    )
    result, _ = convert(project)
    assert result.exit_code == 3
    assert "box, which is not among the individuals" in result.finding("individuals-not-in-config")["message"]


def test_unknown_individuals_without_a_label_are_no_question(tmp_path):
    project = build(tmp_path / "dlc", individuals=("mus1", "ghost"), labels=only("mus1"), config=CONFIG)
    result, target = convert(project)
    assert result.exit_code == 0, result.stderr
    assert len(labelled_cells(target)) == 8
    assert result.finding("individual-never-labelled")["subject"] == "ghost"


@pytest.mark.parametrize(
    "config",
    [None, {"individuals": []}, {"multianimalproject": False, "bodyparts": ["nose", "tail"], "individuals": ["i"]}],
    ids=["no config", "no individuals", "single-animal"],
)
def test_a_config_that_names_no_individuals_knows_of_no_strangers(tmp_path, config):
    more = {"write_config": False} if config is None else {"config": config}
    project = build(tmp_path / "dlc", labels=only("mus1"), **more)
    result, target = convert(project)
    assert result.exit_code == 0, result.stderr
    assert len(labelled_cells(target)) == 8


def test_accents_that_a_mac_spells_in_two_signs_make_no_stranger(tmp_path):
    name = "m\u00e4us"
    apart = rename(("m1", "m2"), "individuals", {name: unicodedata.normalize("NFD", name)})
    project = build(tmp_path / "dlc", individuals=(name, "mus2"), labels=only(name), edit_table=apart)
    result, _ = convert(project)
    assert result.exit_code == 0, result.stderr


def test_a_renamed_keypoint_of_a_multi_animal_project_is_asked(tmp_path):
    """m2 has ``snout`` and lacks ``nose``: one keypoint that would become two, each half empty."""
    project = build(tmp_path / "dlc", labels=only("mus1"), edit_table=rename(("m2",), "bodyparts", {"nose": "snout"}))
    result, target = convert(project)
    assert (result.exit_code, target.exists()) == (3, False)
    (finding,) = [each for each in result.document["findings"] if each["severity"] == "error"]
    assert finding["code"] == "keypoint-not-in-config"
    assert "snout, which is not among the bodyparts of config.yaml" in finding["message"]
    assert "without any of nose" in finding["message"]
    decided, _ = convert(project, "--individuals", "mus1")
    assert decided.exit_code == 0, decided.stderr
    assert len(labelled_cells(target)) == 8
    told = decided.finding("keypoint-not-in-config")
    assert (told["severity"], told["subject"]) == ("warning", "snout")
    assert "snout 2 times" in told["message"]


def test_a_further_keypoint_of_a_multi_animal_project_is_told(tmp_path):
    project = build(
        tmp_path / "dlc",
        sessions=("m1", Session("m2", bodyparts=("nose", "tail", "paw"))),
        bodyparts=("nose", "tail", "paw"),
        labels=only("mus1"),
        config=CONFIG,
    )
    result, target = convert(project)
    assert result.exit_code == 0, result.stderr
    assert len(labelled_cells(target)) == 12
    finding = result.finding("keypoint-not-in-config")
    assert (finding["severity"], finding["subject"]) == ("warning", "paw")


def test_unknown_keypoints_are_told_beside_the_question_about_individuals(tmp_path):
    project = build(tmp_path / "dlc", edit_table=rename(("m2",), "bodyparts", {"nose": "snout"}))
    result, _ = convert(project, "--individuals", "bob")
    assert result.exit_code == 3
    assert result.finding("keypoint-not-in-config")["subject"] == "snout"


def test_a_keypoint_of_the_config_that_no_file_has(tmp_path):
    config = {**CONFIG, "multianimalbodyparts": ["nose", "tail", "paw"], "uniquebodyparts": ["corner"]}
    project = build(tmp_path / "dlc", labels=only("mus1"), config=config)
    result, _ = convert(project)
    assert result.exit_code == 0, result.stderr
    assert result.finding("keypoint-without-column")["subject"] == "paw, corner"


@pytest.mark.parametrize("command", ["convert", "inspect"])
def test_the_name_of_an_individual_is_refused_in_a_single_animal_project(tmp_path, command):
    project = build_project(tmp_path / "dlc", sessions=("m1",), video="none")
    target = [tmp_path / "lp"] if command == "convert" else []
    result = dlc2lp(command, project.root, *target, "--individuals", "bob", "--json")
    assert (result.exit_code, (tmp_path / "lp").exists()) == (3, False)
    finding = result.finding("unknown-individual")
    assert "'bob'" in finding["message"]
    assert "--individuals auto" in finding["hint"]


@pytest.mark.parametrize("choice", ["auto", "flatten"])
def test_what_means_all_individuals_is_harmless_in_a_single_animal_project(tmp_path, choice):
    project = build_project(tmp_path / "dlc", sessions=("m1",), video="none")
    result, target = convert(project, "--individuals", choice)
    assert result.exit_code == 0, result.stderr
    assert len(labelled_cells(target)) == len(project.labels)


def test_merged_projects_know_the_names_of_both(tmp_path):
    first = build(tmp_path / "a", sessions=("m1",), labels=only("mus1"))
    other = build(tmp_path / "b", sessions=("m2",), individuals=("rat1", "rat2"), labels=only("rat1"))
    result, _ = convert(first, "--merge", other.root)
    assert "individuals-not-in-config" not in result.codes
    assert result.finding("several-individuals")
