"""Rows 68 to 84: label files of every format and in every state, and which of several counts."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from builder import BuiltProject, Session
from command import Result
from targets import read_queue

from variants.table import NO_VIDEOS, Outcome, labels_of, small, variant

PY2 = Path(__file__).resolve().parents[2] / "fixtures" / "hdf"


def rewrite(
    project: BuiltProject, change: Callable[[pd.DataFrame], pd.DataFrame] = lambda table: table, **how: object
) -> None:
    """Write the label files of every session again, changed or in another form."""
    for session in project.sessions:
        path = project.label_file(session, "h5")
        table = change(pd.read_hdf(path))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pandas tells about objects, which is what they are here for
            table.to_hdf(path, **({"key": "df_with_missing", "format": "fixed", "mode": "w"} | how))
        if path.with_suffix(".csv").exists():
            table.to_csv(path.with_suffix(".csv"))


@variant(68, "HDF5 table")
def h5_table(root: Path) -> Outcome:
    return Outcome(small(root, layout="flat", h5_format="table", files=("h5",)))


@variant(69, "HDF5 of three index levels")
def h5_fixed(root: Path) -> Outcome:
    return Outcome(small(root, layout="three", h5_format="fixed", files=("h5",)))


@variant(70, "key of napari", "three", "name")
def napari_key(root: Path, layout: str) -> Outcome:
    return Outcome(small(root, h5_key="keypoints", layout=layout, files=("h5",)))


@variant(71, "two keys in one file")
def two_keys(root: Path) -> Outcome:
    """``convert2_maDLC`` adds its own to the file of napari-deeplabcut, and its own is the newer."""
    project = small(root, files=("h5",))
    rewrite(project, lambda table: table + 1, key="keypoints", mode="a")
    return Outcome(project, notes={"h5-several-keys"})


@variant(72, "values of other types", "objects", "objects with None", "integers", "float32", "mixed")
def other_types(root: Path, case: str) -> Outcome:
    def as_is(table: pd.DataFrame) -> pd.DataFrame:
        match case:
            case "objects":
                return table.astype(object)
            case "objects with None":
                return table.astype(object).where(table.notna(), None)
            case "integers":
                return table.astype(np.int64)
            case "float32":
                return table.astype(np.float32)
            case _:
                return table.astype({table.columns[0]: np.int64, table.columns[3]: np.float32})

    project = small(
        root,
        files=("h5",),
        labels=lambda key, point: None if case == "objects with None" and key[1:] == ("img05.png", "nose") else point,
    )
    rewrite(project, as_is)
    for session in project.sessions:  # the truth is what this type can hold
        table = pd.read_hdf(project.label_file(session, "h5"))
        for row, image in enumerate(project.rows[session]):
            for k, part in enumerate(project.bodyparts):
                if (session, image, part) in project.labels:
                    x, y = table.iloc[row, 2 * k : 2 * k + 2]
                    project.labels[session, image, part] = (float(x), float(y))
    return Outcome(project)


@variant(73, "HDF5 of Python 2", "py2_table_flat", "py2_fixed_flat", "py2_fixed_three", "py2_fixed_objects")
def python_2(root: Path, name: str) -> Outcome:
    """Files of real Python 2.7 and pandas 0.24, which pandas 3 can't read."""
    parts = ("snout", "tail base")
    project = small(
        root,
        sessions=("m4s1",),
        bodyparts=parts,
        skeleton=(),
        frames=(0, 7, 744),
        files=("h5",),
        image_name=lambda index, n: f"img{index:04d}.png",
    )
    shutil.copy(PY2 / f"{name}.h5", project.label_file("m4s1", "h5"))
    expected = json.loads((PY2 / "py2_expected.json").read_text(encoding="utf-8"))[name]
    project.labels.clear()
    for (*_, path), values in zip(expected["rows"], expected["values"], strict=True):
        for k, part in enumerate(parts):
            if None not in values[2 * k : 2 * k + 2]:
                project.labels["m4s1", path.rpartition("/")[2], part] = tuple(values[2 * k : 2 * k + 2])
    assert project.labels
    return Outcome(project)


@variant(74, "damaged HDF5", "aborted", "truncated", "empty", "no csv beside it")
def damaged_h5(root: Path, case: str) -> Outcome:
    """The CSV beside it has the labels; where there is none, they are lost and the tool says so."""
    files = ("h5",) if case == "no csv beside it" else ("csv", "h5")
    project = small(root, sessions=("m1", Session("m2", files=files)), layout="three")
    path = project.label_file("m2", "h5")
    table = pd.read_hdf(path)
    if case == "aborted":
        path.unlink()
        try:
            table.to_hdf(path, key="df_with_missing", format="table", mode="w")
        except ValueError:
            assert path.stat().st_size > 0  # pandas refuses three levels, and leaves the group behind
    else:
        path.write_bytes(b"" if case == "empty" else path.read_bytes()[:2000])
    code = "h5-aborted" if case == "aborted" else "h5-unreadable"
    if files == ("h5",):
        labels = labels_of(project, where=lambda key: key[0] == "m1")
        unread = [frame for frame in project.frame_index if frame[0] == "m2"]
        return Outcome(project, exit_code=1, errors={code}, labels=labels, n_source=len(labels), not_queued=unread)
    says = {"label-file-unreadable": ("m2", "come from the CSV")}
    if case == "truncated":
        says[code] = ("m2", "cut off: 2000 of ")
    return Outcome(project, warnings={code, "label-file-unreadable"}, says=says)


class _Payload:
    """What a hostile file asks to be done."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


@variant(75, "code in an HDF5 attribute", "unused", "needed")
def hostile(root: Path, case: str) -> Outcome:
    """pandas would run it. An attribute that is not needed is told, one that is needed makes the file unreadable."""
    project = small(root, sessions=("m1",), layout="flat", h5_format="table")
    marker = root.with_name("pwned")
    with h5py.File(project.label_file("m1", "h5"), "r+") as file:
        name = "TITLE" if case == "unused" else "non_index_axes"
        file["df_with_missing"].attrs[name] = np.bytes_(pickle.dumps(_Payload(marker), protocol=0))

    def check(target: Path, _: Result) -> None:
        assert not marker.exists()

    codes = {"h5-hidden-code"} if case == "unused" else {"h5-unsafe", "label-file-unreadable"}
    return Outcome(project, warnings=codes, check=check)


@variant(76, "csv differs from HDF5", "h5", "csv", "newest")
def csv_differs(root: Path, truth: str) -> Outcome:
    project = small(root, sessions=("m1",), layout="flat")
    path = project.label_file("m1", "csv")
    table = pd.read_csv(path, header=[0, 1, 2], index_col=0)
    table.iloc[1, 0], table.iloc[2, 6] = 1.5, 2.5
    table.to_csv(path)
    os.utime(path, ns=(2 * 10**18, 2 * 10**18))
    used = "H5" if truth == "h5" else "CSV"
    if used == "CSV":
        project.labels["m1", "img05.png", "nose"] = (1.5, project.labels["m1", "img05.png", "nose"][1])
        project.labels["m1", "img09.png", "tail"] = (2.5, project.labels["m1", "img09.png", "tail"][1])
    return Outcome(
        project,
        (*NO_VIDEOS, "--labels", truth),
        warnings={"csv-differs-from-h5"},
        says={"csv-differs-from-h5": ("2 labelled cells", "img05.png nose", "1.5", f"used the {used}")},
    )


@variant(77, "only csv or only HDF5", "csv", "h5", "each in one folder")
def one_kind(root: Path, case: str) -> Outcome:
    if case == "each in one folder":
        return Outcome(small(root, sessions=(Session("m1", files=("csv",)), Session("m2", files=("h5",)))))
    return Outcome(small(root, files=(case,)))


@variant(78, "several label files in a folder", "backups", "other labeler", "chosen", "ask")
def several_files(root: Path, case: str) -> Outcome:
    """Backups and other labelers are left aside by name; where the config's scorer has no file, somebody must say."""
    names = {
        "backups": ("Annawindows", "Annasingleanimal", "Anna - Copy", "Anna_old", "Anna_individuals"),
        "other labeler": ("Bob",),
        "chosen": ("Bob",),
        "ask": ("Bob",),
    }[case]
    project = small(root, other_scorers=names, config={"scorer": "Clara"} if case == "ask" else None)
    for path in (root / "labeled-data").glob("*/CollectedData_*"):
        if path.suffix == ".h5" and path.stem != "CollectedData_Anna":
            (pd.read_hdf(path) + 100).to_hdf(path, key="df_with_missing", format="fixed", mode="w")
            pd.read_hdf(path).to_csv(path.with_suffix(".csv"))
    if case == "ask":
        return Outcome(
            project,
            exit_code=3,
            errors={"several-label-files"},
            says={"several-label-files": ("Anna", "Bob", "'Clara'", "--scorer NAME")},
        )
    if case == "chosen":
        labels = {key: (x + 100, y + 100) for key, (x, y) in project.labels.items()}
        options = (*NO_VIDEOS, "--scorer", "Bob")
        return Outcome(project, options, warnings={"other-label-files", "label-outside-image"}, labels=labels)
    return Outcome(project, warnings={"other-label-files"}, says={"other-label-files": names})


@variant(79, "no file of the config's scorer", "one other", "one other and its backup", "another in each folder")
def renamed_scorer(root: Path, case: str) -> Outcome:
    match case:
        case "one other":
            project = small(root, config={"scorer": "Clara"})
            return Outcome(
                project,
                warnings={"scorer-differs"},
                says={"scorer-differs": ("CollectedData_Anna", "CollectedData_Clara")},
            )
        case "one other and its backup":
            project = small(root, config={"scorer": "Clara"}, other_scorers=("Anna_old",))
            return Outcome(project, warnings={"scorer-differs", "other-label-files"})
        case _:
            project = small(root, sessions=(Session("m1", scorer="Bob"), "m2"))
            return Outcome(project, warnings={"scorer-differs"}, says={"scorer-differs": ("m1", "CollectedData_Bob")})


@variant(80, "scorer in the file is not that of its name")
def scorer_in_file(root: Path) -> Outcome:
    project = small(root)
    rewrite(project, lambda table: table.rename(columns={"Anna": "Bob"}, level="scorer"))
    return Outcome(
        project, warnings={"scorer-in-file-differs"}, says={"scorer-in-file-differs": ("'Bob'", "'Anna'", "m1")}
    )


@variant(81, "two scorers in one file", "config's", "chosen", "ask")
def two_scorers(root: Path, case: str) -> Outcome:
    def add(table: pd.DataFrame) -> pd.DataFrame:
        other = (table + 3).rename(columns={"Anna": "Bob"}, level="scorer")
        return pd.concat([other, table], axis=1)

    project = small(root, config={"scorer": "Clara"} if case == "ask" else None)
    rewrite(project, add)
    match case:
        case "ask":
            return Outcome(
                project,
                exit_code=3,
                errors={"several-scorers"},
                warnings={"scorer-differs"},
                says={"several-scorers": ("Bob, Anna", "'Clara'", "--scorer NAME")},
            )
        case "chosen":
            labels = {key: (x + 3, y + 3) for key, (x, y) in project.labels.items()}
            return Outcome(project, (*NO_VIDEOS, "--scorer", "Bob"), warnings={"other-scorers"}, labels=labels)
        case _:
            return Outcome(project, warnings={"other-scorers"}, says={"other-scorers": ("Anna", "Bob")})


@variant(82, "only machine labels", "everywhere", "one folder", "ignored")
def machine_labels(root: Path, case: str) -> Outcome:
    """Predictions are no labels: they become suggestions in the queue of the Lightning Pose app."""
    project = small(root, extras=("machinelabels",), sessions=("m1",) if case == "everywhere" else ("m1", "m2"))
    for path in project.folder("m1").glob("CollectedData*"):
        path.unlink()
    if case == "everywhere":
        return Outcome(
            project, exit_code=3, errors={"no-labels"}, says={"no-labels": ("machine labels that were never refined",)}
        )
    labels = labels_of(project, where=lambda key: key[0] == "m2")

    def check(target: Path, _: Result) -> None:
        queue = read_queue(target)
        assert queue.keys() == {f"labeled-data/m1/img{index:08d}.png" for index in (2, 5, 9)}
        for entry in queue.values():
            if case == "ignored":
                assert entry["predictions"] is None
            else:
                assert entry["predictions"]["model_name"].startswith("DLC_resnet50")
                assert len(entry["predictions"]["predictions"]) == 4

    options = (*NO_VIDEOS, "--machine-labels", "ignore") if case == "ignored" else NO_VIDEOS
    return Outcome(project, options, labels=labels, n_source=len(labels), check=check)


@variant(
    83,
    "csv from a spreadsheet",
    "semicolons",
    "tabs",
    "decimal commas",
    "BOM",
    "CRLF",
    "trailing commas",
    "blank lines",
    "UTF-16",
)
def spreadsheet(root: Path, case: str) -> Outcome:
    project = small(root, sessions=("m1",), files=("csv",), layout="flat")
    path = project.label_file("m1", "csv")
    text = path.read_text()
    changed = {
        "semicolons": text.replace(",", ";"),
        "tabs": text.replace(",", "\t"),
        "decimal commas": text.replace(",", ";").replace(".png", "@").replace(".", ",").replace("@", ".png"),
        "BOM": "\ufeff" + text,
        "CRLF": text.replace("\n", "\r\n"),
        "trailing commas": text.replace("\n", ",,,,\n"),
        "blank lines": text.replace("\n", "\n\n,,,\n"),
        "UTF-16": text.replace(",", "\t"),
    }[case]
    path.write_bytes(changed.encode("utf-16" if case == "UTF-16" else "utf-8"))
    notes = {"decimal commas": {"csv-decimal-comma"}, "UTF-16": {"csv-encoding"}}.get(case, ())
    return Outcome(project, notes=notes)


@variant(84, "cells that mean empty", *("NaN", "nan", "blank", "#N/A", "None", "NULL"))
def empty_cells(root: Path, text: str) -> Outcome:
    project = small(
        root,
        sessions=("m1",),
        files=("csv",),
        layout="flat",
        labels=lambda key, point: None if key[1:] == ("img05.png", "ear_left") else point,
    )
    path = project.label_file("m1", "csv")
    content = path.read_text()
    assert content.count(",,") == 1
    path.write_text(content.replace(",,,", f",{text},{text},".replace("blank", " ")))
    assert ",,," not in path.read_text()
    return Outcome(project)
