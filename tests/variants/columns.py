"""Rows 12 to 26, 34 to 36 and 95: individuals, keypoints and what stands in their cells."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pandas as pd
from builder import BuiltProject, Key, Session
from command import Result
from targets import read_visible

from variants.table import NO_VIDEOS, Outcome, labels_of, small, variant

PARTS = ("nose", "ear_left", "ear_right", "tail")
MULTI = {"multianimalproject": True, "bodyparts": "MULTI!", "uniquebodyparts": [], "multianimalbodyparts": list(PARTS)}


@variant(12, "one individual of a multi-animal project", "fixed", "table", "csv")
def one_individual(root: Path, case: str) -> Outcome:
    files = ("csv",) if case == "csv" else ("csv", "h5")
    layout = "flat" if case == "table" else "three"
    form = "table" if case == "table" else "fixed"
    return Outcome(small(root, individuals=("mus1",), files=files, layout=layout, h5_format=form))


@variant(13, "several individuals", "asked", "flattened", "one of them", "split", "different keypoints", "unknown name")
def several_individuals(root: Path, case: str) -> Outcome:
    distinct = case == "different keypoints"

    def label(key: Key, point: tuple[float, float]) -> tuple[float, float] | None:
        return None if distinct and (key[2] == "mus1") != (key[3] in PARTS[:2]) else point

    project = small(root, individuals=("mus1", "mus2"), labels=label)
    each = {who: labels_of(project, where=lambda key, who=who: key[2] == who) for who in project.individuals}
    match case:
        case "asked":
            return Outcome(
                project,
                exit_code=3,
                errors={"several-individuals"},
                says={
                    "several-individuals": ("mus1", "mus2", "--individuals flatten|split|NAME", "24", "nose, ear_left")
                },
            )
        case "flattened":
            names = tuple(f"{who}_{part}" for who in project.individuals for part in PARTS)
            labels = labels_of(project, name=lambda key: f"{key[2]}_{key[3]}")
            return Outcome(project, (*NO_VIDEOS, "--individuals", "flatten"), labels=labels, keypoints=names)
        case "one of them":
            options = (*NO_VIDEOS, "--individuals", "mus2")
            return Outcome(project, options, labels=each["mus2"], notes={"individuals-left-out"})
        case "split":
            return Outcome(project, (*NO_VIDEOS, "--individuals", "split"), targets=each)
        case "different keypoints":
            return Outcome(project, labels=labels_of(project), notes={"keypoint-never-labelled"})
        case _:
            return Outcome(
                project,
                (*NO_VIDEOS, "--individuals", "mus3"),
                exit_code=3,
                errors={"unknown-individual"},
                says={"unknown-individual": ("mus3", "mus1, mus2")},
            )


@variant(14, "unique bodyparts")
def unique_bodyparts(root: Path) -> Outcome:
    project = small(root, individuals=("mus1",), unique=("corner", "feeder"))
    return Outcome(project, keypoints=(*PARTS, "corner", "feeder"))


@variant(15, "unique bodyparts first", "plain", "flattened")
def unique_first(root: Path, case: str) -> Outcome:
    """``convert2_maDLC`` puts ``single`` first: it is known by its name, not by its place."""
    project = small(root, individuals=("mus1",), unique=("corner",), unique_first=True)
    if case == "plain":
        return Outcome(project, keypoints=(*PARTS, "corner"))
    return Outcome(
        project,
        (*NO_VIDEOS, "--individuals", "flatten"),
        labels=labels_of(project, name=lambda key: key[3] if key[2] == "single" else f"{key[2]}_{key[3]}"),
        keypoints=(*(f"mus1_{part}" for part in PARTS), "corner"),
    )


@variant(16, "config and file disagree on individuals", "file has some", "flattened", "config has some", "both kinds")
def config_disagrees(root: Path, case: str) -> Outcome:
    if case in {"file has some", "flattened"}:
        plain = {"multianimalproject": False, "bodyparts": list(PARTS)}
        project = small(root, individuals=("mus1",), config=plain)
        if case == "file has some":
            return Outcome(project)
        labels = labels_of(project, name=lambda key: f"mus1_{key[3]}")
        keypoints = tuple(f"mus1_{part}" for part in PARTS)
        return Outcome(project, (*NO_VIDEOS, "--individuals", "flatten"), labels=labels, keypoints=keypoints)
    project = small(root, config=MULTI | {"individuals": ["mus1"]})
    if case == "both kinds":
        # m2 was labelled after the project became a multi-animal one.
        later = small(root.with_name("later"), sessions=("m2",), individuals=("mus1",))
        shutil.rmtree(project.folder("m2"))
        shutil.move(later.folder("m2"), project.folder("m2"))
        moved = {(session, image, part): point for (session, image, _, part), point in later.labels.items()}
        project.labels.update(moved)
    return Outcome(project)


@variant(17, "likelihood among the labels", "h5", "csv")
def likelihood(root: Path, kind: str) -> Outcome:
    return Outcome(small(root, likelihood=True, files=(kind,)), notes={"likelihood-dropped"})


@variant(18, "column order differs by folder")
def column_order(root: Path) -> Outcome:
    return Outcome(small(root, sessions=("m1", Session("m2", bodyparts=PARTS[::-1]))))


@variant(19, "bodypart added later", "occluded", "unlabeled", "never")
def bodypart_added_later(root: Path, case: str) -> Outcome:
    """Its cells in the first folder are "nobody looked", a missed one in the second is "hidden"."""

    def label(key: Key, point: tuple[float, float]) -> tuple[float, float] | None:
        return None if key == ("m2", "img05.png", "nose") else point

    project = small(root, sessions=(Session("m1", bodyparts=PARTS[:3]), "m2"), labels=label)
    if case == "never":
        return Outcome(project, (*NO_VIDEOS, "--visibility", "never"), check=_no_visible)
    empty = {"occluded": "1", "unlabeled": "0"}[case]

    def check(target: Path, _: Result) -> None:
        visible = read_visible(target)
        hidden = "labeled-data/m2/img00000005.png", "nose"
        expected = {
            (path, part): empty if (path, part) == hidden else "0" if (part == "tail" and "/m1/" in path) else "2"
            for path, part in visible
        }
        assert visible == expected
        assert len(visible) == 24

    return Outcome(project, (*NO_VIDEOS, "--nan-means", case), notes={"visible-column"}, check=check)


def _no_visible(target: Path, _: Result) -> None:
    assert not read_visible(target)


@variant(20, "bodypart that the config does not know")
def bodypart_not_in_config(root: Path) -> Outcome:
    """DeepLabCut drops it in training; here it stays."""
    return Outcome(
        small(root, config={"bodyparts": list(PARTS[:3])}, skeleton=()),
        warnings={"keypoint-not-in-config"},
        says={"keypoint-not-in-config": ("tail", "6 times")},
    )


@variant(21, "renamed bodypart", "in all folders", "in one")
def renamed_bodypart(root: Path, case: str) -> Outcome:
    """``snout`` in the config, ``nose`` in old files: nothing is joined that nobody said is one keypoint."""
    new = ("snout", *PARTS[1:])
    if case == "in all folders":
        return Outcome(
            small(root, config={"bodyparts": list(new)}, skeleton=()),
            warnings={"keypoint-not-in-config", "keypoint-without-column"},
            says={"keypoint-not-in-config": ("nose", "renamed"), "keypoint-without-column": ("snout",)},
            keypoints=(*PARTS[1:], "nose"),
        )
    project = small(root, sessions=("m1", Session("m2", bodyparts=new)), config={"bodyparts": list(new)}, skeleton=())
    return Outcome(
        project,
        warnings={"keypoint-not-in-config"},
        notes={"visible-column"},
        says={"keypoint-not-in-config": ("nose",), "visible-column": ("m1 (snout)", "m2 (nose)")},
        keypoints=(*new, "nose"),
    )


def _doubled(session: str, table: pd.DataFrame) -> pd.DataFrame:
    return table if session == "m2" else pd.concat([table, table.iloc[:, :2]], axis=1)


@variant(22, "duplicate column", "in one folder", "in all", "in the csv alone")
def duplicate_column(root: Path, case: str) -> Outcome:
    if case == "in the csv alone":
        project = small(root, sessions=("m1",), layout="flat")
        _doubled("m1", pd.read_hdf(project.label_file("m1", "h5"))).to_csv(project.label_file("m1", "csv"))
        warnings = {"duplicate-keypoint", "label-file-unreadable"}
        return Outcome(project, warnings=warnings, says={"duplicate-keypoint": ("nose x", "2 times")})
    sessions = ("m1",) if case == "in all" else ("m1", "m2")
    project = small(root, sessions=sessions, edit_table=_doubled, files=("csv",))  # pandas writes no such HDF5
    if case == "in all":
        return Outcome(project, exit_code=3, errors={"no-labels", "duplicate-keypoint"})
    labels = labels_of(project, where=lambda key: key[0] == "m2")
    return Outcome(
        project,
        exit_code=1,
        errors={"duplicate-keypoint"},
        says={"duplicate-keypoint": ("nose y", "2 times")},
        labels=labels,
        n_source=len(labels),
    )


@variant(23, "unnamed column", "empty", "numbers", "labels", "index of the csv")
def unnamed_column(root: Path, case: str) -> Outcome:
    """What a re-save with too few index columns leaves (napari-deeplabcut issue 188)."""
    if case == "index of the csv":
        project = small(root, sessions=("m1",), files=("csv",), layout="three")
        path = project.label_file("m1", "csv")
        table = pd.read_csv(path, header=[0, 1, 2], index_col=0)
        table.to_csv(path)
        assert "Unnamed: 1_level_0" in path.read_text()
        return Outcome(project)

    def add(session: str, table: pd.DataFrame) -> pd.DataFrame:
        if session == "m2":
            return table
        table = table.copy()
        if case == "labels":
            for coord in "xy":
                table["Anna", "Unnamed: 9_level_1", coord] = 5.0
        else:
            table[tuple(f"Unnamed: 9_level_{k}" for k in range(3))] = 5.0 if case == "numbers" else math.nan
        return table

    project = small(root, edit_table=add)
    if case != "labels":
        return Outcome(project, warnings={"unnamed-columns"})
    return Outcome(
        project,
        exit_code=1,
        errors={"unnamed-columns"},
        says={"unnamed-columns": ("3 labelled points",)},
        n_source=len(project.labels) + 3,
    )


@variant(24, "numeric bodyparts", "fixed", "table", "csv")
def numeric_bodyparts(root: Path, case: str) -> Outcome:
    parts = ("1", "2", "10")
    project = small(
        root,
        bodyparts=parts,
        config={"bodyparts": [1, 2, 10]},
        edit_table=None if case == "csv" else _with_bodyparts({part: int(part) for part in parts}),
        files=("csv",) if case == "csv" else ("csv", "h5"),
        layout="flat",
        h5_format="table" if case == "table" else "fixed",
    )
    return Outcome(project)


def _with_bodyparts(names: dict[str, object]):
    """Bodyparts under other names, in both files."""

    def rename(_: str, table: pd.DataFrame) -> pd.DataFrame:
        tuples = [(scorer, names[part], coord) for scorer, part, coord in table.columns]
        return table.set_axis(pd.MultiIndex.from_tuples(tuples, names=table.columns.names), axis=1)

    return rename


@variant(25, "bodyparts that YAML takes for truth values")
def truth_values(root: Path) -> Outcome:
    project = small(root, bodyparts=("no", "on", "off", "yes", "null"))
    text = project.config.read_text()
    assert "- no\n- on\n- off\n- yes\n" in text
    project.config.write_text(text.replace("- 'null'", "- null"))
    return Outcome(project, warnings=("keypoint-name-odd",))  # of which the app's dialog makes truth values


@variant(26, "bodyparts with commas, quotes, slashes, blanks and other scripts")
def odd_names(root: Path) -> Outcome:
    names = ("tail, base", 'the "nose"', "ear/left", "Schnauze ü", "鼻", "l'œil", "a.1", "#1")
    return Outcome(small(root, bodyparts=names, size_px=(256, 96), skeleton=(names[:2],)))


def _odd_points(root: Path, points: dict[str, tuple[float, float] | None]) -> BuiltProject:
    """Points of one frame of m1 put elsewhere."""
    return small(root, labels={("m1", "img05.png", part): point for part, point in points.items()})


@variant(34, "labels outside the image, at zero, below zero")
def outside(root: Path) -> Outcome:
    project = _odd_points(
        root, {"nose": (-3.2, 10.0), "ear_left": (1e4, 5.5), "ear_right": (0.0, 20.0), "tail": (128.0, 96.0)}
    )
    return Outcome(
        project,
        warnings={"label-outside-image", "label-at-zero"},
        says={"label-outside-image": ("m1", "3 labelled points", "img05.png"), "label-at-zero": ("m1",)},
    )


@variant(35, "half points", "h5", "csv")
def half_points(root: Path, kind: str) -> Outcome:
    project = small(
        root,
        labels={("m1", "img05.png", "nose"): (12.0, math.nan), ("m2", "img05.png", "tail"): (math.nan, 7.0)},
        files=(kind,),
    )
    return Outcome(project, warnings={"half-point"}, says={"half-point": ("img05.png, nose", "x = 12.0")})


@variant(36, "points parked in the corner")
def corner(root: Path) -> Outcome:
    """Where the refinement tool of DeepLabCut puts points that are to be deleted (``corner2move2``)."""
    project = _odd_points(root, {"nose": (50.0, 50.0), "tail": (50.0, 50.0)})
    return Outcome(project, warnings={"labels-at-corner"}, says={"labels-at-corner": ("2 labelled points", "50, 50")})


@variant(95, "names that differ in blanks or case")
def near_names(root: Path) -> Outcome:
    project = small(root, bodyparts=("snout", "snout ", "Tail", "tail"), skeleton=())
    return Outcome(project, warnings={"keypoint-names-alike"}, says={"keypoint-names-alike": ("'snout', 'snout '",)})
