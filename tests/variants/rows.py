"""Rows 1 to 11, 27 and 28: what the rows of a label file are called, and which image each of them is."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pandas as pd
from builder import Session
from targets import read_labels

from variants.table import NO_VIDEOS, Outcome, labels_of, small, variant


@variant(1, "flat index", "h5", "csv")
def flat_index(root: Path, kind: str) -> Outcome:
    return Outcome(small(root, layout="flat", files=(kind,)))


@variant(2, "index of three columns", "h5", "csv")
def three_columns(root: Path, kind: str) -> Outcome:
    return Outcome(small(root, layout="three", files=(kind,)))


@variant(3, "name only", "h5", "csv")
def name_only(root: Path, kind: str) -> Outcome:
    return Outcome(small(root, layout="name", files=(kind,)))


@variant(4, "Windows separators", "windows", "mixed")
def windows_flat(root: Path, layout: str) -> Outcome:
    return Outcome(small(root, layout=layout))


@variant(5, "mangled prefix")
def mangled_prefix(root: Path) -> Outcome:
    """The wx GUI cut ``/data/labeled_mice/proj/labeled-data/m1/img02.png`` at its first "labeled"."""

    def mangle(session: str, table: pd.DataFrame) -> pd.DataFrame:
        return table if session == "m2" else table.set_axis(["labeled_mice/proj/"] * len(table), axis=0)

    project = small(root, layout="flat", edit_table=mangle)
    return Outcome(
        project,
        exit_code=1,
        errors={"row-without-image"},
        labels=labels_of(project, where=lambda key: key[0] == "m2"),
        says={"row-without-image": ("3 rows", "12 labelled points", "labeled_mice/proj/")},
    )


@variant(6, "absolute path index", "absolute", "windows-absolute")
def absolute_index(root: Path, layout: str) -> Outcome:
    return Outcome(small(root, layout=layout))


@variant(7, "index names another folder", "images here", "images there", "images nowhere")
def other_folder(root: Path, case: str) -> Outcome:
    """A renamed folder; labels saved into the wrong folder; and labels whose images are in neither."""
    project = small(root, sessions=("m1", "m2"), layout="flat")
    labels = labels_of(project)
    if case == "images here":
        project.folder("m2").rename(project.folder("renamed"))
        edited = {(("renamed", *key[1:]) if key[0] == "m2" else key): point for key, point in labels.items()}
        images = {("renamed" if s == "m2" else s, i): n for (s, i), n in project.frame_index.items()}
        project.frame_index.clear()
        project.frame_index.update(images)
        return Outcome(
            project,
            warnings={"index-names-other-folder"},
            labels=edited,
            says={"index-names-other-folder": ("3 of 3 rows", "'m2' in 3", "'renamed'")},
        )
    wrong = project.root / "labeled-data" / "wrong"
    wrong.mkdir()
    for kind in ("csv", "h5"):
        path = project.label_file("m2", kind)
        shutil.move(path, wrong / path.name)
    if case == "images there":
        return Outcome(project, notes={"labels-in-other-folder"})
    for image in project.rows["m2"]:
        project.image("m2", image).unlink()
    return Outcome(
        project,
        exit_code=1,
        errors={"missing-image"},
        notes={"folder-empty"},
        labels={key: point for key, point in labels.items() if key[0] == "m1"},
        says={"missing-image": ("wrong/img02.png", "or in m2", "4 labelled points")},
    )


@variant(8, "numeric folder", "h5", "csv")
def numeric_folder(root: Path, kind: str) -> Outcome:
    return Outcome(small(root, sessions=("007", "7"), files=(kind,)))


@variant(9, "first row unlabeled", "three", "flat", "three, kept", "flat, kept", "below named index levels")
def first_row_unlabeled(root: Path, case: str) -> Outcome:
    """pandas takes the row for the names of the index, which look the same, and drops the frame."""

    def name_levels(_: str, table: pd.DataFrame) -> pd.DataFrame:
        return table.rename_axis(index=["data", "video", "image"]) if case.startswith("below") else table

    project = small(
        root,
        layout="flat" if case.startswith("flat") else "three",
        files=("csv",),
        labels=lambda key, point: None if key[1] == "img02.png" else point,
        edit_table=name_levels,
    )
    if case in {"three", "flat"}:
        return Outcome(project)
    first = {(session, "img02.png") for session in project.sessions}
    return Outcome(project, (*NO_VIDEOS, "--empty-frames", "keep"), empty_rows=first)


@variant(10, "only unlabeled rows", "nowhere a label", "one folder", "keep", "drop")
def only_unlabeled_rows(root: Path, case: str) -> Outcome:
    everywhere = case == "nowhere a label"
    project = small(root, labels=lambda key, point: None if everywhere or key[0] == "m1" else point)
    if everywhere:
        return Outcome(project, exit_code=3, errors={"no-labels"}, says={"no-labels": ("6 frames",)})
    rows = {("m1", image) for image in project.rows["m1"]}
    match case:
        case "keep":
            return Outcome(project, (*NO_VIDEOS, "--empty-frames", "keep"), empty_rows=rows, notes={"visible-column"})
        case "drop":
            return Outcome(project, (*NO_VIDEOS, "--empty-frames", "drop"), not_queued=rows)
        case _:
            return Outcome(project)


@variant(11, "one labeled frame", "three", "flat", "name")
def one_frame(root: Path, layout: str) -> Outcome:
    return Outcome(small(root, frames=(5,), layout=layout, files=("csv",)))


@variant(27, "duplicated rows", "equal", "different", "labelled once")
def duplicated_rows(root: Path, case: str) -> Outcome:
    def repeat(session: str, table: pd.DataFrame) -> pd.DataFrame:
        if session == "m2":
            return table
        again = table.iloc[[1]].copy()
        if case == "different":
            again.iloc[0, 0] += 1
        elif case == "labelled once":
            again[:] = math.nan
        return pd.concat([table, again])

    project = small(root, edit_table=repeat)
    if case == "different":
        x, _ = project.labels["m1", "img05.png", "nose"]
        return Outcome(
            project,
            exit_code=3,
            errors={"conflicting-rows"},
            says={"conflicting-rows": ("img05.png", "nose", *(repr(round(each, 3)) for each in (x, x + 1)))},
        )
    return Outcome(project, notes={"duplicate-row"})


@variant(28, "same frame number in two widths")
def two_widths(root: Path) -> Outcome:
    """``img44.png`` beside ``img0044.png``: perhaps the same frame, perhaps of another version of the video."""
    wide = small(root.with_name("wide"), sessions=("m1",), image_name=lambda index, n: f"img{index:04d}.png")
    project = small(root, sessions=("m1", Session("m2")))
    for name in ("img0005.png", "img0009.png"):
        shutil.copy(wide.image("m1", name), project.image("m1", name))
        project.frame_index["m1", name] = wide.frame_index["m1", name]
        project.labels.update({key: point for key, point in wide.labels.items() if key[1] == name})
    path, other = project.label_file("m1", "h5"), wide.label_file("m1", "h5")
    table = pd.concat([pd.read_hdf(path), pd.read_hdf(other).iloc[1:]])
    table.to_hdf(path, key="df_with_missing", format="fixed", mode="w")
    table.to_csv(path.with_suffix(".csv"))

    def check(target: Path, _: object) -> None:
        names = {path.rpartition("/")[2] for path, _ in read_labels(target) if "/m1/" in path}
        assert len(names) == 5

    return Outcome(
        project,
        warnings={"frame-number-twice"},
        says={"frame-number-twice": ("2 images",)},
        names={("m1", "img05.png"): "img-b00000005.png", ("m1", "img09.png"): "img-b00000009.png"},
        check=check,
    )
